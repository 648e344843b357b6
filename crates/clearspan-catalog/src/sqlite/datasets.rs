//! The tables of datasets and their versions.

use clearspan_model::{ErrorKind, JsonText, UnixNanos, WorkspaceId};
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};
use uuid::Uuid;

use super::{SqlResult, failed, read_name};
use crate::example::contains_part;
use crate::{
    DataType, Dataset, DatasetContent, DatasetFilter, DatasetId, DatasetName, DatasetVersion, Error, Result,
    ShareToken, VersionRef,
};

/// Everything of a dataset, with the figures of its experiments.
const SELECT: &str = "
    SELECT id, workspace_id, name, description, data_type, extra, inputs_schema, outputs_schema, transformations,
        externally_managed, created_at, modified_at, example_count,
        (SELECT count(*) FROM project_details WHERE reference_dataset_id = datasets.id),
        (SELECT max(start_time) FROM project_details WHERE reference_dataset_id = datasets.id)
    FROM datasets ";

pub(super) fn create(
    db: &Connection,
    workspace_id: WorkspaceId,
    id: DatasetId,
    content: DatasetContent,
    now: UnixNanos,
) -> Result<Dataset> {
    let inserted = db.execute(
        "INSERT INTO datasets (id, workspace_id, name, description, data_type, extra, inputs_schema, outputs_schema,
             transformations, externally_managed, created_at, modified_at, newest_version, example_count)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, 0, 0)",
        params![
            id.as_bytes(),
            workspace_id.as_bytes(),
            content.name.as_str(),
            content.description,
            content.data_type.as_str(),
            content.extra.as_str(),
            content.inputs_schema.as_ref().map(JsonText::as_str),
            content.outputs_schema.as_ref().map(JsonText::as_str),
            content.transformations.as_ref().map(JsonText::as_str),
            content.externally_managed,
            now.as_nanos()
        ],
    );
    inserted.map_err(|err| refused("keep a dataset", &content.name, id, err))?;
    Ok(Dataset {
        id,
        workspace_id,
        content,
        created_at: now,
        modified_at: now,
        example_count: 0,
        experiment_count: 0,
        last_experiment_at: None,
    })
}

pub(super) fn load(db: &Connection, workspace_id: WorkspaceId, id: DatasetId) -> SqlResult<Option<Dataset>> {
    db.prepare_cached(&format!("{SELECT} WHERE workspace_id = ?1 AND id = ?2"))?
        .query_row(params![workspace_id.as_bytes(), id.as_bytes()], read)
        .optional()
}

pub(super) fn list(
    db: &Connection,
    workspace_id: WorkspaceId,
    filter: &DatasetFilter,
    offset: usize,
    limit: usize,
) -> SqlResult<(Vec<Dataset>, usize)> {
    // A workspace has hundreds of datasets, not millions: they are looked at one by one.
    let mut statement =
        db.prepare_cached(&format!("{SELECT} WHERE workspace_id = ?1 ORDER BY created_at DESC, id"))?;
    let part = filter.name_contains.as_ref().map(|part| part.to_lowercase());
    let (mut page, mut total) = (Vec::new(), 0);
    for dataset in statement.query_map(params![workspace_id.as_bytes()], read)? {
        let dataset = dataset?;
        if !fits(&dataset, filter, part.as_deref()) {
            continue;
        }
        if total >= offset && page.len() < limit {
            page.push(dataset);
        }
        total += 1;
    }
    Ok((page, total))
}

fn fits(dataset: &Dataset, filter: &DatasetFilter, part: Option<&str>) -> bool {
    let DatasetFilter { ids, name, name_contains: _, data_types, metadata } = filter;
    let content = &dataset.content;
    let has_metadata = |wanted| {
        let extra = content.extra.to_value();
        let own = extra.get("metadata").and_then(serde_json::Value::as_object);
        own.is_some_and(|own| contains_part(own, wanted))
    };
    (ids.is_empty() || ids.contains(&dataset.id))
        && name.as_deref().is_none_or(|name| name == content.name.as_str())
        && part.is_none_or(|part| content.name.as_str().to_lowercase().contains(part))
        && (data_types.is_empty() || data_types.contains(&content.data_type))
        && metadata.as_ref().is_none_or(has_metadata)
}

pub(super) fn update(
    db: &Connection,
    workspace_id: WorkspaceId,
    id: DatasetId,
    content: &DatasetContent,
    now: UnixNanos,
) -> Result<Option<Dataset>> {
    let changed = db.execute(
        "UPDATE datasets SET name = ?3, description = ?4, data_type = ?5, extra = ?6, inputs_schema = ?7,
             outputs_schema = ?8, transformations = ?9, externally_managed = ?10, modified_at = max(modified_at, ?11)
         WHERE workspace_id = ?1 AND id = ?2",
        params![
            workspace_id.as_bytes(),
            id.as_bytes(),
            content.name.as_str(),
            content.description,
            content.data_type.as_str(),
            content.extra.as_str(),
            content.inputs_schema.as_ref().map(JsonText::as_str),
            content.outputs_schema.as_ref().map(JsonText::as_str),
            content.transformations.as_ref().map(JsonText::as_str),
            content.externally_managed,
            now.as_nanos()
        ],
    );
    if changed.map_err(|err| refused("change a dataset", &content.name, id, err))? == 0 {
        return Ok(None);
    }
    load(db, workspace_id, id).map_err(|err| failed("read a dataset in the catalog".to_owned(), err))
}

pub(super) fn delete(db: &mut Connection, workspace_id: WorkspaceId, id: DatasetId) -> SqlResult<bool> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let is_there = transaction.query_row(
        "SELECT EXISTS (SELECT 1 FROM datasets WHERE workspace_id = ?1 AND id = ?2)",
        params![workspace_id.as_bytes(), id.as_bytes()],
        |row| row.get::<_, bool>(0),
    )?;
    if is_there {
        super::examples::delete_all(&transaction, id)?;
        for table in ["dataset_versions", "dataset_tags", "comparisons"] {
            transaction.execute(&format!("DELETE FROM {table} WHERE dataset_id = ?1"), [id.as_bytes()])?;
        }
        transaction.execute("DELETE FROM datasets WHERE id = ?1", [id.as_bytes()])?;
    }
    transaction.commit()?;
    Ok(is_there)
}

/// Makes the next version of a dataset; `None` when there is no such dataset.
pub(super) fn next_version(
    db: &Connection,
    workspace_id: WorkspaceId,
    id: DatasetId,
    now: UnixNanos,
) -> SqlResult<Option<UnixNanos>> {
    // Clients tell versions by microseconds.
    let micros = now.as_nanos().div_euclid(1_000) * 1_000;
    let version: Option<i64> = db
        .prepare_cached(
            "UPDATE datasets SET newest_version = max(?3, newest_version + 1000), modified_at = max(modified_at, ?3)
             WHERE workspace_id = ?1 AND id = ?2 RETURNING newest_version",
        )?
        .query_row(params![workspace_id.as_bytes(), id.as_bytes(), micros], |row| row.get(0))
        .optional()?;
    if let Some(version) = version {
        db.prepare_cached("INSERT INTO dataset_versions (dataset_id, version) VALUES (?1, ?2)")?
            .execute(params![id.as_bytes(), version])?;
    }
    Ok(version.map(UnixNanos::from_nanos))
}

pub(super) fn list_versions(
    db: &Connection,
    workspace_id: WorkspaceId,
    id: DatasetId,
    offset: usize,
    limit: usize,
) -> SqlResult<Vec<DatasetVersion>> {
    let mut statement = db.prepare_cached(
        "SELECT version FROM dataset_versions WHERE dataset_id = ?2
             AND EXISTS (SELECT 1 FROM datasets WHERE workspace_id = ?1 AND id = ?2)
         ORDER BY version DESC LIMIT ?3 OFFSET ?4",
    )?;
    let page = params![workspace_id.as_bytes(), id.as_bytes(), sql_count(limit), sql_count(offset)];
    let versions = statement.query_map(page, |row| row.get(0))?.collect::<SqlResult<Vec<i64>>>()?;
    versions.into_iter().map(|version| with_tags(db, id, UnixNanos::from_nanos(version))).collect()
}

pub(super) fn find_version(
    db: &Connection,
    workspace_id: WorkspaceId,
    id: DatasetId,
    wanted: &VersionRef,
) -> SqlResult<Option<DatasetVersion>> {
    let latest = VersionRef::At(UnixNanos::from_nanos(i64::MAX));
    let wanted = match wanted {
        VersionRef::Tag(tag) if tag == DatasetVersion::LATEST => &latest,
        wanted => wanted,
    };
    let found: Option<i64> = match wanted {
        VersionRef::At(time) => db
            .prepare_cached(
                "SELECT max(version) FROM dataset_versions JOIN datasets ON id = dataset_id
                 WHERE workspace_id = ?1 AND dataset_id = ?2 AND version <= ?3",
            )?
            .query_row(params![workspace_id.as_bytes(), id.as_bytes(), time.as_nanos()], |row| row.get(0))?,
        VersionRef::Tag(tag) => db
            .prepare_cached(
                "SELECT version FROM dataset_tags JOIN datasets ON id = dataset_id
                 WHERE workspace_id = ?1 AND dataset_id = ?2 AND tag = ?3",
            )?
            .query_row(params![workspace_id.as_bytes(), id.as_bytes(), tag], |row| row.get(0))
            .optional()?,
    };
    found.map(|version| with_tags(db, id, UnixNanos::from_nanos(version))).transpose()
}

pub(super) fn tag_version(
    db: &Connection,
    workspace_id: WorkspaceId,
    id: DatasetId,
    version: UnixNanos,
    tag: &str,
) -> SqlResult<Option<DatasetVersion>> {
    let Some(found) = find_version(db, workspace_id, id, &VersionRef::At(version))? else { return Ok(None) };
    if tag != DatasetVersion::LATEST {
        db.execute(
            "INSERT INTO dataset_tags (dataset_id, tag, version) VALUES (?1, ?2, ?3)
             ON CONFLICT (dataset_id, tag) DO UPDATE SET version = ?3",
            params![id.as_bytes(), tag, found.as_of.as_nanos()],
        )?;
    }
    with_tags(db, id, found.as_of).map(Some)
}

fn with_tags(db: &Connection, id: DatasetId, version: UnixNanos) -> SqlResult<DatasetVersion> {
    let key = params![id.as_bytes(), version.as_nanos()];
    let mut tags = db
        .prepare_cached("SELECT tag FROM dataset_tags WHERE dataset_id = ?1 AND version = ?2")?
        .query_map(key, |row| row.get(0))?
        .collect::<SqlResult<Vec<String>>>()?;
    let is_newest: bool = db
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM datasets WHERE id = ?1 AND newest_version = ?2)")?
        .query_row(key, |row| row.get(0))?;
    if is_newest {
        tags.push(DatasetVersion::LATEST.to_owned());
    }
    tags.sort();
    Ok(DatasetVersion { as_of: version, tags })
}

pub(super) fn share(
    db: &Connection,
    workspace_id: WorkspaceId,
    id: DatasetId,
) -> SqlResult<Option<ShareToken>> {
    db.query_row(
        "UPDATE datasets SET share_token = coalesce(share_token, ?3) WHERE workspace_id = ?1 AND id = ?2
         RETURNING share_token",
        params![workspace_id.as_bytes(), id.as_bytes(), Uuid::new_v4().as_bytes()],
        |row| row.get(0).map(ShareToken::from_bytes),
    )
    .optional()
}

pub(super) fn share_token(
    db: &Connection,
    workspace_id: WorkspaceId,
    id: DatasetId,
) -> SqlResult<Option<ShareToken>> {
    let token = db
        .query_row(
            "SELECT share_token FROM datasets WHERE workspace_id = ?1 AND id = ?2",
            params![workspace_id.as_bytes(), id.as_bytes()],
            |row| row.get::<_, Option<[u8; 16]>>(0),
        )
        .optional()?;
    Ok(token.flatten().map(ShareToken::from_bytes))
}

pub(super) fn unshare(
    db: &Connection,
    workspace_id: WorkspaceId,
    id: DatasetId,
) -> SqlResult<Option<ShareToken>> {
    let token = share_token(db, workspace_id, id)?;
    db.execute(
        "UPDATE datasets SET share_token = NULL WHERE workspace_id = ?1 AND id = ?2",
        params![workspace_id.as_bytes(), id.as_bytes()],
    )?;
    Ok(token)
}

pub(super) fn find_shared(db: &Connection, token: ShareToken) -> SqlResult<Option<Dataset>> {
    db.prepare_cached(&format!("{SELECT} WHERE share_token = ?1"))?
        .query_row([token.as_bytes()], read)
        .optional()
}

fn read(row: &Row<'_>) -> SqlResult<Dataset> {
    let json = |idx| row.get::<_, Option<String>>(idx).map(|text| text.map(JsonText::from_trusted));
    Ok(Dataset {
        id: DatasetId::from_bytes(row.get(0)?),
        workspace_id: WorkspaceId::from_bytes(row.get(1)?),
        content: DatasetContent {
            name: read_name(row, 2, DatasetName::parse)?,
            description: row.get(3)?,
            data_type: DataType::parse(&row.get::<_, String>(4)?).unwrap_or(DataType::KeyValue),
            extra: JsonText::from_trusted(row.get::<_, String>(5)?),
            inputs_schema: json(6)?,
            outputs_schema: json(7)?,
            transformations: json(8)?,
            externally_managed: row.get(9)?,
        },
        created_at: UnixNanos::from_nanos(row.get(10)?),
        modified_at: UnixNanos::from_nanos(row.get(11)?),
        example_count: row.get::<_, i64>(12)?.unsigned_abs(),
        experiment_count: row.get::<_, i64>(13)?.unsigned_abs(),
        last_experiment_at: row.get::<_, Option<i64>>(14)?.map(UnixNanos::from_nanos),
    })
}

/// A count as SQLite takes it; nobody has more rows than fit.
pub(super) fn sql_count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Says what is taken where that is what is wrong.
fn refused(what: &str, name: &DatasetName, id: DatasetId, err: rusqlite::Error) -> Error {
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
    let message = match err.sqlite_error().map(|err| err.extended_code) {
        Some(SQLITE_CONSTRAINT_UNIQUE) => format!("there is a dataset \"{name}\" already"),
        Some(SQLITE_CONSTRAINT_PRIMARYKEY) => format!("there is a dataset {id} already"),
        _ => return failed(format!("{what} in the catalog"), err),
    };
    Error::caused(ErrorKind::Conflict, message, err)
}
