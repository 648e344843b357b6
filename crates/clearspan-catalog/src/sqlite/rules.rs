//! The table of mapping rules.

use std::collections::BTreeSet;

use clearspan_model::{ErrorKind, UnixNanos, WorkspaceId};
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};

use super::{SqlResult, failed, read_name};
use crate::{Error, MappingRule, Result, RuleContent, RuleId, RuleName};

pub(super) fn list(db: &Connection, workspace_id: WorkspaceId) -> SqlResult<Vec<MappingRule>> {
    db.prepare_cached(concat!(
        "SELECT id, workspace_id, position, name, enabled, attribute, field, created_at, updated_at ",
        "FROM mapping_rules WHERE workspace_id = ?1 ORDER BY position, created_at, id"
    ))?
    .query_map(params![workspace_id.as_bytes()], read_rule)?
    .collect()
}

pub(super) fn create(
    db: &Connection,
    workspace_id: WorkspaceId,
    content: RuleContent,
    now: UnixNanos,
) -> Result<MappingRule> {
    let id = RuleId::generate();
    let position = db.query_row(
        "INSERT INTO mapping_rules
            (id, workspace_id, position, name, enabled, attribute, field, created_at, updated_at)
         SELECT ?1, ?2, coalesce(max(position) + 1, 0), ?3, ?4, ?5, ?6, ?7, ?7
         FROM mapping_rules WHERE workspace_id = ?2
         RETURNING position",
        params![
            id.as_bytes(),
            workspace_id.as_bytes(),
            content.name.as_str(),
            content.enabled,
            content.attribute,
            content.field,
            now.as_nanos()
        ],
        |row| row.get(0),
    );
    let position = position.map_err(|err| refused("keep a mapping rule", &content.name, err))?;
    Ok(MappingRule { id, workspace_id, position, content, created_at: now, updated_at: now })
}

pub(super) fn update(
    db: &Connection,
    workspace_id: WorkspaceId,
    rule_id: RuleId,
    content: &RuleContent,
    now: UnixNanos,
) -> Result<Option<MappingRule>> {
    let updated = db.query_row(
        "UPDATE mapping_rules SET name = ?3, enabled = ?4, attribute = ?5, field = ?6, updated_at = ?7
         WHERE workspace_id = ?1 AND id = ?2
         RETURNING id, workspace_id, position, name, enabled, attribute, field, created_at, updated_at",
        params![
            workspace_id.as_bytes(),
            rule_id.as_bytes(),
            content.name.as_str(),
            content.enabled,
            content.attribute,
            content.field,
            now.as_nanos()
        ],
        read_rule,
    );
    updated.optional().map_err(|err| refused("change a mapping rule", &content.name, err))
}

pub(super) fn delete(db: &Connection, workspace_id: WorkspaceId, rule_id: RuleId) -> SqlResult<bool> {
    let removed = db.execute(
        "DELETE FROM mapping_rules WHERE workspace_id = ?1 AND id = ?2",
        params![workspace_id.as_bytes(), rule_id.as_bytes()],
    )?;
    Ok(removed == 1)
}

pub(super) fn order(
    db: &mut Connection,
    workspace_id: WorkspaceId,
    rule_ids: &[RuleId],
) -> Result<Vec<MappingRule>> {
    let failure = |err| failed("order the mapping rules in the catalog".to_owned(), err);
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failure)?;
    let known: BTreeSet<RuleId> =
        list(&transaction, workspace_id).map_err(failure)?.into_iter().map(|rule| rule.id).collect();
    let asked: BTreeSet<RuleId> = rule_ids.iter().copied().collect();
    if asked != known || asked.len() != rule_ids.len() {
        let message = "the order must name each mapping rule of the workspace once; read the list again";
        return Err(Error::new(ErrorKind::Conflict, message));
    }
    for (position, rule_id) in (0_i64..).zip(rule_ids) {
        let place = params![workspace_id.as_bytes(), rule_id.as_bytes(), position];
        transaction
            .execute("UPDATE mapping_rules SET position = ?3 WHERE workspace_id = ?1 AND id = ?2", place)
            .map_err(failure)?;
    }
    let ordered = list(&transaction, workspace_id).map_err(failure)?;
    transaction.commit().map_err(failure)?;
    Ok(ordered)
}

fn read_rule(row: &Row<'_>) -> SqlResult<MappingRule> {
    Ok(MappingRule {
        id: RuleId::from_bytes(row.get(0)?),
        workspace_id: WorkspaceId::from_bytes(row.get(1)?),
        position: row.get(2)?,
        content: RuleContent {
            name: read_name(row, 3, RuleName::parse)?,
            enabled: row.get(4)?,
            attribute: row.get(5)?,
            field: row.get(6)?,
        },
        created_at: UnixNanos::from_nanos(row.get(7)?),
        updated_at: UnixNanos::from_nanos(row.get(8)?),
    })
}

/// Says that the name is taken where that is what is wrong.
fn refused(what: &str, name: &RuleName, err: rusqlite::Error) -> Error {
    use rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE;
    if err.sqlite_error().is_some_and(|err| err.extended_code == SQLITE_CONSTRAINT_UNIQUE) {
        return Error::caused(
            ErrorKind::Conflict,
            format!("there is a mapping rule \"{name}\" already"),
            err,
        );
    }
    failed(format!("{what} in the catalog"), err)
}
