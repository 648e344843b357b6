//! The settings of the object store, as the store wants them.

use std::path::Path;
use std::sync::Arc;

use clearspan_catalog::SqliteCatalog;
use clearspan_store::native::{BucketAddress, BucketConfig, CatalogFile};

use super::Settings;

impl Settings {
    /// The bucket, where there is one. Credentials come from the variables that AWS's own tools read.
    pub(crate) fn bucket(&self) -> Option<BucketConfig> {
        let url = self.object_store.clone()?;
        let (endpoint, region) = (self.s3_endpoint.clone(), self.s3_region.clone());
        let address = BucketAddress { url, endpoint, region, options: aws_variables() };
        let source = self.catalog_path();
        let copy = move |to: &Path| Ok(SqliteCatalog::copy(&source, to)?);
        let catalog = CatalogFile { path: self.catalog_path(), copy: Arc::new(copy) };
        let cache_bytes = u64::try_from(self.cache_size.bytes()).unwrap_or(u64::MAX);
        Some(BucketConfig { address, cache_bytes, catalog: Some(catalog) })
    }
}

/// They hold secrets: nothing prints them.
#[expect(clippy::disallowed_methods, reason = "this is `config`, and their names are AWS's")]
fn aws_variables() -> Vec<(String, String)> {
    std::env::vars().filter(|(name, _)| name.starts_with("AWS_")).collect()
}
