//! `/api/v2/traces`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use clearspan_model::{ProjectId, TraceId};
use clearspan_store::{Order, SortKey, TraceSummary};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::asked::Asked;
use super::super::body::parse_time;
use super::super::find::{Pairs, parse_id};
use super::super::json_object::JsonObject;
use super::super::run_json::iso;
use super::super::runs::{Page, PageQuery, page, rows};
use super::run_json::{Selects, number};
use super::runs::{json_of, page_size, value_of, values_of};
use super::{a_day_ago, answer, filters, range};
use crate::api::error::{ApiError, ErrorCode, Result};
use crate::api::extract::{JsonBody, Params, PathParams, TraceParam};
use crate::api::params::{decode_cursor, encode_cursor};
use crate::auth::Caller;
use crate::context::Context;

const MAX_PAGE: usize = 100;
/// Runs of one trace that are read at once, and given at most.
const RUNS_AT_ONCE: usize = 1_000;
const MAX_RUNS: usize = 25_000;

/// Every key may be missing or null.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::api::langsmith) struct Body {
    project_id: Option<ProjectId>,
    trace_filter: Option<String>,
    tree_filter: Option<String>,
    trace_ids: Option<Vec<TraceId>>,
    min_start_time: Option<String>,
    max_start_time: Option<String>,
    min_feedback_modified_at: Option<String>,
    max_feedback_modified_at: Option<String>,
    page_size: Option<i64>,
    cursor: Option<String>,
    selects: Option<Vec<String>>,
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
    let limit = page_size(body.page_size, MAX_PAGE)?;
    let order = Order { by: SortKey::Start, descending: true };
    let after =
        body.cursor.as_deref().map(|cursor| decode_cursor(cursor, order, clearspan_store::Unit::Traces));
    let default_from = body.trace_ids.is_none().then(|| a_day_ago(&ctx));
    let min = ("min_start_time", body.min_start_time.as_deref());
    let asked = Asked {
        project_ids: body.project_id.map(|id| vec![id]),
        is_root: Some(true),
        trace_ids: body.trace_ids,
        range: range(min, ("max_start_time", body.max_start_time.as_deref()), default_from)?,
        words: body.ai_search,
        trace_filter: body.trace_filter,
        tree_filter: body.tree_filter,
        feedback_modified: (
            parse_time("min_feedback_modified_at", body.min_feedback_modified_at.as_deref())?,
            parse_time("max_feedback_modified_at", body.max_feedback_modified_at.as_deref())?,
        ),
        ..Asked::default()
    };
    let selection = asked.selection(&ctx, workspace_id).await?;
    let query = clearspan_store::RunQuery { selection, order, after: after.transpose()?, limit };
    let page = ctx.store.query_traces(&query).await?;
    let next = page.next.as_ref().map(encode_cursor);
    let aggregates: Vec<Value> = page.traces.iter().map(aggregates).collect();
    let roots = rows(&ctx, workspace_id, Page::of_traces(page), selects.wants(false)).await?;
    let roots = json_of(&ctx, workspace_id, &roots, &selects, false).await?;
    let item =
        |(root_run, trace_aggregates)| Item { root_run, trace_aggregates, query_metadata: Value::Null };
    Ok(answer::page(&headers, roots.into_iter().zip(aggregates).map(item).collect(), next))
}

/// A trace of a list.
#[derive(Serialize)]
struct Item {
    root_run: JsonObject,
    trace_aggregates: Value,
    query_metadata: Value,
}

fn aggregates(trace: &TraceSummary) -> Value {
    json!({
        "first_token_time": trace.root.first_token_time.map(iso),
        "total_cost": trace.total_cost.and_then(number),
        "total_tokens": trace.total_tokens,
    })
}

/// All runs of a trace, in the order in which they began.
pub(in crate::api::langsmith) async fn runs(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    headers: HeaderMap,
    PathParams(TraceParam(trace_id)): PathParams<TraceParam>,
    Params(pairs): Params<Pairs>,
) -> Result<Response> {
    let selected: Vec<String> = values_of(&pairs, "selects").map(str::to_owned).collect();
    let selects = Selects::parse(&selected)?;
    let project_id: Option<ProjectId> =
        value_of(&pairs, "project_id").map(|text| parse_id("project_id", text)).transpose()?;
    let min = ("min_start_time", value_of(&pairs, "min_start_time"));
    let asked = Asked {
        project_ids: project_id.map(|id| vec![id]),
        trace_ids: Some(vec![trace_id]),
        range: range(min, ("max_start_time", value_of(&pairs, "max_start_time")), None)?,
        filters: filters([("filter", value_of(&pairs, "filter").map(str::to_owned))]),
        ..Asked::default()
    };
    let order = Order { by: SortKey::Start, descending: false };
    let (mut items, mut cursor) = (Vec::new(), None::<String>);
    let (workspace_id, wants) = (caller.workspace_id, selects.wants(false));
    loop {
        let (asked, after) = (asked.clone(), cursor.as_deref());
        let query = PageQuery { asked, order, cursor: after, limit: RUNS_AT_ONCE, wants };
        let page = page(&ctx, workspace_id, query).await?;
        cursor = page.next.as_ref().map(encode_cursor);
        let rows = rows(&ctx, workspace_id, page, wants).await?;
        items.extend(json_of(&ctx, workspace_id, &rows, &selects, false).await?);
        if items.len() > MAX_RUNS {
            let message = format!("the trace has more than {MAX_RUNS} runs; narrow it down with a filter");
            return Err(ApiError::new(ErrorCode::TooLarge, message));
        }
        if cursor.is_none() {
            return Ok(answer::page(&headers, items, None));
        }
    }
}
