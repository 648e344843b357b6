//! The columns of payloads, made of what files hold: segments keep the texts of a run together ([`stored`]), older ones have
//! the columns of the table.
//!
//! A file is read with the columns of both forms, of which those that it lacks are null; a projection above makes one of them.

use std::sync::{Arc, LazyLock};

use arrow::array::Array;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;

use super::external;
use crate::schema::stored::{self, PARTS, TOGETHER, Texts};
use crate::schema::{Col, SCHEMA};

/// What is read of files: the columns of the table, and behind them those in which texts are together.
pub(super) static SCANNED: LazyLock<SchemaRef> = LazyLock::new(|| {
    let of_table = SCHEMA.fields().iter().map(|field| match stored::is_part(field.name()) {
        true => Arc::new(field.as_ref().clone().with_nullable(true)),
        false => Arc::clone(field),
    });
    let together = TOGETHER.iter().map(|column| Arc::new(column.field().with_nullable(true)));
    Arc::new(Schema::new(of_table.chain(together).collect::<Vec<FieldRef>>()))
});

/// The columns of [`SCANNED`] that make some columns of the table.
pub(super) fn scanned(columns: &[usize]) -> Vec<usize> {
    let mut scanned = columns.to_vec();
    if has_parts(columns) {
        scanned.extend(SCHEMA.fields().len()..SCANNED.fields().len());
    }
    scanned
}

/// Whether a condition can be tested on [`SCANNED`].
pub(super) fn is_on_scanned(condition: &Expr) -> bool {
    condition.column_refs().iter().all(|column| !stored::is_part(&column.name))
}

/// The columns of the table, of rows with those that [`scanned`] names.
pub(super) fn of_table(
    state: &dyn Session,
    files: Arc<dyn ExecutionPlan>,
    columns: &[usize],
) -> DfResult<Arc<dyn ExecutionPlan>> {
    if !has_parts(columns) {
        return Ok(files);
    }
    let read = |place: usize| -> Arc<dyn PhysicalExpr> {
        Arc::new(Column::new(files.schema().field(place).name(), place))
    };
    let projected = columns.iter().enumerate().map(|(place, column)| {
        let (name, own) = (SCHEMA.field(*column).name().clone(), read(place));
        let Some(part) = PARTS.into_iter().find(|part| *part as usize == *column) else {
            return Ok((own, name));
        };
        let together = (0..TOGETHER.len()).map(|idx| read(columns.len() + idx));
        let arguments = together.chain([own]).collect();
        let function = Arc::new(ScalarUDF::from(Part::new(part)));
        let options = Arc::clone(state.config().options());
        let call = ScalarFunctionExpr::try_new(function, arguments, &files.schema(), options)?;
        Ok((Arc::new(call) as Arc<dyn PhysicalExpr>, name))
    });
    let projected = projected.collect::<DfResult<Vec<_>>>()?;
    Ok(Arc::new(ProjectionExec::try_new(projected, files)?))
}

fn has_parts(columns: &[usize]) -> bool {
    PARTS.iter().any(|part| columns.contains(&(*part as usize)))
}

/// A column of the table, of [`TOGETHER`] and the column itself, of which a file has either.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Part {
    part: Col,
    name: String,
    signature: Signature,
}

impl Part {
    fn new(part: Col) -> Self {
        let name = format!("{}_of_texts", part.name());
        Self { part, name, signature: Signature::any(TOGETHER.len() + 1, Volatility::Immutable) }
    }

    fn field(&self) -> &FieldRef {
        &SCHEMA.fields()[self.part as usize]
    }
}

impl ScalarUDFImpl for Part {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> DfResult<DataType> {
        Ok(self.field().data_type().clone())
    }

    fn return_field_from_args(&self, _arguments: ReturnFieldArgs<'_>) -> DfResult<FieldRef> {
        Ok(Arc::clone(self.field()))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [texts, inputs, has_rest, outputs, own] = &arrays[..] else {
            return datafusion::common::internal_err!("{} takes the texts and the column", self.name);
        };
        if texts.null_count() == texts.len() {
            return Ok(ColumnarValue::Array(Arc::clone(own)));
        }
        let texts = Texts::new([texts, inputs, has_rest, outputs]).map_err(external)?;
        Ok(ColumnarValue::Array(texts.part(self.part)))
    }
}
