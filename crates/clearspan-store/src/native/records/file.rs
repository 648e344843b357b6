//! The files of the two tables: immutable Parquet, sorted by (project, time, id), without dead rows.

use std::io;
use std::marker::PhantomData;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use arrow::array::{BooleanArray, RecordBatch};
use bytes::Bytes;
use clearspan_model::{ErrorKind, UnixNanos};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicate, ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions,
    ParquetRecordBatchReaderBuilder, RowFilter,
};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;
use serde::{Deserialize, Serialize};

use super::RecordColumn;
use crate::native::blocks::{self, BlockFile, Damage, Meter, Sums, WrittenFile};
use crate::native::disk::DiskRef;
use crate::native::segment::{ROW_GROUP_ROWS, gather, properties, write_file};
use crate::native::{health, paths};
use crate::schema::memory_bytes;
use crate::schema::rows::TableRows;
use crate::store::TimeRange;
use crate::{Error, RecordId, Result};

/// Bytes of a row group in memory, about: rows with large bodies make smaller groups.
const GROUP_BYTES: usize = 32 << 20;
/// Rows that are decoded at a time.
const BATCH_ROWS: usize = 512;

/// One file, as the manifest has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileEntry {
    /// Its number; the file is named after it.
    pub(crate) number: u64,
    /// Rows in the file.
    pub(crate) rows: u64,
    /// Bytes of the file.
    pub(crate) bytes: u64,
    /// The checksum of its checksums (see [`crate::native::blocks`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sums: Option<u32>,
    /// The earliest `time` of its rows, nanoseconds.
    pub(crate) min_time: i64,
    /// The latest `time` of its rows.
    pub(crate) max_time: i64,
}

/// A file of one of the tables.
#[derive(Debug)]
pub(crate) struct RecordFile<C> {
    pub(crate) entry: FileEntry,
    disk: DiskRef,
    path: PathBuf,
    sums: OnceLock<Arc<Sums>>,
    footer: OnceLock<Footer>,
    damage: health::Damaged,
    /// Set when the manifest does not name it any more: the file goes with the last reader.
    condemned: AtomicBool,
    table: PhantomData<C>,
}

impl<C> Drop for RecordFile<C> {
    fn drop(&mut self) {
        if self.condemned.load(Ordering::Relaxed) {
            paths::remove_unnamed(&*self.disk, &self.path);
        }
    }
}

#[derive(Debug)]
struct Footer {
    reader: ArrowReaderMetadata,
    groups: Vec<Group>,
}

/// A row group and the times of its rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    idx: usize,
    pub(super) min_time: i64,
    pub(super) max_time: i64,
}

/// A condition on rows, and the columns that it looks at.
pub(super) struct Condition<C> {
    pub(super) columns: Vec<C>,
    pub(super) test: Arc<Test<C>>,
}

type Test<C> = dyn for<'a> Fn(&TableRows<'a, C>, usize) -> bool + Send + Sync;

impl<C> Clone for Condition<C>
where
    C: Copy,
{
    fn clone(&self) -> Self {
        Self { columns: self.columns.clone(), test: Arc::clone(&self.test) }
    }
}

pub(crate) fn overlaps(range: TimeRange, min_time: i64, max_time: i64) -> bool {
    range.from.is_none_or(|from| max_time >= from.as_nanos())
        && range.to.is_none_or(|to| min_time < to.as_nanos())
}

impl<C: RecordColumn> RecordFile<C> {
    pub(crate) fn new(disk: &DiskRef, segment_dir: &Path, entry: FileEntry) -> Self {
        let path = paths::record_file(segment_dir, C::FILES, entry.number);
        Self {
            entry,
            disk: Arc::clone(disk),
            path,
            sums: OnceLock::new(),
            footer: OnceLock::new(),
            damage: health::Damaged::default(),
            condemned: AtomicBool::new(false),
            table: PhantomData,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes batches whose rows are all different. `None` when there are none. The file is durable when this
    /// returns.
    pub(crate) fn write(
        disk: &DiskRef,
        segment_dir: &Path,
        number: u64,
        batches: &[RecordBatch],
    ) -> Result<Option<Self>> {
        let places = sorted_places::<C>(batches)?;
        if places.is_empty() {
            return Ok(None);
        }
        let memory: usize = batches.iter().map(memory_bytes).sum();
        let group_rows = (GROUP_BYTES / (memory / places.len()).max(1)).clamp(64, ROW_GROUP_ROWS);
        let batches: Vec<&RecordBatch> = batches.iter().collect();
        let groups = places.chunks(group_rows).map(|places| gather::<C>(&batches, places));
        Self::write_groups(disk, segment_dir, number, groups)
    }

    /// Writes row groups whose rows are in order and all different, likewise.
    pub(crate) fn write_groups(
        disk: &DiskRef,
        segment_dir: &Path,
        number: u64,
        groups: impl Iterator<Item = Result<RecordBatch>>,
    ) -> Result<Option<Self>> {
        let mut groups = groups.peekable();
        if groups.peek().is_none() {
            return Ok(None);
        }
        let path = paths::record_file(segment_dir, C::FILES, number);
        let (mut min_time, mut max_time, mut rows) = (i64::MAX, i64::MIN, 0);
        let groups = groups.inspect(|group| {
            let Ok(group) = group else { return };
            let reader = TableRows::<C>::new(group);
            for row in 0..group.num_rows() {
                let time = reader.time(C::TIME, row).unwrap_or_default().as_nanos();
                (min_time, max_time) = (min_time.min(time), max_time.max(time));
            }
            rows += group.num_rows() as u64;
        });
        let WrittenFile { bytes, sums } =
            write_file(&**disk, &path, C::schema(), properties(C::COLUMNS.iter()).build(), groups)?;
        Ok(Some(Self::new(
            disk,
            segment_dir,
            FileEntry { number, rows, bytes, sums: Some(sums), min_time, max_time },
        )))
    }

    /// Removes the file when nobody reads it any more. The manifest must not name it, durably.
    pub(crate) fn condemn(&self) {
        self.condemned.store(true, Ordering::Relaxed);
    }

    /// Every row, in order; all columns when none are asked for.
    pub(crate) fn scan(&self, columns: &[C]) -> Result<impl Iterator<Item = Result<RecordBatch>> + '_> {
        let columns = columns.to_vec();
        let groups = self.groups(TimeRange::default())?;
        Ok(groups.into_iter().flat_map(move |group| {
            let (batches, failed) = match self.read(group, &columns, &[]) {
                Ok(batches) => (Some(batches), None),
                Err(err) => (None, Some(Err(err))),
            };
            failed.into_iter().chain(batches.into_iter().flatten())
        }))
    }

    fn corrupt<E: Into<Box<dyn std::error::Error + Send + Sync>>>(&self) -> impl Fn(E) -> Error + '_ {
        |source| {
            let (source, what) = (source.into(), format!("reading {} {}", C::FILES, self.entry.number));
            let kind = health::kind_of_failed_read(&*source);
            if kind == ErrorKind::Corrupt {
                self.damage.tell(|| health::chain(&*source));
            }
            Error::caused(kind, what, source)
        }
    }

    fn open(&self) -> Result<BlockFile> {
        self.sums().and_then(|sums| BlockFile::open(&*self.disk, &self.path, sums)).map_err(self.corrupt())
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

    fn sums(&self) -> io::Result<Option<Arc<Sums>>> {
        blocks::load_once(&self.sums, &*self.disk, &self.path, self.entry.sums)
    }

    /// What the footer says.
    pub(crate) fn metadata(&self) -> Result<Arc<ParquetMetaData>> {
        Ok(Arc::clone(self.footer()?.reader.metadata()))
    }

    fn footer(&self) -> Result<&Footer> {
        if let Some(footer) = self.footer.get() {
            return Ok(footer);
        }
        let reader =
            ArrowReaderMetadata::load(&self.open()?, ArrowReaderOptions::new()).map_err(self.corrupt())?;
        let mut groups = Vec::new();
        for (idx, group) in reader.metadata().row_groups().iter().enumerate() {
            let column =
                group.columns().iter().find(|column| column.column_path().string() == C::TIME.name());
            let (min_time, max_time) = match column.and_then(|column| column.statistics()) {
                Some(Statistics::Int64(stats)) => (
                    stats.min_opt().copied().unwrap_or(self.entry.min_time),
                    stats.max_opt().copied().unwrap_or(self.entry.max_time),
                ),
                _ => (self.entry.min_time, self.entry.max_time),
            };
            groups.push(Group { idx, min_time, max_time });
        }
        Ok(self.footer.get_or_init(|| Footer { reader, groups }))
    }

    /// The row groups that may have rows in a range.
    pub(super) fn groups(&self, range: TimeRange) -> Result<Vec<Group>> {
        let groups = self.footer()?.groups.iter();
        Ok(groups.filter(|group| overlaps(range, group.min_time, group.max_time)).copied().collect())
    }

    /// The rows of a group that satisfy all conditions, which are looked at one after the other.
    pub(super) fn read<'s>(
        &'s self,
        group: Group,
        columns: &[C],
        conditions: &[Condition<C>],
    ) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<'s, C>> {
        let footer = self.footer()?;
        let schema = footer.reader.metadata().file_metadata().schema_descr_ptr();
        let mask =
            |columns: &[C]| ProjectionMask::columns(&schema, columns.iter().map(|column| column.name()));
        let predicates = conditions.iter().cloned().map(|Condition { columns, test }| {
            let test = move |batch: RecordBatch| {
                let rows = TableRows::new(&batch);
                Ok(BooleanArray::from_iter((0..batch.num_rows()).map(|row| Some(test(&rows, row)))))
            };
            Box::new(ArrowPredicateFn::new(mask(&columns), test)) as Box<dyn ArrowPredicate>
        });
        let file = self.open()?;
        let mut builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file.clone(), footer.reader.clone())
                .with_row_groups(vec![group.idx])
                .with_batch_size(BATCH_ROWS)
                .with_row_filter(RowFilter::new(predicates.collect()));
        if !columns.is_empty() {
            builder = builder.with_projection(mask(columns));
        }
        let reader = builder.build().map_err(|err| self.corrupt()(file.cause_of(err)))?;
        Ok(reader.map(move |batch| batch.map_err(|err| self.corrupt()(file.cause_of(err)))))
    }

    /// The blocks that the disk damaged.
    pub(crate) fn damaged_blocks(&self, meter: Meter<'_>) -> Result<Vec<Damage>> {
        let damaged = blocks::damaged_blocks(&*self.disk, &self.path, self.entry.sums, meter);
        let damaged = damaged.map_err(self.corrupt())?;
        if let Some(first) = damaged.first() {
            self.damage.tell(|| first.to_string());
        }
        Ok(damaged)
    }

    /// Somebody mended the file: all of it matches its checksums now.
    pub(crate) fn set_mended(&self) {
        self.damage.clear();
    }

    /// What somebody should know of the file.
    pub(crate) fn warning(&self) -> Option<String> {
        self.damage.what().map(|what| format!("{} {} is damaged: {what}", C::FILES, self.entry.number))
    }

    /// Decodes every row, which verifies every page. Returns how many there are.
    pub(crate) fn check(&self) -> Result<u64> {
        let mut rows = 0;
        for group in self.groups(TimeRange::default())? {
            for batch in self.read(group, &[], &[])? {
                rows += batch?.num_rows() as u64;
            }
        }
        if rows != self.entry.rows {
            let what = format!(
                "{} {} has {rows} rows where the manifest says {}",
                C::FILES,
                self.entry.number,
                self.entry.rows
            );
            return Err(Error::new(ErrorKind::Corrupt, what));
        }
        Ok(rows)
    }
}

/// The rows in the order of the file: (project, time, id).
fn sorted_places<C: RecordColumn>(batches: &[RecordBatch]) -> Result<Vec<(usize, usize)>> {
    type Order = ([u8; 16], UnixNanos, RecordId);
    let mut keyed: Vec<(Order, (usize, usize))> = Vec::new();
    for (idx, batch) in batches.iter().enumerate() {
        let rows = TableRows::<C>::new(batch);
        for row in 0..batch.num_rows() {
            let time = rows.time(C::TIME, row).unwrap_or_default();
            keyed.push(((rows.need_id(C::PROJECT, row)?, time, rows.record_id(row)?), (idx, row)));
        }
    }
    keyed.sort_unstable();
    Ok(keyed.into_iter().map(|(_, place)| place).collect())
}
