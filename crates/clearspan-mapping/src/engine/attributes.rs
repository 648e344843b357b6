//! The attributes of one span, indexed once. They are borrowed: a value is copied when a field or the rest needs it.

use std::collections::BTreeMap;

use clearspan_model::{IssueKind, JsonText, MapIssue, Side};

use super::{Row, Table};
use crate::json::{Json, parse};
use crate::messages::Seen;
use crate::rules::Rules;

const ABSENT: u32 = u32::MAX;

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
            && text.trim_start().starts_with(['{', '[', '"'])
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
    /// For each known key the attribute that has it.
    slots: Vec<u32>,
    /// For each known prefix that occurs, the attributes below it.
    families: Vec<(usize, Vec<usize>)>,
    /// The rows that have something to read, strongest first.
    pub(super) rows: Vec<usize>,
    rules: &'a Rules,
    /// Messages of the request that were read before.
    seen: Option<&'a Seen<'a>>,
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
        let mut this = Self {
            items: Vec::with_capacity(pairs.len()),
            table,
            slots: vec![ABSENT; table.keys.len()],
            families: Vec::new(),
            rows: Vec::with_capacity(pairs.len() * 2),
            rules,
            seen: None,
            rule_hits: Vec::new(),
        };
        let repeated = repeated(&pairs);
        let mut leaf = Leaf::default();
        for (idx, (key, value)) in pairs.into_iter().enumerate() {
            if repeated.binary_search(&idx).is_ok() {
                issues.push(MapIssue {
                    kind: IssueKind::Conflict,
                    field: key.to_owned(),
                    message: "it was sent more than once; the last value counts".to_owned(),
                });
                this.items.push(Attribute { key, value, used: true });
            } else {
                this.push(key, value, &mut leaf);
            }
        }
        this.sort();
        this
    }

    /// Recognises messages that were read before in the same request.
    pub(crate) fn remembering(self, seen: Option<&'a Seen<'a>>) -> Self {
        Self { seen, ..self }
    }

    /// The messages of one attribute, where they can be read one by one.
    pub(super) fn seen_list(&self, side: Side, idx: usize) -> Option<Vec<JsonText>> {
        self.seen?.read_list(side, self.items[idx].text()?)
    }

    /// The messages of a family, where they are plain.
    pub(super) fn seen_flattened(&self, side: Side, prefix: &str, family: &[usize]) -> Option<Vec<JsonText>> {
        let items = family.iter().map(|idx| &self.items[*idx]);
        let entries = items.filter_map(|item| Some((item.key.strip_prefix(prefix)?, &item.value)));
        self.seen?.read_flattened(side, entries)
    }

    fn sort(&mut self) {
        self.rows.sort_unstable();
        self.rows.dedup();
        self.rule_hits.sort_unstable();
    }

    /// Adds a family whose attributes were used when the run was stored.
    pub(crate) fn push_stored_family(&mut self, prefix: &str) {
        if let Some(entry) = self.table.prefixes.get(prefix) {
            self.family_at(entry.id);
            self.rows.extend_from_slice(&entry.rows);
            self.sort();
        }
    }

    pub(super) fn rules(&self) -> &'a Rules {
        self.rules
    }

    fn push(&mut self, key: &'a str, value: Json<'a>, leaf: &mut Leaf<'a>) {
        let idx = self.items.len();
        let is_set = !value.is_null();
        if !self.rules.is_empty() && is_set {
            self.rule_hits.extend(self.rules.matching(key).map(|rule| RuleHit { rule, item: idx }));
        }
        if is_set && leaf.prefix.is_some_and(|prefix| key.starts_with(prefix)) {
            for family in &leaf.families {
                self.families[*family].1.push(idx);
            }
            self.items.push(Attribute { key, value, used: false });
            return;
        }
        if let Some(entry) = self.table.keys.get(key)
            && is_set
        {
            self.slots[entry.id] = u32::try_from(idx).unwrap_or(ABSENT);
            self.rows.extend_from_slice(&entry.rows);
        }
        let mut ends = key.bytes().enumerate().filter(|(_, b)| *b == b'.').map(|(at, _)| at + 1).peekable();
        let root = ends.peek().and_then(|end| key.get(..*end));
        let mut used = false;
        if root.is_some_and(|root| self.table.roots.contains_key(root)) {
            leaf.clear();
            for prefix in ends.filter_map(|end| key.get(..end)) {
                let Some(entry) = self.table.prefixes.get(prefix) else { continue };
                // JavaScript's `undefined` inside a known family tells nothing.
                used = !is_set;
                if used {
                    break;
                }
                let at = self.family_at(entry.id);
                let family = &mut self.families[at].1;
                family.push(idx);
                if family.len() == 1 {
                    self.rows.extend_from_slice(&entry.rows);
                }
                leaf.families.push(at);
                leaf.prefix = entry.is_leaf.then_some(prefix);
            }
        }
        self.items.push(Attribute { key, value, used });
    }

    /// The attribute with a key that some row reads.
    pub(crate) fn find(&self, key: &str) -> Option<usize> {
        let slot = self.slots[self.table.keys.get(key)?.id];
        (slot != ABSENT).then_some(slot as usize)
    }

    /// The attribute that a row reads.
    pub(super) fn find_of_row(&self, idx: usize) -> Option<usize> {
        let slot = self.slots[self.table.ids[idx]];
        (slot != ABSENT).then_some(slot as usize)
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

    /// Lends the attributes below the prefix that a row reads.
    pub(super) fn take_family(&mut self, row: usize) -> Vec<usize> {
        self.family_of_row(row).map(std::mem::take).unwrap_or_default()
    }

    /// Takes them back.
    pub(super) fn return_family(&mut self, row: usize, family: Vec<usize>) {
        if let Some(known) = self.family_of_row(row) {
            *known = family;
        }
    }

    fn family_of_row(&mut self, row: usize) -> Option<&mut Vec<usize>> {
        let wanted = self.table.ids[row];
        self.families.iter_mut().find(|(id, _)| *id == wanted).map(|(_, family)| family)
    }

    pub(crate) fn mark_used(&mut self, idx: usize) {
        self.items[idx].used = true;
    }

    /// What no rule used, as JSON texts.
    pub(crate) fn into_rest(self) -> BTreeMap<String, JsonText> {
        let mut rest = BTreeMap::new();
        let mut text = String::new();
        for item in self.items.into_iter().filter(|item| !item.used) {
            text.clear();
            item.value.write(&mut text);
            rest.insert(item.key.to_owned(), JsonText::from_trusted(text.as_str()));
        }
        rest
    }
}

/// The family, or families, to which the key before belonged, where keys below the same prefix can have no others.
#[derive(Debug, Default)]
struct Leaf<'a> {
    prefix: Option<&'a str>,
    /// Places in the list of families.
    families: Vec<usize>,
}

impl Leaf<'_> {
    fn clear(&mut self) {
        self.prefix = None;
        self.families.clear();
    }
}

/// The places of attributes whose key comes again later.
fn repeated(pairs: &[(&str, Json<'_>)]) -> Vec<usize> {
    let mut repeated = Vec::new();
    // A filter of bits is enough to know that most spans have none, and takes no memory.
    let mut filter = [0_u64; 64];
    let is_suspect = pairs.iter().fold(false, |suspect, (key, _)| {
        let bit = quick_hash(key);
        let word = &mut filter[bit / 64];
        let known = *word & (1 << (bit % 64)) != 0;
        *word |= 1 << (bit % 64);
        suspect | known
    });
    if is_suspect {
        let mut last: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
        for (idx, (key, _)) in pairs.iter().enumerate() {
            repeated.extend(last.insert(key, idx));
        }
        repeated.sort_unstable();
    }
    repeated
}

/// Twelve bits of the length and of both ends of a key.
fn quick_hash(key: &str) -> usize {
    let word = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let bytes = key.as_bytes();
    let (head, tail) = if bytes.len() >= 8 {
        (word(bytes.first_chunk()), word(bytes.last_chunk()))
    } else {
        (bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), 0)
    };
    let middle = word(bytes.get(bytes.len() / 2..).and_then(<[u8]>::first_chunk));
    let mixed = (head ^ tail.rotate_left(24) ^ middle.rotate_left(11) ^ bytes.len() as u64)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 52) as usize
}
