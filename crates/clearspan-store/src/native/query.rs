//! Queries over the whole store, run by DataFusion on one [`Snapshot`].
//!
//! Lists are read in two steps: a narrow query finds the keys of one page, and [`super::read`] loads what the
//! page shows. Filters on traces become one `GROUP BY` trace whose aggregates hold what each term asks; only a run
//! that stands for its trace (`is_trace_root`) can satisfy a term on the root.

use std::sync::Arc;

use arrow::array::RecordBatch;
use clearspan_model::{ErrorKind, ProjectId, Rank, TraceId, UnixNanos, Version, WorkspaceId};
use datafusion::common::{Result as DfResult, ScalarValue};
use datafusion::execution::TaskContext;
use datafusion::execution::config::SessionConfig;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionState;
use datafusion::functions_aggregate::expr_fn::{count, max};
use datafusion::logical_expr::{Expr, LogicalPlan, cast, lit, when};
use datafusion::prelude::{DataFrame, SessionContext};

use super::state::Snapshot;
use super::table::RunsTable;
use crate::error::Context;
use crate::pool::share;
use crate::pool::thrift::{self, Way};
use crate::pool::{Lane, QueryPool};
use crate::schema::{Col, MONEY_PRECISION, MONEY_SCALE};
use crate::store::{
    Facet, FacetQuery, Histogram, HistogramQuery, ProjectActivity, RunKeys, RunPage, RunQuery,
};
use crate::store::{Scope, Selection, Stats, TimeRange, TraceFigures, TracePage, Unit};
use crate::{Error, Result};

mod answer;
mod export;
mod extent;
mod figures;
mod filter;
mod newest;
mod page;
mod pinned;
mod search;
pub(super) mod texts;
mod traces;
mod udf;

use answer::Answer;
pub(crate) use extent::TraceExtent;

/// Rows of a batch where memory is little.
const FRUGAL_BATCH_ROWS: usize = 1_024;

/// Runs queries. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Engine {
    context: Arc<OnceContext>,
    pool: Arc<QueryPool>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// DataFusion's session registers hundreds of functions; the first query pays for that, not the start.
type OnceContext = std::sync::OnceLock<SessionContext>;

impl Engine {
    pub(crate) fn new(pool: Arc<QueryPool>) -> Self {
        Self { context: Arc::default(), pool }
    }

    fn context(&self) -> &SessionContext {
        self.context.get_or_init(|| {
            let mut config = SessionConfig::new().with_collect_statistics(false);
            let options = config.options_mut();
            options.execution.parquet.schema_force_view_types = false;
            // The table reads only the row groups that matter and divides them among processors itself, and nobody
            // asks for the bloom filters and page indexes of what is left.
            options.optimizer.repartition_file_scans = false;
            options.execution.parquet.enable_page_index = false;
            options.execution.parquet.bloom_filter_on_read = false;
            // DataFusion's two planners disagree on whether some common expressions can be null.
            options.execution.skip_physical_aggregate_schema_check = true;
            SessionContext::new_with_config_rt(config, Arc::clone(self.pool.env()))
        })
    }

    /// The rows of a scope that began in a range.
    fn table(&self, snapshot: &Snapshot, scope: &Scope, range: TimeRange) -> Result<DataFrame> {
        let table = Arc::new(RunsTable::new(snapshot.clone(), scope.project_ids.clone(), range));
        let runs = self.context().read_table(table).context(ErrorKind::Internal, planning)?;
        let mut condition = column(Col::workspace_id).eq(id(scope.workspace_id.as_bytes()));
        if let Some(project_ids) = &scope.project_ids {
            let ids = project_ids.iter().map(|project_id| id(project_id.as_bytes())).collect();
            condition = condition.and(column(Col::project_id).in_list(ids, false));
        }
        if let Some(from) = range.from {
            condition = condition.and(column(Col::time).gt_eq(time(from)));
        }
        if let Some(to) = range.to {
            condition = condition.and(column(Col::time).lt(time(to)));
        }
        runs.filter(condition).context(ErrorKind::Internal, planning)
    }

    /// Runs a query on the threads for queries. Dropping the future ends it.
    async fn on_pool<T, W>(&self, work: impl FnOnce(Self) -> W) -> Result<T>
    where
        T: Send + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        self.pool.run(Lane::Pages, work(self.clone())).await
    }

    pub(crate) async fn runs(&self, snapshot: Snapshot, query: &RunQuery) -> Result<RunPage> {
        let query = query.clone();
        self.on_pool(|engine| async move {
            let snapshot = pinned::pinned(snapshot, query.selection.filter.as_ref()).await?;
            page::runs(&engine, snapshot, &query).await
        })
        .await
    }

    pub(crate) async fn run_keys(&self, snapshot: Snapshot, query: &RunQuery) -> Result<RunKeys> {
        let query = query.clone();
        self.on_pool(|engine| async move {
            let snapshot = pinned::pinned(snapshot, query.selection.filter.as_ref()).await?;
            page::run_keys(&engine, snapshot, &query).await
        })
        .await
    }

    pub(crate) async fn traces(&self, snapshot: Snapshot, query: &RunQuery) -> Result<TracePage> {
        let query = query.clone();
        self.on_pool(|engine| async move {
            let snapshot = pinned::pinned(snapshot, query.selection.filter.as_ref()).await?;
            page::traces(&engine, snapshot, &query).await
        })
        .await
    }

    pub(crate) async fn trace_figures(
        &self,
        snapshot: Snapshot,
        query: &RunQuery,
    ) -> Result<Vec<TraceFigures>> {
        let query = query.clone();
        self.on_pool(|engine| async move {
            let snapshot = pinned::pinned(snapshot, query.selection.filter.as_ref()).await?;
            page::trace_figures(&engine, snapshot, &query).await
        })
        .await
    }

    pub(crate) async fn stats(&self, snapshot: Snapshot, unit: Unit, selection: &Selection) -> Result<Stats> {
        let selection = selection.clone();
        self.on_pool(|engine| async move {
            let snapshot = pinned::pinned(snapshot, selection.filter.as_ref()).await?;
            match unit {
                Unit::Runs => figures::run_stats(&engine, &snapshot, &selection).await,
                Unit::Traces => figures::trace_stats(&engine, &snapshot, &selection).await,
            }
        })
        .await
    }

    pub(crate) async fn root_stats(&self, snapshot: Snapshot, selection: &Selection) -> Result<Stats> {
        let selection = selection.clone();
        self.on_pool(|engine| async move {
            let snapshot = pinned::pinned(snapshot, selection.filter.as_ref()).await?;
            figures::root_stats(&engine, &snapshot, &selection).await
        })
        .await
    }

    pub(crate) async fn histogram(&self, snapshot: Snapshot, query: &HistogramQuery) -> Result<Histogram> {
        let query = query.clone();
        self.on_pool(|engine| async move { figures::histogram(&engine, &snapshot, &query).await }).await
    }

    pub(crate) async fn facet(&self, snapshot: Snapshot, query: &FacetQuery) -> Result<Facet> {
        let query = query.clone();
        self.on_pool(|engine| async move { figures::facet(&engine, &snapshot, &query).await }).await
    }

    /// The traces of a selection, with what deletion asks of them.
    pub(crate) async fn extents(
        &self,
        snapshot: &Snapshot,
        selection: &Selection,
        now: UnixNanos,
    ) -> Result<Vec<TraceExtent>> {
        extent::of_selection(self, snapshot, selection, now).await
    }

    /// All traces of a scope, likewise; of those with ids only, where there are any.
    pub(crate) async fn all_extents(
        &self,
        snapshot: &Snapshot,
        scope: &Scope,
        trace_ids: Option<&[TraceId]>,
        now: UnixNanos,
    ) -> Result<Vec<TraceExtent>> {
        extent::of_scope(self, snapshot, scope, trace_ids, now).await
    }

    pub(crate) async fn project_activity(
        &self,
        snapshot: Snapshot,
        workspace_id: WorkspaceId,
        since: UnixNanos,
    ) -> Result<Vec<ProjectActivity>> {
        self.on_pool(|engine| async move { engine.activity(snapshot, workspace_id, since).await }).await
    }

    /// Traces with runs of which only log records told.
    pub(crate) async fn traces_without_span(
        &self,
        snapshot: Snapshot,
        since: UnixNanos,
        limit: usize,
    ) -> Result<Vec<(WorkspaceId, TraceId)>> {
        self.on_pool(|engine| async move {
            let range = TimeRange { from: Some(since), to: None };
            let table = Arc::new(RunsTable::new(snapshot, None, range));
            let condition = column(Col::version)
                .lt(lit(Version::least_of(Rank::Span).as_raw()))
                .and(column(Col::time).gt_eq(time(since)))
                .and(column(Col::span_id).is_not_null());
            let ids = vec![column(Col::workspace_id), column(Col::trace_id)];
            let found = engine
                .context()
                .read_table(table)
                .and_then(|runs| runs.filter(condition)?.select(ids)?.distinct()?.limit(0, Some(limit)))
                .context(ErrorKind::Internal, planning)?;
            let mut traces = Vec::new();
            for batch in collect(found).await? {
                let answer = Answer::new(&batch);
                for row in 0..batch.num_rows() {
                    let workspace_id = answer.id(Col::workspace_id.name(), row)?;
                    traces.push((WorkspaceId::from_bytes(workspace_id), trace_id_of(&answer, row)?));
                }
            }
            Ok(traces)
        })
        .await
    }

    async fn activity(
        &self,
        snapshot: Snapshot,
        workspace_id: WorkspaceId,
        since: UnixNanos,
    ) -> Result<Vec<ProjectActivity>> {
        let scope = Scope { workspace_id, project_ids: None };
        let by_project = vec![column(Col::project_id)];
        let last = self
            .table(&snapshot, &scope, TimeRange::default())?
            .aggregate(by_project.clone(), vec![max(column(Col::time)).alias("last")])
            .context(ErrorKind::Internal, planning)?;
        let recent = Selection { scope, range: TimeRange { from: Some(since), to: None }, filter: None };
        let counts = traces::traces(self, &snapshot, &recent, Vec::new())
            .await?
            .aggregate(by_project, vec![count(lit(1)).alias("traces")])
            .context(ErrorKind::Internal, planning)?;
        let project_of =
            |answer: &Answer<'_>, row| answer.id(Col::project_id.name(), row).map(ProjectId::from_bytes);
        let mut trace_counts = std::collections::HashMap::new();
        for batch in collect(counts).await? {
            let answer = Answer::new(&batch);
            for row in 0..batch.num_rows() {
                trace_counts.insert(project_of(&answer, row)?, answer.count("traces", row));
            }
        }
        let mut activity = Vec::new();
        for batch in collect(last).await? {
            let answer = Answer::new(&batch);
            for row in 0..batch.num_rows() {
                let project_id = project_of(&answer, row)?;
                activity.push(ProjectActivity {
                    project_id,
                    last_start: UnixNanos::from_nanos(answer.int("last", row).unwrap_or_default()),
                    trace_count: trace_counts.get(&project_id).copied().unwrap_or(0),
                });
            }
        }
        activity.sort_by_key(|project| project.project_id);
        Ok(activity)
    }
}

fn planning() -> String {
    "planning a query".to_owned()
}

/// Runs a query to its end.
async fn collect(frame: DataFrame) -> Result<Vec<RecordBatch>> {
    let (fast, plan) = frame.into_parts();
    let mut thrifty = fast.clone();
    let config = thrifty.config().clone();
    *thrifty.config_mut() = config.with_target_partitions(1).with_batch_size(FRUGAL_BATCH_ROWS);
    let collected = thrift::run(fast.runtime_env(), Way::Fast, |way, env| {
        collect_in(if way == Way::Fast { &fast } else { &thrifty }, &plan, env)
    });
    collected.await.map_err(|err| {
        share::refusal(&err).unwrap_or_else(|| Error::caused(ErrorKind::Internal, "running a query", err))
    })
}

async fn collect_in(
    state: &SessionState,
    plan: &LogicalPlan,
    env: Arc<RuntimeEnv>,
) -> DfResult<Vec<RecordBatch>> {
    let physical = state.create_physical_plan(plan).await?;
    let context = TaskContext::from(state).with_runtime(env);
    datafusion::physical_plan::collect(physical, Arc::new(context)).await
}

fn column(col: Col) -> Expr {
    datafusion::prelude::ident(col.name())
}

fn named(name: &str) -> Expr {
    datafusion::prelude::ident(name)
}

fn id(bytes: &[u8; 16]) -> Expr {
    lit(ScalarValue::FixedSizeBinary(16, Some(bytes.to_vec())))
}

fn time(time: UnixNanos) -> Expr {
    lit(ScalarValue::TimestampNanosecond(Some(time.as_nanos()), Some("UTC".into())))
}

fn money(units: i128) -> Expr {
    lit(ScalarValue::Decimal128(Some(units), MONEY_PRECISION, MONEY_SCALE))
}

/// Nanoseconds since the epoch as a plain number.
fn nanos(expr: Expr) -> Expr {
    cast(expr, arrow::datatypes::DataType::Int64)
}

/// The nanoseconds between two times, zero when the clock went backwards, null when one is missing.
fn span(from: Expr, to: Expr) -> Result<Expr> {
    let difference = nanos(to) - nanos(from);
    when(difference.clone().lt(lit(0_i64)), lit(0_i64))
        .otherwise(difference)
        .context(ErrorKind::Internal, planning)
}

/// A count as an exact number that sums do not overflow.
fn exact(expr: Expr) -> Expr {
    cast(expr, arrow::datatypes::DataType::Decimal128(30, 0))
}

/// `value` where `condition` holds, else null.
fn only_if(condition: Expr, value: Expr) -> Result<Expr> {
    when(condition, value).end().context(ErrorKind::Internal, planning)
}

fn bad_cursor() -> Error {
    Error::new(
        ErrorKind::InvalidInput,
        "the cursor belongs to another sort order; ask for the first page again",
    )
}

fn trace_id_of(answer: &Answer<'_>, row: usize) -> Result<TraceId> {
    Ok(TraceId::from_bytes(answer.id(Col::trace_id.name(), row)?))
}
