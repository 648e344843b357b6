use std::num::NonZeroUsize;

use super::*;
use crate::RunStore;
use crate::native::{self, CompactionConfig, NativeConfig, NativeStore, check, folder};
use crate::testing::build::run;

fn open(dir: &Path) -> Result<NativeStore> {
    NativeStore::open(NativeConfig {
        dir: dir.to_owned(),
        memory_bytes: NonZeroUsize::new(1 << 20).unwrap(),
        finish: Arc::new(|_| ()),
        compaction: CompactionConfig::default(),
    })
}

/// A backup of one run in a segment and one in the log.
async fn back_up(in_folder: &Path) -> PathBuf {
    let (data, to) = (in_folder.join("data"), in_folder.join("backup"));
    let store = open(&data).unwrap();
    store.write(vec![run(1, 1, |_| ())]).await.unwrap();
    store.flush().await.unwrap();
    store.write(vec![run(1, 2, |_| ())]).await.unwrap();
    let files = copy_runs(&data, &to, None).unwrap();
    Index::new("now".to_owned(), &files).store(&to).unwrap();
    to
}

fn assert_refused(dir: &Path) {
    let from = dir.parent().unwrap().join("backup");
    let refused = [
        open(dir).map(drop),
        check(dir).map(drop),
        copy_runs(dir, &dir.with_extension("copy"), None).map(drop),
        restore(&from, dir).map(drop),
    ];
    for err in refused.map(Result::unwrap_err) {
        let told = err.to_string();
        assert!(told.contains("was not finished; remove the folder and restore again"), "{told}");
    }
}

#[tokio::test]
async fn a_folder_is_refused_until_its_restore_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    let from = back_up(dir.path()).await;
    let to = dir.path().join("new");
    // As a process that is killed leaves it: nothing but the mark, or some of the files.
    std::fs::create_dir(&to).unwrap();
    folder::begin_restore(&to).unwrap();
    assert_refused(&to);
    std::fs::create_dir_all(paths::log_dir(&to)).unwrap();
    assert_refused(&to);
    std::fs::remove_dir_all(&to).unwrap();

    let report = restore(&from, &to).unwrap();
    assert_eq!((report.segments, report.rows), (1, 1));
    assert!(!paths::restoring_file(&to).exists());
    assert!(check(&to).unwrap().problems.is_empty());
    assert!(native::refuse_other_folder(&to).is_ok() && open(&to).is_ok());
}

#[tokio::test]
async fn a_restore_that_breaks_off_leaves_its_mark() {
    let dir = tempfile::tempdir().unwrap();
    let from = back_up(dir.path()).await;
    let files: Vec<PathBuf> =
        Index::load(&from).unwrap().files().iter().map(|file| file.path.clone()).collect();
    assert!(files.len() >= 4, "{files:?}");
    for (idx, file) in files.iter().enumerate() {
        let good = std::fs::read(from.join(file)).unwrap();
        for is_missing in [true, false] {
            match is_missing {
                true => std::fs::remove_file(from.join(file)).unwrap(),
                false => std::fs::write(from.join(file), &good[..good.len() - 1]).unwrap(),
            }
            let to = dir.path().join(format!("new-{idx}-{is_missing}"));
            restore(&from, &to).unwrap_err();
            assert_refused(&to);
            // The links of the backup are the files of the data folder.
            let _gone = std::fs::remove_file(from.join(file));
            std::fs::write(from.join(file), &good).unwrap();
        }
    }
    restore(&from, &dir.path().join("whole")).unwrap();
}

#[tokio::test]
async fn a_look_leaves_no_lock_behind() {
    let dir = tempfile::tempdir().unwrap();
    back_up(dir.path()).await;
    let data = dir.path().join("data");
    let lock = paths::lock_file(&data);
    assert!(lock.exists());
    std::fs::remove_file(&lock).unwrap();
    assert!(check(&data).unwrap().problems.is_empty());
    assert!(!lock.exists());
    // Where there is one, it counts.
    let store = open(&data).unwrap();
    let err = check(&data).unwrap_err();
    assert!(native::is_in_use(&err), "{err}");
    drop(store);
    check(&data).unwrap();
    assert!(lock.exists());
    check(&dir.path().join("nowhere")).unwrap();
    assert!(!dir.path().join("nowhere").exists());
}
