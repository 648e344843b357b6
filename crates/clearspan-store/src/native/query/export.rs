//! Everything that a selection holds, read a little at a time so that its size does not matter.

use std::sync::Arc;

use arrow::array::RecordBatch;
use clearspan_model::{ErrorKind, RunId};
use datafusion::common::DataFusionError;
use datafusion::execution::config::SessionConfig;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::{DataFrame, SessionContext, ident};
use futures::StreamExt as _;

use super::filter::Translator;
use super::{Engine, id, planning, time};
use crate::batches::in_batches;
use crate::error::Context;
use crate::native::blocking;
use crate::native::hot::HotBatch;
use crate::native::records::{RecordColumn, RecordSnapshot, RecordsTable};
use crate::native::segment::Segment;
use crate::native::state::{RowSet, Snapshot};
use crate::native::table::RunsTable;
use crate::pool::share::{refusal, with_own_share};
use crate::pool::{Lane, Output};
use crate::schema::Col;
use crate::schema::decode::Rows;
use crate::sql::{Batches, SqlQuery, TableAnswer, Tables};
use crate::store::{ExportQuery, ExportedRun, RunStream, Scope, Selection, TimeRange};
use crate::{Error, Result, sql};

/// Rows that are read at a time, where they are small.
const BATCH_ROWS: usize = 128;
/// What the rows that are read at a time should take in memory at most.
const BATCH_BYTES: u64 = 8 << 20;

impl Engine {
    /// Runs a statement of a user.
    pub(crate) async fn sql(&self, tables: Tables, query: SqlQuery) -> Result<TableAnswer> {
        let SqlQuery { format, max_rows, timeout, .. } = query;
        let output = Output { format, max_rows, timeout: Some(timeout) };
        let env = Arc::clone(self.pool.env());
        self.pool.answer(Lane::Statements, output, async move { sql::run(tables, &env, &query).await }).await
    }

    pub(crate) async fn export_runs(&self, snapshot: Snapshot, query: ExportQuery) -> Result<TableAnswer> {
        let engine = self.clone();
        let output = whole(&query);
        let work = async move { engine.selected_runs(&snapshot, &query.selection).await };
        self.pool.answer(Lane::Exports, output, work).await
    }

    pub(crate) async fn export_records<C: RecordColumn + Send + Sync>(
        &self,
        snapshot: RecordSnapshot<C>,
        query: ExportQuery,
    ) -> Result<TableAnswer> {
        if query.selection.filter.is_some() {
            let what =
                format!("a filter selects runs; the table {} can be narrowed by project and time", C::TABLE);
            return Err(Error::new(ErrorKind::InvalidInput, what));
        }
        let (context, output) = (self.export_context(BATCH_ROWS), whole(&query));
        let work = async move {
            let Selection { scope, range, .. } = &query.selection;
            let table = context.read_table(Arc::new(RecordsTable::new(snapshot)));
            let frame = table.and_then(|frame| frame.filter(in_scope(scope, *range)));
            stream(frame.context(ErrorKind::Internal, planning)?, BATCH_ROWS).await
        };
        self.pool.answer(Lane::Exports, output, work).await
    }

    pub(crate) async fn export_whole_runs(
        &self,
        snapshot: Snapshot,
        selection: Selection,
    ) -> Result<RunStream> {
        let engine = self.clone();
        let work = async move { engine.selected_runs(&snapshot, &selection).await };
        self.pool.stream(Lane::Exports, work, |batch| decode(&batch)).await
    }

    /// The rows of runs that a selection holds, with all columns: those of large runs at the end, a few at a time.
    async fn selected_runs(&self, snapshot: &Snapshot, selection: &Selection) -> Result<Batches> {
        let condition = match &selection.filter {
            Some(filter) => {
                Some(Translator::new(self, snapshot, &selection.scope).run(filter).await?.is_true())
            }
            None => None,
        };
        let (divided, range) = (snapshot.clone(), selection.range);
        let (small, large) = blocking(move || by_weight(divided, range)).await?;
        let of_small = self.rows_of(small, BATCH_ROWS, selection, condition.clone()).await?;
        let Some(Large { snapshot, rows }) = large else { return Ok(of_small) };
        let of_large = self.rows_of(snapshot, rows, selection, condition).await?;
        Ok(Batches { schema: of_small.schema, stream: of_small.stream.chain(of_large.stream).boxed() })
    }

    async fn rows_of(
        &self,
        snapshot: Snapshot,
        rows: usize,
        selection: &Selection,
        condition: Option<Expr>,
    ) -> Result<Batches> {
        let table = RunsTable::new(snapshot, selection.scope.project_ids.clone(), selection.range);
        let mut frame = self
            .export_context(rows)
            .read_table(Arc::new(table))
            .and_then(|frame| frame.filter(in_scope(&selection.scope, selection.range)))
            .context(ErrorKind::Internal, planning)?;
        if let Some(condition) = condition {
            frame = frame.filter(condition).context(ErrorKind::Internal, planning)?;
        }
        stream(frame, rows).await
    }

    /// One partition and small batches: an export takes its time and little memory.
    fn export_context(&self, rows: usize) -> SessionContext {
        let mut config = SessionConfig::new()
            .with_collect_statistics(false)
            .with_target_partitions(1)
            .with_batch_size(rows);
        config.options_mut().execution.parquet.schema_force_view_types = false;
        SessionContext::new_with_config_rt(config, Arc::clone(self.pool.env()))
    }
}

fn whole(query: &ExportQuery) -> Output {
    Output { format: query.format, max_rows: None, timeout: None }
}

fn in_scope(scope: &Scope, range: TimeRange) -> Expr {
    let mut condition = ident(Col::workspace_id.name()).eq(id(scope.workspace_id.as_bytes()));
    if let Some(project_ids) = &scope.project_ids {
        let ids = project_ids.iter().map(|project_id| id(project_id.as_bytes())).collect();
        condition = condition.and(ident(Col::project_id.name()).in_list(ids, false));
    }
    if let Some(from) = range.from {
        condition = condition.and(ident(Col::time.name()).gt_eq(time(from)));
    }
    if let Some(to) = range.to {
        condition = condition.and(ident(Col::time.name()).lt(time(to)));
    }
    condition
}

/// Runs that are large, and how many of them are read at a time.
struct Large {
    snapshot: Snapshot,
    rows: usize,
}

/// Takes the row groups, and the batches in memory, whose runs are large apart from the others.
fn by_weight(snapshot: Snapshot, range: TimeRange) -> Result<(Snapshot, Option<Large>)> {
    const MOST: u64 = BATCH_BYTES / BATCH_ROWS as u64;
    let (mut small, mut large, mut heaviest) = (RowSet::default(), RowSet::default(), 0);
    let overlaps = |segment: &Segment| range.overlaps(segment.min_time, segment.max_time);
    for segment in snapshot.segments.iter().filter(|segment| overlaps(segment) && !segment.is_passed_over()) {
        for (rows, bytes) in segment.group_sizes()? {
            let weight = bytes / u64::from(rows.end - rows.start).max(1);
            heaviest = heaviest.max(weight);
            let side = if weight > MOST { &mut large } else { &mut small };
            side.entry(segment.number).or_default().insert_range(rows);
        }
    }
    let (hot_large, hot_small): (Vec<HotBatch>, Vec<HotBatch>) =
        snapshot.hot.iter().cloned().partition(|batch| batch.row_bytes() > MOST);
    if large.is_empty() && hot_large.is_empty() {
        return Ok((snapshot, None));
    }
    heaviest = hot_large.iter().map(HotBatch::row_bytes).fold(heaviest, u64::max);
    let rows = usize::try_from(BATCH_BYTES / heaviest.max(1)).unwrap_or(BATCH_ROWS);
    let large = Large { snapshot: snapshot.narrowed(hot_large, large), rows: rows.clamp(1, BATCH_ROWS) };
    Ok((snapshot.narrowed(hot_small, small), Some(large)))
}

async fn stream(frame: DataFrame, rows: usize) -> Result<Batches> {
    let of_engine = |err| Error::of_engine(err, planning);
    let context = with_own_share(frame.task_ctx());
    let plan = frame.create_physical_plan().await.map_err(of_engine)?;
    let plan = in_batches(plan, rows).map_err(of_engine)?;
    let stream = execute_stream(plan, context).map_err(of_engine)?;
    let schema = stream.schema();
    let stream = stream.map(|batch| batch.map_err(refused_or_failed));
    Ok(Batches { schema, stream: stream.boxed() })
}

fn refused_or_failed(err: DataFusionError) -> Error {
    refusal(&err).unwrap_or_else(|| Error::of_engine(err, || "reading rows".into()))
}

fn decode(batch: &RecordBatch) -> Result<Vec<ExportedRun>> {
    let rows = Rows::new(batch);
    let run = |row| {
        let (run, summary) = (rows.run(row)?, rows.summary(row)?);
        let double_of: Option<RunId> = summary.double_of;
        Ok(ExportedRun { run, double_of, is_transport: summary.is_transport })
    };
    (0..batch.num_rows()).map(run).collect()
}

#[cfg(test)]
impl crate::native::NativeStore {
    /// What a statement of a scope reads.
    pub(crate) async fn tables_of(&self, scope: &Scope) -> Result<Tables> {
        self.tables(scope).await
    }
}
