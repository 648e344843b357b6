//! One case at least for each row of the published mapping.

mod agents;
mod clients;
mod javascript;
mod silent;

use clearspan_model::{Run, RunType};
use serde_json::{Value, json};

use super::*;
use crate::otlp::{Encoding, MapContext, MappedRun, ProjectRef, read_traces};

/// Maps one span with these attributes; values are written as plain JSON.
fn map(attributes: Value) -> MappedRun {
    map_span(json!({ "attributes": attributes_of(&attributes) }))
}

fn map_span(mut span: Value) -> MappedRun {
    let members = json!({
        "traceId": "5058afe218bd8e3b1c99e76877739b8a", "spanId": "36f7fa548acabb47", "name": "span",
        "startTimeUnixNano": "1795225325000000000", "endTimeUnixNano": "1795225326000000000",
    });
    for (name, value) in members.as_object().unwrap() {
        span.as_object_mut().unwrap().entry(name).or_insert(value.clone());
    }
    let body = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [span] }] }] }).to_string();
    let ctx = MapContext::at(clearspan_model::UnixNanos::from_nanos(1));
    let mut mapped = read_traces(body.as_bytes(), Encoding::Json, &ctx).unwrap();
    assert!(mapped.rejections.is_empty());
    mapped.runs.pop().unwrap()
}

fn attributes_of(attributes: &Value) -> Value {
    let pairs = attributes.as_object().unwrap().iter();
    Value::Array(pairs.map(|(key, value)| json!({ "key": key, "value": any_value(value) })).collect())
}

fn any_value(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::String(text) => json!({ "stringValue": text }),
        Value::Bool(flag) => json!({ "boolValue": flag }),
        Value::Number(number) if number.is_i64() => json!({ "intValue": number }),
        Value::Number(number) => json!({ "doubleValue": number }),
        Value::Array(items) => {
            json!({ "arrayValue": { "values": items.iter().map(any_value).collect::<Vec<_>>() } })
        }
        Value::Object(_) => json!({ "kvlistValue": { "values": attributes_of(value) } }),
    }
}

/// The fields that a run shows, as JSON.
fn view(mapped: &MappedRun) -> Value {
    let run = &mapped.run;
    let mut view = serde_json::to_value(run).unwrap();
    let members = view.as_object_mut().unwrap();
    for name in ["versions", "received_at", "start_time", "end_time", "span_id"] {
        members.remove(name);
    }
    let params = run.invocation_params.as_ref().map(|params| params.to_value());
    members.insert("params".to_owned(), json!(params));
    members.insert("id".to_owned(), json!(run.key.run_id));
    members.insert("trace".to_owned(), json!(run.key.trace_id));
    view
}

/// Each expectation is a path into the view and the value there.
fn check(attributes: Value, expected: &[(&str, Value)]) {
    let mapped = map(attributes.clone());
    let view = view(&mapped);
    for (path, value) in expected {
        assert_eq!(view.pointer(path).unwrap_or(&Value::Null), value, "{path} of {attributes}\n{view:#}");
    }
}

/// Checks that every attribute was used. Only a word for the type may stay, where it tells more than the type.
fn check_used(attributes: Value, expected: &[(&str, Value)]) {
    check(attributes.clone(), expected);
    let Run { attributes: mut rest, sources, .. } = map(attributes).run;
    rest.retain(|key, _| sources.get("run_type") != Some(key));
    assert!(rest.is_empty(), "not used: {rest:?}");
}

fn messages(role: &str, content: &str) -> Value {
    json!([{ "role": role, "content": content }])
}

#[test]
fn langsmith_core() {
    check_used(json!({ "langsmith.trace.name": "Turn" }), &[("/name", json!("Turn"))]);
    for (kind, run_type) in [("LLM", "llm"), ("Tool", "tool"), ("chain", "chain"), ("retriever", "retriever")]
    {
        check_used(json!({ "langsmith.span.kind": kind }), &[("/run_type", json!(run_type))]);
    }
    for (kind, run_type) in [("embedding", "embedding"), ("prompt", "prompt"), ("parser", "parser")] {
        check_used(json!({ "langsmith.span.kind": kind }), &[("/run_type", json!(run_type))]);
    }
    check_used(json!({ "langsmith.span.tags": " prod, beta,,prod " }), &[("/tags", json!(["beta", "prod"]))]);
    check_used(
        json!({ "langsmith.metadata.a": "{\"x\": 1}", "langsmith.metadata.b": "text", "langsmith.metadata.n": 2 }),
        &[("/metadata", json!({ "a": { "x": 1 }, "b": "text", "n": 2 }))],
    );
    check_used(
        json!({ "langsmith.reference_example_id": "e-1", "langsmith.attachments": "[{\"name\": \"a\"}]" }),
        &[("/metadata/reference_example_id", json!("e-1")), ("/metadata/attachments/0/name", json!("a"))],
    );
    check_used(
        json!({ "langsmith.span.kind": "llm", "langsmith.usage_metadata": json!({
            "input_tokens": 20, "output_tokens": 5, "total_tokens": 25, "total_cost": 0.25,
            "input_token_details": { "cache_read": 8, "cache_creation": 2 },
            "output_token_details": { "reasoning": 3 },
        }).to_string() }),
        &[
            ("/usage/input_tokens", json!(20)),
            ("/usage/input_details", json!({ "cache_read": 8, "cache_write": 2 })),
            ("/usage/output_details", json!({ "reasoning": 3 })),
            ("/cost/total", json!("0.25")),
        ],
    );
}

#[test]
fn langsmith_ids_and_projects() {
    let run_id = "01a1fbbf-3acf-715f-8272-07e6b4763154";
    check_used(
        json!({
            "langsmith.trace.id": run_id, "langsmith.span.id": run_id, "langsmith.span.parent_id": "36f7fa548acabb40",
            "langsmith.span.dotted_order": "20251121T000000000000Z01a1fbbf-3acf-715f-8272-07e6b4763154",
        }),
        &[
            ("/trace", json!(run_id)),
            ("/id", json!(run_id)),
            ("/parent_run_id", json!("00000000-0000-0000-36f7-fa548acabb40")),
            ("/dotted_order", json!("20251121T000000000000Z01a1fbbf-3acf-715f-8272-07e6b4763154")),
        ],
    );
    let named =
        map(json!({ "langsmith.trace.session_name": "mine", "langsmith.trace.session_id": "not a uuid" }));
    assert_eq!(named.project, Some(ProjectRef::Name("mine".to_owned())));
    assert!(named.run.attributes.contains_key("langsmith.trace.session_id"));
    let by_id = map(json!({ "langsmith.trace.session_name": "mine", "langsmith.trace.session_id": run_id }));
    assert_eq!(by_id.project, Some(ProjectRef::Id(run_id.parse().unwrap())));
}

#[test]
fn genai_operations_and_providers() {
    for (operation, run_type) in [
        ("chat", "llm"),
        ("completion", "llm"),
        ("text_completion", "llm"),
        ("generate_content", "llm"),
        ("embedding", "embedding"),
        ("embeddings", "embedding"),
        ("execute_tool", "tool"),
        ("invoke_agent", "chain"),
        ("create_agent", "chain"),
        ("invoke_workflow", "chain"),
        ("retrieval", "retriever"),
    ] {
        check_used(json!({ "gen_ai.operation.name": operation }), &[("/run_type", json!(run_type))]);
    }
    check_used(
        json!({ "gen_ai.provider.name": "gcp.gemini" }),
        &[("/provider", json!("google")), ("/metadata/ls_provider", json!("gcp.gemini"))],
    );
    check_used(json!({ "gen_ai.system": "openai" }), &[("/provider", json!("openai"))]);
    check(json!({ "gen_ai.system": "langchain" }), &[("/provider", Value::Null)]);
    check_used(
        json!({ "gen_ai.tool.name": "search" }),
        &[("/run_type", json!("tool")), ("/params/tool_name", json!("search")), ("/name", json!("search"))],
    );
    check_used(
        json!({ "gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "gpt-4o-2024-08-06" }),
        &[
            ("/params/model", json!("gpt-4o")),
            ("/model", json!("gpt-4o-2024-08-06")),
            ("/metadata/ls_model_name", json!("gpt-4o-2024-08-06")),
        ],
    );
}

#[test]
fn genai_content() {
    let chat = |more: Value| {
        let mut attributes = json!({ "gen_ai.operation.name": "chat" });
        attributes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        attributes
    };
    check_used(
        chat(
            json!({ "gen_ai.prompt": "hi", "gen_ai.completion": "{\"role\": \"assistant\", \"content\": \"ho\"}" }),
        ),
        &[("/inputs/messages", messages("user", "hi")), ("/outputs/messages", messages("assistant", "ho"))],
    );
    check_used(
        json!({ "gen_ai.operation.name": "invoke_agent", "gen_ai.prompt": "{\"q\": 1}", "gen_ai.completion": "done" }),
        &[("/inputs/rest", json!({ "q": 1 })), ("/outputs/rest", json!("done"))],
    );
    check_used(
        chat(json!({
            "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "hi",
            "gen_ai.prompt.1.role": "assistant", "gen_ai.prompt.1.tool_calls.0.id": "c1",
            "gen_ai.prompt.1.tool_calls.0.name": "f", "gen_ai.prompt.1.tool_calls.0.arguments": "{\"a\":1}",
            "gen_ai.prompt.2.role": "tool", "gen_ai.prompt.2.content": "ok", "gen_ai.prompt.2.tool_call_id": "c1",
            "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": "ho",
            "gen_ai.completion.0.finish_reason": "stop",
        })),
        &[
            (
                "/inputs/messages",
                json!([
                    { "role": "user", "content": "hi" },
                    { "role": "assistant", "tool_calls": [{ "id": "c1", "name": "f", "arguments": { "a": 1 } }] },
                    { "role": "tool", "content": "ok", "tool_call_id": "c1" },
                ]),
            ),
            ("/outputs/messages", json!([{ "role": "assistant", "content": "ho", "finish_reason": "stop" }])),
        ],
    );
    check_used(
        chat(json!({ "gen_ai.prompt.0.message.role": "user", "gen_ai.prompt.0.message.content": "hi" })),
        &[("/inputs/messages", messages("user", "hi"))],
    );
    let parts = json!([{ "role": "user", "parts": [{ "type": "text", "content": "hi" }] }]);
    for input in [parts.clone(), json!(parts.to_string())] {
        check_used(
            chat(
                json!({ "gen_ai.input.messages": input, "gen_ai.system_instructions": "[{\"type\":\"text\",\"content\":\"Be brief\"}]" }),
            ),
            &[(
                "/inputs/messages",
                json!([{ "role": "system", "content": "Be brief" }, { "role": "user", "content": "hi" }]),
            )],
        );
    }
    check_used(
        chat(json!({
            "gen_ai.output.messages": "[{\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\"ho\"}]}]",
            "gen_ai.response.finish_reasons": ["stop"], "gen_ai.response.id": "r-1",
        })),
        &[
            ("/outputs/messages/0/finish_reason", json!("stop")),
            ("/metadata/finish_reasons", json!(["stop"])),
            ("/metadata/response_id", json!("r-1")),
        ],
    );
    check_used(
        json!({
            "gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.arguments": "{\"a\": 1}",
            "gen_ai.tool.call.result": { "b": 2 }, "gen_ai.tool.definitions": "[{\"name\": \"f\"}]",
        }),
        &[
            ("/inputs/rest", json!({ "a": 1 })),
            ("/outputs/rest", json!({ "b": 2 })),
            ("/params/tools", json!([{ "name": "f" }])),
        ],
    );
}

#[test]
fn genai_parameters_and_tokens() {
    for name in
        ["temperature", "top_p", "top_k", "max_tokens", "frequency_penalty", "presence_penalty", "seed"]
    {
        check_used(
            json!({ (format!("gen_ai.request.{name}")): 2 }),
            &[(&format!("/params/{name}"), json!(2))],
        );
    }
    check_used(
        json!({ "gen_ai.request.encoding_formats": ["float"], "gen_ai.request.stop_sequences": ["END"] }),
        &[("/params", json!({ "encoding_formats": ["float"], "stop": ["END"] }))],
    );
    check_used(
        json!({ "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5, "gen_ai.usage.total_tokens": 15 }),
        &[("/usage", json!({ "input_tokens": 10, "output_tokens": 5, "total_tokens": 15 }))],
    );
    check_used(
        json!({ "gen_ai.usage.prompt_tokens": 10, "gen_ai.usage.completion_tokens": 5 }),
        &[("/usage", json!({ "input_tokens": 10, "output_tokens": 5, "total_tokens": 15 }))],
    );
    for (key, path) in [
        ("gen_ai.usage.details.reasoning_tokens", "/usage/output_details/reasoning"),
        ("gen_ai.usage.reasoning.output_tokens", "/usage/output_details/reasoning"),
        ("gen_ai.usage.cache_read.input_tokens", "/usage/input_details/cache_read"),
        ("gen_ai.usage.cache_creation.input_tokens", "/usage/input_details/cache_write"),
        ("gen_ai.usage.cache_write.input_tokens", "/usage/input_details/cache_write"),
        ("gen_ai.usage.cache_read_input_tokens", "/usage/input_details/cache_read"),
        ("gen_ai.usage.cache_creation_input_tokens", "/usage/input_details/cache_write"),
    ] {
        check_used(json!({ (key): 4 }), &[(path, json!(4))]);
    }
    check_used(json!({ "gen_ai.conversation.id": "t-1" }), &[("/thread_id", json!("t-1"))]);
    for key in ["gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token"] {
        check_used(json!({ (key): 0.25 }), &[("/first_token_time", json!(1_795_225_325_250_000_000_i64))]);
    }
}

#[test]
fn bad_counts_become_issues_and_stay_raw() {
    for (value, why) in [
        (json!(-1), "a token count cannot be negative"),
        (json!(1.5), "a token count must be whole"),
        (json!("many"), "not a number"),
    ] {
        let mapped = map(json!({ "gen_ai.usage.input_tokens": value }));
        assert_eq!(mapped.run.usage, None);
        assert_eq!(mapped.run.attributes["gen_ai.usage.input_tokens"].to_value(), value);
        assert_eq!(mapped.run.issues[0].message, why);
    }
    check(
        json!({ "gen_ai.usage.input_tokens": 10, "llm.token_count.prompt": 11 }),
        &[("/usage/input_tokens", json!(10)), ("/attributes", json!({ "llm.token_count.prompt": 11 }))],
    );
    check_used(json!({ "gen_ai.usage.output_tokens": 7.0 }), &[("/usage/output_tokens", json!(7))]);
}

#[test]
fn cached_tokens_that_exceed_the_input_are_added() {
    check(
        json!({
            "gen_ai.usage.input_tokens": 27, "gen_ai.usage.output_tokens": 7, "gen_ai.usage.total_tokens": 34,
            "gen_ai.usage.cache_read.input_tokens": 3456, "gen_ai.usage.cache_creation.input_tokens": 32,
        }),
        &[
            ("/usage/input_tokens", json!(3515)),
            ("/usage/total_tokens", json!(3522)),
            ("/issues/0/kind", json!("repaired")),
        ],
    );
}

#[test]
fn traceloop() {
    check_used(
        json!({
            "traceloop.entity.input": "{\"args\": [1]}", "traceloop.entity.output": "\"done\"",
            "traceloop.entity.name": "plan", "traceloop.workflow.name": "trip", "traceloop.entity.path": "a.b",
        }),
        &[
            ("/inputs/rest", json!({ "args": [1] })),
            ("/outputs/rest", json!("done")),
            ("/name", json!("plan")),
            ("/metadata", json!({ "workflow_name": "trip", "entity_path": "a.b" })),
        ],
    );
    for (kind, run_type) in [("workflow", "chain"), ("task", "chain"), ("agent", "chain"), ("tool", "tool")] {
        check_used(json!({ "traceloop.span.kind": kind }), &[("/run_type", json!(run_type))]);
    }
    for (kind, run_type) in [("embedding", "embedding"), ("rerank", "retriever"), ("chat", "llm")] {
        check_used(json!({ "llm.request.type": kind }), &[("/run_type", json!(run_type))]);
        check_used(json!({ "traceloop.llm.request.type": kind }), &[("/run_type", json!(run_type))]);
    }
    check_used(
        json!({
            "traceloop.association.properties.session_id": "s", "traceloop.association.properties.user_id": "u",
            "traceloop.association.properties.tier": "gold",
        }),
        &[
            ("/thread_id", json!("s")),
            ("/user_id", json!("u")),
            ("/metadata", json!({ "session_id": "s", "user_id": "u", "tier": "gold" })),
        ],
    );
    check_used(
        json!({
            "traceloop.prompt.key": "greet", "traceloop.prompt.version": 3,
            "traceloop.prompt.template_variables.name": "Ada",
        }),
        &[(
            "/metadata",
            json!({ "prompt_name": "greet", "prompt_version": 3, "prompt_variables": { "name": "Ada" } }),
        )],
    );
}

#[test]
fn openinference_content() {
    check_used(
        json!({
            "openinference.span.kind": "CHAIN", "input.value": "{\"q\": 1}", "input.mime_type": "application/json",
            "output.value": "{\"not\": \"read\"}", "output.mime_type": "text/plain",
        }),
        &[("/inputs/rest", json!({ "q": 1 })), ("/outputs/rest", json!("{\"not\": \"read\"}"))],
    );
    for (kind, run_type) in [
        ("LLM", RunType::Llm),
        ("EMBEDDING", RunType::Embedding),
        ("RETRIEVER", RunType::Retriever),
        ("RERANKER", RunType::Retriever),
        ("TOOL", RunType::Tool),
        ("CHAIN", RunType::Chain),
        ("AGENT", RunType::Chain),
        ("GUARDRAIL", RunType::Chain),
        ("EVALUATOR", RunType::Chain),
        ("PROMPT", RunType::Prompt),
    ] {
        check_used(json!({ "openinference.span.kind": kind }), &[("/run_type", json!(run_type))]);
    }
    check_used(
        json!({ "openinference.span.kind": "TOOL", "tool.name": "search", "tool.parameters": "city=Paris, n=2" }),
        &[
            ("/name", json!("search")),
            ("/params/tool_arguments", json!({ "city": "Paris", "n": "2" })),
            ("/inputs/rest", json!({ "city": "Paris", "n": "2" })),
        ],
    );
    check_used(
        json!({ "tool_arguments": "{\"city\": \"Paris\"}", "tools": "[{\"name\": \"f\"}]" }),
        &[("/params", json!({ "tool_arguments": { "city": "Paris" }, "tools": [{ "name": "f" }] }))],
    );
    check_used(
        json!({ "llm.tools.0.tool.json_schema": "{\"name\": \"f\"}" }),
        &[("/params/tools", json!([{ "name": "f" }]))],
    );
    check_used(
        json!({
            "retrieval.documents.0.document.content": "text", "retrieval.documents.0.document.metadata": "{\"s\": 1}",
            "retrieval.documents.0.document.id": "d", "retrieval.documents.0.document.score": 0.5,
        }),
        &[
            ("/run_type", json!("retriever")),
            (
                "/outputs/rest",
                json!({ "documents": [{ "page_content": "text", "metadata": { "s": 1 }, "id": "d", "score": 0.5 }] }),
            ),
        ],
    );
    check_used(
        json!({
            "reranker.query": "q", "reranker.model_name": "r", "reranker.top_k": 2,
            "reranker.input_documents.0.document.content": "a", "reranker.output_documents.0.document.content": "a",
        }),
        &[
            ("/inputs/rest", json!({ "documents": [{ "page_content": "a" }], "query": "q" })),
            ("/outputs/rest", json!({ "documents": [{ "page_content": "a" }] })),
            ("/model", json!("r")),
        ],
    );
    check_used(
        json!({ "embedding.embeddings.0.embedding.text": "a", "embedding.embeddings.0.embedding.vector": [0.5], "embedding.model_name": "e" }),
        &[
            ("/run_type", json!("embedding")),
            ("/model", json!("e")),
            ("/outputs/rest", json!({ "embeddings": [{ "text": "a", "vector": [0.5] }] })),
        ],
    );
}

#[test]
fn openinference_messages() {
    let flat = json!({
        "openinference.span.kind": "LLM",
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.contents.0.message_content.type": "text",
        "llm.input_messages.0.message.contents.0.message_content.text": "look",
        "llm.input_messages.0.message.contents.1.message_content.type": "image",
        "llm.input_messages.0.message.contents.1.message_content.image.image.url": "data:image/png;base64,AA==",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.tool_calls.0.tool_call.id": "c",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "f",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": "{\"a\": 1}",
    });
    check_used(
        flat,
        &[
            (
                "/inputs/messages",
                json!([{ "role": "user", "content": [
                    { "type": "text", "text": "look" },
                    { "type": "image", "url": "data:image/png;base64,AA==" },
                ] }]),
            ),
            (
                "/outputs/messages",
                json!([{ "role": "assistant", "tool_calls": [{ "id": "c", "name": "f", "arguments": { "a": 1 } }] }]),
            ),
        ],
    );
    check_used(
        json!({ "llm.input_messages": "[{\"message.role\": \"x\", \"role\": \"user\", \"content\": \"hi\"}]" }),
        &[("/inputs/messages/0/content", json!("hi"))],
    );
}

#[test]
fn openinference_model_and_labels() {
    check_used(
        json!({ "llm.system": "anthropic", "llm.model_name": "claude-x" }),
        &[
            ("/provider", json!("anthropic")),
            ("/model", json!("claude-x")),
            ("/metadata", json!({ "ls_provider": "anthropic", "ls_model_name": "claude-x" })),
        ],
    );
    check_used(json!({ "llm.provider": "azure" }), &[("/provider", json!("azure"))]);
    check_used(
        json!({
            "llm.token_count.prompt": 3, "llm.token_count.completion": 2, "llm.token_count.total": 5,
            "llm.token_count.prompt_details.cache_read": 1, "llm.token_count.completion_details.reasoning": 1,
        }),
        &[(
            "/usage",
            json!({
                "input_tokens": 3, "output_tokens": 2, "total_tokens": 5,
                "input_details": { "cache_read": 1 }, "output_details": { "reasoning": 1 },
            }),
        )],
    );
    check_used(json!({ "llm.usage.total_tokens": 5 }), &[("/usage/total_tokens", json!(5))]);
    check_used(
        json!({
            "llm.invocation_parameters": "{\"temperature\": 0.1}", "llm.presence_penalty": 0.5,
            "llm.frequency_penalty": 0.25, "llm.request.functions": "[{\"name\": \"f\"}]",
        }),
        &[(
            "/params",
            json!({
                "temperature": 0.1, "presence_penalty": 0.5, "frequency_penalty": 0.25, "functions": [{ "name": "f" }],
            }),
        )],
    );
    check_used(
        json!({ "input.value": "Hi Ada", "llm.prompt_template.variables": "{\"name\": \"Ada\"}",
                "llm.prompt_template.template": "Hi {name}", "llm.prompt_template.version": "v1" }),
        &[
            ("/run_type", json!("prompt")),
            ("/inputs/rest", json!("Hi Ada")),
            ("/metadata/prompt_variables", json!({ "name": "Ada" })),
        ],
    );
    check(
        json!({ "openinference.span.kind": "LLM", "input.value": "x", "llm.prompt_template.variables": "{}" }),
        &[("/run_type", json!("llm"))],
    );
    check_used(
        json!({ "metadata": "{\"plan\": \"pro\"}", "session.id": "s", "user.id": "u", "tag.tags": ["b", "a"] }),
        &[
            ("/metadata", json!({ "plan": "pro" })),
            ("/thread_id", json!("s")),
            ("/user_id", json!("u")),
            ("/tags", json!(["a", "b"])),
        ],
    );
}

#[test]
fn logfire() {
    check_used(json!({ "prompt": "hi" }), &[("/inputs/rest", json!("hi"))]);
    check_used(
        json!({ "gen_ai.operation.name": "chat", "events": json!([
            { "event.name": "gen_ai.user.message", "role": "user", "content": "hi", "gen_ai.message.index": 0 },
            { "event.name": "gen_ai.choice", "index": 0, "message": { "role": "assistant", "content": "ho" } },
        ]).to_string() }),
        &[("/inputs/messages", messages("user", "hi")), ("/outputs/messages", messages("assistant", "ho"))],
    );
    check_used(
        json!({ "all_messages_events": json!([
            { "event.name": "gen_ai.user.message", "role": "user", "content": "hi" },
            { "event.name": "gen_ai.assistant.message", "role": "assistant", "content": "ho" },
        ]).to_string(), "final_result": "ho" }),
        &[
            ("/inputs/messages", messages("user", "hi")),
            ("/outputs/messages", messages("assistant", "ho")),
            ("/outputs/rest", json!({ "final_result": "ho" })),
        ],
    );
    check_used(
        json!({
            "request_data": json!({ "model": "m", "messages": [{ "role": "user", "content": "hi" }] }).to_string(),
            "response_data": json!({ "message": { "role": "assistant", "content": "ho" }, "usage": { "prompt_tokens": 1 } }).to_string(),
            "agent_name": "a",
        }),
        &[
            ("/inputs/messages", messages("user", "hi")),
            ("/outputs/messages", messages("assistant", "ho")),
            ("/usage/input_tokens", json!(1)),
            ("/metadata/agent_name", json!("a")),
        ],
    );
    check_used(json!({ "tool_response": "21 C" }), &[("/outputs/rest", json!("21 C"))]);
}

#[test]
fn tutorials() {
    check_used(
        json!({ "llm.prompt": "{hi}", "llm.response": "[ho]" }),
        &[
            ("/run_type", json!("llm")),
            ("/inputs/messages", messages("user", "{hi}")),
            ("/outputs/messages", messages("assistant", "[ho]")),
        ],
    );
    check_used(
        json!({ "llm.tokens.input": 3, "llm.tokens.output": 2, "llm.tokens.total": 5 }),
        &[("/usage", json!({ "input_tokens": 3, "output_tokens": 2, "total_tokens": 5 }))],
    );
    check_used(
        json!({ "llm.latency_ms": 12.5, "llm.total_latency_ms": 20 }),
        &[("/metadata", json!({ "latency_ms": 12.5, "total_latency_ms": 20 }))],
    );
    check_used(
        json!({ "llm.model": "m", "llm.temperature": 0.5, "llm.top_p": 1, "llm.max_tokens": 9, "llm.request_type": "embedding" }),
        &[
            ("/model", json!("m")),
            ("/run_type", json!("embedding")),
            ("/params", json!({ "model": "m", "temperature": 0.5, "top_p": 1, "max_tokens": 9 })),
        ],
    );
    check_used(
        json!({ "customer.id": "c", "app.feature": "search" }),
        &[("/user_id", json!("c")), ("/metadata/feature", json!("search"))],
    );
    check_used(
        json!({ "safety.score": 0.5, "safety.flagged": true }),
        &[("/metadata", json!({ "safety.score": 0.5, "safety.flagged": true }))],
    );
    for key in ["cost.usd", "llm.cost", "request.cost", "tool.cost_usd", "gen_ai.usage.cost"] {
        check_used(
            json!({ (key): 1.155e-05 }),
            &[("/cost/total", json!("0.00001155")), ("/cost/source/kind", json!("reported"))],
        );
    }
    check_used(
        json!({ "prompt.hash": "h", "prompt.length": 3, "response.hash": "r", "response.length": 4 }),
        &[("/metadata/prompt.hash", json!("h")), ("/metadata/content_withheld", json!(true))],
    );
    for (key, value) in [
        ("db.system", json!("chroma")),
        ("db.vector.query.top_k", json!(3)),
        ("db.chroma.query.n_results", json!(3)),
    ] {
        check(json!({ (key): value }), &[("/run_type", json!("retriever"))]);
    }
    check(json!({ "db.system": "postgresql", "db.operation": "SELECT" }), &[("/run_type", Value::Null)]);
}

#[test]
fn failures() {
    check_used(
        json!({ "retry.attempt": 2, "error.type": "429", "error.message": "slow down" }),
        &[
            ("/metadata/retry_attempt", json!(2)),
            ("/error_type", json!("429")),
            ("/error", json!("slow down")),
            ("/status", json!("error")),
        ],
    );
    for (key, value, status) in [
        ("request.successful", true, "success"),
        ("request.successful", false, "error"),
        ("request.failed", true, "error"),
        ("request.failed", false, "success"),
    ] {
        check_used(json!({ (key): value }), &[("/status", json!(status))]);
    }
    check(
        json!({ "langfuse.observation.level": "ERROR", "langfuse.observation.status_message": "broken" }),
        &[("/status", json!("error")), ("/error", json!("broken"))],
    );
}

#[test]
fn precedence_fills_and_never_overwrites() {
    check(
        json!({ "llm.model_name": "weak", "gen_ai.response.model": "strong" }),
        &[("/model", json!("strong")), ("/attributes/llm.model_name", json!("weak"))],
    );
    check(
        json!({
            "langsmith.span.kind": "tool", "openinference.span.kind": "LLM", "gen_ai.operation.name": "chat",
        }),
        &[
            ("/run_type", json!("tool")),
            ("/attributes", json!({ "openinference.span.kind": "LLM", "gen_ai.operation.name": "chat" })),
        ],
    );
    check(
        json!({ "gen_ai.conversation.id": "c", "langsmith.metadata.thread_id": "t" }),
        &[("/thread_id", json!("t"))],
    );
}

#[test]
fn what_no_rule_knows_stays_exact() {
    check(
        json!({ "my.big": 9_223_372_036_854_775_807_i64, "my.tree": { "a": [1, null] }, "my.unset": null }),
        &[
            ("/attributes/my.big", json!(9_223_372_036_854_775_807_i64)),
            ("/attributes/my.tree", json!({ "a": [1, null] })),
            ("/attributes/my.unset", Value::Null),
        ],
    );
    let run: Run = map_span(json!({
        "attributes": [{ "key": "my.bytes", "value": { "bytesValue": "AAH/" } }],
    }))
    .run;
    assert_eq!(run.attributes["my.bytes"].to_value(), json!({ "bytesValue": "AAH/" }));
}

#[test]
fn timestamps() {
    for (text, nanos) in [
        ("2026-11-21T01:54:01.230349Z", Some(1_795_226_041_230_349_000)),
        ("\"2026-11-21T02:54:01+01:00\"", Some(1_795_226_041_000_000_000)),
        ("2026-11-20 23:54:01-0200", Some(1_795_226_041_000_000_000)),
        ("2024-02-29T00:00", Some(1_709_164_800_000_000_000)),
        ("2026-13-01T00:00:00Z", None),
        ("yesterday", None),
        ("9999-01-01T00:00:00Z", None),
        ("2026-11-21T01:54:01.é", None),
    ] {
        assert_eq!(read_timestamp(text).map(|time| time.as_nanos()), nanos, "{text}");
    }
}

#[test]
fn words_that_tell_more_than_the_type_stay() {
    for (key, word, stays) in [
        ("openinference.span.kind", "AGENT", true),
        ("openinference.span.kind", "CHAIN", false),
        ("openinference.span.kind", "RERANKER", true),
        ("openinference.span.kind", "LLM", false),
        ("gen_ai.operation.name", "invoke_agent", true),
        ("gen_ai.operation.name", "chat", false),
        ("langfuse.observation.type", "guardrail", true),
    ] {
        let run = map(json!({ key: word })).run;
        assert!(run.run_type.is_some());
        assert_eq!(run.attributes.contains_key(key), stays, "{key}: {word}");
    }
}

#[test]
fn numbers_in_text_are_numbers() {
    check_used(
        json!({
            "gen_ai.operation.name": "chat", "gen_ai.request.temperature": "0.5", "gen_ai.request.max_tokens": " 64 ",
            "gen_ai.usage.input_tokens": "12", "gen_ai.usage.output_tokens": 3.0, "gen_ai.request.seed": "abc",
            "gen_ai.server.time_to_first_token": "0.25", "gen_ai.cost.total_cost": "0.0001",
        }),
        &[
            ("/params", json!({ "temperature": 0.5, "max_tokens": 64, "seed": "abc" })),
            ("/usage/input_tokens", json!(12)),
            ("/usage/output_tokens", json!(3)),
            ("/first_token_time", json!(1_795_225_325_250_000_000_i64)),
            ("/cost/total", json!("0.0001")),
        ],
    );
}

#[test]
fn details_that_python_printed() {
    check_used(
        json!({
            "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 20, "gen_ai.usage.output_tokens": 9,
            "gen_ai.usage.input_token_details":
                r#"{'cache_read': 10, 'note': "it's cached", 'audio': None, 'by_ttl': {'is_set': True}}"#,
            "gen_ai.usage.output_token_details": r#"{"reasoning": 4}"#,
        }),
        &[
            ("/usage/input_details", json!({ "cache_read": 10 })),
            ("/usage/output_details", json!({ "reasoning": 4 })),
        ],
    );
}

/// @arizeai/openinference-vercel leaves the data of files out; the SDK's own attribute beside it has them.
#[test]
fn media_that_one_dialect_lost_come_from_another() {
    let whole = json!([{ "role": "user", "content": [
        { "type": "text", "text": "What is it?" }, { "type": "file", "mediaType": "image/png", "data": "AA==" },
    ] }]);
    let attributes = json!({
        "openinference.span.kind": "LLM",
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.contents.0.message_content.type": "text",
        "llm.input_messages.0.message.contents.0.message_content.text": "What is it?",
        "llm.input_messages.0.message.contents.1.message_content.type": "file",
        "ai.prompt.messages": whole.to_string(),
    });
    check_used(
        attributes,
        &[
            (
                "/inputs/messages/0/content/1",
                json!({ "type": "image", "data": "AA==", "mime_type": "image/png" }),
            ),
            ("/sources/inputs.messages", json!("ai.prompt.messages")),
        ],
    );
}

#[test]
fn what_the_sdk_suite_found() {
    // pydantic-ai's embedder.
    check_used(
        json!({ "gen_ai.operation.name": "embeddings", "inputs": "[\"some words\"]", "embeddings": "[[0.1,0.2]]" }),
        &[
            ("/inputs/rest", json!({ "texts": ["some words"] })),
            ("/outputs/rest", json!({ "embeddings": [[0.1, 0.2]] })),
        ],
    );
    // A refused call of which nothing but the parameters names the model.
    check(
        json!({ "openinference.span.kind": "LLM", "llm.invocation_parameters": "{\"model\":\"gpt-4o-mini\"}" }),
        &[("/model", json!("gpt-4o-mini")), ("/sources/model", json!("llm.invocation_parameters"))],
    );
    check(json!({ "llm.invocation_parameters": "{\"model\":\"m\"}" }), &[("/model", Value::Null)]);
    // A streamed chunk of LangChain through OpenLLMetry.
    check(
        json!({
            "gen_ai.operation.name": "chat",
            "gen_ai.output.messages": "[{\"role\":\"unknown\",\"parts\":[{\"type\":\"text\",\"content\":\"ho\"}]}]",
        }),
        &[("/outputs/messages", messages("assistant", "ho"))],
    );
}

#[test]
fn first_tokens_come_before_the_end() {
    let at = |value: Value| {
        let run =
            map(json!({ "gen_ai.operation.name": "chat", "gen_ai.server.time_to_first_token": value })).run;
        run.first_token_time.unwrap().as_nanos() - run.start_time.unwrap().as_nanos()
    };
    assert_eq!(at(json!(0.5)), 500_000_000);
    // Strands: the call took one second.
    assert_eq!(at(json!(691)), 691_000_000);
    // Neither unit fits; the conventions' is believed.
    assert_eq!(at(json!(5000)), 5_000_000_000_000);
}

#[test]
fn retrievers_found_documents_however_they_are_wrapped() {
    let documents = json!([{ "page_content": "Fact", "metadata": { "source": "a.md" } }]);
    for output in [documents.clone(), json!({ "output": documents }), json!({ "documents": documents })] {
        check_used(
            json!({ "langsmith.span.kind": "retriever", "gen_ai.completion": output.to_string() }),
            &[("/outputs/rest", json!({ "documents": documents }))],
        );
    }
    let other = json!({ "output": documents, "took_ms": 3 });
    check(
        json!({ "langsmith.span.kind": "retriever", "gen_ai.completion": other.to_string() }),
        &[("/outputs/rest", other)],
    );
}

#[test]
fn frameworks_name_models_where_the_conventions_do_not() {
    check(
        json!({
            "genkit:metadata:subtype": "model", "genkit:name": "googleai/gemini-2.5-flash",
            "genkit:input": "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}],\"config\":{\"topK\":5}}",
            "genkit:output": "{\"message\":{\"role\":\"model\",\"content\":[{\"text\":\"ho\"}]},\"finishReason\":\"stop\"}",
        }),
        &[
            ("/model", json!("gemini-2.5-flash")),
            ("/params/top_k", json!(5)),
            ("/outputs/messages", json!([{ "role": "assistant", "content": "ho", "finish_reason": "stop" }])),
        ],
    );
    check(
        json!({ "braintrust.span_attributes": "{\"type\":\"llm\"}", "braintrust.metadata": "{\"model\":\"m\"}" }),
        &[("/run_type", json!("llm")), ("/model", json!("m")), ("/metadata/model", json!("m"))],
    );
    check(json!({ "model": "\"m\"" }), &[("/model", Value::Null)]);
    check(json!({ "gen_ai.operation.name": "chat", "model": "\"m\"" }), &[("/model", json!("m"))]);
}

#[test]
fn mastra_tells_calls_apart_from_the_conventions() {
    let step =
        json!({ "text": "", "toolCalls": [{ "toolCallId": "c", "toolName": "get", "args": { "a": 1 } }] });
    check(
        json!({
            "gen_ai.operation.name": "chat", "mastra.span.type": "model_inference",
            "gen_ai.output.messages": "[{\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\"\"}]}]",
            "mastra.model_step.output": step.to_string(),
        }),
        &[(
            "/outputs/messages",
            json!([{ "role": "assistant", "tool_calls": [{ "id": "c", "name": "get", "arguments": { "a": 1 } }] }]),
        )],
    );
}

#[test]
fn tools_of_strands_and_langtrace() {
    let part = |part: Value| json!([{ "role": "tool", "parts": [part] }]).to_string();
    check_used(
        json!({
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.input.messages": part(json!({ "type": "tool_call", "name": "get", "id": "c", "arguments": { "a": 1 } })),
            "gen_ai.output.messages": part(json!({ "type": "tool_call_response", "id": "c", "response": "21 C" })),
        }),
        &[("/inputs/rest", json!({ "a": 1 })), ("/outputs/rest", json!("21 C"))],
    );
    let tools = json!([{ "type": "function", "function": { "name": "get" } }]);
    for sent in [tools.to_string(), json!([tools.to_string()]).to_string()] {
        check_used(
            json!({ "gen_ai.operation.name": "chat", "gen_ai.request.tools": sent }),
            &[("/params/tools", tools.clone())],
        );
    }
}
