//! Projects: the list, and finding one by its id or its name.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_catalog::{Project, ProjectName};
use clearspan_model::{ProjectId, UnixNanos, WorkspaceId};
use clearspan_store::ProjectActivity;
use rustc_hash::FxHashMap;

use super::catalog::in_catalog;
use super::error::{ApiError, Result};
use super::extract::PathParams;
use super::types::{ProjectList, ProjectRow};
use crate::auth::Caller;
use crate::context::Context;

const WEEK_NANOS: i64 = 7 * 86_400 * 1_000_000_000;

/// All projects
#[utoipa::path(get, operation_id = "list_projects", path = "/projects", tag = "projects", responses((status = 200, body = ProjectList), super::openapi::Errors))]
pub(crate) async fn list(State(ctx): State<Arc<Context>>, caller: Caller) -> Result<Json<ProjectList>> {
    let projects = all(&ctx, caller.workspace_id).await?;
    let activity = activity(&ctx, caller.workspace_id).await?;
    let mut projects: Vec<ProjectRow> =
        projects.iter().map(|project| row(project, activity.get(&project.id))).collect();
    // Never used ones last, by name.
    projects.sort_by(|a, b| b.last_run_at.cmp(&a.last_run_at).then_with(|| a.name.cmp(&b.name)));
    Ok(Json(ProjectList { projects }))
}

/// One project, by its id or its name
#[utoipa::path(get, operation_id = "get_project", path = "/projects/{project}", tag = "projects",
    params(("project" = String, Path, description = "Id or name")),
    responses((status = 200, body = ProjectRow), super::openapi::Errors))]
pub(crate) async fn get(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(project): PathParams<String>,
) -> Result<Json<ProjectRow>> {
    let project = find(&ctx, caller.workspace_id, &project).await?;
    let activity = activity(&ctx, caller.workspace_id).await?;
    Ok(Json(row(&project, activity.get(&project.id))))
}

/// The project with this id, else the one of this name.
pub(crate) async fn find(ctx: &Arc<Context>, workspace_id: WorkspaceId, id_or_name: &str) -> Result<Project> {
    let wanted = id_or_name.to_owned();
    let found = in_catalog(ctx, move |catalog| {
        if let Ok(id) = wanted.parse::<ProjectId>()
            && let Some(project) = catalog.load_project(workspace_id, id)?
        {
            return Ok(Some(project));
        }
        match ProjectName::parse(&wanted) {
            Ok(name) => catalog.find_project(workspace_id, &name),
            Err(_) => Ok(None),
        }
    });
    found.await?.ok_or_else(|| ApiError::not_found("project", format_args!("{id_or_name:?}")))
}

/// The project with this id, which some run names.
pub(crate) async fn by_id(ctx: &Arc<Context>, workspace_id: WorkspaceId, id: ProjectId) -> Result<Project> {
    let found = in_catalog(ctx, move |catalog| catalog.load_project(workspace_id, id));
    found.await?.ok_or_else(|| ApiError::not_found("project", id))
}

/// All projects of the workspace, by name.
pub(crate) async fn all(ctx: &Arc<Context>, workspace_id: WorkspaceId) -> Result<Vec<Project>> {
    in_catalog(ctx, move |catalog| catalog.list_projects(workspace_id)).await
}

/// When each project was last written to, and its traces of the last seven days.
pub(crate) async fn activity(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
) -> Result<FxHashMap<ProjectId, ProjectActivity>> {
    let since = UnixNanos::from_nanos(ctx.clock.now().as_nanos().saturating_sub(WEEK_NANOS));
    let activity = ctx.store.project_activity(workspace_id, since).await?;
    Ok(activity.into_iter().map(|activity| (activity.project_id, activity)).collect())
}

fn row(project: &Project, activity: Option<&ProjectActivity>) -> ProjectRow {
    ProjectRow {
        id: project.id.to_string(),
        name: project.name.as_str().to_owned(),
        created_at: project.created_at.as_micros(),
        last_run_at: activity.map(|activity| activity.last_start.as_micros()),
        trace_count: activity.map_or(0, |activity| activity.trace_count),
    }
}
