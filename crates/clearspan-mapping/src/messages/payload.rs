//! Messages inside whole requests, responses and states: one member holds them, the others are kept as `rest`.

use clearspan_model::{JsonText, Payload, Side};

use super::read::{is_message, lc_constructor};
use super::{Message, Reader, with_finish_reason};
use crate::json::{Json, Text, parse};

/// Members that hold messages when they are what their name says, the likeliest first.
const INPUTS: &[&str] = &["messages", "input", "contents", "prompts", "message", "args"];
const OUTPUTS: &[&str] = &[
    "choices",
    "generations",
    "messages",
    "output",
    "candidates",
    "message",
    "content",
    "response",
    "replies",
    "text",
];

/// System prompts that a request keeps beside its messages.
const INSTRUCTIONS: &[&str] = &["system", "instructions", "systemInstruction", "system_instruction"];

/// Splits a payload into its messages and everything else. `is_model_call` says that bare text is what a
/// person or a model said; otherwise it is just a value.
pub(crate) fn read_payload(json: &Json<'_>, side: Side, is_model_call: bool) -> Payload {
    let reader = Reader::new(side);
    let mut messages = Vec::new();
    match json {
        Json::Null => return Payload::default(),
        Json::String(text) if is_model_call => {
            Message::of_text(reader_role(side), *text).finish(side, &mut messages);
            return Payload { messages, rest: None };
        }
        Json::Array(items)
            if is_model_call && !items.is_empty() && items.iter().all(|i| i.as_text().is_some()) =>
        {
            push_texts(items, side, &mut messages);
            return Payload { messages, rest: None };
        }
        Json::Array(_) if reader.read_list(json, &mut messages) => return Payload { messages, rest: None },
        Json::Object(members) => {
            let is_message = is_whole_message(json) || is_model_call && is_bare_answer(json, side);
            if is_message && reader.read_list(json, &mut messages) {
                let rest = rest_of_message(members);
                return Payload { messages, rest };
            }
            if chat_prompt(json).is_some_and(|list| reader.read_list(list, &mut messages)) {
                return Payload { messages, rest: None };
            }
            if let Some(name) = read_member(json, reader, is_model_call, &mut messages) {
                add_finish_reason(json, side, &mut messages);
                return split(json, members, name, side, is_model_call, messages);
            }
            if let Some(payload) = read_nested(members, side) {
                return payload;
            }
        }
        _ => {}
    }
    Payload { messages, rest: Some(JsonText::from_trusted(json.to_text())) }
}

/// The messages that a prompt template of LangChain made, as LangChain serialises them.
fn chat_prompt<'j, 'a>(json: &'j Json<'a>) -> Option<&'j Json<'a>> {
    let (class, arguments) = lc_constructor(json)?;
    arguments.get("messages").filter(|_| class == "ChatPromptValue")
}

/// Genkit, Cohere and others say beside the message why the model stopped.
fn add_finish_reason(json: &Json<'_>, side: Side, messages: &mut [JsonText]) {
    const NAMES: &[&str] = &["finishReason", "finish_reason", "stopReason", "stop_reason"];
    if let (Side::Output, [message]) = (side, messages)
        && let Some(reason) = json.first(NAMES).filter(|reason| reason.as_text().is_some())
        && let Some(text) = with_finish_reason(message, reason.clone())
    {
        *message = text;
    }
}

/// OpenLLMetry wraps what LangChain calls with: `{"inputs": {…}, "tags": …, "kwargs": …}`.
fn read_nested(members: &[(Text<'_>, Json<'_>)], side: Side) -> Option<Payload> {
    let wrapper = match side {
        Side::Input => "inputs",
        Side::Output => "outputs",
    };
    let (_, inner) = members.iter().find(|(name, _)| name.simple() == wrapper)?;
    let nested = read_payload(inner, side, false);
    if nested.messages.is_empty() {
        return None;
    }
    let mut rest =
        write_rest(members.iter().filter(|(name, value)| name.simple() != wrapper && !value.is_blank()));
    if let Some(inner) = nested.rest {
        let outer =
            rest.as_ref().and_then(|rest| rest.as_str().strip_suffix('}')).map(|open| format!("{open},"));
        let open = outer.unwrap_or_else(|| "{".to_owned());
        rest = Some(JsonText::from_trusted(format!("{open}\"{wrapper}\":{}}}", inner.as_str())));
    }
    Some(Payload { messages: nested.messages, rest })
}

fn reader_role(side: Side) -> &'static str {
    match side {
        Side::Input => "user",
        Side::Output => "assistant",
    }
}

fn push_texts(items: &[Json<'_>], side: Side, messages: &mut Vec<JsonText>) {
    for text in items.iter().filter_map(Json::as_text) {
        Message::of_text(reader_role(side), text).finish(side, messages);
    }
}

/// A message by itself: an Anthropic response, a LangChain message, an OpenAI message.
fn is_whole_message(json: &Json<'_>) -> bool {
    let speaks = json.first(&["content", "tool_calls", "parts"]).is_some();
    let is_dict =
        json.get("type").is_some() && json.get("data").is_some_and(|data| data.get("content").is_some());
    let is_tagged = json.get("type").is_some() && speaks && is_message(json);
    json.get("lc").is_some()
        || is_dict
        || is_tagged
        || (json.get("role").and_then(Json::as_text).is_some() && speaks)
}

/// Calls of tools without the role of who calls: Langfuse tells a streamed answer so.
fn is_bare_answer(json: &Json<'_>, side: Side) -> bool {
    let calls = json.get("tool_calls").and_then(Json::items).unwrap_or_default();
    side == Side::Output
        && !calls.is_empty()
        && calls.iter().all(|call| call.first(&["function", "name"]).is_some())
        && !OUTPUTS
            .iter()
            .any(|name| *name != "content" && json.get(name).is_some_and(|value| !value.is_blank()))
}

/// What a response carries beside its message, for example `id`, `model` and `usage`.
fn rest_of_message(members: &[(Text<'_>, Json<'_>)]) -> Option<JsonText> {
    const REST: &[&str] = &["id", "model", "usage", "stop_sequence", "container", "context_management"];
    write_rest(members.iter().filter(|(name, value)| REST.contains(&name.simple()) && !value.is_null()))
}

/// Reads the first member that holds messages; returns its name.
fn read_member(
    json: &Json<'_>,
    reader: Reader,
    is_model_call: bool,
    messages: &mut Vec<JsonText>,
) -> Option<&'static str> {
    let (names, role) = match reader.side {
        Side::Input => (INPUTS, "user"),
        Side::Output => (OUTPUTS, "assistant"),
    };
    for name in names {
        let Some(value) = json.get(name).filter(|value| !value.is_blank()) else { continue };
        // Arguments of any decorated function; only those of a model call are its messages.
        if *name == "args" && !is_model_call {
            continue;
        }
        match value {
            Json::String(text) if is_model_call && json.get("lc").is_none() => {
                Message::of_text(role, *text).finish(reader.side, messages);
            }
            Json::Array(items) if is_model_call && items.iter().all(|item| item.as_text().is_some()) => {
                push_texts(items, reader.side, messages);
            }
            Json::Array(items) if matches!(*name, "choices" | "generations" | "candidates") => {
                push_choices(items, reader, messages);
            }
            Json::Array(_) => {
                reader.read_list(value, messages);
            }
            Json::Object(_) if is_whole_message(value) || value.get("message").is_some() => {
                reader.read_list(value, messages);
            }
            _ => {}
        }
        if !messages.is_empty() {
            return Some(name);
        }
    }
    None
}

/// Alternatives of one call, possibly in one list for each prompt of a batch.
fn push_choices(items: &[Json<'_>], reader: Reader, messages: &mut Vec<JsonText>) {
    for item in items {
        if let Some(inner) = item.items() {
            push_choices(inner, reader, messages);
        } else if let Some(message) = read_choice(item, reader).filter(|message| !message.is_empty()) {
            message.finish(reader.side, messages);
        }
    }
}

/// A choice is a message, wrapped; LangChain's keeps the finish reason of old in `generation_info`.
fn read_choice(item: &Json<'_>, reader: Reader) -> Option<Message> {
    let mut message = match (item.get("message"), item.get("text"), item.get("content")) {
        (None, Some(Json::String(text)), None) => Message::of_text("assistant", *text),
        _ => reader.read_message(item)?,
    };
    let reason = item.get("generation_info").unwrap_or(item).get("finish_reason");
    if message.finish_reason.is_none() {
        message.finish_reason = reason.filter(|reason| !reason.is_blank()).map(Json::to_text);
    }
    Some(message)
}

/// The payload without the member that the messages came from; system prompts lead the messages.
fn split(
    json: &Json<'_>,
    members: &[(Text<'_>, Json<'_>)],
    consumed: &str,
    side: Side,
    is_model_call: bool,
    mut messages: Vec<JsonText>,
) -> Payload {
    let mut instructions = None;
    if side == Side::Input && is_model_call {
        for name in INSTRUCTIONS {
            let Some(value) = json.get(name).filter(|value| !value.is_blank()) else { continue };
            if lead(read_instructions(value), &mut messages) {
                instructions = Some(*name);
                break;
            }
        }
        // google-genai's requests keep it in their configuration, which stays whole.
        if instructions.is_none()
            && let Some(value) = json.get("config").and_then(|config| config.first(&INSTRUCTIONS[2..]))
        {
            lead(read_instructions(value), &mut messages);
        }
    }
    let used = |name: &Text<'_>| name.simple() == consumed || Some(name.simple()) == instructions;
    let is_noise = |name: &Text<'_>, value: &Json<'_>| {
        value.is_null()
            || (name.simple() == "kwargs" && value.is_blank())
            || value.as_simple() == Some("LLMResult")
    };
    let rest = write_rest(members.iter().filter(|(name, value)| !used(name) && !is_noise(name, value)));
    Payload { messages, rest }
}

fn write_rest<'r, 'a: 'r>(members: impl Iterator<Item = &'r (Text<'a>, Json<'a>)>) -> Option<JsonText> {
    let mut out = String::new();
    for (name, value) in members {
        out.push(if out.is_empty() { '{' } else { ',' });
        name.write(&mut out);
        out.push(':');
        value.write(&mut out);
    }
    if out.is_empty() {
        return None;
    }
    out.push('}');
    Some(JsonText::from_trusted(out))
}

/// Puts the system prompt first, unless the messages hold the same one already. True when it is now there.
pub(crate) fn lead(system: Option<JsonText>, messages: &mut Vec<JsonText>) -> bool {
    let Some(system) = system else { return false };
    if !messages.contains(&system) {
        messages.insert(0, system);
    }
    true
}

/// A system prompt from text, a list of parts, or the same as JSON in a text.
pub(crate) fn read_instructions(json: &Json<'_>) -> Option<JsonText> {
    let mut message = Message::new("system");
    match json {
        Json::String(text) => {
            let decoded = text.decode();
            match parse(&decoded) {
                Ok(parts @ (Json::Array(_) | Json::Object(_))) => return read_instructions(&parts),
                _ => message.push_text(*text),
            }
        }
        Json::Object(_) if json.get("parts").is_some() => message.push_content_of(json.get("parts")?),
        other => message.push_content_of(other),
    }
    let mut out = Vec::new();
    if !message.is_empty() {
        message.finish(Side::Input, &mut out);
    }
    out.pop()
}
