//! Rows 10 to 30 about what is inside of a span: it is stored, and what had to be changed is told.

use clearspan_mapping::otlp::Encoding::Protobuf;
use clearspan_model::{Run, Status};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::trace::v1::{self, Span};
use prost::Message;

use super::request::{attribute, field, raw_request, raw_span, request, span, tag, text, varint, with};
use crate::{issues, only, read};

fn run_of(change: impl FnOnce(&mut Span)) -> Run {
    only(read(&with(change), Protobuf).unwrap())
}

fn raw_run(more: &[u8]) -> Run {
    only(read(&raw_request(&[raw_span(1, more)]), Protobuf).unwrap())
}

const SANITIZED: &str = "not valid UTF-8; what cannot be read is U+FFFD now";

#[test]
fn row_10_text_that_is_not_utf_8() {
    let bad = b"a\xc3\x28\xff";
    let good = "a\u{fffd}(\u{fffd}";
    let value = |bytes: &[u8]| field(1, bytes);
    let key = raw_run(&field(9, &[field(1, bad), field(2, &value(b"v"))].concat()));
    assert_eq!(key.attributes[good].as_str(), "\"v\"");
    assert_eq!(issues(&key), [format!("sanitized {good}: {SANITIZED}")]);

    let in_value = raw_run(&field(9, &[field(1, b"k"), field(2, &value(bad))].concat()));
    assert_eq!(in_value.attributes["k"].as_str(), format!("\"{good}\""));
    assert_eq!(issues(&in_value), [format!("sanitized k: {SANITIZED}")]);

    let name = raw_run(&field(5, bad));
    assert_eq!(name.name.as_deref(), Some(good));
    assert_eq!(issues(&name), [format!("sanitized name: {SANITIZED}")]);

    let status = raw_run(&field(15, &[field(2, bad), tag(3, 0), varint(2)].concat()));
    assert_eq!(status.error.as_deref(), Some(good));
    assert_eq!(issues(&status), [format!("sanitized status.message: {SANITIZED}")]);

    let service = field(1, &[field(1, b"service.name"), field(2, &value(bad))].concat());
    let spans = field(2, &[field(2, &raw_span(1, &[])), field(2, &raw_span(2, &[]))].concat());
    let mapped = read(&field(1, &[field(1, &service), spans].concat()), Protobuf).unwrap();
    assert_eq!(mapped.runs.len(), 2);
    for mapped in mapped.runs {
        assert_eq!(mapped.run.service.as_deref(), Some(good));
        assert_eq!(issues(&mapped.run), [format!("sanitized service.name: {SANITIZED}")]);
    }
    // Deep inside of a value, too.
    let deep = field(6, &field(1, &[field(1, bad), field(2, &value(bad))].concat()));
    let deep = raw_run(&field(9, &[field(1, b"k"), field(2, &deep)].concat()));
    assert_eq!(deep.attributes["k"].as_str(), format!("{{\"{good}\":\"{good}\"}}"));
}

#[test]
fn row_11_forms_that_only_look_like_utf_8() {
    for (what, bytes, stored) in [
        ("overlong", &b"\xc0\xaf"[..], "\u{fffd}\u{fffd}"),
        ("a surrogate", b"\xed\xa0\xbd", "\u{fffd}\u{fffd}\u{fffd}"),
        ("CESU-8", b"\xed\xa0\xbd\xed\xb8\x80", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
    ] {
        let run = raw_run(&field(5, bytes));
        assert_eq!(run.name.as_deref(), Some(stored), "{what}");
        assert_eq!(run.issues.len(), 1, "{what}");
    }
    let run = run_of(|span| {
        span.name = "a\0b".to_owned();
        span.attributes = vec![text("nul\0", "\0")];
    });
    assert_eq!(run.name.as_deref(), Some("a\0b"));
    assert_eq!(run.attributes["nul\0"].as_str(), r#""\u0000""#);
    assert_eq!(issues(&run), [""; 0]);
}

fn nested(depth: usize, wrap: fn(AnyValue) -> Value) -> Value {
    (0..depth).fold(Value::StringValue("core".to_owned()), |value, _| wrap(AnyValue { value: Some(value) }))
}

fn in_array(value: AnyValue) -> Value {
    Value::ArrayValue(ArrayValue { values: vec![value] })
}

fn in_map(value: AnyValue) -> Value {
    let entry = KeyValue { key: "k".to_owned(), value: Some(value), ..KeyValue::default() };
    Value::KvlistValue(KeyValueList { values: vec![entry] })
}

#[test]
fn row_12_values_in_values() {
    for wrap in [in_array as fn(AnyValue) -> Value, in_map] {
        for depth in [31, 32, 48, 64] {
            let run = run_of(|span| {
                span.attributes = vec![attribute("deep", nested(depth, wrap)), text("near", "n")]
            });
            assert!(run.attributes["deep"].as_str().contains("core"), "{depth}");
            assert_eq!(issues(&run), [""; 0], "{depth}");
        }
        for depth in [65, 100, 10_000] {
            let value = nested(depth, wrap);
            let mut bytes = AnyValue { value: Some(value) };
            let encoded = encode_deep(&mut bytes);
            let body = raw_request(&[
                raw_span(1, &field(9, &[field(1, b"deep"), field(2, &encoded)].concat())),
                raw_span(2, &[]),
            ]);
            let mapped = read(&body, Protobuf).unwrap();
            assert_eq!((mapped.runs.len(), mapped.rejected()), (2, 0));
            let run = &mapped.runs[0].run;
            let told = issues(run);
            assert!(told[0].contains("nests deeper than 64"), "{told:?}");
            // What is deeper is there as it was sent.
            assert!(run.attributes["deep"].as_str().contains("bytesValue"), "{depth}");
        }
    }
}

/// prost encodes by recursion; values of any depth are encoded from the inside.
fn encode_deep(value: &mut AnyValue) -> Vec<u8> {
    let mut kinds = Vec::new();
    let mut inner = value.value.take();
    let core = loop {
        inner = match inner {
            Some(Value::ArrayValue(mut array)) => {
                kinds.push(5);
                array.values.remove(0).value
            }
            Some(Value::KvlistValue(mut map)) => {
                kinds.push(6);
                map.values.remove(0).value.unwrap().value
            }
            core => break core,
        };
    };
    let core = AnyValue { value: core }.encode_to_vec();
    kinds.iter().rev().fold(core, |content, kind| match kind {
        5 => field(5, &field(1, &content)),
        _ => field(6, &field(1, &[field(1, b"k"), field(2, &content)].concat())),
    })
}

#[test]
fn row_15_the_last_of_equal_keys_wins() {
    let run = run_of(|span| {
        span.attributes = vec![
            attribute("twice", Value::IntValue(1)),
            text("once", "o"),
            text("twice", "two"),
            attribute("gen_ai.request.model", Value::StringValue("first".to_owned())),
            text("gen_ai.request.model", "second"),
        ];
    });
    assert_eq!(run.attributes["twice"].as_str(), "\"two\"");
    assert_eq!(run.attributes["once"].as_str(), "\"o\"");
    assert_eq!(run.model.as_deref(), Some("second"));
    let told = issues(&run);
    let expected = ["gen_ai.request.model", "twice"]
        .map(|key| format!("conflict {key}: it was sent more than once; the last value counts"));
    assert_eq!(told, expected);
}

#[test]
fn row_16_keys_are_only_names() {
    let large = "k".repeat(1 << 20);
    let keys = ["", "a.b[0].\"c\"`", "__proto__", "constructor", "constructor.prototype", &large];
    let run = run_of(|span| span.attributes = keys.map(|key| text(key, "v")).to_vec());
    let mut stored: Vec<&str> = run.attributes.keys().map(String::as_str).collect();
    let mut sent = keys.to_vec();
    stored.sort_unstable();
    sent.sort_unstable();
    assert_eq!(stored, sent);
    assert_eq!(issues(&run), [""; 0]);
}

#[test]
fn row_22_times_that_cannot_be() {
    let now = u64::try_from(crate::NOW).unwrap();
    let year = 365 * 86_400_000_000_000;
    for (start, end, told) in [
        (0, 0, &[][..]),
        (now, now - 1, &["conflict end_time: it is before the start; the duration counts as zero"]),
        (now, u64::MAX, &["conflict end_time: it is more than a day in the future"]),
        (1 << 63, 0, &["conflict start_time: it is more than a day in the future"]),
        (now + 10 * year, 0, &["conflict start_time: it is more than a day in the future"]),
        (1_795_000_000_000, 0, &["conflict start_time: it is before the year 2000; were other units sent?"]),
        (
            1_795_000_000_000_000,
            now,
            &["conflict start_time: it is before the year 2000; were other units sent?"],
        ),
        (now, now + 1, &[]),
    ] {
        let run = run_of(|span| (span.start_time_unix_nano, span.end_time_unix_nano) = (start, end));
        assert_eq!(issues(&run), told, "{start} {end}");
        assert_eq!(run.start_time.is_some(), start > 0);
        assert_eq!(run.end_time.is_some(), end > 0);
    }
}

#[test]
fn rows_23_24_and_28_numbers_and_states() {
    let run = run_of(|span| {
        span.kind = 99;
        span.flags = u32::MAX;
        span.status = Some(v1::Status { code: 7, message: "odd".to_owned() });
    });
    assert_eq!(run.attributes["otel.span.kind"].as_str(), "99");
    assert_eq!(run.status, Some(Status::Success));
    let unknown = [
        "unusable kind: 99 is no kind of span",
        "unusable status: 7 is no code of a status; it counts as unset",
    ];
    assert_eq!(issues(&run), unknown);

    let run = run_of(|span| {
        span.dropped_attributes_count = u32::MAX;
        span.dropped_events_count = u32::MAX;
        span.dropped_links_count = u32::MAX;
    });
    let dropped = ["attributes", "events", "links"]
        .map(|what| format!("truncated {what}: the sender left out 4294967295 {what}"));
    assert_eq!(issues(&run), dropped);

    for entries in [1_000, 1 << 18] {
        let state = "key=value,".repeat(entries);
        let run = run_of(|span| span.trace_state.clone_from(&state));
        let kept: String = serde_json::from_str(run.attributes["otel.trace_state"].as_str()).unwrap();
        assert!(state.starts_with(&kept) && kept.ends_with("value") && kept.len() > 8_000, "{}", kept.len());
        assert_eq!(run.issues.len(), 1, "{:?}", run.issues);
    }
}

#[test]
fn rows_25_and_29_values_are_exact_and_typed() {
    for (value, text) in [
        (Value::DoubleValue(f64::NAN), "\"NaN\""),
        (Value::DoubleValue(f64::INFINITY), "\"Infinity\""),
        (Value::DoubleValue(f64::NEG_INFINITY), "\"-Infinity\""),
        (Value::DoubleValue(-0.0), "-0.0"),
        (Value::DoubleValue(5e-324), "5e-324"),
        (Value::IntValue(i64::MIN), "-9223372036854775808"),
        (Value::IntValue(i64::MAX), "9223372036854775807"),
        (Value::BoolValue(true), "true"),
        (Value::StringValue("1".to_owned()), "\"1\""),
        (Value::BytesValue(vec![0, 255]), r#"{"bytesValue":"AP8="}"#),
        (nested(1, in_map), r#"{"k":"core"}"#),
    ] {
        let run = run_of(|span| span.attributes = vec![attribute("one", value)]);
        assert_eq!(run.attributes["one"].as_str(), text);
        assert_eq!(issues(&run), [""; 0]);
    }
}

#[test]
fn row_30_token_counts_that_are_none() {
    const KEY: &str = "gen_ai.usage.input_tokens";
    for (value, is_count) in [
        (Value::IntValue(-5), false),
        (Value::IntValue((1 << 53) + 1), false),
        (Value::StringValue("many".to_owned()), false),
        (Value::StringValue("12".to_owned()), true),
        (Value::DoubleValue(12.0), true),
        (Value::DoubleValue(1.5), false),
        (Value::DoubleValue(1e30), false),
        (Value::DoubleValue(f64::NAN), false),
    ] {
        let run = run_of(|span| span.attributes = vec![attribute(KEY, value.clone())]);
        let count = run.usage.as_ref().and_then(|usage| usage.input_tokens);
        if is_count {
            assert_eq!(count, Some(12), "{value:?}");
        } else {
            // An integer that a counter can hold is a count, however unlikely.
            let expected = match value {
                Value::IntValue(number @ 0..) => u64::try_from(number).ok(),
                _ => None,
            };
            assert_eq!(count, expected, "{value:?}");
            if expected.is_none() {
                assert!(run.attributes.contains_key(KEY), "{value:?}");
                assert!(issues(&run)[0].starts_with("unusable gen_ai.usage.input_tokens: "), "{value:?}");
            }
        }
    }
}

/// Neighbours of a span that had to be repaired are as they were sent.
#[test]
fn repairs_stay_inside_of_their_span() {
    let mut spans: Vec<Vec<u8>> = (1..=3).map(|number| raw_span(number, &[])).collect();
    spans[1].extend(field(5, b"\xff"));
    let mapped = read(&raw_request(&spans), Protobuf).unwrap();
    let alone = read(&request(vec![span(1)]).encode_to_vec(), Protobuf).unwrap();
    assert_eq!(mapped.runs[0], alone.runs[0]);
    assert_eq!(mapped.runs.iter().map(|mapped| mapped.run.issues.len()).collect::<Vec<_>>(), [0, 1, 0]);
}
