//! Examples: read, listed, and written one by one or many at once as JSON. Forms with files are in `forms`.

mod body;
pub(super) mod download;
mod forms;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_catalog::{
    DatasetId, Example, ExampleChange, ExampleFilter, ExampleId, ExampleQuery, ExampleWrite,
};
use clearspan_model::WorkspaceId;
use clearspan_query::langsmith::{MetadataFilter, parse_example_filter};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::asked::complain;
use super::attachments::base_of_addresses;
use super::datasets::{self, resolve_version};
use super::input::{
    AtMost, LargeJson, Page, Pairs, blocking, is_true, object_of_text, parse_id, unprocessable,
};
use super::json_object::{JsonObject, text_of};
use super::run_json::iso;
use crate::api::error::{ApiError, Result};
use crate::api::extract::{Params, PathParams};
use crate::attachments::ContentHash;
use crate::auth::Caller;
use crate::context::Context;

pub(super) use body::ExampleBody;
pub(super) use forms::{create_form, update_form, upload, upsert_form};

/// Examples that one request may name or change.
pub(super) const MAX_EXAMPLES: usize = 20_000;

/// An example as LangSmith's clients expect it. They fetch each file that is listed at once, so files are listed only for
/// those who ask; their addresses begin with `files_at`.
pub(super) fn example_json(ctx: &Context, example: &Example, files_at: Option<&str>) -> JsonObject {
    let short: String = example.id.to_string().chars().take(4).collect();
    let mut json = JsonObject::from(json!({
        "id": example.id.to_string(),
        "dataset_id": example.dataset_id.to_string(),
        "created_at": iso(example.created_at),
        "modified_at": iso(example.version),
        "name": format!("#{short}"),
        "inputs": null,
        "outputs": null,
        "metadata": null,
        "source_run_id": example.source_run_id,
    }));
    json.set_sent("inputs", &example.inputs);
    if let Some(outputs) = &example.outputs {
        json.set_sent("outputs", outputs);
    }
    json.set_text("metadata", text_of(&example.metadata));
    if let Some(base) = files_at {
        json.set("attachment_urls", files(ctx, example, base));
    }
    json
}

/// The files of an example with addresses to fetch them; null when there are none.
fn files(ctx: &Context, example: &Example, base: &str) -> Value {
    let mut files = Map::new();
    for file in &example.attachments {
        let Some(hash) = ContentHash::parse(&file.digest) else { continue };
        let link = ctx.attachments.sign(&hash, &file.name, &file.mime_type, ctx.clock.now());
        let url = format!("{base}{}", link.to_url(&hash));
        let entry = json!({ "presigned_url": url, "s3_url": url, "mime_type": file.mime_type, "size_bytes": file.size });
        files.insert(format!("attachment.{}", file.name), entry);
    }
    if files.is_empty() { Value::Null } else { Value::Object(files) }
}

/// What a list of examples is asked with.
#[derive(Debug, Default)]
pub(super) struct Asked {
    query: ExampleQuery,
    page: Page,
    as_of: Option<String>,
    select: Vec<String>,
    only_selected: bool,
}

impl Asked {
    pub(super) fn parse(pairs: &Pairs) -> Result<Self> {
        let mut asked =
            Self { query: ExampleQuery { newest_first: true, ..ExampleQuery::default() }, ..Self::default() };
        let mut filters = Vec::new();
        for (key, value) in pairs {
            let query = &mut asked.query;
            match key.as_str() {
                "dataset" => query.dataset_id = Some(parse_id("dataset id", value)?),
                "id" => query.ids.push(parse_id("example id", value)?),
                "splits" => query.splits.push(value.clone()),
                "as_of" => asked.as_of = Some(value.clone()),
                "metadata" => filters.push(ExampleFilter::Contains(object_of_text(key, value)?)),
                "filter" if !value.trim().is_empty() => filters.push(parse_filter(value)?),
                "order" => query.newest_first = value != "recently_created_ascending" && value != "id",
                "select" => asked.select.push(value.clone()),
                "exclude_default_fields" => asked.only_selected = is_true(value),
                _ => {
                    asked.page.take(key, value)?;
                }
            }
        }
        asked.query.filter = match filters.len() {
            0 => None,
            1 => filters.pop(),
            _ => Some(ExampleFilter::All(filters)),
        };
        if asked.query.ids.len() > MAX_EXAMPLES {
            return Err(unprocessable(format!("more than {MAX_EXAMPLES} ids; ask for fewer at once")));
        }
        (asked.query.offset, asked.query.limit) = (asked.page.offset, asked.page.limit);
        Ok(asked)
    }

    fn wants_files(&self) -> bool {
        self.select.iter().any(|key| key == "attachment_urls")
    }

    /// The rows as JSON. Blocks.
    fn answer(&self, ctx: &Context, examples: &[Example], base: &str) -> Vec<JsonObject> {
        let files_at = self.wants_files().then_some(base);
        let row = |example: &Example| {
            let mut json = example_json(ctx, example, files_at);
            if self.only_selected {
                let is_selected = |key: &str| self.select.iter().any(|selected| selected == key);
                json.retain(|key| key == "id" || key == "dataset_id" || is_selected(key));
            }
            json
        };
        examples.iter().map(row).collect()
    }

    /// Sets the version that is asked for. Blocks.
    fn resolve(&mut self, ctx: &Context, workspace_id: WorkspaceId) -> Result<()> {
        let Some(as_of) = &self.as_of else { return Ok(()) };
        self.query.version = match self.query.dataset_id {
            Some(dataset_id) => resolve_version(ctx, workspace_id, dataset_id, as_of)?,
            // Tags belong to a dataset.
            None if as_of == "latest" => None,
            None => Some(super::input::parse_time("as_of", as_of)?),
        };
        Ok(())
    }
}

fn parse_filter(text: &str) -> Result<ExampleFilter> {
    parse_example_filter(text).map(on_metadata).map_err(|complaint| complain("filter", &complaint))
}

/// A condition on metadata in the words of the catalog.
pub(super) fn on_metadata(filter: MetadataFilter) -> ExampleFilter {
    let many = |filters: Vec<_>| filters.into_iter().map(on_metadata).collect();
    match filter {
        MetadataFilter::All(filters) => ExampleFilter::All(many(filters)),
        MetadataFilter::Any(filters) => ExampleFilter::Any(many(filters)),
        MetadataFilter::Not(filter) => ExampleFilter::Not(Box::new(on_metadata(*filter))),
        MetadataFilter::Contains(part) => ExampleFilter::Contains(part),
        MetadataFilter::HasKey(key) => ExampleFilter::HasKey(key),
    }
}

pub(super) async fn list(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    headers: HeaderMap,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Vec<JsonObject>>> {
    let mut asked = Asked::parse(&pairs)?;
    let base = base_of_addresses(&ctx, &headers);
    if asked.query.dataset_id.is_none() && asked.query.ids.is_empty() {
        return Err(unprocessable("say which examples: the parameter dataset or id is missing"));
    }
    let rows = blocking(&ctx, move |ctx| {
        asked.resolve(ctx, caller.workspace_id)?;
        Ok(asked.answer(ctx, &ctx.catalog.list_examples(caller.workspace_id, &asked.query)?, &base))
    });
    Ok(Json(rows.await?))
}

pub(super) async fn count(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    Params(pairs): Params<Pairs>,
) -> Result<Json<u64>> {
    let mut asked = Asked::parse(&pairs)?;
    let count = blocking(&ctx, move |ctx| {
        asked.resolve(ctx, caller.workspace_id)?;
        Ok(ctx.catalog.count_examples(caller.workspace_id, &asked.query)?)
    });
    Ok(Json(count.await?))
}

/// The examples of a dataset that was shared.
pub(super) async fn list_shared(
    State(ctx): State<Arc<Context>>,
    PathParams(token): PathParams<String>,
    headers: HeaderMap,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Vec<JsonObject>>> {
    let mut asked = Asked::parse(&pairs)?;
    let base = base_of_addresses(&ctx, &headers);
    let dataset = datasets::shared(&ctx, &token).await?;
    asked.query.dataset_id = Some(dataset.id);
    let rows = blocking(&ctx, move |ctx| {
        asked.resolve(ctx, dataset.workspace_id)?;
        Ok(asked.answer(ctx, &ctx.catalog.list_examples(dataset.workspace_id, &asked.query)?, &base))
    });
    Ok(Json(rows.await?))
}

pub(super) async fn get(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    headers: HeaderMap,
    Params(pairs): Params<Pairs>,
) -> Result<Json<JsonObject>> {
    let id: ExampleId = parse_id("example id", &id)?;
    let base = base_of_addresses(&ctx, &headers);
    let as_of = pairs.into_iter().find(|(key, _)| key == "as_of").map(|(_, value)| value);
    let found = blocking(&ctx, move |ctx| {
        let newest = ctx.catalog.load_example(caller.workspace_id, id, None)?;
        let version = match (&as_of, &newest) {
            (None, _) => return Ok(newest.map(|example| example_json(ctx, &example, Some(&base)))),
            (Some(as_of), Some(newest)) => {
                resolve_version(ctx, caller.workspace_id, newest.dataset_id, as_of)?
            }
            // Of an example that is gone nobody knows the dataset, but a time needs none.
            (Some(as_of), None) => Some(super::input::parse_time("as_of", as_of)?),
        };
        let found = ctx.catalog.load_example(caller.workspace_id, id, version)?;
        Ok(found.map(|example| example_json(ctx, &example, Some(&base))))
    });
    found.await?.map(Json).ok_or_else(|| ApiError::not_found("example", id))
}

/// Writes examples of datasets, each dataset at once, and returns them as they are then.
async fn write(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    writes: Vec<(DatasetId, ExampleWrite)>,
) -> Result<Vec<JsonObject>> {
    let now = ctx.clock.now();
    blocking(ctx, move |ctx| {
        let ids: Vec<ExampleId> = writes.iter().map(|(_, write)| write.id()).collect();
        let mut by_dataset: Vec<(DatasetId, Vec<ExampleWrite>)> = Vec::new();
        for (dataset_id, write) in writes {
            match by_dataset.iter_mut().find(|(id, _)| *id == dataset_id) {
                Some((_, of_it)) => of_it.push(write),
                None => by_dataset.push((dataset_id, vec![write])),
            }
        }
        for (dataset_id, writes) in by_dataset {
            let version = ctx.catalog.write_examples(workspace_id, dataset_id, writes, now)?;
            version.ok_or_else(|| ApiError::not_found("dataset", dataset_id))?;
        }
        let load = |id: &ExampleId| {
            let example = ctx.catalog.load_example(workspace_id, *id, None)?;
            let example = example.ok_or_else(|| ApiError::not_found("example", id))?;
            Ok(example_json(ctx, &example, None))
        };
        ids.iter().map(load).collect()
    })
    .await
}

pub(super) async fn create(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    LargeJson(body, _held): LargeJson<ExampleBody>,
) -> Result<Json<JsonObject>> {
    let new = body.create(&ctx, caller.workspace_id).await?;
    let mut made = write(&ctx, caller.workspace_id, vec![new]).await?;
    Ok(Json(made.pop().unwrap_or_default()))
}

pub(super) async fn create_many(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    LargeJson(AtMost(bodies), _held): LargeJson<AtMost<ExampleBody, MAX_EXAMPLES>>,
) -> Result<Json<Vec<JsonObject>>> {
    let mut writes = Vec::with_capacity(bodies.len());
    for body in bodies {
        writes.push(body.create(&ctx, caller.workspace_id).await?);
    }
    Ok(Json(write(&ctx, caller.workspace_id, writes).await?))
}

pub(super) fn check_count(count: usize) -> Result<()> {
    if count > MAX_EXAMPLES {
        return Err(unprocessable(format!("more than {MAX_EXAMPLES} examples; send fewer at once")));
    }
    Ok(())
}

/// The dataset of an example that is to be changed: examples do not move. Blocks.
fn home(
    ctx: &Context,
    workspace_id: WorkspaceId,
    change: ExampleChange,
) -> Result<(DatasetId, ExampleWrite)> {
    let example = ctx.catalog.load_example(workspace_id, change.id, None)?;
    let example = example.ok_or_else(|| ApiError::not_found("example", change.id))?;
    Ok((example.dataset_id, ExampleWrite::Update(change)))
}

pub(super) async fn update(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    LargeJson(body, _held): LargeJson<ExampleBody>,
) -> Result<Json<JsonObject>> {
    let change = body.change(Some(parse_id("example id", &id)?))?;
    let update = blocking(&ctx, move |ctx| home(ctx, caller.workspace_id, change)).await?;
    let mut changed = write(&ctx, caller.workspace_id, vec![update]).await?;
    Ok(Json(changed.pop().unwrap_or_default()))
}

pub(super) async fn update_many(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    LargeJson(AtMost(bodies), _held): LargeJson<AtMost<ExampleBody, MAX_EXAMPLES>>,
) -> Result<Json<Vec<JsonObject>>> {
    let changes = bodies.into_iter().map(|body| body.change(None)).collect::<Result<Vec<_>>>()?;
    let updates = blocking(&ctx, move |ctx| {
        changes.into_iter().map(|change| home(ctx, caller.workspace_id, change)).collect::<Result<Vec<_>>>()
    });
    let updates = updates.await?;
    Ok(Json(write(&ctx, caller.workspace_id, updates).await?))
}

async fn delete_all(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    ids: Vec<ExampleId>,
    forever: bool,
) -> Result<Vec<ExampleId>> {
    check_count(ids.len())?;
    let now = ctx.clock.now();
    blocking(ctx, move |ctx| Ok(ctx.catalog.delete_examples(workspace_id, &ids, forever, now)?)).await
}

pub(super) async fn delete(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<Value>> {
    let id = parse_id("example id", &id)?;
    let deleted = delete_all(&ctx, caller.workspace_id, vec![id], false).await?;
    if deleted.is_empty() { Err(ApiError::not_found("example", id)) } else { Ok(Json(json!({}))) }
}

/// One example of the dataset in the path.
pub(super) async fn delete_of(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams((_, id)): PathParams<(String, String)>,
) -> Result<Json<Value>> {
    delete(State(ctx), caller, PathParams(id)).await
}

/// `DELETE /examples?example_ids=…`: those that are gone already do no harm.
pub(super) async fn delete_many(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Value>> {
    let ids = pairs.iter().filter(|(key, _)| key == "example_ids");
    let ids = ids.map(|(_, value)| parse_id("example id", value)).collect::<Result<Vec<_>>>()?;
    if ids.is_empty() {
        return Err(unprocessable("the parameter example_ids is missing"));
    }
    delete_all(&ctx, caller.workspace_id, ids, false).await?;
    Ok(Json(json!({})))
}

#[derive(Debug, Deserialize)]
pub(super) struct DeleteBody {
    example_ids: Vec<String>,
    #[serde(default)]
    hard_delete: Option<bool>,
}

pub(super) async fn delete_listed(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    LargeJson(body, _held): LargeJson<DeleteBody>,
) -> Result<Json<Value>> {
    let ids = body.example_ids.iter().map(|id| parse_id("example id", id)).collect::<Result<Vec<_>>>()?;
    let deleted = delete_all(&ctx, caller.workspace_id, ids, body.hard_delete.unwrap_or(false)).await?;
    let texts: Vec<String> = deleted.iter().map(ToString::to_string).collect();
    Ok(Json(json!({ "count": deleted.len(), "example_ids": texts })))
}

pub(super) async fn splits(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Vec<String>>> {
    let id = parse_id("dataset id", &id)?;
    let as_of = pairs.into_iter().find(|(key, _)| key == "as_of").map(|(_, value)| value);
    datasets::load(&ctx, caller.workspace_id, id).await?;
    let splits = blocking(&ctx, move |ctx| {
        let version = match &as_of {
            Some(as_of) => resolve_version(ctx, caller.workspace_id, id, as_of)?,
            None => None,
        };
        Ok(ctx.catalog.list_splits(caller.workspace_id, id, version)?)
    });
    Ok(Json(splits.await?))
}

#[derive(Debug, Deserialize)]
pub(super) struct SplitsBody {
    split_name: String,
    examples: Vec<String>,
    #[serde(default)]
    remove: Option<bool>,
}

/// Puts examples into a split, or takes them out of it.
pub(super) async fn update_splits(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    LargeJson(body, _held): LargeJson<SplitsBody>,
) -> Result<Json<Vec<String>>> {
    let id: DatasetId = parse_id("dataset id", &id)?;
    let SplitsBody { split_name, examples, remove } = body;
    check_count(examples.len())?;
    let ids = examples.iter().map(|id| parse_id("example id", id)).collect::<Result<Vec<ExampleId>>>()?;
    let remove = remove.unwrap_or(false);
    if split_name.trim().is_empty() || split_name.chars().count() > 255 {
        return Err(unprocessable("a split's name has 1 to 255 characters"));
    }
    let now = ctx.clock.now();
    let splits = blocking(&ctx, move |ctx| {
        let mut writes = Vec::new();
        for example_id in ids {
            let example = ctx.catalog.load_example(caller.workspace_id, example_id, None)?;
            let example = example.filter(|example| example.dataset_id == id);
            let example = example.ok_or_else(|| ApiError::not_found("example", example_id))?;
            let mut splits = example.splits();
            splits.retain(|split| *split != split_name);
            if !remove {
                splits.push(split_name.clone());
            }
            writes.push(ExampleWrite::Update(ExampleChange {
                splits: Some(splits),
                ..ExampleChange::of(example_id)
            }));
        }
        let written = ctx.catalog.write_examples(caller.workspace_id, id, writes, now)?;
        written.ok_or_else(|| ApiError::not_found("dataset", id))?;
        Ok(ctx.catalog.list_splits(caller.workspace_id, id, None)?)
    });
    Ok(Json(splits.await?))
}

#[derive(Debug, Deserialize)]
pub(super) struct CloneBody {
    source_dataset_id: String,
    target_dataset_id: String,
    #[serde(default)]
    as_of: Option<String>,
    #[serde(default)]
    examples: Option<Vec<String>>,
    #[serde(default)]
    split: Option<Value>,
}

/// Copies examples of one dataset, of any version, into another.
pub(super) async fn clone_dataset(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    LargeJson(body, _held): LargeJson<CloneBody>,
) -> Result<Json<Vec<Value>>> {
    let source = parse_id("dataset id", &body.source_dataset_id)?;
    let target: DatasetId = parse_id("dataset id", &body.target_dataset_id)?;
    let ids = body.examples.unwrap_or_default();
    let ids = ids.iter().map(|id| parse_id("example id", id)).collect::<Result<Vec<_>>>()?;
    let splits = body::split_names(body.split)?.unwrap_or_default();
    datasets::load(&ctx, caller.workspace_id, source).await?;
    datasets::load(&ctx, caller.workspace_id, target).await?;
    let now = ctx.clock.now();
    let copied = blocking(&ctx, move |ctx| {
        let version = match &body.as_of {
            Some(as_of) => resolve_version(ctx, caller.workspace_id, source, as_of)?,
            None => None,
        };
        let query = ExampleQuery {
            dataset_id: Some(source),
            ids,
            version,
            splits,
            limit: MAX_EXAMPLES + 1,
            ..ExampleQuery::default()
        };
        let examples = ctx.catalog.list_examples(caller.workspace_id, &query)?;
        check_count(examples.len())?;
        let copies: Vec<_> = examples.into_iter().map(Example::into_copy).collect();
        let ids: Vec<ExampleId> = copies.iter().map(|copy| copy.id).collect();
        let writes = copies.into_iter().map(ExampleWrite::Create).collect();
        ctx.catalog.write_examples(caller.workspace_id, target, writes, now)?;
        Ok(ids)
    });
    let copied = copied.await?;
    Ok(Json(
        copied.iter().map(|id| json!({ "id": id.to_string(), "dataset_id": target.to_string() })).collect(),
    ))
}
