//! Log records: of one trace, and of a project.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_model::{JsonText, LogRecord, ProjectId, RunId, SpanId, TraceId, UnixNanos};
use clearspan_store::{LogCursor, LogPage, LogQuery, RecordId, Scope, TimeRange};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::cursor;
use super::error::{ApiError, Result};
use super::extract::{Params, PathParams, TraceParam};
use super::openapi::Errors;
use super::params::{clamp_to, parse_range};
use super::projects;
use super::run::ScopeAnswer;
use super::traces::scope;
use crate::auth::Caller;
use crate::context::Context;

/// The names of levels, and the least severity of each.
const LEVELS: [(&str, u8); 6] =
    [("fatal", 21), ("error", 17), ("warn", 13), ("info", 9), ("debug", 5), ("trace", 1)];
const DEFAULT_LIMIT: usize = 100;
const DEFAULT_TRACE_LIMIT: usize = 1_000;
const MAX_LIMIT: usize = 1_000;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TraceLogsParams {
    /// Id or name of the project; without it the whole workspace is searched.
    project: Option<String>,
    /// How many rows, at most 1000, which is the default.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogsParams {
    /// Time range, as in lists of traces.
    t: Option<String>,
    /// Text that the body or the event name contains, in any case.
    q: Option<String>,
    /// `trace`, `debug`, `info`, `warn`, `error` or `fatal`: only records that are at least so bad.
    severity: Option<String>,
    /// Only records of this service.
    service: Option<String>,
    /// Only records of this trace.
    #[param(value_type = Option<String>)]
    trace: Option<TraceParam>,
    /// Only the record of this id. With `t` around its time it is found at once.
    id: Option<String>,
    /// `newest` (the default) or `oldest` first.
    order: Option<String>,
    /// How many rows, at most 1000. The default is 100.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A log record.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogRow {
    /// 32 hexadecimal digits: the hash of its content.
    id: String,
    time: i64,
    observed_time: Option<i64>,
    trace_id: Option<String>,
    /// The run of its span.
    run_id: Option<String>,
    /// 1 to 24, as OpenTelemetry counts.
    severity: Option<u8>,
    severity_text: Option<String>,
    /// `trace`, `debug`, `info`, `warn`, `error` or `fatal`.
    level: Option<&'static str>,
    event_name: Option<String>,
    #[schema(value_type = serde_json::Value)]
    body: Option<JsonText>,
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    attributes: BTreeMap<String, JsonText>,
    /// Attributes of the process that sent it.
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    resource: BTreeMap<String, JsonText>,
    service: Option<String>,
    scope: Option<ScopeAnswer>,
}

impl LogRow {
    fn new(id: RecordId, record: LogRecord, run_of: impl FnOnce(SpanId) -> RunId) -> Self {
        let sender = record.sender;
        Self {
            id: format!("{:032x}", id.0),
            time: record.time.as_micros(),
            observed_time: record.observed_time.map(UnixNanos::as_micros),
            trace_id: record.trace_id.map(|id| id.to_string()),
            // A span id alone tells nothing: it is unique in its trace only.
            run_id: record.trace_id.and(record.span_id).map(|span| run_of(span).to_string()),
            severity: record.severity,
            level: level(record.severity, record.severity_text.as_deref()),
            severity_text: record.severity_text,
            event_name: record.event_name,
            body: record.body,
            attributes: record.attributes,
            resource: sender.resource,
            service: sender.service,
            scope: sender.scope_name.map(|name| ScopeAnswer::new(name, sender.scope_version)),
        }
    }
}

/// By the number; where there is none, by the sender's word, if it is a usual one.
fn level(severity: Option<u8>, text: Option<&str>) -> Option<&'static str> {
    if let Some(severity) = severity {
        return LEVELS.iter().find(|(_, least)| severity >= *least).map(|(name, _)| *name);
    }
    let word = text?.to_ascii_lowercase();
    match word.as_str() {
        "warning" => Some("warn"),
        "critical" | "panic" => Some("fatal"),
        word => LEVELS.iter().find(|(name, _)| *name == word).map(|(name, _)| *name),
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogList {
    logs: Vec<LogRow>,
    /// Pass it as `cursor` to go on; null at the end.
    next_cursor: Option<String>,
}

/// Log records of a trace, the oldest first
///
/// With `project`, those too that were sent to another one but are of spans of this one: records do not always name the project
/// of their span.
#[utoipa::path(get, operation_id = "trace_logs", path = "/traces/{trace_id}/logs", tag = "logs",
    params(("trace_id" = String, Path, description = "UUID or 32 hexadecimal digits"), TraceLogsParams),
    responses((status = 200, body = LogList), Errors))]
pub(crate) async fn of_trace(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(TraceParam(trace_id)): PathParams<TraceParam>,
    Params(asked): Params<TraceLogsParams>,
) -> Result<Json<LogList>> {
    let scope = scope(&ctx, &caller, asked.project.as_deref()).await?;
    let whole_workspace = Scope { workspace_id: caller.workspace_id, project_ids: None };
    let query = LogQuery {
        trace_id: Some(trace_id),
        oldest_first: true,
        after: asked.cursor.as_deref().map(|cursor| decode_cursor(cursor, true)).transpose()?,
        limit: clamp_to(asked.limit, DEFAULT_TRACE_LIMIT, MAX_LIMIT),
        ..everything(whole_workspace)
    };
    let mut page = ctx.store.query_logs(&query).await?;
    let runs = match page.records.iter().any(|(_, record)| record.span_id.is_some()) {
        true => runs_of_spans(&ctx, &scope, trace_id).await?,
        false => FxHashMap::default(),
    };
    let is_of_project = |record: &LogRecord| {
        let is_there = scope.project_ids.as_ref().is_none_or(|ids| ids.contains(&record.project_id));
        is_there || record.span_id.is_some_and(|span| runs.contains_key(&span))
    };
    page.records.retain(|(_, record)| is_of_project(record));
    drop_repeated(&mut page.records);
    let run_of = |span: SpanId| runs.get(&span).copied().unwrap_or_else(|| RunId::from_span_id(span));
    Ok(Json(log_list(page, true, run_of)))
}

/// Log records of a project
#[utoipa::path(get, operation_id = "project_logs", path = "/projects/{project}/logs", tag = "logs",
    params(("project" = String, Path, description = "Id or name"), LogsParams),
    responses((status = 200, body = LogList), Errors))]
pub(crate) async fn of_project(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(project): PathParams<String>,
    Params(asked): Params<LogsParams>,
) -> Result<Json<LogList>> {
    let oldest_first = match asked.order.as_deref() {
        None | Some("newest") => false,
        Some("oldest") => true,
        Some(other) => {
            return Err(ApiError::parameter(
                "order",
                format_args!("is {other:?}; it can be newest or oldest"),
            ));
        }
    };
    let project = projects::find(&ctx, caller.workspace_id, &project).await?;
    let scope = Scope { workspace_id: caller.workspace_id, project_ids: Some(vec![project.id]) };
    let wanted = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let query = LogQuery {
        range: parse_range(asked.t.as_deref(), ctx.clock.now())?,
        id: wanted(asked.id).map(|id| record_id(&id)).transpose()?,
        trace_id: asked.trace.map(|TraceParam(id)| id),
        min_severity: wanted(asked.severity).map(|name| least_severity(&name)).transpose()?,
        text: wanted(asked.q),
        service: wanted(asked.service),
        oldest_first,
        after: asked.cursor.as_deref().map(|cursor| decode_cursor(cursor, oldest_first)).transpose()?,
        limit: clamp_to(asked.limit, DEFAULT_LIMIT, MAX_LIMIT),
        ..everything(scope)
    };
    let page = ctx.store.query_logs(&query).await?;
    Ok(Json(log_list(page, oldest_first, RunId::from_span_id)))
}

fn everything(scope: Scope) -> LogQuery {
    LogQuery {
        scope,
        range: TimeRange::default(),
        id: None,
        trace_id: None,
        span_id: None,
        min_severity: None,
        text: None,
        service: None,
        oldest_first: false,
        after: None,
        limit: DEFAULT_LIMIT,
    }
}

/// A record that was sent again after its span had come may be in two projects.
fn drop_repeated(records: &mut Vec<(RecordId, LogRecord)>) {
    let told = |record: &LogRecord| LogRecord {
        project_id: ProjectId::NIL,
        received_at: UnixNanos::default(),
        ..record.clone()
    };
    let mut of_one_time: Vec<LogRecord> = Vec::new();
    records.retain(|(_, record)| {
        of_one_time.retain(|before| before.time == record.time);
        let record = told(record);
        let is_new = !of_one_time.contains(&record);
        if is_new {
            of_one_time.push(record);
        }
        is_new
    });
}

/// Spans may name their runs themselves, so the runs of the trace tell.
async fn runs_of_spans(
    ctx: &Arc<Context>,
    scope: &Scope,
    trace_id: TraceId,
) -> Result<FxHashMap<SpanId, RunId>> {
    let mut runs = ctx.store.load_skeleton(scope, trace_id).await?;
    // What records told before a span that has another id than they could know is a run beside it: the span's wins.
    runs.sort_by_key(|run| run.span_id.is_some_and(|span| RunId::from_span_id(span) != run.run_id));
    Ok(runs.into_iter().filter_map(|run| Some((run.span_id?, run.run_id))).collect())
}

fn log_list(page: LogPage, oldest_first: bool, run_of: impl Fn(SpanId) -> RunId) -> LogList {
    let rows = page.records.into_iter().map(|(id, record)| LogRow::new(id, record, &run_of));
    let next = page.next.map(|at| encode_cursor(Cursor { at, oldest_first }));
    LogList { logs: rows.collect(), next_cursor: next }
}

fn record_id(text: &str) -> Result<RecordId> {
    let id = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32).map(RecordId);
    let problem = || format!("is {text:?}; it has 32 hexadecimal digits, as `id` of a record has");
    id.ok_or_else(|| ApiError::parameter("id", problem()))
}

fn least_severity(name: &str) -> Result<u8> {
    let known = LEVELS.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
    known.map(|(_, least)| *least).ok_or_else(|| {
        let problem =
            format_args!("is {name:?}; it can be trace, debug, info, warn, error or fatal").to_string();
        ApiError::parameter("severity", problem)
    })
}

/// Where a page ended, and in which order.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    at: LogCursor,
    oldest_first: bool,
}

fn encode_cursor(cursor: Cursor) -> String {
    cursor::write(&cursor)
}

fn decode_cursor(text: &str, oldest_first: bool) -> Result<LogCursor> {
    let cursor: Cursor = cursor::read(text)?;
    if cursor.oldest_first != oldest_first {
        return Err(cursor::invalid("belongs to another order"));
    }
    Ok(cursor.at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::error::ErrorCode;

    #[test]
    fn a_level_is_told_by_the_number_else_by_the_word() {
        for (severity, text, expected) in [
            (Some(1), None, Some("trace")),
            (Some(8), None, Some("debug")),
            (Some(9), Some("ERROR"), Some("info")),
            (Some(16), None, Some("warn")),
            (Some(17), None, Some("error")),
            (Some(24), None, Some("fatal")),
            (Some(0), None, None),
            (None, Some("WARNING"), Some("warn")),
            (None, Some("Critical"), Some("fatal")),
            (None, Some("Information"), None),
            (None, None, None),
        ] {
            assert_eq!(level(severity, text), expected, "{severity:?} {text:?}");
        }
    }

    #[test]
    fn a_cursor_survives_the_way_through_a_url() {
        let at = LogCursor { time: UnixNanos::from_nanos(7), id: RecordId(u128::MAX - 1) };
        let text = encode_cursor(Cursor { at, oldest_first: true });
        assert_eq!(decode_cursor(&text, true).unwrap(), at);
        assert_eq!(decode_cursor(&text, false).unwrap_err().code, ErrorCode::InvalidCursor);
        assert_eq!(decode_cursor("%", true).unwrap_err().code, ErrorCode::InvalidCursor);
    }
}
