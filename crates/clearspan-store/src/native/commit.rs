//! The threads that change state: the log thread makes batches durable, the applier merges them into the hot
//! tier, the flusher turns a full tier into a segment.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use arrow::array::RecordBatch;
use clearspan_model::{ErrorKind, RunKey};
use parking_lot::Mutex;
use tokio::sync::{OwnedRwLockReadGuard, mpsc, oneshot};

use super::apply::Applier;
use super::log::{LogSeq, RecordKind, Writer};
use super::state::Shared;
use super::{flush, paths, recover};
use crate::error::Context;
use crate::{Error, Result};

/// Batches that wait for the log thread at most.
const QUEUE_BATCHES: usize = 256;
/// Batches that one sync covers at most.
const GROUP_BATCHES: usize = 64;
/// A log file is closed when it has grown this large.
const LOG_FILE_BYTES: u64 = 64 << 20;

/// A batch that becomes a record of the log.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) kind: RecordKind,
    pub(crate) batch: RecordBatch,
    /// The bytes for the log.
    pub(crate) payload: Vec<u8>,
    /// Held until the batch is applied; see [`Shared::carrying`].
    pub(crate) permit: Option<OwnedRwLockReadGuard<()>>,
}

impl Batch {
    pub(crate) fn new(kind: RecordKind, batch: RecordBatch) -> Result<Self> {
        let payload = super::record::to_payload(&batch)?;
        Ok(Self { kind, batch, payload, permit: None })
    }
}

/// What a batch comes to: the keys of runs that were left alone.
pub(super) type Done = oneshot::Sender<Result<Vec<RunKey>>>;

/// A batch on its way to disk.
struct Commit {
    batch: Batch,
    done: Done,
}

/// Work for the log thread.
enum ToLog {
    Commit(Commit),
    Flush(oneshot::Sender<Result<()>>),
}

/// Work for the applier.
#[expect(clippy::large_enum_variant, reason = "at most four are on their way")]
pub(super) enum ToApplier {
    /// Durable batches, in the order of the log.
    Apply(Vec<(LogSeq, Batch, Done)>),
    /// Turn everything into segments and say when it is done.
    Flush(oneshot::Sender<Result<()>>),
    /// A segment is written, or could not be.
    Install(Result<flush::Flushed>),
    /// Nothing more will come.
    Stop,
}

/// The log files there are: their numbers, and the first record of each.
pub(super) type LogFiles = Arc<Mutex<Vec<(u64, u64)>>>;

/// Hands batches to the writer threads. When it is dropped, the threads finish what they have and end.
#[derive(Debug)]
pub(crate) struct Handle {
    to_log: Option<mpsc::Sender<ToLog>>,
    threads: Vec<JoinHandle<()>>,
}

impl Handle {
    /// Returns when the batch is durable and readable, with the keys of runs that were left alone.
    pub(crate) async fn commit(&self, batch: Batch) -> Result<Vec<RunKey>> {
        self.ask(|done| ToLog::Commit(Commit { batch, done })).await
    }

    /// Returns when everything that was acknowledged so far is in segments (pending runs may stay in memory).
    pub(crate) async fn flush(&self) -> Result<()> {
        self.ask(ToLog::Flush).await
    }

    async fn ask<T>(&self, work: impl FnOnce(oneshot::Sender<Result<T>>) -> ToLog) -> Result<T> {
        let gone = || Error::new(ErrorKind::Unavailable, "the store has shut down");
        let (done, answer) = oneshot::channel();
        let to_log = self.to_log.as_ref().ok_or_else(gone)?;
        to_log.send(work(done)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.to_log = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a writer thread of the store panicked");
            }
        }
    }
}

/// Replays the log and starts the threads.
pub(crate) fn start(shared: &Arc<Shared>) -> Result<Handle> {
    let log_dir = paths::log_dir(&shared.config.dir);
    let log_files: LogFiles = LogFiles::default();
    let (to_applier, applier_work) = sync_channel(4);
    let (to_flusher, flusher_work) = sync_channel(1);
    let mut applier = Applier::new(Arc::clone(shared), to_flusher, Arc::clone(&log_files));
    let (next_number, next_seq) = recover::replay(&mut applier, &log_files)?;
    let writer = Writer::create(&log_dir, next_number, next_seq)
        .context(ErrorKind::Unavailable, || "starting a log file".into())?;
    log_files.lock().push((next_number, next_seq));

    let (to_log, log_work) = mpsc::channel(QUEUE_BATCHES);
    // The flusher logs what it carries over; a weak sender lets the threads end with the handle.
    let relog = to_log.downgrade();
    let log_thread = {
        let (shared, to_applier, log_files) =
            (Arc::clone(shared), to_applier.clone(), Arc::clone(&log_files));
        spawn("clearspan-log", move || LogThread { shared, writer, log_files }.run(log_work, &to_applier))?
    };
    let applier_thread = spawn("clearspan-applier", move || applier.run(&applier_work))?;
    let flusher_thread = {
        let shared = Arc::clone(shared);
        spawn("clearspan-flusher", move || run_flusher(&shared, &flusher_work, &relog, &to_applier))?
    };
    Ok(Handle { to_log: Some(to_log), threads: vec![log_thread, applier_thread, flusher_thread] })
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .context(ErrorKind::Unavailable, || format!("starting thread {name}"))
}

struct LogThread {
    shared: Arc<Shared>,
    writer: Writer,
    log_files: LogFiles,
}

impl LogThread {
    fn run(mut self, mut work: mpsc::Receiver<ToLog>, to_applier: &SyncSender<ToApplier>) {
        while let Some(first) = work.blocking_recv() {
            let (mut group, mut flushes) = (Vec::new(), Vec::new());
            let mut next = Some(first);
            while let Some(item) = next {
                match item {
                    ToLog::Commit(commit) => group.push(commit),
                    ToLog::Flush(done) => flushes.push(done),
                }
                next = if group.len() < GROUP_BATCHES { work.try_recv().ok() } else { None };
            }
            if !group.is_empty() {
                self.commit(group, to_applier);
            }
            for done in flushes {
                if to_applier.send(ToApplier::Flush(done)).is_err() {
                    return;
                }
            }
        }
        // The flusher holds a sender too, so the applier would never see the channel close by itself.
        let _sent = to_applier.send(ToApplier::Stop);
    }

    fn commit(&mut self, group: Vec<Commit>, to_applier: &SyncSender<ToApplier>) {
        let synced = self.shared.check_writable().and_then(|()| {
            let seqs = self.append_all(&group).context(ErrorKind::Unavailable, || "writing the log".into());
            seqs.inspect_err(|err| self.shared.poison(err))
        });
        match synced {
            Ok(seqs) => {
                let durable = group.into_iter().zip(seqs).map(|(c, seq)| (seq, c.batch, c.done)).collect();
                // The applier ends after this thread; if it panicked the senders drop and the writers learn it.
                let _sent = to_applier.send(ToApplier::Apply(durable));
            }
            Err(err) => {
                for commit in group {
                    let refused = Error::new(err.kind(), err.to_string());
                    // A caller that hung up needs no answer.
                    let _answered = commit.done.send(Err(refused));
                }
            }
        }
    }

    fn append_all(&mut self, group: &[Commit]) -> std::io::Result<Vec<LogSeq>> {
        if self.writer.file_bytes() > LOG_FILE_BYTES {
            let number = self.writer.rotate()?;
            self.log_files.lock().push((number, self.writer.next_seq()));
        }
        let seqs = group.iter().map(|c| self.writer.append(c.batch.kind, &c.batch.payload)).collect();
        self.writer.sync()?;
        seqs
    }
}

fn run_flusher(
    shared: &Arc<Shared>,
    work: &Receiver<flush::Job>,
    relog: &mpsc::WeakSender<ToLog>,
    to_applier: &SyncSender<ToApplier>,
) {
    while let Ok(mut job) = work.recv() {
        let carried = job.carried.take();
        let flushed = log_again(carried, relog).and_then(|()| flush::write_segment(shared, job));
        if to_applier.send(ToApplier::Install(flushed)).is_err() {
            return;
        }
    }
}

/// Logs the runs that stay in memory, so that the records they came from can go.
fn log_again(carried: Option<flush::Carried>, relog: &mpsc::WeakSender<ToLog>) -> Result<()> {
    // The permit ends with this function, when the runs are in the log again.
    let Some(flush::Carried { batch, permit: _permit }) = carried else { return Ok(()) };
    let closing = || Error::new(ErrorKind::Unavailable, "the store is shutting down");
    let batch = Batch::new(RecordKind::Patches, batch)?;
    let (done, answer) = oneshot::channel();
    let to_log = relog.upgrade().ok_or_else(closing)?;
    to_log.blocking_send(ToLog::Commit(Commit { batch, done })).map_err(|_| closing())?;
    answer.blocking_recv().map_err(|_| closing())?.map(|_| ())
}
