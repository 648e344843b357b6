//! Backups are made while the server works, cost what is new, and come back whole.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use crate::otlp_http::{PROTOBUF, assert_taken, post};
use crate::server::{DataFolder, Server};
use crate::spans::{self, OneSpan};

/// Sends five runs a batch until it is told to stop; returns how many runs were acknowledged.
async fn send(server: &Server, stop: &AtomicBool, acked: &AtomicU32) {
    let mut connection = server.connect().await;
    while !stop.load(Relaxed) {
        let first = acked.load(Relaxed);
        let body = spans::protobuf((first..first + 5).map(|number| OneSpan(1 + number).otlp()).collect());
        let answer = connection.send(post("/v1/traces", PROTOBUF, body)).await;
        assert_taken(&answer, PROTOBUF, "under load");
        acked.store(first + 5, Relaxed);
    }
}

fn backups(folder: &DataFolder) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.data().parent().expect("it lies in a folder").join("backups"));
    let mut backups: Vec<_> =
        entries.expect("there are backups").map(|entry| entry.expect("readable").path()).collect();
    backups.sort();
    backups
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_before_a_backup_is_in_it() {
    // So little memory that segments are written all the time.
    let args = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--memory", "8MiB"];
    let server = Arc::new(Server::start_in(DataFolder::new(), &args));
    let (stop, acked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let sender = {
        let (server, stop, acked) = (Arc::clone(&server), Arc::clone(&stop), Arc::clone(&acked));
        #[expect(clippy::disallowed_methods, reason = "the client side has no tasks of the server")]
        let task = tokio::spawn(async move { send(&server, &stop, &acked).await });
        task
    };
    let mut in_backup = 0;
    for round in 1..4 {
        while acked.load(Relaxed) < round * 200 {
            assert!(!sender.is_finished(), "the sender ended early");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        in_backup = acked.load(Relaxed);
        let told = tokio::task::block_in_place(|| server.folder().run_ok(&["backup", "--to", "backups"]));
        assert!(told.contains("Backed up"), "{told}");
    }
    stop.store(true, Relaxed);
    sender.await.expect("the sender does not panic");

    let newest = backups(server.folder()).pop().expect("a backup");
    assert_eq!(backups(server.folder()).len(), 3);
    let restored = DataFolder::new();
    let told = restored.run_ok(&["restore", "--from", newest.to_str().expect("a name of text")]);
    assert!(told.contains("all sound"), "{told}");
    let again = restored.run(&["restore", "--from", newest.to_str().expect("a name of text")]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("not empty"));
    let copy = Server::start_again(restored);
    let count = copy.run_count("default").await;
    assert!(count >= u64::from(in_backup), "{count} of {in_backup}");
    for number in (1..=in_backup).step_by(37) {
        assert_eq!(copy.run_ids(&OneSpan(number).trace_id()).await.len(), 1, "run {number}");
    }
}

#[tokio::test]
async fn a_damaged_backup_is_refused() {
    let server = Server::start();
    let body = spans::protobuf((1..6).map(|number| OneSpan(number).otlp()).collect());
    assert_taken(
        &server.connect().await.send(post("/v1/traces", PROTOBUF, body)).await,
        PROTOBUF,
        "five runs",
    );
    let (_, folder) = server.terminate();
    folder.run_ok(&["backup", "--to", "backups"]);
    let backup = backups(&folder).pop().expect("a backup");
    let catalog = backup.join("catalog.sqlite");
    for file in [catalog, backup.join("runs/manifest"), backup.join("backup.index")] {
        let good = std::fs::read(&file).expect("a file of the backup");
        let mut bad = good.clone();
        let at = bad.len() / 2;
        bad[at] ^= 1;
        std::fs::write(&file, &bad).expect("it is writable");
        let output = DataFolder::new().run(&["restore", "--from", backup.to_str().expect("a name of text")]);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.contains("damaged"), "{}: {told}", file.display());
        std::fs::write(&file, &good).expect("it is writable");
    }
    DataFolder::new().run_ok(&["restore", "--from", backup.to_str().expect("a name of text")]);
    let nothing = DataFolder::new().run(&["backup", "--to", "backups"]);
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("nothing in"));
}

#[tokio::test]
async fn a_damaged_backup_does_not_spoil_the_next_one() {
    let server = Server::start();
    let body = spans::protobuf((1..6).map(|number| OneSpan(number).otlp()).collect());
    assert_taken(
        &server.connect().await.send(post("/v1/traces", PROTOBUF, body)).await,
        PROTOBUF,
        "five runs",
    );
    // What was in memory is a segment now.
    let (_, folder) = server.terminate();
    folder.run_ok(&["backup", "--to", "backups"]);
    let first = backups(&folder).pop().expect("a backup");
    let segments = first.join("runs/segments");
    let segment = std::fs::read_dir(&segments)
        .expect("segments")
        .map(|entry| entry.expect("readable").path())
        .find(|path| path.extension().is_some_and(|end| end == "parquet"))
        .expect("a segment");
    // It shares its bytes with the data folder, which stays as it is.
    let mut bytes = std::fs::read(&segment).expect("a segment");
    bytes[100] ^= 1;
    std::fs::remove_file(&segment).expect("it is there");
    std::fs::write(&segment, &bytes).expect("it is writable");

    folder.run_ok(&["backup", "--to", "backups"]);
    let second = backups(&folder).pop().expect("a backup");
    assert_ne!(first, second);
    DataFolder::new().run_ok(&["restore", "--from", second.to_str().expect("a name of text")]);

    std::fs::write(second.join("backup.index"), "garbage").expect("it is writable");
    let output = folder.run(&["backup", "--to", "backups"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("nothing is shared with"), "{told}");
    let third = backups(&folder).pop().expect("a backup");
    DataFolder::new().run_ok(&["restore", "--from", third.to_str().expect("a name of text")]);
}
