//! Counts, sums and percentiles against values worked out by hand.

use clearspan_model::{Cost, CostSource, Decimal, Run, RunType, Status, UnixNanos, UnpricedReason};
use clearspan_query::{Expr, Field, Literal, Op};

use crate::testing::build::{
    at, everything, filtered, project, run, run_id, set_llm, workspace, write_scattered,
};
use crate::{
    Facet, FacetField, FacetQuery, HistogramQuery, ProjectActivity, RunStore, Selection, Stats, TimeRange,
    Unit,
};

/// Three traces: an agent with two calls, of which one failed and one repeats a wrapper's figures; a call that
/// still runs and has no price; and a failed chain.
fn three_traces() -> Vec<Run> {
    let child = |id, parent, fill: fn(&mut Run)| {
        run(1, id, |run| {
            run.parent_run_id = Some(run_id(parent));
            fill(run);
        })
    };
    vec![
        run(1, 1, |run| {
            run.end_time = Some(at(11_000));
            (run.user_id, run.environment) = (Some("ann".to_owned()), Some("prod".to_owned()));
            run.tags = vec!["blue".to_owned(), "vip".to_owned()];
            run.service = Some("api".to_owned());
        }),
        child(2, 1, |run| set_llm(run, "m1", (10, 5), "0.5")),
        child(3, 2, |run| {
            set_llm(run, "m1", (10, 5), "0.5");
            run.service = Some("proxy".to_owned());
        }),
        child(4, 1, |run| {
            set_llm(run, "m2", (100, 50), "0.25");
            run.error = Some("cut off".to_owned());
        }),
        run(2, 20, |run| {
            run.run_type = Some(RunType::Llm);
            run.end_time = None;
            run.model = Some("m1".to_owned());
            run.tags = vec!["blue".to_owned()];
            run.cost = Some(Cost {
                source: CostSource::Unpriced { reason: UnpricedReason::NoUsage },
                ..Cost::default()
            });
        }),
        run(3, 30, |run| {
            run.status = Some(Status::Error);
            run.end_time = Some(at(33_000));
        }),
    ]
}

/// What a part of it took says nothing of what all of it will have taken.
pub async fn a_trace_that_runs_has_no_latency(store: &dyn RunStore) {
    let child = |trace_number: u32, id: u32, parent: u32| {
        run(trace_number, id, |run| {
            run.parent_run_id = Some(run_id(parent));
            run.end_time = Some(at(i64::from(id) * 1_000 + 30_000));
        })
    };
    let runs = vec![
        run(1, 1, |run| run.end_time = None),
        child(1, 72, 1),
        run(2, 11, |run| run.end_time = Some(at(20_000))),
        child(3, 22, 21),
    ];
    write_scattered(store, runs).await;
    let took = |op: fn(Literal) -> Op, nanos: i64| {
        filtered(Expr::Test(Field::Latency, op(Literal::Duration(nanos))))
    };
    let traces = stats(store, Unit::Traces, &everything()).await;
    assert_eq!(traces.count, 3);
    for selection in [took(Op::Gt, 0), took(Op::Lt, i64::MAX)] {
        let found = stats(store, Unit::Traces, &selection).await;
        assert_eq!(found.count, 2, "without the one that runs");
    }
    // 9 s and 30 s; the one that runs would have had 100 s.
    for percentile in [traces.latency_p50, traces.latency_p99] {
        assert!(percentile >= seconds(9) && percentile <= seconds(30), "{percentile:?}");
    }
    let roots = store.root_stats(&everything()).await.expect("figures of roots");
    assert_eq!(
        (roots.count, roots.total_cost, roots.first_start),
        (3, traces.total_cost, traces.first_start)
    );
    let query = crate::RunQuery {
        selection: everything(),
        order: crate::Order { by: crate::SortKey::Latency, descending: false },
        after: None,
        limit: 10,
    };
    let page = store.query_traces(&query).await.expect("a page");
    let ends: Vec<Option<UnixNanos>> = page.traces.iter().map(|trace| trace.end_time).collect();
    assert_eq!(ends.iter().filter(|end| end.is_none()).count(), 1, "{ends:?}");
    assert_eq!(ends.iter().flatten().count(), 2, "{ends:?}");
}

/// What goes on in the background when an agent has answered is no time that anybody waited.
pub async fn roots_have_their_own_latencies(store: &dyn RunStore) {
    let mut runs = Vec::new();
    for number in 1..=3 {
        runs.push(run(number, number * 10, |_| ()));
        runs.push(run(number, number * 10 + 1, |run| {
            run.parent_run_id = Some(run_id(number * 10));
            run.end_time = Some(at(i64::from(number) * 10_000 + 30_000));
        }));
    }
    write_scattered(store, runs).await;
    let roots = store.root_stats(&everything()).await.expect("figures of roots");
    assert_eq!((roots.count, roots.latency_p50, roots.latency_p99), (3, seconds(1), seconds(1)));
    let traces = stats(store, Unit::Traces, &everything()).await;
    assert_eq!((traces.count, traces.latency_p50, traces.latency_p99), (3, seconds(30), seconds(30)));
}

fn seconds(count: i64) -> Option<i64> {
    Some(count * 1_000_000_000)
}

async fn stats(store: &dyn RunStore, unit: Unit, selection: &Selection) -> Stats {
    store.stats(unit, selection).await.expect("a healthy store counts")
}

/// Counts of all runs, sums of those that are billed.
pub async fn stats_of_runs_add_up(store: &dyn RunStore) {
    write_scattered(store, three_traces()).await;
    let expected = Stats {
        count: 6,
        double_count: 0,
        error_count: 2,
        unpriced_count: 1,
        input_cost: Decimal::ZERO,
        output_cost: Decimal::ZERO,
        total_cost: Decimal::new(75, 2),
        input_tokens: 110,
        output_tokens: 55,
        total_tokens: 165,
        latency_p50: seconds(1),
        latency_p95: seconds(10),
        latency_p99: seconds(10),
        first_start: Some(at(1_000)),
        last_start: Some(at(30_000)),
    };
    for state in ["scattered", "flushed"] {
        let stats = stats(store, Unit::Runs, &everything()).await;
        // Latencies are 1, 1, 1, 3 and 10 seconds; engines may interpolate towards a neighbour.
        assert_eq!(stats.latency_p50, seconds(1), "{state}");
        for percentile in [stats.latency_p95, stats.latency_p99] {
            assert!(percentile >= seconds(3) && percentile <= seconds(10), "{state}: {percentile:?}");
        }
        let exact =
            Stats { latency_p95: expected.latency_p95, latency_p99: expected.latency_p99, ..stats.clone() };
        assert_eq!(exact, expected, "{state}");
        store.flush().await.expect("flushes");
    }
    // A wrapper stays unbilled when the call that it repeats is not part of the selection.
    let wrapper = Expr::Test(Field::RunId, Op::Eq(Literal::Id(*run_id(2).as_bytes())));
    let alone = stats(store, Unit::Runs, &filtered(wrapper)).await;
    assert_eq!((alone.count, alone.total_tokens, alone.total_cost), (1, 0, Decimal::ZERO));
}

/// Counts of traces by their roots, sums of their totals.
pub async fn stats_of_traces_add_up(store: &dyn RunStore) {
    write_scattered(store, three_traces()).await;
    for state in ["scattered", "flushed"] {
        let all = stats(store, Unit::Traces, &everything()).await;
        assert_eq!((all.count, all.error_count, all.unpriced_count), (3, 1, 1), "{state}");
        assert_eq!((all.total_cost, all.total_tokens), (Decimal::new(75, 2), 165), "{state}");
        assert_eq!((all.input_tokens, all.output_tokens), (110, 55), "{state}");
        assert_eq!((all.first_start, all.last_start), (Some(at(1_000)), Some(at(30_000))), "{state}");
        for percentile in [all.latency_p50, all.latency_p95, all.latency_p99] {
            assert!(percentile >= seconds(3) && percentile <= seconds(10), "{state}: {percentile:?}");
        }
        let range = TimeRange { from: Some(at(2_000)), to: Some(at(30_000)) };
        let later = stats(store, Unit::Traces, &Selection { range, ..everything() }).await;
        assert_eq!((later.count, later.latency_p50), (1, None), "{state}: a trace begins with its first run");
        store.flush().await.expect("flushes");
    }
    let unpriced = |id| {
        run(4, id, |run| {
            run.run_type = Some(RunType::Llm);
            let source = CostSource::Unpriced { reason: UnpricedReason::UnknownModel };
            run.cost = Some(Cost { source, ..Cost::default() });
        })
    };
    write_scattered(store, vec![unpriced(40), unpriced(41)]).await;
    for unit in [Unit::Runs, Unit::Traces] {
        assert_eq!(stats(store, unit, &everything()).await.unpriced_count, 3, "{unit:?}");
    }
}

/// Zero, and no percentile of nothing.
pub async fn stats_of_nothing_are_zero(store: &dyn RunStore) {
    for unit in [Unit::Runs, Unit::Traces] {
        assert_eq!(stats(store, unit, &everything()).await, Stats::default());
    }
    write_scattered(store, three_traces()).await;
    for unit in [Unit::Runs, Unit::Traces] {
        assert_eq!(stats(store, unit, &filtered(Expr::Any(Vec::new()))).await, Stats::default());
    }
}

/// Sums stop at the largest count.
pub async fn stats_survive_the_largest_counts(store: &dyn RunStore) {
    let largest = |id| {
        run(id, id, |run| {
            set_llm(run, "m", (0, 0), "100000000000000000000");
            let usage = run.usage.as_mut().expect("it has usage");
            (usage.input_tokens, usage.total_tokens) = (Some(u64::MAX), Some(u64::MAX));
        })
    };
    write_scattered(store, vec![largest(1), largest(2), largest(3)]).await;
    for unit in [Unit::Runs, Unit::Traces] {
        let stats = stats(store, unit, &everything()).await;
        assert_eq!((stats.input_tokens, stats.total_tokens), (u64::MAX, u64::MAX));
        assert_eq!(stats.total_cost, "300000000000000000000".parse().expect("a decimal"));
    }
}

fn spread() -> Vec<Run> {
    let rows = [(1, 0, false), (2, 100, true), (3, 250, false), (4, 999, false), (5, 1_000, false)];
    let runs = rows.map(|(id, start, failed)| {
        run(id, id, |run| {
            set_llm(run, "m", (1, 1), "0.5");
            (run.start_time, run.end_time) = (Some(at(start)), Some(at(start + 10)));
            run.error = failed.then(|| "no".to_owned());
        })
    });
    // A later run of trace 1 does not move it.
    let child = run(1, 6, |run| {
        run.parent_run_id = Some(run_id(1));
        (run.start_time, run.end_time) = (Some(at(600)), Some(at(610)));
    });
    runs.into_iter().chain([child]).collect()
}

/// Buckets between the ends asked for; each trace in the bucket in which it began.
pub async fn histograms_count_traces_by_time(store: &dyn RunStore) {
    write_scattered(store, spread()).await;
    let range = TimeRange { from: Some(at(0)), to: Some(at(1_000)) };
    let query = HistogramQuery { selection: Selection { range, ..everything() }, buckets: 4 };
    for state in ["scattered", "flushed"] {
        let histogram = store.histogram(&query).await.expect("counts");
        assert_eq!((histogram.from, histogram.bucket_nanos), (at(0), 250_000_000), "{state}");
        let counts: Vec<_> = histogram.buckets.iter().map(|bucket| (bucket.ok, bucket.error)).collect();
        assert_eq!(counts, [(1, 1), (1, 0), (0, 0), (1, 0)], "{state}");
        let costs: Vec<_> = histogram.buckets.iter().map(|bucket| bucket.cost).collect();
        let halves = [2, 1, 0, 1].map(|halves| Decimal::new(5 * halves, 1));
        assert_eq!(costs, halves, "{state}");
        assert_eq!(histogram.buckets[1].latency_p95, Some(10_000_000), "{state}");
        assert_eq!(histogram.buckets[2].latency_p95, None, "{state}");
        store.flush().await.expect("flushes");
    }
}

/// An end that is not given is where the data ends; without data there is nothing.
pub async fn histograms_take_the_datas_own_ends(store: &dyn RunStore) {
    let query = HistogramQuery { selection: everything(), buckets: 10 };
    let nothing = store.histogram(&query).await.expect("counts");
    assert_eq!(nothing.bucket_nanos, 0);
    assert!(nothing.buckets.iter().all(|bucket| bucket.ok + bucket.error == 0));
    write_scattered(store, spread()).await;
    for state in ["scattered", "flushed"] {
        let histogram = store.histogram(&query).await.expect("counts");
        assert_eq!((histogram.from, histogram.buckets.len()), (at(0), 10), "{state}");
        assert!(histogram.bucket_nanos >= 100_000_000, "{state}: the last trace is inside");
        let counts: Vec<u64> = histogram.buckets.iter().map(|bucket| bucket.ok + bucket.error).collect();
        assert_eq!(counts.iter().sum::<u64>(), 5, "{state}");
        assert!(counts[0] >= 1 && counts[9] >= 1, "{state}: {counts:?}");
        store.flush().await.expect("flushes");
    }
}

async fn facet(store: &dyn RunStore, field: FacetField, limit: usize) -> Facet {
    store.facet(&FacetQuery { selection: everything(), field, limit }).await.expect("counts")
}

fn counts(counts: &[(&str, u64)]) -> Facet {
    counts.iter().map(|(value, count)| ((*value).to_owned(), *count)).collect()
}

/// Traces, not runs; the most frequent value first, then by name.
pub async fn facets_count_traces(store: &dyn RunStore) {
    write_scattered(store, three_traces()).await;
    let expected: [(FacetField, &[(&str, u64)]); 8] = [
        (FacetField::Status, &[("error", 1), ("pending", 1), ("success", 1)]),
        (FacetField::Name, &[("run 1", 1), ("run 20", 1), ("run 30", 1)]),
        (FacetField::RunType, &[("chain", 2), ("llm", 1)]),
        (FacetField::Model, &[("m1", 2), ("m2", 1)]),
        (FacetField::Environment, &[("prod", 1)]),
        (FacetField::User, &[("ann", 1)]),
        (FacetField::Tag, &[("blue", 2), ("vip", 1)]),
        (FacetField::Service, &[("api", 1), ("proxy", 1)]),
    ];
    for state in ["scattered", "flushed"] {
        for (field, values) in expected {
            assert_eq!(facet(store, field, 20).await, counts(values), "{state}, {field:?}");
        }
        assert_eq!(facet(store, FacetField::Model, 1).await, counts(&[("m1", 2)]), "{state}");
        store.flush().await.expect("flushes");
    }
}

/// The latest start, and the traces that began since.
pub async fn projects_tell_their_activity(store: &dyn RunStore) {
    let elsewhere = run(9, 9, |run| {
        run.key.project_id = project(2);
        run.start_time = Some(UnixNanos::from_nanos(0));
    });
    write_scattered(store, three_traces().into_iter().chain([elsewhere]).collect()).await;
    for state in ["scattered", "flushed"] {
        let mut activity = store.project_activity(workspace(1), at(20_000)).await.expect("tells");
        activity.sort_by_key(|project| project.project_id);
        let expected = [
            ProjectActivity { project_id: project(1), last_start: at(30_000), trace_count: 2 },
            ProjectActivity { project_id: project(2), last_start: UnixNanos::from_nanos(0), trace_count: 0 },
        ];
        assert_eq!(activity, expected, "{state}");
        store.flush().await.expect("flushes");
    }
}
