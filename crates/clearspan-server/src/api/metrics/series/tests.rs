use std::collections::BTreeMap;

use clearspan_model::{Buckets, Distribution, JsonText, Number, ProjectId, Sender, WorkspaceId};

use super::*;

const SECOND: i64 = 1_000_000_000;

fn at(seconds: i64) -> UnixNanos {
    UnixNanos::from_nanos(seconds * SECOND)
}

/// A point of a monotonic cumulative sum that began at zero.
fn point(seconds: i64) -> MetricPoint {
    MetricPoint {
        workspace_id: WorkspaceId::NIL,
        project_id: ProjectId::NIL,
        name: "m".to_owned(),
        description: None,
        unit: None,
        kind: MetricKind::Sum,
        temporality: Some(Temporality::Cumulative),
        monotonic: true,
        time: at(seconds),
        start_time: Some(at(0)),
        received_at: at(seconds),
        attributes: BTreeMap::new(),
        sender: Sender::default(),
        value: None,
        count: None,
        sum: None,
        min: None,
        max: None,
        distribution: None,
        exemplars: None,
    }
}

fn total(seconds: i64, value: i64) -> MetricPoint {
    MetricPoint { value: Some(Number::Int(value)), ..point(seconds) }
}

fn delta(seconds: i64, value: i64) -> MetricPoint {
    MetricPoint { temporality: Some(Temporality::Delta), start_time: None, ..total(seconds, value) }
}

fn gauge(seconds: i64, value: f64) -> MetricPoint {
    MetricPoint {
        kind: MetricKind::Gauge,
        temporality: None,
        monotonic: false,
        value: Some(Number::Double(value)),
        start_time: None,
        ..point(seconds)
    }
}

fn histogram(seconds: i64, counts: [u64; 3], sum: f64) -> MetricPoint {
    MetricPoint {
        kind: MetricKind::Histogram,
        monotonic: false,
        count: Some(counts.iter().sum()),
        sum: Some(sum),
        distribution: Some(Distribution::Explicit { bounds: vec![10.0, 20.0], counts: counts.to_vec() }),
        ..point(seconds)
    }
}

fn with(mut point: MetricPoint, key: &str, value: &str) -> MetricPoint {
    point.attributes.insert(key.to_owned(), JsonText::from_string(value));
    point
}

/// Four buckets of ten seconds from 0 on.
fn lines(points: &[MetricPoint], aggregation: &str, group_by: Option<&str>, seen: Option<i64>) -> Vec<Line> {
    let last = points.last().unwrap();
    let form = Form { kind: last.kind, temporality: last.temporality, monotonic: last.monotonic };
    let aggregation = Aggregation::parse(aggregation).unwrap();
    assert!(Aggregation::fitting(form).contains(&aggregation), "{aggregation:?} is not offered for {form:?}");
    let mut fold = Fold::new(Question {
        form,
        aggregation,
        group_by: group_by.map(str::to_owned),
        frame: Frame { from: at(0), bucket_nanos: 10 * SECOND, buckets: 4 },
        seen_since: seen.map(at),
    });
    points.iter().for_each(|point| fold.push(point));
    fold.finish()
}

/// The only line, as text that is easy to compare: `-` where there is nothing.
fn line(points: &[MetricPoint], aggregation: &str) -> String {
    let lines = lines(points, aggregation, None, None);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0].group, None);
    show(&lines[0])
}

fn show(line: &Line) -> String {
    let text = |value: &Option<f64>| {
        value.map_or("-".to_owned(), |value| format!("{}", (value * 1e6).round() / 1e6))
    };
    line.values.iter().map(text).collect::<Vec<_>>().join(" ")
}

#[test]
fn cumulative_sums_count_what_was_added() {
    let points = [total(5, 10), total(15, 14), total(18, 15), total(35, 20)];
    assert_eq!(line(&points, "sum"), "10 5 - 5");
}

#[test]
fn a_value_that_falls_is_a_new_beginning() {
    assert_eq!(line(&[total(5, 10), total(15, 3), total(25, 4)], "sum"), "10 3 1 -");
    // A process that says when it began again is a series of its own.
    let again = |seconds, value| MetricPoint { start_time: Some(at(12)), ..total(seconds, value) };
    assert_eq!(line(&[total(5, 10), again(15, 30), again(25, 31)], "sum"), "10 30 1 -");
}

#[test]
fn what_was_counted_before_the_range_is_left_out() {
    let early = |seconds, value| MetricPoint { start_time: Some(at(-1_000)), ..total(seconds, value) };
    let sum = |points: &[MetricPoint], seen| show(&lines(points, "sum", None, seen)[0]);
    // A point before the range tells where it stood.
    assert_eq!(sum(&[early(-5, 100), early(5, 103), early(15, 104)], Some(-60)), "3 1 - -");
    // Without one the first point only tells where it stands.
    assert_eq!(sum(&[early(5, 103), early(15, 104)], Some(-60)), "- 1 - -");
    // It began inside of what was looked at, or everything was looked at.
    assert_eq!(sum(&[total(5, 103), total(15, 104)], Some(-60)), "103 1 - -");
    assert_eq!(sum(&[early(5, 103), early(15, 104)], None), "103 1 - -");
    // A sender that does not know since when it counts says that it began with its first point.
    let unknown = |seconds, value| MetricPoint { start_time: Some(at(5)), ..total(seconds, value) };
    assert_eq!(sum(&[unknown(5, 103), unknown(15, 104)], None), "- 1 - -");
}

#[test]
fn deltas_count_as_they_are() {
    assert_eq!(line(&[delta(5, 4), delta(7, 1), delta(15, 4), delta(25, 0)], "sum"), "5 4 0 -");
}

#[test]
fn rates_are_spread_over_the_time_between_points() {
    // From 0 to 5, from 5 to 25.
    assert_eq!(line(&[total(5, 10), total(25, 30)], "rate"), "1.5 1 0.5 -");
    let long = MetricPoint { start_time: Some(at(-10)), ..delta(10, 20) };
    assert_eq!(line(&[long], "rate"), "1 - - -", "what lies before the range is left out");
    assert_eq!(line(&[delta(5, 20)], "rate"), "2 - - -", "a point without a beginning counts where it is");
}

#[test]
fn gauges_tell_the_latest_and_the_extremes() {
    let points = [gauge(1, 4.0), gauge(2, 1.0), gauge(15, 7.0)];
    for (aggregation, expected) in
        [("last", "1 7 - -"), ("avg", "2.5 7 - -"), ("min", "1 7 - -"), ("max", "4 7 - -")]
    {
        assert_eq!(line(&points, aggregation), expected, "{aggregation}");
    }
    assert_eq!(line(&[gauge(1, f64::NAN), gauge(11, 2.0)], "last"), "- 2 - -");
}

#[test]
fn levels_of_several_processes_add_up() {
    let level = |seconds, value, process| {
        with(MetricPoint { monotonic: false, ..total(seconds, value) }, "process", process)
    };
    let points = [level(1, 3, "a"), level(2, 4, "b"), level(3, 2, "a"), level(15, 1, "b")];
    assert_eq!(line(&points, "last"), "6 1 - -");
}

#[test]
fn histograms_tell_mean_percentiles_and_counts_of_what_was_added() {
    let points =
        [histogram(5, [10, 0, 0], 50.0), histogram(15, [10, 4, 0], 110.0), histogram(25, [10, 4, 2], 160.0)];
    for (aggregation, expected) in [
        ("avg", "5 15 25 -"),
        ("p50", "5 15 20 -"),
        ("p95", "9.5 19.5 20 -"),
        ("count", "10 4 2 -"),
        ("sum", "50 60 50 -"),
        ("min", "0 10 20 -"),
        ("max", "10 20 20 -"),
        ("rate", "1.2 0.3 0.1 -"),
    ] {
        assert_eq!(line(&points, aggregation), expected, "{aggregation}");
    }
}

#[test]
fn delta_histograms_know_their_extremes() {
    let one = MetricPoint {
        temporality: Some(Temporality::Delta),
        min: Some(12.0),
        max: Some(16.0),
        ..histogram(5, [0, 4, 0], 56.0)
    };
    let other = MetricPoint { min: Some(30.0), max: Some(40.0), ..one.clone() };
    let other = MetricPoint {
        time: at(6),
        ..MetricPoint { distribution: histogram(6, [0, 0, 4], 0.0).distribution, ..other }
    };
    for (aggregation, expected) in [("min", "12 - - -"), ("max", "40 - - -"), ("p50", "16 - - -")] {
        assert_eq!(line(&[one.clone(), other.clone()], aggregation), expected, "{aggregation}");
    }
}

#[test]
fn exponential_histograms_are_compared_at_the_coarser_scale() {
    let exponential = |seconds, scale, offset, counts: &[u64]| MetricPoint {
        kind: MetricKind::ExponentialHistogram,
        distribution: Some(Distribution::Exponential {
            scale,
            zero_count: 0,
            zero_threshold: 0.0,
            positive: Buckets { offset, counts: counts.to_vec() },
            negative: Buckets::default(),
        }),
        count: Some(counts.iter().sum()),
        ..histogram(seconds, [0; 3], 0.0)
    };
    // At first (2, 2√2] and (2√2, 4], then (2, 4] and (4, 8].
    let points = [exponential(5, 1, 2, &[1, 1]), exponential(15, 0, 1, &[2, 4])];
    assert_eq!(line(&points, "p50"), format!("{} 6 - -", (8f64.sqrt() * 1e6).round() / 1e6));
    assert_eq!(line(&points, "count"), "2 4 - -");
}

#[test]
fn summaries_tell_the_quantiles_that_they_were_given() {
    let summary = |seconds, count, sum, quantiles: &[(f64, f64)]| MetricPoint {
        kind: MetricKind::Summary,
        temporality: None,
        monotonic: false,
        count: Some(count),
        sum: Some(sum),
        distribution: Some(Distribution::Quantiles(quantiles.to_vec())),
        ..point(seconds)
    };
    let points = [summary(5, 2, 10.0, &[(0.5, 4.0)]), summary(15, 6, 30.0, &[(0.5, 5.0)])];
    assert_eq!(line(&points, "p50"), "4 5 - -");
    assert_eq!(line(&points, "p95"), "- - - -");
    assert_eq!(line(&points, "avg"), "5 5 - -");
}

#[test]
fn groups_are_values_of_an_attribute_or_services() {
    let points = [
        with(delta(1, 5), "model", "b"),
        with(delta(2, 9), "model", "a"),
        delta(3, 1),
        with(delta(12, 1), "model", "b"),
    ];
    let shown = |group_by| {
        let line = |line: &Line| format!("{}: {}", line.group.as_deref().unwrap_or("none"), show(line));
        lines(&points, "sum", Some(group_by), None).iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(shown("model"), ["a: 9 - - -", "b: 5 1 - -", "none: 1 - - -"]);
    assert_eq!(shown("service"), ["none: 15 1 - -"]);
}

#[test]
fn small_groups_are_added_up_in_the_others() {
    let points: Vec<MetricPoint> = (1..=600).map(|n| with(delta(1, n), "user", &format!("u{n}"))).collect();
    let lines = lines(&points, "sum", Some("user"), None);
    assert_eq!(lines.len(), MAX_LINES);
    assert_eq!(lines[0].group.as_deref(), Some("u500"), "the last hundred were not told apart any more");
    let others = lines.last().unwrap();
    assert_eq!(others.group.as_deref(), Some(OTHERS));
    let sum = |lines: &[Line]| lines.iter().filter_map(|line| line.values[0]).sum::<f64>();
    assert!((sum(&lines) - (600.0 * 601.0 / 2.0)).abs() < 1e-6, "nothing is lost");

    let few: Vec<MetricPoint> = points.into_iter().take(MAX_LINES).collect();
    assert_eq!(
        super::tests::lines(&few, "sum", Some("user"), None).last().unwrap().group.as_deref(),
        Some("u1")
    );
}

#[test]
fn points_of_another_form_are_left_out() {
    assert_eq!(line(&[gauge(1, 100.0), total(2, 7)], "sum"), "7 - - -");
}
