//! Habits of clients in JavaScript, and of LiteLLM, as their SDKs were seen to send them.

use super::*;

#[test]
fn counts_of_langfuse_exclude_each_other() {
    let usage = |details: Value, input: u64, output: u64, total: u64| {
        check(
            json!({
                "langfuse.observation.type": "generation", "langfuse.observation.model.name": "gpt-4o",
                "langfuse.observation.usage_details": details.to_string(),
            }),
            &[
                ("/usage/input_tokens", json!(input)),
                ("/usage/output_tokens", json!(output)),
                ("/usage/total_tokens", json!(total)),
                ("/usage/input_details/cache_read", json!(1000)),
                ("/issues", json!([])),
            ],
        );
    };
    let told = |extra: Value| {
        let mut details = json!({ "input": 2000, "output": 136, "input_cached_tokens": 1000, "output_reasoning_tokens": 64 });
        details.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        details
    };
    usage(told(json!({ "total": 3200 })), 3000, 200, 3200);
    usage(told(json!({})), 3000, 200, 3200);
    let audio = json!({ "input": 150, "output": 8, "total": 1280, "input_audio_tokens": 50, "output_audio_tokens": 8 });
    usage(told(audio), 1200, 80, 1280);
    // Who counts as providers do says so by the total.
    usage(told(json!({ "total": 2136 })), 2000, 136, 2136);
    let nested = json!({
        "prompt_tokens": 2000, "completion_tokens": 136, "total_tokens": 2136,
        "prompt_tokens_details": { "cached_tokens": 1000 }, "completion_tokens_details": { "reasoning_tokens": 64 },
    });
    usage(nested, 2000, 136, 2136);
}

#[test]
fn a_total_tells_that_cached_tokens_were_left_out() {
    let counts = |total: u64, input: u64| {
        check(
            json!({
                "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 2000, "gen_ai.usage.output_tokens": 100,
                "gen_ai.usage.cached_input_tokens": 1000, "gen_ai.usage.total_tokens": total,
            }),
            &[
                ("/usage/input_tokens", json!(input)),
                ("/usage/total_tokens", json!(total)),
                ("/usage/input_details/cache_read", json!(1000)),
            ],
        );
    };
    counts(3100, 3000);
    counts(2100, 2000);
}

#[test]
fn cache_writes_are_told_by_how_long_they_live() {
    let kinds =
        json!({ "cache_write": 300, "cache_write_5m": 100, "cache_write_1h": 200, "cache_read": 1000 });
    let metadata = json!({ "anthropic": { "usage": {
        "input_tokens": 200, "cache_creation": { "ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200 },
    } } });
    check_used(
        json!({
            "ai.operationId": "ai.generateText.doGenerate", "ai.usage.inputTokens": 1500,
            "ai.usage.inputTokenDetails.cacheReadTokens": 1000, "ai.usage.inputTokenDetails.cacheWriteTokens": 300,
            "ai.response.providerMetadata": metadata.to_string(),
        }),
        &[
            ("/usage/input_tokens", json!(1500)),
            ("/usage/input_details", kinds.clone()),
            ("/metadata/provider_metadata", metadata),
        ],
    );
    let langsmith = json!({ "input_tokens": 1500, "output_tokens": 80, "input_token_details": {
        "cache_read": 1000, "ephemeral_5m_input_tokens": 100, "ephemeral_1hr_input_tokens": 200,
    } });
    check(
        json!({ "langsmith.span.kind": "llm", "langsmith.usage_metadata": langsmith.to_string() }),
        &[("/usage/input_details", kinds)],
    );
}

#[test]
fn an_unknown_operation_leaves_the_type_to_the_rest() {
    for operation in ["acompletion", "responses", "messages", "anthropic_messages", "something_new"] {
        check(
            json!({ "gen_ai.operation.name": operation, "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 10 }),
            &[("/run_type", json!("llm"))],
        );
    }
    for operation in ["invoke_agent", "agent_step", "create_memory", "plan", "handoff"] {
        check(
            json!({ "gen_ai.operation.name": operation, "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 10 }),
            &[("/run_type", json!("chain"))],
        );
    }
    check(json!({ "gen_ai.operation.name": "aembedding" }), &[("/run_type", json!("embedding"))]);
    check(
        json!({ "gen_ai.operation.name": "tool.execute", "gen_ai.tool.name": "w", "mastra.span.type": "tool_call" }),
        &[("/run_type", json!("tool")), ("/name", json!("w"))],
    );
    check(
        json!({ "gen_ai.operation.name": "something_new" }),
        &[("/run_type", Value::Null), ("/attributes/gen_ai.operation.name", json!("something_new"))],
    );
}

#[test]
fn what_a_provider_s_own_tool_was_asked_and_found_is_kept() {
    let (asked, found) = (
        json!({ "type": "web_search", "query": "rust" }),
        json!({ "type": "web_search", "results": ["a book"] }),
    );
    let parts = json!([
        { "type": "server_tool_call", "id": "s1", "name": "web_search", "server_tool_call": asked },
        { "type": "server_tool_call_response", "id": "s1", "server_tool_call_response": found },
        { "type": "text", "content": "done" },
    ]);
    let mapped = map(json!({
        "gen_ai.operation.name": "chat",
        "gen_ai.output.messages": json!([{ "role": "assistant", "parts": parts }]).to_string(),
    }));
    let message = view(&mapped)["outputs"]["messages"][0].take();
    assert_eq!(message["tool_calls"], json!([{ "id": "s1", "name": "web_search", "arguments": asked }]));
    let text = message.to_string();
    assert!(text.contains("a book") && text.contains("done"), "{text}");
}

#[test]
fn an_answer_of_calls_alone_is_a_message() {
    let calls = json!([{ "id": "c", "name": "w", "arguments": { "city": "Paris" } }]);
    let flat = json!({
        "gen_ai.operation.name": "acompletion",
        "gen_ai.output.messages": json!([{ "role": "assistant", "parts": [], "finish_reason": "tool_calls" }]).to_string(),
        "gen_ai.response.finish_reasons": ["tool_calls"],
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.function_call.name": "w", "gen_ai.completion.0.function_call.arguments": "{\"city\":\"Paris\"}",
    });
    let call = json!([{ "name": "w", "arguments": { "city": "Paris" } }]);
    check(
        flat,
        &[
            ("/outputs/messages/0/tool_calls", call),
            ("/outputs/messages/0/finish_reason", json!("tool_calls")),
        ],
    );
    let streamed = json!({ "tool_calls": [{ "id": "c", "function": { "name": "w", "arguments": "{\"city\":\"Paris\"}" } }] });
    let observation = |kind: &str| json!({ "langfuse.observation.type": kind, "langfuse.observation.output": streamed.to_string() });
    check(
        observation("generation"),
        &[
            ("/outputs/messages", json!([{ "role": "assistant", "tool_calls": calls }])),
            ("/outputs/rest", Value::Null),
        ],
    );
    check(observation("span"), &[("/outputs/rest", streamed.clone())]);
}

#[test]
fn an_answer_that_ended_with_an_error_failed() {
    let status = |attributes: Value, status: &str| check(attributes, &[("/status", json!(status))]);
    for reasons in [json!("[\"error\"]"), json!(["error"]), json!("error")] {
        status(
            json!({ "gen_ai.operation.name": "chat", "gen_ai.response.finish_reasons": reasons }),
            "error",
        );
    }
    status(json!({ "gen_ai.operation.name": "chat", "gen_ai.response.finish_reasons": ["stop"] }), "success");
    status(
        json!({ "ai.operationId": "ai.streamText.doStream", "ai.response.finishReason": "error" }),
        "error",
    );
}

#[test]
fn a_cost_of_nothing_without_tokens_is_no_cost() {
    let call =
        json!({ "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "operation.cost": 0.0 });
    check(call.clone(), &[("/cost", Value::Null)]);
    let mut counted = call;
    counted["gen_ai.usage.input_tokens"] = json!(7);
    check(counted, &[("/cost/total", json!("0"))]);
}

#[test]
fn langfuse_tells_metadata_as_one_json_text_too() {
    check(
        json!({
            "langfuse.observation.type": "span", "langfuse.observation.metadata": "{\"k\": \"v\"}",
            "langfuse.trace.metadata": "{\"team\": 7}",
        }),
        &[
            ("/metadata/k", json!("v")),
            ("/metadata/team", json!(7)),
            ("/attributes", json!({ "langfuse.observation.type": "span" })),
        ],
    );
}

#[test]
fn what_writes_into_a_vector_store_finds_no_documents() {
    for (operation, run_type) in [
        ("add", "chain"),
        ("upsert", "chain"),
        ("delete_documents", "chain"),
        ("query", "retriever"),
        ("search", "retriever"),
    ] {
        let span = json!({ "db.system": "chroma", "db.operation": operation, "db.chroma.add.ids_count": 2 });
        check(span, &[("/run_type", json!(run_type))]);
    }
}

#[test]
fn parts_of_the_usage_come_from_what_the_provider_told() {
    let usage = |object: &str, expected: &[(&str, Value)]| {
        let attributes = json!({
            "gen_ai.operation.name": "acompletion", "gen_ai.request.model": "claude-haiku-4-5",
            "gen_ai.usage.input_tokens": 1500, "gen_ai.usage.output_tokens": 150, "gen_ai.usage.total_tokens": 1650,
            "metadata.usage_object": object,
        });
        check(attributes, expected);
    };
    let sums = [
        ("/usage/input_tokens", json!(1500)),
        ("/usage/output_tokens", json!(150)),
        ("/usage/total_tokens", json!(1650)),
        ("/issues", json!([])),
    ];
    let with = |details: [(&'static str, Value); 2]| [&sums[..], &details[..]].concat();
    usage(
        "{'completion_tokens': 150, 'prompt_tokens': 1500, 'total_tokens': 1650, 'completion_tokens_details': \
         {'reasoning_tokens': 64, 'audio_tokens': None}, 'prompt_tokens_details': {'audio_tokens': 0, 'cached_tokens': 1000, \
         'cache_creation_tokens': 300}, 'cache_creation_input_tokens': 300, 'cache_read_input_tokens': 1000}",
        &with([
            ("/usage/input_details", json!({ "cache_read": 1000, "cache_write": 300 })),
            ("/usage/output_details", json!({ "reasoning": 64 })),
        ]),
    );
    // What another call used is not this one's.
    usage(
        "{'completion_tokens': 150, 'prompt_tokens': 1400, 'prompt_tokens_details': {'cached_tokens': 1000}}",
        &with([("/usage/input_details", Value::Null), ("/usage/output_details", Value::Null)]),
    );
}

/// A span of Strands, with its message events.
fn strands(attributes: &Value, events: &[(&str, Value)]) -> Value {
    let event = |(name, attributes): &(&str, Value)| json!({ "timeUnixNano": "1800000000100000000", "name": name, "attributes": attributes_of(attributes) });
    let span = json!({
        "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "name": "span",
        "startTimeUnixNano": "1800000000000000000", "endTimeUnixNano": "1800000001000000000",
        "attributes": attributes_of(attributes), "events": events.iter().map(event).collect::<Vec<_>>(),
    });
    let body = json!({ "resourceSpans": [{ "scopeSpans": [{ "scope": { "name": "strands.telemetry.tracer" }, "spans": [span] }] }] });
    let ctx = crate::otlp::MapContext::at(clearspan_model::UnixNanos::from_nanos(1_800_000_002_000_000_000));
    let mut mapped =
        crate::otlp::read_traces(body.to_string().as_bytes(), crate::otlp::Encoding::Json, &ctx).unwrap();
    view(&mapped.runs.remove(0))
}

#[test]
fn cycles_tools_and_agents_of_strands() {
    let user = ("gen_ai.user.message", json!({ "content": "[{\"text\": \"Weather?\"}]" }));
    let choice =
        ("gen_ai.choice", json!({ "message": "[{\"text\": \"sunny\"}]", "finish_reason": "end_turn" }));
    let cycle = strands(&json!({ "event_loop.cycle_id": "c1" }), &[user.clone(), choice.clone()]);
    assert_eq!(
        (&cycle["run_type"], &cycle["attributes"]["event_loop.cycle_id"]),
        (&json!("chain"), &json!("c1"))
    );
    let tool = |status: &str, result: &str| {
        let attributes = json!({ "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "bad", "tool.status": status });
        let call = ("gen_ai.tool.message", json!({ "role": "tool", "content": "{\"city\": \"Paris\"}" }));
        strands(&attributes, &[call, ("gen_ai.choice", json!({ "message": result }))])
    };
    let failed = tool("error", "[{\"text\": \"Error: tool broke\"}]");
    assert_eq!((&failed["status"], &failed["error"]), (&json!("error"), &json!("Error: tool broke")));
    assert_eq!(failed["sources"]["error"], json!("event:gen_ai.choice"));
    let sound = tool("success", "[{\"text\": \"sunny\"}]");
    assert_eq!((&sound["status"], &sound["error"]), (&json!("success"), &Value::Null));
    let agent = json!({ "gen_ai.operation.name": "invoke_agent", "system_prompt": "Be terse." });
    let agent = strands(&agent, &[user, choice]);
    let roles: Vec<_> =
        agent["inputs"]["messages"].as_array().unwrap().iter().map(|message| &message["role"]).collect();
    assert_eq!(roles, [&json!("system"), &json!("user")]);
    assert_eq!(agent["attributes"].get("system_prompt"), None);
    // The name says nothing elsewhere.
    check(json!({ "system_prompt": "Be terse." }), &[("/attributes/system_prompt", json!("Be terse."))]);
}

#[test]
fn spring_ai() {
    let frame = |kind: &str, more: Value| {
        let mut attributes = json!({ "spring.ai.kind": kind, "gen_ai.operation.name": "framework", "gen_ai.system": "spring_ai" });
        attributes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        attributes
    };
    let client = json!({ "spring.ai.chat.client.conversation.id": "conv-1" });
    check(
        frame("chat_client", client),
        &[
            ("/run_type", json!("chain")),
            ("/thread_id", json!("conv-1")),
            ("/provider", Value::Null),
            ("/dialect", json!("spring-ai")),
        ],
    );
    let call = json!({
        "spring.ai.tool.definition.name": "wx", "spring.ai.tool.call.arguments": "{\"city\":\"Paris\"}",
        "spring.ai.tool.call.result": "\"sunny\"",
    });
    check(
        frame("tool_call", call),
        &[
            ("/run_type", json!("tool")),
            ("/name", json!("wx")),
            ("/inputs/rest", json!({ "city": "Paris" })),
            ("/outputs/rest", json!("sunny")),
        ],
    );
    let store = |operation: &str| json!({ "spring.ai.kind": "vector_store", "db.system": "pg_vector", "db.operation.name": operation });
    let mut query = store("query");
    let found = json!({ "db.vector.query.content": "weather", "db.vector.query.response.documents": "[\"doc a\",\"doc b\"]" });
    query.as_object_mut().unwrap().extend(found.as_object().unwrap().clone());
    check(
        query,
        &[
            ("/run_type", json!("retriever")),
            ("/inputs/rest/query", json!("weather")),
            ("/outputs/rest/documents", json!([{ "page_content": "doc a" }, { "page_content": "doc b" }])),
        ],
    );
    check(store("add"), &[("/run_type", json!("chain"))]);
}

#[test]
fn writes_into_vector_stores_find_nothing() {
    let is = |attributes: Value, run_type: &str| check(attributes, &[("/run_type", json!(run_type))]);
    for operation in ["add", "upsert", "delete", "update", "create_collection", "INSERT", "add_documents"] {
        is(
            json!({ "db.system": "chroma", "db.operation": operation, "db.chroma.add.ids_count": 2 }),
            "chain",
        );
    }
    for operation in ["query", "get", "search", "additional"] {
        is(
            json!({ "db.system": "chroma", "db.operation": operation, "db.chroma.query.n_results": 2 }),
            "retriever",
        );
    }
    is(json!({ "db.system": "Qdrant", "qdrant.upsert.collection_name": "c" }), "chain");
    is(json!({ "db.system": "Qdrant", "qdrant.search.collection_name": "c" }), "retriever");
    // What says what it is stays so.
    is(json!({ "openinference.span.kind": "TOOL", "db.system": "chroma", "db.operation": "add" }), "tool");
}

#[test]
fn metadata_of_found_documents_may_be_json_in_text() {
    let found =
        json!({ "db.query.result.document": "alpha", "db.query.result.metadata": "{\"src\": \"1\"}" });
    let query =
        strands(&json!({ "db.system": "chroma", "db.operation": "query" }), &[("db.query.result", found)]);
    assert_eq!(
        query["outputs"]["rest"]["documents"],
        json!([{ "page_content": "alpha", "metadata": { "src": "1" } }])
    );
}
