//! LangSmith's run filter functions: `and(eq(run_type, "llm"), gt(latency, "5s"))`.
//!
//! This module reads the language and maps its fields to ours. A function or field that [`Expr`] cannot
//! express is an error that names it, because a filter that is silently ignored shows wrong runs.
//! Pairs of `metadata_key` and `metadata_value` inside one `and` speak of the same key (module `pairs`), `input_key` and
//! `input_value` of the same place (`paths`), `feedback_key` and `feedback_score` of the same feedback (`feedback`).

mod examples;
mod feedback;
mod lexer;
mod meaning;
mod numbers;
mod pairs;
mod parser;
mod paths;
mod projects;

pub use examples::{MetadataFilter, parse_example_filter};
pub use feedback::{FeedbackField, FeedbackTest, FindFeedback};
pub use numbers::{Numbers, parse_numbers};
pub use projects::{ProjectField, ProjectFilter, parse_project_filter};

use crate::{Diagnostic, Expr, Field, MAX_FILTER_BYTES};

/// Reads a filter of runs whose feedback nobody knows.
pub fn parse(text: &str) -> Result<Expr, Diagnostic> {
    parse_with(text, &mut |_| Err("filtering on feedback is not supported here".to_owned()))
}

/// Reads a filter; `find` says which runs have feedback.
pub fn parse_with(text: &str, find: &mut FindFeedback<'_>) -> Result<Expr, Diagnostic> {
    meaning::map(&parse_calls(text)?, find)
}

/// The words of a full-text search, all of which must occur in a run.
pub fn words(text: &str) -> Result<Expr, Diagnostic> {
    check_length(text, "the text to search for")?;
    meaning::words(&Field::Text, text, 0..text.len())
}

fn check_length(text: &str, what: &str) -> Result<(), Diagnostic> {
    if text.len() <= MAX_FILTER_BYTES {
        return Ok(());
    }
    let message = format!("{what} is longer than {MAX_FILTER_BYTES} bytes");
    Err(Diagnostic::new(0..text.len(), message))
}

fn parse_calls(text: &str) -> Result<parser::Call, Diagnostic> {
    check_length(text, "the filter")?;
    let tokens = lexer::lex(text)?;
    parser::parse(&tokens, text.len())
}

#[cfg(test)]
mod tests;
