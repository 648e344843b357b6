//! What is written is read back: merged, whole, and at once.

use std::collections::{BTreeMap, BTreeSet};

use clearspan_model::{
    Cost, CostSource, Decimal, Fragment, IssueKind, Link, MapIssue, Payload, Run, RunEvent, RunType, Side,
    SpanId, Status, UnixNanos, Usage,
};

use crate::testing::build::{
    all_runs, all_traces, at, bare, everything, json, message, newest, number_of, run, run_id, scope,
    set_cost, set_llm, trace, version, workspace,
};
use crate::{FacetField, FacetQuery, HistogramQuery, RunStore, Unit};

async fn write(store: &dyn RunStore, patches: Vec<Run>) {
    store.write(patches).await.expect("a healthy store accepts patches");
}

async fn load(store: &dyn RunStore, like: &Run) -> Run {
    let found = store.load_runs(&scope(), &[like.key.trace_id], &[like.key.run_id]).await;
    let mut found = found.expect("a healthy store reads");
    assert_eq!(found.len(), 1, "exactly one run has this id");
    found.remove(0)
}

/// Reads a run back before and after a flush.
async fn check_round_trip(store: &dyn RunStore, run: Run) {
    write(store, vec![run.clone()]).await;
    assert_eq!(load(store, &run).await, run, "from memory");
    store.flush().await.expect("a healthy store flushes");
    assert_eq!(load(store, &run).await, run, "from a segment");
}

/// When `write` returns, every read sees the runs.
pub async fn a_write_is_seen_by_every_read(store: &dyn RunStore) {
    let written = run(1, 1, |run| set_llm(run, "m", (3, 4), "0.5"));
    write(store, vec![written.clone()]).await;
    assert_eq!(load(store, &written).await, written);
    let anywhere = store.load_runs(&scope(), &[], &[run_id(1)]).await.expect("loads without a trace");
    assert_eq!(anywhere, std::slice::from_ref(&written));
    assert_eq!(store.load_trace(&scope(), trace(1)).await.expect("loads"), [written]);
    assert_eq!(store.load_skeleton(&scope(), trace(1)).await.expect("loads").len(), 1);
    assert_eq!(all_runs(store, &newest(everything())).await.len(), 1);
    assert_eq!(all_traces(store, &newest(everything())).await.len(), 1);
    for unit in [Unit::Runs, Unit::Traces] {
        assert_eq!(store.stats(unit, &everything()).await.expect("counts").count, 1);
    }
    let query = HistogramQuery { selection: everything(), buckets: 1 };
    assert_eq!(store.histogram(&query).await.expect("counts").buckets[0].ok, 1);
    let query = FacetQuery { selection: everything(), field: FacetField::Model, limit: 9 };
    assert_eq!(store.facet(&query).await.expect("counts"), [("m".to_owned(), 1)]);
    let activity = store.project_activity(workspace(1), at(0)).await.expect("tells");
    assert_eq!(activity.len(), 1);
    store.check_writable().expect("a healthy store is writable");
}

/// Three patches of one run that contradict each other.
fn three_patches() -> [Run; 3] {
    let begin = run(1, 1, |run| {
        run.end_time = None;
        run.tags = vec!["a".to_owned()];
        run.metadata = BTreeMap::from([("k".to_owned(), json("1")), ("only".to_owned(), json("true"))]);
        run.inputs = message("user", "hi");
        run.received_at = at(10);
    });
    let end = run(1, 1, |run| {
        run.versions = clearspan_model::Versions::all(version(2));
        run.name = Some("renamed".to_owned());
        run.start_time = None;
        run.tags = vec!["b".to_owned()];
        run.metadata = BTreeMap::from([("k".to_owned(), json("2"))]);
        run.outputs = message("assistant", "ho");
        run.received_at = at(20);
    });
    let correction = run(1, 1, |run| {
        run.versions = clearspan_model::Versions::all(version(3));
        (run.name, run.start_time, run.end_time) = (None, None, None);
        run.status = Some(Status::Error);
        run.error = Some("too late".to_owned());
        run.received_at = at(5);
    });
    [begin, end, correction]
}

/// The order of arrival never matters, nor what was flushed in between.
pub async fn patches_merge_in_any_order(store: &dyn RunStore) {
    let patches = three_patches();
    let mut expected = patches[0].clone();
    expected.merge(patches[1].clone());
    expected.merge(patches[2].clone());
    assert_eq!(expected.name.as_deref(), Some("renamed"));
    assert_eq!(expected.metadata.len(), 2);

    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    // Each way twice: with and without a flush between the patches.
    for (number, order) in (1..).zip(orders.iter().chain(&orders)) {
        for idx in order {
            let mut patch = patches[*idx].clone();
            patch.key.run_id = run_id(number);
            write(store, vec![patch]).await;
            if number > 6 {
                store.flush().await.expect("a healthy store flushes");
            }
        }
        expected.key.run_id = run_id(number);
        assert_eq!(load(store, &expected).await, expected, "in the order {order:?}");
    }
    assert_eq!(store.stats(Unit::Runs, &everything()).await.expect("counts").count, 12);
}

/// One batch may tell of a run several times.
pub async fn patches_of_one_write_merge(store: &dyn RunStore) {
    let patches = three_patches();
    write(store, patches.to_vec()).await;
    let [mut expected, end, correction] = patches;
    expected.merge(end);
    expected.merge(correction);
    assert_eq!(load(store, &expected).await, expected);
    assert_eq!(store.load_skeleton(&scope(), trace(1)).await.expect("loads").len(), 1);
}

/// Sending again is safe.
pub async fn the_same_patch_twice_changes_nothing(store: &dyn RunStore) {
    let patch = run(1, 1, |run| set_llm(run, "m", (3, 4), "0.5"));
    write(store, vec![patch.clone()]).await;
    let before = store.stats(Unit::Runs, &everything()).await.expect("counts");
    write(store, vec![patch.clone(), patch.clone()]).await;
    store.flush().await.expect("a healthy store flushes");
    write(store, vec![patch.clone()]).await;
    assert_eq!(store.stats(Unit::Runs, &everything()).await.expect("counts"), before);
    assert_eq!(load(store, &patch).await, patch);
    store.flush().await.expect("a healthy store flushes");
    assert_eq!(store.stats(Unit::Runs, &everything()).await.expect("counts"), before);
    assert_eq!(all_runs(store, &newest(everything())).await.len(), 1);
    assert_eq!(store.load_trace(&scope(), trace(1)).await.expect("loads"), [patch]);
}

/// What is on its way to a segment, or in one, still takes patches.
pub async fn a_late_patch_merges_after_a_flush(store: &dyn RunStore) {
    let [begin, end, _] = three_patches();
    let neighbour = run(1, 2, |_| ());
    write(store, vec![begin.clone(), neighbour.clone()]).await;
    for _ in 0..2 {
        store.flush().await.expect("a healthy store flushes");
    }
    write(store, vec![end.clone()]).await;
    let mut expected = begin;
    expected.merge(end);
    for state in ["hot", "flushed"] {
        assert_eq!(load(store, &expected).await, expected, "{state}");
        assert_eq!(load(store, &neighbour).await, neighbour, "{state}");
        let rows = all_runs(store, &newest(everything())).await;
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["run 2", "renamed"], "{state}");
        assert_eq!(store.load_skeleton(&scope(), trace(1)).await.expect("loads").len(), 2, "{state}");
        store.flush().await.expect("a healthy store flushes");
    }
}

/// Writers do not disturb each other, nor a flush that runs meanwhile.
pub async fn parallel_writes_lose_nothing(store: &dyn RunStore) {
    let batch = |first: u32| (first..first + 100).map(|id| run(id % 7, id, |_| ())).collect::<Vec<Run>>();
    let flushes = async {
        for _ in 0..3 {
            store.flush().await.expect("a healthy store flushes");
        }
    };
    tokio::join!(
        write(store, batch(0)),
        write(store, batch(100)),
        flushes,
        // The same runs from two sides.
        write(store, batch(150)),
        write(store, batch(200)),
    );
    let rows = all_runs(store, &newest(everything())).await;
    let ids: BTreeSet<u32> = rows.iter().map(|row| number_of(row.run_id)).collect();
    assert_eq!(rows.len(), 300);
    assert_eq!(ids, (0..300).collect());
}

/// A trace may arrive in any number of batches.
pub async fn many_runs_make_one_trace(store: &dyn RunStore) {
    for first in (1..=1_000).step_by(250) {
        let runs = (first..first + 250).map(|id| {
            run(1, id, |run| {
                run.parent_run_id = (id > 1).then(|| run_id(id / 2));
                set_llm(run, "m", (u64::from(id), 1), "0.001");
            })
        });
        write(store, runs.collect()).await;
        store.flush().await.expect("a healthy store flushes");
    }
    let rows = all_traces(store, &newest(everything())).await;
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].run_count, number_of(rows[0].root.run_id)), (1_000, 1));
    let runs = store.load_trace(&scope(), trace(1)).await.expect("loads");
    assert!(runs.iter().map(|run| number_of(run.key.run_id)).eq(1..=1_000), "in order of start");
    let wanted: Vec<_> = (1..=1_000).map(run_id).collect();
    assert_eq!(store.load_runs(&scope(), &[], &wanted).await.expect("loads").len(), 1_000);
}

/// A run with every field set.
fn full() -> Run {
    let mut full = run(1, 1, |run| {
        run.parent_run_id = Some(run_id(77));
        run.span_id = Some(SpanId::from_bytes([9; 8]));
        run.dotted_order = Some("20251009T085320000000Z0.1".to_owned());
        run.run_type = Some(RunType::Llm);
        run.status = Some(Status::Error);
        run.error = Some("RateLimitError: slow down\n  at line 1".to_owned());
        run.error_type = Some("RateLimitError".to_owned());
        run.first_token_time = Some(at(1_250));
        run.invocation_params = Some(json(r#"{"temperature":0.10,"stop":["a"]}"#));
        run.model = Some("gpt-4o".to_owned());
        run.provider = Some("openai".to_owned());
        run.thread_id = Some("t".to_owned());
        run.user_id = Some("u".to_owned());
        run.tags = vec!["a".to_owned(), "b".to_owned()];
        run.service = Some("api".to_owned());
        run.release = Some("1.2".to_owned());
        run.environment = Some("prod".to_owned());
        run.dialect = Some("openinference".to_owned());
        run.scope_name = Some("scope".to_owned());
        run.scope_version = Some("0.1".to_owned());
    });
    full.inputs = Payload {
        messages: vec![
            json(r#"{"role":"user","content":[{"type":"text","text":"hi"}]}"#),
            json(r#"{"role":"x"}"#),
        ],
        rest: Some(json(r#"{"z": 1, "a": [1.0, 1e2]}"#)),
    };
    full.outputs = Payload { rest: Some(json(r#"{"documents":[]}"#)), ..message("assistant", "ho") };
    full.usage = Some(Usage {
        input_tokens: Some(10),
        output_tokens: Some(5),
        total_tokens: Some(16),
        input_details: BTreeMap::from([("cache_read".to_owned(), 4), ("audio".to_owned(), 0)]),
        output_details: BTreeMap::from([("reasoning".to_owned(), 3)]),
    });
    full.cost = Some(Cost {
        input: Some("0.000001".parse().expect("a decimal")),
        output: Some("0.000000000002".parse().expect("a decimal")),
        total: Some("0.000001000002".parse().expect("a decimal")),
        details: BTreeMap::from([("input.cache_read".to_owned(), Decimal::new(1, 9))]),
        source: CostSource::Priced { price_id: "openai/gpt-4o@2024-08-06".to_owned() },
    });
    full.metadata = BTreeMap::from([("k".to_owned(), json(r#""v""#)), ("n".to_owned(), json("null"))]);
    full.attributes = BTreeMap::from([("a.b".to_owned(), json("[1, 2]"))]);
    full.resource = BTreeMap::from([("host.name".to_owned(), json(r#""h""#))]).into();
    full.fragments =
        vec![Fragment { side: Side::Output, time: at(5), index: 2, message: json(r#"{"role":"y"}"#) }];
    full.events =
        vec![RunEvent { time: at(6), name: "exception".to_owned(), attributes: full.attributes.clone() }];
    full.links = vec![Link {
        trace_id: trace(5),
        span_id: SpanId::from_bytes([3; 8]),
        attributes: full.resource.clone().into_map(),
    }];
    full.issues = vec![MapIssue {
        kind: IssueKind::Conflict,
        field: "gen_ai.usage".to_owned(),
        message: "two counts".to_owned(),
    }];
    full
}

/// Nothing of a run gets lost, and JSON keeps its text byte for byte.
pub async fn every_field_comes_back(store: &dyn RunStore) {
    let full = full();
    check_round_trip(store, full.clone()).await;
    let row = all_runs(store, &newest(everything())).await.remove(0);
    assert_eq!(
        (row.run_id, row.parent_run_id, row.span_id),
        (full.key.run_id, full.parent_run_id, full.span_id)
    );
    assert_eq!(
        (row.dotted_order, row.error, row.error_type),
        (full.dotted_order, full.error, full.error_type)
    );
    assert_eq!((row.run_type, row.status), (RunType::Llm, Status::Error));
    assert_eq!((row.end_time, row.first_token_time), (full.end_time, full.first_token_time));
    assert_eq!(row.received_at, full.received_at);
    assert_eq!((row.model, row.provider), (full.model, full.provider));
    assert_eq!((row.input_tokens, row.output_tokens, row.total_tokens), (Some(10), Some(5), Some(16)));
    assert_eq!((row.cache_read_tokens, row.reasoning_tokens), (Some(4), Some(3)));
    let cost = full.cost.expect("it has a cost");
    assert_eq!((row.total_cost, row.cost_source), (cost.total, cost.source));
    assert_eq!((row.thread_id, row.user_id), (full.thread_id, full.user_id));
    assert_eq!((row.environment, row.service, row.release), (full.environment, full.service, full.release));
    assert_eq!((row.tags, row.metadata), (full.tags, full.metadata));
    assert_eq!((row.input_preview.as_deref(), row.output_preview.as_deref()), (Some("hi"), Some("ho")));
}

/// A patch may hold nothing but a key.
pub async fn bare_runs_come_back(store: &dyn RunStore) {
    check_round_trip(store, bare(1, 1)).await;
    let row = all_runs(store, &newest(everything())).await.remove(0);
    assert_eq!((row.name.as_str(), row.run_type, row.status), ("unnamed", RunType::Chain, Status::Pending));
    assert_eq!((row.start_time, row.latency_nanos()), (row.received_at, None));
    assert_eq!((row.total_tokens, row.total_cost, row.cost_source), (None, None, CostSource::None));
}

/// Empty text, empty maps inside of JSON and zero are values.
pub async fn empty_values_are_not_missing_values(store: &dyn RunStore) {
    let empty = run(1, 1, |run| {
        for text in [&mut run.name, &mut run.error, &mut run.model, &mut run.thread_id, &mut run.service] {
            *text = Some(String::new());
        }
        run.tags = vec![String::new()];
        run.metadata = BTreeMap::from([(String::new(), json(r#""""#))]);
        run.inputs.rest = Some(json("{}"));
        run.outputs.rest = Some(json("null"));
        run.invocation_params = Some(json("{}"));
        run.usage = Some(Usage { input_tokens: Some(0), ..Usage::default() });
        set_cost(run, "0");
    });
    check_round_trip(store, empty).await;
    let row = all_runs(store, &newest(everything())).await.remove(0);
    assert_eq!((row.name.as_str(), row.status), ("", Status::Error));
    assert_eq!((row.input_tokens, row.output_tokens, row.total_cost), (Some(0), None, Some(Decimal::ZERO)));
}

/// Text is text, whatever the script.
pub async fn unicode_comes_back(store: &dyn RunStore) {
    let text = "Ünïcödé 日本語 🧑‍🚀 \u{0} \u{202e} e\u{301} \"quoted\" 'it' % _ \\ \n\t";
    check_round_trip(
        store,
        run(1, 1, |run| {
            run.name = Some(text.to_owned());
            run.error = Some(text.to_owned());
            run.tags = vec![text.to_owned()];
            run.metadata = BTreeMap::from([(text.to_owned(), clearspan_model::JsonText::from_string(text))]);
            run.inputs = message("user", text);
        }),
    )
    .await;
}

/// The ends of every range.
pub async fn extreme_values_come_back(store: &dyn RunStore) {
    let largest = run(1, 1, |run| {
        set_llm(run, "m", (0, 0), "100000000000000000000");
        run.usage = Some(Usage {
            input_tokens: Some(u64::MAX),
            output_tokens: Some(u64::MAX),
            total_tokens: Some(u64::MAX),
            input_details: BTreeMap::from([("cache_read".to_owned(), u64::MAX)]),
            ..Usage::default()
        });
        (run.start_time, run.end_time) = (Some(UnixNanos::from_nanos(i64::MIN)), Some(UnixNanos::MAX));
    });
    let smallest = run(2, 2, |run| {
        set_cost(run, "0.000000000001");
        (run.start_time, run.end_time) = (Some(UnixNanos::MAX), Some(UnixNanos::from_nanos(i64::MIN)));
    });
    check_round_trip(store, largest).await;
    check_round_trip(store, smallest).await;
    let rows = all_runs(store, &newest(everything())).await;
    let latencies: Vec<Option<i64>> = rows.iter().map(|row| row.latency_nanos()).collect();
    assert_eq!(latencies, [Some(0), Some(i64::MAX)]);
    let traces = all_traces(store, &newest(everything())).await;
    assert_eq!((traces[1].total_tokens, traces[1].start_time.as_nanos()), (Some(u64::MAX), i64::MIN));
    let stats = store.stats(Unit::Runs, &everything()).await.expect("counts");
    // The sum needs more digits than a decimal has; it is rounded, not lost.
    assert_eq!(stats.total_cost, "100000000000000000000".parse().expect("a decimal"));
}

/// Five megabytes in one message.
pub async fn a_huge_payload_comes_back(store: &dyn RunStore) {
    let text = "0123456789abcde\n".repeat(5 * 1024 * 64);
    let huge = run(1, 1, |run| {
        run.inputs = message("user", &text);
        run.outputs.rest = Some(clearspan_model::JsonText::from_string(&text));
    });
    check_round_trip(store, huge).await;
    let row = all_runs(store, &newest(everything())).await.remove(0);
    assert_eq!(row.input_preview.map(|preview| preview.chars().count()), Some(120));
}

/// Nothing is found where nothing is, and that is no error.
pub async fn what_is_not_there_is_not_found(store: &dyn RunStore) {
    for state in ["empty", "filled", "flushed"] {
        assert_eq!(store.load_runs(&scope(), &[trace(9)], &[run_id(1)]).await.expect(state), [], "{state}");
        assert_eq!(store.load_runs(&scope(), &[], &[run_id(9)]).await.expect(state), [], "{state}");
        assert_eq!(store.load_runs(&scope(), &[], &[]).await.expect(state), [], "{state}");
        assert_eq!(store.load_trace(&scope(), trace(9)).await.expect(state), [], "{state}");
        assert_eq!(store.load_skeleton(&scope(), trace(9)).await.expect(state), [], "{state}");
        match state {
            "empty" => {
                assert!(all_runs(store, &newest(everything())).await.is_empty());
                assert!(all_traces(store, &newest(everything())).await.is_empty());
                write(store, vec![run(1, 1, |_| ())]).await;
            }
            _ => store.flush().await.expect(state),
        }
    }
    write(store, Vec::new()).await;
    assert_eq!(store.stats(Unit::Runs, &everything()).await.expect("counts").count, 1);
}
