//! Values of the published structs as ours: what they decode is what the readers are compared with.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

use super::view::Pairs;
use crate::json::{Json, Text};

pub(crate) fn pairs(attributes: &[KeyValue]) -> Pairs<'_> {
    attributes.iter().map(|kv| (kv.key.as_str(), any_to_json(kv.value.as_ref()))).collect()
}

/// An unset value is null.
pub(crate) fn any_to_json(value: Option<&AnyValue>) -> Json<'_> {
    value.map_or(Json::Null, |value| to_json(value.value.as_ref()))
}

fn to_json(value: Option<&Value>) -> Json<'_> {
    match value {
        None | Some(Value::StringValueStrindex(_)) => Json::Null,
        Some(Value::StringValue(text)) => Json::text(text),
        Some(Value::BoolValue(flag)) => Json::Bool(*flag),
        Some(Value::IntValue(number)) => Json::Int(*number),
        Some(Value::DoubleValue(number)) => Json::Float(*number),
        Some(Value::BytesValue(bytes)) => Json::Bytes(bytes),
        Some(Value::ArrayValue(array)) => {
            Json::Array(array.values.iter().map(|item| to_json(item.value.as_ref())).collect())
        }
        Some(Value::KvlistValue(list)) => Json::Object(
            list.values
                .iter()
                .map(|KeyValue { key, value, .. }| {
                    let value = to_json(value.as_ref().and_then(|v| v.value.as_ref()));
                    (Text::Plain(key.as_str()), value)
                })
                .collect(),
        ),
    }
}
