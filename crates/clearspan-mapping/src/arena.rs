//! A place for values that are made while others are borrowed.

use std::cell::{Cell, OnceCell};

/// Values that stay where they are until the arena goes: what is kept here lives as long as what it was made from.
///
/// Slots come in blocks of doubling size, so that nothing moves and finding the next one takes no search.
#[derive(Debug)]
pub(crate) struct Arena<T> {
    blocks: [OnceCell<Box<[OnceCell<T>]>>; BLOCKS],
    len: Cell<usize>,
}

/// More values than fit into any memory.
const BLOCKS: usize = 40;

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self { blocks: [const { OnceCell::new() }; BLOCKS], len: Cell::new(0) }
    }
}

impl<T> Arena<T> {
    /// Keeps a value.
    pub(crate) fn keep(&self, value: T) -> &T {
        let place = self.len.get() + 1;
        self.len.set(place);
        // The first block has one slot, the next two, and so on.
        let block = place.ilog2();
        let first = 1_usize << block;
        let slots = self.blocks[block as usize]
            .get_or_init(|| std::iter::repeat_with(OnceCell::new).take(first).collect());
        slots[place - first].get_or_init(|| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_stays() {
        let arena = Arena::default();
        let kept: Vec<&String> = (0..1_000).map(|number| arena.keep(number.to_string())).collect();
        assert!(kept.iter().zip(0..).all(|(text, number)| **text == number.to_string()));
    }
}
