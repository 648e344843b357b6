use arrow::array::{
    ArrayRef, Decimal128Array, Float64Array, Int64Array, ListArray, StringArray, TimestampNanosecondArray,
};
use arrow::datatypes::{Field, Int64Type, Schema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;

fn table() -> RecordBatch {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("text", Arc::new(StringArray::from(vec![Some("=1+1"), None, Some("a \"b\", c")]))),
        (
            "money",
            Arc::new(
                Decimal128Array::from(vec![Some(12_300_000_000), Some(-5_000_000_000_000), None])
                    .with_precision_and_scale(38, 12)
                    .unwrap(),
            ),
        ),
        (
            "time",
            Arc::new(
                TimestampNanosecondArray::from(vec![Some(1), Some(1_760_000_000_000_000_000), None])
                    .with_timezone("UTC"),
            ),
        ),
        ("double", Arc::new(Float64Array::from(vec![Some(f64::NAN), Some(-0.5), None]))),
        (
            "list",
            Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(vec![
                Some(vec![Some(1), None]),
                Some(vec![]),
                None,
            ])),
        ),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn written(format: TableFormat, max_rows: Option<usize>) -> Vec<u8> {
    let batch = table();
    let mut encoder = Encoder::new(format, batch.schema(), max_rows).unwrap();
    let mut bytes = encoder.head().to_vec();
    bytes.extend_from_slice(&encoder.batch(&batch).unwrap());
    bytes.extend_from_slice(&encoder.batch(&batch.slice(0, 1)).unwrap());
    bytes.extend_from_slice(&encoder.tail().unwrap());
    bytes
}

#[test]
fn json_keeps_decimals_and_times_exact() {
    let answer: serde_json::Value = serde_json::from_slice(&written(TableFormat::Json, Some(3))).unwrap();
    let expected = serde_json::json!({
        "columns": [
            {"name": "text", "type": "text"},
            {"name": "money", "type": "decimal(38, 12)"},
            {"name": "time", "type": "timestamp"},
            {"name": "double", "type": "double"},
            {"name": "list", "type": "bigint[]"},
        ],
        "rows": [
            ["=1+1", "0.0123", "1970-01-01T00:00:00.000000001Z", "NaN", [1, null]],
            [null, "-5", "2025-10-09T08:53:20Z", -0.5, []],
            ["a \"b\", c", null, null, null, null],
        ],
        "row_count": 3,
        "is_cut": true,
    });
    assert_eq!(answer, expected);
    let whole: serde_json::Value = serde_json::from_slice(&written(TableFormat::Json, Some(4))).unwrap();
    assert_eq!((&whole["row_count"], &whole["is_cut"]), (&4.into(), &false.into()));
}

#[test]
fn csv_cells_are_no_formulas_unless_raw() {
    let neutral = String::from_utf8(written(TableFormat::Csv, Some(3))).unwrap();
    let expected = "text,money,time,double,list\r\n\
        \"'=1+1\",0.0123,1970-01-01T00:00:00.000000001Z,NaN,\"[1,null]\"\r\n\
        ,-5,2025-10-09T08:53:20Z,-0.5,[]\r\n\
        \"a \"\"b\"\", c\",,,,\r\n";
    assert_eq!(neutral, expected);
    let raw = String::from_utf8(written(TableFormat::CsvRaw, Some(1))).unwrap();
    assert!(raw.contains("\r\n=1+1,"), "{raw}");
}

#[test]
fn parquet_and_arrow_read_back_as_they_were() {
    let bytes = Bytes::from(written(TableFormat::Parquet, Some(3)));
    let read = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
    assert_eq!(read.map(|batch| batch.unwrap()).collect::<Vec<_>>(), [table()]);
    let bytes = written(TableFormat::Arrow, Some(3));
    let read = arrow_ipc::reader::StreamReader::try_new(bytes.as_slice(), None).unwrap();
    let rows: Vec<RecordBatch> =
        read.map(|batch| batch.unwrap()).filter(|batch| batch.num_rows() > 0).collect();
    assert_eq!(rows, [table()]);
}

#[test]
fn json_lines_are_objects() {
    let batch = RecordBatch::try_new(
        Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)])),
        vec![Arc::new(Int64Array::from(vec![1, 2]))],
    )
    .unwrap();
    assert_eq!(json_lines(&batch), b"{\"n\":1}\n{\"n\":2}\n");
}
