//! A whole trace without payloads, column by column: about 100 bytes a run on the wire.

use std::hash::Hasher;

use clearspan_model::{Decimal, RunId, Status};
use clearspan_store::{Outline, OutlineRun, Text};
use rustc_hash::{FxHashMap, FxHasher};
use serde::Serialize;
use utoipa::ToSchema;

use super::feedback::{ByKey, FeedbackMark};
use super::format::first_line;
use super::tree::Tree;
use super::types::{ProjectRef, decimal_text};

/// The longest error text that a row carries.
const MAX_ERROR_CHARS: usize = 200;
/// What a row takes in JSON, about.
const ROW_BYTES: usize = 132;
/// Stands in the place of the version until that is known, and has its length.
const NO_VERSION: &str = "0000000000000000";

/// All runs of a trace as columns, parents before their children, siblings by start time.
#[derive(Debug, Serialize, ToSchema)]
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
    version: &'static str,
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
#[derive(Debug, Serialize, ToSchema)]
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
#[derive(Debug, Serialize, ToSchema)]
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
    pub(crate) fn new(tree: &Tree<'_>, project: ProjectRef, feedback: &FxHashMap<RunId, ByKey>) -> Self {
        let (outline, root) = (tree.outline, tree.run(0));
        let mut dict = Dict::new(outline);
        let runs = columns(tree, &mut dict);
        let feedback = marks(&runs.id, feedback, &mut dict);
        // What the root says, else the first row that says anything.
        let first_known = |field: fn(&OutlineRun) -> Option<Text>| {
            tree.runs().find_map(field).map(|text| tree.text(text).to_owned())
        };
        Self {
            trace_id: outline.trace_id.to_string(),
            project,
            start_time: tree.start_time().as_micros(),
            duration_us: tree.duration_nanos() / 1_000,
            status: root.status.as_str(),
            running: outline.runs.iter().any(|run| run.status == Status::Pending),
            version: NO_VERSION,
            totals: totals(tree),
            thread_id: first_known(|run| run.thread_id),
            user_id: first_known(|run| run.user_id),
            environment: first_known(|run| run.environment),
            tags: outline.tags(root).map(str::to_owned).collect(),
            name: tree.text(root.name).to_owned(),
            dict: dict.texts,
            runs,
            feedback,
        }
    }

    /// Its form in JSON, and its version: the hash of that form, which is read once for it where it lies in one piece.
    pub(crate) fn to_json(&self) -> (Vec<u8>, String) {
        let mut json = Vec::with_capacity(self.runs.id.len() * ROW_BYTES);
        serde_json::to_writer(&mut json, self).expect("a skeleton has a JSON form");
        let mut hasher = FxHasher::default();
        hasher.write(&json);
        let version = format!("{:016x}", hasher.finish());
        // Quotes inside of texts are escaped, so this can be nothing but the field.
        let field = format!("\"version\":\"{NO_VERSION}");
        let start = json.windows(field.len()).position(|part| part == field.as_bytes());
        let end = start.expect("a skeleton has a version") + field.len();
        json[end - version.len()..end].copy_from_slice(version.as_bytes());
        (json, version)
    }
}

fn totals(tree: &Tree<'_>) -> SkeletonTotals {
    let totals = tree.trace_totals();
    let detail = |count: fn(&OutlineRun) -> Option<u64>| {
        let counted = tree.runs().zip(&tree.billed).filter(|(_, billed)| billed.tokens);
        counted.filter_map(|(run, _)| count(run)).reduce(u64::saturating_add)
    };
    let runs = &tree.outline.runs;
    SkeletonTotals {
        cost: totals.total_cost.map(decimal_text),
        input_cost: totals.input_cost.map(decimal_text),
        output_cost: totals.output_cost.map(decimal_text),
        input_tokens: totals.input_tokens,
        output_tokens: totals.output_tokens,
        total_tokens: totals.total_tokens,
        cached_tokens: detail(|run| run.cache_read_tokens),
        reasoning_tokens: detail(|run| run.reasoning_tokens),
        run_count: runs.len(),
        error_count: runs.iter().filter(|run| run.counts_as_error()).count(),
        unpriced_count: totals.unpriced_runs,
        llm_count: runs.iter().filter(|run| run.counts_as_llm_call()).count(),
    }
}

fn columns(tree: &Tree<'_>, dict: &mut Dict<'_>) -> Columns {
    let (outline, forest, start) = (tree.outline, &tree.forest, tree.start_time());
    let mut columns = Columns::with_capacity(tree.len());
    columns.orphan.clone_from(&forest.orphans);
    columns.attempt.clone_from(&tree.attempts);
    for (row, run) in tree.runs().enumerate() {
        let (billed, totals) = (tree.billed[row], &tree.totals[row]);
        columns.id.push(run.run_id);
        columns.parent.push(index(forest.parents[row]));
        columns.name.push(dict.text(run.name));
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
        columns.model.push(index(run.model.map(|model| dict.text(model))));
        columns.error.push(index(error_text(outline, run).map(|text| dict.error_line(text))));
        columns.billed.push(u8::from(billed.tokens || billed.cost));
        let reason = run.unpriced.filter(|_| billed.gap).map(|reason| dict.add(reason.as_str()));
        columns.unpriced.push(index(reason));
        columns.double_of.push(index(run.double_of.map(|position| forest.row_of[position as usize])));
        columns.transport.push(u8::from(run.is_transport));
    }
    columns
}

impl Columns {
    fn with_capacity(rows: usize) -> Self {
        Self {
            id: Vec::with_capacity(rows),
            parent: Vec::with_capacity(rows),
            orphan: Vec::new(),
            name: Vec::with_capacity(rows),
            r#type: Vec::with_capacity(rows),
            status: Vec::with_capacity(rows),
            start_us: Vec::with_capacity(rows),
            duration_us: Vec::with_capacity(rows),
            first_token_us: Vec::with_capacity(rows),
            cost: Vec::with_capacity(rows),
            tree_cost: Vec::with_capacity(rows),
            input_tokens: Vec::with_capacity(rows),
            output_tokens: Vec::with_capacity(rows),
            cached_tokens: Vec::with_capacity(rows),
            reasoning_tokens: Vec::with_capacity(rows),
            tree_tokens: Vec::with_capacity(rows),
            model: Vec::with_capacity(rows),
            error: Vec::with_capacity(rows),
            attempt: Vec::new(),
            billed: Vec::with_capacity(rows),
            unpriced: Vec::with_capacity(rows),
            double_of: Vec::with_capacity(rows),
            transport: Vec::with_capacity(rows),
        }
    }
}

fn marks(rows: &[RunId], feedback: &FxHashMap<RunId, ByKey>, dict: &mut Dict<'_>) -> Vec<FeedbackMark> {
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

/// What went wrong, else the class of the error.
fn error_text(outline: &Outline, run: &OutlineRun) -> Option<Text> {
    run.error.filter(|error| !outline.text(*error).trim().is_empty()).or(run.error_type)
}

fn index(position: Option<usize>) -> i64 {
    position.and_then(|position| i64::try_from(position).ok()).unwrap_or(-1)
}

/// Rounded to whole nano-dollars; `None` beyond nine billion dollars.
pub(crate) fn nano_dollars(dollars: Decimal) -> Option<i64> {
    i64::try_from(dollars.checked_mul(Decimal::from(1_000_000_000))?.round()).ok()
}

/// Gives each distinct text a position.
struct Dict<'a> {
    outline: &'a Outline,
    texts: Vec<String>,
    positions: FxHashMap<String, usize>,
    /// Where each text of the outline is.
    known: Vec<Option<usize>>,
    /// Where the first line of each is.
    known_lines: Vec<Option<usize>>,
}

impl<'a> Dict<'a> {
    fn new(outline: &'a Outline) -> Self {
        let none = vec![None; outline.text_count()];
        let (texts, positions) = (Vec::new(), FxHashMap::default());
        Self { outline, texts, positions, known: none.clone(), known_lines: none }
    }

    fn add(&mut self, text: &str) -> usize {
        if let Some(position) = self.positions.get(text) {
            return *position;
        }
        let position = self.texts.len();
        self.texts.push(text.to_owned());
        self.positions.insert(text.to_owned(), position);
        position
    }

    fn text(&mut self, text: Text) -> usize {
        if let Some(position) = self.known[text.position()] {
            return position;
        }
        let position = self.add(self.outline.text(text));
        self.known[text.position()] = Some(position);
        position
    }

    /// The first line of a text.
    fn error_line(&mut self, text: Text) -> usize {
        if let Some(position) = self.known_lines[text.position()] {
            return position;
        }
        let position = self.add(&first_line(self.outline.text(text), MAX_ERROR_CHARS));
        self.known_lines[text.position()] = Some(position);
        position
    }
}

#[cfg(test)]
mod tests;
