//! Tables as bytes: JSON, JSON lines, CSV, Parquet, Arrow. A part at a time, so that any size takes the same memory.

use std::io::Write as _;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use arrow_ipc::writer::StreamWriter;
use bytes::Bytes;
use clearspan_model::ErrorKind;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::{AnswerColumn, TableFormat, refused};
use crate::Result;
use crate::error::Context;

mod json;

pub(crate) use json::write_json;

/// A Parquet row group is written when it has about so many bytes.
const GROUP_BYTES: usize = 8 << 20;

/// Writes one table.
pub(crate) struct Encoder {
    writer: Writer,
    schema: SchemaRef,
    rows: usize,
    max_rows: Option<usize>,
    is_cut: bool,
}

enum Writer {
    Json,
    JsonLines,
    Csv { neutral: bool },
    Parquet(Box<ArrowWriter<Vec<u8>>>),
    Arrow(Box<StreamWriter<Vec<u8>>>),
}

/// What a table's columns are, for the answer's head.
pub(crate) fn answer_columns(schema: &SchemaRef) -> Vec<AnswerColumn> {
    let column = |field: &Arc<arrow::datatypes::Field>| AnswerColumn {
        name: field.name().clone(),
        kind: type_name(field.data_type()),
    };
    schema.fields().iter().map(column).collect()
}

impl Encoder {
    pub(crate) fn new(format: TableFormat, schema: SchemaRef, max_rows: Option<usize>) -> Result<Self> {
        let writer = match format {
            TableFormat::Json => Writer::Json,
            TableFormat::JsonLines => Writer::JsonLines,
            TableFormat::Csv => Writer::Csv { neutral: true },
            TableFormat::CsvRaw => Writer::Csv { neutral: false },
            TableFormat::Parquet => {
                let level = ZstdLevel::try_new(3).expect("a valid level");
                let properties =
                    WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
                let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties));
                Writer::Parquet(Box::new(writer.map_err(|err| unwritable("Parquet", &err))?))
            }
            TableFormat::Arrow => {
                let writer = StreamWriter::try_new(Vec::new(), &schema);
                Writer::Arrow(Box::new(writer.map_err(|err| unwritable("Arrow", &err))?))
            }
        };
        Ok(Self { writer, schema, rows: 0, max_rows, is_cut: false })
    }

    /// What comes before the first row.
    pub(crate) fn head(&mut self) -> Bytes {
        match &mut self.writer {
            Writer::Json => {
                let columns: Vec<_> = answer_columns(&self.schema)
                    .into_iter()
                    .map(|column| serde_json::json!({"name": column.name, "type": column.kind}))
                    .collect();
                format!("{{\"columns\":{},\"rows\":[", serde_json::Value::from(columns)).into()
            }
            Writer::Csv { neutral } => {
                let neutral = *neutral;
                let mut line = Vec::new();
                for (idx, field) in self.schema.fields().iter().enumerate() {
                    separate(&mut line, idx, b',');
                    write_cell(&mut line, field.name(), neutral);
                }
                line.extend_from_slice(b"\r\n");
                line.into()
            }
            Writer::Arrow(writer) => std::mem::take(writer.get_mut()).into(),
            Writer::JsonLines | Writer::Parquet(_) => Bytes::new(),
        }
    }

    /// The next rows; those beyond the limit are left out.
    pub(crate) fn batch(&mut self, batch: &RecordBatch) -> Result<Bytes> {
        let room = self.max_rows.map_or(usize::MAX, |most| most - self.rows);
        self.is_cut |= batch.num_rows() > room;
        let batch = batch.slice(0, batch.num_rows().min(room));
        let first = self.rows == 0;
        self.rows += batch.num_rows();
        Ok(match &mut self.writer {
            Writer::Json => json_rows(&batch, first).into(),
            Writer::JsonLines => json_lines(&batch).into(),
            Writer::Csv { neutral } => csv_rows(&batch, *neutral).into(),
            Writer::Arrow(writer) => {
                writer.write(&batch).context(ErrorKind::Internal, || "writing Arrow".into())?;
                std::mem::take(writer.get_mut()).into()
            }
            Writer::Parquet(writer) => {
                writer.write(&batch).map_err(|err| unwritable("Parquet", &err))?;
                if writer.in_progress_size() >= GROUP_BYTES || writer.memory_size() >= 2 * GROUP_BYTES {
                    writer.flush().context(ErrorKind::Internal, || "writing Parquet".into())?;
                }
                std::mem::take(writer.inner_mut()).into()
            }
        })
    }

    /// What comes behind the last row.
    pub(crate) fn tail(self) -> Result<Bytes> {
        Ok(match self.writer {
            Writer::Json => format!("],\"row_count\":{},\"is_cut\":{}}}\n", self.rows, self.is_cut).into(),
            Writer::JsonLines | Writer::Csv { .. } => Bytes::new(),
            Writer::Arrow(mut writer) => {
                writer.finish().context(ErrorKind::Internal, || "writing Arrow".into())?;
                std::mem::take(writer.get_mut()).into()
            }
            Writer::Parquet(writer) => {
                writer.into_inner().context(ErrorKind::Internal, || "writing Parquet".into())?.into()
            }
        })
    }
}

fn unwritable(format: &str, err: &dyn std::fmt::Display) -> crate::Error {
    refused(
        format!("the answer cannot be written as {format} ({err}); cast its columns to other types"),
        None,
    )
}

fn separate(text: &mut Vec<u8>, idx: usize, separator: u8) {
    if idx > 0 {
        text.push(separator);
    }
}

fn json_rows(batch: &RecordBatch, first: bool) -> Vec<u8> {
    let mut text = Vec::new();
    for row in 0..batch.num_rows() {
        if row > 0 || !first {
            text.push(b',');
        }
        text.extend_from_slice(b"\n[");
        for (idx, column) in batch.columns().iter().enumerate() {
            separate(&mut text, idx, b',');
            write_json(&mut text, column, row);
        }
        text.push(b']');
    }
    text
}

fn json_lines(batch: &RecordBatch) -> Vec<u8> {
    let mut text = Vec::new();
    let schema = batch.schema_ref();
    for row in 0..batch.num_rows() {
        text.push(b'{');
        for (idx, (column, field)) in batch.columns().iter().zip(schema.fields()).enumerate() {
            separate(&mut text, idx, b',');
            json::write_text(&mut text, field.name());
            text.push(b':');
            write_json(&mut text, column, row);
        }
        text.extend_from_slice(b"}\n");
    }
    text
}

fn csv_rows(batch: &RecordBatch, neutral: bool) -> Vec<u8> {
    let mut text = Vec::new();
    let mut cell = Vec::new();
    for row in 0..batch.num_rows() {
        for (idx, column) in batch.columns().iter().enumerate() {
            separate(&mut text, idx, b',');
            if column.is_null(row) {
                continue;
            }
            cell.clear();
            write_json(&mut cell, column, row);
            // Text without its quotes; lists and maps stay JSON.
            match serde_json::from_slice::<String>(&cell) {
                // A number may begin with a minus sign; only what people wrote can be meant as a formula.
                Ok(plain) => write_cell(&mut text, &plain, neutral && is_text(column.data_type())),
                Err(_) => write_cell(&mut text, &String::from_utf8_lossy(&cell), false),
            }
        }
        text.extend_from_slice(b"\r\n");
    }
    text
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_text(values),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        _ => false,
    }
}

/// One cell after RFC 4180.
fn write_cell(line: &mut Vec<u8>, text: &str, neutral: bool) {
    let is_formula =
        neutral && text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if !is_formula && !text.contains([',', '"', '\r', '\n']) && !text.is_empty() {
        line.extend_from_slice(text.as_bytes());
        return;
    }
    line.push(b'"');
    if is_formula {
        line.push(b'\'');
    }
    write!(line, "{}", text.replace('"', "\"\"")).expect("writing to memory does not fail");
    line.push(b'"');
}

/// A type in the words of SQL.
pub(crate) fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".into(),
        DataType::Dictionary(_, values) => type_name(values),
        DataType::Boolean => "boolean".into(),
        DataType::Int8 | DataType::Int16 | DataType::Int32 => "integer".into(),
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::Int64 => "bigint".into(),
        DataType::UInt64 => "unsigned bigint".into(),
        DataType::Float16 | DataType::Float32 => "real".into(),
        DataType::Float64 => "double".into(),
        DataType::Decimal32(p, s)
        | DataType::Decimal64(p, s)
        | DataType::Decimal128(p, s)
        | DataType::Decimal256(p, s) => format!("decimal({p}, {s})"),
        DataType::Timestamp(unit, _) => match unit {
            TimeUnit::Second => "timestamp(0)".into(),
            TimeUnit::Millisecond => "timestamp(3)".into(),
            TimeUnit::Microsecond => "timestamp(6)".into(),
            TimeUnit::Nanosecond => "timestamp".into(),
        },
        DataType::Date32 | DataType::Date64 => "date".into(),
        DataType::Time32(_) | DataType::Time64(_) => "time".into(),
        DataType::Interval(_) | DataType::Duration(_) => "interval".into(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            "bytes".into()
        }
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            format!("{}[]", type_name(item.data_type()))
        }
        DataType::Map(..) => "map(text, json)".into(),
        DataType::Struct(_) => "struct".into(),
        DataType::Null => "null".into(),
        other => other.to_string().to_lowercase(),
    }
}

#[cfg(test)]
mod tests;
