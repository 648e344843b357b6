//! Words, values and punctuation.

use std::ops::Range;

use clearspan_model::Decimal;

use crate::Diagnostic;
use crate::value::parse_decimal;

/// A piece of the filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) span: Range<usize>,
    pub(super) kind: TokenKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    /// `(`, `)`, `[`, `]` or `,`.
    Mark(char),
    /// A function or a field.
    Word(String),
    /// A value.
    Value(Value),
}

/// A value as the filter says it, before it is known what it is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(Decimal),
    Bool(bool),
    Null,
}

pub(super) fn lex(text: &str) -> Result<Vec<Token>, Diagnostic> {
    let mut tokens = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some(&(start, first)) = chars.peek() {
        if first.is_whitespace() {
            chars.next();
            continue;
        }
        let kind = match first {
            '(' | ')' | '[' | ']' | ',' => {
                chars.next();
                TokenKind::Mark(first)
            }
            '"' | '\'' => {
                chars.next();
                TokenKind::Value(Value::Text(quoted(&mut chars, first, start, text.len())?))
            }
            _ => {
                let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '+' | ':');
                while chars.next_if(|(_, c)| is_word(*c)).is_some() {}
                let end = chars.peek().map_or(text.len(), |(at, _)| *at);
                if end == start {
                    let message = format!("the character {first:?} has no meaning here");
                    return Err(Diagnostic::new(start..start + first.len_utf8(), message)
                        .with_hint("put text values in quotes"));
                }
                word(text.get(start..end).unwrap_or_default())
            }
        };
        let end = chars.peek().map_or(text.len(), |(at, _)| *at);
        tokens.push(Token { span: start..end, kind });
    }
    Ok(tokens)
}

/// The inside of a quoted value; the opening quote is behind us.
fn quoted(
    chars: &mut impl Iterator<Item = (usize, char)>,
    quote: char,
    start: usize,
    end: usize,
) -> Result<String, Diagnostic> {
    let mut text = String::new();
    while let Some((_, next)) = chars.next() {
        match next {
            '\\' => match chars.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, escaped @ ('\\' | '"' | '\'' | '/'))) => text.push(escaped),
                Some((_, other)) => text.extend(['\\', other]),
                None => break,
            },
            next if next == quote => return Ok(text),
            next => text.push(next),
        }
    }
    Err(Diagnostic::new(start..end, "this quote is never closed"))
}

fn word(text: &str) -> TokenKind {
    let looks_numeric = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    match text {
        "true" | "True" => TokenKind::Value(Value::Bool(true)),
        "false" | "False" => TokenKind::Value(Value::Bool(false)),
        "null" | "None" => TokenKind::Value(Value::Null),
        _ => match parse_decimal(text).filter(|_| looks_numeric) {
            Some(number) => TokenKind::Value(Value::Number(number)),
            None => TokenKind::Word(text.to_owned()),
        },
    }
}
