use clearspan_model::JsonText;

use super::*;
use crate::otlp::{Encoding, Mapped, ProjectRef, read_metrics};

fn ctx() -> MapContext<'static> {
    MapContext::at(UnixNanos::from_nanos(1_700_000_000_000_000_000))
}

/// Maps metrics in JSON.
fn map(metrics: &str) -> Mapped {
    let body = format!(
        r#"{{"resourceMetrics":[{{"resource":{{"attributes":[
            {{"key":"service.name","value":{{"stringValue":"shop"}}}}]}},
        "scopeMetrics":[{{"scope":{{"name":"meter","version":"1"}},"metrics":[{metrics}]}}]}}]}}"#
    );
    read_metrics(body.as_bytes(), Encoding::Json, &ctx()).unwrap()
}

fn one(metric: &str) -> MetricPoint {
    let mut mapped = map(metric);
    assert_eq!(mapped.rejections, []);
    assert_eq!(mapped.metrics.len(), 1);
    assert!(mapped.runs.is_empty(), "metrics never touch runs");
    mapped.metrics.remove(0).point
}

#[test]
fn sums_and_gauges() {
    let point = one(r#"{"name":"llm.calls","description":"Calls","unit":"{call}","sum":{"isMonotonic":true,
        "aggregationTemporality":2,"dataPoints":[{"startTimeUnixNano":"5","timeUnixNano":"9","asInt":"9007199254740993",
        "attributes":[{"key":"gen_ai.system","value":{"stringValue":"openai"}}]}]}}"#);
    assert_eq!((point.kind, point.temporality), (MetricKind::Sum, Some(Temporality::Cumulative)));
    assert!(point.monotonic);
    assert_eq!(point.value, Some(Number::Int(9_007_199_254_740_993)));
    assert_eq!((point.name.as_str(), point.unit.as_deref()), ("llm.calls", Some("{call}")));
    assert_eq!(point.description.as_deref(), Some("Calls"));
    assert_eq!((point.start_time, point.time), (Some(UnixNanos::from_nanos(5)), UnixNanos::from_nanos(9)));
    assert_eq!(point.attributes["gen_ai.system"].as_str(), "\"openai\"");
    assert_eq!(point.sender.service.as_deref(), Some("shop"));
    assert_eq!(point.sender.scope_name.as_deref(), Some("meter"));

    let point = one(r#"{"name":"queue","gauge":{"dataPoints":[{"asDouble":0.5}]}}"#);
    assert_eq!((point.kind, point.temporality, point.monotonic), (MetricKind::Gauge, None, false));
    assert_eq!((point.value, point.time), (Some(Number::Double(0.5)), ctx().received_at));
    assert_eq!((point.unit, point.description, point.start_time), (None, None, None));
}

#[test]
fn histograms_of_both_kinds() {
    let point = one(
        r#"{"name":"d","unit":"s","histogram":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_DELTA",
        "dataPoints":[{"timeUnixNano":"9","count":"3","sum":0.3,"min":0.05,"max":0.2,"bucketCounts":["1",2,"0"],
        "explicitBounds":[0.1,1],"exemplars":[{"timeUnixNano":"8","asDouble":0.2,"spanId":"36f7fa548acabb47",
        "traceId":"5058afe218bd8e3b1c99e76877739b8a","filteredAttributes":[{"key":"k","value":{"boolValue":true}}]},{}]}]}}"#,
    );
    assert_eq!((point.kind, point.temporality), (MetricKind::Histogram, Some(Temporality::Delta)));
    assert_eq!((point.count, point.sum, point.min, point.max), (Some(3), Some(0.3), Some(0.05), Some(0.2)));
    let explicit = Distribution::Explicit { bounds: vec![0.1, 1.0], counts: vec![1, 2, 0] };
    assert_eq!(point.distribution, Some(explicit));
    assert_eq!(
        point.exemplars.as_ref().map(JsonText::as_str),
        Some(
            r#"[{"time":8,"value":0.2,"trace_id":"5058afe218bd8e3b1c99e76877739b8a","span_id":"36f7fa548acabb47","attributes":{"k":true}},{}]"#
        )
    );

    let point = one(r#"{"name":"d","histogram":{"dataPoints":[{"count":2,"sum":1}]}}"#);
    assert_eq!((point.count, point.distribution, point.temporality), (Some(2), None, None));

    let point = one(
        r#"{"name":"e","exponentialHistogram":{"aggregationTemporality":1,"dataPoints":[{"count":"5",
        "sum":9,"scale":-2,"zeroCount":"1","zeroThreshold":0.01,"positive":{"offset":-3,"bucketCounts":["1","3"]}}]}}"#,
    );
    assert_eq!(point.kind, MetricKind::ExponentialHistogram);
    let exponential = Distribution::Exponential {
        scale: -2,
        zero_count: 1,
        zero_threshold: 0.01,
        positive: Buckets { offset: -3, counts: vec![1, 3] },
        negative: Buckets::default(),
    };
    assert_eq!(point.distribution, Some(exponential));
}

#[test]
fn summaries_and_points_without_a_value() {
    let point = one(r#"{"name":"s","summary":{"dataPoints":[{"count":"4","sum":2,
        "quantileValues":[{"quantile":0.5,"value":1},{"quantile":0.99,"value":"NaN"}]}]}}"#);
    assert_eq!((point.kind, point.count, point.sum), (MetricKind::Summary, Some(4), Some(2.0)));
    let Some(Distribution::Quantiles(quantiles)) = point.distribution else { panic!("quantiles") };
    assert_eq!(quantiles[0], (0.5, 1.0));
    assert!(quantiles[1].1.is_nan());

    let point = one(r#"{"name":"g","gauge":{"dataPoints":[{"flags":1,"timeUnixNano":"9"}]}}"#);
    assert_eq!((point.value, point.time), (None, UnixNanos::from_nanos(9)));
}

#[test]
fn points_that_cannot_be_charted_are_refused_alone() {
    let long = "n".repeat(256);
    let mapped = map(&format!(
        r#"{{"name":"","sum":{{"dataPoints":[{{"asInt":1}},{{"asInt":1}}]}}}},
        {{"name":"{long}","gauge":{{"dataPoints":[{{"asInt":1}}]}}}},
        {{"name":"no data"}},
        {{"name":"g","gauge":{{"dataPoints":[{{}},{{"asInt":1}}]}}}},
        {{"name":"h","histogram":{{"dataPoints":[{{"bucketCounts":[1],"explicitBounds":[1]}},
            {{"bucketCounts":[1,1,1],"explicitBounds":[2,1]}},{{"bucketCounts":[1,1],"explicitBounds":["x"]}},
            {{"count":1}}]}}}}"#
    ));
    let names: Vec<_> = mapped.metrics.iter().map(|metric| metric.point.name.as_str()).collect();
    assert_eq!(names, ["g", "h"]);
    let reasons: Vec<_> = mapped.rejections.iter().map(|r| (r.count, r.reason.as_str())).collect();
    let too_long = format!("metric \"{}…\": the name is longer than 255", "n".repeat(80));
    assert_eq!(
        reasons,
        [
            (2, "a metric has no name"),
            (1, too_long.as_str()),
            (1, "metric \"g\": a point has no value"),
            (2, "metric \"h\": the bucket counts do not fit their bounds"),
            (1, "metric \"h\": explicitBounds is not a number: \"x\""),
        ]
    );
}

#[test]
fn words_about_a_metric_are_bounded_and_projects_are_heard() {
    let words = "ä".repeat(2_000);
    let mapped = map(&format!(
        r#"{{"name":"g","description":"{words}","unit":"{words}","gauge":{{"dataPoints":[{{"asInt":1,"attributes":[
        {{"key":"langsmith.trace.session_name","value":{{"stringValue":"mine"}}}}]}}]}}}}"#
    ));
    let point = &mapped.metrics[0].point;
    let chars = |text: &Option<String>| text.as_ref().unwrap().chars().count();
    assert_eq!((chars(&point.description), chars(&point.unit)), (1_023, 63));
    assert_eq!(mapped.metrics[0].project, Some(ProjectRef::Name("mine".to_owned())));
}
