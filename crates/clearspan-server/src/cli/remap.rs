//! `clearspan remap`: asks a running server to map stored runs again, and shows how far it is.

use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};

use super::client::{Server, ServerArgs};
use super::print;

const LOOK: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(super) struct RemapArgs {
    /// The project whose runs are mapped again: its name or id
    #[arg(long)]
    project: String,
    /// Only traces that began since: 7d, 24h, 15m, or RFC 3339 [default: all]
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only traces that began before, likewise
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Starts the job and waits for its end.
pub(super) async fn run(args: RemapArgs) -> anyhow::Result<()> {
    let server = Server::new(args.server)?;
    let body = json!({ "project": args.project, "since": args.since, "until": args.until });
    let mut job = server.post("/remap", &body).await?["job"].take();
    let id = job["id"].as_str().context("the server answered without a job")?.to_owned();
    let shows_progress = std::io::stdout().is_terminal();
    while job["state"] == "running" {
        if shows_progress {
            print::bytes(format!("\r{}  ", progress(&job)).as_bytes())?;
        }
        tokio::time::sleep(LOOK).await;
        job = server.get(&format!("/remap/{id}")).await?["job"].take();
    }
    if shows_progress {
        print::bytes(b"\r")?;
    }
    print::line(progress(&job))?;
    if job["state"] != "done" {
        bail!(
            "runs were not all mapped again: {}",
            job["error"].as_str().unwrap_or("the server does not say why")
        );
    }
    Ok(())
}

fn progress(job: &Value) -> String {
    let count = |name: &str| job[name].as_u64().unwrap_or(0);
    let total = job["traces_total"].as_u64().map_or_else(|| "?".to_owned(), |total| total.to_string());
    let skipped = match count("runs_skipped") {
        0 => String::new(),
        skipped => format!(", {skipped} left alone because they kept changing"),
    };
    format!(
        "{} of {total} traces, {} runs looked at, {} changed{skipped}",
        count("traces_done"),
        count("runs_seen"),
        count("runs_changed")
    )
}
