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

use crate::engine::Table;

pub(crate) use labels::{implied_type, label_of};
pub(crate) use values::{normalise_provider, read_timestamp};

/// All rows, indexed.
pub(crate) static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let dialects = [
        langsmith::ROWS,
        genai::ROWS,
        genai_old::ROWS,
        openinference::ROWS,
        traceloop::ROWS,
        langfuse::ROWS,
        vercel::ROWS,
        logfire::ROWS,
        frameworks::ROWS,
        vector_stores::ROWS,
        tutorials::ROWS,
    ];
    Table::new(dialects.into_iter().flatten().copied())
});

/// Rows for the attributes of LlamaIndex's events.
pub(crate) static LLAMA_INDEX_EVENTS: LazyLock<Table> =
    LazyLock::new(|| Table::new(llama_index::EVENT_ROWS.iter().copied()));

#[cfg(test)]
mod tests;
