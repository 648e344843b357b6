//! The `runs` table as DataFusion sees it: the batches of the hot tier and the Parquet files of the segments,
//! without the rows that are dead.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, DataFusionError, Result as DfResult};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::parquet::{CachedParquetFileReaderFactory, ParquetRowSelection};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;

use super::objects::{self, Objects};
use super::segment::{Segment, alive_selection, chosen_selection};
use super::state::Snapshot;
use crate::Error;
use crate::schema::SCHEMA;
use crate::store::TimeRange;

/// One moment of the store as a table.
#[derive(Debug)]
pub(super) struct RunsTable {
    snapshot: Snapshot,
    /// Segments without a row in here need not be opened.
    range: TimeRange,
}

impl RunsTable {
    pub(super) fn new(snapshot: Snapshot, range: TimeRange) -> Self {
        Self { snapshot, range }
    }

    fn overlaps(&self, segment: &Segment) -> bool {
        self.range.from.is_none_or(|from| segment.max_time >= from.as_nanos())
            && self.range.to.is_none_or(|to| segment.min_time < to.as_nanos())
    }

    fn hot(&self, projection: Option<&Vec<usize>>, schema: SchemaRef) -> DfResult<Arc<dyn ExecutionPlan>> {
        let mut batches = Vec::with_capacity(self.snapshot.hot.len());
        for hot in &self.snapshot.hot {
            let batch = hot.living(projection.map(Vec::as_slice)).map_err(external)?;
            if batch.num_rows() > 0 {
                batches.push(batch);
            }
        }
        Ok(MemorySourceConfig::try_new_exec(&[batches], schema, None)?)
    }

    fn file(&self, segment: &Segment) -> PartitionedFile {
        let file = PartitionedFile::new_from_meta(objects::meta_of(segment));
        let dead = self.snapshot.dead.get(&segment.number);
        if let Some(chosen) = self.snapshot.only.as_ref().and_then(|only| only.get(&segment.number)) {
            let alive = match dead {
                Some(dead) => chosen_selection(&(chosen - dead.as_ref()), segment.rows),
                None => chosen_selection(chosen, segment.rows),
            };
            return file.with_extension(ParquetRowSelection::new(alive));
        }
        match dead {
            Some(dead) => file.with_extension(ParquetRowSelection::new(alive_selection(
                dead,
                std::iter::once(0..segment.rows),
            ))),
            None => file,
        }
    }
}

#[async_trait]
impl TableProvider for RunsTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&SCHEMA)
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
        let schema = match projection {
            Some(columns) => Arc::new(SCHEMA.project(columns)?),
            None => Arc::clone(&SCHEMA),
        };
        let hot = self.hot(projection, schema)?;
        let segments: Vec<_> =
            self.snapshot.segments.iter().filter(|segment| self.overlaps(segment)).collect();
        let files: Vec<_> = segments.iter().map(|segment| self.file(segment)).collect();
        if files.is_empty() {
            return Ok(hot);
        }
        if let Some(segment) = segments.iter().find(|segment| segment.is_passed_over()) {
            return Err(external(segment.passed_over_error()));
        }
        let objects = Objects::new(segments.into_iter().map(|segment| Arc::clone(segment) as _));
        let files = scan_files(state, &SCHEMA, objects, files, projection, filters)?;
        Ok(UnionExec::try_new(vec![hot, files])?)
    }
}

/// Reads Parquet files of one table. Row groups and rows that no filter lets pass are left out as far as that is known early.
pub(super) fn scan_files(
    state: &dyn Session,
    schema: &SchemaRef,
    objects: Objects,
    files: Vec<PartitionedFile>,
    projection: Option<&Vec<usize>>,
    filters: &[Expr],
) -> DfResult<Arc<dyn ExecutionPlan>> {
    let reader = CachedParquetFileReaderFactory::new(
        Arc::new(objects),
        state.runtime_env().cache_manager.get_file_metadata_cache(),
    );
    let mut source = ParquetSource::new(Arc::clone(schema))
        .with_table_parquet_options(state.default_table_options().parquet)
        .with_parquet_file_reader_factory(Arc::new(reader))
        .with_pushdown_filters(true)
        .with_reorder_filters(true);
    if let Some(filter) = conjunction(filters.to_vec()) {
        let schema = DFSchema::try_from(Arc::clone(schema))?;
        source = source.with_predicate(state.create_physical_expr(filter, &schema)?);
    }
    let partitions = state.config().target_partitions().max(1);
    let groups = FileGroup::new(files).split_files(partitions);
    // Every plan must name a store; the reader has its own.
    let scan = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
        .with_projection_indices(projection.cloned())?
        .with_file_groups(groups)
        .build();
    Ok(DataSourceExec::from_data_source(scan))
}

pub(super) fn external(err: Error) -> DataFusionError {
    DataFusionError::External(Box::new(err))
}
