//! The events of all runs of a trace in one answer, so that nobody has to open each run for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_model::{JsonText, RunEvent, RunId, RunKey};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::Result;
use super::extract::{Params, PathParams, TraceParam};
use super::openapi::Errors;
use super::params::clamp_to;
use super::traces::scope;
use crate::auth::Caller;
use crate::context::Context;

const DEFAULT_LIMIT: usize = 5_000;
const MAX_LIMIT: usize = 20_000;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TraceEventsParams {
    /// Id or name of the project; without it the whole workspace is searched.
    project: Option<String>,
    /// How many events, at most 20000. The default is 5000.
    limit: Option<usize>,
}

/// What happened inside of the runs of a trace.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TraceEvents {
    /// The oldest first.
    events: Vec<TraceEvent>,
    /// How many there are, with those that are left out.
    total: usize,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TraceEvent {
    #[schema(value_type = String)]
    run_id: RunId,
    time: i64,
    name: String,
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    attributes: BTreeMap<String, JsonText>,
}

/// Events of all runs of a trace, the oldest first
#[utoipa::path(get, operation_id = "trace_events", path = "/traces/{trace_id}/events", tag = "traces",
    params(("trace_id" = String, Path, description = "UUID or 32 hexadecimal digits"), TraceEventsParams),
    responses((status = 200, body = TraceEvents), Errors))]
pub(crate) async fn of_trace(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(TraceParam(trace_id)): PathParams<TraceParam>,
    Params(asked): Params<TraceEventsParams>,
) -> Result<Json<TraceEvents>> {
    let scope = scope(&ctx, &caller, asked.project.as_deref()).await?;
    let limit = clamp_to(asked.limit, DEFAULT_LIMIT, MAX_LIMIT);
    let found = ctx.store.load_events(&scope, trace_id).await?;
    Ok(Json(tokio::task::spawn_blocking(move || in_order(found, limit)).await?))
}

/// Events of one moment stay in the order of their runs, and of their place in these.
fn in_order(found: Vec<(RunKey, Vec<RunEvent>)>, limit: usize) -> TraceEvents {
    let of_run = |(key, events): (RunKey, Vec<RunEvent>)| {
        events.into_iter().map(move |event| (event.time, key.run_id, event))
    };
    let mut events: Vec<_> = found.into_iter().flat_map(of_run).collect();
    let total = events.len();
    events.sort_by_key(|(time, ..)| *time);
    events.truncate(limit);
    let events = events.into_iter().map(|(time, run_id, event)| TraceEvent {
        run_id,
        time: time.as_micros(),
        name: event.name,
        attributes: event.attributes,
    });
    TraceEvents { events: events.collect(), total }
}
