use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::*;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

fn request(spans: Vec<Span>, resource: Option<Resource>) -> Vec<u8> {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

fn attribute(text: &str) -> KeyValue {
    let value = any_value::Value::StringValue(text.to_owned());
    KeyValue { key: "key".to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn span(attributes: usize, text: &str) -> Span {
    Span { attributes: vec![attribute(text); attributes], ..Span::default() }
}

fn weight(body: &[u8]) -> u64 {
    decoded_bytes(body, Encoding::Protobuf)
}

const MIB: u64 = 1 << 20;

#[test]
fn what_people_send_weighs_a_small_multiple_of_its_size() {
    let spans = vec![span(30, &"a word or two ".repeat(10)); 512];
    let body = request(spans, Some(Resource { attributes: vec![attribute("x"); 10], ..Resource::default() }));
    let times = weight(&body) / body.len() as u64;
    assert!((2..=8).contains(&times), "{times} times {}", body.len());

    let text = "x".repeat(60 << 20);
    let one = request(vec![span(1, &text)], None);
    assert!(weight(&one) < 130 * MIB, "one large text: {}", weight(&one));
}

#[test]
fn bombs_weigh_what_they_become() {
    let spans = request(vec![Span::default(); 1_000_000], None);
    assert!(weight(&spans) > 1_000 * MIB, "empty spans: {} for {}", weight(&spans), spans.len());

    let envelopes = [0x0a, 0x00].repeat(4_000_000);
    assert!(weight(&envelopes) > 300 * MIB, "empty envelopes: {}", weight(&envelopes));

    let attributes =
        request(vec![Span { attributes: vec![KeyValue::default(); 1_000_000], ..Span::default() }], None);
    assert!(weight(&attributes) > 100 * MIB, "empty attributes: {}", weight(&attributes));

    let resource = Resource { attributes: vec![attribute("x"); 10_000], ..Resource::default() };
    let copies = request(vec![Span::default(); 10_000], Some(resource));
    assert!(weight(&copies) > 9_000 * MIB, "a large resource with many spans: {}", weight(&copies));

    let list = any_value::Value::ArrayValue(opentelemetry_proto::tonic::common::v1::ArrayValue {
        values: vec![AnyValue::default(); 1_000_000],
    });
    let list = KeyValue { value: Some(AnyValue { value: Some(list) }), ..KeyValue::default() };
    let body = request(vec![Span { attributes: vec![list], ..Span::default() }], None);
    assert!(weight(&body) > 30 * MIB, "an array of nothing: {}", weight(&body));
}

#[test]
fn json_is_weighed_by_its_punctuation() {
    let weight = |text: &str| decoded_bytes(text.as_bytes(), Encoding::Json);
    let empty_spans =
        format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}{{}}]}}]}}]}}"#, "{},".repeat(1_000_000));
    assert!(weight(&empty_spans) > 1_000 * MIB, "{}", weight(&empty_spans));
    let commas = format!(r#"{{"text":"{} \" {}"}}"#, ",".repeat(1_000_000), "{[".repeat(1_000_000));
    assert!(weight(&commas) < 8 * MIB, "text is text: {}", weight(&commas));
    let nulls = format!("[{}null]", "null,".repeat(1_000_000));
    assert!(weight(&nulls) > 60 * MIB, "{}", weight(&nulls));
}

#[test]
fn malformed_bytes_are_no_trouble() {
    let body = request(vec![span(3, "text")], None);
    for end in 0..body.len() {
        let cut = body.get(..end).unwrap();
        assert!(weight(cut) <= weight(&body), "cut at {end}");
    }
    let nested = (0..10_000).fold(Vec::new(), |inner: Vec<u8>, _| {
        let mut outer = vec![0x0a];
        prost::encoding::encode_varint(inner.len() as u64, &mut outer);
        outer.extend_from_slice(&inner);
        outer
    });
    weight(&nested);
    weight(&[0x0b; 100_000]);
    weight(&[0xff; 1_000]);
    decoded_bytes(&[b'{'; 1_000], Encoding::Json);
    decoded_bytes(b"\"\\", Encoding::Json);
}
