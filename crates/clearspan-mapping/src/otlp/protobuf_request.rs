//! The way through a protobuf request: resources, their scopes, their spans (or log records, or metrics). The
//! envelopes of the three signals have the same numbers.
//!
//! Two walks over the envelopes: the first counts the spans, so that their runs are allocated once and so that a
//! request that is broken is refused before work is done for it; the second maps.

use super::logs::read_record;
use super::metrics::{count_points, read_metric};
use super::protobuf::{read_resource, read_scope, read_span};
use super::read::{Halt, Request, Stopped};
use super::signal::{Names, Signal};
use super::span::Origin;
use super::view::Kept;
use super::wire::{Fields, Malformed, Wire};
use crate::dialects::TABLE;
use crate::engine::Remembered;

/// What lives as long as the request: what was seen in one span is recognised in the next.
#[derive(Clone, Copy)]
struct Shared<'k> {
    kept: &'k Kept,
    remembered: Option<&'k Remembered<'k>>,
}

/// Reads all spans, log records or points of a request.
pub(super) fn read(body: &[u8], request: &mut Request<'_>) -> Result<(), Halt> {
    let count = count(body, request.signal).map_err(Halt::Body)?;
    request.expect_spans(count);
    let kept = Kept::default();
    let remembered = (request.signal == Signal::Traces).then(|| Remembered::for_body(body.len(), &TABLE));
    read_resources(body, request, Shared { kept: &kept, remembered: remembered.as_ref() })
        .map_err(|stopped| stopped.with_left(count.saturating_sub(request.spans())))
}

fn count(body: &[u8], signal: Signal) -> Result<u64, String> {
    let Names { protobuf: [resources, scopes, items], .. } = signal.names();
    let mut count = 0;
    each(body, 1, resources, |resource| {
        each(resource, 2, scopes, |scope| {
            each(scope, 2, items, |item| {
                count += match signal {
                    Signal::Traces | Signal::Logs => 1,
                    Signal::Metrics => count_points(item),
                };
                Ok(())
            })
        })
    })?;
    Ok(count)
}

/// Calls `read` for each message in the field of this number. An envelope of another type refuses the request.
fn each<'a>(
    message: &'a [u8],
    field: u32,
    name: &str,
    mut read: impl FnMut(&'a [u8]) -> Result<(), String>,
) -> Result<(), String> {
    let mut fields = Fields::of(message);
    loop {
        match fields.next() {
            Ok(None) => return Ok(()),
            Ok(Some((number, Wire::Bytes(bytes)))) if number == field => read(bytes)?,
            Ok(Some((number, wire))) if number == field => {
                return Err(format!("{name} is {}, not a message", wire.kind()));
            }
            Ok(_) => {}
            Err(why) => return Err(format!("in the message around {name}: {why}")),
        }
    }
}

impl From<Malformed> for Stopped {
    fn from(why: Malformed) -> Self {
        Self::Body(why.to_string())
    }
}

fn read_resources<'k, 'm: 'k>(
    body: &'k [u8],
    request: &mut Request<'m>,
    shared: Shared<'k>,
) -> Result<(), Stopped> {
    let mut fields = Fields::of(body);
    while let Some((number, wire)) = fields.next()? {
        if let (1, Wire::Bytes(bytes)) = (number, wire) {
            request.item()?;
            read_scopes(bytes, request, shared)?;
        }
    }
    Ok(())
}

fn read_scopes<'k, 'm: 'k>(
    resource_items: &'k [u8],
    request: &mut Request<'m>,
    shared: Shared<'k>,
) -> Result<(), Stopped> {
    let kept = Kept::default();
    let mut issues = Vec::new();
    let attributes = match find(resource_items, 1)? {
        Some(bytes) => request.origin(0, &kept, &mut issues, |reading| read_resource(bytes, reading))?,
        None => Vec::new(),
    };
    let resource = Origin::of_resource(attributes, issues);
    request.end_origin(resource.bytes())?;
    let mut fields = Fields::of(resource_items);
    while let Some((number, wire)) = fields.next()? {
        if let (2, Wire::Bytes(bytes)) = (number, wire) {
            request.item()?;
            read_items(bytes, &resource, request, shared)?;
        }
    }
    Ok(())
}

fn read_items<'k, 'm: 'k>(
    scope_items: &'k [u8],
    resource: &Origin,
    request: &mut Request<'m>,
    Shared { kept: texts, remembered }: Shared<'k>,
) -> Result<(), Stopped> {
    let kept = Kept::default();
    let mut issues = Vec::new();
    let scope = match find(scope_items, 1)? {
        Some(bytes) => request.origin(0, &kept, &mut issues, |reading| read_scope(bytes, reading))?,
        None => Default::default(),
    };
    let origin = resource.with_scope(scope, issues);
    request.end_origin(0)?;
    let mut fields = Fields::of(scope_items);
    while let Some((number, wire)) = fields.next()? {
        if let (2, Wire::Bytes(bytes)) = (number, wire) {
            request.item()?;
            match request.signal {
                Signal::Traces => {
                    request.span(0, texts, remembered, &origin, |reading| read_span(bytes, reading))?;
                }
                Signal::Logs => request.record(0, texts, &origin, |reading| read_record(bytes, reading))?,
                Signal::Metrics => read_metric(bytes, &origin, request, texts)?,
            }
        }
    }
    Ok(())
}

/// The last message in the field of this number: it stands before or after what it describes.
fn find(message: &[u8], field: u32) -> Result<Option<&[u8]>, Malformed> {
    let mut found = None;
    let mut fields = Fields::of(message);
    while let Some((number, wire)) = fields.next()? {
        if let Wire::Bytes(bytes) = wire
            && number == field
        {
            found = Some(bytes);
        }
    }
    Ok(found)
}
