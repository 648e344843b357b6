//! Work of which one runs at a time, and what came of the last.

use std::sync::Arc;

use clearspan_model::UnixNanos;
use parking_lot::Mutex;

use super::{Result, Upkeep};

/// How one kind of work stands.
#[derive(Debug, Clone)]
pub(crate) struct JobState<R> {
    /// When the one that runs began.
    pub(crate) running_since: Option<UnixNanos>,
    /// The last that ended since the start.
    pub(crate) last: Option<JobRecord<R>>,
}

/// One that has ended.
#[derive(Debug, Clone)]
pub(crate) struct JobRecord<R> {
    pub(crate) started_at: UnixNanos,
    pub(crate) ended_at: UnixNanos,
    /// What came of it, or why it failed.
    pub(crate) outcome: std::result::Result<R, String>,
}

/// One kind of work.
#[derive(Debug)]
pub(super) struct Job<R>(Mutex<JobState<R>>);

impl<R> Default for Job<R> {
    fn default() -> Self {
        Self(Mutex::new(JobState { running_since: None, last: None }))
    }
}

impl<R: Clone> Job<R> {
    pub(super) fn state(&self) -> JobState<R> {
        self.0.lock().clone()
    }

    /// False when it runs.
    fn begin(&self, now: UnixNanos) -> bool {
        let mut state = self.0.lock();
        let is_free = state.running_since.is_none();
        state.running_since.get_or_insert(now);
        is_free
    }

    fn end(&self, record: JobRecord<R>) {
        *self.0.lock() = JobState { running_since: None, last: Some(record) };
    }
}

impl Upkeep {
    /// Does some work on a task of its own, unless the same runs.
    pub(super) fn start_job<R>(
        self: &Arc<Self>,
        name: &'static str,
        job: fn(&Self) -> &Job<R>,
        work: impl Future<Output = Result<R>> + Send + 'static,
    ) where
        R: Clone + Send + 'static,
    {
        let started_at = self.clock.now();
        if !job(self).begin(started_at) {
            return;
        }
        let this = Arc::clone(self);
        crate::task::spawn(name, async move {
            let outcome = match crate::task::guard(name, work).await {
                Some(Ok(report)) => Ok(report),
                Some(Err(err)) => Err(err.message()),
                None => Err("a task panicked".to_owned()),
            };
            if let Err(error) = &outcome {
                tracing::warn!(error, "a {name} failed; it is tried again");
            }
            job(&this).end(JobRecord { started_at, ended_at: this.clock.now(), outcome });
        });
    }
}
