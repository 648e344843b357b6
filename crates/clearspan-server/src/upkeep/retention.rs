//! Enforcing how long projects are kept.

use std::num::NonZeroU32;
use std::sync::Arc;

use clearspan_catalog::{LimitedProject, Project};
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

/// A look at payloads, and how many days each project kept them then.
#[derive(Debug)]
pub(super) struct PayloadLook {
    pub(super) at: UnixNanos,
    days: Vec<(ProjectId, NonZeroU32)>,
}

impl PayloadLook {
    /// Whether a project has had no limit then, or a longer one.
    pub(super) fn misses(&self, limited: &[LimitedProject]) -> bool {
        let applied = |id| self.days.iter().find(|(known, _)| *known == id).map(|(_, days)| *days);
        payload_days(limited).any(|(project, days)| applied(project.id).is_none_or(|applied| days < applied))
    }
}

/// The projects that keep payloads for so many days.
pub(super) fn payload_days(limited: &[LimitedProject]) -> impl Iterator<Item = (&Project, NonZeroU32)> {
    limited.iter().filter_map(|limited| Some((&limited.project, limited.retention.payload_days?)))
}

impl Upkeep {
    /// Deletes what the projects' limits say.
    pub(super) async fn enforce_retention(self: &Arc<Self>) -> Result<()> {
        for LimitedProject { project, retention } in self.limited().await? {
            let scope = || Scope { workspace_id: project.workspace_id, project_ids: Some(vec![project.id]) };
            let mut expired = Deleted::default();
            if let Some(days) = retention.run_days {
                let before = days_ago(self.trusted_now(), days);
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

    /// A look at payloads that begins now, and the runs that are to lose theirs.
    pub(super) async fn payload_expiries(self: &Arc<Self>) -> Result<(PayloadLook, Vec<PayloadExpiry>)> {
        let (now, trusted) = (self.clock.now(), self.trusted_now());
        let limited = self.limited().await?;
        let expiries = payload_days(&limited).map(|(project, days)| PayloadExpiry {
            workspace_id: project.workspace_id,
            project_id: project.id,
            received_before: days_ago(trusted, days),
        });
        let days = payload_days(&limited).map(|(project, days)| (project.id, days)).collect();
        Ok((PayloadLook { at: now, days }, expiries.collect()))
    }
}

fn days_ago(now: UnixNanos, days: NonZeroU32) -> UnixNanos {
    let nanos = i64::from(days.get()).saturating_mul(DAY_NANOS);
    UnixNanos::from_nanos(now.as_nanos().saturating_sub(nanos))
}
