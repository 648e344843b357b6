//! Metric points: taken over every protocol, charted, there after any end of the process.

use serde_json::{Value, json};

use crate::otlp_grpc::{METRICS, call, code};
use crate::otlp_http::{JSON, PROTOBUF, assert_taken, post};
use crate::server::Server;
use crate::telemetry::{START, metrics_json, metrics_protobuf};

/// A counter that stands at 10, 30, 35 for one model and at 4 for another, over three protocols.
async fn send_all(server: &Server) {
    let mut http = server.connect().await;
    let body = metrics_protobuf("shop", &[(10, 10, "gpt-4o"), (20, 30, "gpt-4o")]);
    assert_taken(&http.send(post("/v1/metrics", PROTOBUF, body)).await, PROTOBUF, "protobuf");
    let body = metrics_json("shop", &[(30, 35, "gpt-4o")]);
    assert_taken(&http.send(post("/v1/metrics", JSON, body)).await, JSON, "json");
    let body = metrics_protobuf("agent", &[(30, 4, "claude")]);
    assert_eq!(code(&server.connect_grpc().await.send(call(METRICS, 0, &body)).await), 0);
}

/// Four buckets of ten seconds.
fn range() -> String {
    let micros = START / 1_000;
    format!("t={}..{}&buckets=4", micros, micros + 40_000_000)
}

async fn series(server: &Server, query: &str) -> Value {
    server.get_json(&format!("/projects/default/metrics/series?name=acme.tokens&{}{query}", range())).await
}

async fn check(server: &Server, after: &str) {
    let list = server.get_json("/projects/default/metrics").await;
    let expected = json!([{
        "name": "acme.tokens", "description": "Tokens used", "unit": "{token}", "kind": "sum",
        "temporality": "cumulative", "monotonic": true, "points": 4, "last_time": START / 1_000 + 30_000_000,
        "attribute_keys": ["model"], "services": ["agent", "shop"],
    }]);
    assert_eq!(list["metrics"], expected, "after {after}");
    for (query, expected) in [
        ("", json!([{"group": null, "values": [null, 10.0, 20.0, 9.0]}])),
        (
            "&group_by=model",
            json!([
                {"group": "gpt-4o", "values": [null, 10.0, 20.0, 5.0]},
                {"group": "claude", "values": [null, null, null, 4.0]},
            ]),
        ),
        (
            "&group_by=service&agg=sum",
            json!([
                {"group": "shop", "values": [null, 10.0, 20.0, 5.0]},
                {"group": "agent", "values": [null, null, null, 4.0]},
            ]),
        ),
        ("&group_by=nothing", json!([{"group": null, "values": [null, 10.0, 20.0, 9.0]}])),
    ] {
        let answer = series(server, query).await;
        assert_eq!(answer["series"], expected, "after {after}: {query}");
        assert_eq!(answer["is_cut"], false);
    }
    let rate = series(server, "&agg=rate").await;
    let values = rate["series"][0]["values"].as_array().expect("values").clone();
    let sum: f64 = values.iter().filter_map(Value::as_f64).map(|rate| rate * 10.0).sum();
    assert!((sum - 39.0).abs() < 1e-6, "after {after}: the rates hold what was counted: {rate}");
}

#[tokio::test]
async fn points_of_every_protocol_are_charted_and_survive_any_end() {
    let server = Server::start();
    send_all(&server).await;
    check(&server, "sending").await;
    send_all(&server).await;
    check(&server, "sending twice").await;
    let server = Server::start_again(server.kill_9());
    check(&server, "kill -9").await;
    let (status, folder) = server.terminate();
    assert!(status.success(), "SIGTERM: {status}");
    let server = Server::start_again(folder);
    check(&server, "SIGTERM").await;
    send_all(&server).await;
    check(&server, "sending what is in segments").await;
}

#[tokio::test]
async fn the_answer_says_what_the_chart_is_of() {
    let server = Server::start();
    send_all(&server).await;
    let answer = series(&server, "").await;
    assert_eq!((&answer["kind"], &answer["unit"]), (&json!("sum"), &json!("{token}")));
    assert_eq!((&answer["agg"], &answer["aggregations"]), (&json!("sum"), &json!(["sum", "rate"])));
    assert_eq!((&answer["from"], &answer["bucket_us"]), (&json!(START / 1_000), &json!(10_000_000)));

    // All points, in as many buckets as usual.
    let all = server.get_json("/projects/default/metrics/series?name=acme.tokens").await;
    let values = all["series"][0]["values"].as_array().expect("values").clone();
    assert_eq!(values.len(), 60);
    assert_eq!(values.iter().filter_map(Value::as_f64).sum::<f64>(), 39.0);
    // A range without points is an empty chart, not an error.
    let old =
        "/projects/default/metrics/series?name=acme.tokens&t=2026-01-01T00:00:00Z..2026-01-02T00:00:00Z";
    assert_eq!(server.get_json(old).await["series"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_asked_is_said() {
    let server = Server::start();
    send_all(&server).await;
    for (query, status, word) in [
        ("?name=acme.tokens&agg=p95", 400, "sum, rate"),
        ("?name=acme.tokens&agg=most", 400, "sum, rate"),
        ("?name=acme.tokens&t=soon", 400, "soon"),
        ("?agg=sum", 400, "name"),
        ("?name=unknown", 404, "unknown"),
    ] {
        let answer = server.get(&format!("/projects/default/metrics/series{query}")).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
        let message = answer.json()["error"]["message"].take();
        assert!(message.as_str().expect("a message").contains(word), "{query}: {message}");
    }
}
