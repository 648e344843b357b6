//! Texts that stream: a secret is spread over the tokens of several events, none of which shows it.

use std::collections::BTreeSet;

use clearspan_model::{JsonText, RunEvent};
use serde_json::Value;

use super::patterns::{Patterns, mark};

/// What LangSmith's SDKs call the event of a token.
const NEW_TOKEN: &str = "new_token";

/// Replaces what is a secret when the tokens stand behind each other.
pub(super) fn redact(patterns: &Patterns, events: &mut [RunEvent]) {
    let of_tokens = |event: &&RunEvent| event.name == NEW_TOKEN;
    let names: BTreeSet<String> =
        events.iter().filter(of_tokens).flat_map(|event| event.attributes.keys().cloned()).collect();
    for name in names {
        redact_texts(patterns, events, &name);
    }
}

fn redact_texts(patterns: &Patterns, events: &mut [RunEvent], name: &str) {
    let mut whole = String::new();
    let mut places = Vec::new();
    for (idx, event) in events.iter().enumerate().filter(|(_, event)| event.name == NEW_TOKEN) {
        if let Some(Value::String(token)) = event.attributes.get(name).map(JsonText::to_value) {
            places.push((idx, whole.len()..whole.len() + token.len()));
            whole.push_str(&token);
        }
    }
    let secrets = patterns.find(&whole);
    for (idx, range) in places {
        if !secrets.iter().any(|(secret, _)| secret.start < range.end && range.start < secret.end) {
            continue;
        }
        // What is left of the token, with the mark where a secret begins.
        let mut left = String::new();
        let mut at = range.start;
        for (secret, kind) in
            secrets.iter().filter(|(secret, _)| secret.end > range.start && secret.start < range.end)
        {
            left.push_str(whole.get(at..secret.start.max(at)).unwrap_or_default());
            if secret.start >= range.start {
                left.push_str(&mark(kind));
            }
            at = at.max(secret.end.min(range.end));
        }
        left.push_str(whole.get(at..range.end).unwrap_or_default());
        events[idx].attributes.insert(name.to_owned(), JsonText::from_string(&left));
    }
}
