//! A glimpse of what went into a run and what came out: one line of plain text.

use std::collections::HashMap;

use clearspan_model::{JsonText, Payload, Run, Side};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// The longest preview, in characters.
const MAX_CHARS: usize = 120;

/// Fields of an object that say most about it, the most telling first.
const TELLING: &[&str] =
    &["input", "question", "query", "prompt", "text", "output", "answer", "content", "result"];

/// What the user said last, else what else went in.
pub(crate) fn of_input(run: &Run) -> Option<String> {
    of_side(run, Side::Input, &run.inputs, &["user", "human"])
}

/// What the model said last, else what else came out.
pub(crate) fn of_output(run: &Run) -> Option<String> {
    of_side(run, Side::Output, &run.outputs, &["assistant", "ai", "model"])
}

fn of_side(run: &Run, side: Side, payload: &Payload, roles: &[&str]) -> Option<String> {
    let fragments;
    let messages = if payload.messages.is_empty() && !run.fragments.is_empty() {
        fragments = run.messages(side);
        &fragments
    } else {
        &payload.messages
    };
    let by_role = messages.iter().rev().filter(|message| has_role(message, roles)).find_map(of_message);
    by_role
        .or_else(|| messages.iter().rev().find_map(of_message))
        .or_else(|| payload.rest.as_ref().and_then(of_rest))
}

/// Only the role: messages can be large, and the last one of a role may be far back.
#[derive(Deserialize)]
struct Role {
    role: Option<String>,
}

fn has_role(message: &JsonText, roles: &[&str]) -> bool {
    if let Some((role, _)) = split_role(message.as_str()) {
        return roles.contains(&role);
    }
    let role = serde_json::from_str::<Role>(message.as_str()).ok().and_then(|message| message.role);
    role.is_some_and(|role| roles.contains(&role.as_str()))
}

/// The role of a message as the mapping writes it, and what stands behind it.
fn split_role(message: &str) -> Option<(&str, &str)> {
    let (role, rest) = message.strip_prefix("{\"role\":\"")?.split_once('"')?;
    (!role.contains('\\')).then_some((role, rest))
}

fn of_message(message: &JsonText) -> Option<String> {
    if let Some(line) = of_plain_message(message.as_str()) {
        return Some(line);
    }
    let message = message.to_value();
    let text = message.get("content").map(content_text).unwrap_or_default();
    one_line(&text).or_else(|| one_line(&tool_call_names(&message)))
}

/// So much of a text is looked at before all of it is.
const HEAD_BYTES: usize = 1 << 10;

/// The line of a message whose content is one text, of which only the beginning is read. `None` where that is not
/// enough to know the line.
fn of_plain_message(message: &str) -> Option<String> {
    let (_, rest) = split_role(message)?;
    let text = rest.strip_prefix(",\"content\":")?;
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1;
    while at < bytes.len().min(HEAD_BYTES) {
        match bytes[at] {
            b'"' => return one_line(&serde_json::from_str::<String>(text.get(..=at)?).ok()?),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    // It may end inside of a character or of an escape: then the long way is taken.
    let head = format!("{}\"", text.get(..at)?);
    let line = one_line(&serde_json::from_str::<String>(&head).ok()?)?;
    (line.chars().count() == MAX_CHARS && line.ends_with('…')).then_some(line)
}

/// The text of a message's content; a word in brackets stands for what is not text.
fn content_text(content: &Value) -> String {
    let parts = match content {
        Value::String(text) => return text.clone(),
        Value::Array(parts) => parts.as_slice(),
        Value::Object(_) => std::slice::from_ref(content),
        Value::Null | Value::Bool(_) | Value::Number(_) => return String::new(),
    };
    let texts: Vec<&str> = parts.iter().filter_map(part_text).collect();
    if !texts.is_empty() {
        return texts.join(" ");
    }
    let kinds = parts.iter().filter_map(|part| part.get("type")?.as_str());
    kinds.map(|kind| format!("[{kind}]")).collect::<Vec<_>>().join(" ")
}

fn part_text(part: &Value) -> Option<&str> {
    if let Value::String(text) = part {
        return Some(text);
    }
    match part.get("type").and_then(Value::as_str) {
        Some("text") | None => part.get("text")?.as_str(),
        Some("tool_result") => part.get("content")?.as_str(),
        Some(_) => None,
    }
}

fn tool_call_names(message: &Value) -> String {
    let calls = message.get("tool_calls").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let names = calls.iter().filter_map(|call| call.get("name")?.as_str());
    names.map(|name| format!("{name}()")).collect::<Vec<_>>().join(", ")
}

fn of_rest(rest: &JsonText) -> Option<String> {
    let text = rest.as_str();
    match text.trim_start().as_bytes().first()? {
        b'"' => one_line(&rest.to_plain()),
        b'{' => telling_field(text).or_else(|| one_line(text)),
        _ if text.trim() == "null" => None,
        _ => one_line(text),
    }
}

/// Reads the values of the wanted fields only.
fn telling_field(object: &str) -> Option<String> {
    let fields: HashMap<String, &RawValue> = serde_json::from_str(object).ok()?;
    TELLING.iter().find_map(|name| {
        let text: String = serde_json::from_str(fields.get(*name)?.get()).ok()?;
        one_line(&text)
    })
}

/// Blanks and line breaks become one blank; what is too long ends in an ellipsis. `None` when nothing is left.
/// Reads no more of the text than it shows.
fn one_line(text: &str) -> Option<String> {
    let mut line = String::with_capacity(text.len().min(MAX_CHARS + '…'.len_utf8()));
    // Word by word, because this is done for every run twice.
    let mut room = MAX_CHARS;
    for word in text.split_whitespace() {
        let is_first = line.is_empty();
        let blank = if is_first { "" } else { " " };
        let chars = blank.len() + word.chars().count();
        if chars > room {
            line.extend(blank.chars().chain(word.chars()).take(room));
            line.pop();
            line.push('…');
            return Some(line);
        }
        line.push_str(blank);
        line.push_str(word);
        room -= chars;
    }
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Character by character.
    fn slow_line(text: &str) -> Option<String> {
        let words = text.split_whitespace();
        let mut chars = words.flat_map(|word| std::iter::once(' ').chain(word.chars())).skip(1);
        let mut line: String = chars.by_ref().take(MAX_CHARS).collect();
        if chars.next().is_some() {
            line.pop();
            line.push('…');
        }
        (!line.is_empty()).then_some(line)
    }

    #[test]
    fn a_line_ends_after_as_many_characters_wherever_words_end() {
        for filler in ["x", "ä€😀", "word ", "a\n\t b ", " "] {
            for chars in MAX_CHARS - 10..MAX_CHARS + 10 {
                for end in ["", " ", "y", " y", " yz ", "😀"] {
                    let begin: String = filler.chars().cycle().take(chars).collect();
                    let text = begin + end;
                    assert_eq!(one_line(&text), slow_line(&text), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn reading_the_beginning_alone_gives_the_line_of_the_whole() {
        let blank = " \n\t".repeat(700);
        let texts = [
            "short",
            "",
            "a \"quoted\" word\\ and\tmore",
            &"ä€😀".repeat(20),
            &"ä€😀".repeat(400),
            &"\"\\\u{1}".repeat(400),
            &format!("{blank}end"),
            &format!("begin…{blank}end"),
            &format!("{}{blank}", "x".repeat(MAX_CHARS)),
            &format!("{}…{blank}y", "x".repeat(MAX_CHARS - 1)),
            &"word ".repeat(1000),
        ];
        for text in texts {
            for shift in 0..12 {
                let text = format!("{}{text}", "z".repeat(shift));
                let message = serde_json::json!({"role": "user", "content": text}).to_string();
                let quick = of_plain_message(&message);
                assert!(quick.is_none() || quick == one_line(&text), "{quick:?} of {text:?}");
                assert_eq!(of_message(&JsonText::from_trusted(message)), one_line(&text), "{text:?}");
            }
        }
        let long = format!("{{\"role\":\"user\",\"content\":\"{}\"}}", "word ".repeat(1000));
        assert!(of_plain_message(&long).is_some(), "the short way is taken");
    }
}
