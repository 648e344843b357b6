//! Claude Code's own traces, Google ADK 1.x and Gemini's thoughts, as their clients were seen to send them.

use super::*;

/// Maps one span of a scope.
fn map_of_scope(scope: &str, name: &str, attributes: &Value) -> Value {
    let span = json!({
        "traceId": "5058afe218bd8e3b1c99e76877739b8a", "spanId": "36f7fa548acabb47", "name": name,
        "startTimeUnixNano": "1795225325000000000", "endTimeUnixNano": "1795225326000000000",
        "attributes": attributes_of(attributes),
    });
    let scope_spans = json!([{ "scope": { "name": scope }, "spans": [span] }]);
    let body = json!({ "resourceSpans": [{ "scopeSpans": scope_spans }] }).to_string();
    let ctx = MapContext::at(clearspan_model::UnixNanos::from_nanos(1));
    view(&read_traces(body.as_bytes(), Encoding::Json, &ctx).unwrap().runs.pop().unwrap())
}

const CLAUDE_CODE: &str = "com.anthropic.claude_code.tracing";

#[test]
fn claude_code_tells_its_calls() {
    let call = json!({
        "gen_ai.system": "anthropic", "gen_ai.request.model": "claude-sonnet-4-5", "gen_ai.operation.name": "chat",
        "input_tokens": 200, "output_tokens": 150, "cache_read_tokens": 1000, "cache_creation_tokens": 300, "ttft_ms": 92,
        "new_context": "[USER]\nWeather?", "user_system_prompt": "Be terse.", "response.model_output": "Sunny.",
    });
    let run = map_of_scope(CLAUDE_CODE, "claude_code.llm_request", &call);
    assert_eq!(run["dialect"], "claude-code");
    assert_eq!(run["usage"]["input_tokens"], 1500, "{run:#}");
    assert_eq!(run["usage"]["output_tokens"], 150);
    assert_eq!(run["usage"]["input_details"], json!({ "cache_read": 1000, "cache_write": 300 }));
    assert!(!run["first_token_time"].is_null());
    assert_eq!(run["inputs"]["messages"][0]["role"], "system");
    assert_eq!(run["inputs"]["messages"][1], json!({ "role": "user", "content": "Weather?" }));
    assert_eq!(run["outputs"]["messages"], messages("assistant", "Sunny."));
    assert_eq!(run["attributes"], json!({}));
    // Nobody else's plain names are read.
    let other = map_of_scope("app", "claude_code.llm_request", &call);
    assert_eq!((&other["usage"], &other["inputs"]["messages"]), (&Value::Null, &Value::Null));
    assert_eq!(other["attributes"]["cache_read_tokens"], 1000);
}

#[test]
fn claude_code_tells_what_a_tool_was_given() {
    let attributes = json!({ "tool_input": "[TOOL INPUT: Read]\n{\"file_path\":\"a.txt\"}" });
    let run = map_of_scope(CLAUDE_CODE, "claude_code.tool", &attributes);
    assert_eq!(run["inputs"]["rest"], json!({ "file_path": "a.txt" }), "{run:#}");
}

#[test]
fn thoughts_of_gemini_are_part_of_the_output() {
    let counts = |model: &str, provider: &str, output: u64, reasoning: Value| {
        check(
            json!({
                "gen_ai.operation.name": "chat", "gen_ai.system": provider, "gen_ai.request.model": model,
                "gen_ai.usage.input_tokens": 1200, "gen_ai.usage.output_tokens": 86, "gen_ai.usage.total_tokens": 1350,
            }),
            &[("/usage/output_tokens", json!(output)), ("/usage/output_details/reasoning", reasoning)],
        );
    };
    counts("gemini-2.5-flash", "Google", 150, json!(64));
    counts("gemini-2.0-flash", "Google", 86, Value::Null);
    counts("gpt-5", "openai", 86, Value::Null);
}

const ADK: &str = "gcp.vertex.agent";

#[test]
fn google_adk_of_old_tells_details_and_the_system_prompt_in_its_payloads() {
    let request = json!({ "model": "gemini-2.5-flash", "contents": [{ "role": "user", "parts": [{ "text": "Hi" }] }],
        "config": { "system_instruction": "Be terse." } });
    let response = json!({ "content": { "role": "model", "parts": [{ "text": "Hello" }] }, "usage_metadata": {
        "prompt_token_count": 1200, "candidates_token_count": 86, "cached_content_token_count": 1000,
        "thoughts_token_count": 64, "total_token_count": 1350 } });
    let call = json!({
        "gen_ai.system": ADK, "gen_ai.request.model": "gemini-2.5-flash",
        "gen_ai.usage.input_tokens": 1200, "gen_ai.usage.output_tokens": 86,
        "gcp.vertex.agent.llm_request": request.to_string(), "gcp.vertex.agent.llm_response": response.to_string(),
    });
    let run = map_of_scope(ADK, "call_llm", &call);
    assert_eq!(run["provider"], "google");
    assert_eq!(run["usage"]["output_tokens"], 150, "{run:#}");
    assert_eq!(run["usage"]["output_details"], json!({ "reasoning": 64 }));
    assert_eq!(run["usage"]["input_details"], json!({ "cache_read": 1000 }));
    assert_eq!(run["inputs"]["messages"][0], json!({ "role": "system", "content": "Be terse." }));
}

#[test]
fn google_adk_of_old_tells_arguments_beside_an_empty_request() {
    let attributes = json!({
        "gen_ai.operation.name": "execute_tool", "gcp.vertex.agent.llm_request": "{}", "gcp.vertex.agent.llm_response": "{}",
        "gcp.vertex.agent.tool_call_args": "{\"city\":\"Paris\"}", "gcp.vertex.agent.tool_response": "{\"sky\":\"blue\"}",
    });
    let run = map_of_scope(ADK, "execute_tool weather", &attributes);
    assert_eq!(run["inputs"]["rest"], json!({ "city": "Paris" }), "{run:#}");
    assert_eq!(run["outputs"]["rest"], json!({ "sky": "blue" }));
    for (name, run_type) in [("call_llm", "llm"), ("execute_tool bad", "tool")] {
        assert_eq!(map_of_scope(ADK, name, &json!({}))["run_type"], run_type);
    }
    assert_eq!(map_of_scope("app", "call_llm", &json!({}))["run_type"], Value::Null);
}
