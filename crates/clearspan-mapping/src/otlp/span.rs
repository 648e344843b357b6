//! Spans to runs.

use std::collections::BTreeMap;

use clearspan_model::{
    IssueKind, JsonText, Link, ProjectId, Rank, Run, RunId, RunKey, RunType, Sender, Status, UnixNanos,
    Version, Versions, WorkspaceId,
};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, span};

use super::events::{is_model_event, map_events};
use super::ids::{parse_ids, parse_span_id, shorten};
use super::value::attribute_texts;
use super::{ExportTraceServiceRequest, MapContext, Mapped, MappedRun, ProjectRef};
use crate::dialects::{TABLE, implied_type, label_of};
use crate::engine::{Attributes, Draft};

/// Maps every span of a request. Spans without usable ids are rejected by name.
pub fn map_traces(request: ExportTraceServiceRequest, ctx: &MapContext<'_>) -> Mapped {
    let mut mapped = Mapped::default();
    for resource_spans in request.resource_spans {
        let origin = Origin::of_resource(resource_spans.resource);
        for scope_spans in resource_spans.scope_spans {
            let origin = origin.with_scope(scope_spans.scope);
            for span in scope_spans.spans {
                match map_span(span, &origin, ctx) {
                    Ok(run) => mapped.runs.push(run),
                    Err(reason) => mapped.reject(1, reason),
                }
            }
        }
    }
    mapped
}

/// Where spans and log records come from: what a resource and a scope tell about each of theirs.
#[derive(Debug, Clone, Default)]
pub(super) struct Origin {
    /// The project that all of them want, unless they say otherwise.
    pub(super) project: Option<ProjectRef>,
    resource: BTreeMap<String, JsonText>,
    service: Option<String>,
    release: Option<String>,
    environment: Option<String>,
    scope_name: Option<String>,
    scope_version: Option<String>,
    scope_attributes: BTreeMap<String, JsonText>,
}

impl Origin {
    pub(super) fn of_resource(resource: Option<Resource>) -> Self {
        let resource = attribute_texts(resource.map(|resource| resource.attributes).unwrap_or_default());
        let text = |key: &str| resource.get(key).map(JsonText::to_plain).filter(|text| !text.is_empty());
        Self {
            project: project_of(|key| resource.get(key).map(JsonText::to_plain)),
            service: text("service.name"),
            release: text("service.version"),
            environment: text("deployment.environment.name").or_else(|| text("deployment.environment")),
            resource,
            ..Self::default()
        }
    }

    pub(super) fn with_scope(&self, scope: Option<InstrumentationScope>) -> Self {
        let scope = scope.unwrap_or_default();
        Self {
            scope_name: Some(scope.name).filter(|name| !name.is_empty()),
            scope_version: Some(scope.version).filter(|version| !version.is_empty()),
            scope_attributes: attribute_texts(scope.attributes),
            ..self.clone()
        }
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
            resource: self.resource.clone(),
        }
    }

    /// Tells a run where it comes from.
    pub(super) fn describe(&self, run: &mut Run) {
        run.resource.clone_from(&self.resource);
        run.service.clone_from(&self.service);
        run.release.clone_from(&self.release);
        run.environment.clone_from(&self.environment);
        for (field, is_known, source) in [
            ("service", self.service.is_some(), "resource:service.name"),
            ("release", self.release.is_some(), "resource:service.version"),
            ("environment", self.environment.is_some(), self.environment_source()),
        ] {
            if is_known {
                run.sources.note(field, source);
            }
        }
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
) -> Run {
    let run_id = RunId::from_span_id(span_id);
    let key = RunKey { workspace_id: WorkspaceId::NIL, project_id: ProjectId::NIL, trace_id, run_id };
    let mut run = Run::new(key, ctx.received_at);
    run.versions = Versions::all(Version::new(rank, ctx.received_at));
    run.span_id = Some(span_id);
    run
}

fn map_span(span: Span, origin: &Origin, ctx: &MapContext<'_>) -> Result<MappedRun, String> {
    let refuse = |why: String| format!("span \"{}\": {why}", shorten(&span.name));
    let ids = parse_ids(&span.trace_id, &span.span_id).map_err(refuse)?;
    let mut run = new_run(ids, Rank::Span, ctx);
    origin.describe(&mut run);
    run.start_time = time(span.start_time_unix_nano);
    run.end_time = time(span.end_time_unix_nano);
    run.dialect = label_of(
        span.attributes.iter().map(|attribute| attribute.key.as_str()),
        origin.scope_name.as_deref().unwrap_or_default(),
    )
    .map(str::to_owned);
    let name = span.name;
    run.name = Some(name.clone());
    let mut draft = Draft::new(run);
    map_parent(&mut draft, &span.parent_span_id);
    let has_model_event = span.events.iter().any(|event| is_model_event(&event.name));
    let mut attributes = Attributes::new(span.attributes, &TABLE, ctx.rules);
    draft.apply_rows(&mut attributes, |draft| {
        if let Some(run_type) = implied_type(&name) {
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
    map_kind(&mut draft, span.kind, span.trace_state);
    map_status(&mut draft, span.status);
    map_links(&mut draft, span.links);
    count_dropped(
        &mut draft,
        [
            ("attributes", span.dropped_attributes_count),
            ("events", span.dropped_events_count),
            ("links", span.dropped_links_count),
        ],
    );
    let (project, run) = draft.finish();
    Ok(MappedRun { project: project.or_else(|| origin.project.clone()), run })
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

/// The kind and the trace state have no field of their own; only uncommon values are worth keeping.
fn map_kind(draft: &mut Draft, kind: i32, trace_state: String) {
    const KINDS: &[&str] = &["", "", "server", "client", "producer", "consumer"];
    if let Some(kind) =
        usize::try_from(kind).ok().and_then(|idx| KINDS.get(idx)).filter(|kind| !kind.is_empty())
    {
        draft
            .run
            .attributes
            .entry("otel.span.kind".to_owned())
            .or_insert_with(|| JsonText::from_string(kind));
    }
    if !trace_state.is_empty() {
        let text = JsonText::from_string(&trace_state);
        draft.run.attributes.entry("otel.trace_state".to_owned()).or_insert(text);
    }
}

fn map_status(draft: &mut Draft, status: Option<opentelemetry_proto::tonic::trace::v1::Status>) {
    let ended = draft.run.end_time.is_some();
    draft.run.status = Some(if ended { Status::Success } else { Status::Pending });
    let Some(status) = status.filter(|status| status.code == StatusCode::Error as i32) else { return };
    draft.failed = true;
    if !status.message.is_empty() {
        match &draft.run.error {
            None => {
                draft.set_source("span:status");
                draft.note("error");
                draft.run.error = Some(status.message);
            }
            Some(error) if error.contains(&status.message) => {}
            // Both say something; the exception is the stronger source.
            Some(_) => {
                let text = JsonText::from_string(&status.message);
                draft.run.attributes.entry("otel.status.message".to_owned()).or_insert(text);
            }
        }
    }
}

fn map_links(draft: &mut Draft, links: Vec<span::Link>) {
    for link in links {
        match parse_ids(&link.trace_id, &link.span_id) {
            Ok((trace_id, span_id)) => {
                let attributes = attribute_texts(link.attributes);
                draft.run.links.push(Link { trace_id, span_id, attributes });
            }
            Err(why) => draft.issue(IssueKind::Unusable, "links", why),
        }
    }
}

fn count_dropped(draft: &mut Draft, counts: [(&str, u32); 3]) {
    for (field, count) in counts {
        if count > 0 {
            draft.issue(IssueKind::Truncated, field, format!("the sender left out {count} {field}"));
        }
    }
}

/// OTLP's zero means that the time is not known.
fn time(nanos: u64) -> Option<UnixNanos> {
    (nanos > 0).then(|| UnixNanos::from_otlp(nanos))
}
