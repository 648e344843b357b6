//! The second version of the protocol, `/api/v2`, which generated clients speak: enumerations in capitals, only those
//! properties that are selected, cursors, and answers as a stream of JSON patches for who accepts one.

mod answer;
pub(super) mod datasets;
pub(super) mod experiment_runs;
mod run_json;
pub(super) mod runs;
pub(super) mod sessions;
pub(super) mod sharing;
mod sorted;
pub(super) mod threads;
pub(super) mod traces;
mod turns;

use clearspan_catalog::{Share, Shared};
use clearspan_model::{ProjectId, RunId, TraceId, UnixNanos};
use clearspan_store::TimeRange;
use std::sync::Arc;

use super::asked::Asked;
use super::body::parse_time;
use crate::api::error::Result;
use crate::context::Context;

pub(super) use turns::{Thread, ThreadPage, page_of_threads};

/// How far back lists go when nobody says.
const DEFAULT_SPAN: i64 = 86_400_000_000_000;

/// The stretch of time that is asked for, both ends inside; the last day where only the end is open.
fn range(
    min: (&str, Option<&str>),
    max: (&str, Option<&str>),
    default_from: Option<UnixNanos>,
) -> Result<TimeRange> {
    let to = parse_time(max.0, max.1)?;
    Ok(TimeRange {
        from: parse_time(min.0, min.1)?.or(default_from),
        to: to.map(|to| UnixNanos::from_nanos(to.as_nanos().saturating_add(1))),
    })
}

fn a_day_ago(ctx: &Context) -> UnixNanos {
    UnixNanos::from_nanos(ctx.clock.now().as_nanos().saturating_sub(DEFAULT_SPAN))
}

/// Filters that are there, with their names for complaints.
fn filters<const N: usize>(named: [(&'static str, Option<String>); N]) -> Vec<(&'static str, String)> {
    named.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
}

/// The traces that a share makes readable, and the run in each that is the top of it; none for the trace's root.
pub(super) async fn shared_traces(
    ctx: &Arc<Context>,
    share: &Share,
) -> Result<Vec<(ProjectId, TraceId, Option<RunId>)>> {
    match &share.subject {
        Shared::Run { project_id, trace_id, run_id } => Ok(vec![(*project_id, *trace_id, Some(*run_id))]),
        Shared::Thread { project_id, thread_id } => {
            let asked = Asked { project_ids: Some(vec![*project_id]), ..turns::of_thread(thread_id) };
            let turns = turns::load(ctx, share.workspace_id, asked).await?;
            Ok(turns.iter().map(|turn| (turn.root.project_id, turn.root.trace_id, None)).collect())
        }
    }
}
