//! `/api/v2/sessions`: our projects in the second version of the protocol.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use clearspan_catalog::{Project, ProjectDetails};
use clearspan_model::UnixNanos;
use clearspan_store::ProjectActivity;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::experiments::{SessionBody, change, make};
use super::super::find::{Pairs, is_true, unprocessable};
use super::super::input::{LargeJson, parse_id, parse_time};
use super::super::sessions::which::Which;
use super::super::sessions::{Figures, all_details, details_of, filter, metadata_of, session};
use super::answer;
use super::runs::{value_of, values_of};
use super::sorted::{Asked, Place, SortKey};
use crate::api::error::{ApiError, Result};
use crate::api::extract::{Params, PathParams};
use crate::api::projects;
use crate::auth::Caller;
use crate::context::Context;

const COLUMNS: &[&str] =
    &["NAME", "START_TIME", "LAST_RUN_START_TIME", "ERROR_RATE", "LATENCY_P50", "LATENCY_P99", "FEEDBACK"];
const TYPES: &[&str] = &["PROJECT", "AGENT", "EXPERIMENT"];
/// Members with what somebody paid: numbers in this version.
const COSTS: &[&str] = &["total_cost", "prompt_cost", "completion_cost"];
/// Members of feedback figures that this version has.
const FEEDBACK: &[&str] =
    &["avg", "contains_thread_feedback", "errors", "max", "min", "n", "stdev", "values"];

/// Which projects are asked for.
#[derive(Debug, Default)]
struct Wanted {
    which: Which,
    types: Vec<String>,
    dataset_version: Option<UnixNanos>,
    has_tags: bool,
}

pub(in crate::api::langsmith) async fn list(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    headers: HeaderMap,
    Params(pairs): Params<Pairs>,
) -> Result<Response> {
    let asked = Asked::parse(&pairs, COLUMNS, "START_TIME")?;
    let wanted = Wanted::parse(&pairs)?;
    let feedback_key = feedback_key(&pairs, asked.by())?;
    let figures = figures(&pairs)?;
    let workspace_id = caller.workspace_id;
    let details = all_details(&ctx, workspace_id).await?;
    let activity = projects::activity(&ctx, workspace_id).await?;
    let none = ProjectDetails::default();
    let details_of = |project: &Project| details.get(&project.id).unwrap_or(&none);
    let mut projects = projects::all(&ctx, workspace_id).await?;
    projects.retain(|project| wanted.has(project, details_of(project)));

    // Most columns are known without reading any run; for the others every project is summed up.
    let by_figures = matches!(asked.by(), "ERROR_RATE" | "LATENCY_P50" | "LATENCY_P99" | "FEEDBACK");
    let json = async |project: &Project, figures: Option<Figures>| {
        let (details, activity) = (details_of(project), activity.get(&project.id));
        Ok::<_, ApiError>(second(session(&ctx, &caller, project, details, activity, figures).await?))
    };
    let mut sessions = Vec::with_capacity(projects.len());
    for project in projects {
        let summed = match by_figures {
            true => json(&project, Some(figures.clone().unwrap_or_default())).await?,
            false => Value::Null,
        };
        sessions.push((project, summed));
    }
    let (page, next) = asked.page(sessions, |(project, summed)| {
        let key = match &feedback_key {
            Some((side, name)) => summed[side][name]["avg"].as_f64().map(SortKey::Number),
            None => key_of(asked.by(), project, details_of(project), activity.get(&project.id), summed),
        };
        Place::new(key, project.id)
    });
    let selected: Vec<&str> = values_of(&pairs, "stats_select").collect();
    let mut items = Vec::with_capacity(page.len());
    for (project, summed) in page {
        let item = match (&figures, summed) {
            (Some(_), summed @ Value::Object(_)) => summed,
            (figures, _) => json(&project, figures.clone()).await?,
        };
        items.push(only_selected(item, &selected));
    }
    Ok(answer::page(&headers, items, next))
}

pub(in crate::api::langsmith) async fn get(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Value>> {
    let figures = figures(&pairs)?;
    let project = projects::by_id(&ctx, caller.workspace_id, parse_id("session id", &id)?).await?;
    one(&ctx, &caller, &project, figures).await
}

/// `POST`: what is to be made, and of which type it is.
#[derive(Debug, Deserialize)]
pub(in crate::api::langsmith) struct CreateBody {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(flatten)]
    session: SessionBody,
}

pub(in crate::api::langsmith) async fn create(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    Params(pairs): Params<Pairs>,
    LargeJson(body, _held): LargeJson<CreateBody>,
) -> Result<Json<Value>> {
    if let Some(kind) = &body.kind {
        check_type(kind)?;
    }
    let project = make(&ctx, &caller, &pairs, body.session).await?;
    one(&ctx, &caller, &project, None).await
}

pub(in crate::api::langsmith) async fn update(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    LargeJson(body, _held): LargeJson<SessionBody>,
) -> Result<Json<Value>> {
    let project = change(&ctx, &caller, &id, body).await?;
    one(&ctx, &caller, &project, None).await
}

async fn one(
    ctx: &Arc<Context>,
    caller: &Caller,
    project: &Project,
    figures: Option<Figures>,
) -> Result<Json<Value>> {
    let activity = projects::activity(ctx, caller.workspace_id).await?;
    let details = details_of(ctx, project).await?;
    let json = session(ctx, caller, project, &details, activity.get(&project.id), figures).await?;
    Ok(Json(second(json)))
}

impl Wanted {
    fn parse(pairs: &Pairs) -> Result<Self> {
        let mut wanted = Self::default();
        for (key, value) in pairs {
            match key.as_str() {
                "reference_dataset_id" => wanted.which.add_dataset(parse_id("dataset id", value)?),
                "type" => {
                    check_type(value)?;
                    wanted.types.push(value.clone());
                }
                "dataset_version" => wanted.dataset_version = Some(parse_time(key, value)?),
                "tag_value_id" => wanted.has_tags = true,
                _ => wanted.which.take(key, value)?,
            }
        }
        Ok(wanted)
    }

    fn has(&self, project: &Project, details: &ProjectDetails) -> bool {
        let has_version = |version: UnixNanos| {
            let told = metadata_of(details);
            let told = told.get("dataset_version").and_then(Value::as_str);
            told.and_then(|told| parse_time("dataset_version", told).ok()) == Some(version)
        };
        let kind = type_of(details.reference_dataset_id.is_some());
        // Nothing has tags here.
        !self.has_tags
            && self.which.holds(project, details)
            && (self.types.is_empty() || self.types.iter().any(|wanted| wanted == kind))
            && self.dataset_version.is_none_or(has_version)
    }
}

fn check_type(kind: &str) -> Result<()> {
    match TYPES.contains(&kind) {
        true => Ok(()),
        false => Err(unprocessable(format!("type is {kind:?}; it can be {}", TYPES.join(", ")))),
    }
}

fn type_of(has_dataset: bool) -> &'static str {
    if has_dataset { "EXPERIMENT" } else { "PROJECT" }
}

/// The figures that are asked for.
fn figures(pairs: &Pairs) -> Result<Option<Figures>> {
    let from =
        value_of(pairs, "stats_start_time").map(|text| parse_time("stats_start_time", text)).transpose()?;
    let filter = value_of(pairs, "stats_filter").filter(|text| !text.trim().is_empty()).map(str::to_owned);
    let wants = value_of(pairs, "include_stats").is_some_and(is_true);
    Ok(wants.then_some(Figures { filter, from }))
}

/// The key of the feedback that the list is sorted by, and the member that has its figures.
fn feedback_key(pairs: &Pairs, by: &str) -> Result<Option<(&'static str, String)>> {
    if by != "FEEDBACK" {
        return Ok(None);
    }
    let key = value_of(pairs, "sort_by_feedback_key")
        .ok_or_else(|| unprocessable("sorting by FEEDBACK needs sort_by_feedback_key"))?;
    let side = match value_of(pairs, "sort_by_feedback_source") {
        None | Some("RUN") => "feedback_stats",
        Some("SESSION") => "session_feedback_stats",
        Some(other) => {
            let problem = format!("sort_by_feedback_source is {other:?}; it can be RUN or SESSION");
            return Err(unprocessable(problem));
        }
    };
    Ok(Some((side, key.to_owned())))
}

fn key_of(
    by: &str,
    project: &Project,
    details: &ProjectDetails,
    activity: Option<&ProjectActivity>,
    summed: &Value,
) -> Option<SortKey> {
    let time = |time: UnixNanos| SortKey::Integer(time.as_nanos());
    match by {
        "NAME" => Some(SortKey::Text(project.name.as_str().to_owned())),
        "LAST_RUN_START_TIME" => activity.map(|activity| time(activity.last_start)),
        "START_TIME" => Some(time(filter::began(project, details))),
        figure => summed[figure.to_ascii_lowercase()].as_f64().map(SortKey::Number),
    }
}

/// A session of the first version as the second one tells it.
fn second(mut session: Value) -> Value {
    let Some(members) = session.as_object_mut() else { return session };
    let kind = type_of(members.get("reference_dataset_id").is_some_and(Value::is_string));
    members.insert("type".to_owned(), json!(kind));
    for name in COSTS {
        if let Some(cost) = members.get_mut(*name) {
            *cost = json!(cost.as_str().and_then(|text| text.parse::<f64>().ok()));
        }
    }
    if let Some(tier) = members.get_mut("trace_tier") {
        *tier = match tier.as_str() {
            Some("longlived") => json!("LONG_LIVED"),
            Some("shortlived") => json!("SHORT_LIVED"),
            _ => Value::Null,
        };
    }
    for name in ["feedback_stats", "session_feedback_stats"] {
        for stats in
            members.get_mut(name).and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
        {
            if let Some(stats) = stats.as_object_mut() {
                stats.retain(|name, _| FEEDBACK.contains(&name.as_str()));
                stats.insert("type".to_owned(), json!("PRIMARY"));
            }
        }
    }
    session
}

/// Figures that are not selected are left out.
fn only_selected(mut session: Value, selected: &[&str]) -> Value {
    /// Members that are no figures.
    const ALWAYS: &[&str] = &[
        "id",
        "name",
        "start_time",
        "tenant_id",
        "type",
        "default_dataset_id",
        "description",
        "end_time",
        "extra",
        "reference_dataset_id",
        "test_run_number",
        "trace_tier",
        "experiment_progress",
    ];
    if let (Some(members), false) = (session.as_object_mut(), selected.is_empty()) {
        let is_selected = |name: &str| selected.iter().any(|one| one.eq_ignore_ascii_case(name));
        members.retain(|name, _| ALWAYS.contains(&name.as_str()) || is_selected(name));
    }
    session
}
