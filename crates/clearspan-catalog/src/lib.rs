//! What has a name and is edited by people: workspaces, projects, keys and mapping rules.
//!
//! This crate owns the relations of the catalog and their rules (names are unique in a workspace, a key's
//! secret is never stored). It holds no runs, no Arrow and no HTTP, and takes the time from its callers.
#![warn(missing_docs)]

mod catalog;
mod error;
mod ids;
mod name;
mod retention;
mod rule;
mod secret;
mod sqlite;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use catalog::{Catalog, Key, NewKey, Project, Workspace};
pub use error::{Error, Result};
pub use ids::{KeyId, RuleId};
pub use name::{InvalidName, KeyName, ProjectName, RuleName};
pub use retention::{LimitedProject, Retention};
pub use rule::{MappingRule, RuleContent};
pub use secret::{KeyHash, KeySecret};
pub use sqlite::SqliteCatalog;
