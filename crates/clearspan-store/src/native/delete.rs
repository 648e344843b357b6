//! From an order to delete to tombstones in the log.
//!
//! A condition is resolved to traces here, with a snapshot of the store; the record of the log names each trace. So what
//! is deleted does not depend on when the log is replayed. See [`super::bury`] for what the applier does with it.

use std::sync::Arc;

use clearspan_model::{ErrorKind, TraceId};
use rustc_hash::FxHashSet;

use super::log::RecordKind;
use super::query::TraceExtent;
use super::state::Snapshot;
use super::{NativeStore, blocking, commit, records, sizes};
use crate::schema::deletions::encode_tombstones;
use crate::schema::logs::LogCol;
use crate::schema::points::PointCol;
use crate::store::Scope;
use crate::tombstones::{Covers, Mark, Tombstone, Tombstones};
use crate::{Deleted, Deletion, DeletionTarget, Error, Result};

/// Tombstones in one record of the log at most.
const TOMBSTONES_PER_RECORD: usize = 100_000;

/// What an order means.
pub(super) struct Resolved {
    pub(super) tombstones: Vec<Tombstone>,
    pub(super) counts: Deleted,
}

/// More traces than these are not asked for by name.
const MOST_IDS: usize = 1_000;

/// Deletes. Returns when it is durable and no read sees it.
pub(super) async fn delete(store: &NativeStore, deletion: &Deletion) -> Result<Deleted> {
    let Resolved { tombstones, counts } = resolve(store, deletion).await?;
    for part in tombstones.chunks(TOMBSTONES_PER_RECORD) {
        let part = part.to_vec();
        let batch =
            blocking(move || commit::Batch::new(RecordKind::Deletions, encode_tombstones(&part))).await?;
        store.committer.commit(batch).await?;
    }
    Ok(counts)
}

/// Finds what an order means, as things are.
pub(super) async fn resolve(store: &NativeStore, deletion: &Deletion) -> Result<Resolved> {
    deletion.check()?;
    let doomed = extents(store, deletion).await?;
    let mark = Mark { deleted_at: deletion.deleted_at, forget_at: deletion.forget_at, seq: 0 };
    let workspace_id = deletion.scope.workspace_id;
    let tombstone = |project_id, covers| Tombstone { workspace_id, project_id, covers, mark };
    let mut tombstones: Vec<Tombstone> = match &deletion.target {
        DeletionTarget::Projects => {
            projects(deletion)?.iter().map(|id| tombstone(*id, Covers::Project)).collect()
        }
        _ => doomed.iter().map(|of| tombstone(of.project_id, Covers::Trace(of.trace_id))).collect(),
    };
    if let DeletionTarget::ReceivedBefore(time) = &deletion.target {
        let projects = projects(deletion)?.iter();
        tombstones.extend(projects.map(|id| tombstone(*id, Covers::RecordsBefore(*time))));
    }
    if let DeletionTarget::Traces(trace_ids) = &deletion.target {
        let found: FxHashSet<TraceId> = doomed.iter().map(|of| of.trace_id).collect();
        let others: Vec<TraceId> = trace_ids.iter().filter(|id| !found.contains(id)).copied().collect();
        if !others.is_empty() {
            let (snapshot, scope) = (store.shared.log_snapshot(), deletion.scope.clone());
            let of_logs = blocking(move || records::traces_with_logs(&snapshot, &scope, &others)).await?;
            tombstones.extend(of_logs.iter().map(|(id, trace_id)| tombstone(*id, Covers::Trace(*trace_id))));
        }
    }
    if tombstones.is_empty() {
        return Ok(Resolved { tombstones, counts: Deleted::default() });
    }
    let counts = count(store, deletion, &doomed, tombstones.iter().collect()).await?;
    Ok(Resolved { tombstones, counts })
}

/// The traces that have runs.
async fn extents(store: &NativeStore, deletion: &Deletion) -> Result<Vec<TraceExtent>> {
    let (snapshot, query, scope) =
        (store.shared.settled_with_late(&deletion.scope).await?, &store.query, &deletion.scope);
    let now = deletion.deleted_at;
    if let Some(selection) = deletion.selection() {
        let found = query.extents(&snapshot, &selection, now).await?;
        let Some(from) = selection.range.from else { return Ok(found) };
        // Lists do not look for runs that began long before the others of their trace.
        let keys: FxHashSet<_> = found.iter().map(|of| (of.project_id, of.trace_id)).collect();
        let ids: Vec<TraceId> = found.iter().map(|of| of.trace_id).collect();
        let ids = (ids.len() <= MOST_IDS).then_some(ids);
        let mut whole = query.all_extents(&snapshot, scope, ids.as_deref(), now).await?;
        whole.retain(|of| of.began >= from && keys.contains(&(of.project_id, of.trace_id)));
        return Ok(whole);
    }
    match &deletion.target {
        DeletionTarget::Traces(trace_ids) => query.all_extents(&snapshot, scope, Some(trace_ids), now).await,
        DeletionTarget::ReceivedBefore(time) => {
            projects(deletion)?;
            let mut extents = query.all_extents(&snapshot, scope, None, now).await?;
            extents.retain(|of| of.last_heard < *time);
            Ok(extents)
        }
        DeletionTarget::Oldest { bytes } => {
            let bytes_per_run = bytes_per_run(&snapshot, scope).await?;
            let mut extents = query.all_extents(&snapshot, scope, None, now).await?;
            extents.sort_unstable_by_key(|of| (of.last_heard, of.trace_id));
            if bytes_per_run == 0.0 {
                return Ok(Vec::new());
            }
            let mut freed = 0.0;
            let enough = extents.iter().take_while(|of| {
                let goes_on = freed < *bytes as f64;
                freed += of.runs as f64 * bytes_per_run;
                goes_on
            });
            let enough = enough.count();
            extents.truncate(enough);
            Ok(extents)
        }
        DeletionTarget::Projects => {
            projects(deletion)?;
            query.all_extents(&snapshot, scope, None, now).await
        }
        DeletionTarget::Matching(..) | DeletionTarget::User(_) | DeletionTarget::Thread(_) => {
            unreachable!("these have a selection")
        }
    }
}

async fn bytes_per_run(snapshot: &Snapshot, scope: &Scope) -> Result<f64> {
    let (snapshot, scope) = (snapshot.clone(), scope.clone());
    blocking(move || sizes::bytes_per_run(&snapshot, &scope)).await
}

/// The projects that the scope names: what is not about single traces must name them.
fn projects(deletion: &Deletion) -> Result<&[clearspan_model::ProjectId]> {
    let missing = || Error::new(ErrorKind::InvalidInput, "this deletion must name its projects");
    deletion.scope.project_ids.as_deref().ok_or_else(missing)
}

async fn count(
    store: &NativeStore,
    deletion: &Deletion,
    doomed: &[TraceExtent],
    tombstones: Tombstones,
) -> Result<Deleted> {
    let (logs, points) = (store.shared.log_snapshot(), store.shared.point_snapshot());
    let scope = deletion.scope.clone();
    let mut counts = Deleted {
        traces: doomed.len() as u64,
        runs: doomed.iter().map(|of| of.runs).sum(),
        ..Deleted::default()
    };
    let known: FxHashSet<_> = doomed.iter().map(|of| (of.project_id, of.trace_id)).collect();
    let are_whole_traces = !matches!(deletion.target, DeletionTarget::ReceivedBefore(_));
    blocking(move || {
        let shared = Arc::new(tombstones);
        let (log_records, traces) = records::covered::<LogCol>(&logs, &scope, Arc::clone(&shared))?;
        counts.log_records = log_records;
        if are_whole_traces {
            counts.traces += traces.difference(&known).count() as u64;
        }
        counts.metric_points = records::covered::<PointCol>(&points, &scope, shared)?.0;
        Ok(counts)
    })
    .await
}
