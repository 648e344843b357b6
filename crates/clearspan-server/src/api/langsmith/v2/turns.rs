//! Threads: the traces that belong to one conversation are its turns.
//!
//! The store knows the thread of each trace, but sums nothing up by it; that is done here, over the newest turns.

use std::cmp::Reverse;
use std::sync::Arc;

use clearspan_model::{Decimal, TraceId, UnixNanos, WorkspaceId};
use clearspan_query::{Expr, Field, Literal, Op};
use clearspan_store::{Order, RunQuery, SortKey, TraceSummary};
use rustc_hash::FxHashMap;

use super::super::asked::Asked;
use crate::api::error::Result;
use crate::api::threads::is_one_of;
use crate::context::Context;

const TURNS_AT_ONCE: usize = 1_000;
/// More turns than these are not looked at: of a larger project the oldest are left out, and answers say so.
pub(in crate::api::langsmith) const MAX_TURNS: usize = 50_000;

/// A conversation.
#[derive(Debug)]
pub(in crate::api::langsmith) struct Thread {
    pub(in crate::api::langsmith) id: String,
    /// In the order in which they began; at least one.
    pub(in crate::api::langsmith) turns: Vec<TraceSummary>,
}

/// The turns of one thread.
pub(super) fn of_thread(thread_id: &str) -> Asked {
    let is_it = Expr::Test(Field::Thread, Op::Eq(Literal::Text(thread_id.to_owned())));
    Asked { is_root: Some(true), also: Some(is_it), ..Asked::default() }
}

/// The threads of the traces that are asked for, that which was used last first.
pub(in crate::api::langsmith) async fn threads_of(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    asked: Asked,
) -> Result<Vec<Thread>> {
    let mut by_id: FxHashMap<String, Vec<TraceSummary>> = FxHashMap::default();
    for turn in load(ctx, workspace_id, in_threads(asked)).await? {
        if let Some(id) = thread_of(&turn) {
            by_id.entry(id.to_owned()).or_default().push(turn);
        }
    }
    let mut threads: Vec<Thread> = by_id.into_iter().map(|(id, turns)| Thread { id, turns }).collect();
    threads.sort_by_key(|thread| (Reverse(thread.last().start_time), thread.last().root.trace_id));
    Ok(threads)
}

/// Some of the threads of the traces that are asked for, and what there is of them.
#[derive(Debug)]
pub(in crate::api::langsmith) struct ThreadPage {
    /// In the order of [`threads_of`].
    pub(in crate::api::langsmith) threads: Vec<Thread>,
    pub(in crate::api::langsmith) total: usize,
    /// Whether there are more turns than were looked at.
    pub(in crate::api::langsmith) is_partial: bool,
}

/// The threads of the traces that are asked for, without so many at the beginning and at most so many. The turns of others are looked at
/// and not kept.
pub(in crate::api::langsmith) async fn page_of_threads(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    asked: Asked,
    offset: usize,
    limit: usize,
) -> Result<ThreadPage> {
    let mut last_turns: FxHashMap<String, (UnixNanos, TraceId)> = FxHashMap::default();
    let note = |turn: TraceSummary| {
        if let Some(id) = thread_of(&turn) {
            let this = (turn.start_time, turn.root.trace_id);
            let last = last_turns.entry(id.to_owned()).or_insert(this);
            *last = this.max(*last);
        }
    };
    let count = each(ctx, workspace_id, in_threads(asked.clone()), note).await?;
    let total = last_turns.len();
    let mut ids: Vec<(Reverse<UnixNanos>, TraceId, String)> =
        last_turns.into_iter().map(|(id, (time, trace_id))| (Reverse(time), trace_id, id)).collect();
    ids.sort_unstable();
    let mut of_page = ids.into_iter().skip(offset).take(limit).map(|(_, _, id)| id).peekable();
    let threads = match of_page.peek() {
        None => Vec::new(),
        Some(_) => {
            let also = Some(both(asked.also.clone(), is_one_of(of_page)));
            threads_of(ctx, workspace_id, Asked { also, ..asked }).await?
        }
    };
    Ok(ThreadPage { threads, total, is_partial: count >= MAX_TURNS })
}

fn thread_of(turn: &TraceSummary) -> Option<&str> {
    turn.root.thread_id.as_deref().or(turn.thread_id.as_deref())
}

/// Of the traces that are asked for those that are in a thread.
fn in_threads(asked: Asked) -> Asked {
    let also = Some(both(asked.also, Expr::Test(Field::Thread, Op::Exists)));
    Asked { is_root: Some(true), also, ..asked }
}

fn both(one: Option<Expr>, other: Expr) -> Expr {
    match one {
        Some(one) => Expr::All(vec![one, other]),
        None => other,
    }
}

/// The traces that are asked for, the oldest first; of too many the newest.
pub(super) async fn load(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    asked: Asked,
) -> Result<Vec<TraceSummary>> {
    let mut turns = Vec::new();
    each(ctx, workspace_id, asked, |turn| turns.push(turn)).await?;
    turns.sort_by_key(|turn| (turn.start_time, turn.root.trace_id));
    Ok(turns)
}

/// Looks at the traces that are asked for, the newest first, and says how many they were; of too many not at all.
async fn each(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    asked: Asked,
    mut look: impl FnMut(TraceSummary),
) -> Result<usize> {
    let order = Order { by: SortKey::Start, descending: true };
    let selection = asked.selection(ctx, workspace_id).await?;
    let mut query = RunQuery { selection, order, after: None, limit: TURNS_AT_ONCE };
    let mut count = 0;
    loop {
        let page = ctx.store.query_traces(&query).await?;
        count += page.traces.len();
        page.traces.into_iter().for_each(&mut look);
        query.after = page.next;
        if query.after.is_none() || count >= MAX_TURNS {
            return Ok(count);
        }
    }
}

impl Thread {
    pub(in crate::api::langsmith) fn first(&self) -> &TraceSummary {
        &self.turns[0]
    }

    pub(in crate::api::langsmith) fn last(&self) -> &TraceSummary {
        &self.turns[self.turns.len() - 1]
    }

    pub(in crate::api::langsmith) fn errors(&self) -> u64 {
        let failed = self.turns.iter().filter(|turn| turn.root.status == clearspan_model::Status::Error);
        failed.count() as u64
    }

    pub(in crate::api::langsmith) fn figures(&self) -> Figures {
        Figures::of(&self.turns)
    }
}

/// Sums and percentiles over traces. What no trace tells is absent.
#[derive(Debug, Default)]
pub(in crate::api::langsmith) struct Figures {
    pub(in crate::api::langsmith) total_tokens: Option<u64>,
    pub(in crate::api::langsmith) prompt_tokens: Option<u64>,
    pub(in crate::api::langsmith) completion_tokens: Option<u64>,
    pub(in crate::api::langsmith) total_cost: Option<Decimal>,
    pub(in crate::api::langsmith) prompt_cost: Option<Decimal>,
    pub(in crate::api::langsmith) completion_cost: Option<Decimal>,
    /// In nanoseconds.
    pub(in crate::api::langsmith) latency_p50: Option<i64>,
    pub(in crate::api::langsmith) latency_p99: Option<i64>,
    pub(in crate::api::langsmith) first_token_p50: Option<i64>,
    pub(in crate::api::langsmith) first_token_p99: Option<i64>,
    pub(in crate::api::langsmith) median_tokens: Option<i64>,
}

impl Figures {
    pub(in crate::api::langsmith) fn of<'t>(
        turns: impl IntoIterator<Item = &'t TraceSummary> + Clone,
    ) -> Self {
        let add = |figure: fn(&TraceSummary) -> Option<u64>| {
            let known: Vec<u64> = turns.clone().into_iter().filter_map(figure).collect();
            (!known.is_empty()).then(|| known.iter().fold(0, |sum: u64, one| sum.saturating_add(*one)))
        };
        let sorted = |figure: fn(&TraceSummary) -> Option<i64>| {
            let mut known: Vec<i64> = turns.clone().into_iter().filter_map(figure).collect();
            known.sort_unstable();
            known
        };
        let latency = sorted(|turn| turn.end_time.map(|end| end.nanos_since(turn.start_time).max(0)));
        let first_token =
            sorted(|turn| turn.root.first_token_time.map(|at| at.nanos_since(turn.start_time).max(0)));
        let tokens = sorted(|turn| turn.total_tokens.and_then(|tokens| i64::try_from(tokens).ok()));
        let money = |cost: fn(&TraceSummary) -> Option<Decimal>| {
            turns.clone().into_iter().filter_map(cost).reduce(Decimal::saturating_add)
        };
        Self {
            total_tokens: add(|turn| turn.total_tokens),
            prompt_tokens: add(|turn| turn.input_tokens),
            completion_tokens: add(|turn| turn.output_tokens),
            total_cost: money(|turn| turn.total_cost),
            prompt_cost: money(|turn| turn.input_cost),
            completion_cost: money(|turn| turn.output_cost),
            latency_p50: percentile(&latency, 50),
            latency_p99: percentile(&latency, 99),
            first_token_p50: percentile(&first_token, 50),
            first_token_p99: percentile(&first_token, 99),
            median_tokens: percentile(&tokens, 50),
        }
    }
}

/// The smallest value that at least so many of a hundred do not exceed.
fn percentile(sorted: &[i64], percent: usize) -> Option<i64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}
