//! `/feedback-configs`: what the scores of a key mean.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_catalog::FeedbackConfig;
use clearspan_model::{ErrorKind, JsonText, UnixNanos, WorkspaceId};
use serde_json::{Value, json};

use crate::api::catalog::in_catalog;
use crate::api::error::{ApiError, ErrorCode, Result};
use crate::api::extract::{JsonBody, Params};
use crate::api::langsmith::find::{Pairs, parse_count, unprocessable};
use crate::api::langsmith::run_json::iso;
use crate::auth::Caller;
use crate::context::Context;
use crate::ingest::feedback::Members;

const TYPES: &[&str] = &["continuous", "categorical", "freeform"];

pub(in crate::api::langsmith) async fn list(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Vec<Value>>> {
    let (mut keys, mut part, mut limit, mut offset) = (Vec::new(), None, usize::MAX, 0);
    for (name, value) in pairs {
        match name.as_str() {
            "key" => keys.push(value),
            "name_contains" => part = Some(value.to_lowercase()),
            "limit" => limit = parse_count("limit", &value)?.max(1),
            "offset" => offset = parse_count("offset", &value)?,
            _ => {}
        }
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
    let (workspace_id, now, key) = (caller.workspace_id, ctx.clock.now(), asked.key.clone());
    let kept = in_catalog(&ctx, move |catalog| {
        let Some(before) = load(catalog, &workspace_id, &asked.key)? else { return Ok(None) };
        let config = asked.config.clone().unwrap_or_else(|| before.config.clone());
        let changed = asked.on_top_of(Some(&before), config, workspace_id, now);
        catalog.put_feedback_config(&changed).map(|()| Some(changed))
    });
    let kept = kept.await?.ok_or_else(|| ApiError::not_found("config of the feedback key", key))?;
    Ok(Json(config_json(&kept)))
}

pub(in crate::api::langsmith) async fn delete(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Value>> {
    let key = pairs.into_iter().find_map(|(name, value)| (name == "feedback_key").then_some(value));
    let key = key.ok_or_else(|| {
        ApiError::new(ErrorCode::InvalidParameter, "say which config with the parameter feedback_key")
    })?;
    let name = key.clone();
    let existed =
        in_catalog(&ctx, move |catalog| catalog.delete_feedback_config(caller.workspace_id, &key)).await?;
    match existed {
        true => Ok(Json(json!({}))),
        false => Err(ApiError::not_found("config of the feedback key", name)),
    }
}

/// What a body says of a key.
struct Asked {
    key: String,
    config: Option<JsonText>,
    is_lower_score_better: Option<bool>,
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
            config: config.map(JsonText::from_value),
            is_lower_score_better: members.flag("is_lower_score_better")?,
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

fn config_json(config: &FeedbackConfig) -> Value {
    json!({
        "feedback_key": config.key,
        "feedback_config": config.config,
        "tenant_id": config.workspace_id,
        "modified_at": iso(config.modified_at),
        "is_lower_score_better": config.is_lower_score_better,
    })
}
