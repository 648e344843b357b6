//! Log records and metric points: two tables that only grow.
//!
//! They share the log, the flushes and the manifest with the runs, and nothing else. A [`Shelf`] holds what a tier of
//! the hot tier has of one table; each flush writes it to a file of its own ([`file`]), which never changes. The
//! same record may arrive in two of them, so [`read`] drops repetitions by id.

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use clearspan_model::{ErrorKind, ProjectId, TraceId, WorkspaceId};
use rustc_hash::FxHashSet;

use crate::error::Context;
use crate::schema::logs::LogCol;
use crate::schema::points::PointCol;
use crate::schema::rows::TableRows;
use crate::schema::{TableColumn, memory_bytes};
use crate::tombstones::Tombstones;
use crate::{RecordId, Result};

mod file;
mod page;
mod read;
mod table;

pub(crate) use file::{FileEntry, RecordFile};
pub(crate) use read::{RecordSnapshot, covered, logs, metrics, points, traces_with_logs};
pub(crate) use table::RecordsTable;

/// Batches up to this many rows together are joined.
const JOIN_ROWS: usize = 1024;
/// What the set of ids takes for each row.
const ID_BYTES: usize = 32;

/// What both tables have.
pub(crate) trait RecordColumn: TableColumn {
    /// The beginning of the names of its files.
    const FILES: &'static str;
    const WORKSPACE: Self;
    const PROJECT: Self;
    const ID: Self;
    const TIME: Self;
    const RECEIVED_AT: Self;
    /// The trace that a record belongs to.
    const TRACE: Option<Self>;
}

impl RecordColumn for LogCol {
    const FILES: &'static str = "logs";
    const WORKSPACE: Self = Self::workspace_id;
    const PROJECT: Self = Self::project_id;
    const ID: Self = Self::id;
    const TIME: Self = Self::time;
    const RECEIVED_AT: Self = Self::received_at;
    const TRACE: Option<Self> = Some(Self::trace_id);
}

impl RecordColumn for PointCol {
    const FILES: &'static str = "points";
    const WORKSPACE: Self = Self::workspace_id;
    const PROJECT: Self = Self::project_id;
    const ID: Self = Self::id;
    const TIME: Self = Self::time;
    const RECEIVED_AT: Self = Self::received_at;
    const TRACE: Option<Self> = None;
}

impl<C: RecordColumn> TableRows<'_, C> {
    /// What identifies the record of a row.
    pub(crate) fn record_id(&self, row: usize) -> Result<RecordId> {
        Ok(RecordId(u128::from_be_bytes(self.need_id(C::ID, row)?)))
    }

    /// Whether the record of a row was deleted.
    pub(crate) fn is_deleted(&self, row: usize, tombstones: &Tombstones) -> Result<bool> {
        let (workspace_id, project_id) = self.owner(row)?;
        let received_at = self.time(C::RECEIVED_AT, row).unwrap_or_default();
        Ok(tombstones.hides_record(workspace_id, project_id, self.trace(row), received_at))
    }

    pub(super) fn owner(&self, row: usize) -> Result<(WorkspaceId, ProjectId)> {
        Ok((
            WorkspaceId::from_bytes(self.need_id(C::WORKSPACE, row)?),
            ProjectId::from_bytes(self.need_id(C::PROJECT, row)?),
        ))
    }

    pub(super) fn trace(&self, row: usize) -> Option<TraceId> {
        C::TRACE.and_then(|trace| self.id16(trace, row)).map(TraceId::from_bytes)
    }
}

/// Records of one table in memory, each once.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    batches: Vec<RecordBatch>,
    ids: FxHashSet<RecordId>,
    bytes: usize,
}

impl Shelf {
    pub(crate) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes + self.ids.len() * ID_BYTES
    }

    pub(crate) fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }

    /// Appends the records that neither this shelf nor `older` has.
    pub(crate) fn push<C: RecordColumn>(&mut self, batch: &RecordBatch, older: Option<&Self>) -> Result<()> {
        let rows = TableRows::<C>::new(batch);
        let mut is_new = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let id = rows.record_id(row)?;
            is_new.push(!older.is_some_and(|older| older.ids.contains(&id)) && self.ids.insert(id));
        }
        if !is_new.contains(&true) {
            return Ok(());
        }
        let batch = if is_new.contains(&false) {
            filter_record_batch(batch, &BooleanArray::from(is_new))
                .context(ErrorKind::Internal, || format!("dropping repetitions from {}", C::TABLE))?
        } else {
            batch.clone()
        };
        self.bytes += memory_bytes(&batch);
        self.batches.push(batch);
        self.join_small_batches::<C>()
    }

    /// Drops the records that were deleted.
    pub(crate) fn drop_deleted<C: RecordColumn>(&mut self, tombstones: &Tombstones) -> Result<()> {
        let batches = std::mem::take(self).batches;
        for batch in batches {
            if let Some(living) = without_deleted::<C>(&batch, tombstones)? {
                self.push::<C>(&living, None)?;
            }
        }
        Ok(())
    }

    /// Joins the last two batches while both are small.
    fn join_small_batches<C: RecordColumn>(&mut self) -> Result<()> {
        while let [.., left, right] = self.batches.as_slice() {
            if left.num_rows() + right.num_rows() > JOIN_ROWS || left.num_rows() > 2 * right.num_rows() {
                return Ok(());
            }
            let joined = concat_batches(C::schema(), [left, right])
                .context(ErrorKind::Internal, || format!("joining batches of {}", C::TABLE))?;
            self.bytes -= memory_bytes(left) + memory_bytes(right);
            self.bytes += memory_bytes(&joined);
            self.batches.truncate(self.batches.len() - 2);
            self.batches.push(joined);
        }
        Ok(())
    }
}

/// The records of a batch that were not deleted; `None` when there are none.
pub(crate) fn without_deleted<C: RecordColumn>(
    batch: &RecordBatch,
    tombstones: &Tombstones,
) -> Result<Option<RecordBatch>> {
    let rows = TableRows::<C>::new(batch);
    let is_alive = (0..batch.num_rows())
        .map(|row| rows.is_deleted(row, tombstones).map(|is_deleted| !is_deleted))
        .collect::<Result<Vec<bool>>>()?;
    if !is_alive.contains(&false) {
        return Ok((batch.num_rows() > 0).then(|| batch.clone()));
    }
    let living = filter_record_batch(batch, &BooleanArray::from(is_alive))
        .context(ErrorKind::Internal, || format!("dropping deleted rows from {}", C::TABLE))?;
    Ok((living.num_rows() > 0).then_some(living))
}
