//! LangSmith's own protocol: documents that say how a run began (*post*) and how it went on (*patch*), to runs.
//!
//! Each document becomes one patch of a [`Run`] that depends on the document alone. Its version comes from what it says
//! and not from when it arrived, so posts and patches give the same run in every order: a document that tells the end
//! ([`Rank::NativeEnd`]) is the last word, of two such the one that ended later. Null means no change, and so do `{}` and
//! `[]`, which the SDKs send for what they do not know yet.
//!
//! Nothing is lost: `inputs` and `outputs` come back as the JSON that was sent. Where they held messages, these are in
//! [`clearspan_model::Payload::messages`] and the JSON as it was sent is the attribute [`INPUTS`] or [`OUTPUTS`];
//! elsewhere `rest` is the JSON as it was sent. What has no field stays under `langsmith.*` in the attributes, and what
//! describes the process (`extra.runtime`, the SDK's environment variables) in the resource.
//!
//! One bad document is refused with a reason and hurts no other.

mod document;
mod extra;
mod order;
mod payload;

use clearspan_model::{FieldId, IssueKind, JsonText, RunEvent, Status, WorkspaceId};
use clearspan_model::{ProjectId, Rank, Run, RunId, RunKey, SpanId, TraceId, UnixNanos, Version, Versions};

use crate::dialects::read_run_type;
use crate::engine::Draft;
use crate::json::{Json, parse};
use crate::otlp::{map_bytes, retained_bytes};

use document::Members;
use order::DottedOrder;

pub use document::{Batch, BatchError, Document, Kind, MAX_BATCH, read_batch};

/// The attribute with the inputs as they were sent, where the run keeps messages of them.
pub const INPUTS: &str = "langsmith.inputs";
/// The attribute with the outputs as they were sent, where the run keeps messages of them.
pub const OUTPUTS: &str = "langsmith.outputs";
/// What stands before the names of attachments in attributes.
pub const ATTACHMENT: &str = "langsmith.attachment.";
/// What stands before the names of further members of `extra` in attributes.
pub const EXTRA: &str = "langsmith.extra.";
/// The attribute with what was serialized.
pub const SERIALIZED: &str = "langsmith.serialized";
/// The attribute with what LangGraph threw to ask a person.
pub const INTERRUPT: &str = "langsmith.interrupt";
/// What stands before the members of `extra.runtime` in the resource.
pub const RUNTIME: &str = "langsmith.runtime.";
/// The metadata with the example that a run of an experiment is about.
pub const REFERENCE_EXAMPLE: &str = "reference_example_id";
/// The dialect of runs that came over this protocol.
pub const DIALECT: &str = "langsmith";

/// How many gaps of a text may be where its stack begins.
const MAX_PARAGRAPHS: usize = 100;

/// What a document says.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The run, as far as this document tells it. Workspace and project are nil, and the trace is nil unless
    /// [`Self::has_trace`].
    pub run: Run,
    /// Whether the document says, or lets one conclude, which trace it is.
    pub has_trace: bool,
    /// The project, by its id; stronger than its name.
    pub project_id: Option<ProjectId>,
    /// The project, by its name.
    pub project_name: Option<String>,
    /// How it began, or how it went on.
    pub kind: Kind,
}

impl Told {
    /// Whether the document says which project the run belongs to.
    pub fn names_project(&self) -> bool {
        self.project_id.is_some() || self.project_name.is_some()
    }

    /// What it takes in memory.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + retained_bytes(&self.run)
            + map_bytes(&self.run.resource)
            + self.project_name.as_ref().map_or(0, String::len)
    }

    /// The trace that the document says; where it says none, the one that the run would be the root of.
    pub fn trace_or_own(&self) -> TraceId {
        match self.has_trace {
            true => self.run.key.trace_id,
            false => TraceId::from_bytes(*self.run.key.run_id.as_bytes()),
        }
    }
}

/// Maps one document; the text is why it cannot be used.
pub fn map(document: &Document<'_>, received_at: UnixNanos) -> Result<Told, String> {
    let members = document.members()?;
    let run_id = run_id(&members, document.run_id)?;
    let order = members.text("dotted_order").map(|text| (DottedOrder::parse(&text), text));
    let times = Times::read(&members)?;
    let key =
        RunKey { workspace_id: WorkspaceId::NIL, project_id: ProjectId::NIL, trace_id: TraceId::NIL, run_id };
    let mut draft = Draft::new(Box::new(Run::new(key, received_at)));
    draft.run.dialect = Some(DIALECT.to_owned());
    draft.run.end_time = times.end;
    let order = order.and_then(|(order, text)| check_order(&mut draft, order, text, run_id));
    let (trace_id, parent) = place(&mut draft, &members, order.as_ref(), document.kind)?;
    draft.run.key.trace_id = trace_id.unwrap_or(TraceId::NIL);
    draft.run.parent_run_id = parent;
    let start = start_time(&times, order.as_ref(), run_id, document.kind, received_at);
    draft.run.start_time = start.map(|(time, _)| time);
    map_head(&mut draft, &members);
    extra::map(&mut draft, &members);
    payload::map(&mut draft, &members);
    map_events(&mut draft, &members);
    keep_the_rest(&mut draft, &members);
    let failed = draft.run.error.is_some();
    draft.run.status = Some(match (failed, times.end) {
        (true, _) => Status::Error,
        (false, Some(_)) => Status::Success,
        (false, None) => Status::Pending,
    });

    let sent = payload::Sent::of(&members);
    let (_, mut run) = draft.finish();
    sent.keep(&mut run);
    run.versions = versions(document.kind, &times, start, &run);
    let address = members.text("address").as_deref().and_then(read_address);
    if let Some((_, environment)) = &address {
        run.environment = Some(environment.clone());
    }
    let session = members.text("session_id");
    Ok(Told {
        has_trace: trace_id.is_some(),
        project_id: session.and_then(|id| id.trim().parse().ok()),
        project_name: members.text("session_name").or(address.map(|(agent, _)| agent)),
        kind: document.kind,
        run: *run,
    })
}

fn run_id(members: &Members<'_>, asked: Option<RunId>) -> Result<RunId, String> {
    let told = match members.text("id") {
        Some(text) => Some(text.trim().parse::<RunId>().map_err(|why| format!("the id {text:?} is {why}"))?),
        None => None,
    };
    match (told, asked) {
        (Some(told), Some(asked)) if told != asked => {
            Err(format!("the run's id is {told}, but it was sent as {asked}"))
        }
        (told, asked) => match told.or(asked) {
            None => Err("the run has no id".to_owned()),
            Some(id) if id.is_nil() => Err("the run's id is nil".to_owned()),
            Some(id) => Ok(id),
        },
    }
}

/// A dotted order that belongs to the run; one that does not is kept raw.
fn check_order(
    draft: &mut Draft,
    order: Result<DottedOrder, &'static str>,
    text: String,
    run_id: RunId,
) -> Option<DottedOrder> {
    let order =
        order.and_then(
            |order| {
                if order.run_id == run_id { Ok(order) } else { Err("its last step is another run") }
            },
        );
    match order {
        Ok(order) => {
            draft.run.dotted_order = Some(text);
            Some(order)
        }
        Err(why) => {
            draft.issue(IssueKind::Unusable, "dotted_order", why);
            draft.run.attributes.insert("langsmith.dotted_order".to_owned(), JsonText::from_string(&text));
            None
        }
    }
}

/// The trace and the parent: what is said in so many words, else what the dotted order says.
fn place(
    draft: &mut Draft,
    members: &Members<'_>,
    order: Option<&DottedOrder>,
    kind: Kind,
) -> Result<(Option<TraceId>, Option<RunId>), String> {
    let run_id = draft.run.key.run_id;
    let uuid = |name: &str| -> Result<Option<RunId>, String> {
        let Some(text) = members.text(name) else { return Ok(None) };
        let id: RunId = text.trim().parse().map_err(|_| format!("the {name} {text:?} is no UUID"))?;
        Ok((!id.is_nil()).then_some(id))
    };
    let told_parent = uuid("parent_run_id")?;
    let ordered_parent = order.and_then(|order| order.parent);
    if let (Some(told), Some(order)) = (told_parent, order)
        && order.parent != Some(told)
    {
        draft.issue(IssueKind::Conflict, "parent_run_id", "the dotted order names another parent");
    }
    let mut parent = told_parent.or(ordered_parent);
    if parent == Some(run_id) {
        draft.issue(IssueKind::Unusable, "parent_run_id", "a run cannot be its own parent");
        parent = None;
    }
    let told_trace = uuid("trace_id")?;
    let ordered_trace = order.map(|order| order.trace);
    if let (Some(told), Some(ordered)) = (told_trace, ordered_trace)
        && told != ordered
    {
        draft.issue(IssueKind::Conflict, "trace_id", "the dotted order begins with another run");
    }
    let trace = told_trace.or(ordered_trace).or_else(|| {
        // A run that begins without a word of a parent is a root.
        (kind == Kind::Post && parent.is_none()).then_some(run_id)
    });
    Ok((trace.map(|id| TraceId::from_bytes(*id.as_bytes())), parent))
}

/// When the run began and ended, as far as the document says it.
#[derive(Debug, Clone, Copy)]
struct Times {
    start: Option<UnixNanos>,
    end: Option<UnixNanos>,
}

impl Times {
    fn read(members: &Members<'_>) -> Result<Self, String> {
        let time = |name: &str| match members.json(name) {
            None => Ok(None),
            Some(json) => order::read_time(&json)
                .map(Some)
                .ok_or_else(|| format!("the {name} {} is no time", shorten(&json.to_text()))),
        };
        Ok(Self { start: time("start_time")?, end: time("end_time")? })
    }
}

fn shorten(text: &str) -> &str {
    text.get(..text.floor_char_boundary(60)).unwrap_or_default()
}

/// When the run began, and how strong that is. A post without it began, as far as anyone can tell, when its id was made or
/// when it arrived; the earliest such word counts, and every other one is stronger.
fn start_time(
    times: &Times,
    order: Option<&DottedOrder>,
    run_id: RunId,
    kind: Kind,
    received_at: UnixNanos,
) -> Option<(UnixNanos, Option<Version>)> {
    if let Some(start) = times.start.or(order.map(|order| order.start)) {
        return Some((start, None));
    }
    if kind == Kind::Patch {
        return None;
    }
    let guess = order::time_of_id(run_id).unwrap_or(received_at);
    let earlier_is_stronger = (1_u64 << 52).saturating_sub(u64::try_from(guess.as_micros()).unwrap_or(0));
    Some((guess, Some(Version::from_raw(earlier_is_stronger))))
}

/// What a patch says is newer than what the post says, and the end is the last word. A document without any time is a
/// correction by hand: it counts as of its arrival.
fn versions(kind: Kind, times: &Times, start: Option<(UnixNanos, Option<Version>)>, run: &Run) -> Versions {
    let told_start = start.filter(|(_, version)| version.is_none()).map(|(start, _)| start);
    let base = match (kind, times.end, told_start) {
        (_, Some(end), start) => Version::new(Rank::NativeEnd, start.map_or(end, |start| start.max(end))),
        (Kind::Patch, None, None) => Version::new(Rank::NativeEnd, run.received_at),
        (Kind::Patch, None, Some(start)) => {
            Version::new(Rank::Native, UnixNanos::from_nanos(start.as_nanos().saturating_add(1_000)))
        }
        (Kind::Post, None, start) => Version::new(Rank::Native, start.unwrap_or_default()),
    };
    let mut versions = Versions::all(base);
    if run.span_id.is_some() {
        // A span that says itself which span it is knows better.
        versions.older.push((FieldId::SpanId, None, Version::from_raw(1)));
    }
    if let Some((_, Some(guess))) = start {
        versions.older.push((FieldId::StartTime, None, guess));
    }
    versions.older.sort();
    versions
}

fn map_head(draft: &mut Draft, members: &Members<'_>) {
    draft.set_source("run:name");
    if let Some(name) = members.text("name") {
        draft.offer_name(0, &name);
    }
    if let Some(word) = members.text("run_type") {
        draft.set_source("run:run_type");
        match read_run_type(&word) {
            Some(run_type) => {
                draft.run.run_type = Some(run_type);
                draft.note("run_type");
            }
            None => {
                draft.issue(
                    IssueKind::Unusable,
                    "run_type",
                    "it is none of the seven; a chain was made of it",
                );
                draft.run.attributes.insert("langsmith.run_type".to_owned(), JsonText::from_string(&word));
            }
        }
    }
    if let Some(error) = members.text("error").filter(|error| !error.is_empty()) {
        map_error(draft, error);
    }
    if let Some(Json::Array(tags)) = members.json("tags") {
        let tags = tags.iter().filter(|tag| !tag.is_blank());
        draft.run.tags = tags.map(plain_text).collect();
    }
    if let Some(example) = members.text(REFERENCE_EXAMPLE) {
        draft.run.metadata.insert(REFERENCE_EXAMPLE.to_owned(), JsonText::from_string(&example));
    }
    draft.run.span_id = Some(alias(draft.run.key.run_id));
}

/// The span that stands for a run in OpenTelemetry: the SDK tells user spans inside of `@traceable` that their parent is
/// the first eight bytes of the run's id. An id that was made from a span's has these last.
fn alias(run_id: RunId) -> SpanId {
    let (first, last) = run_id.as_bytes().split_at(8);
    let bytes = if first.iter().all(|byte| *byte == 0) { last } else { first };
    SpanId::from_bytes(bytes.try_into().expect("half of sixteen bytes"))
}

/// LangGraph stops a graph to ask a person by throwing: that is no failure, so its text becomes an attribute.
fn map_error(draft: &mut Draft, error: String) {
    let class = error_type(&error);
    if class.as_deref().is_some_and(|class| class.rsplit('.').next() == Some("GraphInterrupt")) {
        draft.run.attributes.insert(INTERRUPT.to_owned(), JsonText::from_string(&error));
        return;
    }
    draft.set_source("run:error");
    draft.run.error_type = class;
    draft.offer_error(Some(error));
}

/// The class of `ValueError('…')`, `Error: …`, or `…\n\nTypeError: …`.
fn error_type(error: &str) -> Option<String> {
    named_error(error).or_else(|| stack_error(error))
}

/// The class at the beginning.
fn named_error(error: &str) -> Option<String> {
    let (class, rest) = split_class(error)?;
    let is_call = rest.starts_with('(');
    let is_prefix = rest.starts_with(':') && (class.ends_with("Error") || class.ends_with("Exception"));
    (is_call || is_prefix).then(|| class.to_owned())
}

/// LangChain in JavaScript sends the message, then the stack, which has the class and the message once more.
fn stack_error(error: &str) -> Option<String> {
    let mut gaps = error.match_indices("\n\n").take(MAX_PARAGRAPHS);
    gaps.find_map(|(at, gap)| {
        let (message, stack) = error.split_at(at);
        let (class, rest) = split_class(stack.strip_prefix(gap)?)?;
        rest.strip_prefix(": ")?.starts_with(message).then(|| class.to_owned())
    })
}

/// A word that can be the name of a class, and what follows it.
fn split_class(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.')?;
    let (class, rest) = text.split_at(end);
    (class.starts_with(char::is_alphabetic) && class.len() <= 200).then_some((class, rest))
}

/// The text of a string, or the JSON of anything else.
fn plain_text(json: &Json<'_>) -> String {
    json.as_text().map_or_else(|| json.to_text(), |text| text.decode().into_owned())
}

fn map_events(draft: &mut Draft, members: &Members<'_>) {
    let Some(json) = members.json("events") else { return };
    let Some(items) = json.items() else {
        draft.issue(IssueKind::Unusable, "events", "it is no list");
        draft.run.attributes.insert("langsmith.events".to_owned(), JsonText::from_trusted(json.to_text()));
        return;
    };
    let fallback = draft.run.start_time.unwrap_or(draft.run.received_at);
    let mut first_token = None;
    for item in items {
        let name = item.get("name").map(plain_text).unwrap_or_default();
        let time = item.get("time").and_then(order::read_time);
        if name == "new_token" && time.is_some() {
            first_token = first_token.min(time).or(time);
        }
        draft.run.events.push(RunEvent {
            time: time.unwrap_or(fallback),
            name,
            attributes: event_attributes(item),
        });
    }
    draft.set_source("run:events");
    draft.take_first_token_time(first_token);
}

/// What an event says beside its name and time; `kwargs` are spread out.
fn event_attributes(event: &Json<'_>) -> std::collections::BTreeMap<String, JsonText> {
    let mut attributes = std::collections::BTreeMap::new();
    for (name, value) in event.members().unwrap_or_default() {
        let name = name.decode();
        match (name.as_ref(), value.members()) {
            ("name", _) => {}
            ("time", _) if order::read_time(value).is_some() => {}
            ("kwargs", Some(kwargs)) => {
                attributes.extend(kwargs.iter().map(|(name, value)| {
                    (name.decode().into_owned(), JsonText::from_trusted(value.to_text()))
                }))
            }
            _ if value.is_null() => {}
            _ => drop(attributes.insert(name.into_owned(), JsonText::from_trusted(value.to_text()))),
        }
    }
    attributes
}

/// Members that the run has in other places, and those that mean nothing to anyone.
const MAPPED: &[&str] = &[
    "id",
    "trace_id",
    "parent_run_id",
    "dotted_order",
    "session_name",
    "session_id",
    "address",
    "name",
    "run_type",
    "start_time",
    "end_time",
    "error",
    "tags",
    "inputs",
    "outputs",
    "events",
    "extra",
    "reference_example_id",
    "serialized",
    "child_runs",
    "execution_order",
    "child_execution_order",
    "status",
];

fn keep_the_rest(draft: &mut Draft, members: &Members<'_>) {
    for (name, raw) in members.iter() {
        let is_blank = || matches!(raw.trim(), "null" | "{}" | "[]" | "\"\"");
        if !MAPPED.contains(&name) && !is_blank() {
            let value = parse(raw).map(|json| json.to_text()).unwrap_or_else(|_| raw.to_owned());
            draft.run.attributes.insert(format!("langsmith.{name}"), JsonText::from_trusted(value));
        }
    }
    if let Some(json) = members.json("serialized").filter(|json| !json.is_blank()) {
        draft.run.attributes.insert(SERIALIZED.to_owned(), JsonText::from_trusted(json.to_text()));
    }
}

/// `lrn:agents/{agent}/environments/{environment}`: the agent is the project.
fn read_address(address: &str) -> Option<(String, String)> {
    let (agent, environment) = address.strip_prefix("lrn:agents/")?.split_once("/environments/")?;
    let is_usable = !agent.is_empty() && !environment.is_empty();
    is_usable.then(|| (agent.to_owned(), environment.to_owned()))
}

#[cfg(test)]
mod tests;
