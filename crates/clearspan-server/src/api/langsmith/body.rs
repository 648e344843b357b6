//! The body of `POST /runs/query` and `POST /runs/stats`: which runs.

use clearspan_model::{ProjectId, RunId, TraceId, UnixNanos};
use clearspan_store::{Order, SortKey, TimeRange};
use serde::Deserialize;
use serde_json::Value;

use super::asked::{Asked, is_root};
use crate::api::error::{ApiError, Result};

const DEFAULT_LIMIT: usize = 100;
/// LangSmith's cloud refuses more; the SDKs page by cursor, so a smaller page only means more of them. Each may be large.
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
    limit: Option<i64>,
    pub(super) cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

impl<T> OneOrMany<T> {
    pub(super) fn into_vec(self) -> Vec<T> {
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
        let asked =
            self.limit.map_or(DEFAULT_LIMIT, |limit| usize::try_from(limit.max(1)).unwrap_or(MAX_LIMIT));
        asked.min(MAX_LIMIT)
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

    /// The conditions.
    pub(super) fn asked(self) -> Result<Asked> {
        let run_type = self.run_type.map(|name| {
            name.to_lowercase()
                .parse()
                .map_err(|error| ApiError::parameter("run_type", format_args!("is {name:?}, {error}")))
        });
        let also = match self.execution_order {
            None => None,
            Some(1) => Some(is_root()),
            Some(_) => {
                return Err(ApiError::parameter(
                    "execution_order",
                    "is no longer supported, except 1 for root runs",
                ));
            }
        };
        let filters = [("filter", self.filter), ("search_filter", self.search_filter)];
        Ok(Asked {
            project_ids: self.session.map(OneOrMany::into_vec).filter(|ids| !ids.is_empty()),
            ids: self.id.map(OneOrMany::into_vec),
            trace_ids: self.trace.map(OneOrMany::into_vec),
            parent_run_id: self.parent_run,
            example_ids: self.reference_example.map(|ids| {
                ids.into_vec()
                    .into_iter()
                    .map(|id| id.as_str().map_or(id.to_string(), str::to_owned))
                    .collect()
            }),
            run_type: run_type.transpose()?,
            is_root: self.is_root.map(Flag::is_set),
            has_error: self.error.map(Flag::is_set),
            range: TimeRange {
                from: parse_time("start_time", self.start_time.as_deref())?,
                // The end is inside.
                to: parse_time("end_time", self.end_time.as_deref())?
                    .map(|to| UnixNanos::from_nanos(to.as_nanos().saturating_add(1))),
            },
            words: self.query,
            filters: filters.into_iter().filter_map(|(name, text)| Some((name, text?))).collect(),
            trace_filter: self.trace_filter,
            tree_filter: self.tree_filter,
            also,
            ..Asked::default()
        })
    }
}

pub(super) fn parse_time(key: &str, text: Option<&str>) -> Result<Option<UnixNanos>> {
    let Some(text) = text else { return Ok(None) };
    let time = clearspan_query::text::parse_time(text);
    time.map(Some).ok_or_else(|| ApiError::parameter(key, format_args!("is {text:?}, which is no ISO time")))
}

#[cfg(test)]
mod tests;
