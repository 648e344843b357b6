//! What a request says, by reference into its bytes: one span (or log record, point, resource, scope) at a time.
//!
//! Protobuf and JSON both become these. Texts are valid UTF-8 and values are [`Json`]; what had to be repaired on the
//! way is among the issues of the [`Reading`].

use clearspan_model::{IssueKind, MapIssue};

use super::room::{Room, Stop};
use super::wire::Malformed;
use crate::arena::Arena;
use crate::engine::Remembered;
use crate::json::Json;

/// Attributes in the order in which they came.
pub(crate) type Pairs<'a> = Vec<(&'a str, Json<'a>)>;

/// How deep values may nest. What is deeper is kept in its raw form.
pub(super) const MAX_VALUE_DEPTH: usize = 64;

/// How many attributes, events and links one owner may have. What is beyond is counted.
pub(super) const MAX_ENTRIES: usize = 10_000;

/// A span.
#[derive(Debug, Default)]
pub(crate) struct SpanView<'a> {
    pub(crate) trace_id: &'a [u8],
    pub(crate) span_id: &'a [u8],
    pub(crate) parent_span_id: &'a [u8],
    pub(crate) trace_state: &'a str,
    pub(crate) name: &'a str,
    pub(crate) kind: i32,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) attributes: Pairs<'a>,
    pub(crate) events: Vec<EventView<'a>>,
    pub(crate) links: Vec<LinkView<'a>>,
    /// Attributes, events and links that the sender left out.
    pub(crate) dropped: [u32; 3],
    pub(crate) status_code: i32,
    pub(crate) status_message: &'a str,
}

/// An event of a span.
#[derive(Debug, Default)]
pub(crate) struct EventView<'a> {
    pub(crate) time: u64,
    pub(crate) name: &'a str,
    pub(crate) attributes: Pairs<'a>,
}

/// A pointer to another span.
#[derive(Debug, Default)]
pub(crate) struct LinkView<'a> {
    pub(crate) trace_id: &'a [u8],
    pub(crate) span_id: &'a [u8],
    pub(crate) attributes: Pairs<'a>,
}

/// An instrumentation scope.
#[derive(Debug, Default)]
pub(crate) struct ScopeView<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    pub(crate) attributes: Pairs<'a>,
}

/// Why something cannot be read.
#[derive(Debug)]
pub(super) enum Bad {
    /// The bytes are not what they should be; nothing after them can be trusted.
    Body(String),
    /// This span, log record or point cannot be used; its neighbours can.
    Span(String),
    /// A limit of the request is met.
    Stop(Stop),
}

impl From<Malformed> for Bad {
    fn from(why: Malformed) -> Self {
        Self::Body(why.to_string())
    }
}

impl From<Stop> for Bad {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

/// What had to be made while something was read: repaired and unescaped texts, decoded bytes.
#[derive(Debug, Default)]
pub(super) struct Kept {
    texts: Arena<String>,
    bytes: Arena<Vec<u8>>,
}

/// One span (or log record, point, resource, scope) while it is read.
#[derive(Debug)]
pub(super) struct Reading<'a, 'r, 'm> {
    kept: &'a Kept,
    pub(super) room: &'r mut Room<'m>,
    issues: &'r mut Vec<MapIssue>,
    /// The name of the span or record, as soon as it is known: a refusal tells it.
    pub(super) name: &'a str,
    /// Texts were repaired since the last look.
    sanitized: bool,
    /// What earlier spans had.
    pub(super) remembered: Option<&'a Remembered<'a>>,
}

/// Issues that one span may have: as many as a person reads.
const MAX_ISSUES: usize = 100;

impl<'a, 'r, 'm> Reading<'a, 'r, 'm> {
    pub(super) fn new(kept: &'a Kept, room: &'r mut Room<'m>, issues: &'r mut Vec<MapIssue>) -> Self {
        Self { kept, room, issues, name: "", sanitized: false, remembered: None }
    }

    /// Text from bytes that should be UTF-8.
    #[inline]
    pub(super) fn text(&mut self, bytes: &'a [u8]) -> Result<&'a str, Stop> {
        if let Ok(text) = std::str::from_utf8(bytes) {
            self.room.text(text)?;
            return Ok(text);
        }
        self.sanitized = true;
        // A byte becomes a character of three at worst, and stays as long as the request.
        self.room.retain(bytes.len().saturating_mul(3))?;
        self.keep_text(String::from_utf8_lossy(bytes).into_owned())
    }

    /// An attribute whose key and text should be UTF-8. Those of earlier spans are known to be: the same text stands at
    /// the same key whenever a conversation is told again.
    #[inline]
    pub(super) fn pair(&mut self, key: &'a [u8], text: &'a [u8]) -> Result<(&'a str, &'a str), Stop> {
        let valid = |bytes: &'a [u8]| std::str::from_utf8(bytes).ok();
        let known = self.remembered.and_then(|remembered| Some((remembered, remembered.known_key(key)?)));
        let pair = match known {
            Some((_, known)) if known.text.as_bytes() == text => Some((known.key, known.text)),
            Some((remembered, known)) => valid(text).map(|text| {
                remembered.note_text(&known, text);
                (known.key, text)
            }),
            None => valid(key).zip(valid(text)),
        };
        match pair {
            Some((key, text)) => {
                self.room.pair(key, text)?;
                Ok((key, text))
            }
            None => self.repaired_pair(key, text),
        }
    }

    #[cold]
    fn repaired_pair(&mut self, key: &'a [u8], text: &'a [u8]) -> Result<(&'a str, &'a str), Stop> {
        self.room.element()?;
        let (key, text) = (self.text(key)?, self.text(text)?);
        self.note_sanitized(key);
        Ok((key, text))
    }

    /// The key of an attribute from bytes that should be UTF-8; one of an earlier span, if it had the same.
    pub(super) fn key(&mut self, bytes: &'a [u8]) -> Result<&'a str, Stop> {
        match self.remembered.and_then(|remembered| remembered.known_key(bytes)) {
            Some(known) => {
                self.room.text(known.key)?;
                Ok(known.key)
            }
            None => self.text(bytes),
        }
    }

    /// Text from JSON.
    pub(super) fn json_text(&mut self, text: crate::json::Text<'a>) -> Result<&'a str, Stop> {
        match text.decode_noting(&mut self.sanitized) {
            std::borrow::Cow::Borrowed(text) => {
                self.room.text(text)?;
                Ok(text)
            }
            std::borrow::Cow::Owned(text) => {
                self.room.take(text.len())?;
                self.keep_text(text)
            }
        }
    }

    pub(super) fn keep_text(&mut self, text: String) -> Result<&'a str, Stop> {
        let kept: &'a str = self.kept.texts.keep(text);
        self.room.text(kept)?;
        Ok(kept)
    }

    pub(super) fn keep_bytes(&mut self, bytes: Vec<u8>) -> &'a [u8] {
        self.kept.bytes.keep(bytes)
    }

    pub(super) fn issue(&mut self, kind: IssueKind, field: &str, message: impl Into<String>) {
        if self.issues.len() < MAX_ISSUES {
            self.issues.push(MapIssue { kind, field: super::ids::shorten(field), message: message.into() });
        }
    }

    /// Tells of texts that were repaired since the last call.
    #[inline]
    pub(super) fn note_sanitized(&mut self, field: &str) {
        if std::mem::take(&mut self.sanitized) {
            self.issue(IssueKind::Sanitized, field, "not valid UTF-8; what cannot be read is U+FFFD now");
        }
    }

    /// Tells that there were more entries than are kept.
    pub(super) fn note_cut(&mut self, what: &str, seen: usize) {
        if seen > MAX_ENTRIES {
            let message = format!("there were {seen} {what}; the first {MAX_ENTRIES} were kept");
            self.issue(IssueKind::Truncated, what, message);
        }
    }
}
