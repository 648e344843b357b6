//! Payloads late: where a statement sorts rows and keeps the first, only those have their payloads read.
//!
//! The engine makes all columns of all rows before it sorts, so fifty rows with what went in and out would cost the texts of all runs.
//! Such a statement goes in two steps. The first sorts the rows without their payloads and says which are kept, by their ids and the
//! time that they span. The second is the statement as it was, of which the scan gives the rows with these ids alone: conditions that go
//! below the fence of the scope ([`super::scoped`]) and let the files skip what they exclude.
//!
//! The answer is the same. Between the scan and the sort stand only projections and conditions whose answer depends on the row alone,
//! so what is sorted has one row for each that the scan gives, and the first of some rows that hold the first of all are the first of
//! all. That an id is not unique costs time only. Both steps read the same snapshot; each is planned and checked for its scope by
//! itself.

use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::TimestampNanosecondType;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Column, Result as DfResult, ScalarValue};
use datafusion::datasource::source_as_provider;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{
    Expr, Filter, LogicalPlan, LogicalPlanBuilder, Projection, Sort, SubqueryAlias, TableScan,
    TableScanBuilder, lit,
};
use rustc_hash::FxHashSet;

use super::scoped::ScopedTable;

/// Of more rows than these the list of ids takes longer than it saves.
const MOST_ROWS: usize = 20_000;

/// Columns that hold what users sent, of any size.
pub(super) const WIDE: &[&str] = &[
    "input_messages",
    "input_rest",
    "output_messages",
    "output_rest",
    "fragments",
    "metadata",
    "attributes",
    "events",
    "body",
];
/// The first of them are the largest by far: what a first step may not read if it is to save anything.
const TEXTS: usize = 5;

const ID: &str = "clearspan_late_id";
const TIME: &str = "clearspan_late_time";

/// A sort of which the first rows are kept, and that can go in two steps.
#[derive(Debug)]
pub(super) struct Late {
    sort: LogicalPlan,
    /// The first step: the ids and times of the rows that are kept.
    pub(super) keys: LogicalPlan,
}

/// Those of an optimised plan, in the order of a walk from its root.
pub(super) fn found(state: &SessionState, plan: &LogicalPlan) -> DfResult<Vec<Late>> {
    let mut found = Vec::new();
    // EXPLAIN tells of the statement as it stands.
    if matches!(plan, LogicalPlan::Explain(_)) {
        return Ok(found);
    }
    plan.apply(|node| {
        let LogicalPlan::Sort(sort) = node else { return Ok(TreeNodeRecursion::Continue) };
        if is_of_single_rows(sort)
            // What cannot be planned so goes as it was.
            && let Ok(keys) = keys_of(sort).and_then(|keys| state.optimize(&keys))
            && saves(&wide_columns(node), &wide_columns(&keys))
        {
            found.push(Late { sort: node.clone(), keys });
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// The plan with the rows that a first step found in the place of all, for each sort that has one.
pub(super) fn narrowed(plan: LogicalPlan, found: Vec<(Late, Vec<RecordBatch>)>) -> DfResult<LogicalPlan> {
    let mut found = found.into_iter().peekable();
    plan.transform_down(|node| {
        let Some((_, rows)) = found.next_if(|(late, _)| late.sort == node) else {
            return Ok(Transformed::no(node));
        };
        let LogicalPlan::Sort(Sort { expr, input, fetch }) = node else { return Ok(Transformed::no(node)) };
        let input = input.as_ref().clone().transform_up(|node| match node {
            LogicalPlan::TableScan(scan) => only(scan, &rows).map(Transformed::yes),
            other => Ok(Transformed::no(other)),
        });
        Ok(Transformed::yes(LogicalPlan::Sort(Sort { expr, input: input.data()?.into(), fetch })))
    })
    .data()
}

/// Whether each row that is sorted is made of one row of a table of ours, and of nothing else.
fn is_of_single_rows(sort: &Sort) -> bool {
    let may_be_many = sort.fetch.is_none_or(|rows| rows > MOST_ROWS);
    if may_be_many || !sort.expr.iter().all(|key| depends_on_its_row(&key.expr)) {
        return false;
    }
    let mut below = &sort.input;
    loop {
        below = match &**below {
            LogicalPlan::Projection(node) if node.expr.iter().all(depends_on_its_row) => &node.input,
            LogicalPlan::Filter(node) if depends_on_its_row(&node.predicate) => &node.input,
            LogicalPlan::SubqueryAlias(node) => &node.input,
            LogicalPlan::TableScan(scan) => return scan.fetch.is_none() && row_keys(scan).is_some(),
            _ => return false,
        }
    }
}

/// Whether an expression gives the same for the same row, whenever it is asked.
fn depends_on_its_row(expr: &Expr) -> bool {
    let mut does = true;
    let walked = expr.apply(|part| {
        does &= !part.is_volatile_node()
            && !matches!(
                part,
                Expr::ScalarSubquery(_)
                    | Expr::InSubquery(_)
                    | Expr::Exists(_)
                    | Expr::SetComparison(_)
                    | Expr::OuterReferenceColumn(..)
                    | Expr::Unnest(_)
            );
        Ok(if does { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    walked.is_ok() && does
}

/// The columns of the id and of the time of a row of the table.
fn row_keys(scan: &TableScan) -> Option<[Expr; 2]> {
    let provider = source_as_provider(&scan.source).ok()?;
    provider.downcast_ref::<ScopedTable>()?;
    let schema = provider.schema();
    let column = |name: &str| Expr::Column(Column::new(Some(scan.table_name.clone()), name));
    let has = |name: &str| schema.field_with_name(name).is_ok_and(|field| !field.is_nullable());
    let id = ["run_id", "id"].into_iter().find(|name| has(name))?;
    has("time").then(|| [column(id), column("time")])
}

/// The wide columns that the scans of a plan read.
fn wide_columns(plan: &LogicalPlan) -> FxHashSet<&'static str> {
    let mut wide = FxHashSet::default();
    let walked = plan.apply(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let has = |name: &&str| scan.projected_schema.has_column_with_unqualified_name(name);
            wide.extend(WIDE.iter().copied().filter(has));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok(), "the walk does not fail");
    wide
}

/// Whether to read `few` columns of all rows and all of a few takes less than all of all.
fn saves(all: &FxHashSet<&str>, few: &FxHashSet<&str>) -> bool {
    let has_texts = |columns: &FxHashSet<&str>| WIDE[..TEXTS].iter().any(|text| columns.contains(text));
    if has_texts(all) { !has_texts(few) } else { !all.is_empty() && few.is_empty() }
}

/// The sort with the keys of its rows alone.
fn keys_of(sort: &Sort) -> DfResult<LogicalPlan> {
    let input = with_keys(&sort.input)?;
    let keys = keys_in(&input);
    let sorted = LogicalPlan::Sort(Sort { expr: sort.expr.clone(), input: input.into(), fetch: sort.fetch });
    LogicalPlanBuilder::from(sorted).project(keys)?.build()
}

/// The same rows with their keys behind their columns.
fn with_keys(plan: &LogicalPlan) -> DfResult<LogicalPlan> {
    Ok(match plan {
        LogicalPlan::Projection(node) => {
            let input = with_keys(&node.input)?;
            let columns = node.expr.iter().cloned().chain(keys_in(&input)).collect();
            LogicalPlan::Projection(Projection::try_new(columns, input.into())?)
        }
        LogicalPlan::Filter(node) => {
            LogicalPlan::Filter(Filter::try_new(node.predicate.clone(), with_keys(&node.input)?.into())?)
        }
        LogicalPlan::SubqueryAlias(node) => {
            let input = with_keys(&node.input)?.into();
            LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(input, node.alias.clone())?)
        }
        LogicalPlan::TableScan(scan) => {
            let Some([id, time]) = row_keys(scan) else {
                return datafusion::common::internal_err!("a table without ids");
            };
            let columns = columns_of(scan).chain([id.alias(ID), time.alias(TIME)]);
            LogicalPlanBuilder::from(all_columns(scan.clone())?).project(columns)?.build()?
        }
        other => return datafusion::common::internal_err!("no rows of a table: {}", other.display()),
    })
}

/// The last two columns of a plan, which [`with_keys`] added.
fn keys_in(plan: &LogicalPlan) -> Vec<Expr> {
    let columns = plan.schema().columns();
    columns.into_iter().rev().take(2).rev().map(Expr::Column).collect()
}

fn columns_of(scan: &TableScan) -> impl Iterator<Item = Expr> + use<> {
    scan.projected_schema.columns().into_iter().map(Expr::Column)
}

fn all_columns(scan: TableScan) -> DfResult<LogicalPlan> {
    Ok(LogicalPlan::TableScan(TableScanBuilder::from(scan).with_projection(None).build()?))
}

/// What a scan gives of the rows that a first step found.
fn only(scan: TableScan, rows: &[RecordBatch]) -> DfResult<LogicalPlan> {
    let Some(keys) = row_keys(&scan) else { return Ok(LogicalPlan::TableScan(scan)) };
    let condition = are_among(keys, rows);
    let columns = columns_of(&scan);
    LogicalPlanBuilder::from(all_columns(scan)?).filter(condition)?.project(columns)?.build()
}

/// A condition that rows with these keys pass, and few others. It compares columns with constants, so it goes down to the files.
fn are_among([id, time]: [Expr; 2], rows: &[RecordBatch]) -> Expr {
    let mut ids = FxHashSet::default();
    let (mut first, mut last) = (i64::MAX, i64::MIN);
    for batch in rows {
        ids.extend(batch.column(0).as_fixed_size_binary().iter().flatten());
        for time in batch.column(1).as_primitive::<TimestampNanosecondType>().iter().flatten() {
            (first, last) = (first.min(time), last.max(time));
        }
    }
    if ids.is_empty() {
        return lit(false);
    }
    let moment = |nanos: i64| lit(ScalarValue::TimestampNanosecond(Some(nanos), Some("UTC".into())));
    let width = |id: &[u8]| i32::try_from(id.len()).unwrap_or_default();
    let of_id = |bytes: &[u8]| lit(ScalarValue::FixedSizeBinary(width(bytes), Some(bytes.to_vec())));
    time.clone()
        .gt_eq(moment(first))
        .and(time.lt_eq(moment(last)))
        .and(id.in_list(ids.into_iter().map(of_id).collect(), false))
}

#[cfg(test)]
mod tests;
