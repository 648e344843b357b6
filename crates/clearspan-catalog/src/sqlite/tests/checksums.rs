//! Damage of the files is found, and nothing else is taken for it.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use clearspan_model::{ErrorKind, UnixNanos};
use rusqlite::Connection;

use super::super::SqliteCatalog;
use super::super::guard::sums_file;
use super::super::main_file::beside;
use super::super::sums::Sums;
use super::super::wal::Wal;
use super::{forget_checksums, project_name};
use crate::Catalog as _;

const PAGE: usize = 4_096;
const FRAME: usize = PAGE + 24;

fn make_project(catalog: &SqliteCatalog, name: &str) {
    let workspace = catalog.default_workspace().unwrap();
    catalog.get_or_create_project(workspace.id, &project_name(name), UnixNanos::from_nanos(1)).unwrap();
}

fn projects(catalog: &SqliteCatalog) -> usize {
    catalog.list_projects(catalog.default_workspace().unwrap().id).unwrap().len()
}

/// Rows in each table.
fn fill(catalog: &SqliteCatalog) {
    let db = catalog.connection.lock();
    db.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").unwrap();
    let mut tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let tables: Vec<String> =
        tables.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    assert!(tables.len() > 20);
    for table in tables {
        let mut columns = db.prepare(&format!("PRAGMA table_info({table})")).unwrap();
        let columns: Vec<String> =
            columns.query_map([], |row| row.get(2)).unwrap().collect::<Result<_, _>>().unwrap();
        for number in 10..13 {
            let value = |kind: &String| match kind.as_str() {
                "TEXT" => format!("'a text of row {number}'"),
                "BLOB" => "randomblob(16)".to_owned(),
                _ => number.to_string(),
            };
            let values: Vec<_> = columns.iter().map(value).collect();
            db.execute_batch(&format!("INSERT INTO {table} VALUES ({})", values.join(", "))).unwrap();
        }
    }
    db.execute_batch("PRAGMA foreign_keys = ON; PRAGMA ignore_check_constraints = OFF").unwrap();
}

fn flip(path: &Path, at: usize, bit: u8) {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at as u64).unwrap();
    file.write_all_at(&[byte[0] ^ 1 << bit], at as u64).unwrap();
}

/// What a crash would leave at this moment.
fn snapshot(path: &Path, name: &str) -> PathBuf {
    let to = path.parent().unwrap().join(name);
    fs::create_dir_all(&to).unwrap();
    for end in ["", "-wal", "-sums"] {
        let source = beside(path, end);
        if source.exists() {
            fs::copy(source, beside(&to.join("catalog.sqlite"), end)).unwrap();
        }
    }
    to.join("catalog.sqlite")
}

fn assert_sound(path: &Path, count: usize) {
    for _ in 0..2 {
        let catalog = SqliteCatalog::open(path).unwrap();
        catalog.check_integrity().unwrap();
        assert_eq!(projects(&catalog), count);
    }
    assert!(!beside(path, "-wal").exists(), "it was closed in order");
}

#[test]
fn a_bit_that_flips_in_a_closed_catalog_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("catalog.sqlite");
    fill(&SqliteCatalog::open(&path).unwrap());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3, "the log was taken away");
    let len = fs::metadata(&path).unwrap().len() as usize;
    for (number, at) in (0..len).step_by(97).enumerate() {
        flip(&path, at, (number % 8) as u8);
        let err = SqliteCatalog::open(&path).unwrap_err();
        assert_eq!(err.kind(), ErrorKind::Corrupt);
        let told = format!("written: {};", at / PAGE + 1);
        assert!(err.to_string().contains(&told) && err.to_string().contains("accept-catalog"), "{err}");
        flip(&path, at, (number % 8) as u8);
    }
    let sums = sums_file(&path);
    for at in 0..fs::metadata(&sums).unwrap().len() as usize {
        flip(&sums, at, 3);
        assert_eq!(SqliteCatalog::open(&path).unwrap_err().kind(), ErrorKind::Corrupt, "{at}");
        flip(&sums, at, 3);
    }
    let bytes = fs::read(&path).unwrap();
    for other in [&bytes[..len - PAGE], &bytes[..len - 1], &[&bytes[..], &[0]].concat()] {
        fs::write(&path, other).unwrap();
        assert_eq!(SqliteCatalog::open(&path).unwrap_err().kind(), ErrorKind::Corrupt);
    }
    fs::write(&path, &bytes).unwrap();
    assert_eq!(projects(&SqliteCatalog::open(&path).unwrap()), 0, "those are of other workspaces");
}

#[test]
fn a_crash_in_a_checkpoint_is_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("catalog.sqlite");
    let catalog = SqliteCatalog::open(&path).unwrap();
    for number in 0..40 {
        make_project(&catalog, &format!("{number}-{}", "x".repeat(200)));
    }
    let before = fs::read(&path).unwrap();
    *catalog.guard.at_step.lock() = Some(|path, step| drop(snapshot(path, &step.to_string())));
    assert!(catalog.guard.checkpoint(&catalog.connection.lock()).unwrap());
    *catalog.guard.at_step.lock() = None;
    let after = fs::read(&path).unwrap();
    assert!(after.len() > before.len() || after != before);
    let at_step = |step: usize| dir.path().join(step.to_string()).join("catalog.sqlite");
    // In the middle: a page is half of what it was and half of what it will be, others are either.
    let torn = snapshot(&at_step(1), "torn");
    let changed: Vec<_> = (0..after.len() / PAGE)
        .filter(|page| {
            before.get(page * PAGE..(page + 1) * PAGE) != Some(&after[page * PAGE..(page + 1) * PAGE])
        })
        .collect();
    assert!(changed.len() > 2);
    let file = fs::OpenOptions::new().write(true).open(&torn).unwrap();
    for (number, page) in changed.iter().enumerate() {
        let len = [PAGE, 0, PAGE / 2][number % 3];
        file.write_all_at(&after[page * PAGE..page * PAGE + len], (page * PAGE) as u64).unwrap();
    }
    drop(file);
    for path in [at_step(0), at_step(1), at_step(2), at_step(3), torn] {
        let look = SqliteCatalog::open_to_look(&path).unwrap();
        look.check_integrity().unwrap_or_else(|err| panic!("{}: {err}", path.display()));
        drop(look);
        // The log may have begun anew before the sums said that all is settled.
        assert_sound(&path, 40);
    }
    // A page that no checkpoint was about to change is compared all the same.
    let again = snapshot(&path, "again");
    let still = (0..before.len() / PAGE).find(|page| !changed.contains(page)).unwrap();
    flip(&again, still * PAGE + 7, 1);
    assert_eq!(SqliteCatalog::open(&again).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn an_unsettled_page_is_compared_once_the_log_has_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("catalog.sqlite");
    let catalog = SqliteCatalog::open(&path).unwrap();
    make_project(&catalog, "one");
    *catalog.guard.at_step.lock() = Some(|path, step| drop(snapshot(path, &step.to_string())));
    assert!(catalog.guard.checkpoint(&catalog.connection.lock()).unwrap());
    let crashed = dir.path().join("2/catalog.sqlite");
    fs::remove_file(beside(&crashed, "-wal")).unwrap();
    let good = snapshot(&crashed, "good");
    let sums = Sums::load(&sums_file(&crashed)).unwrap().unwrap().unwrap();
    let page = *sums.unsettled.last().unwrap() as usize;
    flip(&crashed, (page - 1) * PAGE + 5, 0);
    assert_eq!(SqliteCatalog::open(&crashed).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_sound(&good, 1);
}

#[test]
fn an_older_folder_gets_checksums() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("catalog.sqlite");
    make_project(&SqliteCatalog::open(&path).unwrap(), "p");
    forget_checksums(&path);
    // Left by a server that was killed.
    let older = Connection::open(&path).unwrap();
    older.execute_batch("UPDATE projects SET name = 'q'").unwrap();
    let killed = snapshot(&path, "killed");
    drop(older);
    for path in [path.clone(), killed] {
        assert!(!sums_file(&path).exists());
        assert_sound(&path, 1);
        flip(&path, 9_000, 1);
        assert_eq!(SqliteCatalog::open(&path).unwrap_err().kind(), ErrorKind::Corrupt);
        flip(&path, 9_000, 1);
    }
    // What SQLite finds damaged gets none.
    forget_checksums(&path);
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&[0x55; PAGE], 2 * PAGE as u64).unwrap();
    assert_eq!(SqliteCatalog::open(&path).unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(!sums_file(&path).exists());
}

/// Of a server that was killed after some commits: the path, and where in the log each commit ends.
fn killed_after_commits(dir: &Path) -> (PathBuf, Vec<usize>) {
    let path = dir.join("catalog.sqlite");
    let catalog = SqliteCatalog::open(&path).unwrap();
    let ends = (0..6).map(|number| {
        make_project(&catalog, &format!("project {number}"));
        // Behind it lies what was in the log before it began anew.
        32 + FRAME * Wal::read(&beside(&path, "-wal"), 4_096).unwrap().frames as usize
    });
    let ends = ends.collect();
    (snapshot(&path, "killed"), ends)
}

#[test]
fn a_log_that_hides_commits_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (path, ends) = killed_after_commits(dir.path());
    let wal = beside(&path, "-wal");
    let good = fs::read(&wal).unwrap();
    assert!(good.len() > ends[5] + 10 * FRAME);
    // Two commits must be behind it.
    for (number, at) in (0..32).chain((32..ends[3]).step_by(211)).enumerate() {
        flip(&wal, at, (number % 8) as u8);
        let err = SqliteCatalog::open(&path).unwrap_err();
        assert_eq!(err.kind(), ErrorKind::Corrupt, "{at}: {err}");
        assert!(err.to_string().contains("write-ahead log"), "{err}");
        let look = SqliteCatalog::open_to_look(&path);
        let found = look.and_then(|look| look.check_integrity()).unwrap_err();
        assert_eq!(found.kind(), ErrorKind::Corrupt, "{at}");
        flip(&wal, at, (number % 8) as u8);
    }
    let _shm = fs::remove_file(beside(&path, "-shm"));
    let accepted = snapshot(&path, "accepted");
    flip(&beside(&accepted, "-wal"), ends[2] + 100, 1);
    SqliteCatalog::accept(&accepted).unwrap();
    assert_sound(&accepted, 3);
    assert_sound(&path, 6);
}

#[test]
fn a_log_whose_last_commit_is_torn_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let (path, ends) = killed_after_commits(dir.path());
    let wal = fs::read(beside(&path, "-wal")).unwrap();
    let mut torn = Vec::new();
    for len in (ends[4]..ends[5]).step_by(977) {
        torn.push(wal[..len].to_vec());
        // The file grew, and the bytes did not arrive.
        let mut longer = wal.clone();
        longer[len..].fill(0);
        torn.push(longer);
    }
    // The end of the commit arrived, and its begin did not.
    let mut late = wal.clone();
    late[ends[4]..ends[5] - FRAME].fill(0);
    torn.push(late);
    for (number, bytes) in torn.into_iter().enumerate() {
        let path = snapshot(&path, &number.to_string());
        fs::write(beside(&path, "-wal"), bytes).unwrap();
        assert_sound(&path, 5);
    }
    // Behind a log that began anew lies what was before.
    let catalog = SqliteCatalog::open(&path).unwrap();
    make_project(&catalog, "the first of a new log");
    let again = snapshot(&path, "again");
    assert_eq!(fs::read(beside(&again, "-wal")).unwrap().len(), wal.len());
    assert_sound(&again, 7);
}

#[test]
fn what_writes_beside_is_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("catalog.sqlite");
    let server = SqliteCatalog::open(&path).unwrap();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers = [0, 1].map(|writer| {
            let (path, server) = (&path, &server);
            scope.spawn(move || {
                for number in 0..60 {
                    let name = format!("{writer} {number}");
                    match writer {
                        0 => make_project(server, &name),
                        // As `clearspan keys` does.
                        _ => make_project(&SqliteCatalog::open(path).unwrap(), &name),
                    }
                    if number % 4 == 0 {
                        server.scrub().unwrap();
                    }
                }
            })
        });
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                SqliteCatalog::open_to_look(&path).unwrap().check_integrity().unwrap();
            }
        });
        for writer in writers {
            writer.join().unwrap();
        }
        is_done.store(true, Ordering::Relaxed);
    });
    drop(server);
    assert_sound(&path, 120);
}

#[test]
fn a_log_that_grew_goes_to_the_main_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("catalog.sqlite");
    let catalog = SqliteCatalog::open(&path).unwrap();
    make_project(&catalog, "p");
    let write = |bytes: usize| {
        let sql = format!("INSERT INTO example_payloads (inputs) VALUES (hex(zeroblob({})))", bytes / 2);
        catalog.with("write", |db| db.execute_batch(&sql)).unwrap();
    };
    (0..12).for_each(|_| write(1 << 20));
    let len = |path: &Path| fs::metadata(path).unwrap().len();
    assert!(len(&path) > 6 << 20, "{}", len(&path));
    assert!(len(&beside(&path, "-wal")) < 9 << 20);
    catalog.check_integrity().unwrap();
    let killed = snapshot(&path, "killed");
    drop(catalog);
    assert_sound(&killed, 1);
    assert_sound(&path, 1);
}

#[test]
fn a_damaged_catalog_is_not_copied_and_a_copy_has_checksums() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("catalog.sqlite");
    let catalog = SqliteCatalog::open(&path).unwrap();
    make_project(&catalog, "p");
    for name in ["one", "two"] {
        let copy = dir.path().join(name);
        SqliteCatalog::copy(&path, &copy).unwrap();
        assert!(!sums_file(&copy).exists());
    }
    assert_eq!(fs::read(dir.path().join("one")).unwrap(), fs::read(dir.path().join("two")).unwrap());
    assert_sound(&dir.path().join("one"), 1);
    let copy = dir.path().join("copy");
    let sums = SqliteCatalog::copy_with_sums(&path, &copy).unwrap();
    assert_eq!(sums, sums_file(&copy));
    assert_sound(&copy, 1);
    flip(&copy, 5_000, 1);
    assert_eq!(SqliteCatalog::open(&copy).unwrap_err().kind(), ErrorKind::Corrupt);
    drop(catalog);
    flip(&path, 5_000, 1);
    let err = SqliteCatalog::copy(&path, &dir.path().join("three")).unwrap_err();
    assert!(err.kind() == ErrorKind::Corrupt && !dir.path().join("three").exists(), "{err}");
}

#[test]
fn a_change_that_was_wanted_can_be_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("catalog.sqlite");
    make_project(&SqliteCatalog::open(&path).unwrap(), "p");
    Connection::open(&path).unwrap().execute_batch("UPDATE projects SET name = 'q'").unwrap();
    assert_eq!(SqliteCatalog::open(&path).unwrap_err().kind(), ErrorKind::Corrupt);
    SqliteCatalog::accept(&path).unwrap();
    let catalog = SqliteCatalog::open(&path).unwrap();
    let workspace_id = catalog.default_workspace().unwrap().id;
    assert_eq!(catalog.list_projects(workspace_id).unwrap()[0].name.as_str(), "q");
    let err = SqliteCatalog::accept(&path).unwrap_err();
    assert!(err.kind() == ErrorKind::Conflict && err.to_string().contains("stop the server"), "{err}");
    drop(catalog);
    flip(&sums_file(&path), 20, 1);
    assert_eq!(SqliteCatalog::open(&path).unwrap_err().kind(), ErrorKind::Corrupt);
    SqliteCatalog::accept(&path).unwrap();
    assert_sound(&path, 1);
    // What SQLite finds damaged stays as it is, with its log.
    let catalog = SqliteCatalog::open(&path).unwrap();
    make_project(&catalog, "in the log");
    let killed = snapshot(&path, "killed");
    let mut bytes = fs::read(&killed).unwrap();
    let last = bytes.len() - PAGE;
    bytes[last..].fill(0x55);
    fs::write(&killed, &bytes).unwrap();
    let log = fs::read(beside(&killed, "-wal")).unwrap();
    assert_eq!(SqliteCatalog::accept(&killed).unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(fs::read(&killed).unwrap() == bytes && fs::read(beside(&killed, "-wal")).unwrap() == log);
}

#[test]
fn nothing_in_these_files_makes_it_panic() {
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = killed_after_commits(dir.path());
    let (wal, sums) = (beside(&path, "-wal"), sums_file(&path));
    let (good_wal, good_sums) = (fs::read(&wal).unwrap(), fs::read(&sums).unwrap());
    for len in (0..good_sums.len()).step_by(3) {
        fs::write(&sums, &good_sums[..len]).unwrap();
        assert!(Sums::load(&sums).unwrap().unwrap().is_err());
        // With a checksum of its own, whatever it says.
        let mut bytes = good_sums.clone();
        bytes[8 + len % 24] ^= 0x83;
        bytes.truncate(32 + len);
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        fs::write(&sums, &bytes).unwrap();
        let _any = Sums::load(&sums).unwrap();
        let _any = SqliteCatalog::open_to_look(&path).and_then(|look| look.check_integrity());
    }
    for at in 0..200 {
        let mut bytes = good_wal.clone();
        bytes[at % 64] ^= 0x5a;
        bytes[(at * 53) % 9_000] = 0xff;
        bytes.truncate(good_wal.len() - at * 101);
        fs::write(&wal, &bytes).unwrap();
        for page_size in [512, 4_096, 65_536] {
            let _any = Wal::read(&wal, page_size).unwrap();
        }
    }
}

#[test]
fn who_may_read_the_catalog_may_read_what_is_beside_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("catalog.sqlite");
    drop(SqliteCatalog::open(&path).unwrap());
    forget_checksums(&path);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    drop(SqliteCatalog::open(&path).unwrap());
    for end in ["-sums", "-lock"] {
        assert_eq!(fs::metadata(beside(&path, end)).unwrap().permissions().mode() & 0o777, 0o640, "{end}");
    }
}
