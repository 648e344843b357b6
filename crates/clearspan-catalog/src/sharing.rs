//! What was made readable for whoever knows its address.

use clearspan_model::{ProjectId, RunId, TraceId, UnixNanos, WorkspaceId};
use uuid::Uuid;

use crate::Result;

/// The secret part of the address.
pub type ShareToken = Uuid;

/// Keeps what is shared.
pub trait SharingCatalog {
    /// Shares something. What is shared already keeps its token; the answer says which that is. A token that stands for
    /// something else is a conflict.
    fn share(&self, share: &Share) -> Result<Share>;

    /// What the token stands for.
    fn find_share(&self, token: ShareToken) -> Result<Option<Share>>;

    /// How something is shared; `None` when it is not.
    fn share_of(&self, workspace_id: WorkspaceId, subject: &Shared) -> Result<Option<Share>>;

    /// Ends that something is shared. False when it was not.
    fn unshare(&self, workspace_id: WorkspaceId, subject: &Shared) -> Result<bool>;
}

/// What can be shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shared {
    /// A run, with everything below it.
    Run {
        /// Its project.
        project_id: ProjectId,
        /// Its trace.
        trace_id: TraceId,
        /// The run.
        run_id: RunId,
    },
    /// A thread: all its traces.
    Thread {
        /// Its project.
        project_id: ProjectId,
        /// Its id.
        thread_id: String,
    },
}

/// Something that is shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The secret.
    pub token: ShareToken,
    /// The tenant.
    pub workspace_id: WorkspaceId,
    /// What is shared.
    pub subject: Shared,
    /// Since when.
    pub created_at: UnixNanos,
}
