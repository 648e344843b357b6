use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// The text was not one JSON document.
#[derive(Debug)]
pub struct InvalidJson(serde_json::Error);

impl fmt::Display for InvalidJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not valid JSON: {}", self.0)
    }
}

impl std::error::Error for InvalidJson {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// The text of one valid JSON value. Cheap to clone: equal messages share their text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JsonText(Arc<str>);

impl JsonText {
    /// Checks the text and keeps it as it is, byte for byte.
    pub fn parse(text: &str) -> Result<Self, InvalidJson> {
        serde_json::from_str::<&RawValue>(text).map_err(InvalidJson)?;
        Ok(Self(text.into()))
    }

    /// The text of a value.
    pub fn from_value(value: &Value) -> Self {
        Self(value.to_string().into())
    }

    /// A JSON string that holds `text`.
    pub fn from_string(text: &str) -> Self {
        Self(serde_json::to_string(text).expect("a string has a JSON form").into())
    }

    /// Takes text that the caller made or checked itself: reading back what `as_str` wrote.
    pub fn from_trusted(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value that the text stands for. Text that came from a damaged store reads as a string.
    pub fn to_value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_else(|_| Value::String(self.0.to_string()))
    }

    /// The text of a JSON string, or the JSON text of anything else.
    pub fn to_plain(&self) -> String {
        match self.to_value() {
            Value::String(text) => text,
            _ => self.0.to_string(),
        }
    }
}

impl fmt::Debug for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<&RawValue>(&self.0) {
            Ok(raw) => raw.serialize(serializer),
            Err(_) => serializer.serialize_str(&self.0),
        }
    }
}

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(|raw| Self(String::from(Box::<str>::from(raw)).into()))
    }
}
