//! The traces of a selection: one row each, with totals and what the filter asks.

use clearspan_model::{ErrorKind, UnixNanos};
use datafusion::functions_aggregate::expr_fn::{bool_or, max, min, sum};
use datafusion::logical_expr::{Expr, cast, lit};
use datafusion::prelude::DataFrame;

use super::filter::{
    COST, END, GAPS, INPUT_COST, INPUT_TOKENS, OUTPUT_COST, OUTPUT_TOKENS, START, TOTAL_TOKENS, Translator,
    stands_for_trace,
};
use super::search::{self, Known};
use super::udf;
use super::{Engine, column, exact, named, only_if, planning, time};
use crate::Result;
use crate::error::Context;
use crate::native::state::Snapshot;
use crate::schema::Col;
use crate::store::{Selection, TimeRange};
use crate::sums::at_most;

/// One row a trace: `project_id`, `trace_id`, the totals, and `extra` aggregates; only traces that the selection
/// holds.
///
/// Runs long before the range are not read. A trace that began there has no run that stands for it among those that
/// are, which is how it is left out. Some time before the range is read, because clocks differ: a child may begin before
/// its root.
pub(super) async fn traces(
    engine: &Engine,
    snapshot: &Snapshot,
    selection: &Selection,
    extra: Vec<Expr>,
) -> Result<DataFrame> {
    let known = match &selection.filter {
        Some(filter) => search::known_traces(engine, snapshot, selection, filter).await?,
        None => None,
    };
    match known {
        Some((narrow, known)) => traces_of(engine, &narrow, selection, Some(&known), extra).await,
        None => traces_of(engine, snapshot, selection, None, extra).await,
    }
}

/// The same, of which some condition is known already.
pub(super) async fn traces_of(
    engine: &Engine,
    snapshot: &Snapshot,
    selection: &Selection,
    known: Option<&Known>,
    extra: Vec<Expr>,
) -> Result<DataFrame> {
    let mut translator = Translator::new(engine, snapshot, &selection.scope);
    translator.known = known.map(|known| &known.filter);
    let condition = match &selection.filter {
        Some(filter) => Some(translator.trace(filter).await?),
        None => None,
    };
    let mut aggregates = totals()?;
    aggregates.append(&mut translator.aggregates);
    aggregates.extend(extra);
    let from = selection.range.from;
    let read_from = from.map(|from| UnixNanos::from_nanos(from.as_nanos().saturating_sub(CLOCK_SKEW_NANOS)));
    let since = TimeRange { from: read_from, to: None };
    let end = only_if(named(IS_RUNNING).is_not_true(), named(LAST_END))?;
    let mut frame = engine
        .table(snapshot, &selection.scope, since)?
        .aggregate(vec![column(Col::project_id), column(Col::trace_id)], aggregates)
        .and_then(|frame| frame.filter(named(HAS_ROOT).is_true()))
        .and_then(|frame| frame.with_column(END, end))
        .context(ErrorKind::Internal, planning)?;
    if let Some(from) = from {
        frame = frame.filter(named(START).gt_eq(time(from))).context(ErrorKind::Internal, planning)?;
    }
    if let Some(to) = selection.range.to {
        frame = frame.filter(named(START).lt(time(to))).context(ErrorKind::Internal, planning)?;
    }
    if let Some(known) = known {
        let ids = [Col::project_id, Col::trace_id].map(column);
        let is_known = udf::ids_in_set(ids, "known", known.traces.clone());
        frame = frame.filter(is_known).context(ErrorKind::Internal, planning)?;
    }
    if let Some(condition) = condition {
        frame = frame.filter(condition.is_true()).context(ErrorKind::Internal, planning)?;
    }
    Ok(frame)
}

/// A child may begin this long before its root: an hour.
const CLOCK_SKEW_NANOS: i64 = 3_600_000_000_000;

const HAS_ROOT: &str = "trace_has_root";
/// The last end of its runs so far, and whether its root still runs: then the trace has no end.
const LAST_END: &str = "trace_last_end";
const IS_RUNNING: &str = "trace_is_running";

/// Those that nobody asks for are left out of the plan.
fn totals() -> Result<Vec<Expr>> {
    let money = |col: Col| -> Result<Expr> { Ok(at_most(only_if(column(Col::cost_billed), column(col))?)) };
    let tokens =
        |col: Col| -> Result<Expr> { Ok(sum(exact(only_if(column(Col::tokens_billed), column(col))?))) };
    Ok(vec![
        bool_or(stands_for_trace()).alias(HAS_ROOT),
        min(column(Col::time)).alias(START),
        max(column(Col::end_time)).alias(LAST_END),
        bool_or(stands_for_trace().and(column(Col::status).eq(lit("pending")))).alias(IS_RUNNING),
        money(Col::total_cost)?.alias(COST),
        money(Col::input_cost)?.alias(INPUT_COST),
        money(Col::output_cost)?.alias(OUTPUT_COST),
        tokens(Col::input_tokens)?.alias(INPUT_TOKENS),
        tokens(Col::output_tokens)?.alias(OUTPUT_TOKENS),
        tokens(Col::total_tokens)?.alias(TOTAL_TOKENS),
        sum(cast(column(Col::cost_gap), arrow::datatypes::DataType::Int64)).alias(GAPS),
    ])
}
