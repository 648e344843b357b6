//! The body of `POST /runs/query` and `POST /runs/stats`: which runs.

use clearspan_model::{ProjectId, RunId, RunType, TraceId, UnixNanos, WorkspaceId};
use clearspan_query::{Expr, Field, Literal, Op, langsmith};
use clearspan_store::{Order, Scope, Selection, SortKey, TimeRange};
use serde::Deserialize;
use serde_json::Value;

use crate::api::error::{ApiError, ErrorCode, Result};

/// More than this LangSmith's cloud refuses; the SDKs page by cursor, so a smaller page only means more of them.
const MAX_LIMIT: usize = 100;

/// Every key may be missing or null.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RunsBody {
    session: Option<OneOrMany<ProjectId>>,
    id: Option<OneOrMany<RunId>>,
    trace: Option<OneOrMany<TraceId>>,
    parent_run: Option<RunId>,
    reference_example: Option<OneOrMany<Value>>,
    run_type: Option<String>,
    is_root: Option<Flag>,
    error: Option<Flag>,
    start_time: Option<String>,
    end_time: Option<String>,
    query: Option<String>,
    search_filter: Option<String>,
    filter: Option<String>,
    trace_filter: Option<String>,
    tree_filter: Option<String>,
    execution_order: Option<i64>,
    pub(super) select: Option<Vec<String>>,
    order: Option<String>,
    limit: Option<u64>,
    pub(super) cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

impl<T> OneOrMany<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::Many(many) => many,
            Self::One(one) => vec![one],
        }
    }
}

/// JavaScript users write 1 and 0.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Flag {
    Bool(bool),
    Number(u8),
}

impl Flag {
    fn is_set(self) -> bool {
        match self {
            Self::Bool(yes) => yes,
            Self::Number(number) => number != 0,
        }
    }
}

impl RunsBody {
    pub(super) fn limit(&self) -> usize {
        self.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(MAX_LIMIT).clamp(1, MAX_LIMIT)
    }

    /// By start time, the newest first unless asked otherwise.
    pub(super) fn order(&self) -> Result<Order> {
        let descending = match self.order.as_deref() {
            None | Some("desc") => true,
            Some("asc") => false,
            Some(other) => {
                return Err(ApiError::parameter(
                    "order",
                    format_args!("is {other:?}; it can be asc or desc"),
                ));
            }
        };
        Ok(Order { by: SortKey::Start, descending })
    }

    /// True when nothing can match: runs of examples do not exist yet.
    pub(super) fn is_about_examples(&self) -> bool {
        self.reference_example.is_some()
    }

    /// True when only roots are wanted: then the figures of whole traces can be asked for, as LangSmith counts what is
    /// below a run as its own. [`Self::selection`] selects traces in that case.
    pub(super) fn wants_roots(&self) -> bool {
        self.is_root.is_some_and(Flag::is_set) && self.id.is_none() && self.parent_run.is_none()
    }

    pub(super) fn selection(self, workspace_id: WorkspaceId) -> Result<Selection> {
        let wants_roots = self.wants_roots();
        let project_ids = self.session.map(OneOrMany::into_vec).filter(|ids| !ids.is_empty());
        let scope = Scope { workspace_id, project_ids };
        if let Some(ids) = self.id {
            // Documented: ids ignore all other conditions.
            let scope = Scope { workspace_id, project_ids: None };
            let ids = ids.into_vec().iter().map(|id| Literal::Id(*id.as_bytes())).collect();
            let filter = Expr::Test(Field::RunId, Op::In(ids));
            return Ok(Selection { scope, range: TimeRange::default(), filter: Some(filter) });
        }
        if self.query.is_some() || self.search_filter.is_some() {
            let message = "full-text search over runs (the key \"query\") is not supported yet; use filter";
            return Err(ApiError::new(ErrorCode::InvalidFilter, message));
        }
        let is_root = || Expr::Test(Field::IsRoot, Op::Eq(Literal::Bool(true)));
        let mut terms = Vec::new();
        if let Some(traces) = self.trace {
            let ids = traces.into_vec().iter().map(|id| Literal::Id(*id.as_bytes())).collect();
            terms.push(Expr::Test(Field::TraceId, Op::In(ids)));
        }
        if let Some(parent) = self.parent_run {
            terms.push(Expr::Test(Field::ParentRunId, Op::Eq(Literal::Id(*parent.as_bytes()))));
        }
        if let Some(name) = self.run_type {
            let run_type: RunType = name
                .parse()
                .map_err(|error| ApiError::parameter("run_type", format_args!("is {name:?}, {error}")))?;
            terms.push(Expr::Test(Field::RunType, Op::Eq(Literal::RunType(run_type))));
        }
        if let Some(flag) = self.is_root {
            terms.push(yes_or_no(is_root(), flag));
        }
        if let Some(flag) = self.error {
            terms.push(yes_or_no(Expr::Test(Field::Error, Op::Exists), flag));
        }
        match self.execution_order {
            None => {}
            Some(1) => terms.push(is_root()),
            Some(_) => {
                return Err(ApiError::parameter(
                    "execution_order",
                    "is no longer supported, except 1 for root runs",
                ));
            }
        }
        if let Some(filter) = parse_filter("filter", self.filter.as_deref())? {
            terms.push(filter);
        }
        if let Some(filter) = parse_filter("trace_filter", self.trace_filter.as_deref())? {
            terms.push(Expr::Root(Box::new(filter)));
        }
        if let Some(filter) = parse_filter("tree_filter", self.tree_filter.as_deref())? {
            terms.push(Expr::AnyRun(Box::new(filter)));
        }
        let range = TimeRange {
            from: parse_time("start_time", self.start_time.as_deref())?,
            // The end is inside.
            to: parse_time("end_time", self.end_time.as_deref())?
                .map(|to| UnixNanos::from_nanos(to.as_nanos().saturating_add(1))),
        };
        let filter = if terms.len() <= 1 { terms.pop() } else { Some(Expr::All(terms)) };
        let filter = if wants_roots { filter.map(over_traces) } else { filter };
        Ok(Selection { scope, range, filter })
    }
}

/// The same condition for traces: figures are those of the whole trace, everything else is the root's.
fn over_traces(filter: Expr) -> Expr {
    match filter {
        Expr::All(terms) => Expr::All(terms.into_iter().map(over_traces).collect()),
        Expr::Any(terms) => Expr::Any(terms.into_iter().map(over_traces).collect()),
        Expr::Not(inner) => Expr::Not(Box::new(over_traces(*inner))),
        Expr::Test(Field::Cost | Field::InputTokens | Field::OutputTokens | Field::TotalTokens, _)
        | Expr::AnyRun(_)
        | Expr::Root(_) => filter,
        Expr::Test(..) => Expr::Root(Box::new(filter)),
    }
}

fn yes_or_no(expr: Expr, flag: Flag) -> Expr {
    if flag.is_set() { expr } else { Expr::Not(Box::new(expr)) }
}

fn parse_filter(key: &str, text: Option<&str>) -> Result<Option<Expr>> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    langsmith::parse(text).map(Some).map_err(|diagnostic| {
        let mut error = ApiError::filter(&diagnostic);
        // The SDKs print the message only, so the place belongs into it.
        error.message = format!("{key}: {} (at character {})", error.message, diagnostic.span.start + 1);
        error
    })
}

fn parse_time(key: &str, text: Option<&str>) -> Result<Option<UnixNanos>> {
    let Some(text) = text else { return Ok(None) };
    let time = clearspan_query::text::parse_time(text);
    time.map(Some).ok_or_else(|| ApiError::parameter(key, format_args!("is {text:?}, which is no ISO time")))
}

#[cfg(test)]
mod tests;
