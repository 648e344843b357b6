use clearspan_model::{Decimal, RunType, Status};
use proptest::prelude::*;

use super::{FeedbackTest, parse, parse_numbers, parse_with, words};
use crate::fulltext::Search;
use crate::{Expr, Field, Literal, MAX_FILTER_BYTES, Op};

fn eq(field: Field, literal: Literal) -> Expr {
    Expr::Test(field, Op::Eq(literal))
}

fn text(text: &str) -> Literal {
    Literal::Text(text.to_owned())
}

fn meta(key: &str, op: Op) -> Expr {
    Expr::Test(Field::Metadata(key.to_owned()), op)
}

fn dollars(text: &str) -> Literal {
    Literal::Number(text.parse().expect("a decimal"))
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
        (r#"gt(prompt_cost, "0.01")"#, Expr::Test(Field::InputCost, Op::Gt(dollars("0.01")))),
        (
            "lte(completion_cost, 0.000000000001)",
            Expr::Test(Field::OutputCost, Op::Le(dollars("0.000000000001"))),
        ),
        ("eq(prompt_cost, null)", not(Expr::Test(Field::InputCost, Op::Exists))),
        ("in(total_cost, [1, 2.50])", Expr::Test(Field::Cost, Op::In(vec![dollars("1"), dollars("2.5")]))),
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
        (r#"and(eq(feedback_key, "stars"), gt(feedback_score, 3))"#, 4..29, "not supported here"),
        ("gt(prompt_cost, 'much')", 0..23, "an amount in dollars"),
        ("gt(input_cost, 1)", 3..13, "there is no field"),
        ("gt(feedback_key, 1)", 0..19, "cannot look at \"feedback_key\""),
        ("gt(feedback_score, 'high')", 0..26, "a score is a number"),
        ("eq(feedback_keys, 'a')", 3..16, "did you mean \"feedback_key\"?"),
        ("like(feedback_comment, 'a%b')", 0..29, "%text%"),
        ("and(neq(input_key, 'a'), eq(input_value, 'b'))", 4..23, "not supported"),
        ("and(eq(input_key, 'a'), eq(input_value, 'b'), eq(input_value, 'c'))", 24..44, "its own key"),
        ("gt(output_value, 1)", 0..19, "eq, neq, in, like"),
        ("eq(execution_order, 2)", 0..22, "no longer kept"),
        ("equals(name, 'a')", 0..6, "equals"),
        ("eq(nam, 'a')", 3..6, "did you mean \"name\"?"),
        ("eq(name 'a')", 8..11, "`,` is missing"),
        ("eq(name, 'a'", 12..12, "`)` is missing"),
        ("eq(name, 'a", 9..11, "never closed"),
        ("gt(name, 'a')", 0..13, "compares numbers"),
        ("eq(name, 'a') eq(name, 'b')", 14..16, "goes on"),
        ("eq(run_type, 'agent')", 0..21, "run type"),
        ("gt(metadata_value, null)", 0..24, "eq, neq, in, like"),
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
fn places_in_payloads() {
    let at = |path: &str| Field::OutputAt(path.to_owned());
    let word = |text: &str| Expr::Test(Field::Output, Op::Search(Search::phrase(text)));
    let cases: Vec<(&str, Expr)> = vec![
        (
            r#"and(eq(output_key, "triage.decision"), eq(output_value, "escalate"))"#,
            Expr::All(vec![Expr::All(vec![word("escalate"), eq(at("triage.decision"), text("escalate"))])]),
        ),
        (r#"eq(output_key, "a")"#, Expr::Test(at("a"), Op::Exists)),
        (r#"neq(output_key, "a")"#, not(Expr::Test(at("a"), Op::Exists))),
        (
            r#"and(eq(output_key, "a"), neq(output_value, "x"))"#,
            Expr::All(vec![Expr::All(vec![Expr::Test(at("a"), Op::Exists), not(eq(at("a"), text("x")))])]),
        ),
        (r#"eq(output_value, true)"#, eq(Field::Output, text("true"))),
        (
            r#"and(in(input_key, ["a", "b"]), eq(input_value, 3))"#,
            Expr::All(vec![Expr::Any(vec![
                eq(Field::InputAt("a".to_owned()), text("3")),
                eq(Field::InputAt("b".to_owned()), text("3")),
            ])]),
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(parse(filter).as_ref(), Ok(&expected), "{filter}");
    }
}

#[test]
fn metadata_values_without_their_keys() {
    let except = |keys: &[&str], op: Op| {
        Expr::Test(Field::MetadataExcept(keys.iter().map(|key| (*key).to_owned()).collect()), op)
    };
    let free = || Op::Eq(text("free"));
    let cases: Vec<(&str, Expr)> = vec![
        ("eq(metadata_value, 'free')", except(&[], free())),
        (
            "and(neq(metadata_key, 'plan'), neq(metadata_value, 'free'))",
            Expr::All(vec![Expr::All(vec![not(meta("plan", Op::Exists)), not(except(&[], free()))])]),
        ),
        (
            "and(neq(metadata_key, 'plan'), eq(metadata_value, 'free'))",
            Expr::All(vec![except(&["plan"], free())]),
        ),
        (
            "and(eq(metadata_key, 'score'), gt(metadata_value, 9.50))",
            Expr::All(vec![meta("score", Op::Gt(text("9.5")))]),
        ),
        (
            "and(eq(metadata_key, 'day'), gte(metadata_value, '2026-11-20'), eq(metadata_key, 'n'), lt(metadata_value, '1e3'))",
            Expr::All(vec![Expr::All(vec![
                meta("day", Op::Ge(text("2026-11-20"))),
                meta("n", Op::Lt(text("1e3"))),
            ])]),
        ),
        ("lte(metadata_value, 7)", except(&[], Op::Le(text("7")))),
        (r#"eq(reference_example_id, "x")"#, meta("reference_example_id", Op::Eq(text("x")))),
        ("eq(execution_order, 1)", eq(Field::IsRoot, Literal::Bool(true))),
    ];
    for (filter, expected) in cases {
        assert_eq!(parse(filter).as_ref(), Ok(&expected), "{filter}");
    }
}

#[test]
fn feedback_is_asked_for_in_groups() {
    use super::FeedbackField::{Comment, Key, Score, Source, Value};
    let test = |field, op, holds| FeedbackTest { field, op, holds };
    let key = |name: &str, holds| test(Key, Op::Eq(text(name)), holds);
    let number = |value: i64| Literal::Number(Decimal::from(value));
    let cases: Vec<(&str, Vec<Vec<FeedbackTest>>, bool)> = vec![
        (
            r#"and(eq(feedback_key, "stars"), gt(feedback_score, 3))"#,
            vec![vec![key("stars", true), test(Score, Op::Gt(number(3)), true)]],
            true,
        ),
        (
            "and(gte(feedback_score, true), eq(feedback_key, 'a'), eq(feedback_key, 'b'), eq(feedback_value, 'x'))",
            vec![
                vec![test(Score, Op::Ge(number(1)), true), key("a", true)],
                vec![key("b", true), test(Value, Op::Eq(text("x")), true)],
            ],
            true,
        ),
        ("neq(feedback_key, 'a')", vec![vec![key("a", true)]], false),
        (
            "and(neq(feedback_key, 'a'), eq(feedback_score, null))",
            vec![vec![key("a", false), test(Score, Op::Exists, false)]],
            true,
        ),
        (
            "and(like(feedback_comment, '%bad%'), in(feedback_source, ['api', 'model']))",
            vec![vec![
                test(Comment, Op::Contains("bad".to_owned()), true),
                test(Source, Op::In(vec![text("api"), text("model")]), true),
            ]],
            true,
        ),
    ];
    for (filter, expected, is_wanted) in cases {
        let mut asked = Vec::new();
        let known = || eq(Field::RunId, Literal::Id([1; 16]));
        let parsed = parse_with(filter, &mut |tests| {
            asked.push(tests.to_vec());
            Ok(known())
        });
        assert_eq!(asked, expected, "{filter}");
        let terms = match parsed.unwrap() {
            Expr::All(terms) => terms,
            term => vec![term],
        };
        let found = if is_wanted { known() } else { not(known()) };
        assert_eq!(terms, vec![found; expected.len()], "{filter}");
    }
    let refused =
        parse_with("and(eq(name, 'x'), eq(feedback_key, 'a'))", &mut |_| Err("too many".to_owned()));
    assert_eq!(refused.map_err(|error| (error.span, error.message)), Err((19..40, "too many".to_owned())));
}

#[test]
fn figures_are_compared() {
    let figure = |name: &str| match name {
        "turn_count" => Some(Decimal::from(3)),
        "latency" => Some(Decimal::new(25, 1)),
        _ => None,
    };
    let known = ["turn_count", "latency", "total_cost"];
    for (filter, holds) in [
        ("gt(turn_count, 2)", true),
        ("and(gte(turn_count, 3), lte(latency, '2.5s'), not(eq(turn_count, 4)))", true),
        ("or(lt(latency, '2500ms'), in(turn_count, [1, 2]))", false),
        ("neq(turn_count, 3)", false),
        ("gt(total_cost, 0)", false),
        ("eq(total_cost, null)", true),
        ("neq(latency, null)", true),
    ] {
        assert_eq!(parse_numbers(filter, &known).unwrap().holds(&figure), holds, "{filter}");
    }
    for (filter, said) in [
        ("gt(turns, 2)", "there is no figure"),
        ("gt(turn_counts, 2)", "did you mean \"turn_count\"?"),
        ("like(latency, '2')", "cannot look"),
        ("gt(latency, 'long')", "a number or a duration"),
        ("gt(latency, 1", "missing"),
    ] {
        let error = parse_numbers(filter, &known).expect_err(filter);
        assert!(error.to_string().contains(said), "{filter}: {error}");
    }
}

#[test]
fn depth_is_bounded() {
    let deep = |n: usize| format!("{}eq(name, 'a'){}", "not(".repeat(n), ")".repeat(n));
    assert!(parse(&deep(60)).is_ok());
    assert!(parse(&deep(2_000)).expect_err("too deep").message.contains("64 levels"));
    assert!(parse(&"and(".repeat(4_000)).is_err());
}

fn filters() -> impl Strategy<Value = String> {
    let function = prop::sample::select(
        &["eq", "neq", "gt", "gte", "lt", "lte", "in", "has", "search", "like", "exists", "equals"][..],
    );
    let field = prop::sample::select(
        &[
            "name",
            "status",
            "run_type",
            "latency",
            "start_time",
            "tags",
            "metadata",
            "metadata_key",
            "metadata_value",
            "input_key",
            "input_value",
            "output_key",
            "output_value",
            "feedback_key",
            "feedback_score",
            "feedback_comment",
            "error",
            "is_root",
            "id",
            "turn_count",
            "nonsense",
        ][..],
    );
    let value = prop_oneof![
        "\"[a-z %*é.{}:]{0,6}\"",
        "'[a-z0-9-]{0,6}'",
        "-?[0-9]{1,25}(\\.[0-9]{1,3})?",
        Just("true".to_owned()),
        Just("null".to_owned()),
        Just("\"2s\"".to_owned()),
        Just("[\"a\",1]".to_owned()),
    ];
    let test =
        (function, field, value).prop_map(|(function, field, value)| format!("{function}({field},{value})"));
    test.prop_recursive(4, 24, 4, |inner| {
        (prop::sample::select(&["and", "or", "not"][..]), prop::collection::vec(inner, 1..4))
            .prop_map(|(function, inner)| format!("{function}({})", inner.join(",")))
    })
}

proptest! {
    #[test]
    fn never_panics(filter in r#"([a-z_]{1,5}|[(),\[\]"'. \\0-9é]|and\(|eq\(name, |metadata_key|"x"|\)){0,40}"#) {
        if let Err(error) = parse(&filter) {
            prop_assert!(error.span.end <= filter.len() && filter.is_char_boundary(error.span.start));
        }
    }

    /// Made after the grammar, so that most of it reaches the meaning.
    #[test]
    fn never_panics_on_filters(filter in filters()) {
        let mut find = |tests: &[FeedbackTest]| match tests.len() {
            0 => unreachable!("nobody asks for nothing"),
            1..=3 => Ok(Expr::Any(Vec::new())),
            _ => Err("too much".to_owned()),
        };
        match parse_with(&filter, &mut find) {
            // Whitespace is free.
            Ok(expr) => {
                let spaced = filter.replace(',', " , ").replace('(', " ( ");
                prop_assert_eq!(parse_with(&spaced, &mut find).ok(), Some(expr));
            }
            Err(error) => {
                prop_assert!(error.span.start <= error.span.end && error.span.end <= filter.len());
                prop_assert!(filter.get(error.span).is_some(), "a place in the text");
                prop_assert!(!error.message.is_empty());
            }
        }
        drop(parse_numbers(&filter, &["latency", "turn_count"]));
    }

    #[test]
    fn never_panics_on_any_text(filter in any::<String>()) {
        drop(parse(&filter));
    }
}

#[test]
fn a_search_has_a_bound() {
    assert!(words(&"x".repeat(MAX_FILTER_BYTES)).is_ok());
    let long = words(&"x".repeat(MAX_FILTER_BYTES + 1)).unwrap_err();
    assert!(long.message.contains("longer than"), "{long:?}");
    assert!(words(&"w ".repeat(128)).is_ok());
    for many in [words(&"w ".repeat(129)), parse(&format!("search(\"{}\")", "w ".repeat(129)))] {
        let many = many.unwrap_err();
        assert!(many.message.contains("more than 128 words"), "{many:?}");
    }
}
