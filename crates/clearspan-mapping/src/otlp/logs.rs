//! Log records to patches of runs.
//!
//! A record that names a span belongs to that span's run, whenever it arrives. Message events become
//! fragments, the conventions' content event fills the run like a span's attributes, every other record
//! is kept as an event. All of it is weaker than what the span itself says (`Rank::Log`).

use clearspan_model::{Fragment, JsonText, Rank, Run, RunEvent, Side, SpanId, TraceId, UnixNanos};
use indexmap::IndexMap;
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::events::{OPERATION_DETAILS, read_event_message};
use super::ids::parse_ids;
use super::span::{Origin, new_run};
use super::value::{any_to_json, attribute_texts, value_text};
use super::{ExportLogsServiceRequest, MapContext, Mapped, MappedRun, ProjectRef};
use crate::dialects::TABLE;
use crate::engine::{Attributes, Draft, messages_name};
use crate::json::{Json, parse};
use crate::messages::event_role;

type Patches = IndexMap<(TraceId, SpanId), (Option<ProjectRef>, Run)>;

/// Maps every log record that names a span; the others are rejected.
pub fn map_logs(request: ExportLogsServiceRequest, ctx: &MapContext) -> Mapped {
    let mut mapped = Mapped::default();
    let mut patches = Patches::new();
    for resource_logs in request.resource_logs {
        let origin = Origin::of_resource(resource_logs.resource);
        for scope_logs in resource_logs.scope_logs {
            let origin = origin.with_scope(scope_logs.scope);
            for record in scope_logs.log_records {
                match parse_ids(&record.trace_id, &record.span_id) {
                    Ok(ids) => patch(&mut patches, ids, record, &origin, ctx),
                    Err(_) => mapped
                        .reject(1, "log records without a trace and span id are not stored by this version"),
                }
            }
        }
    }
    let runs = patches.into_values().map(|(project, run)| MappedRun { project, run });
    mapped.runs = runs.collect();
    mapped
}

fn patch(
    patches: &mut Patches,
    ids: (TraceId, SpanId),
    record: LogRecord,
    origin: &Origin,
    ctx: &MapContext,
) {
    let (project, run) = patches.entry(ids).or_insert_with(|| {
        let mut run = new_run(ids, Rank::Log, ctx);
        origin.describe(&mut run);
        // The scope of a logger is not that of the instrumentation that made the span.
        run.scope_name = None;
        run.scope_version = None;
        (None, run)
    });
    let name = event_name(&record);
    let time = match record.time_unix_nano {
        0 => UnixNanos::from_otlp(record.observed_time_unix_nano),
        nanos => UnixNanos::from_otlp(nanos),
    };
    if name == OPERATION_DETAILS {
        let mut draft = Draft::new(std::mem::replace(run, new_run(ids, Rank::Log, ctx)));
        draft.set_origin("log:");
        let mut attributes = Attributes::new(record.attributes, &TABLE);
        draft.apply_rows(&mut attributes, |_| {});
        let rest = attributes.into_rest();
        let (wanted, patched) = draft.finish();
        *project = project.take().or(wanted);
        *run = patched;
        if !rest.is_empty() {
            run.events.push(RunEvent { time, name, attributes: rest });
            run.events.sort();
        }
        return;
    }
    match read_fragment(&name, &record, time, run.fragments.len()) {
        Some(fragment) => {
            run.sources.note(messages_name(fragment.side), format!("log:{name}"));
            run.fragments.push(fragment);
            run.fragments.sort();
        }
        None => {
            run.events.push(event_of(name, record, time));
            run.events.sort();
        }
    }
}

/// The name in its own field, or in the attribute of old.
fn event_name(record: &LogRecord) -> String {
    if !record.event_name.is_empty() {
        return record.event_name.clone();
    }
    let name = attribute(record, "event.name");
    name.as_text().map_or_else(|| "log".to_owned(), |text| text.decode().into_owned())
}

fn attribute<'r>(record: &'r LogRecord, key: &str) -> Json<'r> {
    let found = record.attributes.iter().find(|attribute| attribute.key == key);
    found.map_or(Json::Null, |attribute| any_to_json(attribute.value.as_ref()))
}

/// A message event as a fragment. `place` numbers records that carry no number of their own.
fn read_fragment(name: &str, record: &LogRecord, time: UnixNanos, place: usize) -> Option<Fragment> {
    event_role(name)?;
    let side = if name == "gen_ai.choice" { Side::Output } else { Side::Input };
    let body = any_to_json(record.body.as_ref());
    let message = match &body {
        // Semantic Kernel sends the body as JSON in a text.
        Json::String(text) => read_event_message(name, parse(&text.decode()).ok()?, side),
        Json::Object(_) => read_event_message(name, body, side),
        _ => None,
    }?;
    let index =
        ["gen_ai.message.index", "CHAT_MESSAGE_INDEX"].iter().find_map(|key| attribute(record, key).as_i64());
    let index = index.and_then(|index| u32::try_from(index).ok());
    Some(Fragment { side, time, index: index.unwrap_or(u32::try_from(place).unwrap_or(u32::MAX)), message })
}

fn event_of(name: String, record: LogRecord, time: UnixNanos) -> RunEvent {
    let mut attributes = attribute_texts(record.attributes);
    if record.body.is_some() {
        attributes.entry("body".to_owned()).or_insert_with(|| value_text(record.body.as_ref()));
    }
    if !record.severity_text.is_empty() {
        let severity = JsonText::from_string(&record.severity_text);
        attributes.entry("severity".to_owned()).or_insert(severity);
    }
    RunEvent { time, name, attributes }
}
