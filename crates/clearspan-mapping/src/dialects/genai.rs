//! The OpenTelemetry GenAI conventions as they are now, and the names that instrumentations add to them.

use clearspan_model::RunType as Type;
use clearspan_model::Side::{Input, Output};

use super::values::genai_operation;
use crate::engine::Count::{Input as TokensIn, InputDetail, Output as TokensOut, OutputDetail, Total};
use crate::engine::To::{
    Cost, CostUnlessZero, FinishReasons, FirstTokenSeconds, FlatMessages, Implies, Instructions, Member,
    Messages, Metadata, Model, Param, Payload, Provider, RunType, Special, Thread, Tokens, ToolName, User,
};
use crate::engine::{Attributes, Draft, Money, Row, literal_to_json, row, under};
use crate::json::{Json, Text, parse};

pub(super) const ROWS: &[Row] = &[
    row("gen_ai.operation.name", &[RunType(4, genai_operation)]),
    row("gen_ai.provider.name", &[Provider]),
    row("gen_ai.system", &[Provider]),
    row("gen_ai.response.model", &[Model]),
    row("gen_ai.request.model", &[Param("model"), Model, Implies(30, Type::Llm)]),
    // Content.
    row("gen_ai.system_instructions", &[Instructions]),
    row("gen_ai.input.messages", &[Messages(Input)]),
    row("gen_ai.output.messages", &[Messages(Output)]),
    row("gen_ai.response.tool_calls", &[Special("outputs.messages", response_tool_calls)]),
    under("gen_ai.input.messages.", &[FlatMessages(Input)]),
    under("gen_ai.output.messages.", &[FlatMessages(Output)]),
    under("gen_ai.prompt.", &[FlatMessages(Input), Implies(32, Type::Llm)]),
    under("gen_ai.completion.", &[FlatMessages(Output), Implies(32, Type::Llm)]),
    row("gen_ai.prompt", &[Payload(Input)]),
    row("gen_ai.completion", &[Payload(Output)]),
    row("gen_ai.request.embedding_inputs", &[Member(Input, "texts")]),
    // Tools.
    row("gen_ai.tool.name", &[Param("tool_name"), ToolName(6), Implies(20, Type::Tool)]),
    row("gen_ai.tool.call.arguments", &[Payload(Input)]),
    row("gen_ai.tool.call.result", &[Payload(Output)]),
    row("gen_ai.tool.args", &[Payload(Input)]),
    row("anthropic.tool_result.content", &[Payload(Output)]),
    row("gen_ai.tool.call.id", &[Metadata("tool_call_id")]),
    row("gen_ai.tool.definitions", &[Param("tools")]),
    row("gen_ai.request.tools", &[Special("invocation_params.tools", request_tools)]),
    // Retrieval.
    row("gen_ai.retrieval.query.text", &[Member(Input, "query"), Implies(21, Type::Retriever)]),
    row("gen_ai.retrieval.documents", &[Member(Output, "documents"), Implies(21, Type::Retriever)]),
    row("gen_ai.retrieval.top_k", &[Param("top_k")]),
    // Parameters.
    row("gen_ai.request.temperature", &[Param("temperature")]),
    row("gen_ai.request.top_p", &[Param("top_p")]),
    row("gen_ai.request.top_k", &[Param("top_k")]),
    row("gen_ai.request.max_tokens", &[Param("max_tokens")]),
    row("gen_ai.request.frequency_penalty", &[Param("frequency_penalty")]),
    row("gen_ai.request.presence_penalty", &[Param("presence_penalty")]),
    row("gen_ai.request.seed", &[Param("seed")]),
    row("gen_ai.request.encoding_formats", &[Param("encoding_formats")]),
    row("gen_ai.request.stop_sequences", &[Param("stop")]),
    row("gen_ai.request.choice.count", &[Param("n")]),
    row("gen_ai.request.stream", &[Param("stream")]),
    row("gen_ai.request.streaming", &[Param("stream")]),
    row("gen_ai.request.is_stream", &[Param("stream")]),
    row("gen_ai.is_streaming", &[Param("stream")]),
    row("gen_ai.request.reasoning_effort", &[Param("reasoning_effort")]),
    row("gen_ai.request.reasoning.level", &[Param("reasoning_effort")]),
    row("gen_ai.request.base_url", &[Param("base_url")]),
    row("gen_ai.request.service_tier", &[Param("service_tier")]),
    row("openai.request.service_tier", &[Param("service_tier")]),
    row("gen_ai.request.structured_output_schema", &[Param("response_format")]),
    row("gen_ai.output.type", &[Param("output_type")]),
    row("gen_ai.embeddings.dimension.count", &[Param("dimensions")]),
    // Tokens.
    row("gen_ai.usage.input_tokens", &[Tokens(TokensIn), Implies(31, Type::Llm)]),
    row("gen_ai.usage.output_tokens", &[Tokens(TokensOut), Implies(31, Type::Llm)]),
    row("gen_ai.usage.total_tokens", &[Tokens(Total)]),
    row("gen_ai.usage.cache_read.input_tokens", &[Tokens(InputDetail("cache_read"))]),
    row("gen_ai.usage.cache_write.input_tokens", &[Tokens(InputDetail("cache_write"))]),
    row("gen_ai.usage.cache_creation.input_tokens", &[Tokens(InputDetail("cache_write"))]),
    row("anthropic.usage.cache_creation.ephemeral_5m_input_tokens", &[Tokens(InputDetail("cache_write_5m"))]),
    row("anthropic.usage.cache_creation.ephemeral_1h_input_tokens", &[Tokens(InputDetail("cache_write_1h"))]),
    row("gen_ai.usage.reasoning.output_tokens", &[Tokens(OutputDetail("reasoning"))]),
    row("gen_ai.usage.audio.input_tokens", &[Tokens(InputDetail("audio"))]),
    row("gen_ai.usage.audio.output_tokens", &[Tokens(OutputDetail("audio"))]),
    row("gen_ai.usage.image.input_tokens", &[Tokens(InputDetail("image"))]),
    row("gen_ai.usage.image.output_tokens", &[Tokens(OutputDetail("image"))]),
    row("gen_ai.usage.video.input_tokens", &[Tokens(InputDetail("video"))]),
    row("gen_ai.usage.text.input_tokens", &[Tokens(InputDetail("text"))]),
    row("gen_ai.usage.text.output_tokens", &[Tokens(OutputDetail("text"))]),
    // Cost.
    // OpenLIT writes zero for models without a price.
    row("gen_ai.usage.cost", &[CostUnlessZero(Money::Total)]),
    row("gen_ai.cost.total_cost", &[Cost(Money::Total)]),
    row("gen_ai.cost.input_cost", &[Cost(Money::Input)]),
    row("gen_ai.cost.output_cost", &[Cost(Money::Output)]),
    row("gen_ai.cost.cache_read_cost", &[Cost(Money::Detail("input.cache_read"))]),
    row("gen_ai.cost.reasoning_cost", &[Cost(Money::Detail("output.reasoning"))]),
    // The answer, beside its content.
    row("gen_ai.response.finish_reasons", &[FinishReasons]),
    row("gen_ai.response.finish_reason", &[FinishReasons]),
    row("anthropic.message.stop_reason", &[FinishReasons]),
    row("gen_ai.response.id", &[Metadata("response_id")]),
    row("anthropic.request.id", &[Metadata("request_id")]),
    row("gen_ai.response.time_to_first_chunk", &[FirstTokenSeconds]),
    row("gen_ai.client.operation.time_to_first_chunk", &[FirstTokenSeconds]),
    row("gen_ai.server.time_to_first_token", &[FirstTokenSeconds]),
    // Who and where.
    row("gen_ai.conversation.id", &[Thread]),
    row("gen_ai.user", &[User]),
    row("gen_ai.request.user", &[User]),
    row("gen_ai.agent.name", &[Metadata("agent_name")]),
    row("gen_ai.agent.id", &[Metadata("agent_id")]),
    row("gen_ai.workflow.name", &[Metadata("workflow_name")]),
    row("gen_ai.prompt.name", &[Metadata("prompt_name")]),
];

/// Langtrace puts the list of tools as text into a list.
fn request_tools(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let json = attributes.items[idx].json();
    let inner = match json.items() {
        Some([Json::String(text)]) => text.decode().into_owned(),
        _ => return draft.param("tools", &json),
    };
    draft.param(
        "tools",
        &parse(&inner).ok().filter(|inner| inner.items().is_some()).unwrap_or_else(|| json.clone()),
    )
}

/// OpenLIT's old form prints the calls of an answer as Python does.
fn response_tool_calls(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let item = &attributes.items[idx];
    let literal = item.text().and_then(literal_to_json);
    let calls = literal.as_ref().map_or_else(|| item.json(), |text| parse(text).unwrap_or_default());
    if calls.items().is_none_or(<[_]>::is_empty) {
        return false;
    }
    let members = vec![(Text::Clean("role"), Json::text("assistant")), (Text::Clean("tool_calls"), calls)];
    draft.offer_messages(Output, &Json::Array(vec![Json::Object(members)]))
}
