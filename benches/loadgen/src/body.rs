//! A request that is encoded once and sent many times: every send writes fresh ids and times into a copy, so the
//! generator's own cost stays far below the receiver's.

use std::ops::Range;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::TraceId;
use crate::rng::Rng;
use crate::traces::{MARKER_NANOS, text};
use crate::words::Words;

/// Makes a trace of this id.
pub(crate) type Traces<'a> = &'a dyn Fn(&mut Rng, &Words, TraceId) -> Vec<Span>;

/// An encoded request with the places of its ids and times.
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    pub(crate) spans: usize,
    /// For each trace where its id stands.
    traces: Vec<Vec<usize>>,
    /// For each span where its id stands, in the span itself and in its children.
    ids: Vec<Vec<usize>>,
    times: Vec<usize>,
}

impl Body {
    pub(crate) fn build(seed: u64, batch: usize, make: Traces<'_>, words: &Words) -> Self {
        let mut rng = Rng::new(seed);
        let mut spans: Vec<Span> = Vec::new();
        while spans.len() < batch {
            let trace_id = rng.trace_id();
            spans.extend(make(&mut rng, words, trace_id));
        }
        let count = spans.len();
        let wanted = Wanted::of(&spans);
        let bytes = request(spans).encode_to_vec();
        let (traces, ids, times) = wanted.find(&bytes);
        Self { bytes, spans: count, traces, ids, times }
    }

    /// Writes the request with new ids, or that of the one trace, and with `base_nanos` as its start; returns the id of
    /// its first trace.
    pub(crate) fn stamp(
        &self,
        out: &mut Vec<u8>,
        rng: &mut Rng,
        base_nanos: u64,
        trace: Option<TraceId>,
    ) -> TraceId {
        out.clear();
        out.extend_from_slice(&self.bytes);
        let mut first = None;
        for places in &self.traces {
            let id = trace.unwrap_or_else(|| rng.trace_id());
            first.get_or_insert(id);
            places.iter().for_each(|at| out[span_of(*at, 16)].copy_from_slice(&id));
        }
        for places in &self.ids {
            let id = rng.span_id();
            places.iter().for_each(|at| out[span_of(*at, 8)].copy_from_slice(&id));
        }
        for at in &self.times {
            let range = span_of(*at, 8);
            let mut word = [0; 8];
            word.copy_from_slice(&out[range.clone()]);
            let moved = u64::from_le_bytes(word) - MARKER_NANOS + base_nanos;
            out[range].copy_from_slice(&moved.to_le_bytes());
        }
        first.unwrap_or_default()
    }
}

fn span_of(at: usize, len: usize) -> Range<usize> {
    at..at + len
}

fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let resource = Resource {
        attributes: vec![
            text("service.name", "support-bot"),
            text("service.version", "1.4.2"),
            text("deployment.environment", "production"),
            text("telemetry.sdk.language", "python"),
        ],
        ..Resource::default()
    };
    let scope = InstrumentationScope {
        name: "opentelemetry.instrumentation.openai".into(),
        version: "0.47.0".into(),
        ..InstrumentationScope::default()
    };
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }];
    let resource_spans =
        vec![ResourceSpans { resource: Some(resource), scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }
}

/// The bytes to look for. Ids are random and times begin with an improbable marker, so a hit is never text.
struct Wanted {
    /// The first half of each trace id.
    traces: FxHashMap<[u8; 8], usize>,
    ids: FxHashMap<[u8; 8], usize>,
    times: FxHashSet<[u8; 8]>,
}

impl Wanted {
    fn of(spans: &[Span]) -> Self {
        let mut wanted =
            Self { traces: FxHashMap::default(), ids: FxHashMap::default(), times: FxHashSet::default() };
        for span in spans {
            let (next_trace, next_id) = (wanted.traces.len(), wanted.ids.len());
            wanted.traces.entry(word(&span.trace_id, 0)).or_insert(next_trace);
            wanted.ids.entry(word(&span.span_id, 0)).or_insert(next_id);
            wanted.times.insert(span.start_time_unix_nano.to_le_bytes());
            wanted.times.insert(span.end_time_unix_nano.to_le_bytes());
        }
        wanted
    }

    /// The places of trace ids, span ids and times.
    fn find(&self, bytes: &[u8]) -> (Vec<Vec<usize>>, Vec<Vec<usize>>, Vec<usize>) {
        let mut traces = vec![Vec::new(); self.traces.len()];
        let mut ids = vec![Vec::new(); self.ids.len()];
        let mut times = Vec::new();
        for at in 0..=bytes.len().saturating_sub(8) {
            let here = word(bytes, at);
            if let Some(idx) = self.ids.get(&here) {
                ids[*idx].push(at);
            } else if let Some(idx) = self.traces.get(&here) {
                traces[*idx].push(at);
            } else if self.times.contains(&here) {
                times.push(at);
            }
        }
        (traces, ids, times)
    }
}

fn word(bytes: &[u8], at: usize) -> [u8; 8] {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[span_of(at, 8)]);
    word
}

#[cfg(test)]
mod tests;
