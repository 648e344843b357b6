//! A checker that cannot fail proves nothing: every kind of damage must be seen.

use std::sync::Arc;

use super::*;
use crate::memory::MemoryStore;
use crate::testing::build::{at, run, version};

/// Four batches of four runs, of which the last got no answer, and a patch to the first run.
fn ledger() -> Ledger {
    let mut ledger = Ledger::default();
    for number in 0..4_u32 {
        let runs = (0..4).map(|id| run(number / 2, number * 4 + id, |_| ())).collect();
        let batch = ledger.send(runs, 0);
        if number < 3 {
            ledger.acknowledge(batch, 0);
        }
    }
    let batch = ledger.send(vec![patch()], 0);
    ledger.acknowledge(batch, 0);
    ledger
}

fn patch() -> Run {
    run(0, 0, |run| {
        run.name = Some("renamed".to_owned());
        run.versions = clearspan_model::Versions::all(version(2));
    })
}

/// A store that was given what `sabotage` made of everything that was sent.
async fn violations(sabotage: impl FnOnce(&mut Vec<Run>)) -> Vec<Violation> {
    let ledger = ledger();
    let mut runs: Vec<Run> = ledger.batches.iter().flat_map(|batch| batch.patches.clone()).collect();
    sabotage(&mut runs);
    let store = MemoryStore::new(Arc::new(|_: &mut Run| ()));
    for run in runs {
        store.write(vec![run]).await.unwrap();
    }
    ledger.check(&store, 0).await.unwrap()
}

#[tokio::test]
async fn what_was_sent_is_fine_with_and_without_the_unanswered_batch() {
    assert_eq!(violations(|_| ()).await, []);
    assert_eq!(
        violations(|runs| runs
            .retain(|run| run.name.as_deref() < Some("run 12") || run.name.as_deref() > Some("run 15")))
        .await,
        []
    );
}

#[tokio::test]
async fn each_lost_run_is_seen() {
    for lost in 1..12 {
        let seen = violations(|runs| drop(runs.remove(lost))).await;
        assert!(seen.iter().any(|seen| matches!(seen, Violation::Lost(..))), "{lost}: {seen:?}");
    }
}

#[tokio::test]
async fn each_changed_run_is_seen() {
    for changed in 1..16 {
        let seen = violations(|runs| runs[changed].end_time = Some(at(7))).await;
        assert!(seen.iter().any(|seen| matches!(seen, Violation::Changed(..))), "{changed}: {seen:?}");
    }
}

#[tokio::test]
async fn a_lost_patch_is_seen() {
    let seen = violations(|runs| drop(runs.pop())).await;
    assert!(seen.iter().any(|seen| matches!(seen, Violation::Changed(..))), "{seen:?}");
}

#[tokio::test]
async fn an_invented_run_is_seen() {
    let seen = violations(|runs| runs.push(run(1, 99, |_| ()))).await;
    assert!(seen.iter().any(|seen| matches!(seen, Violation::NeverSent(..))), "{seen:?}");
}

#[tokio::test]
async fn a_run_in_two_projects_is_seen() {
    let seen = violations(|runs| {
        let mut copy = runs[3].clone();
        copy.key.project_id = crate::testing::build::project(2);
        runs.push(copy);
    });
    assert!(!seen.await.is_empty());
}

#[test]
fn a_run_that_is_there_twice_is_seen() {
    let expected = ledger().expected(0);
    let key = *expected.keys().next().unwrap();
    let mut violations = Vec::new();
    let found: Vec<RunKey> = expected.keys().copied().chain([key]).collect();
    compare_keys(&expected, &found, "in the list", &mut violations);
    assert_eq!(violations, [Violation::Twice(key, "in the list")]);
}

#[test]
fn what_was_acknowledged_later_does_not_count_yet() {
    let mut ledger = Ledger::default();
    let batch = ledger.send(vec![run(1, 1, |_| ())], 3);
    ledger.acknowledge(batch, 5);
    assert_eq!([2, 3, 5].map(|now| ledger.expected(now).values().map(Vec::len).sum::<usize>()), [0, 2, 1]);
    assert_eq!([4, 5].map(|now| ledger.acknowledged(now)), [0, 1]);
}
