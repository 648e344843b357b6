//! Finding what a request means: the home of a run, parameters that repeat.

use std::str::FromStr;
use std::sync::Arc;

use clearspan_model::{ProjectId, RunId, TraceId, WorkspaceId};

use crate::api::error::{ApiError, Result};
use crate::context::Context;
use crate::ingest::feedback;

pub(super) use super::input::{Pairs, is_true, unprocessable};

/// An id in a path or a parameter.
pub(super) fn parse_id<T: FromStr>(name: &str, text: &str) -> Result<T> {
    text.trim()
        .parse()
        .map_err(|_| ApiError::parameter(name, format_args!("is {text:?}, which is not a UUID")))
}

pub(super) fn parse_count(name: &str, text: &str) -> Result<usize> {
    // SDKs have sent `10.0`.
    let number = text.trim().trim_end_matches(".0");
    number.parse().map_err(|_| ApiError::parameter(name, format_args!("is {text:?}, which is no count")))
}

/// Where a run is. Of several with one id the newest is meant.
pub(super) async fn home_of_run(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    run_id: RunId,
) -> Result<(ProjectId, TraceId)> {
    let places = feedback::find_runs(&*ctx.store, workspace_id, &[run_id]).await?;
    let newest = places.get(&run_id).and_then(|places| places.first()).copied();
    newest.ok_or_else(|| ApiError::not_found("run", run_id))
}
