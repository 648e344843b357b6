//! What the commands leave behind when something comes between: a signal, a reader that goes, another command.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::server::{DataFolder, Server, run_command};

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into()).collect();
    names.sort();
    names
}

fn start(args: &[&str], stdout: Stdio) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clearspan"));
    command.env_clear().args(args).stdout(stdout).stderr(Stdio::piped()).spawn().expect("the binary runs")
}

/// How a command ends whose output nobody reads, and what it complains about.
fn unread(args: &[&str]) -> (ExitStatus, String) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = start(args, writer.into()).wait_with_output().expect("it ends");
    (output.status, String::from_utf8(output.stderr).expect("text"))
}

/// Takes a request for an export and answers with its begin.
fn answer_with_a_begin(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().expect("a connection");
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a request");
        request.push(byte[0]);
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(format!("{head}3\r\n{{}}\n\r\n").as_bytes()).expect("it is read");
    stream
}

#[test]
fn an_export_that_is_stopped_leaves_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("term.jsonl");
        std::fs::write(folder.path().join("term.part"), "of the user").expect("it is writable");
        let args = ["export", "--endpoint", &endpoint, "-o", file.to_str().expect("a path of text")];
        let child = start(&args, Stdio::null());
        let _held = answer_with_a_begin(&listener);
        while names(folder.path()).len() < 2 {
            std::thread::yield_now();
        }
        let kill = format!("kill -{signal} {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().expect("there is a shell").success());
        let output = child.wait_with_output().expect("it ends");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && told.contains("term.jsonl was not written"), "{output:?}");
        assert_eq!(names(folder.path()), ["term.part"], "{signal}");
    }
}

#[test]
fn an_export_that_breaks_off_leaves_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("cut.jsonl");
    let args = ["export", "--endpoint", &endpoint, "-o", file.to_str().expect("a path of text")];
    let child = start(&args, Stdio::null());
    drop(answer_with_a_begin(&listener));
    assert!(!child.wait_with_output().expect("it ends").status.success());
    assert_eq!(names(folder.path()), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn output_that_nobody_reads_is_no_failure() {
    let server = Server::start();
    let endpoint = format!("http://{}", server.http);
    let output = run_command(&["demo", "--endpoint", &endpoint]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for args in [
        &["sql", "select * from runs"][..],
        &["sql", "select * from runs", "--format", "csv"],
        &["export", "-o", "-"],
        &["scrub"],
        &["purge"],
        &["remap", "--project", "demo"],
        &["delete", "--project", "demo", "--user", "nobody"],
    ] {
        let (status, told) = unread(&[args, &["--endpoint", &endpoint]].concat());
        assert!(status.success() && told.is_empty(), "{args:?}: {status}: {told}");
    }
    let folder = DataFolder::new();
    let data = folder.data();
    let data = data.to_str().expect("a path of text");
    let ports = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"];
    let (status, told) = unread(&[&["doctor", "--data-dir", data], &ports[..]].concat());
    assert!(status.success() && told.is_empty(), "{status}: {told}");
    std::fs::create_dir_all(folder.data().join("runs")).expect("a folder");
    std::fs::write(folder.data().join("catalog.sqlite"), "no database").expect("it is writable");
    let (status, told) = unread(&[&["doctor", "--data-dir", data], &ports[..]].concat());
    assert!(status.code() == Some(1) && told.contains("problem"), "{status}: {told}");
    let (status, told) =
        unread(&["keys", "create", "--data-dir", server.folder().data().to_str().expect("text")]);
    assert!(!status.success() && told.contains("keys revoke"), "{status}: {told}");
}
