//! Threads: the traces whose roots name one thread are its turns. The store knows the thread of each trace and sums nothing up
//! by it, so the threads of a page are found first, by their newest turns, and then their turns are read.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_model::{Decimal, Status};
use clearspan_query::{Expr, Field, Literal, Op};
use clearspan_store::{
    Cursor, Order, RunQuery, Scope, Selection, SortKey, Stats, TimeRange, TraceSummary, Unit,
};
use futures::{StreamExt as _, TryStreamExt as _};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::Result;
use super::extract::{Params, PathParams};
use super::openapi::Errors;
use super::params::{self, clamp_to, decode_cursor, encode_cursor};
use super::projects;
use super::types::decimal_text;
use crate::auth::Caller;
use crate::context::Context;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;
/// Turns that are asked for at once.
const TURNS_AT_ONCE: usize = 500;
/// Threads of a page that have more turns than these together are summed up by the store, one by one.
const MAX_TURNS: usize = 5_000;
/// Threads that the store sums up at once.
const SUMS_AT_ONCE: usize = 4;
pub(crate) const NEWEST_FIRST: Order = Order { by: SortKey::Start, descending: true };

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ThreadParams {
    /// Filter text: threads with a turn (a trace) that it selects.
    q: Option<String>,
    /// Time range: threads with a turn that began in it.
    t: Option<String>,
    /// How many threads, at most 200. The default is 50.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A conversation, summed up from all its turns.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ThreadRow {
    thread_id: String,
    turn_count: u64,
    /// Turns whose root failed.
    error_count: u64,
    /// When the first turn began.
    start_time: i64,
    /// When the last turn began.
    last_time: i64,
    /// `pending`, `success` or `error`: that of the last turn.
    status: &'static str,
    cost: Option<String>,
    /// Of `cost`, what inputs took, as far as it is known by side.
    input_cost: Option<String>,
    /// Of `cost`, what outputs took, as far as it is known by side.
    output_cost: Option<String>,
    /// Runs that should have a cost and have none: while it is not 0, the cost is a lower bound.
    unpriced_count: u64,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    total_tokens: Option<u64>,
    /// Of the last turn.
    user_id: Option<String>,
    /// Of the last turn.
    environment: Option<String>,
    first_trace_id: String,
    last_trace_id: String,
    /// What the first turn began with.
    first_input_preview: Option<String>,
    last_input_preview: Option<String>,
    last_output_preview: Option<String>,
    /// Of the last turn that failed, first line.
    #[schema(value_type = Option<String>)]
    last_error: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ThreadList {
    /// That with the newest turn of those that are asked for comes first.
    threads: Vec<ThreadRow>,
    /// Pass it as `cursor` to go on; null at the end.
    next_cursor: Option<String>,
}

/// Threads of a project, those used last first
///
/// A filter and a time range choose threads by their turns; the figures are those of all turns of a thread.
#[utoipa::path(get, path = "/projects/{project}/threads", tag = "threads",
    params(("project" = String, Path, description = "Id or name"), ThreadParams),
    responses((status = 200, body = ThreadList), Errors))]
pub(crate) async fn list(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(project): PathParams<String>,
    Params(asked): Params<ThreadParams>,
) -> Result<Json<ThreadList>> {
    let project = projects::find(&ctx, caller.workspace_id, &project).await?;
    let (q, t) = (asked.q.as_deref(), asked.t.as_deref());
    let chosen = params::selection(caller.workspace_id, project.id, q, t, ctx.clock.now())?;
    let after = asked.cursor.as_deref().map(|cursor| decode_cursor(cursor, NEWEST_FIRST, Unit::Traces));
    let limit = clamp_to(asked.limit, DEFAULT_LIMIT, MAX_LIMIT);
    let scope = chosen.scope.clone();
    let Newest { thread_ids, next } = newest(&ctx, chosen, after.transpose()?, limit).await?;
    Ok(Json(ThreadList {
        threads: rows(&ctx, &scope, thread_ids).await?,
        next_cursor: next.as_ref().map(encode_cursor),
    }))
}

/// A page of threads.
#[derive(Debug)]
pub(crate) struct Newest {
    pub(crate) thread_ids: Vec<String>,
    /// Where to go on; `None` at the end.
    pub(crate) next: Option<Cursor>,
}

/// The threads of the chosen traces, by the newest of these. Reads no more traces than it must: the threads that were found
/// are left out when it goes on, so one with a million turns costs no more than one with two.
pub(crate) async fn newest(
    ctx: &Arc<Context>,
    chosen: Selection,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Newest> {
    let chosen = and(chosen, Expr::Test(Field::Thread, Op::Exists));
    // Threads that are on this page or on one before it.
    let mut seen: FxHashSet<String> = FxHashSet::default();
    let mut found: Vec<(String, Cursor)> = Vec::new();
    let mut next = after.clone();
    loop {
        let selection = match seen.is_empty() {
            true => chosen.clone(),
            false => and(chosen.clone(), Expr::Not(Box::new(is_one_of(seen.iter().cloned())))),
        };
        let query = RunQuery { selection, order: NEWEST_FIRST, after: next, limit: TURNS_AT_ONCE };
        let page = ctx.store.query_traces(&query).await?;
        let mut fresh: Vec<(String, Cursor)> = Vec::new();
        for turn in &page.traces {
            if let Some(id) = turn.root.thread_id.as_ref().filter(|id| !seen.contains(*id)) {
                seen.insert(id.clone());
                fresh.push((id.clone(), cursor_of(turn)));
            }
        }
        if let Some(after) = &after {
            let shown = before(ctx, &chosen, after, fresh.iter().map(|(id, _)| id.clone()).collect()).await?;
            fresh.retain(|(id, _)| !shown.contains(id));
        }
        found.extend(fresh);
        next = page.next;
        if next.is_none() || found.len() > limit {
            break;
        }
    }
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(|(_, cursor)| cursor.clone());
    Ok(Newest { thread_ids: found.into_iter().map(|(id, _)| id).collect(), next })
}

/// Those of the threads that have a chosen turn up to the cursor: a page before this one has shown them.
async fn before(
    ctx: &Arc<Context>,
    chosen: &Selection,
    cursor: &Cursor,
    mut threads: FxHashSet<String>,
) -> Result<FxHashSet<String>> {
    let mut shown = FxHashSet::default();
    let start = cursor.value.and_then(|nanos| i64::try_from(nanos).ok()).unwrap_or(i64::MAX);
    let range = TimeRange { from: Some(clearspan_model::UnixNanos::from_nanos(start)), to: chosen.range.to };
    let mut after = None;
    while !threads.is_empty() {
        let selection = Selection { range, ..and(chosen.clone(), is_one_of(threads.iter().cloned())) };
        let query = RunQuery { selection, order: NEWEST_FIRST, after, limit: TURNS_AT_ONCE };
        let page = ctx.store.query_traces(&query).await?;
        // At one moment, traces are in order of their ids.
        let is_before = |turn: &&TraceSummary| {
            turn.start_time.as_nanos() > start || turn.root.trace_id <= cursor.trace_id
        };
        for id in page.traces.iter().filter(is_before).filter_map(|turn| turn.root.thread_id.as_ref()) {
            if threads.remove(id) {
                shown.insert(id.clone());
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(shown)
}

/// Where the list goes on behind the thread whose newest turn this is.
pub(crate) fn cursor_of(turn: &TraceSummary) -> Cursor {
    Cursor {
        order: NEWEST_FIRST,
        value: Some(i128::from(turn.start_time.as_nanos())),
        trace_id: turn.root.trace_id,
        run_id: None,
    }
}

fn and(selection: Selection, condition: Expr) -> Selection {
    let filter = Some(match selection.filter {
        Some(filter) => Expr::All(vec![filter, condition]),
        None => condition,
    });
    Selection { filter, ..selection }
}

pub(crate) fn is_one_of(thread_ids: impl Iterator<Item = String>) -> Expr {
    Expr::Test(Field::Thread, Op::In(thread_ids.map(Literal::Text).collect()))
}

/// What the list shows of threads, in the same order.
async fn rows(ctx: &Arc<Context>, scope: &Scope, thread_ids: Vec<String>) -> Result<Vec<ThreadRow>> {
    if thread_ids.is_empty() {
        return Ok(Vec::new());
    }
    match turns_of(ctx, scope, &thread_ids).await? {
        Some(mut by_thread) => {
            let row = |id: String| Some(ThreadRow::of_turns(by_thread.remove(&id)?, id));
            Ok(thread_ids.into_iter().filter_map(row).collect())
        }
        None => {
            let rows: Vec<_> = thread_ids.into_iter().map(|id| summed_up(ctx, scope, id)).collect();
            let rows: Vec<Option<ThreadRow>> =
                futures::stream::iter(rows).buffered(SUMS_AT_ONCE).try_collect().await?;
            Ok(rows.into_iter().flatten().collect())
        }
    }
}

/// The turns of some threads, the newest first; `None` when there are too many to read them all.
async fn turns_of(
    ctx: &Arc<Context>,
    scope: &Scope,
    thread_ids: &[String],
) -> Result<Option<FxHashMap<String, Vec<TraceSummary>>>> {
    let mut query = RunQuery {
        selection: all_of(scope, is_one_of(thread_ids.iter().cloned())),
        order: NEWEST_FIRST,
        after: None,
        limit: TURNS_AT_ONCE,
    };
    let mut by_thread: FxHashMap<String, Vec<TraceSummary>> = FxHashMap::default();
    let mut count = 0;
    loop {
        let page = ctx.store.query_traces(&query).await?;
        count += page.traces.len();
        for turn in page.traces {
            if let Some(id) = turn.root.thread_id.clone() {
                by_thread.entry(id).or_default().push(turn);
            }
        }
        query.after = page.next;
        if query.after.is_none() {
            return Ok(Some(by_thread));
        }
        if count >= MAX_TURNS {
            return Ok(None);
        }
    }
}

fn all_of(scope: &Scope, filter: Expr) -> Selection {
    Selection { scope: scope.clone(), range: TimeRange::default(), filter: Some(filter) }
}

/// A thread by the store's own sums. `None` when its turns were deleted meanwhile.
async fn summed_up(ctx: &Arc<Context>, scope: &Scope, thread_id: String) -> Result<Option<ThreadRow>> {
    let selection = all_of(scope, is_one_of(std::iter::once(thread_id.clone())));
    let end = |descending: bool, also: Option<Expr>| {
        let selection = also.map_or_else(|| selection.clone(), |also| and(selection.clone(), also));
        let order = Order { by: SortKey::Start, descending };
        RunQuery { selection, order, after: None, limit: 1 }
    };
    let stats = ctx.store.stats(Unit::Traces, &selection).await?;
    let first = ctx.store.query_traces(&end(false, None)).await?.traces.pop();
    let last = ctx.store.query_traces(&end(true, None)).await?.traces.pop();
    let failed = Expr::Test(Field::Status, Op::Eq(Literal::Status(Status::Error)));
    let failed = match stats.error_count {
        0 => None,
        _ => ctx.store.query_traces(&end(true, Some(failed))).await?.traces.pop(),
    };
    Ok(first.zip(last).map(|(first, last)| ThreadRow::new(thread_id, &first, &last, failed.as_ref(), stats)))
}

impl ThreadRow {
    /// From all its turns, the newest first.
    fn of_turns(turns: Vec<TraceSummary>, thread_id: String) -> Self {
        let add = |figure: fn(&TraceSummary) -> Option<u64>| {
            turns.iter().filter_map(figure).reduce(u64::saturating_add)
        };
        let is_failed = |turn: &&TraceSummary| turn.root.status == Status::Error;
        let (newest, oldest) = (&turns[0], &turns[turns.len() - 1]);
        let stats = Stats {
            count: turns.len() as u64,
            error_count: turns.iter().filter(is_failed).count() as u64,
            unpriced_count: turns.iter().map(|turn| turn.unpriced_count).sum(),
            ..Stats::default()
        };
        let money = |cost: fn(&TraceSummary) -> Option<Decimal>| {
            turns.iter().filter_map(cost).reduce(Decimal::saturating_add).map(decimal_text)
        };
        Self {
            cost: money(|turn| turn.total_cost),
            input_cost: money(|turn| turn.input_cost),
            output_cost: money(|turn| turn.output_cost),
            input_tokens: add(|turn| turn.input_tokens),
            output_tokens: add(|turn| turn.output_tokens),
            total_tokens: add(|turn| turn.total_tokens),
            ..Self::new(thread_id, oldest, newest, turns.iter().find(is_failed), stats)
        }
    }

    fn new(
        thread_id: String,
        first: &TraceSummary,
        last: &TraceSummary,
        failed: Option<&TraceSummary>,
        stats: Stats,
    ) -> Self {
        // The store's sums do not tell "nothing known" from zero.
        let known = |count: u64| (count > 0).then_some(count);
        let money = |sum: Decimal| (!sum.is_zero()).then(|| decimal_text(sum));
        Self {
            thread_id,
            turn_count: stats.count,
            error_count: stats.error_count,
            start_time: first.start_time.as_micros(),
            last_time: last.start_time.as_micros(),
            status: last.root.status.as_str(),
            cost: money(stats.total_cost),
            input_cost: money(stats.input_cost),
            output_cost: money(stats.output_cost),
            unpriced_count: stats.unpriced_count,
            input_tokens: known(stats.input_tokens),
            output_tokens: known(stats.output_tokens),
            total_tokens: known(stats.total_tokens),
            user_id: last.user_id.clone(),
            environment: last.root.environment.clone(),
            first_trace_id: first.root.trace_id.to_string(),
            last_trace_id: last.root.trace_id.to_string(),
            first_input_preview: first.input_preview.clone(),
            last_input_preview: last.input_preview.clone(),
            last_output_preview: last.output_preview.clone(),
            last_error: failed
                .and_then(|turn| turn.error.as_deref())
                .map(|error| super::format::first_line(error, 300)),
        }
    }
}
