//! Log records: taken over every protocol, read by trace and by project, there after any end of the process.

use serde_json::Value;

use crate::otlp_grpc::{LOGS, call, code};
use crate::otlp_http::{JSON, PROTOBUF, assert_taken, post};
use crate::server::Server;
use crate::spans::OneSpan;
use crate::telemetry::{Line, START, logs_json, logs_protobuf};

/// Seconds 1 to 6, over three protocols; those of seconds 5 and 6 belong to the span.
async fn send_all(server: &Server, span: OneSpan) {
    let of_span = |line: Line| Line { span: Some((span.trace_bytes(), span.span_bytes())), ..line };
    let mut http = server.connect().await;
    let body = logs_protobuf("shop", &[Line::new(1, 5, "cart opened"), Line::new(2, 9, "Payment accepted")]);
    assert_taken(&http.send(post("/v1/logs", PROTOBUF, body)).await, PROTOBUF, "protobuf");
    let body = logs_json("shop", &[Line::new(3, 13, "payment is slow"), Line::new(4, 17, "payment failed")]);
    assert_taken(&http.send(post("/v1/logs", JSON, body)).await, JSON, "json");
    let lines = [of_span(Line::new(5, 9, "asked the model")), of_span(Line::new(6, 21, "out of memory"))];
    let answer = server.connect_grpc().await.send(call(LOGS, 0, &logs_protobuf("agent", &lines))).await;
    assert_eq!(code(&answer), 0);
}

fn bodies(list: &Value) -> Vec<&str> {
    let logs = list["logs"].as_array().unwrap_or_else(|| panic!("no logs in {list}"));
    logs.iter().map(|log| log["body"].as_str().expect("a body of text")).collect()
}

/// Everything that a reader sees of what [`send_all`] sent.
async fn check(server: &Server, span: OneSpan, after: &str) {
    let read = async |query: &str| server.get_json(&format!("/projects/default/logs{query}")).await;
    let all = [
        "out of memory",
        "asked the model",
        "payment failed",
        "payment is slow",
        "Payment accepted",
        "cart opened",
    ];
    let newest = read("").await;
    assert_eq!(bodies(&newest), all, "after {after}");
    assert_eq!(newest["next_cursor"], Value::Null);
    for (query, expected) in [
        ("?order=oldest&limit=2", vec!["cart opened", "Payment accepted"]),
        ("?severity=warn", vec!["out of memory", "payment failed", "payment is slow"]),
        ("?q=PAYMENT", vec!["payment failed", "payment is slow", "Payment accepted"]),
        ("?q=payment&severity=error", vec!["payment failed"]),
        ("?service=agent", vec!["out of memory", "asked the model"]),
        (&format!("?trace={}", span.trace_id()), vec!["out of memory", "asked the model"]),
        ("?t=2026-01-01T00:00:00Z..2026-01-02T00:00:00Z", vec![]),
        ("?q=nothing%20like%20it", vec![]),
    ] {
        assert_eq!(bodies(&read(query).await), expected, "after {after}: {query}");
    }
    let of_trace = server.get_json(&format!("/traces/{}/logs", span.trace_id())).await;
    assert_eq!(bodies(&of_trace), ["asked the model", "out of memory"], "after {after}");
}

#[tokio::test]
async fn records_of_every_protocol_are_read_and_survive_any_end() {
    let server = Server::start();
    let span = OneSpan(7);
    send_all(&server, span).await;
    check(&server, span, "sending").await;
    // A client that had no answer sends again.
    send_all(&server, span).await;
    check(&server, span, "sending twice").await;
    let server = Server::start_again(server.kill_9());
    check(&server, span, "kill -9").await;
    let (status, folder) = server.terminate();
    assert!(status.success(), "SIGTERM: {status}");
    let server = Server::start_again(folder);
    check(&server, span, "SIGTERM").await;
    send_all(&server, span).await;
    check(&server, span, "sending what is in segments").await;
}

#[tokio::test]
async fn a_row_tells_everything_and_leads_to_its_run() {
    let server = Server::start();
    let span = OneSpan(7);
    let mut http = server.connect().await;
    assert_taken(&http.send(post("/v1/traces", PROTOBUF, span.protobuf())).await, PROTOBUF, "the span");
    send_all(&server, span).await;
    let of_trace = server.get_json(&format!("/traces/{}/logs", span.trace_id())).await;
    let row = &of_trace["logs"][1];
    let micros = i64::try_from(START / 1_000 + 6_000_000).expect("a time");
    assert_eq!(row["time"], micros);
    assert_eq!((&row["severity"], &row["level"]), (&21.into(), &"fatal".into()));
    assert_eq!((&row["service"], &row["attributes"]["logger"]), (&"agent".into(), &"app.pay".into()));
    assert_eq!(row["resource"]["service.name"], "agent");
    assert_eq!(row["id"].as_str().map(str::len), Some(32));
    let run_id = server.run_ids(&span.trace_id()).await.pop().expect("a run");
    assert_eq!(row["run_id"], run_id.as_str());
    // The run tells its whole story by itself.
    let run = server.get_json(&format!("/traces/{}/runs/{run_id}", span.trace_id())).await;
    assert_eq!(run["events"].as_array().map(Vec::len), Some(2), "{run}");
    assert_eq!(run["name"], span.name());
}

#[tokio::test]
async fn pages_are_complete_and_in_order() {
    let server = Server::start();
    let lines: Vec<Line> = (1..=25).map(|second| Line::new(second / 3, 9, "a line")).collect();
    // Equal lines are one record: the severity tells them apart.
    let lines: Vec<Line> =
        lines.into_iter().zip(1..).map(|(line, n)| Line { severity: n % 24 + 1, ..line }).collect();
    let answer = server.connect().await.send(post("/v1/logs", PROTOBUF, logs_protobuf("shop", &lines))).await;
    assert_taken(&answer, PROTOBUF, "25 lines");
    for order in ["newest", "oldest"] {
        let (mut ids, mut times, mut cursor) = (Vec::new(), Vec::new(), String::new());
        loop {
            let page = format!("/projects/default/logs?order={order}&limit=4{cursor}");
            let page = server.get_json(&page).await;
            for log in page["logs"].as_array().expect("logs") {
                ids.push(log["id"].to_string());
                times.push(log["time"].as_i64().expect("a time"));
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert!(
            times.is_sorted_by(|a, b| if order == "oldest" { a <= b } else { a >= b }),
            "{order}: {times:?}"
        );
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 25, "{order}");
    }
}

#[tokio::test]
async fn the_header_names_the_project() {
    let server = Server::start();
    let mut request = post("/v1/logs", PROTOBUF, logs_protobuf("shop", &[Line::new(1, 9, "hello")]));
    request.headers_mut().insert("langsmith-project", "by header".parse().expect("a value"));
    assert_taken(&server.connect().await.send(request).await, PROTOBUF, "a named project");
    let list = server.get_json("/projects/by%20header/logs").await;
    assert_eq!(bodies(&list), ["hello"]);
    assert_eq!(server.get("/projects/default/logs").await.status, 404);
}

#[tokio::test]
async fn what_cannot_be_asked_is_said() {
    let server = Server::start();
    send_all(&server, OneSpan(7)).await;
    for (query, word) in [
        ("?severity=loud", "severity"),
        ("?order=random", "order"),
        ("?t=yesterday", "t"),
        ("?trace=xyz", "trace"),
        ("?cursor=xyz", "cursor"),
        ("?colour=red", "colour"),
    ] {
        let answer = server.get(&format!("/projects/default/logs{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        let message = answer.json()["error"]["message"].take();
        assert!(message.as_str().expect("a message").contains(word), "{query}: {message}");
    }
    let other_order = server.get_json("/projects/default/logs?limit=1").await["next_cursor"].take();
    let path =
        format!("/projects/default/logs?order=oldest&cursor={}", other_order.as_str().expect("a cursor"));
    assert_eq!(server.get(&path).await.status, 400);
}
