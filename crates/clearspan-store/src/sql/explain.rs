//! Failures of the planner and the engine in words that help, with the place in the statement where that is known.

use std::ops::Range;

use clearspan_model::ErrorKind;
use datafusion::arrow::error::ArrowError;
use datafusion::common::{Column, DataFusionError, SchemaError};
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::Location;

use super::{limits, refused, views};
use crate::Error;
use crate::pool::share;

/// Names that are suggested for a wrong one.
const SUGGESTIONS: usize = 3;
const DOING: &str = "running a statement";

/// What went wrong with a statement.
pub(super) fn readable(err: DataFusionError, text: &str) -> Error {
    match Error::inside(&err) {
        // Most of all that stored data is damaged, or cannot be reached.
        Some(_) => Error::of_engine(err, || DOING.into()),
        None => share::refusal(&err).unwrap_or_else(|| of_the_engine(&err, text)),
    }
}

fn of_the_engine(err: &DataFusionError, text: &str) -> Error {
    let position = err.diagnostic().and_then(|diagnostic| diagnostic.span).map(|span| {
        let start = Location { line: span.start.line, column: span.start.column };
        limits::place(text, start)
    });
    match root_of(err) {
        DataFusionError::SQL(parser, _) => parser_error(parser, text),
        DataFusionError::SchemaError(schema, _) => schema_error(schema, text, position),
        DataFusionError::Plan(message) => planning_error(message, text, position),
        DataFusionError::NotImplemented(message) => {
            refused(format!("this is not offered: {}", cleaned(message)), position)
        }
        DataFusionError::Execution(message) => refused(cleaned(message), position),
        DataFusionError::ArrowError(arrow, _) => arrow_error(arrow),
        DataFusionError::External(_)
        | DataFusionError::ParquetError(_)
        | DataFusionError::ObjectStore(_)
        | DataFusionError::IoError(_) => failed(err),
        // The rest are statements that the engine takes for possible and then stumbles over.
        other => {
            let message = cleaned(&other.strip_backtrace());
            tracing::warn!(error = %message, "a statement could not be run");
            refused(format!("the engine cannot run this statement: {message}"), position)
        }
    }
}

fn root_of(err: &DataFusionError) -> &DataFusionError {
    match err {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => root_of(inner),
        DataFusionError::Shared(inner) => root_of(inner),
        DataFusionError::Collection(all) => all.first().map_or(err, root_of),
        DataFusionError::External(source) => source.downcast_ref::<DataFusionError>().map_or(err, root_of),
        DataFusionError::ArrowError(arrow, _) => match &**arrow {
            ArrowError::ExternalError(source) => {
                source.downcast_ref::<DataFusionError>().map_or(err, root_of)
            }
            _ => err,
        },
        _ => err,
    }
}

fn failed(err: &DataFusionError) -> Error {
    Error::caused(ErrorKind::Internal, DOING, err.strip_backtrace())
}

fn arrow_error(err: &ArrowError) -> Error {
    match err {
        ArrowError::DivideByZero => refused("division by zero", None),
        ArrowError::ParquetError(_) | ArrowError::IoError(..) => {
            Error::caused(ErrorKind::Internal, DOING, err.to_string())
        }
        other => refused(cleaned(&other.to_string()), None),
    }
}

fn parser_error(err: &ParserError, text: &str) -> Error {
    match err {
        ParserError::RecursionLimitExceeded => refused("the statement is nested too deeply", None),
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
            let (message, position) = without_place(message, text);
            refused(format!("the statement cannot be read: {message}"), position)
        }
    }
}

/// Takes ` at Line: 1, Column: 12` off a message.
fn without_place(message: &str, text: &str) -> (String, Option<Range<usize>>) {
    let Some((said, place)) = message.rsplit_once(" at Line: ") else { return (cleaned(message), None) };
    let numbers: Vec<u64> =
        place.split(", Column: ").filter_map(|number| number.trim().parse().ok()).collect();
    let position = match numbers.as_slice() {
        [line, column] => Some(limits::place(text, Location { line: *line, column: *column })),
        _ => None,
    };
    (cleaned(said), position)
}

fn schema_error(err: &SchemaError, text: &str, position: Option<Range<usize>>) -> Error {
    match err {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let after = position.map_or(0, |position| position.start);
            let position = word_after(text, after, &field.name).or_else(|| word_after(text, 0, &field.name));
            refused(no_column(field, valid_fields), position)
        }
        SchemaError::AmbiguousReference { field } => {
            let message = format!(
                "the column {} is in several tables; say which, as in runs.{}",
                field.name, field.name
            );
            refused(message, position)
        }
        other => refused(cleaned(&other.to_string()), position),
    }
}

fn no_column(field: &Column, valid: &[Column]) -> String {
    let mut near: Vec<(usize, &str)> = valid
        .iter()
        .map(|column| (distance(&field.name.to_lowercase(), &column.name), column.name.as_str()))
        .filter(|(distance, name)| *distance <= 2 + name.len() / 4)
        .collect();
    near.sort_unstable();
    near.dedup();
    let names: Vec<&str> = near.iter().take(SUGGESTIONS).map(|(_, name)| *name).collect();
    let hint = match names.as_slice() {
        [] => "DESCRIBE lists the columns of a table".to_owned(),
        names => format!("near it are {}", names.join(", ")),
    };
    format!("there is no column {:?}; {hint}", field.flat_name())
}

fn planning_error(message: &str, text: &str, position: Option<Range<usize>>) -> Error {
    if let Some(name) = message.strip_prefix("table '").and_then(|rest| rest.strip_suffix("' not found")) {
        let name = name.strip_prefix(&format!("{}.{}.", views::CATALOG, views::SCHEMA)).unwrap_or(name);
        let message = format!("there is no table {name:?}; there are {}", views::NAMES.join(", "));
        return refused(message, position.or_else(|| word_after(text, 0, name)));
    }
    refused(cleaned(message), position)
}

/// Messages of the engine without its own names and its advice to report bugs.
fn cleaned(message: &str) -> String {
    let message = message.split("\n\nbacktrace:").next().unwrap_or(message);
    let message = message.split("This issue was likely caused by a bug").next().unwrap_or(message).trim();
    let message = message.strip_prefix("Error during planning: ").unwrap_or(message);
    let message = message.trim_end_matches(['.', ' ']);
    let mut chars = message.chars();
    match chars.next() {
        // Not where the word is a name in capitals.
        Some(first) if !chars.as_str().starts_with(char::is_uppercase) => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => message.to_owned(),
    }
}

fn word_after(text: &str, after: usize, name: &str) -> Option<Range<usize>> {
    let start = after + text.get(after..)?.find(name)?;
    Some(start..start + name.len())
}

/// How many letters must be added, removed or changed (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, c) in one.chars().take(64).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (idx, d) in other.iter().enumerate() {
            let change = diagonal + usize::from(c != *d);
            diagonal = row[idx + 1];
            row[idx + 1] = change.min(row[idx] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}
