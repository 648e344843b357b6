//! A folder's segments go into a bucket and come back, whatever happens on the way.

use super::*;
use crate::native::bucket::moving::{Moved, from_remote, to_remote};
use crate::native::disk::DiskRef;
use crate::native::disk::faulty::{EIO, Fault, FaultyDisk, Op};
use crate::native::tests::copy_folder;
use crate::testing::build::deletion;
use crate::testing::compare::fill_records;
use crate::testing::random::{random_logs, random_points, random_record_questions};
use crate::{DeletionTarget, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    There,
    Back,
}

impl Way {
    fn go(self, dir: &Path, local: DiskRef, objects: &Flaky) -> Result<Moved> {
        match self {
            Self::There => there(dir, local, objects),
            Self::Back => back(dir, local, objects),
        }
    }

    fn turned(self) -> Self {
        if self == Self::There { Self::Back } else { Self::There }
    }
}

fn remote(objects: &Flaky) -> Remote {
    Remote::new(Arc::new(objects.clone()), ObjectPath::from(PREFIX), "s3://test".to_owned()).unwrap()
}

fn there(dir: &Path, local: DiskRef, objects: &Flaky) -> Result<Moved> {
    to_remote(dir, local, remote(objects), &bucket_config(1 << 20), &mut |_, _| ())
}

fn back(dir: &Path, local: DiskRef, objects: &Flaky) -> Result<Moved> {
    from_remote(dir, local, remote(objects), &bucket_config(1 << 20), &mut |_, _| ())
}

fn try_local(dir: &Path) -> Result<NativeStore> {
    NativeStore::open(native_config(dir, 64 << 20))
}

fn segments_in(dir: &Path) -> usize {
    let names = std::fs::read_dir(paths::segment_dir(dir)).unwrap();
    names.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".parquet")).count()
}

async fn compare_all(oracle: &MemoryStore, store: &NativeStore) {
    compare(oracle, store, &random_questions(21, 60)).await;
    compare(oracle, store, &random_record_questions(21, 30)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_moves_into_a_bucket_and_back() {
    let (objects, dir) = (Flaky::new(), tempfile::tempdir().unwrap());
    let oracle = MemoryStore::new(Arc::new(|_: &mut Run| ()));
    {
        let store = try_local(dir.path()).unwrap();
        for (store, seed) in [(&oracle as &dyn RunStore, None), (&store, Some(21))] {
            fill(store, &random_runs(21), seed).await;
            fill_records(store, &random_logs(21), &random_points(21), seed).await;
            store.write([batch(70), batch(71)].concat()).await.unwrap();
            store.flush().await.unwrap();
            // Dead rows, something deleted, and something that is in the log alone.
            store.delete(&deletion(DeletionTarget::Traces(vec![trace(70)]))).await.unwrap();
            store.write(late(71)).await.unwrap();
            store.flush().await.unwrap();
            store.write([batch(72), late(71)].concat()).await.unwrap();
        }
    }
    let before = segments_in(dir.path());
    let mut told = Vec::new();
    let moved = to_remote(
        dir.path(),
        RealDisk::shared(),
        remote(&objects),
        &bucket_config(64 << 20),
        &mut |done, all| {
            told.push((done, all));
        },
    )
    .unwrap();
    assert!(before > 4 && moved.files > before, "{before} segments with their checksums: {moved:?}");
    assert_eq!(told.last(), Some(&(moved.bytes, moved.bytes)));
    assert_eq!(segments_in(dir.path()), 0);
    let err = try_local(dir.path()).unwrap_err();
    assert!(err.to_string().contains("--object-store"), "{err}");
    {
        let store = open(dir.path(), &objects);
        let read = objects.bytes_read();
        compare_all(&oracle, &store).await;
        assert_eq!(objects.bytes_read(), read, "what was moved is in the cache");
        for store in [&oracle as &dyn RunStore, &store] {
            store.write(batch(73)).await.unwrap();
        }
        store.flush().await.unwrap();
        store.compact().await.unwrap();
    }
    // Moving what was moved changes nothing.
    there(dir.path(), RealDisk::shared(), &objects).unwrap();
    compare_all(&oracle, &open(dir.path(), &objects)).await;

    let moved = back(dir.path(), RealDisk::shared(), &objects).unwrap();
    assert!(segments_in(dir.path()) > 0 && moved.bytes > 0, "{moved:?}");
    objects.set_down(true);
    let store = try_local(dir.path()).unwrap();
    compare_all(&oracle, &store).await;
    store.write(late(73)).await.unwrap();
    store.flush().await.unwrap();
    drop(store);
    objects.set_down(false);
    // A later claim, of this bucket or of the next one, overwrites no file of an earlier one.
    let next = Manifest::load(&RealDisk, dir.path()).unwrap().unwrap().next_segment;
    let (other, moved) = (Flaky::new(), tempfile::tempdir().unwrap());
    copy_folder(dir.path(), moved.path());
    there(moved.path(), RealDisk::shared(), &other).unwrap();
    let claimed = manifests::newest(&remote(&other)).unwrap().unwrap().manifest;
    assert_eq!(claimed.next_segment, manifests::first_number(claimed.claim.as_ref().unwrap()));
    assert!(claimed.next_segment > next, "{} follows {next}", claimed.next_segment);
    // Who lost the folder has everything that was in the bucket, but this folder does not go there a second time.
    let err = there(dir.path(), RealDisk::shared(), &objects.reborn()).unwrap_err();
    assert!(err.to_string().contains("empty prefix"), "{err}");
    compare_all(&oracle, &open(tempfile::tempdir().unwrap().path(), &objects.reborn())).await;
}

#[tokio::test]
async fn a_move_tells_what_it_found_and_what_it_left_undone() {
    let (objects, dir) = (Flaky::new(), tempfile::tempdir().unwrap());
    {
        let store = try_local(dir.path()).unwrap();
        store.write(batch(1)).await.unwrap();
        store.flush().await.unwrap();
    }
    for stray in ["notes.txt", "photos/1.jpg", "photos/2.jpg"] {
        objects.inner.put(&format!("{PREFIX}/{stray}").as_str().into(), "x".into()).await.unwrap();
    }
    objects.inner.put(&"elsewhere/x".into(), "x".into()).await.unwrap();
    // Some files are sent, and then it breaks off.
    for step in 0.. {
        let attempt = objects.clone();
        attempt.go_down_after(step);
        there(dir.path(), RealDisk::shared(), &attempt).unwrap_err();
        attempt.go_down_after(u64::MAX);
        if !names(&objects, "segments").await.is_empty() {
            break;
        }
    }
    let told = try_open(dir.path(), &objects, &bucket_config(1 << 20)).unwrap_err().to_string();
    assert!(told.contains("was not finished") && told.contains("start without an object store"), "{told}");
    drop(try_local(dir.path()).unwrap());
    let moved = there(dir.path(), RealDisk::shared(), &objects).unwrap();
    assert!(moved.files > 0);
    assert_eq!(moved.strangers, ["photos/", "notes.txt"]);
    let again = there(dir.path(), RealDisk::shared(), &objects).unwrap();
    assert_eq!((again.files, again.strangers), (0, moved.strangers));
    let asked = objects.lists("manifests");
    let back = back(dir.path(), RealDisk::shared(), &objects).unwrap();
    assert_eq!(objects.lists("manifests") - asked, 3, "whose it is, that nobody is ahead, and what is old");
    assert!(back.files > 0 && back.strangers.len() == 2, "{back:?}");
}

#[tokio::test]
async fn what_cannot_be_moved_stays_where_it_is() {
    let (objects, dir) = (Flaky::new(), tempfile::tempdir().unwrap());
    let refused = |way: Way, objects: &Flaky, why: &str| {
        let err = way.go(dir.path(), RealDisk::shared(), objects).unwrap_err();
        let told = crate::native::health::chain(&err);
        assert!(told.contains(why), "{told}");
    };
    std::fs::create_dir_all(paths::log_dir(dir.path())).unwrap();
    refused(Way::There, &objects, "there is nothing in");
    refused(Way::Back, &objects, "was not used with this object store");
    {
        let store = try_local(dir.path()).unwrap();
        store.write(batch(1)).await.unwrap();
        store.flush().await.unwrap();
    }
    refused(Way::Back, &objects, "keeps its segments itself");
    let taken = Flaky::new();
    open(tempfile::tempdir().unwrap().path(), &taken).write(batch(1)).await.unwrap();
    refused(Way::There, &taken, "another data folder; choose an empty prefix");
    let stray = format!("{PREFIX}/segments/seg-0000000000000099.parquet");
    objects.inner.put(&stray.as_str().into(), "x".into()).await.unwrap();
    refused(Way::There, &objects, "seg-0000000000000099.parquet of something else");
    objects.inner.delete(&stray.into()).await.unwrap();

    // An upload of the same size with other bytes: what is there is read back before anything goes.
    let name = format!("{PREFIX}/segments/seg-0000000000000001.parquet");
    let path = paths::segment_file(&paths::segment_dir(dir.path()), 1);
    let sound = std::fs::read(&path).unwrap();
    let mut damaged = sound.clone();
    damaged[100] ^= 1;
    objects.inner.put(&name.as_str().into(), damaged.clone().into()).await.unwrap();
    refused(Way::There, &objects, "what came back from s3://test is not what was sent");
    objects.inner.delete(&name.into()).await.unwrap();
    // Damage is not carried over.
    std::fs::write(&path, &damaged).unwrap();
    refused(Way::There, &objects, "run `clearspan doctor`");
    std::fs::write(&path, &sound).unwrap();
    assert_eq!(try_local(dir.path()).unwrap().load_trace(&scope(), trace(1)).await.unwrap().len(), 4);
    assert!(names(&objects, "manifests").await.is_empty());
}

/// Some batches, each acknowledged; the last one is in the log alone.
async fn acknowledged(store: &NativeStore) -> Ledger {
    let mut ledger = Ledger::default();
    for number in 1..4 {
        let mut patches = batch(number);
        if number > 1 {
            store.flush().await.unwrap();
            patches.extend(late(number - 1));
        }
        let sent = ledger.send(patches.clone(), 0);
        store.write(patches).await.unwrap();
        ledger.acknowledge(sent, 0);
    }
    ledger
}

/// After a move that broke off a server starts with the object store, or without it, or both say what is to be done.
fn refusals_say_why(dir: &Path, objects: &Flaky, step: u64) {
    let without = try_local(dir).err();
    let with = try_open(dir, objects, &bucket_config(1 << 20)).err();
    let (Some(without), Some(with)) = (without, with) else { return };
    for refusal in [without, with] {
        let told = refusal.to_string();
        assert!(
            told.contains("was not finished") && told.contains("clearspan move"),
            "after {step} steps: {told}"
        );
    }
}

/// Goes a way that fails from its n-th step on, for every n. Afterwards it is gone again, or the other one: both end with
/// everything in one place.
async fn break_off_everywhere(way: Way, attempt: impl Fn(&Path, &Flaky, u64) -> bool) {
    for step in 0.. {
        let (objects, dir) = (Flaky::new(), tempfile::tempdir().unwrap());
        let ledger = acknowledged(&try_local(dir.path()).unwrap()).await;
        if way == Way::Back {
            there(dir.path(), RealDisk::shared(), &objects).unwrap();
        }
        let is_done = attempt(dir.path(), &objects, step);
        let objects = objects.reborn();
        if !is_done {
            refusals_say_why(dir.path(), &objects, step);
        }
        let next = if step % 2 == 0 { way } else { way.turned() };
        let is_local = match next.go(dir.path(), RealDisk::shared(), &objects) {
            Ok(_) => next == Way::Back,
            // It had not begun, or only its last word was missing: the folder has everything.
            Err(err) => {
                let why =
                    if next == Way::Back { "keeps its segments itself" } else { "choose an empty prefix" };
                assert!(err.to_string().contains(why), "after {step} steps: {err}");
                true
            }
        };
        let store = if is_local { try_local(dir.path()).unwrap() } else { open(dir.path(), &objects) };
        assert_eq!(ledger.check(&store, 0).await.unwrap(), [], "after {step} steps");
        if is_done {
            assert!(step > 8, "it has more than {step} steps");
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_the_object_store_breaks_off_loses_nothing() {
    for way in [Way::There, Way::Back] {
        let attempt = |dir: &Path, objects: &Flaky, step| {
            objects.go_down_after(step);
            way.go(dir, RealDisk::shared(), objects).is_ok()
        };
        break_off_everywhere(way, attempt).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_the_disk_breaks_off_loses_nothing() {
    for way in [Way::There, Way::Back] {
        let attempt = |dir: &Path, objects: &Flaky, step| {
            let disk = FaultyDisk::new(RealDisk::shared());
            disk.fail_some(&Op::CHANGES, "", Fault::Errno(EIO), step, u64::MAX);
            // A cache that cannot be written is no failure.
            way.go(dir, disk.shared(), objects).is_ok() && disk.failed() == 0
        };
        break_off_everywhere(way, attempt).await;
    }
}
