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
use crate::batches::as_they_come;
use crate::cut::CutExec;
use crate::error::Context;
use crate::native::records::{RecordColumn, RecordSnapshot, RecordsTable};
use crate::native::state::Snapshot;
use crate::native::table::RunsTable;
use crate::pool::share::{refusal, with_own_share};
use crate::pool::{Lane, Output};
use crate::schema::Col;
use crate::schema::decode::Rows;
use crate::sql::{Batches, SqlQuery, TableAnswer, Tables};
use crate::store::{ExportQuery, ExportedRun, RunStream, Scope, Selection, TimeRange};
use crate::{Error, Result, sql};

/// Rows that are read at a time at most.
const BATCH_ROWS: usize = 128;
/// What they say at most, unless one says more.
const BATCH_TEXT_BYTES: usize = 8 << 20;

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
        let work = async move { engine.selected_runs(snapshot, &query.selection).await };
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
        let (context, output) = (self.export_context(), whole(&query));
        let work = async move {
            let Selection { scope, range, .. } = &query.selection;
            let table = context.read_table(Arc::new(RecordsTable::new(snapshot)));
            let frame = table.and_then(|frame| frame.filter(in_scope(scope, *range)));
            stream(frame.context(ErrorKind::Internal, planning)?).await
        };
        self.pool.answer(Lane::Exports, output, work).await
    }

    pub(crate) async fn export_whole_runs(
        &self,
        snapshot: Snapshot,
        selection: Selection,
    ) -> Result<RunStream> {
        let engine = self.clone();
        let work = async move { engine.selected_runs(snapshot, &selection).await };
        self.pool.stream(Lane::Exports, work, |batch| decode(&batch)).await
    }

    /// The rows of runs that a selection holds, with all columns.
    async fn selected_runs(&self, snapshot: Snapshot, selection: &Selection) -> Result<Batches> {
        let condition = match &selection.filter {
            Some(filter) => {
                Some(Translator::new(self, &snapshot, &selection.scope).run(filter).await?.is_true())
            }
            None => None,
        };
        let table = RunsTable::new(snapshot, selection.scope.project_ids.clone(), selection.range);
        let mut frame = self
            .export_context()
            .read_table(Arc::new(table))
            .and_then(|frame| frame.filter(in_scope(&selection.scope, selection.range)))
            .context(ErrorKind::Internal, planning)?;
        if let Some(condition) = condition {
            frame = frame.filter(condition).context(ErrorKind::Internal, planning)?;
        }
        stream(frame).await
    }

    /// One partition and small batches: an export takes its time and little memory.
    fn export_context(&self) -> SessionContext {
        let mut config = SessionConfig::new()
            .with_collect_statistics(false)
            .with_target_partitions(1)
            .with_batch_size(BATCH_ROWS);
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

async fn stream(frame: DataFrame) -> Result<Batches> {
    let of_engine = |err| Error::of_engine(err, planning);
    let context = with_own_share(frame.task_ctx());
    let plan = frame.create_physical_plan().await.map_err(of_engine)?;
    let plan = CutExec::by_said(as_they_come(plan).map_err(of_engine)?, BATCH_TEXT_BYTES);
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
