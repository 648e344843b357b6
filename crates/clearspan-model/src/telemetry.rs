//! What OpenTelemetry sends beside spans: log records and metric points.
//!
//! Both are facts that never change: they are stored as they came, once, and are never merged. The same record sent
//! again is the same record, because its identity is its content.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::run::names;
use crate::{JsonText, ProjectId, SpanId, TraceId, UnixNanos, WorkspaceId};

/// Who sent a record or point: the process and the library inside it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// `service.name`.
    pub service: Option<String>,
    /// The instrumentation scope's name.
    pub scope_name: Option<String>,
    /// The instrumentation scope's version.
    pub scope_version: Option<String>,
    /// Attributes of the process, by key; values are JSON.
    pub resource: BTreeMap<String, JsonText>,
}

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    /// The tenant.
    pub workspace_id: WorkspaceId,
    /// The project.
    pub project_id: ProjectId,
    /// When it happened; when it was observed, or else received, where the sender does not say.
    pub time: UnixNanos,
    /// When the sender's collector saw it.
    pub observed_time: Option<UnixNanos>,
    /// When the server first heard of it. Not part of its identity.
    pub received_at: UnixNanos,
    /// The trace that it belongs to.
    pub trace_id: Option<TraceId>,
    /// The span that it belongs to.
    pub span_id: Option<SpanId>,
    /// How bad it is: 1 to 4 trace, 5 to 8 debug, 9 to 12 info, 13 to 16 warn, 17 to 20 error, 21 to 24 fatal.
    pub severity: Option<u8>,
    /// The sender's own word for that.
    pub severity_text: Option<String>,
    /// What kind of event it is, where it is one.
    pub event_name: Option<String>,
    /// What it says: any JSON value, mostly text.
    pub body: Option<JsonText>,
    /// Its attributes, by key; values are JSON.
    pub attributes: BTreeMap<String, JsonText>,
    /// Who sent it.
    pub sender: Sender,
}

names! {
    /// The form of a metric.
    MetricKind: "metric kind (gauge, sum, histogram, exponential_histogram, summary)" {
        /// A value at a time.
        Gauge = "gauge",
        /// A value that adds up.
        Sum = "sum",
        /// Counts in buckets with stated bounds.
        Histogram = "histogram",
        /// Counts in buckets that grow exponentially.
        ExponentialHistogram = "exponential_histogram",
        /// Quantiles that the sender computed.
        Summary = "summary",
    }
}

names! {
    /// What the points of a sum or histogram cover.
    Temporality: "temporality (delta, cumulative)" {
        /// Since the point before.
        Delta = "delta",
        /// Since the process began.
        Cumulative = "cumulative",
    }
}

/// A number as it was sent: integers stay exact.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Number {
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Double(f64),
}

impl Number {
    /// The nearest floating-point number.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(number) => number as f64,
            Self::Double(number) => number,
        }
    }
}

/// Counts in exponential buckets of one sign: bucket *i* covers (base^(offset+i), base^(offset+i+1)], base = 2^(2^-scale).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buckets {
    /// The index of the first bucket.
    pub offset: i32,
    /// How many values fell into each.
    pub counts: Vec<u64>,
}

/// How the values of a histogram or summary are spread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// Buckets with upper bounds; one more count than bounds.
    Explicit {
        /// Upper bounds, ascending, inside the bucket.
        bounds: Vec<f64>,
        /// How many values fell into each.
        counts: Vec<u64>,
    },
    /// Buckets that grow exponentially.
    Exponential {
        /// The resolution.
        scale: i32,
        /// Values that count as zero.
        zero_count: u64,
        /// Up to which absolute value they do.
        zero_threshold: f64,
        /// Positive values.
        positive: Buckets,
        /// Negative values.
        negative: Buckets,
    },
    /// (quantile, value) pairs.
    Quantiles(Vec<(f64, f64)>),
}

/// One point of a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricPoint {
    /// The tenant.
    pub workspace_id: WorkspaceId,
    /// The project.
    pub project_id: ProjectId,
    /// The metric's name, for example `gen_ai.client.token.usage`.
    pub name: String,
    /// What the sender says about the metric.
    pub description: Option<String>,
    /// Its unit (UCUM), for example `s` or `{token}`.
    pub unit: Option<String>,
    /// Its form.
    pub kind: MetricKind,
    /// What a point of it covers; `None` for gauges and summaries.
    pub temporality: Option<Temporality>,
    /// True for sums that never fall.
    pub monotonic: bool,
    /// When the point was taken; when it was received where the sender does not say.
    pub time: UnixNanos,
    /// Since when it counts.
    pub start_time: Option<UnixNanos>,
    /// When the server first heard of it. Not part of its identity.
    pub received_at: UnixNanos,
    /// What it is about, by key; values are JSON. Points of one metric with equal attributes and sender make a series.
    pub attributes: BTreeMap<String, JsonText>,
    /// Who sent it.
    pub sender: Sender,
    /// The value of a gauge or sum; `None` where the sender states that there is none.
    pub value: Option<Number>,
    /// How many values a histogram or summary holds.
    pub count: Option<u64>,
    /// Their sum.
    pub sum: Option<f64>,
    /// The least of them.
    pub min: Option<f64>,
    /// The greatest of them.
    pub max: Option<f64>,
    /// How they are spread.
    pub distribution: Option<Distribution>,
    /// Examples with the traces that they came from: a JSON list.
    pub exemplars: Option<JsonText>,
}
