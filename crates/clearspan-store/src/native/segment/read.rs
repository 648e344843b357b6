//! Reading rows of a segment: those of traces, those with certain ids, those at certain places, all of them.

mod groups;

use std::ops::Range;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use clearspan_model::{ErrorKind, RunId, RunKey, TraceId};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ArrowReaderMetadata, ParquetRecordBatchReaderBuilder, RowFilter, RowSelection,
};
use roaring::RoaringBitmap;

use super::{Footer, ROW_GROUP_ROWS, Segment, alive_selection, fixed, may_hold_run};
use crate::schema::{Col, stored};
use crate::{Error, Result};

pub(crate) use groups::GroupRows;

/// What to read of the runs of a segment.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// All runs of some traces. Runs of other traces may be among what is read.
    Traces(&'a [TraceId]),
    /// Some runs of some traces; likewise.
    RunsOf(&'a [TraceId], &'a [RunId]),
    /// Some runs, whatever their trace.
    Runs(&'a [RunId]),
}

/// Which rows a reader of some row groups gives. A reader never spans two row groups: what it gives would have a dictionary of its own, made
/// again from all texts.
struct Choice<'a> {
    group: usize,
    /// Over the rows of the group; all when `None`.
    selection: Option<RowSelection>,
    run_ids: Option<&'a [RunId]>,
}

impl Choice<'_> {
    fn group(group: usize) -> Self {
        Self { group, selection: None, run_ids: None }
    }
}

impl Segment {
    /// The rows of a trace, dead or not.
    pub(crate) fn trace_rows(&self, trace_id: TraceId) -> Result<Vec<u32>> {
        let stretches = self.stretches_of(&[trace_id])?;
        let mut found = Vec::new();
        self.look_at(&stretches, &[Col::trace_id], |batch, rows| {
            let ids = fixed(batch, Col::trace_id).iter();
            let of_trace = ids.zip(rows).filter(|(id, _)| *id == Some(trace_id.as_bytes().as_slice()));
            found.extend(of_trace.map(|(_, row)| *row));
            Ok(())
        })?;
        Ok(found)
    }

    /// Shows some rows with some columns, row group by row group, with the number of each row in the file.
    pub(crate) fn look_at(
        &self,
        rows: &[Range<u32>],
        columns: &[Col],
        mut show: impl FnMut(&RecordBatch, &[u32]) -> Result<()>,
    ) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut numbers = rows.iter().cloned().flatten();
        self.show(rows, None, columns, |batch| {
            let of_batch: Vec<u32> = numbers.by_ref().take(batch.num_rows()).collect();
            show(&batch, &of_batch)
        })
    }

    /// Every row of a row group, dead or not, with some columns.
    pub(crate) fn read_group(&self, group: usize, columns: &[Col]) -> Result<Vec<RecordBatch>> {
        let described = self.footer()?.reader(&[group]).map_err(self.corrupt())?;
        self.open_reader(&described, Choice::group(0), columns, ROW_GROUP_ROWS)?.collect()
    }

    /// Some rows with some columns, all when none are named. The ranges must be in order and apart.
    pub(crate) fn read_ranges(&self, rows: &[Range<u32>], columns: &[Col]) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        self.show(rows, None, columns, |batch| {
            batches.push(batch);
            Ok(())
        })?;
        Ok(batches)
    }

    /// Some rows, whole. `rows` must be in order.
    pub(crate) fn read_rows(&self, rows: &[u32]) -> Result<Vec<RecordBatch>> {
        let mut ranges: Vec<Range<u32>> = Vec::new();
        for row in rows {
            match ranges.last_mut() {
                Some(last) if last.end == *row => last.end = row + 1,
                _ => ranges.push(*row..row + 1),
            }
        }
        self.read_ranges(&ranges, &[])
    }

    /// The row of a run, dead or not.
    pub(crate) fn find(&self, key: &RunKey) -> Result<Option<u32>> {
        let stretches = self.stretches_of(&[key.trace_id])?;
        if stretches.is_empty() {
            return Ok(None);
        }
        let (footer, blooms) = (self.footer()?, self.readable_blooms()?);
        let blooms = blooms.as_ref().map(|blooms| blooms.as_slice());
        let mut rows = Vec::new();
        for (idx, group) in footer.groups().iter().enumerate() {
            let inside = rows_within(&stretches, &group.rows);
            if !inside.is_empty()
                && group.may_hold_project(&[key.project_id])
                && may_hold_run(blooms, idx, key.run_id)
            {
                rows.extend(inside);
            }
        }
        let columns = [Col::project_id, Col::trace_id, Col::run_id];
        let mut found = None;
        self.look_at(&rows, &columns, |batch, rows| {
            let ids = columns.map(|col| fixed(batch, col));
            for (at, row) in rows.iter().enumerate() {
                let [project, trace, run] = ids.map(|array| array.value(at));
                if run == key.run_id.as_bytes()
                    && trace == key.trace_id.as_bytes()
                    && project == key.project_id.as_bytes()
                {
                    found = Some(*row);
                }
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// The rows that are not in `dead`, in order, batch by batch; all columns when none are asked for. A batch never
    /// spans two row groups, so that it keeps the dictionary of its own.
    pub(crate) fn scan<'a>(
        &'a self,
        dead: &'a RoaringBitmap,
        columns: &'a [Col],
        batch_rows: usize,
    ) -> Result<impl Iterator<Item = Result<RecordBatch>> + 'a> {
        let footer = self.footer()?;
        Ok((0..footer.groups().len()).flat_map(move |idx| {
            let group = footer.groups()[idx].rows.clone();
            let has_dead = dead.range_cardinality(group.clone()) > 0;
            let selection = has_dead.then(|| alive_selection(dead, std::iter::once(group)));
            let choice = Choice { selection, ..Choice::group(0) };
            let described = footer.reader(&[idx]).map_err(self.corrupt());
            let reader = described.and_then(|file| self.open_reader(&file, choice, columns, batch_rows));
            let (reader, failed) = match reader {
                Ok(reader) => (Some(reader), None),
                Err(err) => (None, Some(Err(err))),
            };
            failed.into_iter().chain(reader.into_iter().flatten())
        }))
    }

    /// Decodes every row, which verifies every page. Returns how many there are.
    pub(crate) fn check(&self) -> Result<u64> {
        let mut rows = 0;
        for idx in 0..self.group_count()? {
            for batch in self.read_group(idx, &[])? {
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

    /// One row, whole.
    pub(crate) fn read_row(&self, row: u32) -> Result<RecordBatch> {
        let missing = || Error::new(ErrorKind::Corrupt, format!("segment {} has no row {row}", self.number));
        self.read_rows(&[row])?.into_iter().next().ok_or_else(missing)
    }

    /// Living runs, with the columns asked for (all when empty). The footer is not opened when there are none.
    pub(crate) fn read(
        &self,
        wanted: Wanted<'_>,
        dead: Option<&RoaringBitmap>,
        columns: &[Col],
    ) -> Result<Vec<RecordBatch>> {
        let (rows, run_ids) = match wanted {
            Wanted::Traces(trace_ids) => (self.stretches_of(trace_ids)?, None),
            Wanted::RunsOf(trace_ids, run_ids) => (self.stretches_of(trace_ids)?, Some(run_ids)),
            Wanted::Runs(run_ids) => (self.groups_with_runs(run_ids)?, Some(run_ids)),
        };
        let rows = match dead {
            Some(dead) => living_ranges(&rows, dead),
            None => rows,
        };
        let mut batches = Vec::new();
        if !rows.is_empty() {
            self.show(&rows, run_ids, columns, |batch| {
                batches.push(batch);
                Ok(())
            })?;
        }
        Ok(batches)
    }

    /// The rows of the row groups that may hold some runs.
    fn groups_with_runs(&self, run_ids: &[RunId]) -> Result<Vec<Range<u32>>> {
        let (footer, blooms) = (self.footer()?, self.readable_blooms()?);
        let blooms = blooms.as_ref().map(|blooms| blooms.as_slice());
        let groups = footer.groups().iter().enumerate();
        let may_hold =
            groups.filter(|(idx, _)| run_ids.iter().any(|run_id| may_hold_run(blooms, *idx, *run_id)));
        Ok(may_hold.map(|(_, group)| group.rows.clone()).collect())
    }

    /// Shows some rows, of these only those of some runs when any are named. The ranges must be in order and apart.
    fn show(
        &self,
        rows: &[Range<u32>],
        run_ids: Option<&[RunId]>,
        columns: &[Col],
        mut show: impl FnMut(RecordBatch) -> Result<()>,
    ) -> Result<()> {
        let footer = self.footer()?;
        let (groups, selections): (Vec<usize>, Vec<RowSelection>) = footer.select(rows).into_iter().unzip();
        let described = footer.reader(&groups).map_err(self.corrupt())?;
        for (group, selection) in selections.into_iter().enumerate() {
            let choice = Choice { group, selection: Some(selection), run_ids };
            for batch in self.open_reader(&described, choice, columns, ROW_GROUP_ROWS)? {
                show(batch?)?;
            }
        }
        Ok(())
    }

    /// Reads columns of the table; all when none are asked for.
    fn open_reader<'a>(
        &'a self,
        described: &ArrowReaderMetadata,
        choice: Choice<'_>,
        columns: &'a [Col],
        batch_rows: usize,
    ) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<'a>> {
        let Choice { group, selection, run_ids } = choice;
        let file = self.open()?;
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file.clone(), described.clone())
            .with_row_groups(vec![group])
            .with_batch_size(batch_rows);
        let parquet_schema = described.metadata().file_metadata().schema_descr_ptr();
        if !columns.is_empty() {
            let texts = if columns.iter().any(|col| stored::PARTS.contains(col)) {
                &stored::TOGETHER[..]
            } else {
                &[]
            };
            let names = columns.iter().map(|col| col.name()).chain(texts.iter().map(|column| column.name));
            builder = builder.with_projection(ProjectionMask::columns(&parquet_schema, names));
        }
        if let Some(selection) = selection {
            builder = builder.with_row_selection(selection);
        }
        if let Some(run_ids) = run_ids {
            builder = builder.with_row_filter(row_filter(run_ids, &parquet_schema));
        }
        let reader = builder.build().map_err(|err| self.corrupt()(file.cause_of(err)))?;
        Ok(reader.map(move |batch| {
            let batch = batch.map_err(|err| self.corrupt()(file.cause_of(err)))?;
            stored::unpack(batch, columns).map_err(self.corrupt())
        }))
    }
}

impl Footer {
    /// The row groups that some rows lie in, and for each these rows as a selection over its own. The ranges must be in order
    /// and apart.
    fn select(&self, rows: &[Range<u32>]) -> Vec<(usize, RowSelection)> {
        let selected = self.groups().iter().enumerate().map(|(idx, group)| {
            let place = |row: u32| (row - group.rows.start) as usize;
            let inside = rows_within(rows, &group.rows).into_iter();
            let ranges: Vec<Range<usize>> = inside.map(|rows| place(rows.start)..place(rows.end)).collect();
            (idx, ranges, group.rows.len())
        });
        let selected = selected.filter(|(_, ranges, _)| !ranges.is_empty());
        let selection =
            |ranges: Vec<Range<usize>>, rows| RowSelection::from_consecutive_ranges(ranges.into_iter(), rows);
        selected.map(|(idx, ranges, rows)| (idx, selection(ranges, rows))).collect()
    }
}

/// What lies in a row group of some ranges that are in order and apart.
fn rows_within(rows: &[Range<u32>], group: &Range<u32>) -> Vec<Range<u32>> {
    let from = rows.partition_point(|rows| rows.end <= group.start);
    let inside = rows[from..].iter().take_while(|rows| rows.start < group.end);
    inside.map(|rows| rows.start.max(group.start)..rows.end.min(group.end)).collect()
}

/// Some ranges of rows without the dead ones.
pub(crate) fn living_ranges(rows: &[Range<u32>], dead: &RoaringBitmap) -> Vec<Range<u32>> {
    let mut living = Vec::with_capacity(rows.len());
    for rows in rows {
        let mut from = rows.start;
        for row in dead.range(rows.clone()) {
            if from < row {
                living.push(from..row);
            }
            from = row + 1;
        }
        if from < rows.end {
            living.push(from..rows.end);
        }
    }
    living
}

/// Runs with these ids only.
fn row_filter(run_ids: &[RunId], schema: &parquet::schema::types::SchemaDescriptor) -> RowFilter {
    let mut ids: Vec<[u8; 16]> = run_ids.iter().map(|id| *id.as_bytes()).collect();
    ids.sort_unstable();
    let mask = ProjectionMask::columns(schema, [Col::run_id.name()]);
    RowFilter::new(vec![Box::new(ArrowPredicateFn::new(mask, move |batch: RecordBatch| {
        let array = batch.column(0).as_fixed_size_binary();
        Ok(BooleanArray::from_iter(array.iter().map(|id| {
            Some(id.is_some_and(|id| ids.binary_search_by(|wanted| wanted.as_slice().cmp(id)).is_ok()))
        })))
    }))])
}
