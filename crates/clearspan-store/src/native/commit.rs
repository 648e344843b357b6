//! The threads that change state: the log thread makes batches durable, the applier merges them into the hot
//! tier, the flusher turns a full tier into a segment.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use clearspan_model::{ErrorKind, RunKey};
use parking_lot::Mutex;
use tokio::sync::{OwnedRwLockReadGuard, mpsc, oneshot};

use super::apply::Applier;
use super::health::{Trouble, is_from_disk};
use super::log::{Continuation, LogSeq, MAX_PAYLOAD_BYTES, RecordKind, Writer};
use super::state::Shared;
use super::{compact, disk, flush, paths, recover};
use crate::error::Context;
use crate::{Error, Result};

/// Batches that wait for the log thread at most.
const QUEUE_BATCHES: usize = 256;
/// Batches that one sync covers at most.
const GROUP_BATCHES: usize = 64;
/// A log file is closed when it has grown this large.
const LOG_FILE_BYTES: u64 = 64 << 20;
/// What a disk must take at least before the log goes on.
const LEAST_ROOM_BYTES: usize = 64 << 10;
/// How long a write waits before it looks whether the disk answers at all.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long what the disk refused rests before it is tried again.
pub(super) const RETRY: Duration = Duration::from_millis(250);
/// How often the log thread looks for work while the log has stopped.
const POLL: Duration = Duration::from_millis(20);

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
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(Error::new(
                ErrorKind::TooLarge,
                "the batch is too large for the log; send smaller ones",
            ));
        }
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
    /// Begin a new file.
    Rotate(oneshot::Sender<Result<()>>),
    /// What was deleted up to this record, if one is named, is gone from all files.
    WriteManifest(Option<LogSeq>, oneshot::Sender<Result<()>>),
}

/// Work for the applier.
#[expect(clippy::large_enum_variant, reason = "at most four are on their way")]
pub(super) enum ToApplier {
    /// Durable batches, in the order of the log.
    Apply(Vec<(LogSeq, Batch, Done)>),
    /// Turn everything into segments and say when it is done.
    Flush(oneshot::Sender<Result<()>>),
    /// A segment could not be written yet; it is being tried again.
    Delayed(Error),
    /// What was deleted up to this record, if one is named, is gone from all files.
    WriteManifest(Option<LogSeq>, oneshot::Sender<Result<()>>),
    /// A segment is written, or could not be.
    Install(Result<flush::Flushed>),
    /// Files were rewritten; the answer says whether they are part of the store.
    Replace(Box<compact::Rewritten>, SyncSender<Result<()>>),
    /// Nothing more will come.
    Stop,
}

/// The log files there are: their numbers, and the first record of each.
pub(super) type LogFiles = Arc<Mutex<Vec<(u64, u64)>>>;

/// Hands batches to the writer threads. When it is dropped, the threads finish what they have and end.
#[derive(Debug)]
pub(crate) struct Handle {
    shared: Arc<Shared>,
    to_log: Option<mpsc::Sender<ToLog>>,
    compactor: Option<compact::Handle>,
    threads: Vec<JoinHandle<()>>,
}

impl Handle {
    /// Returns when the batch is durable and readable, with the keys of runs that were left alone. Fails when the disk does not
    /// answer; the batch may become durable all the same.
    pub(crate) async fn commit(&self, batch: Batch) -> Result<Vec<RunKey>> {
        let mut committed = std::pin::pin!(self.ask(|done| ToLog::Commit(Commit { batch, done })));
        loop {
            match tokio::time::timeout(PATIENCE, &mut committed).await {
                Ok(outcome) => return outcome,
                Err(_elapsed) => self.shared.health.check_answers()?,
            }
        }
    }

    /// Returns when everything that was acknowledged so far is in segments (pending runs may stay in memory).
    pub(crate) async fn flush(&self) -> Result<()> {
        self.ask(ToLog::Flush).await
    }

    /// The thread that compacts.
    pub(crate) fn compactor(&self) -> Result<&compact::Handle> {
        let gone = || Error::new(ErrorKind::Unavailable, "the store has shut down");
        self.compactor.as_ref().ok_or_else(gone)
    }

    /// Begins a new file of the log; those before it can go when they are covered.
    pub(crate) async fn rotate_log(&self) -> Result<()> {
        self.ask(ToLog::Rotate).await
    }

    /// Notes that nothing of what was deleted up to a record of the log is in any file, and removes files of the log.
    pub(crate) async fn note_purged(&self, seq: u64) -> Result<()> {
        self.ask(|done| ToLog::WriteManifest(Some(LogSeq(seq)), done)).await
    }

    /// Writes the manifest and the tombstones anew.
    pub(crate) async fn write_manifest(&self) -> Result<()> {
        self.ask(|done| ToLog::WriteManifest(None, done)).await
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
        self.shared.stopping.store(true, Ordering::Relaxed);
        // First, because it needs the applier.
        self.compactor = None;
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
    let log_files: LogFiles = LogFiles::default();
    let (to_applier, applier_work) = sync_channel(4);
    let (to_flusher, flusher_work) = sync_channel(1);
    let inbox = compact::Inbox::new();
    let mut applier = Applier::new(Arc::clone(shared), to_flusher, Arc::clone(&log_files), inbox.bell());
    let next = recover::replay(&mut applier, &log_files)?;
    let mut log = LogThread {
        shared: Arc::clone(shared),
        writer: None,
        next,
        tried: Instant::now(),
        refused_bytes: 0,
        log_files,
    };
    // On a disk that takes no writes the store still answers questions.
    log.resume();

    let (to_log, log_work) = mpsc::channel(QUEUE_BATCHES);
    // The flusher logs what it carries over; a weak sender lets the threads end with the handle.
    let relog = to_log.downgrade();
    let log_thread = {
        let to_applier = to_applier.clone();
        spawn("clearspan-log", move || log.run(log_work, &to_applier))?
    };
    let applier_thread = spawn("clearspan-applier", move || applier.run(&applier_work))?;
    let compactor = Some(inbox.start(shared, to_applier.clone())?);
    let flusher_thread = {
        let shared = Arc::clone(shared);
        spawn("clearspan-flusher", move || run_flusher(&shared, &flusher_work, &relog, &to_applier))?
    };
    let shared = Arc::clone(shared);
    let threads = vec![log_thread, applier_thread, flusher_thread];
    Ok(Handle { shared, to_log: Some(to_log), compactor, threads })
}

pub(super) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .context(ErrorKind::Unavailable, || format!("starting thread {name}"))
}

struct LogThread {
    shared: Arc<Shared>,
    /// `None` while the disk refuses to take the log.
    writer: Option<Writer>,
    /// Where the log goes on then.
    next: Continuation,
    /// When that was tried last.
    tried: Instant,
    /// Bytes of the records that were refused last.
    refused_bytes: usize,
    log_files: LogFiles,
}

impl LogThread {
    fn run(mut self, mut work: mpsc::Receiver<ToLog>, to_applier: &SyncSender<ToApplier>) {
        while let Some(first) = self.next_work(&mut work) {
            let (mut group, mut after) = (Vec::new(), Vec::new());
            let mut next = Some(first);
            while let Some(item) = next {
                match item {
                    ToLog::Commit(commit) => group.push(commit),
                    ToLog::Flush(done) => after.push(ToApplier::Flush(done)),
                    ToLog::WriteManifest(purged, done) => after.push(ToApplier::WriteManifest(purged, done)),
                    ToLog::Rotate(done) => {
                        if !group.is_empty() {
                            self.commit(std::mem::take(&mut group), to_applier);
                        }
                        let rotated = self.rotate();
                        // A caller that hung up needs no answer.
                        let _answered = done.send(rotated);
                    }
                }
                next = if group.len() < GROUP_BATCHES { work.try_recv().ok() } else { None };
            }
            if !group.is_empty() {
                self.commit(group, to_applier);
            }
            for item in after {
                if to_applier.send(item).is_err() {
                    return;
                }
            }
        }
        // The flusher holds a sender too, so the applier would never see the channel close by itself.
        let _sent = to_applier.send(ToApplier::Stop);
    }

    /// Waits for work, and tries meanwhile to get the log going where it has stopped.
    fn next_work(&mut self, work: &mut mpsc::Receiver<ToLog>) -> Option<ToLog> {
        while self.writer.is_none() {
            match work.try_recv() {
                Ok(item) => return Some(item),
                Err(mpsc::error::TryRecvError::Disconnected) => return None,
                Err(mpsc::error::TryRecvError::Empty) => std::thread::sleep(POLL),
            }
            self.resume_if_due();
        }
        work.blocking_recv()
    }

    fn resume_if_due(&mut self) {
        if self.writer.is_none() && self.tried.elapsed() >= RETRY {
            self.resume();
        }
    }

    /// Goes on in a new file, if the disk lets us.
    fn resume(&mut self) {
        self.tried = Instant::now();
        let Continuation { number, first_seq } = self.next;
        let dir = paths::log_dir(&self.shared.config.dir);
        let disk = &self.shared.disk;
        // A full disk may still take the head of a file: who says then that all is well calls for writes that fail again.
        let room = self.refused_bytes.max(LEAST_ROOM_BYTES);
        let opened = disk::check_room(&**disk, &paths::room_file(&self.shared.config.dir), room)
            .and_then(|()| Writer::create(disk, &dir, number, first_seq));
        match opened {
            Ok(writer) => {
                self.log_files.lock().push((number, first_seq));
                self.writer = Some(writer);
                self.shared.health.end(Trouble::Log);
            }
            Err(err) => {
                let err = Error::caused(ErrorKind::Unavailable, format!("starting log file {number}"), err);
                self.shared.health.begin(Trouble::Log, &err);
            }
        }
    }

    fn commit(&mut self, group: Vec<Commit>, to_applier: &SyncSender<ToApplier>) {
        self.resume_if_due();
        let synced = self.shared.health.check_writable().and_then(|()| self.append_all(&group));
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

    /// Goes on in a new file, so that the one before can go when it is covered.
    fn rotate(&mut self) -> Result<()> {
        self.shared.health.check_writable()?;
        let writer = self.writer.as_mut().expect("a stopped log is in trouble");
        let err = match rotate(writer, &self.log_files) {
            Ok(()) => return Ok(()),
            Err(err) => Error::caused(ErrorKind::Unavailable, "starting a log file", err),
        };
        Err(self.stop_log(err))
    }

    /// After a failure the file is not used again.
    fn stop_log(&mut self, err: Error) -> Error {
        self.next = self.writer.take().expect("it was just used").abandon();
        self.tried = Instant::now();
        self.shared.health.begin(Trouble::Log, &err);
        self.shared.health.check_writable().err().unwrap_or(err)
    }

    /// Makes a group durable, or none of it: after a failure its file is not used again.
    fn append_all(&mut self, group: &[Commit]) -> Result<Vec<LogSeq>> {
        let writer = self.writer.as_mut().expect("a stopped log is in trouble");
        self.refused_bytes = group.iter().map(|commit| commit.batch.payload.len()).sum();
        let writing = self.shared.health.writing();
        let appended = append_and_sync(writer, group, &self.log_files);
        drop(writing);
        let err = match appended {
            Ok(seqs) => return Ok(seqs),
            Err(err) => Error::caused(ErrorKind::Unavailable, "writing the log", err),
        };
        Err(self.stop_log(err))
    }
}

fn rotate(writer: &mut Writer, log_files: &LogFiles) -> std::io::Result<()> {
    let number = writer.rotate()?;
    log_files.lock().push((number, writer.next_seq()));
    Ok(())
}

fn append_and_sync(
    writer: &mut Writer,
    group: &[Commit],
    log_files: &LogFiles,
) -> std::io::Result<Vec<LogSeq>> {
    if writer.file_bytes() > LOG_FILE_BYTES {
        rotate(writer, log_files)?;
    }
    let seqs = group
        .iter()
        .map(|c| writer.append(c.batch.kind, &c.batch.payload))
        .collect::<std::io::Result<_>>()?;
    writer.sync()?;
    Ok(seqs)
}

/// Writes one tier after the other. What the disk refuses is tried again: the tier is in the log and in memory, so
/// nothing is lost meanwhile.
fn run_flusher(
    shared: &Arc<Shared>,
    work: &Receiver<flush::Job>,
    relog: &mpsc::WeakSender<ToLog>,
    to_applier: &SyncSender<ToApplier>,
) {
    while let Ok(mut job) = work.recv() {
        compact::wait_for_merges(shared);
        let flushed = loop {
            let tried = log_again(&mut job.carried, relog).and_then(|()| flush::write_segment(shared, &job));
            match tried {
                Err(err) if may_go_well_later(&err, &job) && !shared.stopping.load(Ordering::Relaxed) => {
                    shared.health.begin(Trouble::Flush, &err);
                    if to_applier.send(ToApplier::Delayed(err)).is_err() {
                        return;
                    }
                    std::thread::sleep(RETRY);
                }
                done => break done,
            }
        };
        if flushed.is_ok() {
            shared.health.end(Trouble::Flush);
        }
        if to_applier.send(ToApplier::Install(flushed)).is_err() {
            return;
        }
    }
}

/// The log says by itself when it goes on; until then what is carried cannot be logged.
fn may_go_well_later(err: &Error, job: &flush::Job) -> bool {
    is_from_disk(err) || (job.carried.is_some() && err.kind() == ErrorKind::Unavailable)
}

/// Logs the runs that stay in memory, so that the records they came from can go. They stay in `carried` until that is
/// done: a flush without it would forget them.
fn log_again(carried: &mut Option<flush::Carried>, relog: &mpsc::WeakSender<ToLog>) -> Result<()> {
    let Some(flush::Carried { batch, .. }) = carried else { return Ok(()) };
    let closing = || Error::new(ErrorKind::Unavailable, "the store is shutting down");
    let batch = Batch::new(RecordKind::Patches, batch.clone())?;
    let (done, answer) = oneshot::channel();
    let to_log = relog.upgrade().ok_or_else(closing)?;
    to_log.blocking_send(ToLog::Commit(Commit { batch, done })).map_err(|_| closing())?;
    answer.blocking_recv().map_err(|_| closing())?.map(|_| ())?;
    // The permit ends here, when the runs are in the log again.
    *carried = None;
    Ok(())
}
