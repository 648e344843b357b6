//! The tables of annotation queues.

use clearspan_model::{ErrorKind, JsonText, ProjectId, RunId, TraceId, UnixNanos, WorkspaceId};
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};
use uuid::Uuid;

use super::columns::{self, id_list};
use super::{SqliteCatalog, failed};
use crate::{
    AnnotationCatalog, AnnotationQueue, Error, ItemChange, ItemId, QueueId, QueueItem, QueueSize, QueuedRun,
    Result,
};

type SqlResult<T> = std::result::Result<T, rusqlite::Error>;

const QUEUE: &str = "id, workspace_id, name, description, rubric_instructions, rubric_items, settings, created_at, \
                     updated_at";
const ITEM: &str = "id, queue_id, run_id, trace_id, project_id, added_at, reviewed_at, completed_at";

impl AnnotationCatalog for SqliteCatalog {
    fn create_queue(&self, queue: &AnnotationQueue) -> Result<()> {
        let made = self.with("make an annotation queue", |db| {
            db.execute(
                &format!(
                    "INSERT INTO annotation_queues ({QUEUE}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                     ON CONFLICT DO NOTHING"
                ),
                params![
                    queue.id.as_bytes(),
                    queue.workspace_id.as_bytes(),
                    queue.name,
                    queue.description,
                    queue.rubric_instructions,
                    queue.rubric_items.as_ref().map(JsonText::as_str),
                    queue.settings.as_str(),
                    queue.created_at.as_nanos(),
                    queue.updated_at.as_nanos()
                ],
            )
        })?;
        if made == 0 {
            let message = format!("there is an annotation queue {} already", queue.id);
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        Ok(())
    }

    fn load_queue(&self, workspace_id: WorkspaceId, id: QueueId) -> Result<Option<AnnotationQueue>> {
        self.with("read an annotation queue", |db| {
            db.prepare_cached(&format!(
                "SELECT {QUEUE} FROM annotation_queues WHERE workspace_id = ?1 AND id = ?2"
            ))?
            .query_row(params![workspace_id.as_bytes(), id.as_bytes()], read_queue)
            .optional()
        })
    }

    fn list_queues(&self, workspace_id: WorkspaceId) -> Result<Vec<AnnotationQueue>> {
        self.with("list the annotation queues", |db| {
            db.prepare_cached(&format!(
                "SELECT {QUEUE} FROM annotation_queues WHERE workspace_id = ?1 ORDER BY created_at DESC, id"
            ))?
            .query_map([workspace_id.as_bytes()], read_queue)?
            .collect()
        })
    }

    fn update_queue(&self, queue: &AnnotationQueue) -> Result<bool> {
        let changed = self.with("change an annotation queue", |db| {
            db.execute(
                "UPDATE annotation_queues SET name = ?3, description = ?4, rubric_instructions = ?5,
                    rubric_items = ?6, settings = ?7, updated_at = ?8 WHERE workspace_id = ?1 AND id = ?2",
                params![
                    queue.workspace_id.as_bytes(),
                    queue.id.as_bytes(),
                    queue.name,
                    queue.description,
                    queue.rubric_instructions,
                    queue.rubric_items.as_ref().map(JsonText::as_str),
                    queue.settings.as_str(),
                    queue.updated_at.as_nanos()
                ],
            )
        })?;
        Ok(changed == 1)
    }

    fn delete_queue(&self, workspace_id: WorkspaceId, id: QueueId) -> Result<bool> {
        let which = params![workspace_id.as_bytes(), id.as_bytes()];
        self.with("remove an annotation queue", |db| {
            Ok(db.execute("DELETE FROM annotation_queues WHERE workspace_id = ?1 AND id = ?2", which)? == 1)
        })
    }

    fn add_to_queue(
        &self,
        workspace_id: WorkspaceId,
        id: QueueId,
        runs: &[QueuedRun],
        now: UnixNanos,
    ) -> Result<Option<Vec<QueueItem>>> {
        if self.load_queue(workspace_id, id)?.is_none() {
            return Ok(None);
        }
        add(&mut self.writer(), workspace_id, id, runs, now)
            .map(Some)
            .map_err(|err| failed("add to an annotation queue in the catalog".to_owned(), err))
    }

    fn list_items(
        &self,
        workspace_id: WorkspaceId,
        id: QueueId,
        is_completed: Option<bool>,
        limit: usize,
        offset: usize,
    ) -> Result<Vec<QueueItem>> {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.with("list what is in an annotation queue", |db| {
            db.prepare_cached(&format!(
                "SELECT {ITEM} FROM annotation_items
                 WHERE workspace_id = ?1 AND queue_id = ?2
                    AND (?3 IS NULL OR (completed_at IS NOT NULL) = ?3)
                 ORDER BY added_at, position, id LIMIT ?4 OFFSET ?5"
            ))?
            .query_map(
                params![workspace_id.as_bytes(), id.as_bytes(), is_completed, count(limit), count(offset)],
                read_item,
            )?
            .collect()
        })
    }

    fn queue_size(&self, workspace_id: WorkspaceId, id: QueueId) -> Result<QueueSize> {
        self.with("count what is in an annotation queue", |db| {
            db.prepare_cached(
                "SELECT count(*) - count(completed_at), count(completed_at) FROM annotation_items
                 WHERE workspace_id = ?1 AND queue_id = ?2",
            )?
            .query_row(params![workspace_id.as_bytes(), id.as_bytes()], |row| {
                let count =
                    |idx| Ok::<_, rusqlite::Error>(u64::try_from(row.get::<_, i64>(idx)?).unwrap_or(0));
                Ok(QueueSize { waiting: count(0)?, completed: count(1)? })
            })
        })
    }

    fn update_item(
        &self,
        workspace_id: WorkspaceId,
        queue_id: Option<QueueId>,
        item_id: ItemId,
        change: ItemChange,
    ) -> Result<Option<QueueItem>> {
        let nanos = |time: Option<Option<UnixNanos>>| time.flatten().map(UnixNanos::as_nanos);
        self.with("change what is in an annotation queue", |db| {
            db.prepare_cached(&format!(
                "UPDATE annotation_items SET
                    added_at = coalesce(?4, added_at),
                    reviewed_at = CASE WHEN ?5 THEN ?6 ELSE reviewed_at END,
                    completed_at = CASE WHEN ?7 THEN ?8 ELSE completed_at END
                 WHERE workspace_id = ?1 AND (?2 IS NULL OR queue_id = ?2) AND id = ?3 RETURNING {ITEM}"
            ))?
            .query_row(
                params![
                    workspace_id.as_bytes(),
                    queue_id.as_ref().map(QueueId::as_bytes),
                    item_id.as_bytes(),
                    change.added_at.map(UnixNanos::as_nanos),
                    change.reviewed_at.is_some(),
                    nanos(change.reviewed_at),
                    change.completed_at.is_some(),
                    nanos(change.completed_at)
                ],
                read_item,
            )
            .optional()
        })
    }

    fn remove_from_queue(&self, workspace_id: WorkspaceId, id: QueueId, ids: &[Uuid]) -> Result<usize> {
        let ids = id_list(ids.iter().map(Uuid::as_bytes));
        self.with("take runs out of an annotation queue", |db| {
            db.execute(
                "DELETE FROM annotation_items WHERE workspace_id = ?1 AND queue_id = ?2
                    AND (run_id IN (SELECT unhex(value) FROM json_each(?3))
                        OR id IN (SELECT unhex(value) FROM json_each(?3)))",
                params![workspace_id.as_bytes(), id.as_bytes(), ids],
            )
        })
    }

    fn queues_of_run(&self, workspace_id: WorkspaceId, run_id: RunId) -> Result<Vec<AnnotationQueue>> {
        self.with("list the annotation queues of a run", |db| {
            db.prepare_cached(&format!(
                "SELECT {QUEUE} FROM annotation_queues WHERE workspace_id = ?1 AND id IN
                    (SELECT queue_id FROM annotation_items WHERE workspace_id = ?1 AND run_id = ?2)
                 ORDER BY created_at DESC, id"
            ))?
            .query_map(params![workspace_id.as_bytes(), run_id.as_bytes()], read_queue)?
            .collect()
        })
    }
}

fn add(
    db: &mut Connection,
    workspace_id: WorkspaceId,
    queue_id: QueueId,
    runs: &[QueuedRun],
    now: UnixNanos,
) -> SqlResult<Vec<QueueItem>> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut items = Vec::with_capacity(runs.len());
    for run in runs {
        let item = transaction
            .prepare_cached(&format!(
                "INSERT INTO annotation_items
                    (id, workspace_id, queue_id, run_id, trace_id, project_id, position, added_at)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6, coalesce(max(position) + 1, 0), ?7
                 FROM annotation_items WHERE workspace_id = ?2 AND queue_id = ?3
                 ON CONFLICT (workspace_id, queue_id, run_id) DO UPDATE SET
                    trace_id = coalesce(trace_id, excluded.trace_id),
                    project_id = coalesce(project_id, excluded.project_id)
                 RETURNING {ITEM}"
            ))?
            .query_row(
                params![
                    ItemId::generate().as_bytes(),
                    workspace_id.as_bytes(),
                    queue_id.as_bytes(),
                    run.run_id.as_bytes(),
                    run.trace_id.as_ref().map(TraceId::as_bytes),
                    run.project_id.as_ref().map(ProjectId::as_bytes),
                    now.as_nanos()
                ],
                read_item,
            )?;
        items.push(item);
    }
    transaction.commit()?;
    Ok(items)
}

fn read_queue(row: &Row<'_>) -> SqlResult<AnnotationQueue> {
    Ok(AnnotationQueue {
        id: QueueId::from_bytes(row.get(0)?),
        workspace_id: WorkspaceId::from_bytes(row.get(1)?),
        name: row.get(2)?,
        description: row.get(3)?,
        rubric_instructions: row.get(4)?,
        rubric_items: columns::json(row, 5)?,
        settings: JsonText::from_trusted(row.get::<_, String>(6)?),
        created_at: UnixNanos::from_nanos(row.get(7)?),
        updated_at: UnixNanos::from_nanos(row.get(8)?),
    })
}

fn read_item(row: &Row<'_>) -> SqlResult<QueueItem> {
    Ok(QueueItem {
        id: ItemId::from_bytes(row.get(0)?),
        queue_id: QueueId::from_bytes(row.get(1)?),
        run: QueuedRun {
            run_id: RunId::from_bytes(row.get(2)?),
            trace_id: columns::id(row, 3)?,
            project_id: columns::id(row, 4)?,
        },
        added_at: UnixNanos::from_nanos(row.get(5)?),
        reviewed_at: columns::time(row, 6)?,
        completed_at: columns::time(row, 7)?,
    })
}
