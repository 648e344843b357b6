//! A trace as its page shows it: all its runs, and of each what its row says.
//!
//! A [`RunSummary`] owns its texts. To make, move and free those of 100,000 runs took most of the time of opening a large
//! trace. Here every text is kept once, the run above is a position, and a row is a plain value. This module owns the
//! form; engines that have columns fill it from those, and all others from their summaries.

mod draft;

use std::num::NonZeroU32;

use clearspan_model::rollup::{self, Billed, Call, Node, Totals};
use clearspan_model::{
    CostSource, Decimal, ProjectId, RunId, RunType, Status, TraceId, UnixNanos, UnpricedReason,
};
use rustc_hash::FxHashMap;

use crate::{Result, RunSummary};

pub(crate) use draft::{Draft, Home, Place, TagLists, Texts};

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

/// The positions of the runs whose inputs are wanted, each once.
pub type InputsOf = fn(&Outline) -> Vec<usize>;

/// A text of an [`Outline`]: equal texts of one outline are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(NonZeroU32);

impl Text {
    pub(crate) fn at(position: usize) -> Self {
        let count = u32::try_from(position + 1).ok().and_then(NonZeroU32::new);
        Self(count.expect("a trace has fewer than 2^32 texts"))
    }

    /// Counts the texts of an outline from 0.
    pub fn position(self) -> usize {
        self.0.get() as usize - 1
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
    /// [`RunSummary::input_preview`], if it was asked for ([`crate::RunStore::load_outline_with_inputs`]).
    pub input: Option<Text>,
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
            input: None,
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

    /// The same as a summary says, apart from what depends on other runs of its trace and from its tags. `text` takes each
    /// of its texts.
    pub(crate) fn of<'a>(run: &'a RunSummary, mut text: impl FnMut(&'a str) -> Text) -> Self {
        let name = text(&run.name);
        let mut text = |field: &'a Option<String>| field.as_deref().map(&mut text);
        let mut row = Self {
            parent_run_id: run.parent_run_id,
            run_type: run.run_type,
            status: run.status,
            error: text(&run.error),
            error_type: text(&run.error_type),
            start_time: run.start_time,
            end_time: run.end_time,
            first_token_time: run.first_token_time,
            model: text(&run.model),
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
            thread_id: text(&run.thread_id),
            user_id: text(&run.user_id),
            environment: text(&run.environment),
            response_id: text(&run.response_id),
            scope_name: text(&run.scope_name),
            dialect: text(&run.dialect),
            ..Self::new(run.run_id, name)
        };
        row.set_cost_source(&run.cost_source);
        row
    }

    pub(crate) fn set_cost_source(&mut self, source: &CostSource) {
        self.cost_reported = *source == CostSource::Reported;
        self.unpriced = match source {
            CostSource::Unpriced { reason } => Some(*reason),
            _ => None,
        };
    }

    /// What the roll-up has to know of it, but for the texts that are compared where two runs may tell of one call. `text`
    /// gives the texts back.
    pub(crate) fn node<'a>(
        &self,
        (project_id, trace_id): (ProjectId, TraceId),
        text: impl Fn(Text) -> &'a str,
    ) -> Node<'a> {
        let text = |known: Option<Text>| known.map(&text);
        let is_call = matches!(self.run_type, RunType::Llm | RunType::Embedding);
        let call = is_call.then(|| Call {
            family: (project_id, trace_id, self.parent_run_id),
            run_id: self.run_id,
            start_time: self.start_time,
            end_time: self.end_time,
            failed: self.status == Status::Error,
            model: text(self.model),
            scope_name: text(self.scope_name),
            dialect: text(self.dialect),
            input: None,
            output: None,
        });
        Node { response_id: text(self.response_id), call, ..self.figures() }
    }

    /// As much of a node as says what a run used and cost.
    fn figures(&self) -> Node<'static> {
        Node {
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            total_tokens: self.total_tokens,
            input_cost: self.input_cost,
            output_cost: self.output_cost,
            total_cost: self.total_cost,
            cost_reported: self.cost_reported,
            unpriced: self.unpriced.is_some(),
            ..Node::new(self.parent.map(|parent| parent as usize), self.run_type)
        }
    }
}

impl Outline {
    /// The same as some summaries of one trace say. Of several projects that with most runs is taken; of those the last by its id.
    /// `None` when there are no runs.
    pub fn of(runs: &[RunSummary]) -> Option<Self> {
        let mut draft = Draft::default();
        for (idx, run) in runs.iter().enumerate() {
            let mut row = OutlineRun::of(run, |text| draft.texts.add(text));
            let tags: Vec<Text> = run.tags.iter().map(|tag| draft.texts.add(tag)).collect();
            row.tags = draft.tag_lists.add(&tags);
            draft.runs.push(row);
            draft
                .homes
                .push(Home { project_id: run.project_id, place: Place { source: 0, row: position(idx) } });
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
        self.texts.len()
    }

    /// The labels of a run.
    pub fn tags<'a>(&'a self, run: &OutlineRun) -> impl Iterator<Item = &'a str> {
        let list = run.tags.map(|list| self.tag_lists.get(list));
        list.into_iter().flat_map(|list| list.iter()).map(|text| self.text(*text))
    }

    /// What a run adds to those above it.
    pub fn own_totals(&self, run: &OutlineRun) -> Totals {
        Totals::own(&run.figures(), run.billed)
    }

    /// What counts of each run, and what it and everything below it used and cost, when the runs are looked at in another order:
    /// that decides where a circle of parents is cut. `order` must name each position once, and `place_of` say of each position
    /// which place that is.
    pub fn roll_up(&self, order: &[usize], place_of: &[usize]) -> (Vec<Billed>, Vec<Totals>) {
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
        if !rollup::may_have_doubles(self.runs.iter().map(|run| self.node(run))) {
            let parents = self.runs.iter().map(|run| run.parent.map(|parent| parent as usize)).collect();
            let billed = rollup::billed_alone(parents, |idx| {
                let run = &self.runs[idx];
                Node { response_id: run.response_id.map(|id| self.text(id)), ..run.figures() }
            });
            for (run, billed) in self.runs.iter_mut().zip(billed) {
                (run.billed, run.double_of) = (billed, None);
            }
            return Ok(());
        }
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

    /// Keeps what went into the runs at some positions.
    pub(crate) fn set_inputs(&mut self, inputs: impl Iterator<Item = (usize, Option<String>)>) {
        for (position, input) in inputs {
            self.runs[position].input = input.map(|input| self.texts.add(&input));
        }
    }

    /// The same with what went into the runs at the positions that `of` names: `runs` must be the summaries that it was made
    /// from.
    ///
    /// # Panics
    /// When a run of its project is not in it.
    pub fn with_inputs_from(mut self, runs: &[RunSummary], of: InputsOf) -> Self {
        let positions = self.positions();
        let mut is_wanted = vec![false; self.runs.len()];
        of(&self).into_iter().for_each(|position| is_wanted[position] = true);
        let of_project = runs.iter().filter(|run| run.project_id == self.project_id);
        let inputs: Vec<_> = of_project
            .map(|run| (positions[&run.run_id] as usize, run.input_preview.clone()))
            .filter(|(position, _)| is_wanted[*position])
            .collect();
        self.set_inputs(inputs.into_iter());
        self
    }

    fn node<'a>(&'a self, run: &OutlineRun) -> Node<'a> {
        run.node((self.project_id, self.trace_id), |text| self.text(text))
    }

    fn positions(&self) -> FxHashMap<RunId, u32> {
        self.runs.iter().zip(0..).map(|(run, position)| (run.run_id, position)).collect()
    }
}

/// A run without its texts, these, and its tags: equal for equal runs of two outlines.
#[cfg(any(test, feature = "testing"))]
pub(crate) type Spelled<'a> = (OutlineRun, [Option<&'a str>; 11], Vec<&'a str>);

#[cfg(any(test, feature = "testing"))]
impl Outline {
    pub(crate) fn spelled(&self) -> impl Iterator<Item = Spelled<'_>> {
        self.runs.iter().map(|run| {
            let mut bare = *run;
            bare.name = Text::at(0);
            bare.tags = None;
            let texts = [
                &mut bare.error,
                &mut bare.error_type,
                &mut bare.model,
                &mut bare.thread_id,
                &mut bare.user_id,
                &mut bare.environment,
                &mut bare.input,
                &mut bare.response_id,
                &mut bare.scope_name,
                &mut bare.dialect,
            ];
            let mut spelled = [Some(self.text(run.name)); 11];
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

#[cfg(test)]
mod tests;
