use datafusion::prelude::{ident, lit};

use super::*;
use crate::testing::build::{project, workspace};

fn id(bytes: &[u8; 16]) -> Expr {
    lit(ScalarValue::FixedSizeBinary(16, Some(bytes.to_vec())))
}

fn of_project(number: u8) -> Expr {
    ident("project_id").eq(id(project(number).as_bytes()))
}

#[test]
fn conditions_on_whose_a_run_is_are_understood() {
    let of_workspace = ident("workspace_id").eq(id(workspace(1).as_bytes()));
    assert_eq!(Whose::of(&of_workspace), Some(Whose::Workspace(workspace(1))));
    let turned = id(workspace(1).as_bytes()).eq(ident("workspace_id"));
    assert_eq!(Whose::of(&turned), Some(Whose::Workspace(workspace(1))));
    let mut two = vec![project(1), project(2)];
    two.sort_unstable();
    let either = of_project(2).or(of_project(1));
    assert_eq!(Whose::of(&either), Some(Whose::Projects(two.clone())));
    let listed = vec![id(project(1).as_bytes()), id(project(2).as_bytes())];
    assert_eq!(Whose::of(&ident("project_id").in_list(listed, false)), Some(Whose::Projects(two)));
}

#[test]
fn other_conditions_say_nothing() {
    let listed = || vec![id(project(1).as_bytes())];
    let two = vec![id(workspace(1).as_bytes()), id(workspace(2).as_bytes())];
    for condition in [
        ident("trace_id").eq(id(project(1).as_bytes())),
        ident("project_id").not_eq(id(project(1).as_bytes())),
        ident("project_id").in_list(listed(), true),
        ident("project_id").eq(ident("trace_id")),
        ident("project_id").in_list(vec![ident("trace_id")], false),
        ident("workspace_id").in_list(two, false),
        of_project(1).or(ident("status").eq(lit("error"))),
        of_project(1).or(ident("workspace_id").eq(id(workspace(1).as_bytes()))),
        ident("project_id").eq(lit(ScalarValue::FixedSizeBinary(16, None))),
    ] {
        assert_eq!(Whose::of(&condition), None, "{condition}");
    }
}

#[test]
fn a_row_group_of_one_project_needs_no_look_at_its_rows() {
    let of = |first: u8, last: u8| {
        let ids = |[first, last]: [[u8; 16]; 2]| Some([first.min(last), first.max(last)]);
        Group::with_bounds(
            ids([*workspace(first).as_bytes(), *workspace(last).as_bytes()]),
            ids([*project(first).as_bytes(), *project(last).as_bytes()]),
        )
    };
    let projects = Whose::of(&of_project(1).or(of_project(3))).unwrap();
    let workspaces = Whose::Workspace(workspace(1));
    for whose in [&projects, &workspaces] {
        assert!(whose.may_hold(&of(1, 1)) && whose.holds_all(&of(1, 1)));
        assert!(whose.may_hold(&of(1, 2)) && !whose.holds_all(&of(1, 2)));
        assert!(!whose.may_hold(&of(2, 2)) && !whose.holds_all(&of(2, 2)));
        let unknown = Group::with_bounds(None, None);
        assert!(whose.may_hold(&unknown) && !whose.holds_all(&unknown));
    }
}
