//! The tables of prompts, their commits and tags.

use clearspan_model::{ErrorKind, JsonText, UnixNanos, WorkspaceId};
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};
use sha2::{Digest as _, Sha256};

use super::datasets::sql_count;
use super::{SqlResult, failed};
use crate::{
    CommitId, Error, NewCommit, Prompt, PromptAbout, PromptCommit, PromptHandle, PromptId, PromptKind,
    PromptTag, Result,
};

/// What means the newest commit.
const LATEST: &str = "latest";
/// A shorter beginning of a hash says too little.
const MIN_PREFIX: usize = 4;

const SELECT: &str = "
    SELECT id, workspace_id, handle, kind, description, readme, tags, is_public, is_archived, created_at, updated_at,
        is_liked, pulls,
        (SELECT count(*) FROM prompt_commits WHERE prompt_id = prompts.id),
        (SELECT hash FROM prompt_commits WHERE prompt_id = prompts.id ORDER BY number DESC LIMIT 1)
    FROM prompts ";

const SELECT_COMMIT: &str = "
    SELECT prompt_commits.id, prompt_id, hash, parent_hash, manifest, prompt_commits.description,
        prompt_commits.created_at
    FROM prompt_commits JOIN prompts ON prompts.id = prompt_id ";

pub(super) fn create(
    db: &Connection,
    workspace_id: WorkspaceId,
    handle: &PromptHandle,
    kind: PromptKind,
    about: PromptAbout,
    now: UnixNanos,
) -> Result<Prompt> {
    let id = PromptId::generate();
    let inserted = db.execute(
        "INSERT INTO prompts (id, workspace_id, handle, kind, description, readme, tags, is_public, is_archived,
             created_at, updated_at, is_liked, pulls)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, 0, 0)",
        params![
            id.as_bytes(),
            workspace_id.as_bytes(),
            handle.as_str(),
            kind.as_str(),
            about.description,
            about.readme,
            tags_text(&about),
            about.is_public,
            about.is_archived,
            now.as_nanos()
        ],
    );
    inserted.map_err(|err| {
        use rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE;
        if err.sqlite_error().is_some_and(|err| err.extended_code == SQLITE_CONSTRAINT_UNIQUE) {
            let message = format!("there is a prompt \"{}\" already", handle.as_str());
            return Error::caused(ErrorKind::Conflict, message, err);
        }
        failed("keep a prompt in the catalog".to_owned(), err)
    })?;
    Ok(Prompt {
        id,
        workspace_id,
        handle: handle.as_str().to_owned(),
        kind,
        about,
        created_at: now,
        updated_at: now,
        likes: 0,
        pulls: 0,
        commits: 0,
        newest_hash: None,
    })
}

fn tags_text(about: &PromptAbout) -> String {
    serde_json::to_string(&about.tags).expect("texts have a JSON form")
}

pub(super) fn load(db: &Connection, workspace_id: WorkspaceId, handle: &str) -> SqlResult<Option<Prompt>> {
    db.prepare_cached(&format!("{SELECT} WHERE workspace_id = ?1 AND handle = ?2"))?
        .query_row(params![workspace_id.as_bytes(), handle], read)
        .optional()
}

pub(super) fn list(db: &Connection, workspace_id: WorkspaceId) -> SqlResult<Vec<Prompt>> {
    db.prepare_cached(&format!("{SELECT} WHERE workspace_id = ?1 ORDER BY handle"))?
        .query_map([workspace_id.as_bytes()], read)?
        .collect()
}

pub(super) fn update(
    db: &Connection,
    workspace_id: WorkspaceId,
    handle: &str,
    about: &PromptAbout,
    now: UnixNanos,
) -> SqlResult<Option<Prompt>> {
    db.execute(
        "UPDATE prompts SET description = ?3, readme = ?4, tags = ?5, is_public = ?6, is_archived = ?7,
             updated_at = max(updated_at, ?8)
         WHERE workspace_id = ?1 AND handle = ?2",
        params![
            workspace_id.as_bytes(),
            handle,
            about.description,
            about.readme,
            tags_text(about),
            about.is_public,
            about.is_archived,
            now.as_nanos()
        ],
    )?;
    load(db, workspace_id, handle)
}

pub(super) fn delete(db: &mut Connection, workspace_id: WorkspaceId, handle: &str) -> SqlResult<bool> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Some(prompt) = load(&transaction, workspace_id, handle)? else { return Ok(false) };
    for table in ["prompt_tags", "prompt_commits"] {
        transaction.execute(&format!("DELETE FROM {table} WHERE prompt_id = ?1"), [prompt.id.as_bytes()])?;
    }
    transaction.execute("DELETE FROM prompts WHERE id = ?1", [prompt.id.as_bytes()])?;
    transaction.commit()?;
    Ok(true)
}

pub(super) fn like(
    db: &Connection,
    workspace_id: WorkspaceId,
    handle: &str,
    likes: bool,
) -> SqlResult<Option<u64>> {
    db.query_row(
        "UPDATE prompts SET is_liked = ?3 WHERE workspace_id = ?1 AND handle = ?2 RETURNING is_liked",
        params![workspace_id.as_bytes(), handle, likes],
        |row| row.get::<_, bool>(0).map(u64::from),
    )
    .optional()
}

pub(super) fn add_pulls(db: &Connection, id: PromptId, pulls: u64) -> SqlResult<()> {
    db.execute(
        "UPDATE prompts SET pulls = pulls + ?2 WHERE id = ?1",
        params![id.as_bytes(), i64::try_from(pulls).unwrap_or(i64::MAX)],
    )?;
    Ok(())
}

pub(super) fn commit(
    db: &mut Connection,
    workspace_id: WorkspaceId,
    handle: &str,
    new: NewCommit,
    now: UnixNanos,
) -> Result<Option<PromptCommit>> {
    let failure = |err| failed("commit to a prompt in the catalog".to_owned(), err);
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failure)?;
    let Some(prompt) = load(&transaction, workspace_id, handle).map_err(failure)? else { return Ok(None) };
    let newest = find(&transaction, workspace_id, handle, LATEST).map_err(failure)?;
    let newest_hash = newest.as_ref().map(|newest| newest.hash.as_str());
    let is_stale =
        |parent: &str| !newest_hash.is_some_and(|hash| is_prefix(parent) && hash.starts_with(parent));
    if let Some(parent) = new.parent.as_deref().filter(|parent| *parent != LATEST && is_stale(parent)) {
        let message = format!(
            "the parent commit {parent:?} is not the newest of the prompt \"{handle}\"; read it again and commit to that"
        );
        return Err(Error::new(ErrorKind::Conflict, message));
    }
    if newest.as_ref().is_some_and(|newest| newest.manifest.to_value() == new.manifest.to_value()) {
        let message =
            format!("nothing to commit: the prompt \"{handle}\" has not changed since its last commit");
        return Err(Error::new(ErrorKind::Conflict, message));
    }
    let commit = PromptCommit {
        id: CommitId::generate(),
        prompt_id: prompt.id,
        hash: hash_of(prompt.id, newest_hash, &new.manifest),
        parent_hash: newest_hash.map(str::to_owned),
        manifest: new.manifest,
        description: new.description,
        created_at: now,
    };
    insert(&transaction, &commit).map_err(failure)?;
    transaction.commit().map_err(failure)?;
    Ok(Some(commit))
}

fn insert(db: &Connection, commit: &PromptCommit) -> SqlResult<()> {
    db.execute(
        "INSERT INTO prompt_commits (id, prompt_id, number, hash, parent_hash, manifest, description, created_at)
         SELECT ?1, ?2, coalesce(max(number), 0) + 1, ?3, ?4, ?5, ?6, ?7 FROM prompt_commits WHERE prompt_id = ?2",
        params![
            commit.id.as_bytes(),
            commit.prompt_id.as_bytes(),
            commit.hash,
            commit.parent_hash,
            commit.manifest.as_str(),
            commit.description,
            commit.created_at.as_nanos()
        ],
    )?;
    db.execute(
        "UPDATE prompts SET updated_at = max(updated_at, ?2) WHERE id = ?1",
        params![commit.prompt_id.as_bytes(), commit.created_at.as_nanos()],
    )?;
    Ok(())
}

/// The parent is part of it: who goes back to an old text makes a new commit.
fn hash_of(prompt_id: PromptId, parent: Option<&str>, manifest: &JsonText) -> String {
    let mut hasher = Sha256::new();
    hasher.update(prompt_id.as_bytes());
    hasher.update(parent.unwrap_or_default());
    hasher.update([0]);
    hasher.update(manifest.as_str());
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_prefix(text: &str) -> bool {
    text.len() >= MIN_PREFIX && text.bytes().all(|digit| digit.is_ascii_hexdigit())
}

pub(super) fn list_commits(
    db: &Connection,
    workspace_id: WorkspaceId,
    handle: &str,
    offset: usize,
    limit: usize,
) -> SqlResult<Option<(Vec<PromptCommit>, u64)>> {
    let Some(prompt) = load(db, workspace_id, handle)? else { return Ok(None) };
    let commits = db
        .prepare_cached(&format!(
            "{SELECT_COMMIT} WHERE prompt_id = ?1 ORDER BY number DESC LIMIT ?2 OFFSET ?3"
        ))?
        .query_map(params![prompt.id.as_bytes(), sql_count(limit), sql_count(offset)], read_commit)?
        .collect::<SqlResult<_>>()?;
    Ok(Some((commits, prompt.commits)))
}

pub(super) fn find(
    db: &Connection,
    workspace_id: WorkspaceId,
    handle: &str,
    reference: &str,
) -> SqlResult<Option<PromptCommit>> {
    let one = |condition: &str, value: &str| {
        db.prepare_cached(&format!(
            "{SELECT_COMMIT} WHERE workspace_id = ?1 AND handle = ?2 AND {condition} ORDER BY number DESC LIMIT 1"
        ))?
        .query_row(params![workspace_id.as_bytes(), handle, value], read_commit)
        .optional()
    };
    if reference == LATEST {
        return one("?3 IS NOT NULL", reference);
    }
    let by_tag = one(
        "prompt_commits.id = (SELECT commit_id FROM prompt_tags t WHERE t.prompt_id = prompts.id AND name = ?3)",
        reference,
    )?;
    if by_tag.is_some() || !is_prefix(reference) {
        return Ok(by_tag);
    }
    one("substr(hash, 1, length(?3)) = ?3", &reference.to_ascii_lowercase())
}

pub(super) fn tag(
    db: &Connection,
    workspace_id: WorkspaceId,
    handle: &str,
    tag: &str,
    commit_id: CommitId,
    now: UnixNanos,
) -> SqlResult<Option<PromptTag>> {
    let prompt_id: Option<[u8; 16]> = db
        .query_row(
            "SELECT prompt_id FROM prompt_commits JOIN prompts ON prompts.id = prompt_id
             WHERE workspace_id = ?1 AND handle = ?2 AND prompt_commits.id = ?3",
            params![workspace_id.as_bytes(), handle, commit_id.as_bytes()],
            |row| row.get(0),
        )
        .optional()?;
    let Some(prompt_id) = prompt_id else { return Ok(None) };
    db.execute(
        "INSERT INTO prompt_tags (prompt_id, name, commit_id, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)
         ON CONFLICT (prompt_id, name) DO UPDATE SET commit_id = ?3, updated_at = ?4",
        params![prompt_id, tag, commit_id.as_bytes(), now.as_nanos()],
    )?;
    let tags = tags_of(db, PromptId::from_bytes(prompt_id))?;
    Ok(tags.into_iter().find(|known| known.name == tag))
}

pub(super) fn list_tags(
    db: &Connection,
    workspace_id: WorkspaceId,
    handle: &str,
) -> SqlResult<Option<Vec<PromptTag>>> {
    load(db, workspace_id, handle)?.map(|prompt| tags_of(db, prompt.id)).transpose()
}

fn tags_of(db: &Connection, id: PromptId) -> SqlResult<Vec<PromptTag>> {
    db.prepare_cached(
        "SELECT name, commit_id, hash, t.created_at, updated_at
         FROM prompt_tags t JOIN prompt_commits c ON c.id = commit_id WHERE t.prompt_id = ?1 ORDER BY name",
    )?
    .query_map([id.as_bytes()], |row| {
        Ok(PromptTag {
            name: row.get(0)?,
            commit_id: CommitId::from_bytes(row.get(1)?),
            commit_hash: row.get(2)?,
            created_at: UnixNanos::from_nanos(row.get(3)?),
            updated_at: UnixNanos::from_nanos(row.get(4)?),
        })
    })?
    .collect()
}

pub(super) fn delete_tag(
    db: &Connection,
    workspace_id: WorkspaceId,
    handle: &str,
    tag: &str,
) -> SqlResult<bool> {
    let removed = db.execute(
        "DELETE FROM prompt_tags WHERE name = ?3
             AND prompt_id = (SELECT id FROM prompts WHERE workspace_id = ?1 AND handle = ?2)",
        params![workspace_id.as_bytes(), handle, tag],
    )?;
    Ok(removed == 1)
}

fn read(row: &Row<'_>) -> SqlResult<Prompt> {
    let tags: String = row.get(6)?;
    Ok(Prompt {
        id: PromptId::from_bytes(row.get(0)?),
        workspace_id: WorkspaceId::from_bytes(row.get(1)?),
        handle: row.get(2)?,
        kind: PromptKind::parse(&row.get::<_, String>(3)?).unwrap_or(PromptKind::Prompt),
        about: PromptAbout {
            description: row.get(4)?,
            readme: row.get(5)?,
            tags: serde_json::from_str(&tags).unwrap_or_default(),
            is_public: row.get(7)?,
            is_archived: row.get(8)?,
        },
        created_at: UnixNanos::from_nanos(row.get(9)?),
        updated_at: UnixNanos::from_nanos(row.get(10)?),
        likes: row.get::<_, i64>(11)?.unsigned_abs(),
        pulls: row.get::<_, i64>(12)?.unsigned_abs(),
        commits: row.get::<_, i64>(13)?.unsigned_abs(),
        newest_hash: row.get(14)?,
    })
}

fn read_commit(row: &Row<'_>) -> SqlResult<PromptCommit> {
    Ok(PromptCommit {
        id: CommitId::from_bytes(row.get(0)?),
        prompt_id: PromptId::from_bytes(row.get(1)?),
        hash: row.get(2)?,
        parent_hash: row.get(3)?,
        manifest: JsonText::from_trusted(row.get::<_, String>(4)?),
        description: row.get(5)?,
        created_at: UnixNanos::from_nanos(row.get(6)?),
    })
}
