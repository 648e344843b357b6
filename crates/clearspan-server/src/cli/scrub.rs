//! `clearspan scrub`: lets a running server compare everything that it has stored with its checksums.

use anyhow::bail;
use clap::Args;
use serde_json::Value;

use super::client::{Server, ServerArgs};
use super::print;

#[derive(Debug, Args)]
pub(super) struct ScrubArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
}

/// Starts it, waits for its end, says what it found, and fails when something is damaged.
pub(super) async fn run(args: ScrubArgs) -> anyhow::Result<()> {
    let server = Server::new(args.server)?;
    let last = server.run_job("scrub").await?;
    let found = &last["found"];
    let problems = found["problems"].as_array().map_or(0, Vec::len);
    match args.json {
        true => print::line(found)?,
        false => print::bytes(in_words(found, seconds(&last)).as_bytes())?,
    };
    match problems {
        0 => Ok(()),
        1 => bail!("a file is damaged"),
        _ => bail!("{problems} places are damaged"),
    }
}

fn seconds(last: &Value) -> f64 {
    let time = |name: &str| last[name].as_i64().unwrap_or(0);
    (time("ended_at") - time("started_at")) as f64 / 1e6
}

fn in_words(found: &Value, seconds: f64) -> String {
    let count = |name: &str| found[name].as_u64().unwrap_or(0);
    let list = |name: &str| found[name].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut words = format!(
        "Compared {} files and {} attachments of {} bytes, {} search indexes and {} files of the log in {seconds:.1} s: {}.\n",
        count("files"),
        count("attachments"),
        count("bytes"),
        count("indexes"),
        count("log_files"),
        if list("problems").is_empty() { "all sound" } else { "not all sound" },
    );
    if count("without_checksums") > 0 {
        let older = "files of an older version have no checksums; they get some when they are merged";
        words.push_str(&format!("note     {} {older}\n", count("without_checksums")));
    }
    for note in list("notes") {
        words.push_str(&format!("note     {}\n", text(&note)));
    }
    for problem in list("problems") {
        let [file, what, affected, advice] =
            ["file", "what", "affected", "advice"].map(|name| text(&problem[name]));
        words.push_str(&format!(
            "PROBLEM  {file}: {what}\n         affected: {affected}\n         what to do: {advice}\n"
        ));
    }
    words
}
