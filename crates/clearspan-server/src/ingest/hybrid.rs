//! LangSmith's SDK may tell of its runs twice: in its own protocol and, in hybrid mode, as spans with other ids. And
//! spans of the user's own instrumentation inside `@traceable` name a parent that no span has.
//!
//! *Copies.* A span of the SDK is the copy of a run when name and start are the same, to the microsecond, in one project.
//! The one that comes second finds the first: a span whose run is here is dropped, and when the run comes later, the trace
//! of the copies goes, if nothing but copies is in it.
//!
//! *Parents.* Inside of a run the SDK gives spans the run's id as their trace and the first eight bytes of it as their
//! parent. Runs of the SDK are kept with these bytes as their span, so the parent can be looked up inside of the trace.
//! Here, too, whichever is written last finds the other.
//!
//! What was seen is kept in memory and bounded, so runs and spans find each other when not much comes between.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use clearspan_model::{
    ProjectId, Rank, Run, RunId, RunKey, SpanId, TraceId, UnixNanos, Version, Versions, WorkspaceId,
};
use clearspan_store::{Deletion, DeletionTarget, Result, RunStore, Scope};
use rustc_hash::{FxHashMap, FxHashSet};

use super::recent::Recent;

/// The instrumentation scope of the SDK's spans.
const SDK_SCOPE: &str = "langsmith";
/// Runs and copies that are remembered, twice.
const MAX_RUNS: usize = 200_000;
/// Traces that are remembered, twice.
const MAX_TRACES: usize = 20_000;
/// A parent and its children begin within a day.
const LOOK_BACK_NANOS: i64 = 86_400 * 1_000_000_000;
/// Copies that come later than their deleted trace are dropped for so long.
const FORGET_NANOS: i64 = 3_600 * 1_000_000_000;

type Trace = (WorkspaceId, TraceId);
type Place = (WorkspaceId, ProjectId, TraceId);

/// Lets runs and spans of one program find each other.
#[derive(Debug)]
pub(super) struct Hybrid {
    store: Arc<dyn RunStore>,
    /// Runs that came in LangSmith's protocol.
    runs: Recent<u64>,
    /// Spans that the SDK made of such runs, and their traces.
    copies: Recent<u64, Place>,
    /// Traces with runs that came in LangSmith's protocol.
    traces: Recent<Trace>,
    /// Traces with spans whose parent was not there.
    orphaned: Recent<Trace>,
}

impl Hybrid {
    pub(super) fn new(store: Arc<dyn RunStore>) -> Self {
        Self {
            store,
            runs: Recent::new(MAX_RUNS),
            copies: Recent::new(MAX_RUNS),
            traces: Recent::new(MAX_TRACES),
            orphaned: Recent::new(MAX_TRACES),
        }
    }

    /// To be called before spans are written: leaves out copies of runs that are here.
    /// Returns the likenesses of copies whose run is not.
    pub(super) fn drop_copies(&self, spans: &mut Vec<Run>) -> Vec<u64> {
        let is_copy = |run: &Run| run.scope_name.as_deref() == Some(SDK_SCOPE);
        let copies: Vec<(u64, Place)> = spans
            .iter()
            .filter(|run| is_copy(run))
            .filter_map(|run| {
                Some((likeness(run)?, (run.key.workspace_id, run.key.project_id, run.key.trace_id)))
            })
            .collect();
        if copies.is_empty() {
            return Vec::new();
        }
        let likenesses: Vec<u64> = copies.iter().map(|(likeness, _)| *likeness).collect();
        // Noted first, so that a run that is written meanwhile finds them.
        self.copies.extend(copies);
        let is_here = |likeness: &u64| self.runs.get(likeness).is_some();
        spans.retain(|run| !is_copy(run) || !likeness(run).is_some_and(|likeness| is_here(&likeness)));
        likenesses.into_iter().filter(|likeness| !is_here(likeness)).collect()
    }

    /// To be called before runs of LangSmith's protocol are written.
    pub(super) fn note_runs(&self, runs: &[Run]) {
        self.runs.extend(runs.iter().filter_map(likeness).map(|likeness| (likeness, ())));
        self.traces.extend(runs.iter().map(|run| ((run.key.workspace_id, run.key.trace_id), ())));
    }

    /// To be called after they were written: removes their copies. `runs` are their keys and likenesses.
    pub(super) async fn remove_copies(&self, likenesses: &[u64], now: UnixNanos) -> Result<()> {
        let places: FxHashSet<Place> = self.copies.get_all(likenesses).into_iter().flatten().collect();
        for (workspace_id, project_id, trace_id) in places {
            let scope = Scope { workspace_id, project_ids: Some(vec![project_id]) };
            let runs = self.store.load_skeleton(&scope, trace_id).await?;
            if runs.is_empty() || runs.iter().any(|run| run.scope_name.as_deref() != Some(SDK_SCOPE)) {
                continue;
            }
            let forget_at = UnixNanos::from_nanos(now.as_nanos().saturating_add(FORGET_NANOS));
            let target = DeletionTarget::Traces(vec![trace_id]);
            self.store.delete(&Deletion { scope, target, deleted_at: now, forget_at }).await?;
        }
        Ok(())
    }

    /// To be called before spans are written: gives those their parent that name the first bytes of a run's id. Returns
    /// those whose parent is not there.
    pub(super) async fn attach(&self, spans: &mut [Run]) -> Result<Vec<RunKey>> {
        let here: FxHashSet<RunKey> = spans.iter().map(|run| run.key).collect();
        let is_orphan = |run: &Run| {
            let parent = run.parent_run_id.filter(|parent| alias(*parent).is_some());
            parent.is_some_and(|run_id| !here.contains(&RunKey { run_id, ..run.key }))
        };
        let traces: FxHashSet<Trace> = spans.iter().filter(|run| is_orphan(run)).map(trace_of).collect();
        if traces.is_empty() {
            return Ok(Vec::new());
        }
        // Noted first, so that a run that is written meanwhile finds them.
        self.orphaned.extend(traces.iter().map(|trace| (*trace, ())));
        for (trace, known) in traces.iter().zip(self.traces.get_all(&traces)) {
            if known.is_none() {
                continue;
            }
            let children = || spans.iter().filter(|run| trace_of(run) == *trace && is_orphan(run));
            let parents: FxHashSet<SpanId> = children().filter_map(|run| alias(run.parent_run_id?)).collect();
            let since = children().filter_map(|run| run.start_time).min().unwrap_or_default();
            let found = self.look(*trace, parents.into_iter().collect(), since).await?;
            for run in spans.iter_mut().filter(|run| trace_of(run) == *trace) {
                let parent =
                    run.parent_run_id.and_then(alias).and_then(|id| found.get(&(run.key.project_id, id)));
                if let Some(parent) = parent {
                    run.parent_run_id = Some(*parent);
                }
            }
        }
        Ok(spans.iter().filter(|run| is_orphan(run)).map(|run| run.key).collect())
    }

    /// To be called after spans were written: runs may have come at the same time. `likenesses` are those of the spans that
    /// [`Self::drop_copies`] left, `orphans` what [`Self::attach`] returned.
    pub(super) async fn look_again(
        &self,
        likenesses: &[u64],
        mut orphans: Vec<RunKey>,
        now: UnixNanos,
    ) -> Result<Vec<Run>> {
        let known = self.runs.get_all(likenesses);
        let known: Vec<u64> =
            likenesses.iter().zip(known).filter_map(|(likeness, known)| known.map(|()| *likeness)).collect();
        self.remove_copies(&known, now).await?;
        orphans.retain(|key| self.traces.get(&(key.workspace_id, key.trace_id)).is_some());
        self.adopt(&orphans, now).await
    }

    /// To be called after runs of LangSmith's protocol were written: patches for spans that came before their parent.
    pub(super) async fn adopt(&self, runs: &[RunKey], now: UnixNanos) -> Result<Vec<Run>> {
        let traces: FxHashSet<Trace> = runs.iter().map(|key| (key.workspace_id, key.trace_id)).collect();
        let mut patches = Vec::new();
        for (trace, orphaned) in traces.iter().zip(self.orphaned.get_all(&traces)) {
            if orphaned.is_none() {
                continue;
            }
            let (workspace_id, trace_id) = *trace;
            let scope = Scope { workspace_id, project_ids: None };
            let skeleton = self.store.load_skeleton(&scope, trace_id).await?;
            let ids: FxHashSet<(ProjectId, RunId)> =
                skeleton.iter().map(|run| (run.project_id, run.run_id)).collect();
            let parents: FxHashMap<(ProjectId, SpanId), RunId> = skeleton
                .iter()
                .filter(|run| alias(run.run_id).is_none())
                .filter_map(|run| Some(((run.project_id, run.span_id?), run.run_id)))
                .collect();
            for run in &skeleton {
                let Some(told) = run.parent_run_id.filter(|id| !ids.contains(&(run.project_id, *id))) else {
                    continue;
                };
                let parent = alias(told).and_then(|span| parents.get(&(run.project_id, span)));
                if let Some(parent) = parent.filter(|parent| **parent != run.run_id) {
                    let mut patch = Run::new(run.key(workspace_id), now);
                    patch.versions = Versions::all(Version::new(Rank::Span, now));
                    patch.parent_run_id = Some(*parent);
                    patches.push(patch);
                }
            }
        }
        Ok(patches)
    }

    /// The runs with ids of their own that stand for these spans.
    async fn look(
        &self,
        (workspace_id, trace_id): Trace,
        spans: Vec<SpanId>,
        since: UnixNanos,
    ) -> Result<FxHashMap<(ProjectId, SpanId), RunId>> {
        let scope = Scope { workspace_id, project_ids: None };
        let since = UnixNanos::from_nanos(since.as_nanos().saturating_sub(LOOK_BACK_NANOS));
        let found = self.store.runs_of_spans(&scope, trace_id, &spans, since).await?;
        let own = found.into_iter().filter(|run| alias(run.key.run_id).is_none());
        Ok(own.map(|run| ((run.key.project_id, run.span_id), run.key.run_id)).collect())
    }
}

fn trace_of(run: &Run) -> Trace {
    (run.key.workspace_id, run.key.trace_id)
}

/// The span whose id was made a run's id.
fn alias(run_id: RunId) -> Option<SpanId> {
    let (first, last) = run_id.as_bytes().split_at(8);
    let is_span = first.iter().all(|byte| *byte == 0);
    is_span.then(|| SpanId::from_bytes(last.try_into().expect("half of sixteen bytes")))
}

/// What a run and its copy have in common. Times of spans went through a float and are off by some hundred nanoseconds.
pub(super) fn likeness(run: &Run) -> Option<u64> {
    let micros = run.start_time?.as_nanos().saturating_add(500).div_euclid(1_000);
    let mut hasher = DefaultHasher::new();
    (run.key.workspace_id, run.key.project_id, run.name.as_deref()?, micros).hash(&mut hasher);
    Some(hasher.finish())
}
