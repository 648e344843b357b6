use clearspan_model::{UnixNanos, WorkspaceId};

use crate::{RuleId, RuleName};

/// A mapping rule that people of a workspace added: an attribute, and the field of a run that it fills.
///
/// The catalog keeps the texts; what they mean, and whether they mean anything, is known to `clearspan-mapping`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingRule {
    /// Identifies it.
    pub id: RuleId,
    /// The tenant.
    pub workspace_id: WorkspaceId,
    /// Its place: a smaller one is stronger. There may be gaps.
    pub position: i64,
    /// What it says.
    pub content: RuleContent,
    /// When it was made.
    pub created_at: UnixNanos,
    /// When it was last changed.
    pub updated_at: UnixNanos,
}

/// What a mapping rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleContent {
    /// What people call it; unique in the workspace.
    pub name: RuleName,
    /// Whether it is used.
    pub enabled: bool,
    /// The key of an attribute, or a pattern.
    pub attribute: String,
    /// The field that it fills.
    pub field: String,
}
