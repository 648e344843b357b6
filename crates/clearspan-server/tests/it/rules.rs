//! Mapping rules of users: in use as soon as they are kept, whatever the protocol, and shown as sources.

use http::Request;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value, json};

use crate::otlp_grpc::{TRACES, call, code};
use crate::otlp_http::{JSON, PROTOBUF, assert_taken, post};
use crate::server::Server;
use crate::spans::{self, OneSpan, text};

/// A span with attributes that no built-in rule knows.
pub(crate) fn span(number: u32) -> Span {
    let mut span = OneSpan(number).otlp();
    span.attributes.push(text("acme.customer", "Ann"));
    span.attributes.push(text("acme.label.region", "eu"));
    span
}

pub(crate) async fn send(server: &Server, numbers: &[u32]) {
    let body = spans::protobuf(numbers.iter().map(|number| span(*number)).collect());
    let answer = server.connect().await.send(post("/v1/traces", PROTOBUF, body)).await;
    assert_taken(&answer, PROTOBUF, "spans");
}

pub(crate) async fn run(server: &Server, number: u32) -> Value {
    let trace_id = OneSpan(number).trace_id();
    let run_id =
        server.run_ids(&trace_id).await.pop().unwrap_or_else(|| panic!("span {number} is not there"));
    server.get_json(&format!("/traces/{trace_id}/runs/{run_id}")).await
}

/// Keeps a rule and returns its id.
pub(crate) async fn add(server: &Server, name: &str, attribute: &str, field: &str) -> String {
    let body = json!({"name": name, "attribute": attribute, "field": field});
    let rule = server.change_ok("POST", "/mapping-rules", body, 201).await;
    rule["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_rule_fills_its_field_from_then_on_and_after_a_restart() {
    let server = Server::start();
    send(&server, &[1]).await;
    add(&server, "customers", "acme.customer", "user_id").await;
    add(&server, "labels", "acme.label.*", "metadata.{*}").await;
    send(&server, &[2]).await;
    let answer = server.connect_grpc().await.send(call(TRACES, 0, &spans::protobuf(vec![span(3)]))).await;
    assert_eq!(code(&answer), 0);
    let mut by_json = OneSpan(4).otlp_json();
    let attributes = by_json["attributes"].as_array_mut().expect("attributes");
    attributes.push(json!({"key": "acme.customer", "value": {"stringValue": "Ann"}}));
    attributes.push(json!({"key": "acme.label.region", "value": {"stringValue": "eu"}}));
    let answer = server.connect().await.send(post("/v1/traces", JSON, spans::json_body(vec![by_json]))).await;
    assert_taken(&answer, JSON, "JSON");

    let before = run(&server, 1).await;
    assert_eq!((&before["user_id"], &before["attributes"]["acme.customer"]), (&Value::Null, &json!("Ann")));
    for number in [2, 3, 4] {
        check_ruled(&run(&server, number).await);
    }
    let server = Server::start_again(server.kill_9());
    send(&server, &[5]).await;
    for number in [2, 5] {
        check_ruled(&run(&server, number).await);
    }
}

fn check_ruled(run: &Value) {
    assert_eq!((&run["user_id"], &run["metadata"]["region"]), (&json!("Ann"), &json!("eu")), "{run}");
    assert_eq!(run["attributes"]["acme.customer"], Value::Null, "it was used");
    assert_eq!(run["sources"]["user_id"], "rule:customers:acme.customer");
    assert_eq!(run["sources"]["metadata.region"], "rule:labels:acme.label.region");
    assert_eq!(run["sources"]["model"], "gen_ai.request.model");
}

#[tokio::test]
async fn a_rule_that_is_off_or_gone_is_not_used() {
    let server = Server::start();
    let id = add(&server, "customers", "acme.customer", "user_id").await;
    let off =
        json!({"name": "customers", "attribute": "acme.customer", "field": "user_id", "enabled": false});
    server.change_ok("PUT", &format!("/mapping-rules/{id}"), off, 200).await;
    send(&server, &[1]).await;
    assert_eq!(run(&server, 1).await["user_id"], Value::Null);
    let on = json!({"name": "customers", "attribute": "acme.customer", "field": "thread_id"});
    server.change_ok("PUT", &format!("/mapping-rules/{id}"), on, 200).await;
    send(&server, &[2]).await;
    assert_eq!(run(&server, 2).await["thread_id"], "Ann");
    let answer = server.change("DELETE", &format!("/mapping-rules/{id}"), Value::Null).await;
    assert_eq!(answer.status, 204);
    send(&server, &[3]).await;
    assert_eq!(run(&server, 3).await["thread_id"], Value::Null);
}

#[tokio::test]
async fn a_rule_is_stronger_than_what_is_built_in_and_the_first_is_the_strongest() {
    let server = Server::start();
    let first = add(&server, "first", "acme.customer", "model").await;
    let second = add(&server, "second", "acme.label.*", "model").await;
    send(&server, &[1]).await;
    let one = run(&server, 1).await;
    assert_eq!(
        (&one["model"], &one["sources"]["model"]),
        (&json!("Ann"), &json!("rule:first:acme.customer"))
    );
    server.change_ok("PUT", "/mapping-rules/order", json!({"ids": [second, first]}), 200).await;
    send(&server, &[2]).await;
    assert_eq!(run(&server, 2).await["model"], "eu");
}

#[tokio::test]
async fn a_rule_is_tried_on_a_stored_run_before_it_is_kept() {
    let server = Server::start();
    send(&server, &[1]).await;
    let trace_id = OneSpan(1).trace_id();
    let run_id = server.run_ids(&trace_id).await.pop().expect("a run");
    let body = json!({
        "rule": {"attribute": "acme.label.*", "field": "metadata.{*}"},
        "replaces": null, "project": "default", "trace_id": trace_id, "run_id": run_id,
    });
    let trial = server.change_ok("POST", "/mapping-rules/test", body, 200).await;
    assert_eq!(trial["matched"], json!([{"attribute": "acme.label.region", "value": "eu"}]));
    let expected = json!([
        {"field": "attributes.acme.label.region", "before": "eu", "after": null},
        {"field": "metadata.region", "before": null, "after": "eu"},
    ]);
    assert_eq!(trial["changes"], expected, "{trial}");
    assert_eq!(run(&server, 1).await["metadata"]["region"], Value::Null, "nothing is saved");

    // An attribute that a built-in rule used is found by its source.
    let body = json!({
        "rule": {"attribute": "gen_ai.request.model", "field": "metadata.asked"},
        "trace_id": trace_id, "run_id": run_id,
    });
    let trial = server.change_ok("POST", "/mapping-rules/test", body, 200).await;
    assert_eq!(
        trial["matched"],
        json!([{"attribute": "gen_ai.request.model", "value": "gpt-4o-mini"}]),
        "{trial}"
    );
    let asked = json!({"field": "metadata.asked", "before": null, "after": "gpt-4o-mini"});
    assert!(trial["changes"].as_array().expect("changes").contains(&asked), "{trial}");
}

/// The set-up page has to say why nothing arrives.
#[tokio::test]
async fn refused_runs_of_langsmith_clients_are_shown() {
    let server = Server::start();
    let mut connection = server.connect().await;
    for prefix in ["", "/api", "/api/v1"] {
        for (method, path) in [
            ("POST", "/runs"),
            ("POST", "/runs/batch"),
            ("PATCH", "/runs/0190b2a3-1111-7000-8000-000000000000"),
        ] {
            let path = format!("{prefix}{path}");
            let request = Request::builder().method(method).uri(&path).body("x".repeat(100_000));
            let answer = connection.send(request.expect("a valid request")).await;
            assert_eq!(answer.status, 422, "{path}: {}", answer.text());
            let newest = server.get_json("/ingest/diagnostics").await["events"][0].take();
            assert_eq!((&newest["protocol"], &newest["status"]), (&json!("langsmith"), &json!(422)));
            assert_eq!(newest["path"], path);
        }
    }
}
