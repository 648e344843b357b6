//! How many rows a plan has in memory at a time.

use std::sync::Arc;

use datafusion::common::Result as DfResult;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;

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
