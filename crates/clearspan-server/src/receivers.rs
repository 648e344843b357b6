//! Receivers: what speaks OTLP to clients, and what refuses other protocols with a word of help. They own limits, content types and answers; [`crate::ingest`] does the rest.

mod answer;
mod body;
mod grpc;
mod http;
mod langsmith;
mod status;

pub(crate) use grpc::{router as grpc_router, routes as grpc_routes};
pub(crate) use http::{not_found, router as http_router};
pub(crate) use langsmith::router as langsmith_router;

use ::http::HeaderMap;
use clearspan_catalog::ProjectName;

use crate::auth::Caller;
use crate::ingest::Destination;

/// A request may have this many bytes after decompression.
pub(crate) const MAX_BODY_BYTES: usize = 64 << 20;

/// Where the runs of a request go. The header may be spelled in any case; gRPC metadata is a header too.
fn destination(caller: Caller, headers: &HeaderMap) -> Destination {
    let text = |name: &str| headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    // Who traces for an agent names that one, and the agent is the project.
    let named = text("langsmith-project").or_else(|| text("langsmith-agent-id"));
    Destination {
        workspace_id: caller.workspace_id,
        project: named.and_then(ProjectName::repair),
        default_project: caller.default_project,
    }
}
