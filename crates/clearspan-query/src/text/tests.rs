use clearspan_model::{Decimal, RunType, Status, UnixNanos};
use proptest::prelude::*;

use super::{parse, to_text};
use crate::fulltext::{Matcher, Search};
use crate::{Expr, Field, Literal, Op};

fn test(field: Field, op: Op) -> Expr {
    Expr::Test(field, op)
}

fn eq(field: Field, text: &str) -> Expr {
    test(field, Op::Eq(Literal::Text(text.to_owned())))
}

fn bare(text: &str) -> Expr {
    search(Field::Text, text)
}

fn search(field: Field, text: &str) -> Expr {
    test(field, Op::Search(Search::phrase(text)))
}

fn prefix(field: Field, text: &str) -> Expr {
    test(field, Op::Search(Search::Phrase { text: text.to_owned(), is_prefix: true }))
}

fn regex(field: Field, pattern: &str) -> Expr {
    test(field, Op::Search(Search::Regex(pattern.to_owned())))
}

fn not(expr: Expr) -> Expr {
    Expr::Not(Box::new(expr))
}

fn dollars(text: &str) -> Literal {
    Literal::Number(text.parse::<Decimal>().unwrap())
}

/// 2026-11-20T00:00:00Z.
const DAY: i64 = 1_795_132_800_000_000_000;

#[test]
fn terms() {
    let error = || test(Field::Status, Op::Eq(Literal::Status(Status::Error)));
    let meta = |key: &str, op| test(Field::Metadata(key.to_owned()), op);
    let cases: Vec<(&str, Expr)> = vec![
        ("", Expr::All(vec![])),
        ("  ", Expr::All(vec![])),
        ("*", Expr::All(vec![])),
        ("status:error", error()),
        ("is:error", error()),
        ("status:failed", error()),
        ("is:root", test(Field::IsRoot, Op::Eq(Literal::Bool(true)))),
        ("is:unpriced", test(Field::IsUnpriced, Op::Eq(Literal::Bool(true)))),
        ("type:LLM", test(Field::RunType, Op::Eq(Literal::RunType(RunType::Llm)))),
        ("cost:>0.5", test(Field::Cost, Op::Gt(dollars("0.5")))),
        ("input_cost:<$0.000000000001", test(Field::InputCost, Op::Lt(dollars("0.000000000001")))),
        ("output_cost:[0.1, 2]", test(Field::OutputCost, Op::In(vec![dollars("0.1"), dollars("2")]))),
        ("total_cost:>0.5", test(Field::Cost, Op::Gt(dollars("0.5")))),
        ("cost:>=$1e-5", test(Field::Cost, Op::Ge(dollars("0.00001")))),
        ("latency:<20", test(Field::Latency, Op::Lt(Literal::Duration(20_000_000_000)))),
        ("latency:<=250ms", test(Field::Latency, Op::Le(Literal::Duration(250_000_000)))),
        ("latency:>1.5h", test(Field::Latency, Op::Gt(Literal::Duration(5_400_000_000_000)))),
        ("tokens:>8k", test(Field::TotalTokens, Op::Gt(Literal::Number(Decimal::from(8_000))))),
        (
            "tokens:1..2",
            Expr::All(vec![
                test(Field::TotalTokens, Op::Ge(Literal::Number(Decimal::ONE))),
                test(Field::TotalTokens, Op::Le(Literal::Number(Decimal::TWO))),
            ]),
        ),
        ("tokens:..2", test(Field::TotalTokens, Op::Le(Literal::Number(Decimal::TWO)))),
        ("start:>=2026-11-20", test(Field::StartTime, Op::Ge(Literal::Time(UnixNanos::from_nanos(DAY))))),
        (
            "start:>2026-11-20T00:01Z",
            test(Field::StartTime, Op::Gt(Literal::Time(UnixNanos::from_nanos(DAY + 60_000_000_000)))),
        ),
        (
            "start:>\"2026-11-20 02:00:00+02:00\"",
            test(Field::StartTime, Op::Gt(Literal::Time(UnixNanos::from_nanos(DAY)))),
        ),
        (
            "start:>1795132800000000",
            test(Field::StartTime, Op::Gt(Literal::Time(UnixNanos::from_nanos(DAY)))),
        ),
        ("model:claude-*", test(Field::Model, Op::Glob("claude-*".to_owned()))),
        ("name:*\"a b\"*", test(Field::Name, Op::Glob("*a b*".to_owned()))),
        ("name:\"a*b\"", eq(Field::Name, "a*b")),
        ("name:*", test(Field::Name, Op::Exists)),
        ("name:a..b", eq(Field::Name, "a..b")),
        ("name~\"timed out\"", test(Field::Name, Op::Contains("timed out".to_owned()))),
        ("error~x", test(Field::Error, Op::Contains("x".to_owned()))),
        ("name:\"say \\\"hi\\\" \\\\ \\n\"", eq(Field::Name, "say \"hi\" \\ \\n")),
        ("meta.plan:pro", meta("plan", Op::Eq(Literal::Text("pro".to_owned())))),
        ("meta.\"my: key\":pro", meta("my: key", Op::Eq(Literal::Text("pro".to_owned())))),
        ("meta.url:http://x/?a=1", meta("url", Op::Eq(Literal::Text("http://x/?a=1".to_owned())))),
        ("has:meta.plan", meta("plan", Op::Exists)),
        ("meta.score:>9", meta("score", Op::Gt(Literal::Text("9".to_owned())))),
        ("meta.score:<=\"-1e3\"", meta("score", Op::Le(Literal::Text("-1e3".to_owned())))),
        ("meta.day:>=2026-11-20", meta("day", Op::Ge(Literal::Text("2026-11-20".to_owned())))),
        ("-meta.score:<0.5", not(meta("score", Op::Lt(Literal::Text("0.5".to_owned()))))),
        (
            "meta.score:5..1.5e1",
            Expr::All(vec![
                meta("score", Op::Ge(Literal::Text("5".to_owned()))),
                meta("score", Op::Le(Literal::Text("1.5e1".to_owned()))),
            ]),
        ),
        ("meta.score:5..", meta("score", Op::Ge(Literal::Text("5".to_owned())))),
        ("meta.score:..5", meta("score", Op::Le(Literal::Text("5".to_owned())))),
        ("meta.score:\"5..6\"", meta("score", Op::Eq(Literal::Text("5..6".to_owned())))),
        ("meta.path:../a", meta("path", Op::Eq(Literal::Text("../a".to_owned())))),
        ("meta.commits:1..HEAD", meta("commits", Op::Eq(Literal::Text("1..HEAD".to_owned())))),
        ("meta.commits:..", meta("commits", Op::Eq(Literal::Text("..".to_owned())))),
        ("has:cost", test(Field::Cost, Op::Exists)),
        (
            "name:[a, \"b c\" d]",
            test(Field::Name, Op::In(["a", "b c", "d"].map(|t| Literal::Text(t.to_owned())).into())),
        ),
        ("id:b7ad6b7169203331", {
            let mut id = [0; 16];
            id[8..].copy_from_slice(&0xb7ad_6b71_6920_3331_u64.to_be_bytes());
            test(Field::RunId, Op::Eq(Literal::Id(id)))
        }),
        ("trace:4bf92f3577b34da6a3ce929d0e0e4736", {
            let id = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes();
            test(Field::TraceId, Op::Eq(Literal::Id(id)))
        }),
        ("-env:staging", not(eq(Field::Environment, "staging"))),
        ("NOT a", not(bare("a"))),
        ("a b", Expr::All(vec![bare("a"), bare("b")])),
        ("a AND b", Expr::All(vec![bare("a"), bare("b")])),
        ("a b OR c", Expr::Any(vec![Expr::All(vec![bare("a"), bare("b")]), bare("c")])),
        ("a (b OR c)", Expr::All(vec![bare("a"), Expr::Any(vec![bare("b"), bare("c")])])),
        ("-(a b)", not(Expr::All(vec![bare("a"), bare("b")]))),
        ("any(a status:error)", Expr::AnyRun(Box::new(Expr::All(vec![bare("a"), error()])))),
        ("-root(a)", not(Expr::Root(Box::new(bare("a"))))),
        ("ORDER", bare("ORDER")),
    ];
    check(cases);
}

#[test]
fn searches() {
    let cases: Vec<(&str, Expr)> = vec![
        ("refund", bare("refund")),
        ("\"two words\"", bare("two words")),
        ("trip*", prefix(Field::Text, "trip")),
        ("\"refund pol\"*", prefix(Field::Text, "refund pol")),
        ("返金", bare("返金")),
        ("🎉", bare("🎉")),
        ("text:refund", bare("refund")),
        ("input:refund", search(Field::Input, "refund")),
        ("inputs:\"a b\"", search(Field::Input, "a b")),
        ("output:ref*", prefix(Field::Output, "ref")),
        ("output:*", test(Field::Output, Op::Exists)),
        ("has:input", test(Field::Input, Op::Exists)),
        ("input:[a, \"b c\"]", Expr::Any(vec![search(Field::Input, "a"), search(Field::Input, "b c")])),
        ("input:[a]", search(Field::Input, "a")),
        ("/a|b c/", regex(Field::Text, "a|b c")),
        ("/(a)\\/b/ c", Expr::All(vec![regex(Field::Text, "(a)\\/b"), bare("c")])),
        ("(/a/)", regex(Field::Text, "a")),
        ("-output:/^a$/", not(regex(Field::Output, "^a$"))),
        ("input~\"A/b.c\"", regex(Field::Input, "a\\/b\\.c")),
        ("error:timeout", search(Field::Error, "timeout")),
        ("error:\"timed out\"", search(Field::Error, "timed out")),
        ("error:time*", prefix(Field::Error, "time")),
        ("error:/time.*/", regex(Field::Error, "time.*")),
        ("error:*time*", test(Field::Error, Op::Glob("*time*".to_owned()))),
        ("error:*", test(Field::Error, Op::Exists)),
        ("error:[a b]", test(Field::Error, Op::In(["a", "b"].map(|t| Literal::Text(t.to_owned())).into()))),
        (
            "meta.path:/api/users",
            test(Field::Metadata("path".to_owned()), Op::Eq(Literal::Text("/api/users".to_owned()))),
        ),
        ("\"/api/users\"", bare("/api/users")),
    ];
    check(cases);
}

fn check(cases: Vec<(&str, Expr)>) {
    for (filter, expected) in cases {
        assert_eq!(parse(filter).as_ref(), Ok(&expected), "{filter}");
    }
}

#[test]
fn complaints_name_the_place() {
    let cases: &[(&str, &str, &str)] = &[
        ("staus:error", "staus", "did you mean \"status\"?"),
        ("a latncy:>3s", "latncy", "did you mean \"latency\"?"),
        ("http://x", "http", "quotes"),
        ("=>", "=>", "no word"),
        ("\"->\"", "\"->\"", "/->/"),
        ("input:\"\"", "\"\"", "no word"),
        ("a*b", "a*b", "end of a word"),
        ("output:*b", "*b", "end of a word"),
        ("*b*", "*b*", "/part/"),
        ("/a", "/a", "never closed"),
        ("b //", "//", "empty"),
        ("/api/users", "/api/", "in quotes"),
        ("a /b(/", "(", "unclosed group"),
        ("/(?=b)/", "(?=", "look-around"),
        ("input:/[z-a]/", "z-a", "bad regular expression"),
        ("/(a{1000}){1000}/", "(a{1000}){1000}", "too large"),
        ("input:>5", "input:>5", "compares"),
        ("status:bad", "bad", "expected one of pending, success, error"),
        ("type:agent", "agent", "expected one of llm"),
        ("cost:>abc", "abc", "decimal"),
        ("cost:1..x", "x", "decimal"),
        ("cost:..", "..", "neither"),
        ("latency:>5parsec", "5parsec", "1.5s"),
        ("latency:>-5", "-5", "duration"),
        ("start:>yesterday", "yesterday", "2026-11-20"),
        ("start:>2026", "2026", "2026-11-20"),
        ("name:>5", "name:>5", "compares"),
        ("cost~5", "5", "searches in text"),
        ("type:l*", "l*", "matches text"),
        ("name:", "", "value is missing"),
        ("name:\"abc", "\"abc", "never closed"),
        ("(a b", "(", "never closed"),
        ("a )", ")", "closes nothing"),
        ("()", "", "term is missing"),
        ("a OR", "", "term is missing"),
        ("- a", "-", "nothing to negate"),
        ("foo(bar)", "foo", "any(…)"),
        ("any(root(a))", "root(", "cannot stand inside any"),
        ("has:feedback", "feedback", "yet"),
        ("has:foo", "foo", "has:"),
        ("is:happy", "happy", "is:root"),
        ("meta.:x", "meta.", "key is missing"),
        ("name:[a b", "name:[a b", "never closed"),
        ("name:[]", "name:[]", "empty"),
        ("name:a(b", "(", "quotes"),
        ("id:zz", "zz", "UUID"),
    ];
    for (filter, place, message) in cases {
        let diagnostics = parse(filter).expect_err(filter);
        assert_eq!(diagnostics.len(), 1, "{filter}: {diagnostics:?}");
        assert!(diagnostics[0].to_string().contains(message), "{filter}: {}", diagnostics[0]);
        assert_eq!(filter.get(diagnostics[0].span.clone()), Some(*place), "{filter}");
    }
}

#[test]
fn all_broken_terms_are_reported_at_once() {
    let places: Vec<_> =
        parse("staus:error b cost:>x -foo:1").unwrap_err().into_iter().map(|d| d.span).collect();
    assert_eq!(places, [0..5, 20..21, 23..26]);
}

#[test]
fn depth_and_length_are_bounded() {
    let nested = |n: usize| format!("{}a{}", "(".repeat(n), ")".repeat(n));
    assert_eq!(parse(&nested(64)), Ok(bare("a")));
    for text in [nested(65), nested(5_000), "(".repeat(5_000), "-".repeat(5_000)] {
        let diagnostics = parse(&text).unwrap_err();
        assert!(diagnostics.iter().any(|d| d.message.contains("64 levels")), "{diagnostics:?}");
    }
    assert!(parse(&"any(".repeat(2_000)).unwrap_err().len() <= 21);
    assert!(parse(&"a ".repeat(10_000)).unwrap_err()[0].message.contains("longer"));
    assert!(parse(&"a:b ".repeat(4_000)).unwrap_err().len() <= 21);
}

#[test]
fn text_is_short_where_it_can_be() {
    for text in [
        "status:error cost:>0.5 model:claude-*",
        "a b OR c",
        "a (b OR -c)",
        "latency:1.5s..20s",
        "any(type:tool status:error) -root(name:\"x y\")",
        "has:thread is:root -is:unpriced *",
        "name:[a \"b c\"]",
        "meta.plan:pro meta.\"a:b\"~\"x\"",
        "meta.score:>=-9.5 meta.score:1..2 (meta.a:>=x meta.a:<=\"y z\") meta.a:\"1..2\" meta.a:../b",
        "refund \"two words\" pre* -/a b/ input:x output:\"a b\"* error:/x/",
        "id:00000000-0000-0000-b7ad-6b7169203331 start:>2026-11-20T00:00:00Z",
    ] {
        assert_eq!(to_text(&parse(text).unwrap()), text);
    }
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,6}",
        r#"[a-zé0-9 "\\():~.<>=\[\]-]{0,8}"#,
        Just("OR".to_owned()),
        Just("*".to_owned())
    ]
}

/// Numbers, what is nearly one, and ranges.
fn any_entry() -> impl Strategy<Value = String> {
    prop_oneof![any_text(), "-?[0-9]{1,3}(\\.[0-9]{1,2})?(e-?[0-9])?", "[0-9.]{1,6}"]
}

fn text_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        Just(Op::Exists),
        any_text().prop_map(|t| Op::Eq(Literal::Text(t))),
        any_text().prop_map(Op::Contains),
        // `a*` alone would be a value that exists; patterns have at least one `*` and something else.
        ("[a-z-]{1,3}", any_text()).prop_map(|(a, b)| Op::Glob(format!("{a}*{}", b.replace('*', "")))),
        prop::collection::vec(any_text().prop_map(Literal::Text), 1..3).prop_map(Op::In),
    ]
}

/// What the parser lets through.
fn any_search() -> impl Strategy<Value = Expr> {
    let field = prop_oneof![Just(Field::Text), Just(Field::Input), Just(Field::Output), Just(Field::Error)];
    let search = prop_oneof![
        (any_text(), any::<bool>()).prop_map(|(text, is_prefix)| Search::Phrase { text, is_prefix }),
        "[a-z.*|A/ -]{1,6}".prop_map(|pattern| Search::Regex(pattern.replace('/', "\\/"))),
    ];
    // A star of the text cannot be told from the one of the prefix.
    let is_written = |search: &Search| match search {
        Search::Phrase { text, is_prefix } => !is_prefix || !text.contains('*'),
        Search::Regex(_) => true,
    };
    let search = search.prop_filter("has something to look for", move |search| {
        is_written(search) && Matcher::new(search).is_ok()
    });
    (field, search).prop_map(|(field, search)| Expr::Test(field, Op::Search(search)))
}

fn ordered_op(literal: impl Strategy<Value = Literal>) -> impl Strategy<Value = Op> {
    (literal, 0..5).prop_map(|(literal, which)| match which {
        0 => Op::Lt(literal),
        1 => Op::Le(literal),
        2 => Op::Gt(literal),
        3 => Op::Ge(literal),
        _ => Op::Eq(literal),
    })
}

fn any_test() -> impl Strategy<Value = Expr> {
    let text_field = prop_oneof![
        Just(Field::Name),
        Just(Field::Model),
        Just(Field::Tag),
        "[a-z.: é\"]{1,5}".prop_map(Field::Metadata),
    ];
    let number = (any::<i64>(), 0_u32..12).prop_map(|(n, scale)| Literal::Number(Decimal::new(n, scale)));
    prop_oneof![
        (text_field, text_op()).prop_map(|(field, op)| Expr::Test(field, op)),
        (prop::sample::select(&[Field::Cost, Field::InputCost, Field::OutputCost][..]), ordered_op(number))
            .prop_map(|(field, op)| Expr::Test(field, op)),
        ordered_op((0..i64::MAX).prop_map(Literal::Duration)).prop_map(|op| Expr::Test(Field::Latency, op)),
        ordered_op(any::<i64>().prop_map(|n| Literal::Time(UnixNanos::from_nanos(n))))
            .prop_map(|op| Expr::Test(Field::StartTime, op)),
        any::<[u8; 16]>().prop_map(|id| Expr::Test(Field::RunId, Op::Eq(Literal::Id(id)))),
        ("[a-z]{1,3}", ordered_op(any_entry().prop_map(Literal::Text)))
            .prop_map(|(key, op)| Expr::Test(Field::Metadata(key), op)),
        any_search(),
        Just(Expr::Test(Field::IsRoot, Op::Eq(Literal::Bool(true)))),
        Just(Expr::Test(Field::Status, Op::Eq(Literal::Status(Status::Pending)))),
    ]
}

/// Trees as the parser makes them: no group of one, scopes only at the top of a term.
fn any_expr() -> impl Strategy<Value = Expr> {
    let plain = any_test().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::All),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::Any),
            inner.prop_map(not),
            Just(Expr::All(vec![])),
        ]
    });
    let scoped = prop_oneof![
        plain.clone(),
        plain.clone().prop_map(|e| Expr::AnyRun(Box::new(e))),
        plain.prop_map(|e| not(Expr::Root(Box::new(e)))),
    ];
    prop::collection::vec(scoped, 1..4).prop_map(|mut terms| match terms.len() {
        1 => terms.remove(0),
        _ => Expr::All(terms),
    })
}

proptest! {
    #[test]
    fn printing_and_parsing_gives_the_same_tree(expr in any_expr()) {
        let text = to_text(&expr);
        prop_assert_eq!(parse(&text), Ok(expr), "{}", text);
    }

    #[test]
    fn never_panics(text in r#"([a-z_.]{1,6}|[():~*"\\ \[\]<>=,é-]|OR|any\(|meta\.|status:|input:|/|cost:>|1\.\.2){0,40}"#) {
        if let Err(diagnostics) = parse(&text) {
            prop_assert!(!diagnostics.is_empty());
            for diagnostic in diagnostics {
                prop_assert!(text.get(diagnostic.span).is_some());
            }
        }
    }

    #[test]
    fn what_parses_prints_to_the_same_tree(text in r#"([a-z_.]{1,6}|[():~*"\\ \[\],é-]|OR |any\(|meta\.|meta\.a:|>=|<|status:error|input:|error:|/|cost:>1|1\.\.2){0,12}"#) {
        if let Ok(expr) = parse(&text) {
            let printed = to_text(&expr);
            prop_assert_eq!(parse(&printed), Ok(expr), "{} -> {}", text, printed);
        }
    }

    #[test]
    fn never_panics_on_any_text(text in any::<String>()) {
        drop(parse(&text));
    }
}
