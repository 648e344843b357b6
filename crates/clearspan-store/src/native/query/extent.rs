//! Traces as deletion sees them: whose they are, how many runs they have, and when the server last heard of them.

use clearspan_model::{ErrorKind, ProjectId, TraceId, UnixNanos};
use datafusion::functions_aggregate::expr_fn::{count, max};
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::DataFrame;

use super::{Answer, Engine, collect, column, id, planning, trace_id_of, traces};
use crate::Result;
use crate::error::Context;
use crate::native::state::Snapshot;
use crate::schema::Col;
use crate::store::{Scope, Selection, TimeRange};

const RUNS: &str = "runs_of_trace";
const HEARD: &str = "last_received";

/// A trace that may be deleted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TraceExtent {
    pub(crate) project_id: ProjectId,
    pub(crate) trace_id: TraceId,
    pub(crate) runs: u64,
    pub(crate) last_received: UnixNanos,
}

fn aggregates() -> Vec<Expr> {
    vec![count(lit(1)).alias(RUNS), max(column(Col::received_at)).alias(HEARD)]
}

pub(super) async fn of_selection(
    engine: &Engine,
    snapshot: &Snapshot,
    selection: &Selection,
) -> Result<Vec<TraceExtent>> {
    read(traces::traces(engine, snapshot, selection, aggregates()).await?).await
}

pub(super) async fn of_scope(
    engine: &Engine,
    snapshot: &Snapshot,
    scope: &Scope,
    trace_ids: Option<&[TraceId]>,
) -> Result<Vec<TraceExtent>> {
    let mut frame = engine.table(snapshot, scope, TimeRange::default())?;
    if let Some(trace_ids) = trace_ids {
        let ids = trace_ids.iter().map(|trace_id| id(trace_id.as_bytes())).collect();
        frame =
            frame.filter(column(Col::trace_id).in_list(ids, false)).context(ErrorKind::Internal, planning)?;
    }
    let by_trace = vec![column(Col::project_id), column(Col::trace_id)];
    read(frame.aggregate(by_trace, aggregates()).context(ErrorKind::Internal, planning)?).await
}

async fn read(frame: DataFrame) -> Result<Vec<TraceExtent>> {
    let columns = [Col::project_id.name(), Col::trace_id.name(), RUNS, HEARD];
    let frame = frame.select_columns(&columns).context(ErrorKind::Internal, planning)?;
    let mut extents = Vec::new();
    for batch in collect(frame).await? {
        let answer = Answer::new(&batch);
        for row in 0..batch.num_rows() {
            extents.push(TraceExtent {
                project_id: ProjectId::from_bytes(answer.id(Col::project_id.name(), row)?),
                trace_id: trace_id_of(&answer, row)?,
                runs: answer.count(RUNS, row),
                last_received: UnixNanos::from_nanos(answer.int(HEARD, row).unwrap_or_default()),
            });
        }
    }
    Ok(extents)
}
