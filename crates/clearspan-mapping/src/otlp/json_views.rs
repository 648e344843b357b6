//! OTLP/JSON to views, tolerantly: senders disagree about how they write integers, enums and bytes.
//!
//! Names are in camel case, as OTLP demands; others are ignored. A value that cannot be read is kept as it was written
//! and told as an issue. A span is refused for what it cannot do without: its ids, times that are none, lists that are
//! none. A name that comes twice where it means something refuses the request: readers would disagree about it.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use clearspan_model::IssueKind;

use super::ids::shorten;
use super::view::{
    Bad, EventView, LinkView, MAX_ENTRIES, MAX_VALUE_DEPTH, Pairs, Reading, ScopeView, SpanView,
};
use crate::json::{Json, Text};

const SPAN_KINDS: &[&str] = &["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
const STATUS_CODES: &[&str] = &["UNSET", "OK", "ERROR"];

const PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, PADDING);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, PADDING);

/// Members by name, each at most once.
pub(super) struct Members<'a, const N: usize>(pub(super) [Option<&'a Json<'a>>; N]);

impl<'a, const N: usize> Members<'a, N> {
    /// Finds the members with these names. Null is absent.
    pub(super) fn of(json: &'a Json<'a>, names: &[&str; N], what: &str) -> Result<Self, Bad> {
        let Some(members) = json.members() else {
            return Err(Bad::Span(format!("{what} is {}, not an object", kind_of(json))));
        };
        let mut found = [None; N];
        let mut seen = 0_u32;
        for (name, value) in members {
            let Some(idx) = names.iter().position(|known| *known == name.simple()) else { continue };
            if seen & (1 << idx) != 0 {
                return Err(Bad::Body(format!("{what} has two members \"{}\"", names[idx])));
            }
            seen |= 1 << idx;
            found[idx] = Some(value).filter(|value| !value.is_null());
        }
        Ok(Self(found))
    }
}

pub(super) fn kind_of(json: &Json<'_>) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a truth value",
        Json::Number(_) | Json::Int(_) | Json::Float(_) => "a number",
        Json::String(_) => "text",
        Json::Bytes(_) => "bytes",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

/// Reads a span.
pub(super) fn read_span<'a>(
    json: &'a Json<'a>,
    reading: &mut Reading<'a, '_, '_>,
) -> Result<SpanView<'a>, Bad> {
    const NAMES: [&str; 15] = [
        "traceId",
        "spanId",
        "traceState",
        "parentSpanId",
        "name",
        "kind",
        "startTimeUnixNano",
        "endTimeUnixNano",
        "attributes",
        "droppedAttributesCount",
        "events",
        "droppedEventsCount",
        "links",
        "droppedLinksCount",
        "status",
    ];
    let Members(found) = Members::of(json, &NAMES, "the span")?;
    let name = text(found[4], "name", reading)?;
    reading.name = name;
    let mut span = SpanView {
        name,
        trace_id: id(found[0], "trace id", reading)?,
        span_id: id(found[1], "span id", reading)?,
        trace_state: text(found[2], "traceState", reading)?,
        parent_span_id: parent(found[3], reading),
        kind: enumeration(found[5], "kind", "SPAN_KIND_", SPAN_KINDS, reading),
        start: nanos(found[6], "startTimeUnixNano")?,
        end: nanos(found[7], "endTimeUnixNano")?,
        attributes: pairs(found[8], "attributes", reading)?,
        events: list(found[10], "events", reading, read_event)?,
        links: list(found[12], "links", reading, read_link)?,
        dropped: [count(found[9]), count(found[11]), count(found[13])],
        ..SpanView::default()
    };
    if span.trace_id.is_empty() && json.get("trace_id").is_some() {
        return Err(Bad::Span(format!("{}; {CASE_HINT}", "the trace id is missing")));
    }
    if let Some(status) = found[14] {
        let Members([message, code]) = Members::of(status, &["message", "code"], "status")?;
        span.status_message = text(message, "status.message", reading)?;
        span.status_code = enumeration(code, "status.code", "STATUS_CODE_", STATUS_CODES, reading);
    }
    Ok(span)
}

/// What helps whoever sends the names of the protobuf definition.
pub(super) const CASE_HINT: &str = "names in OTLP/JSON are in camel case, as `traceId`";

fn read_event<'a>(json: &'a Json<'a>, reading: &mut Reading<'a, '_, '_>) -> Result<EventView<'a>, Bad> {
    let Members([time, name, attributes]) =
        Members::of(json, &["timeUnixNano", "name", "attributes"], "an event")?;
    Ok(EventView {
        time: nanos(time, "timeUnixNano of an event")?,
        name: text(name, "events.name", reading)?,
        attributes: pairs(attributes, "attributes of an event", reading)?,
    })
}

fn read_link<'a>(json: &'a Json<'a>, reading: &mut Reading<'a, '_, '_>) -> Result<LinkView<'a>, Bad> {
    let Members([trace_id, span_id, attributes]) =
        Members::of(json, &["traceId", "spanId", "attributes"], "a link")?;
    let attributes = pairs(attributes, "attributes of a link", reading)?;
    // Ids that cannot be read have a length that no id has; the mapping tells of it.
    let mut id = |value: Option<&Json<'a>>| value.and_then(|json| read_id(json, reading)).unwrap_or(b"?");
    Ok(LinkView { trace_id: id(trace_id), span_id: id(span_id), attributes })
}

/// Reads a resource: its attributes.
pub(super) fn read_resource<'a>(
    json: &'a Json<'a>,
    reading: &mut Reading<'a, '_, '_>,
) -> Result<Pairs<'a>, Bad> {
    let Members([attributes]) = Members::of(json, &["attributes"], "the resource")?;
    pairs(attributes, "attributes of the resource", reading)
}

/// Reads an instrumentation scope.
pub(super) fn read_scope<'a>(
    json: &'a Json<'a>,
    reading: &mut Reading<'a, '_, '_>,
) -> Result<ScopeView<'a>, Bad> {
    let Members([name, version, attributes]) =
        Members::of(json, &["name", "version", "attributes"], "the scope")?;
    Ok(ScopeView {
        name: text(name, "scope.name", reading)?,
        version: text(version, "scope.version", reading)?,
        attributes: pairs(attributes, "attributes of the scope", reading)?,
    })
}

pub(super) fn list<'a, T>(
    json: Option<&'a Json<'a>>,
    what: &str,
    reading: &mut Reading<'a, '_, '_>,
    read: fn(&'a Json<'a>, &mut Reading<'a, '_, '_>) -> Result<T, Bad>,
) -> Result<Vec<T>, Bad> {
    let Some(json) = json else { return Ok(Vec::new()) };
    let Some(items) = json.items() else {
        return Err(Bad::Span(format!("{what}: expected a list, found {}", kind_of(json))));
    };
    reading.note_cut(what, items.len());
    for _ in items.iter().skip(MAX_ENTRIES) {
        reading.room.see()?;
    }
    items
        .iter()
        .take(MAX_ENTRIES)
        .map(|item| {
            reading.room.element()?;
            read(item, reading)
        })
        .collect()
}

pub(super) fn pairs<'a>(
    json: Option<&'a Json<'a>>,
    what: &str,
    reading: &mut Reading<'a, '_, '_>,
) -> Result<Pairs<'a>, Bad> {
    list(json, what, reading, |json, reading| read_pair(json, reading, 0))
}

fn read_pair<'a>(
    json: &'a Json<'a>,
    reading: &mut Reading<'a, '_, '_>,
    depth: usize,
) -> Result<(&'a str, Json<'a>), Bad> {
    let Members([key, value]) = Members::of(json, &["key", "value"], "an attribute")?;
    let key = match key {
        Some(Json::String(text)) => reading.json_text(*text)?,
        None => "",
        Some(other) => {
            return Err(Bad::Span(format!("the key of an attribute is {}, not text", kind_of(other))));
        }
    };
    reading.note_sanitized(key);
    let value = value.map_or(Ok(Json::Null), |value| read_value(value, key, reading, depth))?;
    reading.note_sanitized(key);
    Ok((key, value))
}

/// Reads an `AnyValue`.
pub(super) fn read_value<'a>(
    json: &'a Json<'a>,
    key: &str,
    reading: &mut Reading<'a, '_, '_>,
    depth: usize,
) -> Result<Json<'a>, Bad> {
    if depth > MAX_VALUE_DEPTH {
        let why =
            format!("a value nests deeper than {MAX_VALUE_DEPTH}; what is deeper is kept as its JSON text");
        return keep_raw(json, key, why, reading);
    }
    let Some([(name, value), rest @ ..]) = json.members() else {
        return match json {
            Json::Object(_) | Json::Null => Ok(Json::Null),
            other => keep_raw(other, key, format!("{} is not a value of OTLP", kind_of(other)), reading),
        };
    };
    if !rest.is_empty() {
        return keep_raw(json, key, "a value has one member".to_owned(), reading);
    }
    Ok(match (name.simple(), value) {
        (_, Json::Null) => Json::Null,
        ("stringValue", Json::String(text)) => Json::String(Text::Plain(reading.json_text(*text)?)),
        ("boolValue", Json::Bool(flag)) => Json::Bool(*flag),
        ("intValue", number) => match read_integer(number) {
            Some(number) => Json::Int(number),
            None => return keep_raw(number, key, "intValue is not a 64-bit integer".to_owned(), reading),
        },
        ("doubleValue", number) => return read_double(number, key, reading),
        ("arrayValue", array) => {
            let items = members_list(array, "values")?;
            let mut out = Vec::with_capacity(items.len());
            for item in items {
                reading.room.element()?;
                out.push(read_value(item, key, reading, depth + 1)?);
            }
            Json::Array(out)
        }
        ("kvlistValue", map) => {
            let items = members_list(map, "values")?;
            let mut out = Vec::with_capacity(items.len());
            for item in items {
                reading.room.element()?;
                let (key, value) = read_pair(item, reading, depth + 1)?;
                out.push((Text::Plain(key), value));
            }
            Json::Object(out)
        }
        ("bytesValue", Json::String(text)) => {
            let text = reading.json_text(*text)?;
            match BASE64.decode(text).or_else(|_| BASE64_URL.decode(text)) {
                Ok(bytes) => {
                    reading.room.bytes(bytes.len())?;
                    Json::Bytes(reading.keep_bytes(bytes))
                }
                Err(_) => return keep_raw(value, key, "bytesValue is not base64".to_owned(), reading),
            }
        }
        ("stringValue" | "boolValue" | "bytesValue", other) => {
            let why = format!("{} is {}", name.simple(), kind_of(other));
            return keep_raw(other, key, why, reading);
        }
        (name, _) => return keep_raw(json, key, format!("there is no {}", shorten(name)), reading),
    })
}

fn members_list<'a>(json: &'a Json<'a>, name: &str) -> Result<&'a [Json<'a>], Bad> {
    match (json, json.get(name)) {
        (Json::Object(_), None | Some(Json::Null)) => Ok(&[]),
        (Json::Object(_), Some(Json::Array(items))) => Ok(items),
        (other, found) => {
            let found = kind_of(found.unwrap_or(other));
            Err(Bad::Span(format!("attributes: {name}: expected a list, found {found}")))
        }
    }
}

/// What cannot be read stays as it was written: the value alone, or its JSON text.
fn keep_raw<'a>(
    json: &'a Json<'a>,
    key: &str,
    why: String,
    reading: &mut Reading<'a, '_, '_>,
) -> Result<Json<'a>, Bad> {
    reading.issue(IssueKind::Unusable, key, format!("{why}; it is kept as it was written"));
    Ok(match json {
        Json::String(text) => Json::String(Text::Plain(reading.json_text(*text)?)),
        Json::Number(_) | Json::Bool(_) | Json::Null => json.clone(),
        other => Json::String(Text::Plain(reading.keep_text(other.to_text())?)),
    })
}

pub(super) fn text<'a>(
    json: Option<&'a Json<'a>>,
    field: &str,
    reading: &mut Reading<'a, '_, '_>,
) -> Result<&'a str, Bad> {
    let Some(json) = json else { return Ok("") };
    let Json::String(text) = json else {
        reading.issue(IssueKind::Unusable, field, format!("it is {}, not text", kind_of(json)));
        return Ok("");
    };
    let text = reading.json_text(*text)?;
    reading.note_sanitized(field);
    Ok(text)
}

/// An integer as a number or a string; `1e3` and `5.0` count when they are whole.
pub(super) fn read_integer(json: &Json<'_>) -> Option<i64> {
    let digits = match json {
        Json::Number(digits) => digits,
        Json::String(text) => text.simple(),
        _ => return None,
    };
    digits.parse().ok().or_else(|| {
        let number: f64 = digits.parse().ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and far inside the range")]
        (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
    })
}

/// `NaN`, `Infinity` and `-Infinity` travel as strings, and so may any number. What is too large is infinite.
pub(super) fn read_double<'a>(
    json: &'a Json<'a>,
    key: &str,
    reading: &mut Reading<'a, '_, '_>,
) -> Result<Json<'a>, Bad> {
    let number: Option<f64> = match json {
        Json::Number(digits) => digits.parse().ok(),
        Json::String(text) => match text.simple() {
            "NaN" => return Ok(Json::Float(f64::NAN)),
            "Infinity" => return Ok(Json::Float(f64::INFINITY)),
            "-Infinity" => return Ok(Json::Float(f64::NEG_INFINITY)),
            digits => digits.parse().ok().filter(|number: &f64| number.is_finite()),
        },
        _ => None,
    };
    let Some(number) = number else {
        return keep_raw(json, key, "doubleValue is not a number".to_owned(), reading);
    };
    if number.is_infinite() {
        reading.issue(IssueKind::Repaired, key, "the number is too large for 64 bits and counts as infinite");
    }
    Ok(Json::Float(number))
}

/// A time as a string of digits or a number; JavaScript writes 1.7e18, which is taken when it is exact.
pub(super) fn nanos(json: Option<&Json<'_>>, field: &str) -> Result<u64, Bad> {
    let Some(json) = json else { return Ok(0) };
    let digits = match json {
        Json::Number(digits) => *digits,
        Json::String(text) => text.simple(),
        _ => "",
    };
    let whole = || {
        let number: f64 = digits.parse().ok()?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
        (number.fract() == 0.0 && (0.0..1.8e19).contains(&number)).then_some(number as u64)
    };
    let read = digits.parse().ok().or_else(whole);
    read.ok_or_else(|| {
        Bad::Span(format!("{field} is not a time in nanoseconds: {}", shorten(&json.to_text())))
    })
}

pub(super) fn count(json: Option<&Json<'_>>) -> u32 {
    json.and_then(read_integer).and_then(|number| number.try_into().ok()).unwrap_or(0)
}

/// An enum is a number; its name is taken, too, and told.
pub(super) fn enumeration(
    json: Option<&Json<'_>>,
    field: &str,
    prefix: &str,
    names: &[&str],
    reading: &mut Reading<'_, '_, '_>,
) -> i32 {
    let Some(json) = json else { return 0 };
    if let Some(number) = read_integer(json).and_then(|number| number.try_into().ok()) {
        return number;
    }
    let word = json.as_simple().unwrap_or_default();
    let word = word.strip_prefix(prefix).unwrap_or(word);
    match names.iter().position(|name| *name == word).and_then(|idx| idx.try_into().ok()) {
        Some(number) => {
            reading.issue(IssueKind::Repaired, field, "it was sent by its name, not its number");
            number
        }
        None => {
            let value = shorten(&json.to_text());
            reading.issue(IssueKind::Unusable, field, format!("{value} is none of its values"));
            0
        }
    }
}

fn id<'a>(
    json: Option<&'a Json<'a>>,
    what: &str,
    reading: &mut Reading<'a, '_, '_>,
) -> Result<&'a [u8], Bad> {
    let Some(json) = json else { return Ok(&[]) };
    read_id(json, reading)
        .ok_or_else(|| Bad::Span(format!("the {what} is not hexadecimal: {}", shorten(&json.to_text()))))
}

fn parent<'a>(json: Option<&'a Json<'a>>, reading: &mut Reading<'a, '_, '_>) -> &'a [u8] {
    let Some(json) = json else { return &[] };
    read_id(json, reading).unwrap_or_else(|| {
        let value = shorten(&json.to_text());
        reading.issue(IssueKind::Unusable, "parent_span_id", format!("it is not hexadecimal: {value}"));
        &[]
    })
}

pub(super) fn read_id<'a>(json: &Json<'_>, reading: &mut Reading<'a, '_, '_>) -> Option<&'a [u8]> {
    let text = json.as_simple()?;
    // No id is so long; a text of megabytes is not worth a copy.
    let (pairs, odd) = text.as_bytes().get(..text.len().min(128))?.as_chunks::<2>();
    if !odd.is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    bytes.map(|bytes| reading.keep_bytes(bytes))
}
