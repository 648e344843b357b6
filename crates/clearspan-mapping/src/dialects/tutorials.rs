//! Plain names that tutorials and vendor guides tell people to set.

use clearspan_model::RunType as Type;
use clearspan_model::Side::{Input, Output};

use super::values::request_type;
use crate::engine::Count::{Input as TokensIn, Output as TokensOut, Total};
use crate::engine::To::{
    Cost, Environment, Error, ErrorType, Failed, Implies, Metadata, Model, Param, Payload, PlainPayload,
    RunType, Special, Tags, Thread, Tokens, User,
};
use crate::engine::{Attributes, Draft, Money, Row, row};

pub(super) const ROWS: &[Row] = &[
    row("llm.prompt", &[Implies(27, Type::Llm), PlainPayload(Input)]),
    row("llm.response", &[Implies(27, Type::Llm), PlainPayload(Output)]),
    row("llm.completion", &[Implies(27, Type::Llm), PlainPayload(Output)]),
    row("llm.tokens.input", &[Tokens(TokensIn), Implies(31, Type::Llm)]),
    row("llm.tokens.output", &[Tokens(TokensOut), Implies(31, Type::Llm)]),
    row("llm.tokens.total", &[Tokens(Total)]),
    row("llm.model", &[Model, Param("model"), Implies(30, Type::Llm)]),
    row("llm.temperature", &[Param("temperature")]),
    row("llm.top_p", &[Param("top_p")]),
    row("llm.max_tokens", &[Param("max_tokens")]),
    row("llm.request_type", &[RunType(9, request_type)]),
    row("llm.latency_ms", &[Metadata("latency_ms")]),
    row("llm.total_latency_ms", &[Metadata("total_latency_ms")]),
    row("tool.input", &[Payload(Input), Implies(28, Type::Tool)]),
    row("tool.output", &[Payload(Output), Implies(28, Type::Tool)]),
    row("input", &[Payload(Input)]),
    row("output", &[Payload(Output)]),
    row("inputs", &[Special("inputs", inputs)]),
    row("outputs", &[Payload(Output)]),
    row("embeddings", &[Special("outputs.embeddings", embeddings)]),
    row("user_id", &[User]),
    row("user", &[User]),
    row("enduser.id", &[User]),
    row("customer.id", &[User, Metadata("customer.id")]),
    row("session_id", &[Thread]),
    row("thread_id", &[Thread]),
    row("thread.id", &[Special("thread_id", thread_id)]),
    row("conversation_id", &[Thread]),
    row("conversation.id", &[Thread]),
    row("app.feature", &[Metadata("feature")]),
    row("tags", &[Tags]),
    // OpenLIT says on spans what belongs to the resource.
    row("deployment.environment.name", &[Environment]),
    row("deployment.environment", &[Environment]),
    row("safety.score", &[Metadata("safety.score")]),
    row("safety.flagged", &[Metadata("safety.flagged")]),
    row("cost.usd", &[Cost(Money::Total)]),
    row("llm.cost", &[Cost(Money::Total)]),
    row("request.cost", &[Cost(Money::Total)]),
    row("tool.cost_usd", &[Cost(Money::Total)]),
    row("llm.cost.usd", &[Cost(Money::Total)]),
    row("retry.attempt", &[Metadata("retry_attempt")]),
    row("error.type", &[ErrorType]),
    row("error.message", &[Error]),
    row("error.stack_trace", &[Special("error", stack_trace)]),
    row("request.failed", &[Failed, Metadata("request.failed")]),
    row("request.successful", &[Special("status, metadata.request.successful", successful)]),
    // Content was withheld on purpose; what describes it is all there is.
    row("prompt.hash", &[Metadata("prompt.hash"), Special("metadata.content_withheld", withheld)]),
    row("prompt.length", &[Metadata("prompt.length"), Special("metadata.content_withheld", withheld)]),
    row("response.hash", &[Metadata("response.hash"), Special("metadata.content_withheld", withheld)]),
    row("response.length", &[Metadata("response.length"), Special("metadata.content_withheld", withheld)]),
];

/// OpenTelemetry's own `thread.id` is a number: the thread of the processor.
fn thread_id(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let text = attributes.items[idx].text().map(str::trim).filter(|text| !text.is_empty());
    let Some(text) = text else { return false };
    draft.note("thread_id");
    *draft.run.thread_id.get_or_insert_with(|| text.to_owned()) == text
}

/// pydantic-ai's embedder sends its texts here.
fn inputs(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let json = attributes.items[idx].json();
    if draft.run.run_type == Some(Type::Embedding) && json.items().is_some() {
        return draft.lacks(Input) && draft.offer_member(Input, "texts", &json);
    }
    draft.offer_payload(Input, &json)
}

/// What an embedder made of them. The word means other things elsewhere.
fn embeddings(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let is_embedding = draft.run.run_type == Some(Type::Embedding);
    is_embedding
        && draft.lacks(Output)
        && draft.offer_member(Output, "embeddings", &attributes.items[idx].json())
}

fn successful(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let flag = attributes.items[idx].raw();
    draft.failed |= flag.as_bool() == Some(false);
    draft.metadata_member("request.successful", &flag)
}

/// LiteLLM's and Mastra's stack trace follows the error's message. It stays raw too: an exception event may take the
/// place of both.
fn stack_trace(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    draft.offer_stack_trace(attributes.items[idx].label());
    false
}

/// The screen says that content was withheld where this is true.
fn withheld(draft: &mut Draft, _: &mut Attributes<'_>, _: usize) -> bool {
    draft.metadata_member("content_withheld", &crate::json::Json::Bool(true))
}
