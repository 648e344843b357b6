//! Full text: what a word finds, in which runs and traces, in any language, together with other terms.

use clearspan_model::{Fragment, JsonText, Payload, Run, Side};
use clearspan_query::text::parse;
use clearspan_query::{Expr, Field, Op};

use crate::testing::build::{
    all_runs, all_traces, at, everything, filtered, json, message, newest, number_of, project, run, run_id,
    scope, trace_number, write_scattered,
};
use crate::{Order, RunQuery, RunStore, Scope, Selection, SortKey, TimeRange, Unit};

/// Trace 1: an agent (1) that asked a model (2) and a tool (3). Trace 2: a failed call (4). Trace 3: a chat in
/// Japanese (5) and what was told of it bit by bit (6).
fn six_runs() -> Vec<Run> {
    let call = |text: &str| Payload { messages: vec![json(text)], rest: None };
    vec![
        run(1, 1, |run| {
            run.name = Some("support_agent".to_owned());
            run.inputs = Payload {
                messages: Vec::new(),
                rest: Some(json(r#"{"question":"May I return\tmy order 4711? It cost 12.50 \u20ac"}"#)),
            };
            run.metadata.insert("tier".to_owned(), JsonText::from_string("Gold Café"));
            run.tags = vec!["vip customer".to_owned()];
        }),
        run(1, 2, |run| {
            run.parent_run_id = Some(run_id(1));
            run.inputs = message("user", "What is the Refund policy?");
            run.outputs = message("assistant", "Refunds: within 30 days.\nNo refunds later 🎉");
        }),
        run(1, 3, |run| {
            run.parent_run_id = Some(run_id(1));
            run.name = Some("lookup".to_owned());
            run.inputs =
                call(r#"{"role":"tool","content":[{"type":"json","args":{"policy_id":"p-77 refund"}}]}"#);
        }),
        run(2, 4, |run| {
            run.error = Some("TimeoutError: upstream -> model\n  at call (client.py:42)".to_owned());
            run.inputs = message("user", "cancel the ORDER, no refund");
        }),
        run(3, 5, |run| {
            run.inputs = message("user", "注文の返金をお願いします");
            run.outputs = message("assistant", "退款政策和환불 정책 และ คืนเงิน, İstanbul");
        }),
        run(3, 6, |run| {
            run.parent_run_id = Some(run_id(5));
            let fragment = |side, content| Fragment {
                side,
                time: at(1),
                index: 0,
                message: message("user", content).messages.remove(0),
            };
            run.fragments =
                vec![fragment(Side::Input, "ripple"), fragment(Side::Output, "crème bru\u{302}le\u{301}e")];
        }),
    ]
}

/// A filter, the runs that satisfy it, and the traces that do.
const CASES: &[(&str, &[u32], &[u32])] = &[
    // Words: in any text of the run; of a trace, in any run.
    ("refund", &[2, 3, 4], &[1, 2]),
    ("REFUND policy", &[2], &[1]),
    ("\"refund policy\"", &[2], &[1]),
    ("\"policy refund\"", &[], &[]),
    ("refu*", &[2, 3, 4], &[1, 2]),
    ("refunds", &[2], &[1]),
    ("order", &[1, 4], &[1, 2]),
    ("order refund", &[4], &[1, 2]),
    ("any(order refund)", &[4], &[2]),
    ("-refund", &[1, 5, 6], &[3]),
    ("refund -order", &[2, 3], &[]),
    ("refund OR ripple", &[2, 3, 4, 6], &[1, 2, 3]),
    ("nothing", &[], &[]),
    // Every text: names, errors, tags, metadata, numbers; no keys.
    ("support_agent", &[1], &[1]),
    ("agent", &[1], &[1]),
    ("timeouterror", &[4], &[2]),
    ("\"client.py:42\"", &[4], &[2]),
    ("vip", &[1], &[1]),
    ("\"gold café\"", &[1], &[1]),
    ("4711", &[1], &[1]),
    ("\"12.50 €\"", &[1], &[1]),
    ("question", &[], &[]),
    ("\"return my\"", &[1], &[1]),
    ("/€$/", &[1], &[1]),
    // One side.
    ("input:refund", &[2, 3, 4], &[1, 2]),
    ("output:refund*", &[2], &[1]),
    ("input:agent", &[], &[]),
    ("error:upstream", &[4], &[2]),
    ("error:refund", &[], &[]),
    ("has:output", &[2, 5, 6], &[1, 3]),
    ("input~\"EFUN\"", &[2, 3, 4], &[1, 2]),
    // Regular expressions, on the text as it is.
    ("/ref(und|use)s?:/", &[2], &[1]),
    ("/Refund/", &[2], &[1]),
    ("/->/", &[4], &[2]),
    ("/^no refund/", &[2], &[1]),
    ("/days.no/", &[], &[]),
    ("/p-\\d{2} /", &[3], &[1]),
    ("/.*/", &[1, 2, 3, 4, 5, 6], &[1, 2, 3]),
    // Any language.
    ("返金", &[5], &[3]),
    ("金返", &[], &[]),
    ("金", &[5], &[3]),
    ("退款", &[5], &[3]),
    ("환불", &[5], &[3]),
    ("คืนเงิน", &[5], &[3]),
    ("🎉", &[2], &[1]),
    ("\"crème bru\u{302}le\u{301}e\"", &[6], &[3]),
    ("brulee", &[], &[]),
    // However it is spelled; except to regular expressions.
    ("\"crème brûlée\"", &[6], &[3]),
    ("brûlé*", &[6], &[3]),
    ("bru*", &[], &[]),
    ("cafe\u{301}", &[1], &[1]),
    ("\u{1112}\u{116a}\u{11ab}\u{1107}\u{116e}\u{11af}", &[5], &[3]),
    ("istanbul", &[5], &[3]),
    ("/brûlée/", &[], &[]),
    ("/bru\u{302}le/", &[6], &[3]),
    ("output:crème input:ripple", &[6], &[3]),
    ("output:ripple", &[], &[]),
    // With other terms.
    ("refund is:root", &[4], &[1, 2]),
    ("refund status:error", &[4], &[2]),
    ("root(agent) refund", &[2, 3], &[1]),
    ("any(name:lookup refund)", &[1, 2, 3], &[1]),
    ("root(refund)", &[4], &[2]),
    ("-any(refund)", &[5, 6], &[3]),
];

const NEWEST: Order = Order { by: SortKey::Start, descending: true };
/// They are answered alike, and otherwise than the newest.
const OTHER_ORDERS: [Order; 3] = [
    Order { by: SortKey::Start, descending: false },
    Order { by: SortKey::Cost, descending: false },
    Order { by: SortKey::Cost, descending: true },
];

/// Asks every case for the newest and in one other order, which begin with `first` and take turns: all cases in all orders are
/// thousands of queries, on each of many engines.
async fn check(store: &dyn RunStore, state: &str, first: usize) {
    for ((text, runs, traces), other) in CASES.iter().zip(OTHER_ORDERS.iter().cycle().skip(first)) {
        let filter = parse(text).expect(text);
        for order in [NEWEST, *other] {
            let query = RunQuery { order, limit: 2, ..newest(filtered(filter.clone())) };
            let mut found: Vec<u32> =
                all_runs(store, &query).await.iter().map(|run| number_of(run.run_id)).collect();
            found.sort_unstable();
            assert_eq!(found, *runs, "{state}: runs with {text}, {order:?}");
            let found = all_traces(store, &query).await;
            let mut found: Vec<u32> = found.iter().map(|found| trace_number(found.root.trace_id)).collect();
            found.sort_unstable();
            assert_eq!(found, *traces, "{state}: traces with {text}, {order:?}");
        }
        for (unit, expected) in [(Unit::Runs, runs), (Unit::Traces, traces)] {
            let stats = store.stats(unit, &filtered(filter.clone())).await.expect("figures");
            assert_eq!(stats.count, expected.len() as u64, "{state}: {unit:?} with {text}");
        }
    }
}

/// Words, phrases, prefixes and regular expressions, in memory and in segments.
pub async fn texts_are_searched(store: &dyn RunStore) {
    write_scattered(store, six_runs()).await;
    check(store, "scattered", 0).await;
    store.flush().await.expect("flushes");
    check(store, "flushed", 1).await;
}

/// Newest first, page by page, within times and projects.
pub async fn searches_keep_to_their_page(store: &dyn RunStore) {
    let mut runs: Vec<Run> = (1..=60)
        .map(|id| {
            run(id / 3 + 1, id, |run| run.inputs = message("user", if id % 2 == 0 { "even" } else { "odd" }))
        })
        .collect();
    for run in &mut runs[30..] {
        run.key.project_id = project(2);
    }
    write_scattered(store, runs).await;
    let filter = || Expr::Test(Field::Text, Op::Search(clearspan_query::fulltext::Search::phrase("even")));
    let numbers = async |selection: Selection, limit: usize| {
        let query = RunQuery { limit, ..newest(selection) };
        all_runs(store, &query).await.iter().map(|run| number_of(run.run_id)).collect::<Vec<_>>()
    };
    let even = |from: u32, to: u32| (from..=to).rev().filter(|id| id % 2 == 0).collect::<Vec<_>>();
    for limit in [1, 7, 100] {
        assert_eq!(numbers(filtered(filter()), limit).await, even(1, 60), "limit {limit}");
        let range = TimeRange { from: Some(at(10_000)), to: Some(at(20_000)) };
        assert_eq!(numbers(Selection { range, ..filtered(filter()) }, limit).await, even(10, 19));
        let one = Scope { project_ids: Some(vec![project(2)]), ..scope() };
        assert_eq!(numbers(Selection { scope: one, ..filtered(filter()) }, limit).await, even(31, 60));
        let query = RunQuery { limit, ..newest(filtered(filter())) };
        assert_eq!(all_traces(store, &query).await.len(), 22, "a trace in two projects is two");
    }
    assert_eq!(store.stats(Unit::Runs, &everything()).await.expect("figures").count, 60);
}
