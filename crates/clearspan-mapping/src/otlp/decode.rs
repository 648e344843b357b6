//! How bodies are written, and why one cannot be taken.

use std::fmt;

use clearspan_model::ErrorKind;

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

/// A body that cannot be taken: what was expected, and what is wrong where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// Whose fault it is, and whether it passes.
    pub kind: ErrorKind,
    message: String,
}

impl DecodeError {
    pub(super) fn new(what: &str, why: impl fmt::Display) -> Self {
        Self {
            kind: ErrorKind::InvalidInput,
            message: format!("the body is not an OTLP {what} request: {why}"),
        }
    }

    pub(super) fn too_large(why: &str) -> Self {
        Self { kind: ErrorKind::TooLarge, message: why.to_owned() }
    }

    pub(super) fn busy() -> Self {
        let message = "the server has too much to do; try again".to_owned();
        Self { kind: ErrorKind::Overloaded, message }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DecodeError {}
