//! A run as LangSmith's clients expect it.

use std::collections::BTreeMap;

use clearspan_mapping::langsmith;
use clearspan_model::rollup::Totals;
use clearspan_model::{Cost, Decimal, JsonText, Run, RunId, Side, UnixNanos};
use clearspan_store::RunSummary;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::json_object::{JsonObject, text_of};
use crate::api::readable::{is_too_deep, readable};
use crate::api::types::decimal_text;

/// Keys that are always sent: the Python model needs some of them even when its own SDK asks for less.
const ALWAYS: &[&str] =
    &["id", "name", "run_type", "start_time", "trace_id", "dotted_order", "session_id", "status"];
/// The key of the messages of a payload.
const MESSAGES: &str = "messages";
/// Variables of the environment, which LangSmith's SDKs send with the metadata.
const VARIABLES: &[&str] = &["LANGSMITH_", "LANGCHAIN_"];
/// Keys that need the whole run.
const FROM_WHOLE_RUN: &[&str] = &[
    "inputs",
    "outputs",
    "events",
    "extra",
    "serialized",
    "messages",
    "s3_urls",
    "prompt_token_details",
    "completion_token_details",
    "prompt_cost_details",
    "completion_cost_details",
];

/// Which keys of a run are wanted.
#[derive(Debug)]
pub(super) struct Select(Option<Vec<String>>);

impl Select {
    /// Without a list: everything.
    pub(super) fn new(keys: Option<Vec<String>>) -> Self {
        Self(keys)
    }

    pub(super) fn wants(&self, key: &str) -> bool {
        match &self.0 {
            None => true,
            Some(keys) => ALWAYS.contains(&key) || keys.iter().any(|wanted| wanted == key),
        }
    }

    /// Whether payloads have to be loaded.
    pub(super) fn wants_whole_runs(&self) -> bool {
        FROM_WHOLE_RUN.iter().any(|key| self.wants(key))
    }
}

/// Where a run stands in its trace.
#[derive(Debug, Default, Clone)]
pub(super) struct Place {
    /// LangSmith's sortable path.
    pub(super) dotted_order: String,
    /// From the root down, without the run itself.
    pub(super) parent_run_ids: Vec<RunId>,
    /// Everything below it; `None` when it was not looked up.
    pub(super) descendants: Option<Vec<RunId>>,
    /// What it and everything below it used and cost.
    pub(super) totals: Totals,
}

/// The run with the keys that were selected. `files` lists what belongs to it.
pub(super) fn run_json(
    summary: &RunSummary,
    run: Option<&Run>,
    place: &Place,
    select: &Select,
    app_path: &str,
    files: impl Fn(&Run) -> Value,
) -> JsonObject {
    let metadata = run.map_or(&summary.metadata, |run| &run.metadata);
    let mut json = head(summary, metadata, place, app_path);
    figures(&mut json, summary, run, place);
    let mut json = JsonObject::from(json);
    if let Some(run) = run {
        if select.wants("inputs") {
            json.set_text("inputs", side(run, Side::Input));
        }
        let outputs = select.wants("outputs").then(|| side(run, Side::Output));
        if let Some(outputs) = outputs.filter(|outputs| !is_empty_object(outputs)) {
            json.set_text("outputs", outputs);
        }
        if select.wants("extra") {
            json.set_text("extra", extra(run));
        }
        json.set("events", events(run));
        let serialized = run.attributes.get(langsmith::SERIALIZED).map(JsonText::to_value);
        json.set("serialized", serialized.unwrap_or(Value::Null));
        json.set("s3_urls", files(run));
    }
    json.retain(|key| select.wants(key));
    json
}

fn head(
    summary: &RunSummary,
    metadata: &BTreeMap<String, JsonText>,
    place: &Place,
    app_path: &str,
) -> Map<String, Value> {
    let head = json!({
        "id": summary.run_id,
        "trace_id": summary.trace_id,
        "name": summary.name,
        "run_type": summary.run_type,
        "start_time": iso(summary.start_time),
        "end_time": summary.end_time.map(iso),
        "first_token_time": summary.first_token_time.map(iso),
        "status": summary.status,
        "error": summary.error,
        "session_id": summary.project_id,
        "parent_run_id": summary.parent_run_id,
        "parent_run_ids": place.parent_run_ids,
        "child_run_ids": place.descendants,
        "dotted_order": place.dotted_order,
        "tags": summary.tags,
        "thread_id": summary.thread_id,
        "app_path": app_path,
        "serialized": null,
        "reference_example_id": metadata.get(langsmith::REFERENCE_EXAMPLE).map(JsonText::to_value),
        "manifest_id": null,
        "in_dataset": false,
        "share_token": null,
        "s3_urls": null,
        "feedback_stats": {},
        "inputs": {},
        "outputs": null,
        "extra": {},
        "events": [],
    });
    match head {
        Value::Object(head) => head,
        _ => Map::new(),
    }
}

/// Tokens and costs of the run and what is below it, as LangSmith shows them.
fn figures(json: &mut Map<String, Value>, summary: &RunSummary, run: Option<&Run>, place: &Place) {
    let totals = &place.totals;
    let own_if_alone = |own: Option<Decimal>, total: Option<Decimal>| total.or(own).map(decimal_text);
    let usage = run.and_then(|run| run.usage.as_ref());
    let cost = run.and_then(|run| run.cost.as_ref());
    let figures = [
        ("prompt_tokens", json!(totals.input_tokens.or(summary.input_tokens))),
        ("completion_tokens", json!(totals.output_tokens.or(summary.output_tokens))),
        ("total_tokens", json!(totals.total_tokens.or(summary.total_tokens))),
        ("prompt_token_details", json!(usage.map(|usage| token_details(&usage.input_details)))),
        ("completion_token_details", json!(usage.map(|usage| token_details(&usage.output_details)))),
        ("prompt_cost", json!(own_if_alone(summary.input_cost, totals.input_cost))),
        ("completion_cost", json!(own_if_alone(summary.output_cost, totals.output_cost))),
        ("total_cost", json!(own_if_alone(summary.total_cost, totals.total_cost))),
        ("prompt_cost_details", json!(cost.map(|cost| cost_details(cost, "input.")))),
        ("completion_cost_details", json!(cost.map(|cost| cost_details(cost, "output.")))),
    ];
    json.extend(figures.map(|(key, value)| (key.to_owned(), value)));
}

/// The parts of one side of the tokens of the run itself.
fn token_details(details: &BTreeMap<String, u64>) -> BTreeMap<&str, u64> {
    details.iter().map(|(name, count)| (detail_name(name), *count)).collect()
}

/// The parts of one side of the cost of the run itself, as far as they have a price of their own or the client told them.
fn cost_details<'c>(cost: &'c Cost, side: &str) -> BTreeMap<&'c str, String> {
    let parts = cost.details.iter().filter_map(|(name, money)| Some((name.strip_prefix(side)?, money)));
    parts.map(|(name, money)| (detail_name(name), decimal_text(*money))).collect()
}

/// LangSmith's name of a part of the tokens.
fn detail_name(name: &str) -> &str {
    match name {
        "cache_write" => "cache_creation",
        "cache_write_5m" => "ephemeral_5m_input_tokens",
        "cache_write_1h" => "ephemeral_1h_input_tokens",
        name => name,
    }
}

/// What was sent, byte for byte, where that is known; else what was read of it. What is no object stands under a key.
pub(super) fn side(run: &Run, side: Side) -> JsonText {
    let (read, sent, bare_key) = match side {
        Side::Input => (&run.inputs, langsmith::INPUTS, "input"),
        Side::Output => (&run.outputs, langsmith::OUTPUTS, "output"),
    };
    let is_object = |text: &JsonText| text.as_str().trim_start().starts_with('{');
    match (run.attributes.get(sent), &read.rest) {
        // One such run would make whole pages unreadable.
        (Some(deep), _) | (None, Some(deep)) if is_too_deep(deep.as_str()) => {
            JsonText::from_value(&json!({ bare_key: deep.as_str() }))
        }
        (Some(sent), _) if is_object(sent) => sent.clone(),
        (Some(bare), _) => JsonText::from_trusted(format!("{{\"{bare_key}\":{}}}", bare.as_str())),
        (None, rest) => {
            let messages: Vec<JsonText> = run.messages(side).iter().map(readable).collect();
            match rest {
                Some(rest) if messages.is_empty() && is_object(rest) => rest.clone(),
                _ => text_of(&Members::of(&messages, rest, bare_key)),
            }
        }
    }
}

/// `{}`, with any space in it.
pub(super) fn is_empty_object(text: &JsonText) -> bool {
    let inside = text.as_str().trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    inside.is_some_and(|inside| inside.trim().is_empty())
}

/// `{"messages": […]}` with the rest beside it, or the rest alone; what is no object stands under a key. Messages are passed
/// on as texts: they are most of a page, and taking them apart takes longer than anything else here.
struct Members<'m> {
    messages: &'m [JsonText],
    rest: Map<String, Value>,
}

impl<'m> Members<'m> {
    fn of(messages: &'m [JsonText], rest: &Option<JsonText>, bare_key: &str) -> Self {
        let mut rest = match rest.as_ref().map(JsonText::to_value) {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(rest)) => rest,
            Some(bare) => Map::from_iter([(bare_key.to_owned(), bare)]),
        };
        if !messages.is_empty() {
            rest.shift_remove(MESSAGES);
        }
        Self { messages, rest }
    }
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !self.messages.is_empty() {
            map.serialize_entry(MESSAGES, self.messages)?;
        }
        for (key, value) in &self.rest {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// What the SDKs send beside inputs and outputs, each value as it was sent.
fn extra(run: &Run) -> JsonText {
    let mut extra = under(run.attributes.iter(), langsmith::EXTRA);
    let runtime = under(run.resource.iter(), langsmith::RUNTIME);
    if !runtime.is_empty() {
        extra.insert("runtime", text_of(&runtime));
    }
    extra.insert("metadata", metadata(run));
    if let Some(params) = &run.invocation_params {
        extra.insert("invocation_params", readable(params));
    }
    text_of(&extra)
}

/// The metadata with what LangSmith's users look for in it.
pub(super) fn metadata(run: &Run) -> JsonText {
    let mut metadata = under(run.metadata.iter(), "");
    for (key, value) in
        [("ls_model_name", &run.model), ("ls_provider", &run.provider), ("thread_id", &run.thread_id)]
    {
        if let Some(value) = value {
            metadata.entry(key).or_insert_with(|| JsonText::from_string(value));
        }
    }
    // What describes the process is in the resource.
    let variables =
        run.resource.iter().filter(|(key, _)| VARIABLES.iter().any(|prefix| key.starts_with(prefix)));
    metadata.extend(under(variables, ""));
    text_of(&metadata)
}

/// The members below a prefix.
fn under<'m>(
    map: impl Iterator<Item = (&'m String, &'m JsonText)>,
    prefix: &str,
) -> BTreeMap<&'m str, JsonText> {
    map.filter_map(|(key, value)| Some((key.strip_prefix(prefix)?, readable(value)))).collect()
}

fn events(run: &Run) -> Value {
    let event = |event: &clearspan_model::RunEvent| {
        let attributes: Map<String, Value> =
            event.attributes.iter().map(|(key, value)| (key.clone(), value.to_value())).collect();
        json!({ "name": event.name, "time": iso(event.time), "kwargs": attributes })
    };
    run.events.iter().map(event).collect()
}

/// One step of a dotted order: `20261120T140000123456Z` and the run's id.
pub(super) fn dotted_step(start: UnixNanos, run_id: RunId) -> String {
    format!("{}{run_id}", utc(start).strftime("%Y%m%dT%H%M%S%6fZ"))
}

/// ISO with microseconds.
pub(super) fn iso(time: UnixNanos) -> String {
    utc(time).strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

/// Nanoseconds as seconds.
pub(super) fn seconds(nanos: i64) -> f64 {
    nanos as f64 / 1e9
}

fn utc(time: UnixNanos) -> jiff::Zoned {
    // The range of `Timestamp` is wider than that of `UnixNanos`, so the default is never taken.
    Timestamp::from_nanosecond(time.as_nanos().into()).unwrap_or_default().to_zoned(TimeZone::UTC)
}

#[cfg(test)]
mod tests;
