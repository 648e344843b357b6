//! The conformance suite: what callers may rely on, whatever keeps the catalog.

mod annotation;
mod datasets;
mod examples;
mod experiments;
mod feedback;
mod prompts;
mod retention;
mod rules;

use std::sync::Arc;

use clearspan_model::{ProjectId, UnixNanos, WorkspaceId};

use crate::{Catalog, Key, KeyHash, KeyId, KeyName, KeySecret, NewKey, ProjectName};

/// Runs every case, each on a catalog of its own.
///
/// # Panics
/// When a promise is broken.
pub fn check_all(new_catalog: impl Fn() -> Arc<dyn Catalog>) {
    the_default_workspace_stays_the_same(&*new_catalog());
    a_project_is_made_once(&*new_catalog());
    racing_callers_get_one_project(&new_catalog());
    projects_stay_in_their_workspace(&*new_catalog());
    a_key_is_found_by_its_hash_until_revoked(&*new_catalog());
    the_use_of_a_key_is_noted(&*new_catalog());
    rules::check_all(&new_catalog);
    retention::check_all(&new_catalog);
    feedback::check_all(&new_catalog);
    annotation::check_all(&new_catalog);
    datasets::check_all(&new_catalog);
    examples::check_all(&new_catalog);
    experiments::check_all(&new_catalog);
    prompts::check_all(&new_catalog);
}

fn name(text: &str) -> ProjectName {
    ProjectName::parse(text).expect("a valid name")
}

fn at(nanos: i64) -> UnixNanos {
    UnixNanos::from_nanos(nanos)
}

fn the_default_workspace_stays_the_same(catalog: &dyn Catalog) {
    let workspace = catalog.default_workspace().expect("a workspace");
    assert!(!workspace.id.is_nil());
    assert_eq!(workspace.name, "default");
    assert_eq!(catalog.default_workspace().expect("a workspace"), workspace);
}

fn a_project_is_made_once(catalog: &dyn Catalog) {
    let workspace_id = catalog.default_workspace().expect("a workspace").id;
    assert_eq!(catalog.find_project(workspace_id, &name("a")).expect("an answer"), None);
    let made = catalog.get_or_create_project(workspace_id, &name("a"), at(5)).expect("a project");
    assert_eq!((made.name.as_str(), made.created_at), ("a", at(5)));
    let again = catalog.get_or_create_project(workspace_id, &name("a"), at(6)).expect("a project");
    assert_eq!(again, made);
    let other = catalog.get_or_create_project(workspace_id, &name("A"), at(7)).expect("a project");
    assert_ne!(other.id, made.id, "upper and lower case differ");
    assert_eq!(catalog.load_project(workspace_id, made.id).expect("an answer"), Some(made.clone()));
    assert_eq!(catalog.list_projects(workspace_id).expect("a list"), [other, made]);
}

fn racing_callers_get_one_project(catalog: &Arc<dyn Catalog>) {
    let workspace_id = catalog.default_workspace().expect("a workspace").id;
    let ids: Vec<ProjectId> = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..8)
            .map(|idx| {
                let catalog = Arc::clone(catalog);
                scope.spawn(move || {
                    catalog
                        .get_or_create_project(workspace_id, &name("raced"), at(idx))
                        .expect("a project")
                        .id
                })
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().expect("no panic")).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

fn projects_stay_in_their_workspace(catalog: &dyn Catalog) {
    let workspace_id = catalog.default_workspace().expect("a workspace").id;
    let stranger = WorkspaceId::from_bytes([7; 16]);
    let project = catalog.get_or_create_project(workspace_id, &name("mine"), at(1)).expect("a project");
    assert_eq!(catalog.load_project(stranger, project.id).expect("an answer"), None);
    assert_eq!(catalog.find_project(stranger, &name("mine")).expect("an answer"), None);
    assert_eq!(catalog.list_projects(stranger).expect("a list"), []);
}

fn create_key(catalog: &dyn Catalog, secret: &KeySecret, created_at: i64) -> Key {
    let new = NewKey {
        workspace_id: catalog.default_workspace().expect("a workspace").id,
        name: KeyName::parse("ci").expect("a valid name"),
        hash: secret.hash(),
        prefix: secret.visible_prefix(),
        default_project: Some(name("nightly")),
    };
    catalog.create_key(new, at(created_at)).expect("a key")
}

fn a_key_is_found_by_its_hash_until_revoked(catalog: &dyn Catalog) {
    assert!(!catalog.has_active_keys().expect("an answer"));
    let secret = KeySecret::generate();
    let key = create_key(catalog, &secret, 1);
    assert!(catalog.has_active_keys().expect("an answer"));
    assert_eq!(catalog.find_active_key(&KeyHash::of(secret.reveal())).expect("an answer"), Some(key.clone()));
    assert_eq!(catalog.find_active_key(&KeyHash::of("csk_guess")).expect("an answer"), None);
    assert_eq!(catalog.find_active_key(&KeyHash::of(&key.prefix)).expect("an answer"), None);

    let stranger = WorkspaceId::from_bytes([7; 16]);
    assert!(!catalog.revoke_key(stranger, key.id, at(2)).expect("an answer"));
    assert!(!catalog.revoke_key(key.workspace_id, KeyId::generate(), at(2)).expect("an answer"));
    assert!(catalog.revoke_key(key.workspace_id, key.id, at(2)).expect("an answer"));
    assert!(!catalog.revoke_key(key.workspace_id, key.id, at(3)).expect("an answer"), "revoked once");
    assert_eq!(catalog.find_active_key(&secret.hash()).expect("an answer"), None);
    assert!(!catalog.has_active_keys().expect("an answer"));
    let listed = catalog.list_keys(key.workspace_id).expect("a list");
    assert_eq!(listed, [Key { revoked_at: Some(at(2)), ..key }]);
}

fn the_use_of_a_key_is_noted(catalog: &dyn Catalog) {
    let (first, second) = (KeySecret::generate(), KeySecret::generate());
    let later = create_key(catalog, &second, 20);
    let earlier = create_key(catalog, &first, 10);
    catalog.note_key_used(earlier.id, at(50)).expect("noted");
    catalog.note_key_used(earlier.id, at(40)).expect("an older use changes nothing");
    let listed = catalog.list_keys(earlier.workspace_id).expect("a list");
    assert_eq!(listed.iter().map(|key| key.id).collect::<Vec<_>>(), [earlier.id, later.id]);
    assert_eq!(listed[0].last_used_at, Some(at(50)));
    assert_eq!(listed[1].last_used_at, None);
}
