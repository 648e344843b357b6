//! What all lists are asked with: a filter, a time range, an order, a page.

use clearspan_model::{ProjectId, UnixNanos, WorkspaceId};
use clearspan_query::{Expr, Field, text};
use clearspan_store::{Cursor, Order, RunQuery, Scope, Selection, SortKey, TimeRange, Unit};
use serde::Deserialize;
use utoipa::IntoParams;

use super::cursor;
use super::error::{ApiError, ErrorCode, Result};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 1_000;

/// Which rows of a project.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Filter text, for example `status:error cost:>0.50 model:claude-*`. Words outside of fields are searched in every
    /// text of a run: `refund policy`, `"a phrase"`, `prefix*`, `/reg(ex|ular)/`; of traces, in any of their runs.
    /// Words are found however their accents are encoded; a regular expression searches the text as it is.
    /// A page may hold fewer rows than asked for, even none, while `next_cursor` says that there are more: a
    /// search that finds little ends its page after some seconds.
    pub(crate) q: Option<String>,
    /// `15m`, `1h`, `24h`, `7d`, …, `all` (the default), or `<from>..<to>` in RFC 3339 or microseconds, either of
    /// which may be empty.
    pub(crate) t: Option<String>,
    /// `start`, `latency`, `cost` or `tokens`; a `-` in front turns it round. The default is `-start`.
    pub(crate) sort: Option<String>,
    /// How many rows, at most 1000. The default is 50.
    pub(crate) limit: Option<usize>,
    /// `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
}

/// Which rows of a project, without order and page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SelectionParams {
    /// Filter text.
    pub(crate) q: Option<String>,
    /// Time range.
    pub(crate) t: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistogramParams {
    /// Filter text.
    pub(crate) q: Option<String>,
    /// Time range.
    pub(crate) t: Option<String>,
    /// How many buckets, at most 500. The default is 60.
    pub(crate) buckets: Option<u32>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StatsParams {
    /// Filter text.
    pub(crate) q: Option<String>,
    /// Time range.
    pub(crate) t: Option<String>,
    /// `traces` (the default) or `runs`.
    pub(crate) of: Option<String>,
}

/// The rows of one project that a filter and a time range select.
pub(crate) fn selection(
    workspace_id: WorkspaceId,
    project_id: ProjectId,
    q: Option<&str>,
    t: Option<&str>,
    now: UnixNanos,
) -> Result<Selection> {
    Ok(Selection {
        scope: Scope { workspace_id, project_ids: Some(vec![project_id]) },
        range: parse_range(t, now)?,
        filter: parse_filter(q)?,
    })
}

impl ListParams {
    /// The page that is asked for.
    pub(crate) fn query(&self, selection: Selection, unit: Unit) -> Result<RunQuery> {
        let order = parse_order(self.sort.as_deref())?;
        Ok(RunQuery {
            selection,
            order,
            after: self.cursor.as_deref().map(|cursor| decode_cursor(cursor, order, unit)).transpose()?,
            limit: clamp_limit(self.limit),
        })
    }
}

pub(crate) fn clamp_limit(limit: Option<usize>) -> usize {
    clamp_to(limit, DEFAULT_LIMIT, MAX_LIMIT)
}

/// How many are given when so many are asked for.
pub(crate) fn clamp_to(asked: Option<usize>, default: usize, most: usize) -> usize {
    asked.unwrap_or(default).clamp(1, most)
}

/// Nothing to test gives no expression, which engines answer faster.
pub(crate) fn parse_filter(q: Option<&str>) -> Result<Option<Expr>> {
    let expr = text::parse(q.unwrap_or_default()).map_err(|diagnostics| {
        let first = diagnostics.first().map(ApiError::filter);
        first.unwrap_or_else(|| ApiError::new(ErrorCode::InvalidFilter, "the filter cannot be read"))
    })?;
    Ok(match expr {
        Expr::All(terms) if terms.is_empty() => None,
        expr => Some(expr),
    })
}

/// `24h`, `all`, or `from..to`.
pub(crate) fn parse_range(t: Option<&str>, now: UnixNanos) -> Result<TimeRange> {
    let text = t.unwrap_or_default().trim();
    if matches!(text, "" | "all") {
        return Ok(TimeRange::default());
    }
    let unusable = || {
        ApiError::parameter(
            "t",
            format_args!("is {text:?}; write 15m, 24h, 7d, all or <from>..<to> in RFC 3339"),
        )
    };
    if let Some((from, to)) = text.split_once("..") {
        let end = |text: &str| match text.trim() {
            "" => Ok(None),
            text => text::parse_time(text).map(Some).ok_or_else(unusable),
        };
        return Ok(TimeRange { from: end(from)?, to: end(to)? });
    }
    Ok(TimeRange { from: Some(parse_ago(text, now).ok_or_else(unusable)?), to: None })
}

/// How long ago: `15m`, `24h`, `7d`, `2w`.
pub(crate) fn parse_ago(text: &str, now: UnixNanos) -> Option<UnixNanos> {
    let (at, unit) = text.char_indices().next_back()?;
    let seconds: i64 = match unit {
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let amount: u32 = text.get(..at)?.parse().ok()?;
    let nanos = seconds.saturating_mul(1_000_000_000).saturating_mul(amount.into());
    Some(UnixNanos::from_nanos(now.as_nanos().saturating_sub(nanos)))
}

fn parse_order(sort: Option<&str>) -> Result<Order> {
    let text = sort.unwrap_or("-start");
    let (key, descending) = text.strip_prefix('-').map_or((text, false), |key| (key, true));
    let by = match key {
        "start" => SortKey::Start,
        "latency" => SortKey::Latency,
        "cost" => SortKey::Cost,
        "tokens" => SortKey::Tokens,
        _ => {
            let problem =
                format_args!("is {text:?}; it can be start, latency, cost or tokens, with a - in front");
            return Err(ApiError::parameter("sort", problem));
        }
    };
    Ok(Order { by, descending })
}

/// A cursor as an opaque word of a URL.
pub(crate) fn encode_cursor(cursor: &Cursor) -> String {
    cursor::write(cursor)
}

/// A cursor that was made by the same list in the same order.
pub(crate) fn decode_cursor(text: &str, order: Order, unit: Unit) -> Result<Cursor> {
    let cursor: Cursor = cursor::read(text)?;
    if cursor.order != order {
        return Err(cursor::invalid("belongs to another order"));
    }
    if cursor.run_id.is_some() != (unit == Unit::Runs) {
        return Err(cursor::invalid("belongs to another list"));
    }
    Ok(cursor)
}

/// The filter without the terms that speak of this field alone: what a facet of the field counts under.
pub(crate) fn without_field(filter: Option<&Expr>, field: &Field) -> Option<Expr> {
    let terms = match filter? {
        Expr::All(terms) => terms.clone(),
        expr => vec![expr.clone()],
    };
    let mut kept: Vec<Expr> = terms.into_iter().filter(|term| !is_about(term, field)).collect();
    if kept.len() <= 1 { kept.pop() } else { Some(Expr::All(kept)) }
}

fn is_about(expr: &Expr, field: &Field) -> bool {
    match expr {
        Expr::Test(tested, _) => tested == field,
        Expr::Not(inner) => is_about(inner, field),
        Expr::All(terms) | Expr::Any(terms) => {
            !terms.is_empty() && terms.iter().all(|term| is_about(term, field))
        }
        Expr::AnyRun(_) | Expr::Root(_) => false,
    }
}

#[cfg(test)]
mod tests;
