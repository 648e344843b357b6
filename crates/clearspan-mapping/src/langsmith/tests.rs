use clearspan_model::{Run, RunType, Side, Status, UnixNanos};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    ATTACHMENT, BatchError, Document, EXTRA, INPUTS, Kind, MAX_BATCH, OUTPUTS, Told, map, read_batch,
};

const ID: &str = "01a1fbbb-cb86-7125-8e15-d2abd3bca03f";
const CHILD: &str = "01a1fbbb-cbbb-7e3e-bbd1-c21de81c73d1";
const ROOT_ORDER: &str = "20261121T013230982012Z01a1fbbb-cb86-7125-8e15-d2abd3bca03f";

fn now() -> UnixNanos {
    crate::dialects::read_timestamp("2026-11-21T01:40:00Z").unwrap()
}

fn told(kind: Kind, document: &Value) -> Told {
    try_told(kind, document).unwrap()
}

fn try_told(kind: Kind, document: &Value) -> Result<Told, String> {
    map(&Document::whole(kind, None, &document.to_string()), now())
}

fn run(document: &Value) -> Run {
    told(Kind::Post, document).run
}

fn with_id(mut document: Value) -> Value {
    document.as_object_mut().unwrap().entry("id").or_insert(json!(ID));
    document
}

#[test]
fn a_post_and_its_patch_make_one_run() {
    let post = json!({
        "id": ID, "name": "agent", "run_type": "chain", "start_time": "2026-11-21T01:32:30.982012+00:00", "trace_id": ID,
        "dotted_order": ROOT_ORDER, "session_name": "demo", "tags": ["v1", "prod"], "inputs": {"q": "hello"},
        "outputs": {}, "events": [], "extra": {"metadata": {"thread_id": "th-1", "user_id": "ann", "n": 1,
            "LANGSMITH_PROJECT": "demo"}, "runtime": {"sdk": "langsmith-py", "sdk_version": "0.14.17", "x": null}},
    });
    let patch = json!({
        "id": ID, "name": "agent", "run_type": "chain", "start_time": "2026-11-21T01:32:30.982012+00:00", "trace_id": ID,
        "dotted_order": ROOT_ORDER, "session_name": "demo", "session_id": null, "parent_run_id": null, "tags": [],
        "end_time": 1_795_225_448_618_i64, "outputs": {"output": [1, 2]},
        "events": [{"name": "new_token", "time": "2026-11-21T01:32:31Z", "kwargs": {"token": "a"}}], "extra": {},
    });
    let (post, patch) = (told(Kind::Post, &post), told(Kind::Patch, &patch));
    assert_eq!((post.project_name.as_deref(), post.has_trace), (Some("demo"), true));
    let mut merged = patch.run.clone();
    merged.merge(post.run.clone());
    let mut other = post.run;
    other.merge(patch.run);
    assert_eq!(merged, other);
    assert_eq!(merged.name.as_deref(), Some("agent"));
    assert_eq!(merged.run_type, Some(RunType::Chain));
    assert_eq!(merged.status, Some(Status::Success));
    assert_eq!(merged.end_time.unwrap().as_nanos(), 1_795_225_448_618_000_000);
    assert_eq!(merged.inputs.rest.as_ref().unwrap().as_str(), r#"{"q":"hello"}"#);
    assert_eq!(merged.outputs.rest.as_ref().unwrap().as_str(), r#"{"output":[1,2]}"#);
    assert_eq!(merged.thread_id.as_deref(), Some("th-1"));
    assert_eq!(merged.user_id.as_deref(), Some("ann"));
    assert_eq!(merged.tags, ["prod", "v1"]);
    assert_eq!(merged.metadata.keys().collect::<Vec<_>>(), ["n", "thread_id", "user_id"]);
    assert_eq!(merged.resource["LANGSMITH_PROJECT"].as_str(), "\"demo\"");
    assert_eq!(merged.resource["langsmith.runtime.sdk"].as_str(), "\"langsmith-py\"");
    assert!(!merged.resource.contains_key("langsmith.runtime.x"));
    assert_eq!(merged.scope_name.as_deref(), Some("langsmith-py"));
    assert_eq!(merged.events.len(), 1);
    assert_eq!(merged.first_token_time, crate::dialects::read_timestamp("2026-11-21T01:32:31Z"));
    assert_eq!(merged.span_id.unwrap().to_string(), "01a1fbbbcb867125");
    assert!(merged.issues.is_empty(), "{:?}", merged.issues);
}

#[test]
fn calls_of_models_are_understood_and_give_back_what_was_sent() {
    let inputs = r#"{"messages": [[{"lc":1,"type":"constructor","id":["langchain","schema","messages","HumanMessage"],"kwargs":{"content":"hi","type":"human"}}]]}"#;
    let outputs = r#"{"generations":[[{"text":"hello","generation_info":null,"type":"ChatGeneration","message":{"lc":1,"type":"constructor","id":["langchain","schema","messages","AIMessage"],"kwargs":{"content":"hello","response_metadata":{"model_name":"gpt-4o-2024-08-06"},"type":"ai","usage_metadata":{"input_tokens":11,"output_tokens":5,"total_tokens":16,"input_token_details":{"cache_read":3}},"tool_calls":[]}}}]],"llm_output":null}"#;
    let document = Document {
        kind: Kind::Post,
        run_id: Some(ID.parse().unwrap()),
        main: r#"{"run_type":"llm","name":"ChatOpenAI","start_time":"2026-11-21T01:32:30Z"}"#,
        parts: vec![
            ("inputs", inputs),
            ("outputs", outputs),
            (
                "extra",
                r#"{"invocation_params":{"model":"gpt-4o","temperature":0.5,"_type":"openai-chat"},"batch_size":1,"metadata":{"ls_provider":"openai"}}"#,
            ),
        ],
    };
    let run = map(&document, now()).unwrap().run;
    assert_eq!(run.messages(Side::Input)[0].as_str(), r#"{"role":"user","content":"hi"}"#);
    assert!(run.messages(Side::Output)[0].as_str().contains("hello"));
    assert_eq!(run.attributes[INPUTS].as_str(), inputs);
    assert_eq!(run.attributes[OUTPUTS].as_str(), outputs);
    assert_eq!(run.attributes[&format!("{EXTRA}batch_size")].as_str(), "1");
    let usage = run.usage.unwrap();
    assert_eq!((usage.input_tokens, usage.output_tokens, usage.total_tokens), (Some(11), Some(5), Some(16)));
    assert_eq!(usage.input_details["cache_read"], 3);
    assert_eq!(run.model.as_deref(), Some("gpt-4o-2024-08-06"));
    assert_eq!(run.provider.as_deref(), Some("openai"));
    let params = run.invocation_params.unwrap().to_value();
    assert_eq!(params, json!({"model": "gpt-4o", "temperature": 0.5, "_type": "openai-chat"}));
}

#[test]
fn the_wrapped_clients_of_openai_and_anthropic_are_understood() {
    let openai = run(&with_id(json!({
        "run_type": "llm", "name": "ChatOpenAI",
        "inputs": {"messages": [{"role": "user", "content": "hi"}], "model": "gpt-4o-mini", "temperature": 0},
        "outputs": {"id": "c", "model": "gpt-4o-mini-2024-07-18", "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "yes"}}],
            "usage_metadata": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5, "total_cost": 0.25,
                "input_cost_details": {"cache_creation": 0.125, "cache_read": "0.000000000001", "priority": 1e-3, "audio": 0,
                    "video": -1, "text": null}, "output_cost_details": {"reasoning_tokens": 0.0625}}},
        "extra": {"metadata": {"ls_provider": "openai", "ls_model_name": "gpt-4o-mini"}},
    })));
    assert_eq!(openai.messages(Side::Output)[0].to_value()["content"], "yes");
    assert_eq!(openai.usage.unwrap().input_tokens, Some(3));
    let cost = openai.cost.unwrap();
    assert_eq!(cost.total.unwrap().to_string(), "0.25");
    let details = cost.details.iter().map(|(name, money)| format!("{name} {money}")).collect::<Vec<_>>();
    assert_eq!(
        details,
        [
            "input.cache_read 0.000000000001",
            "input.cache_write 0.125",
            "input.priority 0.001",
            "output.reasoning 0.0625"
        ]
    );
    assert_eq!(openai.model.as_deref(), Some("gpt-4o-mini"));

    let anthropic = run(&with_id(json!({
        "run_type": "llm", "name": "ChatAnthropic",
        "inputs": {"messages": [{"role": "user", "content": "hi"}], "system": "be kind", "max_tokens": 9},
        "outputs": {"content": [{"type": "text", "text": "ok"}], "role": "assistant", "model": "claude-x", "type": "message",
            "usage": {"input_tokens": 10, "output_tokens": 4, "cache_read_input_tokens": 300}},
    })));
    assert_eq!(anthropic.messages(Side::Input)[0].to_value()["role"], "system");
    let usage = anthropic.usage.unwrap();
    assert_eq!((usage.input_tokens, usage.input_details["cache_read"]), (Some(310), 300));
}

#[test]
fn what_has_no_field_is_kept() {
    let run = run(&with_id(json!({
        "run_type": "agent", "serialized": {"name": "x"}, "manifest_id": "m", "revision_id": null, "child_runs": [],
        "reference_example_id": CHILD, "extra": {"options": {"stop": ["X"]}, "metadata": {"a": {"b": [1]}}},
        "address": "lrn:agents/support-agent/environments/production",
    })));
    assert_eq!(run.attributes["langsmith.run_type"].as_str(), "\"agent\"");
    assert_eq!(run.attributes["langsmith.serialized"].as_str(), r#"{"name":"x"}"#);
    assert_eq!(run.attributes["langsmith.manifest_id"].as_str(), "\"m\"");
    assert_eq!(run.attributes["langsmith.extra.options"].as_str(), r#"{"stop":["X"]}"#);
    assert_eq!(run.metadata["a"].as_str(), r#"{"b":[1]}"#);
    assert_eq!(run.metadata["reference_example_id"].to_plain(), CHILD);
    assert_eq!(run.environment.as_deref(), Some("production"));
    assert!(!run.attributes.contains_key("langsmith.child_runs"));
    assert!(!run.attributes.keys().any(|key| key.starts_with(ATTACHMENT)));
}

#[test]
fn a_retriever_gives_documents_and_what_was_sent() {
    let run = run(&with_id(json!({
        "run_type": "retriever", "outputs": {"output": [{"page_content": "doc", "type": "Document", "metadata": {"s": 1}}]},
    })));
    assert!(run.outputs.rest.unwrap().to_value()["documents"].is_array());
    assert!(run.attributes[OUTPUTS].as_str().starts_with(r#"{"output":"#));
}

#[test]
fn ids_are_completed_from_the_dotted_order() {
    let order = format!("{ROOT_ORDER}.20261121T013231035156Z{CHILD}");
    let child = told(Kind::Post, &json!({"id": CHILD, "dotted_order": order}));
    assert_eq!(child.run.key.trace_id.to_string(), ID);
    assert_eq!(child.run.parent_run_id.unwrap().to_string(), ID);
    assert_eq!(child.run.start_time.unwrap().as_nanos(), 1_795_224_751_035_156_000);
    let alone = told(Kind::Post, &json!({"id": ID}));
    assert!(alone.has_trace);
    assert_eq!(alone.run.key.trace_id.to_string(), ID);
    let orphan = told(Kind::Post, &json!({"id": CHILD, "parent_run_id": ID}));
    assert!(!orphan.has_trace, "only who knows the parent knows the trace");
    assert!(
        !told(Kind::Patch, &json!({"id": CHILD, "trace_id": null, "end_time": 1_795_225_448_618_i64}))
            .has_trace
    );
}

/// `ChatPromptTemplate` of LangChain, and `wrapAISDK` with the Vercel AI SDK 6.
#[test]
fn prompts_and_finish_reasons_of_javascript_are_read() {
    let message = |class: &str, content: &str| {
        json!({"lc": 1, "type": "constructor", "id": ["langchain_core", "messages", class],
               "kwargs": {"content": content, "additional_kwargs": {}, "response_metadata": {}}})
    };
    let outputs = json!({"lc": 1, "type": "constructor", "id": ["langchain_core", "prompt_values", "ChatPromptValue"],
        "kwargs": {"messages": [message("SystemMessage", "S 1"), message("HumanMessage", "two")]}});
    let prompt = run(&with_id(json!({"run_type": "prompt", "outputs": outputs})));
    let texts: Vec<&str> = prompt.outputs.messages.iter().map(|text| text.as_str()).collect();
    assert_eq!(texts, [r#"{"role":"system","content":"S 1"}"#, r#"{"role":"user","content":"two"}"#]);
    assert_eq!(prompt.outputs.rest, None);
    assert_eq!(prompt.attributes[OUTPUTS].to_value(), outputs, "and what was sent is kept");

    for content in [json!("yes"), json!([{"type": "text", "text": "yes"}])] {
        let outputs = json!({"content": content, "role": "assistant", "finishReason": {"unified": "stop", "raw": "end_turn"}});
        let call = run(&with_id(json!({"run_type": "llm", "outputs": outputs})));
        let text = call.outputs.messages[0].as_str();
        assert_eq!(text, r#"{"role":"assistant","content":"yes","finish_reason":"stop"}"#);
    }
}

/// `interrupt()` throws to stop the graph: Python and JavaScript tell it in their own ways.
#[test]
fn a_question_to_a_person_is_no_error() {
    for text in [
        "[\n  {\n    \"value\": \"approve?\"\n  }\n]\n\nGraphInterrupt: [\n  {\n    \"value\": \"approve?\"\n  }\n]\n    at f",
        "GraphInterrupt((Interrupt(value='approve?'),))Traceback (most recent call last):",
    ] {
        let run = run(&with_id(json!({"error": text, "end_time": 1_795_225_448_618_i64})));
        assert_eq!((run.status, run.error, run.error_type), (Some(Status::Success), None, None));
        let kept: String = serde_json::from_str(run.attributes["langsmith.interrupt"].as_str()).unwrap();
        assert_eq!(kept, text);
    }
    let other = run(&with_id(json!({"error": "ToolError: GraphInterrupt: no"})));
    assert_eq!(other.status, Some(Status::Error));
}

#[test]
fn errors_tell_their_class() {
    for (error, class) in [
        ("ValueError('bad')Traceback (most recent call last):", Some("ValueError")),
        ("openai.RateLimitError(429)", Some("openai.RateLimitError")),
        ("TypeError: x is undefined\n    at f", Some("TypeError")),
        ("it went wrong: really", None),
        ("inner broke\n\nTypeError: inner broke\n    at f", Some("TypeError")),
        ("two\n\nparts\n\nHttpFault: two\n\nparts\n    at f", Some("HttpFault")),
        ("broke\n\nNote: something else", None),
        ("bad", None),
    ] {
        let run = run(&with_id(json!({"error": error})));
        assert_eq!(run.error.as_deref(), Some(error));
        assert_eq!(run.error_type.as_deref(), class);
        assert_eq!(run.status, Some(Status::Error));
    }
    let part = Document {
        parts: vec![("error", "plain text")],
        ..Document::whole(Kind::Patch, None, r#"{"id":"01a1fbbb-cb86-7125-8e15-d2abd3bca03f"}"#)
    };
    assert_eq!(map(&part, now()).unwrap().run.error.as_deref(), Some("plain text"));
}

#[test]
fn what_cannot_be_used_is_refused_with_a_reason() {
    for (document, why) in [
        (json!({}), "the run has no id"),
        (json!({"id": "00000000-0000-0000-0000-000000000000"}), "the run's id is nil"),
        (json!({"id": "7"}), "the id \"7\" is not a run id"),
        (json!({"id": ID, "start_time": "yesterday"}), "the start_time \"yesterday\" is no time"),
        (json!({"id": ID, "end_time": "2026-02-30T00:00:00Z"}), "is no time"),
        (json!({"id": ID, "start_time": "2026-02-03T00:00:00+25:00"}), "is no time"),
        (json!({"id": ID, "start_time": "9999-02-03T00:00:00Z"}), "is no time"),
        (json!({"id": ID, "start_time": true}), "is no time"),
        (json!({"id": ID, "trace_id": "x"}), "the trace_id \"x\" is no UUID"),
        (json!({"id": ID, "user\u{0}_id": 1}), "zero byte"),
        (json!([]), "no JSON object"),
    ] {
        let refusal = try_told(Kind::Post, &document).unwrap_err();
        assert!(refusal.contains(why), "{document}: {refusal}");
    }
    let twice = format!(r#"{{"id":"{ID}","id":"{CHILD}"}}"#);
    assert!(map(&Document::whole(Kind::Post, None, &twice), now()).unwrap_err().contains("two ids"));
    let other = Document::whole(
        Kind::Patch,
        Some(CHILD.parse().unwrap()),
        r#"{"id":"01a1fbbb-cb86-7125-8e15-d2abd3bca03f"}"#,
    );
    assert!(map(&other, now()).unwrap_err().contains("was sent as"));
}

#[test]
fn ids_and_times_are_read_in_every_spelling() {
    for id in [ID.to_uppercase(), ID.replace('-', ""), format!("{{{ID}}}"), format!("urn:uuid:{ID}")] {
        assert_eq!(run(&json!({"id": id})).key.run_id.to_string(), ID);
    }
    let expected = 1_795_224_750_000_000_000;
    for time in [
        json!("2026-11-21T01:32:30Z"),
        json!("2026-11-21T01:32:30"),
        json!("2026-11-21 02:32:30+01:00"),
        json!(1_795_224_750),
        json!(1_795_224_750_000_i64),
        json!(1_795_224_750_000.0),
        json!(1_795_224_750_000_000_i64),
        json!(expected),
    ] {
        let run = run(&with_id(json!({"start_time": time})));
        assert_eq!(run.start_time.unwrap().as_nanos(), expected, "{time}");
    }
}

#[test]
fn trees_that_cannot_be_are_flagged_and_kept() {
    let of = |document: Value| run(&with_id(document));
    let itself = of(json!({"parent_run_id": ID}));
    assert_eq!(itself.parent_run_id, None);
    for document in [
        json!({"dotted_order": "nonsense"}),
        json!({"dotted_order": format!("20261121T013230982012Z{CHILD}")}),
        json!({"dotted_order": format!("99991121T013230982012Z{ID}")}),
        json!({"dotted_order": vec![ROOT_ORDER; 10_001].join(".")}),
        json!({"dotted_order": ROOT_ORDER, "trace_id": CHILD}),
        json!({"dotted_order": ROOT_ORDER, "parent_run_id": CHILD}),
    ] {
        let run = of(document.clone());
        assert!(!run.issues.is_empty(), "{document}");
    }
}

#[test]
fn payloads_of_any_kind_come_back() {
    for sent in [
        r#"[1, 2]"#,
        r#""text""#,
        r#"7"#,
        r#"{"a": [1.50, 1e3],   "b": "é"}"#,
        r#"{"x": "\ud83d\ude00"}"#,
        r#"{"output": NaN}"#,
    ] {
        let document = Document {
            parts: vec![("inputs", sent)],
            ..Document::whole(Kind::Post, None, r#"{"id":"01a1fbbb-cb86-7125-8e15-d2abd3bca03f"}"#)
        };
        let run = map(&document, now()).unwrap().run;
        let kept = run.inputs.rest.unwrap();
        match sent {
            r#"{"output": NaN}"# => assert_eq!(kept.as_str(), r#"{"output":null}"#),
            r#"{"x": "\ud83d\ude00"}"# => assert_eq!(kept.to_value(), json!({"x": "😀"})),
            _ => assert_eq!(kept.as_str(), sent),
        }
    }
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let document = Document {
        parts: vec![("inputs", &deep), ("extra", &deep)],
        ..Document::whole(Kind::Post, None, r#"{"id":"01a1fbbb-cb86-7125-8e15-d2abd3bca03f"}"#)
    };
    let run = map(&document, now()).unwrap().run;
    assert_eq!(run.inputs.rest.unwrap().as_str(), deep);
    assert_eq!(run.attributes["langsmith.extra"].as_str(), deep);
    assert_eq!(run.issues.len(), 2);
}

#[test]
fn batches_are_told_apart() {
    let batch = read_batch(r#"{"post": [{"id": 1}, 7], "x": [], "patch": null}"#).unwrap();
    assert_eq!((batch.post, batch.patch.len()), (vec![r#"{"id": 1}"#, "7"], 0));
    assert!(read_batch("[]").is_err());
    assert!(read_batch(r#"{"post": 1}"#).is_err());
    assert!(read_batch(r#"{"post": []} x"#).is_err());
}

/// Blanks name no thread and no user, so that another name that is told, before or after them, stands.
#[test]
fn blank_ids_are_none() {
    let metadata = |thread: &str, user: &str| {
        let metadata = json!({ "thread_id": thread, "user_id": user });
        json!({ "trace_id": ID, "dotted_order": ROOT_ORDER, "name": "a", "extra": { "metadata": metadata } })
    };
    let named = told(Kind::Post, &with_id(metadata("t-1", "ann"))).run;
    let elsewhere = run(&with_id(json!({"extra": {"metadata": {"session_id": " ", "thread_id": "t-2"}}})));
    assert_eq!(elsewhere.thread_id.as_deref(), Some("t-2"));
    for blank in ["", " ", "\t\n", "\u{a0}\u{3000}"] {
        let patch = told(Kind::Patch, &with_id(metadata(blank, blank))).run;
        assert_eq!((&patch.thread_id, &patch.user_id), (&None, &None), "{blank:?}");
        assert_eq!(patch.metadata["thread_id"].to_plain(), blank, "the metadata is kept");
        let (mut one, mut other) = (named.clone(), patch.clone());
        one.merge(patch);
        other.merge(named.clone());
        assert_eq!(one, other, "{blank:?}");
        assert_eq!(
            (one.thread_id.as_deref(), one.user_id.as_deref()),
            (Some("t-1"), Some("ann")),
            "{blank:?}"
        );
    }
}

#[test]
fn stored_runs_are_not_mapped_again() {
    let run = run(&with_id(json!({
        "run_type": "llm", "name": "x", "inputs": {"messages": [{"role": "user", "content": "hi"}]},
        "extra": {"metadata": {"ls_model_name": "m", "thread_id": "t"}},
    })));
    assert_eq!(crate::remap(&run, crate::rules::Rules::none()), run);
}

fn field() -> impl Strategy<Value = (String, Value)> {
    let text = prop_oneof![Just(json!("a")), Just(json!("b")), Just(Value::Null)];
    let payload = prop_oneof![
        Just(json!({})),
        Just(json!({"a": 1})),
        Just(json!({"messages": [{"role": "user", "content": "hi"}]})),
        Just(json!([1])),
        Just(Value::Null),
    ];
    let time = prop_oneof![(0..50_i64).prop_map(|n| json!(1_795_224_750_000_i64 + n)), Just(Value::Null)];
    prop_oneof![
        ("name|error|session_name", text.clone()).prop_map(|(name, value)| (name, value)),
        ("inputs|outputs", payload),
        ("start_time|end_time", time.clone()),
        (Just("run_type".to_owned()), prop_oneof![Just(json!("llm")), Just(json!("tool"))]),
        (Just("tags".to_owned()), prop_oneof![Just(json!([])), Just(json!(["x"])), Just(json!(["y"]))]),
        (
            Just("extra".to_owned()),
            text.prop_map(|value| json!({"metadata": {"k": value.clone(), "thread_id": value}}))
        ),
        (Just("events".to_owned()), time.prop_map(|time| json!([{"name": "new_token", "time": time}]))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_order_of_documents_gives_the_same_run(
        documents in prop::collection::vec((any::<bool>(), prop::collection::vec(field(), 0..7)), 1..5),
        arrivals in prop::collection::vec(0..1_000_i64, 4),
    ) {
        let patches: Vec<Run> = documents
            .iter()
            .zip(&arrivals)
            .map(|((is_post, fields), arrival)| {
                let mut document: serde_json::Map<String, Value> = fields.iter().cloned().collect();
                document.insert("id".to_owned(), json!(ID));
                document.insert("trace_id".to_owned(), json!(ID));
                let kind = if *is_post { Kind::Post } else { Kind::Patch };
                let received_at = UnixNanos::from_nanos(now().as_nanos() + arrival);
                map(&Document::whole(kind, None, &Value::Object(document).to_string()), received_at).unwrap().run
            })
            .collect();
        let mut merged: Option<Run> = None;
        for order in permutations(patches.len()) {
            let mut runs = order.into_iter().map(|idx| patches[idx].clone());
            let mut run = runs.next().unwrap();
            for other in runs {
                run.merge(other.clone());
                // What is sent twice changes nothing.
                run.merge(other);
            }
            match &merged {
                None => merged = Some(run),
                Some(merged) => prop_assert_eq!(&run, merged),
            }
        }
    }
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for rest in permutations(count - 1) {
        for at in 0..count {
            let mut order = rest.clone();
            order.insert(at, count - 1);
            all.push(order);
        }
    }
    all
}

#[test]
fn token_counts_that_cannot_be_are_told() {
    let usage = json!({"input_tokens": 10_000_000_000_000_000_000_u64, "output_tokens": 3, "total_tokens": -4,
        "input_token_details": {"cache_read": 1.5, "text": null}});
    let run = run(&with_id(json!({"run_type": "llm", "outputs": {"usage_metadata": usage}})));
    let told: Vec<_> =
        run.issues.iter().map(|issue| (issue.field.as_str(), issue.message.as_str())).collect();
    assert_eq!(
        told,
        [
            ("usage.input_token_details.cache_read", "a token count must be whole"),
            ("usage.input_tokens", "a token count cannot be so large"),
            ("usage.total_tokens", "a token count cannot be negative"),
        ]
    );
    assert_eq!(run.usage.unwrap().output_tokens, Some(3));
}

#[test]
fn a_batch_of_too_many_runs_is_refused_before_they_are_held() {
    let batch = |posts: usize, patches: usize| {
        let list = |count| vec!["{}"; count].join(",");
        format!(r#"{{"post": [{}], "patch": [{}]}}"#, list(posts), list(patches))
    };
    let most = batch(MAX_BATCH - 1, 1);
    assert_eq!(read_batch(&most).map(|batch| batch.post.len() + batch.patch.len()), Ok(MAX_BATCH));
    for (posts, patches) in [(MAX_BATCH + 1, 0), (MAX_BATCH, 1), (0, MAX_BATCH + 7)] {
        assert_eq!(read_batch(&batch(posts, patches)).err(), Some(BatchError::TooMany));
    }
}

#[test]
fn a_run_of_too_many_members_is_refused() {
    let run = |count: usize| {
        let members: Vec<String> = (0..count).map(|n| format!(r#""m{n}": {n}"#)).collect();
        format!(r#"{{"id": "{ID}", {}}}"#, members.join(","))
    };
    assert!(map(&Document::whole(Kind::Post, None, &run(9_999)), now()).is_ok());
    let why = map(&Document::whole(Kind::Post, None, &run(10_000)), now()).unwrap_err();
    assert!(why.contains("more than 10000 members"), "{why}");
}

#[test]
fn what_a_run_takes_is_known() {
    let runtime = json!({ "a": "x".repeat(5_000) });
    let full = told(Kind::Post, &json!({ "id": ID, "extra": { "runtime": runtime } }));
    assert!(full.bytes() > told(Kind::Post, &json!({ "id": ID })).bytes() + 5_000);
}

/// LiteLLM's callback.
#[test]
fn parts_of_the_usage_and_the_provider_come_from_the_raw_answer_and_request() {
    let document = |prompt: u64| {
        run(&with_id(json!({
            "name": "rn", "run_type": "llm", "start_time": "2026-11-21T01:32:30Z", "trace_id": ID, "dotted_order": ROOT_ORDER,
            "inputs": { "litellm_call_id": "c", "custom_llm_provider": "anthropic", "messages": [] },
            "outputs": {
                "usage_metadata": { "input_tokens": 1500, "output_tokens": 150, "total_tokens": 1650, "total_cost": 0.004_275 },
                "usage": {
                    "prompt_tokens": prompt, "completion_tokens": 150, "cache_read_input_tokens": 1000,
                    "prompt_tokens_details": { "cached_tokens": 1000, "cache_creation_tokens": 300, "audio_tokens": 0 },
                    "completion_tokens_details": { "reasoning_tokens": 64 },
                },
            },
        })))
    };
    for prompt in [1500, 200] {
        let run = document(prompt);
        assert_eq!(run.provider.as_deref(), Some("anthropic"));
        let usage = run.usage.unwrap();
        assert_eq!(
            (usage.input_tokens, usage.output_tokens, usage.total_tokens),
            (Some(1500), Some(150), Some(1650))
        );
        let parts: Vec<_> = usage.input_details.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        assert_eq!(parts, [("cache_read", 1000), ("cache_write", 300)]);
        assert_eq!(usage.output_details.get("reasoning"), Some(&64));
        assert_eq!(run.sources.get("usage.input_details.cache_read"), Some("run:outputs.usage"));
        assert_eq!(run.sources.get("usage.input_tokens"), Some("run:outputs.usage_metadata"));
    }
    assert!(document(1400).usage.unwrap().input_details.is_empty());
}
