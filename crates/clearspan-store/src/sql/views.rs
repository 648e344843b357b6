//! The tables as users see them: ids and projects as text, payloads as JSON, times without gaps.
//!
//! Which column shows what is declared by [`run_columns`], [`record_columns`] and [`TRACE_COLUMNS`]; `DESCRIBE` and the
//! documentation say what the declarations of the stored columns say.

use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::common::{DataFusionError, Result as DfResult};
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions_aggregate::expr_fn::{bool_or, count, max, min};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit, try_cast, when};
use datafusion::prelude::ident;
use futures::StreamExt as _;

use super::functions::{ProjectNames, hex_text, project_name, uuid_text};
use super::payload::{inputs_text, outputs_text};
use super::scoped::ScopedTable;
use super::{Batches, SqlTable, Tables, refused};
use crate::schema::logs::LogCol;
use crate::schema::points::PointCol;
use crate::schema::{Col, Column, Kind, TableColumn};
use crate::store::Scope;
use crate::{Result, summarize, sums};

pub(super) const CATALOG: &str = "clearspan";
pub(super) const SCHEMA: &str = "public";
pub(super) const NAMES: &[&str] = &["runs", "traces", "logs", "metric_points"];

/// What each of [`NAMES`] is.
const DOCS: &[&str] = &[
    "One row a run: a model call, a tool call, a step.",
    "One row a trace: the runs of one request, summed up.",
    "OpenTelemetry log records.",
    "Points of OpenTelemetry metrics.",
];

const PROJECT_DOC: &str = "The project's name.";

/// A column of a view.
struct ViewColumn {
    name: &'static str,
    expr: Expr,
    doc: &'static str,
}

/// The views of one scope.
#[derive(Debug)]
pub(super) struct Views {
    tables: Tables,
    scope: Arc<Scope>,
    names: ProjectNames,
}

impl Views {
    pub(super) fn new(tables: Tables, scope: Scope, names: ProjectNames) -> Self {
        Self { tables, scope: Arc::new(scope), names }
    }

    fn scan(&self, name: &str, table: &Arc<dyn TableProvider>) -> DfResult<LogicalPlanBuilder> {
        let scoped = ScopedTable::new(Arc::clone(table), Arc::clone(&self.scope));
        LogicalPlanBuilder::scan(name, provider_as_source(Arc::new(scoped)), None)
    }

    fn plan(&self, name: &str) -> DfResult<Option<LogicalPlan>> {
        let (table, columns) = match name {
            "runs" => (&self.tables.runs, run_columns(&self.names)),
            "logs" => (&self.tables.logs, record_columns::<LogCol>(&self.names)),
            "metric_points" => (&self.tables.points, record_columns::<PointCol>(&self.names)),
            "traces" => return self.traces().map(Some),
            _ => return Ok(None),
        };
        self.scan(name, table)?.project(aliased(columns))?.build().map(Some)
    }

    /// One row a trace, with the totals that lists show.
    fn traces(&self) -> DfResult<LogicalPlan> {
        let groups = vec![ident("project_id"), ident("trace_id")];
        let (shown, totals): (Vec<ViewColumn>, Vec<Expr>) = trace_columns(&self.names)?;
        self.scan("traces", &self.tables.runs)?.aggregate(groups, totals)?.project(aliased(shown))?.build()
    }
}

fn aliased(columns: Vec<ViewColumn>) -> Vec<Expr> {
    columns.into_iter().map(|column| column.expr.alias(column.name)).collect()
}

#[async_trait]
impl SchemaProvider for Views {
    fn table_names(&self) -> Vec<String> {
        NAMES.iter().map(|name| (*name).to_owned()).collect()
    }

    async fn table(&self, name: &str) -> DfResult<Option<Arc<dyn TableProvider>>> {
        let view =
            self.plan(name)?.map(|plan| Arc::new(ViewTable::new(plan, None)) as Arc<dyn TableProvider>);
        Ok(view)
    }

    fn table_exist(&self, name: &str) -> bool {
        NAMES.contains(&name)
    }
}

/// A stored column as it is shown.
fn shown(column: &'static Column) -> ViewColumn {
    let raw = ident(column.name);
    let expr = match column.kind {
        Kind::Id16 => uuid_text().call(vec![raw]),
        Kind::Id8 => hex_text(8).call(vec![raw]),
        // Signed, so that differences may be negative. Counts beyond 2^63 are nobody's.
        Kind::Count => try_cast(raw, DataType::Int64),
        _ => raw,
    };
    ViewColumn { name: column.name, expr, doc: column.doc }
}

fn project_column(names: &ProjectNames) -> ViewColumn {
    let expr = project_name(names.clone()).call(vec![ident("project_id")]);
    ViewColumn { name: "project", expr, doc: PROJECT_DOC }
}

fn or_else(column: Col, default: &str) -> Expr {
    coalesce(vec![cast(ident(column.name()), DataType::Utf8), lit(default)])
}

fn run_columns(names: &ProjectNames) -> Vec<ViewColumn> {
    let mut columns = vec![project_column(names)];
    for (place, column) in Col::COLUMNS.iter().enumerate() {
        let is = |col: Col| col.place() == place;
        // What only the store needs, and what is shown in another form.
        if [Col::workspace_id, Col::time, Col::said_status, Col::said_total_tokens, Col::fragments]
            .into_iter()
            .any(is)
            || [Col::input_rest, Col::output_rest, Col::version, Col::older_versions].into_iter().any(is)
        {
            continue;
        }
        let ViewColumn { name, expr, doc } = shown(column);
        let payload = |udf: datafusion::logical_expr::ScalarUDF, messages: Col, rest: Col| {
            udf.call(vec![ident(messages.name()), ident(rest.name()), ident(Col::fragments.name())])
        };
        columns.push(if is(Col::input_messages) {
            let expr = payload(inputs_text(), Col::input_messages, Col::input_rest);
            ViewColumn { name: "inputs", expr, doc: "What went in: JSON with messages and rest." }
        } else if is(Col::output_messages) {
            let expr = payload(outputs_text(), Col::output_messages, Col::output_rest);
            ViewColumn { name: "outputs", expr, doc: "What came out: JSON with messages and rest." }
        } else if is(Col::start_time) {
            let doc = "When the work began; when the server first heard of it, where nobody said.";
            ViewColumn { name, expr: ident(Col::time.name()), doc }
        } else if is(Col::name) {
            ViewColumn { name, expr: or_else(Col::name, summarize::UNNAMED), doc }
        } else if is(Col::run_type) {
            let doc = "llm, chain, tool, retriever, embedding, prompt or parser.";
            ViewColumn { name, expr: or_else(Col::run_type, "chain"), doc }
        } else {
            ViewColumn { name, expr, doc }
        });
        if is(Col::end_time) {
            let expr = millis(ident(Col::time.name()), ident(Col::end_time.name()));
            let doc = "Milliseconds from start to end; null while it runs.";
            columns.push(ViewColumn { name: "latency_ms", expr, doc });
        }
    }
    columns
}

/// Milliseconds between two times; zero where the clock went backwards.
fn millis(from: Expr, to: Expr) -> Expr {
    let nanos = |time: Expr| cast(time, DataType::Int64);
    let millis = cast(nanos(to) - nanos(from), DataType::Float64) / lit(1_000_000.0_f64);
    let is_negative = millis.clone().lt(lit(0.0_f64));
    when(is_negative, lit(0.0_f64)).otherwise(millis).expect("both branches are numbers")
}

fn record_columns<C: TableColumn>(names: &ProjectNames) -> Vec<ViewColumn> {
    let mut columns = vec![project_column(names)];
    for column in C::COLUMNS.iter().filter(|column| column.name != "workspace_id") {
        columns.push(match column.name {
            "id" => ViewColumn { expr: hex_text(16).call(vec![ident("id")]), ..shown(column) },
            _ => shown(column),
        });
    }
    columns
}

/// The columns of `traces`, and the aggregates that they are made of.
fn trace_columns(names: &ProjectNames) -> DfResult<(Vec<ViewColumn>, Vec<Expr>)> {
    let col = |col: Col| ident(col.name());
    let sum = |of: Expr| sums::refusing().call(vec![of]);
    let text = |column: Col| cast(col(column), DataType::Utf8);
    let is_root = || col(Col::is_trace_root);
    let of_root = |value: Expr| Ok::<_, DataFusionError>(max(when(is_root(), value).end()?));
    let billed = |flag: Col, value: Expr| Ok::<_, DataFusionError>(sum(when(col(flag), value).end()?));
    let tokens = |column: Col| billed(Col::tokens_billed, try_cast(col(column), DataType::Int64));
    let ones = |condition: Expr| sum(cast(condition.is_true(), DataType::Int64));
    let failed = ones(col(Col::status).eq(lit("error")).and(col(Col::double_of).is_null()));
    let totals: Vec<(&'static str, &'static str, Expr)> = vec![
        ("name", "The name of its root.", of_root(or_else(Col::name, summarize::UNNAMED))?),
        ("status", "The status of its root.", of_root(text(Col::status))?),
        ("error", "The error of its root.", of_root(col(Col::error))?),
        ("start_time", "When its first run began.", min(col(Col::time))),
        ("end_time", "When its last run ended; null while it is pending.", max(col(Col::end_time))),
        ("run_count", "How many runs it has.", count(lit(1))),
        ("error_count", "How many of them failed; a call that two runs tell of counts once.", failed),
        (
            "total_cost",
            "Dollars of its billed runs; null means unknown.",
            billed(Col::cost_billed, col(Col::total_cost))?,
        ),
        (
            "input_cost",
            "Dollars for the input of its billed runs, as far as known.",
            billed(Col::cost_billed, col(Col::input_cost))?,
        ),
        (
            "output_cost",
            "Dollars for the output of its billed runs, as far as known.",
            billed(Col::cost_billed, col(Col::output_cost))?,
        ),
        ("unpriced_count", "How many runs should have a cost and have none.", ones(col(Col::cost_gap))),
        ("input_tokens", "Tokens in, of billed runs.", tokens(Col::input_tokens)?),
        ("output_tokens", "Tokens out, of billed runs.", tokens(Col::output_tokens)?),
        ("total_tokens", "All tokens of billed runs.", tokens(Col::total_tokens)?),
        ("root_thread", "", of_root(col(Col::thread_id))?),
        ("any_thread", "", min(col(Col::thread_id))),
        ("root_user", "", of_root(col(Col::user_id))?),
        ("any_user", "", min(col(Col::user_id))),
        ("environment", "The environment of its root.", of_root(text(Col::environment))?),
        ("service", "The service of its root.", of_root(text(Col::service))?),
        ("input_preview", "The beginning of the root's input.", of_root(col(Col::input_preview))?),
        ("output_preview", "The beginning of the root's output.", of_root(col(Col::output_preview))?),
        ("is_complete", "Whether its root is here.", bool_or(is_root())),
    ];
    let mut columns = vec![project_column(names)];
    columns.extend([Col::project_id, Col::trace_id].map(|key| shown(&Col::COLUMNS[key.place()])));
    let ended = || when(ident("status").eq(lit("pending")).is_not_true(), ident("end_time")).end();
    let either = |one: &str, other: &str| coalesce(vec![ident(one), ident(other)]);
    for (name, doc, _) in &totals {
        match *name {
            "root_thread" => columns.push(ViewColumn {
                name: "thread_id",
                expr: either("root_thread", "any_thread"),
                doc: "The conversation that its root names, else one that another run names.",
            }),
            "root_user" => columns.push(ViewColumn {
                name: "user_id",
                expr: either("root_user", "any_user"),
                doc: "The user that its root names, else one that another run names.",
            }),
            "any_thread" | "any_user" => {}
            "end_time" => columns.push(ViewColumn { name, expr: ended()?, doc }),
            _ => columns.push(ViewColumn { name, expr: ident(*name), doc }),
        }
        if *name == "end_time" {
            let expr = millis(ident("start_time"), ended()?);
            columns.push(ViewColumn {
                name: "latency_ms",
                expr,
                doc: "Milliseconds from the first start to the last end; null while it is pending.",
            });
        }
    }
    Ok((columns, totals.into_iter().map(|(name, _, expr)| expr.alias(name)).collect()))
}

/// The answer to `SHOW TABLES`.
pub(super) fn list_tables() -> Result<Batches> {
    texts(&[("table_name", NAMES.to_vec()), ("description", DOCS.to_vec())])
}

/// The answer to `DESCRIBE`.
pub(super) fn list_columns(table: &str) -> Result<Batches> {
    let columns = described(&table.to_lowercase()).ok_or_else(|| {
        refused(format!("there is no table {table:?}; there are {}", NAMES.join(", ")), None)
    })?;
    let (mut names, mut kinds, mut docs) = (Vec::new(), Vec::new(), Vec::new());
    for (name, kind, doc) in &columns {
        names.push(name.as_str());
        kinds.push(kind.as_str());
        docs.push(doc.as_str());
    }
    texts(&[("column_name", names), ("type", kinds), ("description", docs)])
}

/// Name, meaning and columns of each view.
pub(crate) fn all() -> Vec<SqlTable> {
    let table =
        |(name, doc): (&&'static str, &&'static str)| (*name, *doc, described(name).unwrap_or_default());
    NAMES.iter().zip(DOCS).map(table).collect()
}

/// Name, type and meaning of each column of a view.
fn described(table: &str) -> Option<Vec<(String, String, String)>> {
    let empty = |schema: &arrow::datatypes::SchemaRef| {
        Arc::new(datafusion::datasource::empty::EmptyTable::new(Arc::clone(schema))) as Arc<dyn TableProvider>
    };
    let tables = Tables {
        runs: empty(Col::schema()),
        logs: empty(LogCol::schema()),
        points: empty(PointCol::schema()),
    };
    let names = ProjectNames::new(&[]);
    let docs: Vec<&'static str> = match table {
        "runs" => run_columns(&names).iter().map(|column| column.doc).collect(),
        "logs" => record_columns::<LogCol>(&names).iter().map(|column| column.doc).collect(),
        "metric_points" => record_columns::<PointCol>(&names).iter().map(|column| column.doc).collect(),
        "traces" => trace_columns(&names).ok()?.0.iter().map(|column| column.doc).collect(),
        _ => return None,
    };
    let scope = Scope { workspace_id: clearspan_model::WorkspaceId::NIL, project_ids: None };
    let plan = Views::new(tables, scope, names).plan(table).ok()??;
    let fields = plan.schema().fields().iter().zip(docs);
    let row = |(field, doc): (&Arc<Field>, &'static str)| {
        let doc = doc.strip_prefix("Derived: ").unwrap_or(doc);
        (field.name().clone(), super::encode::type_name(field.data_type()), doc.to_owned())
    };
    Some(fields.map(row).collect())
}

fn texts(columns: &[(&str, Vec<&str>)]) -> Result<Batches> {
    let fields: Vec<Field> =
        columns.iter().map(|(name, _)| Field::new(*name, DataType::Utf8, false)).collect();
    let schema = Arc::new(Schema::new(fields));
    let arrays = columns.iter().map(|(_, texts)| Arc::new(StringArray::from(texts.clone())) as _);
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays.collect()).expect("columns of one length");
    Ok(Batches { schema, stream: futures::stream::iter([Ok(batch)]).boxed() })
}
