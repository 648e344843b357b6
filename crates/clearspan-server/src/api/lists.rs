//! Lists of traces and runs, and the figures beside them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_query::Field;
use clearspan_store::{FacetField, FacetQuery, HistogramQuery, RunSummary, Selection, TraceSummary, Unit};
use futures::{StreamExt as _, TryStreamExt as _};

use super::error::{ApiError, Result};
use super::extract::{Params, PathParams};
use super::feedback;
use super::openapi::Errors;
use super::params::{self, HistogramParams, ListParams, SelectionParams, StatsParams};
use super::projects;
use super::types::{
    FacetList, FacetRow, FacetValue, HistogramAnswer, RunList, RunRow, StatsAnswer, TraceList, TraceRow,
};
use crate::auth::Caller;
use crate::context::Context;

const DEFAULT_BUCKETS: u32 = 60;
const MAX_BUCKETS: u32 = 500;
/// Values of a facet that are shown.
const FACET_VALUES: usize = 20;
/// Facets that are counted at once.
const FACETS_AT_ONCE: usize = 4;

/// What the list page offers to filter by, and the field whose terms each ignores.
const FACETS: &[(&str, FacetField, Field)] = &[
    ("status", FacetField::Status, Field::Status),
    ("name", FacetField::Name, Field::Name),
    ("model", FacetField::Model, Field::Model),
    ("environment", FacetField::Environment, Field::Environment),
    ("user", FacetField::User, Field::User),
    ("tag", FacetField::Tag, Field::Tag),
    ("service", FacetField::Service, Field::Service),
    ("type", FacetField::RunType, Field::RunType),
];

/// Traces of a project
#[utoipa::path(get, path = "/projects/{project}/traces", tag = "traces",
    params(("project" = String, Path, description = "Id or name"), ListParams),
    responses((status = 200, body = TraceList), Errors))]
pub(crate) async fn traces(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(project): PathParams<String>,
    Params(list): Params<ListParams>,
) -> Result<Json<TraceList>> {
    let selection = select(&ctx, &caller, &project, list.q.as_deref(), list.t.as_deref()).await?;
    let page = ctx.store.query_traces(&list.query(selection, Unit::Traces)?).await?;
    let ids = page.traces.iter().map(|trace| (trace.root.trace_id, trace.root.run_id)).collect();
    let said = feedback::of_traces(&ctx, caller.workspace_id, ids).await?;
    let row = |trace: TraceSummary| {
        let figures = said.get(&trace.root.trace_id).map(feedback::figures).unwrap_or_default();
        TraceRow::new(trace, figures)
    };
    Ok(Json(TraceList {
        traces: page.traces.into_iter().map(row).collect(),
        next_cursor: page.next.as_ref().map(params::encode_cursor),
    }))
}

/// Runs of a project
#[utoipa::path(get, path = "/projects/{project}/runs", tag = "runs",
    params(("project" = String, Path, description = "Id or name"), ListParams),
    responses((status = 200, body = RunList), Errors))]
pub(crate) async fn runs(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(project): PathParams<String>,
    Params(list): Params<ListParams>,
) -> Result<Json<RunList>> {
    let selection = select(&ctx, &caller, &project, list.q.as_deref(), list.t.as_deref()).await?;
    let page = ctx.store.query_runs(&list.query(selection, Unit::Runs)?).await?;
    let ids = page.runs.iter().map(|run| (run.trace_id, run.run_id)).collect();
    let said = feedback::of_runs(&ctx, caller.workspace_id, ids).await?;
    let row = |run: RunSummary| {
        let figures = said.get(&(run.trace_id, run.run_id)).map(feedback::figures).unwrap_or_default();
        RunRow::new(run, figures)
    };
    Ok(Json(RunList {
        runs: page.runs.into_iter().map(row).collect(),
        next_cursor: page.next.as_ref().map(params::encode_cursor),
    }))
}

/// Traces by time
#[utoipa::path(get, path = "/projects/{project}/traces/histogram", tag = "traces",
    params(("project" = String, Path, description = "Id or name"), HistogramParams),
    responses((status = 200, body = HistogramAnswer), Errors))]
pub(crate) async fn histogram(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(project): PathParams<String>,
    Params(asked): Params<HistogramParams>,
) -> Result<Json<HistogramAnswer>> {
    let mut selection = select(&ctx, &caller, &project, asked.q.as_deref(), asked.t.as_deref()).await?;
    // "The last hour" ends now, also when nothing happened since.
    if selection.range.from.is_some() && selection.range.to.is_none() {
        selection.range.to = Some(ctx.clock.now());
    }
    let buckets = asked.buckets.unwrap_or(DEFAULT_BUCKETS).clamp(1, MAX_BUCKETS);
    Ok(Json(ctx.store.histogram(&HistogramQuery { selection, buckets }).await?.into()))
}

/// How many traces have each value of the common fields
///
/// The counts of a field ignore the terms of the filter that speak of this field alone.
#[utoipa::path(get, path = "/projects/{project}/traces/facets", tag = "traces",
    params(("project" = String, Path, description = "Id or name"), SelectionParams),
    responses((status = 200, body = FacetList), Errors))]
pub(crate) async fn facets(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(project): PathParams<String>,
    Params(asked): Params<SelectionParams>,
) -> Result<Json<FacetList>> {
    let selection = select(&ctx, &caller, &project, asked.q.as_deref(), asked.t.as_deref()).await?;
    let counts: Vec<_> = FACETS.iter().map(|facet| count_facet(&ctx, &selection, facet)).collect();
    let facets = futures::stream::iter(counts).buffered(FACETS_AT_ONCE).try_collect().await?;
    Ok(Json(FacetList { facets }))
}

async fn count_facet(
    ctx: &Arc<Context>,
    selection: &Selection,
    (name, facet, field): &'static (&'static str, FacetField, Field),
) -> Result<FacetRow> {
    let filter = params::without_field(selection.filter.as_ref(), field);
    let selection = Selection { filter, ..selection.clone() };
    let counts = ctx.store.facet(&FacetQuery { selection, field: *facet, limit: FACET_VALUES }).await?;
    let values = counts.into_iter().map(|(value, count)| FacetValue { value, count }).collect();
    Ok(FacetRow { field: name, values })
}

/// Figures over traces or runs
#[utoipa::path(get, path = "/projects/{project}/stats", tag = "projects",
    params(("project" = String, Path, description = "Id or name"), StatsParams),
    responses((status = 200, body = StatsAnswer), Errors))]
pub(crate) async fn stats(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(project): PathParams<String>,
    Params(asked): Params<StatsParams>,
) -> Result<Json<StatsAnswer>> {
    let unit = match asked.of.as_deref() {
        None | Some("traces") => Unit::Traces,
        Some("runs") => Unit::Runs,
        Some(other) => {
            return Err(ApiError::parameter("of", format_args!("is {other:?}; it can be traces or runs")));
        }
    };
    let selection = select(&ctx, &caller, &project, asked.q.as_deref(), asked.t.as_deref()).await?;
    Ok(Json(ctx.store.stats(unit, &selection).await?.into()))
}

async fn select(
    ctx: &Arc<Context>,
    caller: &Caller,
    project: &str,
    q: Option<&str>,
    t: Option<&str>,
) -> Result<Selection> {
    let project = projects::find(ctx, caller.workspace_id, project).await?;
    params::selection(caller.workspace_id, project.id, q, t, ctx.clock.now())
}
