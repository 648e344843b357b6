//! Feedback goes with the traces that it is about.
//!
//! The store does not say which traces a condition took away. So the traces that feedback names are looked for, and the feedback
//! on those that are nowhere goes. Feedback that came before its run and names no trace stays.

use std::sync::Arc;

use clearspan_model::{ProjectId, TraceId, UnixNanos, WorkspaceId};
use clearspan_query::{Expr, Field, Literal, Op};
use clearspan_store::{Order, RunQuery, Scope, Selection, SortKey, TimeRange};
use rustc_hash::FxHashSet;

use super::{Result, Upkeep, blocking};

/// Traces that are looked for at once.
const TRACES_AT_ONCE: usize = 500;

impl Upkeep {
    /// Removes in the background what was said of traces that a deletion took away.
    pub(super) fn start_forgetting_feedback(self: &Arc<Self>, scope: Scope) {
        let this = Arc::clone(self);
        let before = UnixNanos::from_nanos(self.clock.now().as_nanos().saturating_add(1));
        crate::task::spawn("forget feedback", async move {
            // What is left is removed by the next purge.
            if let Err(err) = this.forget_feedback(&scope, before).await {
                tracing::warn!(
                    error = err.message(),
                    "feedback on deleted traces is still there; it goes later"
                );
            }
        });
    }

    /// Removes the feedback that was given before a time on traces that are not there.
    pub(super) async fn forget_feedback(self: &Arc<Self>, scope: &Scope, before: UnixNanos) -> Result<()> {
        let (mut after, mut removed) = (None, 0);
        loop {
            let (this, Scope { workspace_id, project_ids }) = (Arc::clone(self), scope.clone());
            let traces = blocking(move || {
                let project_ids = project_ids.as_deref();
                this.catalog.traces_with_feedback(workspace_id, project_ids, before, after, TRACES_AT_ONCE)
            });
            let traces = traces.await?;
            after = traces.last().copied();
            if after.is_none() {
                break;
            }
            removed += self.forget_feedback_on(scope.workspace_id, scope.project_ids.clone(), traces).await?;
        }
        if removed > 0 {
            tracing::info!(removed, "removed feedback on traces that were deleted");
        }
        Ok(())
    }

    /// The same for these traces.
    pub(super) async fn forget_feedback_on(
        self: &Arc<Self>,
        workspace_id: WorkspaceId,
        project_ids: Option<Vec<ProjectId>>,
        traces: Vec<TraceId>,
    ) -> Result<u64> {
        let there = self.existing(workspace_id, &traces).await?;
        let gone: Vec<TraceId> = traces.into_iter().filter(|id| !there.contains(id)).collect();
        if gone.is_empty() {
            return Ok(0);
        }
        let this = Arc::clone(self);
        blocking(move || this.catalog.delete_feedback_of_traces(workspace_id, project_ids.as_deref(), &gone))
            .await
    }

    /// Those of the traces that some project has.
    async fn existing(&self, workspace_id: WorkspaceId, traces: &[TraceId]) -> Result<FxHashSet<TraceId>> {
        let ids = traces.iter().map(|id| Literal::Id(*id.as_bytes())).collect();
        let mut query = RunQuery {
            selection: Selection {
                scope: Scope { workspace_id, project_ids: None },
                range: TimeRange::default(),
                filter: Some(Expr::Test(Field::TraceId, Op::In(ids))),
            },
            order: Order { by: SortKey::Start, descending: true },
            after: None,
            limit: TRACES_AT_ONCE,
        };
        let mut there = FxHashSet::default();
        loop {
            let page = self.store.query_traces(&query).await?;
            there.extend(page.traces.iter().map(|trace| trace.root.trace_id));
            query.after = page.next;
            if query.after.is_none() {
                return Ok(there);
            }
        }
    }
}
