//! Metrics to points, as they came.
//!
//! Points are facts of their sender: token and duration metrics never touch runs, whose tokens and cost come
//! from spans. A point that cannot be charted (no name, buckets that do not fit their bounds) is refused with a
//! reason and costs only itself.

use std::collections::BTreeMap;

use clearspan_model::{
    Buckets, Distribution, JsonText, MetricKind, MetricPoint, Number, ProjectId, Temporality, UnixNanos,
    WorkspaceId,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, DataPointFlags, Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint,
    Metric, NumberDataPoint, SummaryDataPoint, exemplar, exponential_histogram_data_point,
};

use super::ids::{parse_span_id, parse_trace_id, shorten};
use super::span::{Origin, project_of};
use super::value::{any_to_json, attribute_texts};
use super::view::{ScopeView, pairs};
use super::{ExportMetricsServiceRequest, MapContext, Mapped, MappedPoint};
use crate::json::{Json, Text};

/// Each point repeats the words about its metric, so they are bounded: OpenTelemetry allows names of 255
/// characters and asks for room for 1023 in descriptions. Longer names are refused, the others are cut.
const MAX_NAME_CHARS: usize = 255;
const MAX_UNIT_CHARS: usize = 63;
const MAX_DESCRIPTION_CHARS: usize = 1023;

/// Maps every data point.
pub fn map_metrics(request: ExportMetricsServiceRequest, ctx: &MapContext<'_>) -> Mapped {
    let mut mapped = Mapped::default();
    for resource_metrics in request.resource_metrics {
        let resource = resource_metrics.resource.unwrap_or_default();
        let origin = Origin::of_resource(pairs(&resource.attributes), Vec::new());
        for scope_metrics in resource_metrics.scope_metrics {
            let scope = scope_metrics.scope.unwrap_or_default();
            let origin = origin.with_scope(ScopeView::of(&scope), Vec::new());
            for metric in scope_metrics.metrics {
                map_metric(&mut mapped, metric, &origin, ctx);
            }
        }
    }
    mapped
}

/// What the points of one metric have in common, and where they go.
struct Target<'a> {
    mapped: &'a mut Mapped,
    origin: &'a Origin,
    common: MetricPoint,
}

fn map_metric(mapped: &mut Mapped, metric: Metric, origin: &Origin, ctx: &MapContext<'_>) {
    let Some(data) = metric.data else { return };
    if let Err(why) = check_name(&metric.name) {
        return mapped.reject(count_points(&data) as u64, why);
    }
    let (kind, temporality, monotonic) = form_of(&data);
    let common = MetricPoint {
        workspace_id: WorkspaceId::NIL,
        project_id: ProjectId::NIL,
        name: metric.name,
        description: words(&metric.description, MAX_DESCRIPTION_CHARS),
        unit: words(&metric.unit, MAX_UNIT_CHARS),
        kind,
        temporality,
        monotonic,
        time: ctx.received_at,
        start_time: None,
        received_at: ctx.received_at,
        attributes: BTreeMap::new(),
        sender: origin.sender(),
        value: None,
        count: None,
        sum: None,
        min: None,
        max: None,
        distribution: None,
        exemplars: None,
    };
    let mut target = Target { mapped, origin, common };
    match data {
        Data::Gauge(data) => data.data_points.into_iter().for_each(|point| target.map_number(point)),
        Data::Sum(data) => data.data_points.into_iter().for_each(|point| target.map_number(point)),
        Data::Histogram(data) => data.data_points.into_iter().for_each(|point| target.map_histogram(point)),
        Data::ExponentialHistogram(data) => {
            data.data_points.into_iter().for_each(|point| target.map_exponential(point));
        }
        Data::Summary(data) => data.data_points.into_iter().for_each(|point| target.map_summary(point)),
    }
}

fn check_name(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("a metric has no name".to_owned());
    }
    match name.chars().nth(MAX_NAME_CHARS) {
        None => Ok(()),
        Some(_) => Err(format!("metric \"{}\": the name is longer than {MAX_NAME_CHARS}", shorten(name))),
    }
}

fn words(text: &str, max_chars: usize) -> Option<String> {
    (!text.is_empty()).then(|| text.chars().take(max_chars).collect())
}

fn form_of(data: &Data) -> (MetricKind, Option<Temporality>, bool) {
    match data {
        Data::Gauge(_) => (MetricKind::Gauge, None, false),
        Data::Sum(sum) => (MetricKind::Sum, temporality(sum.aggregation_temporality), sum.is_monotonic),
        Data::Histogram(data) => (MetricKind::Histogram, temporality(data.aggregation_temporality), false),
        Data::ExponentialHistogram(data) => {
            (MetricKind::ExponentialHistogram, temporality(data.aggregation_temporality), false)
        }
        Data::Summary(_) => (MetricKind::Summary, None, false),
    }
}

fn temporality(number: i32) -> Option<Temporality> {
    match AggregationTemporality::try_from(number).ok()? {
        AggregationTemporality::Delta => Some(Temporality::Delta),
        AggregationTemporality::Cumulative => Some(Temporality::Cumulative),
        AggregationTemporality::Unspecified => None,
    }
}

fn count_points(data: &Data) -> usize {
    match data {
        Data::Gauge(data) => data.data_points.len(),
        Data::Sum(data) => data.data_points.len(),
        Data::Histogram(data) => data.data_points.len(),
        Data::ExponentialHistogram(data) => data.data_points.len(),
        Data::Summary(data) => data.data_points.len(),
    }
}

/// What points of all forms have.
struct Head {
    attributes: Vec<KeyValue>,
    start_time: u64,
    time: u64,
    flags: u32,
    exemplars: Vec<Exemplar>,
}

impl Target<'_> {
    /// Keeps a point; `fill` sets its values, unless the sender states that there are none.
    fn keep(&mut self, head: Head, fill: impl FnOnce(&mut MetricPoint)) {
        let mut point = self.common.clone();
        point.attributes = attribute_texts(pairs(&head.attributes));
        point.start_time = (head.start_time > 0).then(|| UnixNanos::from_otlp(head.start_time));
        if head.time > 0 {
            point.time = UnixNanos::from_otlp(head.time);
        }
        point.exemplars = exemplars(&head.exemplars);
        if head.flags & DataPointFlags::NoRecordedValueMask as u32 == 0 {
            fill(&mut point);
        }
        let project = project_of(|key| point.attributes.get(key).map(JsonText::to_plain));
        let project = project.or_else(|| self.origin.project.clone());
        self.mapped.metrics.push(MappedPoint { project, point });
    }

    fn refuse(&mut self, why: &str) {
        let reason = format!("metric \"{}\": {why}", shorten(&self.common.name));
        self.mapped.reject(1, reason);
    }

    fn map_number(&mut self, point: NumberDataPoint) {
        let NumberDataPoint { attributes, start_time_unix_nano, time_unix_nano, exemplars, flags, value } =
            point;
        let no_value = flags & DataPointFlags::NoRecordedValueMask as u32 != 0;
        if value.is_none() && !no_value {
            return self.refuse("a point has no value");
        }
        let head =
            Head { attributes, start_time: start_time_unix_nano, time: time_unix_nano, flags, exemplars };
        self.keep(head, |point| {
            point.value = value.map(|value| match value {
                Value::AsInt(number) => Number::Int(number),
                Value::AsDouble(number) => Number::Double(number),
            });
        });
    }

    fn map_histogram(&mut self, point: HistogramDataPoint) {
        let (bounds, counts) = (point.explicit_bounds, point.bucket_counts);
        // Both may be left out: then there is only a count and a sum.
        let fits = counts.len() == bounds.len() + 1 || (counts.is_empty() && bounds.is_empty());
        if !fits
            || bounds.iter().any(|bound| bound.is_nan())
            || !bounds.is_sorted_by(|left, right| left < right)
        {
            return self.refuse("the bucket counts do not fit their bounds");
        }
        let head = Head {
            attributes: point.attributes,
            start_time: point.start_time_unix_nano,
            time: point.time_unix_nano,
            flags: point.flags,
            exemplars: point.exemplars,
        };
        let (count, sum, min, max) = (point.count, point.sum, point.min, point.max);
        self.keep(head, |point| {
            (point.count, point.sum, point.min, point.max) = (Some(count), sum, min, max);
            point.distribution = (!counts.is_empty()).then_some(Distribution::Explicit { bounds, counts });
        });
    }

    fn map_exponential(&mut self, point: ExponentialHistogramDataPoint) {
        let head = Head {
            attributes: point.attributes,
            start_time: point.start_time_unix_nano,
            time: point.time_unix_nano,
            flags: point.flags,
            exemplars: point.exemplars,
        };
        let (count, sum, min, max) = (point.count, point.sum, point.min, point.max);
        let distribution = Distribution::Exponential {
            scale: point.scale,
            zero_count: point.zero_count,
            zero_threshold: point.zero_threshold,
            positive: buckets(point.positive),
            negative: buckets(point.negative),
        };
        self.keep(head, |point| {
            (point.count, point.sum, point.min, point.max) = (Some(count), sum, min, max);
            point.distribution = Some(distribution);
        });
    }

    fn map_summary(&mut self, point: SummaryDataPoint) {
        let head = Head {
            attributes: point.attributes,
            start_time: point.start_time_unix_nano,
            time: point.time_unix_nano,
            flags: point.flags,
            exemplars: Vec::new(),
        };
        let quantiles: Vec<_> =
            point.quantile_values.iter().map(|value| (value.quantile, value.value)).collect();
        self.keep(head, |kept| {
            (kept.count, kept.sum) = (Some(point.count), Some(point.sum));
            kept.distribution = (!quantiles.is_empty()).then_some(Distribution::Quantiles(quantiles));
        });
    }
}

fn buckets(buckets: Option<exponential_histogram_data_point::Buckets>) -> Buckets {
    let buckets = buckets.unwrap_or_default();
    Buckets { offset: buckets.offset, counts: buckets.bucket_counts }
}

/// `[{"time", "value", "trace_id", "span_id", "attributes"}]`: time in nanoseconds, what is unknown left out.
fn exemplars(exemplars: &[Exemplar]) -> Option<JsonText> {
    let items = exemplars.iter().map(|exemplar| {
        let trace_id = parse_trace_id(&exemplar.trace_id).ok().map(|id| id.to_hex());
        let span_id = parse_span_id(&exemplar.span_id).ok().map(|id| id.to_string());
        exemplar_text(exemplar, trace_id.as_deref(), span_id.as_deref())
    });
    let items = items.collect::<Vec<_>>().join(",");
    (!items.is_empty()).then(|| JsonText::from_trusted(format!("[{items}]")))
}

fn exemplar_text(exemplar: &Exemplar, trace_id: Option<&str>, span_id: Option<&str>) -> String {
    let time = UnixNanos::from_otlp(exemplar.time_unix_nano).as_nanos();
    let value = exemplar.value.map(|value| match value {
        exemplar::Value::AsInt(number) => Json::Int(number),
        exemplar::Value::AsDouble(number) => Json::Float(number),
    });
    let attributes = exemplar.filtered_attributes.iter();
    let attributes: Vec<_> =
        attributes.map(|a| (Text::Plain(a.key.as_str()), any_to_json(a.value.as_ref()))).collect();
    let members = [
        ("time", (time > 0).then_some(Json::Int(time))),
        ("value", value),
        ("trace_id", trace_id.map(Json::text)),
        ("span_id", span_id.map(Json::text)),
        ("attributes", (!attributes.is_empty()).then_some(Json::Object(attributes))),
    ];
    let members = members.into_iter().filter_map(|(name, value)| Some((Text::Clean(name), value?)));
    Json::Object(members.collect()).to_text()
}

#[cfg(test)]
mod tests;
