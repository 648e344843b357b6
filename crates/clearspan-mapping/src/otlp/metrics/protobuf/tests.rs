//! What prost encodes, both readers read alike.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    self as published, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint,
    SummaryDataPoint, exemplar, exponential_histogram_data_point, metric::Data, number_data_point,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::otlp::published::pairs;
use crate::otlp::room::{Room, Unshared};

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let value = ".{0,20}".prop_map(|text| Some(AnyValue { value: Some(Value::StringValue(text)) }));
    vec((".{0,9}", value).prop_map(|(key, value)| KeyValue { key, value, ..KeyValue::default() }), 0..4)
}

fn double() -> impl Strategy<Value = f64> {
    -1e300..1e300
}

fn exemplars() -> impl Strategy<Value = Vec<published::Exemplar>> {
    let value = option::of(prop_oneof![
        any::<i64>().prop_map(exemplar::Value::AsInt),
        double().prop_map(exemplar::Value::AsDouble),
    ]);
    let ids = (vec(1_u8.., 16), vec(1_u8.., 8));
    let exemplar = (attributes(), any::<u64>(), ids, value).prop_map(
        |(filtered_attributes, time_unix_nano, (trace_id, span_id), value)| published::Exemplar {
            filtered_attributes,
            time_unix_nano,
            span_id,
            trace_id,
            value,
        },
    );
    vec(exemplar, 0..3)
}

fn number() -> impl Strategy<Value = NumberDataPoint> {
    let value = option::of(prop_oneof![
        any::<i64>().prop_map(number_data_point::Value::AsInt),
        double().prop_map(number_data_point::Value::AsDouble),
    ]);
    (attributes(), any::<[u64; 2]>(), exemplars(), any::<u32>(), value).prop_map(
        |(attributes, times, exemplars, flags, value)| NumberDataPoint {
            attributes,
            start_time_unix_nano: times[0],
            time_unix_nano: times[1],
            exemplars,
            flags,
            value,
        },
    )
}

fn histogram() -> impl Strategy<Value = HistogramDataPoint> {
    let sums = (option::of(double()), option::of(double()), option::of(double()));
    let lists = (vec(any::<u64>(), 0..5), vec(double(), 0..5));
    (attributes(), any::<[u64; 3]>(), sums, lists, exemplars(), any::<u32>()).prop_map(
        |(attributes, numbers, sums, lists, exemplars, flags)| HistogramDataPoint {
            attributes,
            start_time_unix_nano: numbers[0],
            time_unix_nano: numbers[1],
            count: numbers[2],
            sum: sums.0,
            bucket_counts: lists.0,
            explicit_bounds: lists.1,
            exemplars,
            flags,
            min: sums.1,
            max: sums.2,
        },
    )
}

fn exponential() -> impl Strategy<Value = ExponentialHistogramDataPoint> {
    let buckets = || {
        option::of((any::<i32>(), vec(any::<u64>(), 0..5))).prop_map(|buckets| {
            buckets.map(|(offset, bucket_counts)| exponential_histogram_data_point::Buckets {
                offset,
                bucket_counts,
            })
        })
    };
    let sums = (option::of(double()), option::of(double()), option::of(double()), double());
    let both = (buckets(), buckets());
    (attributes(), any::<[u64; 4]>(), any::<i32>(), sums, both, exemplars(), any::<u32>()).prop_map(
        |(attributes, numbers, scale, sums, both, exemplars, flags)| ExponentialHistogramDataPoint {
            attributes,
            start_time_unix_nano: numbers[0],
            time_unix_nano: numbers[1],
            count: numbers[2],
            sum: sums.0,
            scale,
            zero_count: numbers[3],
            positive: both.0,
            negative: both.1,
            flags,
            exemplars,
            min: sums.1,
            max: sums.2,
            zero_threshold: sums.3,
        },
    )
}

fn summary() -> impl Strategy<Value = SummaryDataPoint> {
    let quantile = (double(), double()).prop_map(|(quantile, value)| ValueAtQuantile { quantile, value });
    (attributes(), any::<[u64; 3]>(), double(), vec(quantile, 0..4), any::<u32>()).prop_map(
        |(attributes, numbers, sum, quantile_values, flags)| SummaryDataPoint {
            attributes,
            start_time_unix_nano: numbers[0],
            time_unix_nano: numbers[1],
            count: numbers[2],
            sum,
            quantile_values,
            flags,
        },
    )
}

/// Reads the bytes of a point, without an issue, and hands the view to a check.
fn check(sent: &impl Message, kind: MetricKind, check: impl FnOnce(PointView<'_>)) {
    let bytes = sent.encode_to_vec();
    let (kept, mut unshared, mut issues) = (Kept::default(), Unshared, Vec::new());
    let mut room = Room::for_body(bytes.len(), &mut unshared);
    check(read_point(&bytes, kind, &mut Reading::new(&kept, &mut room, &mut issues)).unwrap());
    assert!(issues.is_empty(), "{issues:?}");
}

fn check_exemplars(read: &[ExemplarView<'_>], sent: &[published::Exemplar]) {
    assert_eq!(read.len(), sent.len());
    for (read, sent) in read.iter().zip(sent) {
        let value = sent.value.map(|value| match value {
            exemplar::Value::AsInt(number) => Number::Int(number),
            exemplar::Value::AsDouble(number) => Number::Double(number),
        });
        assert_eq!((read.time, read.value), (sent.time_unix_nano, value));
        assert_eq!((read.trace_id, read.span_id), (&*sent.trace_id, &*sent.span_id));
        assert_eq!(read.attributes, pairs(&sent.filtered_attributes));
    }
}

fn buckets(sent: Option<exponential_histogram_data_point::Buckets>) -> Buckets {
    let sent = sent.unwrap_or_default();
    Buckets { offset: sent.offset, counts: sent.bucket_counts }
}

proptest! {
    #[test]
    fn numbers_are_read_as_prost_reads_them(sent in number()) {
        check(&sent, MetricKind::Sum, |read| {
            let value = sent.value.map(|value| match value {
                number_data_point::Value::AsInt(number) => Number::Int(number),
                number_data_point::Value::AsDouble(number) => Number::Double(number),
            });
            assert_eq!(read.value, value);
            assert_eq!((read.start, read.time), (sent.start_time_unix_nano, sent.time_unix_nano));
            assert_eq!(read.flags, u64::from(sent.flags));
            assert_eq!(read.attributes, pairs(&sent.attributes));
            check_exemplars(&read.exemplars, &sent.exemplars);
        });
    }

    #[test]
    fn histograms_are_read_as_prost_reads_them(sent in histogram()) {
        check(&sent, MetricKind::Histogram, |read| {
            assert_eq!((read.start, read.time), (sent.start_time_unix_nano, sent.time_unix_nano));
            assert_eq!((read.count, read.sum, read.min, read.max), (sent.count, sent.sum, sent.min, sent.max));
            assert_eq!((&read.counts, &read.bounds), (&sent.bucket_counts, &sent.explicit_bounds));
            assert_eq!(read.flags, u64::from(sent.flags));
            assert_eq!(read.attributes, pairs(&sent.attributes));
            check_exemplars(&read.exemplars, &sent.exemplars);
        });
    }

    #[test]
    fn exponential_histograms_are_read_as_prost_reads_them(sent in exponential()) {
        check(&sent, MetricKind::ExponentialHistogram, |read| {
            assert_eq!((read.start, read.time), (sent.start_time_unix_nano, sent.time_unix_nano));
            assert_eq!((read.count, read.sum, read.min, read.max), (sent.count, sent.sum, sent.min, sent.max));
            assert_eq!((read.scale, read.zero_count), (sent.scale, sent.zero_count));
            assert_eq!(read.zero_threshold, sent.zero_threshold);
            assert_eq!((read.positive, read.negative), (buckets(sent.positive.clone()), buckets(sent.negative.clone())));
            assert_eq!(read.flags, u64::from(sent.flags));
            assert_eq!(read.attributes, pairs(&sent.attributes));
            check_exemplars(&read.exemplars, &sent.exemplars);
        });
    }

    #[test]
    fn summaries_are_read_as_prost_reads_them(sent in summary()) {
        check(&sent, MetricKind::Summary, |read| {
            assert_eq!((read.start, read.time), (sent.start_time_unix_nano, sent.time_unix_nano));
            assert_eq!((read.count, read.sum), (sent.count, Some(sent.sum)));
            let quantiles: Vec<_> = sent.quantile_values.iter().map(|q| (q.quantile, q.value)).collect();
            assert_eq!(read.quantiles, quantiles);
            assert_eq!(read.flags, u64::from(sent.flags));
            assert_eq!(read.attributes, pairs(&sent.attributes));
        });
    }

    /// Bytes that were cut or changed: what prost reads, we read, and count alike.
    #[test]
    fn broken_metrics_are_counted_as_prost_counts_them(
        points in vec(number(), 0..4), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let data = Some(Data::Gauge(published::Gauge { data_points: points }));
        let mut bytes = Metric { name: "m".to_owned(), data, ..Metric::default() }.encode_to_vec();
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        if let Ok(metric) = Metric::decode(bytes.as_slice()) {
            let count = match metric.data {
                None => 0,
                Some(Data::Gauge(data)) => data.data_points.len(),
                Some(Data::Sum(data)) => data.data_points.len(),
                Some(Data::Histogram(data)) => data.data_points.len(),
                Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
                Some(Data::Summary(data)) => data.data_points.len(),
            };
            prop_assert_eq!(count_points(&bytes), count as u64);
        }
    }
}
