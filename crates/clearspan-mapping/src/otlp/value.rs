//! OTLP values as [`Json`]: borrowed, exact (64-bit integers stay integers), bytes told apart.

use std::collections::BTreeMap;

use clearspan_model::JsonText;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

use crate::json::{Json, Text};

/// The decoders stop far above this; only values built by hand can be deeper, and they are cut here.
const MAX_DEPTH: usize = 256;

/// The value as JSON. An unset value is null.
pub(crate) fn any_to_json(value: Option<&AnyValue>) -> Json<'_> {
    value.map_or(Json::Null, |value| to_json(value.value.as_ref(), 0))
}

fn to_json(value: Option<&Value>, depth: usize) -> Json<'_> {
    match value {
        _ if depth > MAX_DEPTH => Json::Null,
        None | Some(Value::StringValueStrindex(_)) => Json::Null,
        Some(Value::StringValue(text)) => Json::text(text),
        Some(Value::BoolValue(flag)) => Json::Bool(*flag),
        Some(Value::IntValue(number)) => Json::Int(*number),
        Some(Value::DoubleValue(number)) => Json::Float(*number),
        Some(Value::BytesValue(bytes)) => Json::Bytes(bytes),
        Some(Value::ArrayValue(array)) => {
            Json::Array(array.values.iter().map(|item| to_json(item.value.as_ref(), depth + 1)).collect())
        }
        Some(Value::KvlistValue(list)) => Json::Object(
            list.values
                .iter()
                .map(|KeyValue { key, value, .. }| {
                    let value = to_json(value.as_ref().and_then(|v| v.value.as_ref()), depth + 1);
                    (Text::Plain(key.as_str()), value)
                })
                .collect(),
        ),
    }
}

/// The JSON text of one value.
pub(crate) fn value_text(value: Option<&AnyValue>) -> JsonText {
    JsonText::from_trusted(any_to_json(value).to_text())
}

/// Attributes by key, as JSON texts. Of two with one key the last one counts.
pub(crate) fn attribute_texts<'a>(
    attributes: impl IntoIterator<Item = (&'a str, Json<'a>)>,
) -> BTreeMap<String, JsonText> {
    let mut text = String::new();
    let texts = attributes.into_iter().map(|(key, value)| {
        text.clear();
        value.write(&mut text);
        (key.to_owned(), JsonText::from_trusted(text.as_str()))
    });
    texts.collect()
}
