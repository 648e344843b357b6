//! What can be deleted, and what a deletion says that it did.
//!
//! The unit of deletion is the whole trace: half a trace would show wrong totals. A deletion is resolved to traces when
//! it is asked for; what arrives afterwards and satisfies the same condition in another trace stays.

use clearspan_model::{ErrorKind, ProjectId, TraceId, UnixNanos, WorkspaceId};
use clearspan_query::{Expr, Field, Literal, Op};

use crate::store::{Scope, Selection, TimeRange};
use crate::{Error, Result};

/// An order to delete.
#[derive(Debug, Clone, PartialEq)]
pub struct Deletion {
    /// Nothing outside of it is touched.
    pub scope: Scope,
    /// What of it.
    pub target: DeletionTarget,
    /// When it was asked for.
    pub deleted_at: UnixNanos,
    /// What arrives for a deleted trace until then is dropped; later the trace may begin anew. Not before `deleted_at`.
    pub forget_at: UnixNanos,
}

/// What is to be deleted.
#[derive(Debug, Clone, PartialEq)]
pub enum DeletionTarget {
    /// These traces, with their log records.
    Traces(Vec<TraceId>),
    /// The traces that satisfy a condition, with their log records.
    Matching(TimeRange, Option<Expr>),
    /// The traces in which any run was on behalf of this user.
    User(String),
    /// The traces in which any run belongs to this conversation.
    Thread(String),
    /// Everything in the projects that the scope names: metric points and log records without a trace, too. What
    /// arrives for these projects later is dropped.
    Projects,
    /// The traces of which the server last heard before, and log records and metric points that it received before.
    ReceivedBefore(UnixNanos),
    /// The traces of which the server heard longest ago, until about so many bytes on disk are freed.
    Oldest {
        /// How many.
        bytes: u64,
    },
}

impl Deletion {
    /// Everything that is there was received before it is forgotten, or replaying the log could bring it back.
    pub(crate) fn check(&self) -> Result<()> {
        if self.forget_at < self.deleted_at {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "a deletion cannot be forgotten before it is made",
            ));
        }
        Ok(())
    }

    /// The traces that are meant, where a condition says it.
    pub(crate) fn selection(&self) -> Option<Selection> {
        let any_run = |field: Field, text: &str| {
            let test = Expr::Test(field, Op::Eq(Literal::Text(text.to_owned())));
            Some(Expr::AnyRun(Box::new(test)))
        };
        let (range, filter) = match &self.target {
            DeletionTarget::Matching(range, filter) => (*range, filter.clone()),
            DeletionTarget::User(user) => (TimeRange::default(), any_run(Field::User, user)),
            DeletionTarget::Thread(thread) => (TimeRange::default(), any_run(Field::Thread, thread)),
            DeletionTarget::Traces(_)
            | DeletionTarget::Projects
            | DeletionTarget::ReceivedBefore(_)
            | DeletionTarget::Oldest { .. } => return None,
        };
        Some(Selection { scope: self.scope.clone(), range, filter })
    }
}

/// What a deletion covers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Traces, also those that have log records only.
    pub traces: u64,
    /// Their runs.
    pub runs: u64,
    /// Log records.
    pub log_records: u64,
    /// Metric points.
    pub metric_points: u64,
}

/// How far deletion is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeletionState {
    /// Runs, log records and points that arrived for something deleted and were dropped, since the start.
    pub dropped: u64,
    /// Traces and projects that are remembered as deleted.
    pub tombstones: u64,
    /// When the oldest deletion was asked for whose bytes may still be on disk.
    pub unpurged_since: Option<UnixNanos>,
}

/// Runs that are to lose what was said in them: inputs, outputs, parameters, attributes and events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadExpiry {
    /// The tenant.
    pub workspace_id: WorkspaceId,
    /// The project.
    pub project_id: ProjectId,
    /// Those that the server received before.
    pub received_before: UnixNanos,
}

/// What a purge removed, and from where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PurgeReport {
    /// Files of runs, log records and metric points that were removed or written anew, with what belongs to each.
    pub files_removed: u64,
    /// Those that took their place.
    pub files_written: u64,
    /// Bytes of the files that were removed.
    pub bytes_removed: u64,
    /// Bytes of those that took their place.
    pub bytes_written: u64,
    /// Rows that are gone: deleted, replaced or repeated ones.
    pub rows_removed: u64,
    /// Of these, the deleted ones: runs, log records and metric points.
    pub rows_deleted: u64,
    /// Deleted ones that were gone already: merges of files had left them out since the last purge, or since the start.
    pub rows_deleted_before: u64,
    /// Runs that lost their payload.
    pub rows_stripped: u64,
    /// Files of the write-ahead log that were removed.
    pub log_files_removed: u64,
    /// Their bytes.
    pub log_bytes_removed: u64,
}
