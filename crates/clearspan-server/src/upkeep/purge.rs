//! Purging: the bytes of what was deleted go, and payloads that are too old.
//!
//! One purge runs at a time. It begins early enough that what was deleted is gone within the time that the settings
//! give, and once a day where payloads expire.

use std::sync::Arc;

use clearspan_model::UnixNanos;
use clearspan_store::{PurgeReport, Scope};

use super::{Result, Upkeep, blocking};

/// Payloads are looked at so often.
const PAYLOADS_EVERY_NANOS: i64 = 86_400_000_000_000;

/// A purge that has ended.
#[derive(Debug, Clone)]
pub(crate) struct PurgeRecord {
    pub(crate) started_at: UnixNanos,
    pub(crate) ended_at: UnixNanos,
    /// What it removed, or why it failed.
    pub(crate) outcome: std::result::Result<PurgeReport, String>,
}

/// How purging stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct PurgeState {
    /// When the one that runs began.
    pub(crate) running_since: Option<UnixNanos>,
    /// The last that ended since the start.
    pub(crate) last: Option<PurgeRecord>,
    /// When payloads were looked at last.
    payloads_at: Option<UnixNanos>,
}

impl Upkeep {
    pub(crate) fn purge_state(&self) -> PurgeState {
        self.purges.lock().clone()
    }

    /// Starts a purge, unless one runs.
    pub(crate) fn start_purge(self: &Arc<Self>) {
        let started_at = self.clock.now();
        {
            let mut purges = self.purges.lock();
            if purges.running_since.is_some() {
                return;
            }
            purges.running_since = Some(started_at);
        }
        let this = Arc::clone(self);
        crate::task::spawn("purge", async move {
            let work = crate::task::guard("purge", this.purge()).await;
            let outcome = match work {
                Some(Ok(report)) => Ok(report),
                Some(Err(err)) => Err(err.message()),
                None => Err("a task panicked".to_owned()),
            };
            match &outcome {
                Ok(report) => tracing::info!(?report, "purged what was deleted"),
                Err(error) => tracing::warn!(error, "a purge failed; it is tried again"),
            }
            let mut purges = this.purges.lock();
            purges.running_since = None;
            purges.last = Some(PurgeRecord { started_at, ended_at: this.clock.now(), outcome });
        });
    }

    async fn purge(self: &Arc<Self>) -> Result<PurgeReport> {
        let expiries = self.payload_expiries().await?;
        let looked_at = self.clock.now();
        let has_deleted = self.store.deletion_state().unpurged_since.is_some();
        let report = self.store.purge(&expiries).await?;
        if has_deleted {
            self.forget_feedback_of_old().await?;
        }
        self.remove_unused_files().await?;
        let this = Arc::clone(self);
        blocking(move || this.catalog.scrub()).await?;
        self.purges.lock().payloads_at = Some(looked_at);
        Ok(report)
    }

    /// Feedback on deleted traces that is still there: it came after the deletion, or a crash was in between. What is younger
    /// may be about a run that has yet to arrive.
    async fn forget_feedback_of_old(self: &Arc<Self>) -> Result<()> {
        let this = Arc::clone(self);
        let workspace = blocking(move || this.catalog.default_workspace()).await?;
        let remembered = self.limits.remember_deleted.nanos();
        let before = UnixNanos::from_nanos(self.clock.now().as_nanos().saturating_sub(remembered));
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
        let payloads_at = self.purges.lock().payloads_at;
        if payloads_at.is_some_and(|at| !is_older(at, PAYLOADS_EVERY_NANOS)) {
            return Ok(false);
        }
        Ok(!self.payload_expiries().await?.is_empty())
    }
}
