//! JSON comes back as it was sent: every digit, every space, keys in their order.

use super::*;

/// What readers of JSON like to change: large and small numbers, zeros behind the point, a negative zero, escapes that need
/// none, spaces, an order that no sort gives, line breaks.
const SENT: &str = "{ \"z\" : 123456789012345678901234567890,\n  \"a\":[1.50E+2,-0.0,0.1000,12345678.901234567890123], \"k\":\"\\u00e9\\/\" }";

async fn send_text(server: &Server, method: &str, path: &str, body: String) -> Value {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let answer = send(server, request.body(Bytes::from(body)).expect("a valid request")).await;
    assert!(answer.status.is_success(), "{method} {path}: {} {}", answer.status, answer.text());
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

async fn text(server: &Server, method: &str, path: &str, body: &Value) -> String {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = send(server, request.body(Bytes::from(body)).expect("a valid request")).await;
    assert!(answer.status.is_success(), "{method} {path}: {} {}", answer.status, answer.text());
    answer.text()
}

/// So many members of this name hold what was sent.
fn check(what: &str, answer: &str, name: &str, times: usize) {
    let expected = format!("\"{name}\":{SENT}");
    assert_eq!(answer.matches(&expected).count(), times, "{what}: {name} is not as it was sent in {answer}");
}

#[tokio::test]
async fn examples_rows_turns_and_extra_come_back_as_they_were_sent() {
    let server = Server::start();
    let dataset = send_text(&server, "POST", "/datasets", json!({"name": "digits"}).to_string()).await;
    let dataset = dataset["id"].as_str().expect("an id");
    let experiment = json!({"name": "first", "reference_dataset_id": dataset}).to_string();
    let experiment = send_text(&server, "POST", "/sessions", experiment).await["id"].take();
    let example = format!(
        r#"{{"dataset_id":"{dataset}","inputs":{SENT},"outputs":{SENT},"metadata":{{"m":{SENT},"dataset_split":"test","b":1.10}}}}"#
    );
    let made = send_text(&server, "POST", "/examples", example).await;
    let example = made["id"].as_str().expect("an id");
    let run = format!(
        r#"{{"post":[{{"id":"{ID}","trace_id":"{ID}","name":"target","run_type":"chain","session_name":"first",
        "start_time":"2026-11-21T01:32:30.982012Z","end_time":"2026-11-21T01:32:31Z","reference_example_id":"{example}",
        "dotted_order":"20261121T013230982012Z{ID}","inputs":{SENT},"outputs":{SENT},
        "extra":{{"metadata":{{"thread_id":"th","n":0.1000}},"options":{{"o":123456789012345678901234567890}}}}}}]}}"#
    );
    send_text(&server, "POST", "/runs/batch", run).await;

    for path in [format!("/examples/{example}"), format!("/examples?dataset={dataset}")] {
        let answer = text(&server, "GET", &path, &Value::Null).await;
        for name in ["inputs", "outputs", "m"] {
            check(&path, &answer, name, 1);
        }
        let end = "\"b\":1.10,\"dataset_split\":[\"test\"]}";
        assert!(answer.contains(end), "{path}: {answer}");
    }
    // One line for each example, whatever line breaks it was sent with.
    let lines = text(&server, "GET", &format!("/datasets/{dataset}/jsonl"), &Value::Null).await;
    let in_line = SENT.replace('\n', " ");
    assert_eq!((lines.lines().count(), lines.matches(&in_line).count()), (1, 3), "{lines}");

    let rows = format!("/datasets/{dataset}/runs");
    let body = json!({"session_ids": [experiment]});
    let answer = text(&server, "POST", &rows, &body).await;
    check(&rows, &answer, "inputs", 2);
    check(&rows, &answer, "outputs", 2);
    check(&rows, &answer, "m", 1);
    let rows = format!("/api/v2/datasets/{dataset}/experiment-runs");
    let selects = ["INPUTS", "OUTPUTS", "EXTRA", "METADATA"];
    let answer =
        text(&server, "POST", &rows, &json!({"experiment_ids": [experiment], "selects": selects})).await;
    check(&rows, &answer, "inputs", 2);
    check(&rows, &answer, "outputs", 2);
    let turns = format!(
        "/api/v2/threads/th/traces?project_id={}&selects=INPUTS&selects=OUTPUTS",
        experiment.as_str().expect("an id")
    );
    let answer = text(&server, "GET", &turns, &Value::Null).await;
    check(&turns, &answer, "inputs", 1);
    check(&turns, &answer, "outputs", 1);

    let whole = text(&server, "GET", &format!("/runs/{ID}"), &Value::Null).await;
    let selected = format!("/api/v2/runs/{ID}?selects=EXTRA&selects=METADATA");
    for (answer, times) in [(whole, 1), (text(&server, "GET", &selected, &Value::Null).await, 2)] {
        assert_eq!(answer.matches("\"n\":0.1000").count(), times, "{answer}");
        assert_eq!(answer.matches("{\"o\":123456789012345678901234567890}").count(), 1, "{answer}");
    }
}
