//! OpenTelemetry's GenAI semantic conventions: messages as JSON lists of parts in span attributes.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use serde_json::{Value, json};

use super::{CallTimes, Labels, Retrieval, Step, StepKind, ToolRun};
use crate::demo::chat::{Call, Message, Model, Provider, Role, ToolDef, Usage};
use crate::demo::trace::{boolean, double, int, text, texts};

fn provider(provider: Provider) -> &'static str {
    match provider {
        Provider::OpenAi => "openai",
        Provider::Anthropic => "anthropic",
        Provider::Google => "gcp.gemini",
        Provider::Mistral => "mistral_ai",
        Provider::Vllm => "vllm",
    }
}

pub(super) fn labels(labels: &Labels<'_>) -> Vec<KeyValue> {
    let mut out = Vec::new();
    out.extend(labels.user.as_ref().map(|user| text("user.id", user)));
    out.extend(labels.thread.as_ref().map(|thread| text("gen_ai.conversation.id", thread)));
    if !labels.tags.is_empty() {
        out.push(text("langsmith.span.tags", labels.tags.join(", ")));
    }
    out.extend(labels.metadata.iter().map(|(key, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text(format!("langsmith.metadata.{key}"), value)
    }));
    out
}

pub(super) fn step(step: &Step<'_>) -> (String, Vec<KeyValue>) {
    let (name, mut attributes) = match step.kind {
        StepKind::Workflow | StepKind::Agent => (
            format!("invoke_agent {}", step.name),
            vec![
                text("gen_ai.operation.name", "invoke_agent"),
                text("gen_ai.agent.name", step.name),
                text("langsmith.trace.name", step.name),
            ],
        ),
        StepKind::Chain | StepKind::Guardrail => {
            (step.name.to_owned(), vec![text("langsmith.span.kind", "chain")])
        }
    };
    attributes.extend(step.input.as_ref().map(|input| text("gen_ai.prompt", payload(input))));
    attributes.extend(step.output.as_ref().map(|output| text("gen_ai.completion", payload(output))));
    (name, attributes)
}

pub(super) fn output(output: &Value) -> Vec<KeyValue> {
    vec![text("gen_ai.completion", payload(output))]
}

/// Plain text as it is, anything else as JSON.
fn payload(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What the client asked for.
pub(super) fn chat_request(call: &Call<'_>) -> (String, Vec<KeyValue>) {
    let mut out = vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", provider(call.model.provider)),
        text("gen_ai.request.model", call.model.name),
        text("gen_ai.input.messages", messages(call.history)),
    ];
    if call.streaming {
        out.push(boolean("gen_ai.request.stream", true));
    }
    out.extend(call.temperature.map(|value| double("gen_ai.request.temperature", value)));
    out.extend(call.max_tokens.map(|value| int("gen_ai.request.max_tokens", value)));
    if !call.tools.is_empty() {
        let tools: Vec<_> = call.tools.iter().map(definition).collect();
        out.push(text("gen_ai.tool.definitions", Value::Array(tools).to_string()));
    }
    (format!("chat {}", call.model.name), out)
}

/// What the provider answered.
pub(super) fn chat_response(
    call: &Call<'_>,
    usage: Usage,
    times: CallTimes,
    response_id: &str,
) -> Vec<KeyValue> {
    let finish_reason = call.reply.finish_reason();
    let mut reply = message(call.reply);
    reply["finish_reason"] = json!(finish_reason);
    let mut out = vec![
        text("gen_ai.response.model", call.model.response_name),
        text("gen_ai.response.id", response_id),
        texts("gen_ai.response.finish_reasons", [finish_reason]),
        int("gen_ai.usage.input_tokens", usage.input),
        int("gen_ai.usage.output_tokens", usage.output),
        text("gen_ai.output.messages", Value::Array(vec![reply]).to_string()),
    ];
    if usage.cached > 0 {
        out.push(int("gen_ai.usage.cache_read.input_tokens", usage.cached));
    }
    if usage.cache_write > 0 {
        out.push(int("gen_ai.usage.cache_creation.input_tokens", usage.cache_write));
    }
    if usage.reasoning > 0 {
        out.push(int("gen_ai.usage.reasoning.output_tokens", usage.reasoning));
    }
    if call.streaming {
        let wait = (times.first_token - times.start) as f64 / 1e6;
        out.push(double("gen_ai.response.time_to_first_chunk", wait));
    }
    out
}

fn definition(tool: &ToolDef) -> Value {
    json!({
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    })
}

fn messages(messages: &[Message]) -> String {
    Value::Array(messages.iter().map(message).collect()).to_string()
}

fn message(message: &Message) -> Value {
    let mut parts = Vec::new();
    parts.extend(message.reasoning.as_ref().map(|r| json!({"type": "reasoning", "content": r})));
    if message.role == Role::Tool {
        let response = serde_json::from_str(&message.text).unwrap_or_else(|_| json!(message.text));
        parts.push(json!({"type": "tool_call_response", "id": message.tool_call_id, "response": response}));
    } else if !message.text.is_empty() {
        parts.push(json!({"type": "text", "content": message.text}));
    }
    parts.extend(message.image.as_ref().map(|image| {
        json!({"type": "blob", "modality": "image", "mime_type": image.mime_type, "content": image.base64})
    }));
    parts.extend(message.tool_calls.iter().map(
        |call| json!({"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments}),
    ));
    json!({"role": message.role.as_str(), "parts": parts})
}

pub(super) fn tool(run: &ToolRun<'_>) -> (String, Vec<KeyValue>) {
    let mut out = vec![
        text("gen_ai.operation.name", "execute_tool"),
        text("gen_ai.tool.name", run.name),
        text("gen_ai.tool.type", "function"),
        text("gen_ai.tool.call.arguments", run.arguments.to_string()),
    ];
    out.extend(run.call_id.map(|id| text("gen_ai.tool.call.id", id)));
    out.extend(run.result.map(|result| text("gen_ai.tool.call.result", payload(result))));
    (format!("execute_tool {}", run.name), out)
}

pub(super) fn retrieval(retrieval: &Retrieval<'_>) -> Vec<KeyValue> {
    let documents: Vec<_> = retrieval
        .documents
        .iter()
        .map(|d| json!({"id": d.id, "page_content": d.text, "score": d.score, "metadata": d.metadata}))
        .collect();
    vec![
        text("gen_ai.operation.name", "retrieval"),
        text("gen_ai.retrieval.query.text", retrieval.query),
        text("gen_ai.retrieval.documents", Value::Array(documents).to_string()),
    ]
}

pub(super) fn embedding(model: Model, inputs: &[&str], tokens: u64) -> (String, Vec<KeyValue>) {
    let out = vec![
        text("gen_ai.operation.name", "embeddings"),
        text("gen_ai.provider.name", provider(model.provider)),
        text("gen_ai.request.model", model.name),
        text("gen_ai.response.model", model.response_name),
        int("gen_ai.usage.input_tokens", tokens),
        text("gen_ai.prompt", json!({"input": inputs}).to_string()),
        texts("gen_ai.request.encoding_formats", ["float"]),
    ];
    (format!("embeddings {}", model.name), out)
}
