//! The queues themselves.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_catalog::{AnnotationQueue, QueueId, QueueSize};
use clearspan_model::{JsonText, RunId, UnixNanos, WorkspaceId};
use serde_json::{Map, Value, json};

use crate::api::catalog::in_catalog;
use crate::api::error::{ApiError, Result};
use crate::api::extract::{JsonBody, Params, PathParams};
use crate::api::langsmith::find::{Pairs, parse_count, parse_id, unprocessable};
use crate::api::langsmith::run_json::iso;
use crate::auth::Caller;
use crate::context::Context;
use crate::ingest::feedback::Members;

const DEFAULT_LIMIT: usize = 100;
const MAX_NAME_CHARS: usize = 1_000;
/// What else can be set; kept and given back.
const SETTINGS: &[&str] = &[
    "default_dataset",
    "num_reviewers_per_item",
    "enable_reservations",
    "reservation_minutes",
    "session_ids",
    "metadata",
    "reviewer_access_mode",
];

pub(in crate::api::langsmith) async fn create(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Value>> {
    let now = ctx.clock.now();
    let queue = read(&body, blank(caller.workspace_id, now), now).map_err(unprocessable)?;
    if queue.name.is_empty() {
        return Err(unprocessable("name is missing"));
    }
    let answer = queue_json(&queue);
    in_catalog(&ctx, move |catalog| catalog.create_queue(&queue)).await?;
    Ok(Json(answer))
}

pub(in crate::api::langsmith) async fn list(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Vec<Value>>> {
    let (mut ids, mut name, mut part) = (Vec::<QueueId>::new(), None, None);
    let (mut limit, mut offset) = (DEFAULT_LIMIT, 0);
    for (key, value) in pairs {
        match key.as_str() {
            "ids" => ids.push(parse_id("ids", &value)?),
            "name" => name = Some(value),
            "name_contains" => part = Some(value.to_lowercase()),
            "limit" => limit = parse_count("limit", &value)?.max(1),
            "offset" => offset = parse_count("offset", &value)?,
            _ => {}
        }
    }
    let queues = in_catalog(&ctx, move |catalog| catalog.list_queues(caller.workspace_id)).await?;
    let wanted = |queue: &&AnnotationQueue| {
        (ids.is_empty() || ids.contains(&queue.id))
            && name.as_ref().is_none_or(|name| *name == queue.name)
            && part.as_ref().is_none_or(|part| queue.name.to_lowercase().contains(part))
    };
    Ok(Json(queues.iter().filter(wanted).skip(offset).take(limit).map(queue_json).collect()))
}

pub(in crate::api::langsmith) async fn get(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<Value>> {
    Ok(Json(queue_json(&load(&ctx, caller.workspace_id, &id).await?)))
}

pub(in crate::api::langsmith) async fn update(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Value>> {
    let before = load(&ctx, caller.workspace_id, &id).await?;
    let id = before.id;
    let changed = AnnotationQueue { id, ..read(&body, before, ctx.clock.now()).map_err(unprocessable)? };
    let answer = queue_json(&changed);
    match in_catalog(&ctx, move |catalog| catalog.update_queue(&changed)).await? {
        true => Ok(Json(answer)),
        false => Err(no_queue(id)),
    }
}

pub(in crate::api::langsmith) async fn delete(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<Value>> {
    let id: QueueId = parse_id("queue_id", &id)?;
    match in_catalog(&ctx, move |catalog| catalog.delete_queue(caller.workspace_id, id)).await? {
        true => Ok(Json(json!({}))),
        false => Err(no_queue(id)),
    }
}

/// The queues that a run is in: the id in the path is the run's.
pub(in crate::api::langsmith) async fn of_run(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(run_id): PathParams<String>,
) -> Result<Json<Vec<Value>>> {
    let run_id: RunId = parse_id("run_id", &run_id)?;
    let queues = in_catalog(&ctx, move |catalog| catalog.queues_of_run(caller.workspace_id, run_id)).await?;
    Ok(Json(queues.iter().map(queue_json).collect()))
}

pub(in crate::api::langsmith) async fn size(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<Value>> {
    let size = load_size(&ctx, caller.workspace_id, &id).await?;
    Ok(Json(json!({ "size": size.waiting })))
}

pub(in crate::api::langsmith) async fn total_size(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<Value>> {
    let size = load_size(&ctx, caller.workspace_id, &id).await?;
    Ok(Json(json!({ "size": size.waiting + size.completed })))
}

pub(in crate::api::langsmith) async fn total_archived(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<Value>> {
    let size = load_size(&ctx, caller.workspace_id, &id).await?;
    Ok(Json(json!({ "size": size.completed })))
}

async fn load_size(ctx: &Arc<Context>, workspace_id: WorkspaceId, id: &str) -> Result<QueueSize> {
    let queue = load(ctx, workspace_id, id).await?;
    in_catalog(ctx, move |catalog| catalog.queue_size(workspace_id, queue.id)).await
}

pub(super) async fn load(ctx: &Arc<Context>, workspace_id: WorkspaceId, id: &str) -> Result<AnnotationQueue> {
    let id: QueueId = parse_id("queue_id", id)?;
    let found = in_catalog(ctx, move |catalog| catalog.load_queue(workspace_id, id)).await?;
    found.ok_or_else(|| no_queue(id))
}

pub(super) fn no_queue(id: QueueId) -> ApiError {
    ApiError::not_found("annotation queue", id)
}

fn blank(workspace_id: WorkspaceId, now: UnixNanos) -> AnnotationQueue {
    AnnotationQueue {
        id: QueueId::generate(),
        workspace_id,
        name: String::new(),
        description: None,
        rubric_instructions: None,
        rubric_items: None,
        settings: JsonText::from_value(&json!({})),
        created_at: now,
        updated_at: now,
    }
}

/// What a body says, on top of what is known; null is no change.
fn read(
    body: &Value,
    mut queue: AnnotationQueue,
    now: UnixNanos,
) -> std::result::Result<AnnotationQueue, String> {
    let members = Members::of(body, "the queue")?;
    if let Some(name) = members.text("name")? {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
            return Err(format!("name must have between one and {MAX_NAME_CHARS} characters"));
        }
        queue.name = name.to_owned();
    }
    queue.id = members.id("id")?.unwrap_or(queue.id);
    queue.description = members.text("description")?.map(str::to_owned).or(queue.description);
    queue.rubric_instructions =
        members.text("rubric_instructions")?.map(str::to_owned).or(queue.rubric_instructions);
    if let Some(items) = members.get("rubric_items") {
        let are_keyed = items.as_array().is_some_and(|items| {
            items.iter().all(|item| item.get("feedback_key").is_some_and(Value::is_string))
        });
        if !are_keyed {
            return Err("rubric_items must be a list of objects with a feedback_key".to_owned());
        }
        queue.rubric_items = Some(JsonText::from_value(items));
    }
    let mut settings = settings_of(&queue);
    for name in SETTINGS {
        if let Some(value) = members.get(name) {
            settings.insert((*name).to_owned(), value.clone());
        }
    }
    queue.settings = JsonText::from_value(&Value::Object(settings));
    queue.updated_at = now;
    Ok(queue)
}

fn settings_of(queue: &AnnotationQueue) -> Map<String, Value> {
    match queue.settings.to_value() {
        Value::Object(settings) => settings,
        _ => Map::new(),
    }
}

fn queue_json(queue: &AnnotationQueue) -> Value {
    let mut json = json!({
        "id": queue.id.to_string(),
        "tenant_id": queue.workspace_id,
        "name": queue.name,
        "description": queue.description,
        "rubric_instructions": queue.rubric_instructions,
        "rubric_items": queue.rubric_items,
        "created_at": iso(queue.created_at),
        "updated_at": iso(queue.updated_at),
        "queue_type": "single",
        "source_rule_id": null,
        "run_rule_id": null,
    });
    let known = settings_of(queue);
    for name in SETTINGS {
        json[*name] = known.get(*name).cloned().unwrap_or_default();
    }
    json
}
