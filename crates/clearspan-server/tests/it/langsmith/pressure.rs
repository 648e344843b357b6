//! While the memory for requests is taken, runs are refused for now. The SDKs send them again, and then nothing is lost
//! and nothing counts twice.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::server::DataFolder;

/// Far longer than a machine takes that does other work.
const LIMIT: Duration = Duration::from_secs(60);
/// Of the two megabytes that all requests share: together they do not fit.
const HELD_BYTES: usize = 1_500 << 10;
const MORE_BYTES: usize = 700 << 10;

/// A request of which only a part has been sent.
struct Held {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl Held {
    /// Begins to send a form with one run; the server waits for its end.
    async fn begin(server: &Server) -> Self {
        let run = root("held").to_string();
        let inputs = json!({"text": "x".repeat(HELD_BYTES)}).to_string();
        let (main, field) = (format!("post.{ID}"), format!("post.{ID}.inputs"));
        let body = form_body(&[(&main, AS_JSON, run.as_bytes()), (&field, AS_JSON, inputs.as_bytes())]);
        let head = format!(
            "POST /runs/multipart HTTP/1.1\r\nHost: {}\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            server.http,
            body.len()
        );
        let mut stream = TcpStream::connect(&server.http).await.expect("the server listens");
        stream.write_all(head.as_bytes()).await.expect("the server reads");
        let (first, rest) = body.split_at(HELD_BYTES);
        stream.write_all(first).await.expect("the server reads");
        Self { stream, rest: rest.to_vec() }
    }

    async fn end(mut self) -> String {
        self.stream.write_all(&self.rest).await.expect("the server reads");
        let mut answer = Vec::new();
        self.stream.read_to_end(&mut answer).await.expect("the server answers");
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// The same runs by every way on which SDKs send them.
fn requests() -> Vec<(String, Request<Bytes>)> {
    let run = |n: usize| {
        let id = format!("00000000-0000-4000-8000-0000000000{n:02}");
        let run = json!({"id": id, "trace_id": id, "name": "refused", "session_name": "demo",
            "start_time": "2026-11-21T01:32:30.982012+00:00",
            "dotted_order": format!("20261121T013230982012Z{id}"), "inputs": {"text": "y".repeat(MORE_BYTES)}});
        (id, run)
    };
    let as_json = |method: &str, path: &str, body: &Value| {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let request = request.body(Bytes::from(body.to_string())).expect("a valid request");
        (format!("{method} {path}"), request)
    };
    let ((in_form, form), (_, posted), (_, patched), (_, one), (other_id, other)) =
        (run(1), run(2), run(3), run(4), run(5));
    let text = form.to_string();
    let form = form_body(&[(&format!("post.{in_form}"), AS_JSON, text.as_bytes())]);
    vec![
        ("POST /runs/multipart".to_owned(), form_request(form)),
        as_json("POST", "/runs/batch", &json!({"post": [posted]})),
        as_json("POST", "/api/v1/runs/batch", &json!({"patch": [patched]})),
        as_json("POST", "/runs", &one),
        as_json("PATCH", &format!("/runs/{other_id}"), &other),
    ]
}

/// How much memory the server says that requests hold.
async fn held_bytes(server: &Server) -> usize {
    let metrics = server.metrics().await;
    let line = metrics.lines().find_map(|line| line.strip_prefix("clearspan_inflight_bytes "));
    line.expect("it is counted").parse().expect("a number")
}

#[tokio::test]
async fn what_is_refused_under_pressure_succeeds_later_and_counts_once() {
    let args = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--inflight", "2MiB"];
    let server = Server::start_in(DataFolder::new(), &args);
    let held = Held::begin(&server).await;
    // The server hands bytes on in steps of 64 KiB.
    let begin = Instant::now();
    while held_bytes(&server).await < HELD_BYTES - (100 << 10) {
        assert!(begin.elapsed() < LIMIT, "the server did not read what was sent");
    }
    for (what, request) in requests() {
        let answer = send(&server, request).await;
        assert_eq!(answer.status, 503, "{what}: {}", answer.text());
        let seconds = answer.header("retry-after").and_then(|text| text.parse::<u64>().ok());
        assert!(seconds.is_some_and(|seconds| (1..=5).contains(&seconds)), "{what}: {:?}", answer.headers);
        assert!(answer.json()["detail"].is_string(), "{what}: {}", answer.text());
    }
    // What is small still fits: the SDKs ask what the server can before they send.
    let info = Request::get("/info").body(Bytes::new()).expect("a valid request");
    assert_eq!(send(&server, info).await.status, 200);
    assert_eq!(server.run_count("demo").await, 0, "what is refused leaves nothing behind");

    let answer = held.end().await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    assert_eq!(held_bytes(&server).await, 0, "what is done holds nothing");
    // An SDK whose answer got lost sends once more.
    for attempt in ["again", "once more"] {
        for (what, request) in requests() {
            let answer = send(&server, request).await;
            assert_eq!(answer.status, 202, "{what}, {attempt}: {}", answer.text());
        }
        assert_eq!(server.run_count("demo").await, 6, "{attempt}");
    }
    for n in 1..=5 {
        let run = read_run(&server, &format!("00000000-0000-4000-8000-0000000000{n:02}")).await;
        assert_eq!(run["inputs"]["text"].as_str().map(str::len), Some(MORE_BYTES), "{n}");
    }
    assert_eq!(read_run(&server, ID).await["inputs"]["text"].as_str().map(str::len), Some(HELD_BYTES));
}
