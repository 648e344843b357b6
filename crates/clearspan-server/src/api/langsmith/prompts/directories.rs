//! The files of agents and skills: a repository whose commits hold a map of paths to files.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_catalog::{NewCommit, PromptCommit};
use clearspan_model::JsonText;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{handle_of, no_prompt};
use crate::api::error::{ApiError, Result};
use crate::api::extract::{Params, PathParams};
use crate::api::langsmith::input::{LargeJson, Pairs, blocking, unprocessable};
use crate::api::langsmith::run_json::iso;
use crate::auth::Caller;
use crate::context::Context;

/// Longer paths are refused.
const MAX_PATH: usize = 1_024;

/// The files of a commit.
fn files_of(commit: &PromptCommit) -> Map<String, Value> {
    commit.manifest.to_value()["files"].as_object().cloned().unwrap_or_default()
}

fn directory_json(commit: &PromptCommit) -> Value {
    json!({ "commit_id": commit.id.to_string(), "commit_hash": commit.hash, "files": files_of(commit) })
}

pub(in crate::api::langsmith) async fn get(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams((owner, handle)): PathParams<(String, String)>,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Value>> {
    let handle = handle_of(&ctx, &owner, handle)?;
    let wanted = pairs.into_iter().find(|(key, value)| key == "commit" && !value.is_empty());
    let wanted = wanted.map_or_else(|| "latest".to_owned(), |(_, value)| value);
    let found = blocking(&ctx, move |ctx| {
        let found = ctx.catalog.find_commit(caller.workspace_id, &handle, &wanted)?;
        let found = found.ok_or_else(|| {
            ApiError::not_found("commit", format_args!("{wanted:?} of the directory {handle:?}"))
        })?;
        ctx.catalog.note_prompt_pulled(found.prompt_id)?;
        Ok(directory_json(&found))
    });
    Ok(Json(found.await?))
}

#[derive(Debug, Deserialize)]
pub(in crate::api::langsmith) struct CommitBody {
    /// What becomes of each path; null removes it. Paths that are not named stay.
    files: BTreeMap<String, Option<Value>>,
    #[serde(default)]
    parent_commit: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

pub(in crate::api::langsmith) async fn commit(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams((owner, handle)): PathParams<(String, String)>,
    LargeJson(body, _held): LargeJson<CommitBody>,
) -> Result<Json<Value>> {
    let handle = handle_of(&ctx, &owner, handle)?;
    for (path, file) in &body.files {
        if path.is_empty() || path.len() > MAX_PATH {
            return Err(unprocessable(format!("a path has 1 to {MAX_PATH} bytes")));
        }
        if file.as_ref().is_some_and(|file| !file.is_object()) {
            return Err(unprocessable(format!("the file {path:?} must be an object or null")));
        }
    }
    let now = ctx.clock.now();
    let made = blocking(&ctx, move |ctx| {
        let newest = ctx.catalog.find_commit(caller.workspace_id, &handle, "latest")?;
        let mut files = newest.as_ref().map(files_of).unwrap_or_default();
        for (path, file) in body.files {
            match file {
                Some(file) => {
                    files.insert(path, file);
                }
                None => {
                    files.remove(&path);
                }
            }
        }
        let new = NewCommit {
            // Who names no parent changes the files that were just read.
            parent: body.parent_commit.or(newest.map(|newest| newest.hash)),
            manifest: JsonText::from_value(&json!({ "files": files })),
            description: body.description,
        };
        let made = ctx.catalog.commit_prompt(caller.workspace_id, &handle, new, now)?;
        let made = made.ok_or_else(|| no_prompt(&handle))?;
        let commit = json!({
            "id": made.id.to_string(), "commit_hash": made.hash, "created_at": iso(made.created_at),
        });
        Ok(json!({ "commit": commit }))
    });
    Ok(Json(made.await?))
}

/// Removes the repository with all its files.
pub(in crate::api::langsmith) async fn delete(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams((owner, handle)): PathParams<(String, String)>,
) -> Result<Json<Value>> {
    super::delete(State(ctx), caller, PathParams((owner, handle))).await
}
