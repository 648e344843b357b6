//! The rows of the catalogue, for log records: one bad record never costs a good one, and a bad value not even its own.

use clearspan_mapping::otlp::{Encoding, Mapped, Signal};
use clearspan_model::LogRecord;

use super::request::{deep_value, field, fixed64, json_request, json_span, number, raw_request, raw_span};
use crate::Expect::{Partly, Refused, Stored, TooLarge};
use crate::{check_signal, read_signal, row};

const RECORDS: usize = 20;
const ISSUES: &str = "clearspan.issues";

fn record(more: &[u8]) -> Vec<u8> {
    let body = field(5, &field(1, b"no stock"));
    [fixed64(1, 1_795_000_000_000_000_000), number(2, 9), body, more.to_vec()].concat()
}

fn json_record(more: &str) -> String {
    format!(
        r#"{{"timeUnixNano":"1795000000000000000","severityNumber":9,"body":{{"stringValue":"no stock"}}{more}}}"#
    )
}

fn json_body(records: &[String]) -> Vec<u8> {
    let records = records.join(",");
    format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}"#).into_bytes()
}

fn read(body: &[u8], encoding: Encoding) -> Mapped {
    read_signal(Signal::Logs, body, encoding).unwrap()
}

fn only(body: &[u8], encoding: Encoding) -> LogRecord {
    let mut mapped = read(body, encoding);
    assert_eq!((mapped.logs.len(), mapped.rejected()), (1, 0), "{}", mapped.message());
    mapped.logs.remove(0).record
}

/// What happens to the record with the fault.
#[derive(Clone, Copy)]
enum Fate {
    /// It is stored, and its attribute tells this.
    Kept(&'static str),
    /// It is refused, with a reason that holds these words.
    Out(&'static str),
}

use Fate::{Kept, Out};

fn check(what: &str, encoding: Encoding, fate: Fate, body: impl Fn(usize) -> Vec<u8>) {
    for place in [0, RECORDS / 2, RECORDS] {
        let mapped = read(&body(place), encoding);
        let good = mapped.logs.iter().filter(|log| !log.record.attributes.contains_key(ISSUES));
        assert_eq!(good.count(), RECORDS, "{what} at {place}: {}", mapped.message());
        match fate {
            Kept(says) => {
                assert_eq!(mapped.message(), "", "{what} at {place}");
                let issues = mapped.logs[place].record.attributes[ISSUES].as_str();
                assert!(issues.contains(says), "{what} at {place}: {issues}");
            }
            Out(why) => {
                assert_eq!(mapped.rejected(), 1, "{what} at {place}: {}", mapped.message());
                let message = mapped.message();
                assert!(message.starts_with(&format!("log record {place} \"")), "{what}: {message}");
                assert!(message.contains(why), "{what}: {message}");
            }
        }
    }
}

#[test]
fn one_bad_record_in_protobuf() {
    let value = |content: &[u8]| field(6, &[field(1, b"k"), field(2, content)].concat());
    let faults: Vec<(&str, Fate, Vec<u8>)> = vec![
        ("a time that is text", Out("is this a request for traces or metrics?"), field(1, b"now")),
        ("a severity that is text", Out("severity_number is bytes"), field(2, b"INFO")),
        ("a time that is a varint", Kept("time_unix_nano"), number(1, 5)),
        ("an unknown severity", Kept("99 is no severity"), number(2, 99)),
        ("a negative severity", Kept("-1 is no severity"), number(2, u64::MAX)),
        ("a severity text that is not UTF-8", Kept("severity_text"), field(3, b"\xff")),
        ("a body that is not UTF-8", Kept("not valid UTF-8"), field(5, &field(1, b"\xff"))),
        ("a body that is a number", Kept("body"), number(5, 1)),
        ("a body a thousand deep", Kept("nests deeper than 64"), field(5, &deep_value())),
        ("a key that is not UTF-8", Kept("not valid UTF-8"), field(6, &field(1, b"\xff"))),
        ("a value that is not UTF-8", Kept("not valid UTF-8"), value(&field(1, b"\xff"))),
        ("a value a thousand deep", Kept("nests deeper than 64"), value(&deep_value())),
        ("text that is a number", Kept("attributes"), value(&number(1, 1))),
        ("an attribute that is a number", Kept("attributes"), number(6, 1)),
        ("a key twice", Kept("more than once"), [value(&field(1, b"1")), value(&field(1, b"2"))].concat()),
        ("attributes left out", Kept("left out 7 attributes"), number(7, 7)),
        ("a short trace id", Kept("15 bytes"), field(9, &[1; 15])),
        ("a trace id that is a number", Kept("trace_id"), number(9, 1)),
        ("a long span id", Kept("9 bytes"), field(10, &[1; 9])),
        ("an observed time that is text", Kept("observed_time_unix_nano"), field(11, b"now")),
        ("a name that is not UTF-8", Kept("event_name"), field(12, b"\xff")),
        ("a name that is a number", Kept("event_name"), number(12, 1)),
    ];
    for (what, fate, more) in faults {
        check(what, Encoding::Protobuf, fate, |place| {
            let mut records = vec![record(&[]); RECORDS];
            records.insert(place, record(&more));
            raw_request(&records)
        });
    }
}

#[test]
fn one_bad_record_in_json() {
    let with = |more: &str| json_record(more);
    let attribute = |value: &str| with(&format!(r#","attributes":[{{"key":"k","value":{value}}}]"#));
    let changed = |from: &str, to: &str| json_record("").replace(from, to);
    let time = r#""1795000000000000000""#;
    let body = r#"{"stringValue":"no stock"}"#;
    let faults: Vec<(&str, Fate, String)> = vec![
        ("null", Out("the log record is null"), "null".to_owned()),
        ("a list", Out("the log record is a list"), "[]".to_owned()),
        ("snake case", Out("camel case"), json_record("").replace("timeUnixNano", "time_unix_nano")),
        ("a negative time", Out("timeUnixNano"), changed(time, "-1")),
        ("a time in words", Out("timeUnixNano"), changed(time, r#""now""#)),
        ("attributes that are an object", Out("expected a list"), with(r#","attributes":{"k":"v"}"#)),
        ("an attribute that is text", Out("an attribute is text"), with(r#","attributes":["x"]"#)),
        (
            "values that are no list",
            Out("values: expected a list"),
            changed(body, r#"{"arrayValue":{"values":7}}"#),
        ),
        ("a lone surrogate", Kept("not valid UTF-8"), changed("no stock", r"\ud83d")),
        ("a bare body", Kept("text is not a value of OTLP"), changed(body, r#""no stock""#)),
        ("a body of two values", Kept("a value has one member"), changed(body, r#"{"intValue":1,"x":2}"#)),
        ("a severity by its name", Kept("by its name"), changed(":9,", r#":"SEVERITY_NUMBER_WARN2","#)),
        ("an unknown severity", Kept("none of its values"), changed(":9,", r#":"LOUD","#)),
        ("a severity of 99", Kept("99 is no severity"), changed(":9,", ":99,")),
        ("a severity text that is a number", Kept("severity_text"), with(r#","severityText":7"#)),
        ("a name that is a number", Kept("event_name"), with(r#","eventName":7"#)),
        ("a trace id in base64", Kept("not hexadecimal"), with(r#","traceId":"BwcHBwcHBwcHBwcHBwcHBw==""#)),
        ("a trace id of 2 bytes", Kept("has 2 bytes"), with(r#","traceId":"0707""#)),
        ("a span id of odd length", Kept("not hexadecimal"), with(r#","spanId":"070""#)),
        ("an integer with a fraction", Kept("not a 64-bit integer"), attribute(r#"{"intValue":1.5}"#)),
        ("a double of 10^400", Kept("counts as infinite"), attribute(r#"{"doubleValue":1e400}"#)),
        ("bytes that are not base64", Kept("not base64"), attribute(r#"{"bytesValue":"?"}"#)),
        ("a key twice", Kept("more than once"), with(r#","attributes":[{"key":"k"},{"key":"k"}]"#)),
        ("attributes left out", Kept("left out 7"), with(r#","droppedAttributesCount":"7""#)),
    ];
    for (what, fate, bad) in faults {
        check(what, Encoding::Json, fate, |place| {
            let mut records = vec![json_record(""); RECORDS];
            records.insert(place, bad.clone());
            json_body(&records)
        });
    }
    let severity = changed(":9,", r#":"SEVERITY_NUMBER_WARN2","#);
    assert_eq!(only(&json_body(&[severity]), Encoding::Json).severity, Some(14));
}

/// Ids that are none are how senders say that there is none, and records without ids belong to no run.
#[test]
fn ids_that_are_none_are_no_fault() {
    for ids in
        [vec![], [field(9, &[]), field(10, &[])].concat(), [field(9, &[0; 16]), field(10, &[0; 8])].concat()]
    {
        let body = raw_request(&[record(&ids)]);
        let log = only(&body, Encoding::Protobuf);
        assert_eq!((log.trace_id, log.span_id), (None, None));
        assert!(log.attributes.is_empty(), "{:?}", log.attributes);
        assert!(read(&body, Encoding::Protobuf).runs.is_empty());
    }
    let ids = r#","traceId":"ABCDEF0123456789ABCDEF0123456789","spanId":"","x":1,"x":2"#;
    let log = only(&json_body(&[json_record(ids)]), Encoding::Json);
    assert_eq!(log.trace_id.unwrap().to_hex(), "abcdef0123456789abcdef0123456789");
    assert!(log.span_id.is_none() && log.attributes.is_empty());
}

/// What was repaired in a record of a span is among the issues of its run.
#[test]
fn repairs_are_told_where_the_content_goes() {
    let ids = [field(9, &[7; 16]), field(10, &[1; 8])].concat();
    let message = |text: &[u8]| {
        let content = [field(1, b"content"), field(2, &field(1, text))].concat();
        let body = field(5, &field(6, &field(1, &content)));
        [field(12, b"gen_ai.user.message"), body].concat()
    };
    let bad = [record(&ids), message(b"h\xff")].concat();
    let mapped = read(&raw_request(&[bad]), Encoding::Protobuf);
    assert_eq!((mapped.logs.len(), mapped.runs.len(), mapped.rejected()), (0, 1, 0));
    let run = &mapped.runs[0].run;
    assert_eq!(run.fragments[0].message.as_str(), "{\"role\":\"user\",\"content\":\"h\u{fffd}\"}");
    assert!(crate::issues(run)[0].starts_with("sanitized content: not valid UTF-8"), "{:?}", run.issues);

    let mapped = read(&raw_request(&[record(&[ids, number(2, 77)].concat())]), Encoding::Protobuf);
    assert_eq!(crate::issues(&mapped.runs[0].run), ["unusable severity_number: 77 is no severity"]);
    assert!(mapped.logs[0].record.attributes.contains_key(ISSUES));
    assert!(!mapped.runs[0].run.events[0].attributes.contains_key(ISSUES));
}

#[test]
fn requests_that_are_none() {
    let good = raw_request(&[record(&[])]);
    check_signal(
        Signal::Logs,
        vec![
            row(1, "empty", vec![], Stored(0)),
            row(4, "a length beyond the record", raw_request(&[vec![0x32, 0x7f]]), Refused("a length")),
            row(6, "an envelope that is a number", number(1, 1), Refused("resource_logs is a varint")),
            row(7, "unknown fields", [field(9, &[0; 1 << 20]), good.clone()].concat(), Stored(1)),
            row(
                8,
                "JSON",
                br#"{"resourceLogs":[]}"#.to_vec(),
                Refused("the body is not an OTLP log request"),
            ),
            row(
                9,
                "spans",
                raw_request(&[raw_span(1, &[]), raw_span(2, &[])]),
                Partly(0, 2, "is this a request for traces or metrics?"),
            ),
        ],
        Encoding::Protobuf,
    );
    // An empty record is one; how many of them fit is a matter of memory, and all others are counted.
    let mapped = read(&raw_request(&vec![vec![]; 1_100_000]), Encoding::Protobuf);
    assert!(mapped.logs.len() > 10_000, "{}", mapped.logs.len());
    assert_eq!(mapped.logs.len() as u64 + mapped.rejected(), 1_100_000, "{}", mapped.message());
    assert!(mapped.message().contains("the rest of the request is refused"), "{}", mapped.message());

    let json = |text: &str| text.as_bytes().to_vec();
    let spans = json_request(&[json_span(1, "")]).into_bytes();
    let twice = br#"{"resourceLogs":[],"resourceLogs":[]}"#.to_vec();
    check_signal(
        Signal::Logs,
        vec![
            row(39, "snake case above", json(r#"{"resource_logs":[]}"#), Refused("camel case")),
            row(41, "spans", spans, Refused("/v1/traces")),
            row(41, "metrics", json(r#"{"resourceMetrics":[]}"#), Refused("/v1/metrics")),
            row(
                41,
                "records as an object",
                json(r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":{}}]}]}"#),
                Refused("resourceLogs[0].scopeLogs[0].logRecords: expected a list, found an object"),
            ),
            row(41, "null for lists", json(r#"{"resourceLogs":[{"scopeLogs":null}]}"#), Stored(0)),
            row(42, "resourceLogs twice", twice, Refused("two members \"resourceLogs\"")),
            row(
                42,
                "a trace id twice",
                json_body(&[json_record(r#","traceId":"","traceId":"""#)]),
                Refused("two members \"traceId\""),
            ),
            row(43, "garbage at the end", [json_body(&[]), vec![b'x']].concat(), Refused("after the end")),
            row(
                44,
                "millions of empty resources",
                json(&format!(r#"{{"resourceLogs":[{}{{}}]}}"#, "{},".repeat(1_100_000))),
                TooLarge("more than 1048576"),
            ),
        ],
        Encoding::Json,
    );
}
