//! What was seen lately, in a bounded place: when the young ones are many, the old ones go.

use std::hash::Hash;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

/// A map of which the oldest half may be forgotten.
#[derive(Debug)]
pub(super) struct Recent<K, V = ()> {
    /// Entries of each of the two generations.
    capacity: usize,
    generations: Mutex<Generations<K, V>>,
}

#[derive(Debug)]
struct Generations<K, V> {
    young: FxHashMap<K, V>,
    old: FxHashMap<K, V>,
}

impl<K: Eq + Hash, V: Copy> Recent<K, V> {
    pub(super) fn new(capacity: usize) -> Self {
        let generations = Generations { young: FxHashMap::default(), old: FxHashMap::default() };
        Self { capacity, generations: Mutex::new(generations) }
    }

    pub(super) fn extend(&self, entries: impl IntoIterator<Item = (K, V)>) {
        let Generations { young, old } = &mut *self.generations.lock();
        for (key, value) in entries {
            if young.len() >= self.capacity {
                *old = std::mem::take(young);
            }
            young.insert(key, value);
        }
    }

    pub(super) fn remove(&self, key: &K) {
        let Generations { young, old } = &mut *self.generations.lock();
        young.remove(key);
        old.remove(key);
    }

    /// The values of these keys, in their order.
    pub(super) fn get_all<'k>(&self, keys: impl IntoIterator<Item = &'k K>) -> Vec<Option<V>>
    where
        K: 'k,
    {
        let Generations { young, old } = &*self.generations.lock();
        keys.into_iter().map(|key| young.get(key).or_else(|| old.get(key)).copied()).collect()
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        self.get_all([key]).pop().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_known_and_the_oldest_go() {
        let recent = Recent::new(10);
        recent.extend((0..35).map(|n| (n, n * 2)));
        assert_eq!(recent.get(&34), Some(68));
        assert_eq!(recent.get(&21), Some(42));
        assert_eq!(recent.get_all([&0, &33]), [None, Some(66)]);
        [21, 34].iter().for_each(|key| recent.remove(key));
        assert_eq!(recent.get_all([&21, &34, &33]), [None, None, Some(66)]);
    }
}
