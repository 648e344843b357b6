//! `input_key` with `input_value`, and the same for outputs: a place in the JSON of a payload, and what stands there.

use super::lexer::Value;
use super::meaning::{glob, negate, plain};
use super::parser::{Function, Test};
use crate::fulltext::{Matcher, Search};
use crate::{Diagnostic, Expr, Field, Literal, Op};

/// Longer texts may be cut in an index, or be files.
const MAX_INDEXED_BYTES: usize = 250;

/// Which payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Input,
    Output,
}

impl Side {
    fn at(self, path: String) -> Field {
        match self {
            Self::Input => Field::InputAt(path),
            Self::Output => Field::OutputAt(path),
        }
    }

    fn anywhere(self) -> Field {
        match self {
            Self::Input => Field::Input,
            Self::Output => Field::Output,
        }
    }
}

/// The side that a test is about, and whether it is about a place there rather than what stands in one.
pub(super) fn part(test: &Test) -> Option<(Side, bool)> {
    match test.field.as_deref()? {
        "input_key" => Some((Side::Input, true)),
        "input_value" => Some((Side::Input, false)),
        "output_key" => Some((Side::Output, true)),
        "output_value" => Some((Side::Output, false)),
        _ => None,
    }
}

/// The tests of one side in one `and`: places alone, each with the value that follows it, or values anywhere.
pub(super) fn map(side: Side, parts: &[&Test]) -> Result<Vec<Expr>, Diagnostic> {
    let is_key = |test: &Test| part(test).is_some_and(|(_, is_key)| is_key);
    let (keys, values): (Vec<&Test>, Vec<&Test>) = parts.iter().partition(|test| is_key(test));
    match (keys.len(), values.len()) {
        (_, 0) => keys.into_iter().map(|key| key_alone(side, key)).collect(),
        (0, _) => values.into_iter().map(|value| test_values(&[side.anywhere()], side, value)).collect(),
        (n_keys, n_values) if n_keys == n_values => {
            keys.into_iter().zip(values).map(|(key, value)| key_and_value(side, key, value)).collect()
        }
        _ => Err(Diagnostic::new(values[0].span.clone(), "each value needs its own key")
            .with_hint("put each pair into its own and(…)")),
    }
}

fn key_alone(side: Side, test: &Test) -> Result<Expr, Diagnostic> {
    let (fields, wanted) = places(side, test)?;
    let mut exist: Vec<Expr> = fields.into_iter().map(|field| Expr::Test(field, Op::Exists)).collect();
    let exists = if exist.len() == 1 { exist.remove(0) } else { Expr::Any(exist) };
    Ok(if wanted { exists } else { negate(exists) })
}

fn key_and_value(side: Side, key: &Test, value: &Test) -> Result<Expr, Diagnostic> {
    let (fields, wanted) = places(side, key)?;
    if !wanted {
        let name = key.field.as_deref().unwrap_or_default();
        let message = format!("neq({name}, …) together with a value is not supported");
        return Err(Diagnostic::new(key.span.clone(), message));
    }
    test_values(&fields, side, value)
}

fn places(side: Side, test: &Test) -> Result<(Vec<Field>, bool), Diagnostic> {
    let fields = test.values.iter().map(|value| side.at(plain(value))).collect();
    match test.function {
        Function::Eq | Function::In => Ok((fields, true)),
        Function::Neq => Ok((fields, false)),
        function => {
            let name = test.field.as_deref().unwrap_or_default();
            let message = format!("{}({name}, …) is not supported", function.name());
            Err(Diagnostic::new(test.span.clone(), message).with_hint("eq, neq and in are"))
        }
    }
}

/// What a test asks of what stands in one of these places.
fn test_values(fields: &[Field], side: Side, test: &Test) -> Result<Expr, Diagnostic> {
    let text = |value: &Value| Literal::Text(plain(value));
    let first = test.values.first().unwrap_or(&Value::Null);
    let (op, wanted) = match (test.function, first) {
        (Function::Eq, value) => (Op::Eq(text(value)), true),
        (Function::Neq, value) => (Op::Eq(text(value)), false),
        (Function::In, _) => (Op::In(test.values.iter().map(text).collect()), true),
        (Function::Like, Value::Text(pattern)) => (glob(pattern, test)?, true),
        (Function::Search | Function::Has, Value::Text(part)) => (Op::Contains(part.clone()), true),
        (function, _) => {
            let name = test.field.as_deref().unwrap_or_default();
            let message = format!("{}({name}, …) is not supported", function.name());
            return Err(
                Diagnostic::new(test.span.clone(), message).with_hint("eq, neq, in, like and search are")
            );
        }
    };
    let any_of = |op: &Op| {
        let mut tests: Vec<Expr> = fields.iter().map(|field| Expr::Test(field.clone(), op.clone())).collect();
        if tests.len() == 1 { tests.remove(0) } else { Expr::Any(tests) }
    };
    if !wanted {
        // There is something, and it is not this.
        return Ok(Expr::All(vec![any_of(&Op::Exists), negate(any_of(&op))]));
    }
    Ok(match needed(&op, first) {
        Some(search) => Expr::All(vec![Expr::Test(side.anywhere(), Op::Search(search)), any_of(&op)]),
        None => any_of(&op),
    })
}

/// A search without which an equality cannot hold: it lets engines look into an index first.
fn needed(op: &Op, value: &Value) -> Option<Search> {
    let (Op::Eq(_), Value::Text(text)) = (op, value) else { return None };
    let search = Search::phrase(text);
    (text.len() <= MAX_INDEXED_BYTES && Matcher::new(&search).is_ok()).then_some(search)
}
