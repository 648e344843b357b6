//! What is asked of runs without their content: where the runs of spans are, and their events.

use clearspan_model::{Rank, Run, RunEvent, RunKey, SpanId, Version, Versions, WorkspaceId};

use crate::testing::build::{at, bare, number_of, project, run, scope, trace};
use crate::{RunOfSpan, RunStore, Scope};

fn span(number: u8) -> SpanId {
    SpanId::from_bytes([number; 8])
}

/// What a log record tells of a span whose run nobody knows yet.
fn of_log(id: u32, span_id: SpanId) -> Run {
    let mut run = bare(1, id);
    run.versions = Versions::all(Version::new(Rank::Log, at(0)));
    run.received_at = at(0);
    run.span_id = Some(span_id);
    run
}

fn sorted(mut found: Vec<RunOfSpan>) -> Vec<RunOfSpan> {
    found.sort_unstable();
    found
}

/// They are found by the span, whatever run it says it is, in every project of the scope, and say whether the span has come.
pub async fn runs_are_found_by_their_spans(store: &dyn RunStore) {
    let of_log_only = of_log(1, span(1));
    let mut elsewhere = run(1, 2, |run| run.span_id = Some(span(1)));
    elsewhere.key.project_id = project(2);
    let early = run(1, 3, |run| {
        run.span_id = Some(span(1));
        run.start_time = Some(at(-1));
    });
    let other_trace = run(2, 4, |run| run.span_id = Some(span(1)));
    let mut later = of_log(6, span(2));
    let found_of = |key: RunKey, number: u8, has_span| RunOfSpan { span_id: span(number), key, has_span };
    let mut expected = vec![
        found_of(of_log_only.key, 1, false),
        found_of(elsewhere.key, 1, true),
        found_of(later.key, 2, false),
    ];
    expected.sort_unstable();
    let nobodys = run(1, 5, |_| {});
    store
        .write(vec![of_log_only, elsewhere, early, other_trace, nobodys, later.clone()])
        .await
        .expect("writes");
    let look = async |scope: Scope| {
        let found = store.runs_of_spans(&scope, trace(1), &[span(1), span(2), span(9)], at(0)).await;
        sorted(found.expect("finds"))
    };
    for state in ["in memory", "flushed"] {
        assert_eq!(look(scope()).await, expected, "{state}");
        let one = Scope { project_ids: Some(vec![project(2)]), ..scope() };
        assert_eq!(look(one).await, [expected[1]], "{state}");
        assert_eq!(store.runs_of_spans(&scope(), trace(1), &[], at(0)).await.expect(state), [], "{state}");
        store.flush().await.expect(state);
    }
    // The span comes.
    later.versions = Versions::all(Version::new(Rank::Span, at(0)));
    later.name = Some("chat".to_owned());
    store.write(vec![later]).await.expect("writes");
    let has_come =
        |found: Vec<RunOfSpan>| found.iter().find(|run| run.span_id == span(2)).map(|run| run.has_span);
    for state in ["late", "flushed"] {
        assert_eq!(has_come(look(scope()).await), Some(true), "{state}");
        store.flush().await.expect(state);
    }
}

/// Traces of which records told something that no span has confirmed, of every workspace, and no older ones.
pub async fn traces_without_span_are_found(store: &dyn RunStore) {
    let told = |trace: u32, id: u32| Run { key: bare(trace, id).key, ..of_log(id, span(1)) };
    let mut foreign = told(2, 2);
    foreign.key.workspace_id = WorkspaceId::from_bytes([9; 16]);
    let old = Run { received_at: at(-2), ..told(3, 3) };
    let confirmed = told(4, 4);
    let mut nobodys = told(5, 5);
    nobodys.span_id = None;
    let whole = run(6, 6, |run| run.span_id = Some(span(1)));
    let mut confirming = confirmed.clone();
    confirming.versions = Versions::all(Version::new(Rank::Span, at(0)));
    let mut expected = vec![(scope().workspace_id, trace(1)), (foreign.key.workspace_id, trace(2))];
    expected.sort_unstable();
    let all = vec![told(1, 1), told(1, 7), foreign, old, confirmed, nobodys, whole];
    store.write(all).await.expect("writes");
    store.write(vec![confirming]).await.expect("writes");
    for state in ["in memory", "flushed"] {
        let mut found = store.traces_without_span(at(-1), 10).await.expect(state);
        found.sort_unstable();
        assert_eq!(found, expected, "{state}");
        assert_eq!(store.traces_without_span(at(-1), 1).await.expect(state).len(), 1, "{state}");
        assert_eq!(store.traces_without_span(at(1), 10).await.expect(state), [], "{state}");
        store.flush().await.expect(state);
    }
}

/// Those of all runs of a trace, by run, and nothing of other traces and projects.
pub async fn events_of_a_trace_come_in_one_go(store: &dyn RunStore) {
    let event = |name: &str| RunEvent {
        time: at(5),
        name: name.to_owned(),
        attributes: [("key".to_owned(), clearspan_model::JsonText::from_string(name))].into(),
    };
    let with = |trace: u32, id: u32, names: &[&str]| {
        run(trace, id, |run| run.events = names.iter().map(|name| event(name)).collect())
    };
    let mut foreign = with(1, 4, &["foreign"]);
    foreign.key.project_id = project(2);
    let runs = vec![
        with(1, 3, &["late"]),
        with(1, 1, &["a", "b"]),
        with(1, 2, &[]),
        with(2, 5, &["other"]),
        foreign,
    ];
    store.write(runs).await.expect("writes");
    let of_one = Scope { project_ids: Some(vec![project(1)]), ..scope() };
    for state in ["in memory", "flushed"] {
        let found = store.load_events(&of_one, trace(1)).await.expect(state);
        let found: Vec<_> = found.into_iter().map(|(key, events)| (number_of(key.run_id), events)).collect();
        assert_eq!(found, [(1, vec![event("a"), event("b")]), (3, vec![event("late")])], "{state}");
        assert_eq!(store.load_events(&of_one, trace(9)).await.expect(state), [], "{state}");
        assert_eq!(store.load_events(&scope(), trace(1)).await.expect(state).len(), 3, "{state}");
        store.flush().await.expect(state);
    }
}
