//! The tables of projects' details and of comparisons.

use clearspan_model::{ErrorKind, JsonText, ProjectId, UnixNanos, WorkspaceId};
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};

use super::{SqlResult, failed, read_project};
use crate::{
    ComparisonId, DatasetId, Error, ExperimentComparison, Project, ProjectDetails, ProjectName, Result,
};

/// The project, then its details.
const SELECT: &str = "
    SELECT id, projects.workspace_id, name, created_at, description, extra, reference_dataset_id, default_dataset_id,
        start_time, end_time, trace_tier, plan, number
    FROM project_details JOIN projects ON id = project_id ";

pub(super) fn create_project(
    db: &mut Connection,
    workspace_id: WorkspaceId,
    id: ProjectId,
    name: &ProjectName,
    details: ProjectDetails,
    now: UnixNanos,
) -> Result<Project> {
    let failure = |err| failed("make a project in the catalog".to_owned(), err);
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failure)?;
    // Runs of a deleted project may still be on their way out of the store.
    let was_deleted: bool = transaction
        .query_row("SELECT EXISTS (SELECT 1 FROM deleted_projects WHERE id = ?1)", [id.as_bytes()], |row| {
            row.get(0)
        })
        .map_err(failure)?;
    if was_deleted {
        return Err(Error::new(ErrorKind::Conflict, format!("the project {id} is being deleted")));
    }
    transaction
        .execute(
            "INSERT INTO projects (id, workspace_id, name, created_at) VALUES (?1, ?2, ?3, ?4)",
            params![id.as_bytes(), workspace_id.as_bytes(), name.as_str(), now.as_nanos()],
        )
        .map_err(|err| refused("make a project", name, id, err))?;
    let number: Option<u32> = match details.reference_dataset_id {
        None => None,
        Some(dataset_id) => transaction
            .query_row(
                "SELECT coalesce(max(number), 0) + 1 FROM project_details WHERE reference_dataset_id = ?1",
                [dataset_id.as_bytes()],
                |row| row.get(0),
            )
            .map_err(failure)?,
    };
    let details = ProjectDetails { number, start_time: details.start_time.or(Some(now)), ..details };
    store(&transaction, workspace_id, id, &details).map_err(failure)?;
    transaction.commit().map_err(failure)?;
    Ok(Project { id, workspace_id, name: name.clone(), created_at: now })
}

fn store(
    db: &Connection,
    workspace_id: WorkspaceId,
    id: ProjectId,
    details: &ProjectDetails,
) -> SqlResult<()> {
    let ProjectDetails { description, extra, start_time, end_time, trace_tier, plan, number, .. } = details;
    db.execute(
        "INSERT INTO project_details (project_id, workspace_id, description, extra, reference_dataset_id,
             default_dataset_id, start_time, end_time, trace_tier, plan, number)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (project_id) DO UPDATE SET description = ?3, extra = ?4, reference_dataset_id = ?5,
             default_dataset_id = ?6, start_time = ?7, end_time = ?8, trace_tier = ?9, plan = ?10",
        params![
            id.as_bytes(),
            workspace_id.as_bytes(),
            description,
            extra.as_ref().map(JsonText::as_str),
            details.reference_dataset_id.as_ref().map(DatasetId::as_bytes),
            details.default_dataset_id.as_ref().map(DatasetId::as_bytes),
            start_time.map(UnixNanos::as_nanos),
            end_time.map(UnixNanos::as_nanos),
            trace_tier,
            plan.as_ref().map(JsonText::as_str),
            number
        ],
    )?;
    Ok(())
}

pub(super) fn load_details(
    db: &Connection,
    workspace_id: WorkspaceId,
    id: ProjectId,
) -> SqlResult<Option<ProjectDetails>> {
    let key = params![workspace_id.as_bytes(), id.as_bytes()];
    let known = db
        .prepare_cached(&format!("{SELECT} WHERE projects.workspace_id = ?1 AND id = ?2"))?
        .query_row(key, read_details)
        .optional()?;
    if known.is_some() {
        return Ok(known);
    }
    let is_there: bool = db
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM projects WHERE workspace_id = ?1 AND id = ?2)")?
        .query_row(key, |row| row.get(0))?;
    Ok(is_there.then(ProjectDetails::default))
}

pub(super) fn list_details(
    db: &Connection,
    workspace_id: WorkspaceId,
) -> SqlResult<Vec<(Project, ProjectDetails)>> {
    db.prepare_cached(&format!("{SELECT} WHERE projects.workspace_id = ?1 ORDER BY name"))?
        .query_map([workspace_id.as_bytes()], |row| Ok((read_project(row)?, read_details(row)?)))?
        .collect()
}

pub(super) fn list_experiments(
    db: &Connection,
    workspace_id: WorkspaceId,
    dataset_id: DatasetId,
) -> SqlResult<Vec<(Project, ProjectDetails)>> {
    db.prepare_cached(&format!(
        "{SELECT} WHERE projects.workspace_id = ?1 AND reference_dataset_id = ?2 ORDER BY start_time DESC, number DESC"
    ))?
    .query_map(params![workspace_id.as_bytes(), dataset_id.as_bytes()], |row| {
        Ok((read_project(row)?, read_details(row)?))
    })?
    .collect()
}

pub(super) fn update_project(
    db: &mut Connection,
    workspace_id: WorkspaceId,
    id: ProjectId,
    name: &ProjectName,
    details: &ProjectDetails,
) -> Result<Option<Project>> {
    let failure = |err| failed("change a project in the catalog".to_owned(), err);
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failure)?;
    let renamed = transaction.execute(
        "UPDATE projects SET name = ?3 WHERE workspace_id = ?1 AND id = ?2",
        params![workspace_id.as_bytes(), id.as_bytes(), name.as_str()],
    );
    if renamed.map_err(|err| refused("rename a project", name, id, err))? == 0 {
        return Ok(None);
    }
    store(&transaction, workspace_id, id, details).map_err(failure)?;
    let project = transaction
        .query_row(
            "SELECT id, workspace_id, name, created_at FROM projects WHERE id = ?1",
            [id.as_bytes()],
            read_project,
        )
        .map_err(failure)?;
    transaction.commit().map_err(failure)?;
    Ok(Some(project))
}

fn read_details(row: &Row<'_>) -> SqlResult<ProjectDetails> {
    let json = |idx| row.get::<_, Option<String>>(idx).map(|text| text.map(JsonText::from_trusted));
    let dataset = |idx| row.get::<_, Option<[u8; 16]>>(idx).map(|id| id.map(DatasetId::from_bytes));
    let time = |idx| row.get::<_, Option<i64>>(idx).map(|time| time.map(UnixNanos::from_nanos));
    Ok(ProjectDetails {
        description: row.get(4)?,
        extra: json(5)?,
        reference_dataset_id: dataset(6)?,
        default_dataset_id: dataset(7)?,
        start_time: time(8)?,
        end_time: time(9)?,
        trace_tier: row.get(10)?,
        plan: json(11)?,
        number: row.get(12)?,
    })
}

const SELECT_COMPARISON: &str = "
    SELECT id, dataset_id, name, description, experiment_ids, extra, created_at, modified_at FROM comparisons ";

pub(super) fn create_comparison(
    db: &Connection,
    workspace_id: WorkspaceId,
    new: ExperimentComparison,
) -> Result<ExperimentComparison> {
    let experiments: Vec<u8> = new.experiment_ids.iter().flat_map(|id| *id.as_bytes()).collect();
    let inserted = db.execute(
        "INSERT INTO comparisons (id, workspace_id, dataset_id, name, description, experiment_ids, extra, created_at,
             modified_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            new.id.as_bytes(),
            workspace_id.as_bytes(),
            new.dataset_id.as_bytes(),
            new.name,
            new.description,
            experiments,
            new.extra.as_ref().map(JsonText::as_str),
            new.created_at.as_nanos(),
            new.modified_at.as_nanos()
        ],
    );
    inserted.map_err(|err| failed(format!("keep the comparison {} in the catalog", new.id), err))?;
    Ok(new)
}

pub(super) fn load_comparison(
    db: &Connection,
    workspace_id: WorkspaceId,
    id: ComparisonId,
) -> SqlResult<Option<ExperimentComparison>> {
    db.prepare_cached(&format!("{SELECT_COMPARISON} WHERE workspace_id = ?1 AND id = ?2"))?
        .query_row(params![workspace_id.as_bytes(), id.as_bytes()], read_comparison)
        .optional()
}

pub(super) fn list_comparisons(
    db: &Connection,
    workspace_id: WorkspaceId,
    dataset_id: DatasetId,
) -> SqlResult<Vec<ExperimentComparison>> {
    db.prepare_cached(&format!(
        "{SELECT_COMPARISON} WHERE workspace_id = ?1 AND dataset_id = ?2 ORDER BY created_at DESC, id"
    ))?
    .query_map(params![workspace_id.as_bytes(), dataset_id.as_bytes()], read_comparison)?
    .collect()
}

pub(super) fn delete_comparison(
    db: &Connection,
    workspace_id: WorkspaceId,
    id: ComparisonId,
) -> SqlResult<bool> {
    let removed = db.execute(
        "DELETE FROM comparisons WHERE workspace_id = ?1 AND id = ?2",
        params![workspace_id.as_bytes(), id.as_bytes()],
    )?;
    Ok(removed == 1)
}

fn read_comparison(row: &Row<'_>) -> SqlResult<ExperimentComparison> {
    let experiments: Vec<u8> = row.get(4)?;
    let (experiments, _) = experiments.as_chunks::<16>();
    Ok(ExperimentComparison {
        id: ComparisonId::from_bytes(row.get(0)?),
        dataset_id: DatasetId::from_bytes(row.get(1)?),
        name: row.get(2)?,
        description: row.get(3)?,
        experiment_ids: experiments.iter().map(|id| ProjectId::from_bytes(*id)).collect(),
        extra: row.get::<_, Option<String>>(5)?.map(JsonText::from_trusted),
        created_at: UnixNanos::from_nanos(row.get(6)?),
        modified_at: UnixNanos::from_nanos(row.get(7)?),
    })
}

/// Says what is taken where that is what is wrong.
fn refused(what: &str, name: &ProjectName, id: ProjectId, err: rusqlite::Error) -> Error {
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
    let message = match err.sqlite_error().map(|err| err.extended_code) {
        Some(SQLITE_CONSTRAINT_UNIQUE) => format!("there is a project \"{name}\" already"),
        Some(SQLITE_CONSTRAINT_PRIMARYKEY) => format!("there is a project {id} already"),
        _ => return failed(format!("{what} in the catalog"), err),
    };
    Error::caused(ErrorKind::Conflict, message, err)
}
