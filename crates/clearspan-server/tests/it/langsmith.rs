//! Runs in LangSmith's own protocol, as its SDKs send them and as they should not.

mod bad_input;
mod costs;
mod deleting;
mod early_feedback;
mod fidelity;
mod hostile;
mod hybrid;
mod pressure;
mod reading;
pub(crate) mod recorded;
mod selecting;
mod strays;
mod streams;
mod writing;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::connection::Answer;
use crate::server::Server;

/// A run of version 7, whose first eight bytes are a span to OpenTelemetry.
pub(crate) const ID: &str = "01a1fbbb-cb86-7125-8e15-d2abd3bca03f";
pub(crate) const CHILD: &str = "01a1fbbb-cbbb-7e3e-bbd1-c21de81c73d1";
const BOUNDARY: &str = "langsmith-boundary";

async fn send(server: &Server, request: Request<Bytes>) -> Answer {
    server.connect().await.send(request).await
}

async fn send_json(server: &Server, method: &str, path: &str, body: &Value) -> Answer {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    send(server, request.body(Bytes::from(body.to_string())).expect("a valid request")).await
}

/// A part: its name, further headers, its content.
type Part<'a> = (&'a str, &'a str, &'a [u8]);

fn form_body(parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, headers, content) in parts {
        let head =
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n{headers}\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

fn form_request(body: Vec<u8>) -> Request<Bytes> {
    let request = Request::post("/runs/multipart");
    let request = request.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
    request.body(Bytes::from(body)).expect("a valid request")
}

async fn send_form(server: &Server, parts: &[Part<'_>]) -> Answer {
    send(server, form_request(form_body(parts))).await
}

const AS_JSON: &str = "Content-Type: application/json\r\n";

/// A run as LangSmith's clients read it.
async fn read_run(server: &Server, id: &str) -> Value {
    let request = Request::get(format!("/api/v1/runs/{id}")).body(Bytes::new()).expect("a valid request");
    let answer = send(server, request).await;
    assert_eq!(answer.status, 200, "{id}: {}", answer.text());
    answer.json()
}

/// What was said of each part that was not taken.
fn errors(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    let errors = body["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| format!("{}: {}", error["part"], error["error"])).collect()
}

fn root(name: &str) -> Value {
    json!({
        "id": ID, "trace_id": ID, "name": name, "run_type": "chain", "start_time": "2026-11-21T01:32:30.982012+00:00",
        "dotted_order": format!("20261121T013230982012Z{ID}"), "session_name": "demo", "inputs": {"q": 1},
    })
}
