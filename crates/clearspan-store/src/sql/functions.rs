//! What our columns need and SQL does not have: ids and projects as text, payloads as JSON, one key of a JSON text.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder};
use arrow::datatypes::DataType;
use clearspan_model::{JsonText, ProjectId};
use datafusion::common::{Result as DfResult, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr, RawFieldAccessExpr};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable as _, GetFieldAccess, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility, lit,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;
use rustc_hash::FxHashMap;
use serde_json::Value;
use uuid::Uuid;

use super::growth;
use crate::schema::rows::text_at;

/// Bytes of an id as the text that users know, and back.
#[derive(Debug)]
pub(super) struct Lookup {
    name: &'static str,
    form: Form,
    signature: Signature,
}

#[derive(Debug, PartialEq, Eq)]
enum Form {
    /// Sixteen bytes as a hyphenated UUID.
    Uuid,
    /// Any bytes as hexadecimal digits.
    Hex(i32),
    /// A project by its name.
    Project(ProjectNames),
}

/// The names of projects. Two are equal when they are the same, which is enough within one statement.
#[derive(Debug, Clone)]
pub(super) struct ProjectNames(Arc<Names>);

#[derive(Debug)]
struct Names {
    by_id: FxHashMap<[u8; 16], String>,
    by_name: FxHashMap<String, [u8; 16]>,
}

impl ProjectNames {
    pub(super) fn new(projects: &[(ProjectId, String)]) -> Self {
        let by_id = projects.iter().map(|(id, name)| (*id.as_bytes(), name.clone())).collect();
        let by_name = projects.iter().map(|(id, name)| (name.clone(), *id.as_bytes())).collect();
        Self(Arc::new(Names { by_id, by_name }))
    }
}

impl PartialEq for ProjectNames {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ProjectNames {}

pub(super) fn uuid_text() -> ScalarUDF {
    Lookup::udf("uuid_text", Form::Uuid)
}

pub(super) fn hex_text(bytes: i32) -> ScalarUDF {
    Lookup::udf("hex_text", Form::Hex(bytes))
}

pub(super) fn project_name(names: ProjectNames) -> ScalarUDF {
    Lookup::udf("project_name", Form::Project(names))
}

impl Lookup {
    fn udf(name: &'static str, form: Form) -> ScalarUDF {
        ScalarUDF::from(Self { name, form, signature: Signature::any(1, Volatility::Immutable) })
    }

    /// The bytes that become this text; null when none do.
    pub(super) fn find(&self, text: &str) -> ScalarValue {
        let of = |bytes: Option<[u8; 16]>| ScalarValue::FixedSizeBinary(16, bytes.map(Vec::from));
        match &self.form {
            Form::Uuid => of(Uuid::try_parse(text).ok().map(Uuid::into_bytes)),
            Form::Project(names) => of(names.0.by_name.get(text).copied()),
            Form::Hex(width) => {
                let digits = usize::try_from(*width).unwrap_or(0) * 2;
                let number = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == digits);
                let bytes = number.map(|number| number.to_be_bytes()[16 - digits / 2..].to_vec());
                ScalarValue::FixedSizeBinary(*width, bytes)
            }
        }
    }

    fn write(&self, bytes: &[u8], text: &mut StringBuilder) {
        use std::fmt::Write as _;
        let id = <[u8; 16]>::try_from(bytes);
        match (&self.form, id) {
            (Form::Project(names), Ok(id)) => text.append_option(names.0.by_id.get(&id)),
            (Form::Uuid, Ok(id)) => {
                let mut buf = Uuid::encode_buffer();
                text.append_value(Uuid::from_bytes(id).as_hyphenated().encode_lower(&mut buf));
            }
            _ => {
                for byte in bytes {
                    write!(text, "{byte:02x}").expect("writing to memory does not fail");
                }
                text.append_value("");
            }
        }
    }
}

impl PartialEq for Lookup {
    fn eq(&self, other: &Self) -> bool {
        self.form == other.form
    }
}

impl Eq for Lookup {}

impl Hash for Lookup {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Lookup {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> DfResult<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let Some(ids) = arrays.first().and_then(|array| array.as_fixed_size_binary_opt()) else {
            return exec_err!("{} takes an id", self.name);
        };
        let mut text = StringBuilder::with_capacity(ids.len(), ids.len() * 36);
        for id in ids.iter() {
            match id {
                Some(id) => self.write(id, &mut text),
                None => text.append_null(),
            }
        }
        Ok(ColumnarValue::Array(Arc::new(text.finish())))
    }
}

/// `json_get(value, key)`: the value of a key of a map or of a JSON object, or the element of a JSON list, as plain text;
/// null when it is not there.
#[derive(Debug, PartialEq, Eq, Hash)]
struct JsonGet {
    signature: Signature,
}

pub(super) fn json_get() -> ScalarUDF {
    ScalarUDF::from(JsonGet { signature: Signature::any(2, Volatility::Immutable) })
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// Whether subscripts of the type are ours to answer.
fn holds_json(data_type: &DataType) -> bool {
    is_text(data_type) || matches!(data_type, DataType::Map(..))
}

impl ScalarUDFImpl for JsonGet {
    fn name(&self) -> &str {
        "json_get"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> DfResult<DataType> {
        match arguments {
            [value, key] if holds_json(value) && (is_text(key) || key.is_integer()) => Ok(DataType::Utf8),
            _ => {
                plan_err!("json_get takes a JSON text or a map, and a key: json_get(attributes, 'http.url')")
            }
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [values, keys] = arrays.as_slice() else { return exec_err!("json_get takes two arguments") };
        let keys = arrow::compute::cast(keys, &DataType::Utf8)?;
        let get = |row: usize| {
            let key = text_at(&keys, row)?;
            match values.as_map_opt() {
                Some(maps) if maps.is_valid(row) => map_value(&maps.value(row), key),
                Some(_) => None,
                None => member(text_at(values, row)?, key),
            }
        };
        let found: StringArray = (0..values.len()).map(get).collect();
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}

fn map_value(entries: &arrow::array::StructArray, key: &str) -> Option<String> {
    let (keys, values): (&ArrayRef, &ArrayRef) = (entries.column(0), entries.column(1));
    let place = (0..entries.len()).find(|idx| text_at(keys, *idx) == Some(key))?;
    text_at(values, place).map(|text| JsonText::from_trusted(text).to_plain())
}

/// A member of a JSON object, or an element of a JSON list, counted from zero; from the end where it is negative.
fn member(json: &str, key: &str) -> Option<String> {
    let value: Value = serde_json::from_str(json).ok()?;
    let found = match &value {
        Value::Object(members) => members.get(key)?,
        Value::Array(items) => {
            let at: i64 = key.parse().ok()?;
            let at = if at < 0 { i64::try_from(items.len()).ok()? + at } else { at };
            items.get(usize::try_from(at).ok()?)?
        }
        _ => return None,
    };
    match found {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// `metadata['key']` and `inputs['messages'][0]` as calls of [`json_get`]; `||` and lists as functions with bounds.
#[derive(Debug)]
pub(super) struct Operators;

impl ExprPlanner for Operators {
    /// `||` of texts, with bounds.
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &datafusion::common::DFSchema,
    ) -> DfResult<PlannerResult<RawBinaryExpr>> {
        if expr.op != BinaryOperator::StringConcat {
            return Ok(PlannerResult::Original(expr));
        }
        let is_list = |side: &Expr| -> DfResult<bool> { Ok(side.get_type(schema)?.is_list()) };
        if is_list(&expr.left)? || is_list(&expr.right)? {
            return plan_err!("|| joins texts; use array_concat or array_append for lists");
        }
        let call = ScalarFunction::new_udf(Arc::new(growth::text_concat()), vec![expr.left, expr.right]);
        Ok(PlannerResult::Planned(Expr::ScalarFunction(call)))
    }

    /// `[a, b]`, likewise.
    fn plan_array_literal(
        &self,
        items: Vec<Expr>,
        _schema: &datafusion::common::DFSchema,
    ) -> DfResult<PlannerResult<Vec<Expr>>> {
        let call = ScalarFunction::new_udf(Arc::new(growth::bounded_make_array()), items);
        Ok(PlannerResult::Planned(Expr::ScalarFunction(call)))
    }

    fn plan_field_access(
        &self,
        access: RawFieldAccessExpr,
        schema: &datafusion::common::DFSchema,
    ) -> DfResult<PlannerResult<RawFieldAccessExpr>> {
        let RawFieldAccessExpr { field_access, expr } = access;
        if !holds_json(&expr.get_type(schema)?) {
            return Ok(PlannerResult::Original(RawFieldAccessExpr { field_access, expr }));
        }
        let key = match field_access {
            GetFieldAccess::NamedStructField { name } => lit(name),
            GetFieldAccess::ListIndex { key } => *key,
            GetFieldAccess::ListRange { .. } => {
                return plan_err!("a JSON text cannot be sliced; ask for one element, as in messages[0]");
            }
        };
        let call = ScalarFunction::new_udf(Arc::new(json_get()), vec![expr, key]);
        Ok(PlannerResult::Planned(Expr::ScalarFunction(call)))
    }
}
