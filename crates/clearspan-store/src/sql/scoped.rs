//! Tables that show one workspace only.
//!
//! [`ScopedTable`] stands between a session and a table of the store. Its scans end in a [`ScopeExec`], which looks at the
//! ids of every row and lets pass those of the scope, whatever the scan below it made of the filters that it was given. Only
//! filters that cannot fail go below it: an expression that fails on some rows would tell about rows that it must not see.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, FixedSizeBinaryArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use clearspan_model::ErrorKind;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result as DfResult, ScalarValue};
use datafusion::datasource::TableType;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown, lit};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties as _, PlanProperties,
};
use futures::StreamExt as _;

use super::functions::Lookup;
use crate::store::Scope;
use crate::{Error, Result};

const WORKSPACE: &str = "workspace_id";
const PROJECT: &str = "project_id";

/// A table without the rows of others.
#[derive(Debug)]
pub(super) struct ScopedTable {
    inner: Arc<dyn TableProvider>,
    scope: Arc<Scope>,
}

impl ScopedTable {
    pub(super) fn new(inner: Arc<dyn TableProvider>, scope: Arc<Scope>) -> Self {
        Self { inner, scope }
    }

    /// What the scan may use to skip: the scope itself, and those of the user's conditions that cannot fail.
    fn hints(&self, filters: &[Expr]) -> Vec<Expr> {
        let workspace = ScalarValue::FixedSizeBinary(16, Some(self.scope.workspace_id.as_bytes().to_vec()));
        let mut hints = vec![datafusion::prelude::ident(WORKSPACE).eq(lit(workspace))];
        if let Some(ids) = &self.scope.project_ids {
            let id = |id: &clearspan_model::ProjectId| {
                lit(ScalarValue::FixedSizeBinary(16, Some(id.as_bytes().to_vec())))
            };
            hints.push(datafusion::prelude::ident(PROJECT).in_list(ids.iter().map(id).collect(), false));
        }
        hints.extend(filters.iter().filter_map(hint));
        hints
    }
}

#[async_trait]
impl TableProvider for ScopedTable {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DfResult<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| match hint(filter) {
            Some(_) => TableProviderFilterPushDown::Inexact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let schema = self.inner.schema();
        let wanted = projection.cloned().unwrap_or_else(|| (0..schema.fields().len()).collect());
        let mut read = wanted.clone();
        let project = self.scope.project_ids.as_ref().map(|_| PROJECT);
        for name in std::iter::once(WORKSPACE).chain(project) {
            let place = schema.index_of(name)?;
            if !read.contains(&place) {
                read.push(place);
            }
        }
        let input = self.inner.scan(state, Some(&read), &self.hints(filters), None).await?;
        Ok(Arc::new(ScopeExec::try_new(input, Arc::clone(&self.scope), wanted.len())?))
    }
}

/// What of a condition the scan below may evaluate early: comparisons of columns with constants, which cannot fail.
fn hint(filter: &Expr) -> Option<Expr> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right }) => {
            let (left, right) = (hint(left), hint(right));
            match (op, left, right) {
                (_, Some(left), Some(right)) => {
                    Some(if *op == Operator::And { left.and(right) } else { left.or(right) })
                }
                // Of two conditions that must hold one is enough to skip by.
                (Operator::And, one, other) => one.or(other),
                _ => None,
            }
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if compares(*op) => {
            if let Some(found) = looked_up(left, *op, right) {
                return Some(found);
            }
            (is_plain(left) && is_plain(right)).then(|| filter.clone())
        }
        Expr::InList(list) => {
            let all_plain = is_plain(&list.expr) && list.list.iter().all(is_plain);
            if all_plain {
                return Some(filter.clone());
            }
            let (column, lookup) = lookup_of(&list.expr)?;
            let ids: Option<Vec<Expr>> =
                list.list.iter().map(|item| Some(lit(lookup.find(text_of(item)?)))).collect();
            // What is not among them may be anything.
            (!list.negated).then(|| Some(column.in_list(ids?, false)))?
        }
        Expr::IsNull(inner) | Expr::IsNotNull(inner) => {
            matches!(**inner, Expr::Column(_)).then(|| filter.clone())
        }
        Expr::Not(inner) => {
            // The negation of a weaker condition would be too strong, so it must be the whole condition.
            hint(inner).filter(|found| found == &**inner).map(|_| filter.clone())
        }
        Expr::Like(like) => {
            (matches!(*like.expr, Expr::Column(_)) && is_plain(&like.pattern)).then(|| filter.clone())
        }
        Expr::Column(_) => Some(filter.clone()),
        _ => None,
    }
}

/// `id_text(column) = '…'` as a comparison of the column itself.
fn looked_up(left: &Expr, op: Operator, right: &Expr) -> Option<Expr> {
    if op != Operator::Eq {
        return None;
    }
    let ((column, lookup), text) = match (lookup_of(left), lookup_of(right)) {
        (Some(found), None) => (found, text_of(right)?),
        (None, Some(found)) => (found, text_of(left)?),
        _ => return None,
    };
    Some(column.eq(lit(lookup.find(text))))
}

/// A call of a function that can be turned round, on a column.
fn lookup_of(expr: &Expr) -> Option<(Expr, &Lookup)> {
    let Expr::ScalarFunction(call) = expr else { return None };
    let lookup = call.func.inner().downcast_ref::<Lookup>()?;
    match call.args.as_slice() {
        [column @ Expr::Column(_)] => Some((column.clone(), lookup)),
        _ => None,
    }
}

fn text_of(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(value, _) => value.try_as_str().flatten(),
        _ => None,
    }
}

fn compares(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// A column or a constant; a column in another type, where the change cannot fail.
fn is_plain(expr: &Expr) -> bool {
    match expr {
        Expr::Column(_) | Expr::Literal(..) => true,
        Expr::TryCast(cast) => matches!(*cast.expr, Expr::Column(_)),
        _ => false,
    }
}

/// Lets pass the rows of a scope, without the columns that only it needs.
#[derive(Debug)]
pub(super) struct ScopeExec {
    input: Arc<dyn ExecutionPlan>,
    gate: Gate,
    properties: Arc<PlanProperties>,
}

/// What it looks at, and what it gives.
#[derive(Debug, Clone)]
struct Gate {
    scope: Arc<Scope>,
    workspace: usize,
    /// Only where not all projects of the workspace belong to the scope.
    project: Option<usize>,
    /// The first columns of the input.
    schema: SchemaRef,
}

impl ScopeExec {
    /// `width` is how many of the input's columns are wanted above.
    fn try_new(input: Arc<dyn ExecutionPlan>, scope: Arc<Scope>, width: usize) -> DfResult<Self> {
        let below = input.schema();
        let fields: Vec<_> = below.fields().iter().take(width).cloned().collect();
        let schema = Arc::new(Schema::new(fields));
        let partitions = input.output_partitioning().partition_count();
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(partitions),
            input.pipeline_behavior(),
            input.boundedness(),
        ));
        let workspace = below.index_of(WORKSPACE)?;
        let project = scope.project_ids.as_ref().map(|_| below.index_of(PROJECT)).transpose()?;
        Ok(Self { input, gate: Gate { scope, workspace, project, schema }, properties })
    }
}

impl Gate {
    /// The rows of a batch that belong to the scope.
    fn admit(&self, batch: &RecordBatch) -> DfResult<RecordBatch> {
        let workspaces = batch.column(self.workspace).as_fixed_size_binary();
        let projects = self.project.map(|place| batch.column(place).as_fixed_size_binary());
        let mine = self.scope.workspace_id.as_bytes();
        let columns = batch.columns()[..self.schema.fields().len()].to_vec();
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let narrow = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?;
        // Mostly, all rows are of the workspace, and all of its projects are wanted.
        if projects.is_none() && is_everywhere(workspaces, mine) {
            return Ok(narrow);
        }
        let is_mine = |row: usize| {
            workspaces.is_valid(row)
                && workspaces.value(row) == mine
                && self.scope.project_ids.as_ref().is_none_or(|ids| {
                    projects.is_some_and(|projects| {
                        projects.is_valid(row) && ids.iter().any(|id| id.as_bytes() == projects.value(row))
                    })
                })
        };
        let mask: BooleanArray = (0..batch.num_rows()).map(|row| Some(is_mine(row))).collect();
        if mask.true_count() == batch.num_rows() {
            return Ok(narrow);
        }
        Ok(filter_record_batch(&narrow, &mask)?)
    }
}

/// Whether an id is that of every row.
fn is_everywhere(ids: &FixedSizeBinaryArray, id: &[u8; 16]) -> bool {
    let (all, rest) = ids.value_data().as_chunks();
    ids.null_count() == 0 && rest.is_empty() && all.len() == ids.len() && all.iter().all(|other| other == id)
}

impl DisplayAs for ScopeExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScopeExec")
    }
}

impl ExecutionPlan for ScopeExec {
    fn name(&self) -> &'static str {
        "ScopeExec"
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.gate.schema)
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let input = children.pop().ok_or_else(|| super::external(lost("a scoped scan without its input")))?;
        let width = self.gate.schema.fields().len();
        Ok(Arc::new(Self::try_new(input, Arc::clone(&self.gate.scope), width)?))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let children_properties =
            datafusion::physical_plan::execution_plan::ChildrenPropertiesMode::Recompute;
        self.replace_children(children, ReplaceChildrenOptions::new(children_properties))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let gate = self.gate.clone();
        let stream = input.map(move |batch| gate.admit(&batch?));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), stream)))
    }
}

/// Makes sure that every scan of a plan lies below a [`ScopeExec`] of this scope.
pub(super) fn check(plan: &Arc<dyn ExecutionPlan>, scope: &Scope) -> Result<()> {
    if let Some(fence) = plan.downcast_ref::<ScopeExec>() {
        return match *fence.gate.scope == *scope {
            true => Ok(()),
            false => Err(lost("a scan of another scope")),
        };
    }
    let children = plan.children();
    if children.is_empty() && !READS_NOTHING.contains(&plan.name()) {
        tracing::error!(operator = plan.name(), "a statement was planned with a scan outside of its scope");
        let what = format!("the statement needs {} outside of the scope, which is not offered", plan.name());
        return Err(super::refused(what, None));
    }
    children.into_iter().try_for_each(|child| check(child, scope))
}

/// Leaves of plans that read no table: no rows, one row, numbers that count up, and what a recursive query made before.
const READS_NOTHING: &[&str] =
    &["EmptyExec", "PlaceholderRowExec", "LazyMemoryExec", "WorkTableExec", "ExplainExec"];

/// The statement was planned in a way that this module did not foresee. It must not run.
fn lost(what: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("a statement was planned with {what}; it was not run"))
}

#[cfg(test)]
mod tests;
