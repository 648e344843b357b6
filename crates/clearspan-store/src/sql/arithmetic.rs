//! `+`, `-` and `*` of whole numbers that notice when the result goes beyond their type.
//!
//! The engine's own wrap around, so that more tokens than there can be come out as a negative number. Decimals and what is
//! added to times are checked by the engine; floating point numbers become infinite, as everywhere.

use std::sync::{Arc, LazyLock};

use arrow::compute::kernels::numeric;
use arrow::datatypes::{DataType, Field, FieldRef};
use arrow::error::ArrowError;
use clearspan_model::ErrorKind;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::common::{DFSchema, DataFusionError, Result as DfResult};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable as _, LogicalPlan, Operator, ReturnFieldArgs,
    ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::physical_expr_common::datum::apply;

use crate::Error;

/// Puts checked operators in the place of the engine's. Types have been made equal before.
#[derive(Debug)]
pub(super) struct CheckWholeNumbers;

impl AnalyzerRule for CheckWholeNumbers {
    fn name(&self) -> &'static str {
        "check_whole_numbers"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> DfResult<LogicalPlan> {
        plan.transform_up_with_subqueries(check_node).data()
    }
}

fn check_node(plan: LogicalPlan) -> DfResult<Transformed<LogicalPlan>> {
    let mut schema = merge_schema(&plan.inputs());
    // A table has conditions and no inputs.
    if let LogicalPlan::TableScan(scan) = &plan {
        schema.merge(&DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?);
    }
    let names = NamePreserver::new(&plan);
    plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let checked = expr.transform_up(|expr| check_operator(expr, &schema))?;
        Ok(checked.update_data(|expr| name.restore(expr)))
    })?
    .map_data(LogicalPlan::recompute_schema)
}

fn check_operator(expr: Expr, schema: &DFSchema) -> DfResult<Transformed<Expr>> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = &expr else { return Ok(Transformed::no(expr)) };
    let Some(checked) = CHECKED.iter().find(|(checked, _)| checked == op) else {
        return Ok(Transformed::no(expr));
    };
    if !left.get_type(schema)?.is_integer() || !right.get_type(schema)?.is_integer() {
        return Ok(Transformed::no(expr));
    }
    let args = vec![(**left).clone(), (**right).clone()];
    Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction { func: Arc::clone(&checked.1), args })))
}

static CHECKED: LazyLock<[(Operator, Arc<ScalarUDF>); 3]> = LazyLock::new(|| {
    [Operator::Plus, Operator::Minus, Operator::Multiply].map(|op| {
        let function = Checked { op, signature: Signature::any(2, Volatility::Immutable) };
        (op, Arc::new(ScalarUDF::from(function)))
    })
});

/// An operator on two whole numbers of one type.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    op: Operator,
    signature: Signature,
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &'static str {
        match self.op {
            Operator::Minus => "-",
            Operator::Multiply => "*",
            _ => "+",
        }
    }

    /// What the column is called, as if the engine's operator made it.
    fn schema_name(&self, args: &[Expr]) -> DfResult<String> {
        let [left, right] = args else { return Ok(self.name().to_owned()) };
        Ok(format!("{} {} {}", left.schema_name(), self.op, right.schema_name()))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> DfResult<DataType> {
        Ok(arguments.first().cloned().unwrap_or(DataType::Null))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> DfResult<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let is_nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), self.return_type(&types)?, is_nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let [left, right] = args.args.as_slice() else {
            return Err(DataFusionError::Internal(self.name().to_owned()));
        };
        let computed = match self.op {
            Operator::Minus => apply(left, right, numeric::sub),
            Operator::Multiply => apply(left, right, numeric::mul),
            _ => apply(left, right, numeric::add),
        };
        computed.map_err(|err| if is_overflow(&err) { too_large(self.op) } else { err })
    }
}

fn is_overflow(err: &DataFusionError) -> bool {
    matches!(err.find_root(), DataFusionError::ArrowError(arrow, _) if matches!(**arrow, ArrowError::ArithmeticOverflow(_)))
}

fn too_large(op: Operator) -> DataFusionError {
    let what = format!(
        "the result of {op} goes beyond what whole numbers can hold (9·10^18); \
         use cast(… as double) or cast(… as decimal(38)) on one side"
    );
    DataFusionError::External(Box::new(Error::new(ErrorKind::TooLarge, what)))
}
