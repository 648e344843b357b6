//! Examples with the runs that experiments made of them, as the generated clients of LangSmith ask.

use super::*;

struct Experiment {
    server: Server,
    dataset: String,
    /// The newest first, as lists have them.
    examples: Vec<String>,
    session: String,
}

/// Three examples with a run each; the runs of the first two have a score, the third failed.
async fn experiment() -> Experiment {
    let server = Server::new();
    let made = async |path: &str, body: Value| {
        let answer = server.change("POST", path, body).await;
        assert!(answer.status.is_success(), "{path}: {}", String::from_utf8_lossy(&answer.body));
        answer.json()
    };
    let dataset = made("/datasets", json!({ "name": "questions" })).await["id"].as_str().unwrap().to_owned();
    let session = json!({ "name": "exp", "reference_dataset_id": dataset });
    let session = made("/sessions", session).await["id"].as_str().unwrap().to_owned();
    let mut runs = Vec::new();
    for n in 1..=3_u8 {
        let example = json!({ "id": uuid(n), "dataset_id": dataset, "inputs": { "q": n },
            "created_at": format!("2026-11-19T00:00:0{n}Z") });
        made("/examples", example).await;
        let mut run = server.run(10 + n, 20 + n, None);
        run.key.project_id = session.parse().unwrap();
        run.name = Some("Target".to_owned());
        run.metadata.insert("reference_example_id".to_owned(), JsonText::from_string(&uuid(n)));
        run.start_time = Some(at(i64::from(n)));
        run.end_time = Some(at(100));
        run.error = (n == 3).then(|| "ValueError".to_owned());
        runs.push(run);
    }
    server.context.store.write(runs).await.unwrap();
    for (n, score) in [(1_u8, 0.25), (2, 0.75)] {
        let body = json!({ "run_id": uuid(20 + n), "trace_id": uuid(10 + n), "session_id": session,
            "key": "acc", "score": score });
        made("/feedback", body).await;
        let compared = json!({ "run_id": uuid(20 + n), "trace_id": uuid(10 + n), "session_id": session,
            "key": "closer", "score": 1, "comparative_experiment_id": uuid(90) });
        made("/feedback", compared).await;
    }
    Experiment { server, dataset, examples: [3, 2, 1].map(uuid).to_vec(), session }
}

impl Experiment {
    async fn ask(&self, mut body: Value) -> Answer {
        if body.get("experiment_ids").is_none() {
            body["experiment_ids"] = json!([self.session]);
        }
        let path = format!("/api/v2/datasets/{}/experiment-runs", self.dataset);
        self.server.change("POST", &path, body).await
    }

    /// The ids of the examples, and where the list goes on.
    async fn examples(&self, body: Value) -> (Vec<String>, Value) {
        let answer = self.ask(body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", String::from_utf8_lossy(&answer.body));
        let page = answer.json();
        let ids = page["items"].as_array().unwrap().iter();
        (ids.map(|item| item["id"].as_str().unwrap().to_owned()).collect(), page["next_cursor"].clone())
    }
}

#[tokio::test]
async fn examples_come_with_their_runs_page_by_page() {
    let experiment = experiment().await;
    assert_eq!(experiment.examples(json!({})).await, (experiment.examples.clone(), Value::Null));
    for more in [json!({}), json!({ "sort": { "by": "feedback.none" } })] {
        let mut asked = more;
        asked["page_size"] = json!(2);
        let (first, next) = experiment.examples(asked.clone()).await;
        assert_eq!(first, experiment.examples[..2]);
        asked["cursor"] = next;
        assert_eq!(experiment.examples(asked).await, (experiment.examples[2..].to_vec(), Value::Null));
    }
    let page =
        experiment.ask(json!({ "selects": ["ID", "NAME", "STATUS", "REFERENCE_EXAMPLE_ID"] })).await.json();
    let item = &page["items"][0];
    assert_eq!((&item["inputs"], &item["dataset_id"]), (&json!({ "q": 3 }), &json!(experiment.dataset)));
    let run = json!({ "id": uuid(23), "name": "Target", "status": "ERROR", "reference_example_id": uuid(3) });
    assert_eq!(item["runs"], json!([run]));
    // Nothing but the id is what is selected when nothing is.
    let page = experiment.ask(json!({ "example_ids": [uuid(1)] })).await.json();
    assert_eq!(page["items"][0]["runs"], json!([{ "id": uuid(21) }]));
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn examples_are_filtered_and_sorted_by_their_runs() {
    let experiment = experiment().await;
    let sorted = async |order: &str| {
        experiment.examples(json!({ "sort": { "by": "feedback.acc", "order": order } })).await.0
    };
    assert_eq!(sorted("ASC").await, [1, 2, 3].map(uuid), "what has no score comes last");
    assert_eq!(sorted("DESC").await, [2, 1, 3].map(uuid));
    let failed = json!({ "filters": { experiment.session.as_str(): ["eq(status, \"error\")"] } });
    assert_eq!(experiment.examples(failed).await.0, [uuid(3)]);

    let stats = async |comparison: Option<String>| {
        let body = json!({ "selects": ["FEEDBACK_STATS"], "example_ids": [uuid(1)],
            "comparative_experiment_id": comparison });
        let stats = experiment.ask(body).await.json()["items"][0]["runs"][0]["feedback_stats"].take();
        stats.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(stats(None).await, ["acc"], "a preference is no score of a run");
    assert_eq!(stats(Some(uuid(90))).await, ["closer"]);
    assert_eq!(stats(Some(uuid(91))).await, Vec::<String>::new());
}

/// Who won a comparison is told by the comparison; scores of the same key are not mixed with it.
#[tokio::test]
async fn preferences_are_no_scores() {
    let experiment = experiment().await;
    let server = &experiment.server;
    let score = json!({ "run_id": uuid(21), "trace_id": uuid(11), "session_id": experiment.session,
        "key": "closer", "score": 0.5 });
    assert_eq!(server.change("POST", "/feedback", score).await.status, StatusCode::OK);
    let closer = json!({ "n": 1, "avg": 0.5 });
    let figures = |stats: &Value| json!({ "n": stats["closer"]["n"], "avg": stats["closer"]["avg"] });
    let session = server.read(&format!("/sessions/{}?include_stats=true", experiment.session)).await;
    assert_eq!(figures(&session["feedback_stats"]), closer, "{session}");
    let ask = json!({ "session": [experiment.session], "id": [uuid(21)] });
    let page = server.post("/runs/query", ask).await.json();
    assert_eq!(figures(&page["runs"][0]["feedback_stats"]), closer, "{page}");
    // Whoever asks for the feedback itself is given all of it.
    let all = server.read(&format!("/feedback?run={}&key=closer", uuid(21))).await;
    assert_eq!(all.as_array().unwrap().len(), 2, "{all}");
    let sorted = json!({ "sort": { "by": "feedback.closer" } });
    assert_eq!(experiment.examples(sorted).await.0[0], uuid(1), "the only one with a score");
}

#[tokio::test]
async fn what_makes_no_sense_is_told() {
    let experiment = experiment().await;
    let session = experiment.session.as_str();
    for (body, status) in [
        (json!({ "experiment_ids": [] }), 422),
        (json!({ "experiment_ids": ["x"] }), 422),
        (json!({ "selects": ["NONSENSE"] }), 422),
        (json!({ "page_size": 0 }), 422),
        (json!({ "cursor": "x" }), 400),
        (json!({ "sort": { "by": "acc", "order": "SIDEWAYS" } }), 422),
        (json!({ "experiment_ids": [session, session], "sort": { "by": "acc" } }), 422),
        (json!({ "filters": { session: ["nonsense("] } }), 400),
        (json!({ "example_ids": ["x"] }), 422),
        (json!({ "comparative_experiment_id": "x" }), 422),
    ] {
        let answer = experiment.ask(body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", String::from_utf8_lossy(&answer.body));
        assert!(answer.json()["detail"].is_string(), "{body}");
    }
    let path = format!("/api/v2/datasets/{}/experiment-runs", uuid(99));
    let answer = experiment.server.change("POST", &path, json!({ "experiment_ids": [session] })).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

/// What experiments made of their examples is put before people in one go.
#[tokio::test]
async fn a_queue_is_filled_with_the_runs_of_an_experiment() {
    let experiment = experiment().await;
    let server = &experiment.server;
    let made = server.change("POST", "/annotation-queues", json!({ "name": "review" })).await.json();
    let queue = made["id"].as_str().unwrap();
    let populate = async |queue: &str, sessions: Value| {
        let body = json!({ "queue_id": queue, "session_ids": sessions });
        server.change("POST", "/annotation-queues/populate", body).await
    };
    // Twice is as good as once.
    for _ in 0..2 {
        let answer = populate(queue, json!([experiment.session])).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", String::from_utf8_lossy(&answer.body));
        let runs = server.read(&format!("/annotation-queues/{queue}/runs")).await;
        let mut ids: Vec<&str> =
            runs.as_array().unwrap().iter().filter_map(|run| run["id"].as_str()).collect();
        ids.sort_unstable();
        assert_eq!(ids, [21, 22, 23].map(uuid));
    }
    for (queue, sessions, status) in [
        (queue, json!([uuid(77)]), StatusCode::NOT_FOUND),
        (uuid(77).as_str(), json!([experiment.session]), StatusCode::NOT_FOUND),
        (queue, json!([server.project_id]), StatusCode::UNPROCESSABLE_ENTITY),
        (queue, json!([]), StatusCode::UNPROCESSABLE_ENTITY),
        (queue, Value::Null, StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(populate(queue, sessions.clone()).await.status, status, "{sessions}");
    }
}
