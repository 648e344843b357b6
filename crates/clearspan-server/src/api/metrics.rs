//! Metrics as clients report them: which there are, and their points over time. They have nothing to do with the cost and
//! the tokens of runs.

mod series;
mod spread;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_model::UnixNanos;
use clearspan_store::{MetricSummary, PointQuery, Scope, TimeRange};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{ApiError, Result};
use super::extract::{Params, PathParams};
use super::openapi::Errors;
use super::params::{clamp_to, parse_range};
use super::projects;
use crate::auth::Caller;
use crate::context::Context;
use series::{Aggregation, Fold, Form, Frame, Line, Question};

const DEFAULT_BUCKETS: usize = 60;
const MAX_BUCKETS: usize = 500;
/// How far before the range points are looked for that tell where a count stood when it began.
const LOOK_BACK_NANOS: i64 = 600_000_000_000;
/// Points that are in memory at once, and pages of them.
const POINTS_AT_ONCE: usize = 20_000;
const MAX_PAGES: usize = 25;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MetricsParams {
    /// Time range, as in lists of traces.
    t: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SeriesParams {
    /// The metric.
    name: String,
    /// Time range, as in lists of traces.
    t: Option<String>,
    /// One line for each value of this attribute, or for each `service`.
    group_by: Option<String>,
    /// How many buckets, at most 500. The default is 60.
    buckets: Option<usize>,
    /// `sum`, `rate` (a second), `last`, `avg`, `min`, `max`, `p50`, `p95`, `p99` or `count`; the default depends on the metric.
    agg: Option<String>,
}

/// A metric, summed up over the range.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MetricRow {
    name: String,
    description: Option<String>,
    unit: Option<String>,
    /// `gauge`, `sum`, `histogram`, `exponential_histogram` or `summary`.
    kind: &'static str,
    /// `delta` or `cumulative`.
    temporality: Option<&'static str>,
    /// A sum that never falls.
    monotonic: bool,
    points: u64,
    last_time: i64,
    attribute_keys: Vec<String>,
    services: Vec<String>,
}

impl From<MetricSummary> for MetricRow {
    fn from(metric: MetricSummary) -> Self {
        Self {
            name: metric.name,
            description: metric.description,
            unit: metric.unit,
            kind: metric.kind.as_str(),
            temporality: metric.temporality.map(|temporality| temporality.as_str()),
            monotonic: metric.monotonic,
            points: metric.points,
            last_time: metric.last_time.as_micros(),
            attribute_keys: metric.attribute_keys,
            services: metric.services,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MetricList {
    metrics: Vec<MetricRow>,
}

/// A metric over time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SeriesAnswer {
    name: String,
    unit: Option<String>,
    kind: &'static str,
    agg: &'static str,
    from: i64,
    bucket_us: i64,
    /// At most 50, the largest first. What is beyond is added up in the last one, `(others)`.
    series: Vec<SeriesLine>,
    /// There are more points than were read; the latest are missing.
    is_cut: bool,
    /// Those that fit the metric, the default first.
    aggregations: Vec<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SeriesLine {
    /// Null for points without the attribute, and where nothing is grouped.
    group: Option<String>,
    /// One a bucket; null where there is nothing.
    values: Vec<Option<f64>>,
}

impl From<Line> for SeriesLine {
    fn from(line: Line) -> Self {
        Self { group: line.group, values: line.values }
    }
}

/// Metrics that have points in the range
#[utoipa::path(get, operation_id = "list_metrics", path = "/projects/{project}/metrics", tag = "metrics",
    params(("project" = String, Path, description = "Id or name"), MetricsParams),
    responses((status = 200, body = MetricList), Errors))]
pub(crate) async fn list(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(project): PathParams<String>,
    Params(asked): Params<MetricsParams>,
) -> Result<Json<MetricList>> {
    let scope = project_scope(&ctx, &caller, &project).await?;
    let range = parse_range(asked.t.as_deref(), ctx.clock.now())?;
    let metrics = ctx.store.metrics(&scope, range).await?;
    Ok(Json(MetricList { metrics: metrics.into_iter().map(Into::into).collect() }))
}

/// One metric over time
#[utoipa::path(get, operation_id = "metric_series", path = "/projects/{project}/metrics/series", tag = "metrics",
    params(("project" = String, Path, description = "Id or name"), SeriesParams),
    responses((status = 200, body = SeriesAnswer), Errors))]
pub(crate) async fn series(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(project): PathParams<String>,
    Params(asked): Params<SeriesParams>,
) -> Result<Json<SeriesAnswer>> {
    let scope = project_scope(&ctx, &caller, &project).await?;
    let now = ctx.clock.now();
    let range = parse_range(asked.t.as_deref(), now)?;
    let metric = find_metric(&ctx, &scope, range, &asked.name).await?;
    let form = Form { kind: metric.kind, temporality: metric.temporality, monotonic: metric.monotonic };
    let fitting = Aggregation::fitting(form);
    let aggregation = choose(fitting, asked.agg.as_deref(), &metric)?;
    let query = PointQuery { scope, range, name: asked.name, limit: POINTS_AT_ONCE };
    let buckets = clamp_to(asked.buckets, DEFAULT_BUCKETS, MAX_BUCKETS);
    let frame = frame(&ctx, &query, metric.last_time, buckets, now).await?;
    let question = Question {
        form,
        aggregation,
        group_by: asked.group_by.filter(|key| !key.is_empty()),
        frame,
        seen_since: range.from.map(|from| earlier(from, LOOK_BACK_NANOS)),
    };
    let (lines, is_cut) = read(&ctx, query, question).await?;
    Ok(Json(SeriesAnswer {
        name: metric.name,
        unit: metric.unit,
        kind: metric.kind.as_str(),
        agg: aggregation.as_str(),
        from: frame.from.as_micros(),
        bucket_us: frame.bucket_nanos / 1_000,
        series: lines.into_iter().map(Into::into).collect(),
        is_cut,
        aggregations: fitting.iter().map(|aggregation| aggregation.as_str()).collect(),
    }))
}

async fn project_scope(ctx: &Arc<Context>, caller: &Caller, project: &str) -> Result<Scope> {
    let project = projects::find(ctx, caller.workspace_id, project).await?;
    Ok(Scope { workspace_id: caller.workspace_id, project_ids: Some(vec![project.id]) })
}

/// What the metric is. One that has no points in the range is known by those outside.
async fn find_metric(
    ctx: &Arc<Context>,
    scope: &Scope,
    range: TimeRange,
    name: &str,
) -> Result<MetricSummary> {
    for range in [range, TimeRange::default()] {
        let metrics = ctx.store.metrics(scope, range).await?;
        if let Some(metric) = metrics.into_iter().find(|metric| metric.name == name) {
            return Ok(metric);
        }
    }
    Err(ApiError::not_found("metric", format_args!("{name:?} in this project")))
}

fn choose(fitting: &[Aggregation], asked: Option<&str>, metric: &MetricSummary) -> Result<Aggregation> {
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else {
        return Ok(*fitting.first().expect("every metric can be added up in some way"));
    };
    let found = Aggregation::parse(asked).filter(|aggregation| fitting.contains(aggregation));
    found.ok_or_else(|| {
        let names: Vec<&str> = fitting.iter().map(|aggregation| aggregation.as_str()).collect();
        let (kind, names) = (metric.kind.as_str(), names.join(", "));
        let problem = format!("is {asked:?}; for this {kind} it can be {names}");
        ApiError::parameter("agg", problem)
    })
}

/// The buckets: of the range, or of the points where the range is open.
async fn frame(
    ctx: &Arc<Context>,
    query: &PointQuery,
    last_time: UnixNanos,
    buckets: usize,
    now: UnixNanos,
) -> Result<Frame> {
    let range = query.range;
    let from = match range.from {
        Some(from) => from,
        None => {
            let first = ctx.store.query_points(&PointQuery { limit: 1, ..query.clone() }).await?;
            first.points.first().map_or(now, |point| point.time)
        }
    };
    // "The last hour" ends now, also when nothing happened since.
    let to = match (range.to, range.from) {
        (Some(to), _) => to.as_nanos(),
        (None, Some(_)) => now.as_nanos(),
        (None, None) => last_time.as_nanos().saturating_add(1),
    };
    let count = i64::try_from(buckets).unwrap_or(i64::MAX);
    let length = to.saturating_sub(from.as_nanos()).max(1);
    let width = (length / count).saturating_add(i64::from(length % count != 0));
    // Whole microseconds, because that is what is answered.
    let bucket_nanos =
        width.div_euclid(1_000).saturating_add(i64::from(width % 1_000 != 0)).saturating_mul(1_000);
    Ok(Frame { from, bucket_nanos, buckets })
}

fn earlier(time: UnixNanos, nanos: i64) -> UnixNanos {
    UnixNanos::from_nanos(time.as_nanos().saturating_sub(nanos))
}

/// Reads the points page by page and adds them up. True when not all were read.
async fn read(ctx: &Arc<Context>, mut query: PointQuery, question: Question) -> Result<(Vec<Line>, bool)> {
    query.range.from = question.seen_since;
    let mut fold = Fold::new(question);
    let mut is_cut = true;
    for _ in 0..MAX_PAGES {
        let page = ctx.store.query_points(&query).await?;
        let mut points = page.points;
        if let Some(last) = points.last().map(|point| point.time).filter(|_| page.is_cut) {
            let more_at_once = points.first().is_some_and(|first| first.time == last);
            if !more_at_once {
                // Others of the same time may be missing: all of them come with the next page.
                points.retain(|point| point.time < last);
            }
            let next = last.as_nanos().saturating_add(i64::from(more_at_once));
            query.range.from = Some(UnixNanos::from_nanos(next));
        }
        fold = tokio::task::spawn_blocking(move || {
            points.iter().for_each(|point| fold.push(point));
            fold
        })
        .await?;
        if !page.is_cut {
            is_cut = false;
            break;
        }
    }
    let lines = tokio::task::spawn_blocking(move || fold.finish()).await?;
    Ok((lines, is_cut))
}
