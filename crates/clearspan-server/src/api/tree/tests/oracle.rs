//! Trees as they were made before outlines: from whole summaries, each judged anew. What is made from outlines must say the
//! same.

use std::cmp::Reverse;

use clearspan_model::rollup::{Billed, Totals};
use clearspan_model::{RunId, Status, UnixNanos};
use clearspan_store::RunSummary;
use rustc_hash::FxHashMap;

/// Where each run of a trace stands: parents before their children, siblings by start time.
#[derive(Debug)]
struct Forest {
    /// For each row the position of its run in order of start time; true roots come first, then orphans.
    pub(crate) order: Vec<usize>,
    /// The row of each row's parent.
    pub(crate) parents: Vec<Option<usize>>,
    /// Rows that name a parent which cannot stand above them.
    pub(crate) orphans: Vec<usize>,
}

impl Forest {
    /// Of runs in order of start time: the position of the run above each, if it is here, and whether it names one.
    pub(crate) fn new(parents: Vec<Option<usize>>, names_parent: impl Fn(usize) -> bool) -> Self {
        let parents = cut_circles(parents);
        let order = pre_order(&parents, &names_parent);
        let mut row_of = vec![0; parents.len()];
        for (row, position) in order.iter().enumerate() {
            row_of[*position] = row;
        }
        let parents: Vec<Option<usize>> =
            order.iter().map(|position| parents[*position].map(|parent| row_of[parent])).collect();
        let rows = 0..parents.len();
        let orphans = rows.filter(|row| parents[*row].is_none() && names_parent(order[*row])).collect();
        Self { order, parents, orphans }
    }
}

/// A forest of at least one run, parents before their children, siblings by start time.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The runs; true roots come first, then orphans.
    pub(crate) runs: Vec<RunSummary>,
    /// The row of each run's parent.
    pub(crate) parents: Vec<Option<usize>>,
    /// Rows that name a parent which cannot stand above them.
    pub(crate) orphans: Vec<usize>,
    /// How many rows each subtree has, itself included. They follow without a gap.
    pub(crate) sizes: Vec<usize>,
    /// How far below its root each row is.
    pub(crate) depths: Vec<usize>,
    /// What counts of each run.
    pub(crate) billed: Vec<Billed>,
    /// What each subtree used and cost.
    pub(crate) totals: Vec<Totals>,
    /// Which try of the same thing each run was, from 1; 0 for runs that were not tried again.
    pub(crate) attempts: Vec<u32>,
}

impl Tree {
    /// `None` when there are no runs. All of them must be of one trace of one project.
    pub(crate) fn new(mut runs: Vec<RunSummary>) -> Option<Self> {
        if runs.is_empty() {
            return None;
        }
        runs.sort_by_key(|run| (run.start_time, run.run_id));
        let rows: FxHashMap<RunId, usize> =
            runs.iter().enumerate().map(|(row, run)| (run.run_id, row)).collect();
        let parents: Vec<Option<usize>> =
            runs.iter().map(|run| run.parent_run_id.and_then(|id| rows.get(&id).copied())).collect();
        let Forest { order, parents, orphans } =
            Forest::new(parents, |position| runs[position].parent_run_id.is_some());
        let mut slots: Vec<Option<RunSummary>> = runs.into_iter().map(Some).collect();
        let runs: Vec<RunSummary> =
            order.iter().map(|old| slots[*old].take().expect("each run has one place")).collect();

        let (billed, totals) = clearspan_store::roll_up(&runs);
        let (sizes, depths) = sizes_and_depths(&parents);
        let attempts = attempts(
            &parents,
            |row| runs[row].double_of.is_some(),
            |before, after| is_retry(&runs[before], &runs[after]),
        );
        Some(Self { runs, parents, orphans, sizes, depths, billed, totals, attempts })
    }

    /// Rows without a parent.
    pub(crate) fn roots(&self) -> impl Iterator<Item = usize> + '_ {
        self.parents.iter().enumerate().filter(|(_, parent)| parent.is_none()).map(|(row, _)| row)
    }

    /// The rows directly below a row.
    pub(crate) fn children(&self, row: usize) -> impl Iterator<Item = usize> + '_ {
        let end = row + self.sizes[row];
        let inside = move |row: usize| (row < end).then_some(row);
        std::iter::successors(inside(row + 1), move |child| inside(child + self.sizes[*child]))
    }

    /// What the whole trace used and cost.
    pub(crate) fn trace_totals(&self) -> Totals {
        let mut totals = Totals::default();
        for root in self.roots() {
            totals.add(&self.totals[root]);
        }
        totals
    }

    /// The earliest start.
    pub(crate) fn start_time(&self) -> UnixNanos {
        self.runs.iter().map(|run| run.start_time).min().unwrap_or_default()
    }

    /// From the earliest start to the latest moment known, in nanoseconds.
    pub(crate) fn duration_nanos(&self) -> i64 {
        let last = self.runs.iter().map(|run| run.end_time.unwrap_or(run.start_time)).max();
        last.unwrap_or_default().nanos_since(self.start_time())
    }
}

/// Takes the parent away from one run of each circle.
fn cut_circles(mut parents: Vec<Option<usize>>) -> Vec<Option<usize>> {
    // Which walk saw a run first. Each run is seen once, so all walks together are linear.
    let mut seen_by = vec![usize::MAX; parents.len()];
    for start in 0..parents.len() {
        let mut at = start;
        while seen_by[at] == usize::MAX {
            seen_by[at] = start;
            let Some(parent) = parents[at] else { break };
            if seen_by[parent] == start {
                // Closed: the circle is entered at `parent`, which therefore becomes its root.
                parents[parent] = None;
                break;
            }
            at = parent;
        }
    }
    parents
}

/// The positions in their new order.
fn pre_order(parents: &[Option<usize>], names_parent: impl Fn(usize) -> bool) -> Vec<usize> {
    // Children of run `i` are `children[starts[i]..starts[i + 1]]`, in order of start time.
    let mut starts = vec![0; parents.len() + 1];
    for parent in parents.iter().flatten() {
        starts[parent + 1] += 1;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut free = starts.clone();
    let mut children = vec![0; parents.iter().flatten().count()];
    for (run, parent) in parents.iter().enumerate() {
        if let Some(parent) = parent {
            children[free[*parent]] = run;
            free[*parent] += 1;
        }
    }
    let mut stack: Vec<usize> = (0..parents.len()).filter(|run| parents[*run].is_none()).collect();
    // Orphans and cut circles after true roots; the stack is read from its end.
    stack.sort_by_key(|run| Reverse((names_parent(*run), *run)));
    let mut order = Vec::with_capacity(parents.len());
    while let Some(run) = stack.pop() {
        order.push(run);
        stack.extend(children[starts[run]..starts[run + 1]].iter().rev());
    }
    order
}

fn sizes_and_depths(parents: &[Option<usize>]) -> (Vec<usize>, Vec<usize>) {
    let mut sizes = vec![1; parents.len()];
    for row in (0..parents.len()).rev() {
        if let Some(parent) = parents[row] {
            sizes[parent] += sizes[row];
        }
    }
    let mut depths = vec![0; parents.len()];
    for row in 0..parents.len() {
        depths[row] = parents[row].map_or(0, |parent| depths[parent] + 1);
    }
    (sizes, depths)
}

/// Numbers the tries: neighbours of which one is a retry of the other.
fn attempts(
    parents: &[Option<usize>],
    is_double: impl Fn(usize) -> bool,
    is_retry: impl Fn(usize, usize) -> bool,
) -> Vec<u32> {
    let mut attempts = vec![0; parents.len()];
    // The last child of each row so far; siblings come in order of start time.
    let mut last_child: Vec<Option<usize>> = vec![None; parents.len()];
    let mut last_root = None;
    // What another instrumentation tells of the same calls lies between them.
    for row in (0..parents.len()).filter(|row| !is_double(*row)) {
        let last = match parents[row] {
            Some(parent) => last_child[parent].replace(row),
            None => last_root.replace(row),
        };
        if let Some(before) = last.filter(|before| is_retry(*before, row)) {
            attempts[before] = attempts[before].max(1);
            attempts[row] = attempts[before] + 1;
        }
    }
    attempts
}

/// Whether a run does the same as one that had failed before it began.
fn is_retry(before: &RunSummary, after: &RunSummary) -> bool {
    before.status == Status::Error
        && before.name == after.name
        && before.run_type == after.run_type
        && before.end_time.is_some_and(|end| end <= after.start_time)
        && match (&before.input_preview, &after.input_preview) {
            (Some(before), Some(after)) => before == after,
            _ => {
                before.model.as_deref().zip(after.model.as_deref()).is_none_or(|(before, after)| {
                    clearspan_model::rollup::doubles::is_same_model(before, after)
                })
            }
        }
}
