//! `/api/v2/threads`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use clearspan_model::{Decimal, ProjectId, TraceId, UnixNanos, WorkspaceId};
use clearspan_query::langsmith::{Numbers, parse_numbers};
use clearspan_store::{Cursor, Order, RunQuery, SortKey, TraceSummary, Unit};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::asked::{Asked, complain};
use super::super::feedback::{self, OfRuns};
use super::super::find::{Pairs, parse_count, parse_id, unprocessable};
use super::super::json_object::JsonObject;
use super::super::run_json::{Select, iso, seconds};
use super::super::runs::{Page, Wants, rows};
use super::run_json::{cost_details, number};
use super::runs::{page_size, value_of, values_of};
use super::turns::{Figures, MAX_TURNS, Thread, load, of_thread, threads_of};
use super::{a_day_ago, answer, filters, range};
use crate::api::error::{ApiError, Result};
use crate::api::extract::{JsonBody, Params, PathParams};
use crate::api::params::{decode_cursor, encode_cursor};
use crate::api::threads::{NEWEST_FIRST, Newest, cursor_of, is_one_of, newest};
use crate::auth::Caller;
use crate::context::Context;

/// Threads that are looked at together for those whose figures fit.
const THREADS_AT_ONCE: usize = 100;
const MAX_PAGE: usize = 100;
const DEFAULT_PAGE: i64 = 20;
/// What `thread_filter` can look at.
const FIGURES: &[&str] = &[
    "turn_count",
    "num_errored_turns",
    "thread_duration",
    "trace_latency_p50",
    "trace_latency_p99",
    "latency_p50",
    "latency_p99",
    "total_tokens",
    "prompt_tokens",
    "completion_tokens",
    "total_cost",
    "prompt_cost",
    "completion_cost",
];

/// Every key may be missing or null.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::api::langsmith) struct Body {
    project_id: Option<ProjectId>,
    filter: Option<String>,
    thread_filter: Option<String>,
    trace_filter: Option<String>,
    tree_filter: Option<String>,
    min_start_time: Option<String>,
    max_start_time: Option<String>,
    page_size: Option<i64>,
    cursor: Option<String>,
    ai_search: Option<String>,
    select: Option<Vec<String>>,
}

pub(in crate::api::langsmith) async fn query(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Body>,
) -> Result<Response> {
    let limit = page_size(Some(body.page_size.unwrap_or(DEFAULT_PAGE)), MAX_PAGE)?;
    let after = body.cursor.as_deref().map(|cursor| decode_cursor(cursor, NEWEST_FIRST, Unit::Traces));
    let after = after.transpose()?;
    let filter = body.thread_filter()?;
    let asked = body.asked(&ctx)?;
    let workspace_id = caller.workspace_id;
    let (threads, next) = match filter {
        Some(filter) => filtered(&ctx, workspace_id, asked, &filter, after, limit).await?,
        None => newest_threads(&ctx, workspace_id, asked, after, limit).await?,
    };
    let feedback = feedback_on(&ctx, &caller, threads.iter()).await?;
    let next = next.as_ref().map(encode_cursor);
    Ok(answer::page(&headers, threads.iter().map(|thread| thread_json(thread, &feedback)).collect(), next))
}

impl Body {
    fn thread_filter(&self) -> Result<Option<Numbers>> {
        let text = self.thread_filter.as_deref().filter(|text| !text.trim().is_empty());
        let parse =
            |text| parse_numbers(text, FIGURES).map_err(|complaint| complain("thread_filter", &complaint));
        text.map(parse).transpose()
    }

    /// The turns that are asked for.
    fn asked(self, ctx: &Context) -> Result<Asked> {
        let min = ("min_start_time", self.min_start_time.as_deref());
        Ok(Asked {
            project_ids: self.project_id.map(|id| vec![id]),
            range: range(min, ("max_start_time", self.max_start_time.as_deref()), Some(a_day_ago(ctx)))?,
            words: self.ai_search,
            filters: filters([("filter", self.filter)]),
            trace_filter: self.trace_filter,
            tree_filter: self.tree_filter,
            ..Asked::default()
        })
    }
}

/// A page of threads by the newest of the turns that are asked for, and where to go on.
async fn newest_threads(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    asked: Asked,
    after: Option<Cursor>,
    limit: usize,
) -> Result<(Vec<Thread>, Option<Cursor>)> {
    let roots = Asked { is_root: Some(true), ..asked.clone() };
    let selection = roots.selection(ctx, workspace_id).await?;
    let Newest { thread_ids, next } = newest(ctx, selection, after, limit).await?;
    if thread_ids.is_empty() {
        return Ok((Vec::new(), next));
    }
    let also = Some(is_one_of(thread_ids.into_iter()));
    Ok((threads_of(ctx, workspace_id, Asked { also, ..asked }).await?, next))
}

/// The same of those whose figures fit. They are known after looking at all turns of a thread, so threads are looked through
/// page by page until enough are found.
async fn filtered(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    asked: Asked,
    filter: &Numbers,
    mut after: Option<Cursor>,
    limit: usize,
) -> Result<(Vec<Thread>, Option<Cursor>)> {
    let mut found = Vec::new();
    loop {
        let (mut threads, next) =
            newest_threads(ctx, workspace_id, asked.clone(), after, THREADS_AT_ONCE).await?;
        retain(&mut threads, filter);
        found.extend(threads);
        if found.len() > limit {
            found.truncate(limit);
            let next = found.last().map(|thread| cursor_of(thread.last()));
            return Ok((found, next));
        }
        if next.is_none() {
            return Ok((found, None));
        }
        after = next;
    }
}

fn retain(threads: &mut Vec<Thread>, filter: &Numbers) {
    threads.retain(|thread| {
        let figures = thread.figures();
        filter.holds(&|name| figure(name, thread, &figures))
    });
}

/// A figure that `thread_filter` looks at; durations in seconds.
fn figure(name: &str, thread: &Thread, figures: &Figures) -> Option<Decimal> {
    let duration = |nanos: Option<i64>| nanos.map(|nanos| Decimal::new(nanos, 9));
    let count = |count: Option<u64>| count.map(Decimal::from);
    match name {
        "turn_count" => Some(Decimal::from(thread.turns.len())),
        "num_errored_turns" => Some(Decimal::from(thread.errors())),
        "thread_duration" => {
            let end = thread.turns.iter().filter_map(|turn| turn.end_time).max()?;
            duration(Some(end.nanos_since(thread.first().start_time)))
        }
        "trace_latency_p50" | "latency_p50" => duration(figures.latency_p50),
        "trace_latency_p99" | "latency_p99" => duration(figures.latency_p99),
        "total_tokens" => count(figures.total_tokens),
        "prompt_tokens" => count(figures.prompt_tokens),
        "completion_tokens" => count(figures.completion_tokens),
        "total_cost" => figures.total_cost,
        "prompt_cost" => figures.prompt_cost,
        "completion_cost" => figures.completion_cost,
        _ => None,
    }
}

async fn feedback_on<'t>(
    ctx: &Arc<Context>,
    caller: &Caller,
    threads: impl Iterator<Item = &'t Thread>,
) -> Result<OfRuns> {
    let roots = threads.flat_map(|thread| thread.turns.iter().map(|turn| turn.root.run_id)).collect();
    feedback::of_runs(ctx, caller.workspace_id, roots).await
}

fn feedback_stats(turns: &[TraceSummary], feedback: &OfRuns) -> Value {
    feedback::summed_up(turns.iter().flat_map(|turn| feedback.about(turn.root.trace_id, turn.root.run_id)))
}

fn thread_json(thread: &Thread, feedback: &OfRuns) -> Value {
    let figures = thread.figures();
    json!({
        "thread_id": thread.id,
        "count": thread.turns.len(),
        "trace_id": thread.last().root.trace_id,
        "first_trace_id": thread.first().root.trace_id,
        "last_trace_id": thread.last().root.trace_id,
        "first_inputs": thread.first().input_preview,
        "last_outputs": thread.last().output_preview,
        "last_error": thread.turns.iter().rev().find_map(|turn| turn.error.clone()),
        "start_time": iso(thread.last().start_time),
        "min_start_time": iso(thread.first().start_time),
        "max_start_time": iso(thread.last().start_time),
        "latency_p50": figures.latency_p50.map(seconds),
        "latency_p99": figures.latency_p99.map(seconds),
        "num_errored_turns": thread.errors(),
        "total_tokens": figures.total_tokens.unwrap_or_default(),
        "total_cost": figures.total_cost.and_then(number),
        "total_token_details": token_details(&thread.turns),
        "total_cost_details": {},
        "feedback_stats": feedback_stats(&thread.turns, feedback),
    })
}

/// What is known of the kinds of tokens without reading whole runs.
fn token_details(turns: &[TraceSummary]) -> Value {
    let cached: Vec<u64> = turns.iter().filter_map(|turn| turn.cache_read_tokens).collect();
    match cached.is_empty() {
        true => json!({}),
        false => json!({ "cache_read": cached.into_iter().fold(0, u64::saturating_add) }),
    }
}

/// `GET /threads/{id}/traces`: its turns, the oldest first.
pub(in crate::api::langsmith) async fn traces(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    headers: HeaderMap,
    PathParams(thread_id): PathParams<String>,
    Params(pairs): Params<Pairs>,
) -> Result<Response> {
    let workspace_id = caller.workspace_id;
    let project_ids = Some(vec![required_project(&pairs, "project_id")?]);
    let selects = TurnSelects::parse(values_of(&pairs, "selects"))?;
    let size = value_of(&pairs, "page_size").map(|size| parse_count("page_size", size)).transpose()?;
    let size = size.map_or(Ok(DEFAULT_PAGE), i64::try_from).unwrap_or(i64::MAX);
    let limit = page_size(Some(size), MAX_PAGE)?;
    let order = Order { by: SortKey::Start, descending: false };
    let after = value_of(&pairs, "cursor").map(|cursor| decode_cursor(cursor, order, Unit::Traces));
    let text = |name: &str| value_of(&pairs, name).map(str::to_owned);
    let asked = Asked {
        project_ids: project_ids.clone(),
        filters: filters([("filter", text("filter"))]),
        trace_filter: text("trace_filter"),
        tree_filter: text("tree_filter"),
        ..of_thread(&thread_id)
    };
    let selection = asked.selection(&ctx, workspace_id).await?;
    let query = RunQuery { selection, order, after: after.transpose()?, limit };
    let page = ctx.store.query_traces(&query).await?;
    let next = page.next.as_ref().map(encode_cursor);
    let numbers: Vec<TraceId> = match selects.has("turn_number") {
        // The place in the whole thread, whatever the filters leave of it.
        true => {
            let all = load(&ctx, workspace_id, Asked { project_ids, ..of_thread(&thread_id) }).await?;
            all.iter().map(|turn| turn.root.trace_id).collect()
        }
        false => Vec::new(),
    };
    let turns = page.traces.clone();
    let wants = Wants { whole: selects.needs_whole_runs(), previews: true, place: false, feedback: false };
    let roots = rows(&ctx, workspace_id, Page::of_traces(page), wants).await?;
    let items = turns.iter().zip(&roots).map(|(turn, root)| {
        let number = numbers.iter().position(|id| *id == turn.root.trace_id).map(|place| place + 1);
        selects.json(&thread_id, turn, root, number)
    });
    Ok(answer::page(&headers, items.collect::<Vec<_>>(), next))
}

fn required_project(pairs: &Pairs, name: &str) -> Result<ProjectId> {
    match value_of(pairs, name).or_else(|| value_of(pairs, "project_id")) {
        Some(text) => parse_id(name, text),
        None => Err(ApiError::parameter(name, "is missing: say whose thread it is")),
    }
}

/// The properties of a turn that are wanted.
struct TurnSelects(Vec<String>);

const TURN_PROPERTIES: &[&str] = &[
    "thread_id",
    "trace_id",
    "op",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "start_time",
    "end_time",
    "latency",
    "first_token_time",
    "inputs_preview",
    "outputs_preview",
    "inputs",
    "outputs",
    "error",
    "prompt_cost",
    "completion_cost",
    "total_cost",
    "prompt_token_details",
    "completion_token_details",
    "prompt_cost_details",
    "completion_cost_details",
    "name",
    "error_preview",
    "turn_number",
];

impl TurnSelects {
    fn parse<'p>(names: impl Iterator<Item = &'p str>) -> Result<Self> {
        let mut selected = vec!["trace_id".to_owned()];
        for name in names {
            let lower = name.to_lowercase();
            if !TURN_PROPERTIES.contains(&lower.as_str()) {
                return Err(unprocessable(format!("selects: there is no property {name:?} of a turn")));
            }
            selected.push(lower);
        }
        Ok(Self(selected))
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|selected| selected == name)
    }

    fn needs_whole_runs(&self) -> bool {
        let whole = |name: &&str| name.ends_with("_details") || ["inputs", "outputs"].contains(name);
        TURN_PROPERTIES.iter().copied().filter(whole).any(|name| self.has(name))
    }

    fn json(
        &self,
        thread_id: &str,
        turn: &TraceSummary,
        root: &super::super::runs::Row,
        number_of: Option<usize>,
    ) -> JsonObject {
        let first = root.json(&Select::new(None));
        let latency = turn.end_time.map(|end| end.nanos_since(turn.start_time));
        let mut all = JsonObject::from(json!({
            "thread_id": thread_id,
            "trace_id": turn.root.trace_id,
            "op": op(turn.root.run_type.as_str()),
            "prompt_tokens": turn.input_tokens,
            "completion_tokens": turn.output_tokens,
            "total_tokens": turn.total_tokens,
            "start_time": iso(turn.start_time),
            "end_time": turn.root.end_time.map(iso),
            "latency": latency.map(seconds),
            "first_token_time": turn.root.first_token_time.map(iso),
            "inputs_preview": turn.input_preview,
            "outputs_preview": turn.output_preview,
            "inputs": first["inputs"],
            "outputs": first["outputs"],
            "error": turn.root.error,
            "prompt_cost": turn.input_cost.and_then(number),
            "completion_cost": turn.output_cost.and_then(number),
            "total_cost": turn.total_cost.and_then(number),
            "prompt_token_details": { "raw": first["prompt_token_details"] },
            "completion_token_details": { "raw": first["completion_token_details"] },
            "prompt_cost_details": { "raw": cost_details(&first["prompt_cost_details"]) },
            "completion_cost_details": { "raw": cost_details(&first["completion_cost_details"]) },
            "name": turn.root.name,
            "error_preview": turn.error.as_ref().map(|error| error.chars().take(300).collect::<String>()),
            "turn_number": number_of,
        }));
        for side in ["inputs", "outputs"] {
            if let Some(text) = first.text(side) {
                all.set_text(side, text.clone());
            }
        }
        all.retain(|name| self.has(name));
        all
    }
}

/// The numbers that old clients know run types by.
fn op(run_type: &str) -> u8 {
    match run_type {
        "llm" => 1,
        "tool" => 2,
        "retriever" => 3,
        "embedding" => 4,
        "prompt" => 5,
        "parser" => 6,
        _ => 0,
    }
}

/// `GET /threads/{id}/stats`.
pub(in crate::api::langsmith) async fn stats_of_one(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(thread_id): PathParams<String>,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Value>> {
    let project_id = required_project(&pairs, "session_id")?;
    let asked = Asked {
        project_ids: Some(vec![project_id]),
        filters: filters([("filter", value_of(&pairs, "filter").map(str::to_owned))]),
        ..of_thread(&thread_id)
    };
    let turns = load(&ctx, caller.workspace_id, asked).await?;
    let roots = turns.iter().map(|turn| turn.root.run_id).collect();
    let feedback = feedback::of_runs(&ctx, caller.workspace_id, roots).await?;
    let figures = Figures::of(&turns);
    let time = |time: Option<UnixNanos>| json!(time.map(iso));
    let known = json!({
        "turns": turns.len(),
        "first_start_time": time(turns.first().map(|turn| turn.start_time)),
        "last_start_time": time(turns.last().map(|turn| turn.start_time)),
        "last_end_time": time(turns.iter().filter_map(|turn| turn.end_time).max()),
        "latency_p50_seconds": figures.latency_p50.map(seconds),
        "latency_p99_seconds": figures.latency_p99.map(seconds),
        "prompt_tokens": figures.prompt_tokens.unwrap_or_default(),
        "completion_tokens": figures.completion_tokens.unwrap_or_default(),
        "total_tokens": figures.total_tokens.unwrap_or_default(),
        "total_cost": figures.total_cost.and_then(number),
        "prompt_cost": figures.prompt_cost.and_then(number),
        "completion_cost": figures.completion_cost.and_then(number),
        "prompt_token_details": { "raw": token_details(&turns) },
        "completion_token_details": { "raw": {} },
        "prompt_cost_details": { "raw": {} },
        "completion_cost_details": { "raw": {} },
        "feedback_stats": feedback_stats(&turns, &feedback),
    });
    pick(known, values_of(&pairs, "selects")).map(Json)
}

/// `POST /threads/stats`.
pub(in crate::api::langsmith) async fn stats(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    JsonBody(mut body): JsonBody<Body>,
) -> Result<Json<Value>> {
    let select = body.select.take().unwrap_or_default();
    let filter = body.thread_filter()?;
    let mut threads = threads_of(&ctx, caller.workspace_id, body.asked(&ctx)?).await?;
    if let Some(filter) = filter {
        retain(&mut threads, &filter);
    }
    let turns: Vec<&TraceSummary> = threads.iter().flat_map(|thread| &thread.turns).collect();
    let figures = Figures::of(turns.iter().copied());
    let errors: u64 = threads.iter().map(Thread::errors).sum();
    let ended: Vec<&&TraceSummary> = turns.iter().filter(|turn| turn.end_time.is_some()).collect();
    let streamed = ended.iter().filter(|turn| turn.root.first_token_time.is_some()).count();
    let rate = |part: usize, of: usize| (of > 0).then(|| part as f64 / of as f64);
    let feedback = feedback_on(&ctx, &caller, threads.iter()).await?;
    let given = turns.iter().flat_map(|turn| feedback.about(turn.root.trace_id, turn.root.run_id));
    let known = json!({
        "thread_count": threads.len(),
        "trace_count": turns.len(),
        "total_tokens": figures.total_tokens.unwrap_or_default(),
        "prompt_tokens": figures.prompt_tokens.unwrap_or_default(),
        "completion_tokens": figures.completion_tokens.unwrap_or_default(),
        "median_tokens": figures.median_tokens,
        "total_cost": figures.total_cost.and_then(number),
        "prompt_cost": figures.prompt_cost.and_then(number),
        "completion_cost": figures.completion_cost.and_then(number),
        "error_rate": rate(usize::try_from(errors).unwrap_or_default(), turns.len()),
        "streaming_rate": rate(streamed, ended.len()),
        "latency_p50_seconds": figures.latency_p50.map(seconds),
        "latency_p99_seconds": figures.latency_p99.map(seconds),
        "first_token_p50_seconds": figures.first_token_p50.map(seconds),
        "first_token_p99_seconds": figures.first_token_p99.map(seconds),
        "prompt_token_details": {},
        "completion_token_details": {},
        "prompt_cost_details": {},
        "completion_cost_details": {},
        "thread_feedback_stats": feedback::summed_up(given),
    });
    let mut picked = pick(known, select.iter().map(String::as_str))?;
    if turns.len() >= MAX_TURNS {
        // The oldest turns were left out.
        picked["is_partial"] = json!(true);
    }
    Ok(Json(picked))
}

/// The figures that are selected; `LATENCY_P50` is `latency_p50_seconds`.
fn pick<'p>(known: Value, selected: impl Iterator<Item = &'p str>) -> Result<Value> {
    let mut picked = Map::new();
    for name in selected {
        let lower = name.to_lowercase();
        let in_seconds = format!("{lower}_seconds");
        let found = [lower, in_seconds].into_iter().find_map(|name| Some((known.get(&name)?.clone(), name)));
        let (value, name) =
            found.ok_or_else(|| unprocessable(format!("select: there is no figure {name:?}")))?;
        picked.insert(name, value);
    }
    Ok(if picked.is_empty() { known } else { Value::Object(picked) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_picked_by_their_names() {
        let known = json!({ "turns": 3, "latency_p50_seconds": 0.5, "total_cost": null });
        let picked = pick(known.clone(), ["TURNS", "LATENCY_P50", "TOTAL_COST"].into_iter()).unwrap();
        assert_eq!(picked, known);
        assert_eq!(pick(known.clone(), std::iter::empty()).unwrap(), known);
        assert!(pick(known, ["NONSENSE"].into_iter()).is_err());
    }
}
