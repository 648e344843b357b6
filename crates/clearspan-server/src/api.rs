//! The REST API of our own (`/api/clearspan/v1`) and what the SDKs of LangSmith call, apart from writing runs.
//!
//! Handlers read runs; they change what the catalog keeps (rules, retention, feedback, datasets, prompts), and delete. What
//! they answer with is declared in `types` and beside them. Every answer passes `respond`, which gives errors their body,
//! requests their id, and work its time limit.

mod catalog;
mod cursor;
mod deletions;
mod error;
mod events;
mod extract;
mod feedback;
mod format;
mod langsmith;
mod lists;
mod logs;
mod metrics;
mod openapi;
mod params;
mod projects;
mod readable;
mod remap;
mod respond;
mod retention;
mod rules;
mod run;
mod scrub;
mod search;
mod skeleton;
mod span_events;
mod system;
mod tables;
mod threads;
mod traces;
mod tree;
mod types;
mod unread;
mod verdict;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate as _, SizeAbove};

use crate::context::Context;
use error::{ApiError, ErrorCode, ErrorShape};
use unread::Unread;

/// Smaller answers are not compressed: they fit one packet either way.
const COMPRESS_ABOVE_BYTES: u64 = 1_024;

pub(crate) fn router(context: Arc<Context>) -> Router {
    let with_key = |routes: Router<Arc<Context>>| {
        routes.route_layer(from_fn_with_state(Arc::clone(&context), respond::require_key))
    };
    let unread = Unread::new(context.settings.memory_shares().answers);
    let wrap = |routes, shape| respond::wrap(routes, shape, unread.clone());
    let ours = with_key(our_routes(&unread))
        .route("/info", get(system::info))
        .route("/openapi.json", get(openapi::serve))
        .fallback(async || ApiError::new(ErrorCode::NotFound, "the API has no such path; see openapi.json"));
    let public = langsmith::public_routes()
        .route_layer(from_fn_with_state(Arc::clone(&context), respond::know_visitor));
    let langsmith = with_key(langsmith::routes(&unread)).merge(langsmith::open_routes()).merge(public);
    let langsmith = wrap(langsmith, ErrorShape::LangSmith);
    let langsmith_v2 = wrap(
        with_key(langsmith::v2_routes(&unread)).merge(langsmith::open_v2_routes(&unread)),
        ErrorShape::LangSmith,
    );
    let platform = wrap(with_key(langsmith::platform_routes()), ErrorShape::LangSmith);
    let compressed = CompressionLayer::new()
        .compress_when(SizeAbove::new(COMPRESS_ABOVE_BYTES).and(NotForContentType::SSE));
    Router::new()
        .nest("/api/clearspan/v1", wrap(ours, ErrorShape::Clearspan))
        .nest("/api/v2", langsmith_v2)
        .nest("/v1/platform", platform)
        .nest("/api/v1", langsmith.clone())
        .nest("/api", langsmith.clone())
        .merge(langsmith)
        .layer(compressed)
        .with_state(context)
}

/// Everything that needs a caller.
fn our_routes(unread: &Unread) -> Router<Arc<Context>> {
    Router::new()
        .route("/projects", get(projects::list))
        .route("/projects/{project}", get(projects::get).delete(deletions::project))
        .route("/projects/{project}/deletions", post(deletions::traces))
        .route("/projects/{project}/retention", get(retention::get).put(retention::put))
        .route("/projects/{project}/traces", get(lists::traces))
        .route("/projects/{project}/traces/histogram", get(lists::histogram))
        .route("/projects/{project}/traces/facets", get(lists::facets))
        .route("/projects/{project}/runs", get(lists::runs))
        .route("/projects/{project}/threads", get(threads::list))
        .route("/projects/{project}/stats", get(lists::stats))
        .route("/projects/{project}/logs", get(logs::of_project))
        .route("/projects/{project}/metrics", get(metrics::list))
        .route("/projects/{project}/metrics/series", get(metrics::series))
        .route("/traces/{trace_id}", get(traces::skeleton).delete(deletions::trace))
        .route("/traces/{trace_id}/verdict", get(traces::verdict))
        .route("/traces/{trace_id}/previews", post(traces::previews))
        .route("/traces/{trace_id}/search", get(traces::search))
        .route("/traces/{trace_id}/logs", get(logs::of_trace))
        .route("/traces/{trace_id}/events", get(span_events::of_trace))
        .route("/traces/{trace_id}/runs/{run_id}", unread.few(get(run::get)))
        .route("/mapping-rules", get(rules::list).post(rules::create))
        .route("/mapping-rules/order", put(rules::order))
        .route("/mapping-rules/test", post(rules::test))
        .route("/mapping-rules/{id}", put(rules::update).delete(rules::delete))
        .route("/remap", get(remap::list).post(remap::start))
        .route("/remap/{id}", get(remap::get))
        .route("/purge", get(deletions::purge_state).post(deletions::purge))
        .route("/scrub", get(scrub::get).post(scrub::start))
        .route("/sql", post(tables::sql))
        .route("/sql/schema", get(tables::schema))
        .route("/export", get(tables::export))
        .route("/events", get(events::stream))
        .route("/demo", post(system::demo))
        .route("/ingest/diagnostics", get(system::diagnostics))
}

#[cfg(test)]
mod tests;
