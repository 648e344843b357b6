//! Places for connections, and who leaves when all are taken.
//!
//! A connection that has not asked for anything holds its place on trust. When there is none left, the one that has
//! done so for the longest time must go, so that silent connections keep nobody out.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::pace::Pace;

/// How long the connection that was asked to leave may take before another is asked.
const LEAVING: Duration = Duration::from_millis(50);

/// A place that is taken until this is dropped.
pub(super) type Place = OwnedSemaphorePermit;

#[derive(Debug)]
pub(super) struct Places {
    count: usize,
    free: Arc<Semaphore>,
    /// Those that came and may not have begun a request, the oldest first.
    newcomers: VecDeque<Weak<Pace>>,
}

impl Places {
    pub(super) fn new(count: usize) -> Self {
        Self { count, free: Arc::new(Semaphore::new(count)), newcomers: VecDeque::new() }
    }

    /// Takes a place for a connection that was accepted, from a silent one if need be. Cancel-safe.
    pub(super) async fn take(&mut self) -> Place {
        loop {
            if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
                return place;
            }
            self.dismiss_oldest();
            let free = Arc::clone(&self.free).acquire_owned();
            if let Ok(Ok(place)) = tokio::time::timeout(LEAVING, free).await {
                return place;
            }
        }
    }

    pub(super) fn note(&mut self, pace: &Arc<Pace>) {
        // Those that were used or ended are forgotten from time to time.
        if self.newcomers.len() > self.count.saturating_mul(2) {
            self.newcomers.retain(|pace| pace.upgrade().is_some_and(|pace| !pace.was_used()));
        }
        self.newcomers.push_back(Arc::downgrade(pace));
    }

    fn dismiss_oldest(&mut self) {
        while let Some(oldest) = self.newcomers.pop_front() {
            if oldest.upgrade().is_some_and(|pace| pace.dismiss()) {
                return;
            }
        }
    }
}
