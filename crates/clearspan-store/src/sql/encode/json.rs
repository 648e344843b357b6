//! One value of an array as JSON. Decimals are text, so that no reader rounds them; times are RFC 3339.

use std::io::Write as _;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Decimal128Type, DecimalType as _, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimeUnit, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::value::RawValue;

use crate::schema::rows::text_at;

/// Appends the value of a row.
pub(crate) fn write_json(text: &mut Vec<u8>, array: &ArrayRef, row: usize) {
    if array.is_null(row) {
        text.extend_from_slice(b"null");
        return;
    }
    match array.data_type() {
        DataType::Null => text.extend_from_slice(b"null"),
        DataType::Boolean => {
            let value: &[u8] = if array.as_boolean().value(row) { b"true" } else { b"false" };
            text.extend_from_slice(value);
        }
        DataType::Int8 => number::<Int8Type>(text, array, row),
        DataType::Int16 => number::<Int16Type>(text, array, row),
        DataType::Int32 => number::<Int32Type>(text, array, row),
        DataType::Int64 => number::<Int64Type>(text, array, row),
        DataType::UInt8 => number::<UInt8Type>(text, array, row),
        DataType::UInt16 => number::<UInt16Type>(text, array, row),
        DataType::UInt32 => number::<UInt32Type>(text, array, row),
        DataType::UInt64 => number::<UInt64Type>(text, array, row),
        DataType::Float32 => double(text, array.as_primitive::<Float32Type>().value(row).into()),
        DataType::Float64 => double(text, array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, scale) => {
            decimal(text, array.as_primitive::<Decimal128Type>().value(row), *scale);
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            time(text, array.as_primitive::<TimestampNanosecondType>().value(row), array, row);
        }
        DataType::Dictionary(_, values) if text_at(array, row).is_none() && !values.is_nested() => {
            displayed(text, array, row);
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..) => {
            write_text(text, text_at(array, row).unwrap_or_default());
        }
        DataType::FixedSizeBinary(_) => bytes(text, array.as_fixed_size_binary().value(row)),
        DataType::Binary => bytes(text, array.as_binary::<i32>().value(row)),
        DataType::List(_) => list(text, &array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(text, &array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => list(text, &array.as_fixed_size_list().value(row)),
        DataType::Map(..) => map(text, array, row),
        DataType::Struct(fields) => {
            text.push(b'{');
            for (idx, (field, column)) in fields.iter().zip(array.as_struct().columns()).enumerate() {
                separate(text, idx);
                write_text(text, field.name());
                text.push(b':');
                write_json(text, column, row);
            }
            text.push(b'}');
        }
        _ => displayed(text, array, row),
    }
}

/// Appends a JSON string.
pub(crate) fn write_text(text: &mut Vec<u8>, value: &str) {
    serde_json::to_writer(text, value).expect("a string has a JSON form");
}

fn separate(text: &mut Vec<u8>, idx: usize) {
    if idx > 0 {
        text.push(b',');
    }
}

fn number<T: ArrowPrimitiveType>(text: &mut Vec<u8>, array: &ArrayRef, row: usize)
where
    T::Native: std::fmt::Display,
{
    write!(text, "{}", array.as_primitive::<T>().value(row)).expect("writing to memory does not fail");
}

/// JSON has no word for what is not a finite number.
fn double(text: &mut Vec<u8>, value: f64) {
    match value.is_finite() {
        true => serde_json::to_writer(text, &value).expect("a finite number has a JSON form"),
        false => write_text(text, &value.to_string()),
    }
}

/// Text without zeros at its end.
fn decimal(text: &mut Vec<u8>, value: i128, scale: i8) {
    let mut digits = Decimal128Type::format_decimal(value, 38, scale);
    if digits.contains('.') {
        let shorter = digits.trim_end_matches('0').trim_end_matches('.').len();
        digits.truncate(shorter);
    }
    write_text(text, &digits);
}

fn time(text: &mut Vec<u8>, nanos: i64, array: &ArrayRef, row: usize) {
    let time = arrow::temporal_conversions::timestamp_ns_to_datetime(nanos);
    let zone = match array.data_type() {
        DataType::Timestamp(_, Some(zone)) if &**zone == "UTC" || &**zone == "+00:00" => "Z",
        DataType::Timestamp(_, None) => "",
        _ => return displayed(text, array, row),
    };
    match time {
        Some(time) => {
            write!(text, "\"{}{zone}\"", time.format("%Y-%m-%dT%H:%M:%S%.f"))
                .expect("writing to memory does not fail");
        }
        None => displayed(text, array, row),
    }
}

fn bytes(text: &mut Vec<u8>, value: &[u8]) {
    text.push(b'"');
    for byte in value {
        write!(text, "{byte:02x}").expect("writing to memory does not fail");
    }
    text.push(b'"');
}

fn list(text: &mut Vec<u8>, items: &ArrayRef) {
    text.push(b'[');
    for idx in 0..items.len() {
        separate(text, idx);
        write_json(text, items, idx);
    }
    text.push(b']');
}

/// The values of our maps are JSON texts; what is not is written as a string.
fn map(text: &mut Vec<u8>, array: &ArrayRef, row: usize) {
    let entries = array.as_map().value(row);
    let (keys, values) = (entries.column(0), entries.column(1));
    text.push(b'{');
    for idx in 0..entries.len() {
        separate(text, idx);
        match text_at(keys, idx) {
            Some(key) => write_text(text, key),
            None => {
                let mut key = Vec::new();
                write_json(&mut key, keys, idx);
                write_text(text, &String::from_utf8_lossy(&key));
            }
        }
        text.push(b':');
        match text_at(values, idx).map(|value| (value, serde_json::from_str::<&RawValue>(value))) {
            Some((_, Ok(json))) => text.extend_from_slice(json.get().as_bytes()),
            Some((value, Err(_))) => write_text(text, value),
            None => write_json(text, values, idx),
        }
    }
    text.push(b'}');
}

/// As Arrow prints it.
fn displayed(text: &mut Vec<u8>, array: &ArrayRef, row: usize) {
    let options = FormatOptions::default().with_display_error(true);
    let shown = ArrayFormatter::try_new(array, &options)
        .map(|formatter| formatter.value(row).to_string())
        .unwrap_or_else(|err| err.to_string());
    write_text(text, &shown);
}
