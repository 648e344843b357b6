//! Langfuse SDKs 3 to 5.

use clearspan_model::Side::{Input, Output};

use super::values::langfuse_type;
use crate::engine::To::{
    Costs, Environment, Failed, FirstTokenAt, Metadata, MetadataKeys, MetadataObject, Model, Params, Payload,
    Release, RootName, RunType, Special, Tags,
};
use crate::engine::{Attributes, Draft, Row, read_count, row, under};
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
    row("langfuse.observation.usage_details", &[Special("usage, cost", usage_details)]),
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
    row("langfuse.observation.metadata", &[MetadataObject]),
    row("langfuse.trace.metadata", &[MetadataObject]),
    under("langfuse.observation.metadata.", &[MetadataKeys(&[])]),
    under("langfuse.trace.metadata.", &[MetadataKeys(&[])]),
];

/// Counts of Langfuse exclude each other: tokens that are told as `input_cached_tokens` are not among those of `input`. Its
/// SDKs subtract them from what a provider reports.
fn usage_details(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let json = attributes.items[idx].json();
    draft.offer_usage(&with_parts_included(&json).unwrap_or(json))
}

/// The same counts with the parts among what they are parts of; none where they are already.
fn with_parts_included<'a>(json: &Json<'a>) -> Option<Json<'a>> {
    let members = json.members()?;
    let of = |wanted: &str| {
        let mut counts = members.iter().filter(|(name, _)| name.simple() == wanted);
        counts.next().and_then(|(_, value)| read_count(value).ok())
    };
    let parts_of = |side: &str| {
        let parts = members.iter().filter(|(name, _)| {
            let part = name.simple().strip_prefix(side).and_then(|rest| rest.strip_prefix('_'));
            part.is_some_and(|part| part != "tokens")
        });
        parts.filter_map(|(_, value)| read_count(value).ok()).fold(0, u64::saturating_add)
    };
    let [input, output] = ["input", "output"].map(|side| of(side).map(|count| (count, parts_of(side))));
    let sum = |with_parts: bool| {
        let of_side = |(count, parts): (u64, u64)| count.saturating_add(if with_parts { parts } else { 0 });
        input.map_or(0, of_side).saturating_add(output.map_or(0, of_side))
    };
    // Whoever counts as providers do tells it by the total.
    if sum(true) == sum(false) || of("total").is_some_and(|total| total == sum(false) || total < sum(true)) {
        return None;
    }
    let whole = |name: &str, value: &Json<'a>| match (name, input, output) {
        ("input", Some((count, parts)), _) | ("output", _, Some((count, parts))) => {
            i64::try_from(count.saturating_add(parts)).map_or_else(|_| value.clone(), Json::Int)
        }
        _ => value.clone(),
    };
    Some(Json::Object(members.iter().map(|(name, value)| (*name, whole(name.simple(), value))).collect()))
}

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
