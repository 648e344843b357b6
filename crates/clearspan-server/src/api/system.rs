//! The server itself: what it is, what it refused, and its demo.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiError, ErrorCode, Result};
use super::extract::JsonBody;
use super::openapi::Errors;
use crate::auth::Caller;
use crate::context::{Context, Info};
use crate::demo::{self as demo_set, DemoArgs};

/// Where the demo goes unless told otherwise.
const DEMO_PROJECT: &str = "demo";

/// What this server is; needs no key
#[utoipa::path(get, path = "/info", tag = "server", responses((status = 200, body = Info)))]
pub(crate) async fn info(State(ctx): State<Arc<Context>>) -> Json<Info> {
    Json(ctx.info())
}

/// Requests that were refused in the last ten minutes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DiagnosticList {
    /// The newest first.
    events: Vec<DiagnosticRow>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DiagnosticRow {
    time: i64,
    /// `otlp_http`, `otlp_grpc` or `langsmith`.
    protocol: &'static str,
    path: String,
    status: u16,
    reason: String,
    /// What to change, where that is known.
    hint: Option<String>,
}

/// What arrived and was refused in the last ten minutes
#[utoipa::path(get, path = "/ingest/diagnostics", tag = "server", responses((status = 200, body = DiagnosticList), Errors))]
pub(crate) async fn diagnostics(State(ctx): State<Arc<Context>>, _caller: Caller) -> Json<DiagnosticList> {
    let refused = ctx.diagnostics.recent(ctx.clock.now()).into_iter();
    let events = refused.map(|refused| DiagnosticRow {
        time: refused.time.as_micros(),
        protocol: refused.protocol,
        path: refused.path,
        status: refused.status,
        reason: refused.reason,
        hint: refused.hint,
    });
    Json(DiagnosticList { events: events.collect() })
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DemoBody {
    /// The project that the traces go to; `demo` unless told otherwise.
    project: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DemoAnswer {
    project: String,
    trace_ids: Vec<String>,
    /// The one to look at first.
    featured_trace_id: String,
}

/// Sends the demo set through the server's own OTLP endpoint
#[utoipa::path(post, path = "/demo", tag = "server", request_body = DemoBody,
    responses((status = 202, body = DemoAnswer), Errors))]
pub(crate) async fn demo(
    State(ctx): State<Arc<Context>>,
    _caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody<DemoBody>,
) -> Result<(StatusCode, Json<DemoAnswer>)> {
    let now = ctx.clock.now();
    let args = DemoArgs {
        endpoint: ctx.bound.http_url(),
        api_key: key_of(&headers),
        project: body
            .project
            .filter(|name| !name.trim().is_empty())
            .unwrap_or_else(|| DEMO_PROJECT.to_owned()),
        now,
        seed: now.as_nanos().cast_unsigned(),
    };
    let report = demo_set::send(args).await.map_err(|error| {
        tracing::warn!(error = format!("{error:#}"), "the demo could not be sent");
        ApiError::new(ErrorCode::Unavailable, format!("the demo could not be sent: {error}"))
    })?;
    let answer = DemoAnswer {
        project: report.project,
        trace_ids: report.trace_ids.iter().map(ToString::to_string).collect(),
        featured_trace_id: report.featured_trace_id.to_string(),
    };
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

/// The caller's own key, which the demo is sent with.
fn key_of(headers: &HeaderMap) -> Option<String> {
    let bearer = || {
        let value = headers.get(http::header::AUTHORIZATION)?.to_str().ok()?;
        value.strip_prefix("Bearer ").map(str::to_owned)
    };
    headers.get("x-api-key").and_then(|key| key.to_str().ok()).map(str::to_owned).or_else(bearer)
}
