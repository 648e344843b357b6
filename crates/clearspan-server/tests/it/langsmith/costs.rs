//! What runs cost, worked out by hand from the prices of the built-in list and from what clients say themselves.

use super::recorded::{replay, runs_of};
use super::*;

/// Input, output and total, as texts to the last digit.
fn cost_of(run: &Value) -> [&str; 3] {
    ["prompt_cost", "completion_cost", "total_cost"].map(|key| run[key].as_str().unwrap_or("none"))
}

/// What the wrappers of OpenAI's and Anthropic's clients were recorded to send.
///
/// gpt-5-mini, dollars for a million tokens: 0.25 in, 0.025 from the cache, 2 out.
/// 120 in, of which 64 from the cache: 56 × 0.25 + 64 × 0.025 = 15.6 millionths; 30 out × 2 = 60.
///
/// claude-sonnet-5: 2 in, 0.2 from the cache, 2.5 into the cache for five minutes, 4 for an hour, 10 out.
/// 510 in: 300 × 0.2 + 150 × 2.5 + 50 × 4 + the 10 others × 2 = 655; 7 out × 10 = 70.
#[tokio::test]
async fn cached_tokens_cost_what_a_calculation_by_hand_says() {
    let server = Server::start();
    replay(&server, "12_wrap_openai_anthropic").await;
    let runs = runs_of(&server, "stub-project").await;
    let named = |name: &str| runs.iter().find(|run| run["name"] == name).expect("the run is there");
    assert_eq!(cost_of(named("ChatOpenAI")), ["0.0000156", "0.00006", "0.0000756"]);
    assert_eq!(cost_of(named("ChatAnthropic")), ["0.000655", "0.00007", "0.000725"]);
    assert_eq!(named("ChatAnthropic")["prompt_token_details"]["cache_read"], 300);

    // Sides of costs are asked for like any figure, to the last digit.
    let session = named("ChatOpenAI")["session_id"].clone();
    for (filter, found) in [
        ("gt(prompt_cost, \"0.0000156\")", vec!["ChatAnthropic"]),
        ("gte(prompt_cost, 0.0000156)", vec!["ChatAnthropic", "ChatOpenAI"]),
        ("lt(prompt_cost, 1.5600000000001e-5)", vec!["ChatOpenAI"]),
        ("eq(completion_cost, \"0.00007\")", vec!["ChatAnthropic"]),
        ("and(neq(prompt_cost, null), lt(completion_cost, 0.00007))", vec!["ChatOpenAI"]),
        ("eq(prompt_cost, null)", vec![]),
    ] {
        for is_root in [json!(true), Value::Null] {
            let body = json!({"session": [session], "filter": filter, "is_root": is_root});
            let answer = send_json(&server, "POST", "/runs/query", &body).await;
            assert_eq!(answer.status, 200, "{filter}: {}", answer.text());
            let answer = answer.json();
            let mut names: Vec<&str> = answer["runs"]
                .as_array()
                .expect("runs")
                .iter()
                .filter_map(|run| run["name"].as_str())
                .collect();
            names.sort_unstable();
            assert_eq!(names, found, "{filter}, is_root {is_root}");
        }
    }
}

fn below(n: usize, run_type: &str, usage: &str) -> String {
    let id = format!("00000000-0000-4000-8000-0000000000{n:02}");
    // Written out, because digits are what is tested.
    format!(
        r#"{{"id":"{id}","trace_id":"{ID}","parent_run_id":"{ID}","name":"child {n}","run_type":"{run_type}","session_name":"demo",
        "start_time":"2026-11-21T01:32:31Z","end_time":"2026-11-21T01:32:32Z",
        "dotted_order":"20261121T013230982012Z{ID}.20261121T013231000000Z{id}","inputs":{{}},"outputs":{{}},
        "extra":{{"metadata":{{"ls_provider":"openai","ls_model_name":"gpt-5-mini","usage_metadata":{usage}}}}}}}"#
    )
}

/// What a client says of costs comes before prices, side by side; what it leaves open is computed; and a tree is summed up.
#[tokio::test]
async fn costs_that_clients_tell_come_before_prices() {
    let server = Server::start();
    let children = [
        // Both sides told: the total is their sum, whatever the price would be.
        below(
            1,
            "llm",
            r#"{"input_tokens":1000,"output_tokens":500,"total_tokens":1500,"input_cost":0.012345678901,"output_cost":0.000000000009}"#,
        ),
        // One side told: 500 tokens out × 2 dollars a million are the other.
        below(2, "llm", r#"{"input_tokens":1000,"output_tokens":500,"total_tokens":1500,"input_cost":0.25}"#),
        // A total alone is taken as it is, and nobody knows its sides.
        below(3, "llm", r#"{"input_tokens":1000,"output_tokens":500,"total_tokens":1500,"total_cost":1.5}"#),
        // A tool costs what it says and nothing else.
        below(4, "tool", r#"{"total_cost":0.07}"#),
        // Nothing told: 1000 × 0.25 + 500 × 2 = 1250 millionths.
        below(5, "llm", r#"{"input_tokens":1000,"output_tokens":500,"total_tokens":1500}"#),
    ];
    let body = format!("{{\"post\":[{},{}]}}", root("agent"), children.join(","));
    let request = Request::post("/runs/batch").header("content-type", "application/json");
    let answer = send(&server, request.body(Bytes::from(body)).expect("a valid request")).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert!(errors(&answer).is_empty(), "{}", answer.text());

    let expected = [
        ["0.012345678901", "0.000000000009", "0.01234567891"],
        ["0.25", "0.001", "0.251"],
        ["none", "none", "1.5"],
        ["none", "none", "0.07"],
        ["0.00025", "0.001", "0.00125"],
    ];
    for (n, expected) in (1..).zip(expected) {
        let run = read_run(&server, &format!("00000000-0000-4000-8000-0000000000{n:02}")).await;
        assert_eq!(cost_of(&run), expected, "child {n}");
    }
    // 0.012345678901 + 0.25 + 0.00025 in; 0.000000000009 + 0.001 + 0.001 out; and 1.57 of totals that have no sides.
    let sums = ["0.262595678901", "0.002000000009", "1.83459567891"];
    assert_eq!(cost_of(&read_run(&server, ID).await), sums);
    let session = Request::get("/sessions?name=demo&include_stats=true").body(Bytes::new()).expect("valid");
    let session = send(&server, session).await.json()[0].take();
    assert_eq!(cost_of(&session), sums, "{session}");
    let stats = send_json(&server, "POST", "/runs/stats", &json!({"session": [session["id"]]})).await.json();
    assert_eq!(cost_of(&stats), sums, "{stats}");
    // Roots of lists, with payloads and without, and by their ids.
    let select = json!(["prompt_cost", "completion_cost", "total_cost"]);
    let roots = json!({"session": [session["id"]], "is_root": true});
    for (query, select) in [(&roots, &Value::Null), (&roots, &select), (&json!({"id": [ID]}), &select)] {
        let mut body = query.clone();
        body["select"] = select.clone();
        let answer = send_json(&server, "POST", "/runs/query", &body).await.json();
        assert_eq!(cost_of(&answer["runs"][0]), sums, "{body}: {answer}");
    }

    // Of a root, the sides of what is below it are asked for.
    for (filter, found) in [
        ("eq(prompt_cost, \"0.262595678901\")", 1),
        ("gt(prompt_cost, \"0.262595678901\")", 0),
        ("gte(completion_cost, 0.002000000009)", 1),
        ("gt(completion_cost, 0.0020000000089)", 1),
        ("gt(completion_cost, 0.002000000009)", 0),
    ] {
        let body = json!({"session": [session["id"]], "is_root": true, "filter": filter});
        let answer = send_json(&server, "POST", "/runs/query", &body).await.json();
        assert_eq!(answer["runs"].as_array().map(Vec::len), Some(found), "{filter}: {answer}");
    }
}

/// Parts of costs by kind of token: those that prices make, and those that clients tell, under the names that they have there.
#[tokio::test]
async fn parts_of_costs_are_told_by_their_names() {
    let server = Server::start();
    replay(&server, "12_wrap_openai_anthropic").await;
    let told = below(
        1,
        "llm",
        r#"{"input_tokens":1000,"output_tokens":500,"input_cost":0.5,"output_cost":0.25,
            "input_cost_details":{"cache_read":0.000000000001,"cache_creation":0.125,"priority":1e-3},
            "output_cost_details":{"reasoning":0.2}}"#,
    );
    let body = format!("{{\"post\":[{},{told}]}}", root("agent"));
    let request = Request::post("/runs/batch").header("content-type", "application/json");
    let answer = send(&server, request.body(Bytes::from(body)).expect("a valid request")).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let details =
        |run: &Value| ["prompt_cost_details", "completion_cost_details"].map(|key| run[key].clone());

    let id = "00000000-0000-4000-8000-000000000001";
    let run = read_run(&server, id).await;
    let expected = [
        json!({"cache_read": "0.000000000001", "cache_creation": "0.125", "priority": "0.001"}),
        json!({"reasoning": "0.2"}),
    ];
    assert_eq!(details(&run), expected);
    assert_eq!(cost_of(&run), ["0.5", "0.25", "0.75"], "parts change no sum");
    let select = json!({"id": [id], "select": ["prompt_cost_details", "completion_cost_details"]});
    let selected = send_json(&server, "POST", "/runs/query", &select).await.json();
    assert_eq!(details(&selected["runs"][0]), expected);
    let path = format!(
        "/api/v2/runs/{id}?project_id={}&selects=PROMPT_COST_DETAILS&selects=COMPLETION_COST_DETAILS",
        run["session_id"].as_str().expect("an id")
    );
    let second = send(&server, Request::get(path).body(Bytes::new()).expect("a valid request")).await.json();
    let raw = json!({"raw": {"cache_read": 0.000000000001, "cache_creation": 0.125, "priority": 0.001}});
    assert_eq!(details(&second), [raw, json!({"raw": {"reasoning": 0.2}})]);

    // As calculated above: 300 × 0.2, 150 × 2.5 and 50 × 4 millionths.
    let runs = runs_of(&server, "stub-project").await;
    let anthropic = runs.iter().find(|run| run["name"] == "ChatAnthropic").expect("the run is there");
    let parts = json!({"cache_read": "0.00006", "cache_creation": "0", "ephemeral_5m_input_tokens": "0.000375",
        "ephemeral_1h_input_tokens": "0.0002"});
    assert_eq!(details(anthropic), [parts, json!({})]);
}

/// A turn of the conversation `talk`: a chain with a call below it that says what it cost.
fn turn(n: usize, usage: &Value) -> [Value; 2] {
    let run = |id: String, parent: Option<&str>, path: String| {
        json!({"id": id, "trace_id": nth(n, 0), "parent_run_id": parent, "dotted_order": path, "session_name": "demo",
            "name": format!("run of {n}"), "run_type": if parent.is_some() { "llm" } else { "chain" },
            "start_time": format!("2026-11-21T01:32:{n:02}Z"), "end_time": format!("2026-11-21T01:32:{n:02}.5Z"),
            "inputs": {}, "outputs": {}, "extra": {"metadata": {"thread_id": "talk"}}})
    };
    let step = |id: &str| format!("20261121T0132{n:02}000000Z{id}");
    let (root_id, call_id) = (nth(n, 0), nth(n, 1));
    let root = run(root_id.clone(), None, step(&root_id));
    let mut call = run(call_id.clone(), Some(&root_id), format!("{}.{}", step(&root_id), step(&call_id)));
    call["extra"]["metadata"]["usage_metadata"] = usage.clone();
    [root, call]
}

fn nth(n: usize, run: usize) -> String {
    format!("00000000-0000-4000-8000-0000000{run:02}1{n:02}")
}

/// What calls cost by side is there in their chains, in turns and in whole conversations.
#[tokio::test]
async fn sides_of_costs_reach_turns_and_conversations() {
    let server = Server::start();
    let one =
        turn(1, &json!({"input_tokens": 3, "output_tokens": 2, "input_cost": 0.25, "output_cost": 0.5}));
    let two = turn(2, &json!({"input_tokens": 3, "output_tokens": 2, "input_cost": 0.125, "output_cost": 1}));
    let runs: Vec<Value> = one.into_iter().chain(two).collect();
    assert_eq!(send_json(&server, "POST", "/runs/batch", &json!({"post": runs})).await.status, 202);
    let get = async |path: String| {
        let answer = send(&server, Request::get(&path).body(Bytes::new()).expect("a valid request")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    };
    let project = get("/sessions?name=demo".to_owned()).await[0]["id"].as_str().expect("an id").to_owned();
    let selects = "selects=PROMPT_COST&selects=COMPLETION_COST&selects=TOTAL_COST";
    let costs = |prompt: f64, completion: f64| json!({"prompt_cost": prompt, "completion_cost": completion, "total_cost": prompt + completion});

    let run = format!("/api/v2/runs/{}?project_id={project}&{selects}", nth(1, 0));
    assert_eq!(get(format!("{run}&include_subtree_usage=true")).await, costs(0.25, 0.5));
    let none = json!({"prompt_cost": null, "completion_cost": null, "total_cost": null});
    assert_eq!(get(run).await, none, "the chain itself");
    let call = format!("/api/v2/runs/{}?project_id={project}&{selects}", nth(2, 1));
    assert_eq!(get(call).await, costs(0.125, 1.0));

    let turns = get(format!("/api/v2/threads/talk/traces?project_id={project}&{selects}")).await;
    let of_turn = |n: usize| {
        let mut turn = turns["items"][n].clone();
        turn.as_object_mut().expect("a turn").remove("trace_id");
        turn
    };
    assert_eq!((of_turn(0), of_turn(1)), (costs(0.25, 0.5), costs(0.125, 1.0)));
    let stats = get(format!("/api/v2/threads/talk/stats?session_id={project}&{selects}")).await;
    assert_eq!(stats, costs(0.375, 1.5));
    let select = ["PROMPT_COST", "COMPLETION_COST", "TOTAL_COST"];
    let body = json!({"project_id": project, "min_start_time": "2026-11-21T00:00:00Z", "select": select});
    assert_eq!(send_json(&server, "POST", "/api/v2/threads/stats", &body).await.json(), costs(0.375, 1.5));
    let body = json!({"session_id": project, "group_by": "conversation"});
    let groups = send_json(&server, "POST", "/runs/group", &body).await.json();
    assert_eq!(cost_of(&groups["groups"][0]), ["0.375", "1.5", "1.875"]);

    for (filter, found) in [
        ("eq(prompt_cost, \"0.375\")", 1),
        ("gt(prompt_cost, 0.3749999)", 1),
        ("gt(prompt_cost, 0.375)", 0),
        ("and(gte(completion_cost, 1.5), lt(total_cost, 2))", 1),
        ("lt(completion_cost, 1.5)", 0),
    ] {
        let body =
            json!({"project_id": project, "min_start_time": "2026-11-21T00:00:00Z", "thread_filter": filter});
        let threads = send_json(&server, "POST", "/api/v2/threads/query", &body).await.json();
        assert_eq!(threads["items"].as_array().map(Vec::len), Some(found), "{filter}: {threads}");
        let stats = send_json(&server, "POST", "/api/v2/threads/stats", &body).await.json();
        assert_eq!(stats["thread_count"], found, "{filter}: {stats}");
    }
}
