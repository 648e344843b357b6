//! The columns of payloads, made of what files hold: segments keep the texts of a run together ([`stored`]), older ones have
//! the columns of the table.
//!
//! A file is read with the columns of both forms, of which those that it lacks are null; a projection above makes one of them. It also
//! makes the column of the workspace where all rows are of one.

use std::sync::{Arc, LazyLock};

use arrow::array::Array;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use clearspan_model::WorkspaceId;
use datafusion::catalog::Session;
use datafusion::common::{Result as DfResult, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::expressions::{Column, Literal};
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

/// Whether some columns, by their places in [`SCHEMA`], have a payload among them.
pub(super) fn are_among(columns: &[usize]) -> bool {
    PARTS.iter().any(|part| columns.contains(&(*part as usize)))
}

/// What is read of some files to make columns of the table.
pub(super) struct Reading {
    /// The columns that are made, by their places in [`SCHEMA`].
    columns: Vec<usize>,
    /// The workspace of all rows, where the files say that it is one: it need not be read.
    workspace: Option<WorkspaceId>,
}

impl Reading {
    pub(super) fn new(columns: Vec<usize>, workspace: Option<WorkspaceId>) -> Self {
        let workspace = workspace.filter(|_| columns.contains(&(Col::workspace_id as usize)));
        Self { columns, workspace }
    }

    /// Those of the columns that are read as they are.
    fn own(&self) -> impl Iterator<Item = usize> {
        let is_known = |column: &usize| self.workspace.is_some() && *column == Col::workspace_id as usize;
        self.columns.iter().copied().filter(move |column| !is_known(column))
    }

    /// The columns of [`SCANNED`] that are read.
    pub(super) fn scanned(&self) -> Vec<usize> {
        let together = SCHEMA.fields().len()..SCANNED.fields().len();
        self.own().chain(together.filter(|_| are_among(&self.columns))).collect()
    }

    /// The columns of the table, of rows with those that [`Reading::scanned`] names.
    pub(super) fn of_table(
        &self,
        state: &dyn Session,
        files: Arc<dyn ExecutionPlan>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        if !are_among(&self.columns) && self.workspace.is_none() {
            return Ok(files);
        }
        let read = |place: usize| -> Arc<dyn PhysicalExpr> {
            Arc::new(Column::new(files.schema().field(place).name(), place))
        };
        let own: Vec<usize> = self.own().collect();
        let projected = self.columns.iter().map(|column| {
            let name = SCHEMA.field(*column).name().clone();
            let Some(place) = own.iter().position(|own| own == column) else {
                let id = self.workspace.map(|id| id.as_bytes().to_vec());
                let value = ScalarValue::FixedSizeBinary(16, id);
                return Ok((Arc::new(Literal::new(value)) as Arc<dyn PhysicalExpr>, name));
            };
            let Some(part) = PARTS.into_iter().find(|part| *part as usize == *column) else {
                return Ok((read(place), name));
            };
            let together = (0..TOGETHER.len()).map(|idx| read(own.len() + idx));
            let arguments = together.chain([read(place)]).collect();
            let function = Arc::new(ScalarUDF::from(Part::new(part)));
            let options = Arc::clone(state.config().options());
            let call = ScalarFunctionExpr::try_new(function, arguments, &files.schema(), options)?;
            Ok((Arc::new(call) as Arc<dyn PhysicalExpr>, name))
        });
        let projected = projected.collect::<DfResult<Vec<_>>>()?;
        Ok(Arc::new(ProjectionExec::try_new(projected, files)?))
    }
}

/// Whether a condition can be tested on [`SCANNED`].
pub(super) fn is_on_scanned(condition: &Expr) -> bool {
    condition.column_refs().iter().all(|column| !stored::is_part(&column.name))
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
