use std::num::NonZeroUsize;
use std::sync::Arc;

use clearspan_model::{JsonText, Run};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{ExecutionPlan, collect};

use super::*;
use crate::native::{CompactionConfig, NativeConfig, NativeStore};
use crate::pool::{PoolConfig, QueryPool};
use crate::sql::{Tables, attempt, session, statement};
use crate::store::RunStore as _;
use crate::testing::build::{at, log, run, scope, set_llm};

const RUNS: u32 = 600;

/// Three segments, and a third as much in memory.
async fn store() -> (NativeStore, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let store = NativeStore::open(NativeConfig {
        dir: dir.path().to_owned(),
        memory_bytes: NonZeroUsize::new(64 << 20).unwrap(),
        finish: Arc::new(|_: &mut Run| ()),
        compaction: CompactionConfig { in_background: false, ..CompactionConfig::default() },
    })
    .unwrap();
    let told = |id: u32| {
        run(id % 50, id, |run| {
            set_llm(run, "gpt-5", (u64::from(id * 7_919 % RUNS), 1), "0.5");
            run.start_time = Some(at(i64::from(id)));
            run.end_time = Some(at(i64::from(id + id * 31 % RUNS)));
            run.inputs.rest = Some(JsonText::from_string(&format!("in {id}")));
            run.outputs.rest = Some(JsonText::from_string(&format!("out {id}")));
        })
    };
    let runs: Vec<Run> = (0..RUNS).map(told).collect();
    for (place, part) in runs.chunks(150).enumerate() {
        store.write(part.to_vec()).await.unwrap();
        if place < 3 {
            store.flush().await.unwrap();
        }
    }
    store.write_logs((0..20).map(|seconds| log(seconds, "said")).collect()).await.unwrap();
    (store, dir)
}

async fn planned(tables: Tables, text: &str) -> (SessionState, LogicalPlan) {
    let pool = QueryPool::open(&PoolConfig { memory_bytes: 64 << 20, spill_dir: None }).unwrap();
    let statement::Parsed::Query(parsed) = statement::parse(text).unwrap() else { panic!("{text}") };
    let state = session::open(tables, pool.env(), &scope(), &[]);
    let plan = state.statement_to_plan(parsed).await.unwrap();
    (state, plan)
}

/// Rows in, and rows for which payloads were made of what files and memory hold.
fn rows_with_texts(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let makes_texts = plan.downcast_ref::<ProjectionExec>().is_some_and(|projection| {
        let mut columns = projection.expr().iter().map(|column| column.expr.to_string());
        columns.any(|column| column.contains("_of_texts(") || column.contains("puts_text("))
    });
    let own = if makes_texts { plan.metrics().and_then(|metrics| metrics.output_rows()).unwrap() } else { 0 };
    own + plan.children().into_iter().map(rows_with_texts).sum::<usize>()
}

#[tokio::test]
async fn payloads_are_made_of_the_rows_that_are_kept() {
    let (store, _dir) = store().await;
    for (text, kept) in [
        ("select run_id, inputs, outputs from runs order by start_time desc limit 20", 20),
        ("select inputs from runs order by start_time limit 10 offset 10", 20),
        ("select * from runs order by latency_ms desc nulls last, run_id limit 20", 20),
        ("select inputs from runs where model = 'gpt-5' order by total_tokens desc limit 20", 20),
        ("select length(inputs) from runs where run_id = 'none' order by start_time limit 20", 0),
        ("select count(inputs) from (select inputs from runs order by total_cost, run_id limit 20)", 20),
    ] {
        let (state, plan) = planned(store.tables_of(&scope()).await.unwrap(), text).await;
        let plan = attempt::with_late_payloads(&state, &plan, &scope()).await.unwrap();
        let physical = state.create_physical_plan(&plan).await.unwrap();
        crate::sql::scoped::check(&physical, &scope()).unwrap();
        collect(Arc::clone(&physical), state.task_ctx()).await.unwrap();
        // Once to take them apart, and once to make them the texts that are shown.
        let made = rows_with_texts(&physical);
        assert!(made <= 2 * kept && (kept == 0 || made >= kept), "{text}: {made} rows");
    }
}

#[tokio::test]
async fn only_single_rows_without_payloads_go_first() {
    let (store, _dir) = store().await;
    for (text, steps) in [
        ("select inputs from runs order by start_time limit 5", 1),
        ("select body from logs order by time limit 5", 1),
        ("select inputs from runs where metadata['x'] = '1' order by start_time limit 5", 1),
        ("select metadata from runs order by start_time limit 5", 1),
        // Nothing to save.
        ("select run_id from runs order by start_time limit 5", 0),
        ("select inputs from runs order by start_time", 0),
        ("select inputs from runs limit 5", 0),
        ("select inputs from runs order by start_time limit 1000000", 0),
        // The first step would need them, too.
        ("select inputs from runs order by inputs limit 5", 0),
        ("select run_id, outputs from runs where inputs like '%x%' order by start_time limit 5", 0),
        ("select metadata from runs where metadata['x'] = '1' order by start_time limit 5", 0),
        // More than single rows decide.
        ("select inputs from runs where random() < 0.5 order by start_time limit 5", 0),
        ("select inputs from runs order by random() limit 5", 0),
        ("select max(inputs) from runs group by trace_id order by max(start_time) limit 5", 0),
        ("select distinct inputs, start_time from runs order by start_time limit 5", 0),
        ("select inputs, row_number() over (order by start_time) n from runs order by n limit 5", 0),
        ("select a.inputs from runs a join runs b on a.run_id = b.run_id order by a.start_time limit 5", 0),
        ("select inputs, unnest(tags) as tag from runs order by start_time limit 5", 0),
        ("explain select inputs from runs order by start_time limit 5", 0),
    ] {
        let (state, plan) = planned(store.tables_of(&scope()).await.unwrap(), text).await;
        let optimized = state.optimize(&plan).unwrap();
        assert_eq!(found(&state, &optimized).unwrap().len(), steps, "{text}: {optimized}");
    }
}
