//! Sorting and paging.

use clearspan_model::{ErrorKind, Run, RunId};

use crate::testing::build::{
    all_runs, all_traces, at, everything, newest, number_of, orders, run, set_cost, set_llm, trace_number,
    write_scattered,
};
use crate::{Order, RunQuery, RunStore, SortKey};

/// Number, start, latency, dollars, tokens.
type VariedRow = (u32, i64, Option<i64>, Option<&'static str>, Option<u64>);

/// Runs with ties and gaps in every sort key, each a trace of its own with the run's number.
fn varied() -> Vec<Run> {
    let rows: [VariedRow; 9] = [
        (1, 100, Some(5), Some("0.5"), Some(10)),
        (2, 100, Some(5), Some("0.5"), Some(10)),
        (3, 50, None, None, None),
        (4, 100, Some(7), Some("0.05"), None),
        (5, 200, Some(0), None, Some(0)),
        (6, 10, None, Some("100000000000000000000"), Some(1)),
        (7, 300, Some(5), Some("0"), Some(u64::MAX)),
        (8, 5, Some(1_000), Some("0.500000000001"), Some(10)),
        (9, 50, None, None, None),
    ];
    let runs = rows.map(|(id, start, latency, dollars, tokens)| {
        run(id, id, |run| {
            run.start_time = Some(at(start));
            run.end_time = latency.map(|latency| at(start + latency));
            if let Some(tokens) = tokens {
                set_llm(run, "m", (tokens, 0), "0");
                run.cost = None;
            }
            if let Some(dollars) = dollars {
                set_cost(run, dollars);
            }
        })
    });
    runs.to_vec()
}

/// The numbers of [`varied`] in each order: rows without a value last, ties by id.
fn expected(order: Order) -> [u32; 9] {
    match (order.by, order.descending) {
        (SortKey::Start, false) => [8, 6, 3, 9, 1, 2, 4, 5, 7],
        (SortKey::Start, true) => [7, 5, 1, 2, 4, 3, 9, 6, 8],
        (SortKey::Latency, false) => [5, 1, 2, 7, 4, 8, 3, 6, 9],
        (SortKey::Latency, true) => [8, 4, 1, 2, 7, 5, 3, 6, 9],
        (SortKey::Cost, false) => [7, 4, 1, 2, 8, 6, 3, 5, 9],
        (SortKey::Cost, true) => [6, 8, 1, 2, 4, 7, 3, 5, 9],
        // A run that used nothing has no tokens that count, but it has a number.
        (SortKey::Tokens, false) => [5, 6, 1, 2, 8, 7, 3, 4, 9],
        (SortKey::Tokens, true) => [7, 1, 2, 8, 6, 5, 3, 4, 9],
    }
}

fn queries(limit: usize) -> impl Iterator<Item = RunQuery> {
    orders().into_iter().map(move |order| RunQuery { order, limit, ..newest(everything()) })
}

/// Each key, both directions, pages of several sizes; ties by id, missing values last.
pub async fn runs_are_sorted_by_every_key(store: &dyn RunStore) {
    write_scattered(store, varied()).await;
    for state in ["scattered", "flushed"] {
        for limit in [1, 2, 3, 9, 100] {
            for query in queries(limit) {
                let rows = all_runs(store, &query).await;
                let numbers: Vec<u32> = rows.iter().map(|row| number_of(row.run_id)).collect();
                assert_eq!(numbers, expected(query.order), "{state}, by {:?}, {limit} a page", query.order);
            }
        }
        store.flush().await.expect("a healthy store flushes");
    }
}

/// As for runs, by the totals of the trace.
pub async fn traces_are_sorted_by_every_key(store: &dyn RunStore) {
    write_scattered(store, varied()).await;
    for state in ["scattered", "flushed"] {
        for limit in [1, 2, 4, 9, 100] {
            for query in queries(limit) {
                let rows = all_traces(store, &query).await;
                let numbers: Vec<u32> = rows.iter().map(|row| trace_number(row.root.trace_id)).collect();
                let mut expected = expected(query.order).to_vec();
                if query.order.by == SortKey::Tokens {
                    // Zero tokens count as none in a sum of what counts.
                    expected.retain(|number| *number != 5);
                    expected.insert(7, 5);
                }
                assert_eq!(numbers, expected, "{state}, by {:?}, {limit} a page", query.order);
            }
        }
        store.flush().await.expect("a healthy store flushes");
    }
}

/// What was there from the first page to the last is seen exactly once, whatever arrives in between.
pub async fn pages_stay_put_while_data_arrives(store: &dyn RunStore) {
    for order in
        [Order { by: SortKey::Start, descending: true }, Order { by: SortKey::Tokens, descending: false }]
    {
        let first_id = if order.descending { 1_000 } else { 5_000 };
        let old: Vec<Run> = (0..20).map(|n| numbered(first_id + n * 10)).collect();
        store.write(old).await.expect("writes");
        let mut query = RunQuery { order, limit: 3, ..newest(everything()) };
        let mut seen = Vec::new();
        for round in 0.. {
            let page = store.query_runs(&query).await.expect("a page");
            seen.extend(page.runs.iter().map(|row| number_of(row.run_id)));
            let Some(next) = page.next else { break };
            query.after = Some(next);
            // One row before, one between and one after the place where the walk stands.
            let between = *seen.last().expect("the page had rows");
            let new = [first_id - 1 - round, between + 1, first_id + 500 + round];
            store.write(new.map(numbered).to_vec()).await.expect("writes");
            if round % 2 == 0 {
                store.flush().await.expect("flushes");
            }
        }
        let mut in_order = seen.clone();
        in_order.sort_unstable();
        in_order.dedup();
        if order.descending {
            in_order.reverse();
        }
        assert_eq!(seen, in_order, "by {order:?}: no row comes twice or late");
        let old_seen =
            seen.iter().filter(|id| (first_id..first_id + 200).contains(*id) && (*id - first_id) % 10 == 0);
        assert_eq!(old_seen.count(), 20, "by {order:?}: every old row is seen");
    }
}

/// A run whose start and tokens grow with its number.
fn numbered(id: u32) -> Run {
    run(id, id, |run| set_llm(run, "m", (u64::from(id), 0), "0"))
}

/// There is a cursor exactly when there are more rows.
pub async fn the_last_page_says_so(store: &dyn RunStore) {
    store.write((1..=4).map(numbered).collect()).await.expect("writes");
    for (limit, has_more) in [(1, true), (3, true), (4, false), (5, false)] {
        let query = RunQuery { limit, ..newest(everything()) };
        let runs = store.query_runs(&query).await.expect("a page");
        assert_eq!((runs.runs.len(), runs.next.is_some()), (limit.min(4), has_more), "{limit} runs");
        let found = store.find_runs(&query).await.expect("a page");
        let ids: Vec<RunId> = runs.runs.iter().map(|run| run.run_id).collect();
        assert_eq!(found.keys.iter().map(|key| key.run_id).collect::<Vec<_>>(), ids, "{limit} keys");
        assert_eq!(found.next, runs.next, "{limit} keys");
        let traces = store.query_traces(&query).await.expect("a page");
        assert_eq!((traces.traces.len(), traces.next.is_some()), (limit.min(4), has_more), "{limit} traces");
    }
}

/// A cursor only means something in the order that it was made in.
pub async fn a_cursor_of_another_order_is_refused(store: &dyn RunStore) {
    store.write((1..=4).map(numbered).collect()).await.expect("writes");
    let mut query = RunQuery { limit: 2, ..newest(everything()) };
    query.after = store.query_runs(&query).await.expect("a page").next;
    query.order = Order { by: SortKey::Cost, descending: true };
    let refused = store.query_runs(&query).await.expect_err("another key");
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    query.order = Order { by: SortKey::Start, descending: false };
    let refused = store.query_traces(&query).await.expect_err("another direction");
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
}
