//! Every field and every operator, on runs and on traces.

use std::collections::BTreeMap;

use clearspan_model::{Cost, CostSource, Decimal, Run, RunType, Status, UnpricedReason};
use clearspan_query::fulltext::Search;
use clearspan_query::{Expr, Field, Literal, Op};

use crate::testing::build::{
    all_runs, all_traces, at, everything, filtered, json, newest, number_of, run, run_id, set_llm, trace,
    trace_number, write_scattered,
};
use crate::{Order, RunQuery, RunStore, Selection, SortKey, TimeRange};

/// Trace 1: an agent (1) with a call (2) and a failed tool (3). Trace 2: a call that runs (4). Trace 3: an orphan
/// (5) with an embedding (6).
fn six_runs() -> Vec<Run> {
    vec![agent(), chat(), tool(), running(), orphan(), embedding()]
}

fn agent() -> Run {
    run(1, 1, |run| {
        run.name = Some("Agent".to_owned());
        run.end_time = Some(at(11_000));
        run.thread_id = Some("t1".to_owned());
        run.user_id = Some("ann".to_owned());
        run.environment = Some("prod".to_owned());
        run.service = Some("api".to_owned());
        run.release = Some("1.0".to_owned());
        run.tags = vec!["Blue".to_owned(), "vip".to_owned()];
        run.metadata = BTreeMap::from([
            ("plan".to_owned(), json(r#""Pro \"plus\"""#)),
            ("score".to_owned(), json("7")),
            ("deep".to_owned(), json(r#"{"a":1}"#)),
        ]);
    })
}

fn chat() -> Run {
    run(1, 2, |run| {
        run.parent_run_id = Some(run_id(1));
        run.name = Some("chat".to_owned());
        set_llm(run, "gpt-4o", (100, 20), "0.5");
        run.provider = Some("openai".to_owned());
        run.end_time = Some(at(4_000));
        run.first_token_time = Some(at(2_500));
    })
}

fn tool() -> Run {
    run(1, 3, |run| {
        run.parent_run_id = Some(run_id(1));
        run.name = Some("Search".to_owned());
        run.run_type = Some(RunType::Tool);
        run.error = Some("Timeout: no ANSWER\nat line 100%".to_owned());
        run.error_type = Some("TimeoutError".to_owned());
        run.thread_id = Some("own".to_owned());
    })
}

fn running() -> Run {
    run(2, 4, |run| {
        run.name = Some("chat".to_owned());
        run.run_type = Some(RunType::Llm);
        run.end_time = None;
        run.model = Some("claude".to_owned());
        run.provider = Some("anthropic".to_owned());
        run.user_id = Some("bob".to_owned());
        run.environment = Some("dev".to_owned());
        run.cost = Some(Cost {
            source: CostSource::Unpriced { reason: UnpricedReason::NoUsage },
            ..Cost::default()
        });
    })
}

fn orphan() -> Run {
    run(3, 5, |run| {
        run.parent_run_id = Some(run_id(99));
        run.name = Some("Größe_ÄÖ*".to_owned());
        run.run_type = Some(RunType::Retriever);
        run.service = Some("worker".to_owned());
        run.release = Some("2.0".to_owned());
        run.thread_id = Some("t3".to_owned());
        run.end_time = Some(at(5_250));
    })
}

fn embedding() -> Run {
    run(3, 6, |run| {
        run.parent_run_id = Some(run_id(5));
        run.name = Some("embed".to_owned());
        set_llm(run, "embed-3", (8, 0), "0.001");
        run.run_type = Some(RunType::Embedding);
        run.service = Some("gpu".to_owned());
        run.end_time = Some(at(6_000));
    })
}

fn text(text: &str) -> Literal {
    Literal::Text(text.to_owned())
}

fn texts(values: &[&str]) -> Op {
    Op::In(values.iter().map(|value| text(value)).collect())
}

fn eq(value: &str) -> Op {
    Op::Eq(text(value))
}

fn contains(part: &str) -> Op {
    Op::Contains(part.to_owned())
}

fn glob(pattern: &str) -> Op {
    Op::Glob(pattern.to_owned())
}

fn count(count: u64) -> Literal {
    Literal::Number(Decimal::from(count))
}

fn dollars(text: &str) -> Literal {
    Literal::Number(text.parse().expect("a decimal"))
}

fn millis(millis: i64) -> Literal {
    Literal::Duration(millis * 1_000_000)
}

fn time(millis: i64) -> Literal {
    Literal::Time(at(millis))
}

fn run_literal(number: u32) -> Literal {
    Literal::Id(*run_id(number).as_bytes())
}

fn trace_literal(number: u32) -> Literal {
    Literal::Id(*trace(number).as_bytes())
}

fn metadata(key: &str) -> Field {
    Field::Metadata(key.to_owned())
}

fn not(expr: Expr) -> Expr {
    Expr::Not(Box::new(expr))
}

fn query(selection: Selection) -> RunQuery {
    RunQuery { order: Order { by: SortKey::Start, descending: false }, ..newest(selection) }
}

async fn runs_found(store: &dyn RunStore, expr: Expr) -> Vec<u32> {
    let rows = all_runs(store, &query(filtered(expr))).await;
    rows.iter().map(|row| number_of(row.run_id)).collect()
}

async fn traces_found(store: &dyn RunStore, expr: Expr) -> Vec<u32> {
    let rows = all_traces(store, &query(filtered(expr))).await;
    rows.iter().map(|row| trace_number(row.root.trace_id)).collect()
}

type Table<'a> = Vec<(Field, Op, &'a [u32])>;

/// Every row twice: with the runs scattered over segments and memory, and flushed. Each negation finds the rest.
async fn check_runs(store: &dyn RunStore, table: Table<'_>) {
    write_scattered(store, six_runs()).await;
    for state in ["scattered", "flushed"] {
        for (field, op, expected) in &table {
            let test = Expr::Test(field.clone(), op.clone());
            assert_eq!(runs_found(store, test.clone()).await, *expected, "{state}: {test:?}");
            let rest: Vec<u32> = (1..=6).filter(|id| !expected.contains(id)).collect();
            assert_eq!(runs_found(store, not(test.clone())).await, rest, "{state}: not {test:?}");
        }
        store.flush().await.expect("flushes");
    }
}

async fn check_traces(store: &dyn RunStore, table: Table<'_>) {
    write_scattered(store, six_runs()).await;
    for state in ["scattered", "flushed"] {
        for (field, op, expected) in &table {
            let test = Expr::Test(field.clone(), op.clone());
            assert_eq!(traces_found(store, test.clone()).await, *expected, "{state}: {test:?}");
            let rest: Vec<u32> = (1..=3).filter(|id| !expected.contains(id)).collect();
            assert_eq!(traces_found(store, not(test.clone())).await, rest, "{state}: not {test:?}");
        }
        store.flush().await.expect("flushes");
    }
}

/// Places in payloads: through objects and lists, in messages and beside them; and metadata under any key but some.
pub async fn places_in_payloads_are_filtered(store: &dyn RunStore) {
    let mut runs = six_runs();
    runs[0].inputs.rest =
        Some(json(r#"{"question": "Why?", "ctx": {"docs": [{"id": 7}, {"id": "x"}], "a.b": "dotted"}}"#));
    runs[1].inputs.messages = vec![json(r#"{"role": "user", "content": "Why?", "meta": {"lang": "de"}}"#)];
    runs[1].outputs.rest = Some(json(r#"{"triage": {"decision": "escalate", "sure": true, "note": null}}"#));
    runs[2].outputs.rest = Some(json(r#""escalate""#));
    runs[3].outputs.rest = Some(json(r#"{"triage": [{"decision": "wait"}, {"decision": "escalate"}]}"#));
    runs[3].metadata = BTreeMap::from([("tier".to_owned(), json("7"))]);
    write_scattered(store, runs).await;
    let input = |path: &str| Field::InputAt(path.to_owned());
    let output = |path: &str| Field::OutputAt(path.to_owned());
    let other = |keys: &[&str]| Field::MetadataExcept(keys.iter().map(|key| (*key).to_owned()).collect());
    let many: Vec<Literal> = (3..200).map(run_literal).collect();
    let table: Table<'_> = vec![
        (input("question"), Op::Exists, &[1]),
        (input("question"), eq("Why?"), &[1]),
        (input("question"), eq("why?"), &[]),
        (input("question"), contains("WHY"), &[1]),
        (input("question"), glob("w*"), &[1]),
        (input("ctx"), Op::Exists, &[1]),
        (input("ctx"), eq("x"), &[]),
        (input("ctx.docs.id"), eq("x"), &[1]),
        (input("ctx.docs.id"), texts(&["6", "7"]), &[1]),
        (input("ctx.a.b"), eq("dotted"), &[1]),
        (input("docs.id"), Op::Exists, &[]),
        (input("messages"), Op::Exists, &[2]),
        (input("messages.content"), eq("Why?"), &[2]),
        (input("messages.meta.lang"), glob("D*"), &[2]),
        (input("content"), Op::Exists, &[]),
        (output("triage.decision"), eq("escalate"), &[2, 4]),
        (output("triage.decision"), eq("wait"), &[4]),
        (output("triage.sure"), eq("true"), &[2]),
        (output("triage.note"), Op::Exists, &[2]),
        (output("triage.note"), eq("null"), &[]),
        (output(""), Op::Exists, &[]),
        (other(&[]), eq("7"), &[1, 4]),
        (other(&["score"]), eq("7"), &[4]),
        (other(&["score", "plan", "deep"]), Op::Exists, &[4]),
        (Field::RunId, Op::In(many), &[3, 4, 5, 6]),
    ];
    for state in ["scattered", "flushed"] {
        for (field, op, expected) in &table {
            let test = Expr::Test(field.clone(), op.clone());
            assert_eq!(runs_found(store, test.clone()).await, *expected, "{state}: {test:?}");
            let rest: Vec<u32> = (1..=6).filter(|id| !expected.contains(id)).collect();
            assert_eq!(runs_found(store, not(test.clone())).await, rest, "{state}: not {test:?}");
        }
        let of_root = Expr::Root(Box::new(Expr::Test(input("question"), eq("Why?"))));
        assert_eq!(traces_found(store, of_root).await, [1], "{state}");
        let anywhere = Expr::Test(output("triage.decision"), eq("escalate"));
        assert_eq!(traces_found(store, anywhere).await, [1, 2], "{state}");
        store.flush().await.expect("flushes");
    }
}

/// Text: exact where it says equal, without regard to case where it says contained or like.
pub async fn run_texts_are_filtered(store: &dyn RunStore) {
    let mut table: Table<'_> = vec![
        (Field::Name, Op::Exists, &[1, 2, 3, 4, 5, 6]),
        (Field::Name, eq("chat"), &[2, 4]),
        (Field::Name, eq("Chat"), &[]),
        (Field::Name, texts(&["chat", "embed", "none"]), &[2, 4, 6]),
        (Field::Name, texts(&[]), &[]),
        (Field::Name, contains("E"), &[1, 3, 5, 6]),
        (Field::Name, contains("GRÖßE"), &[5]),
        (Field::Name, contains("ch_t"), &[]),
        (Field::Name, contains("_"), &[5]),
        (Field::Name, contains(""), &[1, 2, 3, 4, 5, 6]),
        (Field::Name, glob("*A*"), &[1, 2, 3, 4]),
        (Field::Name, glob("*t"), &[1, 2, 4]),
        (Field::Name, glob("a*"), &[1]),
        (Field::Name, glob("s*r*h"), &[3]),
        (Field::Name, glob("ent"), &[]),
        (Field::Name, glob("*ent*t"), &[]),
        (Field::Name, glob("*_äö*"), &[5]),
        (Field::Name, glob("*"), &[1, 2, 3, 4, 5, 6]),
        (Field::Name, Op::Lt(text("Search")), &[1, 5]),
        (Field::Name, Op::Ge(text("embed")), &[6]),
        (Field::Error, Op::Exists, &[3]),
        (Field::Error, contains("no answer"), &[3]),
        (Field::Error, contains("100%"), &[3]),
        (Field::Error, contains("1%"), &[]),
        (Field::Error, glob("timeout*%"), &[3]),
        (Field::ErrorType, eq("TimeoutError"), &[3]),
        (Field::ErrorType, Op::Exists, &[3]),
        (Field::Text, eq("chat"), &[2, 4]),
        (Field::Text, contains("NO ANSW"), &[3]),
        (Field::Model, eq("gpt-4o"), &[2]),
        (Field::Model, glob("*-*"), &[2, 6]),
        (Field::Model, Op::Exists, &[2, 4, 6]),
        (Field::Provider, texts(&["openai", "anthropic"]), &[2, 4]),
        (Field::Provider, contains("OPEN"), &[2]),
    ];
    table.extend([
        (Field::User, eq("ann"), &[1][..]),
        (Field::User, Op::Exists, &[1, 4]),
        (Field::Environment, eq("dev"), &[4]),
        (Field::Environment, glob("P*"), &[1]),
        (Field::Service, Op::Exists, &[1, 5, 6]),
        (Field::Service, contains("OR"), &[5]),
        (Field::Release, eq("2.0"), &[5]),
        (Field::Release, Op::Le(text("1.5")), &[1]),
        (Field::Tag, eq("vip"), &[1]),
        (Field::Tag, eq("blue"), &[]),
        (Field::Tag, contains("BLU"), &[1]),
        (Field::Tag, glob("v*p"), &[1]),
        (Field::Tag, texts(&["x", "Blue"]), &[1]),
        (Field::Tag, Op::Exists, &[1]),
        (metadata("plan"), eq("Pro \"plus\""), &[1]),
        (metadata("plan"), contains("PLUS"), &[1]),
        (metadata("score"), eq("7"), &[1]),
        (metadata("deep"), eq(r#"{"a":1}"#), &[1]),
        (metadata("deep"), Op::Exists, &[1]),
        (metadata("none"), Op::Exists, &[]),
    ]);
    check_runs(store, table).await;
}

/// Numbers, lengths of time and moments: exact, with all comparisons.
pub async fn run_figures_are_filtered(store: &dyn RunStore) {
    let table: Table<'_> = vec![
        (Field::InputTokens, Op::Exists, &[2, 6]),
        (Field::InputTokens, Op::Gt(count(8)), &[2]),
        (Field::InputTokens, Op::Ge(count(8)), &[2, 6]),
        (Field::InputTokens, Op::Lt(dollars("8.5")), &[6]),
        (Field::OutputTokens, Op::Eq(count(0)), &[6]),
        (Field::OutputTokens, Op::Le(count(20)), &[2, 6]),
        (Field::TotalTokens, Op::Eq(count(120)), &[2]),
        (Field::TotalTokens, Op::In(vec![count(8), count(9)]), &[6]),
        (Field::TotalTokens, Op::Gt(dollars("-1")), &[2, 6]),
        (Field::Cost, Op::Exists, &[2, 6]),
        (Field::Cost, Op::Eq(dollars("0.50")), &[2]),
        (Field::Cost, Op::Lt(dollars("0.5")), &[6]),
        (Field::Cost, Op::Gt(dollars("0.0009999999999999")), &[2, 6]),
        (Field::Cost, Op::Ge(dollars("0.001")), &[2, 6]),
        (Field::Cost, Op::Le(dollars("100000000000000000000")), &[2, 6]),
        (Field::Latency, Op::Exists, &[1, 2, 3, 5, 6]),
        (Field::Latency, Op::Eq(millis(0)), &[6]),
        (Field::Latency, Op::Gt(millis(1_000)), &[1, 2]),
        (Field::Latency, Op::Ge(millis(1_000)), &[1, 2, 3]),
        (Field::Latency, Op::Lt(millis(1_000)), &[5, 6]),
        (Field::TimeToFirstToken, Op::Exists, &[2]),
        (Field::TimeToFirstToken, Op::Le(millis(500)), &[2]),
        (Field::TimeToFirstToken, Op::Lt(millis(500)), &[]),
        (Field::StartTime, Op::Exists, &[1, 2, 3, 4, 5, 6]),
        (Field::StartTime, Op::Lt(time(3_000)), &[1, 2]),
        (Field::StartTime, Op::Le(time(3_000)), &[1, 2, 3]),
        (Field::StartTime, Op::Eq(time(5_000)), &[5]),
        (Field::EndTime, Op::Exists, &[1, 2, 3, 5, 6]),
        (Field::EndTime, Op::Gt(time(5_250)), &[1, 6]),
        (Field::EndTime, Op::Ge(time(5_250)), &[1, 5, 6]),
    ];
    check_runs(store, table).await;
}

/// Ids, types, states and yes or no.
pub async fn run_kinds_are_filtered(store: &dyn RunStore) {
    let table: Table<'_> = vec![
        (Field::RunId, Op::Eq(run_literal(3)), &[3]),
        (Field::RunId, Op::In(vec![run_literal(3), run_literal(6), run_literal(77)]), &[3, 6]),
        (Field::TraceId, Op::Eq(trace_literal(1)), &[1, 2, 3]),
        (Field::ParentRunId, Op::Eq(run_literal(1)), &[2, 3]),
        (Field::ParentRunId, Op::Exists, &[2, 3, 5, 6]),
        (Field::RunType, Op::Eq(Literal::RunType(RunType::Llm)), &[2, 4]),
        (
            Field::RunType,
            Op::In(vec![Literal::RunType(RunType::Chain), Literal::RunType(RunType::Tool)]),
            &[1, 3],
        ),
        (Field::Status, Op::Eq(Literal::Status(Status::Error)), &[3]),
        (Field::Status, Op::Eq(Literal::Status(Status::Pending)), &[4]),
        (Field::Status, Op::In(vec![Literal::Status(Status::Success)]), &[1, 2, 5, 6]),
        (Field::Status, Op::Exists, &[1, 2, 3, 4, 5, 6]),
        (Field::IsRoot, Op::Eq(Literal::Bool(true)), &[1, 4]),
        (Field::IsRoot, Op::Eq(Literal::Bool(false)), &[2, 3, 5, 6]),
        (Field::IsUnpriced, Op::Eq(Literal::Bool(true)), &[4]),
    ];
    check_runs(store, table).await;
}

/// Of a trace, most fields are its root's.
pub async fn trace_roots_are_filtered(store: &dyn RunStore) {
    let table: Table<'_> = vec![
        (Field::Name, eq("Agent"), &[1]),
        (Field::Name, eq("chat"), &[2]),
        (Field::Name, contains("Größe"), &[3]),
        (Field::Text, Op::Search(Search::phrase("timeout")), &[1]),
        (Field::Error, Op::Exists, &[]),
        (Field::Status, Op::Eq(Literal::Status(Status::Success)), &[1, 3]),
        (Field::RunType, Op::Eq(Literal::RunType(RunType::Retriever)), &[3]),
        (Field::RunId, Op::Eq(run_literal(5)), &[3]),
        (Field::RunId, Op::Eq(run_literal(6)), &[]),
        (Field::TraceId, Op::In(vec![trace_literal(1), trace_literal(3)]), &[1, 3]),
        (Field::ParentRunId, Op::Exists, &[3]),
        (Field::User, Op::Exists, &[1, 2]),
        (Field::Thread, eq("t1"), &[1]),
        (Field::Thread, eq("own"), &[]),
        (Field::Thread, Op::Exists, &[1, 3]),
        (Field::Environment, texts(&["dev", "prod"]), &[1, 2]),
        (Field::Tag, eq("vip"), &[1]),
        (metadata("score"), eq("7"), &[1]),
        (Field::EndTime, Op::Exists, &[1, 3]),
        (Field::EndTime, Op::Lt(time(6_000)), &[3]),
        (Field::TimeToFirstToken, Op::Exists, &[]),
        (Field::IsRoot, Op::Eq(Literal::Bool(true)), &[1, 2]),
    ];
    check_traces(store, table).await;
}

/// Of a trace, some fields are sums, and some are any run's.
pub async fn trace_totals_are_filtered(store: &dyn RunStore) {
    let table: Table<'_> = vec![
        (Field::Cost, Op::Exists, &[1, 3]),
        (Field::Cost, Op::Ge(dollars("0.5")), &[1]),
        (Field::Cost, Op::Eq(dollars("0.001")), &[3]),
        (Field::InputTokens, Op::Lt(count(100)), &[3]),
        (Field::OutputTokens, Op::Eq(count(20)), &[1]),
        (Field::TotalTokens, Op::In(vec![count(8), count(120)]), &[1, 3]),
        (Field::Latency, Op::Eq(millis(1_000)), &[3]),
        (Field::Latency, Op::Ge(millis(10_000)), &[1]),
        (Field::Latency, Op::Exists, &[1, 3]),
        (Field::StartTime, Op::Gt(time(4_000)), &[3]),
        (Field::StartTime, Op::Le(time(4_000)), &[1, 2]),
        (Field::Model, eq("gpt-4o"), &[1]),
        (Field::Model, glob("*-*"), &[1, 3]),
        (Field::Model, Op::Exists, &[1, 2, 3]),
        (Field::Provider, contains("PI"), &[2]),
        (Field::Provider, Op::Exists, &[1, 2]),
        (Field::Service, texts(&["worker"]), &[3]),
        (Field::Service, eq("gpu"), &[3]),
        (Field::Release, Op::Exists, &[1, 3]),
    ];
    check_traces(store, table).await;
}

/// What is missing satisfies no test, and every negation of one.
pub async fn missing_values_satisfy_only_negations(store: &dyn RunStore) {
    write_scattered(store, six_runs()).await;
    for _ in 0..2 {
        for (field, op) in [
            (Field::Cost, Op::Lt(dollars("1"))),
            (Field::Cost, Op::Ge(dollars("0"))),
            (Field::User, eq("bob")),
            (Field::User, contains("")),
            (Field::Latency, Op::Ge(millis(0))),
            (Field::Error, glob("*")),
            (Field::EndTime, Op::Gt(time(0))),
        ] {
            let test = Expr::Test(field, op);
            let exactly_one = runs_found(store, Expr::Any(vec![test.clone(), not(test.clone())])).await;
            assert_eq!(exactly_one, [1, 2, 3, 4, 5, 6], "{test:?}");
            let both = runs_found(store, Expr::All(vec![test.clone(), not(test.clone())])).await;
            assert!(both.is_empty(), "{test:?}");
            assert_eq!(traces_found(store, Expr::Any(vec![test.clone(), not(test)])).await, [1, 2, 3]);
        }
        let cheap = Expr::Test(Field::Cost, Op::Lt(dollars("1")));
        assert_eq!(runs_found(store, not(cheap)).await, [1, 3, 4, 5], "no cost is not cheap");
        store.flush().await.expect("flushes");
    }
}

/// All, any and not, also of nothing and of each other.
pub async fn filters_combine(store: &dyn RunStore) {
    write_scattered(store, six_runs()).await;
    let chat = || Expr::Test(Field::Name, eq("chat"));
    let openai = || Expr::Test(Field::Provider, eq("openai"));
    let tool = || Expr::Test(Field::RunType, Op::Eq(Literal::RunType(RunType::Tool)));
    let cases: [(Expr, &[u32]); 8] = [
        (Expr::All(Vec::new()), &[1, 2, 3, 4, 5, 6]),
        (Expr::Any(Vec::new()), &[]),
        (not(Expr::Any(Vec::new())), &[1, 2, 3, 4, 5, 6]),
        (Expr::All(vec![chat(), openai()]), &[2]),
        (Expr::Any(vec![openai(), tool()]), &[2, 3]),
        (Expr::All(vec![chat(), not(openai())]), &[4]),
        (not(Expr::Any(vec![chat(), tool()])), &[1, 5, 6]),
        (not(not(Expr::All(vec![Expr::Any(vec![chat(), tool()]), not(openai())]))), &[3, 4]),
    ];
    for state in ["scattered", "flushed"] {
        for (expr, expected) in &cases {
            assert_eq!(runs_found(store, expr.clone()).await, *expected, "{state}: {expr:?}");
        }
        store.flush().await.expect("flushes");
    }
}

/// `AnyRun` wants one run that satisfies all of it; `Root` asks the root.
pub async fn filters_reach_other_runs_of_the_trace(store: &dyn RunStore) {
    write_scattered(store, six_runs()).await;
    let any_run = |all: Vec<Expr>| Expr::AnyRun(Box::new(Expr::All(all)));
    let root = |expr| Expr::Root(Box::new(expr));
    let failed = || Expr::Test(Field::Status, Op::Eq(Literal::Status(Status::Error)));
    let has_model = || Expr::Test(Field::Model, Op::Exists);
    let named = |name: &str| Expr::Test(Field::Name, eq(name));
    let cases: [(Expr, &[u32], &[u32]); 9] = [
        (any_run(vec![failed()]), &[1, 2, 3], &[1]),
        (any_run(vec![has_model()]), &[1, 2, 3, 4, 5, 6], &[1, 2, 3]),
        (any_run(vec![failed(), has_model()]), &[], &[]),
        (Expr::All(vec![any_run(vec![failed()]), any_run(vec![has_model()])]), &[1, 2, 3], &[1]),
        (any_run(vec![named("chat")]), &[1, 2, 3, 4], &[1, 2]),
        (not(any_run(vec![named("chat")])), &[5, 6], &[3]),
        (root(named("Agent")), &[1, 2, 3], &[1]),
        (Expr::All(vec![root(named("Agent")), has_model()]), &[2], &[1]),
        // A trace's tokens are their sum, a run's are its own.
        (any_run(vec![Expr::Test(Field::TotalTokens, Op::Lt(count(10)))]), &[5, 6], &[3]),
    ];
    for state in ["scattered", "flushed"] {
        for (expr, runs, traces) in &cases {
            assert_eq!(runs_found(store, expr.clone()).await, *runs, "{state}: runs, {expr:?}");
            assert_eq!(traces_found(store, expr.clone()).await, *traces, "{state}: traces, {expr:?}");
        }
        store.flush().await.expect("flushes");
    }
}

/// A run belongs to the thread that it names, else to its root's.
pub async fn a_run_has_its_roots_thread(store: &dyn RunStore) {
    let table: Table<'_> = vec![
        (Field::Thread, eq("t1"), &[1, 2]),
        (Field::Thread, eq("own"), &[3]),
        (Field::Thread, contains("T"), &[1, 2, 5, 6]),
        (Field::Thread, Op::Exists, &[1, 2, 3, 5, 6]),
        (Field::Thread, texts(&["t3", "own"]), &[3, 5, 6]),
    ];
    check_runs(store, table).await;
}

/// From, to, the runs and the traces inside.
type RangeCase = (Option<i64>, Option<i64>, &'static [u32], &'static [u32]);

/// The first moment of a range is inside, the last is not; a trace begins with its first run.
pub async fn times_are_half_open(store: &dyn RunStore) {
    write_scattered(store, six_runs()).await;
    let cases: [RangeCase; 5] = [
        (Some(2_000), Some(5_000), &[2, 3, 4], &[2]),
        (Some(1_000), None, &[1, 2, 3, 4, 5, 6], &[1, 2, 3]),
        (None, Some(1_001), &[1], &[1]),
        (None, Some(1_000), &[], &[]),
        (Some(5_000), Some(5_000), &[], &[]),
    ];
    for _ in 0..2 {
        for (from, to, runs, traces) in cases {
            let range = TimeRange { from: from.map(at), to: to.map(at) };
            let query = query(Selection { range, ..everything() });
            let found: Vec<u32> =
                all_runs(store, &query).await.iter().map(|row| number_of(row.run_id)).collect();
            assert_eq!(found, runs, "runs {from:?}..{to:?}");
            let found = all_traces(store, &query).await;
            let found: Vec<u32> = found.iter().map(|row| trace_number(row.root.trace_id)).collect();
            assert_eq!(found, traces, "traces {from:?}..{to:?}");
        }
        store.flush().await.expect("flushes");
    }
}
