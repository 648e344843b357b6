//! Messages and labels where clients in JavaScript put them in places of their own.

use super::*;

#[test]
fn the_system_prompt_among_the_parameters_leads_the_messages() {
    let call = |system: Value, first: &str| {
        json!({
            "openinference.span.kind": "LLM",
            "llm.invocation_parameters": json!({ "max_tokens": 100, "system": system }).to_string(),
            "llm.input_messages.0.message.role": first,
            "llm.input_messages.0.message.content": "Be kind",
        })
    };
    let leads = json!([{ "role": "system", "content": "Be nice" }, { "role": "user", "content": "Be kind" }]);
    check_used(
        call(json!("Be nice"), "user"),
        &[("/inputs/messages", leads), ("/params/system", json!("Be nice"))],
    );
    // The instrumentation in Python puts it among the messages, too.
    check_used(
        call(json!([{ "type": "text", "text": "Be kind", "cache_control": {} }]), "system"),
        &[("/inputs/messages", json!([{ "role": "system", "content": "Be kind" }]))],
    );
}

#[test]
fn what_answers_a_call_of_a_tool_is_of_the_tool() {
    check_used(
        json!({
            "openinference.span.kind": "LLM",
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.tool_call_id": "t1",
            "llm.input_messages.0.message.content": "20",
        }),
        &[("/inputs/messages", json!([{ "role": "tool", "content": "20", "tool_call_id": "t1" }]))],
    );
}

/// The handler for LangChain.
#[test]
fn langfuse_names_the_tool_as_role() {
    let message = json!([{ "content": "20C in Paris", "additional_kwargs": {}, "role": "get_weather" }]);
    check_used(
        json!({ "langfuse.observation.type": "generation", "langfuse.observation.input": message.to_string() }),
        &[(
            "/inputs/messages",
            json!([{ "role": "tool", "name": "get_weather", "content": "20C in Paris" }]),
        )],
    );
    // Roles of one's own are nobody's tools.
    let critic = json!([{ "content": "No", "role": "critic" }]);
    check_used(
        json!({ "langfuse.observation.type": "generation", "langfuse.observation.input": critic.to_string() }),
        &[("/inputs/messages/0/role", json!("critic")), ("/inputs/messages/0/name", Value::Null)],
    );
}

#[test]
fn vercel_tags_are_tags() {
    check_used(
        json!({ "ai.telemetry.metadata.tags": ["x", "y"], "ai.telemetry.metadata.plan": "pro" }),
        &[("/tags", json!(["x", "y"])), ("/metadata", json!({ "plan": "pro" }))],
    );
}
