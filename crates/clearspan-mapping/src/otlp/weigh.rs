//! How much memory a request will take once it is decoded and mapped, told from its bytes without decoding it.
//!
//! A body of a few bytes a span becomes structures of a kilobyte a span, so a small body can fill the memory of a large
//! machine: 16 MB of empty spans are 2.2 GB. Receivers ask here first and refuse what they cannot hold. The estimate
//! walks the known messages, allocates nothing, and errs on the high side. Malformed bytes end it: decoding
//! them ends at the same place.

use std::mem::size_of;

use clearspan_model::{LogRecord as StoredRecord, Run};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, HistogramDataPoint, Metric, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

use super::Encoding;

/// Vectors grow by doubling, so that a part of each is empty.
const SLACK: u64 = 2;
/// An entry of a map of texts beside the text itself, as every run has one for each attribute of its resource.
const MAP_ENTRY_BYTES: u64 = 96;
/// Texts exist twice for a moment: in the request and in the run.
const TEXT_COPIES: u64 = 2;
/// prost refuses messages that nest deeper.
const MAX_DEPTH: usize = 100;

/// The bytes of memory that decoding and mapping this body takes at most, roughly.
pub fn decoded_bytes(body: &[u8], encoding: Encoding) -> u64 {
    let structure = match encoding {
        Encoding::Protobuf => Walk::default().walk(body, &REQUEST, 0),
        Encoding::Json => json_structure_bytes(body),
    };
    structure.saturating_add(body.len() as u64 * TEXT_COPIES)
}

/// A message: what it takes by itself, and which of its fields are messages.
struct Shape {
    own_bytes: usize,
    fields: &'static [(u32, &'static Shape)],
    role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Plain,
    /// Its attributes are copied into every run below.
    Origin,
    /// Becomes a run.
    Run,
    /// The attribute of an [`Role::Origin`].
    OriginAttribute,
}

const fn shape(own_bytes: usize, fields: &'static [(u32, &'static Shape)]) -> Shape {
    Shape { own_bytes, fields, role: Role::Plain }
}

/// Traces, logs and metrics number the fields of their envelopes alike, so one shape serves all: what decodes as one of
/// them is walked with the largest of the three.
static REQUEST: Shape = shape(0, &[(1, &RESOURCE_ITEMS)]);
static RESOURCE_ITEMS: Shape = Shape {
    own_bytes: max(size_of::<ResourceSpans>(), max(size_of::<ResourceLogs>(), size_of::<ResourceMetrics>())),
    fields: &[(1, &RESOURCE), (2, &SCOPE_ITEMS)],
    role: Role::Origin,
};
static RESOURCE: Shape = shape(0, &[(1, &ORIGIN_ATTRIBUTE)]);
static SCOPE_ITEMS: Shape = Shape {
    own_bytes: max(size_of::<ScopeSpans>(), max(size_of::<ScopeLogs>(), size_of::<ScopeMetrics>())),
    fields: &[(1, &SCOPE), (2, &ITEM)],
    role: Role::Origin,
};
static SCOPE: Shape = shape(0, &[(3, &ORIGIN_ATTRIBUTE)]);
static ORIGIN_ATTRIBUTE: Shape =
    Shape { own_bytes: size_of::<KeyValue>(), fields: &[(2, &VALUE)], role: Role::OriginAttribute };
/// A span, a log record or a metric, and what they become: a run, or a patch and a record. Their fields that are messages overlap without harm: the weight of a data point is
/// the highest, and texts are leaves whatever they hold.
static ITEM: Shape = Shape {
    own_bytes: max(
        size_of::<Span>(),
        max(size_of::<LogRecord>() + size_of::<StoredRecord>(), size_of::<Metric>()),
    ) + size_of::<Run>(),
    fields: &[
        // Span
        (9, &ATTRIBUTES_OR_POINTS),
        (11, &EVENTS_OR_POINTS),
        (13, &LINK),
        // Log record
        (5, &BODY_OR_POINTS),
        (6, &ATTRIBUTE),
        // Metric, besides those above
        (7, &POINTS),
        (10, &POINTS),
    ],
    role: Role::Run,
};
static ATTRIBUTE: Shape = shape(size_of::<KeyValue>() + MAP_ENTRY_BYTES as usize, &[(2, &VALUE)]);
static VALUE: Shape = shape(0, &[(5, &LIST), (6, &MAP)]);
static LIST: Shape = shape(0, &[(1, &LIST_ITEM)]);
static LIST_ITEM: Shape = shape(size_of::<AnyValue>(), &[(5, &LIST), (6, &MAP)]);
static MAP: Shape = shape(0, &[(1, &ATTRIBUTE)]);
static LINK: Shape = shape(size_of::<Link>(), &[(4, &ATTRIBUTE)]);
static ATTRIBUTES_OR_POINTS: Shape =
    shape(size_of::<KeyValue>() + MAP_ENTRY_BYTES as usize, &[(1, &POINT), (2, &VALUE)]);
static EVENTS_OR_POINTS: Shape = shape(size_of::<Event>(), &[(1, &POINT), (3, &ATTRIBUTE)]);
static BODY_OR_POINTS: Shape = shape(0, &[(1, &POINT), (5, &LIST), (6, &MAP)]);
static POINTS: Shape = shape(0, &[(1, &POINT)]);
static POINT: Shape = shape(
    size_of::<HistogramDataPoint>(),
    &[(1, &ATTRIBUTE), (5, &EXEMPLAR), (7, &ATTRIBUTE), (8, &EXEMPLAR), (9, &ATTRIBUTE), (11, &EXEMPLAR)],
);
static EXEMPLAR: Shape = shape(size_of::<Exemplar>(), &[(7, &ATTRIBUTE)]);

const fn max(left: usize, right: usize) -> usize {
    if left > right { left } else { right }
}

/// What a walk has met.
#[derive(Default)]
struct Walk {
    origin_attributes: u64,
    runs: u64,
}

impl Walk {
    fn walk(&mut self, mut bytes: &[u8], shape: &Shape, depth: usize) -> u64 {
        let (attributes_before, runs_before) = (self.origin_attributes, self.runs);
        let mut sum = shape.own_bytes as u64 * SLACK;
        match shape.role {
            Role::Run => self.runs += 1,
            Role::OriginAttribute => self.origin_attributes += 1,
            Role::Plain | Role::Origin => {}
        }
        while depth <= MAX_DEPTH
            && let Some((field, content)) = next_field(&mut bytes)
        {
            let child = content.and_then(|content| {
                shape.fields.iter().find(|(number, _)| *number == field).map(|(_, child)| (content, child))
            });
            if let Some((content, child)) = child {
                sum = sum.saturating_add(self.walk(content, child, depth + 1));
            }
        }
        if shape.role == Role::Origin {
            let attributes = self.origin_attributes - attributes_before;
            let copies = attributes.saturating_mul(self.runs - runs_before);
            sum = sum.saturating_add(copies.saturating_mul(MAP_ENTRY_BYTES));
        }
        sum
    }
}

/// The next field, and its content when it has a length. `None` at the end and at what cannot be read.
fn next_field<'a>(bytes: &mut &'a [u8]) -> Option<(u32, Option<&'a [u8]>)> {
    let key = varint(bytes)?;
    let field = u32::try_from(key >> 3).ok()?;
    let skip = match key & 7 {
        0 => {
            varint(bytes)?;
            0
        }
        1 => 8,
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            let (content, rest) = bytes.split_at_checked(length)?;
            *bytes = rest;
            return Some((field, Some(content)));
        }
        5 => 4,
        // Groups: unknown fields of OTLP, which cost nothing.
        3 | 4 => 0,
        _ => return None,
    };
    *bytes = bytes.get(skip..)?;
    Some((field, None))
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..70).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Spans lie in this many objects: the request, its resource, its scope, itself.
const SPAN_DEPTH: u32 = 4;
/// A value of the tree that JSON is read into, and its place in a vector.
const JSON_VALUE_BYTES: u64 = 64;

/// Counts the values of a JSON text by its punctuation, without looking at what is inside of strings.
fn json_structure_bytes(body: &[u8]) -> u64 {
    let mut sum = 0_u64;
    let mut objects = 0_u32;
    let mut bytes = body.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes),
            b'{' => {
                objects = objects.saturating_add(1);
                let own = if objects <= SPAN_DEPTH { ITEM.own_bytes } else { ATTRIBUTE.own_bytes };
                sum = sum.saturating_add(own as u64 + JSON_VALUE_BYTES);
            }
            b'}' => objects = objects.saturating_sub(1),
            b'[' | b',' => sum = sum.saturating_add(JSON_VALUE_BYTES * SLACK),
            _ => {}
        }
    }
    sum
}

fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
