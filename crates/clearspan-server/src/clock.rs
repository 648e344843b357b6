//! The one place that reads the time of day.

use std::time::{SystemTime, UNIX_EPOCH};

use clearspan_model::UnixNanos;

/// Tells the time; a test can stop it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock {
    #[cfg(test)]
    stopped_at: Option<UnixNanos>,
}

impl Clock {
    /// A clock that always tells the same time.
    #[cfg(test)]
    pub(crate) fn stopped(at: UnixNanos) -> Self {
        Self { stopped_at: Some(at) }
    }

    pub(crate) fn now(self) -> UnixNanos {
        #[cfg(test)]
        if let Some(at) = self.stopped_at {
            return at;
        }
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixNanos::from_nanos(i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX))
    }
}
