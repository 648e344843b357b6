use std::num::NonZeroUsize;
use std::path::Path;

use clearspan_model::{Rank, Version, Versions};

use super::*;
use crate::memory::MemoryStore;
use crate::testing::build::{at, bare, everything, newest, run, scope, trace};
use crate::testing::compare::{compare, fill};
use crate::testing::random::{random_questions, random_runs};

fn open(dir: &Path) -> NativeStore {
    open_with(dir, 64 << 20)
}

fn open_with(dir: &Path, memory_bytes: usize) -> NativeStore {
    let memory_bytes = NonZeroUsize::new(memory_bytes).unwrap();
    NativeStore::open(NativeConfig { dir: dir.to_owned(), memory_bytes, finish: Arc::new(|_: &mut Run| ()) })
        .unwrap()
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
    let config = NativeConfig {
        dir: dir.path().to_owned(),
        memory_bytes: NonZeroUsize::MIN,
        finish: Arc::new(|_: &mut Run| ()),
    };
    let err = NativeStore::open(config).unwrap_err();
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
    let logs = paths::log_numbers(&paths::log_dir(dir.path())).unwrap();
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
    let (batch, payload) = record::encode(&runs).unwrap();
    assert_eq!(record::decode(&payload).unwrap(), batch);
    let rows = crate::schema::decode::Rows::new(&batch);
    for (idx, run) in runs.iter().enumerate() {
        assert_eq!(&rows.run(idx).unwrap(), run);
    }
}
