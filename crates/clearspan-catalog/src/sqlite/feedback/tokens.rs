//! The table of tokens.

use clearspan_model::{ProjectId, RunId, TraceId, UnixNanos, WorkspaceId};
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};
use uuid::Uuid;

use super::super::columns;
use super::SqlResult;
use crate::{FeedbackId, FeedbackToken, TokenId};

const COLUMNS: &str =
    "token, id, workspace_id, project_id, trace_id, run_id, key, feedback_id, created_at, expires_at";

pub(super) fn create(db: &mut Connection, tokens: &[FeedbackToken]) -> SqlResult<()> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for token in tokens {
        transaction
            .prepare_cached(&format!(
                "INSERT INTO feedback_tokens ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
            ))?
            .execute(params![
                token.token.as_bytes(),
                token.id.as_bytes(),
                token.workspace_id.as_bytes(),
                token.project_id.as_ref().map(ProjectId::as_bytes),
                token.trace_id.as_ref().map(TraceId::as_bytes),
                token.run_id.as_bytes(),
                token.key,
                token.feedback_id.as_bytes(),
                token.created_at.as_nanos(),
                token.expires_at.as_nanos()
            ])?;
    }
    transaction.commit()
}

pub(super) fn find(db: &Connection, token: TokenId) -> SqlResult<Option<FeedbackToken>> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM feedback_tokens WHERE token = ?1"))?
        .query_row([token.as_bytes()], read)
        .optional()
}

pub(super) fn list(
    db: &Connection,
    workspace_id: WorkspaceId,
    run_id: RunId,
) -> SqlResult<Vec<FeedbackToken>> {
    db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM feedback_tokens WHERE workspace_id = ?1 AND run_id = ?2
         ORDER BY created_at DESC, id"
    ))?
    .query_map(params![workspace_id.as_bytes(), run_id.as_bytes()], read)?
    .collect()
}

fn read(row: &Row<'_>) -> SqlResult<FeedbackToken> {
    Ok(FeedbackToken {
        token: Uuid::from_bytes(row.get(0)?),
        id: Uuid::from_bytes(row.get(1)?),
        workspace_id: WorkspaceId::from_bytes(row.get(2)?),
        project_id: columns::id(row, 3)?,
        trace_id: columns::id(row, 4)?,
        run_id: RunId::from_bytes(row.get(5)?),
        key: row.get(6)?,
        feedback_id: FeedbackId::from_bytes(row.get(7)?),
        created_at: UnixNanos::from_nanos(row.get(8)?),
        expires_at: UnixNanos::from_nanos(row.get(9)?),
    })
}
