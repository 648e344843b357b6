//! Runs that cannot be merged now, because the segments that may hold their older states cannot be reached.
//!
//! They are in the log, so they are durable and are acknowledged. They wait in memory, apart from the hot tier, and no read
//! shows them: a read of their trace needs the same segments and fails. Merging does not depend on the order, so they are
//! applied when the segments can be read again. Until then no tier is closed: what the manifest says of the log must cover
//! them, too.

use std::time::Instant;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, not};
use clearspan_model::{ErrorKind, TraceId};
use rustc_hash::FxHashSet;

use super::state::Shared;
use crate::error::Context;
use crate::schema::decode::Rows;
use crate::schema::memory_bytes;
use crate::{Error, Result};

/// Runs that wait.
#[derive(Debug, Default)]
pub(super) struct Postponed {
    batches: Vec<RecordBatch>,
    /// When they were tried last.
    pub(super) tried: Option<Instant>,
}

impl Postponed {
    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    pub(super) fn push(&mut self, shared: &Shared, batch: RecordBatch) {
        self.batches.push(batch);
        self.tell(shared);
    }

    /// Everything, to be tried again.
    pub(super) fn take(&mut self, shared: &Shared) -> Vec<RecordBatch> {
        let batches = std::mem::take(&mut self.batches);
        self.tell(shared);
        batches
    }

    /// Why a tier cannot be closed.
    pub(super) fn check_empty(&self) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let what = "runs that arrived wait for segments that cannot be reached now; they are safe in the log";
        Err(Error::new(ErrorKind::Unavailable, what))
    }

    /// They take memory like the hot tier.
    fn tell(&self, shared: &Shared) {
        shared.set_postponed(self.batches.iter().map(memory_bytes).sum());
    }
}

/// The rows of other traces, and those of these traces.
pub(super) fn split(batch: &RecordBatch, traces: &FxHashSet<TraceId>) -> Result<(RecordBatch, RecordBatch)> {
    let rows = Rows::new(batch);
    let is_in = (0..batch.num_rows())
        .map(|row| Ok(traces.contains(&rows.key(row)?.trace_id)))
        .collect::<Result<Vec<bool>>>()?;
    let is_in = BooleanArray::from(is_in);
    let splitting = || "setting runs aside".to_owned();
    let is_out = not(&is_in).context(ErrorKind::Internal, splitting)?;
    let part = |mask| filter_record_batch(batch, mask).context(ErrorKind::Internal, splitting);
    Ok((part(&is_out)?, part(&is_in)?))
}
