//! The shapes of content: texts, reasoning, media, tool calls and tool results of each provider and SDK.

use super::{Message, Part, ToolCall, push_member};
use crate::json::{Json, Text, parse};

/// Bookkeeping of SDKs beside a part's content: not part of what was said.
const NOISE: &[&str] = &[
    "type",
    "block_type",
    "index",
    "id",
    "providerOptions",
    "providerMetadata",
    "provider_name",
    "provider_details",
];

impl Message {
    /// Adds content of any form: text, a list of parts, one part.
    pub(super) fn push_content_of(&mut self, content: &Json<'_>) {
        match content {
            Json::Null => {}
            Json::String(text) => self.push_text(*text),
            Json::Array(items) => items.iter().for_each(|item| self.push_part(item)),
            other => self.push_part(other),
        }
    }

    /// Adds one part. What no rule knows is kept as it came.
    pub(super) fn push_part(&mut self, part: &Json<'_>) {
        match part {
            Json::Null => return,
            Json::String(text) => return self.push_text(*text),
            // OpenInference wraps each part.
            Json::Object(_) => {
                if let Some(inner) = part.get("message_content") {
                    return self.push_part(inner);
                }
            }
            other => return self.parts.push(Part::Other(other.to_text())),
        }
        let kind = part.first(&["type", "block_type"]).and_then(Json::as_simple).unwrap_or_default();
        let known = match kind {
            "" => self.push_untyped(part),
            "text" | "input_text" | "output_text" | "summary_text" => self.push_text_part(part),
            "reasoning" | "thinking" | "reasoning_content" => self.push_reasoning(part),
            "tool_call" | "tool_use" | "tool-call" | "function_call" | "server_tool_use"
            | "server_tool_call" | "custom_tool_call" | "mcp_call" | "function" => {
                self.push_tool_call(read_tool_call(part));
                true
            }
            "tool_call_response"
            | "tool_result"
            | "tool-result"
            | "tool_call_result"
            | "function_call_output"
            | "custom_tool_call_output"
            | "server_tool_call_response"
            | "tool_response" => {
                self.push_tool_result(part);
                true
            }
            _ => self.push_media(kind, part),
        };
        if !known {
            self.parts.push(Part::Other(part.to_text()));
        }
    }

    fn push_text_part(&mut self, part: &Json<'_>) -> bool {
        let Some(text) = part.first(&["text", "content"]).and_then(Json::as_text) else {
            // A text part without its text, as senders leave it that withhold content, says nothing.
            return part.first(&["text", "content"]).is_none()
                && extra_members(part, &["text", "content"]).is_empty();
        };
        let extra = extra_members(part, &["text", "content"]);
        if extra.is_empty() {
            self.push_text(text);
        } else {
            let mut json = String::from("{\"type\":\"text\",\"text\":");
            text.write(&mut json);
            json.push_str(&extra);
            json.push('}');
            self.parts.push(Part::Other(json));
        }
        true
    }

    fn push_reasoning(&mut self, part: &Json<'_>) -> bool {
        const TEXTS: &[&str] = &["thinking", "text", "content", "reasoning", "reasoning_content", "summary"];
        let extra = extra_members(part, TEXTS);
        let Some(source) = part.first(TEXTS) else { return extra.is_empty() };
        self.push_reasoning_of(source, &extra);
        true
    }

    /// Adds reasoning that is text, or a list of texts (the summary of the OpenAI Responses API).
    pub(super) fn push_reasoning_of(&mut self, source: &Json<'_>, extra: &str) {
        match source {
            Json::String(text) if text.is_empty() && extra.is_empty() => {}
            Json::String(text) => {
                let mut json = String::from("{\"type\":\"reasoning\",\"text\":");
                text.write(&mut json);
                json.push_str(extra);
                json.push('}');
                self.parts.push(Part::Other(json));
            }
            Json::Array(items) => items.iter().for_each(|item| match item.first(&["text", "content"]) {
                Some(text) => self.push_reasoning_of(text, extra),
                None => self.push_reasoning_of(item, extra),
            }),
            _ => {}
        }
    }

    /// Adds a part that says by its member what it is: Gemini, Bedrock Converse and Genkit.
    fn push_untyped(&mut self, part: &Json<'_>) -> bool {
        if let Some(call) =
            part.first(&["toolUse", "functionCall", "function_call", "toolRequest", "tool_call"])
        {
            self.push_tool_call(read_tool_call(call));
            return true;
        }
        if let Some(result) =
            part.first(&["toolResult", "functionResponse", "function_response", "toolResponse"])
        {
            self.push_tool_result(result);
            return true;
        }
        if let Some(reasoning) = part.get("reasoningContent") {
            let source = reasoning.get("reasoningText").unwrap_or(reasoning);
            return self.push_reasoning(source);
        }
        if let Some(text @ Json::String(_)) = part.get("text") {
            if part.get("thought").and_then(Json::as_bool) == Some(true) {
                self.push_reasoning_of(text, "");
                return true;
            }
            return self.push_text_part(part);
        }
        self.push_media("", part)
    }

    pub(super) fn push_tool_result(&mut self, result: &Json<'_>) {
        let id = json_text(result.first(&[
            "tool_call_id",
            "tool_use_id",
            "toolCallId",
            "toolUseId",
            "call_id",
            "id",
            "ref",
        ]));
        let content = result
            .first(&["response", "result", "output", "content", "server_tool_call_response"])
            .unwrap_or(&Json::Null);
        let failed = result.first(&["is_error", "isError"]).and_then(Json::as_bool) == Some(true)
            || result.get("status").and_then(Json::as_simple) == Some("error");
        let extra = if failed { ",\"is_error\":true".to_owned() } else { String::new() };
        self.parts.push(Part::ToolResult { id, content: tool_output_text(content), extra });
    }

    /// Adds the output of a tool that is `{"type", "value"}` in text (AI SDK 5). True when it was one.
    pub(super) fn push_typed_output(&mut self, text: &str) -> bool {
        let Ok(json) = parse(text) else { return false };
        let typed = json.get("type").is_some()
            && json.get("value").is_some()
            && json.members().is_some_and(|m| m.len() == 2);
        if typed {
            match tool_output_text(&json) {
                text if text.starts_with('"') => self.parts.push(Part::Text(text)),
                value => self.parts.push(Part::Other(value)),
            }
        }
        typed
    }

    fn push_media(&mut self, kind: &str, part: &Json<'_>) -> bool {
        let Some(media) = read_media(kind, part) else { return false };
        let mut json = String::from("{\"type\":\"");
        json.push_str(media.kind);
        json.push('"');
        push_member(&mut json, if media.is_url { "url" } else { "data" }, Some(&media.source));
        push_member(&mut json, "mime_type", media.mime_type.as_deref());
        push_member(&mut json, "name", media.name.as_deref());
        push_member(&mut json, "transcript", media.transcript.as_deref());
        json.push('}');
        self.parts.push(Part::Other(json));
        true
    }
}

/// Members that are neither known nor blank, as `,"name":value`.
pub(super) fn extra_members(json: &Json<'_>, known: &[&str]) -> String {
    let mut extra = String::new();
    for (name, value) in json.members().unwrap_or_default() {
        let simple = name.simple();
        if !known.contains(&simple) && !NOISE.contains(&simple) && !value.is_blank() {
            extra.push(',');
            name.write(&mut extra);
            extra.push(':');
            value.write(&mut extra);
        }
    }
    extra
}

/// The canonical text of a value that is there and not blank.
pub(super) fn json_text(value: Option<&Json<'_>>) -> Option<String> {
    value.filter(|value| !value.is_blank()).map(Json::to_text)
}

/// Reads a tool call of any shape; the call itself may be wrapped in `tool_call` and `function`.
pub(super) fn read_tool_call(json: &Json<'_>) -> ToolCall {
    let json = json.get("tool_call").filter(|inner| inner.members().is_some()).unwrap_or(json);
    let inner = json.get("function").filter(|inner| inner.members().is_some()).unwrap_or(json);
    let id = json_text(json.first(&["call_id", "id", "toolCallId", "tool_call_id", "toolUseId", "ref"]));
    let name = json_text(inner.first(&["name", "toolName", "tool_name"]).or_else(|| json.first(&["name"])));
    let arguments = inner
        .first(&["arguments", "args", "input"])
        .or_else(|| json.first(&["arguments", "args", "input", "server_tool_call"]));
    ToolCall { id, name, arguments: arguments.and_then(arguments_text) }
}

/// Arguments as a JSON value, also when they were sent as JSON in a text. Text that is not JSON stays text.
fn arguments_text(arguments: &Json<'_>) -> Option<String> {
    let Json::String(text) = arguments else { return Some(arguments.to_text()) };
    if text.is_empty() {
        return None;
    }
    let decoded = text.decode();
    match parse(&decoded) {
        Ok(value @ (Json::Object(_) | Json::Array(_))) => Some(value.to_text()),
        // Some senders make JSON of it twice.
        Ok(inner @ Json::String(_)) if decoded.len() < arguments_len(arguments) => arguments_text(&inner),
        _ => Some(arguments.to_text()),
    }
}

fn arguments_len(arguments: &Json<'_>) -> usize {
    arguments.as_text().map_or(0, |text| text.simple().len() + 1)
}

/// What a tool gave back: content blocks become their text, everything else stays what it was.
fn tool_output_text(content: &Json<'_>) -> String {
    // AI SDK 5: `{"type":"text"|"json"|…,"value":…}`.
    if let (Some(Json::String(_)), Some(value)) = (content.get("type"), content.get("value")) {
        return value.to_text();
    }
    if let Some(items) = content.items() {
        let mut message = Message::new("tool");
        let blocks =
            !items.is_empty() && items.iter().all(|item| item.first(&["text", "type", "json"]).is_some());
        if blocks {
            message.push_content_of(content);
            return match message.parts.as_slice() {
                [Part::Text(text)] => text.clone(),
                _ if message.tool_calls.is_empty() => write_parts(&message.parts),
                _ => content.to_text(),
            };
        }
    }
    content.to_text()
}

fn write_parts(parts: &[Part]) -> String {
    let mut out = String::from("[");
    for (idx, part) in parts.iter().enumerate() {
        if idx > 0 {
            out.push(',');
        }
        part.write(&mut out);
    }
    out.push(']');
    out
}

struct Media {
    kind: &'static str,
    source: String,
    is_url: bool,
    mime_type: Option<String>,
    name: Option<String>,
    /// What is said in a sound.
    transcript: Option<String>,
}

/// Members that hold the media inside a part, by the sender's habit.
const WRAPPERS: &[&str] = &[
    "image_url",
    "image",
    "audio",
    "video",
    "input_audio",
    "file",
    "document",
    "source",
    "media",
    "inlineData",
    "inline_data",
    "fileData",
    "file_data",
    "image_file",
];
const URLS: &[&str] = &["url", "uri", "image_url", "file_uri", "fileUri", "file_url"];
const DATA: &[&str] = &["data", "base64", "bytes", "content", "file_data", "b64_json"];
const MIME_TYPES: &[&str] = &["mime_type", "mimeType", "media_type", "mediaType", "contentType", "mimetype"];
const NAMES: &[&str] = &["filename", "file_name", "title"];

/// Reads a picture, sound, film or file: `url` with a link or data URI, or `data` in base64.
fn read_media(kind: &str, part: &Json<'_>) -> Option<Media> {
    let mut source = None;
    let mut mime_type = json_text(part.first(MIME_TYPES));
    let mut name = json_text(part.first(NAMES));
    let mut transcript = None;
    let mut node = part;
    let mut wrapper = "";
    // Senders wrap at most three deep: `image.image.url`, `image.source.bytes`.
    for _ in 0..4 {
        source = media_source(node);
        mime_type = mime_type.or_else(|| json_text(node.first(MIME_TYPES)));
        name = name.or_else(|| json_text(node.first(NAMES)));
        transcript = transcript.or_else(|| json_text(node.get("transcript")));
        let next = WRAPPERS
            .iter()
            .find_map(|key| node.get(key).filter(|inner| !inner.is_blank()).map(|inner| (*key, inner)));
        let (None, Some((key, inner))) = (&source, next) else { break };
        if wrapper.is_empty() {
            wrapper = key;
        }
        // A bare string: the link or the data itself.
        if let Json::String(text) = inner {
            source = Some((inner.to_text(), looks_like_url(*text)));
            break;
        }
        if let (None, Some(format)) = (&mime_type, inner.get("format").and_then(Json::as_simple)) {
            let major = if wrapper.contains("audio") { "audio" } else { "image" };
            mime_type = Some(format!("\"{major}/{format}\""));
        }
        node = inner;
    }
    let (source, is_url) = source?;
    let modality = part.get("modality").and_then(Json::as_simple).unwrap_or_default();
    let kind = media_kind(modality)
        .or_else(|| media_kind(mime_type.as_deref().unwrap_or_default().trim_start_matches('"')))
        .or_else(|| media_kind(kind))
        .or_else(|| media_kind(wrapper))
        .unwrap_or("file");
    Some(Media { kind, source, is_url, mime_type, name, transcript })
}

fn media_source(node: &Json<'_>) -> Option<(String, bool)> {
    if let Some(url @ Json::String(text)) = node.first(URLS)
        && !text.is_empty()
    {
        return Some((url.to_text(), true));
    }
    match node.first(DATA)? {
        data @ Json::String(text) if !text.is_empty() => Some((data.to_text(), looks_like_url(*text))),
        Json::Bytes(bytes) => Some((text_of_bytes(bytes), false)),
        _ => None,
    }
}

/// Bytes as a JSON string in base64.
pub(crate) fn text_of_bytes(bytes: &[u8]) -> String {
    use base64::Engine as _;
    let mut out = String::from("\"");
    base64::engine::general_purpose::STANDARD.encode_string(bytes, &mut out);
    out.push('"');
    out
}

fn looks_like_url(text: Text<'_>) -> bool {
    let text = text.simple();
    ["http://", "https://", "data:", "gs://", "s3://", "file:", "blob:"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
}

fn media_kind(word: &str) -> Option<&'static str> {
    const KINDS: &[(&str, &str)] = &[
        ("image", "image"),
        ("audio", "audio"),
        ("input_image", "image"),
        ("input_audio", "audio"),
        ("video", "video"),
    ];
    KINDS.iter().find(|(start, _)| word.starts_with(start)).map(|(_, kind)| *kind)
}

/// Python's `None` printed as text.
pub(crate) fn is_python_none(text: &str) -> bool {
    matches!(text, "None" | "null")
}
