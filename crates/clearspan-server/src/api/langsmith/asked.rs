//! Which runs a request means, whichever version of the protocol it came by.

use std::sync::Arc;

use clearspan_catalog::{Catalog, Comparison, FeedbackTest};
use clearspan_model::{Decimal, ProjectId, RunId, RunType, TraceId, UnixNanos, WorkspaceId};
use clearspan_query::langsmith::{self, FeedbackField};
use clearspan_query::{Diagnostic, Expr, Field, Literal, Op};
use clearspan_store::{Scope, Selection, TimeRange};

use crate::api::error::{ApiError, Result};
use crate::context::Context;

/// Runs that a test of feedback may find. More cannot be asked of the store at once.
const MAX_RUNS_WITH_FEEDBACK: usize = 100_000;
/// The metadata in which a run of an experiment says which example it was made from.
const REFERENCE_EXAMPLE: &str = "reference_example_id";

/// Conditions that all hold. What is absent does not restrict.
#[derive(Debug, Default, Clone)]
pub(super) struct Asked {
    pub(super) project_ids: Option<Vec<ProjectId>>,
    /// Nothing else counts beside them.
    pub(super) ids: Option<Vec<RunId>>,
    pub(super) trace_ids: Option<Vec<TraceId>>,
    pub(super) parent_run_id: Option<RunId>,
    pub(super) example_ids: Option<Vec<String>>,
    pub(super) run_type: Option<RunType>,
    pub(super) is_root: Option<bool>,
    pub(super) has_error: Option<bool>,
    pub(super) range: TimeRange,
    /// Words that occur in the run.
    pub(super) words: Option<String>,
    /// On the run itself.
    pub(super) filters: Vec<(&'static str, String)>,
    /// On the root of its trace.
    pub(super) trace_filter: Option<String>,
    /// On some run of its trace.
    pub(super) tree_filter: Option<String>,
    /// A condition that needs no reading.
    pub(super) also: Option<Expr>,
    /// On feedback that was changed in this time.
    pub(super) feedback_modified: (Option<UnixNanos>, Option<UnixNanos>),
}

impl Asked {
    /// True when only roots are wanted: then the figures of whole traces can be asked for, as LangSmith counts what is
    /// below a run as its own. [`Self::selection`] selects traces in that case.
    pub(super) fn wants_roots(&self) -> bool {
        self.is_root == Some(true) && self.ids.is_none() && self.parent_run_id.is_none()
    }

    /// The same for the store. What is said of feedback is looked up in the catalog.
    pub(super) async fn selection(self, ctx: &Arc<Context>, workspace_id: WorkspaceId) -> Result<Selection> {
        let catalog = Arc::clone(&ctx.catalog);
        tokio::task::spawn_blocking(move || self.select(&*catalog, workspace_id)).await?
    }

    pub(super) fn select(self, catalog: &dyn Catalog, workspace_id: WorkspaceId) -> Result<Selection> {
        let wants_roots = self.wants_roots();
        if let Some(ids) = &self.ids {
            // Documented: ids ignore all other conditions.
            let scope = Scope { workspace_id, project_ids: None };
            let filter = Some(Expr::Test(Field::RunId, Op::In(id_literals(ids, RunId::as_bytes))));
            return Ok(Selection { scope, range: TimeRange::default(), filter });
        }
        let mut terms = self.plain_terms()?;
        let finder = Finder { catalog, workspace_id, project_ids: self.project_ids.as_deref() };
        for (name, text) in &self.filters {
            terms.extend(finder.parse(name, Some(text))?);
        }
        let (from, to) = self.feedback_modified;
        if from.is_some() || to.is_some() {
            let found = finder.runs(&[FeedbackTest::Modified(from, to)])?;
            terms.push(found.map_err(|problem| ApiError::parameter("min_feedback_modified_at", problem))?);
        }
        if let Some(filter) = finder.parse("trace_filter", self.trace_filter.as_deref())? {
            terms.push(Expr::Root(Box::new(filter)));
        }
        if let Some(filter) = finder.parse("tree_filter", self.tree_filter.as_deref())? {
            terms.push(Expr::AnyRun(Box::new(filter)));
        }
        let filter = if terms.len() <= 1 { terms.pop() } else { Some(Expr::All(terms)) };
        let filter = if wants_roots { filter.map(over_traces) } else { filter };
        let scope = Scope { workspace_id, project_ids: self.project_ids };
        Ok(Selection { scope, range: self.range, filter })
    }

    /// What is asked for without a filter.
    fn plain_terms(&self) -> Result<Vec<Expr>> {
        let mut terms: Vec<Expr> = self.also.iter().cloned().collect();
        if let Some(ids) = &self.trace_ids {
            terms.push(Expr::Test(Field::TraceId, Op::In(id_literals(ids, TraceId::as_bytes))));
        }
        if let Some(parent) = self.parent_run_id {
            terms.push(Expr::Test(Field::ParentRunId, Op::Eq(Literal::Id(*parent.as_bytes()))));
        }
        if let Some(ids) = &self.example_ids {
            let ids = ids.iter().cloned().map(Literal::Text).collect();
            terms.push(Expr::Test(Field::Metadata(REFERENCE_EXAMPLE.to_owned()), Op::In(ids)));
        }
        if let Some(run_type) = self.run_type {
            terms.push(Expr::Test(Field::RunType, Op::Eq(Literal::RunType(run_type))));
        }
        if let Some(flag) = self.is_root {
            terms.push(yes_or_no(is_root(), flag));
        }
        if let Some(flag) = self.has_error {
            terms.push(yes_or_no(Expr::Test(Field::Error, Op::Exists), flag));
        }
        if let Some(words) = self.words.as_deref().filter(|words| !words.trim().is_empty()) {
            terms.push(langsmith::words(words).map_err(|complaint| complain("query", &complaint))?);
        }
        Ok(terms)
    }
}

pub(super) fn is_root() -> Expr {
    Expr::Test(Field::IsRoot, Op::Eq(Literal::Bool(true)))
}

fn id_literals<T>(ids: &[T], bytes: impl Fn(&T) -> &[u8; 16]) -> Vec<Literal> {
    ids.iter().map(|id| Literal::Id(*bytes(id))).collect()
}

/// The same condition for traces: figures are those of the whole trace, everything else is the root's.
fn over_traces(filter: Expr) -> Expr {
    match filter {
        Expr::All(terms) => Expr::All(terms.into_iter().map(over_traces).collect()),
        Expr::Any(terms) => Expr::Any(terms.into_iter().map(over_traces).collect()),
        Expr::Not(inner) => Expr::Not(Box::new(over_traces(*inner))),
        Expr::Test(
            Field::Cost
            | Field::InputCost
            | Field::OutputCost
            | Field::InputTokens
            | Field::OutputTokens
            | Field::TotalTokens,
            _,
        )
        | Expr::AnyRun(_)
        | Expr::Root(_) => filter,
        Expr::Test(..) => Expr::Root(Box::new(filter)),
    }
}

fn yes_or_no(expr: Expr, flag: bool) -> Expr {
    if flag { expr } else { Expr::Not(Box::new(expr)) }
}

/// Finds the runs that have feedback.
struct Finder<'a> {
    catalog: &'a dyn Catalog,
    workspace_id: WorkspaceId,
    project_ids: Option<&'a [ProjectId]>,
}

impl Finder<'_> {
    fn parse(&self, name: &str, text: Option<&str>) -> Result<Option<Expr>> {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
        let mut failure = None;
        let parsed = langsmith::parse_with(text, &mut |tests| {
            let tests: Vec<FeedbackTest> =
                tests.iter().map(catalog_test).collect::<std::result::Result<_, _>>()?;
            self.runs(&tests).unwrap_or_else(|error| {
                failure = Some(error);
                Err("the catalog failed".to_owned())
            })
        });
        match (failure, parsed) {
            (Some(error), _) => Err(error),
            (None, Ok(expr)) => Ok(Some(expr)),
            (None, Err(complaint)) => Err(complain(name, &complaint)),
        }
    }

    fn runs(&self, tests: &[FeedbackTest]) -> Result<std::result::Result<Expr, String>> {
        let limit = MAX_RUNS_WITH_FEEDBACK + 1;
        let runs = self.catalog.runs_with_feedback(self.workspace_id, self.project_ids, tests, limit)?;
        if runs.len() == limit {
            return Ok(Err(format!(
                "more than {MAX_RUNS_WITH_FEEDBACK} runs have such feedback; narrow it down by a project or its key"
            )));
        }
        Ok(Ok(match runs.is_empty() {
            true => Expr::Any(Vec::new()),
            false => Expr::Test(Field::RunId, Op::In(id_literals(&runs, RunId::as_bytes))),
        }))
    }
}

/// The complaint with its place: the SDKs print the message only.
pub(super) fn complain(name: &str, complaint: &Diagnostic) -> ApiError {
    let mut error = ApiError::filter(complaint);
    error.message = format!("{name}: {} (at character {})", error.message, complaint.span.start + 1);
    error
}

/// A test of feedback in the words of the catalog.
fn catalog_test(test: &langsmith::FeedbackTest) -> std::result::Result<FeedbackTest, String> {
    let text = |literal: &Literal| match literal {
        Literal::Text(text) => text.clone(),
        _ => String::new(),
    };
    let texts = |op: &Op| match op {
        Op::Eq(literal) => Some(vec![text(literal)]),
        Op::In(literals) => Some(literals.iter().map(text).collect()),
        _ => None,
    };
    let refused = || "feedback cannot be asked for in this way".to_owned();
    let found = match (test.field, &test.op, test.holds) {
        (FeedbackField::Score, Op::Exists, holds) => Some(FeedbackTest::HasScore(holds)),
        (FeedbackField::Score, op, holds) => return score_test(op, holds).ok_or_else(refused),
        (FeedbackField::Key, op, true) => texts(op).map(FeedbackTest::Key),
        (FeedbackField::Key, op, false) => texts(op).map(FeedbackTest::KeyNot),
        (FeedbackField::Value, op, true) => texts(op).map(FeedbackTest::Value),
        (FeedbackField::Value, op, false) => texts(op).map(FeedbackTest::ValueNot),
        (FeedbackField::Source, op, true) => texts(op).map(FeedbackTest::Source),
        (FeedbackField::Comment, Op::Contains(part), true) => {
            Some(FeedbackTest::CommentContains(part.clone()))
        }
        (FeedbackField::Comment, Op::Eq(literal), true) => Some(FeedbackTest::Comment(text(literal))),
        _ => None,
    };
    found.ok_or_else(refused)
}

fn score_test(op: &Op, holds: bool) -> Option<FeedbackTest> {
    let (comparison, literal) = match op {
        Op::Eq(literal) if holds => (Comparison::Equal, literal),
        Op::Eq(literal) => (Comparison::NotEqual, literal),
        Op::Lt(literal) => (Comparison::Less, literal),
        Op::Le(literal) => (Comparison::AtMost, literal),
        Op::Gt(literal) => (Comparison::Greater, literal),
        Op::Ge(literal) => (Comparison::AtLeast, literal),
        _ => return None,
    };
    match literal {
        Literal::Number(number) => Some(FeedbackTest::Score(comparison, float(*number)?)),
        _ => None,
    }
}

/// The nearest floating-point number: scores came as such.
fn float(number: Decimal) -> Option<f64> {
    number.to_string().parse().ok()
}
