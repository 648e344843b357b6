//! Which feedback is asked for, as conditions of SQL.

use clearspan_model::{ProjectId, RunId, TraceId, UnixNanos, WorkspaceId};
use rusqlite::types::ToSql;
use rusqlite::{Connection, params_from_iter};

use super::super::columns::{id_list, text_list};
use super::{COLUMNS, SqlResult, read};
use crate::{Comparison, Feedback, FeedbackAbout, FeedbackQuery, FeedbackTest};

/// Conditions that all hold, and the values of their parameters.
struct Conditions {
    terms: Vec<String>,
    values: Vec<Box<dyn ToSql>>,
}

impl Conditions {
    fn of_workspace(workspace_id: WorkspaceId) -> Self {
        let mut conditions = Self { terms: Vec::new(), values: Vec::new() };
        conditions.add("workspace_id = ?", Box::new(*workspace_id.as_bytes()));
        conditions
    }

    fn add(&mut self, term: impl Into<String>, value: Box<dyn ToSql>) {
        self.terms.push(term.into());
        self.values.push(value);
    }

    fn plain(&mut self, term: impl Into<String>) {
        self.terms.push(term.into());
    }

    fn between(&mut self, column: &str, (from, to): (Option<UnixNanos>, Option<UnixNanos>)) {
        if let Some(from) = from {
            self.add(format!("{column} >= ?"), Box::new(from.as_nanos()));
        }
        if let Some(to) = to {
            self.add(format!("{column} < ?"), Box::new(to.as_nanos()));
        }
    }

    fn text(&self) -> String {
        self.terms.join(" AND ")
    }
}

/// The condition of the index `feedback_to_place`, word by word.
const TO_PLACE: &str = "run_id IS NOT NULL AND (project_id IS NULL OR trace_id IS NULL)";

fn one_of(column: &str) -> String {
    format!("{column} IN (SELECT value FROM json_each(?))")
}

fn one_of_ids(column: &str) -> String {
    format!("{column} IN (SELECT unhex(value) FROM json_each(?))")
}

pub(super) fn list(
    db: &Connection,
    workspace_id: WorkspaceId,
    query: &FeedbackQuery,
) -> SqlResult<Vec<Feedback>> {
    let mut asked = Conditions::of_workspace(workspace_id);
    if let Some(ids) = &query.run_ids {
        asked.add(one_of_ids("run_id"), Box::new(id_list(ids.iter().map(RunId::as_bytes))));
    }
    if let Some(ids) = &query.trace_ids {
        asked.add(one_of_ids("trace_id"), Box::new(id_list(ids.iter().map(TraceId::as_bytes))));
    }
    if let Some(ids) = &query.project_ids {
        asked.add(one_of_ids("project_id"), Box::new(id_list(ids.iter().map(ProjectId::as_bytes))));
    }
    if !query.keys.is_empty() {
        asked.add(one_of("key"), Box::new(text_list(query.keys.iter().map(String::as_str))));
    }
    if !query.source_types.is_empty() {
        asked.add(one_of("lower(source_type)"), Box::new(lowercase_list(&query.source_types)));
    }
    if let Some(id) = query.comparative_experiment_id {
        asked.add("comparative_experiment_id = ?", Box::new(id.into_bytes()));
    }
    let presence = |has: bool| if has { "IS NOT NULL" } else { "IS NULL" };
    if let Some(has) = query.has_comment {
        asked.plain(format!("comment {}", presence(has)));
    }
    if let Some(has) = query.has_score {
        asked.plain(format!("score {}", presence(has)));
    }
    if let Some(has) = query.has_trace {
        asked.plain(format!("trace_id {}", presence(has)));
    }
    if query.is_to_place {
        asked.plain(TO_PLACE);
    }
    if let Some(about) = query.about {
        asked.plain(format!("run_id {}", presence(about == FeedbackAbout::Runs)));
    }
    asked.between("created_at", query.created);
    let sql = format!(
        "SELECT {COLUMNS} FROM feedback WHERE {} ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?",
        asked.text()
    );
    let limit = query.limit.map_or(-1, count);
    asked.values.push(Box::new(limit));
    asked.values.push(Box::new(count(query.offset)));
    db.prepare_cached(&sql)?.query_map(params_from_iter(&asked.values), read)?.collect()
}

pub(super) fn runs(
    db: &Connection,
    workspace_id: WorkspaceId,
    project_ids: Option<&[ProjectId]>,
    tests: &[FeedbackTest],
    limit: usize,
) -> SqlResult<Vec<RunId>> {
    let mut asked = Conditions::of_workspace(workspace_id);
    asked.plain("run_id IS NOT NULL");
    if let Some(ids) = project_ids {
        let term = format!("(project_id IS NULL OR {})", one_of_ids("project_id"));
        asked.add(term, Box::new(id_list(ids.iter().map(ProjectId::as_bytes))));
    }
    for test in tests {
        add_test(&mut asked, test);
    }
    let sql = format!("SELECT DISTINCT run_id FROM feedback WHERE {} LIMIT ?", asked.text());
    asked.values.push(Box::new(count(limit)));
    db.prepare_cached(&sql)?
        .query_map(params_from_iter(&asked.values), |row| Ok(RunId::from_bytes(row.get(0)?)))?
        .collect()
}

pub(super) fn runs_to_place(
    db: &Connection,
    workspace_id: WorkspaceId,
    limit: usize,
) -> SqlResult<Vec<RunId>> {
    let mut asked = Conditions::of_workspace(workspace_id);
    asked.plain(TO_PLACE);
    let sql = format!("SELECT DISTINCT run_id FROM feedback WHERE {} LIMIT ?", asked.text());
    asked.values.push(Box::new(count(limit)));
    db.prepare_cached(&sql)?
        .query_map(params_from_iter(&asked.values), |row| Ok(RunId::from_bytes(row.get(0)?)))?
        .collect()
}

pub(super) fn traces(
    db: &Connection,
    workspace_id: WorkspaceId,
    project_ids: Option<&[ProjectId]>,
    before: UnixNanos,
    after: Option<TraceId>,
    limit: usize,
) -> SqlResult<Vec<TraceId>> {
    let mut asked = Conditions::of_workspace(workspace_id);
    asked.add("trace_id > ?", Box::new(after.map_or_else(Vec::new, |id| id.as_bytes().to_vec())));
    asked.between("created_at", (None, Some(before)));
    if let Some(ids) = project_ids {
        asked.add(one_of_ids("project_id"), Box::new(id_list(ids.iter().map(ProjectId::as_bytes))));
    }
    let sql =
        format!("SELECT DISTINCT trace_id FROM feedback WHERE {} ORDER BY trace_id LIMIT ?", asked.text());
    asked.values.push(Box::new(count(limit)));
    db.prepare_cached(&sql)?
        .query_map(params_from_iter(&asked.values), |row| Ok(TraceId::from_bytes(row.get(0)?)))?
        .collect()
}

fn add_test(asked: &mut Conditions, test: &FeedbackTest) {
    let texts = |texts: &[String]| Box::new(text_list(texts.iter().map(String::as_str)));
    // A text without its quotes, and the JSON text of anything else: what people write in a filter.
    let value = "CASE json_type(value) WHEN 'text' THEN value ->> '$' ELSE value END";
    match test {
        FeedbackTest::Key(keys) => asked.add(one_of("key"), texts(keys)),
        FeedbackTest::KeyNot(keys) => asked.add(format!("NOT {}", one_of("key")), texts(keys)),
        FeedbackTest::Score(comparison, score) => {
            asked.add(format!("score {} ?", operator(*comparison)), Box::new(*score));
        }
        FeedbackTest::HasScore(true) => asked.plain("score IS NOT NULL"),
        FeedbackTest::HasScore(false) => asked.plain("score IS NULL"),
        FeedbackTest::Value(values) => asked.add(one_of(value), texts(values)),
        FeedbackTest::ValueNot(values) => asked.add(format!("NOT {}", one_of(value)), texts(values)),
        FeedbackTest::CommentContains(part) => {
            asked.add("instr(lower(comment), lower(?)) > 0", Box::new(part.clone()));
        }
        FeedbackTest::Comment(text) => asked.add("comment = ?", Box::new(text.clone())),
        FeedbackTest::Source(kinds) => {
            asked.add(one_of("lower(source_type)"), Box::new(lowercase_list(kinds)));
        }
        FeedbackTest::Modified(from, to) => asked.between("modified_at", (*from, *to)),
    }
}

fn operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::NotEqual => "<>",
        Comparison::Less => "<",
        Comparison::AtMost => "<=",
        Comparison::Greater => ">",
        Comparison::AtLeast => ">=",
    }
}

fn lowercase_list(texts: &[String]) -> String {
    let lower: Vec<String> = texts.iter().map(|text| text.to_ascii_lowercase()).collect();
    text_list(lower.iter().map(String::as_str))
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
