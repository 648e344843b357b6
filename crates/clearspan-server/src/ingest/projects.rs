//! Names and ids of projects, from memory where possible: each run needs one.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};

use clearspan_catalog::{Catalog, ProjectName};
use clearspan_mapping::otlp::ProjectRef;
use clearspan_model::{ProjectId, UnixNanos, WorkspaceId};
use parking_lot::RwLock;
use rustc_hash::{FxHashMap, FxHashSet};

use super::Destination;

/// Names remembered at most; a client that invents names must not fill the memory.
const REMEMBERED: usize = 10_000;

/// Finds projects and makes them on first use.
#[derive(Debug)]
pub(crate) struct Projects {
    catalog: Arc<dyn Catalog>,
    by_name: RwLock<FxHashMap<(WorkspaceId, String), ProjectId>>,
    ids: RwLock<FxHashSet<(WorkspaceId, ProjectId)>>,
    /// Grows with each deletion: what was read before it is not remembered after it.
    deletions: AtomicU64,
}

impl Projects {
    pub(crate) fn new(catalog: Arc<dyn Catalog>) -> Self {
        Self { catalog, by_name: RwLock::default(), ids: RwLock::default(), deletions: AtomicU64::new(0) }
    }

    /// The project of a run: what the request names, else what the span names, else the key's, else `default`.
    /// Blocks when the project is not in memory.
    pub(crate) fn resolve(
        &self,
        to: &Destination,
        asked: Option<&ProjectRef>,
        now: UnixNanos,
    ) -> clearspan_catalog::Result<ProjectId> {
        if let Some(name) = &to.project {
            return self.by_name(to.workspace_id, name, now);
        }
        match asked {
            Some(ProjectRef::Id(id)) if self.exists(to.workspace_id, *id)? => return Ok(*id),
            Some(ProjectRef::Name(name)) => {
                if let Some(name) = ProjectName::repair(name) {
                    return self.by_name(to.workspace_id, &name, now);
                }
            }
            // A project id that nobody knows cannot be made: it has no name.
            Some(ProjectRef::Id(_)) | None => {}
        }
        let default = to.default_project.clone().unwrap_or_else(ProjectName::default_project);
        self.by_name(to.workspace_id, &default, now)
    }

    /// The project of a run that may name it in two ways: by its id where that is known, else by its name.
    pub(crate) fn resolve_either(
        &self,
        to: &Destination,
        id: Option<ProjectId>,
        name: Option<&str>,
        now: UnixNanos,
    ) -> clearspan_catalog::Result<ProjectId> {
        let known = match id {
            Some(id) if self.exists(to.workspace_id, id)? => Some(ProjectRef::Id(id)),
            _ => name.map(|name| ProjectRef::Name(name.to_owned())),
        };
        self.resolve(to, known.as_ref(), now)
    }

    /// Forgets a project that the catalog no longer has: its name means another one from now on.
    pub(crate) fn forget(&self, workspace_id: WorkspaceId, id: ProjectId) {
        let (mut by_name, mut ids) = (self.by_name.write(), self.ids.write());
        self.deletions.fetch_add(1, Release);
        by_name.retain(|(of, _), known| *of != workspace_id || *known != id);
        ids.remove(&(workspace_id, id));
    }

    fn by_name(
        &self,
        workspace_id: WorkspaceId,
        name: &ProjectName,
        now: UnixNanos,
    ) -> clearspan_catalog::Result<ProjectId> {
        let key = (workspace_id, name.as_str().to_owned());
        if let Some(id) = self.by_name.read().get(&key) {
            return Ok(*id);
        }
        let deletions = self.deletions.load(Acquire);
        let project = self.catalog.get_or_create_project(workspace_id, name, now)?;
        let mut by_name = self.by_name.write();
        if self.deletions.load(Acquire) != deletions {
            return Ok(project.id);
        }
        if by_name.len() >= REMEMBERED {
            by_name.clear();
        }
        by_name.insert(key, project.id);
        Ok(project.id)
    }

    fn exists(&self, workspace_id: WorkspaceId, id: ProjectId) -> clearspan_catalog::Result<bool> {
        if self.ids.read().contains(&(workspace_id, id)) {
            return Ok(true);
        }
        let deletions = self.deletions.load(Acquire);
        let known = self.catalog.load_project(workspace_id, id)?.is_some();
        let mut ids = self.ids.write();
        let is_current = self.deletions.load(Acquire) == deletions;
        if known && is_current && ids.len() < REMEMBERED {
            ids.insert((workspace_id, id));
        }
        Ok(known)
    }
}
