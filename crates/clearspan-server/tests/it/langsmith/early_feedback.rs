//! Feedback that comes before its run.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{AS_JSON, send, send_form, send_json};
use crate::server::Server;

fn run(id: Uuid) -> Value {
    json!({
        "id": id, "trace_id": id, "dotted_order": format!("20261121T013230982012Z{id}"), "name": "answer",
        "run_type": "chain", "session_name": "demo", "start_time": "2026-11-21T01:32:30.982012+00:00", "inputs": {"q": 1},
    })
}

async fn send_run(server: &Server, id: Uuid) {
    let answer = send_json(server, "POST", "/runs", &run(id)).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
}

/// The same as a span. The id of its run is made from its own.
async fn send_span(server: &Server, number: u64) -> Uuid {
    let attributes = json!([{"key": "langsmith.trace.session_name", "value": {"stringValue": "demo"}}]);
    let otlp = json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": format!("{number:032x}"), "spanId": format!("{number:016x}"), "name": "as a span",
        "startTimeUnixNano": "1795224750982012000", "endTimeUnixNano": "1795224751982012000", "attributes": attributes}]}]}]});
    let answer = send_json(server, "POST", "/v1/traces", &otlp).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    Uuid::from_u128(number.into())
}

async fn judge(server: &Server, run_id: Uuid, score: f64) {
    let feedback = json!({ "run_id": run_id, "key": "early", "score": score });
    let answer = send_json(server, "POST", "/feedback", &feedback).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

async fn read(server: &Server, path: &str) -> Value {
    let answer = send(server, Request::get(path).body(Bytes::new()).expect("a valid request")).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

/// How much feedback counts for the project, with its mean, and how much is listed for it.
async fn of_project(server: &Server) -> (Value, Value, usize) {
    let session = read(server, "/sessions?name=demo&include_stats=true").await[0].take();
    let stats = &session["feedback_stats"]["early"];
    let path = format!("/feedback?limit=1000&session={}", session["id"].as_str().expect("an id"));
    let listed = read(server, &path).await;
    (stats["n"].clone(), stats["avg"].clone(), listed.as_array().expect("a list").len())
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x01a1_fbbb_cb86_7125_8e15_0000_0000_0000 + number)
}

#[tokio::test]
async fn it_counts_for_the_project_once_its_run_is_here() {
    let server = Server::start();
    judge(&server, id(1), 0.25).await;
    send_run(&server, id(2)).await;
    assert_eq!(of_project(&server).await, (Value::Null, Value::Null, 0), "that is another run");
    send_run(&server, id(1)).await;
    assert_eq!(of_project(&server).await, (json!(1), json!(0.25), 1));
    // Before its run in one request, and after another's end.
    let (post, feedback) = (run(id(3)).to_string(), json!({"run_id": id(3), "key": "early", "score": 0.75}));
    let (name, feedback) = (format!("feedback.{}", id(9)), feedback.to_string());
    let parts = [
        (name.as_str(), AS_JSON, feedback.as_bytes()),
        (&format!("post.{}", id(3)), AS_JSON, post.as_bytes()),
    ];
    assert_eq!(send_form(&server, &parts).await.status, 202);
    assert_eq!(of_project(&server).await, (json!(2), json!(0.5), 2));
    // It goes with its trace, though it did not name it.
    let path = format!("/api/clearspan/v1/traces/{}", id(1));
    let deleted = send(&server, Request::delete(path).body(Bytes::new()).expect("a valid request")).await;
    assert!(deleted.status.is_success(), "{}", deleted.text());
    assert_eq!(of_project(&server).await, (json!(1), json!(0.75), 1));
}

#[tokio::test]
async fn a_span_is_as_good_as_a_run() {
    let server = Server::start();
    judge(&server, Uuid::from_u128(7), 0.5).await;
    assert_eq!(send_span(&server, 7).await, Uuid::from_u128(7));
    assert_eq!(of_project(&server).await, (json!(1), json!(0.5), 1));
}

#[tokio::test]
async fn it_waits_over_crashes() {
    let server = Server::start();
    judge(&server, id(1), 0.25).await;
    judge(&server, id(2), 0.75).await;
    let server = Server::start_again(server.kill_9());
    send_run(&server, id(1)).await;
    assert_eq!(of_project(&server).await, (json!(1), json!(0.25), 1));
    let server = Server::start_again(server.kill_9());
    send_run(&server, id(2)).await;
    assert_eq!(of_project(&server).await, (json!(2), json!(0.5), 2));
}

/// Runs and feedback that are sent at the same time miss each other neither way.
#[tokio::test]
async fn runs_and_feedback_sent_together_find_each_other() {
    let server = Server::start();
    let pairs = (1..=100).map(|number| {
        let server = &server;
        async move {
            tokio::join!(judge(server, id(number), 1.0), send_run(server, id(number)));
        }
    });
    futures::future::join_all(pairs).await;
    assert_eq!(of_project(&server).await, (json!(100), json!(1), 100));
}
