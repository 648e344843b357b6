//! The applier: merges durable batches into the hot tier, one after the other in the order of the log.

mod late;
mod manifest;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use clearspan_model::{ErrorKind, Run, RunKey, Status, TraceId, UnixNanos};
use rustc_hash::FxHashMap;
use tokio::sync::oneshot;

use super::bury::Arrivals;
use super::commit::{Batch, Done, LogFiles, RETRY, ToApplier};
use super::compact::Bell;
use super::health::{Trouble, chain, is_from_disk};
use super::hot::{RowRef, Tier};
use super::log::{LogSeq, RecordKind};
use super::postponed::{self, Postponed};
use super::records::without_deleted;
use super::segment::Segment;
use super::state::{DeadRows, Shared, State};
use super::{adopt, bucket, bury, compact, flush};
use crate::error::Context;
use crate::replacement::may_replace;
use crate::schema::Col;
use crate::schema::decode::Rows;
use crate::schema::deletions::decode_tombstones;
use crate::schema::encode::encode_runs;
use crate::schema::logs::LogCol;
use crate::schema::points::PointCol;
use crate::{Error, Result};

/// A pending run stays in memory this long, so that its end finds it there.
const PENDING_NANOS: i64 = 3_600_000_000_000;
/// The tier that takes writes becomes a segment when it has this part of the memory for runs. While it is written, the next
/// one has the rest.
const FLUSH_EIGHTHS: usize = 3;
/// How long applying a record waits for files that cannot be opened.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where a run that is patched again lives now.
#[derive(Debug, Clone, Copy)]
enum Place {
    Active(RowRef),
    Frozen(RowRef),
    /// A row of the segment with this number.
    Segment(u64, u32),
}

type Flushing = oneshot::Sender<Result<()>>;

pub(super) struct Applier {
    shared: Arc<Shared>,
    to_flusher: SyncSender<flush::Job>,
    log_files: LogFiles,
    /// Told of new segments.
    bell: Bell,
    applied: LogSeq,
    newest: UnixNanos,
    /// Who waits for the segment that is being written, and who for the one after it.
    waiting: Vec<Flushing>,
    waiting_next: Vec<Flushing>,
    /// Runs that wait for segments.
    postponed: Postponed,
    /// A tier that recovery could not write.
    pub(super) unwritten: Option<flush::Job>,
    /// A segment that is written and that the disk did not let into the manifest yet, and when that was tried.
    uninstalled: Option<(flush::Flushed, Instant)>,
}

impl Applier {
    pub(super) fn new(
        shared: Arc<Shared>,
        to_flusher: SyncSender<flush::Job>,
        log_files: LogFiles,
        bell: Bell,
    ) -> Self {
        let applied = LogSeq(shared.manifest.lock().applied_seq);
        Self {
            shared,
            to_flusher,
            log_files,
            bell,
            applied,
            newest: UnixNanos::default(),
            waiting: Vec::new(),
            waiting_next: Vec::new(),
            postponed: Postponed::default(),
            unwritten: None,
            uninstalled: None,
        }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(super) fn applied(&self) -> LogSeq {
        self.applied
    }

    pub(super) fn run(mut self, work: &Receiver<ToApplier>) {
        if let Some(job) = self.unwritten.take() {
            // The flusher ends after this thread.
            let _sent = self.to_flusher.send(job);
        }
        loop {
            let item = if self.uninstalled.is_some() || !self.postponed.is_empty() {
                work.recv_timeout(RETRY)
            } else {
                work.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            self.install_if_due();
            self.catch_up_if_due();
            let item = match item {
                Ok(item) => item,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            match item {
                ToApplier::Apply(batches) => self.apply_group(batches),
                ToApplier::Delayed(err) => answer(&mut self.waiting, &Err(err)),
                ToApplier::Flush(done) => self.flush(done),
                ToApplier::Install(flushed) => self.finish_flush(flushed),
                ToApplier::Replace(rewritten, done) => {
                    let installed = compact::install(&self.shared, *rewritten).inspect_err(|err| {
                        if bucket::is_fenced(err) {
                            self.shared.health.poison(err);
                        }
                    });
                    // Whoever rewrote it may have been told to stop.
                    let _answered = done.send(installed);
                }
                ToApplier::WriteManifest(purged, done) => {
                    let written = self.write_manifest(purged);
                    // A caller that hung up needs no answer.
                    let _answered = done.send(written);
                }
                ToApplier::Stop => return,
            }
        }
    }

    fn apply_group(&mut self, batches: Vec<(LogSeq, Batch, Done)>) {
        for (seq, Batch { kind, batch, permit, .. }, done) in batches {
            let applied = self
                .shared
                .health
                .check_sound()
                .and_then(|()| self.apply_for_sure(seq, kind, &batch))
                .inspect_err(|err| self.shared.health.poison(err));
            drop(permit);
            // A caller that hung up needs no answer.
            let _answered = done.send(applied);
        }
        if self.is_full()
            && let Err(err) = self.start_flush(true)
        {
            self.shared.health.poison(&err);
        }
    }

    /// Applies a record that is durable: it must not fail because of a file that cannot be opened just now.
    fn apply_for_sure(&mut self, seq: LogSeq, kind: RecordKind, batch: &RecordBatch) -> Result<Vec<RunKey>> {
        let begin = Instant::now();
        loop {
            match self.apply(seq, kind, batch) {
                Err(err) if err.kind() == ErrorKind::Unavailable && self.may_wait(&err, begin) => {
                    tracing::warn!(error = %err, "a segment cannot be read now; trying again");
                    std::thread::sleep(RETRY);
                }
                done => return done,
            }
        }
    }

    /// Runs wait by themselves (see [`postponed`]); what else needs an object store waits here for as long as it takes.
    fn may_wait(&self, err: &Error, begin: Instant) -> bool {
        begin.elapsed() < PATIENCE
            || bucket::is_unreachable(err) && !self.shared.stopping.load(Ordering::Relaxed)
    }

    /// Brings one record of the log into the hot tier. Returns the keys of runs that were left alone.
    pub(super) fn apply(
        &mut self,
        seq: LogSeq,
        kind: RecordKind,
        batch: &RecordBatch,
    ) -> Result<Vec<RunKey>> {
        let left_alone = match kind {
            RecordKind::Patches => {
                let Arrivals { living, .. } = bury::without_deleted_runs(&self.shared, batch)?;
                living.map_or(Ok(()), |batch| self.merge_or_postpone(&batch)).map(|()| Vec::new())
            }
            RecordKind::Replacements => {
                let Arrivals { living, dropped: mut left_alone } =
                    bury::without_deleted_runs(&self.shared, batch)?;
                if let Some(batch) = living {
                    left_alone.extend(self.replace(&batch)?);
                }
                Ok(left_alone)
            }
            RecordKind::Logs | RecordKind::Points => self.keep(kind, batch).map(|()| Vec::new()),
            RecordKind::Deletions => {
                bury::bury(&self.shared, &decode_tombstones(batch, seq.0)?).map(|()| Vec::new())
            }
        }?;
        self.applied = seq;
        Ok(left_alone)
    }

    /// Keeps log records or metric points.
    fn keep(&self, kind: RecordKind, batch: &RecordBatch) -> Result<()> {
        let mut state = self.shared.state.write();
        let State { active, frozen, tombstones, .. } = &mut *state;
        let living = if kind == RecordKind::Logs {
            without_deleted::<LogCol>(batch, tombstones)?
        } else {
            without_deleted::<PointCol>(batch, tombstones)?
        };
        let rows = living.as_ref().map_or(0, RecordBatch::num_rows);
        self.shared.note_dropped(batch.num_rows() - rows);
        if let Some(batch) = &living {
            if kind == RecordKind::Logs {
                active.logs.push::<LogCol>(batch, frozen.as_ref().map(|tier| &tier.logs))?;
            } else {
                active.points.push::<PointCol>(batch, frozen.as_ref().map(|tier| &tier.points))?;
            }
        }
        self.shared.update_pressure(&state);
        Ok(())
    }

    /// Merges patches into the runs that they belong to. Returns those whose segments cannot be reached.
    fn merge(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        let keys = keys_of(batch)?;
        let unreachable = adopt::adopt_traces(&self.shared, &keys)?;
        let (rest, waits) = if unreachable.is_empty() {
            (batch.clone(), None)
        } else {
            let (rest, waits) = postponed::split(batch, &unreachable)?;
            (rest, Some(waits))
        };
        if rest.num_rows() == 0 {
            return Ok(waits);
        }
        match self.merge_adopted(&rest) {
            Err(err) if bucket::is_unreachable(&err) => Ok(Some(batch.clone())),
            merged => merged.map(|()| waits),
        }
    }

    /// Merges patches whose traces were adopted. When it fails, nothing has changed.
    fn merge_adopted(&mut self, batch: &RecordBatch) -> Result<()> {
        let (rows, keys) = (Rows::new(batch), keys_of(batch)?);
        let known = self.find_known(&keys)?;

        // Rows that meet an older state of their run are merged with it and leave the batch.
        let mut living: Vec<Option<RunKey>> = keys.iter().copied().map(Some).collect();
        let mut merged: Vec<(Run, Place)> = Vec::new();
        for (row, place) in known {
            let Some(old) = self.load_unless_damaged(place)? else { continue };
            living[row] = None;
            let mut new = old.clone();
            new.merge(rows.run(row)?);
            if new != old {
                (self.shared.config.finish)(&mut new);
                merged.push((new, place));
            }
        }
        let successors = encode_runs(merged.iter().map(|(run, _)| run));
        let successor_keys: Vec<Option<RunKey>> = merged.iter().map(|(run, _)| Some(run.key)).collect();
        for row in 0..batch.num_rows() {
            self.newest = self.newest.max(rows.time(Col::received_at, row).unwrap_or_default());
        }

        let mut state = self.shared.state.write();
        for (run, place) in &merged {
            retire(&mut state, &run.key, *place);
        }
        if living.iter().any(Option::is_some) {
            state.active.push(batch.clone(), &living)?;
        }
        if !merged.is_empty() {
            state.active.push(successors, &successor_keys)?;
        }
        self.shared.update_pressure(&state);
        Ok(())
    }

    /// Puts whole runs in the place of those that did not change meanwhile. Returns the keys of the others.
    fn replace(&self, batch: &RecordBatch) -> Result<Vec<RunKey>> {
        let (rows, keys) = (Rows::new(batch), keys_of(batch)?);
        if !adopt::adopt_traces(&self.shared, &keys)?.is_empty() {
            self.shared.disk.check_readable().context(ErrorKind::Unavailable, || "replacing runs".into())?;
            return Err(Error::new(ErrorKind::Unavailable, "replacing runs: a segment could not be reached"));
        }
        let mut living: Vec<Option<RunKey>> = vec![None; keys.len()];
        let mut places = Vec::new();
        for (row, place) in self.find_known(&keys)? {
            let Some(old) = self.load_unless_damaged(place)? else { continue };
            if may_replace(&old, &rows.run(row)?) {
                living[row] = Some(keys[row]);
                places.push((keys[row], place));
            }
        }
        let left_alone =
            keys.iter().zip(&living).filter(|(_, living)| living.is_none()).map(|(key, _)| *key).collect();
        if !places.is_empty() {
            let mut state = self.shared.state.write();
            for (key, place) in places {
                retire(&mut state, &key, place);
            }
            state.active.push(batch.clone(), &living)?;
            self.shared.update_pressure(&state);
        }
        Ok(left_alone)
    }

    /// The rows whose runs are known already, and where those live.
    fn find_known(&self, keys: &[RunKey]) -> Result<Vec<(usize, Place)>> {
        let mut known = Vec::new();
        let mut unknown = Vec::new();
        let (segments, dead) = {
            let state = self.shared.state.read();
            for (row, key) in keys.iter().enumerate() {
                let frozen = || state.frozen.as_ref().and_then(|tier| tier.find(key)).map(Place::Frozen);
                match state.active.find(key).map(Place::Active).or_else(frozen) {
                    Some(place) => known.push((row, place)),
                    None => unknown.push(row),
                }
            }
            (Arc::clone(&state.segments), state.dead.clone())
        };
        // Only this thread changes segments, so they cannot change before the batch is in.
        let mut by_trace: FxHashMap<TraceId, Vec<Arc<Segment>>> = FxHashMap::default();
        for row in unknown {
            let key = &keys[row];
            let candidates = match by_trace.entry(key.trace_id) {
                std::collections::hash_map::Entry::Occupied(slot) => slot.into_mut(),
                std::collections::hash_map::Entry::Vacant(slot) => {
                    let mut candidates = Vec::new();
                    for segment in segments.iter().rev() {
                        if segment.may_hold_trace(key.trace_id).or_else(|err| segment.pass_over(err))? {
                            candidates.push(Arc::clone(segment));
                        }
                    }
                    slot.insert(candidates)
                }
            };
            if let Some(place) = find_in(candidates, &dead, key)? {
                known.push((row, place));
            }
        }
        Ok(known)
    }

    /// `None` when the disk damaged the row; see [`Segment::pass_over`].
    fn load_unless_damaged(&self, place: Place) -> Result<Option<Run>> {
        let loaded = self.load(place).map(Some);
        let Place::Segment(number, _) = place else { return loaded };
        loaded.or_else(|err| self.segment(number).pass_over(err))
    }

    fn segment(&self, number: u64) -> Arc<Segment> {
        let state = self.shared.state.read();
        let segment = state.segments.iter().find(|segment| segment.number == number);
        Arc::clone(segment.expect("the run was found there"))
    }

    fn load(&self, place: Place) -> Result<Run> {
        match place {
            Place::Active(row) => self.shared.state.read().active.run(row),
            Place::Frozen(row) => {
                self.shared.state.read().frozen.as_ref().expect("the run was found there").run(row)
            }
            Place::Segment(number, row) => Rows::new(&self.segment(number).read_row(row)?).run(0),
        }
    }

    /// True when the tier that takes writes should become a segment.
    pub(super) fn is_full(&self) -> bool {
        let state = self.shared.state.read();
        self.postponed.is_empty()
            && state.frozen.is_none()
            && state.active.bytes() >= self.shared.config.memory_bytes.get() / 8 * FLUSH_EIGHTHS
    }

    fn flush(&mut self, done: Flushing) {
        self.waiting_next.push(done);
        if self.shared.state.read().frozen.is_none() {
            self.flush_for_waiting();
        }
    }

    /// Starts a flush for those who wait for the next one.
    fn flush_for_waiting(&mut self) {
        self.waiting = std::mem::take(&mut self.waiting_next);
        self.catch_up_if_due();
        if let Err(err) = self.postponed.check_empty() {
            answer(&mut self.waiting, &Err(err));
            return;
        }
        match self.start_flush(true) {
            Ok(true) => {}
            Ok(false) => answer(&mut self.waiting, &Ok(())),
            Err(err) => {
                self.shared.health.poison(&err);
                answer(&mut self.waiting, &Err(err));
            }
        }
    }

    /// Hands the hot tier to the flusher. False when there is nothing to write.
    fn start_flush(&mut self, carry_pending: bool) -> Result<bool> {
        let Some(job) = self.freeze(carry_pending)? else { return Ok(false) };
        self.to_flusher.send(job).context(ErrorKind::Unavailable, || "the flusher has ended".into())?;
        Ok(true)
    }

    /// Closes the tier that takes writes, and opens a new one with the traces that have a pending run: whole ones,
    /// because what a run counts for depends on its tree.
    pub(super) fn freeze(&self, carry_pending: bool) -> Result<Option<flush::Job>> {
        // Settled here, so that readers need not wait for it below: only this thread adds runs.
        drop(self.shared.settled_snapshot()?);
        let mut state = self.shared.state.write();
        if state.active.is_empty() && self.applied.0 <= self.shared.manifest.lock().applied_seq {
            return Ok(None);
        }
        state.active.settle()?;
        let oldest_pending = self.newest.as_nanos().saturating_sub(PENDING_NANOS);
        let permit = Arc::clone(&self.shared.carrying).try_write_owned().ok().filter(|_| carry_pending);
        let mut kept = if permit.is_some() {
            let pending = state.active.keys_where(|rows, row| {
                rows.text(Col::status, row) == Some(Status::Pending.as_str())
                    && rows.time(Col::received_at, row).is_some_and(|time| time.as_nanos() > oldest_pending)
            });
            state.active.keys_of_traces(pending.iter().map(|key| key.trace_id).collect())
        } else {
            Vec::new()
        };
        if kept.len() * 2 > state.active.len() {
            // Keeping most of them would free no memory.
            kept.clear();
        }
        let mut frozen = std::mem::take(&mut state.active);
        let carried = carry(&mut frozen, &mut state.active, &kept)?;
        let job = flush::Job {
            view: frozen.view(),
            applied: self.applied,
            number: self.shared.take_number(),
            carried: carried.zip(permit).map(|(batch, permit)| flush::Carried { batch, permit }),
            logs: frozen.logs.batches().to_vec(),
            points: frozen.points.batches().to_vec(),
        };
        state.frozen = Some(frozen);
        Ok(Some(job))
    }

    fn finish_flush(&mut self, flushed: Result<flush::Flushed>) {
        match flushed {
            Ok(flushed) => self.install_or_wait(flushed),
            Err(err) => self.give_up(err),
        }
    }

    fn install_if_due(&mut self) {
        if let Some((flushed, _)) = self.uninstalled.take_if(|(_, tried)| tried.elapsed() >= RETRY) {
            self.install_or_wait(flushed);
        }
    }

    /// Takes a segment in. When the disk refuses the manifest, the segment waits: its tier stays in memory.
    fn install_or_wait(&mut self, flushed: flush::Flushed) {
        match self.store_manifest(&flushed) {
            Ok(killed) => {
                self.take_over(flushed, &killed);
                self.shared.health.end(Trouble::Flush);
                answer(&mut self.waiting, &Ok(()));
                if !self.waiting_next.is_empty() || self.is_full() {
                    self.flush_for_waiting();
                }
            }
            Err(err) if is_from_disk(&err) => {
                self.shared.health.begin(Trouble::Flush, &err);
                answer(&mut self.waiting, &Err(err));
                self.uninstalled = Some((flushed, Instant::now()));
            }
            Err(err) => self.give_up(err),
        }
    }

    fn give_up(&mut self, err: Error) {
        self.shared.health.poison(&err);
        let failed = Err(err);
        answer(&mut self.waiting, &failed);
        answer(&mut self.waiting_next, &failed);
    }

    /// Takes a segment in before the threads run: what is not the disk's fault ends the start.
    pub(super) fn install_now(&mut self, flushed: flush::Flushed) -> Result<()> {
        match self.store_manifest(&flushed) {
            Ok(killed) => self.take_over(flushed, &killed),
            Err(err) if is_from_disk(&err) => {
                self.shared.health.begin(Trouble::Flush, &err);
                self.uninstalled = Some((flushed, Instant::now()));
            }
            Err(err) => return Err(err),
        }
        Ok(())
    }

    /// Shows readers a segment that is in the manifest, in place of the tier it was made from.
    fn take_over(&self, flushed: flush::Flushed, killed: &[RowRef]) {
        let flush::Flushed { written, applied, logs, points, .. } = flushed;
        let mut state = self.shared.state.write();
        if let Some(written) = written {
            let number = written.segment.number;
            let rows: FxHashMap<RowRef, u32> = if killed.is_empty() {
                FxHashMap::default()
            } else {
                written.origin.iter().copied().zip(0..).collect()
            };
            for row in killed.iter().filter_map(|place| rows.get(place)) {
                state.bury(number, *row);
                state.active.replaced.push((number, *row));
            }
            Arc::make_mut(&mut state.segments).push(Arc::new(written.segment));
        }
        Arc::make_mut(&mut state.log_files).extend(logs.map(Arc::new));
        Arc::make_mut(&mut state.point_files).extend(points.map(Arc::new));
        let frozen = state.frozen.take();
        self.shared.update_pressure(&state);
        state.search.poke();
        drop(state);
        // Giving its memory back takes a while, in which readers and writers need not wait.
        drop(frozen);
        self.bell.ring();
        self.remove_old_tombstones();
        self.remove_covered_logs(applied);
    }
}

fn keys_of(batch: &RecordBatch) -> Result<Vec<RunKey>> {
    let rows = Rows::new(batch);
    (0..batch.num_rows()).map(|row| rows.key(row)).collect()
}

/// Marks the row at a place as replaced.
fn retire(state: &mut State, key: &RunKey, place: Place) {
    match place {
        Place::Active(_) => state.active.kill(key),
        Place::Frozen(_) => state.frozen.as_mut().expect("the run was found there").kill(key),
        Place::Segment(number, row) => {
            state.bury(number, row);
            state.active.replaced.push((number, row));
        }
    }
}

/// The place of a run among some segments, newest first.
fn find_in(candidates: &[Arc<Segment>], dead: &DeadRows, key: &RunKey) -> Result<Option<Place>> {
    for segment in candidates {
        if let Some(row) = segment.find(key).or_else(|err| segment.pass_over(err))?
            && !dead.get(&segment.number).is_some_and(|dead| dead.contains(row))
        {
            return Ok(Some(Place::Segment(segment.number, row)));
        }
    }
    Ok(None)
}

/// Moves some runs from one tier to another. Returns them as a batch.
fn carry(from: &mut Tier, to: &mut Tier, keys: &[RunKey]) -> Result<Option<RecordBatch>> {
    if keys.is_empty() {
        return Ok(None);
    }
    let mut runs = Vec::with_capacity(keys.len());
    for key in keys {
        runs.push(from.run(from.find(key).expect("the key was found just now"))?);
        from.kill(key);
    }
    let batch = encode_runs(runs.iter());
    let living: Vec<Option<RunKey>> = keys.iter().copied().map(Some).collect();
    to.push(batch.clone(), &living)?;
    Ok(Some(batch))
}

fn answer(waiting: &mut Vec<Flushing>, result: &Result<()>) {
    for done in waiting.drain(..) {
        let copy = match result {
            Ok(()) => Ok(()),
            Err(err) => Err(Error::new(err.kind(), chain(err))),
        };
        // A caller that hung up needs no answer.
        let _answered = done.send(copy);
    }
}
