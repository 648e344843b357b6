//! A scrub beside a serving store: it tells of what the disk damaged, and mends what memory still has.

use std::num::NonZeroU64;
use std::time::Instant;

use super::rot::{Answers, ask, ask_store, damage, files_below, fill_folder, missing, stored_files};
use super::*;
use crate::DeletionTarget;
use crate::testing::build::deletion;

const FAST: NonZeroU64 = NonZeroU64::MAX;

#[tokio::test]
async fn a_sound_store_has_nothing_to_tell_of() {
    let dir = tempfile::tempdir().unwrap();
    fill_folder(dir.path()).await;
    let store = open(dir.path());
    let report = store.scrub(FAST).await.unwrap();
    assert_eq!((report.problems.as_slice(), report.notes.as_slice()), ([].as_slice(), [].as_slice()));
    let files = files_below(&paths::segment_dir(dir.path()));
    let parquet =
        files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "parquet"));
    let bytes: u64 = parquet.clone().map(|path| std::fs::metadata(path).unwrap().len()).sum();
    assert_eq!((report.segments, report.bytes), (parquet.count(), bytes));
    assert!(report.log_files > 0);
    assert_eq!(store.warnings(), [] as [String; 0]);
}

/// Every kind of file, damaged while the store has it open.
#[tokio::test]
async fn what_rots_while_the_store_serves_is_found() {
    let original = tempfile::tempdir().unwrap();
    fill_folder(original.path()).await;
    let sound = tempfile::tempdir().unwrap();
    copy_folder(original.path(), sound.path());
    let truth: Answers = ask(sound.path()).await.unwrap();
    let files = stored_files(original.path());
    let (mut dice, mut told, mut mended) = (Dice(5), 0, 0);
    for round in 0..90 {
        let copy = tempfile::tempdir().unwrap();
        copy_folder(original.path(), copy.path());
        let store = open(copy.path());
        // What is asked first is in memory, and its checksums are.
        assert_eq!(ask_store(&store).await, truth);
        let file = &files[round % files.len()];
        let before = std::fs::read(copy.path().join(file)).unwrap();
        let mut bytes = before.clone();
        let what = damage(&mut bytes, &mut dice);
        if bytes == before {
            continue;
        }
        std::fs::write(copy.path().join(file), &bytes).unwrap();
        let context = format!("round {round}: {what} in {}", file.display());
        let report = store.scrub(FAST).await.expect(&context);
        if file.starts_with("runs/segments") {
            let name = file.with_extension("");
            let name = name.file_name().unwrap().to_string_lossy();
            let is_named = |problem: &crate::Problem| problem.file.contains(name.split('.').next().unwrap());
            assert!(report.problems.iter().any(is_named), "{context}: {report:?}");
            assert!(!store.warnings().is_empty(), "{context}");
            missing(&truth, &ask_store(&store).await, &context);
            std::fs::write(copy.path().join(file), &before).unwrap();
            assert_eq!(store.scrub(FAST).await.expect(&context).problems, [], "{context}: mended");
            assert_eq!(store.warnings(), [] as [String; 0], "{context}: mended");
            told += 1;
            continue;
        }
        assert_eq!(report.problems, [], "{context}: memory had it");
        drop(store);
        assert_eq!(check(copy.path()).unwrap().problems, [], "{context}");
        assert_eq!(ask(copy.path()).await.unwrap(), truth, "{context}");
        mended += 1;
    }
    assert!(told > 20 && mended > 8, "{told} {mended}");
}

#[tokio::test]
async fn damaged_tombstones_are_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.write(vec![run(1, 1, |_| ()), run(2, 2, |_| ())]).await.unwrap();
    store.flush().await.unwrap();
    let target = DeletionTarget::Traces(vec![trace(1)]);
    store.delete(&deletion(target)).await.unwrap();
    store.flush().await.unwrap();
    let numbers = paths::tombstones_numbers(&disk::RealDisk, dir.path()).unwrap();
    let file = paths::tombstones_file(dir.path(), numbers[0]);
    let mut bytes = std::fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let report = store.scrub(FAST).await.unwrap();
    assert_eq!((report.problems.len(), report.notes.len()), (0, 1), "{report:?}");
    drop(store);
    let store = open(dir.path());
    store.write(vec![run(1, 3, |_| ())]).await.unwrap();
    assert_eq!(store.load_trace(&scope(), trace(1)).await.unwrap(), []);
    assert_eq!(store.load_trace(&scope(), trace(2)).await.unwrap().len(), 1);
}

/// What nobody waits for ends, and a pace is kept.
#[tokio::test]
async fn a_scrub_goes_at_its_pace() {
    let dir = tempfile::tempdir().unwrap();
    fill_folder(dir.path()).await;
    let store = open(dir.path());
    let bytes = store.scrub(FAST).await.unwrap().bytes;
    let begin = Instant::now();
    let half_a_second = NonZeroU64::new(bytes * 2).unwrap();
    store.scrub(half_a_second).await.unwrap();
    assert!(begin.elapsed() > std::time::Duration::from_millis(450), "{:?}", begin.elapsed());
    // It would take a day.
    let slow = NonZeroU64::new(bytes.div_ceil(86_400)).unwrap();
    let given_up = tokio::time::timeout(std::time::Duration::from_millis(50), store.scrub(slow)).await;
    assert!(given_up.is_err());
    let begin = Instant::now();
    drop(store);
    assert!(begin.elapsed() < std::time::Duration::from_secs(60));
    open(dir.path());
}
