//! The connection that writes, for one piece of work.

use std::ops::{Deref, DerefMut};

use parking_lot::MutexGuard;
use rusqlite::Connection;

use super::guard::Guard;

/// When it ends, the write-ahead log is brought to the main file if it has grown.
pub(super) struct Writer<'a> {
    connection: MutexGuard<'a, Connection>,
    guard: &'a Guard,
    changes: u64,
}

impl<'a> Writer<'a> {
    pub(super) fn new(connection: MutexGuard<'a, Connection>, guard: &'a Guard) -> Self {
        let changes = connection.total_changes();
        Self { connection, guard, changes }
    }
}

impl Deref for Writer<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Writer<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        if self.connection.total_changes() != self.changes {
            self.guard.after_write(&self.connection);
        }
    }
}
