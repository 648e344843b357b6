//! An outline in the making: what engines fill before its runs are in order.

use std::sync::Arc;

use clearspan_model::{ProjectId, TraceId};
use rustc_hash::FxHashMap;

use super::{Outline, OutlineRun, Text, position};

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
    pub(crate) runs: Vec<OutlineRun>,
    /// Of each run; apart from the runs, so that these need not be copied any more.
    pub(crate) homes: Vec<Home>,
    pub(crate) texts: Texts,
    pub(crate) tag_lists: TagLists,
}

/// Which project a run is in, and where it was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Home {
    pub(crate) project_id: ProjectId,
    pub(crate) place: Place,
}

impl Draft {
    /// Makes room for some more runs.
    pub(crate) fn reserve(&mut self, count: usize) {
        self.runs.reserve(count);
        self.homes.reserve(count);
    }

    /// The runs in order, and where each was read. Nothing is judged yet.
    pub(crate) fn finish(self, trace_id: TraceId) -> Option<(Outline, Vec<Place>)> {
        let Self { mut runs, mut homes, texts, tag_lists } = self;
        let project_id = most_frequent(homes.iter().map(|home| home.project_id))?;
        let key = |run: &OutlineRun| (run.start_time, run.run_id);
        let is_of_it = |home: &Home| home.project_id == project_id;
        if !homes.iter().all(is_of_it) {
            let mut kept = homes.iter().map(is_of_it);
            runs.retain(|_| kept.next().unwrap_or_default());
            homes.retain(is_of_it);
        }
        // Each file has them in this order.
        if !runs.is_sorted_by_key(key) {
            let mut order: Vec<usize> = (0..runs.len()).collect();
            order.sort_unstable_by_key(|idx| key(&runs[*idx]));
            reorder(&mut runs, &order);
            reorder(&mut homes, &order);
        }
        let places = homes.into_iter().map(|home| home.place).collect();
        let mut outline = Outline { project_id, trace_id, runs, texts, tag_lists };
        let positions = outline.positions();
        for run in &mut outline.runs {
            run.parent = run.parent_run_id.and_then(|id| positions.get(&id).copied());
        }
        Some((outline, places))
    }
}

/// Puts the items in an order, which names each place once. In place, circle by circle: to map room for a second copy of
/// 100,000 runs takes longer than to fill it.
fn reorder<T: Copy>(items: &mut [T], order: &[usize]) {
    let mut is_done = vec![false; items.len()];
    for start in 0..items.len() {
        if is_done[start] {
            continue;
        }
        let (first, mut to) = (items[start], start);
        loop {
            is_done[to] = true;
            let from = order[to];
            if from == start {
                items[to] = first;
                break;
            }
            items[to] = items[from];
            to = from;
        }
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
        let new = Text::at(self.all.len());
        let text: Arc<str> = text.into();
        self.all.push(Arc::clone(&text));
        self.known.insert(text, new);
        new
    }

    pub(super) fn get(&self, text: Text) -> &str {
        &self.all[text.position()]
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
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

    pub(super) fn get(&self, list: u32) -> &[Text] {
        &self.all[list as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::reorder;
    use crate::testing::random::Dice;

    #[test]
    fn items_come_into_any_order() {
        let mut dice = Dice(7);
        for count in [0, 1, 2, 3, 10, 100] {
            let items: Vec<u64> = (0..count).map(|_| dice.below(count / 2 + 1)).collect();
            let mut order: Vec<usize> = (0..items.len()).collect();
            order.sort_by_key(|idx| items[*idx]);
            let mut reordered = items.clone();
            reorder(&mut reordered, &order);
            let expected: Vec<u64> = order.iter().map(|idx| items[*idx]).collect();
            assert!(expected.is_sorted());
            assert_eq!(reordered, expected);
        }
    }
}
