//! What was said of runs, where our own pages show runs.

use super::*;

const API: &str = "/api/clearspan/v1";

/// Feedback on run `run` of trace 1, and on a run with the same id in a trace that is not here.
async fn give(server: &Server, run: u8, key: &str, said: Value) {
    let mut body = json!({ "run_id": uuid(run), "trace_id": uuid(1), "key": key });
    for (name, value) in said.as_object().unwrap() {
        body[name] = value.clone();
    }
    let answer = server.change("POST", "/feedback", body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", String::from_utf8_lossy(&answer.body));
}

async fn judged() -> Server {
    let server = Server::with_traces().await;
    give(&server, 2, "helpful", json!({ "score": 1, "value": "yes" })).await;
    give(&server, 2, "helpful", json!({ "score": 0, "value": "no", "comment": "too short" })).await;
    give(&server, 2, "helpful", json!({ "score": 1, "trace_id": uuid(77) })).await;
    give(
        &server,
        1,
        "thumb",
        json!({ "score": true, "feedback_source": { "type": "model",
        "metadata": { "__run": { "run_id": uuid(9) } } } }),
    )
    .await;
    give(&server, 1, "judge", json!({ "error": true, "comment": "ValueError" })).await;
    server
}

#[tokio::test]
async fn a_run_tells_what_was_said_of_it() {
    let server = judged().await;
    let said = |run: u8| format!("{API}/traces/{}/runs/{}", uuid(1), uuid(run));
    let all = server.read(&said(2)).await["feedback"].take();
    let mut scores: Vec<f64> =
        all.as_array().unwrap().iter().filter_map(|one| one["score"].as_f64()).collect();
    scores.sort_by(f64::total_cmp);
    assert_eq!(scores, [0.0, 1.0], "feedback on the other trace's run is not here: {all}");
    let short = all.as_array().unwrap().iter().find(|one| one["comment"] == "too short").unwrap();
    assert_eq!(
        (&short["key"], &short["value"], &short["error"]),
        (&json!("helpful"), &json!("no"), &json!(false))
    );
    assert_eq!(short["created_at"], at(0).as_micros());

    let all = server.read(&said(1)).await["feedback"].take();
    let by_key = |key: &str| all.as_array().unwrap().iter().find(|one| one["key"] == key).unwrap();
    let thumb = by_key("thumb");
    assert_eq!((&thumb["score"], &thumb["source"]), (&json!(true), &json!("model")));
    assert_eq!(thumb["evaluator_run_id"], uuid(9));
    assert_eq!((&by_key("judge")["error"], &by_key("judge")["score"]), (&json!(true), &Value::Null));
    assert_eq!(server.read(&said(3)).await["feedback"], json!([]));
}

#[tokio::test]
async fn trees_and_lists_sum_up_what_was_said() {
    let server = judged().await;
    let tree = server.read(&format!("{API}/traces/{}", uuid(1))).await;
    let told: Vec<_> = tree["feedback"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mark| {
            let at = |field: &str| usize::try_from(mark[field].as_u64().unwrap()).unwrap();
            (tree["runs"]["id"][at("row")].clone(), tree["dict"][at("key")].clone(), mark["average"].clone())
        })
        .collect();
    let expected = [(1, "judge", json!(null)), (1, "thumb", json!(1.0)), (2, "helpful", json!(0.5))];
    assert_eq!(told, expected.map(|(run, key, average)| (json!(uuid(run)), json!(key), average)));

    let traces = server.read(&format!("{API}/projects/demo/traces")).await["traces"].take();
    let agent =
        &traces.as_array().unwrap().iter().find(|trace| trace["name"] == "agent").unwrap()["feedback"];
    let keys: Vec<_> = agent.as_array().unwrap().iter().map(|figures| figures["key"].clone()).collect();
    assert_eq!(keys, ["helpful", "judge", "thumb"]);
    assert_eq!(agent[0]["values"], json!({ "no": 1, "yes": 1 }));
    assert_eq!((&agent[0]["count"], &agent[1]["errors"]), (&json!(2), &json!(1)));
    let silent = traces.as_array().unwrap().iter().filter(|trace| trace["feedback"] == json!([]));
    assert_eq!(silent.count(), 5);

    let runs = server.read(&format!("{API}/projects/demo/runs?q=type:llm")).await["runs"].take();
    let said = |run: u8| {
        let row = runs.as_array().unwrap().iter().find(|row| row["run_id"] == uuid(run)).unwrap();
        row["feedback"].as_array().unwrap().len()
    };
    assert_eq!((said(2), said(3)), (1, 0));
}

#[tokio::test]
async fn feedback_that_came_before_its_run_is_found_by_the_run() {
    let server = Server::new();
    // Nobody knows the trace yet.
    let early = json!({ "run_id": uuid(1), "key": "early", "score": 0.25 });
    assert_eq!(server.change("POST", "/feedback", early).await.status, StatusCode::OK);
    server.context.store.write(agent_trace(&server)).await.unwrap();
    let tree = server.read(&format!("{API}/traces/{}", uuid(1))).await;
    assert_eq!(tree["feedback"].as_array().unwrap().len(), 1);
    let traces = server.read(&format!("{API}/projects/demo/traces")).await;
    assert_eq!(traces["traces"][0]["feedback"][0]["average"], 0.25);
    let run = server.read(&format!("{API}/traces/{}/runs/{}", uuid(1), uuid(1))).await;
    assert_eq!(run["feedback"][0]["key"], "early");
}

async fn all_feedback(server: &Server) -> usize {
    server.read("/feedback").await.as_array().unwrap().len()
}

#[tokio::test]
async fn feedback_goes_with_its_trace() {
    let server = judged().await;
    let early = json!({ "run_id": uuid(200), "key": "early", "score": 1 });
    assert_eq!(server.change("POST", "/feedback", early).await.status, StatusCode::OK);
    assert_eq!(all_feedback(&server).await, 6);
    let deleted = server.change("DELETE", &format!("{API}/traces/{}", uuid(1)), json!({})).await;
    assert!(deleted.status.is_success(), "{}", String::from_utf8_lossy(&deleted.body));
    // What is said of another trace stays, and of a run that is yet to come.
    assert_eq!(all_feedback(&server).await, 2);
}

#[tokio::test]
async fn feedback_goes_with_the_traces_of_a_user() {
    let server = judged().await;
    // On a trace that stays.
    give(&server, 1, "kept", json!({ "score": 1, "trace_id": uuid(100) })).await;
    let body = json!({ "user": "ann" });
    let deleted = server.change("POST", &format!("{API}/projects/demo/deletions"), body).await;
    assert!(deleted.status.is_success(), "{}", String::from_utf8_lossy(&deleted.body));
    let is_gone = async {
        while server.read("/feedback?key=thumb").await != json!([]) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(120), is_gone).await.unwrap();
    assert_eq!(server.read("/feedback?key=kept").await.as_array().unwrap().len(), 1);
}
