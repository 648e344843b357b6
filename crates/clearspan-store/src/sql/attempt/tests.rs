use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use clearspan_model::{ErrorKind, JsonText};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::execution::memory_pool::MemoryConsumer;
use futures::TryStreamExt as _;

use super::*;
use crate::pool::{Lane, PoolConfig, QueryPool};
use crate::schema::encode::encode_runs;
use crate::schema::logs::LogCol;
use crate::schema::points::PointCol;
use crate::schema::{Col, TableColumn as _};
use crate::sql::{SqlQuery, TableFormat, Tables};
use crate::testing::build::{run, scope, set_cost};
use crate::{Error, sql};

/// What queries have of `--memory 64MiB`.
const POOL_BYTES: usize = 12 << 20;
const RUNS: u32 = 3_000;

fn empty<C: crate::schema::TableColumn>() -> Arc<dyn TableProvider> {
    Arc::new(MemTable::try_new(Arc::clone(C::schema()), vec![Vec::new()]).unwrap())
}

/// Runs of 9 kB in batches of 1,000: three times what queries may hold.
fn tables() -> Tables {
    let wide = |id: u32| {
        run(id / 10, id, |run| {
            // In another order than that of the ids.
            let number = (u64::from(id) * 7_919) % u64::from(RUNS);
            run.inputs.rest = Some(JsonText::from_string(&format!("{number:05}{}", "x".repeat(8_000))));
            run.outputs.rest = Some(JsonText::from_string(&"y".repeat(1_000)));
            set_cost(run, &format!("0.{:04}", (id * 31) % RUNS));
        })
    };
    let runs: Vec<_> = (0..RUNS).map(wide).collect();
    let batches = runs.chunks(1_000).map(|chunk| encode_runs(chunk.iter())).collect();
    let runs = MemTable::try_new(Arc::clone(Col::schema()), vec![batches]).unwrap();
    Tables { runs: Arc::new(runs), logs: empty::<LogCol>(), points: empty::<PointCol>() }
}

fn pool(dir: &tempfile::TempDir) -> QueryPool {
    let config = PoolConfig { memory_bytes: POOL_BYTES, spill_dir: Some(dir.path().join("spill")) };
    QueryPool::open(&config).unwrap()
}

async fn ask(
    (pool, tables): &(QueryPool, Tables),
    text: &str,
    max_rows: Option<usize>,
) -> Result<Vec<RecordBatch>, Error> {
    let query = SqlQuery {
        scope: scope(),
        projects: Vec::new(),
        text: text.to_owned(),
        format: TableFormat::Json,
        max_rows,
        timeout: Duration::from_secs(120),
    };
    let (env, tables) = (Arc::clone(pool.env()), tables.clone());
    let work = async move { sql::run(tables, &env, &query).await?.stream.try_collect().await };
    pool.run(Lane::Statements, work).await
}

fn texts(batches: &[RecordBatch], column: &str) -> Vec<String> {
    let arrays = batches.iter().map(|batch| batch.column_by_name(column).unwrap().as_string::<i32>());
    arrays.flat_map(|array| array.iter().map(|text| text.unwrap().to_owned())).collect()
}

/// The memory that they need does not grow with what they sort or group.
#[tokio::test]
async fn wide_rows_are_spilled_where_memory_is_little() {
    let dir = tempfile::tempdir().unwrap();
    let store = (pool(&dir), tables());
    for max_rows in [None, Some(10_000), Some(1_500)] {
        let rows = max_rows.map_or(RUNS as usize, |rows| (rows + 1).min(RUNS as usize));
        let found = ask(&store, "select * from runs order by inputs", max_rows).await.unwrap();
        let inputs = texts(&found, "inputs");
        assert_eq!(inputs.len(), rows);
        assert!(inputs.is_sorted() && inputs[0].contains("00000x") && inputs[999].contains("00999x"));
        let found =
            ask(&store, "select inputs, outputs, total_cost from runs order by total_cost desc", max_rows)
                .await;
        let costs: Vec<i128> = found
            .unwrap()
            .iter()
            .flat_map(|batch| {
                batch.column(2).as_primitive::<arrow::datatypes::Decimal128Type>().values().to_vec()
            })
            .collect();
        assert!(costs.len() == rows && costs.is_sorted_by(|one, other| one >= other));
    }
    for (text, rows) in [
        ("select * from runs order by length(inputs) desc, run_id limit 500", 500),
        ("select inputs, count(*) from runs group by 1 order by 2 desc, 1 limit 10", 10),
        ("select distinct inputs, outputs from runs", RUNS as usize),
        ("select inputs from runs union all select outputs from runs order by 1", 2 * RUNS as usize),
        (
            "select trace_id, inputs, row_number() over (partition by trace_id order by start_time) from runs",
            RUNS as usize,
        ),
    ] {
        let found = ask(&store, text, Some(10_000)).await.unwrap_or_else(|err| panic!("{text}: {err}"));
        assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>(), rows, "{text}");
    }
}

/// What rows say again and again is in memory once; written out, two thousand of these would take two hundred megabytes.
#[tokio::test]
async fn payloads_that_repeat_are_made_a_few_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let repeated = JsonText::from_string(&"x".repeat(100 << 10));
    let agent = |id: u32| run(id, id, |run| run.inputs.messages = vec![repeated.clone()]);
    let runs: Vec<_> = (0..RUNS).map(agent).collect();
    let table = MemTable::try_new(Arc::clone(Col::schema()), vec![vec![encode_runs(runs.iter())]]).unwrap();
    let store = (pool(&dir), Tables { runs: Arc::new(table), ..tables() });
    for text in [
        "select inputs from runs",
        "select inputs from runs where run_id <> trace_id or name is not null",
        "select upper(inputs) from runs where outputs is null and length(inputs) > 100",
    ] {
        // With a limit, DataFusion would collect rows to give them to several processors in turn.
        for max_rows in [None, Some(10_000)] {
            let found = ask(&store, text, max_rows).await.unwrap_or_else(|err| panic!("{text}: {err}"));
            assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>(), RUNS as usize, "{text}");
            let most = found.iter().map(|batch| batch.num_rows()).max();
            assert!(most <= Some(82), "{text}: {most:?} rows at a time");
        }
    }
}

#[tokio::test]
async fn a_refusal_says_what_helps() {
    let dir = tempfile::tempdir().unwrap();
    let store = (pool(&dir), tables());
    let large = "select array_agg(inputs) from runs";
    let err = ask(&store, large, None).await.unwrap_err();
    assert_eq!(err.kind(), ErrorKind::TooLarge);
    assert!(err.to_string().contains("--memory") && !err.to_string().contains("try again"), "{err}");
    let others = MemoryConsumer::new("others").register(&store.0.env().memory_pool);
    others.try_grow(POOL_BYTES * 3 / 4 - (100 << 10)).unwrap();
    let sort = "select inputs from runs order by inputs";
    let err = ask(&store, sort, None).await.unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Overloaded);
    assert!(err.to_string().contains("try again") && !err.to_string().contains("--memory"), "{err}");
    others.free();
    ask(&store, sort, None).await.unwrap();
}

#[test]
fn less_memory_makes_smaller_batches() {
    assert_eq!(batch_rows(9 << 20), 512);
    assert_eq!(batch_rows(0), LEAST_BATCH_ROWS);
    assert_eq!(batch_rows(usize::MAX), BATCH_ROWS);
}
