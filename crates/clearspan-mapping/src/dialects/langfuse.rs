//! Langfuse SDKs 3 to 5.

use clearspan_model::Side::{Input, Output};

use super::values::langfuse_type;
use crate::engine::To::{
    Costs, Environment, Failed, FirstTokenAt, Metadata, MetadataKeys, Model, Params, Payload, Release,
    RootName, RunType, Special, Tags, Usage,
};
use crate::engine::{Attributes, Draft, Row, row, under};
use crate::json::Json;

pub(super) const ROWS: &[Row] = &[
    row("langfuse.observation.type", &[RunType(3, langfuse_type)]),
    row("langfuse.trace.name", &[RootName(2), Metadata("trace_name")]),
    row("langfuse.observation.input", &[Special("inputs", observation_input)]),
    row("langfuse.observation.output", &[Payload(Output)]),
    row("langfuse.trace.input", &[Payload(Input)]),
    row("langfuse.trace.output", &[Payload(Output)]),
    row("langfuse.observation.model.name", &[Model]),
    row("langfuse.observation.model.parameters", &[Params]),
    row("langfuse.observation.usage_details", &[Usage]),
    row("langfuse.observation.cost_details", &[Costs]),
    row("langfuse.observation.completion_start_time", &[FirstTokenAt]),
    row("langfuse.observation.level", &[Failed, Metadata("level")]),
    row("langfuse.observation.status_message", &[Special("error", status_message)]),
    row("langfuse.observation.prompt.name", &[Metadata("prompt_name")]),
    row("langfuse.observation.prompt.version", &[Metadata("prompt_version")]),
    row("langfuse.trace.tags", &[Tags]),
    row("langfuse.trace.public", &[Metadata("public")]),
    row("langfuse.release", &[Release]),
    row("langfuse.version", &[Metadata("version")]),
    row("langfuse.environment", &[Environment]),
    under("langfuse.observation.metadata.", &[MetadataKeys(&[])]),
    under("langfuse.trace.metadata.", &[MetadataKeys(&[])]),
];

/// The LangChain handler puts the definitions of the tools among the messages.
fn observation_input(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let json = attributes.items[idx].json();
    let is_definition = |item: &&Json<'_>| {
        let content = item.get("content").and_then(|content| content.get("type"));
        item.get("role").and_then(Json::as_simple) == Some("tool")
            && content.and_then(Json::as_simple) == Some("function")
    };
    let (tools, messages): (Vec<_>, Vec<_>) =
        json.items().unwrap_or_default().iter().partition(is_definition);
    if tools.is_empty() {
        return draft.offer_payload(Input, &json);
    }
    let tools = tools.into_iter().filter_map(|tool| tool.get("content").cloned()).collect();
    draft.param("tools", &Json::Array(tools));
    draft.offer_payload(Input, &Json::Array(messages.into_iter().cloned().collect()))
}

/// The message is an error's only when the level says so.
fn status_message(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let item = &attributes.items[idx];
    if draft.failed {
        draft.offer_error(item.label())
    } else {
        draft.metadata_member("status_message", &item.raw())
    }
}
