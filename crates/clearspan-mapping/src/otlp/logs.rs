//! Log records: to patches of runs, and to records that are kept as such.
//!
//! A record that names a span belongs to that span's run, whenever it arrives. Message events become
//! fragments, the conventions' content event fills the run like a span's attributes, and an exception is the
//! run's error. All of it is weaker than what the span itself says (`Rank::Log`).
//! Every record whose content did not go into a run is kept as a log record, with or without a span; those with
//! one are events of their run too, so that a run tells its whole story by itself.

use clearspan_model::{
    Fragment, JsonText, LogRecord as StoredRecord, ProjectId, Rank, RunEvent, Side, SpanId, TraceId,
    UnixNanos, WorkspaceId,
};
use indexmap::IndexMap;
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::events::{OPERATION_DETAILS, map_exception, read_event_messages};
use super::ids::{parse_span_id, parse_trace_id};
use super::span::{Origin, new_run, project_of};
use super::value::{any_to_json, attribute_texts, value_text};
use super::view::{ScopeView, pairs};
use super::{ExportLogsServiceRequest, MapContext, Mapped, MappedLog, MappedRun, ProjectRef};
use crate::dialects::TABLE;
use crate::engine::{Attributes, Draft, messages_name};
use crate::json::{Json, parse};
use crate::messages::event_role;

/// Names of records that tell why the call of their span failed.
pub(crate) const EXCEPTIONS: &[&str] = &["exception", "gen_ai.client.operation.exception"];

/// The part of a run that log records tell, and the project that they name, else their resource.
struct Patch {
    draft: Draft,
    of_records: Option<ProjectRef>,
    of_resource: Option<ProjectRef>,
}

type Patches = IndexMap<(TraceId, SpanId), Patch>;

/// Maps every log record.
pub fn map_logs(request: ExportLogsServiceRequest, ctx: &MapContext<'_>) -> Mapped {
    let mut mapped = Mapped::default();
    let mut patches = Patches::new();
    for resource_logs in request.resource_logs {
        let resource = resource_logs.resource.unwrap_or_default();
        let origin = Origin::of_resource(pairs(&resource.attributes), Vec::new());
        for scope_logs in resource_logs.scope_logs {
            let scope = scope_logs.scope.unwrap_or_default();
            let origin = origin.with_scope(ScopeView::of(&scope), Vec::new());
            for record in scope_logs.log_records {
                let ids = (parse_trace_id(&record.trace_id).ok(), parse_span_id(&record.span_id).ok());
                let name = event_name(&record);
                let rest = match ids {
                    (Some(trace_id), Some(span_id)) => {
                        let patch = patches
                            .entry((trace_id, span_id))
                            .or_insert_with_key(|ids| new_patch(*ids, &origin, ctx));
                        patch.of_records = patch.of_records.take().or_else(|| project_of_record(&record));
                        complete(&mut patch.draft, name.as_deref(), record, ctx)
                    }
                    _ => Some(record),
                };
                if let Some(record) = rest {
                    mapped.logs.push(keep(name, record, ids, &origin, ctx));
                }
            }
        }
    }
    mapped.runs = patches
        .into_values()
        .map(|Patch { draft, of_records, of_resource }| {
            let (project, run) = draft.finish();
            MappedRun { project: project.or(of_records).or(of_resource), run }
        })
        .collect();
    mapped
}

fn new_patch(ids: (TraceId, SpanId), origin: &Origin, ctx: &MapContext<'_>) -> Patch {
    let mut run = new_run(ids, Rank::Log, ctx);
    origin.describe(&mut run);
    // The scope of a logger is not that of the instrumentation that made the span.
    run.scope_name = None;
    run.scope_version = None;
    Patch { draft: Draft::new(run), of_records: None, of_resource: origin.project.clone() }
}

/// A record names its project as a span does.
fn project_of_record(record: &LogRecord) -> Option<ProjectRef> {
    project_of(|key| attribute(record, key).as_text().map(|text| text.decode().into_owned()))
}

/// Puts what a record tells into its run. Gives the record back when it was not content of the run.
fn complete(
    draft: &mut Draft,
    name: Option<&str>,
    record: LogRecord,
    ctx: &MapContext<'_>,
) -> Option<LogRecord> {
    let time = time_of(&record, ctx);
    if name == Some(OPERATION_DETAILS) {
        let attributes = pairs(&record.attributes);
        let mut attributes = Attributes::new(attributes, &TABLE, ctx.rules, &mut draft.run.issues);
        draft.set_origin("log:");
        draft.apply_rows(&mut attributes, |_| {});
        let rest = attributes.into_rest();
        if !rest.is_empty() {
            let name = OPERATION_DETAILS.to_owned();
            draft.run.events.push(RunEvent { time, name, attributes: rest });
        }
        return None;
    }
    if let Some(fragments) =
        name.and_then(|name| read_fragments(name, &record, time, draft.run.fragments.len()))
    {
        draft.set_source(format!("log:{}", name.unwrap_or_default()));
        draft.note(messages_name(fragments[0].side));
        draft.run.fragments.extend(fragments);
        return None;
    }
    if name.is_some_and(|name| EXCEPTIONS.contains(&name)) {
        draft.set_source(format!("log:{}", name.unwrap_or_default()));
        map_exception(draft, &pairs(&record.attributes));
    }
    draft.run.events.push(event_of(name.unwrap_or("log"), &record, time));
    Some(record)
}

/// The name in its own field, or in the attribute of old.
fn event_name(record: &LogRecord) -> Option<String> {
    if !record.event_name.is_empty() {
        return Some(record.event_name.clone());
    }
    attribute(record, "event.name").as_text().map(|text| text.decode().into_owned()).filter(|n| !n.is_empty())
}

fn attribute<'r>(record: &'r LogRecord, key: &str) -> Json<'r> {
    let found = record.attributes.iter().find(|attribute| attribute.key == key);
    found.map_or(Json::Null, |attribute| any_to_json(attribute.value.as_ref()))
}

/// When it happened, or else was observed, or else arrived.
fn time_of(record: &LogRecord, ctx: &MapContext<'_>) -> UnixNanos {
    match (record.time_unix_nano, record.observed_time_unix_nano) {
        (0, 0) => ctx.received_at,
        (0, nanos) | (nanos, _) => UnixNanos::from_otlp(nanos),
    }
}

/// A message event as fragments: at least one. `place` numbers records that carry no number of their own.
fn read_fragments(name: &str, record: &LogRecord, time: UnixNanos, place: usize) -> Option<Vec<Fragment>> {
    event_role(name)?;
    let side = if name == "gen_ai.choice" { Side::Output } else { Side::Input };
    let body = any_to_json(record.body.as_ref());
    let messages = match &body {
        // Semantic Kernel sends the body as JSON in a text.
        Json::String(text) => read_event_messages(name, parse(&text.decode()).ok()?, side),
        Json::Object(_) => read_event_messages(name, body, side),
        _ => Vec::new(),
    };
    let index =
        ["gen_ai.message.index", "CHAT_MESSAGE_INDEX"].iter().find_map(|key| attribute(record, key).as_i64());
    let index = index.and_then(|index| u32::try_from(index).ok());
    let index = index.unwrap_or(u32::try_from(place).unwrap_or(u32::MAX));
    let fragments = messages.into_iter().map(|message| Fragment { side, time, index, message });
    Some(fragments.collect::<Vec<_>>()).filter(|fragments| !fragments.is_empty())
}

fn event_of(name: &str, record: &LogRecord, time: UnixNanos) -> RunEvent {
    let mut attributes = attribute_texts(pairs(&record.attributes));
    if record.body.is_some() {
        attributes.entry("body".to_owned()).or_insert_with(|| value_text(record.body.as_ref()));
    }
    if !record.severity_text.is_empty() {
        let severity = JsonText::from_string(&record.severity_text);
        attributes.entry("severity".to_owned()).or_insert(severity);
    }
    RunEvent { time, name: name.to_owned(), attributes }
}

fn keep(
    event_name: Option<String>,
    record: LogRecord,
    (trace_id, span_id): (Option<TraceId>, Option<SpanId>),
    origin: &Origin,
    ctx: &MapContext<'_>,
) -> MappedLog {
    let time = time_of(&record, ctx);
    let observed_time = record.observed_time_unix_nano;
    let body = Some(value_text(record.body.as_ref())).filter(|body| body.as_str() != "null");
    let attributes = attribute_texts(pairs(&record.attributes));
    let project = project_of(|key| attributes.get(key).map(JsonText::to_plain));
    let record = StoredRecord {
        workspace_id: WorkspaceId::NIL,
        project_id: ProjectId::NIL,
        time,
        observed_time: (observed_time > 0).then(|| UnixNanos::from_otlp(observed_time)),
        received_at: ctx.received_at,
        trace_id,
        span_id,
        severity: u8::try_from(record.severity_number).ok().filter(|number| (1..=24).contains(number)),
        severity_text: Some(record.severity_text).filter(|text| !text.is_empty()),
        event_name,
        body,
        attributes,
        sender: origin.sender(),
    };
    MappedLog { project: project.or_else(|| origin.project.clone()), record }
}
