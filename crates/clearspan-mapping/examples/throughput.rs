//! How fast bodies become runs, on one core: `cargo run --release --example throughput -- FILES…`.
//!
//! Reads OTLP trace bodies (protobuf), decodes and maps them again and again for some seconds, and prints
//! megabytes and spans a second, for decoding alone and for both steps.

use std::time::{Duration, Instant};

use clearspan_mapping::otlp::{Encoding, MapContext, decode_traces, map_traces};
use clearspan_model::UnixNanos;

const SECONDS: u64 = 3;

fn main() {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let bodies: Vec<Vec<u8>> =
        paths.iter().map(|path| std::fs::read(path).expect("the body can be read")).collect();
    assert!(!bodies.is_empty(), "name the files to read");
    measure("decode", &bodies, |body| {
        let request = decode_traces(body, Encoding::Protobuf).expect("the body is a trace request");
        request.resource_spans.iter().flat_map(|r| &r.scope_spans).map(|s| s.spans.len()).sum()
    });
    let ctx = MapContext::at(UnixNanos::from_nanos(1_800_000_000_000_000_000));
    measure("decode and map", &bodies, |body| {
        let request = decode_traces(body, Encoding::Protobuf).expect("the body is a trace request");
        map_traces(request, &ctx).runs.len()
    });
}

#[expect(clippy::print_stdout, reason = "the measurement is the program's output")]
fn measure(what: &str, bodies: &[Vec<u8>], run: impl Fn(&[u8]) -> usize) {
    let (mut bytes, mut spans) = (0, 0);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(SECONDS) {
        for body in bodies {
            bytes += body.len();
            spans += run(body);
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{what}: {:.1} MB/s, {:.0} spans/s", bytes as f64 / seconds / 1e6, spans as f64 / seconds);
}
