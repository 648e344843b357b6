//! `POST /runs/group`: the conversations of a project.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_model::ProjectId;
use clearspan_store::TimeRange;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::Asked;
use super::body::parse_time;
use super::feedback;
use super::find::unprocessable;
use super::run_json::{iso, seconds};
use super::v2::{Thread, ThreadPage, page_of_threads};
use crate::api::error::Result;
use crate::api::extract::JsonBody;
use crate::api::types::decimal_text;
use crate::auth::Caller;
use crate::context::Context;

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 100;

/// Every key may be missing or null.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Body {
    session_id: Option<ProjectId>,
    group_by: Option<String>,
    filter: Option<String>,
    start_time: Option<String>,
    end_time: Option<String>,
    limit: Option<i64>,
    offset: Option<u32>,
}

pub(super) async fn query(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<Value>> {
    if let Some(other) = body.group_by.as_deref().filter(|by| *by != "conversation") {
        return Err(unprocessable(format!("group_by is {other:?}; it can be conversation")));
    }
    let asked = Asked {
        project_ids: body.session_id.map(|id| vec![id]),
        range: TimeRange {
            from: parse_time("start_time", body.start_time.as_deref())?,
            to: parse_time("end_time", body.end_time.as_deref())?,
        },
        filters: body.filter.map(|filter| ("filter", filter)).into_iter().collect(),
        ..Asked::default()
    };
    let offset = body.offset.unwrap_or_default() as usize;
    let limit = body
        .limit
        .map_or(DEFAULT_LIMIT, |limit| usize::try_from(limit).unwrap_or_default().clamp(1, MAX_LIMIT));
    let page = page_of_threads(&ctx, caller.workspace_id, asked, offset, limit).await?;
    let ThreadPage { threads, total, is_partial } = page;
    let run_ids =
        threads.iter().flat_map(|thread| thread.turns.iter().map(|turn| turn.root.run_id)).collect();
    let feedback = feedback::of_runs(&ctx, caller.workspace_id, run_ids).await?;
    let groups: Vec<Value> = threads.iter().map(|thread| group_json(thread, &feedback)).collect();
    Ok(Json(json!({ "groups": groups, "total": total, "is_partial": is_partial })))
}

fn group_json(thread: &Thread, feedback: &feedback::OfRuns) -> Value {
    let figures = thread.figures();
    let given = thread.turns.iter().flat_map(|turn| feedback.about(turn.root.trace_id, turn.root.run_id));
    json!({
        "group_key": thread.id,
        "filter": format!("eq(thread_id, {})", json!(thread.id)),
        "count": thread.turns.len(),
        "total_tokens": figures.total_tokens.unwrap_or_default(),
        "prompt_tokens": figures.prompt_tokens.unwrap_or_default(),
        "completion_tokens": figures.completion_tokens.unwrap_or_default(),
        "total_cost": figures.total_cost.map(decimal_text),
        "prompt_cost": figures.prompt_cost.map(decimal_text),
        "completion_cost": figures.completion_cost.map(decimal_text),
        "min_start_time": iso(thread.first().start_time),
        "max_start_time": iso(thread.last().start_time),
        "latency_p50": figures.latency_p50.map(seconds),
        "latency_p99": figures.latency_p99.map(seconds),
        "feedback_stats": feedback::summed_up(given),
        "first_inputs": thread.first().input_preview,
        "last_outputs": thread.last().output_preview,
        "last_error": thread.turns.iter().rev().find_map(|turn| turn.error.clone()),
    })
}
