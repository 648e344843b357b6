//! Sending: several connections, each with its own bodies, until enough spans were sent.

use std::borrow::Cow;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use crate::Args;
use crate::http::Connection;
use crate::request::Request;
use crate::rng::Rng;

/// How often a batch is sent before it counts as lost: when nobody listens, when the receiver is busy, and when
/// the connection breaks.
const CONNECT_TRIES: u32 = 200;
const BUSY_TRIES: u32 = 600;
const BROKEN_TRIES: u32 = 5;

/// Spans end at most this long after the start of their trace, so that none lies in the future.
const LONGEST_TRACE_NANOS: u64 = 30_000_000_000;

/// What the receiver sustained.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) acked_spans: u64,
    pub(crate) acked_bytes: u64,
    pub(crate) lost_batches: u64,
    pub(crate) seconds: f64,
    /// Sorted, in microseconds.
    pub(crate) latencies: Vec<u64>,
    /// A trace that was acknowledged, in hexadecimal digits.
    pub(crate) sample_trace: String,
}

/// What all connections share.
struct Shared<'a> {
    args: &'a Args,
    host: String,
    path: String,
    bodies: &'a [Request],
    now_nanos: u64,
    sent: AtomicU64,
    outcome: Mutex<Outcome>,
}

pub(crate) fn run(args: &Args, bodies: &[Request]) -> Result<Outcome> {
    let rest = args.url.strip_prefix("http://").context("the url must begin with http://")?;
    let (host, path) = rest.split_once('/').context("the url needs a path, for example /v1/traces")?;
    #[expect(clippy::disallowed_methods, reason = "a load generator has no clock to take the time from")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    let shared = Shared {
        args,
        host: host.to_owned(),
        path: format!("/{path}"),
        bodies,
        now_nanos: u64::try_from(now.as_nanos()).context("the clock is after 2554")?,
        sent: AtomicU64::new(0),
        outcome: Mutex::default(),
    };
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for connection in 0..args.conns {
            let shared = &shared;
            scope.spawn(move || shared.send_all(connection));
        }
    });
    let mut outcome = shared.outcome.into_inner().expect("no sender panics while it holds the lock");
    outcome.seconds = begin.elapsed().as_secs_f64();
    outcome.latencies.sort_unstable();
    Ok(outcome)
}

impl Shared<'_> {
    fn send_all(&self, number: usize) {
        let mut rng = Rng::new(self.args.seed ^ ((number as u64 + 1) << 40) ^ self.now_nanos);
        let mut connection = None;
        let mut mine = Outcome::default();
        let mut buf = Vec::new();
        for body in self.bodies.iter().cycle().skip(number) {
            let before = self.sent.fetch_add(body.count() as u64, Relaxed);
            if before >= self.args.spans {
                break;
            }
            let Ok(trace) = body.stamp(&mut buf, &mut rng, self.base_nanos(before), self.args.trace) else {
                mine.lost_batches += 1;
                continue;
            };
            let project = self.args.projects.map(|count| rng.below(count.get()));
            let begin = Instant::now();
            if self.send(&mut connection, &buf, &body.headers(), project) {
                mine.acked_spans += body.count() as u64;
                mine.acked_bytes += buf.len() as u64;
                mine.sample_trace = trace.iter().map(|byte| format!("{byte:02x}")).collect();
            } else {
                mine.lost_batches += 1;
            }
            mine.latencies.push(u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX));
        }
        let mut outcome = self.outcome.lock().expect("no sender panics while it holds the lock");
        outcome.acked_spans += mine.acked_spans;
        outcome.acked_bytes += mine.acked_bytes;
        outcome.lost_batches += mine.lost_batches;
        outcome.latencies.append(&mut mine.latencies);
        if outcome.sample_trace.is_empty() {
            outcome.sample_trace = mine.sample_trace;
        }
    }

    /// Spreads the batches over the window that ends now, oldest first.
    fn base_nanos(&self, sent_before: u64) -> u64 {
        let window = self.args.hours * 3.6e12;
        let offset = window * sent_before as f64 / self.args.spans as f64;
        self.now_nanos - window as u64 + offset as u64 - LONGEST_TRACE_NANOS
    }

    /// True when the batch was acknowledged.
    fn send(
        &self,
        connection: &mut Option<Connection>,
        body: &[u8],
        headers: &str,
        project: Option<u64>,
    ) -> bool {
        let body: Cow<'_, [u8]> = if self.args.gzip { gzip(body).into() } else { body.into() };
        let head = self.head(body.len(), headers, project);
        let (mut connects, mut busy, mut broken) = (0, 0, 0);
        loop {
            let Some(open) = connection else {
                match Connection::open(&self.host) {
                    Ok(opened) => *connection = Some(opened),
                    Err(_) if connects < CONNECT_TRIES => {
                        connects += 1;
                        std::thread::sleep(Duration::from_millis(50));
                    }
                    Err(_) => return false,
                }
                continue;
            };
            match open.exchange(head.as_bytes(), &body) {
                Ok(answer) => {
                    if !answer.keep_alive {
                        *connection = None;
                    }
                    match answer.status {
                        200..300 => return true,
                        429 | 502..=504 if busy < BUSY_TRIES => {
                            busy += 1;
                            std::thread::sleep(Duration::from_millis(25));
                        }
                        _ => return false,
                    }
                }
                Err(_) if broken < BROKEN_TRIES => {
                    broken += 1;
                    *connection = None;
                }
                Err(_) => return false,
            }
        }
    }

    fn head(&self, length: usize, kind: &str, project: Option<u64>) -> String {
        let Self { args, host, path, .. } = self;
        let encoding = if args.gzip { "Content-Encoding: gzip\r\n" } else { "" };
        let headers: String = args.header.iter().map(|header| format!("{header}\r\n")).collect();
        let project =
            project.map_or_else(String::new, |number| format!("langsmith-project: bench-{number}\r\n"));
        format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n{kind}{encoding}{project}{headers}\r\n"
        )
    }
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).and_then(|()| encoder.finish()).expect("writing to memory does not fail")
}
