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

    /// The error of ours that other libraries carry inside of theirs, if they do.
    pub(crate) fn inside<'a>(err: &'a (dyn std::error::Error + 'static)) -> Option<&'a Self> {
        let mut cause = Some(err);
        while let Some(err) = cause {
            // Whoever shares an error or boxes it in an I/O error does not name it as the source.
            let boxed = err.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
            let ours = err.downcast_ref::<Self>().or_else(|| boxed.and_then(|boxed| boxed.downcast_ref()));
            if ours.is_some() {
                return ours;
            }
            cause = err.source();
        }
        None
    }

    /// What an engine failed at: an error of ours that it met keeps its kind and words.
    pub(crate) fn of_engine(
        err: impl std::error::Error + Send + Sync + 'static,
        doing: impl FnOnce() -> String,
    ) -> Self {
        let ours = Self::inside(&err).map(|ours| (ours.kind, ours.context.clone(), ours.position()));
        match ours {
            Some((kind, context, position)) => Self::caused(kind, context, err).at(position),
            None => Self::caused(ErrorKind::Internal, doing(), err),
        }
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

/// An error with everything that caused it: `a: b: c`. What an error says of its cause itself is not repeated.
pub fn chain(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut next = err.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        // Many libraries repeat in their words what caused them.
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    text
}
