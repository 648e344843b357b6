//! What people, programs and evaluators said of runs, for the pages that show runs. Giving it goes over LangSmith's protocol.
//!
//! Feedback names its run, and mostly its trace; that which came before its run may name no trace. Run ids made from span ids
//! are unique per trace only, so where a trace is named it must be the run's.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::Arc;

use clearspan_catalog::{Feedback, FeedbackAbout, FeedbackQuery, FeedbackStats, Score};
use clearspan_model::{JsonText, RunId, TraceId, WorkspaceId};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::catalog::in_catalog;
use super::error::Result;
use super::format::cut;
use crate::context::Context;

/// The newest of a run that are shown.
const MAX_OF_RUN: usize = 1_000;
/// Values of a key that lists show, and how much of each.
const MAX_VALUES: usize = 5;
const MAX_VALUE_CHARS: usize = 60;
/// So much feedback without a trace is compared with the runs of a trace in memory; more is looked up run by run.
const MAX_WITHOUT_TRACE: usize = 1_000;

/// What somebody said of a run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FeedbackAnswer {
    id: String,
    /// What is judged.
    key: String,
    score: Option<ScoreAnswer>,
    /// The judgement in words, or any JSON.
    #[schema(value_type = Option<serde_json::Value>)]
    value: Option<JsonText>,
    comment: Option<String>,
    /// What would have been right.
    #[schema(value_type = Option<serde_json::Value>)]
    correction: Option<JsonText>,
    /// The kind of its source: `api`, `app`, `model`, …
    source: Option<String>,
    /// All that is known of the source, as it was sent.
    #[schema(value_type = Option<serde_json::Value>)]
    source_details: Option<JsonText>,
    /// The run of the evaluator that judged.
    evaluator_run_id: Option<String>,
    /// Whether the evaluator failed to judge; the comment says why.
    error: bool,
    created_at: i64,
    modified_at: i64,
}

/// A judgement as a number, or as good or bad.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ScoreAnswer {
    Bool(bool),
    Number(f64),
}

impl From<Feedback> for FeedbackAnswer {
    fn from(feedback: Feedback) -> Self {
        Self {
            id: feedback.id.to_string(),
            evaluator_run_id: feedback.source.as_ref().and_then(evaluator_run),
            key: feedback.key,
            score: feedback.score.map(|score| match score {
                Score::Bool(yes) => ScoreAnswer::Bool(yes),
                Score::Number(number) => ScoreAnswer::Number(number),
            }),
            value: feedback.value,
            comment: feedback.comment,
            correction: feedback.correction,
            source: feedback.source_type,
            source_details: feedback.source,
            error: feedback.is_error == Some(true),
            created_at: feedback.created_at.as_micros(),
            modified_at: feedback.modified_at.as_micros(),
        }
    }
}

/// Evaluators of LangSmith's SDKs are runs themselves.
fn evaluator_run(source: &JsonText) -> Option<String> {
    let id = source.to_value().pointer("/metadata/__run/run_id").and_then(Value::as_str)?.to_owned();
    Some(id)
}

/// The feedback with one key, summed up.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FeedbackFigures {
    key: String,
    count: u64,
    /// The mean of the scores, where good is 1 and bad 0; null when there are none.
    average: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    /// How often each value was given; at most five, the most frequent ones.
    values: BTreeMap<String, u64>,
    /// How often an evaluator failed to judge.
    errors: u64,
}

impl FeedbackFigures {
    fn new(key: &str, stats: &FeedbackStats) -> Self {
        let mut values: Vec<(&String, &u64)> = stats.values.iter().collect();
        values.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        values.truncate(MAX_VALUES);
        Self {
            key: key.to_owned(),
            count: stats.count,
            average: stats.average(),
            min: stats.min,
            max: stats.max,
            values: values.into_iter().map(|(value, count)| (cut(value, MAX_VALUE_CHARS), *count)).collect(),
            errors: stats.errors,
        }
    }
}

/// The feedback with one key on one run of a trace.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FeedbackMark {
    /// Of the run.
    row: usize,
    /// Position in `dict`.
    key: usize,
    count: u64,
    /// The mean of the scores, where good is 1 and bad 0; null when there are none.
    average: Option<f64>,
}

impl FeedbackMark {
    pub(crate) fn new(row: usize, key: usize, stats: &FeedbackStats) -> Self {
        Self { row, key, count: stats.count, average: stats.average() }
    }
}

/// Figures by key.
pub(crate) type ByKey = BTreeMap<String, FeedbackStats>;

pub(crate) fn figures(by_key: &ByKey) -> Vec<FeedbackFigures> {
    by_key.iter().map(|(key, stats)| FeedbackFigures::new(key, stats)).collect()
}

/// What was said of one run, the newest first.
pub(crate) async fn of_run(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    trace_id: TraceId,
    run_id: RunId,
) -> Result<Vec<FeedbackAnswer>> {
    let query = FeedbackQuery { run_ids: Some(vec![run_id]), ..FeedbackQuery::default() };
    let all = in_catalog(ctx, move |catalog| catalog.list_feedback(workspace_id, &query)).await?;
    let its_own = all.into_iter().filter(|one| one.trace_id.is_none_or(|id| id == trace_id));
    Ok(its_own.take(MAX_OF_RUN).map(Into::into).collect())
}

/// What was said of the runs of one trace.
pub(crate) async fn of_trace(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    trace_id: TraceId,
    run_ids: Vec<RunId>,
) -> Result<FxHashMap<RunId, ByKey>> {
    in_catalog(ctx, move |catalog| {
        let with_trace = FeedbackQuery { trace_ids: Some(vec![trace_id]), ..FeedbackQuery::default() };
        let mut all = catalog.list_feedback(workspace_id, &with_trace)?;
        let without_trace = FeedbackQuery {
            has_trace: Some(false),
            about: Some(FeedbackAbout::Runs),
            limit: Some(MAX_WITHOUT_TRACE + 1),
            ..FeedbackQuery::default()
        };
        let mut others = catalog.list_feedback(workspace_id, &without_trace)?;
        if others.len() > MAX_WITHOUT_TRACE {
            let run_ids = Some(run_ids.clone());
            others = catalog
                .list_feedback(workspace_id, &FeedbackQuery { run_ids, limit: None, ..without_trace })?;
        }
        all.extend(others);
        // Most traces have none, and large ones have many runs.
        if all.is_empty() {
            return Ok(FxHashMap::default());
        }
        let run_ids: FxHashSet<RunId> = run_ids.into_iter().collect();
        let on_runs = all.iter().filter_map(|one| Some((one.run_id?, one)));
        Ok(sum_up(on_runs.filter(|(run_id, _)| run_ids.contains(run_id))))
    })
    .await
}

/// What was said of the runs of some traces, trace by trace. Each comes with its root: feedback that names no trace is found by
/// that.
pub(crate) async fn of_traces(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    traces: Vec<(TraceId, RunId)>,
) -> Result<FxHashMap<TraceId, ByKey>> {
    if traces.is_empty() {
        return Ok(FxHashMap::default());
    }
    in_catalog(ctx, move |catalog| {
        let trace_ids = Some(traces.iter().map(|(trace_id, _)| *trace_id).collect());
        let with_trace =
            FeedbackQuery { trace_ids, about: Some(FeedbackAbout::Runs), ..FeedbackQuery::default() };
        let of_root: FxHashMap<RunId, TraceId> =
            traces.iter().map(|(trace_id, run_id)| (*run_id, *trace_id)).collect();
        let without_trace = FeedbackQuery {
            run_ids: Some(of_root.keys().copied().collect()),
            has_trace: Some(false),
            ..FeedbackQuery::default()
        };
        let mut all = catalog.list_feedback(workspace_id, &with_trace)?;
        all.extend(catalog.list_feedback(workspace_id, &without_trace)?);
        let trace = |one: &Feedback| one.trace_id.or_else(|| of_root.get(&one.run_id?).copied());
        Ok(sum_up(all.iter().filter_map(|one| Some((trace(one)?, one)))))
    })
    .await
}

/// What was said of some runs, run by run.
pub(crate) async fn of_runs(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    runs: Vec<(TraceId, RunId)>,
) -> Result<FxHashMap<(TraceId, RunId), ByKey>> {
    if runs.is_empty() {
        return Ok(FxHashMap::default());
    }
    let run_ids = Some(runs.iter().map(|(_, run_id)| *run_id).collect());
    let query = FeedbackQuery { run_ids, ..FeedbackQuery::default() };
    let all = in_catalog(ctx, move |catalog| catalog.list_feedback(workspace_id, &query)).await?;
    let mut by_run: FxHashMap<RunId, Vec<&Feedback>> = FxHashMap::default();
    for one in &all {
        if let Some(run_id) = one.run_id {
            by_run.entry(run_id).or_default().push(one);
        }
    }
    Ok(sum_up(runs.into_iter().flat_map(|run| {
        let (trace_id, run_id) = run;
        let about = by_run.get(&run_id).into_iter().flatten().copied();
        let its_own = about.filter(move |one| one.trace_id.is_none_or(|id| id == trace_id));
        its_own.map(move |one| (run, one)).collect::<Vec<_>>()
    })))
}

fn sum_up<'f, K: Eq + Hash>(feedback: impl Iterator<Item = (K, &'f Feedback)>) -> FxHashMap<K, ByKey> {
    let mut summed: FxHashMap<K, ByKey> = FxHashMap::default();
    for (what, one) in feedback {
        summed.entry(what).or_default().entry(one.key.clone()).or_default().add(one);
    }
    summed
}
