//! Requests that were refused lately, so that the set-up page can say why nothing arrives.

use std::collections::VecDeque;

use clearspan_model::UnixNanos;
use parking_lot::Mutex;

/// How long a refusal is remembered.
const REMEMBERED_NANOS: i64 = 600_000_000_000;
/// How many are remembered at most.
const REMEMBERED: usize = 200;
/// Texts from clients are cut to this many characters.
const MAX_CHARS: usize = 200;

/// One refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) time: UnixNanos,
    /// `otlp_http`, `otlp_grpc` or `langsmith`.
    pub(crate) protocol: &'static str,
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) reason: String,
    /// What to change, where that is known.
    pub(crate) hint: Option<String>,
}

/// Remembers the latest refusals.
#[derive(Debug, Default)]
pub(crate) struct Diagnostics {
    refused: Mutex<VecDeque<Refused>>,
}

impl Diagnostics {
    pub(crate) fn note(&self, mut refused: Refused) {
        refused.path = refused.path.chars().take(MAX_CHARS).collect();
        refused.reason = refused.reason.chars().take(MAX_CHARS).collect();
        let mut all = self.refused.lock();
        if all.len() == REMEMBERED {
            all.pop_front();
        }
        all.push_back(refused);
    }

    /// The refusals of the last ten minutes, newest first.
    pub(crate) fn recent(&self, now: UnixNanos) -> Vec<Refused> {
        let all = self.refused.lock();
        all.iter().rev().filter(|refused| now.nanos_since(refused.time) < REMEMBERED_NANOS).cloned().collect()
    }
}
