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

use crate::Error;

/// Stands before the words of refusals that are due to other queries.
const DUE_TO_OTHERS: &str = "held by other queries: ";
/// What DataFusion says when there are too many spilled files.
const NO_ROOM_TO_SPILL: &str = "disk space during the spilling";
/// How long what ends may take to give back its memory.
const ENDING: Duration = Duration::from_secs(5);
const ENDING_STEP: Duration = Duration::from_millis(2);

/// What one query holds of the memory for all.
#[derive(Debug)]
pub(crate) struct Share {
    all: Arc<dyn MemoryPool>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    spillable: usize,
    unspillable: usize,
    /// Operators that can spill: among them memory is divided.
    spillers: usize,
}

impl Share {
    /// A query's share, and where the query runs with it.
    pub(crate) fn new(env: &RuntimeEnv) -> (Arc<Self>, Arc<RuntimeEnv>) {
        let share = Arc::new(Self { all: Arc::clone(&env.memory_pool), held: Mutex::default() });
        let memory_pool = Arc::clone(&share) as Arc<dyn MemoryPool>;
        (share, Arc::new(RuntimeEnv { memory_pool, ..env.clone() }))
    }

    /// Waits until everything is given back: what runs on other threads ends a little later than it is told to.
    pub(crate) async fn given_back(&self) {
        let all_is = || {
            let held = self.held.lock();
            held.spillable + held.unspillable == 0
        };
        let waiting = async {
            while !all_is() {
                tokio::time::sleep(ENDING_STEP).await;
            }
        };
        // After that it is tried with what is there.
        let _late = tokio::time::timeout(ENDING, waiting).await;
    }

    /// Whether there would have been room if nobody else had held any.
    fn would_fit_alone(&self, reservation: &MemoryReservation, additional: usize) -> bool {
        let held = self.held.lock();
        let limit = bytes_of(&*self.all);
        if reservation.consumer().can_spill() {
            let part = limit.saturating_sub(held.unspillable) / held.spillers.max(1);
            reservation.size() + additional <= part
        } else {
            held.spillable + held.unspillable + additional <= limit
        }
    }

    fn of(held: &mut Held, can_spill: bool) -> &mut usize {
        if can_spill { &mut held.spillable } else { &mut held.unspillable }
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
        *Self::of(&mut self.held.lock(), reservation.consumer().can_spill()) -= shrink;
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

/// What to say of a query that was refused memory; `None` when it failed at something else.
pub(crate) fn refusal(err: &DataFusionError) -> Option<Error> {
    let DataFusionError::ResourcesExhausted(detail) = err.find_root() else { return None };
    tracing::info!(detail, "a query needed more memory than it could have");
    Some(if detail.starts_with(DUE_TO_OTHERS) {
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
