//! What ingest keeps of its rate while the worst queries run in a loop.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Result, ensure};
use serde_json::json;

use super::server::Server;
use super::{Report, number, run_loadgen};

/// Clients that ask without a pause.
const CLIENTS: usize = 32;

/// Everything is read, and nothing can be skipped: payloads searched, groups as many as rows, sorts of all, joins of all.
const WORST: &[&str] = &[
    "select count(*) from runs where inputs like '%no such words anywhere%' or outputs like '%nor these%'",
    "select run_id, count(*), max(total_cost) from runs group by run_id order by 3 desc nulls last limit 10",
    "select count(*) from runs where regexp_like(coalesce(input_preview, ''), '(a|b)+c{2,5}zz$')",
    "select name, start_time from runs order by input_preview desc, run_id limit 10",
    "select count(*) from runs a join runs b on a.trace_id = b.trace_id where a.input_tokens < b.output_tokens",
    "select count(distinct attributes['gen_ai.request.model']), count(distinct run_id) from runs",
];

/// Agent spans a second alone and beside the queries.
pub(super) fn measure(binary: &Path, loadgen: &Path, spans: u64, report: &mut Report) -> Result<()> {
    eprintln!("{spans} agent spans alone, then beside {CLIENTS} clients with the worst statements");
    let server = Server::start(binary)?;
    let url = format!("{}/v1/traces", server.url());
    let spans = spans.to_string();
    let load = || -> Result<f64> {
        number(&run_loadgen(loadgen, &url, &["--profile", "agent", "--spans", &spans])?, "spans_per_s")
    };
    // Both measured rounds begin with the same amount stored, about.
    load()?;
    let alone = load()?;
    let (stop, answered, refused) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let beside = std::thread::scope(|scope| -> Result<f64> {
        for client in 0..CLIENTS {
            let (server, stop, answered, refused) = (&server, &stop, &answered, &refused);
            scope.spawn(move || {
                let mut turn = client;
                while !stop.load(Ordering::Relaxed) {
                    turn += 1;
                    let body = json!({"query": WORST[turn % WORST.len()], "timeout": 30}).to_string();
                    let is_answered =
                        server.post("/api/clearspan/v1/sql", &body).is_ok_and(|status| status == 200);
                    let counter = if is_answered { answered } else { refused };
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // Until all of them are at work.
        std::thread::sleep(std::time::Duration::from_secs(1));
        let rate = load();
        stop.store(true, Ordering::Relaxed);
        rate
    })?;
    let (answered, refused) = (answered.into_inner(), refused.into_inner());
    ensure!(answered > 0, "no statement was answered; {refused} were refused");
    report.add("agent spans alone", alone, "spans/s");
    report.add("agent spans beside 32 of the worst queries", beside, "spans/s");
    report.add("ratio beside to alone", beside / alone, "times");
    report.add("worst queries answered meanwhile", answered as f64, "queries");
    report.add("worst queries refused or late", refused as f64, "queries");
    report.add("beside queries, peak memory (RSS)", server.memory_mb("VmHWM:")?, "MB");
    Ok(())
}
