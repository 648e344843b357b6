//! A run or an example on its way to a client. What was sent as JSON is passed on as the text that it was: large payloads
//! are not taken apart only to be put together again, and numbers keep all of their digits.

use std::ops::Index;

use clearspan_model::JsonText;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::api::readable::readable;

/// A JSON object of which some members are texts.
#[derive(Debug, Clone, Default)]
pub(super) struct JsonObject {
    /// All members in their order. Those that are texts are null here.
    values: Map<String, Value>,
    texts: Vec<(String, JsonText)>,
}

impl JsonObject {
    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.texts.retain(|(known, _)| known != name);
        self.values.insert(name.to_owned(), value);
    }

    pub(super) fn set_text(&mut self, name: &str, text: JsonText) {
        self.set(name, Value::Null);
        self.texts.push((name.to_owned(), text));
    }

    /// [`Self::set_text`] with what a client sent. What no client could read is a text that holds it.
    pub(super) fn set_sent(&mut self, name: &str, text: &JsonText) {
        self.set_text(name, readable(text));
    }

    /// The text of a member that is kept as one.
    pub(super) fn text(&self, name: &str) -> Option<&JsonText> {
        self.texts.iter().find(|(known, _)| known == name).map(|(_, text)| text)
    }

    /// Leaves only some members.
    pub(super) fn retain(&mut self, wanted: impl Fn(&str) -> bool) {
        self.values.retain(|name, _| wanted(name));
        self.texts.retain(|(name, _)| wanted(name));
    }

    /// All of it as text.
    pub(super) fn to_text(&self) -> JsonText {
        text_of(self)
    }

    /// The same to be changed in depth.
    pub(super) fn into_value(mut self) -> Value {
        for (name, text) in self.texts {
            self.values.insert(name, text.to_value());
        }
        Value::Object(self.values)
    }
}

/// The JSON of something that always has one.
pub(super) fn text_of<T: Serialize + ?Sized>(value: &T) -> JsonText {
    JsonText::from_trusted(serde_json::to_string(value).expect("JSON of JSON"))
}

impl From<Value> for JsonObject {
    /// What is no object has no members.
    fn from(value: Value) -> Self {
        match value {
            Value::Object(values) => values.into(),
            _ => Self::default(),
        }
    }
}

impl From<Map<String, Value>> for JsonObject {
    fn from(values: Map<String, Value>) -> Self {
        Self { values, texts: Vec::new() }
    }
}

/// A member that is no text; null when there is none.
impl Index<&str> for JsonObject {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        self.values.get(name).unwrap_or(&Value::Null)
    }
}

impl Serialize for JsonObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.values.len()))?;
        for (name, value) in &self.values {
            match self.text(name) {
                Some(text) => map.serialize_entry(name, text)?,
                None => map.serialize_entry(name, value)?,
            }
        }
        map.end()
    }
}
