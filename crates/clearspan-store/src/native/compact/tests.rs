use std::collections::BTreeSet;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use clearspan_model::{Run, TraceId, UnixNanos};

use super::*;
use crate::RunStore;
use crate::memory::MemoryStore;
use crate::native::{NativeConfig, NativeStore, check, paths};
use crate::schema::Col;
use crate::schema::decode::Rows;
use crate::store::{LogQuery, Unit};
use crate::testing::build::{at, everything, json, log, logs, newest, project, run, run_id, scope, trace};
use crate::testing::compare::{compare, fill_records};
use crate::testing::random::{
    Dice, random_logs, random_points, random_questions, random_record_questions, random_runs,
};

/// Nothing happens by itself unless `in_background`.
fn open(dir: &Path, in_background: bool) -> NativeStore {
    NativeStore::open(NativeConfig {
        dir: dir.to_owned(),
        memory_bytes: NonZeroUsize::new(8 << 20).unwrap(),
        finish: Arc::new(|_: &mut Run| ()),
        compaction: CompactionConfig {
            in_background,
            bytes_per_second: None,
            target_bytes: NonZeroU64::new(64 << 20).unwrap(),
            target_rows: NonZeroU64::new(100_000).unwrap(),
        },
    })
    .unwrap()
}

fn oracle() -> MemoryStore {
    MemoryStore::new(Arc::new(|_: &mut Run| ()))
}

fn files(dir: &Path) -> BTreeSet<PathBuf> {
    std::fs::read_dir(paths::segment_dir(dir)).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn named(store: &NativeStore) -> BTreeSet<PathBuf> {
    let dir = paths::segment_dir(&store.shared.config.dir);
    let manifest = store.shared.manifest.lock();
    let segments = manifest.segments.iter().map(|entry| paths::segment_file(&dir, entry.number));
    let logs = manifest.logs.iter().map(|entry| paths::record_file(&dir, "logs", entry.number));
    let points = manifest.points.iter().map(|entry| paths::record_file(&dir, "points", entry.number));
    let files = segments.chain(logs).chain(points);
    files.flat_map(|file| [paths::sums_file(&file), file]).collect()
}

/// Copies what is there, as the store goes on: a file that its last reader removes meanwhile is left out.
fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &to.join(entry.file_name()));
        } else if let Err(err) = std::fs::copy(entry.path(), to.join(entry.file_name())) {
            assert_eq!(err.kind(), std::io::ErrorKind::NotFound, "{err}");
        }
    }
}

/// Writes, replacements, flushes, compactions, purges and restarts in random order.
#[tokio::test]
async fn compaction_changes_no_answer() {
    for seed in 0..4 {
        let oracle = oracle();
        let dir = tempfile::tempdir().unwrap();
        let in_background = seed % 2 == 1;
        let mut store = open(dir.path(), in_background);
        let mut dice = Dice(seed + 31);
        let mut rewrites = 0;
        for patches in random_runs(seed).chunks(11) {
            oracle.write(patches.to_vec()).await.unwrap();
            store.write(patches.to_vec()).await.unwrap();
            if dice.one_in(3) {
                let mut runs = store.load_trace(&scope(), patches[0].key.trace_id).await.unwrap();
                for run in &mut runs {
                    run.name = Some(format!("replaced {}", dice.below(1_000)));
                }
                oracle.replace(runs.clone()).await.unwrap();
                store.replace(runs).await.unwrap();
            }
            if dice.one_in(2) {
                store.flush().await.unwrap();
            }
            if dice.one_in(4) {
                rewrites += store.compact().await.unwrap().rewrites;
            }
            if dice.one_in(9) {
                rewrites += store.purge_with(Sift::default()).await.unwrap().rewrites;
            }
            if dice.one_in(8) {
                drop(store);
                store = open(dir.path(), in_background);
                assert_eq!(files(dir.path()), named(&store), "leftovers");
            }
        }
        compare(&oracle, &store, &random_questions(seed, 25)).await;
        store.flush().await.unwrap();
        rewrites += store.compact().await.unwrap().rewrites;
        assert!(rewrites > 0 || in_background, "nothing was compacted");
        compare(&oracle, &store, &random_questions(seed + 50, 25)).await;
        drop(store);
        assert!(check(dir.path()).unwrap().segments > 0);
        compare(&oracle, &open(dir.path(), false), &random_questions(seed + 90, 25)).await;
    }
}

/// Patches of many traces: one flush for each part, each trace spread over all of them.
async fn spread(store: &NativeStore, oracle: &MemoryStore, parts: u32) {
    for part in 0..parts {
        let runs: Vec<Run> = (0..120)
            .map(|number| {
                run(number, 1 + part, |run| {
                    run.start_time = Some(at(i64::from(part * 200 + number)));
                    run.inputs.messages = vec![json(&format!(r#"{{"role":"user","content":"{number}"}}"#))];
                    run.parent_run_id = (part > 0).then(|| run_id(1));
                })
            })
            .collect();
        oracle.write(runs.clone()).await.unwrap();
        store.write(runs).await.unwrap();
        store.flush().await.unwrap();
    }
}

/// Traces of their own in each part, so that each segment has living rows only.
async fn apart(store: &NativeStore, oracle: &MemoryStore, parts: u32) {
    for part in 0..parts {
        let runs: Vec<Run> = (0..200)
            .map(|number| run(part * 1_000 + number / 2, 1 + number % 2, |run| run.end_time = Some(at(9))))
            .collect();
        oracle.write(runs.clone()).await.unwrap();
        store.write(runs).await.unwrap();
        store.flush().await.unwrap();
    }
}

/// What happens while a rewrite is under way: late runs of its traces, in memory and flushed.
#[tokio::test]
async fn rows_that_die_meanwhile_stay_dead() {
    for flushed in [false, true] {
        let (oracle, dir) = (oracle(), tempfile::tempdir().unwrap());
        let store = Arc::new(open(dir.path(), false));
        // Traces of their own, so that each segment has living rows.
        for part in 0..5_u32 {
            let runs: Vec<Run> = (0..200)
                .map(|number| {
                    run(part * 1_000 + number / 2, 1 + number % 2, |run| run.end_time = Some(at(9)))
                })
                .collect();
            oracle.write(runs.clone()).await.unwrap();
            store.write(runs).await.unwrap();
            store.flush().await.unwrap();
        }
        assert!(store.shared.segments_to_merge().is_empty(), "nothing is merged until it is asked for");
        let (merged, has_merged) = mpsc::sync_channel(1);
        let (go_on, may_go_on) = mpsc::sync_channel::<()>(1);
        store.shared.on_step.set(move |step| {
            if step == Step::Merged {
                merged.send(()).unwrap();
                may_go_on.recv_timeout(Duration::from_secs(60)).unwrap();
            }
        });
        #[expect(clippy::disallowed_methods, reason = "a panic of it fails this test")]
        let compaction = tokio::spawn({
            let store = Arc::clone(&store);
            async move { store.compact().await }
        });
        tokio::task::spawn_blocking(move || has_merged.recv_timeout(Duration::from_secs(60)).unwrap())
            .await
            .unwrap();
        let merged: BTreeSet<u64> = store.shared.segments_to_merge().into_iter().collect();
        assert_eq!(merged, BTreeSet::from([1, 2, 3, 4, 5]));
        for (round, part) in [0_u32, 2, 4].into_iter().enumerate() {
            // A late run brings its trace back into memory; a patch and a replacement change what was there.
            let mut late = vec![
                run(part * 1_000 + 7, 9, |_| ()),
                run(part * 1_000 + 8, 1, |run| run.tags = vec!["late".into()]),
            ];
            late.push(run(part * 1_000 + 70, 1, |run| run.user_id = Some("ann".to_owned())));
            oracle.write(late.clone()).await.unwrap();
            store.write(late).await.unwrap();
            let mut runs = store.load_trace(&scope(), trace(part * 1_000 + 30)).await.unwrap();
            runs.iter_mut().for_each(|run| run.name = Some("replaced".to_owned()));
            oracle.replace(runs.clone()).await.unwrap();
            store.replace(runs).await.unwrap();
            if flushed && round == 1 {
                store.flush().await.unwrap();
            }
        }
        go_on.send(()).unwrap();
        let report = compaction.await.unwrap().unwrap();
        assert_eq!((report.rewrites, report.files_removed), (1, 5));
        store.shared.on_step.clear();
        assert!(store.shared.segments_to_merge().is_empty());

        compare(&oracle, &*store, &random_questions(1, 20)).await;
        let crashed = tempfile::tempdir().unwrap();
        copy_folder(dir.path(), crashed.path());
        compare(&oracle, &open(crashed.path(), false), &random_questions(2, 20)).await;
        store.purge(&[]).await.unwrap();
        compare(&oracle, &*store, &random_questions(3, 15)).await;
        assert!(store.shared.manifest.lock().segments.iter().all(|entry| entry.dead.is_empty()));
        drop(store);
        compare(&oracle, &open(dir.path(), false), &random_questions(4, 15)).await;
    }
}

#[tokio::test]
async fn a_crash_at_any_step_leaves_one_truth() {
    let (oracle, dir) = (oracle(), tempfile::tempdir().unwrap());
    let store = open(dir.path(), false);
    spread(&store, &oracle, 6).await;
    let (logs, points) = (random_logs(3), random_points(3));
    fill_records(&oracle, &logs, &points, None).await;
    for part in 0..5 {
        let share = |len: usize| part * len / 5..(part + 1) * len / 5;
        store.write_logs(logs[share(logs.len())].to_vec()).await.unwrap();
        store.write_points(points[share(points.len())].to_vec()).await.unwrap();
        store.flush().await.unwrap();
    }
    // Not in a segment yet.
    let late = vec![run(3, 1, |run| run.tags = vec!["late".to_owned()])];
    oracle.write(late.clone()).await.unwrap();
    store.write(late).await.unwrap();

    let crashes = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().to_owned(), crashes.path().to_owned());
    let steps = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let noted = Arc::clone(&steps);
    store.shared.on_step.set(move |step| {
        let mut steps = noted.lock();
        copy_folder(&from, &to.join(steps.len().to_string()));
        steps.push(step);
    });
    let report = store.compact().await.unwrap();
    store.shared.on_step.clear();
    let steps = steps.lock().clone();
    assert!(report.rewrites >= 3, "runs, logs and points: {report:?}");
    assert_eq!(steps.len() as u64, 4 * report.rewrites);
    for (idx, step) in steps.iter().enumerate() {
        let dir = crashes.path().join(idx.to_string());
        let opened = open(&dir, false);
        assert_eq!(files(&dir), named(&opened), "leftovers after a crash at {step:?}");
        compare(&oracle, &opened, &random_questions(7, 6)).await;
        compare(&oracle, &opened, &random_record_questions(7, 6)).await;
        // It goes on from there.
        opened.compact().await.unwrap();
        compare(&oracle, &opened, &random_questions(8, 4)).await;
        compare(&oracle, &opened, &random_record_questions(8, 4)).await;
    }
}

#[tokio::test]
async fn merging_brings_traces_together_and_shrinks() {
    let (oracle, dir) = (oracle(), tempfile::tempdir().unwrap());
    let store = open(dir.path(), false);
    spread(&store, &oracle, 8).await;
    let before = store.shared.manifest.lock().clone();
    assert_eq!(before.segments.len(), 8);
    let report = store.compact().await.unwrap();
    let after = store.shared.manifest.lock().clone();
    assert_eq!(after.segments.len(), 1);
    assert_eq!(after.segments[0].rows, 960);
    assert!(after.segments[0].dead.is_empty());
    assert_eq!(
        report.rows_removed,
        before.segments.iter().map(|entry| u64::from(entry.rows)).sum::<u64>() - 960
    );
    assert!(after.segments[0].bytes < before.segments.iter().map(|entry| entry.bytes).sum());
    let rows = store.shared.snapshot().segments[0].trace_rows(trace(5)).unwrap();
    assert_eq!(rows.len(), 8);
    assert_eq!(rows[7] - rows[0], 7, "in one place");
    let status = store.compaction_status();
    assert_eq!((status.rewrites, status.bytes_written), (report.rewrites, report.bytes_written));
    assert_eq!((status.waiting_files, status.failures), (0, 0));
    compare(&oracle, &store, &random_questions(5, 30)).await;
}

/// The traces of a segment with the time of their first row, stretch by stretch.
fn stretches(store: &NativeStore) -> Vec<(TraceId, UnixNanos)> {
    let snapshot = store.shared.snapshot();
    let [segment] = &**snapshot.segments else { panic!("{} segments", snapshot.segments.len()) };
    let mut found: Vec<(TraceId, UnixNanos)> = Vec::new();
    for batch in segment.scan(&Default::default(), &[Col::trace_id, Col::time], 64).unwrap() {
        let batch = batch.unwrap();
        let rows = Rows::new(&batch);
        for row in 0..batch.num_rows() {
            let trace_id = TraceId::from_bytes(rows.need_id(Col::trace_id, row).unwrap());
            if found.last().is_none_or(|(last, _)| *last != trace_id) {
                found.push((trace_id, rows.time(Col::time, row).unwrap()));
            }
        }
    }
    found
}

/// Ids run against time, and each trace goes on in the two files behind the one that it begins in.
#[tokio::test]
async fn traces_lie_in_the_order_of_their_begin() {
    let (oracle, dir) = (oracle(), tempfile::tempdir().unwrap());
    let store = open(dir.path(), false);
    for part in 0..6_u32 {
        let mut runs = Vec::new();
        for (number, later) in
            (0..150_u32).flat_map(|number| (0..3.min(part + 1)).map(move |later| (number, later)))
        {
            let begin = (part - later) * 1_000 + number;
            runs.push(run(10_000 - begin, 1 + later, |run| {
                run.start_time = Some(at(i64::from(begin + later * 1_000)));
                run.parent_run_id = (later > 0).then(|| run_id(1));
            }));
        }
        oracle.write(runs.clone()).await.unwrap();
        store.write(runs).await.unwrap();
        store.flush().await.unwrap();
    }
    store.compact().await.unwrap();
    let found = stretches(&store);
    assert_eq!(found.len(), 6 * 150, "every trace is in one place");
    assert!(found.is_sorted_by_key(|(_, begin)| *begin), "{found:?}");
    compare(&oracle, &store, &random_questions(9, 10)).await;
}

#[tokio::test]
async fn old_files_go_with_their_last_reader() {
    let (oracle, dir) = (oracle(), tempfile::tempdir().unwrap());
    let store = open(dir.path(), false);
    spread(&store, &oracle, 4).await;
    let reader = store.shared.snapshot();
    let before = files(dir.path());
    store.compact().await.unwrap();
    assert!(files(dir.path()).is_superset(&before), "the reader needs them");
    let found = crate::native::read::trace(&reader, &scope(), trace(3)).unwrap();
    assert_eq!(found.len(), 4);
    drop(reader);
    // The one that builds search indexes reads them, too.
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while files(dir.path()) != named(&store) {
        assert!(std::time::Instant::now() < deadline, "{:?} and {:?}", files(dir.path()), named(&store));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn it_happens_by_itself() {
    let (oracle, dir) = (oracle(), tempfile::tempdir().unwrap());
    let store = open(dir.path(), true);
    spread(&store, &oracle, 9).await;
    let deadline = std::time::Instant::now() + Duration::from_secs(120);
    while store.shared.manifest.lock().segments.len() > 5 {
        assert!(std::time::Instant::now() < deadline, "nothing was compacted");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    compare(&oracle, &store, &random_questions(5, 30)).await;
}

#[tokio::test]
async fn records_that_came_twice_are_kept_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), false);
    for _ in 0..4 {
        store
            .write_logs((0..100).map(|number| log(number, &format!("record {number}"))).collect())
            .await
            .unwrap();
        store.flush().await.unwrap();
    }
    let report = store.compact().await.unwrap();
    assert_eq!((report.rewrites, report.rows_removed), (1, 300));
    let page = store.query_logs(&LogQuery { limit: 1_000, ..logs() }).await.unwrap();
    assert_eq!(page.records.len(), 100);
}

fn of_project(number: u8) -> RowTest {
    Arc::new(move |batch| {
        let column = batch.column_by_name(Col::project_id.name()).unwrap();
        let ids: &arrow::array::FixedSizeBinaryArray = arrow::array::AsArray::as_fixed_size_binary(column);
        Ok(ids.iter().map(|id| Some(id == Some(project(number).as_bytes().as_slice()))).collect())
    })
}

#[tokio::test]
async fn a_purge_strips_and_drops_what_it_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), false);
    let secret = |number: u32| json(&format!(r#"{{"role":"user","content":"canary-{number}"}}"#));
    let runs = (0..300_u32).map(|number| {
        run(number, 1, |run| {
            run.key.project_id = project(1 + u8::try_from(number % 2).unwrap());
            run.inputs.messages = vec![secret(number)];
            run.attributes.insert("private".to_owned(), json(r#""canary""#));
            run.model = Some("gpt-4o".to_owned());
        })
    });
    store.write(runs.collect()).await.unwrap();
    let mut record = log(1, "canary");
    record.project_id = project(2);
    store.write_logs(vec![record, log(2, "kept")]).await.unwrap();
    let stats = store.stats(Unit::Runs, &everything()).await.unwrap();
    let sift = Sift { strip_runs: Some(of_project(2)), drop_logs: Some(of_project(2)), drop_points: None };
    let report = store.purge_with(sift.clone()).await.unwrap();
    assert_eq!((report.rewrites, report.rows_stripped, report.rows_removed), (2, 150, 1));
    for number in 0..6 {
        let found = store.load_trace(&scope(), trace(number)).await.unwrap();
        let messages = if number % 2 == 0 { vec![secret(number)] } else { Vec::new() };
        assert_eq!(found[0].inputs.messages, messages);
        assert_eq!(found[0].attributes.is_empty(), number % 2 == 1);
        assert_eq!(found[0].model.as_deref(), Some("gpt-4o"));
    }
    assert_eq!(store.query_logs(&logs()).await.unwrap().records.len(), 1);
    assert_eq!(store.stats(Unit::Runs, &everything()).await.unwrap(), stats);
    // What has lost its payload is not rewritten again.
    assert_eq!(store.purge_with(sift).await.unwrap(), CompactionReport::default());
    let snapshot = store.shared.snapshot();
    let batches: Vec<_> = snapshot.segments[0].scan(&Default::default(), &[], 64).unwrap().collect();
    let stripped = batches.iter().flat_map(|batch| {
        let batch = batch.as_ref().unwrap();
        let rows = Rows::new(batch);
        (0..batch.num_rows())
            .filter(move |row| rows.run(*row).unwrap().inputs.messages.is_empty())
            .collect::<Vec<_>>()
    });
    assert_eq!(stripped.count(), 150);
    assert_eq!(store.query_runs(&newest(everything())).await.unwrap().runs.len(), 100);
}

#[tokio::test]
async fn leftovers_of_a_crash_are_removed() {
    let (oracle, dir) = (oracle(), tempfile::tempdir().unwrap());
    spread(&open(dir.path(), false), &oracle, 2).await;
    let segment_dir = paths::segment_dir(dir.path());
    let kept = files(dir.path());
    for name in ["seg-0000000000000099.parquet", "logs-0000000000000001.parquet", "seg-0000000000000050.tmp"]
    {
        std::fs::write(segment_dir.join(name), b"unfinished").unwrap();
    }
    std::fs::write(segment_dir.join("notes.txt"), b"not ours").unwrap();
    drop(open(dir.path(), false));
    std::fs::remove_file(segment_dir.join("notes.txt")).unwrap();
    assert_eq!(files(dir.path()), kept);
}

#[tokio::test]
async fn a_damaged_file_is_left_alone() {
    let (oracle, dir) = (oracle(), tempfile::tempdir().unwrap());
    {
        apart(&open(dir.path(), false), &oracle, 4).await;
    }
    let victim = files(dir.path()).into_iter().next().unwrap();
    let mut bytes = std::fs::read(&victim).unwrap();
    let len = bytes.len();
    bytes[4..len / 2].fill(0xff);
    std::fs::write(&victim, &bytes).unwrap();
    let store = open(dir.path(), false);
    let kept = files(dir.path());
    let err = store.compact().await.unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Corrupt);
    assert_eq!(files(dir.path()), kept, "nothing half-written, nothing lost");
    // The second time it knows, and has nothing else to do.
    assert_eq!(store.compact().await.unwrap().rewrites, 0);
}
