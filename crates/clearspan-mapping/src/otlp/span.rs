//! Spans to runs.

use std::collections::BTreeMap;

use clearspan_model::{
    JsonText, Link, ProjectId, Rank, Run, RunEvent, RunId, RunKey, Status, UnixNanos, Version, Versions, WorkspaceId,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, span};

use super::ids::{parse_ids, parse_span_id, shorten};
use super::value::attribute_texts;
use super::{ExportTraceServiceRequest, MapContext, Mapped, MappedRun};

/// Maps every span of a request. Spans without usable ids are rejected by name.
pub fn map_traces(request: ExportTraceServiceRequest, ctx: &MapContext) -> Mapped {
    let mut mapped = Mapped::default();
    for resource_spans in request.resource_spans {
        let resource = attribute_texts(resource_spans.resource.map(|r: Resource| r.attributes).unwrap_or_default());
        for scope_spans in resource_spans.scope_spans {
            for span in scope_spans.spans {
                match map_span(span, &resource, ctx) {
                    Ok(run) => mapped.runs.push(run),
                    Err(reason) => mapped.reject(1, reason),
                }
            }
        }
    }
    mapped
}

fn map_span(span: Span, resource: &BTreeMap<String, JsonText>, ctx: &MapContext) -> Result<MappedRun, String> {
    let refuse = |why: String| format!("span \"{}\": {why}", shorten(&span.name));
    let (trace_id, span_id) = parse_ids(&span.trace_id, &span.span_id).map_err(refuse)?;
    let key = RunKey {
        workspace_id: WorkspaceId::NIL,
        project_id: ProjectId::NIL,
        trace_id,
        run_id: RunId::from_span_id(span_id),
    };
    let mut run = Run::new(key, ctx.received_at);
    run.versions = Versions::all(Version::new(Rank::Span, ctx.received_at));
    run.span_id = Some(span_id);
    run.parent_run_id = parse_span_id(&span.parent_span_id).ok().map(RunId::from_span_id);
    run.start_time = time(span.start_time_unix_nano);
    run.end_time = time(span.end_time_unix_nano);
    run.status = Some(if run.end_time.is_some() { Status::Success } else { Status::Pending });
    if let Some(status) = span.status
        && status.code == StatusCode::Error as i32
    {
        run.status = Some(Status::Error);
        run.error = Some(status.message);
    }
    run.name = Some(span.name);
    run.attributes = attribute_texts(span.attributes);
    run.resource = resource.clone();
    run.events = span.events.into_iter().map(map_event).collect();
    run.events.sort();
    run.links = span.links.into_iter().filter_map(map_link).collect();
    run.links.sort();
    Ok(MappedRun { project: None, run })
}

fn map_event(event: span::Event) -> RunEvent {
    RunEvent {
        time: UnixNanos::from_otlp(event.time_unix_nano),
        name: event.name,
        attributes: attribute_texts(event.attributes),
    }
}

fn map_link(link: span::Link) -> Option<Link> {
    let (trace_id, span_id) = parse_ids(&link.trace_id, &link.span_id).ok()?;
    Some(Link { trace_id, span_id, attributes: attribute_texts(link.attributes) })
}

/// OTLP's zero means that the time is not known.
fn time(nanos: u64) -> Option<UnixNanos> {
    (nanos > 0).then(|| UnixNanos::from_otlp(nanos))
}
