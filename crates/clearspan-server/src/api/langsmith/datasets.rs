//! Datasets: made, found, changed, removed, cloned, shared; their versions, tags and splits.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_catalog::{
    DataType, Dataset, DatasetContent, DatasetFilter, DatasetId, DatasetName, DatasetVersion, VersionRef,
};
use clearspan_model::{JsonText, UnixNanos, WorkspaceId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::input::{
    LargeJson, Page, Pairs, blocking, object, object_of_text, object_text, parse_id, parse_time,
    unprocessable,
};
use super::run_json::iso;
use crate::api::error::{ApiError, Result};
use crate::api::extract::{Params, PathParams};
use crate::auth::Caller;
use crate::context::Context;

/// What `POST` and `PATCH` say about a dataset. Every key may be missing or null.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DatasetBody {
    id: Option<String>,
    name: Option<String>,
    description: Option<String>,
    data_type: Option<String>,
    extra: Option<Value>,
    metadata: Option<Value>,
    inputs_schema_definition: Option<Value>,
    outputs_schema_definition: Option<Value>,
    transformations: Option<Value>,
    externally_managed: Option<bool>,
}

impl DatasetBody {
    /// Puts what is said over what is known.
    fn over(self, old: DatasetContent) -> Result<DatasetContent> {
        let name = self.name.map(|name| parse_name(&name)).transpose()?;
        let data_type = self.data_type.map(|text| parse_data_type(&text)).transpose()?;
        let extra = match (object("extra", self.extra)?, object("metadata", self.metadata)?) {
            (None, None) => old.extra,
            (extra, metadata) => {
                let known = || old.extra.to_value().as_object().cloned().unwrap_or_default();
                let mut extra = extra.unwrap_or_else(known);
                if let Some(metadata) = metadata {
                    extra.insert("metadata".to_owned(), Value::Object(metadata));
                }
                JsonText::from_value(&Value::Object(extra))
            }
        };
        let transformations = self.transformations.filter(|value| !value.is_null());
        Ok(DatasetContent {
            name: name.unwrap_or(old.name),
            description: self.description.or(old.description),
            data_type: data_type.unwrap_or(old.data_type),
            extra,
            inputs_schema: object_text("inputs_schema_definition", self.inputs_schema_definition)?
                .or(old.inputs_schema),
            outputs_schema: object_text("outputs_schema_definition", self.outputs_schema_definition)?
                .or(old.outputs_schema),
            transformations: transformations.as_ref().map(JsonText::from_value).or(old.transformations),
            externally_managed: self.externally_managed.unwrap_or(old.externally_managed),
        })
    }
}

pub(super) fn parse_name(text: &str) -> Result<DatasetName> {
    DatasetName::parse(text).map_err(|error| unprocessable(error.to_string()))
}

pub(super) fn parse_data_type(text: &str) -> Result<DataType> {
    DataType::parse(text)
        .ok_or_else(|| unprocessable(format!("data_type is {text:?}; it can be kv, llm or chat")))
}

/// A dataset as LangSmith's clients expect it.
pub(super) fn dataset_json(dataset: &Dataset) -> Value {
    let content = &dataset.content;
    let extra = content.extra.to_value();
    let json = |text: &Option<JsonText>| text.as_ref().map(JsonText::to_value);
    json!({
        "id": dataset.id.to_string(),
        "tenant_id": dataset.workspace_id,
        "name": content.name.as_str(),
        "description": content.description,
        "data_type": content.data_type.as_str(),
        "created_at": iso(dataset.created_at),
        "modified_at": iso(dataset.modified_at),
        "example_count": dataset.example_count,
        "session_count": dataset.experiment_count,
        "last_session_start_time": dataset.last_experiment_at.map(iso),
        "metadata": extra.get("metadata"),
        "extra": extra,
        "inputs_schema_definition": json(&content.inputs_schema),
        "outputs_schema_definition": json(&content.outputs_schema),
        "transformations": json(&content.transformations),
        "externally_managed": content.externally_managed,
    })
}

/// The dataset of a path.
pub(super) async fn load(ctx: &Arc<Context>, workspace_id: WorkspaceId, id: DatasetId) -> Result<Dataset> {
    blocking(ctx, move |ctx| {
        let found = ctx.catalog.load_dataset(workspace_id, id)?;
        found.ok_or_else(|| ApiError::not_found("dataset", id))
    })
    .await
}

pub(super) async fn create(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    LargeJson(body, _held): LargeJson<DatasetBody>,
) -> Result<Json<Value>> {
    let id = match &body.id {
        Some(id) => parse_id("dataset id", id)?,
        None => DatasetId::generate(),
    };
    let name = body.name.as_deref().ok_or_else(|| unprocessable("a dataset needs a name"))?;
    let content = DatasetContent::named(parse_name(name)?);
    let content = body.over(content)?;
    let now = ctx.clock.now();
    let made =
        blocking(&ctx, move |ctx| Ok(ctx.catalog.create_dataset(caller.workspace_id, id, content, now)?));
    Ok(Json(dataset_json(&made.await?)))
}

pub(super) async fn list(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Vec<Value>>> {
    let (mut filter, mut page) = (DatasetFilter::default(), Page::default());
    for (key, value) in &pairs {
        if !take_filter(&mut filter, key, value)? {
            page.take(key, value)?;
        }
    }
    let listed = blocking(&ctx, move |ctx| {
        Ok(ctx.catalog.list_datasets(caller.workspace_id, &filter, page.offset, page.limit)?)
    });
    let (datasets, _) = listed.await?;
    Ok(Json(datasets.iter().map(dataset_json).collect()))
}

/// Reads a parameter that says which datasets a list wants. False when it is none.
pub(super) fn take_filter(filter: &mut DatasetFilter, key: &str, value: &str) -> Result<bool> {
    match key {
        "id" => filter.ids.push(parse_id("dataset id", value)?),
        "name" => filter.name = Some(value.to_owned()),
        "name_contains" => filter.name_contains = Some(value.to_owned()),
        // What our types are not, nothing is.
        "data_type" | "datatype" => filter.data_types.push(parse_data_type(value)?),
        "metadata" => filter.metadata = Some(object_of_text(key, value)?),
        _ => return Ok(false),
    }
    Ok(true)
}

pub(super) async fn get(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<Value>> {
    let dataset = load(&ctx, caller.workspace_id, parse_id("dataset id", &id)?).await?;
    Ok(Json(dataset_json(&dataset)))
}

pub(super) async fn update(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    LargeJson(body, _held): LargeJson<DatasetBody>,
) -> Result<Json<Value>> {
    let id = parse_id("dataset id", &id)?;
    let now = ctx.clock.now();
    let changed = blocking(&ctx, move |ctx| {
        let not_found = || ApiError::not_found("dataset", id);
        let old = ctx.catalog.load_dataset(caller.workspace_id, id)?.ok_or_else(not_found)?;
        let content = body.over(old.content)?;
        ctx.catalog.update_dataset(caller.workspace_id, id, content, now)?.ok_or_else(not_found)
    });
    Ok(Json(dataset_json(&changed.await?)))
}

pub(super) async fn delete(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<Value>> {
    let id = parse_id("dataset id", &id)?;
    let deleted = blocking(&ctx, move |ctx| Ok(ctx.catalog.delete_dataset(caller.workspace_id, id)?));
    if deleted.await? { Ok(Json(json!({}))) } else { Err(ApiError::not_found("dataset", id)) }
}

/// What somebody writes for a version: a moment or a tag.
pub(super) fn version_ref(text: &str) -> VersionRef {
    // A tag is rarely a time, and a time rarely a tag.
    let looks_like_time = text.contains('-') && text.starts_with(|first: char| first.is_ascii_digit());
    match clearspan_query::text::parse_time(text).filter(|_| looks_like_time) {
        Some(time) => VersionRef::At(time),
        None => VersionRef::Tag(text.to_owned()),
    }
}

/// The moment of a version; of one that is written as a time, that time. Blocks.
pub(super) fn resolve_version(
    ctx: &Context,
    workspace_id: WorkspaceId,
    dataset_id: DatasetId,
    text: &str,
) -> Result<Option<UnixNanos>> {
    match version_ref(text) {
        VersionRef::At(time) => Ok(Some(time)),
        VersionRef::Tag(tag) if tag == DatasetVersion::LATEST => Ok(None),
        wanted => {
            let found = ctx.catalog.find_version(workspace_id, dataset_id, &wanted)?;
            let found = found.ok_or_else(|| {
                ApiError::not_found("version", format_args!("{text:?} of the dataset {dataset_id}"))
            })?;
            Ok(Some(found.as_of))
        }
    }
}

fn version_json(version: &DatasetVersion) -> Value {
    json!({ "as_of": iso(version.as_of), "tags": version.tags })
}

pub(super) async fn versions(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Vec<Value>>> {
    let id = parse_id("dataset id", &id)?;
    let page = Page::of(&pairs)?;
    let search = pairs.iter().find(|(key, _)| key == "search").map(|(_, value)| value.clone());
    load(&ctx, caller.workspace_id, id).await?;
    let listed = blocking(&ctx, move |ctx| {
        let list = |page: Page| ctx.catalog.list_versions(caller.workspace_id, id, page.offset, page.limit);
        let Some(search) = search.filter(|text| !text.is_empty()) else { return Ok(list(page)?) };
        // Few versions have tags; looking for one goes through all.
        let all = list(Page { offset: 0, limit: usize::MAX })?;
        let fits = |version: &DatasetVersion| {
            iso(version.as_of).contains(&search) || version.tags.iter().any(|tag| tag.contains(&search))
        };
        Ok(all.into_iter().filter(fits).skip(page.offset).take(page.limit).collect())
    });
    Ok(Json(listed.await?.iter().map(version_json).collect()))
}

pub(super) async fn version(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Value>> {
    let id = parse_id("dataset id", &id)?;
    let wanted = match pairs.iter().find(|(key, _)| key == "as_of" || key == "tag") {
        Some((key, value)) if key == "tag" => VersionRef::Tag(value.clone()),
        Some((_, value)) => version_ref(value),
        None => return Err(unprocessable("say which version: as_of or tag")),
    };
    load(&ctx, caller.workspace_id, id).await?;
    let found = blocking(&ctx, move |ctx| {
        let found = ctx.catalog.find_version(caller.workspace_id, id, &wanted)?;
        found.ok_or_else(|| ApiError::not_found("version", format_args!("{wanted:?} of the dataset {id}")))
    });
    Ok(Json(version_json(&found.await?)))
}

pub(super) async fn diff(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    Params(pairs): Params<Pairs>,
) -> Result<Json<Value>> {
    let id = parse_id("dataset id", &id)?;
    let parameter = |wanted: &str| {
        let found = pairs.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.clone());
        found.ok_or_else(|| unprocessable(format!("the parameter {wanted} is missing")))
    };
    let (from, to) = (parameter("from_version")?, parameter("to_version")?);
    load(&ctx, caller.workspace_id, id).await?;
    let diff = blocking(&ctx, move |ctx| {
        let moment = |text: &str| {
            let found = resolve_version(ctx, caller.workspace_id, id, text)?;
            Ok::<_, ApiError>(found.unwrap_or(UnixNanos::from_nanos(i64::MAX - 1)))
        };
        Ok(ctx.catalog.diff_versions(caller.workspace_id, id, moment(&from)?, moment(&to)?)?)
    });
    let diff = diff.await?;
    let texts =
        |ids: &[clearspan_catalog::ExampleId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    Ok(Json(json!({
        "examples_modified": texts(&diff.modified),
        "examples_added": texts(&diff.added),
        "examples_removed": texts(&diff.removed),
    })))
}

#[derive(Debug, Deserialize)]
pub(super) struct TagBody {
    as_of: String,
    tag: String,
}

pub(super) async fn tag(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    LargeJson(TagBody { as_of, tag }, _held): LargeJson<TagBody>,
) -> Result<Json<Value>> {
    let id = parse_id("dataset id", &id)?;
    let tag = tag.trim().to_owned();
    if tag.is_empty() || tag.chars().count() > 255 {
        return Err(unprocessable("a tag has 1 to 255 characters"));
    }
    load(&ctx, caller.workspace_id, id).await?;
    let tagged = blocking(&ctx, move |ctx| {
        let moment = match resolve_version(ctx, caller.workspace_id, id, &as_of)? {
            Some(moment) => moment,
            None => UnixNanos::from_nanos(i64::MAX),
        };
        let tagged = ctx.catalog.tag_version(caller.workspace_id, id, moment, &tag)?;
        tagged.ok_or_else(|| {
            ApiError::not_found("version", format_args!("of the dataset {id} as early as {as_of}"))
        })
    });
    Ok(Json(version_json(&tagged.await?)))
}

/// Whether a dataset is open to others, as `PUT`, `GET` and `DELETE` answer it.
fn share_json(id: DatasetId, token: Option<uuid::Uuid>) -> Json<Value> {
    match token {
        Some(token) => Json(json!({ "dataset_id": id.to_string(), "share_token": token })),
        None => Json(Value::Null),
    }
}

pub(super) async fn share(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<Value>> {
    let id = parse_id("dataset id", &id)?;
    let token = blocking(&ctx, move |ctx| Ok(ctx.catalog.share_dataset(caller.workspace_id, id)?)).await?;
    let token = token.ok_or_else(|| ApiError::not_found("dataset", id))?;
    Ok(share_json(id, Some(token)))
}

pub(super) async fn read_share(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<Value>> {
    let id = parse_id("dataset id", &id)?;
    load(&ctx, caller.workspace_id, id).await?;
    let token = blocking(&ctx, move |ctx| Ok(ctx.catalog.dataset_share(caller.workspace_id, id)?)).await?;
    Ok(share_json(id, token))
}

pub(super) async fn unshare(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<Value>> {
    let id = parse_id("dataset id", &id)?;
    load(&ctx, caller.workspace_id, id).await?;
    let token = blocking(&ctx, move |ctx| Ok(ctx.catalog.unshare_dataset(caller.workspace_id, id)?)).await?;
    Ok(share_json(id, token))
}

/// The dataset that a token opens to whoever has it.
pub(super) async fn shared(ctx: &Arc<Context>, token: &str) -> Result<Dataset> {
    let not_found = || ApiError::not_found("shared dataset", "under this address");
    let token = uuid::Uuid::try_parse(token).map_err(|_| not_found())?;
    blocking(ctx, move |ctx| ctx.catalog.find_shared_dataset(token)?.ok_or_else(not_found)).await
}

pub(super) async fn get_shared(
    State(ctx): State<Arc<Context>>,
    PathParams(token): PathParams<String>,
) -> Result<Json<Value>> {
    Ok(Json(dataset_json(&shared(&ctx, &token).await?)))
}

/// A time in a body.
pub(super) fn optional_time(key: &str, text: Option<&str>) -> Result<Option<UnixNanos>> {
    text.map(|text| parse_time(key, text)).transpose()
}
