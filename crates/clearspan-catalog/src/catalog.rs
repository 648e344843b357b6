//! What every catalog promises.

use std::fmt;

use clearspan_model::{ProjectId, UnixNanos, WorkspaceId};

use crate::{
    AnnotationCatalog, DatasetCatalog, ExperimentCatalog, FeedbackCatalog, KeyHash, KeyId, KeyName,
    LimitedProject, MappingRule, ProjectName, PromptCatalog, Result, Retention, RuleContent, RuleId,
    SharingCatalog,
};

/// Keeps workspaces, projects and keys. What callers can observe is written down as the conformance
/// suite in `testing`.
///
/// The methods block (SQLite writes to disk): asynchronous callers keep what they need often in memory
/// and call these from a thread that may wait. A method that changed something returns after the change is
/// durable. Processes may share one catalog; each sees the changes of the others.
pub trait Catalog:
    FeedbackCatalog
    + AnnotationCatalog
    + SharingCatalog
    + DatasetCatalog
    + ExperimentCatalog
    + PromptCatalog
    + Send
    + Sync
    + fmt::Debug
{
    /// The workspace that everything belongs to until there are several. The same for ever.
    fn default_workspace(&self) -> Result<Workspace>;

    /// All workspaces.
    fn list_workspaces(&self) -> Result<Vec<WorkspaceId>>;

    /// The project of that name; it is made when there is none. Callers that race get the same project.
    fn get_or_create_project(
        &self,
        workspace_id: WorkspaceId,
        name: &ProjectName,
        now: UnixNanos,
    ) -> Result<Project>;

    /// The project with that id, when it belongs to the workspace.
    fn load_project(&self, workspace_id: WorkspaceId, project_id: ProjectId) -> Result<Option<Project>>;

    /// The project of that name.
    fn find_project(&self, workspace_id: WorkspaceId, name: &ProjectName) -> Result<Option<Project>>;

    /// All projects of the workspace, by name.
    fn list_projects(&self, workspace_id: WorkspaceId) -> Result<Vec<Project>>;

    /// Takes a project out of the catalog, with its limits; its name is free. False when there is no such project.
    /// The caller removes the data of the project and then says so ([`Catalog::finish_deletion`]).
    fn delete_project(
        &self,
        workspace_id: WorkspaceId,
        project_id: ProjectId,
        now: UnixNanos,
    ) -> Result<bool>;

    /// The deleted projects of all workspaces whose data may still be there, the longest deleted first.
    fn unfinished_deletions(&self) -> Result<Vec<(WorkspaceId, ProjectId)>>;

    /// Notes that the data of a deleted project is gone.
    fn finish_deletion(&self, workspace_id: WorkspaceId, project_id: ProjectId) -> Result<()>;

    /// How long a project is kept.
    fn load_retention(&self, workspace_id: WorkspaceId, project_id: ProjectId) -> Result<Retention>;

    /// Changes how long a project is kept. False when there is no such project.
    fn store_retention(
        &self,
        workspace_id: WorkspaceId,
        project_id: ProjectId,
        retention: Retention,
        now: UnixNanos,
    ) -> Result<bool>;

    /// The projects of all workspaces that have a limit, by name.
    fn list_limited(&self) -> Result<Vec<LimitedProject>>;

    /// Makes sure that nothing of what was deleted is left in the files.
    fn scrub(&self) -> Result<()>;

    /// Keeps a new key.
    fn create_key(&self, key: NewKey, now: UnixNanos) -> Result<Key>;

    /// The key with that hash, when it was not revoked.
    fn find_active_key(&self, hash: &KeyHash) -> Result<Option<Key>>;

    /// All keys of the workspace, revoked ones too, oldest first.
    fn list_keys(&self, workspace_id: WorkspaceId) -> Result<Vec<Key>>;

    /// Makes a key useless from now on. False when there is no such key or it was revoked before.
    fn revoke_key(&self, workspace_id: WorkspaceId, key_id: KeyId, now: UnixNanos) -> Result<bool>;

    /// Notes that a key was used. Callers do this now and then, not for each request.
    fn note_key_used(&self, key_id: KeyId, at: UnixNanos) -> Result<()>;

    /// Whether any key of any workspace is active.
    fn has_active_keys(&self) -> Result<bool>;

    /// All mapping rules of the workspace, the strongest first.
    fn list_rules(&self, workspace_id: WorkspaceId) -> Result<Vec<MappingRule>>;

    /// Keeps a new rule, weaker than all others. A name that is taken is a conflict.
    fn create_rule(
        &self,
        workspace_id: WorkspaceId,
        content: RuleContent,
        now: UnixNanos,
    ) -> Result<MappingRule>;

    /// Changes what a rule says; its place stays. `None` when there is no such rule. A name that is taken is a conflict.
    fn update_rule(
        &self,
        workspace_id: WorkspaceId,
        rule_id: RuleId,
        content: RuleContent,
        now: UnixNanos,
    ) -> Result<Option<MappingRule>>;

    /// Removes a rule. False when there is no such rule.
    fn delete_rule(&self, workspace_id: WorkspaceId, rule_id: RuleId) -> Result<bool>;

    /// Puts the rules into this order. A conflict when these are not the rules of the workspace, each once: somebody
    /// added or removed one meanwhile.
    fn order_rules(&self, workspace_id: WorkspaceId, rule_ids: &[RuleId]) -> Result<Vec<MappingRule>>;
}

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// What runs carry.
    pub id: WorkspaceId,
    /// What people see.
    pub name: String,
}

/// A named container of traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// What runs carry.
    pub id: ProjectId,
    /// The tenant.
    pub workspace_id: WorkspaceId,
    /// Unique in the workspace; upper and lower case differ.
    pub name: ProjectName,
    /// When it was first used.
    pub created_at: UnixNanos,
}

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// The tenant it opens.
    pub workspace_id: WorkspaceId,
    /// What people call it.
    pub name: KeyName,
    /// The hash of its secret.
    pub hash: KeyHash,
    /// The readable beginning of its secret.
    pub prefix: String,
    /// Where runs go that name no project.
    pub default_project: Option<ProjectName>,
}

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Identifies it.
    pub id: KeyId,
    /// The tenant it opens.
    pub workspace_id: WorkspaceId,
    /// What people call it.
    pub name: KeyName,
    /// The readable beginning of its secret.
    pub prefix: String,
    /// Where runs go that name no project.
    pub default_project: Option<ProjectName>,
    /// When it was made.
    pub created_at: UnixNanos,
    /// When it was last noted as used; some minutes behind.
    pub last_used_at: Option<UnixNanos>,
    /// When it became useless.
    pub revoked_at: Option<UnixNanos>,
}
