//! `GET /runs/{id}`, `POST /runs/query` and `POST /runs/stats`.

mod fitting;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_model::rollup::Totals;
use clearspan_model::{ProjectId, Run, RunId, RunKey, TraceId, WorkspaceId};
use clearspan_store::{
    Cursor, Order, Outline, RunKeys, RunQuery, RunSummary, Scope, SortKey, TracePage, TraceSummary, Unit,
};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;
use serde_json::{Value, json};

pub(super) use self::fitting::rows_that_fit;
use super::asked::Asked;
use super::attachments::files;
use super::body::RunsBody;
use super::json_object::JsonObject;
use super::run_json::{Place, Select, dotted_step, run_json};
use super::sessions::stats_json;
use super::{feedback, sharing};
use crate::api::catalog::in_catalog;
use crate::api::error::{ApiError, Result};
use crate::api::extract::{JsonBody, PathParams, RunParam};
use crate::api::params::{decode_cursor, encode_cursor};
use crate::api::tree::Tree;
use crate::auth::Caller;
use crate::context::Context;

/// Runs that are loaded at once.
const RUNS_AT_ONCE: usize = 500;
/// Traces whose trees are loaded at once: more would take much memory where they are large.
const TRACES_AT_ONCE: usize = 100;
/// Runs in the path that an answer gives of a run: a chain of 100,000 would be 10 MB for each of its runs.
const MAX_PATH: usize = 1_000;

pub(super) async fn get(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(RunParam(run_id)): PathParams<RunParam>,
) -> Result<Json<JsonObject>> {
    let scope = Scope { workspace_id: caller.workspace_id, project_ids: None };
    let runs = ctx.store.load_runs(&scope, &[], &[run_id]).await?;
    // Span ids are unique per trace only: of several, the newest is meant.
    let newest =
        runs.iter().max_by_key(|run| run.start_time).ok_or_else(|| ApiError::not_found("run", run_id))?;
    let scope = Scope { workspace_id: caller.workspace_id, project_ids: Some(vec![newest.key.project_id]) };
    let trace_ids = [newest.key.trace_id];
    let found = look_at_trees(&ctx, &scope, &trace_ids, move |runs, tree| {
        let row = tree.row_of(run_id)?;
        let mut place = place_in(runs, tree, row);
        place.descendants = Some(tree.subtree(row).skip(1).map(|row| tree.run(row).run_id).collect());
        Some((place, runs[tree.forest.order[row] as usize].clone()))
    });
    let found = found.await?.pop().flatten();
    let (place, summary) = found.ok_or_else(|| ApiError::not_found("run", run_id))?;
    let feedback = feedback::of_runs(&ctx, caller.workspace_id, vec![run_id]).await?;
    let names = project_names(&ctx, caller.workspace_id, std::iter::once(summary.project_id)).await?;
    let row = Row {
        app_path: app_path(&summary, &names),
        feedback_stats: feedback.stats(summary.trace_id, run_id),
        files: files(&ctx, newest),
        whole: Some(newest.clone()),
        place,
        summary,
    };
    let tokens = sharing::tokens(&ctx, caller.workspace_id, vec![sharing::of_run(&row.summary)]).await?;
    let mut json = row.json(&Select::new(None));
    json.set("share_token", json!(tokens.first()));
    Ok(Json(json))
}

pub(super) async fn query(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    JsonBody(mut body): JsonBody<RunsBody>,
) -> Result<Json<RunPage>> {
    let select = Select::new(body.select.take());
    let (order, limit, cursor) = (body.order()?, body.limit(), body.cursor.take());
    let wants = Wants::of(&select);
    let query = PageQuery { asked: body.asked()?, order, cursor: cursor.as_deref(), limit, wants };
    let (rows, next) = rows_that_fit(&ctx, caller.workspace_id, query).await?;
    let next = next.as_ref().map(encode_cursor);
    let shared = rows.iter().filter(|_| select.wants("share_token")).map(|row| sharing::of_run(&row.summary));
    let tokens = sharing::tokens(&ctx, caller.workspace_id, shared.collect()).await?;
    let mut runs: Vec<JsonObject> = rows.iter().map(|row| row.json(&select)).collect();
    for (run, token) in runs.iter_mut().zip(tokens) {
        run.set("share_token", json!(token));
    }
    Ok(Json(RunPage { runs, cursors: json!({ "next": next }), parsed_query: Value::Null }))
}

/// Runs, and where to go on.
#[derive(Debug, Serialize)]
pub(super) struct RunPage {
    pub(super) runs: Vec<JsonObject>,
    pub(super) cursors: Value,
    /// What a question in plain words was taken for, which nobody asks here.
    pub(super) parsed_query: Value,
}

pub(super) async fn stats(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    JsonBody(body): JsonBody<RunsBody>,
) -> Result<Json<Value>> {
    let asked = body.asked()?;
    let wants_roots = asked.wants_roots();
    let selection = asked.selection(&ctx, caller.workspace_id).await?;
    let stats = match wants_roots {
        true => ctx.store.root_stats(&selection).await?,
        false => ctx.store.stats(Unit::Runs, &selection).await?,
    };
    Ok(Json(Value::Object(stats_json(&stats))))
}

/// A run of an answer with everything that was looked up for it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) summary: RunSummary,
    pub(super) whole: Option<Run>,
    pub(super) place: Place,
    pub(super) app_path: String,
    /// Where its attachments are read.
    pub(super) files: Value,
    pub(super) feedback_stats: Value,
}

impl Row {
    /// As the first version of the protocol has it.
    pub(super) fn json(&self, select: &Select) -> JsonObject {
        let files = |_: &Run| self.files.clone();
        let mut json =
            run_json(&self.summary, self.whole.as_ref(), &self.place, select, &self.app_path, files);
        if select.wants("feedback_stats") {
            json.set("feedback_stats", self.feedback_stats.clone());
        }
        json
    }
}

/// What has to be looked up for the runs of a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wants {
    pub(super) whole: bool,
    /// What lists show of inputs and outputs.
    pub(super) previews: bool,
    /// Paths, ancestors, and sums over what is below.
    pub(super) place: bool,
    pub(super) feedback: bool,
}

impl Wants {
    pub(super) const ALL: Self = Self { whole: true, previews: true, place: true, feedback: true };

    /// What the first version of the protocol takes.
    pub(super) fn of(select: &Select) -> Self {
        let (whole, feedback) = (select.wants_whole_runs(), select.wants("feedback_stats"));
        Self { whole, previews: false, place: true, feedback }
    }
}

/// Which runs a page has, and what is wanted of each.
#[derive(Debug, Clone)]
pub(super) struct PageQuery<'a> {
    pub(super) asked: Asked,
    pub(super) order: Order,
    /// What an earlier page gave to go on with.
    pub(super) cursor: Option<&'a str>,
    pub(super) limit: usize,
    pub(super) wants: Wants,
}

/// One page of the runs that are asked for, as far as it has to be read for what is wanted of them.
pub(super) async fn page(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    query: PageQuery<'_>,
) -> Result<Page> {
    let PageQuery { asked, order, cursor, limit, wants } = query;
    let unit = if asked.wants_roots() { Unit::Traces } else { Unit::Runs };
    let after = cursor.map(|cursor| decode_cursor(cursor, order, unit)).transpose()?;
    let query = RunQuery { selection: asked.selection(ctx, workspace_id).await?, order, after, limit };
    Ok(match unit {
        Unit::Traces => Page::of_traces(ctx.store.query_traces(&query).await?),
        // Everything is read later anyway.
        Unit::Runs if wants.whole && wants.place && !wants.previews => {
            Page::of_keys(ctx.store.find_runs(&query).await?)
        }
        Unit::Runs => {
            let page = ctx.store.query_runs(&query).await?;
            Page { next: page.next, ..Page::of_runs(page.runs) }
        }
    })
}

/// The roots that are asked for, the oldest first; at most so many.
pub(super) async fn roots(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    asked: Asked,
    limit: usize,
) -> Result<Vec<RunSummary>> {
    let order = Order { by: SortKey::Start, descending: false };
    let selection = Asked { is_root: Some(true), ..asked }.selection(ctx, workspace_id).await?;
    let mut query = RunQuery { selection, order, after: None, limit: limit.min(RUNS_AT_ONCE) };
    let mut found = Vec::new();
    loop {
        let page = ctx.store.query_traces(&query).await?;
        query.after = page.next;
        found.extend(page.traces.into_iter().map(|trace| trace.root));
        if query.after.is_none() || found.len() >= limit {
            return Ok(found);
        }
    }
}

/// The runs of a page with what is wanted of each.
pub(super) async fn rows(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    page: Page,
    wants: Wants,
) -> Result<Vec<Row>> {
    let whole = async {
        match wants.whole {
            true => load_whole(ctx, workspace_id, &page.keys).await,
            false => Ok(FxHashMap::default()),
        }
    };
    rows_with(ctx, workspace_id, &page, wants, whole).await
}

/// The same, whose payloads are loaded meanwhile.
async fn rows_with(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    page: &Page,
    wants: Wants,
    whole: impl Future<Output = Result<FxHashMap<Key, Run>>>,
) -> Result<Vec<Row>> {
    let seen = async {
        let listed = |key| page.listed.get(key).map(|run| (run.clone(), Place::default()));
        match wants.place {
            true => places(ctx, workspace_id, page).await,
            false => Ok(page.keys.iter().filter_map(listed).collect()),
        }
    };
    let feedback = async {
        let ids = || page.keys.iter().map(|key| key.2).collect();
        match wants.feedback {
            true => feedback::of_runs(ctx, workspace_id, ids()).await,
            false => Ok(feedback::OfRuns::default()),
        }
    };
    let names = project_names(ctx, workspace_id, page.keys.iter().map(|key| key.0));
    let (mut whole, seen, feedback, names) = futures::try_join!(whole, seen, feedback, names)?;
    let row = |(summary, place): (RunSummary, Place)| {
        let whole = whole.remove(&key(&summary));
        Row {
            files: whole.as_ref().map_or(Value::Null, |run| files(ctx, run)),
            whole,
            place,
            app_path: app_path(&summary, &names),
            feedback_stats: feedback.stats(summary.trace_id, summary.run_id),
            summary,
        }
    };
    Ok(seen.into_iter().map(row).collect())
}

/// Runs by what identifies them, in this order, with everything that is known of them. Those that are gone are left out.
pub(super) async fn rows_of(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    places: &[(Option<ProjectId>, Option<TraceId>, RunId)],
    wants: Wants,
) -> Result<Vec<Row>> {
    let asked = Asked { ids: Some(places.iter().map(|(_, _, id)| *id).collect()), ..Asked::default() };
    let order = Order { by: SortKey::Start, descending: true };
    // Ids made from span ids are unique per trace only.
    let limit = places.len().max(1) * 2;
    let found = page(ctx, workspace_id, PageQuery { asked, order, cursor: None, limit, wants }).await?;
    let key_of = |(project_id, trace_id, run_id): &(Option<ProjectId>, Option<TraceId>, RunId)| {
        let is_it = |(project, trace, run): &&Key| {
            run == run_id
                && trace_id.is_none_or(|id| id == *trace)
                && project_id.is_none_or(|id| id == *project)
        };
        found.keys.iter().find(is_it).copied()
    };
    let keys = places.iter().filter_map(key_of).collect();
    rows(ctx, workspace_id, Page { keys, next: None, ..found }, wants).await
}

/// What identifies a run inside of a workspace.
type Key = (ProjectId, TraceId, RunId);

fn key(run: &RunSummary) -> Key {
    (run.project_id, run.trace_id, run.run_id)
}

fn key_in_workspace(key: &RunKey) -> Key {
    (key.project_id, key.trace_id, key.run_id)
}

/// One page of runs, and what is known of them without looking further.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// In their order.
    pub(super) keys: Vec<Key>,
    /// What lists show of them; nothing where they are read whole anyway.
    listed: FxHashMap<Key, RunSummary>,
    /// Of whole traces, by their root.
    totals: FxHashMap<Key, Totals>,
    pub(super) next: Option<Cursor>,
}

impl Page {
    /// The roots of traces.
    pub(super) fn of_traces(page: TracePage) -> Self {
        let totals = page.traces.iter().map(|trace| (key(&trace.root), totals_of(trace))).collect();
        let roots = page.traces.into_iter().map(|trace| trace.root).collect();
        Self { totals, next: page.next, ..Self::of_runs(roots) }
    }

    pub(super) fn of_runs(runs: Vec<RunSummary>) -> Self {
        let keys = runs.iter().map(key).collect();
        Self { keys, listed: runs.into_iter().map(|run| (key(&run), run)).collect(), ..Self::default() }
    }

    fn of_keys(page: RunKeys) -> Self {
        let keys = page.keys.iter().map(key_in_workspace).collect();
        Self { keys, next: page.next, ..Self::default() }
    }
}

/// The runs of a page with their payloads.
async fn load_whole(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    page: &[Key],
) -> Result<FxHashMap<Key, Run>> {
    let scope = scope_of(workspace_id, page);
    let trace_ids = distinct(page.iter().map(|key| key.1));
    let run_ids = distinct(page.iter().map(|key| key.2));
    let loaded = ctx.store.load_runs(&scope, &trace_ids, &run_ids).await?;
    Ok(loaded.into_iter().map(|run| (key_in_workspace(&run.key), run)).collect())
}

fn scope_of(workspace_id: WorkspaceId, keys: &[Key]) -> Scope {
    Scope { workspace_id, project_ids: Some(distinct(keys.iter().map(|key| key.0))) }
}

fn distinct<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    items.collect::<BTreeSet<T>>().into_iter().collect()
}

/// Each run of a page as a list shows it, and where it stands. Roots of which the sums are known stand at the top; others
/// need their trees, which say as much as a list but for previews and metadata.
async fn places(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    page: &Page,
) -> Result<Vec<(RunSummary, Place)>> {
    let is_known = |key: &Key| {
        let is_root = page.listed.get(key).is_some_and(|run| run.parent_run_id.is_none());
        is_root && page.totals.contains_key(key)
    };
    let others: Vec<Key> = page.keys.iter().filter(|key| !is_known(key)).copied().collect();
    let found = in_trees(ctx, workspace_id, &others).await?;
    let seen = |key: &Key| {
        let listed = page.listed.get(key);
        match found.get(key) {
            Some((run, place)) => Some((listed.unwrap_or(run).clone(), place.clone())),
            None => {
                let run = listed?;
                let totals = page.totals.get(key).copied().unwrap_or_default();
                Some((run.clone(), Place { dotted_order: step(run), totals, ..Place::default() }))
            }
        }
    };
    Ok(page.keys.iter().filter_map(seen).collect())
}

/// What the trees of their traces tell of some runs.
async fn in_trees(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    keys: &[Key],
) -> Result<FxHashMap<Key, (RunSummary, Place)>> {
    let scope = scope_of(workspace_id, keys);
    let wanted: Arc<FxHashSet<Key>> = Arc::new(keys.iter().copied().collect());
    let mut told = FxHashMap::default();
    for traces in distinct(keys.iter().map(|key| key.1)).chunks(TRACES_AT_ONCE) {
        let wanted = Arc::clone(&wanted);
        let found = look_at_trees(ctx, &scope, traces, move |runs, tree| {
            let wanted = runs.iter().zip(&tree.forest.row_of).filter(|(run, _)| wanted.contains(&key(run)));
            let told = |(run, row): (&RunSummary, &u32)| {
                (key(run), (run.clone(), place_in(runs, tree, *row as usize)))
            };
            wanted.map(told).collect::<Vec<_>>()
        });
        told.extend(found.await?.into_iter().flatten());
    }
    Ok(told)
}

fn totals_of(trace: &TraceSummary) -> Totals {
    Totals {
        input_tokens: trace.input_tokens,
        output_tokens: trace.output_tokens,
        total_tokens: trace.total_tokens,
        input_cost: trace.input_cost,
        output_cost: trace.output_cost,
        total_cost: trace.total_cost,
        unpriced_runs: trace.unpriced_count,
    }
}

/// Looks at the runs of some traces, in order of their start, and at the tree of each: one for each project that a trace has
/// runs in.
async fn look_at_trees<T: Send + 'static>(
    ctx: &Arc<Context>,
    scope: &Scope,
    trace_ids: &[TraceId],
    look: impl Fn(&[RunSummary], &Tree<'_>) -> T + Send + 'static,
) -> Result<Vec<T>> {
    let runs = ctx.store.load_skeletons(scope, trace_ids).await?;
    let seen = tokio::task::spawn_blocking(move || {
        let mut traces: BTreeMap<(ProjectId, TraceId), Vec<RunSummary>> = BTreeMap::new();
        for run in runs {
            traces.entry((run.project_id, run.trace_id)).or_default().push(run);
        }
        let traces = traces.into_values().filter_map(with_outline);
        traces.map(|(runs, outline)| look(&runs, &Tree::new(&outline))).collect()
    });
    Ok(seen.await?)
}

/// The runs of one trace, each at its position in their outline. `None` when there are none.
pub(super) fn with_outline(mut runs: Vec<RunSummary>) -> Option<(Vec<RunSummary>, Outline)> {
    runs.sort_by_key(|run| (run.start_time, run.run_id));
    let outline = Outline::of(&runs)?;
    Some((runs, outline))
}

/// Ancestors, path and sums of one row.
fn place_in(runs: &[RunSummary], tree: &Tree<'_>, row: usize) -> Place {
    let mut path = short_path(tree.path_up(row));
    path.reverse();
    let run = |row: usize| &runs[tree.forest.order[row] as usize];
    // What a client sent is kept: the path goes on from the last run that has one.
    let known = path.iter().rposition(|row| run(*row).dotted_order.is_some());
    let steps = path.iter().skip(known.unwrap_or(0)).map(|row| step(run(*row)));
    Place {
        dotted_order: steps.collect::<Vec<_>>().join("."),
        parent_run_ids: path.iter().take(path.len() - 1).map(|row| tree.run(*row).run_id).collect(),
        descendants: None,
        totals: *tree.totals(row),
    }
}

/// The path up from a run, of which the middle is left out where it is longer than [`MAX_PATH`]: the run, those above it, the root.
fn short_path(mut up: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut path: Vec<usize> = up.by_ref().take(MAX_PATH - 1).collect();
    path.extend(up.last());
    path
}

fn step(run: &RunSummary) -> String {
    run.dotted_order.clone().unwrap_or_else(|| dotted_step(run.start_time, run.run_id))
}

/// The names of some projects; a workspace may have thousands.
async fn project_names(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    ids: impl Iterator<Item = ProjectId>,
) -> Result<FxHashMap<ProjectId, String>> {
    let ids = distinct(ids);
    in_catalog(ctx, move |catalog| {
        let mut names = FxHashMap::default();
        for id in ids {
            if let Some(project) = catalog.load_project(workspace_id, id)? {
                names.insert(id, project.name.as_str().to_owned());
            }
        }
        Ok(names)
    })
    .await
}

/// The page of a run in our UI. By id where the name would need escaping.
fn app_path(run: &RunSummary, names: &FxHashMap<ProjectId, String>) -> String {
    let is_plain =
        |name: &&String| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let project = names.get(&run.project_id).filter(is_plain).cloned();
    let project = project.unwrap_or_else(|| run.project_id.to_string());
    format!("/app/p/{project}/traces/{}?span={}", run.trace_id, run.run_id)
}
