use datafusion::datasource::MemTable;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::prelude::{SessionContext, ident};

use super::*;
use crate::schema::encode::encode_runs;
use crate::testing::build::{bare, project, scope, workspace};

fn table() -> Arc<dyn TableProvider> {
    let mut theirs = bare(2, 2);
    theirs.key.workspace_id = workspace(2);
    let batch = encode_runs([bare(1, 1), theirs].iter());
    Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap())
}

async fn plan_of(table: Arc<dyn TableProvider>) -> Arc<dyn ExecutionPlan> {
    let frame = SessionContext::new().read_table(table).unwrap();
    frame.select(vec![ident("run_id")]).unwrap().create_physical_plan().await.unwrap()
}

#[tokio::test]
async fn only_scoped_scans_pass_the_check() {
    let scoped = plan_of(Arc::new(ScopedTable::new(table(), Arc::new(scope())))).await;
    check(&scoped, &scope()).unwrap();
    let other = Scope { workspace_id: workspace(2), project_ids: None };
    assert!(check(&scoped, &other).unwrap_err().to_string().contains("another scope"));
    let bare = plan_of(table()).await;
    assert!(check(&bare, &scope()).unwrap_err().to_string().contains("outside of the scope"));
    let union = datafusion::physical_plan::union::UnionExec::try_new(vec![scoped, bare]).unwrap();
    assert!(check(&union, &scope()).is_err());
    let nothing: Arc<dyn ExecutionPlan> = Arc::new(EmptyExec::new(Arc::new(Schema::empty())));
    check(&nothing, &scope()).unwrap();
}

#[tokio::test]
async fn rows_of_others_do_not_pass_whatever_the_scan_does() {
    // A table in memory ignores every filter that it is given.
    let context = SessionContext::new();
    let frame = context.read_table(Arc::new(ScopedTable::new(table(), Arc::new(scope())))).unwrap();
    assert_eq!(frame.clone().count().await.unwrap(), 1);
    let ids = frame.select(vec![ident("run_id")]).unwrap().collect().await.unwrap();
    assert_eq!(ids[0].schema().fields().len(), 1);
}

#[tokio::test]
async fn rows_of_other_projects_do_not_pass() {
    let mut theirs = bare(2, 2);
    theirs.key.project_id = project(2);
    let batch = encode_runs([bare(1, 1), theirs].iter());
    let table: Arc<dyn TableProvider> =
        Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap());
    for (project_ids, rows) in
        [(None, 2), (Some(vec![project(2)]), 1), (Some(vec![project(1), project(2)]), 2), (Some(vec![]), 0)]
    {
        let scope = Scope { project_ids, ..scope() };
        let scoped: Arc<dyn TableProvider> = Arc::new(ScopedTable::new(Arc::clone(&table), Arc::new(scope)));
        for column in ["run_id", "project_id"] {
            let frame = SessionContext::new().read_table(Arc::clone(&scoped)).unwrap();
            let found = frame.select(vec![ident(column)]).unwrap().collect().await.unwrap();
            assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>(), rows, "{column}");
            assert!(found.iter().all(|batch| batch.num_columns() == 1));
        }
    }
}

#[test]
fn only_what_cannot_fail_is_a_hint() {
    let (name, cost) = (ident("name"), ident("total_cost"));
    let fine = [
        name.clone().eq(lit("x")),
        name.clone().is_null(),
        cost.clone().gt(lit(1)).and(name.clone().not_eq(lit("x"))),
        Expr::Not(Box::new(name.clone().eq(lit("x")))),
        name.clone().like(lit("x%")),
    ];
    for filter in &fine {
        assert_eq!(hint(filter).as_ref(), Some(filter), "{filter}");
    }
    let risky = (lit(1) / cost.clone()).gt(lit(1));
    assert_eq!(hint(&risky), None);
    assert_eq!(hint(&risky.clone().or(fine[0].clone())), None);
    assert_eq!(hint(&risky.clone().and(fine[0].clone())), Some(fine[0].clone()));
    // The half of a conjunction must not be negated.
    assert_eq!(hint(&Expr::Not(Box::new(risky.and(fine[0].clone())))), None);
    let cast = datafusion::logical_expr::cast(name, arrow::datatypes::DataType::Int32);
    assert_eq!(hint(&cast.eq(lit(1))), None);
}
