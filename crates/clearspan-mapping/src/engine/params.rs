//! Parameters of the model call, as one JSON object with sorted members.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use clearspan_model::JsonText;

use super::Attribute;
use super::texts::Texts;
use crate::json::{Json, parse, push_string};

/// Other spellings of common parameters, in objects that come from an SDK as they are.
const ALIASES: &[(&str, &str)] = &[
    ("maxTokens", "max_tokens"),
    ("maxRetries", "max_retries"),
    ("max_new_tokens", "max_tokens"),
    ("maxOutputTokens", "max_tokens"),
    ("topP", "top_p"),
    ("topK", "top_k"),
    ("stopSequences", "stop"),
    ("stop_sequences", "stop"),
    ("frequencyPenalty", "frequency_penalty"),
    ("presencePenalty", "presence_penalty"),
];

/// The usual spelling of a parameter's name.
pub(super) fn parameter_name(name: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name)
}

/// Parameters that are numbers, also when a sender wrote them as text.
const NUMBERS: &[&str] = &[
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "frequency_penalty",
    "presence_penalty",
    "seed",
    "n",
    "max_retries",
    "max_steps",
    "dimensions",
];

/// The value of a parameter.
pub(super) fn parameter<'a>(name: &str, item: &'a Attribute<'_>) -> Json<'a> {
    if let Some(text) = item.text().map(str::trim)
        && text.starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
        && NUMBERS.contains(&name)
        && let Ok(number @ Json::Number(_)) = parse(text)
    {
        return number;
    }
    // What the Python SDK of OpenAI prints for a parameter that nobody set.
    if let Some("NOT_GIVEN" | "NotGiven" | "Omit") = item.text() {
        return Json::Null;
    }
    // LiteLLM prints flags as Python does.
    match item.text().filter(|_| name == "stream") {
        Some("True" | "true") => Json::Bool(true),
        Some("False" | "false") => Json::Bool(false),
        _ => item.json(),
    }
}

/// Parameters while they are collected.
#[derive(Debug, Default)]
pub(super) struct Params(BTreeMap<Cow<'static, str>, String>);

impl Params {
    /// Sets a parameter unless a stronger source told it. True when it is taken or repeats it.
    pub(super) fn put(&mut self, name: impl Into<Cow<'static, str>>, value: &Json<'_>) -> bool {
        if value.is_null() {
            return false;
        }
        let text = value.to_text();
        match self.0.entry(name.into()) {
            Entry::Occupied(known) => *known.get() == text,
            Entry::Vacant(place) => {
                place.insert(text);
                true
            }
        }
    }

    /// A parameter that is text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let json = parse(self.0.get(name)?).ok()?;
        json.as_text().map(|text| text.decode().into_owned()).filter(|text| !text.is_empty())
    }

    /// Whether a parameter is set.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// All of them, as an object.
    pub(super) fn finish(self, texts: &Texts) -> Option<JsonText> {
        let write = |out: &mut String| {
            for (idx, (name, value)) in self.0.iter().enumerate() {
                out.push(if idx == 0 { '{' } else { ',' });
                push_string(name, out);
                out.push(':');
                out.push_str(value);
            }
            out.push('}');
        };
        (!self.0.is_empty()).then(|| texts.make(write))
    }
}
