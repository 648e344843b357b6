//! The peer that anyone can install: Arize Phoenix from PyPI, in a venv below the target folder.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{http, number, run_loadgen};

const SPANS: &str = "4000";
const START_LIMIT: Duration = Duration::from_secs(90);
const READ_LIMIT: Duration = Duration::from_secs(120);
const COUNT_QUERY: &str = r#"{"query": "{ projects { edges { node { recordCount } } } }"}"#;

struct Phoenix {
    child: Child,
    port: u16,
}

impl Drop for Phoenix {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Agent spans a second until Phoenix shows them.
pub(super) fn measure(target: &Path, loadgen: &Path) -> Result<f64> {
    let venv = target.join("bench-phoenix");
    let program = venv.join("bin/phoenix");
    if !program.exists() {
        eprintln!("installing arize-phoenix into {}", venv.display());
        run(Command::new("python3").arg("-m").arg("venv").arg(&venv))?;
        run(Command::new(venv.join("bin/pip")).args(["install", "--quiet", "arize-phoenix"]))?;
    }
    let work = target.join("bench-phoenix-data");
    if work.exists() {
        std::fs::remove_dir_all(&work).context("cannot empty Phoenix's folder")?;
    }
    std::fs::create_dir_all(&work).context("cannot create Phoenix's folder")?;
    let (port, grpc_port) = (http::free_port()?, http::free_port()?);
    let child = Command::new(&program)
        .arg("serve")
        .env("PHOENIX_PORT", port.to_string())
        .env("PHOENIX_GRPC_PORT", grpc_port.to_string())
        .env("PHOENIX_WORKING_DIR", &work)
        .env("PHOENIX_HOST", "127.0.0.1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start phoenix")?;
    let phoenix = Phoenix { child, port };
    phoenix.wait_for(0.0, START_LIMIT).context("phoenix did not start")?;

    eprintln!("phoenix, {SPANS} agent spans");
    let begin = Instant::now();
    let url = format!("http://127.0.0.1:{port}/v1/traces");
    let sent = run_loadgen(loadgen, &url, &["--profile", "agent", "--spans", SPANS])?;
    let acked = number(&sent, "acked_spans")?;
    phoenix.wait_for(acked, READ_LIMIT).context("phoenix did not show all spans")?;
    Ok(acked / begin.elapsed().as_secs_f64())
}

impl Phoenix {
    /// Waits until so many spans can be read; it acknowledges them long before.
    fn wait_for(&self, spans: f64, limit: Duration) -> Result<()> {
        let begin = Instant::now();
        loop {
            if self.count().is_ok_and(|count| count >= spans) {
                return Ok(());
            }
            if begin.elapsed() > limit {
                bail!("{:?} of {spans} spans after {} s", self.count().ok(), limit.as_secs());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn count(&self) -> Result<f64> {
        let answer = http::post_json(self.port, "/graphql", COUNT_QUERY)?;
        ensure!(answer.status == 200, "phoenix answered {}", answer.status);
        let answer: Value = serde_json::from_slice(&answer.body).context("phoenix answered no JSON")?;
        let edges = answer["data"]["projects"]["edges"].as_array().context("phoenix named no projects")?;
        Ok(edges.iter().filter_map(|edge| edge["node"]["recordCount"].as_f64()).sum())
    }
}

pub(super) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot run {:?}", command.get_program()))?;
    ensure!(status.success(), "{:?} failed", command.get_program());
    Ok(())
}
