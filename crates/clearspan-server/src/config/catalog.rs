//! Where the catalog is, and whether it is there.

use std::path::PathBuf;

use clearspan_store::Result;
use clearspan_store::native::{self, NativeStore};

use super::Settings;

/// The catalog, as it is called in the data folder.
pub(crate) const CATALOG_FILE: &str = "catalog.sqlite";

/// What there is of the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CatalogState {
    /// Its file is there.
    Present,
    /// It is not in the folder; a server that starts takes the copy in its bucket, or makes it.
    InBucket,
    /// It is gone, and there are runs whose projects and keys were in it: a new one would hide them.
    Lost,
    /// There was none yet.
    New,
}

impl Settings {
    /// The file of the catalog.
    pub(crate) fn catalog_path(&self) -> PathBuf {
        self.data_dir.join(CATALOG_FILE)
    }

    /// Looks for the catalog. `store` is the one in the data folder where that is open: then a bucket has given its copy.
    pub(crate) fn catalog_state(&self, store: Option<&NativeStore>) -> Result<CatalogState> {
        if self.has_catalog() {
            return Ok(CatalogState::Present);
        }
        let holds_data = match store {
            Some(store) => store.holds_data()?,
            None if self.object_store.is_some() => return Ok(CatalogState::InBucket),
            None => native::holds_data(&self.data_dir)?,
        };
        Ok(if holds_data { CatalogState::Lost } else { CatalogState::New })
    }

    /// An empty file is what a copy that broke off leaves; SQLite would take it for a new catalog.
    pub(crate) fn has_catalog(&self) -> bool {
        self.catalog_path().metadata().is_ok_and(|file| file.len() > 0)
    }

    /// What to tell when it is lost.
    pub(crate) fn lost_catalog(&self) -> String {
        format!(
            "{} is missing or empty, and {} holds runs, whose projects and keys were in it; copy catalog.sqlite and \
             catalog.sqlite-sums from a backup, or `clearspan serve --new-catalog` starts without them: no project will show the old runs",
            self.catalog_path().display(),
            self.data_dir.display()
        )
    }
}
