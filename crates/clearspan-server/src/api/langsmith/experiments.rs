//! Experiments: projects that are made and changed by clients, what ran on the examples of a dataset, and comparisons.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_catalog::{
    ComparisonId, DatasetId, Example, ExampleQuery, ExperimentComparison, Feedback, FeedbackQuery, Project,
    ProjectDetails, ProjectName,
};
use clearspan_mapping::langsmith::REFERENCE_EXAMPLE;
use clearspan_model::{ErrorKind, JsonText, ProjectId, WorkspaceId};
use clearspan_store::RunSummary;
use http::StatusCode;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::asked::Asked;
use super::input::{
    LargeJson, Page, Pairs, blocking, is_true, object, object_text, parse_id, parse_time, unprocessable,
};
use super::json_object::{JsonObject, text_of};
use super::run_json::{Select, iso};
use super::runs::Wants;
use super::{datasets, examples, feedback, runs, sessions};
use crate::api::error::{ApiError, ErrorCode, Result};
use crate::api::extract::{Params, PathParams};
use crate::api::projects;
use crate::auth::Caller;
use crate::context::Context;

/// Runs of an experiment that are looked at.
const MAX_RUNS: usize = 20_000;
/// So many examples are named when their runs are looked for; of more, all runs of the experiment are looked at.
const MAX_NAMED: usize = 1_000;

/// What `POST` and `PATCH` say about a session. Every key may be missing or null, which changes nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SessionBody {
    id: Option<String>,
    name: Option<String>,
    description: Option<String>,
    extra: Option<Value>,
    reference_dataset_id: Option<String>,
    default_dataset_id: Option<String>,
    start_time: Option<String>,
    end_time: Option<String>,
    trace_tier: Option<String>,
    num_examples: Option<u64>,
    num_repetitions: Option<u64>,
    evaluator_keys: Option<Vec<String>>,
}

impl SessionBody {
    fn name(&self) -> Result<Option<ProjectName>> {
        let parse =
            |name: &String| ProjectName::parse(name).map_err(|error| unprocessable(error.to_string()));
        self.name.as_ref().map(parse).transpose()
    }

    /// Puts what is said over what is known.
    fn over(self, old: ProjectDetails) -> Result<ProjectDetails> {
        let dataset = |id: Option<String>| id.map(|id| parse_id::<DatasetId>("dataset id", &id)).transpose();
        let time = |key: &str, text: Option<String>| text.map(|text| parse_time(key, &text)).transpose();
        // `LONG_LIVED` in the second version of the protocol.
        let trace_tier = self.trace_tier.map(|tier| tier.to_ascii_lowercase().replace('_', ""));
        if trace_tier.as_deref().is_some_and(|tier| tier != "longlived" && tier != "shortlived") {
            return Err(unprocessable("trace_tier can be longlived or shortlived"));
        }
        let extra = match object("extra", self.extra)? {
            None => old.extra,
            Some(extra) => Some(joined(old.extra, extra)),
        };
        let mut plan = Map::new();
        for (key, value) in [("num_examples", self.num_examples), ("num_repetitions", self.num_repetitions)] {
            plan.extend(value.map(|value| (key.to_owned(), json!(value))));
        }
        plan.extend(self.evaluator_keys.map(|keys| ("evaluator_keys".to_owned(), json!(keys))));
        let plan = if plan.is_empty() { old.plan } else { Some(joined(old.plan, plan)) };
        Ok(ProjectDetails {
            description: self.description.or(old.description),
            extra,
            reference_dataset_id: dataset(self.reference_dataset_id)?.or(old.reference_dataset_id),
            default_dataset_id: dataset(self.default_dataset_id)?.or(old.default_dataset_id),
            start_time: time("start_time", self.start_time)?.or(old.start_time),
            end_time: time("end_time", self.end_time)?.or(old.end_time),
            trace_tier: trace_tier.or(old.trace_tier),
            plan,
            number: old.number,
        })
    }
}

/// The members of an object take the place of those of an older one.
fn joined(old: Option<JsonText>, new: Map<String, Value>) -> JsonText {
    let mut all = old.and_then(|old| old.to_value().as_object().cloned()).unwrap_or_default();
    all.extend(new);
    JsonText::from_value(&Value::Object(all))
}

async fn answer(ctx: &Arc<Context>, caller: &Caller, project: &Project) -> Result<Json<Value>> {
    let details = sessions::details_of(ctx, project).await?;
    Ok(Json(sessions::session(ctx, caller, project, &details, None, None).await?))
}

pub(super) async fn create(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    Params(pairs): Params<Pairs>,
    LargeJson(body, _held): LargeJson<SessionBody>,
) -> Result<Json<Value>> {
    let project = make(&ctx, &caller, &pairs, body).await?;
    answer(&ctx, &caller, &project).await
}

/// Makes what `POST` says, or finds it where the parameters allow that it exists.
pub(super) async fn make(
    ctx: &Arc<Context>,
    caller: &Caller,
    pairs: &Pairs,
    body: SessionBody,
) -> Result<Project> {
    let may_exist = pairs.iter().any(|(key, value)| key == "upsert" && is_true(value));
    let name = body.name()?.ok_or_else(|| unprocessable("a session needs a name"))?;
    let id = match &body.id {
        Some(id) => parse_id("session id", id)?,
        None => ProjectId::from(uuid::Uuid::new_v4()),
    };
    let workspace_id = caller.workspace_id;
    let now = ctx.clock.now();
    let details = body.over(ProjectDetails::default())?;
    if let Some(dataset_id) = details.reference_dataset_id {
        datasets::load(ctx, workspace_id, dataset_id).await?;
    }
    blocking(ctx, move |ctx| {
        let existing = || Ok::<_, ApiError>(ctx.catalog.find_project(workspace_id, &name)?);
        if may_exist && let Some(project) = existing()? {
            return Ok(project);
        }
        match ctx.catalog.create_project(workspace_id, id, &name, details, now) {
            Ok(project) => Ok(project),
            Err(error) if error.kind() == ErrorKind::Conflict => match existing()? {
                // Somebody else was faster.
                Some(project) if may_exist => Ok(project),
                _ => Err(ApiError::new(ErrorCode::Conflict, format!("Session already exists: {error}"))),
            },
            Err(error) => Err(error.into()),
        }
    })
    .await
}

pub(super) async fn update(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    LargeJson(body, _held): LargeJson<SessionBody>,
) -> Result<Json<Value>> {
    let updated = change(&ctx, &caller, &id, body).await?;
    answer(&ctx, &caller, &updated).await
}

/// Does what `PATCH` says.
pub(super) async fn change(
    ctx: &Arc<Context>,
    caller: &Caller,
    id: &str,
    body: SessionBody,
) -> Result<Project> {
    let id: ProjectId = parse_id("session id", id)?;
    let workspace_id = caller.workspace_id;
    let project = projects::by_id(ctx, workspace_id, id).await?;
    let name = body.name()?;
    let details = body.over(sessions::details_of(ctx, &project).await?)?;
    blocking(ctx, move |ctx| {
        let is_renamed = name.as_ref().is_some_and(|name| *name != project.name);
        let name = name.unwrap_or(project.name);
        let updated = ctx.catalog.update_project(workspace_id, id, &name, details)?;
        if is_renamed {
            // Runs that name the old one from now on make a project of their own.
            ctx.ingest.forget_project(workspace_id, id);
        }
        updated.ok_or_else(|| ApiError::not_found("project", id))
    })
    .await
}

pub(super) async fn delete(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<(StatusCode, Json<Value>)> {
    let id: ProjectId = parse_id("session id", &id)?;
    let project = projects::by_id(&ctx, caller.workspace_id, id).await?;
    ctx.upkeep.delete_project(project).await?.ok_or_else(|| ApiError::not_found("project", id))?;
    Ok((StatusCode::ACCEPTED, Json(json!({}))))
}

/// The experiments on a dataset, the newest first.
pub(super) async fn list(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Vec<Value>>> {
    let id = parse_id("dataset id", &id)?;
    let page = Page::of(&pairs)?;
    let with_stats = pairs.iter().any(|(key, value)| key == "include_stats" && is_true(value));
    datasets::load(&ctx, caller.workspace_id, id).await?;
    sessions_on(&ctx, &caller, id, page, with_stats).await
}

/// The experiments on a dataset that was shared.
pub(super) async fn list_shared(
    State(ctx): State<Arc<Context>>,
    PathParams(token): PathParams<String>,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Vec<Value>>> {
    let page = Page::of(&pairs)?;
    let dataset = datasets::shared(&ctx, &token).await?;
    let caller = Caller { workspace_id: dataset.workspace_id, default_project: None };
    sessions_on(&ctx, &caller, dataset.id, page, true).await
}

async fn sessions_on(
    ctx: &Arc<Context>,
    caller: &Caller,
    dataset_id: DatasetId,
    page: Page,
    with_stats: bool,
) -> Result<Json<Vec<Value>>> {
    let workspace_id = caller.workspace_id;
    let listed =
        blocking(ctx, move |ctx| Ok(ctx.catalog.list_experiments(workspace_id, dataset_id)?)).await?;
    let activity = projects::activity(ctx, workspace_id).await?;
    let mut sessions = Vec::new();
    for (project, details) in listed.iter().skip(page.offset).take(page.limit) {
        let activity = activity.get(&project.id);
        let figures = with_stats.then(sessions::Figures::default);
        sessions.push(sessions::session(ctx, caller, project, details, activity, figures).await?);
    }
    Ok(Json(sessions))
}

#[derive(Debug, Deserialize)]
pub(super) struct RunsOfExamplesBody {
    session_ids: Vec<String>,
    #[serde(default)]
    offset: Option<usize>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    filters: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    preview: Option<bool>,
    #[serde(default)]
    comparative_experiment_id: Option<String>,
    /// The keys of the runs; all without it.
    #[serde(default)]
    select: Option<Vec<String>>,
}

/// Examples of a dataset, each with the runs that experiments made of it. An empty page ends the list.
pub(super) async fn runs_of_examples(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    LargeJson(body, _held): LargeJson<RunsOfExamplesBody>,
) -> Result<Json<Vec<JsonObject>>> {
    let dataset_id: DatasetId = parse_id("dataset id", &id)?;
    let workspace_id = caller.workspace_id;
    let sessions =
        body.session_ids.iter().map(|id| parse_id("session id", id)).collect::<Result<Vec<ProjectId>>>()?;
    if sessions.is_empty() {
        return Err(unprocessable("session_ids must name an experiment"));
    }
    let mut page = Page::default();
    page.offset = body.offset.unwrap_or(page.offset);
    page.limit = body.limit.unwrap_or(page.limit).clamp(1, page.limit);
    datasets::load(&ctx, workspace_id, dataset_id).await?;
    let version = version_of(&ctx, workspace_id, &sessions).await?;
    let is_filtered =
        body.filters.as_ref().is_some_and(|filters| filters.values().any(|texts| !texts.is_empty()));
    let filters = body.filters.unwrap_or_default();
    let preview = body.preview.unwrap_or(false);
    let comparison = body
        .comparative_experiment_id
        .map(|id| parse_id::<ComparisonId>("comparative_experiment_id", &id))
        .transpose()?;

    // With filters, only examples that have a run that fits are rows, which is known after looking at the runs.
    let query = ExampleQuery {
        dataset_id: Some(dataset_id),
        version,
        newest_first: true,
        offset: if is_filtered { 0 } else { page.offset },
        limit: if is_filtered { examples::MAX_EXAMPLES } else { page.limit },
        ..ExampleQuery::default()
    };
    let listed = blocking(&ctx, move |ctx| Ok(ctx.catalog.list_examples(workspace_id, &query)?)).await?;
    let mut found = by_example(&ctx, workspace_id, &sessions, &filters, &listed).await?;
    let page: Vec<&Example> = match is_filtered {
        true => {
            let fit = listed.iter().filter(|example| found.contains_key(&example.id.to_string()));
            fit.skip(page.offset).take(page.limit).collect()
        }
        false => listed.iter().collect(),
    };
    let runs = page.iter().filter_map(|example| found.remove(&example.id.to_string())).flatten().collect();
    let select = Select::new(body.select);
    let wants = Wants::of(&select);
    let mut rows = runs::rows(&ctx, workspace_id, runs::Page::of_runs(runs), wants).await?;
    if let Some(comparison) = comparison.filter(|_| wants.feedback) {
        narrow_feedback(&ctx, workspace_id, &mut rows, comparison).await?;
    }
    let mut of_example: FxHashMap<String, Vec<JsonObject>> = FxHashMap::default();
    for row in &rows {
        if let Some(example) = example_of(&row.summary) {
            of_example.entry(example).or_default().push(row.json(&select));
        }
    }
    let row = |example: &Example| {
        let mut json = examples::example_json(&ctx, example, None);
        json.set_text("runs", text_of(&of_example.remove(&example.id.to_string()).unwrap_or_default()));
        if !preview {
            return json;
        }
        let mut short = json.into_value();
        shorten(&mut short);
        short.into()
    };
    Ok(Json(page.into_iter().map(row).collect()))
}

/// The example that a run was made from.
pub(super) fn example_of(run: &RunSummary) -> Option<String> {
    let id = run.metadata.get(REFERENCE_EXAMPLE)?.to_value();
    id.as_str().map(str::to_owned)
}

/// The runs that experiments made of some examples, the oldest first, by example. Of an experiment with filters, those that fit
/// all of them.
pub(super) async fn by_example(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    experiments: &[ProjectId],
    filters: &BTreeMap<String, Vec<String>>,
    examples: &[Example],
) -> Result<FxHashMap<String, Vec<RunSummary>>> {
    let mut by_example: FxHashMap<String, Vec<RunSummary>> = FxHashMap::default();
    if examples.is_empty() {
        return Ok(by_example);
    }
    let ids: FxHashSet<String> = examples.iter().map(|example| example.id.to_string()).collect();
    for experiment in experiments {
        let texts = filters.get(&experiment.to_string()).into_iter().flatten();
        let asked = Asked {
            project_ids: Some(vec![*experiment]),
            // An experiment has little else than the runs of the examples: long lists cost more than they save.
            example_ids: (ids.len() <= MAX_NAMED).then(|| ids.iter().cloned().collect()),
            is_root: Some(true),
            filters: texts.map(|text| ("filters", text.clone())).collect(),
            ..Asked::default()
        };
        for run in runs::roots(ctx, workspace_id, asked, MAX_RUNS).await? {
            if let Some(example) = example_of(&run).filter(|id| ids.contains(id)) {
                by_example.entry(example).or_default().push(run);
            }
        }
    }
    Ok(by_example)
}

/// Leaves of the figures of feedback what was said in one comparison.
pub(super) async fn narrow_feedback(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    rows: &mut [runs::Row],
    comparison: ComparisonId,
) -> Result<()> {
    let query = FeedbackQuery {
        run_ids: Some(rows.iter().map(|row| row.summary.run_id).collect()),
        comparative_experiment_id: Some(uuid::Uuid::from_bytes(*comparison.as_bytes())),
        ..FeedbackQuery::default()
    };
    let said = blocking(ctx, move |ctx| Ok(ctx.catalog.list_feedback(workspace_id, &query)?)).await?;
    for row in rows {
        let its_own = said.iter().filter(|one| one.run_id == Some(row.summary.run_id));
        row.feedback_stats = feedback::summed_up(its_own);
    }
    Ok(())
}

/// Leaves beginnings of texts, as lists show them.
fn shorten(value: &mut Value) {
    const PREVIEW_CHARS: usize = 200;
    match value {
        Value::String(text) if text.len() > PREVIEW_CHARS && text.chars().count() > PREVIEW_CHARS => {
            *text = text.chars().take(PREVIEW_CHARS).chain(['…']).collect();
        }
        Value::Array(values) => values.iter_mut().for_each(shorten),
        Value::Object(members) => members.values_mut().for_each(shorten),
        _ => {}
    }
}

/// The version of the dataset that the first experiment ran on: examples that were deleted since still have their runs.
pub(super) async fn version_of(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    sessions: &[ProjectId],
) -> Result<Option<clearspan_model::UnixNanos>> {
    let Some(first) = sessions.first().copied() else { return Ok(None) };
    let details =
        blocking(ctx, move |ctx| Ok(ctx.catalog.load_project_details(workspace_id, first)?)).await?;
    let details = details.ok_or_else(|| ApiError::not_found("project", first))?;
    let extra = details.extra.as_ref().map(JsonText::to_value).unwrap_or_default();
    let version = extra["metadata"]["dataset_version"].as_str();
    Ok(version.and_then(clearspan_query::text::parse_time))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ComparisonBody {
    id: Option<String>,
    name: Option<String>,
    description: Option<String>,
    experiment_ids: Vec<String>,
    reference_dataset_id: Option<String>,
    created_at: Option<String>,
    extra: Option<Value>,
}

pub(super) async fn compare(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    LargeJson(body, _held): LargeJson<ComparisonBody>,
) -> Result<Json<Value>> {
    let workspace_id = caller.workspace_id;
    let experiment_ids = body
        .experiment_ids
        .iter()
        .map(|id| parse_id("experiment id", id))
        .collect::<Result<Vec<ProjectId>>>()?;
    if experiment_ids.len() < 2 {
        return Err(unprocessable("a comparison needs the ids of at least two experiments"));
    }
    let mut dataset_id = body.reference_dataset_id.map(|id| parse_id("dataset id", &id)).transpose()?;
    for id in &experiment_ids {
        let project = projects::by_id(&ctx, workspace_id, *id).await?;
        dataset_id = dataset_id.or(sessions::details_of(&ctx, &project).await?.reference_dataset_id);
    }
    let dataset_id = dataset_id.ok_or_else(|| unprocessable("reference_dataset_id is missing"))?;
    datasets::load(&ctx, workspace_id, dataset_id).await?;
    let now = ctx.clock.now();
    let comparison = ExperimentComparison {
        id: match &body.id {
            Some(id) => parse_id("comparison id", id)?,
            None => ComparisonId::generate(),
        },
        dataset_id,
        name: body.name,
        description: body.description,
        experiment_ids,
        extra: object_text("extra", body.extra)?,
        created_at: datasets::optional_time("created_at", body.created_at.as_deref())?.unwrap_or(now),
        modified_at: now,
    };
    let made =
        blocking(&ctx, move |ctx| Ok(ctx.catalog.create_comparison(workspace_id, comparison)?)).await?;
    let names = names(&ctx, workspace_id).await?;
    let said = said_in(&ctx, workspace_id, made.id).await?;
    Ok(Json(comparison_json(workspace_id, &made, &names, &said)))
}

pub(super) async fn comparisons(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Vec<Value>>> {
    let (id, page) = (parse_id("dataset id", &id)?, Page::of(&pairs)?);
    let workspace_id = caller.workspace_id;
    datasets::load(&ctx, workspace_id, id).await?;
    let listed = blocking(&ctx, move |ctx| Ok(ctx.catalog.list_comparisons(workspace_id, id)?)).await?;
    let names = names(&ctx, workspace_id).await?;
    let mut page_of = Vec::new();
    for comparison in listed.iter().skip(page.offset).take(page.limit) {
        let said = said_in(&ctx, workspace_id, comparison.id).await?;
        page_of.push(comparison_json(workspace_id, comparison, &names, &said));
    }
    Ok(Json(page_of))
}

pub(super) async fn delete_comparison(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<Value>> {
    let id = parse_id("comparison id", &id)?;
    let deleted = blocking(&ctx, move |ctx| Ok(ctx.catalog.delete_comparison(caller.workspace_id, id)?));
    if deleted.await? { Ok(Json(json!({}))) } else { Err(ApiError::not_found("comparison", id)) }
}

async fn names(ctx: &Arc<Context>, workspace_id: WorkspaceId) -> Result<FxHashMap<ProjectId, String>> {
    let projects = projects::all(ctx, workspace_id).await?;
    Ok(projects.into_iter().map(|project| (project.id, project.name.as_str().to_owned())).collect())
}

/// All feedback of a comparison.
async fn said_in(ctx: &Arc<Context>, workspace_id: WorkspaceId, id: ComparisonId) -> Result<Vec<Feedback>> {
    let query = FeedbackQuery {
        comparative_experiment_id: Some(uuid::Uuid::from_bytes(*id.as_bytes())),
        ..FeedbackQuery::default()
    };
    blocking(ctx, move |ctx| Ok(ctx.catalog.list_feedback(workspace_id, &query)?)).await
}

fn comparison_json(
    workspace_id: WorkspaceId,
    comparison: &ExperimentComparison,
    names: &FxHashMap<ProjectId, String>,
    said: &[Feedback],
) -> Value {
    let info = |id: &ProjectId| {
        let on_it = said.iter().filter(|one| one.project_id == Some(*id));
        json!({ "id": id, "name": names.get(id), "feedback_stats": feedback::summed_up(on_it) })
    };
    json!({
        "id": comparison.id.to_string(),
        "tenant_id": workspace_id,
        "name": comparison.name,
        "description": comparison.description,
        "created_at": iso(comparison.created_at),
        "modified_at": iso(comparison.modified_at),
        "reference_dataset_id": comparison.dataset_id.to_string(),
        "extra": comparison.extra.as_ref().map(JsonText::to_value),
        "experiments_info": comparison.experiment_ids.iter().map(info).collect::<Vec<_>>(),
        "feedback_stats": feedback::summed_up(said.iter()),
    })
}
