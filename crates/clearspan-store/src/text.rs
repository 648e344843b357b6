//! Tests of text as [`Op`] defines them, for engines that evaluate them themselves.

use std::cmp::Ordering;

use clearspan_query::{Literal, Op, compare_entries};

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

/// The same for the value of a metadata key, which is in its own order with others.
pub(crate) fn entry_matches(value: &str, op: &Op) -> bool {
    let (literal, holds): (&Literal, fn(Ordering) -> bool) = match op {
        Op::Lt(literal) => (literal, Ordering::is_lt),
        Op::Le(literal) => (literal, Ordering::is_le),
        Op::Gt(literal) => (literal, Ordering::is_gt),
        Op::Ge(literal) => (literal, Ordering::is_ge),
        op => return matches(value, op),
    };
    matches!(literal, Literal::Text(other) if compare_entries(value, other).is_some_and(holds))
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
