//! Segments: immutable Parquet files that hold runs, trace by trace: projects one after the other, in each of them the
//! traces in the order of their first run in the file, in each trace the runs in the order of time.
//!
//! So the runs of a trace are neighbours, and what is new in a project lies at the end of its rows: a page of the newest
//! traces decodes a row group or two, however large the segment is. Files of earlier versions have traces in the order of
//! their ids; nothing relies on the order but how fast things are found.
//!
//! Row groups are small ([`ROW_GROUP_ROWS`]) so that opening a trace decodes little. The texts of payloads are in one column
//! ([`crate::schema::stored`]), which keeps its dictionary up to [`DICTIONARY_BYTES`]: the default limit of one megabyte would silently fall back to plain
//! pages and store every re-sent message again. Trace and run ids carry bloom filters, and an index says which rows
//! belong to a trace ([`traces`]). Which rows are dead is not in the file but in the manifest.
//!
//! Footers are read on first use and kept as long as the [`SegmentCache`] has room; a start with many segments opens none
//! of them.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use arrow::array::{AsArray, FixedSizeBinaryArray, RecordBatch};
use bytes::Bytes;
use clearspan_model::{ErrorKind, RunId};
use parking_lot::Mutex;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, RowSelection};
use parquet::bloom_filter::Sbbf;
use roaring::RoaringBitmap;

use super::blocks::{self, BlockFile, Damage, Meter, Sums};
use super::cache::{Kept, Part, SegmentCache};
use super::disk::DiskRef;
use super::manifest::SegmentEntry;
use super::{bucket, health, paths};
use crate::schema::Col;
use crate::{Error, Result};

mod covered;
mod footer;
mod read;
mod traces;
mod write;

pub(crate) use covered::GroupProjects;
pub(crate) use footer::{Footer, Group};
pub(crate) use read::{GroupRows, Wanted, living_ranges};
pub(crate) use traces::IndexPlace;
pub(crate) use write::{Effort, Written, gather, properties, write, write_file, write_groups};

/// Rows in a row group at most.
pub(crate) const ROW_GROUP_ROWS: usize = 4096;
/// The largest dictionary that a column of a row group may have before it falls back to plain pages.
pub(crate) const DICTIONARY_BYTES: usize = 256 << 20;

/// What a block of a bloom filter takes.
const BLOOM_BLOCK_BYTES: usize = 32;

/// One segment on disk.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) rows: u32,
    pub(crate) bytes: u64,
    pub(crate) min_time: i64,
    pub(crate) max_time: i64,
    disk: DiskRef,
    path: PathBuf,
    /// What the manifest says of its checksums; `None` when an older version wrote it.
    sums_crc: Option<u32>,
    sums: OnceLock<Arc<Sums>>,
    damage: health::Damaged,
    passed_over: AtomicBool,
    /// When bytes from an object store did not check, first and last.
    unsound: Mutex<Option<(Instant, Instant)>>,
    /// Where the index of traces lies in the file; `None` when an older version wrote it.
    index_place: Option<IndexPlace>,
    /// That index, once it is in memory.
    index: OnceLock<Bytes>,
    /// The room in the cache that it has.
    index_reserved: AtomicU64,
    cache: Arc<SegmentCache>,
    /// Set when the manifest does not name it any more: the file goes with the last reader.
    condemned: AtomicBool,
}

/// So long what comes from an object store may not check before it is taken for what is there.
const UNSOUND_FOR: Duration = Duration::from_secs(60);
/// What happens with a longer pause is not the same trouble.
const UNSOUND_APART: Duration = Duration::from_secs(20);

/// What the bloom filter of a row group knows of its runs.
pub(crate) type GroupBlooms = Option<Sbbf>;

impl Segment {
    pub(crate) fn new(
        disk: &DiskRef,
        cache: &Arc<SegmentCache>,
        segment_dir: &Path,
        entry: &SegmentEntry,
    ) -> Self {
        Self {
            number: entry.number,
            rows: entry.rows,
            bytes: entry.bytes,
            min_time: entry.min_time,
            max_time: entry.max_time,
            disk: Arc::clone(disk),
            path: paths::segment_file(segment_dir, entry.number),
            sums_crc: entry.sums,
            sums: OnceLock::new(),
            damage: health::Damaged::default(),
            passed_over: AtomicBool::new(entry.passed_over),
            unsound: Mutex::default(),
            index_place: entry.traces,
            index: OnceLock::new(),
            index_reserved: AtomicU64::new(0),
            cache: Arc::clone(cache),
            condemned: AtomicBool::new(false),
        }
    }

    /// Removes the file when nobody reads it any more. The manifest must not name it, durably.
    pub(crate) fn condemn(&self) {
        self.condemned.store(true, Ordering::Relaxed);
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Fails when files like this one cannot be read for now.
    pub(crate) fn check_readable(&self) -> std::io::Result<()> {
        self.disk.check_readable()
    }

    pub(crate) fn open(&self) -> Result<BlockFile> {
        blocks::load_once(&self.sums, &*self.disk, &self.path, self.sums_crc)
            .and_then(|sums| BlockFile::open(&*self.disk, &self.path, sums))
            .map_err(self.corrupt())
    }

    /// Some ranges of the file's bytes; `opened` keeps the file open.
    pub(crate) fn read_bytes(
        &self,
        opened: &OnceLock<BlockFile>,
        ranges: &[Range<u64>],
    ) -> Result<Vec<Bytes>> {
        blocks::open_once(opened, || self.open())?.ranges(ranges).map_err(self.corrupt())
    }

    pub(crate) fn is_at_hand(&self) -> bool {
        self.disk.is_at_hand()
    }

    fn corrupt<E: Into<Box<dyn std::error::Error + Send + Sync>>>(&self) -> impl Fn(E) -> Error + '_ {
        |source| {
            let source = source.into();
            let kind = health::kind_of_failed_read(&*source);
            if kind == ErrorKind::Corrupt {
                self.damage.tell(|| health::chain(&*source));
            }
            Error::caused(kind, format!("reading segment {}", self.number), source)
        }
    }

    /// Whether there are checksums of the file.
    pub(crate) fn has_sums(&self) -> bool {
        self.sums_crc.is_some()
    }

    /// What was found to be damaged in the file, if anything was.
    pub(crate) fn damage(&self) -> Option<String> {
        self.damage.what()
    }

    /// Somebody mended the file: all of it matches its checksums now.
    pub(crate) fn set_mended(&self) {
        self.damage.clear();
    }

    /// Whether new runs were not compared with those in here; see [`Self::pass_over`].
    pub(crate) fn is_passed_over(&self) -> bool {
        self.passed_over.load(Ordering::Relaxed)
    }

    /// Why a query over a segment that was passed over has no answer.
    pub(crate) fn passed_over_error(&self) -> Error {
        let what = format!(
            "segment {} is damaged and may hold old copies of newer runs; restore it from a backup, or ask for another time range",
            self.number
        );
        Error::new(ErrorKind::Corrupt, what)
    }

    /// Lets the applier go on without a segment that is damaged: what arrives must not be held up by it. A run may be
    /// here and in a newer place, too, so from now on queries over this segment fail instead of counting it twice.
    pub(crate) fn pass_over<T: Default>(&self, err: Error) -> Result<T> {
        if err.kind() != ErrorKind::Corrupt {
            return Err(err);
        }
        if !self.is_at_hand() && self.may_pass() {
            return Err(bucket::not_now(&err));
        }
        if !self.passed_over.swap(true, Ordering::Relaxed) {
            tracing::error!(
                segment = self.number,
                error = health::chain(&err),
                "a damaged segment hides runs that may have changed; restore it from a backup"
            );
        }
        Ok(T::default())
    }

    /// Whether bytes that came from far away may check the next time: they may have changed on their way, and to pass over them
    /// is for good. Who is told so tries again all the time, until this has gone on for too long.
    fn may_pass(&self) -> bool {
        let (now, mut seen) = (Instant::now(), self.unsound.lock());
        let first = match *seen {
            Some((first, last)) if now.duration_since(last) < UNSOUND_APART => first,
            _ => now,
        };
        *seen = Some((first, now));
        now.duration_since(first) < UNSOUND_FOR
    }

    pub(crate) fn footer(&self) -> Result<Arc<Footer>> {
        if let Some(Kept::Footer(footer)) = self.cache.get(self.number, Part::Footer) {
            return Ok(footer);
        }
        let file = self.open()?;
        let read = ArrowReaderMetadata::load(&file, Footer::options()).map_err(self.corrupt())?;
        let footer = Arc::new(Footer::new(&read).map_err(self.corrupt())?);
        let bytes = footer.memory_size();
        self.cache.keep(self.number, Part::Footer, Kept::Footer(Arc::clone(&footer)), bytes as u64);
        Ok(footer)
    }

    /// The bloom filters over run ids of each row group.
    fn blooms(&self) -> Result<Arc<Vec<GroupBlooms>>> {
        if let Some(Kept::Blooms(blooms)) = self.cache.get(self.number, Part::Blooms) {
            return Ok(blooms);
        }
        let (footer, file) = (self.footer()?, self.open()?);
        let mut blooms: Vec<GroupBlooms> = Vec::new();
        for group in 0..footer.groups().len() {
            let column = footer.column(group, Col::run_id).map_err(self.corrupt())?;
            let bloom = column.map(|column| Sbbf::read_from_column_chunk(&column, &file)).transpose();
            blooms.push(bloom.map_err(self.corrupt())?.flatten());
        }
        let bytes: usize = blooms.iter().flatten().map(|bloom| bloom.num_blocks() * BLOOM_BLOCK_BYTES).sum();
        let blooms = Arc::new(blooms);
        self.cache.keep(self.number, Part::Blooms, Kept::Blooms(Arc::clone(&blooms)), bytes as u64);
        Ok(blooms)
    }

    /// The bloom filters, or `None` when they are damaged and rule nothing out.
    fn readable_blooms(&self) -> Result<Option<Arc<Vec<GroupBlooms>>>> {
        match self.blooms() {
            Ok(blooms) => Ok(Some(blooms)),
            Err(err) if err.kind() == ErrorKind::Corrupt => Ok(None),
            Err(err) => Err(err),
        }
    }

    /// How many row groups there are.
    pub(crate) fn group_count(&self) -> Result<usize> {
        Ok(self.footer()?.groups().len())
    }

    /// The blocks that the disk damaged. The checksums are read anew: they may have rotted since they were read first.
    pub(crate) fn damaged_blocks(&self, meter: Meter<'_>) -> Result<Vec<Damage>> {
        let damaged = blocks::damaged_blocks(&*self.disk, &self.path, self.sums_crc, meter);
        let damaged = damaged.map_err(self.corrupt())?;
        if let Some(first) = damaged.first() {
            self.damage.tell(|| first.to_string());
        }
        Ok(damaged)
    }

    /// What lies at a place of the file: a column of some rows. `None` when that is not known.
    pub(crate) fn place_of(&self, offset: u64) -> Option<String> {
        if self.index_place.is_some_and(|place| place.holds(offset)) {
            return Some("the index of traces".to_owned());
        }
        let footer = self.footer().ok()?;
        let (group, column) = footer.column_at(offset)?;
        let Range { start, end } = &group.rows;
        Some(format!("column {column} of rows {start} to {}", end - 1))
    }

    /// Bytes that the largest row group takes in memory, about.
    pub(crate) fn largest_group_bytes(&self) -> Result<u64> {
        Ok(self.group_sizes()?.into_iter().map(|(_, bytes)| bytes).max().unwrap_or(0))
    }

    /// Bytes that some rows take in memory, if all of a row group take the same.
    pub(crate) fn bytes_of(&self, rows: &[u32]) -> Result<u64> {
        let footer = self.footer()?;
        let (mut groups, mut bytes) = (footer.groups().iter().peekable(), 0);
        for row in rows {
            while groups.next_if(|group| group.rows.end <= *row).is_some() {}
            bytes += groups.peek().map_or(0, |group| group.bytes / group.rows.len().max(1) as u64);
        }
        Ok(bytes)
    }

    /// The rows of each row group, and the bytes that it takes in memory, about.
    pub(crate) fn group_sizes(&self) -> Result<Vec<(Range<u32>, u64)>> {
        let footer = self.footer()?;
        Ok(footer.groups().iter().map(|group| (group.rows.clone(), group.bytes)).collect())
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        self.cache.forget(self.number, self.index_reserved.load(Ordering::Relaxed));
        if self.condemned.load(Ordering::Relaxed) {
            paths::remove_unnamed(&*self.disk, &self.path);
        }
    }
}

/// The rows that are not dead, over the rows of some row groups put one behind the other.
pub(crate) fn alive_selection(
    dead: &RoaringBitmap,
    groups: impl Iterator<Item = Range<u32>>,
) -> RowSelection {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut offset = 0;
    for rows in groups {
        let mut from = rows.start;
        let place = |row: u32| offset + (row - rows.start) as usize;
        for row in dead.range(rows.clone()) {
            if from < row {
                ranges.push(place(from)..place(row));
            }
            from = row + 1;
        }
        if from < rows.end {
            ranges.push(place(from)..place(rows.end));
        }
        offset += rows.len();
    }
    RowSelection::from_consecutive_ranges(ranges.into_iter(), offset)
}

/// These rows, all of which are among the rows of a row group.
pub(crate) fn chosen_selection(chosen: &RoaringBitmap, group: &Range<u32>) -> RowSelection {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for row in chosen {
        let row = (row - group.start) as usize;
        match ranges.last_mut() {
            Some(last) if last.end == row => last.end = row + 1,
            _ => ranges.push(row..row + 1),
        }
    }
    RowSelection::from_consecutive_ranges(ranges.into_iter(), group.len())
}

/// What the bloom filter of a row group says of a run.
fn may_hold_run(blooms: Option<&[GroupBlooms]>, group: usize, run_id: RunId) -> bool {
    let Some(Some(bloom)) = blooms.and_then(|blooms| blooms.get(group)) else { return true };
    bloom.check(&parquet::data_type::FixedLenByteArray::from(run_id.as_bytes().to_vec()))
}

fn fixed(batch: &RecordBatch, col: Col) -> &FixedSizeBinaryArray {
    batch.column_by_name(col.name()).expect("the column was asked for").as_fixed_size_binary()
}

#[cfg(test)]
mod tests;
