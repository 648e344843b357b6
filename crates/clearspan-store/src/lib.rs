//! Where runs live: the [`RunStore`] trait, its conformance suite, and the engines behind it.
//!
//! This crate owns durability, merging on arrival, the layout on disk and the execution of queries. It
//! knows no routes, no wire formats and no catalog. No DataFusion type is part of its public interface.

mod batches;
mod cut;
mod deletion;
mod error;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
pub mod native;
mod outline;
mod pool;
mod records;
mod replacement;
mod schema;
mod soundness;
mod sql;
mod store;
mod summarize;
mod sums;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod text;
mod texts;
mod tombstones;

pub use deletion::{Deleted, Deletion, DeletionState, DeletionTarget, PayloadExpiry, PurgeReport};
pub use error::{Error, Result, chain};
pub use outline::{InputsOf, Outline, OutlineRun, Text};
pub use soundness::{CheckReport, Problem};
pub use sql::{AnswerColumn, SqlQuery, SqlTable, TableAnswer, TableFormat, sql_tables};
pub use store::{
    CompactionReport, CompactionStatus, Cursor, ExportQuery, ExportTable, ExportedRun, Facet, FacetField,
    FacetQuery, Histogram, HistogramBucket, HistogramQuery, LogCursor, LogPage, LogQuery, MetricSummary,
    Order, PointList, PointQuery, ProjectActivity, ProjectSize, RecordId, RunKeys, RunMark, RunOfSpan,
    RunPage, RunQuery, RunStore, RunStream, RunSummary, Scope, SearchProgress, Selection, SortKey, Stats,
    TimeRange, TraceFigures, TracePage, TraceSummary, Unit,
};
pub use summarize::roll_up;
