//! The two sides of a run as one JSON text each, as the REST API tells them: `{"messages": […], "rest": …}`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::datatypes::DataType;
use clearspan_model::Side;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Result as DfResult, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::ScalarFunctionExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::cut::CutExec;
use crate::schema::rows::text_at;

/// A function of the messages, the rest and the fragments of one side.
#[derive(Debug, PartialEq, Eq, Hash)]
struct PayloadText {
    side: SideName,
    signature: Signature,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum SideName {
    Inputs,
    Outputs,
}

pub(super) fn inputs_text() -> ScalarUDF {
    ScalarUDF::from(PayloadText {
        side: SideName::Inputs,
        signature: Signature::any(3, Volatility::Immutable),
    })
}

pub(super) fn outputs_text() -> ScalarUDF {
    ScalarUDF::from(PayloadText {
        side: SideName::Outputs,
        signature: Signature::any(3, Volatility::Immutable),
    })
}

/// What the rows of a batch say at most where payloads are made of them, unless one row says more. Agents say again what was said
/// before: of two thousand of their calls that may be a thousand times what the rows have in memory.
const PORTION_BYTES: usize = 8 << 20;

/// A plan that makes payloads of a few rows at a time.
pub(super) fn in_portions(plan: Arc<dyn ExecutionPlan>) -> DfResult<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|plan| {
        if !makes_payloads(&plan)? {
            return Ok(Transformed::no(plan));
        }
        let children = plan.children().into_iter();
        let children = children.map(|child| CutExec::by_said(Arc::clone(child), PORTION_BYTES)).collect();
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        plan.replace_children(children, options).map(Transformed::yes)
    })
    .data()
}

fn makes_payloads(plan: &Arc<dyn ExecutionPlan>) -> DfResult<bool> {
    let mut found = false;
    plan.apply_expressions(&mut |expr| {
        expr.apply(|part| {
            let call = part.downcast_ref::<ScalarFunctionExpr>();
            found |= call.is_some_and(|call| call.fun().inner().downcast_ref::<PayloadText>().is_some());
            Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })
    })?;
    Ok(found)
}

/// A message that arrived by itself, as the column keeps it.
#[derive(Deserialize)]
struct Fragment<'a> {
    side: Side,
    #[serde(borrow)]
    message: &'a RawValue,
}

impl ScalarUDFImpl for PayloadText {
    fn name(&self) -> &str {
        match self.side {
            SideName::Inputs => "inputs_text",
            SideName::Outputs => "outputs_text",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> DfResult<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [messages, rest, fragments] = arrays.as_slice() else {
            return exec_err!("{} takes three arguments", self.name());
        };
        let side = match self.side {
            SideName::Inputs => Side::Input,
            SideName::Outputs => Side::Output,
        };
        let mut texts = StringBuilder::new();
        let mut text = String::new();
        for row in 0..messages.len() {
            text.clear();
            match write_payload(&mut text, (messages, rest, fragments), row, side) {
                true => texts.append_value(&text),
                false => texts.append_null(),
            }
        }
        Ok(ColumnarValue::Array(Arc::new(texts.finish())))
    }
}

/// False when the side has nothing.
fn write_payload(
    text: &mut String,
    (messages, rest, fragments): (&ArrayRef, &ArrayRef, &ArrayRef),
    row: usize,
    side: Side,
) -> bool {
    let rest = text_at(rest, row);
    text.push_str("{\"messages\":[");
    let before = text.len();
    let mut push = |message: &str| {
        if text.len() > before {
            text.push(',');
        }
        text.push_str(message);
    };
    let mut any = false;
    if let Some(lists) = messages.as_list_opt::<i32>().filter(|lists| lists.is_valid(row)) {
        let list = lists.value(row);
        for message in (0..list.len()).filter_map(|idx| text_at(&list, idx)) {
            push(message);
            any = true;
        }
    }
    // As `Run::messages`: fragments tell what went in and out where nothing else does.
    if !any && let Some(fragments) = text_at(fragments, row) {
        let fragments: Vec<Fragment<'_>> = serde_json::from_str(fragments).unwrap_or_default();
        for fragment in fragments.iter().filter(|fragment| fragment.side == side) {
            push(fragment.message.get());
            any = true;
        }
    }
    text.push(']');
    if let Some(rest) = rest {
        text.push_str(",\"rest\":");
        text.push_str(rest);
    }
    text.push('}');
    any || rest.is_some()
}
