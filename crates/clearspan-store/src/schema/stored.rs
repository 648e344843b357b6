//! The form in which segments hold payloads: the texts of a run in one list.
//!
//! What a model answers goes in again with the next call, and so does what a tool returned. Parquet keeps a dictionary for
//! each column and compresses it by itself, so columns of their own would store such texts twice. In one column each text is
//! stored once for each row group, and one that is part of another (what a tool returned, and the message that tells it) costs
//! little more than a reference, because they are compressed together.
//!
//! Everywhere else a run has the four columns of [`SCHEMA`]. Writing a segment brings them together ([`gather`]), reading it
//! takes them apart ([`unpack`], [`Texts::part`]). Older segments hold the four columns as they are.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, StringBuilder, UInt64Array,
};
use arrow::compute::interleave;
use arrow::datatypes::{ArrowNativeType as _, Int32Type, Schema, SchemaRef, UInt64Type};
use clearspan_model::ErrorKind;

use super::messages::{Distinct, Messages, lists};
use super::{Col, Column, Kind, SCHEMA, TableColumn};
use crate::error::Context;
use crate::{Error, Result};

/// The columns whose texts are stored together, in the order in which a row has them.
pub(crate) const PARTS: [Col; 4] =
    [Col::input_messages, Col::input_rest, Col::output_messages, Col::output_rest];

/// The columns that stand in a segment in the places of [`PARTS`].
pub(crate) static TOGETHER: [Column; 4] = [
    Column {
        name: "texts",
        kind: Kind::Messages,
        required: true,
        doc: "What went in and came out: the `input_messages`, `input_rest` if there is one, the `output_messages`, `output_rest` if there is one.",
    },
    Column {
        name: "input_message_count",
        kind: Kind::Count,
        required: true,
        doc: "How many of `texts` are `input_messages`: the first ones.",
    },
    Column {
        name: "has_input_rest",
        kind: Kind::Flag,
        required: true,
        doc: "Whether `input_rest` comes behind them.",
    },
    Column {
        name: "output_message_count",
        kind: Kind::Count,
        required: true,
        doc: "How many `output_messages` come then. Behind them there is `output_rest` or nothing.",
    },
];

/// The columns of a segment, in order. All but [`TOGETHER`] have the places that they have in [`SCHEMA`].
pub(crate) fn columns() -> impl Iterator<Item = &'static Column> {
    Col::COLUMNS.iter().enumerate().map(|(place, column)| {
        let part = PARTS.iter().position(|part| part.place() == place);
        part.map_or(column, |part| &TOGETHER[part])
    })
}

/// The rows of a segment.
pub(crate) static STORED: LazyLock<SchemaRef> =
    LazyLock::new(|| Arc::new(Schema::new(columns().map(Column::field).collect::<Vec<_>>())));

/// Whether a column is one of [`PARTS`].
pub(crate) fn is_part(name: &str) -> bool {
    PARTS.iter().any(|part| part.name() == name)
}

/// The rows at these places, each a batch of [`SCHEMA`] and a row in it, as a segment holds them.
pub(crate) fn gather(batches: &[&RecordBatch], places: &[(usize, usize)]) -> Result<RecordBatch> {
    let mut together = gather_parts(batches, places).into_iter();
    let mut columns = Vec::with_capacity(Col::COLUMNS.len());
    for (idx, column) in self::columns().enumerate() {
        let of_texts = PARTS.iter().any(|part| part.place() == idx).then(|| together.next()).flatten();
        columns.push(match of_texts {
            Some(array) => array,
            None => {
                let arrays: Vec<&dyn Array> =
                    batches.iter().map(|batch| batch.column(idx).as_ref()).collect();
                interleave(&arrays, places)
                    .context(ErrorKind::Internal, || format!("gathering {}", column.name))?
            }
        });
    }
    RecordBatch::try_new(Arc::clone(&STORED), columns)
        .context(ErrorKind::Internal, || "gathering rows of a segment".into())
}

/// [`TOGETHER`] of some rows. Texts have the order in which rows have them, so that those that resemble each other are near.
fn gather_parts(batches: &[&RecordBatch], places: &[(usize, usize)]) -> [ArrayRef; 4] {
    struct Source<'a> {
        inputs: Messages<'a>,
        input_rest: &'a StringArray,
        outputs: Messages<'a>,
        output_rest: &'a StringArray,
    }
    let mut sources: Vec<Source<'_>> = batches
        .iter()
        .map(|batch| {
            let [inputs, input_rest, outputs, output_rest] = PARTS.map(|part| batch.column(part.place()));
            Source {
                inputs: Messages::new(inputs),
                input_rest: input_rest.as_string(),
                outputs: Messages::new(outputs),
                output_rest: output_rest.as_string(),
            }
        })
        .collect();
    let mut distinct = Distinct::default();
    let mut keys = Vec::new();
    let mut lengths = Vec::with_capacity(places.len());
    let (mut input_counts, mut output_counts) =
        (Vec::with_capacity(places.len()), Vec::with_capacity(places.len()));
    let mut has_rest = Vec::with_capacity(places.len());
    for (batch, row) in places {
        let (source, first) = (&mut sources[*batch], keys.len());
        input_counts.push(source.inputs.append(*row, &mut distinct, &mut keys));
        has_rest.push(append_rest(source.input_rest, *row, &mut distinct, &mut keys));
        output_counts.push(source.outputs.append(*row, &mut distinct, &mut keys));
        append_rest(source.output_rest, *row, &mut distinct, &mut keys);
        lengths.push(keys.len() - first);
    }
    let counts = |counts: Vec<u64>| -> ArrayRef { Arc::new(UInt64Array::from(counts)) };
    [
        Arc::new(lists(Arc::new(distinct.finish()), keys, lengths)),
        counts(input_counts),
        Arc::new(BooleanArray::from(has_rest)),
        counts(output_counts),
    ]
}

/// Appends the text of a row, and says whether there is one.
fn append_rest(rest: &StringArray, row: usize, distinct: &mut Distinct, keys: &mut Vec<i32>) -> bool {
    let text = rest.is_valid(row).then(|| rest.value(row));
    keys.extend(text.map(|text| distinct.place_of(text)));
    text.is_some()
}

/// The four columns of a batch in the place of [`TOGETHER`], those that are among `wanted` (all when that is empty). A batch
/// without texts stays as it is.
pub(crate) fn unpack(batch: RecordBatch, wanted: &[Col]) -> Result<RecordBatch> {
    let arrays = TOGETHER.each_ref().map(|column| batch.column_by_name(column.name));
    let [Some(texts), Some(inputs), Some(has_rest), Some(outputs)] = arrays else { return Ok(batch) };
    let texts = Texts::new([texts, inputs, has_rest, outputs])?;
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (place, field) in SCHEMA.fields().iter().enumerate() {
        let part = PARTS.iter().find(|part| part.place() == place);
        match part {
            Some(part) if wanted.is_empty() || wanted.contains(part) => columns.push(texts.part(*part)),
            Some(_) => continue,
            None => match batch.column_by_name(field.name()) {
                Some(column) => columns.push(Arc::clone(column)),
                None => continue,
            },
        }
        fields.push(Arc::clone(field));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .context(ErrorKind::Corrupt, || "a segment has other columns than the table runs".into())
}

/// The texts of some rows of a segment.
pub(crate) struct Texts<'a> {
    offsets: &'a [i32],
    keys: &'a [i32],
    distinct: &'a ArrayRef,
    inputs: &'a UInt64Array,
    has_rest: &'a BooleanArray,
    outputs: &'a UInt64Array,
}

impl<'a> Texts<'a> {
    /// Of [`TOGETHER`]. Fails when these do not agree.
    pub(crate) fn new([texts, inputs, has_rest, outputs]: [&'a ArrayRef; 4]) -> Result<Self> {
        let bad = || Error::new(ErrorKind::Corrupt, "the texts of a row are not those that it says it has");
        let lists = texts.as_list_opt::<i32>().ok_or_else(bad)?;
        let words = lists.values().as_dictionary_opt::<Int32Type>().ok_or_else(bad)?;
        words.values().as_string_opt::<i32>().ok_or_else(bad)?;
        let texts = Self {
            offsets: lists.value_offsets(),
            keys: words.keys().values(),
            distinct: words.values(),
            inputs: inputs.as_primitive_opt::<UInt64Type>().ok_or_else(bad)?,
            has_rest: has_rest.as_boolean_opt().ok_or_else(bad)?,
            outputs: outputs.as_primitive_opt::<UInt64Type>().ok_or_else(bad)?,
        };
        (0..lists.len()).all(|row| texts.is_sound(row)).then_some(texts).ok_or_else(bad)
    }

    fn is_sound(&self, row: usize) -> bool {
        let all = (self.offsets[row + 1] - self.offsets[row]).as_usize() as u64;
        let rest = u64::from(self.has_rest.value(row));
        let said = self.inputs.value(row).saturating_add(rest).saturating_add(self.outputs.value(row));
        said == all || said.saturating_add(1) == all
    }

    /// Which keys are those of a part of a row.
    fn range(&self, part: Col, row: usize) -> Range<usize> {
        let [start, end] = [0, 1].map(|next| self.offsets[row + next].as_usize());
        let inputs = start + self.inputs.value(row).as_usize();
        let rest = inputs + usize::from(self.has_rest.value(row));
        let outputs = rest + self.outputs.value(row).as_usize();
        match part {
            Col::input_messages => start..inputs,
            Col::input_rest => inputs..rest,
            Col::output_messages => rest..outputs,
            _ => outputs..end,
        }
    }

    /// One of [`PARTS`].
    pub(crate) fn part(&self, part: Col) -> ArrayRef {
        let rows = 0..self.offsets.len() - 1;
        let ranges = rows.map(|row| self.range(part, row));
        if Col::COLUMNS[part.place()].kind == Kind::Messages {
            let lengths = ranges.clone().map(|range| range.len()).collect();
            let keys = ranges.flat_map(|range| self.keys[range].iter().copied()).collect();
            let distinct = Arc::new(self.distinct.as_string::<i32>().clone());
            return Arc::new(lists(distinct, keys, lengths));
        }
        let texts: &StringArray = self.distinct.as_string();
        let of_row = |range: Range<usize>| self.keys[range].first().map(|key| texts.value(key.as_usize()));
        let bytes = ranges.clone().filter_map(of_row).map(str::len).sum();
        let mut rest = StringBuilder::with_capacity(ranges.len(), bytes);
        ranges.for_each(|range| rest.append_option(of_row(range)));
        Arc::new(rest.finish())
    }
}

#[cfg(test)]
mod tests;
