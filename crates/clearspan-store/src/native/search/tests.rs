use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use clearspan_model::Run;
use clearspan_query::fulltext::Required;
use clearspan_query::text::parse;

use super::*;
use crate::memory::MemoryStore;
use crate::native::{CompactionConfig, NativeConfig, NativeStore};
use crate::testing::build::{all_runs, at, everything, filtered, message, newest, number_of, project, run};
use crate::testing::compare::{Question, compare, fill};
use crate::testing::random::{random_questions, random_runs};
use crate::{RunQuery, RunStore as _, Selection, TimeRange};

fn open(dir: &Path) -> NativeStore {
    let memory_bytes = NonZeroUsize::new(64 << 20).unwrap();
    let compaction = CompactionConfig { in_background: false, ..CompactionConfig::default() };
    let finish = Arc::new(|_: &mut Run| ());
    let config = NativeConfig { dir: dir.to_owned(), memory_bytes, finish, compaction };
    let store = NativeStore::open(config).unwrap();
    registry(&store).index_tiny_segments();
    store
}

fn registry(store: &NativeStore) -> Arc<Registry> {
    Arc::clone(&store.shared.state.read().search)
}

fn wait_until_indexed(store: &NativeStore) {
    let begin = Instant::now();
    while store.search_progress().unwrap().missing > 0 {
        assert!(begin.elapsed() < Duration::from_secs(600), "the index is never built");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Percentiles come from a sketch, which takes more care to compare; what is found is in pages and facets.
fn questions(seed: u64) -> Vec<Question> {
    let mut questions = random_questions(seed, 80);
    questions.retain(|question| !matches!(question, Question::Stats(..) | Question::Histogram(_)));
    questions
}

fn index_dir(dir: &Path) -> std::path::PathBuf {
    paths::search_dir(dir)
}

#[tokio::test]
async fn with_indexes_it_answers_as_the_oracle_does() {
    for seed in 20..22 {
        let oracle = MemoryStore::new(Arc::new(|_: &mut Run| ()));
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        let patches = random_runs(seed);
        fill(&oracle, &patches, None).await;
        fill(&store, &patches, Some(seed)).await;
        compare(&oracle, &store, &questions(seed)).await;
        wait_until_indexed(&store);
        compare(&oracle, &store, &questions(seed + 50)).await;
        store.flush().await.unwrap();
        wait_until_indexed(&store);
        assert!(store.search_progress().unwrap().index_bytes > 0);
        compare(&oracle, &store, &questions(seed + 100)).await;
    }
}

mod conformance {
    async fn make() -> (std::sync::Arc<super::NativeStore>, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        (std::sync::Arc::new(super::open(dir.path())), dir)
    }

    #[tokio::test]
    async fn texts_are_searched() {
        let (store, _dir) = make().await;
        crate::testing::cases::texts_are_searched(&*store).await;
    }

    #[tokio::test]
    async fn searches_keep_to_their_page() {
        let (store, _dir) = make().await;
        crate::testing::cases::searches_keep_to_their_page(&*store).await;
    }
}

/// Two thousand traces of one run in two projects; every hundredth says `rare`, all say `common`.
async fn write_many(store: &NativeStore) {
    let runs = (0..2_000).map(|id| {
        let mut run = run(id, 1, |run| {
            run.start_time = Some(at(i64::from(id) * 1_000));
            let rare = if id % 100 == 0 { "rare" } else { "usual" };
            run.inputs = message("user", &format!("common {rare} word{id}"));
        });
        run.key.project_id = project(1 + (id % 2) as u8);
        run
    });
    store.write(runs.collect()).await.unwrap();
    store.flush().await.unwrap();
}

async fn count(store: &NativeStore, filter: &str) -> usize {
    all_runs(store, &newest(filtered(parse(filter).unwrap()))).await.len()
}

#[tokio::test]
async fn an_index_points_at_few_rows() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    write_many(&store).await;
    wait_until_indexed(&store);
    let index = registry(&store).of(1).unwrap();
    let docs = |filter: &str, projects: Option<&[clearspan_model::ProjectId]>| {
        let filter = parse(filter).unwrap();
        let clearspan_query::Expr::Test(_, clearspan_query::Op::Search(search)) = filter else { panic!() };
        index.docs(&clearspan_query::fulltext::required(&search), projects).unwrap()
    };
    assert_eq!(docs("rare", None).len(), 20);
    assert_eq!(docs("rare", Some(&[project(1)])).len(), 20);
    assert_eq!(docs("rare", Some(&[project(2)])).len(), 0);
    assert_eq!(docs("\"rare word100\"", None).len(), 1);
    assert_eq!(docs("word12*", None).len(), 111);
    assert_eq!(docs("/ord1999/", None).len(), 1);
    assert_eq!(docs("common", Some(&[project(2)])).len(), 1_000);
    assert!(docs("rare", None).iter().all(|doc| doc.rows.end == doc.rows.start + 1));
    assert_eq!(docs("word7", None)[0].newest, at(7_000).as_nanos());
}

#[tokio::test]
async fn an_index_that_rots_is_built_again_by_a_scrub() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    write_many(&store).await;
    wait_until_indexed(&store);
    let fast = std::num::NonZeroU64::MAX;
    let report = store.scrub(fast).await.unwrap();
    assert_eq!((report.indexes, report.notes, report.problems), (1, vec![], vec![]));
    let before = registry(&store).of(1).unwrap();
    let rot = || {
        let part = paths::segment_index(&index_dir(dir.path()), 1).join("part-0000");
        let mut files = std::fs::read_dir(part).unwrap().map(|entry| entry.unwrap().path());
        let postings = files.find(|path| path.extension().is_some_and(|extension| extension == "idx"));
        let mut bytes = std::fs::read(postings.as_ref().unwrap()).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 2;
        std::fs::write(postings.unwrap(), &bytes).unwrap();
    };
    rot();
    let report = store.scrub(fast).await.unwrap();
    assert_eq!((report.indexes, report.problems), (0, vec![]));
    assert!(report.notes.iter().any(|note| note.contains("search index of segment 1")), "{:?}", report.notes);
    wait_until_indexed(&store);
    assert!(!Arc::ptr_eq(&before, &registry(&store).of(1).unwrap()), "it is a new one");
    assert_eq!(count(&store, "common rare").await, 20);
    assert_eq!(store.scrub(fast).await.unwrap().indexes, 1);

    // What rots while no server runs is told of by `check`, and mended by the start.
    drop(store);
    rot();
    let report = crate::native::check(dir.path()).unwrap();
    assert_eq!((report.indexes, report.problems, report.notes.len()), (0, vec![], 1));
    let store = open(dir.path());
    wait_until_indexed(&store);
    assert_eq!(count(&store, "common rare").await, 20);
}

#[tokio::test]
async fn pages_deep_in_a_common_word_are_right() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    write_many(&store).await;
    for _ in 0..2 {
        assert_eq!(count(&store, "common").await, 2_000);
        assert_eq!(count(&store, "common rare").await, 20);
        assert_eq!(count(&store, "/.*/ -usual").await, 20);
        let range = TimeRange { from: Some(at(500_000)), to: Some(at(700_000)) };
        let query =
            RunQuery { limit: 13, ..newest(Selection { range, ..filtered(parse("common").unwrap()) }) };
        let found = all_runs(&store, &query).await;
        assert_eq!(found.len(), 200);
        assert!(found.is_sorted_by(|one, other| one.start_time > other.start_time));
        wait_until_indexed(&store);
    }
}

#[tokio::test]
async fn a_damaged_index_is_built_again_and_answers_stay_right() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    write_many(&store).await;
    wait_until_indexed(&store);
    drop(store);
    let index = index_dir(dir.path()).join("0000000000000001");
    // Tantivy gives files new names each time, so they are told apart by what they are.
    let files = || {
        let part = std::fs::read_dir(index.join("part-0000")).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = part.chain([index.join("index")]).collect();
        files.sort_by_key(|path| {
            (path.extension().map(std::ffi::OsStr::to_owned), path.file_name().map(std::ffi::OsStr::len))
        });
        files
    };
    let count_of_files = files().len();
    assert!(count_of_files > 4);
    for number in 0..count_of_files {
        let file = files().swap_remove(number);
        let mut bytes = std::fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        std::fs::write(&file, &bytes).unwrap();
        let store = open(dir.path());
        assert_eq!(count(&store, "rare").await, 20, "{}", file.display());
        wait_until_indexed(&store);
        assert_eq!(count(&store, "rare").await, 20, "{}", file.display());
        assert!(std::fs::read(&file).map_or(true, |now| now != bytes), "{} is still damaged", file.display());
    }
}

/// Words of version 1 were those of the text as it was spelled.
#[tokio::test]
async fn an_index_of_an_older_version_is_built_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let spelled = |id: u32, text: &str| run(id, 1, |run| run.inputs = message("user", text));
    store.write(vec![spelled(5_000, "Köln"), spelled(5_001, "Ko\u{308}ln")]).await.unwrap();
    write_many(&store).await;
    wait_until_indexed(&store);
    drop(store);
    let marker = index_dir(dir.path()).join("0000000000000001/index");
    let current = std::fs::read(&marker).unwrap();
    let rest = current.strip_prefix(b"clearspan-search 2 ").expect("the header of this version");
    let old = [b"clearspan-search 1 ", rest].concat();
    std::fs::write(&marker, &old).unwrap();
    let store = open(dir.path());
    for _ in 0..2 {
        for filter in ["köln", "ko\u{308}ln", "köl*", "köln -rare"] {
            assert_eq!(count(&store, filter).await, 2, "{filter}");
        }
        assert_eq!(count(&store, "/Köln/").await, 1);
        assert_eq!(count(&store, "/Ko/").await, 1);
        assert_eq!(count(&store, "ko*").await, 0);
        wait_until_indexed(&store);
    }
    assert!(std::fs::read(&marker).unwrap().starts_with(b"clearspan-search 2 "));
    assert_eq!(
        registry(&store).of(1).unwrap().docs(&Required::Term("köln".to_owned()), None).unwrap().len(),
        2
    );
}

#[tokio::test]
async fn half_an_index_counts_for_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    write_many(&store).await;
    wait_until_indexed(&store);
    drop(store);
    let index = index_dir(dir.path()).join("0000000000000001");
    let marker = index.join("index");
    // As after a crash: before the folder got its name, without the marker, with files that were never written.
    for step in 0..4 {
        match step {
            0 => std::fs::rename(&index, index.with_extension("tmp")).unwrap(),
            1 => std::fs::remove_file(&marker).unwrap(),
            2 => std::fs::write(&marker, b"").unwrap(),
            _ => {
                let part = index.join("part-0000");
                for entry in std::fs::read_dir(part).unwrap() {
                    std::fs::write(entry.unwrap().path(), b"").unwrap();
                }
            }
        }
        // What has no segment goes as well.
        std::fs::create_dir_all(index_dir(dir.path()).join("0000000000000099/part-0000")).unwrap();
        let store = open(dir.path());
        assert_eq!(count(&store, "rare").await, 20, "step {step}");
        wait_until_indexed(&store);
        assert_eq!(count(&store, "word1*").await, 1_111, "step {step}");
        drop(store);
        let names: Vec<_> =
            std::fs::read_dir(index_dir(dir.path())).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["0000000000000001"], "step {step}");
    }
}

#[tokio::test]
async fn dead_rows_are_not_found() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    write_many(&store).await;
    wait_until_indexed(&store);
    let mut late = run(100, 1, |run| run.inputs = message("user", "changed"));
    late.key.project_id = project(1);
    late.start_time = Some(at(100_000));
    late.versions = clearspan_model::Versions::all(crate::testing::build::version(2));
    store.write(vec![late]).await.unwrap();
    for _ in 0..2 {
        assert_eq!(count(&store, "rare").await, 19);
        let found = all_runs(&store, &newest(filtered(parse("changed").unwrap()))).await;
        assert_eq!(found.iter().map(|run| number_of(run.run_id)).collect::<Vec<_>>(), [1]);
        store.flush().await.unwrap();
        wait_until_indexed(&store);
    }
    assert_eq!(store.stats(crate::Unit::Runs, &everything()).await.unwrap().count, 2_000);
}
