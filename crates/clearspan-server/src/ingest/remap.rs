//! Mapping stored runs again, after rules changed: one job a workspace at a time, trace by trace, newest first.
//!
//! New runs are mapped with the new rules as they arrive, so a job only has to look at what was there when it began. A run
//! that changes between reading and writing is read again; one that keeps changing is left alone, and counted. Jobs live in
//! memory: one that a restart ended can simply be started again, because a run that is as it should be is not written.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use clearspan_catalog::Project;
use clearspan_mapping::pricing::PriceTable;
use clearspan_mapping::remap;
use clearspan_mapping::rules::Rules;
use clearspan_model::{Run, RunId, RunKey, TraceId, UnixNanos, WorkspaceId};
use clearspan_store::{Order, RunQuery, RunStore, Scope, Selection, SortKey, TimeRange, TraceSummary, Unit};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{LiveFeed, Rulebook};
use crate::clock::Clock;
use crate::error::chain;

/// Jobs that are remembered.
const REMEMBERED: usize = 20;
/// Traces that are listed at once.
const TRACES_AT_ONCE: usize = 100;
/// Runs that are in memory at once, with everything that was sent for them.
const RUNS_AT_ONCE: usize = 100;
/// How often a run that changes meanwhile is read again.
const TRIES: usize = 3;
/// How often a store that has too much to do is asked again, and after which pause.
const PATIENCE: usize = 10;
const PAUSE: Duration = Duration::from_secs(1);

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RemapState {
    Running,
    Done,
    Failed,
}

/// A job and how far it is.
#[derive(Debug, Clone)]
pub(crate) struct RemapJob {
    pub(crate) id: Uuid,
    pub(crate) workspace_id: WorkspaceId,
    pub(crate) project: Project,
    pub(crate) range: TimeRange,
    pub(crate) state: RemapState,
    pub(crate) started_at: UnixNanos,
    pub(crate) ended_at: Option<UnixNanos>,
    /// `None` until they are counted.
    pub(crate) traces_total: Option<u64>,
    pub(crate) traces_done: u64,
    pub(crate) runs_seen: u64,
    pub(crate) runs_changed: u64,
    /// Runs that changed each time they were looked at.
    pub(crate) runs_skipped: u64,
    /// Why it failed.
    pub(crate) error: Option<String>,
}

/// Starts jobs and remembers them.
#[derive(Debug)]
pub(crate) struct Remaps {
    store: Arc<dyn RunStore>,
    rules: Arc<Rulebook>,
    live: LiveFeed,
    clock: Clock,
    /// The latest first.
    jobs: Mutex<VecDeque<RemapJob>>,
    stopping: CancellationToken,
}

/// Why a job ended before its end.
#[derive(Debug)]
enum Interrupted {
    Stopping,
    Store(clearspan_store::Error),
    Rules(String),
}

impl From<clearspan_store::Error> for Interrupted {
    fn from(err: clearspan_store::Error) -> Self {
        Self::Store(err)
    }
}

impl Interrupted {
    fn message(&self) -> String {
        match self {
            Self::Stopping => "the server stopped; start it again after the restart".to_owned(),
            Self::Store(err) => format!("the store failed ({err}); start it again when that is mended"),
            Self::Rules(err) => format!("the mapping rules cannot be read: {err}"),
        }
    }
}

impl Remaps {
    pub(crate) fn new(store: Arc<dyn RunStore>, rules: Arc<Rulebook>, live: LiveFeed, clock: Clock) -> Self {
        let (jobs, stopping) = (Mutex::default(), CancellationToken::new());
        Self { store, rules, live, clock, jobs, stopping }
    }

    /// Starts a job. The error is the one that runs already.
    pub(crate) fn start(
        self: &Arc<Self>,
        project: Project,
        range: TimeRange,
    ) -> Result<RemapJob, Box<RemapJob>> {
        let workspace_id = project.workspace_id;
        let mut jobs = self.jobs.lock();
        let is_running =
            |job: &&RemapJob| job.state == RemapState::Running && job.workspace_id == workspace_id;
        if let Some(running) = jobs.iter().find(is_running) {
            return Err(Box::new(running.clone()));
        }
        let job = RemapJob {
            id: Uuid::now_v7(),
            workspace_id,
            project,
            range,
            state: RemapState::Running,
            started_at: self.clock.now(),
            ended_at: None,
            traces_total: None,
            traces_done: 0,
            runs_seen: 0,
            runs_changed: 0,
            runs_skipped: 0,
            error: None,
        };
        jobs.push_front(job.clone());
        jobs.truncate(REMEMBERED);
        drop(jobs);
        let (this, id) = (Arc::clone(self), job.id);
        let selection = Selection {
            scope: Scope { workspace_id, project_ids: Some(vec![job.project.id]) },
            range,
            filter: None,
        };
        crate::task::spawn("remap", async move {
            let work = crate::task::guard("remap", this.run(id, selection)).await;
            this.end(id, work.map(|outcome| outcome.map_err(|interrupted| interrupted.message())));
        });
        Ok(job)
    }

    /// The jobs of a workspace, the latest first.
    pub(crate) fn list(&self, workspace_id: WorkspaceId) -> Vec<RemapJob> {
        self.jobs.lock().iter().filter(|job| job.workspace_id == workspace_id).cloned().collect()
    }

    pub(crate) fn get(&self, workspace_id: WorkspaceId, id: Uuid) -> Option<RemapJob> {
        self.jobs.lock().iter().find(|job| job.workspace_id == workspace_id && job.id == id).cloned()
    }

    /// Ends all jobs between two traces.
    pub(crate) fn stop(&self) {
        self.stopping.cancel();
    }

    fn update(&self, id: Uuid, change: impl FnOnce(&mut RemapJob)) {
        // A job that is not remembered any more has nobody to tell.
        if let Some(job) = self.jobs.lock().iter_mut().find(|job| job.id == id) {
            change(job);
        }
    }

    fn end(&self, id: Uuid, outcome: Option<Result<(), String>>) {
        let error = match outcome {
            Some(Ok(())) => None,
            Some(Err(message)) => Some(message),
            None => Some("the server failed on a run; its log tells more".to_owned()),
        };
        if let Some(error) = &error {
            tracing::warn!(error, job = %id, "mapping stored runs again was broken off");
        }
        self.update(id, |job| {
            job.state = if error.is_none() { RemapState::Done } else { RemapState::Failed };
            job.ended_at = Some(self.clock.now());
            job.error = error;
        });
    }

    async fn run(&self, id: Uuid, selection: Selection) -> Result<(), Interrupted> {
        let workspace_id = selection.scope.workspace_id;
        let rulebook = Arc::clone(&self.rules);
        let rules = tokio::task::spawn_blocking(move || rulebook.in_use(workspace_id)).await;
        let rules = match rules {
            Ok(rules) => rules.map_err(|err| Interrupted::Rules(chain(&err)))?,
            Err(err) => return Err(Interrupted::Rules(err.to_string())),
        };
        let total = self.patiently(|| self.store.stats(Unit::Traces, &selection)).await?.count;
        self.update(id, |job| job.traces_total = Some(total));
        // The newest first: what arrives meanwhile is before the first page and never reached.
        let order = Order { by: SortKey::Start, descending: true };
        let scope = selection.scope.clone();
        let mut query = RunQuery { selection, order, after: None, limit: TRACES_AT_ONCE };
        loop {
            let page = self.patiently(|| self.store.query_traces(&query)).await?;
            for trace in &page.traces {
                if self.stopping.is_cancelled() {
                    return Err(Interrupted::Stopping);
                }
                self.remap_trace(id, &scope, trace, &rules).await?;
                self.update(id, |job| job.traces_done += 1);
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn remap_trace(
        &self,
        id: Uuid,
        scope: &Scope,
        trace: &TraceSummary,
        rules: &Arc<Rules>,
    ) -> Result<(), Interrupted> {
        let trace_id = trace.root.trace_id;
        let mut changed = 0;
        if trace.run_count <= RUNS_AT_ONCE as u64 {
            let runs = self.patiently(|| self.store.load_trace(scope, trace_id)).await?;
            changed += self.remap_runs(id, scope, runs, rules).await?;
        } else {
            let skeleton = self.patiently(|| self.store.load_skeleton(scope, trace_id)).await?;
            let run_ids: Vec<RunId> = skeleton.iter().map(|run| run.run_id).collect();
            drop(skeleton);
            for run_ids in run_ids.chunks(RUNS_AT_ONCE) {
                let runs = self.load(scope, trace_id, run_ids).await?;
                changed += self.remap_runs(id, scope, runs, rules).await?;
            }
        }
        if changed > 0 {
            self.live.publish(scope.workspace_id, vec![(trace.root.project_id, trace_id)]);
        }
        Ok(())
    }

    async fn load(
        &self,
        scope: &Scope,
        trace_id: TraceId,
        run_ids: &[RunId],
    ) -> Result<Vec<Run>, Interrupted> {
        let trace_ids = [trace_id];
        self.patiently(|| self.store.load_runs(scope, &trace_ids, run_ids)).await
    }

    /// Maps the runs of one trace again and writes those that became different. Returns how many that were.
    async fn remap_runs(
        &self,
        id: Uuid,
        scope: &Scope,
        runs: Vec<Run>,
        rules: &Arc<Rules>,
    ) -> Result<u64, Interrupted> {
        let seen = runs.len() as u64;
        let mut changed = 0;
        let mut left = Vec::new();
        let mut runs = runs;
        for _ in 0..TRIES {
            let rules = Arc::clone(rules);
            let different = tokio::task::spawn_blocking(move || different(runs, &rules)).await;
            let different = different.map_err(|err| Interrupted::Rules(err.to_string()))?;
            let count = different.len();
            left = match count {
                0 => Vec::new(),
                _ => self.patiently(|| self.store.replace(different.clone())).await?,
            };
            changed += count.saturating_sub(left.len()) as u64;
            let Some(RunKey { trace_id, .. }) = left.first().copied() else { break };
            let run_ids: Vec<RunId> = left.iter().map(|key| key.run_id).collect();
            // Those that are gone are not found, and not missed.
            runs = self.load(scope, trace_id, &run_ids).await?;
        }
        self.update(id, |job| {
            job.runs_seen += seen;
            job.runs_changed += changed;
            job.runs_skipped += left.len() as u64;
        });
        Ok(changed)
    }

    /// Asks the store, again and again while it only has too much to do.
    async fn patiently<T, F>(&self, ask: impl Fn() -> F) -> Result<T, Interrupted>
    where
        F: Future<Output = clearspan_store::Result<T>>,
    {
        let mut tries = 0;
        loop {
            match ask().await {
                Err(err) if err.kind().is_retryable() && tries < PATIENCE => {
                    tries += 1;
                    tokio::select! {
                        // Neither branch holds anything that a cancelled one could lose.
                        () = tokio::time::sleep(PAUSE) => {}
                        () = self.stopping.cancelled() => return Err(Interrupted::Stopping),
                    }
                }
                outcome => return Ok(outcome?),
            }
        }
    }
}

/// The runs that the rules make different from what is stored, as they should be.
fn different(runs: Vec<Run>, rules: &Rules) -> Vec<Run> {
    let mapped = runs.into_iter().filter_map(|stored| {
        let mut mapped = remap(&stored, rules);
        PriceTable::builtin().price(&mut mapped);
        (mapped != stored).then_some(mapped)
    });
    mapped.collect()
}

#[cfg(test)]
mod tests;
