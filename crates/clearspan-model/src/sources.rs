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
/// A dozen pairs, made for each span: a sorted list costs a fraction of a map.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sources(Vec<(Name, Name)>);

impl Sources {
    /// Notes where a field came from, unless that is known.
    pub fn note(&mut self, field: impl Into<Name>, source: impl Into<Name>) {
        let field = field.into();
        if let Err(at) = self.place(&field) {
            if self.0.capacity() == 0 {
                self.0.reserve_exact(12);
            }
            self.0.insert(at, (field, source.into()));
        }
    }

    /// Notes where a field came from, whatever was known.
    pub fn replace(&mut self, field: impl Into<Name>, source: impl Into<Name>) {
        let field = field.into();
        match self.place(&field) {
            Ok(at) => self.0[at].1 = source.into(),
            Err(at) => self.0.insert(at, (field, source.into())),
        }
    }

    /// Forgets where a field came from.
    pub fn remove(&mut self, field: &str) -> Option<Name> {
        self.place(field).ok().map(|at| self.0.remove(at).1)
    }

    /// Where a field came from.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.place(field).ok().map(|at| self.0[at].1.as_ref())
    }

    /// All fields with their sources, by field.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, source)| (field.as_ref(), source.as_ref()))
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
        self.0.into_iter().collect()
    }

    fn place(&self, field: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.as_ref().cmp(field))
    }
}

impl FromIterator<(Name, Name)> for Sources {
    fn from_iter<I: IntoIterator<Item = (Name, Name)>>(pairs: I) -> Self {
        // Of two with one field the last counts, as in a map.
        Self(pairs.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect())
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
