//! Pages of runs and of traces: keyset paging over any sort key.

use std::collections::HashMap;

use clearspan_model::{ErrorKind, ProjectId, RunId};
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::DataFrame;

use super::filter::{COST, END, START, TOTAL_TOKENS, Translator};
use super::traces::traces as select_traces;
use super::{Answer, Engine, bad_cursor, collect, column, exact, id, money, named, nanos, planning, span};
use crate::error::Context;
use crate::native::state::Snapshot;
use crate::native::{blocking, read};
use crate::schema::Col;
use crate::store::{Cursor, Order, RunPage, RunQuery, RunSummary, SortKey, TracePage};
use crate::{Result, summarize};

const VALUE: &str = "sort_value";

pub(super) async fn runs(engine: &Engine, snapshot: Snapshot, query: &RunQuery) -> Result<RunPage> {
    let selection = &query.selection;
    let mut frame = engine.table(&snapshot, &selection.scope, selection.range)?;
    if let Some(filter) = &selection.filter {
        let condition = Translator::new(engine, &snapshot, &selection.scope).run(filter).await?;
        frame = frame.filter(condition.is_true()).context(ErrorKind::Internal, planning)?;
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
    let (keys, next) = page(frame, query, &ids, |answer, row| {
        Ok((
            ProjectId::from_bytes(answer.id(Col::project_id.name(), row)?),
            super::trace_id_of(answer, row)?,
            RunId::from_bytes(answer.id(Col::run_id.name(), row)?),
        ))
    })
    .await?;

    let (scope, run_ids) = (selection.scope.clone(), keys.iter().map(|key| key.2).collect::<Vec<_>>());
    let found = blocking(move || read::run_summaries(&snapshot, &scope, &run_ids)).await?;
    let mut found: HashMap<_, RunSummary> =
        found.into_iter().map(|run| ((run.project_id, run.trace_id, run.run_id), run)).collect();
    Ok(RunPage { runs: keys.iter().filter_map(|key| found.remove(key)).collect(), next })
}

pub(super) async fn traces(engine: &Engine, snapshot: Snapshot, query: &RunQuery) -> Result<TracePage> {
    let selection = &query.selection;
    let frame = select_traces(engine, &snapshot, selection, Vec::new()).await?;
    let value = match query.order.by {
        SortKey::Start => nanos(named(START)),
        SortKey::Latency => span(named(START), named(END))?,
        SortKey::Cost => named(COST),
        SortKey::Tokens => named(TOTAL_TOKENS),
    };
    let ids = [Col::trace_id, Col::project_id];
    let mut columns: Vec<Expr> = ids.into_iter().map(column).collect();
    columns.push(value.alias(VALUE));
    let frame = frame.select(columns).context(ErrorKind::Internal, planning)?;
    let (keys, next) = page(frame, query, &ids, |answer, row| {
        Ok((ProjectId::from_bytes(answer.id(Col::project_id.name(), row)?), super::trace_id_of(answer, row)?))
    })
    .await?;

    let (scope, trace_ids) = (selection.scope.clone(), keys.iter().map(|key| key.1).collect::<Vec<_>>());
    let found = blocking(move || read::traces(&snapshot, &scope, &trace_ids)).await?;
    let mut by_trace: HashMap<_, Vec<RunSummary>> = HashMap::new();
    for run in found {
        by_trace.entry((run.project_id, run.trace_id)).or_default().push(run);
    }
    let traces = keys.iter().filter_map(|key| by_trace.remove(key)).map(summarize::trace_summary);
    Ok(TracePage { traces: traces.collect(), next })
}

/// One page of keys, and where to go on.
async fn page<K>(
    frame: DataFrame,
    query: &RunQuery,
    ids: &[Col],
    key: impl Fn(&Answer<'_>, usize) -> Result<K>,
) -> Result<(Vec<K>, Option<Cursor>)> {
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
    let (mut keys, mut next) = (Vec::new(), None);
    for batch in collect(frame).await? {
        let answer = Answer::new(&batch);
        for row in 0..batch.num_rows() {
            if keys.len() == query.limit {
                return Ok((keys, next));
            }
            keys.push(key(&answer, row)?);
            next = Some(Cursor {
                order,
                value: answer.wide(VALUE, row),
                trace_id: super::trace_id_of(&answer, row)?,
                run_id: answer.id(Col::run_id.name(), row).ok().map(RunId::from_bytes),
            });
        }
    }
    Ok((keys, None))
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
