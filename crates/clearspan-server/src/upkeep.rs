//! Deletion, retention and purge: everything that takes data away; and the scrub, which looks whether the disk did.
//!
//! A deletion goes on when its caller hangs up. Deleting a project takes it out of the catalog first, so that its name
//! means a new project at once; what a crash leaves undone is done at the next start. A loop enforces the retention of
//! projects and purges what was deleted, so that it is gone from the disk in time.

mod feedback;
mod files;
mod job;
mod purge;
mod retention;
mod scrub;
mod trusted;

use std::path::PathBuf;
use std::sync::Arc;

use clearspan_catalog::{Catalog, Project};
use clearspan_model::{ProjectId, UnixNanos, WorkspaceId};
use clearspan_store::{Deleted, Deletion, DeletionTarget, PurgeReport, RunStore, Scope};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

pub(crate) use job::JobState;
pub(crate) use retention::Enforced;
pub(crate) use scrub::Scrubbed;

use self::job::Job;
use self::retention::PayloadLook;
use self::trusted::TrustedTime;

use crate::attachments::Attachments;
use crate::clock::Clock;
use crate::config::TimeSpan;
use crate::error::chain;
use crate::ingest::Projects;

/// Takes data away, and looks whether all else is there.
#[derive(Debug)]
pub(crate) struct Upkeep {
    store: Arc<dyn RunStore>,
    catalog: Arc<dyn Catalog>,
    attachments: Arc<Attachments>,
    projects: Arc<Projects>,
    clock: Clock,
    trusted: TrustedTime,
    limits: Limits,
    purges: Job<PurgeReport>,
    /// The last look at payloads that expire.
    payloads: Mutex<Option<PayloadLook>>,
    scrubs: Job<Scrubbed>,
    began: UnixNanos,
    /// What retention took from each project last.
    enforced: Mutex<Vec<(ProjectId, Enforced)>>,
    stopping: CancellationToken,
}

/// What an [`Upkeep`] works with.
#[derive(Debug)]
pub(crate) struct UpkeepArgs {
    pub(crate) store: Arc<dyn RunStore>,
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) attachments: Arc<Attachments>,
    pub(crate) projects: Arc<Projects>,
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
    /// Where the believed time is kept.
    pub(crate) data_dir: PathBuf,
}

/// The times that the settings give.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) remember_deleted: TimeSpan,
    pub(crate) purge_within: TimeSpan,
    /// How often stored data is compared with its checksums.
    pub(crate) scrub_every: Option<TimeSpan>,
    pub(crate) every: TimeSpan,
}

/// Why something was not taken away.
#[derive(Debug)]
pub(crate) enum UpkeepError {
    Store(clearspan_store::Error),
    Catalog(clearspan_catalog::Error),
    /// The files of runs.
    Files(std::io::Error),
    /// Its task panicked.
    Broken,
}

impl From<clearspan_store::Error> for UpkeepError {
    fn from(err: clearspan_store::Error) -> Self {
        Self::Store(err)
    }
}

impl From<clearspan_catalog::Error> for UpkeepError {
    fn from(err: clearspan_catalog::Error) -> Self {
        Self::Catalog(err)
    }
}

impl UpkeepError {
    fn message(&self) -> String {
        match self {
            Self::Store(err) => chain(err),
            Self::Catalog(err) => chain(err),
            Self::Files(err) => chain(err),
            Self::Broken => "a task panicked".to_owned(),
        }
    }
}

type Result<T> = std::result::Result<T, UpkeepError>;

impl Upkeep {
    pub(crate) fn new(args: UpkeepArgs) -> Self {
        let UpkeepArgs { store, catalog, attachments, projects, clock, limits, data_dir } = args;
        Self {
            store,
            catalog,
            attachments,
            projects,
            clock,
            trusted: TrustedTime::open(&data_dir),
            limits,
            purges: Job::default(),
            payloads: Mutex::default(),
            scrubs: Job::default(),
            began: clock.now(),
            enforced: Mutex::default(),
            stopping: CancellationToken::new(),
        }
    }

    /// What a deletion would take away, as things are.
    pub(crate) async fn preview(&self, scope: Scope, target: DeletionTarget) -> Result<Deleted> {
        Ok(self.store.preview_deletion(&self.deletion(scope, target)).await?)
    }

    /// Deletes; readers see it when this returns.
    pub(crate) async fn delete(self: &Arc<Self>, scope: Scope, target: DeletionTarget) -> Result<Deleted> {
        let this = Arc::clone(self);
        let work = crate::task::spawn("delete", async move {
            let deleted = this.store.delete(&this.deletion(scope.clone(), target.clone())).await?;
            if let DeletionTarget::Traces(traces) = target {
                this.forget_feedback_on(scope.workspace_id, scope.project_ids, traces).await?;
            } else if deleted.runs > 0 {
                this.start_forgetting_feedback(scope);
            }
            Ok(deleted)
        });
        work.await.ok().flatten().unwrap_or(Err(UpkeepError::Broken))
    }

    /// Deletes a project with everything in it. `None` when somebody else did.
    pub(crate) async fn delete_project(self: &Arc<Self>, project: Project) -> Result<Option<Deleted>> {
        let this = Arc::clone(self);
        let work = crate::task::spawn("delete a project", async move {
            let Project { id, workspace_id, .. } = project;
            let (inner, now) = (Arc::clone(&this), this.clock.now());
            let removed = blocking(move || {
                let removed = inner.catalog.delete_project(workspace_id, id, now)?;
                inner.projects.forget(workspace_id, id);
                Ok(removed)
            });
            if !removed.await? {
                return Ok(None);
            }
            this.empty_project(workspace_id, id).await.map(Some)
        });
        work.await.ok().flatten().unwrap_or(Err(UpkeepError::Broken))
    }

    /// Removes the data of a project that the catalog no longer has.
    async fn empty_project(self: &Arc<Self>, workspace_id: WorkspaceId, id: ProjectId) -> Result<Deleted> {
        let scope = Scope { workspace_id, project_ids: Some(vec![id]) };
        let deleted = self.store.delete(&self.deletion(scope, DeletionTarget::Projects)).await?;
        let this = Arc::clone(self);
        blocking(move || {
            this.catalog.finish_deletion(workspace_id, id)?;
            this.catalog.scrub()
        })
        .await?;
        let Deleted { traces, runs, log_records, metric_points } = deleted;
        tracing::info!(project = %id, traces, runs, log_records, metric_points, "deleted a project");
        Ok(deleted)
    }

    fn deletion(&self, scope: Scope, target: DeletionTarget) -> Deletion {
        let now = self.clock.now();
        let forget_at =
            UnixNanos::from_nanos(now.as_nanos().saturating_add(self.limits.remember_deleted.nanos()));
        Deletion { scope, target, deleted_at: now, forget_at }
    }

    /// Does what is due, again and again, until [`Upkeep::stop`].
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            self.look().await;
            tokio::select! {
                // Cancel-safe: both only wait.
                () = tokio::time::sleep(self.limits.every.duration()) => {}
                () = self.stopping.cancelled() => return,
            }
        }
    }

    /// Ends the loop.
    pub(crate) fn stop(&self) {
        self.stopping.cancel();
    }

    /// The time by which data is too old.
    fn trusted_now(&self) -> UnixNanos {
        self.trusted.of(self.clock.now())
    }

    /// What operators should know of the clock.
    pub(crate) fn clock_warning(&self) -> Option<String> {
        self.trusted.warning(self.clock.now())
    }

    async fn keep_time(self: &Arc<Self>) -> Result<()> {
        self.trusted_now();
        let this = Arc::clone(self);
        blocking(move || {
            this.trusted.store();
            Ok(())
        })
        .await
    }

    /// Does what is due now. What fails is tried again next time.
    pub(crate) async fn look(self: &Arc<Self>) {
        let purge = async {
            if self.is_purge_due().await? {
                self.start_purge();
            }
            Ok(())
        };
        let tries = [
            self.keep_time().await,
            self.finish_deletions().await,
            self.enforce_retention().await,
            purge.await,
        ];
        for err in tries.into_iter().filter_map(std::result::Result::err) {
            tracing::warn!(error = err.message(), "upkeep failed; it is tried again");
        }
        if self.is_scrub_due() {
            self.start_scrub();
        }
    }

    /// Projects whose deletion a crash interrupted.
    async fn finish_deletions(self: &Arc<Self>) -> Result<()> {
        let this = Arc::clone(self);
        for (workspace_id, id) in blocking(move || this.catalog.unfinished_deletions()).await? {
            self.empty_project(workspace_id, id).await?;
        }
        Ok(())
    }
}

/// The catalog is on the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> clearspan_catalog::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|_panic| UpkeepError::Broken)??)
}
