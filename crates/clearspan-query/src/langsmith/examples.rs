//! Filters of examples, in the same language: `and(exists(metadata, "tenant"), not(has(metadata, '{"kind": "test"}')))`.

use serde_json::Value as Json;

use super::lexer::Value;
use super::parse_calls;
use super::parser::{Call, Function, Test};
use crate::Diagnostic;

/// A condition on the metadata of an example.
#[derive(Debug, Clone, PartialEq)]
pub enum MetadataFilter {
    /// All of them hold.
    All(Vec<Self>),
    /// One of them holds.
    Any(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// The metadata contains this object.
    Contains(Json),
    /// The metadata has this key.
    HasKey(String),
}

/// Reads a filter of examples.
pub fn parse_example_filter(text: &str) -> Result<MetadataFilter, Diagnostic> {
    map(parse_calls(text)?)
}

fn map(call: Call) -> Result<MetadataFilter, Diagnostic> {
    let many = |calls: Vec<Call>| calls.into_iter().map(map).collect::<Result<Vec<_>, _>>();
    Ok(match call {
        Call::And(calls) => MetadataFilter::All(many(calls)?),
        Call::Or(calls) => MetadataFilter::Any(many(calls)?),
        Call::Not(call) => MetadataFilter::Not(Box::new(map(*call)?)),
        Call::Test(test) => map_test(test)?,
    })
}

pub(super) fn map_test(test: Test) -> Result<MetadataFilter, Diagnostic> {
    let Test { function, field, mut values, span, field_span } = test;
    if field.as_deref() != Some("metadata") {
        return Err(Diagnostic::new(field_span, "examples are filtered by their metadata only")
            .with_hint("write for example exists(metadata, \"key\")"));
    }
    match (function, values.pop()) {
        (Function::Exists, Some(Value::Text(key))) => Ok(MetadataFilter::HasKey(key)),
        (Function::Exists, _) => {
            Err(Diagnostic::new(span, "exists(metadata, …) needs the name of a key in quotes"))
        }
        (Function::Has, Some(Value::Text(text))) => match serde_json::from_str(&text) {
            Ok(part @ Json::Object(_)) => Ok(MetadataFilter::Contains(part)),
            _ => Err(Diagnostic::new(span, "has(metadata, …) needs a JSON object in quotes")
                .with_hint("write for example has(metadata, '{\"key\": \"value\"}')")),
        },
        (Function::Has, _) => Err(Diagnostic::new(span, "has(metadata, …) needs a JSON object in quotes")),
        (function, _) => Err(Diagnostic::new(span, format!("{}(…) cannot test metadata", function.name()))
            .with_hint("exists(metadata, \"key\") and has(metadata, '{\"key\": \"value\"}') can")),
    }
}

#[cfg(test)]
mod tests;
