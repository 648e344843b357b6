//! What the model calls of one agent had to read, one after the other.

use std::cmp::Reverse;

use clearspan_model::RunType;
use clearspan_store::Text;
use rustc_hash::FxHashMap;
use serde_json::json;

use super::{Axis, Finding, Rule, percent};
use crate::api::format::count;
use crate::api::tree::Tree;

/// Growth is worth a sentence when the input became so many times larger and so large.
const GROWTH_FACTOR: u64 = 4;
const GROWTH_TOKENS: u64 = 8_000;
/// Too few calls are no series.
const LEAST_CALLS: usize = 3;
/// A cache is missed when a call of at least so many tokens read less than a tenth from it after one that read half.
const CACHE_TOKENS: u64 = 4_000;
const CACHE_HIT_PERCENT: u128 = 50;
const CACHE_MISS_PERCENT: u128 = 10;

/// By how much a series grew, its largest call, what the first and the largest read, and its calls.
type Growth = (u64, usize, u64, u64, Vec<usize>);

/// The series of calls whose input grew most.
pub(super) fn context_growth(tree: &Tree<'_>) -> Option<Finding> {
    let grown = series(tree).into_iter().filter(|calls| calls.len() >= LEAST_CALLS).filter_map(|calls| {
        let first = input(tree, *calls.first()?);
        let largest = calls.iter().copied().max_by_key(|row| (input(tree, *row), Reverse(*row)))?;
        let most = input(tree, largest);
        let grew = most >= first.saturating_mul(GROWTH_FACTOR) && most > GROWTH_TOKENS && first > 0;
        grew.then_some((most - first, largest, first, most, calls))
    });
    // One call may be the largest of two series; the longer one says more.
    let (_, largest, first, most, calls) = grown.max_by(|one, other| {
        let key = |(growth, row, _, _, calls): &Growth| (*growth, Reverse(*row), calls.len());
        key(one).cmp(&key(other)).then_with(|| other.4.cmp(&one.4))
    })?;
    let read: u128 = calls.iter().map(|row| u128::from(input(tree, *row))).sum();
    let known: Vec<u128> =
        calls.iter().filter_map(|row| tree.run(*row).cache_read_tokens).map(u128::from).collect();
    let cached = (!known.is_empty()).then(|| percent(known.iter().sum(), read));
    let name = tree.name(largest);
    let tail = match cached {
        Some(0) => "; nothing came from the cache".to_owned(),
        Some(cached) => format!("; {cached}% of it came from the cache"),
        None => String::new(),
    };
    let text = format!(
        "The input of {name} grew from {} to {} tokens in {} calls{tail}",
        count(first),
        count(most),
        calls.len()
    );
    let numbers = [
        ("first_tokens", json!(first)),
        ("max_tokens", json!(most)),
        ("calls", json!(calls.len())),
        ("cached_percent", json!(cached.map(|cached| cached as u64))),
    ];
    Some(Rule::ContextGrowth.find(tree, largest, Axis::Tokens, text, numbers))
}

/// The largest call that did not read from the cache that the call before it had used.
pub(super) fn cache_miss(tree: &Tree<'_>) -> Option<Finding> {
    let mut missed = Vec::new();
    for calls in series(tree) {
        for pair in calls.windows(2) {
            let (before, after) = (pair[0], pair[1]);
            let (Some(hit), Some(cached)) =
                (tree.run(before).cache_read_tokens, tree.run(after).cache_read_tokens)
            else {
                continue;
            };
            let had = percent(hit.into(), input(tree, before).into());
            let has = percent(cached.into(), input(tree, after).into());
            if had >= CACHE_HIT_PERCENT && has < CACHE_MISS_PERCENT && input(tree, after) >= CACHE_TOKENS {
                missed.push((input(tree, after), after, hit));
            }
        }
    }
    let misses = missed.len();
    let (tokens, row, hit) =
        missed.into_iter().max_by_key(|(tokens, row, hit)| (*tokens, Reverse(*row), *hit))?;
    let text = format!(
        "{} read {} tokens at full price; the call before it had {} from the cache",
        tree.name(row),
        count(tokens),
        count(hit)
    );
    let numbers = [("input_tokens", json!(tokens)), ("cached_before", json!(hit)), ("misses", json!(misses))];
    Some(Rule::CacheMiss.find(tree, row, Axis::Cost, text, numbers))
}

fn input(tree: &Tree<'_>, row: usize) -> u64 {
    tree.run(row).input_tokens.unwrap_or(0)
}

/// The calls that one agent made with one prompt, in order: model calls of one name and model directly below it,
/// or below its steps of one name (`step 1` and `step 2` are one name).
fn series(tree: &Tree<'_>) -> Vec<Vec<usize>> {
    let mut series: FxHashMap<Series, Vec<usize>> = FxHashMap::default();
    let mut steps = Steps::new(tree);
    for (row, run) in tree.runs().enumerate() {
        if run.run_type != RunType::Llm || run.input_tokens.is_none() || !tree.billed[row].tokens {
            continue;
        }
        let Some(parent) = tree.parent(row) else { continue };
        let model = run.model.filter(|model| !tree.text(*model).is_empty());
        series.entry((parent, Steps::NONE, run.name, model)).or_default().push(row);
        if let Some(agent) = tree.parent(parent) {
            series.entry((agent, steps.number(parent), run.name, model)).or_default().push(row);
        }
    }
    let mut series: Vec<Vec<usize>> = series.into_values().collect();
    for calls in &mut series {
        calls.sort_by_key(|row| (tree.run(*row).start_time, *row));
    }
    series
}

/// Agent, step, name of the call, model.
type Series = (usize, usize, Text, Option<Text>);

/// Numbers the names of steps: those that differ in digits alone are one.
struct Steps<'t, 'a> {
    tree: &'t Tree<'a>,
    /// By whole names.
    known: FxHashMap<Text, usize>,
    names: FxHashMap<String, usize>,
}

impl<'t, 'a> Steps<'t, 'a> {
    /// That of a name without anything but digits, and of no step at all.
    const NONE: usize = 0;

    fn new(tree: &'t Tree<'a>) -> Self {
        let names = FxHashMap::from_iter([(String::new(), Self::NONE)]);
        Self { tree, known: FxHashMap::default(), names }
    }

    fn number(&mut self, row: usize) -> usize {
        let name = self.tree.run(row).name;
        *self.known.entry(name).or_insert_with(|| {
            let letters = self.tree.text(name).chars().filter(|c| !c.is_ascii_digit()).collect();
            let next = self.names.len();
            *self.names.entry(letters).or_insert(next)
        })
    }
}
