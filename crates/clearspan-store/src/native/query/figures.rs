//! Figures over selections: stats, histogram, facets.

use clearspan_model::{ErrorKind, UnixNanos};
use datafusion::functions_aggregate::expr_fn::{approx_percentile_cont, bool_or, count, max, min, sum};
use datafusion::logical_expr::{Expr, JoinType, cast, lit};
use datafusion::prelude::DataFrame;

use super::filter::{
    COST, END, GAPS, INPUT_COST, INPUT_TOKENS, OUTPUT_COST, OUTPUT_TOKENS, START, TOTAL_TOKENS, Translator,
    name, or_else, stands_for_trace,
};
use super::search;
use super::traces::traces;
use super::{Answer, Engine, collect, column, exact, named, nanos, only_if, planning, span};
use crate::Result;
use crate::error::Context;
use crate::native::state::Snapshot;
use crate::schema::Col;
use crate::store::{
    Facet, FacetField, FacetQuery, Histogram, HistogramBucket, HistogramQuery, Selection, Stats,
};
use crate::sums::at_most;

const FAILED: &str = "failed";
const LATENCY: &str = "latency";
const DOUBLE: &str = "double";

fn is_error() -> Expr {
    column(Col::status).eq(lit("error"))
}

fn ones_where(condition: Expr) -> Expr {
    sum(cast(condition.is_true(), arrow::datatypes::DataType::Int64))
}

fn percentile(of: &str, share: f64) -> Expr {
    approx_percentile_cont(named(of).sort(true, false), lit(share), None)
}

fn row_of(frame: DataFrame, aggregates: Vec<Expr>) -> Result<DataFrame> {
    frame.aggregate(Vec::new(), aggregates).context(ErrorKind::Internal, planning)
}

/// The aggregates of [`Stats`] over rows with these columns; `gaps` and `doubles` are aggregates.
fn stats_aggregates(start: &str, gaps: Expr, doubles: Expr) -> Vec<Expr> {
    vec![
        count(lit(1)).alias("count"),
        doubles.alias("doubles"),
        ones_where(named(FAILED)).alias("errors"),
        gaps.alias("unpriced"),
        at_most(named(COST)).alias("cost"),
        at_most(named(INPUT_COST)).alias("input_cost"),
        at_most(named(OUTPUT_COST)).alias("output_cost"),
        sum(named(INPUT_TOKENS)).alias("input"),
        sum(named(OUTPUT_TOKENS)).alias("output"),
        sum(named(TOTAL_TOKENS)).alias("total"),
        percentile(LATENCY, 0.50).alias("p50"),
        percentile(LATENCY, 0.95).alias("p95"),
        percentile(LATENCY, 0.99).alias("p99"),
        min(named(start)).alias("first"),
        max(named(start)).alias("last"),
    ]
}

async fn read_stats(frame: DataFrame) -> Result<Stats> {
    let batches = collect(frame).await?;
    let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) else { return Ok(Stats::default()) };
    let answer = Answer::new(batch);
    Ok(Stats {
        count: answer.count("count", 0),
        double_count: answer.count("doubles", 0),
        error_count: answer.count("errors", 0),
        unpriced_count: answer.count("unpriced", 0),
        input_cost: answer.money("input_cost", 0),
        output_cost: answer.money("output_cost", 0),
        total_cost: answer.money("cost", 0),
        input_tokens: answer.count("input", 0),
        output_tokens: answer.count("output", 0),
        total_tokens: answer.count("total", 0),
        latency_p50: answer.int("p50", 0),
        latency_p95: answer.int("p95", 0),
        latency_p99: answer.int("p99", 0),
        first_start: answer.int("first", 0).map(UnixNanos::from_nanos),
        last_start: answer.int("last", 0).map(UnixNanos::from_nanos),
    })
}

pub(super) async fn run_stats(engine: &Engine, snapshot: &Snapshot, selection: &Selection) -> Result<Stats> {
    let narrow = match &selection.filter {
        Some(filter) => search::candidates(snapshot, &selection.scope, filter).await?,
        None => None,
    };
    let mut frame = engine.table(narrow.as_ref().unwrap_or(snapshot), &selection.scope, selection.range)?;
    if let Some(filter) = &selection.filter {
        let condition = Translator::new(engine, snapshot, &selection.scope).run(filter).await?;
        frame = frame.filter(condition.is_true()).context(ErrorKind::Internal, planning)?;
    }
    let tokens = |col: Col| only_if(column(Col::tokens_billed), exact(column(col)));
    let money = |col: Col| only_if(column(Col::cost_billed), column(col));
    let is_single = column(Col::double_of).is_null();
    let unpriced = column(Col::cost_source).like(lit("unpriced:%")).and(column(Col::total_cost).is_null());
    let frame = frame
        .select(vec![
            is_error().and(is_single.clone()).alias(FAILED),
            unpriced.and(is_single.clone()).alias(GAPS),
            is_single.is_false().alias(DOUBLE),
            money(Col::total_cost)?.alias(COST),
            money(Col::input_cost)?.alias(INPUT_COST),
            money(Col::output_cost)?.alias(OUTPUT_COST),
            tokens(Col::input_tokens)?.alias(INPUT_TOKENS),
            tokens(Col::output_tokens)?.alias(OUTPUT_TOKENS),
            tokens(Col::total_tokens)?.alias(TOTAL_TOKENS),
            span(column(Col::time), column(Col::end_time))?.alias(LATENCY),
            column(Col::time).alias(START),
        ])
        .context(ErrorKind::Internal, planning)?;
    read_stats(row_of(frame, stats_aggregates(START, ones_where(named(GAPS)), ones_where(named(DOUBLE))))?)
        .await
}

/// Traces with their latency and whether their root failed.
async fn traces_with_outcome(
    engine: &Engine,
    snapshot: &Snapshot,
    selection: &Selection,
) -> Result<DataFrame> {
    let failed = bool_or(stands_for_trace().and(is_error())).alias(FAILED);
    traces(engine, snapshot, selection, vec![failed])
        .await?
        .with_column(LATENCY, span(named(START), named(END))?)
        .context(ErrorKind::Internal, planning)
}

pub(super) async fn trace_stats(
    engine: &Engine,
    snapshot: &Snapshot,
    selection: &Selection,
) -> Result<Stats> {
    let frame = traces_with_outcome(engine, snapshot, selection).await?;
    read_stats(row_of(frame, stats_aggregates(START, sum(named(GAPS)), ones_where(lit(false))))?).await
}

/// The same with the latencies of roots.
pub(super) async fn root_stats(engine: &Engine, snapshot: &Snapshot, selection: &Selection) -> Result<Stats> {
    let failed = bool_or(stands_for_trace().and(is_error())).alias(FAILED);
    let took = only_if(stands_for_trace(), span(column(Col::time), column(Col::end_time))?)?;
    let frame = traces(engine, snapshot, selection, vec![failed, max(took).alias(LATENCY)]).await?;
    read_stats(row_of(frame, stats_aggregates(START, sum(named(GAPS)), ones_where(lit(false))))?).await
}

pub(super) async fn histogram(
    engine: &Engine,
    snapshot: &Snapshot,
    query: &HistogramQuery,
) -> Result<Histogram> {
    let selection = &query.selection;
    let frame = traces_with_outcome(engine, snapshot, selection).await?;
    let (mut from, mut to) = (selection.range.from, selection.range.to);
    if from.is_none() || to.is_none() {
        let ends =
            row_of(frame.clone(), vec![min(named(START)).alias("first"), max(named(START)).alias("last")])?;
        let batches = collect(ends).await?;
        let end = |name: &str| batches.iter().find_map(|batch| Answer::new(batch).int(name, 0));
        from = from.or_else(|| end("first").map(UnixNanos::from_nanos));
        // The last trace begins inside.
        to = to.or_else(|| end("last").map(|last| UnixNanos::from_nanos(last.saturating_add(1))));
    }
    let (Some(from), Some(to)) = (from, to) else { return Ok(Histogram::default()) };

    let buckets = i128::from(query.buckets.max(1));
    let width = i128::from(to.as_nanos()) - i128::from(from.as_nanos());
    let bucket_nanos = i64::try_from((width.max(1) + buckets - 1) / buckets).unwrap_or(i64::MAX);
    let frame = frame
        .with_column("bucket", (nanos(named(START)) - lit(from.as_nanos())) / lit(bucket_nanos))
        .and_then(|frame| {
            frame.aggregate(
                vec![named("bucket")],
                vec![
                    count(lit(1)).alias("count"),
                    ones_where(named(FAILED)).alias("errors"),
                    at_most(named(COST)).alias("cost"),
                    percentile(LATENCY, 0.95).alias("p95"),
                ],
            )
        })
        .context(ErrorKind::Internal, planning)?;
    let mut filled = vec![HistogramBucket::default(); query.buckets.max(1) as usize];
    let last = filled.len() - 1;
    for batch in collect(frame).await? {
        let answer = Answer::new(&batch);
        for row in 0..batch.num_rows() {
            let place = answer.int("bucket", row).and_then(|at| usize::try_from(at).ok()).unwrap_or(last);
            let error = answer.count("errors", row);
            filled[place.min(last)] = HistogramBucket {
                ok: answer.count("count", row) - error,
                error,
                cost: answer.money("cost", row),
                latency_p95: answer.int("p95", row),
            };
        }
    }
    Ok(Histogram { from, bucket_nanos, buckets: filled })
}

pub(super) async fn facet(engine: &Engine, snapshot: &Snapshot, query: &FacetQuery) -> Result<Facet> {
    const VALUE: &str = "facet_value";
    let (value, of_root) = match query.field {
        FacetField::Status => (column(Col::status), true),
        FacetField::Name => (name()?, true),
        FacetField::RunType => (or_else(column(Col::run_type), "chain")?, true),
        FacetField::Environment => (column(Col::environment), true),
        FacetField::User => (column(Col::user_id), true),
        FacetField::Tag => (column(Col::tags), true),
        FacetField::Model => (column(Col::model), false),
        FacetField::Service => (column(Col::service), false),
    };
    let selection = &query.selection;
    let since = crate::store::TimeRange { from: selection.range.from, to: None };
    let mut rows = engine.table(snapshot, &selection.scope, since)?;
    if of_root {
        rows = rows.filter(stands_for_trace()).context(ErrorKind::Internal, planning)?;
    }
    let (project, trace) = ("facet_project", "facet_trace");
    let mut rows = rows
        .select(vec![
            column(Col::project_id).alias(project),
            column(Col::trace_id).alias(trace),
            if query.field == FacetField::Tag {
                value.alias(VALUE)
            } else {
                cast(value, arrow::datatypes::DataType::Utf8).alias(VALUE)
            },
        ])
        .context(ErrorKind::Internal, planning)?;
    if query.field == FacetField::Tag {
        rows = rows.unnest_columns(&[VALUE]).context(ErrorKind::Internal, planning)?;
    }
    let chosen = traces(engine, snapshot, selection, Vec::new())
        .await?
        .select(vec![column(Col::project_id), column(Col::trace_id)])
        .context(ErrorKind::Internal, planning)?;
    let keys = [Col::project_id.name(), Col::trace_id.name()];
    let frame = rows
        .filter(named(VALUE).is_not_null())
        .and_then(|rows| rows.distinct())
        .and_then(|rows| rows.join(chosen, JoinType::LeftSemi, &[project, trace], &keys, None))
        .and_then(|rows| rows.aggregate(vec![named(VALUE)], vec![count(lit(1)).alias("traces")]))
        .and_then(|rows| rows.sort(vec![named("traces").sort(false, false), named(VALUE).sort(true, false)]))
        .and_then(|rows| rows.limit(0, Some(query.limit)))
        .context(ErrorKind::Internal, planning)?;
    let mut facet = Facet::new();
    for batch in collect(frame).await? {
        let answer = Answer::new(&batch);
        for row in 0..batch.num_rows() {
            facet
                .extend(answer.text(VALUE, row).map(|value| (value.to_owned(), answer.count("traces", row))));
        }
    }
    Ok(facet)
}
