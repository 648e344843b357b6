//! From whole runs to the rows that lists and trees show; the same code for every engine.
//!
//! This module owns what a [`RunSummary`] and a [`TraceSummary`] say. It leaves the rule about what counts to
//! [`clearspan_model::rollup`] and the choice of rows to the engines. Nothing here recurses: a trace may be a
//! chain of 100,000 runs, and a circle of parents is no trouble.

mod preview;
mod transport;

pub(crate) use preview::{of_input as input_preview, of_output as output_preview};
pub(crate) use transport::is_transport;

use std::cmp::Reverse;
use std::collections::BTreeSet;

use clearspan_model::rollup::{self, Billed, Call, Node, Totals};
use clearspan_model::{CostSource, JsonText, ProjectId, Run, RunId, RunType, Status, TraceId, Usage};

use rustc_hash::FxHashMap;

use crate::outline::{OutlineRun, Text};
use crate::{RunSummary, TraceSummary};

/// What is shown of a run without a name.
pub(crate) const UNNAMED: &str = "unnamed";

/// The row of one run, with the verdict on what counts as if it stood alone ([`mark_billed`] needs the whole trace).
#[cfg_attr(
    not(any(test, feature = "testing")),
    expect(
        dead_code,
        reason = "the native engine reads this from its columns; the in-memory engine does not have any"
    )
)]
pub(crate) fn run_summary(run: &Run) -> RunSummary {
    let (usage, cost) = (run.usage.as_ref(), run.cost.as_ref());
    let (input_tokens, output_tokens) =
        (usage.and_then(|u| u.input_tokens), usage.and_then(|u| u.output_tokens));
    RunSummary {
        project_id: run.key.project_id,
        trace_id: run.key.trace_id,
        run_id: run.key.run_id,
        parent_run_id: run.parent_run_id,
        span_id: run.span_id,
        dotted_order: run.dotted_order.clone(),
        name: run.name.clone().unwrap_or_else(|| UNNAMED.to_owned()),
        run_type: run.effective_type(),
        status: run.effective_status(),
        error: run.error.clone(),
        error_type: run.error_type.clone(),
        start_time: run.start_time.unwrap_or(run.received_at),
        end_time: run.end_time,
        first_token_time: run.first_token_time,
        received_at: run.received_at,
        model: run.model.clone(),
        provider: run.provider.clone(),
        input_tokens,
        output_tokens,
        total_tokens: usage.and_then(total_tokens),
        cache_read_tokens: usage.and_then(Usage::cache_read_tokens),
        reasoning_tokens: usage.and_then(Usage::reasoning_tokens),
        input_cost: cost.and_then(|cost| cost.input),
        output_cost: cost.and_then(|cost| cost.output),
        total_cost: cost.and_then(|cost| cost.total),
        cost_source: cost.map(|cost| cost.source.clone()).unwrap_or_default(),
        billed: rollup::billed(&[Node::of_run(run, None)])[0],
        double_of: None,
        is_transport: is_transport(run),
        response_id: response_id(run),
        scope_name: run.scope_name.clone(),
        dialect: run.dialect.clone(),
        thread_id: run.thread_id.clone(),
        user_id: run.user_id.clone(),
        environment: run.environment.clone(),
        service: run.service.clone(),
        release: run.release.clone(),
        tags: run.tags.clone(),
        metadata: run.metadata.clone(),
        input_preview: preview::of_input(run),
        output_preview: preview::of_output(run),
    }
}

/// The provider's id of the answer.
pub(crate) fn response_id(run: &Run) -> Option<String> {
    run.metadata.get("response_id").map(JsonText::to_plain).filter(|id| !id.is_empty())
}

/// What counts of each run, and what it and everything below it used and cost. The runs may belong to several
/// traces; of a trace that is not complete, the answer is about the part that is here.
pub fn roll_up(runs: &[RunSummary]) -> (Vec<Billed>, Vec<Totals>) {
    let nodes = nodes(runs);
    let billed = rollup::billed(&nodes);
    let totals = rollup::subtree_totals(&nodes, &billed);
    (billed, totals)
}

/// Sets [`RunSummary::billed`] and [`RunSummary::double_of`] of all runs of one or more whole traces.
pub(crate) fn mark_billed(runs: &mut [RunSummary]) {
    let verdicts = rollup::judge(&nodes(runs));
    let run_ids: Vec<RunId> = runs.iter().map(|run| run.run_id).collect();
    for (run, verdict) in runs.iter_mut().zip(verdicts) {
        run.billed = verdict.billed;
        run.double_of = verdict.double_of.map(|idx| run_ids[idx]);
    }
}

/// Which run of one trace stands for it; the runs may be in any order.
pub(crate) fn root_of(runs: &[RunSummary]) -> Option<usize> {
    let positions = positions(runs);
    let by_start = |idx: &usize| (runs[*idx].start_time, runs[*idx].run_id);
    let is_root = |idx: &usize| runs[*idx].parent_run_id.is_none();
    let is_orphan = |idx: &usize| parent(&runs[*idx], &positions).is_none();
    let all = 0..runs.len();
    let without_parent = all.clone().filter(is_root).min_by_key(by_start);
    without_parent
        .or_else(|| all.clone().filter(is_orphan).min_by_key(by_start))
        .or_else(|| all.min_by_key(by_start))
}

/// True when a run should have a cost and has none, and no other run speaks for it.
#[cfg_attr(
    not(any(test, feature = "testing")),
    expect(
        dead_code,
        reason = "the native engine reads this from its columns; the in-memory engine does not have any"
    )
)]
pub(crate) fn is_unpriced(run: &RunSummary) -> bool {
    let is_unpriced = matches!(run.cost_source, CostSource::Unpriced { .. });
    run.total_cost.is_none() && is_unpriced && run.double_of.is_none()
}

/// Sums up all runs of one trace, in any order.
///
/// # Panics
/// When there are no runs: such a trace does not exist.
pub(crate) fn trace_summary(mut runs: Vec<RunSummary>) -> TraceSummary {
    runs.sort_by_key(|run| (run.start_time, run.run_id));
    let positions = positions(&runs);
    let parents: Vec<Option<usize>> = runs.iter().map(|run| parent(run, &positions)).collect();
    mark_billed(&mut runs);
    let totals = totals(&runs);
    let root = &runs[root_position(&runs, &parents)];
    let llm_runs = || runs.iter().filter(|run| run.run_type == RunType::Llm);
    let first = runs.first().expect("a trace has at least one run");

    TraceSummary {
        is_orphan: is_orphan(root, &positions),
        start_time: first.start_time,
        end_time: match root.status {
            Status::Pending => None,
            Status::Success | Status::Error => runs.iter().filter_map(|run| run.end_time).max(),
        },
        run_count: runs.len() as u64,
        llm_count: runs.iter().filter(|run| run.counts_as_llm_call()).count() as u64,
        error_count: runs.iter().filter(|run| run.counts_as_error()).count() as u64,
        unpriced_count: totals.unpriced_runs,
        input_cost: totals.input_cost,
        output_cost: totals.output_cost,
        total_cost: totals.total_cost,
        input_tokens: totals.input_tokens,
        output_tokens: totals.output_tokens,
        total_tokens: totals.total_tokens,
        cache_read_tokens: cache_read_tokens(&runs),
        models: distinct(runs.iter().filter_map(|run| run.model.as_ref())),
        providers: distinct(runs.iter().filter_map(|run| run.provider.as_ref())),
        thread_id: first_known(root, &runs, |run| run.thread_id.as_ref()),
        user_id: first_known(root, &runs, |run| run.user_id.as_ref()),
        error: root.error.clone().or_else(|| deepest_error(&runs, &parents)),
        input_preview: root
            .input_preview
            .clone()
            .or_else(|| llm_runs().find_map(|run| run.input_preview.clone())),
        output_preview: root
            .output_preview
            .clone()
            .or_else(|| llm_runs().rev().find_map(|run| run.output_preview.clone())),
        root: root.clone(),
    }
}

/// Runs of one id in two traces are two runs.
type Place = (ProjectId, TraceId, RunId);

fn positions(runs: &[RunSummary]) -> FxHashMap<Place, usize> {
    runs.iter().enumerate().map(|(idx, run)| ((run.project_id, run.trace_id, run.run_id), idx)).collect()
}

fn parent(run: &RunSummary, positions: &FxHashMap<Place, usize>) -> Option<usize> {
    let parent_run_id = run.parent_run_id?;
    positions.get(&(run.project_id, run.trace_id, parent_run_id)).copied()
}

fn is_orphan(run: &RunSummary, positions: &FxHashMap<Place, usize>) -> bool {
    run.parent_run_id.is_some() && parent(run, positions).is_none()
}

/// The run without a parent, else the first whose parent is not here, else (all parents form circles) the first.
fn root_position(runs: &[RunSummary], parents: &[Option<usize>]) -> usize {
    let without_parent = runs.iter().position(|run| run.parent_run_id.is_none());
    without_parent.or_else(|| parents.iter().position(Option::is_none)).unwrap_or(0)
}

fn nodes(runs: &[RunSummary]) -> Vec<Node<'_>> {
    let positions = positions(runs);
    runs.iter().map(|run| node(run, parent(run, &positions))).collect()
}

fn node(run: &RunSummary, parent: Option<usize>) -> Node<'_> {
    let mut texts: Vec<&str> = Vec::with_capacity(10);
    let row = OutlineRun::of(run, |text| {
        texts.push(text);
        Text::at(texts.len() - 1)
    });
    let node = row.node((run.project_id, run.trace_id), |text| texts[text.position()]);
    let (input, output) = (run.input_preview.as_deref(), run.output_preview.as_deref());
    Node { parent, call: node.call.map(|call| Call { input, output, ..call }), ..node }
}

/// The sum over all runs. Not the totals of the root: a trace may have several runs without a parent.
fn totals(runs: &[RunSummary]) -> Totals {
    let mut totals = Totals::default();
    for run in runs {
        totals.add(&Totals::own(&node(run, None), run.billed));
    }
    totals
}

fn cache_read_tokens(runs: &[RunSummary]) -> Option<u64> {
    let counted = runs.iter().filter(|run| run.billed.tokens);
    counted.filter_map(|run| run.cache_read_tokens).reduce(u64::saturating_add)
}

/// The error of the failed run that is deepest in the tree and, among those, ended last.
fn deepest_error(runs: &[RunSummary], parents: &[Option<usize>]) -> Option<String> {
    let depths = depths(parents);
    let failed = runs.iter().enumerate().filter(|(_, run)| run.status == Status::Error);
    failed
        .filter_map(|(idx, run)| Some((idx, run, run.error.as_ref()?)))
        .max_by_key(|(idx, run, _)| (depths[*idx], run.end_time, Reverse(*idx)))
        .map(|(_, _, error)| error.clone())
}

/// How many runs are above each. A circle counts as if it began at the run from which it was first entered.
fn depths(parents: &[Option<usize>]) -> Vec<usize> {
    let mut depths: Vec<Option<usize>> = vec![None; parents.len()];
    let mut on_path = vec![false; parents.len()];
    for start in 0..parents.len() {
        let mut path = Vec::new();
        let mut at = Some(start);
        while let Some(idx) = at.filter(|idx| depths[*idx].is_none() && !on_path[*idx]) {
            on_path[idx] = true;
            path.push(idx);
            at = parents[idx];
        }
        let first_depth = at.and_then(|idx| depths[idx]).map_or(0, |depth| depth + 1);
        for (depth, idx) in (first_depth..).zip(path.into_iter().rev()) {
            on_path[idx] = false;
            depths[idx] = Some(depth);
        }
    }
    depths.into_iter().map(|depth| depth.expect("each run was on one path")).collect()
}

fn first_known<'a>(
    root: &'a RunSummary,
    runs: &'a [RunSummary],
    field: impl Fn(&'a RunSummary) -> Option<&'a String>,
) -> Option<String> {
    field(root).or_else(|| runs.iter().find_map(field)).cloned()
}

fn distinct<'a>(values: impl Iterator<Item = &'a String>) -> Vec<String> {
    let values: BTreeSet<&String> = values.collect();
    values.into_iter().cloned().collect()
}

/// What the client stated, else the sum.
pub(crate) fn total_tokens(usage: &Usage) -> Option<u64> {
    usage.total_tokens.or_else(|| sum(usage.input_tokens, usage.output_tokens))
}

fn sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (None, None) => None,
        (one, other) => Some(one.unwrap_or(0).saturating_add(other.unwrap_or(0))),
    }
}

#[cfg(test)]
mod tests;
