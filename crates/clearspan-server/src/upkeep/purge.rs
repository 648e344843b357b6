//! Purging: the bytes of what was deleted go, and payloads that are too old.
//!
//! One purge runs at a time. It begins early enough that what was deleted is gone within the time that the settings
//! give, and where payloads expire: once a day, and when a project got a limit for them or a shorter one.

use std::sync::Arc;

use clearspan_model::UnixNanos;
use clearspan_store::{PurgeReport, Scope};

use super::job::JobState;
use super::retention::payload_days;
use super::{Result, Upkeep, blocking};

/// Payloads are looked at so often while no limit changes.
const PAYLOADS_EVERY_NANOS: i64 = 86_400_000_000_000;

impl Upkeep {
    pub(crate) fn purge_state(&self) -> JobState<PurgeReport> {
        self.purges.state()
    }

    /// Starts a purge, unless one runs.
    pub(crate) fn start_purge(self: &Arc<Self>) {
        let this = Arc::clone(self);
        self.start_job("purge", |upkeep| &upkeep.purges, async move { this.purge().await });
    }

    async fn purge(self: &Arc<Self>) -> Result<PurgeReport> {
        let (look, expiries) = self.payload_expiries().await?;
        let has_deleted = self.store.deletion_state().unpurged_since.is_some();
        let report = self.store.purge(&expiries).await?;
        if has_deleted {
            self.forget_feedback_of_old().await?;
        }
        self.remove_unused_files().await?;
        let this = Arc::clone(self);
        blocking(move || this.catalog.scrub()).await?;
        *self.payloads.lock() = Some(look);
        tracing::info!(?report, "purged what was deleted");
        Ok(report)
    }

    /// Feedback on deleted traces that is still there: it came after the deletion, or a crash was in between. What is younger
    /// may be about a run that has yet to arrive.
    async fn forget_feedback_of_old(self: &Arc<Self>) -> Result<()> {
        let this = Arc::clone(self);
        let workspace = blocking(move || this.catalog.default_workspace()).await?;
        let remembered = self.limits.remember_deleted.nanos();
        let before = UnixNanos::from_nanos(self.trusted_now().as_nanos().saturating_sub(remembered));
        self.forget_feedback(&Scope { workspace_id: workspace.id, project_ids: None }, before).await
    }

    /// Whether waiting longer could break the promise of the settings. Half of the time is left for the work itself.
    pub(super) async fn is_purge_due(self: &Arc<Self>) -> Result<bool> {
        let now = self.clock.now();
        let is_older = |time: UnixNanos, nanos: i64| now.nanos_since(time) >= nanos;
        let unpurged = self.store.deletion_state().unpurged_since;
        if unpurged.is_some_and(|since| is_older(since, self.limits.purge_within.nanos() / 2)) {
            return Ok(true);
        }
        let limited = self.limited().await?;
        let last = self.payloads.lock();
        Ok(match last.as_ref() {
            Some(last) if !is_older(last.at, PAYLOADS_EVERY_NANOS) => last.misses(&limited),
            _ => payload_days(&limited).next().is_some(),
        })
    }
}
