//! What the requests of a golden case hold, read apart from the mapping: each attribute of each span, event and log
//! record, as JSON.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use prost::Message;
use serde_json::{Map, Value, json};

/// One attribute.
pub(crate) struct Sent {
    /// The hexadecimal span id; empty for log records without one.
    pub(crate) span: String,
    /// `span`, `event <name>` or `log`.
    pub(crate) place: String,
    pub(crate) key: String,
    pub(crate) value: Value,
}

/// The attributes of a body, by the name of its file: `req-001.traces.pb`, `req-002.logs.json`, ….
pub(crate) fn sent(name: &str, body: &[u8]) -> Vec<Sent> {
    let is_json = name.ends_with(".json");
    match name.split('.').nth(1) {
        Some("traces") if is_json => json_items(body, ["resourceSpans", "scopeSpans", "spans"], "span"),
        Some("logs") if is_json => json_items(body, ["resourceLogs", "scopeLogs", "logRecords"], "log"),
        Some("traces") => trace_items(&ExportTraceServiceRequest::decode(body).unwrap()),
        Some("logs") => log_items(&ExportLogsServiceRequest::decode(body).unwrap()),
        _ => Vec::new(),
    }
}

fn trace_items(request: &ExportTraceServiceRequest) -> Vec<Sent> {
    let mut out = Vec::new();
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    for span in scopes.flat_map(|scope| &scope.spans) {
        push_all(&mut out, &hex(&span.span_id), "span", &span.attributes);
        for event in &span.events {
            push_all(&mut out, &hex(&span.span_id), &format!("event {}", event.name), &event.attributes);
        }
    }
    out
}

fn log_items(request: &ExportLogsServiceRequest) -> Vec<Sent> {
    let mut out = Vec::new();
    let scopes = request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
    for record in scopes.flat_map(|scope| &scope.log_records) {
        push_all(&mut out, &hex(&record.span_id), "log", &record.attributes);
    }
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn push_all(out: &mut Vec<Sent>, span: &str, place: &str, attributes: &[KeyValue]) {
    for attribute in attributes {
        let value = attribute.value.as_ref().map_or(Value::Null, any_value);
        let key = attribute.key.clone();
        out.push(Sent { span: span.to_owned(), place: place.to_owned(), key, value });
    }
}

fn any_value(value: &AnyValue) -> Value {
    use any_value::Value as Any;
    match &value.value {
        None | Some(Any::StringValueStrindex(_) | Any::BytesValue(_)) => Value::Null,
        Some(Any::StringValue(text)) => json!(text),
        Some(Any::BoolValue(flag)) => json!(flag),
        Some(Any::IntValue(number)) => json!(number),
        Some(Any::DoubleValue(number)) => json!(number),
        Some(Any::ArrayValue(array)) => array.values.iter().map(any_value).collect(),
        Some(Any::KvlistValue(list)) => {
            let members = list.values.iter();
            let members = members
                .map(|member| (member.key.clone(), member.value.as_ref().map_or(Value::Null, any_value)));
            Value::Object(members.collect())
        }
    }
}

fn json_items(body: &[u8], path: [&str; 3], place: &str) -> Vec<Sent> {
    let body: Value = serde_json::from_slice(body).unwrap();
    let mut out = Vec::new();
    for resource in list(&body, path[0]) {
        for scope in list(resource, path[1]) {
            for item in list(scope, path[2]) {
                let span = item["spanId"].as_str().unwrap_or_default().to_lowercase();
                push_json(&mut out, &span, place, item);
                for event in list(item, "events") {
                    let place = format!("event {}", event["name"].as_str().unwrap_or_default());
                    push_json(&mut out, &span, &place, event);
                }
            }
        }
    }
    out
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn push_json(out: &mut Vec<Sent>, span: &str, place: &str, item: &Value) {
    for attribute in list(item, "attributes") {
        let key = attribute["key"].as_str().unwrap().to_owned();
        let value = json_value(&attribute["value"]);
        out.push(Sent { span: span.to_owned(), place: place.to_owned(), key, value });
    }
}

fn json_value(value: &Value) -> Value {
    let Some((kind, value)) = value.as_object().and_then(|members| members.iter().next()) else {
        return Value::Null;
    };
    match kind.as_str() {
        "intValue" => {
            value.as_str().map_or_else(|| value.clone(), |text| json!(text.parse::<i64>().unwrap()))
        }
        "arrayValue" => list(value, "values").iter().map(json_value).collect(),
        "kvlistValue" => {
            let members = list(value, "values").iter();
            let members: Map<String, Value> =
                members.map(|m| (m["key"].as_str().unwrap().to_owned(), json_value(&m["value"]))).collect();
            Value::Object(members)
        }
        "bytesValue" => Value::Null,
        _ => value.clone(),
    }
}
