//! A trace as its page shows it: all its runs, and of each what its row says.
//!
//! A [`RunSummary`] owns its texts. To make, move and free those of 100,000 runs took most of the time of opening a large
//! trace. Here every text is kept once, the run above is a position, and a row is a plain value. This module owns the
//! form; engines that have columns fill it from those, and all others from their summaries.

use std::sync::Arc;

use clearspan_model::rollup::{self, Billed, Call, Node, Totals};
use clearspan_model::{
    CostSource, Decimal, ProjectId, RunId, RunType, Status, TraceId, UnixNanos, UnpricedReason,
};
use rustc_hash::FxHashMap;

use crate::{Result, RunSummary};

/// All runs of one trace of one project, in order of their start and, of one moment, of their ids.
#[derive(Debug)]
pub struct Outline {
    /// The project.
    pub project_id: ProjectId,
    /// The trace.
    pub trace_id: TraceId,
    /// At least one.
    pub runs: Vec<OutlineRun>,
    texts: Texts,
    tag_lists: TagLists,
}

/// A text of an [`Outline`]: equal texts of one outline are one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(u32);

impl Text {
    /// Counts the texts of an outline from 0.
    pub fn position(self) -> usize {
        self.0 as usize
    }
}

/// One run.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(
    missing_docs,
    reason = "each is the field of `RunSummary` with the same name, except those that say more"
)]
pub struct OutlineRun {
    pub run_id: RunId,
    pub parent_run_id: Option<RunId>,
    /// The position of the run above, if that one is here.
    pub parent: Option<u32>,
    pub name: Text,
    pub run_type: RunType,
    pub status: Status,
    pub error: Option<Text>,
    pub error_type: Option<Text>,
    pub start_time: UnixNanos,
    pub end_time: Option<UnixNanos>,
    pub first_token_time: Option<UnixNanos>,
    pub model: Option<Text>,
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    pub total_tokens: Option<u64>,
    pub cache_read_tokens: Option<u64>,
    pub reasoning_tokens: Option<u64>,
    pub input_cost: Option<Decimal>,
    pub output_cost: Option<Decimal>,
    pub total_cost: Option<Decimal>,
    /// Whether the client said what it cost.
    pub cost_reported: bool,
    /// Why it should have a cost and has none.
    pub unpriced: Option<UnpricedReason>,
    pub billed: Billed,
    /// The position of [`RunSummary::double_of`].
    pub double_of: Option<u32>,
    pub is_transport: bool,
    pub thread_id: Option<Text>,
    pub user_id: Option<Text>,
    pub environment: Option<Text>,
    pub(crate) response_id: Option<Text>,
    pub(crate) scope_name: Option<Text>,
    pub(crate) dialect: Option<Text>,
    /// The position of its list; none when it has no tags.
    pub(crate) tags: Option<u32>,
}

impl OutlineRun {
    /// A run of which nothing is known.
    pub(crate) fn new(run_id: RunId, name: Text) -> Self {
        Self {
            run_id,
            parent_run_id: None,
            parent: None,
            name,
            run_type: RunType::Chain,
            status: Status::Pending,
            error: None,
            error_type: None,
            start_time: UnixNanos::default(),
            end_time: None,
            first_token_time: None,
            model: None,
            input_tokens: None,
            output_tokens: None,
            total_tokens: None,
            cache_read_tokens: None,
            reasoning_tokens: None,
            input_cost: None,
            output_cost: None,
            total_cost: None,
            cost_reported: false,
            unpriced: None,
            billed: Billed::default(),
            double_of: None,
            is_transport: false,
            thread_id: None,
            user_id: None,
            environment: None,
            response_id: None,
            scope_name: None,
            dialect: None,
            tags: None,
        }
    }

    /// See [`RunSummary::latency_nanos`].
    pub fn latency_nanos(&self) -> Option<i64> {
        self.end_time.map(|end| end.nanos_since(self.start_time))
    }

    /// See [`RunSummary::counts_as_error`].
    pub fn counts_as_error(&self) -> bool {
        self.status == Status::Error && self.double_of.is_none()
    }

    /// See [`RunSummary::counts_as_llm_call`].
    pub fn counts_as_llm_call(&self) -> bool {
        self.run_type == RunType::Llm && self.double_of.is_none()
    }

    pub(crate) fn set_cost_source(&mut self, source: &CostSource) {
        self.cost_reported = *source == CostSource::Reported;
        self.unpriced = match source {
            CostSource::Unpriced { reason } => Some(*reason),
            _ => None,
        };
    }
}

impl Outline {
    /// The same as some summaries of one trace say. Of several projects that with most runs is taken; of those the last by its id.
    /// `None` when there are no runs.
    pub fn of(runs: &[RunSummary]) -> Option<Self> {
        let mut draft = Draft::default();
        for (idx, run) in runs.iter().enumerate() {
            let mut text = |text: &String| draft.texts.add(text);
            let mut row = OutlineRun {
                parent_run_id: run.parent_run_id,
                run_type: run.run_type,
                status: run.status,
                error: run.error.as_ref().map(&mut text),
                error_type: run.error_type.as_ref().map(&mut text),
                start_time: run.start_time,
                end_time: run.end_time,
                first_token_time: run.first_token_time,
                model: run.model.as_ref().map(&mut text),
                input_tokens: run.input_tokens,
                output_tokens: run.output_tokens,
                total_tokens: run.total_tokens,
                cache_read_tokens: run.cache_read_tokens,
                reasoning_tokens: run.reasoning_tokens,
                input_cost: run.input_cost,
                output_cost: run.output_cost,
                total_cost: run.total_cost,
                billed: run.billed,
                is_transport: run.is_transport,
                thread_id: run.thread_id.as_ref().map(&mut text),
                user_id: run.user_id.as_ref().map(&mut text),
                environment: run.environment.as_ref().map(&mut text),
                response_id: run.response_id.as_ref().map(&mut text),
                scope_name: run.scope_name.as_ref().map(&mut text),
                dialect: run.dialect.as_ref().map(&mut text),
                ..OutlineRun::new(run.run_id, text(&run.name))
            };
            row.set_cost_source(&run.cost_source);
            let tags: Vec<Text> = run.tags.iter().map(|tag| draft.texts.add(tag)).collect();
            row.tags = draft.tag_lists.add(&tags);
            let place =
                Place { source: 0, row: u32::try_from(idx).expect("a trace has fewer than 2^32 runs") };
            draft.rows.push(DraftRow { run: row, project_id: run.project_id, place });
        }
        let (mut outline, places) = draft.finish(runs.first()?.trace_id)?;
        let positions = outline.positions();
        for (run, place) in outline.runs.iter_mut().zip(&places) {
            let double_of = runs[place.row as usize].double_of;
            run.double_of = double_of.and_then(|id| positions.get(&id).copied());
        }
        Some(outline)
    }

    /// A text.
    pub fn text(&self, text: Text) -> &str {
        self.texts.get(text)
    }

    /// How many texts there are.
    pub fn text_count(&self) -> usize {
        self.texts.all.len()
    }

    /// The labels of a run.
    pub fn tags<'a>(&'a self, run: &OutlineRun) -> impl Iterator<Item = &'a str> {
        let list = run.tags.map(|list| &self.tag_lists.all[list as usize]);
        list.into_iter().flat_map(|list| list.iter()).map(|text| self.text(*text))
    }

    /// What a run adds to those above it.
    pub fn own_totals(&self, run: &OutlineRun) -> Totals {
        Totals::own(&figures(run), run.billed)
    }

    /// What counts of each run, and what it and everything below it used and cost, when the runs are looked at in another order:
    /// that decides where a circle of parents is cut. `order` must name each position once.
    pub fn roll_up(&self, order: &[usize]) -> (Vec<Billed>, Vec<Totals>) {
        let mut place_of = vec![0; order.len()];
        for (place, position) in order.iter().enumerate() {
            place_of[*position] = place;
        }
        let place = |position: Option<u32>| position.map(|position| place_of[position as usize]);
        let runs = || order.iter().map(|position| &self.runs[*position]);
        let nodes: Vec<Node<'_>> =
            runs().map(|run| Node { parent: place(run.parent), ..self.node(run) }).collect();
        let doubles: Vec<Option<usize>> = runs().map(|run| place(run.double_of)).collect();
        let billed = rollup::billed_without(&nodes, &doubles);
        let totals = rollup::subtree_totals(&nodes, &billed);
        (billed, totals)
    }

    /// Decides what counts of each run, and which are doubles. `previews` loads the beginning of the input and of the output of
    /// the runs at some positions; most traces need none.
    pub(crate) fn judge(
        &mut self,
        previews: impl FnOnce(&[usize]) -> Result<Vec<[Option<String>; 2]>>,
    ) -> Result<()> {
        let mut nodes: Vec<Node<'_>> = self.runs.iter().map(|run| self.node(run)).collect();
        let unclear = rollup::unclear(&nodes);
        let loaded = if unclear.is_empty() { Vec::new() } else { previews(&unclear)? };
        for (idx, [input, output]) in unclear.iter().zip(&loaded) {
            if let Some(call) = &mut nodes[*idx].call {
                (call.input, call.output) = (input.as_deref(), output.as_deref());
            }
        }
        let verdicts = rollup::judge(&nodes);
        for (run, verdict) in self.runs.iter_mut().zip(verdicts) {
            run.billed = verdict.billed;
            run.double_of = verdict.double_of.map(position);
        }
        Ok(())
    }

    fn node<'a>(&'a self, run: &OutlineRun) -> Node<'a> {
        let text = |text: Option<Text>| text.map(|text| self.text(text));
        let is_call = matches!(run.run_type, RunType::Llm | RunType::Embedding);
        let call = is_call.then(|| Call {
            family: (self.project_id, self.trace_id, run.parent_run_id),
            run_id: run.run_id,
            start_time: run.start_time,
            end_time: run.end_time,
            failed: run.status == Status::Error,
            model: text(run.model),
            scope_name: text(run.scope_name),
            dialect: text(run.dialect),
            input: None,
            output: None,
        });
        Node { response_id: text(run.response_id), call, ..figures(run) }
    }

    fn positions(&self) -> FxHashMap<RunId, u32> {
        self.runs.iter().zip(0..).map(|(run, position)| (run.run_id, position)).collect()
    }
}

/// As much of a node as says what a run used and cost.
fn figures(run: &OutlineRun) -> Node<'static> {
    Node {
        input_tokens: run.input_tokens,
        output_tokens: run.output_tokens,
        total_tokens: run.total_tokens,
        input_cost: run.input_cost,
        output_cost: run.output_cost,
        total_cost: run.total_cost,
        cost_reported: run.cost_reported,
        unpriced: run.unpriced.is_some(),
        ..Node::new(run.parent.map(|parent| parent as usize), run.run_type)
    }
}

/// A run without its texts, these, and its tags: equal for equal runs of two outlines.
#[cfg(any(test, feature = "testing"))]
pub(crate) type Spelled<'a> = (OutlineRun, [Option<&'a str>; 10], Vec<&'a str>);

#[cfg(any(test, feature = "testing"))]
impl Outline {
    pub(crate) fn spelled(&self) -> impl Iterator<Item = Spelled<'_>> {
        self.runs.iter().map(|run| {
            let mut bare = *run;
            bare.name = Text::default();
            bare.tags = None;
            let texts = [
                &mut bare.error,
                &mut bare.error_type,
                &mut bare.model,
                &mut bare.thread_id,
                &mut bare.user_id,
                &mut bare.environment,
                &mut bare.response_id,
                &mut bare.scope_name,
                &mut bare.dialect,
            ];
            let mut spelled = [Some(self.text(run.name)); 10];
            for (spelled, text) in spelled[1..].iter_mut().zip(texts) {
                *spelled = text.take().map(|text| self.text(text));
            }
            (bare, spelled, self.tags(run).collect())
        })
    }
}

fn position(idx: usize) -> u32 {
    u32::try_from(idx).expect("a trace has fewer than 2^32 runs")
}

/// Where a run was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Which of the things that were read.
    pub(crate) source: u32,
    /// Which row of it.
    pub(crate) row: u32,
}

/// An outline in the making: runs in any order, of one trace, perhaps of several projects.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) rows: Vec<DraftRow>,
    pub(crate) texts: Texts,
    pub(crate) tag_lists: TagLists,
}

#[derive(Debug)]
pub(crate) struct DraftRow {
    pub(crate) run: OutlineRun,
    pub(crate) project_id: ProjectId,
    pub(crate) place: Place,
}

impl Draft {
    /// The runs in order, and where each was read. Nothing is judged yet.
    pub(crate) fn finish(self, trace_id: TraceId) -> Option<(Outline, Vec<Place>)> {
        let Self { mut rows, texts, tag_lists } = self;
        let project_id = most_frequent(rows.iter().map(|row| row.project_id))?;
        rows.retain(|row| row.project_id == project_id);
        let key = |row: &DraftRow| (row.run.start_time, row.run.run_id);
        // Files have them in this order.
        if !rows.is_sorted_by_key(key) {
            rows.sort_by_cached_key(key);
        }
        let (runs, places) = rows.into_iter().map(|row| (row.run, row.place)).unzip();
        let mut outline = Outline { project_id, trace_id, runs, texts, tag_lists };
        let positions = outline.positions();
        for run in &mut outline.runs {
            run.parent = run.parent_run_id.and_then(|id| positions.get(&id).copied());
        }
        Some((outline, places))
    }
}

fn most_frequent(ids: impl Iterator<Item = ProjectId>) -> Option<ProjectId> {
    let mut counts: Vec<(ProjectId, usize)> = Vec::new();
    for id in ids {
        match counts.iter_mut().find(|(known, _)| *known == id) {
            Some((_, count)) => *count += 1,
            None => counts.push((id, 1)),
        }
    }
    counts.into_iter().max_by_key(|(id, count)| (*count, *id)).map(|(id, _)| id)
}

/// Gives each distinct text a number.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    all: Vec<Arc<str>>,
    known: FxHashMap<Arc<str>, Text>,
}

impl Texts {
    pub(crate) fn add(&mut self, text: &str) -> Text {
        if let Some(known) = self.known.get(text) {
            return *known;
        }
        let new = Text(position(self.all.len()));
        let text: Arc<str> = text.into();
        self.all.push(Arc::clone(&text));
        self.known.insert(text, new);
        new
    }

    fn get(&self, text: Text) -> &str {
        &self.all[text.position()]
    }
}

/// Gives each distinct list of tags a number: runs mostly have those of their trace.
#[derive(Debug, Default)]
pub(crate) struct TagLists {
    all: Vec<Arc<[Text]>>,
    known: FxHashMap<Arc<[Text]>, u32>,
}

impl TagLists {
    /// `None` for an empty list.
    pub(crate) fn add(&mut self, tags: &[Text]) -> Option<u32> {
        if tags.is_empty() {
            return None;
        }
        if let Some(known) = self.known.get(tags) {
            return Some(*known);
        }
        let new = position(self.all.len());
        let tags: Arc<[Text]> = tags.into();
        self.all.push(Arc::clone(&tags));
        self.known.insert(tags, new);
        Some(new)
    }
}

#[cfg(test)]
mod tests;
