//! Segments: immutable Parquet files that hold runs sorted by (project, trace, time).
//!
//! Row groups are small ([`ROW_GROUP_ROWS`]) so that opening a trace decodes little. The messages keep their
//! dictionary up to [`DICTIONARY_BYTES`]: the default limit of one megabyte would silently fall back to plain
//! pages and store every re-sent message again. Trace and run ids carry bloom filters. Which rows are dead is
//! not in the file but in the manifest.
//!
//! Footers are read on first use and kept; a start with many segments opens none of them.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use arrow::array::{AsArray, BooleanArray, FixedSizeBinaryArray, RecordBatch};
use bytes::Bytes;
use clearspan_model::{ErrorKind, ProjectId, RunId, RunKey, TraceId};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowFilter, RowSelection,
};
use parquet::bloom_filter::Sbbf;
use parquet::file::properties::ReaderProperties;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::{ReadOptionsBuilder, SerializedFileReader};
use parquet::file::statistics::Statistics;
use roaring::RoaringBitmap;

use super::blocks::{self, BlockFile, Damage, Sums};
use super::disk::DiskRef;
use super::manifest::SegmentEntry;
use super::{health, paths};
use crate::schema::Col;
use crate::{Error, Result};

mod covered;
mod write;

pub(crate) use covered::GroupProjects;
pub(crate) use write::{Written, gather, gather_messages, properties, write, write_file, write_groups};

/// Rows in a row group at most.
pub(crate) const ROW_GROUP_ROWS: usize = 4096;
/// The largest dictionary that a column of a row group may have before it falls back to plain pages.
pub(crate) const DICTIONARY_BYTES: usize = 256 << 20;

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
    damage: OnceLock<String>,
    passed_over: AtomicBool,
    footer: OnceLock<Footer>,
    blooms: OnceLock<Vec<GroupBlooms>>,
    /// Set when the manifest does not name it any more: the file goes with the last reader.
    condemned: AtomicBool,
}

#[derive(Debug)]
struct Footer {
    reader: ArrowReaderMetadata,
    groups: Vec<Group>,
}

/// A row group: its rows, and the least and greatest ids in it.
#[derive(Debug)]
struct Group {
    rows: Range<u32>,
    projects: Option<(Vec<u8>, Vec<u8>)>,
    traces: Option<(Vec<u8>, Vec<u8>)>,
}

/// What the bloom filters of a row group know.
#[derive(Debug)]
struct GroupBlooms {
    traces: Option<Sbbf>,
    runs: Option<Sbbf>,
}

fn may_hold(bloom: Option<&Sbbf>, id: &[u8; 16]) -> bool {
    bloom.is_none_or(|bloom| bloom.check(&parquet::data_type::FixedLenByteArray::from(id.to_vec())))
}

/// What to read of the runs of a segment.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// All runs of some traces.
    Traces(&'a [TraceId]),
    /// Some runs of a trace.
    RunsOf(TraceId, &'a [RunId]),
    /// Some runs, whatever their trace.
    Runs(&'a [RunId]),
}

impl Segment {
    pub(crate) fn new(disk: &DiskRef, segment_dir: &Path, entry: &SegmentEntry) -> Self {
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
            damage: OnceLock::new(),
            passed_over: AtomicBool::new(entry.passed_over),
            footer: OnceLock::new(),
            blooms: OnceLock::new(),
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

    /// Some bytes of the file.
    pub(crate) fn read_range(&self, file: &BlockFile, range: &Range<u64>) -> Result<Bytes> {
        let len = usize::try_from(range.end.saturating_sub(range.start)).map_err(self.corrupt())?;
        file.range(range.start, len).map_err(self.corrupt())
    }

    fn corrupt<E: Into<Box<dyn std::error::Error + Send + Sync>>>(&self) -> impl Fn(E) -> Error + '_ {
        |source| {
            let source = source.into();
            let kind = health::kind_of_failed_read(&*source);
            if kind == ErrorKind::Corrupt {
                // The first one is enough to warn of the file; `doctor` finds them all.
                let _first = self.damage.set(health::chain(&*source));
            }
            Error::caused(kind, format!("reading segment {}", self.number), source)
        }
    }

    /// What was found to be damaged in the file, if anything was.
    pub(crate) fn damage(&self) -> Option<&str> {
        self.damage.get().map(String::as_str)
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
        if !self.passed_over.swap(true, Ordering::Relaxed) {
            tracing::error!(
                segment = self.number,
                error = health::chain(&err),
                "a damaged segment hides runs that may have changed; restore it from a backup"
            );
        }
        Ok(T::default())
    }

    fn footer(&self) -> Result<&Footer> {
        if let Some(footer) = self.footer.get() {
            return Ok(footer);
        }
        let file = self.open()?;
        let reader = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(self.corrupt())?;
        let mut first = 0_u32;
        let mut groups = Vec::new();
        for group in reader.metadata().row_groups() {
            let rows = u32::try_from(group.num_rows()).map_err(self.corrupt())?;
            let bounds = |col: Col| {
                let place = group.columns().iter().find(|c| c.column_path().string() == col.name())?;
                match place.statistics()? {
                    Statistics::FixedLenByteArray(stats) => {
                        Some((stats.min_bytes_opt()?.to_vec(), stats.max_bytes_opt()?.to_vec()))
                    }
                    _ => None,
                }
            };
            groups.push(Group {
                rows: first..first + rows,
                projects: bounds(Col::project_id),
                traces: bounds(Col::trace_id),
            });
            first += rows;
        }
        Ok(self.footer.get_or_init(|| Footer { reader, groups }))
    }

    /// The bloom filters over trace ids and run ids of each row group.
    fn blooms(&self) -> Result<&[GroupBlooms]> {
        if let Some(blooms) = self.blooms.get() {
            return Ok(blooms);
        }
        let options = ReadOptionsBuilder::new()
            .with_reader_properties(ReaderProperties::builder().set_read_bloom_filter(true).build())
            .build();
        let reader = SerializedFileReader::new_with_options(self.open()?, options).map_err(self.corrupt())?;
        let mut blooms = Vec::new();
        for idx in 0..reader.num_row_groups() {
            let group = reader.get_row_group(idx).map_err(self.corrupt())?;
            let of = |col: Col| {
                let columns = group.metadata().columns();
                let place = columns.iter().position(|column| column.column_path().string() == col.name())?;
                group.get_column_bloom_filter(place).cloned()
            };
            blooms.push(GroupBlooms { traces: of(Col::trace_id), runs: of(Col::run_id) });
        }
        Ok(self.blooms.get_or_init(|| blooms))
    }

    fn may_hold_run(&self, group: usize, run_id: RunId) -> Result<bool> {
        self.bloom_lets(group, |blooms| blooms.runs.as_ref(), run_id.as_bytes())
    }

    /// What a bloom filter says. One that is damaged rules nothing out.
    fn bloom_lets(
        &self,
        group: usize,
        pick: impl Fn(&GroupBlooms) -> Option<&Sbbf>,
        id: &[u8; 16],
    ) -> Result<bool> {
        match self.blooms() {
            Ok(blooms) => Ok(may_hold(blooms.get(group).and_then(pick), id)),
            Err(err) if err.kind() == ErrorKind::Corrupt => Ok(true),
            Err(err) => Err(err),
        }
    }

    /// The rows of a trace, dead or not.
    pub(crate) fn trace_rows(&self, trace_id: TraceId) -> Result<Vec<u32>> {
        let mut found = Vec::new();
        for (idx, group) in self.footer()?.groups.iter().enumerate() {
            if !group.may_hold(None, trace_id)
                || !self.bloom_lets(idx, |blooms| blooms.traces.as_ref(), trace_id.as_bytes())?
            {
                continue;
            }
            let mut row = group.rows.start;
            for batch in self.reader(&[idx], &[Col::trace_id], None, None)? {
                for id in fixed(&batch, Col::trace_id).iter() {
                    if id == Some(trace_id.as_bytes().as_slice()) {
                        found.push(row);
                    }
                    row += 1;
                }
            }
        }
        Ok(found)
    }

    /// The rows of some traces, dead or not. The ids must be in order.
    pub(crate) fn rows_of_traces(&self, trace_ids: &[[u8; 16]]) -> Result<RoaringBitmap> {
        let mut found = RoaringBitmap::new();
        for (idx, group) in self.footer()?.groups.iter().enumerate() {
            let inside = match &group.traces {
                Some((min, max)) => {
                    let from = trace_ids.partition_point(|id| id.as_slice() < min.as_slice());
                    let to = trace_ids.partition_point(|id| id.as_slice() <= max.as_slice());
                    &trace_ids[from..to.max(from)]
                }
                None => trace_ids,
            };
            if inside.is_empty() {
                continue;
            }
            let mut wanted: Vec<&[u8]> = Vec::new();
            for id in inside {
                if self.bloom_lets(idx, |blooms| blooms.traces.as_ref(), id)? {
                    wanted.push(id);
                }
            }
            if wanted.is_empty() {
                continue;
            }
            let mut row = group.rows.start;
            for batch in self.reader(&[idx], &[Col::trace_id], None, None)? {
                for id in fixed(&batch, Col::trace_id).iter() {
                    if id.is_some_and(|id| wanted.binary_search(&id).is_ok()) {
                        found.insert(row);
                    }
                    row += 1;
                }
            }
        }
        Ok(found)
    }

    /// How many row groups there are.
    pub(crate) fn group_count(&self) -> Result<usize> {
        Ok(self.footer()?.groups.len())
    }

    /// Every row of a row group, dead or not, with some columns.
    pub(crate) fn read_group(&self, group: usize, columns: &[Col]) -> Result<Vec<RecordBatch>> {
        self.reader(&[group], columns, None, None)
    }

    /// The rows of each row group with the time of the newest one.
    pub(crate) fn group_times(&self) -> Result<Vec<(Range<u32>, i64)>> {
        let footer = self.footer()?;
        let newest = |idx: usize| {
            let columns = footer.reader.metadata().row_group(idx).columns();
            let column = columns.iter().find(|column| column.column_path().string() == Col::time.name())?;
            match column.statistics()? {
                Statistics::Int64(values) => values.max_opt().copied(),
                _ => None,
            }
        };
        let groups = footer.groups.iter().enumerate();
        Ok(groups.map(|(idx, group)| (group.rows.clone(), newest(idx).unwrap_or(self.max_time))).collect())
    }

    /// Some rows, whole. `rows` must be in order.
    pub(crate) fn read_rows(&self, rows: &[u32]) -> Result<Vec<RecordBatch>> {
        let (mut groups, mut ranges, mut offset) = (Vec::new(), Vec::new(), 0);
        for (idx, group) in self.footer()?.groups.iter().enumerate() {
            let inside = rows.iter().filter(|row| group.rows.contains(row));
            let before = ranges.len();
            ranges.extend(inside.map(|row| {
                let at = offset + (row - group.rows.start) as usize;
                at..at + 1
            }));
            if ranges.len() > before {
                groups.push(idx);
                offset += group.rows.len();
            }
        }
        let selection = RowSelection::from_consecutive_ranges(ranges.into_iter(), offset);
        self.reader(&groups, &[], Some(selection), None)
    }

    /// The row of a run, dead or not.
    pub(crate) fn find(&self, key: &RunKey) -> Result<Option<u32>> {
        let footer = self.footer()?;
        for (idx, group) in footer.groups.iter().enumerate() {
            if !group.may_hold(Some(key.project_id), key.trace_id) || !self.may_hold_run(idx, key.run_id)? {
                continue;
            }
            let columns = [Col::project_id, Col::trace_id, Col::run_id];
            let mut row = group.rows.start;
            for batch in self.reader(&[idx], &columns, None, None)? {
                let ids = columns.map(|col| fixed(&batch, col));
                for at in 0..batch.num_rows() {
                    let [project, trace, run] = ids.map(|array| array.value(at));
                    if run == key.run_id.as_bytes()
                        && trace == key.trace_id.as_bytes()
                        && project == key.project_id.as_bytes()
                    {
                        return Ok(Some(row));
                    }
                    row += 1;
                }
            }
        }
        Ok(None)
    }

    /// The blocks that the disk damaged.
    pub(crate) fn damaged_blocks(&self) -> Result<Vec<Damage>> {
        self.open()?.damaged_blocks().map_err(self.corrupt())
    }

    /// What lies at a place of the file: a column of some rows. `None` when that is not known.
    pub(crate) fn place_of(&self, offset: u64) -> Option<String> {
        let footer = self.footer().ok()?;
        for (group, columns) in footer.groups.iter().zip(footer.reader.metadata().row_groups()) {
            let column = columns.columns().iter().find(|column| {
                let (start, len) = column.byte_range();
                (start..start + len).contains(&offset)
            });
            if let Some(column) = column {
                let (name, Range { start, end }) = (column.column_path(), &group.rows);
                return Some(format!("column {name} of rows {start} to {}", end - 1));
            }
        }
        None
    }

    /// Bytes that the largest row group takes in memory, about.
    pub(crate) fn largest_group_bytes(&self) -> Result<u64> {
        let groups = self.footer()?.reader.metadata().row_groups().iter();
        Ok(groups.map(|group| u64::try_from(group.total_byte_size()).unwrap_or(0)).max().unwrap_or(0))
    }

    /// The rows that are not in `dead`, in order, batch by batch; all columns when none are asked for. A batch never
    /// spans two row groups, so that it keeps the dictionary of its own.
    pub(crate) fn scan<'a>(
        &'a self,
        dead: &'a RoaringBitmap,
        columns: &'a [Col],
        batch_rows: usize,
    ) -> Result<impl Iterator<Item = Result<RecordBatch>> + 'a> {
        let groups = self.footer()?.groups.iter().enumerate();
        Ok(groups.flat_map(move |(idx, group)| {
            let rows = dead.range_cardinality(group.rows.clone());
            let selection = (rows > 0).then(|| alive_selection(dead, std::iter::once(group.rows.clone())));
            let (reader, failed) = match self.open_reader(&[idx], columns, selection, None, batch_rows) {
                Ok(reader) => (Some(reader), None),
                Err(err) => (None, Some(Err(err))),
            };
            failed
                .into_iter()
                .chain(reader.into_iter().flatten().map(|batch| batch.map_err(|err| self.corrupt()(err))))
        }))
    }

    /// Decodes every row, which verifies every page. Returns how many there are.
    pub(crate) fn check(&self) -> Result<u64> {
        let footer = self.footer()?;
        let mut rows = 0;
        for idx in 0..footer.groups.len() {
            for batch in self.reader(&[idx], &[], None, None)? {
                rows += batch.num_rows() as u64;
            }
        }
        if rows != u64::from(self.rows) {
            let what =
                format!("segment {} has {rows} rows where the manifest says {}", self.number, self.rows);
            return Err(Error::new(ErrorKind::Corrupt, what));
        }
        Ok(rows)
    }

    /// True when a run of the trace may be in here.
    pub(crate) fn may_hold_trace(&self, trace_id: TraceId) -> Result<bool> {
        Ok(self.footer()?.groups.iter().any(|group| group.may_hold(None, trace_id)))
    }

    /// One row, whole.
    pub(crate) fn read_row(&self, row: u32) -> Result<RecordBatch> {
        let missing = || Error::new(ErrorKind::Corrupt, format!("segment {} has no row {row}", self.number));
        self.read_rows(&[row])?.into_iter().next().ok_or_else(missing)
    }

    /// Living runs, with the columns asked for (all when empty).
    pub(crate) fn read(
        &self,
        wanted: Wanted<'_>,
        dead: Option<&RoaringBitmap>,
        columns: &[Col],
    ) -> Result<Vec<RecordBatch>> {
        let footer = self.footer()?;
        let mut groups = Vec::new();
        for (idx, group) in footer.groups.iter().enumerate() {
            let may_hold = match wanted {
                Wanted::Traces(trace_ids) => trace_ids.iter().any(|trace_id| group.may_hold(None, *trace_id)),
                Wanted::RunsOf(trace_id, _) if !group.may_hold(None, trace_id) => false,
                Wanted::RunsOf(_, run_ids) | Wanted::Runs(run_ids) => {
                    let mut any = false;
                    for run_id in run_ids {
                        any |= self.may_hold_run(idx, *run_id)?;
                    }
                    any
                }
            };
            if may_hold {
                groups.push(idx);
            }
        }
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        let selection = dead
            .filter(|dead| !dead.is_empty())
            .map(|dead| alive_selection(dead, groups.iter().map(|idx| footer.groups[*idx].rows.clone())));
        self.reader(&groups, columns, selection, Some(wanted))
    }

    fn reader(
        &self,
        groups: &[usize],
        columns: &[Col],
        selection: Option<RowSelection>,
        wanted: Option<Wanted<'_>>,
    ) -> Result<Vec<RecordBatch>> {
        let reader = self.open_reader(groups, columns, selection, wanted, ROW_GROUP_ROWS)?;
        reader.collect::<std::result::Result<Vec<_>, _>>().map_err(self.corrupt())
    }

    fn open_reader(
        &self,
        groups: &[usize],
        columns: &[Col],
        selection: Option<RowSelection>,
        wanted: Option<Wanted<'_>>,
        batch_rows: usize,
    ) -> Result<ParquetRecordBatchReader> {
        let footer = self.footer()?;
        let mut builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.open()?, footer.reader.clone())
                .with_row_groups(groups.to_vec())
                .with_batch_size(batch_rows);
        let parquet_schema = footer.reader.metadata().file_metadata().schema_descr_ptr();
        if !columns.is_empty() {
            let mask = ProjectionMask::columns(&parquet_schema, columns.iter().map(|col| col.name()));
            builder = builder.with_projection(mask);
        }
        if let Some(selection) = selection {
            builder = builder.with_row_selection(selection);
        }
        if let Some(wanted) = wanted {
            builder = builder.with_row_filter(row_filter(wanted, &parquet_schema));
        }
        builder.build().map_err(self.corrupt())
    }
}

impl Group {
    fn may_hold(&self, project_id: Option<ProjectId>, trace_id: TraceId) -> bool {
        let inside = |bounds: &Option<(Vec<u8>, Vec<u8>)>, id: &[u8; 16]| {
            bounds
                .as_ref()
                .is_none_or(|(min, max)| min.as_slice() <= id.as_slice() && id.as_slice() <= max.as_slice())
        };
        project_id.is_none_or(|id| inside(&self.projects, id.as_bytes()))
            && inside(&self.traces, trace_id.as_bytes())
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
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

/// These rows out of so many.
pub(crate) fn chosen_selection(chosen: &RoaringBitmap, rows: u32) -> RowSelection {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for row in chosen.iter().take_while(|row| *row < rows) {
        let row = row as usize;
        match ranges.last_mut() {
            Some(last) if last.end == row => last.end = row + 1,
            _ => ranges.push(row..row + 1),
        }
    }
    RowSelection::from_consecutive_ranges(ranges.into_iter(), rows as usize)
}

fn row_filter(wanted: Wanted<'_>, schema: &parquet::schema::types::SchemaDescriptor) -> RowFilter {
    let mut predicates: Vec<Box<dyn parquet::arrow::arrow_reader::ArrowPredicate>> = Vec::new();
    let mut require = |col: Col, mut ids: Vec<[u8; 16]>| {
        ids.sort_unstable();
        let mask = ProjectionMask::columns(schema, [col.name()]);
        predicates.push(Box::new(ArrowPredicateFn::new(mask, move |batch: RecordBatch| {
            let array = batch.column(0).as_fixed_size_binary();
            Ok(BooleanArray::from_iter(array.iter().map(|id| {
                Some(id.is_some_and(|id| ids.binary_search_by(|wanted| wanted.as_slice().cmp(id)).is_ok()))
            })))
        })));
    };
    match wanted {
        Wanted::Traces(trace_ids) => {
            require(Col::trace_id, trace_ids.iter().map(|id| *id.as_bytes()).collect())
        }
        Wanted::RunsOf(trace_id, run_ids) => {
            require(Col::trace_id, vec![*trace_id.as_bytes()]);
            require(Col::run_id, run_ids.iter().map(|id| *id.as_bytes()).collect());
        }
        Wanted::Runs(run_ids) => require(Col::run_id, run_ids.iter().map(|id| *id.as_bytes()).collect()),
    }
    RowFilter::new(predicates)
}

fn fixed(batch: &RecordBatch, col: Col) -> &FixedSizeBinaryArray {
    batch.column_by_name(col.name()).expect("the column was asked for").as_fixed_size_binary()
}

#[cfg(test)]
mod tests;
