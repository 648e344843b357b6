//! Stored runs mapped again after a rule was added: from memory, from segments, by the API and by the command.

use serde_json::{Value, json};

use crate::rules::{add, run, send};
use crate::server::Server;

/// Starts a job and waits for its end.
pub(crate) async fn remap(server: &Server, body: Value) -> Value {
    let job = server.change_ok("POST", "/remap", body, 202).await["job"].take();
    let id = job["id"].as_str().expect("an id").to_owned();
    loop {
        let job = server.get_json(&format!("/remap/{id}")).await["job"].take();
        if job["state"] != "running" {
            return job;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn users(server: &Server, numbers: &[u32]) -> Vec<Value> {
    let mut users = Vec::new();
    for number in numbers {
        users.push(run(server, *number).await["user_id"].take());
    }
    users
}

#[tokio::test]
async fn stored_runs_are_changed_in_memory_and_in_segments_and_stay_so() {
    let server = Server::start();
    send(&server, &[1, 2]).await;
    // What is flushed on the way out is in a segment.
    let (status, folder) = server.terminate();
    assert!(status.success(), "SIGTERM: {status}");
    let server = Server::start_again(folder);
    send(&server, &[3]).await;
    add(&server, "customers", "acme.customer", "user_id").await;
    assert_eq!(users(&server, &[1, 2, 3]).await, [Value::Null, Value::Null, Value::Null]);

    let job = remap(&server, json!({"project": "default"})).await;
    let counts = ["traces_total", "traces_done", "runs_seen", "runs_changed", "runs_skipped"];
    assert_eq!(counts.map(|name| job[name].as_u64().expect("a count")), [3, 3, 3, 3, 0], "{job}");
    assert_eq!((&job["state"], &job["error"]), (&json!("done"), &Value::Null));
    assert_eq!(users(&server, &[1, 2, 3]).await, ["Ann", "Ann", "Ann"]);
    let one = run(&server, 1).await;
    assert_eq!(one["sources"]["user_id"], "rule:customers:acme.customer");
    assert_eq!((&one["model"], &one["latency_us"]), (&json!("gpt-4o-mini"), &json!(1_500)));

    let server = Server::start_again(server.kill_9());
    assert_eq!(users(&server, &[1, 2, 3]).await, ["Ann", "Ann", "Ann"], "after kill -9");
    let (status, folder) = server.terminate();
    assert!(status.success(), "SIGTERM: {status}");
    let server = Server::start_again(folder);
    assert_eq!(users(&server, &[1, 2, 3]).await, ["Ann", "Ann", "Ann"], "after SIGTERM");
    assert_eq!(server.run_count("default").await, 3);
    let list = server.get_json("/projects/default/runs?q=user:Ann").await;
    assert_eq!(list["runs"].as_array().map(Vec::len), Some(3), "filters see it, too");

    let job = remap(&server, json!({"project": "default"})).await;
    assert_eq!(job["runs_changed"], 0, "nothing is left to do: {job}");
    assert_eq!(server.get_json("/remap").await["jobs"], json!([job]));
}

#[tokio::test]
async fn only_the_asked_project_and_time_are_touched() {
    let server = Server::start();
    send(&server, &[1]).await;
    add(&server, "customers", "acme.customer", "user_id").await;
    // The spans began in November 2026.
    for since in [json!("2027-01-01T00:00:00Z"), json!(1_798_761_600_000_000_i64)] {
        let job = remap(&server, json!({"project": "default", "since": since})).await;
        assert_eq!((&job["traces_total"], &job["runs_seen"]), (&json!(0), &json!(0)), "{since}: {job}");
    }
    assert_eq!(users(&server, &[1]).await, [Value::Null]);
    let body =
        json!({"project": "default", "since": "2026-01-01T00:00:00Z", "until": "2027-01-01T00:00:00Z"});
    assert_eq!(remap(&server, body).await["runs_changed"], 1);

    for (body, status, word) in [
        (json!({"project": "nothing"}), 404, "nothing"),
        (json!({"project": "default", "since": "yesterday"}), 400, "yesterday"),
        (json!({"project": "default", "since": true}), 400, "true"),
        (json!({}), 400, "project"),
    ] {
        let answer = server.change("POST", "/remap", body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        assert!(answer.text().contains(word), "{body}: {}", answer.text());
    }
    assert_eq!(server.get("/remap/none").await.status, 404);
}

#[tokio::test]
async fn the_command_waits_until_it_is_done() {
    let server = Server::start();
    send(&server, &[1, 2]).await;
    add(&server, "customers", "acme.customer", "user_id").await;
    let endpoint = format!("http://{}", server.http);
    let remap = |args: &[&str]| {
        let all = [&["remap", "--endpoint", &endpoint], args].concat();
        crate::server::run_command(&all)
    };
    let output = remap(&["--project", "default"]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert!(told.contains("2 of 2 traces, 2 runs looked at, 2 changed"), "{told}");
    assert_eq!(users(&server, &[1, 2]).await, ["Ann", "Ann"]);
    let output = remap(&["--project", "nothing"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing"), "{output:?}");
}
