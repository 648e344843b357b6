use std::fmt;

/// What went wrong, as far as a caller can act on it. Closed on purpose: every protocol maps all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The caller's input is wrong; sending it again cannot help.
    InvalidInput,
    /// The thing asked for does not exist (or not for this workspace).
    NotFound,
    /// It exists already, or changed underneath the caller.
    Conflict,
    /// The caller is not known, or may not do this.
    Unauthorized,
    /// The input or the answer is larger than a limit.
    TooLarge,
    /// Too busy now; the same request may succeed later.
    Overloaded,
    /// A part that is needed (disk, writer) does not work now.
    Unavailable,
    /// It took longer than allowed.
    Timeout,
    /// Stored bytes do not match their checksum or format.
    Corrupt,
    /// A bug or a failure that the caller can do nothing about.
    Internal,
}

impl ErrorKind {
    /// True when the same request may succeed later.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Overloaded | Self::Unavailable | Self::Timeout)
    }

    /// The stable name, in snake case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Unauthorized => "unauthorized",
            Self::TooLarge => "too_large",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Corrupt => "corrupt",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
