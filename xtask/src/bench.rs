//! `cargo xtask bench`: the real binary on an empty folder, under load, and what it gives back.
//!
//! Numbers are measured, printed as a table and appended as JSON lines; nothing here passes or fails by speed. What
//! does fail: a run that was acknowledged and cannot be read.

mod beside;
mod duckdb;
mod http;
mod large;
mod peer;
mod search;
mod server;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use server::Server;

pub(crate) const USAGE: &str =
    "cargo xtask bench [--quick] [--out FILE] [--no-build] [--peer phoenix|duckdb] [--beside] [--runs N [--folder DIR] [--server FILE]]
  --quick         a tenth of the load
  --out FILE      where the JSON lines are appended (default: target/bench.jsonl)
  --no-build      take the binaries as they are
  --beside        only: what ingest keeps of its rate beside 32 clients with the worst queries
  --peer duckdb   only: five queries of dashboards, in DuckDB (from PyPI) on the same Parquet files as well
  --peer phoenix  measure Arize Phoenix as well (installed from PyPI into a venv) and print the ratio
  --runs N        only: reads among so many runs of 30 days, in a project for every 10,000 of them, and a trace of 100,000
  --folder DIR    where those runs are kept, and found again by the next bench (default: target/bench-large)
  --server FILE   the binary that is measured, to compare two on one folder";

const PROJECT: &str = "/api/clearspan/v1/projects/default";
const TREE_RUNS: u64 = 10_000;
const STARTS: usize = 5;
const READS: usize = 25;

#[derive(Default)]
struct Options {
    out: Option<PathBuf>,
    build: bool,
    quick: bool,
    phoenix: bool,
    duckdb: bool,
    beside: bool,
    runs: Option<u64>,
    folder: Option<PathBuf>,
    server: Option<PathBuf>,
}

impl Options {
    fn parse(args: &[&str]) -> Result<Self> {
        let mut options = Self { build: true, ..Self::default() };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match *arg {
                "--quick" => options.quick = true,
                "--no-build" => options.build = false,
                "--out" => options.out = Some(args.next().context("--out needs a file")?.into()),
                "--peer" => match *args.next().context("--peer needs a name")? {
                    "phoenix" => options.phoenix = true,
                    "duckdb" => options.duckdb = true,
                    name => bail!("unknown peer \"{name}\"; there are phoenix and duckdb"),
                },
                "--beside" => options.beside = true,
                "--runs" => {
                    let runs = args.next().context("--runs needs a number")?;
                    options.runs = Some(runs.parse().with_context(|| format!("\"{runs}\" is no number"))?);
                }
                "--folder" => options.folder = Some(args.next().context("--folder needs a folder")?.into()),
                "--server" => options.server = Some(args.next().context("--server needs a file")?.into()),
                other => bail!("unknown argument \"{other}\"\n\n{USAGE}"),
            }
        }
        Ok(options)
    }
}

/// The programs that take part.
struct Binaries {
    server: PathBuf,
    loadgen: PathBuf,
}

/// One measured number.
struct Measure {
    name: &'static str,
    value: f64,
    unit: &'static str,
}

#[derive(Default)]
struct Report(Vec<Measure>);

impl Report {
    fn add(&mut self, name: &'static str, value: f64, unit: &'static str) {
        eprintln!("  {name:<44} {value:>12.1} {unit}");
        self.0.push(Measure { name, value, unit });
    }

    fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|measure| measure.name == name).map(|measure| measure.value)
    }
}

pub(crate) fn run(root: &Path, args: &[&str]) -> Result<()> {
    let options = Options::parse(args)?;
    let target = target_dir(root)?;
    if options.build {
        build(root)?;
    }
    let server = options.server.unwrap_or_else(|| target.join("release/clearspan"));
    let binaries = Binaries { server, loadgen: target.join("release/loadgen") };
    for path in [&binaries.server, &binaries.loadgen] {
        ensure!(path.exists(), "{} is missing; run without --no-build", path.display());
    }
    let mut report = Report::default();
    let out = options.out.unwrap_or_else(|| target.join("bench.jsonl"));
    if let Some(runs) = options.runs {
        let folder = options.folder.unwrap_or_else(|| target.join("bench-large"));
        large::measure(&binaries, &folder, runs, &mut report)?;
        return append(root, &out, &report);
    }
    let factor = if options.quick { 10 } else { 1 };
    if options.beside {
        beside::measure(&binaries.server, &binaries.loadgen, 100_000 / factor, &mut report)?;
    }
    if options.duckdb {
        duckdb::measure(&target, &binaries.server, &binaries.loadgen, 500_000 / factor, &mut report)?;
    }
    if !options.beside && !options.duckdb {
        measure_ingest(&binaries, factor, &mut report)?;
    }
    if options.phoenix {
        let rate = peer::measure(&target, &binaries.loadgen)?;
        report.add("phoenix, agent spans until readable", rate, "spans/s");
        if let Some(ours) = report.get("agent spans, durable and readable") {
            report.add("ratio to phoenix, agent spans", ours / rate, "times");
        }
    }
    append(root, &out, &report)?;
    eprintln!("\nappended to {}", out.display());
    Ok(())
}

fn measure_ingest(binaries: &Binaries, factor: u64, report: &mut Report) -> Result<()> {
    measure_starts(binaries, report)?;
    measure_agent(binaries, 200_000 / factor, report)?;
    measure_turns(binaries, 40_000 / factor, report)?;
    measure_small(binaries, 1_000_000 / factor, report)?;
    measure_langsmith(binaries, 200_000 / factor, report)
}

fn build(root: &Path) -> Result<()> {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "-p", "clearspan-server", "-p", "loadgen"])
        .current_dir(root)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the build failed");
    Ok(())
}

fn target_dir(root: &Path) -> Result<PathBuf> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()
        .context("cannot run cargo metadata")?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata gave no JSON")?;
    Ok(metadata["target_directory"].as_str().context("cargo metadata named no target directory")?.into())
}

fn measure_starts(binaries: &Binaries, report: &mut Report) -> Result<()> {
    eprintln!("start, empty folder");
    let mut millis = Vec::new();
    let mut idle = Vec::new();
    for _ in 0..STARTS {
        let server = Server::start(&binaries.server)?;
        millis.push(server.ready_after.as_secs_f64() * 1e3);
        // Memory settles when the start's own work is done; there is no event to wait for.
        std::thread::sleep(std::time::Duration::from_millis(800));
        idle.push(server.memory_mb("VmRSS:")?);
    }
    report.add("start to ready, median of 5", median(&mut millis), "ms");
    report.add("idle memory (RSS), median of 5", median(&mut idle), "MB");
    Ok(())
}

fn measure_agent(binaries: &Binaries, spans: u64, report: &mut Report) -> Result<()> {
    eprintln!("agent profile, {spans} spans of about 4 kB, batches of 512, 4 connections");
    let server = Server::start(&binaries.server)?;
    let sent = load(binaries, &server, &["--profile", "agent", "--spans", &spans.to_string()])?;
    let acked = number(&sent, "acked_spans")?;
    report.add("agent spans, durable and readable", number(&sent, "spans_per_s")?, "spans/s");
    report.add("agent, latency of a batch, median", number(&sent, "p50_ms")?, "ms");
    report.add("agent, latency of a batch, 99%", number(&sent, "p99_ms")?, "ms");
    check_count(&server, acked)?;
    wait_for_compaction(&server, report)?;
    report.add("agent, peak memory (RSS)", server.memory_mb("VmHWM:")?, "MB");
    measure_reads(&server, &sent, report)?;
    search::measure(&server, &sample_payload(&server, &sent)?, report)?;

    eprintln!("one trace of {TREE_RUNS} runs");
    let batch = TREE_RUNS.to_string();
    let tree = load(
        binaries,
        &server,
        &["--profile", "tree", "--spans", "1", "--batch", &batch, "--conns", "1", "--bodies", "1"],
    )?;
    let path = format!("/api/clearspan/v1/traces/{}", sample(&tree)?);
    let skeleton = server.get(&path)?;
    let runs = skeleton["runs"]["id"].as_array().map_or(0, Vec::len) as u64;
    ensure!(runs == TREE_RUNS, "the large trace has {runs} runs instead of {TREE_RUNS}");
    report.add("skeleton of 10,000 runs, median", server.median_ms(&path, READS)?, "ms");

    server.stop()?;
    let spans = acked + number(&tree, "acked_spans")?;
    report.add("segments, bytes for a span", server.disk_bytes("data/runs/segments")? as f64 / spans, "B");
    report.add("whole data folder, bytes for a span", server.disk_bytes("data")? as f64 / spans, "B");
    Ok(())
}

/// What agents cost that re-send all that was said: with twice the turns a span sends twice the bytes, and is to store the
/// same, because it says no more that is new.
fn measure_turns(binaries: &Binaries, spans: u64, report: &mut Report) -> Result<()> {
    const TURNS: [(u64, &str, &str); 4] = [
        (10, "agents of 10 turns, bytes sent for a span", "agents of 10 turns, bytes stored for a span"),
        (20, "agents of 20 turns, bytes sent for a span", "agents of 20 turns, bytes stored for a span"),
        (40, "agents of 40 turns, bytes sent for a span", "agents of 40 turns, bytes stored for a span"),
        (80, "agents of 80 turns, bytes sent for a span", "agents of 80 turns, bytes stored for a span"),
    ];
    for (turns, sent_name, stored_name) in TURNS {
        let server = Server::start(&binaries.server)?;
        let args = ["--profile", "agent", "--turns", &turns.to_string(), "--spans", &spans.to_string()];
        let sent = load(binaries, &server, &args)?;
        let acked = number(&sent, "acked_spans")?;
        check_count(&server, acked)?;
        server.stop()?;
        report.add(sent_name, number(&sent, "bytes_per_span")?, "B");
        report.add(stored_name, server.disk_bytes("data/runs/segments")? as f64 / acked, "B");
    }
    Ok(())
}

/// A run with its payload that was sent.
fn sample_payload(server: &Server, sent: &Value) -> Result<Value> {
    let trace = format!("/api/clearspan/v1/traces/{}", sample(sent)?);
    let skeleton = server.get(&trace)?;
    for run in skeleton["runs"]["id"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let payload = server.get(&format!("{trace}/runs/{run}"))?;
        if payload["inputs"]["messages"].as_array().is_some_and(|messages| !messages.is_empty()) {
            return Ok(payload);
        }
    }
    anyhow::bail!("the sample trace has no run with messages")
}

/// Waits until no files are left to merge.
fn wait_until_merged(server: &Server) -> Result<()> {
    const PATIENCE: Duration = Duration::from_secs(1800);
    let begin = Instant::now();
    while server.metric::<u64>("clearspan_compaction_waiting_files")? > 0 {
        ensure!(begin.elapsed() < PATIENCE, "compaction does not come to its end");
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// The same, and tells what that came to.
fn wait_for_compaction(server: &Server, report: &mut Report) -> Result<()> {
    const FOLDER: &str = "data/runs/segments";
    let measure =
        || Ok::<_, anyhow::Error>((server.count_files(FOLDER, "seg-")?, server.disk_bytes(FOLDER)?));
    let (files, bytes) = measure()?;
    let begin = Instant::now();
    wait_until_merged(server)?;
    let (files_after, bytes_after) = measure()?;
    report.add("segments when the load ended", files as f64, "files");
    report.add("segments after compaction", files_after as f64, "files");
    report.add(
        "bytes after compaction, of those before",
        100.0 * bytes_after as f64 / bytes.max(1) as f64,
        "%",
    );
    report.add("compaction after the load", begin.elapsed().as_secs_f64(), "s");
    let written = server.metric::<u64>("clearspan_compaction_written_bytes_total")?;
    report.add(
        "bytes written by compaction, of those kept",
        100.0 * written as f64 / bytes_after.max(1) as f64,
        "%",
    );
    Ok(())
}

/// Reads after the load, on the same server.
fn measure_reads(server: &Server, sent: &Value, report: &mut Report) -> Result<()> {
    let trace = format!("/api/clearspan/v1/traces/{}", sample(sent)?);
    let skeleton = server.get(&trace)?;
    let run =
        skeleton["runs"]["id"][1].as_str().context("the sample trace has fewer than two runs")?.to_owned();
    let payload = format!("{trace}/runs/{run}");
    let full = server.get(&payload)?;
    ensure!(full["run_id"] == run.as_str(), "asked for run {run} and got {}", full["run_id"]);
    report.add("skeleton of a small trace, median", server.median_ms(&trace, READS)?, "ms");
    report.add("one run with its payload, median", server.median_ms(&payload, READS)?, "ms");
    let list = format!("{PROJECT}/traces?limit=50&t=all");
    report.add("list of 50 traces, median", server.median_ms(&list, READS)?, "ms");
    let filtered = format!("{PROJECT}/traces?limit=50&t=all&q=tokens:%3E1000%20model:gpt-4o");
    let rows = server.get(&filtered)?["traces"].as_array().map_or(0, Vec::len);
    ensure!(rows == 50, "the filtered list has {rows} rows instead of 50");
    report.add("list of 50 traces with a filter, median", server.median_ms(&filtered, READS)?, "ms");
    Ok(())
}

fn measure_small(binaries: &Binaries, spans: u64, report: &mut Report) -> Result<()> {
    eprintln!("small profile, {spans} spans of about 0.5 kB, batches of 512, 4 connections");
    let server = Server::start(&binaries.server)?;
    let sent = load(binaries, &server, &["--profile", "small", "--spans", &spans.to_string()])?;
    report.add("small spans, durable and readable", number(&sent, "spans_per_s")?, "spans/s");
    check_count(&server, number(&sent, "acked_spans")?)?;
    report.add("small, peak memory (RSS)", server.memory_mb("VmHWM:")?, "MB");
    Ok(())
}

fn measure_langsmith(binaries: &Binaries, runs: u64, report: &mut Report) -> Result<()> {
    eprintln!("{runs} runs as the LangSmith SDK sends them (multipart, zstd), batches of 100, 4 connections");
    let server = Server::start(&binaries.server)?;
    let url = format!("{}/runs/multipart", server.url());
    let args = ["--profile", "langsmith", "--spans", &runs.to_string(), "--batch", "100"];
    let sent = run_loadgen(&binaries.loadgen, &url, &args)?;
    report.add("LangSmith runs, durable and readable", number(&sent, "spans_per_s")?, "runs/s");
    report.add("LangSmith, latency of a batch, median", number(&sent, "p50_ms")?, "ms");
    report.add("LangSmith, peak memory (RSS)", server.memory_mb("VmHWM:")?, "MB");
    let mut count = 0.0;
    for project in server.get("/api/clearspan/v1/projects")?["projects"].as_array().into_iter().flatten() {
        let name = project["name"].as_str().context("a project has a name")?;
        let stats = format!("/api/clearspan/v1/projects/{name}/stats?of=runs&t=all");
        count += number(&server.get(&stats)?, "count")?;
    }
    let acked = number(&sent, "acked_spans")?;
    ensure!(count == acked, "{acked} runs were acknowledged, but {count} can be read");
    Ok(())
}

/// What was acknowledged must be there, and nothing else.
fn check_count(server: &Server, acked: f64) -> Result<()> {
    let count = number(&server.get(&format!("{PROJECT}/stats?of=runs&t=all"))?, "count")?;
    ensure!(count == acked, "{acked} spans were acknowledged, but {count} can be read");
    Ok(())
}

fn load(binaries: &Binaries, server: &Server, args: &[&str]) -> Result<Value> {
    run_loadgen(&binaries.loadgen, &format!("{}/v1/traces", server.url()), args)
}

fn load_agent(loadgen: &Path, server: &Server, spans: u64) -> Result<Value> {
    let url = format!("{}/v1/traces", server.url());
    run_loadgen(loadgen, &url, &["--profile", "agent", "--spans", &spans.to_string()])
}

/// Runs the load generator to its end and returns its report.
fn run_loadgen(loadgen: &Path, url: &str, args: &[&str]) -> Result<Value> {
    let output =
        Command::new(loadgen).args(["--url", url]).args(args).output().context("cannot run loadgen")?;
    ensure!(output.status.success(), "loadgen failed: {}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).context("loadgen gave no JSON")?;
    ensure!(report["errors"] == 0, "{} batches were not acknowledged", report["errors"]);
    Ok(report)
}

fn number(report: &Value, key: &str) -> Result<f64> {
    report[key].as_f64().with_context(|| format!("no number \"{key}\" in {report}"))
}

fn sample(report: &Value) -> Result<&str> {
    report["sample_trace"].as_str().filter(|id| !id.is_empty()).context("loadgen named no sample trace")
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// One line for each number, with the commit and the machine that it belongs to.
fn append(root: &Path, out: &Path, report: &Report) -> Result<()> {
    let git = |args: &[&str]| -> String {
        let output = Command::new("git").args(args).current_dir(root).output();
        output.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).unwrap_or_default()
    };
    let commit = git(&["rev-parse", "--short", "HEAD"]);
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let time = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?.as_secs();
    let lines: String = report
        .0
        .iter()
        .map(|Measure { name, value, unit }| {
            let line = json!({"time": time, "commit": commit, "cores": cores, "name": name, "value": value, "unit": unit});
            format!("{line}\n")
        })
        .collect();
    if let Some(folder) = out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(out)
        .with_context(|| format!("cannot open {}", out.display()))?;
    file.write_all(lines.as_bytes()).with_context(|| format!("cannot write {}", out.display()))
}
