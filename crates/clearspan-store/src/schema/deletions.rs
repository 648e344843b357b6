//! The `deletions` table: the form of tombstones in the log and in a file of their own.

use arrow::array::RecordBatch;
use clearspan_model::{ProjectId, TraceId, WorkspaceId};

use super::columns;
use super::row_builder::RowBuilder;
use super::rows::TableRows;
use crate::Result;
use crate::tombstones::{Covers, Mark, Tombstone};

columns! {
    "deletions" DeletionCol DELETION_SCHEMA;
    workspace_id Id16 required "The tenant.";
    project_id Id16 required "The project.";
    trace_id Id16 optional "The trace that was deleted; null when it was all of the project.";
    records_before Time optional "Only log records and metric points of the project that were received before.";
    deleted_at Time required "When the deletion was asked for.";
    forget_at Time required "What was received before is dropped when it arrives.";
    seq Count optional "The record of the log that holds the deletion; null in the log itself.";
}

/// One row each. `seq` is left out where it is zero.
pub(crate) fn encode_tombstones(tombstones: &[Tombstone]) -> RecordBatch {
    let mut rows = RowBuilder::<DeletionCol>::new(tombstones.len());
    for Tombstone { workspace_id, project_id, covers, mark } in tombstones {
        let (trace_id, records_before) = match covers {
            Covers::Trace(trace_id) => (Some(trace_id.as_bytes().as_slice()), None),
            Covers::Project => (None, None),
            Covers::RecordsBefore(time) => (None, Some(*time)),
        };
        rows.id(DeletionCol::workspace_id, Some(workspace_id.as_bytes()));
        rows.id(DeletionCol::project_id, Some(project_id.as_bytes()));
        rows.id(DeletionCol::trace_id, trace_id);
        rows.time(DeletionCol::records_before, records_before);
        rows.time(DeletionCol::deleted_at, Some(mark.deleted_at));
        rows.time(DeletionCol::forget_at, Some(mark.forget_at));
        rows.count(DeletionCol::seq, Some(mark.seq).filter(|seq| *seq > 0));
    }
    rows.finish()
}

/// The tombstones of a batch. Those that name no record of the log get `seq`.
pub(crate) fn decode_tombstones(batch: &RecordBatch, seq: u64) -> Result<Vec<Tombstone>> {
    let rows = TableRows::<DeletionCol>::new(batch);
    let mut tombstones = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        let covers =
            match (rows.id16(DeletionCol::trace_id, row), rows.time(DeletionCol::records_before, row)) {
                (Some(trace_id), _) => Covers::Trace(TraceId::from_bytes(trace_id)),
                (None, Some(time)) => Covers::RecordsBefore(time),
                (None, None) => Covers::Project,
            };
        tombstones.push(Tombstone {
            workspace_id: WorkspaceId::from_bytes(rows.need_id(DeletionCol::workspace_id, row)?),
            project_id: ProjectId::from_bytes(rows.need_id(DeletionCol::project_id, row)?),
            covers,
            mark: Mark {
                deleted_at: rows.time(DeletionCol::deleted_at, row).unwrap_or_default(),
                forget_at: rows.time(DeletionCol::forget_at, row).unwrap_or_default(),
                seq: rows.count(DeletionCol::seq, row).unwrap_or(seq),
            },
        });
    }
    Ok(tombstones)
}
