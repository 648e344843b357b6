//! What has a name and is edited by people: workspaces, projects, keys, mapping rules, datasets, experiments, prompts,
//! feedback, annotation queues and what is shared.
//!
//! This crate owns the relations of the catalog and their rules (names are unique in a workspace, a key's
//! secret is never stored). It holds no runs, no Arrow and no HTTP, and takes the time from its callers.
#![warn(missing_docs)]

mod annotation;
mod catalog;
mod dataset;
mod error;
mod example;
mod experiment;
mod feedback;
mod ids;
mod name;
mod prompt;
mod retention;
mod rule;
mod secret;
mod sharing;
mod sqlite;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use annotation::{AnnotationCatalog, AnnotationQueue, ItemChange, QueueItem, QueueSize, QueuedRun};
pub use catalog::{Catalog, Key, NewKey, Project, Workspace};
pub use dataset::{
    DataType, Dataset, DatasetCatalog, DatasetContent, DatasetFilter, DatasetVersion, VersionRef,
};
pub use error::{Error, Result};
pub use example::{
    Attachment, AttachmentPlan, Example, ExampleChange, ExampleCursor, ExampleDiff, ExampleFilter,
    ExampleQuery, ExampleWrite, Metadata, NewExample,
};
pub use experiment::{ExperimentCatalog, ExperimentComparison, ProjectDetails};
pub use feedback::{
    Comparison, Feedback, FeedbackAbout, FeedbackCatalog, FeedbackChange, FeedbackConfig, FeedbackPlace,
    FeedbackQuery, FeedbackStats, FeedbackTest, FeedbackToken, Score, TokenId,
};
pub use ids::{
    CommitId, ComparisonId, DatasetId, ExampleId, FeedbackId, ItemId, KeyId, PromptId, QueueId, RuleId,
};
pub use name::{DatasetName, InvalidName, KeyName, ProjectName, RuleName};
pub use prompt::{
    NewCommit, Prompt, PromptAbout, PromptCatalog, PromptCommit, PromptHandle, PromptKind, PromptTag,
};
pub use retention::{LimitedProject, Retention};
pub use rule::{MappingRule, RuleContent};
pub use secret::{KeyHash, KeySecret};
pub use sharing::{Share, ShareToken, Shared, SharingCatalog};
pub use sqlite::SqliteCatalog;
