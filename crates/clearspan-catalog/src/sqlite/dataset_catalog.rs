use clearspan_model::{UnixNanos, WorkspaceId};

use super::{SqliteCatalog, datasets, examples, failed};
use crate::{
    Dataset, DatasetCatalog, DatasetContent, DatasetFilter, DatasetId, DatasetVersion, Example, ExampleDiff,
    ExampleId, ExampleQuery, ExampleWrite, Result, ShareToken, VersionRef,
};

impl DatasetCatalog for SqliteCatalog {
    fn create_dataset(
        &self,
        workspace_id: WorkspaceId,
        id: DatasetId,
        content: DatasetContent,
        now: UnixNanos,
    ) -> Result<Dataset> {
        datasets::create(&self.writer(), workspace_id, id, content, now)
    }

    fn load_dataset(&self, workspace_id: WorkspaceId, id: DatasetId) -> Result<Option<Dataset>> {
        self.read("read a dataset", |db| datasets::load(db, workspace_id, id))
    }

    fn list_datasets(
        &self,
        workspace_id: WorkspaceId,
        filter: &DatasetFilter,
        offset: usize,
        limit: usize,
    ) -> Result<(Vec<Dataset>, usize)> {
        self.read("list the datasets", |db| datasets::list(db, workspace_id, filter, offset, limit))
    }

    fn update_dataset(
        &self,
        workspace_id: WorkspaceId,
        id: DatasetId,
        content: DatasetContent,
        now: UnixNanos,
    ) -> Result<Option<Dataset>> {
        datasets::update(&self.writer(), workspace_id, id, &content, now)
    }

    fn delete_dataset(&self, workspace_id: WorkspaceId, id: DatasetId) -> Result<bool> {
        datasets::delete(&mut self.writer(), workspace_id, id)
            .map_err(|err| failed("delete a dataset in the catalog".to_owned(), err))
    }

    fn write_examples(
        &self,
        workspace_id: WorkspaceId,
        dataset_id: DatasetId,
        writes: Vec<ExampleWrite>,
        now: UnixNanos,
    ) -> Result<Option<UnixNanos>> {
        examples::write(&mut self.writer(), workspace_id, dataset_id, writes, now)
    }

    fn delete_examples(
        &self,
        workspace_id: WorkspaceId,
        ids: &[ExampleId],
        forever: bool,
        now: UnixNanos,
    ) -> Result<Vec<ExampleId>> {
        examples::delete(&mut self.writer(), workspace_id, ids, forever, now)
            .map_err(|err| failed("delete examples in the catalog".to_owned(), err))
    }

    fn load_example(
        &self,
        workspace_id: WorkspaceId,
        id: ExampleId,
        version: Option<UnixNanos>,
    ) -> Result<Option<Example>> {
        self.read("read an example", |db| examples::load(db, workspace_id, id, version))
    }

    fn list_examples(&self, workspace_id: WorkspaceId, query: &ExampleQuery) -> Result<Vec<Example>> {
        self.read("list examples", |db| examples::list(db, workspace_id, query))
    }

    fn count_examples(&self, workspace_id: WorkspaceId, query: &ExampleQuery) -> Result<u64> {
        self.read("count examples", |db| examples::count_all(db, workspace_id, query))
    }

    fn list_splits(
        &self,
        workspace_id: WorkspaceId,
        dataset_id: DatasetId,
        version: Option<UnixNanos>,
    ) -> Result<Vec<String>> {
        self.read("list splits", |db| examples::list_splits(db, workspace_id, dataset_id, version))
    }

    fn list_attachment_digests(&self) -> Result<Vec<String>> {
        self.read("list the files of examples", examples::list_attachment_digests)
    }

    fn list_versions(
        &self,
        workspace_id: WorkspaceId,
        dataset_id: DatasetId,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<DatasetVersion>> {
        self.read("list versions", |db| datasets::list_versions(db, workspace_id, dataset_id, offset, limit))
    }

    fn find_version(
        &self,
        workspace_id: WorkspaceId,
        dataset_id: DatasetId,
        version: &VersionRef,
    ) -> Result<Option<DatasetVersion>> {
        self.read("find a version", |db| datasets::find_version(db, workspace_id, dataset_id, version))
    }

    fn tag_version(
        &self,
        workspace_id: WorkspaceId,
        dataset_id: DatasetId,
        version: UnixNanos,
        tag: &str,
    ) -> Result<Option<DatasetVersion>> {
        self.with("tag a version", |db| datasets::tag_version(db, workspace_id, dataset_id, version, tag))
    }

    fn diff_versions(
        &self,
        workspace_id: WorkspaceId,
        dataset_id: DatasetId,
        from: UnixNanos,
        to: UnixNanos,
    ) -> Result<ExampleDiff> {
        self.read("compare versions", |db| examples::diff(db, workspace_id, dataset_id, from, to))
    }

    fn share_dataset(&self, workspace_id: WorkspaceId, id: DatasetId) -> Result<Option<ShareToken>> {
        self.with("share a dataset", |db| datasets::share(db, workspace_id, id))
    }

    fn dataset_share(&self, workspace_id: WorkspaceId, id: DatasetId) -> Result<Option<ShareToken>> {
        self.read("read the share of a dataset", |db| datasets::share_token(db, workspace_id, id))
    }

    fn unshare_dataset(&self, workspace_id: WorkspaceId, id: DatasetId) -> Result<Option<ShareToken>> {
        self.with("unshare a dataset", |db| datasets::unshare(db, workspace_id, id))
    }

    fn find_shared_dataset(&self, token: ShareToken) -> Result<Option<Dataset>> {
        self.read("find a shared dataset", |db| datasets::find_shared(db, token))
    }
}
