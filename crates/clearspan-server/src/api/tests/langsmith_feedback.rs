//! Feedback, annotation queues and sharing as LangSmith's clients use them.

use super::*;

/// The call of the agent's trace that costs most.
fn call() -> String {
    uuid(3)
}

async fn give(server: &Server, feedback: Value) -> Value {
    let answer = server.post("/api/v1/feedback", feedback).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

async fn delete(server: &Server, path: &str) -> StatusCode {
    server.send(Request::delete(path).body(Body::empty()).unwrap()).await.status
}

#[tokio::test]
async fn feedback_is_given_read_changed_and_removed() {
    let server = Server::with_traces().await;
    let given = give(
        &server,
        json!({"id": uuid(9), "run_id": call(), "key": "stars", "score": 4, "value": "good", "comment": null,
               "correction": {"a": 1}, "feedback_source": {"type": "model", "metadata": {"__run": {"run_id": uuid(8)}}},
               "feedback_config": {"type": "continuous", "min": 0, "max": 5}}),
    )
    .await;
    for key in ["id", "created_at", "modified_at", "run_id", "trace_id", "key"] {
        assert!(!given[key].is_null(), "{key}: {given}");
    }
    assert_eq!((&given["trace_id"], &given["session_id"]), (&json!(uuid(1)), &json!(server.project_id)));
    assert_eq!((&given["score"], &given["value"]), (&json!(4), &json!("good")));
    let path = format!("/feedback/{}", uuid(9));
    assert_eq!(server.read(&path).await, given);

    let listed = server
        .read(&format!("/feedback?run={}&limit=5&key=stars&source=FeedbackSourceType.MODEL&offset=0", call()))
        .await;
    assert_eq!(listed, json!([given]));
    assert_eq!(server.read("/feedback?source=api").await, json!([]));
    assert_eq!(
        server.read(&format!("/feedback?session={}&has_comment=True", server.project_id)).await,
        json!([])
    );

    let changed = server.change("PATCH", &path, json!({"score": 0.5, "comment": "upd"})).await.json();
    assert_eq!(
        (&changed["score"], &changed["comment"], &changed["value"]),
        (&json!(0.5), &json!("upd"), &json!("good"))
    );
    let changed = server.change("PATCH", &path, json!({"value": null})).await.json();
    assert_eq!((&changed["value"], &changed["comment"]), (&Value::Null, &json!("upd")));

    let configs = server.read("/feedback-configs?key=stars").await;
    assert_eq!(configs[0]["feedback_config"], json!({"type": "continuous", "min": 0, "max": 5}));
    assert_eq!(configs[0]["tenant_id"], json!(server.context.workspace.id));

    assert_eq!(delete(&server, &path).await, StatusCode::OK);
    assert_eq!(delete(&server, &path).await, StatusCode::NOT_FOUND);
    assert_eq!(server.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.change("PATCH", &path, json!({})).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_said_of_runs_stands_in_lists_and_can_be_filtered_by() {
    let server = Server::with_traces().await;
    let project = server.project_id.to_string();
    for (id, run, score) in [(20, 3, json!(5)), (21, 3, json!(2)), (22, 2, json!(true))] {
        give(&server, json!({"id": uuid(id), "run_id": uuid(run), "key": "stars", "score": score})).await;
    }
    give(&server, json!({"run_id": uuid(1), "trace_id": uuid(1), "key": "thumb", "value": "up"})).await;
    give(&server, json!({"session_id": project, "key": "summary", "score": 0.9})).await;
    // Before its run is there, and for ever if it never comes.
    give(&server, json!({"run_id": uuid(77), "key": "stars", "score": 5})).await;

    let ids = async |body: Value| -> Vec<String> {
        let mut body = body;
        body["select"] = json!(["id"]);
        let answer = server.post("/runs/query", body.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{body}: {}", String::from_utf8_lossy(&answer.body));
        let runs = answer.json()["runs"].take();
        let mut ids: Vec<String> =
            runs.as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect();
        ids.sort_unstable();
        ids
    };
    let stars = |test: &str| json!({"filter": format!("and(eq(feedback_key, \"stars\"), {test})")});
    assert_eq!(ids(stars("gt(feedback_score, 3)")).await, [uuid(3)]);
    assert_eq!(ids(stars("lte(feedback_score, 2)")).await, [uuid(2), uuid(3)]);
    assert_eq!(ids(stars("gt(feedback_score, 30)")).await, Vec::<String>::new());
    assert_eq!(ids(json!({"filter": "eq(feedback_value, 'up')", "trace": uuid(1)})).await, [uuid(1)]);
    let of_other =
        json!({"trace": uuid(1), "filter": "and(neq(feedback_key, 'stars'), neq(feedback_key, 'thumb'))"});
    assert_eq!(ids(of_other).await, [uuid(4)]);
    let rest = json!({"trace_filter": "and(eq(feedback_key, 'thumb'), eq(feedback_value, 'up'))",
        "tree_filter": "and(eq(feedback_key, 'stars'), eq(feedback_score, 5))", "run_type": "tool"});
    assert_eq!(ids(rest).await, [uuid(4)]);

    let run = server.read(&format!("/runs/{}", call())).await;
    let stats = &run["feedback_stats"]["stars"];
    assert_eq!((&stats["n"], &stats["avg"], &stats["stdev"]), (&json!(2), &json!(3.5), &json!(1.5)));
    let listed = server.post("/runs/query", json!({"id": [uuid(3)]})).await.json();
    assert_eq!(listed["runs"][0]["feedback_stats"], run["feedback_stats"]);
    let session = server.read(&format!("/sessions/{project}?include_stats=true")).await;
    assert_eq!(session["feedback_stats"]["stars"]["n"], 3);
    assert_eq!(session["feedback_stats"]["thumb"]["values"], json!({"up": 1}));
    assert_eq!(session["session_feedback_stats"]["summary"]["avg"], json!(0.9));
}

#[tokio::test]
async fn a_token_lets_somebody_without_a_key_speak_once() {
    let server = Server::with_traces().await;
    let wanted = json!({"run_id": call(), "feedback_key": "thumbs", "expires_in": {"days": 0, "hours": 1, "minutes": 0}});
    let made = server.post("/feedback/tokens", wanted.clone()).await.json();
    assert_eq!(made["expires_at"], "2026-11-20T01:00:00.000000+00:00");
    let url = made["url"].as_str().unwrap();
    let token = url.rsplit('/').next().unwrap();
    assert!(token.parse::<uuid::Uuid>().is_ok() && token != made["id"], "{url}");
    let many = server.post("/feedback/tokens", json!([wanted, wanted])).await.json();
    assert_eq!(many.as_array().unwrap().len(), 2);
    let listed = server.read(&format!("/feedback/tokens?run_id={}&limit=100&offset=0", call())).await;
    assert_eq!(listed.as_array().unwrap().len(), 3);

    let path = format!("/feedback/tokens/{token}");
    let body = json!({"score": 1, "value": null, "correction": null, "comment": "x", "metadata": {"u": 1}});
    assert_eq!(server.post(&path, body).await.status, StatusCode::OK);
    let page = server.get(&format!("/api/v1{path}?score=0&comment=no")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(String::from_utf8_lossy(&page.body).contains("Thank you"));
    let kept = server.read(&format!("/feedback?run={}", call())).await;
    assert_eq!(kept.as_array().unwrap().len(), 1, "saying it again changes what was said: {kept}");
    assert_eq!(
        (&kept[0]["key"], &kept[0]["score"], &kept[0]["comment"]),
        (&json!("thumbs"), &json!(0), &json!("no"))
    );
    assert_eq!(kept[0]["session_id"], json!(server.project_id));

    let gone = json!({"run_id": call(), "feedback_key": "k", "expires_at": "2026-11-19T00:00:00Z"});
    let gone = server.post("/feedback/tokens", gone).await.json();
    let gone = gone["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    assert_eq!(server.post(&format!("/feedback/tokens/{gone}"), json!({})).await.status, StatusCode::GONE);
    let for_ever = json!({"run_id": call(), "feedback_key": "k", "expires_at": "2999-01-01T00:00:00Z"});
    let for_ever = server.post("/feedback/tokens", for_ever).await.json();
    let for_ever = for_ever["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let given = server.post(&format!("/feedback/tokens/{for_ever}"), json!({})).await;
    assert_eq!(given.status, StatusCode::OK);
    for guess in [made["id"].as_str().unwrap(), "x", &uuid(5)] {
        let answer = server.post(&format!("/feedback/tokens/{guess}"), json!({"score": 1})).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{guess}");
    }
}

#[tokio::test]
async fn configs_are_kept_and_do_not_clash() {
    let server = Server::new();
    let config = |kind: &str| json!({"feedback_key": "acc", "feedback_config": {"type": kind}, "is_lower_score_better": false});
    let made = server.post("/feedback-configs", config("continuous")).await;
    assert_eq!(made.status, StatusCode::OK);
    for key in ["feedback_key", "feedback_config", "tenant_id", "modified_at"] {
        assert!(!made.json()[key].is_null(), "{key}");
    }
    assert_eq!(server.post("/feedback-configs", config("continuous")).await.status, StatusCode::OK);
    assert_eq!(server.post("/feedback-configs", config("freeform")).await.status, StatusCode::CONFLICT);
    let other = server.post("/feedback-configs", config("stars")).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(other.json()["detail"].as_str().unwrap().contains("categorical"));
    let changed = json!({"feedback_key": "acc", "feedback_config": {"type": "freeform"}});
    let changed = server.change("PATCH", "/feedback-configs", changed).await.json();
    assert_eq!(
        (&changed["feedback_config"]["type"], &changed["is_lower_score_better"]),
        (&json!("freeform"), &json!(false))
    );
    assert_eq!(server.read("/feedback-configs?name_contains=AC&limit=100&offset=0").await, json!([changed]));
    assert_eq!(delete(&server, "/feedback-configs?feedback_key=acc").await, StatusCode::OK);
    assert_eq!(delete(&server, "/feedback-configs?feedback_key=acc").await, StatusCode::NOT_FOUND);
    assert_eq!(delete(&server, "/feedback-configs").await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn categories_of_a_config_come_and_go() {
    let server = Server::new();
    let category = |value: i64, label: &str| json!({"value": value, "label": label});
    let config = json!({"type": "categorical", "allows_multiple_categories": true,
        "categories": [category(1, "good"), category(0, "bad")]});
    let made =
        server.post("/feedback-configs", json!({"feedback_key": "mood", "feedback_config": config})).await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let patch = async |mut change: Value| {
        change["feedback_key"] = json!("mood");
        server.change("PATCH", "/feedback-configs", change).await
    };
    let added = patch(json!({"add_categories": [category(2, "great")], "id": id})).await.json();
    let all = json!([category(1, "good"), category(0, "bad"), category(2, "great")]);
    assert_eq!(added["feedback_config"]["categories"], all);
    assert_eq!(added["feedback_config"]["allows_multiple_categories"], json!(true));
    let removed = patch(json!({"remove_categories": [0]})).await.json();
    let two = json!([category(1, "good"), category(2, "great")]);
    assert_eq!(removed["feedback_config"]["categories"], two);
    for wrong in [
        json!({"remove_categories": [1]}),
        json!({"remove_categories": ["good"]}),
        json!({"add_categories": [category(2, "best")]}),
        json!({"add_categories": [category(3, "good")]}),
        json!({"add_categories": [{"label": "no value"}]}),
        json!({"add_categories": {}}),
    ] {
        assert_eq!(patch(wrong.clone()).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    assert_eq!(patch(json!({"id": uuid(9)})).await.status, StatusCode::NOT_FOUND);
    let listed = server.read("/feedback-configs?include_all_configs=True").await;
    assert_eq!((&listed[0]["feedback_config"]["categories"], &listed[0]["id"]), (&two, &json!(id)));
    assert_eq!(server.read("/feedback-configs?is_enforced=True").await, json!([]));
    let enforced =
        json!({"feedback_key": "other", "feedback_config": {"type": "freeform"}, "is_enforced": true});
    let enforced = server.post("/feedback-configs", enforced).await;
    assert_eq!(enforced.status, StatusCode::UNPROCESSABLE_ENTITY);
    let number = json!({"feedback_key": "n", "feedback_config": {"type": "continuous"}});
    assert_eq!(server.post("/feedback-configs", number).await.status, StatusCode::OK);
    let number = json!({"feedback_key": "n", "add_categories": [category(1, "a")]});
    let refused = server.change("PATCH", "/feedback-configs", number).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(delete(&server, &format!("/feedback-configs?id={}", uuid(9))).await, StatusCode::NOT_FOUND);
    assert_eq!(delete(&server, &format!("/feedback-configs?id={id}")).await, StatusCode::OK);
    assert_eq!(server.read("/feedback-configs?key=mood").await, json!([]));
}

#[tokio::test]
async fn runs_wait_in_annotation_queues() {
    let server = Server::with_traces().await;
    let queue = json!({"name": "q1", "description": "d", "id": uuid(40), "rubric_instructions": "r",
        "rubric_items": [{"feedback_key": "acc", "description": "x", "is_required": true}],
        "num_reviewers_per_item": 2});
    let made = server.post("/annotation-queues", queue.clone()).await.json();
    assert_eq!((&made["id"], &made["tenant_id"]), (&json!(uuid(40)), &json!(server.context.workspace.id)));
    assert_eq!((&made["rubric_items"], &made["num_reviewers_per_item"]), (&queue["rubric_items"], &json!(2)));
    assert_eq!(server.post("/annotation-queues", queue).await.status, StatusCode::CONFLICT);
    assert_eq!(server.read("/annotation-queues?name_contains=Q&limit=1").await, json!([made]));
    assert_eq!(server.read("/annotation-queues?name=other").await, json!([]));

    let path = format!("/annotation-queues/{}", uuid(40));
    let changed = server.change("PATCH", &path, json!({"name": "q2", "description": null})).await.json();
    assert_eq!((&changed["name"], &changed["description"]), (&json!("q2"), &json!("d")));
    assert_eq!(server.read(&path).await, changed);

    let added = server.post(&format!("{path}/runs"), json!([uuid(3), uuid(2)])).await.json();
    assert_eq!(added.as_array().unwrap().len(), 2);
    let by_key =
        json!([{"run_id": uuid(4), "session_id": server.project_id, "start_time": "2026-11-19T23:59:58Z"}]);
    assert_eq!(server.post(&format!("{path}/runs/by-key"), by_key).await.status, StatusCode::OK);
    let runs = server.read(&format!("{path}/runs?status=needs_my_review&limit=100&offset=0")).await;
    let ids: Vec<&Value> = runs.as_array().unwrap().iter().map(|run| &run["id"]).collect();
    assert_eq!(ids, [&json!(uuid(3)), &json!(uuid(2)), &json!(uuid(4))]);
    assert!(!runs[0]["queue_run_id"].is_null() && !runs[0]["added_at"].is_null(), "{}", runs[0]);
    assert_eq!(runs[0]["name"], "chat");

    let item = added[0]["id"].as_str().unwrap();
    let done =
        server.post(&format!("/annotation-queues/status/{item}"), json!({"status": "completed"})).await;
    assert_eq!(done.status, StatusCode::OK);
    assert_eq!(server.read(&format!("{path}/run/0")).await["id"], json!(uuid(2)));
    assert_eq!(server.get(&format!("{path}/run/2")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.read(&format!("{path}/runs?status=completed")).await[0]["id"], json!(uuid(3)));
    assert_eq!(server.read(&format!("{path}/size")).await, json!({"size": 2}));
    assert_eq!(server.read(&format!("{path}/total_size")).await, json!({"size": 3}));
    assert_eq!(server.read(&format!("{path}/total_archived")).await, json!({"size": 1}));
    assert_eq!(server.read(&format!("/annotation-queues/{}/queues", uuid(3))).await, json!([changed]));

    assert_eq!(delete(&server, &format!("{path}/runs/{}", uuid(2))).await, StatusCode::OK);
    assert_eq!(delete(&server, &format!("{path}/runs/{}", uuid(2))).await, StatusCode::NOT_FOUND);
    let rest = server.post(&format!("{path}/runs/delete"), json!({"delete_all": true})).await;
    assert_eq!(rest.json(), json!({"deleted": 2}));
    assert_eq!(delete(&server, &path).await, StatusCode::OK);
    assert_eq!(server.get(&format!("{path}/runs")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_shared_run_is_readable_for_who_knows_the_token() {
    let server = Server::with_traces().await;
    let path = format!("/runs/{}/share", uuid(3));
    assert_eq!(server.read(&path).await, Value::Null);
    let wanted = json!({"run_id": uuid(3), "share_token": uuid(60)});
    assert_eq!(server.change("PUT", &path, wanted.clone()).await.json(), wanted);
    assert_eq!(server.read(&path).await, wanted);
    let again = json!({"run_id": uuid(3), "share_token": uuid(61)});
    assert_eq!(server.change("PUT", &path, again).await.json(), wanted, "it keeps its token");
    assert_eq!(server.read(&format!("/runs/{}", uuid(3))).await["share_token"], json!(uuid(60)));

    let public = format!("/public/{}", uuid(60));
    let run = server.read(&format!("{public}/run")).await;
    assert_eq!(run["id"], json!(uuid(3)));
    assert!(!run["outputs"].is_null());
    assert_eq!(
        server.get(&format!("{public}/run/{}", uuid(2))).await.status,
        StatusCode::NOT_FOUND,
        "a neighbour is not shared"
    );
    let all =
        server.post(&format!("{public}/runs/query"), json!({"id": [uuid(3), uuid(2), uuid(1)]})).await.json();
    assert_eq!(all["runs"].as_array().unwrap().len(), 1);

    let listed = server.read(&format!("{public}/runsshare_token={}", uuid(60))).await;
    assert_eq!(listed.as_array().unwrap().len(), 1, "JavaScript forgets the question mark");

    let root = format!("/runs/{}/share", uuid(1));
    let token =
        server.change("PUT", &root, json!({})).await.json()["share_token"].as_str().unwrap().to_owned();
    let all = server.post(&format!("/api/v1/public/{token}/runs/query"), json!({})).await.json();
    assert!(!all["runs"].as_array().unwrap().is_empty());
    let some = format!("id={}&id={}&share_token={token}", uuid(2), uuid(3));
    for listed in [
        format!("runs?{some}"),
        format!("runs{some}"),
        format!("runsshare_token={token}&id={}&id={}", uuid(2), uuid(3)),
    ] {
        let listed = server.read(&format!("/public/{token}/{listed}")).await;
        let ids: Vec<_> = listed.as_array().unwrap().iter().map(|run| run["id"].clone()).collect();
        assert_eq!(ids, [json!(uuid(2)), json!(uuid(3))]);
    }
    assert_eq!(server.get(&format!("/public/{token}/runsx=1")).await.status, StatusCode::NOT_FOUND);

    assert_eq!(delete(&server, &path).await, StatusCode::OK);
    assert_eq!(server.get(&format!("{public}/run")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.get("/public/x/run").await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        server.change("PUT", &path, json!({"share_token": "guess"})).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        server.change("PUT", &format!("/runs/{}/share", uuid(99)), json!({})).await.status,
        StatusCode::NOT_FOUND
    );
}

/// Rows 93 to 103 of the list of bad input: an answer that says what is wrong, and never 500.
#[tokio::test]
async fn bad_input_is_answered() {
    let server = Server::with_traces().await;
    let long = "k".repeat(5_000);
    let deep = format!("{}eq(name, 'a'){}", "and(".repeat(3_000), ")".repeat(3_000));
    let run = call();
    let posts: Vec<(&str, Value, u16)> = vec![
        ("/feedback", json!([]), 422),
        ("/feedback", json!({}), 422),
        ("/feedback", json!({"key": "k", "score": "5"}), 422),
        ("/feedback", json!({"key": long, "score": 1}), 422),
        ("/feedback", json!({"key": "k", "run_id": "nonsense"}), 422),
        ("/feedback", json!({"key": "k", "run_id": "00000000-0000-0000-0000-000000000000"}), 422),
        ("/feedback", json!({"key": "k", "start_time": "2026-02-30"}), 422),
        ("/feedback", json!({"key": "k\u{0}", "score": 1e308, "comment": "<script>\u{0}"}), 200),
        ("/feedback/tokens", json!({"feedback_key": "k"}), 422),
        ("/feedback/tokens", json!({"run_id": run, "feedback_key": "k", "expires_in": {"days": -1}}), 422),
        (
            "/feedback/tokens",
            json!({"run_id": run, "feedback_key": "k", "expires_in": {"days": i64::MAX}}),
            200,
        ),
        ("/feedback-configs", json!({"feedback_key": "k"}), 422),
        ("/annotation-queues", json!({"name": 7}), 422),
        ("/annotation-queues", json!({"name": "q", "rubric_items": [{}]}), 422),
        ("/annotation-queues", json!({}), 422),
        ("/runs/query", json!({"filter": deep}), 400),
        ("/runs/query", json!({"filter": "and(eq(name, 'a')"}), 400),
        ("/runs/query", json!({"filter": "eq(name, “a”)"}), 400),
        ("/runs/query", json!({"filter": "eq(name, \"' OR 1=1--\")"}), 200),
        ("/runs/query", json!({"filter": "eq(feedback_key, \"') OR 1=1--\")"}), 200),
        ("/runs/query", json!({"filter": "gt(feedback_score, 'x')"}), 400),
        ("/runs/query", json!({"limit": 1_000_000_000}), 200),
        ("/runs/query", json!({"limit": -1}), 200),
        ("/runs/query", json!({"cursor": "edited"}), 400),
        ("/runs/query", json!({"id": ["00000000000000000000000000000001"]}), 200),
        ("/runs/group", json!({"group_by": "moon"}), 422),
        ("/runs/group", json!({"limit": -5, "session_id": server.project_id}), 200),
    ];
    for (path, body, expected) in posts {
        let answer = server.post(path, body.clone()).await;
        let said = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status.as_u16(), expected, "{path} {body}: {said}");
        assert!(expected == 200 || answer.json()["detail"].is_string(), "{said}");
    }
    for (path, expected) in [
        ("/feedback/nonsense", 400),
        ("/feedback?run=nonsense", 400),
        ("/feedback?limit=many", 400),
        ("/feedback?limit=1000000000&offset=1000000000000", 200),
        ("/feedback?level=moon", 400),
        ("/feedback/formulas", 410),
        ("/feedback/tokens", 400),
        ("/annotation-queues/nonsense", 400),
        ("/annotation-queues?limit=-1", 400),
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status.as_u16(), expected, "{path}: {}", String::from_utf8_lossy(&answer.body));
    }
    let doubled = Request::post("/feedback").body(Body::from(r#"{"key": "k", "key": 7}"#)).unwrap();
    assert_eq!(server.send(doubled).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}
