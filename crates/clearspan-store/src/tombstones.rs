//! What was deleted, as long as it is remembered: late spans, retries and patches of a deleted trace stay dead.
//!
//! Whether a row is dead is decided by the row and the tombstone alone, never by the time at which it is looked at:
//! rows that the server received before `forget_at` are dropped, later ones live. So replaying the log gives the same
//! as the first time.

use clearspan_model::{ProjectId, RunKey, TraceId, UnixNanos, WorkspaceId};
use rustc_hash::FxHashMap;

/// Once the newest row was received this long after `forget_at`, none that was received before it is still on its way.
const SLACK_NANOS: i64 = 3_600_000_000_000;

/// One thing that was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tombstone {
    pub(crate) workspace_id: WorkspaceId,
    pub(crate) project_id: ProjectId,
    pub(crate) covers: Covers,
    pub(crate) mark: Mark,
}

/// What of a project is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Covers {
    /// Runs and log records of a trace.
    Trace(TraceId),
    /// Everything.
    Project,
    /// Log records and metric points that were received before.
    RecordsBefore(UnixNanos),
}

/// When something was deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) deleted_at: UnixNanos,
    pub(crate) forget_at: UnixNanos,
    /// The record of the log that says so.
    pub(crate) seq: u64,
}

impl Mark {
    fn covers(&self, received_at: UnixNanos) -> bool {
        received_at < self.forget_at
    }

    /// The same thing was deleted again.
    fn renew(&mut self, newer: Self) {
        self.deleted_at = self.deleted_at.max(newer.deleted_at);
        self.forget_at = self.forget_at.max(newer.forget_at);
        self.seq = self.seq.max(newer.seq);
    }
}

type Tenant = (WorkspaceId, ProjectId);

/// All tombstones there are.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Tombstones {
    traces: FxHashMap<(WorkspaceId, ProjectId, TraceId), Mark>,
    projects: FxHashMap<Tenant, Mark>,
    records: FxHashMap<Tenant, (UnixNanos, Mark)>,
}

impl Tombstones {
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.traces.len() + self.projects.len() + self.records.len()
    }

    pub(crate) fn add(&mut self, tombstone: &Tombstone) {
        let Tombstone { workspace_id, project_id, covers, mark } = *tombstone;
        match covers {
            Covers::Trace(trace_id) => {
                self.traces.entry((workspace_id, project_id, trace_id)).or_default().renew(mark);
            }
            Covers::Project => self.projects.entry((workspace_id, project_id)).or_default().renew(mark),
            Covers::RecordsBefore(time) => {
                let (before, known) = self.records.entry((workspace_id, project_id)).or_default();
                *before = time.max(*before);
                known.renew(mark);
            }
        }
    }

    /// Whether a run that was received at some time is dead.
    pub(crate) fn hides_run(&self, key: &RunKey, received_at: UnixNanos) -> bool {
        let RunKey { workspace_id, project_id, trace_id, .. } = *key;
        self.hides(workspace_id, project_id, Some(trace_id), received_at)
    }

    /// Whether a log record or metric point is dead.
    pub(crate) fn hides_record(
        &self,
        workspace_id: WorkspaceId,
        project_id: ProjectId,
        trace_id: Option<TraceId>,
        received_at: UnixNanos,
    ) -> bool {
        self.hides(workspace_id, project_id, trace_id, received_at)
            || self.records.get(&(workspace_id, project_id)).is_some_and(|(before, _)| received_at < *before)
    }

    fn hides(
        &self,
        workspace_id: WorkspaceId,
        project_id: ProjectId,
        trace_id: Option<TraceId>,
        received_at: UnixNanos,
    ) -> bool {
        let of_trace = trace_id.and_then(|trace_id| self.traces.get(&(workspace_id, project_id, trace_id)));
        of_trace.is_some_and(|mark| mark.covers(received_at))
            || self.projects.get(&(workspace_id, project_id)).is_some_and(|mark| mark.covers(received_at))
    }

    /// Whether a run is covered, whenever it was received.
    pub(crate) fn covers_run(
        &self,
        workspace_id: WorkspaceId,
        project_id: ProjectId,
        trace_id: TraceId,
    ) -> bool {
        self.traces.contains_key(&(workspace_id, project_id, trace_id))
            || self.projects.contains_key(&(workspace_id, project_id))
    }

    /// The project in which a trace is covered that is received at some time; of several the first.
    pub(crate) fn project_of(
        &self,
        workspace_id: WorkspaceId,
        trace_id: TraceId,
        received_at: UnixNanos,
    ) -> Option<ProjectId> {
        let is_of = |(workspace, _, trace): &(WorkspaceId, ProjectId, TraceId)| {
            (*workspace, *trace) == (workspace_id, trace_id)
        };
        let covered = self.traces.iter().filter(|(key, mark)| is_of(key) && mark.covers(received_at));
        covered.map(|((_, project_id, _), _)| *project_id).min()
    }

    /// The traces that are covered one by one.
    pub(crate) fn trace_ids(&self) -> impl Iterator<Item = TraceId> {
        self.traces.keys().map(|(_, _, trace_id)| *trace_id)
    }

    /// The projects that are covered, as a whole or in part, each once and in order.
    pub(crate) fn project_ids(&self) -> Vec<ProjectId> {
        let of_traces = self.traces.keys().map(|(_, project_id, _)| *project_id);
        let mut ids: Vec<ProjectId> =
            of_traces.chain(self.projects.keys().map(|(_, project_id)| *project_id)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Whether any project is covered as a whole.
    pub(crate) fn has_projects(&self) -> bool {
        !self.projects.is_empty()
    }

    fn marks(&self) -> impl Iterator<Item = &Mark> {
        let of_records = self.records.values().map(|(_, mark)| mark);
        self.traces.values().chain(self.projects.values()).chain(of_records)
    }

    /// When the oldest deletion after a record of the log was asked for.
    pub(crate) fn oldest_after(&self, seq: u64) -> Option<UnixNanos> {
        self.marks().filter(|mark| mark.seq > seq).map(|mark| mark.deleted_at).min()
    }

    /// Forgets what may be forgotten: rows that it hides are neither on disk (deletions up to `purged_seq` were purged)
    /// nor on their way (`newest` is when the newest row was received). True when something was.
    pub(crate) fn forget(&mut self, newest: UnixNanos, purged_seq: u64) -> bool {
        let before = self.len();
        let is_needed = |mark: &Mark| {
            mark.seq > purged_seq || mark.forget_at.as_nanos().saturating_add(SLACK_NANOS) > newest.as_nanos()
        };
        self.traces.retain(|_, mark| is_needed(mark));
        self.projects.retain(|_, mark| is_needed(mark));
        self.records.retain(|_, (_, mark)| is_needed(mark));
        self.len() != before
    }

    /// All of them, in an order that brings those of one project together.
    pub(crate) fn to_list(&self) -> Vec<Tombstone> {
        let mut list: Vec<Tombstone> = Vec::with_capacity(self.len());
        let mut push = |workspace_id, project_id, covers, mark| {
            list.push(Tombstone { workspace_id, project_id, covers, mark });
        };
        for ((workspace_id, project_id, trace_id), mark) in &self.traces {
            push(*workspace_id, *project_id, Covers::Trace(*trace_id), *mark);
        }
        for ((workspace_id, project_id), mark) in &self.projects {
            push(*workspace_id, *project_id, Covers::Project, *mark);
        }
        for ((workspace_id, project_id), (before, mark)) in &self.records {
            push(*workspace_id, *project_id, Covers::RecordsBefore(*before), *mark);
        }
        list.sort_unstable_by_key(|tombstone| {
            (tombstone.workspace_id, tombstone.project_id, tombstone.covers)
        });
        list
    }
}

impl<'a> FromIterator<&'a Tombstone> for Tombstones {
    fn from_iter<I: IntoIterator<Item = &'a Tombstone>>(list: I) -> Self {
        let mut tombstones = Self::default();
        list.into_iter().for_each(|tombstone| tombstones.add(tombstone));
        tombstones
    }
}

#[cfg(test)]
mod tests;
