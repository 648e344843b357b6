//! `/api/v2/runs`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use clearspan_model::{ProjectId, RunId, RunType, TraceId, WorkspaceId};
use clearspan_store::{Order, SortKey};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::asked::Asked;
use super::super::body::parse_time;
use super::super::find::{Pairs, parse_id, unprocessable};
use super::super::json_object::JsonObject;
use super::super::runs::{PageQuery, Row, rows_of, rows_that_fit};
use super::super::sharing;
use super::run_json::{Selects, run_json};
use super::{a_day_ago, answer, filters, range};
use crate::api::catalog::in_catalog;
use crate::api::error::{ApiError, Result};
use crate::api::extract::{JsonBody, Params, PathParams, RunParam};
use crate::api::params::encode_cursor;
use crate::auth::Caller;
use crate::context::Context;

const DEFAULT_PAGE: usize = 100;
const MAX_PAGE: usize = 1_000;
/// Whole runs may be large.
const MAX_WHOLE: usize = 100;

/// Every key may be missing or null.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::api::langsmith) struct Body {
    project_ids: Option<Vec<ProjectId>>,
    reference_dataset_id: Option<String>,
    filter: Option<String>,
    trace_filter: Option<String>,
    tree_filter: Option<String>,
    ids: Option<Vec<RunId>>,
    trace_id: Option<TraceId>,
    reference_examples: Option<Vec<String>>,
    run_type: Option<String>,
    is_root: Option<bool>,
    has_error: Option<bool>,
    min_start_time: Option<String>,
    max_start_time: Option<String>,
    min_feedback_modified_at: Option<String>,
    max_feedback_modified_at: Option<String>,
    page_size: Option<i64>,
    cursor: Option<String>,
    selects: Option<Vec<String>>,
    include_subtree_usage: Option<bool>,
    ai_search: Option<String>,
}

pub(in crate::api::langsmith) async fn query(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Body>,
) -> Result<Response> {
    let workspace_id = caller.workspace_id;
    let selects = Selects::parse(body.selects.as_deref().unwrap_or_default())?;
    let with_subtrees = body.include_subtree_usage == Some(true);
    let wants = selects.wants(with_subtrees);
    let limit = page_size(body.page_size, if wants.whole { MAX_WHOLE } else { MAX_PAGE })?;
    let cursor = body.cursor.clone();
    let asked = body.asked(&ctx, workspace_id).await?;
    let order = Order { by: SortKey::Start, descending: true };
    let query = PageQuery { asked, order, cursor: cursor.as_deref(), limit, wants };
    let (rows, next) = rows_that_fit(&ctx, workspace_id, query).await?;
    let next = next.as_ref().map(encode_cursor);
    let items = json_of(&ctx, workspace_id, &rows, &selects, with_subtrees).await?;
    Ok(answer::page(&headers, items, next))
}

impl Body {
    async fn asked(self, ctx: &Arc<Context>, workspace_id: WorkspaceId) -> Result<Asked> {
        let run_type = self.run_type.map(|name| {
            let parsed = name.to_lowercase().parse::<RunType>();
            parsed.map_err(|error| unprocessable(format!("run_type is {name:?}, {error}")))
        });
        let mut project_ids = self.project_ids.filter(|ids| !ids.is_empty());
        if let Some(dataset) = &self.reference_dataset_id {
            let dataset_id: clearspan_catalog::DatasetId = parse_id("reference_dataset_id", dataset)?;
            let experiments =
                in_catalog(ctx, move |catalog| catalog.list_experiments(workspace_id, dataset_id)).await?;
            let ids = experiments.into_iter().map(|(project, _)| project.id);
            project_ids = Some(match project_ids {
                None => ids.collect(),
                Some(asked) => ids.filter(|id| asked.contains(id)).collect(),
            });
        }
        // A trace and the runs of an experiment are asked for whenever they were.
        let is_bounded = self.trace_id.is_some()
            || self.reference_examples.is_some()
            || self.reference_dataset_id.is_some();
        let default_from = (!is_bounded).then(|| a_day_ago(ctx));
        let min = ("min_start_time", self.min_start_time.as_deref());
        Ok(Asked {
            project_ids,
            ids: self.ids,
            trace_ids: self.trace_id.map(|id| vec![id]),
            example_ids: self.reference_examples,
            run_type: run_type.transpose()?,
            is_root: self.is_root,
            has_error: self.has_error,
            range: range(min, ("max_start_time", self.max_start_time.as_deref()), default_from)?,
            words: self.ai_search,
            filters: filters([("filter", self.filter)]),
            trace_filter: self.trace_filter,
            tree_filter: self.tree_filter,
            feedback_modified: (
                parse_time("min_feedback_modified_at", self.min_feedback_modified_at.as_deref())?,
                parse_time("max_feedback_modified_at", self.max_feedback_modified_at.as_deref())?,
            ),
            ..Asked::default()
        })
    }
}

/// Between one and what the list gives at most; what is no size at all is a mistake.
pub(super) fn page_size(asked: Option<i64>, most: usize) -> Result<usize> {
    match asked {
        None => Ok(DEFAULT_PAGE.min(most)),
        Some(size) if size < 1 => Err(unprocessable("page_size must be at least 1")),
        Some(size) => Ok(usize::try_from(size).unwrap_or(most).min(most)),
    }
}

/// Runs as answers have them.
pub(super) async fn json_of(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    rows: &[Row],
    selects: &Selects,
    with_subtrees: bool,
) -> Result<Vec<JsonObject>> {
    let mut items: Vec<JsonObject> = rows.iter().map(|row| run_json(row, selects, with_subtrees)).collect();
    if selects.has("share_url") {
        let subjects = rows.iter().map(|row| sharing::of_run(&row.summary)).collect();
        let tokens = sharing::tokens(ctx, workspace_id, subjects).await?;
        for (item, token) in items.iter_mut().zip(tokens) {
            item.set("share_url", json!(token.map(|token| format!("/public/{token}/r"))));
        }
    }
    Ok(items)
}

pub(in crate::api::langsmith) async fn get(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(RunParam(run_id)): PathParams<RunParam>,
    Params(pairs): Params<Pairs>,
) -> Result<Json<JsonObject>> {
    let (row, selects) = find(&ctx, caller.workspace_id, run_id, &pairs).await?;
    let with_subtrees = value_of(&pairs, "include_subtree_usage").is_some_and(super::super::find::is_true);
    let mut items = json_of(&ctx, caller.workspace_id, &[row], &selects, with_subtrees).await?;
    items.pop().map(Json).ok_or_else(|| ApiError::not_found("run", run_id))
}

/// Where people look at it.
pub(in crate::api::langsmith) async fn url(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    headers: HeaderMap,
    PathParams(RunParam(run_id)): PathParams<RunParam>,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Value>> {
    let (row, _) = find(&ctx, caller.workspace_id, run_id, &pairs).await?;
    let base = super::super::feedback::tokens::base_url(&ctx, &headers);
    Ok(Json(json!({ "url": format!("{base}{}", row.app_path) })))
}

/// The run, in the project and trace that the request names, if it does.
async fn find(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    run_id: RunId,
    pairs: &Pairs,
) -> Result<(Row, Selects)> {
    let id = |name: &'static str| value_of(pairs, name);
    let project_id: Option<ProjectId> =
        id("project_id").or(id("session_id")).map(|text| parse_id("project_id", text)).transpose()?;
    let trace_id: Option<TraceId> = id("trace_id").map(|text| parse_id("trace_id", text)).transpose()?;
    let selected: Vec<String> = values_of(pairs, "selects").map(str::to_owned).collect();
    let selects = Selects::parse(&selected)?;
    let mut found =
        rows_of(ctx, workspace_id, &[(project_id, trace_id, run_id)], selects.wants(true)).await?;
    let row = found.pop().ok_or_else(|| ApiError::not_found("run", run_id))?;
    Ok((row, selects))
}

pub(super) fn value_of<'p>(pairs: &'p Pairs, name: &str) -> Option<&'p str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

pub(super) fn values_of<'p>(pairs: &'p Pairs, name: &'p str) -> impl Iterator<Item = &'p str> {
    pairs.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
}
