//! Metrics: this version does not store them, and says so instead of dropping them in silence.

use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;

use super::{ExportMetricsServiceRequest, Mapped};

/// Rejects every data point.
pub fn map_metrics(request: ExportMetricsServiceRequest) -> Mapped {
    let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
    let points: usize = scopes.flat_map(|scope| &scope.metrics).map(count_points).sum();
    let mut mapped = Mapped::default();
    if points > 0 {
        mapped.reject(points as u64, "this version of Clearspan does not store metrics");
    }
    mapped
}

fn count_points(metric: &Metric) -> usize {
    match &metric.data {
        None => 0,
        Some(Data::Gauge(data)) => data.data_points.len(),
        Some(Data::Sum(data)) => data.data_points.len(),
        Some(Data::Histogram(data)) => data.data_points.len(),
        Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
        Some(Data::Summary(data)) => data.data_points.len(),
    }
}
