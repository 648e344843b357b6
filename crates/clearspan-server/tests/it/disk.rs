//! What the disk does to the server: damage, and no room.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::otlp_http::{PROTOBUF, assert_taken, post};
use crate::server::{DataFolder, Server};
use crate::spans::{self, OneSpan};

async fn send(server: &Server, numbers: std::ops::Range<u32>) -> crate::connection::Answer {
    let body = spans::protobuf(numbers.map(|number| OneSpan(1 + number).otlp()).collect());
    server.connect().await.send(post("/v1/traces", PROTOBUF, body)).await
}

/// The newest Parquet file of runs.
fn segment(folder: &DataFolder) -> PathBuf {
    let files = std::fs::read_dir(folder.data().join("runs/segments")).expect("there are segments");
    let files = files.map(|entry| entry.expect("a readable folder").path());
    let is_segment = |path: &PathBuf| {
        path.extension().is_some_and(|end| end == "parquet")
            && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("seg-"))
    };
    files.filter(is_segment).max().expect("a segment")
}

#[tokio::test]
async fn doctor_names_what_is_damaged_and_the_server_answers_the_rest() {
    let server = Server::start();
    assert_taken(&send(&server, 1..6).await, PROTOBUF, "five runs");
    let (status, folder) = server.terminate();
    assert!(status.success(), "{status}");
    let told = folder.run_ok(&["doctor", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]);
    assert!(told.contains("all sound"), "{told}");

    let path = segment(&folder);
    let mut bytes = std::fs::read(&path).expect("the segment is readable");
    bytes[100] ^= 1;
    std::fs::write(&path, bytes).expect("the segment is writable");
    let args = ["doctor", "--json", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"];
    let output = folder.run(&args);
    assert_eq!(output.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(told["ok"], false);
    let findings = told["findings"].as_array().expect("a list");
    let finding = findings.iter().find(|finding| finding["state"] == "problem").expect("a problem");
    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(finding["file"].as_str().is_some_and(|file| file.ends_with(&name)), "{finding}");
    assert!(finding["text"].as_str().is_some_and(|text| text.contains("checksum")), "{finding}");
    assert!(finding["advice"].is_string() && finding["times"][0].is_string(), "{finding}");

    // What arrives is taken and answered; what needs the damaged part says so.
    let server = Server::start_again(folder);
    assert_taken(&send(&server, 20..21).await, PROTOBUF, "after the damage");
    let answer = server.get("/projects/default/stats?of=runs&t=all").await;
    assert_eq!(answer.status, 500, "{}", answer.text());
    assert!(
        answer.text().contains("damaged") && answer.text().contains("clearspan doctor"),
        "{}",
        answer.text()
    );
}

/// A small file system of its own.
struct SmallDisk {
    dir: PathBuf,
}

impl SmallDisk {
    /// `None` where this process may not mount.
    fn mount(dir: &Path, mebibytes: u32) -> Option<Self> {
        std::fs::create_dir_all(dir).expect("the folder can be made");
        let size = format!("size={mebibytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(dir).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self { dir: dir.to_owned() });
        }
        eprintln!("skipped: this process may not mount a file system");
        None
    }

    /// Takes all room there is.
    fn fill(&self) {
        use std::io::Write as _;
        let mut file = std::fs::File::create(self.dir.join("filler")).expect("there is room for a name");
        for size in [1 << 20, 4096] {
            while file.write_all(&vec![1; size]).is_ok() {}
        }
    }

    fn make_room(&self) {
        std::fs::remove_file(self.dir.join("filler")).expect("it was filled");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the server may still be ending.
        let _unmounted = Command::new("umount").arg("-l").arg(&self.dir).output();
    }
}

/// On a disk that is really full: refused with a time to come back, reads go on, and the same process accepts again.
#[tokio::test]
async fn a_full_disk_refuses_and_recovers_without_a_restart() {
    let folder = DataFolder::new();
    let Some(disk) = SmallDisk::mount(&folder.data(), 24) else { return };
    let args = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--disk-min-free", "0"];
    let server = Server::start_in(folder, &args);
    let mut sent = 0;
    for _cycle in 0..3 {
        assert_taken(&send(&server, sent..sent + 10).await, PROTOBUF, "with room");
        sent += 10;
        disk.fill();
        let refused = loop {
            // What is left of the last page may take a few more.
            let answer = send(&server, sent..sent + 10).await;
            if answer.status != 200 {
                break answer;
            }
            sent += 10;
        };
        assert_eq!(refused.status, 503, "{}", refused.text());
        assert!(refused.header("retry-after").is_some());
        assert_eq!(server.run_count("default").await, u64::from(sent));
        let ready = server.ready().await;
        assert_eq!(ready.status, 503);
        assert!(ready.text().contains("No space left"), "{}", ready.text());

        disk.make_room();
        let begin = Instant::now();
        while send(&server, sent..sent + 10).await.status != 200 {
            assert!(begin.elapsed() < Duration::from_secs(60), "it did not recover");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        sent += 10;
        assert_eq!(server.run_count("default").await, u64::from(sent));
    }
    let server = Server::start_again(server.kill_9());
    assert_eq!(server.run_count("default").await, u64::from(sent));
    drop(server);
}

/// The same before the disk is full: the settings say how much must stay free.
#[tokio::test]
async fn new_data_is_refused_below_the_watermark() {
    let args = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--disk-min-free", "9000000GiB"];
    let folder = DataFolder::new();
    let output = folder.run(&["serve", "--print-config", "--disk-min-free", "half"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("for example 5%"));
    let server = Server::start_in(folder, &args);
    let refused = send(&server, 0..3).await;
    assert_eq!(refused.status, 503);
    assert!(refused.header("retry-after").is_some());
    let ready = server.ready().await;
    assert!(ready.status == 503 && ready.text().contains("must stay free"), "{}", ready.text());
}

/// With little room the server keeps what happened and leaves out what was said, where it is told to.
#[tokio::test]
async fn payloads_are_shed_when_room_is_short() {
    let args = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--disk-min-free", "0"];
    let short = ["--disk-warn-free", "9000000GiB", "--disk-low", "shed-payloads"];
    let mut folder = DataFolder::new();
    for is_short in [true, false] {
        let args = [&args[..], if is_short { &short[..] } else { &[] }].concat();
        let server = Server::start_in(folder, &args);
        let number = OneSpan(1 + u32::from(is_short));
        let mut span = number.otlp();
        span.attributes.extend([
            spans::text("gen_ai.usage.input_tokens", "12"),
            spans::text("gen_ai.prompt.0.role", "user"),
            spans::text("gen_ai.prompt.0.content", "a secret"),
        ]);
        let request = post("/v1/traces", PROTOBUF, spans::protobuf(vec![span]));
        assert_taken(&server.connect().await.send(request).await, PROTOBUF, "one run");
        let trace_id = number.trace_id();
        let run_id = crate::telemetry::hex(&number.span_bytes());
        let answer = server.get(&format!("/traces/{trace_id}/runs/{run_id}")).await;
        assert_eq!(answer.text().contains("a secret"), !is_short, "{}", answer.text());
        let run = answer.json();
        assert_eq!(
            (&run["model"], &run["usage"]["input_tokens"]),
            (&"gpt-4o-mini".into(), &12.into()),
            "{run}"
        );
        let is_noted =
            run["issues"].as_array().is_some_and(|all| all.iter().any(|one| one["kind"] == "shed"));
        assert_eq!(is_noted, is_short, "{run}");
        folder = server.terminate().1;
    }
}
