//! Feedback: what people, programs and evaluators say of runs and projects.
//!
//! A piece of feedback has a key ("correctness") and a score, a value, a comment or a correction. Its id comes from whoever
//! sends it, so that sending it again changes nothing. It may arrive before the run it is about, and the run need not
//! exist: nothing here looks for it.

use clearspan_model::{JsonText, ProjectId, RunId, TraceId, UnixNanos, WorkspaceId};
use uuid::Uuid;

use crate::{FeedbackId, Result};

mod config;
mod stats;
mod token;

pub use config::FeedbackConfig;
pub use stats::FeedbackStats;
pub use token::{FeedbackToken, TokenId};

/// Keeps feedback, what is known of its keys, and the tokens that let strangers give it.
pub trait FeedbackCatalog {
    /// Keeps all of these, or none. One whose id is there already is replaced, unless that one was modified later; the
    /// time of its creation stays.
    fn put_feedback(&self, feedback: &[Feedback]) -> Result<()>;

    /// The feedback with that id.
    fn load_feedback(&self, workspace_id: WorkspaceId, id: FeedbackId) -> Result<Option<Feedback>>;

    /// Feedback, the newest first.
    fn list_feedback(&self, workspace_id: WorkspaceId, query: &FeedbackQuery) -> Result<Vec<Feedback>>;

    /// Changes some of what a feedback says. `None` when there is no such feedback.
    fn update_feedback(
        &self,
        workspace_id: WorkspaceId,
        id: FeedbackId,
        change: FeedbackChange,
        now: UnixNanos,
    ) -> Result<Option<Feedback>>;

    /// Removes a feedback. False when there is no such feedback.
    fn delete_feedback(&self, workspace_id: WorkspaceId, id: FeedbackId) -> Result<bool>;

    /// Traces that have feedback which was given before a time, in order of their ids and behind one of them, at most
    /// `limit`. With projects, those of feedback in one of these; otherwise of the whole workspace.
    fn traces_with_feedback(
        &self,
        workspace_id: WorkspaceId,
        project_ids: Option<&[ProjectId]>,
        before: UnixNanos,
        after: Option<TraceId>,
        limit: usize,
    ) -> Result<Vec<TraceId>>;

    /// Removes the feedback on runs of these traces, and the tokens for giving more; with projects, what belongs to one of
    /// these or to none. Returns how much feedback there was.
    fn delete_feedback_of_traces(
        &self,
        workspace_id: WorkspaceId,
        project_ids: Option<&[ProjectId]>,
        trace_ids: &[TraceId],
    ) -> Result<u64>;

    /// The figures of a project's feedback, by key: those of its runs, or those of the project itself. Preferences of
    /// comparisons do not count: they are relative to other projects.
    fn feedback_stats(
        &self,
        workspace_id: WorkspaceId,
        project_id: ProjectId,
        about: FeedbackAbout,
    ) -> Result<Vec<(String, FeedbackStats)>>;

    /// The runs that have a feedback for which all of the tests hold, each once, at most `limit`. Without projects those
    /// of the whole workspace; feedback that names no project counts for all.
    fn runs_with_feedback(
        &self,
        workspace_id: WorkspaceId,
        project_ids: Option<&[ProjectId]>,
        tests: &[FeedbackTest],
        limit: usize,
    ) -> Result<Vec<RunId>>;

    /// The runs with feedback of which nobody said yet in which project and trace they are, each once, at most `limit`.
    fn runs_to_place(&self, workspace_id: WorkspaceId, limit: usize) -> Result<Vec<RunId>>;

    /// Says where the runs of feedback are. What a feedback knows already stays.
    fn place_feedback(&self, workspace_id: WorkspaceId, places: &[FeedbackPlace]) -> Result<()>;

    /// Keeps what is known of a key, in the place of what was known.
    fn put_feedback_config(&self, config: &FeedbackConfig) -> Result<()>;

    /// What is known of keys, by key.
    fn list_feedback_configs(&self, workspace_id: WorkspaceId) -> Result<Vec<FeedbackConfig>>;

    /// Forgets what is known of a key. False when nothing was.
    fn delete_feedback_config(&self, workspace_id: WorkspaceId, key: &str) -> Result<bool>;

    /// Keeps tokens, all or none.
    fn create_feedback_tokens(&self, tokens: &[FeedbackToken]) -> Result<()>;

    /// The token, expired ones too: whoever holds one should learn that it is too late.
    fn find_feedback_token(&self, token: TokenId) -> Result<Option<FeedbackToken>>;

    /// The tokens for a run, the newest first.
    fn list_feedback_tokens(&self, workspace_id: WorkspaceId, run_id: RunId) -> Result<Vec<FeedbackToken>>;
}

/// What somebody says of a run or a project.
#[derive(Debug, Clone, PartialEq)]
pub struct Feedback {
    /// From whoever sends it.
    pub id: FeedbackId,
    /// The tenant.
    pub workspace_id: WorkspaceId,
    /// The project of the run, or the project that it is about. Absent when nobody said.
    pub project_id: Option<ProjectId>,
    /// The run; absent for feedback on a project.
    pub run_id: Option<RunId>,
    /// The trace of the run.
    pub trace_id: Option<TraceId>,
    /// What is judged.
    pub key: String,
    /// The judgement.
    pub score: Option<Score>,
    /// The judgement in words, or any JSON.
    pub value: Option<JsonText>,
    /// What else there is to say.
    pub comment: Option<String>,
    /// What would have been right.
    pub correction: Option<JsonText>,
    /// The kind of its source: `api`, `model`, `app`.
    pub source_type: Option<String>,
    /// All that is known of the source, as it was sent.
    pub source: Option<JsonText>,
    /// Whether the evaluator failed to judge.
    pub is_error: Option<bool>,
    /// Ties the judgements of one comparison together.
    pub group_id: Option<Uuid>,
    /// The comparison of experiments that it belongs to.
    pub comparative_experiment_id: Option<Uuid>,
    /// What the sender wants to keep beside it.
    pub extra: Option<JsonText>,
    /// When the run began, as the sender knows it.
    pub run_start: Option<UnixNanos>,
    /// When it was given.
    pub created_at: UnixNanos,
    /// When it was changed last.
    pub modified_at: UnixNanos,
}

/// A judgement as a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Score {
    /// Any finite number.
    Number(f64),
    /// Good or bad; counts as one or zero.
    Bool(bool),
}

impl Score {
    /// What it adds to figures.
    pub fn as_number(self) -> f64 {
        match self {
            Self::Number(number) => number,
            Self::Bool(yes) => f64::from(u8::from(yes)),
        }
    }
}

/// Which feedback. What is empty or absent does not restrict.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FeedbackQuery {
    /// About one of these runs.
    pub run_ids: Option<Vec<RunId>>,
    /// About a run of one of these traces. Feedback whose trace nobody told is of none.
    pub trace_ids: Option<Vec<TraceId>>,
    /// With a trace, or without one.
    pub has_trace: Option<bool>,
    /// About a run of which nobody said yet in which project and trace it is.
    pub is_to_place: bool,
    /// Of one of these projects.
    pub project_ids: Option<Vec<ProjectId>>,
    /// With one of these keys.
    pub keys: Vec<String>,
    /// From a source of one of these kinds, in any case of letters.
    pub source_types: Vec<String>,
    /// One of this comparison.
    pub comparative_experiment_id: Option<Uuid>,
    /// With a comment, or without one.
    pub has_comment: Option<bool>,
    /// With a score, or without one.
    pub has_score: Option<bool>,
    /// About runs, or about projects.
    pub about: Option<FeedbackAbout>,
    /// Given in this half-open stretch of time.
    pub created: (Option<UnixNanos>, Option<UnixNanos>),
    /// How many at most.
    pub limit: Option<usize>,
    /// How many to leave out before that.
    pub offset: usize,
}

/// Where the run of a feedback is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct FeedbackPlace {
    pub feedback_id: FeedbackId,
    pub project_id: ProjectId,
    pub trace_id: TraceId,
}

/// What feedback is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedbackAbout {
    /// A run.
    Runs,
    /// A project as a whole.
    Project,
}

/// What is to be changed of a feedback: `None` leaves it as it is, `Some(None)` takes it away.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FeedbackChange {
    /// The judgement.
    pub score: Option<Option<Score>>,
    /// The judgement in words, or any JSON.
    pub value: Option<Option<JsonText>>,
    /// What else there is to say.
    pub comment: Option<Option<String>>,
    /// What would have been right.
    pub correction: Option<Option<JsonText>>,
}

/// A test of one property of a feedback.
#[derive(Debug, Clone, PartialEq)]
pub enum FeedbackTest {
    /// The key is one of these.
    Key(Vec<String>),
    /// The key is none of these.
    KeyNot(Vec<String>),
    /// The score compares so.
    Score(Comparison, f64),
    /// There is a score, or there is none.
    HasScore(bool),
    /// The value, as plain text, is one of these.
    Value(Vec<String>),
    /// There is a value, and it is none of these.
    ValueNot(Vec<String>),
    /// The comment contains this, in any case of letters.
    CommentContains(String),
    /// The comment is this.
    Comment(String),
    /// The source is of one of these kinds, in any case of letters.
    Source(Vec<String>),
    /// It was changed last in this half-open stretch of time.
    Modified(Option<UnixNanos>, Option<UnixNanos>),
}

/// How numbers compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}
