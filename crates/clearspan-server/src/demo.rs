//! `clearspan demo`: a day in the life of a company that builds with language models, sent over OTLP.
//!
//! This module owns the stories and how several families of instrumentation would tell them. It leaves everything
//! after the socket to the receivers: the demo goes through the server's own endpoint like any client's spans.
//! The same seed and the same time give the same bytes.

mod chat;
mod dialect;
mod json;
mod rng;
mod send;
mod story;
mod trace;

use clearspan_model::{TraceId, UnixNanos};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use prost::Message as _;
use serde::Serialize;

use dialect::Dialect;
use rng::Rng;
use trace::Trace;

pub(crate) use send::send;

/// Where to send the demo, and as what.
#[derive(Debug, Clone)]
pub(crate) struct DemoArgs {
    /// The server's HTTP address, for example `http://127.0.0.1:4318`.
    pub(crate) endpoint: String,
    /// Sent as `x-api-key` where the server demands one.
    pub(crate) api_key: Option<String>,
    /// The project that the traces go to.
    pub(crate) project: String,
    /// The stories end shortly before this moment.
    pub(crate) now: UnixNanos,
    /// Another seed tells the same stories with other ids, times and numbers.
    pub(crate) seed: u64,
}

/// What was sent.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DemoReport {
    /// The project that the traces went to.
    pub(crate) project: String,
    /// Every trace, oldest story first.
    pub(crate) trace_ids: Vec<TraceId>,
    /// The one to look at first.
    pub(crate) featured_trace_id: TraceId,
}

/// One export request.
#[derive(Debug, Clone, PartialEq)]
struct Request {
    content_type: &'static str,
    body: Vec<u8>,
}

/// Everything that is sent, in order.
#[derive(Debug, Clone, PartialEq)]
struct DemoSet {
    requests: Vec<Request>,
    trace_ids: Vec<TraceId>,
    featured_trace_id: TraceId,
}

/// A batch exporter sends after so many spans.
const SPANS_PER_REQUEST: usize = 128;

fn build(now: UnixNanos, seed: u64) -> DemoSet {
    // The time is part of the seed: a demo sent again later must be new traces, not changes to the old ones.
    let mut rng = Rng::new(seed ^ now.as_nanos().cast_unsigned());
    let rng = Rng::new(rng.next());
    let mut traces = stories(&rng, now);
    let mut featured = story::trip::build(&rng);
    featured.place(seconds_before(now, 60));
    let featured_trace_id = featured.trace_id();
    traces.push(featured);

    let trace_ids = traces.iter().map(Trace::trace_id).collect();
    let (json, protobuf): (Vec<_>, Vec<_>) =
        traces.into_iter().partition(|trace| trace.dialect == Dialect::GenAiJs);
    let json: Vec<_> = json.into_iter().map(Trace::into_resource_spans).collect();
    let body = json::export_request(&json).to_string().into_bytes();
    let mut requests = vec![Request { content_type: "application/json", body }];
    requests.extend(batches(protobuf).into_iter().map(|resource_spans| Request {
        content_type: "application/x-protobuf",
        body: ExportTraceServiceRequest { resource_spans }.encode_to_vec(),
    }));
    DemoSet { requests, trace_ids, featured_trace_id }
}

/// All but the featured one, oldest first.
fn stories(rng: &Rng, now: UnixNanos) -> Vec<Trace> {
    let mut traces = story::background::build(rng, now);
    let singles = [
        (story::contract::build(rng), 205),
        (story::showcase::embeddings(rng), 162),
        (story::rag::build(rng, 3), 140),
        (story::rag::build(rng, 2), 97),
        (story::showcase::unpriced(rng), 74),
        (story::rag::build(rng, 1), 52),
        (story::invoice::build(rng), 41),
        (story::showcase::picture(rng), 13),
        (story::support::build(rng), 10),
        (story::rag::build(rng, 0), 8),
    ];
    for (mut trace, minutes_ago) in singles {
        trace.place(seconds_before(now, minutes_ago * 60));
        traces.push(trace);
    }
    traces.extend(story::thread::build(rng, now));
    traces.sort_by_key(Trace::started_at);
    traces
}

fn seconds_before(now: UnixNanos, seconds: i64) -> UnixNanos {
    UnixNanos::from_nanos(now.as_nanos() - seconds * 1_000_000_000)
}

/// Cuts the traces into requests. A large trace spreads over several, its root in the last, as it would live.
fn batches(traces: Vec<Trace>) -> Vec<Vec<ResourceSpans>> {
    let mut batches = vec![Vec::new()];
    let mut room = SPANS_PER_REQUEST;
    for trace in traces {
        let mut resource_spans = trace.into_resource_spans();
        let mut spans: Vec<_> =
            resource_spans.scope_spans.iter_mut().flat_map(|s| s.spans.drain(..)).collect();
        while !spans.is_empty() {
            if room == 0 {
                batches.push(Vec::new());
                room = SPANS_PER_REQUEST;
            }
            let rest = spans.split_off(spans.len().min(room));
            room -= spans.len();
            let mut part = resource_spans.clone();
            part.scope_spans[0].spans = spans;
            batches.last_mut().expect("there is always an open batch").push(part);
            spans = rest;
        }
    }
    batches
}

#[cfg(test)]
mod tests;
