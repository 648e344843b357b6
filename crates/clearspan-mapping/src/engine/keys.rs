//! What the table says of an attribute's key, looked up once in a request: the same keys come with every span.

use std::cell::{Cell, RefCell};

use super::Table;
use super::attributes::Attribute;
use super::notes::SharedSources;
use super::shape::Shapes;
use super::table::Entry;
use super::texts::Texts;
use crate::dialects::Telling;
use crate::json::Json;
use crate::messages::{FlatKey, Seen};

/// What spans of a request have in common: it is recognised instead of being looked up or made again.
#[derive(Debug)]
pub(crate) struct Remembered<'a> {
    pub(super) keys: Keys<'a>,
    pub(super) shapes: Shapes<'a>,
    pub(super) seen: Seen<'a>,
    pub(super) sources: SharedSources,
    pub(super) texts: Texts,
    spare: RefCell<Spare<'a>>,
}

/// Lists without anything in them, whose memory the next span takes.
#[derive(Debug, Default)]
pub(super) struct Spare<'a> {
    pub(super) pairs: Vec<(&'a str, Json<'a>)>,
    pub(super) items: Vec<Attribute<'a>>,
}

/// What a span of so many attributes took goes with it.
const MAX_SPARE: usize = 1 << 10;

impl<'a> Remembered<'a> {
    /// For a body of so many bytes.
    pub(crate) fn for_body(len: usize, table: &'a Table) -> Self {
        Self {
            keys: Keys::for_body(len, table),
            shapes: Shapes::for_body(len),
            seen: Seen::for_body(len),
            sources: SharedSources::default(),
            texts: Texts::shared(),
            spare: RefCell::default(),
        }
    }

    /// An empty list for the attributes of a span.
    pub(crate) fn spare_pairs(&self) -> Vec<(&'a str, Json<'a>)> {
        std::mem::take(&mut self.spare.borrow_mut().pairs)
    }

    /// An empty list for what becomes of them.
    pub(super) fn spare_items(&self) -> Vec<Attribute<'a>> {
        std::mem::take(&mut self.spare.borrow_mut().items)
    }

    /// Keeps the lists of a span that is finished.
    pub(super) fn keep_spare(&self, mut spare: Spare<'a>) {
        if spare.items.capacity() <= MAX_SPARE {
            spare.pairs.clear();
            spare.items.clear();
            self.spare.replace(spare);
        }
    }

    /// The key of an earlier span that has these bytes.
    #[inline]
    pub(crate) fn known_key(&self, bytes: &[u8]) -> Option<KnownKey<'a>> {
        let slots = self.keys.slots.borrow();
        let place = quick_hash(bytes) & (slots.len() - 1);
        let known = |way: usize, slot: &Slot<'a>| {
            (slot.key.as_bytes() == bytes).then_some(KnownKey { key: slot.key, text: slot.text, place, way })
        };
        let [first, second] = &slots[place];
        known(0, first).or_else(|| known(1, second))
    }

    /// Keeps the text that stands at a key now.
    #[inline]
    pub(crate) fn note_text(&self, known: &KnownKey<'a>, text: &'a str) {
        self.keys.slots.borrow_mut()[known.place][known.way].text = text;
    }
}

/// A key of an earlier span, as long as no other key is looked up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownKey<'a> {
    pub(crate) key: &'a str,
    /// The text that stood there last.
    pub(crate) text: &'a str,
    place: usize,
    way: usize,
}

/// As many prefixes of rows as may begin one key; a test counts them.
pub(super) const MAX_FAMILIES: usize = 4;

/// What is known of a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'t> {
    /// What reads exactly this key.
    pub(super) own: Option<&'t Entry>,
    /// What reads all keys with a prefix of it, the shortest prefix first.
    families: [Option<&'t Entry>; MAX_FAMILIES],
    /// What it says below the longest of these prefixes, if it is of a flattened message.
    pub(super) flat: Option<FlatKey>,
    /// How long that prefix is.
    pub(super) flat_from: u16,
    /// What it tells about the dialect.
    pub(super) telling: Telling,
}

impl<'t> Facts<'t> {
    pub(super) fn of(key: &str, table: &'t Table) -> Self {
        let mut facts = Self {
            own: table.keys.get(key),
            families: [None; MAX_FAMILIES],
            flat: None,
            flat_from: 0,
            telling: Telling::of(key),
        };
        let mut ends = key.match_indices('.').map(|(at, _)| at + 1).peekable();
        let root = ends.peek().and_then(|end| key.get(..*end));
        if root.is_none_or(|root| !table.roots.contains_key(root)) {
            return facts;
        }
        let prefixes = ends.filter_map(|end| Some((end, table.prefixes.get(key.get(..end)?)?)));
        for ((end, entry), place) in prefixes.zip(&mut facts.families) {
            *place = Some(entry);
            facts.flat = key.get(end..).and_then(FlatKey::of);
            facts.flat_from = u16::try_from(end).unwrap_or(u16::MAX);
        }
        facts
    }

    pub(super) fn families(&self) -> impl Iterator<Item = &'t Entry> {
        self.families.iter().copied().map_while(|entry| entry)
    }
}

/// A table with two places for each hash: what collides is forgotten, so that no request can make it slow or large.
#[derive(Debug)]
pub(super) struct Keys<'a> {
    pub(super) table: &'a Table,
    slots: RefCell<Vec<[Slot<'a>; 2]>>,
    /// The number of the span whose keys are looked up.
    span: Cell<u32>,
    /// A key of it may have come before.
    may_repeat: Cell<bool>,
}

#[derive(Debug, Clone, Copy)]
struct Slot<'a> {
    key: &'a str,
    /// The span that had it last.
    span: u32,
    /// What it said there, if that was text.
    text: &'a str,
    facts: Option<Facts<'a>>,
}

/// Instrumentations have some dozens of keys, and two for each message of a long conversation.
const MAX_SLOTS: usize = 1 << 9;
const BYTES_PER_SLOT: usize = 1 << 10;

impl<'a> Keys<'a> {
    fn for_body(len: usize, table: &'a Table) -> Self {
        let count = (len / BYTES_PER_SLOT).next_power_of_two().clamp(32, MAX_SLOTS);
        let slot = Slot { key: "", span: 0, text: "", facts: None };
        Self {
            table,
            slots: RefCell::new(vec![[slot; 2]; count]),
            span: Cell::new(0),
            may_repeat: Cell::new(false),
        }
    }

    /// Begins with the keys of another span.
    pub(super) fn next_span(&self) {
        self.span.set(self.span.get().wrapping_add(1));
        self.may_repeat.set(false);
    }

    /// True when a key may have been looked up twice since [`Self::next_span`]; false when none was.
    pub(super) fn may_repeat(&self) -> bool {
        self.may_repeat.get()
    }

    /// Does something with what is known of a key, at which this text stands.
    #[inline]
    pub(super) fn with_facts(&self, key: &'a str, text: &'a str, work: impl FnOnce(&Facts<'a>)) {
        let mut slots = self.slots.borrow_mut();
        let mask = slots.len() - 1;
        let [first, second] = &mut slots[quick_hash(key.as_bytes()) & mask];
        let span = self.span.get();
        // Keys that were read by `known_key` are the very ones of their slots.
        let slot = if std::ptr::eq(first.key, key) || first.key == key {
            first
        } else if std::ptr::eq(second.key, key) || second.key == key || first.span == span {
            second
        } else {
            first
        };
        // What another key of this span pushes out may be the one that comes again.
        if slot.span == span {
            self.may_repeat.set(true);
        }
        slot.span = span;
        slot.text = text;
        if !std::ptr::eq(slot.key, key) && slot.key != key {
            slot.key = key;
            slot.facts = None;
        }
        work(slot.facts.get_or_insert_with(|| Facts::of(key, self.table)));
    }
}

/// Some bits of the length, of both ends and of the middle of a key.
#[inline]
pub(super) fn quick_hash(bytes: &[u8]) -> usize {
    let word = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
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

#[cfg(test)]
mod tests;
