use clearspan_catalog::{RuleName, SqliteCatalog};
use clearspan_mapping::remap;
use clearspan_model::{JsonText, ProjectId, Run, RunId, RunKey, TraceId};

use super::*;

const NOW: UnixNanos = UnixNanos::from_nanos(1);

fn content(name: &str, attribute: &str, field: &str) -> RuleContent {
    let name = RuleName::parse(name).unwrap();
    RuleContent { name, enabled: true, attribute: attribute.to_owned(), field: field.to_owned() }
}

/// What the rules make of a run with two attributes.
fn model(rules: &Rules) -> Option<String> {
    let key = RunKey {
        workspace_id: WorkspaceId::NIL,
        project_id: ProjectId::NIL,
        trace_id: TraceId::from_bytes([1; 16]),
        run_id: RunId::from_bytes([1; 16]),
    };
    let mut run = Run::new(key, NOW);
    for name in ["one", "two"] {
        run.attributes.insert(format!("acme.{name}"), JsonText::from_string(name));
    }
    remap(&run, rules).model
}

fn rulebook(dir: &tempfile::TempDir) -> (Rulebook, WorkspaceId) {
    let catalog = SqliteCatalog::open(&dir.path().join("catalog.sqlite")).unwrap();
    let workspace_id = catalog.default_workspace().unwrap().id;
    (Rulebook::new(Arc::new(catalog)), workspace_id)
}

#[test]
fn a_change_is_in_use_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let (book, ws) = rulebook(&dir);
    let in_use = || model(&book.in_use(ws).unwrap());
    assert_eq!(in_use(), None);
    let one = book.create(ws, content("a", "acme.one", "model"), NOW).unwrap();
    assert_eq!(in_use().as_deref(), Some("one"));
    let two = book.create(ws, content("b", "acme.two", "model"), NOW).unwrap();
    assert_eq!(in_use().as_deref(), Some("one"), "the first is stronger");
    book.order(ws, &[two.id, one.id]).unwrap();
    assert_eq!(in_use().as_deref(), Some("two"));
    let off = RuleContent { enabled: false, ..two.content };
    book.update(ws, two.id, off, NOW).unwrap().unwrap();
    assert_eq!(in_use().as_deref(), Some("one"));
    assert!(book.delete(ws, one.id).unwrap());
    assert_eq!(in_use(), None);
    // Another process finds what was kept.
    book.create(ws, content("a", "acme.one", "model"), NOW).unwrap();
    assert_eq!(model(&rulebook(&dir).0.in_use(ws).unwrap()).as_deref(), Some("one"));
}

#[test]
fn rules_are_tried_without_being_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (book, ws) = rulebook(&dir);
    let kept = book.create(ws, content("a", "acme.one", "model"), NOW).unwrap();
    let tried = content("b", "acme.two", "model");
    let added = book.with(ws, tried.clone(), None).unwrap();
    assert_eq!(model(&added).as_deref(), Some("one"), "a new rule is the weakest");
    let replaced = book.with(ws, tried, Some(kept.id)).unwrap();
    assert_eq!(model(&replaced).as_deref(), Some("two"));
    assert_eq!(model(&book.in_use(ws).unwrap()).as_deref(), Some("one"));
}

#[test]
fn what_cannot_be_used_is_refused_before_it_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (book, ws) = rulebook(&dir);
    for (attribute, field) in [("a.*.*", "model"), ("*", "model"), ("a", "modle"), ("a", "metadata.{*}")] {
        let refused = book.create(ws, content("a", attribute, field), NOW);
        assert!(matches!(refused, Err(RuleRefusal::Unusable(_))), "{attribute} {field}: {refused:?}");
    }
    assert_eq!(book.list(ws).unwrap(), []);
    for n in 0..MAX_RULES {
        book.create(ws, content(&n.to_string(), "a", "model"), NOW).unwrap();
    }
    assert!(matches!(book.create(ws, content("more", "a", "model"), NOW), Err(RuleRefusal::Full)));
    book.with(ws, content("more", "a", "model"), None).unwrap();
}

#[test]
fn a_rule_of_another_version_does_not_stop_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let (book, ws) = rulebook(&dir);
    let unknown = content("unknown", "acme.one", "a field of the future");
    book.catalog.create_rule(ws, unknown, NOW).unwrap();
    book.catalog.create_rule(ws, content("known", "acme.two", "model"), NOW).unwrap();
    assert_eq!(model(&book.in_use(ws).unwrap()).as_deref(), Some("two"));
}
