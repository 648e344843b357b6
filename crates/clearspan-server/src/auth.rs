//! Who is calling: keys in `x-api-key`, `Authorization: Bearer`, or as the password of `Authorization: Basic`.
//!
//! While the server listens on loopback only, nobody needs a key and any key is accepted. As soon as other machines
//! can reach it, a request without an active key is refused.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::FromRequestParts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clearspan_catalog::{Catalog, KeyHash, ProjectName};
use clearspan_model::{UnixNanos, WorkspaceId};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use crate::error::Refusal;

/// How long a key that was looked up is believed: a revoked one works this long at most.
const BELIEVED: Duration = Duration::from_secs(15);
/// The same for a key that was not found: somebody may be making it right now.
const DISBELIEVED: Duration = Duration::from_secs(2);
/// The time of a key's last use is kept this exactly, because keeping it writes to the disk.
const USE_NOTED_NANOS: i64 = 300_000_000_000;
/// Where LangSmith's SDKs name the workspace.
const WORKSPACE: &str = "x-tenant-id";
/// Looked-up keys kept at most, so that guessing cannot fill the memory.
const CACHED_KEYS: usize = 1_024;

/// The caller of a request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) workspace_id: WorkspaceId,
    /// Where runs go that name no project.
    pub(crate) default_project: Option<ProjectName>,
}

/// Somebody who may read what is public: a caller, or one without a key.
#[derive(Debug, Clone)]
pub(crate) struct Visitor(pub(crate) Option<Caller>);

/// Checks keys.
#[derive(Debug)]
pub(crate) struct Authenticator {
    catalog: Arc<dyn Catalog>,
    workspace_id: WorkspaceId,
    /// Whether a key is needed at all.
    required: bool,
    known: Mutex<FxHashMap<KeyHash, (Instant, Option<Caller>)>>,
}

impl Authenticator {
    pub(crate) fn new(catalog: Arc<dyn Catalog>, workspace_id: WorkspaceId, required: bool) -> Self {
        Self { catalog, workspace_id, required, known: Mutex::default() }
    }

    /// The caller that these headers prove.
    pub(crate) async fn check(
        self: &Arc<Self>,
        headers: &HeaderMap,
        now: UnixNanos,
    ) -> Result<Caller, Refusal> {
        let presented = match presented_key(headers) {
            Ok(presented) => presented,
            Err(refusal) if self.required => return Err(refusal),
            // Where nobody needs a key, a strange one is as good as none.
            Err(_) => None,
        };
        let caller = match presented {
            Some(secret) => self.look_up(KeyHash::of(&secret), now).await?,
            None => None,
        };
        match caller {
            Some(caller) => {
                if self.required {
                    check_workspace(headers, caller.workspace_id)?;
                }
                Ok(caller)
            }
            None if self.required => Err(unauthorized()),
            None => Ok(Caller { workspace_id: self.workspace_id, default_project: None }),
        }
    }

    /// The same where what is public may be read without a key: nobody for who shows none and would need one. A key that is
    /// shown must be good.
    pub(crate) async fn check_visitor(
        self: &Arc<Self>,
        headers: &HeaderMap,
        now: UnixNanos,
    ) -> Result<Visitor, Refusal> {
        if self.required && matches!(presented_key(headers), Ok(None)) {
            return Ok(Visitor(None));
        }
        self.check(headers, now).await.map(|caller| Visitor(Some(caller)))
    }

    async fn look_up(self: &Arc<Self>, hash: KeyHash, now: UnixNanos) -> Result<Option<Caller>, Refusal> {
        if let Some((since, caller)) = self.known.lock().get(&hash)
            && since.elapsed() < if caller.is_some() { BELIEVED } else { DISBELIEVED }
        {
            return Ok(caller.clone());
        }
        let this = Arc::clone(self);
        let found = tokio::task::spawn_blocking(move || {
            let key = this.catalog.find_active_key(&hash)?;
            if let Some(key) = &key
                && key.last_used_at.is_none_or(|last| now.nanos_since(last) > USE_NOTED_NANOS)
                && let Err(err) = this.catalog.note_key_used(key.id, now)
            {
                // A full disk must not lock people out.
                tracing::warn!(error = crate::error::chain(&err), "the use of a key was not noted");
            }
            Ok::<_, clearspan_catalog::Error>(key)
        })
        .await;
        let key = match found {
            Ok(Ok(key)) => key,
            Ok(Err(err)) => return Err(unavailable(&err)),
            Err(err) => return Err(unavailable(&err)),
        };
        let caller =
            key.map(|key| Caller { workspace_id: key.workspace_id, default_project: key.default_project });
        let mut known = self.known.lock();
        if known.len() >= CACHED_KEYS {
            known.clear();
        }
        known.insert(hash, (Instant::now(), caller.clone()));
        Ok(caller)
    }
}

/// Who names a workspace, as the SDKs of LangSmith do, means that one and no other. Where nobody shows a key, everyone is in
/// the only one.
fn check_workspace(headers: &HeaderMap, workspace_id: WorkspaceId) -> Result<(), Refusal> {
    let is_it = |named: &str| named.is_empty() || named.parse() == Ok(workspace_id);
    let mut named = headers.get_all(WORKSPACE).iter().map(|value| value.to_str().unwrap_or("?").trim());
    if named.all(is_it) {
        return Ok(());
    }
    Err(Refusal {
        status: StatusCode::FORBIDDEN,
        code: "invalid_credentials",
        message: "the workspace that x-tenant-id names is not the one of this key; leave LANGSMITH_WORKSPACE_ID away"
            .to_owned(),
    })
}

/// A key is needed and was not shown.
pub(crate) fn unauthorized() -> Refusal {
    Refusal {
        status: StatusCode::UNAUTHORIZED,
        code: "unauthorized",
        message: "an active API key is needed: send it as `x-api-key` or `Authorization: Bearer`; \
                  `clearspan keys create` makes one"
            .to_owned(),
    }
}

fn unavailable(err: &dyn std::error::Error) -> Refusal {
    tracing::error!(error = crate::error::chain(err), "keys cannot be checked");
    Refusal {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: "unavailable",
        message: "keys cannot be checked now; try again".to_owned(),
    }
}

fn bad_credentials(message: &str) -> Refusal {
    Refusal { status: StatusCode::BAD_REQUEST, code: "invalid_credentials", message: message.to_owned() }
}

/// The key that a request presents. Two different ones are refused: nobody can say which was meant.
fn presented_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let text = |name: &http::HeaderName| -> Result<Option<String>, Refusal> {
        let mut values = headers.get_all(name).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.any(|other| other != value) {
            return Err(bad_credentials("the request carries two different keys"));
        }
        let text = value.to_str().map_err(|_| bad_credentials("the key is not plain text"))?;
        Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
    };
    let from_key = text(&http::HeaderName::from_static("x-api-key"))?;
    let from_authorization = match text(&header::AUTHORIZATION)? {
        Some(value) => authorization_key(&value)?,
        None => None,
    };
    match (from_key, from_authorization) {
        (Some(one), Some(other)) if one != other => {
            Err(bad_credentials("`x-api-key` and `Authorization` carry different keys; send one"))
        }
        (one, other) => Ok(one.or(other)),
    }
}

/// The key in an `Authorization` header; other schemes carry none.
fn authorization_key(value: &str) -> Result<Option<String>, Refusal> {
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok((!rest.is_empty()).then(|| rest.to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    // Langfuse clients send their public key as user and the secret as password; the secret is the key.
    let decoded = STANDARD.decode(rest).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = decoded.ok_or_else(|| bad_credentials("the Basic credentials are not base64 of text"))?;
    let password = pair.split_once(':').map(|(_, password)| password.to_owned());
    Ok(password.filter(|password| !password.is_empty()))
}

/// Handlers take the caller as an argument. A middleware before them must have put it there.
impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        parts.extensions.get::<Self>().cloned().ok_or_else(unauthorized)
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or(Self(None)))
    }
}

#[cfg(test)]
mod tests;
