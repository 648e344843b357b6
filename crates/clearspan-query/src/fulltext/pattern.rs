//! Regular expressions: how they are compiled, and what is wrong with one.

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::Hir;

use crate::Diagnostic;

/// The largest program that a pattern may become. Rejects what repeats repetitions.
const MAX_PROGRAM_BYTES: usize = 2 << 20;
/// How deep a pattern may nest.
const MAX_NESTING: u32 = 64;

/// Compiles a pattern. Positions of the complaint are places in it.
pub(super) fn compile(pattern: &str) -> Result<Regex, Diagnostic> {
    parse(pattern)?;
    RegexBuilder::new(pattern)
        .case_insensitive(!has_upper_case(pattern))
        .multi_line(true)
        .nest_limit(MAX_NESTING)
        .size_limit(MAX_PROGRAM_BYTES)
        .build()
        .map_err(|_| {
            Diagnostic::new(0..pattern.len(), "this regular expression is too large")
                .with_hint("large counts of repetitions make it so; `.*` and `\\w+` are cheap")
        })
}

/// The structure of a pattern, as if it heeded case.
pub(super) fn parse(pattern: &str) -> Result<Hir, Diagnostic> {
    let mut parser = regex_syntax::ParserBuilder::new().nest_limit(MAX_NESTING).multi_line(true).build();
    parser.parse(pattern).map_err(|err| {
        let (span, what) = match &err {
            regex_syntax::Error::Parse(err) => (*err.span(), err.kind().to_string()),
            regex_syntax::Error::Translate(err) => (*err.span(), err.kind().to_string()),
            err => return Diagnostic::new(0..pattern.len(), format!("bad regular expression: {err}")),
        };
        let (start, end) = (span.start.offset, span.end.offset.max(span.start.offset));
        Diagnostic::new(start..end, format!("bad regular expression: {what}")).with_hint(
            "put a backslash before a sign that is meant as it is, or search for a phrase in quotes",
        )
    })
}

/// Whether a person typed an upper-case letter, and so means it. Classes such as `\W` and `\p{Lu}` are none.
fn has_upper_case(pattern: &str) -> bool {
    let mut chars = pattern.chars();
    while let Some(next) = chars.next() {
        if next != '\\' {
            if next.is_uppercase() {
                return true;
            }
            continue;
        }
        if matches!(chars.next(), Some('p' | 'P' | 'x' | 'u' | 'U' | 'b')) && chars.as_str().starts_with('{')
        {
            chars.by_ref().take_while(|c| *c != '}').for_each(drop);
        }
    }
    false
}
