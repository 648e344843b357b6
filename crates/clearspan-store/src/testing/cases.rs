//! One function for each promise, named after it. Each takes an empty store.

mod figures;
mod filters;
mod pages;
mod scopes;
mod traces;
mod writes;

pub use figures::*;
pub use filters::*;
pub use pages::*;
pub use scopes::*;
pub use traces::*;
pub use writes::*;
