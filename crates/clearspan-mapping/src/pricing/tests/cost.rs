//! Amounts: worked by hand, and properties that hold for all of them.

use std::collections::BTreeMap;

use clearspan_model::{JsonText, ProjectId, RunId, RunKey, TraceId, UnixNanos, WorkspaceId};
use proptest::prelude::*;

use super::*;

pub(super) fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(super) fn rates(figures: &[(&str, &str)]) -> Rates {
    let mut rates = Rates::default();
    for (key, price) in figures {
        let price = dec(price);
        match key.split_once('.') {
            Some(("input", detail)) => drop(rates.input_details.insert(detail.to_owned(), price)),
            Some(("output", detail)) => drop(rates.output_details.insert(detail.to_owned(), price)),
            None if *key == "input" => rates.input = Some(price),
            None if *key == "output" => rates.output = Some(price),
            None if *key == "request" => rates.per_request = Some(price),
            None if *key == "search" => rates.per_search = Some(price),
            _ => panic!("unknown figure {key}"),
        }
    }
    rates
}

pub(super) fn entry(figures: &[(&str, &str)]) -> PriceEntry {
    PriceEntry {
        id: "test/m".to_owned(),
        provider: None,
        models: vec!["m".to_owned()],
        from: None,
        hours: None,
        rates: rates(figures),
        tiers: Vec::new(),
    }
}

pub(super) fn run(run_type: RunType) -> Run {
    let key = RunKey {
        workspace_id: WorkspaceId::NIL,
        project_id: ProjectId::NIL,
        trace_id: TraceId::NIL,
        run_id: RunId::NIL,
    };
    let mut run = Run::new(key, NOVEMBER_2026);
    run.run_type = Some(run_type);
    run.start_time = Some(NOVEMBER_2026);
    run.end_time = Some(NOVEMBER_2026);
    run.model = Some("m".to_owned());
    run
}

/// `input 20, input.cache_read 5, output 3, total 23`.
fn usage(text: &str) -> Option<Usage> {
    let mut usage = Usage::default();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (key, count) = part.split_once(' ').unwrap();
        let count = count.parse().unwrap();
        match key.split_once('.') {
            Some(("input", detail)) => drop(usage.input_details.insert(detail.to_owned(), count)),
            Some(("output", detail)) => drop(usage.output_details.insert(detail.to_owned(), count)),
            None if key == "input" => usage.input_tokens = Some(count),
            None if key == "output" => usage.output_tokens = Some(count),
            None if key == "total" => usage.total_tokens = Some(count),
            _ => panic!("unknown count {key}"),
        }
    }
    (!text.is_empty()).then_some(usage)
}

/// `input 0.01, output.reasoning 0.02, total 0.03`, or the reason.
fn print(cost: Option<&Cost>) -> String {
    let Some(cost) = cost else { return "none".to_owned() };
    if let CostSource::Unpriced { reason } = &cost.source {
        assert_eq!(cost, &Cost { source: cost.source.clone(), ..Cost::default() }, "a reason has no figures");
        return reason.as_str().to_owned();
    }
    let mut parts: BTreeMap<String, Decimal> = cost.details.clone();
    let figures = [("input", cost.input), ("output", cost.output), ("total", cost.total)];
    parts.extend(figures.into_iter().filter_map(|(key, money)| Some((key.to_owned(), money?))));
    parts.iter().map(|(key, money)| format!("{key} {money}")).collect::<Vec<_>>().join(", ")
}

fn check(run_type: RunType, figures: &[(&str, &str)], tokens: &str, expected: &str) {
    let table = PriceTable::with_overrides(vec![entry(figures)]);
    let mut run = run(run_type);
    run.usage = usage(tokens);
    table.price(&mut run);
    assert_eq!(print(run.cost.as_ref()), expected, "{figures:?} {tokens}");
    // Pricing again changes nothing.
    let once = run.clone();
    table.price(&mut run);
    assert_eq!(run, once);
}

#[test]
fn worked_examples() {
    let llm = |figures: &[(&str, &str)], tokens: &str, expected: &str| {
        check(RunType::Llm, figures, tokens, expected)
    };
    let base = [("input", "2"), ("output", "8")];
    llm(&base, "input 1000000, output 1000000", "input 2, output 8, total 10");
    llm(&base, "input 0, output 0", "input 0, output 0, total 0");
    llm(&base, "input 7", "input 0.000014, total 0.000014");
    llm(&base, "output 3, total 10", "input 0.000014, output 0.000024, total 0.000038");
    llm(&base, "input 7, total 10", "input 0.000014, output 0.000024, total 0.000038");

    // The example of the LangSmith contract: 5 × 1e-6 + 15 × 2e-6.
    let cached = [("input", "2"), ("output", "8"), ("input.cache_read", "1")];
    llm(
        &cached,
        "input 20, input.cache_read 5, output 0",
        "input 0.000035, input.cache_read 0.000005, output 0, total 0.000035",
    );
    // Without a price of their own they cost what the others do.
    llm(&base, "input 20, input.cache_read 5, output 0", "input 0.00004, output 0, total 0.00004");
    // More details than tokens: the rest is zero, not negative.
    llm(
        &cached,
        "input 3, input.cache_read 5, output 0",
        "input 0.000005, input.cache_read 0.000005, output 0, total 0.000005",
    );
    llm(
        &cached,
        "input.cache_read 5, output 0",
        "input 0.000005, input.cache_read 0.000005, output 0, total 0.000005",
    );

    let free = [("input", "0"), ("output", "0")];
    llm(&free, "input 10, output 10", "input 0, output 0, total 0");

    let details = [
        ("input", "1"),
        ("output", "2"),
        ("output.reasoning", "4"),
        ("output.audio", "10"),
        ("input.audio", "5"),
    ];
    llm(
        &details,
        "input 10, input.audio 4, output 10, output.reasoning 3, output.audio 2",
        "input 0.000026, input.audio 0.00002, output 0.000042, output.audio 0.00002, output.reasoning 0.000012, total 0.000068",
    );
    llm(
        &[("input", "1"), ("output", "1"), ("request", "0.005")],
        "input 10, output 10",
        "input 0.00001, output 0.00001, request 0.005, total 0.00502",
    );
}

#[test]
fn cache_writes_are_charged_once() {
    let anthropic = [
        ("input", "3"),
        ("output", "15"),
        ("input.cache_read", "0.3"),
        ("input.cache_write", "3.75"),
        ("input.cache_write_1h", "6"),
    ];
    // 27 fresh, 3456 read, 32 written, of which 10 for an hour.
    check(
        RunType::Llm,
        &anthropic,
        "input 3515, input.cache_read 3456, input.cache_write 32, input.cache_write_5m 22, input.cache_write_1h 10, output 0",
        "input 0.0012603, input.cache_read 0.0010368, input.cache_write 0, input.cache_write_1h 0.00006, \
         input.cache_write_5m 0.0000825, output 0, total 0.0012603",
    );
    // Only the sum is known.
    check(
        RunType::Llm,
        &anthropic,
        "input 100, input.cache_write 32, output 0",
        "input 0.000324, input.cache_write 0.00012, output 0, total 0.000324",
    );
    // The split is known in part.
    check(
        RunType::Llm,
        &anthropic,
        "input 100, input.cache_write 32, input.cache_write_1h 10, output 0",
        "input 0.0003465, input.cache_write 0.0000825, input.cache_write_1h 0.00006, output 0, total 0.0003465",
    );
}

#[test]
fn what_has_no_figure_has_a_reason() {
    let base = [("input", "2"), ("output", "8")];
    check(RunType::Llm, &base, "", "no_usage");
    check(RunType::Llm, &base, "total 10", "no_usage");
    check(RunType::Embedding, &base, "", "no_usage");
    // A side without a price must not be left out of the sum.
    check(RunType::Llm, &[("input", "2")], "input 5, output 5", "unknown_model");
    check(RunType::Llm, &[("output", "2")], "input 5, output 5", "unknown_model");
    check(RunType::Llm, &[("input", "2")], "input 5, output 0", "input 0.00001, total 0.00001");

    let mut unknown = run(RunType::Llm);
    unknown.usage = usage("input 5, output 5");
    unknown.model = Some("no-such-model".to_owned());
    PriceTable::builtin().price(&mut unknown);
    assert_eq!(print(unknown.cost.as_ref()), "unknown_model");
    unknown.model = Some(" ".to_owned());
    PriceTable::builtin().price(&mut unknown);
    assert_eq!(print(unknown.cost.as_ref()), "no_model");
    // It has not ended: the usage may still come.
    unknown.usage = None;
    unknown.end_time = None;
    PriceTable::builtin().price(&mut unknown);
    assert_eq!(print(unknown.cost.as_ref()), "none");
}

#[test]
fn only_model_calls_are_priced_by_tokens() {
    let base = [("input", "2"), ("output", "8")];
    check(RunType::Embedding, &[("input", "2")], "total 10", "input 0.00002, total 0.00002");
    check(RunType::Embedding, &[("input", "2")], "input 10, output 10", "input 0.00002, total 0.00002");
    check(RunType::Retriever, &base, "input 10", "input 0.00002, total 0.00002");
    check(RunType::Retriever, &base, "", "none");
    check(RunType::Retriever, &[("search", "0.002")], "input 10", "search 0.002, total 0.002");
    check(RunType::Retriever, &[("search", "0.002")], "input.search_units 3", "search 0.006, total 0.006");
    for run_type in [RunType::Chain, RunType::Tool, RunType::Prompt, RunType::Parser] {
        check(run_type, &base, "input 10, output 10", "none");
    }
}

#[test]
fn long_prompts_have_other_prices() {
    let mut tiered = entry(&[("input", "1"), ("output", "2"), ("input.cache_read", "0.5")]);
    tiered.tiers = vec![
        Tier { above: 200, rates: rates(&[("input", "10"), ("output", "20")]) },
        Tier { above: 500, rates: rates(&[("input", "100")]) },
    ];
    let table = PriceTable::with_overrides(vec![tiered]);
    for (tokens, expected) in [
        ("input 200, output 1", "input 0.0002, output 0.000002, total 0.000202"),
        ("input 201, output 1", "input 0.00201, output 0.00002, total 0.00203"),
        // What a tier does not name keeps its base price.
        (
            "input 201, input.cache_read 1, output 0",
            "input 0.0020005, input.cache_read 0.0000005, output 0, total 0.0020005",
        ),
        ("input 501, output 1", "input 0.0501, output 0.000002, total 0.050102"),
    ] {
        let mut run = run(RunType::Llm);
        run.usage = usage(tokens);
        table.price(&mut run);
        assert_eq!(print(run.cost.as_ref()), expected, "{tokens}");
    }
}

/// What the client reported, in the form of [`print`].
fn reported(text: &str) -> Cost {
    let mut cost = Cost { source: CostSource::Reported, ..Cost::default() };
    for part in text.split(", ") {
        let (key, money) = part.split_once(' ').unwrap();
        match key {
            "input" => cost.input = Some(dec(money)),
            "output" => cost.output = Some(dec(money)),
            "total" => cost.total = Some(dec(money)),
            detail => drop(cost.details.insert(detail.to_owned(), dec(money))),
        }
    }
    cost
}

#[test]
fn reported_costs_win() {
    let table = PriceTable::with_overrides(vec![entry(&[("input", "2"), ("output", "8")])]);
    for (told, expected) in [
        ("total 0.5", "total 0.5"),
        ("input 0.1, output 0.2", "input 0.1, output 0.2, total 0.3"),
        ("input 0.1, output 0.2, total 0.4", "input 0.1, output 0.2, total 0.4"),
        ("input 0.1, total 0.4", "input 0.1, output 0.3, total 0.4"),
        ("output 0.5, total 0.4", "input 0, output 0.5, total 0.4"),
        // The other side is computed: 1,000 × 8 / 1e6.
        ("input 0.1", "input 0.1, output 0.008, total 0.108"),
        ("output 0.1", "input 0.002, output 0.1, total 0.102"),
        (
            "input.cache_read 0.1, input.rest 0.2, output.rest 1",
            "input 0.3, input.cache_read 0.1, input.rest 0.2, output 1, output.rest 1, total 1.3",
        ),
        ("total 0.1234567890125", "total 0.123456789012"),
        ("total 0", "total 0"),
        // Nobody is paid for calling a model: the tokens decide.
        ("total -1", "input 0.002, output 0.008, total 0.01"),
    ] {
        let mut run = run(RunType::Llm);
        run.usage = usage("input 1000, output 1000");
        run.cost = Some(reported(told));
        table.price(&mut run);
        assert_eq!(print(run.cost.as_ref()), expected, "{told}");
        let source = run.cost.clone().unwrap().source;
        assert_eq!(source == CostSource::Reported, !told.contains('-'), "{told}: {source:?}");
    }
    let mut tool = run(RunType::Tool);
    tool.cost = Some(reported("total 0.01"));
    table.price(&mut tool);
    assert_eq!(print(tool.cost.as_ref()), "total 0.01");
}

#[test]
fn names_the_price_that_it_used() {
    let mut run = run(RunType::Llm);
    run.model = Some("o3".to_owned());
    run.usage = usage("input 1000000, output 1000000");
    for (at, id, total) in
        [(NOVEMBER_2026, "openai/o3@2025-06-10", "10"), (UnixNanos::from_nanos(0), "openai/o3", "50")]
    {
        run.start_time = Some(at);
        PriceTable::builtin().price(&mut run);
        let cost = run.cost.clone().unwrap();
        assert_eq!(cost.source, CostSource::Priced { price_id: id.to_owned() });
        assert_eq!(cost.total, Some(dec(total)));
    }
}

prop_compose! {
    fn any_details(keys: &'static [&'static str])
        (picked in proptest::collection::btree_map(proptest::sample::select(keys), any_count(), 0..4))
        -> BTreeMap<String, u64> {
        picked.into_iter().map(|(key, count)| (key.to_owned(), count)).collect()
    }
}

fn any_count() -> impl Strategy<Value = u64> {
    prop_oneof![0u64..100, 0u64..3_000_000, Just(u64::MAX)]
}

const INPUT: &[&str] =
    &["cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "audio", "image", "search_units"];
const OUTPUT: &[&str] = &["reasoning", "audio", "other"];

prop_compose! {
    fn any_usage()(input_tokens in proptest::option::of(any_count()), output_tokens in proptest::option::of(any_count()),
                   total_tokens in proptest::option::of(any_count()), input_details in any_details(INPUT),
                   output_details in any_details(OUTPUT)) -> Usage {
        Usage { input_tokens, output_tokens, total_tokens, input_details, output_details }
    }
}

proptest! {
    /// Whatever is sent: nothing is negative, the sides and fees are the total, no side is less than its parts.
    #[test]
    fn the_parts_are_the_total(usage in any_usage(), model in proptest::sample::select(&[
        "gpt-4o", "claude-sonnet-4-5", "gemini-2.5-pro", "gpt-4o-audio-preview", "rerank-v3.5", "sonar", "text-embedding-3-small",
    ][..]), kind in 0usize..7) {
        let mut run = run(RunType::ALL[kind]);
        run.model = Some(model.to_owned());
        run.usage = Some(usage);
        PriceTable::builtin().price(&mut run);
        let Some(cost) = run.cost else { return Ok(()) };
        let CostSource::Priced { .. } = cost.source else {
            prop_assert_eq!(cost.total, None);
            return Ok(());
        };
        let zero = Decimal::ZERO;
        let part = |prefix: &str| cost.details.iter().filter(|(key, _)| key.starts_with(prefix)).map(|(_, money)| *money).sum::<Decimal>();
        let fees: Decimal = cost.details.iter().filter(|(key, _)| !key.contains('.')).map(|(_, money)| *money).sum();
        prop_assert_eq!(cost.input.unwrap_or(zero) + cost.output.unwrap_or(zero) + fees, cost.total.unwrap());
        prop_assert!(part("input.") <= cost.input.unwrap_or(zero));
        prop_assert!(part("output.") <= cost.output.unwrap_or(zero));
        prop_assert!(cost.details.values().chain([&cost.total.unwrap()]).all(|money| *money >= zero && money.scale() <= 12));
    }
}

#[test]
fn a_call_that_failed_before_it_answered_lacks_no_price() {
    let mut run = run(RunType::Llm);
    run.error = Some("429 Too Many Requests".to_owned());
    PriceTable::builtin().price(&mut run);
    assert_eq!(print(run.cost.as_ref()), "none");
    // LangChain keeps the refusal in an empty generation; others send a message without content.
    run.outputs.rest =
        Some(JsonText::from_trusted(r#"{"generations":[[{"text":"","message":{"body":"429"}}]]}"#));
    for empty in [r#"{"role":"assistant"}"#, r#"{"role":"assistant","content":" "}"#] {
        run.outputs.messages = vec![JsonText::from_trusted(empty)];
        PriceTable::builtin().price(&mut run);
        assert_eq!(print(run.cost.as_ref()), "none", "{empty}");
    }
    let called = r#"{"role":"assistant","tool_calls":[{"id":"c1","name":"f"}]}"#;
    run.outputs.messages = vec![JsonText::from_trusted(called)];
    PriceTable::builtin().price(&mut run);
    assert_eq!(print(run.cost.as_ref()), "no_usage");
    // Half an answer was paid for, and nobody knows how much.
    run.outputs.messages = vec![JsonText::from_string("The cap")];
    PriceTable::builtin().price(&mut run);
    assert_eq!(print(run.cost.as_ref()), "no_usage");
}
