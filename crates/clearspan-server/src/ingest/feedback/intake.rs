//! Keeping feedback, also where its run is not here yet.
//!
//! Feedback often comes first: exporters of spans hold runs back for seconds, and some clients send the scores of an experiment
//! before its runs. Such feedback is kept at once, and learns its run's project and trace when that comes; figures of projects
//! and deletion go by these. Whichever comes last finds the other: feedback looks for its run once more after it was kept,
//! and runs look for feedback after they were written. Only runs look that feedback waits for ([`Awaited`]), so that all others
//! cost nothing. What waited when the server ended is looked up at the start.

use std::sync::Arc;

use clearspan_catalog::{Catalog, FeedbackPlace, FeedbackQuery};
use clearspan_model::{ErrorKind, RunId, WorkspaceId};
use clearspan_store::RunStore;
use parking_lot::Mutex;
use rustc_hash::FxHashSet;

use super::super::IngestError;
use super::{Given, RUNS_AT_ONCE, find_runs, fitting, is_to_place, keep, place};
use crate::error::chain;

/// Runs that are remembered while feedback waits for them: 32 MB. Feedback for more is kept all the same, and looks for its
/// run again after the next start.
const MAX_AWAITED: usize = 1_000_000;

/// Keeps feedback.
#[derive(Debug)]
pub(in crate::ingest) struct FeedbackIntake {
    store: Arc<dyn RunStore>,
    catalog: Arc<dyn Catalog>,
    awaited: Awaited,
}

impl FeedbackIntake {
    pub(in crate::ingest) fn new(store: Arc<dyn RunStore>, catalog: Arc<dyn Catalog>) -> Self {
        Self { store, catalog, awaited: Awaited::default() }
    }

    /// Keeps all of these, or none.
    pub(in crate::ingest) async fn take(
        &self,
        workspace_id: WorkspaceId,
        mut given: Vec<Given>,
    ) -> Result<(), IngestError> {
        place(&*self.store, workspace_id, &mut given).await?;
        let kept = given.iter().map(|given| &given.feedback);
        let missing: Vec<RunId> =
            kept.filter(|feedback| is_to_place(feedback)).filter_map(|one| one.run_id).collect();
        // Before it is kept: a run that is written from here on looks for it.
        self.awaited.add(&missing);
        self.in_catalog(move |catalog| keep(catalog, &given)).await?;
        self.place_kept(workspace_id, missing).await
    }

    /// To be called after runs were written. Failing costs no run: the feedback stays as it is until the next start.
    pub(in crate::ingest) async fn runs_came(&self, workspace_id: WorkspaceId, runs: &[RunId]) {
        let came = self.awaited.among(runs);
        if let Err(err) = self.place_kept(workspace_id, came).await {
            tracing::warn!(
                error = err.message,
                "feedback that came before its run does not count for its project until the next start"
            );
        }
    }

    /// Places what waited when the server ended.
    pub(in crate::ingest) async fn look_back(&self) {
        let listed = self.in_catalog(|catalog| {
            let of = |id| Ok((id, catalog.runs_to_place(id, MAX_AWAITED)?));
            catalog.list_workspaces()?.into_iter().map(of).collect::<clearspan_catalog::Result<Vec<_>>>()
        });
        let outcome = async {
            for (workspace_id, runs) in listed.await? {
                self.awaited.add(&runs);
                self.place_kept(workspace_id, runs).await?;
            }
            Ok::<_, IngestError>(())
        };
        if let Err(err) = outcome.await {
            tracing::warn!(error = err.message, "cannot tell which feedback waits for its run");
        }
    }

    /// Tells feedback on these runs where they are, if they are here.
    async fn place_kept(&self, workspace_id: WorkspaceId, mut runs: Vec<RunId>) -> Result<(), IngestError> {
        runs.sort_unstable();
        runs.dedup();
        for runs in runs.chunks(RUNS_AT_ONCE) {
            let query =
                FeedbackQuery { run_ids: Some(runs.to_vec()), is_to_place: true, ..FeedbackQuery::default() };
            let waiting = self.in_catalog(move |catalog| catalog.list_feedback(workspace_id, &query)).await?;
            let found = find_runs(&*self.store, workspace_id, runs).await?;
            let (mut places, mut missing) = (Vec::new(), FxHashSet::default());
            for feedback in &waiting {
                match fitting(feedback, &found) {
                    Some((project_id, trace_id)) => {
                        places.push(FeedbackPlace { feedback_id: feedback.id, project_id, trace_id });
                    }
                    None => missing.extend(feedback.run_id),
                }
            }
            if !places.is_empty() {
                self.in_catalog(move |catalog| catalog.place_feedback(workspace_id, &places)).await?;
            }
            // Of a run that is not here, nobody knows whether other feedback on it is just being kept.
            self.awaited.remove(found.keys().filter(|run| !missing.contains(*run)));
        }
        Ok(())
    }

    /// Asks the catalog on a thread that may wait.
    async fn in_catalog<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Catalog) -> clearspan_catalog::Result<T> + Send + 'static,
    ) -> Result<T, IngestError> {
        let catalog = Arc::clone(&self.catalog);
        match tokio::task::spawn_blocking(move || work(&*catalog)).await {
            Ok(outcome) => outcome.map_err(|err| {
                tracing::error!(error = chain(&err), "feedback cannot be kept or looked up");
                IngestError::of_ours(err.kind())
            }),
            Err(_panic) => Err(IngestError::of_ours(ErrorKind::Internal)),
        }
    }
}

/// Runs that feedback waits for. It may name some that nobody waits for any more, which costs them a look.
#[derive(Debug, Default)]
struct Awaited(Mutex<FxHashSet<RunId>>);

impl Awaited {
    fn add(&self, runs: &[RunId]) {
        if runs.is_empty() {
            return;
        }
        let mut awaited = self.0.lock();
        let room = MAX_AWAITED.saturating_sub(awaited.len());
        awaited.extend(runs.iter().take(room));
    }

    fn among(&self, runs: &[RunId]) -> Vec<RunId> {
        let awaited = self.0.lock();
        if awaited.is_empty() {
            return Vec::new();
        }
        runs.iter().copied().filter(|run| awaited.contains(run)).collect()
    }

    fn remove<'r>(&self, runs: impl Iterator<Item = &'r RunId>) {
        let mut awaited = self.0.lock();
        for run in runs {
            awaited.remove(run);
        }
    }
}
