//! Rows 1 to 31.

use clearspan_mapping::otlp::Encoding::Protobuf;
use clearspan_model::ErrorKind;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use super::request::{attribute, field, raw_request, raw_span, request, span, tag, text, varint, with};
use crate::Expect::{Partly, Refused, Stored, TooLarge};
use crate::{check, read, row};

#[test]
fn bytes_that_are_no_request() {
    let groups = [vec![0x0b; 100_000], vec![0x0c; 100_000]].concat();
    let good = span(1).encode_to_vec();
    let longer = [&[0x4a, 0x7f][..], &[0; 20]].concat();
    check(
        vec![
            row(1, "empty", [], Stored(0)),
            row(3, "a length of 2^63", [vec![0x0a], vec![0x80; 9], vec![1]].concat(), Refused("a length")),
            row(3, "a varint of ten bytes", [tag(7, 0), vec![0xff; 9], vec![1]].concat(), Stored(0)),
            row(3, "a varint of eleven", [tag(7, 0), vec![0x80; 10], vec![0]].concat(), Refused("64 bits")),
            row(4, "a length beyond the span", raw_request(&[raw_span(1, &longer)]), Refused("a length")),
            row(4, "a length beyond the body", field(1, &[0x12, 0x7f, 0]), Refused("a length")),
            row(5, "open groups", vec![0x0b; 100_000], Refused("inside a group")),
            row(
                5,
                "groups in groups",
                [tag(30, 3), groups.clone(), tag(30, 4), field(1, &[])].concat(),
                Stored(0),
            ),
            row(
                5,
                "groups in a span",
                raw_request(&[raw_span(1, &[tag(30, 3), groups, tag(30, 4)].concat())]),
                Stored(1),
            ),
            row(5, "the end of a group", vec![0x0c], Refused("did not begin")),
            row(5, "field 0", vec![0x02, 0x00], Refused("field number")),
            row(5, "field 2^29", [varint(1 << 32 | 2), vec![0]].concat(), Refused("field number")),
            row(6, "an envelope that is a number", vec![0x08, 1], Refused("resource_spans is a varint")),
            row(
                7,
                "unknown fields",
                [field(9, &[0; 1 << 20]), raw_request(&[raw_span(1, &field(99, &[7; 1 << 20]))])].concat(),
                Stored(1),
            ),
            row(8, "JSON", br#"{"resourceSpans":[]}"#, Refused("")),
            row(8, "HTML", b"<html><body>hello</body></html>", Refused("")),
            row(8, "PNG", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Refused("")),
            row(8, "a span without its envelopes", good, Refused("")),
        ],
        Protobuf,
    );
}

#[test]
fn row_2_every_prefix() {
    let body = request(vec![span(1), span(2)]).encode_to_vec();
    for length in 1..body.len() {
        let error = read(&body[..length], Protobuf).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidInput, "{length}: {error}");
    }
    // The edge between two envelopes is the end of a shorter request.
    let two = [body.clone(), body.clone()].concat();
    assert_eq!(read(&two[..body.len()], Protobuf).unwrap().runs.len(), 2);
    assert!(read(&two[..body.len() + 1], Protobuf).is_err());
}

#[test]
fn row_6_known_fields_of_another_type() {
    // Ids: without them there is no span.
    for number in [1, 2] {
        let bad = raw_span(2, &[tag(number, 0), varint(1)].concat());
        let body = raw_request(&[raw_span(1, &[]), bad, raw_span(3, &[])]);
        check(vec![row(6, "an id that is a number", body, Partly(2, 1, "span 1 \"span-2\""))], Protobuf);
    }
    // Everything else a span can do without.
    for number in 3..=15 {
        let types: &[u8] = match number {
            6 | 10 | 12 | 14 => &[1, 2, 5],
            7 | 8 => &[0, 2, 5],
            _ => &[0, 1, 5],
        };
        for wire_type in types {
            let content = match wire_type {
                0 => vec![1],
                1 => vec![0; 8],
                2 => vec![0],
                _ => vec![0; 4],
            };
            let body = raw_request(&[raw_span(1, &[tag(number, *wire_type), content].concat())]);
            let run = crate::only(read(&body, Protobuf).unwrap());
            let issues = crate::issues(&run);
            assert!(
                issues.iter().any(|issue| issue.contains("it was sent as")),
                "{number} {wire_type}: {issues:?}"
            );
            assert_eq!(run.name.as_deref(), Some("span-1"));
        }
    }
}

#[test]
fn row_9_requests_for_another_signal() {
    let ids = (vec![7; 16], vec![1; 8]);
    let record =
        LogRecord { trace_id: ids.0, span_id: ids.1, time_unix_nano: 1, body: None, ..LogRecord::default() };
    let logs = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs { log_records: vec![record.clone(), record], ..ScopeLogs::default() }],
            ..ResourceLogs::default()
        }],
    };
    let points = vec![NumberDataPoint::default()];
    let metric = Metric {
        name: "tokens".to_owned(),
        data: Some(metric::Data::Gauge(Gauge { data_points: points })),
        ..Metric::default()
    };
    let metrics = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            scope_metrics: vec![ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() }],
            ..ResourceMetrics::default()
        }],
    };
    check(
        vec![
            row(9, "logs", logs.encode_to_vec(), Partly(0, 2, "is this a request for logs or metrics?")),
            row(9, "metrics", metrics.encode_to_vec(), Partly(0, 1, "the trace id has 6 bytes, not 16")),
        ],
        Protobuf,
    );
}

#[test]
fn row_13_many_entries_are_cut_and_counted() {
    type Fill = fn(&mut Span, usize);
    let fills: [(&str, Fill); 3] = [
        ("attributes", |span, count| {
            span.attributes = (0..count).map(|idx| text(&format!("k{idx}"), "")).collect();
        }),
        ("events", |span, count| span.events = vec![Event::default(); count]),
        ("links", |span, count| {
            span.links = vec![Link { trace_id: vec![1; 16], span_id: vec![1; 8], ..Link::default() }; count];
        }),
    ];
    for (what, fill) in fills {
        let run = crate::only(read(&with(|span| fill(span, 1_000_000)), Protobuf).unwrap());
        let kept = run.attributes.len() + run.events.len() + run.links.len();
        assert_eq!(kept, 10_000, "{what}");
        let issues = crate::issues(&run);
        let expected = format!("truncated {what}: there were 1000000 {what}; the first 10000 were kept");
        assert!(issues.contains(&expected), "{issues:?}");
        // As many as are allowed are no issue.
        let run = crate::only(read(&with(|span| fill(span, 10_000)), Protobuf).unwrap());
        assert_eq!(crate::issues(&run), [""; 0], "{what}");
    }
}

/// The catalogue's 8 million take a build without optimisation too long; the limits are below either.
const SPANS: usize = if cfg!(debug_assertions) { 2_200_000 } else { 8_000_000 };
const ATTRIBUTES: usize = if cfg!(debug_assertions) { 4_300_000 } else { 8_000_000 };

#[test]
fn row_14_bombs_of_empty_messages() {
    let spans: Vec<u8> = [0x12, 0].repeat(SPANS);
    let attributes = [0x4a, 0].repeat(ATTRIBUTES);
    let good = raw_request(&[raw_span(1, &[])]);
    let of_good = |body: Vec<u8>| [good.clone(), body].concat();
    let spans = field(1, &field(2, &spans));
    let resources = [0x0a, 0].repeat(SPANS / 2);
    let attributes = raw_request(&[raw_span(2, &attributes), raw_span(3, &[])]);
    check(
        vec![
            row(14, "millions of empty spans", spans.clone(), TooLarge("more than 1048576")),
            row(14, "millions of empty resources", resources.clone(), TooLarge("more than 1048576")),
            row(14, "millions of empty attributes", attributes.clone(), TooLarge("too many attributes")),
            // What came before stays, and every span that was not reached is counted.
            row(
                14,
                "millions of empty spans after a good one",
                of_good(spans),
                Partly(1, SPANS as u64, "the rest of the request"),
            ),
            row(14, "millions of empty resources after a good one", of_good(resources), Partly(1, 0, "")),
            row(
                14,
                "millions of empty attributes after a good one",
                of_good(attributes),
                Partly(1, 2, "too many attributes"),
            ),
        ],
        Protobuf,
    );
}

#[test]
fn row_19_ids_that_are_none() {
    let bad = |trace: &[u8], id: &[u8]| {
        let spans =
            vec![span(1), Span { trace_id: trace.to_vec(), span_id: id.to_vec(), ..span(2) }, span(3)];
        request(spans).encode_to_vec()
    };
    let good = ([7; 16], [1; 8]);
    let mut rows = Vec::new();
    for length in [0, 15, 17, 32] {
        rows.push(row(
            19,
            "the length of a trace id",
            bad(&vec![1; length], &good.1),
            Partly(2, 1, "span 1 \"span-2\": the trace id"),
        ));
    }
    for length in [0, 7, 9] {
        rows.push(row(
            19,
            "the length of a span id",
            bad(&good.0, &vec![1; length]),
            Partly(2, 1, "span 1 \"span-2\": the span id"),
        ));
    }
    rows.push(row(
        19,
        "no trace id but zeros",
        bad(&[0; 16], &good.1),
        Partly(2, 1, "the trace id is all zero"),
    ));
    rows.push(row(
        19,
        "no span id but zeros",
        bad(&good.0, &[0; 8]),
        Partly(2, 1, "the span id is all zero"),
    ));
    rows.push(row(
        31,
        "a span of nothing",
        raw_request(&[raw_span(1, &[]), vec![]]),
        Partly(1, 1, "span 1 \"\": the trace id is missing"),
    ));
    check(rows, Protobuf);
}

#[test]
fn row_26_many_resources() {
    let resource = |idx: u32| ResourceSpans {
        resource: Some(Resource {
            attributes: vec![text("service.name", &format!("service-{}", idx % 100))],
            ..Resource::default()
        }),
        scope_spans: vec![ScopeSpans {
            spans: vec![Span { span_id: u64::from(idx + 1).to_be_bytes().to_vec(), ..span(1) }],
            schema_url: "javascript:".repeat(10),
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    };
    let body = ExportTraceServiceRequest { resource_spans: (0..10_000).map(resource).collect() };
    let mapped = read(&body.encode_to_vec(), Protobuf).unwrap();
    assert_eq!((mapped.runs.len(), mapped.rejected()), (10_000, 0));
    assert_eq!(mapped.runs[9_999].run.service.as_deref(), Some("service-99"));
}

/// Rows 20 and 21 are about what is stored: parents of any kind and equal ids pass.
#[test]
fn rows_20_and_21_pass_to_the_store() {
    let parent = |id: u8| Span { parent_span_id: vec![id; 8], ..span(1) };
    check(
        vec![
            row(20, "its own parent", request(vec![parent(1)]).encode_to_vec(), Stored(1)),
            row(
                20,
                "each other's parent",
                request(vec![parent(2), Span { span_id: vec![2; 8], ..parent(1) }]).encode_to_vec(),
                Stored(2),
            ),
            row(21, "the same span twice", request(vec![span(1), span(1)]).encode_to_vec(), Stored(2)),
            row(
                27,
                "a schema of a megabyte",
                with(|span| span.attributes = vec![KeyValue::default()]),
                Stored(1),
            ),
        ],
        Protobuf,
    );
    let run = crate::only(read(&with(|span| span.parent_span_id = vec![1; 7]), Protobuf).unwrap());
    assert_eq!(crate::issues(&run), ["unusable parent_span_id: the span id has 7 bytes, not 8"]);
}

#[test]
fn row_17_large_values_are_whole() {
    let large = 60 << 20;
    let run = crate::only(
        read(&with(|span| span.attributes = vec![text("large", &"x".repeat(large))]), Protobuf).unwrap(),
    );
    assert_eq!(run.attributes["large"].as_str().len(), large + 2);
    let bytes = attribute("large", Value::BytesValue(vec![7; large]));
    let run = crate::only(read(&with(|span| span.attributes = vec![bytes]), Protobuf).unwrap());
    assert_eq!(run.attributes["large"].as_str().len(), r#"{"bytesValue":""}"#.len() + large / 3 * 4);
}
