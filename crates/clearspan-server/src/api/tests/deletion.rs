//! Deleting and retention, through the routes.

use axum::body::Body;
use clearspan_model::{LogRecord, Sender};
use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::{Answer, JsonText, NOW, Server, at, uuid};

const API: &str = "/api/clearspan/v1";

async fn delete(server: &Server, path: &str) -> Answer {
    server.send(Request::delete(format!("{API}{path}")).body(Body::empty()).unwrap()).await
}

async fn order(server: &Server, body: Value) -> Answer {
    server.change("POST", &format!("{API}/projects/demo/deletions"), body).await
}

/// The names of the traces that the list shows, sorted.
async fn names(server: &Server) -> Vec<String> {
    let list = server.read(&format!("{API}/projects/demo/traces")).await;
    let mut names: Vec<String> = list["traces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|trace| trace["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

fn counts(answer: &Answer) -> [u64; 4] {
    let body = answer.json();
    ["traces", "runs", "log_records", "metric_points"].map(|name| body[name].as_u64().unwrap())
}

#[tokio::test]
async fn a_trace_is_deleted_with_its_log_records() {
    let server = Server::with_traces().await;
    let run = server.run(1, 9, None);
    let record = LogRecord {
        workspace_id: run.key.workspace_id,
        project_id: run.key.project_id,
        time: at(0),
        observed_time: None,
        received_at: at(0),
        trace_id: Some(run.key.trace_id),
        span_id: None,
        severity: None,
        severity_text: None,
        event_name: None,
        body: None,
        attributes: Default::default(),
        sender: Sender::default(),
    };
    server.context.store.write_logs(vec![record]).await.unwrap();
    let path = format!("/traces/{}", uuid(1));
    let answer = delete(&server, &path).await;
    assert_eq!((answer.status, counts(&answer)), (StatusCode::OK, [1, 4, 1, 0]));
    for path in [path.clone(), format!("{path}/verdict"), format!("{path}/runs/{}", uuid(2))] {
        assert_eq!(server.get(&format!("{API}{path}")).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert!(!names(&server).await.contains(&"agent".to_owned()));
    assert_eq!(delete(&server, &path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(delete(&server, &format!("{path}?project=demo")).await.status, StatusCode::NOT_FOUND);
    let missing = delete(&server, &format!("{path}?project=nothing")).await;
    assert_eq!(missing.json()["error"]["message"], "there is no project \"nothing\"");

    // It comes back to life for nobody.
    server.context.store.write(vec![run]).await.unwrap();
    assert_eq!(server.get(&format!("{API}{path}")).await.status, StatusCode::NOT_FOUND);
    let state = server.read(&format!("{API}/purge")).await;
    assert_eq!((&state["tombstones"], &state["dropped"]), (&json!(1), &json!(1)), "{state}");
}

#[tokio::test]
async fn a_trace_of_two_projects_needs_the_project_named() {
    let server = Server::with_traces().await;
    let name = clearspan_catalog::ProjectName::parse("other").unwrap();
    let workspace_id = server.context.workspace.id;
    let other = server.context.catalog.get_or_create_project(workspace_id, &name, at(0)).unwrap();
    let mut run = server.run(1, 1, None);
    run.key.project_id = other.id;
    server.context.store.write(vec![run]).await.unwrap();
    let path = format!("/traces/{}", uuid(1));
    let refused = delete(&server, &path).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]["code"]),
        (StatusCode::CONFLICT, &json!("conflict"))
    );
    assert_eq!(counts(&delete(&server, &format!("{path}?project=other")).await), [1, 1, 0, 0]);
    assert_eq!(counts(&delete(&server, &path).await), [1, 4, 0, 0]);
}

#[tokio::test]
async fn traces_are_deleted_by_filter_user_thread_and_ids() {
    let server = Server::with_traces().await;
    let staging = json!({ "filter": "env:staging", "dry_run": true });
    let preview = order(&server, staging).await;
    assert_eq!((counts(&preview), &preview.json()["dry_run"]), ([2, 2, 0, 0], &json!(true)));
    assert_eq!(names(&server).await.len(), 6, "a dry run deletes nothing");
    assert_eq!(counts(&order(&server, json!({ "filter": "env:staging" })).await), [2, 2, 0, 0]);
    assert_eq!(names(&server).await, ["agent", "plain 0", "plain 2", "plain 4"]);
    let old = json!({ "time": format!("..{}", at(-13_000).as_micros()) });
    assert_eq!(counts(&order(&server, old).await), [1, 1, 0, 0]);
    assert_eq!(counts(&order(&server, json!({ "user": "ann", "dry_run": true })).await), [1, 4, 0, 0]);
    assert_eq!(counts(&order(&server, json!({ "thread": "thread-1" })).await), [1, 4, 0, 0]);
    assert_eq!(counts(&order(&server, json!({ "trace_ids": [uuid(100), uuid(99)] })).await), [1, 1, 0, 0]);
    assert_eq!(names(&server).await, ["plain 2"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_deletion_is_said() {
    let server = Server::with_traces().await;
    for (body, code, pointer) in [
        (json!({}), "invalid_body", Value::Null),
        (json!({ "filter": " " }), "invalid_body", Value::Null),
        (json!({ "user": "a", "thread": "b" }), "invalid_body", Value::Null),
        (json!({ "filter": "env:staging", "user": "a" }), "invalid_body", Value::Null),
        (json!({ "time": "all" }), "invalid_body", Value::Null),
        (json!({ "filter": "status:oops" }), "invalid_filter", json!("/filter")),
        (json!({ "time": "yesterday" }), "invalid_parameter", json!("/time")),
        (json!({ "trace_ids": ["x"] }), "invalid_body", Value::Null),
        (json!({ "filtre": "a" }), "invalid_body", Value::Null),
    ] {
        let answer = order(&server, body.clone()).await;
        let error = answer.json()["error"].take();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}: {error}");
        assert_eq!((&error["code"], &error["pointer"]), (&json!(code), &pointer), "{body}: {error}");
    }
    let positioned = order(&server, json!({ "filter": "name:x status:oops" })).await.json();
    assert_eq!(positioned["error"]["position"]["start"], 14, "{positioned}");
    let unknown =
        server.change("POST", &format!("{API}/projects/no/deletions"), json!({ "user": "a" })).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    // A page of another site cannot send this.
    let form = Request::post(format!("{API}/projects/demo/deletions")).body(Body::from(r#"{"user":"ann"}"#));
    assert_eq!(server.send(form.unwrap()).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(names(&server).await.len(), 6);
}

#[tokio::test]
async fn a_deleted_project_is_gone_and_its_name_is_free() {
    let server = Server::with_traces().await;
    let answer = delete(&server, "/projects/demo").await;
    assert_eq!((answer.status, counts(&answer)), (StatusCode::OK, [6, 9, 0, 0]));
    assert_eq!(server.read(&format!("{API}/projects")).await["projects"], json!([]));
    assert_eq!(delete(&server, "/projects/demo").await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.context.catalog.unfinished_deletions().unwrap(), []);
    // The id of the old one is dead, the name is not.
    server.context.store.write(vec![server.run(1, 1, None)]).await.unwrap();
    let name = clearspan_catalog::ProjectName::parse("demo").unwrap();
    let new =
        server.context.catalog.get_or_create_project(server.context.workspace.id, &name, at(0)).unwrap();
    assert_eq!(names(&server).await, Vec::<String>::new());
    let mut run = server.run(1, 1, None);
    run.key.project_id = new.id;
    run.name = Some("new".to_owned());
    server.context.store.write(vec![run]).await.unwrap();
    assert_eq!(names(&server).await, ["new"]);
}

#[tokio::test]
async fn retention_is_set_read_and_enforced() {
    let server = Server::with_traces().await;
    let path = format!("{API}/projects/demo/retention");
    let unlimited = json!({
        "payload_days": null, "run_days": null, "max_bytes": null, "disk_bytes": 0, "disk_runs": 0, "removed": null,
    });
    assert_eq!(server.read(&path).await, unlimited);
    let limits = json!({ "payload_days": 3, "run_days": 7 });
    let set = server.change("PUT", &path, limits).await;
    assert_eq!((set.status, &set.json()["run_days"]), (StatusCode::OK, &json!(7)));
    assert_eq!(server.read(&path).await["payload_days"], 3);

    let day = 86_400_000;
    let mut old = server.run(200, 1, None);
    old.received_at = at(-8 * day);
    let mut stripped = server.run(201, 1, None);
    stripped.received_at = at(-4 * day);
    stripped.inputs.rest = Some(clearspan_model::JsonText::from_string("secret"));
    server.context.store.write(vec![old, stripped]).await.unwrap();
    server.context.upkeep.look().await;
    assert_eq!(names(&server).await.len(), 7, "the oldest is gone");
    let removed = server.read(&path).await["removed"].take();
    assert_eq!(removed["expired"]["runs"], 1, "{removed}");
    while server.read(&format!("{API}/purge")).await["running"] == true {
        tokio::task::yield_now().await;
    }
    let purge = server.read(&format!("{API}/purge")).await;
    assert_eq!(purge["last"]["removed"]["rows_stripped"], 1, "{purge}");
    let run = server.read(&format!("{API}/traces/{}/runs/{}", uuid(201), uuid(1))).await;
    assert!(!run.to_string().contains("secret"), "{run}");

    for (body, pointer) in [
        (json!({ "run_days": 0 }), json!("/run_days")),
        (json!({ "payload_days": 0 }), json!("/payload_days")),
        (json!({ "max_bytes": 0 }), json!("/max_bytes")),
        (json!({ "max_bytes": -1 }), Value::Null),
    ] {
        let answer = server.change("PUT", &path, body.clone()).await;
        assert_eq!((answer.status, &answer.json()["error"]["pointer"]), (StatusCode::BAD_REQUEST, &pointer));
    }
    assert_eq!(server.read(&path).await["run_days"], 7, "nothing was changed");
    let cleared = server.change("PUT", &path, json!({})).await.json();
    assert_eq!((&cleared["run_days"], &cleared["payload_days"]), (&Value::Null, &Value::Null));
    assert_eq!(server.get(&format!("{API}/projects/no/retention")).await.status, StatusCode::NOT_FOUND);
}

/// A limit for payloads holds from the next round on, also a shorter one; while none changes a day passes between looks.
#[tokio::test]
async fn changed_limits_of_payloads_hold_from_the_next_round() {
    let server = Server::new();
    let path = format!("{API}/projects/demo/retention");
    let day = 86_400_000;
    let write = async |trace: u8, age: i64| {
        let mut run = server.run(trace, 1, None);
        run.received_at = at(-age * day);
        run.inputs.rest = Some(JsonText::from_string("secret"));
        server.context.store.write(vec![run]).await.unwrap();
    };
    // Looks, and which of the traces still have their payload.
    let look = async || {
        server.context.upkeep.look().await;
        while server.context.upkeep.purge_state().running_since.is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        let mut left = Vec::new();
        for trace in 1..=4 {
            let run = server.get(&format!("{API}/traces/{}/runs/{}", uuid(trace), uuid(1))).await;
            if run.status == StatusCode::OK && run.json().to_string().contains("secret") {
                left.push(trace);
            }
        }
        left
    };
    let limit =
        async |limits: Value| assert_eq!(server.change("PUT", &path, limits).await.status, StatusCode::OK);

    write(1, 40).await;
    write(2, 20).await;
    write(3, 2).await;
    assert_eq!(look().await, [1, 2, 3]);
    limit(json!({ "payload_days": 30 })).await;
    assert_eq!(look().await, [2, 3], "a new limit");
    write(4, 31).await;
    assert_eq!(look().await, [2, 3, 4], "nothing changed, and no day has passed");
    limit(json!({ "payload_days": 50 })).await;
    assert_eq!(look().await, [2, 3, 4], "a longer one can wait");
    limit(json!({ "payload_days": 10 })).await;
    assert_eq!(look().await, [3], "a shorter one");
    limit(json!({ "payload_days": 10, "run_days": 90 })).await;
    limit(json!({ "payload_days": 1 })).await;
    assert_eq!(look().await, Vec::<u8>::new());
}

/// What a crash between the catalog and the store leaves is finished by the next look.
#[tokio::test]
async fn an_interrupted_deletion_of_a_project_is_finished() {
    let server = Server::with_traces().await;
    let workspace_id = server.context.workspace.id;
    assert!(server.context.catalog.delete_project(workspace_id, server.project_id, at(0)).unwrap());
    server.context.upkeep.look().await;
    assert_eq!(server.context.catalog.unfinished_deletions().unwrap(), []);
    assert_eq!(server.context.store.project_activity(workspace_id, at(0)).await.unwrap(), []);
}

/// Keeps a file that came long ago.
fn old_file(server: &Server, content: &[u8]) -> String {
    use std::io::Write as _;
    let mut file = server.context.attachments.begin().unwrap();
    file.write_all(content).unwrap();
    let hash = server.context.attachments.keep(file).unwrap().0.to_string();
    let file = std::fs::OpenOptions::new().append(true).open(path_of(server, &hash)).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    hash
}

fn path_of(server: &Server, hash: &str) -> std::path::PathBuf {
    server._dir.path().join("attachments").join(hash.split_at(2).0).join(hash)
}

#[tokio::test]
async fn files_go_with_the_last_run_or_example_that_lists_them() {
    let server = Server::new();
    let [own, shared, example, unused] =
        [b"own".as_slice(), b"shared", b"example", b"unused"].map(|content| old_file(&server, content));
    let with_file = |trace: u8, hash: &str| {
        let mut run = server.run(trace, trace, None);
        run.start_time = Some(at(0));
        let file = json!({ "sha256": hash, "bytes": 3, "mime_type": "image/png" });
        run.attributes.insert(format!("langsmith.attachment.{trace}"), JsonText::from_value(&file));
        run
    };
    let runs = vec![with_file(1, &own), with_file(2, &shared), with_file(3, &shared), with_file(4, &example)];
    server.context.store.write(runs).await.unwrap();
    let dataset = server.change("POST", "/datasets", json!({ "name": "d" })).await.json();
    let body = json!({ "dataset_id": dataset["id"], "inputs": {}, "source_run_id": uuid(4),
        "use_source_run_io": true, "use_source_run_attachments": ["4"] });
    assert_eq!(server.change("POST", "/examples", body).await.status, StatusCode::OK);
    let there = || [&own, &shared, &example, &unused].map(|hash| path_of(&server, hash).exists());

    purge(&server).await;
    assert_eq!(there(), [true, true, true, false]);
    for trace in [1, 2, 4] {
        let deleted = server.change("DELETE", &format!("{API}/traces/{}", uuid(trace)), json!({})).await;
        assert_eq!(deleted.status, StatusCode::OK);
    }
    // What came just now may be listed by a run that is on its way.
    let new = old_file(&server, b"new");
    let file = std::fs::OpenOptions::new().append(true).open(path_of(&server, &new)).unwrap();
    let now = u64::try_from(NOW).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_nanos(now)).unwrap();
    purge(&server).await;
    assert_eq!(there(), [false, true, true, false], "one run and one example still list theirs");
    assert!(path_of(&server, &new).exists());
}

/// Purges, to the end.
async fn purge(server: &Server) {
    server.context.upkeep.start_purge();
    let ended = async {
        while server.context.upkeep.purge_state().running_since.is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(120), ended).await.unwrap();
    let last = server.context.upkeep.purge_state().last.unwrap();
    assert!(last.outcome.is_ok(), "{last:?}");
}
