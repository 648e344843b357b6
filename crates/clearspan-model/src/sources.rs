//! Which attribute filled which field of a run.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

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
/// Cheap to clone: runs of one instrumentation have the same, a dozen pairs, and share them.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sources(Option<Arc<Known>>);

/// Pairs sorted by field, each field once; at least one.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Known {
    pairs: Vec<(Name, Name)>,
    /// What their texts take.
    text_bytes: usize,
}

impl Sources {
    /// Notes where a field came from, unless that is known. Makes them anew: for those who add little to what is there.
    pub fn note(&mut self, field: impl Into<Name>, source: impl Into<Name>) {
        let known = std::mem::take(self).into_map();
        *self = std::iter::once((field.into(), source.into())).chain(known).collect();
    }

    /// Where a field came from.
    pub fn get(&self, field: &str) -> Option<&str> {
        let pairs = self.pairs();
        let at = pairs.binary_search_by(|(known, _)| known.as_ref().cmp(field)).ok()?;
        Some(pairs[at].1.as_ref())
    }

    /// All fields with their sources, by field.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.names().map(|(field, source)| (field.as_ref(), source.as_ref()))
    }

    /// The same for those who keep them: names that are part of the program are not copied.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &(Name, Name)> {
        self.pairs().iter()
    }

    /// How many fields have a source.
    pub fn len(&self) -> usize {
        self.pairs().len()
    }

    /// True when nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// What so many pairs take in memory beside their texts.
    pub const fn bytes_of(count: usize) -> usize {
        size_of::<(Name, Name)>() * count
    }

    /// What they take in memory, if nobody shares them.
    pub fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |known| known.text_bytes + Self::bytes_of(known.pairs.len()))
    }

    /// The pairs as a map, for those who join them.
    pub(crate) fn into_map(self) -> BTreeMap<Name, Name> {
        self.names().cloned().collect()
    }

    fn pairs(&self) -> &[(Name, Name)] {
        self.0.as_ref().map_or(&[], |known| &known.pairs)
    }
}

impl FromIterator<(Name, Name)> for Sources {
    fn from_iter<I: IntoIterator<Item = (Name, Name)>>(pairs: I) -> Self {
        // Of two with one field the last counts, as in a map.
        let map: BTreeMap<Name, Name> = pairs.into_iter().collect();
        let text_bytes = map.iter().map(|(field, source)| field.len() + source.len()).sum();
        let pairs: Vec<_> = map.into_iter().collect();
        Self((!pairs.is_empty()).then(|| Arc::new(Known { pairs, text_bytes })))
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
