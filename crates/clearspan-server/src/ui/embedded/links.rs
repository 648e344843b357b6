//! Addresses of pages that LangSmith's SDKs make by themselves and print: `{host}/public/{token}/r`, `{host}/o/{tenant}/…`.
//!
//! The pages are below `/app`, so each leads to the same path there, with its query. None of them is a path of the API, apart
//! from `/datasets/{id}`, which `browsers_first` tells apart by what the client accepts.

use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::{Method, Uri, header};

/// What the SDKs print, with the pages of LangSmith beside it that people copy from their browsers.
const PAGES: [&str; 16] = [
    // A shared run and a shared dataset. Whatever else there is below a token belongs to the API.
    "/public/{token}/r",
    "/public/{token}/r/{*page}",
    "/public/{token}/d",
    "/public/{token}/d/{*page}",
    // Projects, runs, datasets, comparisons and examples, behind the tenant.
    "/o/{tenant}",
    "/o/{tenant}/",
    "/o/{tenant}/{*page}",
    // Datasets whose tenant the SDK does not know.
    "/datasets/{id}/compare",
    "/datasets/{id}/e/{example}",
    // Prompts of one's own, prompts of others, agents and skills; with and without a commit.
    "/prompts",
    "/prompts/",
    "/prompts/{*page}",
    "/hub",
    "/hub/",
    "/hub/{*page}",
    "/context/{*page}",
];

pub(super) fn router() -> Router {
    PAGES.iter().fold(Router::new(), |router, path| router.route(path, get(to_page)))
}

async fn to_page(uri: Uri) -> Redirect {
    let asked = uri.path_and_query().map_or("/", |path| path.as_str());
    Redirect::temporary(&format!("/app{asked}"))
}

/// `/datasets/{id}` is a route of the API and a link that SDKs print. Only browsers ask for pages.
pub(crate) async fn browsers_first(request: Request, next: Next) -> Response {
    let is_page = matches!(*request.method(), Method::GET | Method::HEAD)
        && is_dataset(request.uri().path())
        && accepts_pages(&request);
    if is_page { to_page(request.uri().clone()).await.into_response() } else { next.run(request).await }
}

fn is_dataset(path: &str) -> bool {
    let id = path.strip_prefix("/datasets/").map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    id.is_some_and(|id| id.parse::<uuid::Uuid>().is_ok())
}

fn accepts_pages(request: &Request) -> bool {
    let accepted = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| {
        accepted.split(',').any(|kind| kind.split(';').next().is_some_and(|kind| kind.trim() == "text/html"))
    })
}
