//! An answer as one JSON object, or as a stream of patches that build it.

use std::convert::Infallible;

use axum::Json;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, header};
use serde_json::{Value, json};

/// Items that one event of a stream brings.
const ITEMS_PER_EVENT: usize = 20;

/// `{"items": […], "next_cursor": …}`.
pub(super) fn page(headers: &HeaderMap, items: Vec<Value>, next: Option<String>) -> Response {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !accepted.contains("text/event-stream") {
        return Json(json!({ "items": items, "next_cursor": next })).into_response();
    }
    let patch = |operations: Value| Event::default().event("data").data(operations.to_string());
    let empty = json!([{ "op": "add", "path": "", "value": { "items": [], "next_cursor": null } }]);
    let mut events = vec![patch(empty)];
    for some in items.chunks(ITEMS_PER_EVENT) {
        let add = |item: &Value| json!({ "op": "add", "path": "/items/-", "value": item });
        events.push(patch(some.iter().map(add).collect()));
    }
    if let Some(cursor) = next {
        events.push(patch(json!([{ "op": "add", "path": "/next_cursor", "value": cursor }])));
    }
    events.push(Event::default().event("end").data("{}"));
    Sse::new(futures::stream::iter(events.into_iter().map(Ok::<_, Infallible>))).into_response()
}
