//! Annotation queues: runs that wait for people to look at them.

use clearspan_model::{JsonText, ProjectId, RunId, TraceId, UnixNanos, WorkspaceId};
use uuid::Uuid;

use crate::{ItemId, QueueId, Result};

/// Keeps annotation queues and what is in them.
pub trait AnnotationCatalog {
    /// Keeps a new queue. An id that is taken is a conflict.
    fn create_queue(&self, queue: &AnnotationQueue) -> Result<()>;

    /// The queue with that id.
    fn load_queue(&self, workspace_id: WorkspaceId, id: QueueId) -> Result<Option<AnnotationQueue>>;

    /// All queues of the workspace, the newest first.
    fn list_queues(&self, workspace_id: WorkspaceId) -> Result<Vec<AnnotationQueue>>;

    /// Puts a queue in the place of the one with its id. False when there is none.
    fn update_queue(&self, queue: &AnnotationQueue) -> Result<bool>;

    /// Removes a queue and what is in it; the runs themselves stay. False when there is none.
    fn delete_queue(&self, workspace_id: WorkspaceId, id: QueueId) -> Result<bool>;

    /// Puts runs at the end of a queue, in this order; all or none. Those that are in it already stay where they are.
    /// Returns the items of all of them. `None` when there is no such queue.
    fn add_to_queue(
        &self,
        workspace_id: WorkspaceId,
        id: QueueId,
        runs: &[QueuedRun],
        now: UnixNanos,
    ) -> Result<Option<Vec<QueueItem>>>;

    /// What is in a queue, the longest waiting first. Empty when there is no such queue.
    fn list_items(
        &self,
        workspace_id: WorkspaceId,
        id: QueueId,
        is_completed: Option<bool>,
        limit: usize,
        offset: usize,
    ) -> Result<Vec<QueueItem>>;

    /// How many items of a queue wait, and how many are done.
    fn queue_size(&self, workspace_id: WorkspaceId, id: QueueId) -> Result<QueueSize>;

    /// Notes what became of an item. `None` when there is no such item. Without a queue the item may be in any.
    fn update_item(
        &self,
        workspace_id: WorkspaceId,
        queue_id: Option<QueueId>,
        item_id: ItemId,
        change: ItemChange,
    ) -> Result<Option<QueueItem>>;

    /// Takes runs out of a queue, by their id or the item's. Returns how many.
    fn remove_from_queue(&self, workspace_id: WorkspaceId, id: QueueId, ids: &[Uuid]) -> Result<usize>;

    /// The queues that a run is in.
    fn queues_of_run(&self, workspace_id: WorkspaceId, run_id: RunId) -> Result<Vec<AnnotationQueue>>;
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnotationQueue {
    /// Identifies it; clients may choose it.
    pub id: QueueId,
    /// The tenant.
    pub workspace_id: WorkspaceId,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What reviewers should do.
    pub rubric_instructions: Option<String>,
    /// What reviewers should say: a list of feedback keys with explanations, as it was sent.
    pub rubric_items: Option<JsonText>,
    /// What else was set, as a JSON object.
    pub settings: JsonText,
    /// When it was made.
    pub created_at: UnixNanos,
    /// When it was changed last.
    pub updated_at: UnixNanos,
}

/// A run that is put into a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedRun {
    /// The run.
    pub run_id: RunId,
    /// Its trace, when that is known.
    pub trace_id: Option<TraceId>,
    /// Its project, when that is known.
    pub project_id: Option<ProjectId>,
}

/// A run in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueItem {
    /// Identifies the item.
    pub id: ItemId,
    /// The queue.
    pub queue_id: QueueId,
    /// What waits.
    pub run: QueuedRun,
    /// When it was put there.
    pub added_at: UnixNanos,
    /// When somebody looked at it last.
    pub reviewed_at: Option<UnixNanos>,
    /// When it was done.
    pub completed_at: Option<UnixNanos>,
}

/// What becomes of an item: `None` leaves it as it is, `Some(None)` takes it back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ItemChange {
    /// Puts it to another place in the order.
    pub added_at: Option<UnixNanos>,
    /// Somebody looked at it.
    pub reviewed_at: Option<Option<UnixNanos>>,
    /// It is done.
    pub completed_at: Option<Option<UnixNanos>>,
}

/// How much is in a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueSize {
    /// What waits.
    pub waiting: u64,
    /// What is done.
    pub completed: u64,
}
