//! Datasets: named lists of examples, every version of which can be read again.
//!
//! A version is a moment: whatever changes the examples of a dataset makes a version, later than all before by at least a
//! microsecond. Nothing is copied for it; each state of an example says from which version it holds to which.

use std::fmt;

use clearspan_model::{JsonText, UnixNanos, WorkspaceId};
use serde_json::Value;

use crate::{
    DatasetId, DatasetName, Example, ExampleDiff, ExampleId, ExampleQuery, ExampleWrite, Result, ShareToken,
};

/// Keeps datasets and their examples; a part of [`crate::Catalog`], whose general promises hold.
pub trait DatasetCatalog: Send + Sync + fmt::Debug {
    /// Keeps a new dataset. A name or an id that is taken is a conflict.
    fn create_dataset(
        &self,
        workspace_id: WorkspaceId,
        id: DatasetId,
        content: DatasetContent,
        now: UnixNanos,
    ) -> Result<Dataset>;

    /// The dataset with that id.
    fn load_dataset(&self, workspace_id: WorkspaceId, id: DatasetId) -> Result<Option<Dataset>>;

    /// The datasets that fit, the newest first, and how many there are of them.
    fn list_datasets(
        &self,
        workspace_id: WorkspaceId,
        filter: &DatasetFilter,
        offset: usize,
        limit: usize,
    ) -> Result<(Vec<Dataset>, usize)>;

    /// Changes what is said about a dataset; its examples stay. `None` when there is no such dataset.
    fn update_dataset(
        &self,
        workspace_id: WorkspaceId,
        id: DatasetId,
        content: DatasetContent,
        now: UnixNanos,
    ) -> Result<Option<Dataset>>;

    /// Removes a dataset and every version of its examples. False when there is no such dataset.
    fn delete_dataset(&self, workspace_id: WorkspaceId, id: DatasetId) -> Result<bool>;

    /// Creates and changes examples: all or nothing, in one new version, which is returned. `None` when there is no such
    /// dataset. An example to be changed that does not exist is "not found"; one to be created that exists is a conflict,
    /// unless it is the same, which a client that got no answer sends again.
    fn write_examples(
        &self,
        workspace_id: WorkspaceId,
        dataset_id: DatasetId,
        writes: Vec<ExampleWrite>,
        now: UnixNanos,
    ) -> Result<Option<UnixNanos>>;

    /// Removes examples of any datasets from the newest version on, or, when `forever`, from all versions. Returns those
    /// that were there.
    fn delete_examples(
        &self,
        workspace_id: WorkspaceId,
        ids: &[ExampleId],
        forever: bool,
        now: UnixNanos,
    ) -> Result<Vec<ExampleId>>;

    /// An example as it was in a version, or as it is now.
    fn load_example(
        &self,
        workspace_id: WorkspaceId,
        id: ExampleId,
        version: Option<UnixNanos>,
    ) -> Result<Option<Example>>;

    /// The examples that fit, in the order of their creation or the other way round.
    fn list_examples(&self, workspace_id: WorkspaceId, query: &ExampleQuery) -> Result<Vec<Example>>;

    /// How many examples fit; page and order of the query do not matter.
    fn count_examples(&self, workspace_id: WorkspaceId, query: &ExampleQuery) -> Result<u64>;

    /// The names of all splits of a version, sorted.
    fn list_splits(
        &self,
        workspace_id: WorkspaceId,
        dataset_id: DatasetId,
        version: Option<UnixNanos>,
    ) -> Result<Vec<String>>;

    /// The digests of all files that examples list, in any version and workspace, each once.
    fn list_attachment_digests(&self) -> Result<Vec<String>>;

    /// The versions of a dataset, the newest first.
    fn list_versions(
        &self,
        workspace_id: WorkspaceId,
        dataset_id: DatasetId,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<DatasetVersion>>;

    /// The version that is meant: of a time, the last that was not later.
    fn find_version(
        &self,
        workspace_id: WorkspaceId,
        dataset_id: DatasetId,
        version: &VersionRef,
    ) -> Result<Option<DatasetVersion>>;

    /// Gives a version a tag, which no other keeps. `None` when there is no such version.
    fn tag_version(
        &self,
        workspace_id: WorkspaceId,
        dataset_id: DatasetId,
        version: UnixNanos,
        tag: &str,
    ) -> Result<Option<DatasetVersion>>;

    /// Which examples differ between two versions.
    fn diff_versions(
        &self,
        workspace_id: WorkspaceId,
        dataset_id: DatasetId,
        from: UnixNanos,
        to: UnixNanos,
    ) -> Result<ExampleDiff>;

    /// Opens a dataset to whoever knows the token that is returned; one that is open keeps its token. `None` when there is
    /// no such dataset.
    fn share_dataset(&self, workspace_id: WorkspaceId, id: DatasetId) -> Result<Option<ShareToken>>;

    /// The token of a dataset that is open.
    fn dataset_share(&self, workspace_id: WorkspaceId, id: DatasetId) -> Result<Option<ShareToken>>;

    /// Closes a dataset; its token is good for nothing from then on. Returns the token that it had.
    fn unshare_dataset(&self, workspace_id: WorkspaceId, id: DatasetId) -> Result<Option<ShareToken>>;

    /// The dataset that a token opens.
    fn find_shared_dataset(&self, token: ShareToken) -> Result<Option<Dataset>>;
}

/// A dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Identifies it.
    pub id: DatasetId,
    /// The tenant.
    pub workspace_id: WorkspaceId,
    /// What is said about it.
    pub content: DatasetContent,
    /// When it was made.
    pub created_at: UnixNanos,
    /// When it or its examples were last changed.
    pub modified_at: UnixNanos,
    /// How many examples the newest version has.
    pub example_count: u64,
    /// How many experiments ran on it.
    pub experiment_count: u64,
    /// When the newest of them began.
    pub last_experiment_at: Option<UnixNanos>,
}

/// What people say about a dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetContent {
    /// Unique in the workspace.
    pub name: DatasetName,
    /// What it is for.
    pub description: Option<String>,
    /// What its examples look like.
    pub data_type: DataType,
    /// A JSON object: `metadata` and what clients add beside it.
    pub extra: JsonText,
    /// The JSON schema of inputs.
    pub inputs_schema: Option<JsonText>,
    /// The JSON schema of outputs.
    pub outputs_schema: Option<JsonText>,
    /// What clients say should be done with new examples; kept, not applied.
    pub transformations: Option<JsonText>,
    /// Whether another system is its home.
    pub externally_managed: bool,
}

impl DatasetContent {
    /// A dataset of which only the name is known.
    pub fn named(name: DatasetName) -> Self {
        Self {
            name,
            description: None,
            data_type: DataType::KeyValue,
            extra: JsonText::from_trusted("{}"),
            inputs_schema: None,
            outputs_schema: None,
            transformations: None,
            externally_managed: false,
        }
    }
}

/// What the examples of a dataset look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataType {
    /// Any keys and values.
    KeyValue,
    /// One text in, one text out.
    Llm,
    /// Messages in, a message out.
    Chat,
}

impl DataType {
    const ALL: [Self; 3] = [Self::KeyValue, Self::Llm, Self::Chat];

    /// The word that clients use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KeyValue => "kv",
            Self::Llm => "llm",
            Self::Chat => "chat",
        }
    }

    /// The type that a client's word means.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|data_type| data_type.as_str() == text)
    }
}

/// Which datasets; what is empty does not narrow.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DatasetFilter {
    /// One of these.
    pub ids: Vec<DatasetId>,
    /// With exactly this name.
    pub name: Option<String>,
    /// With these letters in the name, large or small.
    pub name_contains: Option<String>,
    /// Of one of these types.
    pub data_types: Vec<DataType>,
    /// Whose metadata contains this object.
    pub metadata: Option<Value>,
}

/// A version of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetVersion {
    /// The moment that identifies it.
    pub as_of: UnixNanos,
    /// Its tags, sorted; the newest has the tag `latest`, too.
    pub tags: Vec<String>,
}

impl DatasetVersion {
    /// The tag that the newest version always has.
    pub const LATEST: &str = "latest";
}

/// How somebody names a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionRef {
    /// By a moment: the last version that is not later.
    At(UnixNanos),
    /// By a tag.
    Tag(String),
}
