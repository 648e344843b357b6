use clearspan_model::{JsonText, Run};

use super::*;
use crate::schema::decode::Rows;
use crate::schema::encode::encode_runs;
use crate::testing::random::random_runs;

fn packed(runs: &[Run]) -> RecordBatch {
    let places: Vec<(usize, usize)> = (0..runs.len()).map(|row| (0, row)).collect();
    gather(&[&encode_runs(runs.iter())], &places).unwrap()
}

/// Runs that say things to each other: what comes out of one goes into the next.
fn conversation() -> Vec<Run> {
    let text = |text: &str| JsonText::from_trusted(text);
    let mut runs = random_runs(4);
    runs.truncate(4);
    for run in &mut runs {
        (run.inputs.messages, run.outputs.messages) = (vec![], vec![]);
        (run.inputs.rest, run.outputs.rest) = (None, None);
    }
    runs[0].inputs.messages = vec![text(r#"{"role":"user"}"#)];
    runs[0].outputs.messages = vec![text(r#"{"role":"assistant"}"#)];
    runs[1].inputs.rest = Some(text(r#"{"query":"x"}"#));
    runs[1].outputs.rest = Some(text(r#""found""#));
    runs[2].inputs.messages = vec![text(r#"{"role":"user"}"#), text(r#"{"role":"assistant"}"#)];
    runs[2].outputs.messages = vec![text(r#"{"role":"assistant"}"#)];
    runs[2].outputs.rest = Some(text(r#""found""#));
    runs
}

#[track_caller]
fn check_same(batch: &RecordBatch, runs: &[Run]) {
    let rows = Rows::new(batch);
    for (row, run) in runs.iter().enumerate() {
        assert_eq!(rows.run(row).unwrap(), *run);
    }
}

#[test]
fn rows_come_back_as_they_were() {
    let runs = [conversation(), random_runs(5)].concat();
    let stored = packed(&runs);
    assert_eq!(stored.schema_ref(), &*STORED);
    let unpacked = unpack(stored, &[]).unwrap();
    assert_eq!(unpacked.schema_ref(), &*SCHEMA);
    check_same(&unpacked, &runs);
}

#[test]
fn rows_of_several_batches_are_chosen_and_put_in_order() {
    let runs = [conversation(), random_runs(6)].concat();
    let (left, right) = (encode_runs(runs[..7].iter()), encode_runs(runs[7..].iter()));
    let order = [20, 2, 7, 0, 8, 1, 6, 2];
    let places: Vec<(usize, usize)> =
        order.iter().map(|row| if *row < 7 { (0, *row) } else { (1, *row - 7) }).collect();
    let unpacked = unpack(gather(&[&left, &right], &places).unwrap(), &[]).unwrap();
    check_same(&unpacked, &order.map(|row| runs[row].clone()));
}

#[test]
fn a_text_is_stored_once_whether_it_went_in_or_came_out() {
    let stored = packed(&conversation());
    let texts = stored.column_by_name("texts").unwrap().as_list::<i32>();
    let distinct = texts.values().as_dictionary::<Int32Type>().values().as_string::<i32>();
    let distinct: Vec<&str> = distinct.iter().flatten().collect();
    assert_eq!(distinct, [r#"{"role":"user"}"#, r#"{"role":"assistant"}"#, r#"{"query":"x"}"#, r#""found""#]);
    assert_eq!((0..4).map(|row| texts.value_length(row)).collect::<Vec<_>>(), [2, 2, 4, 0]);
}

#[test]
fn only_the_columns_that_are_wanted_are_made() {
    let runs = conversation();
    let stored = packed(&runs);
    let names = |batch: &RecordBatch| -> Vec<String> {
        batch.schema().fields().iter().map(|field| field.name().clone()).collect()
    };
    let places = |names: &[&str]| names.iter().map(|name| STORED.index_of(name).unwrap()).collect::<Vec<_>>();
    let read = stored.project(&places(&[
        "run_id",
        "texts",
        "input_message_count",
        "has_input_rest",
        "output_message_count",
    ]));
    let unpacked = unpack(read.unwrap(), &[Col::run_id, Col::output_rest]).unwrap();
    assert_eq!(names(&unpacked), ["run_id", "output_rest"]);
    let rest = unpacked.column(1).as_string::<i32>();
    assert_eq!(rest.iter().collect::<Vec<_>>(), [None, Some(r#""found""#), Some(r#""found""#), None]);
    // A batch that was read without texts, and one of an older segment, stay as they are.
    let read = stored.project(&places(&["run_id", "name"])).unwrap();
    assert_eq!(unpack(read.clone(), &[Col::run_id, Col::name]).unwrap(), read);
    let old = encode_runs(runs.iter());
    assert_eq!(unpack(old.clone(), &[]).unwrap(), old);
}

#[test]
fn counts_that_do_not_add_up_are_refused() {
    let stored = packed(&conversation());
    for (name, counts) in [
        ("input_message_count", [2, 0, 2, 0]),
        ("input_message_count", [1, 0, 0, 0]),
        ("output_message_count", [1, 0, u64::MAX, 0]),
        ("output_message_count", [1, 2, 1, 0]),
        ("output_message_count", [1, 0, 1, 1]),
    ] {
        let mut columns = stored.columns().to_vec();
        columns[STORED.index_of(name).unwrap()] = Arc::new(UInt64Array::from(counts.to_vec()));
        let batch = RecordBatch::try_new(Arc::clone(&STORED), columns).unwrap();
        let err = unpack(batch, &[]).unwrap_err();
        assert_eq!(err.kind(), ErrorKind::Corrupt, "{name} {counts:?}");
    }
}
