//! What was read of segments and is worth keeping: footers and bloom filters, up to a number of bytes, and indexes of
//! traces, up to the same number.
//!
//! Footers and bloom filters that were not used for the longest time go first; who still reads with one keeps it meanwhile.
//! The indexes of traces are not replaced in that way: every look for a trace asks those of all segments, so that a cache
//! that is a little too small would never have the next one. They are kept as long as there is room for them, and those
//! for which there is none are read where they are needed.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::segment::{Footer, GroupBlooms};

/// Room for each at least: what a month's segments of a small installation take.
const LEAST_BYTES: u64 = 32 << 20;

/// What is kept of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    Footer,
    Blooms,
}

type Key = (u64, Part);

#[derive(Debug, Clone)]
pub(crate) enum Kept {
    Footer(Arc<Footer>),
    Blooms(Arc<Vec<GroupBlooms>>),
}

#[derive(Debug)]
struct Entry {
    kept: Kept,
    bytes: u64,
    used: u64,
}

/// Shared by the segments of a store.
#[derive(Debug)]
pub(crate) struct SegmentCache {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    limit_bytes: u64,
    entries: FxHashMap<Key, Entry>,
    /// Every entry by the moment of its last use.
    by_use: BTreeMap<u64, Key>,
    moment: u64,
    bytes: u64,
    index_bytes: u64,
}

impl Default for SegmentCache {
    fn default() -> Self {
        Self::with_limit(LEAST_BYTES)
    }
}

impl SegmentCache {
    /// For a store of which nothing is known but how much its hot tier may take.
    pub(crate) fn for_memory(memory_bytes: usize) -> Self {
        let cache = Self::default();
        cache.limit_to(memory_bytes);
        cache
    }

    pub(crate) fn with_limit(limit_bytes: u64) -> Self {
        Self { inner: Mutex::new(Inner { limit_bytes, ..Inner::default() }) }
    }

    /// Lets everything together take so many bytes from now on, but not too few.
    pub(crate) fn limit_to(&self, all_bytes: usize) {
        let mut inner = self.inner.lock();
        inner.limit_bytes = (all_bytes as u64 / 2).max(LEAST_BYTES);
        inner.shrink();
    }

    pub(crate) fn get(&self, number: u64, part: Part) -> Option<Kept> {
        let mut inner = self.inner.lock();
        let Inner { entries, by_use, moment, .. } = &mut *inner;
        let entry = entries.get_mut(&(number, part))?;
        *moment += 1;
        by_use.remove(&entry.used);
        by_use.insert(*moment, (number, part));
        entry.used = *moment;
        Some(entry.kept.clone())
    }

    /// Keeps something that was read, and lets go of what was not used for the longest time.
    pub(crate) fn keep(&self, number: u64, part: Part, kept: Kept, bytes: u64) {
        let mut inner = self.inner.lock();
        inner.remove((number, part));
        inner.moment += 1;
        let used = inner.moment;
        inner.entries.insert((number, part), Entry { kept, bytes, used });
        inner.by_use.insert(used, (number, part));
        inner.bytes += bytes;
        inner.shrink();
    }

    /// Whether the index of a segment's traces may stay in memory.
    pub(crate) fn reserve_index(&self, bytes: u64) -> bool {
        let mut inner = self.inner.lock();
        let has_room = inner.index_bytes + bytes <= inner.limit_bytes;
        if has_room {
            inner.index_bytes += bytes;
        }
        has_room
    }

    /// Gives back what was reserved.
    pub(crate) fn release_index(&self, bytes: u64) {
        self.inner.lock().index_bytes -= bytes;
    }

    /// The segment is gone.
    pub(crate) fn forget(&self, number: u64, index_bytes: u64) {
        let mut inner = self.inner.lock();
        inner.index_bytes -= index_bytes;
        inner.remove((number, Part::Footer));
        inner.remove((number, Part::Blooms));
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> u64 {
        self.inner.lock().bytes
    }
}

impl Inner {
    fn shrink(&mut self) {
        while self.bytes > self.limit_bytes
            && let Some((_, key)) = self.by_use.first_key_value()
        {
            let key = *key;
            self.remove(key);
        }
    }

    fn remove(&mut self, key: Key) {
        if let Some(entry) = self.entries.remove(&key) {
            self.by_use.remove(&entry.used);
            self.bytes -= entry.bytes;
        }
    }
}

#[cfg(test)]
mod tests;
