//! The hot tier: recent runs in memory as Arrow batches, merged by key on arrival.
//!
//! A [`Tier`] holds batches in order of arrival and knows the place of every living row by key. A row that
//! is merged with a patch dies and its successor is appended. Readers take a [`View`]: batches are shared,
//! never copied, so that a query sees one state while writes go on.
//!
//! Invariant: each key has at most one living row over all tiers and segments of a store.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, FixedSizeBinaryArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::TimestampNanosecondType;
use clearspan_model::{ErrorKind, Run, RunId, RunKey, TraceId};
use roaring::RoaringBitmap;
use rustc_hash::{FxHashMap, FxHashSet};

use super::records::Shelf;
use crate::error::Context;
use crate::schema::decode::Rows;
use crate::schema::{Col, SCHEMA, memory_bytes};
use crate::tombstones::Tombstones;
use crate::{Result, RunSummary, summarize};

/// Batches up to this many rows together are joined: clients that send one span a request would
/// otherwise leave thousands of tiny ones.
const JOIN_ROWS: usize = 1024;
/// A batch larger than this is not joined: copying it again and again, while readers wait, would cost more than a
/// batch more does.
const JOIN_BYTES: usize = 4 << 20;

/// The place of a row in a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RowRef {
    pub(crate) batch: u32,
    pub(crate) row: u32,
}

/// One batch as readers see it.
#[derive(Debug, Clone)]
pub(crate) struct HotBatch {
    /// Shared as a whole, because each reader takes all of them, and a batch has dozens of columns.
    pub(crate) batch: Arc<RecordBatch>,
    /// Rows that were replaced.
    pub(crate) dead: Option<Arc<RoaringBitmap>>,
}

impl HotBatch {
    /// The living rows, with the columns asked for (by their place in the schema; all when `None`).
    pub(crate) fn living(&self, projection: Option<&[usize]>) -> Result<RecordBatch> {
        let batch = match projection {
            Some(columns) => self
                .batch
                .project(columns)
                .context(ErrorKind::Internal, || "projecting the hot tier".into())?,
            None => RecordBatch::clone(&self.batch),
        };
        let Some(dead) = &self.dead else { return Ok(batch) };
        let rows = u32::try_from(batch.num_rows()).expect("a batch has fewer than 2^32 rows");
        let alive = BooleanArray::from_iter((0..rows).map(|row| Some(!dead.contains(row))));
        filter_record_batch(&batch, &alive).context(ErrorKind::Internal, || "filtering the hot tier".into())
    }

    /// The time of its newest row; `None` when no row is alive.
    pub(crate) fn newest(&self) -> Option<i64> {
        let times = self.batch.column(Col::time as usize).as_primitive::<TimestampNanosecondType>().values();
        (0_u32..).zip(times).filter(|(row, _)| !self.is_dead(*row)).map(|(_, time)| *time).max()
    }

    /// The rows of some traces; `None` when there are none.
    pub(crate) fn of_traces(&self, trace_ids: &FxHashSet<[u8; 16]>) -> Option<Self> {
        let ids = self.batch.column(Col::trace_id as usize).as_fixed_size_binary();
        let mut dead = self.dead.as_deref().cloned().unwrap_or_default();
        let rows = u32::try_from(self.batch.num_rows()).expect("a batch has fewer than 2^32 rows");
        for row in 0..rows {
            let is_one =
                <[u8; 16]>::try_from(ids.value(row as usize)).is_ok_and(|id| trace_ids.contains(&id));
            if !is_one {
                dead.insert(row);
            }
        }
        (dead.len() < u64::from(rows))
            .then(|| Self { batch: Arc::clone(&self.batch), dead: Some(Arc::new(dead)) })
    }

    fn is_dead(&self, row: u32) -> bool {
        self.dead.as_ref().is_some_and(|dead| dead.contains(row))
    }
}

/// What is decided about a run by looking at its whole trace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Derived {
    /// Of `tokens_billed`, `cost_billed`, `cost_gap` and `is_trace_root`.
    flags: [bool; 4],
    double_of: Option<RunId>,
}

/// New verdicts by batch and row.
pub(crate) type Changes = FxHashMap<u32, Vec<(u32, Derived)>>;

/// What readers hold on to.
pub(crate) type View = Vec<HotBatch>;

/// A part of the hot tier: the one that takes writes, or the one on its way to a segment.
#[derive(Debug, Default)]
pub(crate) struct Tier {
    batches: Vec<HotBatch>,
    keys: FxHashMap<RunKey, RowRef>,
    traces: FxHashMap<TraceId, Vec<RunKey>>,
    bytes: usize,
    /// Traces whose derived flags have to be looked at again.
    unsettled: FxHashSet<TraceId>,
    /// Rows of segments that a row of this tier replaces; durable together with it.
    pub(crate) replaced: Vec<(u64, u32)>,
    /// Log records.
    pub(crate) logs: Shelf,
    /// Metric points.
    pub(crate) points: Shelf,
}

impl Tier {
    pub(crate) fn is_empty(&self) -> bool {
        let is_empty = self.keys.is_empty() && self.logs.is_empty() && self.points.is_empty();
        // Rows of segments that died become so for good with a flush.
        is_empty && self.replaced.is_empty()
    }

    /// Bytes of everything in it.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes + self.logs.bytes() + self.points.bytes()
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn view(&self) -> View {
        self.batches.clone()
    }

    pub(crate) fn find(&self, key: &RunKey) -> Option<RowRef> {
        self.keys.get(key).copied()
    }

    /// The living rows of a trace, by batch. Workspace and project are the caller's to check.
    pub(crate) fn trace_rows(&self, trace_id: TraceId) -> Vec<RowRef> {
        let Some(members) = self.traces.get(&trace_id) else { return Vec::new() };
        let mut rows: Vec<RowRef> = members.iter().filter_map(|key| self.find(key)).collect();
        rows.sort_unstable_by_key(|place| (place.batch, place.row));
        rows.dedup();
        rows
    }

    /// Whether a run of the trace is or was here.
    pub(crate) fn has_seen(&self, trace_id: TraceId) -> bool {
        self.traces.contains_key(&trace_id)
    }

    pub(crate) fn batch(&self, idx: u32) -> &HotBatch {
        &self.batches[idx as usize]
    }

    /// The whole run at a place.
    pub(crate) fn run(&self, place: RowRef) -> Result<Run> {
        Rows::new(&self.batch(place.batch).batch).run(place.row as usize)
    }

    /// The keys of the living runs that tombstones cover.
    pub(crate) fn keys_covered(&self, tombstones: &Tombstones) -> Vec<RunKey> {
        let covers = |key: &&RunKey| tombstones.covers_run(key.workspace_id, key.project_id, key.trace_id);
        self.keys.keys().filter(covers).copied().collect()
    }

    /// Marks a row as replaced.
    pub(crate) fn kill(&mut self, key: &RunKey) {
        if let Some(place) = self.keys.remove(key) {
            let dead = self.batches[place.batch as usize].dead.get_or_insert_default();
            Arc::make_mut(dead).insert(place.row);
        }
    }

    /// Appends a batch. `keys` are those of its rows in order; `None` marks a row that must not live.
    pub(crate) fn push(&mut self, batch: RecordBatch, keys: &[Option<RunKey>]) -> Result<()> {
        let idx = u32::try_from(self.batches.len()).expect("far fewer batches than 2^32");
        let mut dead = RoaringBitmap::new();
        let parents = batch.column(Col::parent_run_id as usize);
        for (row, key) in (0_u32..).zip(keys) {
            let Some(key) = key else {
                dead.insert(row);
                continue;
            };
            let members = self.traces.entry(key.trace_id).or_default();
            // A run that was killed and comes back is a member already; duplicates are dropped on reading.
            members.push(*key);
            if members.len() > 1 || parents.is_valid(row as usize) {
                self.unsettled.insert(key.trace_id);
            }
            self.keys.insert(*key, RowRef { batch: idx, row });
        }
        self.bytes += memory_bytes(&batch);
        self.batches
            .push(HotBatch { batch: Arc::new(batch), dead: (!dead.is_empty()).then(|| Arc::new(dead)) });
        self.join_small_batches()
    }

    /// Joins the last two batches while both are small.
    fn join_small_batches(&mut self) -> Result<()> {
        while let [.., left, right] = self.batches.as_slice() {
            let (left_rows, right_rows) = (left.batch.num_rows(), right.batch.num_rows());
            if left_rows + right_rows > JOIN_ROWS || left_rows > 2 * right_rows {
                return Ok(());
            }
            let sizes = [left, right].map(|hot| memory_bytes(&hot.batch));
            if sizes.iter().any(|size| *size > JOIN_BYTES) {
                return Ok(());
            }
            let parts = [left.living(None)?, right.living(None)?];
            self.bytes -= sizes[0] + sizes[1];
            let joined = concat_batches(&SCHEMA, &parts)
                .context(ErrorKind::Internal, || "joining batches of the hot tier".into())?;
            self.batches.truncate(self.batches.len() - 2);
            let batch = u32::try_from(self.batches.len()).expect("far fewer batches than 2^32");
            let rows = Rows::new(&joined);
            for row in 0..joined.num_rows() {
                let place = RowRef { batch, row: u32::try_from(row).expect("a small batch") };
                self.keys.insert(rows.key(row)?, place);
            }
            self.bytes += memory_bytes(&joined);
            self.batches.push(HotBatch { batch: Arc::new(joined), dead: None });
        }
        Ok(())
    }

    /// Decides anew which runs are billed and which stand for their trace, for the traces that changed since.
    pub(crate) fn settle(&mut self) -> Result<()> {
        let changes = self.changes()?;
        self.settle_with(changes);
        Ok(())
    }

    /// True when nothing has to be looked at again.
    pub(crate) fn is_settled(&self) -> bool {
        self.unsettled.is_empty()
    }

    /// What [`Self::settle`] would write: computed without changing anything, because it may take long.
    pub(crate) fn changes(&self) -> Result<Changes> {
        let mut changes = Changes::default();
        for trace_id in &self.unsettled {
            let places = self.trace_rows(*trace_id);
            let mut found = Vec::with_capacity(places.len());
            for of_batch in places.chunk_by(|left, right| left.batch == right.batch) {
                let rows = Rows::new(&self.batch(of_batch[0].batch).batch);
                for place in of_batch {
                    found.push((rows.outline(place.row as usize)?, *place));
                }
            }
            // In this order a circle of parents is cut at the same run as anywhere else.
            found.sort_by_key(|(run, _)| (run.project_id, run.start_time, run.run_id));
            let (mut runs, places): (Vec<RunSummary>, Vec<RowRef>) = found.into_iter().unzip();
            let mut places = places.into_iter();
            for project in runs.chunk_by_mut(|left, right| left.project_id == right.project_id) {
                summarize::mark_billed(project);
                let root = summarize::root_of(project);
                for (idx, (run, place)) in project.iter().zip(places.by_ref()).enumerate() {
                    let derived = Derived {
                        flags: [run.billed.tokens, run.billed.cost, run.billed.gap, Some(idx) == root],
                        double_of: run.double_of,
                    };
                    changes.entry(place.batch).or_default().push((place.row, derived));
                }
            }
        }
        Ok(changes)
    }

    /// Writes what [`Self::changes`] found, if the tier is still as it was then.
    pub(crate) fn settle_with(&mut self, changes: Changes) {
        self.unsettled.clear();
        for (batch, rows) in changes {
            self.set_derived(batch, &rows);
        }
    }

    fn set_derived(&mut self, batch: u32, rows: &[(u32, Derived)]) {
        let hot = &mut self.batches[batch as usize];
        let mut columns = hot.batch.columns().to_vec();
        for (idx, col) in
            [Col::tokens_billed, Col::cost_billed, Col::cost_gap, Col::is_trace_root].into_iter().enumerate()
        {
            let mut values: Vec<bool> = columns[col as usize].as_boolean().values().iter().collect();
            for (row, derived) in rows {
                values[*row as usize] = derived.flags[idx];
            }
            columns[col as usize] = Arc::new(BooleanArray::from(values));
        }
        let doubles = &mut columns[Col::double_of as usize];
        if doubles.null_count() < doubles.len() || rows.iter().any(|(_, derived)| derived.double_of.is_some())
        {
            let mut values: Vec<Option<[u8; 16]>> = doubles
                .as_fixed_size_binary()
                .iter()
                .map(|id| id.and_then(|id| id.try_into().ok()))
                .collect();
            for (row, derived) in rows {
                values[*row as usize] = derived.double_of.map(|id| *id.as_bytes());
            }
            *doubles = Arc::new(
                FixedSizeBinaryArray::try_from_sparse_iter_with_size(values.into_iter(), 16)
                    .expect("ids have sixteen bytes"),
            );
        }
        let batch = RecordBatch::try_new(Arc::clone(&SCHEMA), columns).expect("the schema did not change");
        hot.batch = Arc::new(batch);
    }

    /// The keys of living runs for which `keep` holds.
    pub(crate) fn keys_where(&self, keep: impl Fn(&Rows<'_>, usize) -> bool) -> Vec<RunKey> {
        let mut found = Vec::new();
        let rows: Vec<Rows<'_>> = self.batches.iter().map(|hot| Rows::new(&hot.batch)).collect();
        for (key, place) in &self.keys {
            if keep(&rows[place.batch as usize], place.row as usize) {
                found.push(*key);
            }
        }
        found
    }

    /// The keys of the living runs of some traces.
    pub(crate) fn keys_of_traces(&self, trace_ids: FxHashSet<TraceId>) -> Vec<RunKey> {
        self.keys.keys().filter(|key| trace_ids.contains(&key.trace_id)).copied().collect()
    }

    /// The rows that are alive in `view` order but were replaced since it was taken.
    pub(crate) fn killed_since(&self, view: &View) -> Vec<RowRef> {
        let mut killed = Vec::new();
        for (batch, (then, now)) in (0_u32..).zip(view.iter().zip(&self.batches)) {
            let dead_now = now.dead.iter().flat_map(|dead| dead.iter());
            killed.extend(dead_now.filter(|row| !then.is_dead(*row)).map(|row| RowRef { batch, row }));
        }
        killed
    }
}

#[cfg(test)]
mod tests;
