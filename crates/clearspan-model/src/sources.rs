//! Which attribute filled which field of a run.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A name that is mostly part of the program.
pub type Name = Cow<'static, str>;

/// For each field that the mapping filled, where its value came from.
///
/// Fields are named as in the REST API: `name`, `model`, `inputs.messages`, `usage.input_details.cache_read`,
/// `metadata.ls_provider`, `invocation_params.temperature`. A source is the key of an attribute; `gen_ai.prompt.*` for
/// a family of them; with a word and a colon in front for anything else: `span:name`, `span:status`, `event:exception`,
/// `log:gen_ai.choice`, `inputs:model` (inside a payload), `rule:<name>:<attribute>`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sources(pub BTreeMap<Name, Name>);

impl Sources {
    /// Notes where a field came from, unless that is known.
    pub fn note(&mut self, field: impl Into<Name>, source: impl Into<Name>) {
        self.0.entry(field.into()).or_insert_with(|| source.into());
    }

    /// Where a field came from.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(Cow::as_ref)
    }

    /// True when nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
