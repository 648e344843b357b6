//! Building a column of messages: lists of texts of which each distinct one is stored once.
//!
//! Runs of one request share the text of a message that was sent again ([`JsonText`] is shared memory), so most messages
//! are recognised by their address, and their text is looked at once.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, DictionaryArray, Int32Array, ListArray, StringArray, StringBuilder};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Int32Type};
use clearspan_model::JsonText;
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Collects the messages of one row after the other.
#[derive(Debug)]
pub(super) struct MessagesBuilder {
    /// The place of each message among the distinct ones.
    keys: Vec<i32>,
    /// How many messages each row has.
    lengths: Vec<usize>,
    distinct: StringBuilder,
    /// Texts that were met, by address. They are kept, or another text might come to stand there.
    by_address: FxHashMap<*const u8, (i32, JsonText)>,
    /// Places by hash of the text; those that share a hash are told apart by `next`.
    by_hash: FxHashMap<u64, i32>,
    /// For each distinct text the one before it that has the same hash.
    next: Vec<Option<i32>>,
    /// Unknown to senders, so that none can make texts of one hash.
    seed: u64,
}

impl Default for MessagesBuilder {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            lengths: Vec::new(),
            distinct: StringBuilder::new(),
            by_address: FxHashMap::default(),
            by_hash: FxHashMap::default(),
            next: Vec::new(),
            seed: RandomState::new().hash_one(()),
        }
    }
}

impl MessagesBuilder {
    pub(super) fn append(&mut self, messages: &[JsonText]) {
        for message in messages {
            let key = self.key_of(message);
            self.keys.push(key);
        }
        self.lengths.push(messages.len());
    }

    fn key_of(&mut self, message: &JsonText) -> i32 {
        let address = message.as_str().as_ptr();
        if let Some((key, _)) = self.by_address.get(&address) {
            return *key;
        }
        let key = self.key_of_text(message.as_str());
        self.by_address.insert(address, (key, message.clone()));
        key
    }

    fn key_of_text(&mut self, text: &str) -> i32 {
        let hash = xxh3_64_with_seed(text.as_bytes(), self.seed);
        let first = self.by_hash.get(&hash).copied();
        let mut candidate = first;
        while let Some(key) = candidate {
            let place = usize::try_from(key).expect("keys count from zero");
            if self.text(place) == text.as_bytes() {
                return key;
            }
            candidate = self.next[place];
        }
        let key = i32::try_from(self.next.len()).expect("a batch has far fewer messages than 2^31");
        self.distinct.append_value(text);
        self.next.push(first);
        self.by_hash.insert(hash, key);
        key
    }

    /// A distinct text.
    fn text(&self, place: usize) -> &[u8] {
        let offsets = self.distinct.offsets_slice();
        let at = |idx: usize| usize::try_from(offsets[idx]).expect("offsets count from zero");
        &self.distinct.values_slice()[at(place)..at(place + 1)]
    }

    pub(super) fn finish(&mut self) -> ArrayRef {
        let Self { keys, lengths, mut distinct, .. } = std::mem::take(self);
        let distinct: StringArray = distinct.finish();
        let messages = DictionaryArray::<Int32Type>::try_new(Int32Array::from(keys), Arc::new(distinct))
            .expect("each key is the place of a text");
        let item = Field::new(
            "item",
            DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            true,
        );
        debug_assert_eq!(item.data_type(), messages.data_type());
        Arc::new(ListArray::new(
            Arc::new(item),
            OffsetBuffer::from_lengths(lengths),
            Arc::new(messages),
            None,
        ))
    }
}

#[cfg(test)]
mod tests;
