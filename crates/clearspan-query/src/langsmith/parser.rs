//! From tokens to a tree of calls; knows the shape of the functions and nothing of the fields.

use std::ops::Range;

use super::lexer::{Token, TokenKind, Value};
use crate::diagnostic::nearest;
use crate::{Diagnostic, MAX_DEPTH};

/// A call of a filter function.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Call {
    And(Vec<Call>),
    Or(Vec<Call>),
    Not(Box<Call>),
    Test(Test),
}

/// A function that looks at one field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Test {
    pub(super) function: Function,
    /// Absent for `search("text")`, which looks everywhere.
    pub(super) field: Option<String>,
    /// One value, or those of the list of `in`.
    pub(super) values: Vec<Value>,
    /// The bytes of the whole call.
    pub(super) span: Range<usize>,
    /// The bytes of the field.
    pub(super) field_span: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Eq,
    Neq,
    Gt,
    Gte,
    Lt,
    Lte,
    In,
    Has,
    Search,
    Like,
    Exists,
}

impl Function {
    const ALL: &[(&str, Self)] = &[
        ("eq", Self::Eq),
        ("neq", Self::Neq),
        ("gt", Self::Gt),
        ("gte", Self::Gte),
        ("lt", Self::Lt),
        ("lte", Self::Lte),
        ("in", Self::In),
        ("has", Self::Has),
        ("search", Self::Search),
        ("like", Self::Like),
        ("exists", Self::Exists),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, function)| *function == self).map_or("", |(name, _)| name)
    }
}

pub(super) fn parse(tokens: &[Token], end: usize) -> Result<Call, Diagnostic> {
    let mut parser = Parser { tokens, at: 0, end };
    let call = parser.call(0)?;
    match parser.peek() {
        None => Ok(call),
        Some(token) => Err(Diagnostic::new(token.span.clone(), "the filter goes on after its end")
            .with_hint("join several conditions with and(…)")),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    end: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn here(&self) -> Range<usize> {
        self.peek().map_or(self.end..self.end, |token| token.span.clone())
    }

    fn at_mark(&self, mark: char) -> bool {
        self.peek().is_some_and(|token| token.kind == TokenKind::Mark(mark))
    }

    fn eat(&mut self, mark: char) -> bool {
        let found = self.at_mark(mark);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, mark: char) -> Result<(), Diagnostic> {
        if self.eat(mark) {
            return Ok(());
        }
        Err(Diagnostic::new(self.here(), format!("`{mark}` is missing here")))
    }

    fn call(&mut self, depth: usize) -> Result<Call, Diagnostic> {
        let start = self.here();
        if depth >= MAX_DEPTH {
            return Err(Diagnostic::new(start, format!("the filter nests deeper than {MAX_DEPTH} levels")));
        }
        let Some(Token { kind: TokenKind::Word(name), .. }) = self.peek() else {
            return Err(Diagnostic::new(start, "a function is missing here")
                .with_hint("write for example eq(run_type, \"llm\")"));
        };
        self.at += 1;
        match name.as_str() {
            "and" => Ok(Call::And(self.calls(depth)?)),
            "or" => Ok(Call::Or(self.calls(depth)?)),
            "not" => {
                self.expect('(')?;
                let inner = self.call(depth + 1)?;
                self.eat(',');
                self.expect(')')?;
                Ok(Call::Not(Box::new(inner)))
            }
            name => match Function::ALL.iter().find(|(known, _)| *known == name) {
                Some((_, function)) => self.test(*function, start.start).map(Call::Test),
                None => Err(unknown_function(name, start)),
            },
        }
    }

    /// `(call, call, …)`, at least one.
    fn calls(&mut self, depth: usize) -> Result<Vec<Call>, Diagnostic> {
        self.expect('(')?;
        let mut calls = vec![self.call(depth + 1)?];
        while self.eat(',') {
            if self.at_mark(')') {
                break;
            }
            calls.push(self.call(depth + 1)?);
        }
        self.expect(')')?;
        Ok(calls)
    }

    fn test(&mut self, function: Function, start: usize) -> Result<Test, Diagnostic> {
        self.expect('(')?;
        let field_span = self.here();
        let mut field = None;
        if let Some(Token { kind: TokenKind::Word(name), .. }) = self.peek() {
            field = Some(name.clone());
            self.at += 1;
            self.expect(',')?;
        } else if function != Function::Search {
            return Err(Diagnostic::new(field_span, format!("{}(…) needs a field first", function.name()))
                .with_hint("fields are written without quotes"));
        }
        let values = if function == Function::In { self.list()? } else { vec![self.value()?] };
        self.eat(',');
        self.expect(')')?;
        let end = self.tokens.get(self.at - 1).map_or(self.end, |token| token.span.end);
        Ok(Test { function, field, values, span: start..end, field_span })
    }

    fn value(&mut self) -> Result<Value, Diagnostic> {
        match self.peek() {
            Some(Token { kind: TokenKind::Value(value), .. }) => {
                self.at += 1;
                Ok(value.clone())
            }
            _ => Err(Diagnostic::new(self.here(), "a value is missing here")
                .with_hint("a value is \"text\" in quotes, a number, true, false or null")),
        }
    }

    fn list(&mut self) -> Result<Vec<Value>, Diagnostic> {
        self.expect('[')?;
        let mut values = Vec::new();
        while !self.eat(']') {
            values.push(self.value()?);
            if !self.eat(',') {
                self.expect(']')?;
                break;
            }
        }
        Ok(values)
    }
}

fn unknown_function(name: &str, span: Range<usize>) -> Diagnostic {
    let names = Function::ALL.iter().map(|(name, _)| *name).chain(["and", "or", "not"]);
    let unknown = Diagnostic::new(span, format!("there is no function {name:?}"));
    match nearest(name, names) {
        Some(suggestion) => unknown.with_hint(format!("did you mean {suggestion:?}?")),
        None => unknown
            .with_hint("known are and, or, not, eq, neq, gt, gte, lt, lte, in, has, search, like, exists"),
    }
}
