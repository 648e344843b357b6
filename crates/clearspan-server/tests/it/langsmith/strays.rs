//! Patches that arrive before their posts and do not say where their run belongs.

use futures::future::join_all;
use serde_json::{Value, json};

use super::{CHILD, ID, root, send_json};
use crate::server::Server;

const ENDED: &str = "2026-11-21T01:32:31Z";

fn child() -> Value {
    json!({
        "id": CHILD, "trace_id": ID, "parent_run_id": ID, "name": "step", "run_type": "tool", "session_name": "demo",
        "start_time": "2026-11-21T01:32:30.990000+00:00", "inputs": {"step": 1},
        "dotted_order": format!("20261121T013230982012Z{ID}.20261121T013230990000Z{CHILD}"),
    })
}

async fn patch(server: &Server, id: &str, more: Value) {
    let mut body = json!({"end_time": ENDED, "outputs": {"answer": id}});
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let answer = send_json(server, "PATCH", &format!("/runs/{id}"), &body).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
}

async fn post(server: &Server, run: &Value) {
    let answer = send_json(server, "POST", "/runs", run).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
}

/// Project, trace, name and status of each run, and whether it has an input and an output.
async fn runs(server: &Server) -> Value {
    let statement = "select project, trace_id, name, status, inputs is not null, outputs is not null from runs order by 1, 3";
    server.change_ok("POST", "/sql", json!({"query": statement}), 200).await["rows"].take()
}

fn whole(name: &str) -> Value {
    json!(["demo", ID, name, "success", true, true])
}

#[tokio::test]
async fn a_patch_before_its_post_is_one_run_with_it() {
    let order = root("")["dotted_order"].take();
    for more in [
        json!({}),
        json!({"trace_id": ID}),
        json!({"trace_id": ID, "dotted_order": order}),
        json!({"dotted_order": order}),
        json!({"session_name": "demo"}),
        json!({"session_name": "demo", "trace_id": ID}),
    ] {
        let server = Server::start();
        patch(&server, ID, more.clone()).await;
        assert_eq!(runs(&server).await.as_array().map(Vec::len), Some(1), "{more}: it can be read at once");
        patch(&server, ID, more.clone()).await;
        post(&server, &root("job")).await;
        assert_eq!(runs(&server).await, json!([whole("job")]), "{more}");
        patch(&server, ID, more.clone()).await;
        post(&server, &root("job")).await;
        assert_eq!(runs(&server).await, json!([whole("job")]), "{more}: sent again");
        let server = Server::start_again(server.kill_9());
        assert_eq!(runs(&server).await, json!([whole("job")]), "{more}: started again");
    }
}

#[tokio::test]
async fn a_post_goes_where_its_patch_said() {
    let server = Server::start();
    patch(&server, ID, json!({"session_name": "demo", "trace_id": ID})).await;
    let mut silent = root("job");
    silent.as_object_mut().expect("an object").remove("session_name");
    post(&server, &silent).await;
    assert_eq!(runs(&server).await, json!([whole("job")]));
}

#[tokio::test]
async fn the_strays_of_a_trace_come_home_together() {
    for more in [json!({}), json!({"trace_id": ID}), json!({"trace_id": ID, "parent_run_id": ID})] {
        let server = Server::start();
        patch(&server, CHILD, more.clone()).await;
        patch(&server, ID, json!({"trace_id": ID})).await;
        post(&server, &root("job")).await;
        post(&server, &child()).await;
        assert_eq!(runs(&server).await, json!([whole("job"), whole("step")]), "{more}");
        // What is in the trace of somebody else's project stays there.
        assert_eq!(server.run_count("default").await, 0, "{more}");
    }
}

#[tokio::test]
async fn a_patch_goes_to_the_project_of_its_trace() {
    let server = Server::start();
    post(&server, &root("job")).await;
    patch(&server, CHILD, json!({"trace_id": ID})).await;
    assert_eq!(server.run_count("demo").await, 2, "before its post");
    post(&server, &child()).await;
    patch(&server, ID, json!({})).await;
    assert_eq!(runs(&server).await, json!([whole("job"), whole("step")]));
}

#[tokio::test]
async fn what_is_where_it_belongs_is_no_stray() {
    let server = Server::start();
    patch(&server, ID, json!({})).await;
    let (mut here, mut there) = (root("here"), root("there"));
    here["session_name"] = json!("default");
    post(&server, &here).await;
    there["session_name"] = json!("other");
    post(&server, &there).await;
    let counts = (server.run_count("default").await, server.run_count("other").await);
    assert_eq!(counts, (1, 1), "the same id in two projects is two runs");
}

#[tokio::test]
async fn a_late_patch_of_a_deleted_trace_stays_dead() {
    let server = Server::start();
    let order = root("")["dotted_order"].take();
    post(&server, &root("secret")).await;
    post(&server, &child()).await;
    server.change_ok("DELETE", &format!("/traces/{ID}"), json!(null), 200).await;
    let server = Server::start_again(server.kill_9());
    for (id, more) in [
        (ID, json!({})),
        (ID, json!({"trace_id": ID, "dotted_order": order})),
        (CHILD, json!({"trace_id": ID})),
        (CHILD, json!({"trace_id": ID, "dotted_order": child()["dotted_order"]})),
    ] {
        patch(&server, id, more.clone()).await;
        assert_eq!(runs(&server).await, json!([]), "{more}");
    }
}

#[tokio::test]
async fn patches_and_posts_at_the_same_time_are_one_run_each() {
    let server = Server::start();
    let id = |n: u32| format!("01a1fbbb-cb86-7125-8e15-{n:012}");
    let tell = async |n: u32, is_post: bool| {
        let mut run = root(&format!("job {n:03}"));
        let id = id(n);
        run["id"] = json!(id);
        run["trace_id"] = json!(id);
        run["dotted_order"] = json!(format!("20261121T013230982012Z{id}"));
        match is_post {
            true => post(&server, &run).await,
            false => patch(&server, &id, json!({})).await,
        }
    };
    for first in (0..150).step_by(6) {
        let pairs = (first..first + 6).flat_map(|n| [(n, n % 2 == 0), (n, n % 2 == 1)]);
        join_all(pairs.map(|(n, is_post)| tell(n, is_post))).await;
    }
    let found = runs(&server).await;
    let found = found.as_array().expect("rows");
    let torn: Vec<&Value> = found.iter().filter(|run| run[0] != "demo").collect();
    assert_eq!((found.len(), torn), (150, Vec::new()));
    for run in found {
        assert_eq!(
            (&run[0], &run[3], &run[4], &run[5]),
            (&json!("demo"), &json!("success"), &json!(true), &json!(true))
        );
    }
}
