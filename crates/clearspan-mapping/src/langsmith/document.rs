//! The documents of a request, and their members by name: slices of the body, of which only what is asked for is read.

use std::borrow::Cow;
use std::fmt;

use clearspan_model::RunId;
use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::{Json, parse};

/// A batch has at most this many runs; the SDKs send some hundreds. Each may take a thousand times the bytes that it needs
/// to be one.
pub const MAX_BATCH: usize = 50_000;
/// A run has at most this many members, known or not.
const MAX_MEMBERS: usize = 10_000;

/// What a document is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// How a run began. It may tell the end, too.
    Post,
    /// How it went on.
    Patch,
}

/// What was sent about one run.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    /// Post or patch.
    pub kind: Kind,
    /// The run that the address or the name of the part says.
    pub run_id: Option<RunId>,
    /// The JSON object.
    pub main: &'a str,
    /// Members that were sent apart from it, each as JSON.
    pub parts: Vec<(&'a str, &'a str)>,
}

impl<'a> Document<'a> {
    /// A document whose members are all in one object.
    pub fn whole(kind: Kind, run_id: Option<RunId>, main: &'a str) -> Self {
        Self { kind, run_id, main, parts: Vec::new() }
    }

    pub(super) fn members(&self) -> Result<Members<'a>, String> {
        let mut reader = serde_json::Deserializer::from_str(self.main);
        let members = Raw::deserialize(&mut reader).and_then(|raw| reader.end().map(|()| raw));
        let mut members = members.map_err(|err| format!("the run is no JSON object: {err}"))?.0;
        if members.iter().any(|(name, _)| name.contains('\0')) {
            return Err("the run has a member with a zero byte in its name".to_owned());
        }
        if members.iter().filter(|(name, _)| name == "id").count() > 1 {
            return Err("the run has two ids".to_owned());
        }
        for (name, raw) in &self.parts {
            // What was sent apart is the member, whatever the object says.
            members.retain(|(known, _)| known != name);
            members.push((Cow::Borrowed(name), raw));
        }
        Ok(Members(members))
    }
}

/// The members of a document.
#[derive(Debug)]
pub(super) struct Members<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Members<'a> {
    /// The JSON of a member as it was sent; none when it is null.
    pub(super) fn raw(&self, name: &str) -> Option<&'a str> {
        let raw = self.0.iter().rev().find(|(known, _)| known == name)?.1.trim();
        (raw != "null").then_some(raw)
    }

    /// A member that can be read; none when it is null.
    pub(super) fn json(&self, name: &str) -> Option<Json<'a>> {
        parse(self.raw(name)?).ok().filter(|json| !json.is_null())
    }

    /// The text of a member, or the JSON of one that is no text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let raw = self.raw(name)?;
        match parse(raw) {
            Ok(Json::Null) => None,
            Ok(json) => Some(super::plain_text(&json)),
            // The part of an error may be plain text.
            Err(_) => Some(raw.to_owned()),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(name, raw)| (name.as_ref(), *raw))
    }
}

/// An object whose values are not read.
struct Raw<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'de> Deserialize<'de> for Raw<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Raw<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(Name(name)) = map.next_key()? {
                    if members.len() == MAX_MEMBERS {
                        return Err(de::Error::custom(format_args!(
                            "it has more than {MAX_MEMBERS} members"
                        )));
                    }
                    members.push((name, map.next_value::<&RawValue>()?.get()));
                }
                Ok(Raw(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// The body of `POST /runs/batch`.
#[derive(Debug, Default)]
pub struct Batch<'a> {
    /// The runs that began.
    pub post: Vec<&'a str>,
    /// The runs that went on.
    pub patch: Vec<&'a str>,
}

/// Why a body is no batch that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchError {
    /// It is not what a batch looks like.
    Malformed(String),
    /// It has more than [`MAX_BATCH`] runs.
    TooMany,
}

/// Reads the body of a batch; its runs are only told apart.
pub fn read_batch(body: &str) -> Result<Batch<'_>, BatchError> {
    let mut reader = serde_json::Deserializer::from_str(body);
    let mut batch = Batch::default();
    let mut left = Some(MAX_BATCH);
    let read = Lists { batch: &mut batch, left: &mut left }.deserialize(&mut reader);
    match read.and_then(|()| reader.end()) {
        Ok(()) => Ok(batch),
        Err(_) if left.is_none() => Err(BatchError::TooMany),
        Err(err) => Err(BatchError::Malformed(format!("the body is no batch of runs: {err}"))),
    }
}

struct Lists<'b, 'a> {
    batch: &'b mut Batch<'a>,
    /// How many runs may still come; none once there was one too many.
    left: &'b mut Option<usize>,
}

impl<'de> DeserializeSeed<'de> for Lists<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Lists<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the lists \"post\" and \"patch\"")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            let list = match name.as_ref() {
                "post" => &mut self.batch.post,
                "patch" => &mut self.batch.patch,
                _ => {
                    map.next_value::<de::IgnoredAny>()?;
                    continue;
                }
            };
            map.next_value_seed(Items { list, left: &mut *self.left })?;
        }
        Ok(())
    }
}

/// A list whose items are not read, or null.
struct Items<'b, 'a> {
    list: &'b mut Vec<&'a str>,
    left: &'b mut Option<usize>,
}

impl<'de> DeserializeSeed<'de> for Items<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of runs")
    }

    fn visit_none<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(item) = seq.next_element::<&RawValue>()? {
            *self.left = self.left.and_then(|left| left.checked_sub(1));
            if self.left.is_none() {
                return Err(de::Error::custom("there are too many runs"));
            }
            self.list.push(item.get());
        }
        Ok(())
    }
}
