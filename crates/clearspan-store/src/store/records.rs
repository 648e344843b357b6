//! Questions about log records and metric points.

use clearspan_model::{LogRecord, MetricKind, MetricPoint, SpanId, Temporality, TraceId, UnixNanos};
use serde::{Deserialize, Serialize};

use super::{Scope, TimeRange};

/// Identifies a log record or metric point within its project: the hash of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordId(pub u128);

/// Which log records.
#[derive(Debug, Clone, PartialEq)]
pub struct LogQuery {
    /// Whose.
    pub scope: Scope,
    /// When they happened.
    pub range: TimeRange,
    /// Only this one. Give its time as the range: it is found by looking through all records of that.
    pub id: Option<RecordId>,
    /// Only those of this trace.
    pub trace_id: Option<TraceId>,
    /// Only those of this span.
    pub span_id: Option<SpanId>,
    /// Only those at least this bad (see [`LogRecord::severity`]).
    pub min_severity: Option<u8>,
    /// Only those whose body or event name contains this, in any case.
    pub text: Option<String>,
    /// Only those of this service.
    pub service: Option<String>,
    /// Oldest first instead of newest first. Ties are broken by id.
    pub oldest_first: bool,
    /// Go on after this record.
    pub after: Option<LogCursor>,
    /// How many at most.
    pub limit: usize,
}

/// Where a page of log records ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogCursor {
    /// Its time.
    pub time: UnixNanos,
    /// Its id.
    pub id: RecordId,
}

/// One page of log records.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogPage {
    /// The records with their ids, in the order asked for.
    pub records: Vec<(RecordId, LogRecord)>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<LogCursor>,
}

/// A metric, summed up.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricSummary {
    /// Its name.
    pub name: String,
    /// The latest description.
    pub description: Option<String>,
    /// The latest unit.
    pub unit: Option<String>,
    /// Its form; of two forms under one name the latest.
    pub kind: MetricKind,
    /// What its points cover.
    pub temporality: Option<Temporality>,
    /// Whether it never falls.
    pub monotonic: bool,
    /// Points in the range.
    pub points: u64,
    /// The latest of them.
    pub last_time: UnixNanos,
    /// The keys of the attributes that its points have, sorted.
    pub attribute_keys: Vec<String>,
    /// The services that sent it, sorted.
    pub services: Vec<String>,
}

/// Which metric points.
#[derive(Debug, Clone, PartialEq)]
pub struct PointQuery {
    /// Whose.
    pub scope: Scope,
    /// When they were taken.
    pub range: TimeRange,
    /// Of which metric.
    pub name: String,
    /// How many at most; the earliest are given.
    pub limit: usize,
}

/// Metric points.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PointList {
    /// In order of time, each once.
    pub points: Vec<MetricPoint>,
    /// True when there are more than were asked for.
    pub is_cut: bool,
}
