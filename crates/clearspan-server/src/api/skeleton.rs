//! A whole trace without payloads, column by column: about 100 bytes a run on the wire.

use std::hash::{Hash, Hasher};

use clearspan_model::rollup::{self, Billed, Totals};
use clearspan_model::{Decimal, RunId, Status, UnixNanos};
use clearspan_store::{Outline, OutlineRun, Text};
use rustc_hash::{FxHashMap, FxHasher};
use serde::Serialize;
use utoipa::ToSchema;

use super::feedback::{ByKey, FeedbackMark};
use super::format::first_line;
use super::tree::{Forest, attempts};
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
#[derive(Debug, Serialize, ToSchema, Hash)]
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

/// The rows of the tree of a trace, and what counts in it.
struct Rows<'a> {
    outline: &'a Outline,
    forest: Forest,
    /// What counts of each row.
    billed: Vec<Billed>,
    /// What each subtree used and cost.
    totals: Vec<Totals>,
}

impl<'a> Rows<'a> {
    fn new(outline: &'a Outline) -> Self {
        let parents = outline.runs.iter().map(|run| run.parent.map(|parent| parent as usize)).collect();
        let forest = Forest::new(parents, |position| outline.runs[position].parent_run_id.is_some());
        let (billed, totals) = if forest.has_circle {
            // The store may have cut it elsewhere.
            outline.roll_up(&forest.order)
        } else {
            let runs = || forest.order.iter().map(|position| &outline.runs[*position]);
            let own = runs().map(|run| outline.own_totals(run)).collect();
            (runs().map(|run| run.billed).collect(), rollup::totals_in_order(own, &forest.parents))
        };
        Self { outline, forest, billed, totals }
    }

    fn run(&self, row: usize) -> &'a OutlineRun {
        &self.outline.runs[self.forest.order[row]]
    }

    fn runs(&self) -> impl Iterator<Item = &'a OutlineRun> + '_ {
        (0..self.forest.order.len()).map(|row| self.run(row))
    }

    fn start_time(&self) -> UnixNanos {
        self.outline.runs[0].start_time
    }

    fn duration_nanos(&self) -> i64 {
        let last = self.runs().map(|run| run.end_time.unwrap_or(run.start_time)).max();
        last.unwrap_or_default().nanos_since(self.start_time())
    }

    /// What the root says, else the first row that says anything.
    fn first_known(&self, field: impl Fn(&OutlineRun) -> Option<Text>) -> Option<String> {
        self.runs().find_map(field).map(|text| self.outline.text(text).to_owned())
    }

    fn attempts(&self) -> Vec<u32> {
        attempts(
            &self.forest.parents,
            |row| self.run(row).double_of.is_some(),
            |before, after| {
                let (before, after) = (self.run(before), self.run(after));
                before.status == Status::Error
                    && before.name == after.name
                    && before.run_type == after.run_type
                    && before.end_time.is_some_and(|end| end <= after.start_time)
            },
        )
    }
}

impl Skeleton {
    pub(crate) fn new(outline: &Outline, project: ProjectRef, feedback: &FxHashMap<RunId, ByKey>) -> Self {
        let rows = Rows::new(outline);
        let root = rows.run(0);
        let mut dict = Dict::new(outline);
        let runs = columns(&rows, &mut dict);
        let feedback = marks(&runs.id, feedback, &mut dict);
        let mut skeleton = Self {
            trace_id: outline.trace_id.to_string(),
            project,
            start_time: rows.start_time().as_micros(),
            duration_us: rows.duration_nanos() / 1_000,
            status: root.status.as_str(),
            running: rows.runs().any(|run| run.status == Status::Pending),
            version: String::new(),
            totals: totals(&rows),
            thread_id: rows.first_known(|run| run.thread_id),
            user_id: rows.first_known(|run| run.user_id),
            environment: rows.first_known(|run| run.environment),
            tags: outline.tags(root).map(str::to_owned).collect(),
            name: outline.text(root.name).to_owned(),
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

fn totals(rows: &Rows<'_>) -> SkeletonTotals {
    let mut totals = Totals::default();
    for (row, _) in rows.forest.parents.iter().enumerate().filter(|(_, parent)| parent.is_none()) {
        totals.add(&rows.totals[row]);
    }
    let detail = |count: fn(&OutlineRun) -> Option<u64>| {
        let counted = rows.runs().zip(&rows.billed).filter(|(_, billed)| billed.tokens);
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
        run_count: rows.outline.runs.len(),
        error_count: rows.runs().filter(|run| run.counts_as_error()).count(),
        unpriced_count: totals.unpriced_runs,
        llm_count: rows.runs().filter(|run| run.counts_as_llm_call()).count(),
    }
}

fn columns(rows: &Rows<'_>, dict: &mut Dict<'_>) -> Columns {
    let start = rows.start_time();
    let mut row_of = vec![0; rows.forest.order.len()];
    for (row, position) in rows.forest.order.iter().enumerate() {
        row_of[*position] = row;
    }
    let mut columns = Columns::with_capacity(row_of.len());
    columns.orphan.clone_from(&rows.forest.orphans);
    columns.attempt = rows.attempts();
    for (row, run) in rows.runs().enumerate() {
        let (billed, totals) = (rows.billed[row], &rows.totals[row]);
        columns.id.push(run.run_id);
        columns.parent.push(index(rows.forest.parents[row]));
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
        columns.error.push(index(error_text(rows.outline, run).map(|text| dict.error_line(text))));
        columns.billed.push(u8::from(billed.tokens || billed.cost));
        let reason = run.unpriced.filter(|_| billed.gap).map(|reason| dict.add(reason.as_str()));
        columns.unpriced.push(index(reason));
        columns.double_of.push(index(run.double_of.map(|position| row_of[position as usize])));
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
