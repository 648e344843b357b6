//! Reading what the SDKs send to datasets, experiments and prompts: ids, parameters that repeat, bodies that may be large.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use clearspan_model::{JsonText, UnixNanos};
use http::StatusCode;
use http_body_util::BodyExt as _;
use serde::de::{self, DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::api::error::{ApiError, ErrorCode, Result};
use crate::context::Context;
use crate::drain::drain;
use crate::ingest::{Exhausted, Reservation, tree_bytes};

/// A body of examples has at most this many bytes; the SDKs split theirs at 20 MB.
pub(super) const MAX_BODY_BYTES: usize = 64 << 20;
/// How many rows a page has when nobody says, and how many it may have.
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;

/// The parameters as they come: some repeat, booleans are `True` or `true`.
pub(super) type Pairs = Vec<(String, String)>;

/// Something that LangSmith answers with 422: what it says cannot be used.
pub(super) fn unprocessable(message: impl Into<String>) -> ApiError {
    ApiError { status: StatusCode::UNPROCESSABLE_ENTITY, ..ApiError::new(ErrorCode::InvalidBody, message) }
}

/// An id in a path, a parameter or a body.
pub(super) fn parse_id<T: FromStr>(what: &str, text: &str) -> Result<T> {
    let is_nil = uuid::Uuid::try_parse(text).is_ok_and(|id| id.is_nil());
    text.parse()
        .ok()
        .filter(|_| !is_nil)
        .ok_or_else(|| unprocessable(format!("{text:?} is no {what}: ids are UUIDs")))
}

pub(super) fn is_true(value: &str) -> bool {
    value.eq_ignore_ascii_case("true") || value == "1"
}

pub(super) fn parse_time(key: &str, text: &str) -> Result<UnixNanos> {
    clearspan_query::text::parse_time(text)
        .ok_or_else(|| unprocessable(format!("{key} is {text:?}, which is no ISO time")))
}

/// A JSON object of a body; null is as good as nothing.
pub(super) fn object(key: &str, value: Option<Value>) -> Result<Option<Map<String, Value>>> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(unprocessable(format!("{key} must be an object"))),
    }
}

/// The same as text.
pub(super) fn object_text(key: &str, value: Option<Value>) -> Result<Option<JsonText>> {
    Ok(object(key, value)?.map(|object| JsonText::from_value(&Value::Object(object))))
}

/// An object that stands as text in a parameter.
pub(super) fn object_of_text(key: &str, text: &str) -> Result<Value> {
    match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        _ => Err(unprocessable(format!("the parameter {key} must be a JSON object"))),
    }
}

/// Which page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) offset: usize,
    pub(super) limit: usize,
}

impl Default for Page {
    fn default() -> Self {
        Self { offset: 0, limit: DEFAULT_LIMIT }
    }
}

impl Page {
    /// Takes a parameter when it is one of a page.
    pub(super) fn take(&mut self, key: &str, value: &str) -> Result<bool> {
        let count = || {
            value
                .parse::<usize>()
                .map_err(|_| unprocessable(format!("{key} is {value:?}, which is no count")))
        };
        match key {
            "offset" => self.offset = count()?,
            // The SDKs stop at a page that is shorter than what they asked for.
            "limit" => self.limit = count()?.clamp(1, MAX_LIMIT),
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn of(pairs: &Pairs) -> Result<Self> {
        let mut page = Self::default();
        for (key, value) in pairs {
            page.take(key, value)?;
        }
        Ok(page)
    }
}

/// A JSON body that may be large: read within the memory that all requests share, which is held as long as what was read.
#[derive(Debug)]
pub(super) struct LargeJson<T>(pub(super) T, pub(super) Reservation);

impl<T: DeserializeOwned> FromRequest<Arc<Context>> for LargeJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, ctx: &Arc<Context>) -> Result<Self> {
        let (bytes, mut reservation) = read_body(ctx, request.into_body()).await?;
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        reservation.grow_to(bytes.len() + tree_bytes(bytes)).map_err(no_room)?;
        serde_json::from_slice(bytes)
            .map(|body| Self(body, reservation))
            .map_err(|error| unprocessable(format!("cannot read the body: {error}")))
    }
}

/// Reads a body within the memory that all requests share.
pub(super) async fn read_body(ctx: &Context, mut body: Body) -> Result<(Bytes, Reservation)> {
    let mut reservation = ctx.ingest.reservation();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame
            .map_err(|_| ApiError::new(ErrorCode::InvalidBody, "the body could not be read to its end"))?;
        let Ok(data) = frame.into_data() else { continue };
        let length = bytes.len() + data.len();
        if length > MAX_BODY_BYTES {
            drain(body).await;
            return Err(too_large());
        }
        reservation.grow_to(length).map_err(no_room)?;
        bytes.extend_from_slice(&data);
    }
    Ok((bytes.into(), reservation))
}

pub(super) fn no_room(exhausted: Exhausted) -> ApiError {
    match exhausted {
        Exhausted::ForNow => {
            ApiError::new(ErrorCode::Overloaded, "too many bytes are being received; try again")
        }
        Exhausted::ForEver => ApiError::new(
            ErrorCode::TooLarge,
            "the body takes more memory than the server may use; send less at once, or raise --inflight",
        ),
    }
}

/// A list of at most `N` items: what comes behind them is not read, and the body is refused.
#[derive(Debug)]
pub(super) struct AtMost<T, const N: usize>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for AtMost<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Items<T, const N: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for Items<T, N> {
            type Value = AtMost<T, N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {N} items")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    if items.len() == N {
                        return Err(de::Error::custom(format_args!(
                            "more than {N} items; send fewer at once"
                        )));
                    }
                    items.push(item);
                }
                Ok(AtMost(items))
            }
        }

        deserializer.deserialize_seq(Items(PhantomData))
    }
}

fn too_large() -> ApiError {
    let message = format!("the body has more than {} MiB; send less at once", MAX_BODY_BYTES >> 20);
    ApiError::new(ErrorCode::TooLarge, message)
}

/// Work that waits for the disk.
pub(super) async fn blocking<T: Send + 'static>(
    ctx: &Arc<Context>,
    work: impl FnOnce(&Context) -> Result<T> + Send + 'static,
) -> Result<T> {
    let ctx = Arc::clone(ctx);
    tokio::task::spawn_blocking(move || work(&ctx)).await?
}

#[cfg(test)]
mod tests;
