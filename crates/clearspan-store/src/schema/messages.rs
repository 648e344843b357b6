//! Building a column of messages: lists of texts of which each distinct one is stored once.
//!
//! Runs of one request share the text of a message that was sent again ([`JsonText`] is shared memory), so most messages
//! are recognised by their address, and their text is looked at once.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int32Array, ListArray, StringArray, StringBuilder,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{ArrowNativeType as _, Field, Int32Type};
use clearspan_model::JsonText;
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Texts of which each is kept once.
#[derive(Debug)]
pub(crate) struct Distinct {
    texts: StringBuilder,
    /// Places by hash of the text; those that share a hash are told apart by `next`.
    by_hash: FxHashMap<u64, i32>,
    /// For each text the one before it that has the same hash.
    next: Vec<Option<i32>>,
    /// Unknown to senders, so that none can make texts of one hash.
    seed: u64,
}

impl Default for Distinct {
    fn default() -> Self {
        Self {
            texts: StringBuilder::new(),
            by_hash: FxHashMap::default(),
            next: Vec::new(),
            seed: RandomState::new().hash_one(()),
        }
    }
}

impl Distinct {
    /// The place of a text, which is its first one if it is new.
    pub(crate) fn place_of(&mut self, text: &str) -> i32 {
        let hash = xxh3_64_with_seed(text.as_bytes(), self.seed);
        let first = self.by_hash.get(&hash).copied();
        let mut candidate = first;
        while let Some(place) = candidate {
            let idx = usize::try_from(place).expect("places count from zero");
            if self.text(idx) == text.as_bytes() {
                return place;
            }
            candidate = self.next[idx];
        }
        let place = i32::try_from(self.next.len()).expect("a batch has far fewer messages than 2^31");
        self.texts.append_value(text);
        self.next.push(first);
        self.by_hash.insert(hash, place);
        place
    }

    fn text(&self, idx: usize) -> &[u8] {
        let offsets = self.texts.offsets_slice();
        let at = |idx: usize| usize::try_from(offsets[idx]).expect("offsets count from zero");
        &self.texts.values_slice()[at(idx)..at(idx + 1)]
    }

    pub(crate) fn finish(mut self) -> StringArray {
        self.texts.finish()
    }
}

/// A list of texts for each row: the places of its texts among the distinct ones, and how many each row has.
pub(crate) fn lists(distinct: Arc<StringArray>, places: Vec<i32>, lengths: Vec<usize>) -> ListArray {
    let texts = DictionaryArray::<Int32Type>::try_new(Int32Array::from(places), distinct)
        .expect("each place is that of a text");
    let item = Arc::new(Field::new_list_field(texts.data_type().clone(), true));
    ListArray::new(item, OffsetBuffer::from_lengths(lengths), Arc::new(texts), None)
}

/// Collects the messages of one row after the other.
#[derive(Debug, Default)]
pub(super) struct MessagesBuilder {
    /// The place of each message among the distinct ones.
    places: Vec<i32>,
    /// How many messages each row has.
    lengths: Vec<usize>,
    distinct: Distinct,
    /// Texts that were met, by address. They are kept, or another text might come to stand there.
    by_address: FxHashMap<*const u8, (i32, JsonText)>,
}

impl MessagesBuilder {
    pub(super) fn append(&mut self, messages: &[JsonText]) {
        for message in messages {
            let place = self.place_of(message);
            self.places.push(place);
        }
        self.lengths.push(messages.len());
    }

    fn place_of(&mut self, message: &JsonText) -> i32 {
        let address = message.as_str().as_ptr();
        if let Some((place, _)) = self.by_address.get(&address) {
            return *place;
        }
        let place = self.distinct.place_of(message.as_str());
        self.by_address.insert(address, (place, message.clone()));
        place
    }

    pub(super) fn finish(&mut self) -> ArrayRef {
        let Self { places, lengths, distinct, .. } = std::mem::take(self);
        Arc::new(lists(Arc::new(distinct.finish()), places, lengths))
    }
}

/// Like `interleave` for a column of messages, with one entry for each distinct message: Arrow's own kernel would carry the
/// dictionaries of all batches along.
pub(crate) fn gather_messages(arrays: &[&dyn Array], places: &[(usize, usize)]) -> ArrayRef {
    let mut sources: Vec<Messages<'_>> = arrays.iter().map(|array| Messages::new(*array)).collect();
    let (mut distinct, mut keys) = (Distinct::default(), Vec::new());
    let mut lengths = Vec::with_capacity(places.len());
    for (batch, row) in places {
        let first = keys.len();
        sources[*batch].append(*row, &mut distinct, &mut keys);
        lengths.push(keys.len() - first);
    }
    Arc::new(lists(Arc::new(distinct.finish()), keys, lengths))
}

/// A column of messages whose rows go into another.
pub(crate) struct Messages<'a> {
    offsets: &'a [i32],
    keys: &'a [i32],
    texts: &'a StringArray,
    /// Where each text is in the other one, once it is; empty at first.
    places: Vec<Option<i32>>,
}

impl<'a> Messages<'a> {
    pub(crate) fn new(array: &'a dyn Array) -> Self {
        let list: &ListArray = array.as_list();
        let words: &DictionaryArray<Int32Type> = list.values().as_dictionary();
        Self {
            offsets: list.value_offsets(),
            keys: words.keys().values(),
            texts: words.values().as_string(),
            places: Vec::new(),
        }
    }

    /// Appends the messages of a row and says how many there are.
    pub(crate) fn append(&mut self, row: usize, distinct: &mut Distinct, keys: &mut Vec<i32>) -> u64 {
        let range = self.offsets[row].as_usize()..self.offsets[row + 1].as_usize();
        if self.places.is_empty() {
            self.places.resize(self.texts.len(), None);
        }
        for key in &self.keys[range.clone()] {
            let key = key.as_usize();
            let place = self.places[key].get_or_insert_with(|| distinct.place_of(self.texts.value(key)));
            keys.push(*place);
        }
        range.len() as u64
    }
}

#[cfg(test)]
mod tests;
