//! The tables of examples.
//!
//! A row of `example_versions` is one state of an example; it holds for the versions of the dataset from `since` up to,
//! without, `until`. The newest state has no end. What goes in and out stands in a table of its own, so that a change of
//! metadata does not copy it, and so that looking for examples by their metadata does not read it.

use std::collections::BTreeMap;

use super::datasets::{next_version, sql_count};
use super::{SqlResult, columns, failed};
use crate::example::{planned, splits_of, with_splits};
use crate::{
    Attachment, DatasetId, Error, Example, ExampleChange, ExampleDiff, ExampleId, ExampleQuery, ExampleWrite,
    Metadata, NewExample, Result,
};
use clearspan_model::{ErrorKind, JsonText, RunId, UnixNanos, WorkspaceId};
use rusqlite::types::{ToSql, Type};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};

/// Where a state ends that did not end yet.
const NO_END: i64 = i64::MAX;

const SELECT: &str = "
    SELECT example_id, v.dataset_id, v.created_at, since, inputs, outputs, metadata, source_run_id, attachments
    FROM example_versions v JOIN example_payloads p ON p.id = payload_id ";

/// A state as the table has it, without what it refers to.
struct State {
    row: i64,
    dataset_id: DatasetId,
    payload: i64,
    until: i64,
}

pub(super) fn write(
    db: &mut Connection,
    workspace_id: WorkspaceId,
    dataset_id: DatasetId,
    writes: Vec<ExampleWrite>,
    now: UnixNanos,
) -> Result<Option<UnixNanos>> {
    let failure = |err| failed("write examples in the catalog".to_owned(), err);
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failure)?;
    let Some(version) = next_version(&transaction, workspace_id, dataset_id, now).map_err(failure)? else {
        return Ok(None);
    };
    let writer = Writer { db: &transaction, workspace_id, dataset_id, version };
    let mut added = 0;
    let mut changed = 0;
    for write in writes {
        match writer.write(write)? {
            Outcome::Added => added += 1,
            Outcome::Changed => changed += 1,
            Outcome::Same => {}
        }
    }
    if added + changed == 0 {
        // Nothing differs, so there is no new version.
        drop(transaction);
        let latest = crate::VersionRef::Tag(crate::DatasetVersion::LATEST.to_owned());
        let newest = super::datasets::find_version(db, workspace_id, dataset_id, &latest).map_err(failure)?;
        return Ok(Some(newest.map_or(version, |newest| newest.as_of)));
    }
    count(&transaction, dataset_id, added).map_err(failure)?;
    transaction.commit().map_err(failure)?;
    Ok(Some(version))
}

enum Outcome {
    Added,
    Changed,
    Same,
}

/// Writes examples of one version.
struct Writer<'a> {
    db: &'a Transaction<'a>,
    workspace_id: WorkspaceId,
    dataset_id: DatasetId,
    version: UnixNanos,
}

impl Writer<'_> {
    fn write(&self, write: ExampleWrite) -> Result<Outcome> {
        let id = write.id();
        let sql = |err| failed("write an example in the catalog".to_owned(), err);
        let state = newest_state(self.db, id).map_err(sql)?;
        if state.as_ref().is_some_and(|state| state.dataset_id != self.dataset_id) {
            let message = format!("the example {id} belongs to another dataset");
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        let living = state.filter(|state| state.until == NO_END);
        let old = match &living {
            Some(_) => load(self.db, self.workspace_id, id, None).map_err(sql)?,
            None => None,
        };
        match (write, living, old) {
            (ExampleWrite::Create(new) | ExampleWrite::Upsert(new), None, _) => {
                self.insert(new).map_err(sql)?;
                Ok(Outcome::Added)
            }
            (ExampleWrite::Create(new), Some(_), Some(old)) => {
                if is_same(&old, &new) {
                    return Ok(Outcome::Same);
                }
                Err(Error::new(ErrorKind::Conflict, format!("there is an example {id} already")))
            }
            (ExampleWrite::Upsert(new), Some(state), Some(old)) => {
                let change = ExampleChange {
                    id,
                    inputs: Some(new.inputs),
                    outputs: new.outputs,
                    metadata: Some(new.metadata),
                    splits: new.splits,
                    attachments: None,
                    added: new.attachments,
                };
                self.replace(state, old, change).map_err(sql)
            }
            (ExampleWrite::Update(change), Some(state), Some(old)) => {
                self.replace(state, old, change).map_err(sql)
            }
            (ExampleWrite::Update(_), ..) | (_, Some(_), None) => {
                Err(Error::new(ErrorKind::NotFound, format!("there is no example {id}")))
            }
        }
    }

    fn insert(&self, new: NewExample) -> SqlResult<()> {
        let payload = self.keep_payload(&new.inputs, new.outputs.as_ref())?;
        let example = Example {
            id: new.id,
            dataset_id: self.dataset_id,
            created_at: new.created_at.unwrap_or(self.version),
            version: self.version,
            inputs: new.inputs,
            outputs: new.outputs,
            metadata: with_splits(new.metadata, new.splits, None),
            source_run_id: new.source_run_id,
            attachments: planned(Vec::new(), None, new.attachments),
        };
        self.keep_state(&example, payload)
    }

    fn replace(&self, state: State, old: Example, change: ExampleChange) -> SqlResult<Outcome> {
        let ExampleChange { id: _, inputs, outputs, metadata, splits, attachments, added } = change;
        let metadata = match (metadata, splits) {
            (None, None) => old.metadata.clone(),
            (metadata, splits) => {
                // Only a change of the metadata may name splits by the way.
                let own = metadata.unwrap_or_else(|| old.metadata.clone());
                with_splits(own, splits, Some(&old.metadata))
            }
        };
        let example = Example {
            version: self.version,
            inputs: inputs.unwrap_or_else(|| old.inputs.clone()),
            outputs: outputs.or_else(|| old.outputs.clone()),
            metadata,
            attachments: planned(old.attachments.clone(), attachments.as_ref(), added),
            ..old.clone()
        };
        if (Example { version: old.version, ..example.clone() }) == old {
            return Ok(Outcome::Same);
        }
        let payload = match example.inputs == old.inputs && example.outputs == old.outputs {
            true => state.payload,
            false => self.keep_payload(&example.inputs, example.outputs.as_ref())?,
        };
        if old.version == self.version {
            // Changed twice by one request: the state in between never was.
            self.db.prepare_cached("DELETE FROM example_versions WHERE id = ?1")?.execute([state.row])?;
            if payload != state.payload {
                self.db
                    .prepare_cached(
                        "DELETE FROM example_payloads WHERE id = ?1
                         AND NOT EXISTS (SELECT 1 FROM example_versions WHERE payload_id = ?1)",
                    )?
                    .execute([state.payload])?;
            }
        } else {
            end_state(self.db, &state, self.version)?;
        }
        self.keep_state(&example, payload)?;
        Ok(Outcome::Changed)
    }

    fn keep_payload(&self, inputs: &JsonText, outputs: Option<&JsonText>) -> SqlResult<i64> {
        self.db
            .prepare_cached("INSERT INTO example_payloads (inputs, outputs) VALUES (?1, ?2)")?
            .insert(params![inputs.as_str(), outputs.map(JsonText::as_str)])
    }

    fn keep_state(&self, example: &Example, payload: i64) -> SqlResult<()> {
        let metadata = serde_json::to_string(&example.metadata).expect("metadata has a JSON form");
        let attachments = serde_json::to_string(&example.attachments).expect("attachments have a JSON form");
        self.db
            .prepare_cached(
                "INSERT INTO example_versions (dataset_id, example_id, since, until, created_at, payload_id, metadata,
                     source_run_id, attachments)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                self.dataset_id.as_bytes(),
                example.id.as_bytes(),
                self.version.as_nanos(),
                NO_END,
                example.created_at.as_nanos(),
                payload,
                metadata,
                example.source_run_id.as_ref().map(RunId::as_bytes),
                attachments
            ])?;
        Ok(())
    }
}

/// Whether an example that a client creates is what is there already.
fn is_same(old: &Example, new: &NewExample) -> bool {
    old.inputs == new.inputs
        && old.outputs == new.outputs
        && old.metadata == with_splits(new.metadata.clone(), new.splits.clone(), None)
        && old.source_run_id == new.source_run_id
        && old.attachments == planned(Vec::new(), None, new.attachments.clone())
}

fn newest_state(db: &Connection, id: ExampleId) -> SqlResult<Option<State>> {
    db.prepare_cached(
        "SELECT id, dataset_id, payload_id, until FROM example_versions WHERE example_id = ?1
         ORDER BY since DESC LIMIT 1",
    )?
    .query_row([id.as_bytes()], |row| {
        Ok(State {
            row: row.get(0)?,
            dataset_id: DatasetId::from_bytes(row.get(1)?),
            payload: row.get(2)?,
            until: row.get(3)?,
        })
    })
    .optional()
}

fn end_state(db: &Connection, state: &State, version: UnixNanos) -> SqlResult<()> {
    db.prepare_cached("UPDATE example_versions SET until = ?2 WHERE id = ?1")?
        .execute(params![state.row, version.as_nanos()])?;
    Ok(())
}

fn count(db: &Connection, dataset_id: DatasetId, more: i64) -> SqlResult<()> {
    db.prepare_cached("UPDATE datasets SET example_count = example_count + ?2 WHERE id = ?1")?
        .execute(params![dataset_id.as_bytes(), more])?;
    Ok(())
}

pub(super) fn delete(
    db: &mut Connection,
    workspace_id: WorkspaceId,
    ids: &[ExampleId],
    forever: bool,
    now: UnixNanos,
) -> SqlResult<Vec<ExampleId>> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut versions: BTreeMap<DatasetId, UnixNanos> = BTreeMap::new();
    let mut deleted = Vec::new();
    for id in ids {
        let Some(state) = newest_state(&transaction, *id)? else { continue };
        let is_living = state.until == NO_END;
        if !is_living && !forever {
            continue;
        }
        let version = match versions.get(&state.dataset_id) {
            Some(version) => *version,
            None => match next_version(&transaction, workspace_id, state.dataset_id, now)? {
                Some(version) => *versions.entry(state.dataset_id).or_insert(version),
                // The dataset of another workspace.
                None => continue,
            },
        };
        if forever {
            delete_forever(&transaction, *id)?;
        } else {
            end_state(&transaction, &state, version)?;
        }
        if is_living {
            count(&transaction, state.dataset_id, -1)?;
        }
        deleted.push(*id);
    }
    transaction.commit()?;
    Ok(deleted)
}

fn delete_forever(db: &Connection, id: ExampleId) -> SqlResult<()> {
    let mut statement =
        db.prepare_cached("SELECT DISTINCT payload_id FROM example_versions WHERE example_id = ?1")?;
    let payloads =
        statement.query_map([id.as_bytes()], |row| row.get(0))?.collect::<SqlResult<Vec<i64>>>()?;
    db.prepare_cached("DELETE FROM example_versions WHERE example_id = ?1")?.execute([id.as_bytes()])?;
    for payload in payloads {
        db.prepare_cached("DELETE FROM example_payloads WHERE id = ?1")?.execute([payload])?;
    }
    Ok(())
}

/// Everything of a dataset that is being removed.
pub(super) fn list_attachment_digests(db: &Connection) -> SqlResult<Vec<String>> {
    db.prepare_cached(
        "SELECT DISTINCT file.value ->> '$.digest' FROM example_versions, json_each(attachments) AS file ORDER BY 1",
    )?
    .query_map([], |row| row.get(0))?
    .collect()
}

pub(super) fn delete_all(db: &Connection, dataset_id: DatasetId) -> SqlResult<()> {
    let mut statement =
        db.prepare("SELECT DISTINCT payload_id FROM example_versions WHERE dataset_id = ?1")?;
    let payloads =
        statement.query_map([dataset_id.as_bytes()], |row| row.get(0))?.collect::<SqlResult<Vec<i64>>>()?;
    db.execute("DELETE FROM example_versions WHERE dataset_id = ?1", [dataset_id.as_bytes()])?;
    let mut delete = db.prepare("DELETE FROM example_payloads WHERE id = ?1")?;
    for payload in payloads {
        delete.execute([payload])?;
    }
    Ok(())
}

pub(super) fn load(
    db: &Connection,
    workspace_id: WorkspaceId,
    id: ExampleId,
    version: Option<UnixNanos>,
) -> SqlResult<Option<Example>> {
    db.prepare_cached(&format!(
        "{SELECT} JOIN datasets d ON d.id = v.dataset_id
         WHERE workspace_id = ?1 AND example_id = ?2 AND since <= ?3 AND until > ?3"
    ))?
    .query_row(params![workspace_id.as_bytes(), id.as_bytes(), moment(version)], read)
    .optional()
}

/// The moment at which states are looked at.
fn moment(version: Option<UnixNanos>) -> i64 {
    version.map_or(NO_END - 1, |version| version.as_nanos().min(NO_END - 1))
}

pub(super) fn list(
    db: &Connection,
    workspace_id: WorkspaceId,
    query: &ExampleQuery,
) -> SqlResult<Vec<Example>> {
    let rows = find_rows(db, workspace_id, query, query.offset, query.limit)?;
    let mut load = db.prepare_cached(&format!("{SELECT} WHERE v.id = ?1"))?;
    rows.into_iter().map(|row| load.query_row([row], read)).collect()
}

pub(super) fn count_all(db: &Connection, workspace_id: WorkspaceId, query: &ExampleQuery) -> SqlResult<u64> {
    let query = ExampleQuery { after: None, ..query.clone() };
    Ok(find_rows(db, workspace_id, &query, 0, usize::MAX)?.len() as u64)
}

/// The rows of a page. Without conditions on metadata the index answers alone; with them, only metadata is read.
fn find_rows(
    db: &Connection,
    workspace_id: WorkspaceId,
    query: &ExampleQuery,
    offset: usize,
    limit: usize,
) -> SqlResult<Vec<i64>> {
    let reads_metadata = query.filter.is_some() || !query.splits.is_empty();
    let (mut sql, mut values) = conditions(workspace_id, query, reads_metadata);
    if !reads_metadata {
        sql.push_str(" LIMIT ? OFFSET ?");
        values.push(Box::new(sql_count(limit)));
        values.push(Box::new(sql_count(offset)));
    }
    let mut statement = db.prepare_cached(&sql)?;
    let mut found = statement.query(rusqlite::params_from_iter(&values))?;
    let (mut rows, mut skipped) = (Vec::new(), 0);
    while let Some(row) = found.next()? {
        if reads_metadata {
            if !fits(query, &read_metadata(row, 1)?) {
                continue;
            }
            if skipped < offset {
                skipped += 1;
                continue;
            }
        }
        rows.push(row.get(0)?);
        if rows.len() >= limit {
            break;
        }
    }
    Ok(rows)
}

fn conditions(
    workspace_id: WorkspaceId,
    query: &ExampleQuery,
    reads_metadata: bool,
) -> (String, Vec<Box<dyn ToSql>>) {
    let ExampleQuery { dataset_id, ids, version, newest_first, after, .. } = query;
    let column = if reads_metadata { "v.id, metadata" } else { "v.id" };
    let mut sql = format!(
        "SELECT {column} FROM example_versions v WHERE since <= ? AND until > ?
             AND EXISTS (SELECT 1 FROM datasets d WHERE d.id = v.dataset_id AND workspace_id = ?)"
    );
    let at = moment(*version);
    let mut values: Vec<Box<dyn ToSql>> =
        vec![Box::new(at), Box::new(at), Box::new(*workspace_id.as_bytes())];
    if let Some(dataset_id) = dataset_id {
        sql.push_str(" AND v.dataset_id = ?");
        values.push(Box::new(*dataset_id.as_bytes()));
    }
    if !ids.is_empty() {
        sql.push_str(" AND example_id IN (SELECT unhex(value) FROM json_each(?))");
        values.push(Box::new(columns::id_list(ids.iter().map(ExampleId::as_bytes))));
    }
    if let Some(after) = after {
        let side = if *newest_first { "<" } else { ">" };
        sql.push_str(&format!(" AND (v.created_at, example_id) {side} (?, ?)"));
        values.push(Box::new(after.created_at.as_nanos()));
        values.push(Box::new(*after.id.as_bytes()));
    }
    let direction = if *newest_first { "DESC" } else { "ASC" };
    sql.push_str(&format!(" ORDER BY v.created_at {direction}, example_id {direction}"));
    (sql, values)
}

fn fits(query: &ExampleQuery, metadata: &Metadata) -> bool {
    (query.splits.is_empty() || splits_of(metadata).iter().any(|split| query.splits.contains(split)))
        && query.filter.as_ref().is_none_or(|filter| filter.holds(metadata))
}

pub(super) fn list_splits(
    db: &Connection,
    workspace_id: WorkspaceId,
    dataset_id: DatasetId,
    version: Option<UnixNanos>,
) -> SqlResult<Vec<String>> {
    db.prepare_cached(
        "SELECT DISTINCT split.value FROM example_versions v, json_each(metadata, '$.dataset_split') split
         WHERE v.dataset_id = ?2 AND since <= ?3 AND until > ?3
             AND EXISTS (SELECT 1 FROM datasets WHERE workspace_id = ?1 AND id = ?2)
         ORDER BY split.value",
    )?
    .query_map(params![workspace_id.as_bytes(), dataset_id.as_bytes(), moment(version)], |row| row.get(0))?
    .collect()
}

pub(super) fn diff(
    db: &Connection,
    workspace_id: WorkspaceId,
    dataset_id: DatasetId,
    from: UnixNanos,
    to: UnixNanos,
) -> SqlResult<ExampleDiff> {
    // Only an example with a state that began or ended between the two can differ.
    let (low, high) = (from.min(to).as_nanos(), from.max(to).as_nanos());
    let mut touched = db.prepare_cached(
        "SELECT example_id FROM example_versions WHERE dataset_id = ?2 AND since > ?3 AND since <= ?4
             AND EXISTS (SELECT 1 FROM datasets WHERE workspace_id = ?1 AND id = ?2)
         UNION
         SELECT example_id FROM example_versions WHERE dataset_id = ?2 AND until > ?3 AND until <= ?4
             AND EXISTS (SELECT 1 FROM datasets WHERE workspace_id = ?1 AND id = ?2)
         ORDER BY example_id",
    )?;
    let mut state_at = db.prepare_cached(
        "SELECT since FROM example_versions WHERE example_id = ?1 AND since <= ?2 AND until > ?2",
    )?;
    let which = params![workspace_id.as_bytes(), dataset_id.as_bytes(), low, high];
    let ids = touched.query_map(which, |row| row.get(0))?.collect::<SqlResult<Vec<[u8; 16]>>>()?;
    let mut diff = ExampleDiff::default();
    for id in ids {
        let mut at = |moment: UnixNanos| {
            state_at.query_row(params![id, moment.as_nanos()], |row| row.get::<_, i64>(0)).optional()
        };
        let id = ExampleId::from_bytes(id);
        match (at(from)?, at(to)?) {
            (Some(before), Some(after)) if before != after => diff.modified.push(id),
            (None, Some(_)) => diff.added.push(id),
            (Some(_), None) => diff.removed.push(id),
            _ => {}
        }
    }
    Ok(diff)
}

fn read(row: &Row<'_>) -> SqlResult<Example> {
    let attachments: String = row.get(8)?;
    let attachments: Vec<Attachment> =
        serde_json::from_str(&attachments).map_err(|err| unreadable(8, err))?;
    Ok(Example {
        id: ExampleId::from_bytes(row.get(0)?),
        dataset_id: DatasetId::from_bytes(row.get(1)?),
        created_at: UnixNanos::from_nanos(row.get(2)?),
        version: UnixNanos::from_nanos(row.get(3)?),
        inputs: JsonText::from_trusted(row.get::<_, String>(4)?),
        outputs: row.get::<_, Option<String>>(5)?.map(JsonText::from_trusted),
        metadata: read_metadata(row, 6)?,
        source_run_id: row.get::<_, Option<[u8; 16]>>(7)?.map(RunId::from_bytes),
        attachments,
    })
}

fn read_metadata(row: &Row<'_>, idx: usize) -> SqlResult<Metadata> {
    let text = row.get_ref(idx)?.as_str()?;
    serde_json::from_str(text).map_err(|err| unreadable(idx, err))
}

fn unreadable(idx: usize, err: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(idx, Type::Text, Box::new(err))
}
