//! Messages that were seen before in a request, recognised before anything is built from them.
//!
//! An agent sends its whole history with every call, so most messages of a request are repetitions. What a message is
//! built from, text of the request itself, is looked up first; a repetition costs one hash and one comparison,
//! and shares its text with the first. Shapes that are not among the two common ones are left to the general readers.

use std::cell::{Cell, RefCell};
use std::hash::Hasher as _;

use clearspan_model::{JsonText, Side};
use rustc_hash::FxHasher;

use super::Reader;
use super::read::{is_message, is_response_item, normalise_role};
use super::tree::is_index;
use crate::json::{Cursor, Json, push_string};

/// What the key of a flattened attribute says below its prefix: `3.role`, `3.message.content`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FlatKey {
    index: u32,
    /// There is a `message.` before the name.
    is_wrapped: bool,
    /// The role, or else the content.
    is_role: bool,
}

impl FlatKey {
    /// `None` for everything else.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let (index, name) = path.split_once('.')?;
        // `1` and `01` are two messages.
        let is_plain = is_index(index) && (index == "0" || !index.starts_with('0'));
        let index = index.parse().ok().filter(|_| is_plain)?;
        let (is_wrapped, name) = match name.strip_prefix("message.") {
            Some(name) => (true, name),
            None => (false, name),
        };
        match name {
            "role" | "content" => Some(Self { index, is_wrapped, is_role: name == "role" }),
            _ => None,
        }
    }
}

/// A table with one place for each hash: what collides is forgotten, so that no request can make it slow.
///
/// Conversations grow at their end, so each message also knows which one followed it last time: where that one comes
/// again, one comparison finds it, and no hash or look at its JSON is needed.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    slots: RefCell<Vec<Slot<'a>>>,
    /// The message that began the last list.
    first: Cell<Place>,
    /// How many messages the last JSON list of each side had.
    lens: [Cell<usize>; 2],
    /// The last payload that was plain text, and that text in JSON: what a tool gave back is a message of the next call,
    /// and escaping it is most of the work for either.
    payload: RefCell<Option<(&'a str, JsonText)>>,
    scratch: RefCell<String>,
}

/// Where a message is in the table, if it is there.
type Place = Option<u32>;

#[derive(Debug, Clone, Default)]
struct Slot<'a> {
    /// The role, or which side a JSON message is on.
    kind: &'a str,
    source: &'a str,
    text: Option<JsonText>,
    /// The message that followed it last.
    next: Place,
}

/// A list of messages while it is read.
#[derive(Debug, Clone, Copy)]
struct Walk {
    at: Place,
    has_begun: bool,
}

impl Walk {
    const START: Self = Self { at: None, has_begun: false };
}

/// A body of so many bytes has about one message that is new.
const BYTES_PER_SLOT: usize = 1 << 10;
const MAX_SLOTS: usize = 1 << 12;
/// At most so many places are made for messages before they are read.
const MAX_PLACES: usize = 64;

impl<'a> Seen<'a> {
    pub(crate) fn for_body(len: usize) -> Self {
        let count = (len / BYTES_PER_SLOT).next_power_of_two().clamp(16, MAX_SLOTS);
        Self {
            slots: RefCell::new(vec![Slot::default(); count]),
            first: Cell::default(),
            lens: Default::default(),
            payload: RefCell::default(),
            scratch: RefCell::default(),
        }
    }

    /// The message that is expected next, if `matches` says of its kind and source that it is the one.
    fn follow(
        &self,
        walk: &mut Walk,
        matches: impl FnOnce(&'a str, &'a str) -> bool,
    ) -> Option<(&'a str, JsonText)> {
        let slots = self.slots.borrow();
        let slot_at = |place: Place| slots.get(place? as usize);
        let next = if walk.has_begun { slot_at(walk.at)?.next } else { self.first.get() };
        let slot = slot_at(next)?;
        let text = slot.text.as_ref().filter(|_| matches(slot.kind, slot.source))?.clone();
        *walk = Walk { at: next, has_begun: true };
        Some((slot.source, text))
    }

    /// What was built from this source, or what `build` makes of it now. What is not one message is not kept.
    fn get_or_build(
        &self,
        walk: &mut Walk,
        kind: &'a str,
        source: &'a str,
        build: impl FnOnce(&mut String) -> Option<JsonText>,
    ) -> Option<JsonText> {
        let mut hasher = FxHasher::default();
        hasher.write(kind.as_bytes());
        hasher.write(source.as_bytes());
        let mut slots = self.slots.borrow_mut();
        let mask = slots.len() as u64 - 1;
        let place = u32::try_from(hasher.finish() & mask).ok()?;
        let slot = slots.get_mut(place as usize)?;
        let known = slot.text.as_ref().filter(|_| slot.kind == kind && slot.source == source);
        let text = match known {
            Some(text) => text.clone(),
            None => {
                let text = build(&mut self.scratch.borrow_mut())?;
                *slot = Slot { kind, source, text: Some(text.clone()), next: None };
                text
            }
        };
        if !walk.has_begun {
            self.first.set(Some(place));
        } else if let Some(before) = walk.at.and_then(|at| slots.get_mut(at as usize)) {
            before.next = Some(place);
        }
        *walk = Walk { at: Some(place), has_begun: true };
        Some(text)
    }

    /// Keeps what a text is in JSON.
    pub(crate) fn keep_payload(&self, text: &'a str, json: &JsonText) {
        self.payload.replace(Some((text, json.clone())));
    }

    /// Plain text that somebody said.
    fn plain(&self, walk: &mut Walk, role: &'a str, content: &'a str) -> Option<JsonText> {
        if let Some((_, text)) = self.follow(walk, |kind, source| {
            // Where both were known while they were read, it is one text.
            kind == role && (std::ptr::eq(source, content) || source == content)
        }) {
            return Some(text);
        }
        self.get_or_build(walk, role, content, |out| {
            out.clear();
            out.push_str("{\"role\":");
            push_string(&normalise_role(role), out);
            if !content.is_empty() {
                out.push_str(",\"content\":");
                match &*self.payload.borrow() {
                    Some((text, json)) if *text == content => out.push_str(json.as_str()),
                    _ => push_string(content, out),
                }
            }
            out.push('}');
            Some(JsonText::from_trusted(out.as_str()))
        })
    }

    /// The same as [`Self::read_keyed`] for keys that were not looked at yet.
    #[cfg(test)]
    fn read_flattened<'e>(
        &self,
        side: Side,
        entries: impl Iterator<Item = (&'a str, &'e Json<'a>)>,
    ) -> Option<Vec<JsonText>>
    where
        'a: 'e,
    {
        self.read_keyed(side, entries.map(|(path, value)| (FlatKey::of(path), value)))
    }

    /// Reads flattened attributes (`0.role`, `0.content`, `1.message.role`, …) that are plain text in their order.
    /// `None` for everything else.
    pub(crate) fn read_keyed<'e>(
        &self,
        side: Side,
        entries: impl Iterator<Item = (Option<FlatKey>, &'e Json<'a>)>,
    ) -> Option<Vec<JsonText>>
    where
        'a: 'e,
    {
        let mut open = Open::default();
        // Each has a role and a content.
        let at_most = entries.size_hint().1.map_or(MAX_PLACES, |count| count / 2 + 1);
        let messages = Vec::with_capacity(at_most.min(MAX_PLACES));
        let mut read = Flattened { side, messages, walk: Walk::START, speaks: false };
        for (key, value) in entries {
            let FlatKey { index, is_wrapped, is_role } = key?;
            match open.index {
                Some(known) if known == index && open.is_wrapped == is_wrapped => {}
                Some(known) if index <= known => return None,
                _ => {
                    let next = Open { index: Some(index), is_wrapped, ..Open::default() };
                    read.close(std::mem::replace(&mut open, next), self)?;
                }
            }
            let text = value.as_simple()?;
            let place = if is_role { &mut open.role } else { &mut open.content };
            if place.replace(text).is_some() {
                return None;
            }
        }
        read.close(open, self)?;
        Some(if read.speaks { read.messages } else { Vec::new() })
    }

    /// Reads a JSON list of messages, message by message. `None` for everything else.
    pub(crate) fn read_list(&self, side: Side, text: &'a str) -> Option<Vec<JsonText>> {
        let [input_len, output_len] = &self.lens;
        let (kind, last_len) = match side {
            Side::Input => ("\0input", input_len),
            Side::Output => ("\0output", output_len),
        };
        let mut cursor = Cursor::of(text);
        if cursor.peek() != Some(b'[') {
            return None;
        }
        cursor.enter();
        // A turn later there are two more.
        let mut messages = Vec::with_capacity((last_len.get() + 2).min(MAX_PLACES));
        let mut walk = Walk::START;
        while cursor.next_item().ok()? {
            let rest = cursor.rest();
            // What is kept is a whole object, so whatever begins with it is that object and what follows it.
            let known = self.follow(&mut walk, |known, source| known == kind && rest.starts_with(source));
            let message = match known {
                Some((source, message)) => {
                    cursor.pass(source.len());
                    message
                }
                None => {
                    // Most that were not expected are new.
                    let (source, json) = cursor.document().ok()?;
                    self.get_or_build(&mut walk, kind, source, |_| read_one(side, &json))?
                }
            };
            messages.push(message);
        }
        cursor.end().ok()?;
        last_len.set(messages.len());
        (!messages.is_empty()).then_some(messages)
    }
}

/// One message that stands by itself whatever stands around it.
fn read_one(side: Side, json: &Json<'_>) -> Option<JsonText> {
    if !is_message(json) || is_response_item(json) {
        return None;
    }
    let mut out = Vec::with_capacity(1);
    Reader::new(side).read_message(json)?.finish(side, &mut out);
    let message = out.pop()?;
    out.is_empty().then_some(message)
}

/// A message whose attributes are being gathered.
#[derive(Debug, Default)]
struct Open<'a> {
    index: Option<u32>,
    is_wrapped: bool,
    role: Option<&'a str>,
    content: Option<&'a str>,
}

#[derive(Debug)]
struct Flattened {
    side: Side,
    messages: Vec<JsonText>,
    walk: Walk,
    /// One of them says something.
    speaks: bool,
}

impl Flattened {
    /// `None` where the general reader would do more than copy.
    fn close<'a>(&mut self, open: Open<'a>, seen: &Seen<'a>) -> Option<()> {
        if open.index.is_none() {
            return Some(());
        }
        // Names of sides begin with a zero; what is JSON must not meet what is plain.
        let role =
            open.role.filter(|role| !role.is_empty() && *role != "thinking" && !role.starts_with('\0'))?;
        let content = open.content.unwrap_or_default();
        if content.starts_with(['{', '[']) || content == "\"\"" {
            return None;
        }
        if content.is_empty() && self.side == Side::Output {
            return Some(());
        }
        self.speaks |= !content.is_empty();
        self.messages.push(seen.plain(&mut self.walk, role, content)?);
        Some(())
    }
}

#[cfg(test)]
mod tests;
