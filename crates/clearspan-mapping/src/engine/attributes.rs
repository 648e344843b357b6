//! The attributes of one span, indexed once. They are borrowed: a value is copied when a field or the rest needs it.

use std::collections::BTreeMap;

use clearspan_model::{IssueKind, JsonText, MapIssue, Payload, Side};

use super::keys::{Facts, Remembered, Spare, quick_hash};
use super::{Row, Table};
use crate::dialects::Telling;
use crate::json::{Json, parse};
use crate::messages::FlatKey;
use crate::rules::Rules;

/// One attribute.
#[derive(Debug)]
pub(crate) struct Attribute<'a> {
    pub(crate) key: &'a str,
    /// Null where the sender set none.
    pub(crate) value: Json<'a>,
    /// A rule used it, so it does not stay under `Run::attributes`.
    pub(crate) used: bool,
    /// What its key says below a prefix of this length, if it is of a flattened message.
    flat: Option<FlatKey>,
    flat_from: u16,
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
        let text = match &self.value {
            Json::String(text) => text.simple().trim().to_owned(),
            Json::Int(number) => number.to_string(),
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    }
}

/// The attributes of a span, and which rows apply to them.
#[derive(Debug)]
pub(crate) struct Attributes<'a> {
    pub(crate) items: Vec<Attribute<'a>>,
    pub(super) table: &'a Table,
    /// For each known prefix that occurs, the attributes below it.
    families: Vec<(usize, Vec<usize>)>,
    /// The rows that have something to read, strongest first.
    pub(super) rows: Vec<RowHit>,
    rules: &'a Rules,
    /// What other spans of the request had, too.
    remembered: Option<&'a Remembered<'a>>,
    /// The list in which the attributes of a span came, empty now.
    pairs: Vec<(&'a str, Json<'a>)>,
    /// The users' rules that match, strongest first.
    pub(super) rule_hits: Vec<RuleHit>,
    /// What the keys tell about the dialect.
    telling: Telling,
}

/// A row and what it reads: the place of an attribute, or that of a family where the row reads one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RowHit {
    pub(super) row: usize,
    pub(super) at: usize,
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
        let mut this = Self::empty(pairs.len(), table, rules);
        let repeated = repeated(pairs.iter().map(|(key, _)| *key));
        for (idx, (key, value)) in pairs.into_iter().enumerate() {
            let facts = Facts::of(key, table);
            if repeated.binary_search(&idx).is_ok() {
                issues.push(MapIssue {
                    kind: IssueKind::Conflict,
                    field: key.to_owned(),
                    message: "it was sent more than once; the last value counts".to_owned(),
                });
                this.telling = this.telling.and(facts.telling);
                this.items.push(Attribute { key, value, used: true, flat: None, flat_from: 0 });
            } else {
                this.push(key, value, &facts);
            }
        }
        this.sort();
        this
    }

    /// Indexes the attributes of one of many spans.
    pub(crate) fn of_span(
        mut pairs: Vec<(&'a str, Json<'a>)>,
        remembered: &'a Remembered<'a>,
        rules: &'a Rules,
        issues: &mut Vec<MapIssue>,
    ) -> Self {
        let keys = &remembered.keys;
        let spare = remembered.take_spare();
        let mut this = Self { items: spare.items, rows: spare.rows, ..Self::empty(0, keys.table, rules) };
        this.items.reserve(pairs.len());
        keys.next_span();
        for (key, value) in pairs.drain(..) {
            let text = value.as_simple().unwrap_or_default();
            keys.with_facts(key, text, |facts| this.push(key, value, facts));
        }
        if keys.may_repeat() && !repeated(this.items.iter().map(|item| item.key)).is_empty() {
            let pairs = this.items.into_iter().map(|item| (item.key, item.value)).collect();
            this = Self::new(pairs, keys.table, rules, issues);
        }
        this.sort();
        Self { remembered: Some(remembered), pairs, ..this }
    }

    fn empty(len: usize, table: &'a Table, rules: &'a Rules) -> Self {
        Self {
            items: Vec::with_capacity(len),
            table,
            families: Vec::new(),
            rows: Vec::with_capacity(len * 2),
            rules,
            remembered: None,
            pairs: Vec::new(),
            rule_hits: Vec::new(),
            telling: Telling::NOTHING,
        }
    }

    /// What the keys tell about the dialect.
    pub(crate) fn telling(&self) -> Telling {
        self.telling
    }

    /// The messages of one attribute, where they can be read one by one.
    pub(super) fn seen_list(&self, side: Side, idx: usize) -> Option<Vec<JsonText>> {
        self.remembered?.seen.read_list(side, self.items[idx].text()?)
    }

    /// The messages of a family, where they are plain.
    pub(super) fn seen_flattened(&self, side: Side, prefix: &str, family: &[usize]) -> Option<Vec<JsonText>> {
        let entries = family.iter().map(|idx| {
            let item = &self.items[*idx];
            let flat = item.flat.filter(|_| usize::from(item.flat_from) == prefix.len());
            (flat, &item.value)
        });
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

    fn sort(&mut self) {
        self.rows.sort_unstable();
        self.rows.dedup();
        self.rule_hits.sort_unstable();
    }

    /// Adds a family whose attributes were used when the run was stored.
    pub(crate) fn push_stored_family(&mut self, prefix: &str) {
        if let Some(entry) = self.table.prefixes.get(prefix) {
            let at = self.family_at(entry.id);
            self.rows.extend(entry.rows.iter().map(|row| RowHit { row: *row, at }));
            self.sort();
        }
    }

    pub(super) fn rules(&self) -> &'a Rules {
        self.rules
    }

    #[inline]
    fn push(&mut self, key: &'a str, value: Json<'a>, facts: &Facts<'a>) {
        let idx = self.items.len();
        let is_set = !value.is_null();
        self.telling = self.telling.and(facts.telling);
        if !self.rules.is_empty() && is_set {
            self.rule_hits.extend(self.rules.matching(key).map(|rule| RuleHit { rule, item: idx }));
        }
        if is_set {
            self.index(idx, facts);
        }
        // JavaScript's `undefined` inside a known family tells nothing.
        let used = !is_set && facts.families().next().is_some();
        self.items.push(Attribute { key, value, used, flat: facts.flat, flat_from: facts.flat_from });
    }

    fn index(&mut self, idx: usize, facts: &Facts<'a>) {
        if let Some(own) = facts.own {
            self.rows.extend(own.rows.iter().map(|row| RowHit { row: *row, at: idx }));
        }
        for entry in facts.families() {
            let at = self.family_at(entry.id);
            let family = &mut self.families[at].1;
            family.push(idx);
            if family.len() == 1 {
                self.rows.extend(entry.rows.iter().map(|row| RowHit { row: *row, at }));
            }
        }
    }

    /// The attribute with a key that some row reads.
    pub(crate) fn find(&self, key: &str) -> Option<usize> {
        self.table.keys.get(key)?;
        // The last of several counts; a span has few, and few rows ask.
        let idx = self.items.iter().rposition(|item| item.key == key)?;
        (!self.items[idx].value.is_null()).then_some(idx)
    }

    /// A span has few families, so a list is the quickest map.
    fn family_at(&mut self, id: usize) -> usize {
        self.families.iter().position(|(known, _)| *known == id).unwrap_or_else(|| {
            self.families.push((id, Vec::with_capacity(16)));
            self.families.len() - 1
        })
    }

    pub(super) fn row(&self, idx: usize) -> Row {
        self.table.rows[idx]
    }

    /// What a row is called as a source.
    pub(super) fn row_source(&self, idx: usize) -> &'static str {
        self.table.sources[idx]
    }

    /// Lends the attributes of the family at this place.
    pub(super) fn take_family(&mut self, at: usize) -> Vec<usize> {
        std::mem::take(&mut self.families[at].1)
    }

    /// Takes them back.
    pub(super) fn return_family(&mut self, at: usize, family: Vec<usize>) {
        self.families[at].1 = family;
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
            remembered.keep_spare(Spare { pairs: self.pairs, items: self.items, rows: self.rows });
        }
        rest
    }
}

/// Whether a text may be a JSON object, list or string.
fn is_json_like(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[', '"'])
}

/// The places of attributes whose key comes again later.
fn repeated<'k>(keys: impl Iterator<Item = &'k str> + Clone) -> Vec<usize> {
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
