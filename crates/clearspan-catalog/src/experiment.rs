//! What is known of projects beside their names, experiments, and comparisons of experiments.
//!
//! An experiment is a project whose runs were made from the examples of a dataset.

use std::fmt;

use clearspan_model::{JsonText, ProjectId, UnixNanos, WorkspaceId};

use crate::{ComparisonId, DatasetId, Project, ProjectName, Result};

/// Keeps details of projects and comparisons; a part of [`crate::Catalog`], whose general promises hold.
pub trait ExperimentCatalog: Send + Sync + fmt::Debug {
    /// Makes a project with its details. A name or an id that is taken is a conflict. An experiment gets the next number
    /// of its dataset.
    fn create_project(
        &self,
        workspace_id: WorkspaceId,
        id: ProjectId,
        name: &ProjectName,
        details: ProjectDetails,
        now: UnixNanos,
    ) -> Result<Project>;

    /// What is known of a project; of one that was made by its first run, nothing. `None` when there is no such project.
    fn load_project_details(
        &self,
        workspace_id: WorkspaceId,
        id: ProjectId,
    ) -> Result<Option<ProjectDetails>>;

    /// All projects that something is known of, by name.
    fn list_project_details(&self, workspace_id: WorkspaceId) -> Result<Vec<(Project, ProjectDetails)>>;

    /// The experiments on a dataset, the newest first.
    fn list_experiments(
        &self,
        workspace_id: WorkspaceId,
        dataset_id: DatasetId,
    ) -> Result<Vec<(Project, ProjectDetails)>>;

    /// Changes the name and the details of a project; its number stays. `None` when there is no such project. A name that
    /// is taken is a conflict.
    fn update_project(
        &self,
        workspace_id: WorkspaceId,
        id: ProjectId,
        name: &ProjectName,
        details: ProjectDetails,
    ) -> Result<Option<Project>>;

    /// Keeps a new comparison of experiments on a dataset. An id that is taken is a conflict.
    fn create_comparison(
        &self,
        workspace_id: WorkspaceId,
        comparison: ExperimentComparison,
    ) -> Result<ExperimentComparison>;

    /// A comparison.
    fn load_comparison(
        &self,
        workspace_id: WorkspaceId,
        id: ComparisonId,
    ) -> Result<Option<ExperimentComparison>>;

    /// The comparisons of experiments on a dataset, the newest first.
    fn list_comparisons(
        &self,
        workspace_id: WorkspaceId,
        dataset_id: DatasetId,
    ) -> Result<Vec<ExperimentComparison>>;

    /// Removes a comparison. False when there is none.
    fn delete_comparison(&self, workspace_id: WorkspaceId, id: ComparisonId) -> Result<bool>;
}

/// What is known of a project beside its name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProjectDetails {
    /// What it is for.
    pub description: Option<String>,
    /// A JSON object: `metadata` and what clients add beside it.
    pub extra: Option<JsonText>,
    /// The dataset that it is an experiment on.
    pub reference_dataset_id: Option<DatasetId>,
    /// The dataset to which people add runs of it.
    pub default_dataset_id: Option<DatasetId>,
    /// When it began; when it was made, where nobody says.
    pub start_time: Option<UnixNanos>,
    /// When it ended.
    pub end_time: Option<UnixNanos>,
    /// How long clients want its traces kept: `longlived` or `shortlived`; kept, not applied.
    pub trace_tier: Option<String>,
    /// What an experiment plans to do, a JSON object: `num_examples`, `num_repetitions`, `evaluator_keys`.
    pub plan: Option<JsonText>,
    /// Which experiment on its dataset it is, from one.
    pub number: Option<u32>,
}

/// Experiments that are compared.
#[derive(Debug, Clone, PartialEq)]
pub struct ExperimentComparison {
    /// Identifies it.
    pub id: ComparisonId,
    /// The dataset of all of them.
    pub dataset_id: DatasetId,
    /// What people call it.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// What is compared.
    pub experiment_ids: Vec<ProjectId>,
    /// A JSON object.
    pub extra: Option<JsonText>,
    /// When it was made.
    pub created_at: UnixNanos,
    /// When it was last changed.
    pub modified_at: UnixNanos,
}
