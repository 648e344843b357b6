//! How runs make traces.

use std::collections::BTreeMap;

use clearspan_model::{Cost, CostSource, Decimal, Run, RunType, Status, UnpricedReason};

use crate::testing::build::{
    all_runs, all_traces, at, everything, json, message, newest, number_of, run, run_id, scope, set_llm,
    trace,
};
use crate::{RunStore, TraceSummary};

async fn write(store: &dyn RunStore, patches: Vec<Run>) {
    store.write(patches).await.expect("a healthy store accepts patches");
}

async fn only_trace(store: &dyn RunStore) -> TraceSummary {
    let mut traces = all_traces(store, &newest(everything())).await;
    assert_eq!(traces.len(), 1);
    traces.remove(0)
}

/// Skeletons hold every run once, by start time, without what makes runs heavy.
pub async fn skeletons_are_light_and_in_order(store: &dyn RunStore) {
    let starts = [(5, 0), (3, 10), (4, 10), (1, 2_000), (2, 1_500)];
    let runs = starts.map(|(id, start)| {
        run(1, id, |run| {
            (run.start_time, run.end_time) = (Some(at(start)), Some(at(start + 1)));
            run.metadata = BTreeMap::from([("k".to_owned(), json("1"))]);
            run.tags = vec!["tag".to_owned()];
            run.inputs = message("user", "hello");
        })
    });
    let (early, late) = runs.split_at(2);
    write(store, late.to_vec()).await;
    store.flush().await.expect("a healthy store flushes");
    write(store, early.to_vec()).await;
    for _ in 0..2 {
        let skeleton = store.load_skeleton(&scope(), trace(1)).await.expect("loads");
        let ids: Vec<u32> = skeleton.iter().map(|run| number_of(run.run_id)).collect();
        assert_eq!(ids, [5, 3, 4, 2, 1]);
        assert!(skeleton.iter().all(|run| run.metadata.is_empty()));
        assert!(skeleton.iter().all(|run| run.tags == ["tag"]));
        store.flush().await.expect("a healthy store flushes");
    }
}

/// `load_trace` gives whole runs by start time; a run without one counts from when it was first heard of.
pub async fn traces_come_whole_and_in_order(store: &dyn RunStore) {
    let unstarted = run(1, 2, |run| {
        run.start_time = None;
        run.received_at = at(1_500);
        run.inputs = message("user", "hello");
    });
    let runs = [run(1, 3, |run| run.start_time = Some(at(3_000))), unstarted, run(1, 1, |_| ())];
    write(store, runs.to_vec()).await;
    write(store, vec![run(2, 9, |_| ())]).await;
    let expected = [runs[2].clone(), runs[1].clone(), runs[0].clone()];
    for _ in 0..2 {
        assert_eq!(store.load_trace(&scope(), trace(1)).await.expect("loads"), expected);
        store.flush().await.expect("a healthy store flushes");
    }
}

/// The runs of an agent: a root, two model calls, a failed tool and an embedding nobody could price.
fn agent() -> Vec<Run> {
    let child = |id, fill: fn(&mut Run)| {
        run(1, id, |run| {
            run.parent_run_id = Some(run_id(1));
            fill(run);
        })
    };
    vec![
        run(1, 1, |run| {
            run.name = Some("agent".to_owned());
            run.end_time = Some(at(9_000));
            run.tags = vec!["tag".to_owned()];
            run.environment = Some("prod".to_owned());
        }),
        child(2, |run| {
            set_llm(run, "m2", (10, 1), "0.25");
            run.provider = Some("p2".to_owned());
            run.inputs = message("user", "first question");
            run.outputs = message("assistant", "first answer");
            run.user_id = Some("ann".to_owned());
        }),
        child(3, |run| {
            set_llm(run, "m1", (20, 2), "0.5");
            run.provider = Some("p1".to_owned());
            run.usage.as_mut().expect("it has usage").input_details =
                BTreeMap::from([("cache_read".to_owned(), 7)]);
            run.inputs = message("user", "second question");
            run.outputs = message("assistant", "second answer");
            run.thread_id = Some("thread".to_owned());
        }),
        child(4, |run| {
            run.run_type = Some(RunType::Tool);
            run.error = Some("no answer".to_owned());
            run.end_time = Some(at(9_500));
        }),
        child(5, |run| {
            run.run_type = Some(RunType::Embedding);
            run.cost = Some(Cost {
                source: CostSource::Unpriced { reason: UnpricedReason::NoUsage },
                ..Cost::default()
            });
        }),
    ]
}

/// Every figure of a trace row, with its runs split over segments and memory.
pub async fn a_trace_is_summed_up(store: &dyn RunStore) {
    let mut runs = agent();
    let late = runs.split_off(2);
    write(store, runs).await;
    store.flush().await.expect("a healthy store flushes");
    write(store, late).await;
    for _ in 0..2 {
        let row = only_trace(store).await;
        assert_eq!((row.root.name.as_str(), row.is_orphan), ("agent", false));
        assert_eq!((row.root.status, row.root.tags.len()), (Status::Success, 1));
        assert_eq!((row.start_time, row.end_time), (at(1_000), Some(at(9_500))));
        assert_eq!((row.run_count, row.error_count, row.unpriced_count), (5, 1, 1));
        assert_eq!(row.total_cost, Some(Decimal::new(75, 2)));
        assert_eq!((row.input_tokens, row.output_tokens, row.total_tokens), (Some(30), Some(3), Some(33)));
        assert_eq!(row.cache_read_tokens, Some(7));
        assert_eq!((row.models.join(","), row.providers.join(",")), ("m1,m2".to_owned(), "p1,p2".to_owned()));
        assert_eq!((row.thread_id.as_deref(), row.user_id.as_deref()), (Some("thread"), Some("ann")));
        assert_eq!(row.error.as_deref(), Some("no answer"));
        assert_eq!(row.input_preview.as_deref(), Some("first question"));
        assert_eq!(row.output_preview.as_deref(), Some("second answer"));
        store.flush().await.expect("a healthy store flushes");
    }
}

/// A trace whose root never came has a root all the same, until the real one comes.
pub async fn an_orphan_trace_is_repaired_by_its_root(store: &dyn RunStore) {
    let child = |id| run(1, id, |run| run.parent_run_id = Some(run_id(9)));
    write(store, vec![child(3), child(2)]).await;
    for _ in 0..2 {
        let row = only_trace(store).await;
        assert_eq!((number_of(row.root.run_id), row.is_orphan, row.run_count), (2, true, 2));
        store.flush().await.expect("a healthy store flushes");
    }
    write(store, vec![run(1, 9, |_| ())]).await;
    for _ in 0..2 {
        let row = only_trace(store).await;
        assert_eq!((number_of(row.root.run_id), row.is_orphan, row.run_count), (9, false, 3));
        store.flush().await.expect("a healthy store flushes");
    }
}

/// Runs that are above themselves are still found and counted.
pub async fn circles_of_parents_do_no_harm(store: &dyn RunStore) {
    let child = |trace, id, parent| {
        run(trace, id, |run| {
            run.parent_run_id = Some(run_id(parent));
            set_llm(run, "m", (u64::from(id) + 10, 0), "1");
        })
    };
    write(store, vec![child(1, 1, 2), child(1, 2, 3), child(1, 3, 1), child(2, 4, 4)]).await;
    for _ in 0..2 {
        let rows = all_traces(store, &newest(everything())).await;
        let roots: Vec<_> = rows.iter().map(|row| (number_of(row.root.run_id), row.is_orphan)).collect();
        assert_eq!(roots, [(4, false), (1, false)]);
        assert_eq!((rows[0].run_count, rows[1].run_count), (1, 3));
        assert_eq!(rows[1].total_tokens, Some(36));
        assert_eq!(store.load_skeleton(&scope(), trace(1)).await.expect("loads").len(), 3);
        store.flush().await.expect("a healthy store flushes");
    }
}

/// A wrapper counts until the call that it repeats arrives, even when it lies in a segment by then.
pub async fn what_counts_follows_late_runs(store: &dyn RunStore) {
    write(store, vec![run(1, 1, |run| set_llm(run, "m", (10, 5), "0.5"))]).await;
    for _ in 0..2 {
        let wrapper = all_runs(store, &newest(everything())).await.remove(0);
        assert!(wrapper.billed.tokens && wrapper.billed.cost);
        store.flush().await.expect("a healthy store flushes");
    }
    let child = run(1, 2, |run| {
        run.parent_run_id = Some(run_id(1));
        set_llm(run, "m", (10, 5), "0.5");
    });
    write(store, vec![child]).await;
    for _ in 0..2 {
        let rows = all_runs(store, &newest(everything())).await;
        let billed = rows.iter().map(|run| (number_of(run.run_id), run.billed.tokens, run.billed.cost));
        assert_eq!(billed.collect::<Vec<_>>(), [(2, true, true), (1, false, false)]);
        let skeleton = store.load_skeleton(&scope(), trace(1)).await.expect("loads");
        assert!(!skeleton[0].billed.tokens && skeleton[1].billed.tokens);
        let row = only_trace(store).await;
        assert_eq!((row.total_tokens, row.total_cost), (Some(15), Some(Decimal::new(5, 1))));
        store.flush().await.expect("a healthy store flushes");
    }
}
