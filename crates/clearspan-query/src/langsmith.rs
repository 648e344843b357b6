//! LangSmith's run filter functions: `and(eq(run_type, "llm"), gt(latency, "5s"))`.
//!
//! This module reads the language and maps its fields to ours. A function or field that [`Expr`] cannot
//! express is an error that names it, because a filter that is silently ignored shows wrong runs.
//! Pairs of `metadata_key` and `metadata_value` inside one `and` speak of the same key (module `pairs`).

mod lexer;
mod meaning;
mod pairs;
mod parser;

use crate::{Diagnostic, Expr, MAX_FILTER_BYTES};

/// Reads a filter.
pub fn parse(text: &str) -> Result<Expr, Diagnostic> {
    if text.len() > MAX_FILTER_BYTES {
        let message = format!("the filter is longer than {MAX_FILTER_BYTES} bytes");
        return Err(Diagnostic::new(0..text.len(), message));
    }
    let tokens = lexer::lex(text)?;
    let call = parser::parse(&tokens, text.len())?;
    meaning::map(&call)
}

#[cfg(test)]
mod tests;
