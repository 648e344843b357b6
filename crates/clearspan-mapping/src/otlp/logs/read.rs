//! Log records from protobuf and JSON.

use clearspan_model::IssueKind;

use super::RecordView;
use crate::json::Json;
use crate::otlp::ids::shorten;
use crate::otlp::json_views::{
    CASE_HINT, Members, count, enumeration, nanos, pairs, read_id, read_value as read_json_value, text,
};
use crate::otlp::protobuf::{int32, note_misfit, push_pair, read_value, set, set_text, uint32};
use crate::otlp::view::{Bad, Reading};
use crate::otlp::wire::{Fields, Wire};

/// Reads a log record.
pub(in crate::otlp) fn read_record<'a>(
    bytes: &'a [u8],
    reading: &mut Reading<'a, '_, '_>,
) -> Result<RecordView<'a>, Bad> {
    let mut other_signal = None;
    match (read_fields(bytes, &mut other_signal, reading), other_signal) {
        // What is no log record need not be right as one.
        (Ok(_) | Err(Bad::Body(_)), Some(why)) => Err(Bad::Span(why)),
        (read, _) => read,
    }
}

fn read_fields<'a>(
    bytes: &'a [u8],
    other_signal: &mut Option<String>,
    reading: &mut Reading<'a, '_, '_>,
) -> Result<RecordView<'a>, Bad> {
    let mut record = RecordView::default();
    let mut attributes = 0;
    let mut fields = Fields::of(bytes);
    while let Some((number, wire)) = fields.next()? {
        let fits = match number {
            1 => set(&mut record.time, wire.fixed64()),
            2 => set(&mut record.severity, wire.varint().map(int32)),
            3 => set_text(&mut record.severity_text, wire, "severity_text", reading)?,
            5 => match wire.bytes() {
                Some(bytes) => {
                    record.body = Some(read_value(bytes, reading, 0)?);
                    reading.note_sanitized("body");
                    true
                }
                None => false,
            },
            6 => push_pair(&mut record.attributes, wire, &mut attributes, reading)?,
            7 => set(&mut record.dropped, wire.varint().map(uint32)),
            9 => set(&mut record.trace_id, wire.bytes()),
            10 => set(&mut record.span_id, wire.bytes()),
            11 => set(&mut record.observed_time, wire.fixed64()),
            12 => set_text(&mut record.event_name, wire, "event_name", reading)?,
            _ => true,
        };
        if fits {
            continue;
        }
        let field = name_of(number);
        // The first fields of spans and of metrics are texts.
        if let (1 | 2, Wire::Bytes(_)) = (number, wire) {
            let why = format!("{field} is bytes, not a number (is this a request for traces or metrics?)");
            other_signal.get_or_insert(why);
        } else {
            note_misfit(field, wire, reading);
        }
    }
    reading.name = record.event_name;
    reading.note_cut("attributes", attributes);
    Ok(record)
}

fn name_of(number: u32) -> &'static str {
    match number {
        1 => "time_unix_nano",
        2 => "severity_number",
        3 => "severity_text",
        5 => "body",
        6 => "attributes",
        7 => "dropped_attributes_count",
        9 => "trace_id",
        10 => "span_id",
        11 => "observed_time_unix_nano",
        _ => "event_name",
    }
}

/// The names of the severities, by their numbers.
const SEVERITIES: &[&str] = &[
    "UNSPECIFIED",
    "TRACE",
    "TRACE2",
    "TRACE3",
    "TRACE4",
    "DEBUG",
    "DEBUG2",
    "DEBUG3",
    "DEBUG4",
    "INFO",
    "INFO2",
    "INFO3",
    "INFO4",
    "WARN",
    "WARN2",
    "WARN3",
    "WARN4",
    "ERROR",
    "ERROR2",
    "ERROR3",
    "ERROR4",
    "FATAL",
    "FATAL2",
    "FATAL3",
    "FATAL4",
];

/// Names of the protobuf definition that differ in JSON. A record can do without any field, so nothing else would tell.
const SNAKE_CASE: &[&str] = &[
    "time_unix_nano",
    "observed_time_unix_nano",
    "severity_number",
    "severity_text",
    "trace_id",
    "span_id",
    "event_name",
];

/// Reads a log record in JSON.
pub(in crate::otlp) fn read_json_record<'a>(
    json: &'a Json<'a>,
    reading: &mut Reading<'a, '_, '_>,
) -> Result<RecordView<'a>, Bad> {
    const NAMES: [&str; 10] = [
        "timeUnixNano",
        "observedTimeUnixNano",
        "severityNumber",
        "severityText",
        "body",
        "attributes",
        "droppedAttributesCount",
        "traceId",
        "spanId",
        "eventName",
    ];
    let Members(found) = Members::of(json, &NAMES, "the log record")?;
    reading.name = text(found[9], "event_name", reading)?;
    if let Some(name) = SNAKE_CASE.iter().find(|name| json.get(name).is_some()) {
        return Err(Bad::Span(format!("there is no {name}; {CASE_HINT}")));
    }
    let body = found[4].map(|body| read_json_value(body, "body", reading, 0)).transpose()?;
    reading.note_sanitized("body");
    Ok(RecordView {
        event_name: reading.name,
        time: nanos(found[0], "timeUnixNano")?,
        observed_time: nanos(found[1], "observedTimeUnixNano")?,
        severity: enumeration(found[2], "severity_number", "SEVERITY_NUMBER_", SEVERITIES, reading),
        severity_text: text(found[3], "severity_text", reading)?,
        body,
        attributes: pairs(found[5], "attributes", reading)?,
        dropped: count(found[6]),
        trace_id: id(found[7], "trace_id", reading),
        span_id: id(found[8], "span_id", reading),
    })
}

/// A record may have no ids, so one that cannot be read costs only itself.
fn id<'a>(json: Option<&'a Json<'a>>, field: &str, reading: &mut Reading<'a, '_, '_>) -> &'a [u8] {
    let Some(json) = json else { return &[] };
    read_id(json, reading).unwrap_or_else(|| {
        let value = shorten(&json.to_text());
        reading.issue(IssueKind::Unusable, field, format!("it is not hexadecimal: {value}"));
        &[]
    })
}

#[cfg(test)]
mod tests;
