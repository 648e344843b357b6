//! Point reads: runs by id, and the runs of one trace, straight from the hot tier and the row groups that can hold
//! them.

use std::sync::Arc;

use clearspan_model::{
    ProjectId, Rank, Run, RunEvent, RunId, RunKey, SpanId, TraceId, UnixNanos, WorkspaceId,
};

use rustc_hash::FxHashSet;

use super::segment::{Segment, Wanted};
use super::state::Snapshot;
use crate::schema::decode::Rows;
use crate::schema::{Col, list_columns, skeleton_columns};
use crate::store::{RunMark, RunOfSpan, RunSummary, Scope};
use crate::{Result, summarize};

impl Scope {
    pub(crate) fn holds(&self, workspace_id: WorkspaceId, project_id: ProjectId) -> bool {
        self.workspace_id == workspace_id
            && self.project_ids.as_ref().is_none_or(|ids| ids.contains(&project_id))
    }
}

/// The whole runs with these ids.
pub(super) fn runs(
    snapshot: &Snapshot,
    scope: &Scope,
    trace_ids: &[TraceId],
    run_ids: &[RunId],
) -> Result<Vec<Run>> {
    let wanted = match trace_ids {
        [] => Wanted::Runs(run_ids),
        _ => Wanted::RunsOf(trace_ids, run_ids),
    };
    collect(snapshot, scope, wanted, &[], |rows, row| rows.run(row))
}

/// What kind of run it is.
pub(super) fn mark(
    snapshot: &Snapshot,
    scope: &Scope,
    trace_id: TraceId,
    run_id: RunId,
) -> Result<Option<RunMark>> {
    let columns = vec![Col::project_id, Col::trace_id, Col::run_id, Col::run_type, Col::is_transport];
    let wanted = Wanted::RunsOf(&[trace_id], &[run_id]);
    let marks = collect(snapshot, scope, wanted, &with_tenant(columns), |rows, row| {
        Ok(RunMark {
            project_id: rows.tenant(row)?.1,
            run_type: rows.run_type(row),
            is_transport: rows.is_transport(row),
        })
    })?;
    Ok(marks.into_iter().max_by_key(|mark| mark.project_id))
}

/// Where the runs of some spans of a trace are.
pub(super) fn runs_of_spans(
    snapshot: &Snapshot,
    scope: &Scope,
    trace_id: TraceId,
    span_ids: &[SpanId],
    since: UnixNanos,
) -> Result<Vec<RunOfSpan>> {
    let recent = snapshot.segments.iter().filter(|segment| segment.max_time >= since.as_nanos());
    let snapshot = Snapshot { segments: Arc::new(recent.cloned().collect()), ..snapshot.clone() };
    let columns = vec![Col::project_id, Col::trace_id, Col::run_id, Col::span_id, Col::version, Col::time];
    let wanted = Wanted::Traces(&[trace_id]);
    let found = collect(&snapshot, scope, wanted, &with_tenant(columns), |rows, row| {
        let is_recent = rows.time(Col::time, row).is_some_and(|time| time >= since);
        match rows.span_id(row).filter(|span| is_recent && span_ids.contains(span)) {
            Some(span_id) => {
                let has_span = rows.version(row).is_at_least(Rank::Span);
                Ok(Some(RunOfSpan { span_id, key: rows.key(row)?, has_span }))
            }
            None => Ok(None),
        }
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// What lists show of inputs and outputs: most of what there is to decompress of a skeleton.
const PREVIEWS: [Col; 2] = [Col::input_preview, Col::output_preview];

/// The runs of a trace without payload, by start time.
pub(super) fn skeleton(snapshot: &Snapshot, scope: &Scope, trace_id: TraceId) -> Result<Vec<RunSummary>> {
    bare(snapshot, scope, &[trace_id], &skeleton_columns())
}

/// The runs of some traces without payload and previews, trace by trace and by start time.
pub(super) fn skeletons(
    snapshot: &Snapshot,
    scope: &Scope,
    trace_ids: &[TraceId],
) -> Result<Vec<RunSummary>> {
    let columns: Vec<Col> = skeleton_columns().into_iter().filter(|col| !PREVIEWS.contains(col)).collect();
    let mut runs = bare(snapshot, scope, trace_ids, &columns)?;
    for run in &mut runs {
        (run.input_preview, run.output_preview) = (None, None);
    }
    Ok(runs)
}

/// The runs of some traces from some columns, without metadata, trace by trace and by start time.
fn bare(
    snapshot: &Snapshot,
    scope: &Scope,
    trace_ids: &[TraceId],
    columns: &[Col],
) -> Result<Vec<RunSummary>> {
    let mut runs =
        collect(snapshot, scope, Wanted::Traces(trace_ids), columns, |rows, row| rows.summary(row))?;
    for run in &mut runs {
        // Segments were not asked for it; the hot tier has it at hand.
        run.metadata.clear();
    }
    runs.sort_by_key(|run| (run.trace_id, run.start_time, run.run_id, run.project_id));
    summarize::mark_billed(&mut runs);
    Ok(runs)
}

/// The runs of some traces as lists show them, in no order.
pub(super) fn traces(snapshot: &Snapshot, scope: &Scope, trace_ids: &[TraceId]) -> Result<Vec<RunSummary>> {
    collect(snapshot, scope, Wanted::Traces(trace_ids), &list_columns(), |rows, row| rows.summary(row))
}

/// Some runs as lists show them, in no order.
pub(super) fn run_summaries(
    snapshot: &Snapshot,
    scope: &Scope,
    trace_ids: &[TraceId],
    run_ids: &[RunId],
) -> Result<Vec<RunSummary>> {
    let wanted = Wanted::RunsOf(trace_ids, run_ids);
    collect(snapshot, scope, wanted, &list_columns(), |rows, row| rows.summary(row))
}

/// The scope is checked on the row, so its columns are read too.
fn with_tenant(mut columns: Vec<Col>) -> Vec<Col> {
    columns.push(Col::workspace_id);
    columns
}

/// The runs of a trace, whole, by start time.
pub(super) fn trace(snapshot: &Snapshot, scope: &Scope, trace_id: TraceId) -> Result<Vec<Run>> {
    let mut runs = collect(snapshot, scope, Wanted::Traces(&[trace_id]), &[], |rows, row| rows.run(row))?;
    runs.sort_by_key(|run| (run.start_time.unwrap_or(run.received_at), run.key.run_id, run.key.project_id));
    Ok(runs)
}

/// The events of each run of a trace that has any, by start time of the runs.
pub(super) fn events(
    snapshot: &Snapshot,
    scope: &Scope,
    trace_id: TraceId,
) -> Result<Vec<(RunKey, Vec<RunEvent>)>> {
    let columns = vec![Col::project_id, Col::trace_id, Col::run_id, Col::time, Col::events];
    let mut found =
        collect(snapshot, scope, Wanted::Traces(&[trace_id]), &with_tenant(columns), |rows, row| {
            Ok((rows.time(Col::time, row), rows.key(row)?, rows.events(row)?))
        })?;
    found.retain(|(_, _, events)| !events.is_empty());
    found.sort_by_key(|(time, key, _)| (*time, key.run_id, key.project_id));
    Ok(found.into_iter().map(|(_, key, events)| (key, events)).collect())
}

fn collect<T>(
    snapshot: &Snapshot,
    scope: &Scope,
    wanted: Wanted<'_>,
    columns: &[Col],
    make: impl Fn(&Rows<'_>, usize) -> Result<T>,
) -> Result<Vec<T>> {
    let mut found = Vec::new();
    let ids = WantedIds::new(wanted);
    let mut take = |rows: &Rows<'_>, row: usize| -> Result<()> {
        if !ids.hold(rows, row) {
            return Ok(());
        }
        let (workspace_id, project_id) = rows.tenant(row)?;
        if scope.holds(workspace_id, project_id) {
            found.push(make(rows, row)?);
        }
        Ok(())
    };
    let readers: Vec<Rows<'_>> = snapshot.hot.iter().map(|hot| Rows::new(&hot.batch)).collect();
    for place in snapshot.hot_places() {
        take(&readers[place.batch as usize], place.row as usize)?;
    }
    for segment in snapshot.segments.iter() {
        let dead = snapshot.dead.get(&segment.number).map(Arc::as_ref);
        for batch in Segment::read(segment, wanted, dead, columns)? {
            let rows = Rows::new(&batch);
            for row in 0..batch.num_rows() {
                take(&rows, row)?;
            }
        }
    }
    Ok(found)
}

/// The ids that a row must have. Segments give more rows than are wanted, and the hot tier all that it has.
struct WantedIds {
    traces: Option<FxHashSet<[u8; 16]>>,
    runs: Option<FxHashSet<[u8; 16]>>,
}

impl WantedIds {
    fn new(wanted: Wanted<'_>) -> Self {
        let of_traces = |ids: &[TraceId]| Some(ids.iter().map(|id| *id.as_bytes()).collect());
        let of_runs = |ids: &[RunId]| Some(ids.iter().map(|id| *id.as_bytes()).collect());
        match wanted {
            Wanted::Traces(traces) => Self { traces: of_traces(traces), runs: None },
            Wanted::RunsOf(traces, runs) => Self { traces: of_traces(traces), runs: of_runs(runs) },
            Wanted::Runs(runs) => Self { traces: None, runs: of_runs(runs) },
        }
    }

    fn hold(&self, rows: &Rows<'_>, row: usize) -> bool {
        let is_one = |ids: &Option<FxHashSet<[u8; 16]>>, col: Col| {
            ids.as_ref().is_none_or(|ids| rows.id16(col, row).is_some_and(|id| ids.contains(&id)))
        };
        is_one(&self.traces, Col::trace_id) && is_one(&self.runs, Col::run_id)
    }
}
