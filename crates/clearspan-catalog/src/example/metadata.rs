//! What people know about an example, as they wrote it: keys in their order, values to the last digit.

use std::collections::HashMap;
use std::fmt;

use clearspan_model::JsonText;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::{Map, Value};

/// The members of a JSON object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata(Vec<(String, JsonText)>);

impl Metadata {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&JsonText> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// The members in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &JsonText)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Takes a member away.
    pub(crate) fn remove(&mut self, key: &str) -> Option<JsonText> {
        let place = self.0.iter().position(|(known, _)| known == key)?;
        Some(self.0.remove(place).1)
    }

    /// Adds a member that is not there.
    pub(crate) fn push(&mut self, key: &str, value: JsonText) {
        debug_assert!(self.get(key).is_none(), "the key {key:?} is there");
        self.0.push((key.to_owned(), value));
    }
}

impl From<Map<String, Value>> for Metadata {
    fn from(object: Map<String, Value>) -> Self {
        Self(object.into_iter().map(|(key, value)| (key, JsonText::from_value(&value))).collect())
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// Of a key that comes twice the last value counts. Values that are nested too deeply to be read are refused.
impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Metadata;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Metadata, A::Error> {
                let mut members: Vec<(String, JsonText)> = Vec::new();
                let mut places: HashMap<String, usize> = HashMap::new();
                while let Some((key, value)) = object.next_entry::<String, JsonText>()? {
                    serde_json::from_str::<Value>(value.as_str()).map_err(A::Error::custom)?;
                    match places.get(&key).and_then(|place| members.get_mut(*place)) {
                        Some((_, known)) => *known = value,
                        None => {
                            places.insert(key.clone(), members.len());
                            members.push((key, value));
                        }
                    }
                }
                Ok(Metadata(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}
