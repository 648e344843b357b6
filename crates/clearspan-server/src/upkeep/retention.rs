//! Enforcing how long projects are kept.

use std::sync::Arc;

use clearspan_catalog::{LimitedProject, Retention};
use clearspan_model::{ProjectId, UnixNanos};
use clearspan_store::{Deleted, DeletionTarget, PayloadExpiry, Scope};

use super::{Result, Upkeep, blocking};

const DAY_NANOS: i64 = 86_400_000_000_000;

/// What retention took from a project the last time that it took something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Enforced {
    pub(crate) at: UnixNanos,
    /// For their age.
    pub(crate) expired: Deleted,
    /// For the room that the project may take.
    pub(crate) displaced: Deleted,
}

impl Upkeep {
    /// Deletes what the projects' limits say.
    pub(super) async fn enforce_retention(self: &Arc<Self>) -> Result<()> {
        for LimitedProject { project, retention } in self.limited().await? {
            let scope = || Scope { workspace_id: project.workspace_id, project_ids: Some(vec![project.id]) };
            let mut expired = Deleted::default();
            if let Some(before) = days_ago(self.clock.now(), retention.run_days) {
                let target = DeletionTarget::ReceivedBefore(before);
                // Most looks find nothing, and a deletion of nothing would still be remembered.
                if self.preview(scope(), target.clone()).await? != Deleted::default() {
                    expired = self.delete(scope(), target).await?;
                }
            }
            let mut displaced = Deleted::default();
            if let Some(most) = retention.max_bytes {
                let sizes = self.store.project_sizes(project.workspace_id).await?;
                let size = sizes.iter().find(|size| size.project_id == project.id);
                let bytes = size.map_or(0, |size| size.bytes).saturating_sub(most.get());
                if bytes > 0 {
                    displaced = self.delete(scope(), DeletionTarget::Oldest { bytes }).await?;
                }
            }
            self.note(project.id, Enforced { at: self.clock.now(), expired, displaced });
        }
        Ok(())
    }

    fn note(&self, id: ProjectId, enforced: Enforced) {
        let Enforced { expired, displaced, .. } = enforced;
        if expired == Deleted::default() && displaced == Deleted::default() {
            return;
        }
        tracing::info!(
            project = %id,
            expired_traces = expired.traces,
            expired_runs = expired.runs,
            expired_records = expired.log_records + expired.metric_points,
            displaced_traces = displaced.traces,
            displaced_runs = displaced.runs,
            "retention deleted traces"
        );
        let mut all = self.enforced.lock();
        all.retain(|(known, _)| *known != id);
        all.push((id, enforced));
    }

    /// What retention took from a project last, since the start.
    pub(crate) fn enforced(&self, id: ProjectId) -> Option<Enforced> {
        self.enforced.lock().iter().find(|(known, _)| *known == id).map(|(_, enforced)| *enforced)
    }

    pub(super) async fn limited(self: &Arc<Self>) -> Result<Vec<LimitedProject>> {
        let this = Arc::clone(self);
        blocking(move || this.catalog.list_limited()).await
    }

    /// The runs that are to lose their payload.
    pub(super) async fn payload_expiries(self: &Arc<Self>) -> Result<Vec<PayloadExpiry>> {
        let now = self.clock.now();
        let expiry = |LimitedProject { project, retention }| {
            let Retention { payload_days, .. } = retention;
            Some(PayloadExpiry {
                workspace_id: project.workspace_id,
                project_id: project.id,
                received_before: days_ago(now, payload_days)?,
            })
        };
        Ok(self.limited().await?.into_iter().filter_map(expiry).collect())
    }
}

fn days_ago(now: UnixNanos, days: Option<std::num::NonZeroU32>) -> Option<UnixNanos> {
    let nanos = i64::from(days?.get()).saturating_mul(DAY_NANOS);
    Some(UnixNanos::from_nanos(now.as_nanos().saturating_sub(nanos)))
}
