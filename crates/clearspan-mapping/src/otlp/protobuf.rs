//! Protobuf messages to views.
//!
//! A known field of another wire type counts as absent and is told as an issue; where that is an id, the span has none.

use clearspan_model::IssueKind;

use super::view::{
    Bad, EventView, LinkView, MAX_ENTRIES, MAX_VALUE_DEPTH, Pairs, Reading, ScopeView, SpanView,
};
use super::wire::{Fields, Wire};
use crate::engine::Remembered;
use crate::json::{Json, Text};

/// Reads a span.
pub(super) fn read_span<'a>(bytes: &'a [u8], reading: &mut Reading<'a, '_, '_>) -> Result<SpanView<'a>, Bad> {
    let mut misfits = None;
    match (read_fields(bytes, &mut misfits, reading), misfits) {
        // What has no ids is no span; what else is wrong with it does not matter.
        (Ok(_) | Err(Bad::Body(_)), Some(why)) => Err(Bad::Span(why)),
        (read, _) => read,
    }
}

fn read_fields<'a>(
    bytes: &'a [u8],
    misfits: &mut Option<String>,
    reading: &mut Reading<'a, '_, '_>,
) -> Result<SpanView<'a>, Bad> {
    let mut span = SpanView::default();
    let (mut attributes, mut events, mut links) = (0, 0, 0);
    let mut fields = Fields::of(bytes);
    while let Some((number, wire)) = fields.next()? {
        let fits = match number {
            1 => set(&mut span.trace_id, wire.bytes()),
            2 => set(&mut span.span_id, wire.bytes()),
            3 => set_text(&mut span.trace_state, wire, "trace_state", reading)?,
            4 => set(&mut span.parent_span_id, wire.bytes()),
            5 => set_text(&mut span.name, wire, "name", reading)?,
            6 => set(&mut span.kind, wire.varint().map(int32)),
            7 => set(&mut span.start, wire.fixed64()),
            8 => set(&mut span.end, wire.fixed64()),
            9 => {
                if attributes == 0 {
                    span.attributes = reading.remembered.map(Remembered::spare_pairs).unwrap_or_default();
                    span.attributes.reserve((bytes.len() / BYTES_PER_PLACE).min(MAX_FIRST_PLACES));
                }
                let fits = push_pair(&mut span.attributes, wire, &mut attributes, reading)?;
                push_pairs(&mut span.attributes, &mut fields, 9, &mut attributes, reading)?;
                fits
            }
            10 => set(&mut span.dropped[0], wire.varint().map(uint32)),
            11 => push(&mut span.events, wire, &mut events, reading, read_event)?,
            12 => set(&mut span.dropped[1], wire.varint().map(uint32)),
            13 => push(&mut span.links, wire, &mut links, reading, read_link)?,
            14 => set(&mut span.dropped[2], wire.varint().map(uint32)),
            15 => match wire.bytes() {
                Some(bytes) => {
                    read_status(bytes, &mut span, reading)?;
                    true
                }
                None => false,
            },
            _ => true,
        };
        if !fits {
            *misfits = misfits.take().or(misfit(number, wire, reading));
        }
    }
    reading.name = span.name;
    reading.note_cut("attributes", attributes);
    reading.note_cut("events", events);
    reading.note_cut("links", links);
    Ok(span)
}

/// The fields of a span, by their numbers from one.
const SPAN_FIELDS: [&str; 15] = [
    "trace_id",
    "span_id",
    "trace_state",
    "parent_span_id",
    "name",
    "kind",
    "start_time_unix_nano",
    "end_time_unix_nano",
    "attributes",
    "dropped_attributes_count",
    "events",
    "dropped_events_count",
    "links",
    "dropped_links_count",
    "status",
];

/// Without its ids a span is nothing, so this is why it is refused; every other field it can do without.
fn misfit(number: u32, wire: Wire<'_>, reading: &mut Reading<'_, '_, '_>) -> Option<String> {
    let field = SPAN_FIELDS.get(number as usize - 1).copied().unwrap_or("field");
    if number <= 2 {
        let kind = wire.kind();
        return Some(format!("{field} is {kind}, not bytes (is this a request for logs or metrics?)"));
    }
    note_misfit(field, wire, reading);
    None
}

pub(super) fn note_misfit(field: &str, wire: Wire<'_>, reading: &mut Reading<'_, '_, '_>) {
    reading.issue(IssueKind::Unusable, field, format!("it was sent as {}, which it cannot be", wire.kind()));
}

/// Takes a value that is there. False when it is not.
pub(super) fn set<T>(field: &mut T, value: Option<T>) -> bool {
    value.map(|value| *field = value).is_some()
}

pub(super) fn set_text<'a>(
    field: &mut &'a str,
    wire: Wire<'a>,
    name: &str,
    reading: &mut Reading<'a, '_, '_>,
) -> Result<bool, Bad> {
    let Some(bytes) = wire.bytes() else { return Ok(false) };
    *field = reading.text(bytes)?;
    reading.note_sanitized(name);
    Ok(true)
}

#[expect(clippy::cast_possible_truncation, reason = "protobuf cuts numbers to their type")]
pub(super) fn int32(number: u64) -> i32 {
    number as i32
}

#[expect(clippy::cast_possible_truncation, reason = "protobuf cuts numbers to their type")]
pub(super) fn uint32(number: u64) -> u32 {
    number as u32
}

pub(super) fn push<'a, T>(
    list: &mut Vec<T>,
    wire: Wire<'a>,
    seen: &mut usize,
    reading: &mut Reading<'a, '_, '_>,
    read: fn(&'a [u8], &mut Reading<'a, '_, '_>) -> Result<T, Bad>,
) -> Result<bool, Bad> {
    let Some(bytes) = wire.bytes() else { return Ok(false) };
    *seen += 1;
    if *seen > MAX_ENTRIES {
        reading.room.see()?;
    } else {
        reading.room.element()?;
        list.push(read(bytes, reading)?);
    }
    Ok(true)
}

pub(super) fn push_pair<'a>(
    list: &mut Pairs<'a>,
    wire: Wire<'a>,
    seen: &mut usize,
    reading: &mut Reading<'a, '_, '_>,
) -> Result<bool, Bad> {
    if *seen == 0 && list.capacity() < FIRST_PLACES {
        list.reserve(FIRST_PLACES);
    }
    let Some(bytes) = wire.bytes() else { return Ok(false) };
    take_pair(list, bytes, seen, reading)?;
    Ok(true)
}

/// Takes the pairs that come next in the field of this number, one after another.
fn push_pairs<'a>(
    list: &mut Pairs<'a>,
    fields: &mut Fields<'a>,
    number: u8,
    seen: &mut usize,
    reading: &mut Reading<'a, '_, '_>,
) -> Result<(), Bad> {
    while let Some(bytes) = fields.next_bytes_of(number) {
        take_pair(list, bytes, seen, reading)?;
    }
    Ok(())
}

#[inline]
fn take_pair<'a>(
    list: &mut Pairs<'a>,
    bytes: &'a [u8],
    seen: &mut usize,
    reading: &mut Reading<'a, '_, '_>,
) -> Result<(), Bad> {
    *seen += 1;
    if *seen > MAX_ENTRIES {
        reading.room.see()?;
    } else if let Some((key, text)) = text_pair(bytes) {
        let (key, text) = reading.pair(key, text)?;
        list.push((key, Json::String(Text::Plain(text))));
    } else {
        reading.room.element()?;
        list.push(read_pair(bytes, reading, 0)?);
    }
    Ok(())
}

/// Places for the attributes of one owner, before it is known how many there are.
const FIRST_PLACES: usize = 12;

/// A long span has more: conversations are flattened into two attributes a message.
const BYTES_PER_PLACE: usize = 128;
const MAX_FIRST_PLACES: usize = 64;

fn read_event<'a>(bytes: &'a [u8], reading: &mut Reading<'a, '_, '_>) -> Result<EventView<'a>, Bad> {
    let mut event = EventView::default();
    let mut attributes = 0;
    let mut fields = Fields::of(bytes);
    while let Some((number, wire)) = fields.next()? {
        let fits = match number {
            1 => set(&mut event.time, wire.fixed64()),
            2 => set_text(&mut event.name, wire, "events.name", reading)?,
            3 => push_pair(&mut event.attributes, wire, &mut attributes, reading)?,
            _ => true,
        };
        if !fits {
            note_misfit("events", wire, reading);
        }
    }
    reading.note_cut("attributes of an event", attributes);
    Ok(event)
}

fn read_link<'a>(bytes: &'a [u8], reading: &mut Reading<'a, '_, '_>) -> Result<LinkView<'a>, Bad> {
    let mut link = LinkView::default();
    let mut attributes = 0;
    let mut fields = Fields::of(bytes);
    while let Some((number, wire)) = fields.next()? {
        let fits = match number {
            1 => set(&mut link.trace_id, wire.bytes()),
            2 => set(&mut link.span_id, wire.bytes()),
            4 => push_pair(&mut link.attributes, wire, &mut attributes, reading)?,
            _ => true,
        };
        if !fits {
            note_misfit("links", wire, reading);
        }
    }
    reading.note_cut("attributes of a link", attributes);
    Ok(link)
}

fn read_status<'a>(
    bytes: &'a [u8],
    span: &mut SpanView<'a>,
    reading: &mut Reading<'a, '_, '_>,
) -> Result<(), Bad> {
    let mut fields = Fields::of(bytes);
    while let Some((number, wire)) = fields.next()? {
        let fits = match number {
            2 => set_text(&mut span.status_message, wire, "status.message", reading)?,
            3 => set(&mut span.status_code, wire.varint().map(int32)),
            _ => true,
        };
        if !fits {
            note_misfit("status", wire, reading);
        }
    }
    Ok(())
}

/// Reads a resource: its attributes.
pub(super) fn read_resource<'a>(
    bytes: &'a [u8],
    reading: &mut Reading<'a, '_, '_>,
) -> Result<Pairs<'a>, Bad> {
    let mut attributes = Pairs::new();
    let mut seen = 0;
    let mut fields = Fields::of(bytes);
    while let Some((number, wire)) = fields.next()? {
        if number == 1 && !push_pair(&mut attributes, wire, &mut seen, reading)? {
            note_misfit("resource", wire, reading);
        }
    }
    reading.note_cut("attributes of the resource", seen);
    Ok(attributes)
}

/// Reads an instrumentation scope.
pub(super) fn read_scope<'a>(
    bytes: &'a [u8],
    reading: &mut Reading<'a, '_, '_>,
) -> Result<ScopeView<'a>, Bad> {
    let mut scope = ScopeView::default();
    let mut seen = 0;
    let mut fields = Fields::of(bytes);
    while let Some((number, wire)) = fields.next()? {
        let fits = match number {
            1 => set_text(&mut scope.name, wire, "scope.name", reading)?,
            2 => set_text(&mut scope.version, wire, "scope.version", reading)?,
            3 => push_pair(&mut scope.attributes, wire, &mut seen, reading)?,
            _ => true,
        };
        if !fits {
            note_misfit("scope", wire, reading);
        }
    }
    reading.note_cut("attributes of the scope", seen);
    Ok(scope)
}

fn read_pair<'a>(
    bytes: &'a [u8],
    reading: &mut Reading<'a, '_, '_>,
    depth: usize,
) -> Result<(&'a str, Json<'a>), Bad> {
    let (mut key, mut value) = ("", Json::Null);
    let mut fields = Fields::of(bytes);
    while let Some((number, wire)) = fields.next()? {
        match (number, wire) {
            (1, Wire::Bytes(bytes)) => key = reading.key(bytes)?,
            (2, Wire::Bytes(bytes)) => value = read_value(bytes, reading, depth)?,
            (1 | 2, wire) => note_misfit("attributes", wire, reading),
            _ => {}
        }
    }
    reading.note_sanitized(key);
    Ok((key, value))
}

/// The key and the text of a pair that is written as nearly all are: its key, then a value that is one text.
#[inline]
fn text_pair(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut pair = Fields::of(bytes);
    let key = pair.next_bytes_of(1)?;
    let mut value = Fields::of(pair.next_bytes_of(2)?);
    let text = value.next_bytes_of(1)?;
    (pair.is_empty() && value.is_empty()).then_some((key, text))
}

/// Reads an `AnyValue`. Of several values in one, which the format allows, the last counts.
pub(super) fn read_value<'a>(
    bytes: &'a [u8],
    reading: &mut Reading<'a, '_, '_>,
    depth: usize,
) -> Result<Json<'a>, Bad> {
    if depth > MAX_VALUE_DEPTH {
        reading.issue(
            IssueKind::Unusable,
            "attributes",
            format!(
                "a value nests deeper than {MAX_VALUE_DEPTH}; what is deeper is kept as its protobuf bytes"
            ),
        );
        reading.room.bytes(bytes.len())?;
        return Ok(Json::Bytes(bytes));
    }
    let mut value = Json::Null;
    let mut fields = Fields::of(bytes);
    while let Some((number, wire)) = fields.next()? {
        value = match (number, wire) {
            (1, Wire::Bytes(bytes)) => Json::String(Text::Plain(reading.text(bytes)?)),
            (2, Wire::Varint(number)) => Json::Bool(number != 0),
            #[expect(clippy::cast_possible_wrap, reason = "negative numbers are written so")]
            (3, Wire::Varint(number)) => Json::Int(number as i64),
            (4, Wire::Fixed64(bits)) => Json::Float(f64::from_bits(bits)),
            (5, Wire::Bytes(bytes)) => Json::Array(read_array(bytes, reading, depth)?),
            (6, Wire::Bytes(bytes)) => Json::Object(read_map(bytes, reading, depth)?),
            (7, Wire::Bytes(bytes)) => {
                reading.room.bytes(bytes.len())?;
                Json::Bytes(bytes)
            }
            (1..=7, wire) => {
                note_misfit("attributes", wire, reading);
                continue;
            }
            _ => continue,
        };
    }
    Ok(value)
}

fn read_array<'a>(
    bytes: &'a [u8],
    reading: &mut Reading<'a, '_, '_>,
    depth: usize,
) -> Result<Vec<Json<'a>>, Bad> {
    let mut items = Vec::new();
    let mut fields = Fields::of(bytes);
    while let Some((number, wire)) = fields.next()? {
        if let (1, Wire::Bytes(bytes)) = (number, wire) {
            reading.room.element()?;
            items.push(read_value(bytes, reading, depth + 1)?);
        }
    }
    Ok(items)
}

fn read_map<'a>(
    bytes: &'a [u8],
    reading: &mut Reading<'a, '_, '_>,
    depth: usize,
) -> Result<Vec<(Text<'a>, Json<'a>)>, Bad> {
    let mut members = Vec::new();
    let mut fields = Fields::of(bytes);
    while let Some((number, wire)) = fields.next()? {
        if let (1, Wire::Bytes(bytes)) = (number, wire) {
            reading.room.element()?;
            let (key, value) = read_pair(bytes, reading, depth + 1)?;
            members.push((Text::Plain(key), value));
        }
    }
    Ok(members)
}

#[cfg(test)]
mod tests;
