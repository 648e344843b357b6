//! Batches that are cut by their bytes, where the number of their rows says too little.
//!
//! Bytes are counted in two ways. In memory, rows share the texts that they repeat: a batch of an agent's calls takes a few megabytes.
//! Written out, each with all that was said before, it may be hundreds.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, OffsetSizeTrait, RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::DataType;
use datafusion::common::Result as DfResult;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::utils::memory::get_record_batch_memory_size;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt as _, TryStreamExt as _};

/// The rows of a batch, so many at a time that they say so many bytes at most; a row is never cut. They share the memory of the batch.
pub(crate) fn portions(batch: &RecordBatch, bytes: usize) -> impl Iterator<Item = RecordBatch> + use<> {
    let (mut weights, batch) = (vec![0_u64; batch.num_rows()], batch.clone());
    for column in batch.columns() {
        if let Some(of_column) = said(column) {
            weights.iter_mut().zip(of_column).for_each(|(sum, more)| *sum += more);
        }
    }
    let mut start = 0;
    std::iter::from_fn(move || {
        if start >= weights.len() {
            return None;
        }
        let mut sum = 0;
        let fitting = weights[start..].iter().take_while(|weight| {
            sum += **weight;
            sum <= bytes as u64
        });
        let rows = fitting.count().max(1);
        start += rows;
        Some(batch.slice(start - rows, rows))
    })
}

/// The bytes of text in each row of a column. `None` for one that has no text.
fn said(column: &ArrayRef) -> Option<Vec<u64>> {
    Some(match column.data_type() {
        DataType::Utf8 => lengths(column.as_string::<i32>().value_offsets()),
        DataType::LargeUtf8 => lengths(column.as_string::<i64>().value_offsets()),
        DataType::Binary => lengths(column.as_binary::<i32>().value_offsets()),
        DataType::LargeBinary => lengths(column.as_binary::<i64>().value_offsets()),
        DataType::Utf8View => column.as_string_view().lengths().map(u64::from).collect(),
        DataType::BinaryView => column.as_binary_view().lengths().map(u64::from).collect(),
        DataType::Dictionary(..) => {
            let words = column.as_any_dictionary_opt()?;
            let of_word = said(words.values())?;
            if of_word.is_empty() {
                return Some(vec![0; column.len()]);
            }
            let keys = words.normalized_keys().into_iter().enumerate();
            keys.map(|(row, key)| if column.is_valid(row) { of_word[key] } else { 0 }).collect()
        }
        DataType::List(_) => {
            let lists = column.as_list::<i32>();
            sums(lists.value_offsets(), &said(lists.values())?)
        }
        DataType::LargeList(_) => {
            let lists = column.as_list::<i64>();
            sums(lists.value_offsets(), &said(lists.values())?)
        }
        DataType::Map(..) => {
            let maps = column.as_map();
            let entries: ArrayRef = Arc::new(maps.entries().clone());
            sums(maps.value_offsets(), &said(&entries)?)
        }
        DataType::Struct(_) => {
            let mut fields = column.as_struct().columns().iter().filter_map(said);
            let mut all = fields.next()?;
            fields.for_each(|more| all.iter_mut().zip(more).for_each(|(sum, more)| *sum += more));
            all
        }
        _ => return None,
    })
}

/// The rows of a batch, so many at a time that they take about so many bytes at most. Each piece has memory of its own: slices would count,
/// and keep, that of the whole batch.
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

fn ranges<O: OffsetSizeTrait>(offsets: &[O]) -> impl Iterator<Item = Range<usize>> + '_ {
    offsets.windows(2).map(|ends| ends[0].as_usize()..ends[1].as_usize())
}

fn lengths<O: OffsetSizeTrait>(offsets: &[O]) -> Vec<u64> {
    ranges(offsets).map(|range| range.len() as u64).collect()
}

fn sums<O: OffsetSizeTrait>(offsets: &[O], items: &[u64]) -> Vec<u64> {
    ranges(offsets).map(|range| items.get(range).map_or(0, |items| items.iter().sum())).collect()
}

/// Gives what its input gives, in smaller batches. A row is never cut.
#[derive(Debug)]
pub(crate) struct CutExec {
    input: Arc<dyn ExecutionPlan>,
    by: Bytes,
    most: usize,
}

/// What is counted.
#[derive(Debug, Clone, Copy)]
enum Bytes {
    /// What rows say, each for itself: the answer is [`portions`].
    Said,
    /// What they take together: the answer is [`pieces`].
    Held,
}

impl CutExec {
    /// Batches whose rows say so many bytes at most.
    pub(crate) fn by_said(input: Arc<dyn ExecutionPlan>, most: usize) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self { input, by: Bytes::Said, most })
    }

    /// Batches that take so many bytes of memory, about, of their own.
    pub(crate) fn by_held(input: Arc<dyn ExecutionPlan>, most: usize) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self { input, by: Bytes::Held, most })
    }
}

impl DisplayAs for CutExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CutExec: by={:?}, most={}", self.by, self.most)
    }
}

impl ExecutionPlan for CutExec {
    fn name(&self) -> &'static str {
        "CutExec"
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
        Ok(Arc::new(Self { input, by: self.by, most: self.most }))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let (by, most) = (self.by, self.most);
        let parts = self.input.execute(partition, context)?.map_ok(move |batch| match by {
            Bytes::Said => futures::stream::iter(portions(&batch, most)).map(Ok).boxed(),
            Bytes::Held => futures::stream::iter(pieces(batch, most)).boxed(),
        });
        let cut = parts.try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), cut.boxed())))
    }
}

#[cfg(test)]
mod tests;
