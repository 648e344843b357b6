//! One bad span never costs a good one: each fault, alone among good spans, first, in the middle and last.

use clearspan_mapping::otlp::Encoding;

use super::request::{field, json_request, json_span, raw_request, raw_span, tag, varint};
use crate::read;

const SPANS: u8 = 99;

/// What happens to the span with the fault.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// It is stored, and its issues tell.
    Kept,
    /// It is refused, with a reason that holds these words.
    Refused(&'static str),
}

use Fate::{Kept, Refused};

fn check(what: &str, encoding: Encoding, fate: Fate, body: impl Fn(usize) -> Vec<u8>) {
    for place in [0, usize::from(SPANS) / 2, usize::from(SPANS)] {
        let mapped = read(&body(place), encoding).unwrap_or_else(|err| panic!("{what} at {place}: {err}"));
        let good = mapped.runs.iter().filter(|mapped| mapped.run.issues.is_empty());
        assert_eq!(good.count(), usize::from(SPANS), "{what} at {place}: {}", mapped.message());
        match fate {
            Kept => {
                assert_eq!(mapped.rejected(), 0, "{what} at {place}: {}", mapped.message());
                assert!(!mapped.runs[place].run.issues.is_empty(), "{what} at {place}");
            }
            Refused(why) => {
                assert_eq!(mapped.rejected(), 1, "{what} at {place}: {}", mapped.message());
                let message = mapped.message();
                assert!(message.starts_with(&format!("span {place} \"")), "{what}: {message}");
                assert!(message.contains(why), "{what}: {message}");
            }
        }
    }
}

#[test]
fn in_protobuf() {
    let attribute = |content: &[u8]| field(9, content);
    let value = |content: &[u8]| attribute(&[field(1, b"k"), field(2, content)].concat());
    let deep = (0..1_000).fold(field(1, b"x"), |inner, _| field(5, &field(1, &inner)));
    let fixed64 = |number: u8| [tag(number, 1), vec![0xff; 8]].concat();
    let number = |number: u8, value: u64| [tag(number, 0), varint(value)].concat();
    let faults: Vec<(&str, Fate, Vec<u8>)> = vec![
        ("no trace id", Refused("trace id is missing"), field(1, b"")),
        ("no span id", Refused("span id is missing"), field(2, b"")),
        ("a zero trace id", Refused("all zero"), field(1, &[0; 16])),
        ("a zero span id", Refused("all zero"), field(2, &[0; 8])),
        ("a short trace id", Refused("15 bytes"), field(1, &[1; 15])),
        ("a long span id", Refused("9 bytes"), field(2, &[1; 9])),
        ("a trace id that is a number", Refused("trace_id"), number(1, 7)),
        ("a span id that is a number", Refused("span_id"), fixed64(2)),
        ("a bad parent", Kept, field(4, b"abc")),
        ("a name that is not UTF-8", Kept, field(5, b"\xff")),
        ("a name that is a number", Kept, number(5, 1)),
        ("a kind that is text", Kept, field(6, b"server")),
        ("an unknown kind", Kept, number(6, 99)),
        ("a negative kind", Kept, number(6, u64::MAX)),
        ("a start that is a varint", Kept, number(7, 5)),
        ("a start of milliseconds", Kept, [tag(7, 1), 1_795_000_000_000_u64.to_le_bytes().to_vec()].concat()),
        (
            "an end before the start",
            Kept,
            [tag(8, 1), 1_794_000_000_000_000_000_u64.to_le_bytes().to_vec()].concat(),
        ),
        ("an end in 500 years", Kept, fixed64(8)),
        ("a key that is not UTF-8", Kept, attribute(&field(1, b"\xff"))),
        ("a key that is a number", Kept, attribute(&number(1, 1))),
        ("a value that is not UTF-8", Kept, value(&field(1, b"\xff"))),
        ("a value that is no message", Kept, attribute(&number(2, 1))),
        ("text that is a number", Kept, value(&number(1, 1))),
        ("a number that is text", Kept, value(&field(3, b"1"))),
        ("a double that is a varint", Kept, value(&number(4, 1))),
        ("values a thousand deep", Kept, value(&deep)),
        ("a key twice", Kept, [value(&field(1, b"1")), value(&field(1, b"2"))].concat()),
        ("an attribute that is a number", Kept, number(9, 1)),
        ("an event whose name is not UTF-8", Kept, field(11, &field(2, b"\xff"))),
        ("an event that is a number", Kept, number(11, 1)),
        ("a link without ids", Kept, field(13, b"")),
        ("a status that is a number", Kept, number(15, 2)),
        ("an unknown status", Kept, field(15, &number(3, 7))),
        ("a status whose message is not UTF-8", Kept, field(15, &field(2, b"\xff"))),
        ("a trace state of a megabyte", Kept, field(3, &[b'a'; 1 << 20])),
        ("a trace state that is not UTF-8", Kept, field(3, b"\xff")),
        ("attributes left out", Kept, number(10, u64::from(u32::MAX))),
    ];
    assert!(faults.len() >= 25);
    for (what, fate, more) in faults {
        check(what, Encoding::Protobuf, fate, |place| {
            let mut spans: Vec<_> = (1..=SPANS).map(|number| raw_span(number, &[])).collect();
            spans.insert(place, raw_span(120, &more));
            raw_request(&spans)
        });
    }
}

#[test]
fn in_json() {
    let good = json_span(120, "");
    let with = |more: &str| json_span(120, more);
    let changed = |from: &str, to: &str| good.replace(from, to);
    let trace_id = r#""07070707070707070707070707070707""#;
    let attribute = |value: &str| with(&format!(r#","attributes":[{{"key":"k","value":{value}}}]"#));
    let faults: Vec<(&str, Fate, String)> = vec![
        ("null", Refused("the span is null"), "null".to_owned()),
        ("a number", Refused("the span is a number"), "7".to_owned()),
        ("a list", Refused("the span is a list"), "[]".to_owned()),
        ("nothing", Refused("trace id is missing"), "{}".to_owned()),
        (
            "snake case",
            Refused("camel case"),
            good.replace("traceId", "trace_id").replace("spanId", "span_id"),
        ),
        ("base64 ids", Refused("not hexadecimal"), changed(trace_id, r#""BwcHBwcHBwcHBwcHBwcHBw==""#)),
        ("an odd number of digits", Refused("not hexadecimal"), changed(trace_id, r#""070""#)),
        ("a short id", Refused("has 2 bytes"), changed(trace_id, r#""0707""#)),
        ("an id that is a number", Refused("not hexadecimal"), changed(trace_id, "7")),
        ("a zero id", Refused("all zero"), changed(trace_id, r#""00000000000000000000000000000000""#)),
        ("a negative time", Refused("startTimeUnixNano"), changed(r#""1795000000000000000""#, "-1")),
        ("a time with a fraction", Refused("startTimeUnixNano"), changed(r#""1795000000000000000""#, "0.5")),
        ("a time in words", Refused("startTimeUnixNano"), changed(r#""1795000000000000000""#, r#""now""#)),
        (
            "attributes that are an object",
            Refused("attributes: expected a list, found an object"),
            with(r#","attributes":{"k":"v"}"#),
        ),
        ("events that are text", Refused("events: expected a list, found text"), with(r#","events":"x""#)),
        ("an attribute that is text", Refused("an attribute is text"), with(r#","attributes":["x"]"#)),
        (
            "a list of values that is none",
            Refused("values: expected a list"),
            attribute(r#"{"arrayValue":{"values":7}}"#),
        ),
        ("a lone surrogate", Kept, attribute(r#"{"stringValue":"\ud83d"}"#)),
        ("a name that is a number", Kept, changed(r#""span-120""#, "120")),
        ("a kind by its name", Kept, with(r#","kind":"SPAN_KIND_SERVER""#)),
        ("an unknown kind", Kept, with(r#","kind":"SIDEWAYS""#)),
        ("a status by its name", Kept, with(r#","status":{"code":"STATUS_CODE_OK"}"#)),
        ("an integer with a fraction", Kept, attribute(r#"{"intValue":1.5}"#)),
        ("an integer of 65 bits", Kept, attribute(r#"{"intValue":"18446744073709551616"}"#)),
        ("a double in words", Kept, attribute(r#"{"doubleValue":"many"}"#)),
        ("a double of 10^400", Kept, attribute(r#"{"doubleValue":1e400}"#)),
        ("bytes that are not base64", Kept, attribute(r#"{"bytesValue":"?"}"#)),
        ("two values in one", Kept, attribute(r#"{"intValue":1,"stringValue":"x"}"#)),
        ("an unknown value", Kept, attribute(r#"{"dateValue":1}"#)),
        ("a bare value", Kept, attribute(r#""x""#)),
        ("a bad parent", Kept, with(r#","parentSpanId":"xyz""#)),
        ("a key twice", Kept, with(r#","attributes":[{"key":"k"},{"key":"k"}]"#)),
    ];
    assert!(faults.len() >= 25);
    for (what, fate, bad) in faults {
        check(what, Encoding::Json, fate, |place| {
            let mut spans: Vec<_> = (1..=SPANS).map(|number| json_span(number, "")).collect();
            spans.insert(place, bad.clone());
            json_request(&spans).into_bytes()
        });
    }
}
