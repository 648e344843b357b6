//! Requests to send: spans as both encodings write them, and packed bodies.

use std::io::Write;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use serde_json::{Value, json};

use crate::telemetry::{START, hex};

/// A trace of one span, told apart by its number, which must not be 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OneSpan(pub(crate) u32);

impl OneSpan {
    pub(crate) fn name(self) -> String {
        format!("span {}", self.0)
    }

    /// As hexadecimal digits.
    pub(crate) fn trace_id(self) -> String {
        hex(&self.trace_bytes())
    }

    pub(crate) fn trace_bytes(self) -> [u8; 16] {
        (0x0af7_6519_u128 << 96 | u128::from(self.0)).to_be_bytes()
    }

    pub(crate) fn span_bytes(self) -> [u8; 8] {
        u64::from(self.0).to_be_bytes()
    }

    pub(crate) fn otlp(self) -> Span {
        Span {
            trace_id: self.trace_bytes().to_vec(),
            span_id: self.span_bytes().to_vec(),
            name: self.name(),
            kind: 3,
            start_time_unix_nano: START,
            end_time_unix_nano: START + 1_500_000,
            attributes: vec![
                text("gen_ai.operation.name", "chat"),
                text("gen_ai.request.model", "gpt-4o-mini"),
            ],
            ..Span::default()
        }
    }

    pub(crate) fn otlp_json(self) -> Value {
        json!({
            "traceId": self.trace_id(),
            "spanId": hex(&self.span_bytes()),
            "name": self.name(),
            "kind": 3,
            "startTimeUnixNano": START.to_string(),
            "endTimeUnixNano": (START + 1_500_000).to_string(),
            "attributes": [
                {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
                {"key": "gen_ai.request.model", "value": {"stringValue": "gpt-4o-mini"}}
            ],
        })
    }

    /// A request with nothing but this span.
    pub(crate) fn protobuf(self) -> Bytes {
        protobuf(vec![self.otlp()])
    }

    /// The same in JSON.
    pub(crate) fn json(self) -> Bytes {
        json_body(vec![self.otlp_json()])
    }
}

pub(crate) fn protobuf(spans: Vec<Span>) -> Bytes {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec().into()
}

pub(crate) fn json_body(spans: Vec<Value>) -> Bytes {
    json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).to_string().into()
}

/// A request without spans that is exactly so long: it carries a field that nobody knows.
pub(crate) fn padding(length: usize) -> Vec<u8> {
    // Field 100 with a length; a tag of two bytes, and as many for the length as it takes to be four.
    let mut body = vec![0xa2, 0x06];
    let content = length - 6;
    assert!((1 << 21..1 << 28).contains(&content), "the length must be written in four bytes");
    body.extend((0..4).map(|idx| {
        let more = if idx < 3 { 0x80 } else { 0 };
        u8::try_from(content >> (7 * idx) & 0x7f).expect("seven bits") | more
    }));
    body.resize(length, 0);
    body
}

pub(crate) fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).expect("memory takes everything");
    encoder.finish().expect("memory takes everything").into()
}

pub(crate) fn zstd(body: &[u8]) -> Bytes {
    zstd::encode_all(body, 1).expect("memory takes everything").into()
}

pub(crate) fn text(key: &str, value: &str) -> KeyValue {
    let value = any_value::Value::StringValue(value.to_owned());
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
