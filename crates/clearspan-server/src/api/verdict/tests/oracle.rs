//! The rules as they were before outlines, on trees of whole summaries. Those of today must find the same.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use clearspan_model::{Decimal, RunId, RunType, Status};
use rustc_hash::FxHashMap;
use serde_json::{Value, json};

use super::super::{Axis, Finding, Rule, percent};
use crate::api::format::{count, duration, first_line, money};
use crate::api::tree::tests::oracle::Tree;
use crate::api::types::decimal_text;

pub(super) fn findings(tree: &Tree) -> Vec<Finding> {
    let rules = [
        where_it_broke,
        slow_recovery,
        why_it_cost,
        context_growth,
        repeated_tool_call,
        cache_miss,
        slow_first_token,
        missing_spans,
    ];
    rules.iter().filter_map(|rule| rule(tree)).collect()
}

fn find<const N: usize>(
    rule: Rule,
    tree: &Tree,
    row: usize,
    axis: Axis,
    text: String,
    numbers: [(&'static str, Value); N],
) -> Finding {
    let run_id = tree.runs[row].run_id;
    Finding { rule, title: rule.title(), text, run_id, axis, numbers: BTreeMap::from(numbers) }
}

/// Growth is worth a sentence when the input became so many times larger and so large.
const GROWTH_FACTOR: u64 = 4;
const GROWTH_TOKENS: u64 = 8_000;
/// Too few calls are no series.
const LEAST_CALLS: usize = 3;
/// A cache is missed when a call of at least so many tokens read less than a tenth from it after one that read half.
const CACHE_TOKENS: u64 = 4_000;
const CACHE_HIT_PERCENT: u128 = 50;
const CACHE_MISS_PERCENT: u128 = 10;

/// The series of calls whose input grew most.
fn context_growth(tree: &Tree) -> Option<Finding> {
    let grown = series(tree).into_iter().filter(|calls| calls.len() >= LEAST_CALLS).filter_map(|calls| {
        let first = input(tree, *calls.first()?);
        let largest = calls.iter().copied().max_by_key(|row| (input(tree, *row), Reverse(*row)))?;
        let most = input(tree, largest);
        let grew = most >= first.saturating_mul(GROWTH_FACTOR) && most > GROWTH_TOKENS && first > 0;
        grew.then_some((most - first, largest, first, most, calls))
    });
    // Of two series with one largest call hashing decided; now the longer one does.
    let (_, largest, first, most, calls) = grown.max_by_key(|(growth, row, _, _, calls)| {
        (*growth, Reverse(*row), calls.len(), Reverse(calls.clone()))
    })?;
    let read: u128 = calls.iter().map(|row| u128::from(input(tree, *row))).sum();
    let known: Vec<u128> =
        calls.iter().filter_map(|row| tree.runs[*row].cache_read_tokens).map(u128::from).collect();
    let cached = (!known.is_empty()).then(|| percent(known.iter().sum(), read));
    let name = &tree.runs[largest].name;
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
    Some(find(Rule::ContextGrowth, tree, largest, Axis::Tokens, text, numbers))
}

/// The largest call that did not read from the cache that the call before it had used.
fn cache_miss(tree: &Tree) -> Option<Finding> {
    let mut missed = Vec::new();
    for calls in series(tree) {
        for pair in calls.windows(2) {
            let (before, after) = (pair[0], pair[1]);
            let (Some(hit), Some(cached)) =
                (tree.runs[before].cache_read_tokens, tree.runs[after].cache_read_tokens)
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
        tree.runs[row].name,
        count(tokens),
        count(hit)
    );
    let numbers = [("input_tokens", json!(tokens)), ("cached_before", json!(hit)), ("misses", json!(misses))];
    Some(find(Rule::CacheMiss, tree, row, Axis::Cost, text, numbers))
}

fn input(tree: &Tree, row: usize) -> u64 {
    tree.runs[row].input_tokens.unwrap_or(0)
}

/// The calls that one agent made with one prompt, in order: model calls of one name and model directly below it,
/// or below its steps of one name (`step 1` and `step 2` are one name).
fn series(tree: &Tree) -> Vec<Vec<usize>> {
    let mut series: FxHashMap<Series<'_>, Vec<usize>> = FxHashMap::default();
    let names: Vec<String> = tree.runs.iter().map(|run| without_numbers(&run.name)).collect();
    for (row, run) in tree.runs.iter().enumerate() {
        if run.run_type != RunType::Llm || run.input_tokens.is_none() || !tree.billed[row].tokens {
            continue;
        }
        let Some(parent) = tree.parents[row] else { continue };
        let model = run.model.as_deref().unwrap_or_default();
        series.entry((parent, "", &run.name, model)).or_default().push(row);
        if let Some(agent) = tree.parents[parent] {
            series.entry((agent, &names[parent], &run.name, model)).or_default().push(row);
        }
    }
    let mut series: Vec<Vec<usize>> = series.into_values().collect();
    for calls in &mut series {
        calls.sort_by_key(|row| (tree.runs[*row].start_time, *row));
    }
    series
}

/// Agent, name of the step, name of the call, model.
type Series<'a> = (usize, &'a str, &'a str, &'a str);

fn without_numbers(name: &str) -> String {
    name.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// A child with this much of its parent's cost is followed.
const HOT_PERCENT: i64 = 45;
/// Cheaper traces need no explanation: one cent, in dollars.
fn least_cost() -> Decimal {
    Decimal::new(1, 2)
}

/// Where the hot path ends, else the model that took most.
fn why_it_cost(tree: &Tree) -> Option<Finding> {
    let total = tree.trace_totals().total_cost.filter(|total| *total >= least_cost())?;
    hot_path(tree, total).or_else(|| hot_model(tree, total))
}

fn is_hot(part: Decimal, whole: Decimal) -> bool {
    part * Decimal::ONE_HUNDRED >= whole * Decimal::from(HOT_PERCENT)
}

/// Follows the hot path from the root and names where it ends.
fn hot_path(tree: &Tree, total: Decimal) -> Option<Finding> {
    let cost = |row: usize| tree.totals[row].total_cost.unwrap_or_default();

    let mut hot = tree.roots().max_by_key(|row| cost(*row))?;
    while let Some(child) =
        tree.children(hot).max_by_key(|row| cost(*row)).filter(|child| is_hot(cost(*child), cost(hot)))
    {
        hot = child;
    }
    let spent = cost(hot);
    // The trace itself is no answer, and neither is a part that is no larger than others.
    if tree.parents[hot].is_none() || !is_hot(spent, total) {
        return None;
    }
    let below = hot..hot + tree.sizes[hot];
    let calls = below.filter(|row| tree.runs[*row].counts_as_llm_call()).count();
    let run = &tree.runs[hot];
    let share = (spent * Decimal::ONE_HUNDRED / total).round();
    let how = match (run.run_type, calls) {
        (RunType::Llm, 1) => match (tree.runs[hot].input_tokens, &run.model) {
            (Some(tokens), Some(model)) => {
                format!(" in one call of {model} that read {} tokens", count(tokens))
            }
            (Some(tokens), None) => format!(" in one call that read {} tokens", count(tokens)),
            (None, _) => " in one call".to_owned(),
        },
        (_, 0) => String::new(),
        (_, 1) => " in one model call".to_owned(),
        (_, calls) => format!(" in {calls} model calls"),
    };
    let text = format!("{} spent {share}% of the money, {} of {}{how}", run.name, money(spent), money(total));
    let numbers = [
        ("cost", json!(decimal_text(spent))),
        ("total_cost", json!(decimal_text(total))),
        ("share_percent", json!(i64::try_from(share).unwrap_or_default())),
        ("llm_calls", json!(calls)),
    ];
    Some(find(Rule::WhyItCost, tree, hot, Axis::Cost, text, numbers))
}

/// The money is spread over the tree: names the model that took most of it, if one did.
fn hot_model(tree: &Tree, total: Decimal) -> Option<Finding> {
    let mut by_model: BTreeMap<&str, (Decimal, u64, Vec<usize>)> = BTreeMap::new();
    for (row, run) in tree.runs.iter().enumerate() {
        if let (Some(model), Some(cost), true) = (&run.model, run.total_cost, tree.billed[row].cost) {
            let (spent, tokens, rows) = by_model.entry(model).or_default();
            *spent += cost;
            *tokens += run.input_tokens.unwrap_or(0);
            rows.push(row);
        }
    }
    let most = by_model.into_iter().max_by_key(|(_, (spent, ..))| *spent);
    let (model, (spent, tokens, rows)) = most.filter(|(_, (spent, ..))| is_hot(*spent, total))?;
    let dearest = rows.iter().copied().max_by_key(|row| (tree.runs[*row].total_cost, Reverse(*row)))?;
    let share = (spent * Decimal::ONE_HUNDRED / total).round();
    let text = format!(
        "{} calls of {model} spent {share}% of the money, {} of {}; together they read {} tokens",
        rows.len(),
        money(spent),
        money(total),
        count(tokens)
    );
    let numbers = [
        ("cost", json!(decimal_text(spent))),
        ("total_cost", json!(decimal_text(total))),
        ("share_percent", json!(i64::try_from(share).unwrap_or_default())),
        ("llm_calls", json!(rows.len())),
        ("input_tokens", json!(tokens)),
    ];
    Some(find(Rule::WhyItCost, tree, dearest, Axis::Cost, text, numbers))
}

/// Shorter recoveries are not worth a sentence, unless they take a good part of the trace.
const SLOW_RECOVERY_NANOS: i64 = 1_000_000_000;
const SLOW_RECOVERY_PERCENT: u128 = 10;
/// The same call so often is a loop.
const LOOP_CALLS: usize = 3;
/// A wait for the first token is slow when it is this long and this much of the trace.
const SLOW_FIRST_TOKEN_NANOS: i64 = 3_000_000_000;
const SLOW_FIRST_TOKEN_PERCENT: u128 = 20;

/// From the top-most failed run down to the failed child that ended last, until none failed.
fn where_it_broke(tree: &Tree) -> Option<Finding> {
    let top = tree.roots().find(|root| tree.runs[*root].status == Status::Error)?;
    let mut broken = top;
    // The run that counts says what another one below it says of the same call.
    let failed = |row: &usize| tree.runs[*row].counts_as_error();
    while let Some(child) = tree
        .children(broken)
        .filter(failed)
        .max_by_key(|row| (tree.runs[*row].end_time, tree.runs[*row].start_time))
    {
        broken = child;
    }
    let run = &tree.runs[broken];
    let at = run.end_time.unwrap_or(run.start_time).nanos_since(tree.start_time());
    let above = tree.depths[broken] - tree.depths[top];
    let reason = run.error.as_deref().or(run.error_type.as_deref()).map(|error| first_line(error, 120));
    let reason = reason.filter(|line| !line.is_empty()).map_or(String::new(), |line| format!(": {line}"));
    let text = match above {
        0 => format!("{} failed after {}{reason}", run.name, duration(at)),
        1 => format!(
            "{} failed after {} and took {} down with it{reason}",
            run.name,
            duration(at),
            tree.runs[top].name
        ),
        above => {
            format!("{} failed after {} and took {above} runs above it down{reason}", run.name, duration(at))
        }
    };
    let errors = tree.runs.iter().filter(|run| run.counts_as_error()).count();
    let numbers =
        [("at_us", json!(at / 1_000)), ("failed_above", json!(above)), ("error_count", json!(errors))];
    Some(find(Rule::WhereItBroke, tree, broken, Axis::Time, text, numbers))
}

/// The sequence of tries that lost most time.
fn slow_recovery(tree: &Tree) -> Option<Finding> {
    let whole = tree.duration_nanos();
    let (first, last, lost) = retries(tree).max_by_key(|(first, _, lost)| (*lost, Reverse(*first)))?;
    let share = percent(clamp(lost), clamp(whole));
    if lost < SLOW_RECOVERY_NANOS && share < SLOW_RECOVERY_PERCENT {
        return None;
    }
    let (name, tries) = (&tree.runs[last].name, tree.attempts[last]);
    let recovered = tree.runs[last].status != Status::Error;
    let text = match recovered {
        true => format!("{name} worked at try {tries}; the tries before it lost {}", duration(lost)),
        false => format!("{name} failed {tries} times in a row and lost {}", duration(lost)),
    };
    let numbers = [
        ("attempts", json!(tries)),
        ("lost_us", json!(lost / 1_000)),
        ("share_percent", json!(share as u64)),
        ("recovered", json!(recovered)),
    ];
    Some(find(Rule::SlowRecovery, tree, first, Axis::Time, text, numbers))
}

/// First row, last row and lost time of each sequence of tries.
fn retries(tree: &Tree) -> impl Iterator<Item = (usize, usize, i64)> + '_ {
    // Where the sequence began whose newest try is this row.
    let mut first_of: FxHashMap<(Option<usize>, &str), usize> = FxHashMap::default();
    let mut last_of: FxHashMap<usize, usize> = FxHashMap::default();
    for (row, attempt) in tree.attempts.iter().enumerate() {
        let key = (tree.parents[row], tree.runs[row].name.as_str());
        match attempt {
            0 => {}
            1 => {
                first_of.insert(key, row);
            }
            _ => {
                if let Some(first) = first_of.get(&key) {
                    last_of.insert(*first, row);
                }
            }
        }
    }
    last_of.into_iter().map(|(first, last)| {
        let (begin, end) = (tree.runs[first].start_time, &tree.runs[last]);
        let until = match end.status {
            Status::Error => end.end_time.unwrap_or(end.start_time),
            Status::Pending | Status::Success => end.start_time,
        };
        (first, last, until.nanos_since(begin))
    })
}

/// One tool called with the same input again and again by one agent.
fn repeated_tool_call(tree: &Tree) -> Option<Finding> {
    // An agent calls its tools directly or through one step: a call belongs to its two nearest ancestors.
    let mut calls: FxHashMap<(usize, &str, &str), Vec<usize>> = FxHashMap::default();
    for (row, run) in tree.runs.iter().enumerate() {
        // What is tried again after a failure is a matter of recovery.
        if run.run_type != RunType::Tool || tree.attempts[row] > 0 {
            continue;
        }
        let Some(input) = run.input_preview.as_deref().filter(|text| !text.ends_with('…')) else {
            continue;
        };
        let parent = tree.parents[row];
        for agent in [parent, parent.and_then(|parent| tree.parents[parent])].into_iter().flatten() {
            calls.entry((agent, &run.name, input)).or_default().push(row);
        }
    }
    let often = calls.into_values().filter(|rows| rows.len() >= LOOP_CALLS);
    let rows = often.max_by_key(|rows| (rows.len(), Reverse(rows[0])))?;
    let run = &tree.runs[rows[0]];
    let input = run.input_preview.as_deref().map(|text| first_line(text, 60)).unwrap_or_default();
    let text = format!("{} was called {} times with the same input: {input}", run.name, rows.len());
    let ids: Vec<RunId> = rows.iter().take(20).map(|row| tree.runs[*row].run_id).collect();
    let numbers = [("calls", json!(rows.len())), ("run_ids", json!(ids))];
    Some(find(Rule::Loop, tree, rows[0], Axis::Time, text, numbers))
}

/// The longest wait of a model call for its first token.
fn slow_first_token(tree: &Tree) -> Option<Finding> {
    let waits =
        tree.runs.iter().enumerate().filter(|(_, run)| run.run_type == RunType::Llm).filter_map(
            |(row, run)| run.first_token_time.map(|first| (first.nanos_since(run.start_time), row)),
        );
    let (wait, row) = waits.max_by_key(|(wait, row)| (*wait, Reverse(*row)))?;
    let share = percent(clamp(wait), clamp(tree.duration_nanos()));
    if wait < SLOW_FIRST_TOKEN_NANOS || share < SLOW_FIRST_TOKEN_PERCENT {
        return None;
    }
    let name = &tree.runs[row].name;
    let text = format!("{name} waited {} for its first token, {share}% of the trace", duration(wait));
    let numbers = [("wait_us", json!(wait / 1_000)), ("share_percent", json!(share as u64))];
    Some(find(Rule::SlowFirstToken, tree, row, Axis::Time, text, numbers))
}

/// Runs whose parent never came.
fn missing_spans(tree: &Tree) -> Option<Finding> {
    let is_here = |id: Option<RunId>| tree.runs.iter().any(|run| Some(run.run_id) == id);
    let orphans: Vec<usize> =
        tree.orphans.iter().copied().filter(|row| !is_here(tree.runs[*row].parent_run_id)).collect();
    let first = *orphans.first()?;
    let text = match orphans.len() {
        1 => format!("{} names a parent that never arrived", tree.runs[first].name),
        orphans => {
            format!("{orphans} runs name a parent that never arrived, {} is the first", tree.runs[first].name)
        }
    };
    Some(find(Rule::MissingSpans, tree, first, Axis::Time, text, [("orphans", json!(orphans.len()))]))
}

fn clamp(nanos: i64) -> u128 {
    u128::try_from(nanos).unwrap_or(0)
}
