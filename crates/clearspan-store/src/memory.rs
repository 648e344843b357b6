//! An engine that keeps everything in a map and answers by looking at all of it.
//!
//! It owns no cleverness on purpose: it is the oracle that the other engines are compared with, and the store
//! of tests that need one. It writes nothing to disk, so a restart loses all; everything else that
//! [`RunStore`] promises holds.

mod delete;
mod filter;
mod page;
mod records;
mod tables;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use async_trait::async_trait;
use clearspan_model::rollup::Totals;
use clearspan_model::{
    Decimal, LogRecord, MetricPoint, ProjectId, Rank, Run, RunEvent, RunId, RunKey, SpanId, Status, TraceId,
    UnixNanos, WorkspaceId,
};
use parking_lot::RwLock;

use crate::replacement::may_replace;
use crate::summarize;
use crate::tombstones::Tombstones;
use crate::{
    CompactionReport, CompactionStatus, Deleted, Deletion, DeletionState, ExportQuery, Facet, FacetField,
    FacetQuery, Histogram, HistogramBucket, HistogramQuery, LogPage, LogQuery, MetricSummary, PayloadExpiry,
    PointList, PointQuery, ProjectActivity, ProjectSize, PurgeReport, Result, RunOfSpan, RunPage, RunQuery,
    RunStore, RunStream, RunSummary, Scope, Selection, SqlQuery, Stats, TableAnswer, TimeRange, TracePage,
    TraceSummary, Unit,
};

/// Keeps runs in memory.
pub struct MemoryStore {
    finish: Arc<dyn Fn(&mut Run) + Send + Sync>,
    runs: RwLock<BTreeMap<RunKey, Kept>>,
    records: RwLock<records::Records>,
    tombstones: RwLock<Tombstones>,
    dropped: AtomicU64,
    pool: tables::LazyPool,
}

/// A run as it was told, and as it is read.
struct Kept {
    merged: Run,
    finished: Arc<Run>,
}

impl MemoryStore {
    /// An empty store. `finish` completes each run (with its cost, for example) whenever a patch arrived; what it
    /// sets is read and never merged.
    pub fn new(finish: Arc<dyn Fn(&mut Run) + Send + Sync>) -> Self {
        Self {
            finish,
            runs: RwLock::default(),
            records: RwLock::default(),
            tombstones: RwLock::default(),
            dropped: AtomicU64::new(0),
            pool: tables::LazyPool::new(),
        }
    }

    /// The runs of some traces, without metadata.
    fn skeletons(&self, scope: &Scope, trace_ids: &[TraceId]) -> Vec<RunSummary> {
        let is_wanted = |trace: &Trace| trace_ids.contains(&trace.summary.root.trace_id);
        let traces = self.traces(scope).into_iter().filter(is_wanted);
        let mut runs: Vec<RunSummary> = traces.flat_map(|trace| trace.runs).collect();
        for run in &mut runs {
            run.metadata.clear();
        }
        runs.sort_by_key(|run| (run.trace_id, run.start_time, run.run_id, run.project_id));
        runs
    }

    /// Every trace of a scope, ordered by project and id.
    fn traces(&self, scope: &Scope) -> Vec<Trace> {
        let mut traces: BTreeMap<(ProjectId, TraceId), Vec<Arc<Run>>> = BTreeMap::new();
        for kept in self.runs.read().values().filter(|kept| is_in_scope(&kept.finished.key, scope)) {
            let key = kept.finished.key;
            traces.entry((key.project_id, key.trace_id)).or_default().push(Arc::clone(&kept.finished));
        }
        traces.into_values().map(Trace::new).collect()
    }

    /// The traces that a selection means.
    fn selected_traces(&self, selection: &Selection) -> Vec<Trace> {
        let mut traces = self.traces(&selection.scope);
        traces.retain(|trace| {
            selection.range.holds(trace.summary.start_time)
                && selection.filter.as_ref().is_none_or(|filter| filter::trace_matches(filter, trace))
        });
        traces
    }

    /// The runs that a selection means.
    fn selected_runs(&self, selection: &Selection) -> Vec<RunSummary> {
        let mut selected = Vec::new();
        for trace in self.traces(&selection.scope) {
            selected.extend(
                trace
                    .runs
                    .iter()
                    .filter(|run| {
                        selection.range.holds(run.start_time)
                            && selection
                                .filter
                                .as_ref()
                                .is_none_or(|filter| filter::run_matches(filter, run, &trace))
                    })
                    .cloned(),
            );
        }
        selected
    }

    fn find_runs(&self, is_wanted: impl Fn(&RunKey) -> bool) -> Vec<Run> {
        let runs = self.runs.read();
        let found = runs.iter().filter(|(key, _)| is_wanted(key));
        found.map(|(_, kept)| Run::clone(&kept.finished)).collect()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("runs", &self.runs.read().len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl RunStore for MemoryStore {
    async fn write(&self, patches: Vec<Run>) -> Result<()> {
        let mut runs = self.runs.write();
        for patch in patches {
            let key = patch.key;
            if self.tombstones.read().hides_run(&key, patch.received_at) {
                self.dropped.fetch_add(1, Relaxed);
                continue;
            }
            let merged = match runs.remove(&key) {
                Some(kept) => {
                    let mut merged = kept.merged;
                    merged.merge(patch);
                    merged
                }
                None => patch,
            };
            let mut finished = merged.clone();
            (self.finish)(&mut finished);
            runs.insert(key, Kept { merged, finished: Arc::new(finished) });
        }
        Ok(())
    }

    async fn load_runs(&self, scope: &Scope, trace_ids: &[TraceId], run_ids: &[RunId]) -> Result<Vec<Run>> {
        Ok(self.find_runs(|key| {
            is_in_scope(key, scope)
                && (trace_ids.is_empty() || trace_ids.contains(&key.trace_id))
                && run_ids.contains(&key.run_id)
        }))
    }

    async fn runs_of_spans(
        &self,
        scope: &Scope,
        trace_id: TraceId,
        span_ids: &[SpanId],
        since: UnixNanos,
    ) -> Result<Vec<RunOfSpan>> {
        let runs = self.runs.read();
        let recent = runs.values().map(|kept| &kept.finished).filter(|run| {
            is_in_scope(&run.key, scope)
                && run.key.trace_id == trace_id
                && run.start_time.unwrap_or(run.received_at) >= since
        });
        let found = recent.filter_map(|run| {
            let span_id = run.span_id.filter(|span| span_ids.contains(span))?;
            let has_span = run.versions.base.is_at_least(Rank::Span);
            Some(RunOfSpan { span_id, key: run.key, has_span })
        });
        Ok(found.collect())
    }

    async fn traces_without_span(
        &self,
        since: UnixNanos,
        limit: usize,
    ) -> Result<Vec<(WorkspaceId, TraceId)>> {
        let runs = self.runs.read();
        let told_by_records = runs.values().map(|kept| &kept.finished).filter(|run| {
            run.span_id.is_some()
                && !run.versions.base.is_at_least(Rank::Span)
                && run.start_time.unwrap_or(run.received_at) >= since
        });
        let traces: BTreeSet<_> =
            told_by_records.map(|run| (run.key.workspace_id, run.key.trace_id)).collect();
        Ok(traces.into_iter().take(limit).collect())
    }

    async fn load_skeleton(&self, scope: &Scope, trace_id: TraceId) -> Result<Vec<RunSummary>> {
        Ok(self.skeletons(scope, &[trace_id]))
    }

    async fn load_skeletons(&self, scope: &Scope, trace_ids: &[TraceId]) -> Result<Vec<RunSummary>> {
        let mut runs = self.skeletons(scope, trace_ids);
        for run in &mut runs {
            (run.input_preview, run.output_preview) = (None, None);
        }
        Ok(runs)
    }

    async fn load_trace(&self, scope: &Scope, trace_id: TraceId) -> Result<Vec<Run>> {
        let mut runs = self.find_runs(|key| is_in_scope(key, scope) && key.trace_id == trace_id);
        runs.sort_by_key(|run| {
            (run.start_time.unwrap_or(run.received_at), run.key.run_id, run.key.project_id)
        });
        Ok(runs)
    }

    async fn load_events(&self, scope: &Scope, trace_id: TraceId) -> Result<Vec<(RunKey, Vec<RunEvent>)>> {
        let runs = self.load_trace(scope, trace_id).await?.into_iter();
        Ok(runs.filter(|run| !run.events.is_empty()).map(|run| (run.key, run.events)).collect())
    }

    async fn query_runs(&self, query: &RunQuery) -> Result<RunPage> {
        let (runs, next) = page::cut(self.selected_runs(&query.selection), query)?;
        Ok(RunPage { runs, next })
    }

    async fn query_traces(&self, query: &RunQuery) -> Result<TracePage> {
        let traces = self.selected_traces(&query.selection).into_iter().map(|trace| trace.summary).collect();
        let (traces, next) = page::cut(traces, query)?;
        Ok(TracePage { traces, next })
    }

    async fn stats(&self, unit: Unit, selection: &Selection) -> Result<Stats> {
        let mut figures = Figures::default();
        match unit {
            Unit::Runs => {
                for run in self.selected_runs(selection) {
                    figures.add_run(&run);
                }
            }
            Unit::Traces => {
                for trace in self.selected_traces(selection) {
                    figures.add_trace(&trace.summary, trace_latency(&trace.summary));
                }
            }
        }
        Ok(figures.finish())
    }

    async fn root_stats(&self, selection: &Selection) -> Result<Stats> {
        let mut figures = Figures::default();
        for trace in self.selected_traces(selection) {
            figures.add_trace(&trace.summary, trace.summary.root.latency_nanos());
        }
        Ok(figures.finish())
    }

    async fn histogram(&self, query: &HistogramQuery) -> Result<Histogram> {
        let traces = self.selected_traces(&query.selection);
        Ok(histogram(&traces, query.selection.range, query.buckets.max(1)))
    }

    async fn facet(&self, query: &FacetQuery) -> Result<Facet> {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for trace in self.selected_traces(&query.selection) {
            for value in facet_values(&trace, query.field) {
                *counts.entry(value).or_default() += 1;
            }
        }
        let mut facet: Facet = counts.into_iter().collect();
        // Stable: values of one count stay in alphabetical order.
        facet.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        facet.truncate(query.limit);
        Ok(facet)
    }

    async fn project_activity(
        &self,
        workspace_id: WorkspaceId,
        since: UnixNanos,
    ) -> Result<Vec<ProjectActivity>> {
        let mut projects: BTreeMap<ProjectId, ProjectActivity> = BTreeMap::new();
        for trace in self.traces(&Scope { workspace_id, project_ids: None }) {
            let project_id = trace.summary.root.project_id;
            let last_start = trace.runs.iter().map(|run| run.start_time).max().unwrap_or_default();
            let project = projects.entry(project_id).or_insert(ProjectActivity {
                project_id,
                last_start,
                trace_count: 0,
            });
            project.last_start = project.last_start.max(last_start);
            project.trace_count += u64::from(trace.summary.start_time >= since);
        }
        Ok(projects.into_values().collect())
    }

    async fn flush(&self) -> Result<()> {
        Ok(())
    }

    async fn compact(&self) -> Result<CompactionReport> {
        Ok(CompactionReport::default())
    }

    fn compaction_status(&self) -> CompactionStatus {
        CompactionStatus::default()
    }

    async fn replace(&self, new: Vec<Run>) -> Result<Vec<RunKey>> {
        let mut runs = self.runs.write();
        let mut left_alone = Vec::new();
        for merged in new {
            match runs.get_mut(&merged.key) {
                Some(kept) if may_replace(&kept.merged, &merged) => {
                    let mut finished = merged.clone();
                    (self.finish)(&mut finished);
                    *kept = Kept { merged, finished: Arc::new(finished) };
                }
                _ => left_alone.push(merged.key),
            }
        }
        Ok(left_alone)
    }

    async fn write_logs(&self, records: Vec<LogRecord>) -> Result<()> {
        let tombstones = self.tombstones.read();
        let (dead, living): (Vec<_>, Vec<_>) = records.into_iter().partition(|record| {
            let LogRecord { workspace_id, project_id, trace_id, received_at, .. } = record;
            tombstones.hides_record(*workspace_id, *project_id, *trace_id, *received_at)
        });
        self.dropped.fetch_add(dead.len() as u64, Relaxed);
        self.records.write().add_logs(living);
        Ok(())
    }

    async fn write_points(&self, points: Vec<MetricPoint>) -> Result<()> {
        let tombstones = self.tombstones.read();
        let (dead, living): (Vec<_>, Vec<_>) = points.into_iter().partition(|point| {
            tombstones.hides_record(point.workspace_id, point.project_id, None, point.received_at)
        });
        self.dropped.fetch_add(dead.len() as u64, Relaxed);
        self.records.write().add_points(living);
        Ok(())
    }

    async fn query_logs(&self, query: &LogQuery) -> Result<LogPage> {
        Ok(self.records.read().query_logs(query))
    }

    async fn metrics(&self, scope: &Scope, range: TimeRange) -> Result<Vec<MetricSummary>> {
        Ok(self.records.read().metrics(scope, range))
    }

    async fn query_points(&self, query: &PointQuery) -> Result<PointList> {
        Ok(self.records.read().query_points(query))
    }

    async fn preview_deletion(&self, deletion: &Deletion) -> Result<Deleted> {
        Ok(self.resolve(deletion)?.counts)
    }

    async fn delete(&self, deletion: &Deletion) -> Result<Deleted> {
        let delete::Resolved { tombstones, counts } = self.resolve(deletion)?;
        self.bury(&tombstones);
        Ok(counts)
    }

    async fn purge(&self, expiries: &[PayloadExpiry]) -> Result<PurgeReport> {
        Ok(self.strip(expiries))
    }

    async fn project_sizes(&self, _workspace_id: WorkspaceId) -> Result<Vec<ProjectSize>> {
        // Nothing is on disk.
        Ok(Vec::new())
    }

    fn deleted_from(
        &self,
        workspace_id: WorkspaceId,
        trace_id: TraceId,
        received_at: UnixNanos,
    ) -> Option<ProjectId> {
        self.tombstones.read().project_of(workspace_id, trace_id, received_at)
    }

    fn deletion_state(&self) -> DeletionState {
        let tombstones = self.tombstones.read().len() as u64;
        DeletionState { dropped: self.dropped.load(Relaxed), tombstones, unpurged_since: None }
    }

    async fn sql(&self, query: SqlQuery) -> Result<TableAnswer> {
        self.answer(query).await
    }

    async fn export(&self, query: ExportQuery) -> Result<TableAnswer> {
        self.export_table(query).await
    }

    async fn export_whole_runs(&self, selection: Selection) -> Result<RunStream> {
        Ok(self.whole_runs(&selection))
    }

    fn check_writable(&self) -> Result<()> {
        Ok(())
    }
}

/// All runs of a trace, in order of start time, and their sum.
struct Trace {
    runs: Vec<RunSummary>,
    summary: TraceSummary,
    /// The runs with their texts, in no order.
    whole: Vec<Arc<Run>>,
}

impl Trace {
    fn new(whole: Vec<Arc<Run>>) -> Self {
        let mut runs: Vec<RunSummary> = whole.iter().map(|run| summarize::run_summary(run)).collect();
        runs.sort_by_key(|run| (run.start_time, run.run_id));
        summarize::mark_billed(&mut runs);
        let summary = summarize::trace_summary(runs.clone());
        Self { runs, summary, whole }
    }
}

fn is_in_scope(key: &RunKey, scope: &Scope) -> bool {
    key.workspace_id == scope.workspace_id
        && scope.project_ids.as_ref().is_none_or(|project_ids| project_ids.contains(&key.project_id))
}

fn trace_latency(trace: &TraceSummary) -> Option<i64> {
    trace.end_time.map(|end| end.nanos_since(trace.start_time))
}

/// The value that at least `percent` of the sorted values do not exceed: nearest rank.
fn percentile(sorted: &[i64], percent: usize) -> Option<i64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.max(1) - 1).copied()
}

/// Adds up [`Stats`].
#[derive(Default)]
struct Figures {
    stats: Stats,
    totals: Totals,
    latencies: Vec<i64>,
}

impl Figures {
    fn add_run(&mut self, run: &RunSummary) {
        self.stats.double_count += u64::from(run.double_of.is_some());
        self.stats.error_count += u64::from(run.counts_as_error());
        self.stats.unpriced_count += u64::from(summarize::is_unpriced(run));
        let tokens = |count: Option<u64>| count.filter(|_| run.billed.tokens);
        let cost = |cost: Option<Decimal>| cost.filter(|_| run.billed.cost);
        self.totals.add(&Totals {
            input_tokens: tokens(run.input_tokens),
            output_tokens: tokens(run.output_tokens),
            total_tokens: tokens(run.total_tokens),
            input_cost: cost(run.input_cost),
            output_cost: cost(run.output_cost),
            total_cost: cost(run.total_cost),
            ..Totals::default()
        });
        self.add(run.start_time, run.latency_nanos());
    }

    fn add_trace(&mut self, trace: &TraceSummary, latency: Option<i64>) {
        self.stats.error_count += u64::from(trace.root.status == Status::Error);
        self.stats.unpriced_count += trace.unpriced_count;
        self.totals.add(&Totals {
            input_tokens: trace.input_tokens,
            output_tokens: trace.output_tokens,
            total_tokens: trace.total_tokens,
            input_cost: trace.input_cost,
            output_cost: trace.output_cost,
            total_cost: trace.total_cost,
            ..Totals::default()
        });
        self.add(trace.start_time, latency);
    }

    fn add(&mut self, start: UnixNanos, latency: Option<i64>) {
        let stats = &mut self.stats;
        stats.count += 1;
        stats.first_start = Some(stats.first_start.map_or(start, |first| first.min(start)));
        stats.last_start = Some(stats.last_start.map_or(start, |last| last.max(start)));
        self.latencies.extend(latency);
    }

    fn finish(mut self) -> Stats {
        self.latencies.sort_unstable();
        Stats {
            input_cost: self.totals.input_cost.unwrap_or_default(),
            output_cost: self.totals.output_cost.unwrap_or_default(),
            total_cost: self.totals.total_cost.unwrap_or_default(),
            input_tokens: self.totals.input_tokens.unwrap_or(0),
            output_tokens: self.totals.output_tokens.unwrap_or(0),
            total_tokens: self.totals.total_tokens.unwrap_or(0),
            latency_p50: percentile(&self.latencies, 50),
            latency_p95: percentile(&self.latencies, 95),
            latency_p99: percentile(&self.latencies, 99),
            ..self.stats
        }
    }
}

/// Buckets of equal width from the first moment to the last; an end that the range leaves open is the data's own.
fn histogram(traces: &[Trace], range: TimeRange, buckets: u32) -> Histogram {
    let starts = || traces.iter().map(|trace| trace.summary.start_time.as_nanos());
    let from = range.from.map(UnixNanos::as_nanos).or_else(|| starts().min());
    // The last trace begins inside.
    let to =
        range.to.map(|to| i128::from(to.as_nanos())).or_else(|| starts().max().map(|to| i128::from(to) + 1));
    let (Some(from), Some(to)) = (from, to) else { return Histogram::default() };

    let width = (to - i128::from(from)).max(1) + i128::from(buckets) - 1;
    let bucket_nanos = i64::try_from(width / i128::from(buckets)).unwrap_or(i64::MAX);
    let mut filled = vec![(HistogramBucket::default(), Vec::new()); buckets as usize];
    for trace in traces {
        let offset = i128::from(trace.summary.start_time.as_nanos()) - i128::from(from);
        let position = usize::try_from(offset / i128::from(bucket_nanos)).unwrap_or(usize::MAX);
        let (bucket, latencies) = &mut filled[position.min(buckets as usize - 1)];
        match trace.summary.root.status {
            Status::Error => bucket.error += 1,
            Status::Success | Status::Pending => bucket.ok += 1,
        }
        bucket.cost = bucket.cost.saturating_add(trace.summary.total_cost.unwrap_or_default());
        latencies.extend(trace_latency(&trace.summary));
    }
    let buckets = filled.into_iter().map(|(bucket, mut latencies)| {
        latencies.sort_unstable();
        HistogramBucket { latency_p95: percentile(&latencies, 95), ..bucket }
    });
    Histogram { from: UnixNanos::from_nanos(from), bucket_nanos, buckets: buckets.collect() }
}

/// The values of a trace, each once.
fn facet_values(trace: &Trace, field: FacetField) -> Vec<String> {
    let root = &trace.summary.root;
    let mut values: Vec<String> = match field {
        FacetField::Status => vec![root.status.to_string()],
        FacetField::Name => vec![root.name.clone()],
        FacetField::RunType => vec![root.run_type.to_string()],
        FacetField::Model => trace.summary.models.clone(),
        FacetField::Environment => root.environment.iter().cloned().collect(),
        FacetField::User => root.user_id.iter().cloned().collect(),
        FacetField::Tag => root.tags.clone(),
        FacetField::Service => trace.runs.iter().filter_map(|run| run.service.clone()).collect(),
    };
    values.sort();
    values.dedup();
    values
}

#[cfg(test)]
mod tests;
