//! The tables of feedback.

use clearspan_model::{ErrorKind, JsonText, ProjectId, RunId, TraceId, UnixNanos, WorkspaceId};
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, named_params, params};

use super::{SqliteCatalog, columns, failed};
use crate::{
    Error, Feedback, FeedbackAbout, FeedbackCatalog, FeedbackChange, FeedbackConfig, FeedbackId,
    FeedbackPlace, FeedbackQuery, FeedbackStats, FeedbackTest, FeedbackToken, Result, Score, TokenId,
};

mod select;
mod stats;
mod tokens;

type SqlResult<T> = std::result::Result<T, rusqlite::Error>;

const COLUMNS: &str = "id, workspace_id, project_id, run_id, trace_id, key, score, score_is_bool, value, comment, \
                       correction, source_type, source, is_error, group_id, comparative_experiment_id, extra, \
                       run_start, created_at, modified_at";

impl FeedbackCatalog for SqliteCatalog {
    fn put_feedback(&self, feedback: &[Feedback]) -> Result<()> {
        if let Some(wrong) =
            feedback.iter().find(|one| matches!(one.score, Some(Score::Number(n)) if !n.is_finite()))
        {
            let message =
                format!("the score of feedback {} is not a finite number; leave it out instead", wrong.id);
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        put(&mut self.writer(), feedback)
            .map_err(|err| failed("keep feedback in the catalog".to_owned(), err))
    }

    fn load_feedback(&self, workspace_id: WorkspaceId, id: FeedbackId) -> Result<Option<Feedback>> {
        self.with("read feedback", |db| load(db, workspace_id, id))
    }

    fn list_feedback(&self, workspace_id: WorkspaceId, query: &FeedbackQuery) -> Result<Vec<Feedback>> {
        self.with("list feedback", |db| select::list(db, workspace_id, query))
    }

    fn update_feedback(
        &self,
        workspace_id: WorkspaceId,
        id: FeedbackId,
        change: FeedbackChange,
        now: UnixNanos,
    ) -> Result<Option<Feedback>> {
        update(&mut self.writer(), workspace_id, id, change, now)
            .map_err(|err| failed("change feedback in the catalog".to_owned(), err))
    }

    fn delete_feedback(&self, workspace_id: WorkspaceId, id: FeedbackId) -> Result<bool> {
        let which = params![workspace_id.as_bytes(), id.as_bytes()];
        self.with("remove feedback", |db| {
            Ok(db.execute("DELETE FROM feedback WHERE workspace_id = ?1 AND id = ?2", which)? == 1)
        })
    }

    fn traces_with_feedback(
        &self,
        workspace_id: WorkspaceId,
        project_ids: Option<&[ProjectId]>,
        before: UnixNanos,
        after: Option<TraceId>,
        limit: usize,
    ) -> Result<Vec<TraceId>> {
        self.with("list traces with feedback", |db| {
            select::traces(db, workspace_id, project_ids, before, after, limit)
        })
    }

    fn delete_feedback_of_traces(
        &self,
        workspace_id: WorkspaceId,
        project_ids: Option<&[ProjectId]>,
        trace_ids: &[TraceId],
    ) -> Result<u64> {
        delete_of_traces(&mut self.writer(), workspace_id, project_ids, trace_ids)
            .map_err(|err| failed("remove feedback from the catalog".to_owned(), err))
    }

    fn feedback_stats(
        &self,
        workspace_id: WorkspaceId,
        project_id: ProjectId,
        about: FeedbackAbout,
    ) -> Result<Vec<(String, FeedbackStats)>> {
        self.with("sum up feedback", |db| stats::of_project(db, workspace_id, project_id, about))
    }

    fn runs_with_feedback(
        &self,
        workspace_id: WorkspaceId,
        project_ids: Option<&[ProjectId]>,
        tests: &[FeedbackTest],
        limit: usize,
    ) -> Result<Vec<RunId>> {
        self.with("find runs by feedback", |db| select::runs(db, workspace_id, project_ids, tests, limit))
    }

    fn runs_to_place(&self, workspace_id: WorkspaceId, limit: usize) -> Result<Vec<RunId>> {
        self.with("list runs whose place feedback does not know", |db| {
            select::runs_to_place(db, workspace_id, limit)
        })
    }

    fn place_feedback(&self, workspace_id: WorkspaceId, places: &[FeedbackPlace]) -> Result<()> {
        place(&mut self.writer(), workspace_id, places)
            .map_err(|err| failed("keep in the catalog where runs of feedback are".to_owned(), err))
    }

    fn put_feedback_config(&self, config: &FeedbackConfig) -> Result<()> {
        self.with("keep what is known of feedback", |db| {
            db.execute(
                "INSERT INTO feedback_configs (workspace_id, key, config, is_lower_score_better, modified_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET config = ?3, is_lower_score_better = ?4, modified_at = ?5",
                params![
                    config.workspace_id.as_bytes(),
                    config.key,
                    config.config.as_str(),
                    config.is_lower_score_better,
                    config.modified_at.as_nanos()
                ],
            )?;
            Ok(())
        })
    }

    fn list_feedback_configs(&self, workspace_id: WorkspaceId) -> Result<Vec<FeedbackConfig>> {
        self.with("list what is known of feedback", |db| {
            db.prepare_cached(
                "SELECT workspace_id, key, config, is_lower_score_better, modified_at FROM feedback_configs
                 WHERE workspace_id = ?1 ORDER BY key",
            )?
            .query_map([workspace_id.as_bytes()], |row| {
                Ok(FeedbackConfig {
                    workspace_id: WorkspaceId::from_bytes(row.get(0)?),
                    key: row.get(1)?,
                    config: JsonText::from_trusted(row.get::<_, String>(2)?),
                    is_lower_score_better: row.get(3)?,
                    modified_at: UnixNanos::from_nanos(row.get(4)?),
                })
            })?
            .collect()
        })
    }

    fn delete_feedback_config(&self, workspace_id: WorkspaceId, key: &str) -> Result<bool> {
        let which = params![workspace_id.as_bytes(), key];
        self.with("forget what is known of feedback", |db| {
            Ok(db.execute("DELETE FROM feedback_configs WHERE workspace_id = ?1 AND key = ?2", which)? == 1)
        })
    }

    fn create_feedback_tokens(&self, tokens: &[FeedbackToken]) -> Result<()> {
        tokens::create(&mut self.writer(), tokens)
            .map_err(|err| failed("keep tokens for feedback in the catalog".to_owned(), err))
    }

    fn find_feedback_token(&self, token: TokenId) -> Result<Option<FeedbackToken>> {
        self.with("find a token for feedback", |db| tokens::find(db, token))
    }

    fn list_feedback_tokens(&self, workspace_id: WorkspaceId, run_id: RunId) -> Result<Vec<FeedbackToken>> {
        self.with("list the tokens for feedback", |db| tokens::list(db, workspace_id, run_id))
    }
}

fn put(db: &mut Connection, feedback: &[Feedback]) -> SqlResult<()> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for one in feedback {
        write(&transaction, one)?;
    }
    transaction.commit()
}

fn write(db: &Connection, one: &Feedback) -> SqlResult<()> {
    let (score, is_bool) = (one.score.map(Score::as_number), matches!(one.score, Some(Score::Bool(_))));
    let id = |id: Option<uuid::Uuid>| id.map(uuid::Uuid::into_bytes);
    db.prepare_cached(
        "INSERT INTO feedback
            (id, workspace_id, project_id, run_id, trace_id, key, score, score_is_bool, value, comment, correction,
             source_type, source, is_error, group_id, comparative_experiment_id, extra, run_start, created_at,
             modified_at)
         VALUES
            (:id, :workspace, :project, :run, :trace, :key, :score, :is_bool, :value, :comment, :correction,
             :source_type, :source, :is_error, :group, :comparative, :extra, :run_start, :created, :modified)
         ON CONFLICT DO UPDATE SET
            project_id = coalesce(excluded.project_id, project_id), run_id = excluded.run_id,
            trace_id = coalesce(excluded.trace_id, trace_id), key = excluded.key, score = excluded.score,
            score_is_bool = excluded.score_is_bool, value = excluded.value, comment = excluded.comment,
            correction = excluded.correction, source_type = excluded.source_type, source = excluded.source,
            is_error = excluded.is_error, group_id = excluded.group_id,
            comparative_experiment_id = excluded.comparative_experiment_id, extra = excluded.extra,
            run_start = coalesce(excluded.run_start, run_start), modified_at = excluded.modified_at
         WHERE excluded.modified_at >= modified_at",
    )?
    .execute(named_params! {
        ":id": one.id.as_bytes(),
        ":workspace": one.workspace_id.as_bytes(),
        ":project": one.project_id.as_ref().map(ProjectId::as_bytes),
        ":run": one.run_id.as_ref().map(RunId::as_bytes),
        ":trace": one.trace_id.as_ref().map(clearspan_model::TraceId::as_bytes),
        ":key": one.key,
        ":score": score,
        ":is_bool": is_bool,
        ":value": one.value.as_ref().map(JsonText::as_str),
        ":comment": one.comment,
        ":correction": one.correction.as_ref().map(JsonText::as_str),
        ":source_type": one.source_type,
        ":source": one.source.as_ref().map(JsonText::as_str),
        ":is_error": one.is_error,
        ":group": id(one.group_id),
        ":comparative": id(one.comparative_experiment_id),
        ":extra": one.extra.as_ref().map(JsonText::as_str),
        ":run_start": one.run_start.map(UnixNanos::as_nanos),
        ":created": one.created_at.as_nanos(),
        ":modified": one.modified_at.as_nanos(),
    })?;
    Ok(())
}

fn load(db: &Connection, workspace_id: WorkspaceId, id: FeedbackId) -> SqlResult<Option<Feedback>> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM feedback WHERE workspace_id = ?1 AND id = ?2"))?
        .query_row(params![workspace_id.as_bytes(), id.as_bytes()], read)
        .optional()
}

fn update(
    db: &mut Connection,
    workspace_id: WorkspaceId,
    id: FeedbackId,
    change: FeedbackChange,
    now: UnixNanos,
) -> SqlResult<Option<Feedback>> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Some(mut feedback) = load(&transaction, workspace_id, id)? else { return Ok(None) };
    let FeedbackChange { score, value, comment, correction } = change;
    feedback.score = score.unwrap_or(feedback.score);
    feedback.value = value.unwrap_or(feedback.value);
    feedback.comment = comment.unwrap_or(feedback.comment);
    feedback.correction = correction.unwrap_or(feedback.correction);
    // A client whose clock is ahead must not make its feedback unchangeable.
    feedback.modified_at = feedback.modified_at.max(now);
    write(&transaction, &feedback)?;
    transaction.commit()?;
    Ok(Some(feedback))
}

fn place(db: &mut Connection, workspace_id: WorkspaceId, places: &[FeedbackPlace]) -> SqlResult<()> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for FeedbackPlace { feedback_id, project_id, trace_id } in places {
        transaction
            .prepare_cached(
                "UPDATE feedback SET project_id = coalesce(project_id, ?3), trace_id = coalesce(trace_id, ?4)
                 WHERE workspace_id = ?1 AND id = ?2",
            )?
            .execute(params![
                workspace_id.as_bytes(),
                feedback_id.as_bytes(),
                project_id.as_bytes(),
                trace_id.as_bytes()
            ])?;
    }
    transaction.commit()
}

fn delete_of_traces(
    db: &mut Connection,
    workspace_id: WorkspaceId,
    project_ids: Option<&[ProjectId]>,
    trace_ids: &[TraceId],
) -> SqlResult<u64> {
    let traces = columns::id_list(trace_ids.iter().map(TraceId::as_bytes));
    let projects = project_ids.map(|ids| columns::id_list(ids.iter().map(ProjectId::as_bytes)));
    let condition = "workspace_id = ?1 AND trace_id IN (SELECT unhex(value) FROM json_each(?2))
                     AND (?3 IS NULL OR project_id IS NULL
                          OR project_id IN (SELECT unhex(value) FROM json_each(?3)))";
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let which = params![workspace_id.as_bytes(), traces, projects];
    let removed = transaction.execute(&format!("DELETE FROM feedback WHERE {condition}"), which)?;
    transaction.execute(&format!("DELETE FROM feedback_tokens WHERE {condition}"), which)?;
    transaction.commit()?;
    Ok(removed as u64)
}

/// A row with [`COLUMNS`].
fn read(row: &Row<'_>) -> SqlResult<Feedback> {
    let score = row.get::<_, Option<f64>>(6)?;
    let is_bool: bool = row.get(7)?;
    Ok(Feedback {
        id: FeedbackId::from_bytes(row.get(0)?),
        workspace_id: WorkspaceId::from_bytes(row.get(1)?),
        project_id: columns::id(row, 2)?,
        run_id: columns::id(row, 3)?,
        trace_id: columns::id(row, 4)?,
        key: row.get(5)?,
        score: score.map(|score| if is_bool { Score::Bool(score != 0.0) } else { Score::Number(score) }),
        value: columns::json(row, 8)?,
        comment: row.get(9)?,
        correction: columns::json(row, 10)?,
        source_type: row.get(11)?,
        source: columns::json(row, 12)?,
        is_error: row.get(13)?,
        group_id: columns::id(row, 14)?,
        comparative_experiment_id: columns::id(row, 15)?,
        extra: columns::json(row, 16)?,
        run_start: columns::time(row, 17)?,
        created_at: UnixNanos::from_nanos(row.get(18)?),
        modified_at: UnixNanos::from_nanos(row.get(19)?),
    })
}
