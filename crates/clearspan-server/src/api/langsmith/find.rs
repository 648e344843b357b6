//! Finding what a request means: the home of a run, parameters that repeat.

use std::str::FromStr;
use std::sync::Arc;

use clearspan_model::{ProjectId, RunId, TraceId, WorkspaceId};
use http::StatusCode;

use crate::api::error::{ApiError, ErrorCode, Result};
use crate::context::Context;
use crate::ingest::feedback;

/// The parameters as they come: some repeat, booleans are `True` or `true`.
pub(super) type Pairs = Vec<(String, String)>;

/// A body that can be read and makes no sense: LangSmith's clients do not send it again.
pub(super) fn unprocessable(problem: impl Into<String>) -> ApiError {
    let mut error = ApiError::new(ErrorCode::InvalidBody, problem);
    error.status = StatusCode::UNPROCESSABLE_ENTITY;
    error
}

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

pub(super) fn is_true(text: &str) -> bool {
    text.eq_ignore_ascii_case("true") || text == "1"
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
