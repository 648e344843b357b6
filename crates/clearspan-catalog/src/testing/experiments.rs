//! What callers may rely on about details of projects, experiments and comparisons.

use std::sync::Arc;

use clearspan_model::{ErrorKind, JsonText, ProjectId, WorkspaceId};
use serde_json::json;
use uuid::Uuid;

use super::datasets::{dataset, workspace};
use super::{at, name};
use crate::{Catalog, ComparisonId, DatasetId, ExperimentComparison, Project, ProjectDetails};

pub(super) fn check_all(new_catalog: &impl Fn() -> Arc<dyn Catalog>) {
    a_project_has_details(&*new_catalog());
    names_and_ids_of_projects_are_unique(&*new_catalog());
    experiments_are_counted(&*new_catalog());
    comparisons_are_kept(&*new_catalog());
    details_stay_in_their_workspace(&*new_catalog());
}

fn create(catalog: &dyn Catalog, text: &str, details: ProjectDetails, now: i64) -> Project {
    let id = ProjectId::from(Uuid::new_v4());
    catalog.create_project(workspace(catalog), id, &name(text), details, at(now)).expect("a project")
}

fn on(dataset_id: DatasetId) -> ProjectDetails {
    ProjectDetails { reference_dataset_id: Some(dataset_id), ..ProjectDetails::default() }
}

fn a_project_has_details(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    let details = ProjectDetails {
        description: Some("a try".to_owned()),
        extra: Some(JsonText::from_value(&json!({"metadata": {"a": 1}}))),
        default_dataset_id: Some(DatasetId::generate()),
        end_time: Some(at(99)),
        trace_tier: Some("longlived".to_owned()),
        plan: Some(JsonText::from_value(&json!({"num_examples": 2}))),
        ..ProjectDetails::default()
    };
    let project = create(catalog, "p", details.clone(), 5);
    assert_eq!(catalog.load_project(workspace_id, project.id).expect("an answer"), Some(project.clone()));
    let kept = ProjectDetails { start_time: Some(at(5)), ..details };
    let load = |id| catalog.load_project_details(workspace_id, id).expect("an answer");
    assert_eq!(load(project.id), Some(kept.clone()), "it began when it was made");

    let plain = catalog.get_or_create_project(workspace_id, &name("plain"), at(6)).expect("a project");
    assert_eq!(load(plain.id), Some(ProjectDetails::default()));
    assert_eq!(load(ProjectId::from(Uuid::new_v4())), None);
    let listed = catalog.list_project_details(workspace_id).expect("a list");
    assert_eq!(listed, [(project.clone(), kept.clone())]);

    let changed = ProjectDetails { description: None, start_time: Some(at(3)), ..kept };
    let renamed = catalog
        .update_project(workspace_id, project.id, &name("renamed"), changed.clone())
        .expect("an answer");
    assert_eq!(renamed, Some(Project { name: name("renamed"), ..project.clone() }));
    assert_eq!(load(project.id), Some(changed.clone()));
    assert_eq!(catalog.find_project(workspace_id, &name("p")).expect("an answer"), None);
    let updated = catalog.update_project(workspace_id, plain.id, &name("plain"), changed.clone());
    assert!(updated.expect("an answer").is_some(), "one without details gets some");
    assert_eq!(load(plain.id), Some(changed.clone()));
    let stranger = ProjectId::from(Uuid::new_v4());
    assert_eq!(catalog.update_project(workspace_id, stranger, &name("x"), changed).expect("an answer"), None);

    assert!(catalog.delete_project(workspace_id, project.id, at(9)).expect("an answer"));
    assert_eq!(load(project.id), None);
    let again = catalog
        .create_project(workspace_id, project.id, &name("again"), ProjectDetails::default(), at(10))
        .expect_err("its runs are still being removed");
    assert_eq!(again.kind(), ErrorKind::Conflict);
}

fn names_and_ids_of_projects_are_unique(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    let one = create(catalog, "one", ProjectDetails::default(), 1);
    let two = create(catalog, "two", ProjectDetails::default(), 1);
    let details = ProjectDetails::default;
    for (id, text) in [(ProjectId::from(Uuid::new_v4()), "one"), (one.id, "new")] {
        let refused = catalog.create_project(workspace_id, id, &name(text), details(), at(2));
        assert_eq!(refused.expect_err("it is taken").kind(), ErrorKind::Conflict);
    }
    let refused =
        catalog.update_project(workspace_id, two.id, &name("one"), details()).expect_err("it is taken");
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert!(refused.to_string().contains("\"one\""), "{refused}");
    assert_eq!(catalog.load_project(workspace_id, two.id).expect("an answer"), Some(two));
}

fn experiments_are_counted(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    let (mine, other) = (dataset(catalog, "mine").id, dataset(catalog, "other").id);
    let first = create(catalog, "first", on(mine), 10);
    let second = create(catalog, "second", on(mine), 20);
    let elsewhere = create(catalog, "elsewhere", on(other), 30);
    create(catalog, "plain", ProjectDetails::default(), 40);
    let listed = catalog.list_experiments(workspace_id, mine).expect("a list");
    let found: Vec<_> = listed.iter().map(|(project, details)| (project.id, details.number)).collect();
    assert_eq!(found, [(second.id, Some(2)), (first.id, Some(1))], "the newest first");
    let found = catalog.list_experiments(workspace_id, other).expect("a list");
    assert_eq!((found[0].0.id, found[0].1.number), (elsewhere.id, Some(1)));
    let counted = catalog.load_dataset(workspace_id, mine).expect("an answer").expect("a dataset");
    assert_eq!((counted.experiment_count, counted.last_experiment_at), (2, Some(at(20))));

    let details = ProjectDetails { number: Some(77), description: Some("d".to_owned()), ..on(mine) };
    catalog.update_project(workspace_id, first.id, &name("first"), details).expect("an answer");
    let kept = catalog.load_project_details(workspace_id, first.id).expect("an answer").expect("details");
    assert_eq!((kept.number, kept.description.as_deref()), (Some(1), Some("d")), "the number stays");
    catalog.delete_project(workspace_id, second.id, at(50)).expect("an answer");
    let counted = catalog.load_dataset(workspace_id, mine).expect("an answer").expect("a dataset");
    assert_eq!((counted.experiment_count, counted.last_experiment_at), (1, None));
}

fn comparisons_are_kept(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    let dataset_id = dataset(catalog, "d").id;
    let comparison = |time: i64| ExperimentComparison {
        id: ComparisonId::generate(),
        dataset_id,
        name: Some("a vs. b".to_owned()),
        description: None,
        experiment_ids: vec![ProjectId::from_bytes([1; 16]), ProjectId::from_bytes([2; 16])],
        extra: Some(JsonText::from_value(&json!({}))),
        created_at: at(time),
        modified_at: at(time + 1),
    };
    let (old, new) = (comparison(5), comparison(6));
    for comparison in [&old, &new] {
        let made = catalog.create_comparison(workspace_id, comparison.clone()).expect("a comparison");
        assert_eq!(made, *comparison);
    }
    let refused = catalog.create_comparison(workspace_id, old.clone()).expect_err("the id is taken");
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(catalog.load_comparison(workspace_id, old.id).expect("an answer"), Some(old.clone()));
    let listed = catalog.list_comparisons(workspace_id, dataset_id).expect("a list");
    assert_eq!(listed, [new.clone(), old.clone()], "the newest first");
    assert!(catalog.delete_comparison(workspace_id, old.id).expect("an answer"));
    assert!(!catalog.delete_comparison(workspace_id, old.id).expect("an answer"));
    assert!(catalog.delete_dataset(workspace_id, dataset_id).expect("an answer"));
    assert_eq!(catalog.load_comparison(workspace_id, new.id).expect("an answer"), None);
}

fn details_stay_in_their_workspace(catalog: &dyn Catalog) {
    let stranger = WorkspaceId::from_bytes([7; 16]);
    let dataset_id = dataset(catalog, "d").id;
    let project = create(catalog, "mine", on(dataset_id), 1);
    assert_eq!(catalog.load_project_details(stranger, project.id).expect("an answer"), None);
    assert_eq!(catalog.list_project_details(stranger).expect("a list"), []);
    assert_eq!(catalog.list_experiments(stranger, dataset_id).expect("a list"), []);
    let details = ProjectDetails::default();
    assert_eq!(catalog.update_project(stranger, project.id, &name("x"), details).expect("an answer"), None);
    assert_eq!(catalog.list_comparisons(stranger, dataset_id).expect("a list"), []);
}
