//! Files of runs: listed with addresses that are valid for an hour, and read by them.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use clearspan_mapping::langsmith::ATTACHMENT;
use clearspan_model::Run;
use futures::StreamExt as _;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use super::feedback::tokens::base_url;
use crate::api::error::{ApiError, ErrorCode, Result};
use crate::api::extract::{Params, PathParams};
use crate::attachments::{self, ContentHash, Link};
use crate::context::Context;

/// What addresses of files begin with. A client joins a path to the endpoint that it knows, which is right behind every proxy.
/// The JavaScript SDK up to at least 0.3.87 does not: it hands on what it gets.
pub(super) fn base_of_addresses(ctx: &Context, headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    match agent.is_some_and(|agent| agent.starts_with("langsmith-js/")) {
        true => base_url(ctx, headers),
        false => String::new(),
    }
}

/// The files of a run as the SDKs fetch them; null when there are none, because they ask for each at once.
pub(super) fn files(ctx: &Context, run: &Run) -> Value {
    let mut files = Map::new();
    for (key, value) in &run.attributes {
        let Some(name) = key.strip_prefix(ATTACHMENT) else { continue };
        let file = value.to_value();
        let Some(hash) = file["sha256"].as_str().and_then(ContentHash::parse) else { continue };
        let mime_type = file["mime_type"].as_str().unwrap_or("application/octet-stream");
        let link = ctx.attachments.sign(&hash, name, mime_type, ctx.clock.now());
        let url = link.to_url(&hash);
        files.insert(
            format!("attachment.{name}"),
            json!({ "presigned_url": url, "s3_url": url, "mime_type": file["mime_type"], "size_bytes": file["bytes"] }),
        );
    }
    if files.is_empty() { Value::Null } else { Value::Object(files) }
}

/// The files of a run, to be kept with an example.
pub(super) fn attachments_of(run: &Run) -> impl Iterator<Item = clearspan_catalog::Attachment> {
    run.attributes.iter().filter_map(|(key, value)| {
        let file = value.to_value();
        Some(clearspan_catalog::Attachment {
            name: key.strip_prefix(ATTACHMENT)?.to_owned(),
            mime_type: file["mime_type"].as_str().unwrap_or("application/octet-stream").to_owned(),
            size: file["bytes"].as_u64().unwrap_or_default(),
            digest: file["sha256"].as_str()?.to_owned(),
        })
    })
}

/// A file, to be saved: what a client sent is never shown as a page of ours.
pub(super) async fn get(
    State(ctx): State<Arc<Context>>,
    PathParams(sha256): PathParams<String>,
    Params(link): Params<Link>,
) -> Result<Response> {
    let not_found =
        || ApiError::new(ErrorCode::NotFound, "there is no such file, or its address is no longer valid");
    let unavailable =
        || ApiError::new(ErrorCode::Unavailable, "the file cannot be read now; try again later");
    let hash = ContentHash::parse(&sha256).ok_or_else(not_found)?;
    if !ctx.attachments.is_valid(&hash, &link, ctx.clock.now()) {
        return Err(not_found());
    }
    let opening = tokio::task::spawn_blocking(move || {
        let file = ctx.attachments.read(&hash)?;
        let bytes = file.metadata()?.len();
        Ok::<_, io::Error>((file, bytes))
    });
    let (file, bytes) = match opening.await {
        Ok(Ok(opened)) => opened,
        Ok(Err(err)) if err.kind() == io::ErrorKind::NotFound => return Err(not_found()),
        Ok(Err(_)) | Err(_) => return Err(unavailable()),
    };
    let mut content = Box::pin(attachments::checked(file, bytes, hash).peekable());
    // Most files are one piece, and then it is known by now.
    if let Some(Err(err)) = content.as_mut().peek().await {
        return Err(match err.kind() {
            io::ErrorKind::InvalidData => {
                ApiError::new(ErrorCode::Internal, format!("the file is damaged; {}", attachments::ADVICE))
            }
            _ => unavailable(),
        });
    }
    let mut response = (StatusCode::OK, Body::from_stream(content)).into_response();
    let headers = response.headers_mut();
    let mime_type = HeaderValue::from_str(&link.mime_type);
    headers.insert(
        header::CONTENT_TYPE,
        mime_type.unwrap_or(HeaderValue::from_static("application/octet-stream")),
    );
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600, immutable"));
    Ok(response)
}
