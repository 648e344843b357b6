//! OpenInference: flattened messages, documents and JSON payloads in `input.value` and `output.value`.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use serde_json::{Map, Value, json};

use super::{Labels, Rerank, Retrieval, Step, StepKind, ToolRun};
use crate::demo::chat::{Call, Document, Message, Model, Provider, Usage};
use crate::demo::trace::{double, int, text, texts};

/// `llm.provider` and `llm.system`.
fn provider(provider: Provider) -> (&'static str, &'static str) {
    match provider {
        Provider::OpenAi => ("openai", "openai"),
        Provider::Anthropic => ("anthropic", "anthropic"),
        Provider::Google => ("google", "vertexai"),
        Provider::Mistral => ("mistralai", "mistralai"),
        Provider::Vllm => ("vllm", "openai"),
    }
}

pub(super) fn labels(labels: &Labels<'_>) -> Vec<KeyValue> {
    let mut out = Vec::new();
    out.extend(labels.user.as_ref().map(|user| text("user.id", user)));
    out.extend(labels.thread.as_ref().map(|thread| text("session.id", thread)));
    if !labels.tags.is_empty() {
        out.push(texts("tag.tags", labels.tags.iter().copied()));
    }
    if !labels.metadata.is_empty() {
        let metadata: Map<_, _> = labels.metadata.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
        out.push(text("metadata", Value::Object(metadata).to_string()));
    }
    out
}

/// A value with its media type.
fn valued(side: &str, value: &Value) -> [KeyValue; 2] {
    let (mime_type, written) = match value {
        Value::String(plain) => ("text/plain", plain.clone()),
        other => ("application/json", other.to_string()),
    };
    [text(format!("{side}.value"), written), text(format!("{side}.mime_type"), mime_type)]
}

pub(super) fn step(step: &Step<'_>) -> (String, Vec<KeyValue>) {
    let kind = match step.kind {
        StepKind::Workflow | StepKind::Chain => "CHAIN",
        StepKind::Agent => "AGENT",
        StepKind::Guardrail => "GUARDRAIL",
    };
    let mut out = vec![text("openinference.span.kind", kind)];
    out.extend(step.input.iter().flat_map(|input| valued("input", input)));
    out.extend(step.output.iter().flat_map(|output| valued("output", output)));
    (step.name.to_owned(), out)
}

pub(super) fn output(output: &Value) -> Vec<KeyValue> {
    valued("output", output).to_vec()
}

/// What the client asked for.
pub(super) fn chat_request(call: &Call<'_>) -> (String, Vec<KeyValue>) {
    let (provider, system) = provider(call.model.provider);
    let mut parameters = json!({"model": call.model.name, "stream": call.streaming});
    if let Some(temperature) = call.temperature {
        parameters["temperature"] = json!(temperature);
    }
    if let Some(max_tokens) = call.max_tokens {
        parameters["max_tokens"] = json!(max_tokens);
    }
    let mut out = vec![
        text("openinference.span.kind", "LLM"),
        text("llm.provider", provider),
        text("llm.system", system),
        text("llm.model_name", call.model.response_name),
        text("llm.invocation_parameters", parameters.to_string()),
    ];
    for (idx, message) in call.history.iter().enumerate() {
        push_message(&mut out, &format!("llm.input_messages.{idx}.message"), message);
    }
    for (idx, tool) in call.tools.iter().enumerate() {
        let schema = json!({"type": "function", "function": {
            "name": tool.name, "description": tool.description, "parameters": tool.parameters}});
        out.push(text(format!("llm.tools.{idx}.tool.json_schema"), schema.to_string()));
    }
    let name = if call.model.provider == Provider::Anthropic { "ChatAnthropic" } else { "ChatOpenAI" };
    (name.to_owned(), out)
}

/// What the provider answered.
pub(super) fn chat_response(call: &Call<'_>, usage: Usage) -> Vec<KeyValue> {
    let mut out = vec![
        text("llm.finish_reason", call.reply.finish_reason()),
        int("llm.token_count.prompt", usage.input),
        int("llm.token_count.completion", usage.output),
        int("llm.token_count.total", usage.input + usage.output),
        int("llm.token_count.prompt_details.cache_read", usage.cached),
        int("llm.token_count.completion_details.reasoning", usage.reasoning),
    ];
    if usage.cache_write > 0 {
        out.push(int("llm.token_count.prompt_details.cache_write", usage.cache_write));
    }
    push_message(&mut out, "llm.output_messages.0.message", call.reply);
    out
}

fn push_message(out: &mut Vec<KeyValue>, prefix: &str, message: &Message) {
    out.push(text(format!("{prefix}.role"), message.role.as_str()));
    out.extend(message.tool_call_id.as_ref().map(|id| text(format!("{prefix}.tool_call_id"), id)));
    if let Some(image) = &message.image {
        let part = |idx: usize| format!("{prefix}.contents.{idx}.message_content");
        out.push(text(format!("{}.type", part(0)), "text"));
        out.push(text(format!("{}.text", part(0)), &message.text));
        out.push(text(format!("{}.type", part(1)), "image"));
        let url = format!("data:{};base64,{}", image.mime_type, image.base64);
        out.push(text(format!("{}.image.image.url", part(1)), url));
    } else if !message.text.is_empty() {
        out.push(text(format!("{prefix}.content"), &message.text));
    }
    for (idx, call) in message.tool_calls.iter().enumerate() {
        let prefix = format!("{prefix}.tool_calls.{idx}.tool_call");
        out.push(text(format!("{prefix}.id"), &call.id));
        out.push(text(format!("{prefix}.function.name"), &call.name));
        out.push(text(format!("{prefix}.function.arguments"), call.arguments.to_string()));
    }
}

pub(super) fn tool(run: &ToolRun<'_>) -> (String, Vec<KeyValue>) {
    let mut out = vec![text("openinference.span.kind", "TOOL"), text("tool.name", run.name)];
    out.extend(valued("input", run.arguments));
    out.extend(run.result.iter().flat_map(|result| valued("output", result)));
    out.extend(run.call_id.map(|id| text("tool_call.id", id)));
    (run.name.to_owned(), out)
}

pub(super) fn retrieval(retrieval: &Retrieval<'_>) -> Vec<KeyValue> {
    let mut out = vec![text("openinference.span.kind", "RETRIEVER"), text("input.value", retrieval.query)];
    push_documents(&mut out, "retrieval.documents", retrieval.documents);
    out
}

pub(super) fn rerank(args: &Rerank<'_>) -> Vec<KeyValue> {
    let mut out = vec![
        text("openinference.span.kind", "RERANKER"),
        text("reranker.model_name", args.model),
        text("reranker.query", args.query),
        int("reranker.top_k", args.after.len() as u64),
    ];
    push_documents(&mut out, "reranker.input_documents", args.before);
    push_documents(&mut out, "reranker.output_documents", args.after);
    out
}

fn push_documents(out: &mut Vec<KeyValue>, prefix: &str, documents: &[Document]) {
    for (idx, document) in documents.iter().enumerate() {
        let prefix = format!("{prefix}.{idx}.document");
        out.push(text(format!("{prefix}.id"), &document.id));
        out.push(text(format!("{prefix}.content"), &document.text));
        out.push(double(format!("{prefix}.score"), document.score));
        out.push(text(format!("{prefix}.metadata"), document.metadata.to_string()));
    }
}

pub(super) fn embedding(model: Model, inputs: &[&str], tokens: u64) -> (String, Vec<KeyValue>) {
    let mut out = vec![
        text("openinference.span.kind", "EMBEDDING"),
        text("embedding.model_name", model.name),
        text("llm.provider", provider(model.provider).0),
        int("llm.token_count.prompt", tokens),
        int("llm.token_count.total", tokens),
    ];
    for (idx, input) in inputs.iter().enumerate() {
        out.push(text(format!("embedding.embeddings.{idx}.embedding.text"), *input));
    }
    ("OpenAIEmbeddings".to_owned(), out)
}
