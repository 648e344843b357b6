//! The Vercel AI SDK up to 6, and its legacy telemetry in 7. (Its new telemetry speaks GenAI.)

use std::borrow::Cow;

use clearspan_model::RunType as Type;
use clearspan_model::Side::{Input, Output};

use super::values::vercel_operation;
use crate::engine::Count::{Input as TokensIn, InputDetail, Output as TokensOut, OutputDetail, Total};
use crate::engine::To::{
    FinishReasons, FirstTokenMillis, Implies, Member, Messages, Metadata, MetadataKeys, Model, Name, Param,
    Payload, Provider, RunType, Special, Tags, Thread, Tokens, User,
};
use crate::engine::{Attributes, Draft, Row, row, under};
use crate::json::{Json, Text, parse};

pub(super) const ROWS: &[Row] = &[
    row("ai.operationId", &[RunType(5, vercel_operation)]),
    row("ai.toolCall.name", &[Name(5)]),
    row("ai.model.provider", &[Provider]),
    row("ai.response.model", &[Model]),
    row("ai.model.id", &[Param("model"), Model]),
    // Content.
    row("ai.prompt.messages", &[Messages(Input)]),
    row("ai.prompt", &[Special("inputs.messages", prompt)]),
    row("ai.response.text", &[Special("outputs.messages", response)]),
    row("ai.response.toolCalls", &[Special("outputs.messages", response)]),
    row("ai.response.reasoning", &[Special("outputs.messages", response)]),
    row("ai.response.object", &[Special("outputs", object)]),
    row("ai.toolCall.args", &[Payload(Input)]),
    row("ai.toolCall.input", &[Payload(Input)]),
    row("ai.toolCall.result", &[Payload(Output)]),
    row("ai.toolCall.output", &[Payload(Output)]),
    row("ai.toolCall.id", &[Metadata("tool_call_id")]),
    row("ai.value", &[Member(Input, "text"), Implies(22, Type::Embedding)]),
    row("ai.values", &[Special("inputs.texts", values)]),
    row("ai.embedding", &[Member(Output, "embedding")]),
    row("ai.embeddings", &[Special("outputs.embeddings", embeddings)]),
    // Parameters.
    row("ai.prompt.tools", &[Special("invocation_params.tools", tools)]),
    row("ai.prompt.toolChoice", &[Param("tool_choice")]),
    row("ai.settings.maxOutputTokens", &[Param("max_tokens")]),
    row("ai.settings.maxTokens", &[Param("max_tokens")]),
    row("ai.settings.temperature", &[Param("temperature")]),
    row("ai.settings.topP", &[Param("top_p")]),
    row("ai.settings.topK", &[Param("top_k")]),
    row("ai.settings.seed", &[Param("seed")]),
    row("ai.settings.maxRetries", &[Param("max_retries")]),
    row("ai.settings.maxSteps", &[Param("max_steps")]),
    row("ai.settings.stopSequences", &[Param("stop")]),
    row("ai.settings.frequencyPenalty", &[Param("frequency_penalty")]),
    row("ai.settings.presencePenalty", &[Param("presence_penalty")]),
    row("ai.settings.output", &[Param("output")]),
    row("ai.settings.mode", &[Param("mode")]),
    row("ai.schema", &[Param("response_format")]),
    // Tokens. Newer names first.
    row("ai.usage.inputTokens", &[Tokens(TokensIn)]),
    row("ai.usage.outputTokens", &[Tokens(TokensOut)]),
    row("ai.usage.totalTokens", &[Tokens(Total)]),
    row("ai.usage.promptTokens", &[Tokens(TokensIn)]),
    row("ai.usage.completionTokens", &[Tokens(TokensOut)]),
    row("ai.usage.tokens", &[Tokens(TokensIn)]),
    row("ai.usage.inputTokenDetails.cacheReadTokens", &[Tokens(InputDetail("cache_read"))]),
    row("ai.usage.inputTokenDetails.cacheWriteTokens", &[Tokens(InputDetail("cache_write"))]),
    row("ai.usage.cachedInputTokens", &[Tokens(InputDetail("cache_read"))]),
    row("ai.usage.outputTokenDetails.reasoningTokens", &[Tokens(OutputDetail("reasoning"))]),
    row("ai.usage.outputTokenDetails.textTokens", &[Tokens(OutputDetail("text"))]),
    row("ai.usage.reasoningTokens", &[Tokens(OutputDetail("reasoning"))]),
    // The answer, beside its content.
    row("ai.response.finishReason", &[FinishReasons]),
    row("ai.response.id", &[Metadata("response_id")]),
    row("ai.response.msToFirstChunk", &[FirstTokenMillis]),
    row("ai.stream.msToFirstChunk", &[FirstTokenMillis]),
    row(
        "ai.response.providerMetadata",
        &[Metadata("provider_metadata"), Special("usage.input_details", cache_writes)],
    ),
    // Labels.
    row("ai.telemetry.functionId", &[Metadata("function_id")]),
    row("ai.telemetry.metadata.ls_run_name", &[Name(2)]),
    row("ai.telemetry.metadata.sessionId", &[Thread]),
    row("ai.telemetry.metadata.session_id", &[Thread]),
    row("ai.telemetry.metadata.thread_id", &[Thread]),
    row("ai.telemetry.metadata.threadId", &[Thread]),
    row("ai.telemetry.metadata.userId", &[User]),
    row("ai.telemetry.metadata.user_id", &[User]),
    row("ai.telemetry.metadata.tags", &[Tags]),
    under("ai.telemetry.metadata.", &[MetadataKeys(&["tags"])]),
    row("ai.settings.context.sessionId", &[Thread]),
    row("ai.settings.context.userId", &[User]),
    under("ai.settings.context.", &[MetadataKeys(&[])]),
];

/// Anthropic's cache writes by how long they live, which the SDK's own usage adds up.
fn cache_writes(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let json = attributes.items[idx].json();
    let usage = json.get("anthropic").and_then(|anthropic| anthropic.get("usage"));
    let Some(kinds) = usage.and_then(|usage| usage.get("cache_creation")) else { return false };
    draft.offer_usage(&Json::Object(vec![(Text::Clean("cache_creation"), kinds.clone())]))
}

/// `{"system", "prompt" | "messages", …}`: a conversation also where the run is no model call itself.
fn prompt(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let json = attributes.items[idx].json();
    let speaks = json.get("prompt").is_some_and(|prompt| prompt.as_text().is_some());
    if !speaks {
        return draft.offer_conversation(Input, &json);
    }
    let mut messages = Vec::new();
    for (name, role) in [("system", "system"), ("prompt", "user")] {
        if let Some(text) = json.get(name).filter(|text| text.as_text().is_some()) {
            messages.push(message(role, [("content", text.clone())]));
        }
    }
    draft.offer_messages(Input, &Json::Array(messages))
}

fn message<'a>(role: &'static str, members: impl IntoIterator<Item = (&'static str, Json<'a>)>) -> Json<'a> {
    let role = (Text::Clean("role"), Json::String(Text::Clean(role)));
    let members = members.into_iter().map(|(name, value)| (Text::Clean(name), value));
    Json::Object(std::iter::once(role).chain(members).collect())
}

/// The answer is split over three attributes; together they are one message.
fn response(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    const PARTS: &[(&str, &str)] = &[
        ("ai.response.reasoning", "reasoning"),
        ("ai.response.text", "content"),
        ("ai.response.toolCalls", "tool_calls"),
    ];
    let parts: Vec<_> =
        PARTS.iter().filter_map(|(key, name)| attributes.find(key).map(|idx| (idx, *name))).collect();
    let members = parts.iter().map(|(idx, name)| {
        let item = &attributes.items[*idx];
        (*name, if *name == "tool_calls" { item.json() } else { item.raw() })
    });
    let answer = message("assistant", members);
    let used = draft.offer_messages(Output, &Json::Array(vec![answer]));
    if used {
        parts.iter().for_each(|(idx, _)| attributes.mark_used(*idx));
    }
    // Each of the three comes here; the first one took them all.
    used || attributes.items[idx].used
}

/// A structured answer is what the model said, in the text of its JSON.
fn object(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let item = &attributes.items[idx];
    if !draft.is_model_call() {
        return draft.offer_payload(Output, &item.json());
    }
    let answer = message("assistant", [("content", item.raw())]);
    draft.offer_messages(Output, &Json::Array(vec![answer]))
}

/// A list whose entries are JSON in text.
fn entries<'a>(sources: &'a [Cow<'a, str>]) -> Json<'a> {
    Json::Array(sources.iter().map(|source| parse(source).unwrap_or(Json::text(source))).collect())
}

fn texts_of<'a>(attributes: &'a Attributes<'_>, idx: usize) -> Vec<Cow<'a, str>> {
    let json = attributes.items[idx].raw();
    json.items().unwrap_or_default().iter().filter_map(Json::as_text).map(Text::decode).collect()
}

fn tools(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let sources = texts_of(attributes, idx);
    let json = if sources.is_empty() { attributes.items[idx].json() } else { entries(&sources) };
    draft.param("tools", &json)
}

fn values(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    draft.offer_member(Input, "texts", &entries(&texts_of(attributes, idx)))
}

fn embeddings(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    draft.offer_member(Output, "embeddings", &entries(&texts_of(attributes, idx)))
}
