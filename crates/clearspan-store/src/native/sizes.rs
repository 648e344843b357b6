//! What the runs of each project take on disk.
//!
//! A row group is written for rows in order of their projects, so most belong to one project; the others are divided by
//! rows. Dead rows are not counted: their bytes go with the next compaction or purge.

use std::collections::BTreeMap;
use std::ops::Range;

use clearspan_model::ProjectId;

use super::segment::{GroupProjects, Segment};
use super::state::Snapshot;
use crate::Result;
use crate::store::{ProjectSize, Scope};

/// The projects of a snapshot, by id.
pub(super) fn project_sizes(snapshot: &Snapshot) -> Result<Vec<ProjectSize>> {
    let mut sizes: BTreeMap<ProjectId, (u64, f64)> = BTreeMap::new();
    for segment in snapshot.segments.iter() {
        let dead = snapshot.dead.get(&segment.number);
        for Share { project_id, rows, bytes } in shares(segment)? {
            let all = u64::from(rows.end - rows.start);
            let alive = all - dead.map_or(0, |dead| dead.range_cardinality(rows));
            let size = sizes.entry(project_id).or_default();
            size.0 += alive;
            size.1 += bytes * alive as f64 / all.max(1) as f64;
        }
    }
    let sizes = sizes.into_iter().map(|(project_id, (runs, bytes))| ProjectSize {
        project_id,
        runs,
        bytes: bytes.round() as u64,
    });
    Ok(sizes.collect())
}

/// What a run of a scope takes, about; zero when none is on disk.
pub(super) fn bytes_per_run(snapshot: &Snapshot, scope: &Scope) -> Result<f64> {
    let (mut runs, mut bytes) = (0, 0);
    for size in project_sizes(snapshot)? {
        if scope.project_ids.as_ref().is_none_or(|ids| ids.contains(&size.project_id)) {
            runs += size.runs;
            bytes += size.bytes;
        }
    }
    Ok(if runs == 0 { 0.0 } else { bytes as f64 / runs as f64 })
}

/// Rows of one project in one row group.
struct Share {
    project_id: ProjectId,
    rows: Range<u32>,
    bytes: f64,
}

fn shares(segment: &Segment) -> Result<Vec<Share>> {
    let mut shares = Vec::new();
    for GroupProjects { projects, bytes } in segment.projects_of_groups()? {
        let all: u32 = projects.iter().map(|(_, rows)| rows.end - rows.start).sum();
        shares.extend(projects.into_iter().map(|(project_id, rows)| Share {
            project_id,
            bytes: bytes as f64 * f64::from(rows.end - rows.start) / f64::from(all.max(1)),
            rows,
        }));
    }
    Ok(shares)
}
