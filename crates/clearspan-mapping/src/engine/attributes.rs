//! The attributes of one span, indexed once.

use std::collections::BTreeMap;

use clearspan_model::JsonText;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;

use super::{Row, Table};
use crate::json::{Json, parse};
use crate::otlp::value::value_to_json;
use crate::rules::Rules;

const ABSENT: usize = usize::MAX;

/// One attribute.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) key: String,
    pub(crate) value: Option<Value>,
    /// A rule used it, so it does not stay under `Run::attributes`.
    pub(crate) used: bool,
}

impl Attribute {
    /// The value as it was sent.
    pub(crate) fn raw(&self) -> Json<'_> {
        self.value.as_ref().map_or(Json::Null, value_to_json)
    }

    /// The value; text that is a JSON object, list or string is read.
    pub(crate) fn json(&self) -> Json<'_> {
        if let Some(Value::StringValue(text)) = &self.value
            && text.trim_start().starts_with(['{', '[', '"'])
            && let Ok(json) = parse(text)
        {
            return json;
        }
        self.raw()
    }

    /// The same for inputs and outputs, which senders make JSON of whatever they are. Bare numbers stay
    /// text: most of them are.
    pub(crate) fn payload(&self) -> Json<'_> {
        match self.text() {
            Some("null") => Json::Null,
            Some("true") => Json::Bool(true),
            Some("false") => Json::Bool(false),
            _ => self.json(),
        }
    }

    /// The text, if it is text.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Some(Value::StringValue(text)) => Some(text),
            _ => None,
        }
    }

    /// Text, or a number as text: ids come as either. Blank is none.
    pub(crate) fn label(&self) -> Option<String> {
        let text = match &self.value {
            Some(Value::StringValue(text)) => text.trim().to_owned(),
            Some(Value::IntValue(number)) => number.to_string(),
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    }
}

/// The attributes of a span, and which rows apply to them.
#[derive(Debug)]
pub(crate) struct Attributes<'t> {
    pub(crate) items: Vec<Attribute>,
    table: &'t Table,
    /// For each known key the attribute that has it.
    slots: Vec<usize>,
    /// For each known prefix that occurs, the attributes below it.
    families: BTreeMap<usize, Vec<usize>>,
    /// The rows that have something to read, strongest first.
    pub(super) rows: Vec<usize>,
    rules: &'t Rules,
    /// The users' rules that match, strongest first.
    pub(super) rule_hits: Vec<RuleHit>,
}

/// A user's rule and an attribute that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RuleHit {
    pub(super) rule: usize,
    pub(super) item: usize,
}

impl<'t> Attributes<'t> {
    pub(crate) fn new(attributes: Vec<KeyValue>, table: &'t Table, rules: &'t Rules) -> Self {
        let mut this = Self {
            items: Vec::with_capacity(attributes.len()),
            table,
            slots: vec![ABSENT; table.keys.len()],
            families: BTreeMap::new(),
            rows: Vec::with_capacity(attributes.len() * 2),
            rules,
            rule_hits: Vec::new(),
        };
        for KeyValue { key, value, .. } in attributes {
            this.push(key, value.and_then(|value| value.value));
        }
        this.sort();
        this
    }

    fn sort(&mut self) {
        self.rows.sort_unstable();
        self.rows.dedup();
        self.rule_hits.sort_unstable();
    }

    /// Adds a family whose attributes were used when the run was stored.
    pub(crate) fn push_stored_family(&mut self, prefix: &str) {
        if let Some(entry) = self.table.prefixes.get(prefix) {
            self.families.entry(entry.id).or_default();
            self.rows.extend_from_slice(&entry.rows);
            self.sort();
        }
    }

    pub(super) fn rules(&self) -> &'t Rules {
        self.rules
    }

    fn push(&mut self, key: String, value: Option<Value>) {
        let idx = self.items.len();
        if !self.rules.is_empty() && value.is_some() {
            self.rule_hits.extend(self.rules.matching(&key).map(|rule| RuleHit { rule, item: idx }));
        }
        // Of two attributes with one key, which OTLP forbids, the first speaks.
        if let Some(entry) = self.table.keys.get(key.as_str())
            && value.is_some()
            && self.slots[entry.id] == ABSENT
        {
            self.slots[entry.id] = idx;
            self.rows.extend_from_slice(&entry.rows);
        }
        let mut ends = key.bytes().enumerate().filter(|(_, b)| *b == b'.').map(|(at, _)| at + 1).peekable();
        let root = ends.peek().and_then(|end| key.get(..*end));
        let mut used = false;
        if root.is_some_and(|root| self.table.roots.contains_key(root)) {
            for prefix in ends.filter_map(|end| key.get(..end)) {
                let Some(entry) = self.table.prefixes.get(prefix) else { continue };
                // JavaScript's `undefined` inside a known family tells nothing.
                used = value.is_none();
                if used {
                    break;
                }
                let family = self.families.entry(entry.id).or_default();
                if family.is_empty() {
                    self.rows.extend_from_slice(&entry.rows);
                }
                family.push(idx);
            }
        }
        self.items.push(Attribute { key, value, used });
    }

    /// The attribute with a key that some row reads.
    pub(crate) fn find(&self, key: &str) -> Option<usize> {
        let slot = self.slots[self.table.keys.get(key)?.id];
        (slot != ABSENT).then_some(slot)
    }

    pub(super) fn row(&self, idx: usize) -> Row {
        self.table.rows[idx]
    }

    /// What a row is called as a source.
    pub(super) fn row_source(&self, idx: usize) -> &'static str {
        self.table.sources[idx]
    }

    /// The attributes below a prefix that some row reads.
    pub(super) fn family(&self, prefix: &str) -> &[usize] {
        let entry = self.table.prefixes.get(prefix);
        entry.and_then(|entry| self.families.get(&entry.id)).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn mark_used(&mut self, idx: usize) {
        self.items[idx].used = true;
    }

    /// What no rule used, as JSON texts. Of two with one key the first stays.
    pub(crate) fn into_rest(self) -> BTreeMap<String, JsonText> {
        let mut rest = BTreeMap::new();
        for item in self.items.into_iter().filter(|item| !item.used) {
            let text = JsonText::from_trusted(item.raw().to_text());
            rest.entry(item.key).or_insert(text);
        }
        rest
    }
}
