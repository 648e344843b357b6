//! `GET /sessions`: our projects under LangSmith's name.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_catalog::Project;
use clearspan_model::ProjectId;
use clearspan_store::{ProjectActivity, Scope, Selection, Stats, TimeRange, Unit};
use serde_json::{Value, json};

use super::feedback;
use super::run_json::{iso, seconds};
use crate::api::error::{ApiError, ErrorCode, Result};
use crate::api::extract::{Params, PathParams};
use crate::api::projects;
use crate::api::types::decimal_text;
use crate::auth::Caller;
use crate::context::Context;

/// The SDKs stop at a page that is shorter than what they asked for, so this is a ceiling, not a habit.
const MAX_LIMIT: usize = 1_000;
const DEFAULT_LIMIT: usize = 100;

/// The parameters as they come: some repeat, booleans are `True` or `true`.
type Pairs = Vec<(String, String)>;

#[derive(Debug, Default, PartialEq)]
struct Asked {
    ids: Vec<ProjectId>,
    name: Option<String>,
    name_contains: Option<String>,
    include_stats: bool,
    /// Experiments on a dataset are asked for; there are none.
    only_experiments: bool,
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
    let asked = Asked::parse(&pairs)?;
    if asked.only_experiments {
        return Ok(Json(Vec::new()));
    }
    let mut projects = projects::all(&ctx, caller.workspace_id).await?;
    let activity = projects::activity(&ctx, caller.workspace_id).await?;
    projects.retain(|project| asked.wants(project));
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
        sessions.push(session(&ctx, &caller, project, activity.get(&project.id), asked.include_stats).await?);
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
    let session = session(&ctx, &caller, &project, activity.get(&id), asked.include_stats).await?;
    Ok(Json(session))
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
                "id" => {
                    asked.ids.push(
                        value
                            .parse()
                            .map_err(|error| ApiError::parameter("id", format_args!("is {error}")))?,
                    );
                }
                "name" => asked.name = Some(value.clone()),
                "name_contains" => asked.name_contains = Some(value.to_lowercase()),
                "include_stats" => asked.include_stats = is_true(value),
                "reference_dataset" | "reference_dataset_name" | "metadata" => asked.only_experiments = true,
                "reference_free" if value.eq_ignore_ascii_case("false") => asked.only_experiments = true,
                "offset" => asked.offset = count()?,
                "limit" => asked.limit = count()?.clamp(1, MAX_LIMIT),
                "sort_by" => asked.sort_by = Some(value.clone()),
                "sort_by_desc" => asked.ascending = !is_true(value),
                "filter" => {
                    return Err(ApiError::new(
                        ErrorCode::InvalidFilter,
                        "filtering projects is not supported yet",
                    ));
                }
                _ => {}
            }
        }
        Ok(asked)
    }

    fn wants(&self, project: &Project) -> bool {
        let name = project.name.as_str();
        (self.ids.is_empty() || self.ids.contains(&project.id))
            && self.name.as_deref().is_none_or(|wanted| wanted == name)
            && self.name_contains.as_ref().is_none_or(|part| name.to_lowercase().contains(part))
    }
}

fn is_true(value: &str) -> bool {
    value.eq_ignore_ascii_case("true") || value == "1"
}

async fn session(
    ctx: &Arc<Context>,
    caller: &Caller,
    project: &Project,
    activity: Option<&ProjectActivity>,
    include_stats: bool,
) -> Result<Value> {
    let mut session = json!({
        "id": project.id,
        "tenant_id": project.workspace_id,
        "name": project.name.as_str(),
        "description": null,
        "start_time": iso(project.created_at),
        "end_time": null,
        "extra": {},
        "reference_dataset_id": null,
        "default_dataset_id": null,
        "trace_tier": null,
        "test_run_number": null,
        "last_run_start_time": activity.map(|activity| iso(activity.last_start)),
        "last_run_start_time_live": activity.map(|activity| iso(activity.last_start)),
    });
    if include_stats {
        let scope = Scope { workspace_id: caller.workspace_id, project_ids: Some(vec![project.id]) };
        let selection = Selection { scope, range: TimeRange::default(), filter: None };
        let stats = ctx.store.stats(Unit::Traces, &selection).await?;
        let session = session.as_object_mut().expect("made as an object above");
        session.extend(stats_json(&stats));
        let feedback = feedback::of_project(ctx, caller.workspace_id, project.id).await?;
        session.extend(feedback.map(|(name, stats)| (name.to_owned(), stats)));
    }
    Ok(session)
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
        let expected =
            Asked { limit: 1, name: Some("demo".to_owned()), include_stats: true, ..Asked::default() };
        assert_eq!(python.unwrap(), expected);
        assert!(asked(&[("reference_dataset", "x")]).unwrap().only_experiments);
        assert_eq!(asked(&[("limit", "0")]).unwrap().limit, 1);
        assert!(asked(&[("limit", "many")]).is_err());
        assert!(asked(&[("filter", "eq(name, 'x')")]).is_err());
        assert!(asked(&[("id", "x")]).is_err());
    }
}
