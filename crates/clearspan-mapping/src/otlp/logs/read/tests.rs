//! What prost encodes, both readers read alike.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::otlp::published::{any_to_json, pairs};
use crate::otlp::room::{Room, Unshared};
use crate::otlp::view::Kept;

fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        Just(None),
        ".{0,20}".prop_map(|text| Some(Value::StringValue(text))),
        any::<i64>().prop_map(|number| Some(Value::IntValue(number))),
        (-1e300..1e300).prop_map(|number| Some(Value::DoubleValue(number))),
        vec(any::<u8>(), 0..20).prop_map(|bytes| Some(Value::BytesValue(bytes))),
    ]
    .prop_map(|value| AnyValue { value });
    leaf.prop_recursive(3, 10, 4, |inner| {
        vec(inner, 0..4).prop_map(|values| AnyValue { value: Some(Value::ArrayValue(ArrayValue { values })) })
    })
}

fn record() -> impl Strategy<Value = LogRecord> {
    let attribute = (".{0,9}", any_value()).prop_map(|(key, value)| KeyValue {
        key,
        value: Some(value),
        ..KeyValue::default()
    });
    let ids = (vec(any::<u8>(), 0..20), vec(any::<u8>(), 0..10));
    let numbers = (any::<[u64; 2]>(), any::<i32>(), any::<[u32; 2]>());
    (numbers, ".{0,9}", proptest::option::of(any_value()), vec(attribute, 0..4), ids, ".{0,9}").prop_map(
        |((times, severity_number, counts), severity_text, body, attributes, ids, event_name)| LogRecord {
            time_unix_nano: times[0],
            observed_time_unix_nano: times[1],
            severity_number,
            severity_text,
            body,
            attributes,
            dropped_attributes_count: counts[0],
            flags: counts[1],
            trace_id: ids.0,
            span_id: ids.1,
            event_name,
        },
    )
}

proptest! {
    #[test]
    fn log_records_are_read_as_prost_reads_them(sent in record()) {
        let bytes = sent.encode_to_vec();
        let (kept, mut unshared, mut issues) = (Kept::default(), Unshared, Vec::new());
        let mut room = Room::for_body(bytes.len(), &mut unshared);
        let read = read_record(&bytes, &mut Reading::new(&kept, &mut room, &mut issues)).unwrap();
        prop_assert!(issues.is_empty(), "{:?}", issues);
        prop_assert_eq!((read.time, read.observed_time), (sent.time_unix_nano, sent.observed_time_unix_nano));
        prop_assert_eq!((read.severity, read.severity_text), (sent.severity_number, &*sent.severity_text));
        prop_assert_eq!(read.body, sent.body.as_ref().map(|body| any_to_json(Some(body))));
        prop_assert_eq!(read.attributes, pairs(&sent.attributes));
        prop_assert_eq!(read.dropped, sent.dropped_attributes_count);
        prop_assert_eq!((read.trace_id, read.span_id), (&*sent.trace_id, &*sent.span_id));
        prop_assert_eq!(read.event_name, &sent.event_name);
    }

    /// Bytes that were cut or changed: what prost reads, we read.
    #[test]
    fn broken_log_records_are_refused_as_prost_refuses_them(
        sent in record(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut bytes = sent.encode_to_vec();
        prop_assume!(!bytes.is_empty());
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        let (kept, mut unshared, mut issues) = (Kept::default(), Unshared, Vec::new());
        let mut room = Room::for_body(bytes.len(), &mut unshared);
        let read = read_record(&bytes, &mut Reading::new(&kept, &mut room, &mut issues));
        if let Ok(record) = LogRecord::decode(bytes.as_slice()) {
            let read = read.expect("prost reads it");
            prop_assert_eq!(read.event_name, record.event_name);
            prop_assert_eq!(read.attributes.len(), record.attributes.len());
        }
    }
}
