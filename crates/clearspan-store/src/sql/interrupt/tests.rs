use std::time::{Duration, Instant};

use datafusion::datasource::MemTable;

use super::*;
use crate::pool::{Lane, Output, PoolConfig, QueryPool};
use crate::schema::encode::encode_runs;
use crate::schema::logs::LogCol;
use crate::schema::points::PointCol;
use crate::schema::{Col, TableColumn as _};
use crate::sql::{self, SqlQuery, TableFormat, Tables};
use crate::testing::build::{run, scope, set_llm};

/// Pairs of them are compared for longer than any test waits.
const RUNS: u32 = 60_000;

/// Joins that give rows, few and none, with a condition and without.
const JOINS: [&str; 5] = [
    "select sum(a.input_tokens + b.input_tokens) from runs a, runs b",
    "select count(*) from runs a join runs b on a.name <> b.name",
    "select count(*) from runs a join runs b on a.input_tokens + b.input_tokens < 0",
    "select count(*) from runs a join runs b on a.model = b.model and a.input_tokens + b.input_tokens < 0",
    "select a.run_id from runs a join runs b on a.model = b.model order by b.input_tokens limit 1",
];

fn tables() -> Tables {
    let runs: Vec<_> =
        (1..=RUNS).map(|id| run(id, id, |run| set_llm(run, "gpt-5", (10, 1), "0.1"))).collect();
    let batches = runs.chunks(2_048).map(|chunk| encode_runs(chunk.iter())).collect();
    let empty = |schema| Arc::new(MemTable::try_new(schema, vec![vec![]]).unwrap());
    Tables {
        runs: Arc::new(MemTable::try_new(Arc::clone(Col::schema()), vec![batches]).unwrap()),
        logs: empty(Arc::clone(LogCol::schema())),
        points: empty(Arc::clone(PointCol::schema())),
    }
}

fn query(text: &str, timeout: Duration) -> SqlQuery {
    let (projects, format) = (Vec::new(), TableFormat::Json);
    SqlQuery { scope: scope(), projects, text: text.to_owned(), format, max_rows: None, timeout }
}

async fn ask(pool: &QueryPool, tables: &Tables, query: SqlQuery) -> crate::Result<()> {
    let output = Output { format: query.format, max_rows: None, timeout: Some(query.timeout) };
    let (env, tables) = (Arc::clone(pool.env()), tables.clone());
    let work = async move { sql::run(tables, &env, &query).await };
    let mut body = pool.answer(Lane::Statements, output, work).await?.body;
    while let Some(part) = futures::StreamExt::next(&mut body).await {
        part?;
    }
    Ok(())
}

#[tokio::test]
async fn joins_end_in_time_and_when_nobody_waits() {
    let pool = QueryPool::open(&PoolConfig { memory_bytes: 256 << 20, spill_dir: None }).unwrap();
    let tables = tables();
    for text in JOINS {
        let begin = Instant::now();
        let outcome = ask(&pool, &tables, query(text, Duration::from_millis(300))).await;
        let err = outcome.expect_err(text);
        assert_eq!(err.kind(), ErrorKind::Timeout, "{text}: {err}");
        assert!(begin.elapsed() < Duration::from_secs(3), "{text}: {:?}", begin.elapsed());
        let asking = ask(&pool, &tables, query(text, Duration::from_secs(600)));
        tokio::time::timeout(Duration::from_millis(300), asking).await.unwrap_err();
    }
    // There are fewer turns, and threads, than joins were begun.
    let begin = Instant::now();
    ask(&pool, &tables, query("select count(*) from runs", Duration::from_secs(60))).await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn joins_answer_as_before() {
    let pool = QueryPool::open(&PoolConfig { memory_bytes: 256 << 20, spill_dir: None }).unwrap();
    let tables = tables();
    let text = "select count(*) from runs a join runs b on a.run_id = b.run_id and a.input_tokens >= b.output_tokens";
    let query = query(text, Duration::from_secs(60));
    let env = Arc::clone(pool.env());
    let work = async move {
        futures::TryStreamExt::try_collect::<Vec<_>>(sql::run(tables, &env, &query).await?.stream).await
    };
    let batches = pool.run(Lane::Statements, work).await.unwrap();
    let count = arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(batches[0].column(0));
    assert_eq!(count.value(0), i64::from(RUNS));
}
