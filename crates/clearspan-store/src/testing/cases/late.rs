//! Statements that sort rows and keep the first: what they answer does not depend on when payloads are read.

use std::time::Duration;

use clearspan_model::{JsonText, Run};
use futures::TryStreamExt as _;
use serde_json::Value;

use crate::testing::build::{log, message, project, scope, workspace};
use crate::testing::random::random_runs;
use crate::{RunStore, SqlQuery, TableFormat};

/// What the runs of the other workspace say, which have the same ids and times.
const SECRET: &str = "s3cret of the neighbours";

/// Without the columns that change while a store settles. `{any}` is where a condition may stand that holds for every row.
const STATEMENTS: &[&str] = &[
    "select run_id, trace_id, inputs, outputs from runs where {any} order by start_time desc, trace_id, run_id, project_id limit 7",
    "select run_id, name, end_time, total_tokens, inputs, outputs, metadata, attributes \
     from runs where {any} order by start_time, trace_id, run_id, project_id limit 7",
    "select run_id, name, end_time, total_tokens, inputs, outputs, metadata, attributes \
     from runs where {any} order by name, total_tokens desc nulls last, trace_id, run_id, project_id limit 9 offset 3",
    "select inputs from runs where {any} order by total_tokens nulls first, trace_id, run_id, project_id limit 40",
    "select inputs from runs where {any} order by total_cost desc nulls last, trace_id desc, run_id, project_id limit 12",
    "select outputs, latency_ms from runs where {any} and latency_ms > 1 order by latency_ms desc, trace_id, run_id, project_id limit 5",
    "select inputs from runs where {any} and status = 'error' and metadata['plan'] is not null \
     order by name, trace_id, run_id, project_id limit 6",
    "select inputs, metadata from runs where {any} order by length(name), start_time, trace_id, run_id, project_id limit 11",
    "select length(inputs), upper(name) from runs where {any} and name = 'nobody' order by start_time limit 10",
    "select run_id, inputs from runs where {any} order by trace_id, run_id, project_id limit 100000",
    "select inputs from runs where {any} order by trace_id, run_id, project_id limit 10000",
    // Ties: which of the rows is open, but not what they are sorted by.
    "select status, inputs is null or true from runs where {any} order by status limit 20",
    // In parts of a statement.
    "with newest as (select * from runs where {any} order by start_time desc, trace_id, run_id, project_id limit 9) \
     select a.run_id, a.inputs, b.outputs from newest a join newest b on a.trace_id = b.trace_id \
     order by a.trace_id, a.run_id, b.run_id, a.project_id, b.project_id",
    "select count(*), sum(length(inputs)), max(t) from (select inputs, start_time t from runs where {any} \
     order by start_time, trace_id, run_id, project_id limit 13)",
    "select inputs from (select * from runs where {any} order by start_time desc, trace_id, run_id, project_id limit 20) \
     order by total_tokens, trace_id, run_id, project_id limit 4",
    "(select 'first' as which, trace_id, run_id, inputs from runs where {any} order by start_time, trace_id, run_id, project_id limit 2) \
     union all (select 'last', trace_id, run_id, inputs from runs where {any} \
     order by start_time desc, trace_id, run_id, project_id limit 2) order by 1, 2, 3, 4",
    "select (select inputs from runs where {any} order by start_time, trace_id, run_id, project_id limit 1) as first, count(*) from runs",
    // What cannot go in two steps.
    "select max(inputs), trace_id from runs where {any} group by trace_id order by max(start_time) desc, trace_id limit 3",
    "select distinct inputs from runs where {any} order by inputs nulls first limit 8",
    "select inputs, row_number() over (order by trace_id, run_id, project_id) as place from runs where {any} order by place limit 8",
    "select inputs from runs where {any} and trace_id in (select trace_id from runs where status = 'error') \
     order by start_time desc, trace_id, run_id, project_id limit 8",
    "select unnest(tags) as tag, inputs, trace_id, run_id, project_id from runs where {any} order by tag, trace_id, run_id, project_id limit 8",
    "select body, attributes from logs where {any} order by time desc, id limit 3",
];

fn of_neighbours(run: &Run) -> Run {
    let mut run = run.clone();
    run.key.workspace_id = workspace(2);
    run.inputs = message("user", SECRET);
    run.metadata.insert("plan".to_owned(), JsonText::from_string(SECRET));
    run
}

async fn rows(store: &dyn RunStore, text: &str) -> Value {
    let query = SqlQuery {
        scope: scope(),
        projects: vec![(project(1), "shop".to_owned()), (project(2), "bank".to_owned())],
        text: text.to_owned(),
        format: TableFormat::Json,
        max_rows: Some(1_000),
        timeout: Duration::from_secs(120),
    };
    let answer = store.sql(query).await.unwrap_or_else(|err| panic!("{text}: {err}"));
    let parts: Vec<_> = answer.body.try_collect().await.unwrap_or_else(|err| panic!("{text}: {err}"));
    let mut answer: Value = serde_json::from_slice(&parts.concat()).expect("an answer is JSON");
    answer["rows"].take()
}

/// Rows in segments, in memory, in parts of both; with ties and nulls, and ids that are not unique.
pub async fn the_first_rows_are_the_first_of_all(store: &dyn RunStore) {
    let patches = random_runs(23);
    for part in patches.chunks(patches.len() / 3 + 1) {
        store.write(part.to_vec()).await.expect("runs");
        store.write(part.iter().map(of_neighbours).collect()).await.expect("runs of others");
        store.write_logs((0..4).map(|seconds| log(seconds, "said")).collect()).await.expect("log records");
        let mut found = 0;
        for text in STATEMENTS {
            // A volatile condition keeps a statement in one step.
            let plain = rows(store, &text.replace("{any}", "random() >= 0")).await;
            let late = rows(store, &text.replace("{any}", "true")).await;
            assert_eq!(late, plain, "{text}");
            assert!(!late.to_string().contains(SECRET), "{text}");
            found += late.as_array().map_or(0, Vec::len);
        }
        assert!(found > 150, "{found} rows");
        store.flush().await.expect("a flush");
    }
}
