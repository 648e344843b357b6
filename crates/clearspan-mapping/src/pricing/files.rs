// Written by `cargo xtask prices`.
pub(super) const FILES: &[&str] = &[];
