//! The user's own prices.

use super::cost::{entry, run};
use super::*;

fn at(second: i64) -> UnixNanos {
    UnixNanos::from_nanos(second * 1_000_000_000)
}

fn user_entry(id: &str, provider: Option<&str>, model: &str, from: Option<i64>) -> PriceEntry {
    PriceEntry {
        id: id.to_owned(),
        provider: provider.map(str::to_owned),
        models: vec![model.to_owned()],
        from: from.map(at),
        ..entry(&[("input", "1"), ("output", "1")])
    }
}

fn check(table: &PriceTable, provider: Option<&str>, model: &str, second: i64, expected: &str) {
    let id = table.price_id(provider, model, at(second)).unwrap_or_else(|reason| reason.as_str());
    assert_eq!(id, expected, "{provider:?} {model} at {second}");
}

#[test]
fn the_users_price_comes_before_the_built_in_one() {
    let table = PriceTable::with_overrides(vec![
        user_entry("later", Some("openai"), "gpt-4o", Some(200)),
        user_entry("first", Some("openai"), "gpt-4o", Some(100)),
        user_entry("own", None, "My-Model-1.5", None),
        user_entry("local", Some("ollama"), "llama3.2", None),
        user_entry("future", None, "tomorrow", Some(100)),
    ]);
    check(&table, Some("openai"), "gpt-4o", 50, "openai/gpt-4o");
    check(&table, Some("openai"), "gpt-4o", 100, "first");
    check(&table, Some("openai"), "gpt-4o", 199, "first");
    check(&table, Some("openai"), "gpt-4o", 200, "later");
    check(&table, None, "gpt-4o", 200, "later");
    // A date is more specific than none, whoever wrote it.
    check(&table, Some("openai"), "gpt-4o-2024-05-13", 200, "openai/gpt-4o-2024-05-13");
    check(&table, Some("azure"), "gpt-4o", 200, "azure/gpt-4o");
    check(&table, Some("whoever"), "my-model-1-5", 0, "own");
    check(&table, None, "openai/my-model-1.5-2026-01-01", 0, "own");
    check(&table, Some("groq"), "my-model-1.5", 0, "own");
    check(&table, Some("ollama"), "llama3.2", 0, "local");
    check(&table, Some("groq"), "llama3.2", 0, "unknown_model");
    check(&table, None, "tomorrow", 99, "no_price_at_time");
    check(&table, None, "tomorrow", 100, "future");
    check(&table, None, "another", 0, "unknown_model");
}

#[test]
fn hours_of_the_day() {
    let mut peak = user_entry("peak", None, "m", None);
    peak.hours = Some(Hours { start: 60, end: 240 });
    let mut night = user_entry("night", None, "m", None);
    night.hours = Some(Hours { start: 1_380, end: 30 });
    let table = PriceTable::with_overrides(vec![user_entry("base", None, "m", None), peak, night]);
    for (hour, minute, expected) in [
        (0, 59, "base"),
        (1, 0, "peak"),
        (3, 59, "peak"),
        (4, 0, "base"),
        (23, 0, "night"),
        (0, 29, "night"),
        (0, 30, "base"),
    ] {
        for day in [-1, 0, 20_000] {
            check(&table, None, "m", day * 86_400 + hour * 3_600 + minute * 60, expected);
        }
    }
}

#[test]
fn a_run_without_a_start_is_priced_at_its_arrival() {
    let table = PriceTable::with_overrides(vec![user_entry(
        "new",
        None,
        "m",
        Some(NOVEMBER_2026.as_nanos() / 1_000_000_000),
    )]);
    let mut run = run(RunType::Llm);
    run.usage = Some(Usage { input_tokens: Some(1), output_tokens: Some(1), ..Usage::default() });
    run.start_time = None;
    table.price(&mut run);
    assert_eq!(run.cost.unwrap().source, CostSource::Priced { price_id: "new".to_owned() });
}
