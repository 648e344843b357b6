//! Refuses requests that a browser was tricked into sending.
//!
//! A page of another site can make a browser send requests to this machine: directly, or under a name of its own that it
//! lets point here (DNS rebinding). While no key is needed, only names that mean this machine are served, and only
//! to pages that came from such a name.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri, Version, header};

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

    fn check(&self, uri: &Uri, version: Version, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next();
        if hosts.next().is_some() || (host.is_none() && version == Version::HTTP_11) {
            return Err(refusal(StatusCode::BAD_REQUEST, "the request must have one Host header"));
        }
        let Some(names) = &self.names else { return Ok(()) };
        let from_header = host.map(|value| value.to_str().unwrap_or("unreadable"));
        // HTTP/1.0 has no such header; no browser speaks it.
        for host in uri.authority().map(http::uri::Authority::as_str).into_iter().chain(from_header) {
            if !is_local(names, host) {
                return Err(refusal(
                    StatusCode::FORBIDDEN,
                    "this host name is not served; if it is yours, add it with --allow-host",
                ));
            }
        }
        let origin = headers.get(header::ORIGIN).map(|value| value.to_str().unwrap_or("unreadable"));
        let page = origin.map(|origin| origin.split_once("://").map_or(origin, |(_, host)| host));
        if page.is_some_and(|host| !is_local(names, host)) {
            return Err(refusal(StatusCode::FORBIDDEN, "pages of other sites may not use this server"));
        }
        Ok(())
    }
}

/// Whether a host, perhaps with a port, is this machine or one of `names`.
fn is_local(names: &[String], host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => &host,
    };
    names.iter().any(|allowed| allowed == name)
        || name.ends_with(".localhost")
        || name.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

fn refusal(status: StatusCode, message: &str) -> Refusal {
    Refusal { status, code: "host_not_allowed", message: message.to_owned() }
}

pub(super) async fn check(State(allowed): State<Allowed>, request: Request, next: Next) -> Response {
    match allowed.check(request.uri(), request.version(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn status(version: Version, uri: &'static str, pairs: &[(&'static str, &'static str)]) -> u16 {
        let allowed = Allowed { names: Some(vec!["localhost".to_owned(), "[::1]".to_owned()].into()) };
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        allowed
            .check(&Uri::from_static(uri), version, &headers)
            .map_or_else(|err| err.status.as_u16(), |()| 200)
    }

    #[test]
    fn only_names_of_this_machine_are_served() {
        for (host, expected) in [
            ("localhost:4318", 200),
            ("LOCALHOST", 200),
            ("127.0.0.5:80", 200),
            ("[::1]:4318", 200),
            ("a.localhost", 200),
            ("evil.example", 403),
            ("127.0.0.1.evil.example:4318", 403),
            ("xlocalhost", 403),
        ] {
            assert_eq!(status(Version::HTTP_11, "/", &[("host", host)]), expected, "{host}");
        }
        assert_eq!(status(Version::HTTP_2, "http://localhost:1/", &[]), 200);
        assert_eq!(status(Version::HTTP_2, "http://evil.example/", &[]), 403);
        assert_eq!(status(Version::HTTP_11, "http://evil.example/", &[("host", "localhost")]), 403);
    }

    #[test]
    fn there_is_one_host() {
        assert_eq!(status(Version::HTTP_11, "/", &[]), 400);
        assert_eq!(status(Version::HTTP_10, "/", &[]), 200);
        assert_eq!(status(Version::HTTP_11, "/", &[("host", "localhost"), ("host", "localhost")]), 400);
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        for (origin, expected) in [
            ("http://localhost:5173", 200),
            ("http://evil.example", 403),
            ("https://evil.example:443", 403),
            ("null", 403),
        ] {
            let headers = [("host", "localhost"), ("origin", origin)];
            assert_eq!(status(Version::HTTP_11, "/", &headers), expected, "{origin}");
        }
    }
}
