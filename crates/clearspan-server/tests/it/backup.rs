//! Backups are made while the server works, cost what is new, and come back whole.

use std::path::{Path, PathBuf};
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
    entries(&folder.data().parent().expect("it lies in a folder").join("backups"))
}

/// What is in a folder, in order.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("it is there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    paths
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

/// A folder with five runs in a segment: a server that ends in order writes what is in memory.
async fn folder_with_five_runs() -> DataFolder {
    let server = Server::start();
    let body = spans::protobuf((1..6).map(|number| OneSpan(number).otlp()).collect());
    assert_taken(
        &server.connect().await.send(post("/v1/traces", PROTOBUF, body)).await,
        PROTOBUF,
        "five runs",
    );
    server.terminate().1
}

#[tokio::test]
async fn a_damaged_backup_is_refused() {
    let folder = folder_with_five_runs().await;
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
    let folder = folder_with_five_runs().await;
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

/// What an unsuccessful command told.
fn refused(folder: &DataFolder, args: &[&str]) -> String {
    let output = folder.run(args);
    let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("text")).concat();
    assert!(!output.status.success(), "{args:?}: {told}");
    told
}

const SERVE: [&str; 5] = ["serve", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"];
const DOCTOR: [&str; 5] = ["doctor", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"];

/// A stopped server's folder with a run in it, in a segment or only in the log.
async fn folder_with_a_run(is_flushed: bool) -> DataFolder {
    let server = Server::start();
    let body = spans::protobuf(vec![OneSpan(1).otlp()]);
    let answer = server.connect().await.send(post("/v1/traces", PROTOBUF, body)).await;
    assert_taken(&answer, PROTOBUF, "a run");
    match is_flushed {
        true => server.terminate().1,
        false => server.kill_9(),
    }
}

#[tokio::test]
async fn a_restore_that_broke_off_is_not_taken_for_data() {
    let folder = folder_with_a_run(true).await;
    folder.run_ok(&["backup", "--to", "backups"]);
    let backup = backups(&folder).pop().expect("a backup");
    let manifest = backup.join("runs/manifest");
    let good = std::fs::read(&manifest).expect("a file of the backup");
    std::fs::remove_file(&manifest).expect("it was there");
    let restored = DataFolder::new();
    let restore = ["restore", "--from", backup.to_str().expect("a name of text")];
    refused(&restored, &restore);
    std::fs::write(&manifest, good).expect("it is writable");
    let commands: [&[&str]; 5] =
        [&SERVE, &DOCTOR, &restore, &["backup", "--to", "backups"], &["keys", "create"]];
    for command in commands {
        let told = refused(&restored, command);
        assert!(told.contains("not finished; remove the folder and restore again"), "{command:?}: {told}");
    }
    std::fs::remove_dir_all(restored.data()).expect("it is there");
    restored.run_ok(&restore);
    restored.run_ok(&DOCTOR);
}

#[tokio::test]
async fn backups_are_told_from_data_and_left_as_they_are() {
    let folder = folder_with_a_run(true).await;
    folder.run_ok(&["backup", "--to", "backups"]);
    let backup = backups(&folder).pop().expect("a backup");
    let backups = folder.path().join("backups");
    folder.run_ok(&DOCTOR);
    let files = || {
        let entries = [&backups, &backup].map(|dir| std::fs::read_dir(dir).expect("it is there"));
        let mut names: Vec<_> =
            entries.into_iter().flatten().map(|entry| entry.expect("readable").file_name()).collect();
        names.sort();
        names
    };
    let before = files();
    for dir in [&backups, &backup] {
        let place = DataFolder::new();
        std::os::unix::fs::symlink(dir, place.data()).expect("a link");
        let told = refused(&place, &DOCTOR);
        assert!(told.contains("was not checked") && told.contains("clearspan restore"), "{told}");
        assert!(!told.contains("all sound"), "{told}");
        for command in [&SERVE[..], &["keys", "create"]] {
            let told = refused(&place, command);
            assert!(told.contains("backup") && told.contains("`clearspan restore --from` it"), "{told}");
        }
    }
    assert_eq!(files(), before);
    std::fs::remove_file(folder.data().join("lock")).expect("a server ran there");
    assert!(folder.run_ok(&DOCTOR).contains("all sound"));
    assert!(!folder.data().join("lock").exists());
}

#[tokio::test]
async fn a_backup_does_not_lie_in_what_it_is_a_copy_of() {
    let folder = folder_with_a_run(true).await;
    std::os::unix::fs::symlink("data", folder.path().join("link")).expect("a link");
    for to in ["data", "data/backups", "data/runs/new/deeper", "link/backups", "data/../data/backups"] {
        let told = refused(&folder, &["backup", "--to", to]);
        assert!(told.contains("inside of the data folder") && told.contains("--to"), "{to}: {told}");
    }
    assert!(!folder.data().join("backups").exists() && !folder.data().join("runs/new").exists());
    // A folder beside it whose name begins alike.
    folder.run_ok(&["backup", "--to", "data-backups"]);
}

#[tokio::test]
async fn runs_are_not_hidden_by_a_new_catalog() {
    for is_flushed in [true, false] {
        let folder = folder_with_a_run(is_flushed).await;
        // With what SQLite had beside it when the server was killed.
        let files = || {
            let mut paths = entries(&folder.data());
            paths.retain(|path| path.to_str().is_some_and(|path| path.contains("catalog.sqlite")));
            paths
        };
        let kept: Vec<_> =
            files().into_iter().map(|path| (std::fs::read(&path).expect("a file"), path)).collect();
        let lose = || files().iter().for_each(|path| std::fs::remove_file(path).expect("it was there"));
        let catalog = folder.data().join("catalog.sqlite");
        for is_empty in [false, true] {
            lose();
            if is_empty {
                std::fs::write(&catalog, "").expect("it is writable");
            }
            for command in [&SERVE[..], &DOCTOR, &["keys", "create"], &["keys", "list"]] {
                let told = refused(&folder, command);
                assert!(told.contains("catalog.sqlite is missing") && told.contains("backup"), "{told}");
                let left =
                    files().iter().map(|path| path.metadata().expect("a file").len()).collect::<Vec<_>>();
                assert_eq!(left, [0; 1][..usize::from(is_empty)], "{command:?}");
            }
        }
        for (bytes, path) in kept {
            std::fs::write(path, bytes).expect("it can be put back");
        }
        folder.run_ok(&DOCTOR);
        lose();
        if is_flushed {
            std::fs::write(&catalog, "").expect("it is writable");
        }
        let server = Server::start_in(folder, &[&SERVE[1..], &["--new-catalog"]].concat());
        assert_eq!(server.run_count("default").await, 0);
        let (_, folder) = server.terminate();
        // From now on there is one.
        folder.run_ok(&DOCTOR);
        drop(Server::start_again(folder));
    }
}

#[tokio::test]
async fn doctor_changes_nothing() {
    for is_flushed in [true, false] {
        let folder = folder_with_a_run(is_flushed).await;
        let files = || {
            let mut paths = entries(&folder.data());
            // SQLite's map of its log, which readers write to.
            paths.retain(|path| path.is_file() && !path.ends_with("catalog.sqlite-shm"));
            paths.into_iter().map(|path| (std::fs::read(&path).expect("a file"), path)).collect::<Vec<_>>()
        };
        let before = files();
        for command in [&DOCTOR[..], &["keys", "list"]] {
            folder.run_ok(command);
            assert!(files() == before, "{command:?}");
        }
    }
}

#[tokio::test]
async fn keys_are_not_made_in_a_new_catalog_when_the_bucket_has_one() {
    let folder = folder_with_a_run(true).await;
    std::fs::write(folder.data().join("catalog.sqlite"), "").expect("it is writable");
    let told = refused(&folder, &["keys", "create", "--object-store", "s3://bucket/prefix"]);
    assert!(told.contains("start `clearspan serve` with the same object store first"), "{told}");
    // Before the first start there must be one, where others can reach the server.
    DataFolder::new().run_ok(&["keys", "create", "--object-store", "s3://bucket/prefix"]);
}

#[tokio::test]
async fn doctor_says_which_folder_needs_its_object_store() {
    let folder = folder_with_a_run(true).await;
    let runs = folder.data().join("runs");
    std::fs::write(runs.join("log/bucket"), "{}").expect("it is writable");
    let told = refused(&folder, &DOCTOR);
    assert!(told.contains("was not finished"), "it has segments of its own as well: {told}");
    std::fs::remove_file(runs.join("manifest")).expect("it was flushed");
    std::fs::remove_dir_all(runs.join("segments")).expect("it was flushed");
    let told = refused(&folder, &DOCTOR);
    assert!(told.contains("say which one with --object-store"), "{told}");
    assert!(!told.contains("a server is running"), "{told}");
}
