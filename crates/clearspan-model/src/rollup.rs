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
//! - Any other cost counts, whatever the run's type, unless the client reported it and it equals the sum below it.
//! - Of runs that two instrumentations made of one model call, one counts ([`doubles`]).
//!
//! The functions take time linear in the number of nodes and no stack: chains of 100,000 runs are fine. A parent
//! that does not exist makes a root; a circle of parents is cut at one of its runs.

use std::collections::HashMap;

use rust_decimal::Decimal;

use crate::{CostSource, Run, RunType};

pub mod doubles;

pub use doubles::Call;

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
            input_cost: cost.and_then(|c| c.input),
            output_cost: cost.and_then(|c| c.output),
            total_cost: cost.and_then(|c| c.total),
            cost_reported: cost.is_some_and(|c| c.source == CostSource::Reported),
            unpriced: cost.is_some_and(|c| matches!(c.source, CostSource::Unpriced { .. })),
            ..Self::new(parent, run.effective_type())
        }
    }

    fn tokens(&self) -> Tokens {
        let sum = match (self.input_tokens, self.output_tokens) {
            (None, None) => None,
            (input, output) => Some(input.unwrap_or(0).saturating_add(output.unwrap_or(0))),
        };
        Tokens { input: self.input_tokens, output: self.output_tokens, total: self.total_tokens.or(sum) }
    }

    /// Which sum of model calls it belongs to; `None` for runs that do not call a model themselves.
    fn call_kind(&self) -> Option<usize> {
        match self.run_type {
            RunType::Llm => Some(0),
            RunType::Embedding => Some(1),
            RunType::Chain | RunType::Tool | RunType::Retriever | RunType::Prompt | RunType::Parser => None,
        }
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

/// Whether some of the nodes may be doubles of others at all: without that [`billed_alone`] says what [`judge`] says.
pub fn may_have_doubles<'a>(nodes: impl Iterator<Item = Node<'a>>) -> bool {
    doubles::has_two_instruments(nodes)
}

/// What counts of each node of which none is another's double, where the parents are known. A node is made when it is its
/// turn: so many of them at once would take more time to put into memory than to judge. Nothing is read of its call.
pub fn billed_alone<'a>(parents: Vec<Option<usize>>, node: impl Fn(usize) -> Node<'a>) -> Vec<Billed> {
    bill(node, &Tree::new(parents))
}

/// What counts of each node, where it is known which are doubles: for each the node that counts instead of it.
pub fn billed_without(nodes: &[Node<'_>], doubles: &[Option<usize>]) -> Vec<Billed> {
    bill_without(nodes, doubles, &Tree::of(nodes))
}

fn bill_without(nodes: &[Node<'_>], doubles: &[Option<usize>], tree: &Tree) -> Vec<Billed> {
    match doubles.iter().any(Option::is_some) {
        true => {
            let masked = doubles::mask(nodes, doubles);
            bill(|idx| masked[idx], tree)
        }
        false => bill(|idx| nodes[idx], tree),
    }
}

/// Says for each node whether its own tokens and its own cost count.
pub fn billed(nodes: &[Node<'_>]) -> Vec<Billed> {
    judge(nodes).into_iter().map(|verdict| verdict.billed).collect()
}

fn bill<'a>(node: impl Fn(usize) -> Node<'a>, tree: &Tree) -> Vec<Billed> {
    let mut billed = vec![Billed::default(); tree.order.len()];
    // What was seen below the node of each depth whose turn comes next. The order is walked from its end, so that whatever
    // is below a node comes right before it, and one place for each depth is enough.
    let mut below: Vec<Below> = Vec::new();
    // The position in `tree.order` of the next run that has tokens and names this response.
    let mut next_with_response: HashMap<(RunType, &str), usize> = HashMap::new();

    for (position, &idx) in tree.order.iter().enumerate().rev() {
        let (node, depth) = (node(idx), tree.depths[idx] as usize);
        let tokens = node.tokens();
        let response = node.response_id.map(|id| (node.run_type, id));
        let same_response_below = response
            .and_then(|key| next_with_response.get(&key))
            .is_some_and(|next| *next < position + tree.sizes[idx]);
        if below.len() <= depth + 1 {
            below.resize_with(depth + 2, Below::default);
        }
        let child = match tree.sizes[idx] {
            1 => Below::default(),
            _ => std::mem::take(&mut below[depth + 1]),
        };
        let own = child.judge(&node, tokens, same_response_below);
        billed[idx] = own;
        if let (Some(key), true) = (response, tokens.any()) {
            next_with_response.insert(key, position);
        }
        if tree.parents[idx].is_some() {
            below[depth].add_child(child, &node, tokens, own);
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
        add_to_parent(&mut totals, idx, tree.parents[idx]);
    }
    totals
}

/// The same for nodes that lie in the order of a tree, each behind the one above it: from what each adds by itself
/// ([`Totals::own`]).
pub fn totals_in_order(mut totals: Vec<Totals>, parents: &[Option<usize>]) -> Vec<Totals> {
    for (idx, parent) in parents.iter().enumerate().rev() {
        add_to_parent(&mut totals, idx, *parent);
    }
    totals
}

fn add_to_parent(totals: &mut [Totals], idx: usize, parent: Option<usize>) {
    if let Some(parent) = parent {
        let child = totals[idx];
        totals[parent].add(&child);
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
        let sides: Vec<(u64, u64)> = pairs.into_iter().filter_map(|(own, below)| own.zip(below)).collect();
        if sides.is_empty() {
            return self.any() && self.total.is_some() && self.total == other.total;
        }
        sides.iter().all(|(own, below)| own == below) && sides.iter().any(|(own, _)| *own > 0)
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
    /// Cost that counts.
    cost: Decimal,
    /// Cost of the direct children, whether it counts or not.
    child_cost: Decimal,
}

impl Below {
    fn judge(&self, node: &Node<'_>, tokens: Tokens, same_response_below: bool) -> Billed {
        let repeats_tokens = match node.call_kind() {
            Some(kind) => {
                same_response_below
                    || tokens.repeats(&self.calls[kind])
                    || tokens.repeats(&self.child_calls[kind])
            }
            None => self.any_tokens,
        };
        let counts_tokens = tokens.any() && !repeats_tokens;
        let counts_cost = node.total_cost.is_some_and(|cost| {
            if tokens.any() && !counts_tokens {
                return !self.usage_has_cost;
            }
            !(node.cost_reported && (same_money(cost, self.cost) || same_money(cost, self.child_cost)))
        });
        let speaks_for_itself = if tokens.any() { counts_tokens } else { !self.any_tokens };
        let gap = node.unpriced && node.total_cost.is_none() && speaks_for_itself;
        Billed { tokens: counts_tokens, cost: counts_cost, gap }
    }

    fn add_child(&mut self, child: Self, node: &Node<'_>, tokens: Tokens, own: Billed) {
        self.any_tokens |= child.any_tokens || tokens.any();
        self.usage_has_cost |= child.usage_has_cost || (own.cost && tokens.any());
        for (sum, more) in self.calls.iter_mut().zip(child.calls) {
            sum.add(more);
        }
        if let Some(kind) = node.call_kind() {
            self.child_calls[kind].add(tokens);
            if own.tokens {
                self.calls[kind].add(tokens);
            }
        }
        let own_cost = node.total_cost.unwrap_or(Decimal::ZERO);
        self.child_cost = self.child_cost.saturating_add(own_cost);
        self.cost = self.cost.saturating_add(child.cost);
        if own.cost {
            self.cost = self.cost.saturating_add(own_cost);
        }
    }
}

/// Clients add floats: 0.1 + 0.2 is not 0.3 for them. One part in a million is the same money.
fn same_money(one: Decimal, other: Decimal) -> bool {
    let tolerance = one.abs().max(other.abs()).checked_div(Decimal::from(1_000_000)).unwrap_or(Decimal::ZERO);
    !one.is_zero() && one.saturating_sub(other).abs() <= tolerance
}

/// The nodes as a forest.
struct Tree {
    /// The node above; none for roots. Free of circles.
    parents: Vec<Option<usize>>,
    /// All nodes, each before its descendants, and these without a gap behind it.
    order: Vec<usize>,
    /// How many nodes each subtree has, itself included.
    sizes: Vec<usize>,
    /// How many nodes are above each.
    depths: Vec<u32>,
}

impl Tree {
    fn of(nodes: &[Node<'_>]) -> Self {
        Self::new(nodes.iter().map(|node| node.parent).collect())
    }

    fn new(parents: Vec<Option<usize>>) -> Self {
        let parents = acyclic(parents);
        let order = depth_first(&parents);
        let mut sizes = vec![1; parents.len()];
        for &idx in order.iter().rev() {
            if let Some(parent) = parents[idx] {
                sizes[parent] += sizes[idx];
            }
        }
        let mut depths = vec![0; parents.len()];
        for &idx in &order {
            depths[idx] = parents[idx].map_or(0, |parent| depths[parent] + 1);
        }
        Self { parents, order, sizes, depths }
    }
}

/// The parents that exist, each circle cut where the walk first entered it.
fn acyclic(mut parents: Vec<Option<usize>>) -> Vec<Option<usize>> {
    let count = parents.len();
    for parent in &mut parents {
        *parent = parent.filter(|parent| *parent < count);
    }
    // Which walk saw a node first; each node is seen once, so all walks together are linear.
    let mut seen_by: Vec<Option<usize>> = vec![None; count];
    for start in 0..count {
        let mut at = start;
        while seen_by[at].is_none() {
            seen_by[at] = Some(start);
            let Some(parent) = parents[at] else { break };
            if seen_by[parent] == Some(start) {
                parents[at] = None;
                break;
            }
            at = parent;
        }
    }
    parents
}

fn depth_first(parents: &[Option<usize>]) -> Vec<usize> {
    // Children of node `i` are `children[starts[i]..starts[i + 1]]`.
    let mut starts = vec![0; parents.len() + 1];
    for parent in parents.iter().flatten() {
        starts[parent + 1] += 1;
    }
    for idx in 1..starts.len() {
        starts[idx] += starts[idx - 1];
    }
    let mut free = starts.clone();
    let mut children = vec![0; parents.iter().flatten().count()];
    for (idx, parent) in parents.iter().enumerate() {
        if let Some(parent) = parent {
            children[free[*parent]] = idx;
            free[*parent] += 1;
        }
    }
    let mut order = Vec::with_capacity(parents.len());
    let mut stack: Vec<usize> = (0..parents.len()).rev().filter(|idx| parents[*idx].is_none()).collect();
    while let Some(idx) = stack.pop() {
        order.push(idx);
        stack.extend(children[starts[idx]..starts[idx + 1]].iter().rev());
    }
    order
}

#[cfg(test)]
mod tests;
