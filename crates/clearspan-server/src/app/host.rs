//! Refuses requests that a browser was tricked into sending.
//!
//! A page of another site can make a browser send requests to this machine under its own name (DNS rebinding). While no
//! key is needed, only names that mean this machine are served.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri, header};

use crate::config::Settings;
use crate::error::Refusal;

/// Host names that are served; `None` means all, because callers show keys.
#[derive(Debug, Clone)]
pub(super) struct Allowed {
    names: Option<std::sync::Arc<[String]>>,
}

impl Allowed {
    pub(super) fn of(settings: &Settings) -> Self {
        if settings.requires_keys() {
            return Self { names: None };
        }
        let local = ["localhost", "127.0.0.1", "[::1]", "host.docker.internal"].map(str::to_owned);
        Self { names: Some(local.into_iter().chain(settings.allow_hosts.iter().cloned()).collect()) }
    }

    fn allows(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let Some(names) = &self.names else { return true };
        let from_header = headers.get(header::HOST).map(|value| value.to_str().unwrap_or("unreadable"));
        let Some(host) = uri.authority().map(http::uri::Authority::as_str).or(from_header) else {
            // HTTP/1.0 has no such header; no browser speaks it.
            return true;
        };
        let host = host.to_ascii_lowercase();
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => &host,
        };
        names.iter().any(|allowed| allowed == name)
            || name.strip_suffix(".localhost").is_some()
            || name.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
    }
}

pub(super) async fn check(State(allowed): State<Allowed>, request: Request, next: Next) -> Response {
    if allowed.allows(request.uri(), request.headers()) {
        return next.run(request).await;
    }
    let message = "this host name is not served; add it with --allow-host".to_owned();
    Refusal { status: StatusCode::FORBIDDEN, code: "host_not_allowed", message }.into_response()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_names_of_this_machine_are_served() {
        let allowed = Allowed { names: Some(vec!["localhost".to_owned(), "[::1]".to_owned()].into()) };
        for (host, served) in [
            ("localhost:4318", true),
            ("LOCALHOST", true),
            ("127.0.0.5:80", true),
            ("[::1]:4318", true),
            ("a.localhost", true),
            ("evil.example", false),
            ("127.0.0.1.evil.example:4318", false),
        ] {
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
            assert_eq!(allowed.allows(&Uri::from_static("/"), &headers), served, "{host}");
        }
    }
}
