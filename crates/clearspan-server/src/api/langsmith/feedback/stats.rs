//! Figures of feedback, for runs in lists and for projects.

use std::collections::BTreeMap;
use std::sync::Arc;

use clearspan_catalog::{Feedback, FeedbackAbout, FeedbackQuery, FeedbackStats};
use clearspan_model::{ProjectId, RunId, TraceId, WorkspaceId};
use rustc_hash::FxHashMap;
use serde_json::{Map, Value, json};

use super::number_json;
use crate::api::catalog::in_catalog;
use crate::api::error::Result;
use crate::context::Context;

/// Feedback by the run it is about.
#[derive(Debug, Default)]
pub(in crate::api::langsmith) struct OfRuns(FxHashMap<RunId, Vec<Feedback>>);

impl OfRuns {
    /// `{key: figures}` of one run.
    pub(in crate::api::langsmith) fn stats(&self, trace_id: TraceId, run_id: RunId) -> Value {
        summed_up(self.about(trace_id, run_id))
    }

    /// Feedback on one run. Run ids made from span ids are unique per trace only.
    pub(in crate::api::langsmith) fn about(
        &self,
        trace_id: TraceId,
        run_id: RunId,
    ) -> impl Iterator<Item = &Feedback> {
        let all = self.0.get(&run_id).map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(move |one| one.trace_id.is_none_or(|id| id == trace_id))
    }
}

/// All feedback on some runs, without the preferences of comparisons.
pub(in crate::api::langsmith) async fn of_runs(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    run_ids: Vec<RunId>,
) -> Result<OfRuns> {
    if run_ids.is_empty() {
        return Ok(OfRuns::default());
    }
    let query = FeedbackQuery { run_ids: Some(run_ids), ..FeedbackQuery::default() };
    let all = in_catalog(ctx, move |catalog| catalog.list_feedback(workspace_id, &query)).await?;
    let mut by_run = OfRuns::default();
    for feedback in all {
        // A preference says which of several is better, not how good one is: it belongs to its comparison alone.
        if let Some(run_id) = feedback.run_id.filter(|_| feedback.comparative_experiment_id.is_none()) {
            by_run.0.entry(run_id).or_default().push(feedback);
        }
    }
    Ok(by_run)
}

/// The figures of a project: `feedback_stats` of its runs, `session_feedback_stats` of itself.
pub(in crate::api::langsmith) async fn of_project(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    project_id: ProjectId,
) -> Result<[(&'static str, Value); 2]> {
    let [runs, project] = in_catalog(ctx, move |catalog| {
        let stats = |about| catalog.feedback_stats(workspace_id, project_id, about);
        Ok([stats(FeedbackAbout::Runs)?, stats(FeedbackAbout::Project)?])
    })
    .await?;
    let object = |stats: Vec<(String, FeedbackStats)>| {
        Value::Object(stats.iter().map(|(key, stats)| (key.clone(), stats_json(stats))).collect())
    };
    Ok([("feedback_stats", object(runs)), ("session_feedback_stats", object(project))])
}

/// `{key: figures}` of some feedback.
pub(in crate::api::langsmith) fn summed_up<'a>(feedback: impl Iterator<Item = &'a Feedback>) -> Value {
    let mut by_key: BTreeMap<&str, FeedbackStats> = BTreeMap::new();
    for one in feedback {
        by_key.entry(&one.key).or_default().add(one);
    }
    let object: Map<String, Value> =
        by_key.into_iter().map(|(key, stats)| (key.to_owned(), stats_json(&stats))).collect();
    Value::Object(object)
}

fn stats_json(stats: &FeedbackStats) -> Value {
    json!({
        "n": stats.count,
        "avg": stats.average().map(number_json),
        "stdev": stats.standard_deviation(),
        "min": stats.min.map(number_json),
        "max": stats.max.map(number_json),
        "errors": stats.errors,
        "values": stats.values,
        "comments": stats.comments,
        "sources": stats.sources,
        "contains_thread_feedback": false,
        "show_feedback_arrow": false,
    })
}
