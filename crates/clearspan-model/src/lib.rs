//! The words that everyone in Clearspan shares: ids, runs, messages, usage, cost, time and error kinds.
//!
//! This crate owns what a run *is* and how two partial runs merge into one. It leaves wire formats to
//! `clearspan-mapping`, bytes on disk to `clearspan-store`, and answers to `clearspan-server`.
//! It contains no I/O, no clock, no Arrow and no HTTP.
#![warn(missing_docs)]

mod error;
mod ids;
mod json;
mod merge;
mod money;
mod resource;
pub mod rollup;
mod run;
mod sources;
mod telemetry;
mod time;

pub use error::ErrorKind;
pub use ids::{ParseIdError, ProjectId, RunId, SpanId, TraceId, WorkspaceId};
pub use json::{InvalidJson, JsonText};
pub use merge::{FieldId, Rank, Version, Versions};
pub use money::{Cost, CostSource, UnpricedReason};
pub use resource::Resource;
pub use run::{
    Fragment, IssueKind, Link, MapIssue, Payload, Run, RunEvent, RunKey, RunType, Side, Status, UnknownName,
    Usage,
};
pub use rust_decimal::Decimal;
pub use sources::{Name, Sources};
pub use telemetry::{Buckets, Distribution, LogRecord, MetricKind, MetricPoint, Number, Sender, Temporality};
pub use time::UnixNanos;
