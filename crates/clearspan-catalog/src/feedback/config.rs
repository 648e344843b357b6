use clearspan_model::{JsonText, UnixNanos, WorkspaceId};

/// What is known of a key of feedback: which scores there are and what they mean.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedbackConfig {
    /// The tenant.
    pub workspace_id: WorkspaceId,
    /// The key.
    pub key: String,
    /// `{"type": "continuous" | "categorical" | "freeform", …}` as it was sent.
    pub config: JsonText,
    /// Whether a lower score is the better one.
    pub is_lower_score_better: Option<bool>,
    /// When this was said last.
    pub modified_at: UnixNanos,
}
