//! The server as a process that can be killed, and the reads of the test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::content_of;
use super::ledger::RunRef;

const READY_LIMIT: Duration = Duration::from_secs(120);
const PROJECT: &str = "/api/clearspan/v1/projects/default";

pub(crate) struct ServerProcess {
    child: Child,
    folder: TempDir,
    data: PathBuf,
    port: u16,
    client: reqwest::Client,
}

impl ServerProcess {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        Self::start_with(folder, data).await
    }

    /// On a file system of its own.
    pub(crate) async fn start_on(disk: &Path) -> Self {
        Self::start_with(tempfile::tempdir().expect("a temporary folder"), disk.join("data")).await
    }

    async fn start_with(folder: TempDir, data: PathBuf) -> Self {
        let port = free_port();
        let child = spawn(&folder, &data, port);
        let mut server = Self { child, folder, data, port, client: reqwest::Client::new() };
        server.wait_until_ready().await;
        server
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// SIGKILL: the process gets no chance to tidy up.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("the server runs");
        self.child.wait().expect("the server can be waited for");
    }

    pub(crate) async fn restart(&mut self) {
        self.child = spawn(&self.folder, &self.data, self.port);
        self.wait_until_ready().await;
    }

    async fn wait_until_ready(&mut self) {
        let begin = Instant::now();
        let url = format!("{}/readyz", self.url());
        while !self.client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            let ended = self.child.try_wait().expect("the server can be asked");
            assert!(ended.is_none(), "the server ended with {ended:?}:\n{}", self.log());
            assert!(begin.elapsed() < READY_LIMIT, "not ready in time:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }

    /// How often files were merged, by all processes so far.
    pub(crate) fn compactions(&self) -> usize {
        self.log().lines().filter(|line| line.contains("compacted")).count()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let answer =
            self.client.get(format!("{}{path}", self.url())).send().await.expect("the server answers");
        if answer.status() == 404 {
            return None;
        }
        let status = answer.status();
        let body = answer.text().await.expect("a whole answer");
        assert!(status.is_success(), "{path} answered {status}: {body}");
        Some(serde_json::from_str(&body).expect("a JSON answer"))
    }

    /// All runs of the project.
    pub(crate) async fn run_count(&self) -> usize {
        let stats = self.get(&format!("{PROJECT}/stats?of=runs&t=all")).await.expect("the project exists");
        stats["count"].as_u64().and_then(|count| usize::try_from(count).ok()).expect("a count")
    }

    /// The runs of a trace, as often as the skeleton names them; none when the trace is unknown.
    pub(crate) async fn run_ids(&self, trace_id: &str) -> Vec<String> {
        let Some(skeleton) = self.get(&format!("/api/clearspan/v1/traces/{trace_id}")).await else {
            return Vec::new();
        };
        let ids = skeleton["runs"]["id"].as_array().expect("ids of runs");
        ids.iter().map(|id| id.as_str().expect("an id is text").to_owned()).collect()
    }

    /// Name, input and output of a run, when it is there.
    pub(crate) async fn content(&self, run: &RunRef) -> Option<[String; 3]> {
        let RunRef { trace_id, run_id } = run;
        let path = format!("/api/clearspan/v1/traces/{trace_id}/runs/{run_id}");
        self.get(&path).await.map(|run| content_of(&run))
    }

    /// Every run of the project as the LangSmith API lists it, page by page.
    pub(crate) async fn all_runs(&self) -> Vec<Value> {
        let sessions = self.get("/api/v1/sessions").await.expect("the list of projects");
        let mut body = json!({"session": [sessions[0]["id"]], "limit": 100});
        let mut runs = Vec::new();
        loop {
            let answer =
                self.client.post(format!("{}/api/v1/runs/query", self.url())).json(&body).send().await;
            let answer = answer.expect("the server answers");
            assert!(answer.status().is_success(), "/runs/query answered {}", answer.status());
            let page: Value = answer.json().await.expect("a JSON answer");
            runs.extend(page["runs"].as_array().expect("a list of runs").iter().cloned());
            match page["cursors"]["next"].as_str() {
                Some(next) => body["cursor"] = json!(next),
                None => return runs,
            }
        }
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // After a failed assertion the process may be gone already.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

fn spawn(folder: &TempDir, data: &Path, port: u16) -> Child {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.path().join("server.log"))
        .expect("the log file opens");
    let errors = log.try_clone().expect("a second handle");
    Command::new(env!("CARGO_BIN_EXE_clearspan"))
        // Settings of whoever runs the tests are not those of the test.
        .env_clear()
        .arg("serve")
        .arg("--data-dir")
        .arg(data)
        .args(["--http", &format!("127.0.0.1:{port}"), "--grpc", "127.0.0.1:0"])
        // So little that kills fall into flushes as well, and segments are read back beside the log.
        .args(["--memory", "8MiB"])
        // The disk of a test may be small.
        .args(["--disk-min-free", "0"])
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .spawn()
        .expect("the server starts")
}

/// Below the ports that systems give to outgoing connections: one of those could take it while the server is dead.
fn free_port() -> u16 {
    let mut ports = std::iter::repeat_with(|| rand::random_range(12_000..32_000));
    ports.find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}
