//! The search index: what it is, when it is built, and who has which.
//!
//! Beside each segment lies an index, made by Tantivy, of the terms ([`clearspan_query::fulltext`]) of its texts. One of
//! its documents stands for some neighbouring rows of one trace ([`build`]), and holds each term once; it keeps no text and no
//! positions. So an index answers "these rows may match", and the rows' own text decides: an index makes a search
//! faster and never changes its answer. Segments without one (new ones, tiny ones, one that is damaged) and the hot
//! tier are looked at row by row.
//!
//! ```text
//! <data dir>/runs/search/<segment number>/index           what belongs to it, with checksums (`marker`)
//! <data dir>/runs/search/<segment number>/part-<n>/…      Tantivy's files
//! ```
//!
//! One thread keeps indexes and segments in step: it builds what is missing, newest first, and removes what has no
//! segment. It is told when segments change ([`Registry::poke`]) and looks for itself what there is to do, so
//! whoever adds or removes segments need not know more. Nothing here is synced to disk: a crash
//! leaves an index that its checksums refuse, and it is built again.

mod build;
mod index;
mod marker;
mod postings;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clearspan_model::ErrorKind;
use parking_lot::{Condvar, Mutex, RwLock};
use rustc_hash::FxHashMap;

pub(crate) use self::index::SegmentIndex;

use super::blocks::Meter;
use super::segment::Segment;
use super::state::Shared;
use super::{health, paths};
use crate::error::Context;
use crate::pool::be_nice;
use crate::{Result, SearchProgress};

/// Smaller segments have no index: looking at every row is as fast.
const LEAST_ROWS: u32 = 512;
/// While writes arrive, the thread rests for so many times the time that it works.
const REST: u32 = 1;
/// Ingest, flushing and queries of pages go before it.
const NICENESS: u8 = 10;
/// After a failure it waits this long before it tries again.
const RETRY: Duration = Duration::from_secs(60);
/// How soon it looks again at segments that were to be merged.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Compares the files of a segment's index, in the folder of all indexes, with their checksums. Says no where it has none.
pub(super) fn check(dir: &Path, segment: &Segment, meter: Meter<'_>) -> Result<bool> {
    let path = paths::segment_index(dir, segment.number);
    let is_there = path.exists();
    if is_there {
        marker::Marker::load(&path, segment, meter)?;
    }
    Ok(is_there)
}

/// The indexes there are.
#[derive(Debug)]
pub(crate) struct Registry {
    indexes: RwLock<FxHashMap<u64, Arc<SegmentIndex>>>,
    least_rows: AtomicU32,
    must_look: Mutex<bool>,
    changed: Condvar,
    stopping: AtomicBool,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            indexes: RwLock::default(),
            least_rows: AtomicU32::new(LEAST_ROWS),
            must_look: Mutex::new(true),
            changed: Condvar::new(),
            stopping: AtomicBool::new(false),
        }
    }
}

impl Registry {
    /// The index of a segment, if it is ready.
    pub(crate) fn of(&self, segment: u64) -> Option<Arc<SegmentIndex>> {
        self.indexes.read().get(&segment).cloned()
    }

    /// Lets go of an index that is damaged: a new one is built, and until then searches look at every row. Says no when it
    /// is gone already, because its segment is.
    pub(crate) fn build_again(&self, segment: u64, damaged: &Arc<SegmentIndex>) -> bool {
        let mut indexes = self.indexes.write();
        let is_there = indexes.get(&segment).is_some_and(|index| Arc::ptr_eq(index, damaged));
        if is_there {
            indexes.remove(&segment);
            drop(indexes);
            self.poke();
        }
        is_there
    }

    /// Says that a segment became part of the store, or ceased to be.
    pub(crate) fn poke(&self) {
        *self.must_look.lock() = true;
        self.changed.notify_all();
    }

    /// From now on every segment gets an index, however small.
    #[cfg(test)]
    pub(crate) fn index_tiny_segments(&self) {
        self.least_rows.store(1, Ordering::Relaxed);
        self.poke();
    }

    /// How many segments should have an index and have none yet, and the bytes of the indexes there are.
    pub(crate) fn progress(&self, segments: &[Arc<Segment>]) -> SearchProgress {
        let indexes = self.indexes.read();
        let missing =
            segments.iter().filter(|segment| self.wants(segment) && !indexes.contains_key(&segment.number));
        let index_bytes = indexes.values().map(|index| index.bytes()).sum();
        SearchProgress { missing: missing.count(), index_bytes }
    }

    fn wants(&self, segment: &Segment) -> bool {
        segment.rows >= self.least_rows.load(Ordering::Relaxed)
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Waits until something may have changed. False when the thread has to end.
    fn wait(&self, at_most: Option<Duration>) -> bool {
        let mut must_look = self.must_look.lock();
        while !*must_look && !self.is_stopping() {
            match at_most {
                Some(time) => {
                    if self.changed.wait_for(&mut must_look, time).timed_out() {
                        break;
                    }
                }
                None => self.changed.wait(&mut must_look),
            }
        }
        *must_look = false;
        !self.is_stopping()
    }
}

/// Ends the thread when it is dropped.
#[derive(Debug)]
pub(super) struct Handle {
    registry: Arc<Registry>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.registry.stopping.store(true, Ordering::Relaxed);
        self.registry.poke();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the search index panicked");
        }
    }
}

/// Starts the thread.
pub(super) fn start(shared: &Arc<Shared>) -> Result<Handle> {
    let registry = Arc::clone(&shared.state.read().search);
    let worker = Worker { shared: Arc::clone(shared), registry: Arc::clone(&registry) };
    let thread = std::thread::Builder::new()
        .name("clearspan-search".to_owned())
        .spawn(move || {
            be_nice(NICENESS);
            worker.run();
        })
        .context(ErrorKind::Unavailable, || "starting the thread of the search index".into())?;
    Ok(Handle { registry, thread: Some(thread) })
}

struct Worker {
    shared: Arc<Shared>,
    registry: Arc<Registry>,
}

impl Worker {
    fn run(&self) {
        let dir = paths::search_dir(&self.shared.config.dir);
        let mut retry = None;
        while self.registry.wait(retry.take()) {
            match self.reconcile(&dir) {
                Ok(()) => {
                    // Those that wait to be merged: whoever merges them says so, and this is for when it does not.
                    let segments = Arc::clone(&self.shared.state.read().segments);
                    retry = (self.registry.progress(&segments).missing > 0).then_some(LOOK_AGAIN);
                }
                Err(err) => {
                    // Searches go on without it, only slower.
                    tracing::warn!(error = %health::chain(&err), "building the search index failed");
                    retry = Some(RETRY);
                }
            }
        }
    }

    /// Removes what is too much and builds what is missing, until nothing is left to do.
    fn reconcile(&self, dir: &Path) -> Result<()> {
        // One that fails must not keep the others from being built.
        let mut failed = FxHashMap::default();
        loop {
            let segments = Arc::clone(&self.shared.state.read().segments);
            self.remove_orphans(dir, &segments)?;
            // An index costs more than a merge, and the merged file needs one of its own.
            let merged_soon = self.shared.segments_to_merge();
            let is_missing = |segment: &Segment| {
                let number = segment.number;
                self.registry.wants(segment)
                    && self.registry.of(number).is_none()
                    && !failed.contains_key(&number)
                    && (!merged_soon.contains(&number) || paths::segment_index(dir, number).exists())
            };
            let Some(segment) = segments.iter().rev().find(|segment| is_missing(segment)) else { break };
            match self.open_or_build(dir, segment) {
                Ok(Some(index)) => {
                    drop(self.registry.indexes.write().insert(segment.number, Arc::new(index)))
                }
                Ok(None) => return Ok(()),
                Err(err) => drop(failed.insert(segment.number, err)),
            }
        }
        failed.into_values().next().map_or(Ok(()), Err)
    }

    fn remove_orphans(&self, dir: &Path, segments: &[Arc<Segment>]) -> Result<()> {
        let is_part = |number: u64| segments.iter().any(|segment| segment.number == number);
        self.registry.indexes.write().retain(|number, _| is_part(*number));
        for (number, path) in paths::search_entries(dir).context(ErrorKind::Unavailable, || listing(dir))? {
            if !number.is_some_and(is_part) {
                if number.is_some()
                    && let Err(err) = self.shared.disk.drop_index(&path)
                {
                    tracing::warn!(error = %err, "the copy of a search index cannot be removed; the next start does it");
                }
                std::fs::remove_dir_all(&path)
                    .context(ErrorKind::Unavailable, || format!("removing {}", path.display()))?;
            }
        }
        Ok(())
    }

    /// `None` when the thread has to end.
    fn open_or_build(&self, dir: &Path, segment: &Segment) -> Result<Option<SegmentIndex>> {
        let path = paths::segment_index(dir, segment.number);
        if path.exists() {
            match SegmentIndex::open(&path, segment) {
                Ok(index) => return Ok(Some(index)),
                Err(err) => {
                    let reason = health::chain(&err);
                    tracing::warn!(segment = segment.number, %reason, "a search index is built again");
                    std::fs::remove_dir_all(&path)
                        .context(ErrorKind::Unavailable, || format!("removing {}", path.display()))?;
                }
            }
        }
        let begin = Instant::now();
        let temporary = path.with_extension("tmp");
        if temporary.exists() {
            std::fs::remove_dir_all(&temporary)
                .context(ErrorKind::Unavailable, || format!("removing {}", temporary.display()))?;
        }
        if let Some(index) = self.fetch(&path, &temporary, segment)? {
            return Ok(Some(index));
        }
        if !build::build(segment, &temporary, &mut |worked| self.pace(worked))? {
            return Ok(None);
        }
        std::fs::rename(&temporary, &path)
            .context(ErrorKind::Unavailable, || format!("renaming {}", temporary.display()))?;
        let index = SegmentIndex::open(&path, segment)?;
        let (bytes, millis) = (index.bytes(), begin.elapsed().as_millis());
        tracing::info!(segment = segment.number, rows = segment.rows, bytes, millis, "indexed a segment");
        if let Err(err) = self.shared.disk.keep_index(&path) {
            tracing::warn!(segment = segment.number, error = %err, "no copy of a search index is kept: it may be built again");
        }
        Ok(Some(index))
    }

    /// Takes a copy that is kept elsewhere, if it is sound.
    fn fetch(&self, path: &Path, temporary: &Path, segment: &Segment) -> Result<Option<SegmentIndex>> {
        let fetching = || format!("fetching {}", path.display());
        let is_there =
            self.shared.disk.fetch_index(path, temporary).context(ErrorKind::Unavailable, fetching)?;
        if !is_there {
            return Ok(None);
        }
        match SegmentIndex::open(temporary, segment) {
            Ok(_) => {
                std::fs::rename(temporary, path).context(ErrorKind::Unavailable, fetching)?;
                SegmentIndex::open(path, segment).map(Some)
            }
            Err(err) => {
                let reason = health::chain(&err);
                tracing::warn!(segment = segment.number, %reason, "a search index is built again");
                std::fs::remove_dir_all(temporary).context(ErrorKind::Unavailable, fetching)?;
                Ok(None)
            }
        }
    }

    /// Makes way for writes after some work. False when the thread has to end.
    fn pace(&self, worked: Duration) -> bool {
        let is_flushing = self.shared.state.read().frozen.is_some();
        if is_flushing {
            std::thread::sleep(worked.min(Duration::from_secs(1)) * REST);
        }
        !self.registry.is_stopping()
    }
}

fn listing(dir: &Path) -> String {
    format!("listing {}", dir.display())
}
