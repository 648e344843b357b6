//! Conditions that SQL functions do not offer: on the words of a list, on one key of a map, on sets of ids.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringArray};
use arrow::datatypes::DataType;
use clearspan_model::JsonText;
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use rustc_hash::FxHashSet;

use crate::schema::rows::text_at;

/// A function of some arrays, row by row.
type Body = dyn Fn(&[ArrayRef]) -> ArrayRef + Send + Sync;

/// A function made for one query. Two are equal when their names are, so the name says everything.
struct RowFunction {
    name: String,
    signature: Signature,
    output: DataType,
    body: Box<Body>,
}

impl std::fmt::Debug for RowFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RowFunction").field(&self.name).finish()
    }
}

impl PartialEq for RowFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for RowFunction {}

impl Hash for RowFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for RowFunction {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> DfResult<DataType> {
        Ok(self.output.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        Ok(ColumnarValue::Array((self.body)(&arrays)))
    }
}

pub(super) fn call(name: String, output: DataType, arguments: Vec<Expr>, body: Box<Body>) -> Expr {
    let signature = Signature::any(arguments.len(), Volatility::Immutable);
    ScalarUDF::from(RowFunction { name, signature, output, body }).call(arguments)
}

fn call_with_one(
    name: String,
    output: DataType,
    argument: Expr,
    body: impl Fn(&ArrayRef) -> ArrayRef + Send + Sync + 'static,
) -> Expr {
    call(name, output, vec![argument], Box::new(move |arrays| body(&arrays[0])))
}

/// Whether any text of a list satisfies `test`. `label` must tell it from any other test.
pub(super) fn any_word(list: Expr, label: &str, test: impl Fn(&str) -> bool + Send + Sync + 'static) -> Expr {
    let body = move |array: &ArrayRef| -> ArrayRef {
        let lists = array.as_list::<i32>();
        let holds = |words: ArrayRef| (0..words.len()).any(|idx| text_at(&words, idx).is_some_and(&test));
        Arc::new(BooleanArray::from_iter(lists.iter().map(|words| Some(words.is_some_and(holds)))))
    };
    call_with_one(format!("any_word({label})"), DataType::Boolean, list, body)
}

/// The value of a key in a map of JSON texts, as plain text; null when the key is absent.
pub(super) fn map_text(map: Expr, key: &str) -> Expr {
    let wanted = key.to_owned();
    let body = move |array: &ArrayRef| -> ArrayRef {
        let maps = array.as_map();
        Arc::new(StringArray::from_iter(maps.iter().map(|entries| {
            let entries = entries?;
            let (keys, values) = (entries.column(0), entries.column(1));
            let place = (0..entries.len()).find(|idx| text_at(keys, *idx) == Some(wanted.as_str()))?;
            text_at(values, place).map(|text| JsonText::from_trusted(text).to_plain())
        })))
    };
    call_with_one(format!("map_text({key:?})"), DataType::Utf8, map, body)
}

/// Whether a text satisfies `test`; null where there is none. `label` must tell it from any other test.
pub(super) fn text_holds(
    text: Expr,
    label: &str,
    test: impl Fn(&str) -> bool + Send + Sync + 'static,
) -> Expr {
    let body = move |texts: &ArrayRef| -> ArrayRef {
        Arc::new(BooleanArray::from_iter((0..texts.len()).map(|idx| text_at(texts, idx).map(&test))))
    };
    call_with_one(format!("text_holds({label})"), DataType::Boolean, text, body)
}

/// Whether any entry of a map of JSON texts satisfies `test`, which is given its key and its value as plain text. `label`
/// must tell it from any other test.
pub(super) fn any_entry(
    map: Expr,
    label: &str,
    test: impl Fn(&str, &str) -> bool + Send + Sync + 'static,
) -> Expr {
    let body = move |array: &ArrayRef| -> ArrayRef {
        let holds = |entries: arrow::array::StructArray| {
            let (keys, values) = (entries.column(0), entries.column(1));
            (0..entries.len()).any(|idx| match (text_at(keys, idx), text_at(values, idx)) {
                (Some(key), Some(value)) => test(key, &JsonText::from_trusted(value).to_plain()),
                _ => false,
            })
        };
        let maps = array.as_map();
        Arc::new(BooleanArray::from_iter(maps.iter().map(|entries| Some(entries.is_some_and(holds)))))
    };
    call_with_one(format!("any_entry({label})"), DataType::Boolean, map, body)
}

/// Whether an id is one of many.
pub(super) fn id_in_set(id: Expr, label: &str, set: FxHashSet<[u8; 16]>) -> Expr {
    let body = move |array: &ArrayRef| -> ArrayRef {
        let ids = array.as_fixed_size_binary();
        let holds = |id: &[u8]| id.try_into().is_ok_and(|id: [u8; 16]| set.contains(&id));
        Arc::new(BooleanArray::from_iter(ids.iter().map(|id| id.map(holds))))
    };
    call_with_one(format!("id_in_set({label})"), DataType::Boolean, id, body)
}

/// Whether two ids together are in a set. `label` must tell the set from any other of the query.
pub(super) fn ids_in_set(ids: [Expr; 2], label: &str, set: FxHashSet<[[u8; 16]; 2]>) -> Expr {
    let body = move |arrays: &[ArrayRef]| -> ArrayRef {
        let [left, right] = [0, 1].map(|idx| arrays[idx].as_fixed_size_binary());
        let holds = |left: Option<&[u8]>, right: Option<&[u8]>| {
            let ids = [left?.try_into().ok()?, right?.try_into().ok()?];
            Some(set.contains(&ids))
        };
        Arc::new(BooleanArray::from_iter(
            left.iter().zip(right.iter()).map(|(left, right)| Some(holds(left, right).unwrap_or(false))),
        ))
    };
    call(format!("ids_in_set({label})"), DataType::Boolean, ids.into(), Box::new(body))
}
