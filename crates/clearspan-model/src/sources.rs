//! Which attribute filled which field of a run.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A name that is mostly part of the program.
pub type Name = Cow<'static, str>;

/// For each field that the mapping filled, where its value came from.
///
/// Fields are named as in the REST API: `name`, `model`, `inputs.messages`, `usage.input_details.cache_read`,
/// `metadata.ls_provider`, `invocation_params.temperature`. A source is the key of an attribute; `gen_ai.prompt.*` for
/// a family of them; with a word and a colon in front for anything else: `span:name`, `span:status`, `event:exception`,
/// `log:gen_ai.choice`, `inputs:model` (inside a payload), `rule:<name>:<attribute>`.
///
/// A dozen pairs, made for each span: a sorted list costs a fraction of a map, and comparing the first bytes of names, as
/// numbers, a fraction of comparing the names.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sources(Vec<Source>);

/// As many sources as a run has that tells little more than what it is.
const USUAL: usize = 12;

/// A field, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Source {
    /// The first bytes of the field, in the order of texts.
    head: u64,
    field: Name,
    source: Name,
}

impl Source {
    fn new(field: Name, source: Name) -> Self {
        Self { head: head(&field), field, source }
    }
}

/// The first eight bytes of a name, as a number: where two differ, the names stand in the same order.
#[inline]
fn head(name: &str) -> u64 {
    let bytes = name.as_bytes();
    bytes.first_chunk::<8>().map_or_else(
        || bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)) << (64 - 8 * bytes.len().max(1)),
        |first| u64::from_be_bytes(*first),
    )
}

impl Sources {
    /// What so many pairs take in memory beside their texts.
    pub const fn bytes_of(count: usize) -> usize {
        size_of::<Source>() * if count > USUAL { count } else { USUAL }
    }

    /// Notes where a field came from, unless that is known.
    pub fn note(&mut self, field: impl Into<Name>, source: impl Into<Name>) {
        self.note_name(field.into(), source.into());
    }

    /// The same with places for what is noted beside it.
    pub fn begin(&self) -> Self {
        let mut pairs = Vec::with_capacity(self.0.len().max(USUAL));
        pairs.extend_from_slice(&self.0);
        Self(pairs)
    }

    fn note_name(&mut self, field: Name, source: Name) {
        if let Err(at) = self.place(&field) {
            if self.0.capacity() == 0 {
                self.0.reserve_exact(USUAL);
            }
            self.0.insert(at, Source::new(field, source));
        }
    }

    /// Notes where a field came from, whatever was known.
    pub fn replace(&mut self, field: impl Into<Name>, source: impl Into<Name>) {
        let field = field.into();
        match self.place(&field) {
            Ok(at) => self.0[at].source = source.into(),
            Err(at) => self.0.insert(at, Source::new(field, source.into())),
        }
    }

    /// Forgets where a field came from.
    pub fn remove(&mut self, field: &str) -> Option<Name> {
        self.place(field).ok().map(|at| self.0.remove(at).source)
    }

    /// Where a field came from.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.place(field).ok().map(|at| self.0[at].source.as_ref())
    }

    /// All fields with their sources, by field.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|known| (known.field.as_ref(), known.source.as_ref()))
    }

    /// How many fields have a source.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The pairs as a map, for those who join them.
    pub(crate) fn into_map(self) -> BTreeMap<Name, Name> {
        self.0.into_iter().map(|known| (known.field, known.source)).collect()
    }

    fn place(&self, field: &str) -> Result<usize, usize> {
        let head = head(field);
        let is_before =
            |known: &Source| known.head < head || known.head == head && known.field.as_ref() < field;
        let at = self.0.partition_point(is_before);
        let is_known = self.0.get(at).is_some_and(|known| known.head == head && known.field == field);
        if is_known { Ok(at) } else { Err(at) }
    }
}

impl FromIterator<(Name, Name)> for Sources {
    fn from_iter<I: IntoIterator<Item = (Name, Name)>>(pairs: I) -> Self {
        // Of two with one field the last counts, as in a map.
        let map: BTreeMap<Name, Name> = pairs.into_iter().collect();
        Self(map.into_iter().map(|(field, source)| Source::new(field, source)).collect())
    }
}

impl Serialize for Sources {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Sources {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(|map: BTreeMap<Name, Name>| map.into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
