//! What the functions mean on our fields.

use std::ops::Range;

use clearspan_model::{JsonText, UnixNanos};

use super::feedback::{self, FindFeedback};
use super::lexer::Value;
use super::pairs;
use super::parser::{Call, Function, Test};
use super::paths::{self, Side};
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
    ("first_token_time", Field::TimeToFirstToken),
    ("is_root", Field::IsRoot),
    ("parent_run_id", Field::ParentRunId),
    ("trace_id", Field::TraceId),
    ("thread_id", Field::Thread),
    ("tags", Field::Tag),
    ("total_tokens", Field::TotalTokens),
    ("prompt_tokens", Field::InputTokens),
    ("completion_tokens", Field::OutputTokens),
    ("total_cost", Field::Cost),
    ("prompt_cost", Field::InputCost),
    ("completion_cost", Field::OutputCost),
    ("ls_user_id", Field::User),
    ("inputs", Field::Input),
    ("outputs", Field::Output),
];

/// Words of one search: each is looked for in every text.
const MAX_WORDS: usize = 128;
const REFERENCE_EXAMPLE: &str = "reference_example_id";

pub(super) fn map(call: &Call, find: &mut FindFeedback<'_>) -> Result<Expr, Diagnostic> {
    match call {
        Call::And(calls) => map_and(calls.iter(), find),
        Call::Or(calls) => calls.iter().map(|call| map(call, find)).collect::<Result<_, _>>().map(Expr::Any),
        Call::Not(inner) => map(inner, find).map(negate),
        Call::Test(test) if is_part(test) => match map_and(std::iter::once(call), find)? {
            Expr::All(mut terms) if terms.len() == 1 => Ok(terms.remove(0)),
            terms => Ok(terms),
        },
        Call::Test(test) => map_test(test),
    }
}

/// True for a test that speaks of the same thing as its neighbours.
fn is_part(test: &Test) -> bool {
    pairs::is_part(test) || paths::part(test).is_some() || feedback::is_part(test)
}

fn map_and<'c>(
    calls: impl Iterator<Item = &'c Call>,
    find: &mut FindFeedback<'_>,
) -> Result<Expr, Diagnostic> {
    let mut terms = Vec::new();
    let (mut metadata, mut inputs, mut outputs, mut given) = (vec![], vec![], vec![], vec![]);
    for call in calls {
        match call {
            Call::Test(test) if pairs::is_part(test) => metadata.push(test),
            Call::Test(test) if feedback::is_part(test) => given.push(test),
            Call::Test(test) => match paths::part(test) {
                Some((Side::Input, _)) => inputs.push(test),
                Some((Side::Output, _)) => outputs.push(test),
                None => terms.push(map_test(test)?),
            },
            call => terms.push(map(call, find)?),
        }
    }
    if !metadata.is_empty() {
        terms.push(pairs::map(&metadata)?);
    }
    terms.extend(paths::map(Side::Input, &inputs)?);
    terms.extend(paths::map(Side::Output, &outputs)?);
    terms.extend(feedback::map(&given, find)?);
    Ok(Expr::All(terms))
}

fn map_test(test: &Test) -> Result<Expr, Diagnostic> {
    let Some(name) = test.field.as_deref() else {
        return full_text(&Field::Text, test);
    };
    match name {
        "metadata" => return map_metadata(test),
        "execution_order" => return execution_order(test),
        _ => {}
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
    if name == REFERENCE_EXAMPLE {
        // A run of an experiment says in its metadata which example it was made from.
        return Ok(Field::Metadata(name.to_owned()));
    }
    let unknown = Diagnostic::new(test.field_span.clone(), format!("there is no field {name:?}"));
    let known = FIELDS.iter().map(|(known, _)| *known).chain(feedback::names()).chain([
        REFERENCE_EXAMPLE,
        "metadata_key",
        "metadata_value",
        "metadata",
        "input_key",
        "input_value",
        "output_key",
        "output_value",
    ]);
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

/// The place in the order in which runs began, which older SDKs counted: 1 is the root.
fn execution_order(test: &Test) -> Result<Expr, Diagnostic> {
    let is_root = Expr::Test(Field::IsRoot, Op::Eq(Literal::Bool(true)));
    match (test.function, test.values.first().map(plain).as_deref()) {
        (Function::Eq, Some("1")) => Ok(is_root),
        (Function::Neq, Some("1")) => Ok(negate(is_root)),
        _ => Err(Diagnostic::new(
            test.span.clone(),
            "execution_order is no longer kept, except 1 for root runs",
        )),
    }
}

/// All words, anywhere in the texts of a field.
fn full_text(field: &Field, test: &Test) -> Result<Expr, Diagnostic> {
    let text = match test.values.first() {
        None | Some(Value::Null) => String::new(),
        Some(value) => plain(value),
    };
    words(field, &text, test.span.clone())
}

pub(super) fn words(field: &Field, text: &str, span: Range<usize>) -> Result<Expr, Diagnostic> {
    let mut terms = Vec::new();
    for word in text.split_whitespace() {
        let search = Search::phrase(word);
        match Matcher::new(&search) {
            Ok(_) if terms.len() == MAX_WORDS => {
                let message = format!("there are more than {MAX_WORDS} words to search for; leave some away");
                return Err(Diagnostic::new(span, message));
            }
            Ok(_) => terms.push(Expr::Test(field.clone(), Op::Search(search))),
            // A sign between blanks is no word, and nothing to look for.
            Err(_) if !word.contains(char::is_alphanumeric) => {}
            Err(complaint) => return Err(Diagnostic { span, ..complaint }),
        }
    }
    match terms.len() {
        0 => Err(Diagnostic::new(span, format!("there is no word in {text:?} to search for"))),
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
