//! Whatever arrives, mapping answers: every rule meets every kind of value.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use prost::Message;

use crate::dialects::TABLE;
use crate::otlp::{Encoding, MapContext, read_logs, read_traces};

/// Texts that rules look into.
const TEXTS: &[&str] = &[
    "",
    "chat",
    "TOOL",
    "null",
    "[]",
    "{}",
    "[[]]",
    "[null]",
    "\"x\"",
    "[{}]",
    "[[[{\"role\":1}]]]",
    "a=b,c",
    "ERROR",
    "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"tool_use\"},{\"type\":\"image\"},{\"text\":1}]}]}",
    "[{\"role\":\"assistant\",\"tool_calls\":[{},{\"id\":\"\"}],\"content\":{\"parts\":{}}}]",
    "{\"choices\":[{\"message\":null},{\"message\":{\"message\":{\"role\":\"x\"}}}]}",
    "{\"generations\":[[{\"text\":\"x\",\"message\":{\"lc\":1,\"id\":[],\"kwargs\":7}}]]}",
    "[{\"type\":\"function_call_output\"},{\"type\":\"reasoning\",\"summary\":[[[]]]}]",
    "{\"input_tokens\":-1,\"total_tokens\":1e400,\"input_token_details\":{\"cache_read\":\"x\"}}",
    "{'cache_read': 10}",
    "2026-11-21T01:54:01Z",
    "99999999999999999999",
    "1e999",
    "\u{0}\u{1b}\u{1f600}",
    "[{\"a\":",
];

fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        Just(None),
        select(TEXTS).prop_map(|text| Some(Value::StringValue(text.to_owned()))),
        ".{0,20}".prop_map(|text| Some(Value::StringValue(text))),
        any::<bool>().prop_map(|flag| Some(Value::BoolValue(flag))),
        any::<i64>().prop_map(|number| Some(Value::IntValue(number))),
        any::<f64>().prop_map(|number| Some(Value::DoubleValue(number))),
        vec(any::<u8>(), 0..9).prop_map(|bytes| Some(Value::BytesValue(bytes))),
        any::<i32>().prop_map(|number| Some(Value::StringValueStrindex(number))),
    ]
    .prop_map(|value| AnyValue { value });
    leaf.prop_recursive(5, 40, 5, |inner| {
        let names =
            select(&["role", "content", "type", "parts", "tool_calls", "message", "0", "text", "id"][..]);
        prop_oneof![
            vec(inner.clone(), 0..5)
                .prop_map(|values| AnyValue { value: Some(Value::ArrayValue(ArrayValue { values })) }),
            vec((names, inner), 0..5).prop_map(|members| {
                let values =
                    members.into_iter().map(|(key, value)| key_value(key.to_owned(), value)).collect();
                AnyValue { value: Some(Value::KvlistValue(KeyValueList { values })) }
            }),
        ]
    })
}

fn key_value(key: String, value: AnyValue) -> KeyValue {
    KeyValue { key, value: Some(value), ..KeyValue::default() }
}

/// A key that some rule reads, with an ending where the rule reads a family.
fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let endings =
        ["0.role", "0.content", "1.message.tool_calls.0.id", "x", "", "0", "0.document.content", "7.7.7"];
    let key = (select(TABLE.all_keys()), select(endings.to_vec()))
        .prop_map(|(key, ending)| if key.ends_with('.') { format!("{key}{ending}") } else { key.to_owned() });
    vec((key, any_value()).prop_map(|(key, value)| key_value(key, value)), 0..12)
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let names = select(
        &[
            "exception",
            "gen_ai.choice",
            "gen_ai.tool.message",
            "gen_ai.user.message",
            "gen_ai.content.prompt",
            "new_token",
            "db.query.result",
            "gen_ai.client.inference.operation.details",
            "other",
        ][..],
    );
    let keys = select(
        &["content", "message", "role", "id", "gen_ai.event.content", "exception.message", "tool_calls.0.id"]
            [..],
    );
    let attributes = vec((keys, any_value()).prop_map(|(key, value)| key_value(key.to_owned(), value)), 0..4);
    vec(
        (names, any::<u64>(), attributes).prop_map(|(name, time, attributes)| Event {
            name: name.to_owned(),
            time_unix_nano: time,
            attributes,
            ..Event::default()
        }),
        0..5,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn spans_are_mapped_whatever_they_hold(attributes in attributes(), events in events(), start in any::<u64>()) {
        let keys: Vec<_> = attributes.iter().map(|attribute| attribute.key.clone()).collect();
        let span = Span {
            trace_id: vec![1; 16], span_id: vec![2; 8], start_time_unix_nano: start, attributes, events, ..Span::default()
        };
        let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
        let request = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }],
        };
        let ctx = MapContext::at(clearspan_model::UnixNanos::from_nanos(1));
        let mapped = read_traces(&request.encode_to_vec(), Encoding::Protobuf, &ctx).unwrap();
        prop_assert_eq!(mapped.rejected(), 0);
        let run = &mapped.runs[0].run;
        // Everything that the run keeps is JSON, also what was copied piece by piece.
        let messages = run.inputs.messages.iter().chain(&run.outputs.messages);
        let rests = run.inputs.rest.iter().chain(&run.outputs.rest).chain(&run.invocation_params);
        for text in messages.chain(rests).chain(run.attributes.values()).chain(run.metadata.values()) {
            prop_assert!(serde_json::from_str::<&serde_json::value::RawValue>(text.as_str()).is_ok(), "{:?}", text);
        }
        prop_assert!(run.attributes.keys().all(|key| keys.contains(key)));
    }

    #[test]
    fn log_records_are_mapped_whatever_they_hold(
        attributes in attributes(), body in any_value(),
        name in select(&["gen_ai.choice", "gen_ai.user.message", "gen_ai.client.inference.operation.details", "x"][..]),
    ) {
        let record = LogRecord {
            trace_id: vec![1; 16], span_id: vec![2; 8], event_name: name.to_owned(), body: Some(body), attributes,
            ..LogRecord::default()
        };
        let scope_logs = vec![ScopeLogs { log_records: vec![record.clone(), record], ..ScopeLogs::default() }];
        let request = ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }],
        };
        let ctx = MapContext::at(clearspan_model::UnixNanos::from_nanos(1));
        let mapped = read_logs(&request.encode_to_vec(), Encoding::Protobuf, &ctx).unwrap();
        prop_assert_eq!((mapped.runs.len(), mapped.rejected()), (1, 0));
    }
}
