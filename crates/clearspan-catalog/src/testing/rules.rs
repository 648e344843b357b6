//! What callers may rely on about mapping rules.

use std::sync::Arc;

use clearspan_model::{ErrorKind, WorkspaceId};

use super::at;
use crate::{Catalog, MappingRule, RuleContent, RuleId, RuleName};

pub(super) fn check_all(new_catalog: &impl Fn() -> Arc<dyn Catalog>) {
    a_new_rule_is_the_weakest(&*new_catalog());
    a_rule_changes_and_keeps_its_place(&*new_catalog());
    names_of_rules_are_unique(&*new_catalog());
    rules_are_put_in_order(&*new_catalog());
    rules_stay_in_their_workspace(&*new_catalog());
}

fn content(name: &str) -> RuleContent {
    RuleContent {
        name: RuleName::parse(name).expect("a valid name"),
        enabled: true,
        attribute: "acme.model".to_owned(),
        field: "model".to_owned(),
    }
}

fn workspace(catalog: &dyn Catalog) -> WorkspaceId {
    catalog.default_workspace().expect("a workspace").id
}

fn create(catalog: &dyn Catalog, name: &str) -> MappingRule {
    catalog.create_rule(workspace(catalog), content(name), at(5)).expect("a rule")
}

fn names(rules: &[MappingRule]) -> Vec<&str> {
    rules.iter().map(|rule| rule.content.name.as_str()).collect()
}

fn a_new_rule_is_the_weakest(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    assert_eq!(catalog.list_rules(workspace_id).expect("a list"), []);
    let made = ["b", "a", "c"].map(|name| create(catalog, name));
    assert_eq!(made[0].content, content("b"));
    assert_eq!((made[0].created_at, made[0].updated_at), (at(5), at(5)));
    assert!(made[0].position < made[1].position && made[1].position < made[2].position);
    assert_eq!(catalog.list_rules(workspace_id).expect("a list"), made);

    assert!(catalog.delete_rule(workspace_id, made[1].id).expect("an answer"));
    assert!(!catalog.delete_rule(workspace_id, made[1].id).expect("an answer"), "it is gone");
    create(catalog, "a");
    assert_eq!(names(&catalog.list_rules(workspace_id).expect("a list")), ["b", "c", "a"]);
}

fn a_rule_changes_and_keeps_its_place(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    let (first, second) = (create(catalog, "first"), create(catalog, "second"));
    let changed = RuleContent {
        name: RuleName::parse("renamed").expect("a valid name"),
        enabled: false,
        attribute: "acme.*.tokens".to_owned(),
        field: "usage.input_tokens".to_owned(),
    };
    let answer = catalog.update_rule(workspace_id, first.id, changed.clone(), at(9)).expect("an answer");
    let expected = MappingRule { content: changed, updated_at: at(9), ..first };
    assert_eq!(answer.as_ref(), Some(&expected));
    assert_eq!(catalog.list_rules(workspace_id).expect("a list"), [expected, second]);
    let stranger = RuleId::generate();
    let answer = catalog.update_rule(workspace_id, stranger, content("x"), at(9)).expect("an answer");
    assert_eq!(answer, None);
}

fn names_of_rules_are_unique(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    let (one, other) = (create(catalog, "one"), create(catalog, "other"));
    let refused = catalog.create_rule(workspace_id, content("one"), at(6)).expect_err("the name is taken");
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert!(refused.to_string().contains("\"one\""), "{refused}");
    let refused =
        catalog.update_rule(workspace_id, other.id, content("one"), at(6)).expect_err("the name is taken");
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    catalog.update_rule(workspace_id, one.id, content("one"), at(6)).expect("its own name is not taken");
    create(catalog, "One");
}

fn rules_are_put_in_order(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    let [a, b, c] = ["a", "b", "c"].map(|name| create(catalog, name).id);
    let ordered = catalog.order_rules(workspace_id, &[c, a, b]).expect("an order");
    assert_eq!(names(&ordered), ["c", "a", "b"]);
    assert_eq!(catalog.list_rules(workspace_id).expect("a list"), ordered);
    for wrong in [&[c, a][..], &[c, a, b, b], &[c, a, a], &[c, a, RuleId::generate()], &[]] {
        let refused = catalog.order_rules(workspace_id, wrong).expect_err("not each rule once");
        assert_eq!(refused.kind(), ErrorKind::Conflict);
    }
    assert_eq!(catalog.list_rules(workspace_id).expect("a list"), ordered, "nothing was half done");
}

fn rules_stay_in_their_workspace(catalog: &dyn Catalog) {
    let stranger = WorkspaceId::from_bytes([7; 16]);
    let rule = create(catalog, "mine");
    assert_eq!(catalog.list_rules(stranger).expect("a list"), []);
    assert!(!catalog.delete_rule(stranger, rule.id).expect("an answer"));
    let answer = catalog.update_rule(stranger, rule.id, content("theirs"), at(9)).expect("an answer");
    assert_eq!(answer, None);
    let refused = catalog.order_rules(stranger, &[rule.id]).expect_err("not a rule of theirs");
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(catalog.list_rules(workspace(catalog)).expect("a list"), [rule]);
}
