//! What each instrumentation calls things: tables of rows, strongest source first.
//!
//! The order of precedence inside one field is: explicit `langsmith.*`, GenAI conventions (newest name
//! first), OpenInference, Traceloop, Langfuse, Vercel AI, Logfire, others, tutorials. Span events, log
//! records and the span's own name and status come after all of them and are not attributes. Run types and
//! names have an order of their own, given by the number in their target; the lower one wins.

mod frameworks;
mod genai;
mod genai_old;
mod labels;
mod langfuse;
mod langsmith;
mod llama_index;
mod logfire;
mod openinference;
mod traceloop;
mod tutorials;
mod values;
mod vector_stores;
mod vercel;

use std::sync::LazyLock;

use crate::engine::{Row, Table};

pub(crate) use labels::{Telling, implied_type, label_of};
pub(crate) use values::{
    days_from_civil, langsmith_kind as read_run_type, normalise_provider, read_timestamp,
};

/// The rows of each dialect, the strongest first, with what people call it.
const DIALECTS: &[(&str, &[Row])] = &[
    ("LangSmith", langsmith::ROWS),
    ("OpenTelemetry GenAI", genai::ROWS),
    ("OpenTelemetry GenAI, names of old", genai_old::ROWS),
    ("OpenInference", openinference::ROWS),
    ("Traceloop (OpenLLMetry)", traceloop::ROWS),
    ("Langfuse", langfuse::ROWS),
    ("Vercel AI SDK", vercel::ROWS),
    ("Logfire and pydantic-ai", logfire::ROWS),
    (
        "Frameworks: MLflow, Genkit, Mastra, Laminar, AgentOps, Braintrust, AG2, Haystack, AutoGen, CrewAI, MCP",
        frameworks::ROWS,
    ),
    ("Vector stores", vector_stores::ROWS),
    ("Plain names that tutorials use", tutorials::ROWS),
];

/// All rows, indexed.
pub(crate) static TABLE: LazyLock<Table> =
    LazyLock::new(|| Table::new(DIALECTS.iter().flat_map(|(_, rows)| rows.iter().copied())));

/// Rows for the attributes of LlamaIndex's events.
pub(crate) static LLAMA_INDEX_EVENTS: LazyLock<Table> =
    LazyLock::new(|| Table::new(llama_index::EVENT_ROWS.iter().copied()));

#[cfg(test)]
mod document;
#[cfg(test)]
mod tests;
