//! Spellings of one text that Unicode calls canonically equivalent: `ö` is one character, or an `o` and a mark.
//!
//! Words are taken from the *canonical* form of a text, which is the same for all its spellings: marks are composed with
//! what they stand on (NFC; what is only compatible, such as a ligature, stays). Nearly every text is written so, and is
//! its own canonical form.
//!
//! Three things cannot be left to [`fold`], which sees one character at a time. A text that has one is folded here:
//! - `İ`, which in lower case is an `i` with a dot above: it is an `i`, and the dot goes.
//! - The `i` with such a dot, which is what makes lower case of `İ`.
//! - A capital with a mark of which only the small letter is one character: `J̌` and `ǰ`.

use std::borrow::Cow;
use std::ops::Range;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;

use super::words::fold;

#[cfg(test)]
mod tests;

const NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();
const CLASSES: CanonicalCombiningClassMapBorrowed<'static> = CanonicalCombiningClassMapBorrowed::new();
const FIRST_MARK: char = '\u{300}';
const DOT_ABOVE: char = '\u{307}';
/// The class of it, and of the other marks above letters.
const ABOVE: u8 = 230;
/// How much of a text is looked at in one go.
const CHUNK_BYTES: usize = 256;

/// The canonical form of a text. Folded character by character, it is the same for all spellings, whatever their case.
pub(super) fn canonical(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let composed = NFC.normalize(text);
    if needs_folding(&composed) { Cow::Owned(fold_all(&composed)) } else { composed }
}

/// Whether a text is its own canonical form. Every part of it is then, too.
pub(super) fn is_canonical(text: &str) -> bool {
    text.is_ascii() || (NFC.is_normalized(text) && !needs_folding(text))
}

/// Whether a word of a text, with what follows it, is a word of the canonical form as well.
pub(super) fn stays(word: &str, rest: &str) -> bool {
    // Marks change places with those around them.
    let begins_with_mark = |text: &str| text.chars().next().is_some_and(|c| class(c) > 0);
    !begins_with_mark(word) && !begins_with_mark(rest) && is_canonical(word)
}

/// The part of a text from which a part of its canonical form comes.
pub(super) fn origin(text: &str, of: Range<usize>) -> Range<usize> {
    let is_folded = needs_folding(&NFC.normalize(text));
    let canonical_len = |piece: &str| {
        let composed = NFC.normalize(piece);
        if is_folded { fold_all(&composed).len() } else { composed.len() }
    };
    let (mut from, mut canonical_end) = (0, 0);
    let (mut start, mut end) = (None, 0);
    while canonical_end < of.end
        && let Some(rest) = text.get(from..).filter(|rest| !rest.is_empty())
    {
        let piece = first_piece(rest);
        canonical_end += canonical_len(piece);
        if canonical_end > of.start {
            start.get_or_insert(from);
        }
        from += piece.len();
        end = from;
    }
    start.unwrap_or(end)..end
}

/// The beginning of a text that is composed by itself, whatever follows.
fn first_piece(text: &str) -> &str {
    let mut len = 0;
    for (at, c) in text.char_indices() {
        let (piece, longer) = (text.get(..at), text.get(..at + c.len_utf8()));
        let (piece, longer) = (piece.unwrap_or_default(), longer.unwrap_or_default());
        let stands_alone = || {
            let apart = [NFC.normalize(piece), NFC.normalize(c.encode_utf8(&mut [0; 4]))].concat();
            NFC.normalize(longer) == apart
        };
        if at > 0 && class(c) == 0 && stands_alone() {
            return piece;
        }
        len = longer.len();
    }
    text.get(..len).unwrap_or_default()
}

/// Whether a composed text has something that [`fold`] alone does not make the same for every case.
fn needs_folding(composed: &str) -> bool {
    // The first bytes of `İ`, and of the marks that letters with case are composed with. Most texts have none, and a loop
    // that does not stop in the middle looks at many bytes at once.
    let may_need = |chunk: &[u8]| chunk.iter().fold(false, |may, b| may | matches!(b, 0xc4 | 0xcc | 0xcd));
    if !composed.as_bytes().chunks(CHUNK_BYTES).any(may_need) {
        return false;
    }
    let mut base = Base::default();
    for c in composed.chars() {
        if c == 'İ' || base.is_dot(c) || (is_mark(c) && fold(base.letter) != base.letter) {
            return true;
        }
        base.go_on(c);
    }
    false
}

/// Where a mark stands; 0 for what is none.
fn class(c: char) -> u8 {
    if c < FIRST_MARK { 0 } else { CLASSES.get_u8(c) }
}

/// What the next mark stands on.
#[derive(Debug, Default)]
struct Base {
    letter: char,
    /// There is a mark in the place of the dot already.
    has_mark_above: bool,
}

impl Base {
    /// Whether a character is the dot of an `i`.
    fn is_dot(&self, c: char) -> bool {
        c == DOT_ABOVE && self.letter == 'i' && !self.has_mark_above
    }

    fn go_on(&mut self, c: char) {
        match class(c) {
            0 => *self = Self { letter: c, has_mark_above: false },
            class => self.has_mark_above |= class >= ABOVE,
        }
    }
}

/// A mark such as those with which letters that have case are composed.
fn is_mark(c: char) -> bool {
    matches!(c, FIRST_MARK..='\u{36f}')
}

fn fold_all(composed: &str) -> String {
    let mut folded = String::with_capacity(composed.len());
    let mut base = Base::default();
    for c in composed.chars() {
        let c = match c {
            'İ' => 'i',
            _ if base.is_dot(c) => continue,
            // A small iota below is one of them, and folded it would be a letter.
            _ if is_mark(c) => c,
            _ => fold(c),
        };
        folded.push(c);
        base.go_on(c);
    }
    match NFC.normalize(&folded) {
        Cow::Borrowed(_) => folded,
        Cow::Owned(composed) => composed,
    }
}
