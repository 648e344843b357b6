//! The schema, as the steps that led to it. A step that was released is never changed; a new one is added.

use clearspan_model::ErrorKind;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use uuid::Uuid;

use super::failed;
use crate::{Error, Result};

/// Marks the file as ours ("CLSP").
const APPLICATION_ID: i64 = 0x434c_5350;

/// Ids are their sixteen bytes, times are nanoseconds since the epoch.
const STEPS: &[&str] = &[
    "
    CREATE TABLE workspaces (
        id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        name TEXT NOT NULL,
        created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE projects (
        id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        workspace_id BLOB NOT NULL REFERENCES workspaces (id),
        name TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        UNIQUE (workspace_id, name)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE keys (
        id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        workspace_id BLOB NOT NULL REFERENCES workspaces (id),
        name TEXT NOT NULL,
        hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
        prefix TEXT NOT NULL,
        default_project TEXT,
        created_at INTEGER NOT NULL,
        last_used_at INTEGER,
        revoked_at INTEGER
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE mapping_rules (
        id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        workspace_id BLOB NOT NULL REFERENCES workspaces (id),
        position INTEGER NOT NULL,
        name TEXT NOT NULL,
        enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
        attribute TEXT NOT NULL,
        field TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        UNIQUE (workspace_id, name)
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE retention (
        project_id BLOB NOT NULL PRIMARY KEY REFERENCES projects (id),
        workspace_id BLOB NOT NULL REFERENCES workspaces (id),
        payload_days INTEGER CHECK (payload_days > 0),
        run_days INTEGER CHECK (run_days > 0),
        max_bytes INTEGER CHECK (max_bytes > 0),
        updated_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE deleted_projects (
        id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        workspace_id BLOB NOT NULL REFERENCES workspaces (id),
        deleted_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE feedback (
        id BLOB NOT NULL CHECK (length(id) = 16),
        workspace_id BLOB NOT NULL REFERENCES workspaces (id),
        project_id BLOB CHECK (length(project_id) = 16),
        run_id BLOB CHECK (length(run_id) = 16),
        trace_id BLOB CHECK (length(trace_id) = 16),
        key TEXT NOT NULL,
        score REAL,
        score_is_bool INTEGER NOT NULL CHECK (score_is_bool IN (0, 1)),
        value TEXT,
        comment TEXT,
        correction TEXT,
        source_type TEXT,
        source TEXT,
        is_error INTEGER CHECK (is_error IN (0, 1)),
        group_id BLOB CHECK (length(group_id) = 16),
        comparative_experiment_id BLOB CHECK (length(comparative_experiment_id) = 16),
        extra TEXT,
        run_start INTEGER,
        created_at INTEGER NOT NULL,
        modified_at INTEGER NOT NULL,
        PRIMARY KEY (workspace_id, id)
    ) STRICT;
    CREATE INDEX feedback_by_run ON feedback (workspace_id, run_id);
    CREATE INDEX feedback_by_project ON feedback (workspace_id, project_id, key, score);
    CREATE INDEX feedback_by_key ON feedback (workspace_id, key, score);
    CREATE INDEX feedback_by_time ON feedback (workspace_id, created_at);
    CREATE TABLE feedback_configs (
        workspace_id BLOB NOT NULL REFERENCES workspaces (id),
        key TEXT NOT NULL,
        config TEXT NOT NULL,
        is_lower_score_better INTEGER CHECK (is_lower_score_better IN (0, 1)),
        modified_at INTEGER NOT NULL,
        PRIMARY KEY (workspace_id, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE feedback_tokens (
        token BLOB NOT NULL PRIMARY KEY CHECK (length(token) = 16),
        id BLOB NOT NULL CHECK (length(id) = 16),
        workspace_id BLOB NOT NULL REFERENCES workspaces (id),
        project_id BLOB CHECK (length(project_id) = 16),
        trace_id BLOB CHECK (length(trace_id) = 16),
        run_id BLOB NOT NULL CHECK (length(run_id) = 16),
        key TEXT NOT NULL,
        feedback_id BLOB NOT NULL CHECK (length(feedback_id) = 16),
        created_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX feedback_tokens_by_run ON feedback_tokens (workspace_id, run_id);
    CREATE TABLE annotation_queues (
        id BLOB NOT NULL CHECK (length(id) = 16),
        workspace_id BLOB NOT NULL REFERENCES workspaces (id),
        name TEXT NOT NULL,
        description TEXT,
        rubric_instructions TEXT,
        rubric_items TEXT,
        settings TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        PRIMARY KEY (workspace_id, id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE annotation_items (
        id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        workspace_id BLOB NOT NULL,
        queue_id BLOB NOT NULL,
        run_id BLOB NOT NULL CHECK (length(run_id) = 16),
        trace_id BLOB CHECK (length(trace_id) = 16),
        project_id BLOB CHECK (length(project_id) = 16),
        position INTEGER NOT NULL,
        added_at INTEGER NOT NULL,
        reviewed_at INTEGER,
        completed_at INTEGER,
        UNIQUE (workspace_id, queue_id, run_id),
        FOREIGN KEY (workspace_id, queue_id) REFERENCES annotation_queues (workspace_id, id) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX annotation_items_in_order ON annotation_items (workspace_id, queue_id, added_at, position);
    CREATE INDEX annotation_items_by_run ON annotation_items (workspace_id, run_id);
    CREATE TABLE shares (
        token BLOB NOT NULL PRIMARY KEY CHECK (length(token) = 16),
        workspace_id BLOB NOT NULL REFERENCES workspaces (id),
        project_id BLOB NOT NULL CHECK (length(project_id) = 16),
        trace_id BLOB CHECK (length(trace_id) = 16),
        run_id BLOB CHECK (length(run_id) = 16),
        thread_id TEXT,
        created_at INTEGER NOT NULL,
        CHECK ((thread_id IS NULL) = (run_id IS NOT NULL) AND (run_id IS NULL) = (trace_id IS NULL))
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX shares_of_runs ON shares (workspace_id, project_id, trace_id, run_id)
        WHERE run_id IS NOT NULL;
    CREATE UNIQUE INDEX shares_of_threads ON shares (workspace_id, project_id, thread_id)
        WHERE thread_id IS NOT NULL;
",
    "
    CREATE TABLE datasets (
        id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        workspace_id BLOB NOT NULL REFERENCES workspaces (id),
        name TEXT NOT NULL,
        description TEXT,
        data_type TEXT NOT NULL,
        extra TEXT NOT NULL,
        inputs_schema TEXT,
        outputs_schema TEXT,
        transformations TEXT,
        externally_managed INTEGER NOT NULL CHECK (externally_managed IN (0, 1)),
        created_at INTEGER NOT NULL,
        modified_at INTEGER NOT NULL,
        newest_version INTEGER NOT NULL,
        example_count INTEGER NOT NULL CHECK (example_count >= 0),
        share_token BLOB UNIQUE CHECK (length(share_token) = 16),
        UNIQUE (workspace_id, name)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE dataset_versions (
        dataset_id BLOB NOT NULL REFERENCES datasets (id),
        version INTEGER NOT NULL,
        PRIMARY KEY (dataset_id, version)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE dataset_tags (
        dataset_id BLOB NOT NULL REFERENCES datasets (id),
        tag TEXT NOT NULL,
        version INTEGER NOT NULL,
        PRIMARY KEY (dataset_id, tag)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE example_payloads (
        id INTEGER PRIMARY KEY,
        inputs TEXT NOT NULL,
        outputs TEXT
    ) STRICT;
    CREATE TABLE example_versions (
        id INTEGER PRIMARY KEY,
        dataset_id BLOB NOT NULL REFERENCES datasets (id),
        example_id BLOB NOT NULL CHECK (length(example_id) = 16),
        since INTEGER NOT NULL,
        until INTEGER NOT NULL CHECK (until > since),
        created_at INTEGER NOT NULL,
        payload_id INTEGER NOT NULL REFERENCES example_payloads (id),
        metadata TEXT NOT NULL,
        source_run_id BLOB CHECK (length(source_run_id) = 16),
        attachments TEXT NOT NULL,
        UNIQUE (example_id, since)
    ) STRICT;
    CREATE INDEX examples_in_order ON example_versions (dataset_id, created_at, example_id, since, until);
    CREATE INDEX examples_by_begin ON example_versions (dataset_id, since, example_id);
    CREATE INDEX examples_by_end ON example_versions (dataset_id, until, example_id);
    CREATE INDEX examples_by_payload ON example_versions (payload_id);
    CREATE TABLE project_details (
        project_id BLOB NOT NULL PRIMARY KEY REFERENCES projects (id),
        workspace_id BLOB NOT NULL REFERENCES workspaces (id),
        description TEXT,
        extra TEXT,
        reference_dataset_id BLOB CHECK (length(reference_dataset_id) = 16),
        default_dataset_id BLOB CHECK (length(default_dataset_id) = 16),
        start_time INTEGER,
        end_time INTEGER,
        trace_tier TEXT,
        plan TEXT,
        number INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX experiments_by_dataset ON project_details (reference_dataset_id, start_time);
    CREATE TABLE comparisons (
        id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        workspace_id BLOB NOT NULL REFERENCES workspaces (id),
        dataset_id BLOB NOT NULL,
        name TEXT,
        description TEXT,
        experiment_ids BLOB NOT NULL,
        extra TEXT,
        created_at INTEGER NOT NULL,
        modified_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX comparisons_by_dataset ON comparisons (dataset_id, created_at);
",
    "
    CREATE TABLE prompts (
        id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        workspace_id BLOB NOT NULL REFERENCES workspaces (id),
        handle TEXT NOT NULL,
        kind TEXT NOT NULL,
        description TEXT,
        readme TEXT,
        tags TEXT NOT NULL,
        is_public INTEGER NOT NULL CHECK (is_public IN (0, 1)),
        is_archived INTEGER NOT NULL CHECK (is_archived IN (0, 1)),
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        is_liked INTEGER NOT NULL CHECK (is_liked IN (0, 1)),
        pulls INTEGER NOT NULL,
        UNIQUE (workspace_id, handle)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE prompt_commits (
        id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        prompt_id BLOB NOT NULL REFERENCES prompts (id),
        number INTEGER NOT NULL,
        hash TEXT NOT NULL,
        parent_hash TEXT,
        manifest TEXT NOT NULL,
        description TEXT,
        created_at INTEGER NOT NULL,
        UNIQUE (prompt_id, number),
        UNIQUE (prompt_id, hash)
    ) STRICT;
    CREATE TABLE prompt_tags (
        prompt_id BLOB NOT NULL REFERENCES prompts (id),
        name TEXT NOT NULL,
        commit_id BLOB NOT NULL REFERENCES prompt_commits (id),
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        PRIMARY KEY (prompt_id, name)
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE INDEX feedback_by_trace ON feedback (workspace_id, trace_id);
",
    "
    CREATE INDEX feedback_to_place ON feedback (workspace_id, run_id)
        WHERE run_id IS NOT NULL AND (project_id IS NULL OR trace_id IS NULL);
",
];

/// Brings the schema to the newest version, in one transaction.
pub(super) fn apply(connection: &mut Connection) -> Result<()> {
    let newest = i64::try_from(STEPS.len()).expect("there are few steps");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(|err| failed("lock the catalog".to_owned(), err))?;
    let version = check_version(&transaction)?;
    if version == newest {
        return Ok(());
    }
    run_steps(&transaction, version, newest)
        .and_then(|()| transaction.commit())
        .map_err(|err| failed("bring the catalog up to date".to_owned(), err))
}

/// The version of a file, which must be ours and none that this program does not know.
pub(super) fn check_version(connection: &Connection) -> Result<i64> {
    let newest = i64::try_from(STEPS.len()).expect("there are few steps");
    let read = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let version = read("user_version").map_err(|err| failed("read the catalog's version".to_owned(), err))?;
    let owner = read("application_id").map_err(|err| failed("read the catalog's owner".to_owned(), err))?;
    if version > 0 && owner != APPLICATION_ID {
        return Err(Error::new(ErrorKind::Corrupt, "the file is a SQLite database of another program"));
    }
    if version > newest {
        return Err(Error::new(
            ErrorKind::Unavailable,
            format!(
                "the catalog has version {version}, this program knows versions up to {newest}; start a newer one"
            ),
        ));
    }
    Ok(version)
}

fn run_steps(
    transaction: &Transaction<'_>,
    done: i64,
    newest: i64,
) -> std::result::Result<(), rusqlite::Error> {
    for (_, step) in (0..).zip(STEPS).filter(|(idx, _)| *idx >= done) {
        transaction.execute_batch(step)?;
    }
    if done == 0 {
        // Its time of creation is zero so that it stays the first whatever is added.
        transaction.execute(
            "INSERT INTO workspaces (id, name, created_at) VALUES (?1, 'default', 0)",
            [Uuid::new_v4().as_bytes()],
        )?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", newest)
}
