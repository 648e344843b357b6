//! What the LangSmith SDKs read: projects (which they call sessions) and runs.
//!
//! The same routes answer under `/`, `/api` and `/api/v1`, because clients build their addresses in three ways.
//! Unknown keys are ignored, as newer SDKs send more; a filter that cannot be expressed is refused by name.

mod attachments;
mod body;
mod info;
mod run_json;
mod runs;
mod sessions;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::context::Context;

/// Routes relative to each prefix. `info` asks for no key: the SDKs call it before they have one.
pub(super) fn routes() -> Router<Arc<Context>> {
    Router::new()
        .route("/sessions", get(sessions::list))
        .route("/sessions/{session_id}", get(sessions::get))
        .route("/runs/query", post(runs::query))
        .route("/runs/stats", post(runs::stats))
        .route("/runs/{run_id}", get(runs::get))
}

/// Routes that need no key. The address of a file proves itself.
pub(super) fn open_routes() -> Router<Arc<Context>> {
    Router::new().route("/info", get(info::get)).route("/attachments/{sha256}", get(attachments::get))
}
