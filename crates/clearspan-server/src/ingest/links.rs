//! What is left to do after a batch was written: runs, spans and log records that belong together find each other.
//!
//! That asks the store, which may be unable to answer just then: while its object store is down, say. What was written stays
//! written, so the client is told so, and the rest is done as soon as the store answers. It waits in memory: after a restart
//! before that, what log records told of a span elsewhere stays there, and so does a copy.

use std::collections::VecDeque;
use std::time::Duration;

use clearspan_model::{ErrorKind, Run, RunKey, UnixNanos, WorkspaceId};
use clearspan_store::Result as StoreResult;
use parking_lot::Mutex;

use super::homes::SpanAt;
use super::{Batch, Ingest, IngestError};
use crate::error::chain;

/// Spans and runs that may wait. When there are more, the request is refused, and its client sends it again.
const MAX_WAITING: usize = 100_000;
/// The pause before what waits is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// One thing that is left to do.
#[derive(Debug, Clone)]
pub(super) enum Link {
    /// Spans take over what log records told of them before.
    Spans(Vec<SpanAt>, UnixNanos),
    /// Log records look once more for spans that came at the same time.
    Records(Vec<SpanAt>, UnixNanos),
    /// Spans look for runs of LangSmith's protocol that came at the same time: by their likenesses, and as parents.
    Export(Vec<u64>, Vec<RunKey>, UnixNanos),
    /// The copies of runs of LangSmith's protocol go, by their likenesses, and these runs become parents.
    Documents(Vec<u64>, Vec<RunKey>, UnixNanos),
    /// Strays look once more for the runs that they belong to, and those take over theirs.
    Strays(Vec<RunKey>, Vec<RunKey>),
}

impl Link {
    fn len(&self) -> usize {
        match self {
            Self::Spans(spans, _) | Self::Records(spans, _) => spans.len(),
            Self::Export(likenesses, keys, _) | Self::Documents(likenesses, keys, _) => {
                likenesses.len() + keys.len()
            }
            Self::Strays(strays, homes) => strays.len() + homes.len(),
        }
    }
}

/// What waits for the store.
#[derive(Debug, Default)]
pub(super) struct Links(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    links: VecDeque<(WorkspaceId, Link)>,
    len: usize,
    /// Whether a task tries them.
    is_tried: bool,
}

impl Links {
    /// Whether there was room, and whether a task must be started.
    fn push(&self, workspace_id: WorkspaceId, link: Link) -> (bool, bool) {
        let waiting = &mut *self.0.lock();
        if waiting.len + link.len() > MAX_WAITING {
            return (false, false);
        }
        waiting.len += link.len();
        waiting.links.push_back((workspace_id, link));
        (true, !std::mem::replace(&mut waiting.is_tried, true))
    }

    /// The one that waits longest. Without one the task that asks ends.
    fn pop(&self) -> Option<(WorkspaceId, Link)> {
        let waiting = &mut *self.0.lock();
        let next = waiting.links.pop_front();
        match &next {
            Some((_, link)) => waiting.len -= link.len(),
            None => waiting.is_tried = false,
        }
        next
    }

    fn put_back(&self, workspace_id: WorkspaceId, link: Link) {
        let waiting = &mut *self.0.lock();
        waiting.len += link.len();
        waiting.links.push_front((workspace_id, link));
    }
}

impl Ingest {
    /// Does it, now or as soon as the store can.
    pub(super) async fn link(&self, workspace_id: WorkspaceId, link: Link) -> Result<(), IngestError> {
        let Err(err) = self.try_link(workspace_id, link.clone()).await else { return Ok(()) };
        if !may_pass(&err) {
            return Err(err);
        }
        let (has_room, is_first) = self.links.push(workspace_id, link);
        if is_first {
            tracing::warn!("what was written finds its other parts as soon as the store answers");
            let this = self.clone();
            crate::task::spawn("link", async move { this.link_when_possible().await });
        }
        if has_room { Ok(()) } else { Err(err) }
    }

    async fn link_when_possible(&self) {
        tokio::time::sleep(PAUSE).await;
        while let Some((workspace_id, link)) = self.links.pop() {
            match self.try_link(workspace_id, link.clone()).await {
                Ok(()) => {}
                Err(err) if may_pass(&err) => {
                    self.links.put_back(workspace_id, link);
                    tokio::time::sleep(PAUSE).await;
                }
                Err(err) => {
                    let error = err.message;
                    tracing::error!(error, "something that was written does not find its other parts");
                }
            }
        }
        tracing::info!("what was written has found its other parts");
    }

    async fn try_link(&self, workspace_id: WorkspaceId, link: Link) -> Result<(), IngestError> {
        let found = self.look_for_others(link).await.map_err(|err| {
            let failed = IngestError::of_ours(err.kind());
            // What may pass is told once, when it begins.
            if !may_pass(&failed) {
                tracing::error!(error = chain(&err), "what belongs together cannot be looked for");
            }
            failed
        });
        self.write(workspace_id, Batch { runs: found?, ..Batch::default() }).await
    }

    async fn look_for_others(&self, link: Link) -> StoreResult<Vec<Run>> {
        match link {
            Link::Spans(spans, now) => self.homes.told_before(spans, now).await,
            Link::Records(spans, now) => self.homes.told_meanwhile(spans, now).await,
            Link::Export(likenesses, orphans, now) => self.hybrid.look_again(&likenesses, orphans, now).await,
            Link::Documents(likenesses, keys, now) => {
                self.hybrid.remove_copies(&likenesses, now).await?;
                self.hybrid.adopt(&keys, now).await
            }
            Link::Strays(strays, homes) => self.take_over(&strays, &homes).await.map(|()| Vec::new()),
        }
    }
}

/// Whether the same may go well later.
fn may_pass(err: &IngestError) -> bool {
    matches!(err.kind, ErrorKind::Unavailable | ErrorKind::Overloaded | ErrorKind::Timeout)
}

#[cfg(test)]
mod tests;
