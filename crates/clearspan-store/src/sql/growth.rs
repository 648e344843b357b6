//! Functions that make much of little: `repeat('x', 2000000000)`, or `a || a` twenty times over.
//!
//! What a function makes is not counted against the memory of queries until an operator keeps it, and constants are computed
//! while planning. So those functions whose result can be larger than their arguments look at them first.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::{DataFusionError, Result as DfResult, exec_err};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// Bytes that one call may make for one batch of rows.
const MAX_BYTES: u64 = 64 << 20;

/// How large a result can be, given the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Growth {
    /// As large as all arguments together.
    Sum,
    /// The first so many times as the second says.
    Times,
    /// So many letters as the second says.
    Width,
    /// The third for each letter of the first.
    Replace,
}

const BOUNDED: &[(&str, Growth)] = &[
    ("concat", Growth::Sum),
    ("concat_ws", Growth::Sum),
    ("make_array", Growth::Sum),
    ("array_concat", Growth::Sum),
    ("array_append", Growth::Sum),
    ("array_prepend", Growth::Sum),
    ("repeat", Growth::Times),
    ("lpad", Growth::Width),
    ("rpad", Growth::Width),
    ("replace", Growth::Replace),
    ("regexp_replace", Growth::Replace),
];

/// Functions that make lists of any length of two numbers. Their tables (`FROM generate_series(…)`) come row by row.
const MISSING: &[&str] = &["range", "generate_series", "array_repeat", "array_resize"];

/// The functions of a session, with bounds.
pub(super) fn bound(functions: Vec<Arc<ScalarUDF>>) -> Vec<Arc<ScalarUDF>> {
    let offered = functions.into_iter().filter(|function| !MISSING.contains(&function.name()));
    offered
        .map(|function| match BOUNDED.iter().find(|(name, _)| *name == function.name()) {
            Some((_, growth)) => Arc::new(ScalarUDF::from(Bounded { inner: function, growth: *growth })),
            None => function,
        })
        .collect()
}

/// A function that refuses to make too much.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    growth: Growth,
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> DfResult<DataType> {
        self.inner.return_type(arguments)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> DfResult<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> DfResult<Vec<DataType>> {
        self.inner.coerce_types(arguments)
    }

    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        let inner = Arc::new(self.inner.inner().with_updated_config(config)?);
        Some(ScalarUDF::from(Self { inner, growth: self.growth }))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let bytes = estimate(&args, self.growth)?;
        if bytes > MAX_BYTES {
            return Err(too_large(self.name()));
        }
        self.inner.invoke_with_args(args)
    }
}

fn too_large(function: &str) -> DataFusionError {
    let allowed = MAX_BYTES >> 20;
    DataFusionError::Execution(format!(
        "{function} would make more than {allowed} MiB of a batch of rows; use less text"
    ))
}

/// Bytes that the result can have.
fn estimate(args: &ScalarFunctionArgs, growth: Growth) -> DfResult<u64> {
    let rows = args.number_rows;
    let sizes = || -> DfResult<Vec<u64>> {
        let size = |arg: &ColumnarValue| match arg {
            ColumnarValue::Array(array) => array_bytes(array),
            // A constant is written anew for each row.
            ColumnarValue::Scalar(value) => Ok(array_bytes(&value.to_array()?)?.saturating_mul(rows as u64)),
        };
        args.args.iter().map(size).collect()
    };
    let numbers = |place: usize| -> DfResult<Vec<u64>> {
        let Some(arg) = args.args.get(place) else { return Ok(Vec::new()) };
        let array = cast(&arg.to_array(rows)?, &DataType::Int64)?;
        let number = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
        Ok(array.as_primitive::<Int64Type>().iter().map(number).collect())
    };
    Ok(match growth {
        Growth::Sum => sizes()?.iter().fold(0, |sum: u64, size| sum.saturating_add(*size)),
        Growth::Times => {
            let texts = lengths(args, 0)?;
            let each = texts.iter().zip(numbers(1)?).map(|(length, times)| length.saturating_mul(times));
            each.fold(0, u64::saturating_add)
        }
        // A letter has up to four bytes.
        Growth::Width => {
            numbers(1)?.iter().fold(0, |sum: u64, width| sum.saturating_add(width.saturating_mul(4)))
        }
        Growth::Replace => {
            let (texts, with) = (lengths(args, 0)?, lengths(args, 2)?);
            let each = texts.iter().zip(with).map(|(text, with)| {
                // Each letter may be replaced; but a replacement that is not longer than a letter makes nothing longer.
                if with <= 1 { *text } else { text.saturating_add(1).saturating_mul(with) }
            });
            // Most texts have few places to replace: what is found is a bound for hostile ones only.
            let bound = each.fold(0, u64::saturating_add);
            if bound > MAX_BYTES { occurrences(args)?.unwrap_or(bound) } else { bound }
        }
    })
}

/// Bytes of the values of an array, without what it shares with others.
fn array_bytes(array: &ArrayRef) -> DfResult<u64> {
    Ok(array.to_data().get_slice_memory_size()? as u64)
}

fn texts(args: &ScalarFunctionArgs, place: usize) -> DfResult<Option<StringArray>> {
    let Some(arg) = args.args.get(place) else { return Ok(None) };
    Ok(Some(cast(&arg.to_array(args.number_rows)?, &DataType::Utf8)?.as_string::<i32>().clone()))
}

fn lengths(args: &ScalarFunctionArgs, place: usize) -> DfResult<Vec<u64>> {
    let Some(texts) = texts(args, place)? else { return Ok(Vec::new()) };
    Ok(texts.iter().map(|text| text.map_or(0, |text| text.len() as u64)).collect())
}

/// What `replace` makes, counted. `None` for patterns, which may match at any place.
fn occurrences(args: &ScalarFunctionArgs) -> DfResult<Option<u64>> {
    if args.args.len() != 3 {
        return Ok(None);
    }
    let (Some(texts), Some(from), Some(to)) = (texts(args, 0)?, texts(args, 1)?, texts(args, 2)?) else {
        return Ok(None);
    };
    let mut sum = 0_u64;
    for ((text, from), to) in texts.iter().zip(from.iter()).zip(to.iter()) {
        let (Some(text), Some(from), Some(to)) = (text, from, to) else { continue };
        let found = text.matches(from).count() as u64;
        sum = sum.saturating_add(text.len() as u64).saturating_add(found.saturating_mul(to.len() as u64));
    }
    Ok(Some(sum))
}

/// `a || b`: null where one of them is. The operator itself knows no bounds.
#[derive(Debug, PartialEq, Eq, Hash)]
struct TextConcat {
    signature: Signature,
}

pub(super) fn text_concat() -> ScalarUDF {
    ScalarUDF::from(TextConcat { signature: Signature::any(2, Volatility::Immutable) })
}

impl ScalarUDFImpl for TextConcat {
    fn name(&self) -> &str {
        "text_concat"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> DfResult<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        if estimate(&args, Growth::Sum)? > MAX_BYTES {
            return Err(too_large("||"));
        }
        let (Some(left), Some(right)) = (texts(&args, 0)?, texts(&args, 1)?) else {
            return exec_err!("|| takes two texts");
        };
        let joined = left.iter().zip(right.iter()).map(|(left, right)| Some(format!("{}{}", left?, right?)));
        Ok(ColumnarValue::Array(Arc::new(joined.collect::<StringArray>())))
    }
}

/// `[a, b]`: as the function of the session.
pub(super) fn bounded_make_array() -> ScalarUDF {
    let inner = datafusion::functions_nested::make_array::make_array_udf();
    ScalarUDF::from(Bounded { inner, growth: Growth::Sum })
}
