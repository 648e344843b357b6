//! `GET /sessions`: our projects under LangSmith's name.

pub(super) mod filter;
pub(super) mod which;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_catalog::{DatasetFilter, DatasetId, Project, ProjectDetails, ProjectName};
use clearspan_model::{JsonText, ProjectId, UnixNanos, WorkspaceId};
use clearspan_store::{ProjectActivity, Stats, TimeRange};
use rustc_hash::FxHashMap;
use serde_json::{Map, Value, json};

use self::which::Which;
use super::asked;
use super::feedback;
use super::input::{Pairs, blocking, is_true, parse_id, unprocessable};
use super::run_json::{iso, seconds};
use crate::api::error::{ApiError, Result};
use crate::api::extract::{Params, PathParams};
use crate::api::projects;
use crate::api::types::decimal_text;
use crate::auth::Caller;
use crate::context::Context;

/// The SDKs stop at a page that is shorter than what they asked for, so this is a ceiling, not a habit.
const MAX_LIMIT: usize = 1_000;
const DEFAULT_LIMIT: usize = 100;

/// Which runs the figures of a session are made from.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Figures {
    /// A filter in LangSmith's language.
    pub(super) filter: Option<String>,
    /// The earliest begin.
    pub(super) from: Option<UnixNanos>,
}

#[derive(Debug, Default, PartialEq)]
struct Asked {
    which: Which,
    include_stats: bool,
    reference_dataset_name: Option<String>,
    /// Only experiments, or none of them.
    is_experiment: Option<bool>,
    dataset_version: Option<String>,
    offset: usize,
    limit: usize,
    sort_by: Option<String>,
    ascending: bool,
}

pub(super) async fn list(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Vec<Value>>> {
    let mut asked = Asked::parse(&pairs)?;
    let workspace_id = caller.workspace_id;
    if let Some(name) = asked.reference_dataset_name.take() {
        let named = dataset_named(&ctx, workspace_id, name).await?;
        asked.which.reference_datasets.get_or_insert_default().extend(named);
    }
    let mut projects = projects::all(&ctx, workspace_id).await?;
    if projects.is_empty() {
        // The SDKs learn their tenant from the first session of the list, and ask again and again when there is none.
        let now = ctx.clock.now();
        let made = blocking(&ctx, move |ctx| {
            Ok(ctx.catalog.get_or_create_project(workspace_id, &ProjectName::default_project(), now)?)
        });
        projects.push(made.await?);
    }
    let activity = projects::activity(&ctx, workspace_id).await?;
    let details = all_details(&ctx, workspace_id).await?;
    let none = ProjectDetails::default();
    projects.retain(|project| asked.wants(project, details.get(&project.id).unwrap_or(&none)));
    let last = |project: &Project| activity.get(&project.id).map(|activity| activity.last_start);
    match asked.sort_by.as_deref() {
        Some("name") => projects.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str())),
        Some("last_run_start_time" | "last_run_start_time_live") => projects.sort_by_key(last),
        _ => projects.sort_by_key(|project| project.created_at),
    }
    if !asked.ascending {
        projects.reverse();
    }
    let mut sessions = Vec::new();
    for project in projects.iter().skip(asked.offset).take(asked.limit) {
        let details = details.get(&project.id).unwrap_or(&none);
        let activity = activity.get(&project.id);
        let figures = asked.include_stats.then(Figures::default);
        sessions.push(session(&ctx, &caller, project, details, activity, figures).await?);
    }
    Ok(Json(sessions))
}

pub(super) async fn get(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Value>> {
    let asked = Asked::parse(&pairs)?;
    let id: ProjectId =
        id.parse().map_err(|error| ApiError::parameter("session_id", format_args!("is {error}")))?;
    let project = projects::by_id(&ctx, caller.workspace_id, id).await?;
    let activity = projects::activity(&ctx, caller.workspace_id).await?;
    let details = details_of(&ctx, &project).await?;
    let figures = asked.include_stats.then(Figures::default);
    let session = session(&ctx, &caller, &project, &details, activity.get(&id), figures).await?;
    Ok(Json(session))
}

/// `GET /sessions/resolutions`: the project in which an agent's runs are. All of its environments are in one.
pub(super) async fn resolve(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Value>> {
    let value = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let kind = value("kind").unwrap_or_default();
    if !["AGENT", "EXPERIMENT", "EVALUATOR"].iter().any(|known| known.eq_ignore_ascii_case(kind)) {
        return Err(unprocessable(format!("kind is {kind:?}; it can be AGENT, EXPERIMENT or EVALUATOR")));
    }
    let id = value("id").unwrap_or_default();
    let is_it = |project: &Project| project.name.as_str() == id || project.id.to_string() == id;
    let projects = projects::all(&ctx, caller.workspace_id).await?;
    let project = projects.into_iter().find(is_it);
    let project = project.ok_or_else(|| ApiError::not_found("project of the agent or experiment", id))?;
    Ok(Json(json!({ "session_id": project.id })))
}

/// What is known of a project.
pub(super) async fn details_of(ctx: &Arc<Context>, project: &Project) -> Result<ProjectDetails> {
    let (workspace_id, id) = (project.workspace_id, project.id);
    let details = blocking(ctx, move |ctx| Ok(ctx.catalog.load_project_details(workspace_id, id)?)).await?;
    details.ok_or_else(|| ApiError::not_found("project", id))
}

/// What is known of all projects.
pub(super) async fn all_details(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
) -> Result<FxHashMap<ProjectId, ProjectDetails>> {
    let listed = blocking(ctx, move |ctx| Ok(ctx.catalog.list_project_details(workspace_id)?)).await?;
    Ok(listed.into_iter().map(|(project, details)| (project.id, details)).collect())
}

async fn dataset_named(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    name: String,
) -> Result<Option<DatasetId>> {
    let filter = DatasetFilter { name: Some(name), ..DatasetFilter::default() };
    let listed = blocking(ctx, move |ctx| Ok(ctx.catalog.list_datasets(workspace_id, &filter, 0, 1)?));
    Ok(listed.await?.0.first().map(|dataset| dataset.id))
}

impl Asked {
    fn parse(pairs: &Pairs) -> Result<Self> {
        let mut asked = Self { limit: DEFAULT_LIMIT, ..Self::default() };
        for (key, value) in pairs {
            let count = || {
                value
                    .parse()
                    .map_err(|_| ApiError::parameter(key, format_args!("is {value:?}, which is no count")))
            };
            match key.as_str() {
                "include_stats" => asked.include_stats = is_true(value),
                "reference_dataset" => asked.which.add_dataset(parse_id("dataset id", value)?),
                "reference_dataset_name" => asked.reference_dataset_name = Some(value.clone()),
                "reference_free" => asked.is_experiment = Some(!is_true(value)),
                "dataset_version" => asked.dataset_version = Some(value.clone()),
                "offset" => asked.offset = count()?,
                "limit" => asked.limit = count()?.clamp(1, MAX_LIMIT),
                "sort_by" => asked.sort_by = Some(value.clone()),
                "sort_by_desc" => asked.ascending = !is_true(value),
                _ => asked.which.take(key, value)?,
            }
        }
        Ok(asked)
    }

    fn wants(&self, project: &Project, details: &ProjectDetails) -> bool {
        let has_version = |version: &String| {
            metadata_of(details).get("dataset_version").and_then(Value::as_str) == Some(version)
        };
        self.which.holds(project, details)
            && self.is_experiment.is_none_or(|wanted| wanted == details.reference_dataset_id.is_some())
            && self.dataset_version.as_ref().is_none_or(has_version)
    }
}

/// The metadata of a project.
pub(super) fn metadata_of(details: &ProjectDetails) -> Map<String, Value> {
    let extra = details.extra.as_ref().map(JsonText::to_value).unwrap_or_default();
    extra.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default()
}

pub(super) async fn session(
    ctx: &Arc<Context>,
    caller: &Caller,
    project: &Project,
    details: &ProjectDetails,
    activity: Option<&ProjectActivity>,
    figures: Option<Figures>,
) -> Result<Value> {
    let plan = details.plan.as_ref().map(JsonText::to_value);
    let mut session = json!({
        "id": project.id,
        "tenant_id": project.workspace_id,
        "name": project.name.as_str(),
        "description": details.description,
        "start_time": iso(filter::began(project, details)),
        "end_time": details.end_time.map(iso),
        "extra": details.extra.as_ref().map(JsonText::to_value),
        "reference_dataset_id": details.reference_dataset_id.map(|id| id.to_string()),
        "default_dataset_id": details.default_dataset_id.map(|id| id.to_string()),
        "trace_tier": details.trace_tier,
        "test_run_number": details.number,
        "last_run_start_time": activity.map(|activity| iso(activity.last_start)),
        "last_run_start_time_live": activity.map(|activity| iso(activity.last_start)),
    });
    if let Some(figures) = figures {
        let runs = asked::Asked {
            project_ids: Some(vec![project.id]),
            is_root: figures.filter.is_some().then_some(true),
            range: TimeRange { from: figures.from, to: None },
            filters: figures.filter.into_iter().map(|text| ("stats_filter", text)).collect(),
            ..asked::Asked::default()
        };
        let selection = runs.selection(ctx, caller.workspace_id).await?;
        let stats = ctx.store.root_stats(&selection).await?;
        let session = session.as_object_mut().expect("made as an object above");
        session.extend(stats_json(&stats));
        let feedback = feedback::of_project(ctx, caller.workspace_id, project.id).await?;
        session.extend(feedback.map(|(name, stats)| (name.to_owned(), stats)));
        if let Some(plan) = plan {
            session.insert("experiment_progress".to_owned(), progress(&plan, stats.count));
        }
    }
    Ok(session)
}

/// How far an experiment is.
fn progress(plan: &Value, run_count: u64) -> Value {
    let planned = |key: &str| plan.get(key).and_then(Value::as_u64);
    let expected =
        planned("num_examples").map(|examples| examples * planned("num_repetitions").unwrap_or(1).max(1));
    let done = expected
        .filter(|expected| *expected > 0)
        .map(|expected| (run_count as f64 / expected as f64).min(1.0));
    json!({ "expected_run_count": expected, "run_progress": done, "evaluator_progress": {} })
}

/// Figures with the keys that sessions and `POST /runs/stats` share.
pub(super) fn stats_json(stats: &Stats) -> serde_json::Map<String, Value> {
    // A call that two instrumentations tell of is one call that failed or did not.
    let error_rate = match stats.count.saturating_sub(stats.double_count) {
        0 => Value::Null,
        count => json!(stats.error_count as f64 / count as f64),
    };
    let figures = json!({
        "run_count": stats.count,
        "latency_p50": stats.latency_p50.map(seconds),
        "latency_p99": stats.latency_p99.map(seconds),
        "total_tokens": stats.total_tokens,
        "prompt_tokens": stats.input_tokens,
        "completion_tokens": stats.output_tokens,
        "total_cost": decimal_text(stats.total_cost),
        "prompt_cost": decimal_text(stats.input_cost),
        "completion_cost": decimal_text(stats.output_cost),
        "error_rate": error_rate,
        "feedback_stats": {},
        "last_run_start_time": stats.last_start.map(iso),
    });
    match figures {
        Value::Object(figures) => figures,
        _ => serde_json::Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&str, &str)]) -> Result<Asked> {
        Asked::parse(&pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_failure_that_two_told_of_is_one_of_the_calls() {
        let rate = |count, double_count, error_count| {
            stats_json(&Stats { count, double_count, error_count, ..Stats::default() })["error_rate"].clone()
        };
        assert_eq!(rate(4, 2, 1), json!(0.5));
        assert_eq!(rate(4, 0, 1), json!(0.25));
        assert_eq!(rate(0, 0, 0), Value::Null);
    }

    #[test]
    fn parameters_of_both_sdks_are_understood() {
        let python =
            asked(&[("limit", "1"), ("name", "demo"), ("reference_free", "True"), ("include_stats", "True")]);
        let python = python.unwrap();
        assert_eq!(python.which.name.as_deref(), Some("demo"));
        assert_eq!((python.limit, python.include_stats, python.is_experiment), (1, true, Some(false)));
        assert_eq!(asked(&[("reference_free", "true")]).unwrap().is_experiment, Some(false));
        assert!(asked(&[("reference_dataset", "x")]).is_err());
        assert!(asked(&[("metadata", "[1]")]).is_err());
        assert_eq!(asked(&[("limit", "0")]).unwrap().limit, 1);
        assert!(asked(&[("limit", "many")]).is_err());
        assert!(asked(&[("filter", "eq(name, 'x')")]).unwrap().which.filter.is_some());
        assert!(asked(&[("filter", "eq(colour, 'x')")]).is_err());
        assert!(asked(&[("id", "x")]).is_err());
    }
}
