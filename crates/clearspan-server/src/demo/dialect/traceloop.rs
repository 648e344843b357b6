//! OpenLLMetry (Traceloop), before it moved to the newest GenAI conventions: flattened `gen_ai.prompt.{n}.*`.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use serde_json::{Value, json};

use super::{Labels, Step, StepKind, ToolRun};
use crate::demo::chat::{Call, Message, Model, Provider, Usage};
use crate::demo::trace::{boolean, double, int, text};

fn provider(provider: Provider) -> &'static str {
    match provider {
        Provider::OpenAi => "openai",
        Provider::Anthropic => "Anthropic",
        Provider::Google => "Google",
        Provider::Mistral => "MistralAI",
        Provider::Vllm => "vllm",
    }
}

/// Association properties are on every span, and so is the name of the workflow.
pub(super) fn inherited(workflow: &str, labels: &Labels<'_>) -> Vec<KeyValue> {
    const PREFIX: &str = "traceloop.association.properties";
    let mut out = vec![text("traceloop.workflow.name", workflow)];
    out.extend(labels.user.as_ref().map(|user| text(format!("{PREFIX}.user_id"), user)));
    out.extend(labels.thread.as_ref().map(|thread| text(format!("{PREFIX}.session_id"), thread)));
    out.extend(labels.metadata.iter().map(|(key, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text(format!("{PREFIX}.{key}"), value)
    }));
    if !labels.tags.is_empty() {
        out.push(text(format!("{PREFIX}.tags"), labels.tags.join(",")));
    }
    out
}

pub(super) fn step(step: &Step<'_>) -> (String, Vec<KeyValue>) {
    let kind = match step.kind {
        StepKind::Workflow => "workflow",
        StepKind::Agent => "agent",
        StepKind::Chain | StepKind::Guardrail => "task",
    };
    let mut out = vec![text("traceloop.span.kind", kind), text("traceloop.entity.name", step.name)];
    out.extend(
        step.input
            .as_ref()
            .map(|input| text("traceloop.entity.input", json!({"args": [input], "kwargs": {}}).to_string())),
    );
    out.extend(step.output.iter().flat_map(output));
    (format!("{}.{kind}", step.name), out)
}

pub(super) fn output(output: &Value) -> Vec<KeyValue> {
    vec![text("traceloop.entity.output", output.to_string())]
}

/// What the client asked for.
pub(super) fn chat_request(call: &Call<'_>) -> (String, Vec<KeyValue>) {
    let mut out = vec![
        text("gen_ai.system", provider(call.model.provider)),
        text("llm.request.type", "chat"),
        text("gen_ai.request.model", call.model.name),
        boolean("llm.is_streaming", call.streaming),
    ];
    out.extend(call.temperature.map(|value| double("gen_ai.request.temperature", value)));
    out.extend(call.max_tokens.map(|value| int("gen_ai.request.max_tokens", value)));
    for (idx, message) in call.history.iter().enumerate() {
        push_message(&mut out, &format!("gen_ai.prompt.{idx}"), message);
    }
    for (idx, tool) in call.tools.iter().enumerate() {
        let prefix = format!("llm.request.functions.{idx}");
        out.push(text(format!("{prefix}.name"), &tool.name));
        out.push(text(format!("{prefix}.description"), tool.description));
        out.push(text(format!("{prefix}.parameters"), tool.parameters.to_string()));
    }
    (format!("{}.chat", provider(call.model.provider).to_lowercase()), out)
}

/// What the provider answered.
pub(super) fn chat_response(call: &Call<'_>, usage: Usage, response_id: &str) -> Vec<KeyValue> {
    let mut out = vec![
        text("gen_ai.response.model", call.model.response_name),
        text("gen_ai.response.id", response_id),
        int("gen_ai.usage.prompt_tokens", usage.input),
        int("gen_ai.usage.completion_tokens", usage.output),
        int("llm.usage.total_tokens", usage.input + usage.output),
        int("gen_ai.usage.cache_read_input_tokens", usage.cached),
    ];
    if usage.reasoning > 0 {
        out.push(int("gen_ai.usage.reasoning_tokens", usage.reasoning));
    }
    push_message(&mut out, "gen_ai.completion.0", call.reply);
    out.push(text("gen_ai.completion.0.finish_reason", call.reply.finish_reason()));
    out
}

fn push_message(out: &mut Vec<KeyValue>, prefix: &str, message: &Message) {
    out.push(text(format!("{prefix}.role"), message.role.as_str()));
    if !message.text.is_empty() {
        out.push(text(format!("{prefix}.content"), &message.text));
    }
    out.extend(message.tool_call_id.as_ref().map(|id| text(format!("{prefix}.tool_call_id"), id)));
    for (idx, call) in message.tool_calls.iter().enumerate() {
        let prefix = format!("{prefix}.tool_calls.{idx}");
        out.push(text(format!("{prefix}.id"), &call.id));
        out.push(text(format!("{prefix}.name"), &call.name));
        out.push(text(format!("{prefix}.arguments"), call.arguments.to_string()));
    }
}

pub(super) fn tool(run: &ToolRun<'_>) -> (String, Vec<KeyValue>) {
    let mut out = vec![
        text("traceloop.span.kind", "tool"),
        text("traceloop.entity.name", run.name),
        text("traceloop.entity.input", json!({"args": [], "kwargs": run.arguments}).to_string()),
    ];
    out.extend(run.result.map(|result| text("traceloop.entity.output", result.to_string())));
    out.extend(run.call_id.map(|id| text("gen_ai.tool.call.id", id)));
    (format!("{}.tool", run.name), out)
}

pub(super) fn embedding(model: Model, inputs: &[&str], tokens: u64) -> (String, Vec<KeyValue>) {
    let mut out = vec![
        text("gen_ai.system", provider(model.provider)),
        text("llm.request.type", "embedding"),
        text("gen_ai.request.model", model.name),
        text("gen_ai.response.model", model.response_name),
        int("gen_ai.usage.prompt_tokens", tokens),
    ];
    for (idx, input) in inputs.iter().enumerate() {
        out.push(text(format!("gen_ai.prompt.{idx}.role"), "user"));
        out.push(text(format!("gen_ai.prompt.{idx}.content"), *input));
    }
    ("openai.embeddings".to_owned(), out)
}
