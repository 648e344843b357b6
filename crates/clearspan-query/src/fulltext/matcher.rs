//! Finding a search in a text.

use std::borrow::Cow;
use std::ops::{ControlFlow, Range};

use regex::{Regex, RegexBuilder};

use super::spelling::{canonical, is_canonical, origin};
use super::words::{Kind, Word, fold, is_word, words};
use super::{Search, for_each_text, pattern};
use crate::Diagnostic;

/// The most words of a phrase: one bit of [`Phrase::find`]'s state each.
const MAX_WORDS: usize = 128;
/// A shorter word is in most texts: looking for it first gains nothing.
const MIN_FILTER_CHARS: usize = 3;

/// A search, ready to look at texts.
#[derive(Debug, Clone)]
pub struct Matcher(Form);

#[derive(Debug, Clone)]
enum Form {
    Phrase(Phrase),
    Regex(Regex),
}

#[derive(Debug, Clone)]
struct Phrase {
    /// The words, folded.
    words: Vec<String>,
    /// A bit for each word that must touch the one before it.
    touching: u128,
    is_prefix: bool,
    /// Its longest word, whatever the case; a canonical text without it is not looked at word by word.
    filter: Option<Regex>,
}

impl Matcher {
    /// Makes a search ready. A complaint's position is a place in the search's own text.
    pub fn new(search: &Search) -> Result<Self, Diagnostic> {
        Ok(Self(match search {
            Search::Phrase { text, is_prefix } => Form::Phrase(Phrase::new(text, *is_prefix)?),
            Search::Regex(pattern) => Form::Regex(pattern::compile(pattern)?),
        }))
    }

    /// Whether a text has it.
    pub fn is_match(&self, text: &str) -> bool {
        match &self.0 {
            Form::Phrase(phrase) => phrase.find(&canonical(text)).is_some(),
            Form::Regex(regex) => regex.is_match(text),
        }
    }

    /// The first place in a text that has it.
    pub fn find(&self, text: &str) -> Option<Range<usize>> {
        match &self.0 {
            Form::Phrase(phrase) => match canonical(text) {
                Cow::Borrowed(text) => phrase.find(text),
                Cow::Owned(canonical) => phrase.find(&canonical).map(|found| origin(text, found)),
            },
            Form::Regex(regex) => regex.find(text).map(|found| found.range()),
        }
    }

    /// Whether any text inside of a JSON text has it.
    pub fn is_match_in_json(&self, json: &str) -> bool {
        if let Form::Phrase(Phrase { filter: Some(filter), .. }) = &self.0
            && !filter.is_match(json)
            // A letter may be written as its number, or with another spelling.
            && !json.contains("\\u")
            && is_canonical(json)
        {
            return false;
        }
        let visit = |text: &str| match self.is_match(text) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        for_each_text(json, visit).is_break()
    }
}

impl Phrase {
    fn new(written: &str, is_prefix: bool) -> Result<Self, Diagnostic> {
        let text = canonical(written);
        let found: Vec<Word> = words(&text).take(MAX_WORDS + 1).collect();
        if found.is_empty() {
            let nothing =
                Diagnostic::new(0..written.len(), format!("there is no word in {written:?} to search for"));
            return Err(nothing.with_hint("a regular expression finds signs too: /->/"));
        }
        if found.len() > MAX_WORDS {
            let long = Diagnostic::new(0..written.len(), format!("a phrase has at most {MAX_WORDS} words"));
            return Err(long.with_hint("search for its beginning"));
        }
        let mut touching = 0;
        for (idx, pair) in found.windows(2).enumerate() {
            let is_one = pair[0].range.end == pair[1].range.start;
            if is_one && pair.iter().all(|word| word.kind == Kind::Unspaced) {
                touching |= 1 << (idx + 1);
            }
        }
        let raw = |word: &Word| text.get(word.range.clone()).unwrap_or_default();
        let words: Vec<String> = found.iter().map(|word| raw(word).chars().map(fold).collect()).collect();
        let longest = words
            .iter()
            .max_by_key(|word| word.chars().count())
            .filter(|word| word.chars().count() >= MIN_FILTER_CHARS || !word.is_ascii());
        let filter = longest
            .and_then(|word| RegexBuilder::new(&regex::escape(word)).case_insensitive(true).build().ok());
        Ok(Self { words, touching, is_prefix, filter })
    }

    /// Goes over a canonical text once. Bit `n` of the state says that the words up to here end with the first `n + 1` of the
    /// phrase.
    fn find(&self, text: &str) -> Option<Range<usize>> {
        if self.filter.as_ref().is_some_and(|filter| !filter.is_match(text)) {
            return None;
        }
        let last = self.words.len() - 1;
        let mut state = 0_u128;
        let mut end = 0;
        let mut starts: Vec<usize> = Vec::new();
        for word in words(text) {
            let mut possible = (state << 1) | 1;
            if word.range.start != end {
                possible &= !self.touching;
            }
            if last < 127 {
                possible &= (1 << (last + 1)) - 1;
            }
            state = 0;
            let raw = text.get(word.range.clone()).unwrap_or_default();
            while possible != 0 {
                let idx = possible.trailing_zeros() as usize;
                possible &= possible - 1;
                if is_word(raw, &self.words[idx], self.is_prefix && idx == last) {
                    state |= 1 << idx;
                }
            }
            // Where the last words began: only so many can belong to the phrase.
            starts.push(word.range.start);
            if starts.len() > 2 * MAX_WORDS {
                starts.drain(..starts.len() - MAX_WORDS);
            }
            end = word.range.end;
            if state >> last & 1 == 1 {
                return Some(starts[starts.len() - 1 - last]..end);
            }
        }
        None
    }
}
