//! What the footer of a segment says, in a small part of the room that Parquet's own description takes.
//!
//! That one spends more than four hundred bytes on a column of a row group, so that the footers of ten million runs would
//! take a hundred and fifty megabytes. Here it is twenty-four, and Parquet's form is made again of the row groups that are
//! read, when they are.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use clearspan_model::{ProjectId, WorkspaceId};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::{CompressionCodec, EncodingMask};
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetStatisticsPolicy, RowGroupMetaData,
};
use parquet::file::statistics::Statistics;

use crate::schema::Col;

/// Columns that are asked for their least and greatest values: segments are sorted by project and looked into by time.
/// Nothing else is worth its memory.
const WITH_BOUNDS: [Col; 3] = [Col::workspace_id, Col::project_id, Col::time];

/// The description of a file, without the statistics that nobody asks for.
#[derive(Debug)]
pub(crate) struct Footer {
    /// Of the file as a whole.
    file: FileMetaData,
    schema: SchemaRef,
    /// Where the columns of [`WITH_BOUNDS`] are.
    bounded: [Option<usize>; 3],
    groups: Vec<Group>,
    /// The columns of the first row group, those of the second, and so on.
    chunks: Vec<Chunk>,
    /// The ways in which columns are encoded.
    kinds: Vec<Kind>,
    /// Where bloom filters are, in the order of row groups and columns.
    blooms: Vec<Bloom>,
    /// Row groups that a [`Chunk`] cannot describe, because they are too large.
    whole: BTreeMap<usize, RowGroupMetaData>,
}

/// A row group: its rows, and the least and greatest values in it.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) rows: Range<u32>,
    /// What it takes in memory, about, and in the file.
    pub(crate) bytes: u64,
    pub(crate) stored_bytes: u64,
    /// Where its first column begins.
    start: u64,
    workspaces: Option<[[u8; 16]; 2]>,
    projects: Option<[[u8; 16]; 2]>,
    times: Option<[i64; 2]>,
}

/// Where a column of a row group is.
#[derive(Debug, Default)]
struct Chunk {
    /// Counted from where the row group begins.
    start: u32,
    /// Counted from there: what the dictionary takes, if there is one.
    to_data: u32,
    compressed: u32,
    uncompressed: u32,
    values: u32,
    kind: u16,
}

#[derive(Debug, PartialEq)]
struct Kind {
    encodings: EncodingMask,
    codec: CompressionCodec,
    has_dictionary: bool,
}

#[derive(Debug)]
struct Bloom {
    group: u32,
    column: u32,
    offset: i64,
    length: Option<i32>,
}

impl Footer {
    /// How a footer is to be read, so that what is not kept here is not even decoded.
    pub(super) fn options() -> ArrowReaderOptions {
        let columns = WITH_BOUNDS.map(|col| col as usize);
        ArrowReaderOptions::new()
            .with_column_stats_policy(ParquetStatisticsPolicy::skip_except(&columns))
            .with_encoding_stats_policy(ParquetStatisticsPolicy::SkipAll)
            .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll)
    }

    pub(super) fn new(read: &ArrowReaderMetadata) -> ParquetResult<Self> {
        let file = read.metadata().file_metadata().clone();
        let mut footer = Self {
            schema: Arc::clone(read.schema()),
            bounded: WITH_BOUNDS.map(|col| leaf(&file, col)),
            groups: Vec::with_capacity(read.metadata().num_row_groups()),
            chunks: Vec::with_capacity(read.metadata().num_row_groups() * file.schema_descr().num_columns()),
            kinds: Vec::new(),
            blooms: Vec::new(),
            whole: BTreeMap::new(),
            file,
        };
        let mut first = 0_u32;
        for group in read.metadata().row_groups() {
            let rows = u32::try_from(group.num_rows())?;
            footer.push(group, first..first + rows)?;
            first += rows;
        }
        Ok(footer)
    }

    fn push(&mut self, group: &RowGroupMetaData, rows: Range<u32>) -> ParquetResult<()> {
        let idx = self.groups.len();
        let starts = group.columns().iter().map(first_page);
        let start = u64::try_from(starts.min().unwrap_or(0))?;
        for (column, chunk) in group.columns().iter().enumerate() {
            if let Some(offset) = chunk.bloom_filter_offset() {
                let (group, column) = (u32::try_from(idx)?, u32::try_from(column)?);
                self.blooms.push(Bloom { group, column, offset, length: chunk.bloom_filter_length() });
            }
        }
        let before = self.chunks.len();
        for column in group.columns() {
            let Some(chunk) = self.compact(column, start) else {
                self.chunks.truncate(before);
                self.chunks.resize_with(before + group.num_columns(), Chunk::default);
                self.whole.insert(idx, group.clone());
                break;
            };
            self.chunks.push(chunk);
        }
        let [workspaces, projects, times] =
            self.bounded.map(|leaf| leaf.and_then(|leaf| group.column(leaf).statistics()));
        self.groups.push(Group {
            rows,
            bytes: u64::try_from(group.total_byte_size()).unwrap_or(0),
            stored_bytes: u64::try_from(group.compressed_size()).unwrap_or(0),
            start,
            workspaces: workspaces.and_then(ids_of),
            projects: projects.and_then(ids_of),
            times: times.and_then(times_of),
        });
        Ok(())
    }

    /// `None` when a figure is too large.
    fn compact(&mut self, column: &ColumnChunkMetaData, group_start: u64) -> Option<Chunk> {
        let first = first_page(column);
        let kind = Kind {
            encodings: *column.encodings_mask(),
            codec: column.compression_codec(),
            has_dictionary: first != column.data_page_offset(),
        };
        let known = self.kinds.iter().position(|known| *known == kind);
        let kind = known.unwrap_or_else(|| {
            self.kinds.push(kind);
            self.kinds.len() - 1
        });
        Some(Chunk {
            start: u32::try_from(u64::try_from(first).ok()? - group_start).ok()?,
            to_data: u32::try_from(column.data_page_offset() - first).ok()?,
            compressed: u32::try_from(column.compressed_size()).ok()?,
            uncompressed: u32::try_from(column.uncompressed_size()).ok()?,
            values: u32::try_from(column.num_values()).ok()?,
            kind: u16::try_from(kind).ok()?,
        })
    }

    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Bytes that it takes in memory.
    pub(super) fn memory_size(&self) -> usize {
        let whole = self.whole.values().cloned().collect();
        ParquetMetaData::new(self.file.clone(), whole).memory_size()
            + self.groups.capacity() * size_of::<Group>()
            + self.chunks.capacity() * size_of::<Chunk>()
            + self.blooms.capacity() * size_of::<Bloom>()
    }

    /// Some row groups in Parquet's own form, as if the file had no others.
    pub(crate) fn metadata(&self, groups: &[usize]) -> ParquetResult<ParquetMetaData> {
        let groups = groups.iter().map(|group| self.group_metadata(*group));
        Ok(ParquetMetaData::new(self.file.clone(), groups.collect::<ParquetResult<_>>()?))
    }

    /// The same for a reader of Arrow arrays.
    pub(super) fn reader(&self, groups: &[usize]) -> ParquetResult<ArrowReaderMetadata> {
        let options = ArrowReaderOptions::new().with_schema(Arc::clone(&self.schema));
        ArrowReaderMetadata::try_new(Arc::new(self.metadata(groups)?), options)
    }

    fn group_metadata(&self, idx: usize) -> ParquetResult<RowGroupMetaData> {
        if let Some(whole) = self.whole.get(&idx) {
            return Ok(whole.clone());
        }
        let group = &self.groups[idx];
        let columns = (0..self.columns()).map(|column| self.chunk_metadata(idx, column));
        RowGroupMetaData::builder(self.file.schema_descr_ptr())
            .set_num_rows(i64::from(group.rows.end - group.rows.start))
            .set_total_byte_size(i64::try_from(group.bytes)?)
            .set_column_metadata(columns.collect::<ParquetResult<_>>()?)
            .build()
    }

    /// A column of a row group in Parquet's own form.
    fn chunk_metadata(&self, group: usize, column: usize) -> ParquetResult<ColumnChunkMetaData> {
        if let Some(whole) = self.whole.get(&group) {
            return Ok(whole.column(column).clone());
        }
        let chunk = &self.chunks[group * self.columns() + column];
        let kind = &self.kinds[usize::from(chunk.kind)];
        let first = i64::try_from(self.groups[group].start)? + i64::from(chunk.start);
        let bloom = self
            .blooms
            .binary_search_by_key(&(group, column), |bloom| (bloom.group as usize, bloom.column as usize));
        let bloom = bloom.ok().map(|place| &self.blooms[place]);
        let builder = ColumnChunkMetaData::builder(self.file.schema_descr().column(column))
            .set_encodings_mask(kind.encodings)
            .set_compression_codec(kind.codec)
            .set_num_values(i64::from(chunk.values))
            .set_total_compressed_size(i64::from(chunk.compressed))
            .set_total_uncompressed_size(i64::from(chunk.uncompressed))
            .set_data_page_offset(first + i64::from(chunk.to_data))
            .set_dictionary_page_offset(kind.has_dictionary.then_some(first))
            .set_bloom_filter_offset(bloom.map(|bloom| bloom.offset))
            .set_bloom_filter_length(bloom.and_then(|bloom| bloom.length));
        match self.bounds(group, column) {
            Some(bounds) => builder.set_statistics(bounds).build(),
            None => builder.build(),
        }
    }

    /// The least and greatest value of a column, where they are kept.
    fn bounds(&self, group: usize, column: usize) -> Option<Statistics> {
        let group = &self.groups[group];
        let ids = |[min, max]: [[u8; 16]; 2]| {
            let [min, max] = [min, max].map(|id| Some(id.to_vec().into()));
            Statistics::fixed_len_byte_array(min, max, None, None, false)
        };
        match WITH_BOUNDS[self.bounded.iter().position(|leaf| *leaf == Some(column))?] {
            Col::workspace_id => group.workspaces.map(ids),
            Col::project_id => group.projects.map(ids),
            _ => group.times.map(|[min, max]| Statistics::int64(Some(min), Some(max), None, None, false)),
        }
    }

    /// A column of a row group by its name; `None` where the file has none.
    pub(super) fn column(&self, group: usize, col: Col) -> ParquetResult<Option<ColumnChunkMetaData>> {
        leaf(&self.file, col).map(|leaf| self.chunk_metadata(group, leaf)).transpose()
    }

    /// The row group and the name of the column in which a byte of the file lies.
    pub(super) fn column_at(&self, offset: u64) -> Option<(&Group, String)> {
        let idx = self.groups.partition_point(|group| group.start <= offset).checked_sub(1)?;
        let columns = (0..self.columns()).filter_map(|column| self.chunk_metadata(idx, column).ok());
        let mut columns = columns.filter(|column| {
            let (start, len) = column.byte_range();
            (start..start + len).contains(&offset)
        });
        Some((&self.groups[idx], columns.next()?.column_path().string()))
    }

    fn columns(&self) -> usize {
        self.file.schema_descr().num_columns()
    }
}

impl Group {
    #[cfg(test)]
    pub(crate) fn with_bounds(workspaces: Option<[[u8; 16]; 2]>, projects: Option<[[u8; 16]; 2]>) -> Self {
        Self { rows: 0..1, bytes: 1, stored_bytes: 1, start: 4, workspaces, projects, times: None }
    }

    /// Whether runs of some projects may be in it. The ids must be in order.
    pub(crate) fn may_hold_project(&self, projects: &[ProjectId]) -> bool {
        let Some([min, max]) = &self.projects else { return true };
        let from = projects.partition_point(|id| id.as_bytes() < min);
        projects.get(from).is_some_and(|id| id.as_bytes() <= max)
    }

    /// Whether runs of a workspace may be in it.
    pub(crate) fn may_hold_workspace(&self, id: WorkspaceId) -> bool {
        self.workspaces.as_ref().is_none_or(|[min, max]| (min..=max).contains(&id.as_bytes()))
    }

    /// The project of all its runs, where that is one.
    pub(crate) fn only_project(&self) -> Option<ProjectId> {
        self.projects.filter(|[min, max]| min == max).map(|[id, _]| ProjectId::from_bytes(id))
    }

    /// The workspace of all its runs, where that is one.
    pub(crate) fn only_workspace(&self) -> Option<WorkspaceId> {
        self.workspaces.filter(|[min, max]| min == max).map(|[id, _]| WorkspaceId::from_bytes(id))
    }

    /// The times of its first and its last run, where they are known.
    pub(crate) fn times(&self) -> Option<(i64, i64)> {
        self.times.map(|[first, last]| (first, last))
    }
}

/// The place of a column among those of a file.
fn leaf(file: &FileMetaData, col: Col) -> Option<usize> {
    file.schema_descr().columns().iter().position(|column| column.path().parts() == [col.name()])
}

/// Where the bytes of a column begin.
fn first_page(column: &ColumnChunkMetaData) -> i64 {
    column.dictionary_page_offset().filter(|offset| *offset > 0).unwrap_or_else(|| column.data_page_offset())
}

fn ids_of(bounds: &Statistics) -> Option<[[u8; 16]; 2]> {
    let Statistics::FixedLenByteArray(bounds) = bounds else { return None };
    Some([bounds.min_bytes_opt()?.try_into().ok()?, bounds.max_bytes_opt()?.try_into().ok()?])
}

fn times_of(bounds: &Statistics) -> Option<[i64; 2]> {
    let Statistics::Int64(bounds) = bounds else { return None };
    Some([*bounds.min_opt()?, *bounds.max_opt()?])
}

#[cfg(test)]
mod tests;
