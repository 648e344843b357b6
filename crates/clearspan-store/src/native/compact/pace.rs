//! How fast a rewrite may go: it makes room for flushes, and ends early when the store does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clearspan_model::ErrorKind;

use crate::native::segment::Segment;
use crate::native::state::Shared;
use crate::{Error, Result};

/// How long a row group waits for a flush at most; writes that never pause must not stop compaction for good.
const FLUSH_WAIT: Duration = Duration::from_millis(250);
const NAP: Duration = Duration::from_millis(20);

/// Beyond so many small segments flushes make way for merges: whoever looks for a trace asks each segment.
const MANY_SEGMENTS: usize = 64;
/// For so long at most, because writers wait for room meanwhile.
const MERGE_WAIT: Duration = Duration::from_secs(2);

/// Called before a flush: lets merges catch up where writes never pause, which leave them little of the processor.
pub(in crate::native) fn wait_for_merges(shared: &Shared) {
    let deadline = Instant::now() + MERGE_WAIT;
    while shared.has_many_segments_to_merge()
        && Instant::now() < deadline
        && !shared.stopping.load(Ordering::Relaxed)
    {
        std::thread::sleep(NAP);
    }
}

impl Shared {
    fn has_many_segments_to_merge(&self) -> bool {
        let config = &self.config.compaction;
        if !config.in_background || self.compaction.plan.lock().has_failed {
            return false;
        }
        let is_small = |segment: &Arc<Segment>| {
            segment.bytes < config.target_bytes.get() / 2
                && u64::from(segment.rows) < config.target_rows.get() / 2
        };
        let segments = Arc::clone(&self.state.read().segments);
        segments.iter().filter(|segment| is_small(segment)).count() > MANY_SEGMENTS
    }
}

/// What others tell the thread that compacts.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// The store is closing.
    pub(super) stop: AtomicBool,
    /// Someone waits for what it does.
    pub(super) waiting: AtomicUsize,
}

impl Signals {
    pub(super) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// The pace of one rewrite.
pub(super) struct Pace<'a> {
    shared: &'a Shared,
    signals: &'a Signals,
    begin: Instant,
    /// What a row is reckoned to cost, read and written.
    bytes_per_row: u64,
    rows: u64,
}

impl<'a> Pace<'a> {
    pub(super) fn new(shared: &'a Shared, signals: &'a Signals, bytes: u64, rows: u64) -> Self {
        Self { shared, signals, begin: Instant::now(), bytes_per_row: 2 * bytes / rows.max(1), rows: 0 }
    }

    /// Called after each row group; returns when the next one may be made.
    pub(super) fn step(&mut self, rows: usize) -> Result<()> {
        self.rows += rows as u64;
        self.check()?;
        let flush_deadline = Instant::now() + FLUSH_WAIT;
        while !self.is_awaited() && self.shared.is_flushing() && Instant::now() < flush_deadline {
            self.nap(NAP)?;
        }
        if let Some(limit) = self.shared.config.compaction.bytes_per_second {
            let bytes = self.rows * self.bytes_per_row;
            let due = Duration::from_secs_f64(bytes as f64 / limit.get() as f64);
            while !self.is_awaited()
                && let Some(early) = due.checked_sub(self.begin.elapsed()).filter(|early| !early.is_zero())
            {
                self.nap(early.min(NAP))?;
            }
        }
        Ok(())
    }

    fn is_awaited(&self) -> bool {
        self.signals.waiting.load(Ordering::Relaxed) > 0
    }

    fn nap(&self, time: Duration) -> Result<()> {
        std::thread::sleep(time);
        self.check()
    }

    fn check(&self) -> Result<()> {
        if self.signals.is_stopping() {
            return Err(Error::new(ErrorKind::Unavailable, "the store is shutting down"));
        }
        self.shared.health.check_writable()
    }
}
