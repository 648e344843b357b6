//! The three things that OTLP exports, and what the parts of their requests are called.

/// What OTLP exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Log records.
    Logs,
    /// Metric points.
    Metrics,
}

/// Names of one signal's messages and fields.
#[derive(Debug)]
pub(super) struct Names {
    /// What a request is for, for people.
    pub(super) request: &'static str,
    /// What is refused one by one.
    pub(super) one: &'static str,
    pub(super) all: &'static str,
    /// The lists of a request, from the outermost, in protobuf and in JSON.
    pub(super) protobuf: [&'static str; 3],
    pub(super) json: [&'static str; 3],
}

const TRACES: Names = Names {
    request: "trace",
    one: "span",
    all: "resources, scopes and spans",
    protobuf: ["resource_spans", "scope_spans", "spans"],
    json: ["resourceSpans", "scopeSpans", "spans"],
};
const LOGS: Names = Names {
    request: "log",
    one: "log record",
    all: "resources, scopes and log records",
    protobuf: ["resource_logs", "scope_logs", "log_records"],
    json: ["resourceLogs", "scopeLogs", "logRecords"],
};
const METRICS: Names = Names {
    request: "metric",
    one: "data point",
    all: "resources, scopes, metrics and data points",
    protobuf: ["resource_metrics", "scope_metrics", "metrics"],
    json: ["resourceMetrics", "scopeMetrics", "metrics"],
};

impl Signal {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Traces, Self::Logs, Self::Metrics];

    pub(super) fn names(self) -> &'static Names {
        match self {
            Self::Traces => &TRACES,
            Self::Logs => &LOGS,
            Self::Metrics => &METRICS,
        }
    }

    /// Where its requests go.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Logs => "/v1/logs",
            Self::Metrics => "/v1/metrics",
        }
    }
}
