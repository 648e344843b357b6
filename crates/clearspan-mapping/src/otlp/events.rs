//! Events of a span: errors, first tokens, documents, and the messages that older conventions put there.
//!
//! Attributes are stronger: where they told the messages, message events stay events.

use clearspan_model::{IssueKind, JsonText, Run, RunEvent, RunType, Side, UnixNanos};

use super::value::attribute_texts;
use super::view::EventView;
use crate::dialects::{LLAMA_INDEX_EVENTS, TABLE};
use crate::engine::{Attributes, Draft, Table, literal_to_json, messages_name};
use crate::json::{Json, Text, parse};
use crate::messages::{Reader, event_role, is_python_none, read_role_lines, unflatten};
use crate::rules::Rules;

/// The convention's newest content event: attributes like those of a span.
pub(super) const OPERATION_DETAILS: &str = "gen_ai.client.inference.operation.details";
pub(crate) const FIRST_TOKEN: &[&str] = &[
    "gen_ai.content.completion.chunk",
    "llm.content.completion.chunk",
    "new_token",
    "First Token Stream Event",
    "ai.stream.firstChunk",
];

/// True for events that only model calls have.
pub(super) fn is_model_event(name: &str) -> bool {
    event_role(name).is_some()
        || matches!(name, "gen_ai.content.prompt" | "gen_ai.content.completion" | OPERATION_DETAILS)
}

/// Maps the events of a span into its draft. What was not used is kept as an event of the run.
pub(super) fn map_events(draft: &mut Draft, events: Vec<EventView<'_>>) {
    let sides = MessageSides::of(draft, &events);
    let found = || events.iter().filter(|event| event.name == "db.query.result");
    let metadata = |event: &EventView<'_>| get_text(&event.attributes, "db.query.result.metadata");
    let metadata: Vec<String> = found().map(|event| metadata(event).unwrap_or_default()).collect();
    let documents = found().zip(&metadata).map(|(event, metadata)| document(&event.attributes, metadata));
    let documents: Vec<Json<'_>> = documents.collect();
    draft.set_source("event:db.query.result");
    let has_documents =
        !documents.is_empty() && draft.offer_member(Side::Output, "documents", &Json::Array(documents));
    for event in events {
        draft.set_source(format!("event:{}", event.name));
        let used = match event.name {
            "exception" => {
                map_exception(draft, &event.attributes);
                false
            }
            "gen_ai.content.prompt" => map_content(draft, Side::Input, &event),
            "gen_ai.content.completion" => map_content(draft, Side::Output, &event),
            "db.query.result" => has_documents,
            OPERATION_DETAILS => {
                map_by_rows(draft, event, &TABLE);
                continue;
            }
            name if is_llama_index(name, &event.attributes) => {
                map_by_rows(draft, event, &LLAMA_INDEX_EVENTS);
                continue;
            }
            name if FIRST_TOKEN.contains(&name) => {
                draft.take_first_token_time(Some(UnixNanos::from_otlp(event.time)));
                false
            }
            name if event_role(name).is_some() => sides.map_message(draft, &event),
            _ => false,
        };
        if !used {
            keep(&mut draft.run, event);
        }
    }
}

fn keep(run: &mut Run, event: EventView<'_>) {
    let time = UnixNanos::from_otlp(event.time);
    run.events.push(RunEvent {
        time,
        name: event.name.to_owned(),
        attributes: attribute_texts(event.attributes),
    });
}

/// Attributes of an event.
type Pairs<'e, 'a> = &'e [(&'a str, Json<'a>)];

fn get<'a>(attributes: Pairs<'_, 'a>, key: &str) -> Json<'a> {
    attributes.iter().rfind(|(name, _)| *name == key).map_or(Json::Null, |(_, value)| value.clone())
}

fn get_text(attributes: Pairs<'_, '_>, key: &str) -> Option<String> {
    get(attributes, key).as_text().map(|text| text.decode().into_owned()).filter(|text| !text.is_empty())
}

/// An exception is the run's error: its message, then its stack trace. The last one is what ended the run.
pub(super) fn map_exception(draft: &mut Draft, attributes: Pairs<'_, '_>) {
    let (message, class) =
        (get_text(attributes, "exception.message"), get_text(attributes, "exception.type"));
    draft.failed = true;
    if draft.is_ruled("error") {
        return;
    }
    draft.run.error = message.or_else(|| class.clone());
    draft.note_overwritten("error");
    if class.is_some() {
        draft.note_overwritten("error_type");
    }
    draft.offer_stack_trace(get_text(attributes, "exception.stacktrace"));
    draft.run.error_type = class.or(draft.run.error_type.take());
}

/// The oldest content events hold one side as text or JSON.
fn map_content(draft: &mut Draft, side: Side, event: &EventView<'_>) -> bool {
    let keys = match side {
        Side::Input => ["gen_ai.prompt", "gen_ai.event.content"],
        Side::Output => ["gen_ai.completion", "gen_ai.event.content"],
    };
    let Some(value) = keys.iter().map(|key| get(&event.attributes, key)).find(|value| !value.is_blank())
    else {
        return false;
    };
    if let Some(text) = value.as_text() {
        // OpenLIT's old forms: what Python prints for no answer, and turns as lines.
        let text = text.decode();
        if is_python_none(&text) {
            return false;
        }
        if side == Side::Input
            && draft.lacks(side)
            && let Some(messages) = read_role_lines(&text)
        {
            draft.payload(side).messages = messages;
            draft.note(messages_name(side));
            return true;
        }
    }
    with_json(&value, |json| draft.offer_payload(side, json))
}

/// Reads JSON (or a Python literal) inside text; every other value is passed as it is.
fn with_json<T>(value: &Json<'_>, read: impl FnOnce(&Json<'_>) -> T) -> T {
    if let Json::String(text) = value
        && text.simple().trim_start().starts_with(['{', '[', '"'])
    {
        let text = text.decode();
        if let Ok(json) = parse(&text) {
            return read(&json);
        }
        if let Some(literal) = literal_to_json(&text)
            && let Ok(json) = parse(&literal)
        {
            return read(&json);
        }
    }
    read(value)
}

/// LlamaIndex names its events like their classes.
fn is_llama_index(name: &str, attributes: Pairs<'_, '_>) -> bool {
    name.ends_with("Event") && get(attributes, "class_name").as_simple() == Some(name)
}

/// The event's attributes are read like those of a span; what no rule uses stays with the event.
fn map_by_rows(draft: &mut Draft, event: EventView<'_>, table: &Table) {
    let mut attributes = Attributes::new(event.attributes, table, Rules::none(), &mut draft.run.issues);
    draft.set_origin("event:");
    draft.apply_rows(&mut attributes, |_| {});
    draft.set_origin("");
    let rest = attributes.into_rest();
    if !rest.is_empty() {
        let time = UnixNanos::from_otlp(event.time);
        draft.run.events.push(RunEvent { time, name: event.name.to_owned(), attributes: rest });
    }
}

/// A found document: `db.query.result.id`, `.score`, `.distance`, `.metadata`, `.document`, `.vector`. The metadata
/// may be JSON in text.
fn document<'a>(attributes: Pairs<'_, 'a>, metadata: &'a str) -> Json<'a> {
    let members = attributes.iter().map(|(key, value)| {
        let name = key.strip_prefix("db.query.result.").unwrap_or(key);
        let value = match name {
            "metadata" => parse(metadata).ok().filter(|json| json.members().is_some()),
            _ => None,
        }
        .unwrap_or_else(|| value.clone());
        let name = if name == "document" { "page_content" } else { name };
        (Text::Plain(name), value)
    });
    Json::Object(members.collect())
}

/// The messages that an event carries: one, or several where it holds the results of several tools. `name` is the
/// event's.
pub(super) fn read_event_messages(name: &str, body: Json<'_>, side: Side) -> Vec<JsonText> {
    let Json::Object(mut members) = body else { return Vec::new() };
    if !members.iter().any(|(key, _)| key.simple() == "event.name") {
        members.push((Text::Plain("event.name"), Json::text(name)));
    }
    for (key, value) in &mut members {
        // Strands calls the content of a choice `message`.
        if key.simple() == "message" && value.as_text().is_some() {
            *key = Text::Clean("content");
        }
    }
    let mut out = Vec::new();
    if let Some(message) = Reader::flattened(side).read_message(&Json::Object(members)) {
        message.finish(side, &mut out);
    }
    out
}

/// Where the message events of a span go.
struct MessageSides {
    /// Attributes told this side already.
    has_inputs: bool,
    has_outputs: bool,
    /// With a choice, assistant and tool messages are history.
    has_choice: bool,
    is_tool: bool,
}

impl MessageSides {
    fn of(draft: &mut Draft, events: &[EventView<'_>]) -> Self {
        Self {
            has_inputs: !draft.lacks(Side::Input),
            has_outputs: !draft.lacks(Side::Output),
            has_choice: events.iter().any(|event| event.name == "gen_ai.choice"),
            is_tool: draft.run.run_type == Some(RunType::Tool),
        }
    }

    fn side(&self, name: &str) -> Side {
        match name {
            "gen_ai.choice" => Side::Output,
            "gen_ai.assistant.message" | "gen_ai.tool.message" if !self.has_choice && !self.is_tool => {
                Side::Output
            }
            _ => Side::Input,
        }
    }

    fn map_message(&self, draft: &mut Draft, event: &EventView<'_>) -> bool {
        let side = self.side(event.name);
        let taken = match side {
            Side::Input => self.has_inputs,
            Side::Output => self.has_outputs,
        };
        if taken {
            return false;
        }
        if self.is_tool {
            return map_tool_content(draft, side, event);
        }
        let whole = get(&event.attributes, "gen_ai.event.content");
        let messages = if whole.is_blank() {
            let entries = event.attributes.iter().filter(|(key, _)| !key.starts_with("gen_ai."));
            read_event_messages(event.name, unflatten(entries.cloned().collect()), side)
        } else {
            with_json(&whole, |json| read_event_messages(event.name, json.clone(), side))
        };
        if messages.is_empty() {
            draft.issue(IssueKind::Unusable, event.name, "the event holds no message");
        } else {
            draft.note(messages_name(side));
            draft.payload(side).messages.extend(messages);
        }
        draft.payload(side).messages.last().is_some()
    }
}

/// Strands tells the arguments and the result of a tool as message events.
fn map_tool_content(draft: &mut Draft, side: Side, event: &EventView<'_>) -> bool {
    let values = ["content", "message"].map(|key| get(&event.attributes, key));
    let Some(value) = values.into_iter().find(|value| !value.is_blank()) else { return false };
    with_json(&value, |json| {
        // Of a tool that failed the result tells why.
        if side == Side::Output && draft.failed && draft.run.error.is_none() {
            let parts = json.items().unwrap_or(std::slice::from_ref(json)).iter();
            let texts = parts.filter_map(|part| part.get("text").unwrap_or(part).as_text());
            let texts: Vec<String> = texts.map(|text| text.decode().into_owned()).collect();
            draft.offer_error(Some(texts.join("\n")).filter(|error| !error.is_empty()));
        }
        draft.offer_payload(side, json)
    })
}
