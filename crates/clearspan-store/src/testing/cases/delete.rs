//! What is deleted is gone at once, stays gone, and takes nothing else with it.

use clearspan_model::{LogRecord, MetricPoint, Rank, Run, Version, Versions};
use clearspan_query::{Expr, Field, Literal, Op};

use crate::testing::build::{
    all_logs, all_runs, all_traces, at, deletion, everything, in_project, json, log, logs, message, newest,
    point, points, project, run, run_id, scope, set_llm, trace, trace_number, version, workspace,
    write_scattered,
};
use crate::{Deleted, Deletion, DeletionTarget, PayloadExpiry, RunStore, Scope, Selection, TimeRange, Unit};

async fn delete(store: &dyn RunStore, deletion: &Deletion) -> Deleted {
    let preview = store.preview_deletion(deletion).await.expect("a healthy store counts");
    let deleted = store.delete(deletion).await.expect("a healthy store deletes");
    assert_eq!(preview, deleted, "the preview tells what happens");
    deleted
}

async fn delete_trace(store: &dyn RunStore, number: u32) -> Deleted {
    delete(store, &deletion(DeletionTarget::Traces(vec![trace(number)]))).await
}

/// The traces that lists show, by number.
async fn listed(store: &dyn RunStore) -> Vec<u32> {
    let traces = all_traces(store, &newest(everything())).await;
    let mut numbers: Vec<u32> = traces.iter().map(|trace| trace_number(trace.root.trace_id)).collect();
    numbers.sort_unstable();
    numbers
}

fn two_runs(trace_number: u32) -> Vec<Run> {
    let root = run(trace_number, 10 * trace_number, |run| set_llm(run, "m", (10, 5), "0.5"));
    let child = run(trace_number, 10 * trace_number + 1, |run| {
        run.parent_run_id = Some(run_id(10 * trace_number));
    });
    vec![root, child]
}

fn of_trace(number: u32, seconds: i64) -> LogRecord {
    LogRecord { trace_id: Some(trace(number)), ..log(seconds, &format!("of {number}")) }
}

async fn three_traces(store: &dyn RunStore) {
    write_scattered(store, (1..=3).flat_map(two_runs).collect()).await;
    store.write_logs((1..=3).map(|number| of_trace(number, number.into())).collect()).await.expect("writes");
}

/// Nothing of it is in any answer, wherever it was, and everything else is.
pub async fn a_deleted_trace_is_gone_from_every_read(store: &dyn RunStore) {
    three_traces(store).await;
    store.write(vec![run(2, 25, |_| ())]).await.expect("writes");
    let deleted = delete_trace(store, 2).await;
    assert_eq!(deleted, Deleted { traces: 1, runs: 3, log_records: 1, metric_points: 0 });
    for state in ["in memory", "flushed"] {
        assert_eq!(listed(store).await, [1, 3], "{state}");
        assert_eq!(all_runs(store, &newest(everything())).await.len(), 4, "{state}");
        assert_eq!(store.load_trace(&scope(), trace(2)).await.expect(state), [], "{state}");
        assert_eq!(store.load_skeleton(&scope(), trace(2)).await.expect(state), [], "{state}");
        let ids = [run_id(20), run_id(21), run_id(25), run_id(30)];
        for (trace_ids, left) in [(&[][..], 1), (&[trace(2)], 0), (&[trace(2), trace(3)], 1)] {
            let found = store.load_runs(&scope(), trace_ids, &ids).await.expect(state);
            assert_eq!(found.len(), left, "{state}");
        }
        let runs = store.stats(Unit::Runs, &everything()).await.expect(state);
        let traces = store.stats(Unit::Traces, &everything()).await.expect(state);
        assert_eq!((runs.count, runs.total_tokens, traces.count), (4, 30, 2), "{state}");
        let records = all_logs(store, &logs()).await;
        assert!(records.iter().all(|(_, record)| record.trace_id != Some(trace(2))), "{state}");
        assert_eq!(records.len(), 2, "{state}");
        let activity = store.project_activity(workspace(1), at(0)).await.expect(state);
        assert_eq!(activity[0].trace_count, 2, "{state}");
        store.flush().await.expect(state);
    }
    assert_eq!(store.deletion_state().tombstones, 1);
}

/// Asking what would go changes nothing.
pub async fn a_preview_removes_nothing(store: &dyn RunStore) {
    three_traces(store).await;
    let everything = Deletion { scope: in_project(1), ..deletion(DeletionTarget::Projects) };
    let preview = store.preview_deletion(&everything).await.expect("counts");
    assert_eq!(preview, Deleted { traces: 3, runs: 6, log_records: 3, metric_points: 0 });
    assert_eq!(listed(store).await, [1, 2, 3]);
    assert_eq!(store.deletion_state().tombstones, 0);
}

/// Patches, retries, late runs, log records: acknowledged, dropped and counted.
pub async fn what_arrives_late_for_a_deleted_trace_stays_dead(store: &dyn RunStore) {
    three_traces(store).await;
    delete_trace(store, 2).await;
    for state in ["in memory", "flushed"] {
        let before = store.deletion_state().dropped;
        let mut patch = two_runs(2).remove(0);
        patch.versions = clearspan_model::Versions::all(version(9));
        store.write(vec![patch, run(2, 29, |_| ()), run(1, 19, |_| ())]).await.expect(state);
        store.write_logs(vec![of_trace(2, 50), of_trace(2, 2)]).await.expect(state);
        assert_eq!(store.deletion_state().dropped, before + 4, "{state}");
        assert_eq!(listed(store).await, [1, 2, 3].into_iter().filter(|n| *n != 2).collect::<Vec<_>>());
        assert_eq!(store.load_trace(&scope(), trace(1)).await.expect(state).len(), 3, "{state}");
        assert_eq!(all_logs(store, &logs()).await.len(), 2, "{state}");
        store.flush().await.expect(state);
    }
}

/// What the server receives after the time of remembering is a new trace.
pub async fn a_trace_may_begin_anew_when_it_is_forgotten(store: &dyn RunStore) {
    three_traces(store).await;
    delete_trace(store, 2).await;
    store.flush().await.expect("flushes");
    let forgotten = deletion(DeletionTarget::Projects).forget_at;
    let mut late = two_runs(2);
    late[0].received_at = forgotten;
    store.write(late).await.expect("writes");
    store.write_logs(vec![LogRecord { received_at: forgotten, ..of_trace(2, 7) }]).await.expect("writes");
    for state in ["in memory", "flushed"] {
        assert_eq!(store.load_trace(&scope(), trace(2)).await.expect(state).len(), 1, "{state}");
        assert_eq!(all_logs(store, &logs()).await.len(), 3, "{state}");
        store.flush().await.expect(state);
    }
    // And it can be deleted again.
    let again = Deletion { forget_at: at(900_000_000), ..deletion(DeletionTarget::Traces(vec![trace(2)])) };
    assert_eq!(delete(store, &again).await.runs, 1);
    assert_eq!(listed(store).await, [1, 3]);
}

/// Equal ids elsewhere stay.
pub async fn deleting_never_leaves_its_scope(store: &dyn RunStore) {
    let mut runs = two_runs(1);
    for (project_number, workspace_number) in [(2, 1), (1, 2)] {
        let elsewhere = two_runs(1).into_iter().map(|mut run| {
            run.key.project_id = project(project_number);
            run.key.workspace_id = workspace(workspace_number);
            run
        });
        runs.extend(elsewhere);
    }
    let there = LogRecord { workspace_id: workspace(2), ..of_trace(1, 1) };
    store.write_logs(vec![there, of_trace(1, 1)]).await.expect("writes");
    write_scattered(store, runs).await;
    let by_trace = Deletion { scope: in_project(1), ..deletion(DeletionTarget::Traces(vec![trace(1)])) };
    assert_eq!(delete(store, &by_trace).await.runs, 2);
    let left = store.load_trace(&scope(), trace(1)).await.expect("loads");
    assert!(left.len() == 2 && left.iter().all(|run| run.key.project_id == project(2)), "{left:?}");

    let whole = Deletion { scope: in_project(2), ..deletion(DeletionTarget::Projects) };
    assert_eq!(delete(store, &whole).await.runs, 2);
    let elsewhere = Scope { workspace_id: workspace(2), project_ids: None };
    for state in ["in memory", "flushed"] {
        assert!(listed(store).await.is_empty(), "{state}");
        assert_eq!(store.load_trace(&elsewhere, trace(1)).await.expect(state).len(), 2, "{state}");
        let query = crate::LogQuery { scope: elsewhere.clone(), ..logs() };
        assert_eq!(all_logs(store, &query).await.len(), 1, "{state}");
        store.flush().await.expect(state);
    }
}

/// A condition is resolved to whole traces.
pub async fn traces_are_deleted_by_filter_user_and_thread(store: &dyn RunStore) {
    let mut runs: Vec<Run> = (1..=6).flat_map(two_runs).collect();
    runs[1].user_id = Some("ann".to_owned());
    runs[2].thread_id = Some("t".to_owned());
    runs[4].error = Some("broken".to_owned());
    runs[6].name = Some("ann".to_owned());
    write_scattered(store, runs).await;
    assert_eq!(delete(store, &deletion(DeletionTarget::User("ann".to_owned()))).await.traces, 1);
    assert_eq!(listed(store).await, [2, 3, 4, 5, 6]);
    assert_eq!(delete(store, &deletion(DeletionTarget::Thread("t".to_owned()))).await.runs, 2);
    assert_eq!(listed(store).await, [3, 4, 5, 6]);
    let failed = Expr::Test(Field::Error, Op::Eq(Literal::Text("broken".to_owned())));
    let by_filter = DeletionTarget::Matching(TimeRange::default(), Some(failed));
    assert_eq!(delete(store, &deletion(by_filter)).await.traces, 1);
    assert_eq!(listed(store).await, [4, 5, 6]);
    let range = TimeRange { from: Some(at(45_000)), to: Some(at(55_000)) };
    assert_eq!(delete(store, &deletion(DeletionTarget::Matching(range, None))).await.traces, 1);
    assert_eq!(listed(store).await, [4, 6]);
    store.write(two_runs(5)).await.expect("writes");
    store.write(two_runs(7)).await.expect("writes");
    assert_eq!(listed(store).await, [4, 6, 7], "what comes later was not meant, if its trace is another");
}

/// Runs, log records and points, and what comes late.
pub async fn a_deleted_project_takes_everything_with_it(store: &dyn RunStore) {
    three_traces(store).await;
    let mut other = two_runs(9);
    other.iter_mut().for_each(|run| run.key.project_id = project(2));
    store.write(other).await.expect("writes");
    let without_trace = LogRecord { trace_id: None, ..log(9, "alone") };
    let elsewhere = MetricPoint { project_id: project(2), ..point("m", 1, 1) };
    store.write_logs(vec![without_trace.clone()]).await.expect("writes");
    store.write_points(vec![point("m", 1, 1), point("m", 2, 1), elsewhere]).await.expect("writes");
    let whole = Deletion { scope: in_project(1), ..deletion(DeletionTarget::Projects) };
    let deleted = delete(store, &whole).await;
    assert_eq!(deleted, Deleted { traces: 3, runs: 6, log_records: 4, metric_points: 2 });
    for state in ["in memory", "flushed"] {
        store.write(two_runs(4)).await.expect(state);
        store.write_logs(vec![without_trace.clone()]).await.expect(state);
        store.write_points(vec![point("m", 1, 1)]).await.expect(state);
        assert_eq!(listed(store).await, [9], "{state}");
        assert_eq!(all_logs(store, &logs()).await, [], "{state}");
        assert_eq!(store.query_points(&points("m")).await.expect(state).points.len(), 1, "{state}");
        let metrics = store.metrics(&scope(), TimeRange::default()).await.expect(state);
        assert_eq!(metrics[0].points, 1, "{state}");
        let projects = store.project_activity(workspace(1), at(0)).await.expect(state);
        assert_eq!(projects.iter().map(|of| of.project_id).collect::<Vec<_>>(), [project(2)], "{state}");
        store.flush().await.expect(state);
    }
    assert_eq!(store.deletion_state().dropped, 8);
}

/// A trace of which only log records came.
pub async fn records_without_runs_are_deleted_with_their_trace(store: &dyn RunStore) {
    store.write_logs(vec![of_trace(5, 1), of_trace(6, 2)]).await.expect("writes");
    store.flush().await.expect("flushes");
    store.write_logs(vec![of_trace(5, 3)]).await.expect("writes");
    let deleted = delete_trace(store, 5).await;
    assert_eq!(deleted, Deleted { traces: 1, runs: 0, log_records: 2, metric_points: 0 });
    assert_eq!(all_logs(store, &logs()).await.len(), 1);
    store.write(two_runs(5)).await.expect("writes");
    assert!(listed(store).await.is_empty());
}

/// Whole traces by when the server last heard of them; records by when it received them.
pub async fn what_was_received_long_ago_is_deleted(store: &dyn RunStore) {
    let mut runs: Vec<Run> = (1..=3).flat_map(two_runs).collect();
    for (idx, run) in runs.iter_mut().enumerate() {
        run.received_at = at(1_000 * i64::try_from(idx).expect("small"));
        run.versions = Versions::all(Version::new(Rank::Span, run.received_at));
    }
    // One that came first of all and has just ended, and one whose clock is wrong.
    let mut lasting = run(4, 40, |run| run.received_at = at(0));
    lasting.versions = Versions::all(Version::new(Rank::Span, at(0)));
    let mut ended = lasting.clone();
    ended.end_time = Some(at(5_000));
    ended.versions = Versions::all(Version::new(Rank::Native, at(5_000)));
    let mut ahead = run(5, 50, |run| run.received_at = at(0));
    ahead.versions = Versions::all(Version::new(Rank::NativeEnd, at(1_000_000_000)));
    runs.extend([lasting, ended, ahead]);
    write_scattered(store, runs).await;
    let received = |seconds: i32, number| LogRecord {
        received_at: at(1_000 * i64::from(seconds)),
        ..of_trace(number, 1)
    };
    let alone =
        |seconds: i64| LogRecord { trace_id: None, received_at: at(1_000 * seconds), ..log(seconds, "") };
    store.write_logs(vec![received(9, 1), received(9, 3), alone(1), alone(9)]).await.expect("writes");
    let early = MetricPoint { received_at: at(1_000), ..point("m", 1, 1) };
    store.write_points(vec![early, point("m", 2, 1)]).await.expect("writes");
    let before = DeletionTarget::ReceivedBefore(at(3_000));
    assert!(store.delete(&deletion(before.clone())).await.is_err(), "it must name its projects");
    let retention = Deletion { scope: in_project(1), ..deletion(before) };
    let deleted = delete(store, &retention).await;
    assert_eq!(deleted, Deleted { traces: 2, runs: 3, log_records: 2, metric_points: 1 });
    for state in ["in memory", "flushed"] {
        assert_eq!(listed(store).await, [2, 3, 4], "{state}: a trace is as young as the last word on it");
        assert_eq!(all_logs(store, &logs()).await.len(), 2, "{state}");
        assert_eq!(store.query_points(&points("m")).await.expect(state).points.len(), 1, "{state}");
        store.flush().await.expect(state);
    }
    assert_eq!(delete(store, &retention).await, Deleted::default());
}

/// What began in a time is deleted; a trace began with its first run, however long before the others that was.
pub async fn a_trace_is_as_old_as_its_first_run(store: &dyn RunStore) {
    const HOUR: i64 = 3_600_000;
    let at_hour = |number, id, hour| run(number, id, |run| run.start_time = Some(at(hour * HOUR)));
    let mut child = at_hour(1, 11, 1);
    child.parent_run_id = Some(run_id(10));
    write_scattered(store, vec![at_hour(1, 10, 30), child, at_hour(2, 20, 30)]).await;
    for state in ["in memory", "flushed"] {
        let since = TimeRange { from: Some(at(20 * HOUR)), to: None };
        let newer = deletion(DeletionTarget::Matching(since, None));
        let counts = store.preview_deletion(&newer).await.expect(state);
        assert_eq!((counts.traces, counts.runs), (1, 1), "{state}");
        store.flush().await.expect(state);
    }
    let since = TimeRange { from: Some(at(HOUR)), to: Some(at(2 * HOUR)) };
    let older = delete(store, &deletion(DeletionTarget::Matching(since, None))).await;
    assert_eq!((older.traces, older.runs), (1, 2));
    assert_eq!(listed(store).await, [2]);
}

/// Until about so many bytes are freed.
pub async fn the_oldest_traces_are_deleted_first(store: &dyn RunStore) {
    let mut runs: Vec<Run> = (1..=3).flat_map(two_runs).collect();
    for (idx, run) in runs.iter_mut().enumerate() {
        run.received_at = at(10_000 - 1_000 * i64::try_from(idx).expect("small"));
    }
    store.write(runs).await.expect("writes");
    store.flush().await.expect("flushes");
    let nothing = deletion(DeletionTarget::Oldest { bytes: 0 });
    assert_eq!(delete(store, &nothing).await, Deleted::default());
    let one = Deletion { scope: in_project(1), ..deletion(DeletionTarget::Oldest { bytes: 1 }) };
    assert_eq!(delete(store, &one).await.traces, 1);
    assert_eq!(listed(store).await, [1, 2]);
    let all = Deletion { scope: in_project(1), ..deletion(DeletionTarget::Oldest { bytes: u64::MAX }) };
    assert_eq!(delete(store, &all).await.traces, 2);
    assert!(listed(store).await.is_empty());
}

/// Runs that were read before the deletion and are put back after it.
pub async fn replacing_brings_nothing_deleted_back(store: &dyn RunStore) {
    three_traces(store).await;
    let mut read = store.load_trace(&scope(), trace(2)).await.expect("loads");
    read.extend(store.load_trace(&scope(), trace(3)).await.expect("loads"));
    delete_trace(store, 2).await;
    for run in &mut read {
        run.name = Some("new".to_owned());
    }
    let mut left = store.replace(read.clone()).await.expect("replaces");
    left.sort();
    assert_eq!(left, [read[0].key, read[1].key]);
    store.flush().await.expect("flushes");
    assert_eq!(listed(store).await, [1, 3]);
    let names = store.load_trace(&scope(), trace(3)).await.expect("loads");
    assert!(names.iter().all(|run| run.name.as_deref() == Some("new")));
}

/// What is not there is not remembered either.
pub async fn deleting_nothing_is_no_error(store: &dyn RunStore) {
    assert_eq!(delete_trace(store, 1).await, Deleted::default());
    assert_eq!(delete(store, &deletion(DeletionTarget::Traces(Vec::new()))).await, Deleted::default());
    let range = TimeRange { from: Some(at(0)), to: Some(at(0)) };
    assert_eq!(delete(store, &deletion(DeletionTarget::Matching(range, None))).await, Deleted::default());
    assert_eq!(store.deletion_state().tombstones, 0);
    let backwards = Deletion { forget_at: at(0), ..deletion(DeletionTarget::Traces(vec![trace(1)])) };
    assert!(store.delete(&backwards).await.is_err(), "it would be forgotten before it is made");
    store.flush().await.expect("flushes");
    store.write(two_runs(1)).await.expect("writes");
    let selection = Selection { scope: in_project(1), ..everything() };
    assert_eq!(all_traces(store, &newest(selection)).await.len(), 1);
}

/// Deleted rows go from the disk; what is left reads as before.
pub async fn a_purge_changes_nothing_that_is_readable(store: &dyn RunStore) {
    three_traces(store).await;
    store.write_points(vec![point("m", 1, 1)]).await.expect("writes");
    store.flush().await.expect("flushes");
    delete_trace(store, 2).await;
    let before = store.load_trace(&scope(), trace(3)).await.expect("loads");
    for _ in 0..2 {
        store.purge(&[]).await.expect("purges");
        assert_eq!(listed(store).await, [1, 3]);
        assert_eq!(store.load_trace(&scope(), trace(3)).await.expect("loads"), before);
        assert_eq!(all_logs(store, &logs()).await.len(), 2);
        assert_eq!(store.query_points(&points("m")).await.expect("reads").points.len(), 1);
        assert_eq!(store.deletion_state().unpurged_since, None);
        // Purged or not: what comes late stays dead.
        store.write(two_runs(2)).await.expect("writes");
        store.write_logs(vec![of_trace(2, 9)]).await.expect("writes");
    }
    assert_eq!((listed(store).await, all_logs(store, &logs()).await.len()), (vec![1, 3], 2));
}

/// What was said goes, what happened stays.
pub async fn old_payloads_are_removed(store: &dyn RunStore) {
    let mut runs: Vec<Run> = (1..=2).flat_map(two_runs).collect();
    for run in &mut runs {
        run.inputs = message("user", "secret");
        run.outputs = message("assistant", "secret");
        run.attributes.insert("secret".to_owned(), json("1"));
        run.metadata.insert("plan".to_owned(), json("1"));
    }
    runs[0].received_at = at(1_000);
    write_scattered(store, runs.clone()).await;
    let of = |number| PayloadExpiry {
        workspace_id: workspace(1),
        project_id: project(number),
        received_before: at(2_000),
    };
    assert_eq!(store.purge(&[of(2)]).await.expect("purges").rows_stripped, 0, "another project");
    assert_eq!(store.purge(&[of(1)]).await.expect("purges").rows_stripped, 1);
    runs[0].inputs = clearspan_model::Payload::default();
    runs[0].outputs = clearspan_model::Payload::default();
    runs[0].attributes.clear();
    let read = store.load_trace(&scope(), trace(1)).await.expect("loads");
    assert_eq!(read, runs[..2]);
    let skeleton = store.load_skeleton(&scope(), trace(1)).await.expect("loads");
    assert_eq!((&skeleton[0].input_preview, &skeleton[0].output_preview), (&None, &None));
    assert!(skeleton[1].input_preview.is_some());
    let stats = store.stats(Unit::Runs, &everything()).await.expect("counts");
    assert_eq!((stats.count, stats.total_tokens), (4, 30), "figures stay");
}
