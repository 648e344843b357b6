//! `feedback_key` with `feedback_score`, `feedback_value`, `feedback_comment` and `feedback_source`: inside one `and`
//! they speak of the same piece of feedback. A second `feedback_key` begins another one.
//!
//! Feedback is not a part of a run, so this module does not know which runs have it: the caller does.

use super::lexer::Value;
use super::meaning::{glob, negate, plain};
use super::parser::{Function, Test};
use crate::value::parse_decimal;
use crate::{Diagnostic, Expr, Literal, Op};

/// A property of feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum FeedbackField {
    Key,
    Score,
    Value,
    Comment,
    Source,
}

/// A test of one property of a piece of feedback. Scores are compared with [`Literal::Number`], all else with
/// [`Literal::Text`].
#[derive(Debug, Clone, PartialEq)]
pub struct FeedbackTest {
    /// Which property.
    pub field: FeedbackField,
    /// How.
    pub op: Op,
    /// False when the test must fail; a property that is absent passes no test and fails none.
    pub holds: bool,
}

/// Says which runs have a piece of feedback that passes all of these tests, or why that cannot be said.
pub type FindFeedback<'f> = dyn FnMut(&[FeedbackTest]) -> Result<Expr, String> + 'f;

const FIELDS: &[(&str, FeedbackField)] = &[
    ("feedback_key", FeedbackField::Key),
    ("feedback_score", FeedbackField::Score),
    ("feedback_value", FeedbackField::Value),
    ("feedback_comment", FeedbackField::Comment),
    ("feedback_source", FeedbackField::Source),
];

/// The names, for suggestions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|(name, _)| *name)
}

fn field_of(test: &Test) -> Option<FeedbackField> {
    FIELDS.iter().find(|(name, _)| test.field.as_deref() == Some(*name)).map(|(_, field)| *field)
}

/// True for a test of feedback.
pub(super) fn is_part(test: &Test) -> bool {
    field_of(test).is_some()
}

/// The feedback tests of one `and`.
pub(super) fn map(parts: &[&Test], find: &mut FindFeedback<'_>) -> Result<Vec<Expr>, Diagnostic> {
    let mut groups: Vec<(&Test, Vec<FeedbackTest>)> = Vec::new();
    for part in parts {
        let test = read(part)?;
        let is_key = test.field == FeedbackField::Key;
        match groups.last_mut() {
            Some((_, group)) if !is_key || group.iter().all(|known| known.field != FeedbackField::Key) => {
                group.push(test);
            }
            _ => groups.push((part, vec![test])),
        }
    }
    let mut found = |first: &Test, tests: &[FeedbackTest]| {
        find(tests).map_err(|problem| Diagnostic::new(first.span.clone(), problem))
    };
    groups
        .into_iter()
        .map(|(first, tests)| match tests.as_slice() {
            // A key alone that must not be: no feedback has it.
            [FeedbackTest { field: FeedbackField::Key, op, holds: false }] => {
                let wanted = FeedbackTest { field: FeedbackField::Key, op: op.clone(), holds: true };
                found(first, &[wanted]).map(negate)
            }
            tests => found(first, tests),
        })
        .collect()
}

fn read(test: &Test) -> Result<FeedbackTest, Diagnostic> {
    let complaint = |message: String| Diagnostic::new(test.span.clone(), message);
    let field = field_of(test).ok_or_else(|| complaint("this is no field of feedback".to_owned()))?;
    let value = test.values.first().unwrap_or(&Value::Null);
    let literal = |value: &Value| literal(field, value).map_err(complaint);
    let (op, holds) = match (test.function, value) {
        (Function::Eq, Value::Null) => (Op::Exists, false),
        (Function::Neq, Value::Null) => (Op::Exists, true),
        (Function::Eq | Function::Has, value) => (Op::Eq(literal(value)?), true),
        (Function::Neq, value) => (Op::Eq(literal(value)?), false),
        (Function::In, _) => (Op::In(test.values.iter().map(literal).collect::<Result<_, _>>()?), true),
        (Function::Gt, value) if field == FeedbackField::Score => (Op::Gt(literal(value)?), true),
        (Function::Gte, value) if field == FeedbackField::Score => (Op::Ge(literal(value)?), true),
        (Function::Lt, value) if field == FeedbackField::Score => (Op::Lt(literal(value)?), true),
        (Function::Lte, value) if field == FeedbackField::Score => (Op::Le(literal(value)?), true),
        (Function::Search, Value::Text(text)) if field == FeedbackField::Comment => {
            (Op::Contains(text.clone()), true)
        }
        (Function::Like, Value::Text(pattern)) if field == FeedbackField::Comment => {
            (contains(pattern, test)?, true)
        }
        (function, _) => {
            let name = test.field.as_deref().unwrap_or_default();
            return Err(complaint(format!("{}(…) cannot look at {name:?} with this value", function.name())));
        }
    };
    Ok(FeedbackTest { field, op, holds })
}

/// `%text%` only: that is what people look for in comments.
fn contains(pattern: &str, test: &Test) -> Result<Op, Diagnostic> {
    glob(pattern, test)?;
    match pattern.strip_prefix('%').and_then(|rest| rest.strip_suffix('%')).filter(|rest| !rest.contains('%'))
    {
        Some(part) => Ok(Op::Contains(part.to_owned())),
        None if !pattern.contains('%') => Ok(Op::Eq(Literal::Text(pattern.to_owned()))),
        None => Err(Diagnostic::new(test.span.clone(), "like(feedback_comment, …) takes \"%text%\" only")),
    }
}

fn literal(field: FeedbackField, value: &Value) -> Result<Literal, String> {
    if field != FeedbackField::Score {
        return match value {
            Value::Null => Err("null works with eq(…) and neq(…) only".to_owned()),
            value => Ok(Literal::Text(plain(value))),
        };
    }
    let number = match value {
        Value::Number(number) => Some(*number),
        Value::Bool(yes) => Some(u8::from(*yes).into()),
        Value::Text(text) => parse_decimal(text),
        Value::Null => None,
    };
    number.map(Literal::Number).ok_or_else(|| format!("a score is a number, not {:?}", plain(value)))
}
