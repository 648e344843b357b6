//! Feedback among the parts of `POST /runs/multipart`.

use std::sync::Arc;

use clearspan_model::{ErrorKind, WorkspaceId};
use http::StatusCode;
use serde_json::{Value, json};

use super::Refusal;
use crate::context::Context;
use crate::error::http_status;
use crate::ingest::{Problems, feedback};

/// Keeps what can be used of these parts; the rest is told. Returns how many were kept.
pub(super) async fn keep(
    context: &Arc<Context>,
    workspace_id: WorkspaceId,
    parts: Vec<(String, Vec<u8>)>,
) -> Result<(u64, Problems), Refusal> {
    let now = context.clock.now();
    let (mut given, mut problems) = (Vec::with_capacity(parts.len()), Problems::default());
    for (id, text) in parts {
        let given_one = read(&id, &text).and_then(|mut document| {
            context.ingest.redact(&mut document);
            feedback::read(&document, workspace_id, now)
        });
        match given_one {
            Ok(one) => given.push(one),
            Err(message) => problems.note(format_args!("feedback.{id}"), message),
        }
    }
    if given.is_empty() {
        return Ok((0, problems));
    }
    let kept = given.len() as u64;
    context.ingest.take_feedback(workspace_id, given).await.map_err(|err| refuse(err.kind))?;
    Ok((kept, problems))
}

/// The document of a part, which may leave its id to the name of the part.
fn read(id: &str, text: &[u8]) -> Result<Value, String> {
    let mut document: Value =
        serde_json::from_slice(text).map_err(|err| format!("it is no JSON that can be read: {err}"))?;
    if let Value::Object(members) = &mut document
        && members.get("id").is_none_or(Value::is_null)
    {
        members.insert("id".to_owned(), json!(id));
    }
    Ok(document)
}

fn refuse(kind: ErrorKind) -> Refusal {
    let status = match http_status(kind) {
        status if status.is_server_error() => StatusCode::SERVICE_UNAVAILABLE,
        status => status,
    };
    Refusal::new(status, "feedback cannot be kept now; try again")
}
