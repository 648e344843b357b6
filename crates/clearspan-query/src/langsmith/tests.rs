use clearspan_model::{Decimal, RunType, Status};
use proptest::prelude::*;

use super::parse;
use crate::fulltext::Search;
use crate::{Expr, Field, Literal, Op};

fn eq(field: Field, literal: Literal) -> Expr {
    Expr::Test(field, Op::Eq(literal))
}

fn text(text: &str) -> Literal {
    Literal::Text(text.to_owned())
}

fn meta(key: &str, op: Op) -> Expr {
    Expr::Test(Field::Metadata(key.to_owned()), op)
}

fn not(expr: Expr) -> Expr {
    Expr::Not(Box::new(expr))
}

#[test]
fn filters_of_the_contract() {
    let thread =
        |key: &str| Expr::Any(vec![meta(key, Op::Eq(text("conv-42"))), eq(Field::Thread, text("conv-42"))]);
    let cases: Vec<(&str, Expr)> = vec![
        (r#"eq(status, "error")"#, eq(Field::Status, Literal::Status(Status::Error))),
        ("neq(error, null)", Expr::Test(Field::Error, Op::Exists)),
        ("eq(error, None)", not(Expr::Test(Field::Error, Op::Exists))),
        (r#"gt(latency, "12s")"#, Expr::Test(Field::Latency, Op::Gt(Literal::Duration(12_000_000_000)))),
        ("gt(latency, 0.3)", Expr::Test(Field::Latency, Op::Gt(Literal::Duration(300_000_000)))),
        (r#"has(tags, "build-7f3c")"#, eq(Field::Tag, text("build-7f3c"))),
        ("eq(metadata_key, 'tenant')", meta("tenant", Op::Exists)),
        ("and(neq(metadata_key, 'plan'))", Expr::All(vec![not(meta("plan", Op::Exists))])),
        (
            "and(eq(metadata_key, 'environment'), eq(metadata_value, 'staging'))",
            Expr::All(vec![meta("environment", Op::Eq(text("staging")))]),
        ),
        (
            r#"and(in(metadata_key, ["session_id","conversation_id","thread_id"]), eq(metadata_value, "conv-42"))"#,
            Expr::All(vec![Expr::Any(vec![
                thread("session_id"),
                thread("conversation_id"),
                thread("thread_id"),
            ])]),
        ),
        (
            "and(eq(metadata_key, 'plan'), neq(metadata_value, 'free'))",
            Expr::All(vec![Expr::All(vec![
                meta("plan", Op::Exists),
                not(meta("plan", Op::Eq(text("free")))),
            ])]),
        ),
        (
            r#"and(or(has(tags, "canary"), has(tags, "shadow")), gt(latency, 3))"#,
            Expr::All(vec![
                Expr::Any(vec![eq(Field::Tag, text("canary")), eq(Field::Tag, text("shadow"))]),
                Expr::Test(Field::Latency, Op::Gt(Literal::Duration(3_000_000_000))),
            ]),
        ),
        (
            r#"and(eq(run_type, "llm"), gte(total_tokens, 20000), eq(is_root, false))"#,
            Expr::All(vec![
                eq(Field::RunType, Literal::RunType(RunType::Llm)),
                Expr::Test(Field::TotalTokens, Op::Ge(Literal::Number(Decimal::from(20_000)))),
                not(eq(Field::IsRoot, Literal::Bool(true))),
            ]),
        ),
        (r#"eq(thread_id, "x")"#, eq(Field::Thread, text("x"))),
        (r#"like(name, "%Chat%")"#, Expr::Test(Field::Name, Op::Glob("*Chat*".to_owned()))),
        (
            r#"has(metadata, '{"a": 1, "b": "two"}')"#,
            Expr::All(vec![meta("a", Op::Eq(text("1"))), meta("b", Op::Eq(text("two")))]),
        ),
        (
            r#"search(name, "refund policy")"#,
            Expr::All(vec![
                Expr::Test(Field::Name, Op::Contains("refund".to_owned())),
                Expr::Test(Field::Name, Op::Contains("policy".to_owned())),
            ]),
        ),
        (r#"search("refund")"#, Expr::Test(Field::Text, Op::Search(Search::phrase("refund")))),
        (
            r#"search(inputs, "Refund - policy")"#,
            Expr::All(vec![
                Expr::Test(Field::Input, Op::Search(Search::phrase("Refund"))),
                Expr::Test(Field::Input, Op::Search(Search::phrase("policy"))),
            ]),
        ),
        (r#"not(eq(name, 'it\'s'))"#, not(eq(Field::Name, text("it's")))),
        (r#"in(name, ["a", "b",])"#, Expr::Test(Field::Name, Op::In(vec![text("a"), text("b")]))),
    ];
    for (filter, expected) in cases {
        assert_eq!(parse(filter).as_ref(), Ok(&expected), "{filter}");
    }
}

#[test]
fn what_cannot_be_asked_is_named_with_its_place() {
    let cases: &[(&str, std::ops::Range<usize>, &str)] = &[
        (r#"search("=>")"#, 0..12, "no word"),
        (r#"eq(inputs, "a")"#, 0..15, "search(inputs"),
        (r#"and(eq(feedback_key, "stars"), gt(feedback_score, 3))"#, 7..19, "feedback_key"),
        (r#"and(eq(name, "a"), eq(output_key, "triage.decision"))"#, 22..32, "output_key"),
        ("gt(first_token_time, 1)", 3..19, "first_token_time"),
        ("equals(name, 'a')", 0..6, "equals"),
        ("eq(nam, 'a')", 3..6, "did you mean \"name\"?"),
        ("eq(name 'a')", 8..11, "`,` is missing"),
        ("eq(name, 'a'", 12..12, "`)` is missing"),
        ("eq(name, 'a", 9..11, "never closed"),
        ("gt(name, 'a')", 0..13, "compares numbers"),
        ("eq(name, 'a') eq(name, 'b')", 14..16, "goes on"),
        ("eq(run_type, 'agent')", 0..21, "run type"),
        ("eq(metadata_value, 'x')", 0..23, "without metadata_key"),
        ("like(name, 'a*')", 0..16, "`*`"),
        ("", 0..0, "a function is missing"),
        ("eq(name, {})", 9..10, "no meaning"),
    ];
    for (filter, span, message) in cases {
        let error = parse(filter).expect_err(filter);
        assert!(error.to_string().contains(message), "{filter}: {error}");
        assert_eq!(&error.span, span, "{filter}");
    }
}

#[test]
fn depth_is_bounded() {
    let deep = |n: usize| format!("{}eq(name, 'a'){}", "not(".repeat(n), ")".repeat(n));
    assert!(parse(&deep(60)).is_ok());
    assert!(parse(&deep(2_000)).expect_err("too deep").message.contains("64 levels"));
    assert!(parse(&"and(".repeat(4_000)).is_err());
}

proptest! {
    #[test]
    fn never_panics(filter in r#"([a-z_]{1,5}|[(),\[\]"'. \\0-9é]|and\(|eq\(name, |metadata_key|"x"|\)){0,40}"#) {
        if let Err(error) = parse(&filter) {
            prop_assert!(error.span.end <= filter.len() && filter.is_char_boundary(error.span.start));
        }
    }

    #[test]
    fn never_panics_on_any_text(filter in any::<String>()) {
        drop(parse(&filter));
    }
}
