//! Prompts: repositories, their commits, tags and likes. Directories of agents and skills are in `directories`.

pub(super) mod directories;
mod reader;

use std::cmp::Reverse;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_catalog::{NewCommit, Prompt, PromptAbout, PromptCommit, PromptHandle, PromptKind, PromptTag};
use clearspan_model::JsonText;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::input::{LargeJson, Page, Pairs, blocking, is_true, parse_id, unprocessable};
use super::run_json::iso;
use crate::api::error::{ApiError, Result};
use crate::api::extract::{Params, PathParams};
use crate::auth::{Caller, Visitor};
use crate::context::Context;
use reader::Reader;

/// What stands for the workspace of the caller in addresses.
const OWN: &str = "-";

/// The handle of a path, when its owner is the caller's workspace.
fn handle_of(ctx: &Context, owner: &str, handle: String) -> Result<String> {
    if owner == OWN || owner == ctx.workspace.name {
        return Ok(handle);
    }
    Err(no_prompt(&format!("{owner}/{handle}")))
}

fn no_prompt(handle: &str) -> ApiError {
    ApiError::not_found("prompt", format_args!("{handle:?}"))
}

/// A prompt as LangSmith's clients expect it.
fn prompt_json(ctx: &Context, prompt: &Prompt) -> Value {
    let about = &prompt.about;
    json!({
        "id": prompt.id.to_string(),
        "tenant_id": prompt.workspace_id,
        "repo_handle": prompt.handle,
        "repo_type": prompt.kind.as_str(),
        "owner": ctx.workspace.name,
        "full_name": format!("{}/{}", ctx.workspace.name, prompt.handle),
        "description": about.description,
        "readme": about.readme,
        "tags": about.tags,
        "is_public": about.is_public,
        "is_archived": about.is_archived,
        "created_at": iso(prompt.created_at),
        "updated_at": iso(prompt.updated_at),
        "num_likes": prompt.likes,
        "num_downloads": prompt.pulls,
        "num_views": prompt.pulls,
        "num_commits": prompt.commits,
        "liked_by_auth_user": prompt.likes > 0,
        "last_commit_hash": prompt.newest_hash,
        "original_repo_id": null,
        "upstream_repo_id": null,
    })
}

fn commit_json(commit: &PromptCommit) -> Value {
    json!({
        "id": commit.id.to_string(),
        "repo_id": commit.prompt_id.to_string(),
        "commit_hash": commit.hash,
        "parent_commit_hash": commit.parent_hash,
        "description": commit.description,
        "created_at": iso(commit.created_at),
        "updated_at": iso(commit.created_at),
        "example_run_ids": [],
        "num_downloads": 0,
        "num_views": 0,
    })
}

fn tag_json(prompt: &str, tag: &PromptTag) -> Value {
    json!({
        "id": tag.commit_id.to_string(),
        "repo_handle": prompt,
        "tag_name": tag.name,
        "commit_id": tag.commit_id.to_string(),
        "commit_hash": tag.commit_hash,
        "created_at": iso(tag.created_at),
        "updated_at": iso(tag.updated_at),
    })
}

/// What `POST` and `PATCH` say about a prompt. What is missing or null stays.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PromptBody {
    repo_handle: Option<String>,
    repo_type: Option<String>,
    description: Option<String>,
    readme: Option<String>,
    tags: Option<Vec<String>>,
    is_public: Option<bool>,
    is_archived: Option<bool>,
}

impl PromptBody {
    fn over(self, old: PromptAbout) -> PromptAbout {
        PromptAbout {
            description: self.description.or(old.description),
            readme: self.readme.or(old.readme),
            tags: self.tags.unwrap_or(old.tags),
            is_public: self.is_public.unwrap_or(old.is_public),
            is_archived: self.is_archived.unwrap_or(old.is_archived),
        }
    }
}

fn parse_kind(text: &str) -> Result<PromptKind> {
    PromptKind::parse(text)
        .ok_or_else(|| unprocessable(format!("repo_type is {text:?}; it can be prompt, agent or skill")))
}

pub(super) async fn create(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    LargeJson(body, _held): LargeJson<PromptBody>,
) -> Result<Json<Value>> {
    let text = body.repo_handle.clone().ok_or_else(|| unprocessable("a prompt needs a repo_handle"))?;
    let handle = PromptHandle::parse(&text).ok_or_else(|| {
        let message =
            "a repo_handle has 1 to 255 characters: letters without accents, digits, `-`, `_` and `.`";
        unprocessable(message)
    })?;
    let kind = body.repo_type.as_deref().map_or(Ok(PromptKind::Prompt), parse_kind)?;
    let about = body.over(PromptAbout::default());
    let now = ctx.clock.now();
    let made = blocking(&ctx, move |ctx| {
        let made = ctx.catalog.create_prompt(caller.workspace_id, &handle, kind, about, now)?;
        Ok(json!({ "repo": prompt_json(ctx, &made) }))
    });
    Ok(Json(made.await?))
}

pub(super) async fn get(
    State(ctx): State<Arc<Context>>,
    visitor: Visitor,
    PathParams((owner, handle)): PathParams<(String, String)>,
) -> Result<Json<Value>> {
    let handle = handle_of(&ctx, &owner, handle)?;
    let reader = Reader::of(&ctx, visitor, &owner)?;
    let found = blocking(&ctx, move |ctx| {
        reader.check(ctx, &handle)?;
        let found = ctx.catalog.load_prompt(reader.workspace_id, &handle)?;
        let found = found.ok_or_else(|| no_prompt(&handle))?;
        Ok(json!({ "repo": prompt_json(ctx, &found) }))
    });
    Ok(Json(found.await?))
}

pub(super) async fn update(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams((owner, handle)): PathParams<(String, String)>,
    LargeJson(body, _held): LargeJson<PromptBody>,
) -> Result<Json<Value>> {
    let handle = handle_of(&ctx, &owner, handle)?;
    let now = ctx.clock.now();
    let updated = blocking(&ctx, move |ctx| {
        let old = ctx.catalog.load_prompt(caller.workspace_id, &handle)?;
        let about = body.over(old.ok_or_else(|| no_prompt(&handle))?.about);
        let updated = ctx.catalog.update_prompt(caller.workspace_id, &handle, about, now)?;
        let updated = updated.ok_or_else(|| no_prompt(&handle))?;
        Ok(json!({ "repo": prompt_json(ctx, &updated) }))
    });
    Ok(Json(updated.await?))
}

pub(super) async fn delete(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams((owner, handle)): PathParams<(String, String)>,
) -> Result<Json<Value>> {
    let handle = handle_of(&ctx, &owner, handle)?;
    let deleted =
        blocking(&ctx, move |ctx| match ctx.catalog.delete_prompt(caller.workspace_id, &handle)? {
            true => Ok(json!({})),
            false => Err(no_prompt(&handle)),
        });
    Ok(Json(deleted.await?))
}

/// Which prompts a list shows, in which order.
#[derive(Debug, Default)]
struct Asked {
    page: Page,
    is_public: Option<bool>,
    is_archived: Option<bool>,
    kind: Option<PromptKind>,
    query: Option<String>,
    at_begin: bool,
    tags: Vec<String>,
    sort_by: Option<String>,
    ascending: bool,
}

impl Asked {
    fn parse(pairs: &Pairs) -> Result<Self> {
        let mut asked = Self { kind: Some(PromptKind::Prompt), ..Self::default() };
        for (key, value) in pairs {
            match key.as_str() {
                "is_public" => asked.is_public = Some(is_true(value)),
                "is_archived" => asked.is_archived = Some(is_true(value)),
                "repo_type" => asked.kind = Some(parse_kind(value)?),
                "query" => asked.query = Some(value.to_lowercase()).filter(|query| !query.is_empty()),
                "match_prefix" => asked.at_begin = is_true(value),
                "tags" => asked.tags.push(value.clone()),
                "sort_field" => asked.sort_by = Some(value.clone()),
                "sort_direction" => asked.ascending = value.eq_ignore_ascii_case("asc"),
                _ => {
                    asked.page.take(key, value)?;
                }
            }
        }
        Ok(asked)
    }

    fn wants(&self, prompt: &Prompt) -> bool {
        let about = &prompt.about;
        let fits = |query: &String| {
            let texts = [Some(&prompt.handle), about.description.as_ref(), about.readme.as_ref()];
            let mut texts = texts.into_iter().flatten().map(|text| text.to_lowercase());
            match self.at_begin {
                true => prompt.handle.to_lowercase().starts_with(query),
                false => texts.any(|text| text.contains(query)),
            }
        };
        self.is_public.is_none_or(|wanted| wanted == about.is_public)
            && self.is_archived.is_none_or(|wanted| wanted == about.is_archived)
            && self.kind.is_none_or(|kind| kind == prompt.kind)
            && self.tags.iter().all(|tag| about.tags.contains(tag))
            && self.query.as_ref().is_none_or(fits)
    }

    fn sort(&self, prompts: &mut [Prompt]) {
        match self.sort_by.as_deref() {
            Some("num_likes") => prompts.sort_by_key(|prompt| Reverse(prompt.likes)),
            Some("num_downloads" | "num_views") => prompts.sort_by_key(|prompt| Reverse(prompt.pulls)),
            Some("created_at") => prompts.sort_by_key(|prompt| Reverse(prompt.created_at)),
            _ => prompts.sort_by_key(|prompt| Reverse(prompt.updated_at)),
        }
        if self.ascending {
            prompts.reverse();
        }
    }
}

pub(super) async fn list(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Value>> {
    let asked = Asked::parse(&pairs)?;
    let listed = blocking(&ctx, move |ctx| {
        let mut prompts = ctx.catalog.list_prompts(caller.workspace_id)?;
        prompts.retain(|prompt| asked.wants(prompt));
        asked.sort(&mut prompts);
        let page = prompts.iter().skip(asked.page.offset).take(asked.page.limit);
        let rows: Vec<Value> = page.map(|prompt| prompt_json(ctx, prompt)).collect();
        Ok(json!({ "repos": rows, "total": prompts.len() }))
    });
    Ok(Json(listed.await?))
}

#[derive(Debug, Deserialize)]
pub(super) struct CommitBody {
    manifest: Box<RawValue>,
    #[serde(default)]
    parent_commit: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

pub(super) async fn commit(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams((owner, handle)): PathParams<(String, String)>,
    LargeJson(body, _held): LargeJson<CommitBody>,
) -> Result<Json<Value>> {
    let handle = handle_of(&ctx, &owner, handle)?;
    if !body.manifest.get().trim_start().starts_with('{') {
        return Err(unprocessable("manifest must be an object"));
    }
    let new = NewCommit {
        parent: body.parent_commit,
        manifest: JsonText::from_trusted(body.manifest.get()),
        description: body.description,
    };
    let now = ctx.clock.now();
    let made = blocking(&ctx, move |ctx| {
        let made = ctx.catalog.commit_prompt(caller.workspace_id, &handle, new, now)?;
        let made = made.ok_or_else(|| no_prompt(&handle))?;
        let mut json = commit_json(&made);
        json["manifest"] = made.manifest.to_value();
        Ok(json!({ "commit": json }))
    });
    Ok(Json(made.await?))
}

pub(super) async fn commits(
    State(ctx): State<Arc<Context>>,
    visitor: Visitor,
    PathParams((owner, handle)): PathParams<(String, String)>,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Value>> {
    let handle = handle_of(&ctx, &owner, handle)?;
    let reader = Reader::of(&ctx, visitor, &owner)?;
    let page = Page::of(&pairs)?;
    let listed = blocking(&ctx, move |ctx| {
        reader.check(ctx, &handle)?;
        let listed = ctx.catalog.list_commits(reader.workspace_id, &handle, page.offset, page.limit)?;
        let (commits, total) = listed.ok_or_else(|| no_prompt(&handle))?;
        let row = |commit: &PromptCommit| {
            let mut json = commit_json(commit);
            json["manifest"] = commit.manifest.to_value();
            json["full_name"] = json!(format!("{}/{handle}", ctx.workspace.name));
            json
        };
        Ok(json!({ "commits": commits.iter().map(row).collect::<Vec<_>>(), "total": total }))
    });
    Ok(Json(listed.await?))
}

/// A commit by `latest`, tag, hash or beginning of a hash, as programs pull it.
pub(super) async fn pull(
    State(ctx): State<Arc<Context>>,
    visitor: Visitor,
    PathParams((owner, handle, reference)): PathParams<(String, String, String)>,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Value>> {
    let handle = handle_of(&ctx, &owner, handle)?;
    let reader = Reader::of(&ctx, visitor, &owner)?;
    let with_model = pairs.iter().any(|(key, value)| key == "include_model" && is_true(value));
    let found = blocking(&ctx, move |ctx| {
        reader.check(ctx, &handle)?;
        let found = ctx.catalog.find_commit(reader.workspace_id, &handle, &reference)?;
        let found = found.ok_or_else(|| {
            ApiError::not_found("commit", format_args!("{reference:?} of the prompt {handle:?}"))
        })?;
        ctx.catalog.note_prompt_pulled(found.prompt_id)?;
        let manifest = found.manifest.to_value();
        let mut json = commit_json(&found);
        json["manifest"] = if with_model { manifest } else { prompt_alone(manifest) };
        json["examples"] = json!([]);
        Ok(json)
    });
    Ok(Json(found.await?))
}

/// Of a prompt that was kept together with its model, the prompt.
fn prompt_alone(manifest: Value) -> Value {
    let class = |value: &Value| value["id"].as_array().and_then(|id| id.last()?.as_str().map(str::to_owned));
    if class(&manifest).as_deref() != Some("RunnableSequence") {
        return manifest;
    }
    let first = &manifest["kwargs"]["first"];
    match class(first) {
        Some(class) if class.contains("Prompt") => first.clone(),
        _ => manifest,
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct TagBody {
    #[serde(default)]
    tag_name: Option<String>,
    commit_id: String,
}

fn parse_tag(text: &str) -> Result<String> {
    let is_tag = |text: &str| {
        (1..=255).contains(&text.len())
            && text != "latest"
            && text.chars().all(|c| !c.is_control() && !matches!(c, '/' | ':'))
    };
    let text = text.trim();
    match is_tag(text) {
        true => Ok(text.to_owned()),
        false => {
            Err(unprocessable("a tag has 1 to 255 characters, none of them `/` or `:`, and is not `latest`"))
        }
    }
}

pub(super) async fn tag(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams((owner, handle)): PathParams<(String, String)>,
    LargeJson(body, _held): LargeJson<TagBody>,
) -> Result<Json<Value>> {
    let handle = handle_of(&ctx, &owner, handle)?;
    let name = parse_tag(&body.tag_name.ok_or_else(|| unprocessable("tag_name is missing"))?)?;
    let commit_id = parse_id("commit id", &body.commit_id)?;
    move_tag(ctx, caller, handle, name, commit_id).await
}

pub(super) async fn update_tag(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams((owner, handle, name)): PathParams<(String, String, String)>,
    LargeJson(body, _held): LargeJson<TagBody>,
) -> Result<Json<Value>> {
    let handle = handle_of(&ctx, &owner, handle)?;
    let commit_id = parse_id("commit id", &body.commit_id)?;
    move_tag(ctx, caller, handle, parse_tag(&name)?, commit_id).await
}

async fn move_tag(
    ctx: Arc<Context>,
    caller: Caller,
    handle: String,
    name: String,
    commit_id: clearspan_catalog::CommitId,
) -> Result<Json<Value>> {
    let now = ctx.clock.now();
    let tagged = blocking(&ctx, move |ctx| {
        let tagged = ctx.catalog.tag_commit(caller.workspace_id, &handle, &name, commit_id, now)?;
        let tagged = tagged.ok_or_else(|| {
            ApiError::not_found("commit", format_args!("{commit_id} of the prompt {handle:?}"))
        })?;
        Ok(tag_json(&handle, &tagged))
    });
    Ok(Json(tagged.await?))
}

pub(super) async fn tags(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams((owner, handle)): PathParams<(String, String)>,
) -> Result<Json<Vec<Value>>> {
    let handle = handle_of(&ctx, &owner, handle)?;
    let listed = blocking(&ctx, move |ctx| {
        let tags = ctx.catalog.list_prompt_tags(caller.workspace_id, &handle)?;
        let tags = tags.ok_or_else(|| no_prompt(&handle))?;
        Ok(tags.iter().map(|tag| tag_json(&handle, tag)).collect())
    });
    Ok(Json(listed.await?))
}

pub(super) async fn delete_tag(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams((owner, handle, name)): PathParams<(String, String, String)>,
) -> Result<Json<Value>> {
    let handle = handle_of(&ctx, &owner, handle)?;
    let deleted = blocking(&ctx, move |ctx| {
        match ctx.catalog.delete_prompt_tag(caller.workspace_id, &handle, &name)? {
            true => Ok(json!({})),
            false => Err(ApiError::not_found("tag", format_args!("{name:?} of the prompt {handle:?}"))),
        }
    });
    Ok(Json(deleted.await?))
}

#[derive(Debug, Deserialize)]
pub(super) struct LikeBody {
    like: bool,
}

pub(super) async fn like(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams((owner, handle)): PathParams<(String, String)>,
    LargeJson(body, _held): LargeJson<LikeBody>,
) -> Result<Json<Value>> {
    let handle = handle_of(&ctx, &owner, handle)?;
    let likes = blocking(&ctx, move |ctx| {
        let likes = ctx.catalog.like_prompt(caller.workspace_id, &handle, body.like)?;
        likes.ok_or_else(|| no_prompt(&handle))
    });
    Ok(Json(json!({ "likes": likes.await? })))
}
