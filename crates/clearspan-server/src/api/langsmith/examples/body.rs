//! What clients say about one example, as JSON or as parts of a form.

use std::sync::Arc;

use clearspan_catalog::{
    Attachment, AttachmentPlan, DatasetId, ExampleChange, ExampleId, ExampleWrite, Metadata, NewExample,
};
use clearspan_model::{JsonText, Run, RunId, Side, WorkspaceId};
use clearspan_store::Scope;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::api::error::{ApiError, Result};
use crate::api::langsmith::attachments::attachments_of;
use crate::api::langsmith::datasets::optional_time;
use crate::api::langsmith::input::{parse_id, unprocessable};
use crate::api::langsmith::run_json;
use crate::context::Context;

/// Every key may be missing or null.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::api::langsmith) struct ExampleBody {
    pub(super) id: Option<String>,
    pub(super) dataset_id: Option<String>,
    pub(super) inputs: Option<Box<RawValue>>,
    pub(super) outputs: Option<Box<RawValue>>,
    metadata: Option<Box<RawValue>>,
    split: Option<Value>,
    created_at: Option<String>,
    source_run_id: Option<String>,
    use_source_run_io: Option<bool>,
    use_source_run_attachments: Option<Vec<String>>,
    pub(super) attachments_operations: Option<AttachmentPlan>,
    /// Files that came in parts of a form.
    #[serde(skip)]
    pub(super) files: Vec<Attachment>,
}

impl ExampleBody {
    /// A new example and the dataset that it names.
    pub(super) async fn create(
        self,
        ctx: &Arc<Context>,
        workspace_id: WorkspaceId,
    ) -> Result<(DatasetId, ExampleWrite)> {
        let dataset_id =
            self.dataset_id.as_deref().ok_or_else(|| unprocessable("an example needs a dataset_id"))?;
        let dataset_id = parse_id("dataset id", dataset_id)?;
        Ok((dataset_id, ExampleWrite::Create(self.new_example(ctx, workspace_id).await?)))
    }

    /// A new example, with what it takes from its run.
    pub(super) async fn new_example(
        self,
        ctx: &Arc<Context>,
        workspace_id: WorkspaceId,
    ) -> Result<NewExample> {
        let id = match &self.id {
            Some(id) => parse_id("example id", id)?,
            None => ExampleId::generate(),
        };
        let source_run_id =
            self.source_run_id.as_deref().map(|id| parse_id::<RunId>("run id", id)).transpose()?;
        let mut inputs = json_object("inputs", self.inputs)?;
        let mut outputs = json_object("outputs", self.outputs)?;
        let mut attachments = self.files;
        let takes_io = self.use_source_run_io.unwrap_or(false);
        let wanted = self.use_source_run_attachments.unwrap_or_default();
        if takes_io || !wanted.is_empty() {
            let run_id =
                source_run_id.ok_or_else(|| unprocessable("use_source_run_io needs a source_run_id"))?;
            match load_run(ctx, workspace_id, run_id).await? {
                Some(run) => {
                    if takes_io {
                        inputs = inputs.or_else(|| run_side(&run, Side::Input));
                        outputs = outputs.or_else(|| run_side(&run, Side::Output));
                    }
                    attachments.extend(attachments_of(&run).filter(|file| wanted.contains(&file.name)));
                }
                // What the client sends beside it is enough.
                None if inputs.is_some() => {}
                None => return Err(ApiError::not_found("run", run_id)),
            }
        }
        Ok(NewExample {
            id,
            created_at: optional_time("created_at", self.created_at.as_deref())?,
            inputs: inputs.unwrap_or_else(|| JsonText::from_trusted("{}")),
            outputs,
            metadata: metadata(self.metadata)?.unwrap_or_default(),
            splits: split_names(self.split)?,
            source_run_id,
            attachments,
        })
    }

    /// A change of an example: of the one in the path, else of the one that it names.
    pub(super) fn change(self, id: Option<ExampleId>) -> Result<ExampleChange> {
        let id = match (id, &self.id) {
            (Some(id), _) => id,
            (None, Some(id)) => parse_id("example id", id)?,
            (None, None) => return Err(unprocessable("a change of an example needs its id")),
        };
        Ok(ExampleChange {
            id,
            inputs: json_object("inputs", self.inputs)?,
            outputs: json_object("outputs", self.outputs)?,
            metadata: metadata(self.metadata)?,
            splits: split_names(self.split)?,
            attachments: self.attachments_operations,
            added: self.files,
        })
    }
}

/// An object as it was written; null is as good as nothing.
pub(super) fn json_object(key: &str, value: Option<Box<RawValue>>) -> Result<Option<JsonText>> {
    let Some(value) = value else { return Ok(None) };
    match value.get().trim_start().chars().next() {
        Some('{') => Ok(Some(JsonText::from_trusted(value.get()))),
        Some('n') => Ok(None),
        _ => Err(unprocessable(format!("{key} must be an object"))),
    }
}

/// The same of metadata.
pub(super) fn metadata(value: Option<Box<RawValue>>) -> Result<Option<Metadata>> {
    let read = |object: JsonText| {
        serde_json::from_str(object.as_str())
            .map_err(|error| unprocessable(format!("cannot read the metadata: {error}")))
    };
    json_object("metadata", value)?.map(read).transpose()
}

/// One name, or a list of them.
pub(super) fn split_names(value: Option<Value>) -> Result<Option<Vec<String>>> {
    let name = |value: Value| match value {
        Value::String(name) if name.chars().count() <= 255 => Ok(name),
        _ => Err(unprocessable("split must be a name or a list of names of at most 255 characters")),
    };
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(names)) => names.into_iter().map(name).collect::<Result<_>>().map(Some),
        Some(value) => Ok(Some(vec![name(value)?])),
    }
}

async fn load_run(ctx: &Context, workspace_id: WorkspaceId, run_id: RunId) -> Result<Option<Run>> {
    let scope = Scope { workspace_id, project_ids: None };
    let runs = ctx.store.load_runs(&scope, &[], &[run_id]).await?;
    Ok(runs.into_iter().max_by_key(|run| run.start_time))
}

/// What went in or came out of a run; `None` when it is nothing.
fn run_side(run: &Run, side: Side) -> Option<JsonText> {
    Some(run_json::side(run, side)).filter(|text| !run_json::is_empty_object(text))
}
