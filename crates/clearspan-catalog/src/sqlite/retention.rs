//! Deleting projects, and how long they are kept.

use std::num::{NonZeroU32, NonZeroU64};

use clearspan_model::{ProjectId, UnixNanos, WorkspaceId};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::{SqlResult, read_project};
use crate::{LimitedProject, Retention};

pub(super) fn load(db: &Connection, workspace_id: WorkspaceId, id: ProjectId) -> SqlResult<Retention> {
    let found = db
        .prepare_cached(
            "SELECT payload_days, run_days, max_bytes FROM retention WHERE workspace_id = ?1 AND project_id = ?2",
        )?
        .query_row(params![workspace_id.as_bytes(), id.as_bytes()], |row| read_retention(row, 0));
    Ok(found.optional()?.unwrap_or_default())
}

pub(super) fn store(
    db: &Connection,
    workspace_id: WorkspaceId,
    id: ProjectId,
    retention: Retention,
    now: UnixNanos,
) -> SqlResult<bool> {
    let Retention { payload_days, run_days, max_bytes } = retention;
    let changed = db.execute(
        "INSERT INTO retention (project_id, workspace_id, payload_days, run_days, max_bytes, updated_at)
         SELECT id, workspace_id, ?3, ?4, ?5, ?6 FROM projects WHERE workspace_id = ?1 AND id = ?2
         ON CONFLICT (project_id) DO UPDATE SET payload_days = ?3, run_days = ?4, max_bytes = ?5, updated_at = ?6",
        params![
            workspace_id.as_bytes(),
            id.as_bytes(),
            payload_days.map(NonZeroU32::get),
            run_days.map(NonZeroU32::get),
            // SQLite's integers have a sign; nobody has a disk of eight exabytes.
            max_bytes.map(|bytes| i64::try_from(bytes.get()).unwrap_or(i64::MAX)),
            now.as_nanos()
        ],
    )?;
    Ok(changed == 1)
}

pub(super) fn list(db: &Connection) -> SqlResult<Vec<LimitedProject>> {
    db.prepare_cached(
        "SELECT id, projects.workspace_id, name, created_at, payload_days, run_days, max_bytes
         FROM retention JOIN projects ON projects.id = project_id
         WHERE coalesce(payload_days, run_days, max_bytes) IS NOT NULL ORDER BY name",
    )?
    .query_map([], |row| {
        Ok(LimitedProject { project: read_project(row)?, retention: read_retention(row, 4)? })
    })?
    .collect()
}

fn read_retention(row: &Row<'_>, first: usize) -> SqlResult<Retention> {
    let max_bytes = row.get::<_, Option<i64>>(first + 2)?.and_then(|bytes| u64::try_from(bytes).ok());
    Ok(Retention {
        payload_days: row.get::<_, Option<u32>>(first)?.and_then(NonZeroU32::new),
        run_days: row.get::<_, Option<u32>>(first + 1)?.and_then(NonZeroU32::new),
        max_bytes: max_bytes.and_then(NonZeroU64::new),
    })
}

/// Takes the project out of the catalog, and notes that its data must go.
pub(super) fn delete_project(
    db: &mut Connection,
    workspace_id: WorkspaceId,
    id: ProjectId,
    now: UnixNanos,
) -> SqlResult<bool> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let which = params![workspace_id.as_bytes(), id.as_bytes()];
    transaction.execute("DELETE FROM retention WHERE workspace_id = ?1 AND project_id = ?2", which)?;
    transaction.execute("DELETE FROM project_details WHERE workspace_id = ?1 AND project_id = ?2", which)?;
    let removed =
        transaction.execute("DELETE FROM projects WHERE workspace_id = ?1 AND id = ?2", which)? == 1;
    if removed {
        // What was said of it and its runs goes with it.
        for table in ["feedback", "feedback_tokens", "annotation_items", "shares"] {
            let delete = format!("DELETE FROM {table} WHERE workspace_id = ?1 AND project_id = ?2");
            transaction.execute(&delete, which)?;
        }
        transaction.execute(
            "INSERT INTO deleted_projects (id, workspace_id, deleted_at) VALUES (?2, ?1, ?3)",
            params![workspace_id.as_bytes(), id.as_bytes(), now.as_nanos()],
        )?;
    }
    transaction.commit()?;
    Ok(removed)
}

pub(super) fn unfinished(db: &Connection) -> SqlResult<Vec<(WorkspaceId, ProjectId)>> {
    db.prepare_cached("SELECT workspace_id, id FROM deleted_projects ORDER BY deleted_at, id")?
        .query_map([], |row| Ok((WorkspaceId::from_bytes(row.get(0)?), ProjectId::from_bytes(row.get(1)?))))?
        .collect()
}

pub(super) fn finish(db: &Connection, workspace_id: WorkspaceId, id: ProjectId) -> SqlResult<()> {
    db.execute(
        "DELETE FROM deleted_projects WHERE workspace_id = ?1 AND id = ?2",
        params![workspace_id.as_bytes(), id.as_bytes()],
    )?;
    Ok(())
}
