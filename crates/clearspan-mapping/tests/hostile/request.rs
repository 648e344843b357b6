//! Requests, well-formed and otherwise.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

/// A span that nothing is wrong with.
pub(crate) fn span(number: u8) -> Span {
    Span {
        trace_id: vec![7; 16],
        span_id: vec![number.max(1); 8],
        name: format!("span-{number}"),
        start_time_unix_nano: 1_795_000_000_000_000_000,
        end_time_unix_nano: 1_795_000_001_000_000_000,
        ..Span::default()
    }
}

pub(crate) fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

pub(crate) fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// A request with these spans.
pub(crate) fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }],
    }
}

pub(crate) fn with(change: impl FnOnce(&mut Span)) -> Vec<u8> {
    let mut changed = span(1);
    change(&mut changed);
    request(vec![changed]).encode_to_vec()
}

/// A field with a length.
pub(crate) fn field(number: u8, content: &[u8]) -> Vec<u8> {
    [tag(number, 2), varint(content.len() as u64), content.to_vec()].concat()
}

pub(crate) fn tag(number: u8, wire_type: u8) -> Vec<u8> {
    varint(u64::from(number) << 3 | u64::from(wire_type))
}

pub(crate) fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A field with a varint.
pub(crate) fn number(field: u8, value: u64) -> Vec<u8> {
    [tag(field, 0), varint(value)].concat()
}

/// A field with eight bytes.
pub(crate) fn fixed64(field: u8, value: u64) -> Vec<u8> {
    [tag(field, 1), value.to_le_bytes().to_vec()].concat()
}

/// An `AnyValue` of lists in lists.
pub(crate) fn deep_value() -> Vec<u8> {
    (0..1_000).fold(field(1, b"x"), |inner, _| field(5, &field(1, &inner)))
}

/// A request of spans that are written by hand.
pub(crate) fn raw_request(spans: &[Vec<u8>]) -> Vec<u8> {
    let spans: Vec<u8> = spans.iter().flat_map(|span| field(2, span)).collect();
    field(1, &field(2, &spans))
}

/// A good span with bytes after it.
pub(crate) fn raw_span(number: u8, more: &[u8]) -> Vec<u8> {
    [span(number).encode_to_vec(), more.to_vec()].concat()
}

/// JSON of a good span; `more` begins with a comma.
pub(crate) fn json_span(number: u8, more: &str) -> String {
    format!(
        r#"{{"traceId":"07070707070707070707070707070707","spanId":"{number:02x}01010101010101","name":"span-{number}","startTimeUnixNano":"1795000000000000000","endTimeUnixNano":"1795000001000000000"{more}}}"#
    )
}

pub(crate) fn json_request(spans: &[String]) -> String {
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, spans.join(","))
}
