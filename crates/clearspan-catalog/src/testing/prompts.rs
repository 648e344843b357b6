//! What callers may rely on about prompts, their commits and tags.

use std::sync::Arc;

use clearspan_model::{ErrorKind, JsonText, WorkspaceId};
use serde_json::json;

use super::at;
use super::datasets::workspace;
use crate::{Catalog, CommitId, NewCommit, Prompt, PromptAbout, PromptCommit, PromptHandle, PromptKind};

pub(super) fn check_all(new_catalog: &impl Fn() -> Arc<dyn Catalog>) {
    a_prompt_is_kept_changed_and_removed(&*new_catalog());
    handles_are_checked();
    commits_are_a_chain(&*new_catalog());
    a_commit_is_found_by_hash_prefix_and_tag(&*new_catalog());
    a_stale_parent_is_a_conflict(&*new_catalog());
    reads_are_counted(&*new_catalog());
    prompts_stay_in_their_workspace(&*new_catalog());
}

fn handle(text: &str) -> PromptHandle {
    PromptHandle::parse(text).expect("a valid handle")
}

fn create(catalog: &dyn Catalog, text: &str) -> Prompt {
    let about = PromptAbout::default();
    catalog
        .create_prompt(workspace(catalog), &handle(text), PromptKind::Prompt, about, at(5))
        .expect("a prompt")
}

fn manifest(text: &str) -> JsonText {
    JsonText::from_value(&json!({ "template": text }))
}

fn commit(catalog: &dyn Catalog, name: &str, text: &str, now: i64) -> PromptCommit {
    let new = NewCommit { parent: None, manifest: manifest(text), description: Some(format!("to {text}")) };
    catalog.commit_prompt(workspace(catalog), name, new, at(now)).expect("a commit").expect("a prompt")
}

fn load(catalog: &dyn Catalog, name: &str) -> Option<Prompt> {
    catalog.load_prompt(workspace(catalog), name).expect("an answer")
}

fn a_prompt_is_kept_changed_and_removed(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    let about = PromptAbout {
        description: Some("d".to_owned()),
        readme: Some("r".to_owned()),
        tags: vec!["b".to_owned(), "a".to_owned()],
        is_public: true,
        is_archived: false,
    };
    let made = catalog
        .create_prompt(workspace_id, &handle("one"), PromptKind::Agent, about.clone(), at(5))
        .expect("it");
    assert_eq!(
        (made.kind, &made.about, made.commits, &made.newest_hash),
        (PromptKind::Agent, &about, 0, &None)
    );
    assert_eq!(load(catalog, "one"), Some(made.clone()));
    let taken = catalog.create_prompt(workspace_id, &handle("one"), PromptKind::Prompt, about, at(6));
    assert_eq!(taken.expect_err("it is taken").kind(), ErrorKind::Conflict);

    let changed = PromptAbout { is_archived: true, ..PromptAbout::default() };
    let updated = catalog.update_prompt(workspace_id, "one", changed.clone(), at(9)).expect("an answer");
    assert_eq!(updated, Some(Prompt { about: changed.clone(), updated_at: at(9), ..made }));
    assert_eq!(catalog.update_prompt(workspace_id, "none", changed, at(9)).expect("an answer"), None);
    let like = |likes| catalog.like_prompt(workspace_id, "one", likes).expect("an answer");
    assert_eq!(
        (like(true), like(true), load(catalog, "one").map(|it| it.likes)),
        (Some(1), Some(1), Some(1))
    );
    assert_eq!(like(false), Some(0));
    assert_eq!(catalog.like_prompt(workspace_id, "none", true).expect("an answer"), None);

    let two = create(catalog, "two");
    let first = commit(catalog, "one", "x", 10);
    catalog.tag_commit(workspace_id, "one", "t", first.id, at(11)).expect("an answer").expect("a tag");
    let handles: Vec<_> =
        catalog.list_prompts(workspace_id).expect("a list").into_iter().map(|it| it.handle).collect();
    assert_eq!(handles, ["one", "two"]);
    assert!(catalog.delete_prompt(workspace_id, "one").expect("an answer"));
    assert!(!catalog.delete_prompt(workspace_id, "one").expect("an answer"));
    assert_eq!(catalog.list_prompts(workspace_id).expect("a list"), [two]);
    assert_eq!(catalog.find_commit(workspace_id, "one", "latest").expect("an answer"), None);
    create(catalog, "one");
    assert_eq!(catalog.find_commit(workspace_id, "one", "t").expect("an answer"), None, "nothing comes back");
}

fn handles_are_checked() {
    for text in ["a", "my-prompt_2.v1", &"x".repeat(255)] {
        assert!(PromptHandle::parse(text).is_some(), "{text}");
    }
    for text in ["", "-", ".", "..", "a/b", "a:b", "a b", "ä", "a\n", &"x".repeat(256)] {
        assert_eq!(PromptHandle::parse(text), None, "{text}");
    }
}

fn commits_are_a_chain(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    create(catalog, "p");
    let first = commit(catalog, "p", "a", 10);
    assert_eq!((&first.parent_hash, &first.manifest, first.created_at), (&None, &manifest("a"), at(10)));
    assert_eq!((first.hash.len(), first.description.as_deref()), (64, Some("to a")));
    let second = commit(catalog, "p", "b", 20);
    assert_eq!(second.parent_hash.as_ref(), Some(&first.hash));
    let third = commit(catalog, "p", "a", 30);
    assert_ne!(third.hash, first.hash, "going back is a commit of its own");
    let listed = catalog.list_commits(workspace_id, "p", 0, 2).expect("an answer").expect("a prompt");
    assert_eq!(listed, (vec![third.clone(), second.clone()], 3), "the newest first");
    let listed = catalog.list_commits(workspace_id, "p", 2, 9).expect("an answer").expect("a prompt");
    assert_eq!(listed, (vec![first], 3));
    assert_eq!(catalog.list_commits(workspace_id, "none", 0, 2).expect("an answer"), None);
    let prompt = load(catalog, "p").expect("a prompt");
    assert_eq!((prompt.commits, prompt.newest_hash, prompt.updated_at), (3, Some(third.hash), at(30)));
    let new = NewCommit { parent: None, manifest: manifest("x"), description: None };
    assert_eq!(catalog.commit_prompt(workspace_id, "none", new, at(40)).expect("an answer"), None);
}

fn a_commit_is_found_by_hash_prefix_and_tag(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    create(catalog, "p");
    create(catalog, "q");
    let find = |reference: &str| catalog.find_commit(workspace_id, "p", reference).expect("an answer");
    assert_eq!(find("latest"), None, "there is none yet");
    let (first, second) = (commit(catalog, "p", "a", 10), commit(catalog, "p", "b", 20));
    let other = commit(catalog, "q", "a", 20);
    assert_ne!(other.hash, first.hash);
    assert_eq!(find("latest"), Some(second.clone()));
    assert_eq!(find(&first.hash), Some(first.clone()));
    assert_eq!(find(&first.hash.to_uppercase()), Some(first.clone()));
    let (prefix, _) = first.hash.split_at(8);
    assert_eq!(find(prefix), Some(first.clone()));
    for reference in ["", "a", "prod", "zzzzzzzz", "%", &other.hash, &format!("{}0", first.hash)] {
        assert_eq!(find(reference), None, "{reference}");
    }
    let tag = |tag: &str, id: CommitId, now| {
        catalog.tag_commit(workspace_id, "p", tag, id, at(now)).expect("an answer")
    };
    let made = tag("prod", first.id, 30).expect("a tag");
    assert_eq!((made.name.as_str(), &made.commit_hash, made.created_at), ("prod", &first.hash, at(30)));
    assert_eq!(find("prod"), Some(first));
    let moved = tag("prod", second.id, 40).expect("a tag");
    assert_eq!((moved.commit_id, moved.created_at, moved.updated_at), (second.id, at(30), at(40)));
    assert_eq!(find("prod"), Some(second.clone()));
    assert_eq!(tag("prod", other.id, 50), None, "a commit of another prompt");
    tag("beta", second.id, 50).expect("a tag");
    let listed = catalog.list_prompt_tags(workspace_id, "p").expect("an answer").expect("a prompt");
    assert_eq!(listed.iter().map(|tag| tag.name.as_str()).collect::<Vec<_>>(), ["beta", "prod"]);
    assert!(catalog.delete_prompt_tag(workspace_id, "p", "beta").expect("an answer"));
    assert!(!catalog.delete_prompt_tag(workspace_id, "p", "beta").expect("an answer"));
    assert_eq!(find("beta"), None);
    assert_eq!(catalog.list_prompt_tags(workspace_id, "none").expect("an answer"), None);
}

fn a_stale_parent_is_a_conflict(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    create(catalog, "p");
    let add = |parent: Option<&str>, text: &str| {
        let new =
            NewCommit { parent: parent.map(str::to_owned), manifest: manifest(text), description: None };
        catalog.commit_prompt(workspace_id, "p", new, at(50)).map(|commit| commit.expect("a prompt"))
    };
    let conflict = |parent: Option<&str>, text: &str| {
        assert_eq!(add(parent, text).expect_err("a conflict").kind(), ErrorKind::Conflict, "{parent:?}");
    };
    conflict(Some("abcdabcd"), "a");
    let first = add(None, "a").expect("a commit");
    conflict(None, "a");
    let second = add(Some(&first.hash), "b").expect("a commit");
    conflict(Some(&first.hash), "c");
    conflict(Some(""), "c");
    let (prefix, _) = second.hash.split_at(8);
    add(Some(prefix), "c").expect("a commit");
    add(Some("latest"), "d").expect("a commit");
    assert_eq!(load(catalog, "p").map(|prompt| prompt.commits), Some(4));
}

fn reads_are_counted(catalog: &dyn Catalog) {
    let prompt = create(catalog, "p");
    for expected in 1..=200 {
        catalog.note_prompt_pulled(prompt.id).expect("noted");
        if expected % 50 == 0 {
            assert_eq!(load(catalog, "p").map(|prompt| prompt.pulls), Some(expected));
        }
    }
}

fn prompts_stay_in_their_workspace(catalog: &dyn Catalog) {
    let stranger = WorkspaceId::from_bytes([7; 16]);
    create(catalog, "p");
    let first = commit(catalog, "p", "a", 10);
    assert_eq!(catalog.load_prompt(stranger, "p").expect("an answer"), None);
    assert_eq!(catalog.list_prompts(stranger).expect("a list"), []);
    assert_eq!(catalog.update_prompt(stranger, "p", PromptAbout::default(), at(1)).expect("an answer"), None);
    assert_eq!(catalog.like_prompt(stranger, "p", true).expect("an answer"), None);
    assert_eq!(catalog.list_commits(stranger, "p", 0, 9).expect("an answer"), None);
    assert_eq!(catalog.find_commit(stranger, "p", &first.hash).expect("an answer"), None);
    assert_eq!(catalog.tag_commit(stranger, "p", "t", first.id, at(1)).expect("an answer"), None);
    assert!(!catalog.delete_prompt(stranger, "p").expect("an answer"));
    assert!(load(catalog, "p").is_some());
}
