//! `select` of the rows of experiments, and filters on the figures of threads.

use std::collections::BTreeSet;

use super::*;

/// What clients need of every run, whatever they select.
const ALWAYS: [&str; 8] =
    ["id", "name", "run_type", "start_time", "trace_id", "dotted_order", "session_id", "status"];

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[tokio::test]
async fn rows_of_experiments_hold_what_is_selected() {
    let server = Server::start();
    let ok = async |method: &str, path: &str, body: Value| {
        let answer = send_json(&server, method, path, &body).await;
        assert!(answer.status.is_success(), "{method} {path}: {} {}", answer.status, answer.text());
        answer.json()
    };
    let dataset = ok("POST", "/datasets", json!({"name": "questions"})).await["id"].clone();
    let example =
        ok("POST", "/examples", json!({"dataset_id": dataset, "inputs": {"q": 1}})).await["id"].clone();
    let experiment = ok("POST", "/sessions", json!({"name": "first", "reference_dataset_id": dataset})).await;
    let mut run = root("target");
    for (key, value) in [
        ("session_name", json!("first")),
        ("reference_example_id", example.clone()),
        ("outputs", json!({"a": 2})),
        ("end_time", json!("2026-11-21T01:32:31Z")),
    ] {
        run[key] = value;
    }
    assert_eq!(send_json(&server, "POST", "/runs/batch", &json!({"post": [run]})).await.status, 202);
    let score =
        json!({"run_id": ID, "trace_id": ID, "session_id": experiment["id"], "key": "good", "score": 1});
    ok("POST", "/feedback", score).await;

    let path = format!("/datasets/{}/runs", dataset.as_str().expect("an id"));
    let row = async |select: Value| {
        let body = json!({"session_ids": [experiment["id"]], "select": select});
        let mut rows = ok("POST", &path, body).await;
        assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
        assert_eq!(
            (&rows[0]["id"], &rows[0]["inputs"]),
            (&example, &json!({"q": 1})),
            "the example is whole"
        );
        assert_eq!(rows[0]["runs"].as_array().map(Vec::len), Some(1), "{rows}");
        rows[0]["runs"][0].take()
    };
    let always: BTreeSet<&str> = ALWAYS.into();
    let narrow = row(json!(["outputs", "feedback_stats", "nonsense"])).await;
    assert_eq!(keys(&narrow), &always | &["outputs", "feedback_stats"].into());
    assert_eq!((&narrow["outputs"], &narrow["name"]), (&json!({"a": 2}), &json!("target")));
    assert_eq!(narrow["feedback_stats"]["good"]["avg"], 1);
    assert_eq!(keys(&row(json!([])).await), always);
    let whole = row(Value::Null).await;
    for key in ["inputs", "outputs", "extra", "events", "feedback_stats", "total_cost"] {
        assert!(keys(&whole).contains(key), "{key} is missing in {whole}");
    }
    assert_eq!(whole["inputs"], json!({"q": 1}));
}

/// A turn of a thread that begins at this second.
fn turn(second: usize, thread: &str, error: Option<&str>) -> Value {
    let id = format!("00000000-0000-4000-8000-00000000{second:04}");
    let (minutes, seconds) = (second / 60, second % 60);
    json!({"id": id, "trace_id": id, "name": "turn", "run_type": "chain", "session_name": "demo",
        "dotted_order": format!("20261121T01{minutes:02}{seconds:02}000000Z{id}"), "error": error,
        "start_time": format!("2026-11-21T01:{minutes:02}:{seconds:02}Z"),
        "end_time": format!("2026-11-21T01:{minutes:02}:{seconds:02}.500Z"),
        "inputs": {"n": second}, "outputs": {}, "extra": {"metadata": {"thread_id": thread}}})
}

#[tokio::test]
async fn threads_are_filtered_by_their_figures() {
    let server = Server::start();
    // Thread n has n turns, ten seconds apart; every third thread failed once. The newest thread is the last.
    let mut turns = Vec::new();
    for n in 1..=9 {
        for number in 0..n {
            let error = (n % 3 == 0 && number == 0).then_some("broken");
            turns.push(turn(n * 100 + number * 10, &format!("t{n}"), error));
        }
    }
    assert_eq!(send_json(&server, "POST", "/runs/batch", &json!({"post": turns})).await.status, 202);
    let session = Request::get("/sessions?name=demo").body(Bytes::new()).expect("a valid request");
    let project = send(&server, session).await.json()[0]["id"].take();
    let ask = |filter: &str, more: &Value| {
        let mut body =
            json!({"project_id": project, "min_start_time": "2026-11-21T00:00:00Z", "thread_filter": filter});
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        body
    };
    let query = async |filter: &str, more: &Value| {
        let answer = send_json(&server, "POST", "/api/v2/threads/query", &ask(filter, more)).await;
        assert_eq!(answer.status, 200, "{filter}: {}", answer.text());
        answer.json()
    };
    let ids = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().expect("a list").iter();
        items.map(|thread| thread["thread_id"].as_str().expect("a text").to_owned()).collect()
    };
    for (filter, found) in [
        ("gt(turn_count, 7)", vec!["t9", "t8"]),
        ("and(gte(turn_count, 3), lt(turn_count, 5))", vec!["t4", "t3"]),
        ("eq(num_errored_turns, 1)", vec!["t9", "t6", "t3"]),
        ("and(eq(num_errored_turns, 0), lte(turn_count, 2))", vec!["t2", "t1"]),
        // Eight steps of ten seconds and half a second.
        ("gt(thread_duration, \"70.5s\")", vec!["t9"]),
        ("gte(thread_duration, 70.5)", vec!["t9", "t8"]),
        ("not(gt(turn_count, 1))", vec!["t1"]),
        ("gt(turn_count, 9)", vec![]),
    ] {
        let page = query(filter, &json!({})).await;
        assert_eq!(ids(&page), found, "{filter}");
        assert_eq!(page["next_cursor"], Value::Null, "{filter}");
    }
    // Page by page, across threads that do not fit.
    let (mut walked, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let page = query("eq(num_errored_turns, 1)", &json!({"page_size": 1, "cursor": cursor})).await;
        walked.extend(ids(&page));
        cursor = page["next_cursor"].clone();
        if cursor.is_null() || walked.len() > 9 {
            break;
        }
    }
    assert_eq!(walked, ["t9", "t6", "t3"]);
    let narrowed = query("gt(turn_count, 2)", &json!({"filter": "eq(thread_id, \"t4\")"})).await;
    assert_eq!((ids(&narrowed), &narrowed["items"][0]["count"]), (vec!["t4".to_owned()], &json!(4)));

    let failed = ask("eq(num_errored_turns, 1)", &json!({}));
    let stats = send_json(&server, "POST", "/api/v2/threads/stats", &failed).await.json();
    assert_eq!((&stats["thread_count"], &stats["trace_count"]), (&json!(3), &json!(18)), "{stats}");
    for (filter, said) in
        [("gt(turns, 1)", "turn_count"), ("gt(turn_count, 'x')", "number"), ("gt(", "thread_filter")]
    {
        let answer = send_json(&server, "POST", "/api/v2/threads/query", &ask(filter, &json!({}))).await;
        assert_eq!(answer.status, 400, "{filter}: {}", answer.text());
        assert!(
            answer.json()["detail"].as_str().is_some_and(|text| text.contains(said)),
            "{filter}: {}",
            answer.text()
        );
    }
}
