//! `clearspan delete` and `clearspan purge`: ask a running server to take data away.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};

use super::client::{Server, ServerArgs, escape};
use super::print;

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["trace", "user", "thread", "filter", "time", "all"]).multiple(true))]
pub(super) struct DeleteArgs {
    /// The project: its name or id
    #[arg(long)]
    project: String,
    /// A trace; can be given several times
    #[arg(long, value_name = "ID", conflicts_with_all = ["user", "thread", "filter", "time", "all"])]
    trace: Vec<String>,
    /// Traces in which a run was on behalf of this user
    #[arg(long, value_name = "USER", conflicts_with_all = ["thread", "filter", "time", "all"])]
    user: Option<String>,
    /// Traces in which a run belongs to this conversation
    #[arg(long, value_name = "THREAD", conflicts_with_all = ["filter", "time", "all"])]
    thread: Option<String>,
    /// Traces that satisfy a filter, for example "env:staging status:error"
    #[arg(long, value_name = "FILTER", conflicts_with = "all")]
    filter: Option<String>,
    /// Traces that began in a time: 24h, or <from>..<to> in RFC 3339
    #[arg(long, value_name = "TIME", conflicts_with = "all")]
    time: Option<String>,
    /// The whole project, with everything in it
    #[arg(long)]
    all: bool,
    /// Only say what would be deleted
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Deletes, after asking.
pub(super) async fn run(args: DeleteArgs) -> anyhow::Result<()> {
    let DeleteArgs { project, trace, user, thread, filter, time, all, dry_run, yes, server } = args;
    let server = Server::new(server)?;
    let path = format!("/projects/{}", escape(&project));
    let deletions = format!("{path}/deletions");
    let order = |dry_run: bool| {
        json!({
            "trace_ids": trace, "user": user, "thread": thread, "filter": filter, "time": time, "dry_run": dry_run,
        })
    };
    if all {
        // The name is checked before anybody is asked.
        let found = server.get(&path).await?;
        if dry_run {
            print::line(format_args!("Would delete the project {} with everything in it.", found["name"]))?;
            return Ok(());
        }
        if !yes && !confirm(&format!("Delete the project {} with everything in it?", found["name"]))? {
            bail!("nothing was deleted");
        }
        print::line(format_args!("Deleted {}.", told(&server.delete(&path).await?)))?;
        return Ok(());
    }
    let preview = server.post(&deletions, &order(true)).await?;
    if dry_run {
        print::line(format_args!("Would delete {}.", told(&preview)))?;
        return Ok(());
    }
    if preview["traces"] == 0 {
        print::line("There is nothing to delete.")?;
        return Ok(());
    }
    if !yes && !confirm(&format!("Delete {}?", told(&preview)))? {
        bail!("nothing was deleted");
    }
    print::line(format_args!("Deleted {}.", told(&server.post(&deletions, &order(false)).await?)))?;
    Ok(())
}

fn told(answer: &Value) -> String {
    let count = |name: &str| answer[name].as_u64().unwrap_or(0);
    format!(
        "{} traces with {} runs, {} log records, {} metric points",
        count("traces"),
        count("runs"),
        count("log_records"),
        count("metric_points")
    )
}

/// Asks the person in front of the terminal.
fn confirm(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("{question} Nobody is here to ask: pass --yes to delete without asking, or --dry-run to look");
    }
    let mut stderr = std::io::stderr();
    write!(stderr, "{question} This cannot be undone. [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).context("cannot read the answer")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

#[derive(Debug, Args)]
pub(super) struct PurgeArgs {
    #[command(flatten)]
    server: ServerArgs,
}

/// Starts a purge, waits for its end, and says what it removed from where.
pub(super) async fn purge(args: PurgeArgs) -> anyhow::Result<()> {
    let server = Server::new(args.server)?;
    // One that runs may have begun before the last deletion.
    let before = server.get("/purge").await?;
    server.wait_for_job("purge", before).await?;
    let last = server.run_job("purge").await?;
    let removed = |name: &str| last["removed"][name].as_u64().unwrap_or(0);
    print::line(format_args!(
        "Segments: {} files of {} bytes replaced by {} of {} bytes; {} rows removed ({} of them deleted ones), {} stripped of their \
         payload.",
        removed("files_removed"),
        removed("bytes_removed"),
        removed("files_written"),
        removed("bytes_written"),
        removed("rows_removed"),
        removed("rows_deleted"),
        removed("rows_stripped"),
    ))?;
    if removed("rows_deleted_before") > 0 {
        print::line(format_args!(
            "Before: {} deleted rows had gone when files were merged.",
            removed("rows_deleted_before")
        ))?;
    }
    print::line(format_args!(
        "Log: {} files of {} bytes removed.",
        removed("log_files_removed"),
        removed("log_bytes_removed")
    ))?;
    Ok(())
}
