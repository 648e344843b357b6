//! How a statement runs: first as fast as it can, and where that needs more memory than there is, anew with as little as it can.
//!
//! The fast way keeps whole batches, tables of joins and the first rows of a sort in memory, and some of that cannot be spilled. The
//! thrifty way reads a few rows at a time on one processor and sorts by spilling. It is slower, so it begins only when the fast way was
//! refused memory, and only while no row was given.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::Result as DfResult;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::execution::session_state::SessionState;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties as _, execute_stream};
use futures::{StreamExt as _, TryStreamExt as _};

use super::interrupt::interruptible;
use super::late::{self, Late, WIDE};
use super::{external, payload, scoped};
use crate::batches::{as_they_come, in_batches};
use crate::cut::CutExec;
use crate::pool::share::{bytes_of, is_refusal};
use crate::pool::stop::Stop;
use crate::pool::thrift::{self, Way};
use crate::store::Scope;

/// Rows of a batch. With less memory, rows that hold payloads are read fewer at a time.
pub(super) const BATCH_ROWS: usize = 2_048;
const LEAST_BATCH_ROWS: usize = 64;
/// The memory of queries for each row of a batch that holds payloads. Most have 1 to 8 kB, and several batches are on their way at a
/// time.
const BYTES_FOR_ROW: usize = 18 << 10;
/// The thrifty way takes so many times fewer rows.
const THRIFT: usize = 4;
const LEAST_THRIFTY_ROWS: usize = 16;
/// Which part of the memory the thrifty way keeps aside to merge what it spilled.
const MERGE_PART: usize = 8;
/// Which part of it one batch may take where the thrifty way sorts or groups.
const BATCH_PART: usize = 64;

/// Begins to run a statement; the stream's first batch is there.
pub(super) async fn run(
    state: SessionState,
    plan: &LogicalPlan,
    scope: &Scope,
) -> DfResult<SendableRecordBatchStream> {
    let plan = with_late_payloads(&state, plan, scope).await?;
    run_as_it_is(state, &plan, scope).await
}

/// The plan of a statement that reads payloads of the rows that it gives, as far as these can be known first.
pub(super) async fn with_late_payloads(
    state: &SessionState,
    plan: &LogicalPlan,
    scope: &Scope,
) -> DfResult<LogicalPlan> {
    // What is optimised for several processors only is so afterwards, where it runs on several.
    let calm = on_one_processor(state.clone(), bytes_of(&*state.runtime_env().memory_pool));
    let optimized = calm.optimize(plan)?;
    let mut found = Vec::new();
    for late in late::found(&calm, &optimized)? {
        match first_step(state, &late, scope).await {
            Ok(rows) => found.push((late, rows)),
            // Then the statement goes the way that needs the least memory.
            Err(err) if is_refusal(&err) => return Ok(plan.clone()),
            Err(err) => return Err(err),
        }
    }
    if found.is_empty() { Ok(plan.clone()) } else { late::narrowed(optimized, found) }
}

async fn first_step(state: &SessionState, late: &Late, scope: &Scope) -> DfResult<Vec<RecordBatch>> {
    run_as_it_is(state.clone(), &late.keys, scope).await?.try_collect().await
}

/// Begins to run a plan; the stream's first batch is there.
async fn run_as_it_is(
    state: SessionState,
    plan: &LogicalPlan,
    scope: &Scope,
) -> DfResult<SendableRecordBatchStream> {
    let bytes = bytes_of(&*state.runtime_env().memory_pool);
    let mut fast = state.clone();
    let mut rows = BATCH_ROWS;
    let mut physical = planned(&fast, plan, scope).await?;
    if reads_wide(&physical) && batch_rows(bytes) < rows {
        rows = batch_rows(bytes);
        fast = on_one_processor(fast, bytes);
        physical = planned(&fast, plan, scope).await?;
    }
    // What little memory cannot hold at once is spilled from the start: a sort may find out in the middle of its answer.
    let first = if rows == BATCH_ROWS || !sorts_all(&physical) { Way::Fast } else { Way::Thrifty };
    let thrifty = on_one_processor(state.clone(), bytes);
    let (env, mut physical) = (Arc::clone(state.runtime_env()), Some(physical));
    let (fast, thrifty) = (&fast, &thrifty);
    thrift::run(&env, first, |way, env| {
        // A plan may hold memory: the fast one is gone when the thrifty one begins.
        let physical = physical.take().filter(|_| way == Way::Fast);
        async move {
            if let Some(physical) = physical {
                return begun(physical, rows, TaskContext::from(fast).with_runtime(env)).await;
            }
            let physical = spilling(planned(thrifty, plan, scope).await?, bytes / BATCH_PART)?;
            let context = TaskContext::from(thrifty).with_runtime(env);
            begun(physical, (rows / THRIFT).max(LEAST_THRIFTY_ROWS), context).await
        }
    })
    .await
}

async fn planned(
    state: &SessionState,
    plan: &LogicalPlan,
    scope: &Scope,
) -> DfResult<Arc<dyn ExecutionPlan>> {
    let physical = state.create_physical_plan(plan).await?;
    scoped::check(&physical, scope).map_err(external)?;
    interruptible(payload::in_portions(physical)?, &Stop::current())
}

async fn begun(
    plan: Arc<dyn ExecutionPlan>,
    rows: usize,
    context: TaskContext,
) -> DfResult<SendableRecordBatchStream> {
    let config = context.session_config().clone().with_batch_size(rows);
    let plan = if reads_wide(&plan) { as_they_come(plan)? } else { in_batches(plan, rows)? };
    let mut stream = execute_stream(plan, Arc::new(context.with_session_config(config)))?;
    let first = stream.next().await.transpose()?;
    let schema = stream.schema();
    let whole = futures::stream::iter(first.map(Ok)).chain(stream);
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, whole)))
}

/// How many rows with payloads are read at a time.
fn batch_rows(bytes: usize) -> usize {
    (bytes / BYTES_FOR_ROW).clamp(LEAST_BATCH_ROWS, BATCH_ROWS)
}

/// Whether a plan reads columns of which a row may have much.
fn reads_wide(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let is_wide = || plan.schema().fields().iter().any(|field| WIDE.contains(&field.name().as_str()));
    let children = plan.children();
    if children.is_empty() { is_wide() } else { children.into_iter().any(reads_wide) }
}

/// Whether a plan sorts rows that it must have all before it gives the first.
fn sorts_all(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.downcast_ref::<SortExec>().is_some_and(|sort| sort.fetch().is_none())
        || plan.children().into_iter().any(sorts_all)
}

/// A session that plans for little memory: one processor works with all of it, and none waits for another.
fn on_one_processor(mut state: SessionState, bytes: usize) -> SessionState {
    let mut config = state.config().clone().with_target_partitions(1);
    let options = config.options_mut();
    options.optimizer.repartition_sorts = false;
    options.execution.sort_spill_reservation_bytes = bytes / MERGE_PART;
    *state.config_mut() = config;
    state
}

/// A plan that sorts by spilling instead of keeping the first rows, which nothing can spill, and whose sorts and groups are fed with
/// small batches: what cannot take in a single batch cannot spill either.
fn spilling(plan: Arc<dyn ExecutionPlan>, batch_bytes: usize) -> DfResult<Arc<dyn ExecutionPlan>> {
    let in_pieces = |plan: Arc<dyn ExecutionPlan>| {
        let children = plan.children().into_iter();
        let children = children.map(|child| CutExec::by_held(Arc::clone(child), batch_bytes)).collect();
        plan.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    };
    plan.transform_up(|plan| {
        let Some(sort) = plan.downcast_ref::<SortExec>() else {
            let is_group = plan.is::<AggregateExec>();
            return if is_group { in_pieces(plan).map(Transformed::yes) } else { Ok(Transformed::no(plan)) };
        };
        let fetch = sort.fetch();
        let sort = in_pieces(Arc::new(sort.with_fetch(None)))?;
        Ok(Transformed::yes(match (fetch, sort.output_partitioning().partition_count()) {
            (None, _) => sort,
            (Some(rows), 1) => Arc::new(GlobalLimitExec::new(sort, 0, Some(rows))),
            (Some(rows), _) => Arc::new(LocalLimitExec::new(sort, rows)),
        }))
    })
    .data()
}

#[cfg(test)]
mod tests;
