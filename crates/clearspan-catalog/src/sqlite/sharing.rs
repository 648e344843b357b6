//! The table of shares.

use clearspan_model::{ErrorKind, RunId, TraceId, UnixNanos, WorkspaceId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::{SqliteCatalog, columns, failed};
use crate::{Error, Result, Share, ShareToken, Shared, SharingCatalog};

type SqlResult<T> = std::result::Result<T, rusqlite::Error>;

const COLUMNS: &str = "token, workspace_id, project_id, trace_id, run_id, thread_id, created_at";
/// `IS` compares the columns that are null with null.
const SUBJECT: &str =
    "workspace_id = ?1 AND project_id = ?2 AND trace_id IS ?3 AND run_id IS ?4 AND thread_id IS ?5";

impl SharingCatalog for SqliteCatalog {
    fn share(&self, share: &Share) -> Result<Share> {
        let db = self.writer();
        let kept = insert(&db, share).map_err(|err| failed("share in the catalog".to_owned(), err))?;
        kept.ok_or_else(|| {
            Error::new(ErrorKind::Conflict, "this token stands for something else; choose another")
        })
    }

    fn find_share(&self, token: ShareToken) -> Result<Option<Share>> {
        self.with("find what is shared", |db| {
            db.prepare_cached(&format!("SELECT {COLUMNS} FROM shares WHERE token = ?1"))?
                .query_row([token.as_bytes()], read)
                .optional()
        })
    }

    fn share_of(&self, workspace_id: WorkspaceId, subject: &Shared) -> Result<Option<Share>> {
        self.with("look whether it is shared", |db| of(db, workspace_id, subject))
    }

    fn unshare(&self, workspace_id: WorkspaceId, subject: &Shared) -> Result<bool> {
        let (project, trace, run, thread) = parts(subject);
        let which = params![workspace_id.as_bytes(), project, trace, run, thread];
        self.with("end sharing", |db| {
            Ok(db.execute(&format!("DELETE FROM shares WHERE {SUBJECT}"), which)? == 1)
        })
    }
}

fn insert(db: &Connection, share: &Share) -> SqlResult<Option<Share>> {
    let (project, trace, run, thread) = parts(&share.subject);
    db.execute(
        &format!("INSERT INTO shares ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING"),
        params![
            share.token.as_bytes(),
            share.workspace_id.as_bytes(),
            project,
            trace,
            run,
            thread,
            share.created_at.as_nanos()
        ],
    )?;
    of(db, share.workspace_id, &share.subject)
}

fn of(db: &Connection, workspace_id: WorkspaceId, subject: &Shared) -> SqlResult<Option<Share>> {
    let (project, trace, run, thread) = parts(subject);
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM shares WHERE {SUBJECT}"))?
        .query_row(params![workspace_id.as_bytes(), project, trace, run, thread], read)
        .optional()
}

type Parts<'a> = (&'a [u8; 16], Option<&'a [u8; 16]>, Option<&'a [u8; 16]>, Option<&'a str>);

fn parts(subject: &Shared) -> Parts<'_> {
    match subject {
        Shared::Run { project_id, trace_id, run_id } => {
            (project_id.as_bytes(), Some(trace_id.as_bytes()), Some(run_id.as_bytes()), None)
        }
        Shared::Thread { project_id, thread_id } => (project_id.as_bytes(), None, None, Some(thread_id)),
    }
}

fn read(row: &Row<'_>) -> SqlResult<Share> {
    let project_id = clearspan_model::ProjectId::from_bytes(row.get(2)?);
    let subject = match row.get::<_, Option<String>>(5)? {
        Some(thread_id) => Shared::Thread { project_id, thread_id },
        None => Shared::Run {
            project_id,
            trace_id: columns::id(row, 3)?.unwrap_or(TraceId::NIL),
            run_id: columns::id(row, 4)?.unwrap_or(RunId::NIL),
        },
    };
    Ok(Share {
        token: Uuid::from_bytes(row.get(0)?),
        workspace_id: WorkspaceId::from_bytes(row.get(1)?),
        subject,
        created_at: UnixNanos::from_nanos(row.get(6)?),
    })
}
