//! What the keys of a span say together: which rows read which of its attributes. The spans of one instrumentation have
//! the same keys in the same order, so that this is made once in a request for all of them.

use std::cell::RefCell;
use std::rc::Rc;

use super::Table;
use super::keys::{Facts, Keys, quick_hash};
use crate::dialects::Telling;
use crate::json::Json;
use crate::messages::FlatKey;

/// A row and what it reads: the place of an attribute, or that of a family where the row reads one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RowHit {
    pub(super) row: usize,
    pub(super) at: usize,
}

/// What is known of one attribute without a look at its value.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    pub(super) key: &'a str,
    /// Its value is null: what rows say of it does not count.
    is_null: bool,
    /// Nothing is told by it, so it does not stay.
    pub(super) used: bool,
    /// What its key says below a prefix of this length, if it is of a flattened message.
    flat: Option<FlatKey>,
    flat_from: u16,
}

impl Place<'_> {
    /// What its key says below this prefix, if it is of a flattened message.
    pub(super) fn flat_below(&self, prefix: &str) -> Option<FlatKey> {
        self.flat.filter(|_| usize::from(self.flat_from) == prefix.len())
    }
}

/// The keys of a span, and the rows that read them.
#[derive(Debug, Clone)]
pub(super) struct Shape<'a> {
    pub(super) places: Vec<Place<'a>>,
    /// For each known prefix that occurs, the attributes below it. A span has few, so a list is the quickest map.
    families: Vec<(usize, Vec<usize>)>,
    /// The rows that have something to read and tell about the type, strongest first.
    pub(super) about_type: Vec<RowHit>,
    /// The same for those that tell something else.
    pub(super) others: Vec<RowHit>,
    /// What the keys tell about the dialect.
    pub(super) telling: Telling,
}

impl<'a> Shape<'a> {
    pub(super) fn with_capacity(count: usize) -> Self {
        Self {
            places: Vec::with_capacity(count),
            families: Vec::new(),
            about_type: Vec::new(),
            others: Vec::with_capacity(count),
            telling: Telling::NOTHING,
        }
    }

    /// Adds an attribute.
    pub(super) fn push(&mut self, key: &'a str, is_null: bool, facts: &Facts<'a>, table: &Table) {
        let idx = self.places.len();
        self.telling = self.telling.and(facts.telling);
        if !is_null {
            if let Some(own) = facts.own {
                self.add_rows(&own.rows, idx, table);
            }
            for entry in facts.families() {
                let at = self.family_at(entry.id);
                let family = &mut self.families[at].1;
                family.push(idx);
                if family.len() == 1 {
                    self.add_rows(&entry.rows, at, table);
                }
            }
        }
        // JavaScript's `undefined` inside a known family tells nothing.
        let used = is_null && facts.families().next().is_some();
        self.places.push(Place { key, is_null, used, flat: facts.flat, flat_from: facts.flat_from });
    }

    /// Adds an attribute whose value does not count, because that of a later one does.
    pub(super) fn push_unread(&mut self, key: &'a str, is_null: bool, facts: &Facts<'a>) {
        self.telling = self.telling.and(facts.telling);
        self.places.push(Place { key, is_null, used: true, flat: None, flat_from: 0 });
    }

    /// Adds a family that has no attributes any more.
    pub(super) fn push_family(&mut self, prefix: &str, table: &Table) {
        if let Some(entry) = table.prefixes.get(prefix) {
            let at = self.family_at(entry.id);
            self.add_rows(&entry.rows, at, table);
        }
    }

    fn add_rows(&mut self, rows: &[usize], at: usize, table: &Table) {
        for row in rows.iter().copied() {
            if table.has_targets(row, true) {
                self.about_type.push(RowHit { row, at });
            }
            if table.has_targets(row, false) {
                self.others.push(RowHit { row, at });
            }
        }
    }

    fn family_at(&mut self, id: usize) -> usize {
        self.families.iter().position(|(known, _)| *known == id).unwrap_or_else(|| {
            self.families.push((id, Vec::with_capacity(16)));
            self.families.len() - 1
        })
    }

    /// Brings the rows into their order.
    pub(super) fn sort(&mut self) {
        for rows in [&mut self.about_type, &mut self.others] {
            rows.sort_unstable();
            rows.dedup();
        }
    }

    /// The attributes of the family at this place.
    pub(super) fn family(&self, at: usize) -> &[usize] {
        &self.families[at].1
    }

    /// Whether attributes have these keys.
    fn is_of(&self, pairs: &[(&'a str, Json<'a>)]) -> bool {
        let is_at = |place: &Place<'_>, key: &str, value: &Json<'_>| {
            // Keys that were met before are the very ones.
            place.is_null == value.is_null() && (std::ptr::eq(place.key, key) || place.key == key)
        };
        self.places.len() == pairs.len()
            && self.places.iter().zip(pairs).all(|(place, (key, value))| is_at(place, key, value))
    }
}

/// The shapes of a request: a table with two places for each hash, the newer first. What collides is forgotten, so that no
/// request can make it slow or large.
#[derive(Debug)]
pub(super) struct Shapes<'a> {
    slots: RefCell<Vec<[Option<Rc<Shape<'a>>>; 2]>>,
}

/// An instrumentation has a handful of shapes, and one for each length of a flattened conversation.
const MAX_SLOTS: usize = 1 << 6;
const BYTES_PER_SLOT: usize = 1 << 14;
/// The shape of a span of more attributes is not kept.
const MAX_PLACES: usize = 1 << 7;

impl<'a> Shapes<'a> {
    /// For a body of so many bytes.
    pub(super) fn for_body(len: usize) -> Self {
        let count = (len / BYTES_PER_SLOT).next_power_of_two().clamp(4, MAX_SLOTS);
        Self { slots: RefCell::new(vec![[None, None]; count]) }
    }

    /// The shape of a span. `None` where keys come twice: those need a closer look.
    pub(super) fn of(&self, pairs: &[(&'a str, Json<'a>)], keys: &Keys<'a>) -> Option<Rc<Shape<'a>>> {
        let mut slots = self.slots.borrow_mut();
        let mask = slots.len() - 1;
        let slot = &mut slots[hash(pairs) & mask];
        if let Some(known) = slot.iter().flatten().find(|known| known.is_of(pairs)) {
            return Some(Rc::clone(known));
        }
        let mut shape = Shape::with_capacity(pairs.len());
        for (key, value) in pairs {
            let text = value.as_simple().unwrap_or_default();
            keys.with_facts(key, text, |facts| shape.push(key, value.is_null(), facts, keys.table));
        }
        if keys.may_repeat() && !super::attributes::repeated(pairs.iter().map(|(key, _)| *key)).is_empty() {
            return None;
        }
        shape.sort();
        let shape = Rc::new(shape);
        if pairs.len() <= MAX_PLACES {
            slot.rotate_right(1);
            slot[0] = Some(Rc::clone(&shape));
        }
        Some(shape)
    }
}

/// Some bits of how many keys there are, of both ends and of the middle.
fn hash(pairs: &[(&str, Json<'_>)]) -> usize {
    let key = |idx: usize| pairs.get(idx).map_or(0, |(key, _)| quick_hash(key.as_bytes()));
    let len = pairs.len();
    key(0) ^ key(len / 2).rotate_left(3) ^ key(len.wrapping_sub(1)).rotate_left(1) ^ len
}

#[cfg(test)]
mod tests;
