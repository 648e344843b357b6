//! What was acknowledged, to be compared with what can be read.
//!
//! A test notes every batch that it sends and every acknowledgement that it gets. [`Ledger::check`] reads the store in
//! every way there is and says what contradicts the promise: an acknowledged run that is missing, one that is there twice,
//! one that nobody sent, one with another content. A batch that got no answer may be there, in part or as a whole.

use std::collections::{BTreeMap, BTreeSet};

use clearspan_model::{Run, RunKey};

use crate::testing::build::{all_runs, everything, newest, scope};
use crate::{Result, RunStore, Unit};

/// Every batch that was sent.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    batches: Vec<Batch>,
}

#[derive(Debug, Clone)]
struct Batch {
    patches: Vec<Run>,
    sent_at: usize,
    acked_at: Option<usize>,
}

/// What contradicts the promise, and where it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// Acknowledged, and not there.
    Lost(RunKey, &'static str),
    /// There more than once.
    Twice(RunKey, &'static str),
    /// There, and never sent.
    NeverSent(RunKey, &'static str),
    /// There, with a content that no part of what was sent makes.
    Changed(RunKey, &'static str),
    /// Figures that do not fit what is listed: (counted, listed).
    Miscounted(u64, u64),
}

impl Ledger {
    /// Notes a batch that is being sent; `now` is any clock that never goes back. Returns its number.
    pub fn send(&mut self, patches: Vec<Run>, now: usize) -> usize {
        self.batches.push(Batch { patches, sent_at: now, acked_at: None });
        self.batches.len() - 1
    }

    /// Notes that a batch was acknowledged.
    pub fn acknowledge(&mut self, batch: usize, now: usize) {
        self.batches[batch].acked_at = Some(now);
    }

    /// Runs that were acknowledged.
    pub fn acknowledged(&self, now: usize) -> usize {
        let acked = self.batches.iter().filter(|batch| batch.is_acked(now));
        acked.flat_map(|batch| &batch.patches).map(|patch| patch.key).collect::<BTreeSet<_>>().len()
    }

    /// Reads everything and compares it with what had been sent and acknowledged at a moment.
    ///
    /// # Errors
    /// When the store refuses a read.
    pub async fn check(&self, store: &dyn RunStore, now: usize) -> Result<Vec<Violation>> {
        let expected = self.expected(now);
        let traces: BTreeSet<_> = expected.keys().map(|key| key.trace_id).collect();
        let (mut whole, mut skeletons) = (Vec::new(), Vec::new());
        for trace_id in traces {
            whole.extend(store.load_trace(&scope(), trace_id).await?);
            for row in store.load_skeleton(&scope(), trace_id).await? {
                skeletons.push(key_of(scope().workspace_id, row.project_id, row.trace_id, row.run_id));
            }
        }
        let listed = all_runs(store, &newest(everything())).await;
        let listed: Vec<RunKey> = listed
            .iter()
            .map(|row| key_of(scope().workspace_id, row.project_id, row.trace_id, row.run_id))
            .collect();
        let mut violations = Vec::new();
        for run in &whole {
            if expected.get(&run.key).is_some_and(|allowed| !allowed.contains(&Some(run.clone()))) {
                violations.push(Violation::Changed(run.key, "in its trace"));
            }
        }
        let whole: Vec<RunKey> = whole.iter().map(|run| run.key).collect();
        for (place, found) in
            [("in its trace", whole), ("in a skeleton", skeletons), ("in the list", listed.clone())]
        {
            compare_keys(&expected, &found, place, &mut violations);
        }
        for (key, _) in expected.iter().step_by(7) {
            let found = store.load_runs(&scope(), &[key.trace_id], &[key.run_id]).await?;
            let found: Vec<RunKey> = found.iter().map(|run| run.key).collect();
            if found.len() != listed.iter().filter(|listed| *listed == key).count() {
                violations.push(Violation::Lost(*key, "by its id"));
            }
        }
        let counted = store.stats(Unit::Runs, &everything()).await?.count;
        if counted != listed.len() as u64 {
            violations.push(Violation::Miscounted(counted, listed.len() as u64));
        }
        Ok(violations)
    }

    /// What each run that was ever sent may be; `None` stands for its absence.
    fn expected(&self, now: usize) -> BTreeMap<RunKey, Vec<Option<Run>>> {
        let mut by_run: BTreeMap<RunKey, (Option<Run>, Vec<&Run>)> = BTreeMap::new();
        for batch in self.batches.iter().filter(|batch| batch.sent_at <= now) {
            for patch in &batch.patches {
                let (sure, open) = by_run.entry(patch.key).or_default();
                if !batch.is_acked(now) {
                    open.push(patch);
                } else if let Some(sure) = sure {
                    sure.merge(patch.clone());
                } else {
                    *sure = Some(patch.clone());
                }
            }
        }
        let allowed = by_run.into_iter().map(|(key, (sure, open))| {
            let mut allowed = vec![sure];
            for patch in open {
                let with_patch: Vec<_> = allowed.iter().cloned().map(|run| joined(run, patch)).collect();
                allowed.extend(with_patch);
            }
            (key, allowed)
        });
        allowed.collect()
    }
}

impl Batch {
    fn is_acked(&self, now: usize) -> bool {
        self.acked_at.is_some_and(|at| at <= now)
    }
}

fn joined(run: Option<Run>, patch: &Run) -> Option<Run> {
    let Some(mut run) = run else { return Some(patch.clone()) };
    run.merge(patch.clone());
    Some(run)
}

fn key_of(
    workspace_id: clearspan_model::WorkspaceId,
    project_id: clearspan_model::ProjectId,
    trace_id: clearspan_model::TraceId,
    run_id: clearspan_model::RunId,
) -> RunKey {
    RunKey { workspace_id, project_id, trace_id, run_id }
}

fn compare_keys(
    expected: &BTreeMap<RunKey, Vec<Option<Run>>>,
    found: &[RunKey],
    place: &'static str,
    violations: &mut Vec<Violation>,
) {
    let mut counts: BTreeMap<RunKey, usize> = BTreeMap::new();
    for key in found {
        *counts.entry(*key).or_default() += 1;
    }
    for (key, count) in &counts {
        if !expected.contains_key(key) {
            violations.push(Violation::NeverSent(*key, place));
        }
        if *count > 1 {
            violations.push(Violation::Twice(*key, place));
        }
    }
    for (key, allowed) in expected {
        if !allowed.contains(&None) && !counts.contains_key(key) {
            violations.push(Violation::Lost(*key, place));
        }
    }
}

#[cfg(test)]
mod tests;
