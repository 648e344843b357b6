//! Messages of every shape in the one shape that the store keeps (see `clearspan_model::Payload`).
//!
//! Each list of messages is a [`Json`] tree, whether it came as text, as a structured value or flattened
//! into many attributes ([`tree`]). [`read`] knows the shapes of messages, [`parts`] those of content,
//! [`payload`] finds messages inside whole requests and responses.
//!
//! The text of a message depends on its content alone: never on its place, its time or the call it is
//! part of. Members stand in one order, blank ones are left out, a lone text part is plain text, and tool
//! arguments are JSON values also when they were sent as text. So a message that is sent again as
//! history has the same text, and the store keeps it once. Only outputs have a `finish_reason`.

mod lines;
mod parts;
mod payload;
mod read;
mod seen;
mod tree;

use clearspan_model::{JsonText, Side};
use rustc_hash::FxHashSet;

use crate::json::{Json, Text, push_string};

pub(crate) use lines::read_role_lines;
pub(crate) use parts::is_python_none;
pub(crate) use payload::{lead, read_instructions, read_payload};
pub(crate) use read::{Reader, event_role};
pub(crate) use seen::{FlatKey, Seen};
pub(crate) use tree::unflatten;

/// A piece of a message's content.
#[derive(Debug)]
enum Part {
    /// A JSON string.
    Text(String),
    /// What a tool gave back; both are JSON texts.
    ToolResult { id: Option<String>, content: String, extra: String },
    /// A JSON object.
    Other(String),
}

/// A message under construction. All strings but `role` are JSON texts.
#[derive(Debug, Default)]
pub(crate) struct Message {
    role: String,
    name: Option<String>,
    parts: Vec<Part>,
    tool_calls: Vec<ToolCall>,
    tool_call_ids: FxHashSet<String>,
    tool_call_id: Option<String>,
    finish_reason: Option<String>,
    /// Further members, each as `,"name":value`.
    extra: String,
}

#[derive(Debug)]
struct ToolCall {
    id: Option<String>,
    name: Option<String>,
    arguments: Option<String>,
}

impl Message {
    fn new(role: &str) -> Self {
        Self { role: role.to_owned(), ..Self::default() }
    }

    /// A message that is plain text.
    pub(crate) fn of_text(role: &str, text: Text<'_>) -> Self {
        let mut message = Self::new(role);
        message.push_text(text);
        message
    }

    fn push_text(&mut self, text: Text<'_>) {
        if !text.is_empty() {
            let mut json = String::new();
            text.write(&mut json);
            self.parts.push(Part::Text(json));
        }
    }

    /// Adds a tool call, unless the message has one with this id: some senders tell each call twice.
    fn push_tool_call(&mut self, call: ToolCall) {
        let known = call.id.as_ref().is_some_and(|id| !self.tool_call_ids.insert(id.clone()));
        if !known && (call.name.is_some() || call.id.is_some() || call.arguments.is_some()) {
            self.tool_calls.push(call);
        }
    }

    /// True when nothing was said.
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.tool_calls.is_empty() && self.extra.is_empty()
    }

    /// Adds the finished text: several messages where one held the results of several tools.
    pub(crate) fn finish(self, side: Side, out: &mut Vec<JsonText>) {
        let only_results = !self.parts.is_empty()
            && self.tool_calls.is_empty()
            && self.parts.iter().all(|part| matches!(part, Part::ToolResult { .. }));
        if !only_results {
            out.push(self.text(side));
            return;
        }
        for part in self.parts {
            let Part::ToolResult { id, content, extra } = part else { continue };
            let result = Self {
                role: "tool".to_owned(),
                name: self.name.clone(),
                parts: vec![Part::Other(content)],
                tool_call_id: id.or_else(|| self.tool_call_id.clone()),
                extra: extra + &self.extra,
                ..Self::default()
            };
            out.push(result.text(side));
        }
    }

    fn text(&self, side: Side) -> JsonText {
        let mut out = String::with_capacity(64 + self.parts.iter().map(Part::size).sum::<usize>());
        out.push_str("{\"role\":");
        push_string(&self.role, &mut out);
        push_member(&mut out, "name", self.name.as_deref());
        self.push_content(&mut out);
        self.push_tool_calls(&mut out);
        push_member(&mut out, "tool_call_id", self.tool_call_id.as_deref());
        out.push_str(&self.extra);
        if side == Side::Output {
            push_member(&mut out, "finish_reason", self.finish_reason.as_deref());
        }
        out.push('}');
        JsonText::from_trusted(out)
    }

    fn push_content(&self, out: &mut String) {
        match self.parts.as_slice() {
            [] => {}
            [Part::Text(text)] => push_member(out, "content", Some(text)),
            // What a tool gave back is already in its final form.
            [Part::Other(content)] if self.role == "tool" => push_member(out, "content", Some(content)),
            parts => {
                out.push_str(",\"content\":[");
                for (idx, part) in parts.iter().enumerate() {
                    if idx > 0 {
                        out.push(',');
                    }
                    part.write(out);
                }
                out.push(']');
            }
        }
    }

    fn push_tool_calls(&self, out: &mut String) {
        for (idx, call) in self.tool_calls.iter().enumerate() {
            out.push_str(if idx == 0 { ",\"tool_calls\":[{" } else { ",{" });
            let from = out.len();
            push_member(out, "id", call.id.as_deref());
            push_member(out, "name", call.name.as_deref());
            push_member(out, "arguments", call.arguments.as_deref());
            // The first member brought a comma too many.
            if out.len() > from {
                out.remove(from);
            }
            out.push('}');
        }
        if !self.tool_calls.is_empty() {
            out.push(']');
        }
    }
}

impl Part {
    fn into_reasoning(self) -> Self {
        match self {
            Self::Text(text) => Self::Other(format!("{{\"type\":\"reasoning\",\"text\":{text}}}")),
            other => other,
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Text(json) | Self::Other(json) => json.len() + 32,
            Self::ToolResult { content, .. } => content.len() + 96,
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Text(text) => {
                out.push_str("{\"type\":\"text\",\"text\":");
                out.push_str(text);
                out.push('}');
            }
            Self::ToolResult { id, content, extra } => {
                out.push_str("{\"type\":\"tool_result\"");
                push_member(out, "tool_call_id", id.as_deref());
                push_member(out, "content", Some(content));
                out.push_str(extra);
                out.push('}');
            }
            Self::Other(object) => out.push_str(object),
        }
    }
}

/// Appends `,"name":value` when there is a value.
fn push_member(out: &mut String, name: &str, json: Option<&str>) {
    if let Some(json) = json {
        out.push_str(",\"");
        out.push_str(name);
        out.push_str("\":");
        out.push_str(json);
    }
}

/// Gives the message the finish reason that its call reported apart from it, unless it has one.
pub(crate) fn with_finish_reason(message: &JsonText, reason: Json<'_>) -> Option<JsonText> {
    let text = message.as_str();
    let open = text.strip_suffix('}')?;
    if crate::json::parse(text).ok()?.get("finish_reason").is_some() {
        return None;
    }
    let mut out = String::with_capacity(text.len() + 32);
    out.push_str(open);
    push_member(&mut out, "finish_reason", Some(&reason.to_text()));
    out.push('}');
    Some(JsonText::from_trusted(out))
}

#[cfg(test)]
mod tests;
