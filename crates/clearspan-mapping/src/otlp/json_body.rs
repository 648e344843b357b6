//! OTLP/JSON to OTLP structs, tolerantly: senders disagree about how they write integers, enums and
//! absent values. A field that cannot be read counts as absent, so a bad span costs only itself: without
//! usable ids the mapping rejects it by name.

mod metrics;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::ExportLogsServiceRequest;
use crate::json::Json;

pub(super) use metrics::read_metrics;

pub(super) fn read_logs(json: &Json<'_>) -> ExportLogsServiceRequest {
    let resource_logs = list(json, "resourceLogs", |json| ResourceLogs {
        resource: json.get("resource").map(resource),
        scope_logs: list(json, "scopeLogs", |json| ScopeLogs {
            scope: json.get("scope").map(scope),
            log_records: list(json, "logRecords", log_record),
            schema_url: text(json, "schemaUrl"),
        }),
        schema_url: text(json, "schemaUrl"),
    });
    ExportLogsServiceRequest { resource_logs }
}

fn resource(json: &Json<'_>) -> Resource {
    Resource { attributes: attributes(json), ..Resource::default() }
}

fn scope(json: &Json<'_>) -> InstrumentationScope {
    InstrumentationScope {
        name: text(json, "name"),
        version: text(json, "version"),
        attributes: attributes(json),
        dropped_attributes_count: count(json, "droppedAttributesCount"),
    }
}

fn log_record(json: &Json<'_>) -> LogRecord {
    LogRecord {
        time_unix_nano: nanos(json, "timeUnixNano"),
        observed_time_unix_nano: nanos(json, "observedTimeUnixNano"),
        severity_number: integer(json, "severityNumber").and_then(|n| n.try_into().ok()).unwrap_or(0),
        severity_text: text(json, "severityText"),
        body: json.get("body").map(any_value),
        attributes: attributes(json),
        dropped_attributes_count: count(json, "droppedAttributesCount"),
        flags: count(json, "flags"),
        trace_id: id(json, "traceId"),
        span_id: id(json, "spanId"),
        event_name: text(json, "eventName"),
    }
}

/// The member under its name, or under the snake-case name that `protojson` also accepts. Null is absent.
fn member<'j, 'a>(json: &'j Json<'a>, name: &str) -> Option<&'j Json<'a>> {
    json.first(&[name]).or_else(|| {
        let mut snake = String::with_capacity(name.len() + 4);
        for letter in name.chars() {
            if letter.is_ascii_uppercase() {
                snake.push('_');
            }
            snake.push(letter.to_ascii_lowercase());
        }
        if snake == name { None } else { json.first(&[&snake]) }
    })
}

fn list<T>(json: &Json<'_>, name: &str, read: impl FnMut(&Json<'_>) -> T) -> Vec<T> {
    member(json, name).and_then(Json::items).unwrap_or_default().iter().map(read).collect()
}

fn text(json: &Json<'_>, name: &str) -> String {
    member(json, name).and_then(Json::as_text).map(|text| text.decode().into_owned()).unwrap_or_default()
}

fn integer(json: &Json<'_>, name: &str) -> Option<i64> {
    member(json, name).and_then(read_integer)
}

/// An integer as a number or a string; `1e3` and `5.0` count when they are whole.
fn read_integer(json: &Json<'_>) -> Option<i64> {
    let digits = match json {
        Json::Number(digits) => digits,
        Json::String(text) => text.simple().trim(),
        _ => return None,
    };
    digits.parse().ok().or_else(|| {
        let number: f64 = digits.parse().ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and far inside the range")]
        (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
    })
}

fn nanos(json: &Json<'_>, name: &str) -> u64 {
    member(json, name).map_or(0, read_unsigned)
}

fn read_unsigned(value: &Json<'_>) -> u64 {
    let unsigned = match value {
        Json::Number(digits) => digits.parse().ok(),
        Json::String(text) => text.simple().trim().parse().ok(),
        _ => None,
    };
    // A JavaScript number of nanoseconds may come as 1.7e18.
    unsigned.or_else(|| read_float(value).filter(|n| *n >= 0.0).map(float_to_nanos)).unwrap_or(0)
}

fn float_to_nanos(number: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, as wanted")]
    {
        number as u64
    }
}

fn count(json: &Json<'_>, name: &str) -> u32 {
    integer(json, name).and_then(|number| number.try_into().ok()).unwrap_or(0)
}

fn enumeration(json: &Json<'_>, name: &str, prefix: &str, names: &[&str]) -> i32 {
    let Some(value) = member(json, name) else { return 0 };
    if let Some(number) = read_integer(value) {
        return number.try_into().unwrap_or(0);
    }
    let word = value.as_simple().unwrap_or_default();
    let word = word.strip_prefix(prefix).unwrap_or(word);
    names.iter().position(|name| *name == word).and_then(|idx| idx.try_into().ok()).unwrap_or(0)
}

/// Hexadecimal digits to bytes. Anything else keeps its raw text, whose length no id has, so that the
/// mapping rejects the span instead of taking it for a root.
fn id(json: &Json<'_>, name: &str) -> Vec<u8> {
    let Some(text) = member(json, name).and_then(Json::as_simple) else { return Vec::new() };
    read_hex(text).unwrap_or_else(|| format!("not hexadecimal: {text}").into_bytes())
}

fn read_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|value| value.try_into().ok()))
        .collect::<Option<_>>()?;
    let (pairs, odd) = digits.as_chunks::<2>();
    odd.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

fn attributes(json: &Json<'_>) -> Vec<KeyValue> {
    list(json, "attributes", key_value)
}

fn key_value(json: &Json<'_>) -> KeyValue {
    KeyValue { key: text(json, "key"), value: json.get("value").map(any_value), ..KeyValue::default() }
}

fn any_value(json: &Json<'_>) -> AnyValue {
    AnyValue { value: json.members().and_then(|_| read_value(json)) }
}

fn read_value(json: &Json<'_>) -> Option<Value> {
    if let Some(value) = member(json, "stringValue") {
        let text = value.as_text().map_or_else(|| value.to_text(), |text| text.decode().into_owned());
        return Some(Value::StringValue(text));
    }
    if let Some(value) = member(json, "intValue") {
        return read_integer(value).map(Value::IntValue);
    }
    if let Some(value) = member(json, "doubleValue") {
        return read_float(value).map(Value::DoubleValue);
    }
    if let Some(value) = member(json, "boolValue") {
        return value.as_bool().map(Value::BoolValue);
    }
    if let Some(value) = member(json, "arrayValue") {
        return Some(Value::ArrayValue(ArrayValue { values: list(value, "values", any_value) }));
    }
    if let Some(value) = member(json, "kvlistValue") {
        return Some(Value::KvlistValue(KeyValueList { values: list(value, "values", key_value) }));
    }
    let bytes = member(json, "bytesValue")?.as_text()?.decode();
    STANDARD.decode(bytes.as_bytes()).ok().map(Value::BytesValue)
}

fn read_float(json: &Json<'_>) -> Option<f64> {
    match json {
        Json::Number(digits) => digits.parse().ok(),
        // `NaN`, `Infinity` and `-Infinity` travel as strings, and so may any number.
        Json::String(text) => text.simple().parse().ok(),
        _ => None,
    }
}
