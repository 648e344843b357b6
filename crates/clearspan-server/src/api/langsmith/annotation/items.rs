//! The runs in a queue: putting them there, reading them in order, and noting what became of them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_catalog::{ItemChange, ItemId, QueueItem, QueuedRun};
use clearspan_model::{ProjectId, RunId, UnixNanos, WorkspaceId};
use clearspan_store::RunSummary;
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::queues::{load, no_queue};
use crate::api::catalog::in_catalog;
use crate::api::error::{ApiError, Result};
use crate::api::extract::{JsonBody, Params, PathParams};
use crate::api::langsmith::asked::Asked;
use crate::api::langsmith::find::{Pairs, parse_count, parse_id, unprocessable};
use crate::api::langsmith::json_object::JsonObject;
use crate::api::langsmith::run_json::{Select, iso};
use crate::api::langsmith::runs::{Row, Wants, roots, rows_of};
use crate::api::langsmith::sessions::details_of;
use crate::api::projects;
use crate::auth::Caller;
use crate::context::Context;
use crate::ingest::feedback::{Members, find_runs};

/// Runs that one request can put into a queue.
const MAX_ADDED: usize = 10_000;
/// Each run is given whole.
const MAX_LIMIT: usize = 100;

/// Takes `["run id", …]` and `[{"run_id": …, "session_id": …, "start_time": …}, …]` alike.
pub(in crate::api::langsmith) async fn add(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Vec<Value>>> {
    let workspace_id = caller.workspace_id;
    let queue = load(&ctx, workspace_id, &id).await?;
    let mut runs = read_runs(&body).map_err(unprocessable)?;
    let ids: Vec<RunId> = runs.iter().map(|run| run.run_id).collect();
    let places = find_runs(&*ctx.store, workspace_id, &ids).await?;
    for run in &mut runs {
        let known = places.get(&run.run_id).into_iter().flatten();
        let fits = |place: &&(_, _)| run.project_id.is_none_or(|id| id == place.0);
        match known.copied().find(|place| fits(&place)) {
            Some((project_id, trace_id)) => {
                (run.project_id, run.trace_id) = (Some(project_id), Some(trace_id));
            }
            // It may come later; a project that it is not in is a mistake that can be put right.
            None => {
                if let Some((project_id, trace_id)) =
                    places.get(&run.run_id).and_then(|places| places.first())
                {
                    (run.project_id, run.trace_id) = (Some(*project_id), Some(*trace_id));
                }
            }
        }
    }
    let now = ctx.clock.now();
    let items = in_catalog(&ctx, move |catalog| catalog.add_to_queue(workspace_id, queue.id, &runs, now));
    let items = items.await?.ok_or_else(|| no_queue(queue.id))?;
    Ok(Json(items.iter().map(item_json).collect()))
}

/// `{"queue_id": …, "session_ids": […]}`: all runs that experiments made of their examples.
pub(in crate::api::langsmith) async fn populate(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Vec<Value>>> {
    let workspace_id = caller.workspace_id;
    let members = Members::of(&body, "the request").map_err(unprocessable)?;
    let queue_id = members.text("queue_id").map_err(unprocessable)?;
    let queue = load(&ctx, workspace_id, queue_id.unwrap_or_default()).await?;
    let ids = members.get("session_ids").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if ids.is_empty() {
        return Err(unprocessable("session_ids must name an experiment"));
    }
    let mut experiments: Vec<ProjectId> = Vec::with_capacity(ids.len());
    for id in ids {
        let id = parse_id("session_ids", id.as_str().unwrap_or_default())?;
        let project = projects::by_id(&ctx, workspace_id, id).await?;
        if details_of(&ctx, &project).await?.reference_dataset_id.is_none() {
            return Err(unprocessable(format!("the project {id} is no experiment on a dataset")));
        }
        experiments.push(id);
    }
    let asked = Asked { project_ids: Some(experiments), ..Asked::default() };
    let roots = roots(&ctx, workspace_id, asked, MAX_ADDED + 1).await?;
    if roots.len() > MAX_ADDED {
        return Err(unprocessable(format!("at most {MAX_ADDED} runs can be added at once")));
    }
    let run = |run: RunSummary| QueuedRun {
        run_id: run.run_id,
        trace_id: Some(run.trace_id),
        project_id: Some(run.project_id),
    };
    let runs: Vec<QueuedRun> = roots.into_iter().map(run).collect();
    let now = ctx.clock.now();
    let items = in_catalog(&ctx, move |catalog| catalog.add_to_queue(workspace_id, queue.id, &runs, now));
    let items = items.await?.ok_or_else(|| no_queue(queue.id))?;
    Ok(Json(items.iter().map(item_json).collect()))
}

pub(in crate::api::langsmith) async fn list(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Vec<JsonObject>>> {
    let queue = load(&ctx, caller.workspace_id, &id).await?;
    let (mut is_completed, mut limit, mut offset) = (None, MAX_LIMIT, 0);
    for (name, value) in &pairs {
        match name.as_str() {
            "status" => is_completed = Some(parse_status(value)?),
            "archived" => is_completed = Some(crate::api::langsmith::find::is_true(value)),
            "limit" => limit = parse_count("limit", value)?.clamp(1, MAX_LIMIT),
            "offset" => offset = parse_count("offset", value)?,
            _ => {}
        }
    }
    let workspace_id = caller.workspace_id;
    let items = in_catalog(&ctx, move |catalog| {
        catalog.list_items(workspace_id, queue.id, is_completed, limit, offset)
    });
    let items = items.await?;
    Ok(Json(with_runs(&ctx, workspace_id, &items).await?))
}

/// The run at a place among those that wait.
pub(in crate::api::langsmith) async fn at(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams((id, index)): PathParams<(String, String)>,
) -> Result<Json<JsonObject>> {
    let workspace_id = caller.workspace_id;
    let queue = load(&ctx, workspace_id, &id).await?;
    let index = parse_count("index", &index)?;
    let items =
        in_catalog(&ctx, move |catalog| catalog.list_items(workspace_id, queue.id, Some(false), 1, index));
    let mut runs = with_runs(&ctx, workspace_id, &items.await?).await?;
    runs.pop().map(Json).ok_or_else(|| ApiError::not_found("run at the place", index))
}

pub(in crate::api::langsmith) async fn remove(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams((id, run_id)): PathParams<(String, String)>,
) -> Result<Json<Value>> {
    let workspace_id = caller.workspace_id;
    let queue = load(&ctx, workspace_id, &id).await?;
    let wanted: Uuid = parse_id("run_id", &run_id)?;
    let removed =
        in_catalog(&ctx, move |catalog| catalog.remove_from_queue(workspace_id, queue.id, &[wanted])).await?;
    match removed {
        0 => Err(ApiError::not_found("run in this queue with the id", wanted)),
        _ => Ok(Json(json!({}))),
    }
}

/// `{"run_ids": […]}`, or `{"delete_all": true, "exclude_run_ids": […]}`.
pub(in crate::api::langsmith) async fn remove_many(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Value>> {
    let workspace_id = caller.workspace_id;
    let queue = load(&ctx, workspace_id, &id).await?;
    let members = Members::of(&body, "the request").map_err(unprocessable)?;
    let ids = |name: &str| -> Result<Vec<Uuid>> {
        let list = members.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        list.iter().map(|id| parse_id(name, id.as_str().unwrap_or_default())).collect()
    };
    let (named, spared) = (ids("run_ids")?, ids("exclude_run_ids")?);
    let all = members.flag("delete_all").map_err(unprocessable)? == Some(true);
    let removed = in_catalog(&ctx, move |catalog| {
        let ids = match all {
            false => named,
            true => {
                let items = catalog.list_items(workspace_id, queue.id, None, usize::MAX, 0)?;
                let runs = items.iter().map(|item| item.run.run_id.as_uuid());
                runs.filter(|id| !spared.contains(id)).collect()
            }
        };
        catalog.remove_from_queue(workspace_id, queue.id, &ids)
    });
    Ok(Json(json!({ "deleted": removed.await? })))
}

/// `{"last_reviewed_time": …, "added_at": …}` of an item, which is named by its id or its run's.
pub(in crate::api::langsmith) async fn update(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams((id, item)): PathParams<(String, String)>,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Value>> {
    let workspace_id = caller.workspace_id;
    let queue = load(&ctx, workspace_id, &id).await?;
    let item: ItemId = parse_id("queue_run_id", &item)?;
    let members = Members::of(&body, "the change").map_err(unprocessable)?;
    let change = ItemChange {
        added_at: members.time("added_at").map_err(unprocessable)?,
        reviewed_at: match members.has("last_reviewed_time") {
            true => Some(members.time("last_reviewed_time").map_err(unprocessable)?),
            false => None,
        },
        completed_at: None,
    };
    let changed =
        in_catalog(&ctx, move |catalog| catalog.update_item(workspace_id, Some(queue.id), item, change));
    let changed =
        changed.await?.ok_or_else(|| ApiError::not_found("item in this queue with the id", item))?;
    Ok(Json(item_json(&changed)))
}

/// `{"status": "completed" | "viewed" | null, "override_added_at": …}`.
pub(in crate::api::langsmith) async fn set_status(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(item): PathParams<String>,
    JsonBody(body): JsonBody<Value>,
) -> Result<(StatusCode, Json<Value>)> {
    let item: ItemId = parse_id("annotation_queue_run_id", &item)?;
    let members = Members::of(&body, "the status").map_err(unprocessable)?;
    let now = ctx.clock.now();
    let change = ItemChange {
        added_at: members.time("override_added_at").map_err(unprocessable)?,
        ..status_change(members.text("status").map_err(unprocessable)?, now)?
    };
    let changed =
        in_catalog(&ctx, move |catalog| catalog.update_item(caller.workspace_id, None, item, change));
    let changed = changed.await?.ok_or_else(|| ApiError::not_found("item in any queue with the id", item))?;
    Ok((StatusCode::OK, Json(item_json(&changed))))
}

fn status_change(status: Option<&str>, now: UnixNanos) -> Result<ItemChange> {
    let seen = ItemChange { reviewed_at: Some(Some(now)), ..ItemChange::default() };
    match status.map(str::to_lowercase).as_deref() {
        Some("completed" | "archived") => Ok(ItemChange { completed_at: Some(Some(now)), ..seen }),
        Some("viewed") => Ok(seen),
        None | Some("") => Ok(ItemChange { completed_at: Some(None), ..ItemChange::default() }),
        Some(other) => {
            Err(unprocessable(format!("status is {other:?}; it can be viewed, completed or null")))
        }
    }
}

/// Whether what is asked for is done. Everybody is one reviewer here.
fn parse_status(status: &str) -> Result<bool> {
    match status.to_lowercase().as_str() {
        "completed" | "archived" => Ok(true),
        "needs_my_review" | "needs_others_review" => Ok(false),
        _ => Err(ApiError::parameter(
            "status",
            format_args!("is {status:?}; it can be needs_my_review, needs_others_review or completed"),
        )),
    }
}

fn read_runs(body: &Value) -> std::result::Result<Vec<QueuedRun>, String> {
    let list = body.as_array().ok_or("the body must be a list of runs")?;
    if list.len() > MAX_ADDED {
        return Err(format!("at most {MAX_ADDED} runs can be added at once"));
    }
    list.iter()
        .map(|run| match run {
            Value::String(id) => {
                let run_id = id.trim().parse().map_err(|_| format!("{id:?} is not a UUID"))?;
                Ok(QueuedRun { run_id, trace_id: None, project_id: None })
            }
            run => {
                let members =
                    Members::of(run, "each run").map_err(|_| "each run must be an id or an object")?;
                Ok(QueuedRun {
                    run_id: members.id("run_id")?.ok_or("run_id is missing")?,
                    trace_id: members.id("trace_id")?,
                    project_id: members.id("session_id")?,
                })
            }
        })
        .collect()
}

/// Items with their runs. An item whose run was deleted is left out.
async fn with_runs(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    items: &[QueueItem],
) -> Result<Vec<JsonObject>> {
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<_> =
        items.iter().map(|item| (item.run.project_id, item.run.trace_id, item.run.run_id)).collect();
    let rows: Vec<Row> = rows_of(ctx, workspace_id, &places, Wants::ALL).await?;
    let select = Select::new(None);
    let with_run = |item: &QueueItem| {
        let row = rows.iter().find(|row| row.summary.run_id == item.run.run_id)?;
        let mut json = row.json(&select);
        json.set("queue_run_id", json!(item.id.to_string()));
        json.set("added_at", json!(iso(item.added_at)));
        json.set("effective_added_at", json!(iso(item.added_at)));
        json.set("last_reviewed_time", json!(item.reviewed_at.map(iso)));
        json.set("completed_by", json!([]));
        json.set("reserved_by", json!([]));
        Some(json)
    };
    Ok(items.iter().filter_map(with_run).collect())
}

fn item_json(item: &QueueItem) -> Value {
    json!({
        "id": item.id.to_string(),
        "queue_id": item.queue_id.to_string(),
        "run_id": item.run.run_id,
        "added_at": iso(item.added_at),
        "last_reviewed_time": item.reviewed_at.map(iso),
        "status": if item.completed_at.is_some() { Some("completed") } else { None },
        "source_proposed_example_id": null,
    })
}
