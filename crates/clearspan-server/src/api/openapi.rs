//! The OpenAPI document, made from the types and handlers themselves. A copy is kept in `docs/openapi.json`.

use axum::Json;
use utoipa::OpenApi;

use super::error::{ErrorBody, ErrorCode, ErrorDetail, Position};
use super::{
    deletions, events, lists, logs, metrics, projects, remap, retention, rules, run, scrub, span_events,
    system, tables, threads, traces,
};

/// The errors that every endpoint may answer with.
#[derive(Debug, utoipa::IntoResponses)]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum Errors {
    /// A parameter, the filter or the body cannot be used.
    #[response(status = 400)]
    BadRequest(ErrorBody),
    /// A key is missing or not valid.
    #[response(status = 401)]
    Unauthorized(ErrorBody),
    /// No such project, trace or run.
    #[response(status = 404)]
    NotFound(ErrorBody),
    /// It exists already, or changed meanwhile.
    #[response(status = 409)]
    Conflict(ErrorBody),
    /// More was sent or asked for than is allowed.
    #[response(status = 413)]
    TooLarge(ErrorBody),
    /// A body that is not sent as JSON.
    #[response(status = 415)]
    UnsupportedMediaType(ErrorBody),
    /// A failure of the server.
    #[response(status = 500)]
    Internal(ErrorBody),
    /// Too busy now, or a part does not work now; ask again after `Retry-After`.
    #[response(status = 503)]
    Unavailable(ErrorBody),
    /// The answer took longer than 30 seconds to make.
    #[response(status = 504)]
    Timeout(ErrorBody),
}

#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "Clearspan",
        version = "1",
        description = "Reads traces of LLM applications, changes how they are mapped, and deletes them. Times are microseconds since the epoch, money is decimal text in dollars, \
            null is unknown. Where the server demands keys, send one as `x-api-key` or `Authorization: Bearer`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/api/clearspan/v1")),
    paths(
        system::info, system::diagnostics, system::demo, projects::list, projects::get, lists::traces, lists::histogram,
        lists::facets, lists::runs, lists::stats, threads::list, traces::skeleton, traces::verdict, traces::previews, traces::search, run::get,
        events::stream, rules::list, rules::create, rules::update, rules::delete, rules::order, rules::test,
        remap::start, remap::list, remap::get, logs::of_trace, logs::of_project, span_events::of_trace,
        metrics::list, metrics::series,
        deletions::trace, deletions::traces, deletions::project, deletions::purge, deletions::purge_state,
        retention::get, retention::put, scrub::get, scrub::start, tables::sql, tables::schema, tables::export,
    ),
    components(schemas(ErrorBody, ErrorDetail, ErrorCode, Position)),
    tags(
        (name = "projects", description = "Named containers of traces"),
        (name = "traces", description = "Trees of runs"),
        (name = "threads", description = "Conversations: traces that name one thread are its turns"),
        (name = "runs", description = "Units of work: model calls, tools, retrievals, steps"),
        (name = "logs", description = "OpenTelemetry log records"),
        (name = "metrics", description = "Metrics as clients report them, apart from the cost and tokens of runs"),
        (name = "rules", description = "Mapping rules: which attribute fills which field of a run"),
        (name = "sql", description = "Statements in SQL, and exports"),
        (name = "deletion", description = "Taking data away: at once for readers, later from the disk"),
        (name = "server", description = "The server itself"),
    ),
)]
pub(crate) struct Document;

/// `GET /openapi.json`.
pub(crate) async fn serve() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}

#[cfg(test)]
mod tests;
