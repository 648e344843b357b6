//! Counters in Prometheus' text format under `/metrics`.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds of the acknowledgement histogram, in milliseconds.
const ACK_BOUNDS_MS: [u64; 10] = [1, 2, 5, 10, 25, 50, 100, 250, 1_000, 5_000];

/// Panics of the whole process: the panic hook has no other way to reach a counter.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// Everything that is counted.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    accepted_runs: AtomicU64,
    rejected_items: AtomicU64,
    received_bytes: AtomicU64,
    accepted_requests: AtomicU64,
    refused_requests: AtomicU64,
    ack_buckets: [AtomicU64; ACK_BOUNDS_MS.len()],
    ack_micros: AtomicU64,
}

impl Metrics {
    /// One export request that was acknowledged.
    pub(crate) fn note_accepted(&self, runs: u64, rejected: u64, bytes: u64, took: Duration) {
        self.accepted_requests.fetch_add(1, Relaxed);
        self.accepted_runs.fetch_add(runs, Relaxed);
        self.rejected_items.fetch_add(rejected, Relaxed);
        self.received_bytes.fetch_add(bytes, Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.ack_micros.fetch_add(micros, Relaxed);
        for (bound, bucket) in ACK_BOUNDS_MS.iter().zip(&self.ack_buckets) {
            if micros <= bound * 1_000 {
                bucket.fetch_add(1, Relaxed);
            }
        }
    }

    /// One export request that was refused as a whole.
    pub(crate) fn note_refused(&self) {
        self.refused_requests.fetch_add(1, Relaxed);
    }

    /// Counts panics from now on, and logs them.
    pub(crate) fn count_panics() {
        let default = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, Relaxed);
            default(panic);
        }));
    }

    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        let mut counter = |name: &str, help: &str, value: &AtomicU64| {
            let value = value.load(Relaxed);
            writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}").expect("a string takes text");
        };
        counter("clearspan_accepted_runs_total", "Runs and log records that are durable", &self.accepted_runs);
        counter("clearspan_rejected_items_total", "Spans, log records and points refused one by one", &self.rejected_items);
        counter("clearspan_received_bytes_total", "Bytes of acknowledged requests, decompressed", &self.received_bytes);
        counter("clearspan_accepted_requests_total", "Export requests acknowledged", &self.accepted_requests);
        counter("clearspan_refused_requests_total", "Export requests refused as a whole", &self.refused_requests);
        counter("clearspan_panics_total", "Panics; each is a bug", &PANICS);
        self.render_acks(&mut text);
        text
    }

    fn render_acks(&self, text: &mut String) {
        let name = "clearspan_ack_seconds";
        let count = self.accepted_requests.load(Relaxed);
        let mut line = |content: String| {
            text.push_str(&content);
            text.push('\n');
        };
        line(format!("# HELP {name} From the last byte of an export request to its acknowledgement"));
        line(format!("# TYPE {name} histogram"));
        for (bound, bucket) in ACK_BOUNDS_MS.iter().zip(&self.ack_buckets) {
            let (whole, millis) = (bound / 1_000, bound % 1_000);
            line(format!("{name}_bucket{{le=\"{whole}.{millis:03}\"}} {}", bucket.load(Relaxed)));
        }
        line(format!("{name}_bucket{{le=\"+Inf\"}} {count}"));
        let micros = self.ack_micros.load(Relaxed);
        line(format!("{name}_sum {}.{:06}", micros / 1_000_000, micros % 1_000_000));
        line(format!("{name}_count {count}"));
    }
}
