//! Examples of datasets: what goes in, what should come out, and which of them somebody wants.

use std::collections::BTreeMap;

mod metadata;

use clearspan_model::{JsonText, RunId, UnixNanos};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{DatasetId, ExampleId};

pub use metadata::Metadata;

/// Where the names of an example's splits stand in its metadata.
const SPLIT_KEY: &str = "dataset_split";
/// The split of examples that are told none.
const DEFAULT_SPLIT: &str = "base";

/// An example in one of its states.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Identifies it in all versions.
    pub id: ExampleId,
    /// The dataset.
    pub dataset_id: DatasetId,
    /// When it was made.
    pub created_at: UnixNanos,
    /// The version of the dataset from which on it looks like this.
    pub version: UnixNanos,
    /// A JSON object.
    pub inputs: JsonText,
    /// A JSON object.
    pub outputs: Option<JsonText>,
    /// What people know about it, with the names of its splits.
    pub metadata: Metadata,
    /// The run that it was made of.
    pub source_run_id: Option<RunId>,
    /// Files that belong to it, by name.
    pub attachments: Vec<Attachment>,
}

impl Example {
    /// The splits that it is in.
    pub fn splits(&self) -> Vec<String> {
        splits_of(&self.metadata)
    }

    /// A new example that says the same.
    pub fn into_copy(self) -> NewExample {
        let Self { created_at, inputs, outputs, metadata, source_run_id, attachments, .. } = self;
        NewExample {
            id: ExampleId::generate(),
            created_at: Some(created_at),
            inputs,
            outputs,
            metadata,
            splits: None,
            source_run_id,
            attachments,
        }
    }
}

/// A file that belongs to an example. The catalog keeps what identifies its bytes, not the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Unique in the example.
    pub name: String,
    /// What the client says it is.
    pub mime_type: String,
    /// How many bytes it has.
    pub size: u64,
    /// What the bytes are found by.
    pub digest: String,
}

/// An example to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewExample {
    /// Chosen by the client, or generated.
    pub id: ExampleId,
    /// When the client says that it made it; now, when it does not say.
    pub created_at: Option<UnixNanos>,
    /// A JSON object.
    pub inputs: JsonText,
    /// A JSON object.
    pub outputs: Option<JsonText>,
    /// What people know about it.
    pub metadata: Metadata,
    /// Its splits; those of the metadata, or the default one, when `None`.
    pub splits: Option<Vec<String>>,
    /// The run that it was made of.
    pub source_run_id: Option<RunId>,
    /// Files that belong to it.
    pub attachments: Vec<Attachment>,
}

/// What is to be changed in an example; what is `None` stays.
#[derive(Debug, Clone, PartialEq)]
pub struct ExampleChange {
    /// The example.
    pub id: ExampleId,
    /// A JSON object.
    pub inputs: Option<JsonText>,
    /// A JSON object.
    pub outputs: Option<JsonText>,
    /// Takes the place of the old metadata; the splits stay unless it names some.
    pub metadata: Option<Metadata>,
    /// Its splits.
    pub splits: Option<Vec<String>>,
    /// What becomes of the files that it has; all stay when `None`.
    pub attachments: Option<AttachmentPlan>,
    /// Files that are added, or take the place of others of their names.
    pub added: Vec<Attachment>,
}

impl ExampleChange {
    /// A change that changes nothing yet.
    pub fn of(id: ExampleId) -> Self {
        Self {
            id,
            inputs: None,
            outputs: None,
            metadata: None,
            splits: None,
            attachments: None,
            added: Vec::new(),
        }
    }
}

/// Which files of an example stay; what is not named goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AttachmentPlan {
    /// New names by old ones.
    pub rename: BTreeMap<String, String>,
    /// Those that keep their names.
    pub retain: Vec<String>,
}

/// One example of a write.
#[derive(Debug, Clone, PartialEq)]
pub enum ExampleWrite {
    /// It must not exist, or be the same.
    Create(NewExample),
    /// It must exist.
    Update(ExampleChange),
    /// It may exist.
    Upsert(NewExample),
}

impl ExampleWrite {
    /// The example.
    pub fn id(&self) -> ExampleId {
        match self {
            Self::Create(new) | Self::Upsert(new) => new.id,
            Self::Update(change) => change.id,
        }
    }
}

/// Which examples, and which of these.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExampleQuery {
    /// Of this dataset.
    pub dataset_id: Option<DatasetId>,
    /// One of these; all when empty.
    pub ids: Vec<ExampleId>,
    /// As they were in this version; the newest when `None`.
    pub version: Option<UnixNanos>,
    /// In one of these splits; all when empty.
    pub splits: Vec<String>,
    /// What their metadata must say.
    pub filter: Option<ExampleFilter>,
    /// The newest example first.
    pub newest_first: bool,
    /// Only those behind this place.
    pub after: Option<ExampleCursor>,
    /// Leaves out so many.
    pub offset: usize,
    /// Returns so many at most.
    pub limit: usize,
}

/// A place in the order of examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExampleCursor {
    /// When the example there was made.
    pub created_at: UnixNanos,
    /// The example there.
    pub id: ExampleId,
}

/// A condition on the metadata of an example.
#[derive(Debug, Clone, PartialEq)]
pub enum ExampleFilter {
    /// All of them hold.
    All(Vec<Self>),
    /// One of them holds.
    Any(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// The metadata contains this object: its keys with values that contain those.
    Contains(Value),
    /// The metadata has this key.
    HasKey(String),
}

impl ExampleFilter {
    /// Whether it holds for this metadata.
    pub fn holds(&self, metadata: &Metadata) -> bool {
        match self {
            Self::All(filters) => filters.iter().all(|filter| filter.holds(metadata)),
            Self::Any(filters) => filters.iter().any(|filter| filter.holds(metadata)),
            Self::Not(filter) => !filter.holds(metadata),
            Self::HasKey(key) => metadata.get(key).is_some(),
            Self::Contains(Value::Object(part)) => part
                .iter()
                .all(|(key, value)| metadata.get(key).is_some_and(|own| contains(&own.to_value(), value))),
            Self::Contains(_) => false,
        }
    }
}

/// Which examples differ between two versions, each list sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExampleDiff {
    /// In both, and not the same.
    pub modified: Vec<ExampleId>,
    /// In the later one only.
    pub added: Vec<ExampleId>,
    /// In the earlier one only.
    pub removed: Vec<ExampleId>,
}

/// Whether an object has all that a part of it says.
pub(crate) fn contains_part(object: &Map<String, Value>, part: &Value) -> bool {
    let Value::Object(part) = part else { return false };
    part.iter().all(|(key, value)| object.get(key).is_some_and(|own| contains(own, value)))
}

/// Containment as PostgreSQL's `@>` has it: objects by keys, arrays as sets, everything else when it is equal.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(_)) => contains_part(whole, part),
        (Value::Array(whole), Value::Array(parts)) => {
            parts.iter().all(|part| whole.iter().any(|own| contains(own, part)))
        }
        _ => whole == part,
    }
}

/// Metadata in which the splits stand, as a list without doubles.
pub(crate) fn with_splits(
    mut metadata: Metadata,
    splits: Option<Vec<String>>,
    old: Option<&Metadata>,
) -> Metadata {
    let own = metadata.remove(SPLIT_KEY).and_then(|own| split_list(own.to_value()));
    let kept = || old.and_then(|old| old.get(SPLIT_KEY)).and_then(|kept| split_list(kept.to_value()));
    let mut splits = splits.or(own).or_else(kept).unwrap_or_default();
    let mut seen = Vec::new();
    splits.retain(|split| {
        let is_new = !seen.contains(split);
        seen.push(split.clone());
        is_new
    });
    if splits.is_empty() {
        splits.push(DEFAULT_SPLIT.to_owned());
    }
    metadata.push(SPLIT_KEY, JsonText::from_value(&Value::from(splits)));
    metadata
}

/// What clients write as splits: one name, or a list of them.
fn split_list(value: Value) -> Option<Vec<String>> {
    let name = |value: Value| match value {
        Value::String(name) => Some(name),
        _ => None,
    };
    match value {
        Value::Array(names) => Some(names.into_iter().filter_map(name).collect()),
        value => name(value).map(|name| vec![name]),
    }
}

/// The names of splits that metadata holds.
pub(crate) fn splits_of(metadata: &Metadata) -> Vec<String> {
    metadata.get(SPLIT_KEY).and_then(|splits| split_list(splits.to_value())).unwrap_or_default()
}

/// What becomes of the files of an example.
pub(crate) fn planned(
    old: Vec<Attachment>,
    plan: Option<&AttachmentPlan>,
    added: Vec<Attachment>,
) -> Vec<Attachment> {
    let stays = |mut attachment: Attachment| {
        let Some(plan) = plan else { return Some(attachment) };
        if let Some(name) = plan.rename.get(&attachment.name) {
            attachment.name.clone_from(name);
            return Some(attachment);
        }
        plan.retain.contains(&attachment.name).then_some(attachment)
    };
    let mut files: BTreeMap<String, Attachment> = BTreeMap::new();
    for attachment in old.into_iter().filter_map(stays).chain(added) {
        files.insert(attachment.name.clone(), attachment);
    }
    files.into_values().collect()
}
