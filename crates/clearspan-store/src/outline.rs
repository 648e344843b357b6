//! A trace as its page shows it: all its runs, and of each what its row says.
//!
//! A [`RunSummary`] owns its texts. To make, move and free those of 100,000 runs took most of the time of opening a large
//! trace. Here every text is kept once, the run above is a position, and a row is a plain value that is put together from
//! columns when it is asked for. This module owns the form; engines that have columns fill it from those, and all others
//! from their summaries.

mod columns;
mod draft;

use std::num::NonZeroU32;

use clearspan_model::rollup::{self, Billed, Call, Node, Own, Totals};
use clearspan_model::{
    CostSource, Decimal, ProjectId, RunId, RunType, Status, TraceId, UnixNanos, UnpricedReason,
};
use rustc_hash::FxHashMap;

use crate::{Result, RunSummary};

pub(crate) use columns::{Blank, Column, Columns, Figures};
pub(crate) use draft::{Draft, Place, TagLists, Texts};

/// All runs of one trace of one project, in order of their start and, of one moment, of their ids.
#[derive(Debug)]
pub struct Outline {
    /// The project.
    pub project_id: ProjectId,
    /// The trace.
    pub trace_id: TraceId,
    /// Of at least one run.
    columns: Columns,
    texts: Texts,
    tag_lists: TagLists,
}

/// The positions of the runs whose inputs are wanted, each once.
pub type InputsOf = fn(&Outline) -> Vec<usize>;

/// A text of an [`Outline`]: equal texts of one outline are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(NonZeroU32);

impl Text {
    /// The first of each outline: the name of runs that have none.
    pub(crate) const UNNAMED: Self = Self(NonZeroU32::MIN);

    pub(crate) fn at(position: usize) -> Self {
        let count = u32::try_from(position + 1).ok().and_then(NonZeroU32::new);
        Self(count.expect("a trace has fewer than 2^32 texts"))
    }

    /// Counts the texts of an outline from 0.
    #[inline]
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
    #[inline]
    pub fn latency_nanos(&self) -> Option<i64> {
        self.end_time.map(|end| end.nanos_since(self.start_time))
    }

    /// See [`RunSummary::counts_as_error`].
    #[inline]
    pub fn counts_as_error(&self) -> bool {
        self.status == Status::Error && self.double_of.is_none()
    }

    /// See [`RunSummary::counts_as_llm_call`].
    #[inline]
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
        let call = is_call(self.run_type).then(|| Call {
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
    #[inline]
    fn figures(&self) -> Node<'static> {
        Node {
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            total_tokens: self.total_tokens,
            parts: rollup::parts_told(self.cache_read_tokens, self.reasoning_tokens),
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
        draft.reserve(runs.len());
        for (idx, run) in runs.iter().enumerate() {
            let mut row = OutlineRun::of(run, |text| draft.texts.add(text));
            let tags: Vec<Text> = run.tags.iter().map(|tag| draft.texts.add(tag)).collect();
            row.tags = draft.tag_lists.add(&tags);
            draft.add_home(run.project_id, Place { source: 0, row: position(idx) });
            draft.columns.push(&row);
        }
        let (mut outline, places) = draft.finish(runs.first()?.trace_id)?;
        if runs.iter().any(|run| run.double_of.is_some()) {
            let positions = outline.positions();
            for (idx, place) in places.iter().enumerate() {
                let double_of = runs[place.row as usize].double_of;
                outline.columns.double_of.set(idx, double_of.and_then(|id| positions.get(&id).copied()));
            }
        }
        Some(outline)
    }

    /// How many runs there are: at least one.
    #[inline]
    pub fn run_count(&self) -> usize {
        self.columns.len
    }

    /// The run at a position.
    ///
    /// # Panics
    /// When there is none, where that is checked.
    #[inline]
    pub fn run(&self, position: usize) -> OutlineRun {
        debug_assert!(position < self.run_count(), "there is no run at {position}");
        self.columns.row(position)
    }

    /// All runs. Of each, what is not looked at is not read.
    #[inline]
    pub fn runs(&self) -> impl DoubleEndedIterator<Item = OutlineRun> + ExactSizeIterator + '_ {
        (0..self.run_count()).map(|position| self.run(position))
    }

    /// The position of a run.
    pub fn position(&self, run_id: RunId) -> Option<usize> {
        self.columns.run_id.set_rows().iter().position(|id| *id == run_id)
    }

    /// A text.
    #[inline]
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

    /// What the run at a position adds to those above it; `None` when that is nothing.
    #[inline]
    pub fn own_totals(&self, position: usize) -> Option<Totals> {
        let billed = self.columns.billed.get(position);
        let has_any = billed.gap || self.columns.figures(position).is_some();
        has_any.then(|| Totals::own(&self.run(position).figures(), billed))
    }

    /// What counts of each run, and what it and everything below it used and cost, when the runs are looked at in another order:
    /// that decides where a circle of parents is cut. `order` must name each position once, and `place_of` say of each position
    /// which place that is.
    pub fn roll_up(&self, order: &[u32], place_of: &[u32]) -> (Vec<Billed>, Vec<Totals>) {
        let place = |position: Option<u32>| position.map(|position| place_of[position as usize] as usize);
        let runs = || order.iter().map(|position| self.run(*position as usize));
        let nodes: Vec<Node<'_>> =
            runs().map(|run| Node { parent: place(run.parent), ..self.node(&run) }).collect();
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
        if !rollup::may_have_doubles(self.instruments()) {
            let billed = rollup::billed_alone(self.columns.parent.set_rows(), |idx| self.own(idx));
            (self.columns.billed, self.columns.double_of) = (billed.into(), Column::default());
            return Ok(());
        }
        let nodes = self.runs().map(|run| self.node(&run));
        let mut nodes: Vec<Node<'_>> = nodes.collect();
        let unclear = rollup::unclear(&nodes);
        let loaded = if unclear.is_empty() { Vec::new() } else { previews(&unclear)? };
        for (idx, [input, output]) in unclear.iter().zip(&loaded) {
            if let Some(call) = &mut nodes[*idx].call {
                (call.input, call.output) = (input.as_deref(), output.as_deref());
            }
        }
        let verdicts = rollup::judge(&nodes);
        let doubles: Vec<Option<u32>> =
            verdicts.iter().map(|verdict| verdict.double_of.map(position)).collect();
        let billed: Vec<Billed> = verdicts.into_iter().map(|verdict| verdict.billed).collect();
        (self.columns.billed, self.columns.double_of) = (billed.into(), doubles.into());
        Ok(())
    }

    /// What instrumented each model call.
    fn instruments(&self) -> impl Iterator<Item = (Option<Text>, Option<Text>)> {
        let columns = &self.columns;
        let calls = (0..columns.len).filter(|row| is_call(columns.run_type.get(*row)));
        calls.map(|row| (columns.scope_name.get(row), columns.dialect.get(row)))
    }

    /// What the run at a position used and cost, if it says anything of that.
    fn own(&self, position: usize) -> Option<Own<'_>> {
        let (figures, unpriced) = (self.columns.figures(position), self.columns.unpriced.get(position));
        if figures.is_none() && unpriced.is_none() {
            return None;
        }
        let figures = figures.unwrap_or(&Figures::BLANK);
        Some(Own {
            run_type: self.columns.run_type.get(position),
            response_id: figures.response_id.map(|id| self.text(id)),
            input_tokens: figures.input_tokens,
            output_tokens: figures.output_tokens,
            total_tokens: figures.total_tokens,
            total_cost: figures.total_cost,
            cost_reported: self.columns.cost_reported.get(position),
            unpriced: unpriced.is_some(),
        })
    }

    /// Keeps what went into the runs at some positions.
    pub(crate) fn set_inputs(&mut self, inputs: impl Iterator<Item = (usize, Option<String>)>) {
        for (position, input) in inputs {
            self.columns.input.set(position, input.map(|input| self.texts.add(&input)));
        }
    }

    /// The same with what went into the runs at the positions that `of` names: `runs` must be the summaries that it was made
    /// from.
    ///
    /// # Panics
    /// When a run of its project is not in it.
    pub fn with_inputs_from(mut self, runs: &[RunSummary], of: InputsOf) -> Self {
        let positions = self.positions();
        let mut is_wanted = vec![false; self.run_count()];
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
        self.columns.run_id.set_rows().iter().copied().zip(0..).collect()
    }
}

/// A run without its texts, these, and its tags: equal for equal runs of two outlines.
#[cfg(any(test, feature = "testing"))]
pub(crate) type Spelled<'a> = (OutlineRun, [Option<&'a str>; 11], Vec<&'a str>);

#[cfg(any(test, feature = "testing"))]
impl Outline {
    pub(crate) fn spelled(&self) -> impl Iterator<Item = Spelled<'_>> {
        self.runs().map(|run| {
            let mut bare = run;
            bare.name = Text::UNNAMED;
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
            (bare, spelled, self.tags(&run).collect())
        })
    }
}

fn is_call(run_type: RunType) -> bool {
    matches!(run_type, RunType::Llm | RunType::Embedding)
}

fn position(idx: usize) -> u32 {
    u32::try_from(idx).expect("a trace has fewer than 2^32 runs")
}

#[cfg(test)]
mod tests;
