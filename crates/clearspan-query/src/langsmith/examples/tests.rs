use serde_json::json;

use super::MetadataFilter::{All, Any, Contains, HasKey, Not};
use super::*;
use crate::MAX_FILTER_BYTES;

#[test]
fn what_the_sdk_documents_is_understood() {
    let key = |key: &str| HasKey(key.to_owned());
    for (text, expected) in [
        (r#"exists(metadata, "lvl")"#, key("lvl")),
        (r#"has(metadata, '{"lvl": 1}')"#, Contains(json!({"lvl": 1}))),
        (r#"has(metadata, "{\"a\": {\"b\": [1]}}")"#, Contains(json!({"a": {"b": [1]}}))),
        (
            r#"and(not(has(metadata, '{"foo": "bar"}')), exists(metadata, "tenant_id"))"#,
            All(vec![Not(Box::new(Contains(json!({"foo": "bar"})))), key("tenant_id")]),
        ),
        (r#"or(exists(metadata, 'a'), exists(metadata, 'b'))"#, Any(vec![key("a"), key("b")])),
    ] {
        assert_eq!(parse_example_filter(text).unwrap(), expected, "{text}");
    }
}

#[test]
fn everything_else_is_refused_with_its_place() {
    for (text, start) in [
        ("", 0),
        ("exists(metadata)", 15),
        ("exists(inputs, 'a')", 7),
        ("search('x')", 7),
        ("exists(metadata, 1)", 0),
        ("has(metadata, 'x')", 0),
        ("has(metadata, '[1]')", 0),
        ("and(exists(metadata, 'a'), eq(metadata, 'b'))", 27),
    ] {
        let diagnostic = parse_example_filter(text).unwrap_err();
        assert_eq!(diagnostic.span.start, start, "{text}: {diagnostic}");
    }
    assert!(parse_example_filter(&"not(".repeat(5_000)).is_err());
    assert!(parse_example_filter(&" ".repeat(MAX_FILTER_BYTES + 1)).is_err());
}
