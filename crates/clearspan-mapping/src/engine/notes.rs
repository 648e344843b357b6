//! Which attribute filled which field, while a run is mapped.

use std::cell::RefCell;

use clearspan_model::{Name, Sources};

/// Fields, each with its source.
type Pairs = Vec<(Name, Name)>;

/// Fields with their sources, in the order in which they were filled.
///
/// Spans of one instrumentation fill the same fields from the same attributes in the same order: nothing is sorted before it is
/// known that no run had the same notes.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// Of two with one field the first counts.
    pairs: Pairs,
}

/// Up to so many notes it is not looked whether one is new: most are.
const FEW: usize = 16;
/// Of more, so many of the last are looked at: what is noted again and again is among them, and an object has as many members
/// as a request has room for.
const LAST: usize = 64;

impl Notes {
    /// Begins with what is known.
    pub(super) fn of(sources: &Sources, mut spare: Pairs) -> Self {
        spare.extend(sources.names().cloned());
        Self { pairs: spare }
    }

    /// Notes where a field came from, unless that is known.
    pub(super) fn note(&mut self, field: Name, source: Name) {
        let last = self.pairs.iter().rev().take(LAST);
        if self.pairs.len() < FEW || !last.map(|(known, _)| known).any(|known| *known == field) {
            self.note_new(field, source);
        }
    }

    /// The same for a field that is not known.
    pub(super) fn note_new(&mut self, field: Name, source: Name) {
        self.pairs.push((field, source));
    }

    /// Notes where a field came from, whatever was known.
    pub(super) fn replace(&mut self, field: Name, source: Name) {
        match self.pairs.iter_mut().find(|(known, _)| *known == field) {
            Some((_, known)) => *known = source,
            None => self.pairs.push((field, source)),
        }
    }

    /// Forgets where a field came from.
    pub(super) fn remove(&mut self, field: &str) -> Option<Name> {
        let removed = self.pairs.iter().find(|(known, _)| known == field).map(|(_, source)| source.clone());
        self.pairs.retain(|(known, _)| known != field);
        removed
    }

    /// Where a field came from.
    pub(super) fn get(&self, field: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == field).map(|(_, source)| source.as_ref())
    }

    /// What a run keeps.
    pub(super) fn finish(self) -> Sources {
        // Of two with one field the last counts there.
        self.pairs.into_iter().rev().collect()
    }
}

/// What runs of a request keep, by the notes that it was made of: a table with one place for each hash. What collides is
/// forgotten.
#[derive(Debug)]
pub(super) struct SharedSources {
    slots: Vec<RefCell<(Pairs, Sources)>>,
    spare: RefCell<Pairs>,
}

/// An instrumentation has a handful of kinds of spans.
const SLOTS: usize = 64;
/// More is not kept: members of objects may have names of any length.
const MAX_BYTES: usize = 8 << 10;

impl Default for SharedSources {
    fn default() -> Self {
        Self {
            slots: std::iter::repeat_with(RefCell::default).take(SLOTS).collect(),
            spare: RefCell::default(),
        }
    }
}

impl SharedSources {
    /// An empty list for notes.
    pub(super) fn spare(&self) -> Pairs {
        self.spare.take()
    }

    /// What a run keeps of its notes.
    pub(super) fn finish(&self, notes: Notes) -> Sources {
        let mut slot = self.slots[hash(&notes.pairs) % SLOTS].borrow_mut();
        if are_same(&slot.0, &notes.pairs) {
            let mut spare = notes.pairs;
            spare.clear();
            self.spare.replace(spare);
            return slot.1.clone();
        }
        let bytes = |(field, source): &(Name, Name)| size_of::<(Name, Name)>() + field.len() + source.len();
        let is_small = notes.pairs.iter().map(bytes).sum::<usize>() <= MAX_BYTES;
        if is_small {
            let pairs = notes.pairs.clone();
            *slot = (pairs, notes.finish());
            slot.1.clone()
        } else {
            notes.finish()
        }
    }
}

/// Some bits of the lengths of all names.
fn hash(pairs: &[(Name, Name)]) -> usize {
    let lens = pairs.iter().map(|(field, source)| field.len() << 8 ^ source.len());
    let mixed = lens.fold(pairs.len(), |hash, len| (hash.rotate_left(5) ^ len).wrapping_mul(0x9E37_79B9));
    mixed >> 16
}

fn are_same(left: &[(Name, Name)], right: &[(Name, Name)]) -> bool {
    // Most names are part of the program, and then they are the very same texts.
    let is_same = |left: &str, right: &str| std::ptr::eq(left, right) || left == right;
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .all(|(left, right)| is_same(&left.0, &right.0) && is_same(&left.1, &right.1))
}

#[cfg(test)]
mod tests;
