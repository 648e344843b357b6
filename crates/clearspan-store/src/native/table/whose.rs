//! Conditions on the workspace and the project of a run: they say which row groups are read, and most row groups are of one
//! workspace and many of one project, where they need not be asked of every row.

use clearspan_model::{ProjectId, WorkspaceId};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use super::super::segment::Group;
use crate::schema::Col;

/// Whose runs a condition lets pass.
#[derive(Debug, PartialEq)]
pub(super) enum Whose {
    Workspace(WorkspaceId),
    /// In order.
    Projects(Vec<ProjectId>),
}

impl Whose {
    /// `None` when it is a condition on something else, or not such a one alone.
    pub(super) fn of(condition: &Expr) -> Option<Self> {
        match condition {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
                Self::one_of(left, [&**right]).or_else(|| Self::one_of(right, [&**left]))
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
                match (Self::of(left)?, Self::of(right)?) {
                    (Self::Projects(left), Self::Projects(right)) => {
                        Some(Self::projects(left.into_iter().chain(right)))
                    }
                    _ => None,
                }
            }
            Expr::InList(InList { expr, list, negated: false }) => Self::one_of(expr, list),
            _ => None,
        }
    }

    fn one_of<'a>(column: &Expr, ids: impl IntoIterator<Item = &'a Expr>) -> Option<Self> {
        let Expr::Column(column) = column else { return None };
        let mut ids = ids.into_iter().map(id_of);
        if column.name == Col::project_id.name() {
            return Some(Self::projects(
                ids.collect::<Option<Vec<_>>>()?.into_iter().map(ProjectId::from_bytes),
            ));
        }
        let is_workspace = column.name == Col::workspace_id.name();
        match (is_workspace, ids.next(), ids.next()) {
            (true, Some(id), None) => Some(Self::Workspace(WorkspaceId::from_bytes(id?))),
            _ => None,
        }
    }

    fn projects(ids: impl Iterator<Item = ProjectId>) -> Self {
        let mut ids: Vec<ProjectId> = ids.collect();
        ids.sort_unstable();
        Self::Projects(ids)
    }

    /// Whether a run of a row group may pass.
    pub(super) fn may_hold(&self, group: &Group) -> bool {
        match self {
            Self::Workspace(id) => group.may_hold_workspace(*id),
            Self::Projects(ids) => group.may_hold_project(ids),
        }
    }

    /// Whether all runs of a row group pass.
    pub(super) fn holds_all(&self, group: &Group) -> bool {
        match self {
            Self::Workspace(id) => group.only_workspace() == Some(*id),
            Self::Projects(ids) => group.only_project().is_some_and(|id| ids.binary_search(&id).is_ok()),
        }
    }
}

fn id_of(value: &Expr) -> Option<[u8; 16]> {
    match value {
        Expr::Literal(ScalarValue::FixedSizeBinary(_, Some(bytes)), _) => bytes.as_slice().try_into().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
