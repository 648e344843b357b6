//! The query language: from text to a checked tree, with positions in every complaint.
//!
//! This crate owns what can be asked of runs ([`Expr`]) and the two languages people ask it in: our
//! filter text ([`text`]) and LangSmith's filter functions ([`langsmith`]). It also defines what a full-text search
//! finds ([`fulltext`]). It knows no engine: no SQL, no Arrow.

mod diagnostic;
mod entry;
mod expr;
mod field;
pub mod fulltext;
pub mod langsmith;
pub mod text;
mod value;

pub use diagnostic::Diagnostic;
pub use entry::compare_entries;
pub use expr::{Expr, Field, Literal, Op};

/// The longest filter that is read, in bytes. A longer one is a mistake or an attack.
pub const MAX_FILTER_BYTES: usize = 16 * 1024;

/// How deep parentheses, negations and scopes may nest. Bounds the stack of every walk over an [`Expr`].
pub const MAX_DEPTH: usize = 64;
