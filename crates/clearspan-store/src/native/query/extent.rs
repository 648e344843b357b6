//! Traces as deletion sees them: whose they are, how many runs they have, and when the server last heard of them.

use arrow::datatypes::DataType;
use clearspan_model::{ErrorKind, ProjectId, TraceId, UnixNanos, Version};
use datafusion::functions_aggregate::expr_fn::{count, max, min};
use datafusion::logical_expr::{Expr, bitwise_and, cast, lit, when};
use datafusion::prelude::DataFrame;

use super::{Answer, Engine, collect, column, id, planning, trace_id_of, traces};
use crate::Result;
use crate::error::Context;
use crate::native::state::Snapshot;
use crate::schema::Col;
use crate::store::{Scope, Selection, TimeRange};

const RUNS: &str = "runs_of_trace";
const RECEIVED: &str = "last_received";
const SAID: &str = "last_said";
const BEGAN: &str = "first_began";

/// A trace that may be deleted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TraceExtent {
    pub(crate) project_id: ProjectId,
    pub(crate) trace_id: TraceId,
    pub(crate) runs: u64,
    pub(crate) last_heard: UnixNanos,
    /// When its first run began, of those that were looked at.
    pub(crate) began: UnixNanos,
}

/// The server last heard of a run when it was said what is newest in it. What a client's clock places behind `now` counts as of
/// the time at which the run arrived first.
fn aggregates(now: UnixNanos) -> Result<Vec<Expr>> {
    let micros = bitwise_and(column(Col::version), lit(Version::MICROS));
    let is_past = micros.clone().lt_eq(lit(u64::try_from(now.as_micros()).unwrap_or(0)));
    let said = when(is_past, cast(micros, DataType::Int64) * lit(1_000_i64)).end();
    let said = max(said.context(ErrorKind::Internal, planning)?);
    Ok(vec![
        count(lit(1)).alias(RUNS),
        max(column(Col::received_at)).alias(RECEIVED),
        said.alias(SAID),
        min(column(Col::time)).alias(BEGAN),
    ])
}

pub(super) async fn of_selection(
    engine: &Engine,
    snapshot: &Snapshot,
    selection: &Selection,
    now: UnixNanos,
) -> Result<Vec<TraceExtent>> {
    read(traces::traces(engine, snapshot, selection, aggregates(now)?).await?).await
}

pub(super) async fn of_scope(
    engine: &Engine,
    snapshot: &Snapshot,
    scope: &Scope,
    trace_ids: Option<&[TraceId]>,
    now: UnixNanos,
) -> Result<Vec<TraceExtent>> {
    let mut frame = engine.table(snapshot, scope, TimeRange::default())?;
    if let Some(trace_ids) = trace_ids {
        let ids = trace_ids.iter().map(|trace_id| id(trace_id.as_bytes())).collect();
        frame =
            frame.filter(column(Col::trace_id).in_list(ids, false)).context(ErrorKind::Internal, planning)?;
    }
    let by_trace = vec![column(Col::project_id), column(Col::trace_id)];
    read(frame.aggregate(by_trace, aggregates(now)?).context(ErrorKind::Internal, planning)?).await
}

async fn read(frame: DataFrame) -> Result<Vec<TraceExtent>> {
    let columns = [Col::project_id.name(), Col::trace_id.name(), RUNS, RECEIVED, SAID, BEGAN];
    let frame = frame.select_columns(&columns).context(ErrorKind::Internal, planning)?;
    let mut extents = Vec::new();
    for batch in collect(frame).await? {
        let answer = Answer::new(&batch);
        for row in 0..batch.num_rows() {
            let heard = answer.int(RECEIVED, row).max(answer.int(SAID, row));
            extents.push(TraceExtent {
                project_id: ProjectId::from_bytes(answer.id(Col::project_id.name(), row)?),
                trace_id: trace_id_of(&answer, row)?,
                runs: answer.count(RUNS, row),
                last_heard: UnixNanos::from_nanos(heard.unwrap_or_default()),
                began: UnixNanos::from_nanos(answer.int(BEGAN, row).unwrap_or_default()),
            });
        }
    }
    Ok(extents)
}
