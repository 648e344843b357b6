//! LangSmith: its documented attributes and what its exporters send.

use clearspan_model::Side;

use super::values::langsmith_kind;
use crate::engine::To::{
    DottedOrder, Metadata, MetadataKeys, Name, Param, Params, ParentRunId, ProjectId, ProjectName, Provider,
    RunId, RunType, Special, Tags, Thread, TraceId, Usage, UsageDetails, User,
};
use crate::engine::{Attributes, Draft, Row, row, under};

pub(super) const ROWS: &[Row] = &[
    row("langsmith.trace.name", &[Name(1)]),
    row("langsmith.span.kind", &[RunType(1, langsmith_kind)]),
    row("langsmith.trace.session_id", &[ProjectId]),
    row("langsmith.trace.session_name", &[ProjectName]),
    row("langsmith.span.tags", &[Tags]),
    row("langsmith.trace.id", &[TraceId]),
    row("langsmith.span.id", &[RunId]),
    row("langsmith.span.parent_id", &[ParentRunId]),
    row("langsmith.span.dotted_order", &[DottedOrder]),
    row("langsmith.usage_metadata", &[Usage]),
    row("langsmith.metadata.usage_metadata", &[Usage]),
    row("langsmith.reference_example_id", &[Metadata("reference_example_id")]),
    row("langsmith.attachments", &[Metadata("attachments")]),
    row("langsmith.metadata.session_id", &[Thread]),
    row("langsmith.metadata.thread_id", &[Thread]),
    row("langsmith.metadata.conversation_id", &[Thread]),
    row("langsmith.metadata.user_id", &[User]),
    row("langsmith.metadata.ls_provider", &[Provider]),
    row("langsmith.metadata.ls_invocation_params", &[Params]),
    under("langsmith.metadata.", &[MetadataKeys(&["usage_metadata", "ls_invocation_params"])]),
    // Printed by the Python exporter, for models whose outputs carry usage.
    row("gen_ai.usage.input_token_details", &[UsageDetails(Side::Input)]),
    row("gen_ai.usage.output_token_details", &[UsageDetails(Side::Output)]),
    row("langsmith.metadata.ls_temperature", &[Param("temperature")]),
    row("langsmith.metadata.ls_max_tokens", &[Param("max_tokens")]),
    row("langsmith.metadata.ls_stop", &[Param("stop")]),
    // The exporter sends a model's name only here for some integrations.
    row("langsmith.metadata.ls_model_name", &[Special("model", model_of_call)]),
];

/// `ls_model_name` is the model that was asked for: the last word on it.
fn model_of_call(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let told =
        ["gen_ai.response.model", "gen_ai.request.model"].iter().any(|key| attributes.find(key).is_some());
    if !told && draft.run.model.is_none() {
        draft.run.model = attributes.items[idx].label();
        draft.note("model");
    }
    false
}
