//! Sends realistic LLM agent traces over OTLP (HTTP, protobuf), or what the LangSmith SDK sent, and reports as one line
//! of JSON what the receiver sustained: `loadgen --url http://127.0.0.1:4318/v1/traces --profile agent --batch 512 --conns 4`.

mod body;
mod http;
mod load;
mod recorded;
mod request;
mod rng;
mod traces;
mod words;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use serde_json::json;

use request::Request;
use words::Words;

#[derive(Debug, Parser)]
#[command(about)]
struct Args {
    /// Where to send, with the path: /v1/traces for OTLP, /runs/multipart for LangSmith.
    #[arg(long, default_value = "http://127.0.0.1:4318/v1/traces")]
    url: String,
    /// Stop after about this many spans.
    #[arg(long, default_value_t = 100_000)]
    spans: u64,
    /// Spans in a request, at least.
    #[arg(long, default_value_t = 512)]
    batch: usize,
    /// Connections that send at the same time.
    #[arg(long, default_value_t = 4)]
    conns: usize,
    #[arg(long, value_enum, default_value_t = Profile::Agent)]
    profile: Profile,
    /// Model calls of each agent; 3 to 7 without it.
    #[arg(long)]
    turns: Option<u64>,
    /// A header for every request, for example "x-api-key: k"; may be repeated.
    #[arg(long)]
    header: Vec<String>,
    /// Compress the requests.
    #[arg(long)]
    gzip: bool,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Spread the start times over so many hours before now.
    #[arg(long, default_value_t = 1.0)]
    hours: f64,
    /// Spread the requests over so many projects, named `bench-0`, `bench-1` and so on.
    #[arg(long)]
    projects: Option<std::num::NonZeroU64>,
    /// Make all spans parts of this trace: 32 hexadecimal digits.
    #[arg(long, value_parser = parse_trace)]
    trace: Option<TraceId>,
    /// How many different requests to prepare.
    #[arg(long, default_value_t = 48)]
    bodies: u64,
    /// Write the requests to this folder instead of sending them.
    #[arg(long)]
    dump: Option<PathBuf>,
}

/// The id of a trace.
type TraceId = [u8; 16];

fn parse_trace(text: &str) -> Result<TraceId, String> {
    let id = u128::from_str_radix(text, 16).ok().filter(|id| *id != 0 && text.len() == 32);
    id.map(u128::to_be_bytes).ok_or_else(|| "a trace id has 32 hexadecimal digits and is not zero".to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Profile {
    /// Agents that re-send a growing history: about 4 kB a span.
    Agent,
    /// Service spans without prompts: about 0.5 kB a span.
    Small,
    /// Each request is one trace of `--batch` spans.
    Tree,
    /// Multipart requests recorded from the LangSmith SDK, zstd, with a post and mostly a patch for each run.
    Langsmith,
}

fn main() -> Result<()> {
    let args = Args::parse();
    anyhow::ensure!(
        args.conns > 0 && args.batch > 0 && args.bodies > 0,
        "--conns, --batch and --bodies must not be 0"
    );
    anyhow::ensure!(
        args.profile != Profile::Langsmith || !(args.gzip || args.trace.is_some()),
        "recorded requests are compressed already and keep their traces: leave out --gzip and --trace"
    );
    let words = Words::new(20_000);
    let bodies: Vec<Request> = (0..args.bodies)
        .map(|idx| Request::build(&args, args.seed.wrapping_mul(1000) + idx, &words))
        .collect::<Result<_>>()?;
    let bytes: usize = bodies.iter().map(|body| body.bytes().len()).sum();
    let spans: usize = bodies.iter().map(Request::count).sum();
    let bytes_per_span = (bytes as f64 / spans as f64).round();
    let report = match &args.dump {
        Some(folder) => {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
            for (idx, body) in bodies.iter().enumerate() {
                let path = folder.join(format!("body-{idx:03}.bin"));
                std::fs::write(&path, body.bytes())
                    .with_context(|| format!("cannot write {}", path.display()))?;
            }
            json!({"bodies": bodies.len(), "bytes_per_span": bytes_per_span})
        }
        None => send(&args, &bodies, bytes_per_span)?,
    };
    #[expect(clippy::print_stdout, reason = "the report is what the program is for")]
    {
        println!("{report}");
    }
    Ok(())
}

fn send(args: &Args, bodies: &[Request], bytes_per_span: f64) -> Result<serde_json::Value> {
    let outcome = load::run(args, bodies)?;
    let quantile_ms = |share: f64| {
        let idx = (outcome.latencies.len().saturating_sub(1) as f64 * share) as usize;
        outcome.latencies.get(idx).map_or(0.0, |micros| *micros as f64 / 1000.0)
    };
    let profile = args.profile.to_possible_value().map(|value| value.get_name().to_owned());
    Ok(json!({
        "profile": profile,
        "acked_spans": outcome.acked_spans,
        "seconds": (outcome.seconds * 100.0).round() / 100.0,
        "spans_per_s": (outcome.acked_spans as f64 / outcome.seconds).round(),
        "mb_per_s": (outcome.acked_bytes as f64 / outcome.seconds / 1e5).round() / 10.0,
        "bytes_per_span": bytes_per_span,
        "p50_ms": quantile_ms(0.5),
        "p99_ms": quantile_ms(0.99),
        "errors": outcome.lost_batches,
        "sample_trace": outcome.sample_trace,
    }))
}
