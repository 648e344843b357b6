//! Statements and exports, by the API and by the commands.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::server::{Server, run_command};

/// A server with the demo's traces, some in a segment and some in memory.
async fn with_demo() -> Server {
    let server = Server::start();
    let endpoint = format!("http://{}", server.http);
    let sent = |seed: &str, endpoint: &str| {
        let output = run_command(&["demo", "--endpoint", endpoint, "--seed", seed]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    sent("1", &endpoint);
    let (status, folder) = server.terminate();
    assert!(status.success());
    let server = Server::start_again(folder);
    sent("2", &format!("http://{}", server.http));
    server
}

async fn ask(server: &Server, query: &str) -> Value {
    server.change_ok("POST", "/sql", json!({ "query": query }), 200).await
}

#[tokio::test]
async fn statements_answer_as_the_rest_of_the_api_does() {
    let server = with_demo().await;
    let stats = server.get_json("/projects/demo/stats?of=runs&t=all").await;
    let answer = ask(
        &server,
        "select count(*), count(*) filter (where status = 'error' and double_of is null), sum(total_cost) filter (where cost_billed), \
         sum(total_tokens) filter (where tokens_billed) from runs where project = 'demo'",
    )
    .await;
    let of_stats = ["count", "error_count", "cost", "total_tokens"].map(|name| stats[name].clone());
    assert_eq!(answer["rows"][0], json!(of_stats), "{stats}");
    let traces = server.get_json("/projects/demo/traces?t=all&limit=1000").await;
    let answer =
        ask(&server, "select trace_id, name, run_count, total_cost from traces order by trace_id").await;
    let mut rows: Vec<Value> = traces["traces"]
        .as_array()
        .expect("traces")
        .iter()
        .map(|row| json!([row["trace_id"], row["name"], row["run_count"], row["cost"]]))
        .collect();
    rows.sort_by_key(|row| row[0].to_string());
    assert_eq!(answer["rows"], json!(rows));
    assert_eq!(answer["is_cut"], false);

    for (format, accept, content_type, begin) in [
        (Some("csv"), None, "text/csv; charset=utf-8; header=present", &b"name\r\n"[..]),
        (None, Some("text/csv;q=1, */*"), "text/csv; charset=utf-8; header=present", b"name\r\n"),
        (Some("parquet"), Some("text/csv"), "application/vnd.apache.parquet", b"PAR1"),
        (Some("arrow"), None, "application/vnd.apache.arrow.stream", b"\xff\xff\xff\xff"),
        (Some("jsonl"), None, "application/x-ndjson", b"{\"name\":"),
        (None, Some("text/html"), "application/json", b"{\"columns\":[{"),
    ] {
        let body = json!({"query": "select name from runs", "format": format});
        let mut request = Request::post("/api/clearspan/v1/sql").header("content-type", "application/json");
        if let Some(accept) = accept {
            request = request.header("accept", accept);
        }
        let request = request.body(Bytes::from(body.to_string())).expect("a valid request");
        let answer = server.connect().await.send(request).await;
        assert_eq!(answer.status, 200, "{format:?} {accept:?}: {}", answer.text());
        assert_eq!(answer.headers["content-type"], content_type);
        assert!(answer.body.starts_with(begin), "{format:?} {accept:?}");
    }
    let schema = server.get_json("/sql/schema").await;
    assert_eq!(schema["tables"].as_array().map(Vec::len), Some(4));
    assert_eq!(schema["tables"][0]["columns"][0]["name"], "project");
}

#[tokio::test]
async fn mistakes_have_a_status_a_code_and_a_place() {
    let server = with_demo().await;
    for (body, status, code, words) in [
        (json!({"query": "select nmae from runs"}), 400, "invalid_query", "near it are name"),
        (json!({"query": "drop table runs"}), 400, "invalid_query", "only SELECT"),
        (json!({"query": "select * from '/etc/passwd'"}), 400, "invalid_query", "there is no table"),
        (json!({"query": "select 1", "format": "xml"}), 400, "invalid_body", "csv"),
        (json!({"query": "select 1", "timeout": 0}), 400, "invalid_body", "more than 0 and at most 300"),
        (json!({"query": "select 1", "timeout": 1e9}), 400, "invalid_body", "300"),
        (json!({"sql": "select 1"}), 400, "invalid_body", "query"),
        (
            json!({"query": "select count(*) from runs a, runs b, runs c, runs d, runs e", "timeout": 0.3}),
            504,
            "timeout",
            "0.3 seconds",
        ),
    ] {
        let answer = server.change("POST", "/sql", body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        let error = &answer.json()["error"];
        assert_eq!(error["code"], code, "{body}");
        assert!(error["message"].as_str().is_some_and(|message| message.contains(words)), "{body}: {error}");
    }
    let answer = server.change("POST", "/sql", json!({"query": "select 1,\n nmae from runs"})).await.json();
    assert_eq!(answer["error"]["position"], json!({"start": 11, "end": 15}));
    for path in [
        "/export?format=xml",
        "/export?table=users",
        "/export?since=soon",
        "/export?q=(",
        "/export?table=logs&q=status:error",
    ] {
        assert_eq!(server.get(path).await.status, 400, "{path}");
    }
    assert_eq!(server.get("/export?project=nowhere").await.status, 404);
}

#[tokio::test]
async fn exports_are_what_single_reads_tell() {
    let server = with_demo().await;
    let endpoint = format!("http://{}", server.http);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("runs.jsonl");
    let export = |args: &[&str], file: &std::path::Path| {
        let file = file.to_str().expect("a path of text");
        run_command(&[&["export", "--endpoint", &endpoint, "-o", file], args].concat())
    };
    let output = export(&["--project", "demo"], &file);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = std::fs::read_to_string(&file).expect("the file was written");
    let runs: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    assert_eq!(runs.len() as u64, server.run_count("demo").await);
    for run in &runs {
        let id = |name: &str| run[name].as_str().expect("an id").to_owned();
        let mut single = server.get_json(&format!("/traces/{}/runs/{}", id("trace_id"), id("run_id"))).await;
        let members = single.as_object_mut().expect("a run is an object");
        for name in ["doubles", "feedback", "shared_prefix"] {
            assert!(members.remove(name).is_some(), "{name}");
        }
        assert_eq!(run, &single);
    }
    let failed = folder.path().join("failed.parquet");
    let output = export(&["--filter", "status:error"], &failed);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(std::fs::read(&failed).expect("the file was written").starts_with(b"PAR1"));
    let output = export(&["--project", "nowhere"], &folder.path().join("none.jsonl"));
    assert!(!output.status.success());
    assert!(!folder.path().join("none.jsonl").exists(), "what failed leaves no file");
}

#[tokio::test]
async fn the_command_prints_tables_and_complaints() {
    let server = with_demo().await;
    let endpoint = format!("http://{}", server.http);
    let sql = |args: &[&str]| run_command(&[&["sql", "--endpoint", &endpoint], args].concat());
    let output = sql(&["select 1 as one, 'a' as letter"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "one  letter\n---  ------\n1    a\n(1 row)\n");
    let output = sql(&["--format", "csv", "select count(*) as n from traces"]);
    let traces = server.get_json("/projects/demo/traces?t=all&limit=1000").await;
    let count = traces["traces"].as_array().map_or(0, Vec::len);
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("n\r\n{count}\r\n"));
    let output = sql(&["delete from runs"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("only SELECT"));
}
