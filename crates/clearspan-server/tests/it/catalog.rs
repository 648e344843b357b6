//! The catalog's checksums: one letter that changed is found, and neither a crash nor a command beside the server is taken for
//! that.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::server::{DataFolder, Server, run_command};

const SERVE: [&str; 5] = ["serve", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"];
const DOCTOR: [&str; 5] = ["doctor", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"];

/// Of a server that was stopped, with a key of that name.
fn folder_with_a_key(name: &str) -> DataFolder {
    let server = Server::start();
    server.folder().run_ok(&["keys", "create", "--name", name]);
    server.terminate().1
}

/// SQLite finds no fault with it.
fn change_a_letter(path: &Path, from: &str, to: &str) {
    let mut bytes = std::fs::read(path).expect("the catalog");
    let at = bytes
        .windows(from.len())
        .position(|window| window == from.as_bytes())
        .expect("it is in the main file");
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    std::fs::write(path, bytes).expect("it is writable");
}

fn refused(folder: &DataFolder, args: &[&str]) -> String {
    let output = folder.run(args);
    let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("text")).concat();
    assert!(!output.status.success(), "{args:?}: {told}");
    told
}

#[tokio::test]
async fn a_letter_that_changed_in_the_catalog_is_found() {
    let folder = folder_with_a_key("canary-4711");
    let catalog = folder.data().join("catalog.sqlite");
    let files = || ["-wal", "-shm"].map(|end| PathBuf::from(format!("{}{end}", catalog.display())).exists());
    assert_eq!(files(), [false; 2]);
    folder.run_ok(&DOCTOR);
    folder.run_ok(&["backup", "--to", "backups"]);
    change_a_letter(&catalog, "canary-4711", "canary-4712");
    let changed = std::fs::read(&catalog).expect("the catalog");
    for args in [&SERVE[..], &DOCTOR, &["keys", "create"], &["backup", "--to", "backups"]] {
        let told = refused(&folder, args);
        assert!(
            told.contains("these are not what was written") && told.contains("--accept-catalog"),
            "{told}"
        );
        assert!(std::fs::read(&catalog).expect("the catalog") == changed, "{args:?}");
    }
    // From the backup, as it is told to.
    let backups = std::fs::read_dir(folder.path().join("backups")).expect("backups");
    let backup = backups.map(|entry| entry.expect("an entry").path()).next().expect("the one that was made");
    for name in ["catalog.sqlite", "catalog.sqlite-sums"] {
        std::fs::copy(backup.join(name), folder.data().join(name)).expect("a file of the backup");
    }
    folder.run_ok(&DOCTOR);
    assert!(folder.run_ok(&["keys", "list"]).contains("canary-4711"));
    // It was wanted.
    change_a_letter(&catalog, "canary-4711", "canary-4712");
    folder.run_ok(&[&DOCTOR[..], &["--accept-catalog"]].concat());
    let server = Server::start_again(folder);
    let told = refused(server.folder(), &[&DOCTOR[..], &["--accept-catalog"]].concat());
    assert!(told.contains("stop the server"), "{told}");
    assert!(server.folder().run_ok(&["keys", "list"]).contains("canary-4712"));
}

#[tokio::test]
async fn a_damaged_catalog_of_a_backup_is_not_restored() {
    let folder = folder_with_a_key("canary-4711");
    folder.run_ok(&["backup", "--to", "backups"]);
    let from = folder.path().join("backups");
    let from = from.to_str().expect("a name of text");
    let restored = DataFolder::new();
    restored.run_ok(&["restore", "--from", from]);
    restored.run_ok(&DOCTOR);
    change_a_letter(&restored.data().join("catalog.sqlite"), "canary-4711", "canary-4712");
    assert!(refused(&restored, &DOCTOR).contains("not what was written"), "the checksums came with it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_server_finds_it_too() {
    let server = Server::start_again(folder_with_a_key("canary-4711"));
    let scrub = || {
        let endpoint = format!("http://{}", server.http);
        let output =
            tokio::task::block_in_place(|| run_command(&["scrub", "--json", "--endpoint", &endpoint]));
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")["problems"].clone()
    };
    assert_eq!(scrub(), serde_json::json!([]));
    let catalog = server.folder().data().join("catalog.sqlite");
    change_a_letter(&catalog, "canary-4711", "canary-4712");
    let found = scrub();
    assert!(
        found[0]["file"] == "catalog.sqlite" && found[0]["what"].to_string().contains("pages"),
        "{found}"
    );
    let ready = server.ready().await;
    assert!(ready.text().contains("damaged"), "{}", ready.text());
    assert!(server.metrics().await.contains("clearspan_scrub_problems 1\n"));
    change_a_letter(&catalog, "canary-4712", "canary-4711");
    assert_eq!(scrub(), serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_kills_nor_commands_beside_are_damage() {
    let mut folder = DataFolder::new();
    for round in 0..6 {
        let server = Server::start_again(folder);
        std::thread::scope(|scope| {
            for writer in 0..3 {
                let server = &server;
                scope.spawn(move || {
                    for number in 0..3 {
                        let name = format!("key {round} {writer} {number}");
                        server.folder().run_ok(&["keys", "create", "--name", &name]);
                    }
                });
            }
        });
        folder = match round % 3 {
            2 => server.terminate().1,
            _ => server.kill_9(),
        };
        folder.run_ok(&["keys", "create", "--name", &format!("key {round} alone")]);
        folder.run_ok(&DOCTOR);
        let list = folder.run_ok(&["keys", "list"]);
        assert_eq!(list.lines().count(), (round + 1) * 10, "{list}");
    }
}
