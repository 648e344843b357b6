use std::sync::Arc;

use clearspan_model::{ErrorKind, UnixNanos};
use rusqlite::Connection;

use super::SqliteCatalog;
use crate::{Catalog, KeySecret, ProjectName, testing};

mod checksums;

fn project_name(text: &str) -> ProjectName {
    ProjectName::parse(text).unwrap()
}

/// As if an older version had closed it.
fn forget_checksums(path: &std::path::Path) {
    for end in ["-sums", "-lock"] {
        std::fs::remove_file(super::main_file::beside(path, end)).unwrap();
    }
}

#[test]
fn it_keeps_the_promises_of_a_catalog() {
    let dir = tempfile::tempdir().unwrap();
    let number = std::cell::Cell::new(0);
    testing::check_all(|| {
        number.set(number.get() + 1);
        Arc::new(SqliteCatalog::open(&dir.path().join(format!("{}.sqlite", number.get()))).unwrap())
    });
}

#[test]
fn what_was_kept_is_there_after_opening_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("catalog.sqlite");
    let (workspace, project) = {
        let catalog = SqliteCatalog::open(&path).unwrap();
        let workspace = catalog.default_workspace().unwrap();
        let made = catalog
            .get_or_create_project(workspace.id, &project_name("kept"), UnixNanos::from_nanos(9))
            .unwrap();
        (workspace, made)
    };
    let catalog = SqliteCatalog::open(&path).unwrap();
    assert_eq!(catalog.default_workspace().unwrap(), workspace);
    assert_eq!(catalog.list_projects(workspace.id).unwrap(), [project]);
    catalog.check_integrity().unwrap();
}

/// What version 1 wrote: a workspace with a project, and no table of rules.
#[test]
fn a_file_of_an_older_version_is_brought_forward() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("catalog.sqlite");
    let (workspace, project) = {
        let catalog = SqliteCatalog::open(&path).unwrap();
        let workspace = catalog.default_workspace().unwrap();
        let name = project_name("old");
        let project = catalog.get_or_create_project(workspace.id, &name, UnixNanos::from_nanos(9)).unwrap();
        (workspace, project)
    };
    let db = Connection::open(&path).unwrap();
    let mut newer: Vec<String> = {
        let mut tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
        tables.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    newer.retain(|table| !["workspaces", "projects", "keys"].contains(&table.as_str()));
    assert!(newer.contains(&"mapping_rules".to_owned()));
    db.pragma_update(None, "foreign_keys", false).unwrap();
    for table in newer {
        db.execute_batch(&format!("DROP TABLE {table}")).unwrap();
    }
    db.pragma_update(None, "user_version", 1).unwrap();
    drop(db);
    forget_checksums(&path);

    let catalog = SqliteCatalog::open(&path).unwrap();
    assert_eq!(catalog.list_projects(workspace.id).unwrap(), [project]);
    assert_eq!(catalog.list_rules(workspace.id).unwrap(), []);
    let content = crate::RuleContent {
        name: crate::RuleName::parse("r").unwrap(),
        enabled: true,
        attribute: "a".to_owned(),
        field: "model".to_owned(),
    };
    let rule = catalog.create_rule(workspace.id, content, UnixNanos::from_nanos(10)).unwrap();
    drop(catalog);
    assert_eq!(SqliteCatalog::open(&path).unwrap().list_rules(workspace.id).unwrap(), [rule]);
}

/// Every file of a folder with its bytes, without SQLite's map of the log, which readers write to.
fn files(dir: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let is_kept = |path: &std::path::PathBuf| !path.to_str().unwrap().ends_with("-shm");
    let mut files: Vec<_> =
        paths.filter(is_kept).map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    files.sort();
    files
}

#[test]
fn a_look_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    // An address would end at some of these.
    let path = dir.path().join("a ?b#%41.sqlite");
    let version = |version: i64| {
        Connection::open(&path).unwrap().pragma_update(None, "user_version", version).unwrap();
    };
    let catalog = SqliteCatalog::open(&path).unwrap();
    let id = catalog.default_workspace().unwrap().id;
    let now = UnixNanos::from_nanos(9);
    let project = catalog.get_or_create_project(id, &project_name("p"), now).unwrap();
    let before = files(dir.path());
    let look = SqliteCatalog::open_to_look(&path).unwrap();
    assert_eq!(look.list_projects(id).unwrap(), std::slice::from_ref(&project));
    drop(look);
    assert_eq!(files(dir.path()), before);
    drop(catalog);
    // Of an older version, with nobody there who has it open.
    version(3);
    forget_checksums(&path);
    let before = files(dir.path());
    assert_eq!(before.len(), 1);
    let look = SqliteCatalog::open_to_look(&path).unwrap();
    look.check_integrity().unwrap();
    assert_eq!(look.list_projects(id).unwrap(), [project]);
    assert!(look.get_or_create_project(id, &project_name("q"), now).is_err());
    drop(look);
    assert_eq!(files(dir.path()), before);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    version(1_000);
    assert_eq!(SqliteCatalog::open_to_look(&path).unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(SqliteCatalog::open_to_look(&dir.path().join("none")).is_err());
}

#[test]
fn two_processes_share_one_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("catalog.sqlite");
    let (server, tool) = (SqliteCatalog::open(&path).unwrap(), SqliteCatalog::open(&path).unwrap());
    let workspace_id = server.default_workspace().unwrap().id;
    let now = UnixNanos::from_nanos(1);
    let one = server.get_or_create_project(workspace_id, &project_name("p"), now).unwrap();
    let two = tool.get_or_create_project(workspace_id, &project_name("p"), now).unwrap();
    assert_eq!(one, two);
}

#[test]
fn the_secret_is_not_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("catalog.sqlite");
    let secret = KeySecret::generate();
    {
        let catalog = SqliteCatalog::open(&path).unwrap();
        let new = crate::NewKey {
            workspace_id: catalog.default_workspace().unwrap().id,
            name: crate::KeyName::parse("k").unwrap(),
            hash: secret.hash(),
            prefix: secret.visible_prefix(),
            default_project: None,
        };
        catalog.create_key(new, UnixNanos::from_nanos(1)).unwrap();
    }
    let bytes = std::fs::read(&path).unwrap();
    let hidden = &secret.reveal().as_bytes()[12..];
    assert!(bytes.windows(hidden.len()).all(|window| window != hidden));
    assert!(bytes.windows(10).any(|window| window == secret.visible_prefix().as_bytes()));
}

#[test]
fn nothing_of_a_deleted_project_stays_in_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = SqliteCatalog::open(&dir.path().join("catalog.sqlite")).unwrap();
    let workspace_id = catalog.default_workspace().unwrap().id;
    let in_files = |text: &str| {
        std::fs::read_dir(dir.path()).unwrap().any(|entry| {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        })
    };
    let make = |text: &str| {
        catalog.get_or_create_project(workspace_id, &project_name(text), UnixNanos::from_nanos(1)).unwrap()
    };
    let (canary, _kept) = (make("canary-4711"), make("kept-4711"));
    assert!(in_files("canary-4711"), "otherwise the test shows nothing");
    catalog.delete_project(workspace_id, canary.id, UnixNanos::from_nanos(2)).unwrap();
    catalog.scrub().unwrap();
    assert!(!in_files("canary-4711"));
    assert!(in_files("kept-4711"));
}

#[test]
fn files_it_cannot_use_are_refused_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();

    let text = dir.path().join("text");
    std::fs::write(&text, "not a database, but long enough to be taken for one".repeat(100)).unwrap();
    assert_eq!(SqliteCatalog::open(&text).unwrap_err().kind(), ErrorKind::Corrupt);

    let newer = dir.path().join("newer");
    drop(SqliteCatalog::open(&newer).unwrap());
    Connection::open(&newer).unwrap().pragma_update(None, "user_version", 99).unwrap();
    forget_checksums(&newer);
    let err = SqliteCatalog::open(&newer).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Unavailable);
    assert!(err.to_string().contains("version 99"), "{err}");

    let foreign = dir.path().join("foreign");
    Connection::open(&foreign).unwrap().pragma_update(None, "user_version", 1).unwrap();
    assert_eq!(SqliteCatalog::open(&foreign).unwrap_err().kind(), ErrorKind::Corrupt);

    let missing = dir.path().join("no/such/folder/catalog.sqlite");
    assert_eq!(SqliteCatalog::open(&missing).unwrap_err().kind(), ErrorKind::Unavailable);
}
