//! Where a page ended, as an opaque word of a URL.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{ApiError, ErrorCode, Result};

pub(crate) fn write(place: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(place).expect("a cursor has a JSON form"))
}

/// What [`write`] made. Each list has a form of its own, so that no list reads the cursor of another.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    let place = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    place.ok_or_else(|| invalid("is damaged, or belongs to another list"))
}

pub(crate) fn invalid(problem: &str) -> ApiError {
    ApiError::new(ErrorCode::InvalidCursor, format!("the cursor {problem}; begin again without it"))
}
