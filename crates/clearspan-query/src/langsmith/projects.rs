//! The same functions on projects: `and(eq(name, "demo"), has(metadata, '{"model": "m"}'))`.

use clearspan_model::UnixNanos;

use super::examples::{MetadataFilter, map_test as map_metadata};
use super::lexer::Value;
use super::parse_calls;
use super::parser::{Call, Function, Test};
use crate::Diagnostic;
use crate::diagnostic::nearest;
use crate::value::parse_nearest_time;

/// A condition on a project.
#[derive(Debug, Clone, PartialEq)]
pub enum ProjectFilter {
    /// All of them hold.
    All(Vec<Self>),
    /// One of them holds.
    Any(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// A text of the project is one of these.
    Is(ProjectField, Vec<String>),
    /// A text of the project contains this, in any case of letters.
    Contains(ProjectField, String),
    /// There is such a text.
    Has(ProjectField),
    /// It began before this moment.
    StartedBefore(UnixNanos),
    /// It began after this moment.
    StartedAfter(UnixNanos),
    /// Its metadata.
    Metadata(MetadataFilter),
}

/// A text of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ProjectField {
    Id,
    Name,
    Description,
    ReferenceDatasetId,
}

const FIELDS: &[(&str, ProjectField)] = &[
    ("id", ProjectField::Id),
    ("name", ProjectField::Name),
    ("description", ProjectField::Description),
    ("reference_dataset_id", ProjectField::ReferenceDatasetId),
];
const START: &str = "start_time";
const METADATA: &str = "metadata";

/// Reads a filter of projects.
pub fn parse_project_filter(text: &str) -> Result<ProjectFilter, Diagnostic> {
    map(parse_calls(text)?)
}

fn map(call: Call) -> Result<ProjectFilter, Diagnostic> {
    let many = |calls: Vec<Call>| calls.into_iter().map(map).collect::<Result<Vec<_>, _>>();
    Ok(match call {
        Call::And(calls) => ProjectFilter::All(many(calls)?),
        Call::Or(calls) => ProjectFilter::Any(many(calls)?),
        Call::Not(call) => ProjectFilter::Not(Box::new(map(*call)?)),
        Call::Test(test) => map_test(test)?,
    })
}

fn map_test(test: Test) -> Result<ProjectFilter, Diagnostic> {
    let name = test.field.clone().unwrap_or_default();
    match FIELDS.iter().find(|(known, _)| *known == name) {
        Some((_, field)) => map_text(*field, test),
        None if name == METADATA => map_metadata(test).map(ProjectFilter::Metadata),
        None if name == START => map_start(&test),
        None => {
            let known = || FIELDS.iter().map(|(name, _)| *name).chain([START, METADATA]);
            let unknown = Diagnostic::new(test.field_span, format!("projects have no field {name:?}"));
            Err(match nearest(&name, known()) {
                Some(suggestion) => unknown.with_hint(format!("did you mean {suggestion:?}?")),
                None => unknown.with_hint(format!("there are {}", known().collect::<Vec<_>>().join(", "))),
            })
        }
    }
}

fn map_text(field: ProjectField, test: Test) -> Result<ProjectFilter, Diagnostic> {
    let not = |filter| ProjectFilter::Not(Box::new(filter));
    match (test.function, test.values.as_slice()) {
        (Function::Eq, [Value::Null]) => return Ok(not(ProjectFilter::Has(field))),
        (Function::Neq, [Value::Null]) => return Ok(ProjectFilter::Has(field)),
        _ => {}
    }
    let refused = || {
        let message = format!("{}(…) cannot test this text of projects", test.function.name());
        Diagnostic::new(test.span.clone(), message).with_hint("eq, neq, in and search can")
    };
    let text = |value: &Value| match value {
        Value::Text(text) => Ok(text.clone()),
        _ => Err(Diagnostic::new(test.span.clone(), "a text in quotes is needed")),
    };
    let mut texts = test.values.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    match test.function {
        Function::Eq | Function::In => Ok(ProjectFilter::Is(field, texts)),
        Function::Neq => Ok(not(ProjectFilter::Is(field, texts))),
        Function::Search => texts.pop().map(|text| ProjectFilter::Contains(field, text)).ok_or_else(refused),
        _ => Err(refused()),
    }
}

fn map_start(test: &Test) -> Result<ProjectFilter, Diagnostic> {
    let time = match test.values.as_slice() {
        [Value::Text(text)] => parse_nearest_time(text),
        _ => None,
    };
    let time = time.ok_or_else(|| {
        Diagnostic::new(test.span.clone(), "start_time is compared with a time in quotes")
            .with_hint("write for example gt(start_time, \"2026-11-01T00:00:00Z\")")
    })?;
    let not = |filter| ProjectFilter::Not(Box::new(filter));
    match test.function {
        Function::Lt => Ok(ProjectFilter::StartedBefore(time)),
        Function::Gte => Ok(not(ProjectFilter::StartedBefore(time))),
        Function::Gt => Ok(ProjectFilter::StartedAfter(time)),
        Function::Lte => Ok(not(ProjectFilter::StartedAfter(time))),
        function => {
            let message = format!("{}(…) cannot test when a project began", function.name());
            Err(Diagnostic::new(test.span.clone(), message).with_hint("lt, lte, gt and gte can"))
        }
    }
}

#[cfg(test)]
mod tests;
