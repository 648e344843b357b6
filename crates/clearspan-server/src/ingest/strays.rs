//! Patches of LangSmith's protocol that come before anything says where their run belongs.
//!
//! A client may send the patch of a run while its post still waits in a queue, and a patch need not name its project or its
//! trace. It goes to the project that the trace of the run, or its parent, is in; else to where the trace was deleted, and is dropped
//! as everything that arrives late for it. When nobody knows either, it goes where runs go that nobody names a project for: it is
//! a *stray*. Whatever says later where the run belongs takes over what the stray has, and the stray goes.
//!
//! Who places a stray looks once more after it was written, and holds off those who take strays over from the look before to the end
//! of writing: so each stray is either seen by whom it belongs to, or sees it. Strays are remembered in memory: after a restart, those
//! from before it stay where they are.

use std::sync::Arc;

use clearspan_mapping::langsmith::{Kind, Told};
use clearspan_model::{Run, RunId, RunKey, TraceId, UnixNanos, WorkspaceId};
use clearspan_store::{Deletion, DeletionTarget, Result as StoreResult, RunStore, Scope};
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::{RwLock, RwLockReadGuard};

use super::Ingest;
use super::documents::{Home, places_of};
use super::recent::Recent;

/// Strays that are remembered, twice.
const MAX_STRAYS: usize = 20_000;

/// Where runs are of which nobody knew where they belong.
#[derive(Debug)]
pub(super) struct Strays {
    store: Arc<dyn RunStore>,
    /// Where each is, until it is taken over or known to be where it belongs.
    places: Recent<(WorkspaceId, RunId), RunKey>,
    moving: RwLock<()>,
}

impl Strays {
    pub(super) fn new(store: Arc<dyn RunStore>) -> Self {
        Self { store, places: Recent::new(MAX_STRAYS), moving: RwLock::default() }
    }

    /// Nobody takes strays over until what this returns is dropped.
    pub(super) async fn hold(&self) -> RwLockReadGuard<'_, ()> {
        self.moving.read().await
    }

    /// The homes of runs that nobody knows: those of their traces and parents, or where their traces were deleted.
    pub(super) async fn homes_of(
        &self,
        workspace_id: WorkspaceId,
        unknown: &[&Told],
        now: UnixNanos,
    ) -> StoreResult<FxHashMap<RunId, Home>> {
        let scope = Scope { workspace_id, project_ids: None };
        let (mut ids, mut traces) = (FxHashSet::default(), FxHashSet::default());
        for told in unknown {
            ids.insert(told.run.key.run_id);
            ids.extend(told.run.parent_run_id);
            traces.insert(told.trace_or_own());
        }
        let ids: Vec<RunId> = ids.into_iter().collect();
        let home_at = |key: RunKey| Home { is_guess: self.is_stray(&key), ..Home::of(&key) };
        let places = places_of(&*self.store, workspace_id, &ids).await?;
        let by_id: FxHashMap<RunId, Home> = places.iter().map(|key| (key.run_id, home_at(*key))).collect();
        let traces: Vec<TraceId> = traces.into_iter().collect();
        let mut rows = self.store.load_skeletons(&scope, &traces).await?;
        // The last one counts: strays do where there is nothing else.
        rows.sort_by_key(|row| {
            let key = row.key(workspace_id);
            (!self.is_stray(&key), std::cmp::Reverse(key))
        });
        let by_trace: FxHashMap<TraceId, Home> =
            rows.iter().map(|row| (row.trace_id, home_at(row.key(workspace_id)))).collect();
        let home = |told: &Told| {
            let of_parent = || by_id.get(&told.run.parent_run_id?).copied();
            let found = by_id.get(&told.run.key.run_id).copied();
            found.or_else(|| by_trace.get(&told.trace_or_own()).copied()).or_else(of_parent).or_else(|| {
                let trace_id = told.trace_or_own();
                let project_id = self.store.deleted_from(workspace_id, trace_id, now)?;
                Some(Home { trace_id, project_id, is_guess: false })
            })
        };
        Ok(unknown.iter().filter_map(|told| Some((told.run.key.run_id, home(told)?))).collect())
    }

    fn is_stray(&self, key: &RunKey) -> bool {
        self.places.get(&(key.workspace_id, key.run_id)) == Some(*key)
    }

    /// To be called before strays are written.
    pub(super) fn note(&self, strays: &[RunKey]) {
        self.places.extend(strays.iter().map(|key| ((key.workspace_id, key.run_id), *key)));
    }

    /// To be called after runs were written of which it was said where they belong: those that have a stray elsewhere.
    pub(super) fn elsewhere(&self, homes: &[RunKey]) -> Vec<RunKey> {
        let ids: Vec<(WorkspaceId, RunId)> =
            homes.iter().map(|home| (home.workspace_id, home.run_id)).collect();
        let mut elsewhere = Vec::new();
        for (home, place) in homes.iter().zip(self.places.get_all(&ids)) {
            match place {
                Some(place) if place == *home => self.places.remove(&(home.workspace_id, home.run_id)),
                Some(_) => elsewhere.push(*home),
                None => {}
            }
        }
        elsewhere
    }

    /// To be called after strays were written: the runs that they belong to, where those were written meanwhile.
    async fn written_meanwhile(&self, strays: &[RunKey]) -> StoreResult<Vec<RunKey>> {
        let Some(workspace_id) = strays.first().map(|key| key.workspace_id) else { return Ok(Vec::new()) };
        let ids: Vec<RunId> = strays.iter().map(|key| key.run_id).collect();
        let places = places_of(&*self.store, workspace_id, &ids).await?;
        Ok(places.into_iter().filter(|key| !strays.contains(key)).collect())
    }

    /// The runs of a stray's trace that go with it, and whether nothing else is in that trace.
    async fn runs_with(&self, stray: &RunKey) -> StoreResult<(Vec<Run>, bool)> {
        let scope = Scope { workspace_id: stray.workspace_id, project_ids: Some(vec![stray.project_id]) };
        let mut runs = self.store.load_trace(&scope, stray.trace_id).await?;
        let are_all = runs.iter().all(|run| self.is_stray(&run.key));
        if !are_all {
            runs.retain(|run| run.key == *stray);
        }
        Ok((runs, are_all))
    }
}

impl Ingest {
    /// Lets runs take over their strays, also those that were written while the strays were.
    pub(super) async fn take_over(&self, strays: &[RunKey], homes: &[RunKey]) -> StoreResult<()> {
        let mut homes = homes.to_vec();
        homes.extend(self.strays.written_meanwhile(strays).await?);
        let _moving = self.strays.moving.write().await;
        for home in self.strays.elsewhere(&homes) {
            let Some(stray) = self.strays.places.get(&(home.workspace_id, home.run_id)) else { continue };
            let (runs, are_all) = self.strays.runs_with(&stray).await?;
            let keys: Vec<RunKey> = runs.iter().map(|run| run.key).collect();
            let at_home = |key: RunKey| match key.run_id == home.run_id {
                true => home,
                false => RunKey { project_id: home.project_id, trace_id: home.trace_id, ..key },
            };
            let moved: Vec<Run> = runs.into_iter().map(|run| Run { key: at_home(run.key), ..run }).collect();
            if !moved.is_empty() {
                self.store.write(moved).await?;
                self.feedback.runs_came(home.workspace_id, &[home.run_id]).await;
                self.live.publish(home.workspace_id, vec![(home.project_id, home.trace_id)]);
            }
            if are_all && !keys.is_empty() {
                let (deleted_at, scope) = (self.clock.now(), stray.project_id);
                let scope = Scope { workspace_id: stray.workspace_id, project_ids: Some(vec![scope]) };
                // What comes there later is no retry of something that a user deleted.
                let forget_at = UnixNanos::from_nanos(deleted_at.as_nanos().saturating_add(1));
                let target = DeletionTarget::Traces(vec![stray.trace_id]);
                self.store.delete(&Deletion { scope, target, deleted_at, forget_at }).await?;
                self.live.publish(stray.workspace_id, vec![(stray.project_id, stray.trace_id)]);
            }
            keys.iter().for_each(|key| self.strays.places.remove(&(key.workspace_id, key.run_id)));
            self.strays.places.remove(&(home.workspace_id, home.run_id));
        }
        Ok(())
    }
}

/// The patches of which nothing in the request, and nobody so far, says where they belong.
pub(super) fn unknown<'t>(told: &'t [Told], homes: &FxHashMap<RunId, Home>) -> Vec<&'t Told> {
    let said: FxHashSet<RunId> = told
        .iter()
        .filter(|told| told.kind == Kind::Post || told.has_trace && told.names_project())
        .map(|told| told.run.key.run_id)
        .collect();
    let is_known = |run_id: &RunId| said.contains(run_id) || homes.contains_key(run_id);
    told.iter().filter(|told| !is_known(&told.run.key.run_id)).collect()
}
