//! The `runs` table as DataFusion sees it: the batches of the hot tier and the Parquet files of the segments,
//! without the rows that are dead.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use async_trait::async_trait;
use clearspan_model::ProjectId;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Column as DfColumn, DFSchema, DataFusionError, Result as DfResult};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::parquet::{ParquetAccessPlan, RowGroupAccess};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;
use roaring::RoaringBitmap;

use super::blocking;
use super::objects::{self, Chosen, Objects};
use super::segment::{Footer, Group, Segment, alive_selection, chosen_selection};
use super::state::Snapshot;
use crate::Error;
use crate::cut::CutExec;
use crate::schema::SCHEMA;
use crate::store::TimeRange;

mod texts;
mod whose;

use whose::Whose;

/// What costs less than to read so many rows is not worth a second processor.
const FEW_ROWS: u64 = 16 << 10;
/// To begin with a row group costs as much as so many of its rows: of each text that is read, its whole dictionary is decompressed.
const ROWS_TO_BEGIN: u64 = 2 << 10;

/// What the rows of a batch take at most where payloads are read, unless one row group takes more.
const BATCH_BYTES: u64 = 8 << 20;
/// A row group of so many rows has small ones: of these, the number of rows bounds a batch well enough, and few files are opened.
const MANY_ROWS: u64 = 512;
/// What they say at most, each for itself.
const BATCH_TEXT_BYTES: usize = 32 << 20;

/// One moment of the store as a table. Rows outside of what is asked for may be left out.
#[derive(Debug)]
pub(super) struct RunsTable {
    snapshot: Snapshot,
    /// Segments and row groups without a row in here are not read.
    range: TimeRange,
    /// Nor are those without a run of these projects; in order.
    projects: Option<Vec<ProjectId>>,
}

/// A row group that has to be read.
struct Piece {
    /// The place of the segment among those that are read.
    segment: usize,
    group: usize,
    rows: u64,
    /// What it takes in memory, if its rows are large.
    bytes: u64,
    access: RowGroupAccess,
}

impl Piece {
    /// What it costs to read, in rows.
    fn cost(&self) -> u64 {
        ROWS_TO_BEGIN + self.rows
    }
}

/// What one processor reads of a segment.
struct Reading {
    segment: usize,
    groups: Vec<usize>,
    /// What of each.
    access: Vec<RowGroupAccess>,
    bytes: u64,
}

impl RunsTable {
    /// `projects` are those that matter, when not all do.
    pub(super) fn new(snapshot: Snapshot, mut projects: Option<Vec<ProjectId>>, range: TimeRange) -> Self {
        if let Some(projects) = &mut projects {
            projects.sort_unstable();
        }
        Self { snapshot, range, projects }
    }

    fn overlaps(&self, first: i64, last: i64) -> bool {
        self.range.overlaps(first, last)
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

    /// The row groups of a segment that have to be read.
    fn pieces(&self, place: usize, segment: &Segment, footer: &Footer, whose: &[&Whose]) -> Vec<Piece> {
        let dead = self.snapshot.dead.get(&segment.number).map(Arc::as_ref);
        let only = self.snapshot.only.as_ref().and_then(|only| only.get(&segment.number));
        let groups = footer.groups().iter().enumerate();
        let pieces = groups.filter(|(_, group)| self.may_hold(group, whose)).map(|(idx, group)| {
            let all = u64::from(group.rows.end - group.rows.start);
            let dead = dead.filter(|dead| dead.range_cardinality(group.rows.clone()) > 0);
            let (rows, access) = match (only, dead) {
                (Some(only), dead) => {
                    let mut chosen = RoaringBitmap::new();
                    chosen.insert_range(group.rows.clone());
                    chosen &= only;
                    if let Some(dead) = dead {
                        chosen -= dead;
                    }
                    (chosen.len(), RowGroupAccess::Selection(chosen_selection(&chosen, &group.rows)))
                }
                (None, Some(dead)) => {
                    let alive = alive_selection(dead, std::iter::once(group.rows.clone()));
                    (all - dead.range_cardinality(group.rows.clone()), RowGroupAccess::Selection(alive))
                }
                (None, None) => (all, RowGroupAccess::Scan),
            };
            let bytes = if all < MANY_ROWS { group.bytes } else { 0 };
            Piece { segment: place, group: idx, rows, bytes, access }
        });
        pieces.filter(|piece| piece.rows > 0).collect()
    }

    fn may_hold(&self, group: &Group, whose: &[&Whose]) -> bool {
        self.projects.as_ref().is_none_or(|projects| group.may_hold_project(projects))
            && whose.iter().all(|whose| whose.may_hold(group))
            && group.times().is_none_or(|(first, last)| self.overlaps(first, last))
    }
}

/// Divides row groups evenly, each part as the files that one processor reads: of a segment as many as it takes that each has so many
/// bytes of large rows at most, because a batch ends with its file.
fn divide(
    pieces: Vec<Piece>,
    segments: &[Arc<Segment>],
    footers: &[Arc<Footer>],
    parts: usize,
    bytes_of_file: u64,
) -> Vec<FileGroup> {
    let all: u64 = pieces.iter().map(Piece::cost).sum();
    let parts = if all < FEW_ROWS { 1 } else { parts.max(1) as u64 };
    let (mut parts_of, mut files): (Vec<FileGroup>, Vec<Reading>) = (Vec::new(), Vec::new());
    let mut close = |files: &mut Vec<Reading>| {
        let files = files.drain(..).map(|Reading { segment, groups, access, .. }| {
            let chosen = Chosen { footer: Arc::clone(&footers[segment]), groups: groups.into() };
            PartitionedFile::new_from_meta(objects::meta_of(&*segments[segment]))
                .with_extension(ParquetAccessPlan::new(access))
                .with_extension(chosen)
        });
        parts_of.push(FileGroup::new(files.collect()));
    };
    let mut cost = 0;
    for piece in pieces {
        cost += piece.cost();
        let Piece { segment, group, bytes, access, .. } = piece;
        let fits = |last: &&mut Reading| last.segment == segment && last.bytes + bytes <= bytes_of_file;
        match files.last_mut().filter(fits) {
            Some(last) => {
                last.groups.push(group);
                last.access.push(access);
                last.bytes += bytes;
            }
            None => files.push(Reading { segment, groups: vec![group], access: vec![access], bytes }),
        }
        if cost * parts >= all {
            close(&mut files);
            cost = 0;
        }
    }
    if !files.is_empty() {
        close(&mut files);
    }
    parts_of
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
        let segments = self.snapshot.segments.iter();
        let segments = segments.filter(|segment| self.overlaps(segment.min_time, segment.max_time));
        let segments: Vec<Arc<Segment>> = segments.cloned().collect();
        if let Some(segment) = segments.iter().find(|segment| segment.is_passed_over()) {
            return Err(external(segment.passed_over_error()));
        }
        let opened = segments.clone();
        let footers = blocking(move || {
            opened.iter().map(|segment| segment.footer()).collect::<crate::Result<Vec<_>>>()
        })
        .await
        .map_err(external)?;
        let conditions = filters.iter().flat_map(split_conjunction);
        let conditions: Vec<(&Expr, Option<Whose>)> =
            conditions.map(|condition| (condition, Whose::of(condition))).collect();
        let whose: Vec<&Whose> = conditions.iter().filter_map(|(_, whose)| whose.as_ref()).collect();
        let pieces: Vec<Piece> = segments
            .iter()
            .zip(&footers)
            .enumerate()
            .flat_map(|(place, (segment, footer))| self.pieces(place, segment, footer, &whose))
            .collect();
        let columns = projection.cloned().unwrap_or_else(|| (0..SCHEMA.fields().len()).collect());
        let hot = if texts::are_among(&columns) { CutExec::by_said(hot, BATCH_TEXT_BYTES) } else { hot };
        if pieces.is_empty() {
            return Ok(hot);
        }
        let holds_all = |whose: &Whose| {
            pieces.iter().all(|piece| whose.holds_all(&footers[piece.segment].groups()[piece.group]))
        };
        let open = conditions.iter().filter(|(condition, whose)| {
            !whose.as_ref().is_some_and(holds_all) && texts::is_on_scanned(condition)
        });
        let filters: Vec<Expr> = open.map(|(condition, _)| (*condition).clone()).collect();
        let mut workspaces =
            pieces.iter().map(|piece| footers[piece.segment].groups()[piece.group].only_workspace());
        let workspace = workspaces.next().flatten();
        let workspace = workspace.filter(|id| workspaces.all(|other| other == Some(*id)));
        let has_texts = texts::are_among(&columns);
        let bytes_of_file = if has_texts { BATCH_BYTES } else { u64::MAX };
        let parts = state.config().target_partitions();
        let groups = divide(pieces, &segments, &footers, parts, bytes_of_file);
        let objects = Objects::new(segments.into_iter().map(|segment| segment as _));
        let reading = texts::Reading::new(columns, workspace);
        let files = scan_files(state, &texts::SCANNED, objects, groups, Some(&reading.scanned()), &filters)?;
        let files = if has_texts { CutExec::by_said(files, BATCH_TEXT_BYTES) } else { files };
        Ok(UnionExec::try_new(vec![hot, reading.of_table(state, files)?])?)
    }
}

/// Reads Parquet files of one table, each group of them by itself. Row groups and rows that no filter lets pass are left out as far as that is known early.
pub(super) fn scan_files(
    state: &dyn Session,
    schema: &SchemaRef,
    objects: Objects,
    groups: Vec<FileGroup>,
    projection: Option<&Vec<usize>>,
    filters: &[Expr],
) -> DfResult<Arc<dyn ExecutionPlan>> {
    let mut source = ParquetSource::new(Arc::clone(schema))
        .with_table_parquet_options(state.default_table_options().parquet)
        .with_parquet_file_reader_factory(Arc::new(objects))
        .with_pushdown_filters(filters.iter().any(|filter| leaves_few(filter, schema)))
        .with_reorder_filters(true);
    if let Some(filter) = conjunction(filters.to_vec()) {
        let schema = DFSchema::try_from(Arc::clone(schema))?;
        source = source.with_predicate(state.create_physical_expr(filter, &schema)?);
    }
    // Every plan must name a store; the reader has its own.
    let scan = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
        .with_projection_indices(projection.cloned())?
        .with_file_groups(groups)
        .build();
    Ok(DataSourceExec::from_data_source(scan))
}

/// Whether it may pay to read a condition's columns first, and of the others what it lets pass. Flags and times let so much pass
/// that finding the rows takes longer than reading all of a row group.
fn leaves_few(condition: &Expr, schema: &Schema) -> bool {
    let lets_much_pass = |column: &DfColumn| {
        let field = schema.field_with_name(&column.name);
        field.is_ok_and(|field| matches!(field.data_type(), DataType::Boolean | DataType::Timestamp(..)))
    };
    !condition.column_refs().into_iter().all(lets_much_pass)
}

pub(super) fn external(err: Error) -> DataFusionError {
    DataFusionError::External(Box::new(err))
}
