//! Whole datasets as files: JSON lines, CSV, and what OpenAI takes for fine-tuning. Sent page by page, so that a dataset of
//! any size takes the memory of a page.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use clearspan_catalog::{DatasetId, Example, ExampleCursor, ExampleQuery};
use clearspan_model::{JsonText, UnixNanos, WorkspaceId};
use futures::stream::{Stream, try_unfold};
use http::{HeaderValue, header};
use serde_json::{Map, Value, json};

use crate::api::error::{ApiError, Result};
use crate::api::extract::{Params, PathParams};
use crate::api::langsmith::datasets::{self, resolve_version};
use crate::api::langsmith::input::{Pairs, blocking, parse_id};
use crate::api::langsmith::json_object::{JsonObject, text_of};
use crate::auth::Caller;
use crate::context::Context;

const PAGE: usize = 500;

/// Which examples are sent.
#[derive(Debug, Clone)]
struct Source {
    ctx: Arc<Context>,
    workspace_id: WorkspaceId,
    dataset_id: DatasetId,
    version: Option<UnixNanos>,
}

impl Source {
    async fn open(ctx: Arc<Context>, caller: Caller, id: &str, pairs: Pairs) -> Result<Self> {
        let dataset_id = parse_id("dataset id", id)?;
        let workspace_id = caller.workspace_id;
        datasets::load(&ctx, workspace_id, dataset_id).await?;
        let as_of = pairs.into_iter().find(|(key, _)| key == "as_of").map(|(_, value)| value);
        let resolve = move |ctx: &Context| match &as_of {
            Some(as_of) => resolve_version(ctx, workspace_id, dataset_id, as_of),
            None => Ok(None),
        };
        let version = blocking(&ctx, resolve).await?;
        Ok(Self { ctx, workspace_id, dataset_id, version })
    }

    /// The next page behind a place.
    async fn page(&self, after: Option<ExampleCursor>) -> Result<Vec<Example>> {
        let workspace_id = self.workspace_id;
        let query = ExampleQuery {
            dataset_id: Some(self.dataset_id),
            version: self.version,
            after,
            limit: PAGE,
            ..ExampleQuery::default()
        };
        blocking(&self.ctx, move |ctx| Ok(ctx.catalog.list_examples(workspace_id, &query)?)).await
    }

    /// All pages, each as the bytes that `write` makes of it.
    fn pages(
        self,
        write: impl Fn(&[Example]) -> Vec<u8> + Send + Sync + 'static,
    ) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
        let write = Arc::new(write);
        try_unfold((self, None), move |(source, after)| {
            let write = Arc::clone(&write);
            async move {
                let broken = |error: ApiError| std::io::Error::other(error.message);
                let page = source.page(after).await.map_err(broken)?;
                let Some(last) = page.last() else { return Ok(None) };
                let next = ExampleCursor { created_at: last.created_at, id: last.id };
                Ok(Some((Bytes::from(write(&page)), (source, Some(next)))))
            }
        })
    }
}

fn answer(
    content_type: &'static str,
    name: &'static str,
    stream: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
) -> Response {
    let mut response = Body::from_stream(stream).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(name));
    response
}

/// Each line an example, in the form that an upload takes.
pub(in crate::api::langsmith) async fn jsonl(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    Params(pairs): Params<Pairs>,
) -> Result<Response> {
    let source = Source::open(ctx, caller, &id, pairs).await?;
    let line = |example: &Example| {
        let mut line = JsonObject::from(json!({ "id": example.id.to_string() }));
        line.set_sent("inputs", &example.inputs);
        line.set("outputs", Value::Null);
        if let Some(outputs) = &example.outputs {
            line.set_sent("outputs", outputs);
        }
        line.set_text("metadata", text_of(&example.metadata));
        // What was sent may be spread over lines. Inside of texts there are no line breaks.
        line.to_text().as_str().replace(['\n', '\r'], " ")
    };
    let stream = source.pages(move |page| lines(page.iter().map(line)));
    Ok(answer("application/x-ndjson", "attachment; filename=\"examples.jsonl\"", stream))
}

fn lines<T: Display>(rows: impl Iterator<Item = T>) -> Vec<u8> {
    rows.map(|row| format!("{row}\n")).collect::<String>().into_bytes()
}

/// The columns of an example: what goes in, what comes out, what is known about it.
fn columns(example: &Example) -> Map<String, Value> {
    let mut columns = Map::new();
    columns.insert("id".to_owned(), json!(example.id.to_string()));
    let sides = [
        ("inputs", example.inputs.to_value()),
        ("outputs", example.outputs.as_ref().map(JsonText::to_value).unwrap_or_default()),
        ("metadata", text_of(&example.metadata).to_value()),
    ];
    for (side, value) in sides {
        if let Value::Object(members) = value {
            columns.extend(members.into_iter().map(|(key, value)| (format!("{side}.{key}"), value)));
        }
    }
    columns
}

/// A table with a column for each key that any example has. Looks at all examples twice.
pub(in crate::api::langsmith) async fn csv(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    Params(pairs): Params<Pairs>,
) -> Result<Response> {
    let source = Source::open(ctx, caller, &id, pairs).await?;
    let mut header = BTreeSet::from(["id".to_owned()]);
    let mut after = None;
    loop {
        let page = source.page(after).await?;
        let Some(last) = page.last() else { break };
        after = Some(ExampleCursor { created_at: last.created_at, id: last.id });
        header.extend(page.iter().flat_map(|example| columns(example).into_iter().map(|(key, _)| key)));
    }
    let header: Vec<String> = header.into_iter().collect();
    let first = futures::stream::iter([Ok(Bytes::from(table([header.clone()])))]);
    let rows = source.pages(move |page| table(page.iter().map(|example| cells(&header, example))));
    Ok(answer(
        "text/csv; charset=utf-8",
        "attachment; filename=\"examples.csv\"",
        futures::StreamExt::chain(first, rows),
    ))
}

fn cells(header: &[String], example: &Example) -> Vec<String> {
    let mut columns = columns(example);
    let cell = |key: &String| match columns.remove(key) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text,
        Some(value) => value.to_string(),
    };
    header.iter().map(cell).collect()
}

fn table(rows: impl IntoIterator<Item = Vec<String>>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).expect("memory takes every record of the same length");
    }
    writer.into_inner().expect("memory can be flushed")
}

/// Each line the messages of an example, as OpenAI takes them for fine-tuning.
pub(in crate::api::langsmith) async fn openai(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    Params(pairs): Params<Pairs>,
) -> Result<Response> {
    let source = Source::open(ctx, caller, &id, pairs).await?;
    let line = |example: &Example| {
        let mut messages = messages(&example.inputs.to_value(), "user");
        if let Some(outputs) = &example.outputs {
            messages.extend(self::messages(&outputs.to_value(), "assistant"));
        }
        json!({ "messages": messages })
    };
    let stream = source.pages(move |page| lines(page.iter().map(line)));
    Ok(answer("application/x-ndjson", "attachment; filename=\"messages.jsonl\"", stream))
}

/// The messages of a side, where it holds some; else its text as one message.
fn messages(side: &Value, role: &str) -> Vec<Value> {
    let held = ["messages", "input", "message", "output", "generation"].iter().find_map(|key| side.get(key));
    let held = held.unwrap_or(side);
    let list = held.as_array().cloned().unwrap_or_else(|| vec![held.clone()]);
    list.iter().map(|message| openai_message(message, role)).collect()
}

fn openai_message(message: &Value, role: &str) -> Value {
    // LangChain's form: {"type": "human", "data": {"content": …}}.
    let data = message.get("data").unwrap_or(message);
    let role = match message["role"].as_str().or(message["type"].as_str()) {
        Some("human") => "user",
        Some("ai") => "assistant",
        Some(known @ ("system" | "user" | "assistant" | "tool" | "function" | "developer")) => known,
        _ => role,
    };
    let content = match (data.get("content"), message) {
        (Some(content), _) => content.clone(),
        (None, Value::String(text)) => json!(text),
        (None, other) => json!(other.to_string()),
    };
    let mut row = json!({ "role": role, "content": content });
    for key in ["tool_calls", "function_call", "tool_call_id", "name"] {
        let value = data.get(key).or_else(|| data.get("additional_kwargs")?.get(key));
        if let Some(value) = value.filter(|value| !value.is_null()) {
            row[key] = value.clone();
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_all_forms_become_those_of_openai() {
        let rows = |side: Value, role| messages(&side, role);
        let user = json!({"role": "user", "content": "hi"});
        assert_eq!(rows(json!({"messages": [user]}), "user"), std::slice::from_ref(&user));
        let langchain = json!({"input": [{"type": "human", "data": {"content": "hi"}}]});
        assert_eq!(rows(langchain, "user"), std::slice::from_ref(&user));
        assert_eq!(rows(json!({"input": "hi"}), "user"), [user]);
        assert_eq!(
            rows(json!({"output": {"type": "ai", "data": {"content": "", "tool_calls": [1]}}}), "assistant"),
            [json!({"role": "assistant", "content": "", "tool_calls": [1]})]
        );
        assert_eq!(
            rows(json!({"a": 1}), "assistant"),
            [json!({"role": "assistant", "content": "{\"a\":1}"})]
        );
    }
}
