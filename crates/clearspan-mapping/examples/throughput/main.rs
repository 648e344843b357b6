//! How fast bodies become runs, on one core: `cargo run --release -p clearspan-mapping --example throughput -- FILES…`.
//!
//! Reads OTLP trace bodies (protobuf), or makes agents' bodies when no file is named, maps them again and again for
//! some seconds, and prints megabytes and spans a second of processor time. Beside it, as a peer: what prost takes to
//! decode the same bytes into its structs, of which nothing is mapped yet.

#![expect(clippy::print_stdout, reason = "the measurement is the program's output")]

mod agent;

/// As in the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::time::{Duration, Instant};

use clearspan_mapping::otlp::{Encoding, MapContext, read_traces};
use clearspan_model::UnixNanos;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

const SECONDS: u64 = 3;
const BODIES: u64 = 8;
const SPANS_IN_A_BODY: usize = 512;

fn main() {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let bodies: Vec<Vec<u8>> = if paths.is_empty() {
        (0..BODIES).map(|seed| agent::body(seed, SPANS_IN_A_BODY)).collect()
    } else {
        paths.iter().map(|path| std::fs::read(path).expect("the body can be read")).collect()
    };
    let ctx = MapContext::at(UnixNanos::from_nanos(1_800_000_000_000_000_000));
    let spans: usize = bodies.iter().map(|body| map(body, &ctx)).sum();
    let bytes: usize = bodies.iter().map(Vec::len).sum();
    println!("{} bodies, {bytes} bytes, {spans} spans of {} bytes", bodies.len(), bytes / spans.max(1));
    measure("prost: decode", &bodies, spans, |body| {
        ExportTraceServiceRequest::decode(body).expect("a trace request").resource_spans.len()
    });
    measure("ours: decode and map", &bodies, spans, |body| map(body, &ctx));
}

fn map(body: &[u8], ctx: &MapContext<'_>) -> usize {
    read_traces(body, Encoding::Protobuf, ctx).expect("the body is a trace request").runs.len()
}

fn measure(what: &str, bodies: &[Vec<u8>], spans: usize, run: impl Fn(&[u8]) -> usize) {
    let bytes: usize = bodies.iter().map(Vec::len).sum();
    let start = Instant::now();
    let begin = processor_time().unwrap_or_default();
    let mut rounds = 0.0;
    while start.elapsed() < Duration::from_secs(SECONDS) {
        for body in bodies {
            std::hint::black_box(run(body));
        }
        rounds += 1.0;
    }
    // Where the system does not tell the time of the processor, that of the clock has to do.
    let time = processor_time().map_or(start.elapsed(), |end| end - begin);
    let seconds = time.as_secs_f64();
    let (bytes, spans) = (bytes as f64 * rounds, spans as f64 * rounds);
    println!("{what}: {:.1} MB/s, {:.0} spans/s", bytes / seconds / 1e6, spans / seconds);
}

/// The time that this thread had on a processor: others on the machine do not change it much.
fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}
