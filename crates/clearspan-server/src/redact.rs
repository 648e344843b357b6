//! Takes secrets out of what users send, before anything of it is written: keys of well-known forms, and what the operator
//! describes by patterns of their own. Off unless `--redact` or `--redact-pattern` says otherwise.
//!
//! Every text of runs, log records, metric points and feedback is looked through, also where it is inside of JSON. What
//! streams token by token is put together first: the tokens of a run's `new_token` events are one text. What is found is
//! replaced by `[redacted:<kind>]`; what is around it stays as it was, byte for byte.
//!
//! Not seen are secrets that are encoded once more (base64, `\u0073k-…`), that are spread over several messages, or that
//! are in attachments, datasets and prompts.

mod patterns;
mod tokens;

use std::borrow::Cow;
use std::collections::BTreeMap;

use clearspan_model::{JsonText, LogRecord, MetricPoint, Payload, Run};
use serde_json::Value;

use patterns::Patterns;

use crate::config::{RedactPattern, Redaction};

/// Finds secrets and replaces them.
#[derive(Debug)]
pub(crate) struct Redactor(Option<Patterns>);

impl Redactor {
    /// What the settings ask for.
    pub(crate) fn new(redaction: Redaction, own: &[RedactPattern]) -> Self {
        let with_known = redaction == Redaction::Secrets;
        Self((with_known || !own.is_empty()).then(|| Patterns::new(with_known, own)))
    }

    pub(crate) fn runs(&self, runs: &mut [Run]) {
        let Some(patterns) = &self.0 else { return };
        runs.iter_mut().for_each(|run| patterns.run(run));
    }

    pub(crate) fn logs(&self, logs: &mut [LogRecord]) {
        let Some(patterns) = &self.0 else { return };
        for record in logs {
            patterns.map(&mut record.attributes);
            patterns.map(&mut record.sender.resource);
            record.body.iter_mut().for_each(|body| patterns.json(body));
        }
    }

    pub(crate) fn points(&self, points: &mut [MetricPoint]) {
        let Some(patterns) = &self.0 else { return };
        for point in points {
            patterns.map(&mut point.attributes);
            patterns.map(&mut point.sender.resource);
        }
    }

    /// A document as it was sent.
    pub(crate) fn document(&self, document: &mut Value) {
        let Some(patterns) = &self.0 else { return };
        patterns.value(document);
    }
}

impl Patterns {
    fn run(&self, run: &mut Run) {
        let texts = [&mut run.name, &mut run.error, &mut run.thread_id, &mut run.user_id];
        texts.into_iter().flatten().for_each(|text| self.text(text));
        run.tags.iter_mut().for_each(|tag| self.text(tag));
        self.payload(&mut run.inputs);
        self.payload(&mut run.outputs);
        run.fragments.iter_mut().for_each(|fragment| self.json(&mut fragment.message));
        run.invocation_params.iter_mut().for_each(|params| self.json(params));
        self.map(&mut run.metadata);
        self.map(&mut run.attributes);
        // Runs of one process share it: it is copied only where something is found.
        if run.resource.values().any(|value| self.finds(value.as_str())) {
            self.map(run.resource.make_mut());
        }
        run.links.iter_mut().for_each(|link| self.map(&mut link.attributes));
        tokens::redact(self, &mut run.events);
        run.events.iter_mut().for_each(|event| self.map(&mut event.attributes));
    }

    fn payload(&self, payload: &mut Payload) {
        payload.messages.iter_mut().chain(&mut payload.rest).for_each(|json| self.json(json));
    }

    fn map(&self, map: &mut BTreeMap<String, JsonText>) {
        map.values_mut().for_each(|json| self.json(json));
    }

    fn text(&self, text: &mut String) {
        if let Cow::Owned(redacted) = self.replace(text) {
            *text = redacted;
        }
    }

    /// Secrets have no characters that JSON escapes, so its text is looked through as it is.
    fn json(&self, json: &mut JsonText) {
        let Cow::Owned(redacted) = self.replace(json.as_str()) else { return };
        // Patterns of operators may find numbers, and marks of JSON.
        let replaced = match self.crosses_strings(json.as_str()) {
            true => None,
            false => JsonText::parse(&redacted).ok(),
        };
        *json = replaced.unwrap_or_else(|| {
            let mut value = json.to_value();
            self.value(&mut value);
            JsonText::from_value(&value)
        });
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(members) => {
                for (name, mut member) in std::mem::take(members) {
                    self.value(&mut member);
                    members.insert(self.replace(&name).into_owned(), member);
                }
            }
            Value::Number(number) => {
                let digits = number.to_string();
                if let Cow::Owned(redacted) = self.replace(&digits) {
                    *value = Value::String(redacted);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
