//! Comparing stored data with its checksums: how it stands, and starting it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_model::UnixNanos;
use clearspan_store::{CheckReport, Problem};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::ChangeBody;
use super::openapi::Errors;
use crate::auth::Caller;
use crate::context::Context;
use crate::upkeep::Scrubbed;

/// How comparing stored data with its checksums stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScrubAnswer {
    running: bool,
    /// When the one that runs began.
    running_since: Option<i64>,
    /// The last since the start.
    last: Option<ScrubRow>,
}

/// One that has ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScrubRow {
    started_at: i64,
    ended_at: i64,
    /// Why it failed.
    error: Option<String>,
    /// What it found.
    found: Option<ScrubFound>,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScrubFound {
    /// Files of runs, log records and metric points.
    files: usize,
    /// Search indexes. One that is damaged is built again, which is no more than a note.
    indexes: usize,
    /// Attachments of runs and examples.
    attachments: usize,
    /// Bytes of files and attachments that were compared.
    bytes: u64,
    /// Files of the write-ahead log.
    log_files: usize,
    /// Files that an older version wrote without checksums.
    without_checksums: usize,
    /// What somebody should know and need not act on.
    notes: Vec<String>,
    /// What is not sound.
    problems: Vec<ScrubProblem>,
}

/// Something that is not sound.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScrubProblem {
    /// The file, within the data folder.
    file: String,
    what: String,
    /// Which data cannot be read because of it.
    affected: String,
    /// When the first of the runs or records began that are affected.
    from: Option<i64>,
    /// When the last did.
    to: Option<i64>,
    /// What to do about it.
    advice: &'static str,
}

impl From<Problem> for ScrubProblem {
    fn from(problem: Problem) -> Self {
        let Problem { file, what, affected, times, advice } = problem;
        let (from, to) = times.unzip();
        let micros = |time: Option<UnixNanos>| time.map(UnixNanos::as_micros);
        Self { file, what, affected, from: micros(from), to: micros(to), advice }
    }
}

impl From<Scrubbed> for ScrubFound {
    fn from(Scrubbed { report, attachments }: Scrubbed) -> Self {
        let CheckReport { segments, indexes, bytes, log_files, without_checksums, notes, problems, .. } =
            report;
        let problems = problems.into_iter().map(ScrubProblem::from).collect();
        let files = segments;
        Self { files, indexes, attachments, bytes, log_files, without_checksums, notes, problems }
    }
}

fn answer(ctx: &Context) -> ScrubAnswer {
    let state = ctx.upkeep.scrub_state();
    let last = state.last.map(|record| {
        let (found, error) = match record.outcome {
            Ok(report) => (Some(report.into()), None),
            Err(error) => (None, Some(error)),
        };
        let (started_at, ended_at) = (record.started_at.as_micros(), record.ended_at.as_micros());
        ScrubRow { started_at, ended_at, error, found }
    });
    let running_since = state.running_since.map(UnixNanos::as_micros);
    ScrubAnswer { running: running_since.is_some(), running_since, last }
}

/// How comparing stored data with its checksums stands
#[utoipa::path(get, operation_id = "get_scrub", path = "/scrub", tag = "server", responses((status = 200, body = ScrubAnswer), Errors))]
pub(crate) async fn get(State(ctx): State<Arc<Context>>, _caller: Caller) -> Json<ScrubAnswer> {
    Json(answer(&ctx))
}

/// Compare everything that is stored with its checksums, now
///
/// It happens by itself every week. One runs at a time; `GET /scrub` says when it has ended. Data in an object store is read from
/// there, and does not happen by itself.
#[utoipa::path(post, operation_id = "start_scrub", path = "/scrub", tag = "server", responses((status = 202, body = ScrubAnswer), Errors))]
pub(crate) async fn start(
    State(ctx): State<Arc<Context>>,
    _caller: Caller,
    ChangeBody(ScrubBody {}): ChangeBody<ScrubBody>,
) -> (StatusCode, Json<ScrubAnswer>) {
    ctx.upkeep.start_scrub();
    (StatusCode::ACCEPTED, Json(answer(&ctx)))
}

/// Nothing can be chosen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScrubBody {}
