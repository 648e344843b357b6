//! OTLP/JSON as the JavaScript exporter writes it: lower-case hexadecimal ids, numbers for enums and integers,
//! text for times.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span, span::Event};
use serde_json::{Value, json};

/// The body of an export request.
pub(super) fn export_request(resource_spans: &[ResourceSpans]) -> Value {
    let resource_spans: Vec<_> = resource_spans
        .iter()
        .map(|resource_spans| {
            let resource = resource_spans.resource.as_ref().map_or(&[][..], |r| &r.attributes);
            let scope_spans: Vec<_> = resource_spans
                .scope_spans
                .iter()
                .map(|scope_spans| {
                    let scope = scope_spans.scope.as_ref();
                    json!({
                        "scope": {"name": scope.map(|s| &s.name), "version": scope.map(|s| &s.version)},
                        "spans": scope_spans.spans.iter().map(span).collect::<Vec<_>>(),
                    })
                })
                .collect();
            json!({"resource": {"attributes": attributes(resource)}, "scopeSpans": scope_spans})
        })
        .collect();
    json!({ "resourceSpans": resource_spans })
}

fn span(span: &Span) -> Value {
    let mut out = json!({
        "traceId": hex(&span.trace_id),
        "spanId": hex(&span.span_id),
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": span.start_time_unix_nano.to_string(),
        "endTimeUnixNano": span.end_time_unix_nano.to_string(),
        "attributes": attributes(&span.attributes),
        "droppedAttributesCount": 0,
        "events": span.events.iter().map(event).collect::<Vec<_>>(),
        "links": [],
        "status": {"code": 0},
    });
    if !span.parent_span_id.is_empty() {
        out["parentSpanId"] = json!(hex(&span.parent_span_id));
    }
    if let Some(status) = &span.status {
        out["status"] = json!({"code": status.code, "message": status.message});
    }
    out
}

fn event(event: &Event) -> Value {
    json!({
        "name": event.name,
        "timeUnixNano": event.time_unix_nano.to_string(),
        "attributes": attributes(&event.attributes),
        "droppedAttributesCount": 0,
    })
}

fn attributes(attributes: &[KeyValue]) -> Value {
    attributes
        .iter()
        .map(|a| json!({"key": a.key, "value": a.value.as_ref().map_or(json!({}), any)}))
        .collect()
}

fn any(value: &AnyValue) -> Value {
    use any_value::Value::{ArrayValue, BoolValue, DoubleValue, IntValue, StringValue};
    match &value.value {
        Some(StringValue(text)) => json!({"stringValue": text}),
        Some(BoolValue(flag)) => json!({"boolValue": flag}),
        Some(IntValue(number)) => json!({"intValue": number}),
        Some(DoubleValue(number)) => json!({"doubleValue": number}),
        Some(ArrayValue(array)) => {
            json!({"arrayValue": {"values": array.values.iter().map(any).collect::<Vec<_>>()}})
        }
        // The stories use no other kind of value.
        _ => json!({}),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
