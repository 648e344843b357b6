//! What every engine promises.

mod figures;
mod records;

use std::fmt;
use std::num::NonZeroU64;

use async_trait::async_trait;
use clearspan_model::rollup::Billed;
use clearspan_model::{
    CostSource, Decimal, JsonText, LogRecord, MetricPoint, ProjectId, Run, RunEvent, RunId, RunKey, RunType,
    SpanId, Status, TraceId, UnixNanos, WorkspaceId,
};
use clearspan_query::Expr;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

pub use figures::{
    Facet, FacetField, FacetQuery, Histogram, HistogramBucket, HistogramQuery, ProjectActivity, ProjectSize,
    Stats,
};
pub use records::{LogCursor, LogPage, LogQuery, MetricSummary, PointList, PointQuery, RecordId};

use crate::sql::{SqlQuery, TableAnswer, TableFormat};
use crate::{
    CheckReport, Deleted, Deletion, DeletionState, InputsOf, Outline, PayloadExpiry, PurgeReport, Result,
};

/// Keeps runs. Engines differ in where; what callers can observe is the same and is written down as the
/// conformance suite in `testing`.
#[async_trait]
pub trait RunStore: Send + Sync + fmt::Debug {
    /// Merges patches into runs.
    ///
    /// When this returns `Ok`, all of them are on disk (the log is synced) and every read below sees
    /// them. When it returns an error, any part of them may have been kept; sending them again is safe.
    /// Dropping the future does not undo what was begun.
    async fn write(&self, patches: Vec<Run>) -> Result<()>;

    /// The whole runs with these ids, in no order. Runs outside `scope` are not found.
    /// Only those of some traces when there are any in `trace_ids`: where the caller knows them, it is much cheaper.
    async fn load_runs(&self, scope: &Scope, trace_ids: &[TraceId], run_ids: &[RunId]) -> Result<Vec<Run>>;

    /// What has to be known of a run before its whole is worth reading; `None` when there is no such run. Of several projects that
    /// have it, the last by its id is taken.
    async fn load_mark(&self, scope: &Scope, trace_id: TraceId, run_id: RunId) -> Result<Option<RunMark>> {
        let runs = self.load_skeleton(scope, trace_id).await?.into_iter();
        let marks = runs.filter(|run| run.run_id == run_id).map(|run| RunMark {
            project_id: run.project_id,
            run_type: run.run_type,
            is_transport: run.is_transport,
        });
        Ok(marks.max_by_key(|mark| mark.project_id))
    }

    /// The runs of some spans of a trace, in no order: those that began since a time, or, where nobody knows when, arrived
    /// since then. Nothing of their content is read.
    async fn runs_of_spans(
        &self,
        scope: &Scope,
        trace_id: TraceId,
        span_ids: &[SpanId],
        since: UnixNanos,
    ) -> Result<Vec<RunOfSpan>>;

    /// Traces of all workspaces that have a run of which only log records told so far, and which they told at this time or
    /// later: each once, in no order, and at most so many.
    async fn traces_without_span(
        &self,
        since: UnixNanos,
        limit: usize,
    ) -> Result<Vec<(WorkspaceId, TraceId)>>;

    /// Every run of a trace without its payload, in order of start time. Empty when there is no such trace.
    /// Traces of one id in two projects stay apart: the caller sees them by `project_id`.
    async fn load_skeleton(&self, scope: &Scope, trace_id: TraceId) -> Result<Vec<RunSummary>>;

    /// The same of some traces at once, one trace after the other, without previews of inputs and outputs: who asks for many
    /// looks at their trees.
    async fn load_skeletons(&self, scope: &Scope, trace_ids: &[TraceId]) -> Result<Vec<RunSummary>>;

    /// The runs of a trace as its page shows them; `None` when there is no such trace. Says the same as
    /// [`RunStore::load_skeleton`], at a part of the cost where the trace is large. Of several projects with the trace, that with
    /// most of its runs is taken.
    async fn load_outline(&self, scope: &Scope, trace_id: TraceId) -> Result<Option<Outline>> {
        self.load_outline_with_inputs(scope, trace_id, |_| Vec::new()).await
    }

    /// The same, with what went into some runs ([`OutlineRun::input`](crate::OutlineRun::input)): those at the positions that
    /// `of` names.
    async fn load_outline_with_inputs(
        &self,
        scope: &Scope,
        trace_id: TraceId,
        of: InputsOf,
    ) -> Result<Option<Outline>> {
        let runs = self.load_skeleton(scope, trace_id).await?;
        Ok(Outline::of(&runs).map(|outline| outline.with_inputs_from(&runs, of)))
    }

    /// Every run of a trace, whole, in order of start time.
    async fn load_trace(&self, scope: &Scope, trace_id: TraceId) -> Result<Vec<Run>>;

    /// The events of each run of a trace that has any, and nothing else of it; in order of the runs' start times.
    async fn load_events(&self, scope: &Scope, trace_id: TraceId) -> Result<Vec<(RunKey, Vec<RunEvent>)>>;

    /// One page of runs.
    async fn query_runs(&self, query: &RunQuery) -> Result<RunPage>;

    /// [`Self::query_runs`], but only which runs they are, for who reads them whole anyway.
    async fn find_runs(&self, query: &RunQuery) -> Result<RunKeys> {
        let page = self.query_runs(query).await?;
        let workspace_id = query.selection.scope.workspace_id;
        Ok(RunKeys { keys: page.runs.iter().map(|run| run.key(workspace_id)).collect(), next: page.next })
    }

    /// One page of traces, each summed up from all its runs.
    async fn query_traces(&self, query: &RunQuery) -> Result<TracePage>;

    /// What the traces on such a page took and cost, in its order. Nothing else of them is read, so it is much cheaper where they
    /// are large. The costs are those that filters and sums go by.
    async fn query_trace_figures(&self, query: &RunQuery) -> Result<Vec<TraceFigures>> {
        Ok(self.query_traces(query).await?.traces.iter().map(TraceFigures::of).collect())
    }

    /// Figures over everything that a selection holds.
    async fn stats(&self, unit: Unit, selection: &Selection) -> Result<Stats>;

    /// Those of traces, but with the latencies of their roots: children may go on when the root has ended.
    async fn root_stats(&self, selection: &Selection) -> Result<Stats>;

    /// Traces by time.
    async fn histogram(&self, query: &HistogramQuery) -> Result<Histogram>;

    /// The most frequent values of a field and the number of traces that have each.
    async fn facet(&self, query: &FacetQuery) -> Result<Facet>;

    /// When each project was last written to.
    async fn project_activity(
        &self,
        workspace_id: WorkspaceId,
        since: UnixNanos,
    ) -> Result<Vec<ProjectActivity>>;

    /// Writes what is in memory to segments, as far as it is ready. Engines do this by themselves; tests and
    /// shutdown ask for it.
    async fn flush(&self) -> Result<()>;

    /// Merges files of the store until nothing is left to gain. Engines do this by themselves; tests and tools ask for
    /// it. What can be read stays the same.
    async fn compact(&self) -> Result<CompactionReport>;

    /// What merging and removing has come to so far.
    fn compaction_status(&self) -> CompactionStatus;

    /// Puts whole runs in the place of what is stored under their keys, where that is still what they were read from:
    /// it has the same versions, and no fragment, event or link that the new run lacks. Returns the keys of runs that
    /// were changed or removed meanwhile and were left alone.
    ///
    /// As durable as [`RunStore::write`]. The runs keep their versions, so later patches merge as they would have.
    async fn replace(&self, runs: Vec<Run>) -> Result<Vec<RunKey>>;

    /// Keeps log records. As durable as [`RunStore::write`]; a record that is here already is not kept twice.
    async fn write_logs(&self, records: Vec<LogRecord>) -> Result<()>;

    /// Keeps metric points, likewise.
    async fn write_points(&self, points: Vec<MetricPoint>) -> Result<()>;

    /// One page of log records.
    async fn query_logs(&self, query: &LogQuery) -> Result<LogPage>;

    /// The metrics that have points in a stretch of time, sorted by name.
    async fn metrics(&self, scope: &Scope, range: TimeRange) -> Result<Vec<MetricSummary>>;

    /// The points of one metric, in order of time.
    async fn query_points(&self, query: &PointQuery) -> Result<PointList>;

    /// How far the search index is; `None` for engines that have none.
    fn search_progress(&self) -> Option<SearchProgress> {
        None
    }

    /// What a deletion would remove, as things are.
    async fn preview_deletion(&self, deletion: &Deletion) -> Result<Deleted>;

    /// Deletes: when this returns `Ok`, no read sees any of it, and that is as durable as [`RunStore::write`]. What
    /// arrives later for a deleted trace or project is dropped until [`Deletion::forget_at`]. The bytes go later.
    async fn delete(&self, deletion: &Deletion) -> Result<Deleted>;

    /// Removes from the disk what no read can see any more, because it was deleted or replaced, and the payloads of runs
    /// that are too old. Takes long: files are written anew. Nothing that is readable changes, but for those payloads.
    async fn purge(&self, expiries: &[PayloadExpiry]) -> Result<PurgeReport>;

    /// Compares everything on the disk with its checksums, no faster than this; what memory has as well and is damaged on the disk is
    /// written anew. The answer says what is not sound. Dropping this future ends it.
    async fn scrub(&self, _bytes_per_second: NonZeroU64) -> Result<CheckReport> {
        Ok(CheckReport::default())
    }

    /// What the runs of each project take on disk, by id. Projects without any are left out.
    async fn project_sizes(&self, workspace_id: WorkspaceId) -> Result<Vec<ProjectSize>>;

    /// The project in which a trace was deleted, while what arrives late for it is dropped; of several always the same.
    fn deleted_from(
        &self,
        workspace_id: WorkspaceId,
        trace_id: TraceId,
        received_at: UnixNanos,
    ) -> Option<ProjectId>;

    /// How far deletion is.
    fn deletion_state(&self) -> DeletionState;

    /// Runs one read-only SQL statement over the tables of a scope (`sql` says which there are, and what is refused).
    ///
    /// The answer comes while it is made. Dropping it, or this future, ends the statement.
    async fn sql(&self, query: SqlQuery) -> Result<TableAnswer>;

    /// Everything that a selection holds of a table, with the columns that are stored, in no order.
    async fn export(&self, query: ExportQuery) -> Result<TableAnswer>;

    /// Every whole run of a selection, some at a time, in no order.
    async fn export_whole_runs(&self, selection: Selection) -> Result<RunStream>;

    /// Whether writes are accepted now; the error says why not.
    fn check_writable(&self) -> Result<()>;

    /// Whether there is less room on the disk than there should be, though writes are accepted.
    fn is_short_of_room(&self) -> bool {
        false
    }

    /// What somebody should know although writes are accepted: little room on the disk, damaged files.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Where the run of a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunOfSpan {
    /// The span, as it was looked for.
    pub span_id: SpanId,
    /// Its run.
    pub key: RunKey,
    /// Whether the span itself has arrived, not just log records of it.
    pub has_span: bool,
}

/// What kind of run it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunMark {
    /// Where it is.
    pub project_id: ProjectId,
    /// As [`RunSummary::run_type`].
    pub run_type: RunType,
    /// As [`RunSummary::is_transport`].
    pub is_transport: bool,
}

/// How far the search index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchProgress {
    /// Segments that should have an index and have none yet: searches look at every run of them.
    pub missing: usize,
    /// Bytes on disk.
    pub index_bytes: u64,
}

/// What rewriting came to. Files of all tables are counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompactionReport {
    /// How many rewrites were done.
    pub rewrites: u64,
    /// Files that went.
    pub files_removed: u64,
    /// Files that came.
    pub files_written: u64,
    /// Bytes of the files that went.
    pub bytes_removed: u64,
    /// Bytes of the files that came.
    pub bytes_written: u64,
    /// Rows that are gone: dead ones, and repetitions of log records and metric points.
    pub rows_removed: u64,
    /// Rows that lost their payload.
    pub rows_stripped: u64,
}

/// What compaction has done since the start, and what it has before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompactionStatus {
    /// Rewrites that were done.
    pub rewrites: u64,
    /// Rewrites that failed.
    pub failures: u64,
    /// Bytes of the files that went.
    pub bytes_removed: u64,
    /// Bytes of the files that came.
    pub bytes_written: u64,
    /// Files that are waiting to be merged now.
    pub waiting_files: u64,
}

/// What is exported, and how it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportQuery {
    /// Of which table.
    pub table: ExportTable,
    /// Which rows. A filter selects runs; the other tables have none.
    pub selection: Selection,
    /// How they are written.
    pub format: TableFormat,
}

/// A table of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportTable {
    /// One row a run.
    Runs,
    /// One row a log record.
    Logs,
    /// One row a point of a metric.
    MetricPoints,
}

/// A whole run, and what the runs around it say of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportedRun {
    /// The run.
    pub run: Run,
    /// As [`RunSummary::double_of`].
    pub double_of: Option<RunId>,
    /// As [`RunSummary::is_transport`].
    pub is_transport: bool,
}

/// Runs on their way. An error ends the stream; what came before is not all.
pub type RunStream = BoxStream<'static, Result<Vec<ExportedRun>>>;

/// Whose runs, and in which projects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The tenant.
    pub workspace_id: WorkspaceId,
    /// The projects; `None` means all of the workspace.
    pub project_ids: Option<Vec<ProjectId>>,
}

/// A half-open stretch of time: `from` is inside, `to` is not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// The first moment inside.
    pub from: Option<UnixNanos>,
    /// The first moment after it.
    pub to: Option<UnixNanos>,
}

impl TimeRange {
    /// Whether anything between two moments, both inside, is in it; nanoseconds since 1970.
    pub(crate) fn overlaps(&self, first: i64, last: i64) -> bool {
        self.from.is_none_or(|from| last >= from.as_nanos()) && self.to.is_none_or(|to| first < to.as_nanos())
    }
}

/// Which runs or traces are meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// Whose.
    pub scope: Scope,
    /// When they began. For traces: when the trace's first run began.
    pub range: TimeRange,
    /// A further condition.
    pub filter: Option<Expr>,
}

/// What a row of an answer stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A single run.
    Runs,
    /// A whole trace.
    Traces,
}

/// What a page is sorted by. Ties are broken by id; rows without the value come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortKey {
    /// The time of the start.
    Start,
    /// From start to end.
    Latency,
    /// Dollars.
    Cost,
    /// All tokens.
    Tokens,
}

/// A sort key and its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// By what.
    pub by: SortKey,
    /// Largest first.
    pub descending: bool,
}

/// Where a page ended: the sort value and the id of its last row. Opaque outside; stable while data arrives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The order of the page; the next page must ask for the same.
    pub order: Order,
    /// The last row's sort value (nanoseconds, 10⁻¹² dollars or tokens); `None` when it had none.
    pub value: Option<i128>,
    /// The last row's trace.
    pub trace_id: TraceId,
    /// The last row's run; `None` for traces.
    pub run_id: Option<RunId>,
}

/// A page of runs or traces.
#[derive(Debug, Clone, PartialEq)]
pub struct RunQuery {
    /// Which.
    pub selection: Selection,
    /// In which order.
    pub order: Order,
    /// After which row.
    pub after: Option<Cursor>,
    /// How many at most.
    pub limit: usize,
}

/// Which runs are on a page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunKeys {
    /// In their order.
    pub keys: Vec<RunKey>,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
}

/// One page of runs.
#[derive(Debug, Clone, Default)]
pub struct RunPage {
    /// The rows.
    pub runs: Vec<RunSummary>,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
}

/// One page of traces.
#[derive(Debug, Clone, Default)]
pub struct TracePage {
    /// The rows.
    pub traces: Vec<TraceSummary>,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
}

/// A run without payloads, attributes and events: what lists and trees show.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each is the field of `Run` with the same name, except those that say more")]
pub struct RunSummary {
    pub project_id: ProjectId,
    pub trace_id: TraceId,
    pub run_id: RunId,
    pub parent_run_id: Option<RunId>,
    pub span_id: Option<SpanId>,
    pub dotted_order: Option<String>,
    /// Never absent: the run's name, else `"unnamed"`.
    pub name: String,
    /// The effective type.
    pub run_type: RunType,
    /// The effective status.
    pub status: Status,
    pub error: Option<String>,
    pub error_type: Option<String>,
    /// The start time, else the time the server first heard of the run.
    pub start_time: UnixNanos,
    pub end_time: Option<UnixNanos>,
    pub first_token_time: Option<UnixNanos>,
    pub received_at: UnixNanos,
    pub model: Option<String>,
    pub provider: Option<String>,
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    pub total_tokens: Option<u64>,
    pub cache_read_tokens: Option<u64>,
    pub reasoning_tokens: Option<u64>,
    /// The run's own cost of the input side.
    pub input_cost: Option<Decimal>,
    /// The run's own cost of the output side.
    pub output_cost: Option<Decimal>,
    /// The run's own cost.
    pub total_cost: Option<Decimal>,
    pub cost_source: CostSource,
    /// Whether its tokens and cost count in totals; wrappers that repeat their child's usage do not.
    pub billed: Billed,
    /// The run beside it that tells of the same model call and counts instead of it.
    pub double_of: Option<RunId>,
    /// True for the HTTP or gRPC request that a client library made.
    pub is_transport: bool,
    /// The provider's id of the answer.
    pub response_id: Option<String>,
    pub scope_name: Option<String>,
    pub dialect: Option<String>,
    pub thread_id: Option<String>,
    pub user_id: Option<String>,
    pub environment: Option<String>,
    pub service: Option<String>,
    pub release: Option<String>,
    pub tags: Vec<String>,
    /// Empty in skeletons.
    pub metadata: std::collections::BTreeMap<String, JsonText>,
    /// At most 120 characters of the input, as plain text.
    pub input_preview: Option<String>,
    /// At most 120 characters of the output, as plain text.
    pub output_preview: Option<String>,
}

impl RunSummary {
    /// What identifies the run, in the workspace that it was found in.
    pub fn key(&self, workspace_id: WorkspaceId) -> RunKey {
        let Self { project_id, trace_id, run_id, .. } = *self;
        RunKey { workspace_id, project_id, trace_id, run_id }
    }

    /// From start to end in nanoseconds; `None` while pending.
    pub fn latency_nanos(&self) -> Option<i64> {
        self.end_time.map(|end| end.nanos_since(self.start_time))
    }

    /// Whether it counts as an error: a failed call that two instrumentations tell of is one.
    pub fn counts_as_error(&self) -> bool {
        self.status == Status::Error && self.double_of.is_none()
    }

    /// Whether it counts as a call of a language model: a call that two instrumentations tell of is one.
    pub fn counts_as_llm_call(&self) -> bool {
        self.run_type == RunType::Llm && self.double_of.is_none()
    }
}

/// What a trace took and cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TraceFigures {
    /// The earliest start.
    pub start_time: UnixNanos,
    /// The latest end of any run; `None` while nothing ended.
    pub end_time: Option<UnixNanos>,
    /// Its cost in dollars; `None` when nothing of it has one.
    pub total_cost: Option<Decimal>,
}

impl TraceFigures {
    fn of(trace: &TraceSummary) -> Self {
        Self { start_time: trace.start_time, end_time: trace.end_time, total_cost: trace.total_cost }
    }
}

/// A trace summed up.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceSummary {
    /// Its root: the run without a parent; else the first run whose parent never came.
    pub root: RunSummary,
    /// True when the root names a parent that is not here.
    pub is_orphan: bool,
    /// The earliest start.
    pub start_time: UnixNanos,
    /// The latest end of any run; `None` while its root runs, or nothing ended.
    pub end_time: Option<UnixNanos>,
    /// How many runs are stored, doubles too.
    pub run_count: u64,
    /// How many calls of language models; each once.
    pub llm_count: u64,
    /// How many runs failed. A failed call counts once, however many instrumentations tell of it.
    pub error_count: u64,
    /// How many should have a cost and have none.
    pub unpriced_count: u64,
    /// Cost of the input sides that are known, of billed runs.
    pub input_cost: Option<Decimal>,
    /// Cost of the output sides that are known, of billed runs.
    pub output_cost: Option<Decimal>,
    /// What it cost; `None` when nothing in it has a cost.
    pub total_cost: Option<Decimal>,
    /// Tokens in, of billed runs.
    pub input_tokens: Option<u64>,
    /// Tokens out, of billed runs.
    pub output_tokens: Option<u64>,
    /// All tokens of billed runs.
    pub total_tokens: Option<u64>,
    /// Cached tokens of billed runs.
    pub cache_read_tokens: Option<u64>,
    /// The models used, sorted.
    pub models: Vec<String>,
    /// Their providers, sorted.
    pub providers: Vec<String>,
    /// The root's thread, else that of the first run that has one.
    pub thread_id: Option<String>,
    /// The root's user, else that of the first run that has one.
    pub user_id: Option<String>,
    /// The error to show: the root's, else that of the failed run that is deepest and ended last.
    pub error: Option<String>,
    /// The root's input preview, else that of the first LLM run.
    pub input_preview: Option<String>,
    /// The root's output preview, else that of the last LLM run.
    pub output_preview: Option<String>,
}
