//! Turning a frozen tier into a segment and the files beside it.

use arrow::array::RecordBatch;
use clearspan_model::ErrorKind;
use tokio::sync::OwnedRwLockWriteGuard;

use super::hot::View;
use super::log::LogSeq;
use super::paths;
use super::records::RecordFile;
use super::segment::{self, Written};
use super::state::Shared;
use crate::Result;
use crate::error::Context;
use crate::schema::logs::LogCol;
use crate::schema::points::PointCol;

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
    pub(super) carried: Option<Carried>,
    /// The log records of the tier.
    pub(super) logs: Vec<RecordBatch>,
    /// Its metric points.
    pub(super) points: Vec<RecordBatch>,
}

/// Runs that stay in memory over a flush.
#[derive(Debug)]
pub(super) struct Carried {
    pub(super) batch: RecordBatch,
    /// Held until they are in the log again; see [`Shared::carrying`].
    #[expect(dead_code, reason = "it is there to be dropped with the rest")]
    pub(super) permit: OwnedRwLockWriteGuard<()>,
}

/// A tier that was written.
#[derive(Debug)]
pub(super) struct Flushed {
    /// `None` when nothing in it was alive.
    pub(super) written: Option<Written>,
    pub(super) view: View,
    pub(super) applied: LogSeq,
    pub(super) logs: Option<RecordFile<LogCol>>,
    pub(super) points: Option<RecordFile<PointCol>>,
}

pub(super) fn write_segment(shared: &Shared, job: &Job) -> Result<Flushed> {
    let begin = std::time::Instant::now();
    shared.disk.prepare_flush().context(ErrorKind::Unavailable, || "writing a segment".into())?;
    let dir = paths::segment_dir(&shared.config.dir);
    let written = segment::write(&shared.disk, &shared.cache, &dir, job.number, &job.view)?;
    if let Some(written) = &written {
        let millis = begin.elapsed().as_millis();
        let (rows, bytes) = (written.entry.rows, written.entry.bytes);
        tracing::info!(segment = job.number, rows, bytes, millis, "wrote a segment");
    }
    Ok(Flushed {
        written,
        view: job.view.clone(),
        applied: job.applied,
        logs: RecordFile::write(&shared.disk, &dir, job.number, &job.logs)?,
        points: RecordFile::write(&shared.disk, &dir, job.number, &job.points)?,
    })
}
