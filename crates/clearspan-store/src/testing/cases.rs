//! One function for each promise, named after it. Each takes an empty store.

mod compaction;
mod costs;
mod delete;
mod doubles;
mod entries;
mod figures;
mod filters;
mod late;
mod newest;
mod pages;
mod records;
mod replace;
mod scopes;
mod search;
mod spans;

mod sql;
mod traces;
mod writes;

pub use compaction::*;
pub use costs::*;
pub use delete::*;
pub use doubles::*;
pub use entries::*;
pub use figures::*;
pub use filters::*;
pub use late::*;
pub use newest::*;
pub use pages::*;
pub use records::*;
pub use replace::*;
pub use scopes::*;
pub use search::*;
pub use spans::*;

pub use sql::*;
pub use traces::*;
pub use writes::*;
