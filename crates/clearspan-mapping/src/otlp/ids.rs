//! Ids on the wire: sixteen and eight bytes, neither all zero.

use clearspan_model::{SpanId, TraceId};

/// How much of a bad span's name a reason repeats.
const NAME_CHARS: usize = 80;

/// The trace and span id of a span.
pub(crate) fn parse_ids(trace: &[u8], span: &[u8]) -> Result<(TraceId, SpanId), String> {
    Ok((parse_trace_id(trace)?, parse_span_id(span)?))
}

pub(crate) fn parse_trace_id(bytes: &[u8]) -> Result<TraceId, String> {
    let id = bytes.try_into().map(TraceId::from_bytes).map_err(|_| wrong_length("trace id", bytes, 16))?;
    if id.is_nil() { Err("the trace id is all zero".to_owned()) } else { Ok(id) }
}

/// A span id that must be there.
pub(crate) fn parse_span_id(bytes: &[u8]) -> Result<SpanId, String> {
    let id = bytes.try_into().map(SpanId::from_bytes).map_err(|_| wrong_length("span id", bytes, 8))?;
    if id.is_nil() { Err("the span id is all zero".to_owned()) } else { Ok(id) }
}

fn wrong_length(what: &str, bytes: &[u8], expected: usize) -> String {
    match bytes.len() {
        0 => format!("the {what} is missing"),
        len => format!("the {what} has {len} bytes, not {expected}"),
    }
}

/// A name short enough for a message.
pub(crate) fn shorten(name: &str) -> String {
    let mut short: String = name.chars().take(NAME_CHARS).collect();
    if short.len() < name.len() {
        short.push('…');
    }
    short
}
