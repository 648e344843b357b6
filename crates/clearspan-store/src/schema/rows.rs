//! Reading the rows of a record batch.
//!
//! Columns are looked up by name, so a batch may hold any part of the schema: what is missing reads as absent.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, FixedSizeBinaryArray, Float64Array, Int64Array,
    ListArray, MapArray, RecordBatch, StringArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Float64Type, Int32Type, UInt64Type};
use clearspan_model::{Decimal, ErrorKind, JsonText, UnixNanos};
use serde::de::DeserializeOwned;

use super::TableColumn;
use super::decode::money_from_units;
use crate::{Error, Result};

/// Reads rows of one batch.
#[derive(Debug)]
pub(crate) struct TableRows<'a, C> {
    columns: Vec<Option<&'a ArrayRef>>,
    table: PhantomData<C>,
}

impl<'a, C: TableColumn> TableRows<'a, C> {
    pub(crate) fn new(batch: &'a RecordBatch) -> Self {
        if Arc::ptr_eq(batch.schema_ref(), C::schema()) {
            return Self { columns: batch.columns().iter().map(Some).collect(), table: PhantomData };
        }
        let mut columns = vec![None; C::COLUMNS.len()];
        for (idx, field) in batch.schema_ref().fields().iter().enumerate() {
            if let Some(place) = C::COLUMNS.iter().position(|column| column.name == field.name()) {
                columns[place] = Some(batch.column(idx));
            }
        }
        Self { columns, table: PhantomData }
    }

    pub(super) fn array(&self, col: C, row: usize) -> Option<&'a ArrayRef> {
        self.columns[col.place()].filter(|array| array.is_valid(row))
    }

    pub(super) fn bytes(&self, col: C, row: usize) -> Option<&'a [u8]> {
        let array: &FixedSizeBinaryArray = self.array(col, row)?.as_fixed_size_binary_opt()?;
        Some(array.value(row))
    }

    pub(crate) fn id16(&self, col: C, row: usize) -> Option<[u8; 16]> {
        self.bytes(col, row)?.try_into().ok()
    }

    pub(crate) fn text(&self, col: C, row: usize) -> Option<&'a str> {
        text_at(self.array(col, row)?, row)
    }

    pub(crate) fn string(&self, col: C, row: usize) -> Option<String> {
        self.text(col, row).map(str::to_owned)
    }

    pub(super) fn json_text(&self, col: C, row: usize) -> Option<JsonText> {
        self.text(col, row).map(JsonText::from_trusted)
    }

    pub(super) fn json<T: DeserializeOwned + Default>(&self, col: C, row: usize) -> Result<T> {
        match self.text(col, row) {
            None => Ok(T::default()),
            Some(text) => serde_json::from_str(text).map_err(|source| {
                Error::caused(ErrorKind::Corrupt, format!("column {} holds bad JSON", col.name()), source)
            }),
        }
    }

    pub(crate) fn time(&self, col: C, row: usize) -> Option<UnixNanos> {
        let array: &TimestampNanosecondArray = self.array(col, row)?.as_primitive_opt()?;
        Some(UnixNanos::from_nanos(array.value(row)))
    }

    pub(super) fn count(&self, col: C, row: usize) -> Option<u64> {
        let array: &UInt64Array = self.array(col, row)?.as_primitive_opt()?;
        Some(array.value(row))
    }

    pub(super) fn money(&self, col: C, row: usize) -> Option<Decimal> {
        let array: &Decimal128Array = self.array(col, row)?.as_primitive_opt()?;
        Some(money_from_units(array.value(row)))
    }

    pub(super) fn flag(&self, col: C, row: usize) -> Option<bool> {
        let array: &BooleanArray = self.array(col, row)?.as_boolean_opt()?;
        Some(array.value(row))
    }

    pub(super) fn messages(&self, col: C, row: usize) -> Vec<JsonText> {
        self.list(col, row, |text| JsonText::from_trusted(text))
    }

    pub(super) fn list<T>(&self, col: C, row: usize, make: impl Fn(&str) -> T) -> Vec<T> {
        let Some(array) = self.array(col, row).and_then(|array| array.as_list_opt::<i32>()) else {
            return Vec::new();
        };
        let list: &ListArray = array;
        let values = list.value(row);
        (0..values.len()).filter_map(|idx| text_at(&values, idx).map(&make)).collect()
    }

    pub(super) fn map(&self, col: C, row: usize) -> BTreeMap<String, JsonText> {
        let Some(array) = self.array(col, row).and_then(|array| array.as_map_opt()) else {
            return BTreeMap::new();
        };
        let map: &MapArray = array;
        let entries = map.value(row);
        let (keys, values) = (entries.column(0), entries.column(1));
        (0..entries.len())
            .filter_map(|idx| {
                Some((text_at(keys, idx)?.to_owned(), JsonText::from_trusted(text_at(values, idx)?)))
            })
            .collect()
    }

    pub(super) fn word<T: std::str::FromStr>(&self, col: C, row: usize) -> Option<T> {
        self.text(col, row).and_then(|text| text.parse().ok())
    }

    /// Whether a column holds these bytes.
    pub(crate) fn has_bytes(&self, col: C, row: usize, wanted: &[u8]) -> bool {
        self.bytes(col, row) == Some(wanted)
    }

    /// Whether an id column holds this id.
    pub(crate) fn is_id(&self, col: C, row: usize, id: &[u8; 16]) -> bool {
        self.bytes(col, row).is_some_and(|bytes| bytes == id)
    }

    pub(crate) fn need_id(&self, col: C, row: usize) -> Result<[u8; 16]> {
        self.id16(col, row).ok_or_else(|| {
            Error::new(ErrorKind::Corrupt, format!("a row of {} has no {}", C::TABLE, col.name()))
        })
    }

    pub(super) fn int(&self, col: C, row: usize) -> Option<i64> {
        let array: &Int64Array = self.array(col, row)?.as_primitive_opt()?;
        Some(array.value(row))
    }

    pub(super) fn double(&self, col: C, row: usize) -> Option<f64> {
        let array: &Float64Array = self.array(col, row)?.as_primitive_opt()?;
        Some(array.value(row))
    }

    pub(super) fn counts(&self, col: C, row: usize) -> Option<Vec<u64>> {
        self.numbers::<UInt64Type>(col, row)
    }

    pub(super) fn doubles(&self, col: C, row: usize) -> Option<Vec<f64>> {
        self.numbers::<Float64Type>(col, row)
    }

    fn numbers<T: ArrowPrimitiveType>(&self, col: C, row: usize) -> Option<Vec<T::Native>> {
        let list: &ListArray = self.array(col, row)?.as_list_opt()?;
        Some(list.value(row).as_primitive_opt::<T>()?.values().to_vec())
    }
}

/// The text at a place of a plain or dictionary-encoded text array.
pub(crate) fn text_at(array: &ArrayRef, idx: usize) -> Option<&str> {
    if array.is_null(idx) {
        return None;
    }
    match array.data_type() {
        DataType::Dictionary(..) => {
            let words = array.as_dictionary_opt::<Int32Type>()?;
            let values: &StringArray = words.values().as_string_opt::<i32>()?;
            Some(values.value(words.key(idx)?))
        }
        DataType::Utf8 => Some(array.as_string_opt::<i32>()?.value(idx)),
        DataType::Utf8View => Some(array.as_string_view_opt()?.value(idx)),
        DataType::LargeUtf8 => Some(array.as_string_opt::<i64>()?.value(idx)),
        _ => None,
    }
}
