//! Which rows of a segment belong to a trace: an index inside the file.
//!
//! It lies between the last row group and the footer, where other readers of Parquet do not look, so it shares the
//! file's checksums, copies and end. The manifest knows its place, so that a look for a trace opens no footer of
//! segments that do not have it. Entries of sixteen bytes, little-endian, in the order of their bytes' numbers:
//!
//! ```text
//! hash u64 (xxh3 of the trace id)  first_row u32  rows u32
//! ```
//!
//! The rows of one trace in one project are neighbours, so each such stretch is one entry. Two traces may have one
//! hash: who reads the rows compares the ids. Hashes are spread evenly, so the place of one can be reckoned from its
//! value, and a look into a file costs one read of some kilobytes.
//!
//! Segments of versions that wrote no index, and those whose index the disk damaged, get one from their columns, in
//! memory.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use arrow::array::RecordBatch;
use bytes::Bytes;
use clearspan_model::{ErrorKind, TraceId};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::{Segment, fixed};
use crate::Result;
use crate::schema::Col;

/// Bytes of an entry.
const ENTRY_BYTES: usize = 16;
/// An index with fewer entries is read whole.
const FEW_ENTRIES: u64 = 1024;
/// The key of the file's metadata that says where the index is, for readers without the manifest.
pub(super) const METADATA_KEY: &str = "clearspan.trace_index";

/// Where the index lies in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IndexPlace {
    /// The first byte.
    pub(crate) offset: u64,
    /// How many entries it has.
    pub(crate) entries: u64,
}

impl IndexPlace {
    fn bytes(self) -> u64 {
        self.entries * ENTRY_BYTES as u64
    }

    pub(super) fn holds(self, offset: u64) -> bool {
        (self.offset..self.offset + self.bytes()).contains(&offset)
    }
}

/// An entry, in the order of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    hash: u64,
    first_row: u32,
    rows: u32,
}

impl Entry {
    fn rows(self) -> Range<u32> {
        self.first_row..self.first_row.saturating_add(self.rows)
    }
}

/// Collects the entries of a segment while its rows go by in order.
#[derive(Debug, Default)]
pub(super) struct IndexBuilder {
    entries: Vec<Entry>,
    /// The project and the trace of the last row.
    last: Option<([u8; 16], [u8; 16])>,
    next_row: u32,
}

impl IndexBuilder {
    pub(super) fn add(&mut self, batch: &RecordBatch) {
        let (projects, traces) = (fixed(batch, Col::project_id), fixed(batch, Col::trace_id));
        let id = |bytes: &[u8]| <[u8; 16]>::try_from(bytes).expect("ids have sixteen bytes");
        for row in 0..batch.num_rows() {
            let key = (id(projects.value(row)), id(traces.value(row)));
            match self.entries.last_mut().filter(|_| self.last == Some(key)) {
                Some(entry) => entry.rows += 1,
                None => {
                    self.entries.push(Entry { hash: xxh3_64(&key.1), first_row: self.next_row, rows: 1 });
                    self.last = Some(key);
                }
            }
            self.next_row += 1;
        }
    }

    /// The bytes of the index.
    pub(super) fn finish(mut self) -> Bytes {
        self.entries.sort_unstable();
        let mut bytes = Vec::with_capacity(self.entries.len() * ENTRY_BYTES);
        for Entry { hash, first_row, rows } in self.entries {
            bytes.extend_from_slice(&hash.to_le_bytes());
            bytes.extend_from_slice(&first_row.to_le_bytes());
            bytes.extend_from_slice(&rows.to_le_bytes());
        }
        bytes.into()
    }

    /// Where the index is when it begins at a place.
    pub(super) fn place(bytes: &[u8], offset: u64) -> IndexPlace {
        IndexPlace { offset, entries: (bytes.len() / ENTRY_BYTES) as u64 }
    }
}

/// Some neighbouring entries.
struct Entries<'a>(&'a [u8]);

impl Entries<'_> {
    fn len(&self) -> usize {
        self.0.len() / ENTRY_BYTES
    }

    fn at(&self, idx: usize) -> Entry {
        let bytes = &self.0[idx * ENTRY_BYTES..(idx + 1) * ENTRY_BYTES];
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let hash = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"));
        Entry { hash, first_row: word(8), rows: word(12) }
    }

    /// The place of the first entry whose hash is not smaller. Hashes are spread evenly, so it is near where it is expected:
    /// most looks touch a few neighbours instead of entries all over the index.
    fn lower_bound(&self, hash: u64) -> usize {
        let len = self.len();
        let expected = ((u128::from(hash) * len as u128) >> 64) as usize;
        let reach = 2 * len.isqrt() + 8;
        let (mut from, mut to) = (expected.saturating_sub(reach), (expected + reach).min(len));
        if from > 0 && self.at(from - 1).hash >= hash {
            from = 0;
        }
        if to < len && self.at(to).hash < hash {
            to = len;
        }
        while from < to {
            let middle = from.midpoint(to);
            if self.at(middle).hash < hash { from = middle + 1 } else { to = middle }
        }
        from
    }

    fn stretches(&self, hash: u64, found: &mut Vec<Range<u32>>) {
        let from = self.lower_bound(hash);
        let entries = (from..self.len()).map(|idx| self.at(idx));
        found.extend(entries.take_while(|entry| entry.hash == hash).map(Entry::rows));
    }
}

impl Segment {
    /// The rows in which runs of some traces may be, dead or not, in order and apart. Rows of another trace may be
    /// among them.
    pub(crate) fn stretches_of(&self, trace_ids: &[TraceId]) -> Result<Vec<Range<u32>>> {
        let mut found = Vec::new();
        if let Some(bytes) = self.whole_index()? {
            let entries = Entries(&bytes);
            for trace_id in trace_ids {
                entries.stretches(xxh3_64(trace_id.as_bytes()), &mut found);
            }
        } else {
            for trace_id in trace_ids {
                self.look_into_file(xxh3_64(trace_id.as_bytes()), &mut found)?;
            }
        }
        found.sort_unstable_by_key(|rows| rows.start);
        found.dedup();
        Ok(found)
    }

    /// True when a run of the trace may be in here.
    pub(crate) fn may_hold_trace(&self, trace_id: TraceId) -> Result<bool> {
        Ok(!self.stretches_of(&[trace_id])?.is_empty())
    }

    /// All stretches with the hashes of their traces, in the order of these. Nothing is kept for the next time: who asks for all
    /// is about to replace the file.
    pub(crate) fn stretches(&self) -> Result<Vec<(u64, Range<u32>)>> {
        let bytes = match (self.index.get(), self.index_place) {
            (Some(bytes), _) => bytes.clone(),
            (None, Some(place)) => match self.read_index(place, 0..place.entries) {
                Err(err) if err.kind() == ErrorKind::Corrupt => self.make_index()?,
                read => read?,
            },
            (None, None) => self.make_index()?,
        };
        let entries = Entries(&bytes);
        Ok((0..entries.len()).map(|idx| entries.at(idx)).map(|entry| (entry.hash, entry.rows())).collect())
    }

    /// The whole index, when it is in memory or may be.
    fn whole_index(&self) -> Result<Option<Bytes>> {
        if let Some(bytes) = self.index.get() {
            return Ok(Some(bytes.clone()));
        }
        let Some(place) = self.index_place else { return self.index_from_columns().map(Some) };
        // Several may come here at once and reserve room more than once; the room is given back by all but one.
        if !self.cache.reserve_index(place.bytes()) {
            return Ok(None);
        }
        let read = match self.read_index(place, 0..place.entries) {
            Err(err) if err.kind() == ErrorKind::Corrupt => {
                self.cache.release_index(place.bytes());
                return self.index_from_columns().map(Some);
            }
            read => read.inspect_err(|_| self.cache.release_index(place.bytes()))?,
        };
        if self.index.set(read.clone()).is_err() {
            self.cache.release_index(place.bytes());
        } else {
            self.index_reserved.store(place.bytes(), Ordering::Relaxed);
        }
        Ok(Some(read))
    }

    fn read_index(&self, place: IndexPlace, entries: Range<u64>) -> Result<Bytes> {
        let at = |entry: u64| place.offset + entry * ENTRY_BYTES as u64;
        let range = at(entries.start)..at(entries.end);
        Ok(self.read_bytes(&OnceLock::new(), &[range])?.pop().unwrap_or_default())
    }

    /// Reads the part of the index in which a hash must be.
    fn look_into_file(&self, hash: u64, found: &mut Vec<Range<u32>>) -> Result<()> {
        let Some(place) = self.index_place else { return Ok(()) };
        let window = match self.window(place, hash) {
            Err(err) if err.kind() == ErrorKind::Corrupt => self.index_from_columns()?,
            window => window?,
        };
        Entries(&window).stretches(hash, found);
        Ok(())
    }

    /// Entries among which are all with a hash.
    fn window(&self, place: IndexPlace, hash: u64) -> Result<Bytes> {
        let all = place.entries;
        let middle = u64::try_from((u128::from(hash) * u128::from(all)) >> 64).expect("less than all");
        // Of evenly spread hashes, one is that far from where it is expected but once in ten thousand times.
        let mut reach = if all <= FEW_ENTRIES { all } else { 2 * all.isqrt() + 8 };
        loop {
            let (from, to) = (middle.saturating_sub(reach), middle.saturating_add(reach).min(all));
            let bytes = self.read_index(place, from..to)?;
            let entries = Entries(&bytes);
            let is_below = from == 0 || entries.len() > 0 && entries.at(0).hash < hash;
            let is_above = to == all || entries.len() > 0 && entries.at(entries.len() - 1).hash > hash;
            if is_below && is_above {
                return Ok(bytes);
            }
            reach = reach.saturating_mul(4);
        }
    }

    /// Makes the index from the columns, and keeps it.
    fn index_from_columns(&self) -> Result<Bytes> {
        if let Some(bytes) = self.index.get() {
            return Ok(bytes.clone());
        }
        let made = self.make_index()?;
        Ok(self.index.get_or_init(|| made).clone())
    }

    fn make_index(&self) -> Result<Bytes> {
        let mut builder = IndexBuilder::default();
        for group in 0..self.group_count()? {
            for batch in self.read_group(group, &[Col::project_id, Col::trace_id])? {
                builder.add(&batch);
            }
        }
        Ok(builder.finish())
    }
}

#[cfg(test)]
mod tests;
