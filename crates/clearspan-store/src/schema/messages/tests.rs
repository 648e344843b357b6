use arrow::array::AsArray;
use clearspan_model::JsonText;

use super::*;

fn text(text: &str) -> JsonText {
    JsonText::from_trusted(text)
}

/// The rows of a column, and how many distinct texts it holds.
fn read(array: &ArrayRef) -> (Vec<Vec<String>>, usize) {
    let lists = array.as_list::<i32>();
    let row = |idx: usize| {
        let list = lists.value(idx);
        let words = list.as_dictionary::<Int32Type>().downcast_dict::<StringArray>().unwrap();
        words.into_iter().map(|word| word.unwrap().to_owned()).collect()
    };
    let distinct = lists.values().as_dictionary::<Int32Type>().values().len();
    ((0..lists.len()).map(row).collect(), distinct)
}

#[test]
fn equal_texts_are_stored_once_wherever_they_stand_in_memory() {
    let shared = text(r#"{"role":"system"}"#);
    let rows = [
        vec![shared.clone(), text("1")],
        vec![],
        vec![shared, text("1"), text(""), text(r#"{"role":"system"}"#)],
    ];
    let mut builder = MessagesBuilder::default();
    rows.iter().for_each(|row| builder.append(row));
    let expected: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|text| text.as_str().to_owned()).collect()).collect();
    assert_eq!(read(&builder.finish()), (expected, 3));
}

#[test]
fn a_text_that_takes_the_place_of_another_is_not_taken_for_it() {
    let mut builder = MessagesBuilder::default();
    let expected: Vec<Vec<String>> = (0..200).map(|number| vec![format!("message {number:09}")]).collect();
    for row in &expected {
        // Dropped at once, so that the allocator would use its place again.
        builder.append(&[text(&row[0])]);
    }
    assert_eq!(read(&builder.finish()), (expected, 200));
}

#[test]
fn texts_with_one_hash_are_told_apart() {
    let mut builder = MessagesBuilder::default();
    builder.append(&[text("a"), text("b")]);
    // As if "c" had the hash of "a".
    let hash = xxh3_64_with_seed(b"c", builder.distinct.seed);
    builder.distinct.by_hash.insert(hash, 0);
    builder.append(&[text("c"), text("a"), text("c")]);
    let words = |row: &[&str]| row.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    assert_eq!(read(&builder.finish()), (vec![words(&["a", "b"]), words(&["c", "a", "c"])], 3));
}
