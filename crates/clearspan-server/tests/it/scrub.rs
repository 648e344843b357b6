//! `clearspan scrub` finds what the disk damaged under a server that goes on serving.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::otlp_http::{PROTOBUF, assert_taken, post};
use crate::server::{DataFolder, Server, run_command};
use crate::spans::{self, OneSpan};

async fn server_with_a_segment() -> Server {
    let server = Server::start();
    let body = spans::protobuf((1..6).map(|number| OneSpan(number).otlp()).collect());
    let answer = server.connect().await.send(post("/v1/traces", PROTOBUF, body)).await;
    assert_taken(&answer, PROTOBUF, "five runs");
    // What is stopped in order is in a segment.
    Server::start_again(server.terminate().1)
}

fn segment(folder: &DataFolder) -> PathBuf {
    let entries = std::fs::read_dir(folder.data().join("runs/segments")).expect("a folder of segments");
    let mut paths = entries.map(|entry| entry.expect("an entry").path());
    paths.find(|path| path.extension().is_some_and(|extension| extension == "parquet")).expect("a segment")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_catalog_that_lost_its_order_is_told_of() {
    let server = server_with_a_segment().await;
    assert!(scrub(&server).0);
    let path = server.folder().data().join("catalog.sqlite");
    let mut bytes = std::fs::read(&path).expect("the catalog");
    bytes[8_192..].fill(0x55);
    std::fs::write(&path, &bytes).expect("it is writable");
    let (is_sound, found, _) = scrub(&server);
    assert!(!is_sound, "{found}");
    assert_eq!(found["problems"][0]["file"], "catalog.sqlite", "{found}");
}

/// Whether it went well, and what it printed.
fn scrub(server: &Server) -> (bool, Value, String) {
    let endpoint = format!("http://{}", server.http);
    let output = tokio::task::block_in_place(|| run_command(&["scrub", "--json", "--endpoint", &endpoint]));
    let found = serde_json::from_slice(&output.stdout).expect("JSON");
    (output.status.success(), found, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_is_found_before_anyone_asks_for_it() {
    let server = server_with_a_segment().await;
    let (is_sound, found, _) = scrub(&server);
    assert!(is_sound, "{found}");
    assert_eq!((&found["files"], &found["problems"]), (&json!(1), &json!([])));
    let path = segment(server.folder());
    let mut bytes = std::fs::read(&path).expect("a segment");
    assert_eq!(found["bytes"], bytes.len());

    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(&path, &bytes).expect("it is writable");
    let (is_sound, found, told) = scrub(&server);
    assert!(!is_sound && told.contains("a file is damaged"), "{told}");
    let problem = &found["problems"][0];
    assert!(problem["file"].as_str().is_some_and(|file| file.ends_with(".parquet")), "{found}");
    assert!(problem["advice"].as_str().is_some_and(|advice| advice.contains("backup")), "{found}");
    assert!(problem["from"].is_i64() && problem["to"].is_i64(), "{found}");
    for args in [
        &["sql", "select count(end_time), count(inputs) from runs"][..],
        &["export", "-o", "-"],
        &["export", "-o", "-", "--format", "parquet"],
    ] {
        let endpoint = format!("http://{}", server.http);
        let args = [args, &["--endpoint", &endpoint]].concat();
        let output = tokio::task::block_in_place(|| run_command(&args));
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.contains("is damaged (reading segment"), "{args:?}: {told}");
    }
    let ready = server.ready().await;
    assert!(ready.status == 200 && ready.text().contains("is damaged"), "{}", ready.text());
    let metrics = server.metrics().await;
    assert!(metrics.contains("clearspan_scrub_problems 1\n"), "{metrics}");
    // What arrives is taken all the same.
    let body = spans::protobuf(vec![OneSpan(9).otlp()]);
    let answer = server.connect().await.send(post("/v1/traces", PROTOBUF, body)).await;
    assert_taken(&answer, PROTOBUF, "beside damage");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_of_the_log_is_mended_from_memory() {
    let server = Server::start();
    let body = spans::protobuf((1..6).map(|number| OneSpan(number).otlp()).collect());
    let answer = server.connect().await.send(post("/v1/traces", PROTOBUF, body)).await;
    assert_taken(&answer, PROTOBUF, "five runs");
    let logs = std::fs::read_dir(server.folder().data().join("runs/log")).expect("a folder of the log");
    for path in logs.map(|entry| entry.expect("an entry").path()) {
        let mut bytes = std::fs::read(&path).expect("a file of the log");
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&path, &bytes).expect("it is writable");
    }
    let (is_sound, found, _) = scrub(&server);
    assert!(is_sound, "{found}");
    let again = Server::start_again(server.kill_9());
    assert_eq!(again.run_count("default").await, 5);
}

#[tokio::test]
async fn it_happens_by_itself() {
    let args =
        ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--scrub-every", "1s", "--upkeep-every", "1s"];
    let server = Server::start_in(DataFolder::new(), &args);
    let begin = std::time::Instant::now();
    while server.get_json("/scrub").await["last"]["found"].is_null() {
        assert!(begin.elapsed().as_secs() < 60, "no scrub in a minute");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
