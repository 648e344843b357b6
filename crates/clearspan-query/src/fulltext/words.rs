//! Words of a text.

use std::ops::Range;

/// What a word consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Letters and digits.
    Letters,
    /// One character of a script that puts no blanks between words.
    Unspaced,
    /// One emoji or a similar sign.
    Symbol,
}

/// A word: the bytes of the text that it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) range: Range<usize>,
    pub(super) kind: Kind,
}

/// The words of a text, in order.
pub(super) fn words(text: &str) -> Words<'_> {
    Words { text, pos: 0 }
}

#[derive(Debug)]
pub(super) struct Words<'a> {
    text: &'a str,
    pos: usize,
}

impl Iterator for Words<'_> {
    type Item = Word;

    fn next(&mut self) -> Option<Word> {
        let bytes = self.text.as_bytes();
        loop {
            // Most of most texts is ASCII.
            while bytes.get(self.pos).is_some_and(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric()) {
                self.pos += 1;
            }
            let start = self.pos;
            let first = self.text.get(start..)?.chars().next()?;
            self.pos += first.len_utf8();
            let kind = if first.is_ascii() {
                Kind::Letters
            } else if is_unspaced(first) {
                Kind::Unspaced
            } else if is_symbol(first) {
                Kind::Symbol
            } else if first.is_alphanumeric() {
                Kind::Letters
            } else {
                continue;
            };
            if kind == Kind::Letters {
                self.skip_letters();
            }
            return Some(Word { range: start..self.pos, kind });
        }
    }
}

impl Words<'_> {
    fn skip_letters(&mut self) {
        let bytes = self.text.as_bytes();
        loop {
            while bytes.get(self.pos).is_some_and(u8::is_ascii_alphanumeric) {
                self.pos += 1;
            }
            match self.text.get(self.pos..).and_then(|rest| rest.chars().next()) {
                Some(next) if !next.is_ascii() && goes_on(next) => self.pos += next.len_utf8(),
                _ => return,
            }
        }
    }
}

/// Whether a character continues a word of letters: one more of them, or a mark on the last one.
pub(super) fn goes_on(c: char) -> bool {
    (c.is_alphanumeric() || (regex_syntax::is_word_character(c) && !is_connector(c))) && !is_unspaced(c)
}

/// Punctuation such as the underscore that regular expressions take for a part of words.
fn is_connector(c: char) -> bool {
    matches!(
        c,
        '_' | '\u{203f}' | '\u{2040}' | '\u{2054}' | '\u{fe33}' | '\u{fe34}' | '\u{fe4d}'
            ..='\u{fe4f}' | '\u{ff3f}'
    )
}

/// A letter, digit or mark of a script that is written without blanks between words.
fn is_unspaced(c: char) -> bool {
    let in_script = matches!(c,
        '\u{0e00}'..='\u{0eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Myanmar
        | '\u{1100}'..='\u{11ff}' // Hangul Jamo
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{1950}'..='\u{19df}' | '\u{1a20}'..='\u{1aaf}' // scripts of Tai languages
        | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{302f}' | '\u{3031}'..='\u{3035}' | '\u{3038}'..='\u{303c}'
        | '\u{3041}'..='\u{318f}' | '\u{31a0}'..='\u{31bf}' | '\u{31f0}'..='\u{31ff}' // kana, Bopomofo, Hangul
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' // Han
        | '\u{a960}'..='\u{a97f}' | '\u{a9e0}'..='\u{a9ff}' | '\u{aa60}'..='\u{aa7f}'
        | '\u{ac00}'..='\u{d7ff}' // Hangul
        | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ffdc}'
        | '\u{1b000}'..='\u{1b16f}' | '\u{20000}'..='\u{3ffff}');
    in_script && (c.is_alphanumeric() || (regex_syntax::is_word_character(c) && !is_connector(c)))
}

/// Emoji, arrows, dingbats and the like: what people search for although it is no letter.
fn is_symbol(c: char) -> bool {
    matches!(c,
        '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}' | '\u{2460}'..='\u{24ff}' | '\u{25a0}'..='\u{27bf}'
        | '\u{2900}'..='\u{297f}' | '\u{2b00}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

/// The form in which characters are compared, whatever their case. Two characters have the same one exactly when
/// a regular expression that ignores case takes one for the other.
pub fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    match c {
        // Its capital is `I`, whose small letter is another one.
        'ı' => 'ı',
        // Their capitals are two letters.
        'ﬅ' | 'ﬆ' => 'ﬆ',
        'ΐ' | '\u{1fd3}' => 'ΐ',
        'ΰ' | '\u{1fe3}' => 'ΰ',
        c => {
            let upper = single(c.to_uppercase(), c);
            single(upper.to_lowercase(), upper)
        }
    }
}

/// The only one, or `else_` when there are several.
fn single(mut chars: impl Iterator<Item = char>, else_: char) -> char {
    match (chars.next(), chars.next()) {
        (Some(only), None) => only,
        _ => else_,
    }
}

/// Whether a word of a text is this one, which is folded; with `is_prefix` the word may be longer.
pub(super) fn is_word(word: &str, folded: &str, is_prefix: bool) -> bool {
    let mut chars = word.chars().map(fold);
    folded.chars().all(|wanted| chars.next() == Some(wanted)) && (is_prefix || chars.next().is_none())
}
