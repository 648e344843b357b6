//! SQL over the tables of one workspace: read-only, bounded, and fenced in by structure instead of by text.
//!
//! A statement runs in a session of its own whose catalog holds nothing but what [`views`] makes: `runs`, `traces`,
//! `logs` and `metric_points`. Each is a view of a [`scoped::ScopedTable`], whose scans drop the rows of others before
//! any expression of the user sees them; before a plan runs, [`scoped::check`] makes sure that no scan lies outside of
//! one. [`statement`] refuses everything but one SELECT, EXPLAIN, DESCRIBE or SHOW. There is no way to name a file:
//! no URL tables, no table factories, no COPY.
//!
//! Time, rows and memory are bounded by the caller's limits and the pool that the session runs in
//! ([`crate::pool::QueryPool`]); the size of what functions make out of constants by [`limits`].

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use clearspan_model::{ErrorKind, ProjectId};
use datafusion::catalog::TableProvider;
use datafusion::error::DataFusionError;
use datafusion::execution::runtime_env::RuntimeEnv;
use futures::stream::{BoxStream, StreamExt as _};

use crate::store::Scope;
use crate::{Error, Result};

mod arithmetic;
mod attempt;
mod dates;
pub(crate) mod encode;
mod explain;
mod functions;
mod growth;
mod interrupt;
mod late;
mod limits;
mod payload;
mod scoped;
mod session;
mod statement;
mod views;

/// A statement and what it may cost.
#[derive(Debug, Clone)]
pub struct SqlQuery {
    /// Whose rows it may see.
    pub scope: Scope,
    /// The names of the scope's projects: what the column `project` shows.
    pub projects: Vec<(ProjectId, String)>,
    /// The statement.
    pub text: String,
    /// How the answer is written.
    pub format: TableFormat,
    /// Rows after which the answer is cut; `None` for all.
    pub max_rows: Option<usize>,
    /// How long it may take to its last row.
    pub timeout: Duration,
}

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// `{"columns": […], "rows": [[…], …], "row_count": 2, "is_cut": false}`.
    Json,
    /// One JSON object a line.
    JsonLines,
    /// Comma-separated, with a line of names. Cells that a spreadsheet would take for a formula begin with `'`.
    Csv,
    /// The same with every cell as it is.
    CsvRaw,
    /// A Parquet file.
    Parquet,
    /// An Arrow IPC stream.
    Arrow,
}

/// What a statement answered, on its way.
pub struct TableAnswer {
    /// The columns.
    pub columns: Vec<AnswerColumn>,
    /// The answer in the format that was asked for. An error in the middle means that it is not whole.
    pub body: BoxStream<'static, Result<Bytes>>,
}

impl std::fmt::Debug for TableAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableAnswer").field("columns", &self.columns).finish_non_exhaustive()
    }
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerColumn {
    /// Its name.
    pub name: String,
    /// Its type, in the words that `DESCRIBE` uses.
    pub kind: String,
}

/// Name and meaning of a table, and name, type and meaning of each of its columns.
pub type SqlTable = (&'static str, &'static str, Vec<(String, String, String)>);

/// The tables that statements see.
pub fn sql_tables() -> Vec<SqlTable> {
    views::all()
}

/// The tables that a session is made of, not yet scoped.
#[derive(Debug, Clone)]
pub(crate) struct Tables {
    pub(crate) runs: Arc<dyn TableProvider>,
    pub(crate) logs: Arc<dyn TableProvider>,
    pub(crate) points: Arc<dyn TableProvider>,
}

/// Batches of an answer, and what they are.
pub(crate) struct Batches {
    pub(crate) schema: SchemaRef,
    pub(crate) stream: BoxStream<'static, Result<RecordBatch>>,
}

/// Plans a statement and runs it up to its first rows. Must be called on a thread with a large stack: see [`limits`].
pub(crate) async fn run(tables: Tables, env: &Arc<RuntimeEnv>, query: &SqlQuery) -> Result<Batches> {
    let statement = match statement::parse(&query.text)? {
        statement::Parsed::Query(statement) => statement,
        statement::Parsed::Tables => return views::list_tables(),
        statement::Parsed::Columns(table) => return views::list_columns(&table),
    };
    let readable = |err| explain::readable(err, &query.text);
    let state = session::open(tables, env, &query.scope, &query.projects);
    let plan = state.statement_to_plan(statement).await.map_err(readable)?;
    statement::check_plan(&plan)?;
    let plan = match query.max_rows {
        // EXPLAIN must stay the root.
        Some(_) if matches!(plan, datafusion::logical_expr::LogicalPlan::Explain(_)) => plan,
        // One more, so that the writer knows whether the answer is cut.
        Some(rows) => datafusion::logical_expr::LogicalPlanBuilder::from(plan)
            .limit(0, Some(rows.saturating_add(1)))
            .and_then(datafusion::logical_expr::LogicalPlanBuilder::build)
            .map_err(readable)?,
        None => plan,
    };
    let stream = Box::pin(attempt::run(state, &plan, &query.scope)).await.map_err(readable)?;
    let (schema, text) = (stream.schema(), Arc::<str>::from(query.text.as_str()));
    let stream = stream.map(move |batch| batch.map_err(|err| explain::readable(err, &text)));
    Ok(Batches { schema, stream: stream.boxed() })
}

/// A complaint about the statement.
fn refused(message: impl Into<String>, position: Option<Range<usize>>) -> Error {
    Error::new(ErrorKind::InvalidInput, message).at(position)
}

/// Our own error as DataFusion's.
fn external(err: Error) -> DataFusionError {
    DataFusionError::External(Box::new(err))
}
