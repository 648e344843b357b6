//! The texts and numbers inside JSON values, and whether other values hold them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// A text or number inside a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leaf {
    Text(String),
    Number(String),
}

/// What a form of writing says by itself: roles and types are told by the place of what they describe.
pub(crate) const FORM: &[&str] = &["role", "type", "index", "object"];

/// The leaves of a value, also those of JSON inside its texts.
pub(crate) fn leaves_of(value: &Value) -> BTreeSet<Leaf> {
    let mut leaves = BTreeSet::new();
    collect(value, &mut leaves);
    leaves
}

/// Labels may come separated by commas.
pub(crate) fn labels_of(value: &Value) -> BTreeSet<Leaf> {
    let Value::String(text) = value else { return leaves_of(value) };
    if let Some(inner) = inner_json(text) {
        return leaves_of(&inner);
    }
    text.split(',').filter_map(|label| leaf_of(&json!(label.trim()))).collect()
}

/// Everything that a value says, for looking leaves up in it.
#[derive(Default)]
pub(crate) struct Said {
    leaves: BTreeSet<Leaf>,
    /// All texts, each after a line break.
    text: String,
}

impl Said {
    pub(crate) fn of(value: &Value) -> Self {
        let mut said = Self::default();
        said.add(value);
        said
    }

    pub(crate) fn nothing(&self) -> bool {
        self.leaves.is_empty()
    }

    pub(crate) fn has(&self, leaf: &Leaf) -> bool {
        self.leaves.contains(leaf) || matches!(leaf, Leaf::Text(text) if self.text.contains(text.trim()))
    }

    fn add(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(members) => members.iter().for_each(|(name, value)| {
                self.leaves.insert(Leaf::Text(name.clone()));
                self.add(value);
            }),
            Value::String(text) => {
                self.leaves.extend(leaf_of(value));
                self.text.push('\n');
                self.text.push_str(text);
                // Costs are decimals, which JSON has in texts.
                self.leaves.extend(text.parse().ok().map(|number: f64| Leaf::Number(number_text(number))));
                if let Some(inner) = inner_json(text) {
                    self.add(&inner);
                }
            }
            other => self.leaves.extend(leaf_of(other)),
        }
    }
}

/// True when a value says nothing.
pub(crate) fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.iter().all(is_blank),
        Value::Object(members) => members.values().all(is_blank),
        _ => false,
    }
}

fn collect(value: &Value, leaves: &mut BTreeSet<Leaf>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, leaves)),
        Value::Object(members) => {
            let members = members.iter().filter(|(name, _)| !FORM.contains(&name.as_str()));
            members.for_each(|(_, value)| collect(value, leaves));
        }
        Value::String(text) => match inner_json(text) {
            Some(inner) => collect(&inner, leaves),
            None => leaves.extend(leaf_of(value)),
        },
        other => leaves.extend(leaf_of(other)),
    }
}

fn leaf_of(value: &Value) -> Option<Leaf> {
    match value {
        Value::Number(number) => Some(Leaf::Number(number_text(number.as_f64().unwrap()))),
        Value::Bool(flag) => Some(Leaf::Text(flag.to_string())),
        Value::String(text) if !text.trim().is_empty() => Some(Leaf::Text(text.clone())),
        _ => None,
    }
}

/// Ten digits: decimals are exact, floats are not.
fn number_text(number: f64) -> String {
    format!("{number:.9e}")
}

fn inner_json(text: &str) -> Option<Value> {
    let is_json = text.trim_start().starts_with(['{', '[', '"']);
    if is_json { serde_json::from_str(text).ok() } else { None }
}
