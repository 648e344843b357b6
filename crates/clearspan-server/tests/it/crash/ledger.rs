//! What was acknowledged, and how it is compared with what can be read.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RunRef {
    pub(crate) trace_id: String,
    pub(crate) run_id: String,
}

/// Stands for name, input and output of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContentHash(u64);

impl ContentHash {
    pub(crate) fn of(content: &[String; 3]) -> Self {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// Every run whose batch was answered with 2xx.
#[derive(Debug, Default, Clone)]
pub(crate) struct Ledger {
    runs: BTreeMap<RunRef, ContentHash>,
    pub(crate) batches: usize,
    /// Batches of which an earlier copy was on its way, or at the server, when the kill came.
    pub(crate) repeated_batches: usize,
}

/// What the server gave back.
#[derive(Debug, Default)]
pub(crate) struct Found {
    runs: BTreeMap<RunRef, Vec<ContentHash>>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    Missing(RunRef),
    Twice(RunRef),
    Changed(RunRef),
    NeverSent(RunRef),
}

impl Ledger {
    pub(crate) fn acknowledge(&mut self, run: RunRef, content: ContentHash) {
        self.runs.insert(run, content);
    }

    pub(crate) fn len(&self) -> usize {
        self.runs.len()
    }

    pub(crate) fn traces(&self) -> Vec<String> {
        let traces: BTreeSet<_> = self.runs.keys().map(|run| run.trace_id.clone()).collect();
        traces.into_iter().collect()
    }

    /// Everything that contradicts the promise.
    pub(crate) fn check(&self, found: &Found) -> Vec<Violation> {
        let mut violations = Vec::new();
        for (run, sent) in &self.runs {
            match found.runs.get(run).map(Vec::as_slice) {
                None | Some([]) => violations.push(Violation::Missing(run.clone())),
                Some([content]) if content == sent => {}
                Some([_]) => violations.push(Violation::Changed(run.clone())),
                Some(_) => violations.push(Violation::Twice(run.clone())),
            }
        }
        let unknown = found.runs.keys().filter(|run| !self.runs.contains_key(run));
        violations.extend(unknown.map(|run| Violation::NeverSent(run.clone())));
        violations
    }
}

impl Found {
    pub(crate) fn add(&mut self, run: RunRef, content: ContentHash) {
        self.runs.entry(run).or_default().push(content);
    }

    pub(crate) fn content(&self, run: &RunRef) -> Option<ContentHash> {
        self.runs.get(run)?.first().copied()
    }
}

/// A checker that cannot fail proves nothing: each kind of damage must be seen.
mod checker_tests {
    use super::*;

    fn run(number: u32) -> RunRef {
        RunRef { trace_id: format!("trace {}", number / 2), run_id: format!("run {number}") }
    }

    fn content(number: u32) -> ContentHash {
        ContentHash::of(&["chat".into(), format!("question {number}"), format!("answer {number}")])
    }

    fn three_runs() -> (Ledger, Found) {
        let (mut ledger, mut found) = (Ledger::default(), Found::default());
        for number in 0..3 {
            ledger.acknowledge(run(number), content(number));
            found.add(run(number), content(number));
        }
        (ledger, found)
    }

    #[test]
    fn equal_is_fine() {
        let (ledger, found) = three_runs();
        assert_eq!(ledger.check(&found), []);
    }

    #[test]
    fn a_lost_run_is_seen() {
        let (ledger, mut found) = three_runs();
        found.runs.remove(&run(1));
        assert_eq!(ledger.check(&found), [Violation::Missing(run(1))]);
    }

    #[test]
    fn a_doubled_run_is_seen() {
        let (ledger, mut found) = three_runs();
        found.add(run(2), content(2));
        assert_eq!(ledger.check(&found), [Violation::Twice(run(2))]);
    }

    #[test]
    fn a_changed_payload_is_seen() {
        let (ledger, mut found) = three_runs();
        found.runs.remove(&run(0));
        found.add(run(0), content(7));
        assert_eq!(ledger.check(&found), [Violation::Changed(run(0))]);
    }

    #[test]
    fn an_invented_run_is_seen() {
        let (ledger, mut found) = three_runs();
        found.add(run(9), content(9));
        assert_eq!(ledger.check(&found), [Violation::NeverSent(run(9))]);
    }
}
