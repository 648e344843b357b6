//! Lists of `/api/v2` as streams of server-sent events: patches that build the same document as the answer in one piece.

use super::*;

/// An event, as the clients take it from the stream.
#[derive(Debug, PartialEq)]
struct Event {
    name: String,
    data: String,
}

/// Reads a stream as its standard says: fields line by line, an empty line ends an event, a line that begins with a colon
/// is a comment.
fn events(text: &str) -> Vec<Event> {
    let (mut events, mut name, mut data) = (Vec::new(), String::new(), Vec::new());
    for line in text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)) {
        assert!(!line.contains('\r'), "a lone carriage return ends a line too: {line:?}");
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut name),
            "data" => data.push(value),
            "" if line.is_empty() && !data.is_empty() => {
                events.push(Event { name: std::mem::take(&mut name), data: data.join("\n") });
                data.clear();
            }
            "" => {}
            other => panic!("the field {other:?} means nothing to the clients"),
        }
    }
    assert!(data.is_empty(), "the last event has no end: {data:?}");
    events
}

/// What the patches of a stream build, and in how many steps.
fn document(events: &[Event]) -> (Value, usize) {
    let (last, patches) = events.split_last().expect("a stream has events");
    assert_eq!(last.name, "end", "nothing comes behind the end: {last:?}");
    let mut document = Value::Null;
    for event in patches {
        assert_eq!(event.name, "data");
        let operations: Vec<Value> = serde_json::from_str(&event.data).expect("an array of operations");
        assert!(!operations.is_empty());
        for operation in operations {
            assert_eq!(operation["op"], "add", "{operation}");
            let value = operation["value"].clone();
            match operation["path"].as_str().expect("a path") {
                "" => document = value,
                "/items/-" => document["items"].as_array_mut().expect("a list was added").push(value),
                "/next_cursor" => document["next_cursor"] = value,
                other => panic!("the path {other:?} is not in the answer"),
            }
        }
    }
    (document, patches.len())
}

fn stream_of(method: &str, path: &str, body: &Value) -> Request<Bytes> {
    let request = Request::builder().method(method).uri(path).header("accept", "text/event-stream");
    // As both SDKs send it. A stream that is packed as a whole would come as a whole.
    let request =
        request.header("accept-encoding", "gzip, deflate").header("content-type", "application/json");
    let body = if method == "GET" { String::new() } else { body.to_string() };
    request.body(Bytes::from(body)).expect("a valid request")
}

/// The document of a stream, which is that of the plain answer.
async fn check(server: &Server, method: &str, path: &str, body: &Value) -> Value {
    let what = format!("{method} {path} {body}");
    let streamed = send(server, stream_of(method, path, body)).await;
    assert_eq!(streamed.status, 200, "{what}: {}", streamed.text());
    assert_eq!(streamed.header("content-type"), Some("text/event-stream"), "{what}");
    assert_eq!(streamed.header("content-encoding"), None, "{what}");
    assert_eq!(streamed.header("cache-control"), Some("no-cache"), "{what}");
    let events = events(&streamed.text());
    let (built, steps) = document(&events);
    let plain = send_json(server, method, path, body).await;
    assert_eq!(plain.status, 200, "{what}: {}", plain.text());
    assert!(plain.header("content-type").is_some_and(|kind| kind.starts_with("application/json")), "{what}");
    assert_eq!(built, plain.json(), "{what}");
    let items = built["items"].as_array().expect("a list").len();
    assert!(steps > items / 20, "{what}: {items} items in {steps} steps come at once");
    built
}

/// Signs that end a line for some readers.
const LINES: &str = "a\nb\r\nc\rd\u{2028}e\u{2029}f\u{85}: data: {}\n\nevent: end\n\n";

/// Forty-five traces, each a turn of one of five threads.
async fn fill(server: &Server) -> String {
    let run = |n: usize| {
        json!({"id": nth(n), "trace_id": nth(n), "name": LINES, "run_type": "chain", "session_name": "demo",
            "dotted_order": format!("20261121T0132{n:02}000000Z{}", nth(n)),
            "start_time": format!("2026-11-21T01:32:{n:02}Z"), "end_time": format!("2026-11-21T01:32:{n:02}.5Z"),
            "inputs": {"text": LINES}, "outputs": {"n": n},
            "extra": {"metadata": {"thread_id": format!("thread {}", n % 5)}}})
    };
    let runs: Vec<Value> = (0..45).map(run).collect();
    assert_eq!(send_json(server, "POST", "/runs/batch", &json!({"post": runs})).await.status, 202);
    let session = Request::get("/sessions?name=demo").body(Bytes::new()).expect("a valid request");
    send(server, session).await.json()[0]["id"].as_str().expect("an id").to_owned()
}

fn nth(n: usize) -> String {
    format!("00000000-0000-4000-8000-0000000001{n:02}")
}

#[tokio::test]
async fn every_list_streams_the_document_that_it_answers() {
    let server = Server::start();
    let project = fill(&server).await;
    let since = "2026-11-21T00:00:00Z";
    let selects = ["ID", "NAME", "INPUTS", "OUTPUTS", "EXTRA"];
    let runs =
        json!({"project_ids": [project], "min_start_time": since, "selects": selects, "page_size": 42});
    let first = check(&server, "POST", "/api/v2/runs/query", &runs).await;
    assert_eq!(first["items"].as_array().map(Vec::len), Some(42));
    assert_eq!(
        (&first["items"][0]["name"], &first["items"][0]["inputs"]["text"]),
        (&json!(LINES), &json!(LINES))
    );
    let mut rest = runs.clone();
    rest["cursor"] = first["next_cursor"].clone();
    let rest = check(&server, "POST", "/api/v2/runs/query", &rest).await;
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(3));
    assert_eq!(rest["next_cursor"], Value::Null);
    let mut ids: Vec<&str> = first["items"]
        .as_array()
        .into_iter()
        .chain(rest["items"].as_array())
        .flatten()
        .filter_map(|run| run["id"].as_str())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 45, "each run once");

    let traces = json!({"project_id": project, "min_start_time": since, "selects": selects, "page_size": 25});
    let page = check(&server, "POST", "/api/v2/traces/query", &traces).await;
    assert_eq!(page["items"][0]["root_run"]["id"], json!(nth(44)));
    assert!(page["next_cursor"].is_string());
    let threads = json!({"project_id": project, "min_start_time": since, "page_size": 3});
    let page = check(&server, "POST", "/api/v2/threads/query", &threads).await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(3));
    let turns = format!("/api/v2/threads/thread%204/traces?project_id={project}&selects=INPUTS&page_size=4");
    let page = check(&server, "GET", &turns, &Value::Null).await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(4));
    let trace = format!("/api/v2/traces/{}/runs?project_id={project}&selects=NAME", nth(7));
    assert_eq!(check(&server, "GET", &trace, &Value::Null).await["items"], json!([{"name": LINES}]));
    // Nothing found is a stream as well.
    let none = json!({"project_ids": [project], "min_start_time": since, "filter": "eq(name, \"nobody\")"});
    let none = check(&server, "POST", "/api/v2/runs/query", &none).await;
    assert_eq!(none, json!({"items": [], "next_cursor": null}));
}

/// Thirty examples of a dataset, each with a run that an experiment made of it; the dataset and the experiment.
async fn experiment(server: &Server) -> (String, String) {
    let made = async |path: &str, body: Value| {
        let answer = send_json(server, "POST", path, &body).await;
        assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.text());
        answer.json()["id"].as_str().map(str::to_owned)
    };
    let dataset = made("/datasets", json!({"name": "questions"})).await.expect("an id");
    let session = json!({"name": "tried", "reference_dataset_id": dataset});
    let session = made("/sessions", session).await.expect("an id");
    let example = |n: usize| {
        json!({"id": nth(n), "dataset_id": dataset, "inputs": {"text": LINES, "n": n},
            "created_at": format!("2026-11-20T00:00:{n:02}Z")})
    };
    made("/examples/bulk", (0..30).map(example).collect()).await;
    let run = |n: usize| {
        let id = nth(n + 50);
        json!({"id": id, "trace_id": id, "dotted_order": format!("20261121T0132{n:02}000000Z{id}"), "name": "Target",
            "run_type": "chain", "session_name": "tried", "reference_example_id": nth(n), "inputs": {},
            "outputs": {"text": LINES}, "start_time": format!("2026-11-21T01:32:{n:02}Z"),
            "end_time": format!("2026-11-21T01:32:{n:02}.5Z")})
    };
    let runs: Vec<Value> = (0..30).map(run).collect();
    assert_eq!(send_json(server, "POST", "/runs/batch", &json!({"post": runs})).await.status, 202);
    (dataset, session)
}

#[tokio::test]
async fn examples_with_their_runs_stream_as_well() {
    let server = Server::start();
    let (dataset, session) = experiment(&server).await;
    let path = format!("/api/v2/datasets/{dataset}/experiment-runs");
    let mut body = json!({"experiment_ids": [session], "selects": ["ID", "OUTPUTS"], "page_size": 25});
    let first = check(&server, "POST", &path, &body).await;
    assert_eq!(first["items"].as_array().map(Vec::len), Some(25));
    let newest = &first["items"][0];
    assert_eq!(newest["inputs"], json!({"text": LINES, "n": 29}));
    assert_eq!(newest["runs"], json!([{"id": nth(79), "outputs": {"text": LINES}}]));
    body["cursor"] = first["next_cursor"].clone();
    let rest = check(&server, "POST", &path, &body).await;
    assert_eq!((rest["items"].as_array().map(Vec::len), &rest["next_cursor"]), (Some(5), &Value::Null));
    assert_eq!(rest["items"][4]["runs"][0]["id"], json!(nth(50)));
    // What every run is left out of has nothing to stream but the end.
    let none = json!({"experiment_ids": [session], "filters": {session.as_str(): ["eq(name, \"nobody\")"]}});
    assert_eq!(check(&server, "POST", &path, &none).await, json!({"items": [], "next_cursor": null}));
}

/// A stream begins when the page is complete. So what cannot be answered has the status that the clients raise typed errors
/// for, and no stream breaks off in its middle.
#[tokio::test]
async fn a_mistake_is_a_status_and_no_stream() {
    let server = Server::start();
    let project = fill(&server).await;
    let elsewhere = "00000000-0000-4000-8000-000000000999";
    let rows = [
        (
            "POST",
            "/api/v2/runs/query".to_owned(),
            json!({"project_ids": [project], "filter": "eq(nam, 1)"}),
            400,
        ),
        (
            "POST",
            "/api/v2/runs/query".to_owned(),
            json!({"project_ids": [project], "selects": ["NONSENSE"]}),
            422,
        ),
        ("POST", "/api/v2/runs/query".to_owned(), json!({"project_ids": [project], "cursor": "x"}), 400),
        ("POST", "/api/v2/runs/query".to_owned(), json!({"page_size": 0}), 422),
        ("POST", "/api/v2/traces/query".to_owned(), json!({"tree_filter": "and("}), 400),
        ("POST", "/api/v2/threads/query".to_owned(), json!({"thread_filter": "gt(turns, 1)"}), 400),
        ("GET", "/api/v2/threads/none/traces".to_owned(), Value::Null, 400),
        (
            "POST",
            format!("/api/v2/datasets/{elsewhere}/experiment-runs"),
            json!({"experiment_ids": [project]}),
            404,
        ),
    ];
    for (method, path, body, status) in rows {
        let answer = send(&server, stream_of(method, &path, &body)).await;
        let what = format!("{method} {path} {body}: {} {}", answer.status, answer.text());
        assert_eq!(answer.status, status, "{what}");
        assert!(
            answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json")),
            "{what}"
        );
        assert!(answer.json()["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{what}");
    }
}
