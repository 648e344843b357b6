//! Pages of runs and of traces: keyset paging over any sort key.

use std::collections::HashMap;

use clearspan_model::{ErrorKind, ProjectId, RunId, RunKey, TraceId, UnixNanos};
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::DataFrame;
use futures::FutureExt;

use super::filter::{COST, END, START, TOTAL_TOKENS, Translator};
use super::newest::{self, Paged};
use super::search::{self, Known};
use super::traces::{traces as select_traces, traces_of};
use super::{Answer, Engine, bad_cursor, collect, column, exact, id, money, named, nanos, planning, span};
use crate::error::Context;
use crate::native::state::Snapshot;
use crate::native::{blocking, read};
use crate::schema::Col;
use crate::schema::decode::money_from_units;
use crate::store::{
    Cursor, Order, RunKeys, RunPage, RunQuery, RunSummary, SortKey, TraceFigures, TracePage, Unit,
};
use crate::{Result, summarize};

const VALUE: &str = "sort_value";

/// A row of a page: its key, and the place behind it.
#[derive(Debug, Clone)]
pub(super) struct Found<K> {
    pub(super) key: K,
    pub(super) cursor: Cursor,
}

type RunRow = (TraceId, RunId, ProjectId);

/// A trace of a page. The first two fields decide its place among those of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TraceRow {
    trace_id: TraceId,
    project_id: ProjectId,
    /// Empty unless they were asked for.
    figures: TraceFigures,
}

/// Whether figures of traces are wanted: they take reading more columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    Keys,
    Figures,
}

pub(super) async fn runs(engine: &Engine, snapshot: Snapshot, query: &RunQuery) -> Result<RunPage> {
    let (keys, next) = found_runs(engine, &snapshot, query).await?;
    let scope = query.selection.scope.clone();
    let (trace_ids, run_ids): (Vec<_>, Vec<_>) = keys.iter().map(|key| (key.0, key.1)).unzip();
    let found = blocking(move || read::run_summaries(&snapshot, &scope, &trace_ids, &run_ids)).await?;
    let mut found: HashMap<RunRow, RunSummary> =
        found.into_iter().map(|run| ((run.trace_id, run.run_id, run.project_id), run)).collect();
    Ok(RunPage { runs: keys.iter().filter_map(|key| found.remove(key)).collect(), next })
}

/// The keys of a page alone.
pub(super) async fn run_keys(engine: &Engine, snapshot: Snapshot, query: &RunQuery) -> Result<RunKeys> {
    let workspace_id = query.selection.scope.workspace_id;
    let (found, next) = found_runs(engine, &snapshot, query).await?;
    let key = |(trace_id, run_id, project_id)| RunKey { workspace_id, project_id, trace_id, run_id };
    Ok(RunKeys { keys: found.into_iter().map(key).collect(), next })
}

/// The runs of a page, and where to go on.
async fn found_runs(
    engine: &Engine,
    snapshot: &Snapshot,
    query: &RunQuery,
) -> Result<(Vec<RunRow>, Option<Cursor>)> {
    let selection = &query.selection;
    let condition = match &selection.filter {
        Some(filter) => Some(Translator::new(engine, snapshot, &selection.scope).run(filter).await?),
        None => None,
    };
    let condition = condition.as_ref();
    let mut paged = Paged::TooSparse;
    if newest::goes_by_time(query) && snapshot.only.is_none() {
        let rows = |chunk: Snapshot, _: Option<Known>| {
            async move { run_rows(engine, &chunk, query, condition).await }.boxed()
        };
        paged = newest::page_by_time(engine, snapshot, query, Unit::Runs, rows).await?;
    }
    Ok(match paged {
        Paged::Page(keys, next) => (keys, next),
        Paged::TooSparse => {
            let base = match &selection.filter {
                Some(filter) => search::candidates(snapshot, &selection.scope, filter).await?,
                None => None,
            };
            cut(run_rows(engine, base.as_ref().unwrap_or(snapshot), query, condition).await?, query.limit)
        }
    })
}

/// The first rows of `base` that belong on a page, one more than it has room for. `condition` is what the query's filter
/// asks of a row, and knows of other runs of its trace what it has to.
async fn run_rows(
    engine: &Engine,
    base: &Snapshot,
    query: &RunQuery,
    condition: Option<&Expr>,
) -> Result<Vec<Found<RunRow>>> {
    let selection = &query.selection;
    let mut frame = engine.table(base, &selection.scope, selection.range)?;
    if let Some(condition) = condition {
        frame = frame.filter(condition.clone().is_true()).context(ErrorKind::Internal, planning)?;
    }
    let value = match query.order.by {
        SortKey::Start => nanos(column(Col::time)),
        SortKey::Latency => span(column(Col::time), column(Col::end_time))?,
        SortKey::Cost => column(Col::total_cost),
        SortKey::Tokens => exact(column(Col::total_tokens)),
    };
    let ids = [Col::trace_id, Col::run_id, Col::project_id];
    let mut columns: Vec<Expr> = ids.into_iter().map(column).collect();
    columns.push(value.alias(VALUE));
    let frame = frame.select(columns).context(ErrorKind::Internal, planning)?;
    page(frame, query, &ids, |answer, row| {
        Ok((
            super::trace_id_of(answer, row)?,
            RunId::from_bytes(answer.id(Col::run_id.name(), row)?),
            ProjectId::from_bytes(answer.id(Col::project_id.name(), row)?),
        ))
    })
    .await
}

pub(super) async fn traces(engine: &Engine, snapshot: Snapshot, query: &RunQuery) -> Result<TracePage> {
    let (keys, next) = found_traces(engine, &snapshot, query, Wants::Keys).await?;
    let (scope, trace_ids) =
        (query.selection.scope.clone(), keys.iter().map(|key| key.trace_id).collect::<Vec<_>>());
    let found = blocking(move || read::traces(&snapshot, &scope, &trace_ids)).await?;
    let mut by_trace: HashMap<(TraceId, ProjectId), Vec<RunSummary>> = HashMap::new();
    for run in found {
        by_trace.entry((run.trace_id, run.project_id)).or_default().push(run);
    }
    let runs = keys.iter().filter_map(|key| by_trace.remove(&(key.trace_id, key.project_id)));
    Ok(TracePage { traces: runs.map(summarize::trace_summary).collect(), next })
}

/// What the traces of a page took and cost.
pub(super) async fn trace_figures(
    engine: &Engine,
    snapshot: Snapshot,
    query: &RunQuery,
) -> Result<Vec<TraceFigures>> {
    let (found, _) = found_traces(engine, &snapshot, query, Wants::Figures).await?;
    Ok(found.into_iter().map(|trace| trace.figures).collect())
}

/// The traces of a page, and where to go on.
async fn found_traces(
    engine: &Engine,
    snapshot: &Snapshot,
    query: &RunQuery,
    wants: Wants,
) -> Result<(Vec<TraceRow>, Option<Cursor>)> {
    if newest::goes_by_time(query) && snapshot.only.is_none() {
        let rows = |chunk: Snapshot, known: Option<Known>| {
            async move {
                let frame = traces_of(engine, &chunk, &query.selection, known.as_ref(), Vec::new()).await?;
                trace_rows(frame, query, wants).await
            }
            .boxed()
        };
        let paged = newest::page_by_time(engine, snapshot, query, Unit::Traces, rows).await?;
        if let Paged::Page(keys, next) = paged {
            return Ok((keys, next));
        }
    }
    let frame = select_traces(engine, snapshot, &query.selection, Vec::new()).await?;
    Ok(cut(trace_rows(frame, query, wants).await?, query.limit))
}

/// The first traces that belong on a page, one more than it has room for.
async fn trace_rows(frame: DataFrame, query: &RunQuery, wants: Wants) -> Result<Vec<Found<TraceRow>>> {
    let value = match query.order.by {
        SortKey::Start => nanos(named(START)),
        SortKey::Latency => span(named(START), named(END))?,
        SortKey::Cost => named(COST),
        SortKey::Tokens => named(TOTAL_TOKENS),
    };
    let ids = [Col::trace_id, Col::project_id];
    let mut columns: Vec<Expr> = ids.into_iter().map(column).collect();
    columns.push(value.alias(VALUE));
    if wants == Wants::Figures {
        columns.extend([named(START), named(END), named(COST)]);
    }
    let frame = frame.select(columns).context(ErrorKind::Internal, planning)?;
    page(frame, query, &ids, |answer, row| {
        let time = |name: &str| answer.int(name, row).map(UnixNanos::from_nanos);
        let figures = match wants {
            Wants::Keys => TraceFigures::default(),
            Wants::Figures => TraceFigures {
                start_time: time(START).unwrap_or_default(),
                end_time: time(END),
                total_cost: answer.wide(COST, row).map(money_from_units),
            },
        };
        Ok(TraceRow {
            trace_id: super::trace_id_of(answer, row)?,
            project_id: ProjectId::from_bytes(answer.id(Col::project_id.name(), row)?),
            figures,
        })
    })
    .await
}

/// The first rows of a frame behind the page's cursor, in order, one more than the page has room for.
async fn page<K>(
    frame: DataFrame,
    query: &RunQuery,
    ids: &[Col],
    key: impl Fn(&Answer<'_>, usize) -> Result<K>,
) -> Result<Vec<Found<K>>> {
    let order = query.order;
    let frame = match &query.after {
        Some(cursor) => frame.filter(after(cursor, order)?).context(ErrorKind::Internal, planning)?,
        None => frame,
    };
    let mut sort = vec![named(VALUE).sort(!order.descending, false)];
    sort.extend(ids.iter().map(|col| column(*col).sort(true, false)));
    let frame = frame
        .sort(sort)
        .and_then(|frame| frame.limit(0, Some(query.limit.saturating_add(1))))
        .context(ErrorKind::Internal, planning)?;
    let mut found = Vec::new();
    for batch in collect(frame).await? {
        let answer = Answer::new(&batch);
        for row in 0..batch.num_rows() {
            let cursor = Cursor {
                order,
                value: answer.wide(VALUE, row),
                trace_id: super::trace_id_of(&answer, row)?,
                run_id: answer.id(Col::run_id.name(), row).ok().map(RunId::from_bytes),
            };
            found.push(Found { key: key(&answer, row)?, cursor });
        }
    }
    Ok(found)
}

/// The rows of a page, and where to go on when there are more than it has room for.
pub(super) fn cut<K>(mut found: Vec<Found<K>>, limit: usize) -> (Vec<K>, Option<Cursor>) {
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(|last| last.cursor.clone());
    (found.into_iter().map(|found| found.key).collect(), next)
}

/// What comes after the place that a cursor names. Rows without a value come last; equal ones are in order of id.
fn after(cursor: &Cursor, order: Order) -> Result<Expr> {
    if cursor.order != order {
        return Err(bad_cursor());
    }
    let later_trace = column(Col::trace_id).gt(id(cursor.trace_id.as_bytes()));
    let later_id = match &cursor.run_id {
        Some(run_id) => {
            let same_trace = column(Col::trace_id).eq(id(cursor.trace_id.as_bytes()));
            later_trace.or(same_trace.and(column(Col::run_id).gt(id(run_id.as_bytes()))))
        }
        None => later_trace,
    };
    let Some(value) = cursor.value else {
        return Ok(named(VALUE).is_null().and(later_id));
    };
    let value = match order.by {
        SortKey::Start | SortKey::Latency => lit(i64::try_from(value).map_err(|_| bad_cursor())?),
        SortKey::Cost => money(value),
        SortKey::Tokens => exact(lit(u64::try_from(value).map_err(|_| bad_cursor())?)),
    };
    let further =
        if order.descending { named(VALUE).lt(value.clone()) } else { named(VALUE).gt(value.clone()) };
    Ok(further.or(named(VALUE).eq(value).and(later_id)).or(named(VALUE).is_null()))
}
