//! Prompts: texts for models that people change without changing a program, each state of which stays as a commit.

use std::fmt;

use clearspan_model::{JsonText, UnixNanos, WorkspaceId};

use crate::{CommitId, PromptId, Result};

/// Keeps prompts; a part of [`crate::Catalog`], whose general promises hold. A prompt is named by its handle.
pub trait PromptCatalog: Send + Sync + fmt::Debug {
    /// Keeps a new prompt without commits. A handle that is taken is a conflict.
    fn create_prompt(
        &self,
        workspace_id: WorkspaceId,
        handle: &PromptHandle,
        kind: PromptKind,
        about: PromptAbout,
        now: UnixNanos,
    ) -> Result<Prompt>;

    /// The prompt with that handle.
    fn load_prompt(&self, workspace_id: WorkspaceId, handle: &str) -> Result<Option<Prompt>>;

    /// All prompts of the workspace, by handle.
    fn list_prompts(&self, workspace_id: WorkspaceId) -> Result<Vec<Prompt>>;

    /// Changes what is said about a prompt. `None` when there is no such prompt.
    fn update_prompt(
        &self,
        workspace_id: WorkspaceId,
        handle: &str,
        about: PromptAbout,
        now: UnixNanos,
    ) -> Result<Option<Prompt>>;

    /// Removes a prompt with all its commits. False when there is no such prompt.
    fn delete_prompt(&self, workspace_id: WorkspaceId, handle: &str) -> Result<bool>;

    /// Says whether the workspace likes a prompt. `None` when there is no such prompt, else how many do.
    fn like_prompt(&self, workspace_id: WorkspaceId, handle: &str, likes: bool) -> Result<Option<u64>>;

    /// Adds a commit. A conflict when it changes nothing, or when its parent is not the newest commit: somebody else was
    /// faster. `None` when there is no such prompt.
    fn commit_prompt(
        &self,
        workspace_id: WorkspaceId,
        handle: &str,
        commit: NewCommit,
        now: UnixNanos,
    ) -> Result<Option<PromptCommit>>;

    /// The commits of a prompt, the newest first, and how many there are.
    fn list_commits(
        &self,
        workspace_id: WorkspaceId,
        handle: &str,
        offset: usize,
        limit: usize,
    ) -> Result<Option<(Vec<PromptCommit>, u64)>>;

    /// The commit that is meant: `latest`, a tag, a hash or the beginning of one.
    fn find_commit(
        &self,
        workspace_id: WorkspaceId,
        handle: &str,
        reference: &str,
    ) -> Result<Option<PromptCommit>>;

    /// Notes that a commit was read by a program. Kept in memory for a while: a crash may forget some.
    fn note_prompt_pulled(&self, id: PromptId) -> Result<()>;

    /// Gives a commit a tag, which no other keeps. `None` when there is no such commit of the prompt.
    fn tag_commit(
        &self,
        workspace_id: WorkspaceId,
        handle: &str,
        tag: &str,
        commit_id: CommitId,
        now: UnixNanos,
    ) -> Result<Option<PromptTag>>;

    /// The tags of a prompt, by name.
    fn list_prompt_tags(&self, workspace_id: WorkspaceId, handle: &str) -> Result<Option<Vec<PromptTag>>>;

    /// Removes a tag; its commit stays. False when there is no such tag.
    fn delete_prompt_tag(&self, workspace_id: WorkspaceId, handle: &str, tag: &str) -> Result<bool>;
}

/// What a prompt is called in addresses: letters, digits, `-`, `_` and `.`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptHandle(String);

impl PromptHandle {
    /// Checks a handle. `None` when it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_path = text.chars().all(|c| c == '.');
        let is_handle =
            (1..=255).contains(&text.len()) && text.chars().all(is_allowed) && !is_path && text != "-";
        is_handle.then(|| Self(text.to_owned()))
    }

    /// The handle as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a repository holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptKind {
    /// A prompt.
    Prompt,
    /// The files of an agent.
    Agent,
    /// The files of a skill.
    Skill,
}

impl PromptKind {
    /// The word that clients use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Agent => "agent",
            Self::Skill => "skill",
        }
    }

    /// The kind that a client's word means.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Prompt, Self::Agent, Self::Skill].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What people say about a prompt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PromptAbout {
    /// In a sentence.
    pub description: Option<String>,
    /// At length, in Markdown.
    pub readme: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Whether everybody may read it.
    pub is_public: bool,
    /// Whether lists leave it out.
    pub is_archived: bool,
}

/// A prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Identifies it.
    pub id: PromptId,
    /// The tenant.
    pub workspace_id: WorkspaceId,
    /// Unique in the workspace.
    pub handle: String,
    /// What it holds.
    pub kind: PromptKind,
    /// What is said about it.
    pub about: PromptAbout,
    /// When it was made.
    pub created_at: UnixNanos,
    /// When it was last changed or committed to.
    pub updated_at: UnixNanos,
    /// How many like it.
    pub likes: u64,
    /// How often a program read it.
    pub pulls: u64,
    /// How many commits it has.
    pub commits: u64,
    /// The hash of the newest of them.
    pub newest_hash: Option<String>,
}

/// A commit to be added.
#[derive(Debug, Clone, PartialEq)]
pub struct NewCommit {
    /// The hash of the commit that it changes, or its beginning; the newest when `None`.
    pub parent: Option<String>,
    /// What the prompt is from now on: JSON, whose meaning only clients know.
    pub manifest: JsonText,
    /// Why it was changed.
    pub description: Option<String>,
}

/// A state of a prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptCommit {
    /// Identifies it.
    pub id: CommitId,
    /// The prompt.
    pub prompt_id: PromptId,
    /// Identifies its content and history: 64 hexadecimal digits.
    pub hash: String,
    /// The hash of the commit before it.
    pub parent_hash: Option<String>,
    /// What the prompt is.
    pub manifest: JsonText,
    /// Why it was changed.
    pub description: Option<String>,
    /// When it was added.
    pub created_at: UnixNanos,
}

/// A name for a commit, for example `production`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptTag {
    /// The name.
    pub name: String,
    /// The commit that has it.
    pub commit_id: CommitId,
    /// The hash of that commit.
    pub commit_hash: String,
    /// When the name was first given.
    pub created_at: UnixNanos,
    /// When it last moved.
    pub updated_at: UnixNanos,
}
