//! Spans to runs.

use std::collections::BTreeMap;

use clearspan_model::{
    IssueKind, JsonText, Link, MapIssue, Name, ProjectId, Rank, Resource, Run, RunId, RunKey, RunType,
    Sender, Sources, Status, UnixNanos, Version, Versions, WorkspaceId,
};

use super::events::{is_model_event, map_events};
use super::ids::{parse_ids, parse_span_id};
use super::value::attribute_texts;
use super::view::{LinkView, Pairs, ScopeView, SpanView};
use super::{MapContext, ProjectRef, room};
use crate::dialects::{TABLE, implied_type, label_of};
use crate::engine::{Attributes, Draft, Remembered};

/// Where spans and log records come from: what a resource and a scope tell about each of theirs.
#[derive(Debug, Clone, Default)]
pub(super) struct Origin {
    /// The project that all of them want, unless they say otherwise.
    pub(super) project: Option<ProjectRef>,
    resource: Resource,
    service: Option<String>,
    release: Option<String>,
    environment: Option<String>,
    scope_name: Option<String>,
    scope_version: Option<String>,
    scope_attributes: BTreeMap<String, JsonText>,
    /// What had to be repaired in the resource and the scope.
    issues: Vec<MapIssue>,
    /// Where the texts above came from.
    sources: Sources,
    /// What the resource takes in memory.
    bytes: usize,
}

impl Origin {
    pub(super) fn of_resource(attributes: Pairs<'_>, issues: Vec<MapIssue>) -> Self {
        let resource = attribute_texts(attributes);
        let text = |key: &str| resource.get(key).map(JsonText::to_plain).filter(|text| !text.is_empty());
        let mut this = Self {
            project: project_of(|key| resource.get(key).map(JsonText::to_plain)),
            service: text("service.name"),
            release: text("service.version"),
            environment: text("deployment.environment.name").or_else(|| text("deployment.environment")),
            bytes: room::map_bytes(&resource),
            resource: resource.into(),
            issues,
            ..Self::default()
        };
        let sources = [
            ("service", this.service.is_some(), "resource:service.name"),
            ("release", this.release.is_some(), "resource:service.version"),
            ("environment", this.environment.is_some(), this.environment_source()),
        ];
        let known = sources.into_iter().filter(|(_, is_known, _)| *is_known);
        this.sources =
            known.map(|(field, _, source)| (Name::Borrowed(field), Name::Borrowed(source))).collect();
        this
    }

    pub(super) fn with_scope(&self, scope: ScopeView<'_>, issues: Vec<MapIssue>) -> Self {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Self {
            scope_name: some(scope.name),
            scope_version: some(scope.version),
            scope_attributes: attribute_texts(scope.attributes),
            issues: self.issues.iter().cloned().chain(issues).collect(),
            ..self.clone()
        }
    }

    /// What it takes in memory. Each run is charged with it: they share it here, but each has its own on disk.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What had to be repaired in the resource and the scope.
    pub(super) fn issues(&self) -> &[MapIssue] {
        &self.issues
    }

    fn environment_source(&self) -> &'static str {
        if self.resource.contains_key("deployment.environment.name") {
            "resource:deployment.environment.name"
        } else {
            "resource:deployment.environment"
        }
    }

    /// The same for what is no run.
    pub(super) fn sender(&self) -> Sender {
        Sender {
            service: self.service.clone(),
            scope_name: self.scope_name.clone(),
            scope_version: self.scope_version.clone(),
            resource: self.resource.clone().into_map(),
        }
    }

    /// Tells a run where it comes from.
    pub(super) fn describe(&self, run: &mut Run) {
        run.resource.clone_from(&self.resource);
        run.service.clone_from(&self.service);
        run.release.clone_from(&self.release);
        run.environment.clone_from(&self.environment);
        run.sources.clone_from(&self.sources);
        run.scope_name.clone_from(&self.scope_name);
        run.scope_version.clone_from(&self.scope_version);
    }
}

/// The project that some attributes name.
pub(super) fn project_of(get: impl Fn(&str) -> Option<String>) -> Option<ProjectRef> {
    let id = get("langsmith.trace.session_id").and_then(|text| text.trim().parse().ok());
    let names = ["langsmith.trace.session_name", "openinference.project.name"];
    let name = || names.iter().find_map(|key| get(key).filter(|name| !name.trim().is_empty()));
    id.map(ProjectRef::Id).or_else(|| name().map(ProjectRef::Name))
}

/// The run of a span or log record, of which its key is known. The store's ids are filled in later.
pub(super) fn new_run(
    (trace_id, span_id): (clearspan_model::TraceId, clearspan_model::SpanId),
    rank: Rank,
    ctx: &MapContext<'_>,
) -> Box<Run> {
    let run_id = RunId::from_span_id(span_id);
    let key = RunKey { workspace_id: WorkspaceId::NIL, project_id: ProjectId::NIL, trace_id, run_id };
    let mut run = Box::new(Run::new(key, ctx.received_at));
    run.versions = Versions::all(Version::new(rank, ctx.received_at));
    run.span_id = Some(span_id);
    run
}

/// Maps one span; `issues` tells what was met while reading it. A span without usable ids is refused.
pub(super) fn map_span<'a>(
    span: SpanView<'a>,
    origin: &Origin,
    issues: Vec<MapIssue>,
    ctx: &MapContext<'a>,
    remembered: Option<&'a Remembered<'a>>,
) -> Result<(Option<ProjectRef>, Box<Run>), String> {
    let ids = parse_ids(span.trace_id, span.span_id)?;
    let mut run = new_run(ids, Rank::Span, ctx);
    origin.describe(&mut run);
    run.issues = issues;
    run.issues.extend_from_slice(&origin.issues);
    run.start_time = time(span.start);
    run.end_time = time(span.end);
    run.name = Some(span.name.to_owned());
    let mut draft = Draft::beside(run, remembered);
    map_parent(&mut draft, span.parent_span_id);
    check_times(&mut draft, &span, ctx);
    let has_model_event = span.events.iter().any(|event| is_model_event(event.name));
    let issues = &mut draft.run.issues;
    let mut attributes = match remembered {
        Some(remembered) => Attributes::of_span(span.attributes, remembered, ctx.rules, issues),
        None => Attributes::new(span.attributes, &TABLE, ctx.rules, issues),
    };
    let scope = origin.scope_name.as_deref().unwrap_or_default();
    draft.run.dialect = label_of(attributes.telling(), scope).map(str::to_owned);
    draft.apply_rows(&mut attributes, |draft| {
        if let Some(run_type) = implied_type(span.name, scope) {
            draft.set_source(FROM_NAME);
            draft.offer_type(type_strength(FROM_NAME), run_type);
        }
        if has_model_event {
            draft.set_source(FROM_EVENTS);
            draft.offer_type(type_strength(FROM_EVENTS), RunType::Llm);
        }
    });
    map_events(&mut draft, span.events);
    draft.run.attributes = attributes.into_rest();
    draft.run.attributes.extend(
        origin.scope_attributes.iter().map(|(key, value)| (format!("otel.scope.{key}"), value.clone())),
    );
    map_kind(&mut draft, span.kind);
    map_trace_state(&mut draft, span.trace_state);
    map_status(&mut draft, span.status_code, span.status_message);
    map_links(&mut draft, span.links);
    for (field, count) in ["attributes", "events", "links"].into_iter().zip(span.dropped) {
        if count > 0 {
            draft.issue(IssueKind::Truncated, field, format!("the sender left out {count} {field}"));
        }
    }
    let (project, run) = draft.finish_beside(remembered);
    Ok((project.or_else(|| origin.project.clone()), run))
}

/// How strong a type is that follows from the span's name (weaker than every attribute that tells a type,
/// stronger than the presence of others), and from its events.
pub(crate) fn type_strength(source: &str) -> u8 {
    match source {
        FROM_NAME => 15,
        FROM_EVENTS => 50,
        // Event or log record: only where the span says nothing.
        _ => u8::MAX,
    }
}

const FROM_NAME: &str = "span:name";
const FROM_EVENTS: &str = "span:events";

fn map_parent(draft: &mut Draft, parent: &[u8]) {
    match parse_span_id(parent) {
        Ok(id) => draft.run.parent_run_id = Some(RunId::from_span_id(id)),
        // Roots have no parent, or a zero one.
        Err(_) if parent.iter().all(|byte| *byte == 0) => {}
        Err(why) => draft.issue(IssueKind::Unusable, "parent_span_id", why),
    }
}

/// Times that cannot be are kept and told: clocks that are wrong, milliseconds for nanoseconds.
fn check_times(draft: &mut Draft, span: &SpanView<'_>, ctx: &MapContext<'_>) {
    const DAY: u64 = 86_400_000_000_000;
    // Spans of another century come from a wrong unit; every clock that was ever set is past it.
    const YEAR_2000: u64 = 10_957 * DAY;
    let now = u64::try_from(ctx.received_at.as_nanos()).unwrap_or(0);
    for (field, nanos) in [("start_time", span.start), ("end_time", span.end)] {
        if nanos == 0 {
            continue;
        }
        if nanos < YEAR_2000 {
            draft.issue(IssueKind::Conflict, field, "it is before the year 2000; were other units sent?");
        } else if now > YEAR_2000 && nanos > now.saturating_add(DAY) {
            draft.issue(IssueKind::Conflict, field, "it is more than a day in the future");
        }
    }
    if span.end != 0 && span.end < span.start {
        draft.issue(IssueKind::Conflict, "end_time", "it is before the start; the duration counts as zero");
    }
}

/// The kind has no field of its own; only uncommon values are worth keeping.
fn map_kind(draft: &mut Draft, kind: i32) {
    const KINDS: &[&str] = &["", "", "server", "client", "producer", "consumer"];
    let text = match usize::try_from(kind).ok().and_then(|idx| KINDS.get(idx)) {
        Some(&"") => return,
        Some(kind) => JsonText::from_string(kind),
        None => {
            draft.issue(IssueKind::Unusable, "kind", format!("{kind} is no kind of span"));
            JsonText::from_trusted(kind.to_string())
        }
    };
    draft.run.attributes.entry("otel.span.kind".to_owned()).or_insert(text);
}

/// As much of a trace state as a person or a program reads: the standard promises 512 bytes.
const MAX_TRACE_STATE: usize = 8 << 10;

fn map_trace_state(draft: &mut Draft, trace_state: &str) {
    if trace_state.is_empty() {
        return;
    }
    let kept = if trace_state.len() > MAX_TRACE_STATE {
        let message = format!(
            "it has {} bytes; whole entries of the first {MAX_TRACE_STATE} were kept",
            trace_state.len()
        );
        draft.issue(IssueKind::Truncated, "trace_state", message);
        let start = &trace_state.as_bytes()[..MAX_TRACE_STATE];
        let end = start.iter().rposition(|byte| *byte == b',').unwrap_or(0);
        trace_state.get(..end).unwrap_or_default()
    } else {
        trace_state
    };
    let text = JsonText::from_string(kept);
    draft.run.attributes.entry("otel.trace_state".to_owned()).or_insert(text);
}

fn map_status(draft: &mut Draft, code: i32, message: &str) {
    const ERROR: i32 = 2;
    let ended = draft.run.end_time.is_some();
    draft.run.status = Some(if ended { Status::Success } else { Status::Pending });
    if !(0..=ERROR).contains(&code) {
        draft.issue(
            IssueKind::Unusable,
            "status",
            format!("{code} is no code of a status; it counts as unset"),
        );
    }
    if code != ERROR {
        return;
    }
    draft.failed = true;
    if !message.is_empty() {
        match &draft.run.error {
            None => {
                draft.set_source("span:status");
                draft.note("error");
                draft.run.error = Some(message.to_owned());
            }
            Some(error) if error.contains(message) => {}
            // Both say something; the exception is the stronger source.
            Some(_) => {
                let text = JsonText::from_string(message);
                draft.run.attributes.entry("otel.status.message".to_owned()).or_insert(text);
            }
        }
    }
}

fn map_links(draft: &mut Draft, links: Vec<LinkView<'_>>) {
    for link in links {
        match parse_ids(link.trace_id, link.span_id) {
            Ok((trace_id, span_id)) => {
                let attributes = attribute_texts(link.attributes);
                draft.run.links.push(Link { trace_id, span_id, attributes });
            }
            Err(why) => draft.issue(IssueKind::Unusable, "links", why),
        }
    }
}

/// OTLP's zero means that the time is not known.
fn time(nanos: u64) -> Option<UnixNanos> {
    (nanos > 0).then(|| UnixNanos::from_otlp(nanos))
}
