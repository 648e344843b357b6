//! A whole trace without payloads, column by column: about 100 bytes a run on the wire.

use std::hash::{Hash, Hasher};

use clearspan_model::{CostSource, Decimal, RunId, Status};
use clearspan_store::RunSummary;
use rustc_hash::{FxHashMap, FxHasher};
use serde::Serialize;
use utoipa::ToSchema;

use super::feedback::{ByKey, FeedbackMark};
use super::format::first_line;
use super::tree::Tree;
use super::types::{ProjectRef, decimal_text};

/// The longest error text that a row carries.
const MAX_ERROR_CHARS: usize = 200;

/// All runs of a trace as columns, parents before their children, siblings by start time.
#[derive(Debug, Serialize, ToSchema, Hash)]
pub(crate) struct Skeleton {
    trace_id: String,
    project: ProjectRef,
    /// Start of the earliest run, in microseconds since the epoch.
    start_time: i64,
    duration_us: i64,
    /// `pending`, `success` or `error`: that of the root.
    status: &'static str,
    /// Whether some run has not ended.
    running: bool,
    /// Changes with the content; also the ETag.
    version: String,
    totals: SkeletonTotals,
    thread_id: Option<String>,
    user_id: Option<String>,
    environment: Option<String>,
    tags: Vec<String>,
    name: String,
    /// Texts that rows refer to by position.
    dict: Vec<String>,
    runs: Columns,
    /// What was said of runs, by row and key. Only runs that have feedback are here.
    feedback: Vec<FeedbackMark>,
}

/// Sums over the whole trace. Nothing counts twice.
#[derive(Debug, Serialize, ToSchema, Hash)]
pub(crate) struct SkeletonTotals {
    /// Dollars; null while nothing has a cost.
    cost: Option<String>,
    /// Of `cost`, what the input took, as far as it is known by side.
    input_cost: Option<String>,
    /// Of `cost`, what the output took, as far as it is known by side.
    output_cost: Option<String>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    total_tokens: Option<u64>,
    cached_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
    /// Runs that are stored, those too that tell of a call that another run stands for (`double_of`).
    run_count: usize,
    /// Runs that failed. A failed call counts once, however many instrumentations tell of it.
    error_count: usize,
    /// Runs that should have a cost and have none: while it is not 0, the cost is a lower bound.
    unpriced_count: u64,
    /// Calls of language models. A call counts once, however many instrumentations tell of it.
    llm_count: usize,
}

/// One entry a run in each column, except `orphan`.
#[derive(Debug, Default, Serialize, ToSchema, Hash)]
pub(crate) struct Columns {
    #[schema(value_type = Vec<String>)]
    id: Vec<RunId>,
    /// Row of the parent, -1 for roots.
    parent: Vec<i64>,
    /// Rows whose named parent is not here.
    orphan: Vec<usize>,
    /// Position in `dict`.
    name: Vec<usize>,
    /// Position in `dict`.
    r#type: Vec<usize>,
    /// 0 pending, 1 success, 2 error.
    status: Vec<u8>,
    /// Microseconds after the start of the trace.
    start_us: Vec<i64>,
    /// Null while pending.
    duration_us: Vec<Option<i64>>,
    /// Microseconds after the start of the run.
    first_token_us: Vec<Option<i64>>,
    /// The run's own cost in nano-dollars.
    cost: Vec<Option<i64>>,
    /// The cost of the run and everything below it, in nano-dollars.
    tree_cost: Vec<Option<i64>>,
    input_tokens: Vec<Option<u64>>,
    output_tokens: Vec<Option<u64>>,
    cached_tokens: Vec<Option<u64>>,
    reasoning_tokens: Vec<Option<u64>>,
    tree_tokens: Vec<u64>,
    /// Position in `dict`, or -1.
    model: Vec<i64>,
    /// First line of the error: position in `dict`, or -1.
    error: Vec<i64>,
    /// 0: not tried again; else which try it was.
    attempt: Vec<u32>,
    /// 1 when its own tokens or cost count in the totals.
    billed: Vec<u8>,
    /// Why it has no cost: position in `dict`, or -1.
    unpriced: Vec<i64>,
    /// Row of the run that tells of the same model call and counts instead of it, or -1.
    double_of: Vec<i64>,
    /// 1 for the HTTP or gRPC request that a client library made.
    transport: Vec<u8>,
}

impl Skeleton {
    pub(crate) fn new(tree: &Tree, project: ProjectRef, feedback: &FxHashMap<RunId, ByKey>) -> Self {
        let root = tree.root();
        let mut dict = Dict::default();
        let runs = columns(tree, &mut dict);
        let feedback = marks(&runs.id, feedback, &mut dict);
        let first_known = |field: fn(&RunSummary) -> Option<&String>| {
            field(root).or_else(|| tree.runs.iter().find_map(field)).cloned()
        };
        let mut skeleton = Self {
            trace_id: root.trace_id.to_string(),
            project,
            start_time: tree.start_time().as_micros(),
            duration_us: tree.duration_nanos() / 1_000,
            status: root.status.as_str(),
            running: tree.runs.iter().any(|run| run.status == Status::Pending),
            version: String::new(),
            totals: totals(tree),
            thread_id: first_known(|run| run.thread_id.as_ref()),
            user_id: first_known(|run| run.user_id.as_ref()),
            environment: first_known(|run| run.environment.as_ref()),
            tags: root.tags.clone(),
            name: root.name.clone(),
            dict: dict.texts,
            runs,
            feedback,
        };
        let mut hasher = FxHasher::default();
        skeleton.hash(&mut hasher);
        skeleton.version = format!("{:016x}", hasher.finish());
        skeleton
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }
}

fn totals(tree: &Tree) -> SkeletonTotals {
    let totals = tree.trace_totals();
    let detail = |count: fn(&RunSummary) -> Option<u64>| {
        let counted = tree.runs.iter().zip(&tree.billed).filter(|(_, billed)| billed.tokens);
        counted.filter_map(|(run, _)| count(run)).reduce(u64::saturating_add)
    };
    SkeletonTotals {
        cost: totals.total_cost.map(decimal_text),
        input_cost: totals.input_cost.map(decimal_text),
        output_cost: totals.output_cost.map(decimal_text),
        input_tokens: totals.input_tokens,
        output_tokens: totals.output_tokens,
        total_tokens: totals.total_tokens,
        cached_tokens: detail(|run| run.cache_read_tokens),
        reasoning_tokens: detail(|run| run.reasoning_tokens),
        run_count: tree.runs.len(),
        error_count: tree.runs.iter().filter(|run| run.counts_as_error()).count(),
        unpriced_count: totals.unpriced_runs,
        llm_count: tree.runs.iter().filter(|run| run.counts_as_llm_call()).count(),
    }
}

fn columns(tree: &Tree, dict: &mut Dict) -> Columns {
    let start = tree.start_time();
    let rows: FxHashMap<RunId, usize> =
        tree.runs.iter().zip(0..).map(|(run, row)| (run.run_id, row)).collect();
    let mut columns = Columns { orphan: tree.orphans.clone(), ..Columns::default() };
    for (row, run) in tree.runs.iter().enumerate() {
        let (billed, totals) = (tree.billed[row], &tree.totals[row]);
        columns.id.push(run.run_id);
        columns.parent.push(index(tree.parents[row]));
        columns.name.push(dict.add(&run.name));
        columns.r#type.push(dict.add(run.run_type.as_str()));
        columns.status.push(match run.status {
            Status::Pending => 0,
            Status::Success => 1,
            Status::Error => 2,
        });
        columns.start_us.push(run.start_time.nanos_since(start) / 1_000);
        columns.duration_us.push(run.latency_nanos().map(|nanos| nanos / 1_000));
        let wait = run.first_token_time.map(|first| first.nanos_since(run.start_time) / 1_000);
        columns.first_token_us.push(wait);
        columns.cost.push(run.total_cost.and_then(nano_dollars));
        columns.tree_cost.push(totals.total_cost.and_then(nano_dollars));
        columns.input_tokens.push(run.input_tokens);
        columns.output_tokens.push(run.output_tokens);
        columns.cached_tokens.push(run.cache_read_tokens);
        columns.reasoning_tokens.push(run.reasoning_tokens);
        columns.tree_tokens.push(totals.total_tokens.unwrap_or(0));
        columns.model.push(index(run.model.as_deref().map(|model| dict.add(model))));
        columns.error.push(index(error_line(run).map(|line| dict.add(&line))));
        columns.attempt.push(tree.attempts[row]);
        columns.billed.push(u8::from(billed.tokens || billed.cost));
        let reason = match &run.cost_source {
            CostSource::Unpriced { reason } if billed.gap => Some(dict.add(reason.as_str())),
            _ => None,
        };
        columns.unpriced.push(index(reason));
        columns.double_of.push(index(run.double_of.and_then(|id| rows.get(&id).copied())));
        columns.transport.push(u8::from(run.is_transport));
    }
    columns
}

fn marks(rows: &[RunId], feedback: &FxHashMap<RunId, ByKey>, dict: &mut Dict) -> Vec<FeedbackMark> {
    // Most traces have none, and large ones have many rows.
    if feedback.is_empty() {
        return Vec::new();
    }
    let on_rows = rows.iter().enumerate().filter_map(|(row, id)| Some((row, feedback.get(id)?)));
    on_rows
        .flat_map(|(row, by_key)| by_key.iter().map(move |(key, stats)| (row, key, stats)))
        .map(|(row, key, stats)| FeedbackMark::new(row, dict.add(key), stats))
        .collect()
}

/// The first line of what went wrong, else the class of the error.
fn error_line(run: &RunSummary) -> Option<String> {
    let text = run.error.as_deref().filter(|error| !error.trim().is_empty()).or(run.error_type.as_deref())?;
    Some(first_line(text, MAX_ERROR_CHARS))
}

fn index(position: Option<usize>) -> i64 {
    position.and_then(|position| i64::try_from(position).ok()).unwrap_or(-1)
}

/// Rounded to whole nano-dollars; `None` beyond nine billion dollars.
pub(crate) fn nano_dollars(dollars: Decimal) -> Option<i64> {
    i64::try_from(dollars.checked_mul(Decimal::from(1_000_000_000))?.round()).ok()
}

/// Gives each distinct text a position.
#[derive(Debug, Default)]
struct Dict {
    texts: Vec<String>,
    positions: FxHashMap<String, usize>,
}

impl Dict {
    fn add(&mut self, text: &str) -> usize {
        if let Some(position) = self.positions.get(text) {
            return *position;
        }
        let position = self.texts.len();
        self.texts.push(text.to_owned());
        self.positions.insert(text.to_owned(), position);
        position
    }
}

#[cfg(test)]
mod tests;
