//! Whose the rows of a segment are: those that tombstones cover, and those of each project.

use std::ops::Range;

use clearspan_model::{ProjectId, TraceId, WorkspaceId};
use roaring::RoaringBitmap;

use super::Segment;
use crate::Result;
use crate::schema::Col;
use crate::schema::decode::Rows;
use crate::tombstones::Tombstones;

/// A row group: which rows belong to which project, and its bytes.
#[derive(Debug)]
pub(crate) struct GroupProjects {
    pub(crate) projects: Vec<(ProjectId, Range<u32>)>,
    pub(crate) bytes: u64,
}

impl Segment {
    /// The rows that are covered, dead or not.
    pub(crate) fn covered_rows(&self, tombstones: &Tombstones) -> Result<RoaringBitmap> {
        let projects = tombstones.project_ids();
        // Where a whole project is covered, every row of it is looked at.
        let rows = if tombstones.has_projects() {
            let footer = self.footer()?;
            let groups = footer.groups().iter().filter(|group| group.may_hold_project(&projects));
            groups.map(|group| group.rows.clone()).collect()
        } else {
            self.stretches_of(&tombstones.trace_ids().collect::<Vec<_>>())?
        };
        let mut covered = RoaringBitmap::new();
        self.find_covered(&rows, tombstones, |row| {
            covered.insert(row);
        })?;
        Ok(covered)
    }

    /// How many of some rows are covered.
    pub(crate) fn count_covered(&self, among: &RoaringBitmap, tombstones: &Tombstones) -> Result<u64> {
        let mut ranges: Vec<Range<u32>> = Vec::new();
        for row in among {
            match ranges.last_mut() {
                Some(range) if range.end == row => range.end += 1,
                _ => ranges.push(row..row + 1),
            }
        }
        let mut count = 0;
        self.find_covered(&ranges, tombstones, |_| count += 1)?;
        Ok(count)
    }

    fn find_covered(
        &self,
        rows: &[Range<u32>],
        tombstones: &Tombstones,
        mut found: impl FnMut(u32),
    ) -> Result<()> {
        let columns = [Col::workspace_id, Col::project_id, Col::trace_id];
        self.look_at(rows, &columns, |batch, numbers| {
            let rows = Rows::new(batch);
            for (at, row) in numbers.iter().enumerate() {
                let workspace_id = WorkspaceId::from_bytes(rows.need_id(Col::workspace_id, at)?);
                let project_id = ProjectId::from_bytes(rows.need_id(Col::project_id, at)?);
                let trace_id = TraceId::from_bytes(rows.need_id(Col::trace_id, at)?);
                if tombstones.covers_run(workspace_id, project_id, trace_id) {
                    found(*row);
                }
            }
            Ok(())
        })
    }

    /// The row groups, in order, with the projects in each.
    pub(crate) fn projects_of_groups(&self) -> Result<Vec<GroupProjects>> {
        let footer = self.footer()?;
        let mut groups = Vec::with_capacity(footer.groups().len());
        for (idx, group) in footer.groups().iter().enumerate() {
            let bytes = group.stored_bytes;
            if let Some(id) = group.only_project() {
                let projects = vec![(id, group.rows.clone())];
                groups.push(GroupProjects { projects, bytes });
                continue;
            }
            let mut projects: Vec<(ProjectId, Range<u32>)> = Vec::new();
            let mut row = group.rows.start;
            for batch in self.read_group(idx, &[Col::project_id])? {
                let rows = Rows::new(&batch);
                for at in 0..batch.num_rows() {
                    let id = ProjectId::from_bytes(rows.need_id(Col::project_id, at)?);
                    match projects.last_mut().filter(|(last, _)| *last == id) {
                        Some((_, rows)) => rows.end = row + 1,
                        None => projects.push((id, row..row + 1)),
                    }
                    row += 1;
                }
            }
            groups.push(GroupProjects { projects, bytes });
        }
        Ok(groups)
    }
}
