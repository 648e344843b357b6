//! Parameters of the model call, as one JSON object with sorted members.

use std::borrow::Cow;
use std::collections::BTreeMap;

use clearspan_model::JsonText;

use crate::json::{Json, push_string};

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
            self.put(name.decode().into_owned(), value);
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
