//! The first rows in an order of time, out of any number of rows in any order.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use clearspan_model::UnixNanos;

use crate::RecordId;

/// Keeps the first `limit` records by (time, id), each once.
#[derive(Debug)]
pub(super) struct Page<T> {
    limit: usize,
    oldest_first: bool,
    rows: BTreeMap<(UnixNanos, RecordId), T>,
}

impl<T> Page<T> {
    pub(super) fn new(limit: usize, oldest_first: bool) -> Self {
        Self { limit, oldest_first, rows: BTreeMap::new() }
    }

    /// Whether a record at this place belongs here and is not here yet.
    pub(super) fn wants(&self, time: UnixNanos, id: RecordId) -> bool {
        let place = (time, id);
        !self.rows.contains_key(&place)
            && self.last().is_none_or(|last| if self.oldest_first { place < last } else { place > last })
    }

    /// Whether any record of this stretch of time might belong here.
    pub(super) fn wants_any(&self, min_time: i64, max_time: i64) -> bool {
        self.last().is_none_or(|(time, _)| {
            if self.oldest_first { min_time <= time.as_nanos() } else { max_time >= time.as_nanos() }
        })
    }

    /// The last record, when there is no room for more.
    pub(super) fn last(&self) -> Option<(UnixNanos, RecordId)> {
        if self.rows.len() < self.limit {
            return None;
        }
        let last = if self.oldest_first { self.rows.last_key_value() } else { self.rows.first_key_value() };
        last.map(|(place, _)| *place)
    }

    pub(super) fn add(&mut self, time: UnixNanos, id: RecordId, row: T) {
        if let Entry::Vacant(slot) = self.rows.entry((time, id)) {
            slot.insert(row);
        }
        if self.rows.len() > self.limit {
            let _beyond = if self.oldest_first { self.rows.pop_last() } else { self.rows.pop_first() };
        }
    }

    /// The records, in order.
    pub(super) fn finish(self) -> Vec<(RecordId, T)> {
        let rows = self.rows.into_iter().map(|((_, id), row)| (id, row));
        if self.oldest_first { rows.collect() } else { rows.rev().collect() }
    }
}
