//! `POST /runs/delete`: traces that are to be forgotten, by their ids or by what their runs say of themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_model::ProjectId;
use clearspan_query::{Expr, Field, Literal, Op};
use clearspan_store::{DeletionTarget, Scope, TimeRange};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::find::unprocessable;
use crate::api::error::Result;
use crate::api::extract::{ChangeBody, TraceParam};
use crate::api::projects;
use crate::auth::Caller;
use crate::context::Context;

/// Traces that one request can name.
const MAX_TRACES: usize = 10_000;

/// Which traces: either `trace_ids` or `metadata`. Traces are deleted whole.
#[derive(Debug, Deserialize)]
pub(super) struct DeletionBody {
    /// The project; without it all of the workspace.
    session_id: Option<ProjectId>,
    #[serde(default)]
    trace_ids: Vec<TraceParam>,
    /// The traces of which one run has one of the values under each of the keys.
    #[serde(default)]
    metadata: BTreeMap<String, Value>,
}

/// When this returns they are gone from every answer; the disk follows.
pub(super) async fn delete(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    ChangeBody(body): ChangeBody<DeletionBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let workspace_id = caller.workspace_id;
    let project_ids = match body.session_id {
        Some(id) => Some(vec![projects::find(&ctx, workspace_id, &id.to_string()).await?.id]),
        None => None,
    };
    let target = target(body.trace_ids, &body.metadata)?;
    let deleted = ctx.upkeep.delete(Scope { workspace_id, project_ids }, target).await?;
    let message = format!("{} traces with {} runs were deleted", deleted.traces, deleted.runs);
    Ok((StatusCode::ACCEPTED, Json(json!({ "message": message }))))
}

fn target(trace_ids: Vec<TraceParam>, metadata: &BTreeMap<String, Value>) -> Result<DeletionTarget> {
    if trace_ids.is_empty() == metadata.is_empty() {
        return Err(unprocessable("say what to delete: either trace_ids or metadata"));
    }
    if trace_ids.len() > MAX_TRACES {
        return Err(unprocessable(format!("at most {MAX_TRACES} traces can be named at once")));
    }
    if !trace_ids.is_empty() {
        return Ok(DeletionTarget::Traces(trace_ids.into_iter().map(|TraceParam(id)| id).collect()));
    }
    let tests = metadata.iter().map(|(key, value)| {
        let values: Vec<Literal> = match value {
            Value::Array(values) => values.iter().map(literal).collect(),
            value => vec![literal(value)],
        };
        match values.is_empty() {
            true => Err(unprocessable(format!("metadata.{key} names no value"))),
            false => Ok(Expr::Test(Field::Metadata(key.clone()), Op::In(values))),
        }
    });
    let one_run = Expr::AnyRun(Box::new(Expr::All(tests.collect::<Result<_>>()?)));
    Ok(DeletionTarget::Matching(TimeRange::default(), Some(one_run)))
}

/// As plain text, as filters compare metadata.
fn literal(value: &Value) -> Literal {
    Literal::Text(match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}
