//! Deletion, by looking at everything.

use std::collections::BTreeSet;
use std::sync::Arc;

use clearspan_model::{ErrorKind, ProjectId, Run, RunKey, TraceId, UnixNanos};

use super::{MemoryStore, Trace};
use crate::tombstones::{Covers, Mark, Tombstone, Tombstones};
use crate::{Deleted, Deletion, DeletionTarget, Error, PayloadExpiry, PurgeReport, Result, Scope};

/// What a deletion means, as things are.
pub(super) struct Resolved {
    pub(super) tombstones: Tombstones,
    pub(super) counts: Deleted,
}

impl MemoryStore {
    pub(super) fn resolve(&self, deletion: &Deletion) -> Result<Resolved> {
        deletion.check()?;
        let scope = &deletion.scope;
        let doomed = self.doomed(deletion)?;
        let mut traces: BTreeSet<(ProjectId, TraceId)> = doomed.iter().map(Trace::id).collect();
        let mut counts = Deleted {
            traces: traces.len() as u64,
            runs: doomed.iter().map(|trace| trace.runs.len() as u64).sum(),
            ..Deleted::default()
        };
        let records = self.records.read();
        if let DeletionTarget::Traces(trace_ids) = &deletion.target {
            let with_runs: BTreeSet<TraceId> = traces.iter().map(|(_, trace_id)| *trace_id).collect();
            let of_logs = records.traces(scope);
            traces.extend(
                of_logs
                    .into_iter()
                    .filter(|(_, trace_id)| trace_ids.contains(trace_id) && !with_runs.contains(trace_id)),
            );
        }
        let mark = Mark { deleted_at: deletion.deleted_at, forget_at: deletion.forget_at, seq: 1 };
        let workspace_id = scope.workspace_id;
        let mut tombstones = Tombstones::default();
        let mut add = |project_id, covers| {
            tombstones.add(&Tombstone { workspace_id, project_id, covers, mark });
        };
        let projects = scope.project_ids.iter().flatten();
        match &deletion.target {
            DeletionTarget::Projects => projects.for_each(|id| add(*id, Covers::Project)),
            target => {
                traces.iter().for_each(|(id, trace_id)| add(*id, Covers::Trace(*trace_id)));
                if let DeletionTarget::ReceivedBefore(time) = target {
                    projects.for_each(|id| add(*id, Covers::RecordsBefore(*time)));
                }
            }
        }
        let (log_records, of_logs, metric_points) = records.covered(&tombstones);
        (counts.log_records, counts.metric_points) = (log_records, metric_points);
        if !matches!(deletion.target, DeletionTarget::ReceivedBefore(_)) {
            let with_runs: BTreeSet<_> = doomed.iter().map(Trace::id).collect();
            counts.traces += of_logs.difference(&with_runs).count() as u64;
        }
        Ok(Resolved { tombstones, counts })
    }

    fn last_heard(&self, scope: &Scope, trace: &Trace, now: UnixNanos) -> UnixNanos {
        let runs = self.runs.read();
        let of_trace = runs.iter().filter(|(key, _)| {
            key.workspace_id == scope.workspace_id && (key.project_id, key.trace_id) == trace.id()
        });
        let heard = |run: &Run| {
            let said = run.versions.base.said_at();
            if said <= now { run.received_at.max(said) } else { run.received_at }
        };
        of_trace.map(|(_, kept)| heard(&kept.merged)).max().unwrap_or_default()
    }

    /// The traces that have runs.
    fn doomed(&self, deletion: &Deletion) -> Result<Vec<Trace>> {
        if let Some(selection) = deletion.selection() {
            return Ok(self.selected_traces(&selection));
        }
        let mut traces = self.traces(&deletion.scope);
        let needs_projects =
            matches!(deletion.target, DeletionTarget::Projects | DeletionTarget::ReceivedBefore(_));
        if needs_projects && deletion.scope.project_ids.is_none() {
            return Err(Error::new(ErrorKind::InvalidInput, "this deletion must name its projects"));
        }
        let last_heard = |trace: &Trace| self.last_heard(&deletion.scope, trace, deletion.deleted_at);
        match &deletion.target {
            DeletionTarget::Traces(trace_ids) => traces.retain(|trace| trace_ids.contains(&trace.id().1)),
            DeletionTarget::ReceivedBefore(time) => traces.retain(|trace| last_heard(trace) < *time),
            DeletionTarget::Oldest { bytes } => {
                traces.sort_by_key(|trace| (last_heard(trace), trace.id().1));
                // There are no files: a run counts as one byte.
                let mut freed = 0;
                traces.retain(|trace| {
                    let goes = freed < *bytes;
                    freed += trace.runs.len() as u64;
                    goes
                });
            }
            _ => {}
        }
        Ok(traces)
    }

    /// Takes the payload out of runs that are too old.
    pub(super) fn strip(&self, expiries: &[PayloadExpiry]) -> PurgeReport {
        let mut report = PurgeReport::default();
        for (key, kept) in self.runs.write().iter_mut() {
            let is_too_old = |of: &PayloadExpiry| {
                key.workspace_id == of.workspace_id
                    && key.project_id == of.project_id
                    && kept.merged.received_at < of.received_before
            };
            if expiries.iter().any(is_too_old) {
                for run in [&mut kept.merged, Arc::make_mut(&mut kept.finished)] {
                    run.remove_payload();
                }
                report.rows_stripped += 1;
            }
        }
        report
    }

    pub(super) fn bury(&self, new: &Tombstones) {
        new.to_list().iter().for_each(|tombstone| self.tombstones.write().add(tombstone));
        let covers = |key: &RunKey| new.covers_run(key.workspace_id, key.project_id, key.trace_id);
        self.runs.write().retain(|key, _| !covers(key));
        self.records.write().drop_deleted(new);
    }
}

impl Trace {
    fn id(&self) -> (ProjectId, TraceId) {
        (self.summary.root.project_id, self.summary.root.trace_id)
    }
}
