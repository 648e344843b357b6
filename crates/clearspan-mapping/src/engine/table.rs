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
    /// What each row is called as a source: its key, or its prefix with a star.
    pub(super) sources: Vec<&'static str>,
    /// For each row, whether it has targets about the type, and others.
    pub(super) kinds: Vec<[bool; 2]>,
    pub(super) keys: FxHashMap<&'static str, Entry>,
    pub(super) prefixes: FxHashMap<&'static str, Entry>,
    /// The first segments under which there are prefixes: most keys need no further look.
    pub(super) roots: FxHashMap<&'static str, ()>,
}

impl Table {
    pub(crate) fn new(rows: impl IntoIterator<Item = Row>) -> Self {
        let rows: Vec<Row> = rows.into_iter().collect();
        let sources = rows.iter().map(|row| row.source()).collect();
        let has = |row: &Row, about_type| row.to.iter().any(|to| to.is_about_type() == about_type);
        let kinds = rows.iter().map(|row| [has(row, true), has(row, false)]).collect();
        let mut table = Self {
            rows,
            sources,
            kinds,
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
            map.entry(key).or_insert_with(|| Entry { id, rows: Vec::new() }).rows.push(idx);
        }
        table
    }

    /// Whether a row has targets about the type, or others.
    pub(super) fn has_targets(&self, row: usize, about_type: bool) -> bool {
        let [type_too, others] = self.kinds[row];
        if about_type { type_too } else { others }
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
