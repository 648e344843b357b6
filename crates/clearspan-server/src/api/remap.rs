//! Mapping stored runs again: starting it, and how far it is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_model::UnixNanos;
use clearspan_query::text;
use clearspan_store::TimeRange;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::error::{ApiError, ErrorCode, Result};
use super::extract::{ChangeBody, PathParams};
use super::openapi::Errors;
use super::params::parse_ago;
use super::projects;
use crate::auth::Caller;
use crate::context::Context;
use crate::ingest::{RemapJob, RemapState};

/// Which runs are to be mapped again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemapBody {
    /// Id or name.
    project: String,
    /// Only traces that began since: microseconds, RFC 3339, or how long ago (`7d`, `24h`, `15m`).
    #[serde(default)]
    #[schema(value_type = Option<serde_json::Value>)]
    since: Value,
    /// Only traces that began before, likewise.
    #[serde(default)]
    #[schema(value_type = Option<serde_json::Value>)]
    until: Value,
}

/// A job that maps stored runs again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RemapRow {
    id: String,
    /// `running`, `done` or `failed`.
    state: &'static str,
    /// The project's name.
    project: String,
    since: Option<i64>,
    until: Option<i64>,
    started_at: i64,
    ended_at: Option<i64>,
    /// Null until they are counted.
    traces_total: Option<u64>,
    traces_done: u64,
    runs_seen: u64,
    runs_changed: u64,
    /// Runs that changed each time they were looked at, and were left alone.
    runs_skipped: u64,
    error: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RemapAnswer {
    job: RemapRow,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RemapList {
    /// The latest first, 20 at most. The list is empty after a restart.
    jobs: Vec<RemapRow>,
}

impl From<RemapJob> for RemapRow {
    fn from(job: RemapJob) -> Self {
        Self {
            id: job.id.to_string(),
            state: match job.state {
                RemapState::Running => "running",
                RemapState::Done => "done",
                RemapState::Failed => "failed",
            },
            project: job.project.name.as_str().to_owned(),
            since: job.range.from.map(UnixNanos::as_micros),
            until: job.range.to.map(UnixNanos::as_micros),
            started_at: job.started_at.as_micros(),
            ended_at: job.ended_at.map(UnixNanos::as_micros),
            traces_total: job.traces_total,
            traces_done: job.traces_done,
            runs_seen: job.runs_seen,
            runs_changed: job.runs_changed,
            runs_skipped: job.runs_skipped,
            error: job.error,
        }
    }
}

/// Map stored runs again with the rules of today
///
/// One job a workspace at a time. Runs that are as they should be are not written.
#[utoipa::path(post, operation_id = "start_remap", path = "/remap", tag = "rules", request_body = RemapBody,
    responses((status = 202, body = RemapAnswer), Errors))]
pub(crate) async fn start(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    ChangeBody(body): ChangeBody<RemapBody>,
) -> Result<(StatusCode, Json<RemapAnswer>)> {
    let now = ctx.clock.now();
    let range = TimeRange {
        from: parse_moment("/since", &body.since, now)?,
        to: parse_moment("/until", &body.until, now)?,
    };
    let project = projects::find(&ctx, caller.workspace_id, &body.project).await?;
    match ctx.remaps.start(project, range) {
        Ok(job) => Ok((StatusCode::ACCEPTED, Json(RemapAnswer { job: job.into() }))),
        Err(running) => Err(ApiError::new(
            ErrorCode::Conflict,
            format!(
                "runs of the project {:?} are being mapped again (job {}); wait until that is done",
                running.project.name.as_str(),
                running.id
            ),
        )),
    }
}

/// Jobs that map stored runs again
#[utoipa::path(get, operation_id = "list_remaps", path = "/remap", tag = "rules",
    responses((status = 200, body = RemapList), Errors))]
pub(crate) async fn list(State(ctx): State<Arc<Context>>, caller: Caller) -> Json<RemapList> {
    let jobs = ctx.remaps.list(caller.workspace_id).into_iter().map(Into::into);
    Json(RemapList { jobs: jobs.collect() })
}

/// One job
#[utoipa::path(get, operation_id = "get_remap", path = "/remap/{id}", tag = "rules",
    params(("id" = String, Path, description = "Id of the job")),
    responses((status = 200, body = RemapAnswer), Errors))]
pub(crate) async fn get(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<RemapAnswer>> {
    let job = id.parse::<Uuid>().ok().and_then(|id| ctx.remaps.get(caller.workspace_id, id));
    let job =
        job.ok_or_else(|| ApiError::not_found("job", format_args!("{id:?}; jobs end with the server")))?;
    Ok(Json(RemapAnswer { job: job.into() }))
}

/// A point in time, told in one of three ways; `None` for null.
fn parse_moment(pointer: &'static str, value: &Value, now: UnixNanos) -> Result<Option<UnixNanos>> {
    let time = match value {
        Value::Null => return Ok(None),
        Value::Number(number) => text::parse_time(&number.to_string()),
        Value::String(text) => parse_ago(text.trim(), now).or_else(|| text::parse_time(text.trim())),
        _ => None,
    };
    let unusable = || {
        let problem = format!("cannot read the time {value}; write microseconds, RFC 3339, or 7d, 24h, 15m");
        ApiError::member(pointer, problem)
    };
    time.map(Some).ok_or_else(unusable)
}
