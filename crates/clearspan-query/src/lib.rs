//! The query language: from text to a checked tree, with positions in every complaint.
//!
//! This crate owns what can be asked of runs ([`Expr`]) and the two languages people ask it in: our
//! filter text and LangSmith's filter functions. It knows no engine: no SQL, no Arrow.

mod expr;

pub use expr::{Expr, Field, Literal, Op};
