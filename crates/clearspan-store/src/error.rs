//! The one error of this crate: a kind that callers act on, what was being done, and the cause.

use std::fmt;
use std::ops::Range;

use clearspan_model::ErrorKind;

/// The result of everything that touches the store.
pub type Result<T> = std::result::Result<T, Error>;

/// What failed, and why.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    context: String,
    position: Option<Range<usize>>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with no deeper cause.
    pub fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), position: None, source: None }
    }

    /// An error that another one caused.
    pub fn caused(
        kind: ErrorKind,
        context: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { kind, context: context.into(), position: None, source: Some(source.into()) }
    }

    /// Says where in the text that was asked the fault lies, in bytes.
    pub(crate) fn at(self, position: Option<Range<usize>>) -> Self {
        Self { position, ..self }
    }

    /// Where in the text that was asked the fault lies, in bytes.
    pub fn position(&self) -> Option<Range<usize>> {
        self.position.clone()
    }

    /// What callers act on.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// Prints what failed; the cause is behind `source()`.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.context)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Adds what was being done to a failure.
pub(crate) trait Context<T> {
    fn context(self, kind: ErrorKind, context: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<Box<dyn std::error::Error + Send + Sync>>> Context<T> for std::result::Result<T, E> {
    fn context(self, kind: ErrorKind, context: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| Error::caused(kind, context(), source))
    }
}
