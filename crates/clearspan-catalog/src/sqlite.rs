//! The catalog in one SQLite file.
//!
//! WAL mode with `synchronous=FULL`: a change is durable when the method returns, and readers of other
//! processes (`clearspan keys`) do not block the server. The schema carries its version in
//! `user_version`; `migrations` brings older files forward and refuses newer ones. SQLite keeps no checksums of the
//! pages of the main file: `guard` does.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use clearspan_model::{ErrorKind, ProjectId, UnixNanos, WorkspaceId};
use parking_lot::Mutex;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};
use uuid::Uuid;

use self::guard::Guard;
use self::writer::Writer;
use crate::catalog::{Catalog, Key, NewKey, Project, Workspace};
use crate::{
    Error, KeyHash, KeyId, KeyName, LimitedProject, MappingRule, ProjectName, PromptId, Result, Retention,
    RuleContent, RuleId,
};

mod annotation;
mod columns;
mod copy;
mod dataset_catalog;
mod datasets;
mod examples;
mod experiment_catalog;
mod experiments;
mod feedback;
mod guard;
mod look;
mod main_file;
mod migrations;
mod prompt_catalog;
mod prompts;
mod retention;
mod rules;
mod sharing;
mod sums;
#[cfg(test)]
mod tests;
mod wal;
mod writer;

type SqlResult<T> = std::result::Result<T, rusqlite::Error>;

/// How long a statement waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A catalog in a file.
pub struct SqliteCatalog {
    /// For reads that may take long, so that nobody who checks a key waits for them. It ends before the other one, which
    /// takes the write-ahead log away.
    reader: Mutex<Connection>,
    connection: Mutex<Connection>,
    /// Behind the connections: it has what must end after them.
    guard: Guard,
    /// How often prompts were read that the file does not know of yet.
    pulls: Mutex<BTreeMap<PromptId, u64>>,
}

impl fmt::Debug for SqliteCatalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteCatalog").finish_non_exhaustive()
    }
}

impl SqliteCatalog {
    /// Opens the file, makes it when it is missing, and brings its schema up to date. Before anything is read, all of it is
    /// compared with its checksums; a file that has none gets some, when SQLite finds it sound.
    pub fn open(path: &Path) -> Result<Self> {
        let guard = Guard::for_writing(path)?;
        guard.compare()?;
        let mut catalog = Self::connect(path, guard)?;
        migrations::apply(catalog.connection.get_mut())?;
        if !catalog.guard.has_sums() {
            catalog.demand_order("quick_check").inspect_err(|_| catalog.guard.leave_alone())?;
            catalog.guard.accept(catalog.connection.get_mut())?;
        }
        catalog.guard.checkpoint_or_tell(catalog.connection.get_mut());
        Ok(catalog)
    }

    /// Opens a file of this version or an older one, to look at it: it stays as it is, and what would change it fails.
    /// Nothing is compared: see [`Self::check_integrity`].
    pub fn open_to_look(path: &Path) -> Result<Self> {
        let guard = Guard::for_reading(path)?;
        let failed = |err| failed(format!("open the catalog {}", path.display()), err);
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let uri = look::uri(path);
        let open = || {
            let connection = Connection::open_with_flags(&uri, flags)?;
            connection.busy_timeout(BUSY_TIMEOUT).map(|()| connection)
        };
        let connection = open().map_err(failed)?;
        migrations::check_version(&connection)?;
        let reader = open().map_err(failed)?;
        Ok(Self::new(connection, reader, guard))
    }

    /// Reads the whole file, compares it with its checksums and checks that SQLite finds it sound.
    pub fn check_integrity(&self) -> Result<()> {
        self.guard.compare()?;
        self.demand_order("quick_check")
    }

    fn demand_order(&self, check: &str) -> Result<()> {
        let connection = self.connection.lock();
        let verdict: String = connection
            .query_row(&format!("PRAGMA {check}(1)"), [], |row| row.get(0))
            .map_err(|err| failed("check the catalog".to_owned(), err))?;
        if verdict == "ok" {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Corrupt, format!("the catalog is damaged: {verdict}")))
    }

    fn connect(path: &Path, guard: Guard) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = Connection::open_with_flags(path, flags)
                .map_err(|err| failed(format!("open the catalog {}", path.display()), err))?;
            prepare(&connection)
                .map_err(|err| failed(format!("prepare the catalog {}", path.display()), err))?;
            Ok(connection)
        };
        let (connection, reader) = (open()?, open()?);
        guard.add_checkpointer(open()?);
        Ok(Self::new(connection, reader, guard))
    }

    fn new(connection: Connection, reader: Connection, guard: Guard) -> Self {
        Self {
            reader: Mutex::new(reader),
            connection: Mutex::new(connection),
            guard,
            pulls: Mutex::default(),
        }
    }

    /// The connection that writes.
    fn writer(&self) -> Writer<'_> {
        Writer::new(self.connection.lock(), &self.guard)
    }

    fn with<T>(
        &self,
        what: &str,
        work: impl FnOnce(&Connection) -> std::result::Result<T, rusqlite::Error>,
    ) -> Result<T> {
        work(&self.writer()).map_err(|err| failed(format!("{what} in the catalog"), err))
    }

    /// [`Self::with`] for work that only reads and may take long.
    fn read<T>(&self, what: &str, work: impl FnOnce(&Connection) -> SqlResult<T>) -> Result<T> {
        work(&self.reader.lock()).map_err(|err| failed(format!("{what} in the catalog"), err))
    }
}

impl Catalog for SqliteCatalog {
    fn list_workspaces(&self) -> Result<Vec<WorkspaceId>> {
        self.with("list the workspaces", |db| {
            db.prepare_cached("SELECT id FROM workspaces ORDER BY id")?
                .query_map([], |row| Ok(WorkspaceId::from_bytes(row.get(0)?)))?
                .collect()
        })
    }

    fn default_workspace(&self) -> Result<Workspace> {
        self.with("read the workspace", |db| {
            db.query_row("SELECT id, name FROM workspaces ORDER BY created_at, id LIMIT 1", [], |row| {
                Ok(Workspace { id: WorkspaceId::from_bytes(row.get(0)?), name: row.get(1)? })
            })
        })
    }

    fn get_or_create_project(
        &self,
        workspace_id: WorkspaceId,
        name: &ProjectName,
        now: UnixNanos,
    ) -> Result<Project> {
        if let Some(project) = self.find_project(workspace_id, name)? {
            return Ok(project);
        }
        self.with("make a project", |db| {
            // The unique index decides a race between two processes; the loser reads the winner's row.
            db.execute(
                "INSERT INTO projects (id, workspace_id, name, created_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (workspace_id, name) DO NOTHING",
                params![
                    ProjectId::from(Uuid::new_v4()).as_bytes(),
                    workspace_id.as_bytes(),
                    name.as_str(),
                    now.as_nanos()
                ],
            )?;
            db.query_row(
                "SELECT id, workspace_id, name, created_at FROM projects WHERE workspace_id = ?1 AND name = ?2",
                params![workspace_id.as_bytes(), name.as_str()],
                read_project,
            )
        })
    }

    fn load_project(&self, workspace_id: WorkspaceId, project_id: ProjectId) -> Result<Option<Project>> {
        self.with("read a project", |db| {
            db.prepare_cached(
                "SELECT id, workspace_id, name, created_at FROM projects WHERE workspace_id = ?1 AND id = ?2",
            )?
            .query_row(params![workspace_id.as_bytes(), project_id.as_bytes()], read_project)
            .optional()
        })
    }

    fn find_project(&self, workspace_id: WorkspaceId, name: &ProjectName) -> Result<Option<Project>> {
        self.with("find a project", |db| {
            db.prepare_cached(
                "SELECT id, workspace_id, name, created_at FROM projects WHERE workspace_id = ?1 AND name = ?2",
            )?
            .query_row(params![workspace_id.as_bytes(), name.as_str()], read_project)
            .optional()
        })
    }

    fn list_projects(&self, workspace_id: WorkspaceId) -> Result<Vec<Project>> {
        self.with("list the projects", |db| {
            db.prepare_cached(
                "SELECT id, workspace_id, name, created_at FROM projects WHERE workspace_id = ?1 ORDER BY name",
            )?
            .query_map(params![workspace_id.as_bytes()], read_project)?
            .collect()
        })
    }

    fn delete_project(
        &self,
        workspace_id: WorkspaceId,
        project_id: ProjectId,
        now: UnixNanos,
    ) -> Result<bool> {
        retention::delete_project(&mut self.writer(), workspace_id, project_id, now)
            .map_err(|err| failed("delete a project in the catalog".to_owned(), err))
    }

    fn unfinished_deletions(&self) -> Result<Vec<(WorkspaceId, ProjectId)>> {
        self.with("list the deleted projects", retention::unfinished)
    }

    fn finish_deletion(&self, workspace_id: WorkspaceId, project_id: ProjectId) -> Result<()> {
        self.with("finish a deletion", |db| retention::finish(db, workspace_id, project_id))
    }

    fn load_retention(&self, workspace_id: WorkspaceId, project_id: ProjectId) -> Result<Retention> {
        self.with("read the retention", |db| retention::load(db, workspace_id, project_id))
    }

    fn store_retention(
        &self,
        workspace_id: WorkspaceId,
        project_id: ProjectId,
        limits: Retention,
        now: UnixNanos,
    ) -> Result<bool> {
        self.with("keep the retention", |db| retention::store(db, workspace_id, project_id, limits, now))
    }

    fn list_limited(&self) -> Result<Vec<LimitedProject>> {
        self.with("list the retention", retention::list)
    }

    fn scrub(&self) -> Result<()> {
        // Deleted cells are overwritten when they are deleted (`secure_delete`); older pages are in the WAL until it
        // begins anew, with the next write: this one, which changes nothing. No read may go on meanwhile.
        let _reader = self.reader.lock();
        let connection = self.connection.lock();
        if self.guard.checkpoint(&connection)? {
            // It is cut off behind what is in it, and otherwise not: a file that need not grow is written sooner.
            let limit = |bytes: i64| {
                connection.query_row(&format!("PRAGMA journal_size_limit = {bytes}"), [], |_| Ok(()))
            };
            let again = || -> SqlResult<()> {
                let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
                limit(0)?;
                let written = connection.pragma_update(None, "user_version", version);
                limit(-1)?;
                written
            };
            again().map_err(|err| failed("clear the write-ahead log".to_owned(), err))?;
        }
        Ok(())
    }

    fn create_key(&self, new: NewKey, now: UnixNanos) -> Result<Key> {
        let NewKey { workspace_id, name, hash, prefix, default_project } = new;
        let id = KeyId::generate();
        self.with("keep a key", |db| {
            db.execute(
                "INSERT INTO keys (id, workspace_id, name, hash, prefix, default_project, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    id.as_bytes(),
                    workspace_id.as_bytes(),
                    name.as_str(),
                    hash.as_bytes(),
                    prefix,
                    default_project.as_ref().map(ProjectName::as_str),
                    now.as_nanos()
                ],
            )
        })?;
        Ok(Key {
            id,
            workspace_id,
            name,
            prefix,
            default_project,
            created_at: now,
            last_used_at: None,
            revoked_at: None,
        })
    }

    fn find_active_key(&self, hash: &KeyHash) -> Result<Option<Key>> {
        self.with("find a key", |db| {
            db.prepare_cached(concat!(
                "SELECT id, workspace_id, name, prefix, default_project, created_at, last_used_at, revoked_at ",
                "FROM keys WHERE hash = ?1 AND revoked_at IS NULL"
            ))?
            .query_row(params![hash.as_bytes()], read_key)
            .optional()
        })
    }

    fn list_keys(&self, workspace_id: WorkspaceId) -> Result<Vec<Key>> {
        self.with("list the keys", |db| {
            db.prepare_cached(concat!(
                "SELECT id, workspace_id, name, prefix, default_project, created_at, last_used_at, revoked_at ",
                "FROM keys WHERE workspace_id = ?1 ORDER BY created_at, id"
            ))?
            .query_map(params![workspace_id.as_bytes()], read_key)?
            .collect()
        })
    }

    fn revoke_key(&self, workspace_id: WorkspaceId, key_id: KeyId, now: UnixNanos) -> Result<bool> {
        let changed = self.with("revoke a key", |db| {
            db.execute(
                "UPDATE keys SET revoked_at = ?3 WHERE workspace_id = ?1 AND id = ?2 AND revoked_at IS NULL",
                params![workspace_id.as_bytes(), key_id.as_bytes(), now.as_nanos()],
            )
        })?;
        Ok(changed == 1)
    }

    fn note_key_used(&self, key_id: KeyId, at: UnixNanos) -> Result<()> {
        self.with("note the use of a key", |db| {
            db.execute(
                "UPDATE keys SET last_used_at = ?2 WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)",
                params![key_id.as_bytes(), at.as_nanos()],
            )
        })?;
        Ok(())
    }

    fn has_active_keys(&self) -> Result<bool> {
        self.with("count the keys", |db| {
            db.query_row("SELECT EXISTS (SELECT 1 FROM keys WHERE revoked_at IS NULL)", [], |row| row.get(0))
        })
    }

    fn list_rules(&self, workspace_id: WorkspaceId) -> Result<Vec<MappingRule>> {
        self.with("list the mapping rules", |db| rules::list(db, workspace_id))
    }

    fn create_rule(
        &self,
        workspace_id: WorkspaceId,
        content: RuleContent,
        now: UnixNanos,
    ) -> Result<MappingRule> {
        rules::create(&self.writer(), workspace_id, content, now)
    }

    fn update_rule(
        &self,
        workspace_id: WorkspaceId,
        rule_id: RuleId,
        content: RuleContent,
        now: UnixNanos,
    ) -> Result<Option<MappingRule>> {
        rules::update(&self.writer(), workspace_id, rule_id, &content, now)
    }

    fn delete_rule(&self, workspace_id: WorkspaceId, rule_id: RuleId) -> Result<bool> {
        self.with("remove a mapping rule", |db| rules::delete(db, workspace_id, rule_id))
    }

    fn order_rules(&self, workspace_id: WorkspaceId, rule_ids: &[RuleId]) -> Result<Vec<MappingRule>> {
        rules::order(&mut self.writer(), workspace_id, rule_ids)
    }
}

impl Drop for SqliteCatalog {
    fn drop(&mut self) {
        self.guard.finish(self.connection.get_mut());
    }
}

fn prepare(connection: &Connection) -> std::result::Result<(), rusqlite::Error> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // The guard makes checkpoints.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.query_row("PRAGMA wal_autocheckpoint = 0", [], |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "secure_delete", true)?;
    // The catalog is small: a page cache of half a megabyte holds what is asked for often.
    connection.pragma_update(None, "cache_size", -512)
}

fn read_project(row: &Row<'_>) -> std::result::Result<Project, rusqlite::Error> {
    Ok(Project {
        id: ProjectId::from_bytes(row.get(0)?),
        workspace_id: WorkspaceId::from_bytes(row.get(1)?),
        name: read_name(row, 2, ProjectName::parse)?,
        created_at: UnixNanos::from_nanos(row.get(3)?),
    })
}

fn read_key(row: &Row<'_>) -> std::result::Result<Key, rusqlite::Error> {
    let default_project = match row.get_ref(4)? {
        rusqlite::types::ValueRef::Null => None,
        _ => Some(read_name(row, 4, ProjectName::parse)?),
    };
    Ok(Key {
        id: KeyId::from_bytes(row.get(0)?),
        workspace_id: WorkspaceId::from_bytes(row.get(1)?),
        name: read_name(row, 2, KeyName::parse)?,
        prefix: row.get(3)?,
        default_project,
        created_at: UnixNanos::from_nanos(row.get(5)?),
        last_used_at: row.get::<_, Option<i64>>(6)?.map(UnixNanos::from_nanos),
        revoked_at: row.get::<_, Option<i64>>(7)?.map(UnixNanos::from_nanos),
    })
}

fn read_name<T, E: std::error::Error + Send + Sync + 'static>(
    row: &Row<'_>,
    idx: usize,
    parse: impl FnOnce(&str) -> std::result::Result<T, E>,
) -> std::result::Result<T, rusqlite::Error> {
    let text: String = row.get(idx)?;
    parse(&text).map_err(|err| {
        rusqlite::Error::FromSqlConversionFailure(idx, rusqlite::types::Type::Text, Box::new(err))
    })
}

fn failed(what: String, err: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode as Code;
    let kind = match err.sqlite_error_code() {
        Some(Code::DatabaseBusy | Code::DatabaseLocked) => ErrorKind::Overloaded,
        Some(Code::DatabaseCorrupt | Code::NotADatabase) => ErrorKind::Corrupt,
        Some(Code::DiskFull | Code::ReadOnly | Code::CannotOpen | Code::SystemIoFailure) => {
            ErrorKind::Unavailable
        }
        Some(Code::ConstraintViolation) => ErrorKind::Conflict,
        _ => ErrorKind::Internal,
    };
    Error::caused(kind, format!("cannot {what}"), err)
}
