//! What is summed up and counted over many runs.

use clearspan_model::{Decimal, ProjectId, UnixNanos};

use super::Selection;

/// Figures over a selection.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stats {
    /// Runs (doubles too) or traces.
    pub count: u64,
    /// How many of the runs tell of a call that another run stands for; 0 for traces.
    pub double_count: u64,
    /// Those that failed, without doubles (traces: whose root failed).
    pub error_count: u64,
    /// Runs that should have a cost and have none, without doubles; of traces, those of all of them.
    pub unpriced_count: u64,
    /// Dollars for the input sides that are known, of billed runs.
    pub input_cost: Decimal,
    /// Dollars for the output sides that are known, of billed runs.
    pub output_cost: Decimal,
    /// Dollars in all, of billed runs: at least the sum of the sides.
    pub total_cost: Decimal,
    /// Tokens in, of billed runs.
    pub input_tokens: u64,
    /// Tokens out, of billed runs.
    pub output_tokens: u64,
    /// All tokens of billed runs.
    pub total_tokens: u64,
    /// Latency in nanoseconds at the 50th, 95th and 99th percentile; `None` when nothing ended.
    pub latency_p50: Option<i64>,
    /// See `latency_p50`.
    pub latency_p95: Option<i64>,
    /// See `latency_p50`.
    pub latency_p99: Option<i64>,
    /// The earliest start.
    pub first_start: Option<UnixNanos>,
    /// The latest start.
    pub last_start: Option<UnixNanos>,
}

/// Traces by time.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramQuery {
    /// Which traces. Without both ends of the range, the data's own ends are taken.
    pub selection: Selection,
    /// How many buckets.
    pub buckets: u32,
}

/// The answer: consecutive buckets of equal width.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Histogram {
    /// The start of the first bucket.
    pub from: UnixNanos,
    /// The width of each, in nanoseconds; zero when there is nothing.
    pub bucket_nanos: i64,
    /// The buckets, in order.
    pub buckets: Vec<HistogramBucket>,
}

/// One bucket.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HistogramBucket {
    /// Traces that did not fail.
    pub ok: u64,
    /// Traces whose root failed.
    pub error: u64,
    /// Dollars.
    pub cost: Decimal,
    /// Latency at the 95th percentile, in nanoseconds.
    pub latency_p95: Option<i64>,
}

/// What to count by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FacetField {
    /// The root's status.
    Status,
    /// The root's name.
    Name,
    /// The root's type.
    RunType,
    /// Any model of the trace.
    Model,
    /// The root's environment.
    Environment,
    /// The root's user.
    User,
    /// Any tag of the root.
    Tag,
    /// Any service of the trace.
    Service,
}

/// Count traces by a field.
#[derive(Debug, Clone, PartialEq)]
pub struct FacetQuery {
    /// Which traces.
    pub selection: Selection,
    /// By what.
    pub field: FacetField,
    /// How many values at most.
    pub limit: usize,
}

/// Values and the number of traces that have each, most frequent first.
pub type Facet = Vec<(String, u64)>;

/// What the runs of a project take on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProjectSize {
    /// The project.
    pub project_id: ProjectId,
    /// Its runs in files, without those that were replaced or deleted.
    pub runs: u64,
    /// The bytes that they take, about.
    pub bytes: u64,
}

/// When a project was last written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectActivity {
    /// The project.
    pub project_id: ProjectId,
    /// The start of its latest run.
    pub last_start: UnixNanos,
    /// Traces that began since the time asked for.
    pub trace_count: u64,
}
