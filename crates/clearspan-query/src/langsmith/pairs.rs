//! `metadata_key` with `metadata_value`: inside one `and` they speak of the same entry.
//!
//! Two numbers are compared as numbers, other texts by their characters; see [`compare_entries`](crate::compare_entries).
//!
//! Some keys are more than metadata: the three names of a thread also mean the run's thread, and `ls_model_name`
//! and `ls_provider` its model and provider, because runs that came as OpenTelemetry spans have those as fields.

use super::lexer::Value;
use super::meaning::{glob, negate, plain};
use super::parser::{Function, Test};
use crate::{Diagnostic, Expr, Field, Literal, Op};

/// Keys whose value is also a field of the run.
const ALSO_FIELDS: &[(&str, Field)] = &[
    ("session_id", Field::Thread),
    ("conversation_id", Field::Thread),
    ("thread_id", Field::Thread),
    ("ls_model_name", Field::Model),
    ("ls_provider", Field::Provider),
];

/// True for a test that makes sense only together with its neighbours.
pub(super) fn is_part(test: &Test) -> bool {
    matches!(test.field.as_deref(), Some("metadata_key" | "metadata_value"))
}

/// The metadata tests of one `and`: keys alone, or each key with the value at the same place.
pub(super) fn map(parts: &[&Test]) -> Result<Expr, Diagnostic> {
    let (keys, values): (Vec<&Test>, Vec<&Test>) =
        parts.iter().partition(|test| test.field.as_deref() == Some("metadata_key"));
    let mut terms = Vec::new();
    match (keys.len(), values.len()) {
        (_, 0) => {
            for key in keys {
                terms.push(key_alone(key)?);
            }
        }
        (n_keys, n_values) if n_keys == n_values => {
            for (key, value) in keys.into_iter().zip(values) {
                terms.push(key_and_value(key, value)?);
            }
        }
        // A value under any key.
        (0, _) => {
            for value in values {
                terms.push(value_elsewhere(&[], value)?);
            }
        }
        _ => {
            let message = "each metadata_value needs its own metadata_key";
            return Err(Diagnostic::new(values[0].span.clone(), message)
                .with_hint("put each pair into its own and(…)"));
        }
    }
    match terms.len() {
        1 => Ok(terms.remove(0)),
        _ => Ok(Expr::All(terms)),
    }
}

/// The entry has this value, or the field does that the key also means.
pub(super) fn metadata_equals(key: &str, value: &str) -> Expr {
    either(key, &Op::Eq(Literal::Text(value.to_owned())))
}

fn either(key: &str, op: &Op) -> Expr {
    let metadata = Expr::Test(Field::Metadata(key.to_owned()), op.clone());
    match ALSO_FIELDS.iter().find(|(known, _)| *known == key) {
        Some((_, field)) => Expr::Any(vec![metadata, Expr::Test(field.clone(), op.clone())]),
        None => metadata,
    }
}

fn any_of(keys: &[String], op: &Op) -> Expr {
    match keys {
        [key] => either(key, op),
        keys => Expr::Any(keys.iter().map(|key| either(key, op)).collect()),
    }
}

fn key_alone(test: &Test) -> Result<Expr, Diagnostic> {
    let (keys, wanted) = names(test)?;
    let exists = any_of(&keys, &Op::Exists);
    Ok(if wanted { exists } else { negate(exists) })
}

fn key_and_value(key: &Test, value: &Test) -> Result<Expr, Diagnostic> {
    let (keys, wanted) = names(key)?;
    if !wanted {
        return match value.function {
            // The key is absent, and so is the value everywhere.
            Function::Neq => {
                let absent = negate(any_of(&keys, &Op::Exists));
                Ok(Expr::All(vec![absent, value_elsewhere(&[], value)?]))
            }
            // The value stands under some other key.
            _ => value_elsewhere(&keys, value),
        };
    }
    let first = value.values.first().unwrap_or(&Value::Null);
    let text = |value: &Value| Literal::Text(plain(value));
    match (value.function, first) {
        (Function::Eq, first) => Ok(any_of(&keys, &Op::Eq(text(first)))),
        (Function::In, _) => Ok(any_of(&keys, &Op::In(value.values.iter().map(text).collect()))),
        (Function::Like, Value::Text(pattern)) => Ok(any_of(&keys, &glob(pattern, value)?)),
        (Function::Search, Value::Text(words)) => Ok(any_of(&keys, &Op::Contains(words.clone()))),
        (function, Value::Text(_) | Value::Number(_)) if is_comparison(function) => {
            Ok(any_of(&keys, &comparison(function, text(first))))
        }
        // The key is present with another value.
        (Function::Neq, first) => {
            let differs = |key: &String| {
                let same = negate(either(key, &Op::Eq(text(first))));
                Expr::All(vec![either(key, &Op::Exists), same])
            };
            let mut branches: Vec<Expr> = keys.iter().map(differs).collect();
            Ok(if branches.len() == 1 { branches.remove(0) } else { Expr::Any(branches) })
        }
        (function, _) => Err(unsupported(function, value)),
    }
}

/// What a test asks of the values under all keys but these.
fn value_elsewhere(keys: &[String], value: &Test) -> Result<Expr, Diagnostic> {
    let first = value.values.first().unwrap_or(&Value::Null);
    let text = |value: &Value| Literal::Text(plain(value));
    let (op, wanted) = match (value.function, first) {
        (Function::Eq, first) => (Op::Eq(text(first)), true),
        (Function::Neq, first) => (Op::Eq(text(first)), false),
        (Function::In, _) => (Op::In(value.values.iter().map(text).collect()), true),
        (Function::Like, Value::Text(pattern)) => (glob(pattern, value)?, true),
        (Function::Search, Value::Text(words)) => (Op::Contains(words.clone()), true),
        (function, Value::Text(_) | Value::Number(_)) if is_comparison(function) => {
            (comparison(function, text(first)), true)
        }
        (function, _) => return Err(unsupported(function, value)),
    };
    let test = Expr::Test(Field::MetadataExcept(keys.to_vec()), op);
    Ok(if wanted { test } else { negate(test) })
}

fn is_comparison(function: Function) -> bool {
    matches!(function, Function::Gt | Function::Gte | Function::Lt | Function::Lte)
}

fn comparison(function: Function, literal: Literal) -> Op {
    match function {
        Function::Gt => Op::Gt(literal),
        Function::Gte => Op::Ge(literal),
        Function::Lt => Op::Lt(literal),
        _ => Op::Le(literal),
    }
}

fn unsupported(function: Function, value: &Test) -> Diagnostic {
    let message = format!("{}(metadata_value, …) is not supported with this value", function.name());
    Diagnostic::new(value.span.clone(), message)
        .with_hint("eq, neq, in, like, search, gt, gte, lt and lte of texts and numbers are")
}

/// The keys that a test names, and whether it wants them (`eq`, `in`) or not (`neq`).
fn names(test: &Test) -> Result<(Vec<String>, bool), Diagnostic> {
    let keys = test.values.iter().map(plain).collect();
    match test.function {
        Function::Eq | Function::In => Ok((keys, true)),
        Function::Neq => Ok((keys, false)),
        function => {
            let message = format!("{}(metadata_key, …) is not supported yet", function.name());
            Err(Diagnostic::new(test.span.clone(), message).with_hint("eq, neq and in are"))
        }
    }
}
