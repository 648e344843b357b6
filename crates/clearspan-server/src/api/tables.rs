//! Tables as answers: statements in SQL, and exports.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use clearspan_store::{
    ExportQuery, ExportTable, ExportedRun, RunStream, Scope, Selection, SqlQuery, TableAnswer, TableFormat,
    TimeRange,
};
use futures::stream::{BoxStream, StreamExt as _};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{ApiError, ErrorCode, Result};
use super::extract::{ChangeBody, Params};
use super::openapi::Errors;
use super::params::{parse_ago, parse_filter};
use super::projects;
use super::run::RunAnswer;
use crate::auth::Caller;
use crate::context::Context;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_TIMEOUT: Duration = Duration::from_secs(300);
const DEFAULT_ROWS: usize = 10_000;
/// An answer up to this size is whole before its first byte is sent, so that an error in it has its status.
const HELD_BYTES: usize = 256 << 10;
/// Lines of an export that are sent at once.
const PART_BYTES: usize = 64 << 10;

/// A statement, and how its answer is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SqlBody {
    /// One SELECT, WITH, EXPLAIN, DESCRIBE, SHOW TABLES or SHOW COLUMNS.
    query: String,
    /// `json` (the default), `jsonl`, `csv`, `csv-raw`, `parquet` or `arrow`. Without it the header `accept` decides. In `csv`
    /// cells that a spreadsheet would take for formulas begin with `'`; in `csv-raw` they do not.
    format: Option<String>,
    /// Rows at most. For JSON the default is 10000; the other formats give all.
    limit: Option<usize>,
    /// Seconds that it may take, at most 300. The default is 30.
    timeout: Option<f64>,
}

/// What a statement answered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SqlAnswer {
    columns: Vec<SqlColumn>,
    /// Each with one value for each column: decimals as text, times in RFC 3339.
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    rows: Vec<Vec<serde_json::Value>>,
    row_count: usize,
    /// Whether there are more rows than were asked for.
    is_cut: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SqlColumn {
    name: String,
    /// As `DESCRIBE` says it: `text`, `bigint`, `decimal(38, 12)`, `timestamp`, …
    r#type: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportParams {
    /// Id or name of the project; without it the whole workspace is exported.
    project: Option<String>,
    /// `runs` (the default), `logs` or `metric_points`.
    table: Option<String>,
    /// `jsonl` (the default), `parquet`, `csv`, `csv-raw` or `arrow`. In JSONL each line is what `GET
    /// /traces/{trace_id}/runs/{run_id}` answers, without `doubles`, `feedback` and `shared_prefix`; the other formats have the columns of
    /// the stored table.
    format: Option<String>,
    /// Only what began since: microseconds, RFC 3339, or how long ago (`7d`, `24h`, `15m`).
    since: Option<String>,
    /// Only what began before, likewise.
    until: Option<String>,
    /// Filter text, for runs only.
    q: Option<String>,
}

/// Ask in SQL
///
/// The tables are `runs`, `traces`, `logs` and `metric_points` of the caller's workspace; `DESCRIBE runs` lists columns. Only
/// reading is possible. A statement ends when the client hangs up. Its memory and time are bounded: one that needs too much
/// memory is answered with 422, one that takes too long with 504.
#[utoipa::path(post, operation_id = "sql", path = "/sql", tag = "sql", request_body = SqlBody,
    responses((status = 200, description = "Rows", content((SqlAnswer = "application/json"), (String = "text/csv"),
        (String = "application/x-ndjson"), (Vec<u8> = "application/vnd.apache.parquet"),
        (Vec<u8> = "application/vnd.apache.arrow.stream"))), Errors))]
pub(crate) async fn sql(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    headers: HeaderMap,
    ChangeBody(body): ChangeBody<SqlBody>,
) -> Result<Response> {
    let format = match body.format.as_deref() {
        Some(name) => parse_format(name).ok_or_else(|| ApiError::member("/format", unknown_format(name)))?,
        None => accepted(&headers),
    };
    let timeout = match body.timeout {
        None => DEFAULT_TIMEOUT,
        Some(seconds) if seconds > 0.0 && seconds <= MAX_TIMEOUT.as_secs_f64() => {
            Duration::from_secs_f64(seconds)
        }
        Some(_) => {
            return Err(ApiError::member(
                "/timeout",
                "the timeout must be more than 0 and at most 300 seconds",
            ));
        }
    };
    let all = projects::all(&ctx, caller.workspace_id).await?;
    let query = SqlQuery {
        scope: Scope { workspace_id: caller.workspace_id, project_ids: None },
        projects: all.into_iter().map(|project| (project.id, project.name.as_str().to_owned())).collect(),
        text: body.query,
        format,
        max_rows: body.limit.or((format == TableFormat::Json).then_some(DEFAULT_ROWS)),
        timeout,
    };
    let begun = Instant::now();
    let answer = ctx.store.sql(query).await.map_err(of_statement)?;
    let mut response = respond(answer, format, None).await?;
    let took = HeaderValue::from_str(&format!("query;dur={:.1}", begun.elapsed().as_secs_f64() * 1_000.0));
    response.headers_mut().insert("server-timing", took.expect("digits are a header"));
    Ok(response)
}

/// Export runs, log records or metric points
///
/// Streams as fast as it is read, in no order, with little memory whatever the size. The connection breaks when something fails
/// in the middle: what is whole ends properly.
#[utoipa::path(get, operation_id = "export", path = "/export", tag = "sql", params(ExportParams),
    responses((status = 200, description = "The rows", content((String = "application/x-ndjson"),
        (Vec<u8> = "application/vnd.apache.parquet"), (String = "text/csv"), (Vec<u8> = "application/vnd.apache.arrow.stream"))),
        Errors))]
pub(crate) async fn export(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    Params(asked): Params<ExportParams>,
) -> Result<Response> {
    let name = asked.format.as_deref().unwrap_or("jsonl");
    let format = match parse_format(name) {
        Some(TableFormat::Json) | None => return Err(ApiError::parameter("format", export_formats(name))),
        Some(format) => format,
    };
    let (table, file) = match asked.table.as_deref().unwrap_or("runs") {
        "runs" => (ExportTable::Runs, "runs"),
        "logs" => (ExportTable::Logs, "logs"),
        "metric_points" => (ExportTable::MetricPoints, "metric_points"),
        other => {
            let problem = format_args!("is {other:?}; it can be runs, logs or metric_points").to_string();
            return Err(ApiError::parameter("table", problem));
        }
    };
    let all = projects::all(&ctx, caller.workspace_id).await?;
    let project_ids = match &asked.project {
        Some(project) => Some(vec![projects::find(&ctx, caller.workspace_id, project).await?.id]),
        None => None,
    };
    let selection = Selection {
        scope: Scope { workspace_id: caller.workspace_id, project_ids },
        range: TimeRange {
            from: moment("since", asked.since.as_deref(), &ctx)?,
            to: moment("until", asked.until.as_deref(), &ctx)?,
        },
        filter: parse_filter(asked.q.as_deref())?,
    };
    let file = format!("{file}.{}", extension(format));
    if (table, format) == (ExportTable::Runs, TableFormat::JsonLines) {
        let runs = ctx.store.export_whole_runs(selection).await?;
        let projects = all.into_iter().map(|project| (project.id, project)).collect();
        let answer = TableAnswer { columns: Vec::new(), body: lines_of(runs, projects) };
        return respond(answer, format, Some(&file)).await;
    }
    let answer = ctx.store.export(ExportQuery { table, selection, format }).await?;
    respond(answer, format, Some(&file)).await
}

type Projects = rustc_hash::FxHashMap<clearspan_model::ProjectId, clearspan_catalog::Project>;

/// Each run as the API tells it, on a line of its own.
fn lines_of(runs: RunStream, projects: Projects) -> BoxStream<'static, clearspan_store::Result<Bytes>> {
    let projects = Arc::new(projects);
    let parts = runs.then(move |runs| {
        let projects = Arc::clone(&projects);
        async move {
            let runs = runs?;
            // Large runs take long to write.
            let written = tokio::task::spawn_blocking(move || write_lines(runs, &projects));
            written.await.map_err(|err| {
                clearspan_store::Error::caused(clearspan_model::ErrorKind::Internal, "writing runs", err)
            })
        }
    });
    parts.boxed()
}

fn write_lines(runs: Vec<ExportedRun>, projects: &Projects) -> Bytes {
    let mut lines = Vec::with_capacity(PART_BYTES);
    for exported in runs {
        // A run whose project is gone belongs to nobody who could ask for it.
        let Some(project) = projects.get(&exported.run.key.project_id) else { continue };
        serde_json::to_writer(&mut lines, &RunAnswer::exported(exported, project))
            .expect("a run has a JSON form");
        lines.push(b'\n');
    }
    lines.into()
}

fn moment(name: &str, text: Option<&str>, ctx: &Arc<Context>) -> Result<Option<clearspan_model::UnixNanos>> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let time = parse_ago(text, ctx.clock.now()).or_else(|| clearspan_query::text::parse_time(text));
    time.map(Some).ok_or_else(|| {
        ApiError::parameter(name, format_args!("is {text:?}; write microseconds, RFC 3339, or 7d, 24h, 15m"))
    })
}

fn parse_format(name: &str) -> Option<TableFormat> {
    Some(match name {
        "json" => TableFormat::Json,
        "jsonl" => TableFormat::JsonLines,
        "csv" => TableFormat::Csv,
        "csv-raw" => TableFormat::CsvRaw,
        "parquet" => TableFormat::Parquet,
        "arrow" => TableFormat::Arrow,
        _ => return None,
    })
}

fn unknown_format(name: &str) -> String {
    format!("the format {name:?} is unknown; it can be json, jsonl, csv, csv-raw, parquet or arrow")
}

fn export_formats(name: &str) -> String {
    format!("is {name:?}; it can be jsonl, parquet, csv, csv-raw or arrow")
}

/// The first format that a client accepts and that we have; JSON where it says nothing that helps.
fn accepted(headers: &HeaderMap) -> TableFormat {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kinds = accepted.split(',').map(|kind| kind.split(';').next().unwrap_or_default().trim());
    let format = |kind: &str| match kind {
        "application/json" => Some(TableFormat::Json),
        "application/x-ndjson" | "application/jsonl" => Some(TableFormat::JsonLines),
        "text/csv" => Some(TableFormat::Csv),
        "application/vnd.apache.parquet" => Some(TableFormat::Parquet),
        "application/vnd.apache.arrow.stream" => Some(TableFormat::Arrow),
        _ => None,
    };
    kinds.filter_map(format).next().unwrap_or(TableFormat::Json)
}

fn content_type(format: TableFormat) -> &'static str {
    match format {
        TableFormat::Json => "application/json",
        TableFormat::JsonLines => "application/x-ndjson",
        TableFormat::Csv | TableFormat::CsvRaw => "text/csv; charset=utf-8; header=present",
        TableFormat::Parquet => "application/vnd.apache.parquet",
        TableFormat::Arrow => "application/vnd.apache.arrow.stream",
    }
}

fn extension(format: TableFormat) -> &'static str {
    match format {
        TableFormat::Json => "json",
        TableFormat::JsonLines => "jsonl",
        TableFormat::Csv | TableFormat::CsvRaw => "csv",
        TableFormat::Parquet => "parquet",
        TableFormat::Arrow => "arrows",
    }
}

/// Sends an answer. What fails among its first bytes is an error with a status; what fails later breaks the connection.
async fn respond(answer: TableAnswer, format: TableFormat, file: Option<&str>) -> Result<Response> {
    let mut body = answer.body;
    let (mut held, mut held_bytes) = (Vec::new(), 0);
    while held_bytes < HELD_BYTES {
        let Some(part) = body.next().await else { break };
        let part = part.map_err(of_statement)?;
        held_bytes += part.len();
        held.push(Ok(part));
    }
    let rest = body.inspect(|part| {
        if let Err(err) = part {
            tracing::warn!(error = crate::error::chain(err), "an answer broke off");
        }
    });
    let body = Body::from_stream(futures::stream::iter(held).chain(rest));
    let mut response = (StatusCode::OK, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(format)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(file) = file {
        let value = format!("attachment; filename=\"{file}\"");
        headers.insert(
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&value).expect("letters are a header"),
        );
    }
    Ok(response)
}

/// The complaint about a statement, with its place.
fn of_statement(error: clearspan_store::Error) -> ApiError {
    use clearspan_model::ErrorKind;
    let (kind, position) = (error.kind(), error.position());
    let mut answer = ApiError::from(error);
    answer.position = position;
    if kind == ErrorKind::InvalidInput {
        answer.code = ErrorCode::InvalidQuery;
    }
    answer
}

/// What tables there are, and their columns: for pages that help with writing statements.
#[utoipa::path(get, operation_id = "sql_schema", path = "/sql/schema", tag = "sql",
    responses((status = 200, body = SqlSchema), Errors))]
pub(crate) async fn schema() -> Json<SqlSchema> {
    let column = |(name, r#type, description)| TableColumn { name, r#type, description };
    let table = |(name, description, columns): (&'static str, &'static str, Vec<_>)| TableSchema {
        name,
        description,
        columns: columns.into_iter().map(column).collect(),
    };
    Json(SqlSchema { tables: clearspan_store::sql_tables().into_iter().map(table).collect() })
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SqlSchema {
    tables: Vec<TableSchema>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TableSchema {
    name: &'static str,
    description: &'static str,
    columns: Vec<TableColumn>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TableColumn {
    name: String,
    r#type: String,
    description: String,
}
