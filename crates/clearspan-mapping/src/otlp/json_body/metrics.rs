//! Metrics in OTLP/JSON.

use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint,
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar,
    number_data_point,
};

use super::{
    attributes, count, enumeration, id, integer, list, member, nanos, read_float, read_integer,
    read_unsigned, resource, scope, text,
};
use crate::json::Json;
use crate::otlp::ExportMetricsServiceRequest;

const TEMPORALITIES: &[&str] = &["UNSPECIFIED", "DELTA", "CUMULATIVE"];

pub(in crate::otlp) fn read_metrics(json: &Json<'_>) -> ExportMetricsServiceRequest {
    let resource_metrics = list(json, "resourceMetrics", |json| ResourceMetrics {
        resource: json.get("resource").map(resource),
        scope_metrics: list(json, "scopeMetrics", |json| ScopeMetrics {
            scope: json.get("scope").map(scope),
            metrics: list(json, "metrics", metric),
            schema_url: text(json, "schemaUrl"),
        }),
        schema_url: text(json, "schemaUrl"),
    });
    ExportMetricsServiceRequest { resource_metrics }
}

fn metric(json: &Json<'_>) -> Metric {
    Metric {
        name: text(json, "name"),
        description: text(json, "description"),
        unit: text(json, "unit"),
        data: data(json),
        ..Metric::default()
    }
}

fn data(json: &Json<'_>) -> Option<Data> {
    let form = |name: &str| member(json, name).filter(|form| form.members().is_some());
    if let Some(form) = form("gauge") {
        return Some(Data::Gauge(Gauge { data_points: list(form, "dataPoints", number_point) }));
    }
    if let Some(form) = form("sum") {
        return Some(Data::Sum(Sum {
            data_points: list(form, "dataPoints", number_point),
            aggregation_temporality: temporality(form),
            is_monotonic: member(form, "isMonotonic").and_then(Json::as_bool).unwrap_or(false),
        }));
    }
    if let Some(form) = form("histogram") {
        return Some(Data::Histogram(Histogram {
            data_points: list(form, "dataPoints", histogram_point),
            aggregation_temporality: temporality(form),
        }));
    }
    if let Some(form) = form("exponentialHistogram") {
        return Some(Data::ExponentialHistogram(ExponentialHistogram {
            data_points: list(form, "dataPoints", exponential_point),
            aggregation_temporality: temporality(form),
        }));
    }
    form("summary")
        .map(|form| Data::Summary(Summary { data_points: list(form, "dataPoints", summary_point) }))
}

fn temporality(json: &Json<'_>) -> i32 {
    enumeration(json, "aggregationTemporality", "AGGREGATION_TEMPORALITY_", TEMPORALITIES)
}

fn float(json: &Json<'_>, name: &str) -> Option<f64> {
    member(json, name).and_then(read_float)
}

fn number_point(json: &Json<'_>) -> NumberDataPoint {
    let int = member(json, "asInt").and_then(read_integer).map(number_data_point::Value::AsInt);
    NumberDataPoint {
        attributes: attributes(json),
        start_time_unix_nano: nanos(json, "startTimeUnixNano"),
        time_unix_nano: nanos(json, "timeUnixNano"),
        exemplars: list(json, "exemplars", exemplar),
        flags: count(json, "flags"),
        value: int.or_else(|| float(json, "asDouble").map(number_data_point::Value::AsDouble)),
    }
}

fn histogram_point(json: &Json<'_>) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: attributes(json),
        start_time_unix_nano: nanos(json, "startTimeUnixNano"),
        time_unix_nano: nanos(json, "timeUnixNano"),
        count: nanos(json, "count"),
        sum: float(json, "sum"),
        bucket_counts: list(json, "bucketCounts", read_unsigned),
        explicit_bounds: list(json, "explicitBounds", |json| read_float(json).unwrap_or(f64::NAN)),
        exemplars: list(json, "exemplars", exemplar),
        flags: count(json, "flags"),
        min: float(json, "min"),
        max: float(json, "max"),
    }
}

fn exponential_point(json: &Json<'_>) -> ExponentialHistogramDataPoint {
    ExponentialHistogramDataPoint {
        attributes: attributes(json),
        start_time_unix_nano: nanos(json, "startTimeUnixNano"),
        time_unix_nano: nanos(json, "timeUnixNano"),
        count: nanos(json, "count"),
        sum: float(json, "sum"),
        scale: signed(json, "scale"),
        zero_count: nanos(json, "zeroCount"),
        positive: member(json, "positive").map(buckets),
        negative: member(json, "negative").map(buckets),
        flags: count(json, "flags"),
        exemplars: list(json, "exemplars", exemplar),
        min: float(json, "min"),
        max: float(json, "max"),
        zero_threshold: float(json, "zeroThreshold").unwrap_or(0.0),
    }
}

fn buckets(json: &Json<'_>) -> Buckets {
    Buckets { offset: signed(json, "offset"), bucket_counts: list(json, "bucketCounts", read_unsigned) }
}

fn signed(json: &Json<'_>, name: &str) -> i32 {
    integer(json, name).and_then(|number| number.try_into().ok()).unwrap_or(0)
}

fn summary_point(json: &Json<'_>) -> SummaryDataPoint {
    SummaryDataPoint {
        attributes: attributes(json),
        start_time_unix_nano: nanos(json, "startTimeUnixNano"),
        time_unix_nano: nanos(json, "timeUnixNano"),
        count: nanos(json, "count"),
        sum: float(json, "sum").unwrap_or(0.0),
        quantile_values: list(json, "quantileValues", |json| ValueAtQuantile {
            quantile: float(json, "quantile").unwrap_or(0.0),
            value: float(json, "value").unwrap_or(0.0),
        }),
        flags: count(json, "flags"),
    }
}

fn exemplar(json: &Json<'_>) -> Exemplar {
    let int = member(json, "asInt").and_then(read_integer).map(exemplar::Value::AsInt);
    Exemplar {
        filtered_attributes: list(json, "filteredAttributes", super::key_value),
        time_unix_nano: nanos(json, "timeUnixNano"),
        span_id: id(json, "spanId"),
        trace_id: id(json, "traceId"),
        value: int.or_else(|| float(json, "asDouble").map(exemplar::Value::AsDouble)),
    }
}
