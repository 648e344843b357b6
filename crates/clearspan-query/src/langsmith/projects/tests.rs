use serde_json::json;

use super::ProjectFilter::{All, Any, Contains, Has, Is, Metadata, Not, StartedAfter, StartedBefore};
use super::*;

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn every_field_can_be_asked_for() {
    let name = |text: &str| Is(ProjectField::Name, texts(&[text]));
    let time = UnixNanos::from_nanos(1_767_225_600_000_000_000);
    let not = |filter| Not(Box::new(filter));
    for (text, expected) in [
        ("eq(name, 'my-project')", name("my-project")),
        ("neq(name, \"a\")", not(name("a"))),
        ("in(id, ['a', 'b'])", Is(ProjectField::Id, texts(&["a", "b"]))),
        ("search(name, \"Exp\")", Contains(ProjectField::Name, "Exp".to_owned())),
        ("eq(description, null)", not(Has(ProjectField::Description))),
        ("neq(reference_dataset_id, null)", Has(ProjectField::ReferenceDatasetId)),
        ("lt(start_time, '2026-01-01T00:00:00Z')", StartedBefore(time)),
        ("gte(start_time, '2026-01-01')", not(StartedBefore(time))),
        ("gt(start_time, '2026-01-01')", StartedAfter(time)),
        ("lte(start_time, '2026-01-01')", not(StartedAfter(time))),
        (
            "and(eq(name, 'a'), or(not(exists(metadata, 'k')), has(metadata, '{\"m\": 1}')))",
            All(vec![
                name("a"),
                Any(vec![
                    not(Metadata(MetadataFilter::HasKey("k".to_owned()))),
                    Metadata(MetadataFilter::Contains(json!({"m": 1}))),
                ]),
            ]),
        ),
    ] {
        assert_eq!(parse_project_filter(text).unwrap(), expected, "{text}");
    }
}

#[test]
fn everything_else_is_refused_with_its_place() {
    for (text, start, said) in [
        ("", 0, "missing"),
        ("eq(nam, 'a')", 3, "did you mean"),
        ("and(eq(name, 'a'), eq(colour, 'b'))", 22, "start_time"),
        ("gt(name, 'a')", 0, "eq, neq, in and search"),
        ("eq(name, 1)", 0, "in quotes"),
        ("eq(start_time, '2026-01-01')", 0, "lt, lte, gt and gte"),
        ("gt(start_time, 'now and then')", 0, "a time in quotes"),
        ("eq(metadata, 'x')", 0, "exists(metadata"),
    ] {
        let diagnostic = parse_project_filter(text).unwrap_err();
        assert_eq!(diagnostic.span.start, start, "{text}: {diagnostic}");
        assert!(diagnostic.to_string().contains(said), "{text}: {diagnostic}");
    }
}
