//! `GET /runs/{id}`, `POST /runs/query` and `POST /runs/stats`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_model::rollup::Totals;
use clearspan_model::{ProjectId, Run, RunId, TraceId, WorkspaceId};
use clearspan_query::{Expr, Field, Literal, Op};
use clearspan_store::{
    Cursor, Order, RunQuery, RunSummary, Scope, Selection, SortKey, Stats, TimeRange, TraceSummary, Unit,
};
use futures::{StreamExt as _, TryStreamExt as _};
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Value, json};

use super::attachments::files;
use super::body::RunsBody;
use super::run_json::{Place, Select, dotted_step, run_json};
use super::sessions::stats_json;
use crate::api::error::{ApiError, Result};
use crate::api::extract::{JsonBody, PathParams, RunParam};
use crate::api::params::{decode_cursor, encode_cursor};
use crate::api::projects;
use crate::api::tree::Tree;
use crate::auth::Caller;
use crate::context::Context;

/// Traces whose trees are loaded at once.
const TRACES_AT_ONCE: usize = 4;

pub(super) async fn get(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(RunParam(run_id)): PathParams<RunParam>,
) -> Result<Json<Value>> {
    let scope = Scope { workspace_id: caller.workspace_id, project_ids: None };
    let runs = ctx.store.load_runs(&scope, None, &[run_id]).await?;
    // Span ids are unique per trace only: of several, the newest is meant.
    let newest =
        runs.iter().max_by_key(|run| run.start_time).ok_or_else(|| ApiError::not_found("run", run_id))?;
    let trace = (newest.key.project_id, newest.key.trace_id);
    let tree = load_tree(&ctx, caller.workspace_id, trace).await?;
    let row = tree.as_ref().and_then(|tree| tree.runs.iter().position(|run| run.run_id == run_id));
    let (Some(tree), Some(row)) = (tree, row) else { return Err(ApiError::not_found("run", run_id)) };
    let mut place = place_in(&tree, row);
    place.descendants =
        Some(tree.runs[row + 1..row + tree.sizes[row]].iter().map(|run| run.run_id).collect());
    let summary = &tree.runs[row];
    let app_path = app_path(summary, &project_names(&ctx, caller.workspace_id).await?);
    Ok(Json(run_json(summary, Some(newest), &place, &Select::new(None), &app_path, |run| files(&ctx, run))))
}

pub(super) async fn query(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    JsonBody(mut body): JsonBody<RunsBody>,
) -> Result<Json<Value>> {
    if body.is_about_examples() {
        return Ok(Json(json!({ "runs": [], "cursors": { "next": null } })));
    }
    let select = Select::new(body.select.take());
    let page = match body.wants_roots() {
        true => page_of_roots(&ctx, &caller, body).await?,
        false => page_of_runs(&ctx, &caller, body).await?,
    };
    let whole = match select.wants_whole_runs() {
        true => load_whole(&ctx, caller.workspace_id, &page.runs).await?,
        false => FxHashMap::default(),
    };
    let places = places(&ctx, caller.workspace_id, &page, &select).await?;
    let names = project_names(&ctx, caller.workspace_id).await?;
    let runs: Vec<Value> = page
        .runs
        .iter()
        .zip(places)
        .map(|(summary, place)| {
            let app_path = app_path(summary, &names);
            run_json(summary, whole.get(&key(summary)), &place, &select, &app_path, |run| files(&ctx, run))
        })
        .collect();
    let next = page.next.as_ref().map(encode_cursor);
    Ok(Json(json!({ "runs": runs, "cursors": { "next": next } })))
}

pub(super) async fn stats(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    JsonBody(body): JsonBody<RunsBody>,
) -> Result<Json<Value>> {
    if body.is_about_examples() {
        return Ok(Json(Value::Object(stats_json(&Stats::default()))));
    }
    let unit = if body.wants_roots() { Unit::Traces } else { Unit::Runs };
    let stats = ctx.store.stats(unit, &body.selection(caller.workspace_id)?).await?;
    Ok(Json(Value::Object(stats_json(&stats))))
}

/// What identifies a run inside of a workspace.
type Key = (ProjectId, TraceId, RunId);

fn key(run: &RunSummary) -> Key {
    (run.project_id, run.trace_id, run.run_id)
}

/// One page, and what is known of whole traces by their root.
struct Page {
    runs: Vec<RunSummary>,
    totals: FxHashMap<Key, Totals>,
    next: Option<Cursor>,
}

async fn page_of_runs(ctx: &Arc<Context>, caller: &Caller, mut body: RunsBody) -> Result<Page> {
    let (order, limit) = (body.order()?, body.limit());
    let after = body.cursor.take().map(|cursor| decode_cursor(&cursor, order, Unit::Runs)).transpose()?;
    let selection = body.selection(caller.workspace_id)?;
    let page = ctx.store.query_runs(&RunQuery { selection, order, after, limit }).await?;
    Ok(Page { runs: page.runs, totals: FxHashMap::default(), next: page.next })
}

async fn page_of_roots(ctx: &Arc<Context>, caller: &Caller, mut body: RunsBody) -> Result<Page> {
    let (order, limit) = (body.order()?, body.limit());
    let after = body.cursor.take().map(|cursor| decode_cursor(&cursor, order, Unit::Traces)).transpose()?;
    let selection = body.selection(caller.workspace_id)?;
    let page = ctx.store.query_traces(&RunQuery { selection, order, after, limit }).await?;
    let totals = page.traces.iter().map(|trace| (key(&trace.root), totals_of(trace))).collect();
    Ok(Page { runs: page.traces.into_iter().map(|trace| trace.root).collect(), totals, next: page.next })
}

/// The runs of a page with their payloads, one read for each trace.
async fn load_whole(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    page: &[RunSummary],
) -> Result<FxHashMap<(ProjectId, TraceId, RunId), Run>> {
    let mut traces: BTreeMap<(ProjectId, TraceId), Vec<RunId>> = BTreeMap::new();
    for run in page {
        traces.entry((run.project_id, run.trace_id)).or_default().push(run.run_id);
    }
    let loads = traces.into_iter().map(|((project_id, trace_id), run_ids)| async move {
        let scope = Scope { workspace_id, project_ids: Some(vec![project_id]) };
        ctx.store.load_runs(&scope, Some(trace_id), &run_ids).await
    });
    let loaded: Vec<Vec<Run>> = futures::stream::iter(loads).buffered(TRACES_AT_ONCE).try_collect().await?;
    let by_key = |run: Run| ((run.key.project_id, run.key.trace_id, run.key.run_id), run);
    Ok(loaded.into_iter().flatten().map(by_key).collect())
}

/// Where each run of a page stands. Roots are cheap: one query sums up all their traces. Others need their trees.
async fn places(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    page: &Page,
    select: &Select,
) -> Result<Vec<Place>> {
    let (roots, others): (Vec<&RunSummary>, Vec<&RunSummary>) =
        page.runs.iter().partition(|run| run.parent_run_id.is_none());
    let mut traces: Vec<(ProjectId, TraceId)> =
        others.iter().map(|run| (run.project_id, run.trace_id)).collect();
    traces.sort_unstable();
    traces.dedup();
    let loads = traces.into_iter().map(|trace| async move { load_tree(ctx, workspace_id, trace).await });
    let trees: Vec<Option<Tree>> =
        futures::stream::iter(loads).buffered(TRACES_AT_ONCE).try_collect().await?;
    let wanted: FxHashSet<Key> = others.iter().map(|run| key(run)).collect();
    let mut places: FxHashMap<Key, Place> = FxHashMap::default();
    for tree in trees.iter().flatten() {
        let rows = tree.runs.iter().enumerate().filter(|(_, run)| wanted.contains(&key(run)));
        places.extend(rows.map(|(row, run)| (key(run), place_in(tree, row))));
    }

    let wants_figures = ["prompt_tokens", "completion_tokens", "total_tokens", "total_cost"]
        .iter()
        .any(|key| select.wants(key));
    let unknown: Vec<TraceId> =
        roots.iter().filter(|run| !page.totals.contains_key(&key(run))).map(|run| run.trace_id).collect();
    let mut totals = page.totals.clone();
    if wants_figures && !unknown.is_empty() {
        totals.extend(trace_totals(ctx, workspace_id, &unknown).await?);
    }
    let place = |run: &RunSummary| {
        places.get(&key(run)).cloned().unwrap_or_else(|| Place {
            dotted_order: step(run),
            totals: totals.get(&key(run)).copied().unwrap_or_default(),
            ..Place::default()
        })
    };
    Ok(page.runs.iter().map(place).collect())
}

/// The totals of whole traces, by their root.
async fn trace_totals(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    trace_ids: &[TraceId],
) -> Result<FxHashMap<Key, Totals>> {
    let ids = trace_ids.iter().map(|id| Literal::Id(*id.as_bytes())).collect();
    let selection = Selection {
        scope: Scope { workspace_id, project_ids: None },
        range: TimeRange::default(),
        filter: Some(Expr::Test(Field::TraceId, Op::In(ids))),
    };
    let order = Order { by: SortKey::Start, descending: true };
    // One id may be a trace in several projects.
    let limit = trace_ids.len() * 2;
    let page = ctx.store.query_traces(&RunQuery { selection, order, after: None, limit }).await?;
    Ok(page.traces.iter().map(|trace| (key(&trace.root), totals_of(trace))).collect())
}

fn totals_of(trace: &TraceSummary) -> Totals {
    Totals {
        input_tokens: trace.input_tokens,
        output_tokens: trace.output_tokens,
        total_tokens: trace.total_tokens,
        total_cost: trace.total_cost,
        unpriced_runs: trace.unpriced_count,
        ..Totals::default()
    }
}

async fn load_tree(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    (project_id, trace_id): (ProjectId, TraceId),
) -> Result<Option<Tree>> {
    let scope = Scope { workspace_id, project_ids: Some(vec![project_id]) };
    let runs = ctx.store.load_skeleton(&scope, trace_id).await?;
    Ok(tokio::task::spawn_blocking(move || Tree::new(runs)).await?)
}

/// Ancestors, path and sums of one row.
fn place_in(tree: &Tree, row: usize) -> Place {
    let mut path: Vec<usize> = std::iter::successors(Some(row), |row| tree.parents[*row]).collect();
    path.reverse();
    // What a client sent is kept: the path goes on from the last run that has one.
    let known = path.iter().rposition(|row| tree.runs[*row].dotted_order.is_some());
    let steps = path.iter().skip(known.unwrap_or(0)).map(|row| step(&tree.runs[*row]));
    Place {
        dotted_order: steps.collect::<Vec<_>>().join("."),
        parent_run_ids: path.iter().take(path.len() - 1).map(|row| tree.runs[*row].run_id).collect(),
        descendants: None,
        totals: tree.totals[row],
    }
}

fn step(run: &RunSummary) -> String {
    run.dotted_order.clone().unwrap_or_else(|| dotted_step(run.start_time, run.run_id))
}

async fn project_names(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
) -> Result<FxHashMap<ProjectId, String>> {
    let projects = projects::all(ctx, workspace_id).await?;
    Ok(projects.into_iter().map(|project| (project.id, project.name.as_str().to_owned())).collect())
}

/// The page of a run in our UI. By id where the name would need escaping.
fn app_path(run: &RunSummary, names: &FxHashMap<ProjectId, String>) -> String {
    let is_plain =
        |name: &&String| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let project = names.get(&run.project_id).filter(is_plain).cloned();
    let project = project.unwrap_or_else(|| run.project_id.to_string());
    format!("/app/p/{project}/traces/{}?span={}", run.trace_id, run.run_id)
}
