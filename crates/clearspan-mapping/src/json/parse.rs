//! Text to tree. Strict JSON, except that inside attributes `NaN`, `Infinity` and `-Infinity` (Python writes them)
//! read as null. Recursion is bounded; deeper text is refused and its caller keeps it as text.

use std::fmt;

use super::scan::find_special;
use super::{Json, Text};

/// How deep JSON inside an attribute may nest.
pub(super) const MAX_DEPTH: usize = 200;

/// How much memory the tree of JSON inside an attribute may take. Larger ones stay text.
pub(crate) const TREE_BYTES: usize = 16 << 20;

/// What a value of the tree takes in memory, its place in a list that grows included.
const VALUE_BYTES: usize = 2 * size_of::<(Text<'_>, Json<'_>)>();

/// Where and why the text is not JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ParseError {
    pub(crate) what: &'static str,
    pub(crate) offset: usize,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.what, self.offset)
    }
}

/// Reads one document that fills the whole text.
pub(crate) fn parse(source: &str) -> Result<Json<'_>, ParseError> {
    let mut reader = Reader::new(source);
    let value = reader.value(0)?;
    reader.end()?;
    Ok(value)
}

/// The escapes of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Escapes {
    None,
    /// Each is the one that would be written.
    Canonical,
    Other,
}

/// The text that is left, and the rules for it.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    source: &'a str,
    bytes: &'a [u8],
    pub(super) at: usize,
    /// No words that are not JSON.
    pub(super) strict: bool,
    pub(super) max_depth: usize,
    /// How many bytes the tree may take.
    pub(super) room: usize,
}

/// The tree would take more memory than it may.
pub(super) const NO_ROOM: &str = "too many values";

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self {
            source,
            bytes: source.as_bytes(),
            at: 0,
            strict: false,
            max_depth: MAX_DEPTH,
            room: TREE_BYTES,
        }
    }

    pub(super) fn source(&self) -> &'a str {
        self.source
    }

    /// Nothing may follow.
    pub(super) fn end(&mut self) -> Result<(), ParseError> {
        self.skip_space();
        if self.at < self.source.len() {
            Err(self.error("text after the end of the JSON value"))
        } else {
            Ok(())
        }
    }

    pub(super) fn error(&self, what: &'static str) -> ParseError {
        ParseError { what, offset: self.at }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    pub(super) fn slice(&self, from: usize, to: usize) -> &'a str {
        self.source.get(from..to).expect("cuts are at ASCII bytes, which are character boundaries")
    }

    pub(super) fn value(&mut self, depth: usize) -> Result<Json<'a>, ParseError> {
        if depth > self.max_depth {
            return Err(self.error("nested too deep"));
        }
        self.room = self.room.checked_sub(VALUE_BYTES).ok_or(self.error(NO_ROOM))?;
        self.skip_space();
        match self.peek() {
            Some(b'"') => Ok(Json::String(self.string()?)),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            _ => self.scalar(),
        }
    }

    /// Reads a number or a word.
    pub(super) fn scalar(&mut self) -> Result<Json<'a>, ParseError> {
        match self.peek() {
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            Some(b'N') if !self.strict => self.word("NaN", Json::Null),
            Some(b'I') if !self.strict => self.word("Infinity", Json::Null),
            Some(b'-') if !self.strict && self.bytes.get(self.at + 1) == Some(&b'I') => {
                self.word("-Infinity", Json::Null)
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => Err(self.error("expected a JSON value")),
            None => Err(self.error("unexpected end of the text")),
        }
    }

    fn word(&mut self, word: &'static str, value: Json<'a>) -> Result<Json<'a>, ParseError> {
        if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.error("expected a JSON value"))
        }
    }

    fn number(&mut self) -> Result<Json<'a>, ParseError> {
        let from = self.at;
        self.skip_number()?;
        Ok(Json::Number(self.slice(from, self.at)))
    }

    pub(super) fn skip_number(&mut self) -> Result<(), ParseError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading_zero = self.peek() == Some(b'0');
        let whole = self.digits()?;
        if leading_zero && whole > 1 {
            return Err(self.error("a number with a leading zero"));
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<usize, ParseError> {
        let from = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == from { Err(self.error("expected a digit")) } else { Ok(self.at - from) }
    }

    /// Reads a string whose opening quote is next.
    pub(super) fn string(&mut self) -> Result<Text<'a>, ParseError> {
        let from = self.at + 1;
        let escapes = self.skip_string()?;
        let inside = self.slice(from, self.at - 1);
        Ok(match escapes {
            Escapes::None => Text::Clean(inside),
            Escapes::Canonical => Text::Canonical(inside),
            Escapes::Other => Text::Escaped(inside),
        })
    }

    /// Goes past a string whose opening quote is next.
    pub(super) fn skip_string(&mut self) -> Result<Escapes, ParseError> {
        self.at += 1;
        let mut escapes = Escapes::None;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escapes);
                }
                Some(b'\\') => {
                    escapes = escapes.max(self.escape()?);
                }
                Some(0..0x20) => return Err(self.error("control character in a string")),
                Some(_) => {
                    let rest = self.bytes.get(self.at..).unwrap_or_default();
                    self.at += find_special(rest).unwrap_or(rest.len());
                }
                None => return Err(self.error("unexpected end of a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<Escapes, ParseError> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(Escapes::Canonical)
            }
            Some(b'/') => {
                self.at += 2;
                Ok(Escapes::Other)
            }
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 2..self.at + 6).unwrap_or_default();
                if digits.len() < 4 || !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(self.error("invalid escape in a string"));
                }
                self.at += 6;
                Ok(Escapes::Other)
            }
            _ => Err(self.error("invalid escape in a string")),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json<'a>, ParseError> {
        self.at += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Json::Array(items));
                }
                _ => return Err(self.error("expected a comma or the end of a list")),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json<'a>, ParseError> {
        self.at += 1;
        let mut members = Vec::new();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Json::Object(members));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.error("expected a member name"));
            }
            let name = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.error("expected a colon"));
            }
            self.at += 1;
            members.push((name, self.value(depth + 1)?));
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Json::Object(members));
                }
                _ => return Err(self.error("expected a comma or the end of an object")),
            }
        }
    }
}

/// The text that a string's inside stands for. Lone surrogates become U+FFFD.
pub(super) fn unescape(raw: &str) -> String {
    unescape_noting(raw, &mut false)
}

/// The same; tells whether something had to be replaced.
pub(super) fn unescape_noting(raw: &str, replaced: &mut bool) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    // The inside of a string has no other special bytes than backslashes, and what they escape.
    while let Some(at) = find_special(rest.as_bytes()) {
        out.push_str(rest.get(..at).expect("a special byte is a character"));
        let kind = rest.as_bytes().get(at + 1).copied().unwrap_or(b'\\');
        rest = rest.get(at + 2..).unwrap_or_default();
        match kind {
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'u' => rest = unescape_unicode(rest, &mut out, replaced),
            other => out.push(char::from(other)),
        }
    }
    out.push_str(rest);
    out
}

/// Reads the four digits after `\u`, and the second half of a surrogate pair. Returns what follows.
fn unescape_unicode<'a>(text: &'a str, out: &mut String, replaced: &mut bool) -> &'a str {
    let Some((first, rest)) = hex_unit(text) else {
        return text;
    };
    if let 0xD800..=0xDBFF = first
        && let Some(tail) = rest.strip_prefix("\\u")
        && let Some((second @ 0xDC00..=0xDFFF, rest)) = hex_unit(tail)
    {
        let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        return rest;
    }
    let read = char::from_u32(first);
    *replaced |= read.is_none();
    out.push(read.unwrap_or(char::REPLACEMENT_CHARACTER));
    rest
}

fn hex_unit(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    Some((u32::from_str_radix(digits, 16).ok()?, rest))
}
