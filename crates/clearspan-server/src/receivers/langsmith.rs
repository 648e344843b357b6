//! The native write endpoints of the LangSmith SDKs, which are not served: the client is told what to do instead, and so
//! is the person at the set-up page.
//!
//! The status is 422: the SDKs then print the answer and send nothing again, where they would try other endpoints after a
//! 404 and repeat themselves after most others.

use std::sync::Arc;

use ::http::{HeaderMap, StatusCode};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{patch, post};
use axum::{Json, Router};
use serde_json::json;

use super::body;
use crate::context::Context;
use crate::telemetry::Refused;

/// What stands before the paths, by the way in which the endpoint is configured.
const PREFIXES: [&str; 3] = ["", "/api", "/api/v1"];

const MESSAGE: &str = "this version does not take runs over the LangSmith protocol; send them over OpenTelemetry: install \
                       `langsmith[otel]` and set LANGSMITH_OTEL_ENABLED=true and LANGSMITH_OTEL_ONLY=true";
const HINT: &str =
    "install langsmith[otel] and set LANGSMITH_OTEL_ENABLED=true and LANGSMITH_OTEL_ONLY=true meanwhile";

pub(crate) fn router(context: Arc<Context>) -> Router {
    let mut router = Router::new();
    for prefix in PREFIXES {
        router = router
            .route(&format!("{prefix}/runs"), post(refuse))
            .route(&format!("{prefix}/runs/batch"), post(refuse))
            .route(&format!("{prefix}/runs/multipart"), post(refuse))
            .route(&format!("{prefix}/runs/{{run_id}}"), patch(refuse));
    }
    router.with_state(context)
}

async fn refuse(State(context): State<Arc<Context>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (status, message) = judge(&context, &parts.headers).await;
    context.diagnostics.note(Refused {
        time: context.clock.now(),
        protocol: "langsmith",
        path: parts.uri.path().to_owned(),
        status: status.as_u16(),
        reason: message.clone(),
        hint: (status == StatusCode::UNPROCESSABLE_ENTITY).then(|| HINT.to_owned()),
    });
    // A client that still sends does not read the answer.
    body::drain(body).await;
    (status, Json(json!({ "detail": message }))).into_response()
}

/// Whoever shows no key where one is needed learns that first.
async fn judge(context: &Context, headers: &HeaderMap) -> (StatusCode, String) {
    match context.auth.check(headers, context.clock.now()).await {
        Ok(_) => (StatusCode::UNPROCESSABLE_ENTITY, MESSAGE.to_owned()),
        Err(refusal) => (refusal.status, refusal.message),
    }
}
