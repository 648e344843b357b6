//! The promise behind every 2xx: what was acknowledged survives `kill -9`, once.
//!
//! Several clients send batches while the server is killed and started again at random moments. A client repeats
//! a batch until it is acknowledged, so a batch may well reach the disk twice. In the end every run must be there
//! exactly once, with the content that was sent.
//!
//! So little memory is given that tiers are flushed meanwhile, and files merged once there are a few.

mod clients;
mod ledger;
mod power;
mod process;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use futures::StreamExt;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::task::JoinSet;

use clients::Clients;
use ledger::{ContentHash, Found, RunRef, Violation};
use process::ServerProcess;

const CLIENTS: u64 = 4;
const MIN_BATCHES: usize = 1_000;
const MIN_KILLS: usize = 22;
/// So many of the runs acknowledged last are looked for after each kill.
const NEWEST: usize = 8;
/// Everything, reading back included; far above what it takes.
const TIME_LIMIT: Duration = Duration::from_secs(600);
/// Reads at the same time.
const READERS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_runs_survive_kill_9_exactly_once() {
    #[expect(clippy::disallowed_methods, reason = "a switch of the tests, not a setting")]
    let seed = std::env::var("CLEARSPAN_CRASH_SEED").ok().and_then(|text| text.parse().ok());
    let seed: u64 = seed.unwrap_or_else(rand::random);
    #[expect(clippy::disallowed_methods, reason = "a switch of the tests, not a setting")]
    let kills = std::env::var("CLEARSPAN_CRASH_KILLS").ok().and_then(|text| text.parse().ok());
    let kills: usize = kills.unwrap_or(MIN_KILLS);
    eprintln!("crash test, CLEARSPAN_CRASH_SEED={seed} CLEARSPAN_CRASH_KILLS={kills}");
    let limit = TIME_LIMIT * u32::try_from(kills.div_ceil(MIN_KILLS)).expect("a number of kills");
    tokio::time::timeout(limit, crash_and_check(seed, kills)).await.expect("the crash test takes too long");
}

async fn crash_and_check(seed: u64, min_kills: usize) {
    let begin = Instant::now();
    let mut server = ServerProcess::start().await;
    let clients = Arc::new(Clients::new(server.url()));
    let mut senders = JoinSet::new();
    for number in 0..CLIENTS {
        let clients = Arc::clone(&clients);
        senders.spawn(async move { clients.send_until_stopped(seed, number).await });
    }

    let mut rng = SmallRng::seed_from_u64(seed);
    let mut kills = 0;
    while kills < min_kills || clients.acked_batches() < MIN_BATCHES {
        let pause = Duration::from_millis(rng.random_range(5..400));
        tokio::time::sleep(pause).await;
        server.kill();
        kills += 1;
        let newest = clients.newest_acked(NEWEST);
        server.restart().await;
        let mut missing = Vec::new();
        for run in newest {
            if server.content(&run).await.is_none() {
                missing.push(run);
            }
        }
        assert!(missing.is_empty(), "after kill {kills} these acknowledged runs were gone: {missing:#?}");
    }
    clients.stop.store(true, Relaxed);
    while let Some(sender) = senders.join_next().await {
        sender.expect("a client panicked");
    }
    // Once more, with nobody sending: recovery alone must give everything.
    server.kill();
    server.restart().await;

    let ledger = clients.take_ledger();
    eprintln!(
        "{} batches, {} runs in {} traces, {} batches cut off and repeated, {kills} kills, {:.1} s",
        ledger.batches,
        ledger.len(),
        ledger.traces().len(),
        ledger.repeated_batches,
        begin.elapsed().as_secs_f64()
    );
    assert!(ledger.repeated_batches > 0, "no kill hit a batch on its way; the test shows nothing");
    eprintln!("files were merged {} times", server.compactions());
    let count = server.run_count().await;
    assert_eq!(count, ledger.len(), "runs in the project");
    let listed = list_all(&server).await;
    assert_none(&ledger.check(&listed), "in the list of runs");
    eprintln!("listed; {:.1} s", begin.elapsed().as_secs_f64());
    let trees = read_trees(&server, ledger.traces(), &listed).await;
    assert_none(&ledger.check(&trees), "in the traces");
    eprintln!("all there, once, unchanged; {:.1} s", begin.elapsed().as_secs_f64());
}

fn assert_none(violations: &[Violation], place: &str) {
    let first: Vec<_> = violations.iter().take(5).collect();
    assert!(violations.is_empty(), "{} violations {place}, the first: {first:#?}", violations.len());
}

/// Every run with its content, from the pages of a list.
async fn list_all(server: &ServerProcess) -> Found {
    let mut found = Found::default();
    for run in server.all_runs().await {
        let id = |key: &str| run[key].as_str().unwrap_or_default().to_owned();
        found.add(RunRef { trace_id: id("trace_id"), run_id: id("id") }, ContentHash::of(&content_of(&run)));
    }
    found
}

/// The runs that each trace names, as often as it names them, with the content that the list gave.
async fn read_trees(server: &ServerProcess, traces: Vec<String>, listed: &Found) -> Found {
    let mut found = Found::default();
    let mut reads = futures::stream::iter(traces)
        .map(|trace_id| async move { (server.run_ids(&trace_id).await, trace_id) })
        .buffer_unordered(READERS);
    while let Some((run_ids, trace_id)) = reads.next().await {
        for run_id in run_ids {
            let run = RunRef { trace_id: trace_id.clone(), run_id };
            if let Some(content) = listed.content(&run) {
                found.add(run, content);
            }
        }
    }
    found
}

/// Kept here so that every part compares the same thing: name, input and output of a run.
fn content_of(run: &serde_json::Value) -> [String; 3] {
    let said = |side: &str| {
        let messages = run[side]["messages"].as_array().cloned().unwrap_or_default();
        messages.iter().map(|message| text_of(&message["content"])).collect::<Vec<_>>().join("\n")
    };
    [run["name"].as_str().unwrap_or_default().to_owned(), said("inputs"), said("outputs")]
}

fn text_of(content: &serde_json::Value) -> String {
    match content {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(parts) => {
            parts.iter().map(|part| part["text"].as_str().unwrap_or_default()).collect()
        }
        _ => String::new(),
    }
}
