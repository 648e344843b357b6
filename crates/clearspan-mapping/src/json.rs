//! JSON read by reference and written in one canonical form.
//!
//! Most of what instrumentations send is JSON inside string attributes, and most of that is text that
//! only has to be copied into another shape. So a parsed document keeps slices of its source, and
//! writing copies them. Equal content gives equal text whatever the sender's spacing and escapes: the
//! store keeps each distinct message once. OTLP's structured values are the same tree ([`Json::Int`],
//! [`Json::Float`] and [`Json::Bytes`] are theirs), so one set of readers serves both.

mod cursor;
mod parse;
mod scan;
mod skip;
mod write;

use std::borrow::Cow;

pub(crate) use cursor::{Cursor, MAX_DEPTH};
pub(crate) use parse::{ParseError, TREE_BYTES, parse};
pub(crate) use scan::escaped_len;
pub(crate) use write::{float_text, push_string};

/// A JSON value that borrows from its source.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Json<'a> {
    #[default]
    Null,
    Bool(bool),
    /// A number as it was written.
    Number(&'a str),
    Int(i64),
    Float(f64),
    String(Text<'a>),
    Bytes(&'a [u8]),
    Array(Vec<Json<'a>>),
    Object(Vec<(Text<'a>, Json<'a>)>),
}

/// Text, in the form in which the source holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Text<'a> {
    /// Needs no escape in JSON: the source had none.
    Clean(&'a str),
    /// Text that may need escapes.
    Plain(&'a str),
    /// The inside of a JSON string that holds valid escapes, all of them as they would be written.
    Canonical(&'a str),
    /// The inside of a JSON string that holds valid escapes.
    Escaped(&'a str),
}

impl<'a> Text<'a> {
    /// The text itself.
    pub(crate) fn decode(self) -> Cow<'a, str> {
        match self {
            Self::Clean(text) | Self::Plain(text) => Cow::Borrowed(text),
            Self::Canonical(raw) | Self::Escaped(raw) => Cow::Owned(parse::unescape(raw)),
        }
    }

    /// The text itself, and whether a lone surrogate in it had to be replaced.
    pub(crate) fn decode_noting(self, replaced: &mut bool) -> Cow<'a, str> {
        match self {
            Self::Clean(text) | Self::Plain(text) => Cow::Borrowed(text),
            Self::Canonical(raw) | Self::Escaped(raw) => Cow::Owned(parse::unescape_noting(raw, replaced)),
        }
    }

    /// The text where no escape stands in the way: enough for keys and enumerations.
    pub(crate) fn simple(self) -> &'a str {
        match self {
            Self::Clean(text) | Self::Plain(text) | Self::Canonical(text) | Self::Escaped(text) => text,
        }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.simple().is_empty()
    }
}

impl<'a> Json<'a> {
    /// Text from outside JSON.
    pub(crate) fn text(text: &'a str) -> Self {
        Self::String(Text::Plain(text))
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Json<'a>> {
        self.members()?.iter().find(|(name, _)| name.simple() == key).map(|(_, value)| value)
    }

    /// The first of several names that is there and not null.
    pub(crate) fn first(&self, keys: &[&str]) -> Option<&Json<'a>> {
        keys.iter().find_map(|key| self.get(key).filter(|value| !value.is_null()))
    }

    pub(crate) fn members(&self) -> Option<&[(Text<'a>, Json<'a>)]> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    pub(crate) fn items(&self) -> Option<&[Json<'a>]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<Text<'a>> {
        match self {
            Self::String(text) => Some(*text),
            _ => None,
        }
    }

    /// The text of a string without escapes: roles, types, ids.
    pub(crate) fn as_simple(&self) -> Option<&'a str> {
        self.as_text().map(Text::simple)
    }

    pub(crate) fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Number(digits) => digits.parse().ok(),
            _ => None,
        }
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Null, empty text, an empty list or an empty object: nothing that a person would miss.
    pub(crate) fn is_blank(&self) -> bool {
        match self {
            Self::Null => true,
            Self::String(text) => text.is_empty(),
            Self::Array(items) => items.is_empty(),
            Self::Object(members) => members.is_empty(),
            _ => false,
        }
    }

    /// The canonical text.
    pub(crate) fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }
}

#[cfg(test)]
mod tests;
