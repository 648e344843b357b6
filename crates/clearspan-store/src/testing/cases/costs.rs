//! What the input and the output of runs cost.

use clearspan_model::{Cost, CostSource, Decimal, Run, UnpricedReason};
use clearspan_query::fulltext::Search;
use clearspan_query::{Expr, Field, Literal, Op};

use crate::testing::build::{
    all_runs, all_traces, at, everything, filtered, newest, number_of, run, run_id, scope, set_llm, trace,
    trace_number, write_scattered,
};
use crate::{RunQuery, RunStore, RunSummary, TraceSummary, Unit};

/// More digits than a floating-point number keeps, twelve of them behind the point.
const INPUT: &str = "1234567890.123456789012";
const INPUT_AND_MORE: &str = "1234567890.1234567890121";
const OUTPUT: &str = "0.000000000001";
const BOTH: &str = "1234567890.123456789013";

fn set_sides(run: &mut Run, input: Option<&str>, output: Option<&str>) {
    let dollars = |text: &str| text.parse().expect("a decimal");
    let cost = run.cost.get_or_insert_default();
    (cost.input, cost.output) = (input.map(dollars), output.map(dollars));
}

/// Trace 1: an agent (1) with a wrapper (2) of a call (3) that costs the same, and a tool (4) that said what it cost
/// altogether. Trace 2: a call (5) of which only the input has a price. Trace 3: a chain (6) without a cost.
fn six_runs() -> Vec<Run> {
    let call = |run: &mut Run, parent: u32| {
        run.parent_run_id = Some(run_id(parent));
        set_llm(run, "m1", (10, 5), BOTH);
        set_sides(run, Some(INPUT), Some(OUTPUT));
    };
    vec![
        run(1, 1, |_| {}),
        run(1, 2, |run| call(run, 1)),
        run(1, 3, |run| call(run, 2)),
        run(1, 4, |run| {
            run.parent_run_id = Some(run_id(1));
            let total = Some("3".parse().expect("a decimal"));
            run.cost = Some(Cost { total, source: CostSource::Reported, ..Cost::default() });
        }),
        run(2, 5, |run| {
            set_llm(run, "m1", (10, 0), "0.25");
            set_sides(run, Some("0.25"), None);
        }),
        run(3, 6, |_| {}),
    ]
}

/// To the last digit, of runs and as the sum of the runs of a trace that count. An unknown side is not zero.
pub async fn the_sides_of_costs_are_filtered(store: &dyn RunStore) {
    let dollars = |text: &str| Literal::Number(text.parse().expect("a decimal"));
    let table: Vec<(Field, Op, &[u32], &[u32])> = vec![
        (Field::InputCost, Op::Exists, &[2, 3, 5], &[1, 2]),
        (Field::InputCost, Op::Eq(dollars(INPUT)), &[2, 3], &[1]),
        (Field::InputCost, Op::Eq(dollars(INPUT_AND_MORE)), &[], &[]),
        (Field::InputCost, Op::Gt(dollars("1234567890.123456789011")), &[2, 3], &[1]),
        (Field::InputCost, Op::Gt(dollars(INPUT)), &[], &[]),
        (Field::InputCost, Op::Ge(dollars(INPUT)), &[2, 3], &[1]),
        (Field::InputCost, Op::Ge(dollars(INPUT_AND_MORE)), &[], &[]),
        (Field::InputCost, Op::Lt(dollars(INPUT)), &[5], &[2]),
        (Field::InputCost, Op::Lt(dollars(INPUT_AND_MORE)), &[2, 3, 5], &[1, 2]),
        (Field::InputCost, Op::Le(dollars("0.250")), &[5], &[2]),
        (Field::InputCost, Op::In(vec![dollars("0.25"), dollars("7")]), &[5], &[2]),
        (Field::OutputCost, Op::Exists, &[2, 3], &[1]),
        (Field::OutputCost, Op::Eq(dollars(OUTPUT)), &[2, 3], &[1]),
        (Field::OutputCost, Op::Le(dollars("0.0000000000009999")), &[], &[]),
        (Field::OutputCost, Op::Ge(dollars("0")), &[2, 3], &[1]),
        (Field::Cost, Op::Exists, &[2, 3, 4, 5], &[1, 2]),
        (Field::Cost, Op::Eq(dollars(BOTH)), &[2, 3], &[]),
        (Field::Cost, Op::Eq(dollars("1234567893.123456789013")), &[], &[1]),
    ];
    write_scattered(store, six_runs()).await;
    for state in ["scattered", "flushed"] {
        for (field, op, of_runs, of_traces) in &table {
            let test = Expr::Test(field.clone(), op.clone());
            let complete = |found: &[u32], all| (1..=all).filter(|n| !found.contains(n)).collect::<Vec<_>>();
            let not = Expr::Not(Box::new(test.clone()));
            assert_eq!(runs(store, test.clone()).await, *of_runs, "{state}: {test:?}");
            assert_eq!(runs(store, not.clone()).await, complete(of_runs, 6), "{state}: {not:?}");
            assert_eq!(traces(store, test.clone()).await, *of_traces, "{state}: {test:?}");
            assert_eq!(traces(store, not.clone()).await, complete(of_traces, 3), "{state}: {not:?}");
        }
        let any = Expr::AnyRun(Box::new(Expr::Test(Field::InputCost, Op::Gt(dollars("1")))));
        let some = Expr::Any(vec![any, Expr::Test(Field::OutputCost, Op::Gt(dollars("9")))]);
        assert_eq!(runs(store, some.clone()).await, [1, 2, 3, 4], "{state}: of a run's trace");
        assert_eq!(traces(store, some).await, [1], "{state}: of a trace's runs");
        store.flush().await.expect("flushes");
    }
}

/// What rows, trees and figures show is what filters ask, to the last digit. An unknown side is not zero.
pub async fn the_sides_of_costs_are_summed_up(store: &dyn RunStore) {
    let dollars = |text: &str| Some(text.parse::<Decimal>().expect("a decimal"));
    let of_trace = |trace: &TraceSummary| (trace.input_cost, trace.output_cost);
    write_scattered(store, six_runs()).await;
    for state in ["scattered", "flushed"] {
        let mut traces = all_traces(store, &query(Expr::All(Vec::new()))).await;
        traces.sort_by_key(|trace| trace.root.trace_id);
        let sums: Vec<_> = traces.iter().map(of_trace).collect();
        let expected = [(dollars(INPUT), dollars(OUTPUT)), (dollars("0.25"), None), (None, None)];
        assert_eq!(sums, expected, "{state}");
        assert_eq!(traces[0].total_cost, dollars("1234567893.123456789013"), "{state}");

        let mut runs = all_runs(store, &query(Expr::All(Vec::new()))).await;
        runs.sort_by_key(|run| run.run_id);
        let of_runs: Vec<_> = runs.iter().map(|run| (run.input_cost, run.output_cost)).collect();
        let call = (dollars(INPUT), dollars(OUTPUT));
        let none = (None, None);
        assert_eq!(of_runs, [none, call, call, none, (dollars("0.25"), None), none], "{state}");

        let tree = store.load_skeleton(&scope(), trace(1)).await.expect("loads");
        let (_, totals) = crate::roll_up(&tree);
        let root = tree.iter().position(|run| run.run_id == run_id(1)).expect("the agent");
        assert_eq!((totals[root].input_cost, totals[root].output_cost), call, "{state}");

        for unit in [Unit::Runs, Unit::Traces] {
            let stats = store.stats(unit, &everything()).await.expect("counts");
            let sides = (Some(stats.input_cost), Some(stats.output_cost));
            assert_eq!(sides, (dollars("1234567890.373456789012"), dollars(OUTPUT)), "{state}: {unit:?}");
            assert_eq!(Some(stats.total_cost), dollars("1234567893.373456789013"), "{state}: {unit:?}");
        }
        store.flush().await.expect("flushes");
    }
}

async fn runs(store: &dyn RunStore, filter: Expr) -> Vec<u32> {
    let number = |run: &RunSummary| number_of(run.run_id);
    let mut found: Vec<u32> = all_runs(store, &query(filter)).await.iter().map(number).collect();
    found.sort_unstable();
    found
}

async fn traces(store: &dyn RunStore, filter: Expr) -> Vec<u32> {
    let found = all_traces(store, &query(filter)).await;
    let mut found: Vec<u32> = found.iter().map(|trace| trace_number(trace.root.trace_id)).collect();
    found.sort_unstable();
    found
}

fn query(filter: Expr) -> RunQuery {
    newest(filtered(filter))
}

fn set_unpriced(run: &mut Run) {
    let source = CostSource::Unpriced { reason: UnpricedReason::UnknownModel };
    run.cost = Some(Cost { source, ..Cost::default() });
}

/// A trace is unpriced when its figures lack a call's cost, wherever in it the call is. What speaks for nothing that is
/// not said elsewhere is no gap: a wrapper of a priced call, the second telling of a call.
pub async fn traces_with_unpriced_calls_are_found(store: &dyn RunStore) {
    let below = |number: u32, id: u32, parent: u32, fill: fn(&mut Run)| {
        run(number, id, |run| {
            run.parent_run_id = Some(run_id(parent));
            set_llm(run, "m1", (10, 5), "0.5");
            fill(run);
        })
    };
    let telling = |id: u32, scope_name: &str| {
        let mut run = below(5, id, 50, set_unpriced);
        run.scope_name = Some(scope_name.to_owned());
        (run.start_time, run.end_time) = (Some(at(51_000)), Some(at(51_500)));
        run
    };
    let runs = vec![
        run(1, 10, |_| {}),
        below(1, 11, 10, |_| {}),
        below(1, 12, 10, set_unpriced),
        run(2, 20, set_unpriced),
        run(3, 30, |_| {}),
        below(3, 31, 30, |_| {}),
        run(4, 40, set_unpriced),
        below(4, 41, 40, |_| {}),
        run(5, 50, |run| run.end_time = Some(at(59_000))),
        telling(51, "a"),
        telling(52, "b"),
    ];
    write_scattered(store, runs).await;
    let is = |yes: bool| Expr::Test(Field::IsUnpriced, Op::Eq(Literal::Bool(yes)));
    let any_run = Expr::AnyRun(Box::new(is(true)));
    let searched = |word: &str| Expr::Test(Field::Text, Op::Search(Search::phrase(word)));
    let cases: [(Expr, &[u32]); 6] = [
        (is(true), &[1, 2, 5]),
        (is(false), &[3, 4]),
        (Expr::Not(Box::new(is(true))), &[3, 4]),
        (Expr::Root(Box::new(is(true))), &[2, 4]),
        (any_run, &[1, 2, 4, 5]),
        (Expr::All(vec![searched("50"), is(true)]), &[5]),
    ];
    for state in ["scattered", "flushed"] {
        let rows = all_traces(store, &newest(everything())).await;
        let mut gaps: Vec<u32> = rows
            .iter()
            .filter(|row| row.unpriced_count > 0)
            .map(|row| trace_number(row.root.trace_id))
            .collect();
        gaps.sort_unstable();
        assert_eq!(gaps, [1, 2, 5], "{state}");
        for (expr, expected) in &cases {
            let rows = all_traces(store, &newest(filtered(expr.clone()))).await;
            let mut found: Vec<u32> = rows.iter().map(|row| trace_number(row.root.trace_id)).collect();
            found.sort_unstable();
            assert_eq!(found, *expected, "{state}: {expr:?}");
            let stats = store.stats(Unit::Traces, &filtered(expr.clone())).await.expect(state);
            assert_eq!(stats.count, expected.len() as u64, "{state}: {expr:?}");
        }
        let rows = all_runs(store, &newest(filtered(is(true)))).await;
        let mut found: Vec<u32> = rows.iter().map(|row| number_of(row.run_id)).collect();
        found.sort_unstable();
        assert_eq!(found, [12, 20, 40, 51], "{state}: one of two tellings");
        store.flush().await.expect(state);
    }
}
