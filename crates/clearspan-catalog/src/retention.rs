use std::num::{NonZeroU32, NonZeroU64};

use crate::Project;

/// How long, and how much of, a project is kept. What is `None` has no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// Inputs, outputs, attributes and events of runs go after so many days.
    pub payload_days: Option<NonZeroU32>,
    /// Whole traces go so many days after the server last heard of them; log records and metric points, too.
    pub run_days: Option<NonZeroU32>,
    /// The oldest traces go when the runs of the project take more bytes on disk.
    pub max_bytes: Option<NonZeroU64>,
}

/// A project whose retention is limited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitedProject {
    /// The project.
    pub project: Project,
    /// Its limits; at least one is set.
    pub retention: Retention,
}
