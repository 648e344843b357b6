//! Comparing everything on the disk with its checksums while the store serves: what rots is found while there still is a
//! backup to bring it back from, and not only when somebody asks for it.
//!
//! Files are read from front to back on a thread of low priority, and no faster than asked for. Segments are kept from
//! removal meanwhile, as by any reader. What is only on the disk is reported; what memory has as well (the log, the manifest,
//! the tombstones) is written anew.

use std::num::NonZeroU64;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clearspan_model::ErrorKind;
use tokio::sync::oneshot;

use super::NativeStore;
use super::blocks::Meter;
use super::check::Check;
use super::health::chain;
use super::state::Shared;
use crate::error::Context;
use crate::pool::be_nice;
use crate::{CheckReport, Error, Problem, Result};

/// Nothing waits for it.
const NICENESS: u8 = 15;
/// The longest nap: within this time it notices that nobody wants the answer any more.
const NAP: Duration = Duration::from_millis(50);

pub(super) async fn scrub(store: &NativeStore, bytes_per_second: NonZeroU64) -> Result<CheckReport> {
    let mut report = on_a_thread(&store.shared, bytes_per_second, files).await?;
    let (in_memory, has_torn_end) = on_a_thread(&store.shared, bytes_per_second, kept_in_memory).await?;
    report.log_files = in_memory.log_files;
    report.notes.extend(in_memory.notes);
    // A torn end is a record on its way, or the last one damaged: then it is in memory, too.
    if has_torn_end || !in_memory.problems.is_empty() {
        let before = in_memory.problems;
        // What cannot be written now is still a problem below.
        if let Err(err) = write_anew(store).await {
            tracing::warn!(error = chain(&err), "what the disk damaged could not be written anew");
        }
        let left = on_a_thread(&store.shared, bytes_per_second, kept_in_memory).await?.0.problems;
        let is_mended = |problem: &&Problem| !left.iter().any(|still| still.file == problem.file);
        report.notes.extend(before.iter().filter(is_mended).map(|Problem { file, what, .. }| {
            format!("{file}: {what}; what it held was in memory, too, and is in new files now")
        }));
        report.problems.extend(left);
    }
    Ok(report)
}

/// Lets the files go that memory has as well: what they held goes into segments, and the manifest is written.
async fn write_anew(store: &NativeStore) -> Result<()> {
    store.committer.flush().await?;
    store.committer.rotate_log().await?;
    store.committer.flush().await?;
    store.committer.write_manifest().await
}

/// The files of runs, log records and metric points.
fn files(shared: &Shared, meter: Meter<'_>) -> Result<CheckReport> {
    let segments = Arc::clone(&shared.state.read().segments);
    let (logs, points) = shared.record_files();
    let mut check = Check::online(&shared.config.dir, Arc::clone(&shared.disk), meter);
    for segment in segments.iter() {
        if check.is_over() {
            break;
        }
        check.segment(segment);
        let search = Arc::clone(&shared.state.read().search);
        if let Some(index) = search.of(segment.number) {
            let notes = check.report.notes.len();
            if !check.index(segment) && !search.build_again(segment.number, &index) {
                // Its segment went while its files were read.
                check.report.notes.truncate(notes);
            }
        }
    }
    logs.iter().for_each(|file| check.record_file(file));
    points.iter().for_each(|file| check.record_file(file));
    Ok(check.report)
}

/// The log, the manifest and the tombstones.
fn kept_in_memory(shared: &Shared, meter: Meter<'_>) -> Result<(CheckReport, bool)> {
    let (tombstones, applied) = {
        let manifest = shared.manifest.lock();
        (manifest.tombstones, manifest.applied_seq)
    };
    let mut check = Check::online(&shared.config.dir, Arc::clone(&shared.disk), meter);
    check.manifest();
    check.tombstones(tombstones);
    check.log(applied)?;
    let Check { mut report, has_torn_end, .. } = check;
    // One that is gone was removed in order, between being listed and being read.
    report
        .problems
        .retain(|problem| shared.disk.exists(&shared.config.dir.join(&problem.file)).unwrap_or(true));
    Ok((report, has_torn_end))
}

/// Does it on a thread of its own, until that ends or nobody waits any more.
async fn on_a_thread<T: Send + 'static>(
    shared: &Arc<Shared>,
    bytes_per_second: NonZeroU64,
    work: fn(&Shared, Meter<'_>) -> Result<T>,
) -> Result<T> {
    let (done, answer) = oneshot::channel();
    let is_awaited = Awaited(Arc::new(AtomicBool::new(true)));
    let (shared, wanted) = (Arc::clone(shared), Arc::clone(&is_awaited.0));
    let thread = std::thread::Builder::new().name("scrub".to_owned());
    let run = move || {
        be_nice(NICENESS);
        let mut meter = Meters { begin: Instant::now(), bytes: 0, bytes_per_second, shared: &shared, wanted };
        let report = work(&shared, &mut |bytes| meter.read(bytes));
        let is_whole = meter.goes_on();
        let stopped = || Error::new(ErrorKind::Unavailable, "the store is shutting down");
        // Nobody waits when the store is closing.
        let _told = done.send(report.and_then(|report| if is_whole { Ok(report) } else { Err(stopped()) }));
    };
    let thread = thread.spawn(run).context(ErrorKind::Unavailable, || "starting a thread".to_owned())?;
    let answer = answer.await;
    // It has nothing left to do.
    let _panicked = thread.join();
    answer.context(ErrorKind::Internal, || "the thread that scrubs panicked".to_owned())?
}

/// Tells the thread when nobody waits for it any more.
struct Awaited(Arc<AtomicBool>);

impl Drop for Awaited {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

struct Meters<'a> {
    begin: Instant,
    bytes: u64,
    bytes_per_second: NonZeroU64,
    shared: &'a Shared,
    wanted: Arc<AtomicBool>,
}

impl Meters<'_> {
    fn goes_on(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) && !self.shared.stopping.load(Ordering::Relaxed)
    }

    /// Waits until so much may have been read.
    fn read(&mut self, bytes: u64) -> ControlFlow<()> {
        self.bytes += bytes;
        let due = Duration::from_secs_f64(self.bytes as f64 / self.bytes_per_second.get() as f64);
        while self.goes_on() {
            let Some(early) = due.checked_sub(self.begin.elapsed()).filter(|early| !early.is_zero()) else {
                return ControlFlow::Continue(());
            };
            std::thread::sleep(early.min(NAP));
        }
        ControlFlow::Break(())
    }
}
