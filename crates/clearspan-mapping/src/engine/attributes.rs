//! The attributes of one span, indexed once. They are borrowed: a value is copied when a field or the rest needs it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use clearspan_model::{IssueKind, JsonText, MapIssue, Payload, Side};

use super::keys::{Facts, Remembered, Spare, quick_hash};
use super::shape::Shape;
use super::{Row, Table};
use crate::dialects::Telling;
use crate::json::{Json, parse};
use crate::rules::Rules;

/// One attribute.
#[derive(Debug)]
pub(crate) struct Attribute<'a> {
    pub(crate) key: &'a str,
    /// Null where the sender set none.
    pub(crate) value: Json<'a>,
    /// A rule used it, so it does not stay under `Run::attributes`.
    pub(crate) used: bool,
}

impl<'a> Attribute<'a> {
    /// The value as it was sent.
    pub(crate) fn raw(&self) -> Json<'a> {
        self.value.clone()
    }

    /// The value; text that is a JSON object, list or string is read.
    pub(crate) fn json(&self) -> Json<'a> {
        if let Some(text) = self.text()
            && is_json_like(text)
            && let Ok(json) = parse(text)
        {
            return json;
        }
        self.raw()
    }

    /// The same for inputs and outputs, which senders make JSON of whatever they are. Bare numbers stay
    /// text: most of them are.
    pub(crate) fn payload(&self) -> Json<'a> {
        match self.text() {
            Some("null") => Json::Null,
            Some("true") => Json::Bool(true),
            Some("false") => Json::Bool(false),
            _ => self.json(),
        }
    }

    /// The text, if it is text.
    pub(crate) fn text(&self) -> Option<&'a str> {
        // Texts of attributes have no escapes; those of JSON bodies were decoded.
        self.value.as_simple()
    }

    /// Text, or a number as text: ids come as either. Blank is none.
    pub(crate) fn label(&self) -> Option<String> {
        self.label_text().map(Cow::into_owned)
    }

    /// The same for those who do not keep it.
    pub(crate) fn label_text(&self) -> Option<Cow<'a, str>> {
        let text = match &self.value {
            Json::String(text) => Cow::Borrowed(trim(text.simple())),
            Json::Int(number) => Cow::Owned(number.to_string()),
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    }
}

/// Without blanks at both ends. Most texts begin and end with letters, which takes no look at what they are in Unicode.
fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

/// The attributes of a span, and which rows apply to them.
#[derive(Debug)]
pub(crate) struct Attributes<'a> {
    pub(crate) items: Vec<Attribute<'a>>,
    pub(super) table: &'a Table,
    /// What their keys say.
    pub(super) shape: Rc<Shape<'a>>,
    rules: &'a Rules,
    /// What other spans of the request had, too.
    remembered: Option<&'a Remembered<'a>>,
    /// The list in which the attributes of a span came, empty now.
    pairs: Vec<(&'a str, Json<'a>)>,
    /// The users' rules that match, strongest first.
    pub(super) rule_hits: Vec<RuleHit>,
}

/// A user's rule and an attribute that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RuleHit {
    pub(super) rule: usize,
    pub(super) item: usize,
}

impl<'a> Attributes<'a> {
    /// Indexes attributes. Of two with one key, which OTLP forbids, the last one speaks, and that is told.
    pub(crate) fn new(
        pairs: Vec<(&'a str, Json<'a>)>,
        table: &'a Table,
        rules: &'a Rules,
        issues: &mut Vec<MapIssue>,
    ) -> Self {
        let mut shape = Shape::with_capacity(pairs.len());
        let repeated = repeated(pairs.iter().map(|(key, _)| *key));
        for (idx, (key, value)) in pairs.iter().enumerate() {
            let facts = Facts::of(key, table);
            if repeated.binary_search(&idx).is_ok() {
                issues.push(MapIssue {
                    kind: IssueKind::Conflict,
                    field: (*key).to_owned(),
                    message: "it was sent more than once; the last value counts".to_owned(),
                });
                shape.push_unread(key, value.is_null(), &facts);
            } else {
                shape.push(key, value.is_null(), &facts, table);
            }
        }
        shape.sort();
        let used = shape.places.iter().map(|place| place.used);
        let items = pairs.into_iter().zip(used).map(|((key, value), used)| Attribute { key, value, used });
        let items = items.collect();
        Self::of_shape(Rc::new(shape), items, table, rules)
    }

    /// Indexes the attributes of one of many spans.
    pub(crate) fn of_span(
        mut pairs: Vec<(&'a str, Json<'a>)>,
        remembered: &'a Remembered<'a>,
        rules: &'a Rules,
        issues: &mut Vec<MapIssue>,
    ) -> Self {
        let keys = &remembered.keys;
        keys.next_span();
        let Some(shape) = remembered.shapes.of(&pairs, keys) else {
            let this = Self::new(pairs, keys.table, rules, issues);
            return Self { remembered: Some(remembered), ..this };
        };
        let mut items = remembered.spare_items();
        items.reserve(pairs.len());
        for ((key, value), place) in pairs.drain(..).zip(&shape.places) {
            if !std::ptr::eq(key, place.key) {
                // Another key took its place; the next span shall find it again.
                keys.with_facts(place.key, value.as_simple().unwrap_or_default(), |_| {});
            }
            items.push(Attribute { key: place.key, value, used: place.used });
        }
        let this = Self::of_shape(shape, items, keys.table, rules);
        Self { remembered: Some(remembered), pairs, ..this }
    }

    fn of_shape(shape: Rc<Shape<'a>>, items: Vec<Attribute<'a>>, table: &'a Table, rules: &'a Rules) -> Self {
        let mut rule_hits = Vec::new();
        if !rules.is_empty() {
            for (idx, item) in items.iter().enumerate().filter(|(_, item)| !item.used) {
                if !item.value.is_null() {
                    rule_hits.extend(rules.matching(item.key).map(|rule| RuleHit { rule, item: idx }));
                }
            }
            rule_hits.sort_unstable();
        }
        Self { items, table, shape, rules, remembered: None, pairs: Vec::new(), rule_hits }
    }

    /// What the keys tell about the dialect.
    pub(crate) fn telling(&self) -> Telling {
        self.shape.telling
    }

    /// The messages of one attribute, where they can be read one by one.
    pub(super) fn seen_list(&self, side: Side, idx: usize) -> Option<Vec<JsonText>> {
        self.remembered?.seen.read_list(side, self.items[idx].text()?)
    }

    /// The messages of a family, where they are plain.
    pub(super) fn seen_flattened(&self, side: Side, prefix: &str, family: &[usize]) -> Option<Vec<JsonText>> {
        let entries =
            family.iter().map(|idx| (self.shape.places[*idx].flat_below(prefix), &self.items[*idx].value));
        self.remembered?.seen.read_keyed(side, entries)
    }

    /// Keeps the payload that was made of one attribute, where it is the text as a JSON string and nothing else.
    pub(super) fn keep_payload(&self, idx: usize, payload: &Payload) {
        if let Some(remembered) = self.remembered
            && let Some(text) = self.items[idx].text().filter(|text| !is_json_like(text))
            && let Some(json) = payload.rest.as_ref().filter(|json| json.as_str().starts_with('"'))
        {
            remembered.seen.keep_payload(text, json);
        }
    }

    /// Adds a family whose attributes were used when the run was stored.
    pub(crate) fn push_stored_family(&mut self, prefix: &str) {
        let shape = Rc::make_mut(&mut self.shape);
        shape.push_family(prefix, self.table);
        shape.sort();
    }

    pub(super) fn rules(&self) -> &'a Rules {
        self.rules
    }

    /// The attribute with a key that some row reads.
    pub(crate) fn find(&self, key: &str) -> Option<usize> {
        self.table.keys.get(key)?;
        // The last of several counts; a span has few, and few rows ask.
        let idx = self.items.iter().rposition(|item| item.key == key)?;
        (!self.items[idx].value.is_null()).then_some(idx)
    }

    pub(super) fn row(&self, idx: usize) -> Row {
        self.table.rows[idx]
    }

    /// What a row is called as a source.
    pub(super) fn row_source(&self, idx: usize) -> &'static str {
        self.table.sources[idx]
    }

    pub(crate) fn mark_used(&mut self, idx: usize) {
        self.items[idx].used = true;
    }

    /// What no rule used, as JSON texts.
    pub(crate) fn into_rest(self) -> BTreeMap<String, JsonText> {
        let mut rest = BTreeMap::new();
        let mut text = String::new();
        for item in self.items.iter().filter(|item| !item.used) {
            text.clear();
            item.value.write(&mut text);
            rest.insert(item.key.to_owned(), JsonText::from_trusted(text.as_str()));
        }
        if let Some(remembered) = self.remembered {
            remembered.keep_spare(Spare { pairs: self.pairs, items: self.items });
        }
        rest
    }
}

/// Whether a text may be a JSON object, list or string.
fn is_json_like(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[', '"'])
}

/// The places of attributes whose key comes again later.
pub(super) fn repeated<'k>(keys: impl Iterator<Item = &'k str> + Clone) -> Vec<usize> {
    let mut repeated = Vec::new();
    // A filter of bits is enough to know that most spans have none, and takes no memory.
    let mut filter = [0_u64; 64];
    let is_suspect = keys.clone().fold(false, |suspect, key| {
        let bit = quick_hash(key.as_bytes());
        let word = &mut filter[bit / 64];
        let known = *word & (1 << (bit % 64)) != 0;
        *word |= 1 << (bit % 64);
        suspect | known
    });
    if is_suspect {
        let mut last: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
        for (idx, key) in keys.enumerate() {
            repeated.extend(last.insert(key, idx));
        }
        repeated.sort_unstable();
    }
    repeated
}
