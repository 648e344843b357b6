//! Merging sorted rows of several files into row groups, with bounded memory.
//!
//! Each source gives its rows batch by batch, in the order of its table. The merge holds one batch of each source and
//! those that the row group in the making still needs. It notes where every row went, because rows may die while
//! their file is rewritten.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, FixedSizeBinaryArray, RecordBatch, StringArray,
    TimestampNanosecondArray,
};
use arrow::datatypes::{ArrowNativeType as _, Int32Type};
use clearspan_model::ErrorKind;
use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

use crate::native::segment::{self, ROW_GROUP_ROWS};
use crate::schema::logs::LogCol;
use crate::schema::points::PointCol;
use crate::schema::{Col, Kind, TableColumn, stored};
use crate::{Error, Result};

/// Bytes of text in a row group, about: rows with large payloads make smaller groups. To read one message, those of its row
/// group are decompressed.
pub(crate) const GROUP_BYTES: usize = 4 << 20;
/// Stands for a row that was left out.
pub(super) const LEFT_OUT: u32 = u32::MAX;

/// What rows are sorted by.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By<C> {
    /// An id or a time.
    Column(C),
    /// The begin of the row's trace: the least of the times that the file has of it.
    Begin { project: C, trace: C, time: C },
}

/// What tables say about the order of their files.
pub(crate) trait Sorted: TableColumn {
    /// What rows are sorted by, first things first.
    const ORDER: &'static [By<Self>];
    /// Whether rows that agree in [`Self::ORDER`] are one record.
    const UNIQUE: bool;
    /// What is known of a row when it is decided whether it stays.
    const SIFTED: &'static [Self];

    /// The rows at these places, each a batch and a row in it, as a file of the table holds them.
    fn gather(batches: &[&RecordBatch], places: &[(usize, usize)]) -> Result<RecordBatch> {
        segment::gather::<Self>(batches, places)
    }
}

impl Sorted for Col {
    const ORDER: &'static [By<Self>] = &[
        By::Column(Self::project_id),
        By::Begin { project: Self::project_id, trace: Self::trace_id, time: Self::time },
        By::Column(Self::trace_id),
        By::Column(Self::time),
        By::Column(Self::run_id),
    ];
    const UNIQUE: bool = false;
    const SIFTED: &'static [Self] = &[
        Self::workspace_id,
        Self::project_id,
        Self::trace_id,
        Self::run_id,
        Self::time,
        Self::received_at,
        Self::payload_removed,
    ];

    fn gather(batches: &[&RecordBatch], places: &[(usize, usize)]) -> Result<RecordBatch> {
        stored::gather(batches, places)
    }
}

impl Sorted for LogCol {
    const ORDER: &'static [By<Self>] =
        &[By::Column(Self::project_id), By::Column(Self::time), By::Column(Self::id)];
    const UNIQUE: bool = true;
    const SIFTED: &'static [Self] =
        &[Self::workspace_id, Self::project_id, Self::id, Self::time, Self::received_at, Self::trace_id];
}

impl Sorted for PointCol {
    const ORDER: &'static [By<Self>] =
        &[By::Column(Self::project_id), By::Column(Self::time), By::Column(Self::id)];
    const UNIQUE: bool = true;
    const SIFTED: &'static [Self] =
        &[Self::workspace_id, Self::project_id, Self::id, Self::time, Self::received_at];
}

/// The place of a row in the order of its table, such that bytes compare as rows do.
type Key = [u8; KEY_BYTES];
const KEY_BYTES: usize = 64;
const ID_BYTES: usize = 16;
const TIME_BYTES: usize = 8;

/// A project and a trace in it.
pub(super) type TraceRef = [u8; 2 * ID_BYTES];
/// When traces begin whose first run is in another file. All others begin with the first row that a file has of them.
pub(super) type Begins = FxHashMap<TraceRef, i64>;

pub(super) fn trace_ref(project: &[u8], trace: &[u8]) -> TraceRef {
    let mut key = TraceRef::default();
    key[..ID_BYTES].copy_from_slice(project);
    key[ID_BYTES..].copy_from_slice(trace);
    key
}

/// The place of a trace in the order of runs, such that bytes compare as traces do.
pub(super) fn trace_key(trace: &TraceRef, begin: i64) -> [u8; 2 * ID_BYTES + TIME_BYTES] {
    let mut key = [0; 2 * ID_BYTES + TIME_BYTES];
    let (project, trace) = trace.split_at(ID_BYTES);
    key[..ID_BYTES].copy_from_slice(project);
    key[ID_BYTES..ID_BYTES + TIME_BYTES].copy_from_slice(&ordered(begin));
    key[ID_BYTES + TIME_BYTES..].copy_from_slice(trace);
    key
}

/// With its sign turned, an integer's bytes are in its order.
fn ordered(time: i64) -> [u8; TIME_BYTES] {
    (time ^ i64::MIN).to_be_bytes()
}

/// A part of the keys of a batch.
enum KeyPart<'a> {
    Id(&'a FixedSizeBinaryArray),
    Time(&'a TimestampNanosecondArray),
    Begin {
        projects: &'a FixedSizeBinaryArray,
        traces: &'a FixedSizeBinaryArray,
        times: &'a TimestampNanosecondArray,
    },
}

impl<'a> KeyPart<'a> {
    fn new<C: TableColumn>(batch: &'a RecordBatch, by: By<C>) -> Self {
        let ids = |column: C| batch.column(column.place()).as_fixed_size_binary();
        let times = |column: C| batch.column(column.place()).as_primitive();
        match by {
            By::Column(column) if C::COLUMNS[column.place()].kind == Kind::Time => Self::Time(times(column)),
            By::Column(column) => Self::Id(ids(column)),
            By::Begin { project, trace, time } => {
                Self::Begin { projects: ids(project), traces: ids(trace), times: times(time) }
            }
        }
    }
}

/// The keys of the rows of a batch. `last` is the trace that the rows before belonged to, and its begin.
fn keys_of<C: Sorted>(batch: &RecordBatch, begins: &Begins, last: &mut Option<(TraceRef, i64)>) -> Vec<Key> {
    let parts: Vec<KeyPart<'_>> = C::ORDER.iter().map(|by| KeyPart::new(batch, *by)).collect();
    let key_at = |row: usize| {
        let (mut key, mut at) = ([0; KEY_BYTES], 0);
        let mut put = |bytes: &[u8]| {
            key[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        for part in &parts {
            match part {
                KeyPart::Id(ids) => put(ids.value(row)),
                KeyPart::Time(times) => put(&ordered(times.value(row))),
                KeyPart::Begin { projects, traces, times } => {
                    let trace = trace_ref(projects.value(row), traces.value(row));
                    let begin = match last {
                        Some((of, begin)) if *of == trace => *begin,
                        _ => begins.get(&trace).copied().unwrap_or_else(|| times.value(row)),
                    };
                    *last = Some((trace, begin));
                    put(&ordered(begin));
                }
            }
        }
        key
    };
    (0..batch.num_rows()).map(key_at).collect()
}

/// Rows of one file, in the order of the table, in batches with all columns of today.
pub(super) type Batches<'a> = Box<dyn Iterator<Item = Result<RecordBatch>> + 'a>;

struct Source<'a> {
    batches: Batches<'a>,
    /// The place of the current batch in [`Merge::held`], and of the current row in it.
    slot: usize,
    row: usize,
    keys: Vec<Key>,
    /// The trace of the last row that was loaded, and its begin.
    last_trace: Option<(TraceRef, i64)>,
    weights: Vec<u32>,
    /// Where each row went, in order.
    moved: Vec<u32>,
}

/// Gives row groups in the order of the table.
pub(super) struct Merge<'a, C> {
    begins: Begins,
    sources: Vec<Source<'a>>,
    heap: BinaryHeap<Reverse<(Key, usize)>>,
    /// Batches with rows that are not written yet.
    held: Vec<RecordBatch>,
    last: Option<Key>,
    written: u32,
    table: std::marker::PhantomData<C>,
}

impl<'a, C: Sorted> Merge<'a, C> {
    pub(super) fn new(sources: Vec<Batches<'a>>, begins: Begins) -> Result<Self> {
        let mut merge = Self {
            begins,
            sources: Vec::with_capacity(sources.len()),
            heap: BinaryHeap::new(),
            held: Vec::new(),
            last: None,
            written: 0,
            table: std::marker::PhantomData,
        };
        for (idx, batches) in sources.into_iter().enumerate() {
            merge.sources.push(Source {
                batches,
                slot: 0,
                row: 0,
                keys: Vec::new(),
                last_trace: None,
                weights: Vec::new(),
                moved: Vec::new(),
            });
            if let Some(key) = merge.next_batch(idx)? {
                merge.heap.push(Reverse((key, idx)));
            }
        }
        Ok(merge)
    }

    /// For each source, in the order of its rows: the row that it became, or [`LEFT_OUT`].
    pub(super) fn into_moved(self) -> Vec<Vec<u32>> {
        self.sources.into_iter().map(|source| source.moved).collect()
    }

    /// Loads the next batch of a source. Returns the key of its first row.
    fn next_batch(&mut self, idx: usize) -> Result<Option<Key>> {
        let source = &mut self.sources[idx];
        loop {
            let Some(batch) = source.batches.next().transpose()? else { return Ok(None) };
            if batch.num_rows() == 0 {
                continue;
            }
            source.keys = keys_of::<C>(&batch, &self.begins, &mut source.last_trace);
            source.weights = row_weights::<C>(&batch);
            (source.slot, source.row) = (self.held.len(), 0);
            self.held.push(batch);
            return Ok(source.keys.first().copied());
        }
    }

    /// Goes on to the next row of a source.
    fn advance(&mut self, idx: usize) -> Result<Option<Key>> {
        let source = &mut self.sources[idx];
        source.row += 1;
        if source.row < source.weights.len() {
            return Ok(source.keys.get(source.row).copied());
        }
        self.next_batch(idx)
    }

    /// The places of the rows of the next row group.
    fn next_places(&mut self) -> Result<Vec<(usize, usize)>> {
        let (mut places, mut bytes) = (Vec::with_capacity(ROW_GROUP_ROWS), 0);
        while places.len() < ROW_GROUP_ROWS && bytes < GROUP_BYTES {
            let Some(Reverse((key, idx))) = self.heap.peek().copied() else { break };
            let source = &mut self.sources[idx];
            if C::UNIQUE && self.last == Some(key) {
                source.moved.push(LEFT_OUT);
            } else {
                places.push((source.slot, source.row));
                bytes += source.weights[source.row] as usize;
                source.moved.push(self.written);
                self.written += 1;
                self.last = Some(key);
            }
            let next = self.advance(idx)?;
            let top = self.heap.peek_mut().expect("it was there just now");
            match next {
                Some(next) => replace_top(top, next),
                None => drop(PeekMut::pop(top)),
            }
        }
        Ok(places)
    }

    /// Lets go of the batches that no further row needs.
    fn release(&mut self) {
        let waiting: Vec<usize> = self.heap.iter().map(|Reverse((_, idx))| *idx).collect();
        let mut kept = Vec::with_capacity(waiting.len());
        for idx in waiting {
            let source = &mut self.sources[idx];
            kept.push(self.held[source.slot].clone());
            source.slot = kept.len() - 1;
        }
        self.held = kept;
    }
}

fn replace_top(mut top: PeekMut<'_, Reverse<(Key, usize)>>, key: Key) {
    top.0.0 = key;
}

impl<C: Sorted> Iterator for Merge<'_, C> {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let group = self.next_places().and_then(|places| {
            if places.is_empty() {
                return Ok(None);
            }
            let batches: Vec<&RecordBatch> = self.held.iter().collect();
            C::gather(&batches, &places).map(Some)
        });
        if matches!(group, Ok(Some(_))) {
            self.release();
        }
        group.transpose()
    }
}

/// About how many bytes each row adds to a row group. A message counts for the first row of the batch that has it.
pub(crate) fn row_weights<C: TableColumn>(batch: &RecordBatch) -> Vec<u32> {
    let mut weights = vec![200_u32; batch.num_rows()];
    let mut add = |row: usize, bytes: usize| {
        weights[row] = weights[row].saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
    };
    for (array, column) in batch.columns().iter().zip(C::COLUMNS) {
        match column.kind {
            Kind::Text => {
                let texts: &StringArray = array.as_string();
                (0..texts.len()).for_each(|row| add(row, texts.value_length(row).as_usize()));
            }
            Kind::Map => {
                let map = array.as_map();
                for side in [map.keys(), map.values()] {
                    let texts: &StringArray = side.as_string();
                    let ends = texts.value_offsets();
                    for (row, range) in map.value_offsets().windows(2).enumerate() {
                        add(row, (ends[range[1].as_usize()] - ends[range[0].as_usize()]).as_usize());
                    }
                }
            }
            Kind::Messages => add_messages(array, &mut add),
            _ => {}
        }
    }
    weights
}

fn add_messages(array: &ArrayRef, add: &mut impl FnMut(usize, usize)) {
    let list = array.as_list::<i32>();
    let words: &DictionaryArray<Int32Type> = list.values().as_dictionary();
    let texts: &StringArray = words.values().as_string();
    let mut seen = RoaringBitmap::new();
    for (row, range) in list.value_offsets().windows(2).enumerate() {
        for key in &words.keys().values()[range[0].as_usize()..range[1].as_usize()] {
            let is_new = key.as_usize() < texts.len() && seen.insert(key.as_usize() as u32);
            add(row, if is_new { texts.value_length(key.as_usize()).as_usize() } else { 4 });
        }
    }
}

/// A file has fewer rows than 2^32, and the last number stands for those that were left out.
pub(super) fn check_row_count(rows: u64) -> Result<()> {
    if rows < u64::from(LEFT_OUT) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Internal, format!("a merged file would have {rows} rows")))
}
