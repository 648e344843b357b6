//! Figures of the feedback of a whole project, computed by SQLite.

use std::collections::BTreeMap;

use clearspan_model::{JsonText, ProjectId, WorkspaceId};
use rusqlite::{Connection, params};

use super::SqlResult;
use crate::{FeedbackAbout, FeedbackStats};

/// Values beyond the most frequent ones of a project are left out: a free text is different each time.
const MAX_VALUES: i64 = 1_000;
const MAX_COMMENTS: i64 = 1_000;

pub(super) fn of_project(
    db: &Connection,
    workspace_id: WorkspaceId,
    project_id: ProjectId,
    about: FeedbackAbout,
) -> SqlResult<Vec<(String, FeedbackStats)>> {
    let about = match about {
        FeedbackAbout::Runs => "run_id IS NOT NULL",
        FeedbackAbout::Project => "run_id IS NULL",
    };
    // Preferences say which of several runs is better: their figures are those of their comparison.
    let which = format!(
        "FROM feedback WHERE workspace_id = ?1 AND project_id = ?2 AND comparative_experiment_id IS NULL AND {about}"
    );
    let ids = params![workspace_id.as_bytes(), project_id.as_bytes()];
    let mut by_key: BTreeMap<String, FeedbackStats> = BTreeMap::new();

    let figures = format!(
        "SELECT key, count(*), count(score), total(score), total(score * score), min(score), max(score),
                count(nullif(is_error, 0)) {which} GROUP BY key"
    );
    let mut statement = db.prepare_cached(&figures)?;
    let rows = statement.query_map(ids, |row| {
        let stats = FeedbackStats {
            count: unsigned(row.get(1)?),
            scored: unsigned(row.get(2)?),
            sum: row.get(3)?,
            sum_of_squares: row.get(4)?,
            min: row.get(5)?,
            max: row.get(6)?,
            errors: unsigned(row.get(7)?),
            ..FeedbackStats::default()
        };
        Ok((row.get(0)?, stats))
    })?;
    for row in rows {
        let (key, stats) = row?;
        by_key.insert(key, stats);
    }

    let counted = |column: &str, limit: i64| {
        format!(
            "SELECT key, {column}, count(*) {which} AND {column} IS NOT NULL
             GROUP BY key, {column} ORDER BY 3 DESC, 2 LIMIT {limit}"
        )
    };
    for (column, limit) in [("value", MAX_VALUES), ("source_type", MAX_VALUES), ("comment", MAX_COMMENTS)] {
        let mut statement = db.prepare_cached(&counted(column, limit))?;
        let rows = statement.query_map(ids, |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
        })?;
        for row in rows {
            let (key, text, count) = row?;
            let stats = by_key.entry(key).or_default();
            match column {
                "value" => {
                    let plain = JsonText::from_trusted(text).to_plain();
                    *stats.values.entry(plain).or_default() += unsigned(count);
                }
                "source_type" => stats.add_source(&text),
                _ => stats.add_comment(&text),
            }
        }
    }
    Ok(by_key.into_iter().collect())
}

fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}
