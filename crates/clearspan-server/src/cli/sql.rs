//! `clearspan sql`: asks a running server in SQL.

use std::io::Read as _;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::client::{Server, ServerArgs};
use super::print::{self, Reader};

/// Characters of a cell that are shown; the other formats show all.
const CELL_CHARS: usize = 60;

#[derive(Debug, Args)]
pub(super) struct SqlArgs {
    /// The statement; `-` or nothing reads it from standard input. `show tables` and `describe runs` tell what there is
    #[arg(value_name = "STATEMENT")]
    statement: Option<String>,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Rows at most [default: 10000 for table and json, all for the others]
    #[arg(long, value_name = "ROWS")]
    limit: Option<usize>,
    /// Seconds that it may take: more than 0, at most 300 [default: 30]
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<f64>,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Columns for people; long values are cut.
    Table,
    Json,
    Jsonl,
    Csv,
    CsvRaw,
    Parquet,
    Arrow,
}

/// Prints what the statement answers.
pub(super) async fn run(args: SqlArgs) -> anyhow::Result<()> {
    let SqlArgs { statement, format, limit, timeout, server } = args;
    let query = match statement.as_deref() {
        None | Some("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("cannot read the statement")?;
            text
        }
        Some(text) => text.to_owned(),
    };
    let server = Server::patient(server)?;
    let asked = match format {
        Format::Table => "json".to_owned(),
        other => other.to_possible_value().expect("every format has a name").get_name().to_owned(),
    };
    let body = json!({ "query": query, "format": asked, "limit": limit, "timeout": timeout });
    if format == Format::Table {
        let answer = server.post("/sql", &body).await?;
        print::bytes(table(&answer).as_bytes())?;
        return Ok(());
    }
    let mut answer = server.post_for("/sql", &body).await?;
    while let Some(part) = answer.chunk().await.context("the answer broke off")? {
        if print::bytes(&part)? == Reader::Gone {
            break;
        }
    }
    Ok(())
}

/// Rows below their names, each column as wide as it needs.
fn table(answer: &Value) -> String {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut lines: Vec<Vec<String>> =
        vec![list(&answer["columns"]).iter().map(|column| shown(&column["name"])).collect()];
    lines.extend(list(&answer["rows"]).iter().map(|row| list(row).iter().map(shown).collect()));
    let width = |idx: usize| {
        let cells = lines.iter().filter_map(|line| line.get(idx));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let cells: Vec<String> =
            line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
        if number == 0 {
            let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
            text.push_str(&rules.join("  "));
            text.push('\n');
        }
    }
    let rows = answer["row_count"].as_u64().unwrap_or(0);
    let more = if answer["is_cut"] == true { ", and there are more (see --limit)" } else { "" };
    text.push_str(&format!("({rows} {}{more})\n", if rows == 1 { "row" } else { "rows" }));
    text
}

/// A value on one line. Control characters could move the cursor of a terminal or worse, so they are not printed.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut cell: String = chars.by_ref().take(CELL_CHARS).collect();
    if chars.next().is_some() {
        cell.push('…');
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lines_up() {
        let answer = json!({
            "columns": [{"name": "name", "type": "text"}, {"name": "n", "type": "bigint"}],
            "rows": [["a\u{1b}[31mb\n", 1], [null, -20], ["x".repeat(61), 3]],
            "row_count": 3,
            "is_cut": true,
        });
        let expected = format!(
            "name{}  n\n{}  ---\na [31mb{}  1\n{}  -20\n{}…  3\n(3 rows, and there are more (see --limit))\n",
            " ".repeat(57),
            "-".repeat(61),
            " ".repeat(54),
            " ".repeat(61),
            "x".repeat(60),
        );
        assert_eq!(table(&answer), expected);
    }
}
