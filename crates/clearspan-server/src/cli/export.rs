//! `clearspan export`: copies runs, log records or metric points of a running server into a file.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};

use super::client::{Server, ServerArgs};
use super::print::{self, Reader};
use super::whole_file::WholeFile;
use crate::app::StopSignals;

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The project: its name or id [default: all]
    #[arg(long)]
    project: Option<String>,
    /// What to export
    #[arg(long, value_enum, default_value_t = Table::Runs)]
    table: Table,
    /// How it is written [default: as the file's name ends; jsonl for `-` and names without an ending]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Only what began since: 7d, 24h, 15m, or RFC 3339 [default: all]
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only what began before, likewise
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only runs that satisfy a filter, for example `status:error cost:>0.50`
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
    /// The file; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Table {
    Runs,
    Logs,
    MetricPoints,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Jsonl,
    Parquet,
    Csv,
    CsvRaw,
    Arrow,
}

/// The name that the command line and the API share.
fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().expect("every value has a name").get_name().to_owned()
}

/// Writes the file.
pub(super) async fn run(args: ExportArgs) -> anyhow::Result<()> {
    let ExportArgs { project, table, format, since, until, filter, output, server } = args;
    let format = format.map_or_else(|| of_file(&output), Ok)?;
    let mut query = vec![("table", name(&table)), ("format", name(&format))];
    let limits = [("project", project), ("since", since), ("until", until), ("q", filter)];
    query.extend(limits.into_iter().filter_map(|(key, value)| Some((key, value?))));
    let server = Server::patient(server)?;
    if output == Path::new("-") {
        return print_all(server.get_for("/export", &query).await?).await;
    }
    let mut stop = StopSignals::listen()?;
    let stored = async { store(server.get_for("/export", &query).await?, &output).await };
    tokio::select! {
        // Both are cancel-safe: a file that is not whole is removed when the future that writes it is dropped.
        () = stop.next() => bail!("stopped; {} was not written", output.display()),
        done = stored => done,
    }
}

/// How it is written, by the end of the file's name.
fn of_file(output: &Path) -> anyhow::Result<Format> {
    let ending = output.extension().unwrap_or_default();
    match ending.to_string_lossy().to_ascii_lowercase().as_str() {
        "" | "jsonl" | "ndjson" => Ok(Format::Jsonl),
        "parquet" => Ok(Format::Parquet),
        "csv" => Ok(Format::Csv),
        "arrow" | "arrows" => Ok(Format::Arrow),
        other => bail!(
            "how is {} to be written? Names that tell it end in .jsonl, .ndjson, .parquet, .csv, .arrow or .arrows; for \
             .{other}, choose with --format",
            output.display()
        ),
    }
}

async fn print_all(mut answer: reqwest::Response) -> anyhow::Result<()> {
    while let Some(part) = next_part(&mut answer).await? {
        if print::bytes(&part)? == Reader::Gone {
            break;
        }
    }
    Ok(())
}

async fn store(mut answer: reqwest::Response, output: &Path) -> anyhow::Result<()> {
    let written = async {
        let mut file = WholeFile::begin(output)?;
        let mut bytes = 0;
        while let Some(part) = next_part(&mut answer).await? {
            file.write_all(&part).context("cannot write")?;
            bytes += part.len() as u64;
        }
        file.finish()?;
        anyhow::Ok(bytes)
    };
    let bytes = written.await.with_context(|| format!("{} was not written", output.display()))?;
    print::note(format_args!("Wrote {bytes} bytes to {}.", output.display()));
    Ok(())
}

async fn next_part(answer: &mut reqwest::Response) -> anyhow::Result<Option<bytes::Bytes>> {
    answer.chunk().await.context("the server broke off; its log tells why")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_tells_its_format() {
        for (file, expected) in [
            ("-", Some("jsonl")),
            ("runs", Some("jsonl")),
            (".runs", Some("jsonl")),
            ("a.b/runs.ndjson", Some("jsonl")),
            ("runs.v2.JSONL", Some("jsonl")),
            ("runs.parquet", Some("parquet")),
            ("runs.csv", Some("csv")),
            ("runs.arrows", Some("arrow")),
            ("runs.jsonl.gz", None),
            ("runs.xlsx", None),
            ("runs.", Some("jsonl")),
        ] {
            let found = of_file(Path::new(file)).ok().map(|format| name(&format));
            assert_eq!(found.as_deref(), expected, "{file}");
        }
        let told = of_file(Path::new("runs.jsonl.gz")).unwrap_err().to_string();
        assert!(told.contains(".parquet") && told.contains("--format"), "{told}");
    }
}
