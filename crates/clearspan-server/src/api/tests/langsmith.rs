use super::*;

#[tokio::test]
async fn every_prefix_answers_alike() {
    let server = Server::with_traces().await;
    let sessions = server.read("/sessions?name=demo").await;
    assert_eq!(sessions[0]["name"], "demo");
    assert_eq!(sessions[0]["tenant_id"], json!(server.context.workspace.id));
    assert!(sessions[0].as_object().unwrap().contains_key("reference_dataset_id"));
    for prefix in ["/api", "/api/v1"] {
        assert_eq!(server.read(&format!("{prefix}/sessions?name=demo")).await, sessions);
        assert_eq!(server.read(&format!("{prefix}/info")).await["instance_flags"]["ch_query_enabled"], true);
    }
    let id = sessions[0]["id"].as_str().unwrap();
    assert_eq!(server.read(&format!("/sessions/{id}")).await, sessions[0]);
    assert_eq!(server.read(&format!("/sessions/{id}?include_stats=True")).await["run_count"], 6);
    assert_eq!(server.read("/sessions?name=other").await, json!([]));
    assert_eq!(server.read("/sessions?name_contains=DEM&limit=1&offset=1").await, json!([]));
}

#[tokio::test]
async fn runs_are_queried_and_paged() {
    let server = Server::with_traces().await;
    let session = server.project_id.to_string();
    let query = |body: Value| server.post("/runs/query", body);
    let body = json!({"session": [session], "is_root": true, "limit": 2, "start_time": null, "order": "asc"});
    let mut seen = Vec::new();
    let mut page = query(body.clone()).await.json();
    while let Some(cursor) = page["cursors"]["next"].as_str() {
        seen.extend(page["runs"].as_array().unwrap().clone());
        let mut next = body.clone();
        next["cursor"] = json!(cursor);
        page = query(next).await.json();
    }
    seen.extend(page["runs"].as_array().unwrap().clone());
    assert_eq!(seen.len(), 6);
    let root = seen.last().unwrap();
    assert_eq!(
        (&root["name"], &root["total_tokens"], &root["total_cost"]),
        (&json!("agent"), &json!(520), &json!("0.03"))
    );
    assert_eq!(root["inputs"], json!({"input": "Refund my order"}));
    assert_eq!(root["extra"]["metadata"], json!({"plan": "pro", "thread_id": "thread-1"}));

    let llm = json!({"filter": "and(eq(run_type, 'llm'), eq(thread_id, 'thread-1'))", "order": "asc"});
    let runs = query(llm).await.json()["runs"].take();
    assert_eq!(runs.as_array().unwrap().len(), 2);
    assert_eq!(runs[0]["outputs"], json!({"messages": [{"role": "assistant", "content": "answer 2"}]}));
    assert_eq!(runs[0]["parent_run_ids"], json!([uuid(1)]));
    assert_eq!(
        runs[0]["dotted_order"],
        format!("20261119T235955000000Z{}.20261119T235955100000Z{}", uuid(1), uuid(2))
    );

    // What is below a root counts as its own.
    let costly = query(json!({"is_root": true, "filter": "gt(total_cost, 0.02)"})).await.json();
    assert_eq!(costly["runs"].as_array().unwrap().len(), 1);
    let costly = query(json!({"filter": "and(gt(total_cost, 0.015), eq(is_root, false))"})).await.json();
    assert_eq!(costly["runs"][0]["id"], uuid(3));

    let narrow = query(json!({"trace": uuid(1), "is_root": true, "select": ["total_cost"]})).await.json();
    let keys: Vec<&str> = narrow["runs"][0].as_object().unwrap().keys().map(String::as_str).collect();
    assert!(
        keys.contains(&"start_time") && keys.contains(&"total_cost") && !keys.contains(&"inputs"),
        "{keys:?}"
    );
}

#[tokio::test]
async fn one_run_is_read_by_id() {
    let server = Server::with_traces().await;
    let run = server.read(&format!("/api/v1/runs/{}", uuid(4))).await;
    assert_eq!((&run["status"], &run["run_type"]), (&json!("error"), &json!("tool")));
    assert_eq!(run["app_path"], format!("/app/p/demo/traces/{}?span={}", uuid(1), uuid(4)));
    // Root runs of several traces share the id 1: the newest is meant.
    let root = server.read(&format!("/runs/{}", uuid(1))).await;
    assert_eq!(root["name"], "agent");
    assert_eq!(root["child_run_ids"], json!([uuid(2), uuid(4), uuid(3)]));
    let answer = server.get(&format!("/runs/{}", uuid(50))).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.json()["detail"], format!("there is no run {}", uuid(50)));
}

#[tokio::test]
async fn figures_and_refusals() {
    let server = Server::with_traces().await;
    let stats =
        server.post("/runs/stats", json!({"session": [server.project_id], "run_type": "llm"})).await.json();
    assert_eq!((&stats["run_count"], &stats["total_cost"]), (&json!(2), &json!("0.03")));
    let answer = server.post("/runs/query", json!({"filter": "eq(prompt_costs, 1)"})).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let detail = answer.json()["detail"].take();
    assert_eq!(
        detail,
        "filter: there is no field \"prompt_costs\"; did you mean \"prompt_cost\"? (at character 4)"
    );
    assert_eq!(
        server.post("/runs/query", json!({"session": "nonsense"})).await.status,
        StatusCode::BAD_REQUEST
    );
    let nothing = server.post("/runs/query", json!({"reference_example": [uuid(1)]})).await.json();
    assert_eq!(nothing, json!({"runs": [], "cursors": {"next": null}, "parsed_query": null}));
}
