//! What prost encodes, both readers read alike.

use clearspan_model::UnixNanos;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

use super::super::published::pairs;
use super::super::read::read_traces;
use super::super::room::{Room, Unshared};
use super::super::view::Kept;
use super::super::{Encoding, MapContext};
use super::*;

fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        Just(None),
        ".{0,40}".prop_map(|text| Some(Value::StringValue(text))),
        any::<bool>().prop_map(|flag| Some(Value::BoolValue(flag))),
        any::<i64>().prop_map(|number| Some(Value::IntValue(number))),
        (-1e300..1e300).prop_map(|number| Some(Value::DoubleValue(number))),
        vec(any::<u8>(), 0..200).prop_map(|bytes| Some(Value::BytesValue(bytes))),
    ]
    .prop_map(|value| AnyValue { value });
    leaf.prop_recursive(6, 40, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5)
                .prop_map(|values| AnyValue { value: Some(Value::ArrayValue(ArrayValue { values })) }),
            vec((".{0,9}", inner), 0..5).prop_map(|members| {
                let values = members.into_iter().map(key_value).collect();
                AnyValue { value: Some(Value::KvlistValue(KeyValueList { values })) }
            }),
        ]
    })
}

fn key_value((key, value): (String, AnyValue)) -> KeyValue {
    KeyValue { key, value: Some(value), ..KeyValue::default() }
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    vec((".{0,20}", any_value()).prop_map(key_value), 0..6)
}

fn ids() -> impl Strategy<Value = (Vec<u8>, Vec<u8>, Vec<u8>)> {
    (vec(any::<u8>(), 0..20), vec(any::<u8>(), 0..20), vec(any::<u8>(), 0..20))
}

fn span() -> impl Strategy<Value = Span> {
    let event = (any::<u64>(), ".{0,20}", attributes()).prop_map(|(time_unix_nano, name, attributes)| {
        Event { time_unix_nano, name, attributes, ..Event::default() }
    });
    let link = (ids(), attributes()).prop_map(|((trace_id, span_id, _), attributes)| Link {
        trace_id,
        span_id,
        attributes,
        trace_state: "ignored".to_owned(),
        flags: 7,
        ..Link::default()
    });
    let numbers = (any::<i32>(), any::<u64>(), any::<u64>(), any::<[u32; 3]>(), any::<u32>());
    let status = proptest::option::of((".{0,20}", any::<i32>()));
    (ids(), ".{0,20}", ".{0,20}", numbers, attributes(), vec(event, 0..4), vec(link, 0..4), status).prop_map(
        |(ids, name, trace_state, (kind, start, end, dropped, flags), attributes, events, links, status)| {
            Span {
                trace_id: ids.0,
                span_id: ids.1,
                parent_span_id: ids.2,
                trace_state,
                name,
                kind,
                flags,
                start_time_unix_nano: start,
                end_time_unix_nano: end,
                attributes,
                dropped_attributes_count: dropped[0],
                events,
                dropped_events_count: dropped[1],
                links,
                dropped_links_count: dropped[2],
                status: status.map(|(message, code)| Status { message, code }),
            }
        },
    )
}

proptest! {
    #[test]
    fn spans_are_read_as_prost_reads_them(sent in span()) {
        let bytes = sent.encode_to_vec();
        let span = Span::decode(bytes.as_slice()).unwrap();
        let (kept, mut unshared, mut issues) = (Kept::default(), Unshared, Vec::new());
        let mut room = Room::for_body(bytes.len(), &mut unshared);
        let read = read_span(&bytes, &mut Reading::new(&kept, &mut room, &mut issues)).unwrap();
        prop_assert!(issues.is_empty(), "{:?}", issues);
        prop_assert_eq!(read.trace_id, &span.trace_id);
        prop_assert_eq!(read.span_id, &span.span_id);
        prop_assert_eq!(read.parent_span_id, &span.parent_span_id);
        prop_assert_eq!((read.name, read.trace_state), (span.name.as_str(), span.trace_state.as_str()));
        prop_assert_eq!(
            (read.kind, read.start, read.end),
            (span.kind, span.start_time_unix_nano, span.end_time_unix_nano)
        );
        let dropped = [span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count];
        prop_assert_eq!(read.dropped, dropped);
        let status = span.status.unwrap_or_default();
        prop_assert_eq!((read.status_code, read.status_message), (status.code, status.message.as_str()));
        prop_assert_eq!(read.attributes, pairs(&span.attributes));
        prop_assert_eq!(read.events.len(), span.events.len());
        for (read, event) in read.events.iter().zip(&span.events) {
            prop_assert_eq!((read.time, read.name), (event.time_unix_nano, event.name.as_str()));
            prop_assert_eq!(&read.attributes, &pairs(&event.attributes));
        }
        prop_assert_eq!(read.links.len(), span.links.len());
        for (read, link) in read.links.iter().zip(&span.links) {
            prop_assert_eq!((read.trace_id, read.span_id), (link.trace_id.as_slice(), link.span_id.as_slice()));
            prop_assert_eq!(&read.attributes, &pairs(&link.attributes));
        }
    }

    /// Bytes that were cut or changed are read or refused, and prost's word on what is broken is ours.
    #[test]
    fn broken_spans_are_refused_as_prost_refuses_them(
        sent in span(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut bytes = sent.encode_to_vec();
        prop_assume!(!bytes.is_empty());
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        let (kept, mut unshared, mut issues) = (Kept::default(), Unshared, Vec::new());
        let mut room = Room::for_body(bytes.len(), &mut unshared);
        let read = read_span(&bytes, &mut Reading::new(&kept, &mut room, &mut issues));
        if let Ok(span) = Span::decode(bytes.as_slice()) {
            let read = read.expect("prost reads it");
            prop_assert_eq!(read.name, span.name);
            prop_assert_eq!(read.attributes.len(), span.attributes.len());
        }
    }
}

/// Attributes as agents repeat them: few keys, and texts that are each other's beginning, need escapes or look like JSON.
fn told_again() -> impl Strategy<Value = Vec<KeyValue>> {
    let keys = [
        "traceloop.span.kind",
        "traceloop.entity.input",
        "traceloop.entity.output",
        "gen_ai.prompt.0.role",
        "gen_ai.prompt.0.content",
        "gen_ai.prompt.1.role",
        "gen_ai.prompt.1.content",
        "gen_ai.completion.0.content",
        "output.value",
    ];
    let texts = ["tool", "user", "two\nlines", "two\nlines ", "a \"b\"", "\"a\"", "[1]", "null", "", "é"];
    let place = (proptest::bool::weighted(0.7), proptest::sample::select(texts.to_vec()));
    vec(place, keys.len()).prop_map(move |places| {
        let pairs = keys.into_iter().zip(places).filter(|(_, (is_there, _))| *is_there);
        let value = |text: &str| AnyValue { value: Some(Value::StringValue(text.to_owned())) };
        pairs.map(|(key, (_, text))| key_value((key.to_owned(), value(text)))).collect()
    })
}

proptest! {
    #[test]
    fn spans_of_a_request_are_mapped_as_each_by_itself(requests in vec(told_again(), 1..6)) {
        let spans: Vec<Span> = requests
            .into_iter()
            .zip(2..)
            .map(|(attributes, id)| Span {
                trace_id: vec![1; 16],
                span_id: vec![id; 8],
                attributes,
                ..Span::default()
            })
            .collect();
        let map = |spans: &[Span]| {
            let scope_spans = vec![ScopeSpans { spans: spans.to_vec(), ..ScopeSpans::default() }];
            let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
            let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
            let ctx = MapContext::at(UnixNanos::from_nanos(1));
            let mapped = read_traces(&body, Encoding::Protobuf, &ctx).unwrap();
            mapped.runs.into_iter().map(|mapped| mapped.run).collect::<Vec<_>>()
        };
        let each: Vec<_> = spans.iter().flat_map(|span| map(std::slice::from_ref(span))).collect();
        prop_assert_eq!(map(&spans), each);
    }
}
