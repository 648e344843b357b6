//! The second version of LangSmith's protocol, and threads in the first.

use super::*;

fn long_ago(mut body: Value) -> Value {
    body["min_start_time"] = json!("2026-01-01T00:00:00Z");
    body
}

#[tokio::test]
async fn runs_come_in_pages_with_what_is_selected() {
    let server = Server::with_traces().await;
    let body = json!({"project_ids": [server.project_id], "page_size": 2, "selects": ["ID", "NAME", "STATUS", "RUN_TYPE", "PARENT_RUN_IDS"]});
    let mut seen = Vec::new();
    let mut page = server.post("/api/v2/runs/query", body.clone()).await.json();
    loop {
        seen.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        let mut next = body.clone();
        next["cursor"] = json!(cursor);
        page = server.post("/api/v2/runs/query", next).await.json();
    }
    assert_eq!(seen.len(), 9);
    let call = seen.iter().find(|run| run["id"] == uuid(3)).unwrap();
    assert_eq!(
        *call,
        json!({"id": uuid(3), "name": "chat", "status": "SUCCESS", "run_type": "LLM", "parent_run_ids": [uuid(1)]})
    );
    let ids = server.post("/api/v2/runs/query", json!({"run_type": "TOOL", "has_error": true})).await.json();
    assert_eq!(ids, json!({"items": [{"id": uuid(4)}], "next_cursor": null}));
    let none = json!({"max_start_time": "2026-11-01T00:00:00Z"});
    assert_eq!(server.post("/api/v2/runs/query", long_ago(none)).await.json()["items"], json!([]));
}

#[tokio::test]
async fn one_run_and_its_address() {
    let server = Server::with_traces().await;
    let path = format!("/api/v2/runs/{}", uuid(1));
    let place = format!("project_id={}&trace_id={}", server.project_id, uuid(1));
    let run = server
        .read(&format!(
            "{path}?{place}&selects=ID&selects=INPUTS&selects=METADATA&selects=IS_ROOT&selects=TOTAL_TOKENS&selects=SHARE_URL\
             &selects=LATENCY_SECONDS&selects=THREAD_ID&selects=FEEDBACK_STATS"
        ))
        .await;
    assert_eq!(
        (&run["id"], &run["is_root"], &run["latency_seconds"]),
        (&json!(uuid(1)), &json!(true), &json!(4.0))
    );
    assert_eq!(
        (&run["inputs"], &run["metadata"]["plan"]),
        (&json!({"input": "Refund my order"}), &json!("pro"))
    );
    assert_eq!(
        (&run["total_tokens"], &run["share_url"], &run["thread_id"]),
        (&Value::Null, &Value::Null, &json!("thread-1"))
    );
    let whole = server
        .read(&format!("{path}?{place}&selects=TOTAL_TOKENS&selects=TOTAL_COST&include_subtree_usage=true"))
        .await;
    assert_eq!(whole, json!({"total_tokens": 520, "total_cost": 0.03}));
    let url = server.read(&format!("{path}/url?{place}")).await;
    assert_eq!(url["url"], format!("http://127.0.0.1:4318/app/p/demo/traces/{}?span={}", uuid(1), uuid(1)));
    assert_eq!(server.get(&format!("{path}?project_id={}", uuid(2))).await.status, StatusCode::NOT_FOUND);
    let nonsense = server.get(&format!("{path}?{place}&selects=NONSENSE")).await;
    assert_eq!(nonsense.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(nonsense.json()["detail"].as_str().unwrap().contains("NONSENSE"));
}

#[tokio::test]
async fn an_answer_streams_as_patches() {
    let server = Server::with_traces().await;
    let body = json!({"page_size": 2, "selects": ["ID"], "project_ids": [server.project_id]}).to_string();
    let request = Request::post("/api/v2/runs/query").header("accept", "text/event-stream");
    let answer = server.send(request.body(Body::from(body)).unwrap()).await;
    assert_eq!(answer.headers["content-type"], "text/event-stream");
    let text = String::from_utf8(answer.body).unwrap();
    let events: Vec<&str> = text.trim().split("\n\n").collect();
    assert!(events[0].contains(r#""path":"""#) && events.last().unwrap().contains("event: end"), "{text}");
    let operations: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: ["))
        .flat_map(|rest| serde_json::from_str::<Vec<Value>>(&format!("[{rest}")).unwrap())
        .collect();
    let added: Vec<&Value> = operations.iter().filter(|op| op["path"] == "/items/-").collect();
    assert_eq!(added.len(), 2);
    assert!(operations.iter().any(|op| op["path"] == "/next_cursor" && op["value"].is_string()), "{text}");
}

#[tokio::test]
async fn traces_are_listed_and_read_whole() {
    let server = Server::with_traces().await;
    let body = json!({"project_id": server.project_id, "selects": ["ID", "NAME", "TOTAL_COST"],
        "trace_filter": "eq(name, \"agent\")", "tree_filter": "eq(run_type, 'llm')"});
    let page = server.post("/api/v2/traces/query", body).await.json();
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
    let item = &page["items"][0];
    assert_eq!(item["root_run"]["name"], "agent");
    assert_eq!(
        item["trace_aggregates"],
        json!({"first_token_time": null, "total_cost": 0.03, "total_tokens": 520})
    );
    let by_id = json!({"project_id": server.project_id, "trace_ids": [uuid(100), uuid(101)], "page_size": 1});
    let page = server.post("/api/v2/traces/query", by_id.clone()).await.json();
    let mut next = by_id;
    next["cursor"] = page["next_cursor"].clone();
    let last = server.post("/api/v2/traces/query", next).await.json();
    assert_eq!((last["items"].as_array().unwrap().len(), &last["next_cursor"]), (1, &Value::Null));

    let path = format!("/api/v2/traces/{}/runs?project_id={}", uuid(1), server.project_id);
    let runs = server.read(&format!("{path}&selects=ID&selects=DOTTED_ORDER")).await["items"].take();
    assert_eq!(runs.as_array().unwrap().len(), 4);
    assert_eq!(runs[0]["id"], json!(uuid(1)), "in the order in which they began");
    let calls = server.read(&format!("{path}&filter=eq(run_type,%22llm%22)")).await;
    assert_eq!(calls["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn threads_are_listed_and_summed_up() {
    let server = Server::with_traces().await;
    let mut turn = server.run(120, 1, None);
    turn.name = Some("again".to_owned());
    turn.thread_id = Some("thread-1".to_owned());
    (turn.start_time, turn.end_time) = (Some(at(-500)), Some(at(-300)));
    turn.outputs.rest = Some(JsonText::from_string("done"));
    let mut other = server.run(121, 1, None);
    other.thread_id = Some("thread-2".to_owned());
    (other.start_time, other.end_time, other.error) =
        (Some(at(-400)), Some(at(-100)), Some("broken".to_owned()));
    server.context.store.write(vec![turn, other]).await.unwrap();
    let feedback = json!({"run_id": uuid(1), "trace_id": uuid(120), "key": "stars", "score": 3});
    server.post("/feedback", feedback).await;
    let project = server.project_id;

    let query = async |body: Value| server.post("/api/v2/threads/query", body).await.json();
    let all = query(json!({"project_id": project})).await;
    let threads = all["items"].as_array().unwrap();
    assert_eq!(
        threads.iter().map(|thread| &thread["thread_id"]).collect::<Vec<_>>(),
        ["thread-2", "thread-1"]
    );
    let one = &threads[1];
    assert_eq!(
        (&one["count"], &one["num_errored_turns"], &one["total_tokens"]),
        (&json!(2), &json!(0), &json!(520))
    );
    assert_eq!((&one["first_trace_id"], &one["last_trace_id"]), (&json!(uuid(1)), &json!(uuid(120))));
    assert_eq!((&one["first_inputs"], &one["last_outputs"]), (&json!("Refund my order"), &json!("done")));
    assert_eq!((&one["total_cost"], &one["latency_p50"]), (&json!(0.03), &json!(0.2)));
    assert_eq!(one["feedback_stats"]["stars"]["avg"], 3);
    let first = query(json!({"project_id": project, "page_size": 1})).await;
    let second = query(json!({"project_id": project, "page_size": 1, "cursor": first["next_cursor"]})).await;
    assert_eq!(
        (&second["items"][0]["thread_id"], &second["next_cursor"]),
        (&json!("thread-1"), &Value::Null)
    );
    let busy = query(json!({"project_id": project, "thread_filter": "gt(turn_count, 1)"})).await;
    assert_eq!(busy["items"].as_array().unwrap().len(), 1);
    let failed = query(json!({"project_id": project, "trace_filter": "eq(status, 'error')"})).await;
    assert_eq!(failed["items"][0]["thread_id"], "thread-2");
    let wrong = server.post("/api/v2/threads/query", json!({"thread_filter": "gt(turns, 1)"})).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.json()["detail"].as_str().unwrap().starts_with("thread_filter: there is no figure"));

    let path =
        format!("/api/v2/threads/thread-1/traces?project_id={project}&selects=NAME&selects=TURN_NUMBER");
    let turns = server.read(&path).await;
    let expected = json!([{"trace_id": uuid(1), "name": "agent", "turn_number": 1},
        {"trace_id": uuid(120), "name": "again", "turn_number": 2}]);
    assert_eq!(turns, json!({"items": expected, "next_cursor": null}));
    let filtered = server.read(&format!("{path}&filter=eq(name,%22again%22)")).await;
    assert_eq!(filtered["items"], json!([expected[1]]));

    let stats = server
        .read(&format!("/api/v2/threads/thread-1/stats?selects=TURNS&selects=TOTAL_COST&selects=LATENCY_P99&session_id={project}"))
        .await;
    assert_eq!(stats, json!({"turns": 2, "total_cost": 0.03, "latency_p99_seconds": 4.0}));
    let empty =
        server.read(&format!("/api/v2/threads/nobody/stats?selects=TURNS&session_id={project}")).await;
    assert_eq!(empty, json!({"turns": 0}));
    let sums = json!({"project_id": project, "select": ["THREAD_COUNT", "TRACE_COUNT", "ERROR_RATE"]});
    let sums = server.post("/api/v2/threads/stats", sums).await.json();
    assert_eq!((&sums["thread_count"], &sums["trace_count"]), (&json!(2), &json!(3)));
    assert!((sums["error_rate"].as_f64().unwrap() - 1.0 / 3.0).abs() < 1e-9);

    let groups = json!({"session_id": project, "group_by": "conversation", "limit": 1, "offset": 1});
    let groups = server.post("/runs/group", groups).await.json();
    assert_eq!((&groups["total"], &groups["groups"][0]["group_key"]), (&json!(2), &json!("thread-1")));
    assert_eq!(
        (&groups["groups"][0]["count"], &groups["groups"][0]["total_cost"]),
        (&json!(2), &json!("0.03"))
    );
}

/// Names on all pages of a list.
async fn names(server: &Server, path: &str) -> Vec<String> {
    let (mut names, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let more = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page = server.read(&format!("{path}{more}")).await;
        let items = page["items"].as_array().unwrap();
        names.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return names;
        }
    }
}

#[tokio::test]
async fn projects_are_made_changed_and_listed() {
    let server = Server::with_traces().await;
    let dataset = server.post("/datasets", json!({"name": "questions"})).await.json();
    let made = json!({"type": "EXPERIMENT", "name": "exp-1", "reference_dataset_id": dataset["id"],
        "trace_tier": "LONG_LIVED", "start_time": "2026-01-02T00:00:00Z",
        "extra": {"metadata": {"dataset_version": "2026-01-01T00:00:00+00:00", "model": "m"}}});
    let made = server.post("/api/v2/sessions", made).await.json();
    assert_eq!((&made["type"], &made["trace_tier"]), (&json!("EXPERIMENT"), &json!("LONG_LIVED")));
    let path = format!("/api/v2/sessions/{}", made["id"].as_str().unwrap());
    let changed =
        server.change("PATCH", &path, json!({"description": "d", "trace_tier": "SHORT_LIVED"})).await;
    assert_eq!(changed.json()["trace_tier"], "SHORT_LIVED");
    assert_eq!(server.read(&path).await["description"], "d");
    assert_eq!(
        server.read(&format!("/sessions/{}", made["id"].as_str().unwrap())).await["trace_tier"],
        "shortlived"
    );
    let other = json!({"type": "PROJECT", "name": "another"});
    assert_eq!(server.post("/api/v2/sessions", other.clone()).await.status, StatusCode::OK);
    assert_eq!(server.post("/api/v2/sessions", other.clone()).await.status, StatusCode::CONFLICT);
    assert_eq!(server.post("/api/v2/sessions?upsert=true", other).await.status, StatusCode::OK);

    let list = async |query: &str| names(&server, &format!("/api/v2/sessions?page_size=1&{query}")).await;
    assert_eq!(list("sort_by=NAME&sort_order=asc").await, ["another", "demo", "exp-1"]);
    assert_eq!(list("sort_by=NAME").await, ["exp-1", "demo", "another"]);
    assert_eq!(list("sort_by=LAST_RUN_START_TIME&sort_order=asc").await[0], "demo");
    assert_eq!(list("sort_order=asc").await[0], "exp-1");
    assert_eq!(list("sort_by=ERROR_RATE&sort_order=asc").await[0], "demo");
    assert_eq!(list("type=EXPERIMENT").await, ["exp-1"]);
    assert_eq!(list("type=PROJECT&sort_by=NAME").await, ["demo", "another"]);
    assert_eq!(list("type=EXPERIMENT&type=PROJECT").await.len(), 3);
    let of_dataset = format!("reference_dataset_id={}", dataset["id"].as_str().unwrap());
    assert_eq!(list(&of_dataset).await, ["exp-1"]);
    assert_eq!(list(&format!("reference_dataset_id={}", uuid(9))).await, [""; 0]);
    assert_eq!(list("metadata=%7B%22model%22:%22m%22%7D").await, ["exp-1"]);
    assert_eq!(list("dataset_version=2026-01-01T00:00:00Z").await, ["exp-1"]);
    assert_eq!(list("dataset_version=2026-01-02T00:00:00Z").await, [""; 0]);
    assert_eq!(list("name=demo").await, ["demo"]);
    assert_eq!(list("filter=eq(name,%20'exp-1')").await, ["exp-1"]);
    assert_eq!(
        list("filter=and(search(name,'EX'),has(metadata,'%7B%22model%22:%22m%22%7D'))").await,
        ["exp-1"]
    );
    assert_eq!(list("filter=and(neq(name,'demo'),lt(start_time,'2026-01-03'))").await, ["exp-1"]);
    assert_eq!(list("filter=eq(reference_dataset_id,null)&sort_by=NAME").await, ["demo", "another"]);
    let first = server.read("/sessions?filter=eq(description,'d')").await;
    assert_eq!((first.as_array().unwrap().len(), &first[0]["name"]), (1, &json!("exp-1")));
    assert_eq!(list("name_contains=EX").await, ["exp-1"]);
    assert_eq!(list(&format!("id={}", server.project_id)).await, ["demo"]);
    assert_eq!(list(&format!("tag_value_id={}", uuid(9))).await, [""; 0]);
    for wrong in
        ["sort_by=COLOR", "type=X", "id=x", "cursor=x", "page_size=0", "sort_by=FEEDBACK", "filter=eq(a,1)"]
    {
        let answer = server.get(&format!("/api/v2/sessions?{wrong}")).await;
        assert!(answer.status.is_client_error(), "{wrong}: {}", answer.status);
    }
}

#[tokio::test]
async fn projects_come_with_the_figures_that_are_asked_for() {
    let server = Server::with_traces().await;
    let feedback = json!({"run_id": uuid(1), "trace_id": uuid(1), "key": "stars", "score": 4});
    assert_eq!(server.change("POST", "/feedback", feedback).await.status, StatusCode::OK);
    let second = server.post("/api/v2/sessions", json!({"type": "PROJECT", "name": "empty"})).await;
    assert_eq!(second.status, StatusCode::OK);
    let demo = format!("/api/v2/sessions?id={}", server.project_id);
    assert_eq!(server.read(&demo).await["items"][0].get("run_count"), None);
    let all = server.read(&format!("{demo}&include_stats=true")).await["items"][0].take();
    assert_eq!((&all["run_count"], &all["total_cost"]), (&json!(6), &json!(0.03)));
    assert_eq!(
        (&all["feedback_stats"]["stars"]["avg"], &all["feedback_stats"]["stars"]["type"]),
        (&json!(4), &json!("PRIMARY"))
    );
    let some =
        server.read(&format!("{demo}&include_stats=true&stats_select=run_count")).await["items"][0].take();
    assert_eq!(
        (&some["run_count"], some.get("total_cost"), &some["name"]),
        (&json!(6), None, &json!("demo"))
    );
    let filter = "stats_filter=eq(name,%20%22agent%22)";
    let filtered = server.read(&format!("{demo}&include_stats=true&{filter}")).await["items"][0].take();
    assert_eq!(filtered["run_count"], 1);
    let late = format!("{demo}&include_stats=true&stats_start_time=2031-01-01T00:00:00Z");
    assert_eq!(server.read(&late).await["items"][0]["run_count"], 0);
    let refused = server.get(&format!("{demo}&include_stats=true&stats_filter=eq(")).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let one = server.read(&format!("/api/v2/sessions/{}?include_stats=true", server.project_id)).await;
    assert_eq!(one["run_count"], 6);
    let by_feedback = "/api/v2/sessions?sort_by=FEEDBACK&sort_by_feedback_key=stars";
    assert_eq!(names(&server, by_feedback).await[0], "demo");
    assert_eq!(server.read(by_feedback).await["items"][0].get("run_count"), None, "nobody asked for it");
}

#[tokio::test]
async fn datasets_are_listed_in_every_order() {
    let server = Server::new();
    for (name, kind) in [("b", "kv"), ("a", "llm"), ("c", "kv")] {
        let made = json!({"name": name, "data_type": kind, "metadata": {"name": name}});
        assert_eq!(server.post("/datasets", made).await.status, StatusCode::OK);
    }
    let list = async |query: &str| names(&server, &format!("/api/v2/datasets?page_size=2&{query}")).await;
    assert_eq!(list("sort_by=name&sort_order=asc").await, ["a", "b", "c"]);
    assert_eq!(list("sort_by=name").await, ["c", "b", "a"]);
    let mut all = list("").await;
    all.sort();
    assert_eq!(all, ["a", "b", "c"]);
    assert_eq!(list("sort_by=last_session_start_time").await.len(), 3, "none has one");
    assert_eq!(list("data_type=kv&sort_by=name").await, ["c", "b"]);
    assert_eq!(list("name=a").await, ["a"]);
    assert_eq!(list("metadata=%7B%22name%22:%22b%22%7D").await, ["b"]);
    assert_eq!(list(&format!("tag_value_id={}", uuid(1))).await, [""; 0]);
    assert_eq!(server.read("/api/v2/datasets?name=a").await["items"][0]["example_count"], 0);
    assert_eq!(
        server.read("/api/v2/datasets?name=a&exclude=example_count").await["items"][0]["example_count"],
        json!(null)
    );
    assert_eq!(server.get("/api/v2/datasets?sort_by=x").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn runs_and_threads_are_shared() {
    let server = Server::with_traces().await;
    let project = server.project_id;
    let path = format!("/api/v2/runs/{}/share", uuid(3));
    let home = json!({"session_id": project, "trace_id": uuid(1)});
    let token = server.post(&path, home.clone()).await.json()["share_token"].as_str().unwrap().to_owned();
    let public = format!("/api/v2/public/{token}");
    assert_eq!(server.read(&format!("{public}/run/{}?selects=ID", uuid(3))).await, json!({"id": uuid(3)}));
    let shared = server.post(&format!("{public}/runs/query"), json!({"selects": ["ID"]})).await.json();
    assert_eq!(shared["items"], json!([{"id": uuid(3)}]));
    let run = server.read(&format!("/api/v2/runs/{}?project_id={project}&selects=SHARE_URL", uuid(3))).await;
    assert_eq!(run["share_url"], format!("/public/{token}/r"));
    let elsewhere = json!({"session_id": uuid(9)});
    assert_eq!(server.post(&path, elsewhere).await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.change("DELETE", &path, home).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.get(&format!("{public}/run/{}", uuid(3))).await.status, StatusCode::NOT_FOUND);

    let path = "/api/v2/threads/thread-1/share";
    let token = server.post(path, json!({"project_id": project})).await.json()["share_token"].clone();
    let read = format!("{path}?project_id={project}");
    assert_eq!(server.read(&read).await, json!({"share_token": token}));
    let query = format!("/api/v2/public/{}/runs/query", token.as_str().unwrap());
    let shared = server.post(&query, json!({"selects": ["ID"]})).await.json();
    assert_eq!(shared["items"].as_array().unwrap().len(), 4);
    assert_eq!(server.change("DELETE", &read, json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.read(&read).await, json!({"share_token": null}));
    assert_eq!(server.post(path, json!({})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}
