//! What broke, what was tried again, what went in circles, what made people wait.

use std::cmp::Reverse;

use clearspan_model::{RunId, RunType, Status};
use clearspan_store::{Outline, Text};
use rustc_hash::FxHashMap;
use serde_json::json;

use super::{Axis, Finding, Rule, percent};
use crate::api::format::{duration, first_line};
use crate::api::tree::Tree;

/// Shorter recoveries are not worth a sentence, unless they take a good part of the trace.
const SLOW_RECOVERY_NANOS: i64 = 1_000_000_000;
const SLOW_RECOVERY_PERCENT: u128 = 10;
/// The same call so often is a loop.
const LOOP_CALLS: usize = 3;
/// A wait for the first token is slow when it is this long and this much of the trace.
const SLOW_FIRST_TOKEN_NANOS: i64 = 3_000_000_000;
const SLOW_FIRST_TOKEN_PERCENT: u128 = 20;

/// From the top-most failed run down to the failed child that ended last, until none failed.
pub(super) fn where_it_broke(tree: &Tree<'_>) -> Option<Finding> {
    let top = tree.roots().find(|root| tree.run(*root).status == Status::Error)?;
    let mut broken = top;
    // The run that counts says what another one below it says of the same call.
    let failed = |row: &usize| tree.run(*row).counts_as_error();
    while let Some(child) = tree
        .children(broken)
        .filter(failed)
        .max_by_key(|row| (tree.run(*row).end_time, tree.run(*row).start_time))
    {
        broken = child;
    }
    let (run, name) = (tree.run(broken), tree.name(broken));
    let at = run.end_time.unwrap_or(run.start_time).nanos_since(tree.start_time());
    let above = tree.path_up(broken).take_while(|row| *row != top).count();
    let reason = run.error.or(run.error_type).map(|error| first_line(tree.text(error), 120));
    let reason = reason.filter(|line| !line.is_empty()).map_or(String::new(), |line| format!(": {line}"));
    let text = match above {
        0 => format!("{name} failed after {}{reason}", duration(at)),
        1 => {
            format!("{name} failed after {} and took {} down with it{reason}", duration(at), tree.name(top))
        }
        above => format!("{name} failed after {} and took {above} runs above it down{reason}", duration(at)),
    };
    let errors = tree.runs().filter(|run| run.counts_as_error()).count();
    let numbers =
        [("at_us", json!(at / 1_000)), ("failed_above", json!(above)), ("error_count", json!(errors))];
    Some(Rule::WhereItBroke.find(tree, broken, Axis::Time, text, numbers))
}

/// The sequence of tries that lost most time.
pub(super) fn slow_recovery(tree: &Tree<'_>) -> Option<Finding> {
    let whole = tree.duration_nanos();
    let (first, last, lost) = retries(tree).max_by_key(|(first, _, lost)| (*lost, Reverse(*first)))?;
    let share = percent(clamp(lost), clamp(whole));
    if lost < SLOW_RECOVERY_NANOS && share < SLOW_RECOVERY_PERCENT {
        return None;
    }
    let (name, tries) = (tree.name(last), tree.attempts[last]);
    let recovered = tree.run(last).status != Status::Error;
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
    Some(Rule::SlowRecovery.find(tree, first, Axis::Time, text, numbers))
}

/// First row, last row and lost time of each sequence of tries.
fn retries<'t>(tree: &'t Tree<'_>) -> impl Iterator<Item = (usize, usize, i64)> + 't {
    // Where the sequence began whose newest try is this row.
    let mut first_of: FxHashMap<(Option<usize>, Text), usize> = FxHashMap::default();
    let mut last_of: FxHashMap<usize, usize> = FxHashMap::default();
    for (row, attempt) in tree.attempts.iter().enumerate() {
        let key = (tree.parent(row), tree.run(row).name);
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
        let (begin, end) = (tree.run(first).start_time, tree.run(last));
        let until = match end.status {
            Status::Error => end.end_time.unwrap_or(end.start_time),
            Status::Pending | Status::Success => end.start_time,
        };
        (first, last, until.nanos_since(begin))
    })
}

/// Calls of the tools that were called often enough for a loop.
pub(super) fn calls_that_may_repeat(outline: &Outline) -> Vec<usize> {
    let calls = || outline.runs().enumerate().filter(|(_, run)| run.run_type == RunType::Tool);
    let mut counts = vec![0; outline.text_count()];
    calls().for_each(|(_, run)| counts[run.name.position()] += 1);
    calls()
        .filter(|(_, run)| counts[run.name.position()] >= LOOP_CALLS)
        .map(|(position, _)| position)
        .collect()
}

/// One tool called with the same input again and again by one agent.
pub(super) fn repeated_tool_call(tree: &Tree<'_>) -> Option<Finding> {
    // An agent calls its tools directly or through one step: a call belongs to its two nearest ancestors.
    let mut calls: FxHashMap<(usize, Text, Text), Vec<usize>> = FxHashMap::default();
    for (row, run) in tree.runs().enumerate() {
        // What is tried again after a failure is a matter of recovery.
        if run.run_type != RunType::Tool || tree.attempts[row] > 0 {
            continue;
        }
        // Equal beginnings of longer arguments prove nothing: a preview that was cut ends so.
        let is_whole = |input: &Text| !tree.text(*input).ends_with('…');
        let Some(input) = run.input.filter(is_whole) else { continue };
        for agent in tree.path_up(row).skip(1).take(2) {
            calls.entry((agent, run.name, input)).or_default().push(row);
        }
    }
    let often = calls.into_iter().filter(|(_, rows)| rows.len() >= LOOP_CALLS);
    let ((_, name, input), rows) = often.max_by_key(|(_, rows)| (rows.len(), Reverse(rows[0])))?;
    let (name, input) = (tree.text(name), first_line(tree.text(input), 60));
    let text = format!("{name} was called {} times with the same input: {input}", rows.len());
    let ids: Vec<RunId> = rows.iter().take(20).map(|row| tree.run(*row).run_id).collect();
    let numbers = [("calls", json!(rows.len())), ("run_ids", json!(ids))];
    Some(Rule::Loop.find(tree, rows[0], Axis::Time, text, numbers))
}

/// The longest wait of a model call for its first token.
pub(super) fn slow_first_token(tree: &Tree<'_>) -> Option<Finding> {
    let calls = tree.runs().enumerate().filter(|(_, run)| run.run_type == RunType::Llm);
    let waits = calls
        .filter_map(|(row, run)| run.first_token_time.map(|first| (first.nanos_since(run.start_time), row)));
    let (wait, row) = waits.max_by_key(|(wait, row)| (*wait, Reverse(*row)))?;
    let share = percent(clamp(wait), clamp(tree.duration_nanos()));
    if wait < SLOW_FIRST_TOKEN_NANOS || share < SLOW_FIRST_TOKEN_PERCENT {
        return None;
    }
    let name = tree.name(row);
    let text = format!("{name} waited {} for its first token, {share}% of the trace", duration(wait));
    let numbers = [("wait_us", json!(wait / 1_000)), ("share_percent", json!(share as u64))];
    Some(Rule::SlowFirstToken.find(tree, row, Axis::Time, text, numbers))
}

/// Runs whose parent never came.
pub(super) fn missing_spans(tree: &Tree<'_>) -> Option<Finding> {
    // That of a run in a circle is here.
    let is_missing = |row: &&u32| tree.run(**row as usize).parent.is_none();
    let orphans: Vec<u32> = tree.forest.orphans.iter().filter(is_missing).copied().collect();
    let first = *orphans.first()? as usize;
    let name = tree.name(first);
    let text = match orphans.len() {
        1 => format!("{name} names a parent that never arrived"),
        orphans => format!("{orphans} runs name a parent that never arrived, {name} is the first"),
    };
    Some(Rule::MissingSpans.find(tree, first, Axis::Time, text, [("orphans", json!(orphans.len()))]))
}

fn clamp(nanos: i64) -> u128 {
    u128::try_from(nanos).unwrap_or(0)
}
