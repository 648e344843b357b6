//! The answers of the REST API. Times are microseconds since the epoch, money is decimal text in dollars, `null`
//! is unknown.

use std::collections::BTreeMap;

use clearspan_catalog::Project;
use clearspan_model::{CostSource, Decimal, JsonText, UnixNanos};
use clearspan_store::{Histogram, RunSummary, Stats, TraceSummary};
use serde::Serialize;
use utoipa::ToSchema;

use super::feedback::FeedbackFigures;
use super::format::first_line;
use super::skeleton::nano_dollars;

/// The longest error text in a list.
const MAX_ERROR_CHARS: usize = 300;

/// A project by its two names.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ProjectRef {
    pub(crate) id: String,
    pub(crate) name: String,
}

impl From<&Project> for ProjectRef {
    fn from(project: &Project) -> Self {
        Self { id: project.id.to_string(), name: project.name.as_str().to_owned() }
    }
}

/// A named container of traces.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProjectRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created_at: i64,
    pub(crate) last_run_at: Option<i64>,
    /// Traces that began in the last seven days.
    pub(crate) trace_count: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProjectList {
    /// The project that was written to last comes first.
    pub(crate) projects: Vec<ProjectRow>,
}

/// A trace summed up from all its runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TraceRow {
    pub(crate) trace_id: String,
    pub(crate) root_run_id: String,
    pub(crate) name: String,
    pub(crate) run_type: &'static str,
    /// `pending`, `success` or `error`: that of the root.
    pub(crate) status: &'static str,
    /// First line of the root's error, else of the run that broke first.
    pub(crate) error: Option<String>,
    pub(crate) start_time: i64,
    /// Null while pending.
    pub(crate) latency_us: Option<i64>,
    pub(crate) first_token_us: Option<i64>,
    pub(crate) cost: Option<String>,
    /// Of `cost`, what the input took, as far as it is known by side.
    pub(crate) input_cost: Option<String>,
    /// Of `cost`, what the output took, as far as it is known by side.
    pub(crate) output_cost: Option<String>,
    pub(crate) unpriced_count: u64,
    pub(crate) input_tokens: Option<u64>,
    pub(crate) output_tokens: Option<u64>,
    pub(crate) total_tokens: Option<u64>,
    pub(crate) cached_tokens: Option<u64>,
    /// Runs that are stored, those too that tell of a call that another run stands for.
    pub(crate) run_count: u64,
    /// Calls of language models. A call counts once, however many instrumentations tell of it.
    pub(crate) llm_count: u64,
    /// Runs that failed. A failed call counts once, however many instrumentations tell of it.
    pub(crate) error_count: u64,
    pub(crate) models: Vec<String>,
    pub(crate) providers: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) user_id: Option<String>,
    pub(crate) thread_id: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) service: Option<String>,
    pub(crate) input_preview: Option<String>,
    pub(crate) output_preview: Option<String>,
    /// The root names a parent that never came.
    pub(crate) orphan: bool,
    /// The root's metadata.
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    pub(crate) metadata: BTreeMap<String, JsonText>,
    /// What was said of its runs, summed up by key.
    pub(crate) feedback: Vec<FeedbackFigures>,
}

impl TraceRow {
    pub(crate) fn new(trace: TraceSummary, feedback: Vec<FeedbackFigures>) -> Self {
        let root = trace.root;
        let ended = trace.end_time;
        Self {
            trace_id: root.trace_id.to_string(),
            root_run_id: root.run_id.to_string(),
            name: root.name,
            run_type: root.run_type.as_str(),
            status: root.status.as_str(),
            error: trace.error.map(|error| first_line(&error, MAX_ERROR_CHARS)),
            start_time: trace.start_time.as_micros(),
            latency_us: ended.map(|end| end.nanos_since(trace.start_time) / 1_000),
            first_token_us: micros_after(root.first_token_time, root.start_time),
            cost: trace.total_cost.map(decimal_text),
            input_cost: trace.input_cost.map(decimal_text),
            output_cost: trace.output_cost.map(decimal_text),
            unpriced_count: trace.unpriced_count,
            input_tokens: trace.input_tokens,
            output_tokens: trace.output_tokens,
            total_tokens: trace.total_tokens,
            cached_tokens: trace.cache_read_tokens,
            run_count: trace.run_count,
            llm_count: trace.llm_count,
            error_count: trace.error_count,
            models: trace.models,
            providers: trace.providers,
            tags: root.tags,
            user_id: trace.user_id,
            thread_id: trace.thread_id,
            environment: root.environment,
            service: root.service,
            input_preview: trace.input_preview,
            output_preview: trace.output_preview,
            orphan: trace.is_orphan,
            metadata: root.metadata,
            feedback,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TraceList {
    pub(crate) traces: Vec<TraceRow>,
    /// Pass it as `cursor` to go on; null at the end.
    pub(crate) next_cursor: Option<String>,
}

/// A run as lists show it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunRow {
    pub(crate) run_id: String,
    pub(crate) trace_id: String,
    pub(crate) parent_run_id: Option<String>,
    pub(crate) name: String,
    pub(crate) run_type: &'static str,
    pub(crate) status: &'static str,
    pub(crate) error: Option<String>,
    pub(crate) start_time: i64,
    pub(crate) latency_us: Option<i64>,
    pub(crate) first_token_us: Option<i64>,
    /// The run's own cost, without its children.
    pub(crate) cost: Option<String>,
    /// Of its own cost, what the input took; null where only the whole is known.
    pub(crate) input_cost: Option<String>,
    /// Of its own cost, what the output took; null where only the whole is known.
    pub(crate) output_cost: Option<String>,
    pub(crate) cost_source: CostOrigin,
    pub(crate) input_tokens: Option<u64>,
    pub(crate) output_tokens: Option<u64>,
    pub(crate) total_tokens: Option<u64>,
    pub(crate) model: Option<String>,
    pub(crate) provider: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) user_id: Option<String>,
    pub(crate) thread_id: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) service: Option<String>,
    pub(crate) input_preview: Option<String>,
    pub(crate) output_preview: Option<String>,
    pub(crate) is_root: bool,
    /// What was said of it, summed up by key.
    pub(crate) feedback: Vec<FeedbackFigures>,
}

impl RunRow {
    pub(crate) fn new(run: RunSummary, feedback: Vec<FeedbackFigures>) -> Self {
        Self {
            run_id: run.run_id.to_string(),
            trace_id: run.trace_id.to_string(),
            parent_run_id: run.parent_run_id.map(|id| id.to_string()),
            latency_us: run.latency_nanos().map(|nanos| nanos / 1_000),
            first_token_us: micros_after(run.first_token_time, run.start_time),
            name: run.name,
            run_type: run.run_type.as_str(),
            status: run.status.as_str(),
            error: run.error.map(|error| first_line(&error, MAX_ERROR_CHARS)),
            start_time: run.start_time.as_micros(),
            cost: run.total_cost.map(decimal_text),
            input_cost: run.input_cost.map(decimal_text),
            output_cost: run.output_cost.map(decimal_text),
            cost_source: run.cost_source.into(),
            input_tokens: run.input_tokens,
            output_tokens: run.output_tokens,
            total_tokens: run.total_tokens,
            model: run.model,
            provider: run.provider,
            tags: run.tags,
            user_id: run.user_id,
            thread_id: run.thread_id,
            environment: run.environment,
            service: run.service,
            input_preview: run.input_preview,
            output_preview: run.output_preview,
            is_root: run.parent_run_id.is_none(),
            feedback,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunList {
    pub(crate) runs: Vec<RunRow>,
    /// Pass it as `cursor` to go on; null at the end.
    pub(crate) next_cursor: Option<String>,
}

/// Where a cost came from.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(crate) enum CostOrigin {
    /// Nothing to price.
    None,
    /// There should be a price and there is none.
    Unpriced {
        /// `no_model`, `unknown_model`, `no_usage` or `no_price_at_time`.
        reason: &'static str,
    },
    /// Tokens times a price of the price table.
    Priced {
        /// Which one.
        price_id: String,
    },
    /// The client said it.
    Reported,
}

impl From<CostSource> for CostOrigin {
    fn from(source: CostSource) -> Self {
        match source {
            CostSource::None => Self::None,
            CostSource::Unpriced { reason } => Self::Unpriced { reason: reason.as_str() },
            CostSource::Priced { price_id } => Self::Priced { price_id },
            CostSource::Reported => Self::Reported,
        }
    }
}

/// Traces by time, in buckets of equal width.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistogramAnswer {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) bucket_us: i64,
    pub(crate) ok: Vec<u64>,
    pub(crate) error: Vec<u64>,
    /// Nano-dollars.
    pub(crate) cost: Vec<i64>,
    pub(crate) p95_us: Vec<Option<i64>>,
}

impl From<Histogram> for HistogramAnswer {
    fn from(histogram: Histogram) -> Self {
        let buckets = &histogram.buckets;
        let width = histogram.bucket_nanos.saturating_mul(i64::try_from(buckets.len()).unwrap_or(i64::MAX));
        Self {
            from: histogram.from.as_micros(),
            to: histogram.from.as_nanos().saturating_add(width) / 1_000,
            bucket_us: histogram.bucket_nanos / 1_000,
            ok: buckets.iter().map(|bucket| bucket.ok).collect(),
            error: buckets.iter().map(|bucket| bucket.error).collect(),
            cost: buckets.iter().map(|bucket| nano_dollars(bucket.cost).unwrap_or(i64::MAX)).collect(),
            p95_us: buckets.iter().map(|bucket| bucket.latency_p95.map(|nanos| nanos / 1_000)).collect(),
        }
    }
}

/// How many traces have each value of a field.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FacetRow {
    pub(crate) field: &'static str,
    pub(crate) values: Vec<FacetValue>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FacetValue {
    pub(crate) value: String,
    pub(crate) count: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FacetList {
    pub(crate) facets: Vec<FacetRow>,
}

/// Figures over everything that a filter selects.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatsAnswer {
    /// Runs that are stored, or traces.
    pub(crate) count: u64,
    /// How many of the runs tell of a call that another run stands for; 0 for traces. Those are in `count` and in no
    /// other figure but the latencies.
    pub(crate) double_count: u64,
    /// Runs that failed, or traces whose root failed.
    pub(crate) error_count: u64,
    pub(crate) cost: String,
    /// Of `cost`, what inputs took, as far as it is known by side.
    pub(crate) input_cost: String,
    /// Of `cost`, what outputs took, as far as it is known by side.
    pub(crate) output_cost: String,
    /// Runs that should have a cost and have none; of traces, those of all of them.
    pub(crate) unpriced_count: u64,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    pub(crate) total_tokens: u64,
    pub(crate) p50_us: Option<i64>,
    pub(crate) p95_us: Option<i64>,
    pub(crate) p99_us: Option<i64>,
    pub(crate) first_run_at: Option<i64>,
    pub(crate) last_run_at: Option<i64>,
}

impl From<Stats> for StatsAnswer {
    fn from(stats: Stats) -> Self {
        let micros = |nanos: Option<i64>| nanos.map(|nanos| nanos / 1_000);
        Self {
            count: stats.count,
            double_count: stats.double_count,
            error_count: stats.error_count,
            cost: decimal_text(stats.total_cost),
            input_cost: decimal_text(stats.input_cost),
            output_cost: decimal_text(stats.output_cost),
            unpriced_count: stats.unpriced_count,
            input_tokens: stats.input_tokens,
            output_tokens: stats.output_tokens,
            total_tokens: stats.total_tokens,
            p50_us: micros(stats.latency_p50),
            p95_us: micros(stats.latency_p95),
            p99_us: micros(stats.latency_p99),
            first_run_at: stats.first_start.map(UnixNanos::as_micros),
            last_run_at: stats.last_start.map(UnixNanos::as_micros),
        }
    }
}

/// Decimal text without needless zeros.
pub(crate) fn decimal_text(decimal: Decimal) -> String {
    decimal.normalize().to_string()
}

fn micros_after(time: Option<UnixNanos>, start: UnixNanos) -> Option<i64> {
    time.map(|time| time.nanos_since(start) / 1_000)
}
