//! A run with the properties that are selected.

use clearspan_model::{Decimal, JsonText};
use serde_json::{Value, json};

use super::super::find::unprocessable;
use super::super::json_object::JsonObject;
use super::super::run_json::{Select, metadata, seconds};
use super::super::runs::{Row, Wants};
use crate::api::error::Result;

/// Every property, in the order of the API's description.
const PROPERTIES: &[&str] = &[
    "ID",
    "NAME",
    "RUN_TYPE",
    "STATUS",
    "START_TIME",
    "END_TIME",
    "LATENCY_SECONDS",
    "FIRST_TOKEN_TIME",
    "ERROR",
    "ERROR_PREVIEW",
    "EXTRA",
    "METADATA",
    "EVENTS",
    "INPUTS",
    "INPUTS_PREVIEW",
    "OUTPUTS",
    "OUTPUTS_PREVIEW",
    "MANIFEST",
    "PARENT_RUN_IDS",
    "PROJECT_ID",
    "TRACE_ID",
    "THREAD_ID",
    "DOTTED_ORDER",
    "IS_ROOT",
    "REFERENCE_EXAMPLE_ID",
    "REFERENCE_DATASET_ID",
    "TOTAL_TOKENS",
    "PROMPT_TOKENS",
    "COMPLETION_TOKENS",
    "TOTAL_COST",
    "PROMPT_COST",
    "COMPLETION_COST",
    "PROMPT_TOKEN_DETAILS",
    "COMPLETION_TOKEN_DETAILS",
    "PROMPT_COST_DETAILS",
    "COMPLETION_COST_DETAILS",
    "PRICE_MODEL_ID",
    "TAGS",
    "APP_PATH",
    "ATTACHMENTS",
    "THREAD_EVALUATION_TIME",
    "IS_IN_DATASET",
    "LAST_QUEUED_AT",
    "SHARE_URL",
    "FEEDBACK_STATS",
    "LS_USER_ID",
];
/// Those that need the whole run: details are not in summaries.
const FROM_WHOLE_RUN: &[&str] = &[
    "extra",
    "metadata",
    "events",
    "inputs",
    "outputs",
    "manifest",
    "reference_example_id",
    "prompt_token_details",
    "completion_token_details",
    "prompt_cost_details",
    "completion_cost_details",
    "attachments",
];
const FROM_PLACE: &[&str] = &["parent_run_ids", "dotted_order"];
/// The longest preview of an error.
const ERROR_CHARS: usize = 300;

/// Properties by the names that they have in answers.
#[derive(Debug, Clone)]
pub(super) struct Selects(Vec<String>);

impl Selects {
    /// The id alone where nothing is selected.
    pub(super) fn parse(names: &[String]) -> Result<Self> {
        let read = |name: &String| {
            let upper = name.to_uppercase();
            match PROPERTIES.contains(&upper.as_str()) {
                true => Ok(name.to_lowercase()),
                false => Err(unprocessable(format!(
                    "selects: there is no property {name:?}; there are {}",
                    PROPERTIES.join(", ")
                ))),
            }
        };
        let names: Vec<String> = names.iter().map(read).collect::<Result<_>>()?;
        Ok(Self(if names.is_empty() { vec!["id".to_owned()] } else { names }))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|selected| selected == name)
    }

    fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.has(name))
    }

    /// What has to be looked up. Sums over what is below need the place.
    pub(super) fn wants(&self, with_subtrees: bool) -> Wants {
        Wants {
            whole: self.has_any(FROM_WHOLE_RUN),
            previews: self.has_any(&["inputs_preview", "outputs_preview"]),
            place: with_subtrees || self.has_any(FROM_PLACE),
            feedback: self.has("feedback_stats"),
        }
    }
}

/// The selected properties; figures of what is below the run too, if `with_subtrees`. The address under which it is shared
/// is not known here.
pub(super) fn run_json(row: &Row, selects: &Selects, with_subtrees: bool) -> JsonObject {
    let first = row.json(&Select::new(None));
    let mut all = JsonObject::default();
    for name in &selects.0 {
        let of_run = || row.whole.as_ref().filter(|_| name == "metadata").map(metadata);
        match first.text(name).cloned().or_else(of_run) {
            Some(text) => all.set_text(name, text),
            None => all.set(name, property(name, row, &first, with_subtrees)),
        }
    }
    all
}

fn property(name: &str, row: &Row, first: &JsonObject, with_subtrees: bool) -> Value {
    let summary = &row.summary;
    let totals = &row.place.totals;
    let whole = row.whole.as_ref();
    let own = |own: Option<u64>, total: Option<u64>| json!(if with_subtrees { total.or(own) } else { own });
    let cost = |own: Option<Decimal>, total: Option<Decimal>| {
        let cost = if with_subtrees { total.or(own) } else { own };
        json!(cost.and_then(number))
    };
    match name {
        "run_type" => json!(summary.run_type.as_str().to_uppercase()),
        "status" => json!(summary.status.as_str().to_uppercase()),
        "latency_seconds" => json!(summary.latency_nanos().map(seconds)),
        "error_preview" => {
            json!(summary.error.as_ref().map(|error| error.chars().take(ERROR_CHARS).collect::<String>()))
        }
        "inputs_preview" => json!(summary.input_preview),
        "outputs_preview" => json!(summary.output_preview),
        "project_id" => json!(summary.project_id),
        "is_root" => json!(summary.parent_run_id.is_none()),
        "reference_example_id" => match &first["reference_example_id"] {
            Value::Null => {
                let id = whole.and_then(|run| run.metadata.get("reference_example_id"));
                json!(id.map(JsonText::to_value))
            }
            known => known.clone(),
        },
        "total_tokens" => own(summary.total_tokens, totals.total_tokens),
        "prompt_tokens" => own(summary.input_tokens, totals.input_tokens),
        "completion_tokens" => own(summary.output_tokens, totals.output_tokens),
        "total_cost" => cost(summary.total_cost, totals.total_cost),
        "prompt_cost" => cost(summary.input_cost, totals.input_cost),
        "completion_cost" => cost(summary.output_cost, totals.output_cost),
        "prompt_token_details" | "completion_token_details" => json!({ "raw": first[name] }),
        "prompt_cost_details" | "completion_cost_details" => json!({ "raw": cost_details(&first[name]) }),
        "attachments" => attachments(&first["s3_urls"]),
        "is_in_dataset" => first["in_dataset"].clone(),
        "ls_user_id" => json!(summary.user_id),
        // The same as in the first version, or not known there either.
        name => first[name].clone(),
    }
}

/// `{"attachment.a": {"presigned_url": u}}` as `{"a": u}`.
fn attachments(urls: &Value) -> Value {
    let Some(urls) = urls.as_object() else { return json!({}) };
    let plain = urls.iter().filter_map(|(name, url)| {
        Some((name.strip_prefix("attachment.")?.to_owned(), url.get("presigned_url")?.clone()))
    });
    Value::Object(plain.collect())
}

/// The parts of a cost as numbers.
pub(super) fn cost_details(texts: &Value) -> Value {
    let Some(texts) = texts.as_object() else { return Value::Null };
    let number = |text: &Value| text.as_str().and_then(|text| text.parse::<f64>().ok());
    Value::Object(texts.iter().map(|(name, text)| (name.clone(), json!(number(text)))).collect())
}

/// The clients of this version take money as numbers.
pub(super) fn number(amount: Decimal) -> Option<f64> {
    amount.to_string().parse().ok()
}
