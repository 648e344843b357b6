//! All rows, indexed by key.

use rustc_hash::FxHashMap;

use super::{Key, Row, To};

/// What is known about one key or prefix: its number, and the rows that read it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: usize,
    pub(super) rows: Vec<usize>,
}

/// The rules, strongest first.
#[derive(Debug)]
pub(crate) struct Table {
    pub(super) rows: Vec<Row>,
    /// The number of the key or prefix that each row reads.
    pub(super) ids: Vec<usize>,
    /// What each row is called as a source: its key, or its prefix with a star.
    pub(super) sources: Vec<&'static str>,
    pub(super) keys: FxHashMap<&'static str, Entry>,
    pub(super) prefixes: FxHashMap<&'static str, Entry>,
    /// The first segments under which there are prefixes: most keys need no further look.
    pub(super) roots: FxHashMap<&'static str, ()>,
}

impl Table {
    pub(crate) fn new(rows: impl IntoIterator<Item = Row>) -> Self {
        let rows: Vec<Row> = rows.into_iter().collect();
        let sources = rows.iter().map(|row| row.source()).collect();
        let mut table = Self {
            ids: Vec::with_capacity(rows.len()),
            rows,
            sources,
            keys: FxHashMap::default(),
            prefixes: FxHashMap::default(),
            roots: FxHashMap::default(),
        };
        for (idx, row) in table.rows.iter().enumerate() {
            let (map, key) = match row.key {
                Key::Is(key) => (&mut table.keys, key),
                Key::Under(prefix) => {
                    let root = prefix.split_inclusive('.').next().unwrap_or(prefix);
                    table.roots.insert(root, ());
                    (&mut table.prefixes, prefix)
                }
            };
            let id = map.len();
            let entry = map.entry(key).or_insert_with(|| Entry { id, rows: Vec::new() });
            entry.rows.push(idx);
            table.ids.push(entry.id);
        }
        table
    }

    /// The keys that rows read, for tests that try them all.
    #[cfg(test)]
    pub(crate) fn all_keys(&self) -> Vec<&'static str> {
        let mut keys: Vec<_> = self.keys.keys().chain(self.prefixes.keys()).copied().collect();
        keys.sort_unstable();
        keys
    }
}

impl Row {
    fn source(&self) -> &'static str {
        match self.key {
            Key::Is(key) => key,
            // Tables are made once and stay.
            Key::Under(prefix) => format!("{prefix}*").leak(),
        }
    }
}

impl To {
    /// The run type is settled first, because other targets depend on it.
    pub(super) fn is_about_type(self) -> bool {
        matches!(self, Self::RunType(..) | Self::Implies(..))
    }
}
