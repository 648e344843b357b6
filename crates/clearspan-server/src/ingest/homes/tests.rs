use clearspan_model::{Rank, Version, Versions};
use clearspan_store::memory::MemoryStore;

use super::*;

const DAY: i64 = LOOK_BACK_NANOS;

fn at(nanos: i64) -> UnixNanos {
    UnixNanos::from_nanos(nanos)
}

fn span(trace: u128, project: u8, own_id: bool) -> SpanAt {
    let span_id = SpanId::from_bytes([5; 8]);
    let key = RunKey {
        workspace_id: WorkspaceId::from_bytes([1; 16]),
        project_id: ProjectId::from_bytes([project; 16]),
        trace_id: TraceId::from_bytes(trace.to_be_bytes()),
        run_id: if own_id { RunId::from_bytes([9; 16]) } else { RunId::from_span_id(span_id) },
    };
    let mut run = Run::new(key, at(0));
    run.span_id = Some(span_id);
    SpanAt::of(&run).unwrap()
}

#[test]
fn records_look_while_spans_go_elsewhere() {
    let started = at(0);
    let recent = Recent { started_at: started, last: Mutex::default() };
    let (here, there, own) = (span(1, 1, false).place, span(1, 2, false).place, span(1, 1, true).place);
    assert!(recent.elsewhere(here, at(DAY)), "what was before the start is not known");
    let now = at(DAY + 1);
    assert!(!recent.elsewhere(here, now));
    recent.note(here, now);
    assert!(!recent.elsewhere(here, now), "all go to one place");
    for other in [there, own] {
        recent.note(other, now);
        assert!(recent.elsewhere(here, now));
        recent.last.lock().remove(&other);
    }
    recent.note(there, now);
    assert!(!recent.elsewhere(here, at(2 * DAY + 2)), "a day ago");
}

#[test]
fn spans_that_began_before_the_start_look() {
    let recent = Recent { started_at: at(DAY), last: Mutex::default() };
    let began = |nanos: i64| SpanAt { time: at(nanos), ..span(1, 1, false) };
    assert!(recent.may_have_records_from_before(&began(DAY - 1), at(DAY + 5)));
    assert!(!recent.may_have_records_from_before(&began(DAY), at(DAY + 5)), "the memory knows");
    assert!(!recent.may_have_records_from_before(&began(4), at(DAY + 5)), "a day ago");
}

#[test]
fn only_spans_look_of_traces_with_records_from_before() {
    let trace = (WorkspaceId::from_bytes([1; 16]), span(1, 1, false).key.trace_id);
    let before = FromBefore::Of([trace].into_iter().collect());
    assert!(before.may_hold(&span(1, 2, false)), "in another project");
    assert!(!before.may_hold(&span(2, 1, false)), "another trace");
    let mut foreign = span(1, 1, false);
    foreign.key.workspace_id = WorkspaceId::from_bytes([2; 16]);
    assert!(!before.may_hold(&foreign), "another workspace");
    assert!(FromBefore::TooMany.may_hold(&foreign), "nobody knows");
}

#[test]
fn spans_look_when_records_of_their_trace_went_elsewhere() {
    let waiting = Waiting::default();
    let looks = |span: SpanAt| !waiting.with_some_elsewhere(vec![span]).is_empty();
    assert!(!looks(span(1, 1, false)));
    waiting.note(span(1, 1, false));
    assert!(!looks(span(1, 1, false)), "the same place");
    assert!(looks(span(1, 2, false)) && looks(span(1, 1, true)));
    assert!(!looks(span(2, 2, false)), "another trace");
    waiting.note(span(1, 2, false));
    assert!(looks(span(1, 1, false)) && looks(span(1, 2, false)), "two places");
}

#[test]
fn the_latest_traces_are_remembered() {
    let waiting = Waiting::default();
    let looks = |trace: u128| !waiting.with_some_elsewhere(vec![span(trace, 2, false)]).is_empty();
    let count = 2 * MAX_TRACES as u128 + 10;
    for trace in 0..count {
        waiting.note(span(trace, 1, false));
    }
    assert!(looks(count - 1) && looks(count - MAX_TRACES as u128));
    assert!(!looks(0));
    let Generations { young, old } = &*waiting.generations.lock();
    assert!(young.len() <= MAX_TRACES && old.len() <= MAX_TRACES);
}

/// A run of a span, or of a record of it, in a project.
fn run_of(project: u8, rank: Rank, time: i64) -> Run {
    let mut run = Run::new(span(1, project, false).key, at(time));
    run.span_id = Some(SpanId::from_bytes([5; 8]));
    run.versions = Versions::all(Version::new(rank, at(time)));
    run
}

/// The process began after a record came, and then comes the span.
async fn restarted() -> (Arc<Homes>, SpanAt) {
    let store = Arc::new(MemoryStore::new(Arc::new(|_: &mut Run| {})));
    let (record, span) = (run_of(1, Rank::Log, DAY), run_of(2, Rank::Span, DAY));
    store.write(vec![record, span.clone()]).await.unwrap();
    (Arc::new(Homes::new(store, at(DAY + 10))), SpanAt::of(&span).unwrap())
}

#[tokio::test]
async fn spans_take_over_what_was_told_before_the_start() {
    let (homes, span) = restarted().await;
    homes.prepare().await;
    assert!(matches!(homes.from_before.get(), Some(FromBefore::Of(traces)) if traces.len() == 1));
    let told = homes.told_before(vec![span], at(DAY + 20)).await.unwrap();
    assert_eq!(told.iter().map(|run| run.key).collect::<Vec<_>>(), [span.key]);
    let of_today = SpanAt { time: at(DAY + 11), ..span };
    assert_eq!(homes.told_before(vec![of_today], at(DAY + 20)).await.unwrap(), []);
}

#[tokio::test]
async fn spans_look_by_themselves_while_the_store_has_not_answered() {
    let (homes, span) = restarted().await;
    let asking = Arc::clone(&homes);
    let stuck = crate::task::spawn("look back", async move {
        asking.from_before.get_or_init(std::future::pending).await;
    });
    tokio::task::yield_now().await;
    let told = homes.told_before(vec![span], at(DAY + 20)).await.unwrap();
    assert_eq!(told.iter().map(|run| run.key).collect::<Vec<_>>(), [span.key]);
    assert!(homes.from_before.get().is_none(), "still nothing is known");
    stuck.abort();
    assert!(matches!(homes.known_from_before().await.unwrap(), Some(FromBefore::Of(_))), "asks by itself");
}
