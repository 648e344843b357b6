//! Sharing in the second version: runs and threads, and what is readable without a key.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use clearspan_catalog::Shared;
use clearspan_model::{ProjectId, RunId, TraceId, WorkspaceId};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::find::{Pairs, home_of_run, parse_id, unprocessable};
use super::super::json_object::JsonObject;
use super::super::sharing::{keep, share_of, shared_rows};
use super::answer;
use super::run_json::{Selects, run_json};
use super::runs::{page_size, value_of, values_of};
use crate::api::catalog::in_catalog;
use crate::api::error::{ApiError, Result};
use crate::api::extract::{JsonBody, Params, PathParams, RunParam};
use crate::auth::Caller;
use crate::context::Context;

const MAX_PAGE: usize = 1_000;

/// Where what is shared is. Generated clients send it with `DELETE`, too.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::api::langsmith) struct Home {
    session_id: Option<ProjectId>,
    project_id: Option<ProjectId>,
    trace_id: Option<TraceId>,
}

pub(in crate::api::langsmith) async fn share_run(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(RunParam(run_id)): PathParams<RunParam>,
    JsonBody(home): JsonBody<Home>,
) -> Result<Json<Value>> {
    let subject = subject(&ctx, caller.workspace_id, run_id, &home).await?;
    let share = keep(&ctx, caller.workspace_id, Uuid::new_v4(), subject).await?;
    Ok(Json(json!({ "share_token": share.token })))
}

pub(in crate::api::langsmith) async fn unshare_run(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(RunParam(run_id)): PathParams<RunParam>,
    JsonBody(home): JsonBody<Home>,
) -> Result<StatusCode> {
    let subject = subject(&ctx, caller.workspace_id, run_id, &home).await?;
    in_catalog(&ctx, move |catalog| catalog.unshare(caller.workspace_id, &subject)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The run, which must be where the request says it is, if it says so.
async fn subject(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    run_id: RunId,
    home: &Home,
) -> Result<Shared> {
    let (project_id, trace_id) = home_of_run(ctx, workspace_id, run_id).await?;
    let is_there = home.session_id.or(home.project_id).is_none_or(|id| id == project_id)
        && home.trace_id.is_none_or(|id| id == trace_id);
    if !is_there {
        return Err(ApiError::not_found("run in this project and trace with the id", run_id));
    }
    Ok(Shared::Run { project_id, trace_id, run_id })
}

pub(in crate::api::langsmith) async fn share_thread(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(thread_id): PathParams<String>,
    JsonBody(home): JsonBody<Home>,
) -> Result<Json<Value>> {
    let subject = thread(home.project_id.or(home.session_id), thread_id)?;
    let share = keep(&ctx, caller.workspace_id, Uuid::new_v4(), subject).await?;
    Ok(Json(json!({ "share_token": share.token })))
}

pub(in crate::api::langsmith) async fn shared_thread(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(thread_id): PathParams<String>,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Value>> {
    let subject = thread(project_of(&pairs)?, thread_id)?;
    let share = share_of(&ctx, caller.workspace_id, subject).await?;
    Ok(Json(json!({ "share_token": share.map(|share| share.token) })))
}

pub(in crate::api::langsmith) async fn unshare_thread(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(thread_id): PathParams<String>,
    Params(pairs): Params<Pairs>,
    JsonBody(home): JsonBody<Home>,
) -> Result<StatusCode> {
    let project_id = home.project_id.or(home.session_id);
    let subject = thread(project_id.map_or_else(|| project_of(&pairs), |id| Ok(Some(id)))?, thread_id)?;
    in_catalog(&ctx, move |catalog| catalog.unshare(caller.workspace_id, &subject)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn project_of(pairs: &Pairs) -> Result<Option<ProjectId>> {
    let text = value_of(pairs, "project_id").or_else(|| value_of(pairs, "session_id"));
    text.map(|text| parse_id("project_id", text)).transpose()
}

fn thread(project_id: Option<ProjectId>, thread_id: String) -> Result<Shared> {
    let project_id =
        project_id.ok_or_else(|| unprocessable("project_id is missing: say whose thread it is"))?;
    Ok(Shared::Thread { project_id, thread_id })
}

pub(in crate::api::langsmith) async fn public_run(
    State(ctx): State<Arc<Context>>,
    PathParams((token, RunParam(run_id))): PathParams<(String, RunParam)>,
    Params(pairs): Params<Pairs>,
) -> Result<Json<JsonObject>> {
    let selected: Vec<String> = values_of(&pairs, "selects").map(str::to_owned).collect();
    let selects = Selects::parse(&selected)?;
    let mut rows = shared_rows(&ctx, &token, |id, _| id == run_id).await?;
    let row = rows.pop().ok_or_else(|| ApiError::not_found("shared run", run_id))?;
    Ok(Json(run_json(&row, &selects, false)))
}

/// Every key may be missing or null.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::api::langsmith) struct PublicBody {
    ids: Option<Vec<RunId>>,
    selects: Option<Vec<String>>,
    page_size: Option<i64>,
}

pub(in crate::api::langsmith) async fn public_runs(
    State(ctx): State<Arc<Context>>,
    headers: HeaderMap,
    PathParams(token): PathParams<String>,
    JsonBody(body): JsonBody<PublicBody>,
) -> Result<Response> {
    let selects = Selects::parse(body.selects.as_deref().unwrap_or_default())?;
    let limit = page_size(body.page_size.or(Some(1_000)), MAX_PAGE)?;
    let wanted = |id: RunId, _| body.ids.as_ref().is_none_or(|ids| ids.contains(&id));
    let rows = shared_rows(&ctx, &token, wanted).await?;
    let items = rows.iter().take(limit).map(|row| run_json(row, &selects, false)).collect::<Vec<_>>();
    Ok(answer::page(&headers, items, None))
}
