//! What every answer passes on its way out: a request id, a time limit, room in memory, the body of an error, and what
//! others may do with it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tracing::Instrument as _;
use uuid::Uuid;

use super::error::{ApiError, ErrorCode, ErrorShape};
use super::unread::Unread;
use crate::context::Context;

/// Longer work is given up. Streams are not cut: only the time until their first byte counts.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// Statements bound their own time, and exports may search long for their first row.
const LONG_LIMIT: Duration = Duration::from_secs(310);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longer ids of clients are replaced.
const MAX_REQUEST_ID: usize = 64;

/// Puts the layers around a set of routes, and answers to paths and methods that it does not have.
pub(super) fn wrap(routes: Router<Arc<Context>>, shape: ErrorShape, unread: Unread) -> Router<Arc<Context>> {
    routes
        .method_not_allowed_fallback(|| async {
            ApiError::new(ErrorCode::MethodNotAllowed, "this path does not take this method")
        })
        .layer(middleware::from_fn_with_state((shape, unread), respond))
}

/// Lets only callers pass, and tells handlers who calls.
pub(super) async fn require_key(
    State(ctx): State<Arc<Context>>,
    mut request: Request,
    next: Next,
) -> Response {
    match ctx.auth.check(request.headers(), ctx.clock.now()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refusal) => ApiError::from(refusal).into_response(),
    }
}

/// Tells handlers who calls, if somebody does.
pub(super) async fn know_visitor(
    State(ctx): State<Arc<Context>>,
    mut request: Request,
    next: Next,
) -> Response {
    match ctx.auth.check_visitor(request.headers(), ctx.clock.now()).await {
        Ok(visitor) => {
            request.extensions_mut().insert(visitor);
            next.run(request).await
        }
        Err(refusal) => ApiError::from(refusal).into_response(),
    }
}

async fn respond(
    State((shape, unread)): State<(ErrorShape, Unread)>,
    request: Request,
    next: Next,
) -> Response {
    let id = request_id(request.headers());
    let span = tracing::info_span!("api", request_id = %id);
    let limit = match request.uri().path().rsplit_once('/') {
        Some((_, "sql" | "export")) => LONG_LIMIT,
        _ => TIME_LIMIT,
    };
    let answer = tokio::time::timeout(limit, next.run(request)).instrument(span).await;
    let mut response = answer.unwrap_or_else(|_| {
        let message = format!("the answer took longer than {} seconds; ask for less", limit.as_secs());
        ApiError::new(ErrorCode::Timeout, message).into_response()
    });
    response = unread.hold(response).await;
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        response = error.render(shape, &id);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    keep_private(response.headers_mut());
    response
}

/// Says that nothing but what is asked again may be kept and that the type of the content is meant, unless a handler has
/// said something else.
fn keep_private(headers: &mut HeaderMap) {
    let cache = if headers.contains_key(header::ETAG) { "private, no-cache" } else { "no-store" };
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static(cache));
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
}

/// The client's own id where it is harmless, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let theirs = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let is_harmless = |id: &&str| {
        (1..=MAX_REQUEST_ID).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    theirs.filter(is_harmless).map_or_else(|| Uuid::now_v7().as_simple().to_string(), str::to_owned)
}
