//! OpenInference (Arize Phoenix) and its `llm.*` names.

use clearspan_model::RunType as Type;
use clearspan_model::Side::{Input, Output};

use super::values::openinference_kind;
use crate::engine::Count::{Input as TokensIn, InputDetail, Output as TokensOut, OutputDetail, Total};
use crate::engine::To::{
    Cost, FinishReasons, FlatMessagesOr, Implies, Member, Messages, Metadata, MetadataObject, MimeType,
    Model, Param, ParamTree, Params, Payload, Provider, RunType, Special, Tags, Thread, Tokens, ToolName,
    Tree, User,
};
use crate::engine::{Attributes, Draft, Money, Row, row, under};
use crate::json::Json;

pub(super) const ROWS: &[Row] = &[
    row("openinference.span.kind", &[RunType(2, openinference_kind)]),
    row("llm.provider", &[Provider]),
    row("llm.system", &[Provider]),
    row("llm.response.model_name", &[Model]),
    row("llm.model_name", &[Model, Implies(30, Type::Llm)]),
    row("llm.request.model_name", &[Param("model"), Model]),
    row("embedding.model_name", &[Model, Implies(22, Type::Embedding)]),
    row("reranker.model_name", &[Model]),
    row("tool.name", &[ToolName(4)]),
    row("tool.id", &[Metadata("tool_id")]),
    // Content, the parts before the whole.
    under("llm.input_messages.", &[FlatMessagesOr(Input, "input.value")]),
    under("llm.output_messages.", &[FlatMessagesOr(Output, "output.value")]),
    // smolagents and google-genai put calls where the message itself should be.
    under("message.", &[FlatMessagesOr(Output, "output.value")]),
    row("llm.input_messages", &[Messages(Input)]),
    row("llm.output_messages", &[Messages(Output)]),
    under("retrieval.documents.", &[Tree(Output, "documents"), Implies(21, Type::Retriever)]),
    under("reranker.input_documents.", &[Tree(Input, "documents"), Implies(21, Type::Retriever)]),
    under("reranker.output_documents.", &[Tree(Output, "documents"), Implies(21, Type::Retriever)]),
    row("reranker.query", &[Member(Input, "query")]),
    under("embedding.embeddings.", &[Implies(22, Type::Embedding), Tree(Output, "embeddings")]),
    row("embedding.text", &[Member(Input, "text")]),
    row("embedding.vector", &[Member(Output, "vector")]),
    row("input.mime_type", &[MimeType(Input)]),
    row("output.mime_type", &[MimeType(Output)]),
    row("input.value", &[Payload(Input)]),
    row("output.value", &[Payload(Output)]),
    // Parameters.
    row("llm.invocation_parameters", &[Params, Special("inputs.messages (system)", system)]),
    row("embedding.invocation_parameters", &[Params]),
    row("reranker.top_k", &[Param("top_k")]),
    row("llm.presence_penalty", &[Param("presence_penalty")]),
    row("llm.frequency_penalty", &[Param("frequency_penalty")]),
    row("llm.request.functions", &[Param("functions")]),
    under("llm.request.functions.", &[ParamTree("functions")]),
    under("llm.tools.", &[ParamTree("tools")]),
    row("tools", &[Param("tools")]),
    row("tool_arguments", &[Special("inputs, invocation_params.tool_arguments", tool_arguments)]),
    row("tool.parameters", &[Special("inputs, invocation_params.tool_arguments", tool_arguments)]),
    row(
        "llm.prompt_template.variables",
        &[Implies(45, Type::Prompt), Special("inputs, metadata.prompt_variables", template_variables)],
    ),
    row("llm.prompt_template.template", &[Metadata("prompt_template")]),
    row("llm.prompt_template.version", &[Metadata("prompt_version")]),
    row("prompt.id", &[Metadata("prompt_id")]),
    // Tokens and cost.
    row("llm.token_count.prompt", &[Tokens(TokensIn), Implies(31, Type::Llm)]),
    row("llm.token_count.completion", &[Tokens(TokensOut)]),
    row("llm.token_count.total", &[Tokens(Total)]),
    row("llm.token_count.prompt_details.cache_read", &[Tokens(InputDetail("cache_read"))]),
    row("llm.token_count.prompt_details.cache_input", &[Tokens(InputDetail("cache_read"))]),
    row("llm.token_count.prompt_details.cache_write", &[Tokens(InputDetail("cache_write"))]),
    row("llm.token_count.prompt_details.audio", &[Tokens(InputDetail("audio"))]),
    row("llm.token_count.completion_details.reasoning", &[Tokens(OutputDetail("reasoning"))]),
    row("llm.token_count.completion_details.audio", &[Tokens(OutputDetail("audio"))]),
    row("llm.cost.total", &[Cost(Money::Total)]),
    row("llm.cost.prompt", &[Cost(Money::Input)]),
    row("llm.cost.completion", &[Cost(Money::Output)]),
    row("llm.finish_reason", &[FinishReasons]),
    // Labels.
    row("metadata", &[MetadataObject]),
    row("tag.tags", &[Tags]),
    row("session.id", &[Thread]),
    row("user.id", &[User]),
    row("agent.name", &[Metadata("agent_name")]),
];

/// The instrumentation of Anthropic's client in JavaScript tells the system prompt among the parameters only.
fn system(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let parameters = attributes.items[idx].json();
    parameters.get("system").is_some_and(|system| draft.offer_instructions(system))
}

/// Arguments of a tool: JSON, or `key=value` pairs. They are its inputs too when nothing else tells them.
fn tool_arguments(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let json = attributes.items[idx].json();
    let pairs;
    let json = match &json {
        Json::String(text) => {
            pairs = text.decode().into_owned();
            read_pairs(&pairs).unwrap_or(json)
        }
        _ => json,
    };
    // OpenInference also puts a tool's schema under `tool.parameters`.
    let is_schema = json.get("properties").is_some() && json.get("type").is_some();
    let is_tool = draft.run.run_type == Some(Type::Tool);
    if is_schema {
        return draft.param("tool_schema", &json);
    }
    let named = draft.param("tool_arguments", &json);
    if is_tool { draft.offer_payload(Input, &json) || named } else { named }
}

/// `city=Paris, unit=celsius`.
fn read_pairs(text: &str) -> Option<Json<'_>> {
    let pairs = text.split(',').map(|pair| pair.trim().split_once('='));
    let members = pairs.map(|pair| {
        let (name, value) = pair?;
        Some((crate::json::Text::Plain(name.trim()), Json::text(value.trim())))
    });
    members.collect::<Option<Vec<_>>>().map(Json::Object)
}

/// The variables of a prompt template make a prompt run of a span that has no kind of its own; for every
/// other they are metadata.
fn template_variables(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let json = attributes.items[idx].json();
    if draft.run.run_type == Some(Type::Prompt) && draft.offer_payload(Input, &json) {
        return true;
    }
    draft.metadata_member("prompt_variables", &json)
}
