//! What the functions mean on our fields.

use clearspan_model::{JsonText, UnixNanos};

use super::lexer::Value;
use super::pairs;
use super::parser::{Call, Function, Test};
use crate::diagnostic::nearest;
use crate::field::{self, Kind};
use crate::fulltext::{Matcher, Search};
use crate::value::parse_literal;
use crate::{Diagnostic, Expr, Field, Literal, Op};

/// Fields that LangSmith knows and that runs here have.
const FIELDS: &[(&str, Field)] = &[
    ("id", Field::RunId),
    ("name", Field::Name),
    ("run_type", Field::RunType),
    ("status", Field::Status),
    ("error", Field::Error),
    ("start_time", Field::StartTime),
    ("end_time", Field::EndTime),
    ("latency", Field::Latency),
    ("is_root", Field::IsRoot),
    ("parent_run_id", Field::ParentRunId),
    ("trace_id", Field::TraceId),
    ("thread_id", Field::Thread),
    ("tags", Field::Tag),
    ("total_tokens", Field::TotalTokens),
    ("prompt_tokens", Field::InputTokens),
    ("completion_tokens", Field::OutputTokens),
    ("total_cost", Field::Cost),
    ("ls_user_id", Field::User),
    ("inputs", Field::Input),
    ("outputs", Field::Output),
];

/// Fields that LangSmith knows and that cannot be asked here yet.
const UNSUPPORTED: &[&str] = &[
    "first_token_time",
    "execution_order",
    "input_key",
    "input_value",
    "output_key",
    "output_value",
    "feedback_key",
    "feedback_score",
    "feedback_value",
    "feedback_comment",
    "feedback_source",
    "reference_example_id",
    "prompt_cost",
    "completion_cost",
];

pub(super) fn map(call: &Call) -> Result<Expr, Diagnostic> {
    match call {
        Call::And(calls) => map_and(calls),
        Call::Or(calls) => calls.iter().map(map).collect::<Result<_, _>>().map(Expr::Any),
        Call::Not(inner) => map(inner).map(negate),
        Call::Test(test) if pairs::is_part(test) => pairs::map(&[test]),
        Call::Test(test) => map_test(test),
    }
}

fn map_and(calls: &[Call]) -> Result<Expr, Diagnostic> {
    let mut terms = Vec::new();
    let mut parts = Vec::new();
    for call in calls {
        match call {
            Call::Test(test) if pairs::is_part(test) => parts.push(test),
            call => terms.push(map(call)?),
        }
    }
    if !parts.is_empty() {
        terms.push(pairs::map(&parts)?);
    }
    Ok(Expr::All(terms))
}

fn map_test(test: &Test) -> Result<Expr, Diagnostic> {
    let Some(name) = test.field.as_deref() else {
        return full_text(&Field::Text, test);
    };
    if name == "metadata" {
        return map_metadata(test);
    }
    let field = find_field(name, test)?;
    let kind = field::kind_of(&field);
    let value = test.values.first().unwrap_or(&Value::Null);
    match (test.function, value) {
        (Function::Search, _) if kind == Kind::FullText => full_text(&field, test),
        (Function::Eq, Value::Null) => Ok(negate(Expr::Test(field, Op::Exists))),
        (Function::Neq, Value::Null) => Ok(Expr::Test(field, Op::Exists)),
        (function, _) if kind == Kind::FullText => {
            let message = format!("{}(…) cannot look at {name:?}", function.name());
            Err(Diagnostic::new(test.span.clone(), message).with_hint(format!("search({name}, \"…\") can")))
        }
        (Function::Eq, value) => equal(field, kind, value, test),
        (Function::Neq, value) => equal(field, kind, value, test).map(negate),
        (Function::Gt, value) => compare(field, kind, value, test, Op::Gt),
        (Function::Gte, value) => compare(field, kind, value, test, Op::Ge),
        (Function::Lt, value) => compare(field, kind, value, test, Op::Lt),
        (Function::Lte, value) => compare(field, kind, value, test, Op::Le),
        (Function::In, _) => {
            let literals = test.values.iter().map(|value| literal(kind, value, test));
            Ok(Expr::Test(field, Op::In(literals.collect::<Result<_, _>>()?)))
        }
        (Function::Has, value) if field == Field::Tag => equal(field, kind, value, test),
        (Function::Search, Value::Text(text)) if kind == Kind::Text => Ok(search(&field, text)),
        (Function::Like, Value::Text(pattern)) if kind == Kind::Text => like(field, pattern, test),
        (function, _) => {
            let message = format!("{}(…) cannot look at {name:?} with this value", function.name());
            Err(Diagnostic::new(test.span.clone(), message))
        }
    }
}

fn find_field(name: &str, test: &Test) -> Result<Field, Diagnostic> {
    if let Some((_, field)) = FIELDS.iter().find(|(known, _)| *known == name) {
        return Ok(field.clone());
    }
    let span = test.field_span.clone();
    if UNSUPPORTED.contains(&name) {
        return Err(Diagnostic::new(span, format!("filtering on {name:?} is not supported yet")));
    }
    let unknown = Diagnostic::new(span, format!("there is no field {name:?}"));
    let known = FIELDS.iter().map(|(known, _)| *known).chain(["metadata_key", "metadata_value", "metadata"]);
    Err(match nearest(name, known) {
        Some(suggestion) => unknown.with_hint(format!("did you mean {suggestion:?}?")),
        None => unknown,
    })
}

fn equal(field: Field, kind: Kind, value: &Value, test: &Test) -> Result<Expr, Diagnostic> {
    let literal = literal(kind, value, test)?;
    // "Is not a root" is written so that every engine needs only one form.
    if literal == Literal::Bool(false) {
        return Ok(negate(Expr::Test(field, Op::Eq(Literal::Bool(true)))));
    }
    Ok(Expr::Test(field, Op::Eq(literal)))
}

fn compare(
    field: Field,
    kind: Kind,
    value: &Value,
    test: &Test,
    op: fn(Literal) -> Op,
) -> Result<Expr, Diagnostic> {
    if !kind.is_ordered() {
        let name = test.function.name();
        let message =
            format!("{name}(…) compares numbers, durations and times, and this field is {}", kind.noun());
        return Err(Diagnostic::new(test.span.clone(), message));
    }
    Ok(Expr::Test(field, op(literal(kind, value, test)?)))
}

fn literal(kind: Kind, value: &Value, test: &Test) -> Result<Literal, Diagnostic> {
    let complaint = |message: String| Diagnostic::new(test.span.clone(), message);
    match (kind, value) {
        (_, Value::Null) => Err(complaint("null works with eq(…) and neq(…) only".to_owned())),
        (Kind::Bool, Value::Bool(yes)) => Ok(Literal::Bool(*yes)),
        // JavaScript users write 1 and 0.
        (Kind::Bool, Value::Number(number)) => Ok(Literal::Bool(!number.is_zero())),
        (Kind::Time, Value::Number(_)) => Err(complaint("a time is ISO text in quotes".to_owned())),
        (Kind::Time, Value::Text(text)) => iso_time(text)
            .map(Literal::Time)
            .ok_or_else(|| complaint(format!("{text:?} is not a time such as \"2026-11-20T14:00:00Z\""))),
        (kind, value) => parse_literal(kind, &plain(value)).map_err(complaint),
    }
}

fn iso_time(text: &str) -> Option<UnixNanos> {
    text.contains('-').then(|| crate::value::parse_time(text)).flatten()
}

/// A value as plain text, as metadata is compared.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.normalize().to_string(),
        Value::Bool(yes) => yes.to_string(),
        Value::Null => "null".to_owned(),
    }
}

/// All words, in any order, whatever their case.
fn search(field: &Field, text: &str) -> Expr {
    let word = |word: &str| Expr::Test(field.clone(), Op::Contains(word.to_owned()));
    Expr::All(text.split_whitespace().map(word).collect())
}

/// All words, anywhere in the texts of a field.
fn full_text(field: &Field, test: &Test) -> Result<Expr, Diagnostic> {
    let text = match test.values.first() {
        None | Some(Value::Null) => String::new(),
        Some(value) => plain(value),
    };
    let mut terms = Vec::new();
    for word in text.split_whitespace() {
        let search = Search::phrase(word);
        match Matcher::new(&search) {
            Ok(_) => terms.push(Expr::Test(field.clone(), Op::Search(search))),
            // A sign between blanks is no word, and nothing to look for.
            Err(_) if !word.contains(char::is_alphanumeric) => {}
            Err(complaint) => return Err(Diagnostic { span: test.span.clone(), ..complaint }),
        }
    }
    match terms.len() {
        0 => Err(Diagnostic::new(test.span.clone(), format!("there is no word in {text:?} to search for"))),
        1 => Ok(terms.remove(0)),
        _ => Ok(Expr::All(terms)),
    }
}

fn like(field: Field, pattern: &str, test: &Test) -> Result<Expr, Diagnostic> {
    Ok(Expr::Test(field, glob(pattern, test)?))
}

/// `%` is any text. A pattern without it is an equality.
pub(super) fn glob(pattern: &str, test: &Test) -> Result<Op, Diagnostic> {
    if pattern.contains('*') {
        return Err(Diagnostic::new(test.span.clone(), "like(…) cannot look for a `*` yet"));
    }
    Ok(Op::Glob(pattern.replace('%', "*")))
}

/// `has(metadata, '{"k": "v"}')` and `exists(metadata, "k")`.
fn map_metadata(test: &Test) -> Result<Expr, Diagnostic> {
    match (test.function, test.values.first()) {
        (Function::Exists, Some(Value::Text(key))) => {
            Ok(Expr::Test(Field::Metadata(key.clone()), Op::Exists))
        }
        (Function::Has, Some(Value::Text(json))) => match serde_json::from_str(json) {
            Ok(serde_json::Value::Object(entries)) => Ok(Expr::All(
                entries
                    .iter()
                    .map(|(key, value)| pairs::metadata_equals(key, &JsonText::from_value(value).to_plain()))
                    .collect(),
            )),
            _ => Err(Diagnostic::new(test.span.clone(), "has(metadata, …) needs the text of a JSON object")),
        },
        (function, _) => {
            let message = format!("{}(…) cannot look at metadata", function.name());
            Err(Diagnostic::new(test.field_span.clone(), message)
                .with_hint("use has, exists, or metadata_key with metadata_value"))
        }
    }
}

pub(super) fn negate(expr: Expr) -> Expr {
    match expr {
        Expr::Not(inner) => *inner,
        expr => Expr::Not(Box::new(expr)),
    }
}
