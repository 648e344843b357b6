//! Who listens to what was just written.

use std::sync::Arc;

use clearspan_model::{ProjectId, TraceId, WorkspaceId};
use parking_lot::RwLock;
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
    /// `None` once it is closed.
    sender: Arc<RwLock<Option<broadcast::Sender<Committed>>>>,
}

impl LiveFeed {
    pub(crate) fn new() -> Self {
        Self { sender: Arc::new(RwLock::new(Some(broadcast::Sender::new(BACKLOG)))) }
    }

    /// A receiver of what is written from now on. It ends when the server stops.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Committed> {
        match &*self.sender.read() {
            Some(sender) => sender.subscribe(),
            // The receiver of a sender that is gone ends at once.
            None => broadcast::Sender::new(1).subscribe(),
        }
    }

    /// Ends every receiver.
    pub(crate) fn close(&self) {
        self.sender.write().take();
    }

    pub(crate) fn publish(&self, workspace_id: WorkspaceId, mut traces: Vec<(ProjectId, TraceId)>) {
        let sender = self.sender.read();
        let Some(sender) = sender.as_ref().filter(|sender| sender.receiver_count() > 0) else { return };
        traces.sort_unstable();
        traces.dedup();
        // Nobody listening any more is fine.
        let _listeners = sender.send(Committed { workspace_id, traces });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn listeners_hear_each_trace_once_and_end_with_the_feed() {
        let feed = LiveFeed::new();
        let (project, trace) = (ProjectId::from_bytes([1; 16]), TraceId::from_bytes([2; 16]));
        feed.publish(WorkspaceId::NIL, vec![(project, trace)]);
        let mut listener = feed.subscribe();
        feed.publish(WorkspaceId::NIL, vec![(project, trace), (project, trace)]);
        assert_eq!(listener.recv().await.unwrap().traces, [(project, trace)]);
        feed.close();
        assert!(listener.recv().await.is_err());
        assert!(feed.subscribe().recv().await.is_err());
    }
}
