//! What was acknowledged survives a power cut at any moment, whatever the disk made of what was not synced.
//!
//! A store works on a [`SimulatedDisk`], which keeps a journal. Then, for many moments of it, the disk that a cut may have
//! left is opened, and read. `CLEARSPAN_CRASH_STATES` sets for how many (120 unless told otherwise).

use super::*;
use crate::native::disk::WriteFile;
use crate::native::disk::faulty::{EIO, Fault, FaultyDisk, Op};
use crate::native::disk::simulated::SimulatedDisk;
use crate::native::disk::{Disk, ReadFile, Space};
use crate::testing::build::version;
use crate::testing::ledger::{Ledger, Violation};

fn states() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a switch of the tests, not a setting")]
    let states = std::env::var("CLEARSPAN_CRASH_STATES").ok();
    states.and_then(|text| text.parse().ok()).unwrap_or(120)
}

fn config(dir: &Path) -> NativeConfig {
    super::config(dir, 64 << 20)
}

/// Runs of trace `number / 3`, which lies across three batches.
fn batch(number: u32) -> Vec<Run> {
    let runs = (0..3).map(|id| {
        run(number / 3, number * 3 + id, |run| {
            run.error = Some("x".repeat(1 + (number as usize * 331) % 2_000));
            if id == 2 {
                run.end_time = None;
            }
        })
    });
    runs.collect()
}

/// The end of a run that was pending.
fn completion(number: u32) -> Vec<Run> {
    let done = run(number / 3, number * 3 + 2, |run| {
        run.versions = Versions::all(version(2));
        run.end_time = Some(at(9_999_000));
    });
    vec![done]
}

/// Batches, late patches, flushes and restarts; what is refused is not acknowledged.
async fn work(
    dir: &Path,
    disk: &DiskRef,
    clock: impl Fn() -> usize,
    dice: &mut Dice,
    batches: u32,
) -> Ledger {
    let mut ledger = Ledger::default();
    let mut store = NativeStore::open_on(config(dir), Arc::clone(disk)).unwrap();
    for number in 0..batches {
        let mut patches = vec![batch(number)];
        if number > 2 && dice.one_in(2) {
            patches.push(completion(number - 2));
        }
        for patches in patches {
            let sent = ledger.send(patches.clone(), clock());
            if store.write(patches).await.is_ok() {
                ledger.acknowledge(sent, clock());
            } else {
                wait_until_writable(&store).await;
            }
        }
        if dice.one_in(3) {
            // A flush that fails delays what it has to write; nothing of it is lost.
            let _flushed = store.flush().await;
        }
        if dice.one_in(6) {
            drop(store);
            store = NativeStore::open_on(config(dir), Arc::clone(disk)).unwrap();
        }
    }
    ledger
}

/// Opens what a cut left, reads it, writes on, and restarts. An error of the start is a violation, too.
async fn reopen(dir: &Path, disk: &SimulatedDisk, ledger: &Ledger, now: usize) -> Vec<Violation> {
    let mut ledger = ledger.clone();
    let context = format!("cut behind {now} entries");
    let store = NativeStore::open_on(config(dir), disk.shared()).expect(&context);
    let found = ledger.check(&store, now).await.expect(&context);
    if !found.is_empty() {
        return found;
    }
    let sent = ledger.send(batch(300), now);
    store.write(batch(300)).await.expect(&context);
    ledger.acknowledge(sent, now);
    store.flush().await.expect(&context);
    drop(store);
    let store = NativeStore::open_on(config(dir), disk.shared()).expect(&context);
    ledger.check(&store, now).await.expect(&context)
}

/// Cuts at many moments, and once more while the store recovers.
async fn cut_and_check(
    dir: &Path,
    disk: &SimulatedDisk,
    ledger: &Ledger,
    dice: &mut Dice,
    states: u64,
) -> usize {
    let mut violations = 0;
    for _ in 0..states {
        let now = usize::try_from(dice.below(disk.journal_len() as u64 + 1)).unwrap();
        let mut cut = disk.after_power_cut(now, dice);
        if dice.one_in(3) {
            drop(NativeStore::open_on(config(dir), cut.shared()).unwrap());
            let during = usize::try_from(dice.below(cut.journal_len() as u64 + 1)).unwrap();
            cut = cut.after_power_cut(during, dice);
        }
        let found = reopen(dir, &cut, ledger, now).await;
        violations += usize::from(!found.is_empty());
    }
    violations
}

#[tokio::test]
async fn acknowledged_runs_survive_a_power_cut_at_any_moment() {
    let rounds = 3;
    for seed in 0..rounds {
        let (dir, disk, mut dice) = (tempfile::tempdir().unwrap(), SimulatedDisk::default(), Dice(seed));
        let clock = || disk.journal_len();
        let ledger = work(dir.path(), &disk.shared(), clock, &mut dice, 14).await;
        assert_eq!(ledger.acknowledged(disk.journal_len()), 14 * 3);
        assert_eq!(
            cut_and_check(dir.path(), &disk, &ledger, &mut dice, states() / rounds).await,
            0,
            "seed {seed}"
        );
    }
}

/// The control: where syncs do nothing, most cuts must lose something, and the check must say so.
#[tokio::test]
async fn a_disk_that_lies_about_syncs_is_found_out() {
    let (dir, disk, mut dice) = (tempfile::tempdir().unwrap(), SimulatedDisk::lying(), Dice(5));
    let clock = || disk.journal_len();
    let ledger = work(dir.path(), &disk.shared(), clock, &mut dice, 14).await;
    let mut seen = 0;
    for _ in 0..30 {
        let cut = disk.after_power_cut(disk.journal_len(), &mut dice);
        let violated = match NativeStore::open_on(config(dir.path()), cut.shared()) {
            Ok(store) => !matches!(ledger.check(&store, disk.journal_len()).await.as_deref(), Ok([])),
            Err(_) => true,
        };
        seen += usize::from(violated);
    }
    assert!(seen >= 20, "only {seen} of 30 cuts were noticed");
}

/// Syncs of the log that fail now and then, and a power cut: what they covered is gone, and was never acknowledged.
#[tokio::test]
async fn failed_syncs_acknowledge_nothing() {
    let per_round = states() / 6 + 1;
    for nth in 0..6 {
        let (dir, disk, mut dice) = (tempfile::tempdir().unwrap(), SimulatedDisk::default(), Dice(nth));
        disk.fail_syncs("log-", nth + 1, 1 + nth % 2);
        let clock = || disk.journal_len();
        let ledger = work(dir.path(), &disk.shared(), clock, &mut dice, 8).await;
        assert!(disk.failed_syncs() > 0, "no sync failed; the test shows nothing");
        let violations = cut_and_check(dir.path(), &disk, &ledger, &mut dice, per_round).await;
        assert_eq!(violations, 0, "sync {nth} failed");
    }
}

/// What many programs do when a sync fails: they try again, and believe the second answer.
#[derive(Debug)]
struct Forgiving(DiskRef);

#[derive(Debug)]
struct ForgivingFile(Box<dyn WriteFile>);

impl std::io::Write for ForgivingFile {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl WriteFile for ForgivingFile {
    fn sync(&mut self) -> std::io::Result<()> {
        self.0.sync().or_else(|_| self.0.sync())
    }
}

impl Disk for Forgiving {
    fn create(&self, path: &Path) -> std::io::Result<Box<dyn WriteFile>> {
        Ok(Box::new(ForgivingFile(self.0.create(path)?)))
    }
    fn open(&self, path: &Path) -> std::io::Result<Arc<dyn ReadFile>> {
        self.0.open(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove(&self, path: &Path) -> std::io::Result<()> {
        self.0.remove(path)
    }
    fn truncate(&self, path: &Path, len: u64) -> std::io::Result<()> {
        self.0.truncate(path, len)
    }
    fn make_dir(&self, dir: &Path) -> std::io::Result<()> {
        self.0.make_dir(dir)
    }
    fn sync_dir(&self, dir: &Path) -> std::io::Result<()> {
        self.0.sync_dir(dir)
    }
    fn list(&self, dir: &Path) -> std::io::Result<Vec<std::ffi::OsString>> {
        self.0.list(dir)
    }
    fn exists(&self, path: &Path) -> std::io::Result<bool> {
        self.0.exists(path)
    }
    fn space(&self, dir: &Path) -> std::io::Result<Space> {
        self.0.space(dir)
    }
}

/// The control of the test above it.
#[tokio::test]
async fn trusting_a_sync_that_was_tried_again_is_found_out() {
    let mut seen = 0;
    for nth in 0..6 {
        let (dir, disk, mut dice) = (tempfile::tempdir().unwrap(), SimulatedDisk::default(), Dice(nth));
        disk.fail_syncs("log-", nth + 2, 1);
        let forgiving: DiskRef = Arc::new(Forgiving(disk.shared()));
        let clock = || disk.journal_len();
        let ledger = work(dir.path(), &forgiving, clock, &mut dice, 8).await;
        for _ in 0..6 {
            let cut = disk.after_power_cut(disk.journal_len(), &mut dice);
            let violated = match NativeStore::open_on(config(dir.path()), cut.shared()) {
                Ok(store) => !matches!(ledger.check(&store, disk.journal_len()).await.as_deref(), Ok([])),
                Err(_) => true,
            };
            seen += usize::from(violated);
        }
    }
    assert!(seen > 0, "bytes that a failed sync dropped were not missed");
}

/// A store that was refused something goes on by itself when the disk allows it again.
async fn wait_until_writable(store: &NativeStore) {
    for _ in 0..200 {
        if store.check_writable().is_ok() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("not writable after five seconds: {:?}", store.check_writable());
}

/// Each operation fails once, or for a while, with each error, at each of its first times: nothing is lost, reads go on,
/// and the same process takes writes again.
#[tokio::test]
async fn what_the_disk_refuses_is_neither_acknowledged_nor_lost() {
    use crate::native::disk::faulty::{EINTR, ENOSPC, EROFS};
    let faults =
        [Fault::Errno(EIO), Fault::Errno(ENOSPC), Fault::Errno(EROFS), Fault::Errno(EINTR), Fault::Short];
    let (mut injected, mut round) = (0, 0);
    for op in Op::CHANGES {
        for fault in faults {
            for (skip, times) in [(0, 1), (1, 1), (2, 3), (5, 1), (9, 2)] {
                if fault == Fault::Short && op != Op::Write {
                    continue;
                }
                round += 1;
                injected += refuse_and_heal(op, fault, skip, times, round).await;
            }
        }
    }
    assert!(injected > 100, "only {injected} operations failed; the test shows too little");
}

/// A full disk may have room for the head of a file: the log goes on when there is some for what it refused.
#[tokio::test]
async fn a_log_goes_on_when_there_is_room_for_records() {
    use crate::native::commit::RETRY;
    use crate::native::disk::faulty::ENOSPC;
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::new(SimulatedDisk::default().shared());
    let store = NativeStore::open_on(config(dir.path()), disk.shared()).unwrap();
    disk.fail_some(&[Op::Write], "log-", Fault::Errno(ENOSPC), 0, 1);
    disk.fail(&[Op::Write], "room", Fault::Errno(ENOSPC));
    assert!(store.write(batch(0)).await.is_err());
    let begun = std::time::Instant::now();
    while begun.elapsed() < 4 * RETRY {
        assert!(store.check_writable().is_err());
        tokio::time::sleep(RETRY / 50).await;
    }
    disk.heal();
    wait_until_writable(&store).await;
    store.write(batch(1)).await.unwrap();
    assert!(!disk.exists(&crate::native::paths::room_file(dir.path())).unwrap());
}

/// Who sends hears in time that the disk does not answer, and nothing more is accepted until it does.
#[tokio::test]
async fn a_disk_that_stalls_is_told_of() {
    use std::time::{Duration, Instant};
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::new(SimulatedDisk::default().shared());
    let store = NativeStore::open_on(config(dir.path()), disk.shared()).unwrap();
    store.write(batch(0)).await.unwrap();
    disk.fail_some(&[Op::Sync], "log-", Fault::Slow(Duration::from_secs(14)), 0, 1);
    let begin = Instant::now();
    let refused = store.write(batch(1)).await.unwrap_err();
    assert_eq!(refused.kind(), clearspan_model::ErrorKind::Unavailable, "{refused}");
    assert!(refused.to_string().contains("has not answered"), "{refused}");
    assert!((10..13).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    let at_once = Instant::now();
    assert!(store.check_writable().is_err() && store.write(batch(2)).await.is_err());
    assert!(at_once.elapsed() < Duration::from_secs(1), "{:?}", at_once.elapsed());
    while store.check_writable().is_err() {
        assert!(begin.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // What was refused became durable all the same; sent again it is there once.
    let mut ledger = Ledger::default();
    for number in [0, 1, 2, 3] {
        let sent = ledger.send(batch(number), 0);
        store.write(batch(number)).await.unwrap();
        ledger.acknowledge(sent, 0);
    }
    assert_eq!(ledger.check(&store, 0).await.unwrap(), []);
}

async fn refuse_and_heal(op: Op, fault: Fault, skip: u64, times: u64, seed: u64) -> u64 {
    let context = format!("{op:?} {fault:?} after {skip}, {times} times");
    let (dir, simulated, mut dice) = (tempfile::tempdir().unwrap(), SimulatedDisk::default(), Dice(seed));
    let disk = FaultyDisk::new(simulated.shared());
    let store = NativeStore::open_on(config(dir.path()), disk.shared()).expect(&context);
    let mut ledger = Ledger::default();
    disk.fail_some(&[op], "", fault, skip, times);
    for number in 0..8 {
        if number == 6 {
            disk.heal();
            wait_until_writable(&store).await;
        }
        let sent = ledger.send(batch(number), simulated.journal_len());
        let written = store.write(batch(number)).await;
        assert!(written.is_ok() || number < 6, "{context}: {written:?}");
        if written.is_ok() {
            ledger.acknowledge(sent, simulated.journal_len());
        }
        if number % 3 == 1 {
            let flushed = store.flush().await;
            assert!(flushed.is_ok() || number < 6, "{context}: {flushed:?}");
        }
        // Reads go on whatever happens to writes.
        let now = simulated.journal_len();
        assert_eq!(ledger.check(&store, now).await.expect(&context), [], "{context}, batch {number}");
    }
    let failed = disk.failed();
    let now = simulated.journal_len();
    drop(store);
    let cut = simulated.after_power_cut(simulated.journal_len(), &mut dice);
    assert_eq!(reopen(dir.path(), &cut, &ledger, now).await, [], "{context}, after a power cut");
    failed
}
