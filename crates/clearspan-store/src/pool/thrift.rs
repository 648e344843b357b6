//! What is done where a query is refused memory, for every query alike.
//!
//! First it runs as fast as it can: with all processors. Refused memory, it gives back what it holds and begins anew on one, with
//! as little memory as it can do with, and one query of these at a time: several that were in each other's way no longer are. Where others
//! still hold what it needs, it waits until one of them has ended, for some seconds.

use std::sync::Arc;
use std::time::Duration;

use datafusion::common::Result as DfResult;
use datafusion::execution::runtime_env::RuntimeEnv;
use tokio::time::Instant;

use super::share::{Share, is_due_to_others, is_refusal};

/// How long a query waits for what others hold.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a query runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// With all processors.
    Fast,
    /// On one, with little memory.
    Thrifty,
}

/// Runs a query, beginning with one of the ways; with its share of the memory in the place of the memory for all. What it gives may
/// go on to hold memory.
pub(crate) async fn run<T, W>(
    env: &RuntimeEnv,
    first: Way,
    mut work: impl FnMut(Way, Arc<RuntimeEnv>) -> W,
) -> DfResult<T>
where
    W: Future<Output = DfResult<T>>,
{
    let (share, env) = Share::new(env);
    if first == Way::Fast {
        match work(Way::Fast, Arc::clone(&env)).await {
            Err(err) if is_refusal(&err) => {
                tracing::debug!(detail = %err, "a query begins anew with less memory");
            }
            done => return done,
        }
        share.given_back().await;
    }
    let until = Instant::now() + PATIENCE;
    let _turn = share.turn(until).await;
    loop {
        match work(Way::Thrifty, Arc::clone(&env)).await {
            Err(err) if is_due_to_others(&err) && Instant::now() < until => {
                share.given_back().await;
                share.another_gave_back(until).await;
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests;
