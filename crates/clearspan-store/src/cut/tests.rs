use arrow::array::{DictionaryArray, ListArray, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, Int32Type, Schema};

use super::*;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn rows_of(batches: impl Iterator<Item = RecordBatch>) -> Vec<usize> {
    batches.map(|batch| batch.num_rows()).collect()
}

#[test]
fn pieces_have_the_memory_that_they_may() {
    let texts = Arc::new(StringArray::from_iter_values((0..100).map(|row| format!("{row:0>1000}"))));
    let schema = Arc::new(Schema::new(vec![Field::new("text", DataType::Utf8, false)]));
    let batch = RecordBatch::try_new(schema, vec![texts]).unwrap();
    let cut = |bytes| pieces(batch.clone(), bytes).collect::<DfResult<Vec<_>>>().unwrap();
    assert_eq!(cut(1 << 20), vec![batch.clone()]);
    let some = cut(10_000);
    assert!(some.len() > 10 && some.iter().all(|piece| get_record_batch_memory_size(piece) < 12_000));
    assert_eq!(arrow::compute::concat_batches(&batch.schema(), &some).unwrap(), batch);
    assert_eq!(cut(10).len(), 100);
    assert_eq!(pieces(batch.slice(0, 0), 10).count(), 0);
}

#[test]
fn portions_count_a_text_for_each_row_that_says_it() {
    // Ten rows that say the same two messages of 600 bytes, which are in memory once.
    let words = StringArray::from_iter_values(["x".repeat(600), "y".repeat(600), "never".repeat(9_000)]);
    let keys = arrow::array::Int32Array::from_iter_values((0..20).map(|key| key % 2));
    let words = DictionaryArray::<Int32Type>::new(keys, Arc::new(words));
    let field = Arc::new(Field::new_list_field(words.data_type().clone(), false));
    let lists = ListArray::new(field, OffsetBuffer::from_lengths([2; 10]), Arc::new(words), None);
    let batch = batch(vec![("messages", Arc::new(lists) as ArrayRef)]);
    let cut: Vec<_> = portions(&batch, 3_000).collect();
    assert_eq!(rows_of(cut.iter().cloned()), [2; 5]);
    assert_eq!(arrow::compute::concat_batches(&batch.schema(), &cut).unwrap(), batch);
    assert_eq!(rows_of(portions(&batch, 12_000)), [10]);
    assert_eq!(rows_of(portions(&batch, 1)), [1; 10], "a row is never cut");
    assert_eq!(rows_of(portions(&batch.slice(3, 3), 2_400)), [2, 1]);
    assert_eq!(portions(&batch.slice(0, 0), 1).count(), 0);
}

#[test]
fn portions_count_all_columns_and_skip_those_without_text() {
    let texts =
        |len: usize| Arc::new(StringArray::from_iter_values((0..4).map(|_| "x".repeat(len)))) as ArrayRef;
    let numbers: ArrayRef = Arc::new(UInt64Array::from_iter_values(0..4));
    let batch = batch(vec![("a", texts(40)), ("numbers", Arc::clone(&numbers)), ("b", texts(60))]);
    assert_eq!(rows_of(portions(&batch, 200)), [2, 2]);
    assert_eq!(rows_of(portions(&batch.project(&[1]).unwrap(), 1)), [4]);
    let keyed: DictionaryArray<Int32Type> =
        [Some("twelve bytes"), None, Some("twelve bytes"), None].into_iter().collect();
    let none: ArrayRef = Arc::new(keyed);
    assert_eq!(said(&none), Some(vec![12, 0, 12, 0]));
}
