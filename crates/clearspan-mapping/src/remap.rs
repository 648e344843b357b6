//! Mapping a stored run again, after rules changed.

use clearspan_model::{JsonText, Rank, Run};

use crate::arena::Arena;
use crate::dialects::TABLE;
use crate::engine::{Attributes, Draft, attribute_of};
use crate::json::{Json, Text, parse};
use crate::otlp::span::type_strength;
use crate::rules::Rules;

/// Attributes that the mapping itself wrote.
const OWN: &[&str] = &["otel.scope.", "otel.span.kind", "otel.trace_state", "otel.status.message"];

/// The run as today's rules make it, from what is stored of it. Without a change of rules it is the same run.
///
/// Runs of LangSmith's own protocol stay as they are: their documents name each field, so no rule is asked.
///
/// Its cost, where the client reported none, is left to pricing. Its versions stay, so it can take the stored run's place.
pub fn remap(run: &Run, rules: &Rules) -> Run {
    if run.versions.base.is_at_least(Rank::Native) {
        return run.clone();
    }
    let (own, sent): (Vec<_>, Vec<_>) =
        run.attributes.iter().partition(|(key, _)| OWN.iter().any(|own| key.starts_with(own)));
    let mut draft = Draft::of_stored(run);
    let used = draft.stored_attributes();
    let texts = Arena::default();
    let mut attributes: Vec<_> =
        sent.iter().map(|(key, value)| (key.as_str(), stored_value(value, &texts))).collect();
    let mut families = Vec::new();
    for (key, value) in &used {
        match key.strip_suffix('*') {
            Some(prefix) => families.push(prefix),
            None if !run.attributes.contains_key(key) => {
                attributes.push((key.as_str(), stored_value(value, &texts)))
            }
            None => {}
        }
    }
    let mut attributes = Attributes::new(attributes, &TABLE, rules, &mut Vec::new());
    for prefix in families {
        attributes.push_stored_family(prefix);
    }
    draft.apply_rows(&mut attributes, |draft| draft.restore_type(type_strength));
    draft.restore_rest();
    draft.run.attributes = attributes.into_rest();
    draft.run.attributes.extend(own.into_iter().map(|(key, value)| (key.clone(), value.clone())));
    let (_, mut mapped) = draft.finish();
    Draft::restore_unsourced(&mut mapped, run);
    keep_beside(&mut mapped, run);
    *mapped
}

/// An attribute goes only when a field comes from it that did not before: what was kept although a rule read it says more
/// than the field (`RERANKER` is a retriever).
fn keep_beside(mapped: &mut Run, stored: &Run) {
    let new_sources =
        mapped.sources.iter().filter(|(field, source)| stored.sources.get(field) != Some(*source));
    let taken: Vec<&str> = new_sources.map(|(_, source)| attribute_of(source)).collect();
    let is_taken = |key: &str| {
        taken.iter().any(|taken| match taken.strip_suffix('*') {
            Some(prefix) => key.starts_with(prefix),
            None => *taken == key,
        })
    };
    for (key, value) in stored.attributes.iter().filter(|(key, _)| !is_taken(key)) {
        mapped.attributes.entry(key.clone()).or_insert_with(|| value.clone());
    }
}

/// An attribute as it was sent: texts without escapes, numbers as numbers.
fn stored_value<'a>(value: &'a JsonText, texts: &'a Arena<String>) -> Json<'a> {
    as_sent(parse(value.as_str()).unwrap_or_default(), texts)
}

fn as_sent<'a>(json: Json<'a>, texts: &'a Arena<String>) -> Json<'a> {
    let plain = |text: Text<'a>| match text.decode() {
        std::borrow::Cow::Borrowed(text) => Text::Plain(text),
        std::borrow::Cow::Owned(text) => Text::Plain(texts.keep(text)),
    };
    match json {
        Json::Number(digits) => match digits.parse() {
            Ok(number) => Json::Int(number),
            Err(_) => Json::Float(digits.parse().unwrap_or_default()),
        },
        Json::String(text) => Json::String(plain(text)),
        Json::Array(items) => Json::Array(items.into_iter().map(|item| as_sent(item, texts)).collect()),
        Json::Object(members) => {
            let members = members.into_iter().map(|(name, value)| (plain(name), as_sent(value, texts)));
            Json::Object(members.collect())
        }
        other => other,
    }
}
