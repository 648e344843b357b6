//! `/feedback`: giving, reading, changing and removing feedback.

pub(super) mod configs;
mod stats;
pub(super) mod tokens;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_catalog::{Feedback, FeedbackAbout, FeedbackChange, FeedbackId, FeedbackQuery, Score};
use clearspan_model::JsonText;
use http::StatusCode;
use serde_json::{Value, json};

use super::find::{Pairs, is_true, parse_count, parse_id, unprocessable};
use super::run_json::iso;
use crate::api::catalog::in_catalog;
use crate::api::error::{ApiError, ErrorCode, Result};
use crate::api::extract::{JsonBody, Params, PathParams};
use crate::auth::Caller;
use crate::context::Context;
use crate::ingest::feedback::{self, Members, read_score, read_time};

pub(super) use stats::{OfRuns, of_project, of_runs, summed_up};

/// The SDKs stop at a page that is shorter than what they asked for, so this is a ceiling, not a habit.
const MAX_LIMIT: usize = 1_000;
const DEFAULT_LIMIT: usize = 100;

pub(super) async fn create(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    JsonBody(mut document): JsonBody<Value>,
) -> Result<Json<Value>> {
    ctx.ingest.redact(&mut document);
    let given = feedback::read(&document, caller.workspace_id, ctx.clock.now()).map_err(unprocessable)?;
    let id = given.feedback.id;
    ctx.ingest.take_feedback(caller.workspace_id, vec![given]).await?;
    let kept = in_catalog(&ctx, move |catalog| catalog.load_feedback(caller.workspace_id, id));
    let kept = kept.await?.ok_or_else(gone)?;
    Ok(Json(feedback_json(&kept)))
}

pub(super) async fn get(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<Value>> {
    let id: FeedbackId = parse_id("id", &id)?;
    let found = in_catalog(&ctx, move |catalog| catalog.load_feedback(caller.workspace_id, id)).await?;
    found.map(|found| Json(feedback_json(&found))).ok_or_else(|| ApiError::not_found("feedback", id))
}

pub(super) async fn list(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Vec<Value>>> {
    let query = parse_query(&pairs)?;
    let found = in_catalog(&ctx, move |catalog| catalog.list_feedback(caller.workspace_id, &query)).await?;
    Ok(Json(found.iter().map(feedback_json).collect()))
}

pub(super) async fn update(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    JsonBody(mut body): JsonBody<Value>,
) -> Result<Json<Value>> {
    ctx.ingest.redact(&mut body);
    let id: FeedbackId = parse_id("id", &id)?;
    let change = parse_change(&body).map_err(unprocessable)?;
    let now = ctx.clock.now();
    let changed =
        in_catalog(&ctx, move |catalog| catalog.update_feedback(caller.workspace_id, id, change, now));
    let changed = changed.await?.ok_or_else(|| ApiError::not_found("feedback", id))?;
    Ok(Json(feedback_json(&changed)))
}

pub(super) async fn delete(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<Value>> {
    let id: FeedbackId = parse_id("id", &id)?;
    match in_catalog(&ctx, move |catalog| catalog.delete_feedback(caller.workspace_id, id)).await? {
        true => Ok(Json(json!({}))),
        false => Err(ApiError::not_found("feedback", id)),
    }
}

/// LangSmith had them and took them away.
pub(super) async fn formulas() -> ApiError {
    let mut error =
        ApiError::new(ErrorCode::NotFound, "feedback formulas are no longer a part of LangSmith's API");
    error.status = StatusCode::GONE;
    error
}

fn gone() -> ApiError {
    ApiError::new(ErrorCode::Conflict, "the feedback was removed while it was kept")
}

/// What a change names: null takes a value away from a feedback, as it does at LangSmith.
fn parse_change(body: &Value) -> std::result::Result<FeedbackChange, String> {
    let members = Members::of(body, "the change")?;
    let json = |name: &str| members.has(name).then(|| members.get(name).map(JsonText::from_value));
    let score = match members.has("score") {
        true => Some(members.get("score").map_or(Ok(None), read_score)?),
        false => None,
    };
    let comment = match members.has("comment") {
        true => Some(members.text("comment")?.map(str::to_owned)),
        false => None,
    };
    Ok(FeedbackChange { score, value: json("value"), comment, correction: json("correction") })
}

fn parse_query(pairs: &Pairs) -> Result<FeedbackQuery> {
    let mut query = FeedbackQuery { limit: Some(DEFAULT_LIMIT), ..FeedbackQuery::default() };
    for (name, value) in pairs {
        let time = || {
            read_time(&Value::String(value.clone()))
                .map(Some)
                .ok_or_else(|| ApiError::parameter(name, format_args!("is {value:?}, which is no ISO time")))
        };
        match name.as_str() {
            "run" => query.run_ids.get_or_insert_default().push(parse_id("run", value)?),
            "session" => query.project_ids.get_or_insert_default().push(parse_id("session", value)?),
            "key" => query.keys.push(value.clone()),
            // Python leaks the names of its enum: `FeedbackSourceType.MODEL`.
            "source" => {
                query.source_types.push(value.rsplit('.').next().unwrap_or_default().to_ascii_lowercase());
            }
            "comparative_experiment_id" => {
                query.comparative_experiment_id = Some(parse_id("comparative_experiment_id", value)?);
            }
            "has_comment" => query.has_comment = Some(is_true(value)),
            "has_score" => query.has_score = Some(is_true(value)),
            "level" => query.about = parse_level(value)?,
            "min_created_at" => query.created.0 = time()?,
            "max_created_at" => query.created.1 = time()?,
            "limit" => query.limit = Some(parse_count("limit", value)?.clamp(1, MAX_LIMIT)),
            "offset" => query.offset = parse_count("offset", value)?,
            _ => {}
        }
    }
    Ok(query)
}

fn parse_level(value: &str) -> Result<Option<FeedbackAbout>> {
    match value.to_ascii_lowercase().as_str() {
        "run" => Ok(Some(FeedbackAbout::Runs)),
        "session" => Ok(Some(FeedbackAbout::Project)),
        _ => Err(ApiError::parameter("level", format_args!("is {value:?}; it can be run or session"))),
    }
}

/// Feedback as LangSmith's clients expect it; the Python model needs the ids even when they are null.
pub(super) fn feedback_json(feedback: &Feedback) -> Value {
    let source = match &feedback.source {
        Some(source) => source.to_value(),
        None => json!({ "type": feedback.source_type, "metadata": null }),
    };
    json!({
        "id": feedback.id.to_string(),
        "created_at": iso(feedback.created_at),
        "modified_at": iso(feedback.modified_at),
        "start_time": feedback.run_start.map(iso),
        "run_id": feedback.run_id,
        "trace_id": feedback.trace_id,
        "session_id": feedback.project_id,
        "key": feedback.key,
        "score": feedback.score.map(score_json),
        "value": feedback.value,
        "comment": feedback.comment,
        "correction": feedback.correction,
        "feedback_source": source,
        "feedback_group_id": feedback.group_id,
        "comparative_experiment_id": feedback.comparative_experiment_id,
        "extra": feedback.extra,
        "error": feedback.is_error,
    })
}

fn score_json(score: Score) -> Value {
    match score {
        Score::Bool(yes) => json!(yes),
        Score::Number(number) => number_json(number),
    }
}

/// `1`, not `1.0`: a client that sent an integer gets an integer.
fn number_json(number: f64) -> Value {
    /// Every integer up to here is a floating-point number of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.fract() == 0.0 && number.abs() <= EXACT {
        true => json!(number as i64),
        false => json!(number),
    }
}
