//! A rule tried on a stored run: what it matches, and what would become different. Nothing is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_catalog::{RuleContent, RuleId, RuleName};
use clearspan_mapping::pricing::PriceTable;
use clearspan_mapping::remap;
use clearspan_mapping::rules::Rules;
use clearspan_model::{JsonText, Run, Side};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::super::error::{ApiError, Result};
use super::super::extract::{ChangeBody, RunParam, TraceParam};
use super::super::openapi::Errors;
use super::super::run::IssueAnswer;
use super::super::traces::scope;
use super::super::types::decimal_text;
use super::blocking;
use crate::auth::Caller;
use crate::context::Context;

/// What a rule without a name is called while it is tried.
const UNNAMED: &str = "tried rule";

/// A rule, and the run to try it on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrialBody {
    rule: TriedRule,
    /// The saved rule that it would replace.
    replaces: Option<String>,
    /// Id or name of the project; without it the whole workspace is searched.
    project: Option<String>,
    #[schema(value_type = String)]
    trace_id: TraceParam,
    #[schema(value_type = String)]
    run_id: RunParam,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TriedRule {
    attribute: String,
    field: String,
    name: Option<String>,
}

/// What the rule would do to the run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Trial {
    /// The run's attributes that the rule is about, also where a stronger rule takes them.
    matched: Vec<MatchedAttribute>,
    /// What would differ with all saved rules that are switched on and this one.
    changes: Vec<FieldChange>,
    /// What the mapping would have to repair, conflicts among it.
    issues: Vec<IssueAnswer>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MatchedAttribute {
    attribute: String,
    /// Of an attribute that another rule used: the field that it filled.
    #[schema(value_type = serde_json::Value)]
    value: Value,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldChange {
    /// As in `sources` of a run.
    field: String,
    #[schema(value_type = serde_json::Value)]
    before: Value,
    #[schema(value_type = serde_json::Value)]
    after: Value,
}

/// Try a rule on a stored run; nothing is saved
#[utoipa::path(post, operation_id = "test_rule", path = "/mapping-rules/test", tag = "rules", request_body = TrialBody,
    responses((status = 200, body = Trial), Errors))]
pub(crate) async fn test(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    ChangeBody(body): ChangeBody<TrialBody>,
) -> Result<Json<Trial>> {
    let TrialBody { rule, replaces, project, trace_id: TraceParam(trace_id), run_id: RunParam(run_id) } =
        body;
    let TriedRule { attribute, field, name } = rule;
    let name = name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| UNNAMED.to_owned());
    let name = RuleName::parse(&name).map_err(|error| ApiError::member("/rule/name", error.to_string()))?;
    let content = RuleContent { name, enabled: true, attribute, field };
    let replaces = replaces.map(|id| id.parse::<RuleId>()).transpose();
    let replaces = replaces.map_err(|_| ApiError::member("/replaces", "not the id of a rule (a UUID)"))?;

    let scope = scope(&ctx, &caller, project.as_deref()).await?;
    let found = ctx.store.load_runs(&scope, &[trace_id], &[run_id]).await?.pop();
    let stored = found.ok_or_else(|| ApiError::not_found("run", run_id))?;
    let trial = blocking(&ctx, move |ctx| {
        let alone = ctx.rules.alone(&content)?;
        let rules = ctx.rules.with(caller.workspace_id, content, replaces)?;
        Ok(try_on(&stored, &alone, &rules))
    });
    Ok(Json(trial.await?))
}

/// `alone` is the rule by itself, `rules` are all that would be in use.
fn try_on(stored: &Run, alone: &Rules, rules: &Rules) -> Trial {
    let mut mapped = remap(stored, rules);
    PriceTable::builtin().price(&mut mapped);
    let (before, after) = (fields(stored), fields(&mapped));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let value =
        |fields: &BTreeMap<String, Value>, name: &String| fields.get(name).cloned().unwrap_or_default();
    let changes = names.into_iter().filter_map(|name| {
        let (before, after) = (value(&before, name), value(&after, name));
        (before != after).then(|| FieldChange { field: name.clone(), before, after })
    });
    Trial {
        matched: matched(stored, alone, &before),
        changes: changes.collect(),
        issues: mapped.issues.into_iter().map(Into::into).collect(),
    }
}

/// Attributes that no rule has used are in the run; those that were used are told by its sources.
fn matched(stored: &Run, alone: &Rules, fields: &BTreeMap<String, Value>) -> Vec<MatchedAttribute> {
    let mut found: BTreeMap<&str, Value> = BTreeMap::new();
    for (field, source) in stored.sources.iter() {
        // `rule:<name>:<attribute>`; no name holds a colon.
        let attribute =
            source.strip_prefix("rule:").and_then(|rest| rest.split_once(':')).map(|(_, key)| key);
        let attribute = attribute.unwrap_or(source);
        if alone.is_match(attribute) {
            found.entry(attribute).or_insert_with(|| fields.get(field).cloned().unwrap_or_default());
        }
    }
    for (key, value) in stored.attributes.iter().filter(|(key, _)| alone.is_match(key)) {
        found.insert(key, value.to_value());
    }
    let row = |(attribute, value): (&str, Value)| MatchedAttribute { attribute: attribute.to_owned(), value };
    found.into_iter().map(row).collect()
}

/// Everything that rules can fill, by the names that sources have.
fn fields(run: &Run) -> BTreeMap<String, Value> {
    let mut fields = BTreeMap::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    };
    for (name, text) in [
        ("name", &run.name),
        ("model", &run.model),
        ("provider", &run.provider),
        ("error", &run.error),
        ("error_type", &run.error_type),
        ("thread_id", &run.thread_id),
        ("user_id", &run.user_id),
        ("release", &run.release),
        ("environment", &run.environment),
        ("dialect", &run.dialect),
    ] {
        put(name, text.as_deref().map(Value::from));
    }
    put("run_type", Some(run.effective_type().as_str().into()));
    put("status", Some(run.effective_status().as_str().into()));
    put("first_token_time", run.first_token_time.map(|time| time.as_micros().into()));
    put("tags", (!run.tags.is_empty()).then(|| json!(run.tags)));
    for (name, side, payload) in
        [("inputs", Side::Input, &run.inputs), ("outputs", Side::Output, &run.outputs)]
    {
        let messages = run.messages(side);
        put(&format!("{name}.messages"), (!messages.is_empty()).then(|| json!(messages)));
        put(name, payload.rest.as_ref().map(JsonText::to_value));
    }
    let params = run.invocation_params.as_ref().map(JsonText::to_value);
    for (name, value) in params.as_ref().and_then(Value::as_object).into_iter().flatten() {
        put(&format!("invocation_params.{name}"), Some(value.clone()));
    }
    for (name, value) in &run.metadata {
        put(&format!("metadata.{name}"), Some(value.to_value()));
    }
    for (name, value) in &run.attributes {
        put(&format!("attributes.{name}"), Some(value.to_value()));
    }
    put_figures(run, &mut put);
    fields
}

fn put_figures(run: &Run, put: &mut impl FnMut(&str, Option<Value>)) {
    if let Some(usage) = &run.usage {
        put("usage.input_tokens", usage.input_tokens.map(Value::from));
        put("usage.output_tokens", usage.output_tokens.map(Value::from));
        put("usage.total_tokens", usage.total_tokens.map(Value::from));
        for (group, details) in
            [("input_details", &usage.input_details), ("output_details", &usage.output_details)]
        {
            for (name, count) in details {
                put(&format!("usage.{group}.{name}"), Some((*count).into()));
            }
        }
    }
    if let Some(cost) = &run.cost {
        for (name, dollars) in [("input", cost.input), ("output", cost.output), ("total", cost.total)] {
            put(&format!("cost.{name}"), dollars.map(decimal_text).map(Value::from));
        }
        for (name, dollars) in &cost.details {
            put(&format!("cost.details.{name}"), Some(decimal_text(*dollars).into()));
        }
    }
}
