//! How many requests of one connection are worked on at a time.
//!
//! An answer is in memory before its peer takes the first byte of it, and HTTP/2 lets a peer ask for hundreds before it
//! takes any. So requests wait while too much is unread, and few begin at once. A connection of HTTP/1 has one request
//! at a time and never waits here.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

/// No request begins while more than this of earlier answers is unread.
const MAX_UNREAD_BYTES: usize = 8 << 20;
/// Requests that begin at once. Each may find out that its answer is large.
const AT_ONCE: u32 = 4;
/// Work that takes longer holds nobody up: a proxy may bring the requests of many people.
const PATIENCE: Duration = Duration::from_millis(200);

/// The requests of one connection.
#[derive(Debug)]
pub(super) struct Turns {
    /// One waits for its turn, the others for this, in their order.
    first: Semaphore,
    working: AtomicU32,
    unread_bytes: AtomicUsize,
    changed: Notify,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self {
            first: Semaphore::new(1),
            working: AtomicU32::new(0),
            unread_bytes: AtomicUsize::new(0),
            changed: Notify::new(),
        }
    }

    /// Waits until a request may begin. It works until the turn is dropped. Cancel-safe.
    pub(super) async fn take(&self) -> Turn<'_> {
        let _first = self.first.acquire().await;
        let no_later = Instant::now() + PATIENCE;
        loop {
            let is_late = Instant::now() >= no_later;
            let has_room = self.unread_bytes.load(SeqCst) <= MAX_UNREAD_BYTES;
            if has_room && (is_late || self.working.load(SeqCst) < AT_ONCE) {
                self.working.fetch_add(1, SeqCst);
                return Turn { turns: self };
            }
            tokio::select! {
                // Both are cancel-safe: what changed meanwhile is looked up again.
                () = self.changed.notified() => {}
                () = tokio::time::sleep_until(no_later), if !is_late => {}
            }
        }
    }

    /// So much was made for the peer, and is in memory until it is read.
    pub(super) fn note_unread(&self, bytes: usize) {
        self.unread_bytes.fetch_add(bytes, SeqCst);
    }

    pub(super) fn note_read(&self, bytes: usize) {
        self.unread_bytes.fetch_sub(bytes, SeqCst);
        self.changed.notify_one();
    }
}

/// A request that is worked on.
#[derive(Debug)]
pub(in crate::app) struct Turn<'a> {
    turns: &'a Turns,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.working.fetch_sub(1, SeqCst);
        self.turns.changed.notify_one();
    }
}
