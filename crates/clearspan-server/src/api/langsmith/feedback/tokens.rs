//! `/feedback/tokens`: addresses at which somebody without a key gives feedback on one run.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Html;
use clearspan_catalog::{Feedback, FeedbackConfig, FeedbackId, FeedbackToken, TokenId};
use clearspan_model::{JsonText, RunId, UnixNanos, WorkspaceId};
use clearspan_query::text::parse_nearest_time;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::api::catalog::in_catalog;
use crate::api::error::{ApiError, ErrorCode, Result};
use crate::api::extract::{JsonBody, Params, PathParams};
use crate::api::langsmith::find::{Pairs, parse_count, parse_id, unprocessable};
use crate::api::langsmith::run_json::iso;
use crate::auth::Caller;
use crate::context::Context;
use crate::ingest::feedback::{self, Given, Members, read_score};

/// Tokens that one request may make.
const MAX_TOKENS: usize = 1_000;
const MINUTE: i64 = 60_000_000_000;
/// How long a token is good for when nobody says.
const DEFAULT_LIFE: i64 = 3 * 60 * MINUTE;

pub(in crate::api::langsmith) async fn create(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Value>> {
    let now = ctx.clock.now();
    let (wanted, is_list) = match &body {
        Value::Array(many) => (many.iter().collect(), true),
        one => (vec![one], false),
    };
    if wanted.len() > MAX_TOKENS {
        return Err(unprocessable(format!("at most {MAX_TOKENS} tokens can be made at once")));
    }
    let made = wanted.into_iter().map(|wanted| read(wanted, caller.workspace_id, now));
    let (mut tokens, configs): (Vec<FeedbackToken>, Vec<Option<FeedbackConfig>>) =
        made.collect::<std::result::Result<Vec<_>, _>>().map_err(unprocessable)?.into_iter().unzip();
    let run_ids: Vec<RunId> = tokens.iter().map(|token| token.run_id).collect();
    let places = feedback::find_runs(&*ctx.store, caller.workspace_id, &run_ids).await?;
    for token in &mut tokens {
        if let Some((project_id, trace_id)) = places.get(&token.run_id).and_then(|places| places.first()) {
            (token.project_id, token.trace_id) = (Some(*project_id), Some(*trace_id));
        }
    }
    let base = base_url(&ctx, &headers);
    let answers: Vec<Value> = tokens.iter().map(|token| token_json(token, &base)).collect();
    in_catalog(&ctx, move |catalog| {
        catalog.create_feedback_tokens(&tokens)?;
        configs.iter().flatten().try_for_each(|config| catalog.put_feedback_config(config))
    })
    .await?;
    Ok(Json(match is_list {
        true => Value::Array(answers),
        false => answers.into_iter().next().unwrap_or_default(),
    }))
}

pub(in crate::api::langsmith) async fn list(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    headers: HeaderMap,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Vec<Value>>> {
    let (mut run_id, mut limit, mut offset) = (None, usize::MAX, 0);
    for (name, value) in &pairs {
        match name.as_str() {
            "run_id" => run_id = Some(parse_id::<RunId>("run_id", value)?),
            "limit" => limit = parse_count("limit", value)?.max(1),
            "offset" => offset = parse_count("offset", value)?,
            _ => {}
        }
    }
    let run_id = run_id.ok_or_else(|| {
        ApiError::new(ErrorCode::InvalidParameter, "say whose tokens with the parameter run_id")
    })?;
    let tokens =
        in_catalog(&ctx, move |catalog| catalog.list_feedback_tokens(caller.workspace_id, run_id)).await?;
    let base = base_url(&ctx, &headers);
    Ok(Json(tokens.iter().skip(offset).take(limit).map(|token| token_json(token, &base)).collect()))
}

pub(in crate::api::langsmith) async fn give(
    State(ctx): State<Arc<Context>>,
    PathParams(token): PathParams<String>,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Value>> {
    keep(&ctx, &token, body).await?;
    Ok(Json(json!({})))
}

/// A link in an e-mail: `?score=1&comment=thanks`.
pub(in crate::api::langsmith) async fn give_by_link(
    State(ctx): State<Arc<Context>>,
    PathParams(token): PathParams<String>,
    Params(pairs): Params<Pairs>,
) -> Result<Html<&'static str>> {
    let mut body = Map::new();
    for (name, value) in pairs {
        let value = match name.as_str() {
            "score" => serde_json::from_str(&value.to_ascii_lowercase()).unwrap_or(Value::String(value)),
            "value" | "comment" | "correction" => Value::String(value),
            _ => continue,
        };
        body.insert(name, value);
    }
    keep(&ctx, &token, Value::Object(body)).await?;
    Ok(Html(
        "<!doctype html><meta charset=utf-8><title>Thank you</title><p>Thank you: your feedback was kept.",
    ))
}

async fn keep(ctx: &Arc<Context>, token: &str, mut body: Value) -> Result<()> {
    ctx.ingest.redact(&mut body);
    // Guessed and malformed ones look alike.
    let unknown = || ApiError::new(ErrorCode::NotFound, "there is no such feedback token");
    let id: TokenId = token.parse().map_err(|_| unknown())?;
    let token = in_catalog(ctx, move |catalog| catalog.find_feedback_token(id)).await?.ok_or_else(unknown)?;
    let now = ctx.clock.now();
    if token.expires_at <= now {
        let mut error =
            ApiError::new(ErrorCode::NotFound, "this feedback token has expired; ask for a new one");
        error.status = StatusCode::GONE;
        return Err(error);
    }
    let feedback = said(&token, &body, now).map_err(unprocessable)?;
    let given = vec![Given { feedback, config: None }];
    Ok(ctx.ingest.take_feedback(token.workspace_id, given).await?)
}

/// What the holder of a token says.
fn said(token: &FeedbackToken, body: &Value, now: UnixNanos) -> std::result::Result<Feedback, String> {
    let members = Members::of(body, "feedback")?;
    let metadata = members.get("metadata");
    Ok(Feedback {
        id: token.feedback_id,
        workspace_id: token.workspace_id,
        project_id: token.project_id,
        run_id: Some(token.run_id),
        trace_id: token.trace_id,
        key: token.key.clone(),
        score: members.get("score").map_or(Ok(None), read_score)?,
        value: members.json("value"),
        comment: members.text("comment")?.map(str::to_owned),
        correction: members.json("correction"),
        source_type: Some("api".to_owned()),
        source: Some(JsonText::from_value(&json!({ "type": "api", "metadata": metadata }))),
        is_error: None,
        group_id: None,
        comparative_experiment_id: None,
        extra: None,
        run_start: None,
        created_at: now,
        modified_at: now,
    })
}

fn read(
    wanted: &Value,
    workspace_id: WorkspaceId,
    now: UnixNanos,
) -> std::result::Result<(FeedbackToken, Option<FeedbackConfig>), String> {
    let members = Members::of(wanted, "a token")?;
    let key = members.text("feedback_key")?.map(str::trim).filter(|key| !key.is_empty());
    let token = FeedbackToken {
        id: members.id("id")?.unwrap_or_else(Uuid::new_v4),
        token: Uuid::new_v4(),
        workspace_id,
        project_id: None,
        trace_id: None,
        run_id: members.id("run_id")?.ok_or("run_id is missing")?,
        key: key.ok_or("feedback_key is missing")?.to_owned(),
        feedback_id: FeedbackId::generate(),
        created_at: now,
        expires_at: expiry(members, now)?,
    };
    let config = members.json("feedback_config").map(|config| FeedbackConfig {
        workspace_id,
        key: token.key.clone(),
        config,
        is_lower_score_better: None,
        modified_at: now,
    });
    Ok((token, config))
}

fn expiry(members: Members<'_>, now: UnixNanos) -> std::result::Result<UnixNanos, String> {
    // Who wants a token without an end names a year that is far away.
    let far = members.get("expires_at").and_then(Value::as_str).and_then(parse_nearest_time);
    if let Some(at) = far.map_or_else(|| members.time("expires_at"), |at| Ok(Some(at)))? {
        return Ok(at);
    }
    let life = match members.get("expires_in") {
        None => DEFAULT_LIFE,
        Some(life) => {
            let parts = Members::of(life, "expires_in")?;
            let part = |name: &str, minutes: i64| match parts.get(name) {
                None => Ok(0),
                Some(value) => value
                    .as_i64()
                    .filter(|count| *count >= 0)
                    .map(|count| count.saturating_mul(minutes))
                    .ok_or_else(|| format!("{name} of expires_in must be a count")),
            };
            let minutes =
                part("days", 24 * 60)?.saturating_add(part("hours", 60)?).saturating_add(part("minutes", 1)?);
            minutes.saturating_mul(MINUTE)
        }
    };
    Ok(UnixNanos::from_nanos(now.as_nanos().saturating_add(life)))
}

/// The SDK takes the last part of the address and asks at the endpoint that it knows; a browser uses all of it.
fn token_json(token: &FeedbackToken, base: &str) -> Value {
    json!({
        "id": token.id,
        "url": format!("{base}/api/v1/feedback/tokens/{}", token.token),
        "expires_at": iso(token.expires_at),
        "feedback_key": token.key,
    })
}

/// How the caller reached this server.
pub(in crate::api::langsmith) fn base_url(ctx: &Context, headers: &HeaderMap) -> String {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = match text(header::HeaderName::from_static("x-forwarded-proto")) {
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => "https",
        _ => "http",
    };
    match text(header::HOST) {
        Some(host) => format!("{scheme}://{host}"),
        None => ctx.bound.http_url(),
    }
}
