//! `date_trunc` of times in UTC, which all times of the tables are.
//!
//! DataFusion cuts off hours and days by division where a time has no zone, and by the calendar of the zone where it has
//! one. For UTC both say the same, and the first takes a twentieth of the time.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, FieldRef, TimeUnit, TimestampNanosecondType};
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

const NAME: &str = "date_trunc";

/// The functions of a session, with this one in place of DataFusion's.
pub(super) fn in_utc(mut functions: Vec<Arc<ScalarUDF>>) -> Vec<Arc<ScalarUDF>> {
    for function in functions.iter_mut().filter(|function| function.name() == NAME) {
        *function = Arc::new(ScalarUDF::from(DateTrunc { inner: Arc::clone(function) }));
    }
    functions
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct DateTrunc {
    inner: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for DateTrunc {
    fn name(&self) -> &str {
        NAME
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

    fn output_ordering(&self, inputs: &[ExprProperties]) -> DfResult<SortProperties> {
        self.inner.output_ordering(inputs)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let Some(times) = args.args.get(1).and_then(nanos_in_utc) else {
            return self.inner.invoke_with_args(args);
        };
        let naive = |field: &FieldRef| -> FieldRef {
            let naive = DataType::Timestamp(TimeUnit::Nanosecond, None);
            Arc::new(field.as_ref().clone().with_data_type(naive))
        };
        let zone = times.timezone().map(Arc::from);
        args.args[1] = ColumnarValue::Array(Arc::new(times.with_timezone_opt::<&str>(None)));
        args.arg_fields[1] = naive(&args.arg_fields[1]);
        args.return_field = naive(&args.return_field);
        Ok(match self.inner.invoke_with_args(args)? {
            ColumnarValue::Array(cut) => {
                let cut = cut.as_primitive::<TimestampNanosecondType>().clone();
                ColumnarValue::Array(Arc::new(cut.with_timezone_opt::<Arc<str>>(zone)) as ArrayRef)
            }
            scalar => scalar,
        })
    }
}

/// A column of times in UTC.
fn nanos_in_utc(value: &ColumnarValue) -> Option<arrow::array::TimestampNanosecondArray> {
    let ColumnarValue::Array(array) = value else { return None };
    let DataType::Timestamp(TimeUnit::Nanosecond, Some(zone)) = array.data_type() else { return None };
    let is_utc = matches!(&**zone, "UTC" | "+00:00" | "Z");
    is_utc.then(|| array.as_primitive::<TimestampNanosecondType>().clone())
}

#[cfg(test)]
mod tests;
