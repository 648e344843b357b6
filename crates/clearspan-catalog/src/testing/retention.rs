//! What callers may rely on about deleting projects and about how long they are kept.

use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Arc;

use clearspan_model::WorkspaceId;

use super::{at, name};
use crate::{Catalog, LimitedProject, Project, Retention};

pub(super) fn check_all(new_catalog: &impl Fn() -> Arc<dyn Catalog>) {
    retention_is_unlimited_until_it_is_set(&*new_catalog());
    a_deleted_project_frees_its_name(&*new_catalog());
    deletion_stays_in_its_workspace(&*new_catalog());
}

fn project(catalog: &dyn Catalog, text: &str) -> Project {
    let workspace_id = catalog.default_workspace().expect("a workspace").id;
    catalog.get_or_create_project(workspace_id, &name(text), at(5)).expect("a project")
}

fn limits() -> Retention {
    Retention {
        payload_days: NonZeroU32::new(7),
        run_days: NonZeroU32::new(u32::MAX),
        max_bytes: NonZeroU64::new(1 << 40),
    }
}

fn retention_is_unlimited_until_it_is_set(catalog: &dyn Catalog) {
    let (kept, limited) = (project(catalog, "kept"), project(catalog, "limited"));
    let workspace_id = kept.workspace_id;
    let load = |id| catalog.load_retention(workspace_id, id).expect("an answer");
    assert_eq!(load(limited.id), Retention::default());
    assert!(catalog.store_retention(workspace_id, limited.id, limits(), at(6)).expect("an answer"));
    assert_eq!((load(limited.id), load(kept.id)), (limits(), Retention::default()));
    let listed = catalog.list_limited().expect("a list");
    assert_eq!(listed, [LimitedProject { project: limited.clone(), retention: limits() }]);
    let only_bytes = Retention { max_bytes: NonZeroU64::new(5), ..Retention::default() };
    assert!(catalog.store_retention(workspace_id, limited.id, only_bytes, at(7)).expect("an answer"));
    assert_eq!((load(limited.id), catalog.list_limited().expect("a list").len()), (only_bytes, 1));
    catalog.store_retention(workspace_id, limited.id, Retention::default(), at(8)).expect("an answer");
    assert_eq!(catalog.list_limited().expect("a list"), []);
}

fn a_deleted_project_frees_its_name(catalog: &dyn Catalog) {
    let old = project(catalog, "p");
    let workspace_id = old.workspace_id;
    catalog.store_retention(workspace_id, old.id, limits(), at(6)).expect("an answer");
    assert!(catalog.delete_project(workspace_id, old.id, at(7)).expect("an answer"));
    assert!(!catalog.delete_project(workspace_id, old.id, at(8)).expect("an answer"), "it is gone");
    assert_eq!(catalog.load_project(workspace_id, old.id).expect("an answer"), None);
    assert_eq!(catalog.find_project(workspace_id, &old.name).expect("an answer"), None);
    assert_eq!(catalog.list_limited().expect("a list"), []);
    let new = project(catalog, "p");
    assert_ne!(new.id, old.id);
    assert_eq!(catalog.load_retention(workspace_id, new.id).expect("an answer"), Retention::default());

    // Whoever removes its data says when that is done.
    assert_eq!(catalog.unfinished_deletions().expect("a list"), [(workspace_id, old.id)]);
    catalog.finish_deletion(workspace_id, old.id).expect("noted");
    assert_eq!(catalog.unfinished_deletions().expect("a list"), []);
    catalog.scrub().expect("nothing of it is left in the file");
}

fn deletion_stays_in_its_workspace(catalog: &dyn Catalog) {
    let stranger = WorkspaceId::from_bytes([7; 16]);
    let mine = project(catalog, "mine");
    assert!(!catalog.delete_project(stranger, mine.id, at(6)).expect("an answer"));
    assert!(!catalog.store_retention(stranger, mine.id, limits(), at(6)).expect("an answer"));
    assert_eq!(catalog.load_retention(mine.workspace_id, mine.id).expect("an answer"), Retention::default());
    assert_eq!(catalog.load_project(mine.workspace_id, mine.id).expect("an answer"), Some(mine));
    assert_eq!(catalog.unfinished_deletions().expect("a list"), []);
}
