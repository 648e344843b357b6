//! Reading the columns of a query's answer by name.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Decimal128Type, Float64Type, Int64Type, TimestampNanosecondType, UInt64Type,
};
use clearspan_model::{Decimal, ErrorKind};

use crate::schema::decode::money_from_units;
use crate::schema::rows::text_at;
use crate::{Error, Result};

/// One batch of an answer.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    batch: &'a RecordBatch,
}

impl<'a> Answer<'a> {
    pub(super) fn new(batch: &'a RecordBatch) -> Self {
        Self { batch }
    }

    fn array(&self, name: &str, row: usize) -> Option<&'a ArrayRef> {
        self.batch.column_by_name(name).filter(|array| array.is_valid(row))
    }

    pub(super) fn id(&self, name: &str, row: usize) -> Result<[u8; 16]> {
        self.array(name, row)
            .and_then(|array| array.as_fixed_size_binary_opt()?.value(row).try_into().ok())
            .ok_or_else(|| Error::new(ErrorKind::Internal, format!("a query's answer has no {name}")))
    }

    /// Any integer or time; decimals without places too.
    pub(super) fn wide(&self, name: &str, row: usize) -> Option<i128> {
        let array = self.array(name, row)?;
        match array.data_type() {
            DataType::Int64 => Some(array.as_primitive::<Int64Type>().value(row).into()),
            DataType::UInt64 => Some(array.as_primitive::<UInt64Type>().value(row).into()),
            DataType::Timestamp(..) => {
                Some(array.as_primitive::<TimestampNanosecondType>().value(row).into())
            }
            DataType::Decimal128(..) => Some(array.as_primitive::<Decimal128Type>().value(row)),
            // What percentiles of nanoseconds come as; far below 2^53 but for runs of months.
            DataType::Float64 => Some(array.as_primitive::<Float64Type>().value(row).round() as i128),
            _ => None,
        }
    }

    pub(super) fn int(&self, name: &str, row: usize) -> Option<i64> {
        self.wide(name, row).and_then(|value| i64::try_from(value).ok())
    }

    /// A count; zero when there is none.
    pub(super) fn count(&self, name: &str, row: usize) -> u64 {
        self.wide(name, row).map_or(0, |value| u64::try_from(value).unwrap_or(u64::MAX))
    }

    /// Dollars; zero when there are none.
    pub(super) fn money(&self, name: &str, row: usize) -> Decimal {
        self.wide(name, row).map_or(Decimal::ZERO, money_from_units)
    }

    pub(super) fn text(&self, name: &str, row: usize) -> Option<&'a str> {
        text_at(self.array(name, row)?, row)
    }
}
