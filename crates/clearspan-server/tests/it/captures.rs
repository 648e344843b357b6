//! Requests recorded from real instrumentations: all are taken, and every run can be opened afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::otlp_grpc::{TRACES, call, code};
use crate::otlp_http::{JSON, PROTOBUF, post};
use crate::remap::remap;
use crate::server::Server;

/// Fewer would mean that the folder was not found or has been emptied.
const MIN_CASES: usize = 100;

/// A folder of requests that one program sent, and the runs that they are.
struct Case {
    /// The project that it goes to, so that captures with the same ids do not mix.
    project: String,
    requests: Vec<Capture>,
    expected: Vec<Value>,
    /// How many log records are kept as such, each once.
    logs: usize,
    /// How many metric points are kept, likewise.
    points: usize,
}

struct Capture {
    /// `traces`, `logs` or `metrics`.
    signal: String,
    is_json: bool,
    body: Bytes,
}

fn cases() -> Vec<Case> {
    let root = Path::new("../../tests/golden/otlp");
    let folders: Vec<_> = entries(root).iter().flat_map(|source| entries(source)).collect();
    let cases: Vec<_> = folders.iter().map(|folder| Case::load(root, folder)).collect();
    assert!(cases.len() >= MIN_CASES, "only {} cases below {}", cases.len(), root.display());
    cases
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let found = std::fs::read_dir(folder).unwrap_or_else(|err| panic!("{}: {err}", folder.display()));
    let mut paths: Vec<_> = found.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

impl Case {
    fn load(root: &Path, folder: &Path) -> Self {
        let name = folder.strip_prefix(root).expect("it is below").to_str().expect("ASCII");
        let mut requests = Vec::new();
        let mut expected = Vec::new();
        let (mut logs, mut points) = (0, 0);
        for path in entries(folder) {
            let body = Bytes::from(std::fs::read(&path).expect("a readable file"));
            let file_name = path.file_name().and_then(|name| name.to_str()).expect("ASCII");
            match file_name.split('.').collect::<Vec<_>>()[..] {
                ["out", "json"] => expected = serde_json::from_slice(&body).expect("a list of runs"),
                ["logs", "json"] => logs = count_distinct(&body),
                ["metrics", "json"] => points = count_distinct(&body),
                [_, signal, kind @ ("pb" | "json")] => {
                    requests.push(Capture { signal: signal.to_owned(), is_json: kind == "json", body });
                }
                _ => panic!("what is {}?", path.display()),
            }
        }
        Self { project: name.replace('/', "-"), requests, expected, logs, points }
    }

    /// Every log record and metric point that the golden files keep can be read.
    async fn check_records(&self, connection: &mut Connection) {
        let project = &self.project;
        if self.logs > 0 {
            let page = get(connection, &format!("/projects/{project}/logs?limit=1000")).await;
            assert_eq!(page["logs"].as_array().map(Vec::len), Some(self.logs), "{project}: log records");
        }
        if self.points > 0 {
            let metrics = get(connection, &format!("/projects/{project}/metrics")).await;
            let counts = metrics["metrics"].as_array().expect("metrics").iter();
            let points: u64 = counts.map(|metric| metric["points"].as_u64().expect("a count")).sum();
            assert_eq!(points, self.points as u64, "{project}: metric points");
        }
    }

    /// The runs of each trace, by their ids.
    fn traces(&self) -> BTreeMap<&str, BTreeMap<&str, &Value>> {
        let mut traces: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for run in &self.expected {
            let id = |field: &str| run[field].as_str().expect("an id");
            traces.entry(id("trace")).or_default().insert(id("run"), run);
        }
        traces
    }

    async fn send(&self, connection: &mut Connection) {
        for (idx, capture) in self.requests.iter().enumerate() {
            let content_type = if capture.is_json { JSON } else { PROTOBUF };
            let mut request = post(&format!("/v1/{}", capture.signal), content_type, capture.body.clone());
            request.headers_mut().insert("langsmith-project", self.project.parse().expect("ASCII"));
            let answer = connection.send(request).await;
            let what = format!("{} request {}", self.project, idx + 1);
            assert_eq!(answer.status, 200, "{what}: {}", answer.text());
            assert_eq!(answer.header("content-type"), Some(content_type), "{what}");
            if capture.signal == "traces" {
                let nothing_rejected = if capture.is_json { "{}" } else { "" };
                assert_eq!(answer.text(), nothing_rejected, "{what}");
            }
        }
    }

    /// Every trace has exactly its runs, and the page of each run shows what the golden file says.
    async fn check(&self, server: &Server, connection: &mut Connection) {
        let project = &self.project;
        for (trace_id, expected) in self.traces() {
            let skeleton = get(connection, &format!("/traces/{trace_id}?project={project}")).await;
            let ids = skeleton["runs"]["id"].as_array().expect("ids");
            let ids: Vec<_> = ids.iter().map(|id| id.as_str().expect("an id")).collect();
            let distinct: BTreeSet<_> = ids.iter().copied().collect();
            assert_eq!(ids.len(), distinct.len(), "{project}: a run twice in {trace_id}");
            let wanted: BTreeSet<_> = expected.keys().copied().collect();
            assert_eq!(distinct, wanted, "{project}: the runs of {trace_id}");
            for (run_id, golden) in expected {
                let run =
                    get(connection, &format!("/traces/{trace_id}/runs/{run_id}?project={project}")).await;
                check_run(&run, golden, &format!("{project} {trace_id} {run_id}"));
            }
        }
        assert_eq!(server.run_count(project).await, self.expected.len() as u64, "{project}");
    }
}

/// A record that was sent twice is kept once.
fn count_distinct(list: &[u8]) -> usize {
    let records: Vec<Value> = serde_json::from_slice(list).expect("a list of records");
    records.iter().map(Value::to_string).collect::<BTreeSet<_>>().len()
}

async fn get(connection: &mut Connection, path: &str) -> Value {
    let request = http::Request::get(format!("/api/clearspan/v1{path}"));
    let answer = connection.send(request.body(Bytes::new()).expect("a valid request")).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

/// The golden file leaves out what is absent; the API says null.
fn check_run(run: &Value, golden: &Value, what: &str) {
    for field in ["name", "status", "model", "provider", "dialect", "error"] {
        assert_eq!(run[field], golden[field], "{what}: {field}");
    }
    // Who does not say what a step is has written a chain.
    assert_eq!(run["run_type"], golden["type"].as_str().unwrap_or("chain"), "{what}");
    let said = |value: &Value| value["messages"].as_array().map_or(0, Vec::len);
    for (payload, side) in [("inputs", "input"), ("outputs", "output")] {
        // Messages that came one by one, as log records, are shown where the payload has none.
        let fragments = golden["fragments"].as_array().map_or(&[][..], Vec::as_slice);
        let one_by_one = fragments.iter().filter(|fragment| fragment["side"] == side).count();
        let expected = match said(&golden[payload]) {
            0 => one_by_one,
            whole => whole,
        };
        assert_eq!(said(&run[payload]), expected, "{what}: messages of {payload}");
    }
    for tokens in ["input_tokens", "output_tokens", "total_tokens"] {
        assert_eq!(run["usage"][tokens], golden["usage"][tokens], "{what}: {tokens}");
    }
}

#[tokio::test]
async fn every_capture_is_taken_and_can_be_opened() {
    let server = Server::start();
    let cases = cases();
    // Several at a time, as in life: each request waits for the disk.
    let work = cases.chunks(cases.len().div_ceil(8)).map(async |cases| {
        let mut connection = server.connect().await;
        for case in cases {
            case.send(&mut connection).await;
            case.check(&server, &mut connection).await;
            case.check_records(&mut connection).await;
        }
    });
    futures::future::join_all(work).await;
}

/// Mapping again is for rules that changed: as long as none did, every run is already what it would become, also when it was
/// merged from spans, log records and requests in any order.
#[tokio::test]
async fn mapping_the_captures_again_changes_nothing() {
    let server = Server::start();
    let cases = cases();
    let work = cases.chunks(cases.len().div_ceil(8)).map(async |cases| {
        let mut connection = server.connect().await;
        for case in cases {
            case.send(&mut connection).await;
        }
    });
    futures::future::join_all(work).await;
    for case in cases.iter().filter(|case| !case.expected.is_empty()) {
        let project = &case.project;
        let job = remap(&server, json!({"project": project})).await;
        assert_eq!(job["state"], "done", "{project}: {job}");
        let counts =
            ["runs_seen", "runs_changed", "runs_skipped"].map(|count| job[count].as_u64().expect("a count"));
        assert_eq!(counts, [case.expected.len() as u64, 0, 0], "{project}");
    }
}

#[tokio::test]
async fn captures_of_protobuf_are_taken_over_grpc() {
    let server = Server::start();
    let cases = cases();
    let work = cases.chunks(cases.len().div_ceil(8)).map(async |cases| {
        let mut connection = server.connect_grpc().await;
        for case in cases {
            let is_protobuf =
                case.requests.iter().all(|capture| capture.signal == "metrics" || !capture.is_json);
            let has_logs = case.requests.iter().any(|capture| capture.signal == "logs");
            for (idx, capture) in case.requests.iter().enumerate() {
                if capture.signal != "traces" || capture.is_json {
                    continue;
                }
                let mut request = call(TRACES, 0, &capture.body);
                request.headers_mut().insert("langsmith-project", case.project.parse().expect("ASCII"));
                let answer = connection.send(request).await;
                assert_eq!(code(&answer), 0, "{} request {}", case.project, idx + 1);
                assert_eq!(answer.body.len(), 5, "{} request {}", case.project, idx + 1);
            }
            if is_protobuf && !has_logs {
                case.check(&server, &mut server.connect().await).await;
            }
        }
    });
    futures::future::join_all(work).await;
}
