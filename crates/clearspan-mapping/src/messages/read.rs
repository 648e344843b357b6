//! The shapes of a message, and lists of them.

use std::borrow::Cow;

use clearspan_model::{JsonText, Side};

use super::parts::{extra_members, json_text, read_tool_call};
use super::{Message, Part};
use crate::json::{Json, Text, parse};

/// Members of a message that are read into its known parts, or that are bookkeeping of an SDK and change
/// between a call and the history that repeats it.
const KNOWN: &[&str] = &[
    "role",
    "content",
    "contents",
    "parts",
    "blocks",
    "name",
    "tool_calls",
    "toolCalls",
    "function_call",
    "tool_call_id",
    "toolCallId",
    "finish_reason",
    "finishReason",
    "stop_reason",
    "stopReason",
    "reasoning_content",
    "reasoning",
    "thinking",
    "response_metadata",
    "usage_metadata",
    "additional_kwargs",
    "invalid_tool_calls",
    "tool_call_chunks",
    "example",
    "event.name",
    "event_name",
    "gen_ai.message.index",
    "gen_ai.system",
    "message.index",
    "status",
    "created_at",
    "createdAt",
    "artifact",
    "chunk_position",
    "logprobs",
    "timestamp",
    "lc_kwargs",
    "lc_serializable",
    "lc_namespace",
    "usage",
    "text",
    "user",
    "finish_reasons",
    "lc_error",
    "delta",
    "metadata",
    "meta",
];

/// How to read a list of messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader {
    /// Which side of the run they are on.
    pub(crate) side: Side,
    /// Content that is JSON inside text is read as content parts: flattened attributes and span events.
    pub(crate) json_in_text: bool,
}

impl Reader {
    pub(crate) fn new(side: Side) -> Self {
        Self { side, json_in_text: false }
    }

    pub(crate) fn flattened(side: Side) -> Self {
        Self { side, json_in_text: true }
    }

    fn default_role(self) -> &'static str {
        match self.side {
            Side::Input => "user",
            Side::Output => "assistant",
        }
    }

    /// Reads a list of messages, or a list of such lists, or one message. Adds nothing when it is none of these.
    pub(crate) fn read_list(self, json: &Json<'_>, out: &mut Vec<JsonText>) -> bool {
        let Some(items) = json.items() else {
            let Some(message) = self.read_message(json) else { return false };
            message.finish(self.side, out);
            return true;
        };
        if !is_message_list(json) {
            return false;
        }
        let mut open: Option<Message> = None;
        for item in items {
            if item.items().is_some() {
                self.close(&mut open, out);
                self.read_list(item, out);
            } else if is_response_item(item) {
                self.read_response_item(item, &mut open, out);
            } else if let Some(message) = self.read_message(item) {
                self.close(&mut open, out);
                message.finish(self.side, out);
            }
        }
        self.close(&mut open, out);
        true
    }

    /// Reads the messages of flattened attributes; there every object is one. None where none says
    /// anything: then another attribute may know more than the roles.
    pub(crate) fn read_flattened(self, tree: &Json<'_>) -> Vec<JsonText> {
        let mut read: Vec<Message> = Vec::new();
        // smolagents leaves the number out when there is one message.
        let items = tree.items().unwrap_or(std::slice::from_ref(tree));
        for mut message in items.iter().filter_map(|item| self.read_message(item)) {
            match read.last_mut() {
                // OpenLLMetry tells the thoughts of an answer as a message before it.
                Some(last) if last.role == "thinking" => {
                    let thoughts = std::mem::take(&mut last.parts);
                    message.parts.splice(0..0, thoughts.into_iter().map(Part::into_reasoning));
                    message.finish_reason = message.finish_reason.or_else(|| last.finish_reason.take());
                    *last = message;
                }
                _ => read.push(message),
            }
        }
        if self.side == Side::Output || read.iter().all(Message::is_empty) {
            read.retain(|message| !message.is_empty());
        }
        let mut messages = Vec::with_capacity(read.len());
        for message in read {
            message.finish(self.side, &mut messages);
        }
        messages
    }

    fn close(self, open: &mut Option<Message>, out: &mut Vec<JsonText>) {
        if let Some(message) = open.take().filter(|message| !message.is_empty()) {
            message.finish(self.side, out);
        }
    }

    /// An item of the OpenAI Responses API. Reasoning, text and calls of one turn make one message.
    fn read_response_item(self, item: &Json<'_>, open: &mut Option<Message>, out: &mut Vec<JsonText>) {
        let kind = item.get("type").and_then(Json::as_simple).unwrap_or_default();
        if kind.ends_with("_output") || kind == "tool_result" {
            self.close(open, out);
            let mut message = Message::new("tool");
            message.push_part(item);
            message.finish(self.side, out);
            return;
        }
        let message = open.get_or_insert_with(|| Message::new("assistant"));
        match kind {
            "message" => {
                if let Some(content) = item.get("content") {
                    message.push_content_of(content);
                }
            }
            "reasoning" => {
                if let Some(summary) = item.first(&["summary", "content"]) {
                    message.push_reasoning_of(summary, "");
                }
            }
            _ => message.push_part(item),
        }
    }

    /// Reads one message of any shape.
    pub(crate) fn read_message(self, json: &Json<'_>) -> Option<Message> {
        self.read_at(json, 0)
    }

    fn read_at(self, json: &Json<'_>, depth: usize) -> Option<Message> {
        json.members()?;
        if depth > 8 {
            return None;
        }
        if let Some(inner) = wrapped(json) {
            let read = self.read_at(inner, depth + 1);
            // A choice whose message has nothing but calls beside it.
            let mut message = read.or_else(|| self.implied_role(json).map(|role| Message::new(&role)))?;
            message.finish_reason = message.finish_reason.or_else(|| finish_reason(json));
            if message.tool_calls.is_empty() {
                // Span events flatten a choice so that its calls stand beside its message.
                self.push_tool_calls(&mut message, json.first(&["tool_calls"]));
            }
            if message.is_empty() {
                push_function_results(&mut message, json);
            }
            if let Some(logprobs) = json_text(json.get("logprobs")) {
                super::push_member(&mut message.extra, "logprobs", Some(&logprobs));
            }
            return Some(message);
        }
        if let Some((class, kwargs)) = lc_constructor(json) {
            return class_role(class).and_then(|role| self.read_fields(kwargs, Cow::Borrowed(role)));
        }
        let role = match role_of(json) {
            // OpenLLMetry calls the role of a streamed chunk of LangChain so.
            Some(role) if role == "unknown" => Cow::Borrowed(self.default_role()),
            role => role.or_else(|| self.implied_role(json))?,
        };
        // `messages_to_dict` of LangChain keeps the message under `data`.
        let fields = json.get("data").filter(|data| data.get("content").is_some()).unwrap_or(json);
        self.read_fields(fields, role)
    }

    fn read_fields(self, json: &Json<'_>, role: Cow<'_, str>) -> Option<Message> {
        let tool_call_id = json_text(json.first(&["tool_call_id", "toolCallId"]));
        // What answers a call of a tool comes from that, whoever passes it on.
        let answers = role == "user" && tool_call_id.is_some();
        let named_after_tool = is_name_of_tool(&role, json);
        let mut message = Message::new(if answers || named_after_tool { "tool" } else { &role });
        message.name = json_text(json.get("name"));
        if named_after_tool && message.name.is_none() {
            message.name = Some(Json::text(&role).to_text());
        }
        let kwargs = json.get("additional_kwargs");
        if let Some(reasoning) = json
            .first(&["reasoning_content", "reasoning", "thinking"])
            .or_else(|| kwargs.and_then(|kwargs| kwargs.get("reasoning_content")))
        {
            message.push_reasoning_of(reasoning, "");
        }
        match json.first(&["content", "parts", "contents", "blocks"]) {
            Some(Json::String(text)) => self.push_text(&mut message, *text),
            Some(content) => message.push_content_of(content),
            None => {
                // OpenLLMetry names the prompt of the legacy completions API by its role.
                if let Some(Json::String(text)) = json.first(&["text", "user"]) {
                    message.push_text(*text);
                }
            }
        }
        let calls = json.first(&["tool_calls", "toolCalls"]).filter(|calls| !calls.is_blank());
        let calls = calls.or_else(|| kwargs.and_then(|kwargs| kwargs.get("tool_calls")));
        self.push_tool_calls(&mut message, calls);
        if let Some(call) = json.get("function_call").filter(|call| !call.is_blank()) {
            message.push_tool_call(read_tool_call(call));
        }
        message.tool_call_id = tool_call_id;
        if message.role == "tool" && message.tool_call_id.is_none() && !message.parts.is_empty() {
            // Message events name the call `id`.
            message.tool_call_id = json_text(json.get("id"));
        }
        message.finish_reason = finish_reason(json)
            .or_else(|| json.first(&["response_metadata", "meta"]).and_then(finish_reason));
        if json.get("status").and_then(Json::as_simple) == Some("error") {
            message.extra.push_str(",\"is_error\":true");
        }
        message.extra.push_str(&extra_members(json, KNOWN));
        Some(message)
    }

    fn push_text(self, message: &mut Message, text: Text<'_>) {
        if self.json_in_text && text.simple() == "\"\"" {
            // Empty text that was made JSON once too often.
            return;
        }
        if self.json_in_text && text.simple().starts_with(['[', '{']) {
            let decoded = text.decode();
            if message.role == "tool" && message.push_typed_output(&decoded) {
                return;
            }
            if let Ok(content) = parse(&decoded)
                && is_content(&content)
            {
                message.push_content_of(&content);
                return;
            }
        }
        message.push_text(text);
    }

    fn push_tool_calls(self, message: &mut Message, calls: Option<&Json<'_>>) {
        match calls {
            Some(Json::Array(calls)) => {
                calls.iter().for_each(|call| message.push_tool_call(read_tool_call(call)))
            }
            // Flattened attributes and span events carry the list as JSON text.
            Some(Json::String(text)) => {
                if let Ok(calls @ Json::Array(_)) = parse(&text.decode()) {
                    self.push_tool_calls(message, Some(&calls));
                }
            }
            _ => {}
        }
    }

    /// The role of a message that names none: flattened choices, completions, Gemini contents.
    fn implied_role(self, json: &Json<'_>) -> Option<Cow<'static, str>> {
        if let Some(name) = json.first(&["event.name", "event_name"]).and_then(Json::as_simple) {
            return event_role(name).map(Cow::Borrowed);
        }
        let speaks = json.first(&[
            "content",
            "parts",
            "contents",
            "tool_calls",
            "function_call",
            "text",
            "user",
            "finish_reason",
        ]);
        speaks.filter(|_| json.get("type").is_none()).map(|_| Cow::Borrowed(self.default_role()))
    }
}

/// AutoGen's results of functions stand beside the message, in OpenInference's flattened form: JSON in texts.
fn push_function_results(message: &mut Message, json: &Json<'_>) {
    for result in json.get("function").and_then(Json::items).unwrap_or_default() {
        let Some(text) = result.as_text() else { continue };
        if let Ok(result @ Json::Object(_)) = parse(&text.decode()) {
            message.push_tool_result(&result);
        }
    }
}

/// The role that a message event names.
pub(crate) fn event_role(name: &str) -> Option<&'static str> {
    Some(match name {
        "gen_ai.system.message" => "system",
        "gen_ai.user.message" => "user",
        "gen_ai.assistant.message" | "gen_ai.choice" => "assistant",
        "gen_ai.tool.message" => "tool",
        _ => return None,
    })
}

/// The message inside a choice, a candidate, a generation or OpenInference's wrapper.
fn wrapped<'j, 'a>(json: &'j Json<'a>) -> Option<&'j Json<'a>> {
    if let Some(inner) = json.get("message").filter(|inner| inner.members().is_some()) {
        return Some(inner);
    }
    // Gemini: the content of a candidate is an object with a role and parts.
    json.get("content").filter(|content| content.get("parts").is_some_and(|parts| parts.items().is_some()))
}

/// A serialised LangChain object: its class and its arguments.
pub(super) fn lc_constructor<'j, 'a>(json: &'j Json<'a>) -> Option<(&'a str, &'j Json<'a>)> {
    json.get("lc")?;
    let class = json.get("id")?.items()?.last()?.as_simple()?;
    Some((class, json.get("kwargs")?))
}

fn class_role(class: &str) -> Option<&'static str> {
    let class = class.strip_suffix("Chunk").unwrap_or(class);
    Some(match class {
        "HumanMessage" => "user",
        "AIMessage" => "assistant",
        "SystemMessage" => "system",
        "ToolMessage" | "FunctionMessage" => "tool",
        "ChatMessage" => "user",
        _ => return None,
    })
}

/// The role that a message names, in one spelling.
fn role_of<'a>(json: &Json<'a>) -> Option<Cow<'a, str>> {
    if let Some(role) = json.get("role").and_then(Json::as_simple).filter(|role| !role.is_empty()) {
        return Some(normalise_role(role));
    }
    let kind = json.get("type").and_then(Json::as_simple)?;
    let role = match kind {
        "human" | "HumanMessageChunk" => "user",
        "ai" | "AIMessageChunk" => "assistant",
        "system" | "developer" | "tool" | "user" | "assistant" | "function" => kind,
        _ => class_role(kind)?,
    };
    json.first(&["content", "data", "parts"]).map(|_| normalise_role(role))
}

pub(super) fn normalise_role(role: &str) -> Cow<'_, str> {
    let lower = if role.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(role.to_ascii_lowercase())
    } else {
        Cow::Borrowed(role)
    };
    // Python enums print as `MessageRole.USER`.
    let bare = lower.rsplit_once('.').map_or(lower.as_ref(), |(_, last)| last);
    match bare {
        "human" => "user".into(),
        "ai" | "model" | "chatbot" | "bot" | "tool-call" | "tool_call" => "assistant".into(),
        "function" | "tool_response" | "tool-response" => "tool".into(),
        _ if bare.len() == lower.len() => lower,
        _ => bare.to_owned().into(),
    }
}

/// Langfuse's handler for LangChain in JavaScript tells the name of a tool as the role of what it answered. It tells
/// `additional_kwargs` of such messages only.
fn is_name_of_tool(role: &str, json: &Json<'_>) -> bool {
    const ROLES: &[&str] = &["system", "developer", "user", "assistant", "tool"];
    !ROLES.contains(&role)
        && json.get("type").is_none()
        && json.get("additional_kwargs").is_some_and(|kwargs| kwargs.members().is_some())
}

fn finish_reason(json: &Json<'_>) -> Option<String> {
    let told = json.first(&["finish_reason", "finishReason", "stop_reason", "stopReason"])?;
    // The Vercel AI SDK 6 tells the provider's own word beside its own.
    let reason = told.get("unified").unwrap_or(told);
    json_text(Some(reason).filter(|reason| reason.as_text().is_some()))
}

/// Items of the OpenAI Responses API that are no messages by themselves, and its assistant messages.
pub(super) fn is_response_item(json: &Json<'_>) -> bool {
    let Some(kind) = json.get("type").and_then(Json::as_simple) else { return false };
    match kind {
        "message" => json.get("role").and_then(Json::as_simple) == Some("assistant"),
        "reasoning"
        | "function_call"
        | "function_call_output"
        | "custom_tool_call"
        | "custom_tool_call_output" => true,
        _ => kind.ends_with("_call") && json.get("id").is_some(),
    }
}

/// True for one message of a shape that cannot be mistaken.
pub(super) fn is_message(json: &Json<'_>) -> bool {
    if json.members().is_none() {
        return false;
    }
    if let Some((class, _)) = lc_constructor(json) {
        return class_role(class).is_some();
    }
    role_of(json).is_some()
        || wrapped(json).is_some_and(|inner| {
            inner.first(&["role", "content", "lc", "parts", "tool_calls", "contents"]).is_some()
        })
        || json.first(&["event.name", "event_name"]).and_then(Json::as_simple).and_then(event_role).is_some()
        || is_response_item(json)
}

/// A list of messages (not empty), or a list of such lists, as batches are.
pub(crate) fn is_message_list(json: &Json<'_>) -> bool {
    is_list_of_messages(json, 2)
}

fn is_list_of_messages(json: &Json<'_>, batches: usize) -> bool {
    let fits = |item: &Json<'_>| match item {
        Json::Array(_) => batches > 0 && is_list_of_messages(item, batches - 1),
        _ => is_message(item),
    };
    json.items().is_some_and(|items| !items.is_empty() && items.iter().all(fits))
}

/// A list of content parts, or one part.
fn is_content(json: &Json<'_>) -> bool {
    const MARKS: &[&str] = &["type", "text", "toolUse", "toolResult", "reasoningContent", "image"];
    match json {
        Json::Array(items) => !items.is_empty() && items.iter().all(|item| item.first(MARKS).is_some()),
        Json::Object(_) => {
            json.get("type").is_some() && json.first(&["text", "content", "image_url"]).is_some()
        }
        _ => false,
    }
}
