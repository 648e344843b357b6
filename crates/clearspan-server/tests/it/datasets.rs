//! Datasets, experiments and prompts as the LangSmith SDKs use them: requests that were recorded, and what no client should
//! send.

mod bad_input;
mod recorded;
mod versions;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::connection::Answer;
use crate::server::Server;

const BOUNDARY: &str = "dataset-boundary";

pub(crate) async fn send(server: &Server, request: Request<Bytes>) -> Answer {
    server.connect().await.send(request).await
}

async fn send_json(server: &Server, method: &str, path: &str, body: &Value) -> Answer {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    send(server, request.body(Bytes::from(body.to_string())).expect("a valid request")).await
}

async fn get(server: &Server, path: &str) -> Answer {
    send(server, Request::get(path).body(Bytes::new()).expect("a valid request")).await
}

/// The answer of a request that must succeed.
async fn ok(answer: impl Future<Output = Answer>) -> Value {
    let answer = answer.await;
    assert!(answer.status.is_success(), "{}: {}", answer.status, answer.text());
    answer.json()
}

/// A part of a form: its name, its content type, its content.
type Part<'a> = (&'a str, &'a str, &'a str);

fn form_body(parts: &[Part<'_>]) -> String {
    let part = |(name, kind, content): &Part<'_>| {
        format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n{content}\r\n"
        )
    };
    let parts: String = parts.iter().map(part).collect();
    format!("{parts}--{BOUNDARY}--\r\n")
}

async fn send_form(server: &Server, method: &str, path: &str, body: String) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
    send(server, request.body(Bytes::from(body)).expect("a valid request")).await
}

async fn new_dataset(server: &Server, name: &str) -> String {
    let made = ok(send_json(server, "POST", "/datasets", &json!({ "name": name }))).await;
    made["id"].as_str().expect("an id").to_owned()
}

fn example_id(number: u8) -> String {
    format!("0190b2a3-1111-4000-8000-0000000000{number:02x}")
}
