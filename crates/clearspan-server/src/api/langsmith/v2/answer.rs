//! An answer as one JSON object, or as a stream of patches that build it.

use std::convert::Infallible;

use axum::Json;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, header};
use serde::Serialize;
use serde_json::json;

/// Items that one event of a stream brings.
const ITEMS_PER_EVENT: usize = 20;

/// `{"items": […], "next_cursor": …}`.
pub(super) fn page<T: Serialize>(headers: &HeaderMap, items: Vec<T>, next: Option<String>) -> Response {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !accepted.contains("text/event-stream") {
        return Json(Page { items, next_cursor: next }).into_response();
    }
    let empty = json!({ "items": [], "next_cursor": null });
    let mut events = vec![patch(&[Add { op: "add", path: "", value: &empty }])];
    for some in items.chunks(ITEMS_PER_EVENT) {
        let add = |value| Add { op: "add", path: "/items/-", value };
        events.push(patch(&some.iter().map(add).collect::<Vec<_>>()));
    }
    if let Some(cursor) = next {
        events.push(patch(&[Add { op: "add", path: "/next_cursor", value: &cursor }]));
    }
    events.push(Event::default().event("end").data("{}"));
    Sse::new(futures::stream::iter(events.into_iter().map(Ok::<_, Infallible>))).into_response()
}

#[derive(Serialize)]
struct Page<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

/// An operation of a JSON patch.
#[derive(Serialize)]
struct Add<'a, T> {
    op: &'static str,
    path: &'static str,
    value: &'a T,
}

fn patch<T: Serialize>(operations: &[Add<'_, T>]) -> Event {
    let text = serde_json::to_string(operations).expect("JSON of JSON");
    Event::default().event("data").data(text)
}
