//! Log records and metric points to send, as both encodings write them.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use serde_json::{Value, json};

use crate::spans::text;

/// An hour in November 2026.
pub(crate) const START: u64 = 1_795_000_000_000_000_000;
const SECOND: u64 = 1_000_000_000;

fn resource(service: &str) -> Resource {
    Resource { attributes: vec![text("service.name", service)], ..Resource::default() }
}

/// A log record so many seconds after the start, with a trace and span where they are given.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) second: u64,
    pub(crate) severity: i32,
    pub(crate) body: &'static str,
    /// Bytes of the trace id and of the span id.
    pub(crate) span: Option<([u8; 16], [u8; 8])>,
}

impl Line {
    pub(crate) fn new(second: u64, severity: i32, body: &'static str) -> Self {
        Self { second, severity, body, span: None }
    }

    fn record(&self) -> LogRecord {
        let (trace_id, span_id) =
            self.span.map_or_else(Default::default, |(trace, span)| (trace.to_vec(), span.to_vec()));
        LogRecord {
            time_unix_nano: START + self.second * SECOND,
            severity_number: self.severity,
            body: Some(AnyValue { value: Some(any_value::Value::StringValue(self.body.to_owned())) }),
            attributes: vec![text("logger", "app.pay")],
            trace_id,
            span_id,
            ..LogRecord::default()
        }
    }

    fn json(&self) -> Value {
        let mut record = json!({
            "timeUnixNano": (START + self.second * SECOND).to_string(),
            "severityNumber": self.severity,
            "body": {"stringValue": self.body},
            "attributes": [{"key": "logger", "value": {"stringValue": "app.pay"}}],
        });
        if let Some((trace, span)) = self.span {
            record["traceId"] = hex(&trace).into();
            record["spanId"] = hex(&span).into();
        }
        record
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn logs_protobuf(service: &str, lines: &[Line]) -> Bytes {
    let log_records = lines.iter().map(Line::record).collect();
    let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
    let resource = Some(resource(service));
    let resource_logs = vec![ResourceLogs { resource, scope_logs, ..ResourceLogs::default() }];
    ExportLogsServiceRequest { resource_logs }.encode_to_vec().into()
}

pub(crate) fn logs_json(service: &str, lines: &[Line]) -> Bytes {
    let records: Vec<Value> = lines.iter().map(Line::json).collect();
    let resource = json!({"attributes": [{"key": "service.name", "value": {"stringValue": service}}]});
    json!({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]})
        .to_string()
        .into()
}

/// Points of a counter: (second, value, model).
pub(crate) type Points<'a> = &'a [(u64, i64, &'a str)];

const COUNTER: &str = "acme.tokens";

pub(crate) fn metrics_protobuf(service: &str, points: Points<'_>) -> Bytes {
    let data_points = points
        .iter()
        .map(|(second, value, model)| NumberDataPoint {
            attributes: vec![text("model", model)],
            start_time_unix_nano: START,
            time_unix_nano: START + second * SECOND,
            value: Some(number_data_point::Value::AsInt(*value)),
            ..NumberDataPoint::default()
        })
        .collect();
    let sum = Sum { data_points, aggregation_temporality: 2, is_monotonic: true };
    let metric = Metric {
        name: COUNTER.to_owned(),
        description: "Tokens used".to_owned(),
        unit: "{token}".to_owned(),
        data: Some(metric::Data::Sum(sum)),
        ..Metric::default()
    };
    let scope_metrics = vec![ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() }];
    let resource = Some(resource(service));
    let resource_metrics = vec![ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() }];
    ExportMetricsServiceRequest { resource_metrics }.encode_to_vec().into()
}

pub(crate) fn metrics_json(service: &str, points: Points<'_>) -> Bytes {
    let points: Vec<Value> = points
        .iter()
        .map(|(second, value, model)| {
            json!({
                "attributes": [{"key": "model", "value": {"stringValue": model}}],
                "startTimeUnixNano": START.to_string(),
                "timeUnixNano": (START + second * SECOND).to_string(),
                "asInt": value.to_string(),
            })
        })
        .collect();
    let metric = json!({
        "name": COUNTER, "description": "Tokens used", "unit": "{token}",
        "sum": {"dataPoints": points, "aggregationTemporality": 2, "isMonotonic": true},
    });
    let resource = json!({"attributes": [{"key": "service.name", "value": {"stringValue": service}}]});
    json!({"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": [metric]}]}]})
        .to_string()
        .into()
}
