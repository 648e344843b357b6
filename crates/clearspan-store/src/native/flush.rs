//! Turning a frozen tier into a segment.

use arrow::array::RecordBatch;

use super::hot::View;
use super::log::LogSeq;
use super::paths;
use super::segment::{self, Written};
use super::state::Shared;
use crate::Result;

/// A tier to be written.
#[derive(Debug)]
pub(super) struct Job {
    /// The tier as it was when it was frozen.
    pub(super) view: View,
    /// Everything up to this record is in it or in older segments.
    pub(super) applied: LogSeq,
    /// The number of the new segment.
    pub(super) number: u64,
    /// Pending runs that stayed in memory; they are logged again before the old records go.
    pub(super) carried: Option<RecordBatch>,
}

/// A tier that was written.
#[derive(Debug)]
pub(super) struct Flushed {
    /// `None` when nothing in it was alive.
    pub(super) written: Option<Written>,
    pub(super) view: View,
    pub(super) applied: LogSeq,
}

pub(super) fn write_segment(shared: &Shared, job: Job) -> Result<Flushed> {
    let begin = std::time::Instant::now();
    let dir = paths::segment_dir(&shared.config.dir);
    let written = segment::write(&dir, job.number, &job.view)?;
    if let Some(written) = &written {
        let millis = begin.elapsed().as_millis();
        let (rows, bytes) = (written.entry.rows, written.entry.bytes);
        tracing::info!(segment = job.number, rows, bytes, millis, "wrote a segment");
    }
    Ok(Flushed { written, view: job.view, applied: job.applied })
}
