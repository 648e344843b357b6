//! Single terms: `field:value` in all its forms, and bare words.

use std::ops::Range;

use clearspan_model::Status;

use super::parser::Parser;
use super::search;
use crate::diagnostic::nearest;
use crate::entry::is_number;
use crate::field::{self, Kind};
use crate::value::parse_literal;
use crate::{Diagnostic, Expr, Field, Literal, Op};

/// A value as it was written.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) span: Range<usize>,
    /// Some part of it was in quotes.
    pub(super) quoted: bool,
    /// A `*` stood outside of quotes.
    pub(super) has_wildcard: bool,
}

impl Parser<'_> {
    /// A field term or a bare word. `None` after a complaint.
    pub(super) fn simple_term(&mut self) -> Option<Expr> {
        let start = self.pos();
        if let Some((field, separator)) = self.field_prefix(start)? {
            return match field {
                Prefix::Has => self.has(),
                Prefix::Is => self.is(),
                Prefix::Field(field) if separator == '~' => self.contains(field),
                Prefix::Field(field) if search::is_searched(&field) => self.search(field, start),
                Prefix::Field(field) => self.test(field, start),
            };
        }
        self.rewind(start);
        if self.peek() == Some('/') {
            return self.pattern(Field::Text);
        }
        let word = self.word()?;
        if word.text == "*" && !word.quoted {
            return Some(Expr::All(Vec::new()));
        }
        self.phrase(Field::Text, word)
    }

    /// The part before `:` or `~`. The outer `None` after a complaint, the inner one for a bare word.
    fn field_prefix(&mut self, start: usize) -> Option<Option<(Prefix, char)>> {
        self.skip_while(|c| c.is_ascii_alphanumeric() || c == '_');
        let name = self.since(start).to_owned();
        let is_metadata = matches!(name.as_str(), "meta" | "metadata") && self.eat(".");
        let key = if is_metadata { self.metadata_key()? } else { String::new() };
        let name_span = start..self.pos();
        let separator = match self.peek() {
            Some(separator @ (':' | '~')) if !name.is_empty() => separator,
            Some('(') if !name.is_empty() => {
                let scope = Diagnostic::new(name_span, format!("there is no scope {name:?}"));
                self.complain(
                    scope.with_hint("known are any(…) and root(…); put quotes around text with parentheses"),
                );
                return None;
            }
            _ => return Some(None),
        };
        self.bump();
        let prefix = match name.as_str() {
            _ if is_metadata && key.is_empty() => {
                let missing = Diagnostic::new(name_span, "the metadata key is missing");
                self.complain(missing.with_hint("write meta.plan:pro"));
                return None;
            }
            _ if is_metadata => Prefix::Field(Field::Metadata(key)),
            "has" if separator == ':' => Prefix::Has,
            "is" if separator == ':' => Prefix::Is,
            name => match field::by_name(name) {
                Some(field) => Prefix::Field(field),
                None => {
                    self.complain(unknown_field(name, name_span));
                    return None;
                }
            },
        };
        Some(Some((prefix, separator)))
    }

    fn metadata_key(&mut self) -> Option<String> {
        if self.peek() == Some('"') {
            return self.quoted();
        }
        let start = self.pos();
        self.skip_while(|c| !c.is_whitespace() && !matches!(c, ':' | '~' | '(' | ')' | '"'));
        Some(self.since(start).to_owned())
    }

    /// Text in quotes; the position is on the opening one.
    fn quoted(&mut self) -> Option<String> {
        let start = self.pos();
        self.bump();
        let mut text = String::new();
        loop {
            match self.bump() {
                Some('"') => return Some(text),
                Some('\\') if matches!(self.peek(), Some('"' | '\\')) => text.extend(self.bump()),
                Some(other) => text.push(other),
                None => {
                    self.complain(Diagnostic::new(start..self.pos(), "this quote is never closed"));
                    return None;
                }
            }
        }
    }

    /// A value: any mix of quoted parts and characters that are neither blank nor parenthesis.
    pub(super) fn word(&mut self) -> Option<Word> {
        self.word_until(|_| false)
    }

    fn word_until(&mut self, is_end: impl Fn(char) -> bool) -> Option<Word> {
        let start = self.pos();
        let mut word = Word { text: String::new(), span: start..start, quoted: false, has_wildcard: false };
        let mut literal_star = false;
        while let Some(next) = self.peek() {
            match next {
                '"' => {
                    let part = self.quoted()?;
                    literal_star |= part.contains('*');
                    word.text.push_str(&part);
                    word.quoted = true;
                }
                next if next.is_whitespace() || next == ')' || is_end(next) => break,
                '(' => {
                    let opened = Diagnostic::new(self.pos()..self.pos() + 1, "a value cannot contain `(`");
                    self.complain(opened.with_hint("put quotes around the value"));
                    return None;
                }
                next => {
                    word.has_wildcard |= next == '*';
                    word.text.push(next);
                    self.bump();
                }
            }
        }
        word.span = start..self.pos();
        if word.has_wildcard && literal_star {
            let message = "a `*` in quotes cannot be joined with one that is a wildcard";
            self.complain(Diagnostic::new(word.span, message));
            return None;
        }
        if word.text.is_empty() && !word.quoted {
            let missing = Diagnostic::new(start..self.pos(), "a value is missing here");
            self.complain(missing.with_hint("write \"\" for empty text"));
            return None;
        }
        Some(word)
    }

    fn has(&mut self) -> Option<Expr> {
        let start = self.pos();
        let is_metadata = self.eat("meta.") || self.eat("metadata.");
        if is_metadata {
            let key = self.metadata_key()?;
            if key.is_empty() {
                self.complain(Diagnostic::new(start..self.pos(), "the metadata key is missing"));
                return None;
            }
            return Some(Expr::Test(Field::Metadata(key), Op::Exists));
        }
        let word = self.word()?;
        match field::by_name(&word.text) {
            Some(field) => Some(Expr::Test(field, Op::Exists)),
            None if word.text == "feedback" => {
                self.complain(Diagnostic::new(word.span, "feedback cannot be filtered on yet"));
                None
            }
            None => {
                let unknown = Diagnostic::new(word.span, format!("has: does not know {:?}", word.text));
                self.complain(
                    unknown.with_hint("known are the fields, for example has:error, has:thread or has:cost"),
                );
                None
            }
        }
    }

    fn is(&mut self) -> Option<Expr> {
        let word = self.word()?;
        let (field, literal) = match word.text.as_str() {
            "root" => (Field::IsRoot, Literal::Bool(true)),
            "unpriced" => (Field::IsUnpriced, Literal::Bool(true)),
            "error" => (Field::Status, Literal::Status(Status::Error)),
            "pending" => (Field::Status, Literal::Status(Status::Pending)),
            other => {
                let unknown = Diagnostic::new(word.span, format!("is: does not know {other:?}"));
                self.complain(unknown.with_hint("known are is:root, is:error, is:pending and is:unpriced"));
                return None;
            }
        };
        Some(Expr::Test(field, Op::Eq(literal)))
    }

    fn contains(&mut self, field: Field) -> Option<Expr> {
        let word = self.word()?;
        let kind = field::kind_of(&field);
        if kind == Kind::FullText {
            return self.part(field, word);
        }
        if kind != Kind::Text {
            let message = format!("`~` searches in text, and this field is {}", kind.noun());
            self.complain(Diagnostic::new(word.span, message));
            return None;
        }
        Some(Expr::Test(field, Op::Contains(word.text)))
    }

    pub(super) fn test(&mut self, field: Field, start: usize) -> Option<Expr> {
        let kind = field::kind_of(&field);
        let is_entry = matches!(field, Field::Metadata(_));
        let comparison = [">=", "<=", ">", "<"].into_iter().find(|op| self.eat(op));
        if let Some(comparison) = comparison {
            let word = self.word()?;
            if !kind.is_ordered() && !is_entry {
                let message = format!(
                    "`{comparison}` compares numbers, durations and times, and this field is {}",
                    kind.noun()
                );
                self.complain(Diagnostic::new(start..word.span.end, message));
                return None;
            }
            let literal = self.literal(kind, &word.text, word.span)?;
            let op = match comparison {
                ">=" => Op::Ge(literal),
                "<=" => Op::Le(literal),
                ">" => Op::Gt(literal),
                _ => Op::Lt(literal),
            };
            return Some(Expr::Test(field, op));
        }
        if self.eat("[") {
            return self.list(field, kind, start);
        }
        let word = self.word()?;
        if word.text == "*" && !word.quoted {
            return Some(Expr::Test(field, Op::Exists));
        }
        let has_range = match kind.is_ordered() {
            true => word.text.contains(".."),
            false => is_entry && is_range_of_numbers(&word.text),
        };
        if has_range && !word.quoted {
            return self.range(field, kind, word);
        }
        if word.has_wildcard {
            if kind != Kind::Text {
                let message = format!("`*` matches text, and this field is {}", kind.noun());
                self.complain(Diagnostic::new(word.span, message));
                return None;
            }
            return Some(Expr::Test(field, Op::Glob(word.text)));
        }
        let literal = self.literal(kind, &word.text, word.span)?;
        Some(Expr::Test(field, Op::Eq(literal)))
    }

    /// `from..to`, either of which may be missing.
    fn range(&mut self, field: Field, kind: Kind, word: Word) -> Option<Expr> {
        let (from, to) = word.text.split_once("..").expect("the caller saw the dots");
        let middle = word.span.start + from.len();
        let mut ends = Vec::new();
        if !from.is_empty() {
            ends.push(Op::Ge(self.literal(kind, from, word.span.start..middle)?));
        }
        if !to.is_empty() {
            ends.push(Op::Le(self.literal(kind, to, middle + 2..word.span.end)?));
        }
        let mut ends: Vec<Expr> = ends.into_iter().map(|op| Expr::Test(field.clone(), op)).collect();
        match ends.len() {
            0 => {
                self.complain(Diagnostic::new(word.span, "the range has neither a beginning nor an end"));
                None
            }
            1 => ends.pop(),
            _ => Some(Expr::All(ends)),
        }
    }

    /// `[one two]`, the position is behind the bracket.
    fn list(&mut self, field: Field, kind: Kind, start: usize) -> Option<Expr> {
        let words = self.words_of_list(start)?;
        let literals = words.into_iter().map(|word| self.literal(kind, &word.text, word.span));
        Some(Expr::Test(field, Op::In(literals.collect::<Option<_>>()?)))
    }

    /// The words of `[one two]`, at least one.
    pub(super) fn words_of_list(&mut self, start: usize) -> Option<Vec<Word>> {
        let mut words = Vec::new();
        loop {
            self.skip_while(|c| c.is_whitespace() || c == ',');
            if self.eat("]") {
                break;
            }
            if self.peek().is_none_or(|next| next == ')') {
                self.complain(Diagnostic::new(start..self.pos(), "this list is never closed with `]`"));
                return None;
            }
            let word = self.word_until(|c| matches!(c, ',' | ']'))?;
            if word.has_wildcard {
                let star = Diagnostic::new(word.span, "a list takes whole values, without `*`");
                self.complain(star.with_hint("join several terms with OR"));
                return None;
            }
            words.push(word);
        }
        if words.is_empty() {
            self.complain(Diagnostic::new(start..self.pos(), "the list is empty"));
            return None;
        }
        Some(words)
    }

    fn literal(&mut self, kind: Kind, text: &str, span: Range<usize>) -> Option<Literal> {
        match parse_literal(kind, text) {
            Ok(literal) => Some(literal),
            Err(message) => {
                self.complain(Diagnostic::new(span, message));
                None
            }
        }
    }
}

/// What stands before the separator.
#[derive(Debug)]
enum Prefix {
    Has,
    Is,
    Field(Field),
}

/// Whether the value of a metadata key is a range: other texts may have two dots of their own, such as paths.
pub(super) fn is_range_of_numbers(text: &str) -> bool {
    let is_end = |end: &str| end.is_empty() || is_number(end);
    text.split_once("..").is_some_and(|(from, to)| text != ".." && is_end(from) && is_end(to))
}

fn unknown_field(name: &str, span: Range<usize>) -> Diagnostic {
    let unknown = Diagnostic::new(span, format!("there is no field {name:?}"));
    let known = field::names().chain(["meta", "has", "is"]);
    match nearest(name, known) {
        Some("meta") => unknown.with_hint("did you mean meta.<key>?"),
        Some(suggestion) => unknown.with_hint(format!("did you mean {suggestion:?}?")),
        None => unknown.with_hint("put quotes around text that contains a colon; metadata is meta.<key>"),
    }
}
