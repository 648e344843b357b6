//! What the engine knows now, shared between the threads that change it and the readers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use clearspan_model::{ErrorKind, TraceId};
use parking_lot::{Mutex, RwLock, RwLockUpgradableReadGuard};
use roaring::RoaringBitmap;
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::watch;

use super::cache::SegmentCache;
use super::disk::{Disk, DiskRef};
use super::health::Health;
use super::hot::{RowRef, Tier, View};
use super::manifest::Manifest;
use super::postponed::Late;
use super::records::{FileEntry, RecordColumn, RecordFile, RecordSnapshot};
use super::segment::Segment;
use super::{NativeConfig, bucket, compact, paths, search, tombstone_file};
use crate::error::Context;
use crate::schema::Col;
use crate::schema::logs::LogCol;
use crate::schema::points::PointCol;
use crate::tombstones::Tombstones;
use crate::{DeletionState, Error, Result};

/// How long a write waits for room before it is refused.
const ROOM_TIMEOUT: Duration = Duration::from_secs(10);

/// The dead rows of each segment that has any.
pub(crate) type DeadRows = FxHashMap<u64, Arc<RoaringBitmap>>;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: NativeConfig,
    pub(crate) disk: DiskRef,
    /// What was read of segments and is worth keeping.
    pub(crate) cache: Arc<SegmentCache>,
    pub(crate) state: RwLock<State>,
    /// The manifest on disk. Only the applier thread changes it.
    pub(crate) manifest: Mutex<Manifest>,
    /// The number that the next file gets.
    next_number: AtomicU64,
    pub(super) compaction: compact::Counters,
    /// Whether writes are possible.
    pub(crate) health: Health,
    /// Set when the store is closed: what fails now is not tried again.
    pub(crate) stopping: AtomicBool,
    /// Bytes in the hot tier.
    pub(crate) pressure: watch::Sender<usize>,
    /// Keeps replacements apart from runs that stay in memory over a flush. Those are logged a second time, as they
    /// were when the tier was closed: a replacement between the two would be undone when the log is replayed. So
    /// replacements hold it for reading until they are applied, and a flush that carries runs holds it for writing
    /// until they are logged; one that cannot have it at once carries none.
    pub(crate) carrying: Arc<tokio::sync::RwLock<()>>,
    /// Rows that arrived for something deleted and were dropped.
    dropped: AtomicU64,
    /// Runs that wait for segments.
    pub(super) late: Late,
    /// Lets tests look at the folder at certain moments.
    #[cfg(test)]
    pub(super) on_step: compact::OnStep,
}

/// The state that readers see.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Takes writes.
    pub(crate) active: Tier,
    /// On its way to a segment.
    pub(crate) frozen: Option<Tier>,
    pub(crate) segments: Arc<Vec<Arc<Segment>>>,
    pub(crate) dead: DeadRows,
    pub(crate) log_files: Arc<Vec<Arc<RecordFile<LogCol>>>>,
    pub(crate) point_files: Arc<Vec<Arc<RecordFile<PointCol>>>>,
    /// The search indexes of the segments.
    pub(crate) search: Arc<search::Registry>,
    /// What was deleted.
    pub(crate) tombstones: Arc<Tombstones>,
    /// Whether that differs from the file that the manifest names.
    pub(crate) tombstones_changed: bool,
}

/// One moment of the store, for a reader.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    /// The batches of the hot tier.
    pub(crate) hot: View,
    /// When only one trace is wanted: its rows in `hot`; `None` means that all rows count.
    pub(crate) hot_rows: Option<Vec<RowRef>>,
    pub(crate) segments: Arc<Vec<Arc<Segment>>>,
    pub(crate) dead: DeadRows,
    /// Of the segments only these rows, when not all of them are looked at; see [`Snapshot::narrowed`].
    pub(crate) only: Option<Arc<RowSet>>,
    pub(crate) search: Arc<search::Registry>,
}

/// Some rows of each segment.
pub(crate) type RowSet = FxHashMap<u64, RoaringBitmap>;

impl Shared {
    /// Reads the manifest and lists the segments. The log is replayed later.
    pub(crate) fn load(config: NativeConfig, disk: DiskRef) -> Result<Self> {
        let (log_dir, segment_dir) = (paths::log_dir(&config.dir), paths::segment_dir(&config.dir));
        for dir in [&log_dir, &segment_dir] {
            disk.make_dir(dir).context(ErrorKind::Unavailable, || format!("making {}", dir.display()))?;
        }
        let manifest = match Manifest::load(&*disk, &config.dir)
            .context(ErrorKind::Corrupt, || "reading the manifest".into())?
        {
            Some(manifest) => manifest,
            None => {
                refuse_orphans(&*disk, &segment_dir)?;
                Manifest::default()
            }
        };
        remove_leftovers(&*disk, &segment_dir, &manifest);
        let mut state = State::default();
        let mut segments = Vec::new();
        let cache = Arc::new(SegmentCache::for_memory(config.memory_bytes.get()));
        for entry in &manifest.segments {
            let segment = Segment::new(&disk, &cache, &segment_dir, entry);
            if !exists(&*disk, segment.path())? {
                return Err(Error::new(
                    ErrorKind::Corrupt,
                    format!("segment {} is in the manifest but its file is missing", entry.number),
                ));
            }
            segments.push(Arc::new(segment));
            if !entry.dead.is_empty() {
                state.dead.insert(entry.number, Arc::new(entry.dead.clone()));
            }
        }
        state.segments = Arc::new(segments);
        state.log_files = Arc::new(open_files(&disk, &segment_dir, &manifest.logs)?);
        state.point_files = Arc::new(open_files(&disk, &segment_dir, &manifest.points)?);
        if let Some(number) = manifest.tombstones {
            state.tombstones = Arc::new(tombstone_file::load(&*disk, &config.dir, number)?);
        }
        // Those that a crash left. On a disk that takes no writes they stay.
        let _removed = tombstone_file::remove_others(&*disk, &config.dir, manifest.tombstones);
        Ok(Self {
            config,
            disk,
            cache,
            state: RwLock::new(state),
            next_number: AtomicU64::new(manifest.next_segment.max(1)),
            compaction: compact::Counters::default(),
            manifest: Mutex::new(manifest),
            health: Health::default(),
            stopping: AtomicBool::new(false),
            pressure: watch::Sender::new(0),
            carrying: Arc::default(),
            dropped: AtomicU64::new(0),
            late: Late::default(),
            #[cfg(test)]
            on_step: compact::OnStep::default(),
        })
    }

    /// A number for a new file. Nothing else has it.
    pub(crate) fn take_number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// The number after all that were taken.
    pub(crate) fn next_number(&self) -> u64 {
        self.next_number.load(Ordering::Relaxed)
    }

    /// Lets tests look.
    pub(super) fn at(&self, _step: compact::Step) {
        #[cfg(test)]
        self.on_step.look(_step);
    }

    /// Whether a tier is on its way to a segment.
    pub(super) fn is_flushing(&self) -> bool {
        self.state.read().frozen.is_some()
    }

    /// Waits while the hot tier is full.
    pub(crate) async fn wait_for_room(&self) -> Result<()> {
        let limit = self.config.memory_bytes.get();
        let mut pressure = self.pressure.subscribe();
        let room = pressure.wait_for(|bytes| *bytes < limit);
        match tokio::time::timeout(ROOM_TIMEOUT, room).await {
            Ok(_) => self.health.check_writable(),
            Err(_) => {
                Err(Error::new(ErrorKind::Overloaded, "the disk cannot keep up with what arrives; try again"))
            }
        }
    }

    pub(crate) fn update_pressure(&self, state: &State) {
        let bytes = state.active.bytes() + state.frozen.as_ref().map_or(0, Tier::bytes);
        self.pressure.send_replace(bytes + self.late.bytes());
    }

    pub(crate) fn note_dropped(&self, rows: usize) {
        self.dropped.fetch_add(rows as u64, Ordering::Relaxed);
    }

    pub(crate) fn deletion_state(&self) -> DeletionState {
        let tombstones = Arc::clone(&self.state.read().tombstones);
        DeletionState {
            dropped: self.dropped.load(Ordering::Relaxed),
            tombstones: tombstones.len() as u64,
            unpurged_since: tombstones.oldest_after(self.manifest.lock().purged_seq),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.state.read().snapshot()
    }

    /// A snapshot that knows where the rows of some traces are.
    pub(crate) fn trace_snapshot(&self, trace_ids: &[TraceId]) -> Snapshot {
        let state = self.state.read();
        let mut snapshot = state.snapshot();
        let frozen_batches = state.frozen.as_ref().map_or(0, |tier| tier.view().len());
        let offset = u32::try_from(frozen_batches).expect("far fewer batches than 2^32");
        let mut rows = Vec::new();
        // A trace that is named twice has its rows once.
        for trace_id in trace_ids.iter().copied().collect::<BTreeSet<TraceId>>() {
            rows.extend(state.frozen.iter().flat_map(|tier| tier.trace_rows(trace_id)));
            let active = state.active.trace_rows(trace_id).into_iter();
            rows.extend(active.map(|place| RowRef { batch: place.batch + offset, row: place.row }));
        }
        snapshot.hot_rows = Some(rows);
        snapshot
    }

    /// A snapshot in which every run of the hot tier knows whether it is billed.
    pub(crate) fn settled_snapshot(&self) -> Result<Snapshot> {
        {
            let state = self.state.read();
            if state.is_settled() {
                return Ok(state.snapshot());
            }
        }
        // Deciding takes long for large traces. Writers wait meanwhile, other readers do not.
        let state = self.state.upgradable_read();
        let active = state.active.changes()?;
        let frozen = state.frozen.as_ref().map(Tier::changes).transpose()?;
        let mut state = RwLockUpgradableReadGuard::upgrade(state);
        state.active.settle_with(active);
        if let (Some(tier), Some(changes)) = (&mut state.frozen, frozen) {
            tier.settle_with(changes);
        }
        Ok(state.snapshot())
    }

    /// One moment of the log records.
    pub(crate) fn log_snapshot(&self) -> RecordSnapshot<LogCol> {
        let state = self.state.read();
        let hot = state.tiers().flat_map(|tier| tier.logs.batches()).cloned().collect();
        RecordSnapshot { hot, files: Arc::clone(&state.log_files), tombstones: Arc::clone(&state.tombstones) }
    }

    /// One moment of the metric points.
    pub(crate) fn point_snapshot(&self) -> RecordSnapshot<PointCol> {
        let state = self.state.read();
        let hot = state.tiers().flat_map(|tier| tier.points.batches()).cloned().collect();
        RecordSnapshot {
            hot,
            files: Arc::clone(&state.point_files),
            tombstones: Arc::clone(&state.tombstones),
        }
    }
}

impl State {
    fn snapshot(&self) -> Snapshot {
        let mut hot = self.frozen.as_ref().map_or_else(Vec::new, Tier::view);
        hot.extend(self.active.view());
        Snapshot {
            hot,
            hot_rows: None,
            segments: Arc::clone(&self.segments),
            dead: self.dead.clone(),
            only: None,
            search: Arc::clone(&self.search),
        }
    }

    fn tiers(&self) -> impl Iterator<Item = &Tier> {
        self.frozen.iter().chain([&self.active])
    }

    fn is_settled(&self) -> bool {
        self.tiers().all(Tier::is_settled)
    }

    /// Marks a row of a segment as dead.
    pub(crate) fn bury(&mut self, segment: u64, row: u32) {
        Arc::make_mut(self.dead.entry(segment).or_default()).insert(row);
    }
}

impl Snapshot {
    /// DataFusion does not tell damage from its own failures; the segments know what was found.
    pub(crate) fn explain(&self, err: Error) -> Error {
        if err.kind() != ErrorKind::Internal {
            return err;
        }
        // Between here and the failure the store may be back: then the error itself tells.
        if bucket::is_unreachable(&err) {
            return Error::caused(ErrorKind::Unavailable, "a segment cannot be read now", err);
        }
        if let Some(Err(down)) = self.segments.first().map(|segment| segment.check_readable()) {
            return Error::caused(ErrorKind::Unavailable, "a segment cannot be read now", down);
        }
        let mut damaged =
            self.segments.iter().filter(|segment| segment.damage().is_some() || segment.is_passed_over());
        match damaged.next() {
            Some(segment) if segment.is_passed_over() => segment.passed_over_error(),
            Some(segment) => Error::caused(
                ErrorKind::Corrupt,
                format!("segment {} is damaged; `clearspan doctor` says what is affected", segment.number),
                err,
            ),
            None => err,
        }
    }

    /// The same moment with fewer rows: some of the hot tier, and of segments those in `only`.
    pub(crate) fn narrowed(&self, hot: View, only: RowSet) -> Self {
        // One that was passed over stays, so that queries fail as they must.
        let segments = self.segments.iter().filter(|segment| {
            only.get(&segment.number).is_some_and(|rows| !rows.is_empty()) || segment.is_passed_over()
        });
        Self {
            hot,
            hot_rows: None,
            segments: Arc::new(segments.cloned().collect()),
            dead: self.dead.clone(),
            only: Some(Arc::new(only)),
            search: Arc::clone(&self.search),
        }
    }

    /// The same moment with the runs of some traces only, whatever their project, and perhaps some more.
    pub(crate) fn of_traces(&self, trace_ids: &FxHashSet<[u8; 16]>) -> Result<Self> {
        let ids: Vec<TraceId> = trace_ids.iter().copied().map(TraceId::from_bytes).collect();
        let mut only = RowSet::default();
        for segment in self.segments.iter() {
            let stretches = segment.stretches_of(&ids)?;
            if !stretches.is_empty() {
                let rows = only.entry(segment.number).or_default();
                stretches.into_iter().for_each(|stretch| _ = rows.insert_range(stretch));
            }
        }
        let hot = self.hot.iter().filter_map(|batch| batch.of_traces(trace_ids)).collect();
        Ok(self.narrowed(hot, only))
    }

    /// The rows of the hot tier that may matter, grouped by batch: all living ones, or those of one trace.
    pub(crate) fn hot_places(&self) -> Vec<RowRef> {
        if let Some(rows) = &self.hot_rows {
            return rows.clone();
        }
        let mut places = Vec::new();
        for (batch, hot) in (0_u32..).zip(&self.hot) {
            let rows = u32::try_from(hot.batch.column(Col::run_id as usize).len()).expect("a batch is small");
            places.extend(
                (0..rows)
                    .filter(|row| hot.dead.as_ref().is_none_or(|dead| !dead.contains(*row)))
                    .map(|row| RowRef { batch, row }),
            );
        }
        places
    }
}

/// Removes what a crash between writing files and naming them, or between naming and removing, has left. What stays
/// costs room only.
fn remove_leftovers(disk: &dyn Disk, segment_dir: &std::path::Path, manifest: &Manifest) {
    let has = |entries: &[FileEntry], number: u64| entries.iter().any(|entry| entry.number == number);
    let is_named = |table: &str, number: u64| match table {
        "seg" => manifest.segments.iter().any(|entry| entry.number == number),
        "logs" => has(&manifest.logs, number),
        _ => has(&manifest.points, number),
    };
    if let Err(err) = paths::remove_leftovers(disk, segment_dir, is_named) {
        tracing::warn!(error = %err, "leftovers of a crash cannot be removed");
    }
}

fn open_files<C: RecordColumn>(
    disk: &DiskRef,
    segment_dir: &std::path::Path,
    entries: &[FileEntry],
) -> Result<Vec<Arc<RecordFile<C>>>> {
    let open = |entry: &FileEntry| {
        let file = RecordFile::new(disk, segment_dir, entry.clone());
        if exists(&**disk, file.path())? {
            return Ok(Arc::new(file));
        }
        let what = format!("{} {} is in the manifest but its file is missing", C::FILES, entry.number);
        Err(Error::new(ErrorKind::Corrupt, what))
    };
    entries.iter().map(open).collect()
}

fn exists(disk: &dyn Disk, path: &std::path::Path) -> Result<bool> {
    disk.exists(path).context(ErrorKind::Unavailable, || format!("looking for {}", path.display()))
}

/// Segments without a manifest mean that the manifest was lost: starting empty would hide the data.
fn refuse_orphans(disk: &dyn Disk, segment_dir: &std::path::Path) -> Result<()> {
    let numbers = paths::segment_numbers(disk, segment_dir)
        .context(ErrorKind::Unavailable, || "listing segments".into())?;
    // A crash before the very first manifest leaves at most the segment that was being written.
    match numbers.as_slice() {
        [] | [1] => Ok(()),
        _ => Err(Error::new(
            ErrorKind::Corrupt,
            format!("{} segments exist but the manifest is missing; restore it from a backup", numbers.len()),
        )),
    }
}
