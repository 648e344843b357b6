//! The hard cases of the captures, one by one: what must hold in them whatever else changes.

use std::collections::{BTreeMap, BTreeSet};

use clearspan_model::{JsonText, Run, RunId, RunType, Side, Status, TraceId};
use serde_json::Value;

use super::case::cases;

fn runs(case: &str) -> Vec<Run> {
    let case =
        cases().into_iter().find(|known| known.name == case).unwrap_or_else(|| panic!("no case {case}"));
    case.runs().into_iter().map(|(_, run)| run).collect()
}

fn llm(runs: &[Run]) -> impl Iterator<Item = &Run> {
    runs.iter().filter(|run| run.run_type == Some(RunType::Llm))
}

fn messages(run: &Run, side: Side) -> Vec<Value> {
    run.messages(side).iter().map(JsonText::to_value).collect()
}

fn parts(run: &Run, side: Side) -> Vec<Value> {
    let contents =
        messages(run, side).into_iter().filter_map(|message| message["content"].as_array().cloned());
    contents.flatten().collect()
}

/// How deep the deepest run lies below a root of its trace.
fn depth(runs: &[Run]) -> usize {
    let parents: BTreeMap<(TraceId, RunId), Option<RunId>> =
        runs.iter().map(|run| ((run.key.trace_id, run.key.run_id), run.parent_run_id)).collect();
    let depth_of = |run: &Run| {
        let trace = run.key.trace_id;
        let mut id = Some(run.key.run_id);
        std::iter::from_fn(|| {
            let parent = parents.get(&(trace, id?))?;
            id = *parent;
            Some(())
        })
        .count()
    };
    runs.iter().map(depth_of).max().unwrap()
}

#[test]
fn streams_have_a_first_token_and_their_text() {
    let runs = runs("openinference/openai_chat");
    let streamed: Vec<_> = llm(&runs).filter(|run| run.first_token_time.is_some()).collect();
    assert!(!streamed.is_empty());
    for run in streamed {
        assert!(run.first_token_time >= run.start_time && run.first_token_time <= run.end_time);
        assert!(!run.messages(Side::Output).is_empty());
    }
}

#[test]
fn parallel_calls_and_their_results_meet_by_id() {
    for case in ["otel-genai/genai_openai_span_only", "openinference/anthropic_messages"] {
        let runs = runs(case);
        let calls: BTreeSet<String> = llm(&runs)
            .flat_map(|run| messages(run, Side::Output))
            .filter_map(|message| message["tool_calls"].as_array().cloned())
            .filter(|calls| calls.len() > 1)
            .flatten()
            .map(|call| call["id"].as_str().unwrap().to_owned())
            .collect();
        assert!(calls.len() > 1, "{case}");
        let results: BTreeSet<String> = llm(&runs)
            .flat_map(|run| messages(run, Side::Input))
            .filter_map(|message| message["tool_call_id"].as_str().map(str::to_owned))
            .collect();
        // Some calls end the program before their results go back.
        assert!(calls.intersection(&results).count() > 1, "{case}: {calls:?} {results:?}");
    }
}

#[test]
fn images_are_image_parts_with_their_data() {
    for case in [
        "langsmith/multimodal_image",
        "vercel-ai-v5/all_http",
        "pydantic-ai/format_v2",
        "pydantic-ai/format_v4",
        "js-openinference/vercel_ai_processor",
    ] {
        let runs = runs(case);
        let images: Vec<Value> = llm(&runs)
            .flat_map(|run| parts(run, Side::Input))
            .filter(|part| part["type"] == "image")
            .collect();
        assert!(!images.is_empty(), "{case}");
        for image in images {
            assert!(image["url"].is_string() || image["data"].is_string(), "{case}: {image}");
        }
    }
}

#[test]
fn errors_say_what_and_where() {
    let known = runs("handwritten/exceptions");
    // Four by status, one by an exception event alone, one by `error.type` alone.
    assert_eq!(known.iter().filter(|run| run.effective_status() == Status::Error).count(), 6);
    for run in known.iter().chain(&runs("langsmith/errors_and_retries")) {
        let says_so = run.error.is_some() || run.error_type.is_some();
        let failed = run.effective_status() == Status::Error;
        // One program set the status and gave no message.
        assert_eq!(
            failed,
            says_so || run.name.as_deref() == Some("status only, no message"),
            "{:?}",
            run.name
        );
    }
}

#[test]
fn large_traces_are_whole() {
    let agent = runs("langsmith/agent_large_200_spans");
    assert_eq!(agent.len(), 243);
    let traces: BTreeSet<_> = agent.iter().map(|run| run.key.trace_id).collect();
    assert_eq!(traces.len(), 1);
    // One span a request, children first; of the 253 equal requests of the capture, 20 are kept here.
    let simple = runs("traceloop/agent_250_spans_simple");
    assert_eq!(simple.len(), 20);
    let nested = runs("handwritten/deep_nesting_50");
    assert_eq!((nested.len(), depth(&nested)), (50, 50));
}

#[test]
fn a_prompt_of_a_megabyte_is_kept_to_the_last_letter() {
    for (case, n_chars) in
        [("handwritten/gzip_proto_http", 1_000_000), ("traceloop/openai_errors_multimodal", 1_000_000)]
    {
        let runs = runs(case);
        let longest = llm(&runs)
            .flat_map(|run| messages(run, Side::Input))
            .filter_map(|message| message["content"].as_str().map(str::len))
            .max();
        assert!(longest >= Some(n_chars), "{case}: {longest:?}");
    }
}

#[test]
fn values_of_every_kind_survive() {
    let runs = runs("handwritten/values_and_unicode");
    let attributes: Vec<Value> =
        runs.iter().flat_map(|run| run.attributes.values().map(JsonText::to_value)).collect();
    for extreme in [Value::from(i64::MAX), Value::from(i64::MIN)] {
        assert!(attributes.contains(&extreme), "{extreme}");
    }
    assert!(attributes.iter().any(|value| value.get("bytesValue").is_some()));
    assert!(attributes.iter().any(|value| value.is_array()) && attributes.iter().any(Value::is_object));
    let text = serde_json::to_string(&attributes).unwrap();
    assert!(text.chars().any(|letter| letter > '\u{1f000}'), "no emoji: {text}");
}

#[test]
fn parents_that_come_late_or_never() {
    let runs = runs("handwritten/split_out_of_order");
    let known: BTreeSet<_> = runs.iter().map(|run| run.key.run_id).collect();
    let (orphans, others): (Vec<_>, Vec<_>) =
        runs.iter().partition(|run| run.parent_run_id.is_some_and(|parent| !known.contains(&parent)));
    assert!(!orphans.is_empty(), "the remote parent never comes");
    assert!(others.iter().any(|run| run.parent_run_id.is_some()));
    let orphans = self::runs("mlflow/tracing_otlp");
    let known: BTreeSet<_> = orphans.iter().map(|run| run.key.run_id).collect();
    let n_orphans =
        orphans.iter().filter(|run| run.parent_run_id.is_some_and(|parent| !known.contains(&parent))).count();
    assert_eq!(n_orphans, 6, "MLflow drops its root");
}

#[test]
fn two_services_share_a_trace() {
    for case in ["handwritten/distributed_two_services", "fastmcp/two_process_stdio"] {
        let mut processes: BTreeMap<TraceId, BTreeSet<JsonText>> = BTreeMap::new();
        for run in runs(case) {
            let process = run.resource.get("service.instance.id").or(run.resource.get("service.name"));
            processes.entry(run.key.trace_id).or_default().extend(process.cloned());
        }
        assert!(processes.values().any(|processes| processes.len() == 2), "{case}: {processes:?}");
    }
}

#[test]
fn threads_that_only_some_runs_tell() {
    for case in ["openinference/langgraph_multi_agent", "handwritten/tutorial_llm_attrs"] {
        let runs = runs(case);
        let threads = runs.iter().filter(|run| run.thread_id.is_some()).count();
        assert!((1..=runs.len()).contains(&threads), "{case}");
        assert!(runs.iter().any(|run| run.parent_run_id.is_none() && run.thread_id.is_some()), "{case}");
    }
}

#[test]
fn reasoning_cached_and_missing_usage() {
    let runs = runs("openinference/openai_chat");
    let usages: Vec<_> = llm(&runs).filter_map(|run| run.usage.clone()).collect();
    assert!(usages.iter().any(|usage| usage.output_details.get("reasoning").is_some_and(|n| *n > 0)));
    assert!(usages.iter().any(|usage| usage.input_details.get("cache_read").is_some_and(|n| *n > 0)));
    assert!(llm(&runs).any(|run| run.usage.is_none()), "absent stays absent");
}

#[test]
fn calls_that_two_instrumentations_report() {
    // The SDK's own span lies beside or inside that of the instrumentation and has the same response.
    let runs = runs("traceloop/anthropic_messages");
    let response = |run: &Run| run.metadata.get("response_id").cloned();
    let told_twice = llm(&runs).filter(|run| response(run).is_some()).filter(|run| {
        let same = runs.iter().filter(|other| response(other) == response(run));
        same.count() == 2
    });
    assert!(told_twice.count() >= 10);
}
