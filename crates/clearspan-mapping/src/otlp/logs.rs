//! Log records: to patches of runs, and to records that are kept as such.
//!
//! A record that names a span belongs to that span's run, whenever it arrives. Message events become
//! fragments, the conventions' content event fills the run like a span's attributes, and an exception is the
//! run's error. All of it is weaker than what the span itself says (`Rank::Log`).
//! Every record whose content did not go into a run is kept as a log record, with or without a span; those with
//! one are events of their run too, so that a run tells its whole story by itself.
//!
//! What had to be repaired in a record is among the issues of its run; on a record that is kept it is an attribute,
//! [`ISSUES`].

mod read;

use std::collections::BTreeMap;

use clearspan_model::{
    Fragment, IssueKind, JsonText, LogRecord as StoredRecord, MapIssue, ProjectId, Rank, Run, RunEvent, Side,
    Sources, SpanId, TraceId, UnixNanos, WorkspaceId,
};
use indexmap::IndexMap;
use indexmap::map::Entry;

use super::events::{OPERATION_DETAILS, map_exception, read_event_messages};
use super::ids::{parse_span_id, parse_trace_id};
use super::read::{MIN_LEFT, Request, Stopped};
use super::room::{
    MAP_NODE_BYTES, Room, Stop, element_bytes, event_bytes, fragment_bytes, log_bytes, project_bytes,
};
use super::span::{Origin, new_run, project_of};
use super::value::attribute_texts;
use super::view::{Bad, Kept, Pairs, Reading};
use super::{MapContext, MappedLog, MappedRun, ProjectRef};
use crate::dialects::TABLE;
use crate::engine::{Attributes, Draft, messages_name};
use crate::json::{Json, Text, parse};
use crate::messages::event_role;

pub(super) use read::{read_json_record, read_record};

/// Names of records that tell why the call of their span failed.
pub(crate) const EXCEPTIONS: &[&str] = &["exception", "gen_ai.client.operation.exception"];

/// The attribute of a log record that lists what had to be repaired in it: `[{"kind", "field", "message"}]`.
pub(super) const ISSUES: &str = "clearspan.issues";

/// As many as a person reads.
const MAX_ISSUES: usize = 100;

/// Severities that are defined: 1 to 4 trace, 21 to 24 fatal.
const MAX_SEVERITY: i32 = 24;

/// A log record, by reference.
#[derive(Debug, Default)]
pub(super) struct RecordView<'a> {
    pub(super) time: u64,
    pub(super) observed_time: u64,
    pub(super) severity: i32,
    pub(super) severity_text: &'a str,
    pub(super) body: Option<Json<'a>>,
    pub(super) attributes: Pairs<'a>,
    /// Attributes that the sender left out.
    pub(super) dropped: u32,
    pub(super) trace_id: &'a [u8],
    pub(super) span_id: &'a [u8],
    pub(super) event_name: &'a str,
}

/// What the records of a request tell about runs, by their spans.
pub(super) type Patches = IndexMap<(TraceId, SpanId), Patch>;

/// The part of a run that log records tell, and the project that they name, else their resource.
#[derive(Debug)]
pub(super) struct Patch {
    draft: Box<Draft>,
    of_records: Option<ProjectRef>,
    of_resource: Option<ProjectRef>,
}

/// A patch, its place among others, and the place of the run that it becomes; its sources, and the lists of its
/// fragments and events, which begin with four places.
const PATCH_BYTES: usize = size_of::<Draft>()
    + size_of::<Run>()
    + 3 * size_of::<((TraceId, SpanId), Patch, usize)>()
    + size_of::<MappedRun>()
    + Sources::bytes_of(16)
    + 4 * (size_of::<Fragment>() + size_of::<RunEvent>());

/// The event that keeps what no field of the run took.
const DETAILS_BYTES: usize = 2 * size_of::<RunEvent>() + OPERATION_DETAILS.len() + MAP_NODE_BYTES;

impl<'m> Request<'m> {
    /// Reads and maps a log record. `tree` is what its JSON tree took.
    pub(super) fn record<'k>(
        &mut self,
        tree: usize,
        kept: &'k Kept,
        origin: &Origin,
        read: impl FnOnce(&mut Reading<'k, '_, 'm>) -> Result<RecordView<'k>, Bad>,
    ) -> Result<(), Stopped>
    where
        'm: 'k,
    {
        // Each record gets a copy of what its origin tells, and so does the run that it completes.
        if self.room.left() < MIN_LEFT + 2 * origin.bytes() {
            return Err(Stop::Memory.into());
        }
        self.room.place(&mut self.mapped.logs, self.expected)?;
        let index = self.spans;
        self.spans += 1;
        let mut issues = Vec::new();
        let mut name = "";
        let outcome = self.room.take(tree + 2 * origin.bytes()).map_err(Bad::from);
        let outcome = outcome.and_then(|()| {
            let mut reading = Reading::new(kept, &mut self.room, &mut issues);
            let record = read(&mut reading);
            name = reading.name;
            record
        });
        let outcome = outcome.and_then(|record| Ok(self.map_record(record, origin, issues)?));
        if let Some(why) = self.settle(index, outcome)? {
            self.reject(index, name, &why);
        }
        Ok(())
    }

    /// Puts what a record tells into its run, and keeps the record unless it was content of the run.
    fn map_record<'k>(
        &mut self,
        mut record: RecordView<'k>,
        origin: &Origin,
        mut issues: Vec<MapIssue>,
    ) -> Result<(), Stop>
    where
        'm: 'k,
    {
        let ctx = self.ctx;
        let ids = check(&mut record, &mut issues);
        issues.extend_from_slice(origin.issues());
        let name = event_name(&record);
        let name = name.as_deref();
        let (Some(trace_id), Some(span_id)) = ids else {
            let log = keep(name, &record, ids, &issues, origin, &ctx);
            self.room.end(log_bytes(&log.record) + project_bytes(&log.project))?;
            self.mapped.logs.push(log);
            return Ok(());
        };
        let patch = match self.patches.entry((trace_id, span_id)) {
            Entry::Occupied(patch) => patch.into_mut(),
            Entry::Vacant(place) => {
                self.room.retain(PATCH_BYTES + origin.bytes())?;
                place.insert(new_patch((trace_id, span_id), origin, &ctx))
            }
        };
        if patch.of_records.is_none() {
            patch.of_records = project_of_record(&record);
            self.room.retain(project_bytes(&patch.of_records))?;
        }
        let draft = &mut patch.draft;
        if complete(draft, name, &mut record, &mut self.room, &ctx)? {
            note_issues(draft, issues);
            return Ok(());
        }
        let log = keep(name, &record, ids, &issues, origin, &ctx);
        let event = event_of(name.unwrap_or("log"), &record, &log.record);
        // What is an error is in the run a second time.
        let is_exception = name.is_some_and(|name| EXCEPTIONS.contains(&name));
        let bytes = event_bytes(&event) * if is_exception { 2 } else { 1 } + log_bytes(&log.record);
        let bytes = bytes + size_of::<RunEvent>() + project_bytes(&log.project) + issues_bytes(&issues);
        self.room.end(bytes)?;
        if is_exception {
            draft.set_source(format!("log:{}", name.unwrap_or_default()));
            map_exception(draft, &record.attributes);
        }
        draft.run.events.push(event);
        note_issues(draft, issues);
        self.mapped.logs.push(log);
        Ok(())
    }

    /// Makes runs of what log records told about them.
    pub(super) fn finish_patches(&mut self) {
        let patches = std::mem::take(&mut self.patches);
        self.mapped.runs.reserve_exact(patches.len());
        for Patch { draft, of_records, of_resource } in patches.into_values() {
            let (project, run) = draft.finish();
            self.mapped.runs.push(MappedRun { project: project.or(of_records).or(of_resource), run: *run });
        }
    }
}

fn new_patch(ids: (TraceId, SpanId), origin: &Origin, ctx: &MapContext<'_>) -> Patch {
    let mut run = new_run(ids, Rank::Log, ctx);
    origin.describe(&mut run);
    // The scope of a logger is not that of the instrumentation that made the span.
    run.scope_name = None;
    run.scope_version = None;
    Patch { draft: Box::new(Draft::new(run)), of_records: None, of_resource: origin.project.clone() }
}

/// A record names its project as a span does.
fn project_of_record(record: &RecordView<'_>) -> Option<ProjectRef> {
    project_of(|key| attribute(record, key).as_text().map(|text| text.decode().into_owned()))
}

/// The ids of a record, as far as they are some. What is not usable is told.
fn check(record: &mut RecordView<'_>, issues: &mut Vec<MapIssue>) -> (Option<TraceId>, Option<SpanId>) {
    let mut issue = |kind, field: &str, message| {
        issues.push(MapIssue { kind, field: field.to_owned(), message });
    };
    // Zeros are how some senders say that there is none.
    let is_there = |id: &[u8]| id.iter().any(|byte| *byte != 0);
    let trace_id = is_there(record.trace_id).then(|| parse_trace_id(record.trace_id));
    let span_id = is_there(record.span_id).then(|| parse_span_id(record.span_id));
    if let Some(Err(why)) = &trace_id {
        issue(IssueKind::Unusable, "trace_id", why.clone());
    }
    if let Some(Err(why)) = &span_id {
        issue(IssueKind::Unusable, "span_id", why.clone());
    }
    let severity = record.severity;
    if !(0..=MAX_SEVERITY).contains(&severity) {
        issue(IssueKind::Unusable, "severity_number", format!("{severity} is no severity"));
        record.severity = 0;
    }
    if record.dropped > 0 {
        let message = format!("the sender left out {} attributes", record.dropped);
        issue(IssueKind::Truncated, "attributes", message);
    }
    (trace_id.and_then(Result::ok), span_id.and_then(Result::ok))
}

fn note_issues(draft: &mut Draft, issues: Vec<MapIssue>) {
    let left = MAX_ISSUES.saturating_sub(draft.run.issues.len());
    draft.run.issues.extend(issues.into_iter().take(left));
}

fn issues_bytes(issues: &[MapIssue]) -> usize {
    issues.iter().map(|issue| 64 + issue.field.len() + issue.message.len()).sum()
}

/// Takes the content of a run out of a record. False when it was none.
fn complete<'k>(
    draft: &mut Draft,
    name: Option<&str>,
    record: &mut RecordView<'k>,
    room: &mut Room<'_>,
    ctx: &MapContext<'k>,
) -> Result<bool, Stop> {
    let Some(name) = name else { return Ok(false) };
    let time = time_of(record, ctx);
    if name == OPERATION_DETAILS {
        let attributes = std::mem::take(&mut record.attributes);
        let bytes: usize = attributes.iter().map(|(key, value)| key.len() + element_bytes(value)).sum();
        room.take(DETAILS_BYTES)?;
        // Parts of it are held apart and put together at the end; more than reading it took, it does not take.
        room.end((2 * bytes + DETAILS_BYTES).min(room.item()))?;
        let mut attributes = Attributes::new(attributes, &TABLE, ctx.rules, &mut draft.run.issues);
        draft.set_origin("log:");
        draft.apply_rows(&mut attributes, |_| {});
        let rest = attributes.into_rest();
        if !rest.is_empty() {
            draft.run.events.push(RunEvent { time, name: OPERATION_DETAILS.to_owned(), attributes: rest });
        }
        return Ok(true);
    }
    let Some(fragments) = read_fragments(name, record, time, draft.run.fragments.len()) else {
        return Ok(false);
    };
    room.end(fragments.iter().map(fragment_bytes).sum())?;
    draft.set_source(format!("log:{name}"));
    draft.note(messages_name(fragments[0].side));
    draft.run.fragments.extend(fragments);
    Ok(true)
}

/// The name in its own field, or in the attribute of old.
fn event_name(record: &RecordView<'_>) -> Option<String> {
    if !record.event_name.is_empty() {
        return Some(record.event_name.to_owned());
    }
    let name = attribute(record, "event.name").as_text()?;
    Some(name.decode().into_owned()).filter(|name| !name.is_empty())
}

fn attribute<'r, 'a>(record: &'r RecordView<'a>, key: &str) -> &'r Json<'a> {
    let found = record.attributes.iter().find(|(name, _)| *name == key);
    found.map_or(&Json::Null, |(_, value)| value)
}

/// When it happened, or else was observed, or else arrived.
fn time_of(record: &RecordView<'_>, ctx: &MapContext<'_>) -> UnixNanos {
    match (record.time, record.observed_time) {
        (0, 0) => ctx.received_at,
        (0, nanos) | (nanos, _) => UnixNanos::from_otlp(nanos),
    }
}

/// A message event as fragments: at least one. `place` numbers records that carry no number of their own.
fn read_fragments(
    name: &str,
    record: &RecordView<'_>,
    time: UnixNanos,
    place: usize,
) -> Option<Vec<Fragment>> {
    event_role(name)?;
    let side = if name == "gen_ai.choice" { Side::Output } else { Side::Input };
    let messages = match &record.body {
        // Semantic Kernel sends the body as JSON in a text.
        Some(Json::String(text)) => read_event_messages(name, parse(&text.decode()).ok()?, side),
        Some(body @ Json::Object(_)) => read_event_messages(name, body.clone(), side),
        _ => Vec::new(),
    };
    let index =
        ["gen_ai.message.index", "CHAT_MESSAGE_INDEX"].iter().find_map(|key| attribute(record, key).as_i64());
    let index = index.and_then(|index| u32::try_from(index).ok());
    let index = index.unwrap_or(u32::try_from(place).unwrap_or(u32::MAX));
    let fragments = messages.into_iter().map(|message| Fragment { side, time, index, message });
    Some(fragments.collect::<Vec<_>>()).filter(|fragments| !fragments.is_empty())
}

/// The event of a run that a record is; it shares its texts with the record that is kept.
fn event_of(name: &str, record: &RecordView<'_>, log: &StoredRecord) -> RunEvent {
    let mut attributes = log.attributes.clone();
    attributes.remove(ISSUES);
    if record.body.is_some() {
        let body = log.body.clone().unwrap_or_else(|| JsonText::from_trusted("null"));
        attributes.entry("body".to_owned()).or_insert(body);
    }
    if let Some(severity) = &log.severity_text {
        attributes.entry("severity".to_owned()).or_insert_with(|| JsonText::from_string(severity));
    }
    RunEvent { time: log.time, name: name.to_owned(), attributes }
}

fn keep(
    event_name: Option<&str>,
    record: &RecordView<'_>,
    (trace_id, span_id): (Option<TraceId>, Option<SpanId>),
    issues: &[MapIssue],
    origin: &Origin,
    ctx: &MapContext<'_>,
) -> MappedLog {
    let body = record.body.as_ref().filter(|body| !body.is_null());
    let mut attributes = attribute_texts(record.attributes.iter().map(|(key, value)| (*key, value)));
    let project = project_of(|key| attributes.get(key).map(JsonText::to_plain));
    tell_issues(&mut attributes, record, issues);
    let record = StoredRecord {
        workspace_id: WorkspaceId::NIL,
        project_id: ProjectId::NIL,
        time: time_of(record, ctx),
        observed_time: (record.observed_time > 0).then(|| UnixNanos::from_otlp(record.observed_time)),
        received_at: ctx.received_at,
        trace_id,
        span_id,
        severity: u8::try_from(record.severity).ok().filter(|number| *number > 0),
        severity_text: Some(record.severity_text.to_owned()).filter(|text| !text.is_empty()),
        event_name: event_name.map(str::to_owned),
        body: body.map(|body| JsonText::from_trusted(body.to_text())),
        attributes,
        sender: origin.sender(),
    };
    MappedLog { project: project.or_else(|| origin.project.clone()), record }
}

/// A record has no list of issues of its own, so an attribute tells them.
fn tell_issues(attributes: &mut BTreeMap<String, JsonText>, record: &RecordView<'_>, issues: &[MapIssue]) {
    let twice = record.attributes.len() - attributes.len();
    let twice = (twice > 0).then(|| MapIssue {
        kind: IssueKind::Conflict,
        field: "attributes".to_owned(),
        message: format!("{twice} keys came more than once; the last value of each counts"),
    });
    let issues = issues.iter().chain(&twice).map(|issue| {
        let members = [("kind", issue.kind.as_str()), ("field", &issue.field), ("message", &issue.message)];
        Json::Object(members.map(|(name, text)| (Text::Clean(name), Json::text(text))).to_vec())
    });
    let issues: Vec<_> = issues.collect();
    if !issues.is_empty() {
        let text = JsonText::from_trusted(Json::Array(issues).to_text());
        attributes.entry(ISSUES.to_owned()).or_insert(text);
    }
}
