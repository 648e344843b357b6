//! The thread that compacts: chooses, rewrites, hands over.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use clearspan_model::ErrorKind;
use rustc_hash::FxHashSet;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TryRecvError;

use super::install::Rewritten;
use super::merge::Sorted;
use super::pace::{Pace, Signals};
use super::policy::{Candidate, pick};
use super::rewrite::{Input, has_to_drop, has_to_strip, merge_files, merge_segments, that_fit};
use super::{Request, RowTest, Sift, Step};
use crate::native::commit::ToApplier;
use crate::native::health::chain;
use crate::native::paths;
use crate::native::purge::is_deleted;
use crate::native::records::{FileEntry, RecordColumn, RecordFile};
use crate::native::segment::Segment;
use crate::native::state::Shared;
use crate::pool::be_nice;
use crate::schema::logs::LogCol;
use crate::schema::points::PointCol;
use crate::store::CompactionReport;
use crate::{Error, Result};

/// Merging gives way to ingest, flushing and queries of pages: what it saves, it saves later as well.
const NICENESS: u8 = 10;
/// After a failure (a full disk, say) nothing is tried for so long, unless someone asks.
const REST: Duration = Duration::from_secs(60);

pub(super) struct Worker {
    shared: Arc<Shared>,
    signals: Arc<Signals>,
    to_applier: SyncSender<ToApplier>,
    rest_until: Option<Instant>,
}

impl From<&Input> for Candidate {
    fn from(input: &Input) -> Self {
        let Segment { number, rows, bytes, min_time, max_time, .. } = *input.segment;
        Self { number, rows: rows.into(), dead: input.dead.len(), bytes, min_time, max_time }
    }
}

impl From<&FileEntry> for Candidate {
    fn from(entry: &FileEntry) -> Self {
        let FileEntry { number, rows, bytes, min_time, max_time, .. } = *entry;
        Self { number, rows, dead: 0, bytes, min_time, max_time }
    }
}

/// The files of both tables that only grow.
pub(in crate::native) type Files = (Arc<Vec<Arc<RecordFile<LogCol>>>>, Arc<Vec<Arc<RecordFile<PointCol>>>>);

impl Shared {
    /// The segments that readers see, with the rows that are dead in the manifest.
    fn inputs(&self) -> Vec<Input> {
        let segments = Arc::clone(&self.state.read().segments);
        let manifest = self.manifest.lock();
        let input = |segment: &Arc<Segment>| {
            let entry = manifest.segments.iter().find(|entry| entry.number == segment.number)?;
            Some(Input { segment: Arc::clone(segment), dead: entry.dead.clone() })
        };
        // One that was passed over is damaged, and queries must go on knowing it.
        segments.iter().filter(|segment| !segment.is_passed_over()).filter_map(input).collect()
    }

    /// The segments that will be merged before anything built for them could be of use.
    pub(in crate::native) fn segments_to_merge(&self) -> FxHashSet<u64> {
        let inputs = self.inputs();
        let plan = self.compaction.plan.lock();
        let mut numbers: FxHashSet<u64> = plan.rewriting.iter().copied().collect();
        if self.config.compaction.in_background && !plan.has_failed {
            let target = self.config.compaction.target();
            numbers.extend(plan.pick(inputs.iter().map(Candidate::from), target).unwrap_or_default());
        }
        numbers
    }

    pub(in crate::native) fn record_files(&self) -> Files {
        let state = self.state.read();
        (Arc::clone(&state.log_files), Arc::clone(&state.point_files))
    }

    /// How many files would be merged next.
    pub(in crate::native) fn files_to_compact(&self) -> u64 {
        let inputs = self.inputs();
        let (logs, points) = self.record_files();
        let tables: [Vec<Candidate>; 3] = [
            inputs.iter().map(Candidate::from).collect(),
            logs.iter().map(|file| Candidate::from(&file.entry)).collect(),
            points.iter().map(|file| Candidate::from(&file.entry)).collect(),
        ];
        let target = self.config.compaction.target();
        tables.iter().filter_map(|files| pick(files, target)).map(|numbers| numbers.len() as u64).sum()
    }
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, signals: Arc<Signals>, to_applier: SyncSender<ToApplier>) -> Self {
        Self { shared, signals, to_applier, rest_until: None }
    }

    pub(super) fn run(mut self, mut inbox: mpsc::Receiver<Request>) {
        be_nice(NICENESS);
        let mut has_to_look = false;
        loop {
            // One rewrite at a time, so that those who wait come between.
            let request = if has_to_look {
                match inbox.try_recv() {
                    Ok(request) => Some(request),
                    Err(TryRecvError::Empty) => None,
                    Err(TryRecvError::Disconnected) => return,
                }
            } else {
                match inbox.blocking_recv() {
                    Some(request) => Some(request),
                    None => return,
                }
            };
            match request {
                Some(Request::Look) => has_to_look = self.shared.config.compaction.in_background,
                Some(Request::Compact(done)) => {
                    // A caller that hung up needs no answer.
                    let _answered = done.send(self.compact());
                }
                Some(Request::Purge(sift, done)) => {
                    let _answered = done.send(self.purge(&sift));
                }
                None => has_to_look = self.compact_in_background(),
            }
        }
    }

    /// Does one rewrite. False when there is nothing to do now.
    fn compact_in_background(&mut self) -> bool {
        if self.rest_until.is_some_and(|until| Instant::now() < until) {
            return false;
        }
        let compacted = self.compact_once();
        self.shared.compaction.plan.lock().has_failed = compacted.is_err();
        match compacted {
            Ok(report) => report.rewrites > 0,
            Err(_) => {
                self.rest_until = Some(Instant::now() + REST);
                // The files need what was not built for them.
                self.shared.state.read().search.poke();
                false
            }
        }
    }

    fn compact(&mut self) -> Result<CompactionReport> {
        let mut total = CompactionReport::default();
        loop {
            let report = self.compact_once()?;
            if report.rewrites == 0 {
                return Ok(total);
            }
            total.add(&report);
        }
    }

    /// Does one rewrite, of the first table that has something to gain.
    fn compact_once(&mut self) -> Result<CompactionReport> {
        let mut inputs = self.shared.inputs();
        if let Some(numbers) = self.pick(inputs.iter().map(Candidate::from)) {
            inputs.retain(|input| numbers.contains(&input.segment.number));
            return self.rewrite_segments(inputs, None);
        }
        let (logs, points) = self.shared.record_files();
        if let Some(numbers) = self.pick(logs.iter().map(|file| Candidate::from(&file.entry))) {
            // Of repetitions one stays: it must not be a deleted one.
            let deleted = is_deleted::<LogCol>(&self.shared.state.read().tombstones);
            let files = with_numbers(&logs, &numbers);
            return self.rewrite_files::<LogCol>(&files, deleted.as_ref(), Rewritten::Logs);
        }
        if let Some(numbers) = self.pick(points.iter().map(|file| Candidate::from(&file.entry))) {
            let deleted = is_deleted::<PointCol>(&self.shared.state.read().tombstones);
            let files = with_numbers(&points, &numbers);
            return self.rewrite_files::<PointCol>(&files, deleted.as_ref(), Rewritten::Points);
        }
        Ok(CompactionReport::default())
    }

    fn pick(&self, files: impl Iterator<Item = Candidate>) -> Option<Vec<u64>> {
        self.shared.compaction.plan.lock().pick(files, self.shared.config.compaction.target())
    }

    /// Rewrites each file that has dead rows, or rows that are sifted out.
    fn purge(&mut self, sift: &Sift) -> Result<CompactionReport> {
        self.shared.compaction.begin_purge();
        let mut total = CompactionReport::default();
        for input in self.shared.inputs() {
            let strip_runs = match &sift.strip_runs {
                Some(test) if has_to_strip(&input, test)? => Some(test),
                _ => None,
            };
            if strip_runs.is_some() || !input.dead.is_empty() {
                total.add(&self.rewrite_segments(vec![input], strip_runs)?);
            }
        }
        let (logs, points) = self.shared.record_files();
        total.add(&self.purge_files::<LogCol>(&logs, sift.drop_logs.as_ref(), Rewritten::Logs)?);
        total.add(&self.purge_files::<PointCol>(&points, sift.drop_points.as_ref(), Rewritten::Points)?);
        Ok(total)
    }

    fn purge_files<C: RecordColumn + Sorted>(
        &mut self,
        files: &[Arc<RecordFile<C>>],
        dropped: Option<&RowTest>,
        wrap: fn(super::rewrite::NewFile<C>) -> Rewritten,
    ) -> Result<CompactionReport> {
        let mut total = CompactionReport::default();
        let Some(test) = dropped else { return Ok(total) };
        for file in files {
            if has_to_drop(file, test)? {
                total.add(&self.rewrite_files(std::slice::from_ref(file), Some(test), wrap)?);
            }
        }
        Ok(total)
    }

    fn rewrite_segments(
        &mut self,
        mut inputs: Vec<Input>,
        strip_runs: Option<&RowTest>,
    ) -> Result<CompactionReport> {
        let fitting = if inputs.len() > 2 { that_fit(&mut inputs) } else { Ok(()) };
        let _rewriting = Rewriting::begin(&self.shared, &inputs);
        let is_sound = |input: &Input| input.segment.check().is_ok();
        let number_of = |input: &Input| input.segment.number;
        let dir = paths::segment_dir(&self.shared.config.dir);
        let number = self.shared.take_number();
        self.noted(fitting, &inputs, number_of, is_sound)?;
        let mut report = CompactionReport { rewrites: 1, ..CompactionReport::default() };
        let mut rows = 0;
        for input in &inputs {
            report.files_removed += 1;
            report.bytes_removed += input.segment.bytes;
            rows += u64::from(input.segment.rows);
        }
        let mut pace = Pace::new(&self.shared, &self.signals, report.bytes_removed, rows);
        let written = merge_segments(&self.shared.disk, &dir, number, &inputs, strip_runs, &mut pace);
        let new = self.noted(written, &inputs, number_of, is_sound)?;
        let numbers: Vec<u64> = inputs.iter().map(number_of).collect();
        if let Some(entry) = &new.entry {
            report.files_written = 1;
            report.bytes_written = entry.bytes;
            rows -= u64::from(entry.rows);
        }
        (report.rows_removed, report.rows_stripped) = (rows, new.stripped);
        let deleted = self.count_deleted(&inputs);
        self.hand_over(Rewritten::Runs(new), "segments", &numbers, &report)?;
        self.shared.compaction.note_deleted(deleted);
        Ok(report)
    }

    /// How many of the rows that are left out were deleted. Where they cannot be read any more, nobody knows.
    fn count_deleted(&self, inputs: &[Input]) -> u64 {
        let tombstones = Arc::clone(&self.shared.state.read().tombstones);
        if tombstones.is_empty() {
            return 0;
        }
        let of = |input: &Input| input.segment.count_covered(&input.dead, &tombstones).unwrap_or(0);
        inputs.iter().map(of).sum()
    }

    fn rewrite_files<C: RecordColumn + Sorted>(
        &mut self,
        inputs: &[Arc<RecordFile<C>>],
        dropped: Option<&RowTest>,
        wrap: fn(super::rewrite::NewFile<C>) -> Rewritten,
    ) -> Result<CompactionReport> {
        let mut report = CompactionReport { rewrites: 1, ..CompactionReport::default() };
        let mut rows = 0;
        for file in inputs {
            report.files_removed += 1;
            report.bytes_removed += file.entry.bytes;
            rows += file.entry.rows;
        }
        let dir = paths::segment_dir(&self.shared.config.dir);
        let number = self.shared.take_number();
        let mut pace = Pace::new(&self.shared, &self.signals, report.bytes_removed, rows);
        let written = merge_files(&self.shared.disk, &dir, number, inputs, dropped, &mut pace);
        let number_of = |file: &Arc<RecordFile<C>>| file.entry.number;
        let new = self.noted(written, inputs, number_of, |file| file.check().is_ok())?;
        let numbers: Vec<u64> = inputs.iter().map(number_of).collect();
        if let Some(file) = &new.file {
            report.files_written = 1;
            report.bytes_written = file.entry.bytes;
            rows -= file.entry.rows;
        }
        report.rows_removed = rows;
        let deleted = new.dropped;
        self.hand_over(wrap(new), C::FILES, &numbers, &report)?;
        self.shared.compaction.note_deleted(deleted);
        Ok(report)
    }

    /// Notes a rewrite that failed, and finds out which file is to blame.
    fn noted<T, I>(
        &mut self,
        written: Result<T>,
        inputs: &[I],
        number_of: impl Fn(&I) -> u64,
        is_sound: impl Fn(&I) -> bool,
    ) -> Result<T> {
        written.inspect_err(|err| {
            if self.signals.is_stopping() {
                return;
            }
            self.shared.compaction.failed();
            let numbers: Vec<u64> = inputs.iter().map(&number_of).collect();
            tracing::error!(inputs = ?numbers, error = %chain(err), "compaction failed");
            if err.kind() == ErrorKind::Corrupt {
                let damaged = inputs.iter().filter(|input| !is_sound(input)).map(&number_of);
                let damaged: Vec<u64> = damaged.collect();
                self.shared.compaction.plan.lock().damaged.extend(damaged);
            }
        })
    }

    /// Lets the applier make it part of the store.
    fn hand_over(
        &self,
        rewritten: Rewritten,
        table: &str,
        inputs: &[u64],
        report: &CompactionReport,
    ) -> Result<()> {
        let closing = || Error::new(ErrorKind::Unavailable, "the store is shutting down");
        self.shared.at(Step::Merged);
        let (done, answer) = sync_channel(1);
        self.to_applier.send(ToApplier::Replace(Box::new(rewritten), done)).map_err(|_| closing())?;
        let installed = answer.recv().map_err(|_| closing())?;
        if let Err(err) = installed {
            self.shared.compaction.failed();
            tracing::error!(?inputs, error = %chain(&err), "installing compacted files failed");
            return Err(err);
        }
        self.shared.compaction.add(report);
        let CompactionReport { bytes_removed, bytes_written, rows_removed, .. } = report;
        tracing::info!(table, ?inputs, bytes_removed, bytes_written, rows_removed, "compacted");
        Ok(())
    }
}

/// Notes what is being rewritten, until it is done or has failed.
struct Rewriting(Arc<Shared>);

impl Rewriting {
    fn begin(shared: &Arc<Shared>, inputs: &[Input]) -> Self {
        shared.compaction.plan.lock().rewriting = inputs.iter().map(|input| input.segment.number).collect();
        Self(Arc::clone(shared))
    }
}

impl Drop for Rewriting {
    fn drop(&mut self) {
        self.0.compaction.plan.lock().rewriting.clear();
    }
}

fn with_numbers<C>(files: &[Arc<RecordFile<C>>], numbers: &[u64]) -> Vec<Arc<RecordFile<C>>> {
    let find = |number: &u64| files.iter().find(|file| file.entry.number == *number).cloned();
    numbers.iter().filter_map(find).collect()
}
