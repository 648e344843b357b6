//! What the server tells about itself: metrics, refused requests, logs.

mod diagnostics;
mod logging;
mod metrics;
mod seldom;

pub(crate) use diagnostics::{Diagnostics, Refused};
pub(crate) use logging::start_logging;
pub(crate) use metrics::{
    Accepted, Metrics, Protocol, render_compaction, render_deletion, render_inflight, render_scrub,
};
pub(crate) use seldom::Seldom;
