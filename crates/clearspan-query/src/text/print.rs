//! From a tree back to filter text.

use super::term::is_range_of_numbers;
use crate::entry::is_number;
use crate::field;
use crate::fulltext::Search;
use crate::value::print_literal;
use crate::{Expr, Field, Literal, Op};

/// The filter text of a tree that `parse` made, so that parsing it gives the same tree.
pub fn to_text(expr: &Expr) -> String {
    match expr {
        Expr::All(terms) if terms.is_empty() => String::new(),
        Expr::All(terms) if !is_range(terms) => joined(terms, " "),
        Expr::Any(branches) if branches.len() > 1 => {
            branches.iter().map(branch).collect::<Vec<_>>().join(" OR ")
        }
        other => term(other),
    }
}

/// One alternative: `a b OR c` needs no parentheses.
fn branch(expr: &Expr) -> String {
    match expr {
        Expr::All(terms) if terms.len() > 1 && !is_range(terms) => joined(terms, " "),
        other => term(other),
    }
}

fn joined(terms: &[Expr], separator: &str) -> String {
    terms.iter().map(term).collect::<Vec<_>>().join(separator)
}

/// Text that reads as one term wherever it stands.
fn term(expr: &Expr) -> String {
    match expr {
        Expr::All(terms) => match terms.as_slice() {
            [] => "*".to_owned(),
            [only] => term(only),
            terms if is_range(terms) => range(terms),
            terms => format!("({})", joined(terms, " ")),
        },
        Expr::Any(branches) => match branches.as_slice() {
            [] => "-*".to_owned(),
            [only] => term(only),
            _ => format!("({})", to_text(expr)),
        },
        Expr::Not(inner) => match term(inner) {
            // `--x` reads as well, but nobody reads it.
            text if text.starts_with('-') => format!("-({text})"),
            text => format!("-{text}"),
        },
        Expr::AnyRun(inner) => format!("any({})", inside(inner)),
        Expr::Root(inner) => format!("root({})", inside(inner)),
        Expr::Test(field, op) => test(field, op),
    }
}

fn inside(expr: &Expr) -> String {
    match to_text(expr) {
        text if text.is_empty() => "*".to_owned(),
        text => text,
    }
}

fn test(field: &Field, op: &Op) -> String {
    match (field, op) {
        (Field::IsRoot, Op::Eq(Literal::Bool(yes))) => return is("root", *yes),
        (Field::IsUnpriced, Op::Eq(Literal::Bool(yes))) => return is("unpriced", *yes),
        _ => {}
    }
    let name = name(field);
    match op {
        Op::Eq(Literal::Text(text)) if is_range_of_numbers(text) => format!("{name}:{}", quote(text)),
        Op::Exists => format!("has:{name}"),
        Op::Eq(literal) => format!("{name}:{}", word(literal)),
        Op::In(literals) => format!("{name}:[{}]", literals.iter().map(word).collect::<Vec<_>>().join(" ")),
        Op::Lt(literal) => format!("{name}:<{}", word(literal)),
        Op::Le(literal) => format!("{name}:<={}", word(literal)),
        Op::Gt(literal) => format!("{name}:>{}", word(literal)),
        Op::Ge(literal) => format!("{name}:>={}", word(literal)),
        Op::Contains(text) => format!("{name}~{}", quote(text)),
        Op::Glob(pattern) => format!("{name}:{}", glob(pattern)),
        Op::Search(wanted) if *field == Field::Text => search(wanted, true),
        Op::Search(wanted) => format!("{name}:{}", search(wanted, false)),
    }
}

fn search(search: &Search, is_bare: bool) -> String {
    match search {
        Search::Phrase { text, is_prefix } => {
            // Only a slash in front is special, and only without quotes.
            let text = if text.starts_with('/') { quote(text) } else { quote_unless_safe(text, is_bare) };
            format!("{text}{}", if *is_prefix { "*" } else { "" })
        }
        Search::Regex(pattern) => format!("/{pattern}/"),
    }
}

fn is(what: &str, yes: bool) -> String {
    format!("{}is:{what}", if yes { "" } else { "-" })
}

fn name(field: &Field) -> String {
    match field {
        Field::Metadata(key) => format!("meta.{}", quote_unless_safe(key, false)),
        field => field::name_of(field).unwrap_or("text").to_owned(),
    }
}

fn word(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) => quote_unless_safe(text, false),
        other => print_literal(other),
    }
}

fn glob(pattern: &str) -> String {
    let part = |text: &str| match text {
        "" => String::new(),
        text => quote_unless_safe(text, false),
    };
    pattern.split('*').map(part).collect::<Vec<_>>().join("*")
}

/// `bare` words share their place with keywords and negation; values behind a colon do not.
fn quote_unless_safe(text: &str, bare: bool) -> String {
    let safe_char = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '@' | '+');
    let safe_bare = !text.starts_with('-') && !matches!(text, "AND" | "OR" | "NOT");
    if !text.is_empty() && text.chars().all(safe_char) && (safe_bare || !bare) {
        return text.to_owned();
    }
    quote(text)
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// `field:a..b` is two tests of one field.
fn is_range(terms: &[Expr]) -> bool {
    let can_be_end = |literal: &Literal| match literal {
        Literal::Text(text) => is_number(text),
        _ => true,
    };
    matches!(
        terms,
        [Expr::Test(low, Op::Ge(from)), Expr::Test(high, Op::Le(to))]
            if low == high && can_be_end(from) && can_be_end(to)
    )
}

fn range(terms: &[Expr]) -> String {
    match terms {
        [Expr::Test(field, Op::Ge(from)), Expr::Test(_, Op::Le(to))] => {
            format!("{}:{}..{}", name(field), print_literal(from), print_literal(to))
        }
        _ => joined(terms, " "),
    }
}
