use proptest::prelude::*;

use super::*;
use crate::{
    Fragment, IssueKind, MapIssue, Payload, ProjectId, RunEvent, RunId, RunKey, RunType, Side, Status,
    TraceId, Usage, WorkspaceId,
};

fn key() -> RunKey {
    RunKey {
        workspace_id: WorkspaceId::NIL,
        project_id: ProjectId::NIL,
        trace_id: TraceId::from_bytes([1; 16]),
        run_id: RunId::from_bytes([2; 16]),
    }
}

fn small_text() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        Just(Some("a".to_owned())),
        Just(Some("b".to_owned())),
        Just(Some("c".to_owned()))
    ]
}

fn small_json() -> impl Strategy<Value = Option<JsonText>> {
    small_text().prop_map(|text| text.map(|t| JsonText::from_string(&t)))
}

fn small_map() -> impl Strategy<Value = BTreeMap<String, JsonText>> {
    proptest::collection::btree_map(
        prop_oneof![Just("k1".to_owned()), Just("k2".to_owned()), Just("k3".to_owned())],
        prop_oneof![Just(JsonText::from_string("x")), Just(JsonText::from_string("y"))],
        0..3,
    )
}

fn small_times() -> impl Strategy<Value = Option<UnixNanos>> {
    proptest::option::of((0i64..4).prop_map(UnixNanos::from_nanos))
}

prop_compose! {
    fn any_payload()(messages in proptest::collection::vec(small_json(), 0..3), rest in small_json()) -> Payload {
        Payload { messages: messages.into_iter().flatten().collect(), rest }
    }
}

prop_compose! {
    fn any_sets()(tags in proptest::collection::btree_set("[ab]", 0..3),
                  times in proptest::collection::btree_set(0i64..3, 0..3),
                  fragment in small_json()) -> (Vec<String>, Vec<RunEvent>, Vec<Fragment>, Vec<MapIssue>) {
        let events = times.iter().map(|t| RunEvent {
            time: UnixNanos::from_nanos(*t), name: "e".into(), attributes: BTreeMap::new(),
        }).collect();
        let fragments = fragment.into_iter().map(|message| Fragment {
            side: Side::Input, time: UnixNanos::from_nanos(1), index: 0, message,
        }).collect();
        let issues = tags.iter().map(|field| MapIssue {
            kind: IssueKind::Repaired, field: field.clone(), message: String::new(),
        }).collect();
        (tags.into_iter().collect(), events, fragments, issues)
    }
}

prop_compose! {
    fn any_patch()(rank in prop_oneof![Just(Rank::Log), Just(Rank::Span), Just(Rank::Native)],
                   said_at in 0i64..3, received in 0i64..3,
                   name in small_text(), error in small_text(), model in small_text(),
                   status in proptest::option::of(prop_oneof![Just(Status::Pending), Just(Status::Success), Just(Status::Error)]),
                   times in (small_times(), small_times()),
                   inputs in any_payload(), outputs in any_payload(), sets in any_sets(),
                   metadata in small_map(), attributes in small_map(),
                   tokens in proptest::option::of(0u64..3)) -> Run {
        let mut run = Run::new(key(), UnixNanos::from_nanos(received));
        run.versions = Versions::all(Version::new(rank, UnixNanos::from_nanos(said_at * 1_000)));
        run.name = name;
        run.error = error;
        if model.is_some() {
            run.sources.note("model", if matches!(rank, Rank::Log) { "log:a" } else { "b" });
        }
        run.invocation_params = model.as_ref().map(|model| JsonText::from_trusted(format!("{{\"{model}\":1,\"x\":{said_at}}}")));
        run.model = model;
        run.status = status;
        run.run_type = tokens.map(|_| RunType::Llm);
        (run.start_time, run.end_time) = times;
        run.inputs = inputs;
        run.outputs = outputs;
        (run.tags, run.events, run.fragments, run.issues) = sets;
        run.metadata = metadata;
        run.attributes = attributes;
        run.usage = tokens.map(|t| Usage { input_tokens: Some(t), ..Usage::default() });
        run
    }
}

fn joined(mut left: Run, right: &Run) -> Run {
    left.merge(right.clone());
    left
}

proptest! {
    #[test]
    fn merging_is_commutative(a in any_patch(), b in any_patch()) {
        prop_assert_eq!(joined(a.clone(), &b), joined(b, &a));
    }

    #[test]
    fn merging_is_associative(a in any_patch(), b in any_patch(), c in any_patch()) {
        prop_assert_eq!(joined(joined(a.clone(), &b), &c), joined(a, &joined(b, &c)));
    }

    #[test]
    fn merging_is_idempotent(a in any_patch(), b in any_patch()) {
        prop_assert_eq!(joined(a.clone(), &a), a.clone());
        let both = joined(a, &b);
        prop_assert_eq!(joined(both.clone(), &b), both.clone());
        prop_assert_eq!(joined(both.clone(), &both), both);
    }
}

#[test]
fn a_weaker_source_fills_gaps_and_never_overwrites() {
    let mut span = Run::new(key(), UnixNanos::from_nanos(5));
    span.versions = Versions::all(Version::new(Rank::Span, UnixNanos::from_nanos(1_000)));
    span.model = Some("from-span".into());
    let mut log = Run::new(key(), UnixNanos::from_nanos(9));
    log.versions = Versions::all(Version::new(Rank::Log, UnixNanos::from_nanos(900_000)));
    log.model = Some("from-log".into());
    log.provider = Some("openai".into());
    span.merge(log);
    assert_eq!(span.model.as_deref(), Some("from-span"));
    assert_eq!(span.provider.as_deref(), Some("openai"));
    assert_eq!(span.received_at, UnixNanos::from_nanos(5));
}

#[test]
fn an_end_that_overtakes_its_start_stays_ended() {
    let mut end = Run::new(key(), UnixNanos::from_nanos(1));
    end.status = Some(Status::Success);
    end.end_time = Some(UnixNanos::from_nanos(8));
    let mut start = Run::new(key(), UnixNanos::from_nanos(2));
    start.status = Some(Status::Pending);
    start.start_time = Some(UnixNanos::from_nanos(3));
    end.merge(start);
    assert_eq!(end.effective_status(), Status::Success);
    assert_eq!(end.start_time, Some(UnixNanos::from_nanos(3)));
}
