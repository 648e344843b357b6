//! Traces that lie in several of the files that are merged.
//!
//! Each file has its traces in the order of their begin. A trace that went on while it was flushed begins in one file and
//! goes on in others, where its rows come at the place of their own first one. In the merged file they belong to the
//! begin, so they are taken out of turn: a source of its own gives them in the order of the merged file.

use std::ops::Range;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::TimestampNanosecondType;
use clearspan_model::ErrorKind;
use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

use super::merge::{Begins, TraceRef, trace_key, trace_ref};
use super::rewrite::Input;
use crate::native::segment::{Segment, gather, living_ranges};
use crate::schema::{Col, modernize};
use crate::{Error, Result};

/// What the row groups may take together that are decoded for a batch.
const BATCH_BYTES: u64 = 32 << 20;

pub(super) struct Scattered {
    /// When these traces begin.
    pub(super) begins: Begins,
    /// For each input its rows of those that begin elsewhere.
    pub(super) later: Vec<Later>,
}

/// The rows of an input whose traces begin in another one.
#[derive(Debug, Default)]
pub(super) struct Later {
    /// In the order of the merged file.
    rows: Vec<Range<u32>>,
    set: RoaringBitmap,
}

/// What an input has of a trace.
struct Part {
    input: usize,
    begin: i64,
    rows: Vec<Range<u32>>,
}

impl Scattered {
    pub(super) fn find(inputs: &[Input]) -> Result<Self> {
        let mut parts: FxHashMap<TraceRef, Vec<Part>> = FxHashMap::default();
        for (idx, (input, stretches)) in inputs.iter().zip(in_several(inputs)?).enumerate() {
            look(idx, input, &stretches, &mut parts)?;
        }
        let mut begins = Begins::default();
        let mut later: Vec<Vec<(TraceRef, Part)>> = inputs.iter().map(|_| Vec::new()).collect();
        for (trace, mut parts) in parts {
            parts.sort_unstable_by_key(|part| (part.begin, part.input));
            let mut parts = parts.into_iter();
            let Some(first) = parts.next().filter(|_| parts.len() > 0) else { continue };
            begins.insert(trace, first.begin);
            for part in parts {
                later[part.input].push((trace, Part { begin: first.begin, ..part }));
            }
        }
        let later = later.into_iter().map(|mut traces| {
            traces.sort_by_cached_key(|(trace, part)| trace_key(trace, part.begin));
            let rows: Vec<Range<u32>> = traces.into_iter().flat_map(|(_, part)| part.rows).collect();
            let mut set = RoaringBitmap::new();
            for rows in &rows {
                set.insert_range(rows.clone());
            }
            Later { rows, set }
        });
        Ok(Self { begins, later: later.collect() })
    }
}

/// For each input the stretches of rows of traces that others have, too, in order. That two traces have one hash
/// does no harm.
fn in_several(inputs: &[Input]) -> Result<Vec<Vec<Range<u32>>>> {
    let mut found: Vec<Vec<Range<u32>>> = inputs.iter().map(|_| Vec::new()).collect();
    if inputs.len() < 2 {
        return Ok(found);
    }
    let all = inputs.iter().map(|input| input.segment.stretches()).collect::<Result<Vec<_>>>()?;
    let mut rests: Vec<&[(u64, Range<u32>)]> = all.iter().map(Vec::as_slice).collect();
    while let Some(hash) = rests.iter().filter_map(|rest| rest.first()).map(|(hash, _)| *hash).min() {
        let lengths: Vec<usize> =
            rests.iter().map(|rest| rest.iter().take_while(|(other, _)| *other == hash).count()).collect();
        let is_shared = lengths.iter().filter(|len| **len > 0).count() > 1;
        for ((rest, len), found) in rests.iter_mut().zip(lengths).zip(&mut found) {
            let (these, behind) = rest.split_at(len);
            if is_shared {
                found.extend(these.iter().map(|(_, rows)| rows.clone()));
            }
            *rest = behind;
        }
    }
    for found in &mut found {
        found.sort_unstable_by_key(|rows| rows.start);
    }
    Ok(found)
}

/// Adds what an input has of the traces in some stretches of it.
fn look(
    idx: usize,
    input: &Input,
    stretches: &[Range<u32>],
    parts: &mut FxHashMap<TraceRef, Vec<Part>>,
) -> Result<()> {
    let columns = [Col::project_id, Col::trace_id, Col::time];
    input.segment.look_at(&living_ranges(stretches, &input.dead), &columns, |batch, rows| {
        let column = |col: Col| batch.column_by_name(col.name()).expect("the column was asked for");
        let [projects, traces] =
            [Col::project_id, Col::trace_id].map(|col| column(col).as_fixed_size_binary());
        let times = column(Col::time).as_primitive::<TimestampNanosecondType>().values();
        for (at, (row, time)) in rows.iter().zip(times).enumerate() {
            let of_trace = parts.entry(trace_ref(projects.value(at), traces.value(at))).or_default();
            match of_trace.last_mut().filter(|part| part.input == idx) {
                Some(part) => {
                    part.begin = part.begin.min(*time);
                    match part.rows.last_mut().filter(|rows| rows.end == *row) {
                        Some(rows) => rows.end = row + 1,
                        None => part.rows.push(*row..row + 1),
                    }
                }
                None => {
                    let rows = std::iter::once(*row..row + 1).collect();
                    of_trace.push(Part { input: idx, begin: *time, rows });
                }
            }
        }
        Ok(())
    })
}

impl Later {
    pub(super) fn set(&self) -> &RoaringBitmap {
        &self.set
    }

    /// The rows, so many at a time, or fewer where they lie in large row groups.
    pub(super) fn batches<'a>(
        &'a self,
        segment: &'a Segment,
        batch_rows: usize,
    ) -> Result<impl Iterator<Item = Result<RecordBatch>> + 'a> {
        let groups = if self.rows.is_empty() { Vec::new() } else { segment.group_sizes()? };
        let mut rows = self.rows.iter().cloned().flatten().peekable();
        Ok(std::iter::from_fn(move || {
            let (mut of_batch, mut decoded, mut bytes) = (Vec::new(), Vec::new(), 0);
            while let Some(row) = rows.next_if(|row| {
                let group = groups.partition_point(|(group, _)| group.end <= *row);
                if of_batch.is_empty() || !decoded.contains(&group) {
                    decoded.push(group);
                    bytes += groups.get(group).map_or(0, |(_, bytes)| *bytes);
                }
                of_batch.is_empty() || of_batch.len() < batch_rows && bytes <= BATCH_BYTES
            }) {
                of_batch.push(row);
            }
            (!of_batch.is_empty()).then(|| rows_in_order(segment, &of_batch))
        }))
    }

    /// What all living rows of the file became, in their order: `others` tells it of those that are not in here, `these` of
    /// those that are.
    pub(super) fn in_order_of_file(
        &self,
        dead: &RoaringBitmap,
        others: Vec<u32>,
        these: Vec<u32>,
    ) -> Vec<u32> {
        if self.rows.is_empty() {
            return others;
        }
        let mut these: Vec<(u32, u32)> = self.rows.iter().cloned().flatten().zip(these).collect();
        these.sort_unstable();
        let all = others.len() + these.len();
        let (mut others, mut these) = (others.into_iter(), these.into_iter().peekable());
        let mut moved = Vec::with_capacity(all);
        let mut row = 0;
        while moved.len() < all {
            if !dead.contains(row) {
                let of_these = these.next_if(|(of, _)| *of == row).map(|(_, became)| became);
                let Some(became) = of_these.or_else(|| others.next()) else { break };
                moved.push(became);
            }
            row += 1;
        }
        moved
    }
}

/// Some rows of a segment, whole, in this order. Each row group is decoded once, with a dictionary of its own.
fn rows_in_order(segment: &Segment, rows: &[u32]) -> Result<RecordBatch> {
    let mut sorted = rows.to_vec();
    sorted.sort_unstable();
    let mut batches = Vec::new();
    let mut places: FxHashMap<u32, (usize, usize)> = FxHashMap::default();
    for group in segment.footer()?.groups() {
        let from = sorted.partition_point(|row| *row < group.rows.start);
        let to = sorted.partition_point(|row| *row < group.rows.end);
        let mut left = sorted[from..to].iter();
        if from == to {
            continue;
        }
        for batch in segment.read_rows(&sorted[from..to])? {
            for (at, row) in left.by_ref().take(batch.num_rows()).enumerate() {
                places.insert(*row, (batches.len(), at));
            }
            batches.push(modernize::<Col>(&batch)?);
        }
    }
    let batches: Vec<&RecordBatch> = batches.iter().collect();
    let missing =
        |row| Error::new(ErrorKind::Corrupt, format!("segment {} has no row {row}", segment.number));
    let places = rows.iter().map(|row| places.get(row).copied().ok_or_else(|| missing(row)));
    gather::<Col>(&batches, &places.collect::<Result<Vec<_>>>()?)
}
