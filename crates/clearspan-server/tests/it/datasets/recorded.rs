//! Every request of the SDKs about datasets, experiments, prompts, feedback and reading that was recorded is answered with the status and the keys
//! that its client was given then.
//!
//! The server that answered then made ids, times and hashes of its own, which later requests repeat. So what our server
//! answers in their place is put into the later requests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::Request;
use serde_json::Value;

use super::send;
use crate::connection::Answer;
use crate::langsmith::recorded::{is_info, is_ingest};
use crate::server::Server;

/// Scenarios that build on each other share a server.
const SCENARIOS: [&[&str]; 11] = [
    &["15_datasets_examples", "16_examples_legacy_no_multipart_flag", "15b_delete"],
    &[
        "17_evaluate_setup",
        "18_evaluate",
        "19_aevaluate",
        "20_evaluate_existing_experiment",
        "21_evaluate_comparative",
        "22_get_experiment_results",
    ],
    &["23_prompts"],
    &["24_projects"],
    &["42_js_client_calls", "43_js_evaluate"],
    &["49_pytest_plugin"],
    &["13_feedback", "14_feedback_crud"],
    &["24b_setup", "25_reading_v1"],
    &["26_annotation_queues"],
    &["27_insights_issues"],
    &["30_async_client"],
];

/// Scenarios that `langsmith::reading` replays, with the ids that its server gave.
const ELSEWHERE: &[&str] =
    &["28_v2_runs_threads_traces", "29_v2_errors", "29b_v2_422", "47_resolve_address_geturl"];

/// Requests that are answered otherwise than recorded, because that server kept nothing and gave back what it was sent: the
/// status, and why.
const OTHERWISE: &[(&str, u16, &str)] = &[
    ("0103_PATCH_examples_bulk", 404, "the example was deleted before"),
    ("0151_POST_commits", 409, "the prompt is the same as before"),
    ("0372_POST_runs_query", 400, "its cursor was made by that server"),
    ("0056_POST_feedback_tokens", 404, "the token was made by that server"),
    ("0176_POST_runs_multipart", 202, "taken is not done"),
    ("0192_GET_public", 404, "the program made up its token"),
    ("0193_POST_public", 404, "the program made up its token"),
    ("0377_GET_public", 404, "the program made up its token"),
    ("0201_DELETE_annotation_queues", 200, "nothing is left to give back"),
    ("0202_DELETE_annotation_queues", 200, "nothing is left to give back"),
    ("0205_POST_runs_batch", 202, "taken is not done"),
    ("0206_POST_sessions", 501, "insights need a model"),
    ("0208_GET_sessions", 501, "insights need a model"),
    ("0209_GET_sessions", 501, "insights need a model"),
    ("0210_GET_sessions", 501, "insights need a model"),
    ("0263_POST_runs", 202, "taken is not done"),
    ("0264_PATCH_runs", 202, "taken is not done"),
];

/// Keys of the recorded answers that no client reads and that have no meaning here.
const UNREAD: &[(&str, &[&str])] = &[
    ("_feedback", &["extend_trace_retention", "feedback_config", "feedbackConfig"]),
    ("GET_runs_", &["session_name"]),
    ("DELETE_v1_platform_hub", &["commit_id", "commit_hash", "files"]),
    ("POST_runs_query", &["parsed_query"]),
];

struct Recorded {
    name: String,
    request: Request<Bytes>,
    status: u16,
    body: Value,
}

fn load(scenario: &str) -> Vec<Recorded> {
    let folder = Path::new("../../tests/golden/langsmith").join(scenario);
    let found = std::fs::read_dir(&folder).unwrap_or_else(|err| panic!("{}: {err}", folder.display()));
    let mut files: Vec<PathBuf> = found.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "http"));
    files.sort();
    files.iter().map(|file| parse(file)).collect()
}

fn parse(file: &Path) -> Recorded {
    let raw = std::fs::read(file).expect("a readable file");
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n").expect("headers end");
    let head = std::str::from_utf8(&raw[..end]).expect("ASCII");
    let mut lines = head.split("\r\n");
    let mut words = lines.next().expect("a request line").split(' ');
    let (method, path) = (words.next().expect("a method"), words.next().expect("a path"));
    let mut request = Request::builder().method(method).uri(path);
    for line in lines {
        let (name, value) = line.split_once(':').expect("a header");
        if ["content-type", "content-encoding", "x-api-key"].contains(&name.to_ascii_lowercase().as_str()) {
            request = request.header(name, value.trim());
        }
    }
    let answer = std::fs::read_to_string(file.with_extension("resp")).unwrap_or_default();
    let (status, body) = answer.split_once('\n').unwrap_or(("200", ""));
    Recorded {
        name: file.file_stem().and_then(|name| name.to_str()).expect("ASCII").to_owned(),
        request: request.body(Bytes::from(raw[end + 4..].to_vec())).expect("a valid request"),
        status: status.trim().parse().expect("a status"),
        body: serde_json::from_str(body).unwrap_or(Value::Null),
    }
}

/// What our server says where the recorded one said something else.
#[derive(Default)]
struct Renamed(BTreeMap<String, String>);

impl Renamed {
    const KEYS: [&'static str; 7] =
        ["id", "as_of", "modified_at", "commit_hash", "commit_id", "share_token", "tenant_id"];

    fn learn(&mut self, recorded: &Value, ours: &Value) {
        match (recorded, ours) {
            (Value::Object(recorded), Value::Object(ours)) => {
                for (key, value) in recorded {
                    let Some(own) = ours.get(key) else { continue };
                    match (value.as_str(), own.as_str()) {
                        (Some(value), Some(own)) if Self::KEYS.contains(&key.as_str()) && value != own => {
                            self.0.entry(value.to_owned()).or_insert_with(|| own.to_owned());
                        }
                        _ => self.learn(value, own),
                    }
                }
            }
            (Value::Array(recorded), Value::Array(ours)) => {
                for value in recorded {
                    let id = |value: &Value| value["id"].as_str().map(str::to_owned);
                    let wanted = id(value).map(|id| self.0.get(&id).cloned().unwrap_or(id));
                    let same = ours.iter().find(|own| wanted.is_some() && id(own) == wanted);
                    if let Some(own) = same.or_else(|| ours.first().filter(|_| ours.len() == 1)) {
                        self.learn(value, own);
                    }
                }
            }
            _ => {}
        }
    }

    fn apply(&self, request: Request<Bytes>) -> Request<Bytes> {
        let (mut parts, mut body) = request.into_parts();
        let mut path = parts.uri.to_string();
        for (old, new) in &self.0 {
            path = path.replace(&encode(old), &encode(new)).replace(old, new);
            if let Ok(text) = std::str::from_utf8(&body) {
                body = Bytes::from(text.replace(old, new));
            }
        }
        // A moment that the client's clock said, and not a server: any that is later than what was written.
        if let Some(at) = path.find("as_of=2026-11-21T01").filter(|at| !self.knows(&path, *at)) {
            let rest = path.get(at..).unwrap_or_default();
            let end = rest.find('&').map_or(path.len(), |length| at + length);
            path.replace_range(at..end, "as_of=2999-01-01T00%3A00%3A00%2B00%3A00");
        }
        if parts.uri.path().ends_with("/tags") && parts.method == "PUT" {
            let mut tag: Value = serde_json::from_slice(&body).expect("JSON");
            tag["as_of"] = "2200-01-01T00:00:00+00:00".into();
            body = Bytes::from(tag.to_string());
        }
        parts.uri = path.replace("2999-", "2200-").parse().expect("a URI");
        Request::from_parts(parts, body)
    }

    fn knows(&self, path: &str, at: usize) -> bool {
        let rest = path.get(at..).unwrap_or_default();
        self.0.values().any(|new| rest.starts_with(&format!("as_of={}", encode(new))))
    }
}

fn encode(text: &str) -> String {
    text.replace(':', "%3A").replace('+', "%2B")
}

#[tokio::test]
async fn every_recorded_request_is_answered_as_it_was() {
    let mut answered = 0;
    let mut problems = Vec::new();
    for scenarios in SCENARIOS {
        let server = Server::start();
        let mut renamed = Renamed::default();
        for recorded in scenarios.iter().flat_map(|scenario| load(scenario)) {
            let request = renamed.apply(recorded.request.clone());
            let answer = send(&server, request).await;
            problems.extend(check(&recorded, &answer));
            if answer.status.is_success() && !answer.body.is_empty() {
                renamed.learn(&recorded.body, &answer.json());
            }
            answered += 1;
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
    assert!(answered >= 205, "only {answered} requests were found");
}

/// Whoever adds a recording must say where it is replayed.
#[test]
fn every_recorded_scenario_is_replayed_somewhere() {
    let root = Path::new("../../tests/golden/langsmith");
    let folders = std::fs::read_dir(root).expect("the recordings are there");
    let mut forgotten = Vec::new();
    for folder in folders.map(|entry| entry.expect("an entry").path()) {
        let name = folder.file_name().and_then(|name| name.to_str()).expect("ASCII").to_owned();
        if SCENARIOS.iter().any(|scenarios| scenarios.contains(&name.as_str()))
            || ELSEWHERE.contains(&name.as_str())
        {
            continue;
        }
        // Runs and spans are all taken by `langsmith::recorded`, and so is the question what the server can.
        let files =
            std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        let files = files.filter(|file| file.extension().is_some_and(|end| end == "http"));
        forgotten.extend(files.filter(|file| !is_ingest(file) && !is_info(file)));
    }
    assert!(forgotten.is_empty(), "{forgotten:#?}");
}

/// What is wrong with an answer.
fn check(recorded: &Recorded, answer: &Answer) -> Option<String> {
    let name = &recorded.name;
    let otherwise = OTHERWISE.iter().find(|(start, ..)| name.starts_with(start));
    let (expected, why) = otherwise.map_or((recorded.status, ""), |(_, status, why)| (*status, *why));
    if answer.status.as_u16() != expected {
        return Some(format!("{name} {why}: {} instead of {expected}: {}", answer.status, answer.text()));
    }
    // Nothing was recorded, or not all of it, where the recorded answer is null.
    if otherwise.is_some() || recorded.body.is_null() {
        return None;
    }
    let unread = UNREAD.iter().find(|(part, _)| name.contains(part)).map_or(&[][..], |(_, keys)| *keys);
    let ours = answer.json();
    // Lists are compared by what is first in them.
    let (recorded, ours) = match (&recorded.body, &ours) {
        (Value::Array(recorded), Value::Array(ours)) => recorded.first().zip(ours.first())?,
        (recorded, ours) => (recorded, ours),
    };
    let Some(keys) = recorded.as_object() else {
        let is_same = std::mem::discriminant(recorded) == std::mem::discriminant(ours);
        return (!is_same).then(|| format!("{name}: {ours}"));
    };
    let missing: Vec<_> =
        keys.keys().filter(|key| !unread.contains(&key.as_str()) && ours.get(key).is_none()).collect();
    (!missing.is_empty()).then(|| format!("{name}: the keys {missing:?} are missing in {ours}"))
}

/// The numbers of an evaluation that was recorded: two examples, each with its run.
#[tokio::test]
async fn a_recorded_evaluation_has_its_results() {
    let server = Server::start();
    let mut renamed = Renamed::default();
    let mut results = Value::Null;
    for recorded in SCENARIOS[1].iter().flat_map(|scenario| load(scenario)) {
        let answer = send(&server, renamed.apply(recorded.request.clone())).await;
        let body = if answer.body.is_empty() { Value::Null } else { answer.json() };
        renamed.learn(&recorded.body, &body);
        if recorded.name.starts_with("0139_") {
            results = body;
        }
    }
    let rows = results.as_array().expect("examples with runs");
    assert_eq!(rows.len(), 2, "{results}");
    for row in rows {
        let runs = row["runs"].as_array().expect("runs");
        assert_eq!(runs.len(), 1, "{row}");
        assert_eq!(runs[0]["reference_example_id"], row["id"]);
        assert_eq!((&runs[0]["name"], &runs[0]["inputs"]), (&"Target".into(), &row["inputs"]));
        assert!(runs[0]["outputs"].is_object() && runs[0]["feedback_stats"].is_object(), "{row}");
    }
    let mut answers: Vec<String> =
        rows.iter().map(|row| row["runs"][0]["outputs"]["a"].to_string()).collect();
    answers.sort();
    assert_eq!(answers, ["\"0\"", "\"1\""]);
}
