use clearspan_model::{ProjectId, RunId, TraceId, UnixNanos, WorkspaceId};
use uuid::Uuid;

use crate::FeedbackId;

/// Lets whoever holds it give feedback with one key on one run, without any other key. It is the last part of an address
/// that is made for a page or an e-mail.
pub type TokenId = Uuid;

/// A token, and what it is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedbackToken {
    /// Names it where the secret should not be shown.
    pub id: Uuid,
    /// The secret.
    pub token: TokenId,
    /// The tenant.
    pub workspace_id: WorkspaceId,
    /// Where the run is, when that was known.
    pub project_id: Option<ProjectId>,
    /// The trace of the run, when that was known.
    pub trace_id: Option<TraceId>,
    /// What the feedback is about.
    pub run_id: RunId,
    /// The key of the feedback.
    pub key: String,
    /// The feedback that is given with it: giving it again changes that one.
    pub feedback_id: FeedbackId,
    /// When it was made.
    pub created_at: UnixNanos,
    /// From when on it is useless.
    pub expires_at: UnixNanos,
}
