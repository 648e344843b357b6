//! The runs of one trace as a tree in pre-order: what the trace page and the verdict are made from.
//!
//! Whatever clients send becomes a forest: a run whose parent is not here is a root with a mark (an orphan), a
//! circle of parents is cut at the run that it is first entered by. All walks are loops, so chains of 100,000 runs
//! need no stack; everything takes time linear in the number of runs, apart from one sort. Nothing of a run is copied.

use std::cmp::Reverse;

use clearspan_model::rollup::doubles::is_same_model;
use clearspan_model::rollup::{Billed, Totals, TreeTotals};
use clearspan_model::{RunId, Status, UnixNanos};
use clearspan_store::{Outline, OutlineRun, Text};

/// Where each run of a trace stands: parents before their children, siblings by start time.
#[derive(Debug)]
pub(crate) struct Forest {
    /// For each row the position of its run in order of start time; true roots come first, then orphans.
    pub(crate) order: Vec<u32>,
    /// The reverse: for each position its row.
    pub(crate) row_of: Vec<u32>,
    /// The row of each row's parent.
    pub(crate) parents: Vec<Option<u32>>,
    /// Rows that name a parent which cannot stand above them.
    pub(crate) orphans: Vec<u32>,
    /// How many rows each subtree has, itself included. They follow without a gap.
    pub(crate) sizes: Vec<u32>,
    /// Whether a circle of parents was cut.
    has_circle: bool,
}

impl Forest {
    fn new(outline: &Outline) -> Self {
        let known: Vec<Option<u32>> = outline.runs().map(|run| run.parent).collect();
        let named = known.iter().flatten().count();
        let cut = cut_circles(known);
        let has_circle = cut.iter().flatten().count() < named;
        let names_parent = |position: u32| outline.run(position as usize).parent_run_id.is_some();
        let order = pre_order(&cut, names_parent);
        let mut row_of = vec![0; cut.len()];
        for (row, position) in (0..).zip(&order) {
            row_of[*position as usize] = row;
        }
        let parent = |position: u32| cut[position as usize].map(|parent| row_of[parent as usize]);
        let parents: Vec<Option<u32>> = order.iter().map(|position| parent(*position)).collect();
        let roots = (0..).zip(&parents).filter(|(_, parent)| parent.is_none()).map(|(row, _)| row);
        let orphans = roots.filter(|row: &u32| names_parent(order[*row as usize])).collect();
        Self { sizes: sizes(&parents), order, row_of, parents, orphans, has_circle }
    }
}

/// A forest of at least one run, and what counts in it.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    pub(crate) outline: &'a Outline,
    pub(crate) forest: Forest,
    /// What counts of each row.
    pub(crate) billed: Vec<Billed>,
    totals: TreeTotals,
    /// Which try of the same thing each run was, from 1; 0 for runs that were not tried again.
    pub(crate) attempts: Vec<u32>,
}

impl<'a> Tree<'a> {
    pub(crate) fn new(outline: &'a Outline) -> Self {
        let forest = Forest::new(outline);
        let positions = || forest.order.iter().map(|position| *position as usize);
        let (billed, totals) = if forest.has_circle {
            // The store may have cut it elsewhere.
            let (billed, totals) = outline.roll_up(&forest.order, &forest.row_of);
            (billed, totals.into())
        } else {
            let own = positions().map(|position| outline.own_totals(position));
            let totals = TreeTotals::sum(own, &forest.parents);
            (positions().map(|position| outline.run(position).billed).collect(), totals)
        };
        let attempts = count_attempts(outline, &forest);
        Self { outline, forest, billed, totals, attempts }
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.forest.order.len()
    }

    /// The run of a row. That of row 0 stands for the trace.
    #[inline]
    pub(crate) fn run(&self, row: usize) -> OutlineRun {
        self.outline.run(self.forest.order[row] as usize)
    }

    /// The runs, row by row.
    #[inline]
    pub(crate) fn runs(&self) -> impl DoubleEndedIterator<Item = OutlineRun> + '_ {
        self.forest.order.iter().map(|position| self.outline.run(*position as usize))
    }

    /// What a row and everything below it used and cost.
    pub(crate) fn totals(&self, row: usize) -> &Totals {
        self.totals.of(row)
    }

    pub(crate) fn text(&self, text: Text) -> &'a str {
        self.outline.text(text)
    }

    /// The name of a row's run.
    pub(crate) fn name(&self, row: usize) -> &'a str {
        self.text(self.run(row).name)
    }

    /// The row of a run.
    pub(crate) fn row_of(&self, run_id: RunId) -> Option<usize> {
        Some(self.forest.row_of[self.outline.position(run_id)?] as usize)
    }

    /// The row above a row.
    pub(crate) fn parent(&self, row: usize) -> Option<usize> {
        self.forest.parents[row].map(|parent| parent as usize)
    }

    /// A row, the row above it, and so on up to its root.
    pub(crate) fn path_up(&self, row: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(row), |row| self.parent(*row))
    }

    /// A row and everything below it.
    pub(crate) fn subtree(&self, row: usize) -> std::ops::Range<usize> {
        row..row + self.forest.sizes[row] as usize
    }

    /// Rows without a parent.
    pub(crate) fn roots(&self) -> impl Iterator<Item = usize> + '_ {
        self.forest.parents.iter().enumerate().filter(|(_, parent)| parent.is_none()).map(|(row, _)| row)
    }

    /// The rows directly below a row.
    pub(crate) fn children(&self, row: usize) -> impl Iterator<Item = usize> + '_ {
        let end = self.subtree(row).end;
        let inside = move |row: usize| (row < end).then_some(row);
        std::iter::successors(inside(row + 1), move |child| inside(self.subtree(*child).end))
    }

    /// What the whole trace used and cost.
    pub(crate) fn trace_totals(&self) -> Totals {
        let mut totals = Totals::default();
        for root in self.roots() {
            totals.add(self.totals(root));
        }
        totals
    }

    /// The earliest start.
    pub(crate) fn start_time(&self) -> UnixNanos {
        self.outline.run(0).start_time
    }

    /// From the earliest start to the latest moment known, in nanoseconds.
    pub(crate) fn duration_nanos(&self) -> i64 {
        let last = self.outline.runs().map(|run| run.end_time.unwrap_or(run.start_time)).max();
        last.unwrap_or_default().nanos_since(self.start_time())
    }
}

/// The positions of the runs that are retries unless what went into them says otherwise, and of those that they may have
/// tried again. A trace whose outline has no inputs for them takes calls of one name for tries of one call.
pub(crate) fn inputs_of_tries(outline: &Outline) -> Vec<usize> {
    if outline.runs().all(|run| run.status != Status::Error) {
        return Vec::new();
    }
    let forest = Forest::new(outline);
    let attempts = count_attempts(outline, &forest);
    let tries = attempts.iter().zip(&forest.order).filter(|(attempt, _)| **attempt > 0);
    tries.map(|(_, position)| *position as usize).collect()
}

/// Numbers the tries: neighbours of which one is a retry of the other.
fn count_attempts(outline: &Outline, forest: &Forest) -> Vec<u32> {
    let run = |row: usize| outline.run(forest.order[row] as usize);
    let mut attempts = vec![0; forest.order.len()];
    // The last child of each row so far, counted from 1; siblings come in order of start time.
    let mut last_child: Vec<u32> = vec![0; forest.order.len()];
    let mut last_root = 0;
    for row in 0..forest.order.len() {
        let this = run(row);
        // What another instrumentation tells of the same calls lies between them.
        if this.double_of.is_some() {
            continue;
        }
        let last = match forest.parents[row] {
            Some(parent) => &mut last_child[parent as usize],
            None => &mut last_root,
        };
        let before = std::mem::replace(last, row as u32 + 1) as usize;
        if let Some(before) = before.checked_sub(1).filter(|before| is_retry(outline, &run(*before), &this)) {
            attempts[before] = attempts[before].max(1);
            attempts[row] = attempts[before] + 1;
        }
    }
    attempts
}

/// Takes the parent away from one run of each circle.
fn cut_circles(mut parents: Vec<Option<u32>>) -> Vec<Option<u32>> {
    // Which walk saw a run first, counted from 1. Each run is seen once, so all walks together are linear.
    let mut seen_by: Vec<u32> = vec![0; parents.len()];
    for (start, walk) in (0..parents.len()).zip(1..) {
        let mut at = start;
        while seen_by[at] == 0 {
            seen_by[at] = walk;
            let Some(parent) = parents[at] else { break };
            if seen_by[parent as usize] == walk {
                // Closed: the circle is entered at `parent`, which therefore becomes its root.
                parents[parent as usize] = None;
                break;
            }
            at = parent as usize;
        }
    }
    parents
}

/// The positions in their new order.
fn pre_order(parents: &[Option<u32>], names_parent: impl Fn(u32) -> bool) -> Vec<u32> {
    // Children of run `i` are `children[starts[i]..starts[i + 1]]`, in order of start time.
    let mut starts: Vec<u32> = vec![0; parents.len() + 1];
    for parent in parents.iter().flatten() {
        starts[*parent as usize + 1] += 1;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut free = starts.clone();
    let mut children: Vec<u32> = vec![0; parents.len()];
    for (run, parent) in (0..).zip(parents) {
        if let Some(parent) = parent {
            let free = &mut free[*parent as usize];
            children[*free as usize] = run;
            *free += 1;
        }
    }
    let roots = (0..).zip(parents).filter(|(_, parent)| parent.is_none()).map(|(run, _)| run);
    let mut stack: Vec<u32> = roots.collect();
    // Orphans and cut circles after true roots; the stack is read from its end.
    stack.sort_by_key(|run| Reverse((names_parent(*run), *run)));
    let mut order = Vec::with_capacity(parents.len());
    while let Some(run) = stack.pop() {
        order.push(run);
        let (from, to) = (starts[run as usize] as usize, starts[run as usize + 1] as usize);
        stack.extend(children[from..to].iter().rev());
    }
    order
}

fn sizes(parents: &[Option<u32>]) -> Vec<u32> {
    let mut sizes = vec![1; parents.len()];
    for row in (0..parents.len()).rev() {
        if let Some(parent) = parents[row] {
            sizes[parent as usize] += sizes[row];
        }
    }
    sizes
}

/// Whether a run does the same as one that had failed before it began. Wrappers give all calls one name: where both say what
/// went in, that is the same; where one does not, two models are two calls.
fn is_retry(outline: &Outline, before: &OutlineRun, after: &OutlineRun) -> bool {
    let may_be = before.status == Status::Error
        && before.name == after.name
        && before.run_type == after.run_type
        && before.end_time.is_some_and(|end| end <= after.start_time);
    may_be
        && match (before.input, after.input) {
            (Some(before), Some(after)) => before == after,
            _ => before.model.zip(after.model).is_none_or(|(before, after)| {
                before == after || is_same_model(outline.text(before), outline.text(after))
            }),
        }
}

#[cfg(test)]
pub(crate) mod tests;
