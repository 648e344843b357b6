//! Grouping: `OR`, blanks, negation, parentheses and scopes. Single terms are read in `term`.

use std::ops::Range;

use crate::{Diagnostic, Expr, MAX_DEPTH, MAX_FILTER_BYTES};

/// Nobody reads more complaints than this; the rest of the text is not looked at.
const MAX_DIAGNOSTICS: usize = 20;

/// What ends a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    End,
    Parenthesis,
}

/// Walks over the text and collects complaints; after one it goes on behind the term that caused it.
#[derive(Debug)]
pub(super) struct Parser<'a> {
    text: &'a str,
    pos: usize,
    depth: usize,
    scope: Option<&'static str>,
    diagnostics: Vec<Diagnostic>,
}

pub(super) fn parse(text: &str) -> Result<Expr, Vec<Diagnostic>> {
    if text.len() > MAX_FILTER_BYTES {
        let message = format!("the filter is longer than {MAX_FILTER_BYTES} bytes");
        return Err(vec![Diagnostic::new(0..text.len(), message)]);
    }
    let mut parser = Parser { text, pos: 0, depth: 0, scope: None, diagnostics: Vec::new() };
    parser.skip_blanks();
    if parser.rest().is_empty() {
        return Ok(Expr::All(Vec::new()));
    }
    let expr = parser.alternatives(Until::End);
    match expr {
        Some(expr) if parser.diagnostics.is_empty() => Ok(expr),
        _ => Err(parser.diagnostics),
    }
}

impl<'a> Parser<'a> {
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.pos..).unwrap_or_default()
    }

    pub(super) fn pos(&self) -> usize {
        self.pos
    }

    pub(super) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.pos).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.pos += next.len_utf8();
        Some(next)
    }

    pub(super) fn eat(&mut self, prefix: &str) -> bool {
        let found = self.rest().starts_with(prefix);
        if found {
            self.pos += prefix.len();
        }
        found
    }

    pub(super) fn skip_while(&mut self, keep: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.pos += rest.find(|c| !keep(c)).unwrap_or(rest.len());
    }

    pub(super) fn skip_blanks(&mut self) {
        self.skip_while(char::is_whitespace);
    }

    pub(super) fn complain(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
        if self.diagnostics.len() >= MAX_DIAGNOSTICS {
            self.pos = self.text.len();
        }
    }

    pub(super) fn rewind(&mut self, pos: usize) {
        self.pos = pos;
    }

    /// A word that stands by itself: blanks, parentheses or an end around it.
    fn at_keyword(&self, keyword: &str) -> bool {
        self.rest().strip_prefix(keyword).is_some_and(|behind| {
            behind.chars().next().is_none_or(|next| next.is_whitespace() || matches!(next, '(' | ')'))
        })
    }

    fn eat_keyword(&mut self, keyword: &str) -> bool {
        self.at_keyword(keyword) && self.eat(keyword)
    }

    fn alternatives(&mut self, until: Until) -> Option<Expr> {
        let mut branches = vec![self.conjunction(until)];
        while self.eat_keyword("OR") {
            branches.push(self.conjunction(until));
        }
        let mut branches: Vec<Expr> = branches.into_iter().collect::<Option<_>>()?;
        if branches.len() == 1 { branches.pop() } else { Some(Expr::Any(branches)) }
    }

    fn conjunction(&mut self, until: Until) -> Option<Expr> {
        let start = self.pos;
        let mut terms = Vec::new();
        let mut failed = false;
        loop {
            self.skip_blanks();
            if self.eat_keyword("AND") {
                continue;
            }
            match self.peek() {
                None => break,
                Some(')') if until == Until::Parenthesis => break,
                Some(')') => {
                    self.bump();
                    self.complain(Diagnostic::new(self.pos - 1..self.pos, "this `)` closes nothing"));
                    failed = true;
                }
                Some(_) if self.at_keyword("OR") => break,
                Some(_) => match self.term() {
                    Some(term) => terms.push(term),
                    None => failed = true,
                },
            }
        }
        if failed {
            return None;
        }
        if terms.is_empty() {
            let missing = Diagnostic::new(start..self.pos, "a term is missing here");
            self.complain(
                missing.with_hint("put words such as \"OR\" and signs in quotes to search for them"),
            );
            return None;
        }
        if terms.len() == 1 { terms.pop() } else { Some(Expr::All(terms)) }
    }

    /// One term with its negation. After a complaint the position is behind the term.
    fn term(&mut self) -> Option<Expr> {
        let start = self.pos;
        if self.eat_keyword("NOT") {
            self.skip_blanks();
            return self.negated(start);
        }
        if self.eat("-") {
            return self.negated(start);
        }
        if self.eat("(") {
            return self.group(start..self.pos);
        }
        for scope in ["any", "root"] {
            if self.rest().strip_prefix(scope).is_some_and(|behind| behind.starts_with('(')) {
                self.pos += scope.len() + 1;
                return self.scoped(scope, start..self.pos);
            }
        }
        let term = self.simple_term();
        if term.is_none() {
            self.skip_term(start);
        }
        term
    }

    fn negated(&mut self, start: usize) -> Option<Expr> {
        if self.peek().is_none_or(|next| next.is_whitespace() || next == ')') {
            let minus = Diagnostic::new(start..self.pos, "there is nothing to negate here");
            self.complain(
                minus.with_hint("write the term directly behind the `-`, or put the `-` in quotes"),
            );
            return None;
        }
        let inner = self.nested(start..self.pos, Self::term)?;
        Some(Expr::Not(Box::new(inner)))
    }

    fn group(&mut self, opened: Range<usize>) -> Option<Expr> {
        let inner = self.nested(opened.clone(), |parser| parser.alternatives(Until::Parenthesis));
        if !self.eat(")") {
            // Only the innermost one complains: the others follow from it.
            if inner.is_some() {
                self.complain(Diagnostic::new(opened, "this `(` is never closed"));
            }
            return None;
        }
        inner
    }

    fn scoped(&mut self, scope: &'static str, opened: Range<usize>) -> Option<Expr> {
        if let Some(outer) = self.scope {
            self.complain(Diagnostic::new(
                opened.clone(),
                format!("{scope}(…) cannot stand inside {outer}(…)"),
            ));
        }
        let outer = self.scope.replace(scope);
        let inner = self.group(opened);
        self.scope = outer;
        let inner = Box::new(inner?);
        Some(if scope == "any" { Expr::AnyRun(inner) } else { Expr::Root(inner) })
    }

    /// Goes one level down. Too deep is final: what follows is not read.
    fn nested(&mut self, at: Range<usize>, read: impl FnOnce(&mut Self) -> Option<Expr>) -> Option<Expr> {
        if self.depth >= MAX_DEPTH {
            self.complain(Diagnostic::new(at, format!("the filter nests deeper than {MAX_DEPTH} levels")));
            self.pos = self.text.len();
            return None;
        }
        self.depth += 1;
        let expr = read(self);
        self.depth -= 1;
        expr
    }

    /// Leaves a broken term: goes on at the next blank, or the parenthesis that closes the group around it.
    fn skip_term(&mut self, start: usize) {
        self.pos = self.pos.max(start);
        let mut quoted = false;
        let mut opened = 0_usize;
        while let Some(next) = self.peek() {
            match next {
                '"' => quoted = !quoted,
                _ if quoted => {}
                '(' => opened += 1,
                ')' if opened > 0 => opened -= 1,
                next if next.is_whitespace() || next == ')' => break,
                _ => {}
            }
            self.bump();
        }
    }
}
