//! Counters in Prometheus' text format under `/metrics`.
//!
//! All of them live here, by hand: a dozen counters with labels from closed sets need no registry.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use clearspan_model::UnixNanos;
use clearspan_store::{CheckReport, CompactionStatus, DeletionState, SearchProgress};
use http::StatusCode;

/// Upper bounds of the acknowledgement histogram, in milliseconds.
const ACK_BOUNDS_MS: [u64; 10] = [1, 2, 5, 10, 25, 50, 100, 250, 1_000, 5_000];

/// Panics of the whole process: the panic hook has no other way to reach a counter.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// How an export arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    OtlpHttp,
    OtlpGrpc,
    LangSmith,
}

impl Protocol {
    const ALL: [Self; 3] = [Self::OtlpHttp, Self::OtlpGrpc, Self::LangSmith];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::OtlpHttp => "otlp_http",
            Self::OtlpGrpc => "otlp_grpc",
            Self::LangSmith => "langsmith",
        }
    }
}

/// Why exports are refused as a whole, and the status that says so.
const REASONS: [(&str, StatusCode); 10] = [
    ("invalid", StatusCode::BAD_REQUEST),
    ("unusable", StatusCode::UNPROCESSABLE_ENTITY),
    ("unauthorized", StatusCode::UNAUTHORIZED),
    ("forbidden", StatusCode::FORBIDDEN),
    ("too_slow", StatusCode::REQUEST_TIMEOUT),
    ("too_large", StatusCode::PAYLOAD_TOO_LARGE),
    ("unsupported", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ("unavailable", StatusCode::SERVICE_UNAVAILABLE),
    ("timeout", StatusCode::GATEWAY_TIMEOUT),
    // Last, because everything else counts as one of our failures.
    ("internal", StatusCode::INTERNAL_SERVER_ERROR),
];

/// Everything that is counted.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    protocols: [PerProtocol; Protocol::ALL.len()],
    ack_buckets: [AtomicU64; ACK_BOUNDS_MS.len()],
    ack_micros: AtomicU64,
}

#[derive(Debug, Default)]
struct PerProtocol {
    accepted_requests: AtomicU64,
    accepted_runs: AtomicU64,
    rejected_items: AtomicU64,
    received_bytes: AtomicU64,
    refused: [AtomicU64; REASONS.len()],
}

/// What an export request brought, as far as it is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accepted {
    pub(crate) runs: u64,
    pub(crate) rejected: u64,
    /// After decompression.
    pub(crate) bytes: u64,
}

impl Metrics {
    /// One export request that was acknowledged.
    pub(crate) fn note_accepted(&self, protocol: Protocol, accepted: Accepted, took: Duration) {
        let counters = &self.protocols[protocol as usize];
        counters.accepted_requests.fetch_add(1, Relaxed);
        counters.accepted_runs.fetch_add(accepted.runs, Relaxed);
        counters.rejected_items.fetch_add(accepted.rejected, Relaxed);
        counters.received_bytes.fetch_add(accepted.bytes, Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.ack_micros.fetch_add(micros, Relaxed);
        for (bound, bucket) in ACK_BOUNDS_MS.iter().zip(&self.ack_buckets) {
            if micros <= bound * 1_000 {
                bucket.fetch_add(1, Relaxed);
            }
        }
    }

    /// One export request that was refused as a whole.
    pub(crate) fn note_refused(&self, protocol: Protocol, status: StatusCode) {
        let reason = REASONS.iter().position(|(_, known)| *known == status).unwrap_or(REASONS.len() - 1);
        self.protocols[protocol as usize].refused[reason].fetch_add(1, Relaxed);
    }

    /// Counts panics from now on, and logs them.
    pub(crate) fn count_panics() {
        let default = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, Relaxed);
            default(panic);
        }));
    }

    pub(crate) fn render(&self, search: Option<SearchProgress>) -> String {
        let mut text = String::new();
        let by_protocol = [
            (
                "clearspan_accepted_requests_total",
                "Export requests acknowledged",
                (|counters| &counters.accepted_requests) as fn(&PerProtocol) -> &AtomicU64,
            ),
            ("clearspan_accepted_runs_total", "Runs, log records and metric points that are durable", |c| {
                &c.accepted_runs
            }),
            (
                "clearspan_rejected_items_total",
                "Spans, log records and data points refused one by one in partial answers",
                |counters| &counters.rejected_items,
            ),
            ("clearspan_received_bytes_total", "Bytes of acknowledged requests, decompressed", |c| {
                &c.received_bytes
            }),
        ];
        for (name, help, get) in by_protocol {
            write_head(&mut text, name, help, "counter");
            for (protocol, counters) in Protocol::ALL.iter().zip(&self.protocols) {
                let value = get(counters).load(Relaxed);
                write_line(&mut text, format_args!("{name}{{protocol=\"{}\"}} {value}", protocol.as_str()));
            }
        }
        self.render_refused(&mut text);
        write_head(&mut text, "clearspan_panics_total", "Panics; each is a bug", "counter");
        write_line(&mut text, format_args!("clearspan_panics_total {}", PANICS.load(Relaxed)));
        self.render_acks(&mut text);
        if let Some(search) = search {
            render_search(&mut text, search);
        }
        text
    }

    fn render_refused(&self, text: &mut String) {
        let name = "clearspan_refused_requests_total";
        write_head(text, name, "Export requests refused as a whole", "counter");
        for (protocol, counters) in Protocol::ALL.iter().zip(&self.protocols) {
            for ((reason, _), count) in REASONS.iter().zip(&counters.refused) {
                let (protocol, count) = (protocol.as_str(), count.load(Relaxed));
                write_line(
                    text,
                    format_args!("{name}{{protocol=\"{protocol}\",reason=\"{reason}\"}} {count}"),
                );
            }
        }
    }

    fn render_acks(&self, text: &mut String) {
        let name = "clearspan_ack_seconds";
        let count: u64 = self.protocols.iter().map(|counters| counters.accepted_requests.load(Relaxed)).sum();
        write_head(text, name, "From the head of an export request to its acknowledgement", "histogram");
        for (bound, bucket) in ACK_BOUNDS_MS.iter().zip(&self.ack_buckets) {
            let (whole, millis, value) = (bound / 1_000, bound % 1_000, bucket.load(Relaxed));
            write_line(text, format_args!("{name}_bucket{{le=\"{whole}.{millis:03}\"}} {value}"));
        }
        write_line(text, format_args!("{name}_bucket{{le=\"+Inf\"}} {count}"));
        let micros = self.ack_micros.load(Relaxed);
        write_line(text, format_args!("{name}_sum {}.{:06}", micros / 1_000_000, micros % 1_000_000));
        write_line(text, format_args!("{name}_count {count}"));
    }
}

fn render_search(text: &mut String, search: SearchProgress) {
    let name = "clearspan_search_segments_unindexed";
    write_head(text, name, "Segments that wait for their search index; searches read all of them", "gauge");
    write_line(text, format_args!("{name} {}", search.missing));
    let name = "clearspan_search_index_bytes";
    write_head(text, name, "Bytes of the search index on disk", "gauge");
    write_line(text, format_args!("{name} {}", search.index_bytes));
}

/// How much of `--inflight` is taken.
pub(crate) fn render_inflight(reserved_bytes: usize) -> String {
    let mut text = String::new();
    let name = "clearspan_inflight_bytes";
    write_head(
        &mut text,
        name,
        "Memory that requests hold which are being received; see --inflight",
        "gauge",
    );
    write_line(&mut text, format_args!("{name} {reserved_bytes}"));
    text
}

/// What the store's compaction has done, and what it has before it.
pub(crate) fn render_compaction(status: &CompactionStatus) -> String {
    let CompactionStatus { rewrites, failures, bytes_removed, bytes_written, waiting_files } = *status;
    let counters = [
        ("clearspan_compactions_total", "Merges of files, and rewrites of files with dead rows", rewrites),
        ("clearspan_compaction_failures_total", "Merges that failed; the log says why", failures),
        ("clearspan_compaction_read_bytes_total", "Bytes of the files that were merged", bytes_removed),
        ("clearspan_compaction_written_bytes_total", "Bytes of the files that they became", bytes_written),
    ];
    let mut text = String::new();
    for (name, help, value) in counters {
        write_head(&mut text, name, help, "counter");
        write_line(&mut text, format_args!("{name} {value}"));
    }
    let name = "clearspan_compaction_waiting_files";
    write_head(&mut text, name, "Files that are merged next; 0 when nothing is left to gain", "gauge");
    write_line(&mut text, format_args!("{name} {waiting_files}"));
    text
}

/// How far the store's deletion is.
pub(crate) fn render_deletion(deletion: &DeletionState) -> String {
    let DeletionState { dropped, tombstones, unpurged_since } = *deletion;
    let since = unpurged_since.map_or(0, |since| since.as_micros() / 1_000_000);
    let mut text = String::new();
    let name = "clearspan_deleted_rows_dropped_total";
    write_head(&mut text, name, "Runs, log records and points that arrived for something deleted", "counter");
    write_line(&mut text, format_args!("{name} {dropped}"));
    let name = "clearspan_tombstones";
    write_head(&mut text, name, "Traces and projects that are remembered as deleted", "gauge");
    write_line(&mut text, format_args!("{name} {tombstones}"));
    let name = "clearspan_unpurged_since_seconds";
    let help = "When the oldest deletion was asked for that may still be on the disk; 0: none";
    write_head(&mut text, name, help, "gauge");
    write_line(&mut text, format_args!("{name} {since}"));
    text
}

/// What comparing stored data with its checksums found last, and when that ended.
pub(crate) fn render_scrub(last: Option<(UnixNanos, Option<&CheckReport>)>) -> String {
    let ended = last.map_or(0, |(ended_at, _)| ended_at.as_micros() / 1_000_000);
    let report = last.and_then(|(_, report)| report);
    let bytes = report.map_or(0, |report| report.bytes);
    let problems = report.map_or(0, |report| report.problems.len());
    let gauges = [
        (
            "clearspan_scrub_ended_seconds",
            "When stored data was compared with its checksums last; 0: not since the start",
            ended.to_string(),
        ),
        ("clearspan_scrub_bytes", "Bytes that were compared then", bytes.to_string()),
        ("clearspan_scrub_problems", "Damaged places that were found then", problems.to_string()),
    ];
    let mut text = String::new();
    for (name, help, value) in gauges {
        write_head(&mut text, name, help, "gauge");
        write_line(&mut text, format_args!("{name} {value}"));
    }
    text
}

fn write_head(text: &mut String, name: &str, help: &str, kind: &str) {
    write_line(text, format_args!("# HELP {name} {help}"));
    write_line(text, format_args!("# TYPE {name} {kind}"));
}

fn write_line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes text");
}

#[cfg(test)]
mod tests;
