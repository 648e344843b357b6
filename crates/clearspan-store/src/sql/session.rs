//! A session for one statement. Its catalog holds our views and nothing else; nothing in it can open a file by name.

use std::sync::{Arc, LazyLock};

use clearspan_model::ProjectId;
use datafusion::catalog::{CatalogProvider as _, CatalogProviderList as _};
use datafusion::catalog::{MemoryCatalogProvider, MemoryCatalogProviderList};
use datafusion::execution::config::SessionConfig;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::planner::ExprPlanner;

use super::arithmetic::CheckWholeNumbers;
use super::attempt::BATCH_ROWS;
use super::functions::{Operators, ProjectNames, json_get};
use super::views::{self, Views};
use super::{Tables, dates, growth};
use crate::store::Scope;
use crate::sums;

/// What a sort keeps aside to merge what it spilled, for each partition.
const SPILL_RESERVE_BYTES: usize = 1 << 20;

/// Hundreds of functions are registered once.
static BASE: LazyLock<SessionState> = LazyLock::new(|| {
    let mut builder = SessionStateBuilder::new_with_default_features().with_config(config());
    // Nothing that makes tables of files.
    builder.table_factories().take();
    builder.file_formats().take();
    if let Some(functions) = builder.scalar_functions() {
        *functions = dates::in_utc(growth::bound(std::mem::take(functions)));
        functions.push(Arc::new(json_get()));
    }
    if let Some(functions) = builder.aggregate_functions() {
        functions.retain(|function| function.name() != "sum");
        functions.push(Arc::new(sums::refusing()));
    }
    let mut planners: Vec<Arc<dyn ExprPlanner>> = vec![Arc::new(Operators)];
    planners.extend(builder.expr_planners().take().unwrap_or_default());
    // After the types of both sides were made equal.
    builder.with_expr_planners(planners).with_analyzer_rule(Arc::new(CheckWholeNumbers)).build()
});

fn config() -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_collect_statistics(false)
        .with_create_default_catalog_and_schema(false)
        .with_default_catalog_and_schema(views::CATALOG, views::SCHEMA)
        .with_information_schema(false)
        .with_batch_size(BATCH_ROWS);
    let options = config.options_mut();
    options.execution.parquet.schema_force_view_types = false;
    // As in the queries of lists: the two planners disagree on whether some common expressions can be null.
    options.execution.skip_physical_aggregate_schema_check = true;
    options.execution.sort_spill_reservation_bytes = SPILL_RESERVE_BYTES;
    options.sql_parser.collect_spans = true;
    // Physical plans name files.
    options.explain.logical_plan_only = true;
    config
}

/// A session over the tables of a scope.
pub(super) fn open(
    tables: Tables,
    env: &Arc<RuntimeEnv>,
    scope: &Scope,
    projects: &[(ProjectId, String)],
) -> SessionState {
    let views = Arc::new(Views::new(tables, scope.clone(), ProjectNames::new(projects)));
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema(views::SCHEMA, views).expect("a catalog in memory takes a schema");
    let catalogs = MemoryCatalogProviderList::new();
    catalogs.register_catalog(views::CATALOG.to_owned(), Arc::new(catalog));
    let mut state = SessionStateBuilder::new_from_existing(BASE.clone())
        .with_catalog_list(Arc::new(catalogs))
        .with_runtime_env(Arc::clone(env))
        .build();
    // The time that `now()` tells: without one it fails.
    state.mark_start_execution();
    state
}
