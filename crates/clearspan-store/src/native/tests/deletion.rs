//! Deletion over restarts: what is in the log, in bitmaps and in the file of tombstones says the same.

use clearspan_model::LogRecord;

use super::*;
use crate::native::disk::RealDisk;
use crate::records::{log_id, point_id};
use crate::testing::build::{all_logs, deletion, in_project};
use crate::{Deletion, DeletionTarget};

async fn delete(store: &NativeStore, numbers: &[u32]) {
    let traces = numbers.iter().map(|number| trace(*number)).collect();
    store.delete(&deletion(DeletionTarget::Traces(traces))).await.unwrap();
}

async fn count(store: &NativeStore, number: u32) -> usize {
    store.load_trace(&scope(), trace(number)).await.unwrap().len()
}

/// `now` goes on by ten minutes from write to write.
fn random_deletion(dice: &mut Dice, now: i64) -> Deletion {
    let project_scope = in_project(1 + u8::try_from(dice.below(2)).unwrap());
    let target = match dice.below(8) {
        0 => DeletionTarget::User(["alpha", "Beta"][usize::try_from(dice.below(2)).unwrap()].to_owned()),
        1 => DeletionTarget::ReceivedBefore(at(now - i64::try_from(dice.below(60)).unwrap() * STEP)),
        _ => DeletionTarget::Traces((0..3).map(|_| trace(u32::try_from(dice.below(40)).unwrap())).collect()),
    };
    let scope = if dice.one_in(2) || matches!(target, DeletionTarget::ReceivedBefore(_)) {
        project_scope
    } else {
        scope()
    };
    // Some are forgotten soon: what is received after that lives again.
    let forget_at = at(now + if dice.one_in(3) { STEP * 3 } else { STEP * 1_000 });
    Deletion { scope, target, deleted_at: at(now), forget_at }
}

/// Milliseconds.
const STEP: i64 = 600_000;

/// Writes, deletions, replacements, flushes, purges and restarts in random order.
#[tokio::test]
async fn deleting_is_the_same_after_any_restart() {
    for seed in 0..6 {
        let oracle = MemoryStore::new(Arc::new(|_: &mut Run| ()));
        let dir = tempfile::tempdir().unwrap();
        let memory = if seed % 2 == 0 { 64 << 20 } else { 1 << 20 };
        let mut store = open_with(dir.path(), memory);
        let mut dice = Dice(seed + 70);
        let (logs, points) = (random_logs(seed), random_points(seed));
        let mut known = rustc_hash::FxHashSet::default();
        let mut records = logs.chunks(12).zip(points.chunks(12));
        for (patches, now) in random_runs(seed).chunks(9).zip((0_i64..).map(|step| step * STEP)) {
            let mut patches = patches.to_vec();
            patches.iter_mut().for_each(|run| run.received_at = at(now));
            oracle.write(patches.clone()).await.unwrap();
            store.write(patches.clone()).await.unwrap();
            if let Some((logs, points)) = records.next() {
                let (mut logs, mut points) = (logs.to_vec(), points.to_vec());
                // A repetition is received later than the first, and an engine may keep either.
                logs.retain(|record| known.insert(log_id(record)));
                points.retain(|point| known.insert(point_id(point)));
                logs.iter_mut().for_each(|record| record.received_at = at(now));
                points.iter_mut().for_each(|point| point.received_at = at(now));
                for store in [&oracle as &dyn RunStore, &store] {
                    store.write_logs(logs.clone()).await.unwrap();
                    store.write_points(points.clone()).await.unwrap();
                }
            }
            let read = store.load_trace(&scope(), patches[0].key.trace_id).await.unwrap();
            if dice.one_in(2) {
                let deletion = random_deletion(&mut dice, now);
                let counts =
                    [oracle.delete(&deletion).await.unwrap(), store.delete(&deletion).await.unwrap()];
                assert_eq!(counts[0], counts[1], "seed {seed}: {deletion:?}");
            }
            if dice.one_in(4) {
                let mut left =
                    [oracle.replace(read.clone()).await.unwrap(), store.replace(read).await.unwrap()];
                left.iter_mut().for_each(|keys| keys.sort());
                assert_eq!(left[0], left[1]);
            }
            if dice.one_in(5) {
                store.flush().await.unwrap();
            }
            if dice.one_in(8) {
                store.purge(&[]).await.unwrap();
            }
            if dice.one_in(6) {
                drop(store);
                store = open_with(dir.path(), memory);
            }
        }
        let questions = [random_questions(seed, 50), random_record_questions(seed, 50)].concat();
        compare(&oracle, &store, &questions).await;
        drop(store);
        compare(&oracle, &open(dir.path()), &questions).await;
    }
}

/// A run that stays in memory over a flush is logged a second time; its trace may be deleted in between.
#[tokio::test]
async fn a_deleted_run_that_was_pending_stays_dead() {
    for _ in 0..5 {
        let dir = tempfile::tempdir().unwrap();
        {
            let store = open(dir.path());
            let mut runs: Vec<Run> = (2..8).map(|id| run(2, id, |_| ())).collect();
            runs.push(run(1, 1, |run| run.end_time = None));
            store.write(runs).await.unwrap();
            let order = deletion(DeletionTarget::Traces(vec![trace(1)]));
            let (flushed, deleted) = tokio::join!(store.flush(), store.delete(&order));
            flushed.unwrap();
            assert_eq!(deleted.unwrap().runs, 1);
            assert_eq!(count(&store, 1).await, 0);
        }
        assert_eq!(count(&open(dir.path()), 1).await, 0);
    }
}

/// A deletion is all that happened since the last flush.
#[tokio::test]
async fn a_flush_makes_a_lone_deletion_part_of_the_manifest() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = NativeStore::open(quiet_config(dir.path())).unwrap();
        store.write((1..5).map(|number| run(number, number, |_| ())).collect()).await.unwrap();
        store.flush().await.unwrap();
        delete(&store, &[1]).await;
        store.flush().await.unwrap();
        let manifest = store.shared.manifest.lock().clone();
        assert_eq!(manifest.segments[0].dead.len(), 1);
        assert_eq!(manifest.applied_seq, 2);
        let files = paths::tombstones_numbers(&RealDisk, dir.path()).unwrap();
        assert_eq!(files, manifest.tombstones.into_iter().collect::<Vec<_>>());
        // Without any change no file is written.
        store.write(vec![run(7, 7, |_| ())]).await.unwrap();
        store.flush().await.unwrap();
        assert_eq!(paths::tombstones_numbers(&RealDisk, dir.path()).unwrap(), files);
    }
    for entry in std::fs::read_dir(paths::log_dir(dir.path())).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let store = open(dir.path());
    store.write(vec![run(1, 1, |_| ()), run(1, 2, |_| ())]).await.unwrap();
    assert_eq!([count(&store, 1).await, count(&store, 2).await], [0, 1]);
    drop(store);
    assert_eq!(check(dir.path()).unwrap().problems, []);
}

/// Files of tombstones that no manifest names are left over from a crash; one that is damaged is not passed over.
#[tokio::test]
async fn the_file_of_tombstones_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = open(dir.path());
        store.write(vec![run(1, 1, |_| ())]).await.unwrap();
        delete(&store, &[1]).await;
        store.flush().await.unwrap();
    }
    let number = paths::tombstones_numbers(&RealDisk, dir.path()).unwrap()[0];
    std::fs::write(paths::tombstones_file(dir.path(), number + 9), b"half").unwrap();
    drop(open(dir.path()));
    assert_eq!(paths::tombstones_numbers(&RealDisk, dir.path()).unwrap(), [number]);
    let file = paths::tombstones_file(dir.path(), number);
    let good = std::fs::read(&file).unwrap();
    let config = || config(dir.path(), 1);
    for at in 0..good.len() {
        let mut damaged = good.clone();
        damaged[at] ^= 4;
        std::fs::write(&file, &damaged).unwrap();
        assert_eq!(NativeStore::open(config()).unwrap_err().kind(), ErrorKind::Corrupt, "byte {at}");
    }
    std::fs::remove_file(&file).unwrap();
    assert_eq!(NativeStore::open(config()).unwrap_err().kind(), ErrorKind::Corrupt);
    std::fs::write(&file, &good).unwrap();
    assert_eq!(open(dir.path()).deletion_state().tombstones, 1);
}

/// A late run of another project, under the same trace id, brings back nothing.
#[tokio::test]
async fn a_late_run_adopts_nothing_deleted() {
    let (store, _dir) = make().await;
    let mut elsewhere = run(1, 5, |_| ());
    elsewhere.key.project_id = project(2);
    store.write(vec![run(1, 1, |_| ()), run(1, 2, |_| ()), elsewhere.clone()]).await.unwrap();
    store.flush().await.unwrap();
    let order = Deletion { scope: in_project(1), ..deletion(DeletionTarget::Traces(vec![trace(1)])) };
    store.delete(&order).await.unwrap();
    elsewhere.key.run_id = run(1, 6, |_| ()).key.run_id;
    store.write(vec![elsewhere, run(1, 3, |_| ())]).await.unwrap();
    for _ in 0..2 {
        assert_eq!(count(&store, 1).await, 2);
        store.flush().await.unwrap();
    }
}

/// Hidden rows in files do not come back when the same record is sent after the deletion is forgotten.
#[tokio::test]
async fn records_that_are_sent_again_live_once() {
    let (store, _dir) = make().await;
    store.write_logs(vec![log(1, "a"), log(2, "b")]).await.unwrap();
    store.flush().await.unwrap();
    let order = deletion(DeletionTarget::Traces(vec![trace(1)]));
    store.delete(&order).await.unwrap();
    let again = LogRecord { received_at: order.forget_at, ..log(1, "a") };
    store.write_logs(vec![again.clone(), log(2, "b")]).await.unwrap();
    for _ in 0..2 {
        let records = all_logs(&*store, &logs()).await;
        assert_eq!(
            records.into_iter().map(|(_, record)| record).collect::<Vec<_>>(),
            std::slice::from_ref(&again)
        );
        store.flush().await.unwrap();
    }
}

/// What a merge left out before is told as well, once.
#[tokio::test]
async fn a_purge_tells_what_merges_removed_before() {
    let dir = tempfile::tempdir().unwrap();
    let store = NativeStore::open(quiet_config(dir.path())).unwrap();
    for number in 1..=12 {
        store.write(vec![run(number, number, |_| ())]).await.unwrap();
        store.write_logs(vec![log(number.into(), "doomed")]).await.unwrap();
        store.flush().await.unwrap();
    }
    // One row that another one replaces, and of the deleted traces one in the end.
    store.write(vec![run(4, 4, |run| run.user_id = Some("ann".to_owned()))]).await.unwrap();
    delete(&store, &[1, 2]).await;
    store.flush().await.unwrap();
    let merged = store.compact().await.unwrap();
    assert!(merged.rows_removed >= 3, "{merged:?}");
    let report = store.purge(&[]).await.unwrap();
    assert!(report.rows_deleted_before >= 2, "{report:?}");
    assert_eq!(
        report.rows_deleted_before + report.rows_deleted,
        14,
        "two runs, and the records of trace 1: {report:?}"
    );
    let report = store.purge(&[]).await.unwrap();
    assert_eq!((report.rows_deleted, report.rows_deleted_before), (0, 0), "{report:?}");
}

/// After a purge no file holds a deleted row, and what is old is forgotten.
#[tokio::test]
async fn a_purge_rewrites_files_and_lets_tombstones_go() {
    let dir = tempfile::tempdir().unwrap();
    let store = NativeStore::open(quiet_config(dir.path())).unwrap();
    let early = |number: u32| run(number, number, |run| run.received_at = at(1_000));
    store.write(vec![early(1), early(2)]).await.unwrap();
    store.write_logs(vec![log(1, "doomed"), LogRecord { trace_id: None, ..log(2, "kept") }]).await.unwrap();
    store.flush().await.unwrap();
    delete(&store, &[1]).await;
    assert!(store.deletion_state().unpurged_since.is_some());
    let report = store.purge(&[]).await.unwrap();
    assert_eq!((report.rows_removed, report.files_removed, report.files_written), (2, 2, 2), "{report:?}");
    assert_eq!((report.rows_deleted, report.rows_deleted_before), (2, 0), "a run and a record: {report:?}");
    assert!(report.log_files_removed > 0 && report.log_bytes_removed > 0, "{report:?}");
    let manifest = store.shared.manifest.lock().clone();
    assert_eq!((manifest.segments.len(), manifest.segments[0].rows, manifest.logs[0].rows), (1, 1, 1));
    assert!(manifest.segments[0].dead.is_empty());
    assert_eq!(store.purge(&[]).await.unwrap().rows_removed, 0, "nothing is left to do");

    // A run that is received long after it is forgotten.
    let late = run(3, 3, |run| run.received_at = at(200_000_000));
    store.write(vec![late]).await.unwrap();
    store.flush().await.unwrap();
    assert_eq!(store.deletion_state().tombstones, 0);
    assert_eq!(paths::tombstones_numbers(&RealDisk, dir.path()).unwrap(), [0_u64; 0]);
    drop(store);
    let store = open(dir.path());
    assert_eq!([count(&store, 1).await, count(&store, 2).await], [0, 1]);
    assert_eq!(all_logs(&store, &logs()).await.len(), 1);
}
