//! The web UI, embedded in the binary. Assets are immutable and compressed at build time; a missing one is 404;
//! every other path below `/app` is `index.html` with a fresh nonce and the answer of `GET /info` as boot data. `links`
//! brings those to it who follow an address that LangSmith's SDKs printed.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine as _;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};

use crate::context::Context;

pub(super) mod links;

#[derive(rust_embed::Embed)]
#[folder = "../../ui/dist"]
struct Dist;

pub(crate) fn router(context: Arc<Context>) -> Router {
    let mut router = Router::new()
        .route("/", get(|| async { Redirect::temporary("/app/") }))
        .route("/app", get(index))
        .route("/app/", get(index))
        .route("/app/{*page}", get(index))
        .route("/assets/{*path}", get(asset));
    for path in Dist::iter().filter(|path| !path.contains('/') && !path.ends_with(".html")) {
        router = router.route(&format!("/{path}"), get(asset));
    }
    router.with_state(context).merge(links::router())
}

async fn index(State(ctx): State<Arc<Context>>) -> Response {
    let Some(file) = Dist::get("index.html") else { return StatusCode::NOT_FOUND.into_response() };
    let nonce = base64::engine::general_purpose::STANDARD.encode(rand::random::<[u8; 16]>());
    // Inside of a script element only `<` could end the data early.
    let boot = serde_json::to_string(&ctx.info()).unwrap_or_default().replace('<', "\\u003c");
    let page = String::from_utf8_lossy(&file.data)
        .replace("__CSP_NONCE__", &nonce)
        .replace(r#"id="boot">null<"#, &format!(r#"id="boot">{boot}<"#));
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; style-src-attr 'unsafe-inline'; \
         img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; \
         base-uri 'self'; form-action 'self'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types default"
    );
    let headers = [(header::CONTENT_SECURITY_POLICY, policy), (header::CACHE_CONTROL, "no-cache".to_owned())];
    (headers, [(header::REFERRER_POLICY, "no-referrer"), NO_SNIFF], Html(page)).into_response()
}

const NO_SNIFF: (HeaderName, &str) = (header::X_CONTENT_TYPE_OPTIONS, "nosniff");

async fn asset(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    let packed = [("br", ".br"), ("gzip", ".gz")].into_iter().find_map(|(encoding, suffix)| {
        let file = accepts(accepted, encoding).then(|| Dist::get(&format!("{path}{suffix}")))??;
        Some((file, Some(encoding)))
    });
    let Some((file, encoding)) = packed.or_else(|| Some((Dist::get(path)?, None))) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let hash: String =
        file.metadata.sha256_hash().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let etag = format!("\"{hash}\"");
    let is_known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == etag.as_str());
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let common = [
        (header::ETAG, etag.as_str()),
        (header::CACHE_CONTROL, cache),
        (header::VARY, "accept-encoding"),
        NO_SNIFF,
    ];
    if is_known {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let mime = mime_of(path);
    let mut response = (common, [(header::CONTENT_TYPE, mime.as_str())], file.data).into_response();
    if let Some(encoding) = encoding {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// The type of the file itself, not of its packed copy.
fn mime_of(path: &str) -> String {
    Dist::get(path).map(|file| file.metadata.mimetype().to_owned()).unwrap_or_default()
}

fn accepts(header: &str, encoding: &str) -> bool {
    let mut parts = header.split(',').map(|part| part.split(';').map(str::trim));
    parts.any(|mut part| part.next() == Some(encoding) && part.all(|option| option != "q=0"))
}

#[cfg(test)]
mod tests;
