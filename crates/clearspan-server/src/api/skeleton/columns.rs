//! The rows of a skeleton, column by column.

use clearspan_model::{Decimal, RunId, Status};
use clearspan_store::{Outline, OutlineRun, Text};
use rustc_hash::FxHashMap;
use utoipa::ToSchema;

use super::json::{Blank, Column, Position, Sparse};
use crate::api::format::first_line;
use crate::api::tree::Tree;

/// The longest error text that a row carries.
const MAX_ERROR_CHARS: usize = 200;

/// One entry a run in each column, except `orphan`.
#[derive(Debug, ToSchema)]
pub(crate) struct Columns {
    #[schema(value_type = Vec<String>)]
    pub(super) id: Vec<RunId>,
    /// Row of the parent, -1 for roots.
    #[schema(value_type = Vec<i64>)]
    parent: Vec<Position>,
    /// Rows whose named parent is not here.
    #[schema(value_type = Vec<usize>)]
    orphan: Vec<u32>,
    /// Position in `dict`.
    #[schema(value_type = Vec<usize>)]
    name: Vec<u32>,
    /// Position in `dict`.
    #[schema(value_type = Vec<usize>)]
    r#type: Vec<u32>,
    /// 0 pending, 1 success, 2 error.
    status: Vec<u8>,
    /// Microseconds after the start of the trace.
    start_us: Vec<i64>,
    /// Null while pending.
    duration_us: Vec<Option<i64>>,
    /// Microseconds after the start of the run.
    #[schema(value_type = Vec<Option<i64>>)]
    first_token_us: Sparse<i64>,
    /// The run's own cost in nano-dollars.
    #[schema(value_type = Vec<Option<i64>>)]
    cost: Sparse<i64>,
    /// The cost of the run and everything below it, in nano-dollars.
    #[schema(value_type = Vec<Option<i64>>)]
    tree_cost: Sparse<i64>,
    #[schema(value_type = Vec<Option<u64>>)]
    input_tokens: Sparse<u64>,
    #[schema(value_type = Vec<Option<u64>>)]
    output_tokens: Sparse<u64>,
    #[schema(value_type = Vec<Option<u64>>)]
    cached_tokens: Sparse<u64>,
    #[schema(value_type = Vec<Option<u64>>)]
    reasoning_tokens: Sparse<u64>,
    tree_tokens: Vec<u64>,
    /// Position in `dict`, or -1.
    #[schema(value_type = Vec<i64>)]
    model: Sparse<u32>,
    /// First line of the error: position in `dict`, or -1.
    #[schema(value_type = Vec<i64>)]
    error: Sparse<u32>,
    /// 0: not tried again; else which try it was.
    attempt: Vec<u32>,
    /// 1 when its own tokens or cost count in the totals.
    billed: Vec<u8>,
    /// Why it has no cost: position in `dict`, or -1.
    #[schema(value_type = Vec<i64>)]
    unpriced: Sparse<u32>,
    /// Row of the run that tells of the same model call and counts instead of it, or -1.
    #[schema(value_type = Vec<i64>)]
    double_of: Sparse<u32>,
    /// 1 for the HTTP or gRPC request that a client library made.
    transport: Vec<u8>,
}

impl Columns {
    pub(super) fn new(tree: &Tree<'_>, dict: &mut Dict<'_>) -> Self {
        let (outline, forest, start) = (tree.outline, &tree.forest, tree.start_time());
        let mut columns = Self::with_capacity(tree.len());
        columns.orphan.clone_from(&forest.orphans);
        columns.attempt.clone_from(&tree.attempts);
        for (row, run) in tree.runs().enumerate() {
            let (billed, totals) = (tree.billed[row], tree.totals(row));
            columns.id.push(run.run_id);
            columns.parent.push(Position(forest.parents[row]));
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
            columns.model.push(run.model.map(|model| dict.text(model)));
            columns.error.push(error_text(outline, &run).map(|text| dict.error_line(text)));
            columns.billed.push(u8::from(billed.tokens || billed.cost));
            let reason = run.unpriced.filter(|_| billed.gap);
            columns.unpriced.push(reason.map(|reason| dict.add(reason.as_str())));
            columns.double_of.push(run.double_of.map(|position| forest.row_of[position as usize]));
            columns.transport.push(u8::from(run.is_transport));
        }
        columns
    }

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
            first_token_us: Sparse::new(Blank::Null),
            cost: Sparse::new(Blank::Null),
            tree_cost: Sparse::new(Blank::Null),
            input_tokens: Sparse::new(Blank::Null),
            output_tokens: Sparse::new(Blank::Null),
            cached_tokens: Sparse::new(Blank::Null),
            reasoning_tokens: Sparse::new(Blank::Null),
            tree_tokens: Vec::with_capacity(rows),
            model: Sparse::new(Blank::MinusOne),
            error: Sparse::new(Blank::MinusOne),
            attempt: Vec::new(),
            billed: Vec::with_capacity(rows),
            unpriced: Sparse::new(Blank::MinusOne),
            double_of: Sparse::new(Blank::MinusOne),
            transport: Vec::with_capacity(rows),
        }
    }

    /// Writes the columns as a JSON object.
    pub(super) fn write(&self, json: &mut Vec<u8>) {
        let columns: [(&str, &dyn Column); 23] = [
            ("id", &self.id),
            ("parent", &self.parent),
            ("orphan", &self.orphan),
            ("name", &self.name),
            ("type", &self.r#type),
            ("status", &self.status),
            ("start_us", &self.start_us),
            ("duration_us", &self.duration_us),
            ("first_token_us", &self.first_token_us),
            ("cost", &self.cost),
            ("tree_cost", &self.tree_cost),
            ("input_tokens", &self.input_tokens),
            ("output_tokens", &self.output_tokens),
            ("cached_tokens", &self.cached_tokens),
            ("reasoning_tokens", &self.reasoning_tokens),
            ("tree_tokens", &self.tree_tokens),
            ("model", &self.model),
            ("error", &self.error),
            ("attempt", &self.attempt),
            ("billed", &self.billed),
            ("unpriced", &self.unpriced),
            ("double_of", &self.double_of),
            ("transport", &self.transport),
        ];
        let mut before = b'{';
        for (name, column) in columns {
            json.extend_from_slice(&[before, b'"']);
            json.extend_from_slice(name.as_bytes());
            json.extend_from_slice(b"\":");
            column.write(json);
            before = b',';
        }
        json.push(b'}');
    }
}

/// What went wrong, else the class of the error.
fn error_text(outline: &Outline, run: &OutlineRun) -> Option<Text> {
    run.error.filter(|error| !outline.text(*error).trim().is_empty()).or(run.error_type)
}

/// Rounded to whole nano-dollars; `None` beyond nine billion dollars.
pub(crate) fn nano_dollars(dollars: Decimal) -> Option<i64> {
    i64::try_from(dollars.checked_mul(Decimal::from(1_000_000_000))?.round()).ok()
}

/// Gives each distinct text a position.
pub(super) struct Dict<'a> {
    outline: &'a Outline,
    pub(super) texts: Vec<String>,
    positions: FxHashMap<String, u32>,
    /// Where each text of the outline is.
    known: Vec<Option<u32>>,
    /// Where the first line of each is.
    known_lines: Vec<Option<u32>>,
}

impl<'a> Dict<'a> {
    pub(super) fn new(outline: &'a Outline) -> Self {
        let none = vec![None; outline.text_count()];
        let (texts, positions) = (Vec::new(), FxHashMap::default());
        Self { outline, texts, positions, known: none.clone(), known_lines: none }
    }

    pub(super) fn add(&mut self, text: &str) -> u32 {
        if let Some(position) = self.positions.get(text) {
            return *position;
        }
        let position = u32::try_from(self.texts.len()).expect("a trace has fewer than 2^32 texts");
        self.texts.push(text.to_owned());
        self.positions.insert(text.to_owned(), position);
        position
    }

    fn text(&mut self, text: Text) -> u32 {
        if let Some(position) = self.known[text.position()] {
            return position;
        }
        let position = self.add(self.outline.text(text));
        self.known[text.position()] = Some(position);
        position
    }

    /// The first line of a text.
    fn error_line(&mut self, text: Text) -> u32 {
        if let Some(position) = self.known_lines[text.position()] {
            return position;
        }
        let position = self.add(&first_line(self.outline.text(text), MAX_ERROR_CHARS));
        self.known_lines[text.position()] = Some(position);
        position
    }
}
