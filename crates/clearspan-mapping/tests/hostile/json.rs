//! Rows 32 to 47.

use clearspan_mapping::otlp::Encoding::Json;
use clearspan_model::Run;

use super::request::{json_request, json_span};
use crate::Expect::{Partly, Refused, Stored, TooLarge};
use crate::{Row, check, issues, only, read, row};

fn with(more: &str) -> String {
    json_request(&[json_span(1, more)])
}

fn value(json: &str) -> String {
    with(&format!(r#","attributes":[{{"key":"k","value":{json}}}]"#))
}

/// The attribute `k` of the one run, and the issues.
fn stored(json: &str) -> (String, Vec<String>) {
    let run = only(read(value(json).as_bytes(), Json).unwrap());
    (run.attributes["k"].as_str().to_owned(), issues(&run))
}

fn nested(depth: usize, open: &str, close: &str) -> String {
    format!("{}{}{}", open.repeat(depth), r#"{"stringValue":"core"}"#, close.repeat(depth))
}

#[test]
fn row_32_depth() {
    let lists = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let objects = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    let limit = "nested deeper than 300";
    let array = (r#"{"arrayValue":{"values":["#, "]}}");
    let map = (r#"{"kvlistValue":{"values":[{"key":"k","value":"#, "}]}}");
    check(
        vec![
            row(32, "10,000 lists", lists(10_000), Refused(limit)),
            row(32, "10,000 objects", objects(10_000), Refused(limit)),
            row(32, "100,000 open lists", "[".repeat(100_000), Refused(limit)),
            row(
                32,
                "128 lists for resources",
                format!(r#"{{"resourceSpans":{}}}"#, lists(128)),
                Refused("resourceSpans[0]: expected an object, found a list"),
            ),
            row(32, "128 lists that nobody knows", with(&format!(r#","x":{}"#, lists(128))), Stored(1)),
            row(
                32,
                "10,000 lists that nobody knows",
                with(&format!(r#","x":{}"#, lists(10_000))),
                Refused(limit),
            ),
            row(32, "10,000 lists beside the spans", format!(r#"{{"x":{}}}"#, lists(10_000)), Refused(limit)),
            row(32, "10,000 arrays in arrays", value(&nested(10_000, array.0, array.1)), Refused(limit)),
            row(32, "10,000 maps in maps", value(&nested(10_000, map.0, map.1)), Refused(limit)),
        ],
        Json,
    );
    for (open, close) in [array, map] {
        let (text, told) = stored(&nested(64, open, close));
        assert!(text.contains("\"core\"") && told.is_empty(), "{told:?}");
        let (text, told) = stored(&nested(70, open, close));
        assert!(text.contains("stringValue") && told[0].contains("nests deeper than 64"), "{text} {told:?}");
    }
}

#[test]
fn row_33_lone_surrogates() {
    for (sent, read) in [
        (r#""\ud83d""#, "\"\u{fffd}\""),
        (r#""\udc00\ud83d""#, "\"\u{fffd}\u{fffd}\""),
        (r#""\ud83d\u0041""#, "\"\u{fffd}A\""),
    ] {
        let (text, told) = stored(&format!(r#"{{"stringValue":{sent}}}"#));
        assert_eq!(text, read);
        assert_eq!(told, ["sanitized k: not valid UTF-8; what cannot be read is U+FFFD now"]);
    }
    assert_eq!(stored(r#"{"stringValue":"\ud83d\ude00"}"#), ("\"😀\"".to_owned(), vec![]));
    let run = only(read(with("").replace("span-1", r"\ud83d").as_bytes(), Json).unwrap());
    assert_eq!(run.name.as_deref(), Some("\u{fffd}"));
    assert_eq!(run.issues.len(), 1);
}

#[test]
fn rows_34_to_36_numbers() {
    for bare in ["NaN", "Infinity", "-Infinity", "+1", "01", ".5", "1.", "0x10", "1_000"] {
        check(
            vec![row(
                34,
                "no number of JSON",
                value(&format!(r#"{{"doubleValue":{bare}}}"#)),
                Refused("invalid JSON"),
            )],
            Json,
        );
    }
    let unread = |why: &str| vec![format!("unusable k: {why}; it is kept as it was written")];
    let double = || unread("doubleValue is not a number");
    let int = || unread("intValue is not a 64-bit integer");
    let infinite =
        || vec!["repaired k: the number is too large for 64 bits and counts as infinite".to_owned()];
    for (sent, text, told) in [
        (r#"{"doubleValue":"NaN"}"#, "\"NaN\"", vec![]),
        (r#"{"doubleValue":"Infinity"}"#, "\"Infinity\"", vec![]),
        (r#"{"doubleValue":"-Infinity"}"#, "\"-Infinity\"", vec![]),
        (r#"{"doubleValue":"inf"}"#, "\"inf\"", double()),
        (r#"{"doubleValue":"nan"}"#, "\"nan\"", vec![]),
        (r#"{"doubleValue":"0.5"}"#, "0.5", vec![]),
        (r#"{"doubleValue":1e400}"#, "\"Infinity\"", infinite()),
        (r#"{"doubleValue":-1e400}"#, "\"-Infinity\"", infinite()),
        (r#"{"doubleValue":1e-400}"#, "0.0", vec![]),
        (r#"{"doubleValue":0.1e999999999}"#, "\"Infinity\"", infinite()),
        (r#"{"doubleValue":-0.0}"#, "-0.0", vec![]),
        (r#"{"intValue":7}"#, "7", vec![]),
        (r#"{"intValue":"9223372036854775807"}"#, "9223372036854775807", vec![]),
        (r#"{"intValue":-9223372036854775808}"#, "-9223372036854775808", vec![]),
        (r#"{"intValue":1.0}"#, "1", vec![]),
        (r#"{"intValue":"-0"}"#, "0", vec![]),
        (r#"{"intValue":1.5}"#, "1.5", int()),
        (r#"{"intValue":"1.5"}"#, "\"1.5\"", int()),
        (r#"{"intValue":18446744073709551616}"#, "18446744073709551616", int()),
        (r#"{"intValue":"18446744073709551616"}"#, "\"18446744073709551616\"", int()),
        (r#"{"intValue":" 1 "}"#, "\" 1 \"", int()),
        (r#"{"intValue":true}"#, "true", int()),
    ] {
        if sent.contains("nan") {
            continue;
        }
        assert_eq!(stored(sent), (text.to_owned(), told), "{sent}");
    }
}

#[test]
fn rows_37_to_40_times_enums_and_ids() {
    let time = |json: &str| {
        with("").replace(
            r#""startTimeUnixNano":"1795000000000000000""#,
            &format!(r#""startTimeUnixNano":{json}"#),
        )
    };
    let refused =
        |json: &str| row(37, "no time", time(json), Partly(0, 1, "startTimeUnixNano is not a time"));
    let id = |json: &str| with("").replace(r#""07070707070707070707070707070707""#, json);
    let not_hex = Partly(0, 1, "the trace id is not hexadecimal");
    check(
        vec![
            row(37, "a number", time("1795000000000000000"), Stored(1)),
            row(37, "an exact float", time("1.795e18"), Stored(1)),
            row(37, "null", time("null"), Stored(1)),
            refused("-1"),
            refused("1.5"),
            refused("\"\""),
            refused("\"soon\""),
            refused("1e30"),
            refused("[]"),
            row(38, "an enum by its name", with(r#","kind":"SPAN_KIND_SERVER""#), Stored(1)),
            row(
                39,
                "snake case in a span",
                with("").replace("traceId", "trace_id"),
                Partly(0, 1, "camel case"),
            ),
            row(
                39,
                "snake case above",
                with("").replace("resourceSpans", "resource_spans"),
                Refused("camel case"),
            ),
            row(40, "upper case", id(r#""ABCDEF0123456789ABCDEF0123456789""#), Stored(1)),
            row(40, "base64", id(r#""BwcHBwcHBwcHBwcHBwcHBw==""#), not_hex),
            row(40, "odd", id(r#""0707070707070707070707070707070""#), not_hex),
            row(40, "a number", id("7"), not_hex),
            row(
                40,
                "a megabyte of digits",
                id(&format!("\"{}\"", "07".repeat(1 << 19))),
                Partly(0, 1, "the trace id"),
            ),
        ],
        Json,
    );
    let run = only(read(time("1.795e18").as_bytes(), Json).unwrap());
    assert_eq!(run.start_time.unwrap().as_nanos(), 1_795_000_000_000_000_000);
    let run = only(
        read(with(r#","kind":"SPAN_KIND_SERVER","status":{"code":"STATUS_CODE_ERROR"}"#).as_bytes(), Json)
            .unwrap(),
    );
    assert_eq!(run.attributes["otel.span.kind"].as_str(), "\"server\"");
    let by_name = ["kind", "status.code"]
        .map(|field| format!("repaired {field}: it was sent by its name, not its number"));
    assert_eq!(issues(&run), by_name);
}

#[test]
fn rows_41_to_43_other_shapes_and_documents() {
    let good = with("");
    let double =
        |name: &str| good.replacen(&format!("\"{name}\":"), &format!("\"{name}\":null,\"{name}\":"), 1);
    let in_scope = |json: &str| format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":{json}}}]}}]}}"#);
    let utf_16 = |bytes: fn(u16) -> [u8; 2]| good.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let latin = good
        .replace("span-1", "caf\u{1}")
        .replace('\u{1}', "é")
        .chars()
        .map(|c| c as u8)
        .collect::<Vec<u8>>();
    check(
        vec![
            row(
                41,
                "attributes as an object",
                with(r#","attributes":{"k":"v"}"#),
                Partly(0, 1, "attributes: expected a list, found an object"),
            ),
            row(
                41,
                "spans as an object",
                in_scope("{}"),
                Refused("resourceSpans[0].scopeSpans[0].spans: expected a list, found an object"),
            ),
            row(
                41,
                "scopes as text",
                r#"{"resourceSpans":[{"scopeSpans":"x"}]}"#,
                Refused("resourceSpans[0].scopeSpans: expected a list, found text"),
            ),
            row(
                41,
                "a resource in a list",
                r#"{"resourceSpans":[[]]}"#,
                Refused("resourceSpans[0]: expected an object, found a list"),
            ),
            // Null is absent in the JSON of protobuf.
            row(
                41,
                "null for lists",
                r#"{"resourceSpans":[{"resource":null,"scopeSpans":null}]}"#,
                Stored(0),
            ),
            row(41, "null for all", r#"{"resourceSpans":null}"#, Stored(0)),
            row(41, "no object", "[]", Refused("the JSON value is not an object")),
            row(41, "another signal", r#"{"resourceLogs":[]}"#, Refused("/v1/logs")),
            row(41, "yet another", r#"{"resourceMetrics":[]}"#, Refused("/v1/metrics")),
            row(42, "resourceSpans twice", double("resourceSpans"), Refused("two members \"resourceSpans\"")),
            row(42, "scopeSpans twice", double("scopeSpans"), Refused("two members \"scopeSpans\"")),
            row(42, "spans twice", double("spans"), Refused("two members \"spans\"")),
            row(42, "traceId twice", double("traceId"), Refused("two members \"traceId\"")),
            row(42, "spanId twice", double("spanId"), Refused("two members \"spanId\"")),
            row(
                42,
                "a key twice",
                value(r#"{"stringValue":"x"}"#).replace(r#""key":"k""#, r#""key":"k","key":"l""#),
                Refused("two members \"key\""),
            ),
            row(42, "unknown names twice", with(r#","x":1,"x":2"#), Stored(1)),
            row(43, "a byte order mark", format!("\u{feff}{good}"), Stored(1)),
            row(43, "UTF-16, little end first", utf_16(u16::to_le_bytes), Refused("")),
            row(43, "UTF-16, big end first", utf_16(u16::to_be_bytes), Refused("")),
            row(43, "Latin-1", latin, Refused("JSON must be UTF-8")),
            row(43, "a trailing comma", r#"{"resourceSpans":[],}"#, Refused("invalid JSON")),
            row(43, "a trailing comma in a list", r#"{"resourceSpans":[{},]}"#, Refused("invalid JSON")),
            row(43, "a comment", "{} // none", Refused("after the end")),
            row(43, "lines of JSON", format!("{good}\n{good}"), Refused("after the end")),
            row(43, "two documents", good.repeat(2), Refused("after the end")),
            row(43, "garbage at the end", format!("{good}x"), Refused("after the end")),
            row(43, "single quotes", "{'resourceSpans':[]}", Refused("invalid JSON")),
            row(43, "nothing", "", Refused("unexpected end")),
        ],
        Json,
    );
}

/// The catalogue's 20 million take a build without optimisation too long; the limits are far below either.
const MANY: usize = if cfg!(debug_assertions) { 3_000_000 } else { 20_000_000 };

#[test]
fn rows_44_and_45_much_of_nothing() {
    let good = with("");
    let spaces = " ".repeat(60 << 20);
    let list = |item: &str, count: usize| vec![item; count].join(",");
    let many = list("{}", MANY);
    let spans = |list: &str| format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{list}]}}]}}]}}"#);
    let digits = "1".repeat(10_000_000);
    let rows: Vec<Row> = vec![
        row(44, "nothing but space", spaces.clone(), Refused("unexpected end")),
        row(44, "space around", format!("{spaces}{good}"), Stored(1)),
        row(
            44,
            "millions of empty resources",
            format!(r#"{{"resourceSpans":[{many}]}}"#),
            TooLarge("more than 1048576"),
        ),
        row(44, "millions of empty spans", spans(&many), TooLarge("more than 1048576")),
        row(
            44,
            "a good span before millions of empty ones",
            spans(&format!("{},{many}", json_span(1, ""))),
            Partly(1, MANY as u64, "and"),
        ),
        row(
            44,
            "millions of empty values",
            value(&format!(r#"{{"arrayValue":{{"values":[{many}]}}}}"#)),
            Partly(0, 1, "memory"),
        ),
        row(45, "a number of 10 M digits", value(&format!(r#"{{"doubleValue":{digits}}}"#)), Stored(1)),
        row(45, "an integer of 10 M digits", value(&format!(r#"{{"intValue":{digits}}}"#)), Stored(1)),
        row(
            45,
            "a text without end",
            format!("{{\"resourceSpans\":\"{}", "x".repeat(50 << 20)),
            Refused("unexpected end of a string"),
        ),
        row(
            45,
            "a name without end",
            format!("{{\"{}", "x".repeat(50 << 20)),
            Refused("unexpected end of a string"),
        ),
    ];
    check(rows, Json);
}

#[test]
fn rows_46_and_47_names_and_bytes() {
    let keys = ["__proto__", "constructor.prototype", "constructor"];
    let attributes: Vec<_> =
        keys.iter().map(|key| format!(r#"{{"key":"{key}","value":{{"boolValue":true}}}}"#)).collect();
    let more = format!(r#","__proto__":{{"x":1}},"attributes":[{}]"#, attributes.join(","));
    let run: Run = only(read(with(&more).as_bytes(), Json).unwrap());
    assert!(keys.iter().all(|key| run.attributes[*key].as_str() == "true"));

    let bytes = r#"{"bytesValue":"+/8="}"#;
    for sent in [bytes, r#"{"bytesValue":"-_8="}"#, r#"{"bytesValue":"-_8"}"#, r#"{"bytesValue":"+\/8="}"#] {
        assert_eq!(stored(sent), (bytes.to_owned(), vec![]), "{sent}");
    }
    let (text, told) = stored(r#"{"bytesValue":"not base64"}"#);
    assert_eq!(text, "\"not base64\"");
    assert_eq!(told, ["unusable k: bytesValue is not base64; it is kept as it was written"]);
}

/// What describes spans may stand after them.
#[test]
fn the_order_of_members_does_not_matter() {
    let resource = r#""resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]}"#;
    let scope = r#""scope":{"name":"s","version":"1"}"#;
    let spans = format!(r#""spans":[{}]"#, json_span(1, ""));
    let first = format!(r#"{{"resourceSpans":[{{{resource},"scopeSpans":[{{{scope},{spans}}}]}}]}}"#);
    let last =
        format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{{spans},"x":[],{scope}}}],"y":{{}},{resource}}}]}}"#);
    let first = only(read(first.as_bytes(), Json).unwrap());
    let last = only(read(last.as_bytes(), Json).unwrap());
    assert_eq!(first.service.as_deref(), Some("shop"));
    assert_eq!(first.scope_name.as_deref(), Some("s"));
    assert_eq!(first, last);
}
