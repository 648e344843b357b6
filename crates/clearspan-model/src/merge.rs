//! Joining two partial runs into one.
//!
//! Each field is a last-writer-wins register ordered by ([`Version`], value); `metadata`, `attributes`
//! and `resource` are maps of such registers; tags, events, links, fragments and issues are sets; status
//! only grows. All of these are joins of a semilattice, so merging is commutative, associative and
//! idempotent whatever the order of arrival (the property test in `tests` says so).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{JsonText, Run, UnixNanos};

/// How much a source is trusted: a weaker source fills what a stronger one left empty and never overwrites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Rank {
    /// Log records that belong to a span.
    Log = 1,
    /// The span itself.
    Span = 2,
    /// The vendor's own protocol (LangSmith, Langfuse ingestion), telling of work that goes on.
    Native = 3,
    /// The same, telling how the work ended: its last word, whenever it arrives and whatever its clock says.
    NativeEnd = 4,
}

/// Orders the writers of one field: first by [`Rank`], then by time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(u64);

impl Version {
    /// The version of everything that one patch says.
    pub fn new(rank: Rank, said_at: UnixNanos) -> Self {
        let micros = u64::try_from(said_at.as_micros()).unwrap_or(0) & Self::MICROS;
        Self(((rank as u64) << 56) | micros)
    }

    /// What of the stored form is the time, in microseconds since the epoch.
    pub const MICROS: u64 = (1 << 56) - 1;

    /// When it was said, to the microsecond: spans and log records when the server received them, LangSmith's documents by the
    /// client's clock.
    pub const fn said_at(self) -> UnixNanos {
        UnixNanos::from_nanos((self.0 & Self::MICROS).cast_signed().saturating_mul(1_000))
    }

    /// The version of something that the same writer said so many microseconds later.
    pub const fn later_by(self, micros: u64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// The least version of a rank.
    pub const fn least_of(rank: Rank) -> Self {
        Self((rank as u64) << 56)
    }

    /// From its stored form.
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// Whether a source of this rank, or one that is trusted more, said it.
    pub const fn is_at_least(self, rank: Rank) -> bool {
        self.0 >= Self::least_of(rank).0
    }

    /// Its stored form.
    pub const fn as_raw(self) -> u64 {
        self.0
    }
}

macro_rules! field_ids {
    ($($variant:ident,)*) => {
        /// A field that has a version of its own. Stored by its position: append only.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[expect(missing_docs, reason = "each is the field of `Run` with the same name")]
        pub enum FieldId { $($variant,)* }
    };
}

field_ids! {
    ParentRunId, SpanId, DottedOrder, Name, RunType, Error, ErrorType, StartTime, EndTime, FirstTokenTime,
    InputMessages, InputRest, OutputMessages, OutputRest, InvocationParams, Model, Provider, Usage, Cost,
    ThreadId, UserId, Metadata, Attributes, Resource, Service, Release, Environment, Dialect, ScopeName,
    ScopeVersion, Sources,
}

/// The version of each field of a run: one for most, and the exceptions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The newest version of anything in the run, which most fields have.
    pub base: Version,
    /// Fields (and keys of map fields) that are older, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub older: Vec<(FieldId, Option<String>, Version)>,
}

impl Versions {
    /// One version for everything: what a fresh patch has.
    pub fn all(base: Version) -> Self {
        Self { base, older: Vec::new() }
    }

    fn of(&self, field: FieldId, key: Option<&str>) -> Version {
        self.older
            .binary_search_by(|(f, k, _)| (*f, k.as_deref()).cmp(&(field, key)))
            .map_or(self.base, |idx| self.older[idx].2)
    }
}

/// Collects the versions of a merged run.
struct Joiner<'a> {
    left: &'a Versions,
    right: &'a Versions,
    base: Version,
    older: Vec<(FieldId, Option<String>, Version)>,
}

impl Joiner<'_> {
    fn note(&mut self, field: FieldId, key: Option<&str>, version: Version) {
        if version != self.base {
            self.older.push((field, key.map(str::to_owned), version));
        }
    }

    /// Joins one register. `T::cmp` breaks ties between equal versions.
    fn register<T: Ord>(&mut self, field: FieldId, left: &mut Option<T>, right: Option<T>) {
        let (left_version, right_version) = (self.left.of(field, None), self.right.of(field, None));
        match (left.as_ref(), right) {
            (None, None) => {}
            (Some(_), None) => self.note(field, None, left_version),
            (None, Some(value)) => {
                *left = Some(value);
                self.note(field, None, right_version);
            }
            (Some(old), Some(value)) => {
                // Equal values keep the newer version, or a third writer could win one way round only.
                self.note(field, None, left_version.max(right_version));
                if (right_version, &value) > (left_version, old) {
                    *left = Some(value);
                }
            }
        }
    }

    /// Joins a list that is one value: empty means absent.
    fn list<T: Ord>(&mut self, field: FieldId, left: &mut Vec<T>, right: Vec<T>) {
        let absent_if_empty = |list: Vec<T>| (!list.is_empty()).then_some(list);
        let mut joined = absent_if_empty(std::mem::take(left));
        self.register(field, &mut joined, absent_if_empty(right));
        *left = joined.unwrap_or_default();
    }

    /// Joins the text of a JSON object as a map of registers.
    fn object(&mut self, field: FieldId, left: &mut Option<JsonText>, right: Option<JsonText>) {
        let read = |text: &Option<JsonText>| match text {
            None => Some(BTreeMap::new()),
            Some(text) => serde_json::from_str::<BTreeMap<String, serde_json::Value>>(text.as_str()).ok(),
        };
        let (Some(old), Some(new)) = (read(left), read(&right)) else {
            return self.register(field, left, right);
        };
        let texts = |map: BTreeMap<String, serde_json::Value>| -> BTreeMap<String, JsonText> {
            map.into_iter().map(|(key, value)| (key, JsonText::from_trusted(value.to_string()))).collect()
        };
        let (mut joined, new) = (texts(old), texts(new));
        self.map(field, &mut joined, new);
        let members: Vec<String> = joined
            .iter()
            .map(|(key, value)| format!("{}:{}", serde_json::Value::from(key.as_str()), value.as_str()))
            .collect();
        if !members.is_empty() {
            *left = Some(JsonText::from_trusted(format!("{{{}}}", members.join(","))));
        }
    }

    /// Joins a map of registers.
    fn map<K: Ord + AsRef<str>, V: Ord>(
        &mut self,
        field: FieldId,
        left: &mut BTreeMap<K, V>,
        right: BTreeMap<K, V>,
    ) {
        for key in left.keys().filter(|key| !right.contains_key(*key)) {
            let key = key.as_ref();
            self.note(field, Some(key), self.left.of(field, Some(key)));
        }
        for (key, value) in right {
            let right_version = self.right.of(field, Some(key.as_ref()));
            match left.entry(key) {
                std::collections::btree_map::Entry::Vacant(slot) => {
                    self.note(field, Some(slot.key().as_ref()), right_version);
                    slot.insert(value);
                }
                std::collections::btree_map::Entry::Occupied(mut slot) => {
                    let left_version = self.left.of(field, Some(slot.key().as_ref()));
                    self.note(field, Some(slot.key().as_ref()), left_version.max(right_version));
                    if (right_version, &value) > (left_version, slot.get()) {
                        slot.insert(value);
                    }
                }
            }
        }
    }
}

fn join_set<T: Ord>(left: &mut Vec<T>, right: Vec<T>) {
    if right.is_empty() {
        return;
    }
    left.extend(right);
    left.sort();
    left.dedup();
}

impl Run {
    /// Joins what another patch says about the same run.
    ///
    /// # Panics
    /// When the keys differ: that would mix two runs.
    pub fn merge(&mut self, other: Run) {
        assert_eq!(self.key, other.key, "only patches of one run merge");
        let left_versions = std::mem::take(&mut self.versions);
        let base = left_versions.base.max(other.versions.base);
        let mut join = Joiner { left: &left_versions, right: &other.versions, base, older: Vec::new() };

        join.register(FieldId::ParentRunId, &mut self.parent_run_id, other.parent_run_id);
        join.register(FieldId::SpanId, &mut self.span_id, other.span_id);
        join.register(FieldId::DottedOrder, &mut self.dotted_order, other.dotted_order);
        join.register(FieldId::Name, &mut self.name, other.name);
        join.register(FieldId::RunType, &mut self.run_type, other.run_type);
        join.register(FieldId::Error, &mut self.error, other.error);
        join.register(FieldId::ErrorType, &mut self.error_type, other.error_type);
        join.register(FieldId::StartTime, &mut self.start_time, other.start_time);
        join.register(FieldId::EndTime, &mut self.end_time, other.end_time);
        join.register(FieldId::FirstTokenTime, &mut self.first_token_time, other.first_token_time);
        join.list(FieldId::InputMessages, &mut self.inputs.messages, other.inputs.messages);
        join.register(FieldId::InputRest, &mut self.inputs.rest, other.inputs.rest);
        join.list(FieldId::OutputMessages, &mut self.outputs.messages, other.outputs.messages);
        join.register(FieldId::OutputRest, &mut self.outputs.rest, other.outputs.rest);
        join.object(FieldId::InvocationParams, &mut self.invocation_params, other.invocation_params);
        join.register(FieldId::Model, &mut self.model, other.model);
        join.register(FieldId::Provider, &mut self.provider, other.provider);
        join.register(FieldId::Usage, &mut self.usage, other.usage);
        join.register(FieldId::Cost, &mut self.cost, other.cost);
        join.register(FieldId::ThreadId, &mut self.thread_id, other.thread_id);
        join.register(FieldId::UserId, &mut self.user_id, other.user_id);
        join.map(FieldId::Metadata, &mut self.metadata, other.metadata);
        join.map(FieldId::Attributes, &mut self.attributes, other.attributes);
        join.map(FieldId::Resource, self.resource.make_mut(), other.resource.into_map());
        join.register(FieldId::Service, &mut self.service, other.service);
        join.register(FieldId::Release, &mut self.release, other.release);
        join.register(FieldId::Environment, &mut self.environment, other.environment);
        join.register(FieldId::Dialect, &mut self.dialect, other.dialect);
        join.register(FieldId::ScopeName, &mut self.scope_name, other.scope_name);
        join.register(FieldId::ScopeVersion, &mut self.scope_version, other.scope_version);
        let mut sources = std::mem::take(&mut self.sources).into_map();
        join.map(FieldId::Sources, &mut sources, other.sources.into_map());
        self.sources = sources.into_iter().collect();

        let mut older = join.older;
        older.sort();
        self.versions = Versions { base, older };

        self.status = self.status.max(other.status);
        self.received_at = self.received_at.min(other.received_at);
        join_set(&mut self.tags, other.tags);
        join_set(&mut self.events, other.events);
        join_set(&mut self.links, other.links);
        join_set(&mut self.fragments, other.fragments);
        join_set(&mut self.issues, other.issues);
    }
}

#[cfg(test)]
mod tests;
