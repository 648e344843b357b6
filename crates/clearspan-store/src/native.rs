//! The native engine: a log, a hot tier in memory, and Parquet segments, queried by Apache DataFusion.
//!
//! ```text
//! write ─ encode ─► log thread ─ fsync ─► applier thread ─► hot tier ─► (ack)
//!                    (groups waiting       (merges by key)     │
//!                     batches)                                 └─ full ─► flusher thread ─► segment + manifest
//! ```
//!
//! One thread applies everything that changes state, in the order of the log, so replaying the log after a
//! crash gives the same state. Readers take a [`state::Snapshot`] and are never in the way. A batch is
//! acknowledged when its record is synced *and* it is in the hot tier.
//!
//! Invariants: the manifest's `applied_seq` covers exactly what is in segments; a row that replaces a row of a
//! segment makes that row dead in the same manifest in which it becomes durable itself; a log file is removed only
//! when all its records are covered.

use std::fs::File;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use clearspan_model::{
    ErrorKind, LogRecord, MetricPoint, ProjectId, Run, RunEvent, RunId, RunKey, SpanId, TraceId, UnixNanos,
    WorkspaceId,
};
use rustc_hash::FxHashMap;

use self::bucket::BucketDisk;
pub use self::bucket::{
    BucketAddress, BucketConfig, CatalogFile, CopyCatalog, MoveProgress, Moved,
    is_unreachable as is_object_store_down, move_from_bucket, move_to_bucket,
};
pub use self::compact::CompactionConfig;
use self::disk::{DiskRef, RealDisk};
use self::log::RecordKind;
use self::postponed::Wanted;
use self::records::RecordsTable;
use self::table::RunsTable;
use crate::error::Context;
use crate::pool::{PoolConfig, QueryPool};
use crate::records::{log_id, point_id};
use crate::schema::encode::encode_runs;
use crate::schema::logs::encode_logs;
use crate::schema::points::encode_points;
use crate::sql::{SqlQuery, TableAnswer, Tables};
use crate::store::{
    CompactionReport, CompactionStatus, ExportQuery, ExportTable, Facet, FacetQuery, Histogram,
    HistogramQuery, LogPage, LogQuery, MetricSummary, PointList, PointQuery, ProjectActivity, ProjectSize,
    RunKeys, RunMark, RunOfSpan, RunPage, RunQuery, RunStore, RunStream, RunSummary, Scope, SearchProgress,
    Selection, Stats, TimeRange, TraceFigures, TracePage, Unit,
};
use crate::{
    CheckReport, Deleted, Deletion, DeletionState, InputsOf, Outline, PayloadExpiry, PurgeReport, Result,
};

mod adopt;
mod apply;
pub mod backup;
mod blocks;
mod bucket;
mod bury;
mod cache;
mod check;
mod commit;
mod compact;
mod delete;
mod disk;
mod flush;
mod folder;
mod health;
mod hot;
mod log;
mod manifest;
mod objects;
mod outline;
mod paths;
mod postponed;
mod purge;
mod query;
mod read;
mod record;
mod records;
mod recover;
mod scrub;
mod search;
mod segment;
mod sizes;
mod space;
mod state;
mod table;
mod tombstone_file;

pub use check::{check, check_in_bucket};
pub use folder::{holds_data, is_in_use, refuse_other_folder};
pub use space::{Room, SpaceLimits};

/// Derives what depends on several fields (the cost) after patches of one run were merged.
pub type Finish = Arc<dyn Fn(&mut Run) + Send + Sync>;

/// What queries may take unless told otherwise.
const DEFAULT_QUERY_BYTES: usize = 256 << 20;

/// How a native store is set up.
#[derive(Clone)]
pub struct NativeConfig {
    /// The data folder; made when it does not exist.
    pub dir: PathBuf,
    /// Bytes of runs kept in memory at most. When they are reached and the disk cannot keep up, writes wait.
    pub memory_bytes: NonZeroUsize,
    /// See [`Finish`].
    pub finish: Finish,
    /// How files are merged in the background.
    pub compaction: CompactionConfig,
}

impl std::fmt::Debug for NativeConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NativeConfig")
            .field("dir", &self.dir)
            .field("memory_bytes", &self.memory_bytes)
            .finish_non_exhaustive()
    }
}

/// Runs in a folder on local disk.
#[derive(Debug)]
pub struct NativeStore {
    shared: Arc<state::Shared>,
    committer: commit::Handle,
    query: query::Engine,
    /// Looks at the room on the disk, where that was asked for.
    space: Option<space::Watch>,
    _search: search::Handle,
    /// Held as long as the store lives: one process a folder.
    _lock: File,
}

impl NativeStore {
    /// One moment of everything, for statements.
    async fn tables(&self, scope: &Scope) -> Result<Tables> {
        let runs = self.shared.settled_with_late(scope).await?;
        Ok(Tables {
            runs: Arc::new(RunsTable::new(runs, None, TimeRange::default())),
            logs: Arc::new(RecordsTable::new(self.shared.log_snapshot())),
            points: Arc::new(RecordsTable::new(self.shared.point_snapshot())),
        })
    }

    /// Makes records of one of the tables that only grow durable.
    async fn keep(
        &self,
        kind: RecordKind,
        is_empty: bool,
        encode: impl FnOnce() -> RecordBatch + Send + 'static,
    ) -> Result<()> {
        if is_empty {
            return Ok(());
        }
        self.shared.health.check_ingest()?;
        self.shared.wait_for_room().await?;
        let batch = blocking(move || commit::Batch::new(kind, encode())).await?;
        self.committer.commit(batch).await.map(|_| ())
    }

    /// Removes from the disk what is dead by now, and what `sift` names in segments.
    async fn purge_with(&self, sift: compact::Sift) -> Result<CompactionReport> {
        // Rows become dead for good with the flush that writes their successors.
        self.flush().await?;
        self.committer.compactor()?.purge(sift).await
    }

    /// Refuses new data from now on while there is too little room on the disk.
    pub fn watch_space(&mut self, limits: SpaceLimits) -> Result<()> {
        self.space = Some(space::Watch::start(&self.shared, limits)?);
        Ok(())
    }

    /// Sets how much memory queries may take together: a quarter for what is remembered of files, the rest for sorts, joins and
    /// groups, 256 MiB at first; of these what does not fit is spilled to files below the data folder, or refused. For a store
    /// that nobody asks yet.
    pub fn limit_query_memory(&mut self, bytes: usize) -> Result<()> {
        let of_files = bytes / 4;
        self.shared.cache.limit_to(of_files);
        self.query = query::Engine::new(query_pool(&self.shared.config.dir, bytes - of_files)?);
        Ok(())
    }

    /// Whether there is something in it, here or in its bucket: files that its manifest names, or records in its log.
    pub fn holds_data(&self) -> Result<bool> {
        folder::holds_data_on(&*self.shared.disk, &self.shared.config.dir)
    }

    /// Opens the folder, recovers what the last process left, and starts the writer threads.
    ///
    /// Blocks while the log is replayed. Fails when another process has the folder, or when its files are damaged
    /// beyond what can be isolated.
    pub fn open(config: NativeConfig) -> Result<Self> {
        bucket::refuse_bucket_folder(&config.dir)?;
        Self::open_on(config, RealDisk::shared())
    }

    /// The same, with segments and manifest in a bucket, which this process claims: another one that uses it stops writing.
    pub fn open_in_bucket(config: NativeConfig, bucket: &BucketConfig) -> Result<Self> {
        Self::open_with(config, |dir| Ok(Arc::new(BucketDisk::claim(dir, RealDisk::shared(), bucket)?)))
    }

    /// The same, with other files under it.
    pub(crate) fn open_on(config: NativeConfig, disk: DiskRef) -> Result<Self> {
        Self::open_with(config, |_| Ok(disk))
    }

    /// The same, with files that are looked for when the folder is locked.
    fn open_with(config: NativeConfig, disk: impl FnOnce(&Path) -> Result<DiskRef>) -> Result<Self> {
        let lock = folder::lock(&config.dir)?;
        let disk = disk(&config.dir)?;
        let pool = query_pool(&config.dir, DEFAULT_QUERY_BYTES)?;
        let shared = Arc::new(state::Shared::load(config, disk)?);
        let committer = commit::start(&shared)?;
        let query = query::Engine::new(pool);
        let search = search::start(&shared)?;
        Ok(Self { shared, committer, query, space: None, _search: search, _lock: lock })
    }
}

fn query_pool(dir: &std::path::Path, memory_bytes: usize) -> Result<Arc<QueryPool>> {
    let config = PoolConfig { memory_bytes, spill_dir: Some(paths::spill_dir(dir)) };
    QueryPool::open(&config).map(Arc::new)
}

/// Merges patches of one run within a batch, so that every key occurs once.
fn merge_within(patches: Vec<Run>, finish: &Finish) -> Vec<Run> {
    let mut places: FxHashMap<RunKey, usize> = FxHashMap::default();
    let mut merged: Vec<Run> = Vec::with_capacity(patches.len());
    for patch in patches {
        match places.entry(patch.key) {
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(merged.len());
                merged.push(patch);
            }
            std::collections::hash_map::Entry::Occupied(slot) => {
                let run = &mut merged[*slot.get()];
                run.merge(patch);
                finish(run);
            }
        }
    }
    merged
}

/// Runs blocking work on Tokio's blocking pool.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.context(ErrorKind::Internal, || "a store task panicked".into())?
}

#[async_trait]
impl RunStore for NativeStore {
    async fn write(&self, patches: Vec<Run>) -> Result<()> {
        if patches.is_empty() {
            return Ok(());
        }
        self.shared.health.check_ingest()?;
        self.shared.wait_for_room().await?;
        let finish = Arc::clone(&self.shared.config.finish);
        let batch = blocking(move || {
            let patches = merge_within(patches, &finish);
            commit::Batch::new(RecordKind::Patches, encode_runs(patches.iter()))
        })
        .await?;
        self.committer.commit(batch).await.map(|_| ())
    }

    async fn load_runs(&self, scope: &Scope, trace_ids: &[TraceId], run_ids: &[RunId]) -> Result<Vec<Run>> {
        let wanted = Wanted { traces: trace_ids, runs: run_ids, ..Wanted::of(scope) };
        self.shared.wait_for_late(wanted).await?;
        let snapshot = match trace_ids {
            [] => self.shared.snapshot(),
            _ => self.shared.trace_snapshot(trace_ids),
        };
        let (scope, trace_ids, run_ids) = (scope.clone(), trace_ids.to_vec(), run_ids.to_vec());
        blocking(move || read::runs(&snapshot, &scope, &trace_ids, &run_ids)).await
    }

    async fn load_mark(&self, scope: &Scope, trace_id: TraceId, run_id: RunId) -> Result<Option<RunMark>> {
        let (snapshot, scope) = (self.shared.traces_with_late(scope, &[trace_id]).await?, scope.clone());
        blocking(move || read::mark(&snapshot, &scope, trace_id, run_id)).await
    }

    async fn runs_of_spans(
        &self,
        scope: &Scope,
        trace_id: TraceId,
        span_ids: &[SpanId],
        since: UnixNanos,
    ) -> Result<Vec<RunOfSpan>> {
        let (snapshot, scope) = (self.shared.traces_with_late(scope, &[trace_id]).await?, scope.clone());
        let span_ids = span_ids.to_vec();
        blocking(move || read::runs_of_spans(&snapshot, &scope, trace_id, &span_ids, since)).await
    }

    async fn traces_without_span(
        &self,
        since: UnixNanos,
        limit: usize,
    ) -> Result<Vec<(WorkspaceId, TraceId)>> {
        self.shared.wait_for_late(Wanted::default()).await?;
        let snapshot = self.shared.snapshot();
        self.query
            .traces_without_span(snapshot.clone(), since, limit)
            .await
            .map_err(|err| snapshot.explain(err))
    }

    async fn load_skeleton(&self, scope: &Scope, trace_id: TraceId) -> Result<Vec<RunSummary>> {
        let (snapshot, scope) = (self.shared.traces_with_late(scope, &[trace_id]).await?, scope.clone());
        blocking(move || read::skeleton(&snapshot, &scope, trace_id)).await
    }

    async fn load_skeletons(&self, scope: &Scope, trace_ids: &[TraceId]) -> Result<Vec<RunSummary>> {
        let (snapshot, scope) = (self.shared.traces_with_late(scope, trace_ids).await?, scope.clone());
        let trace_ids = trace_ids.to_vec();
        blocking(move || read::skeletons(&snapshot, &scope, &trace_ids)).await
    }

    async fn load_outline_with_inputs(
        &self,
        scope: &Scope,
        trace_id: TraceId,
        of: InputsOf,
    ) -> Result<Option<Outline>> {
        let (snapshot, scope) = (self.shared.traces_with_late(scope, &[trace_id]).await?, scope.clone());
        blocking(move || outline::outline(&snapshot, &scope, trace_id, of)).await
    }

    async fn load_trace(&self, scope: &Scope, trace_id: TraceId) -> Result<Vec<Run>> {
        let (snapshot, scope) = (self.shared.traces_with_late(scope, &[trace_id]).await?, scope.clone());
        blocking(move || read::trace(&snapshot, &scope, trace_id)).await
    }

    async fn load_events(&self, scope: &Scope, trace_id: TraceId) -> Result<Vec<(RunKey, Vec<RunEvent>)>> {
        let (snapshot, scope) = (self.shared.traces_with_late(scope, &[trace_id]).await?, scope.clone());
        blocking(move || read::events(&snapshot, &scope, trace_id)).await
    }

    async fn query_runs(&self, query: &RunQuery) -> Result<RunPage> {
        let snapshot = self.shared.settled_with_late(&query.selection.scope).await?;
        self.query.runs(snapshot.clone(), query).await.map_err(|err| snapshot.explain(err))
    }

    async fn find_runs(&self, query: &RunQuery) -> Result<RunKeys> {
        let snapshot = self.shared.settled_with_late(&query.selection.scope).await?;
        self.query.run_keys(snapshot.clone(), query).await.map_err(|err| snapshot.explain(err))
    }

    async fn query_traces(&self, query: &RunQuery) -> Result<TracePage> {
        let snapshot = self.shared.settled_with_late(&query.selection.scope).await?;
        self.query.traces(snapshot.clone(), query).await.map_err(|err| snapshot.explain(err))
    }

    async fn query_trace_figures(&self, query: &RunQuery) -> Result<Vec<TraceFigures>> {
        let snapshot = self.shared.settled_with_late(&query.selection.scope).await?;
        self.query.trace_figures(snapshot.clone(), query).await.map_err(|err| snapshot.explain(err))
    }

    async fn stats(&self, unit: Unit, selection: &Selection) -> Result<Stats> {
        let snapshot = self.shared.settled_with_late(&selection.scope).await?;
        self.query.stats(snapshot.clone(), unit, selection).await.map_err(|err| snapshot.explain(err))
    }

    async fn root_stats(&self, selection: &Selection) -> Result<Stats> {
        let snapshot = self.shared.settled_with_late(&selection.scope).await?;
        self.query.root_stats(snapshot.clone(), selection).await.map_err(|err| snapshot.explain(err))
    }

    async fn histogram(&self, query: &HistogramQuery) -> Result<Histogram> {
        let snapshot = self.shared.settled_with_late(&query.selection.scope).await?;
        self.query.histogram(snapshot.clone(), query).await.map_err(|err| snapshot.explain(err))
    }

    async fn facet(&self, query: &FacetQuery) -> Result<Facet> {
        let snapshot = self.shared.settled_with_late(&query.selection.scope).await?;
        self.query.facet(snapshot.clone(), query).await.map_err(|err| snapshot.explain(err))
    }

    async fn project_activity(
        &self,
        workspace_id: WorkspaceId,
        since: UnixNanos,
    ) -> Result<Vec<ProjectActivity>> {
        let snapshot = self.shared.settled_with_late(&Scope { workspace_id, project_ids: None }).await?;
        let activity = self.query.project_activity(snapshot.clone(), workspace_id, since).await;
        activity.map_err(|err| snapshot.explain(err))
    }

    async fn flush(&self) -> Result<()> {
        self.shared.health.check_writable()?;
        self.committer.flush().await
    }

    async fn compact(&self) -> Result<CompactionReport> {
        self.shared.health.check_writable()?;
        self.committer.compactor()?.compact().await
    }

    async fn replace(&self, runs: Vec<Run>) -> Result<Vec<RunKey>> {
        if runs.is_empty() {
            return Ok(Vec::new());
        }
        self.shared.health.check_writable()?;
        self.shared.wait_for_room().await?;
        let finish = Arc::clone(&self.shared.config.finish);
        let mut batch = blocking(move || {
            // Of two for one key the last counts.
            let mut by_key: FxHashMap<RunKey, Run> = runs.into_iter().map(|run| (run.key, run)).collect();
            by_key.values_mut().for_each(|run| finish(run));
            commit::Batch::new(RecordKind::Replacements, encode_runs(by_key.values()))
        })
        .await?;
        batch.permit = Some(Arc::clone(&self.shared.carrying).read_owned().await);
        self.committer.commit(batch).await
    }

    async fn write_logs(&self, records: Vec<LogRecord>) -> Result<()> {
        self.keep(RecordKind::Logs, records.is_empty(), move || {
            encode_logs(records.iter().map(|record| (log_id(record), record)))
        })
        .await
    }

    async fn write_points(&self, points: Vec<MetricPoint>) -> Result<()> {
        self.keep(RecordKind::Points, points.is_empty(), move || {
            encode_points(points.iter().map(|point| (point_id(point), point)))
        })
        .await
    }

    async fn query_logs(&self, query: &LogQuery) -> Result<LogPage> {
        let (snapshot, query) = (self.shared.log_snapshot(), query.clone());
        blocking(move || records::logs(&snapshot, &query)).await
    }

    async fn metrics(&self, scope: &Scope, range: TimeRange) -> Result<Vec<MetricSummary>> {
        let (snapshot, scope) = (self.shared.point_snapshot(), scope.clone());
        blocking(move || records::metrics(&snapshot, &scope, range)).await
    }

    async fn query_points(&self, query: &PointQuery) -> Result<PointList> {
        let (snapshot, query) = (self.shared.point_snapshot(), query.clone());
        blocking(move || records::points(&snapshot, &query)).await
    }

    fn search_progress(&self) -> Option<SearchProgress> {
        let (segments, registry) = {
            let state = self.shared.state.read();
            (Arc::clone(&state.segments), Arc::clone(&state.search))
        };
        Some(registry.progress(&segments))
    }

    fn compaction_status(&self) -> CompactionStatus {
        self.shared.compaction_status()
    }

    async fn preview_deletion(&self, deletion: &Deletion) -> Result<Deleted> {
        Ok(delete::resolve(self, deletion).await?.counts)
    }

    async fn delete(&self, deletion: &Deletion) -> Result<Deleted> {
        self.shared.health.check_writable()?;
        delete::delete(self, deletion).await
    }

    async fn scrub(&self, bytes_per_second: NonZeroU64) -> Result<CheckReport> {
        scrub::scrub(self, bytes_per_second).await
    }

    async fn purge(&self, expiries: &[PayloadExpiry]) -> Result<PurgeReport> {
        self.shared.health.check_writable()?;
        purge::purge(self, expiries).await
    }

    async fn project_sizes(&self, _workspace_id: WorkspaceId) -> Result<Vec<ProjectSize>> {
        let snapshot = self.shared.snapshot();
        blocking(move || sizes::project_sizes(&snapshot)).await
    }

    fn deleted_from(
        &self,
        workspace_id: WorkspaceId,
        trace_id: TraceId,
        received_at: UnixNanos,
    ) -> Option<ProjectId> {
        let tombstones = Arc::clone(&self.shared.state.read().tombstones);
        tombstones.project_of(workspace_id, trace_id, received_at)
    }

    fn deletion_state(&self) -> DeletionState {
        self.shared.deletion_state()
    }

    async fn sql(&self, query: SqlQuery) -> Result<TableAnswer> {
        self.query.sql(self.tables(&query.scope).await?, query).await
    }

    async fn export(&self, query: ExportQuery) -> Result<TableAnswer> {
        match query.table {
            ExportTable::Runs => {
                self.query
                    .export_runs(self.shared.settled_with_late(&query.selection.scope).await?, query)
                    .await
            }
            ExportTable::Logs => self.query.export_records(self.shared.log_snapshot(), query).await,
            ExportTable::MetricPoints => self.query.export_records(self.shared.point_snapshot(), query).await,
        }
    }

    async fn export_whole_runs(&self, selection: Selection) -> Result<RunStream> {
        self.query.export_whole_runs(self.shared.settled_with_late(&selection.scope).await?, selection).await
    }

    fn is_short_of_room(&self) -> bool {
        self.shared.health.is_short_of_room()
    }

    fn check_writable(&self) -> Result<()> {
        self.shared.health.check_ingest()
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = self.shared.health.warnings();
        if let Err(err) = self.shared.disk.check_readable() {
            warnings.push(err.to_string());
        }
        warnings.extend(self.shared.disk.warning());
        warnings.extend(self.shared.late.warning());
        let snapshot = self.shared.snapshot();
        for segment in snapshot.segments.iter() {
            let damage =
                segment.damage().map(|what| format!("segment {} is damaged: {what}", segment.number));
            let passed = segment.is_passed_over().then(|| segment.passed_over_error().to_string());
            warnings.extend(passed.or(damage));
        }
        let (logs, points) = self.shared.record_files();
        warnings.extend(logs.iter().filter_map(|file| file.warning()));
        warnings.extend(points.iter().filter_map(|file| file.warning()));
        warnings
    }
}

#[cfg(test)]
mod tests;
