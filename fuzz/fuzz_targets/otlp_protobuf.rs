#![no_main]

use clearspan_mapping::otlp::{Encoding, Signal};
use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message;

// Every body goes every way: their envelopes are alike, and clients do send to the wrong path.
fuzz_target!(|body: &[u8]| {
    check_traces(body);
    check_logs(body);
    check_metrics(body);
});

/// What prost can read is a request, and each of its spans is either a run or refused.
fn check_traces(body: &[u8]) {
    let mapped = clearspan_fuzz::check(Signal::Traces, body, Encoding::Protobuf);
    if let Ok(request) = ExportTraceServiceRequest::decode(body) {
        let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        let spans: usize = scopes.map(|scope| scope.spans.len()).sum();
        let mapped = mapped.expect("prost reads it");
        assert_eq!(mapped.runs.len() as u64 + mapped.rejected(), spans as u64);
    }
}

/// Each log record is kept, or refused, or content of a run.
fn check_logs(body: &[u8]) {
    let mapped = clearspan_fuzz::check(Signal::Logs, body, Encoding::Protobuf);
    if let Ok(request) = ExportLogsServiceRequest::decode(body) {
        let scopes = request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
        let records: usize = scopes.map(|scope| scope.log_records.len()).sum();
        let mapped = mapped.expect("prost reads it");
        let found = mapped.logs.len() as u64 + mapped.rejected();
        assert!(found == records as u64 || (found < records as u64 && !mapped.runs.is_empty()));
    }
}

fn check_metrics(body: &[u8]) {
    let mapped = clearspan_fuzz::check(Signal::Metrics, body, Encoding::Protobuf);
    if let Ok(request) = ExportMetricsServiceRequest::decode(body) {
        let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
        let points = scopes.flat_map(|scope| &scope.metrics).map(|metric| match &metric.data {
            None => 0,
            Some(Data::Gauge(data)) => data.data_points.len(),
            Some(Data::Sum(data)) => data.data_points.len(),
            Some(Data::Histogram(data)) => data.data_points.len(),
            Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
            Some(Data::Summary(data)) => data.data_points.len(),
        });
        let points: usize = points.sum();
        let mapped = mapped.expect("prost reads it");
        assert_eq!(mapped.metrics.len() as u64 + mapped.rejected(), points as u64);
    }
}
