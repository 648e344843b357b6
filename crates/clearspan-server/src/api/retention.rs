//! How long projects are kept: reading it, changing it, and what was removed because of it.

use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_catalog::{Project, Retention};
use clearspan_store::Deleted;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::catalog::in_catalog;
use super::error::{ApiError, Result};
use super::extract::{ChangeBody, PathParams};
use super::openapi::Errors;
use super::projects;
use crate::auth::Caller;
use crate::context::Context;

/// How long a project is to be kept. What is null or left out has no limit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetentionBody {
    /// Inputs, outputs, attributes and events of runs go after so many days.
    payload_days: Option<u32>,
    /// Whole traces go so many days after the server last heard of them; log records and metric points, too.
    run_days: Option<u32>,
    /// The oldest traces go when the runs of the project take more bytes on the disk.
    max_bytes: Option<u64>,
}

impl RetentionBody {
    fn retention(&self) -> Result<Retention> {
        let zero = |pointer| ApiError::member(pointer, "zero would keep nothing; leave it out for no limit");
        let days = |value: Option<u32>, pointer| {
            value.map(|days| NonZeroU32::new(days).ok_or_else(|| zero(pointer))).transpose()
        };
        let max_bytes = self.max_bytes.map(|bytes| NonZeroU64::new(bytes).ok_or_else(|| zero("/max_bytes")));
        Ok(Retention {
            payload_days: days(self.payload_days, "/payload_days")?,
            run_days: days(self.run_days, "/run_days")?,
            max_bytes: max_bytes.transpose()?,
        })
    }
}

/// How long a project is kept, and what it takes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RetentionAnswer {
    /// Null is no limit.
    payload_days: Option<u32>,
    /// Null is no limit.
    run_days: Option<u32>,
    /// Null is no limit.
    max_bytes: Option<u64>,
    /// What the runs of the project take on the disk, about. What is in memory only is not counted.
    disk_bytes: u64,
    /// How many runs these are.
    disk_runs: u64,
    /// What retention removed the last time that it removed something, since the start of the server.
    removed: Option<RetentionRemoved>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RetentionRemoved {
    at: i64,
    /// For their age.
    expired: RemovedCounts,
    /// For the room that the project may take.
    displaced: RemovedCounts,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RemovedCounts {
    traces: u64,
    runs: u64,
    log_records: u64,
    metric_points: u64,
}

impl From<Deleted> for RemovedCounts {
    fn from(deleted: Deleted) -> Self {
        let Deleted { traces, runs, log_records, metric_points } = deleted;
        Self { traces, runs, log_records, metric_points }
    }
}

async fn answer(ctx: &Arc<Context>, project: Project, retention: Retention) -> Result<Json<RetentionAnswer>> {
    let sizes = ctx.store.project_sizes(project.workspace_id).await?;
    let size = sizes.iter().find(|size| size.project_id == project.id);
    let removed = ctx.upkeep.enforced(project.id).map(|enforced| RetentionRemoved {
        at: enforced.at.as_micros(),
        expired: enforced.expired.into(),
        displaced: enforced.displaced.into(),
    });
    Ok(Json(RetentionAnswer {
        payload_days: retention.payload_days.map(NonZeroU32::get),
        run_days: retention.run_days.map(NonZeroU32::get),
        max_bytes: retention.max_bytes.map(NonZeroU64::get),
        disk_bytes: size.map_or(0, |size| size.bytes),
        disk_runs: size.map_or(0, |size| size.runs),
        removed,
    }))
}

/// How long a project is kept
#[utoipa::path(get, operation_id = "get_retention", path = "/projects/{project}/retention", tag = "deletion",
    params(("project" = String, Path, description = "Id or name")),
    responses((status = 200, body = RetentionAnswer), Errors))]
pub(crate) async fn get(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(project): PathParams<String>,
) -> Result<Json<RetentionAnswer>> {
    let project = projects::find(&ctx, caller.workspace_id, &project).await?;
    let id = project.id;
    let retention = in_catalog(&ctx, move |catalog| catalog.load_retention(caller.workspace_id, id)).await?;
    answer(&ctx, project, retention).await
}

/// Change how long a project is kept
///
/// What is too old or too much already goes with the next look, some minutes later.
#[utoipa::path(put, operation_id = "put_retention", path = "/projects/{project}/retention", tag = "deletion",
    request_body = RetentionBody, params(("project" = String, Path, description = "Id or name")),
    responses((status = 200, body = RetentionAnswer), Errors))]
pub(crate) async fn put(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(asked): PathParams<String>,
    ChangeBody(body): ChangeBody<RetentionBody>,
) -> Result<Json<RetentionAnswer>> {
    let retention = body.retention()?;
    let project = projects::find(&ctx, caller.workspace_id, &asked).await?;
    let (id, now) = (project.id, ctx.clock.now());
    let is_stored =
        in_catalog(&ctx, move |catalog| catalog.store_retention(caller.workspace_id, id, retention, now));
    if !is_stored.await? {
        return Err(ApiError::not_found("project", format_args!("{asked:?}")));
    }
    answer(&ctx, project, retention).await
}
