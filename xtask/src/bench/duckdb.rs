//! DuckDB from PyPI on the same Parquet files: five queries of dashboards.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::peer::run;
use super::server::Server;
use super::{Report, load_agent, median};

const TIMES: usize = 7;

/// A name, the statement for us, and the one for DuckDB. They ask the same.
const QUERIES: &[(&str, &str, &str)] = &[
    (
        "counts by status and type",
        "select status, run_type, count(*) from runs group by 1, 2 order by 1, 2",
        "select status, coalesce(run_type, 'chain'), count(*) from runs group by 1, 2 order by 1, 2",
    ),
    (
        "cost and tokens by model and day",
        "select date_trunc('day', start_time) as day, model, sum(total_cost) as cost, sum(total_tokens) as tokens \
         from runs where cost_billed group by 1, 2 order by 1, 2 nulls last",
        "select date_trunc('day', time) as day, model, sum(total_cost) as cost, sum(total_tokens)::hugeint as tokens \
         from runs where cost_billed group by 1, 2 order by 1, 2 nulls last",
    ),
    (
        "latency by name",
        "select name, count(*), avg(latency_ms), max(latency_ms), approx_percentile_cont(latency_ms, 0.95) from runs \
         group by name order by 2 desc, 1 limit 20",
        "select coalesce(name, 'unnamed'), count(*), avg(l), max(l), approx_quantile(l, 0.95) from (select *, \
         date_diff('microsecond', time, end_time) / 1e3 as l from runs) group by 1 order by 2 desc, 1 limit 20",
    ),
    (
        "errors by hour",
        "select date_trunc('hour', start_time), count(*), count(*) filter (where status = 'error') from runs group by 1 \
         order by 1",
        "select date_trunc('hour', time), count(*), count(*) filter (where status = 'error') from runs group by 1 order by 1",
    ),
    (
        "dearest traces",
        "select trace_id, sum(total_cost) as cost, count(*) from runs where cost_billed group by trace_id \
         order by cost desc nulls last, trace_id limit 20",
        "select trace_id, sum(total_cost) as cost, count(*) from runs where cost_billed group by trace_id \
         order by cost desc nulls last, trace_id limit 20",
    ),
];

const SCRIPT: &str = r#"
import glob, json, sys, time, duckdb
folder, times, queries = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
db = duckdb.connect()
db.execute(f"create view runs as select * from read_parquet('{folder}/seg-*.parquet')")
out = []
for query in queries:
    took = []
    for _ in range(times):
        begin = time.perf_counter()
        rows = db.execute(query).fetchall()
        took.append((time.perf_counter() - begin) * 1000)
    out.append({"ms": sorted(took)[len(took) // 2], "rows": len(rows)})
print(json.dumps(out))
"#;

/// Medians of both, and how many times as long ours take.
pub(super) fn measure(
    target: &Path,
    binary: &Path,
    loadgen: &Path,
    spans: u64,
    report: &mut Report,
) -> Result<()> {
    let venv = target.join("bench-duckdb");
    let python = venv.join("bin/python");
    if !python.exists() {
        eprintln!("installing duckdb into {}", venv.display());
        run(Command::new("python3").arg("-m").arg("venv").arg(&venv))?;
        run(Command::new(venv.join("bin/pip")).args(["install", "--quiet", "duckdb"]))?;
    }
    eprintln!("five queries of dashboards over {spans} agent spans, DuckDB and ours on the same files");
    let mut server = Server::start(binary)?;
    load_agent(loadgen, &server, spans)?;
    // What lay in memory becomes segments.
    server.restart(binary)?;
    let mut ours = Vec::new();
    for (name, statement, _) in QUERIES {
        let body = json!({ "query": statement }).to_string();
        let mut millis = Vec::new();
        let mut rows = 0;
        for _ in 0..TIMES {
            let begin = std::time::Instant::now();
            let answer =
                server.post_json("/api/clearspan/v1/sql", &body).with_context(|| name.to_string())?;
            millis.push(begin.elapsed().as_secs_f64() * 1e3);
            rows = answer["row_count"].as_u64().unwrap_or(0);
        }
        ours.push((median(&mut millis), rows));
    }
    let folder = server.path("data/runs/segments");
    let theirs: Vec<&str> = QUERIES.iter().map(|(_, _, statement)| *statement).collect();
    let output = Command::new(&python)
        .args(["-c", SCRIPT])
        .arg(&folder)
        .args([TIMES.to_string(), json!(theirs).to_string()])
        .output()
        .context("cannot run python")?;
    ensure!(output.status.success(), "DuckDB failed: {}", String::from_utf8_lossy(&output.stderr));
    let theirs: Value = serde_json::from_slice(&output.stdout).context("the script gave no JSON")?;
    for (((name, ..), (ms, rows)), theirs) in
        QUERIES.iter().zip(ours).zip(theirs.as_array().into_iter().flatten())
    {
        ensure!(theirs["rows"] == rows, "{name}: {rows} rows here, {} in DuckDB", theirs["rows"]);
        let peer = theirs["ms"].as_f64().context("no time of DuckDB")?;
        report.add(name, ms, "ms");
        report.add("  DuckDB on the same files", peer, "ms");
        report.add("  ratio to DuckDB", ms / peer, "times");
    }
    Ok(())
}
