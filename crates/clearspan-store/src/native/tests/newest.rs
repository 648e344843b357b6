//! Pages newest first while everything changes: they end early, so whatever moves a trace must be seen by then.

use clearspan_model::Version;

use super::*;
use crate::DeletionTarget;
use crate::native::disk::RealDisk;
use crate::native::manifest::Manifest;
use crate::testing::build::{all_runs, all_traces, deletion, number_of, trace_number};
use crate::testing::random::random_newest_questions;

/// A moment somewhere in two minutes; the random traces lie in the first of them.
fn some_moment(dice: &mut Dice) -> clearspan_model::UnixNanos {
    at(i64::try_from(dice.below(480)).unwrap() * 250)
}

/// What runs say later: some begin at quite another time, in front of their trace or long behind it.
fn moved(dice: &mut Dice, patches: &[Run], round: i64) -> Vec<Run> {
    let mut later = Vec::new();
    for patch in patches {
        if dice.one_in(5) {
            let mut run = patch.clone();
            run.versions = Versions::all(Version::new(Rank::Span, at(1_000 + round)));
            run.start_time = Some(some_moment(dice));
            later.push(run);
        }
    }
    later
}

/// As if an older version, which wrote no indexes of traces, had written some of the segments.
fn forget_some_indexes(dir: &Path, dice: &mut Dice) {
    let Some(mut manifest) = Manifest::load(&RealDisk, dir).unwrap() else { return };
    for entry in &mut manifest.segments {
        if dice.one_in(2) {
            entry.traces = None;
        }
    }
    manifest.store(&RealDisk, dir).unwrap();
}

/// Late patches that move a start, replacements, deletions, flushes, merges and segments of older versions, in random
/// order.
#[tokio::test]
async fn the_newest_pages_are_those_of_the_oracle_whatever_happens() {
    for seed in 0..2 {
        let oracle = MemoryStore::new(Arc::new(|_: &mut Run| ()));
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        let mut dice = Dice(seed + 700);
        for (patches, round) in random_runs(seed).chunks(43).zip(1_i64..) {
            let mut patches = patches.to_vec();
            patches.extend(moved(&mut dice, &patches, round));
            oracle.write(patches.clone()).await.unwrap();
            store.write(patches.clone()).await.unwrap();
            if dice.one_in(3) {
                let trace_id = patches[0].key.trace_id;
                let mut runs = store.load_trace(&scope(), trace_id).await.unwrap();
                runs.iter_mut().for_each(|run| run.start_time = Some(some_moment(&mut dice)));
                let mut left =
                    [oracle.replace(runs.clone()).await.unwrap(), store.replace(runs).await.unwrap()];
                left.iter_mut().for_each(|keys| keys.sort());
                assert_eq!(left[0], left[1]);
            }
            if dice.one_in(4) {
                let order = deletion(DeletionTarget::Traces(vec![patches[0].key.trace_id]));
                let counts = [oracle.delete(&order).await.unwrap(), store.delete(&order).await.unwrap()];
                assert_eq!(counts[0], counts[1]);
            }
            if dice.one_in(2) {
                store.flush().await.unwrap();
            }
            if dice.one_in(5) {
                store.compact().await.unwrap();
            }
            if dice.one_in(4) {
                drop(store);
                forget_some_indexes(dir.path(), &mut dice);
                store = open(dir.path());
            }
            compare(&oracle, &store, &random_newest_questions(seed * 100 + round.unsigned_abs(), 2)).await;
        }
        store.flush().await.unwrap();
        compare(&oracle, &store, &random_newest_questions(seed + 9_000, 20)).await;
    }
}

/// Who turns pages while traces arrive sees each one that was there once, and in its place.
#[tokio::test]
async fn what_arrives_between_pages_moves_nothing_that_was_there() {
    let (store, _dir) = make().await;
    let mut dice = Dice(11);
    let mut next = 1_000;
    let mut arrive = |count: u32| -> Vec<Run> {
        next += count;
        (next - count..next)
            .map(|id| run(id, id, |run| run.start_time = Some(some_moment(&mut dice))))
            .collect()
    };
    for _ in 0..3 {
        store.write(arrive(12)).await.unwrap();
        store.flush().await.unwrap();
    }
    let query = RunQuery { limit: 5, ..newest(everything()) };
    let runs: Vec<u32> = all_runs(&*store, &query).await.iter().map(|row| number_of(row.run_id)).collect();
    let traces = all_traces(&*store, &query).await;
    let traces: Vec<u32> = traces.iter().map(|row| trace_number(row.root.trace_id)).collect();
    let is_old = |number: &u32| *number < 1_036;
    let (mut seen_runs, mut seen_traces) = (Vec::new(), Vec::new());
    let (mut of_runs, mut of_traces) = (query.clone(), query);
    let mut turn = 0;
    while turn == 0 || of_runs.after.is_some() || of_traces.after.is_some() {
        if turn == 0 || of_runs.after.is_some() {
            let page = store.query_runs(&of_runs).await.unwrap();
            seen_runs.extend(page.runs.iter().map(|row| number_of(row.run_id)).filter(is_old));
            of_runs.after = page.next;
        }
        store.write(arrive(1)).await.unwrap();
        if turn % 4 == 1 {
            store.flush().await.unwrap();
        }
        if turn == 0 || of_traces.after.is_some() {
            let page = store.query_traces(&of_traces).await.unwrap();
            seen_traces.extend(page.traces.iter().map(|row| trace_number(row.root.trace_id)).filter(is_old));
            of_traces.after = page.next;
        }
        turn += 1;
    }
    assert!(turn > 7, "{turn} pages");
    assert_eq!(seen_runs, runs);
    assert_eq!(seen_traces, traces);
}
