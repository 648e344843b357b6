//! Reading many columns of many rows: whole row groups of a large trace.
//!
//! The reader of Parquet asks for every page by itself, and first for the head of the page. Here the bytes of a row group's
//! columns are read and compared with their checksums at once, those that lie side by side with one request. Row groups know
//! whose they are when all their runs are of one project, and need no column for it. And where a trace fills many, two
//! threads decode them: that is most of the time until such a trace is on the screen.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use arrow::array::RecordBatch;
use bytes::buf::Reader;
use bytes::{Buf as _, Bytes};
use clearspan_model::{ProjectId, WorkspaceId};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder, RowSelection};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};

use super::{Segment, rows_within};
use crate::Result;
use crate::native::blocks::BlockFile;
use crate::schema::Col;

/// Columns that are no further apart are read together: to read what is between them is cheaper than to ask twice.
const NEAR_BYTES: u64 = 64 << 10;
/// Fewer row groups are decoded before a second thread would be of help.
const LEAST_GROUPS_FOR_TWO: usize = 8;
/// Row groups that the second thread may be ahead of what is shown.
const AHEAD: usize = 2;

/// Rows of one row group.
#[derive(Debug)]
pub(crate) struct GroupRows {
    pub(crate) batch: RecordBatch,
    /// The number of each row in the file.
    pub(crate) numbers: Vec<u32>,
    /// Whose they are, where all rows of the row group are of one project. Then the columns that say so are not read.
    pub(crate) owner: Option<(WorkspaceId, ProjectId)>,
}

/// A row group of which some rows are wanted.
struct Wanted {
    selection: RowSelection,
    numbers: Vec<u32>,
    owner: Option<(WorkspaceId, ProjectId)>,
}

/// What is read of a file.
struct Plan<'a> {
    segment: &'a Segment,
    described: ArrowReaderMetadata,
    groups: Vec<Wanted>,
    /// All columns, and those that are enough where the owner is known.
    masks: [ProjectionMask; 2],
}

impl Segment {
    /// Shows some rows with some columns, row group by row group. The ranges must be in order and apart.
    pub(crate) fn look_at_groups(
        &self,
        rows: &[Range<u32>],
        columns: &[Col],
        mut show: impl FnMut(GroupRows) -> Result<()>,
    ) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let plan = self.plan(rows, columns)?;
        let count = plan.groups.len();
        if count < LEAST_GROUPS_FOR_TWO {
            return (0..count).try_for_each(|place| show(plan.decode(place)?));
        }
        plan.decode_by_two(show)
    }

    fn plan(&self, rows: &[Range<u32>], columns: &[Col]) -> Result<Plan<'_>> {
        let footer = self.footer()?;
        let (places, selections): (Vec<usize>, Vec<RowSelection>) = footer.select(rows).into_iter().unzip();
        let described = footer.reader(&places).map_err(self.corrupt())?;
        let wanted = places.into_iter().zip(selections).map(|(group, selection)| {
            let group = &footer.groups()[group];
            let numbers = rows_within(rows, &group.rows).into_iter().flatten().collect();
            let owner = group.only_workspace().zip(group.only_project());
            Wanted { selection, numbers, owner }
        });
        let schema = described.metadata().file_metadata().schema_descr_ptr();
        let mask = |skip: &[Col]| {
            let columns = columns.iter().filter(|col| !skip.contains(col));
            ProjectionMask::columns(&schema, columns.map(|col| col.name()))
        };
        let masks = [mask(&[]), mask(&[Col::workspace_id, Col::project_id])];
        let groups = wanted.collect();
        Ok(Plan { segment: self, described, groups, masks })
    }
}

impl Plan<'_> {
    /// This thread and another one take the next row group whenever they are done with one. What they decode is shown here, in
    /// order.
    fn decode_by_two(&self, mut show: impl FnMut(GroupRows) -> Result<()>) -> Result<()> {
        let (next, has_ended) = (AtomicUsize::new(0), AtomicBool::new(false));
        let take = || {
            let place = next.fetch_add(1, Ordering::Relaxed);
            (place < self.groups.len() && !has_ended.load(Ordering::Relaxed)).then_some(place)
        };
        let (done, decoded) = mpsc::sync_channel(AHEAD);
        std::thread::scope(|scope| {
            let help = || {
                // Whoever stops listening has seen a failure.
                while let Some(place) = take()
                    && done.send((place, self.decode(place))).is_ok()
                {}
                drop(done);
            };
            // Without a second thread, this one does it alone.
            let _helper =
                std::thread::Builder::new().name("clearspan-decode".to_owned()).spawn_scoped(scope, help);
            let mut waiting = BTreeMap::new();
            let mut shown = 0;
            let result = loop {
                waiting.extend(decoded.try_iter());
                if shown == self.groups.len() {
                    break Ok(());
                }
                if let Some(rows) = waiting.remove(&shown) {
                    shown += 1;
                    if let Err(err) = rows.and_then(&mut show) {
                        break Err(err);
                    }
                } else if let Some(place) = take() {
                    waiting.insert(place, self.decode(place));
                } else {
                    match decoded.recv() {
                        Ok(rows) => waiting.extend([rows]),
                        // The other thread panicked, which the scope passes on.
                        Err(mpsc::RecvError) => break Ok(()),
                    }
                }
            };
            has_ended.store(true, Ordering::Relaxed);
            drop(decoded);
            result
        })
    }

    fn decode(&self, place: usize) -> Result<GroupRows> {
        let Wanted { selection, numbers, owner } = &self.groups[place];
        let mask = &self.masks[usize::from(owner.is_some())];
        let file = self.segment.open()?;
        let file = Stretches::read(&file, &self.described, place, mask).map_err(self.segment.corrupt())?;
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.described.clone())
            .with_row_groups(vec![place])
            .with_batch_size(numbers.len())
            .with_projection(mask.clone())
            .with_row_selection(selection.clone())
            .build();
        let mut batches = reader.map_err(self.segment.corrupt())?;
        let batch = batches.next().transpose().map_err(self.segment.corrupt())?;
        let batch = batch
            .filter(|batch| batch.num_rows() == numbers.len())
            .ok_or_else(|| self.segment.corrupt()("a row group has fewer rows than its footer says"))?;
        Ok(GroupRows { batch, numbers: numbers.clone(), owner: *owner })
    }
}

/// Parts of a file in memory, in order.
#[derive(Clone)]
struct Stretches {
    file_bytes: u64,
    parts: Arc<[(u64, Bytes)]>,
}

impl Stretches {
    /// Reads some columns of a row group.
    fn read(
        file: &BlockFile,
        described: &ArrowReaderMetadata,
        group: usize,
        mask: &ProjectionMask,
    ) -> io::Result<Self> {
        let columns = described.metadata().row_group(group).columns().iter().enumerate();
        let columns = columns.filter(|(leaf, _)| mask.leaf_included(*leaf));
        let mut ranges: Vec<Range<u64>> = columns
            .map(|(_, column)| column.byte_range())
            .map(|(start, len)| start..start.saturating_add(len))
            .collect();
        ranges.sort_unstable_by_key(|range| range.start);
        ranges.dedup_by(|next, last| {
            let is_near = next.start <= last.end.saturating_add(NEAR_BYTES);
            if is_near {
                last.end = last.end.max(next.end);
            }
            is_near
        });
        let parts = ranges.into_iter().map(|range| {
            let len = usize::try_from(range.end - range.start)
                .map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
            Ok((range.start, file.range(range.start, len)?))
        });
        Ok(Self { file_bytes: Length::len(file), parts: parts.collect::<io::Result<_>>()? })
    }

    /// From a place of the file to the end of what was read around it.
    fn from(&self, start: u64) -> ParquetResult<Bytes> {
        let part = self.parts.partition_point(|(first, _)| *first <= start).checked_sub(1);
        let found = part.map(|part| &self.parts[part]).and_then(|(first, bytes)| {
            let skip = usize::try_from(start - first).ok().filter(|skip| *skip <= bytes.len())?;
            Some(bytes.slice(skip..))
        });
        found.ok_or_else(|| ParquetError::EOF(format!("byte {start} is in none of the columns")))
    }
}

impl Length for Stretches {
    fn len(&self) -> u64 {
        self.file_bytes
    }
}

impl ChunkReader for Stretches {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> ParquetResult<Reader<Bytes>> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let bytes = self.from(start)?;
        if bytes.len() < length {
            let what = format!("the {length} bytes from {start} on are not all in the columns");
            return Err(ParquetError::EOF(what));
        }
        Ok(bytes.slice(..length))
    }
}

#[cfg(test)]
mod tests;
