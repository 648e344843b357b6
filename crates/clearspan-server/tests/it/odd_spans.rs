//! Spans that are valid OTLP and make no sense: each is kept and can be opened, alone and in lists.

use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use serde_json::Value;

use crate::otlp_http::{PROTOBUF, assert_taken, post};
use crate::server::Server;
use crate::spans::{self, OneSpan};

type Oddity = (&'static str, fn(&mut Span));

const ODDITIES: [Oddity; 26] = [
    ("no times", |span| (span.start_time_unix_nano, span.end_time_unix_nano) = (0, 0)),
    ("no end", |span| span.end_time_unix_nano = 0),
    ("an end before the start", |span| span.end_time_unix_nano = span.start_time_unix_nano - 1),
    ("the last start there is", |span| span.start_time_unix_nano = u64::MAX),
    ("the last end there is", |span| span.end_time_unix_nano = u64::MAX),
    ("a start beyond signed numbers", |span| span.start_time_unix_nano = 1 << 63),
    ("milliseconds for nanoseconds", |span| span.start_time_unix_nano = 1_795_000_000_000),
    ("a span in ten years", |span| span.start_time_unix_nano += 10 * 365 * 86_400_000_000_000),
    ("an unknown kind", |span| span.kind = 99),
    ("a negative kind", |span| span.kind = -1),
    ("an unknown status", |span| span.status = Some(Status { code: 7, message: "odd".to_owned() })),
    ("all flags", |span| span.flags = u32::MAX),
    ("everything dropped", |span| {
        span.dropped_attributes_count = u32::MAX;
        span.dropped_events_count = u32::MAX;
        span.dropped_links_count = u32::MAX;
    }),
    ("a name of a megabyte", |span| span.name = "n".repeat(1 << 20)),
    ("no name", |span| span.name = String::new()),
    ("a name of control characters", |span| span.name = "\0\u{1b}[31m\u{202e}\r\n".to_owned()),
    ("a trace state of a megabyte", |span| span.trace_state = "a=b,".repeat(1 << 18)),
    ("an attribute twice", |span| {
        put(span, "twice", any_value::Value::IntValue(1));
        put(span, "twice", any_value::Value::StringValue("two".to_owned()));
    }),
    ("names that mean something elsewhere", |span| {
        for key in ["", "__proto__", "constructor", "a.b[0].\"c\"`", "\0", "' OR 1=1 --"] {
            put(span, key, any_value::Value::BoolValue(true));
        }
    }),
    ("numbers that JSON does not have", |span| {
        for (key, value) in
            [("nan", f64::NAN), ("inf", f64::INFINITY), ("-inf", f64::NEG_INFINITY), ("-0", -0.0)]
        {
            put(span, key, any_value::Value::DoubleValue(value));
        }
        put(span, "min", any_value::Value::IntValue(i64::MIN));
        put(span, "max", any_value::Value::IntValue(i64::MAX));
    }),
    ("an attribute without a value", |span| {
        span.attributes.push(KeyValue { key: "none".to_owned(), ..KeyValue::default() });
    }),
    ("values in values", |span| {
        let mut value = any_value::Value::StringValue("deep".to_owned());
        for _ in 0..20 {
            value =
                any_value::Value::ArrayValue(ArrayValue { values: vec![AnyValue { value: Some(value) }] });
        }
        put(span, "deep", value);
    }),
    ("tokens below zero", |span| put(span, "gen_ai.usage.input_tokens", any_value::Value::IntValue(-5))),
    ("more tokens than there are", |span| {
        put(span, "gen_ai.usage.output_tokens", any_value::Value::IntValue(i64::MAX));
    }),
    ("tokens in words", |span| {
        put(span, "gen_ai.usage.input_tokens", any_value::Value::StringValue("many".to_owned()));
    }),
    ("messages that are no JSON", |span| {
        put(span, "gen_ai.input.messages", any_value::Value::StringValue("[{".to_owned()));
    }),
];

fn put(span: &mut Span, key: &str, value: any_value::Value) {
    let value = Some(AnyValue { value: Some(value) });
    span.attributes.push(KeyValue { key: key.to_owned(), value, ..KeyValue::default() });
}

#[tokio::test]
async fn spans_that_make_no_sense_are_kept() {
    let server = Server::start();
    let numbered = || (1u32..).map(OneSpan).zip(ODDITIES);
    let spans = numbered().map(|(span, (_, change))| {
        let mut span = span.otlp();
        change(&mut span);
        span
    });
    let body = spans::protobuf(spans.collect());
    let mut connection = server.connect().await;
    assert_taken(&connection.send(post("/v1/traces", PROTOBUF, body)).await, PROTOBUF, "all oddities");

    for (span, (what, _)) in numbered() {
        let ids = server.run_ids(&span.trace_id()).await;
        assert_eq!(ids.len(), 1, "{what}");
        let run = server.get_json(&format!("/traces/{}/runs/{}", span.trace_id(), ids[0])).await;
        assert_eq!(run["run_id"], Value::from(ids[0].as_str()), "{what}");
        assert!(
            run["latency_us"].as_i64().is_none_or(|latency| latency >= 0),
            "{what}: {}",
            run["latency_us"]
        );
    }
    for list in ["traces", "runs"] {
        for sort in ["-start", "start", "-latency", "-tokens", "-cost"] {
            let answer = server.get_json(&format!("/projects/default/{list}?t=all&sort={sort}")).await;
            let rows = answer[list].as_array().expect("rows");
            assert_eq!(rows.len(), ODDITIES.len(), "{list} by {sort}");
        }
    }
    server.get_json("/projects/default/traces/histogram?t=all").await;
    server.get_json("/projects/default/traces/facets?t=all").await;
}

/// Parents as no program can have them. Every reader must find an end.
#[tokio::test]
async fn trees_that_are_no_trees_can_be_opened() {
    let server = Server::start();
    let tree = |root: u32, parents: &[u32]| -> Vec<Span> {
        let trace_id = OneSpan(root).otlp().trace_id;
        let spans = parents.iter().zip(1u32..).map(|(parent, idx)| {
            let parent_span_id =
                if *parent == 0 { Vec::new() } else { OneSpan(root + parent).otlp().span_id };
            Span { trace_id: trace_id.clone(), parent_span_id, ..OneSpan(root + idx).otlp() }
        });
        spans.collect()
    };
    // The parent of each span by its position from 1; 0 is none.
    let chain: Vec<u32> = (0..2_000).collect();
    let rows: [(&str, &[u32]); 6] = [
        ("its own parent", &[1]),
        ("each other's parent", &[2, 1]),
        ("a ring of three beside a root", &[0, 3, 4, 2]),
        ("two roots", &[0, 0, 1, 2]),
        ("a parent that never came", &[99]),
        ("a chain of 2,000", &chain),
    ];
    let mut connection = server.connect().await;
    for ((what, parents), root) in rows.into_iter().zip((0..).map(|idx| 10_000 * (idx + 1))) {
        let body = spans::protobuf(tree(root, parents));
        assert_taken(&connection.send(post("/v1/traces", PROTOBUF, body)).await, PROTOBUF, what);
        let trace_id = OneSpan(root).trace_id();
        assert_eq!(server.run_ids(&trace_id).await.len(), parents.len(), "{what}");
        server.get_json(&format!("/traces/{trace_id}/verdict")).await;
    }
    let answer = server.get_json("/projects/default/traces?t=all").await;
    assert_eq!(answer["traces"].as_array().map(Vec::len), Some(rows.len()), "{answer}");
}
