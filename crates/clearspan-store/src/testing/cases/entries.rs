//! Values of metadata in order.

use std::collections::BTreeMap;

use clearspan_query::{Expr, Field, Literal, Op, langsmith, text};

use crate::testing::build::{
    all_runs, all_traces, filtered, json, newest, number_of, run, trace_number, write_scattered,
};
use crate::{RunStore, Unit};

/// What stands under `score` in the metadata of runs 1, 2, …, each in a trace of its own; and one more without.
const SCORES: [&str; 12] = [
    "7",
    "10",
    "9.5e0",
    r#""9""#,
    r#""10.0""#,
    "-2",
    "1e400",
    r#""high""#,
    r#""2026-11-20""#,
    "true",
    r#"{"a":1}"#,
    "123456789012345678901234567890.5",
];

/// Numbers compare with numbers by what they are worth, whether they came as numbers or as text; other texts compare with
/// other texts; and neither finds the other. The negation finds the rest.
pub async fn entries_compare_as_numbers_where_they_are(store: &dyn RunStore) {
    let mut runs: Vec<_> = (1..)
        .zip(SCORES)
        .map(|(number, score)| {
            run(number, number, |run| {
                run.metadata = BTreeMap::from([("score".to_owned(), json(score))]);
            })
        })
        .collect();
    runs.push(run(13, 13, |_| {}));
    write_scattered(store, runs).await;
    let cases: [(&str, &[u32]); 15] = [
        ("meta.score:>9", &[2, 3, 5, 7, 12]),
        ("meta.score:>=9", &[2, 3, 4, 5, 7, 12]),
        ("meta.score:<9", &[1, 6]),
        ("meta.score:<=9.50", &[1, 3, 4, 6]),
        ("meta.score:\"<9\"", &[]),
        ("meta.score:7..1e1", &[1, 2, 3, 4, 5]),
        ("meta.score:..-1", &[6]),
        ("meta.score:>123456789012345678901234567890", &[7, 12]),
        ("meta.score:>1e399", &[7]),
        ("meta.score:>=2026-11-20", &[8, 9, 10, 11]),
        ("meta.score:<2026-11-21", &[9]),
        ("meta.score:>high", &[10, 11]),
        ("meta.score:10", &[2]),
        ("meta.other:>0", &[]),
        ("meta.score:>9 meta.score:<10", &[3]),
    ];
    let mut cases: Vec<(Expr, &[u32])> =
        cases.into_iter().map(|(filter, found)| (text::parse(filter).expect(filter), found)).collect();
    let functions: [(&str, &[u32]); 4] = [
        ("and(eq(metadata_key, 'score'), gt(metadata_value, 9))", &[2, 3, 5, 7, 12]),
        ("and(eq(metadata_key, 'score'), lte(metadata_value, '9.50'))", &[1, 3, 4, 6]),
        ("and(eq(metadata_key, 'score'), lt(metadata_value, '2026-11-21'))", &[9]),
        ("lt(metadata_value, 9)", &[1, 6]),
    ];
    cases.extend(functions.map(|(filter, found)| (langsmith::parse(filter).expect(filter), found)));
    let except = Field::MetadataExcept(vec!["score".to_owned()]);
    cases.push((Expr::Test(except, Op::Gt(Literal::Text("0".to_owned()))), &[]));
    for state in ["scattered", "flushed"] {
        for (expr, expected) in &cases {
            for (expr, expected) in [
                (expr.clone(), expected.to_vec()),
                (
                    Expr::Not(Box::new(expr.clone())),
                    (1..=13).filter(|number| !expected.contains(number)).collect(),
                ),
            ] {
                let rows = all_runs(store, &newest(filtered(expr.clone()))).await;
                let mut found: Vec<u32> = rows.iter().map(|row| number_of(row.run_id)).collect();
                found.sort_unstable();
                assert_eq!(found, expected, "{state}: runs, {expr:?}");
                let rows = all_traces(store, &newest(filtered(expr.clone()))).await;
                let mut found: Vec<u32> = rows.iter().map(|row| trace_number(row.root.trace_id)).collect();
                found.sort_unstable();
                assert_eq!(found, expected, "{state}: traces, {expr:?}");
                let stats = store.stats(Unit::Runs, &filtered(expr.clone())).await.expect(state);
                assert_eq!(stats.count, expected.len() as u64, "{state}: stats, {expr:?}");
            }
        }
        store.flush().await.expect("flushes");
    }
}
