//! Rows 91 to 95, 97 to 99, 101 and 102: runs and feedback that nobody should send.

use super::*;
use crate::langsmith::{AS_JSON, CHILD};
use crate::server::DataFolder;

#[tokio::test]
async fn row_91_patches_in_any_order() {
    let server = Server::start();
    let [first, alone, twice, late, backwards] = [1, 2, 3, 4, 5].map(nth);
    let patch = |members: Value| {
        let mut patch =
            json!({"end_time": "2026-11-21T01:32:31Z", "outputs": {"a": 2}, "session_name": "demo"});
        patch.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
        patch
    };
    let post = |id: &str, members: Value| json_request("POST", "/runs", &root_with(id, &members));
    let change = |id: &str, members: Value| json_request("PATCH", &format!("/runs/{id}"), &patch(members));
    let long_ago = "2026-10-20T01:32:30.982012+00:00";
    check(
        &server,
        91,
        vec![
            case("a patch before its post", change(&first, json!({})), Then::Taken),
            case("the post behind its patch", post(&first, json!({})), Then::Taken),
            case("a patch alone", change(&alone, json!({"name": "alone"})), Then::Taken),
            case("a post", post(&twice, json!({})), Then::Taken),
            case("the same post", post(&twice, json!({})), Then::Taken),
            case("its patch", change(&twice, json!({})), Then::Taken),
            case("the post once more", post(&twice, json!({})), Then::Taken),
            case(
                "a post of long ago",
                post(&late, json!({"start_time": long_ago, "dotted_order": null})),
                Then::Taken,
            ),
            case("its patch after a month", change(&late, json!({})), Then::Taken),
            case("a post", post(&backwards, json!({})), Then::Taken),
            case(
                "an end before its beginning",
                change(&backwards, json!({"end_time": "2026-11-21T01:32:29Z"})),
                Then::Taken,
            ),
        ],
    )
    .await;
    for id in [&first, &twice, &late] {
        let run = read_run(&server, id).await;
        let told = (&run["name"], &run["inputs"], &run["outputs"], &run["status"]);
        assert_eq!(told, (&"odd".into(), &json!({"q": 1}), &json!({"a": 2}), &"success".into()), "{id}");
    }
    assert_eq!(read_run(&server, &late).await["start_time"], long_ago);
    assert_eq!(read_run(&server, &alone).await["name"], "alone");
    let run = read_run(&server, &backwards).await;
    assert_eq!((&run["status"], &run["name"]), (&"success".into(), &"odd".into()));
    assert_eq!(server.run_count("demo").await, 5);
    // What is shown lasts no negative time.
    let traces = server.get_json("/projects/demo/stats").await;
    assert!(!traces.to_string().contains(":-"), "{traces}");
}

#[tokio::test]
async fn row_92_places_that_contradict() {
    let server = Server::start();
    let id = nth(0);
    let step = |id: &str| format!("20261121T013230982012Z{id}");
    let odd: Vec<(&str, Value)> = vec![
        ("another trace than its root", json!({"trace_id": CHILD})),
        ("its own parent", json!({"parent_run_id": nth(2)})),
        ("a parent below it", json!({"parent_run_id": nth(4), "dotted_order": null, "trace_id": nth(4)})),
        ("a cycle", json!({"parent_run_id": nth(3), "dotted_order": null, "trace_id": nth(4)})),
        ("no order", json!({"dotted_order": "nonsense"})),
        ("an order of another run", json!({"dotted_order": step(CHILD)})),
        (
            "another parent in front",
            json!({"parent_run_id": ID, "dotted_order": format!("{}.{}", step(CHILD), step(&nth(7)))}),
        ),
        ("10,001 levels", json!({"dotted_order": vec![step(&nth(8)); 10_001].join(".")})),
        ("the year 9999", json!({"dotted_order": format!("99991231T235959999999Z{}", nth(9))})),
    ];
    let mut cases = vec![
        case(
            "another id",
            json_request("PATCH", &format!("/runs/{ID}"), &json!({"id": CHILD})),
            Then::Refused(422, "sent as"),
        ),
        case("no id", json_request("PATCH", "/runs/nonsense", &json!({})), Then::Refused(422, "nonsense")),
        case(
            "a trace that is no id",
            json_request("POST", "/runs", &json!({"id": id, "trace_id": "x"})),
            Then::Refused(422, "trace_id"),
        ),
    ];
    for (n, (what, members)) in odd.iter().enumerate() {
        let run = root_with(&nth(n + 1), members);
        cases.push(case(*what, json_request("POST", "/runs", &run), Then::Taken));
    }
    let count = odd.len();
    check(&server, 92, cases).await;
    assert_eq!(server.run_count("demo").await, count as u64);
    for n in 1..=count {
        let run = read_run(&server, &nth(n)).await;
        assert_ne!(run["parent_run_id"], run["id"], "{run}");
        assert!(run["dotted_order"].as_str().is_some_and(|order| order.ends_with(&nth(n))), "{run}");
        let trace = run["trace_id"].as_str().expect("an id").replace('-', "");
        server.get_json(&format!("/traces/{trace}?project=demo")).await;
    }
}

#[tokio::test]
async fn row_93_forms_of_ids() {
    let server = Server::start();
    let known = [
        (
            "version 1",
            "2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d".to_owned(),
            "2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d",
        ),
        ("version 7", ID.to_owned(), ID),
        ("upper case", CHILD.to_uppercase(), CHILD),
        ("lower case", CHILD.to_owned(), CHILD),
        ("without hyphens", CHILD.replace('-', ""), CHILD),
        ("in braces", format!("{{{CHILD}}}"), CHILD),
        ("an URN", format!("urn:uuid:{CHILD}"), CHILD),
        (
            "the last of all",
            "ffffffff-ffff-ffff-ffff-ffffffffffff".to_owned(),
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ),
    ];
    let run =
        |id: &str| json_request("POST", "/runs", &json!({"id": id, "name": "n", "session_name": "demo"}));
    let mut cases: Vec<Case> = known.iter().map(|(what, id, _)| case(*what, run(id), Then::Taken)).collect();
    for (id, why) in [
        ("00000000-0000-0000-0000-000000000000", "nil"),
        ("", "id"),
        ("7", "id"),
        ("{}", "id"),
        ("0190b2a3\u{0}", "id"),
    ] {
        cases.push(case(id, run(id), Then::Refused(422, why)));
    }
    check(&server, 93, cases).await;
    for (what, _, id) in &known {
        assert_eq!(read_run(&server, id).await["id"], *id, "{what}");
    }
    assert_eq!(server.run_count("demo").await, 4, "one id is one run, however it is written");
}

#[tokio::test]
async fn row_94_forms_of_times() {
    let server = Server::start();
    let bomb = format!("Fri, 21 Nov 2026 {}", "(".repeat(200_000));
    let good = [
        (json!(1_795_224_750_982_i64), "2026-11-21T01:32:30.982000+00:00"),
        (json!(1_795_224_750.982_f64), "2026-11-21T01:32:30.982000+00:00"),
        (json!("2026-11-21T01:32:30.982012Z"), "2026-11-21T01:32:30.982012+00:00"),
        (json!("2026-11-21T01:32:30.982012"), "2026-11-21T01:32:30.982012+00:00"),
        (json!("2026-11-21T02:32:30.982012+01:00"), "2026-11-21T01:32:30.982012+00:00"),
        (json!("2026-11-21 01:32:30"), "2026-11-21T01:32:30.000000+00:00"),
    ];
    let bad = [
        json!("2026-11-21T01:32:30+25:00"),
        json!("0000-01-01T00:00:00Z"),
        json!("10000-01-01T00:00:00Z"),
        json!("2026-02-30T00:00:00Z"),
        json!("2026-02-30"),
        json!("Fri, 21 Nov 2026 01:32:30 GMT"),
        json!(bomb),
        json!("now"),
        json!(1e300),
        json!(-5),
        json!({"time": 1}),
        json!([]),
    ];
    let of = |n: usize, time: &Value| {
        let run = json!({"id": nth(n), "name": "n", "session_name": "demo", "start_time": time});
        json_request("POST", "/runs", &run)
    };
    let mut cases: Vec<Case> = good
        .iter()
        .enumerate()
        .map(|(n, (time, _))| case(time.to_string(), of(n, time), Then::Taken))
        .collect();
    cases.extend(bad.iter().enumerate().map(|(n, time)| {
        let what: String = time.to_string().chars().take(60).collect();
        case(what, of(100 + n, time), Then::Refused(422, "start_time"))
    }));
    check(&server, 94, cases).await;
    for (n, (_, read)) in good.iter().enumerate() {
        assert_eq!(read_run(&server, &nth(n)).await["start_time"], *read, "{n}");
    }
    assert_eq!(server.run_count("demo").await, good.len() as u64);
}

#[tokio::test]
async fn row_95_payloads_of_every_shape() {
    let folder = DataFolder::new();
    let server =
        Server::start_in(folder, &["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--inflight", "2MiB"]);
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let mut cases = Vec::new();
    let shapes = ["[1, 2]", "\"text\"", "null", "7", "-1.5e-7", "true", "{}", "[]", deep.as_str()];
    for (n, shape) in shapes.iter().enumerate() {
        let run = format!(
            r#"{{"id":"{}","name":"n","session_name":"demo","inputs":{shape},"outputs":{shape},"extra":{{"metadata":{{"m":{shape}}}}}}}"#,
            nth(n)
        );
        let what: String = shape.chars().take(20).collect();
        cases.push(case(what, request("POST", "/runs", run), Then::Taken));
    }
    let large = json!({"id": ID, "inputs": {"text": "x".repeat(5 << 20)}}).to_string();
    cases.push(case("more than fits", request("POST", "/runs", large), Then::Refused(413, "--inflight")));
    check(&server, 95, cases).await;
    for n in 0..shapes.len() {
        let run = read_run(&server, &nth(n)).await;
        assert!(run["inputs"].is_object() && run["extra"]["metadata"].is_object(), "{n}");
    }
    assert_eq!(server.run_count("demo").await, shapes.len() as u64);
}

#[tokio::test]
async fn row_97_names_of_projects() {
    let server = Server::start();
    let names = [
        "x".repeat(10_240),
        "../../etc".to_owned(),
        "a\u{0}b".to_owned(),
        "🦀 project".to_owned(),
        "\u{202e}txet".to_owned(),
        "  ".to_owned(),
        "a\nb".to_owned(),
    ];
    let mut cases = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let run = json!({"id": nth(n), "name": "n", "session_name": name});
        let what: String = name.chars().take(20).collect();
        cases.push(case(what, json_request("POST", "/runs", &run), Then::Taken));
    }
    check(&server, 97, cases).await;
    for n in 0..names.len() {
        assert_eq!(read_run(&server, &nth(n)).await["id"], nth(n));
    }
    let sessions = Request::get("/sessions?limit=100").body(Bytes::new()).expect("a valid request");
    let sessions = send(&server, sessions).await.json();
    for session in sessions.as_array().expect("a list") {
        let name = session["name"].as_str().expect("a name");
        assert!(name.len() <= 1_024 && !name.chars().any(char::is_control), "{name:?}");
    }
    let outside = server.folder().path().join("etc");
    assert!(!outside.exists(), "a name is no path");
}

#[tokio::test]
async fn row_98_another_workspace() {
    let folder = DataFolder::new();
    let key = folder.run_ok(&["keys", "create"]).trim().to_owned();
    let server =
        Server::start_in(folder, &["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--require-keys=true"]);
    let with_key = |mut request: Request<Bytes>, workspace: &str| {
        request.headers_mut().insert("x-api-key", key.parse().expect("ASCII"));
        request.headers_mut().insert("x-tenant-id", workspace.parse().expect("ASCII"));
        request
    };
    let run = root("n");
    let own =
        send(&server, with_key(Request::get("/sessions?limit=1").body(Bytes::new()).expect("valid"), ""))
            .await;
    let own = own.json()[0]["tenant_id"].as_str().expect("an id").to_owned();
    let batch = json!({"post": [run]});
    let mut cases = vec![
        ("POST", "/runs", run.clone()),
        ("POST", "/runs/batch", batch),
        ("POST", "/runs/multipart", json!({})),
        ("POST", "/runs/query", json!({})),
        ("POST", "/feedback", json!({"key": "k", "run_id": ID})),
        ("POST", "/datasets", json!({"name": "d"})),
    ]
    .into_iter()
    .map(|(method, path, body)| {
        let request = with_key(json_request(method, path, &body), CHILD);
        case(path, request, Then::Refused(403, "x-tenant-id"))
    })
    .collect::<Vec<_>>();
    cases.push(case("its own", with_key(json_request("POST", "/runs", &run), &own), Then::Taken));
    for Case { what, request, then } in cases {
        check_answer(&format!("row 98, {what}"), &send(&server, request).await, &then);
    }
}

#[tokio::test]
async fn row_99_feedback_of_every_kind() {
    let server = Server::start();
    let html = "<script>alert(1)</script>".repeat(8_000);
    let feedback = |n: usize, members: Value| {
        let mut feedback = json!({"id": nth(n), "run_id": ID, "key": "k"});
        feedback.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
        json_request("POST", "/feedback", &feedback)
    };
    let not_a_number = format!(r#"{{"id":"{}","run_id":"{ID}","key":"k","score":NaN}}"#, nth(90));
    let too_large = format!(r#"{{"id":"{}","run_id":"{ID}","key":"k","score":1e999}}"#, nth(91));
    check(
        &server,
        99,
        vec![
            case("NaN", request("POST", "/feedback", not_a_number), Then::Refused(400, "expected value")),
            case(
                "beyond all numbers",
                request("POST", "/feedback", too_large),
                Then::Refused(400, "out of range"),
            ),
            case("a text", feedback(92, json!({"score": "high"})), Then::Refused(422, "score")),
            case("a list", feedback(93, json!({"score": [1]})), Then::Refused(422, "score")),
            case(
                "no key",
                json_request("POST", "/feedback", &json!({"run_id": ID})),
                Then::Refused(422, "key"),
            ),
            case("nothing", request("POST", "/feedback", ""), Then::Refused(422, "key")),
            case("a huge number", feedback(1, json!({"score": 1e308})), Then::Taken),
            case("HTML", feedback(2, json!({"comment": html, "score": 1})), Then::Taken),
            case("no run yet", feedback(3, json!({"run_id": CHILD, "score": true})), Then::Taken),
        ],
    )
    .await;
    let read =
        |id: String| Request::get(format!("/feedback/{id}")).body(Bytes::new()).expect("a valid request");
    assert_eq!(send(&server, read(nth(1))).await.json()["score"], 1e308);
    let comment = send(&server, read(nth(2))).await;
    assert_eq!(comment.json()["comment"], html.as_str());
    assert_eq!(comment.header("content-type"), Some("application/json"));
    // The run of the third comes after its feedback.
    assert_eq!(send_json(&server, "POST", "/runs", &root_with(CHILD, &json!({}))).await.status, 202);
    assert_eq!(read_run(&server, CHILD).await["feedback_stats"]["k"]["n"], 1);
}

#[tokio::test]
async fn row_101_one_bad_run_of_many() {
    let server = Server::start();
    let mut runs: Vec<Value> =
        (0..10_000).map(|n| json!({"id": nth(n), "name": "n", "session_name": "many"})).collect();
    runs[0]["id"] = json!(CHILD);
    runs[4_321]["start_time"] = json!("soon");
    let answer = send_json(&server, "POST", "/runs/batch", &json!({"post": runs})).await;
    check_answer("row 101", &answer, &Then::TakenBut("post[4321]"));
    assert_eq!(server.run_count("many").await, 9_999);
}

#[tokio::test]
async fn row_102_every_way_at_once() {
    let server = Server::start();
    let run = root("one");
    let text = run.to_string();
    let patch = json!({"id": ID.to_uppercase(), "trace_id": ID, "session_name": "demo", "outputs": {"a": 2}});
    let post = format!("post.{ID}");
    let parts = [(post.as_str(), AS_JSON, text.as_bytes())];
    let span = json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": ID.replace('-', ""), "spanId": "00000000000000aa", "name": "one",
        "startTimeUnixNano": "1795224750982012000", "attributes": [
            {"key": "langsmith.span.id", "value": {"stringValue": ID}},
            {"key": "langsmith.trace.session_name", "value": {"stringValue": "demo"}}]}]}]}]});
    let (batch, patches) = (json!({"post": [run]}), json!({"patch": [patch]}));
    let answers = tokio::join!(
        send_json(&server, "POST", "/runs", &run),
        send_json(&server, "POST", "/runs/batch", &batch),
        send_form(&server, &parts),
        send_json(&server, "POST", "/runs/batch", &patches),
        send_json(&server, "POST", "/v1/traces", &span),
        send_json(&server, "POST", "/otel/v1/traces", &span),
    );
    for answer in [answers.0, answers.1, answers.2, answers.3, answers.4, answers.5] {
        assert!(answer.status.is_success(), "row 102: {} {}", answer.status, answer.text());
    }
    assert_eq!(server.run_count("demo").await, 1);
    let run = read_run(&server, ID).await;
    let told = (&run["name"], &run["inputs"], &run["outputs"]);
    assert_eq!(told, (&"one".into(), &json!({"q": 1}), &json!({"a": 2})));
}
