//! Two instrumentations that tell of one call, and the requests below it.

use clearspan_model::{JsonText, Name, Payload, Run, Status};

use crate::testing::build::{
    all_runs, all_traces, at, bare, everything, newest, number_of, run, run_id, scope, set_llm, trace,
    version,
};
use crate::{RunStore, Unit};

fn call(id: u32, scope_name: &str) -> Run {
    run(1, id, |run| {
        run.parent_run_id = Some(run_id(1));
        set_llm(run, "gpt-4o", (10, 5), "0.5");
        run.scope_name = Some(scope_name.to_owned());
        (run.start_time, run.end_time) = (Some(at(2_000)), Some(at(3_000)));
    })
}

/// (run, the one that it is a double of, whether it counts), by number.
async fn verdicts(store: &dyn RunStore) -> Vec<(u32, Option<u32>, bool)> {
    let skeleton = store.load_skeleton(&scope(), trace(1)).await.expect("loads");
    let listed = all_runs(store, &newest(everything())).await;
    let mut verdicts: Vec<_> = skeleton
        .iter()
        .map(|run| (number_of(run.run_id), run.double_of.map(number_of), run.billed.tokens))
        .collect();
    verdicts.sort_unstable();
    let mut in_lists: Vec<_> = listed
        .iter()
        .map(|run| (number_of(run.run_id), run.double_of.map(number_of), run.billed.tokens))
        .collect();
    in_lists.sort_unstable();
    assert_eq!(in_lists, verdicts, "lists and trees agree");
    verdicts
}

/// One of them counts, the other names it; whichever came first, and whether or not a flush was between them.
pub async fn of_two_tellings_of_a_call_one_counts(store: &dyn RunStore) {
    let root = run(1, 1, |run| run.end_time = Some(at(9_000)));
    store.write(vec![root, call(3, "openinference.instrumentation.openai")]).await.expect("writes");
    assert_eq!(verdicts(store).await, [(1, None, false), (3, None, true)]);
    store.flush().await.expect("flushes");
    store.write(vec![call(2, "opentelemetry.instrumentation.openai_v2")]).await.expect("writes");
    for state in ["late", "flushed"] {
        assert_eq!(
            verdicts(store).await,
            [(1, None, false), (2, None, true), (3, Some(2), false)],
            "{state}"
        );
        let traces = all_traces(store, &newest(everything())).await;
        assert_eq!((traces[0].total_tokens, traces[0].run_count), (Some(15), 3), "{state}");
        for unit in [Unit::Runs, Unit::Traces] {
            let stats = store.stats(unit, &everything()).await.expect(state);
            assert_eq!(
                (stats.total_tokens, stats.total_cost),
                (15, "0.5".parse().expect("money")),
                "{state}"
            );
        }
        store.flush().await.expect(state);
    }
    // The same instrumentation again is another call.
    store.write(vec![call(4, "openinference.instrumentation.openai")]).await.expect("writes");
    let counted = verdicts(store).await.into_iter().filter(|(_, _, counts)| *counts).count();
    assert_eq!(counted, 2);
}

/// What two instrumentations tell of a call is one call and, when it failed, one error; wherever it is counted.
pub async fn calls_and_failures_count_once(store: &dyn RunStore) {
    let refused = |id: u32, scope_name: &str| {
        let mut run = call(id, scope_name);
        (run.usage, run.cost, run.outputs) = (None, None, Payload::default());
        (run.status, run.error) = (Some(Status::Error), Some("429".to_owned()));
        (run.start_time, run.end_time) = (Some(at(4_000)), Some(at(5_000)));
        run
    };
    store
        .write(vec![run(1, 1, |run| run.end_time = Some(at(9_000))), call(2, "a"), refused(3, "a")])
        .await
        .expect("writes");
    store.flush().await.expect("flushes");
    store.write(vec![call(4, "b"), refused(5, "b")]).await.expect("writes");
    for state in ["late", "flushed"] {
        let folded: Vec<_> = verdicts(store).await.into_iter().filter_map(|(_, chosen, _)| chosen).collect();
        assert_eq!(folded, [2, 3], "{state}");
        let traces = all_traces(store, &newest(everything())).await;
        let row = &traces[0];
        assert_eq!((row.run_count, row.llm_count, row.error_count), (5, 2, 1), "{state}");
        let skeleton = store.load_skeleton(&scope(), trace(1)).await.expect(state);
        assert_eq!(skeleton.iter().filter(|run| run.counts_as_llm_call()).count(), 2, "{state}");
        assert_eq!(skeleton.iter().filter(|run| run.counts_as_error()).count(), 1, "{state}");
        let of_runs = store.stats(Unit::Runs, &everything()).await.expect(state);
        assert_eq!((of_runs.count, of_runs.double_count, of_runs.error_count), (5, 2, 1), "{state}");
        let of_traces = store.stats(Unit::Traces, &everything()).await.expect(state);
        assert_eq!((of_traces.count, of_traces.double_count, of_traces.error_count), (1, 0, 0), "{state}");
        store.flush().await.expect(state);
    }
}

/// One answer of which two instrumentations count the tokens differently: each of its figures counts once.
pub async fn one_response_is_one_call_whatever_its_tokens(store: &dyn RunStore) {
    let telling = |id: u32, scope_name: &str, tokens: u64| {
        let mut run = call(id, scope_name);
        set_llm(&mut run, "gpt-4o", (10, tokens), "0.5");
        run.metadata.insert("response_id".to_owned(), JsonText::from_string("msg_1"));
        run
    };
    store.write(vec![telling(2, "a", 5), telling(3, "b", 4)]).await.expect("writes");
    for state in ["in memory", "flushed"] {
        assert_eq!(verdicts(store).await, [(2, None, true), (3, Some(2), false)], "{state}");
        let traces = all_traces(store, &newest(everything())).await;
        assert_eq!((traces[0].total_tokens, traces[0].llm_count), (Some(15), 1), "{state}");
        store.flush().await.expect(state);
    }
}

/// The request of the client library is marked, the call that it belongs to is not.
pub async fn requests_of_client_libraries_are_marked(store: &dyn RunStore) {
    let request = run(1, 2, |run| {
        run.parent_run_id = Some(run_id(1));
        let texts =
            [("http.request.method", "POST"), ("url.full", "https://api.openai.com/v1/chat/completions")];
        run.attributes =
            texts.map(|(key, value)| (key.to_owned(), JsonText::from_string(value))).into_iter().collect();
    });
    store
        .write(vec![run(1, 1, |run| set_llm(run, "gpt-4o", (10, 5), "0.5")), request])
        .await
        .expect("writes");
    for state in ["in memory", "flushed"] {
        let skeleton = store.load_skeleton(&scope(), trace(1)).await.expect(state);
        assert_eq!(skeleton.iter().map(|run| run.is_transport).collect::<Vec<_>>(), [false, true], "{state}");
        let mut listed = all_runs(store, &newest(everything())).await;
        listed.sort_by_key(|run| run.run_id);
        assert_eq!(listed.iter().map(|run| run.is_transport).collect::<Vec<_>>(), [false, true], "{state}");
        store.flush().await.expect(state);
    }
}

/// Where each field came from is kept for each field, and merges with it.
pub async fn sources_come_back_and_merge(store: &dyn RunStore) {
    let sources = |pairs: &[(&'static str, &'static str)]| {
        pairs.iter().map(|(field, source)| (Name::from(*field), Name::from(*source))).collect()
    };
    let first =
        run(1, 1, |run| run.sources = sources(&[("name", "span:name"), ("model", "gen_ai.request.model")]));
    let mut second = bare(1, 1);
    second.versions = clearspan_model::Versions::all(version(9));
    second.sources = sources(&[("model", "gen_ai.response.model"), ("inputs.messages", "log:gen_ai.choice")]);
    store.write(vec![first]).await.expect("writes");
    store.flush().await.expect("flushes");
    store.write(vec![second]).await.expect("writes");
    let expected = sources(&[
        ("name", "span:name"),
        ("model", "gen_ai.response.model"),
        ("inputs.messages", "log:gen_ai.choice"),
    ]);
    for state in ["in memory", "flushed"] {
        let runs = store.load_trace(&scope(), trace(1)).await.expect(state);
        assert_eq!(runs[0].sources, expected, "{state}");
        store.flush().await.expect(state);
    }
}
