//! Whose the rows of a segment are: those that tombstones cover, and those of each project.

use std::ops::Range;

use clearspan_model::{ProjectId, TraceId, WorkspaceId};
use roaring::RoaringBitmap;

use super::{Group, Segment, may_hold};
use crate::Result;
use crate::schema::Col;
use crate::schema::decode::Rows;
use crate::tombstones::Tombstones;

/// For more traces than this the bloom filters are not asked: some of them are in nearly every row group.
const MAX_BLOOM_CHECKS: usize = 64;

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
        let mut traces: Vec<TraceId> = tombstones.trace_ids().collect();
        traces.sort_unstable();
        let mut covered = RoaringBitmap::new();
        for (idx, group) in self.footer()?.groups.iter().enumerate() {
            if !group.may_hold_project(&projects)
                || !tombstones.has_projects() && !self.may_hold_any(idx, group, &traces)?
            {
                continue;
            }
            let columns = [Col::workspace_id, Col::project_id, Col::trace_id];
            let mut row = group.rows.start;
            for batch in self.reader(&[idx], &columns, None, None)? {
                let rows = Rows::new(&batch);
                for at in 0..batch.num_rows() {
                    let workspace_id = WorkspaceId::from_bytes(rows.need_id(Col::workspace_id, at)?);
                    let project_id = ProjectId::from_bytes(rows.need_id(Col::project_id, at)?);
                    let trace_id = TraceId::from_bytes(rows.need_id(Col::trace_id, at)?);
                    if tombstones.covers_run(workspace_id, project_id, trace_id) {
                        covered.insert(row);
                    }
                    row += 1;
                }
            }
        }
        Ok(covered)
    }

    /// The row groups, in order, with the projects in each.
    pub(crate) fn projects_of_groups(&self) -> Result<Vec<GroupProjects>> {
        let footer = self.footer()?;
        let mut groups = Vec::with_capacity(footer.groups.len());
        for (idx, group) in footer.groups.iter().enumerate() {
            let bytes = u64::try_from(footer.reader.metadata().row_group(idx).compressed_size()).unwrap_or(0);
            let only = group.projects.as_ref().filter(|(min, max)| min == max);
            if let Some(id) = only.and_then(|(min, _)| <[u8; 16]>::try_from(min.as_slice()).ok()) {
                let projects = vec![(ProjectId::from_bytes(id), group.rows.clone())];
                groups.push(GroupProjects { projects, bytes });
                continue;
            }
            let mut projects: Vec<(ProjectId, Range<u32>)> = Vec::new();
            let mut row = group.rows.start;
            for batch in self.reader(&[idx], &[Col::project_id], None, None)? {
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

    fn may_hold_any(&self, idx: usize, group: &Group, traces: &[TraceId]) -> Result<bool> {
        let traces = group.traces_inside(traces);
        if traces.len() > MAX_BLOOM_CHECKS {
            return Ok(true);
        }
        let Some(blooms) = self.blooms()?.get(idx) else { return Ok(!traces.is_empty()) };
        Ok(traces.iter().any(|trace_id| may_hold(blooms.traces.as_ref(), trace_id.as_bytes())))
    }
}

impl Group {
    fn may_hold_project(&self, projects: &[ProjectId]) -> bool {
        let Some((min, max)) = &self.projects else { return true };
        let from = projects.partition_point(|id| id.as_bytes().as_slice() < min.as_slice());
        projects.get(from).is_some_and(|id| id.as_bytes().as_slice() <= max.as_slice())
    }

    /// Those of the sorted traces that the bounds of the group leave possible.
    fn traces_inside<'t>(&self, traces: &'t [TraceId]) -> &'t [TraceId] {
        let Some((min, max)) = &self.traces else { return traces };
        let from = traces.partition_point(|id| id.as_bytes().as_slice() < min.as_slice());
        let to = traces.partition_point(|id| id.as_bytes().as_slice() <= max.as_slice());
        &traces[from..to.max(from)]
    }
}
