//! The read cache: parts of objects on the local disk, the least recently used ones first to go.
//!
//! ```text
//! <data dir>/cache/<name of the object>.whole     what was written here
//! <data dir>/cache/<name of the object>.<number>  a chunk that was fetched
//! ```
//!
//! Nothing in here is synced or trusted: every byte is compared with the checksums of its file when it is used, and what
//! does not match is thrown away and fetched again. A cache that cannot be written only makes reads slower.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::native::disk::{self, DiskRef, ReadFile};

/// Objects are fetched and kept in pieces of this size.
pub(super) const CHUNK_BYTES: u64 = 256 << 10;

/// What is kept of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Chunk(u64),
    Whole,
}

type Key = (String, Piece);

#[derive(Debug)]
struct Entry {
    bytes: u64,
    /// When it was used last; its place in the order.
    used: u64,
    /// Held by those who read it.
    pin: Arc<()>,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<Key, Entry>,
    /// By last use.
    order: BTreeSet<(u64, Key)>,
    bytes: u64,
    clock: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Cache {
    disk: DiskRef,
    dir: PathBuf,
    budget: u64,
    state: Mutex<State>,
    /// For names of files that are being written.
    next: AtomicU64,
}

/// A whole object on the local disk, which stays while this lives.
#[derive(Debug, Clone)]
pub(super) struct Pinned {
    pub(super) file: Arc<dyn ReadFile>,
    _pin: Arc<()>,
}

impl Cache {
    /// Takes stock of a folder. What belongs to no known object is removed.
    pub(super) fn open(
        disk: DiskRef,
        dir: PathBuf,
        budget: u64,
        is_known: impl Fn(&str) -> bool,
    ) -> io::Result<Self> {
        disk.make_dir(&dir)?;
        let cache = Self { disk, dir, budget, state: Mutex::default(), next: AtomicU64::new(0) };
        for name in cache.disk.list(&cache.dir)? {
            let path = cache.dir.join(&name);
            match parse(&name).filter(|(object, _)| is_known(object)) {
                Some(key) => {
                    let bytes = cache.disk.open(&path)?.len();
                    cache.state.lock().add(key, bytes);
                }
                None => cache.disk.remove(&path)?,
            }
        }
        cache.evict();
        Ok(cache)
    }

    /// One that keeps nothing and touches nothing.
    pub(super) fn off(disk: DiskRef, dir: PathBuf) -> Self {
        Self { disk, dir, budget: 0, state: Mutex::default(), next: AtomicU64::new(0) }
    }

    /// Bytes that it takes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        self.state.lock().bytes
    }

    /// Whether it keeps anything at all.
    pub(super) fn is_on(&self) -> bool {
        self.budget > 0
    }

    /// A chunk, if it is here.
    pub(super) fn chunk(&self, object: &str, number: u64) -> Option<Vec<u8>> {
        let key = (object.to_owned(), Piece::Chunk(number));
        // Held over the read, so that it is not evicted meanwhile.
        let _pin = self.state.lock().touch(&key)?;
        let read = disk::read(&*self.disk, &self.path(&key));
        read.inspect_err(|err| self.lose(&key, err)).ok()
    }

    /// The whole object, if it is here.
    pub(super) fn whole(&self, object: &str) -> Option<Pinned> {
        let key = (object.to_owned(), Piece::Whole);
        let pin = self.state.lock().touch(&key)?;
        let file = self.disk.open(&self.path(&key)).inspect_err(|err| self.lose(&key, err)).ok()?;
        Some(Pinned { file, _pin: pin })
    }

    /// Keeps a chunk.
    pub(super) fn put_chunk(&self, object: &str, number: u64, bytes: &[u8]) {
        if !self.is_on() {
            return;
        }
        let key = (object.to_owned(), Piece::Chunk(number));
        let temporary = self.dir.join(format!("{}.tmp", self.next.fetch_add(1, Ordering::Relaxed)));
        let write = || {
            self.disk.create(&temporary)?.write_all(bytes)?;
            self.disk.rename(&temporary, &self.path(&key))
        };
        match write() {
            Ok(()) => self.added(key, bytes.len() as u64),
            Err(err) => {
                tracing::debug!(object, error = %err, "the cache cannot keep something");
                // It may not even have been made.
                let _removed = self.disk.remove(&temporary);
            }
        }
    }

    /// Takes a file in that is the whole object.
    pub(super) fn take_whole(&self, object: &str, file: &Path, bytes: u64) {
        let key = (object.to_owned(), Piece::Whole);
        let kept = if bytes <= self.budget {
            self.disk.rename(file, &self.path(&key))
        } else {
            self.disk.remove(file)
        };
        match kept {
            Ok(()) if bytes <= self.budget => self.added(key, bytes),
            Ok(()) => {}
            Err(err) => tracing::debug!(object, error = %err, "the cache cannot keep something"),
        }
    }

    /// Drops everything of an object. True when there was something.
    pub(super) fn forget(&self, object: &str) -> bool {
        let keys = self.state.lock().keys_of(object);
        keys.iter().for_each(|key| self.drop_entry(key));
        !keys.is_empty()
    }

    fn added(&self, key: Key, bytes: u64) {
        self.state.lock().add(key, bytes);
        self.evict();
    }

    /// Makes room. What is being read stays, so it may take a little more than it should for a while.
    fn evict(&self) {
        loop {
            let superfluous = self.state.lock().superfluous(self.budget);
            match superfluous {
                Some(key) => self.drop_entry(&key),
                None => return,
            }
        }
    }

    fn lose(&self, key: &Key, err: &io::Error) {
        tracing::debug!(object = %key.0, error = %err, "something in the cache cannot be read");
        self.drop_entry(key);
    }

    fn drop_entry(&self, key: &Key) {
        self.state.lock().remove(key);
        if let Err(err) = self.disk.remove(&self.path(key))
            && err.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(object = %key.0, error = %err, "something in the cache cannot be removed");
        }
    }

    fn path(&self, (object, piece): &Key) -> PathBuf {
        self.dir.join(match piece {
            Piece::Chunk(number) => format!("{object}.{number}"),
            Piece::Whole => format!("{object}.whole"),
        })
    }
}

impl State {
    fn add(&mut self, key: Key, bytes: u64) {
        self.remove(&key);
        self.clock += 1;
        self.bytes += bytes;
        self.order.insert((self.clock, key.clone()));
        self.entries.insert(key, Entry { bytes, used: self.clock, pin: Arc::default() });
    }

    fn touch(&mut self, key: &Key) -> Option<Arc<()>> {
        let entry = self.entries.get_mut(key)?;
        self.clock += 1;
        self.order.remove(&(entry.used, key.clone()));
        entry.used = self.clock;
        self.order.insert((self.clock, key.clone()));
        Some(Arc::clone(&entry.pin))
    }

    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= entry.bytes;
            self.order.remove(&(entry.used, key.clone()));
        }
    }

    fn keys_of(&self, object: &str) -> Vec<Key> {
        let all = (object.to_owned(), Piece::Chunk(0))..=(object.to_owned(), Piece::Whole);
        self.entries.range(all).map(|(key, _)| key.clone()).collect()
    }

    /// The least recently used that nobody reads, when there is too much.
    fn superfluous(&self, budget: u64) -> Option<Key> {
        if self.bytes <= budget {
            return None;
        }
        let is_free =
            |key: &Key| self.entries.get(key).is_some_and(|entry| Arc::strong_count(&entry.pin) == 1);
        self.order.iter().find(|(_, key)| is_free(key)).map(|(_, key)| key.clone())
    }
}

fn parse(name: &OsStr) -> Option<Key> {
    let (object, piece) = name.to_str()?.rsplit_once('.')?;
    let piece = match piece {
        "whole" => Piece::Whole,
        number => Piece::Chunk(number.parse().ok()?),
    };
    Some((object.to_owned(), piece))
}
