//! LlamaIndex's own instrumentation: everything is in events of the span, named by their class.

use clearspan_model::RunType as Type;
use clearspan_model::Side::{Input, Output};

use crate::engine::Count::{Input as TokensIn, InputDetail, Output as TokensOut, OutputDetail, Total};
use crate::engine::To::{
    Member, Messages, Metadata, Model, Param, Payload, RequestModel, RunType, Tokens, Tree,
};
use crate::engine::{Row, row, under};

/// Rows for the attributes of events. Their keys are too plain to read them on spans.
pub(super) const EVENT_ROWS: &[Row] = &[
    row("class_name", &[RunType(10, event_class)]),
    row("messages", &[Messages(Input)]),
    under("template_args.", &[Tree(Input, "variables")]),
    row("template.template", &[Metadata("prompt_template")]),
    row("template.default_template.template", &[Metadata("prompt_template")]),
    row("prompt", &[Payload(Input)]),
    row("response.raw.choices", &[Messages(Output)]),
    row("response.text", &[Payload(Output)]),
    row("output", &[Payload(Output)]),
    row("response.raw.model", &[Model]),
    row("response.raw.id", &[Metadata("response_id")]),
    row("model_dict.model_name", &[Param("model"), RequestModel]),
    row("model_dict.model", &[Param("model"), RequestModel]),
    row("model_dict.temperature", &[Param("temperature")]),
    row("model_dict.max_tokens", &[Param("max_tokens")]),
    row("response.raw.usage.prompt_tokens", &[Tokens(TokensIn)]),
    row("response.raw.usage.completion_tokens", &[Tokens(TokensOut)]),
    row("response.raw.usage.total_tokens", &[Tokens(Total)]),
    row("response.raw.usage.prompt_tokens_details.cached_tokens", &[Tokens(InputDetail("cache_read"))]),
    row(
        "response.raw.usage.completion_tokens_details.reasoning_tokens",
        &[Tokens(OutputDetail("reasoning"))],
    ),
    row("response.additional_kwargs.prompt_tokens", &[Tokens(TokensIn)]),
    row("response.additional_kwargs.completion_tokens", &[Tokens(TokensOut)]),
    row("response.additional_kwargs.total_tokens", &[Tokens(Total)]),
    row("chunks", &[Member(Input, "texts")]),
    row("embeddings", &[Member(Output, "embeddings")]),
    row("str_or_query_bundle.query_str", &[Member(Input, "query")]),
    row("str_or_query_bundle", &[Member(Input, "query")]),
    row("nodes", &[Member(Output, "documents")]),
];

fn event_class(word: &str) -> Option<Type> {
    Some(match word {
        "llmchatstartevent" | "llmchatendevent" | "llmcompletionstartevent" | "llmcompletionendevent" => {
            Type::Llm
        }
        "embeddingstartevent" | "embeddingendevent" => Type::Embedding,
        "retrievalstartevent" | "retrievalendevent" | "rerankstartevent" | "rerankendevent" => {
            Type::Retriever
        }
        _ if word.ends_with("event") => Type::Chain,
        _ => return None,
    })
}
