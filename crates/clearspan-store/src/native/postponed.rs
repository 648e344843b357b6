//! Runs that cannot be merged now, because the segments that may hold their older states cannot be reached.
//!
//! They are in the log, so they are durable and are acknowledged. They wait in memory, apart from the hot tier, as records of the
//! log: packed, because an outage may last. Merging does not depend on the order, so they are applied when the segments can be
//! read again (`apply::late`). Until then no tier is closed: what the manifest says of the log must cover them, too.
//!
//! A read that would miss one of them waits for it, and has no answer when that takes long ([`Late::wait`]). While the object
//! store is known to be out of reach, nobody waits.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, not};
use clearspan_model::{ErrorKind, RunId, RunKey, TraceId};
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::watch;

use super::bucket;
use super::log::RecordKind;
use super::record;
use super::state::{Shared, Snapshot};
use crate::error::Context;
use crate::schema::decode::Rows;
use crate::store::Scope;
use crate::{Error, Result};

/// How long a read waits for runs that it would miss.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// What a run takes in the list of those that wait: a table is half full at times.
const LISTED_BYTES: usize = 2 * size_of::<(RunKey, usize)>();

/// Runs that wait.
#[derive(Debug, Default)]
pub(super) struct Postponed {
    /// Payloads of the log.
    pub(super) records: VecDeque<Vec<u8>>,
    /// When they were tried last.
    pub(super) tried: Option<Instant>,
}

impl Postponed {
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Why a tier cannot be closed.
    pub(super) fn check_empty(&self) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let what = "runs that arrived wait for segments that cannot be reached now; they are safe in the log";
        Err(Error::new(ErrorKind::Unavailable, what))
    }
}

/// A batch as it waits.
pub(super) fn pack(batch: &RecordBatch) -> Result<Vec<u8>> {
    let mut payload = record::to_payload(batch)?;
    payload.shrink_to_fit();
    Ok(payload)
}

pub(super) fn unpack(payload: &[u8]) -> Result<RecordBatch> {
    record::decode(RecordKind::Patches, payload)
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

/// Which runs wait, for those who read.
#[derive(Debug)]
pub(crate) struct Late(watch::Sender<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// With the number of patches of each.
    runs: FxHashMap<RunKey, usize>,
    /// Of their records.
    bytes: usize,
}

/// What a read looks at. An empty list means that all count.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) scope: Option<&'a Scope>,
    pub(crate) traces: &'a [TraceId],
    pub(crate) runs: &'a [RunId],
}

impl<'a> Wanted<'a> {
    pub(crate) fn of(scope: &'a Scope) -> Self {
        Self { scope: Some(scope), ..Self::default() }
    }

    fn has(&self, key: &RunKey) -> bool {
        let is_in = |scope: &Scope| {
            let mut projects = scope.project_ids.iter();
            scope.workspace_id == key.workspace_id && projects.all(|ids| ids.contains(&key.project_id))
        };
        self.scope.is_none_or(is_in)
            && (self.traces.is_empty() || self.traces.contains(&key.trace_id))
            && (self.runs.is_empty() || self.runs.contains(&key.run_id))
    }
}

impl Default for Late {
    fn default() -> Self {
        Self(watch::Sender::new(Waiting::default()))
    }
}

impl Late {
    /// The memory that they take.
    pub(crate) fn bytes(&self) -> usize {
        let waiting = self.0.borrow();
        waiting.bytes + waiting.runs.len() * LISTED_BYTES
    }

    /// What somebody should know while some wait.
    pub(crate) fn warning(&self) -> Option<String> {
        let runs = self.0.borrow().runs.len();
        (runs > 0).then(|| {
            format!(
                "{runs} runs that arrived wait for segments in the object store that cannot be read now; they are safe in the log, and lists of their projects are not answered without them"
            )
        })
    }

    /// Notes at once what came and what went, each with the bytes of its record.
    pub(super) fn exchange(&self, gone: (&[RunKey], usize), come: (&[RunKey], usize)) {
        self.0.send_modify(|Waiting { runs, bytes }| {
            come.0.iter().for_each(|key| *runs.entry(*key).or_default() += 1);
            for key in gone.0 {
                if let Some(count) = runs.get_mut(key) {
                    *count -= 1;
                    if *count == 0 {
                        runs.remove(key);
                    }
                }
            }
            *bytes = *bytes + come.1 - gone.1;
            if runs.is_empty() {
                runs.shrink_to_fit();
            }
        });
    }

    /// Returns when no run waits that a read looks at, or fails when that takes too long.
    async fn wait(
        &self,
        wanted: Wanted<'_>,
        longest: Duration,
        check_readable: impl Fn() -> io::Result<()>,
    ) -> Result<()> {
        let is_whole = |waiting: &Waiting| !waiting.runs.keys().any(|key| wanted.has(key));
        if is_whole(&self.0.borrow()) {
            return Ok(());
        }
        let failed = |down: io::Error| {
            let what =
                "runs that arrived late wait for segments that cannot be read now; they are safe in the log";
            Error::caused(ErrorKind::Unavailable, what, down)
        };
        check_readable().map_err(failed)?;
        let mut waiting = self.0.subscribe();
        match tokio::time::timeout(longest, waiting.wait_for(is_whole)).await {
            Ok(_) => Ok(()),
            Err(_elapsed) => Err(failed(check_readable().err().unwrap_or_else(bucket::still_busy))),
        }
    }
}

impl Shared {
    /// Waits for late runs that a read would miss.
    pub(crate) async fn wait_for_late(&self, wanted: Wanted<'_>) -> Result<()> {
        self.late.wait(wanted, LONGEST_WAIT, || self.disk.check_readable()).await
    }

    /// The same, and then [`Self::settled_snapshot`].
    pub(crate) async fn settled_with_late(&self, scope: &Scope) -> Result<Snapshot> {
        self.wait_for_late(Wanted::of(scope)).await?;
        self.settled_snapshot()
    }

    /// The same, and then [`Self::trace_snapshot`].
    pub(crate) async fn traces_with_late(&self, scope: &Scope, traces: &[TraceId]) -> Result<Snapshot> {
        if !traces.is_empty() {
            self.wait_for_late(Wanted { traces, ..Wanted::of(scope) }).await?;
        }
        Ok(self.trace_snapshot(traces))
    }
}

#[cfg(test)]
mod tests;
