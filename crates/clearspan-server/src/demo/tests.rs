mod mapped;

use std::collections::{HashMap, HashSet};

use clearspan_model::UnixNanos;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{Span, status::StatusCode};
use prost::Message as _;

use super::{DemoSet, build};

const NOW: UnixNanos = UnixNanos::from_nanos(1_795_225_963_000_000_000);

fn protobuf_spans(set: &DemoSet) -> Vec<Span> {
    set.requests
        .iter()
        .filter(|request| request.content_type == "application/x-protobuf")
        .flat_map(|request| ExportTraceServiceRequest::decode(&request.body[..]).unwrap().resource_spans)
        .flat_map(|resource_spans| resource_spans.scope_spans)
        .flat_map(|scope_spans| scope_spans.spans)
        .collect()
}

fn featured_spans(set: &DemoSet) -> Vec<Span> {
    let id = set.featured_trace_id.as_bytes().to_vec();
    protobuf_spans(set).into_iter().filter(|span| span.trace_id == id).collect()
}

#[test]
fn the_same_seed_and_time_give_the_same_bytes() {
    assert_eq!(build(NOW, 7), build(NOW, 7));
    let other_seed = build(NOW, 8);
    assert_ne!(build(NOW, 7).trace_ids, other_seed.trace_ids);
    let later = build(UnixNanos::from_nanos(NOW.as_nanos() + 1), 7);
    assert_ne!(build(NOW, 7).trace_ids, later.trace_ids, "a second demo is new traces");
}

#[test]
fn it_is_small_enough_to_send_at_once() {
    let set = build(NOW, 7);
    let bytes: usize = set.requests.iter().map(|request| request.body.len()).sum();
    assert!((1_000_000..3_000_000).contains(&bytes), "{bytes} bytes");
    assert!(set.requests.iter().any(|request| request.content_type == "application/json"));
    assert_eq!(set.trace_ids.iter().collect::<HashSet<_>>().len(), set.trace_ids.len());
}

#[test]
fn every_span_has_a_parent_that_covers_it_and_lies_in_the_past() {
    let spans = protobuf_spans(&build(NOW, 7));
    let by_id: HashMap<_, _> =
        spans.iter().map(|span| ((span.trace_id.clone(), span.span_id.clone()), span)).collect();
    assert_eq!(by_id.len(), spans.len(), "span ids are unique in their trace");
    for span in &spans {
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano, "{}", span.name);
        assert!(span.end_time_unix_nano <= NOW.as_nanos().cast_unsigned(), "{} is in the future", span.name);
        if span.parent_span_id.is_empty() {
            continue;
        }
        let parent = by_id[&(span.trace_id.clone(), span.parent_span_id.clone())];
        assert!(parent.start_time_unix_nano <= span.start_time_unix_nano, "{} in {}", span.name, parent.name);
        assert!(span.end_time_unix_nano <= parent.end_time_unix_nano, "{} in {}", span.name, parent.name);
    }
}

#[test]
fn the_featured_trace_tells_the_story() {
    let spans = featured_spans(&build(NOW, 7));
    assert!((150..=320).contains(&spans.len()), "{} spans", spans.len());
    let failed: Vec<_> = spans
        .iter()
        .filter(|span| span.status.as_ref().is_some_and(|s| s.code == StatusCode::Error as i32))
        .map(|span| span.name.as_str())
        .collect();
    let mut expected = vec!["POST api.fxrates.dev/convert"; 3];
    expected.extend([
        "execute_tool fx.convert",
        "validate_itinerary",
        "guardrail.output",
        "invoke_agent trip-planner",
    ]);
    assert_eq!(failed, expected, "in the order in which they ended");
    let end = spans.iter().map(|span| span.end_time_unix_nano).max().unwrap();
    assert_eq!(end, NOW.as_nanos().cast_unsigned() - 60_000_000_000);
}

#[test]
fn histories_grow_and_tool_results_answer_calls() {
    let spans = featured_spans(&build(NOW, 7));
    let mut checked = 0;
    for span in &spans {
        let Some(messages) = attribute(span, "gen_ai.input.messages") else { continue };
        let messages: Vec<serde_json::Value> = serde_json::from_str(messages).unwrap();
        let mut open = HashSet::new();
        for part in messages.iter().flat_map(|message| message["parts"].as_array().unwrap()) {
            let id = part["id"].as_str().unwrap_or_default().to_owned();
            match part["type"].as_str().unwrap() {
                "tool_call" => assert!(open.insert(id), "a call id is used once"),
                "tool_call_response" => {
                    assert!(open.remove(&id), "{id} answers a call");
                    checked += 1;
                }
                _ => {}
            }
        }
        assert!(open.is_empty(), "every call is answered before the model speaks again");
    }
    assert!(checked > 100, "{checked} tool results");
}

fn attribute<'a>(span: &'a Span, key: &str) -> Option<&'a str> {
    use opentelemetry_proto::tonic::common::v1::any_value::Value::StringValue;
    let attribute = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        StringValue(text) => Some(text),
        _ => None,
    }
}
