//! The web UI. Feature `embed-ui` (on by default) puts it into the binary; without it only the API is served.

use std::sync::Arc;

use crate::context::Context;

#[cfg(feature = "embed-ui")]
mod embedded;

/// The pages below `/app` and their assets.
#[cfg(feature = "embed-ui")]
pub(crate) fn router(context: Arc<Context>) -> axum::Router {
    embedded::router(context)
}

/// Leads browsers to pages where an address is one of the API, too.
#[cfg(feature = "embed-ui")]
pub(crate) fn browsers_first(router: axum::Router) -> axum::Router {
    router.layer(axum::middleware::from_fn(embedded::links::browsers_first))
}

/// There are no pages.
#[cfg(not(feature = "embed-ui"))]
pub(crate) fn browsers_first(router: axum::Router) -> axum::Router {
    router
}

/// Says that there are none.
#[cfg(not(feature = "embed-ui"))]
pub(crate) fn router(_context: Arc<Context>) -> axum::Router {
    const NOTE: &str = "This server was built without its web UI. The API is under /api/clearspan/v1.\n";
    axum::Router::new().route("/", axum::routing::get(|| async { NOTE }))
}
