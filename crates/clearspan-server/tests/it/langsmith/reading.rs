//! Every request that the SDKs were recorded to send when they read, judge, annotate and share is answered with the status
//! that was recorded and the keys that the client reads.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::recorded::{parse, replay};
use super::{send, send_json};
use crate::server::Server;

/// A scenario, and which of its requests are meant (all with none).
struct Scenario {
    folder: &'static str,
    only: &'static [&'static str],
}

const fn all(folder: &'static str) -> Scenario {
    Scenario { folder, only: &[] }
}

fn files(scenario: &Scenario) -> Vec<PathBuf> {
    let root = Path::new("../../tests/golden/langsmith").join(scenario.folder);
    let found = std::fs::read_dir(&root).unwrap_or_else(|err| panic!("{}: {err}", root.display()));
    let mut files: Vec<PathBuf> = found.map(|entry| entry.expect("an entry").path()).collect();
    let is_meant = |file: &PathBuf| {
        let name = file.file_name().and_then(|name| name.to_str()).expect("ASCII");
        name.ends_with(".http")
            && (scenario.only.is_empty() || scenario.only.iter().any(|number| name.starts_with(number)))
    };
    files.retain(is_meant);
    files.sort();
    assert!(!files.is_empty(), "{} is empty", root.display());
    files
}

/// The request with other ids in the place of those that were given when it was recorded.
fn with_ids(request: Request<Bytes>, ids: &[(&str, &str)]) -> Request<Bytes> {
    let replace = |text: String| ids.iter().fold(text, |text, (old, new)| text.replace(old, new));
    let (mut parts, body) = request.into_parts();
    parts.uri = replace(parts.uri.to_string()).parse().expect("a path");
    // This client unpacks nothing.
    parts.headers.remove("accept-encoding");
    let body = match String::from_utf8(body.to_vec()) {
        Ok(text) => Bytes::from(replace(text)),
        Err(_) => body,
    };
    Request::from_parts(parts, body)
}

/// What the stub answered: its status and its body.
fn recorded(file: &Path) -> Option<(u16, Value)> {
    let text = std::fs::read_to_string(file.with_extension("resp")).ok()?;
    let (status, body) = text.split_once('\n')?;
    Some((status.trim().parse().ok()?, serde_json::from_str(body).unwrap_or_default()))
}

/// Keys that the stub echoed from requests or made up, and no client reads from answers.
const NOT_READ: &[&str] =
    &["extend_trace_retention", "feedback_config", "feedbackConfig", "session_name", "query_metadata"];

/// What every run has, whatever was selected: the clients need it.
const ALWAYS: &[&str] =
    &["id", "name", "run_type", "start_time", "trace_id", "dotted_order", "session_id", "status"];

/// The keys of the recorded answer must be in ours, as far as both have something.
fn check_keys(what: &str, recorded: &Value, answer: &Value) {
    match (recorded, answer) {
        (Value::Object(recorded), Value::Object(answer)) => {
            for key in recorded.keys().filter(|key| !NOT_READ.contains(&key.as_str())) {
                assert!(answer.contains_key(key), "{what}: {key} is missing in {answer:?}");
            }
        }
        (Value::Array(recorded), Value::Array(answer)) => {
            if let (Some(recorded), Some(answer)) = (recorded.first(), answer.first()) {
                check_keys(what, recorded, answer);
            }
        }
        (Value::Object(_), other) => panic!("{what}: {other}"),
        // An empty list stands for whatever the stub did not know.
        (Value::Array(list), other) if !list.is_empty() => panic!("{what}: {other}"),
        _ => {}
    }
}

/// Sends what was recorded and compares the answers with what was answered then.
async fn check(server: &Server, scenario: Scenario, ids: &[(&str, &str)]) -> Vec<Value> {
    let mut answers = Vec::new();
    for file in files(&scenario) {
        let what = file.display().to_string();
        let answer = send(server, with_ids(parse(&file), ids)).await;
        // Where nothing was recorded, the stub was told to fail.
        let (status, body) = recorded(&file).unwrap_or((200, Value::Null));
        assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.text());
        let text = answer.text();
        let ours: Value = serde_json::from_str(&text).unwrap_or_default();
        if (200..300).contains(&status) && status != 204 && !body.is_null() {
            // The stub gave whole runs whatever was selected.
            let is_whole_run = body.get("inputs").is_some() && what.contains("_api_v2_");
            if !is_whole_run && !what.contains("_DELETE_") {
                check_keys(&what, &body, &ours);
            }
            let runs = ours["runs"].as_array().into_iter().flatten();
            for run in runs {
                for key in ALWAYS {
                    assert!(!run[key].is_null(), "{what}: {key} is missing in {run}");
                }
            }
        }
        answers.push(ours);
    }
    answers
}

async fn project_id(server: &Server, name: &str) -> String {
    let request = Request::get(format!("/sessions?name={name}")).body(Bytes::new()).expect("a valid request");
    let sessions = send(server, request).await.json();
    sessions[0]["id"].as_str().expect("the project is there").to_owned()
}

/// The run that the recorded feedback is about, in a project of its own.
async fn send_run(server: &Server, id: &str, project: &str) -> String {
    let run = json!({
        "id": id, "trace_id": id, "name": "f", "run_type": "chain", "start_time": "2026-11-21T01:37:21.128595+00:00",
        "dotted_order": format!("20261121T013721128595Z{id}"), "session_name": project, "inputs": {"x": 1},
        "outputs": {"output": 1}, "end_time": "2026-11-21T01:37:21.200000+00:00",
    });
    assert_eq!(send_json(server, "POST", "/runs", &run).await.status, 202);
    project_id(server, project).await
}

#[tokio::test]
async fn feedback_of_all_kinds() {
    let server = Server::start();
    let run = "01a1fbc0-38e8-764d-adcc-49d3c3a221f5";
    let project = send_run(&server, run, "stub-project").await;
    let ids = [("89adada7-6cd8-4be2-9509-2e7e9ad2050d", project.as_str())];
    // The feedback among the parts of a form comes first.
    check(&server, Scenario { folder: "13_feedback", only: &["0046"] }, &[]).await;
    check(&server, Scenario { folder: "13_feedback", only: &["0047", "0048", "0049"] }, &ids).await;

    let listed = send(
        &server,
        Request::get(format!("/feedback?run={run}")).body(Bytes::new()).expect("a valid request"),
    )
    .await;
    let listed = listed.json();
    let keys: Vec<&Value> = listed.as_array().expect("a list").iter().map(|one| &one["key"]).collect();
    assert_eq!(keys, ["k3", "user_score", "correctness"]);
    let part = &listed[2];
    assert_eq!(
        (&part["score"], &part["value"], &part["comment"]),
        (&json!(0.1235), &json!("good"), &json!("nice"))
    );
    assert_eq!(part["feedback_source"]["metadata"], json!({"m": 1}));
    assert_eq!(listed[0]["score"], json!(true));

    let sessions = format!("/sessions/{project}?include_stats=true");
    let session =
        send(&server, Request::get(sessions).body(Bytes::new()).expect("a valid request")).await.json();
    assert_eq!(session["feedback_stats"]["user_score"]["avg"], 1);
    assert_eq!(session["session_feedback_stats"]["summary"]["n"], 1);

    // The same again, by the generated client's calls: change, read, list, delete, tokens, configs.
    let crud = ["0050", "0051", "0052", "0053", "0054", "0055", "0057", "0058", "0059", "0060", "0061"];
    for number in crud {
        let only: &'static [&'static str] = Box::leak(vec![number].into_boxed_slice());
        let answers = check(&server, Scenario { folder: "14_feedback_crud", only }, &[]).await;
        let Some(url) = answers[0]["url"].as_str().filter(|_| number == "0054") else { continue };
        let token = url.rsplit('/').next().expect("a token");
        let ids = [("71d71eb4-bae2-4cbe-b20c-2fa07f3472ca", token)];
        check(&server, Scenario { folder: "14_feedback_crud", only: &["0056"] }, &ids).await;
    }
    let given =
        Request::get(format!("/feedback?run={run}&key=thumbs")).body(Bytes::new()).expect("a valid request");
    assert_eq!(send(&server, given).await.json()[0]["comment"], "x");
    check(&server, Scenario { folder: "42_js_client_calls", only: &["0357"] }, &[]).await;
    check(&server, Scenario { folder: "30_async_client", only: &["0270", "0272"] }, &[]).await;
}

#[tokio::test]
async fn reads_of_the_first_version() {
    let server = Server::start();
    replay(&server, "24b_setup").await;
    let project = project_id(&server, "stub-project").await;
    let ids = [("6524ce7e-5689-451d-a9b5-8a11f160cbc8", project.as_str())];
    let reads = [
        "0178", "0179", "0180", "0181", "0182", "0183", "0184", "0185", "0186", "0187", "0188", "0189",
        "0190", "0191",
    ];
    let only: &'static [&'static str] = Box::leak(reads.to_vec().into_boxed_slice());
    let answers = check(&server, Scenario { folder: "25_reading_v1", only }, &ids).await;
    let run = "01a1fbc1-f4ee-70d0-a2aa-4c4194e42cf1";
    assert_eq!(answers[0]["id"], run);
    assert_eq!(answers[4]["runs"][0]["id"], run, "by id, whatever the project");
    assert!(answers[8]["runs"].as_array().is_some_and(|runs| !runs.is_empty()), "by thread: {}", answers[8]);
    assert!(answers[10]["runs"][0]["thread_id"].is_string(), "{}", answers[10]);

    let token = "07877c39-4f9f-45ef-ba79-0b6d7785d8f8";
    let shared = json!({"run_id": run, "share_token": token});
    assert_eq!(send_json(&server, "PUT", &format!("/runs/{run}/share"), &shared).await.json(), shared);
    let of_stub = [("db8c22fb-0844-4ac3-98e9-fcce85278f86", token)];
    let public = Scenario { folder: "25_reading_v1", only: &["0193"] };
    let runs = check(&server, public, &of_stub).await;
    assert_eq!(runs[0]["runs"][0]["id"], run);
    let read = Request::get(format!("/public/{token}/run")).body(Bytes::new()).expect("a valid request");
    assert_eq!(send(&server, read).await.json()["outputs"], json!({"output": 1}));

    check(&server, Scenario { folder: "30_async_client", only: &["0266"] }, &[]).await;
    let js = [("28df0150-a891-4944-a162-5adb921467d7", project.as_str())];
    let group = check(&server, Scenario { folder: "42_js_client_calls", only: &["0371", "0374"] }, &js).await;
    assert_eq!(group[1]["groups"][0]["group_key"], "th-1");
}

#[tokio::test]
async fn annotation_queues() {
    let server = Server::start();
    replay(&server, "24b_setup").await;
    check(&server, all("26_annotation_queues"), &[]).await;
}

#[tokio::test]
async fn reads_of_the_second_version() {
    let server = Server::start();
    replay(&server, "28_setup").await;
    let project = project_id(&server, "stub-project").await;
    // The stub's cursor means nothing here.
    let ids = [
        ("77de4e35-c42d-4922-93f2-dce146195ab2", project.as_str()),
        (",\"cursor\":\"1\"", ""),
        ("2026-11-20T00:00:00", "2026-01-01T00:00:00"),
        ("2026-11-20T00%3A00%3A00", "2026-01-01T00%3A00%3A00"),
    ];
    let reads = [
        "0242", "0243", "0244", "0245", "0246", "0247", "0248", "0249", "0250", "0251", "0252", "0253",
        "0256",
    ];
    let only: &'static [&'static str] = Box::leak(reads.to_vec().into_boxed_slice());
    let answers = check(&server, Scenario { folder: "28_v2_runs_threads_traces", only }, &ids).await;
    let run = "01a1fbc3-c7ee-7676-8fd7-39ec311bf1a3";
    assert_eq!(answers[0]["items"].as_array().map(Vec::len), Some(1), "{}", answers[0]);
    assert!(answers[0]["next_cursor"].is_string());
    assert_eq!(answers[2], json!({"id": run, "name": "f", "share_url": null}));
    assert!(answers[3]["url"].as_str().is_some_and(|url| url.starts_with("http") && url.contains(run)));
    assert!(answers[4]["share_token"].is_string());
    assert!(answers[8]["turns"].as_u64().is_some_and(|turns| turns >= 1), "{}", answers[8]);
    assert!(answers[9]["thread_count"].is_u64(), "{}", answers[9]);
    // Without a range it is the last day that is asked for, and the recorded run grows older.
    let asked =
        json!({"project_id": project, "select": ["THREAD_COUNT"], "min_start_time": "2026-01-01T00:00:00"});
    let stats = send_json(&server, "POST", "/api/v2/threads/stats", &asked).await.json();
    assert_eq!(stats["thread_count"], 1, "{stats}");
    let shared = send_json(&server, "POST", &format!("/api/v2/runs/{run}/share"), &json!({})).await.json();
    let token = shared["share_token"].as_str().expect("a token");
    let public = Scenario { folder: "28_v2_runs_threads_traces", only: &["0255"] };
    let found = check(&server, public, &[("b2e5212a-c428-4795-8404-b4a7cc6f9b8d", token)]).await;
    assert_eq!(found[0]["items"][0]["id"], run);
    let dataset = json!({"id": "d77e875b-ac74-415a-9ad2-e340f1a2c556", "name": "compared"});
    assert_eq!(send_json(&server, "POST", "/datasets", &dataset).await.status, 200);
    check(&server, Scenario { folder: "28_v2_runs_threads_traces", only: &["0254"] }, &ids).await;
    for folder in ["29_v2_errors", "29b_v2_422"] {
        check(&server, all(folder), &ids).await;
    }
}

#[tokio::test]
async fn the_project_of_an_agent_and_the_page_of_a_run() {
    let server = Server::start();
    let run = "01a1fbc7-22d0-70be-a25e-411165e6d02d";
    let project = send_run(&server, run, "sup").await;
    let ids = [("9903b92b-2854-46a1-97bc-47f5534c3ea4", project.as_str())];
    let answers = check(&server, all("47_resolve_address_geturl"), &ids).await;
    assert_eq!(answers[0]["session_id"], project.as_str());
    assert!(answers[1]["url"].as_str().is_some_and(|url| url.contains(run)), "{}", answers[1]);
    for (query, status) in [("kind=AGENT&id=nobody", 404), ("kind=x&id=sup", 422), ("", 422)] {
        let path = format!("/api/v1/sessions/resolutions?{query}");
        let answer = send(&server, Request::get(path).body(Bytes::new()).expect("a valid request")).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
    }
}

/// A chain of runs that is longer than paths are given.
#[tokio::test]
async fn a_long_chain_is_shown_with_the_ends_of_its_paths() {
    const LENGTH: usize = 2_500;
    let id = |number: usize| format!("00000000-0000-4000-8000-{number:012x}");
    let runs: Vec<Value> = (0..LENGTH)
        .map(|number| {
            let parent = number.checked_sub(1).map(id);
            let start = format!("2026-11-21T01:32:30.{number:06}Z");
            json!({
                "id": id(number), "trace_id": id(0), "parent_run_id": parent, "name": "link", "run_type": "chain",
                "session_name": "demo", "start_time": start, "end_time": "2026-11-21T01:32:31Z",
            })
        })
        .collect();
    let server = Server::start();
    let answer = send_json(&server, "POST", "/runs/batch", &json!({ "post": runs })).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let found = send_json(&server, "POST", "/runs/query", &json!({ "trace": id(0), "limit": 100 })).await;
    assert!(found.body.len() < 100 * 150 * 1_000, "{} bytes", found.body.len());
    let rows = found.json()["runs"].take();
    assert_eq!(rows[0]["id"], json!(id(LENGTH - 1)), "the newest first");
    let parents = rows[0]["parent_run_ids"].as_array().unwrap();
    assert_eq!(
        (parents.len(), &parents[0], parents.last().unwrap()),
        (999, &json!(id(0)), &json!(id(LENGTH - 2)))
    );
    let order = rows[0]["dotted_order"].as_str().unwrap();
    assert!(
        order.split('.').next().unwrap().ends_with(&id(0)) && order.ends_with(&id(LENGTH - 1)),
        "{order}"
    );
}

/// A page has as many runs as fit into an answer, and the next one goes on from there.
#[tokio::test]
async fn large_runs_are_spread_over_pages() {
    const RUNS: usize = 14;
    let id = |number: usize| format!("00000000-0000-4000-8000-{number:012x}");
    let server = Server::start();
    for number in 0..RUNS {
        let run = json!({
            "id": id(number), "trace_id": id(number), "name": "large", "run_type": "chain", "session_name": "demo",
            "start_time": format!("2026-11-21T01:32:30.{number:06}Z"), "end_time": "2026-11-21T01:32:31Z",
            "inputs": { "text": format!("{number} {}", "x".repeat(6 << 20)) },
        });
        let answer = send_json(&server, "POST", "/runs", &run).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
    let session = Request::get("/sessions?name=demo").body(Bytes::new()).unwrap();
    let project = send(&server, session).await.json()[0]["id"].take();
    let first = json!({ "is_root": true, "limit": 100 });
    let second = json!({
        "project_ids": [project], "min_start_time": "2026-11-21T00:00:00Z", "selects": ["ID", "INPUTS"], "page_size": 100,
    });
    for (path, mut body, list, next) in [
        ("/runs/query", first, "runs", "/cursors/next"),
        ("/api/v2/runs/query", second, "items", "/next_cursor"),
    ] {
        let (mut seen, mut pages) = (Vec::new(), 0);
        loop {
            let answer = send_json(&server, "POST", path, &body).await;
            assert!(
                answer.status == 200 && answer.body.len() < 50 << 20,
                "{path}: {} bytes",
                answer.body.len()
            );
            let mut page = answer.json();
            let rows = page[list].as_array().unwrap_or_else(|| panic!("{path}: no {list}"));
            seen.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
            pages += 1;
            body["cursor"] = page.pointer_mut(next).map_or(Value::Null, Value::take);
            if body["cursor"].is_null() {
                break;
            }
        }
        let newest_first: Vec<String> = (0..RUNS).rev().map(id).collect();
        assert_eq!((seen, pages), (newest_first, 3), "{path}");
    }
}
