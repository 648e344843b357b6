//! `POST /api/v2/datasets/{id}/experiment-runs`: examples of a dataset, each with the runs that experiments made of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use clearspan_catalog::{ComparisonId, DatasetId, Example, ExampleQuery};
use clearspan_model::{ProjectId, WorkspaceId};
use clearspan_store::RunSummary;
use http::HeaderMap;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::super::attachments::base_of_addresses;
use super::super::experiments::{by_example, example_of, narrow_feedback, version_of};
use super::super::find::unprocessable;
use super::super::input::{LargeJson, parse_id};
use super::super::json_object::{JsonObject, text_of};
use super::super::runs::{Page, Row, rows};
use super::super::{datasets, examples, feedback};
use super::answer;
use super::run_json::Selects;
use super::runs::{json_of, page_size};
use crate::api::catalog::in_catalog;
use crate::api::cursor;
use crate::api::error::Result;
use crate::api::extract::PathParams;
use crate::auth::Caller;
use crate::context::Context;

const DEFAULT_PAGE: i64 = 20;
const MAX_PAGE: usize = 100;
const MAX_EXAMPLE_IDS: usize = 1_000;

/// Every key but `experiment_ids` may be missing or null.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::api::langsmith) struct Body {
    experiment_ids: Option<Vec<String>>,
    example_ids: Option<Vec<String>>,
    filters: Option<BTreeMap<String, Vec<String>>>,
    sort: Option<Sort>,
    selects: Option<Vec<String>>,
    comparative_experiment_id: Option<String>,
    page_size: Option<i64>,
    cursor: Option<String>,
}

/// By the mean score of a feedback key.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sort {
    by: Option<String>,
    order: Option<String>,
}

pub(in crate::api::langsmith) async fn query(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    headers: HeaderMap,
    PathParams(id): PathParams<String>,
    LargeJson(body, _held): LargeJson<Body>,
) -> Result<Response> {
    let dataset_id: DatasetId = parse_id("dataset id", &id)?;
    let workspace_id = caller.workspace_id;
    let selects = Selects::parse(body.selects.as_deref().unwrap_or_default())?;
    let limit = page_size(Some(body.page_size.unwrap_or(DEFAULT_PAGE)), MAX_PAGE)?;
    let offset = body.cursor.as_deref().map_or(Ok(Place::default()), cursor::read)?.examples;
    let experiments = experiments_of(&body)?;
    let sort = sort_of(body.sort.as_ref(), experiments.len())?;
    let comparison = body
        .comparative_experiment_id
        .as_deref()
        .map(|id| parse_id::<ComparisonId>("comparative_experiment_id", id))
        .transpose()?;
    datasets::load(&ctx, workspace_id, dataset_id).await?;

    let filters = body.filters.unwrap_or_default();
    let is_filtered = filters.values().any(|texts| !texts.is_empty());
    // What a filter leaves and how a sort orders is known after looking at all runs.
    let looks_at_all = is_filtered || sort.is_some();
    let query = ExampleQuery {
        dataset_id: Some(dataset_id),
        ids: example_ids(body.example_ids.unwrap_or_default())?,
        version: version_of(&ctx, workspace_id, &experiments).await?,
        newest_first: true,
        offset: if looks_at_all { 0 } else { offset },
        limit: if looks_at_all { examples::MAX_EXAMPLES } else { limit + 1 },
        ..ExampleQuery::default()
    };
    let mut listed = in_catalog(&ctx, move |catalog| catalog.list_examples(workspace_id, &query)).await?;
    let mut found = by_example(&ctx, workspace_id, &experiments, &filters, &listed).await?;
    if is_filtered {
        listed.retain(|example| found.contains_key(&example.id.to_string()));
    }
    if let Some((key, is_descending)) = sort {
        sort_by_score(&ctx, workspace_id, &mut listed, &found, &key, is_descending).await?;
    }
    if looks_at_all {
        listed.drain(..offset.min(listed.len()));
    }
    let next = (listed.len() > limit).then(|| cursor::write(&Place { examples: offset + limit }));
    listed.truncate(limit);

    let mut items = Vec::with_capacity(listed.len());
    let runs: Vec<RunSummary> =
        listed.iter().filter_map(|example| found.remove(&example.id.to_string())).flatten().collect();
    let mut of_example = runs_json(&ctx, workspace_id, runs, &selects, comparison).await?;
    let base = base_of_addresses(&ctx, &headers);
    for example in &listed {
        let mut item = examples::example_json(&ctx, example, Some(&base));
        item.set_text("runs", text_of(&of_example.remove(&example.id.to_string()).unwrap_or_default()));
        items.push(item);
    }
    Ok(answer::page(&headers, items, next))
}

/// Where a page ended.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Place {
    examples: usize,
}

fn experiments_of(body: &Body) -> Result<Vec<ProjectId>> {
    let ids = body.experiment_ids.as_deref().unwrap_or_default();
    if ids.is_empty() {
        return Err(unprocessable("experiment_ids must name an experiment"));
    }
    ids.iter().map(|id| parse_id("experiment id", id)).collect()
}

fn example_ids(ids: Vec<String>) -> Result<Vec<clearspan_catalog::ExampleId>> {
    if ids.len() > MAX_EXAMPLE_IDS {
        return Err(unprocessable(format!("more than {MAX_EXAMPLE_IDS} example_ids; ask for fewer at once")));
    }
    ids.iter().map(|id| parse_id("example id", id)).collect()
}

/// The key to sort by, and whether the highest score comes first.
fn sort_of(sort: Option<&Sort>, experiments: usize) -> Result<Option<(String, bool)>> {
    let Some(by) = sort.and_then(|sort| sort.by.as_deref()).filter(|by| !by.is_empty()) else {
        return Ok(None);
    };
    if experiments != 1 {
        return Err(unprocessable("sort needs exactly one experiment in experiment_ids"));
    }
    let is_descending = match sort.and_then(|sort| sort.order.as_deref()).unwrap_or("DESC") {
        order if order.eq_ignore_ascii_case("desc") => true,
        order if order.eq_ignore_ascii_case("asc") => false,
        other => return Err(unprocessable(format!("sort.order is {other:?}; it can be ASC or DESC"))),
    };
    Ok(Some((by.strip_prefix("feedback.").unwrap_or(by).to_owned(), is_descending)))
}

/// Examples without a score come last, whichever way round.
async fn sort_by_score(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    examples: &mut [Example],
    runs: &FxHashMap<String, Vec<RunSummary>>,
    key: &str,
    is_descending: bool,
) -> Result<()> {
    let ids = runs.values().flatten().map(|run| run.run_id).collect();
    let said = feedback::of_runs(ctx, workspace_id, ids).await?;
    let mean = |example: &Example| {
        let runs = runs.get(&example.id.to_string())?;
        let given = runs.iter().flat_map(|run| said.about(run.trace_id, run.run_id));
        let scores: Vec<f64> =
            given.filter(|one| one.key == key).filter_map(|one| Some(one.score?.as_number())).collect();
        (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
    };
    let means: FxHashMap<_, f64> =
        examples.iter().filter_map(|example| Some((example.id, mean(example)?))).collect();
    examples.sort_by(|a, b| match (means.get(&a.id), means.get(&b.id)) {
        (Some(a), Some(b)) if is_descending => b.total_cmp(a),
        (Some(a), Some(b)) => a.total_cmp(b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    });
    Ok(())
}

/// Runs with what is selected of them, by their example.
async fn runs_json(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    runs: Vec<RunSummary>,
    selects: &Selects,
    comparison: Option<ComparisonId>,
) -> Result<FxHashMap<String, Vec<JsonObject>>> {
    let mut rows: Vec<Row> = rows(ctx, workspace_id, Page::of_runs(runs), selects.wants(false)).await?;
    if let Some(comparison) = comparison.filter(|_| selects.has("feedback_stats")) {
        narrow_feedback(ctx, workspace_id, &mut rows, comparison).await?;
    }
    let items = json_of(ctx, workspace_id, &rows, selects, false).await?;
    let mut by_example: FxHashMap<String, Vec<JsonObject>> = FxHashMap::default();
    for (row, item) in rows.iter().zip(items) {
        if let Some(example) = example_of(&row.summary) {
            by_example.entry(example).or_default().push(item);
        }
    }
    Ok(by_example)
}
