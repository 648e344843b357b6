//! How much a request may take: memory for what it becomes, and elements to look at.
//!
//! A body of a few bytes a span becomes runs of a kilobyte a span, so a limit on bodies is no limit on memory. Each
//! request may take four times its body, at least [`FLOOR`] and at most [`CEILING`]. Runs that are finished are charged
//! with what they hold; a span that is being read is charged, before it is mapped, with what that may take. A span for
//! which there is no room is refused, the others stay. Log records and metric points are charged in the same way.

use std::mem::size_of;

use clearspan_model::{
    Distribution, Fragment, JsonText, LogRecord, MetricPoint, Payload, Run, RunEvent, Sender,
};

use super::{MappedRun, ProjectRef};
use crate::json::{Json, TREE_BYTES, escaped_len};

/// Small bodies may take this much whatever their size: real batches of bare spans become twenty times larger.
const FLOOR: usize = 64 << 20;
const CEILING: usize = 256 << 20;
const TIMES_BODY: usize = 4;

/// Resources, scopes and spans in one request: more than 64 MiB of spans that say anything. Log records, metrics and
/// points are counted likewise.
pub(super) const MAX_ITEMS: u64 = 1 << 20;
/// Attributes, events, links and values inside values in one request.
const MAX_ELEMENTS: usize = 4 << 20;

/// A text is copied so often at the same time: into a part, into its message, into shared memory.
const TEXT_COPIES: usize = 3;
/// A control character takes six bytes in JSON.
const WORST_ESCAPE: usize = 6;
/// Shorter texts are charged with the worst while there is room for it; looking at each would take longer than mapping it.
const SHORT_TEXT: usize = 16 << 10;
const AMPLE: usize = 32 << 20;
/// An attribute while it is read and mapped, and its place in the run.
const ELEMENT_BYTES: usize = size_of::<(&str, Json<'_>)>() * 3 + 64;
/// A map that is not empty allocates whole nodes.
pub(super) const MAP_NODE_BYTES: usize = 600;
const MAP_ENTRIES_PER_NODE: usize = 6;
/// Items of a batch as exporters send them: the SDKs' default is 512.
const USUAL_BATCH: usize = 1024;
/// What the memory of others is asked for at once.
const STEP: usize = 256 << 10;

/// A limit that was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// This item takes more memory than is left for the request.
    Memory,
    /// The request holds too many elements.
    Elements,
    /// Other requests have the memory now.
    Busy,
}

/// The memory that all requests share.
pub trait Memory {
    /// Makes sure that this request may take `bytes` beside its body.
    fn grow_to(&mut self, bytes: usize) -> Result<(), MemoryError>;
}

/// There is no memory for this request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryError {
    /// Other requests have it now.
    ForNow,
    /// It is more than there is.
    ForEver,
}

/// Memory for whoever has no others to think of.
#[derive(Debug, Clone, Copy)]
pub struct Unshared;

impl Memory for Unshared {
    fn grow_to(&mut self, _bytes: usize) -> Result<(), MemoryError> {
        Ok(())
    }
}

/// What one request has left.
pub(super) struct Room<'m> {
    memory: &'m mut dyn Memory,
    granted: usize,
    limit: usize,
    /// What finished runs take.
    retained: usize,
    /// What the item being read takes beside them.
    item: usize,
    elements: usize,
}

impl std::fmt::Debug for Room<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Room").field("limit", &self.limit).field("left", &self.left()).finish_non_exhaustive()
    }
}

impl<'m> Room<'m> {
    pub(super) fn for_body(len: usize, memory: &'m mut dyn Memory) -> Self {
        let limit = len.saturating_mul(TIMES_BODY).clamp(FLOOR, CEILING) - TREE_BYTES;
        Self { memory, granted: 0, limit, retained: 0, item: 0, elements: 0 }
    }

    /// What is left.
    pub(super) fn left(&self) -> usize {
        self.limit - self.retained - self.item
    }

    /// Takes memory for the item being read.
    #[inline]
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), Stop> {
        if bytes > self.left() {
            return Err(Stop::Memory);
        }
        self.item += bytes;
        if self.retained + self.item > self.granted { self.grow() } else { Ok(()) }
    }

    /// Asks the shared memory, in steps: a span should cost no lock.
    fn grow(&mut self) -> Result<(), Stop> {
        let wanted = (self.retained + self.item).next_multiple_of(STEP);
        self.memory.grow_to(wanted).map_err(|error| match error {
            MemoryError::ForNow => Stop::Busy,
            MemoryError::ForEver => Stop::Memory,
        })?;
        self.granted = wanted;
        Ok(())
    }

    /// Takes memory for what a text becomes.
    #[inline]
    pub(super) fn text(&mut self, text: &str) -> Result<(), Stop> {
        let worst = text.len() * WORST_ESCAPE;
        let is_cheap = text.len() < SHORT_TEXT && self.left() > AMPLE;
        self.take(if is_cheap { worst } else { escaped_len(text) }.saturating_mul(TEXT_COPIES))
    }

    /// Counts an attribute, an event, a link or a value inside a value.
    #[inline]
    pub(super) fn see(&mut self) -> Result<(), Stop> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS { Err(Stop::Elements) } else { Ok(()) }
    }

    /// The same for one that is kept.
    #[inline]
    pub(super) fn element(&mut self) -> Result<(), Stop> {
        self.see()?;
        self.take(ELEMENT_BYTES)
    }

    /// Counts an attribute that is text, and takes memory for it.
    #[inline]
    pub(super) fn pair(&mut self, key: &str, text: &str) -> Result<(), Stop> {
        let len = key.len() + text.len();
        if len < SHORT_TEXT && self.left() > AMPLE {
            self.see()?;
            return self.take(ELEMENT_BYTES + len * WORST_ESCAPE * TEXT_COPIES);
        }
        self.element()?;
        self.text(key)?;
        self.text(text)
    }

    /// Takes memory for what bytes become: base64, and a copy of it that is shared.
    pub(super) fn bytes(&mut self, len: usize) -> Result<(), Stop> {
        self.take((len / 3 + 1).saturating_mul(2 * 4))
    }

    /// How many places for runs to add to `len` of them, of which about `expected` come: all that a usual batch needs at
    /// once, because moving them costs, then twice as many as long as there is room. Their memory is taken.
    pub(super) fn places(&mut self, len: usize, expected: usize) -> Result<usize, Stop> {
        self.places_of(size_of::<MappedRun>(), len, expected)
    }

    fn places_of(&mut self, size: usize, len: usize, expected: usize) -> Result<usize, Stop> {
        let to_come = expected.saturating_sub(len).max(16);
        let at_first = if to_come <= USUAL_BATCH { to_come } else { 16 };
        let wanted = len.clamp(at_first, to_come);
        let places = wanted.min(self.left() / 2 / size).max(1);
        self.retain(places * size)?;
        Ok(places)
    }

    /// Makes sure that a list, to which about `expected` items come, has a place for the next.
    pub(super) fn place<T>(&mut self, list: &mut Vec<T>, expected: usize) -> Result<(), Stop> {
        if list.len() == list.capacity() {
            list.reserve_exact(self.places_of(size_of::<T>(), list.len(), expected)?);
        }
        Ok(())
    }

    /// What the item being read has taken.
    pub(super) fn item(&self) -> usize {
        self.item
    }

    /// Takes memory that is not given back before the request ends.
    pub(super) fn retain(&mut self, bytes: usize) -> Result<(), Stop> {
        self.take(bytes)?;
        self.item -= bytes;
        self.retained += bytes;
        Ok(())
    }

    /// Ends the item. Only this much of it stays, if there is room for it.
    pub(super) fn end(&mut self, retained: usize) -> Result<(), Stop> {
        self.item = 0;
        self.retain(retained)
    }
}

/// What a finished run takes beside its place and its resource.
pub(crate) fn retained_bytes(run: &Run) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let texts = [
        &run.name,
        &run.error,
        &run.error_type,
        &run.dotted_order,
        &run.model,
        &run.provider,
        &run.thread_id,
        &run.user_id,
        &run.service,
        &run.release,
        &run.environment,
        &run.dialect,
        &run.scope_name,
        &run.scope_version,
    ];
    texts.into_iter().map(text).sum::<usize>()
        + [&run.metadata, &run.attributes].into_iter().map(map_bytes).sum::<usize>()
        + [&run.inputs, &run.outputs].into_iter().map(payload_bytes).sum::<usize>()
        + run.sources.bytes()
        + run.invocation_params.as_ref().map_or(0, json_bytes)
        + run.tags.iter().map(|tag| tag.len() + size_of::<String>()).sum::<usize>()
        + run.events.iter().map(event_bytes).sum::<usize>()
        + run.links.iter().map(|link| 64 + map_bytes(&link.attributes)).sum::<usize>()
        + run.issues.iter().map(|issue| 64 + issue.field.len() + issue.message.len()).sum::<usize>()
}

fn json_bytes(json: &JsonText) -> usize {
    // The counts of an `Arc` stand before its text.
    json.as_str().len() + 2 * size_of::<usize>()
}

fn payload_bytes(payload: &Payload) -> usize {
    let messages = payload.messages.iter().map(|json| json_bytes(json) + size_of::<JsonText>());
    messages.sum::<usize>() + payload.rest.as_ref().map_or(0, json_bytes)
}

/// What a log record that is kept takes beside its place.
pub(super) fn log_bytes(record: &LogRecord) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    text(&record.severity_text)
        + text(&record.event_name)
        + record.body.as_ref().map_or(0, json_bytes)
        + map_bytes(&record.attributes)
        + sender_bytes(&record.sender)
}

/// What a point takes beside its place.
pub(super) fn point_bytes(point: &MetricPoint) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let distribution = match &point.distribution {
        None => 0,
        Some(Distribution::Explicit { bounds, counts }) => bounds.capacity() + counts.capacity(),
        Some(Distribution::Exponential { positive, negative, .. }) => {
            positive.counts.capacity() + negative.counts.capacity()
        }
        Some(Distribution::Quantiles(pairs)) => 2 * pairs.capacity(),
    };
    point.name.len()
        + text(&point.description)
        + text(&point.unit)
        + map_bytes(&point.attributes)
        + sender_bytes(&point.sender)
        + distribution * size_of::<u64>()
        + point.exemplars.as_ref().map_or(0, json_bytes)
}

/// What the name of a project takes that an item keeps beside its attributes.
pub(super) fn project_bytes(project: &Option<ProjectRef>) -> usize {
    match project {
        Some(ProjectRef::Name(name)) => name.len(),
        Some(ProjectRef::Id(_)) | None => 0,
    }
}

fn sender_bytes(sender: &Sender) -> usize {
    let texts = [&sender.service, &sender.scope_name, &sender.scope_version];
    texts.into_iter().flatten().map(String::len).sum::<usize>() + map_bytes(&sender.resource)
}

/// What a value becomes, at most once.
pub(super) fn element_bytes(value: &Json<'_>) -> usize {
    let inside = match value {
        Json::String(text) => escaped_len(text.simple()),
        Json::Bytes(bytes) => bytes.len() / 3 * 4,
        Json::Array(items) => items.iter().map(element_bytes).sum(),
        Json::Object(members) => {
            members.iter().map(|(key, value)| escaped_len(key.simple()) + element_bytes(value)).sum()
        }
        _ => 0,
    };
    ELEMENT_BYTES + inside
}

pub(super) fn event_bytes(event: &RunEvent) -> usize {
    64 + event.name.len() + map_bytes(&event.attributes)
}

/// A message that a log record brought, and its place in a list that grows.
pub(super) fn fragment_bytes(fragment: &Fragment) -> usize {
    2 * size_of::<Fragment>() + json_bytes(&fragment.message)
}

pub(crate) fn map_bytes(map: &std::collections::BTreeMap<String, JsonText>) -> usize {
    if map.is_empty() {
        return 0;
    }
    let nodes = map.len().div_ceil(MAP_ENTRIES_PER_NODE);
    nodes * MAP_NODE_BYTES + map.iter().map(|(key, json)| key.len() + json_bytes(json)).sum::<usize>()
}
