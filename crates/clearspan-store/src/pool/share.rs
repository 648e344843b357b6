//! The memory of all queries as one of them sees it, and what to say of a query that was refused some.
//!
//! A query that takes too much may be too large for this server, or have come while others held what it needs. Only the second is
//! cured by asking again, so each query counts what is its own: what it would have got alone, it was refused because of others.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use clearspan_model::ErrorKind;
use datafusion::common::{DataFusionError, Result as DfResult};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnv;
use parking_lot::Mutex;
use tokio::sync::{MutexGuard, Notify};
use tokio::time::Instant;

use super::memory::Memory;
use crate::Error;

/// Stands before the words of refusals that are due to other queries.
const DUE_TO_OTHERS: &str = "held by other queries: ";
/// What DataFusion says when there are too many spilled files.
const NO_ROOM_TO_SPILL: &str = "disk space during the spilling";
/// How long what ends may take to give back its memory.
const ENDING: Duration = Duration::from_secs(5);

/// What one query holds of the memory for all.
#[derive(Debug)]
pub(crate) struct Share {
    all: Arc<dyn MemoryPool>,
    held: Mutex<Held>,
    /// Told when it holds nothing any more.
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Held {
    spillable: usize,
    unspillable: usize,
    /// Operators that can spill: among them memory is divided.
    spillers: usize,
}

impl Held {
    fn bytes(&self) -> usize {
        self.spillable + self.unspillable
    }
}

impl Share {
    /// A query's share, and where the query runs with it.
    pub(crate) fn new(env: &RuntimeEnv) -> (Arc<Self>, Arc<RuntimeEnv>) {
        let all = Arc::clone(&env.memory_pool);
        let share = Arc::new(Self { all, held: Mutex::default(), emptied: Notify::new() });
        let memory_pool = Arc::clone(&share) as Arc<dyn MemoryPool>;
        (share, Arc::new(RuntimeEnv { memory_pool, ..env.clone() }))
    }

    /// Waits until everything is given back: what runs on other threads ends a little later than it is told to.
    pub(super) async fn given_back(&self) {
        let waiting = async {
            loop {
                let mut emptied = std::pin::pin!(self.emptied.notified());
                emptied.as_mut().enable();
                if self.held.lock().bytes() == 0 {
                    return;
                }
                emptied.await;
            }
        };
        // After that it is tried with what is there.
        let _late = tokio::time::timeout(ENDING, waiting).await;
        self.tell_others();
    }

    /// The turn to be tried again, if it comes in time.
    pub(super) async fn turn(&self, until: Instant) -> Option<MutexGuard<'_, ()>> {
        let memory = self.all.downcast_ref::<Memory>()?;
        tokio::time::timeout_at(until, memory.turn.lock()).await.ok()
    }

    /// Waits until another query has given back what it held.
    pub(super) async fn another_gave_back(&self, until: Instant) {
        let Some(memory) = self.all.downcast_ref::<Memory>() else { return };
        let mut told = std::pin::pin!(memory.given_back.notified());
        told.as_mut().enable();
        if memory.reserved() > 0 {
            // After that it is tried a last time.
            let _late = tokio::time::timeout_at(until, told).await;
        }
    }

    fn tell_others(&self) {
        if let Some(memory) = self.all.downcast_ref::<Memory>() {
            memory.given_back.notify_waiters();
        }
    }

    /// Whether there would have been room if nobody else had held any.
    fn would_fit_alone(&self, reservation: &MemoryReservation, additional: usize) -> bool {
        let held = self.held.lock();
        let limit = bytes_of(&*self.all);
        if reservation.consumer().can_spill() {
            let part = limit.saturating_sub(held.unspillable) / held.spillers.max(1);
            reservation.size() + additional <= part
        } else {
            held.bytes() + additional <= limit
        }
    }

    fn of(held: &mut Held, can_spill: bool) -> &mut usize {
        if can_spill { &mut held.spillable } else { &mut held.unspillable }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.tell_others();
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "share of {}", self.all)
    }
}

impl MemoryPool for Share {
    fn name(&self) -> &'static str {
        "share"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.held.lock().spillers += usize::from(consumer.can_spill());
        self.all.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.all.unregister(consumer);
        self.held.lock().spillers -= usize::from(consumer.can_spill());
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.all.grow(reservation, additional);
        *Self::of(&mut self.held.lock(), reservation.consumer().can_spill()) += additional;
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.all.shrink(reservation, shrink);
        let mut held = self.held.lock();
        *Self::of(&mut held, reservation.consumer().can_spill()) -= shrink;
        if held.bytes() == 0 {
            self.emptied.notify_waiters();
        }
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> DfResult<()> {
        match self.all.try_grow(reservation, additional) {
            Ok(()) => {
                *Self::of(&mut self.held.lock(), reservation.consumer().can_spill()) += additional;
                Ok(())
            }
            Err(DataFusionError::ResourcesExhausted(message))
                if self.would_fit_alone(reservation, additional) =>
            {
                Err(DataFusionError::ResourcesExhausted(format!("{DUE_TO_OTHERS}{message}")))
            }
            Err(err) => Err(err),
        }
    }

    fn reserved(&self) -> usize {
        self.all.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.all.memory_limit()
    }
}

/// What queries may hold together.
pub(crate) fn bytes_of(pool: &dyn MemoryPool) -> usize {
    match pool.memory_limit() {
        MemoryLimit::Finite(bytes) => bytes,
        MemoryLimit::Infinite | MemoryLimit::Unknown => usize::MAX,
    }
}

/// The context of a task as that of a query by itself.
pub(crate) fn with_own_share(context: TaskContext) -> Arc<TaskContext> {
    let (_, env) = Share::new(&context.runtime_env());
    Arc::new(context.with_runtime(env))
}

/// Whether a query failed because it was refused memory.
pub(crate) fn is_refusal(err: &DataFusionError) -> bool {
    matches!(err.find_root(), DataFusionError::ResourcesExhausted(_))
}

/// Whether it would have got the memory alone.
pub(super) fn is_due_to_others(err: &DataFusionError) -> bool {
    matches!(err.find_root(), DataFusionError::ResourcesExhausted(detail) if detail.starts_with(DUE_TO_OTHERS))
}

/// What to say of a query that was refused memory; `None` when it failed at something else.
pub(crate) fn refusal(err: &DataFusionError) -> Option<Error> {
    let DataFusionError::ResourcesExhausted(detail) = err.find_root() else { return None };
    tracing::info!(detail, "a query needed more memory than it could have");
    Some(if is_due_to_others(err) {
        Error::new(ErrorKind::Overloaded, "other queries use the memory that this one needs; try again")
    } else if detail.contains(NO_ROOM_TO_SPILL) {
        let what = "this sorts or groups more than fits into the server's temporary files; ask for fewer rows or columns, or a \
                    shorter time";
        Error::new(ErrorKind::TooLarge, what)
    } else {
        let what = "this needs more memory than the server has for queries; ask for fewer rows or columns, a shorter time, or fewer \
                    groups, or start the server with more --memory";
        Error::new(ErrorKind::TooLarge, what)
    })
}

#[cfg(test)]
mod tests;
