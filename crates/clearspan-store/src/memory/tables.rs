//! The map as tables, for statements and exports.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, BooleanArray, FixedSizeBinaryArray, RecordBatch};
use clearspan_model::{ErrorKind, Run, RunKey};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use futures::StreamExt as _;

use super::{MemoryStore, Trace};
use crate::error::Context;
use crate::pool::{Lane, Output, PoolConfig, QueryPool};
use crate::schema::encode::encode_runs;
use crate::schema::logs::encode_logs;
use crate::schema::points::encode_points;
use crate::schema::{Col, SCHEMA, TableColumn as _};
use crate::sql::{Batches, SqlQuery, TableAnswer, Tables};
use crate::store::{ExportQuery, ExportTable, ExportedRun, RunStream, Scope, Selection};
use crate::{Error, Result, RunSummary, sql, summarize};

const POOL_BYTES: usize = 64 << 20;

/// Threads for statements, started for the first.
pub(super) type LazyPool = OnceLock<Arc<QueryPool>>;

/// What a column of flags says of a run, given its summary and whether it is the root of its trace.
type Flag<'a> = &'a dyn Fn(&(RunSummary, bool)) -> bool;

impl MemoryStore {
    fn pool(&self) -> Result<Arc<QueryPool>> {
        if let Some(pool) = self.pool.get() {
            return Ok(Arc::clone(pool));
        }
        let pool = QueryPool::open(&PoolConfig { memory_bytes: POOL_BYTES, spill_dir: None })?;
        Ok(Arc::clone(self.pool.get_or_init(|| Arc::new(pool))))
    }

    pub(super) async fn answer(&self, query: SqlQuery) -> Result<TableAnswer> {
        let pool = self.pool()?;
        let tables = self.tables()?;
        let output = Output { format: query.format, max_rows: query.max_rows, timeout: Some(query.timeout) };
        let env = Arc::clone(pool.env());
        pool.answer(Lane::Statements, output, async move { sql::run(tables, &env, &query).await }).await
    }

    pub(super) async fn export_table(&self, query: ExportQuery) -> Result<TableAnswer> {
        let batch = match query.table {
            ExportTable::Runs => {
                let wanted = self.selected_keys(&query.selection);
                self.run_batch(|run| wanted.contains_key(&run.key))?
            }
            _ if query.selection.filter.is_some() => {
                return Err(Error::new(ErrorKind::InvalidInput, "a filter selects runs"));
            }
            ExportTable::Logs => {
                let records = self.records.read();
                let Selection { scope, range, .. } = &query.selection;
                encode_logs(records.logs_where(scope, *range).into_iter())
            }
            ExportTable::MetricPoints => {
                let records = self.records.read();
                let Selection { scope, range, .. } = &query.selection;
                encode_points(records.points_where(scope, *range).into_iter())
            }
        };
        let output = Output { format: query.format, max_rows: None, timeout: None };
        let batches = Batches { schema: batch.schema(), stream: futures::stream::iter([Ok(batch)]).boxed() };
        self.pool()?.answer(Lane::Exports, output, async move { Ok(batches) }).await
    }

    pub(super) fn whole_runs(&self, selection: &Selection) -> RunStream {
        let wanted = self.selected_keys(selection);
        let runs = self.find_runs(|key| wanted.contains_key(key)).into_iter().map(|run| {
            let summary = &wanted[&run.key];
            ExportedRun { double_of: summary.double_of, is_transport: summary.is_transport, run }
        });
        futures::stream::iter([Ok(runs.collect())]).boxed()
    }

    fn selected_keys(&self, selection: &Selection) -> HashMap<RunKey, RunSummary> {
        let workspace_id = selection.scope.workspace_id;
        self.selected_runs(selection).into_iter().map(|run| (run.key(workspace_id), run)).collect()
    }

    fn tables(&self) -> Result<Tables> {
        let table = |batch: RecordBatch| -> Result<Arc<dyn TableProvider>> {
            let table = MemTable::try_new(batch.schema(), vec![vec![batch]]);
            Ok(Arc::new(table.context(ErrorKind::Internal, || "making a table".into())?))
        };
        let records = self.records.read();
        Ok(Tables {
            runs: table(self.run_batch(|_| true)?)?,
            logs: table(encode_logs(records.all_logs()))?,
            points: table(encode_points(records.all_points()))?,
        })
    }

    /// Runs as rows, with what their whole traces say of them.
    fn run_batch(&self, is_wanted: impl Fn(&Run) -> bool) -> Result<RecordBatch> {
        let runs = self.find_runs(|_| true);
        let mut verdicts: HashMap<RunKey, (RunSummary, bool)> = HashMap::new();
        let mut workspaces: Vec<_> = runs.iter().map(|run| run.key.workspace_id).collect();
        workspaces.sort_unstable();
        workspaces.dedup();
        for workspace_id in workspaces {
            for Trace { runs, .. } in self.traces(&Scope { workspace_id, project_ids: None }) {
                let root = summarize::root_of(&runs);
                for (idx, run) in runs.into_iter().enumerate() {
                    verdicts.insert(run.key(workspace_id), (run, Some(idx) == root));
                }
            }
        }
        let runs: Vec<Run> = runs.into_iter().filter(is_wanted).collect();
        let verdict = |run: &Run| &verdicts[&run.key];
        let mut columns = encode_runs(runs.iter()).columns().to_vec();
        let flags: [(Col, Flag<'_>); 4] = [
            (Col::tokens_billed, &|(run, _)| run.billed.tokens),
            (Col::cost_billed, &|(run, _)| run.billed.cost),
            (Col::cost_gap, &|(run, _)| run.billed.gap),
            (Col::is_trace_root, &|(_, is_root)| *is_root),
        ];
        for (col, flag) in flags {
            let values: BooleanArray = runs.iter().map(|run| Some(flag(verdict(run)))).collect();
            columns[col.place()] = Arc::new(values) as ArrayRef;
        }
        let doubles = runs.iter().map(|run| verdict(run).0.double_of.map(|id| *id.as_bytes()));
        let doubles = FixedSizeBinaryArray::try_from_sparse_iter_with_size(doubles, 16);
        columns[Col::double_of.place()] = Arc::new(doubles.expect("ids have sixteen bytes"));
        RecordBatch::try_new(Arc::clone(&SCHEMA), columns)
            .context(ErrorKind::Internal, || "making a table of runs".into())
    }
}
