//! What a trace used and cost, without counting anything twice.
//!
//! This module owns the rule that says which runs of a tree count ([`judge`]) and the sums over subtrees
//! ([`subtree_totals`]). It leaves prices to the mapping and reads no more of a run than a [`Node`].
//!
//! Instrumentations repeat themselves: an agent span carries the tokens of the calls below it, two
//! libraries trace the same call, a wrapper copies the cost of its child. The rules are:
//!
//! - Tokens belong to `llm` and `embedding` runs. Such a run repeats what is below it when a descendant of its
//!   type names the same response, or when its counts equal those of all runs of its type below it, or of its
//!   children of its type. Then the inner runs count and the outer one does not.
//! - The tokens of any other run count only when no run below it has any.
//! - A cost follows its tokens: where they do not count, it counts only if nothing that used tokens below has a cost.
//! - A model call without a cost is a gap, unless one of its kind below it is: a wrapper has none of its own.
//! - Any other cost counts, whatever the run's type, unless the client reported it and it equals the sum below it.
//! - Of runs that two instrumentations made of one model call, one counts ([`doubles`]).
//!
//! The functions take time linear in the number of nodes and no stack: chains of 100,000 runs are fine. A parent
//! that does not exist makes a root; a circle of parents is cut at one of its runs.

use std::collections::HashMap;

use rust_decimal::Decimal;

use crate::{CostSource, Run, RunType};

pub mod doubles;
mod totals;
mod tree;

pub use doubles::Call;
pub use totals::TreeTotals;
use tree::Tree;

/// What the roll-up has to know of a run.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    /// The position of the run above in the same slice.
    pub parent: Option<usize>,
    /// What kind of work it is.
    pub run_type: RunType,
    /// The provider's id of the answer, where known. Any text that is equal for equal answers.
    pub response_id: Option<&'a str>,
    /// Its own tokens in.
    pub input_tokens: Option<u64>,
    /// Its own tokens out.
    pub output_tokens: Option<u64>,
    /// Its own tokens altogether; the sum of the two when `None`.
    pub total_tokens: Option<u64>,
    /// How many parts of them it tells: those read from a cache, those spent on reasoning.
    pub parts: usize,
    /// Its own cost of the input side.
    pub input_cost: Option<Decimal>,
    /// Its own cost of the output side.
    pub output_cost: Option<Decimal>,
    /// Its own cost.
    pub total_cost: Option<Decimal>,
    /// True when the client said what it cost, false when it was computed.
    pub cost_reported: bool,
    /// True when it should have a cost and none could be given.
    pub unpriced: bool,
    /// What tells it from other calls; without it, it is never taken for another run's double.
    pub call: Option<Call<'a>>,
}

impl<'a> Node<'a> {
    /// A node that neither used nor cost anything.
    pub fn new(parent: Option<usize>, run_type: RunType) -> Self {
        Self {
            parent,
            run_type,
            response_id: None,
            input_tokens: None,
            output_tokens: None,
            total_tokens: None,
            parts: 0,
            input_cost: None,
            output_cost: None,
            total_cost: None,
            cost_reported: false,
            unpriced: false,
            call: None,
        }
    }

    /// The node of a whole run, for the figures alone.
    pub fn of_run(run: &'a Run, parent: Option<usize>) -> Self {
        let usage = run.usage.as_ref();
        let cost = run.cost.as_ref();
        Self {
            response_id: run.metadata.get("response_id").map(|id| id.as_str()),
            input_tokens: usage.and_then(|u| u.input_tokens),
            output_tokens: usage.and_then(|u| u.output_tokens),
            total_tokens: usage.and_then(|u| u.total_tokens),
            parts: usage.map_or(0, |u| parts_told(u.cache_read_tokens(), u.reasoning_tokens())),
            input_cost: cost.and_then(|c| c.input),
            output_cost: cost.and_then(|c| c.output),
            total_cost: cost.and_then(|c| c.total),
            cost_reported: cost.is_some_and(|c| c.source == CostSource::Reported),
            unpriced: cost.is_some_and(|c| matches!(c.source, CostSource::Unpriced { .. })),
            ..Self::new(parent, run.effective_type())
        }
    }

    fn tokens(&self) -> Tokens {
        Tokens::of(self.input_tokens, self.output_tokens, self.total_tokens)
    }

    fn call_kind(&self) -> Option<usize> {
        call_kind(self.run_type)
    }

    fn own(&self) -> Own<'a> {
        Own {
            run_type: self.run_type,
            response_id: self.response_id,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            total_tokens: self.total_tokens,
            total_cost: self.total_cost,
            cost_reported: self.cost_reported,
            unpriced: self.unpriced,
        }
    }
}

/// See [`Node::parts`].
pub fn parts_told(cache_read: Option<u64>, reasoning: Option<u64>) -> usize {
    [cache_read, reasoning].iter().flatten().count()
}

/// Which sum of model calls a run belongs to; `None` for runs that do not call a model themselves.
fn call_kind(run_type: RunType) -> Option<usize> {
    match run_type {
        RunType::Llm => Some(0),
        RunType::Embedding => Some(1),
        RunType::Chain | RunType::Tool | RunType::Retriever | RunType::Prompt | RunType::Parser => None,
    }
}

/// As much of a [`Node`] as decides whether its own figures count; the fields have its meaning.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "each is the field of `Node` with the same name")]
pub struct Own<'a> {
    pub run_type: RunType,
    pub response_id: Option<&'a str>,
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    pub total_tokens: Option<u64>,
    pub total_cost: Option<Decimal>,
    pub cost_reported: bool,
    pub unpriced: bool,
}

impl Own<'_> {
    fn tokens(&self) -> Tokens {
        Tokens::of(self.input_tokens, self.output_tokens, self.total_tokens)
    }
}

/// Whether a run's own figures count towards its ancestors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Billed {
    /// Its tokens count.
    pub tokens: bool,
    /// Its cost counts.
    pub cost: bool,
    /// It should have a cost, has none, and nothing below it speaks for it.
    pub gap: bool,
}

/// What a run and everything below it used and cost. `None` means that nothing is known, which is not zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Tokens in.
    pub input_tokens: Option<u64>,
    /// Tokens out.
    pub output_tokens: Option<u64>,
    /// Tokens altogether.
    pub total_tokens: Option<u64>,
    /// Cost of the input sides that are known.
    pub input_cost: Option<Decimal>,
    /// Cost of the output sides that are known.
    pub output_cost: Option<Decimal>,
    /// Cost altogether; at least the sum of the sides.
    pub total_cost: Option<Decimal>,
    /// How many runs should have a cost and have none: while it is not zero, the cost is a lower bound.
    pub unpriced_runs: u64,
}

/// What is decided about a run by looking at its whole trace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Which of its figures count.
    pub billed: Billed,
    /// The position of the run that tells of the same model call and counts instead of it.
    pub double_of: Option<usize>,
}

/// Says for each node what counts, and which other run it repeats.
pub fn judge(nodes: &[Node<'_>]) -> Vec<Verdict> {
    let tree = Tree::of(nodes);
    let doubles = doubles::find(nodes, &tree);
    let billed = bill_without(nodes, &doubles, &tree);
    billed.into_iter().zip(doubles).map(|(billed, double_of)| Verdict { billed, double_of }).collect()
}

/// The nodes of which [`judge`] may compare the texts ([`Call::input`], [`Call::output`]). Where they are dear to get, those of
/// all others can be left out.
pub fn unclear(nodes: &[Node<'_>]) -> Vec<usize> {
    doubles::unclear(nodes)
}

/// Whether some runs may be doubles of others at all, by what instrumented each model call among them: its scope and its
/// dialect. Without that [`billed_alone`] says what [`judge`] says.
pub fn may_have_doubles<I: PartialEq>(mut instruments: impl Iterator<Item = I>) -> bool {
    let first = instruments.next();
    instruments.any(|other| Some(other) != first)
}

/// What counts of each node of which none is another's double, where the parents are known. What a node used and cost is
/// asked when it is its turn: so many nodes at once would take more time to put into memory than to judge. `None` stands for
/// one that names neither tokens nor a cost and is not unpriced, as most runs of large traces do.
pub fn billed_alone<'a>(parents: &[Option<u32>], own: impl Fn(usize) -> Option<Own<'a>>) -> Vec<Billed> {
    bill(own, &Tree::new(parents.to_vec()))
}

/// What counts of each node, where it is known which are doubles: for each the node that counts instead of it.
pub fn billed_without(nodes: &[Node<'_>], doubles: &[Option<usize>]) -> Vec<Billed> {
    bill_without(nodes, doubles, &Tree::of(nodes))
}

fn bill_without(nodes: &[Node<'_>], doubles: &[Option<usize>], tree: &Tree) -> Vec<Billed> {
    match doubles.iter().any(Option::is_some) {
        true => {
            let masked = doubles::mask(nodes, doubles);
            bill(|idx| Some(masked[idx].own()), tree)
        }
        false => bill(|idx| Some(nodes[idx].own()), tree),
    }
}

/// Says for each node whether its own tokens and its own cost count.
pub fn billed(nodes: &[Node<'_>]) -> Vec<Billed> {
    judge(nodes).into_iter().map(|verdict| verdict.billed).collect()
}

fn bill<'a>(own: impl Fn(usize) -> Option<Own<'a>>, tree: &Tree) -> Vec<Billed> {
    let mut billed = vec![Billed::default(); tree.order.len()];
    // What was seen below the node of each depth whose turn comes next. The order is walked from its end, so that whatever
    // is below a node comes right before it, and one place for each depth is enough.
    let mut below: Vec<Below> = Vec::new();
    // The position in `tree.order` of the next run that has tokens and names this response.
    let mut next_with_response: HashMap<(RunType, &str), usize> = HashMap::new();

    for (position, &idx) in tree.order.iter().enumerate().rev() {
        let idx = idx as usize;
        let (own, depth, size) = (own(idx), tree.depths[idx] as usize, tree.sizes[idx] as usize);
        if own.is_none() && size == 1 {
            continue;
        }
        if below.len() <= depth + 1 {
            below.resize_with(depth + 2, Below::default);
        }
        let (above, inside) = below.split_at_mut(depth + 1);
        // Where nothing is below a node, nothing has been seen at this depth since the last time it was emptied.
        let (sums, child) = (&mut above[depth], &mut inside[0]);
        let has_parent = tree.parents[idx].is_some();
        if let Some(own) = own {
            let tokens = own.tokens();
            let response = own.response_id.map(|id| (own.run_type, id));
            let same_response_below = response
                .and_then(|key| next_with_response.get(&key))
                .is_some_and(|next| *next < position + size);
            billed[idx] = child.judge(&own, tokens, same_response_below);
            if let (Some(key), true) = (response, tokens.any()) {
                next_with_response.insert(key, position);
            }
            if has_parent {
                sums.add_own(&own, tokens, billed[idx]);
            }
        }
        if size > 1 {
            if has_parent {
                sums.add_below(child);
            }
            *child = Below::default();
        }
    }
    billed
}

/// Sums what counts over each node and its descendants. `billed` is what [`judge`] said about the same nodes.
///
/// # Panics
/// When `billed` has another length than `nodes`.
pub fn subtree_totals(nodes: &[Node<'_>], billed: &[Billed]) -> Vec<Totals> {
    assert_eq!(nodes.len(), billed.len(), "one verdict for each node");
    let tree = Tree::of(nodes);
    let mut totals: Vec<Totals> =
        nodes.iter().zip(billed).map(|(node, own)| Totals::own(node, *own)).collect();
    for &idx in tree.order.iter().rev() {
        add_to_parent(&mut totals, idx as usize, tree.parents[idx as usize]);
    }
    totals
}

fn add_to_parent(totals: &mut [Totals], idx: usize, parent: Option<u32>) {
    if let Some(parent) = parent {
        let child = totals[idx];
        totals[parent as usize].add(&child);
    }
}

impl Totals {
    /// What one run adds to its ancestors.
    pub fn own(node: &Node<'_>, billed: Billed) -> Self {
        let tokens = if billed.tokens { node.tokens() } else { Tokens::default() };
        let cost = |cost: Option<Decimal>| cost.filter(|_| billed.cost);
        let (input_cost, output_cost) = (cost(node.input_cost), cost(node.output_cost));
        Self {
            input_tokens: tokens.input,
            output_tokens: tokens.output,
            total_tokens: tokens.total,
            input_cost,
            output_cost,
            total_cost: cost(node.total_cost),
            unpriced_runs: u64::from(billed.gap),
        }
    }

    /// Adds what another tree used and cost.
    pub fn add(&mut self, other: &Self) {
        add_count(&mut self.input_tokens, other.input_tokens);
        add_count(&mut self.output_tokens, other.output_tokens);
        add_count(&mut self.total_tokens, other.total_tokens);
        add_money(&mut self.input_cost, other.input_cost);
        add_money(&mut self.output_cost, other.output_cost);
        add_money(&mut self.total_cost, other.total_cost);
        self.unpriced_runs = self.unpriced_runs.saturating_add(other.unpriced_runs);
    }
}

/// Unknown plus something is something.
fn add_count(sum: &mut Option<u64>, other: Option<u64>) {
    if let Some(count) = other {
        *sum = Some(sum.unwrap_or(0).saturating_add(count));
    }
}

fn add_money(sum: &mut Option<Decimal>, other: Option<Decimal>) {
    if let Some(money) = other {
        *sum = Some(sum.unwrap_or(Decimal::ZERO).saturating_add(money));
    }
}

#[derive(Clone, Copy, Default)]
struct Tokens {
    input: Option<u64>,
    output: Option<u64>,
    total: Option<u64>,
}

impl Tokens {
    /// The sum of both sides where nothing else is known of it.
    fn of(input: Option<u64>, output: Option<u64>, total: Option<u64>) -> Self {
        let sum = match (input, output) {
            (None, None) => None,
            (input, output) => Some(input.unwrap_or(0).saturating_add(output.unwrap_or(0))),
        };
        Self { input, output, total: total.or(sum) }
    }

    fn any(&self) -> bool {
        [self.input, self.output, self.total].into_iter().flatten().any(|count| count > 0)
    }

    fn add(&mut self, other: Self) {
        add_count(&mut self.input, other.input);
        add_count(&mut self.output, other.output);
        add_count(&mut self.total, other.total);
    }

    /// True when both tell the same counts, as far as both tell them.
    fn repeats(&self, other: &Self) -> bool {
        let pairs = [(self.input, other.input), (self.output, other.output)];
        let mut sides = pairs.into_iter().filter_map(|(own, below)| own.zip(below)).peekable();
        if sides.peek().is_none() {
            return self.any() && self.total.is_some() && self.total == other.total;
        }
        let (mut all_equal, mut any_known) = (true, false);
        for (own, below) in sides {
            all_equal &= own == below;
            any_known |= own > 0;
        }
        all_equal && any_known
    }
}

/// What is known about everything below a node.
#[derive(Clone, Default)]
struct Below {
    /// Some run has tokens.
    any_tokens: bool,
    /// Some run that used tokens has a cost that counts.
    usage_has_cost: bool,
    /// Tokens that count, by kind of model call.
    calls: [Tokens; 2],
    /// Tokens of the direct children, by kind of model call.
    child_calls: [Tokens; 2],
    /// Whether a run has no cost though it should, by kind of model call.
    gaps: [bool; 2],
    /// Cost that counts.
    cost: Decimal,
    /// Cost of the direct children, whether it counts or not.
    child_cost: Decimal,
}

impl Below {
    fn judge(&self, own: &Own<'_>, tokens: Tokens, same_response_below: bool) -> Billed {
        let repeats_tokens = match call_kind(own.run_type) {
            Some(kind) => {
                same_response_below
                    || tokens.repeats(&self.calls[kind])
                    || tokens.repeats(&self.child_calls[kind])
            }
            None => self.any_tokens,
        };
        let counts_tokens = tokens.any() && !repeats_tokens;
        let counts_cost = own.total_cost.is_some_and(|cost| {
            if tokens.any() && !counts_tokens {
                return !self.usage_has_cost;
            }
            !(own.cost_reported && (same_money(cost, self.cost) || same_money(cost, self.child_cost)))
        });
        let speaks_for_itself = if tokens.any() { counts_tokens } else { !self.any_tokens };
        let is_told_below = call_kind(own.run_type).is_some_and(|kind| self.gaps[kind]);
        let gap = own.unpriced && own.total_cost.is_none() && speaks_for_itself && !is_told_below;
        Billed { tokens: counts_tokens, cost: counts_cost, gap }
    }

    /// Adds what a child used and cost by itself.
    fn add_own(&mut self, own: &Own<'_>, tokens: Tokens, billed: Billed) {
        self.any_tokens |= tokens.any();
        self.usage_has_cost |= billed.cost && tokens.any();
        if let Some(kind) = call_kind(own.run_type) {
            self.gaps[kind] |= billed.gap;
            self.child_calls[kind].add(tokens);
            if billed.tokens {
                self.calls[kind].add(tokens);
            }
        }
        if let Some(cost) = own.total_cost {
            self.child_cost = self.child_cost.saturating_add(cost);
            if billed.cost {
                self.cost = self.cost.saturating_add(cost);
            }
        }
    }

    /// Adds what is below a child.
    fn add_below(&mut self, child: &Self) {
        self.any_tokens |= child.any_tokens;
        self.usage_has_cost |= child.usage_has_cost;
        for (sum, more) in self.calls.iter_mut().zip(&child.calls) {
            sum.add(*more);
        }
        for (has_gap, more) in self.gaps.iter_mut().zip(child.gaps) {
            *has_gap |= more;
        }
        self.cost = self.cost.saturating_add(child.cost);
    }
}

/// Clients add floats: 0.1 + 0.2 is not 0.3 for them. One part in a million is the same money.
fn same_money(one: Decimal, other: Decimal) -> bool {
    let tolerance = one.abs().max(other.abs()).checked_div(Decimal::from(1_000_000)).unwrap_or(Decimal::ZERO);
    !one.is_zero() && one.saturating_sub(other).abs() <= tolerance
}

#[cfg(test)]
mod tests;
