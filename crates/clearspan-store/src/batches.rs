//! How many rows a plan has in memory at a time.

use std::sync::Arc;

use datafusion::common::Result as DfResult;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::physical_expr::Partitioning;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::repartition::RepartitionExec;

/// A plan whose operators pass on what each batch has for them. Filters would collect rows by their number, and so would what gives
/// batches to several processors in turn; and rows may be large.
pub(crate) fn as_they_come(plan: Arc<dyn ExecutionPlan>) -> DfResult<Arc<dyn ExecutionPlan>> {
    let plan = plan.transform_up(|plan| match plan.downcast_ref::<RepartitionExec>() {
        Some(turns) if matches!(turns.partitioning(), Partitioning::RoundRobinBatch(_)) => {
            Ok(Transformed::yes(Arc::clone(turns.input())))
        }
        _ => Ok(Transformed::no(plan)),
    });
    // More than half of what is asked for is not collected: that is any row.
    in_batches(plan.data()?, 1)
}

/// A plan whose filters make batches of so many rows. Where DataFusion pushes a filter below a union, it forgets what the session
/// says and collects 8,192 rows: of agents, a hundred megabytes.
pub(crate) fn in_batches(plan: Arc<dyn ExecutionPlan>, rows: usize) -> DfResult<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|plan| match plan.downcast_ref::<FilterExec>() {
        Some(filter) if filter.batch_size() != rows => {
            let filter: Arc<dyn ExecutionPlan> = Arc::new(filter.with_batch_size(rows)?);
            Ok(Transformed::yes(filter))
        }
        _ => Ok(Transformed::no(plan)),
    })
    .data()
}
