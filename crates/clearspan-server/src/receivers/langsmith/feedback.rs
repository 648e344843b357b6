//! Feedback among the parts of `POST /runs/multipart`.

use std::sync::Arc;

use clearspan_model::WorkspaceId;
use http::StatusCode;
use serde_json::{Value, json};

use super::Refusal;
use crate::context::Context;
use crate::error::{chain, http_status};
use crate::ingest::{Problem, feedback};

/// Keeps what can be used of these parts; the rest is told. Returns how many were kept.
pub(super) async fn keep(
    context: &Arc<Context>,
    workspace_id: WorkspaceId,
    parts: Vec<(String, Vec<u8>)>,
) -> Result<(u64, Vec<Problem>), Refusal> {
    let now = context.clock.now();
    let (mut given, mut problems) = (Vec::with_capacity(parts.len()), Vec::new());
    for (id, text) in parts {
        let given_one = read(&id, &text).and_then(|mut document| {
            context.ingest.redact(&mut document);
            feedback::read(&document, workspace_id, now)
        });
        match given_one {
            Ok(one) => given.push(one),
            Err(message) => problems.push(Problem { part: format!("feedback.{id}"), message }),
        }
    }
    if given.is_empty() {
        return Ok((0, problems));
    }
    let kept = given.len() as u64;
    feedback::place(&*context.store, workspace_id, &mut given)
        .await
        .map_err(|err| refuse(err.kind(), &err))?;
    let catalog = Arc::clone(&context.catalog);
    let keeping = tokio::task::spawn_blocking(move || feedback::keep(&*catalog, &given));
    match keeping.await {
        Ok(Ok(())) => Ok((kept, problems)),
        Ok(Err(err)) => Err(refuse(err.kind(), &err)),
        Err(err) => Err(refuse(clearspan_model::ErrorKind::Internal, &err)),
    }
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

fn refuse(kind: clearspan_model::ErrorKind, err: &dyn std::error::Error) -> Refusal {
    tracing::error!(error = chain(err), "feedback was not kept");
    let status = match http_status(kind) {
        status if status.is_server_error() => StatusCode::SERVICE_UNAVAILABLE,
        status => status,
    };
    Refusal::new(status, "feedback cannot be kept now; try again")
}
