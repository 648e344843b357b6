//! Two instrumentations that report the same model call.
//!
//! A framework's instrumentation and that of the model's client both make a run of one call; so do two of one kind that
//! are installed together. Their runs lie beside each other or one below the other, cover the same time, name the
//! same model and the same tokens. One of them counts, the others are its *doubles*.
//!
//! Two real calls must never become one. So runs of one instrumentation are never doubles of each other, each call
//! of one instrumentation takes at most one of another, what contradicts is never joined, and evidence that is only
//! the absence of contradiction has to cover the same time and be the only candidate.
//!
//! Siblings that name one response are one call even if their tokens differ: an instrumentation that adds up the parts of
//! a stream may count one too many. That is no proof for a run and the one below it, because a wrapper around several
//! calls names the last response and the tokens of all.
//!
//! Of the tellings of one call that one counts which tells most: it has tokens, a cost that the client reported, a
//! cost at all, parts of the tokens, that the call failed, both sides of the tokens, the longer texts; at last the lower
//! id decides. A run below another one of the same call never counts instead of it; but its figures do ([`mask`]) where it
//! knows more of the same tokens, or where the other might be taken for one more call beside it.
//!
//! The verdict depends on the runs alone, not on their order. It takes time proportional to the number of runs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{Node, Tree};
use crate::{ProjectId, RunId, TraceId, UnixNanos};

/// What siblings have in common.
pub type Family = (ProjectId, TraceId, Option<RunId>);

/// What has to be known of a model call to recognise it in another run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call<'a> {
    /// The project, the trace, and the run above, whether or not that one is known: siblings have the same.
    pub family: Family,
    /// The run.
    pub run_id: RunId,
    /// When it began.
    pub start_time: UnixNanos,
    /// When it ended.
    pub end_time: Option<UnixNanos>,
    /// Whether it failed.
    pub failed: bool,
    /// The model.
    pub model: Option<&'a str>,
    /// The instrumentation scope.
    pub scope_name: Option<&'a str>,
    /// The dialect of the instrumentation.
    pub dialect: Option<&'a str>,
    /// The beginning of what went in.
    pub input: Option<&'a str>,
    /// The beginning of what came out.
    pub output: Option<&'a str>,
}

/// A run is compared with so many neighbours in time of each other instrumentation, before and after it.
const NEIGHBOURS: usize = 32;
/// Runs of more instrumentations than this beside each other are left alone.
const MAX_INSTRUMENTS: usize = 16;
/// Names of services that route to models and stand before the model's own name.
const REGIONS: [&str; 4] = ["us", "eu", "apac", "global"];

/// For each node the one that counts instead of it.
pub(super) fn find(nodes: &[Node<'_>], tree: &Tree) -> Vec<Option<usize>> {
    // One instrumentation has no doubles, and most traces have but one.
    if !has_two_instruments(nodes) {
        return vec![None; nodes.len()];
    }
    let (below, beside) = (edges_below(nodes, tree), edges_beside(nodes));
    if below.is_empty() && beside.is_empty() {
        return vec![None; nodes.len()];
    }
    let mut groups = Groups::new(nodes);
    // A call inside of a call first: it takes the place that its namesake beside it would get.
    groups.join_below(&below);
    for edge in beside {
        groups.join_beside(&edge);
    }
    groups.join_below(&below);
    groups.doubles()
}

/// The calls whose texts may decide whether they are doubles: those beside, above or below a call of another
/// instrumentation. Without any, nothing here looks at a text.
pub(super) fn unclear(nodes: &[Node<'_>]) -> Vec<usize> {
    if !has_two_instruments(nodes) {
        return Vec::new();
    }
    let mut is_unclear = vec![false; nodes.len()];
    for (child, node) in nodes.iter().enumerate() {
        let parent =
            node.parent.filter(|parent| node.is_call() && nodes.get(*parent).is_some_and(Node::is_call));
        if let Some(parent) = parent.filter(|parent| instrument(&nodes[*parent]) != instrument(node)) {
            (is_unclear[child], is_unclear[parent]) = (true, true);
        }
    }
    for instruments in families(nodes) {
        instruments.into_values().flatten().for_each(|call| is_unclear[call] = true);
    }
    (0..nodes.len()).filter(|idx| is_unclear[*idx]).collect()
}

fn has_two_instruments(nodes: &[Node<'_>]) -> bool {
    super::may_have_doubles(nodes.iter().filter(|node| node.is_call()).map(instrument))
}

impl<'a> Node<'a> {
    fn is_call(&self) -> bool {
        self.call.is_some() && self.call_kind().is_some()
    }

    /// What makes one run tell more than another of the same call.
    fn weight(&self) -> (bool, bool, bool) {
        let has_cost = self.total_cost.is_some();
        (self.tokens().any(), has_cost && self.cost_reported, has_cost)
    }

    /// Grows with what it tells; never equal for two runs.
    fn rank(&self) -> impl Ord + use<'a> {
        let length = |text: Option<&str>| text.map_or(0, str::len);
        let content = self.call.map_or(0, |call| length(call.input) + length(call.output));
        let failed = self.call.is_some_and(|call| call.failed);
        let sides = [self.input_tokens, self.output_tokens].iter().flatten().count();
        (self.weight(), self.parts, failed, sides, content, Reverse(self.call.map(|call| call.run_id)))
    }
}

/// Two runs that may tell of one call.
#[derive(Debug, Clone, Copy)]
struct Edge {
    one: usize,
    other: usize,
    score: Score,
}

/// How sure it is: greater is surer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    same_response: bool,
    same_tokens: bool,
    same_texts: usize,
    /// The time that both cover, in thousandths of what they cover together.
    shared_time: i128,
}

impl Score {
    fn is_strong(&self) -> bool {
        self.same_response || self.same_tokens
    }
}

/// The surest first; the ids decide between equals, so that the order of the nodes does not.
fn sort(edges: &mut [Edge], nodes: &[Node<'_>]) {
    let id = |idx: usize| nodes[idx].call.map(|call| call.run_id);
    edges.sort_by_key(|edge| (Reverse(edge.score), id(edge.one), id(edge.other)));
}

/// Calls directly below calls.
fn edges_below(nodes: &[Node<'_>], tree: &Tree) -> Vec<Edge> {
    let mut edges = Vec::new();
    // How many calls of one instrumentation are below each call.
    let mut siblings: BTreeMap<(usize, Instrument<'_>), usize> = BTreeMap::new();
    for (child, parent) in tree.parents.iter().enumerate() {
        let parent = parent.map(|parent| parent as usize);
        let Some(parent) = parent.filter(|parent| nodes[*parent].is_call() && nodes[child].is_call()) else {
            continue;
        };
        *siblings.entry((parent, instrument(&nodes[child]))).or_default() += 1;
        if let Some(score) = score(&nodes[parent], &nodes[child], Placing::Below) {
            edges.push(Edge { one: parent, other: child, score });
        }
    }
    edges.retain(|edge| edge.score.is_strong() || siblings[&(edge.one, instrument(&nodes[edge.other]))] == 1);
    sort(&mut edges, nodes);
    edges
}

type Instrument<'a> = (Option<&'a str>, Option<&'a str>);

fn instrument<'a>(node: &Node<'a>) -> Instrument<'a> {
    node.call.map_or((None, None), |call| (call.scope_name, call.dialect))
}

/// The calls that are beside calls of other instrumentations, by what is above them, then by instrumentation.
fn families<'a>(nodes: &[Node<'a>]) -> Vec<BTreeMap<Instrument<'a>, Vec<usize>>> {
    let mut calls: Vec<(Family, usize)> = nodes
        .iter()
        .enumerate()
        .filter(|(_, node)| node.is_call())
        .filter_map(|(idx, node)| Some((node.call?.family, idx)))
        .collect();
    calls.sort_unstable();
    let mut families = Vec::new();
    // Most are of one call, or of one instrumentation.
    for family in calls.chunk_by(|(left, _), (right, _)| left == right) {
        let first = instrument(&nodes[family[0].1]);
        if family.iter().all(|(_, idx)| instrument(&nodes[*idx]) == first) {
            continue;
        }
        let mut instruments: BTreeMap<Instrument<'_>, Vec<usize>> = BTreeMap::new();
        for (_, idx) in family {
            instruments.entry(instrument(&nodes[*idx])).or_default().push(*idx);
        }
        if instruments.len() <= MAX_INSTRUMENTS {
            families.push(instruments);
        }
    }
    families
}

/// Calls beside each other.
fn edges_beside(nodes: &[Node<'_>]) -> Vec<Edge> {
    let place = |idx: &usize| nodes[*idx].call.map(|call| (call.start_time, call.run_id));
    let mut edges = Vec::new();
    for mut instruments in families(nodes) {
        for calls in instruments.values_mut() {
            calls.sort_by_key(place);
        }
        let lists: Vec<&Vec<usize>> = instruments.values().collect();
        for (idx, ones) in lists.iter().enumerate() {
            for others in &lists[idx + 1..] {
                for one in ones.iter() {
                    let middle = others.partition_point(|other| place(other) < place(one));
                    let near = middle.saturating_sub(NEIGHBOURS)..others.len().min(middle + NEIGHBOURS);
                    edges.extend(others[near].iter().filter_map(|other| {
                        let score = score(&nodes[*one], &nodes[*other], Placing::Beside)?;
                        Some(Edge { one: *one, other: *other, score })
                    }));
                }
            }
        }
    }
    sort(&mut edges, nodes);
    edges
}

/// Where two runs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placing {
    Beside,
    Below,
}

/// How sure it is that two runs tell of one call; `None` when they do not.
fn score(one: &Node<'_>, other: &Node<'_>, placing: Placing) -> Option<Score> {
    let (here, there) = (one.call?, other.call?);
    let same_response = name_one_answer(one, other);
    let tokens_matter = placing == Placing::Below || !same_response;
    if contradict(one, other) || (tokens_matter && differ_in_tokens(one, other)) {
        return None;
    }
    let same_model = here.model.zip(there.model).is_some_and(|(here, there)| is_same_model(here, there));
    if !same_response && !same_model {
        return None;
    }
    let texts = [(here.input, there.input), (here.output, there.output)];
    let compared: Vec<bool> = texts.into_iter().filter_map(|(here, there)| Some(here? == there?)).collect();
    let time = SharedTime::of(&here, &there)?;
    let score = Score {
        same_response,
        same_tokens: one.tokens().repeats(&other.tokens()),
        same_texts: compared.iter().filter(|same| **same).count(),
        shared_time: time.of_union,
    };
    let is_convincing = if score.is_strong() {
        time.of_shorter >= 500
    } else {
        let has_ended = here.end_time.is_some() && there.end_time.is_some();
        has_ended
            && here.failed == there.failed
            && time.of_shorter >= 900
            && compared.iter().all(|same| *same)
    };
    is_convincing.then_some(score)
}

/// True when two runs cannot tell of one call: they come from one instrumentation, or tell what cannot both be true.
fn contradict(one: &Node<'_>, other: &Node<'_>) -> bool {
    let (Some(here), Some(there)) = (one.call, other.call) else { return true };
    let is_other_instrument = match (here.scope_name, there.scope_name) {
        (Some(here), Some(there)) => here != there,
        _ => here.dialect.zip(there.dialect).is_some_and(|(here, there)| here != there),
    };
    !is_other_instrument
        || one.call_kind() != other.call_kind()
        || one.response_id.zip(other.response_id).is_some_and(|(one, other)| name_two_answers(one, other))
}

fn differ_in_tokens(one: &Node<'_>, other: &Node<'_>) -> bool {
    let (tokens, others) = (one.tokens(), other.tokens());
    tokens.any() && others.any() && !tokens.repeats(&others)
}

fn name_one_answer(one: &Node<'_>, other: &Node<'_>) -> bool {
    one.response_id.is_some() && one.response_id == other.response_id
}

/// Ids of one kind (`chatcmpl-…`) that differ. A framework may have ids of its own for what it got from the provider.
fn name_two_answers(one: &str, other: &str) -> bool {
    fn kind(id: &str) -> &str {
        id.split(['-', '_', ':']).next().unwrap_or_default()
    }
    one != other && kind(one) == kind(other)
}

/// How much of their time two calls share, in thousandths.
struct SharedTime {
    of_shorter: i128,
    of_union: i128,
}

impl SharedTime {
    fn of(here: &Call<'_>, there: &Call<'_>) -> Option<Self> {
        let span = |call: &Call<'_>| {
            let start = i128::from(call.start_time.as_nanos());
            let end = call.end_time.map_or(i128::from(i64::MAX), |end| i128::from(end.as_nanos()));
            (start, end.max(start))
        };
        let (here, there) = (span(here), span(there));
        let (from, to) = (here.0.max(there.0), here.1.min(there.1));
        if from > to {
            return None;
        }
        // A call without length shares all that it has.
        let share = |whole: i128| if whole == 0 { 1_000 } else { (to - from) * 1_000 / whole };
        let shorter = (here.1 - here.0).min(there.1 - there.0);
        Some(Self { of_shorter: share(shorter), of_union: share(here.1.max(there.1) - here.0.min(there.0)) })
    }
}

/// Whether two names mean one model: routes before it (`openai/`, `us.anthropic.`) and dates behind it do not matter.
#[must_use]
pub fn is_same_model(one: &str, other: &str) -> bool {
    bare_model(&one.to_ascii_lowercase()) == bare_model(&other.to_ascii_lowercase())
}

fn bare_model(name: &str) -> &str {
    let mut name = name.trim().rsplit('/').next().unwrap_or_default();
    // Bedrock: `us.anthropic.claude-3-5-sonnet-20241022-v2:0`. A dot inside a version (`gpt-4.1`) has a digit before it.
    for _ in 0..2 {
        if let Some((route, rest)) = name.split_once('.')
            && (REGIONS.contains(&route) || route.bytes().all(|byte| byte.is_ascii_lowercase()))
        {
            name = rest;
        }
    }
    name = name.split_once('@').map_or(name, |(model, _)| model);
    if let Some((model, version)) = name.rsplit_once("-v")
        && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b':')
    {
        name = model;
    }
    let name = name.strip_suffix("-latest").unwrap_or(name);
    without_date(name)
}

/// Cuts off `-2024-08-06` or `-20240806`.
fn without_date(name: &str) -> &str {
    let digits =
        |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((rest, last)) = name.rsplit_once('-') else { return name };
    if digits(last, 8) {
        return rest;
    }
    let parts: Vec<&str> = name.rsplitn(4, '-').collect();
    match parts.as_slice() {
        [day, month, year, model] if digits(day, 2) && digits(month, 2) && digits(year, 4) => model,
        _ => name,
    }
}

/// Runs that tell of one call, as far as they have been joined.
struct Groups<'n, 'a> {
    nodes: &'n [Node<'a>],
    group_of: Vec<usize>,
    members: Vec<Vec<usize>>,
    /// Has another run of its group above it, so it cannot stand for the group.
    is_below: Vec<bool>,
}

impl<'n, 'a> Groups<'n, 'a> {
    fn new(nodes: &'n [Node<'a>]) -> Self {
        Self {
            nodes,
            group_of: (0..nodes.len()).collect(),
            members: (0..nodes.len()).map(|idx| vec![idx]).collect(),
            is_below: vec![false; nodes.len()],
        }
    }

    /// The run of a group that counts.
    fn chosen(&self, group: usize) -> usize {
        let candidates = self.members[group].iter().copied().filter(|idx| !self.is_below[*idx]);
        candidates
            .max_by_key(|idx| self.nodes[*idx].rank())
            .expect("the topmost run of a group is not below it")
    }

    fn join_below(&mut self, edges: &[Edge]) {
        for edge in edges {
            let (above, below) = (self.group_of[edge.one], self.group_of[edge.other]);
            let weight = |group: usize| self.nodes[self.chosen(group)].weight();
            // Only a run that tells as much as the one inside it can speak for it.
            if weight(above) < weight(below) || !self.can_join(above, below, false) {
                continue;
            }
            for member in &self.members[below] {
                self.is_below[*member] = true;
            }
            self.join(above, below);
        }
    }

    fn join_beside(&mut self, edge: &Edge) {
        // A run that is below its own group is spoken for.
        if self.is_below[edge.one] || self.is_below[edge.other] {
            return;
        }
        let (one, other) = (self.group_of[edge.one], self.group_of[edge.other]);
        if self.can_join(one, other, edge.score.same_response) {
            self.join(one, other);
        }
    }

    /// `is_one_answer`: a run of each names the same response, so their tokens are told differently at most.
    fn can_join(&self, one: usize, other: usize, is_one_answer: bool) -> bool {
        let (ones, others) = (&self.members[one], &self.members[other]);
        let pairs = || ones.iter().flat_map(|one| others.iter().map(move |other| (*one, *other)));
        one != other
            && !pairs().any(|(one, other)| contradict(&self.nodes[one], &self.nodes[other]))
            && (is_one_answer || !pairs().any(|(one, other)| self.differ(one, other)))
    }

    /// True when two runs tell of different tokens, and so do all in their groups that name their responses.
    fn differ(&self, one: usize, other: usize) -> bool {
        let tellings = |idx: usize| {
            let named = move |member: &&usize| {
                **member == idx || name_one_answer(&self.nodes[**member], &self.nodes[idx])
            };
            self.members[self.group_of[idx]].iter().filter(named)
        };
        differ_in_tokens(&self.nodes[one], &self.nodes[other])
            && tellings(one).all(|one| {
                tellings(other).all(|other| differ_in_tokens(&self.nodes[*one], &self.nodes[*other]))
            })
    }

    fn join(&mut self, one: usize, other: usize) {
        let moved = std::mem::take(&mut self.members[other]);
        for member in &moved {
            self.group_of[*member] = one;
        }
        self.members[one].extend(moved);
    }

    fn doubles(&self) -> Vec<Option<usize>> {
        let mut doubles = vec![None; self.nodes.len()];
        for (group, members) in self.members.iter().enumerate().filter(|(_, members)| members.len() > 1) {
            let chosen = self.chosen(group);
            for member in members.iter().filter(|member| **member != chosen) {
                doubles[*member] = Some(chosen);
            }
        }
        doubles
    }
}

/// The nodes as they count: doubles neither used nor cost anything, but where one speaks for the run that counts. It does for
/// the cost when that run has none, and for tokens and cost as [`speaks_for_all`] says. Of several the one that tells most does.
pub(super) fn mask<'a>(nodes: &[Node<'a>], doubles: &[Option<usize>]) -> Vec<Node<'a>> {
    let mut masked = nodes.to_vec();
    let repeated = repeated_below(nodes, doubles);
    let mut speakers: BTreeMap<usize, usize> = BTreeMap::new();
    for (idx, chosen) in doubles.iter().enumerate() {
        let Some(chosen) = chosen else { continue };
        masked[idx] = Node { call: nodes[idx].call, ..Node::new(nodes[idx].parent, nodes[idx].run_type) };
        let speaks_for_cost = nodes[*chosen].total_cost.is_none() && nodes[idx].total_cost.is_some();
        if speaks_for_cost || speaks_for_all(nodes, idx, *chosen, &repeated) {
            let speaker = speakers.entry(*chosen).or_insert(idx);
            if nodes[*speaker].rank() < nodes[idx].rank() {
                *speaker = idx;
            }
        }
    }
    for (chosen, speaker) in speakers {
        if speaks_for_all(nodes, speaker, chosen, &repeated) {
            let Node { parent, run_type, response_id, call, .. } = nodes[chosen];
            masked[chosen] = Node { response_id, call, ..Node::new(parent, run_type) };
            masked[speaker] = nodes[speaker];
        } else {
            let Node { input_cost, output_cost, total_cost, .. } = nodes[speaker];
            masked[speaker] = Node { input_cost, output_cost, total_cost, ..masked[speaker] };
            masked[chosen].unpriced = false;
        }
    }
    masked
}

/// Whether the figures of a double count in the place of those of the run that it repeats. Both must tell the same tokens, and the
/// cost of that run must be what we made of them. Then a double that tells parts of the tokens knows the cost better; and a run
/// below it whose sibling tells the same tokens again shows that these are two calls, of which the run above repeats one.
fn speaks_for_all(
    nodes: &[Node<'_>],
    double: usize,
    chosen: usize,
    repeated: &BTreeSet<(usize, Instrument<'_>)>,
) -> bool {
    let (double, of, place) = (&nodes[double], &nodes[chosen], chosen);
    let knows_as_much = double.total_cost.is_some() || of.total_cost.is_none();
    knows_as_much
        && !of.cost_reported
        && double.tokens().repeats(&of.tokens())
        && (double.parts > of.parts
            || double.parent == Some(place) && repeated.contains(&(place, instrument(double))))
}

/// The calls that tell the same tokens as one directly below them that is not their double, with the instrumentation of that one.
fn repeated_below<'a>(nodes: &[Node<'a>], doubles: &[Option<usize>]) -> BTreeSet<(usize, Instrument<'a>)> {
    let stands_for_one: BTreeSet<usize> = doubles.iter().flatten().copied().collect();
    let calls = nodes.iter().zip(doubles).filter(|(node, double)| double.is_none() && node.is_call());
    calls
        .filter_map(|(node, _)| {
            let parent = node.parent.filter(|parent| stands_for_one.contains(parent))?;
            let repeats = node.tokens().repeats(&nodes[parent].tokens());
            repeats.then(|| (parent, instrument(node)))
        })
        .collect()
}

#[cfg(test)]
mod tests;
