use std::sync::Arc;

use arrow::array::{AsArray, Decimal128Array, Int64Array, RecordBatch};
use datafusion::prelude::{DataFrame, SessionContext, ident};
use futures::TryStreamExt as _;

use super::*;
use crate::native::{CompactionConfig, NativeConfig, NativeStore};
use crate::pool::{Lane, PoolConfig, QueryPool};
use crate::store::{RunStore as _, Unit};
use crate::testing::build::{everything, run, scope, set_llm};
use crate::{SqlQuery, TableFormat, sql};

/// Rows of two groups, one of which goes beyond both types.
fn frame() -> DataFrame {
    let counts = Int64Array::from(vec![Some(i64::MAX), None, Some(1), Some(5), Some(-7)]);
    let most = Decimal128Type::MOST;
    let costs = Decimal128Array::from(vec![Some(most), None, Some(1), Some(5), Some(-7)]);
    let costs = costs.with_precision_and_scale(38, 12).unwrap();
    let groups = Int64Array::from(vec![1, 1, 1, 2, 2]);
    let columns: Vec<(&str, ArrayRef)> =
        vec![("kind", Arc::new(groups)), ("n", Arc::new(counts)), ("cost", Arc::new(costs))];
    SessionContext::new().read_batch(RecordBatch::try_from_iter(columns).unwrap()).unwrap()
}

async fn sums(by: Vec<Expr>, of: Expr) -> DfResult<Vec<i128>> {
    let sort = by.iter().map(|by| by.clone().sort(true, false)).collect::<Vec<_>>();
    let mut summed = frame().aggregate(by, vec![of.alias("sum")])?;
    if !sort.is_empty() {
        summed = summed.sort(sort)?;
    }
    let batches = summed.collect().await?;
    let columns = batches.iter().map(|batch| batch.column_by_name("sum").unwrap());
    Ok(columns
        .flat_map(|column| match column.data_type() {
            DataType::Int64 => {
                column.as_primitive::<Int64Type>().iter().map(|sum| sum.unwrap().into()).collect()
            }
            _ => column.as_primitive::<Decimal128Type>().iter().map(Option::unwrap).collect::<Vec<i128>>(),
        })
        .collect())
}

#[tokio::test]
async fn what_goes_beyond_its_type_is_refused_or_the_most() {
    for (column, most) in [("n", i128::from(i64::MAX)), ("cost", Decimal128Type::MOST)] {
        for by in [vec![], vec![ident("kind")]] {
            let refused = sums(by.clone(), refusing().call(vec![ident(column)])).await;
            let found = sums(by.clone(), at_most(ident(column))).await.unwrap();
            if by.is_empty() {
                // More only in between.
                assert_eq!((refused.unwrap(), found), (vec![most - 1], vec![most - 1]));
            } else {
                let err = refused.unwrap_err();
                assert_eq!(Error::inside(&err).unwrap().kind(), ErrorKind::TooLarge, "{err}");
                assert_eq!(found, [most, -2]);
            }
        }
        let small = refusing().call(vec![ident(column)]);
        let found = frame().filter(ident("kind").eq(datafusion::logical_expr::lit(2_i64))).unwrap();
        let found = found.aggregate(vec![], vec![small]).unwrap().collect().await.unwrap();
        let sum = ScalarValue::try_from_array(found[0].column(0), 0).unwrap();
        assert!(sum.to_string().starts_with('-'), "{sum}");
    }
}

/// Three runs with nearly as many tokens, and dollars, as a row can hold.
async fn store(dir: &std::path::Path) -> NativeStore {
    let store = NativeStore::open(NativeConfig {
        dir: dir.to_owned(),
        memory_bytes: std::num::NonZeroUsize::new(64 << 20).unwrap(),
        finish: Arc::new(|_: &mut clearspan_model::Run| ()),
        compaction: CompactionConfig { in_background: false, ..CompactionConfig::default() },
    })
    .unwrap();
    let tokens = u64::try_from(i64::MAX).unwrap() - 10;
    let large = |id: u32| run(id, id, |run| set_llm(run, "gpt-5", (tokens, 1), "90000000000000000000000000"));
    store.write((1..=3).map(large).collect()).await.unwrap();
    store
}

#[tokio::test]
async fn a_statement_says_that_a_number_is_too_large() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    let pool = QueryPool::open(&PoolConfig { memory_bytes: 64 << 20, spill_dir: None }).unwrap();
    for (text, is_too_large) in [
        ("select sum(total_tokens) from runs", true),
        ("select model, sum(total_tokens) from runs group by model", true),
        ("select sum(total_cost) from runs", true),
        ("select sum(total_cost) from traces", true),
        ("select sum(input_tokens) over (order by run_id) from runs", true),
        (
            "select run_id, sum(total_cost) over (order by run_id rows between 1 preceding and current row) from runs",
            true,
        ),
        (
            "select sum(cast(total_tokens as double)), sum(cast(total_cost as double)), sum(output_tokens) from runs",
            false,
        ),
        ("select run_id, sum(total_cost), sum(total_tokens) from runs group by run_id", false),
        (
            "select count(distinct name), sum(distinct total_tokens + output_tokens + cast(substr(name, 5) as bigint)) from runs",
            true,
        ),
        (
            "select count(distinct name), sum(distinct output_tokens + cast(substr(name, 5) as bigint)) from runs",
            false,
        ),
        ("select total_tokens + total_tokens from runs", true),
        ("select run_id from runs where 3 * input_tokens < 5", true),
        ("select 0 - input_tokens - input_tokens from runs", true),
        ("select model, count(*) from runs group by model, total_tokens * 2", true),
        ("select max(total_tokens) * 2 from runs", true),
        ("select (select max(total_tokens) from runs) + t.output_tokens + 20 from traces t", true),
        (
            "select run_id from runs r where exists (select 1 from traces t where r.total_tokens + r.total_tokens > t.output_tokens)",
            true,
        ),
        ("select 9223372036854775807 + 1", true),
        ("select output_tokens * 2 + 1 - 3 from runs order by output_tokens + 1 limit 1 + 1", false),
        (
            "select end_time + interval '1 day', total_cost + 1, cast(total_tokens as double) * 2 from runs",
            false,
        ),
        (
            "select sum(total_cost) over (order by run_id rows between current row and current row) from runs",
            false,
        ),
    ] {
        let query = SqlQuery {
            scope: scope(),
            projects: Vec::new(),
            text: text.to_owned(),
            format: TableFormat::Json,
            max_rows: None,
            timeout: std::time::Duration::from_secs(60),
        };
        let (env, tables) = (Arc::clone(pool.env()), store.tables_of(&scope()).await.unwrap());
        let work = async move { sql::run(tables, &env, &query).await?.stream.try_collect::<Vec<_>>().await };
        match pool.run(Lane::Statements, work).await {
            Ok(_) => assert!(!is_too_large, "{text}"),
            Err(err) => {
                assert!(is_too_large && err.kind() == ErrorKind::TooLarge, "{text}: {err}");
                assert!(err.to_string().contains("as double"), "{err}");
            }
        }
    }
}

/// One that is wrong by far must not take the figures of all others away.
#[tokio::test]
async fn figures_show_the_most_there_can_be() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    for unit in [Unit::Runs, Unit::Traces] {
        let stats = store.stats(unit, &everything()).await.unwrap();
        assert_eq!(stats.total_cost.round().to_string(), "100000000000000000000000000");
        assert_eq!(stats.total_tokens, u64::MAX);
    }
}
