//! From what instrumentations send to what Clearspan stores.
//!
//! This crate owns the wire forms (OTLP, LangSmith's documents), the dialects spoken inside them, and pricing. It is made
//! of pure functions: no I/O, no clock, no globals that change, no `async`. Mapping never fails; what no
//! rule understands stays readable under `Run::attributes`, and what had to be repaired is told in `Run::issues`.

mod arena;
mod dialects;
mod engine;
mod json;
pub mod langsmith;
mod messages;
pub mod otlp;
pub mod pricing;
mod remap;
pub mod rules;

pub use remap::remap;
