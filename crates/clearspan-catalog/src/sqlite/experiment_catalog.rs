use clearspan_model::{ProjectId, UnixNanos, WorkspaceId};

use super::{SqliteCatalog, experiments};
use crate::{
    ComparisonId, DatasetId, ExperimentCatalog, ExperimentComparison, Project, ProjectDetails, ProjectName,
    Result,
};

impl ExperimentCatalog for SqliteCatalog {
    fn create_project(
        &self,
        workspace_id: WorkspaceId,
        id: ProjectId,
        name: &ProjectName,
        details: ProjectDetails,
        now: UnixNanos,
    ) -> Result<Project> {
        experiments::create_project(&mut self.writer(), workspace_id, id, name, details, now)
    }

    fn load_project_details(
        &self,
        workspace_id: WorkspaceId,
        id: ProjectId,
    ) -> Result<Option<ProjectDetails>> {
        self.read("read a project", |db| experiments::load_details(db, workspace_id, id))
    }

    fn list_project_details(&self, workspace_id: WorkspaceId) -> Result<Vec<(Project, ProjectDetails)>> {
        self.read("list the projects", |db| experiments::list_details(db, workspace_id))
    }

    fn list_experiments(
        &self,
        workspace_id: WorkspaceId,
        dataset_id: DatasetId,
    ) -> Result<Vec<(Project, ProjectDetails)>> {
        self.read("list experiments", |db| experiments::list_experiments(db, workspace_id, dataset_id))
    }

    fn update_project(
        &self,
        workspace_id: WorkspaceId,
        id: ProjectId,
        name: &ProjectName,
        details: ProjectDetails,
    ) -> Result<Option<Project>> {
        experiments::update_project(&mut self.writer(), workspace_id, id, name, &details)
    }

    fn create_comparison(
        &self,
        workspace_id: WorkspaceId,
        comparison: ExperimentComparison,
    ) -> Result<ExperimentComparison> {
        experiments::create_comparison(&self.writer(), workspace_id, comparison)
    }

    fn load_comparison(
        &self,
        workspace_id: WorkspaceId,
        id: ComparisonId,
    ) -> Result<Option<ExperimentComparison>> {
        self.read("read a comparison", |db| experiments::load_comparison(db, workspace_id, id))
    }

    fn list_comparisons(
        &self,
        workspace_id: WorkspaceId,
        dataset_id: DatasetId,
    ) -> Result<Vec<ExperimentComparison>> {
        self.read("list comparisons", |db| experiments::list_comparisons(db, workspace_id, dataset_id))
    }

    fn delete_comparison(&self, workspace_id: WorkspaceId, id: ComparisonId) -> Result<bool> {
        self.with("remove a comparison", |db| experiments::delete_comparison(db, workspace_id, id))
    }
}
