//! OpenTelemetry to runs.
//!
//! Spans, log records and metric points are read from borrowed bytes and mapped one by one ([`read_traces`],
//! [`read_logs`], [`read_metrics`]). Reading can fail; mapping cannot: what it does not understand it keeps, what it must
//! refuse it counts with a reason. One bad item never hurts another, and no request takes more memory than its size
//! allows. Who may write, into which project, and what a run costs is decided elsewhere.

mod decode;
mod events;
mod ids;
mod json_request;
mod json_views;
mod logs;
mod metrics;
mod protobuf;
mod protobuf_request;
#[cfg(test)]
mod published;
mod read;
mod room;
mod signal;
pub(crate) mod span;
pub(crate) mod value;
mod view;
mod wire;

use std::fmt;

use clearspan_model::{LogRecord, MetricPoint, ProjectId, Run, UnixNanos};

use crate::rules::Rules;

pub use decode::{DecodeError, Encoding};
#[cfg(test)]
pub(crate) use events::FIRST_TOKEN;
#[cfg(test)]
pub(crate) use logs::EXCEPTIONS;
pub use read::{read_logs, read_metrics, read_traces, read_within};
pub use room::{Memory, MemoryError, Unshared};
pub(crate) use room::{map_bytes, retained_bytes};
pub use signal::Signal;

/// What the mapping must be told, because it has no clock.
#[derive(Debug, Clone, Copy)]
pub struct MapContext<'r> {
    /// When the request arrived.
    pub received_at: UnixNanos,
    /// The rules of the workspace's users.
    pub rules: &'r Rules,
}

impl MapContext<'static> {
    /// Without rules of users.
    pub fn at(received_at: UnixNanos) -> Self {
        Self { received_at, rules: Rules::none() }
    }
}

/// How a span names the project that it wants to go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectRef {
    /// By its id.
    Id(ProjectId),
    /// By its name.
    Name(String),
}

/// A run and where it wants to go. `run.key.workspace_id` and `run.key.project_id` are nil: ingest fills them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedRun {
    /// The project that the span asked for; `None` leaves it to the request.
    pub project: Option<ProjectRef>,
    /// The run, as far as this span or log record tells it.
    pub run: Run,
}

/// A log record that is kept as one, and where it wants to go. Its store ids are nil, as those of runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedLog {
    /// The project that the record asked for; `None` leaves it to the request.
    pub project: Option<ProjectRef>,
    /// The record.
    pub record: LogRecord,
}

/// A metric point, and where it wants to go. Its store ids are nil, as those of runs.
#[derive(Debug, Clone, PartialEq)]
pub struct MappedPoint {
    /// The project that the sender asked for; `None` leaves it to the request.
    pub project: Option<ProjectRef>,
    /// The point.
    pub point: MetricPoint,
}

/// Something to tell the person who sent some items about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// About how many.
    pub count: u64,
    /// One sentence.
    pub reason: String,
}

/// What became of a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mapped {
    /// The runs, in the order of the request.
    pub runs: Vec<MappedRun>,
    /// The log records to keep, likewise. Those whose content went into a run are not among them.
    pub logs: Vec<MappedLog>,
    /// The metric points to keep, likewise.
    pub metrics: Vec<MappedPoint>,
    /// What was refused, one entry for each reason.
    pub rejections: Vec<Remark>,
    /// What had to be changed in points that were kept: unlike runs and log records, they have no place for it.
    pub repairs: Vec<Remark>,
}

/// How many reasons a partial-success message spells out.
const REASONS_IN_MESSAGE: usize = 5;

/// How many different reasons are told apart; the rest are counted together, so that a body full of bad
/// items costs no more than a good one.
const MAX_REASONS: usize = 100;

/// The reason of those.
const FURTHER: &str = "further items of the same kind";

impl Mapped {
    /// How many items were refused.
    pub fn rejected(&self) -> u64 {
        self.rejections.iter().map(|rejection| rejection.count).sum()
    }

    /// The text for OTLP's `partial_success`: empty when nothing was refused or repaired. With repairs alone it is the
    /// warning that the protocol allows.
    pub fn message(&self) -> String {
        let rejections = self.rejections.iter().map(|remark| (remark, "rejected"));
        let remarks = rejections.chain(self.repairs.iter().map(|remark| (remark, "kept")));
        let mut reasons: Vec<String> = remarks
            .take(REASONS_IN_MESSAGE)
            .map(|(Remark { count, reason }, fate)| format!("{reason} ({count} {fate})"))
            .collect();
        let all = self.rejections.len() + self.repairs.len();
        if let Some(more @ 1..) = all.checked_sub(REASONS_IN_MESSAGE) {
            reasons.push(format!("and {more} more reasons"));
        }
        reasons.join("; ")
    }

    fn reject(&mut self, count: u64, reason: impl fmt::Display) {
        tally(&mut self.rejections, count, reason);
    }

    fn repair(&mut self, reason: impl fmt::Display) {
        tally(&mut self.repairs, 1, reason);
    }
}

fn tally(remarks: &mut Vec<Remark>, count: u64, reason: impl fmt::Display) {
    let full = remarks.len() >= MAX_REASONS;
    if full && let Some(last) = remarks.last_mut().filter(|last| last.reason == FURTHER) {
        last.count += count;
        return;
    }
    let reason = if full { FURTHER.to_owned() } else { reason.to_string() };
    match remarks.iter_mut().find(|remark| remark.reason == reason) {
        Some(remark) => remark.count += count,
        None => remarks.push(Remark { count, reason }),
    }
}

#[cfg(test)]
mod tests;
