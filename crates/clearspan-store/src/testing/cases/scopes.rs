//! Nothing crosses a project or a workspace unless the scope says so.

use clearspan_model::{ProjectId, Run, UnixNanos};

use crate::testing::build::{
    all_runs, all_traces, at, everything, newest, project, run, run_id, scope, set_llm, trace, workspace,
};
use crate::{FacetField, FacetQuery, HistogramQuery, RunStore, Scope, Selection, Unit};

fn of_project(number: u8) -> Scope {
    Scope { workspace_id: workspace(1), project_ids: Some(vec![project(number)]) }
}

fn named(workspace_number: u8, project_number: u8, name: &str) -> Run {
    run(1, 1, |run| {
        run.key.workspace_id = workspace(workspace_number);
        run.key.project_id = project(project_number);
        run.name = Some(name.to_owned());
        set_llm(run, name, (1, 1), "0.5");
    })
}

async fn names(store: &dyn RunStore, scope: &Scope) -> Vec<(ProjectId, Option<String>)> {
    let runs = store.load_runs(scope, &[trace(1)], &[run_id(1)]).await.expect("loads");
    let mut names: Vec<_> = runs.into_iter().map(|run| (run.key.project_id, run.name)).collect();
    names.sort();
    names
}

/// The same trace in two projects is two traces.
pub async fn equal_ids_in_two_projects_stay_apart(store: &dyn RunStore) {
    store.write(vec![named(1, 1, "one"), named(1, 2, "two")]).await.expect("writes");
    for _ in 0..2 {
        let (one, two) = ((project(1), Some("one".to_owned())), (project(2), Some("two".to_owned())));
        assert_eq!(names(store, &of_project(1)).await, std::slice::from_ref(&one));
        assert_eq!(names(store, &of_project(2)).await, std::slice::from_ref(&two));
        assert_eq!(names(store, &scope()).await, [one, two]);
        assert_eq!(store.load_skeleton(&of_project(2), trace(1)).await.expect("loads").len(), 1);
        assert_eq!(store.load_skeleton(&scope(), trace(1)).await.expect("loads").len(), 2);
        let traces = all_traces(store, &newest(everything())).await;
        assert_eq!(traces.iter().map(|trace| trace.run_count).collect::<Vec<_>>(), [1, 1]);
        assert_eq!(traces[0].models.len(), 1, "a trace knows only its own runs");
        assert_eq!(store.stats(Unit::Traces, &everything()).await.expect("counts").count, 2);
        store.flush().await.expect("flushes");
    }
}

/// The same ids in two workspaces are two runs that never meet.
pub async fn equal_ids_in_two_workspaces_stay_apart(store: &dyn RunStore) {
    store.write(vec![named(1, 1, "ours"), named(2, 1, "theirs")]).await.expect("writes");
    for _ in 0..2 {
        assert_eq!(names(store, &scope()).await, [(project(1), Some("ours".to_owned()))]);
        let theirs = Scope { workspace_id: workspace(2), project_ids: None };
        assert_eq!(names(store, &theirs).await, [(project(1), Some("theirs".to_owned()))]);
        store.flush().await.expect("flushes");
    }
}

/// Span ids are unique per trace only.
pub async fn equal_run_ids_in_two_traces_stay_apart(store: &dyn RunStore) {
    let runs =
        vec![run(1, 1, |_| ()), run(2, 1, |_| ()), run(2, 2, |run| run.parent_run_id = Some(run_id(1)))];
    store.write(runs).await.expect("writes");
    for _ in 0..2 {
        assert_eq!(store.load_runs(&scope(), &[], &[run_id(1)]).await.expect("loads").len(), 2);
        let of_one = store.load_runs(&scope(), &[trace(2)], &[run_id(1), run_id(1)]).await.expect("loads");
        assert_eq!(of_one.iter().map(|run| run.key.trace_id).collect::<Vec<_>>(), [trace(2)]);
        let traces = all_traces(store, &newest(everything())).await;
        assert_eq!(traces.iter().map(|trace| trace.run_count).collect::<Vec<_>>(), [1, 2]);
        store.flush().await.expect("flushes");
    }
}

/// Runs outside the scope are not found, counted, listed or loaded by any read.
pub async fn no_read_leaves_its_scope(store: &dyn RunStore) {
    store
        .write(vec![named(1, 1, "mine"), named(1, 2, "other"), named(2, 1, "foreign")])
        .await
        .expect("writes");
    let nowhere = Scope { workspace_id: workspace(1), project_ids: Some(Vec::new()) };
    for _ in 0..2 {
        check_scope(store, of_project(1), 1).await;
        check_scope(store, of_project(3), 0).await;
        check_scope(store, nowhere.clone(), 0).await;
        check_scope(store, Scope { workspace_id: workspace(3), project_ids: None }, 0).await;
        check_scope(store, Scope { workspace_id: workspace(2), project_ids: Some(vec![project(2)]) }, 0)
            .await;
        let activity = store.project_activity(workspace(1), UnixNanos::default()).await.expect("tells");
        let mut projects: Vec<_> =
            activity.iter().map(|project| (project.project_id, project.trace_count)).collect();
        projects.sort();
        assert_eq!(projects, [(project(1), 1), (project(2), 1)]);
        store.flush().await.expect("flushes");
    }
    assert_eq!(store.project_activity(workspace(3), at(0)).await.expect("tells"), []);
}

async fn check_scope(store: &dyn RunStore, scope: Scope, expected: usize) {
    let selection = Selection { scope: scope.clone(), ..everything() };
    assert_eq!(store.load_runs(&scope, &[], &[run_id(1)]).await.expect("loads").len(), expected);
    assert_eq!(store.load_trace(&scope, trace(1)).await.expect("loads").len(), expected);
    assert_eq!(store.load_skeleton(&scope, trace(1)).await.expect("loads").len(), expected);
    assert_eq!(all_runs(store, &newest(selection.clone())).await.len(), expected);
    assert_eq!(all_traces(store, &newest(selection.clone())).await.len(), expected);
    for unit in [Unit::Runs, Unit::Traces] {
        let count = store.stats(unit, &selection).await.expect("counts").count;
        assert_eq!(count, expected as u64);
    }
    let facet = FacetQuery { selection: selection.clone(), field: FacetField::Name, limit: 9 };
    assert_eq!(store.facet(&facet).await.expect("counts").len(), expected);
    let histogram = HistogramQuery { selection, buckets: 3 };
    let buckets = store.histogram(&histogram).await.expect("counts").buckets;
    assert_eq!(buckets.iter().map(|bucket| bucket.ok).sum::<u64>(), expected as u64);
}
