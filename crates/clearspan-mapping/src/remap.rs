//! Mapping a stored run again, after rules changed.

use clearspan_model::{JsonText, Run};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};

use crate::dialects::TABLE;
use crate::engine::{Attributes, Draft};
use crate::json::{Json, parse};
use crate::otlp::span::type_strength;
use crate::rules::Rules;

/// Attributes that the mapping itself wrote.
const OWN: &[&str] = &["otel.scope.", "otel.span.kind", "otel.trace_state", "otel.status.message"];

/// The run as today's rules make it, from what is stored of it. Without a change of rules it is the same run.
///
/// Its cost, where the client reported none, is left to pricing. Its versions stay, so it can take the stored run's place.
pub fn remap(run: &Run, rules: &Rules) -> Run {
    let (own, sent): (Vec<_>, Vec<_>) =
        run.attributes.iter().partition(|(key, _)| OWN.iter().any(|own| key.starts_with(own)));
    let mut draft = Draft::of_stored(run);
    let used = draft.stored_attributes();
    let mut attributes: Vec<KeyValue> = sent.iter().map(|(key, value)| key_value(key, value)).collect();
    let mut families = Vec::new();
    for (key, value) in &used {
        match key.strip_suffix('*') {
            Some(prefix) => families.push(prefix),
            None if !run.attributes.contains_key(key) => attributes.push(key_value(key, value)),
            None => {}
        }
    }
    let mut attributes = Attributes::new(attributes, &TABLE, rules);
    for prefix in families {
        attributes.push_stored_family(prefix);
    }
    draft.apply_rows(&mut attributes, |draft| draft.restore_type(type_strength));
    draft.restore_rest();
    draft.run.attributes = attributes.into_rest();
    draft.run.attributes.extend(own.into_iter().map(|(key, value)| (key.clone(), value.clone())));
    let (_, mut mapped) = draft.finish();
    Draft::restore_unsourced(&mut mapped, run);
    mapped
}

fn key_value(key: &str, value: &JsonText) -> KeyValue {
    let json = parse(value.as_str()).unwrap_or_default();
    KeyValue { key: key.to_owned(), value: Some(any_value(&json)), ..KeyValue::default() }
}

fn any_value(json: &Json<'_>) -> AnyValue {
    let value = match json {
        Json::Null => None,
        Json::Bool(flag) => Some(Value::BoolValue(*flag)),
        Json::Int(number) => Some(Value::IntValue(*number)),
        Json::Float(number) => Some(Value::DoubleValue(*number)),
        Json::Number(digits) => Some(match digits.parse() {
            Ok(number) => Value::IntValue(number),
            Err(_) => Value::DoubleValue(digits.parse().unwrap_or_default()),
        }),
        Json::String(text) => Some(Value::StringValue(text.decode().into_owned())),
        Json::Bytes(bytes) => Some(Value::BytesValue(bytes.to_vec())),
        Json::Array(items) => {
            Some(Value::ArrayValue(ArrayValue { values: items.iter().map(any_value).collect() }))
        }
        Json::Object(members) => Some(Value::KvlistValue(KeyValueList {
            values: members
                .iter()
                .map(|(name, value)| KeyValue {
                    key: name.decode().into_owned(),
                    value: Some(any_value(value)),
                    ..KeyValue::default()
                })
                .collect(),
        })),
    };
    AnyValue { value }
}
