//! A trace under construction: spans, their times relative to the trace's start, and ids.

use clearspan_model::{TraceId, UnixNanos};
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, any_value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, Status, span::Event, span::SpanKind, status::StatusCode,
};

use super::dialect::Dialect;
use super::rng::Rng;

/// Microseconds since the start of the trace.
pub(super) type Micros = u64;

pub(super) const fn ms(millis: u64) -> Micros {
    millis * 1_000
}

/// The process that sends a trace.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    service: String,
    release: String,
    environment: &'static str,
}

impl Origin {
    pub(super) fn new(service: &str, release: &str, environment: &'static str) -> Self {
        Self { service: service.to_owned(), release: release.to_owned(), environment }
    }
}

/// A span of a [`Trace`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SpanIdx(usize);

/// Why a span failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure<'a> {
    pub(super) kind: &'a str,
    pub(super) message: &'a str,
    /// A stack trace, where the failure began; callers above only report it.
    pub(super) stack: Option<&'a str>,
}

#[derive(Debug)]
pub(super) struct Trace {
    pub(super) dialect: Dialect,
    pub(super) rng: Rng,
    /// Attributes that the dialect repeats on every span (OpenLLMetry's association properties).
    pub(super) inherited: Vec<KeyValue>,
    trace_id: TraceId,
    origin: Origin,
    /// Their times are relative until [`Trace::place`].
    spans: Vec<Span>,
}

impl Trace {
    pub(super) fn new(dialect: Dialect, origin: Origin, mut rng: Rng) -> Self {
        let trace_id = TraceId::from_bytes(rng.bytes());
        Self { dialect, rng, inherited: Vec::new(), trace_id, origin, spans: Vec::new() }
    }

    pub(super) fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    pub(super) fn span(
        &mut self,
        parent: Option<SpanIdx>,
        name: impl Into<String>,
        start: Micros,
    ) -> SpanIdx {
        let parent_span_id = parent.map_or_else(Vec::new, |p| self.spans[p.0].span_id.clone());
        let at = start * 1_000;
        self.spans.push(Span {
            trace_id: self.trace_id.as_bytes().to_vec(),
            span_id: self.rng.bytes::<8>().to_vec(),
            parent_span_id,
            name: name.into(),
            kind: SpanKind::Internal as i32,
            start_time_unix_nano: at,
            end_time_unix_nano: at,
            attributes: self.inherited.clone(),
            flags: 256,
            ..Span::default()
        });
        SpanIdx(self.spans.len() - 1)
    }

    /// Marks a call that leaves the process.
    pub(super) fn outgoing(&mut self, span: SpanIdx) {
        self.spans[span.0].kind = SpanKind::Client as i32;
    }

    pub(super) fn end(&mut self, span: SpanIdx, at: Micros) {
        self.spans[span.0].end_time_unix_nano = at * 1_000;
    }

    pub(super) fn set(&mut self, span: SpanIdx, attributes: impl IntoIterator<Item = KeyValue>) {
        self.spans[span.0].attributes.extend(attributes);
    }

    pub(super) fn event(&mut self, span: SpanIdx, at: Micros, name: &str, attributes: Vec<KeyValue>) {
        let event = Event {
            time_unix_nano: at * 1_000,
            name: name.to_owned(),
            attributes,
            dropped_attributes_count: 0,
        };
        self.spans[span.0].events.push(event);
    }

    /// Ends the span with an exception.
    pub(super) fn fail(&mut self, span: SpanIdx, at: Micros, failure: Failure<'_>) {
        let mut attributes =
            vec![text("exception.type", failure.kind), text("exception.message", failure.message)];
        attributes.extend(failure.stack.map(|stack| text("exception.stacktrace", stack)));
        self.event(span, at, "exception", attributes);
        self.set(span, [text("error.type", failure.kind)]);
        self.end(span, at);
        let message = format!("{}: {}", failure.kind, failure.message);
        self.spans[span.0].status = Some(Status { message, code: StatusCode::Error as i32 });
    }

    /// Moves the trace on the clock so that its last span ends at `end`.
    pub(super) fn place(&mut self, end: UnixNanos) {
        let took = self.spans.iter().map(|span| span.end_time_unix_nano).max().unwrap_or(0);
        let start = u64::try_from(end.as_nanos()).unwrap_or(0).saturating_sub(took);
        for span in &mut self.spans {
            span.start_time_unix_nano += start;
            span.end_time_unix_nano += start;
            span.events.iter_mut().for_each(|event| event.time_unix_nano += start);
        }
    }

    /// When the first span began, in nanoseconds.
    pub(super) fn started_at(&self) -> u64 {
        self.spans.iter().map(|span| span.start_time_unix_nano).min().unwrap_or(0)
    }

    /// The finished trace in the order in which a batch exporter sends it: spans leave when they end, children first.
    pub(super) fn into_resource_spans(mut self) -> ResourceSpans {
        self.spans.sort_by_key(|span| span.end_time_unix_nano);
        let resource = Resource {
            attributes: vec![
                text("service.name", &self.origin.service),
                text("service.version", &self.origin.release),
                text("deployment.environment.name", self.origin.environment),
                text("telemetry.sdk.language", self.dialect.language()),
                text("telemetry.sdk.name", "opentelemetry"),
            ],
            ..Resource::default()
        };
        let (name, version) = self.dialect.scope();
        let scope = InstrumentationScope {
            name: name.to_owned(),
            version: version.to_owned(),
            ..InstrumentationScope::default()
        };
        ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![ScopeSpans { scope: Some(scope), spans: self.spans, ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        }
    }
}

fn attribute(key: impl Into<String>, value: any_value::Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

pub(super) fn text(key: impl Into<String>, value: impl Into<String>) -> KeyValue {
    attribute(key, any_value::Value::StringValue(value.into()))
}

pub(super) fn int(key: impl Into<String>, value: u64) -> KeyValue {
    attribute(key, any_value::Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)))
}

pub(super) fn double(key: impl Into<String>, value: f64) -> KeyValue {
    attribute(key, any_value::Value::DoubleValue(value))
}

pub(super) fn boolean(key: impl Into<String>, value: bool) -> KeyValue {
    attribute(key, any_value::Value::BoolValue(value))
}

pub(super) fn texts<'a>(key: impl Into<String>, values: impl IntoIterator<Item = &'a str>) -> KeyValue {
    let values = values
        .into_iter()
        .map(|v| AnyValue { value: Some(any_value::Value::StringValue(v.to_owned())) })
        .collect();
    attribute(key, any_value::Value::ArrayValue(ArrayValue { values }))
}
