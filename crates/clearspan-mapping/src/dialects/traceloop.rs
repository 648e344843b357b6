//! OpenLLMetry (Traceloop).

use clearspan_model::Side::{Input, Output};

use super::values::{request_type, traceloop_kind};
use crate::engine::Count::Total;
use crate::engine::To::{
    Metadata, MetadataGroup, MetadataKeys, Name, Param, Payload, RunType, Thread, Tokens, User,
};
use crate::engine::{Row, row, under};

pub(super) const ROWS: &[Row] = &[
    row("traceloop.span.kind", &[RunType(6, traceloop_kind)]),
    row("traceloop.llm.request.type", &[RunType(8, request_type)]),
    row("llm.request.type", &[RunType(8, request_type)]),
    row("gen_ai.request.type", &[RunType(8, request_type)]),
    row("traceloop.entity.name", &[Name(3)]),
    row("traceloop.entity.input", &[Payload(Input)]),
    row("traceloop.entity.output", &[Payload(Output)]),
    row("traceloop.workflow.name", &[Metadata("workflow_name")]),
    row("traceloop.entity.path", &[Metadata("entity_path")]),
    row("traceloop.entity.version", &[Metadata("entity_version")]),
    row("traceloop.association.properties.session_id", &[Thread]),
    row("traceloop.association.properties.sessionId", &[Thread]),
    row("traceloop.association.properties.thread_id", &[Thread]),
    row("traceloop.association.properties.threadId", &[Thread]),
    row("traceloop.association.properties.chat_id", &[Thread]),
    row("traceloop.association.properties.conversation_id", &[Thread]),
    row("traceloop.association.properties.user_id", &[User]),
    row("traceloop.association.properties.userId", &[User]),
    under("traceloop.association.properties.", &[MetadataKeys(&[])]),
    row("traceloop.prompt.key", &[Metadata("prompt_name")]),
    row("traceloop.prompt.version", &[Metadata("prompt_version")]),
    row("traceloop.prompt.version_name", &[Metadata("prompt_version_name")]),
    row("traceloop.prompt.template", &[Metadata("prompt_template")]),
    under("traceloop.prompt.template_variables.", &[MetadataGroup("prompt_variables")]),
    row("llm.usage.total_tokens", &[Tokens(Total)]),
    row("llm.is_streaming", &[Param("stream")]),
    row("llm.user", &[User]),
    row("llm.top_k", &[Param("top_k")]),
    row("llm.chat.stop_sequences", &[Param("stop")]),
    row("gen_ai.task.input", &[Payload(Input)]),
    row("gen_ai.task.output", &[Payload(Output)]),
];
