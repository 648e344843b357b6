//! Feedback as LangSmith's clients send it: what a document says, where its run is, and keeping it.
//!
//! The same document comes by `POST /feedback` and as a part of `POST /runs/multipart`.

mod document;
mod intake;

use clearspan_catalog::{Catalog, Feedback, FeedbackConfig};
use clearspan_model::{JsonText, ProjectId, RunId, TraceId, UnixNanos, WorkspaceId};
use clearspan_query::{Expr, Field, Literal, Op};
use clearspan_store::{Order, RunQuery, RunStore, Scope, Selection, SortKey, TimeRange};
use rustc_hash::FxHashMap;

pub(crate) use document::{Members, read_score, read_time};
pub(super) use intake::FeedbackIntake;

/// Runs that are looked for at once.
const RUNS_AT_ONCE: usize = 500;

/// What a document says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Given {
    pub(crate) feedback: Feedback,
    /// What the sender knows of the key.
    pub(crate) config: Option<JsonText>,
}

/// Reads a document; the text is why it cannot be used.
pub(crate) fn read(
    document: &serde_json::Value,
    workspace_id: WorkspaceId,
    now: UnixNanos,
) -> Result<Given, String> {
    document::read(document, workspace_id, now)
}

/// Whether its sender did not say where its run is.
fn is_to_place(feedback: &Feedback) -> bool {
    feedback.run_id.is_some() && (feedback.project_id.is_none() || feedback.trace_id.is_none())
}

/// Finds out where the runs are of which the sender did not say it. A run that is not here yet is no error: its feedback
/// waits for it.
async fn place(
    store: &dyn RunStore,
    workspace_id: WorkspaceId,
    given: &mut [Given],
) -> clearspan_store::Result<()> {
    let mut lost: Vec<RunId> = given
        .iter()
        .filter(|given| is_to_place(&given.feedback))
        .filter_map(|given| given.feedback.run_id)
        .collect();
    lost.sort_unstable();
    lost.dedup();
    let found = find_runs(store, workspace_id, &lost).await?;
    for feedback in given.iter_mut().map(|given| &mut given.feedback) {
        if let Some((project_id, trace_id)) = fitting(feedback, &found) {
            feedback.project_id = Some(project_id);
            feedback.trace_id = Some(trace_id);
        }
    }
    Ok(())
}

/// Which of the runs with its run's id a feedback means: ids made from span ids are unique per trace only.
fn fitting(feedback: &Feedback, found: &FxHashMap<RunId, Vec<Place>>) -> Option<Place> {
    // The newest run comes first.
    found.get(&feedback.run_id?)?.iter().copied().find(|(project_id, trace_id)| {
        feedback.project_id.is_none_or(|id| id == *project_id)
            && feedback.trace_id.is_none_or(|id| id == *trace_id)
    })
}

/// Where a run is.
pub(crate) type Place = (ProjectId, TraceId);

/// Where runs with these ids are, the newest first.
pub(crate) async fn find_runs(
    store: &dyn RunStore,
    workspace_id: WorkspaceId,
    ids: &[RunId],
) -> clearspan_store::Result<FxHashMap<RunId, Vec<Place>>> {
    let mut found: FxHashMap<RunId, Vec<Place>> = FxHashMap::default();
    for ids in ids.chunks(RUNS_AT_ONCE) {
        let literals = ids.iter().map(|id| Literal::Id(*id.as_bytes())).collect();
        let query = RunQuery {
            selection: Selection {
                scope: Scope { workspace_id, project_ids: None },
                range: TimeRange::default(),
                filter: Some(Expr::Test(Field::RunId, Op::In(literals))),
            },
            order: Order { by: SortKey::Start, descending: true },
            after: None,
            limit: ids.len() * 2,
        };
        for key in store.find_runs(&query).await?.keys {
            found.entry(key.run_id).or_default().push((key.project_id, key.trace_id));
        }
    }
    Ok(found)
}

/// Keeps feedback, and what it says of its keys. Blocks.
fn keep(catalog: &dyn Catalog, given: &[Given]) -> clearspan_catalog::Result<()> {
    let feedback: Vec<Feedback> = given.iter().map(|given| given.feedback.clone()).collect();
    catalog.put_feedback(&feedback)?;
    let told: Vec<_> = given
        .iter()
        .filter_map(|given| given.config.as_ref().map(|config| (&given.feedback, config)))
        .collect();
    let Some((first, _)) = told.first() else { return Ok(()) };
    let known = catalog.list_feedback_configs(first.workspace_id)?;
    for (feedback, config) in told {
        let before = known.iter().find(|known| known.key == feedback.key);
        if before.is_some_and(|before| before.config == *config) {
            continue;
        }
        catalog.put_feedback_config(&FeedbackConfig {
            workspace_id: feedback.workspace_id,
            key: feedback.key.clone(),
            config: config.clone(),
            is_lower_score_better: before.and_then(|before| before.is_lower_score_better),
            modified_at: feedback.modified_at,
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
