//! What LangSmith's published tables leave out and users expect: one test for each row of that list.

use super::*;

/// Checks one expectation for each attribute by itself.
fn each(keys: &[&str], value: Value, path: &str, expected: Value) {
    for key in keys {
        check(json!({ *key: value }), &[(path, expected.clone())]);
    }
}

#[test]
fn providers() {
    let keys = ["gen_ai.provider.name", "llm.provider", "ai.model.provider"];
    each(&keys, json!("openai.chat"), "/metadata/ls_provider", json!("openai.chat"));
    each(&keys, json!("openai.chat"), "/provider", json!("openai"));
}

#[test]
fn system_prompts_come_first() {
    let input = json!([{ "role": "user", "parts": [{ "type": "text", "content": "hi" }] }]).to_string();
    for system in [json!("Be brief"), json!("[{\"type\":\"text\",\"content\":\"Be brief\"}]")] {
        check(
            json!({ "gen_ai.system_instructions": system, "gen_ai.input.messages": input }),
            &[("/inputs/messages/0", json!({ "role": "system", "content": "Be brief" }))],
        );
    }
}

#[test]
fn tool_definitions() {
    let tool = json!({ "type": "function", "name": "get" });
    let path = "/params/tools/0/name";
    check(json!({ "gen_ai.tool.definitions": json!([tool]).to_string() }), &[(path, json!("get"))]);
    check(json!({ "llm.tools.0.tool.json_schema": tool.to_string() }), &[(path, json!("get"))]);
    check(json!({ "ai.prompt.tools": [tool.to_string()] }), &[(path, json!("get"))]);
    check(
        json!({ "llm.request.functions.0.name": "get", "llm.request.functions.0.parameters": "{\"a\":1}" }),
        &[("/params/functions", json!([{ "name": "get", "parameters": { "a": 1 } }]))],
    );
}

#[test]
fn tool_calls() {
    check_used(
        json!({
            "gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.arguments": "{\"a\":1}",
            "gen_ai.tool.call.result": "21 C", "gen_ai.tool.call.id": "c1",
        }),
        &[
            ("/inputs/rest", json!({ "a": 1 })),
            ("/outputs/rest", json!("21 C")),
            ("/metadata/tool_call_id", json!("c1")),
        ],
    );
    check_used(
        json!({
            "gen_ai.prompt.0.role": "assistant", "gen_ai.prompt.0.tool_calls.0.id": "c1",
            "gen_ai.prompt.0.tool_calls.0.name": "get", "gen_ai.prompt.0.tool_calls.0.arguments": "{\"a\":1}",
            "gen_ai.prompt.1.role": "tool", "gen_ai.prompt.1.content": "21 C", "gen_ai.prompt.1.tool_call_id": "c1",
            "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.finish_reason": "tool_calls",
            "gen_ai.completion.0.tool_calls.0.id": "c2", "gen_ai.completion.0.tool_calls.0.name": "get",
        }),
        &[
            (
                "/inputs/messages/0/tool_calls",
                json!([{ "id": "c1", "name": "get", "arguments": { "a": 1 } }]),
            ),
            ("/inputs/messages/1", json!({ "role": "tool", "content": "21 C", "tool_call_id": "c1" })),
            (
                "/outputs/messages/0",
                json!({
                    "role": "assistant", "tool_calls": [{ "id": "c2", "name": "get" }], "finish_reason": "tool_calls",
                }),
            ),
        ],
    );
}

#[test]
fn operations() {
    for (operation, run_type) in [
        ("generate_content", "llm"),
        ("text_completion", "llm"),
        ("embeddings", "embedding"),
        ("execute_tool", "tool"),
        ("invoke_agent", "chain"),
        ("invoke_workflow", "chain"),
        ("create_agent", "chain"),
        ("retrieval", "retriever"),
        ("plan", "chain"),
    ] {
        check(json!({ "gen_ai.operation.name": operation }), &[("/run_type", json!(run_type))]);
    }
}

#[test]
fn token_details() {
    let input = [
        ("gen_ai.usage.cache_read.input_tokens", "cache_read"),
        ("gen_ai.usage.cache_read_input_tokens", "cache_read"),
        ("gen_ai.usage.cached_tokens", "cache_read"),
        ("llm.token_count.prompt_details.cache_read", "cache_read"),
        ("llm.token_count.prompt_details.cache_input", "cache_read"),
        ("ai.usage.cachedInputTokens", "cache_read"),
        ("ai.usage.inputTokenDetails.cacheReadTokens", "cache_read"),
        ("gen_ai.usage.cache_write.input_tokens", "cache_write"),
        ("gen_ai.usage.cache_creation.input_tokens", "cache_write"),
        ("gen_ai.usage.cache_creation_input_tokens", "cache_write"),
        ("gen_ai.usage.cache_write_input_tokens", "cache_write"),
        ("llm.token_count.prompt_details.cache_write", "cache_write"),
        ("ai.usage.inputTokenDetails.cacheWriteTokens", "cache_write"),
        ("anthropic.usage.cache_creation.ephemeral_5m_input_tokens", "cache_write_5m"),
        ("anthropic.usage.cache_creation.ephemeral_1h_input_tokens", "cache_write_1h"),
        ("llm.token_count.prompt_details.audio", "audio"),
        ("gen_ai.usage.audio.input_tokens", "audio"),
        ("gen_ai.usage.image.input_tokens", "image"),
        ("gen_ai.usage.video.input_tokens", "video"),
        ("gen_ai.usage.text.input_tokens", "text"),
    ];
    for (key, detail) in input {
        let path = format!("/usage/input_details/{detail}");
        check(json!({ key: 3, "gen_ai.usage.input_tokens": 9 }), &[(&path, json!(3))]);
    }
    let output = [
        ("gen_ai.usage.reasoning.output_tokens", "reasoning"),
        ("gen_ai.usage.reasoning_tokens", "reasoning"),
        ("gen_ai.usage.details.reasoning_tokens", "reasoning"),
        ("llm.token_count.completion_details.reasoning", "reasoning"),
        ("ai.usage.reasoningTokens", "reasoning"),
        ("ai.usage.outputTokenDetails.reasoningTokens", "reasoning"),
        ("llm.token_count.completion_details.audio", "audio"),
        ("gen_ai.usage.audio.output_tokens", "audio"),
    ];
    for (key, detail) in output {
        let path = format!("/usage/output_details/{detail}");
        check(json!({ key: 3, "gen_ai.usage.output_tokens": 9 }), &[(&path, json!(3))]);
    }
}

#[test]
fn usage_objects() {
    let usage = json!({
        "input_tokens": 20, "output_tokens": 5, "total_tokens": 25, "input_token_details": { "cache_read": 8 },
        "output_token_details": { "reasoning": 2 },
    });
    for key in ["langsmith.usage_metadata", "langsmith.metadata.usage_metadata"] {
        check_used(
            json!({ "langsmith.span.kind": "llm", key: usage.to_string() }),
            &[
                ("/usage/input_tokens", json!(20)),
                ("/usage/total_tokens", json!(25)),
                ("/usage/input_details/cache_read", json!(8)),
                ("/usage/output_details/reasoning", json!(2)),
            ],
        );
    }
}

#[test]
fn threads_users_and_tags() {
    let threads = [
        "gen_ai.conversation.id",
        "session.id",
        "session_id",
        "thread_id",
        "conversation_id",
        "langsmith.metadata.session_id",
        "langsmith.metadata.thread_id",
        "langsmith.metadata.conversation_id",
        "traceloop.association.properties.session_id",
        "traceloop.association.properties.sessionId",
        "traceloop.association.properties.thread_id",
        "traceloop.association.properties.chat_id",
        "lmnr.association.properties.session_id",
        "mastra.metadata.sessionId",
        "mastra.metadata.threadId",
        "ai.telemetry.metadata.sessionId",
        "ai.telemetry.metadata.session_id",
        "gcp.vertex.agent.session_id",
        "group_id",
    ];
    each(&threads, json!("t-1"), "/thread_id", json!("t-1"));
    each(&["thread.id"], json!(" t-1 "), "/thread_id", json!("t-1"));
    // Blanks are no name.
    each(&threads, json!(" \t"), "/thread_id", Value::Null);
    each(&["thread.id"], json!(" "), "/thread_id", Value::Null);
    // The session of a transport is no conversation.
    check(json!({ "mcp.session.id": "x" }), &[("/thread_id", Value::Null)]);
    each(&["user.id", "gen_ai.user", "llm.user", "enduser.id"], json!("u"), "/user_id", json!("u"));
    each(&["tag.tags", "tags", "langfuse.trace.tags"], json!(["b", "a"]), "/tags", json!(["a", "b"]));
    each(&["mastra.tags", "tags"], json!("[\"a\"]"), "/tags", json!(["a"]));
}

#[test]
fn content_in_namespaces_of_vendors() {
    let inputs = [
        "mlflow.spanInputs",
        "genkit:input",
        "mastra.agent_run.input",
        "lmnr.span.input",
        "agentops.task.input",
        "haystack.component.input",
        "braintrust.input_json",
        "crewai.crew.inputs",
        "langfuse.observation.input",
    ];
    each(&inputs, json!("{\"q\":1}"), "/inputs/rest", json!({ "q": 1 }));
    let outputs = [
        "mlflow.spanOutputs",
        "genkit:output",
        "mastra.agent_run.output",
        "lmnr.span.output",
        "agentops.tool.output",
        "haystack.component.output",
        "braintrust.output_json",
        "crewai.crew.output",
        "langfuse.observation.output",
        "tool_response",
    ];
    each(&outputs, json!("{\"a\":2}"), "/outputs/rest", json!({ "a": 2 }));
    check(json!({ "final_result": "done" }), &[("/outputs/rest", json!({ "final_result": "done" }))]);
    let all = json!([
        { "role": "user", "parts": [{ "type": "text", "content": "hi" }] },
        { "role": "assistant", "parts": [{ "type": "text", "content": "ho" }] },
    ]);
    check(
        json!({ "pydantic_ai.all_messages": all.to_string() }),
        &[("/inputs/messages", messages("user", "hi")), ("/outputs/messages", messages("assistant", "ho"))],
    );
    check(
        json!({ "ai.operationId": "ai.generateText.doGenerate", "ai.prompt": "{\"prompt\":\"hi\"}", "ai.response.text": "ho" }),
        &[("/inputs/messages", messages("user", "hi")), ("/outputs/messages", messages("assistant", "ho"))],
    );
}

#[test]
fn retrieval_and_embedding() {
    check_used(
        json!({
            "openinference.span.kind": "RETRIEVER", "retrieval.documents.0.document.content": "Fact",
            "retrieval.documents.0.document.id": "d1", "retrieval.documents.0.document.score": 0.5,
        }),
        &[("/outputs/rest/documents", json!([{ "page_content": "Fact", "id": "d1", "score": 0.5 }]))],
    );
    check(
        json!({ "gen_ai.retrieval.query.text": "q", "gen_ai.retrieval.documents": "[{\"id\":\"d1\"}]", "gen_ai.retrieval.top_k": 3 }),
        &[
            ("/run_type", json!("retriever")),
            ("/inputs/rest/query", json!("q")),
            ("/outputs/rest/documents/0/id", json!("d1")),
            ("/params/top_k", json!(3)),
        ],
    );
    check(
        json!({
            "reranker.query": "q", "reranker.input_documents.0.document.content": "a",
            "reranker.output_documents.0.document.content": "b", "reranker.top_k": 1,
        }),
        &[
            ("/run_type", json!("retriever")),
            ("/inputs/rest/query", json!("q")),
            ("/inputs/rest/documents/0/page_content", json!("a")),
            ("/outputs/rest/documents/0/page_content", json!("b")),
        ],
    );
    check(
        json!({ "embedding.model_name": "e", "embedding.embeddings.0.embedding.text": "hi" }),
        &[("/run_type", json!("embedding")), ("/model", json!("e"))],
    );
}

#[test]
fn costs_and_answers() {
    let costs = [
        "operation.cost",
        "gen_ai.usage.cost",
        "gen_ai.cost.total_cost",
        "llm.cost.total",
        "cost.usd",
        "llm.cost",
        "request.cost",
        "tool.cost_usd",
    ];
    each(&costs, json!(0.25), "/cost/total", json!("0.25"));
    check(
        json!({ "langfuse.observation.cost_details": "{\"total\":0.5}" }),
        &[("/cost/total", json!("0.5"))],
    );
    each(&["gen_ai.response.id", "ai.response.id"], json!("r1"), "/metadata/response_id", json!("r1"));
    for reasons in [json!(["stop"]), json!("[\"stop\"]"), json!("stop")] {
        check(
            json!({
                "gen_ai.response.finish_reasons": reasons, "gen_ai.completion.0.role": "assistant",
                "gen_ai.completion.0.content": "ho",
            }),
            &[("/outputs/messages/0/finish_reason", json!("stop"))],
        );
    }
    for (key, value) in [
        ("gen_ai.response.time_to_first_chunk", json!(0.25)),
        ("gen_ai.server.time_to_first_token", json!(0.25)),
        ("ai.response.msToFirstChunk", json!(250.0)),
        ("langfuse.observation.completion_start_time", json!("\"2026-11-21T01:42:05.250Z\"")),
    ] {
        check(json!({ key: value }), &[("/first_token_time", json!(1_795_225_325_250_000_000_i64))]);
    }
}

#[test]
fn errors_without_an_exception() {
    let run = map_span(json!({ "status": { "code": 2 } })).run;
    assert_eq!(run.effective_status(), clearspan_model::Status::Error);
    check(
        json!({ "error.type": "RateLimitError" }),
        &[("/status", json!("error")), ("/error_type", json!("RateLimitError"))],
    );
    check(
        json!({ "langfuse.observation.level": "ERROR", "langfuse.observation.status_message": "boom" }),
        &[("/status", json!("error")), ("/error", json!("boom"))],
    );
}

#[test]
fn names_of_agents_and_workflows() {
    each(&["gen_ai.agent.name", "agent.name", "agent_name"], json!("a"), "/metadata/agent_name", json!("a"));
    each(
        &["gen_ai.workflow.name", "traceloop.workflow.name"],
        json!("w"),
        "/metadata/workflow_name",
        json!("w"),
    );
}

#[test]
fn mime_types_say_how_values_are_read() {
    check(
        json!({ "input.value": "{\"a\":1}", "input.mime_type": "text/plain" }),
        &[("/inputs/rest", json!("{\"a\":1}"))],
    );
    check(
        json!({ "output.value": "{\"a\":1}", "output.mime_type": "application/json" }),
        &[("/outputs/rest", json!({ "a": 1 }))],
    );
}

#[test]
fn where_the_tables_disagree_with_practice() {
    // Both models are kept: what was asked for, and what answered and prices the call.
    check(
        json!({ "gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "gpt-4o-2024-08-06" }),
        &[("/params/model", json!("gpt-4o")), ("/model", json!("gpt-4o-2024-08-06"))],
    );
    // Variables make a prompt run only of a span that has no kind.
    let variables = "{\"q\":1}";
    check(json!({ "llm.prompt_template.variables": variables }), &[("/run_type", json!("prompt"))]);
    check(
        json!({ "llm.prompt_template.variables": variables, "openinference.span.kind": "LLM" }),
        &[("/run_type", json!("llm")), ("/metadata/prompt_variables", json!({ "q": 1 }))],
    );
    // The name of a tool does not make a tool of what says that it is something else.
    check(
        json!({ "gen_ai.tool.name": "t", "gen_ai.operation.name": "invoke_agent" }),
        &[("/run_type", json!("chain"))],
    );
}
