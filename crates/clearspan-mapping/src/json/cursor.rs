//! A way through a JSON text without its tree: objects and lists are entered, values are skipped or read one by one.
//! Strict, as a body from the network has to be.

use super::parse::{self, NO_ROOM, ParseError, Reader};
use super::skip::skip_value;
use super::{Json, TREE_BYTES, Text};

/// How deep a body may nest. Values of OTLP take four levels for one of their own.
pub(crate) const MAX_DEPTH: usize = 300;

/// A place in a JSON text.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    reader: Reader<'a>,
    /// The object or list has just been entered, so no comma comes before its next entry.
    fresh: bool,
}

impl<'a> Cursor<'a> {
    pub(crate) fn of(source: &'a str) -> Self {
        let mut reader = Reader::new(source);
        reader.strict = true;
        reader.max_depth = MAX_DEPTH;
        Self { reader, fresh: false }
    }

    /// The first byte of the next value.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        self.reader.skip_space();
        self.reader.peek()
    }

    /// What the next value is, for people.
    pub(crate) fn kind(&mut self) -> &'static str {
        match self.peek() {
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "text",
            Some(b't' | b'f') => "a truth value",
            Some(b'n') => "null",
            Some(b'-' | b'0'..=b'9') => "a number",
            _ => "nothing",
        }
    }

    /// Enters the object or list that is next.
    pub(crate) fn enter(&mut self) {
        self.reader.at += 1;
        self.fresh = true;
    }

    /// The name of the next member; its value must be read or skipped before the next call. `None` leaves the object.
    pub(crate) fn next_member(&mut self) -> Result<Option<Text<'a>>, ParseError> {
        if !self.next_entry(b'}', "expected a comma or the end of an object")? {
            return Ok(None);
        }
        if self.peek() != Some(b'"') {
            return Err(self.reader.error("expected a member name"));
        }
        let name = self.reader.string()?;
        if self.peek() != Some(b':') {
            return Err(self.reader.error("expected a colon"));
        }
        self.reader.at += 1;
        Ok(Some(name))
    }

    /// True when another item is next; it must be read or skipped before the next call. False leaves the list.
    pub(crate) fn next_item(&mut self) -> Result<bool, ParseError> {
        self.next_entry(b']', "expected a comma or the end of a list")
    }

    fn next_entry(&mut self, close: u8, expected: &'static str) -> Result<bool, ParseError> {
        let fresh = std::mem::take(&mut self.fresh);
        match self.peek() {
            Some(byte) if byte == close => {
                self.reader.at += 1;
                Ok(false)
            }
            _ if fresh => Ok(true),
            Some(b',') => {
                self.reader.at += 1;
                // A comma promises something.
                if self.peek() == Some(close) {
                    Err(self.reader.error("expected a JSON value"))
                } else {
                    Ok(true)
                }
            }
            _ => Err(self.reader.error(expected)),
        }
    }

    /// Checks the next value and goes past it.
    pub(crate) fn skip(&mut self) -> Result<&'a str, ParseError> {
        self.reader.skip_space();
        let from = self.reader.at;
        skip_value(&mut self.reader)?;
        Ok(self.reader.slice(from, self.reader.at))
    }

    /// What is left, from the next value on.
    pub(crate) fn rest(&mut self) -> &'a str {
        self.reader.skip_space();
        self.reader.slice(self.reader.at, self.reader.source().len())
    }

    /// Goes past so many bytes of [`Self::rest`], which are known to be the next value.
    pub(crate) fn pass(&mut self, len: usize) {
        self.reader.at += len;
    }

    /// Reads the next value into a tree that takes at most `room` bytes, and takes those off. A value that takes more is
    /// skipped, and `None`.
    pub(crate) fn value(&mut self, room: &mut usize) -> Result<Option<Json<'a>>, ParseError> {
        let from = self.reader.at;
        self.reader.room = *room;
        match self.reader.value(0) {
            Ok(json) => {
                *room = self.reader.room;
                Ok(Some(json))
            }
            Err(err) if err.what == NO_ROOM => {
                self.reader.at = from;
                self.skip()?;
                Ok(None)
            }
            Err(err) => Err(err),
        }
    }

    /// Reads the next value as [`super::parse`] would, and tells its text.
    pub(crate) fn document(&mut self) -> Result<(&'a str, Json<'a>), ParseError> {
        self.reader.skip_space();
        let from = self.reader.at;
        self.reader.room = TREE_BYTES;
        let max_depth = std::mem::replace(&mut self.reader.max_depth, parse::MAX_DEPTH);
        let json = self.reader.value(0)?;
        self.reader.max_depth = max_depth;
        Ok((self.reader.slice(from, self.reader.at), json))
    }

    /// The same place, to look ahead from.
    pub(crate) fn fork(&self) -> Self {
        let mut fork = Self::of(self.reader.source());
        fork.reader.at = self.reader.at;
        fork.fresh = self.fresh;
        fork
    }

    /// Nothing may follow.
    pub(crate) fn end(&mut self) -> Result<(), ParseError> {
        self.reader.end()
    }
}
