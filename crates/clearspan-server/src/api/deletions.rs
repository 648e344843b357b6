//! Deleting: traces, what a filter finds, projects; and removing from the disk what was deleted.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_model::{ProjectId, UnixNanos};
use clearspan_store::{Deleted, DeletionTarget, PurgeReport, Scope};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiError, ErrorCode, Result};
use super::extract::{ChangeBody, Params, PathParams, TraceParam};
use super::openapi::Errors;
use super::traces::ProjectParam;
use super::{params, projects};
use crate::auth::Caller;
use crate::context::Context;
use crate::error::chain;
use crate::upkeep::{JobState, UpkeepError};

/// Traces that one request can name.
const MAX_TRACES: usize = 10_000;

/// What was deleted, or would be.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletionAnswer {
    /// True when nothing was deleted.
    dry_run: bool,
    traces: u64,
    runs: u64,
    log_records: u64,
    metric_points: u64,
}

impl DeletionAnswer {
    fn new(deleted: Deleted, dry_run: bool) -> Self {
        let Deleted { traces, runs, log_records, metric_points } = deleted;
        Self { dry_run, traces, runs, log_records, metric_points }
    }
}

/// Delete a trace
///
/// Its runs and log records are gone from every answer when this returns. What arrives late for it is dropped.
#[utoipa::path(delete, operation_id = "delete_trace", path = "/traces/{trace_id}", tag = "deletion",
    params(("trace_id" = String, Path, description = "UUID or 32 hexadecimal digits"), ProjectParam),
    responses((status = 200, body = DeletionAnswer), Errors))]
pub(crate) async fn trace(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(TraceParam(trace_id)): PathParams<TraceParam>,
    Params(asked): Params<ProjectParam>,
) -> Result<Json<DeletionAnswer>> {
    let workspace_id = caller.workspace_id;
    let project_ids = match &asked.project {
        Some(project) => Some(vec![projects::find(&ctx, workspace_id, project).await?.id]),
        None => {
            let everywhere = Scope { workspace_id, project_ids: None };
            let runs = ctx.store.load_skeleton(&everywhere, trace_id).await?;
            let mut ids: Vec<ProjectId> = runs.iter().map(|run| run.project_id).collect();
            ids.sort_unstable();
            ids.dedup();
            if ids.len() > 1 {
                let message = format!(
                    "the trace {trace_id} is in {} projects; say which one with the parameter project",
                    ids.len()
                );
                return Err(ApiError::new(ErrorCode::Conflict, message));
            }
            Some(ids).filter(|ids| !ids.is_empty())
        }
    };
    let scope = Scope { workspace_id, project_ids };
    let deleted = ctx.upkeep.delete(scope, DeletionTarget::Traces(vec![trace_id])).await?;
    if deleted == Deleted::default() {
        return Err(ApiError::not_found("trace", trace_id));
    }
    Ok(Json(DeletionAnswer::new(deleted, false)))
}

/// Which traces of a project are to be deleted: exactly one of `filter` (with or without `time`), `user`, `thread` and
/// `trace_ids`, or `time` alone. Traces are deleted whole.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeletionBody {
    /// The traces that satisfy a filter, for example `env:staging status:error`.
    filter: Option<String>,
    /// The traces that began in a time, for example `24h` or `2026-01-01T00:00:00Z..2026-02-01T00:00:00Z`.
    time: Option<String>,
    /// The traces in which any run was on behalf of this user.
    user: Option<String>,
    /// The traces in which any run belongs to this conversation.
    thread: Option<String>,
    /// These traces, at most 10,000.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    trace_ids: Vec<TraceParam>,
    /// Only say what would be deleted.
    #[serde(default)]
    dry_run: bool,
}

impl DeletionBody {
    fn target(self, now: UnixNanos) -> Result<DeletionTarget> {
        let Self { filter, time, user, thread, trace_ids, dry_run: _ } = self;
        let filter = filter.filter(|text| !text.trim().is_empty());
        let time = time.filter(|text| !text.trim().is_empty());
        let is_matching = filter.is_some() || time.is_some();
        let kinds = [is_matching, user.is_some(), thread.is_some(), !trace_ids.is_empty()];
        if kinds.into_iter().filter(|given| *given).count() != 1 {
            return Err(ApiError::new(
                ErrorCode::InvalidBody,
                "say what to delete with exactly one of filter (and time), user, thread and trace_ids; to delete all, \
                 delete the project",
            ));
        }
        if trace_ids.len() > MAX_TRACES {
            let message = format!("at most {MAX_TRACES} traces can be named at once");
            return Err(ApiError {
                pointer: Some("/trace_ids"),
                ..ApiError::new(ErrorCode::TooLarge, message)
            });
        }
        if let Some(user) = user {
            return Ok(DeletionTarget::User(user));
        }
        if let Some(thread) = thread {
            return Ok(DeletionTarget::Thread(thread));
        }
        if !trace_ids.is_empty() {
            return Ok(DeletionTarget::Traces(trace_ids.into_iter().map(|TraceParam(id)| id).collect()));
        }
        let filter = params::parse_filter(filter.as_deref())
            .map_err(|error| ApiError { pointer: Some("/filter"), ..error })?;
        let range = params::parse_range(time.as_deref(), now)
            .map_err(|error| ApiError { pointer: Some("/time"), ..error })?;
        if filter.is_none() && range.from.is_none() && range.to.is_none() {
            let message = "this means all traces of the project; to delete all, delete the project";
            return Err(ApiError::new(ErrorCode::InvalidBody, message));
        }
        Ok(DeletionTarget::Matching(range, filter))
    }
}

/// Delete traces of a project by filter, time, user, thread or ids
///
/// The filter is resolved to traces now: what arrives later and satisfies it in another trace stays.
#[utoipa::path(post, operation_id = "delete_traces", path = "/projects/{project}/deletions", tag = "deletion",
    request_body = DeletionBody, params(("project" = String, Path, description = "Id or name")),
    responses((status = 200, body = DeletionAnswer), Errors))]
pub(crate) async fn traces(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(project): PathParams<String>,
    ChangeBody(body): ChangeBody<DeletionBody>,
) -> Result<Json<DeletionAnswer>> {
    let project = projects::find(&ctx, caller.workspace_id, &project).await?;
    let scope = Scope { workspace_id: caller.workspace_id, project_ids: Some(vec![project.id]) };
    let dry_run = body.dry_run;
    let target = body.target(ctx.clock.now())?;
    let deleted = match dry_run {
        true => ctx.upkeep.preview(scope, target).await?,
        false => ctx.upkeep.delete(scope, target).await?,
    };
    Ok(Json(DeletionAnswer::new(deleted, dry_run)))
}

/// Delete a project with everything in it
///
/// Its name is free at once. Runs that arrive for it later make a new project of that name.
#[utoipa::path(delete, operation_id = "delete_project", path = "/projects/{project}", tag = "deletion",
    params(("project" = String, Path, description = "Id or name")),
    responses((status = 200, body = DeletionAnswer), Errors))]
pub(crate) async fn project(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(asked): PathParams<String>,
) -> Result<Json<DeletionAnswer>> {
    let project = projects::find(&ctx, caller.workspace_id, &asked).await?;
    let deleted = ctx.upkeep.delete_project(project).await?;
    let deleted = deleted.ok_or_else(|| ApiError::not_found("project", format_args!("{asked:?}")))?;
    Ok(Json(DeletionAnswer::new(deleted, false)))
}

/// How removing from the disk stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PurgeAnswer {
    running: bool,
    /// When the purge that runs began.
    running_since: Option<i64>,
    /// When the oldest deletion was asked for whose bytes may still be on the disk.
    unpurged_since: Option<i64>,
    /// Traces and projects that are remembered as deleted.
    tombstones: u64,
    /// Runs, log records and points that arrived for something deleted and were dropped, since the start.
    dropped: u64,
    /// The last purge since the start.
    last: Option<PurgeRow>,
}

/// A purge that has ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PurgeRow {
    started_at: i64,
    ended_at: i64,
    /// Why it failed.
    error: Option<String>,
    /// What it removed.
    removed: Option<PurgeRemoved>,
}

/// What a purge removed, and from where.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PurgeRemoved {
    /// Files of runs, log records and metric points that were removed or written anew, with their search index.
    files_removed: u64,
    /// Those that took their place.
    files_written: u64,
    bytes_removed: u64,
    bytes_written: u64,
    /// Deleted, replaced or repeated rows.
    rows_removed: u64,
    /// Of these, the deleted ones: runs, log records and metric points.
    rows_deleted: u64,
    /// Deleted ones that were gone already: merges of files had left them out since the last purge, or since the start.
    rows_deleted_before: u64,
    /// Runs that lost their payload because of the retention.
    rows_stripped: u64,
    /// Files of the write-ahead log.
    log_files_removed: u64,
    log_bytes_removed: u64,
}

impl From<PurgeReport> for PurgeRemoved {
    fn from(report: PurgeReport) -> Self {
        Self {
            files_removed: report.files_removed,
            files_written: report.files_written,
            bytes_removed: report.bytes_removed,
            bytes_written: report.bytes_written,
            rows_removed: report.rows_removed,
            rows_deleted: report.rows_deleted,
            rows_deleted_before: report.rows_deleted_before,
            rows_stripped: report.rows_stripped,
            log_files_removed: report.log_files_removed,
            log_bytes_removed: report.log_bytes_removed,
        }
    }
}

fn purge_answer(ctx: &Context) -> PurgeAnswer {
    let JobState { running_since, last } = ctx.upkeep.purge_state();
    let deletion = ctx.store.deletion_state();
    let last = last.map(|record| {
        let (removed, error) = match record.outcome {
            Ok(report) => (Some(report.into()), None),
            Err(error) => (None, Some(error)),
        };
        let (started_at, ended_at) = (record.started_at.as_micros(), record.ended_at.as_micros());
        PurgeRow { started_at, ended_at, error, removed }
    });
    PurgeAnswer {
        running: running_since.is_some(),
        running_since: running_since.map(UnixNanos::as_micros),
        unpurged_since: deletion.unpurged_since.map(UnixNanos::as_micros),
        tombstones: deletion.tombstones,
        dropped: deletion.dropped,
        last,
    }
}

/// How removing from the disk stands
#[utoipa::path(get, operation_id = "get_purge", path = "/purge", tag = "deletion", responses((status = 200, body = PurgeAnswer), Errors))]
pub(crate) async fn purge_state(State(ctx): State<Arc<Context>>, _caller: Caller) -> Json<PurgeAnswer> {
    Json(purge_answer(&ctx))
}

/// Remove from the disk what was deleted, now
///
/// It happens by itself within a day. One purge runs at a time; `GET /purge` says when it has ended.
#[utoipa::path(post, operation_id = "start_purge", path = "/purge", tag = "deletion", responses((status = 202, body = PurgeAnswer), Errors))]
pub(crate) async fn purge(
    State(ctx): State<Arc<Context>>,
    _caller: Caller,
    ChangeBody(PurgeBody {}): ChangeBody<PurgeBody>,
) -> (StatusCode, Json<PurgeAnswer>) {
    ctx.upkeep.start_purge();
    (StatusCode::ACCEPTED, Json(purge_answer(&ctx)))
}

/// Nothing can be chosen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PurgeBody {}

impl From<UpkeepError> for ApiError {
    fn from(error: UpkeepError) -> Self {
        match error {
            UpkeepError::Store(error) => error.into(),
            UpkeepError::Catalog(error) => error.into(),
            UpkeepError::Files(error) => {
                tracing::error!(error = chain(&error), "the files of runs cannot be looked at");
                Self::new(ErrorCode::Internal, "the server failed to answer; its log tells more")
            }
            UpkeepError::Broken => {
                Self::new(ErrorCode::Internal, "the server failed to answer; its log tells more")
            }
        }
    }
}
