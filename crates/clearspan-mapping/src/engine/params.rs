//! Parameters of the model call, as one JSON object with sorted members.

use std::borrow::Cow;
use std::collections::BTreeMap;

use clearspan_model::JsonText;

use crate::json::{Json, push_string};

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
        let known = self.0.entry(name.into()).or_insert_with(|| text.clone());
        *known == text
    }

    /// Sets every member of an object. True when it is one.
    pub(super) fn put_all(&mut self, object: &Json<'_>) -> bool {
        let Some(members) = object.members() else { return false };
        for (name, value) in members {
            let name = name.decode();
            let name =
                ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name.as_ref(), |(_, name)| name);
            self.put(name.to_owned(), value);
        }
        true
    }

    pub(super) fn finish(self) -> Option<JsonText> {
        if self.0.is_empty() {
            return None;
        }
        let mut out = String::new();
        for (name, value) in &self.0 {
            out.push(if out.is_empty() { '{' } else { ',' });
            push_string(name, &mut out);
            out.push(':');
            out.push_str(value);
        }
        out.push('}');
        Some(JsonText::from_trusted(out))
    }
}
