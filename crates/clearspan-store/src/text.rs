//! Tests of text as [`Op`] defines them, for engines that evaluate them themselves.

use clearspan_query::{Literal, Op};

/// Whether a text satisfies a test.
pub(crate) fn matches(text: &str, op: &Op) -> bool {
    let with = |literal: &Literal, test: fn(&str, &str) -> bool| match literal {
        Literal::Text(other) => test(text, other),
        _ => false,
    };
    match op {
        Op::Exists => true,
        Op::Eq(literal) => with(literal, |text, other| text == other),
        Op::In(literals) => literals.iter().any(|literal| with(literal, |text, other| text == other)),
        Op::Lt(literal) => with(literal, |text, other| text < other),
        Op::Le(literal) => with(literal, |text, other| text <= other),
        Op::Gt(literal) => with(literal, |text, other| text > other),
        Op::Ge(literal) => with(literal, |text, other| text >= other),
        Op::Contains(part) => text.to_lowercase().contains(&part.to_lowercase()),
        // Made by `crate::texts`; fields of single words have none.
        Op::Search(_) => false,
        Op::Glob(pattern) => glob(&pattern.to_lowercase(), &text.to_lowercase()),
    }
}

/// Whether the whole text matches a pattern in which `*` stands for any text.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(last) = parts.next_back() else { return pattern == text };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}
