//! Runs that are readable for whoever knows a token: `PUT /runs/{id}/share`, and `/public/{token}/…`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use clearspan_catalog::{Share, ShareToken, Shared};
use clearspan_model::{RunId, WorkspaceId};
use clearspan_store::{RunSummary, Scope};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::OneOrMany;
use super::find::{Pairs, home_of_run, parse_id, unprocessable};
use super::json_object::JsonObject;
use super::run_json::Select;
use super::runs::{Page, Row, RunPage, Wants, rows, with_outline};
use crate::api::catalog::in_catalog;
use crate::api::error::{ApiError, ErrorCode, Result};
use crate::api::extract::{JsonBody, Params, PathParams, RunParam};
use crate::api::tree::Tree;
use crate::auth::Caller;
use crate::context::Context;

/// Runs of a shared one that an answer has at most.
const MAX_RUNS: usize = 1_000;

pub(super) async fn share(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(RunParam(run_id)): PathParams<RunParam>,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Value>> {
    // The client may choose the token. It must be one that nobody guesses.
    let token = match body.get("share_token").and_then(Value::as_str) {
        None => Uuid::new_v4(),
        Some(text) => match text.parse::<Uuid>() {
            Ok(token) if !token.is_nil() => token,
            _ => return Err(unprocessable("share_token must be a UUID")),
        },
    };
    let subject = subject(&ctx, caller.workspace_id, run_id).await?;
    let share = keep(&ctx, caller.workspace_id, token, subject).await?;
    Ok(Json(json!({ "run_id": run_id, "share_token": share.token })))
}

/// Null where it is not shared.
pub(super) async fn get(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(RunParam(run_id)): PathParams<RunParam>,
) -> Result<Json<Value>> {
    let subject = subject(&ctx, caller.workspace_id, run_id).await?;
    let share = share_of(&ctx, caller.workspace_id, subject).await?;
    Ok(Json(share.map_or(Value::Null, |share| json!({ "run_id": run_id, "share_token": share.token }))))
}

pub(super) async fn unshare(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(RunParam(run_id)): PathParams<RunParam>,
) -> Result<Json<Value>> {
    let subject = subject(&ctx, caller.workspace_id, run_id).await?;
    // Not shared is what was asked for.
    in_catalog(&ctx, move |catalog| catalog.unshare(caller.workspace_id, &subject)).await?;
    Ok(Json(json!({})))
}

/// The shared run itself.
pub(super) async fn public_root(
    State(ctx): State<Arc<Context>>,
    PathParams(token): PathParams<String>,
) -> Result<Json<JsonObject>> {
    let mut rows = shared_rows(&ctx, &token, |_, is_shared| is_shared).await?;
    let row = rows.pop().ok_or_else(not_shared)?;
    Ok(Json(row.json(&Select::new(None))))
}

pub(super) async fn public_run(
    State(ctx): State<Arc<Context>>,
    PathParams((token, RunParam(run_id))): PathParams<(String, RunParam)>,
) -> Result<Json<JsonObject>> {
    let mut rows = shared_rows(&ctx, &token, |id, _| id == run_id).await?;
    let row = rows.pop().ok_or_else(|| ApiError::not_found("shared run", run_id))?;
    Ok(Json(row.json(&Select::new(None))))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PublicBody {
    id: Option<OneOrMany<RunId>>,
    select: Option<Vec<String>>,
}

pub(super) async fn public_runs(
    State(ctx): State<Arc<Context>>,
    PathParams(token): PathParams<String>,
    JsonBody(body): JsonBody<PublicBody>,
) -> Result<Json<RunPage>> {
    let ids = body.id.map(OneOrMany::into_vec);
    let rows = shared_rows(&ctx, &token, |id, _| ids.as_ref().is_none_or(|ids| ids.contains(&id))).await?;
    let select = Select::new(body.select);
    let runs = rows.iter().map(|row| row.json(&select)).collect();
    Ok(Json(RunPage { runs, cursors: json!({ "next": null }), parsed_query: Value::Null }))
}

/// Releases of the JavaScript SDK forget the `?` in `/public/{token}/runs?id={run}&share_token={token}`: then the parameters are
/// a part of the path.
pub(super) async fn public_list(
    State(ctx): State<Arc<Context>>,
    PathParams((token, rest)): PathParams<(String, String)>,
    Params(mut pairs): Params<Pairs>,
) -> Result<Json<Vec<JsonObject>>> {
    let forgotten = rest.strip_prefix("runs").ok_or_else(not_shared)?;
    if !forgotten.is_empty() {
        let is_list = forgotten.starts_with("id=") || forgotten.starts_with("share_token=");
        let read = format!("/?{forgotten}").parse().ok().filter(|_| is_list);
        let read = read.and_then(|uri| Query::<Pairs>::try_from_uri(&uri).ok());
        pairs.extend(read.ok_or_else(not_shared)?.0);
    }
    let ids = pairs.iter().filter(|(key, _)| key == "id").map(|(_, id)| parse_id("id", id));
    let ids = ids.collect::<Result<Vec<RunId>>>()?;
    let rows = shared_rows(&ctx, &token, |id, _| ids.is_empty() || ids.contains(&id)).await?;
    Ok(Json(rows.iter().map(|row| row.json(&Select::new(None))).collect()))
}

/// What a token makes readable, as far as it is wanted: of a run, it and everything below it; of a thread, the roots of its
/// traces and everything below them.
pub(super) async fn shared_rows(
    ctx: &Arc<Context>,
    token: &str,
    wanted: impl Fn(RunId, bool) -> bool,
) -> Result<Vec<Row>> {
    // Guessed, malformed and withdrawn ones look alike.
    let token: ShareToken = token.parse().map_err(|_| not_shared())?;
    let share = in_catalog(ctx, move |catalog| catalog.find_share(token)).await?.ok_or_else(not_shared)?;
    let mut runs = Vec::new();
    for (project_id, trace_id, top) in super::v2::shared_traces(ctx, &share).await? {
        let scope = Scope { workspace_id: share.workspace_id, project_ids: Some(vec![project_id]) };
        let skeleton = ctx.store.load_skeleton(&scope, trace_id).await?;
        let below = tokio::task::spawn_blocking(move || runs_below(skeleton, top)).await?;
        let below = below.into_iter().enumerate();
        runs.extend(below.filter(|(at, run)| wanted(run.run_id, *at == 0)).map(|(_, run)| run));
    }
    if runs.len() > MAX_RUNS {
        runs.truncate(MAX_RUNS);
    }
    rows(ctx, share.workspace_id, Page::of_runs(runs), Wants::ALL).await
}

/// A run and everything below it, parents before their children; the whole trace where no run is named.
fn runs_below(skeleton: Vec<RunSummary>, top: Option<RunId>) -> Vec<RunSummary> {
    let Some((runs, outline)) = with_outline(skeleton) else { return Vec::new() };
    let tree = Tree::new(&outline);
    let rows = match top {
        None => 0..tree.len(),
        Some(run_id) => tree.row_of(run_id).map(|row| tree.subtree(row)).unwrap_or_default(),
    };
    rows.map(|row| runs[tree.forest.order[row] as usize].clone()).collect()
}

fn not_shared() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "nothing is shared under this address")
}

async fn subject(ctx: &Arc<Context>, workspace_id: WorkspaceId, run_id: RunId) -> Result<Shared> {
    let (project_id, trace_id) = home_of_run(ctx, workspace_id, run_id).await?;
    Ok(Shared::Run { project_id, trace_id, run_id })
}

pub(super) async fn keep(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    token: ShareToken,
    subject: Shared,
) -> Result<Share> {
    let share = Share { token, workspace_id, subject, created_at: ctx.clock.now() };
    in_catalog(ctx, move |catalog| catalog.share(&share)).await
}

pub(super) async fn share_of(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    subject: Shared,
) -> Result<Option<Share>> {
    in_catalog(ctx, move |catalog| catalog.share_of(workspace_id, &subject)).await
}

/// How each of some things is shared, in their order.
pub(super) async fn tokens(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    subjects: Vec<Shared>,
) -> Result<Vec<Option<ShareToken>>> {
    in_catalog(ctx, move |catalog| {
        let token = |subject| Ok(catalog.share_of(workspace_id, subject)?.map(|share| share.token));
        subjects.iter().map(token).collect()
    })
    .await
}

pub(super) fn of_run(run: &RunSummary) -> Shared {
    Shared::Run { project_id: run.project_id, trace_id: run.trace_id, run_id: run.run_id }
}
