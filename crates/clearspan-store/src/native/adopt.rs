//! Late runs: when a run arrives for a trace that was flushed, the trace comes back into the hot tier.
//!
//! What a run counts for, and which run stands for the trace, depends on the whole tree. So the rows of the trace move
//! to the tier that takes writes: the old ones die, the next flush writes the trace in one piece. Nothing is logged
//! for it: until that flush is in the manifest, a restart finds the old rows alive and adopts them again.

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use clearspan_model::{ErrorKind, RunKey, TraceId};
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::bucket::is_unreachable;
use super::hot::Tier;
use super::segment::{Segment, gather};
use super::state::{DeadRows, Shared};
use crate::Result;
use crate::error::Context;
use crate::schema::decode::Rows;
use crate::schema::{Col, modernize};

/// A larger trace stays where it is: moving it for each late run would cost more than exact flags are worth.
const MAX_ROWS: usize = 20_000;
/// What is brought in together, unless one trace has more. To read one row takes as long as to read all of its row group.
const BYTES_AT_ONCE: u64 = 8 << 20;

/// Brings in the traces of these runs, as far as they are elsewhere. Returns those whose segments cannot be reached now:
/// they stay where they are.
pub(super) fn adopt_traces(shared: &Shared, keys: &[RunKey]) -> Result<FxHashSet<TraceId>> {
    let (unseen, segments, dead) = {
        let state = shared.state.read();
        let unseen: FxHashSet<TraceId> = keys
            .iter()
            .map(|key| key.trace_id)
            .filter(|trace_id| !state.active.has_seen(*trace_id))
            .collect();
        (unseen, Arc::clone(&state.segments), state.dead.clone())
    };
    let mut unreachable = FxHashSet::default();
    let mut found = Vec::with_capacity(unseen.len());
    for trace_id in unseen {
        match Elsewhere::find(shared, trace_id, &segments, &dead) {
            Err(err) if is_unreachable(&err) => drop(unreachable.insert(trace_id)),
            trace => found.extend(trace?),
        }
    }
    // Neighbours are read together.
    found.sort_by(|one, other| one.rows.cmp(&other.rows));
    while !found.is_empty() {
        let mut bytes = 0;
        let fitting = found.iter().take_while(|trace| {
            bytes += trace.bytes;
            bytes <= BYTES_AT_ONCE
        });
        let some: Vec<Elsewhere> = found.drain(..fitting.count().max(1)).collect();
        match adopt(shared, &segments, &some) {
            // Perhaps not all of them lie where nothing can be read.
            Err(err) if is_unreachable(&err) => {
                for trace in some {
                    match adopt(shared, &segments, std::slice::from_ref(&trace)) {
                        Err(err) if is_unreachable(&err) => drop(unreachable.insert(trace.trace_id)),
                        adopted => adopted?,
                    }
                }
            }
            adopted => adopted?,
        }
    }
    Ok(unreachable)
}

/// A trace that is not in the tier that takes writes.
struct Elsewhere {
    trace_id: TraceId,
    /// Its living rows in segments, by the places of these.
    rows: Vec<(usize, Vec<u32>)>,
    /// What these take in memory, about.
    bytes: u64,
}

impl Elsewhere {
    /// `None` when there is nothing to bring in.
    fn find(
        shared: &Shared,
        trace_id: TraceId,
        segments: &[Arc<Segment>],
        dead: &DeadRows,
    ) -> Result<Option<Self>> {
        let (mut found, mut bytes) = (Vec::new(), 0);
        let mut count = shared.state.read().frozen.as_ref().map_or(0, |tier| tier.trace_rows(trace_id).len());
        for (place, segment) in segments.iter().enumerate() {
            let dead = dead.get(&segment.number);
            let mut rows = segment.trace_rows(trace_id).or_else(|err| segment.pass_over(err))?;
            rows.retain(|row| !dead.is_some_and(|dead| dead.contains(*row)));
            count += rows.len();
            if !rows.is_empty() {
                bytes += segment.bytes_of(&rows).or_else(|err| segment.pass_over(err))?;
                found.push((place, rows));
            }
        }
        let is_moved = (1..=MAX_ROWS).contains(&count);
        Ok(is_moved.then_some(Self { trace_id, rows: found, bytes }))
    }
}

/// Brings in some traces. When it fails, all of them stay where they are.
fn adopt(shared: &Shared, segments: &[Arc<Segment>], traces: &[Elsewhere]) -> Result<()> {
    let mut by_segment: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    for (place, rows) in traces.iter().flat_map(|trace| &trace.rows) {
        by_segment.entry(*place).or_default().extend(rows);
    }
    let mut batches = Vec::new();
    // Rows that cannot be read stay where they are, and the segment remembers that it was passed over.
    let mut readable = Vec::new();
    for (place, mut rows) in by_segment {
        let segment = &segments[place];
        rows.sort_unstable();
        let read = segment.read_rows(&rows).map(Some).or_else(|err| segment.pass_over(err))?;
        if let Some(read) = read {
            for batch in read {
                batches.push(without_others(&batch)?);
            }
            readable.push((segment.number, rows));
        }
    }
    // Only this thread changes state, so nothing moved in between.
    let mut state = shared.state.write();
    for (number, rows) in readable {
        for row in rows {
            state.bury(number, row);
            state.active.replaced.push((number, row));
        }
    }
    if let Some(frozen) = &mut state.frozen {
        for trace in traces {
            batches.extend(take_trace(frozen, trace.trace_id)?);
        }
    }
    for batch in batches {
        push_all(&mut state.active, batch)?;
    }
    Ok(())
}

/// Takes the rows of a trace out of a tier.
fn take_trace(tier: &mut Tier, trace_id: TraceId) -> Result<Vec<RecordBatch>> {
    let places = tier.trace_rows(trace_id);
    let mut batches = Vec::new();
    for of_batch in places.chunk_by(|one, other| one.batch == other.batch) {
        let rows = UInt32Array::from_iter_values(of_batch.iter().map(|place| place.row));
        let batch = take_record_batch(&tier.batch(of_batch[0].batch).batch, &rows)
            .context(ErrorKind::Internal, || "taking a trace out of the hot tier".into())?;
        let rows = Rows::new(&batch);
        for row in 0..batch.num_rows() {
            tier.kill(&rows.key(row)?);
        }
        batches.push(batch);
    }
    Ok(batches)
}

/// Rows of a segment, as the hot tier holds them: with the columns of today, and without the texts of the other rows of
/// their row group.
fn without_others(batch: &RecordBatch) -> Result<RecordBatch> {
    let batch = modernize::<Col>(batch)?;
    let places: Vec<(usize, usize)> = (0..batch.num_rows()).map(|row| (0, row)).collect();
    gather::<Col>(&[&batch], &places)
}

fn push_all(tier: &mut Tier, batch: RecordBatch) -> Result<()> {
    let rows = Rows::new(&batch);
    let keys = (0..batch.num_rows()).map(|row| rows.key(row).map(Some)).collect::<Result<Vec<_>>>()?;
    tier.push(batch, &keys)
}
