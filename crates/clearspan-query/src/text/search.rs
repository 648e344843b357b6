//! Full-text terms: `word`, `"a phrase"`, `prefix*`, `/regular expression/`, also behind `input:`, `output:`, `error:`.

use super::parser::Parser;
use super::term::Word;
use crate::fulltext::{Matcher, Search};
use crate::{Diagnostic, Expr, Field, Op};

/// Whether a value behind the field's name and a colon is searched, rather than compared.
pub(super) fn is_searched(field: &Field) -> bool {
    matches!(field, Field::Text | Field::Input | Field::Output | Field::Error)
}

impl Parser<'_> {
    /// What stands behind `input:`; the position is behind the colon.
    pub(super) fn search(&mut self, field: Field, start: usize) -> Option<Expr> {
        if self.peek() == Some('/') {
            return self.pattern(field);
        }
        if field == Field::Error || self.rest().starts_with(['<', '>']) {
            return self.search_error_or_complain(field, start);
        }
        if self.eat("[") {
            let words = self.words_of_list(start)?;
            let mut any = Vec::with_capacity(words.len());
            for word in words {
                any.push(self.phrase(field.clone(), word)?);
            }
            return if any.len() == 1 { any.pop() } else { Some(Expr::Any(any)) };
        }
        let word = self.word()?;
        if word.text == "*" && !word.quoted {
            return Some(Expr::Test(field, Op::Exists));
        }
        self.phrase(field, word)
    }

    /// An error is one text, which can be compared with patterns and lists as well.
    fn search_error_or_complain(&mut self, field: Field, start: usize) -> Option<Expr> {
        let value = self.pos();
        if self.rest().starts_with(['<', '>', '[']) {
            return self.test(field, start);
        }
        let word = self.word()?;
        let is_prefix = word.text.find('*').is_some_and(|star| star > 0 && star + 1 == word.text.len());
        if word.has_wildcard && !is_prefix {
            self.rewind(value);
            return self.test(field, start);
        }
        self.phrase(field, word)
    }

    /// Words that stand one after the other.
    pub(super) fn phrase(&mut self, field: Field, word: Word) -> Option<Expr> {
        let mut text = word.text;
        let is_prefix = word.has_wildcard;
        if is_prefix {
            let stars = text.matches('*').count();
            if stars != 1 || text.pop() != Some('*') {
                let star =
                    Diagnostic::new(word.span, "a `*` stands only at the end of a word that is searched for");
                self.complain(star.with_hint("a regular expression finds parts of words: /part/"));
                return None;
            }
        }
        let search = Search::Phrase { text, is_prefix };
        if let Err(complaint) = Matcher::new(&search) {
            self.complain(Diagnostic { span: word.span, ..complaint });
            return None;
        }
        Some(Expr::Test(field, Op::Search(search)))
    }

    /// `/…/`; the position is on the first slash.
    pub(super) fn pattern(&mut self, field: Field) -> Option<Expr> {
        const HINT: &str =
            "put text that begins with a slash in quotes; inside of /…/ a slash is written \\/";
        let start = self.pos();
        self.bump();
        let inside = self.pos();
        loop {
            match self.bump() {
                Some('\\') => drop(self.bump()),
                Some('/') => break,
                Some(_) => {}
                None => {
                    let open = Diagnostic::new(
                        start..self.pos(),
                        "this regular expression is never closed with `/`",
                    );
                    self.complain(open.with_hint(HINT));
                    return None;
                }
            }
        }
        let pattern = self.since(inside).strip_suffix('/').unwrap_or_default().to_owned();
        if self.peek().is_some_and(|next| !next.is_whitespace() && next != ')') {
            let goes_on =
                Diagnostic::new(start..self.pos(), "the text goes on behind this regular expression");
            self.complain(goes_on.with_hint(HINT));
            return None;
        }
        if pattern.is_empty() {
            let empty = Diagnostic::new(start..self.pos(), "this regular expression is empty");
            self.complain(empty.with_hint(HINT));
            return None;
        }
        let search = Search::Regex(pattern);
        if let Err(complaint) = Matcher::new(&search) {
            let span = inside + complaint.span.start..inside + complaint.span.end;
            self.complain(Diagnostic { span, ..complaint });
            return None;
        }
        Some(Expr::Test(field, Op::Search(search)))
    }

    /// `input~"part"`: the text as it is, whatever its case.
    pub(super) fn part(&mut self, field: Field, word: Word) -> Option<Expr> {
        // Written as a regular expression, which is how it prints.
        let pattern = regex::escape(&word.text.to_lowercase()).replace('/', "\\/");
        if pattern.is_empty() {
            return Some(Expr::Test(field, Op::Exists));
        }
        Some(Expr::Test(field, Op::Search(Search::Regex(pattern))))
    }
}
