//! Finding text in the runs of one trace, by looking at all of them.
//!
//! Strings are compared as they read, not as JSON escapes them. Equal messages share their text in memory, so
//! each distinct one is looked at once: an agent's history is not searched again with every call.

use std::collections::BTreeMap;

use clearspan_model::{JsonText, Run, RunId, Side};
use rustc_hash::FxHashMap;
use serde_json::Value;

/// The runs that contain the text anywhere, whatever its case, in the order given.
pub(crate) fn runs_with_text(runs: &[Run], text: &str) -> Vec<RunId> {
    let mut finder = Finder { needle: text.to_lowercase(), seen: FxHashMap::default() };
    runs.iter().filter(|run| finder.is_in_run(run)).map(|run| run.key.run_id).collect()
}

struct Finder {
    needle: String,
    /// What was found out about each text, by its place in memory. The runs are borrowed, so no place is reused.
    seen: FxHashMap<(usize, usize), bool>,
}

impl Finder {
    fn is_in_run(&mut self, run: &Run) -> bool {
        let plain = [&run.name, &run.error, &run.error_type, &run.model, &run.provider];
        plain.into_iter().flatten().any(|text| self.is_in_text(text))
            || run.tags.iter().any(|tag| self.is_in_text(tag))
            || [Side::Input, Side::Output].iter().any(|side| self.is_in_messages(run, *side))
            || [&run.inputs.rest, &run.outputs.rest, &run.invocation_params]
                .into_iter()
                .flatten()
                .any(|json| self.is_in_json(json, true))
            || [&run.metadata, &run.attributes].iter().any(|map| self.is_in_map(map))
            || run
                .events
                .iter()
                .any(|event| self.is_in_text(&event.name) || self.is_in_map(&event.attributes))
    }

    fn is_in_messages(&mut self, run: &Run, side: Side) -> bool {
        // The keys of a message are ours (`role`, `content`): every run would contain them.
        run.messages(side).iter().any(|message| self.is_in_json(message, false))
    }

    fn is_in_map(&mut self, map: &BTreeMap<String, JsonText>) -> bool {
        map.iter().any(|(key, json)| self.is_in_text(key) || self.is_in_json(json, true))
    }

    fn is_in_json(&mut self, json: &JsonText, with_keys: bool) -> bool {
        let place = (json.as_str().as_ptr() as usize, json.as_str().len());
        if let Some(found) = self.seen.get(&place) {
            return *found;
        }
        let found = self.is_in_value(&json.to_value(), with_keys);
        self.seen.insert(place, found);
        found
    }

    /// Values nest 128 levels at most: deeper text does not parse.
    fn is_in_value(&self, value: &Value, with_keys: bool) -> bool {
        match value {
            Value::Null => false,
            Value::Bool(_) | Value::Number(_) => self.is_in_text(&value.to_string()),
            Value::String(text) => self.is_in_text(text),
            Value::Array(values) => values.iter().any(|value| self.is_in_value(value, with_keys)),
            Value::Object(entries) => entries.iter().any(|(key, value)| {
                (with_keys && self.is_in_text(key)) || self.is_in_value(value, with_keys)
            }),
        }
    }

    fn is_in_text(&self, text: &str) -> bool {
        text.to_lowercase().contains(&self.needle)
    }
}

#[cfg(test)]
mod tests;
