//! What callers may rely on about examples and their states.

use std::collections::BTreeMap;
use std::sync::Arc;

use clearspan_model::{ErrorKind, JsonText, RunId, UnixNanos};
use serde_json::{Value, json};

use super::at;
use super::datasets::{dataset, workspace};
use crate::{
    Attachment, AttachmentPlan, Catalog, DatasetId, Example, ExampleChange, ExampleCursor, ExampleDiff,
    ExampleFilter, ExampleId, ExampleQuery, ExampleWrite, Metadata, NewExample,
};

pub(super) fn check_all(new_catalog: &impl Fn() -> Arc<dyn Catalog>) {
    an_example_is_made_once(&*new_catalog());
    what_is_not_named_stays(&*new_catalog());
    every_version_can_be_read_again(&*new_catalog());
    a_write_is_all_or_nothing(&*new_catalog());
    examples_are_deleted_softly_or_for_ever(&*new_catalog());
    examples_are_paged(&*new_catalog());
    examples_are_found_by_metadata_and_split(&*new_catalog());
    metadata_keeps_its_digits_and_order(&*new_catalog());
    splits_are_lists_without_doubles(&*new_catalog());
    attachments_stay_as_planned(&*new_catalog());
}

pub(super) fn example_id(number: u8) -> ExampleId {
    ExampleId::from_bytes([number; 16])
}

fn object(value: Value) -> Metadata {
    match value {
        Value::Object(object) => object.into(),
        _ => unreachable!("tests write objects"),
    }
}

fn json_text(value: Value) -> JsonText {
    JsonText::from_value(&value)
}

pub(super) fn new_example(number: u8) -> NewExample {
    NewExample {
        id: example_id(number),
        created_at: Some(at(i64::from(number))),
        inputs: json_text(json!({ "q": number })),
        outputs: Some(json_text(json!({ "a": number }))),
        metadata: Metadata::default(),
        splits: None,
        source_run_id: None,
        attachments: Vec::new(),
    }
}

fn no_change(number: u8) -> ExampleChange {
    ExampleChange::of(example_id(number))
}

fn write(catalog: &dyn Catalog, id: DatasetId, writes: Vec<ExampleWrite>, now: UnixNanos) -> UnixNanos {
    let version = catalog.write_examples(workspace(catalog), id, writes, now);
    version.expect("a write").expect("a dataset")
}

pub(super) fn create(
    catalog: &dyn Catalog,
    id: DatasetId,
    examples: Vec<NewExample>,
    now: UnixNanos,
) -> UnixNanos {
    write(catalog, id, examples.into_iter().map(ExampleWrite::Create).collect(), now)
}

fn update(catalog: &dyn Catalog, id: DatasetId, change: ExampleChange, now: UnixNanos) -> UnixNanos {
    write(catalog, id, vec![ExampleWrite::Update(change)], now)
}

fn load(catalog: &dyn Catalog, number: u8, version: Option<UnixNanos>) -> Option<Example> {
    catalog.load_example(workspace(catalog), example_id(number), version).expect("an answer")
}

fn all_of(id: DatasetId) -> ExampleQuery {
    ExampleQuery { dataset_id: Some(id), limit: 100, ..ExampleQuery::default() }
}

fn numbers(catalog: &dyn Catalog, query: &ExampleQuery) -> Vec<u8> {
    let listed = catalog.list_examples(workspace(catalog), query).expect("a list");
    listed.iter().map(|example| example.id.as_bytes()[0]).collect()
}

fn count(catalog: &dyn Catalog, id: DatasetId) -> u64 {
    catalog.load_dataset(workspace(catalog), id).expect("an answer").expect("a dataset").example_count
}

fn an_example_is_made_once(catalog: &dyn Catalog) {
    let id = dataset(catalog, "d").id;
    let new = NewExample {
        metadata: object(json!({ "level": 1 })),
        splits: Some(vec!["train".to_owned()]),
        source_run_id: Some(RunId::from_bytes([9; 16])),
        ..new_example(1)
    };
    let version = create(catalog, id, vec![new.clone()], at(5_000));
    let made = load(catalog, 1, None).expect("an example");
    let expected = Example {
        id: new.id,
        dataset_id: id,
        created_at: at(1),
        version,
        inputs: new.inputs.clone(),
        outputs: new.outputs.clone(),
        metadata: object(json!({ "level": 1, "dataset_split": ["train"] })),
        source_run_id: new.source_run_id,
        attachments: Vec::new(),
    };
    assert_eq!(made, expected);
    assert_eq!(made.splits(), ["train"]);

    // A client that got no answer sends the same again.
    assert_eq!(create(catalog, id, vec![new.clone()], at(9_000)), version, "no new version");
    assert_eq!(count(catalog, id), 1);
    let different = NewExample { inputs: json_text(json!({})), ..new.clone() };
    let refused = catalog.write_examples(
        workspace(catalog),
        id,
        vec![ExampleWrite::Create(different.clone())],
        at(9_000),
    );
    assert_eq!(refused.expect_err("it exists").kind(), ErrorKind::Conflict);
    let other = dataset(catalog, "other").id;
    let refused =
        catalog.write_examples(workspace(catalog), other, vec![ExampleWrite::Create(new.clone())], at(9_000));
    let refused = refused.expect_err("it belongs to another dataset");
    assert!(refused.to_string().contains(&new.id.to_string()), "{refused}");
    assert_eq!(refused.kind(), ErrorKind::Conflict);

    write(catalog, id, vec![ExampleWrite::Upsert(different.clone())], at(10_000));
    write(catalog, id, vec![ExampleWrite::Upsert(new_example(2))], at(10_000));
    assert_eq!(load(catalog, 1, None).expect("an example").inputs, different.inputs);
    assert_eq!(count(catalog, id), 2);
    let undated = NewExample { created_at: None, ..new_example(3) };
    let version = create(catalog, id, vec![undated], at(20_000));
    assert_eq!(load(catalog, 3, None).expect("an example").created_at, version);
}

fn what_is_not_named_stays(catalog: &dyn Catalog) {
    let id = dataset(catalog, "d").id;
    let new = NewExample {
        metadata: object(json!({ "level": 1 })),
        splits: Some(vec!["train".to_owned()]),
        ..new_example(1)
    };
    create(catalog, id, vec![new], at(1_000));
    let before = load(catalog, 1, None).expect("an example");
    let version = update(catalog, id, no_change(1), at(2_000));
    assert_eq!((version, load(catalog, 1, None)), (before.version, Some(before.clone())), "nothing changed");

    let inputs = json_text(json!({ "q": 33 }));
    let version =
        update(catalog, id, ExampleChange { inputs: Some(inputs.clone()), ..no_change(1) }, at(3_000));
    let after = load(catalog, 1, None).expect("an example");
    assert_eq!(after, Example { version, inputs, ..before });

    let metadata = Some(object(json!({ "other": true })));
    let version = update(catalog, id, ExampleChange { metadata, ..no_change(1) }, at(4_000));
    let metadata = object(json!({ "other": true, "dataset_split": ["train"] }));
    let after = Example { version, metadata, ..after };
    assert_eq!(load(catalog, 1, None), Some(after.clone()), "the splits stay");
    let splits = Some(vec!["test".to_owned()]);
    let version = update(catalog, id, ExampleChange { splits, ..no_change(1) }, at(5_000));
    let metadata = object(json!({ "other": true, "dataset_split": ["test"] }));
    assert_eq!(load(catalog, 1, None), Some(Example { version, metadata, ..after }));

    let refused =
        catalog.write_examples(workspace(catalog), id, vec![ExampleWrite::Update(no_change(9))], at(6_000));
    assert_eq!(refused.expect_err("there is none").kind(), ErrorKind::NotFound);
    // Twice in one request: the last word counts.
    let change = |number: u8| {
        let outputs = Some(json_text(json!({ "a": number })));
        ExampleWrite::Update(ExampleChange { outputs, ..no_change(1) })
    };
    write(catalog, id, vec![change(7), change(8)], at(7_000));
    assert_eq!(load(catalog, 1, None).expect("an example").outputs, Some(json_text(json!({ "a": 8 }))));
}

fn every_version_can_be_read_again(catalog: &dyn Catalog) {
    let id = dataset(catalog, "d").id;
    let change = |number: u8, answer: &str| ExampleChange {
        outputs: Some(json_text(json!({ "a": answer }))),
        ..no_change(number)
    };
    let v1 = create(catalog, id, vec![new_example(1), new_example(2)], at(10_000));
    let v2 = update(catalog, id, change(1, "x"), at(20_000));
    let v3 = create(catalog, id, vec![new_example(3)], at(30_000));
    catalog.delete_examples(workspace(catalog), &[example_id(2)], false, at(40_000)).expect("deleted");
    let v4 = update(catalog, id, change(1, "y"), at(50_000));
    let outputs = |version| {
        let listed = catalog.list_examples(workspace(catalog), &ExampleQuery { version, ..all_of(id) });
        let text = |example: &Example| example.outputs.as_ref().map_or("", |text| text.as_str()).to_owned();
        listed.expect("a list").iter().map(text).collect::<Vec<_>>()
    };
    let [one, two, three] = [r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":3}"#];
    let [x, y] = [r#"{"a":"x"}"#, r#"{"a":"y"}"#];
    assert_eq!(outputs(Some(at(9_999))), [""; 0], "before the first version");
    assert_eq!(outputs(Some(v1)), [one, two]);
    assert_eq!(outputs(Some(at(19_999))), [one, two]);
    assert_eq!(outputs(Some(v2)), [x, two]);
    assert_eq!(outputs(Some(v3)), [x, two, three]);
    assert_eq!(outputs(Some(at(40_000))), [x, three]);
    assert_eq!(outputs(Some(v4)), [y, three]);
    assert_eq!(outputs(Some(at(i64::MAX))), [y, three]);
    assert_eq!(outputs(None), [y, three]);
    assert_eq!(load(catalog, 2, None), None);
    assert_eq!(load(catalog, 2, Some(v3)).expect("it was there").outputs, Some(json_text(json!({ "a": 2 }))));

    let diff = |from, to| catalog.diff_versions(workspace(catalog), id, from, to).expect("a difference");
    let ids = |numbers: &[u8]| numbers.iter().map(|number| example_id(*number)).collect::<Vec<_>>();
    let expected = ExampleDiff { modified: ids(&[1]), added: ids(&[3]), removed: ids(&[2]) };
    assert_eq!(diff(v1, v4), expected);
    let backwards = ExampleDiff { modified: ids(&[1]), added: ids(&[2]), removed: ids(&[3]) };
    assert_eq!(diff(v4, v1), backwards);
    assert_eq!(diff(v2, v3), ExampleDiff { added: ids(&[3]), ..ExampleDiff::default() });
    assert_eq!(diff(v3, v3), ExampleDiff::default());
    // What came and went between the two is in neither.
    create(catalog, id, vec![new_example(8)], at(60_000));
    catalog.delete_examples(workspace(catalog), &[example_id(8)], false, at(70_000)).expect("deleted");
    assert_eq!(diff(v4, at(70_000)), ExampleDiff::default());
}

fn a_write_is_all_or_nothing(catalog: &dyn Catalog) {
    let id = dataset(catalog, "d").id;
    let version = create(catalog, id, vec![new_example(1)], at(1_000));
    let writes = vec![ExampleWrite::Create(new_example(2)), ExampleWrite::Update(no_change(9))];
    let refused = catalog.write_examples(workspace(catalog), id, writes, at(2_000));
    assert_eq!(refused.expect_err("one is missing").kind(), ErrorKind::NotFound);
    assert_eq!(load(catalog, 2, None), None);
    assert_eq!((count(catalog, id), numbers(catalog, &all_of(id))), (1, vec![1]));
    let versions = catalog.list_versions(workspace(catalog), id, 0, 9).expect("a list");
    assert_eq!(versions.iter().map(|version| version.as_of).collect::<Vec<_>>(), [version]);
    let nowhere = catalog.write_examples(workspace(catalog), DatasetId::generate(), vec![], at(2_000));
    assert_eq!(nowhere.expect("an answer"), None);
}

fn examples_are_deleted_softly_or_for_ever(catalog: &dyn Catalog) {
    let id = dataset(catalog, "d").id;
    let other = dataset(catalog, "other").id;
    let version = create(catalog, id, vec![new_example(1), new_example(2)], at(1_000));
    create(catalog, other, vec![new_example(3)], at(1_000));
    let delete = |numbers: &[u8], forever, now| {
        let ids: Vec<ExampleId> = numbers.iter().map(|number| example_id(*number)).collect();
        let deleted = catalog.delete_examples(workspace(catalog), &ids, forever, now).expect("an answer");
        deleted.iter().map(|id| id.as_bytes()[0]).collect::<Vec<_>>()
    };
    assert_eq!(delete(&[1, 3, 9], false, at(2_000)), [1, 3], "of two datasets at once");
    assert_eq!((count(catalog, id), count(catalog, other)), (1, 0));
    assert_eq!(delete(&[1], false, at(3_000)), [0; 0], "it is gone");
    assert!(load(catalog, 1, Some(version)).is_some());
    assert_eq!(delete(&[1, 2], true, at(4_000)), [1, 2], "what was deleted can be wiped out");
    assert_eq!((load(catalog, 1, Some(version)), load(catalog, 2, Some(version))), (None, None));
    assert_eq!(count(catalog, id), 0);
    // It may be made again.
    create(catalog, other, vec![new_example(3)], at(5_000));
    assert_eq!(count(catalog, other), 1);
    assert_eq!(load(catalog, 3, Some(at(2_000))), None);
}

fn examples_are_paged(catalog: &dyn Catalog) {
    let id = dataset(catalog, "d").id;
    let new = |number: u8| NewExample { created_at: Some(at(i64::from(number / 2))), ..new_example(number) };
    create(catalog, id, [3, 1, 5, 2, 4].map(new).to_vec(), at(1_000));
    let page = |offset, limit, newest_first| {
        numbers(catalog, &ExampleQuery { offset, limit, newest_first, ..all_of(id) })
    };
    assert_eq!(page(0, 9, false), [1, 2, 3, 4, 5], "by time, then by id");
    assert_eq!(page(0, 2, true), [5, 4]);
    assert_eq!(page(2, 2, true), [3, 2]);
    assert_eq!(page(4, 2, true), [1]);
    assert_eq!(page(5, 2, true), [0; 0]);
    for newest_first in [false, true] {
        let mut query = ExampleQuery { limit: 2, newest_first, ..all_of(id) };
        let mut seen = Vec::new();
        loop {
            let listed = catalog.list_examples(workspace(catalog), &query).expect("a list");
            let Some(last) = listed.last() else { break };
            query.after = Some(ExampleCursor { created_at: last.created_at, id: last.id });
            seen.extend(listed.iter().map(|example| example.id.as_bytes()[0]));
        }
        let mut expected = vec![1, 2, 3, 4, 5];
        if newest_first {
            expected.reverse();
        }
        assert_eq!(seen, expected);
    }
    let ids = vec![example_id(4), example_id(1), example_id(77)];
    assert_eq!(numbers(catalog, &ExampleQuery { ids: ids.clone(), ..all_of(id) }), [1, 4]);
    assert_eq!(numbers(catalog, &ExampleQuery { ids, dataset_id: None, limit: 9, ..all_of(id) }), [1, 4]);
}

fn examples_are_found_by_metadata_and_split(catalog: &dyn Catalog) {
    let id = dataset(catalog, "d").id;
    let new = |number: u8, metadata: Value, splits: &[&str]| NewExample {
        metadata: object(metadata),
        splits: Some(splits.iter().map(|split| (*split).to_owned()).collect()),
        ..new_example(number)
    };
    let examples = vec![
        new(1, json!({"lvl": 1, "who": {"name": "ann", "tags": ["x", "y"]}}), &["train"]),
        new(2, json!({"lvl": 2}), &["train", "hard"]),
        new(3, json!({"other": null}), &["test"]),
    ];
    create(catalog, id, examples, at(1_000));
    let by = |filter: ExampleFilter| numbers(catalog, &ExampleQuery { filter: Some(filter), ..all_of(id) });
    let has = |part: Value| ExampleFilter::Contains(part);
    let key = |key: &str| ExampleFilter::HasKey(key.to_owned());
    assert_eq!(by(key("lvl")), [1, 2]);
    assert_eq!(by(key("other")), [3], "a key with null is there");
    assert_eq!(by(has(json!({"lvl": 1}))), [1]);
    assert_eq!(by(has(json!({"who": {"tags": ["y"]}}))), [1]);
    assert_eq!(by(has(json!({"who": {"tags": ["z"]}}))), [0; 0]);
    assert_eq!(by(has(json!({"dataset_split": ["hard"]}))), [2]);
    assert_eq!(by(ExampleFilter::Not(Box::new(key("lvl")))), [3]);
    assert_eq!(by(ExampleFilter::Any(vec![key("other"), has(json!({"lvl": 2}))])), [2, 3]);
    assert_eq!(by(ExampleFilter::All(vec![key("lvl"), has(json!({"lvl": 2}))])), [2]);

    let in_splits = |splits: &[&str], offset, limit| {
        let splits = splits.iter().map(|split| (*split).to_owned()).collect();
        numbers(catalog, &ExampleQuery { splits, offset, limit, ..all_of(id) })
    };
    assert_eq!(in_splits(&["train"], 0, 9), [1, 2]);
    assert_eq!(in_splits(&["hard", "test"], 0, 9), [2, 3]);
    assert_eq!(in_splits(&["train", "test"], 1, 1), [2]);
    assert_eq!(in_splits(&["none"], 0, 9), [0; 0]);
    let query = ExampleQuery { splits: vec!["train".to_owned()], offset: 1, limit: 1, ..all_of(id) };
    assert_eq!(catalog.count_examples(workspace(catalog), &query).expect("a count"), 2);
    assert_eq!(catalog.count_examples(workspace(catalog), &all_of(id)).expect("a count"), 3);
}

/// Splits take their place behind what was written.
fn metadata_keeps_its_digits_and_order(catalog: &dyn Catalog) {
    let id = dataset(catalog, "d").id;
    let written =
        r#"{"z":123456789012345678901234567890,"a":1.50E+2,"dataset_split":"one","m":{"y":-0.0,"b":1.10}}"#;
    let metadata: Metadata = serde_json::from_str(written).expect("an object");
    let new = NewExample { metadata: metadata.clone(), ..new_example(1) };
    create(catalog, id, vec![new.clone()], at(1_000));
    let read = || {
        let example = load(catalog, 1, None).expect("an example");
        serde_json::to_string(&example.metadata).expect("JSON")
    };
    let beginning =
        r#"{"z":123456789012345678901234567890,"a":1.50E+2,"m":{"y":-0.0,"b":1.10},"dataset_split":"#;
    assert_eq!(read(), format!(r#"{beginning}["one"]}}"#));
    // The same once more changes nothing.
    create(catalog, id, vec![new], at(2_000));
    update(catalog, id, ExampleChange { splits: Some(vec!["two".to_owned()]), ..no_change(1) }, at(3_000));
    assert_eq!(read(), format!(r#"{beginning}["two"]}}"#));
    let filter = ExampleFilter::Contains(json!({"a": 150.0, "m": {"b": 1.1}}));
    assert_eq!(numbers(catalog, &ExampleQuery { filter: Some(filter), ..all_of(id) }), [1]);
    let twice: Metadata = serde_json::from_str(r#"{"a":1,"b":2,"a":3}"#).expect("an object");
    assert_eq!(serde_json::to_string(&twice).expect("JSON"), r#"{"a":3,"b":2}"#);
    let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(500), "]".repeat(500));
    assert!(serde_json::from_str::<Metadata>(&deep).is_err(), "nobody could read it");
}

fn splits_are_lists_without_doubles(catalog: &dyn Catalog) {
    let id = dataset(catalog, "d").id;
    let named = |number, metadata| NewExample { metadata: object(metadata), ..new_example(number) };
    let v1 = create(
        catalog,
        id,
        vec![
            new_example(1),
            named(2, json!({"dataset_split": "one"})),
            named(3, json!({"dataset_split": ["two", "one", "two", 7]})),
            named(4, json!({"dataset_split": 5})),
        ],
        at(1_000),
    );
    let splits = |number| {
        let example = load(catalog, number, None).expect("an example");
        example.splits()
    };
    assert_eq!((splits(1), splits(2)), (vec!["base".to_owned()], vec!["one".to_owned()]));
    assert_eq!((splits(3), splits(4)), (vec!["two".to_owned(), "one".to_owned()], vec!["base".to_owned()]));
    update(catalog, id, ExampleChange { splits: Some(vec!["new".to_owned()]), ..no_change(3) }, at(2_000));
    let list = |version| catalog.list_splits(workspace(catalog), id, version).expect("a list");
    assert_eq!(list(Some(v1)), ["base", "one", "two"]);
    assert_eq!(list(None), ["base", "new", "one"]);
}

fn attachments_stay_as_planned(catalog: &dyn Catalog) {
    let id = dataset(catalog, "d").id;
    let file = |name: &str, digest: &str| Attachment {
        name: name.to_owned(),
        mime_type: "image/png".to_owned(),
        size: 7,
        digest: digest.to_owned(),
    };
    let attachments = vec![file("b", "2"), file("a", "1"), file("c", "3")];
    create(catalog, id, vec![NewExample { attachments, ..new_example(1) }], at(1_000));
    let files = || {
        let example = load(catalog, 1, None).expect("an example");
        example.attachments.into_iter().map(|file| (file.name, file.digest)).collect::<Vec<_>>()
    };
    let pairs = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, digest)| ((*name).to_owned(), (*digest).to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(files(), pairs(&[("a", "1"), ("b", "2"), ("c", "3")]));
    update(catalog, id, ExampleChange { added: vec![file("c", "4")], ..no_change(1) }, at(2_000));
    assert_eq!(files(), pairs(&[("a", "1"), ("b", "2"), ("c", "4")]), "without a plan all stay");
    let plan = AttachmentPlan {
        rename: BTreeMap::from([("a".to_owned(), "z".to_owned()), ("nothing".to_owned(), "n".to_owned())]),
        retain: vec!["b".to_owned(), "gone".to_owned()],
    };
    let change = ExampleChange { attachments: Some(plan), added: vec![file("new", "5")], ..no_change(1) };
    update(catalog, id, change, at(3_000));
    assert_eq!(files(), pairs(&[("b", "2"), ("new", "5"), ("z", "1")]));
    let digests = catalog.list_attachment_digests().expect("a list");
    assert_eq!(digests, ["1", "2", "3", "4", "5"], "those of older versions, too, each once");
}
