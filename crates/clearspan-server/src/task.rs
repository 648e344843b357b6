//! The one place that starts tasks: each has a name, and its panic is seen.

use std::future::Future;

use futures::FutureExt;
use tokio::task::JoinHandle;

/// Starts a task. A panic inside it ends this task only; the panic hook has counted and logged it.
#[expect(clippy::disallowed_methods, reason = "this is the function that all others must use")]
pub(crate) fn spawn<T: Send + 'static>(
    name: &'static str,
    work: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<Option<T>> {
    tokio::spawn(guard(name, work))
}

/// The work of a task that somebody else starts; `None` when it panicked.
pub(crate) async fn guard<T>(name: &'static str, work: impl Future<Output = T>) -> Option<T> {
    let outcome = std::panic::AssertUnwindSafe(work).catch_unwind().await;
    if outcome.is_err() {
        tracing::error!(task = name, "a task ended by a panic");
    }
    outcome.ok()
}
