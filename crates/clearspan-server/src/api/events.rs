//! Server-sent events: which traces were just written, so that pages can read them again.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, Sse};
use clearspan_model::{ProjectId, TraceId, WorkspaceId};
use futures::Stream;
use http::{HeaderMap, StatusCode};
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
use crate::ingest::Committed;

/// At most ten events a second.
const COALESCE: Duration = Duration::from_millis(100);
/// Proxies close connections that are silent for longer.
const PING: Duration = Duration::from_secs(15);
/// How often it is looked whether the listener may still listen: its key may have been revoked.
const CHECK: Duration = Duration::from_secs(2);

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
    headers: HeaderMap,
    Params(asked): Params<EventsParams>,
) -> Result<Sse<impl Stream<Item = std::result::Result<Event, Infallible>>>> {
    let project = projects::find(&ctx, caller.workspace_id, &asked.project).await?;
    let listener = Listener::new(ctx, headers, caller.workspace_id, project.id);
    Ok(Sse::new(futures::stream::unfold(listener, |mut listener| async {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    })))
}

/// Waits for traces of one project.
struct Listener {
    ctx: Arc<Context>,
    /// They prove who listens.
    headers: HeaderMap,
    live: broadcast::Receiver<Committed>,
    workspace_id: WorkspaceId,
    project_id: ProjectId,
    /// When the newest event left.
    last_event: Option<Instant>,
    next_ping: Instant,
    next_check: Instant,
}

impl Listener {
    fn new(ctx: Arc<Context>, headers: HeaderMap, workspace_id: WorkspaceId, project_id: ProjectId) -> Self {
        let live = ctx.live.subscribe();
        let (next_ping, next_check) = (Instant::now() + PING, Instant::now() + CHECK);
        Self { ctx, headers, live, workspace_id, project_id, last_event: None, next_ping, next_check }
    }

    /// The next event; `None` when the server stops, the client was too slow, or its key was revoked.
    async fn next(&mut self) -> Option<Event> {
        let mut traces = BTreeSet::new();
        loop {
            if self.next_check <= Instant::now() {
                if !self.is_welcome().await {
                    return None;
                }
                self.next_check = Instant::now() + CHECK;
            }
            // Once something is known, it waits only as long as the pace demands.
            let pace = self.last_event.filter(|_| !traces.is_empty()).map(|last| last + COALESCE);
            let until = match (traces.is_empty(), pace) {
                (true, _) => self.next_ping,
                (false, pace) => pace.unwrap_or_else(Instant::now),
            };
            let until = until.min(self.next_check);
            match timeout_at(until, self.live.recv()).await {
                Ok(Ok(committed)) => traces.extend(self.own_traces(&committed)),
                // What was missed is unknown. The client connects again, which tells it to read again.
                Ok(Err(RecvError::Lagged(_) | RecvError::Closed)) => return None,
                Err(_) if self.next_check <= Instant::now() => {}
                Err(_) if traces.is_empty() => {
                    self.next_ping = Instant::now() + PING;
                    return Some(Event::default().event("ping").data("{}"));
                }
                Err(_) => break,
            }
        }
        self.last_event = Some(Instant::now());
        self.next_ping = Instant::now() + PING;
        let data = json!({ "trace_ids": traces }).to_string();
        Some(Event::default().event("traces").data(data))
    }

    /// Whether the key that was shown at the beginning is still good. What cannot be looked up now is asked again.
    async fn is_welcome(&self) -> bool {
        match self.ctx.auth.check(&self.headers, self.ctx.clock.now()).await {
            Ok(caller) => caller.workspace_id == self.workspace_id,
            Err(refusal) => refusal.status == StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn own_traces(&self, committed: &Committed) -> Vec<TraceId> {
        if committed.workspace_id != self.workspace_id {
            return Vec::new();
        }
        let own = committed.traces.iter().filter(|(project_id, _)| *project_id == self.project_id);
        own.map(|(_, trace_id)| *trace_id).collect()
    }
}
