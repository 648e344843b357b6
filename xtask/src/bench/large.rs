//! Reads among many runs: how long an answer takes that is asked for the first time, over many traces and projects.
//!
//! The runs are sent like any client's and kept, so that the next bench, or another binary, measures on the same ones.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::search::{wait_until_indexed, words_of};
use super::server::Server;
use super::{Binaries, Report, load, number, wait_until_merged};

const RUNS_OF_A_PROJECT: u64 = 10_000;
const DAYS: u64 = 30;
const TREE_RUNS: u64 = 100_000;
/// All runs of the large trace have this id.
const TREE: &str = "00000000000000000000000000c1ea25";
/// Spans of the large trace in a request.
const TREE_BATCH: u64 = 5_000;
/// Projects that are asked, and the moments of the month at which traces of each are picked.
const PROJECTS: u64 = 40;
const MOMENTS: u64 = 5;
/// What is there is named only when all of it was sent.
const DONE: &str = "filled";

pub(super) fn measure(binaries: &Binaries, folder: &Path, runs: u64, report: &mut Report) -> Result<()> {
    let projects = (runs / RUNS_OF_A_PROJECT).max(1);
    if !folder.join(DONE).exists() {
        fill(binaries, folder, runs, projects)?;
    }
    // A fresh process: nothing is in memory yet.
    let server = Server::start_in(&binaries.server, folder)?;
    report.add("start to ready, large folder", server.ready_after.as_secs_f64() * 1e3, "ms");
    let picked: Vec<String> = (0..PROJECTS.min(projects))
        .map(|idx| format!("bench-{}", idx * projects / PROJECTS.min(projects)))
        .collect();
    let first = format!("/api/clearspan/v1/projects/{}/traces?limit=50&t=all", picked[0]);
    report.add("first list after the start", server.millis(&first)?, "ms");
    let lists = |query: &str| -> Vec<String> {
        picked.iter().map(|project| format!("/api/clearspan/v1/projects/{project}/{query}")).collect()
    };
    time(&server, &lists("traces?limit=50&t=all"), NEWEST, report)?;
    time(&server, &lists("traces?limit=50&t=all&q=model:gpt-4o%20tokens:%3E1000"), FILTERED, report)?;
    time(&server, &lists("traces?limit=50&t=all&q=status:error"), RARE, report)?;
    time(&server, &lists("runs?limit=50&t=all&q=type:llm%20model:gpt-4o"), RUNS, report)?;

    let skeletons = sample_traces(&server, &picked)?;
    time(&server, &skeletons, SKELETON, report)?;
    let mut payloads = Vec::new();
    for trace in &skeletons {
        let skeleton = server.get(trace)?;
        let run = skeleton["runs"]["id"][1].as_str().context("a trace has one run only")?;
        payloads.push(format!("{trace}/runs/{run}"));
    }
    time(&server, &payloads, PAYLOAD, report)?;

    let payload = server.get(&payloads[0])?;
    let words = words_of(&payload);
    let word = words.iter().max_by_key(|word| word.len()).context("the sample run says nothing")?;
    time(&server, &lists(&format!("traces?limit=50&t=all&q={word}")), WORD, report)?;
    time(&server, &lists(&format!("runs?limit=50&t=all&q={word}")), WORD_RUNS, report)?;
    time(&server, &lists("stats?of=runs&t=30d"), STATS, report)?;
    time(&server, &lists("traces/histogram?buckets=30&t=30d"), HISTOGRAM, report)?;

    time_posts(&server, "/runs/query", &langsmith_queries(&server, &picked)?, LANGSMITH, report)?;
    let by_day = |of: &str| {
        let statement = format!(
            "select model, date_trunc('day', start_time) as day, sum(total_cost) as cost from runs \
             where cost_billed and start_time > now() - interval '30 days'{of} group by model, day"
        );
        serde_json::json!({ "query": statement }).to_string()
    };
    let of_projects: Vec<String> =
        picked.iter().map(|project| by_day(&format!(" and project = '{project}'"))).collect();
    time_posts(&server, SQL_PATH, &of_projects, COST, report)?;
    let of_all: Vec<String> = (0..5).map(|_| by_day("")).collect();
    time_posts(&server, SQL_PATH, &of_all, COST_OF_ALL, report)?;

    let tree = path_of(TREE);
    let skeleton = server.get(&tree)?;
    let count = skeleton["runs"]["id"].as_array().map_or(0, Vec::len) as u64;
    ensure!(count >= TREE_RUNS, "the large trace has {count} runs instead of {TREE_RUNS}");
    report.add("skeleton of 100,000 runs, median", server.median_ms(&tree, 9)?, "ms");
    report.add("memory (RSS) after all reads", server.memory_mb("VmRSS:")?, "MB");
    report.add(
        "segments of the large folder",
        server.count_files("data/runs/segments", "seg-")? as f64,
        "files",
    );
    report.add(
        "segments, bytes for a run",
        server.disk_bytes("data/runs/segments")? as f64 / runs as f64,
        "B",
    );
    server.stop()
}

/// A measured read: its name as the median and as the 99th percentile.
type Names = [&'static str; 2];
const NEWEST: Names = ["list of 50 newest traces, median", "list of 50 newest traces, 99%"];
const FILTERED: Names = ["list of 50 traces with a filter, median", "list of 50 traces with a filter, 99%"];
const RARE: Names =
    ["list of traces with a rare property, median", "list of traces with a rare property, 99%"];
const RUNS: Names = ["list of 50 runs with a filter, median", "list of 50 runs with a filter, 99%"];
const SKELETON: Names = ["skeleton of a trace, median", "skeleton of a trace, 99%"];
const PAYLOAD: Names = ["one run with its payload, median", "one run with its payload, 99%"];
const WORD: Names = ["traces with a word, median", "traces with a word, 99%"];
const WORD_RUNS: Names = ["runs with a word, median", "runs with a word, 99%"];
const STATS: Names = ["figures of a project over 30 days, median", "figures of a project over 30 days, 99%"];
const HISTOGRAM: Names = ["histogram over 30 days, median", "histogram over 30 days, 99%"];

const LANGSMITH: Names =
    ["LangSmith runs query with a filter, median", "LangSmith runs query with a filter, 99%"];
const COST: Names = ["cost of a project by model and day, median", "cost of a project by model and day, 99%"];
const COST_OF_ALL: Names =
    ["cost of everything by model and day, median", "cost of everything by model and day, 99%"];
const SQL_PATH: &str = "/api/clearspan/v1/sql";

/// What the SDK's `list_runs` sends for each project.
fn langsmith_queries(server: &Server, projects: &[String]) -> Result<Vec<String>> {
    let known = server.get("/api/clearspan/v1/projects")?;
    let known = known["projects"].as_array().context("there are no projects")?;
    let query = |project: &String| {
        let found = known.iter().find(|known| known["name"] == project.as_str());
        let id = &found.with_context(|| format!("there is no project {project}"))?["id"];
        let filter = "and(eq(run_type, \"llm\"), gt(total_tokens, 1000))";
        Ok(serde_json::json!({ "session": [id], "filter": filter, "limit": 100 }).to_string())
    };
    projects.iter().map(query).collect()
}

fn path_of(trace: &str) -> String {
    format!("/api/clearspan/v1/traces/{trace}")
}

/// Asks each once.
fn time(server: &Server, paths: &[String], names: Names, report: &mut Report) -> Result<()> {
    let millis = paths.iter().map(|path| server.millis(path)).collect::<Result<Vec<f64>>>()?;
    tell(millis, names, report)
}

fn time_posts(
    server: &Server,
    path: &str,
    bodies: &[String],
    names: Names,
    report: &mut Report,
) -> Result<()> {
    let millis = bodies.iter().map(|body| server.post_millis(path, body)).collect::<Result<Vec<f64>>>()?;
    tell(millis, names, report)
}

fn tell(mut millis: Vec<f64>, names: Names, report: &mut Report) -> Result<()> {
    ensure!(!millis.is_empty(), "there is nothing to ask for {}", names[0]);
    millis.sort_by(f64::total_cmp);
    report.add(names[0], millis[millis.len() / 2], "ms");
    report.add(names[1], millis[(millis.len() - 1) * 99 / 100], "ms");
    Ok(())
}

/// Where some traces of each project are, from all over the month.
fn sample_traces(server: &Server, projects: &[String]) -> Result<Vec<String>> {
    let mut samples = Vec::new();
    for project in projects {
        let list = format!("/api/clearspan/v1/projects/{project}/traces?limit=1&sort=start&t=all");
        let newest = format!("/api/clearspan/v1/projects/{project}/traces?limit=1&t=all");
        let start_of = |path: &str| -> Result<u64> {
            let page = server.get(path)?;
            page["traces"][0]["start_time"].as_u64().with_context(|| format!("{path} lists no trace"))
        };
        let (first, last) = (start_of(&list)?, start_of(&newest)?);
        for moment in 0..MOMENTS {
            let until = first + (last - first) * (moment + 1) / MOMENTS + 1;
            let path = format!("/api/clearspan/v1/projects/{project}/traces?limit=1&t=..{until}");
            let page = server.get(&path)?;
            let trace = page["traces"][0]["trace_id"].as_str();
            samples.push(path_of(trace.with_context(|| format!("{path} lists no trace"))?));
        }
    }
    Ok(samples)
}

/// Sends everything, and waits until files are merged and texts are indexed.
fn fill(binaries: &Binaries, folder: &Path, runs: u64, projects: u64) -> Result<()> {
    eprintln!("{runs} runs in {projects} projects, and a trace of {TREE_RUNS}, into {}", folder.display());
    let server = Server::start_in(&binaries.server, folder)?;
    let (spans, hours) = (runs.to_string(), (DAYS * 24).to_string());
    let many = ["--profile", "agent", "--spans", &spans, "--hours", &hours, "--bodies", "500"];
    let sent = load(binaries, &server, &[&many[..], &["--projects", &projects.to_string()]].concat())?;
    eprintln!("  {} spans/s", number(&sent, "spans_per_s")?);
    let (spans, batch) = (TREE_RUNS.to_string(), TREE_BATCH.to_string());
    let tree = ["--profile", "tree", "--spans", &spans, "--batch", &batch, "--conns", "1", "--bodies", "4"];
    let sent: Value = load(binaries, &server, &[&tree[..], &["--trace", TREE]].concat())?;
    ensure!(number(&sent, "acked_spans")? >= TREE_RUNS as f64, "the large trace is not whole");
    wait_until_merged(&server)?;
    wait_until_indexed(&server)?;
    server.stop()?;
    std::fs::write(folder.join(DONE), spans).with_context(|| format!("cannot write to {}", folder.display()))
}
