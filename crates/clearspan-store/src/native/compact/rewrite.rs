//! Several files of a table become one.
//!
//! Rows that are dead in the manifest are left out. Rows that are dead in memory only are not: their successors are
//! in the log or in the hot tier, and after a crash the log is replayed against the rows that the manifest has.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use clearspan_model::ErrorKind;
use roaring::RoaringBitmap;

use super::RowTest;
use super::merge::{Batches, Begins, LEFT_OUT, Merge, Sorted, check_row_count};
use super::pace::Pace;
use super::scattered::Scattered;
use super::strip::{strip, was_removed};
use crate::Result;
use crate::error::Context;
use crate::native::disk::DiskRef;
use crate::native::manifest::SegmentEntry;
use crate::native::records::{RecordColumn, RecordFile};
use crate::native::segment::{Effort, Segment, write_groups};
use crate::schema::{Col, modernize};

/// Rows that are decoded at a time.
const BATCH_ROWS: usize = 1024;
/// What the largest row groups of the inputs may take together.
const MEMORY_BYTES: u64 = 48 << 20;

/// A segment, and the rows of it that were dead in the manifest when it was looked at.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub(super) segment: Arc<Segment>,
    pub(super) dead: RoaringBitmap,
}

/// Where the rows of a rewritten segment went.
#[derive(Debug)]
pub(in crate::native) struct Moved {
    pub(super) number: u64,
    /// Rows that were left out.
    dropped: RoaringBitmap,
    /// What the others became, in their order.
    rows: Vec<u32>,
}

impl Moved {
    pub(super) fn place(&self, row: u32) -> Option<u32> {
        if self.dropped.contains(row) {
            return None;
        }
        let before = row - u32::try_from(self.dropped.rank(row)).expect("a segment has fewer than 2^32 rows");
        self.rows.get(before as usize).copied().filter(|row| *row != LEFT_OUT)
    }

    /// The rows that died since the rewrite began, where they are now.
    pub(super) fn died(&self, dead_now: &RoaringBitmap) -> RoaringBitmap {
        (dead_now - &self.dropped).iter().filter_map(|row| self.place(row)).collect()
    }
}

/// A segment in the place of others; durable, and not in the manifest yet.
#[derive(Debug)]
pub(in crate::native) struct NewSegment {
    pub(super) inputs: Vec<Moved>,
    /// `None` when nothing in the inputs was alive.
    pub(super) entry: Option<SegmentEntry>,
    pub(super) stripped: u64,
}

/// A file of another table in the place of others, likewise.
#[derive(Debug)]
pub(in crate::native) struct NewFile<C: RecordColumn> {
    pub(super) inputs: Vec<u64>,
    pub(super) file: Option<RecordFile<C>>,
    /// Rows that were to go.
    pub(super) dropped: u64,
}

/// The first of the inputs that memory has room for; two at least, because one and one is the least merge.
pub(super) fn that_fit(inputs: &mut Vec<Input>) -> Result<()> {
    let mut total = 0;
    for (idx, input) in inputs.iter().enumerate() {
        total += input.segment.largest_group_bytes()?;
        if total > MEMORY_BYTES && idx >= 2 {
            inputs.truncate(idx);
            return Ok(());
        }
    }
    Ok(())
}

/// Merges the living rows of some segments.
pub(super) fn merge_segments(
    disk: &DiskRef,
    segment_dir: &std::path::Path,
    number: u64,
    inputs: &[Input],
    strip_runs: Option<&RowTest>,
    pace: &mut Pace<'_>,
) -> Result<NewSegment> {
    let living: u64 = inputs.iter().map(|input| u64::from(input.segment.rows) - input.dead.len()).sum();
    check_row_count(living)?;
    if living == 0 {
        // Not even opened: what is in there may be damaged.
        let moved = |input: &Input| Moved {
            number: input.segment.number,
            dropped: input.dead.clone(),
            rows: Vec::new(),
        };
        return Ok(NewSegment { inputs: inputs.iter().map(moved).collect(), entry: None, stripped: 0 });
    }
    let Scattered { begins, later } = Scattered::find(inputs)?;
    let left_out: Vec<RoaringBitmap> =
        inputs.iter().zip(&later).map(|(input, later)| &input.dead | later.set()).collect();
    let mut sources: Vec<Batches<'_>> = Vec::new();
    for (Input { segment, .. }, left_out) in inputs.iter().zip(&left_out) {
        let batches = segment.scan(left_out, &[], BATCH_ROWS)?;
        sources.push(Box::new(batches.map(|batch| modernize::<Col>(&batch?))));
    }
    for (Input { segment, .. }, later) in inputs.iter().zip(&later) {
        sources.push(Box::new(later.batches(segment, BATCH_ROWS)?));
    }
    let mut merge = Merge::<Col>::new(sources, begins)?;
    let mut stripped = 0;
    let groups = merge.by_ref().map(|group| {
        let mut group = group?;
        if let Some(is_stripped) = strip_runs {
            let marked = is_stripped(&group)?;
            stripped += new_among(&marked, &group);
            group = strip(&group, &marked)?;
        }
        pace.step(group.num_rows())?;
        Ok(group)
    });
    let entry = Some(write_groups(disk, segment_dir, number, Effort::of_merge(living), groups)?);
    let mut moved = merge.into_moved();
    let of_later = moved.split_off(inputs.len());
    let moved = moved.into_iter().zip(of_later).zip(inputs.iter().zip(&later));
    let moved = moved.map(|((rows, of_later), (input, later))| Moved {
        number: input.segment.number,
        dropped: input.dead.clone(),
        rows: later.in_order_of_file(&input.dead, rows, of_later),
    });
    Ok(NewSegment { inputs: moved.collect(), entry, stripped })
}

/// How many rows are marked that still have their payload.
fn new_among(marked: &BooleanArray, batch: &RecordBatch) -> u64 {
    let was_removed = was_removed(batch);
    marked.iter().zip(was_removed.iter()).filter(|pair| *pair == (Some(true), Some(false))).count() as u64
}

/// Whether a segment has a living row that still has its payload and is to lose it.
pub(super) fn has_to_strip(input: &Input, strip_runs: &RowTest) -> Result<bool> {
    for batch in input.segment.scan(&input.dead, Col::SIFTED, BATCH_ROWS)? {
        let batch = batch?;
        if new_among(&strip_runs(&batch)?, &batch) > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Merges files of a table that only grows. Of records that are in several of them one stays.
pub(super) fn merge_files<C: RecordColumn + Sorted>(
    disk: &DiskRef,
    segment_dir: &std::path::Path,
    number: u64,
    inputs: &[Arc<RecordFile<C>>],
    dropped: Option<&RowTest>,
    pace: &mut Pace<'_>,
) -> Result<NewFile<C>> {
    let mut sources: Vec<Batches<'_>> = Vec::new();
    for file in inputs {
        sources.push(Box::new(file.scan(&[])?.map(|batch| modernize::<C>(&batch?))));
    }
    let mut rows_dropped = 0;
    let groups = Merge::<C>::new(sources, Begins::default())?.map(|group| {
        let mut group = group?;
        pace.step(group.num_rows())?;
        if let Some(is_dropped) = dropped {
            let goes = is_dropped(&group)?;
            rows_dropped += goes.true_count() as u64;
            let kept = arrow::compute::not(&goes)
                .and_then(|kept| filter_record_batch(&group, &kept))
                .context(ErrorKind::Internal, || format!("dropping rows of {}", C::TABLE))?;
            group = kept;
        }
        Ok(group)
    });
    let groups = groups.filter(|group| group.as_ref().map_or(true, |group| group.num_rows() > 0));
    let file = RecordFile::write_groups(disk, segment_dir, number, groups)?;
    let inputs = inputs.iter().map(|file| file.entry.number).collect();
    Ok(NewFile { inputs, file, dropped: rows_dropped })
}

/// Whether a file has a row that is to go.
pub(super) fn has_to_drop<C: RecordColumn + Sorted>(file: &RecordFile<C>, dropped: &RowTest) -> Result<bool> {
    for batch in file.scan(C::SIFTED)? {
        if dropped(&batch?)?.true_count() > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}
