//! Asks two engines the same questions.

use clearspan_model::{LogRecord, MetricPoint, Run, RunId, TraceId, UnixNanos, WorkspaceId};

use crate::testing::build::{all_logs, all_runs, all_traces, newest};
use crate::testing::random::Dice;
use crate::{
    FacetQuery, Histogram, HistogramQuery, InputsOf, LogQuery, Order, Outline, PointQuery, ProjectActivity,
    RunQuery, RunStore, RunSummary, Scope, Selection, SortKey, Stats, TimeRange, TraceSummary, Unit,
};

/// One read of a store.
#[derive(Debug, Clone)]
pub enum Question {
    /// All pages of runs.
    Runs(RunQuery),
    /// All pages of traces.
    Traces(RunQuery),
    /// Figures.
    Stats(Unit, Selection),
    /// Traces by time.
    Histogram(HistogramQuery),
    /// Values by frequency.
    Facet(FacetQuery),
    /// The rows of some traces.
    Skeletons(Scope, Vec<TraceId>),
    /// A trace's runs.
    Trace(Scope, TraceId),
    /// Single runs.
    Load(Scope, Vec<TraceId>, Vec<RunId>),
    /// The projects of a workspace.
    Activity(WorkspaceId, UnixNanos),
    /// All pages of log records.
    Logs(LogQuery),
    /// The metrics there are.
    Metrics(Scope, TimeRange),
    /// The points of a metric.
    Points(PointQuery),
}

/// Writes log records and metric points in the order given, with a flush now and then.
pub async fn fill_records(
    store: &dyn RunStore,
    logs: &[LogRecord],
    points: &[MetricPoint],
    flush_seed: Option<u64>,
) {
    let mut dice = flush_seed.map(Dice);
    for (logs, points) in logs.chunks(23).zip(points.chunks(23)) {
        store.write_logs(logs.to_vec()).await.expect("a healthy store accepts log records");
        store.write_points(points.to_vec()).await.expect("a healthy store accepts points");
        if dice.as_mut().is_some_and(|dice| dice.one_in(4)) {
            store.flush().await.expect("a healthy store flushes");
        }
    }
}

/// Writes the patches in the order given, with a flush now and then when `flush_seed` is given.
pub async fn fill(store: &dyn RunStore, patches: &[Run], flush_seed: Option<u64>) {
    let mut dice = flush_seed.map(Dice);
    for batch in patches.chunks(17) {
        store.write(batch.to_vec()).await.expect("a healthy store accepts patches");
        if dice.as_mut().is_some_and(|dice| dice.one_in(4)) {
            store.flush().await.expect("a healthy store flushes");
        }
    }
}

/// Checks that both engines, which hold the same runs, answer each question in the same way.
///
/// Each walks its pages with its own cursors. Percentiles are the only figures that an engine may approximate: the answer has
/// to lie between the values one rank (or one per cent of the ranks) below and above the exact one.
///
/// # Panics
/// When two answers differ.
pub async fn compare(oracle: &dyn RunStore, engine: &dyn RunStore, questions: &[Question]) {
    for (idx, question) in questions.iter().enumerate() {
        let context = format!("question {idx}: {question:#?}");
        compare_one(oracle, engine, question, &context).await;
    }
}

async fn compare_one(oracle: &dyn RunStore, engine: &dyn RunStore, question: &Question, context: &str) {
    match question {
        Question::Runs(query) => {
            let (expected, found) = (all_runs(oracle, query).await, all_runs(engine, query).await);
            compare_rows(&expected, &found, |row| (row.project_id, row.trace_id, row.run_id), context);
            let expected = oracle.find_runs(query).await.expect(context);
            let found = engine.find_runs(query).await.expect(context);
            assert_eq!(found.keys, expected.keys, "{context}");
            assert_eq!(found.next.is_some(), expected.next.is_some(), "{context}");
        }
        Question::Traces(query) => {
            let (expected, found) = (all_traces(oracle, query).await, all_traces(engine, query).await);
            compare_rows(&expected, &found, |row| (row.root.project_id, row.root.trace_id), context);
            let expected = oracle.query_trace_figures(query).await.expect(context);
            let found = engine.query_trace_figures(query).await.expect(context);
            assert_eq!(found, expected, "{context}");
        }
        Question::Stats(unit, selection) => {
            let expected = oracle.stats(*unit, selection).await.expect(context);
            let found = engine.stats(*unit, selection).await.expect(context);
            compare_stats(oracle, *unit, selection, &expected, &found, context).await;
        }
        Question::Histogram(query) => {
            let expected = oracle.histogram(query).await.expect(context);
            let found = engine.histogram(query).await.expect(context);
            compare_histograms(expected, found, context);
        }
        Question::Facet(query) => {
            let expected = oracle.facet(query).await.expect(context);
            assert_eq!(engine.facet(query).await.expect(context), expected, "{context}");
        }
        Question::Skeletons(scope, trace_ids) => {
            let key = |row: &RunSummary| (row.trace_id, row.start_time, row.run_id, row.project_id);
            let mut expected = oracle.load_skeletons(scope, trace_ids).await.expect(context);
            let mut found = engine.load_skeletons(scope, trace_ids).await.expect(context);
            let in_order = found.is_sorted_by_key(|row| (row.trace_id, row.start_time));
            assert!(in_order, "trace by trace in order of start, {context}");
            expected.sort_by_key(key);
            found.sort_by_key(key);
            compare_rows(&expected, &found, key, context);
            for trace_id in trace_ids {
                let mut expected = oracle.load_skeleton(scope, *trace_id).await.expect(context);
                let mut found = engine.load_skeleton(scope, *trace_id).await.expect(context);
                expected.sort_by_key(key);
                found.sort_by_key(key);
                compare_rows(&expected, &found, key, context);
                compare_outlines(oracle, engine, scope, *trace_id, context).await;
            }
        }
        Question::Trace(scope, trace_id) => {
            let expected = oracle.load_trace(scope, *trace_id).await.expect(context);
            let found = engine.load_trace(scope, *trace_id).await.expect(context);
            compare_runs(expected, found, context);
        }
        Question::Load(scope, trace_ids, run_ids) => {
            let expected = oracle.load_runs(scope, trace_ids, run_ids).await.expect(context);
            let found = engine.load_runs(scope, trace_ids, run_ids).await.expect(context);
            compare_runs(expected, found, context);
        }
        Question::Logs(query) => {
            let (expected, found) = (all_logs(oracle, query).await, all_logs(engine, query).await);
            assert_eq!(found, expected, "{context}");
        }
        Question::Metrics(scope, range) => {
            let expected = oracle.metrics(scope, *range).await.expect(context);
            assert_eq!(engine.metrics(scope, *range).await.expect(context), expected, "{context}");
        }
        Question::Points(query) => {
            let expected = oracle.query_points(query).await.expect(context);
            assert_eq!(engine.query_points(query).await.expect(context), expected, "{context}");
        }
        Question::Activity(workspace_id, since) => {
            let sorted = |mut activity: Vec<ProjectActivity>| {
                activity.sort_by_key(|project| project.project_id);
                activity
            };
            let expected = oracle.project_activity(*workspace_id, *since).await.expect(context);
            let found = engine.project_activity(*workspace_id, *since).await.expect(context);
            assert_eq!(sorted(found), sorted(expected), "{context}");
        }
    }
}

async fn compare_outlines(
    oracle: &dyn RunStore,
    engine: &dyn RunStore,
    scope: &Scope,
    trace_id: TraceId,
    context: &str,
) {
    let inputs_of: InputsOf =
        |outline| (0..outline.run_count()).filter(|position| position % 3 != 1).collect();
    let expected = oracle.load_outline_with_inputs(scope, trace_id, inputs_of).await.expect(context);
    let found = engine.load_outline_with_inputs(scope, trace_id, inputs_of).await.expect(context);
    let ids = |outline: &Outline| (outline.project_id, outline.trace_id);
    assert_eq!(found.as_ref().map(ids), expected.as_ref().map(ids), "{context}");
    if let (Some(expected), Some(found)) = (expected, found) {
        let expected: Vec<_> = expected.spelled().collect();
        let found: Vec<_> = found.spelled().collect();
        compare_rows(&expected, &found, |(run, ..)| run.run_id, context);
    }
}

/// Says first which rows differ, then how the first of them does.
fn compare_rows<R, K>(expected: &[R], found: &[R], key: impl Fn(&R) -> K, context: &str)
where
    R: PartialEq + std::fmt::Debug,
    K: PartialEq + std::fmt::Debug,
{
    let keys = |rows: &[R]| rows.iter().map(&key).collect::<Vec<K>>();
    assert_eq!(keys(found), keys(expected), "which rows, {context}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{context}");
    }
}

fn compare_runs(mut expected: Vec<Run>, mut found: Vec<Run>, context: &str) {
    for runs in [&mut expected, &mut found] {
        runs.sort_by_key(|run| run.key);
        // A run that replaced another may still hold versions of fields that it has no more. They mean nothing, and
        // the next merge drops them, which a restart is as well.
        runs.iter_mut().for_each(|run| run.merge(run.clone()));
    }
    compare_rows(&expected, &found, |run| run.key, context);
}

async fn compare_stats(
    oracle: &dyn RunStore,
    unit: Unit,
    selection: &Selection,
    expected: &Stats,
    found: &Stats,
    context: &str,
) {
    let exact = Stats {
        latency_p50: expected.latency_p50,
        latency_p95: expected.latency_p95,
        latency_p99: expected.latency_p99,
        ..found.clone()
    };
    assert_eq!(exact, *expected, "{context}");
    let mut latencies = latencies(oracle, unit, selection).await;
    latencies.sort_unstable();
    for (percent, latency) in [(50, found.latency_p50), (95, found.latency_p95), (99, found.latency_p99)] {
        check_percentile(&latencies, percent, latency, context);
    }
}

async fn latencies(store: &dyn RunStore, unit: Unit, selection: &Selection) -> Vec<i64> {
    let order = Order { by: SortKey::Latency, descending: false };
    let query = RunQuery { order, limit: 10_000, ..newest(selection.clone()) };
    match unit {
        Unit::Runs => all_runs(store, &query).await.iter().filter_map(RunSummary::latency_nanos).collect(),
        Unit::Traces => all_traces(store, &query).await.iter().filter_map(trace_latency).collect(),
    }
}

fn trace_latency(trace: &TraceSummary) -> Option<i64> {
    trace.end_time.map(|end| end.nanos_since(trace.start_time))
}

fn check_percentile(sorted: &[i64], percent: usize, found: Option<i64>, context: &str) {
    let Some(last) = sorted.len().checked_sub(1) else {
        assert_eq!(found, None, "a percentile of nothing, {context}");
        return;
    };
    let found = found.unwrap_or_else(|| panic!("no percentile {percent}, {context}"));
    let rank = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    // The engine's answer is approximate, the more so the more files it comes from.
    let slack = (sorted.len() / 50).max(2);
    let (low, high) = (sorted[rank.saturating_sub(slack)], sorted[(rank + slack).min(last)]);
    // It reckons between what it put together, so it may miss a value that many have by a little.
    let (low, high) = (low - low.abs() / 100, high + high.abs() / 100);
    assert!(
        (low..=high).contains(&found),
        "percentile {percent} is {found}, not in {low}..={high}, {context}"
    );
}

/// A histogram without traces may have buckets or not.
fn compare_histograms(expected: Histogram, found: Histogram, context: &str) {
    let counts = |histogram: &Histogram| -> Vec<_> {
        histogram.buckets.iter().map(|bucket| (bucket.ok, bucket.error, bucket.cost)).collect()
    };
    let is_empty =
        |histogram: &Histogram| histogram.buckets.iter().all(|bucket| bucket.ok + bucket.error == 0);
    if is_empty(&expected) && is_empty(&found) {
        return;
    }
    assert_eq!((found.from, found.bucket_nanos), (expected.from, expected.bucket_nanos), "{context}");
    assert_eq!(counts(&found), counts(&expected), "{context}");
    for (found, expected) in found.buckets.iter().zip(&expected.buckets) {
        assert_eq!(found.latency_p95.is_some(), expected.latency_p95.is_some(), "{context}");
    }
}
