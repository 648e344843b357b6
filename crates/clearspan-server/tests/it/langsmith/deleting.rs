//! What LangSmith's own API has beside its SDKs: deleting traces, and the list of workspaces.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::{CHILD, ID, root, send, send_json};
use crate::server::Server;

/// A trace of one run, with metadata.
fn run(id: &str, metadata: &Value) -> Value {
    let mut run = root("agent");
    run["id"] = json!(id);
    run["trace_id"] = json!(id);
    run["dotted_order"] = json!(format!("20261121T013230982012Z{id}"));
    run["extra"] = json!({ "metadata": metadata });
    run
}

const THIRD: &str = "01a1fbbb-cbcc-7e3e-bbd1-c21de81c73d2";

async fn server_with_three() -> Server {
    let server = Server::start();
    let runs = [
        run(ID, &json!({"user": "ann", "plan": 3})),
        run(CHILD, &json!({"user": "bob", "plan": 3})),
        run(THIRD, &json!({"user": "cid", "plan": 4})),
    ];
    assert_eq!(send_json(&server, "POST", "/runs/batch", &json!({ "post": runs })).await.status, 202);
    server
}

async fn is_there(server: &Server, id: &str) -> bool {
    let request = Request::get(format!("/runs/{id}")).body(Bytes::new()).expect("a valid request");
    match send(server, request).await.status.as_u16() {
        200 => true,
        404 => false,
        other => panic!("{id}: {other}"),
    }
}

async fn left(server: &Server) -> Vec<&'static str> {
    let mut left = Vec::new();
    for (name, id) in [("ann", ID), ("bob", CHILD), ("cid", THIRD)] {
        if is_there(server, id).await {
            left.push(name);
        }
    }
    left
}

async fn session_id(server: &Server) -> Value {
    let request = Request::get("/sessions?name=demo").body(Bytes::new()).expect("a valid request");
    send(server, request).await.json()[0]["id"].clone()
}

#[tokio::test]
async fn traces_are_deleted_by_their_ids() {
    let server = server_with_three().await;
    let body = json!({"session_id": session_id(&server).await, "trace_ids": [ID, THIRD]});
    let answer = send_json(&server, "POST", "/api/v1/runs/delete", &body).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["message"]),
        (202, &json!("2 traces with 2 runs were deleted"))
    );
    assert_eq!(left(&server).await, ["bob"]);
}

#[tokio::test]
async fn traces_are_deleted_by_metadata() {
    let server = server_with_three().await;
    let both = json!({"metadata": {"user": ["ann", "cid"], "plan": 3}});
    assert_eq!(send_json(&server, "POST", "/runs/delete", &both).await.status, 202);
    assert_eq!(left(&server).await, ["bob", "cid"], "all of the keys must fit");
    let number = json!({"session_id": session_id(&server).await, "metadata": {"plan": [4]}});
    assert_eq!(send_json(&server, "POST", "/runs/delete", &number).await.status, 202);
    assert_eq!(left(&server).await, ["bob"]);
}

#[tokio::test]
async fn what_is_to_be_deleted_must_be_said() {
    let server = server_with_three().await;
    let nowhere = json!({"session_id": CHILD, "trace_ids": [ID]});
    for (body, status) in [
        (json!({}), 422),
        (json!({"trace_ids": [], "metadata": {}}), 422),
        (json!({"trace_ids": [ID], "metadata": {"user": "ann"}}), 422),
        (json!({"metadata": {"user": []}}), 422),
        (json!({"trace_ids": ["x"]}), 400),
        (json!({"trace_ids": 5}), 400),
        (nowhere, 404),
    ] {
        let answer = send_json(&server, "POST", "/runs/delete", &body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.text());
        assert!(answer.json()["detail"].is_string(), "{body}: {}", answer.text());
    }
    assert_eq!(left(&server).await, ["ann", "bob", "cid"]);
}

#[tokio::test]
async fn the_workspace_is_listed() {
    let server = Server::start();
    let get = async |path: &str| {
        let answer = send(&server, Request::get(path).body(Bytes::new()).expect("a valid request")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    };
    let settings = get("/api/v1/settings").await;
    let current = get("/api/v1/workspaces/current").await;
    assert_eq!(get("/workspaces/").await, json!([current]));
    for key in ["id", "display_name", "tenant_handle"] {
        assert_eq!(current[key], settings[key], "{key}");
    }
    let exports = send_json(&server, "POST", "/api/v1/bulk-exports", &json!({})).await;
    assert_eq!(exports.status, 501);
    assert!(exports.text().contains("clearspan export"), "{}", exports.text());
}
