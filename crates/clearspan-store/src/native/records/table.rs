//! Log records and metric points as DataFusion sees them: the batches in memory and the files, each record once.
//!
//! A record that a client sent twice may lie in two places. It has the same time in both, so only where two of them
//! overlap in time are ids compared ([`OnceExec`]).

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{SchemaRef, TimestampNanosecondType};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result as DfResult;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::FileGroup;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::{Distribution, EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties as _, PlanProperties,
};
use futures::StreamExt as _;
use rustc_hash::FxHashSet;

use super::read::{covered_twice, is_in};
use super::{ID_BYTES, RecordColumn, RecordSnapshot};
use crate::native::objects::{Objects, meta_of};
use crate::native::table::{external, scan_files};

/// One moment of one of the two tables.
#[derive(Debug)]
pub(crate) struct RecordsTable<C> {
    snapshot: RecordSnapshot<C>,
}

impl<C: RecordColumn> RecordsTable<C> {
    pub(crate) fn new(snapshot: RecordSnapshot<C>) -> Self {
        Self { snapshot }
    }

    /// Stretches of time in which a record may be in two places.
    fn shared(&self) -> Vec<(i64, i64)> {
        let files = self.snapshot.files.iter().map(|file| (file.entry.min_time, file.entry.max_time));
        covered_twice(files.chain(self.snapshot.hot_stretch()).collect())
    }
}

#[async_trait]
impl<C: RecordColumn + Send + Sync> TableProvider for RecordsTable<C> {
    fn schema(&self) -> SchemaRef {
        Arc::clone(C::schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DfResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let wanted = projection.cloned().unwrap_or_else(|| (0..C::COLUMNS.len()).collect());
        let mut read = wanted.clone();
        for place in [C::ID.place(), C::TIME.place()] {
            if !read.contains(&place) {
                read.push(place);
            }
        }
        let schema = Arc::new(C::schema().project(&read)?);
        let hot: Vec<RecordBatch> =
            self.snapshot.hot.iter().map(|batch| batch.project(&read)).collect::<Result<_, _>>()?;
        let mut input: Arc<dyn ExecutionPlan> = MemorySourceConfig::try_new_exec(&[hot], schema, None)?;
        if !self.snapshot.files.is_empty() {
            let files = &self.snapshot.files;
            let objects = Objects::new(files.iter().map(|file| Arc::clone(file) as _));
            let named = files.iter().map(|file| PartitionedFile::new_from_meta(meta_of(&**file)));
            let groups =
                FileGroup::new(named.collect()).split_files(state.config().target_partitions().max(1));
            let scan = scan_files(state, C::schema(), objects, groups, Some(&read), filters)?;
            input = UnionExec::try_new(vec![input, scan])?;
        }
        let shared = self.shared();
        if !shared.is_empty() {
            input = Arc::new(CoalescePartitionsExec::new(input));
        }
        Ok(Arc::new(OnceExec::try_new(input, shared, wanted.len(), [C::ID.name(), C::TIME.name()])?))
    }
}

/// Lets each record pass once, without the columns that only it needs.
#[derive(Debug)]
struct OnceExec {
    input: Arc<dyn ExecutionPlan>,
    shared: Arc<Vec<(i64, i64)>>,
    width: usize,
    keys: [&'static str; 2],
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl OnceExec {
    fn try_new(
        input: Arc<dyn ExecutionPlan>,
        shared: Vec<(i64, i64)>,
        width: usize,
        keys: [&'static str; 2],
    ) -> DfResult<Self> {
        let schema = Arc::new(input.schema().project(&(0..width).collect::<Vec<_>>())?);
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            input.pipeline_behavior(),
            input.boundedness(),
        ));
        Ok(Self { input, shared: Arc::new(shared), width, keys, schema, properties })
    }
}

/// What one stream of records has let pass.
struct Once {
    shared: Arc<Vec<(i64, i64)>>,
    places: [usize; 2],
    schema: SchemaRef,
    seen: FxHashSet<[u8; 16]>,
    memory: MemoryReservation,
}

impl Once {
    fn pass(&mut self, batch: &RecordBatch) -> DfResult<RecordBatch> {
        let columns = batch.columns()[..self.schema.fields().len()].to_vec();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let narrow = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?;
        if self.shared.is_empty() {
            return Ok(narrow);
        }
        let ids = batch.column(self.places[0]).as_fixed_size_binary();
        let times = batch.column(self.places[1]).as_primitive::<TimestampNanosecondType>();
        let before = self.seen.len();
        let mut is_new = |row: usize| {
            let id = ids.value(row).try_into().expect("ids have sixteen bytes");
            !is_in(&self.shared, times.value(row)) || self.seen.insert(id)
        };
        let mask: BooleanArray = (0..ids.len()).map(|row| Some(is_new(row))).collect();
        self.memory.try_grow((self.seen.len() - before) * ID_BYTES)?;
        Ok(filter_record_batch(&narrow, &mask)?)
    }
}

impl DisplayAs for OnceExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnceExec")
    }
}

impl ExecutionPlan for OnceExec {
    fn name(&self) -> &'static str {
        "OnceExec"
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    /// Where records repeat, one stream must see all of them.
    fn required_input_distribution(&self) -> Vec<Distribution> {
        match self.shared.is_empty() {
            true => vec![Distribution::UnspecifiedDistribution],
            false => vec![Distribution::SinglePartition],
        }
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    /// More partitions would each see half of the records.
    fn repartitioned(
        &self,
        _target_partitions: usize,
        _config: &datafusion::config::ConfigOptions,
    ) -> DfResult<Option<Arc<dyn ExecutionPlan>>> {
        Ok(None)
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
        let lost = || {
            let kind = clearspan_model::ErrorKind::Internal;
            external(crate::Error::new(kind, "a scan of records lost its input"))
        };
        let mut input = children.pop().ok_or_else(lost)?;
        if !self.shared.is_empty() && input.output_partitioning().partition_count() > 1 {
            input = Arc::new(CoalescePartitionsExec::new(input));
        }
        Ok(Arc::new(Self::try_new(input, self.shared.to_vec(), self.width, self.keys)?))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let below = self.input.schema();
        let mut once = Once {
            shared: Arc::clone(&self.shared),
            places: [below.index_of(self.keys[0])?, below.index_of(self.keys[1])?],
            schema: Arc::clone(&self.schema),
            seen: FxHashSet::default(),
            memory: MemoryConsumer::new("ids of records").register(context.memory_pool()),
        };
        let stream = self.input.execute(partition, context)?.map(move |batch| once.pass(&batch?));
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), stream)))
    }
}
