//! Writing a segment: sort the rows, bring equal messages together, encode, make durable.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::interleave;
use arrow::datatypes::{SchemaRef, TimestampNanosecondType};
use clearspan_model::ErrorKind;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{
    BloomFilterPosition, EnabledStatistics, WriterProperties, WriterPropertiesBuilder,
};
use parquet::schema::types::ColumnPath;
use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

use super::traces::{IndexBuilder, METADATA_KEY as INDEX_KEY};
use super::{DICTIONARY_BYTES, ROW_GROUP_ROWS, Segment};
use crate::Result;
use crate::error::Context;
use crate::native::blocks::{self, WrittenFile};
use crate::native::cache::SegmentCache;
use crate::native::compact::merge::{GROUP_BYTES, row_weights};
use crate::native::disk::{Disk, DiskRef};
use crate::native::hot::{RowRef, View};
use crate::native::manifest::SegmentEntry;
use crate::native::paths;
use crate::schema::{Col, Column, Kind, TableColumn, messages, stored};

/// Texts that are the same for several runs, and short. Of all others a dictionary would hold those of a whole row group, and
/// to read one all would be decompressed; of plain pages the others are passed over.
const OFTEN_EQUAL: &[Col] =
    &[Col::thread_id, Col::user_id, Col::cost_details, Col::input_preview, Col::output_preview];
/// JSON among the columns that are words otherwise.
const LONG_WORDS: &[Col] = &[Col::invocation_params, Col::token_details, Col::resource, Col::sources];
/// Bytes of a page before it is compressed, about: what is read at least to get one text.
const PAGE_BYTES: usize = 128 << 10;
/// After so many rows it is seen whether a page is full.
const PAGE_STEP_ROWS: usize = 64;

/// A segment that is durable on disk and not yet in the manifest.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) segment: Segment,
    pub(crate) entry: SegmentEntry,
    /// Where each row came from, in the order of the file.
    pub(crate) origin: Vec<RowRef>,
}

/// Writes the living rows of `view`. `None` when there are none.
pub(crate) fn write(
    disk: &DiskRef,
    cache: &Arc<SegmentCache>,
    segment_dir: &Path,
    number: u64,
    view: &View,
) -> Result<Option<Written>> {
    let origin = sorted_rows(view);
    if origin.is_empty() {
        return Ok(None);
    }
    let batches: Vec<&RecordBatch> = view.iter().map(|hot| &*hot.batch).collect();
    let chunks = chunks(&batches, &origin);
    let groups = chunks.into_iter().map(|rows| {
        let places: Vec<(usize, usize)> =
            rows.iter().map(|place| (place.batch as usize, place.row as usize)).collect();
        stored::gather(&batches, &places)
    });
    let entry = write_groups(disk, segment_dir, number, Effort::Flush, groups)?;
    Ok(Some(Written { segment: Segment::new(disk, cache, segment_dir, &entry), entry, origin }))
}

/// Cuts rows into row groups by their number and size.
fn chunks<'r>(batches: &[&RecordBatch], rows: &'r [RowRef]) -> Vec<&'r [RowRef]> {
    let weights: Vec<Vec<u32>> = batches.iter().map(|batch| row_weights::<Col>(batch)).collect();
    let (mut chunks, mut from, mut bytes) = (Vec::new(), 0, 0);
    for (at, place) in rows.iter().enumerate() {
        bytes += weights[place.batch as usize][place.row as usize] as usize;
        if at + 1 - from == ROW_GROUP_ROWS || bytes >= GROUP_BYTES || at + 1 == rows.len() {
            chunks.push(&rows[from..=at]);
            (from, bytes) = (at + 1, 0);
        }
    }
    chunks
}

/// How hard a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Ingest waits for it, and it will soon be merged with others.
    Flush,
    /// It will be merged again, but not soon.
    Rewrite,
    /// It stays as it is for long.
    Last,
}

/// A file of so many rows is rewritten few times until it has its full size, because each merge at least doubles it.
const MANY_ROWS: u64 = 16 << 10;

impl Effort {
    /// Of a merge whose file will have so many rows.
    pub(crate) fn of_merge(rows: u64) -> Self {
        if rows < MANY_ROWS { Self::Rewrite } else { Self::Last }
    }

    /// A flush takes half of the time with level 1 and its texts are a fourteenth larger than with level 3. With level 6 they are a
    /// twenty-second smaller and take twice the time (5 µs for a span of agents); level 9 takes four times to save another fiftieth.
    fn compression(self) -> Compression {
        let level = match self {
            Self::Flush => 1,
            Self::Rewrite => 3,
            Self::Last => 6,
        };
        Compression::ZSTD(ZstdLevel::try_new(level).expect("a valid level"))
    }
}

/// Writes a segment of row groups (as [`stored::gather`] makes them) whose rows are in order. It is durable when this returns.
pub(crate) fn write_groups(
    disk: &DiskRef,
    segment_dir: &Path,
    number: u64,
    effort: Effort,
    groups: impl Iterator<Item = Result<RecordBatch>>,
) -> Result<SegmentEntry> {
    let path = paths::segment_file(segment_dir, number);
    let failed = || format!("writing {}", path.display());
    let (mut min_time, mut max_time, mut rows, mut traces) = (i64::MAX, i64::MIN, 0, None);
    let WrittenFile { bytes, sums } = blocks::write_whole(&**disk, &path, |out| {
        let mut writer = ArrowWriter::try_new(out, Arc::clone(&stored::STORED), Some(run_properties(effort)))
            .context(ErrorKind::Unavailable, failed)?;
        let mut index = IndexBuilder::default();
        let groups = groups.inspect(|group| {
            let Ok(group) = group else { return };
            for time in group.column(Col::time as usize).as_primitive::<TimestampNanosecondType>().values() {
                (min_time, max_time) = (min_time.min(*time), max_time.max(*time));
            }
            rows += group.num_rows();
            index.add(group);
        });
        write_all(&mut writer, groups, failed)?;
        let index = index.finish();
        let place = IndexBuilder::place(&index, writer.bytes_written() as u64);
        writer.write_all(&index).context(ErrorKind::Unavailable, failed)?;
        let said = format!("{},{}", place.offset, place.entries);
        writer.append_key_value_metadata(KeyValue::new(INDEX_KEY.to_owned(), Some(said)));
        traces = Some(place);
        writer.close().map(|_| ()).context(ErrorKind::Unavailable, failed)
    })?;
    let rows = u32::try_from(rows).expect("a segment has fewer than 2^32 rows");
    let (sums, dead) = (Some(sums), RoaringBitmap::new());
    Ok(SegmentEntry { number, rows, bytes, sums, min_time, max_time, traces, passed_over: false, dead })
}

/// Writes a Parquet file with one row group for each batch and makes it durable.
pub(crate) fn write_file(
    disk: &dyn Disk,
    path: &Path,
    schema: &SchemaRef,
    properties: WriterProperties,
    groups: impl Iterator<Item = Result<RecordBatch>>,
) -> Result<WrittenFile> {
    let failed = || format!("writing {}", path.display());
    blocks::write_whole(disk, path, |out| {
        let mut writer = ArrowWriter::try_new(out, Arc::clone(schema), Some(properties))
            .context(ErrorKind::Unavailable, failed)?;
        write_all(&mut writer, groups, failed)?;
        writer.close().map(|_| ()).context(ErrorKind::Unavailable, failed)
    })
}

fn write_all<W: std::io::Write + Send>(
    writer: &mut ArrowWriter<W>,
    groups: impl Iterator<Item = Result<RecordBatch>>,
    failed: impl Fn() -> String + Copy,
) -> Result<()> {
    for group in groups {
        writer.write(&group?).context(ErrorKind::Unavailable, failed)?;
        writer.flush().context(ErrorKind::Unavailable, failed)?;
    }
    Ok(())
}

/// How the files of every table are written; the meaning of each column is in their metadata.
pub(crate) fn properties(columns: impl Iterator<Item = &'static Column>) -> WriterPropertiesBuilder {
    let docs = columns
        .map(|column| KeyValue::new(format!("clearspan.doc.{}", column.name), Some(column.doc.to_owned())));
    WriterProperties::builder()
        .set_created_by(format!("clearspan {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(docs.collect()))
        .set_compression(Effort::Rewrite.compression())
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Chunk)
}

fn run_properties(effort: Effort) -> WriterProperties {
    let path = |col: Col| ColumnPath::from(col.name());
    // All bloom filters side by side: where the file is far away, one request brings them.
    let mut builder = properties(stored::columns())
        .set_compression(effort.compression())
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_write_batch_size(PAGE_STEP_ROWS)
        .set_bloom_filter_position(BloomFilterPosition::End);
    for (idx, column) in stored::columns().enumerate() {
        let (path, is_one_of) =
            (ColumnPath::from(column.name), |cols: &[Col]| cols.iter().any(|col| *col as usize == idx));
        let is_text = match column.kind {
            Kind::Text | Kind::Messages | Kind::Words | Kind::Map => true,
            Kind::Word => is_one_of(LONG_WORDS),
            _ => false,
        };
        if !is_text {
            // What lists look at in each row group: to begin with zstd takes longer than to read such a column.
            builder = builder.set_column_compression(path.clone(), Compression::LZ4_RAW);
        }
        if column.kind == Kind::Time {
            builder = builder.set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
        }
        if column.kind == Kind::Time || column.kind == Kind::Text && !is_one_of(OFTEN_EQUAL) {
            builder = builder.set_column_dictionary_enabled(path, false);
        }
    }
    for col in [Col::trace_id, Col::run_id] {
        builder = builder
            .set_column_bloom_filter_enabled(path(col), true)
            .set_column_bloom_filter_fpp(path(col), 0.01)
            .set_column_bloom_filter_max_ndv(path(col), ROW_GROUP_ROWS as u64)
            .set_column_dictionary_enabled(path(col), col == Col::trace_id);
    }
    // The first half of an id that was made of a span id is zero in every row, which LZ4 makes less of. (Streams of bytes would need
    // no compression, but not all readers know them for ids.)
    builder.set_column_compression(path(Col::run_id), effort.compression()).build()
}

/// The living rows in the order of the file: (project, begin of the trace, trace, time, run). What is new lies side by side, and
/// so does a trace.
fn sorted_rows(view: &View) -> Vec<RowRef> {
    let mut rows = Vec::new();
    let mut begins: FxHashMap<(&[u8], &[u8]), i64> = FxHashMap::default();
    for (batch, hot) in (0_u32..).zip(view) {
        let column = |col: Col| hot.batch.column(col as usize);
        let [projects, traces, runs] =
            [Col::project_id, Col::trace_id, Col::run_id].map(|col| column(col).as_fixed_size_binary());
        let times = column(Col::time).as_primitive::<TimestampNanosecondType>();
        for row in 0..hot.batch.num_rows() {
            let place = RowRef { batch, row: u32::try_from(row).expect("a batch has fewer than 2^32 rows") };
            if hot.dead.as_ref().is_some_and(|dead| dead.contains(place.row)) {
                continue;
            }
            let (project, trace, time) = (projects.value(row), traces.value(row), times.value(row));
            let begin = begins.entry((project, trace)).or_insert(time);
            *begin = time.min(*begin);
            rows.push(((project, 0, trace, time, runs.value(row)), place));
        }
    }
    for ((project, begin, trace, ..), _) in &mut rows {
        *begin = begins[&(*project, *trace)];
    }
    rows.sort_unstable();
    rows.into_iter().map(|(_, place)| place).collect()
}

/// One batch of the rows at these places, each a batch and a row in it.
pub(crate) fn gather<C: TableColumn>(
    batches: &[&RecordBatch],
    places: &[(usize, usize)],
) -> Result<RecordBatch> {
    let mut columns = Vec::with_capacity(C::COLUMNS.len());
    for (idx, column) in C::COLUMNS.iter().enumerate() {
        let arrays: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(idx).as_ref()).collect();
        let gathered = match column.kind {
            Kind::Messages => messages::gather_messages(&arrays, places),
            _ => interleave(&arrays, places)
                .context(ErrorKind::Internal, || format!("gathering {}", column.name))?,
        };
        columns.push(gathered);
    }
    RecordBatch::try_new(Arc::clone(C::schema()), columns)
        .context(ErrorKind::Internal, || format!("gathering rows of {}", C::TABLE))
}
