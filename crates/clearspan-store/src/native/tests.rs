use std::num::NonZeroUsize;
use std::path::Path;

use clearspan_model::{JsonText, Rank, Version, Versions};

use super::log::RecordKind;
use super::*;
use crate::memory::MemoryStore;
use crate::schema::encode::encode_runs;
use crate::schema::{Col, memory_bytes};
use crate::testing::build::{at, bare, everything, log, logs, newest, project, run, scope, trace};
use crate::testing::compare::{Question, compare, fill, fill_records};
use crate::testing::random::{
    Dice, random_logs, random_points, random_questions, random_record_questions, random_runs,
};

mod deletion;
mod newest;

fn config(dir: &Path, memory_bytes: usize) -> NativeConfig {
    NativeConfig {
        dir: dir.to_owned(),
        memory_bytes: NonZeroUsize::new(memory_bytes).unwrap(),
        finish: Arc::new(|_: &mut Run| ()),
        compaction: CompactionConfig::default(),
    }
}

/// Nothing is compacted by itself.
fn quiet_config(dir: &Path) -> NativeConfig {
    let compaction = CompactionConfig { in_background: false, ..CompactionConfig::default() };
    NativeConfig { compaction, ..config(dir, 64 << 20) }
}

fn open(dir: &Path) -> NativeStore {
    NativeStore::open(quiet_config(dir)).unwrap()
}

fn open_with(dir: &Path, memory_bytes: usize) -> NativeStore {
    NativeStore::open(config(dir, memory_bytes)).unwrap()
}

async fn make() -> (Arc<NativeStore>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (Arc::new(open(dir.path())), dir)
}

/// A store so small that everything is flushed again and again.
async fn make_tiny() -> (Arc<NativeStore>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (Arc::new(open_with(dir.path(), 1 << 20)), dir)
}

mod conformance {
    crate::conformance_suite!(super::make);
}

mod conformance_with_little_memory {
    crate::conformance_suite!(super::make_tiny);
}

#[tokio::test]
async fn answers_as_the_oracle_does() {
    for seed in 0..3 {
        let oracle = MemoryStore::new(Arc::new(|_: &mut Run| ()));
        let (store, _dir) = make().await;
        let patches = random_runs(seed);
        fill(&oracle, &patches, None).await;
        fill(&*store, &patches, Some(seed)).await;
        compare(&oracle, &*store, &random_questions(seed, 60)).await;
        store.flush().await.unwrap();
        compare(&oracle, &*store, &random_questions(seed + 50, 60)).await;
    }
}

#[tokio::test]
async fn a_restart_forgets_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let oracle = MemoryStore::new(Arc::new(|_: &mut Run| ()));
    let patches = random_runs(7);
    fill(&oracle, &patches, None).await;
    for (idx, part) in patches.chunks(patches.len() / 5 + 1).enumerate() {
        let store = open(dir.path());
        store.write(part.to_vec()).await.unwrap();
        if idx % 2 == 1 {
            store.flush().await.unwrap();
        }
    }
    compare(&oracle, &open(dir.path()), &random_questions(7, 60)).await;
}

/// What was read from the log is parts of one buffer; counted once for each column, every record alone would fill the hot tier.
#[tokio::test]
async fn a_replay_writes_no_more_segments_than_there_were() {
    let dir = tempfile::tempdir().unwrap();
    let runs = random_runs(11);
    {
        let store = open_with(dir.path(), 16 << 20);
        for part in runs.chunks(runs.len() / 40 + 1) {
            store.write(part.to_vec()).await.unwrap();
        }
        store.write_logs((0..50).map(|seconds| log(seconds, "said")).collect()).await.unwrap();
        assert_eq!(store.shared.snapshot().segments.len(), 0, "they fit into memory");
    }
    let store = open_with(dir.path(), 16 << 20);
    assert_eq!(store.shared.snapshot().segments.len(), 0);
    assert_eq!(store.shared.record_files().0.len(), 0);
}

#[test]
fn a_batch_of_the_log_takes_the_memory_that_it_took_before() {
    let batch = encode_runs(random_runs(5).iter());
    let payload = record::to_payload(&batch).unwrap();
    let read = record::decode(RecordKind::Patches, &payload).unwrap();
    let (before, after) = (memory_bytes(&batch), memory_bytes(&read));
    assert!(after > 0 && after <= before, "{before} bytes, {after} when read");
    // A column that is there twice is in memory once.
    let column = batch.column(Col::run_id as usize);
    let twice = RecordBatch::try_from_iter([("a", Arc::clone(column)), ("b", Arc::clone(column))]).unwrap();
    assert!(memory_bytes(&twice) < 2 * column.get_array_memory_size());
}

pub(super) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[tokio::test]
async fn a_folder_of_the_first_version_opens_and_goes_on() {
    check_golden("version-1", 1).await;
}

#[tokio::test]
async fn a_folder_whose_segment_has_inputs_apart_from_outputs_opens_and_goes_on() {
    check_golden("version-2", 0).await;
}

/// A folder of an older version: one trace in a segment, one in the log.
async fn check_golden(version: &str, without_checksums: usize) {
    let dir = tempfile::tempdir().unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/store").join(version);
    copy_folder(&golden, dir.path());
    let in_segment = TraceId::from_bytes(0x0a_u128.to_be_bytes());
    let in_log = TraceId::from_bytes(0x0b_u128.to_be_bytes());
    let mut workspace_scope = scope();
    for round in 0..3 {
        let store = open(dir.path());
        if round == 0 {
            let batch = std::sync::Arc::clone(&store.shared.snapshot().hot[0].batch);
            let (workspace_id, _) = crate::schema::decode::Rows::new(&batch).tenant(0).unwrap();
            workspace_scope = Scope { workspace_id, project_ids: None };
        }
        for trace_id in [in_segment, in_log] {
            let runs = store.load_trace(&workspace_scope, trace_id).await.unwrap();
            assert_eq!(runs.len(), 3, "round {round}");
            assert_eq!(runs[1].model.as_deref(), Some("gpt-4o"));
            assert!(runs[1].inputs.messages[0].as_str().contains("größe?"));
            let skeleton = store.load_skeleton(&workspace_scope, trace_id).await.unwrap();
            assert_eq!(
                skeleton.iter().map(|run| run.billed.tokens).collect::<Vec<_>>(),
                [false, true, false]
            );
            assert!(skeleton.iter().all(|run| run.double_of.is_none() && !run.is_transport));
        }
        let selection = Selection { scope: workspace_scope.clone(), ..everything() };
        let stats = store.stats(Unit::Runs, &selection).await.unwrap();
        assert_eq!((stats.count, stats.total_tokens), (6, 30), "round {round}");
        // One by one, as their rows are in files of two forms.
        for (filter, count) in [("input:größe type:llm", 2), ("input:gibtesnicht", 0)] {
            let filter = Some(clearspan_query::text::parse(filter).unwrap());
            let page = store.query_runs(&newest(Selection { filter, ..selection.clone() })).await.unwrap();
            assert_eq!(page.runs.len(), count, "round {round}");
        }
        match round {
            // A late patch brings the old trace back into memory, with the columns of today.
            0 => {
                let mut patch = store.load_trace(&workspace_scope, in_segment).await.unwrap().remove(0);
                patch.tags = vec!["late".to_owned()];
                store.write(vec![patch]).await.unwrap();
                let runs = store.load_trace(&workspace_scope, in_segment).await.unwrap();
                assert_eq!((runs.len(), runs[0].tags.len()), (3, 1));
            }
            1 => store.flush().await.unwrap(),
            _ => assert_eq!(store.query_runs(&newest(selection)).await.unwrap().runs.len(), 6),
        }
    }
    let report = check(dir.path()).unwrap();
    assert!(report.rows >= 6 && report.problems.is_empty(), "{report:?}");
    assert_eq!(report.without_checksums, without_checksums);
}

#[tokio::test]
async fn records_are_answered_as_the_oracle_does() {
    for seed in 0..3 {
        let oracle = MemoryStore::new(Arc::new(|_: &mut Run| ()));
        let (logs, points) = (random_logs(seed), random_points(seed));
        fill_records(&oracle, &logs, &points, None).await;
        let dir = tempfile::tempdir().unwrap();
        {
            let store = open(dir.path());
            fill_records(&store, &logs, &points, Some(seed)).await;
            compare(&oracle, &store, &random_record_questions(seed, 80)).await;
            // A client that got no answer sends again.
            store.write_logs(logs[..50].to_vec()).await.unwrap();
            store.write_points(points[..50].to_vec()).await.unwrap();
        }
        let store = open(dir.path());
        compare(&oracle, &store, &random_record_questions(seed + 50, 80)).await;
        store.flush().await.unwrap();
        compare(&oracle, &store, &random_record_questions(seed + 90, 40)).await;
        drop(store);
        assert!(check(dir.path()).unwrap().rows >= 500);
    }
}

/// Files of several row groups, whose times overlap, and rows in memory.
#[tokio::test]
async fn pages_of_log_records_cross_row_groups_and_files() {
    let oracle = MemoryStore::new(Arc::new(|_: &mut Run| ()));
    let (store, _dir) = make().await;
    let records: Vec<LogRecord> = (0..16_000_i64)
        .map(|number| {
            let mut record =
                log((number * 7_919) % 5_000 + number / 6_000 * 3_000, &format!("record {number}"));
            record.project_id = project(1 + u8::try_from(number % 2).unwrap());
            record.trace_id = (number % 3 == 0).then(|| trace(u32::try_from(number % 50).unwrap()));
            record
        })
        .collect();
    for (idx, part) in records.chunks(5_500).enumerate() {
        oracle.write_logs(part.to_vec()).await.unwrap();
        store.write_logs(part.to_vec()).await.unwrap();
        if idx < 2 {
            store.flush().await.unwrap();
        }
    }
    let mut questions = Vec::new();
    for oldest_first in [true, false] {
        let query = LogQuery { oldest_first, limit: 3_000, ..logs() };
        questions.push(Question::Logs(query.clone()));
        questions.push(Question::Logs(LogQuery { trace_id: Some(trace(3)), limit: 7, ..query.clone() }));
        questions.push(Question::Logs(LogQuery {
            text: Some("RECORD 77".to_owned()),
            limit: 10,
            ..query.clone()
        }));
        let range = TimeRange { from: Some(at(4_000_000)), to: Some(at(4_100_000)) };
        let scope = Scope { project_ids: Some(vec![project(2)]), ..scope() };
        questions.push(Question::Logs(LogQuery { range, scope, limit: 50, ..query }));
    }
    compare(&oracle, &*store, &questions).await;
}

/// Replacements, patches, flushes and restarts in random order; now and then the process dies and what was in memory
/// comes back from the log.
#[tokio::test]
async fn replacing_is_the_same_after_any_restart() {
    for seed in 0..4 {
        let oracle = MemoryStore::new(Arc::new(|_: &mut Run| ()));
        let dir = tempfile::tempdir().unwrap();
        let mut store = open_with(dir.path(), if seed % 2 == 0 { 64 << 20 } else { 1 << 20 });
        let mut dice = Dice(seed + 7);
        for patches in random_runs(seed).chunks(13) {
            oracle.write(patches.to_vec()).await.unwrap();
            store.write(patches.to_vec()).await.unwrap();
            if dice.one_in(2) {
                let trace_id = patches[0].key.trace_id;
                let mut runs = store.load_trace(&scope(), trace_id).await.unwrap();
                for run in &mut runs {
                    run.name = Some(format!("replaced {}", dice.below(1_000)));
                    (run.user_id, run.error) = (None, None);
                    run.metadata.clear();
                }
                if dice.one_in(4) {
                    // As if something had arrived after it was read.
                    runs[0].versions = Versions::all(Version::new(Rank::Native, at(1)));
                }
                let mut left =
                    [oracle.replace(runs.clone()).await.unwrap(), store.replace(runs).await.unwrap()];
                left.iter_mut().for_each(|keys| keys.sort());
                assert_eq!(left[0], left[1]);
            }
            if dice.one_in(5) {
                store.flush().await.unwrap();
            }
            if dice.one_in(8) {
                drop(store);
                store = open(dir.path());
            }
        }
        compare(&oracle, &store, &random_questions(seed, 60)).await;
        drop(store);
        compare(&oracle, &open(dir.path()), &random_questions(seed + 50, 60)).await;
    }
}

/// A run that stays in memory over a flush is logged a second time, as it was before it was replaced.
#[tokio::test]
async fn a_replaced_run_that_was_pending_stays_replaced() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = open(dir.path());
        let mut runs: Vec<Run> = (2..8).map(|id| run(2, id, |run| run.end_time = Some(at(50)))).collect();
        runs.push(run(1, 1, |run| {
            run.end_time = None;
            run.user_id = Some("ann".to_owned());
        }));
        store.write(runs).await.unwrap();
        let mut new = store.load_trace(&scope(), trace(1)).await.unwrap();
        new[0].user_id = None;
        let (flushed, replaced) = tokio::join!(store.flush(), store.replace(new));
        flushed.unwrap();
        assert_eq!(replaced.unwrap(), []);
    }
    let runs = open(dir.path()).load_trace(&scope(), trace(1)).await.unwrap();
    assert_eq!((runs.len(), runs[0].user_id.as_deref()), (1, None));
}

#[tokio::test]
async fn a_torn_log_keeps_what_was_complete() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = open(dir.path());
        store.write(vec![bare(1, 1)]).await.unwrap();
        store.write(vec![bare(1, 2)]).await.unwrap();
    }
    let log_dir = paths::log_dir(dir.path());
    let file = paths::log_file(&log_dir, 1);
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() - 3]).unwrap();
    let store = open(dir.path());
    let ids: Vec<_> = store.load_trace(&scope(), trace(1)).await.unwrap().iter().map(|run| run.key).collect();
    assert_eq!(ids, [bare(1, 1).key]);
    store.write(vec![bare(1, 3)]).await.unwrap();
    drop(store);
    assert_eq!(open(dir.path()).load_trace(&scope(), trace(1)).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_second_process_is_kept_out() {
    let dir = tempfile::tempdir().unwrap();
    let _first = open(dir.path());
    let err = NativeStore::open(config(dir.path(), 1)).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Conflict);
    assert!(err.to_string().contains("another clearspan process"));
}

#[tokio::test]
async fn flushed_logs_are_removed_and_counting_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let store = open(dir.path());
        store.write(vec![bare(1, round), bare(2, round)]).await.unwrap();
        store.flush().await.unwrap();
    }
    drop(open(dir.path()));
    let logs = paths::log_numbers(&disk::RealDisk, &paths::log_dir(dir.path())).unwrap();
    assert!(logs.len() <= 2, "{logs:?}");
    let page = open(dir.path()).query_runs(&newest(everything())).await.unwrap();
    assert_eq!(page.runs.len(), 6);
}

#[tokio::test]
async fn a_pending_run_survives_the_removal_of_its_log() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = open(dir.path());
        // Most runs have ended, so the pending one stays in memory over the flush, and its trace with it.
        let mut runs: Vec<Run> = (2..8).map(|id| run(2, id, |run| run.end_time = Some(at(50)))).collect();
        runs.push(run(1, 1, |run| run.end_time = None));
        runs.push(run(1, 2, |run| run.end_time = Some(at(60))));
        store.write(runs).await.unwrap();
        store.flush().await.unwrap();
        store.flush().await.unwrap();
    }
    let store = open(dir.path());
    assert_eq!(store.load_trace(&scope(), trace(1)).await.unwrap().len(), 2);
    store.write(vec![run(1, 1, |run| run.end_time = Some(at(99)))]).await.unwrap();
    let runs = store.load_trace(&scope(), trace(1)).await.unwrap();
    assert_eq!(runs.len(), 2);
    assert!(runs.iter().all(|run| run.end_time.is_some()));
}

#[tokio::test]
async fn a_flushed_run_that_changes_is_one_run_after_any_restart() {
    let dir = tempfile::tempdir().unwrap();
    for round in 1..5_i64 {
        let store = open(dir.path());
        let patch = run(1, 1, |run| {
            run.versions = Versions::all(Version::new(Rank::Span, at(round)));
            run.name = Some(format!("round {round}"));
        });
        store.write(vec![patch]).await.unwrap();
        if round % 2 == 0 {
            store.flush().await.unwrap();
        }
        let runs = store.load_trace(&scope(), trace(1)).await.unwrap();
        assert_eq!(runs.len(), 1, "round {round}");
        assert_eq!(runs[0].name, Some(format!("round {round}")));
        let page = store.query_runs(&newest(everything())).await.unwrap();
        assert_eq!(page.runs.len(), 1, "round {round}");
    }
}

#[test]
fn a_batch_survives_the_log() {
    let runs = random_runs(3);
    let commit::Batch { kind, batch, payload, .. } =
        commit::Batch::new(RecordKind::Patches, encode_runs(runs.iter())).unwrap();
    assert_eq!(record::decode(kind, &payload).unwrap(), batch);
    let rows = crate::schema::decode::Rows::new(&batch);
    for (idx, run) in runs.iter().enumerate() {
        assert_eq!(&rows.run(idx).unwrap(), run);
    }
}

mod power;
mod rot;
mod scrub;

/// Large runs come a few at a time, and small ones do not because of them.
#[tokio::test]
async fn large_runs_are_exported_apart_from_small_ones() {
    use futures::StreamExt as _;
    let (store, _dir) = make().await;
    let large = |id: u32| {
        run(id, id, |run| {
            run.inputs.rest = Some(JsonText::from_string(&format!("{id} {}", "x".repeat(3 << 20))));
        })
    };
    for first in [0, 6] {
        let small = first * 1_000..first * 1_000 + 3_000;
        store.write(small.map(|id| run(id / 10, 100 + id, |_| ())).collect()).await.unwrap();
        store.write((first..first + 6).map(large).collect()).await.unwrap();
        for state in ["in memory", "in segments"] {
            let mut found = std::collections::BTreeMap::new();
            let mut parts = Vec::new();
            let mut exported = store.export_whole_runs(everything()).await.unwrap();
            while let Some(runs) = exported.next().await {
                let runs = runs.unwrap();
                let bytes: usize = runs
                    .iter()
                    .filter_map(|run| run.run.inputs.rest.as_ref())
                    .map(|rest| rest.as_str().len())
                    .sum();
                assert!(bytes <= 16 << 20, "{state}: {bytes} bytes at a time");
                parts.push(runs.len());
                found.extend(runs.into_iter().map(|run| (run.run.key, run.run.inputs.rest.is_some())));
            }
            let sent = (first as usize / 6 + 1) * 3_006;
            assert_eq!((found.len(), parts.iter().sum::<usize>()), (sent, sent), "{state}");
            assert_eq!(found.values().filter(|is_large| **is_large).count(), sent / 3_006 * 6, "{state}");
            assert!(parts.len() < 200, "{state}: {} parts", parts.len());
            store.flush().await.unwrap();
        }
    }
}

/// Batches of thousands of runs with their payloads are not little.
#[tokio::test]
async fn whole_runs_are_exported_a_few_at_a_time() {
    use futures::StreamExt as _;
    let (store, _dir) = make().await;
    for id in [0, 5_000] {
        store.write((id..id + 5_000).map(|id| run(id / 10, id, |_| ())).collect()).await.unwrap();
        for state in ["in memory", "in segments"] {
            let parts: Vec<usize> = store
                .export_whole_runs(everything())
                .await
                .unwrap()
                .map(|runs| runs.unwrap().len())
                .collect()
                .await;
            let expected = id as usize + 5_000;
            assert_eq!(parts.iter().sum::<usize>(), expected, "{state}");
            assert!(parts.iter().all(|runs| *runs <= 128), "{state}: {parts:?}");
            store.flush().await.unwrap();
        }
    }
}
