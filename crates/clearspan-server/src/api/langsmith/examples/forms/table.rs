//! Tables to be made datasets: CSV with a header, or JSON lines. A cell is the text that it is: nothing is computed.

use clearspan_catalog::{ExampleId, ExampleWrite, Metadata, NewExample};
use clearspan_model::JsonText;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::api::error::Result;
use crate::api::langsmith::examples::body::{json_object, metadata};
use crate::api::langsmith::examples::check_count;
use crate::api::langsmith::form::Part;
use crate::api::langsmith::input::unprocessable;
use crate::ingest::tree_bytes;

/// More columns are a mistake or an attack.
const MAX_COLUMNS: usize = 10_000;

/// Which columns mean what.
#[derive(Debug, Default)]
pub(super) struct Columns {
    inputs: Vec<String>,
    outputs: Vec<String>,
    metadata: Vec<String>,
}

impl Columns {
    pub(super) fn of(parts: &[Part<'_>]) -> Result<Self> {
        let mut columns = Self::default();
        for part in parts {
            let list = match part.name.as_str() {
                "input_keys" => &mut columns.inputs,
                "output_keys" => &mut columns.outputs,
                "metadata_keys" => &mut columns.metadata,
                _ => continue,
            };
            list.push(part.text()?.to_owned());
        }
        Ok(columns)
    }

    fn example(&self, mut row: Map<String, Value>) -> NewExample {
        let mut take = |keys: &[String]| -> Map<String, Value> {
            keys.iter().filter_map(|key| row.remove(key).map(|value| (key.clone(), value))).collect()
        };
        let (inputs, outputs, metadata) = (take(&self.inputs), take(&self.outputs), take(&self.metadata));
        let text = |object| JsonText::from_value(&Value::Object(object));
        let outputs = (!self.outputs.is_empty()).then(|| text(outputs));
        new_example(text(inputs), outputs, metadata.into())
    }
}

fn new_example(inputs: JsonText, outputs: Option<JsonText>, metadata: Metadata) -> NewExample {
    NewExample {
        id: ExampleId::generate(),
        created_at: None,
        inputs,
        outputs,
        metadata,
        splits: None,
        source_run_id: None,
        attachments: Vec::new(),
    }
}

/// What reading the largest row takes beside its bytes. The cells of a CSV are as large as their bytes.
pub(super) fn row_bytes(file: &Part<'_>) -> usize {
    match has_lines(file) {
        true => file.bytes.split(|byte| *byte == b'\n').map(tree_bytes).max().unwrap_or(0),
        false => 0,
    }
}

/// The rows of a file as examples.
pub(super) fn read(file: &Part<'_>, columns: &Columns) -> Result<Vec<ExampleWrite>> {
    let examples = if has_lines(file) { read_lines(file, columns)? } else { read_csv(file, columns)? };
    Ok(examples.into_iter().map(ExampleWrite::Create).collect())
}

fn has_lines(file: &Part<'_>) -> bool {
    file.file_name.as_ref().is_some_and(|name| name.to_ascii_lowercase().ends_with(".jsonl"))
        || matches!(
            file.content_type.as_deref(),
            Some("application/jsonl" | "application/x-ndjson" | "application/jsonlines")
        )
}

fn read_csv(file: &Part<'_>, columns: &Columns) -> Result<Vec<NewExample>> {
    if columns.inputs.is_empty() {
        return Err(unprocessable("input_keys must name the columns that are inputs"));
    }
    let text = file.text()?;
    // Excel puts a mark in front.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let broken = |error: csv::Error| unprocessable(format!("the CSV cannot be read: {error}"));
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(broken)?.clone();
    if header.len() > MAX_COLUMNS {
        return Err(unprocessable(format!("the CSV has more than {MAX_COLUMNS} columns")));
    }
    for key in columns.inputs.iter().chain(&columns.outputs).chain(&columns.metadata) {
        if !header.iter().any(|name| name == key) {
            return Err(unprocessable(format!("the CSV has no column {key:?}")));
        }
    }
    let mut examples = Vec::new();
    for record in reader.records() {
        check_count(examples.len() + 1)?;
        let record = record.map_err(broken)?;
        let cells = header.iter().zip(record.iter());
        examples
            .push(columns.example(cells.map(|(key, cell)| (key.to_owned(), Value::from(cell))).collect()));
    }
    Ok(examples)
}

/// An example in a line.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Line {
    inputs: Option<Box<RawValue>>,
    outputs: Option<Box<RawValue>>,
    metadata: Option<Box<RawValue>>,
}

/// Each line is an object: with `inputs` and `outputs`, or with the columns that were named.
fn read_lines(file: &Part<'_>, columns: &Columns) -> Result<Vec<NewExample>> {
    let mut examples = Vec::new();
    for (number, line) in (1..).zip(file.text()?.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        check_count(examples.len() + 1)?;
        let broken = || unprocessable(format!("line {number} is no JSON object"));
        if !columns.inputs.is_empty() {
            let Ok(Value::Object(row)) = serde_json::from_str(line) else { return Err(broken()) };
            examples.push(columns.example(row));
            continue;
        }
        if !line.trim_start().starts_with('{') {
            return Err(broken());
        }
        let row: Line = serde_json::from_str(line).map_err(|_| broken())?;
        let inputs = json_object("inputs", row.inputs)?.ok_or_else(|| {
            unprocessable(format!("line {number} has no inputs, and no input_keys are named"))
        })?;
        let outputs = json_object("outputs", row.outputs)?;
        examples.push(new_example(inputs, outputs, metadata(row.metadata)?.unwrap_or_default()));
    }
    Ok(examples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::langsmith::examples::MAX_EXAMPLES;

    fn refusal(name: &str, text: &str) -> String {
        let file = Part {
            name: "file".to_owned(),
            file_name: Some(name.to_owned()),
            content_type: None,
            length: None,
            bytes: text.as_bytes(),
        };
        let columns = Columns { inputs: vec!["a".to_owned()], ..Columns::default() };
        read(&file, &columns).unwrap_err().message
    }

    /// What comes behind the last row that may be is not looked at.
    #[test]
    fn reading_ends_where_there_are_too_many_rows() {
        let csv = format!("a\n{}", "1\n".repeat(MAX_EXAMPLES + 10));
        let lines = "{\"a\": 1}\n".repeat(MAX_EXAMPLES + 1) + "nonsense\n";
        for (name, text) in [("x.csv", csv), ("x.jsonl", lines)] {
            let message = refusal(name, &text);
            assert!(message.contains("more than 20000 examples"), "{message}");
        }
        assert!(refusal("x.jsonl", "nonsense").contains("line 1"));
    }
}
