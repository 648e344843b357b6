//! Langfuse SDKs 3 to 5.

use clearspan_model::Side::{Input, Output};

use super::values::langfuse_type;
use crate::engine::To::{
    Costs, Environment, Failed, FirstTokenAt, Metadata, MetadataKeys, Model, Params, Payload, Release, RootName, RunType, Special, Tags, Usage,
};
use crate::engine::{Attributes, Draft, Row, row, under};

pub(super) const ROWS: &[Row] = &[
    row("langfuse.observation.type", &[RunType(3, langfuse_type)]),
    row("langfuse.trace.name", &[RootName(2), Metadata("trace_name")]),
    row("langfuse.observation.input", &[Payload(Input)]),
    row("langfuse.observation.output", &[Payload(Output)]),
    row("langfuse.trace.input", &[Payload(Input)]),
    row("langfuse.trace.output", &[Payload(Output)]),
    row("langfuse.observation.model.name", &[Model]),
    row("langfuse.observation.model.parameters", &[Params]),
    row("langfuse.observation.usage_details", &[Usage]),
    row("langfuse.observation.cost_details", &[Costs]),
    row("langfuse.observation.completion_start_time", &[FirstTokenAt]),
    row("langfuse.observation.level", &[Failed, Metadata("level")]),
    row("langfuse.observation.status_message", &[Special(status_message)]),
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

/// The message is an error's only when the level says so.
fn status_message(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let item = &attributes.items[idx];
    if draft.failed { draft.offer_error(item.label()) } else { draft.metadata_member("status_message", &item.raw()) }
}
