//! Deletion, as the applier does it: tombstones come in, everything that they cover dies.
//!
//! Runs die as if they had been replaced: in memory at once, in segments by a bitmap that becomes durable with the next
//! manifest, together with `applied_seq` and the file of tombstones. Log records and metric points are dropped from
//! memory; in files they stay, and readers leave out what the tombstones hide until a purge writes the files anew.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use clearspan_model::{ErrorKind, RunKey};
use roaring::RoaringBitmap;

use super::state::{Shared, State};
use crate::Result;
use crate::error::Context;
use crate::schema::Col;
use crate::schema::decode::Rows;
use crate::schema::logs::LogCol;
use crate::schema::points::PointCol;
use crate::tombstones::{Tombstone, Tombstones};

/// Lets everything die that the tombstones cover. Only the applier calls this, so nothing moves in between.
pub(super) fn bury(shared: &Shared, list: &[Tombstone]) -> Result<()> {
    let new: Tombstones = list.iter().collect();
    let segments = Arc::clone(&shared.state.read().segments);
    let mut buried: Vec<(u64, RoaringBitmap)> = Vec::new();
    for segment in segments.iter() {
        let rows = segment.covered_rows(&new).or_else(|err| segment.pass_over(err))?;
        if !rows.is_empty() {
            buried.push((segment.number, rows));
        }
    }
    let mut state = shared.state.write();
    let State { active, frozen, dead, tombstones, .. } = &mut *state;
    for (number, mut rows) in buried {
        let dead = Arc::make_mut(dead.entry(number).or_default());
        rows -= &*dead;
        active.replaced.extend(rows.iter().map(|row| (number, row)));
        *dead |= rows;
    }
    for tier in frozen.iter_mut().chain([&mut *active]) {
        for key in tier.keys_covered(&new) {
            tier.kill(&key);
        }
        tier.logs.drop_deleted::<LogCol>(&new)?;
        tier.points.drop_deleted::<PointCol>(&new)?;
    }
    let tombstones = Arc::make_mut(tombstones);
    list.iter().for_each(|tombstone| tombstones.add(tombstone));
    state.tombstones_changed = true;
    shared.update_pressure(&state);
    Ok(())
}

/// Runs on their way into the hot tier, without those of deleted traces.
pub(super) struct Arrivals {
    /// `None` when nothing is left.
    pub(super) living: Option<RecordBatch>,
    /// The keys of the runs that were dropped.
    pub(super) dropped: Vec<RunKey>,
}

/// Drops the runs of a batch that belong to deleted traces.
pub(super) fn without_deleted_runs(shared: &Shared, batch: &RecordBatch) -> Result<Arrivals> {
    let tombstones = Arc::clone(&shared.state.read().tombstones);
    let mut dropped = Vec::new();
    if tombstones.is_empty() {
        return Ok(Arrivals { living: Some(batch.clone()), dropped });
    }
    let rows = Rows::new(batch);
    let mut is_alive = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        let key = rows.key(row)?;
        let is_dead = tombstones.hides_run(&key, rows.time(Col::received_at, row).unwrap_or_default());
        if is_dead {
            dropped.push(key);
        }
        is_alive.push(!is_dead);
    }
    if dropped.is_empty() {
        return Ok(Arrivals { living: Some(batch.clone()), dropped });
    }
    shared.note_dropped(dropped.len());
    let living = filter_record_batch(batch, &BooleanArray::from(is_alive))
        .context(ErrorKind::Internal, || "dropping runs of deleted traces".into())?;
    Ok(Arrivals { living: (living.num_rows() > 0).then_some(living), dropped })
}
