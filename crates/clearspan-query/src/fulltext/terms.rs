//! What an index keeps of a text, and what of it a search needs.
//!
//! An index keeps *terms*: each word of letters, folded and cut to [`MAX_TERM_CHARS`]; of scripts without blanks, each
//! pair of characters that touch, and the last one of a row alone; each symbol. A text with a word that was cut has
//! [`CUT`] too. These are the words of its canonical form ([`spelling`](super::spelling)), and phrases ask for them. Regular
//! expressions look at the text as it is: of a text that is spelled in another way, an index keeps the words as they are too,
//! behind [`AS_SPELLED`]. [`required`] says which terms a text must have for a search to be found in it; it may say too
//! little, never too much.

use std::borrow::Cow;

use regex_syntax::hir::{Hir, HirKind};

use super::spelling::{canonical, stays};
use super::words::{Kind, Word, fold, goes_on, words};
use super::{Search, pattern};

/// The longest term, in characters. Longer words are hashes and keys, which nobody types.
const MAX_TERM_CHARS: usize = 40;
/// The term of texts with words that are longer. No word is like it.
const CUT: &str = "\u{0}";
/// Before the term of a word as it is spelled, in a text that is not canonical. No word begins like it.
const AS_SPELLED: char = '\u{1}';

/// What a text must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Required {
    /// Nothing is known.
    Nothing,
    /// This term.
    Term(String),
    /// A term that begins so.
    Prefix(String),
    /// A term that has this inside.
    Part(String),
    /// All of these.
    All(Vec<Required>),
    /// One of these.
    Any(Vec<Required>),
}

/// Calls `visit` with the terms of a text. One may come several times.
pub fn for_each_term(text: &str, mut visit: impl FnMut(&str)) {
    let canonical = canonical(text);
    for_each_word(&canonical, |_, _| true, &mut visit);
    if let Cow::Owned(_) = canonical {
        let mut spelled = String::new();
        for_each_word(text, |word, rest| !stays(word, rest), &mut |term| {
            spelled.clear();
            if term != CUT {
                spelled.push(AS_SPELLED);
            }
            spelled.push_str(term);
            visit(&spelled);
        });
    }
}

/// The terms of a text's words; of letters, those that `wants` says, who is told what follows.
fn for_each_word(text: &str, wants: impl Fn(&str, &str) -> bool, visit: &mut impl FnMut(&str)) {
    let mut term = String::new();
    let mut before: Option<(usize, char)> = None;
    let flush = |before: Option<(usize, char)>, visit: &mut dyn FnMut(&str)| {
        if let Some((_, c)) = before {
            visit(c.encode_utf8(&mut [0; 4]));
        }
    };
    for Word { range, kind } in words(text) {
        let raw = text.get(range.clone()).unwrap_or_default();
        if kind != Kind::Unspaced {
            flush(before.take(), visit);
            if kind == Kind::Letters && !wants(raw, text.get(range.end..).unwrap_or_default()) {
                continue;
            }
            term.clear();
            let is_cut = cut_into(raw, &mut term);
            visit(&term);
            if is_cut {
                visit(CUT);
            }
            continue;
        }
        let c = raw.chars().next().map(fold).unwrap_or_default();
        match before {
            Some((end, left)) if end == range.start => {
                term.clear();
                term.extend([left, c]);
                visit(&term);
            }
            _ => flush(before, visit),
        }
        before = Some((range.end, c));
    }
    flush(before, visit);
}

/// Appends the term of a word. True when the word is longer.
fn cut_into(word: &str, term: &mut String) -> bool {
    let mut chars = word.chars();
    term.extend(chars.by_ref().take(MAX_TERM_CHARS).map(fold));
    chars.next().is_some()
}

fn term_of(word: &str) -> String {
    let mut term = String::new();
    cut_into(word, &mut term);
    term
}

/// The term that every text has in which a search is found, and no other text.
pub fn exact_term(search: &Search) -> Option<String> {
    match (search, required(search)) {
        // A term of full length may stand for several words.
        (Search::Phrase { is_prefix: false, .. }, Required::Term(term))
            if term.chars().count() < MAX_TERM_CHARS =>
        {
            Some(term)
        }
        _ => None,
    }
}

/// The terms that a text must have for a search to be found in it.
pub fn required(search: &Search) -> Required {
    match search {
        Search::Phrase { text, is_prefix } => {
            let text = canonical(text);
            // What follows the last word plays no part.
            let end = words(&text).last().map_or(0, |word| word.range.end);
            let ends = Ends { left_open: false, right_open: *is_prefix };
            all(fragments(text.get(..end).unwrap_or_default(), ends))
        }
        Search::Regex(text) => pattern::parse(text).map_or(Required::Nothing, |hir| as_spelled(of_hir(&hir))),
    }
}

/// Whether the first and the last word of a piece of text may go on beyond it.
#[derive(Debug, Clone, Copy)]
struct Ends {
    left_open: bool,
    right_open: bool,
}

/// What the words of a piece of text require.
fn fragments(text: &str, ends: Ends) -> Vec<Required> {
    let found: Vec<Word> = words(text).collect();
    let mut parts = Vec::new();
    for (idx, word) in found.iter().enumerate() {
        let raw = text.get(word.range.clone()).unwrap_or_default();
        let touches = |left: Option<&Word>, right: Option<&Word>| match (left, right) {
            (Some(left), Some(right)) => {
                left.kind == right.kind && left.kind == Kind::Unspaced && left.range.end == right.range.start
            }
            _ => false,
        };
        match word.kind {
            Kind::Symbol => parts.push(Required::Term(term_of(raw))),
            Kind::Letters => {
                let before = text.get(..word.range.start).unwrap_or_default();
                // A mark at the very beginning may belong to the same word.
                let left_open = ends.left_open && idx == 0 && before.chars().all(goes_on);
                let right_open = ends.right_open && word.range.end == text.len();
                parts.push(match (left_open, right_open) {
                    (false, false) => Required::Term(term_of(raw)),
                    (false, true) => Required::Prefix(term_of(raw)),
                    (true, _) => part_of_term(raw),
                });
            }
            Kind::Unspaced => {
                let next = found.get(idx + 1).filter(|next| touches(Some(word), Some(next)));
                let has_left = idx > 0 && touches(found.get(idx - 1), Some(word));
                match next {
                    Some(next) => parts.push(Required::Term(
                        text.get(word.range.start..next.range.end)
                            .unwrap_or_default()
                            .chars()
                            .map(fold)
                            .collect(),
                    )),
                    None if has_left => {}
                    // Alone, or the first of a pair.
                    None => parts.push(Required::Prefix(term_of(raw))),
                }
            }
        }
    }
    parts
}

/// Some word has this inside: its term does, or it is one that was cut.
fn part_of_term(raw: &str) -> Required {
    let folded: String = raw.chars().map(fold).collect();
    if folded.chars().count() < 2 {
        return Required::Nothing;
    }
    Required::Any(vec![Required::Part(folded), Required::Term(CUT.to_owned())])
}

fn of_hir(hir: &Hir) -> Required {
    match hir.kind() {
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => all(fragments(text, Ends { left_open: true, right_open: true })),
            Err(_) => Required::Nothing,
        },
        HirKind::Capture(capture) => of_hir(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => of_hir(&repetition.sub),
        HirKind::Concat(parts) => all(parts.iter().map(of_hir).collect()),
        HirKind::Alternation(branches) => {
            let branches: Vec<Required> = branches.iter().map(of_hir).collect();
            if branches.contains(&Required::Nothing) { Required::Nothing } else { Required::Any(branches) }
        }
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(_) | HirKind::Repetition(_) => Required::Nothing,
    }
}

/// The same of a text's words as they are spelled.
fn as_spelled(required: Required) -> Required {
    let either = |form: fn(String) -> Required, text: String| {
        Required::Any(vec![form(format!("{AS_SPELLED}{text}")), form(text)])
    };
    match required {
        Required::Term(term) if term != CUT => either(Required::Term, term),
        Required::Prefix(prefix) => either(Required::Prefix, prefix),
        Required::All(parts) => Required::All(parts.into_iter().map(as_spelled).collect()),
        Required::Any(parts) => Required::Any(parts.into_iter().map(as_spelled).collect()),
        Required::Nothing | Required::Term(_) | Required::Part(_) => required,
    }
}

fn all(parts: Vec<Required>) -> Required {
    let mut parts: Vec<Required> = parts.into_iter().filter(|part| *part != Required::Nothing).collect();
    match parts.len() {
        0 => Required::Nothing,
        1 => parts.remove(0),
        _ => Required::All(parts),
    }
}
