//! Scrubbing: everything on the disk is compared with its checksums from time to time, so that damage is found while there is a
//! backup to mend it from.

use std::num::NonZeroU64;
use std::sync::Arc;

use clearspan_store::{CheckReport, Problem};

use super::job::JobState;
use super::{Result, Upkeep};
use crate::config::TimeSpan;

/// How fast files are read.
const BYTES_PER_SECOND: NonZeroU64 = NonZeroU64::new(256 << 20).expect("not zero");
/// The first one begins so long after the start, and the next after one that failed; earlier where they are to be more frequent.
const SOON: TimeSpan = TimeSpan::seconds(3_600);

impl Upkeep {
    pub(crate) fn scrub_state(&self) -> JobState<CheckReport> {
        self.scrubs.state()
    }

    /// Starts a scrub, unless one runs.
    pub(crate) fn start_scrub(self: &Arc<Self>) {
        let this = Arc::clone(self);
        self.start_job("scrub", |upkeep| &upkeep.scrubs, async move { this.scrub().await });
    }

    async fn scrub(&self) -> Result<CheckReport> {
        let report = self.store.scrub(BYTES_PER_SECOND).await?;
        for Problem { file, what, affected, advice, .. } in &report.problems {
            tracing::error!(file, what, affected, advice, "stored data is damaged");
        }
        for note in &report.notes {
            tracing::warn!("{note}");
        }
        tracing::info!(
            files = report.segments,
            bytes = report.bytes,
            "compared stored data with its checksums"
        );
        Ok(report)
    }

    pub(super) fn is_scrub_due(&self) -> bool {
        let Some(every) = self.limits.scrub_every else { return false };
        let soon = every.nanos().min(SOON.nanos());
        let (since, wait) = match self.scrubs.state().last {
            Some(last) if last.outcome.is_ok() => (last.ended_at, every.nanos()),
            Some(failed) => (failed.ended_at, soon),
            None => (self.began, soon),
        };
        self.clock.now().nanos_since(since) >= wait
    }
}
