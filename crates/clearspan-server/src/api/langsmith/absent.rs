//! What LangSmith has and this server has not: clients that ask are told so in words, or get the empty list that is true.

use axum::Json;
use http::StatusCode;
use serde_json::Value;

use crate::api::error::{ApiError, ErrorCode};

/// Keys of model providers that the server would use; it calls no models.
pub(super) async fn secrets() -> Json<[Value; 0]> {
    Json([])
}

/// Findings of an agent that reads traces by itself; there is none.
pub(super) async fn issues() -> Json<[Value; 0]> {
    Json([])
}

pub(super) async fn keep_secrets() -> ApiError {
    absent("keys of model providers are not kept here: this server calls no models")
}

pub(super) async fn insights() -> ApiError {
    absent("insights are not made here: they would need a model, and this server calls none")
}

pub(super) async fn bulk_exports() -> ApiError {
    absent("bulk exports are not made here: `clearspan export` writes runs as Parquet or JSON lines")
}

fn absent(message: &str) -> ApiError {
    ApiError { status: StatusCode::NOT_IMPLEMENTED, ..ApiError::new(ErrorCode::NotFound, message) }
}
