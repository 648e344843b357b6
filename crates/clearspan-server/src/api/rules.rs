//! Mapping rules of users: list, change, put in order, and try on a stored run.

mod trial;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_catalog::{MappingRule, RuleContent, RuleId, RuleName};
use clearspan_mapping::rules::{FIELDS, MAX_RULES, RuleMember};
use clearspan_model::ErrorKind;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiError, ErrorCode, Result};
use super::extract::{ChangeBody, PathParams};
use super::openapi::Errors;
use crate::auth::Caller;
use crate::context::Context;
use crate::ingest::RuleRefusal;

pub(super) use trial::*;

/// All rules of the workspace.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleList {
    /// The strongest first.
    rules: Vec<RuleRow>,
    /// The fields that a rule can fill.
    fields: Vec<RuleField>,
}

/// A rule: an attribute, and the field of a run that it fills. It is stronger than every built-in rule.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleRow {
    id: String,
    /// Unique in the workspace.
    name: String,
    enabled: bool,
    /// The key of an attribute, or a pattern with one `*`, for example `acme.llm.*.tokens`.
    attribute: String,
    /// One of the `fields`. In `metadata.<key>` and `invocation_params.<key>`, `{*}` is what the star matched.
    field: String,
    created_at: i64,
    updated_at: i64,
    /// A smaller one is stronger.
    position: i64,
}

impl From<MappingRule> for RuleRow {
    fn from(rule: MappingRule) -> Self {
        let RuleContent { name, enabled, attribute, field } = rule.content;
        Self {
            id: rule.id.to_string(),
            name: name.as_str().to_owned(),
            enabled,
            attribute,
            field,
            created_at: rule.created_at.as_micros(),
            updated_at: rule.updated_at.as_micros(),
            position: rule.position,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleField {
    field: &'static str,
    description: &'static str,
}

/// What a rule is to say.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleBody {
    name: String,
    attribute: String,
    field: String,
    /// A rule is switched on unless told otherwise.
    #[serde(default = "yes")]
    enabled: bool,
}

fn yes() -> bool {
    true
}

impl RuleBody {
    fn content(self) -> Result<RuleContent> {
        let Self { name, attribute, field, enabled } = self;
        let name = RuleName::parse(&name).map_err(|error| ApiError::member("/name", error.to_string()))?;
        Ok(RuleContent { name, enabled, attribute, field })
    }
}

/// The order that rules are to have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderBody {
    /// Each rule of the workspace once, the strongest first.
    ids: Vec<String>,
}

/// Mapping rules of the workspace
#[utoipa::path(get, operation_id = "list_rules", path = "/mapping-rules", tag = "rules", responses((status = 200, body = RuleList), Errors))]
pub(crate) async fn list(State(ctx): State<Arc<Context>>, caller: Caller) -> Result<Json<RuleList>> {
    let rules = blocking(&ctx, move |ctx| Ok(ctx.rules.list(caller.workspace_id)?)).await?;
    Ok(Json(rule_list(rules)))
}

/// Add a rule, weaker than the others
#[utoipa::path(post, operation_id = "create_rule", path = "/mapping-rules", tag = "rules", request_body = RuleBody,
    responses((status = 201, body = RuleRow), Errors))]
pub(crate) async fn create(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    ChangeBody(body): ChangeBody<RuleBody>,
) -> Result<(StatusCode, Json<RuleRow>)> {
    let content = body.content()?;
    let now = ctx.clock.now();
    let created = blocking(&ctx, move |ctx| Ok(ctx.rules.create(caller.workspace_id, content, now)?)).await?;
    Ok((StatusCode::CREATED, Json(created.into())))
}

/// Change a rule; its place stays
#[utoipa::path(put, operation_id = "update_rule", path = "/mapping-rules/{id}", tag = "rules", request_body = RuleBody,
    params(("id" = String, Path, description = "Id of the rule")),
    responses((status = 200, body = RuleRow), Errors))]
pub(crate) async fn update(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    ChangeBody(body): ChangeBody<RuleBody>,
) -> Result<Json<RuleRow>> {
    let content = body.content()?;
    let now = ctx.clock.now();
    let rule_id = parse_id(&id)?;
    let updated =
        blocking(&ctx, move |ctx| Ok(ctx.rules.update(caller.workspace_id, rule_id, content, now)?));
    updated.await?.map(|rule| Json(rule.into())).ok_or_else(|| ApiError::not_found("mapping rule", id))
}

/// Remove a rule
///
/// Runs that it filled keep their fields until they are mapped again.
#[utoipa::path(delete, operation_id = "delete_rule", path = "/mapping-rules/{id}", tag = "rules",
    params(("id" = String, Path, description = "Id of the rule")),
    responses((status = 204, description = "It is gone"), Errors))]
pub(crate) async fn delete(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<StatusCode> {
    let rule_id = parse_id(&id)?;
    let deleted = blocking(&ctx, move |ctx| Ok(ctx.rules.delete(caller.workspace_id, rule_id)?)).await?;
    if deleted { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::not_found("mapping rule", id)) }
}

/// Put the rules in order
#[utoipa::path(put, operation_id = "order_rules", path = "/mapping-rules/order", tag = "rules", request_body = OrderBody,
    responses((status = 200, body = RuleList), Errors))]
pub(crate) async fn order(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    ChangeBody(body): ChangeBody<OrderBody>,
) -> Result<Json<RuleList>> {
    let ids = body.ids.iter().map(|id| id.parse::<RuleId>()).collect::<std::result::Result<Vec<_>, _>>();
    let ids = ids.map_err(|_| ApiError::member("/ids", "an id is not a UUID"))?;
    let ordered = blocking(&ctx, move |ctx| Ok(ctx.rules.order(caller.workspace_id, &ids)?)).await?;
    Ok(Json(rule_list(ordered)))
}

fn rule_list(rules: Vec<MappingRule>) -> RuleList {
    let fields = FIELDS.iter().map(|known| RuleField { field: known.field, description: known.description });
    RuleList { rules: rules.into_iter().map(Into::into).collect(), fields: fields.collect() }
}

fn parse_id(id: &str) -> Result<RuleId> {
    id.parse().map_err(|_| ApiError::not_found("mapping rule", format_args!("{id:?}")))
}

/// Rules are kept on the disk.
async fn blocking<T: Send + 'static>(
    ctx: &Arc<Context>,
    work: impl FnOnce(&Context) -> Result<T> + Send + 'static,
) -> Result<T> {
    let ctx = Arc::clone(ctx);
    tokio::task::spawn_blocking(move || work(&ctx)).await?
}

impl From<RuleRefusal> for ApiError {
    fn from(refusal: RuleRefusal) -> Self {
        match refusal {
            RuleRefusal::Unusable(error) => Self::member(
                match error.member {
                    RuleMember::Name => "/name",
                    RuleMember::Attribute => "/attribute",
                    RuleMember::Field => "/field",
                },
                error.message,
            ),
            RuleRefusal::Full => Self::new(
                ErrorCode::Conflict,
                format!(
                    "the workspace has {MAX_RULES} mapping rules, which is all it can have; remove one first"
                ),
            ),
            RuleRefusal::Catalog(error) if error.kind() == ErrorKind::Conflict => Self {
                pointer: Some("/name"),
                ..Self::new(ErrorCode::Conflict, format!("{error}; choose another name"))
            },
            RuleRefusal::Catalog(error) => error.into(),
        }
    }
}
