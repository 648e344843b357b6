//! `/feedback-configs`: what the scores of a key mean. A key has one config, which counts in the whole workspace: LangSmith's
//! first one.

mod categories;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_catalog::FeedbackConfig;
use clearspan_model::{ErrorKind, JsonText, UnixNanos, WorkspaceId};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::api::catalog::in_catalog;
use crate::api::error::{ApiError, ErrorCode, Result};
use crate::api::extract::{JsonBody, Params};
use crate::api::langsmith::find::{Pairs, is_true, parse_count, parse_id, unprocessable};
use crate::api::langsmith::run_json::iso;
use crate::auth::Caller;
use crate::context::Context;
use crate::ingest::feedback::Members;

use categories::CategoryChange;

const TYPES: &[&str] = &["continuous", "categorical", "freeform"];

pub(in crate::api::langsmith) async fn list(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Vec<Value>>> {
    let (mut keys, mut part, mut limit, mut offset) = (Vec::new(), None, usize::MAX, 0);
    let mut wants_enforced = false;
    for (name, value) in pairs {
        match name.as_str() {
            "key" => keys.push(value),
            "name_contains" => part = Some(value.to_lowercase()),
            "limit" => limit = parse_count("limit", &value)?.max(1),
            "offset" => offset = parse_count("offset", &value)?,
            "is_enforced" => wants_enforced = is_true(&value),
            _ => {}
        }
    }
    if wants_enforced {
        return Ok(Json(Vec::new()));
    }
    let configs = in_catalog(&ctx, move |catalog| catalog.list_feedback_configs(caller.workspace_id)).await?;
    let wanted = |config: &&FeedbackConfig| {
        (keys.is_empty() || keys.contains(&config.key))
            && part.as_ref().is_none_or(|part| config.key.to_lowercase().contains(part))
    };
    Ok(Json(configs.iter().filter(wanted).skip(offset).take(limit).map(config_json).collect()))
}

pub(in crate::api::langsmith) async fn create(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Value>> {
    let asked = Asked::read(&body).map_err(unprocessable)?;
    if asked.is_enforced {
        return Err(unprocessable(
            "enforced configs are not supported; a key has one config, which counts in the whole workspace: leave is_enforced out",
        ));
    }
    let config = asked.config.clone().ok_or_else(|| unprocessable("feedback_config is missing"))?;
    let new = asked.on_top_of(None, config, caller.workspace_id, ctx.clock.now());
    let kept = in_catalog(&ctx, move |catalog| {
        let before = load(catalog, &new.workspace_id, &new.key)?;
        match before {
            Some(before) if before.config.to_value() != new.config.to_value() => {
                let message = format!("the feedback key {:?} has a different config already", new.key);
                Err(clearspan_catalog::Error::new(ErrorKind::Conflict, message))
            }
            Some(before) if before.is_lower_score_better == new.is_lower_score_better => Ok(before),
            _ => catalog.put_feedback_config(&new).map(|()| new),
        }
    });
    Ok(Json(config_json(&kept.await?)))
}

pub(in crate::api::langsmith) async fn update(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Value>> {
    let asked = Asked::read(&body).map_err(unprocessable)?;
    let (workspace_id, now) = (caller.workspace_id, ctx.clock.now());
    let changed = tokio::task::spawn_blocking(move || {
        let before = load(&*ctx.catalog, &workspace_id, &asked.key)?;
        let before = before.filter(|before| asked.id.is_none_or(|id| id == id_of(before)));
        let before = before.ok_or_else(|| ApiError::not_found("config of the feedback key", &asked.key))?;
        let config = match &asked.config {
            Some(config) => config.clone(),
            None => asked.categories.applied_to(&before.config).map_err(unprocessable)?,
        };
        let changed = asked.on_top_of(Some(&before), config, workspace_id, now);
        ctx.catalog.put_feedback_config(&changed)?;
        Ok::<_, ApiError>(changed)
    });
    Ok(Json(config_json(&changed.await??)))
}

pub(in crate::api::langsmith) async fn delete(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Value>> {
    let value = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let (key, id) = (value("feedback_key"), value("id"));
    let id: Option<Uuid> = id.map(|id| parse_id("id", &id)).transpose()?;
    let name = key.clone().or_else(|| id.map(|id| id.to_string())).ok_or_else(|| {
        let message = "say which config with the parameter feedback_key or id";
        ApiError::new(ErrorCode::InvalidParameter, message)
    })?;
    let deleted = in_catalog(&ctx, move |catalog| {
        let configs = catalog.list_feedback_configs(caller.workspace_id)?;
        let is_meant = |config: &&FeedbackConfig| match &key {
            Some(key) => config.key == *key,
            None => id == Some(id_of(config)),
        };
        let Some(config) = configs.iter().find(is_meant) else { return Ok(false) };
        catalog.delete_feedback_config(caller.workspace_id, &config.key)
    });
    match deleted.await? {
        true => Ok(Json(json!({}))),
        false => Err(ApiError::not_found("feedback config", name)),
    }
}

/// What a body says of a key.
struct Asked {
    key: String,
    id: Option<Uuid>,
    config: Option<JsonText>,
    categories: CategoryChange,
    is_lower_score_better: Option<bool>,
    is_enforced: bool,
}

impl Asked {
    fn read(body: &Value) -> std::result::Result<Self, String> {
        let members = Members::of(body, "the config")?;
        let key = members.text("feedback_key")?.map(str::trim).filter(|key| !key.is_empty());
        let config = members.get("feedback_config");
        if let Some(config) = config {
            let kind = Members::of(config, "feedback_config")?.text("type")?.unwrap_or_default();
            if !TYPES.contains(&kind) {
                return Err(format!(
                    "the type of feedback_config is {kind:?}; it can be {}",
                    TYPES.join(", ")
                ));
            }
        }
        Ok(Self {
            key: key.ok_or("feedback_key is missing")?.to_owned(),
            id: members.id("id")?,
            config: config.map(JsonText::from_value),
            categories: CategoryChange::read(members)?,
            is_lower_score_better: members.flag("is_lower_score_better")?,
            is_enforced: members.flag("is_enforced")?.unwrap_or_default(),
        })
    }

    fn on_top_of(
        &self,
        before: Option<&FeedbackConfig>,
        config: JsonText,
        workspace_id: WorkspaceId,
        now: UnixNanos,
    ) -> FeedbackConfig {
        let known = before.and_then(|before| before.is_lower_score_better);
        FeedbackConfig {
            workspace_id,
            key: self.key.clone(),
            config,
            is_lower_score_better: self.is_lower_score_better.or(known),
            modified_at: now,
        }
    }
}

fn load(
    catalog: &dyn clearspan_catalog::Catalog,
    workspace_id: &WorkspaceId,
    key: &str,
) -> clearspan_catalog::Result<Option<FeedbackConfig>> {
    Ok(catalog.list_feedback_configs(*workspace_id)?.into_iter().find(|config| config.key == key))
}

/// Names a config for as long as its key has one.
fn id_of(config: &FeedbackConfig) -> Uuid {
    let digest =
        Sha256::new().chain_update(config.workspace_id.as_bytes()).chain_update(&config.key).finalize();
    let (first, _) = digest.split_first_chunk().expect("32 bytes are more than 16");
    uuid::Builder::from_custom_bytes(*first).into_uuid()
}

fn config_json(config: &FeedbackConfig) -> Value {
    json!({
        "id": id_of(config),
        "feedback_key": config.key,
        "feedback_config": config.config,
        "tenant_id": config.workspace_id,
        "modified_at": iso(config.modified_at),
        "is_lower_score_better": config.is_lower_score_better,
        "is_enforced": false,
        "is_first": true,
        "is_deleted": false,
    })
}
