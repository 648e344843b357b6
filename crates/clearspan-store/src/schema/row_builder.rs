//! Building record batches row by row.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Decimal128Builder, FixedSizeBinaryBuilder, Float64Builder,
    Int64Builder, ListBuilder, MapBuilder, MapFieldNames, RecordBatch, StringBuilder,
    StringDictionaryBuilder, TimestampNanosecondBuilder, UInt64Builder,
};
use arrow::datatypes::Int32Type;
use clearspan_model::{Decimal, JsonText, UnixNanos};
use serde::Serialize;

use super::encode::money_to_units;
use super::messages::MessagesBuilder;
use super::{Kind, MONEY_PRECISION, MONEY_SCALE, TableColumn};

type WordBuilder = StringDictionaryBuilder<Int32Type>;

enum Builder {
    Id(FixedSizeBinaryBuilder),
    Text(StringBuilder),
    Word(WordBuilder),
    Time(TimestampNanosecondBuilder),
    Count(UInt64Builder),
    Int(Int64Builder),
    Double(Float64Builder),
    Money(Decimal128Builder),
    Flag(BooleanBuilder),
    Messages(MessagesBuilder),
    Words(ListBuilder<StringBuilder>),
    Counts(ListBuilder<UInt64Builder>),
    Doubles(ListBuilder<Float64Builder>),
    Map(MapBuilder<StringBuilder, StringBuilder>),
}

impl Builder {
    fn new(kind: Kind, rows: usize) -> Self {
        match kind {
            Kind::Id16 => Self::Id(FixedSizeBinaryBuilder::with_capacity(rows, 16)),
            Kind::Id8 => Self::Id(FixedSizeBinaryBuilder::with_capacity(rows, 8)),
            Kind::Text => Self::Text(StringBuilder::with_capacity(rows, 0)),
            Kind::Word => Self::Word(WordBuilder::new()),
            Kind::Time => Self::Time(TimestampNanosecondBuilder::with_capacity(rows).with_timezone("UTC")),
            Kind::Count => Self::Count(UInt64Builder::with_capacity(rows)),
            Kind::Int => Self::Int(Int64Builder::with_capacity(rows)),
            Kind::Double => Self::Double(Float64Builder::with_capacity(rows)),
            Kind::Money => Self::Money(
                Decimal128Builder::with_capacity(rows)
                    .with_precision_and_scale(MONEY_PRECISION, MONEY_SCALE)
                    .expect("the precision is allowed"),
            ),
            Kind::Flag => Self::Flag(BooleanBuilder::with_capacity(rows)),
            Kind::Messages => Self::Messages(MessagesBuilder::default()),
            Kind::Words => Self::Words(ListBuilder::new(StringBuilder::new())),
            Kind::Counts => Self::Counts(ListBuilder::new(UInt64Builder::new())),
            Kind::Doubles => Self::Doubles(ListBuilder::new(Float64Builder::new())),
            Kind::Map => {
                let names =
                    MapFieldNames { entry: "entries".into(), key: "keys".into(), value: "values".into() };
                Self::Map(MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new()))
            }
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Id(b) => Arc::new(b.finish()),
            Self::Text(b) => Arc::new(b.finish()),
            Self::Word(b) => Arc::new(b.finish()),
            Self::Time(b) => Arc::new(b.finish()),
            Self::Count(b) => Arc::new(b.finish()),
            Self::Int(b) => Arc::new(b.finish()),
            Self::Double(b) => Arc::new(b.finish()),
            Self::Money(b) => Arc::new(b.finish()),
            Self::Flag(b) => Arc::new(b.finish()),
            Self::Messages(b) => b.finish(),
            Self::Words(b) => Arc::new(b.finish()),
            Self::Counts(b) => Arc::new(b.finish()),
            Self::Doubles(b) => Arc::new(b.finish()),
            Self::Map(b) => ArrayBuilder::finish(b),
        }
    }
}

/// The JSON text of one of our own types.
pub(super) fn json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("our own types have a JSON form")
}

/// Collects rows column by column.
pub(super) struct RowBuilder<C> {
    builders: Vec<Builder>,
    table: PhantomData<C>,
}

impl<C: TableColumn> RowBuilder<C> {
    pub(super) fn new(rows: usize) -> Self {
        let builders = C::COLUMNS.iter().map(|column| Builder::new(column.kind, rows)).collect();
        Self { builders, table: PhantomData }
    }

    /// Makes room for all texts of a column that is still empty.
    pub(super) fn expect_texts(&mut self, col: C, rows: usize, bytes: usize) {
        if let Builder::Text(builder) = &mut self.builders[col.place()] {
            *builder = StringBuilder::with_capacity(rows, bytes);
        }
    }

    /// The batch of all rows.
    pub(super) fn finish(mut self) -> RecordBatch {
        let arrays = self.builders.iter_mut().map(Builder::finish).collect();
        RecordBatch::try_new(Arc::clone(C::schema()), arrays).expect("the builders follow the schema")
    }

    pub(super) fn id(&mut self, col: C, value: Option<&[u8]>) {
        let Builder::Id(builder) = &mut self.builders[col.place()] else { unreachable!("{col:?} is no id") };
        match value {
            Some(bytes) => builder.append_value(bytes).expect("the id has the column's width"),
            None => builder.append_null(),
        }
    }

    pub(super) fn text(&mut self, col: C, value: Option<&str>) {
        match &mut self.builders[col.place()] {
            Builder::Text(builder) => builder.append_option(value),
            Builder::Word(builder) => builder.append_option(value),
            _ => unreachable!("{col:?} is no text"),
        }
    }

    pub(super) fn json(&mut self, col: C, value: Option<&impl Serialize>) {
        self.text(col, value.map(json_text).as_deref());
    }

    pub(super) fn time(&mut self, col: C, value: Option<UnixNanos>) {
        let Builder::Time(builder) = &mut self.builders[col.place()] else {
            unreachable!("{col:?} is no time")
        };
        builder.append_option(value.map(UnixNanos::as_nanos));
    }

    pub(super) fn count(&mut self, col: C, value: Option<u64>) {
        let Builder::Count(builder) = &mut self.builders[col.place()] else {
            unreachable!("{col:?} is no count")
        };
        builder.append_option(value);
    }

    pub(super) fn money(&mut self, col: C, value: Option<Decimal>) {
        let Builder::Money(builder) = &mut self.builders[col.place()] else {
            unreachable!("{col:?} is no money")
        };
        builder.append_option(value.and_then(money_to_units));
    }

    pub(super) fn flag(&mut self, col: C, value: bool) {
        let Builder::Flag(builder) = &mut self.builders[col.place()] else {
            unreachable!("{col:?} is no flag")
        };
        builder.append_value(value);
    }

    pub(super) fn messages(&mut self, col: C, messages: &[JsonText]) {
        let Builder::Messages(builder) = &mut self.builders[col.place()] else {
            unreachable!("{col:?} holds none")
        };
        builder.append(messages);
    }

    pub(super) fn words(&mut self, col: C, words: &[String]) {
        let Builder::Words(builder) = &mut self.builders[col.place()] else {
            unreachable!("{col:?} holds none")
        };
        for word in words {
            builder.values().append_value(word);
        }
        builder.append(true);
    }

    pub(super) fn map(&mut self, col: C, entries: &BTreeMap<String, JsonText>) {
        let Builder::Map(builder) = &mut self.builders[col.place()] else {
            unreachable!("{col:?} is no map")
        };
        for (key, value) in entries {
            builder.keys().append_value(key);
            builder.values().append_value(value.as_str());
        }
        builder.append(true).expect("as many keys as values");
    }

    pub(super) fn int(&mut self, col: C, value: Option<i64>) {
        let Builder::Int(builder) = &mut self.builders[col.place()] else {
            unreachable!("{col:?} is no number")
        };
        builder.append_option(value);
    }

    pub(super) fn double(&mut self, col: C, value: Option<f64>) {
        let Builder::Double(builder) = &mut self.builders[col.place()] else {
            unreachable!("{col:?} is no number")
        };
        builder.append_option(value);
    }

    pub(super) fn counts(&mut self, col: C, counts: Option<&[u64]>) {
        let Builder::Counts(builder) = &mut self.builders[col.place()] else {
            unreachable!("{col:?} holds none")
        };
        builder.values().append_slice(counts.unwrap_or_default());
        builder.append(counts.is_some());
    }

    pub(super) fn doubles(&mut self, col: C, doubles: Option<&[f64]>) {
        let Builder::Doubles(builder) = &mut self.builders[col.place()] else {
            unreachable!("{col:?} holds none")
        };
        builder.values().append_slice(doubles.unwrap_or_default());
        builder.append(doubles.is_some());
    }
}
