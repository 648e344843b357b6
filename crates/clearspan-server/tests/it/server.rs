//! The binary as a process: started in a folder of its own, reached by the addresses that it prints.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::Value;
use tempfile::TempDir;

use crate::connection::{Answer, Connection};

/// Far above the 200 ms that a start takes, for machines that do other work.
const READY_LIMIT: Duration = Duration::from_secs(180);
const API: &str = "/api/clearspan/v1";
const LOOPBACK: [&str; 4] = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"];

/// What is left when a server has ended: its data.
pub(crate) struct DataFolder(TempDir);

impl DataFolder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The data folder itself.
    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.0.path().join("data")
    }

    /// Runs `clearspan <args> --data-dir <this>` to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        command(self.0.path(), args).output().expect("the binary runs")
    }

    /// [`Self::run`] that must succeed; what it printed.
    pub(crate) fn run_ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("the binary prints text")
    }
}

pub(crate) struct Server {
    child: Child,
    folder: DataFolder,
    /// Kept open: a process that prints into a closed pipe fails.
    _stdout: BufReader<ChildStdout>,
    /// `127.0.0.1:port` each.
    pub(crate) http: String,
    pub(crate) grpc: String,
}

impl Server {
    /// On loopback, with an empty folder.
    pub(crate) fn start() -> Self {
        Self::start_in(DataFolder::new(), &LOOPBACK)
    }

    /// On loopback, with what an earlier server left.
    pub(crate) fn start_again(folder: DataFolder) -> Self {
        Self::start_in(folder, &LOOPBACK)
    }

    pub(crate) fn start_in(folder: DataFolder, args: &[&str]) -> Self {
        let log_path = folder.0.path().join("server.log");
        let log = std::fs::File::create(&log_path).expect("the log file opens");
        let args = [&["serve"], args].concat();
        let mut child = command(folder.0.path(), &args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the server starts");
        let stdout = child.stdout.take().expect("it was piped");
        let Some((stdout, ready)) = await_ready(stdout) else {
            // It may have ended by itself.
            let _gone = child.kill();
            let ended = child.wait();
            let log = std::fs::read_to_string(log_path).unwrap_or_default();
            panic!("the server did not become ready, {ended:?}:\n{log}");
        };
        let address = |key: &str| {
            let url = ready[key].as_str().unwrap_or_else(|| panic!("no {key} in {ready}"));
            url.strip_prefix("http://").expect("a URL of http").to_owned()
        };
        Self { child, folder, _stdout: stdout, http: address("http_url"), grpc: address("grpc_url") }
    }

    pub(crate) fn folder(&self) -> &DataFolder {
        &self.folder
    }

    /// SIGKILL: the process gets no chance to tidy up.
    pub(crate) fn kill_9(mut self) -> DataFolder {
        self.child.kill().expect("the server runs");
        self.child.wait().expect("the server can be waited for");
        self.take_folder()
    }

    /// SIGTERM, and the end that the process makes of itself.
    pub(crate) fn terminate(mut self) -> (ExitStatus, DataFolder) {
        // The standard library sends SIGKILL only; the shell has a `kill` of its own.
        let kill = format!("kill -TERM {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().expect("there is a shell");
        assert!(sent.success());
        let status = self.child.wait().expect("the server can be waited for");
        (status, self.take_folder())
    }

    fn take_folder(&mut self) -> DataFolder {
        std::mem::replace(&mut self.folder, DataFolder::new())
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection::http1(&self.http).await
    }

    pub(crate) async fn connect_grpc(&self) -> Connection {
        Connection::http2(&self.grpc).await
    }

    /// `GET` below the REST API.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = Request::get(format!("{API}{path}")).body(Bytes::new()).expect("a valid request");
        self.connect().await.send(request).await
    }

    /// [`Self::get`] that must succeed.
    pub(crate) async fn get_json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// Whether it takes new data, and what somebody should know.
    pub(crate) async fn ready(&self) -> Answer {
        let request = Request::get("/readyz").body(Bytes::new()).expect("a valid request");
        self.connect().await.send(request).await
    }

    /// What is counted, as text.
    pub(crate) async fn metrics(&self) -> String {
        let request = Request::get("/metrics").body(Bytes::new()).expect("a valid request");
        self.connect().await.send(request).await.text()
    }

    /// A request below the REST API with a JSON body.
    pub(crate) async fn change(&self, method: &str, path: &str, body: Value) -> Answer {
        let request = Request::builder().method(method).uri(format!("{API}{path}"));
        let request = request.header("content-type", "application/json");
        let request = request.body(Bytes::from(body.to_string())).expect("a valid request");
        self.connect().await.send(request).await
    }

    /// [`Self::change`] that must succeed with this status.
    pub(crate) async fn change_ok(&self, method: &str, path: &str, body: Value, status: u16) -> Value {
        let answer = self.change(method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        answer.json()
    }

    /// How many runs a project holds; none when there is no such project.
    pub(crate) async fn run_count(&self, project: &str) -> u64 {
        let answer = self.get(&format!("/projects/{project}/stats?of=runs&t=all")).await;
        if answer.status == 404 {
            return 0;
        }
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["count"].as_u64().expect("a count")
    }

    /// The ids of a trace's runs, as the tree of the page has them.
    pub(crate) async fn run_ids(&self, trace_id: &str) -> Vec<String> {
        let answer = self.get(&format!("/traces/{trace_id}")).await;
        if answer.status == 404 {
            return Vec::new();
        }
        assert_eq!(answer.status, 200, "{}", answer.text());
        let skeleton = answer.json();
        let ids = skeleton["runs"]["id"].as_array().expect("ids of runs").iter();
        ids.map(|id| id.as_str().expect("an id is text").to_owned()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Runs a command that knows no data folder to its end.
pub(crate) fn run_command(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_clearspan")).env_clear().args(args).output().expect("the binary runs")
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clearspan"));
    // Neither a settings file nor variables of whoever runs the tests may reach the server.
    command.current_dir(folder).env_clear();
    command.args(args).arg("--data-dir").arg(folder.join("data"));
    command
}

/// Reads until the line of JSON that says where the server listens; `None` when it ends or takes too long.
fn await_ready(stdout: ChildStdout) -> Option<(BufReader<ChildStdout>, Value)> {
    let (sender, receiver) = sync_channel(1);
    std::thread::spawn(move || {
        let mut lines = BufReader::new(stdout);
        let mut line = String::new();
        while lines.read_line(&mut line).is_ok_and(|length| length > 0) {
            let parsed = serde_json::from_str::<Value>(&line).ok();
            if let Some(ready) = parsed.filter(|event| event["event"] == "ready") {
                // Nobody waits any more after the limit.
                let _receiver_gone = sender.send((lines, ready));
                return;
            }
            line.clear();
        }
    });
    receiver.recv_timeout(READY_LIMIT).ok()
}
