use std::num::NonZeroUsize;
use std::time::Duration;

use clearspan_model::{Run, Versions};
use futures::StreamExt as _;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt as _};

use self::flaky::Flaky;
use super::*;
use crate::memory::MemoryStore;
use crate::native::disk::RealDisk;
use crate::native::{CompactionConfig, NativeConfig, NativeStore};
use crate::testing::build::{at, everything, newest, run, scope, trace, version};
use crate::testing::compare::{compare, fill};
use crate::testing::ledger::Ledger;
use crate::testing::random::{random_questions, random_runs};
use crate::{RunStore, Unit};

mod flaky;
mod moving;
mod outage;

const PREFIX: &str = "some/prefix";

fn native_config(dir: &Path, memory_bytes: usize) -> NativeConfig {
    let compaction = CompactionConfig { in_background: false, ..CompactionConfig::default() };
    NativeConfig {
        dir: dir.to_owned(),
        memory_bytes: NonZeroUsize::new(memory_bytes).unwrap(),
        finish: Arc::new(|_: &mut Run| ()),
        compaction,
    }
}

fn bucket_config(cache_bytes: u64) -> BucketConfig {
    BucketConfig { address: BucketAddress::default(), cache_bytes, catalog: None }
}

fn try_open(dir: &Path, objects: &Flaky, config: &BucketConfig) -> Result<NativeStore> {
    NativeStore::open_with(native_config(dir, 64 << 20), |dir| {
        let prefix = ObjectPath::from(PREFIX);
        let remote = Remote::new(Arc::new(objects.clone()), prefix, "s3://test".to_owned()).unwrap();
        Ok(Arc::new(BucketDisk::claim_remote(dir, RealDisk::shared(), remote, config)?))
    })
}

fn open(dir: &Path, objects: &Flaky) -> NativeStore {
    try_open(dir, objects, &bucket_config(64 << 20)).unwrap()
}

fn batch(number: u32) -> Vec<Run> {
    (0..4).map(|id| run(number, number * 4 + id, |run| run.error = Some("e".repeat(500)))).collect()
}

fn late(number: u32) -> Vec<Run> {
    vec![run(number, number * 4, |run| {
        run.versions = Versions::all(version(5));
        run.user_id = Some("ann".to_owned());
    })]
}

async fn names(objects: &Flaky, folder: &str) -> Vec<String> {
    let folder = ObjectPath::from(format!("{PREFIX}/{folder}"));
    let mut names: Vec<String> = objects
        .inner
        .list(Some(&folder))
        .map(|meta| meta.unwrap().location.filename().unwrap().to_owned())
        .collect()
        .await;
    names.sort();
    names
}

async fn make() -> (Arc<NativeStore>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (Arc::new(open(dir.path(), &Flaky::new())), dir)
}

/// Little memory, next to no cache, and a folder as the bucket.
async fn make_tiny() -> (Arc<NativeStore>, (tempfile::TempDir, tempfile::TempDir)) {
    let (dir, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let url = format!("file://{}", folder.path().display());
    let address = BucketAddress { url, ..BucketAddress::default() };
    let config = BucketConfig { address, cache_bytes: 300_000, catalog: None };
    let store = NativeStore::open_in_bucket(native_config(dir.path(), 1 << 20), &config).unwrap();
    (Arc::new(store), (dir, folder))
}

mod conformance {
    crate::conformance_suite!(super::make);
}

mod conformance_in_a_folder_with_little_memory {
    crate::conformance_suite!(super::make_tiny);
}

#[tokio::test]
async fn what_was_flushed_survives_the_loss_of_the_folder() {
    let (objects, oracle) = (Flaky::new(), MemoryStore::new(Arc::new(|_: &mut Run| ())));
    let patches = random_runs(11);
    fill(&oracle, &patches, None).await;
    {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path(), &objects);
        fill(&store, &patches, Some(11)).await;
        store.flush().await.unwrap();
        store.compact().await.unwrap();
        // This one is in the log only.
        store.write(batch(77)).await.unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), &objects);
    assert!(store.load_trace(&scope(), trace(77)).await.unwrap().is_empty());
    compare(&oracle, &store, &random_questions(11, 60)).await;
}

#[tokio::test]
async fn a_folder_with_nothing_but_its_log_loses_nothing() {
    let (objects, dir) = (Flaky::new(), tempfile::tempdir().unwrap());
    {
        let store = open(dir.path(), &objects);
        store.write(batch(1)).await.unwrap();
        store.flush().await.unwrap();
        store.write([batch(2), late(1)].concat()).await.unwrap();
    }
    for lost in [paths::cache_dir(dir.path()), paths::segment_dir(dir.path()), paths::search_dir(dir.path())]
    {
        let _missing = std::fs::remove_dir_all(lost);
    }
    let store = open(dir.path(), &objects);
    assert_eq!(store.load_trace(&scope(), trace(2)).await.unwrap().len(), 4);
    let old = store.load_trace(&scope(), trace(1)).await.unwrap();
    assert_eq!((old.len(), old[0].user_id.as_deref()), (4, Some("ann")));
}

#[tokio::test]
async fn of_two_servers_the_one_that_started_last_wins() {
    let objects = Flaky::new();
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = open(one.path(), &objects);
    first.write(batch(1)).await.unwrap();
    first.flush().await.unwrap();
    let second = open(other.path(), &objects);
    second.write(batch(2)).await.unwrap();
    second.flush().await.unwrap();
    // Many more, so that the manifest that the first would make next was removed long ago.
    for number in 3..10 {
        second.write(batch(number)).await.unwrap();
        second.flush().await.unwrap();
    }
    first.write(batch(20)).await.unwrap();
    let err = first.flush().await.unwrap_err();
    let told = crate::native::health::chain(&err);
    assert!(told.contains("another server has taken over s3://test"), "{told}");
    let refused = first.write(batch(21)).await.unwrap_err();
    assert!(refused.to_string().contains("another server has taken over"), "{refused}");
    second.write(batch(30)).await.unwrap();
    second.compact().await.unwrap();
    drop(first);

    // What is only in the first one's log is not thrown away without a word.
    drop(second);
    let err = try_open(one.path(), &objects, &bucket_config(1 << 20)).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Conflict);
    assert!(err.to_string().contains("records of the log there never reached it"), "{err}");
    let third = tempfile::tempdir().unwrap();
    let store = open(other.path(), &objects);
    store.flush().await.unwrap();
    drop(store);
    let store = open(third.path(), &objects);
    assert_eq!(store.stats(Unit::Runs, &everything()).await.unwrap().count, 4 * 10);
    drop(store);
    // Nothing is left behind in the second one's.
    assert_eq!(open(other.path(), &objects).stats(Unit::Runs, &everything()).await.unwrap().count, 4 * 10);
}

#[tokio::test]
async fn folders_and_buckets_are_not_mixed_up() {
    let (objects, dir) = (Flaky::new(), tempfile::tempdir().unwrap());
    {
        let store = open(dir.path(), &objects);
        store.write(batch(1)).await.unwrap();
    }
    let err = try_open(dir.path(), &Flaky::new(), &bucket_config(0)).unwrap_err();
    assert!(err.to_string().contains("does not belong to s3://test"), "{err}");
    let err = NativeStore::open(native_config(dir.path(), 1 << 20)).unwrap_err();
    assert!(err.to_string().contains("--object-store"), "{err}");

    let of_its_own = tempfile::tempdir().unwrap();
    {
        let store = NativeStore::open(native_config(of_its_own.path(), 1 << 20)).unwrap();
        store.write(batch(1)).await.unwrap();
        store.flush().await.unwrap();
    }
    let err = try_open(of_its_own.path(), &objects, &bucket_config(0)).unwrap_err();
    assert!(err.to_string().contains("keeps its segments itself"), "{err}");
    assert_eq!(open(dir.path(), &objects).load_trace(&scope(), trace(1)).await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_store_without_conditional_writes_is_refused() {
    let (objects, dir) = (Flaky::new(), tempfile::tempdir().unwrap());
    objects.ignore_conditions();
    let err = try_open(dir.path(), &objects, &bucket_config(0)).unwrap_err();
    assert!(crate::native::health::chain(&err).contains("ignores conditional writes"), "{err:?}");
}

#[tokio::test]
async fn a_start_removes_what_no_manifest_names_and_nothing_else() {
    let (objects, dir) = (Flaky::new(), tempfile::tempdir().unwrap());
    {
        let store = open(dir.path(), &objects);
        store.write(batch(1)).await.unwrap();
        store.flush().await.unwrap();
    }
    let named = names(&objects, "segments").await;
    let strays = [
        "some/prefix/segments/seg-0000000000000007.parquet",
        "some/prefix/segments/logs-0000000000000007.sums",
    ];
    let others =
        ["some/prefix/segments/readme", "some/prefix2/segments/seg-0000000000000007.parquet", "some/notes"];
    for key in strays.iter().chain(&others) {
        objects.inner.put(&(*key).into(), "x".into()).await.unwrap();
    }
    drop(open(dir.path(), &objects));
    let mut left = names(&objects, "segments").await;
    left.retain(|name| name != "readme");
    assert_eq!(left, named);
    for key in others {
        objects.inner.head(&key.into()).await.expect(key);
    }
}

/// Whatever step the process dies at, nothing that was acknowledged is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_request_loses_nothing() {
    const MANY: u64 = 1_000_000;
    let work = async |dir: &Path, objects: &Flaky| {
        let mut ledger = Ledger::default();
        let Ok(store) = try_open(dir, objects, &bucket_config(1 << 20)) else { return ledger };
        let mut is_up = true;
        for number in 1..5 {
            let mut patches = batch(number);
            if number > 2 {
                patches.extend(late(number - 2));
            }
            let sent = ledger.send(patches.clone(), 0);
            if store.write(patches).await.is_ok() {
                ledger.acknowledge(sent, 0);
            }
            // One that fails is tried again in the background.
            is_up = is_up && store.flush().await.is_ok();
        }
        let _compacted = store.compact().await;
        ledger
    };
    let requests = {
        let (objects, dir) = (Flaky::new(), tempfile::tempdir().unwrap());
        objects.go_down_after(MANY);
        work(dir.path(), &objects).await;
        objects.answered(MANY)
    };
    assert!(requests > 25, "{requests}");
    for step in 0..requests {
        let (objects, dir) = (Flaky::new(), tempfile::tempdir().unwrap());
        objects.go_down_after(step);
        let ledger = work(dir.path(), &objects).await;
        let objects = objects.reborn();
        let store = open(dir.path(), &objects);
        assert_eq!(ledger.check(&store, 0).await.unwrap(), [], "after {step} requests");
        store.flush().await.unwrap();
        drop(store);
        // Nothing but the bucket is left.
        let store = open(tempfile::tempdir().unwrap().path(), &objects);
        assert_eq!(ledger.check(&store, 0).await.unwrap(), [], "in the bucket after {step} requests");
    }
}

#[tokio::test]
async fn the_cache_keeps_to_its_size_and_is_not_trusted() {
    let (objects, dir) = (Flaky::new(), tempfile::tempdir().unwrap());
    {
        let store = open(dir.path(), &objects);
        for part in 0..4 {
            let runs = (0..600).map(|id| {
                run(part * 1_000 + id, part * 1_000 + id, |run| {
                    // Text that does not compress.
                    let noise =
                        (0..200_u32).map(|n| format!("{:08x}", (id * 211 + n).wrapping_mul(2_654_435_761)));
                    run.error = Some(noise.collect());
                    run.start_time = Some(at(i64::from(id)));
                })
            });
            store.write(runs.collect()).await.unwrap();
            store.flush().await.unwrap();
        }
    }
    assert_eq!(names(&objects, "segments").await.len(), 8);
    // All of it is in the cache of the folder that wrote it: no byte of a segment is fetched.
    let store = open(dir.path(), &objects);
    let fetched = objects.bytes_read();
    assert_eq!(store.load_trace(&scope(), trace(1_001)).await.unwrap().len(), 1);
    assert_eq!(objects.bytes_read(), fetched);
    drop(store);
    // Damage to copies is mended.
    let cache = paths::cache_dir(dir.path());
    for entry in std::fs::read_dir(&cache).unwrap() {
        let path = entry.unwrap().path();
        let mut content = std::fs::read(&path).unwrap();
        content.iter_mut().step_by(100).for_each(|byte| *byte ^= 0xff);
        std::fs::write(&path, content).unwrap();
    }
    let store = open(dir.path(), &objects);
    assert_eq!(store.stats(Unit::Runs, &everything()).await.unwrap().count, 2_400);
    assert_eq!(store.load_trace(&scope(), trace(1_001)).await.unwrap().len(), 1);
    drop(store);

    // With a small one.
    let small = tempfile::tempdir().unwrap();
    let size_of = |dir: &Path| -> u64 {
        let entries = std::fs::read_dir(paths::cache_dir(dir)).unwrap();
        entries.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len())).sum()
    };
    let store = try_open(small.path(), &objects, &bucket_config(300_000)).unwrap();
    for id in 0..40 {
        assert_eq!(
            store.load_trace(&scope(), trace(id * 100)).await.unwrap().len(),
            usize::from(id % 10 < 6)
        );
        // The index is being built, too: both may be about to make room.
        assert!(size_of(small.path()) <= 300_000 + 2 * cache::CHUNK_BYTES);
    }
    assert!(size_of(small.path()) > 0);
}

#[tokio::test]
async fn search_indexes_come_back_and_go_with_their_segments() {
    let (objects, dir) = (Flaky::new(), tempfile::tempdir().unwrap());
    let runs =
        |part: u32| (0..600).map(move |id| run(part * 1_000 + id, part * 1_000 + id, |_| ())).collect();
    let indexed = async |store: &NativeStore| {
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        while store.search_progress().unwrap().missing > 0 {
            assert!(std::time::Instant::now() < deadline, "nothing is indexed");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        store.search_progress().unwrap().index_bytes
    };
    let store = open(dir.path(), &objects);
    store.write(runs(0)).await.unwrap();
    store.flush().await.unwrap();
    let bytes = indexed(&store).await;
    drop(store);
    assert!(names(&objects, "search").await.contains(&"index".to_owned()));
    assert_eq!(objects.lists("search"), 1, "once, to claim the bucket");

    // Nobody builds it again.
    let (objects, other) = (objects.reborn(), tempfile::tempdir().unwrap());
    let store = open(other.path(), &objects);
    assert_eq!(indexed(&store).await, bytes);
    let uploads = objects.uploads("search");
    assert_eq!(uploads, 0);
    // One that is damaged is built.
    drop(store);
    let folder = ObjectPath::from(format!("{PREFIX}/search"));
    let found: Vec<_> = objects.inner.list(Some(&folder)).map(|meta| meta.unwrap().location).collect().await;
    let part = found.iter().find(|location| location.as_ref().ends_with(".term")).unwrap();
    objects.inner.put(part, "damaged".into()).await.unwrap();
    let third = tempfile::tempdir().unwrap();
    let store = open(third.path(), &objects);
    assert_eq!(indexed(&store).await, bytes);
    // Its copy takes the place of the one before, whose files had other names.
    assert_eq!(names(&objects, "search").await.len(), found.len());

    // A merged segment takes the indexes of the old ones with it, at the next start at the latest.
    store.write(runs(1)).await.unwrap();
    store.flush().await.unwrap();
    store.compact().await.unwrap();
    indexed(&store).await;
    drop(store);
    drop(open(third.path(), &objects));
    let segments = names(&objects, "segments").await;
    let found: Vec<_> = objects.inner.list(Some(&folder)).map(|meta| meta.unwrap().location).collect().await;
    for location in found {
        let number = location.prefix_match(&folder).unwrap().next().unwrap().as_ref().to_owned();
        assert!(segments.contains(&format!("seg-{number}.parquet")), "{location} belongs to no segment");
    }
}

#[test]
fn the_least_recently_used_go_first_and_what_is_read_stays() {
    let dir = tempfile::tempdir().unwrap();
    let open = |budget| Cache::open(RealDisk::shared(), dir.path().to_owned(), budget, |_| true).unwrap();
    let cache = open(300);
    for number in 0..3 {
        cache.put_chunk("seg", number, &[number as u8; 100]);
    }
    assert_eq!(cache.chunk("seg", 0), Some(vec![0; 100]));
    cache.put_chunk("seg", 3, &[3; 100]);
    assert_eq!((cache.chunk("seg", 1), cache.bytes()), (None, 300));
    assert_eq!(cache.chunk("seg", 0), Some(vec![0; 100]));

    let file = dir.path().join("new.tmp");
    std::fs::write(&file, [9; 200]).unwrap();
    cache.take_whole("other", &file, 200);
    let pinned = cache.whole("other").unwrap();
    for number in 10..15 {
        cache.put_chunk("seg", number, &[1; 100]);
    }
    assert!(cache.whole("other").is_some(), "what is being read was evicted");
    drop(pinned);
    for number in 20..23 {
        cache.put_chunk("seg", number, &[1; 100]);
    }
    assert!(cache.whole("other").is_none());
    drop(cache);
    // What is there is counted again, and a smaller budget holds.
    let cache = open(200);
    assert_eq!(cache.bytes(), 200);
    assert!(cache.forget("seg") && !cache.forget("seg"));
    assert_eq!(cache.bytes(), 0);
}

#[tokio::test]
async fn the_catalog_comes_back_with_the_runs() {
    let objects = Flaky::new();
    let config = |dir: &Path| {
        let path = dir.join("catalog.sqlite");
        let source = path.clone();
        let copy = move |to: &Path| Ok(std::fs::copy(&source, to).map(|_| ())?);
        BucketConfig { catalog: Some(CatalogFile { path, copy: Arc::new(copy) }), ..bucket_config(1 << 20) }
    };
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let write = |dir: &Path, text: &str| std::fs::write(dir.join("catalog.sqlite"), text).unwrap();
    let read = |dir: &Path| std::fs::read_to_string(dir.join("catalog.sqlite")).unwrap();
    {
        let store = try_open(one.path(), &objects, &config(one.path())).unwrap();
        write(one.path(), "projects: a");
        store.write(batch(1)).await.unwrap();
        store.flush().await.unwrap();
        // Not flushed.
        write(one.path(), "projects: a, b");
    }
    // The folder's own is newer than the copy.
    drop(try_open(one.path(), &objects, &config(one.path())).unwrap());
    assert_eq!(read(one.path()), "projects: a, b");
    // An empty one is lost, and what belonged to it must not be applied to the copy.
    write(one.path(), "");
    for end in ["wal", "sums"] {
        std::fs::write(one.path().join(format!("catalog.sqlite-{end}")), "of the lost one").unwrap();
    }
    drop(try_open(one.path(), &objects, &config(one.path())).unwrap());
    assert_eq!(read(one.path()), "projects: a");
    for end in ["wal", "sums"] {
        assert!(!one.path().join(format!("catalog.sqlite-{end}")).exists());
    }
    // An empty folder gets the copy; one with another catalog, too.
    drop(try_open(other.path(), &objects, &config(other.path())).unwrap());
    assert_eq!(read(other.path()), "projects: a");
    let third = tempfile::tempdir().unwrap();
    write(third.path(), "projects: x");
    drop(try_open(third.path(), &objects, &config(third.path())).unwrap());
    assert_eq!(read(third.path()), "projects: a");
    assert_eq!(std::fs::read_to_string(third.path().join("catalog.sqlite.before")).unwrap(), "projects: x");
}
