//! `clearspan move`: what it tells the person who runs it.

use crate::otlp_http::{PROTOBUF, assert_taken, post};
use crate::server::{DataFolder, Server};
use crate::spans::OneSpan;

/// Runs a command that must fail; what it said.
fn refused(folder: &DataFolder, args: &[&str]) -> String {
    let output = folder.run(args);
    assert!(!output.status.success(), "{args:?}");
    String::from_utf8(output.stderr).expect("text")
}

#[tokio::test]
async fn a_folder_moves_and_says_what_there_was() {
    let server = Server::start();
    let request = post("/v1/traces", PROTOBUF, OneSpan(7).protobuf());
    assert_taken(&server.connect().await.send(request).await, PROTOBUF, "a span");
    let (_, folder) = server.terminate();
    let bucket = folder.path().join("bucket");
    std::fs::create_dir(&bucket).expect("a folder");
    std::fs::write(bucket.join("notes.txt"), "x").expect("a file");
    let url = format!("file://{}", bucket.display());
    let first = folder.run(&["move", "--object-store", &url]);
    let (told, warned) = (String::from_utf8_lossy(&first.stdout), String::from_utf8_lossy(&first.stderr));
    assert!(first.status.success() && told.starts_with("Moved "), "{told}{warned}");
    assert!(warned.contains("1 objects or folders, such as notes.txt"), "{warned}");
    let again = folder.run_ok(&["move", "--object-store", &url]);
    assert!(again.starts_with("There was nothing left to move"), "{again}");
    let back = folder.run_ok(&["move", "--back", "--object-store", &url]);
    assert!(back.starts_with("Moved "), "{back}");
    assert!(bucket.join("notes.txt").exists());
}

#[test]
fn an_object_store_inside_of_the_data_folder_is_refused() {
    let folder = DataFolder::new();
    let url = format!("file://{}/bucket", folder.data().display());
    for command in ["serve", "move"] {
        let told = refused(&folder, &[command, "--object-store", &url]);
        assert!(told.contains("lies inside of the data folder"), "{command}: {told}");
    }
    assert!(!folder.data().join("bucket").exists(), "nothing is made");
}
