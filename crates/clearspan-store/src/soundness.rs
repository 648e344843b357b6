//! What looking through everything that is stored finds.

use clearspan_model::UnixNanos;

/// What a check found ([`crate::native::check`], [`crate::RunStore::scrub`]).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Segments in the manifest, with the files of log records and metric points.
    pub segments: usize,
    /// Bytes of these that were compared with their checksums.
    pub bytes: u64,
    /// Their rows, dead ones included, as far as they could be read; a scrub reads none.
    pub rows: u64,
    /// Search indexes, all of whose files were compared with their checksums.
    pub indexes: usize,
    /// Files of the log.
    pub log_files: usize,
    /// Files that an older version wrote without checksums: damage that still decodes is not seen there.
    pub without_checksums: usize,
    /// What somebody should know and need not act on.
    pub notes: Vec<String>,
    /// What is not sound.
    pub problems: Vec<Problem>,
}

/// Something that is not sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, within the data folder.
    pub file: String,
    /// What is wrong with it.
    pub what: String,
    /// Which data cannot be read because of it.
    pub affected: String,
    /// When the runs or records began that are affected, where that is known.
    pub times: Option<(UnixNanos, UnixNanos)>,
    /// What to do about it.
    pub advice: &'static str,
}
