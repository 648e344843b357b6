//! The demo after the mapping: what the pages will show.

use clearspan_mapping::otlp::{Encoding, MapContext, read_traces};
use clearspan_mapping::pricing::PriceTable;
use clearspan_model::{CostSource, Decimal, Run, RunType, Side, Status, TraceId, UnpricedReason};

use super::NOW;
use crate::demo::build;
use crate::demo::chat::IN_HOUSE;

fn runs() -> (Vec<Run>, TraceId) {
    let set = build(NOW, 7);
    let ctx = MapContext::at(NOW);
    let mut runs = Vec::new();
    for request in &set.requests {
        let encoding =
            if request.content_type == "application/json" { Encoding::Json } else { Encoding::Protobuf };
        let mapped = read_traces(&request.body, encoding, &ctx).unwrap();
        assert_eq!(mapped.message(), "", "nothing is refused");
        runs.extend(mapped.runs.into_iter().map(|mapped| mapped.run));
    }
    runs.iter_mut().for_each(|run| PriceTable::builtin().price(run));
    (runs, set.featured_trace_id)
}

fn label(run: &Run) -> String {
    format!("{} ({:?}) of {}", run.name.as_deref().unwrap_or("?"), run.dialect, run.key.trace_id)
}

#[test]
fn model_calls_have_everything_that_a_page_shows() {
    let (runs, _) = runs();
    let calls: Vec<_> = runs.iter().filter(|run| run.run_type == Some(RunType::Llm)).collect();
    assert!(calls.len() > 200, "{} model calls", calls.len());
    for run in calls {
        assert!(run.model.is_some() && run.provider.is_some(), "model of {}", label(run));
        assert!(!run.inputs.messages.is_empty(), "input of {}", label(run));
        if run.effective_status() == Status::Error {
            assert!(run.error_type.is_some(), "error class of {}", label(run));
            continue;
        }
        assert!(!run.messages(Side::Output).is_empty(), "output of {}", label(run));
        let usage = run.usage.as_ref().unwrap_or_else(|| panic!("usage of {}", label(run)));
        assert!(usage.input_tokens.is_some_and(|n| n > 0), "tokens in of {}", label(run));
        assert!(usage.output_tokens.is_some_and(|n| n > 0), "tokens out of {}", label(run));
        let cost = run.cost.as_ref().unwrap_or_else(|| panic!("cost of {}", label(run)));
        if run.model.as_deref() == Some(IN_HOUSE.name) {
            assert_eq!(cost.source, CostSource::Unpriced { reason: UnpricedReason::UnknownModel });
        } else {
            assert!(matches!(cost.source, CostSource::Priced { .. }), "{:?} of {}", cost.source, label(run));
            assert!(cost.total.is_some_and(|total| total > Decimal::ZERO), "{}", label(run));
        }
    }
}

#[test]
fn nothing_had_to_be_repaired() {
    let (runs, _) = runs();
    for run in &runs {
        assert!(run.issues.is_empty(), "{}: {:?}", label(run), run.issues);
        assert!(run.name.is_some() && run.start_time.is_some() && run.end_time.is_some());
        assert!(run.service.is_some() && run.environment.is_some() && run.release.is_some());
    }
}

#[test]
fn searches_have_documents_and_tools_have_both_sides() {
    let (runs, _) = runs();
    let of = |run_type| runs.iter().filter(move |run| run.run_type == Some(run_type));
    for run in of(RunType::Retriever) {
        let rest =
            run.outputs.rest.as_ref().unwrap_or_else(|| panic!("documents of {}", label(run))).to_value();
        let documents = rest["documents"].as_array().unwrap_or_else(|| panic!("{}: {rest}", label(run)));
        assert!(!documents.is_empty());
        for document in documents {
            assert!(document["page_content"].is_string() && document["score"].is_number(), "{document}");
        }
    }
    for run in of(RunType::Tool) {
        assert!(!run.inputs.is_empty(), "input of {}", label(run));
        assert!(!run.outputs.is_empty() || run.error.is_some(), "output of {}", label(run));
    }
    assert!(of(RunType::Retriever).count() > 10 && of(RunType::Tool).count() > 100);
    assert!(of(RunType::Embedding).all(|run| run.cost.as_ref().is_some_and(|cost| cost.total.is_some())));
}

#[test]
fn roots_say_who_asked() {
    let (runs, featured) = runs();
    let roots: Vec<_> = runs.iter().filter(|run| run.parent_run_id.is_none()).collect();
    let with = |test: fn(&Run) -> bool| roots.iter().filter(|run| test(run)).count();
    assert!(with(|run| run.user_id.is_some()) > 70);
    assert!(with(|run| run.thread_id.is_some()) > 20);
    assert!(with(|run| !run.tags.is_empty()) > 40, "{}", with(|run| !run.tags.is_empty()));
    let root = roots.iter().find(|run| run.key.trace_id == featured).unwrap();
    assert_eq!(root.name.as_deref(), Some("trip-planner"));
    assert_eq!(root.thread_id.as_deref(), Some("thr_7Hq2LmZ"));
    assert_eq!(root.error_type.as_deref(), Some("AgentError"));
    let baseline = roots.iter().filter(|run| {
        run.name == root.name
            && run.environment == root.environment
            && run.effective_status() == Status::Success
    });
    assert!(baseline.count() >= 20, "the featured trace has something to be compared with");
    let tutor: Vec<_> = roots.iter().filter(|run| run.name.as_deref() == Some("language-tutor")).collect();
    assert_eq!(tutor.len(), 4);
    assert!(tutor.iter().all(|run| run.thread_id.is_some() && run.thread_id == tutor[0].thread_id));
}

#[test]
fn the_expensive_agent_is_where_the_money_went() {
    let (runs, featured) = runs();
    let cost = |run: &&Run| run.cost.as_ref().and_then(|cost| cost.total).unwrap_or_default();
    let trace: Vec<_> = runs.iter().filter(|run| run.key.trace_id == featured).collect();
    let total: Decimal = trace.iter().map(cost).sum();
    let opus: Decimal =
        trace.iter().filter(|run| run.model.as_deref().is_some_and(|m| m.contains("opus"))).map(cost).sum();
    assert!(total > Decimal::ONE, "{total}");
    assert!(opus / total > Decimal::new(8, 1), "{opus} of {total}");
    let reported =
        trace.iter().filter(|run| run.cost.as_ref().is_some_and(|c| c.source == CostSource::Reported));
    assert!(reported.count() >= 5, "flight searches report what they cost");
}
