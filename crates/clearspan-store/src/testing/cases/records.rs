//! Log records and metric points: kept whole, once, and in order.

use std::collections::BTreeMap;

use clearspan_model::{
    Buckets, Distribution, JsonText, LogRecord, MetricKind, MetricPoint, Number, Sender, SpanId, Temporality,
};

use crate::testing::build::{all_logs, at, json, log, logs, point, points, project, scope, trace, workspace};
use crate::{LogQuery, MetricSummary, RunStore, Scope, TimeRange};

async fn write_logs(store: &dyn RunStore, records: Vec<LogRecord>) {
    store.write_logs(records).await.expect("a healthy store accepts log records");
}

async fn write_points(store: &dyn RunStore, points: Vec<MetricPoint>) {
    store.write_points(points).await.expect("a healthy store accepts points");
}

async fn bodies(store: &dyn RunStore, query: &LogQuery) -> Vec<String> {
    let records = all_logs(store, query).await;
    records
        .into_iter()
        .map(|(_, record)| record.body.map(|body| body.to_plain()).unwrap_or_default())
        .collect()
}

fn full_record() -> LogRecord {
    LogRecord {
        observed_time: Some(at(5)),
        severity: Some(17),
        severity_text: Some("ERR".to_owned()),
        event_name: Some("gen_ai.choice".to_owned()),
        body: Some(json(r#"{"z": 1, "a": [1.0, "größe"]}"#)),
        attributes: BTreeMap::from([("k".to_owned(), json("[1, 2]")), (String::new(), json("null"))]),
        sender: Sender {
            service: Some("api".to_owned()),
            scope_name: Some("scope".to_owned()),
            scope_version: Some("1".to_owned()),
            resource: BTreeMap::from([("host.name".to_owned(), json(r#""h""#))]),
        },
        ..log(1, "")
    }
}

/// Nothing of a record gets lost; what is absent stays absent.
pub async fn log_records_come_back_whole(store: &dyn RunStore) {
    let bare = LogRecord {
        trace_id: None,
        span_id: None,
        severity: None,
        body: None,
        sender: Sender::default(),
        ..log(2, "")
    };
    let expected = vec![full_record(), bare];
    write_logs(store, expected.clone()).await;
    let query = LogQuery { oldest_first: true, ..logs() };
    for state in ["in memory", "flushed"] {
        let found: Vec<LogRecord> =
            all_logs(store, &query).await.into_iter().map(|(_, record)| record).collect();
        assert_eq!(found, expected, "{state}");
        store.flush().await.expect(state);
    }
}

/// A point of each form, with the ends of the ranges.
fn all_forms() -> Vec<MetricPoint> {
    let of = |seconds, kind, distribution| MetricPoint {
        kind,
        temporality: Some(Temporality::Delta),
        value: None,
        count: Some(3),
        sum: Some(f64::MIN_POSITIVE),
        min: Some(-0.0),
        max: Some(f64::INFINITY),
        distribution: Some(distribution),
        ..point("m", seconds, 0)
    };
    let buckets = |offset| Buckets { offset, counts: vec![0, u64::MAX] };
    vec![
        MetricPoint {
            description: Some("what".to_owned()),
            unit: Some("{token}".to_owned()),
            start_time: Some(at(-5)),
            attributes: BTreeMap::from([("k".to_owned(), json("1"))]),
            exemplars: Some(json(r#"[{"value": 1}]"#)),
            ..point("m", 1, i64::MIN)
        },
        MetricPoint {
            value: Some(Number::Double(0.1)),
            kind: MetricKind::Sum,
            monotonic: true,
            ..point("m", 2, 0)
        },
        MetricPoint { value: None, ..point("m", 3, 0) },
        of(
            4,
            MetricKind::Histogram,
            Distribution::Explicit { bounds: vec![0.1, 1e300], counts: vec![1, 2, 0] },
        ),
        of(5, MetricKind::Histogram, Distribution::Explicit { bounds: vec![], counts: vec![] }),
        of(
            6,
            MetricKind::ExponentialHistogram,
            Distribution::Exponential {
                scale: -3,
                zero_count: 7,
                zero_threshold: 0.5,
                positive: buckets(i32::MIN),
                negative: Buckets::default(),
            },
        ),
        of(7, MetricKind::Summary, Distribution::Quantiles(vec![(0.5, 1.5), (0.99, f64::NEG_INFINITY)])),
        of(8, MetricKind::Summary, Distribution::Quantiles(vec![])),
    ]
}

/// Nothing of a point gets lost, to the last bit.
pub async fn metric_points_come_back_whole(store: &dyn RunStore) {
    let expected = all_forms();
    write_points(store, expected.clone()).await;
    for state in ["in memory", "flushed"] {
        let found = store.query_points(&points("m")).await.expect(state);
        assert_eq!((found.points, found.is_cut), (expected.clone(), false), "{state}");
        store.flush().await.expect(state);
    }
    // A number that equals nothing, not even itself.
    write_points(store, vec![MetricPoint { value: Some(Number::Double(f64::NAN)), ..point("nan", 1, 0) }])
        .await;
    let found = store.query_points(&points("nan")).await.expect("reads");
    assert!(found.points[0].value.is_some_and(|value| value.as_f64().is_nan()));
}

/// The same record again, in the same write, in another, and after a flush.
pub async fn a_record_sent_twice_is_kept_once(store: &dyn RunStore) {
    for round in 0..3 {
        let again = LogRecord { received_at: at(7_200_000 + round), ..log(1, "a") };
        write_logs(store, vec![again.clone(), log(2, "b"), again, log(1, "c")]).await;
        let late = MetricPoint { received_at: at(7_200_000 + round), ..point("m", 1, 1) };
        write_points(store, vec![late.clone(), point("m", 2, 1), late, point("m", 1, 2)]).await;
        for state in ["in memory", "flushed"] {
            let mut found = bodies(store, &LogQuery { limit: 2, ..logs() }).await;
            assert_eq!(found.remove(0), "b", "round {round}, {state}");
            found.sort();
            assert_eq!(found, ["a", "c"], "round {round}, {state}");
            assert_eq!(
                store.query_points(&points("m")).await.expect(state).points.len(),
                3,
                "round {round}, {state}"
            );
            let metrics = store.metrics(&scope(), TimeRange::default()).await.expect(state);
            assert_eq!(metrics[0].points, 3, "round {round}, {state}");
            store.flush().await.expect(state);
        }
    }
}

/// Newest first or oldest first, over memory and files; every page but the last is full and none repeats.
pub async fn log_records_come_page_by_page(store: &dyn RunStore) {
    let seconds: Vec<i64> = (0..40).map(|number| (number * 7) % 23).collect();
    for (idx, part) in seconds.chunks(9).enumerate() {
        let records = part.iter().enumerate().map(|(at, seconds)| log(*seconds, &format!("{idx} {at}")));
        write_logs(store, records.collect()).await;
        if idx % 2 == 0 {
            store.flush().await.expect("flushes");
        }
    }
    for oldest_first in [true, false] {
        let whole = all_logs(store, &LogQuery { oldest_first, limit: 100, ..logs() }).await;
        assert_eq!(whole.len(), 40);
        let times: Vec<_> = whole.iter().map(|(id, record)| (record.time, *id)).collect();
        assert!(if oldest_first { times.is_sorted() } else { times.iter().rev().is_sorted() });
        for limit in [1, 7, 40] {
            assert_eq!(
                all_logs(store, &LogQuery { oldest_first, limit, ..logs() }).await,
                whole,
                "{limit} a page"
            );
        }
    }
    let all = store.query_logs(&LogQuery { limit: 40, ..logs() }).await.expect("reads");
    assert_eq!(all.next, None, "the last page says so");
}

/// Each condition, alone and together.
pub async fn log_records_are_filtered(store: &dyn RunStore) {
    let span = SpanId::from_bytes([2; 8]);
    let records = vec![
        LogRecord { severity: Some(5), ..log(1, "Disk FULL") },
        LogRecord { trace_id: Some(trace(2)), span_id: Some(span), severity: Some(17), ..log(2, "größe") },
        LogRecord {
            trace_id: None,
            span_id: None,
            severity: None,
            event_name: Some("disk.check".to_owned()),
            ..log(3, "x")
        },
        LogRecord {
            sender: Sender::default(),
            severity: Some(24),
            body: Some(json(r#"{"text":"a disk"}"#)),
            ..log(4, "")
        },
    ];
    write_logs(store, records).await;
    let check = async |query: LogQuery, expected: &[i64]| {
        let mut seconds: Vec<i64> = all_logs(store, &query)
            .await
            .iter()
            .map(|(_, record)| record.time.nanos_since(at(0)) / 1_000_000_000)
            .collect();
        seconds.reverse();
        assert_eq!(seconds, expected, "{query:?}");
    };
    for _ in 0..2 {
        check(logs(), &[1, 2, 3, 4]).await;
        check(LogQuery { trace_id: Some(trace(2)), ..logs() }, &[2]).await;
        check(LogQuery { trace_id: Some(trace(1)), ..logs() }, &[1, 4]).await;
        let second = all_logs(store, &LogQuery { trace_id: Some(trace(2)), ..logs() }).await[0].0;
        check(LogQuery { id: Some(second), ..logs() }, &[2]).await;
        check(LogQuery { id: Some(second), trace_id: Some(trace(1)), ..logs() }, &[]).await;
        check(LogQuery { span_id: Some(span), ..logs() }, &[2]).await;
        check(LogQuery { trace_id: Some(trace(1)), span_id: Some(span), ..logs() }, &[]).await;
        check(LogQuery { min_severity: Some(5), ..logs() }, &[1, 2, 4]).await;
        check(LogQuery { min_severity: Some(18), ..logs() }, &[4]).await;
        check(LogQuery { text: Some("disk".to_owned()), ..logs() }, &[1, 3, 4]).await;
        check(LogQuery { text: Some("GRÖSSE".to_owned()), ..logs() }, &[]).await;
        check(LogQuery { text: Some("GRÖ".to_owned()), ..logs() }, &[2]).await;
        check(LogQuery { service: Some("api".to_owned()), ..logs() }, &[1, 2, 3]).await;
        check(LogQuery { service: Some("ap".to_owned()), ..logs() }, &[]).await;
        let range = TimeRange { from: Some(at(2_000)), to: Some(at(4_000)) };
        check(LogQuery { range, ..logs() }, &[2, 3]).await;
        check(LogQuery { range, text: Some("disk".to_owned()), min_severity: Some(1), ..logs() }, &[]).await;
        store.flush().await.expect("flushes");
    }
}

/// A metric is told by its latest point; its keys and services by all.
pub async fn metrics_are_summed_up(store: &dyn RunStore) {
    let early = MetricPoint {
        description: Some("early".to_owned()),
        unit: Some("s".to_owned()),
        attributes: BTreeMap::from([("a".to_owned(), json("1"))]),
        ..point("latency", 1, 1)
    };
    let late = MetricPoint {
        kind: MetricKind::Sum,
        temporality: Some(Temporality::Cumulative),
        monotonic: true,
        description: Some("late".to_owned()),
        attributes: BTreeMap::from([("b".to_owned(), json("1")), ("a".to_owned(), json("2"))]),
        sender: Sender { service: Some("web".to_owned()), ..Sender::default() },
        ..point("latency", 9, 1)
    };
    write_points(store, vec![late, point("Count", 2, 1)]).await;
    store.flush().await.expect("flushes");
    write_points(store, vec![early]).await;
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let latency = MetricSummary {
        name: "latency".to_owned(),
        description: Some("late".to_owned()),
        unit: Some("s".to_owned()),
        kind: MetricKind::Sum,
        temporality: Some(Temporality::Cumulative),
        monotonic: true,
        points: 2,
        last_time: at(9_000),
        attribute_keys: texts(&["a", "b"]),
        services: texts(&["api", "web"]),
    };
    for state in ["scattered", "flushed"] {
        let metrics = store.metrics(&scope(), TimeRange::default()).await.expect(state);
        assert_eq!(
            metrics.iter().map(|metric| metric.name.as_str()).collect::<Vec<_>>(),
            ["Count", "latency"]
        );
        assert_eq!(metrics[1], latency, "{state}");
        let range = TimeRange { from: Some(at(1_000)), to: Some(at(9_000)) };
        let metrics = store.metrics(&scope(), range).await.expect(state);
        assert_eq!((metrics[1].points, metrics[1].kind), (1, MetricKind::Gauge), "{state}");
        store.flush().await.expect(state);
    }
}

/// In order of time, of one metric, at most so many.
pub async fn points_are_cut_at_the_limit(store: &dyn RunStore) {
    for (seconds, flush) in [(5, true), (3, false), (9, true), (1, false)] {
        write_points(store, vec![point("m", seconds, seconds), point("other", seconds, 0)]).await;
        if flush {
            store.flush().await.expect("flushes");
        }
    }
    for (limit, expected, is_cut) in
        [(2, &[1, 3][..], true), (4, &[1, 3, 5, 9], false), (9, &[1, 3, 5, 9], false)]
    {
        let query = crate::PointQuery { limit, ..points("m") };
        let found = store.query_points(&query).await.expect("reads");
        let values: Vec<_> = found.points.iter().filter_map(|point| point.value).collect();
        assert_eq!(values, expected.iter().map(|value| Number::Int(*value)).collect::<Vec<_>>());
        assert_eq!(found.is_cut, is_cut, "{limit}");
    }
    let range = TimeRange { from: Some(at(3_000)), to: Some(at(9_000)) };
    let found = store.query_points(&crate::PointQuery { range, ..points("m") }).await.expect("reads");
    assert_eq!(found.points.len(), 2);
}

/// Equal records of two projects or workspaces are two, and each is seen from its own scope only.
pub async fn records_never_leave_their_scope(store: &dyn RunStore) {
    let places = [(1, 1), (1, 2), (2, 1)];
    let records = places.map(|(tenant, container)| LogRecord {
        workspace_id: workspace(tenant),
        project_id: project(container),
        ..log(1, "same")
    });
    let measured = places.map(|(tenant, container)| MetricPoint {
        workspace_id: workspace(tenant),
        project_id: project(container),
        ..point("m", 1, 1)
    });
    write_logs(store, records.to_vec()).await;
    write_points(store, measured.to_vec()).await;
    let scopes = [
        (scope(), 2),
        (Scope { workspace_id: workspace(1), project_ids: Some(vec![project(2)]) }, 1),
        (Scope { workspace_id: workspace(1), project_ids: Some(vec![project(2), project(1)]) }, 2),
        (Scope { workspace_id: workspace(1), project_ids: Some(Vec::new()) }, 0),
        (Scope { workspace_id: workspace(2), project_ids: Some(vec![project(2)]) }, 0),
        (Scope { workspace_id: workspace(3), project_ids: None }, 0),
    ];
    for state in ["in memory", "flushed"] {
        for (scope, expected) in scopes.clone() {
            let found = all_logs(store, &LogQuery { scope: scope.clone(), limit: 1, ..logs() }).await;
            assert_eq!(found.len(), expected, "{state}, {scope:?}");
            assert!(found.iter().all(|(_, record)| scope.holds(record.workspace_id, record.project_id)));
            let found = store.query_points(&crate::PointQuery { scope: scope.clone(), ..points("m") }).await;
            assert_eq!(found.expect(state).points.len(), expected, "{state}, {scope:?}");
            let metrics = store.metrics(&scope, TimeRange::default()).await.expect(state);
            let counted: u64 = metrics.iter().map(|metric| metric.points).sum();
            assert_eq!(counted, expected as u64, "{state}, {scope:?}");
        }
        store.flush().await.expect(state);
    }
}

/// Nothing is found where nothing is, and records do not mix with runs.
pub async fn no_records_are_no_error(store: &dyn RunStore) {
    write_logs(store, Vec::new()).await;
    write_points(store, Vec::new()).await;
    for state in ["empty", "filled"] {
        assert_eq!(store.query_points(&points("m")).await.expect(state).points, [], "{state}");
        assert_eq!(store.metrics(&scope(), TimeRange::default()).await.expect(state), [], "{state}");
        if state == "empty" {
            assert_eq!(all_logs(store, &logs()).await, []);
            let text = JsonText::from_string("only a log record");
            write_logs(store, vec![LogRecord { body: Some(text), ..log(1, "") }]).await;
            store.flush().await.expect(state);
        }
    }
    assert_eq!(store.load_trace(&scope(), trace(1)).await.expect("loads"), []);
}
