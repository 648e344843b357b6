//! Reading parameters and bodies, with our own words when they are wrong.

use std::fmt;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use clearspan_model::{RunId, TraceId};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::{ApiError, ErrorCode};
use crate::drain::drain;

/// A body has at most this many bytes where nothing says otherwise.
const MAX_BODY_BYTES: usize = 2 << 20;

/// The parameters behind the `?`.
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::from_request_parts(parts, state).await;
        query.map(|Query(params)| Self(params)).map_err(|rejection| {
            // Axum's words in front of the colon say nothing that the status does not.
            let text = rejection.body_text();
            let problem = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
            ApiError::new(ErrorCode::InvalidParameter, format!("cannot read the parameters: {problem}"))
        })
    }
}

/// The parts of the path.
#[derive(Debug)]
pub(crate) struct PathParams<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathParams<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(params)| Self(params)).map_err(|rejection| {
            ApiError::new(
                ErrorCode::InvalidParameter,
                format!("cannot read the path: {}", rejection.body_text()),
            )
        })
    }
}

/// A JSON body. Its content type does not matter: some clients send none.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let bytes = read_body(request.into_body()).await?;
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(bytes)
            .map(Self)
            .map_err(|error| ApiError::new(ErrorCode::InvalidBody, format!("cannot read the body: {error}")))
    }
}

async fn read_body(mut body: Body) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let broken = |_| ApiError::new(ErrorCode::InvalidBody, "the body could not be read to its end");
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        if bytes.len() + data.len() > MAX_BODY_BYTES {
            drain(body).await;
            let message =
                format!("the body has more than {} MiB, which this endpoint takes", MAX_BODY_BYTES >> 20);
            return Err(ApiError::new(ErrorCode::TooLarge, message));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// A JSON body that changes something, and must say that it is JSON: no page of another site can make a browser send that
/// without asking us first, and we never agree.
#[derive(Debug)]
pub(crate) struct ChangeBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for ChangeBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let kind =
            request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            let message = "send the body as JSON, with the header `content-type: application/json`";
            return Err(ApiError::new(ErrorCode::UnsupportedMediaType, message));
        }
        JsonBody::from_request(request, state).await.map(|JsonBody(body)| Self(body))
    }
}

/// A trace id in any of its forms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TraceParam(pub(crate) TraceId);

impl<'de> Deserialize<'de> for TraceParam {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|error| complaint(&text, &error))
    }
}

/// A run id in any of its forms; 16 digits are a span id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunParam(pub(crate) RunId);

impl<'de> Deserialize<'de> for RunParam {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let id = clearspan_query::text::parse_run_id(&text);
        id.map(Self)
            .ok_or_else(|| complaint(&text, &"not a run id (a UUID, or a span id of 16 hexadecimal digits)"))
    }
}

fn complaint<E: serde::de::Error>(text: &str, problem: &dyn fmt::Display) -> E {
    E::custom(format!("{text:?} is {problem}"))
}
