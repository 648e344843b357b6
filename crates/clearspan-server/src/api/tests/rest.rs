use http_body_util::BodyExt as _;

use super::*;

const TRACES: &str = "/api/clearspan/v1/projects/demo/traces";

#[tokio::test]
async fn projects_are_found_by_id_and_name() {
    let server = Server::with_traces().await;
    let all = server.read("/api/clearspan/v1/projects").await;
    let project = &all["projects"][0];
    assert_eq!((&project["name"], &project["trace_count"]), (&json!("demo"), &json!(6)));
    assert_eq!(project["last_run_at"], json!(at(-3_000).as_micros()));
    let id = project["id"].as_str().unwrap();
    assert_eq!(&server.read(&format!("/api/clearspan/v1/projects/{id}")).await, project);
    assert_eq!(&server.read("/api/clearspan/v1/projects/demo").await, project);

    let answer = server.get("/api/clearspan/v1/projects/d%C3%A9mo").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.json()["error"]["message"], "there is no project \"démo\"");
}

#[tokio::test]
async fn traces_are_summed_up_and_filtered() {
    let server = Server::with_traces().await;
    let page = server.read(&format!("{TRACES}?q=user:ann")).await;
    let trace = &page["traces"][0];
    let expected = json!({
        "trace_id": uuid(1), "name": "agent", "run_type": "chain", "status": "success", "cost": "0.03",
        "input_tokens": 500, "total_tokens": 520, "run_count": 4, "error_count": 1, "models": ["gpt-4o"],
        "thread_id": "thread-1", "error": "ToolError: no such order", "orphan": false, "latency_us": 4_000_000,
        "input_preview": "Refund my order", "metadata": {"plan": "pro"}, "start_time": at(-5_000).as_micros(),
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&trace[key], value, "{key}");
    }
    for (filter, count) in [
        ("", 6),
        ("plain", 5),
        ("plain -env:staging", 3),
        ("cost:>0.01", 1),
        ("model:gpt-*", 1),
        ("any(type:tool status:error)", 1),
        ("status:error", 0),
        ("meta.plan:pro tag:canary", 1),
        ("name:agent OR name~\"PLAIN 1\"", 2),
    ] {
        let query = filter.replace(' ', "%20").replace('"', "%22").replace('>', "%3E");
        let found = server.read(&format!("{TRACES}?q={query}")).await["traces"].as_array().unwrap().len();
        assert_eq!(found, count, "{filter}");
    }
}

#[tokio::test]
async fn time_ranges_select() {
    let server = Server::with_traces().await;
    let from = at(-11_500).as_micros();
    let count = server.read(&format!("{TRACES}?t={from}..")).await["traces"].as_array().unwrap().len();
    assert_eq!(count, 3);
    assert_eq!(server.read(&format!("{TRACES}?t=1h")).await["traces"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let server = Server::with_traces().await;
    for sort in ["-start", "start", "-cost", "latency", "-tokens"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        for _ in 0..10 {
            let page = server.read(&format!("{TRACES}?sort={sort}&limit=2{cursor}")).await;
            seen.extend(page["traces"].as_array().unwrap().iter().map(|trace| trace["trace_id"].to_string()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen.len(), 6, "{sort}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 6, "{sort}");
    }
    let runs = server.read("/api/clearspan/v1/projects/demo/runs?limit=3&q=type:llm").await;
    assert_eq!(runs["runs"].as_array().unwrap().len(), 2);
    assert_eq!(runs["runs"][0]["cost_source"], json!({"kind": "reported"}));
}

#[tokio::test]
async fn errors_say_what_and_where() {
    let server = Server::with_traces().await;
    for (path, status, code) in [
        (format!("{TRACES}?q=staus:error"), 400, "invalid_filter"),
        (format!("{TRACES}?t=yesterday"), 400, "invalid_parameter"),
        (format!("{TRACES}?sort=colour"), 400, "invalid_parameter"),
        (format!("{TRACES}?limit=many"), 400, "invalid_parameter"),
        (format!("{TRACES}?limt=5"), 400, "invalid_parameter"),
        (format!("{TRACES}?cursor=e30"), 400, "invalid_cursor"),
        ("/api/clearspan/v1/projects/none/traces".to_owned(), 404, "not_found"),
        (format!("/api/clearspan/v1/traces/{}", uuid(99)), 404, "not_found"),
        ("/api/clearspan/v1/traces/zz".to_owned(), 400, "invalid_parameter"),
        (format!("/api/clearspan/v1/traces/{}/runs/{}", uuid(1), uuid(99)), 404, "not_found"),
        (format!("/api/clearspan/v1/traces/{}/search?text=", uuid(1)), 400, "invalid_parameter"),
        ("/api/clearspan/v1/projects/demo/stats?of=threads".to_owned(), 400, "invalid_parameter"),
        ("/api/clearspan/v1/nothing".to_owned(), 404, "not_found"),
    ] {
        let answer = server.get(&path).await;
        let error = &answer.json()["error"];
        assert_eq!((answer.status.as_u16(), error["code"].as_str()), (status, Some(code)), "{path}: {error}");
        assert_eq!(answer.headers["x-request-id"], error["request_id"].as_str().unwrap(), "{path}");
    }
    let error = server.get(&format!("{TRACES}?q=a%20staus:error")).await.json()["error"].take();
    assert_eq!(error["position"], json!({"start": 2, "end": 7}));
    assert!(error["message"].as_str().unwrap().contains("did you mean \"status\"?"));

    let answer = server.post(TRACES, json!({})).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["error"]["code"].as_str()),
        (405, Some("method_not_allowed"))
    );
    let answer =
        server.post(&format!("/api/clearspan/v1/traces/{}/previews", uuid(1)), json!({"ids": []})).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["error"]["code"].as_str()),
        (400, Some("invalid_body"))
    );
}

#[tokio::test]
async fn a_skeleton_is_found_by_any_form_of_its_id_and_not_sent_twice() {
    let server = Server::with_traces().await;
    let path = format!("/api/clearspan/v1/traces/{}", uuid(1));
    let answer = server.get(&path).await;
    let skeleton = answer.json();
    assert_eq!(skeleton["runs"]["id"].as_array().unwrap().len(), 4);
    assert_eq!(skeleton["runs"]["parent"], json!([-1, 0, 0, 0]));
    assert_eq!(skeleton["totals"]["cost"], "0.03");
    assert_eq!(skeleton["project"]["name"], "demo");
    let hex = uuid(1).replace('-', "");
    assert_eq!(server.read(&format!("/api/clearspan/v1/traces/{hex}?project=demo")).await, skeleton);

    let etag = answer.headers["etag"].clone();
    let again = Request::get(&path).header("if-none-match", etag).body(Body::empty()).unwrap();
    let answer = server.send(again).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::NOT_MODIFIED, 0));
}

#[tokio::test]
async fn a_run_comes_whole_and_knows_what_it_shares() {
    let server = Server::with_traces().await;
    let run = server.read(&format!("/api/clearspan/v1/traces/{}/runs/{}", uuid(1), uuid(3))).await;
    assert_eq!(run["shared_prefix"], 2);
    assert_eq!(run["inputs"]["messages"][3], json!({"role": "user", "content": "Now!"}));
    assert_eq!(run["invocation_params"], json!({"temperature": 0.5}));
    assert_eq!(run["cost"]["total"], "0.02");
    assert_eq!(run["cost"]["source"], json!({"kind": "reported"}));
    let first = server.read(&format!("/api/clearspan/v1/traces/{}/runs/{}", uuid(1), uuid(2))).await;
    assert_eq!(first["shared_prefix"], 0);
}

#[tokio::test]
async fn text_is_found_and_rows_have_previews() {
    let server = Server::with_traces().await;
    let found = |text: &'static str| {
        let path = format!("/api/clearspan/v1/traces/{}/search?text={text}", uuid(1));
        let server = &server;
        async move { server.read(&path).await["run_ids"].take() }
    };
    assert_eq!(found("now!").await, json!([uuid(3)]));
    assert_eq!(found("404").await, json!([uuid(4)]));
    assert_eq!(found("zebra").await, json!([]));

    let path = format!("/api/clearspan/v1/traces/{}/previews?project=demo", uuid(1));
    let previews = server.post(&path, json!({"run_ids": [uuid(2), uuid(77)]})).await.json();
    let expected = json!({"previews": {uuid(2): {"input": "Refund my order", "output": "answer 2"}}});
    assert_eq!(previews, expected);
    let many: Vec<String> = (0..201).map(|n| TraceId::from_bytes([n as u8; 16]).to_string()).collect();
    assert_eq!(server.post(&path, json!({"run_ids": many})).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn figures_beside_the_list() {
    let server = Server::with_traces().await;
    let stats = server.read("/api/clearspan/v1/projects/demo/stats?q=name:agent").await;
    assert_eq!(
        (&stats["count"], &stats["cost"], &stats["p50_us"]),
        (&json!(1), &json!("0.03"), &json!(4_000_000))
    );
    let stats = server.read("/api/clearspan/v1/projects/demo/stats?of=runs&q=type:llm").await;
    assert_eq!((&stats["count"], &stats["total_tokens"]), (&json!(2), &json!(520)));

    let histogram = server.read(&format!("{TRACES}/histogram?t=1h&buckets=60")).await;
    assert_eq!(histogram["ok"].as_array().unwrap().iter().filter_map(Value::as_u64).sum::<u64>(), 6);
    assert_eq!((&histogram["to"], &histogram["bucket_us"]), (&json!(at(0).as_micros()), &json!(60_000_000)));

    let facets = server.read(&format!("{TRACES}/facets?q=env:staging%20plain")).await;
    let facet = |field: &str| {
        let all = facets["facets"].as_array().unwrap();
        all.iter().find(|facet| facet["field"] == field).unwrap()["values"].clone()
    };
    let both = json!([{"value": "production", "count": 3}, {"value": "staging", "count": 2}]);
    assert_eq!(facet("environment"), both, "its own term is ignored");
    assert_eq!(facet("status"), json!([{"value": "success", "count": 2}]));
}

#[tokio::test]
async fn a_verdict_has_a_baseline_when_there_are_enough_traces() {
    let server = Server::with_traces().await;
    let path = format!("/api/clearspan/v1/traces/{}/verdict?project=demo", uuid(1));
    let verdict = server.read(&path).await;
    assert_eq!(verdict["baseline"], Value::Null);
    assert_eq!(verdict["findings"][0]["rule"], "why_it_cost");

    let others: Vec<Run> = (0..20_u8)
        .map(|n| {
            let mut root = server.run(150 + n, 1, None);
            root.name = Some("agent".to_owned());
            (root.start_time, root.end_time) = (Some(at(-60_000)), Some(at(-60_000 + i64::from(n) * 100)));
            root
        })
        .collect();
    server.context.store.write(others).await.unwrap();
    let baseline = &server.read(&path).await["baseline"];
    assert_eq!((&baseline["runs"], &baseline["p50_us"]), (&json!(21), &json!(1_000_000)));
}

/// The page of a trace and its verdict see what was asked, and do not accuse calls that have nothing but a name in common.
#[tokio::test]
async fn tries_are_calls_that_ask_the_same() {
    for (trace, second, attempts) in [(1, "translate B", [0, 0, 0]), (2, "summarise A", [0, 1, 2])] {
        let server = Server::new();
        let mut runs = vec![server.run(trace, 1, None)];
        for (id, (text, start)) in (2..).zip([("summarise A", -9_000), (second, -5_000)]) {
            let mut call = server.run(trace, id, Some(1));
            call.name = Some("ChatOpenAI".to_owned());
            call.run_type = Some(RunType::Llm);
            call.inputs.messages = vec![message("user", text)];
            (call.start_time, call.end_time) = (Some(at(start)), Some(at(start + 3_000)));
            call.error = (id == 2).then(|| "429 rate limit".to_owned());
            runs.push(call);
        }
        (runs[0].start_time, runs[0].end_time) = (Some(at(-9_500)), Some(at(-1_000)));
        server.context.store.write(runs).await.unwrap();
        let path = format!("/api/clearspan/v1/traces/{}", uuid(trace));
        assert_eq!(server.read(&path).await["runs"]["attempt"], json!(attempts), "{second}");
        let verdict = server.read(&format!("{path}/verdict")).await;
        let rules = verdict["findings"].as_array().unwrap().iter().map(|finding| &finding["rule"]);
        let is_accused = rules.into_iter().any(|rule| rule == "slow_recovery");
        assert_eq!(is_accused, attempts[2] == 2, "{second}: {verdict}");
    }
}

#[tokio::test]
async fn large_answers_are_compressed_and_small_ones_not() {
    let server = Server::with_traces().await;
    let ask = |path: &str, encoding: &str| {
        server.send(Request::get(path).header("accept-encoding", encoding).body(Body::empty()).unwrap())
    };
    let packed = ask(TRACES, "gzip").await;
    assert_eq!(packed.headers["content-encoding"], "gzip");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&packed.body[..]), &mut text).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), server.read(TRACES).await);
    assert_eq!(ask(TRACES, "zstd").await.headers["content-encoding"], "zstd");
    assert!(!ask("/api/clearspan/v1/info", "gzip").await.headers.contains_key("content-encoding"));
}

#[tokio::test]
async fn writes_are_told_to_listeners_of_their_project() {
    let server = Server::with_traces().await;
    assert_eq!(server.get("/api/clearspan/v1/events?project=none").await.status, StatusCode::NOT_FOUND);
    let request = Request::get("/api/clearspan/v1/events?project=demo").body(Body::empty()).unwrap();
    let response = server.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();

    let (workspace_id, other) = (server.context.workspace.id, ProjectId::from_bytes([9; 16]));
    let trace = |byte: u8| TraceId::from_bytes([byte; 16]);
    let live = &server.context.live;
    live.publish(workspace_id, vec![(other, trace(1))]);
    live.publish(workspace_id, vec![(server.project_id, trace(2)), (other, trace(3))]);
    live.publish(workspace_id, vec![(server.project_id, trace(4)), (server.project_id, trace(2))]);
    let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
    let expected = format!("event: traces\ndata: {}\n\n", json!({ "trace_ids": [uuid(2), uuid(4)] }));
    assert_eq!(String::from_utf8_lossy(&frame), expected);
}

/// Whatever refuses a request, it says so in the words of the API.
#[tokio::test]
async fn addresses_that_cannot_be_read_are_refused_as_everything_else() {
    let server = Server::new();
    let sha256 = "0".repeat(64);
    for path in [
        format!("/attachments/{sha256}"),
        format!("/attachments/{sha256}?name=a&name=b&type=x&expires=1&signature=s"),
        format!("/attachments/{sha256}?name=a&type=x&expires=never&signature=s"),
        "/attachments/%FF?name=a&type=x&expires=1&signature=s".to_owned(),
        "/api/v1/runs/%FF".to_owned(),
    ] {
        let answer = server.get(&path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(answer.headers["content-type"], "application/json", "{path}");
        assert!(answer.json()["detail"].is_string() || answer.json()["error"].is_object(), "{path}");
    }
}
