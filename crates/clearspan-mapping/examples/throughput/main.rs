//! How fast bodies become runs, on one core: `cargo run --release -p clearspan-mapping --example throughput -- FILES…`.
//!
//! Reads OTLP trace bodies (protobuf), or makes agents' bodies when no file is named, maps them again and again for
//! some seconds, and prints megabytes and spans a second of processor time; and what the clock says of each body at its
//! quickest, which a busy machine disturbs least. Beside it, as a peer: what prost takes to decode the same bytes into
//! its structs, of which nothing is mapped yet.
//!
//! - `--ours`: without the peer.
//! - `--once`: each body once, for tools that count instructions.
//! - `--save DIR`: writes the bodies to files, for other versions of this program, and ends.

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
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let mut is_set = |flag: &str| args.extract_if(.., |arg| arg == flag).count() > 0;
    let (only_ours, once, save) = (is_set("--ours"), is_set("--once"), is_set("--save"));
    if save {
        let folder = args.first().expect("--save names a folder");
        for seed in 0..BODIES {
            let path = format!("{folder}/{seed}.pb");
            std::fs::write(path, agent::body(seed, SPANS_IN_A_BODY)).expect("the body can be written");
        }
        return;
    }
    let bodies: Vec<Vec<u8>> = if args.is_empty() {
        (0..BODIES).map(|seed| agent::body(seed, SPANS_IN_A_BODY)).collect()
    } else {
        args.iter().map(|path| std::fs::read(path).expect("the body can be read")).collect()
    };
    let ctx = MapContext::at(UnixNanos::from_nanos(1_800_000_000_000_000_000));
    let spans: usize = bodies.iter().map(|body| map(body, &ctx)).sum();
    let bytes: usize = bodies.iter().map(Vec::len).sum();
    println!("{} bodies, {bytes} bytes, {spans} spans of {} bytes", bodies.len(), bytes / spans.max(1));
    if once {
        return;
    }
    if !only_ours {
        measure("prost: decode", &bodies, spans, |body| {
            ExportTraceServiceRequest::decode(body).expect("a trace request").resource_spans.len()
        });
    }
    measure("ours: decode and map", &bodies, spans, |body| map(body, &ctx));
}

fn map(body: &[u8], ctx: &MapContext<'_>) -> usize {
    read_traces(body, Encoding::Protobuf, ctx).expect("the body is a trace request").runs.len()
}

fn measure(what: &str, bodies: &[Vec<u8>], spans: usize, run: impl Fn(&[u8]) -> usize) {
    let bytes = bodies.iter().map(Vec::len).sum::<usize>() as f64;
    let (start, begin) = (Instant::now(), processor_time());
    let mut rounds = 0.0;
    let mut best = vec![Duration::MAX; bodies.len()];
    while start.elapsed() < Duration::from_secs(SECONDS) {
        for (body, best) in bodies.iter().zip(&mut best) {
            let begin = Instant::now();
            std::hint::black_box(run(body));
            *best = begin.elapsed().min(*best);
        }
        rounds += 1.0;
    }
    // Where the system does not tell the time of the processor, that of the clock has to do.
    let time = match (begin, processor_time()) {
        (Some(begin), Some(end)) => end - begin,
        _ => start.elapsed(),
    };
    let rate = |of: f64| of * rounds / time.as_secs_f64();
    let best = bytes / 1e6 / best.iter().sum::<Duration>().as_secs_f64();
    println!(
        "{what}: {:.1} MB/s, {:.0} spans/s; each body at its quickest {best:.1} MB/s",
        rate(bytes / 1e6),
        rate(spans as f64)
    );
}

/// The time that this thread had on a processor: others on the machine do not change it much. It is told in ticks of some
/// milliseconds, too coarse for one body.
fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}
