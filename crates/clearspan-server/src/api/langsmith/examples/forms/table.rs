//! Tables to be made datasets: CSV with a header, or JSON lines. A cell is the text that it is: nothing is computed.

use clearspan_catalog::{ExampleId, ExampleWrite, NewExample};
use clearspan_model::JsonText;
use serde_json::{Map, Value};

use crate::api::error::Result;
use crate::api::langsmith::form::Part;
use crate::api::langsmith::input::{object, unprocessable};

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
            let list = match part.name {
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
        new_example(inputs, (!self.outputs.is_empty()).then_some(outputs), metadata)
    }
}

fn new_example(
    inputs: Map<String, Value>,
    outputs: Option<Map<String, Value>>,
    metadata: Map<String, Value>,
) -> NewExample {
    NewExample {
        id: ExampleId::generate(),
        created_at: None,
        inputs: JsonText::from_value(&Value::Object(inputs)),
        outputs: outputs.map(|outputs| JsonText::from_value(&Value::Object(outputs))),
        metadata,
        splits: None,
        source_run_id: None,
        attachments: Vec::new(),
    }
}

/// The rows of a file as examples.
pub(super) fn read(file: &Part<'_>, columns: &Columns) -> Result<Vec<ExampleWrite>> {
    let has_lines = file.file_name.is_some_and(|name| name.to_ascii_lowercase().ends_with(".jsonl"))
        || matches!(
            file.content_type,
            Some("application/jsonl" | "application/x-ndjson" | "application/jsonlines")
        );
    let examples = if has_lines { read_lines(file, columns)? } else { read_csv(file, columns)? };
    Ok(examples.into_iter().map(ExampleWrite::Create).collect())
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
        let record = record.map_err(broken)?;
        let cells = header.iter().zip(record.iter());
        examples
            .push(columns.example(cells.map(|(key, cell)| (key.to_owned(), Value::from(cell))).collect()));
    }
    Ok(examples)
}

/// Each line is an object: with `inputs` and `outputs`, or with the columns that were named.
fn read_lines(file: &Part<'_>, columns: &Columns) -> Result<Vec<NewExample>> {
    let mut examples = Vec::new();
    for (number, line) in (1..).zip(file.text()?.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let Ok(Value::Object(mut row)) = serde_json::from_str(line) else {
            return Err(unprocessable(format!("line {number} is no JSON object")));
        };
        if !columns.inputs.is_empty() {
            examples.push(columns.example(row));
            continue;
        }
        let inputs = object("inputs", row.remove("inputs"))?.ok_or_else(|| {
            unprocessable(format!("line {number} has no inputs, and no input_keys are named"))
        })?;
        let outputs = object("outputs", row.remove("outputs"))?;
        let metadata = object("metadata", row.remove("metadata"))?.unwrap_or_default();
        examples.push(new_example(inputs, outputs, metadata));
    }
    Ok(examples)
}
