//! Where queries run: threads of their own at low priority, memory of their own, and turns.
//!
//! Ingest must go on whatever is asked, so queries never run on the threads that serve requests. There are three sets of
//! threads: one for what pages show ([`Lane::Pages`]), and two, lower still, for statements and for exports. The operating system
//! gives them what ingest leaves. How many queries run at once is bounded by lane; the others wait for a turn.
//!
//! Sorts, joins and groups take their memory from one pool and spill to files below the data folder when it is used up; what
//! cannot spill is refused, and then tried again with less ([`thrift`]). The folder is emptied at start. Footers of Parquet files are cached up to a bound.

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arrow::array::RecordBatch;
use bytes::Bytes;
use clearspan_model::ErrorKind;
use datafusion::execution::cache::cache_manager::CacheManagerConfig;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use futures::stream::{BoxStream, StreamExt as _};
use thread_priority::{ThreadPriority, ThreadPriorityValue};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use self::stop::Stop;
use crate::cut::portions;
use crate::error::Context;
use crate::sql::encode::{Encoder, answer_columns};
use crate::sql::{AnswerColumn, Batches, TableAnswer, TableFormat};
use crate::{Error, Result};

/// Plans are trees that are walked by recursion; see `sql::limits`. Only what is used of it is memory.
const STACK_BYTES: usize = 64 << 20;
/// Threads for reading files, beside those that compute.
const BLOCKING_THREADS: usize = 16;
/// How long a query waits for its turn.
const TURN: Duration = Duration::from_secs(10);
/// Bytes of spilled files at most.
const SPILL_BYTES: u64 = 8 << 30;
/// Spilled files that are merged at a time.
const MERGE_FILES: usize = 16;
/// How much later than a query itself those who wait for it notice that its time is up.
const GRACE: Duration = Duration::from_millis(200);
/// What the rows say that are written at a time, unless one says more.
const PORTION_BYTES: usize = 4 << 20;
/// How long a client may take to read a part of its answer.
const STALLED: Duration = Duration::from_secs(60);

/// Who waits for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// What pages and their API show: short.
    Pages,
    /// Statements of users.
    Statements,
    /// Everything at once, for as long as it takes.
    Exports,
}

/// What queries may use.
#[derive(Debug, Clone)]
pub(crate) struct PoolConfig {
    /// For sorts, joins, groups, and the footers of files.
    pub(crate) memory_bytes: usize,
    /// Where they spill to; nowhere when `None`.
    pub(crate) spill_dir: Option<PathBuf>,
}

/// Runs queries.
#[derive(Debug)]
pub(crate) struct QueryPool {
    env: Arc<RuntimeEnv>,
    pages: Threads,
    statements: Threads,
    exports: Threads,
}

impl QueryPool {
    pub(crate) fn open(config: &PoolConfig) -> Result<Self> {
        let opening = || "making room for queries".to_owned();
        let mode = match &config.spill_dir {
            Some(dir) => {
                // What a process left that was killed.
                match std::fs::remove_dir_all(dir) {
                    Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
                        tracing::warn!(error = %err, dir = %dir.display(), "old spilled files stay");
                    }
                    _ => {}
                }
                std::fs::create_dir_all(dir).context(ErrorKind::Unavailable, opening)?;
                DiskManagerMode::Directories(vec![dir.clone()])
            }
            None => DiskManagerMode::Disabled,
        };
        let disk = DiskManagerBuilder::default()
            .with_mode(mode)
            .with_max_temp_directory_size(SPILL_BYTES)
            .with_max_spill_merge_fan_in(MERGE_FILES);
        let cache_bytes = config.memory_bytes / 4;
        let memory = memory::Memory::new(config.memory_bytes - cache_bytes);
        let env = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(memory))
            .with_disk_manager_builder(disk)
            .with_cache_manager(CacheManagerConfig::default().with_metadata_cache_limit(cache_bytes))
            .build_arc()
            .context(ErrorKind::Internal, opening)?;
        Ok(Self {
            env,
            pages: Threads::new("query", 5, 16),
            statements: Threads::new("statement", 10, 4),
            exports: Threads::new("export", 10, 2),
        })
    }

    pub(crate) fn env(&self) -> &Arc<RuntimeEnv> {
        &self.env
    }

    fn threads(&self, lane: Lane) -> &Threads {
        match lane {
            Lane::Pages => &self.pages,
            Lane::Statements => &self.statements,
            Lane::Exports => &self.exports,
        }
    }

    async fn turn(&self, lane: Lane) -> Result<OwnedSemaphorePermit> {
        let turns = Arc::clone(&self.threads(lane).turns);
        match tokio::time::timeout(TURN, turns.acquire_owned()).await {
            Ok(permit) => permit.context(ErrorKind::Unavailable, || "the store is closing".into()),
            Err(_) => Err(Error::new(ErrorKind::Overloaded, "too many queries run now; try again")),
        }
    }

    /// Begins work that has its turn. Dropping what this returns ends it.
    fn begin<T: Send + 'static>(
        &self,
        lane: Lane,
        permit: OwnedSemaphorePermit,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<AbortOnDrop<T>> {
        let stop = Stop::default();
        let of_task = stop.clone();
        let task = self.threads(lane).runtime()?.spawn(async move {
            let _permit = permit;
            of_task.during(work).await
        });
        Ok(AbortOnDrop { task, stop })
    }

    /// Runs a query when it is its turn. Dropping the future ends it.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let permit = self.turn(lane).await?;
        self.begin(lane, permit, work)?.join().await
    }

    /// Runs a query whose answer is written while it runs. Dropping the answer ends it.
    ///
    /// Without a `timeout` it may take as long as its reader goes on reading. With one, who waits hears of it in time even
    /// where the query does not.
    pub(crate) async fn answer(
        &self,
        lane: Lane,
        output: Output,
        work: impl Future<Output = Result<Batches>> + Send + 'static,
    ) -> Result<TableAnswer> {
        let permit = self.turn(lane).await?;
        let (head_tx, head_rx) = oneshot::channel();
        let (tx, mut rx) = mpsc::channel(2);
        let limit = output.timeout;
        let deadline = limit.map(|limit| (Instant::now() + limit + GRACE, limit));
        let task = self.begin(lane, permit, async move {
            let written = write(output, work, head_tx, &tx);
            let outcome = match limit {
                Some(limit) => {
                    tokio::time::timeout(limit, written).await.unwrap_or_else(|_| Err(took_too_long(limit)))
                }
                None => written.await,
            };
            if let Err(err) = outcome {
                // Nobody is left to tell when this fails.
                let _unheard = tx.send(Err(err)).await;
            }
        })?;
        let columns = match until(deadline, head_rx).await? {
            Ok(columns) => columns,
            // It failed before it had columns.
            Err(_) => match until(deadline, rx.recv()).await? {
                Some(Err(err)) => return Err(err),
                _ => return Err(task.join().await.err().unwrap_or_else(broken)),
            },
        };
        Ok(TableAnswer { columns, body: received(rx, task, deadline) })
    }
}

impl QueryPool {
    /// Runs a query and takes its batches apart while it runs. Dropping the stream ends it.
    pub(crate) async fn stream<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl Future<Output = Result<Batches>> + Send + 'static,
        take_apart: impl Fn(RecordBatch) -> Result<T> + Send + Sync + 'static,
    ) -> Result<BoxStream<'static, Result<T>>> {
        let permit = self.turn(lane).await?;
        let (tx, rx) = mpsc::channel(2);
        let task = self.begin(lane, permit, async move {
            let outcome = async {
                let mut batches = work.await?.stream;
                while let Some(batch) = batches.next().await {
                    if !send(&tx, take_apart(batch?)?).await? {
                        break;
                    }
                }
                Ok(())
            };
            if let Err(err) = outcome.await {
                // Nobody is left to tell when this fails.
                let _unheard = tx.send(Err(err)).await;
            }
        })?;
        Ok(received(rx, task, None))
    }
}

/// What a task sends, and the failure of the task itself.
fn received<T: Send + 'static>(
    rx: mpsc::Receiver<Result<T>>,
    task: AbortOnDrop<()>,
    deadline: Option<(Instant, Duration)>,
) -> BoxStream<'static, Result<T>> {
    let parts = futures::stream::unfold(Some((rx, task)), move |state| async move {
        let (mut rx, task) = state?;
        match until(deadline, rx.recv()).await {
            Ok(Some(Ok(part))) => Some((Ok(part), Some((rx, task)))),
            Ok(Some(Err(err))) | Err(err) => Some((Err(err), None)),
            Ok(None) => task.join().await.err().map(|err| (Err(err), None)),
        }
    });
    // HTTP servers ask again after the end.
    parts.fuse().boxed()
}

/// How an answer is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) format: TableFormat,
    pub(crate) max_rows: Option<usize>,
    pub(crate) timeout: Option<Duration>,
}

async fn write(
    output: Output,
    work: impl Future<Output = Result<Batches>>,
    head: oneshot::Sender<Vec<AnswerColumn>>,
    tx: &mpsc::Sender<Result<Bytes>>,
) -> Result<()> {
    let Batches { schema, mut stream } = work.await?;
    let columns = answer_columns(&schema);
    let mut encoder = Encoder::new(output.format, schema, output.max_rows)?;
    if head.send(columns).is_err() {
        return Ok(());
    }
    let mut parts = vec![encoder.head()];
    while let Some(batch) = stream.next().await {
        for portion in portions(&batch?, PORTION_BYTES) {
            parts.push(encoder.batch(&portion)?);
            if !send_all(tx, &mut parts).await? {
                return Ok(());
            }
        }
    }
    parts.push(encoder.tail()?);
    send_all(tx, &mut parts).await?;
    Ok(())
}

/// False when nobody reads any more.
async fn send_all(tx: &mpsc::Sender<Result<Bytes>>, parts: &mut Vec<Bytes>) -> Result<bool> {
    for part in parts.drain(..).filter(|part| !part.is_empty()) {
        if !send(tx, part).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// False when nobody reads any more.
async fn send<T>(tx: &mpsc::Sender<Result<T>>, part: T) -> Result<bool> {
    match tokio::time::timeout(STALLED, tx.send(Ok(part))).await {
        Ok(sent) => Ok(sent.is_ok()),
        Err(_) => Err(Error::new(ErrorKind::Timeout, "the answer was not read for a minute")),
    }
}

fn took_too_long(limit: Duration) -> Error {
    let what = format!(
        "the statement took longer than {} seconds; ask for a shorter time or fewer columns, or give it a longer timeout",
        limit.as_secs_f64()
    );
    Error::new(ErrorKind::Timeout, what)
}

fn broken() -> Error {
    Error::new(ErrorKind::Internal, "a query ended without an answer")
}

/// What comes in time; the deadline goes with the time that was given.
async fn until<T>(deadline: Option<(Instant, Duration)>, what: impl Future<Output = T>) -> Result<T> {
    match deadline {
        Some((at, limit)) => tokio::time::timeout_at(at, what).await.map_err(|_elapsed| took_too_long(limit)),
        None => Ok(what.await),
    }
}

/// Ends a task that nobody waits for any more.
#[derive(Debug)]
struct AbortOnDrop<T> {
    task: JoinHandle<T>,
    stop: Stop,
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.stop.set();
        self.task.abort();
    }
}

impl<T> AbortOnDrop<Result<T>> {
    async fn join(mut self) -> Result<T> {
        (&mut self.task).await.context(ErrorKind::Internal, || "a query panicked".into())?
    }
}

impl AbortOnDrop<()> {
    async fn join(mut self) -> Result<()> {
        (&mut self.task).await.context(ErrorKind::Internal, || "a query panicked".into())
    }
}

/// Threads of one priority, started for the first query.
#[derive(Debug)]
struct Threads {
    name: &'static str,
    niceness: u8,
    runtime: OnceLock<Runtime>,
    turns: Arc<Semaphore>,
}

impl Threads {
    fn new(name: &'static str, niceness: u8, turns: usize) -> Self {
        Self { name, niceness, runtime: OnceLock::new(), turns: Arc::new(Semaphore::new(turns)) }
    }

    fn runtime(&self) -> Result<&Runtime> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let niceness = self.niceness;
        let workers = std::thread::available_parallelism().map_or(2, usize::from);
        let runtime = Builder::new_multi_thread()
            .worker_threads(workers)
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name(self.name)
            .thread_stack_size(STACK_BYTES)
            .enable_time()
            .on_thread_start(move || be_nice(niceness))
            .build()
            .context(ErrorKind::Unavailable, || "starting threads for queries".into())?;
        if let Err(second) = self.runtime.set(runtime) {
            // Somebody was faster.
            shut_down(second);
        }
        Ok(self.runtime.get().expect("it was just set"))
    }
}

impl Drop for Threads {
    /// A query holds nothing that must be finished.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            shut_down(runtime);
        }
    }
}

/// Ends a runtime without waiting: that is not allowed on the threads of another one, where a store may be dropped.
///
/// A thread of its own waits and joins. `Runtime::shutdown_background` detaches threads while they end, and glibc (2.36 at least) looks
/// at what a thread was when it has detached it: one that ends in that moment has unmapped its stack, and that with it. The process
/// then dies of SIGSEGV, once in some ten thousand times.
pub(crate) fn shut_down(runtime: Runtime) {
    let ending = Ending(Some(runtime));
    let thread = std::thread::Builder::new().name("shut down".to_owned());
    // Without a thread it ends where it is dropped.
    let _detached = thread.spawn(move || ending.wait());
}

struct Ending(Option<Runtime>);

impl Ending {
    /// What hangs for longer does not end by itself.
    const LIMIT: Duration = Duration::from_secs(60);

    fn wait(mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_timeout(Self::LIMIT);
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Gives the calling thread less of the processor than threads that ingest get. Never more than the process has.
pub(crate) fn be_nice(niceness: u8) {
    if own_niceness().is_some_and(|own| own >= i32::from(niceness)) {
        return;
    }
    // The crate counts from 0 (least) to 99; 39 steps of niceness lie between them.
    let value = 99 * (19 - u32::from(niceness.min(19))) / 39;
    let value = u8::try_from(value).ok().and_then(|value| ThreadPriorityValue::try_from(value).ok());
    let priority = ThreadPriority::Crossplatform(value.unwrap_or(ThreadPriorityValue::MIN));
    if let Err(err) = thread_priority::set_current_thread_priority(priority) {
        tracing::warn!(error = ?err, "a thread runs at the priority of everything else");
    }
}

/// The niceness of the calling thread, where the operating system tells it (Linux).
fn own_niceness() -> Option<i32> {
    let line = std::fs::read_to_string("/proc/thread-self/stat").ok()?;
    // The nineteenth field; the second is a name in parentheses that may hold spaces.
    line.rsplit_once(')')?.1.split_whitespace().nth(16)?.parse().ok()
}

mod memory;
pub(crate) mod share;
pub(crate) mod stop;
#[cfg(test)]
mod tests;
pub(crate) mod thrift;
