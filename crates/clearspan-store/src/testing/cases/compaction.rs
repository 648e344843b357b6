//! Merging files and removing what is dead changes nothing that can be read.

use clearspan_model::{Run, Versions};

use crate::testing::build::{
    all_runs, at, everything, log, logs, newest, point, points, run, run_id, scope, trace, version,
};
use crate::{LogQuery, RunStore, Stats, Unit};

async fn stats(store: &dyn RunStore) -> Stats {
    store.stats(Unit::Runs, &everything()).await.expect("a healthy store adds up")
}

/// Traces spread over several flushes, late patches and repeated records among them.
pub async fn compacting_and_purging_change_no_answer(store: &dyn RunStore) {
    for round in 0..5_u32 {
        let mut patches: Vec<Run> = (0..30)
            .map(|number| {
                run(number, 1 + round, |run| {
                    run.start_time = Some(at(i64::from(number * 10 + round)));
                    run.parent_run_id = (round > 0).then(|| run_id(1));
                })
            })
            .collect();
        patches.push(run(7, 1, |run| {
            run.versions = Versions::all(version(1 + i64::from(round)));
            run.name = Some(format!("round {round}"));
        }));
        store.write(patches).await.expect("a healthy store accepts patches");
        let records = vec![log(1, "the same each time"), log(2 + i64::from(round), "another")];
        store.write_logs(records).await.expect("a healthy store accepts log records");
        store.write_points(vec![point("calls", i64::from(round), 1)]).await.expect("and points");
        store.flush().await.expect("a healthy store flushes");
    }
    let list = newest(everything());
    let (runs, figures) = (all_runs(store, &list).await, stats(store).await);
    let found = store.load_trace(&scope(), trace(7)).await.expect("a healthy store reads");
    let all_logs = LogQuery { limit: 100, ..logs() };
    let records = store.query_logs(&all_logs).await.expect("a healthy store reads");
    let measured = store.query_points(&points("calls")).await.expect("a healthy store reads");
    assert_eq!((runs.len(), found.len(), records.records.len()), (150, 5, 6));
    assert_eq!(measured.points.len(), 5);
    for step in ["compact", "purge", "compact"] {
        match step {
            "compact" => {
                store.compact().await.expect("a healthy store compacts");
            }
            _ => {
                store.purge(&[]).await.expect("a healthy store purges");
            }
        }
        assert_eq!(all_runs(store, &list).await, runs, "{step}");
        assert_eq!(store.load_trace(&scope(), trace(7)).await.expect("reads"), found, "{step}");
        assert_eq!(store.query_logs(&all_logs).await.expect("reads"), records, "{step}");
        assert_eq!(store.query_points(&points("calls")).await.expect("reads"), measured, "{step}");
        let now = stats(store).await;
        assert_eq!((now.count, now.total_tokens), (figures.count, figures.total_tokens), "{step}");
    }
}
