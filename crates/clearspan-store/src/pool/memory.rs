//! The memory for all queries, and who waits for some of it.

use std::fmt;
use std::num::NonZeroUsize;

use datafusion::common::Result as DfResult;
use datafusion::execution::memory_pool::{
    FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation, TrackConsumersPool,
};
use tokio::sync::{Mutex, Notify};

/// Consumers that are named where memory is refused.
const NAMED: NonZeroUsize = NonZeroUsize::new(3).expect("not zero");

/// Divides memory among the operators of all queries.
#[derive(Debug)]
pub(crate) struct Memory {
    pool: TrackConsumersPool<FairSpillPool>,
    /// Told when a query has given back all that it held.
    pub(super) given_back: Notify,
    /// Held by the one query that is tried again.
    pub(super) turn: Mutex<()>,
}

impl Memory {
    pub(crate) fn new(bytes: usize) -> Self {
        let pool = TrackConsumersPool::new(FairSpillPool::new(bytes), NAMED);
        Self { pool, given_back: Notify::new(), turn: Mutex::new(()) }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pool.fmt(f)
    }
}

impl MemoryPool for Memory {
    fn name(&self) -> &'static str {
        "queries"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.pool.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.pool.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.pool.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.pool.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> DfResult<()> {
        self.pool.try_grow(reservation, additional)
    }

    fn reserved(&self) -> usize {
        self.pool.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.pool.memory_limit()
    }
}
