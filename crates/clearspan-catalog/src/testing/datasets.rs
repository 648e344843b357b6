//! What callers may rely on about datasets, their versions and shares.

use std::sync::Arc;

use clearspan_model::{ErrorKind, JsonText, UnixNanos, WorkspaceId};
use serde_json::json;

use super::at;
use super::examples::{create, new_example};
use crate::{
    Catalog, DataType, Dataset, DatasetContent, DatasetFilter, DatasetId, DatasetName, DatasetVersion,
    ExampleQuery, VersionRef,
};

pub(super) fn check_all(new_catalog: &impl Fn() -> Arc<dyn Catalog>) {
    a_dataset_is_kept_changed_and_removed(&*new_catalog());
    names_and_ids_of_datasets_are_unique(&*new_catalog());
    datasets_are_found(&*new_catalog());
    versions_are_named_by_time_and_tag(&*new_catalog());
    a_share_opens_one_dataset_until_it_is_closed(&*new_catalog());
    datasets_stay_in_their_workspace(&*new_catalog());
}

pub(super) fn workspace(catalog: &dyn Catalog) -> WorkspaceId {
    catalog.default_workspace().expect("a workspace").id
}

pub(super) fn content(name: &str) -> DatasetContent {
    DatasetContent::named(DatasetName::parse(name).expect("a valid name"))
}

pub(super) fn dataset(catalog: &dyn Catalog, name: &str) -> Dataset {
    let id = DatasetId::generate();
    catalog.create_dataset(workspace(catalog), id, content(name), at(1_000)).expect("a dataset")
}

fn a_dataset_is_kept_changed_and_removed(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    let full = DatasetContent {
        description: Some("of last week".to_owned()),
        data_type: DataType::Chat,
        extra: JsonText::from_value(&json!({"metadata": {"team": "x"}})),
        inputs_schema: Some(JsonText::from_value(&json!({"type": "object"}))),
        outputs_schema: Some(JsonText::from_value(&json!({"type": "array"}))),
        transformations: Some(JsonText::from_value(&json!([]))),
        externally_managed: true,
        ..content("full")
    };
    let id = DatasetId::generate();
    let made = catalog.create_dataset(workspace_id, id, full.clone(), at(5)).expect("a dataset");
    assert_eq!((made.id, &made.content), (id, &full));
    assert_eq!((made.created_at, made.modified_at, made.example_count), (at(5), at(5), 0));
    assert_eq!(catalog.load_dataset(workspace_id, id).expect("an answer"), Some(made.clone()));

    let changed =
        catalog.update_dataset(workspace_id, id, content("small"), at(9)).expect("an answer").expect("it");
    assert_eq!(changed, Dataset { content: content("small"), modified_at: at(9), ..made });
    assert_eq!(catalog.load_dataset(workspace_id, id).expect("an answer"), Some(changed));
    let stranger = DatasetId::generate();
    assert_eq!(catalog.update_dataset(workspace_id, stranger, content("x"), at(9)).expect("an answer"), None);

    create(catalog, id, vec![new_example(1), new_example(2)], at(10_000));
    let first = new_example(1);
    assert!(catalog.load_example(workspace_id, first.id, None).expect("an answer").is_some());
    assert!(catalog.delete_dataset(workspace_id, id).expect("an answer"));
    assert!(!catalog.delete_dataset(workspace_id, id).expect("an answer"), "it is gone");
    assert_eq!(catalog.load_dataset(workspace_id, id).expect("an answer"), None);
    assert_eq!(catalog.load_example(workspace_id, first.id, None).expect("an answer"), None);
    let other = dataset(catalog, "small");
    create(catalog, other.id, vec![first], at(20_000));
}

fn names_and_ids_of_datasets_are_unique(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    let (one, other) = (dataset(catalog, "one"), dataset(catalog, "other"));
    let refused = catalog
        .create_dataset(workspace_id, DatasetId::generate(), content("one"), at(6))
        .expect_err("the name is taken");
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert!(refused.to_string().contains("\"one\""), "{refused}");
    let refused =
        catalog.create_dataset(workspace_id, one.id, content("new"), at(6)).expect_err("the id is taken");
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert!(refused.to_string().contains(&one.id.to_string()), "{refused}");
    let refused =
        catalog.update_dataset(workspace_id, other.id, content("one"), at(6)).expect_err("the name is taken");
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    catalog.update_dataset(workspace_id, one.id, content("one"), at(6)).expect("its own name is not taken");
    dataset(catalog, "One");
}

fn datasets_are_found(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    let mut ids = Vec::new();
    for (idx, (name, data_type, metadata)) in [
        ("Refunds", DataType::KeyValue, json!({"team": "x", "tags": ["a", "b"], "at": {"site": "B"}})),
        ("refunds 50%_off", DataType::Chat, json!({"team": "y"})),
        ("other", DataType::Llm, json!({})),
    ]
    .into_iter()
    .enumerate()
    {
        let extra = JsonText::from_value(&json!({ "metadata": metadata }));
        let id = DatasetId::generate();
        let content = DatasetContent { data_type, extra, ..content(name) };
        let now = at(10 + i64::try_from(idx).expect("small"));
        catalog.create_dataset(workspace_id, id, content, now).expect("a dataset");
        ids.push(id);
    }
    let find = |filter: DatasetFilter, offset, limit| {
        let (page, total) = catalog.list_datasets(workspace_id, &filter, offset, limit).expect("a list");
        (page.iter().map(|dataset| dataset.id).collect::<Vec<_>>(), total)
    };
    let all = DatasetFilter::default;
    assert_eq!(find(all(), 0, 10), (vec![ids[2], ids[1], ids[0]], 3), "the newest first");
    assert_eq!(find(all(), 1, 1), (vec![ids[1]], 3));
    assert_eq!(find(all(), 5, 1), (vec![], 3));
    let named = |name: &str| DatasetFilter { name: Some(name.to_owned()), ..all() };
    assert_eq!(find(named("Refunds"), 0, 10), (vec![ids[0]], 1));
    assert_eq!(find(named("refunds"), 0, 10), (vec![], 0), "a name is exact");
    let containing = |part: &str| DatasetFilter { name_contains: Some(part.to_owned()), ..all() };
    assert_eq!(find(containing("REFUND"), 0, 10), (vec![ids[1], ids[0]], 2));
    assert_eq!(find(containing("0%_o"), 0, 10), (vec![ids[1]], 1), "no wildcards");
    let typed = DatasetFilter { data_types: vec![DataType::Llm, DataType::Chat], ..all() };
    assert_eq!(find(typed, 0, 10), (vec![ids[2], ids[1]], 2));
    assert_eq!(find(DatasetFilter { ids: vec![ids[1]], ..all() }, 0, 10), (vec![ids[1]], 1));
    for (part, expected) in [
        (json!({"team": "x"}), vec![ids[0]]),
        (json!({"team": "z"}), vec![]),
        (json!({"tags": ["b"], "at": {"site": "B"}}), vec![ids[0]]),
        (json!({"tags": ["c"]}), vec![]),
        (json!({}), vec![ids[2], ids[1], ids[0]]),
        (json!("team"), vec![]),
    ] {
        let filter = DatasetFilter { metadata: Some(part.clone()), ..all() };
        assert_eq!(find(filter, 0, 10).0, expected, "{part}");
    }
}

fn versions_are_named_by_time_and_tag(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    let id = dataset(catalog, "versioned").id;
    let find = |wanted: VersionRef| catalog.find_version(workspace_id, id, &wanted).expect("an answer");
    let tagged = |tag: &str| find(VersionRef::Tag(tag.to_owned()));
    assert_eq!((tagged("latest"), find(VersionRef::At(at(i64::MAX)))), (None, None), "nothing was written");

    let first = create(catalog, id, vec![new_example(1)], at(1_000_500));
    assert_eq!(first, at(1_000_000), "versions are told by microseconds");
    // The clock went back, which a version must not.
    let second = create(catalog, id, vec![new_example(2)], at(900_000));
    let third = create(catalog, id, vec![new_example(3)], at(5_000_000));
    assert_eq!((second, third), (at(1_001_000), at(5_000_000)));

    let version = |as_of, tags: &[&str]| DatasetVersion {
        as_of,
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
    };
    let listed = catalog.list_versions(workspace_id, id, 0, 10).expect("a list");
    assert_eq!(listed, [version(third, &["latest"]), version(second, &[]), version(first, &[])]);
    assert_eq!(catalog.list_versions(workspace_id, id, 1, 1).expect("a list"), [version(second, &[])]);
    assert_eq!(find(VersionRef::At(at(999_999))), None, "before the first");
    assert_eq!(find(VersionRef::At(at(4_999_999))), Some(version(second, &[])));
    assert_eq!(find(VersionRef::At(at(i64::MAX))), Some(version(third, &["latest"])));

    let tag = |moment, tag: &str| catalog.tag_version(workspace_id, id, moment, tag).expect("an answer");
    assert_eq!(tag(at(999_999), "prod"), None);
    assert_eq!(tag(at(1_500_000), "prod"), Some(version(second, &["prod"])));
    assert_eq!(tag(third, "prod"), Some(version(third, &["latest", "prod"])), "the tag moves");
    assert_eq!(tag(third, "beta"), Some(version(third, &["beta", "latest", "prod"])));
    assert_eq!(tag(first, "latest"), Some(version(first, &[])), "the newest is always the latest");
    assert_eq!(tagged("prod"), Some(version(third, &["beta", "latest", "prod"])));
    assert_eq!(tagged("latest").map(|version| version.as_of), Some(third));
    assert_eq!(tagged("nightly"), None);
    assert_eq!(find(VersionRef::At(second)), Some(version(second, &[])));
}

fn a_share_opens_one_dataset_until_it_is_closed(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    let (mine, other) = (dataset(catalog, "mine"), dataset(catalog, "other"));
    assert_eq!(catalog.dataset_share(workspace_id, mine.id).expect("an answer"), None);
    let token = catalog.share_dataset(workspace_id, mine.id).expect("an answer").expect("a token");
    assert_eq!(catalog.share_dataset(workspace_id, mine.id).expect("an answer"), Some(token), "the same");
    assert_eq!(catalog.dataset_share(workspace_id, mine.id).expect("an answer"), Some(token));
    let other_token = catalog.share_dataset(workspace_id, other.id).expect("an answer").expect("a token");
    assert_ne!(token, other_token);
    let opened = catalog.find_shared_dataset(token).expect("an answer");
    assert_eq!(opened.map(|dataset| dataset.id), Some(mine.id));
    assert_eq!(catalog.unshare_dataset(workspace_id, mine.id).expect("an answer"), Some(token));
    assert_eq!(catalog.unshare_dataset(workspace_id, mine.id).expect("an answer"), None);
    assert_eq!(catalog.find_shared_dataset(token).expect("an answer"), None);
    let stranger = DatasetId::generate();
    assert_eq!(catalog.share_dataset(workspace_id, stranger).expect("an answer"), None);
}

fn datasets_stay_in_their_workspace(catalog: &dyn Catalog) {
    let stranger = WorkspaceId::from_bytes([7; 16]);
    let id = dataset(catalog, "mine").id;
    let version: UnixNanos = create(catalog, id, vec![new_example(1)], at(1_000));
    let example = new_example(1).id;
    assert_eq!(catalog.load_dataset(stranger, id).expect("an answer"), None);
    assert_eq!(
        catalog.list_datasets(stranger, &DatasetFilter::default(), 0, 9).expect("a list"),
        (vec![], 0)
    );
    assert_eq!(catalog.update_dataset(stranger, id, content("x"), at(2_000)).expect("an answer"), None);
    assert!(!catalog.delete_dataset(stranger, id).expect("an answer"));
    assert_eq!(catalog.write_examples(stranger, id, vec![], at(2_000)).expect("an answer"), None);
    assert_eq!(catalog.delete_examples(stranger, &[example], true, at(2_000)).expect("an answer"), []);
    assert_eq!(catalog.load_example(stranger, example, None).expect("an answer"), None);
    let query = ExampleQuery { dataset_id: Some(id), limit: 9, ..ExampleQuery::default() };
    assert_eq!(catalog.list_examples(stranger, &query).expect("a list"), []);
    assert_eq!(catalog.count_examples(stranger, &query).expect("a count"), 0);
    assert_eq!(catalog.list_splits(stranger, id, None).expect("a list"), [""; 0]);
    assert_eq!(catalog.list_versions(stranger, id, 0, 9).expect("a list"), []);
    assert_eq!(catalog.find_version(stranger, id, &VersionRef::At(version)).expect("an answer"), None);
    assert_eq!(catalog.tag_version(stranger, id, version, "t").expect("an answer"), None);
    let diff = catalog.diff_versions(stranger, id, at(0), version).expect("a difference");
    assert_eq!(diff.added, []);
    assert_eq!(catalog.share_dataset(stranger, id).expect("an answer"), None);
    assert_eq!(catalog.count_examples(workspace(catalog), &query).expect("a count"), 1, "all is there");
}
