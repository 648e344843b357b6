//! An outline in the making: what engines fill before its runs are in order.

use std::sync::Arc;

use clearspan_model::{ProjectId, RunId, TraceId};
use rustc_hash::FxHashMap;

use super::{Columns, Outline, Text, position};
use crate::summarize::UNNAMED;

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
    pub(crate) columns: Columns,
    /// Where each run was read.
    places: Vec<Place>,
    /// Which project the runs are in: so many, then so many of another.
    projects: Vec<(ProjectId, usize)>,
    pub(crate) texts: Texts,
    pub(crate) tag_lists: TagLists,
}

impl Draft {
    /// Makes room for some more runs.
    pub(crate) fn reserve(&mut self, count: usize) {
        self.columns.expected = self.columns.len + count;
        self.places.reserve(count);
    }

    /// Says which project the next run is in, and where it was read. Its columns must follow.
    pub(crate) fn add_home(&mut self, project_id: ProjectId, place: Place) {
        self.places.push(place);
        match self.projects.last_mut() {
            Some((last, count)) if *last == project_id => *count += 1,
            _ => self.projects.push((project_id, 1)),
        }
    }

    /// The runs in order, and where each was read. Nothing is judged yet.
    pub(crate) fn finish(self, trace_id: TraceId) -> Option<(Outline, Vec<Place>)> {
        let Self { mut columns, mut places, projects, texts, tag_lists } = self;
        let project_id = most_frequent(&projects)?;
        let key = |row: usize| (columns.start_time.get(row), columns.run_id.get(row));
        // Each file has them in this order.
        let is_in_order = (1..columns.len).all(|row| key(row - 1) <= key(row));
        if !is_in_order || projects.iter().any(|(id, _)| *id != project_id) {
            let mut order = rows_of(project_id, &projects);
            order.sort_unstable_by_key(|row| key(*row as usize));
            columns.reorder(&order);
            places = order.iter().map(|row| places[*row as usize]).collect();
        }
        find_parents(&mut columns);
        Some((Outline { project_id, trace_id, columns, texts, tag_lists }, places))
    }
}

/// Sets the positions of the runs above. Siblings are many and often neighbours, so those that are named are few: to look
/// for these takes less room than a map of all runs.
fn find_parents(columns: &mut Columns) {
    let mut positions: FxHashMap<RunId, Option<u32>> = FxHashMap::default();
    let mut last = None;
    for named in columns.parent_run_id.set_rows().iter().copied().filter(Option::is_some) {
        if named != last {
            positions.extend(named.map(|id| (id, None)));
            last = named;
        }
    }
    let run_ids = columns.run_id.set_rows().iter().zip(0..);
    run_ids.for_each(|(run_id, row)| {
        if let Some(position) = positions.get_mut(run_id) {
            *position = Some(row);
        }
    });
    let parents = columns.parent.last_rows(0..columns.len, columns.len);
    let (mut last, mut position) = (None, None);
    for (parent, named) in parents.iter_mut().zip(columns.parent_run_id.set_rows()) {
        if *named != last {
            last = *named;
            position = named.and_then(|id| positions[&id]);
        }
        *parent = position;
    }
}

fn most_frequent(projects: &[(ProjectId, usize)]) -> Option<ProjectId> {
    let mut counts: Vec<(ProjectId, usize)> = Vec::new();
    for (id, more) in projects {
        match counts.iter_mut().find(|(known, _)| known == id) {
            Some((_, count)) => *count += more,
            None => counts.push((*id, *more)),
        }
    }
    counts.into_iter().max_by_key(|(id, count)| (*count, *id)).map(|(id, _)| id)
}

/// The rows of a project.
fn rows_of(project_id: ProjectId, projects: &[(ProjectId, usize)]) -> Vec<u32> {
    let mut rows = Vec::new();
    let mut next = 0;
    for (id, count) in projects {
        let end = next + position(*count);
        if *id == project_id {
            rows.extend(next..end);
        }
        next = end;
    }
    rows
}

/// Gives each distinct text a number. The first is the name of runs without one.
#[derive(Debug)]
pub(crate) struct Texts {
    all: Vec<Arc<str>>,
    known: FxHashMap<Arc<str>, Text>,
}

impl Default for Texts {
    fn default() -> Self {
        let mut texts = Self { all: Vec::new(), known: FxHashMap::default() };
        let first = texts.add(UNNAMED);
        debug_assert_eq!(first, Text::UNNAMED);
        texts
    }
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
