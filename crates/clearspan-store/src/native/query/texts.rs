//! Tests of the texts of a run, on the columns that hold them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringArray};
use arrow::datatypes::{ArrowNativeType as _, DataType, Int32Type};
use clearspan_model::{Fragment, Side};
use clearspan_query::{Field, Op};
use datafusion::logical_expr::Expr;

use super::{column, udf};
use crate::Result;
use crate::schema::Col;
use crate::schema::rows::text_at;
use crate::texts::{Text, TextTest, path_in_message, path_of};

/// How a column holds texts.
#[derive(Debug, Clone, Copy)]
pub(in crate::native) enum Form {
    /// One, as it is.
    Plain,
    /// JSON.
    Json,
    /// A list of JSON texts, or of plain ones.
    List { is_json: bool },
    /// The values of a map.
    Map,
    /// Messages of one side that arrived one by one.
    Fragments(Side),
}

const INPUT: &[(Col, Form)] = &[
    (Col::input_messages, Form::List { is_json: true }),
    (Col::input_rest, Form::Json),
    (Col::fragments, Form::Fragments(Side::Input)),
];
const OUTPUT: &[(Col, Form)] = &[
    (Col::output_messages, Form::List { is_json: true }),
    (Col::output_rest, Form::Json),
    (Col::fragments, Form::Fragments(Side::Output)),
];
const OTHERS: &[(Col, Form)] = &[
    (Col::name, Form::Plain),
    (Col::error, Form::Plain),
    (Col::error_type, Form::Plain),
    (Col::tags, Form::List { is_json: false }),
    (Col::metadata, Form::Map),
];

/// The columns that hold the texts of a field, those that are read fastest first.
pub(in crate::native) fn columns_of(field: &Field) -> Vec<(Col, Form)> {
    match field {
        Field::Input | Field::InputAt(_) => INPUT.to_vec(),
        Field::Output | Field::OutputAt(_) => OUTPUT.to_vec(),
        Field::Error => vec![(Col::error, Form::Plain)],
        _ => [OTHERS, INPUT, OUTPUT].concat(),
    }
}

/// Whether any text of a field passes a test.
pub(super) fn any_text(field: &Field, op: &Op) -> Result<Expr> {
    let test = TextTest::new(op)?;
    let columns = columns_of(field);
    let arguments = columns.iter().map(|(col, _)| column(*col)).collect();
    let forms: Vec<Form> = columns.iter().map(|(_, form)| *form).collect();
    let label = format!("any_text({field:?}, {op:?})");
    if let Some(path) = path_of(field) {
        let path: Vec<String> = path.into_iter().map(str::to_owned).collect();
        let body = move |arrays: &[ArrayRef]| -> ArrayRef { at_path(arrays, &forms, &test, &path) };
        return Ok(udf::call(label, DataType::Boolean, arguments, Box::new(body)));
    }
    let body = move |arrays: &[ArrayRef]| -> ArrayRef {
        let rows = arrays.first().map_or(0, |array| array.len());
        let mut holds = vec![false; rows];
        for (array, form) in arrays.iter().zip(&forms) {
            mark(array, *form, &test, &mut holds);
        }
        Arc::new(BooleanArray::from(holds))
    };
    Ok(udf::call(label, DataType::Boolean, arguments, Box::new(body)))
}

/// Whether what stands at a place in the payload of each row passes.
fn at_path(arrays: &[ArrayRef], forms: &[Form], test: &TextTest, path: &[String]) -> ArrayRef {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let in_message = path_in_message(&path);
    let holds = |row: usize| {
        arrays.iter().zip(forms).any(|(array, form)| match (form, in_message) {
            (Form::Json, _) => text_at(array, row).is_some_and(|text| test.holds_at(text, &path)),
            (Form::List { .. }, Some(rest)) if array.is_valid(row) => {
                let messages = array.as_list_opt::<i32>().map(|lists| lists.value(row));
                messages.is_some_and(|messages| {
                    (0..messages.len())
                        .filter_map(|idx| text_at(&messages, idx))
                        .any(|message| test.holds_in_message(message, rest))
                })
            }
            (Form::Fragments(side), Some(rest)) if array.is_valid(row) => {
                fragments(text_at(array, row), *side)
                    .iter()
                    .any(|fragment| test.holds_in_message(fragment.message.as_str(), rest))
            }
            _ => false,
        })
    };
    let rows = arrays.first().map_or(0, |array| array.len());
    Arc::new(BooleanArray::from((0..rows).map(holds).collect::<Vec<bool>>()))
}

/// Sets those of `holds` whose row has a text in this column that passes. Rows that are set already are left out.
fn mark(array: &ArrayRef, form: Form, test: &TextTest, holds: &mut [bool]) {
    if let Form::List { is_json: true } = form
        && mark_messages(array, test, holds).is_some()
    {
        return;
    }
    for (row, holds) in holds.iter_mut().enumerate().filter(|(_, holds)| !**holds) {
        *holds = array.is_valid(row) && row_holds(array, row, form, test);
    }
}

fn row_holds(array: &ArrayRef, row: usize, form: Form, test: &TextTest) -> bool {
    let any_of = |texts: &ArrayRef, is_json: bool| {
        (0..texts.len())
            .filter_map(|idx| text_at(texts, idx))
            .any(|text| test.holds(if is_json { Text::Json(text) } else { Text::Plain(text) }))
    };
    match form {
        Form::Plain => text_at(array, row).is_some_and(|text| test.holds(Text::Plain(text))),
        Form::Json => text_at(array, row).is_some_and(|text| test.holds(Text::Json(text))),
        Form::List { is_json } => {
            array.as_list_opt::<i32>().is_some_and(|lists| any_of(&lists.value(row), is_json))
        }
        Form::Map => array.as_map_opt().is_some_and(|maps| any_of(maps.value(row).column(1), true)),
        Form::Fragments(side) => {
            fragments(text_at(array, row), side).iter().any(|f| test.holds(Text::Json(f.message.as_str())))
        }
    }
}

/// The fragments of one side.
pub(in crate::native) fn fragments(json: Option<&str>, side: Side) -> Vec<Fragment> {
    let mut all: Vec<Fragment> = json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    all.retain(|fragment| fragment.side == side);
    all
}

/// Looks at each distinct message once. `None` when the column does not keep them so.
fn mark_messages(array: &ArrayRef, test: &TextTest, holds: &mut [bool]) -> Option<()> {
    let lists = array.as_list_opt::<i32>()?;
    let words = lists.values().as_dictionary_opt::<Int32Type>()?;
    let texts: &StringArray = words.values().as_string_opt()?;
    let mut known: Vec<Option<bool>> = vec![None; texts.len()];
    let offsets = lists.value_offsets();
    for (row, holds) in holds.iter_mut().enumerate().filter(|(_, holds)| !**holds) {
        let range = offsets[row].as_usize()..offsets[row + 1].as_usize();
        *holds = lists.is_valid(row)
            && words.keys().values()[range].iter().any(|key| {
                let key = key.as_usize();
                *known[key].get_or_insert_with(|| test.holds(Text::Json(texts.value(key))))
            });
    }
    Some(())
}
