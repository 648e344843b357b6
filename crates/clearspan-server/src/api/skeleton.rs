//! A whole trace without payloads, column by column: about 100 bytes a run on the wire.

mod columns;
mod json;

use std::hash::Hasher;

use clearspan_model::{RunId, Status};
use clearspan_store::{OutlineRun, Text};
use rustc_hash::{FxHashMap, FxHasher};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::feedback::{ByKey, FeedbackMark};
use super::tree::Tree;
use super::types::{ProjectRef, decimal_text};
pub(crate) use columns::nano_dollars;
use columns::{Columns, Dict};

/// What a row takes in JSON, about.
const ROW_BYTES: usize = 132;
/// Stands in the place of the version until that is known, and has its length.
const NO_VERSION: &str = "0000000000000000";
/// Stands in the place of the rows until they are written.
const NO_RUNS: u8 = 0;

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
    #[serde(serialize_with = "leave_out")]
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

impl Skeleton {
    pub(crate) fn new(tree: &Tree<'_>, project: ProjectRef, feedback: &FxHashMap<RunId, ByKey>) -> Self {
        let (outline, root) = (tree.outline, tree.run(0));
        let owned = |text: Option<Text>| text.map(|text| tree.text(text).to_owned());
        let mut dict = Dict::new(outline);
        let runs = Columns::new(tree, &mut dict);
        let feedback = marks(&runs.id, feedback, &mut dict);
        Self {
            trace_id: outline.trace_id.to_string(),
            project,
            start_time: tree.start_time().as_micros(),
            duration_us: tree.duration_nanos() / 1_000,
            status: root.status.as_str(),
            running: outline.runs().any(|run| run.status == Status::Pending),
            version: NO_VERSION,
            totals: totals(tree),
            // What the root says, else the first row that says anything.
            thread_id: owned(tree.runs().find_map(|run| run.thread_id)),
            user_id: owned(tree.runs().find_map(|run| run.user_id)),
            environment: owned(tree.runs().find_map(|run| run.environment)),
            tags: outline.tags(&root).map(str::to_owned).collect(),
            name: tree.text(root.name).to_owned(),
            dict: dict.texts,
            runs,
            feedback,
        }
    }

    /// Its form in JSON, and its version: the hash of that form, which is read once for it where it lies in one piece.
    pub(crate) fn to_json(&self) -> (Vec<u8>, String) {
        let frame = serde_json::to_vec(self).expect("a skeleton has a JSON form");
        let runs = field_end(&frame, &format!("\"runs\":{NO_RUNS}")) - 1;
        let mut json = Vec::with_capacity(frame.len() + self.runs.id.len() * ROW_BYTES);
        json.extend_from_slice(&frame[..runs]);
        self.runs.write(&mut json);
        json.extend_from_slice(&frame[runs + 1..]);
        let mut hasher = FxHasher::default();
        hasher.write(&json);
        let version = format!("{:016x}", hasher.finish());
        let end = field_end(&json, &format!("\"version\":\"{NO_VERSION}"));
        json[end - version.len()..end].copy_from_slice(version.as_bytes());
        (json, version)
    }
}

/// The rows are written by themselves.
fn leave_out<S: Serializer>(_runs: &Columns, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(NO_RUNS)
}

/// Where a field of the skeleton ends. Quotes inside of texts are escaped, so what looks like it can be nothing else.
fn field_end(json: &[u8], field: &str) -> usize {
    let start = memchr::memmem::find(json, field.as_bytes());
    start.expect("a skeleton has all of its fields") + field.len()
}

fn totals(tree: &Tree<'_>) -> SkeletonTotals {
    let totals = tree.trace_totals();
    let counted = || tree.runs().zip(&tree.billed).filter(|(_, billed)| billed.tokens).map(|(run, _)| run);
    let runs = || tree.outline.runs();
    SkeletonTotals {
        cost: totals.total_cost.map(decimal_text),
        input_cost: totals.input_cost.map(decimal_text),
        output_cost: totals.output_cost.map(decimal_text),
        input_tokens: totals.input_tokens,
        output_tokens: totals.output_tokens,
        total_tokens: totals.total_tokens,
        cached_tokens: counted().filter_map(|run| run.cache_read_tokens).reduce(u64::saturating_add),
        reasoning_tokens: counted().filter_map(|run| run.reasoning_tokens).reduce(u64::saturating_add),
        run_count: tree.len(),
        error_count: runs().filter(OutlineRun::counts_as_error).count(),
        unpriced_count: totals.unpriced_runs,
        llm_count: runs().filter(OutlineRun::counts_as_llm_call).count(),
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
        .map(|(row, key, stats)| FeedbackMark::new(row, dict.add(key) as usize, stats))
        .collect()
}

#[cfg(test)]
mod tests;
