use clearspan_model::{UnixNanos, WorkspaceId};

use super::{SqliteCatalog, failed, prompts};
use crate::{
    CommitId, NewCommit, Prompt, PromptAbout, PromptCatalog, PromptCommit, PromptHandle, PromptId,
    PromptKind, PromptTag, Result,
};

/// So many reads of a prompt are counted in memory before the disk hears of them: programs read prompts all the time.
const PULLS_IN_MEMORY: u64 = 64;

impl SqliteCatalog {
    /// Writes down the reads that were counted in memory, so that figures are right.
    fn settle_pulls(&self) -> Result<()> {
        let pulls = std::mem::take(&mut *self.pulls.lock());
        if pulls.is_empty() {
            return Ok(());
        }
        self.with("count reads of prompts", |db| {
            pulls.into_iter().try_for_each(|(id, pulls)| prompts::add_pulls(db, id, pulls))
        })
    }
}

impl PromptCatalog for SqliteCatalog {
    fn create_prompt(
        &self,
        workspace_id: WorkspaceId,
        handle: &PromptHandle,
        kind: PromptKind,
        about: PromptAbout,
        now: UnixNanos,
    ) -> Result<Prompt> {
        prompts::create(&self.writer(), workspace_id, handle, kind, about, now)
    }

    fn load_prompt(&self, workspace_id: WorkspaceId, handle: &str) -> Result<Option<Prompt>> {
        self.settle_pulls()?;
        self.read("read a prompt", |db| prompts::load(db, workspace_id, handle))
    }

    fn list_prompts(&self, workspace_id: WorkspaceId) -> Result<Vec<Prompt>> {
        self.settle_pulls()?;
        self.read("list the prompts", |db| prompts::list(db, workspace_id))
    }

    fn update_prompt(
        &self,
        workspace_id: WorkspaceId,
        handle: &str,
        about: PromptAbout,
        now: UnixNanos,
    ) -> Result<Option<Prompt>> {
        self.with("change a prompt", |db| prompts::update(db, workspace_id, handle, &about, now))
    }

    fn delete_prompt(&self, workspace_id: WorkspaceId, handle: &str) -> Result<bool> {
        prompts::delete(&mut self.writer(), workspace_id, handle)
            .map_err(|err| failed("delete a prompt in the catalog".to_owned(), err))
    }

    fn like_prompt(&self, workspace_id: WorkspaceId, handle: &str, likes: bool) -> Result<Option<u64>> {
        self.with("like a prompt", |db| prompts::like(db, workspace_id, handle, likes))
    }

    fn commit_prompt(
        &self,
        workspace_id: WorkspaceId,
        handle: &str,
        commit: NewCommit,
        now: UnixNanos,
    ) -> Result<Option<PromptCommit>> {
        prompts::commit(&mut self.writer(), workspace_id, handle, commit, now)
    }

    fn list_commits(
        &self,
        workspace_id: WorkspaceId,
        handle: &str,
        offset: usize,
        limit: usize,
    ) -> Result<Option<(Vec<PromptCommit>, u64)>> {
        self.read("list commits", |db| prompts::list_commits(db, workspace_id, handle, offset, limit))
    }

    fn find_commit(
        &self,
        workspace_id: WorkspaceId,
        handle: &str,
        reference: &str,
    ) -> Result<Option<PromptCommit>> {
        self.read("find a commit", |db| prompts::find(db, workspace_id, handle, reference))
    }

    fn note_prompt_pulled(&self, id: PromptId) -> Result<()> {
        let mut pulls = self.pulls.lock();
        let count = pulls.entry(id).or_default();
        *count += 1;
        let is_due = *count >= PULLS_IN_MEMORY;
        drop(pulls);
        if is_due { self.settle_pulls() } else { Ok(()) }
    }

    fn tag_commit(
        &self,
        workspace_id: WorkspaceId,
        handle: &str,
        tag: &str,
        commit_id: CommitId,
        now: UnixNanos,
    ) -> Result<Option<PromptTag>> {
        self.with("tag a commit", |db| prompts::tag(db, workspace_id, handle, tag, commit_id, now))
    }

    fn list_prompt_tags(&self, workspace_id: WorkspaceId, handle: &str) -> Result<Option<Vec<PromptTag>>> {
        self.read("list the tags of a prompt", |db| prompts::list_tags(db, workspace_id, handle))
    }

    fn delete_prompt_tag(&self, workspace_id: WorkspaceId, handle: &str, tag: &str) -> Result<bool> {
        self.with("remove the tag of a prompt", |db| prompts::delete_tag(db, workspace_id, handle, tag))
    }
}
