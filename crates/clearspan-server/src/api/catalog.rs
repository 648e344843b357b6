//! The catalog from asynchronous code.

use std::sync::Arc;

use clearspan_catalog::Catalog;

use super::error::Result;
use crate::context::Context;

/// Asks the catalog on a thread that may wait.
pub(super) async fn in_catalog<T: Send + 'static>(
    ctx: &Arc<Context>,
    work: impl FnOnce(&dyn Catalog) -> clearspan_catalog::Result<T> + Send + 'static,
) -> Result<T> {
    let catalog = Arc::clone(&ctx.catalog);
    Ok(tokio::task::spawn_blocking(move || work(&*catalog)).await??)
}
