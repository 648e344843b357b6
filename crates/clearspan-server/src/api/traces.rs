//! One trace: its tree, its verdict, previews of its rows, and finding text in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use clearspan_catalog::Project;
use clearspan_model::{Decimal, RunId, Status, UnixNanos};
use clearspan_query::{Expr, Field, Literal, Op};
use clearspan_store::{Order, RunQuery, Scope, Selection, SortKey, TimeRange, TraceFigures};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{ApiError, ErrorCode, Result};
use super::extract::{JsonBody, Params, PathParams, RunParam, TraceParam};
use super::feedback;
use super::format::cut;
use super::openapi::Errors;
use super::projects;
use super::search;
use super::skeleton::Skeleton;
use super::tree::{self, Tree};
use super::types::decimal_text;
use super::verdict::{self, Baseline, Verdict};
use crate::auth::Caller;
use crate::context::Context;

const MAX_PREVIEWS: usize = 200;
const PREVIEW_CHARS: usize = 120;
/// What is usual is told from this many traces of the last seven days, and from no fewer than that.
const BASELINE_TRACES: usize = 500;
const BASELINE_LEAST: usize = 20;
const WEEK_NANOS: i64 = 7 * 86_400 * 1_000_000_000;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProjectParam {
    /// Id or name of the project; without it the whole workspace is searched.
    pub(crate) project: Option<String>,
}

/// A whole trace without payloads, as columns
#[utoipa::path(get, path = "/traces/{trace_id}", tag = "traces",
    params(("trace_id" = String, Path, description = "UUID or 32 hexadecimal digits"), ProjectParam),
    responses((status = 200, body = Skeleton, headers(("etag" = String))), (status = 304, description = "Not changed"), Errors))]
pub(crate) async fn skeleton(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(TraceParam(trace_id)): PathParams<TraceParam>,
    Params(asked): Params<ProjectParam>,
    headers: HeaderMap,
) -> Result<Response> {
    let scope = scope(&ctx, &caller, asked.project.as_deref()).await?;
    let outline = ctx.store.load_outline_with_inputs(&scope, trace_id, tree::inputs_of_tries).await?;
    let outline = outline.ok_or_else(|| ApiError::not_found("trace", trace_id))?;
    let project = projects::by_id(&ctx, caller.workspace_id, outline.project_id).await?;
    let run_ids = outline.runs().map(|run| run.run_id).collect();
    let feedback = feedback::of_trace(&ctx, caller.workspace_id, trace_id, run_ids).await?;
    let answer = tokio::task::spawn_blocking(move || {
        let skeleton = Skeleton::new(&Tree::new(&outline), (&project).into(), &feedback);
        drop(outline);
        let (body, version) = skeleton.to_json();
        (format!("\"{version}\""), body)
    });
    let (etag, body) = answer.await?;
    // A layer behind us may compress the body, which makes a strong tag weak: compare without the mark.
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known =
        known.is_some_and(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag));
    let mut response = match is_known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => {
            ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
        }
    };
    let etag = HeaderValue::from_str(&etag).expect("hexadecimal digits in quotes");
    response.headers_mut().insert(header::ETAG, etag);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}

/// Where it broke and why it got expensive
#[utoipa::path(get, path = "/traces/{trace_id}/verdict", tag = "traces",
    params(("trace_id" = String, Path, description = "UUID or 32 hexadecimal digits"), ProjectParam),
    responses((status = 200, body = Verdict), Errors))]
pub(crate) async fn verdict(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(TraceParam(trace_id)): PathParams<TraceParam>,
    Params(asked): Params<ProjectParam>,
) -> Result<Json<Verdict>> {
    let scope = scope(&ctx, &caller, asked.project.as_deref()).await?;
    let outline = ctx.store.load_outline_with_inputs(&scope, trace_id, verdict::inputs_of).await?;
    let outline = outline.ok_or_else(|| ApiError::not_found("trace", trace_id))?;
    let project = projects::by_id(&ctx, caller.workspace_id, outline.project_id).await?;
    let judged = tokio::task::spawn_blocking(move || {
        let tree = Tree::new(&outline);
        let root = tree.run(0);
        let environment = root.environment.map(|environment| tree.text(environment).to_owned());
        (tree.name(0).to_owned(), environment, verdict::findings(&tree))
    });
    let (name, environment, findings) = judged.await?;
    let baseline = baseline(&ctx, &caller, &project, name, environment).await?;
    Ok(Json(Verdict { baseline, findings }))
}

/// The rows whose previews are wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreviewsBody {
    /// At most 200.
    #[schema(value_type = Vec<String>)]
    run_ids: Vec<RunParam>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Previews {
    /// By run id. Runs that do not exist are left out.
    previews: BTreeMap<String, Preview>,
}

/// At most 120 characters of plain text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Preview {
    input: Option<String>,
    output: Option<String>,
}

/// A glimpse of the input and output of up to 200 runs
#[utoipa::path(post, path = "/traces/{trace_id}/previews", tag = "traces", request_body = PreviewsBody,
    params(("trace_id" = String, Path, description = "UUID or 32 hexadecimal digits"), ProjectParam),
    responses((status = 200, body = Previews), Errors))]
pub(crate) async fn previews(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(TraceParam(trace_id)): PathParams<TraceParam>,
    Params(asked): Params<ProjectParam>,
    JsonBody(body): JsonBody<PreviewsBody>,
) -> Result<Json<Previews>> {
    if body.run_ids.len() > MAX_PREVIEWS {
        let message = format!("at most {MAX_PREVIEWS} run_ids can be asked at once");
        return Err(ApiError::new(ErrorCode::TooLarge, message));
    }
    let ids = body.run_ids.iter().map(|RunParam(id)| Literal::Id(*id.as_bytes())).collect();
    let filter = Expr::All(vec![
        Expr::Test(Field::TraceId, Op::Eq(Literal::Id(*trace_id.as_bytes()))),
        Expr::Test(Field::RunId, Op::In(ids)),
    ]);
    let scope = scope(&ctx, &caller, asked.project.as_deref()).await?;
    let selection = Selection { scope, range: TimeRange::default(), filter: Some(filter) };
    let order = Order { by: SortKey::Start, descending: false };
    let page = ctx.store.query_runs(&RunQuery { selection, order, after: None, limit: MAX_PREVIEWS }).await?;
    let previews = page.runs.into_iter().map(|run| {
        let cut = |text: Option<String>| text.map(|text| cut(&text, PREVIEW_CHARS));
        (run.run_id.to_string(), Preview { input: cut(run.input_preview), output: cut(run.output_preview) })
    });
    Ok(Json(Previews { previews: previews.collect() }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchParams {
    /// Id or name of the project; without it the whole workspace is searched.
    project: Option<String>,
    /// What to look for, whatever the case.
    text: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchAnswer {
    /// In order of start time.
    #[schema(value_type = Vec<String>)]
    run_ids: Vec<RunId>,
}

/// Runs of a trace that contain a text
///
/// Looks into names, inputs, outputs, errors, attributes and metadata.
#[utoipa::path(get, path = "/traces/{trace_id}/search", tag = "traces",
    params(("trace_id" = String, Path, description = "UUID or 32 hexadecimal digits"), SearchParams),
    responses((status = 200, body = SearchAnswer), Errors))]
pub(crate) async fn search(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(TraceParam(trace_id)): PathParams<TraceParam>,
    Params(asked): Params<SearchParams>,
) -> Result<Json<SearchAnswer>> {
    if asked.text.trim().is_empty() {
        return Err(ApiError::parameter("text", "is empty"));
    }
    let scope = scope(&ctx, &caller, asked.project.as_deref()).await?;
    let runs = ctx.store.load_trace(&scope, trace_id).await?;
    if runs.is_empty() {
        return Err(ApiError::not_found("trace", trace_id));
    }
    let found = tokio::task::spawn_blocking(move || search::runs_with_text(&runs, &asked.text));
    Ok(Json(SearchAnswer { run_ids: found.await? }))
}

/// The project asked for, or all of the workspace.
pub(crate) async fn scope(ctx: &Arc<Context>, caller: &Caller, project: Option<&str>) -> Result<Scope> {
    let project_ids = match project.filter(|project| !project.is_empty()) {
        Some(project) => Some(vec![projects::find(ctx, caller.workspace_id, project).await?.id]),
        None => None,
    };
    Ok(Scope { workspace_id: caller.workspace_id, project_ids })
}

/// The medians of successful traces of this name and environment in the last seven days.
async fn baseline(
    ctx: &Arc<Context>,
    caller: &Caller,
    project: &Project,
    name: String,
    environment: Option<String>,
) -> Result<Option<Baseline>> {
    let equals = |field: Field, literal: Literal| Expr::Test(field, Op::Eq(literal));
    let mut terms = vec![
        equals(Field::Name, Literal::Text(name)),
        equals(Field::Status, Literal::Status(Status::Success)),
    ];
    terms.extend(environment.map(|environment| equals(Field::Environment, Literal::Text(environment))));
    let week_ago = UnixNanos::from_nanos(ctx.clock.now().as_nanos().saturating_sub(WEEK_NANOS));
    let selection = Selection {
        scope: Scope { workspace_id: caller.workspace_id, project_ids: Some(vec![project.id]) },
        range: TimeRange { from: Some(week_ago), to: None },
        filter: Some(Expr::All(terms)),
    };
    let order = Order { by: SortKey::Start, descending: true };
    let query = RunQuery { selection, order, after: None, limit: BASELINE_TRACES };
    Ok(medians(&ctx.store.query_trace_figures(&query).await?))
}

fn medians(traces: &[TraceFigures]) -> Option<Baseline> {
    if traces.len() < BASELINE_LEAST {
        return None;
    }
    let latencies = traces.iter().filter_map(|trace| Some(trace.end_time?.nanos_since(trace.start_time)));
    let costs = traces.iter().filter_map(|trace| trace.total_cost);
    Some(Baseline {
        runs: traces.len() as u64,
        p50_us: median(latencies.collect()).map(|nanos: i64| nanos / 1_000),
        p50_cost: median(costs.collect()).map(|cost: Decimal| decimal_text(cost)),
    })
}

/// Nearest rank, as the store counts percentiles.
fn median<T: Ord + Copy>(mut values: Vec<T>) -> Option<T> {
    values.sort_unstable();
    values.get(values.len().div_ceil(2).max(1) - 1).copied()
}
