//! What was acknowledged is there after any end of the process.

use crate::otlp_http::{PROTOBUF, assert_taken, post};
use crate::server::Server;
use crate::spans::{self, OneSpan};

/// Five runs a batch, in five traces.
fn batch(number: u32) -> Vec<OneSpan> {
    (1..=5).map(|idx| OneSpan(number * 10 + idx)).collect()
}

async fn send(server: &Server, number: u32) {
    let body = spans::protobuf(batch(number).into_iter().map(OneSpan::otlp).collect());
    let answer = server.connect().await.send(post("/v1/traces", PROTOBUF, body)).await;
    assert_taken(&answer, PROTOBUF, &format!("batch {number}"));
}

/// The runs of these batches can be opened, and there are no others.
async fn check(server: &Server, batches: std::ops::Range<u32>, after: &str) {
    let mut count = 0;
    for span in batches.flat_map(batch) {
        count += 1;
        let ids = server.run_ids(&span.trace_id()).await;
        let [run_id] = &ids[..] else { panic!("after {after} {} has the runs {ids:?}", span.name()) };
        let run = server.get_json(&format!("/traces/{}/runs/{run_id}", span.trace_id())).await;
        assert_eq!(run["name"], span.name(), "after {after}");
        assert_eq!(run["model"], "gpt-4o-mini", "after {after}");
        assert_eq!(run["latency_us"], 1_500, "after {after}");
    }
    assert_eq!(server.run_count("default").await, count, "after {after}");
}

#[tokio::test]
async fn acknowledged_runs_are_there_after_kill_9_and_after_sigterm() {
    let server = Server::start();
    for number in 0..5 {
        send(&server, number).await;
    }
    check(&server, 0..5, "sending").await;

    let server = Server::start_again(server.kill_9());
    check(&server, 0..5, "kill -9").await;
    // A client that had no answer sends again what the disk already has.
    send(&server, 4).await;
    send(&server, 5).await;
    check(&server, 0..6, "a repeated batch").await;

    let (status, folder) = server.terminate();
    assert!(status.success(), "SIGTERM: {status}");
    let server = Server::start_again(folder);
    check(&server, 0..6, "SIGTERM").await;

    // Recovery of what is partly in segments and partly in the log.
    send(&server, 2).await;
    send(&server, 6).await;
    let server = Server::start_again(server.kill_9());
    let server = Server::start_again(server.kill_9());
    check(&server, 0..7, "two more times kill -9").await;
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_refuses_to_start() {
    let server = Server::start();
    let output = server.folder().run(&["serve", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]);
    assert!(!output.status.success());
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("another clearspan process"), "{message}");
    send(&server, 1).await;
    check(&server, 1..2, "the second server gave up").await;
}
