//! Our filter text: `status:error cost:>0.50 model:claude-* -env:staging any(tool:search)`.
//!
//! Terms separated by blanks must all hold; `OR` and parentheses group, `-` (or `NOT`) negates. A term is
//! `field:value`, `field:>value` (also `>=`, `<`, `<=`), `field:from..to` (both ends inside), `meta.key:…` in these forms,
//! `field:*glob*`, `field:[one two]`, `field:*` (there is a value), `field~"contained"`, `has:field`,
//! `is:root|error|pending|unpriced`, a scope `any(…)` or `root(…)`, or a search in all texts of the run: a `word`, a
//! `"phrase"`, a `prefix*`, a `/regular expression/` (see [`crate::fulltext`]); with `input:`, `output:` or
//! `error:` before it in these alone. `*` alone holds always. Quotes keep blanks and take every character as
//! it is; inside of them `\"` and `\\` stand for `"` and `\`.
//!
//! `meta.score:>9` and `meta.score:5..10` compare numbers as numbers, and find no other values. `meta.day:>=2026-11-20`
//! compares other text by its characters, and finds no numbers. Ranges of metadata have numbers as their ends, because a
//! value such as `../a` may have two dots itself. Equality is that of the text: `meta.score:9.5` does not find `9.50`.
//!
//! [`to_text`] is the inverse of [`parse`]: what it prints for a parsed filter parses to the same tree.
//! Neither recurses deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).

mod parser;
mod print;
mod search;
mod term;
#[cfg(test)]
mod tests;

use crate::{Diagnostic, Expr};

pub use print::to_text;

/// Reads a filter. Empty text is the filter that everything passes.
pub fn parse(text: &str) -> Result<Expr, Vec<Diagnostic>> {
    parser::parse(text)
}

/// A moment as people write it in filters and in time ranges: a date, a date with a time (UTC where no zone
/// is said), or microseconds since the epoch.
pub fn parse_time(text: &str) -> Option<clearspan_model::UnixNanos> {
    crate::value::parse_time(text)
}

/// The same for a moment that only has to be compared with others, such as when something ends: of those that are too far away to
/// be told in nanoseconds (before 1677, after 2262), the nearest that is not.
pub fn parse_nearest_time(text: &str) -> Option<clearspan_model::UnixNanos> {
    crate::value::parse_nearest_time(text)
}

/// A run id as people copy it: a UUID, 32 hexadecimal digits, or the 16 digits of a span id.
pub fn parse_run_id(text: &str) -> Option<clearspan_model::RunId> {
    crate::value::parse_run_id(text)
}
