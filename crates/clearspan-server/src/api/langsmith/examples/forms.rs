//! Examples as forms: with files, as the SDKs of today send them, and whole tables in CSV or JSON lines.

mod table;

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use clearspan_catalog::{Attachment, DatasetContent, DatasetId, ExampleId, ExampleWrite};
use clearspan_model::WorkspaceId;
use http::StatusCode;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::body::ExampleBody;
use super::check_count;
use crate::api::error::{ApiError, ErrorCode, Result};
use crate::api::extract::PathParams;
use crate::api::langsmith::datasets::{dataset_json, parse_data_type, parse_name};
use crate::api::langsmith::form::{self, Part};
use crate::api::langsmith::input::{blocking, no_room, parse_id, read_body, unprocessable};
use crate::api::langsmith::run_json::iso;
use crate::attachments::Attachments;
use crate::auth::Caller;
use crate::context::Context;
use crate::ingest::tree_bytes;

/// Longer names of files are refused.
const MAX_FILE_NAME: usize = 1_024;

/// The parts of one example.
#[derive(Debug, Default)]
struct Parts<'a> {
    main: Option<&'a Part<'a>>,
    inputs: Option<&'a Part<'a>>,
    outputs: Option<&'a Part<'a>>,
    operations: Option<&'a Part<'a>>,
    files: Vec<(&'a str, &'a Part<'a>)>,
}

/// The examples of a form, in the order in which they begin.
fn group<'a>(parts: &'a [Part<'a>]) -> Result<Vec<(ExampleId, Parts<'a>)>> {
    let mut places: BTreeMap<ExampleId, usize> = BTreeMap::new();
    let mut examples: Vec<(ExampleId, Parts<'a>)> = Vec::new();
    for part in parts {
        let name = part.name.as_str();
        let (id, rest) = name.split_once('.').map_or((name, None), |(id, rest)| (id, Some(rest)));
        let id = parse_id("example id", id)?;
        let place = *places.entry(id).or_insert_with(|| {
            examples.push((id, Parts::default()));
            examples.len() - 1
        });
        let Some((_, example)) = examples.get_mut(place) else { continue };
        let slot = match rest {
            None => &mut example.main,
            Some("inputs") => &mut example.inputs,
            Some("outputs") => &mut example.outputs,
            Some("attachments_operations") => &mut example.operations,
            Some(rest) => match rest.strip_prefix("attachment.") {
                Some(name) if !name.is_empty() && name.len() <= MAX_FILE_NAME => {
                    example.files.push((name, part));
                    continue;
                }
                _ => return Err(unprocessable(format!("the part {:?} has no meaning here", part.name))),
            },
        };
        if slot.replace(part).is_some() {
            return Err(unprocessable(format!("there are two parts {:?}", part.name)));
        }
        check_length(part)?;
    }
    check_count(examples.len())?;
    Ok(examples)
}

/// A part that says how long it is must be that long: the rest was lost on the way.
fn check_length(part: &Part<'_>) -> Result<()> {
    let says = match &part.length {
        None => return Ok(()),
        Some(Ok(length)) if *length == part.bytes.len() as u64 => return Ok(()),
        Some(Ok(length)) => length.to_string(),
        Some(Err(text)) => text.clone(),
    };
    Err(unprocessable(format!("the part {:?} has {} bytes and says {says:?}", part.name, part.bytes.len())))
}

impl Parts<'_> {
    /// The example that the parts describe; keeps its files. Blocks.
    fn body(self, id: ExampleId, attachments: &Attachments) -> Result<ExampleBody> {
        let mut body: ExampleBody = match self.main {
            Some(part) => parse_json(part)?,
            None => ExampleBody::default(),
        };
        body.id = Some(id.to_string());
        let raw = |part: Option<&Part<'_>>| part.map(parse_json::<Box<RawValue>>).transpose();
        body.inputs = raw(self.inputs)?.or(body.inputs);
        body.outputs = raw(self.outputs)?.or(body.outputs);
        if let Some(part) = self.operations {
            body.attachments_operations = parse_json(part)?;
        }
        for (name, part) in self.files {
            check_length(part)?;
            body.files.push(keep_file(attachments, name, part)?);
        }
        Ok(body)
    }
}

fn parse_json<'a, T: serde::Deserialize<'a>>(part: &Part<'a>) -> Result<T> {
    serde_json::from_slice(part.bytes)
        .map_err(|error| unprocessable(format!("cannot read the part {:?}: {error}", part.name)))
}

fn keep_file(attachments: &Attachments, name: &str, part: &Part<'_>) -> Result<Attachment> {
    let keep = || {
        let mut file = attachments.begin()?;
        file.write_all(part.bytes)?;
        attachments.keep(file)
    };
    let (hash, size) = keep().map_err(|error: io::Error| {
        tracing::error!(error = crate::error::chain(&error), "an attachment cannot be written");
        ApiError::new(ErrorCode::Unavailable, "the server cannot write now; try again later")
    })?;
    let mime_type =
        part.content_type.as_deref().filter(|text| !text.is_empty()).unwrap_or("application/octet-stream");
    Ok(Attachment { name: name.to_owned(), mime_type: mime_type.to_owned(), size, digest: hash.to_string() })
}

/// The examples of a form.
async fn read_bodies(ctx: &Arc<Context>, request: Request) -> Result<Vec<ExampleBody>> {
    let (parts, body) = request.into_parts();
    let boundary = form::boundary(&parts.headers)?;
    let (bytes, mut reservation) = read_body(ctx, body).await?;
    blocking(ctx, move |ctx| {
        let parts = form::parse(&bytes, &boundary)?;
        let trees =
            parts.iter().filter(|part| is_read_as_tree(&part.name)).map(|part| tree_bytes(part.bytes));
        reservation.grow_to(bytes.len() + trees.sum::<usize>()).map_err(no_room)?;
        let bodies = group(&parts)?.into_iter().map(|(id, parts)| parts.body(id, &ctx.attachments)).collect();
        drop(reservation);
        bodies
    })
    .await
}

/// Inputs, outputs and files stay the bytes that they are.
fn is_read_as_tree(name: &str) -> bool {
    name.split_once('.').is_none_or(|(_, rest)| rest == "attachments_operations")
}

/// What a write of examples is answered with.
async fn write(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    dataset_id: DatasetId,
    writes: Vec<ExampleWrite>,
) -> Result<Json<Value>> {
    let ids: Vec<String> = writes.iter().map(|write| write.id().to_string()).collect();
    let now = ctx.clock.now();
    let written = blocking(ctx, move |ctx| {
        let version = ctx.catalog.write_examples(workspace_id, dataset_id, writes, now)?;
        version.ok_or_else(|| ApiError::not_found("dataset", dataset_id))
    });
    let as_of = written.await?;
    Ok(Json(json!({ "count": ids.len(), "example_ids": ids, "as_of": iso(as_of) })))
}

pub(in crate::api::langsmith) async fn create_form(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(dataset_id): PathParams<String>,
    request: Request,
) -> Result<(StatusCode, Json<Value>)> {
    let dataset_id = parse_id("dataset id", &dataset_id)?;
    let mut writes = Vec::new();
    for body in read_bodies(&ctx, request).await? {
        writes.push(ExampleWrite::Create(body.new_example(&ctx, caller.workspace_id).await?));
    }
    Ok((StatusCode::CREATED, write(&ctx, caller.workspace_id, dataset_id, writes).await?))
}

pub(in crate::api::langsmith) async fn update_form(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(dataset_id): PathParams<String>,
    request: Request,
) -> Result<Json<Value>> {
    let dataset_id = parse_id("dataset id", &dataset_id)?;
    let bodies = read_bodies(&ctx, request).await?;
    let writes = bodies.into_iter().map(|body| body.change(None).map(ExampleWrite::Update));
    write(&ctx, caller.workspace_id, dataset_id, writes.collect::<Result<_>>()?).await
}

/// Examples of one dataset that may exist; the dataset stands in each of them.
pub(in crate::api::langsmith) async fn upsert_form(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    request: Request,
) -> Result<(StatusCode, Json<Value>)> {
    let mut dataset: Option<DatasetId> = None;
    let mut writes = Vec::new();
    for body in read_bodies(&ctx, request).await? {
        let id = body.dataset_id.as_deref().ok_or_else(|| unprocessable("an example needs a dataset_id"))?;
        let id = parse_id("dataset id", id)?;
        if *dataset.get_or_insert(id) != id {
            return Err(unprocessable("all examples of a request must belong to one dataset"));
        }
        writes.push(ExampleWrite::Upsert(body.new_example(&ctx, caller.workspace_id).await?));
    }
    let dataset = dataset.ok_or_else(|| unprocessable("the form has no examples"))?;
    Ok((StatusCode::CREATED, write(&ctx, caller.workspace_id, dataset, writes).await?))
}

/// `POST /datasets/upload`: a new dataset from a table.
pub(in crate::api::langsmith) async fn upload(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    request: Request,
) -> Result<Json<Value>> {
    let (head, body) = request.into_parts();
    let boundary = form::boundary(&head.headers)?;
    let (bytes, mut reservation) = read_body(&ctx, body).await?;
    let now = ctx.clock.now();
    let made = blocking(&ctx, move |ctx| {
        let parts = form::parse(&bytes, &boundary)?;
        let field = |name: &str| parts.iter().find(|part| part.name == name);
        let text = |name: &str| field(name).map(Part::text).transpose();
        let file = field("file").ok_or_else(|| unprocessable("the part file is missing"))?;
        let id = match text("id")? {
            Some(id) => parse_id("dataset id", id)?,
            None => DatasetId::generate(),
        };
        let name = text("name")?.or(file.file_name.as_deref());
        let name = name.ok_or_else(|| unprocessable("a dataset needs a name"))?;
        let mut content = DatasetContent::named(parse_name(name)?);
        content.description = text("description")?.map(str::to_owned);
        if let Some(data_type) = text("data_type")? {
            content.data_type = parse_data_type(data_type)?;
        }
        reservation.grow_to(bytes.len() + table::row_bytes(file)).map_err(no_room)?;
        // The table is read before anything is made.
        let rows = table::read(file, &table::Columns::of(&parts)?)?;
        drop(reservation);
        ctx.catalog.create_dataset(caller.workspace_id, id, content, now)?;
        ctx.catalog.write_examples(caller.workspace_id, id, rows, now)?;
        let made = ctx.catalog.load_dataset(caller.workspace_id, id)?;
        made.ok_or_else(|| ApiError::not_found("dataset", id))
    });
    Ok(Json(dataset_json(&made.await?)))
}
