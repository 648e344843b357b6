//! Pages newest first, which engines end as soon as they are sure of them.

use clearspan_model::Run;
use clearspan_query::{Expr, Field, Literal, Op};

use crate::testing::build::{
    all_runs, all_traces, at, deletion, everything, filtered, in_project, newest, number_of, project, run,
    set_llm, trace, trace_number,
};
use crate::{DeletionTarget, RunQuery, RunStore, Selection, TimeRange};

const TRACES: u32 = 60;

/// When a trace begins, in milliseconds: two begin at the same time.
fn start_of(number: u32) -> i64 {
    i64::from(number / 2) * 1_000
}

/// The root, a child soon after it, and a child long after the roots of newer traces; of the oldest traces the last ones.
fn trace_of(number: u32) -> Vec<Run> {
    let place = |id: u32, start: i64| {
        run(number, number * 10 + id, |run| {
            run.start_time = Some(at(start));
            run.end_time = Some(at(start + 5));
            if number.is_multiple_of(3) {
                run.key.project_id = project(2);
            }
        })
    };
    let start = start_of(number);
    let root = place(0, start);
    let mut soon = place(1, start + 3);
    let mut late = place(2, start + 200_000 - i64::from(number) * 1_500);
    for child in [&mut soon, &mut late] {
        child.parent_run_id = Some(root.key.run_id);
    }
    set_llm(&mut soon, if number.is_multiple_of(5) { "rare" } else { "common" }, (10, 5), "0.1");
    vec![root, soon, late]
}

/// Roots, children and late children apart, with flushes in between, so that most traces lie in several places; the
/// last ones stay in memory.
async fn write_interleaved(store: &dyn RunStore) {
    let of_rank = |rank: usize, from: u32, to: u32| -> Vec<Run> {
        (from..to).map(|number| trace_of(number).swap_remove(rank)).collect()
    };
    for (rank, from, to) in [(0, 0, 25), (1, 0, 20), (0, 25, 50), (2, 0, 10), (1, 20, 45)] {
        store.write(of_rank(rank, from, to)).await.expect("writes");
        store.flush().await.expect("flushes");
    }
    for (rank, from, to) in [(2, 10, TRACES), (1, 45, TRACES), (0, 50, TRACES)] {
        store.write(of_rank(rank, from, to)).await.expect("writes");
    }
}

/// The traces in order: newest first, of those that begin together the one with the smaller id first.
fn expected(keep: impl Fn(u32) -> bool) -> Vec<u32> {
    let mut numbers: Vec<u32> = (0..TRACES).filter(|number| keep(*number)).collect();
    numbers.sort_by_key(|number| (std::cmp::Reverse(start_of(*number)), *number));
    numbers
}

async fn check(store: &dyn RunStore, selection: Selection, keep: impl Fn(u32) -> bool, context: &str) {
    for limit in [5, 21] {
        let query = RunQuery { limit, ..newest(selection.clone()) };
        let rows = all_traces(store, &query).await;
        let numbers: Vec<u32> = rows.iter().map(|row| trace_number(row.root.trace_id)).collect();
        assert_eq!(numbers, expected(&keep), "{context}, {limit} a page");
        assert!(rows.iter().all(|row| row.run_count == 3), "{context}: every trace is whole");
    }
}

fn model(name: &str) -> Expr {
    Expr::Test(Field::Model, Op::Eq(Literal::Text(name.to_owned())))
}

/// However the runs of traces are spread over time and over files, each trace is listed once, in its place, and whole.
pub async fn the_newest_traces_are_found_wherever_their_runs_are(store: &dyn RunStore) {
    write_interleaved(store).await;
    for state in ["in files and in memory", "flushed", "merged"] {
        check(store, everything(), |_| true, state).await;
        let of_project = Selection { scope: in_project(2), ..everything() };
        check(store, of_project, |number| number.is_multiple_of(3), state).await;
        check(store, filtered(model("rare")), |number| number.is_multiple_of(5), state).await;
        check(store, filtered(model("absent")), |_| false, state).await;
        let range = TimeRange { from: Some(at(4_000)), to: Some(at(20_000)) };
        let inside = |number: u32| (4_000..20_000).contains(&start_of(number));
        check(store, Selection { range, ..everything() }, inside, state).await;
        store.flush().await.expect("flushes");
        if state == "flushed" {
            store.compact().await.expect("compacts");
        }
    }
}

/// What was deleted is on no page, and a trace that grew late is on the page where it belongs.
pub async fn the_newest_traces_are_living_ones(store: &dyn RunStore) {
    write_interleaved(store).await;
    store.flush().await.expect("flushes");
    let gone: Vec<u32> = (0..TRACES).filter(|number| number % 4 == 1).collect();
    let ids = gone.iter().map(|number| trace(*number)).collect();
    store.delete(&deletion(DeletionTarget::Traces(ids))).await.expect("deletes");
    let stays = |number: u32| number % 4 != 1;
    check(store, everything(), stays, "deleted").await;
    // A patch for a run that is in a file: its row there dies.
    let patches: Vec<Run> = (0..TRACES)
        .filter(|number| stays(*number) && number.is_multiple_of(7))
        .map(|number| {
            let mut patch = trace_of(number).swap_remove(1);
            patch.tags = vec!["late".to_owned()];
            patch
        })
        .collect();
    store.write(patches).await.expect("writes");
    check(store, everything(), stays, "patched").await;
    store.flush().await.expect("flushes");
    check(store, everything(), stays, "flushed").await;
}

/// Runs are listed one by one, whatever trace they are of.
pub async fn the_newest_runs_are_found_wherever_they_are(store: &dyn RunStore) {
    write_interleaved(store).await;
    let mut all: Vec<Run> = (0..TRACES).flat_map(trace_of).collect();
    let start = |run: &Run| run.start_time.unwrap_or_default();
    all.sort_by_key(|run| (std::cmp::Reverse(start(run)), run.key.trace_id, run.key.run_id));
    for state in ["in files and in memory", "flushed"] {
        for limit in [11, 500] {
            let rows = all_runs(store, &RunQuery { limit, ..newest(everything()) }).await;
            let numbers: Vec<u32> = rows.iter().map(|row| number_of(row.run_id)).collect();
            let expected: Vec<u32> = all.iter().map(|run| number_of(run.key.run_id)).collect();
            assert_eq!(numbers, expected, "{state}, {limit} a page");
            let rare = all_runs(store, &RunQuery { limit, ..newest(filtered(model("rare"))) }).await;
            let numbers: Vec<u32> = rare.iter().map(|row| number_of(row.run_id)).collect();
            let expected = all.iter().filter(|run| run.model.as_deref() == Some("rare"));
            let expected: Vec<u32> = expected.map(|run| number_of(run.key.run_id)).collect();
            assert_eq!(numbers, expected, "{state}, rare ones, {limit} a page");
        }
        store.flush().await.expect("flushes");
    }
}

/// A filter that names traces looks at those alone, and finds what others would.
pub async fn filters_that_name_traces_find_their_runs(store: &dyn RunStore) {
    write_interleaved(store).await;
    let id = |number: u32| Literal::Id(*trace(number).as_bytes());
    let one_of = |numbers: &[u32]| {
        Expr::Test(Field::TraceId, Op::In(numbers.iter().map(|number| id(*number)).collect()))
    };
    let both = Expr::All(vec![one_of(&[3, 20, 41, 999]), model("rare")]);
    let one =
        Expr::All(vec![Expr::Test(Field::TraceId, Op::Eq(id(12))), Expr::AnyRun(Box::new(model("common")))]);
    let none = Expr::All(vec![one_of(&[1, 2]), one_of(&[3, 4])]);
    let other = Expr::Not(Box::new(one_of(&[5, 6])));
    for _ in ["in files and in memory", "flushed"] {
        check(store, filtered(both.clone()), |number| number == 20, "of some").await;
        check(store, filtered(one.clone()), |number| number == 12, "of one").await;
        check(store, filtered(none.clone()), |_| false, "of none").await;
        check(store, filtered(other.clone()), |number| !matches!(number, 5 | 6), "of all but some").await;
        let runs = all_runs(store, &newest(filtered(one_of(&[3, 20])))).await;
        assert_eq!(runs.len(), 6);
        let stats = store.stats(crate::Unit::Runs, &filtered(one_of(&[3, 20, 999]))).await.expect("figures");
        assert_eq!((stats.count, stats.total_tokens), (6, 30));
        store.flush().await.expect("flushes");
    }
}
