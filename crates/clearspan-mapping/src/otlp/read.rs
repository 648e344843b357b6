//! A request read and mapped span by span: of the whole nothing exists but its bytes and the finished runs.
//!
//! What breaks the format refuses the request, and nothing of it is stored. Whatever else is wrong costs the span that
//! it is in. Where a limit of the request is met ([`super::room`]), the spans before it stay.

use clearspan_model::{MapIssue, RunId, TraceId};
use rustc_hash::FxHashMap;

use super::decode::{DecodeError, Encoding};
use super::ids::shorten;
use super::logs::Patches;
use super::room::{MAX_ITEMS, Memory, Room, Stop, Unshared, retained_bytes};
use super::signal::Signal;
use super::span::{Origin, map_span};
use crate::engine::Remembered;

use super::view::{Bad, Kept, Reading, SpanView};
use super::{MapContext, Mapped, MappedRun, Remark, json_request, protobuf_request};

/// Reads and maps a trace request.
pub fn read_traces(body: &[u8], encoding: Encoding, ctx: &MapContext<'_>) -> Result<Mapped, DecodeError> {
    read_within(Signal::Traces, body, encoding, ctx, &mut Unshared)
}

/// Reads and maps a log request.
pub fn read_logs(body: &[u8], encoding: Encoding, ctx: &MapContext<'_>) -> Result<Mapped, DecodeError> {
    read_within(Signal::Logs, body, encoding, ctx, &mut Unshared)
}

/// Reads and maps a metric request.
pub fn read_metrics(body: &[u8], encoding: Encoding, ctx: &MapContext<'_>) -> Result<Mapped, DecodeError> {
    read_within(Signal::Metrics, body, encoding, ctx, &mut Unshared)
}

/// Reads and maps a request, where the memory is shared with others.
pub fn read_within<'m>(
    signal: Signal,
    body: &[u8],
    encoding: Encoding,
    ctx: &MapContext<'m>,
    memory: &'m mut dyn Memory,
) -> Result<Mapped, DecodeError> {
    let mut request = Request::new(signal, body.len(), *ctx, memory);
    let read = match encoding {
        Encoding::Protobuf => protobuf_request::read(body, &mut request),
        Encoding::Json => json_request::read(body, &mut request),
    };
    let full = match read {
        Ok(()) => None,
        Err(Halt::Body(why)) => return Err(DecodeError::new(signal.names().request, why)),
        Err(Halt::Busy) => return Err(DecodeError::busy()),
        Err(Halt::Full { why, left }) => Some((why, left)),
    };
    request.finish_patches();
    let mut mapped = request.mapped;
    if signal == Signal::Traces {
        put_in_order(&mut mapped.runs);
    }
    if let Some((why, left)) = full {
        if mapped.runs.is_empty() && mapped.logs.is_empty() && mapped.metrics.is_empty() {
            return Err(DecodeError::too_large(&why));
        }
        // First, so that no list of other reasons hides it.
        if left > 0 {
            mapped.rejections.insert(0, Remark { count: left, reason: why });
        }
    }
    Ok(mapped)
}

/// A span that a request has twice was said twice (when it began and when it ended, say): what comes later in the request is the later
/// word on it. Of equal versions, a merge would take each field from the one or the other.
fn put_in_order(runs: &mut [MappedRun]) {
    let mut said: FxHashMap<(TraceId, RunId), u64> = FxHashMap::default();
    said.reserve(runs.len());
    for MappedRun { run, .. } in runs {
        let before = said.entry((run.key.trace_id, run.key.run_id)).or_default();
        run.versions.base = run.versions.base.later_by(*before);
        *before += 1;
    }
}

/// Why reading ends before the request does.
#[derive(Debug)]
pub(super) enum Halt {
    /// The body is no request.
    Body(String),
    /// Others have the memory.
    Busy,
    /// A limit is met; so many spans are left.
    Full { why: String, left: u64 },
}

/// A request while it is read.
#[derive(Debug)]
pub(super) struct Request<'m> {
    pub(super) signal: Signal,
    pub(super) ctx: MapContext<'m>,
    pub(super) room: Room<'m>,
    pub(super) mapped: Mapped,
    /// What log records tell about runs.
    pub(super) patches: Patches,
    /// Spans, log records or points that there are, if that is known.
    pub(super) expected: usize,
    /// Those that were met.
    pub(super) spans: u64,
    /// Resources, scopes and spans that were met; log records, metrics and points likewise.
    items: u64,
}

impl<'m> Request<'m> {
    fn new(signal: Signal, len: usize, ctx: MapContext<'m>, memory: &'m mut dyn Memory) -> Self {
        Self {
            signal,
            ctx,
            room: Room::for_body(len, memory),
            mapped: Mapped::default(),
            patches: Patches::default(),
            expected: usize::MAX,
            spans: 0,
            items: 0,
        }
    }

    /// Tells how many spans, log records or points there are.
    pub(super) fn expect_spans(&mut self, count: u64) {
        self.expected = usize::try_from(count).unwrap_or(usize::MAX);
    }

    /// How many of them were met.
    pub(super) fn spans(&self) -> u64 {
        self.spans
    }

    /// How much memory a tree that is read may take.
    pub(super) fn room_left(&self) -> usize {
        self.room.left()
    }

    /// Counts a resource, a scope, a span, a log record, a metric or a point.
    pub(super) fn item(&mut self) -> Result<(), Stopped> {
        self.items += 1;
        if self.items > MAX_ITEMS {
            let all = self.signal.names().all;
            return Err(Stopped::Full(format!("it holds more than {MAX_ITEMS} {all}")));
        }
        Ok(())
    }

    /// Reads what stands above spans. `tree` is what its JSON tree took.
    pub(super) fn origin<'k, T: Default>(
        &mut self,
        tree: usize,
        kept: &'k Kept,
        issues: &mut Vec<MapIssue>,
        read: impl FnOnce(&mut Reading<'k, '_, 'm>) -> Result<T, Bad>,
    ) -> Result<T, Stopped> {
        let outcome = self.room.take(tree).map_err(Bad::from);
        let outcome = outcome.and_then(|()| read(&mut Reading::new(kept, &mut self.room, issues)));
        match outcome {
            Ok(read) => Ok(read),
            // What is wrong with a resource or a scope is told by each of its spans.
            Err(Bad::Span(why)) => {
                Reading::new(kept, &mut self.room, issues).issue(
                    clearspan_model::IssueKind::Unusable,
                    "resource",
                    why,
                );
                Ok(T::default())
            }
            Err(Bad::Body(why)) => Err(Stopped::Body(why)),
            Err(Bad::Stop(stop)) => Err(Stopped::from(stop)),
        }
    }

    /// Ends what [`Self::origin`] read; this much of it stays.
    pub(super) fn end_origin(&mut self, retained: usize) -> Result<(), Stopped> {
        Ok(self.room.end(retained)?)
    }

    /// Reads and maps a span. `tree` is what its JSON tree took.
    pub(super) fn span<'k>(
        &mut self,
        tree: usize,
        kept: &'k Kept,
        remembered: Option<&'k Remembered<'k>>,
        origin: &Origin,
        read: impl FnOnce(&mut Reading<'k, '_, 'm>) -> Result<SpanView<'k>, Bad>,
    ) -> Result<(), Stopped>
    where
        'm: 'k,
    {
        if self.room.left() < MIN_LEFT + origin.bytes() {
            return Err(Stop::Memory.into());
        }
        let runs = &mut self.mapped.runs;
        if runs.len() == runs.capacity() {
            runs.reserve_exact(self.room.places(runs.len(), self.expected)?);
        }
        let index = self.spans;
        self.spans += 1;
        let mut issues = Vec::new();
        let mut name = "";
        let outcome = self.room.take(tree + origin.bytes()).map_err(Bad::from);
        let outcome = outcome.and_then(|()| {
            let mut reading = Reading::new(kept, &mut self.room, &mut issues);
            reading.remembered = remembered;
            let span = read(&mut reading);
            name = reading.name;
            span
        });
        let outcome =
            outcome.and_then(|span| map_span(span, origin, issues, &self.ctx, remembered).map_err(Bad::Span));
        let outcome = outcome.and_then(|(project, run)| {
            self.room.end(retained_bytes(&run) + origin.bytes())?;
            Ok((project, run))
        });
        match outcome {
            Ok((project, run)) => self.mapped.runs.push(MappedRun { project, run: *run }),
            Err(Bad::Span(why)) => {
                self.reject(index, name, &why);
                self.room.end(0)?;
            }
            Err(Bad::Body(why)) => return Err(Stopped::Body(format!("span {index}: {why}"))),
            Err(Bad::Stop(Stop::Memory)) => {
                self.room.end(0)?;
                self.reject(index, name, NO_MEMORY);
            }
            Err(Bad::Stop(stop)) => {
                self.spans -= 1;
                return Err(stop.into());
            }
        }
        Ok(())
    }

    /// Ends a log record or a point that was read and mapped; returns why it has to be refused.
    pub(super) fn settle(&mut self, index: u64, outcome: Result<(), Bad>) -> Result<Option<String>, Stopped> {
        let why = match outcome {
            Ok(()) => return Ok(None),
            Err(Bad::Body(why)) => {
                return Err(Stopped::Body(format!("{} {index}: {why}", self.signal.names().one)));
            }
            Err(Bad::Stop(stop @ (Stop::Busy | Stop::Elements))) => {
                self.spans -= 1;
                return Err(stop.into());
            }
            Err(Bad::Span(why)) => why,
            Err(Bad::Stop(Stop::Memory)) => NO_MEMORY.to_owned(),
        };
        self.room.end(0)?;
        Ok(Some(why))
    }

    pub(super) fn reject(&mut self, index: u64, name: &str, why: &str) {
        let what = self.signal.names().one;
        self.mapped.reject(1, format_args!("{what} {index} \"{}\": {why}", shorten(name)));
    }

    /// Refuses a span, or a log record, without a look at it.
    pub(super) fn refuse_span(&mut self, why: &str) {
        let index = self.spans;
        self.spans += 1;
        self.reject(index, "", why);
    }
}

/// Why an item is refused whose neighbours may fit.
pub(super) const NO_MEMORY: &str = "it takes more memory than is left for this request; send it by itself";

/// With less memory than this left, no more spans are tried.
pub(super) const MIN_LEFT: usize = 64 << 10;

/// Why reading cannot go on.
#[derive(Debug)]
pub(super) enum Stopped {
    Body(String),
    Busy,
    Full(String),
}

impl From<Stop> for Stopped {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Busy => Self::Busy,
            Stop::Memory => {
                Self::Full("it would take more memory than one request may; send smaller batches".to_owned())
            }
            Stop::Elements => Self::Full("it holds too many attributes, events, links or values".to_owned()),
        }
    }
}

impl Stopped {
    /// With the number of spans that were not reached.
    pub(super) fn with_left(self, left: u64) -> Halt {
        match self {
            Self::Body(why) => Halt::Body(why),
            Self::Busy => Halt::Busy,
            Self::Full(why) => Halt::Full { why: format!("the rest of the request is refused: {why}"), left },
        }
    }
}
