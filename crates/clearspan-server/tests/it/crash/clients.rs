//! Clients that never give up: a batch is repeated until a 2xx says that it is safe.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

use super::ledger::{ContentHash, Ledger, RunRef};

/// Runs in a batch, besides the root of its trace.
const CHILDREN: usize = 4;
/// A trace lies across so many batches, and so across kills.
const BATCHES_IN_A_TRACE: usize = 20;
/// How many of the newest runs are remembered as such.
const NEWEST: usize = 50;

pub(crate) struct Clients {
    url: String,
    client: reqwest::Client,
    pub(crate) stop: AtomicBool,
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    ledger: Ledger,
    newest: VecDeque<RunRef>,
}

/// A trace of which the root is still to come.
struct OpenTrace {
    trace_id: [u8; 16],
    root: [u8; 8],
    start_nanos: u64,
    batches_left: usize,
}

impl OpenTrace {
    fn new(rng: &mut SmallRng) -> Self {
        let start_nanos = 1_795_000_000_000_000_000 + rng.random_range(0..3_600_000_000_000);
        Self { trace_id: rng.random(), root: rng_id(rng), start_nanos, batches_left: BATCHES_IN_A_TRACE }
    }
}

impl Clients {
    pub(crate) fn new(server: String) -> Self {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(60))
            .build()
            .expect("a client without TLS can be built");
        Self {
            url: format!("{server}/v1/traces"),
            client,
            stop: AtomicBool::new(false),
            shared: Mutex::default(),
        }
    }

    pub(crate) fn acked_batches(&self) -> usize {
        self.shared.lock().expect("no client panics here").ledger.batches
    }

    /// The runs that were acknowledged last, of all clients.
    pub(crate) fn newest_acked(&self, count: usize) -> Vec<RunRef> {
        self.shared.lock().expect("no client panics here").newest.iter().rev().take(count).cloned().collect()
    }

    /// What was acknowledged so far.
    pub(crate) fn ledger_now(&self) -> Ledger {
        self.shared.lock().expect("no client panics here").ledger.clone()
    }

    /// What all clients together saw acknowledged. Call it when they have stopped.
    pub(crate) fn take_ledger(&self) -> Ledger {
        std::mem::take(&mut self.shared.lock().expect("no client panics here").ledger)
    }

    pub(crate) async fn send_until_stopped(&self, seed: u64, number: u64) {
        let mut rng = SmallRng::seed_from_u64(seed ^ (number + 1));
        let mut open = OpenTrace::new(&mut rng);
        while !self.stop.load(Relaxed) {
            let (spans, runs) = batch(&mut rng, &mut open);
            let attempts = self.send(encode(spans)).await;
            self.note(runs, attempts);
            tokio::time::sleep(Duration::from_millis(rng.random_range(0..25))).await;
        }
    }

    fn note(&self, runs: Vec<(RunRef, ContentHash)>, attempts: usize) {
        let mut shared = self.shared.lock().expect("no client panics here");
        shared.ledger.batches += 1;
        shared.ledger.repeated_batches += usize::from(attempts > 1);
        for (run, content) in runs {
            shared.ledger.acknowledge(run.clone(), content);
            shared.newest.push_back(run);
        }
        while shared.newest.len() > NEWEST {
            shared.newest.pop_front();
        }
    }

    /// Repeats the batch until it is acknowledged; returns how often it went out. Finding nobody there does not count.
    async fn send(&self, body: Vec<u8>) -> usize {
        let mut attempts = 1;
        loop {
            let request = self.client.post(&self.url).header("content-type", "application/x-protobuf");
            match request.body(body.clone()).send().await {
                // The head of a 2xx is the promise, whatever becomes of the rest of the answer.
                Ok(answer) if answer.status().is_success() => return attempts,
                Ok(answer) if answer.status().is_client_error() && answer.status() != 429 => {
                    panic!("a valid batch was refused with {}", answer.status());
                }
                Err(err) if err.is_connect() => tokio::time::sleep(Duration::from_millis(10)).await,
                Ok(_) | Err(_) => {
                    attempts += 1;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        }
    }
}

/// Children of the open trace, and its root with the last of them, as exporters send it.
fn batch(rng: &mut SmallRng, open: &mut OpenTrace) -> (Vec<Span>, Vec<(RunRef, ContentHash)>) {
    let mut parents = vec![Some(open.root); CHILDREN];
    open.batches_left -= 1;
    if open.batches_left == 0 {
        parents.push(None);
    }
    let mut spans = Vec::new();
    let mut runs = Vec::new();
    for parent in parents {
        let span_id = if parent.is_some() { rng_id(rng) } else { open.root };
        let (span, run, content) = span(rng, open, span_id, parent);
        spans.push(span);
        runs.push((run, content));
    }
    if open.batches_left == 0 {
        *open = OpenTrace::new(rng);
    }
    (spans, runs)
}

fn rng_id(rng: &mut SmallRng) -> [u8; 8] {
    (rng.random::<u64>() | 1).to_be_bytes()
}

fn span(
    rng: &mut SmallRng,
    trace: &OpenTrace,
    span_id: [u8; 8],
    parent: Option<[u8; 8]>,
) -> (Span, RunRef, ContentHash) {
    // A few are large, so that a kill also falls into the middle of a long write.
    let length = if rng.random_ratio(1, 100) { 200_000 } else { rng.random_range(20..600) };
    let content = [format!("chat {}", rng.random::<u16>()), prose(rng, length), prose(rng, 80)];
    let message =
        |role: &str, text: &str| json!([{"role": role, "parts": [{"type": "text", "content": text}]}]);
    let attributes = vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.request.model", "gpt-4o-mini"),
        text("gen_ai.input.messages", &message("user", &content[1]).to_string()),
        text("gen_ai.output.messages", &message("assistant", &content[2]).to_string()),
    ];
    let start = trace.start_nanos + rng.random_range(0..100_000_000);
    let span = Span {
        trace_id: trace.trace_id.to_vec(),
        span_id: span_id.to_vec(),
        parent_span_id: parent.map_or_else(Vec::new, |id| id.to_vec()),
        name: content[0].clone(),
        kind: 3,
        start_time_unix_nano: start,
        end_time_unix_nano: start + 1_000_000,
        attributes,
        ..Span::default()
    };
    let mut run_id = [0; 16];
    run_id[8..].copy_from_slice(&span_id);
    let run = RunRef { trace_id: uuid(trace.trace_id), run_id: uuid(run_id) };
    (span, run, ContentHash::of(&content))
}

fn uuid(bytes: [u8; 16]) -> String {
    uuid::Uuid::from_bytes(bytes).to_string()
}

fn prose(rng: &mut SmallRng, length: usize) -> String {
    const WORDS: [&str; 8] =
        ["kill", "fsync", "naïve", "日本", "\"quoted\"", "back\\slash", "🍁", "tab\tand\nline"];
    let mut out = String::new();
    while out.len() < length {
        out.push_str(WORDS[rng.random_range(0..WORDS.len())]);
        out.push_str(&rng.random::<u32>().to_string());
    }
    out
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = any_value::Value::StringValue(value.to_owned());
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn encode(spans: Vec<Span>) -> Vec<u8> {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}
