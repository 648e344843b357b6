//! Compaction: files become fewer, larger, and free of dead rows, while the store is in use.
//!
//! One thread does it, one rewrite after the other. [`policy`] says which files, [`merge`] joins their rows in order,
//! [`rewrite`] writes the new file, and the applier puts it in the place of the old ones ([`install()`]): in one
//! manifest, with the rows that died meanwhile. Old files go with their last reader. After a crash at any point the
//! manifest names either the old files or the new one; the next start removes what it does not name.
//!
//! The manifest's word is what counts as dead. A row that is dead in memory only has a successor that is not in a
//! segment yet: it is rewritten like a living one, and dies again in the new file.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;

use arrow::array::{BooleanArray, RecordBatch};
use clearspan_model::ErrorKind;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::commit::ToApplier;
use super::state::Shared;
use crate::store::{CompactionReport, CompactionStatus};
use crate::{Error, Result};

mod install;
pub(crate) mod merge;
mod pace;
mod plan;
mod policy;
mod rewrite;
mod scattered;
mod strip;
mod worker;

pub(super) use install::{Rewritten, install};
use pace::Signals;
pub(super) use pace::wait_for_merges;
use plan::Plan;
use policy::Target;
use worker::Worker;

/// How a store compacts.
#[derive(Debug, Clone)]
pub struct CompactionConfig {
    /// Whether it does so by itself. When it is asked to, it does in any case.
    pub in_background: bool,
    /// Bytes that it reads and writes each second at most, unless someone waits for it.
    pub bytes_per_second: Option<NonZeroU64>,
    /// No file is merged beyond this many bytes.
    pub target_bytes: NonZeroU64,
    /// Nor beyond this many rows.
    pub target_rows: NonZeroU64,
}

impl Default for CompactionConfig {
    fn default() -> Self {
        Self {
            in_background: true,
            bytes_per_second: NonZeroU64::new(32 << 20),
            target_bytes: NonZeroU64::new(256 << 20).expect("not zero"),
            target_rows: NonZeroU64::new(2_000_000).expect("not zero"),
        }
    }
}

impl CompactionConfig {
    fn target(&self) -> Target {
        Target { bytes: self.target_bytes.get(), rows: self.target_rows.get() }
    }
}

impl CompactionReport {
    fn add(&mut self, other: &Self) {
        self.rewrites += other.rewrites;
        self.files_removed += other.files_removed;
        self.files_written += other.files_written;
        self.bytes_removed += other.bytes_removed;
        self.bytes_written += other.bytes_written;
        self.rows_removed += other.rows_removed;
        self.rows_stripped += other.rows_stripped;
    }
}

/// What compaction has done since the start.
#[derive(Debug, Default)]
pub(super) struct Counters {
    rewrites: AtomicU64,
    failures: AtomicU64,
    bytes_removed: AtomicU64,
    bytes_written: AtomicU64,
    /// Rows that were left out and that a deletion covers, since a purge began.
    rows_deleted: AtomicU64,
    /// The same between that purge and the one before.
    rows_deleted_before: AtomicU64,
    plan: Mutex<Plan>,
}

impl Counters {
    fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    fn add(&self, report: &CompactionReport) {
        self.rewrites.fetch_add(report.rewrites, Ordering::Relaxed);
        self.bytes_removed.fetch_add(report.bytes_removed, Ordering::Relaxed);
        self.bytes_written.fetch_add(report.bytes_written, Ordering::Relaxed);
    }

    fn note_deleted(&self, rows: u64) {
        self.rows_deleted.fetch_add(rows, Ordering::Relaxed);
    }

    fn begin_purge(&self) {
        self.rows_deleted_before.fetch_add(self.rows_deleted.swap(0, Ordering::Relaxed), Ordering::Relaxed);
    }

    /// How many rows that a deletion covers were left out by a purge that has ended, and how many by merges before it.
    pub(super) fn take_deleted(&self) -> (u64, u64) {
        (self.rows_deleted.swap(0, Ordering::Relaxed), self.rows_deleted_before.swap(0, Ordering::Relaxed))
    }
}

impl Shared {
    pub(super) fn compaction_status(&self) -> CompactionStatus {
        let Counters { rewrites, failures, bytes_removed, bytes_written, .. } = &self.compaction;
        CompactionStatus {
            rewrites: rewrites.load(Ordering::Relaxed),
            failures: failures.load(Ordering::Relaxed),
            bytes_removed: bytes_removed.load(Ordering::Relaxed),
            bytes_written: bytes_written.load(Ordering::Relaxed),
            waiting_files: self.files_to_compact(),
        }
    }
}

/// Marks rows of a batch. It must say the same of a row whenever it is asked, and gets the columns in
/// [`merge::Sorted::SIFTED`] at least.
pub(crate) type RowTest = Arc<dyn Fn(&RecordBatch) -> Result<BooleanArray> + Send + Sync>;

/// What a purge takes out besides dead rows.
#[derive(Clone, Default)]
pub(crate) struct Sift {
    /// Runs that lose their payload.
    pub(crate) strip_runs: Option<RowTest>,
    /// Log records that go.
    pub(crate) drop_logs: Option<RowTest>,
    /// Metric points that go.
    pub(crate) drop_points: Option<RowTest>,
}

impl std::fmt::Debug for Sift {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sift").finish_non_exhaustive()
    }
}

/// Moments at which tests look at the folder, as a crash would leave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A rewrite is done and not handed over yet.
    Merged,
    /// The new file is durable.
    Written,
    /// The manifest names it.
    Named,
    /// Readers see it; the old files are still there.
    Installed,
}

/// What a test does at each step.
#[cfg(test)]
#[derive(Default)]
pub(super) struct OnStep(parking_lot::Mutex<Option<Look>>);

#[cfg(test)]
type Look = Box<dyn FnMut(Step) + Send>;

#[cfg(test)]
impl OnStep {
    fn set(&self, look: impl FnMut(Step) + Send + 'static) {
        *self.0.lock() = Some(Box::new(look));
    }

    fn clear(&self) {
        *self.0.lock() = None;
    }

    pub(super) fn look(&self, step: Step) {
        if let Some(look) = self.0.lock().as_mut() {
            look(step);
        }
    }
}

#[cfg(test)]
impl std::fmt::Debug for OnStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnStep").finish_non_exhaustive()
    }
}

type Asked = oneshot::Sender<Result<CompactionReport>>;

/// Work for the thread.
#[derive(Debug)]
enum Request {
    /// Files have changed: see whether there is something to do.
    Look,
    /// Do all there is to do.
    Compact(Asked),
    /// Rewrite whatever has dead rows, or rows to be sifted.
    Purge(Sift, Asked),
}

/// Tells the thread that files have changed.
#[derive(Debug, Clone)]
pub(super) struct Bell(mpsc::WeakSender<Request>);

impl Bell {
    pub(super) fn ring(&self) {
        if let Some(requests) = self.0.upgrade() {
            // When it has other work, it looks after that.
            let _rung = requests.try_send(Request::Look);
        }
    }
}

/// Asks the thread. When it is dropped, the thread breaks off what it does and ends.
#[derive(Debug)]
pub(super) struct Handle {
    requests: Option<mpsc::Sender<Request>>,
    signals: Arc<Signals>,
    thread: Option<JoinHandle<()>>,
}

/// Requests that wait at most.
const QUEUE: usize = 16;

/// The requests to come, for a thread that is started later.
#[derive(Debug)]
pub(super) struct Inbox(mpsc::Sender<Request>, mpsc::Receiver<Request>);

impl Inbox {
    pub(super) fn new() -> Self {
        let (requests, inbox) = mpsc::channel(QUEUE);
        Self(requests, inbox)
    }

    pub(super) fn bell(&self) -> Bell {
        Bell(self.0.downgrade())
    }

    /// Starts the thread.
    pub(super) fn start(self, shared: &Arc<Shared>, to_applier: SyncSender<ToApplier>) -> Result<Handle> {
        let Self(requests, inbox) = self;
        let signals = Arc::new(Signals::default());
        let worker = Worker::new(Arc::clone(shared), Arc::clone(&signals), to_applier);
        let thread = super::commit::spawn("clearspan-compact", move || worker.run(inbox))?;
        let handle = Handle { requests: Some(requests), signals, thread: Some(thread) };
        // What the last process left.
        Bell(handle.requests.as_ref().expect("set just now").downgrade()).ring();
        Ok(handle)
    }
}

impl Handle {
    /// Rewrites until there is nothing to gain.
    pub(super) async fn compact(&self) -> Result<CompactionReport> {
        self.ask(Request::Compact).await
    }

    /// Rewrites every file that has rows which are dead in the manifest, or rows that `sift` names.
    pub(super) async fn purge(&self, sift: Sift) -> Result<CompactionReport> {
        self.ask(|done| Request::Purge(sift, done)).await
    }

    async fn ask(&self, request: impl FnOnce(Asked) -> Request) -> Result<CompactionReport> {
        let gone = || Error::new(ErrorKind::Unavailable, "the store has shut down");
        let (done, answer) = oneshot::channel();
        let _waiting = Waiting::new(&self.signals);
        self.requests.as_ref().ok_or_else(gone)?.send(request(done)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.signals.stop.store(true, Ordering::Relaxed);
        self.requests = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the store's compaction panicked");
        }
    }
}

/// Counts someone who waits, even if they go away.
struct Waiting<'a>(&'a Signals);

impl<'a> Waiting<'a> {
    fn new(signals: &'a Signals) -> Self {
        signals.waiting.fetch_add(1, Ordering::Relaxed);
        Self(signals)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
