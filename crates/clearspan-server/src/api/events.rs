//! Server-sent events: which traces were just written, so that pages can read them again.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, Sse};
use clearspan_model::{ProjectId, TraceId};
use futures::Stream;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::{Instant, timeout_at};
use utoipa::IntoParams;

use super::error::Result;
use super::extract::Params;
use super::openapi::Errors;
use super::projects;
use crate::auth::Caller;
use crate::context::Context;

/// At most ten events a second.
const COALESCE: Duration = Duration::from_millis(100);
/// Proxies close connections that are silent for longer.
const PING: Duration = Duration::from_secs(15);

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsParams {
    /// Id or name of the project.
    project: String,
}

/// Tells which traces of a project were just written
///
/// Server-sent events: `traces` with `{"trace_ids": […]}`, at most ten a second, and `ping` every 15 seconds.
#[utoipa::path(get, path = "/events", tag = "traces", params(EventsParams),
    responses((status = 200, content_type = "text/event-stream", body = String), Errors))]
pub(crate) async fn stream(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    Params(asked): Params<EventsParams>,
) -> Result<Sse<impl Stream<Item = std::result::Result<Event, Infallible>>>> {
    let project = projects::find(&ctx, caller.workspace_id, &asked.project).await?;
    let live = ctx.live.subscribe();
    Ok(Sse::new(futures::stream::unfold(live, move |live| next_event(live, project.id))))
}
