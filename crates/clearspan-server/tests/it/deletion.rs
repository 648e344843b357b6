//! What is deleted is gone at once, after any end of the process, and from every byte of the folder after a purge.

use std::path::Path;

use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value, json};

use crate::otlp_http::{PROTOBUF, assert_taken, post};
use crate::server::{DataFolder, Server, run_command};
use crate::spans::{self, OneSpan, text};

/// In the payload, the name, the user and an attribute of spans that are deleted.
const CANARY: &str = "canary-3c7f19e0";

fn span(number: u32, said: &str) -> Span {
    let mut span = OneSpan(number).otlp();
    span.attributes.push(text("acme.note", said));
    span.attributes.push(text("user.id", &format!("user {said}")));
    span.attributes.push(text("input.value", &format!("a question about {said} and nothing else")));
    span
}

async fn send(server: &Server, numbers: &[u32], said: &str) {
    let body = spans::protobuf(numbers.iter().map(|number| span(*number, said)).collect());
    let answer = server.connect().await.send(post("/v1/traces", PROTOBUF, body)).await;
    assert_taken(&answer, PROTOBUF, said);
}

async fn delete(server: &Server, number: u32) -> Value {
    server.change_ok("DELETE", &format!("/traces/{}", OneSpan(number).trace_id()), json!({}), 200).await
}

/// Exactly these of the spans are there.
async fn check(server: &Server, alive: &[u32], all: std::ops::Range<u32>, after: &str) {
    for number in all {
        let count = server.run_ids(&OneSpan(number).trace_id()).await.len();
        assert_eq!(count, usize::from(alive.contains(&number)), "span {number} after {after}");
    }
    assert_eq!(server.run_count("default").await, alive.len() as u64, "after {after}");
}

/// The files below a folder that hold a text.
fn files_with(dir: &Path, needle: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_with(&path, needle));
        } else if holds(&std::fs::read(&path).expect("a file"), needle) {
            found.push(path.display().to_string());
        }
    }
    found
}

/// Whether bytes hold a text, as it is or inside a zstd frame.
fn holds(bytes: &[u8], needle: &str) -> bool {
    let finds = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
    let frames = bytes.windows(4).enumerate().filter(|(_, window)| *window == [0x28, 0xb5, 0x2f, 0xfd]);
    finds(bytes)
        || frames.into_iter().any(|(at, _)| {
            let mut plain = Vec::new();
            let Ok(mut decoder) = zstd::Decoder::new(&bytes[at..]) else { return false };
            // What follows the frame is not zstd: what was read before counts.
            let _cut = std::io::copy(&mut decoder, &mut plain);
            finds(&plain)
        })
}

#[tokio::test]
async fn what_is_deleted_stays_deleted_after_any_end() {
    let server = Server::start();
    send(&server, &[1, 2, 3], "first").await;
    assert_eq!(delete(&server, 1).await["runs"], 1);
    check(&server, &[2, 3], 1..4, "deleting from memory").await;
    let server = Server::start_again(server.kill_9());
    check(&server, &[2, 3], 1..4, "kill -9").await;

    let (status, folder) = server.terminate();
    assert!(status.success(), "SIGTERM: {status}");
    let server = Server::start_again(folder);
    delete(&server, 2).await;
    send(&server, &[1, 2, 4], "again").await;
    check(&server, &[3, 4], 1..5, "deleting from a segment and sending again").await;
    let server = Server::start_again(server.kill_9());
    check(&server, &[3, 4], 1..5, "kill -9 again").await;
    send(&server, &[1, 2], "once more").await;
    check(&server, &[3, 4], 1..5, "a retry").await;
    let state = server.get_json("/purge").await;
    assert_eq!(state["tombstones"], 2, "{state}");
    let metrics = server.metrics().await;
    assert!(metrics.contains("clearspan_tombstones 2"), "{metrics}");
    let dropped = metrics.lines().find(|line| line.starts_with("clearspan_deleted_rows_dropped_total"));
    assert!(dropped.is_some_and(|line| !line.ends_with(" 0")), "{dropped:?}");
}

#[tokio::test]
async fn a_purge_leaves_no_byte_of_what_was_deleted() {
    let server = Server::start();
    send(&server, &[1, 2], CANARY).await;
    send(&server, &[3], "kept").await;
    let (_, folder) = server.terminate();
    assert!(!files_with(folder.path(), CANARY).is_empty(), "otherwise the test shows nothing");
    let server = Server::start_again(folder);
    // One more in the log and in memory only, and a project of that name.
    send(&server, &[4], CANARY).await;
    let mut request = post("/v1/traces", PROTOBUF, spans::protobuf(vec![span(5, CANARY)]));
    request.headers_mut().insert("langsmith-project", CANARY.parse().expect("a header"));
    assert_taken(&server.connect().await.send(request).await, PROTOBUF, "a project");
    let project = format!("/projects/{CANARY}");
    server.change_ok("DELETE", &project, json!({}), 200).await;
    let user = json!({"user": format!("user {CANARY}")});
    let deleted = server.change_ok("POST", "/projects/default/deletions", user, 200).await;
    assert_eq!(deleted["traces"], 3, "{deleted}");
    check(&server, &[3], 1..6, "deleting").await;

    let endpoint = format!("http://{}", server.http);
    let output = run_command(&["purge", "--endpoint", &endpoint]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert!(told.contains("rows removed") && told.contains("Log: "), "{told}");
    let left = files_with(server.folder().path(), CANARY);
    assert!(left.is_empty(), "while it runs: {left:?}\n{told}");
    let state = server.get_json("/purge").await;
    assert_eq!((&state["unpurged_since"], &state["running"]), (&Value::Null, &json!(false)), "{state}");
    check(&server, &[3], 1..6, "purging").await;

    let folder = server.kill_9();
    assert!(files_with(folder.path(), CANARY).is_empty(), "after kill -9");
    let server = Server::start_again(folder);
    send(&server, &[1, 4], CANARY).await;
    check(&server, &[3], 1..6, "a retry after the purge").await;
}

/// Kills at random moments of deleting and purging: nothing comes back, nothing else is lost.
#[tokio::test]
async fn kills_around_deletions_and_purges_change_nothing() {
    let mut server = Server::start();
    let (mut alive, mut next) = (Vec::new(), 1);
    for round in 0..8_u32 {
        let new: Vec<u32> = (next..next + 6).collect();
        next += 6;
        send(&server, &new, "round").await;
        alive.extend(&new);
        let doomed: Vec<u32> = alive.iter().copied().filter(|number| (number * 7 + round) % 3 == 0).collect();
        let ids: Vec<String> = doomed.iter().map(|number| OneSpan(*number).trace_id()).collect();
        if !ids.is_empty() {
            let order = json!({"trace_ids": ids});
            server.change_ok("POST", "/projects/default/deletions", order, 200).await;
        }
        alive.retain(|number| !doomed.contains(number));
        server.change_ok("POST", "/purge", json!({}), 202).await;
        tokio::time::sleep(std::time::Duration::from_millis(u64::from(round) * 37 % 120)).await;
        server = Server::start_again(server.kill_9());
        check(&server, &alive, 1..next, &format!("kill {round}")).await;
        if let Some(dead) = doomed.first() {
            send(&server, &[*dead], "a late retry").await;
        }
    }
    check(&server, &alive, 1..next, "all kills").await;
}

#[tokio::test]
async fn the_command_asks_looks_and_deletes() {
    let server = Server::start();
    send(&server, &[1, 2, 3], "x").await;
    let endpoint = format!("http://{}", server.http);
    let run = |args: &[&str]| {
        let all = [&["delete", "--endpoint", &endpoint, "--project", "default"], args].concat();
        let output = run_command(&all);
        let told = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        (output.status.success(), told.concat())
    };
    let first = OneSpan(1).trace_id();
    let looked = run(&["--trace", &first, "--dry-run"]);
    assert!(looked.0 && looked.1.contains("Would delete 1 traces with 1 runs"), "{looked:?}");
    let unsure = run(&["--trace", &first]);
    assert!(!unsure.0 && unsure.1.contains("--yes"), "{unsure:?}");
    assert_eq!(server.run_count("default").await, 3);
    let done = run(&["--trace", &first, "--yes"]);
    assert!(done.0 && done.1.contains("Deleted 1 traces"), "{done:?}");
    let wrong = run(&["--filter", "status:oops", "--dry-run"]);
    assert!(!wrong.0 && wrong.1.contains("oops"), "{wrong:?}");
    let nothing = run(&["--user", "nobody", "--yes"]);
    assert!(nothing.0 && nothing.1.contains("nothing to delete"), "{nothing:?}");
    assert!(!run(&[]).0, "something must be said");
    assert!(!run(&["--user", "a", "--all"]).0);
    let whole = run(&["--all", "--yes"]);
    assert!(whole.0 && whole.1.contains("2 traces with 2 runs"), "{whole:?}");
    assert_eq!(server.get("/projects/default").await.status, 404);
    // The name is free: the next span makes the project anew.
    send(&server, &[7], "new").await;
    assert_eq!(server.run_count("default").await, 1);
}

#[tokio::test]
async fn retention_is_kept_over_restarts() {
    let server = Server::start();
    send(&server, &[1], "x").await;
    let set = json!({"run_days": 30, "max_bytes": 1_000_000_000});
    server.change_ok("PUT", "/projects/default/retention", set, 200).await;
    let server = Server::start_again(server.kill_9());
    let retention = server.get_json("/projects/default/retention").await;
    assert_eq!((&retention["run_days"], &retention["payload_days"]), (&json!(30), &Value::Null));
    let (_, folder) = server.terminate();
    let server = Server::start_again(folder);
    let retention = server.get_json("/projects/default/retention").await;
    assert!(retention["disk_bytes"].as_u64() > Some(0) && retention["disk_runs"] == 1, "{retention}");
    assert_eq!(server.run_count("default").await, 1, "nothing was too old or too much");
}

#[tokio::test]
async fn a_project_that_takes_too_much_loses_its_oldest_traces() {
    let server = Server::start();
    send(&server, &[1, 2], "x").await;
    server.change_ok("PUT", "/projects/default/retention", json!({"max_bytes": 1}), 200).await;
    let (_, folder): (_, DataFolder) = server.terminate();
    let every = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--upkeep-every", "1s"];
    let server = Server::start_in(folder, &every);
    for _ in 0..200 {
        let removed = server.get_json("/projects/default/retention").await["removed"].take();
        if !removed.is_null() {
            assert_eq!(removed["displaced"]["traces"], 2, "{removed}");
            assert_eq!(server.run_count("default").await, 0);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the retention was not enforced");
}
