//! `clearspan export`: copies runs, log records or metric points of a running server into a file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::client::{Server, ServerArgs};

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The project: its name or id [default: all]
    #[arg(long)]
    project: Option<String>,
    /// What to export
    #[arg(long, value_enum, default_value_t = Table::Runs)]
    table: Table,
    /// How it is written [default: as the file is called, else jsonl]
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
    let format = format.or_else(|| of_file(&output)).unwrap_or(Format::Jsonl);
    let mut query = vec![("table", name(&table)), ("format", name(&format))];
    let limits = [("project", project), ("since", since), ("until", until), ("q", filter)];
    query.extend(limits.into_iter().filter_map(|(key, value)| Some((key, value?))));
    let mut answer = Server::patient(server)?.get_for("/export", &query).await?;
    if output == Path::new("-") {
        copy(&mut answer, &mut std::io::stdout().lock()).await?;
        return Ok(());
    }
    // Only a whole export gets the name that was asked for.
    let temporary = output.with_extension("part");
    let written = async {
        let file =
            File::create(&temporary).with_context(|| format!("cannot write {}", temporary.display()))?;
        let mut file = BufWriter::new(file);
        let bytes = copy(&mut answer, &mut file).await?;
        file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        std::fs::rename(&temporary, &output)?;
        anyhow::Ok(bytes)
    };
    match written.await {
        Ok(bytes) => {
            eprintln!("Wrote {bytes} bytes to {}.", output.display());
            Ok(())
        }
        Err(err) => {
            // What is there is not whole; that it could not be removed matters less than why.
            let _removed = std::fs::remove_file(&temporary);
            Err(err.context(format!("{} was not written", output.display())))
        }
    }
}

fn of_file(output: &Path) -> Option<Format> {
    match output.extension()?.to_str()? {
        "parquet" => Some(Format::Parquet),
        "csv" => Some(Format::Csv),
        "arrow" | "arrows" => Some(Format::Arrow),
        _ => None,
    }
}

async fn copy(answer: &mut reqwest::Response, out: &mut impl Write) -> anyhow::Result<u64> {
    let mut bytes = 0;
    while let Some(part) = answer.chunk().await.context("the server broke off; its log tells why")? {
        out.write_all(&part).context("cannot write")?;
        bytes += part.len() as u64;
    }
    out.flush()?;
    Ok(bytes)
}
