//! Batches that are cut by their bytes, where the number of their rows says too little.

use std::fmt;
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use datafusion::common::Result as DfResult;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::utils::memory::get_record_batch_memory_size;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt as _, TryStreamExt as _};

/// Gives what its input gives, in batches of about so many bytes at most, each with memory of its own; a row is never cut.
#[derive(Debug)]
pub(super) struct PiecesExec {
    input: Arc<dyn ExecutionPlan>,
    bytes: usize,
}

impl PiecesExec {
    pub(super) fn above(input: Arc<dyn ExecutionPlan>, bytes: usize) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self { input, bytes })
    }
}

/// The pieces of a batch. Slices would do if they did not count, and keep, the memory of the whole batch each.
fn pieces(batch: RecordBatch, bytes: usize) -> impl Iterator<Item = DfResult<RecordBatch>> {
    let rows = batch.num_rows();
    let all = get_record_batch_memory_size(&batch);
    let step = if all <= bytes { rows } else { (rows * bytes / all).max(1) };
    (0..rows).step_by(step.max(1)).map(move |start| {
        let end = (start + step).min(rows);
        if end - start == rows {
            return Ok(batch.clone());
        }
        let numbers = UInt64Array::from_iter_values(start as u64..end as u64);
        Ok(take_record_batch(&batch, &numbers)?)
    })
}

impl DisplayAs for PiecesExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PiecesExec: bytes={}", self.bytes)
    }
}

impl ExecutionPlan for PiecesExec {
    fn name(&self) -> &'static str {
        "PiecesExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
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
        let input = children.pop().unwrap_or_else(|| Arc::clone(&self.input));
        Ok(Self::above(input, self.bytes))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let properties = datafusion::physical_plan::execution_plan::ChildrenPropertiesMode::Recompute;
        self.replace_children(children, ReplaceChildrenOptions::new(properties))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let (input, bytes) = (self.input.execute(partition, context)?, self.bytes);
        let cut = input.map_ok(move |batch| futures::stream::iter(pieces(batch, bytes))).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), cut.boxed())))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::StringArray;
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    #[test]
    fn batches_are_cut_where_they_are_large() {
        let texts = Arc::new(StringArray::from_iter_values((0..100).map(|row| format!("{row:0>1000}"))));
        let schema = Arc::new(Schema::new(vec![Field::new("text", DataType::Utf8, false)]));
        let batch = RecordBatch::try_new(schema, vec![texts]).unwrap();
        let cut = |bytes| pieces(batch.clone(), bytes).collect::<DfResult<Vec<_>>>().unwrap();
        assert_eq!(cut(1 << 20), vec![batch.clone()]);
        let some = cut(10_000);
        assert!(some.len() > 10 && some.iter().all(|piece| get_record_batch_memory_size(piece) < 12_000));
        assert_eq!(arrow::compute::concat_batches(&batch.schema(), &some).unwrap(), batch);
        assert_eq!(cut(10).len(), 100);
        assert_eq!(pieces(batch.slice(0, 0), 10).count(), 0);
    }
}
