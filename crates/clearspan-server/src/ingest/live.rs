//! Who listens to what was just written.

use clearspan_model::{ProjectId, TraceId, WorkspaceId};
use tokio::sync::broadcast;

/// Events that a slow listener may be behind; beyond it, it misses some and reads everything again.
const BACKLOG: usize = 1_024;

/// Traces that were just written.
#[derive(Debug, Clone)]
pub(crate) struct Committed {
    pub(crate) workspace_id: WorkspaceId,
    /// Each once.
    pub(crate) traces: Vec<(ProjectId, TraceId)>,
}

/// Tells listeners; never waits for them.
#[derive(Debug, Clone)]
pub(crate) struct LiveFeed {
    sender: broadcast::Sender<Committed>,
}

impl LiveFeed {
    pub(crate) fn new() -> Self {
        Self { sender: broadcast::Sender::new(BACKLOG) }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Committed> {
        self.sender.subscribe()
    }

    pub(crate) fn publish(&self, workspace_id: WorkspaceId, mut traces: Vec<(ProjectId, TraceId)>) {
        if self.sender.receiver_count() == 0 {
            return;
        }
        traces.sort_unstable();
        traces.dedup();
        // Nobody listening any more is fine.
        let _listeners = self.sender.send(Committed { workspace_id, traces });
    }
}
